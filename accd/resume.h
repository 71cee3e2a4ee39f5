/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resume.h - windows of ended connections by the peer's prefix, for Careful Resume (RFC 9959)
 *
 * One table a worker, in its memory: workers do not share it, and it ends with the worker. A prefix
 * is 24 bits of IPv4 or 48 of IPv6: what shares them shares most of the path. Pure: time is an
 * argument.
 *
 * Bounded: sets of RESUME_WAYS places, which a prefix is hashed to. In a full set a new prefix takes
 * the place of one whose lifetime is over, else of the one saved longest ago.
 */
#ifndef ACCD_RESUME_H
#define ACCD_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

#define RESUME_WAYS 8
/* Less than this is soon reached from an initial window of 10, and says little about the path. */
#define RESUME_CWND_MIN_PKTS 40

struct resume_entry {
	struct addr_prefix prefix; /* family 0: free */
	uint32_t cwnd_pkts, rtt_us; /* of the connection that ended last */
	uint64_t saved_us;
};

struct resume {
	uint32_t n_sets; /* a power of two; 0: nothing is ever saved */
	uint64_t lifetime_us;
	uint32_t n_entries; /* places taken */
	uint64_t replaced_total; /* of prefixes whose lifetime was not over */
	struct resume_entry *entries;
};

/* Room for max_entries prefixes, rounded up to whole sets. 0 or -ENOMEM. */
int resume_init(struct resume *r, uint32_t max_entries, uint64_t lifetime_us);
void resume_exit(struct resume *r);

/* What was saved for the peer's prefix, if its lifetime is not over. */
const struct resume_entry *resume_find(const struct resume *r, const union addr *peer, uint64_t now_us);

/*
 * Save; true: it was. Not with a window below RESUME_CWND_MIN_PKTS or without a round trip: then what
 * was saved before stays.
 */
bool resume_save(struct resume *r, const union addr *peer, uint32_t cwnd_pkts, uint32_t rtt_us, uint64_t now_us);

/* It did not hold: the path has changed. */
void resume_forget(struct resume *r, const union addr *peer);

#endif /* ACCD_RESUME_H */
