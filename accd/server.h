/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - one member of a pool: an address that sessions are relayed to
 *
 * Of a server whose address is a name there is one for each of the name's addresses. All of it
 * belongs to the worker's loop.
 */
#ifndef ACCD_SERVER_H
#define ACCD_SERVER_H

#include <stdint.h>

#include "check.h"
#include "conf.h"
#include "counters.h"
#include "health.h"
#include "worker.h"

struct pool;
struct pool_name;

/*
 *   server_new() ──▶ member of its pool ──▶ server_retire() ──▶ gone: what runs on it goes on ──▶ freed by pools_reap()
 */
struct server {
	struct check check; /* first: it has the alignment of an event source */
	struct pool *pool; /* valid as long as the server is */
	const struct conf_server *conf; /* of the present configuration; NULL: gone */
	struct pool_name *name_of; /* the name that it is an address of; NULL: none */
	char name[CONF_NAME_BYTES]; /* "s1", or "s1#2" for the second address of a name */
	union addr addr; /* family 0: a name without an address */
	uint32_t id; /* of this worker, never used twice */
	uint32_t weight; /* 0 .. 256: the configuration's, or what an operator said */
	uint32_t n_conns; /* sessions' connections, those being established included */
	uint32_t n_refs; /* sessions that point here */
	struct health health;
	uint64_t state_since_us; /* when state_said was said */
	enum server_state state_said;
	struct counters_server *counters; /* a name's addresses share one */
	struct server *next_dead;
};

/*
 * Start a connection, from the pool's source. Returns a non-blocking descriptor; *done says
 * whether it is established already. -errno: refused at once, or see server_is_our_failure().
 */
int server_connect(struct server *server, struct worker *w, int *done);

/* No descriptor, no memory, no free port: another server would not help, and this one is not to blame. */
bool server_is_our_failure(int err);

/* What the check sends before all else: the PROXY header of a connection of accd's own. 0 or -errno. */
int server_send_local(struct worker *w, struct server *server, int fd);

/* A check has ended. */
void server_checked(struct worker *w, struct server *server, bool is_good);

/* A session's connection was established, or failed. */
void server_connected(struct worker *w, struct server *server, bool is_good);

/* What an operator may say, by accdctl(1) or otherwise. */
void server_set_admin(struct worker *w, struct server *server, enum health_admin admin);
int server_set_weight(struct worker *w, struct server *server, uint32_t weight); /* 0 or -ERANGE */

enum server_state server_state(const struct worker *w, const struct server *server);

#endif /* ACCD_SERVER_H */
