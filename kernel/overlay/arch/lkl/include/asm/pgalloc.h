/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PGALLOC_H
#define _ASM_LKL_PGALLOC_H

/* There are no page tables. mm/kasan/init.c has to compile, for functions that nothing calls; these are its names. */
#ifdef CONFIG_KASAN
#include <linux/pgtable.h>

#define PMD_SIZE PAGE_SIZE
#define ARCH_PAGE_TABLE_SYNC_MASK 0
#define arch_sync_kernel_mappings(start, end) do { } while (0)

#define PGDIR_SHIFT PAGE_SHIFT
#define PGDIR_SIZE PAGE_SIZE

#define pgd_addr_end(addr, end) (end)
#define pmd_addr_end(addr, end) (end)
#define pgd_offset_k(addr) ((void)(addr), (pgd_t *)NULL)
#define pmd_offset(pud, addr) ((void)(pud), (void)(addr), (pmd_t *)NULL)
#define pte_offset_kernel(pmd, addr) ((void)(pmd), (void)(addr), (pte_t *)NULL)
#define pmd_page(pmd) ((void)(pmd), (struct page *)NULL)
#define pte_page(pte) ((void)(pte), (struct page *)NULL)

#define pgd_populate(mm, pgd, p4d) do { } while (0)
#define p4d_populate(mm, p4d, pud) do { } while (0)
#define pud_populate(mm, pud, pmd) do { } while (0)
#define pmd_populate_kernel(mm, pmd, pte) ((void)(pte))
#define p4d_alloc(mm, pgd, addr) ((p4d_t *)NULL)
#define pud_alloc(mm, p4d, addr) ((pud_t *)NULL)
#define pmd_alloc(mm, pud, addr) ((pmd_t *)NULL)
#define pte_alloc_one_kernel(mm) ((pte_t *)NULL)
#define pmd_free(mm, pmd) do { } while (0)
#define pte_free_kernel(mm, pte) do { } while (0)

#define pud_none(pud) ((void)(pud), 1)
#define pud_present(pud) ((void)(pud), 0)
#define pud_clear(pud) do { } while (0)
#define pmd_none(pmd) ((void)(pmd), 1)
#define pmd_present(pmd) ((void)(pmd), 0)
#define pmd_clear(pmd) do { } while (0)
#define pte_none(pte) ((void)(pte), 1)
#define pte_present(pte) ((void)(pte), 0)
#define pte_clear(mm, addr, pte) do { } while (0)
#define pte_wrprotect(pte) (pte)
#define pfn_pte(pfn, prot) ((void)(pfn), __pte(0))
#define ptep_get(ptep) (*(ptep))
#define set_pte_at(mm, addr, ptep, pte) ((void)(pte))
#endif

#endif /* _ASM_LKL_PGALLOC_H */
