/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool.h - the servers that may serve a session
 */
#ifndef ACCD_POOL_H
#define ACCD_POOL_H

#include "counters.h"
#include "server.h"

struct worker;

/*
 * After a server failed to accept the connection, this many others are tried. More would let a
 * dead pool hold a client for minutes.
 */
#define POOL_RETRIES_MAX 3

/* Written by the worker's loop only. */
struct pool {
	const struct conf_pool *conf;
	struct counters_pool *counters;
	struct server *servers;
	unsigned int n_servers;
	unsigned int next; /* round robin */
};

/*
 * Make worker.pools what the configuration says. Pools and servers that were there before keep
 * their state. 0 or -errno, and then nothing has changed.
 */
int pools_reload(struct worker *w, const struct conf *conf);
void pools_exit(struct worker *w);

/* map, worker: where it counts. 0 or -ENOMEM. */
int pool_init(struct pool *pool, const struct conf_pool *conf,
	      struct counters_map *map, unsigned int worker);
void pool_exit(struct pool *pool);

/* Server for a new session: round robin. */
struct server *pool_pick(struct pool *pool);

/* Server to try after `failed`, when `tries` have been tried in order; NULL: give up. */
struct server *pool_pick_next(struct pool *pool, const struct server *failed,
			      unsigned int tries);

#endif /* ACCD_POOL_H */
