/* SPDX-License-Identifier: GPL-2.0-only */
/* The few names that arch/x86's atomics, bit operations and per-CPU accessors take from their asm/asm.h; 64-bit only. */
#ifndef _ASM_LKL_ASM_H
#define _ASM_LKL_ASM_H

#ifndef __ASSEMBLY__
#include <linux/stringify.h>

#define __ASM_SIZE(inst, ...) " " __stringify(inst##q##__VA_ARGS__) " "
#define _ASM_SP "rsp"
#define CC_SET(c) "\n\t/* condition code " #c " */\n"
#define CC_OUT(c) "=@cc" #c

register unsigned long current_stack_pointer asm("rsp");
#define ASM_CALL_CONSTRAINT "+r" (current_stack_pointer)
#endif

#endif /* _ASM_LKL_ASM_H */
