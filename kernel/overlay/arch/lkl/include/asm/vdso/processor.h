/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_VDSO_PROCESSOR_H
#define _ASM_LKL_VDSO_PROCESSOR_H

#ifndef __ASSEMBLY__
/*
 * A spinning vCPU may be waiting for one that the host has descheduled. After a bounded number of turns the wait is
 * given to the host (lkl_spin_yield): without it, more vCPUs than cores livelock.
 */
void lkl_spin_yield(void);
#define LKL_SPINS_PER_YIELD 256

static __always_inline void rep_nop(void)
{
	asm volatile("rep; nop" ::: "memory");
}

static __always_inline void cpu_relax(void)
{
	rep_nop();
	lkl_spin_yield();
}
#endif /* __ASSEMBLY__ */

#endif /* _ASM_LKL_VDSO_PROCESSOR_H */
