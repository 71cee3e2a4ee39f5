/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * release.h - what Linux 6.1 has otherwise than 6.12, which the port is written against
 *
 * Names that 6.12 has are defined with what 6.1 had instead. The hooks at the end exist for every release.
 */
#ifndef _ASM_LKL_RELEASE_H
#define _ASM_LKL_RELEASE_H

#define CONFIG_PAGE_SHIFT 12

#ifndef __ASSEMBLY__
#define arch_smp_send_reschedule smp_send_reschedule

/* Page frames of the instance's memory; generic from 6.4 on. */
#define pfn_valid pfn_valid
extern unsigned long max_mapnr;
static inline int pfn_valid(unsigned long pfn)
{
	extern unsigned long lkl_memory_pfn;

	return pfn - lkl_memory_pfn < max_mapnr;
}

/* A flag of 6.4: unknown, and so not looked at. */
#define IORING_SETUP_NO_MMAP 0

/* The allocator that the module arena implements (mm/execmem.c). */
enum execmem_type {
	EXECMEM_DEFAULT,
};
void *execmem_alloc(enum execmem_type type, size_t size);
void execmem_free(void *ptr);
#endif /* __ASSEMBLY__ */

/* ---- linker script ---- */

#define BOUNDED_SECTION_PRE_LABEL(section, label, begin, end) \
	begin##label = .;                                     \
	KEEP(*(section))                                      \
	end##label = .;
#define BOUNDED_SECTION_BY(section, label) BOUNDED_SECTION_PRE_LABEL(section, label, __start, __stop)

/* ---- hooks ---- */

#define LKL_RELEASE_TEXT CPUIDLE_TEXT
#define LKL_RELEASE_RODATA

#ifndef __ASSEMBLY__
/* Generic, or made of what is generic, from 7.0 on. */
#define page_to_phys(page) ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)
#define phys_to_page(paddr) pfn_to_page((paddr) >> PAGE_SHIFT)
#define ZERO_PAGE(vaddr) (virt_to_page(lkl_zero_page))

void lkl_release_mem_setup(void); /* release.c */
#endif

#define LKL_DEFINE_THIS_CPU_OFF DEFINE_PER_CPU_READ_MOSTLY(unsigned long, this_cpu_off)

/* 6.1's idle loop wants interrupts enabled when it comes back. */
#define lkl_idle_end() raw_local_irq_enable()

/* Multiplier and shift of a clock source that is used before it is registered: as registering will set them. */
#define lkl_clocksource_scale(cs, hz) __clocksource_update_freq_scale(cs, 1, hz)

/* One parameter from 6.8 on. */
#define lkl_eventfd_signal(ctx) eventfd_signal(ctx, 1)

/* A value that is the same wherever the task runs. 6.1's own names the variable by an address that is not position independent. */
#define lkl_cpu_read_stable(var)                                                \
	({                                                                      \
		typeof(var) value__;                                            \
		asm("movq %%gs:%a1, %0" : "=r" (value__) : "i" (&(var)));       \
		value__;                                                        \
	})

/* EXPORT_SYMBOL() of a function of libc: 6.1 makes the table's entries where they are written, so the jump is named here. */
#define LKL_EXPORT_LIBC(name)                                             \
	asm("	.section \"__ksymtab_strings\",\"aMS\",%progbits,1\n" \
	    "__kstrtab_" #name ":	.asciz	\"" #name "\"\n"        \
	    "__kstrtabns_" #name ":	.asciz	\"\"\n"                   \
	    "	.previous\n"                                            \
	    "	.section \"___ksymtab+" #name "\", \"a\"\n"           \
	    "	.balign	4\n"                                            \
	    "__ksymtab_" #name ":\n"                                    \
	    "	.long	lkl_libc_" #name " - .\n"                       \
	    "	.long	__kstrtab_" #name " - .\n"                      \
	    "	.long	__kstrtabns_" #name " - .\n"                    \
	    "	.previous\n")

/* No WF_CURRENT_CPU before 6.6. WF_SYNC of kernel/sched/sched.h: the waker is about to sleep, so the task fits here. */
#define LKL_WAKE_HERE 0x10

#endif /* _ASM_LKL_RELEASE_H */
