/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * release.h - hooks for what differs between releases; 6.12 is the one that the port is written against
 */
#ifndef _ASM_LKL_RELEASE_H
#define _ASM_LKL_RELEASE_H

/* Linker script: further input sections of the text and of constants. */
#define LKL_RELEASE_TEXT
#define LKL_RELEASE_RODATA

#ifndef __ASSEMBLY__
/* Generic, or made of what is generic, from 7.0 on. */
#define page_to_phys(page) ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)
#define phys_to_page(paddr) pfn_to_page((paddr) >> PAGE_SHIFT)
#define ZERO_PAGE(vaddr) (virt_to_page(lkl_zero_page))

/* release.c: what lkl_mem_setup() does last. */
void lkl_release_mem_setup(void);
#endif

/* The definition that fits arch/x86's declaration. */
#define LKL_DEFINE_THIS_CPU_OFF DEFINE_PER_CPU_READ_MOSTLY(unsigned long, this_cpu_off)

/* The last step of arch_cpu_idle(). */
#define lkl_idle_end() do { } while (0)

/* Multiplier and shift of a clock source that is used before it is registered: as registering will set them. */
#define lkl_clocksource_scale(cs, hz) __clocksource_update_freq_scale(cs, 1, hz)

#define lkl_eventfd_signal(ctx) eventfd_signal(ctx)

/* A value that is the same wherever the task runs. */
#define lkl_cpu_read_stable(var) this_cpu_read_stable(var)

/* EXPORT_SYMBOL() of a function of libc. */
#define LKL_EXPORT_LIBC(name) EXPORT_SYMBOL(name)

/* WF_CURRENT_CPU of kernel/sched/sched.h: put the task that is woken on this CPU. */
#define LKL_WAKE_HERE 0x40

#endif /* _ASM_LKL_RELEASE_H */
