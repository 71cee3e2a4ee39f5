/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * generation.h - a configuration in a worker, and the change from one to the next
 *
 * [loop] everything here. A worker has one generation in force (worker.generation) and the older
 * ones that still have sessions: a session ends with the configuration that it began with. A new
 * one is made in two steps, so that all workers change or none does:
 *
 *   generation_prepare()   everything that can fail: memory, sockets for new addresses
 *   generation_commit()    the change; or generation_abort(): as if nothing had been
 *
 * A listener whose address was there before takes over the socket with all that waits in its
 * backlog; new ones listen before those that are no more there take their backlog and close.
 */
#ifndef ACCD_GENERATION_H
#define ACCD_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct control_call;
struct listener;
struct worker;

/* Older generations with sessions; with so many a reload is refused until one of them ends. */
#define GENERATIONS_OLD_MAX 64

struct generation {
	struct generation *next; /* the one before */
	const struct conf *conf;
	size_t conf_map_bytes; /* 0: not ours to unmap */
	struct listener *listeners;
	unsigned int n_listeners;
	uint32_t n_sessions; /* begun with it and still there */
};

/*
 * Takes `conf` over, also if it fails (conf_map_bytes > 0: unmapped). 0, or -errno with a sentence
 * in err.
 */
int generation_prepare(struct worker *w, const struct conf *conf, size_t conf_map_bytes, char *err,
		       size_t err_len);
void generation_abort(struct worker *w);

/* 0, or -errno with a sentence in err: the worker is between two configurations and must end. */
int generation_commit(struct worker *w, char *err, size_t err_len);

/* Free the older ones without sessions. After session_reap(). */
void generation_reap(struct worker *w);

/* Free all: the loop has ended. */
void generation_exit(struct worker *w);

/* Handlers of control_ops.c. */
int generation_op_socket(struct worker *w, struct control_call *call);
int generation_op_prepare(struct worker *w, struct control_call *call);
int generation_op_commit(struct worker *w, struct control_call *call);
int generation_op_abort(struct worker *w, struct control_call *call);

#endif /* ACCD_GENERATION_H */
