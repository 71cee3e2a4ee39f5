/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * relay.h - bytes from one side of a session to the other
 */
#ifndef ACCD_RELAY_H
#define ACCD_RELAY_H

#include "session.h"

/*
 * One read takes up to this much, or what worker.read_size says if that is less; and this much at
 * most waits for a slow receiver in each direction of a session. 256 KiB: what a burst of GRO frames leaves in a socket is taken with
 * one call, and the bytes are still in the core's L2 cache when they are sent on.
 */
#define RELAY_BUF_BYTES CONF_READ_BYTES_MAX

/*
 * A read of this much marks the direction as bulk, and from then on pages move from socket to
 * socket through a pipe, uncopied, as long as a splice brings at least a quarter of it. Below,
 * the pipe's own work costs more than the copy.
 */
#define RELAY_BULK_MIN_BYTES (64 * 1024)

/*
 * A session that has had this many turns is worth tying together in the stack (two requests and
 * their responses): before, setting it up costs more than it saves.
 */
#define RELAY_JOIN_TURNS 4

/* Empty pipes kept; each has room for RELAY_BUF_BYTES. */
#define RELAY_PIPES_KEPT 8

/* Buffers kept for the next slow receiver, beyond those in use: 16 MiB at most. */
#define RELAY_BUFS_KEPT 64

/* 0 or -ENOMEM. */
int relay_init(struct worker *w);
void relay_exit(struct worker *w);

/*
 * Move what can be moved, both ways; carry ends through; close the session when both ways have
 * ended or one broke.
 */
void relay_run(struct worker *w, struct session *s);

/*
 * The stack no longer relays by itself, if it did: count what it moved. Both connections may have
 * anything to read.
 */
void relay_part(struct worker *w, struct session *s);

/* Bring last_active_us and the counters up to date. */
void relay_look(struct worker *w, struct session *s);

/* Bytes that went out on `side`, those that the stack moved by itself included. */
uint64_t relay_tx_bytes(const struct session *s, enum side side);

/*
 * A session begins to relay with `len` bytes of ours before the client's (a PROXY header): they go
 * out together with what the client has sent already, as one piece.
 */
void relay_preface(struct worker *w, struct session *s, const void *head, size_t len);

/* Throw away what waits to be sent on a connection. */
void relay_drop(struct worker *w, struct conn *c);

#endif /* ACCD_RELAY_H */
