// SPDX-License-Identifier: GPL-2.0-only
/*
 * base.c - memory of a wire: the mechanism's struct, and the counters of its queues
 *
 * The counters lie in memory of their own that processes share after a fork: a worker counts on where
 * the one before it stopped, and its supervisor may read them.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "common.h"

void *wire_new(size_t bytes, uint32_t queues)
{
	struct lkl_wire *w = calloc(1, bytes);
	void *stats;

	if (!w)
		return NULL;
	stats = mmap(NULL, queues * sizeof(struct lkl_wire_stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (stats == MAP_FAILED) {
		free(w);
		return NULL;
	}
	w->stats = stats;
	w->queues = queues;
	return w;
}

void wire_free(struct lkl_wire *w)
{
	munmap(w->stats, w->queues * sizeof(struct lkl_wire_stats));
	free(w);
}
