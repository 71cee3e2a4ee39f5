// SPDX-License-Identifier: GPL-2.0-only
/*
 * release.c - what Linux 6.12 asks of an architecture and the newest series does not
 */
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <asm/release.h>

/* The architecture's job before 7.0: the sizes of zones, and the end of boot memory. */
void __init lkl_release_mem_setup(void)
{
	unsigned long max_zone_pfn[MAX_NR_ZONES] = { [ZONE_NORMAL] = max_low_pfn };

	set_max_mapnr(max_low_pfn - min_low_pfn);
	free_area_init(max_zone_pfn);
}

void __init mem_init(void)
{
	memblock_free_all();
}
