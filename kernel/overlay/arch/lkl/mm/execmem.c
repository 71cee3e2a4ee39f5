// SPDX-License-Identifier: GPL-2.0-only
/*
 * execmem.c - the arena that modules are loaded into
 *
 * Code of a module and of the kernel refer to each other with 32-bit displacements, so they must lie within 2 GiB. The
 * instance's memory is far from the image, which is wherever the host's loader put it; a part of the image's own .bss is
 * not. It costs address space, and memory only where a module lies.
 *
 * This file is there instead of mm/execmem.c, which would take the memory from vmalloc() and so, without an MMU, from the
 * page allocator: kernel/Makefile builds with CONFIG_EXECMEM= on make's command line, which leaves that file out of
 * mm/Makefile's list; C code still sees the option.
 *
 * No page is ever writable and executable: it is readable and writable until the loader has relocated it, then the loader
 * makes code readable and executable and constants read-only (STRICT_MODULE_RWX), one mprotect() of the host each, and
 * freeing makes it writable again.
 */
#include <linux/kasan.h>
#include <linux/bitmap.h>
#include <linux/execmem.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/set_memory.h>
#include <linux/spinlock.h>
#include <asm/lkl.h>

#define ARENA_BYTES (16UL << 20)
#define ARENA_PAGES (ARENA_BYTES >> PAGE_SHIFT)

static char arena[ARENA_BYTES] __aligned(PAGE_SIZE) __section(".bss..page_aligned");
static DECLARE_BITMAP(used, ARENA_PAGES);
static u16 pages_at[ARENA_PAGES];	/* length of the allocation that starts at a page */
static DECLARE_BITMAP(executable, ARENA_PAGES);
static DEFINE_SPINLOCK(arena_lock);	/* all of them */

static int protect(unsigned long addr, int numpages, u32 prot)
{
	unsigned long at = (addr - (unsigned long)arena) >> PAGE_SHIFT, flags;
	int err;

	if (addr < (unsigned long)arena || numpages < 0 ||
	    addr + ((unsigned long)numpages << PAGE_SHIFT) > (unsigned long)arena + ARENA_BYTES)
		return -EINVAL;
	if (!numpages)
		return 0;
	err = lkl_host->protect((void *)addr, (u64)numpages << PAGE_SHIFT, prot);
	if (err)
		return err;
	spin_lock_irqsave(&arena_lock, flags);
	if (prot & LKL_PROT_EXEC)
		bitmap_set(executable, at, numpages);
	else
		bitmap_clear(executable, at, numpages);
	spin_unlock_irqrestore(&arena_lock, flags);
	return 0;
}

/* Code stays executable: before 6.5 the loader asks for this once more when it has already made it so. */
int set_memory_ro(unsigned long addr, int numpages)
{
	unsigned long at = (addr - (unsigned long)arena) >> PAGE_SHIFT;

	return protect(addr, numpages, LKL_PROT_READ | (at < ARENA_PAGES && test_bit(at, executable) ? LKL_PROT_EXEC : 0));
}

int set_memory_rw(unsigned long addr, int numpages)
{
	return protect(addr, numpages, LKL_PROT_READ | LKL_PROT_WRITE);
}

int set_memory_x(unsigned long addr, int numpages)
{
	return protect(addr, numpages, LKL_PROT_READ | LKL_PROT_EXEC);
}

int set_memory_rox(unsigned long addr, int numpages)
{
	return protect(addr, numpages, LKL_PROT_READ | LKL_PROT_EXEC);
}

/* Only code ever becomes executable, and the loader asks for this on everything else: read-only stays read-only. */
int set_memory_nx(unsigned long addr, int numpages)
{
	return 0;
}

void *execmem_alloc(enum execmem_type type, size_t size)
{
	unsigned long pages = PAGE_ALIGN(size) >> PAGE_SHIFT, at;
	unsigned long flags;

	if (!pages || pages > ARENA_PAGES - 1)
		return NULL;
	spin_lock_irqsave(&arena_lock, flags);
	at = bitmap_find_next_zero_area(used, ARENA_PAGES, 0, pages, 0);
	if (at < ARENA_PAGES) {
		bitmap_set(used, at, pages);
		pages_at[at] = pages;
	}
	spin_unlock_irqrestore(&arena_lock, flags);
	if (at >= ARENA_PAGES)
		return NULL;
	/* The red zones of a former module's variables. */
	kasan_unpoison_range(arena + (at << PAGE_SHIFT), pages << PAGE_SHIFT);
	return arena + (at << PAGE_SHIFT);
}

void execmem_free(void *ptr)
{
	unsigned long at = ((char *)ptr - arena) >> PAGE_SHIFT, pages, flags;

	if (!ptr)
		return;
	if (WARN_ON(at >= ARENA_PAGES || !pages_at[at]))
		return;
	pages = pages_at[at];
	if (set_memory_rw((unsigned long)ptr, pages))
		return; /* the host refuses (out of mappings): these pages are lost, and never handed out read-only */
	spin_lock_irqsave(&arena_lock, flags);
	pages_at[at] = 0;
	bitmap_clear(used, at, pages);
	spin_unlock_irqrestore(&arena_lock, flags);
}

void __init execmem_init(void)
{
}
