// SPDX-License-Identifier: GPL-2.0-only
/*
 * ksyms.c - what the port gives to modules
 *
 * Most of it is what inline functions of asm/ headers refer to. The five functions of libc are exported by the kernel's
 * name for them, and bound to jumps of our own (lib/libc.S): a table entry is an offset, and the address of a function in
 * a shared library is not known when liblkl is linked.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <net/checksum.h>
#include <asm/current.h>
#include <asm/irqflags.h>
#include <asm/release.h>

LKL_EXPORT_LIBC(memcpy);
LKL_EXPORT_LIBC(memmove);
LKL_EXPORT_LIBC(memset);
LKL_EXPORT_LIBC(memcmp);
LKL_EXPORT_LIBC(strlen);

EXPORT_PER_CPU_SYMBOL(current_task);
EXPORT_PER_CPU_SYMBOL(this_cpu_off);
EXPORT_SYMBOL(__per_cpu_offset);
EXPORT_PER_CPU_SYMBOL(lkl_irq_enabled);
EXPORT_PER_CPU_SYMBOL(lkl_irq_pending);
EXPORT_SYMBOL(lkl_irq_run);
EXPORT_SYMBOL(lkl_spin_yield);
EXPORT_SYMBOL(lkl_bug);
EXPORT_SYMBOL(lkl_several_vcpus);
EXPORT_SYMBOL(__pv_queued_spin_unlock);

EXPORT_SYMBOL(lkl_memory_start);
EXPORT_SYMBOL(lkl_memory_end);
EXPORT_SYMBOL(lkl_memory_pfn);
EXPORT_SYMBOL(lkl_zero_page);

EXPORT_SYMBOL(lkl_clock_is_host);
EXPORT_SYMBOL(lkl_host_clock);
EXPORT_SYMBOL(__delay);
EXPORT_SYMBOL(__udelay);
EXPORT_SYMBOL(__ndelay);

EXPORT_SYMBOL(csum_and_copy_from_user);
EXPORT_SYMBOL(csum_and_copy_to_user);
EXPORT_SYMBOL(csum_partial_copy_nocheck);
