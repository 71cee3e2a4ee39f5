/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PAGE_H
#define _ASM_LKL_PAGE_H

/*
 * One flat mapping of the host is all memory there is, and a physical address is the virtual address. The mapping lies
 * low, so that page frame numbers stay small (mm/init.c says why that matters).
 */
#include <linux/const.h>
#include <asm/release.h>

#define PAGE_SHIFT CONFIG_PAGE_SHIFT
#define PAGE_SIZE (_AC(1,UL) << CONFIG_PAGE_SHIFT) /* to the letter as in the vdso/page.h of later releases */
#define PAGE_MASK (~(PAGE_SIZE - 1))

#ifndef __ASSEMBLY__
#include <linux/types.h>

#define clear_page(page) memset((page), 0, PAGE_SIZE)
#define copy_page(to, from) memcpy((to), (from), PAGE_SIZE)
#define clear_user_page(page, vaddr, pg) clear_page(page)
#define copy_user_page(to, from, vaddr, pg) copy_page(to, from)

typedef struct {
	unsigned long pte;
} pte_t;
typedef struct {
	unsigned long pmd;
} pmd_t;
typedef struct {
	unsigned long pgd;
} pgd_t;
typedef struct {
	unsigned long pgprot;
} pgprot_t;
typedef struct page *pgtable_t;

#define pte_val(x) ((x).pte)
#define pmd_val(x) ((x).pmd)
#define pgd_val(x) ((x).pgd)
#define pgprot_val(x) ((x).pgprot)
#define __pte(x) ((pte_t){ (x) })
#define __pmd(x) ((pmd_t){ (x) })
#define __pgd(x) ((pgd_t){ (x) })
#define __pgprot(x) ((pgprot_t){ (x) })

/* First byte, size and first page frame of the memory; set once, before anything is allocated. */
extern unsigned long lkl_memory_start, lkl_memory_end, lkl_memory_pfn;

#define PAGE_OFFSET lkl_memory_start
#define ARCH_PFN_OFFSET lkl_memory_pfn

#define __pa(x) ((unsigned long)(x))
#define __va(x) ((void *)(unsigned long)(x))
#define __pa_symbol(x) __pa(x)

static inline unsigned long virt_to_pfn(const void *kaddr)
{
	return __pa(kaddr) >> PAGE_SHIFT;
}

static inline void *pfn_to_virt(unsigned long pfn)
{
	return __va(pfn << PAGE_SHIFT);
}

#define virt_to_page(addr) pfn_to_page(virt_to_pfn(addr))
#define page_to_virt(page) pfn_to_virt(page_to_pfn(page))

#define virt_addr_valid(kaddr) \
	((unsigned long)(kaddr) >= lkl_memory_start && (unsigned long)(kaddr) < lkl_memory_end)

#include <asm-generic/memory_model.h>
#include <asm-generic/getorder.h>
#endif /* __ASSEMBLY__ */

#endif /* _ASM_LKL_PAGE_H */
