// SPDX-License-Identifier: GPL-2.0-only
/*
 * kasan.c - the shadow of KASAN
 */
#include <linux/init.h>
#include <linux/kasan.h>
#include <linux/sched/task.h>
#include <linux/vmalloc.h>
#include <asm/lkl.h>

/* [before start_kernel()] */
void lkl_kasan_map(void)
{
	lkl_shadow_map(KASAN_SHADOW_START, KASAN_SHADOW_BYTES);
}

/* Until here nothing is reported: INIT_TASK has a depth of 1. */
void __init lkl_kasan_init(void)
{
	init_task.kasan_depth = 0;
	pr_info("KernelAddressSanitizer initialized\n");
}

/* For kasan_free_module_shadow(), which nothing calls: without MMU there are no such areas. */
struct vm_struct *find_vm_area(const void *addr)
{
	return NULL;
}
