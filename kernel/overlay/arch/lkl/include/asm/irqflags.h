/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_IRQFLAGS_H
#define _ASM_LKL_IRQFLAGS_H

/*
 * There are no asynchronous interrupts. "Disabled" is a byte in per-CPU data, and an interrupt is a bit in
 * lkl_irq_pending, set by other host threads or by the timer check, looked at when interrupts get enabled, on system call
 * exit and in the idle loop. lkl_irq_run() (kernel/irq.c) handles what is pending.
 */
#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <asm/percpu.h>

DECLARE_PER_CPU(unsigned long, lkl_irq_enabled);
DECLARE_PER_CPU(unsigned int, lkl_irq_pending);

void lkl_irq_run(void);

static __always_inline unsigned long arch_local_save_flags(void)
{
	return raw_cpu_read_8(lkl_irq_enabled);
}

static __always_inline void arch_local_irq_disable(void)
{
	raw_cpu_write_8(lkl_irq_enabled, 0);
	barrier();
}

static __always_inline void arch_local_irq_enable(void)
{
	barrier();
	raw_cpu_write_8(lkl_irq_enabled, 1);
	barrier();
	if (unlikely(raw_cpu_read_4(lkl_irq_pending)))
		lkl_irq_run();
}

static __always_inline bool arch_irqs_disabled_flags(unsigned long flags)
{
	return !flags;
}

static __always_inline bool arch_irqs_disabled(void)
{
	return arch_irqs_disabled_flags(arch_local_save_flags());
}

static __always_inline unsigned long arch_local_irq_save(void)
{
	unsigned long flags = arch_local_save_flags();

	arch_local_irq_disable();
	return flags;
}

static __always_inline void arch_local_irq_restore(unsigned long flags)
{
	if (!arch_irqs_disabled_flags(flags))
		arch_local_irq_enable();
}
#endif

#endif /* _ASM_LKL_IRQFLAGS_H */
