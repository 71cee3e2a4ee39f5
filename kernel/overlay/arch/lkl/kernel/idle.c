// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle.c - what a vCPU does when no task can run
 *
 * It sends what is queued on the wires and gives the vCPU up (vcpu.c): its host thread polls interrupt bits, the wires'
 * rings and the timer deadline for a while, spin_ns at most, then sleeps in one host wait whose timeout is the deadline. It
 * comes back, maybe on another host thread, with a bit set in lkl_irq_pending or with need_resched(); the generic idle loop
 * enables interrupts next, and lkl_irq_run() does the work. For how long it polls is learned: idle_poll.h.
 */
#include <linux/cpu.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/idle.h>
#include <linux/smp.h>
#include <asm/lkl.h>
#include <asm/release.h>
#include <asm/vdso/processor.h>

#include "idle_poll.h"

/*
 * What a sleep costs: the host's CPU time for the wait and the wake-up, 10 to 15 us on a virtual machine, and a little for the delay until
 * the thread runs: at equal CPU time the vCPU polls. 24 us kept it polling at a tenth of the saturated load, too.
 */
static const u64 sleep_cost_ns = 18 * NSEC_PER_USEC;
static const u64 busy_max_ns = NSEC_PER_MSEC;

static DEFINE_PER_CPU(struct idle_poll, idle_poll);
DEFINE_PER_CPU(u64, lkl_net_rx_frames);

static int __init idle_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct idle_poll *p = per_cpu_ptr(&idle_poll, cpu);

		p->limit = lkl_ns_to_tsc(lkl_boot.spin_ns);
		p->sleep_cost = lkl_ns_to_tsc(sleep_cost_ns);
		p->busy_max = lkl_ns_to_tsc(busy_max_ns);
	}
	return 0;
}
early_initcall(idle_init);

/* Called with interrupts disabled, and left so but where the release wants it otherwise. */
void arch_cpu_idle(void)
{
	struct idle_poll *p = this_cpu_ptr(&idle_poll);
	u64 begin;

	lkl_net_flush(raw_smp_processor_id());
	begin = lkl_tsc();
	if (lkl_vcpu_idle(begin + idle_poll_begin(p, begin, this_cpu_read(lkl_net_rx_frames))))
		idle_poll_end(p, begin, lkl_tsc(), this_cpu_read(lkl_net_rx_frames));
	else
		idle_poll_none(p);
	lkl_check_events();
	lkl_idle_end();
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
