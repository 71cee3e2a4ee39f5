// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle.c - what a vCPU does when no task can run
 *
 * It sends what is queued on the wires and gives the vCPU up (vcpu.c): its host thread polls interrupt bits, the wires'
 * rings and the timer deadline for spin_ns, then sleeps in one host wait whose timeout is the deadline. It comes back,
 * maybe on another host thread, with a bit set in lkl_irq_pending or with need_resched(); the generic idle loop enables
 * interrupts next, and lkl_irq_run() does the work.
 */
#include <linux/cpu.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/idle.h>
#include <linux/smp.h>
#include <asm/lkl.h>
#include <asm/vdso/processor.h>

/* Called and left with interrupts disabled. */
void arch_cpu_idle(void)
{
	lkl_net_flush(raw_smp_processor_id());
	lkl_vcpu_idle();
	lkl_check_events();
}

void arch_cpu_idle_dead(void)
{
	lkl_vcpu_stop();
	BUG();
}

void lkl_spin_yield(void)
{
	static DEFINE_PER_CPU(unsigned int, spins);

	if (raw_cpu_add_return(spins, 1) % LKL_SPINS_PER_YIELD == 0)
		lkl_host->yield();
}
