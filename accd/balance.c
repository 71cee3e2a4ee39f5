// SPDX-License-Identifier: GPL-2.0-only
/*
 * balance.c - the rules that choose one of several servers
 *
 * round_robin  Smooth weighted round robin: each pick gives every candidate its weight, takes the
 *              one that is owed most and makes it pay for all. Weights 5, 1, 1 give a a b a c a a.
 * least_conn   The smallest (load + 1) / weight: what the load will be. Equal ones take turns.
 * random       Two different candidates drawn by weight; the one with the smaller load / weight.
 *              Nearly as even as least_conn, and many proxies that do it don't all choose the same.
 * hash         Maglev: each member walks the table along a permutation of its own and takes free
 *              slots in turns, as many as its weight is worth. A key is a slot. When a member
 *              goes, its slots are shared out and nearly all others keep theirs.
 *
 * Every rule looks at n members, of which there are few; hash only when a slot's owner is out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balance.h"

#define HASH_PROBES 16 /* slots looked at before the search goes member by member */

_Static_assert(BALANCE_MEMBERS_MAX <= UINT8_MAX + 1, "an index fits a byte");

static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	return x;
}

uint64_t balance_hash(const void *data, unsigned int len)
{
	const uint8_t *p = data;
	uint64_t h = 0xcbf29ce484222325ULL ^ len;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return mix(h);
}

static uint64_t draw(struct balance *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return mix(b->random);
}

static inline bool is_candidate(const struct balance_member *m)
{
	return m->weight && !m->is_out;
}

/* ---- round robin ---- */

static int pick_round_robin(struct balance *b, uint64_t key)
{
	struct balance_member *m;
	int64_t total = 0;
	unsigned int i;
	int best = -1;

	for (i = 0; i < b->n; i++) {
		m = &b->members[i];
		if (!is_candidate(m))
			continue;
		m->turn += m->weight;
		total += m->weight;
		if (best < 0 || m->turn > b->members[best].turn)
			best = i;
	}
	if (best >= 0)
		b->members[best].turn -= total;
	return best;
}

static void rebuild_round_robin(struct balance *b)
{
	unsigned int i;

	/* what was owed under other weights would come as a burst */
	for (i = 0; i < b->n; i++)
		b->members[i].turn = 0;
}

/* ---- least connections ---- */

static int pick_least_conn(struct balance *b, uint64_t key)
{
	const struct balance_member *m, *m_best = NULL;
	unsigned int i, at;
	int best = -1;

	for (i = 0; i < b->n; i++) {
		at = b->next + i < b->n ? b->next + i : b->next + i - b->n;
		m = &b->members[at];
		if (!is_candidate(m))
			continue;
		if (best < 0 || (uint64_t)(m->load + 1) * m_best->weight <
					(uint64_t)(m_best->load + 1) * m->weight) {
			best = at;
			m_best = m;
		}
	}
	if (best >= 0)
		b->next = (unsigned int)best + 1 < b->n ? best + 1 : 0;
	return best;
}

static void rebuild_least_conn(struct balance *b)
{
	if (b->next >= b->n)
		b->next = 0;
}

/* ---- random of two ---- */

/* One candidate but `but`, by weight; total is the sum of their weights. */
static int draw_member(struct balance *b, uint64_t total, int but)
{
	uint64_t at = draw(b) % total;
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		const struct balance_member *m = &b->members[i];

		if (!is_candidate(m) || (int)i == but)
			continue;
		if (at < m->weight)
			return i;
		at -= m->weight;
	}
	return -1;
}

static int pick_random(struct balance *b, uint64_t key)
{
	uint64_t total = 0;
	unsigned int i;
	int one, two;

	for (i = 0; i < b->n; i++)
		if (is_candidate(&b->members[i]))
			total += b->members[i].weight;
	if (!total)
		return -1;
	one = draw_member(b, total, -1);
	total -= b->members[one].weight;
	if (!total)
		return one;
	two = draw_member(b, total, one);
	return (uint64_t)b->members[two].load * b->members[one].weight <
			       (uint64_t)b->members[one].load * b->members[two].weight ?
		       two :
		       one;
}

/* ---- consistent hash ---- */

static void rebuild_hash(struct balance *b)
{
	struct {
		uint32_t at, step; /* the member's permutation of the slots */
		uint64_t due; /* slots it may take so far, in units of the largest weight */
		uint64_t taken;
	} walk[BALANCE_MEMBERS_MAX];
	uint8_t used[(BALANCE_TABLE_LEN + 7) / 8] = { 0 };
	unsigned int i, filled = 0;
	uint64_t h, max = 0;

	for (i = 0; i < b->n; i++) {
		if (b->members[i].weight > max)
			max = b->members[i].weight;
		h = mix(b->members[i].identity);
		walk[i].at = (h >> 32) % BALANCE_TABLE_LEN;
		walk[i].step = (uint32_t)h % (BALANCE_TABLE_LEN - 1) + 1;
		walk[i].due = walk[i].taken = 0;
	}
	b->is_table_empty = !max;
	if (!max)
		return;
	for (;;) {
		for (i = 0; i < b->n; i++) {
			if (!b->members[i].weight)
				continue;
			walk[i].due += b->members[i].weight;
			if (walk[i].due < (walk[i].taken + 1) * max)
				continue;
			walk[i].taken++;
			while (used[walk[i].at / 8] & 1 << walk[i].at % 8)
				walk[i].at = (walk[i].at + walk[i].step) % BALANCE_TABLE_LEN;
			used[walk[i].at / 8] |= 1 << walk[i].at % 8;
			b->table[walk[i].at] = i;
			if (++filled == BALANCE_TABLE_LEN)
				return;
		}
	}
}

static int pick_hash(struct balance *b, uint64_t key)
{
	unsigned int i;

	if (b->is_table_empty)
		return -1;
	/* the slots after the first are the key's own as well: it always goes to the same second choice */
	for (i = 0; i < HASH_PROBES; i++) {
		unsigned int at = b->table[mix(key + i) % BALANCE_TABLE_LEN];

		if (is_candidate(&b->members[at]))
			return at;
	}
	for (i = 0; i < b->n; i++)
		if (is_candidate(&b->members[(key + i) % b->n]))
			return (key + i) % b->n;
	return -1;
}

/* ---- entry points ---- */

/* In the order of enum conf_balance. */
static const struct balance_rule balance_rules[] = {
	{ "round_robin", pick_round_robin, rebuild_round_robin },
	{ "least_conn", pick_least_conn, rebuild_least_conn },
	{ "random", pick_random, NULL },
	{ "hash", pick_hash, rebuild_hash },
};

int balance_init(struct balance *b, int rule, uint64_t seed)
{
	memset(b, 0, sizeof(*b));
	b->rule = &balance_rules[rule];
	b->random = mix(seed) | 1;
	b->is_table_empty = true;
	if (b->rule->pick == pick_hash) {
		b->table = calloc(1, BALANCE_TABLE_LEN);
		if (!b->table)
			return -ENOMEM;
	}
	return 0;
}

void balance_exit(struct balance *b)
{
	free(b->table);
	b->table = NULL;
	b->is_table_empty = true;
}

void balance_rebuild(struct balance *b)
{
	if (b->rule->rebuild)
		b->rule->rebuild(b);
}

int balance_pick(struct balance *b, uint64_t key)
{
	return b->rule->pick(b, key);
}
