/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - one client's connection, the server's connection for it, and what stands between them
 *
 * downstream is the client's side, upstream the server's. All of it belongs to the worker's loop.
 */
#ifndef ACCD_SESSION_H
#define ACCD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "log.h"
#include "timer.h"

#include <lkl/host_ops.h>

struct listener;
struct pool;
struct server;
struct worker;

enum side { SIDE_DOWN, SIDE_UP, SIDE__COUNT };

/*
 * What is known of a connection without asking the stack. The first three follow edge-triggered
 * events: an event sets them, a short read or write clears them.
 */
#define CONN_RD_READY 0x01 /* there may be bytes, or an end, to read */
#define CONN_WR_READY 0x02 /* the stack may take bytes */
#define CONN_RD_TO_END \
	0x04 /* FIN, reset or urgent data was seen: a short read does not mean empty */
#define CONN_RD_EOF \
	0x08 /* everything was read up to the FIN (or up to the reset, with CONN_ERR) */
#define CONN_WR_SHUT 0x10 /* our FIN is queued: nothing more may be sent */
#define CONN_ERR 0x20 /* reset or lost; what it sent before may still be read */
#define CONN_BULK 0x40 /* the last read was large: splice instead (relay.c) */

/* Both ends of a pipe of the stack; rd 0: none. */
struct relay_pipe {
	int rd, wr;
};

struct conn {
	int fd; /* -1: none */
	uint16_t flags; /* CONN_* */
	uint8_t gen; /* counts descriptors of this side; events of an older one are ignored */
	uint8_t cc; /* 1 + place of its congestion control in counters.cc; 0: not counted (cc.c) */
	uint32_t out_off,
		out_bytes; /* what waits in `out` to be sent on this connection */
	char *out; /* NULL: nothing waits there. Always RELAY_BUF_BYTES long */
	struct relay_pipe pipe; /* what waits is here instead, if there is one */
	uint64_t tx_bytes; /* taken by the stack */
};

/*
 *                session_open()            session_connected()               both directions ended
 *   FREE ──────────────────▶ CONNECTING ──────────────────▶ RELAYING ──────────────────▶ CLOSED
 *    ▲                        │ ▲ │ ▲ │                         │ reset, timeout, stop    ▲ │
 *    │       all servers full ▼ │ └─┘ │ no server left, ...     └─────────────────────────┤ │
 *    │                       QUEUED   └───────────────────────────────────────────────────┤ │
 *    │                          └─────── queue_timeout, all servers down ─────────────────┘ │
 *    └──────────────────────── session_reap(), after the batch of events ◀──────────────────┘
 *
 * If the listener has gates, FIRST stands before CONNECTING: the client's first bytes are awaited
 * (preface.c), and may end the session.
 *
 * CLOSED exists so that events of the same batch that still name the session find it closed and
 * not reused.
 */
enum session_state {
	SESSION_FREE,
	SESSION_FIRST,
	SESSION_QUEUED,
	SESSION_CONNECTING,
	SESSION_RELAYING,
	SESSION_CLOSED
};

struct session {
	_Alignas(64) struct conn conn
		[SIDE__COUNT]; /* aligned: worker.c keeps a tag in the pointer's low bits */
	uint8_t state; /* enum session_state */
	bool is_late; /* the last try took connect_timeout */
	bool has_server_conn; /* counts among its server's connections */
	uint8_t tries; /* servers tried */
	uint32_t gen; /* counts the sessions of this place of the slab: part of the id */
	bool is_client_ended; /* SESSION_FIRST: its FIN was seen */
	bool is_pool_counted; /* among its pool's sessions */
	uint8_t awaits; /* SESSION_FIRST: CONF_GATE_*, in this order */
	uint32_t source; /* its place in worker.sources; 0: not counted there */
	bool is_ready; /* on worker.ready: has work that no event will announce */
	bool is_joined; /* the stack relays by itself: relay.c */
	bool no_join; /* it would not, and need not be asked again */
	uint8_t turns; /* of relay_run(), up to RELAY_JOIN_TURNS */
	struct listener *listener;
	struct pool *pool; /* who serves it: the listener's, unless something chose another */
	struct server *server;
	uint32_t tried[CONF_RETRIES_MAX + 1]; /* their ids */
	uint64_t queue_us; /* time spent in the queue */
	struct lkl_relay stack_relay; /* while is_joined: the stack's */
	uint64_t joined_counted[SIDE__COUNT]; /* of its bytes: in the counters already */
	uint64_t last_active_us; /* last byte in either direction */
	uint64_t accept_us, try_us,
		connect_us; /* connect_us: how long it took; UINT64_MAX: not yet */
	uint64_t reset_deadline_us; /* with CONN_ERR: until then the other side may be given its last bytes */
	struct timer timer;
	struct session *next; /* on worker.free, .closed; in the pool's queue */
	struct session **queue_pprev; /* NULL: not in the queue */
	struct session *next_ready;
	union addr client; /* of the connection, or as its PROXY header says */
	union addr local; /* what the client connected to, if a PROXY header said so; else AF_UNSPEC */
};

_Static_assert(sizeof(struct session) <= 1024, "a session is at most 1 KiB");

/* 0 or -ENOMEM. */
int session_slab_init(struct worker *w, uint32_t max_sessions);
void session_slab_exit(struct worker *w);

/* False: max_sessions are open. */
bool session_available(const struct worker *w);

/* Begin a session for an accepted client. Owns fd from here on, also if it fails. */
void session_open(struct worker *w, struct listener *l, int fd,
		  const union addr *client);

/* It was taken from its pool's queue: a server, or NULL and why. See pool_pick(). */
void session_leave_queue(struct worker *w, struct session *s, struct server *server, int verdict);

/* Let another pool serve it; before a server was looked for. */
void session_set_pool(struct worker *w, struct session *s, struct pool *pool);

/* Events of one of its connections. */
void session_event(struct worker *w, struct session *s, enum side side,
		   uint8_t gen, uint32_t events);

/* Its place in the timer wheel came up. */
void session_timer(struct worker *w, struct timer *t);

/*
 * A connection was found reset or lost. Nothing is closed yet: what it had sent before is still
 * delivered, for a bounded time (session_check_reset()).
 */
void session_conn_lost(struct worker *w, struct session *s, enum side side);

/*
 * With CONN_ERR on `side`: close the session with a reset if there is nothing left to deliver, or
 * no time.
 */
void session_check_reset(struct worker *w, struct session *s, enum side side);

/*
 * End it: log line, descriptors, buffers. LOG_CAUSE_DONE closes both sides in order, any other
 * cause with RST.
 */
void session_close(struct worker *w, struct session *s, enum log_cause cause);

/* A session as it stands, for the log or for show sessions; rec->cause is left 0. Asks TCP_INFO of both sides. */
void session_record(struct worker *w, const struct session *s, struct log_record *rec);

/* Make the sessions that were closed in this batch reusable. */
void session_reap(struct worker *w);

#endif /* ACCD_SESSION_H */
