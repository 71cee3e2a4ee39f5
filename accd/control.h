/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control.h - requests from the supervisor to a worker, and their answers
 *
 * One socket pair (AF_UNIX, SOCK_SEQPACKET) per worker. A request is one datagram: struct
 * control_hdr, at most CONTROL_REQUEST_MAX bytes, and at most one descriptor (a memfd for what is
 * larger, a listening socket, a log file). Its answer is one or more datagrams of at most
 * CONTROL_CHUNK_MAX bytes; all but the last have CONTROL_F_MORE. Both ends are the same program:
 * payloads are structs or text, in the machine's own format.
 *
 *   supervisor             worker: main thread                     worker: loop
 *   control_ask() ──────▶  control_receive()
 *                          one call at a time    ── notify() ──▶   control_run(), between batches:
 *   fn(chunk)     ◀──────  control_send()        ◀─ eventfd ──     the row's handler fills one chunk
 *                          ...                                     once more while it says CONTROL_MORE
 *
 * So a handler runs on the loop's thread and may touch all that the loop owns; it makes no host
 * call, and does a bounded piece of work per chunk (sessions go on in between).
 *
 * To add a request: a value in enum control_op, a handler, a row in control_ops[] (control_ops.c).
 */
#ifndef ACCD_CONTROL_H
#define ACCD_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evloop.h"

struct worker;

#define CONTROL_REQUEST_MAX 4096
#define CONTROL_CHUNK_MAX (32 * 1024)
#define CONTROL_PENDING_MAX 64 /* requests under way per worker; one more is refused */

enum control_op {
	/* worker to supervisor, unasked; id 0 */
	CONTROL_EV_READY, /* the loop accepts; payload: text, the stack kernel's release */
	CONTROL_EV_FAILED, /* the loop could not start; payload: text, why */
	/* supervisor to worker */
	CONTROL_OP_PING, /* answer: empty. Says that the loop turns */
	CONTROL_OP_SOCKET, /* generation.c: fd, union addr */
	CONTROL_OP_PREPARE, /* fd: memfd of struct conf. Answer, if refused: text, why */
	CONTROL_OP_COMMIT, /* answer as above */
	CONTROL_OP_ABORT,
	CONTROL_OP_RETIRE, /* worker.c: accept a little longer, then drain without a deadline */
	/* admin_worker.c; requests and answers in admin.h */
	CONTROL_OP_SESSIONS,
	CONTROL_OP_KILL,
	CONTROL_OP_SESSION,
	CONTROL_OP_SERVERS, /* req: a pool's name or "" */
	CONTROL_OP_SERVER,
	CONTROL_OP_REPORT,
	CONTROL_OP_MODULE_LOAD, /* modules.c; fd: the file's bytes */
	CONTROL_OP_MODULE_UNLOAD,
	CONTROL_OP__COUNT,
};

#define CONTROL_F_MORE 1 /* of an answer: not the last chunk */

struct control_hdr {
	uint32_t id; /* the answer carries the request's */
	uint16_t op; /* enum control_op */
	uint16_t flags; /* CONTROL_F_* */
	int32_t status; /* of the last chunk of an answer: 0 or -errno */
	uint32_t len; /* bytes behind the header */
};

/* ---- worker: handlers ---- */

/* What a handler sees of a request, and where it writes a chunk of the answer. */
struct control_call {
	const void *req;
	uint32_t req_len;
	int fd; /* came with the request, -1: none. Kept by setting it to -1; else closed */
	uint64_t cursor; /* the handler's own, 0 at first: where it goes on after a chunk */
	char *out;
	uint32_t out_len; /* 0 at the start of a chunk */
	uint32_t out_max; /* CONTROL_CHUNK_MAX */
};

#define CONTROL_MORE 1 /* a handler's value: send this chunk and call again */

struct control_row {
	const char *name; /* for messages */
	/* [loop] 0: done, CONTROL_MORE, or -errno: what stands in `out` goes with it (text: why). */
	int (*fn)(struct worker *w, struct control_call *call);
	uint32_t req_min, req_max; /* bytes; others are answered with -EINVAL */
};

/* Rows without a handler are answered with -EOPNOTSUPP. */
extern const struct control_row control_ops[CONTROL_OP__COUNT];

/* Append text. False, and nothing is appended, if it does not fit any more. */
bool control_printf(struct control_call *call, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Append bytes. */
bool control_put(struct control_call *call, const void *data, uint32_t len);

/* ---- worker: channel ---- */

enum control_state { CONTROL_IDLE, CONTROL_REQUEST, CONTROL_ANSWER };

/* One call at a time; the next ones wait in the socket. */
struct control_worker {
	int fd;
	_Atomic int state; /* REQUEST: the loop's; else the main thread's */
	struct control_hdr hdr;
	struct control_call call;
	char req[CONTROL_REQUEST_MAX];
	char out[CONTROL_CHUNK_MAX];
};

void control_worker_init(struct control_worker *c, int fd);

/* [main] True: a request has come, tell the loop. *is_closed: the supervisor is gone. */
bool control_receive(struct control_worker *c, bool *is_closed);

/* [loop] Run the handler if there is a request. True: there is something to send, tell main. */
bool control_run(struct control_worker *c, struct worker *w);

/* [main] Send what control_run() left. True: tell the loop to go on with the same request. */
bool control_send(struct control_worker *c);

/* [main] An event, see enum control_op. */
void control_event(struct control_worker *c, enum control_op ev, const char *text);

/* ---- supervisor ---- */

struct control_answer {
	int worker; /* peer.index */
	int status; /* with is_last: 0 or -errno; -ETIMEDOUT, -EPIPE (the worker has gone) */
	bool is_last; /* no further call for this request */
	const char *data; /* valid during the call; text is not terminated */
	uint32_t len;
};

typedef void (*control_answer_fn)(void *ctx, const struct control_answer *answer);
typedef void (*control_event_fn)(void *ctx, enum control_op ev, const char *text);

/* The supervisor's end of one worker's channel. */
struct control_peer {
	struct evloop *loop;
	struct evloop_fd src;
	int index;
	uint32_t next_id;
	unsigned int n_pending;
	struct control_pending *pending;
	control_event_fn on_event;
	void *ctx;
};

/* Takes fd over. on_event(ctx) is told of the worker's events. 0 or -errno. */
int control_peer_init(struct control_peer *p, struct evloop *loop, int fd, int index,
		      control_event_fn on_event, void *ctx);

/* Take what has come, now: the worker has ended and its last words count. */
void control_peer_drain(struct control_peer *p);

/* Close the channel; every request under way ends with -EPIPE. No-op if it is closed. */
void control_peer_exit(struct control_peer *p);

/*
 * Ask. Never blocks: fn(ctx) is called for each chunk, from the loop, never from in here, and for
 * the last time within timeout_ms. fd: goes along as a copy, -1: none. 0, or -errno and fn is not
 * called: -EAGAIN the worker takes nothing at the moment or CONTROL_PENDING_MAX are under way,
 * -EPIPE it has gone, -EMSGSIZE.
 */
int control_ask(struct control_peer *p, enum control_op op, const void *req, uint32_t len, int fd,
		uint32_t timeout_ms, control_answer_fn fn, void *ctx);

/* A new pair: fds[0] the supervisor's (non-blocking), fds[1] the worker's. 0 or -errno. */
int control_pair(int fds[2]);

#endif /* ACCD_CONTROL_H */
