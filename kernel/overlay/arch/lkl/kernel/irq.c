// SPDX-License-Identifier: GPL-2.0-only
/*
 * irq.c - interrupts as bits
 *
 * lkl_raise() (vcpu.c) sets a bit on a vCPU from any host thread and wakes somebody if no thread is at it. The executor
 * handles the bits in lkl_irq_run(), which runs when interrupts get enabled, on system call exit, and after the idle loop saw a bit. Timers
 * and wires raise nothing by themselves: lkl_check_events() looks at their state and sets the bits for them.
 */
#include <linux/hardirq.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <asm/irq_regs.h>
#include <asm/lkl.h>

DEFINE_PER_CPU(unsigned long, lkl_irq_enabled);
DEFINE_PER_CPU(unsigned int, lkl_irq_pending);
DEFINE_PER_CPU(unsigned int, lkl_at_boundary);

/*
 * How long a busy vCPU goes without looking at its wires, and sent frames may wait for a kick. Longer batches are larger:
 * 100 us instead of 20 is worth some 15 % of requests/s through the proxy at 64 connections, and no more at 256.
 */
static const u64 poll_interval_ns = 100 * NSEC_PER_USEC;

static void irq_handle(unsigned int lines)
{
	if (lines & LKL_IRQ_TIMER)
		lkl_timer_irq();
	if (lines & LKL_IRQ_RESCHEDULE)
		scheduler_ipi();
	if (lines & LKL_IRQ_CALL)
		generic_smp_call_function_interrupt();
	if (lines & LKL_IRQ_NET)
		lkl_net_irq();
	if (lines & LKL_IRQ_TASK)
		lkl_task_irq();
	if (lines & LKL_IRQ_NOTIFY)
		lkl_notify_irq();
	if (lines & LKL_IRQ_HALT)
		lkl_halt_irq();
	if (lines & LKL_IRQ_ENTER)
		lkl_enter_irq();
	if (lines & LKL_IRQ_STOP)
		lkl_vcpu_stop();
	BUG_ON(lines & LKL_IRQ_BUG);
}

/* Called with lkl_irq_enabled == 1; returns with it 1. Lockdep is told what entry and exit code of others tell it. */
void lkl_irq_run(void)
{
	struct pt_regs regs = { .user = 0 }, *old;
	unsigned int lines;

	for (;;) {
		raw_cpu_write_8(lkl_irq_enabled, 0);
		lines = raw_cpu_read_4(lkl_irq_pending) ? xchg(this_cpu_ptr(&lkl_irq_pending), 0) : 0;
		if (!lines)
			break;
		/* A tick on system call exit is one from user mode: RCU takes it as a quiescent state. */
		regs.user = raw_cpu_read_4(lkl_at_boundary);
		old = set_irq_regs(&regs);
		lockdep_hardirqs_off(_THIS_IP_);
		irq_enter();
		irq_handle(lines);
		irq_exit();
		set_irq_regs(old);
		lockdep_hardirqs_on_prepare();
		lockdep_hardirqs_on(_THIS_IP_);
	}
	raw_cpu_write_8(lkl_irq_enabled, 1);
}

/* Look at the clock event and the wires; due ones get their bits set, which the next interrupt enable handles. */
void lkl_check_events(void)
{
	unsigned int cpu = raw_smp_processor_id();
	u64 now = lkl_tsc(), deadline = raw_cpu_read_8(lkl_timer_deadline);
	unsigned int lines = 0;

	if (now >= deadline) {
		lines |= LKL_IRQ_TIMER;
		raw_cpu_write_8(lkl_timer_deadline, U64_MAX);
		deadline = U64_MAX;
	}
	lkl_net_flush(cpu);
	if (lkl_net_rx_ready(cpu))
		lines |= LKL_IRQ_NET;
	raw_cpu_write_8(lkl_next_check, min(deadline, now + lkl_ns_to_tsc(poll_interval_ns)));
	if (lines)
		__atomic_fetch_or(this_cpu_ptr(&lkl_irq_pending), lines, __ATOMIC_SEQ_CST);
}

void __init init_IRQ(void)
{
}
