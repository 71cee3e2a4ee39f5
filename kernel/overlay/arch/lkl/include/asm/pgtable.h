/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PGTABLE_H
#define _ASM_LKL_PGTABLE_H

/* No MMU: the names that generic code wants, with nothing behind them. */
#include <asm-generic/pgtable-nopud.h>
#ifndef __ASSEMBLY__
#include <asm/page.h>
#include <asm/processor.h>

#define pgd_present(pgd) (1)
#define pgd_none(pgd) (0)
#define pgd_bad(pgd) (0)
#define pgd_clear(pgdp)

#define PAGE_NONE __pgprot(0)
#define PAGE_SHARED __pgprot(0)
#define PAGE_COPY __pgprot(0)
#define PAGE_READONLY __pgprot(0)
#define PAGE_KERNEL __pgprot(0)

#define swapper_pg_dir ((pgd_t *)0)

/* Allocated at boot: image addresses lie outside mem_map, so virt_to_page() of a static object is never valid. */
extern void *lkl_zero_page;

#define VMALLOC_START 0UL
#define VMALLOC_END (~0UL)
#endif

#endif /* _ASM_LKL_PGTABLE_H */
