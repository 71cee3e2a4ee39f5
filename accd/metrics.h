/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics.h - the counters as text that Prometheus reads (exposition format 0.0.4)
 *
 * Pure: reads the shared counters and what is passed, no clock, no input and output. Any thread of
 * any of the daemon's processes.
 */
#ifndef ACCD_METRICS_H
#define ACCD_METRICS_H

#include "counters.h"

struct text;

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A configuration with all listeners, pools and servers there may be takes about 5 MiB. */
#define METRICS_BYTES_MAX (8 << 20)

struct metrics_view {
	const struct counters_map *map;
	const char *version; /* of accd */
	const char *stack; /* "lkl" or "host" */
	const char *kernel_release; /* of the stack */
};

void metrics_render(struct text *t, const struct metrics_view *view);

/* One family, for "show" commands and the test of the documentation. */
struct metrics_family {
	const char *name; /* "accd_sessions_total" */
	const char *type; /* "counter", "gauge", "histogram" */
	const char *help;
};

/* Family number i, or false: there is none. Names stand once. */
bool metrics_family(unsigned int i, struct metrics_family *family);

/* Add up a member of all workers; offset: in struct counters_listener and so on. */
uint64_t counters_sum_listener(const struct counters_map *map, unsigned int slot, size_t offset);
uint64_t counters_sum_pool(const struct counters_map *map, unsigned int slot, size_t offset);
uint64_t counters_sum_server(const struct counters_map *map, unsigned int slot, size_t offset);

/*
 * Congestion controls of all workers, each once: number i, or NULL behind the last. "other", the
 * first, only if something counted there. buf: COUNTERS_CC_NAME_BYTES + 1 bytes.
 */
const char *counters_cc_name(const struct counters_map *map, unsigned int i, char *buf);
/* offset: in struct counters_cc_side; side: 0 clients, 1 servers. */
uint64_t counters_sum_cc(const struct counters_map *map, const char *name, unsigned int side, size_t offset);

#endif /* ACCD_METRICS_H */
