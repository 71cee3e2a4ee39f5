// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters.c - what the daemon counts, in memory that outlives its workers
 *
 * Words are written with plain stores by their one writer and read with relaxed loads elsewhere:
 * an aligned word of 64 bits is never seen half written. A reader may see a session counted and
 * its bytes not yet; nothing here needs more order than that.
 */
#include <string.h>
#include <sys/mman.h>

#include "counters.h"

const struct hist_bounds hist_time_us = {
	.len = 20,
	.bounds = { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
		    1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 600000000,
		    3600000000ULL },
	.per_unit = 1000000,
};

const struct hist_bounds hist_rtt_us = {
	.len = 18,
	.bounds = { 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
		    200000, 500000, 1000000, 2000000, 5000000 },
	.per_unit = 1000000,
};

const struct hist_bounds hist_bytes = {
	.len = 15,
	.bounds = { 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20,
		    16 << 20, 64 << 20, 256 << 20, 1 << 30, 4ULL << 30, 16ULL << 30 },
	.per_unit = 1,
};

void hist_add(struct hist *h, const struct hist_bounds *bounds, uint64_t value)
{
	unsigned int i = 0;

	while (i < bounds->len && value > bounds->bounds[i])
		i++;
	h->buckets[i]++;
	h->sum += value;
}

struct counters_map *counters_new(unsigned int n_workers)
{
	size_t bytes = sizeof(struct counters_map) + n_workers * sizeof(struct counters_worker);
	struct counters_map *map;

	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
		   -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	map->n_workers = n_workers;
	map->map_bytes = bytes;
	strcpy(map->listeners[0].name, "other");
	strcpy(map->pools[0].name, "other");
	strcpy(map->servers[0].pool, "other");
	strcpy(map->servers[0].name, "other");
	return map;
}

void counters_free(struct counters_map *map)
{
	if (map)
		munmap(map, map->map_bytes);
}

static unsigned int slot_find(const struct counters_slot *slots, unsigned int len, const char *pool,
			      const char *name)
{
	unsigned int i;

	for (i = 1; i < len; i++)
		if (slots[i].state != COUNTERS_SLOT_FREE && !strcmp(slots[i].name, name) &&
		    !strcmp(slots[i].pool, pool))
			return i;
	return 0;
}

static void slots_age(struct counters_slot *slots, unsigned int len)
{
	unsigned int i;

	for (i = 1; i < len; i++)
		if (slots[i].state == COUNTERS_SLOT_USED)
			slots[i].state = COUNTERS_SLOT_OLD;
}

/*
 * The name's slot, a free one, or an old one. *is_reused: its counters belong to another name. 0:
 * none.
 */
static unsigned int slot_take(struct counters_slot *slots, unsigned int len, const char *pool,
			      const char *name, bool *is_reused)
{
	unsigned int i = slot_find(slots, len, pool, name);
	int want;

	*is_reused = false;
	for (want = COUNTERS_SLOT_FREE; !i && want <= COUNTERS_SLOT_OLD; want++) {
		for (i = 1; i < len && slots[i].state != want; i++)
			;
		if (i == len)
			i = 0;
		*is_reused = i && want == COUNTERS_SLOT_OLD;
	}
	if (!i)
		return 0;
	slots[i].state = COUNTERS_SLOT_USED;
	strncpy(slots[i].pool, pool, CONF_NAME_BYTES - 1);
	strncpy(slots[i].name, name, CONF_NAME_BYTES - 1);
	return i;
}

static void assign_server(struct counters_map *map, const struct conf_pool *pool,
			  const struct conf_server *server)
{
	unsigned int slot, w;
	bool is_reused;

	slot = slot_take(map->servers, COUNTERS_SERVERS_MAX, pool->name, server->name, &is_reused);
	for (w = 0; is_reused && w < map->n_workers; w++)
		memset(&map->workers[w].servers[slot], 0, sizeof(map->workers[w].servers[slot]));
}

void counters_assign(struct counters_map *map, const struct conf *conf)
{
	unsigned int i, j, slot, w;
	bool is_reused;

	slots_age(map->listeners, COUNTERS_LISTENERS_MAX);
	slots_age(map->pools, COUNTERS_POOLS_MAX);
	slots_age(map->servers, COUNTERS_SERVERS_MAX);
	/* names that stay first, so that a new name does not take their old slot */
	for (i = 0; i < conf->n_listeners; i++)
		if ((slot = slot_find(map->listeners, COUNTERS_LISTENERS_MAX, "",
				      conf->listeners[i].name)))
			map->listeners[slot].state = COUNTERS_SLOT_USED;
	for (i = 0; i < conf->n_pools; i++) {
		const struct conf_pool *pool = &conf->pools[i];

		if ((slot = slot_find(map->pools, COUNTERS_POOLS_MAX, "", pool->name)))
			map->pools[slot].state = COUNTERS_SLOT_USED;
		for (j = 0; j < pool->n_servers; j++)
			if ((slot = slot_find(map->servers, COUNTERS_SERVERS_MAX, pool->name,
					      pool->servers[j].name)))
				map->servers[slot].state = COUNTERS_SLOT_USED;
	}
	for (i = 0; i < conf->n_listeners; i++) {
		slot = slot_take(map->listeners, COUNTERS_LISTENERS_MAX, "",
				 conf->listeners[i].name, &is_reused);
		for (w = 0; is_reused && w < map->n_workers; w++)
			memset(&map->workers[w].listeners[slot], 0,
			       sizeof(map->workers[w].listeners[slot]));
	}
	for (i = 0; i < conf->n_pools; i++) {
		const struct conf_pool *pool = &conf->pools[i];

		slot = slot_take(map->pools, COUNTERS_POOLS_MAX, "", pool->name, &is_reused);
		for (w = 0; is_reused && w < map->n_workers; w++)
			memset(&map->workers[w].pools[slot], 0, sizeof(map->workers[w].pools[slot]));
		for (j = 0; j < pool->n_servers; j++)
			assign_server(map, pool, &pool->servers[j]);
	}
}

void counters_worker_begins(struct counters_map *map, unsigned int index)
{
	struct counters_worker *w = &map->workers[index];
	unsigned int i;

#define ZERO(member, ...) c->member = 0;
	{
		struct counters *c = &w->all;

		COUNTERS_WORKER_GAUGES(ZERO)
		c->starts++;
		w->stack.wire_link_down = w->stack.tcp_established = 0;
	}
	for (i = 0; i < COUNTERS_CC_MAX && (!i || w->cc[i].name[0]); i++) {
		struct counters_cc_side *c;

		for (c = w->cc[i].sides; c < w->cc[i].sides + 2; c++) {
			COUNTERS_CC_GAUGES(ZERO)
		}
	}
	for (i = 0; i < COUNTERS_LISTENERS_MAX; i++) {
		struct counters_listener *c = &w->listeners[i];

		if (!i || map->listeners[i].state != COUNTERS_SLOT_FREE) {
			COUNTERS_LISTENER_GAUGES(ZERO)
		}
	}
	for (i = 0; i < COUNTERS_POOLS_MAX; i++) {
		struct counters_pool *c = &w->pools[i];

		if (!i || map->pools[i].state != COUNTERS_SLOT_FREE) {
			COUNTERS_POOL_GAUGES(ZERO)
		}
	}
	for (i = 0; i < COUNTERS_SERVERS_MAX; i++) {
		struct counters_server *c = &w->servers[i];

		if (!i || map->servers[i].state != COUNTERS_SLOT_FREE) {
			COUNTERS_SERVER_GAUGES(ZERO)
		}
	}
#undef ZERO
}

struct counters_listener *counters_listener(struct counters_map *map, unsigned int worker,
					    const char *name)
{
	return &map->workers[worker]
			.listeners[slot_find(map->listeners, COUNTERS_LISTENERS_MAX, "", name)];
}

struct counters_pool *counters_pool(struct counters_map *map, unsigned int worker, const char *name)
{
	return &map->workers[worker].pools[slot_find(map->pools, COUNTERS_POOLS_MAX, "", name)];
}

struct counters_server *counters_server(struct counters_map *map, unsigned int worker,
					const char *pool, const char *name)
{
	return &map->workers[worker]
			.servers[slot_find(map->servers, COUNTERS_SERVERS_MAX, pool, name)];
}
