/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_BUG_H
#define _ASM_LKL_BUG_H

/* BUG() panics with its place in the message; the panic reaches the host's panic callback with a back trace. */
#ifdef CONFIG_BUG
#ifndef __ASSEMBLY__
void lkl_bug(const char *file, int line, const char *function) __attribute__((noreturn));
#define BUG() lkl_bug(__FILE__, __LINE__, __func__)
#define HAVE_ARCH_BUG
#endif
#endif
#include <asm-generic/bug.h>

#endif /* _ASM_LKL_BUG_H */
