/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listener.h - a bound address that accepts clients
 */
#ifndef ACCD_LISTENER_H
#define ACCD_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"

struct pool;
struct worker;

/*
 *          listener_open()               listener_close()
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
	int fd; /* -1: closed */
	bool is_ready;
	uint64_t retry_us; /* no accept() before this time: EMFILE and the like */
};

/* 0, or -errno with the call that failed in *call. */
int listener_open(struct listener *l, struct worker *w, const char **call);

/*
 * Take the connections that wait; at most LISTENER_BATCH, then the rest of the loop has its turn.
 */
void listener_accept(struct listener *l, struct worker *w);

/* Take what waits in the backlog (those clients were told they are connected), then close. */
void listener_close(struct listener *l, struct worker *w);

#endif /* ACCD_LISTENER_H */
