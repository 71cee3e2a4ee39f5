/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listener.h - a bound address that accepts clients
 */
#ifndef ACCD_LISTENER_H
#define ACCD_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "limit.h"
#include "stack.h"

struct generation;
struct pool;
struct worker;

/*
 *          generation_commit()           listener_close(), or the next generation has the socket
 *   closed ───────────────▶ accepting ───────────────▶ closed
 *
 * While accepting, `is_ready` says that connections may wait: set by an event, cleared by an
 * empty accept(). A pause (all sessions in use, no descriptor) leaves it set, and the worker
 * comes back to it.
 */
struct listener {
	_Alignas(64) const struct conf_listener
		*conf; /* aligned: worker.c keeps a tag in the pointer's low bits */
	struct pool *pool;
	struct counters_listener *counters;
	struct generation *generation; /* it belongs to */
	/* of the first socket of the listener, for all of its sockets: */
	uint32_t n_sessions;
	struct limit_rate rate;
	int fd; /* -1: closed */
	bool is_ready;
	uint8_t cc; /* of its connections, if no rule says otherwise: cc.c; 0: not asked yet */
	uint64_t retry_us; /* no accept() before this time: EMFILE and the like */
};

/*
 * [supervisor, host stack] [loop] A socket with the listener's options, bound and not listening
 * yet. is_shared: other sockets of ours may have the same address. The descriptor, or -errno with
 * the call that failed in *call.
 */
int listener_bind(const struct stack_ops *ops, const struct conf_listener *conf, bool is_shared,
		  const char **call);

/*
 * Take l->fd, which listens, into the worker's epoll set; is_watched: it is in there already, for a
 * listener of an older configuration. 0 or -errno.
 */
int listener_watch(struct listener *l, struct worker *w, bool is_watched);

/* The first of the sockets of the same listener. Listeners lie in the order of the configuration. */
static inline struct listener *listener_group(struct listener *l)
{
	return l - (l->conf->index - l->conf->first);
}

/* Number that stands for the listener in limit.h, the same after a reload. */
uint32_t listener_scope(const struct listener *l);

/* Is there room for one more session? If not, clients wait in the backlog. */
bool listener_has_room(const struct listener *l);

/*
 * Take the connections that wait; at most LISTENER_BATCH, then the rest of the loop has its turn.
 */
void listener_accept(struct listener *l, struct worker *w);

/* Take what waits in the backlog (those clients were told they are connected), then close. */
void listener_close(struct listener *l, struct worker *w);

#endif /* ACCD_LISTENER_H */
