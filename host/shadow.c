// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow.c - the address range that a kernel with KASAN keeps its shadow in
 *
 * It is 16 TiB of zeros at a place that the kernel was compiled for; only what is written costs memory. A kernel without
 * KASAN does not ask for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "vcpu.h"

void lkl_shadow_map(uint64_t start, uint64_t bytes)
{
	static int is_mapped;
	void *want = (void *)start;

	/* A boot after the first: as new. */
	if (is_mapped) {
		madvise(want, bytes, MADV_DONTNEED);
		return;
	}
	if (mmap(want, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != want) {
		perror("liblkl: no room for the shadow of KASAN");
		abort();
	}
	is_mapped = 1;
	madvise(want, bytes, MADV_NOHUGEPAGE);
	madvise(want, bytes, MADV_DONTDUMP);
}
