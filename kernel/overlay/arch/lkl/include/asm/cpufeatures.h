/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_CPUFEATURES_H
#define _ASM_LKL_CPUFEATURES_H

/*
 * Features that arch/x86's headers name are resolved by asm/alternative.h when the code is compiled, by name: they must
 * not be macros.
 */
#define boot_cpu_has(feature) 1 /* asked about CX16 only */

#endif /* _ASM_LKL_CPUFEATURES_H */
