/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_SMP_H
#define _ASM_LKL_SMP_H

#ifdef CONFIG_SMP
#ifndef __ASSEMBLY__
#include <linux/cpumask.h>
#include <asm/release.h>

#define raw_smp_processor_id() (current_thread_info()->cpu)

void arch_smp_send_reschedule(int cpu);
void arch_send_call_function_single_ipi(int cpu);
void arch_send_call_function_ipi_mask(const struct cpumask *mask);
#endif
#endif

#endif /* _ASM_LKL_SMP_H */
