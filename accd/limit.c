// SPDX-License-Identifier: GPL-2.0-only
/*
 * limit.c - how many and how fast: sessions by source address, events by rate
 *
 * The table of sources is a hash with chains; entries come from an array and go back to a list.
 * The hash is keyed with random bytes, so that nobody can choose addresses that fall into one
 * chain.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "limit.h"

#define SECOND_US 1000000ULL

uint64_t limit_rate_take(struct limit_rate *r, uint32_t rate, uint32_t burst, uint64_t now_us)
{
	/* in units of 1/rate microseconds, so that nothing is lost to rounding */
	uint64_t full = (uint64_t)burst * SECOND_US, cost = SECOND_US;
	uint64_t gone_us = r->last_us ? now_us - r->last_us : UINT64_MAX;

	if (gone_us >= full / rate || r->credit_us + gone_us * rate >= full)
		r->credit_us = full;
	else
		r->credit_us += gone_us * rate;
	r->last_us = now_us;
	if (r->credit_us >= cost) {
		r->credit_us -= cost;
		return 0;
	}
	return (cost - r->credit_us) / rate + 1;
}

void limit_rate_give(struct limit_rate *r)
{
	r->credit_us += SECOND_US;
}

struct source {
	uint64_t key;
	uint32_t scope;
	uint32_t count;
	uint32_t next; /* handle of the next in the chain or on the free list; 0: none */
	uint32_t bucket;
	uint8_t family;
};

struct limit_sources {
	uint64_t secret[2];
	size_t map_bytes;
	uint32_t n_buckets; /* power of two */
	uint32_t max, used, free, count;
	uint32_t *buckets; /* handles */
	struct source *entries; /* by handle - 1 */
};

struct limit_sources *limit_sources_new(uint32_t max_sessions)
{
	struct limit_sources *ls;
	size_t head = (sizeof(*ls) + 63) & ~(size_t)63, bytes;
	uint32_t n = 64;
	char *map;

	while (n < max_sessions)
		n *= 2;
	bytes = head + n * sizeof(uint32_t) + (size_t)max_sessions * sizeof(struct source);
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	ls = (struct limit_sources *)map;
	ls->map_bytes = bytes;
	ls->n_buckets = n;
	ls->max = max_sessions;
	ls->buckets = (uint32_t *)(map + head);
	ls->entries = (struct source *)(map + head + n * sizeof(uint32_t));
	if (getrandom(ls->secret, sizeof(ls->secret), GRND_NONBLOCK) != sizeof(ls->secret))
		ls->secret[0] = (uintptr_t)map; /* early at boot: better than nothing */
	return ls;
}

void limit_sources_free(struct limit_sources *ls)
{
	if (ls)
		munmap(ls, ls->map_bytes);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

uint32_t limit_sources_get(struct limit_sources *ls, const union addr *addr, uint32_t scope,
			   uint32_t max)
{
	uint8_t family = addr->sa.sa_family == AF_INET6 ? 6 : 4;
	uint64_t key = 0;
	uint32_t bucket, h;
	struct source *e;

	if (family == 6)
		memcpy(&key, &addr->in6.sin6_addr, 8);
	else
		memcpy(&key, &addr->in.sin_addr, 4);
	bucket = mix(mix(key ^ ls->secret[0]) ^ scope ^ ls->secret[1] ^ (uint64_t)family << 40) &
		 (ls->n_buckets - 1);
	for (h = ls->buckets[bucket]; h; h = e->next) {
		e = &ls->entries[h - 1];
		if (e->key != key || e->scope != scope || e->family != family)
			continue;
		if (e->count >= max)
			return 0;
		e->count++;
		return h;
	}
	if (!max)
		return 0;
	h = ls->free;
	if (h)
		ls->free = ls->entries[h - 1].next;
	else if (ls->used < ls->max)
		h = ++ls->used;
	else
		return 0; /* cannot be: an entry has a session at least */
	e = &ls->entries[h - 1];
	e->key = key;
	e->scope = scope;
	e->family = family;
	e->count = 1;
	e->bucket = bucket;
	e->next = ls->buckets[bucket];
	ls->buckets[bucket] = h;
	ls->count++;
	return h;
}

void limit_sources_put(struct limit_sources *ls, uint32_t handle)
{
	struct source *e = &ls->entries[handle - 1];
	uint32_t *link;

	if (--e->count)
		return;
	for (link = &ls->buckets[e->bucket]; *link != handle; link = &ls->entries[*link - 1].next)
		;
	*link = e->next;
	e->next = ls->free;
	ls->free = handle;
	ls->count--;
}

uint32_t limit_sources_count(const struct limit_sources *ls)
{
	return ls->count;
}
