/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_ALTERNATIVE_H
#define _ASM_LKL_ALTERNATIVE_H

/*
 * Alternatives are chosen when the code is compiled, not patched at run time: the first instruction given is right on
 * every x86-64. Only lock prefixes are patched (kernel/locks.c).
 */
#include <linux/stringify.h>
#include <linux/types.h>
#include <asm/asm.h>

#ifndef __ASSEMBLY__
#define LOCK_PREFIX_HERE                     \
	".pushsection .smp_locks,\"a\"\n" \
	".balign 4\n"                       \
	".long 671f - .\n"                  \
	".popsection\n"                     \
	"671:"
#define LOCK_PREFIX LOCK_PREFIX_HERE "\n\tlock "

/* x86-64-v2 has cmpxchg16b; the others are best served by the first instruction. */
#define LKL_ALT_X86_FEATURE_CX16(oldinstr, newinstr) newinstr
#define LKL_ALT_X86_FEATURE_CX8(oldinstr, newinstr) newinstr
#define LKL_ALT_X86_FEATURE_XMM2(oldinstr, newinstr) newinstr
#define LKL_ALT_X86_FEATURE_XMM(oldinstr, newinstr) newinstr
#define ALTERNATIVE(oldinstr, newinstr, ft_flags) LKL_ALT_##ft_flags(oldinstr, newinstr)
#define alternative(oldinstr, newinstr, ft_flags) asm volatile(oldinstr : : : "memory")
#define alternative_io(oldinstr, newinstr, ft_flags, output, input...) \
	asm volatile(ALTERNATIVE(oldinstr, newinstr, ft_flags) : output : "i" (0), ## input)
#define alternative_input(oldinstr, newinstr, ft_flags, input...) \
	asm volatile(oldinstr : : input)
#define ASM_OUTPUT2(a...) a
#define ASM_NO_INPUT_CLOBBER(clbr...) "i" (0) : clbr
#define ALT_OUTPUT_SP(...) ASM_CALL_CONSTRAINT, ##__VA_ARGS__
#if __has_include(<linux/annotate.h>)
#include <linux/annotate.h>
#else
#define ANNOTATE_IGNORE_ALTERNATIVE
#endif
#endif /* __ASSEMBLY__ */

#endif /* _ASM_LKL_ALTERNATIVE_H */
