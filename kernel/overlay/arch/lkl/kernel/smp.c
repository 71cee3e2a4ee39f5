// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - vCPUs and the interrupts between them
 *
 * nr_cpus=N on the command line makes N vCPUs. The host starts two threads for each (vcpu.c); the home thread brings the
 * vCPU up on the stack of its idle task. An inter-processor interrupt is a bit raised on the other vCPU; the host is
 * asked to wake somebody only if no thread is running it. Waiters for a spinlock sleep in the host after a short spin.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/irq.h>
#include <linux/profile.h>
#include <linux/sched/hotplug.h>
#include <linux/sched/mm.h>
#include <linux/smp.h>
#include <asm/current.h>
#include <asm/lkl.h>

bool lkl_several_vcpus __ro_after_init;

void __init smp_prepare_boot_cpu(void)
{
	/* Nobody holds a spinlock yet: taking one and leaving it must agree on how. */
	if (num_possible_cpus() > 1) {
		__pv_init_lock_hash();
		lkl_several_vcpus = true;
	}
}

/* ---- waiting for a spinlock whose holder does not run: asm/qspinlock.h ---- */

static DEFINE_PER_CPU(u32, kicks);

void pv_wait(u8 *ptr, u8 val)
{
	u32 *word = this_cpu_ptr(&kicks), seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);

	if (READ_ONCE(*ptr) == val)
		lkl_host->futex_wait(word, seen, -1);
}

void pv_kick(int cpu)
{
	u32 *word = per_cpu_ptr(&kicks, cpu);

	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	lkl_host->futex_wake(word);
}


void __init smp_prepare_cpus(unsigned int max_cpus)
{
	init_cpu_present(cpu_possible_mask);
}

void __init smp_cpus_done(unsigned int max_cpus)
{
	/* Vcpu 0 has its home thread from the start and gets its guard now. */
	if (lkl_host->vcpu_start(0))
		panic("the host has no thread for vCPU 0");
}

/* [secondary vCPU, on its idle task's stack, interrupts disabled] */
void lkl_secondary_start(void)
{
	unsigned int cpu = smp_processor_id();

	mmgrab(&init_mm);
	current->active_mm = &init_mm;
	notify_cpu_starting(cpu);
	lkl_clock_event_init();
	set_cpu_online(cpu, true);
	local_irq_enable();
	cpu_startup_entry(CPUHP_AP_ONLINE_IDLE);
}

int __cpu_up(unsigned int cpu, struct task_struct *idle)
{
	per_cpu(current_task, cpu) = idle;
	return lkl_host->vcpu_start(cpu);
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
