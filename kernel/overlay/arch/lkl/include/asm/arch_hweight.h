/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_ARCH_HWEIGHT_H
#define _ASM_LKL_ARCH_HWEIGHT_H

/* The generic population count; bitops.h of arch/x86 asks for this name. */
#include <asm-generic/bitops/arch_hweight.h>

#endif /* _ASM_LKL_ARCH_HWEIGHT_H */
