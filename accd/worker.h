/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker.h - the process that relays: its event loops, and what belongs to each
 *
 * A struct worker is one loop: its sessions, pools, listeners, counters and control channel are its
 * own, and no loop touches another's. A process has worker.vcpus of them; to the supervisor each is
 * a worker like any other, but for beginning and end.
 *
 * Threads of a worker:
 *   main    signals, the control channel; prints the final line; never touches a session
 *   loop    worker_loop(), where stack_ops.run() puts it: the owner of everything below but the atomics
 */
#ifndef ACCD_WORKER_H
#define ACCD_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "counters.h"
#include "control.h"
#include "log.h"
#include "relay.h"
#include "resume.h"
#include "sample.h"
#include "session.h"
#include "socks.h"
#include "stack.h"
#include "timer.h"

struct generation;
struct listener;
struct pool;
struct resolver;
struct server;

enum worker_stop { WORKER_RUN, WORKER_DRAIN, WORKER_STOP };

struct worker {
	const struct stack_ops *ops;
	const struct conf *conf;
	uint64_t now_us; /* monotonic, read once per batch of events */
	int epoll_fd;

	/* relay.c */
	char *read_buf;
	unsigned int n_bufs;
	char *bufs[RELAY_BUFS_KEPT];
	unsigned int n_pipes;
	struct relay_pipe pipes[RELAY_PIPES_KEPT];

	/* session.c */
	struct session *slab;
	uint32_t slab_len, slab_used;
	struct session *free, *closed;
	uint32_t n_sessions;

	struct session *ready,
		**ready_tail; /* sessions with work that no event will announce */
	struct resume resume; /* windows for acc_probe */
	uint64_t resume_replaced; /* of resume.replaced_total: counted already */
	uint8_t cc_probe; /* its place in the counters, as in struct conn; 0: not met yet */
	struct limit_sources *sources; /* sessions by client address; NULL: nobody asks */
	struct timer_wheel wheel;

	struct generation *generation, *next_generation; /* generation.h; next: prepared */
	struct listener *listeners; /* of the generation in force */
	unsigned int n_listeners;
	struct sock_set socks; /* the listeners' sockets */
	bool is_accept_paused;
	struct pool **pools; /* in the order of conf->pools */
	unsigned int n_pools;
	struct pool *pools_due; /* with sessions in the queue and something new */
	struct pool *pools_dead; /* gone and unused, freed after the batch; so are these: */
	struct server *servers_dead;
	uint32_t server_id;
	uint64_t random; /* of worker_random() */
	struct resolver *resolver;
	struct timer_wheel task_wheel; /* struct worker_timer: all that is no session's */

	struct log_ring *log_ring;
	struct log_ring *log; /* the same for the access log; NULL: off */
	struct counters_map *map; /* shared with the supervisor */
	unsigned int index; /* which loop of all: its part of the map */
	unsigned int vcpu, vcpus; /* which loop of this process, and of how many */
	uint32_t local_ports; /* of connections to servers, as IP_LOCAL_PORT_RANGE takes them; 0: any */
	struct counters *counters; /* of this worker, in the map */
	struct sampler sampler; /* what wire and stack count, for the map */

	/* main thread to loop */
	_Atomic int stop; /* enum worker_stop; only rises */
	_Atomic int notify_handle; /* valid once is_accepting */
	bool is_notified; /* loop: look at stop and control */
	struct control_worker control;
	uint64_t drain_deadline_us;
	uint64_t empty_us; /* draining: when the last session ended; 0: not yet */
	bool is_draining;
	uint64_t retire_us; /* drain at this time; 0: not asked */
	int notifier_fd;
	bool serves; /* the stack was told */

	/* loop to main thread */
	_Atomic bool is_accepting;
	_Atomic bool is_over; /* worker_loop() has returned `ret` */
	int ret;
	int main_fd; /* eventfd of the host */
	char err[256]; /* why the loop couldn't start */
};

/*
 * epoll's data word: a pointer to something aligned to 64 bytes, with the kind of thing in the
 * low bits and a generation in the high ones. Every source of events of the loop is one of these.
 */
enum ev_kind {
	EV_LISTENER, /* struct listener: connections wait */
	EV_CLIENT, /* struct session: its client's connection */
	EV_SERVER, /* struct session: its server's connection */
	EV_NOTIFIER, /* struct worker: worker.stop has changed, or a request has come */
	EV_SOURCE, /* struct event_source: whatever else has a descriptor */
};

#define EV_KIND_MASK 0x3f
#define EV_GEN_SHIFT 56 /* no address of a process comes so high */
#define EV_GEN_MASK 0xff /* more generations than servers tried for one session */

/*
 * First member of what has a descriptor in the loop and is no session: `fn` gets its events, with
 * the generation given to worker_event_data().
 */
struct event_source {
	_Alignas(64) void (*fn)(struct worker *w, struct event_source *src, uint8_t gen, uint32_t events);
};

/* A deadline of something that is no session; its owner says what happens. See timer.h. */
struct worker_timer {
	struct timer timer;
	void (*fn)(struct worker *w, struct worker_timer *t);
};

static inline uint64_t worker_event_data(const void *source, enum ev_kind kind,
					 uint8_t gen)
{
	return (uintptr_t)source | kind |
	       (uint64_t)(gen & EV_GEN_MASK) << EV_GEN_SHIFT;
}

/* Not for secrets. */
uint64_t worker_random(struct worker *w);

/* Give a session another turn after the current batch. */
void worker_ready(struct worker *w, struct session *s);

/* Handler of control_ops.c. */
int worker_op_retire(struct worker *w, struct control_call *call);

/*
 * Body of the worker's process, with n loops; returns its exit status. Signals are blocked by the
 * caller.
 */
int worker_main(const struct stack_ops *ops, struct worker_args *args, unsigned int n);

#endif /* ACCD_WORKER_H */
