// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay.c - bytes from one side of a session to the other
 *
 * One direction is a pump: read from the source into the worker's read buffer, write to the
 * destination. In the common case that is one call each and nothing stays behind: a short read
 * says that the source is empty, so it is not asked again until the next event (edge-triggered,
 * registered once). The exception is CONN_RD_TO_END: a FIN, a reset or urgent data can stand
 * behind the bytes of a short read without another event to come, so those are read until the
 * stack says no.
 *
 * Bulk. Once a read has brought RELAY_BULK_MIN_BYTES, the direction goes on with splice(): pages
 * move from the source's socket to the destination's through a pipe, and no byte is copied.
 *
 * In the stack. Where the stack can (stack_ops.relay_join), a session that has lasted for
 * RELAY_JOIN_TURNS turns, or has turned out to be bulk, is joined as soon as none of its bytes wait
 * here, also in the middle of a transfer: the stack works whenever the loop makes a call, and bulk that
 * is left to the loop would starve beside joined sessions. The stack then passes on what either side
 * receives, and the loop hears of the session again when something else than data comes, which is
 * where relay_part() takes over. The order of ways, by cost for a byte: read and write, splice, the stack;
 * worker.relay names the last one that is used.
 *
 * Back-pressure. What the destination doesn't take stays with the connection, in the very buffer
 * that was read into (the worker takes a fresh one): no copy, and at most RELAY_BUF_BYTES a
 * direction, because a source is read only while nothing waits for its destination. The source's
 * own receive window then closes, and its sender stalls.
 *
 * Fairness. One turn reads at most RELAY_READS_MAX times; a session with more to do goes to the
 * worker's ready list and has its next turn after all the others.
 *
 * Ends. A FIN is passed on with shutdown() once all bytes before it were taken; after both, the
 * session closes. A reset makes the other side's reading direction drain first (session.c says
 * for how long); no FIN is sent for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "listener.h"
#include "relay.h"
#include "server.h"
#include "worker.h"

#define RELAY_READS_MAX 2 /* 512 KiB a turn: about 100 us of copying */
#define RELAY_BUF_ALIGN 4096

static char *relay_buf_get(struct worker *w)
{
	if (w->n_bufs)
		return w->bufs[--w->n_bufs];
	return aligned_alloc(RELAY_BUF_ALIGN, RELAY_BUF_BYTES);
}

static void relay_buf_put(struct worker *w, char *buf)
{
	if (w->n_bufs < RELAY_BUFS_KEPT)
		w->bufs[w->n_bufs++] = buf;
	else
		free(buf);
}

/* An empty pipe, at the end of the list; false: none to be had. */
static bool relay_pipe_get(struct worker *w)
{
	int fds[2];

	if (w->n_pipes)
		return true;
	if (w->ops->pipe(fds, RELAY_BUF_BYTES) < 0)
		return false;
	w->pipes[w->n_pipes++] = (struct relay_pipe){ .rd = fds[0], .wr = fds[1] };
	return true;
}

static void relay_pipe_close(struct worker *w, struct relay_pipe *pipe)
{
	w->ops->close(pipe->rd);
	w->ops->close(pipe->wr);
	pipe->rd = 0;
}

/* Take back a connection's pipe, which is empty. */
static void relay_pipe_put(struct worker *w, struct relay_pipe *pipe)
{
	if (w->n_pipes < RELAY_PIPES_KEPT) {
		w->pipes[w->n_pipes++] = *pipe;
		pipe->rd = 0;
	} else {
		relay_pipe_close(w, pipe);
	}
}

void relay_drop(struct worker *w, struct conn *c)
{
	if (c->out)
		relay_buf_put(w, c->out);
	if (c->pipe.rd)
		relay_pipe_close(w, &c->pipe);
	c->out = NULL;
	c->out_bytes = 0;
}

int relay_init(struct worker *w)
{
	w->n_bufs = 0;
	w->read_buf = relay_buf_get(w);
	return w->read_buf ? 0 : -ENOMEM;
}

void relay_exit(struct worker *w)
{
	/* the pipes went with the stack, or go with the process */
	w->n_pipes = 0;
	while (w->n_bufs)
		free(w->bufs[--w->n_bufs]);
	free(w->read_buf);
	w->read_buf = NULL;
}

static inline void bytes_count(struct worker *w, const struct session *s, enum side side, uint64_t n)
{
	struct counters_listener *lc = s->listener->counters;
	struct counters_server *sc = s->server->counters;

	if (side == SIDE_UP) {
		w->counters->bytes_up_total += n;
		lc->bytes_up_total += n;
		sc->bytes_up_total += n;
	} else {
		w->counters->bytes_down_total += n;
		lc->bytes_down_total += n;
		sc->bytes_down_total += n;
	}
}

/* The stack took bytes for a connection: counted at once, so that a long session shows. */
static inline void conn_count(struct worker *w, struct session *s, enum side side, size_t n)
{
	s->conn[side].tx_bytes += n;
	bytes_count(w, s, side, n);
}

/*
 * Bytes that the stack took; CONN_WR_READY is cleared if not all, the connection marked lost if
 * it is.
 */
static size_t conn_send(struct worker *w, struct session *s, enum side side,
			const char *buf, size_t len)
{
	struct conn *c = &s->conn[side];
	long n;

	n = w->ops->send(c->fd, buf, len);
	if (n < 0) {
		c->flags &= ~CONN_WR_READY;
		if (n != -EAGAIN && n != -EINTR && n != -ENOBUFS &&
		    n != -ENOMEM)
			session_conn_lost(w, s, side);
		return 0;
	}
	if ((size_t)n < len)
		c->flags &= ~CONN_WR_READY;
	conn_count(w, s, side, n);
	s->last_active_us = w->now_us;
	return n;
}

/*
 * Send up to `len` bytes that lie in a pipe. Returns how many are left there; the connection's
 * flags as in conn_send().
 */
static size_t conn_splice(struct worker *w, struct session *s, enum side side, int pipe_rd,
			  size_t len)
{
	struct conn *c = &s->conn[side];
	long n;

	while (len && c->flags & CONN_WR_READY) {
		n = w->ops->splice(pipe_rd, c->fd, len);
		if (n <= 0) {
			c->flags &= ~CONN_WR_READY;
			if (n != -EAGAIN && n != -EINTR && n != -ENOBUFS && n != -ENOMEM)
				session_conn_lost(w, s, side);
			break;
		}
		len -= n;
		conn_count(w, s, side, n);
		s->last_active_us = w->now_us;
	}
	return len;
}

/* Send what waits. True if nothing waits any more. */
static bool relay_flush(struct worker *w, struct session *s, enum side to)
{
	struct conn *dst = &s->conn[to];
	size_t n;

	if (!(dst->flags & CONN_WR_READY))
		return false;
	if (dst->pipe.rd) {
		n = conn_splice(w, s, to, dst->pipe.rd, dst->out_bytes);
		if (!dst->pipe.rd)
			return true; /* lost, and thrown away */
		dst->out_bytes = n;
		if (n)
			return false;
		relay_pipe_put(w, &dst->pipe);
		return true;
	}
	n = conn_send(w, s, to, dst->out + dst->out_off, dst->out_bytes);
	if (!dst->out)
		return true; /* lost, and thrown away */
	dst->out_off += n;
	dst->out_bytes -= n;
	if (dst->out_bytes)
		return false;
	relay_buf_put(w, dst->out);
	dst->out = NULL;
	return true;
}

/*
 * The destination took `taken` of the `len` bytes in the read buffer: keep the rest for it.
 * False: no memory.
 */
static bool relay_keep(struct worker *w, struct conn *dst, size_t taken,
		       size_t len)
{
	char *fresh = relay_buf_get(w);

	if (!fresh)
		return false;
	dst->out = w->read_buf;
	dst->out_off = taken;
	dst->out_bytes = len - taken;
	w->read_buf = fresh;
	w->counters->stalls_total++;
	return true;
}

/*
 * Bulk: move pages from the source through an empty pipe to the destination. What the destination
 * doesn't take stays in the pipe, which becomes the connection's. Result as of recv().
 */
static long relay_splice(struct worker *w, struct session *s, enum side from)
{
	struct conn *src = &s->conn[from], *dst = &s->conn[!from];
	struct relay_pipe *pipe = &w->pipes[w->n_pipes - 1];
	size_t left;
	long n;

	n = w->ops->splice(src->fd, pipe->wr, RELAY_BUF_BYTES);
	if (n <= 0)
		return n;
	left = conn_splice(w, s, !from, pipe->rd, n);
	if (!left)
		return n;
	w->n_pipes--;
	if (dst->flags & CONN_ERR) {
		relay_pipe_close(w, pipe);
	} else {
		dst->pipe = *pipe;
		dst->out_bytes = left;
		w->counters->stalls_total++;
	}
	return n;
}

/* Pass the end of the source on. */
static void relay_end_of(struct worker *w, struct session *s, enum side from)
{
	struct conn *src = &s->conn[from], *dst = &s->conn[!from];
	int r;

	if (!(src->flags & CONN_RD_EOF) || dst->out_bytes)
		return;
	if ((src->flags | dst->flags) & CONN_ERR || dst->flags & CONN_WR_SHUT)
		return;
	dst->flags |= CONN_WR_SHUT;
	r = w->ops->shutdown(dst->fd, SHUT_WR);
	if (r)
		session_conn_lost(w, s, !from);
}

/* One direction. False: the session was closed. */
static bool relay_pump(struct worker *w, struct session *s, enum side from)
{
	struct conn *src = &s->conn[from], *dst = &s->conn[!from];
	const uint32_t read_bytes = w->conf->worker.read_bytes;
	bool is_spliced;
	size_t taken;
	long n;
	int i;

	if (dst->out_bytes && !relay_flush(w, s, !from))
		return true;
	for (i = 0; i < RELAY_READS_MAX; i++) {
		if (!(src->flags & CONN_RD_READY) || dst->flags & CONN_ERR)
			break;
		is_spliced = src->flags & CONN_BULK && w->conf->worker.relay >= CONF_RELAY_SPLICE &&
			     relay_pipe_get(w);
		n = is_spliced ? relay_splice(w, s, from) :
				 w->ops->recv(src->fd, w->read_buf, read_bytes);
		if (n <= 0) {
			if (n == -EINTR)
				continue;
			src->flags &= ~CONN_RD_READY;
			if (n == -EAGAIN && !(src->flags & CONN_ERR))
				break;
			if (n < 0)
				session_conn_lost(w, s, from);
			src->flags = (src->flags & ~CONN_RD_READY) |
				     CONN_RD_EOF;
			break;
		}
		s->last_active_us = w->now_us;
		if (is_spliced) {
			/* a short splice says nothing about what is left: only -EAGAIN does */
			if (n < RELAY_BULK_MIN_BYTES / 4)
				src->flags &= ~CONN_BULK;
			if (dst->out_bytes || dst->flags & CONN_ERR)
				break;
			continue;
		}
		if (n >= RELAY_BULK_MIN_BYTES) {
			src->flags |= CONN_BULK;
			s->turns = RELAY_JOIN_TURNS; /* worth a join at once */
		}
		if (n < read_bytes && !(src->flags & CONN_RD_TO_END))
			src->flags &= ~CONN_RD_READY;
		taken = dst->flags & CONN_WR_READY ?
				conn_send(w, s, !from, w->read_buf, n) :
				0;
		if (taken == (size_t)n)
			continue;
		if (dst->flags & CONN_ERR)
			break;
		if (!relay_keep(w, dst, taken, n)) {
			w->counters->resource_errors_total++;
			session_close(w, s, LOG_CAUSE_PROXY);
			return false;
		}
		break;
	}
	relay_end_of(w, s, from);
	return true;
}

/* Would another turn move something, without an event? */
static bool relay_has_work(const struct session *s, enum side from)
{
	const struct conn *src = &s->conn[from], *dst = &s->conn[!from];

	return src->flags & CONN_RD_READY && !dst->out_bytes &&
	       !(dst->flags & CONN_ERR);
}

uint64_t relay_tx_bytes(const struct session *s, enum side side)
{
	uint64_t n = s->conn[side].tx_bytes;

	if (s->is_joined)
		n += s->stack_relay.bytes_total[side == SIDE_UP ? 0 : 1];
	return n;
}

/* When the last byte moved, in microseconds of the loop's clock. */
static uint64_t relay_joined_active_us(const struct worker *w, const struct session *s)
{
	uint64_t idle_us = w->ops->relay_idle_ns(&s->stack_relay) / 1000;

	return idle_us < w->now_us ? w->now_us - idle_us : 0;
}

/* What the stack moved since this was looked at. */
static void relay_count_joined(struct worker *w, struct session *s)
{
	enum side side;
	uint64_t n;

	for (side = 0; side < SIDE__COUNT; side++) {
		n = relay_tx_bytes(s, side) - s->conn[side].tx_bytes;
		bytes_count(w, s, side, n - s->joined_counted[side]);
		s->joined_counted[side] = n;
	}
}

void relay_part(struct worker *w, struct session *s)
{
	enum side side;

	if (!s->is_joined)
		return;
	s->last_active_us = relay_joined_active_us(w, s);
	w->ops->relay_part(&s->stack_relay);
	relay_count_joined(w, s);
	for (side = 0; side < SIDE__COUNT; side++) {
		s->conn[side].tx_bytes = relay_tx_bytes(s, side);
		s->conn[side].flags |= CONN_RD_READY | CONN_WR_READY;
	}
	s->is_joined = false;
}

void relay_look(struct worker *w, struct session *s)
{
	if (!s->is_joined)
		return;
	s->last_active_us = relay_joined_active_us(w, s);
	relay_count_joined(w, s);
}

/* What waits in the sockets the stack finds; what waits here must have gone first. */
static bool relay_join(struct worker *w, struct session *s)
{
	const struct conn *down = &s->conn[SIDE_DOWN], *up = &s->conn[SIDE_UP];

	if (s->turns < RELAY_JOIN_TURNS || s->no_join || w->conf->worker.relay < CONF_RELAY_STACK || !w->ops->relay_join)
		return false;
	if ((down->out_bytes && !relay_flush(w, s, SIDE_DOWN)) || (up->out_bytes && !relay_flush(w, s, SIDE_UP)))
		return false;
	if ((down->flags | up->flags) & (CONN_RD_TO_END | CONN_RD_EOF | CONN_WR_SHUT | CONN_ERR))
		return false;
	if (w->ops->relay_join(&s->stack_relay, down->fd, up->fd)) {
		s->no_join = true;
		return false;
	}
	s->is_joined = true;
	s->joined_counted[SIDE_DOWN] = s->joined_counted[SIDE_UP] = 0;
	return true;
}

void relay_preface(struct worker *w, struct session *s, const void *head, size_t len)
{
	struct conn *src = &s->conn[SIDE_DOWN], *dst = &s->conn[SIDE_UP];
	size_t sum = len, taken;
	long n;

	memcpy(w->read_buf, head, len);
	if (src->flags & CONN_RD_READY) {
		/* an end or nothing is found again by the pump; an error is told once only */
		n = w->ops->recv(src->fd, w->read_buf + len, RELAY_BUF_BYTES - len);
		if (n > 0)
			sum += n;
		else if (n < 0 && n != -EAGAIN && n != -EINTR)
			session_conn_lost(w, s, SIDE_DOWN);
		if (n > 0 && sum < RELAY_BUF_BYTES && !(src->flags & CONN_RD_TO_END))
			src->flags &= ~CONN_RD_READY;
	}
	taken = conn_send(w, s, SIDE_UP, w->read_buf, sum);
	dst->tx_bytes -= taken < len ? taken : len; /* counts the client's bytes, and a fresh socket takes the header whole */
	if (taken < sum && !(dst->flags & CONN_ERR) && !relay_keep(w, dst, taken, sum)) {
		w->counters->resource_errors_total++;
		session_close(w, s, LOG_CAUSE_PROXY);
	}
}

void relay_run(struct worker *w, struct session *s)
{
	if (relay_join(w, s))
		return;
	if (s->turns < RELAY_JOIN_TURNS)
		s->turns++;
	if (!relay_pump(w, s, SIDE_DOWN) || !relay_pump(w, s, SIDE_UP))
		return;
	/*
	 * the second pump may have found the first one's source lost: deliver what it still holds
	 */
	if ((s->conn[SIDE_DOWN].flags & (CONN_ERR | CONN_RD_READY)) ==
		    (CONN_ERR | CONN_RD_READY) &&
	    !relay_pump(w, s, SIDE_DOWN))
		return;

	if (relay_has_work(s, SIDE_DOWN) || relay_has_work(s, SIDE_UP)) {
		if (!relay_join(w, s))
			worker_ready(w, s);
		return;
	}
	if (s->conn[SIDE_DOWN].flags & CONN_ERR)
		session_check_reset(w, s, SIDE_DOWN);
	else if (s->conn[SIDE_UP].flags & CONN_ERR)
		session_check_reset(w, s, SIDE_UP);
	else if (s->conn[SIDE_DOWN].flags & s->conn[SIDE_UP].flags &
		 CONN_WR_SHUT)
		session_close(w, s, LOG_CAUSE_DONE);
	else
		relay_join(w, s);
}
