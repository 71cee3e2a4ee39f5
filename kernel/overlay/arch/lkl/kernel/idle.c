// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle.c - what a vCPU does when no task can run
 *
 * It sends what is queued on the wires, then polls: interrupt bits, the wires' rings, the timer deadline. If nothing comes
 * for spin_ns it sleeps in one host wait whose timeout is the deadline. Leaving is always with a bit set in
 * lkl_irq_pending or with need_resched(); the generic idle loop enables interrupts next, and lkl_irq_run() does the work.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/idle.h>
#include <linux/smp.h>
#include <linux/time64.h>
#include <linux/cpu.h>
#include <asm/lkl.h>
#include <asm/vdso/processor.h>

static DEFINE_PER_CPU(int, lkl_asleep);

/* How long to sleep at most while a wire is full: about what a full ring takes to leave. */
static const s64 tx_retry_ns = NSEC_PER_MSEC;

/* [any thread] */
void lkl_kick_if_asleep(unsigned int cpu)
{
	if (READ_ONCE(*per_cpu_ptr(&lkl_asleep, cpu)))
		lkl_host->kick(cpu);
}

static bool idle_has_work(unsigned int cpu)
{
	return raw_cpu_read_4(lkl_irq_pending) || need_resched() || lkl_net_rx_ready(cpu);
}

static void idle_sleep(unsigned int cpu)
{
	u64 now, deadline = raw_cpu_read_8(lkl_timer_deadline);
	s64 timeout_ns = -1;

	WRITE_ONCE(*this_cpu_ptr(&lkl_asleep), 1);
	smp_mb(); /* pairs with lkl_raise() */
	if (!idle_has_work(cpu)) {
		if (deadline != U64_MAX) {
			now = lkl_tsc();
			timeout_ns = now < deadline ? lkl_tsc_to_ns(deadline - now) : 0;
		}
		if (unlikely(lkl_net_tx_stopped(cpu)) && (timeout_ns < 0 || timeout_ns > tx_retry_ns))
			timeout_ns = tx_retry_ns;
		lkl_host->idle_wait(cpu, timeout_ns);
	}
	WRITE_ONCE(*this_cpu_ptr(&lkl_asleep), 0);
}

/* Called and left with interrupts disabled. */
void arch_cpu_idle(void)
{
	unsigned int cpu = raw_smp_processor_id();
	u64 now = lkl_tsc(), spin_end = now + lkl_ns_to_tsc(lkl_boot.spin_ns);

	lkl_net_flush(cpu);
	for (;;) {
		if (idle_has_work(cpu))
			break;
		now = lkl_tsc();
		if (now >= raw_cpu_read_8(lkl_timer_deadline))
			break;
		if (now >= spin_end) {
			idle_sleep(cpu);
			break;
		}
		rep_nop();
	}
	lkl_check_events();
}

void arch_cpu_idle_dead(void)
{
	for (;;)
		lkl_host->idle_wait(raw_smp_processor_id(), -1);
}

void lkl_spin_yield(void)
{
	static DEFINE_PER_CPU(unsigned int, spins);

	if (raw_cpu_add_return(spins, 1) % LKL_SPINS_PER_YIELD == 0)
		lkl_host->yield();
}
