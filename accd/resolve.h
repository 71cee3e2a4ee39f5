/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resolve.h - servers whose address is a name
 *
 * Names are looked up with c-ares, whose sockets are the stack's and whose events come through the
 * worker's loop: nothing waits. All of it belongs to the loop, but for resolver_init() and
 * resolver_exit().
 */
#ifndef ACCD_RESOLVE_H
#define ACCD_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "worker.h"

struct pool;
struct resolver;

/* One server of the configuration that has a name. */
struct pool_name {
	struct pool_name *next; /* of its pool */
	struct pool *pool;
	const struct conf_server *conf; /* of the present configuration; NULL: gone, waits for its query */
	struct worker_timer timer; /* the next look-up */
	char host[CONF_HOST_BYTES]; /* what is looked up */
	bool is_pending; /* a query is on its way */
	bool is_settled; /* one look-up has ended, whichever way */
	bool has_failed; /* the last one did */
	bool is_v6; /* the query is for AAAA: there was no A */
	uint64_t lookups_total, failures_total;
};

/*
 * [worker, before it drops its privileges] c-ares reads files of /etc here and never again. 0 or
 * -errno.
 */
int resolver_init(struct worker *w);

/* [worker, after the loop] */
void resolver_exit(struct worker *w);

/* Before the stack goes away: end all queries, close all sockets. */
void resolver_stop(struct worker *w);

/* Ask the name servers of another configuration from now on. */
void resolver_reload(struct worker *w, const struct conf *conf);

/* Does a name wait for its first answer? */
bool resolver_is_waiting(const struct worker *w);

/* Bring a pool's names in step with pool->conf; 0 or -errno. */
int pool_names_update(struct worker *w, struct pool *pool);
void pool_names_exit(struct worker *w, struct pool *pool);

#endif /* ACCD_RESOLVE_H */
