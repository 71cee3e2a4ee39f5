// SPDX-License-Identifier: GPL-2.0-only
/*
 * resume.c - windows of ended connections by the peer's prefix, for Careful Resume (RFC 9959)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resume.h"

#define V4_BYTES 3 /* of the prefix */
#define V6_BYTES 6

static bool prefix_of(const union addr *peer, struct addr_prefix *prefix)
{
	size_t keep;

	if (!addr_to_prefix(peer, prefix))
		return false;
	keep = prefix->family == 4 ? V4_BYTES : V6_BYTES;
	memset(prefix->bytes + keep, 0, sizeof(prefix->bytes) - keep);
	prefix->len = 8 * keep;
	return true;
}

static struct resume_entry *set_of(const struct resume *r, const struct addr_prefix *prefix)
{
	uint64_t h = prefix->family;
	unsigned int i;

	for (i = 0; i < V6_BYTES; i++)
		h = (h ^ prefix->bytes[i]) * 0x9e3779b97f4a7c15ULL;
	return &r->entries[(h >> 32 & (r->n_sets - 1)) * RESUME_WAYS];
}

static struct resume_entry *find(const struct resume *r, const struct addr_prefix *prefix)
{
	struct resume_entry *e = set_of(r, prefix), *end = e + RESUME_WAYS;

	for (; e < end; e++)
		if (!memcmp(&e->prefix, prefix, sizeof(*prefix)))
			return e;
	return NULL;
}

static bool is_over(const struct resume *r, const struct resume_entry *e, uint64_t now_us)
{
	return now_us - e->saved_us >= r->lifetime_us;
}

int resume_init(struct resume *r, uint32_t max_entries, uint64_t lifetime_us)
{
	memset(r, 0, sizeof(*r));
	r->lifetime_us = lifetime_us;
	if (!max_entries)
		return 0;
	for (r->n_sets = 1; r->n_sets * RESUME_WAYS < max_entries;)
		r->n_sets *= 2;
	r->entries = calloc(r->n_sets * RESUME_WAYS, sizeof(*r->entries)); /* pages are touched when used */
	if (r->entries)
		return 0;
	r->n_sets = 0;
	return -ENOMEM;
}

void resume_exit(struct resume *r)
{
	free(r->entries);
	memset(r, 0, sizeof(*r));
}

const struct resume_entry *resume_find(const struct resume *r, const union addr *peer, uint64_t now_us)
{
	const struct resume_entry *e;
	struct addr_prefix prefix;

	if (!r->n_sets || !prefix_of(peer, &prefix))
		return NULL;
	e = find(r, &prefix);
	return e && !is_over(r, e, now_us) ? e : NULL;
}

bool resume_save(struct resume *r, const union addr *peer, uint32_t cwnd_pkts, uint32_t rtt_us, uint64_t now_us)
{
	struct resume_entry *e, *oldest, *set;
	struct addr_prefix prefix;

	if (!r->n_sets || cwnd_pkts < RESUME_CWND_MIN_PKTS || !rtt_us || !prefix_of(peer, &prefix))
		return false;
	e = find(r, &prefix);
	if (!e) {
		set = set_of(r, &prefix);
		for (oldest = e = set; e < set + RESUME_WAYS && e->prefix.family; e++)
			if (e->saved_us < oldest->saved_us)
				oldest = e;
		if (e == set + RESUME_WAYS) {
			e = oldest; /* also the first whose lifetime is over, if there is one */
			r->replaced_total += !is_over(r, e, now_us);
		} else {
			r->n_entries++;
		}
		e->prefix = prefix;
	}
	e->cwnd_pkts = cwnd_pkts;
	e->rtt_us = rtt_us;
	e->saved_us = now_us;
	return true;
}

void resume_forget(struct resume *r, const union addr *peer)
{
	struct addr_prefix prefix;
	struct resume_entry *e, *last;

	if (!r->n_sets || !prefix_of(peer, &prefix))
		return;
	e = find(r, &prefix);
	if (!e)
		return;
	/* free places stand behind the taken ones */
	for (last = set_of(r, &prefix) + RESUME_WAYS - 1; !last->prefix.family; last--)
		;
	*e = *last;
	memset(last, 0, sizeof(*last));
	r->n_entries--;
}
