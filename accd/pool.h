/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool.h - the servers that may serve a session
 *
 * All of it belongs to the worker's loop.
 */
#ifndef ACCD_POOL_H
#define ACCD_POOL_H

#include "balance.h"
#include "conf.h"
#include "counters.h"
#include "health.h"
#include "server.h"

struct session;
struct worker;

#define POOL_SERVERS_MAX BALANCE_MEMBERS_MAX /* addresses of names included */

struct pool {
	const struct conf_pool *conf; /* of the present configuration, or of the last that had it */
	char name[CONF_NAME_BYTES];
	uint32_t source_next; /* port of the source's range, modulo its length */
	bool is_tcp_bad; /* a message said that the stack refuses one of conf->tcp */
	bool is_source_bad; /* a message said that conf->source does not work */
	uint8_t cc; /* of its connections, if no rule says otherwise: cc.c; 0: not asked yet */
	bool is_gone; /* not in the configuration any more; freed with its last session */
	uint32_t n_refs; /* sessions that point here */
	struct health_rules rules;
	struct balance balance; /* member i stands for servers[i] */
	struct server *servers[POOL_SERVERS_MAX];
	unsigned int n_servers;
	unsigned int n_usable; /* primaries, or else backups: those with a weight in `balance` */
	bool is_dirty; /* a server's state or weight has changed: pool_refresh() before the next pick */
	struct pool_name *names; /* resolve.c */
	struct worker_timer timer; /* the next change that comes by itself: ejections, slow starts */

	/* sessions that wait, first come first served */
	struct session *queue, **queue_tail;
	uint32_t n_queued;
	bool is_due; /* on worker.pools_due: a slot got free, or a server came back */
	struct pool *next_due, *next_dead;

	struct counters_pool *counters;
};

/* Why pool_pick() found no server. */
enum pool_verdict {
	POOL_PICKED,
	POOL_DOWN, /* no server is usable */
	POOL_FULL, /* all usable ones have max_connections: wait in the queue */
	POOL_TRIED, /* all usable ones were tried for this session */
};

/*
 * Make worker.pools what the configuration says. Pools are matched by their name, servers by pool,
 * name and address: those keep their health, counters and connections. What is gone lives on, out
 * of sight, until its last session has ended. 0 or -ENOMEM, and then nothing has changed. The old
 * configuration may be freed once the listeners have gone over to the new one as well.
 */
int pools_reload(struct worker *w, const struct conf *conf);
void pools_exit(struct worker *w);

/* Pool and server by name, or NULL. The server's may be that of one address ("s1#2") or, with `at`, the at-th of all. */
struct pool *pool_find(const struct worker *w, const char *name);
struct server *pool_server(const struct pool *pool, const char *name, unsigned int at);

/* Server for a session, but for those it has tried; NULL with the reason in *why. */
struct server *pool_pick(struct worker *w, struct pool *pool, const struct session *s,
			 enum pool_verdict *why);

/* A session takes a connection of `server` (or gives it back), and points to it. */
void pool_take(struct worker *w, struct session *s, struct server *server);
void pool_give_conn(struct worker *w, struct server *server);
void pool_put_server(struct worker *w, struct server *server);
void pool_put(struct worker *w, struct pool *pool);

/* The queue. pool_enqueue(): false if it is full. */
bool pool_enqueue(struct worker *w, struct session *s);
void pool_dequeue(struct worker *w, struct session *s);

/* Once per turn of the loop: sessions whose turn it is leave the queues. */
void pools_run(struct worker *w);

/* After the batch of events: free what is gone and unused. */
void pools_reap(struct worker *w);

/* Compute the weights that count. Done by the next pick or the next tick after pool_changed(). */
void pool_refresh(struct worker *w, struct pool *pool);

/* Something about a member has changed. */
void pool_changed(struct worker *w, struct pool *pool);

/* Servers of a name: see resolve.c. -ENOSPC: POOL_SERVERS_MAX. */
struct server *pool_add_server(struct worker *w, struct pool *pool, const struct conf_server *conf,
			       const char *name, const union addr *addr, int *err);
void pool_remove_server(struct worker *w, struct server *server);

#endif /* ACCD_POOL_H */
