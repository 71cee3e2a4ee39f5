// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - the memory of the instance
 *
 * One host mapping, physical address == virtual address. It has to lie low: init_unavailable_range() walks the page frames
 * from 0 to the first one, a page block at a time (at a random mmap address that is 65 ms of boot).
 */
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <asm/lkl.h>
#include <asm/release.h>
#include <asm/sections.h>

unsigned long lkl_memory_start __ro_after_init, lkl_memory_end __ro_after_init, lkl_memory_pfn __ro_after_init;
void *lkl_zero_page __ro_after_init;

void __init lkl_mem_setup(void)
{
	lkl_memory_start = lkl_boot.memory_start;
	lkl_memory_end = lkl_memory_start + lkl_boot.memory_bytes;
	lkl_memory_pfn = PFN_DOWN(lkl_memory_start);
	memblock_add(lkl_memory_start, lkl_boot.memory_bytes);
	memblock_set_bottom_up(true);
	min_low_pfn = lkl_memory_pfn;
	max_pfn = max_low_pfn = PFN_DOWN(lkl_memory_end);
	high_memory = (void *)lkl_memory_end;
	lkl_zero_page = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!lkl_zero_page)
		panic("no memory for the zero page");
	lkl_release_mem_setup();
#ifdef CONFIG_KASAN
	lkl_kasan_init();
#endif
}

static bool lies_in(const void *p, size_t size, const void *start, const void *end)
{
	return p >= start && p < end && size <= (size_t)(end - p);
}

/*
 * There is no page fault to recover from: a look at what may be a bad pointer (a panic that prints a worker's queue, which is
 * NULL for an idle one) is refused outside the kernel's own memory.
 */
bool copy_from_kernel_nofault_allowed(const void *src, size_t size)
{
	return lies_in(src, size, (void *)lkl_memory_start, (void *)lkl_memory_end) ||
	       lies_in(src, size, _sdata, _edata) || lies_in(src, size, __bss_start, __bss_stop) ||
	       lies_in(src, size, __start_rodata, __end_rodata) || lies_in(src, size, _stext, _etext);
}
