/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_KASAN_H
#define _ASM_LKL_KASAN_H

/*
 * The shadow covers the whole address space of the process, one byte for eight: the instance's memory, the image's
 * objects, the stacks. The host maps it without reserving memory (host/shadow.c), so what nobody poisoned reads as 0,
 * "may be accessed", and there are no page tables to populate.
 */
#include <linux/const.h>
#include <asm/page.h>

#define KASAN_SHADOW_SCALE_SHIFT 3
#define KASAN_SHADOW_OFFSET _AC(CONFIG_KASAN_SHADOW_OFFSET, UL)
#define KASAN_SHADOW_START KASAN_SHADOW_OFFSET
#define KASAN_SHADOW_BYTES (_AC(1, UL) << (47 - KASAN_SHADOW_SCALE_SHIFT))
#define KASAN_SHADOW_END (KASAN_SHADOW_START + KASAN_SHADOW_BYTES)

/* For the declarations of linux/kasan.h and the unused code of mm/kasan/init.c. */
#define PTRS_PER_PTE 1
#define PTRS_PER_PMD 1

#ifndef __ASSEMBLY__
struct vm_area_struct;
#endif

#endif /* _ASM_LKL_KASAN_H */
