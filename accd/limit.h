/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit.h - how many and how fast: sessions by source address, events by rate
 *
 * One thread (the loop) for each object. Times in microseconds of the loop's clock.
 */
#ifndef ACCD_LIMIT_H
#define ACCD_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

/* A token bucket: `rate` a second on average, `burst` at once. */
struct limit_rate {
	uint64_t credit_us; /* time saved up; a token costs 1 s / rate */
	uint64_t last_us; /* 0: not used yet, full */
};

/* Take a token. 0, or in how many microseconds there will be one. */
uint64_t limit_rate_take(struct limit_rate *r, uint32_t rate, uint32_t burst, uint64_t now_us);

/* Give the last token back: it was not needed. */
void limit_rate_give(struct limit_rate *r);

/*
 * Sessions by source: an IPv4 address, or the /64 of an IPv6 address (which one host can fill as
 * it likes). There is an entry only while there are sessions, so a table for as many sources as
 * there may be sessions is never full.
 */
struct limit_sources;

/* NULL: no memory. Pages are taken as they are used. */
struct limit_sources *limit_sources_new(uint32_t max_sessions);
void limit_sources_free(struct limit_sources *ls);

/*
 * Count a session of `addr` in `scope` (listeners have their own counts). Returns a handle > 0 for
 * limit_sources_put(), or 0: there are `max` already.
 */
uint32_t limit_sources_get(struct limit_sources *ls, const union addr *addr, uint32_t scope,
			   uint32_t max);
void limit_sources_put(struct limit_sources *ls, uint32_t handle);

/* Sources with sessions now. */
uint32_t limit_sources_count(const struct limit_sources *ls);

#endif /* ACCD_LIMIT_H */
