/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libc.S - libc's functions at addresses within the image, for modules
 *
 * kernel/Makefile binds the exported name (memcpy) to the jump (lkl_libc_memcpy) in the table of exported symbols.
 */
#include <linux/linkage.h>

.macro jump_to name
SYM_FUNC_START(lkl_libc_\name)
	jmp	\name@PLT
SYM_FUNC_END(lkl_libc_\name)
.endm

	.text
	jump_to memcpy
	jump_to memmove
	jump_to memset
	jump_to memcmp
	jump_to strlen
