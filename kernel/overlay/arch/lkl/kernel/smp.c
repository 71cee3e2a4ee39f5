// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - vCPUs and the interrupts between them
 *
 * An inter-processor interrupt is a bit raised on the other vCPU; the host is asked to wake it only if it sleeps. The
 * instance runs on vCPU 0 alone so far: the others are not brought up.
 */
#include <linux/cpumask.h>
#include <linux/irq.h>
#include <linux/profile.h>
#include <linux/smp.h>
#include <asm/lkl.h>

void __init smp_prepare_boot_cpu(void)
{
}

void __init smp_prepare_cpus(unsigned int max_cpus)
{
	init_cpu_present(cpumask_of(0));
}

void __init smp_cpus_done(unsigned int max_cpus)
{
}

int __cpu_up(unsigned int cpu, struct task_struct *idle)
{
	return -ENOSYS;
}

void arch_smp_send_reschedule(int cpu)
{
	lkl_raise(cpu, LKL_IRQ_RESCHEDULE);
}

void arch_send_call_function_single_ipi(int cpu)
{
	lkl_raise(cpu, LKL_IRQ_CALL);
}

void arch_send_call_function_ipi_mask(const struct cpumask *mask)
{
	int cpu;

	for_each_cpu(cpu, mask)
		lkl_raise(cpu, LKL_IRQ_CALL);
}

void smp_send_stop(void)
{
}
