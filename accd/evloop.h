/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evloop.h - the supervisor's event loop: descriptors and timers, one thread
 *
 * Sources are structs of their owners: nothing is allocated here. A callback may add, change,
 * remove or free any source, its own included: the loop takes one event at a time from the kernel
 * and holds no pointer over a callback. Callbacks must not block; what they do is bounded. The
 * worker's data path has a loop of its own (worker.c) and does not use this one.
 */
#ifndef ACCD_EVLOOP_H
#define ACCD_EVLOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct evloop_timer;

struct evloop {
	int epoll_fd;
	bool is_quit;
	int status; /* what evloop_quit() was given */
	struct evloop_timer *timers; /* by deadline */
};

/* Zeroed: not in a loop. */
struct evloop_fd {
	int fd;
	bool is_set;
	void (*fn)(void *ctx, uint32_t events);
	void *ctx;
};

/* Zeroed: not set. */
struct evloop_timer {
	uint64_t deadline_us;
	bool is_set;
	void (*fn)(void *ctx);
	void *ctx;
	struct evloop_timer *next;
};

/* 0 or -errno. */
int evloop_init(struct evloop *el);
void evloop_exit(struct evloop *el);

/*
 * Call fn(ctx, events) while any of `events` (EPOLLIN, EPOLLOUT; level-triggered) holds, or
 * EPOLLERR or EPOLLHUP. The descriptor stays the caller's: remove the source before closing it.
 */
int evloop_add(struct evloop *el, struct evloop_fd *src, int fd, uint32_t events,
	       void (*fn)(void *ctx, uint32_t events), void *ctx);
int evloop_change(struct evloop *el, struct evloop_fd *src, uint32_t events);
/* No-op if it is in no loop. */
void evloop_remove(struct evloop *el, struct evloop_fd *src);

/* Call fn(ctx) once, after delay_ms. Moves the timer if it is set already. */
void evloop_timer_set(struct evloop *el, struct evloop_timer *t, uint32_t delay_ms,
		      void (*fn)(void *ctx), void *ctx);
/* No-op if it is not set. */
void evloop_timer_stop(struct evloop *el, struct evloop_timer *t);

/* Until evloop_quit(); returns its status. */
int evloop_run(struct evloop *el);
void evloop_quit(struct evloop *el, int status);

/* CLOCK_MONOTONIC. */
uint64_t evloop_now_us(void);

#endif /* ACCD_EVLOOP_H */
