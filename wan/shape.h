/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shape.h - a direction of a scenario as qdiscs of a netdev inside the instance
 *
 * All functions run as an application task of the instance; one task at a time uses a shaper. Errors are negative errno.
 */
#ifndef WAN_SHAPE_H
#define WAN_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "scenario.h"

struct shaper {
	const struct scenario_path *path;
	int ifindex; /* where frames leave */
	uint32_t mtu;
	uint64_t seed, random;
	uint64_t rate_bps; /* what holds now */
	int64_t delay_ns, drawn_ns;
	double loss;
	bool is_loss_alone; /* in a netem of its own */
	int64_t begin_ns, jitter_next_ns;
	uint32_t step; /* the next of the trace */
	uint64_t rate_changes, delay_changes;
};

/* What became of frames, read from the qdiscs. `lost_total`: by the scenario's loss; `overflow_total`: no room in a queue. */
struct shape_counts {
	uint64_t frames_total, bytes_total, lost_total, overflow_total,
		oversize_total;
};

/* Up, promiscuous, without GRO. */
int shape_prepare(int ifindex);

/* Every frame that netdev `from` receives leaves through netdev `to` as it is, before any protocol sees it. */
int shape_redirect(int from, int to);

/* Put the qdiscs on. `path` must stay. */
int shape_begin(struct shaper *sh, const struct scenario_path *path,
		int ifindex, uint32_t mtu, uint64_t seed);

/* Take them off again; frames under way are gone. */
int shape_end(const struct shaper *sh);

/* Do what the trace and the jitter have due; *next_ns is the next time (CLOCK_MONOTONIC), INT64_MAX: never. */
int shape_tick(struct shaper *sh, int64_t now_ns, int64_t *next_ns);

int shape_counts(const struct shaper *sh, struct shape_counts *counts);

#endif /* WAN_SHAPE_H */
