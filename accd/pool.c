// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool.c - the servers that may serve a session, and the sessions that wait for one
 *
 * A pool keeps struct balance in step with its servers. Whatever changes a server's state or
 * weight calls pool_changed(); pool_refresh() then computes the weights that count: those of the
 * usable primaries, or of the usable backups if there is no usable primary. A timer of the pool
 * does the same for what changes by itself (an ejection ends, a slow start gains weight).
 *
 * Nothing here looks into a configuration after the next one was taken: pools_reload() moves
 * every pool and server over, or retires it. What is retired stays in memory, unseen by pool_pick(),
 * until no session points to it; it is freed after the batch of events (pools_reap()), because
 * events of the same batch may still name it.
 *
 * Queue. A session waits only if a server is usable and all usable ones have max_connections. A
 * connection that ends marks its pool as due; pools_run() hands free slots out once per turn, in
 * the order of arrival. If all servers go down, those who wait are reset at once, as newcomers are.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "pool.h"
#include "resolve.h"
#include "session.h"
#include "worker.h"

/* ---- weights ---- */

static void pool_say(struct worker *w, struct server *server)
{
	enum server_state state = server_state(w, server);
	char text[ADDR_TEXT_BYTES];

	if (state == server->state_said)
		return;
	/* SLOW_START to UP is no news */
	if (state != SERVER_UP || server->state_said != SERVER_SLOW_START)
		msg("server %s/%s (%s) is %s, was %s", server->pool->name, server->name,
		    addr_format(&server->addr, text, sizeof(text)), health_state_name(state),
		    health_state_name(server->state_said));
	server->state_said = state;
	server->state_since_us = w->now_us;
}

void pool_refresh(struct worker *w, struct pool *pool)
{
	uint64_t next_us = UINT64_MAX, at_us;
	unsigned int i, n_primaries = 0;
	bool has_changed = pool->n_servers != pool->balance.n;

	pool->is_dirty = false;
	for (i = 0; i < pool->n_servers; i++) {
		struct server *server = pool->servers[i];

		server->counters->usable = 0;
		health_tick(&server->health, &pool->rules, w->now_us);
		pool_say(w, server);
		at_us = health_next_us(&server->health, &pool->rules, w->now_us);
		if (at_us < next_us)
			next_us = at_us;
		if (!server->conf->is_backup && server->weight &&
		    health_is_usable(&server->health, &pool->rules, w->now_us))
			n_primaries++;
	}
	pool->n_usable = 0;
	for (i = 0; i < pool->n_servers; i++) {
		struct server *server = pool->servers[i];
		struct balance_member *m = &pool->balance.members[i];
		uint64_t identity = balance_hash(&server->addr, addr_len(&server->addr));
		uint32_t weight = 0;

		if (health_is_usable(&server->health, &pool->rules, w->now_us) &&
		    !server->conf->is_backup == !!n_primaries)
			weight = server->weight * BALANCE_WEIGHT_ONE *
				 health_ramp_pct(&server->health, &pool->rules, w->now_us) / 100;
		if (weight)
			pool->n_usable++;
		if (m->weight != weight || m->identity != identity) {
			m->weight = weight;
			m->identity = identity;
			has_changed = true;
		}
		m->load = server->n_conns;
		server->counters->usable += weight != 0;
	}
	pool->balance.n = pool->n_servers;
	if (has_changed)
		balance_rebuild(&pool->balance);
	if (next_us == UINT64_MAX)
		timer_stop(&w->task_wheel, &pool->timer.timer);
	else
		timer_set(&w->task_wheel, &pool->timer.timer, next_us);
}

/* Its queue is to be looked at. */
static void pool_mark_due(struct worker *w, struct pool *pool)
{
	if (pool->is_due || !pool->n_queued)
		return;
	pool->is_due = true;
	pool->next_due = w->pools_due;
	w->pools_due = pool;
}

void pool_changed(struct worker *w, struct pool *pool)
{
	pool->is_dirty = true;
	pool_mark_due(w, pool);
	/* so that a change is said, and the queue served, even if nobody picks */
	timer_set(&w->task_wheel, &pool->timer.timer, w->now_us);
}

static void pool_timer(struct worker *w, struct worker_timer *t)
{
	struct pool *pool = (struct pool *)((char *)t - offsetof(struct pool, timer));

	pool_refresh(w, pool);
	pool_mark_due(w, pool);
}

/* ---- choice ---- */

static bool was_tried(const struct session *s, const struct server *server)
{
	unsigned int i;

	for (i = 0; i < s->tries; i++)
		if (s->tried[i] == server->id)
			return true;
	return false;
}

struct server *pool_pick(struct worker *w, struct pool *pool, const struct session *s,
			 enum pool_verdict *why)
{
	unsigned int i, n_full = 0;
	uint64_t key = 0;
	int at;

	if (pool->is_dirty)
		pool_refresh(w, pool);
	*why = POOL_DOWN;
	if (!pool->n_usable)
		return NULL;
	for (i = 0; i < pool->n_servers; i++) {
		const struct server *server = pool->servers[i];
		struct balance_member *m = &pool->balance.members[i];
		uint32_t max = server->conf->max_connections;

		m->load = server->n_conns;
		m->is_out = s->tries && was_tried(s, server);
		if (m->weight && !m->is_out && max && server->n_conns >= max) {
			m->is_out = true;
			n_full++;
		}
	}
	if (pool->conf->balance == CONF_BALANCE_HASH)
		key = addr_hash(&s->client);
	at = balance_pick(&pool->balance, key);
	*why = at >= 0 ? POOL_PICKED : n_full ? POOL_FULL : POOL_TRIED;
	return at >= 0 ? pool->servers[at] : NULL;
}

void pool_take(struct worker *w, struct session *s, struct server *server)
{
	if (s->server)
		pool_put_server(w, s->server);
	s->server = server;
	server->n_refs++;
	server->n_conns++;
}

void pool_give_conn(struct worker *w, struct server *server)
{
	server->n_conns--;
	pool_mark_due(w, server->pool);
}

/* ---- members ---- */

static void server_bury(struct worker *w, struct server *server)
{
	server->next_dead = w->servers_dead;
	w->servers_dead = server;
}

void pool_put_server(struct worker *w, struct server *server)
{
	if (!--server->n_refs && !server->conf)
		server_bury(w, server);
}

void pool_put(struct worker *w, struct pool *pool)
{
	if (--pool->n_refs || !pool->is_gone)
		return;
	pool->next_dead = w->pools_dead;
	w->pools_dead = pool;
}

static void server_set_conf(struct server *server, const struct conf_server *conf)
{
	/* what an operator said of the weight holds until the file says something else */
	if (!server->conf || server->conf->weight != conf->weight)
		server->weight = conf->weight;
	server->conf = conf;
}

struct server *pool_add_server(struct worker *w, struct pool *pool, const struct conf_server *conf,
			       const char *name, const union addr *addr, int *err)
{
	struct server *server;

	*err = -ENOSPC;
	if (pool->n_servers == POOL_SERVERS_MAX)
		return NULL;
	*err = -ENOMEM;
	server = aligned_alloc(_Alignof(struct server), sizeof(*server));
	if (!server)
		return NULL;
	memset(server, 0, sizeof(*server));
	server->pool = pool;
	pool->n_refs++;
	server->addr = *addr;
	server->id = ++w->server_id;
	server->check.fd = -1;
	server->state_said = addr->sa.sa_family ? SERVER_UP : SERVER_DOWN;
	server->state_since_us = w->now_us;
	health_resolved(&server->health, addr->sa.sa_family != 0);
	snprintf(server->name, sizeof(server->name), "%s", name);
	server_set_conf(server, conf);
	server->counters = counters_server(w->map, w->index, pool->name, conf->name);
	memset(&pool->balance.members[pool->n_servers], 0, sizeof(pool->balance.members[0]));
	pool->servers[pool->n_servers++] = server;
	pool->is_dirty = true;
	return server;
}

void pool_remove_server(struct worker *w, struct server *server)
{
	struct pool *pool = server->pool;
	unsigned int i;

	for (i = 0; pool->servers[i] != server; i++)
		;
	pool->n_servers--;
	memmove(&pool->servers[i], &pool->servers[i + 1],
		(pool->n_servers - i) * sizeof(pool->servers[0]));
	memmove(&pool->balance.members[i], &pool->balance.members[i + 1],
		(pool->n_servers - i) * sizeof(pool->balance.members[0]));
	pool->balance.n = pool->n_servers;
	balance_rebuild(&pool->balance);
	check_stop(w, server);
	server->conf = NULL;
	server->name_of = NULL;
	if (!server->n_refs)
		server_bury(w, server);
	pool_changed(w, pool);
}

/* ---- queue ---- */

bool pool_enqueue(struct worker *w, struct session *s)
{
	struct pool *pool = s->pool;

	if (pool->n_queued >= pool->conf->queue_max)
		return false;
	s->next = NULL;
	s->queue_pprev = pool->queue_tail;
	*pool->queue_tail = s;
	pool->queue_tail = &s->next;
	pool->n_queued++;
	pool->counters->queued_total++;
	pool->counters->queued++;
	return true;
}

void pool_dequeue(struct worker *w, struct session *s)
{
	struct pool *pool = s->pool;

	if (!s->queue_pprev)
		return;
	*s->queue_pprev = s->next;
	if (s->next)
		s->next->queue_pprev = s->queue_pprev;
	else
		pool->queue_tail = s->queue_pprev;
	s->next = NULL;
	s->queue_pprev = NULL;
	pool->n_queued--;
	pool->counters->queued--;
}

static void pool_serve_queue(struct worker *w, struct pool *pool)
{
	enum pool_verdict why;
	struct server *server;
	struct session *s, *next;

	/* each turn takes one from the queue, or looks at the next: it ends */
	for (s = pool->queue; s; s = next) {
		next = s->next;
		server = pool_pick(w, pool, s, &why);
		if (why == POOL_FULL) {
			/* only one that has tried some servers may be stuck where others are not */
			if (!s->tries)
				return;
			continue;
		}
		pool_dequeue(w, s);
		session_leave_queue(w, s, server, why);
		/* what that did to the queue: at most closed `s` itself */
	}
}

void pools_run(struct worker *w)
{
	struct pool *pool;

	while ((pool = w->pools_due)) {
		w->pools_due = pool->next_due;
		pool->is_due = false;
		pool_serve_queue(w, pool);
	}
}

/* ---- life ---- */

static struct pool *pool_new(struct worker *w, const struct conf_pool *conf)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	if (balance_init(&pool->balance, conf->balance, worker_random(w))) {
		free(pool);
		return NULL;
	}
	pool->conf = conf;
	memcpy(pool->name, conf->name, sizeof(pool->name));
	pool->queue_tail = &pool->queue;
	pool->timer.fn = pool_timer;
	health_rules_from(&pool->rules, conf);
	return pool;
}

static void pool_free(struct worker *w, struct pool *pool)
{
	timer_stop(&w->task_wheel, &pool->timer.timer);
	balance_exit(&pool->balance);
	free(pool);
}

static const struct conf_server *find_conf(const struct conf_pool *conf, const struct server *server)
{
	unsigned int i;

	for (i = 0; i < conf->n_servers; i++) {
		const struct conf_server *cs = &conf->servers[i];

		if (!strcmp(cs->name, server->name) && !cs->target.host[0] &&
		    addr_equal(&cs->target.addr, &server->addr))
			return cs;
	}
	return NULL;
}

/* Bring a pool to its new configuration. -ENOMEM leaves it with fewer servers, and says so. */
static int pool_update(struct worker *w, struct pool *pool, const struct conf_pool *conf)
{
	const struct conf_server *cs;
	unsigned int i, j;
	int err = 0, r = 0;

	if (conf->balance != pool->conf->balance) {
		struct balance *fresh = malloc(sizeof(*fresh));

		if (!fresh || balance_init(fresh, conf->balance, worker_random(w))) {
			free(fresh);
			return -ENOMEM;
		}
		fresh->n = pool->balance.n;
		memcpy(fresh->members, pool->balance.members, sizeof(fresh->members));
		balance_exit(&pool->balance);
		memcpy(&pool->balance, fresh, sizeof(*fresh));
		free(fresh);
		balance_rebuild(&pool->balance);
	}
	health_rules_from(&pool->rules, conf);
	/* before pool->conf: what is not in the new one goes with the old one */
	for (i = pool->n_servers; i-- > 0;) {
		struct server *server = pool->servers[i];

		if (server->name_of)
			continue; /* pool_names_update() */
		cs = find_conf(conf, server);
		if (!cs) {
			pool_remove_server(w, server);
			continue;
		}
		if (pool->conf != conf && pool->conf->check.is_set && !conf->check.is_set) {
			check_stop(w, server);
			server->health.is_check_down = false;
		}
		server_set_conf(server, cs);
	}
	pool->conf = conf;
	pool->cc = 0;
	for (i = 0; i < conf->n_servers; i++) {
		cs = &conf->servers[i];
		if (cs->target.host[0])
			continue;
		for (j = 0; j < pool->n_servers; j++)
			if (pool->servers[j]->conf == cs)
				break;
		if (j == pool->n_servers && !pool_add_server(w, pool, cs, cs->name, &cs->target.addr, &err))
			r = err;
	}
	err = pool_names_update(w, pool);
	for (i = 0; i < pool->n_servers; i++)
		if (pool->servers[i]->health.admin != HEALTH_MAINT)
			check_start(w, pool->servers[i]);
	pool->counters = counters_pool(w->map, w->index, pool->name);
	for (i = 0; i < pool->n_servers; i++)
		pool->servers[i]->counters = counters_server(w->map, w->index, pool->name,
							     pool->servers[i]->conf->name);
	pool_changed(w, pool);
	return r ? r : err;
}

static void pool_retire(struct worker *w, struct pool *pool)
{
	pool->is_gone = true;
	pool->n_refs++;
	while (pool->queue) /* nobody will come for them */
		session_close(w, pool->queue, LOG_CAUSE_DOWN);
	pool_names_exit(w, pool);
	while (pool->n_servers)
		pool_remove_server(w, pool->servers[pool->n_servers - 1]);
	timer_stop(&w->task_wheel, &pool->timer.timer);
	pool_put(w, pool);
}

struct pool *pool_find(const struct worker *w, const char *name)
{
	unsigned int i;

	for (i = 0; i < w->n_pools; i++)
		if (!strcmp(w->pools[i]->name, name))
			return w->pools[i];
	return NULL;
}

struct server *pool_server(const struct pool *pool, const char *name, unsigned int at)
{
	unsigned int i;

	for (i = 0; i < pool->n_servers; i++) {
		struct server *server = pool->servers[i];

		if ((!strcmp(server->name, name) || !strcmp(server->conf->name, name)) && !at--)
			return server;
	}
	return NULL;
}

int pools_reload(struct worker *w, const struct conf *conf)
{
	struct pool **pools = calloc(conf->n_pools, sizeof(*pools));
	unsigned int i, n_old = w->n_pools;
	struct pool **old = w->pools;
	int r = 0, err;

	if (!pools)
		return -ENOMEM;
	/* all that may fail as a whole first */
	for (i = 0; i < conf->n_pools; i++) {
		pools[i] = pool_find(w, conf->pools[i].name);
		if (!pools[i])
			pools[i] = pool_new(w, &conf->pools[i]);
		if (!pools[i])
			goto err_free;
	}
	for (i = 0; i < conf->n_pools; i++) {
		err = pool_update(w, pools[i], &conf->pools[i]);
		if (err)
			msg("pool.%s: not all of it could be taken: %s", conf->pools[i].name, strerror(-err));
		r = r ? r : err;
	}
	w->pools = pools;
	w->n_pools = conf->n_pools;
	for (i = 0; i < n_old; i++)
		if (pool_find(w, old[i]->name) != old[i])
			pool_retire(w, old[i]);
	free(old);
	return r == -ENOMEM && !old ? r : 0;

err_free:
	while (i-- > 0)
		if (pool_find(w, pools[i]->name) != pools[i])
			pool_free(w, pools[i]);
	free(pools);
	return -ENOMEM;
}

void pools_reap(struct worker *w)
{
	struct server *server;
	struct pool *pool;

	while ((server = w->servers_dead)) {
		w->servers_dead = server->next_dead;
		pool = server->pool;
		free(server);
		pool_put(w, pool);
	}
	while ((pool = w->pools_dead)) {
		w->pools_dead = pool->next_dead;
		pool_free(w, pool);
	}
}

void pools_exit(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < w->n_pools; i++)
		pool_retire(w, w->pools[i]);
	w->n_pools = 0;
	free(w->pools);
	w->pools = NULL;
	pools_reap(w);
}
