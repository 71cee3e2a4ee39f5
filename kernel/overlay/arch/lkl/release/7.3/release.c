// SPDX-License-Identifier: GPL-2.0-only
/*
 * release.c - what Linux 7.3 asks of an architecture and 6.12 does not
 */
#include <linux/execmem.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/release.h>

/* Zones are made by the kernel itself, and it asks for their sizes. */
void __init lkl_release_mem_setup(void)
{
}

void __init arch_zone_limits_init(unsigned long *max_zone_pfn)
{
	max_zone_pfn[ZONE_NORMAL] = max_low_pfn;
}

/* Its own zero page is an object of the image, which has no struct page. */
void __init arch_setup_zero_pages(void)
{
	__zero_page = virt_to_page(lkl_zero_page);
}

/* Memory of the module arena (mm/execmem.c) is always writable when it is handed out. */
void *execmem_alloc_rw(enum execmem_type type, size_t size)
{
	return execmem_alloc(type, size);
}

bool execmem_is_rox(enum execmem_type type)
{
	return false;
}
