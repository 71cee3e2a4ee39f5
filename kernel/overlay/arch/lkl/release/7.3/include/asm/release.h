/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * release.h - what Linux 7.3 has otherwise than 6.12, which the port is written against
 */
#ifndef _ASM_LKL_RELEASE_H
#define _ASM_LKL_RELEASE_H

/* Linker script: further input sections of the text and of constants. */
#define LKL_RELEASE_TEXT
#define LKL_RELEASE_RODATA                    \
	__start___kflagstab = .;              \
	KEEP(*(SORT(___kflagstab+*)))         \
	__stop___kflagstab = .;

#ifndef __ASSEMBLY__
/* release.c: what lkl_mem_setup() does last. */
void lkl_release_mem_setup(void);
#endif

/* The definition that fits arch/x86's declaration. */
#define LKL_DEFINE_THIS_CPU_OFF DEFINE_PER_CPU_CACHE_HOT(unsigned long, this_cpu_off)

/* The last step of arch_cpu_idle(). */
#define lkl_idle_end() do { } while (0)

/* Multiplier and shift of a clock source that is used before it is registered: as registering will set them. */
#define lkl_clocksource_scale(cs, hz) clocks_calc_mult_shift(&(cs)->mult, &(cs)->shift, hz, NSEC_PER_SEC, 600)

#define lkl_eventfd_signal(ctx) eventfd_signal(ctx)

/* A value that is the same wherever the task runs. */
#define lkl_cpu_read_stable(var) this_cpu_read_stable(var)

/* EXPORT_SYMBOL() of a function of libc. */
#define LKL_EXPORT_LIBC(name) EXPORT_SYMBOL(name)

/* WF_CURRENT_CPU of kernel/sched/sched.h: put the task that is woken on this CPU. */
#define LKL_WAKE_HERE 0x40

#endif /* _ASM_LKL_RELEASE_H */
