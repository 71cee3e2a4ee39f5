// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool.c - which server serves a session
 *
 * Round robin over sessions. A retry goes to the neighbour of the server that failed and does not
 * move the round: while one server is down, its share goes to its neighbour and the others keep
 * theirs. No server is tried twice for a session.
 */
#include <errno.h>
#include <stdlib.h>

#include "pool.h"
#include "worker.h"

int pool_init(struct pool *pool, const struct conf_pool *conf,
	      struct counters_map *map, unsigned int worker)
{
	unsigned int i;

	pool->conf = conf;
	pool->counters = counters_pool(map, worker, conf->name);
	pool->next = 0;
	pool->n_servers = conf->n_servers;
	pool->servers = calloc(conf->n_servers, sizeof(*pool->servers));
	if (!pool->servers)
		return -ENOMEM;
	for (i = 0; i < conf->n_servers; i++)
		server_init(&pool->servers[i], &conf->servers[i],
			    counters_server(map, worker, conf->name,
					    conf->servers[i].name));
	return 0;
}

void pool_exit(struct pool *pool)
{
	free(pool->servers);
	pool->servers = NULL;
}

int pools_reload(struct worker *w, const struct conf *conf)
{
	unsigned int i;
	int r;

	w->pools = calloc(conf->n_pools, sizeof(*w->pools));
	if (!w->pools)
		return -ENOMEM;
	for (i = 0; i < conf->n_pools; i++) {
		w->pools[i] = calloc(1, sizeof(**w->pools));
		r = w->pools[i] ? pool_init(w->pools[i], &conf->pools[i], w->map, w->index) : -ENOMEM;
		if (r)
			return r;
		w->n_pools++;
	}
	return 0;
}

void pools_exit(struct worker *w)
{
	while (w->n_pools) {
		pool_exit(w->pools[--w->n_pools]);
		free(w->pools[w->n_pools]);
	}
	free(w->pools);
	w->pools = NULL;
}

struct server *pool_pick(struct pool *pool)
{
	struct server *server = &pool->servers[pool->next];

	if (++pool->next == pool->n_servers)
		pool->next = 0;
	return server;
}

struct server *pool_pick_next(struct pool *pool, const struct server *failed,
			      unsigned int tries)
{
	unsigned int i = failed - pool->servers;

	if (tries >= pool->n_servers || tries > POOL_RETRIES_MAX)
		return NULL;
	return &pool->servers[(i + 1) % pool->n_servers];
}
