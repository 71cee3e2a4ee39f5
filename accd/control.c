// SPDX-License-Identifier: GPL-2.0-only
/*
 * control.c - both ends of the channel between supervisor and worker
 *
 * Worker. The main thread owns the socket, the loop owns the handlers; between them lies one slot
 * (struct control_worker) whose `state` says whose it is, so neither ever waits for the other:
 *
 *   IDLE ── main: control_receive() ──▶ REQUEST ── loop: control_run() ──▶ ANSWER ── main: control_send() ──▶ IDLE
 *                                          ▲                                            │ handler said MORE
 *                                          └────────────────────────────────────────────┘
 *
 * While a call is under way the main thread does not read the socket: the kernel's buffer bounds
 * what waits. A supervisor that does not read for SEND_TIMEOUT_SEC loses the answer.
 *
 * Supervisor. Each request under way has an id, a deadline and a callback. Chunks with an unknown
 * id (their request has timed out) are thrown away.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "control.h"

#define SEND_TIMEOUT_SEC 5

struct control_pending {
	struct control_pending *next;
	struct control_peer *peer;
	uint32_t id;
	struct evloop_timer timer;
	control_answer_fn fn;
	void *ctx;
};

int control_pair(int fds[2])
{
	const struct timeval tv = { .tv_sec = SEND_TIMEOUT_SEC };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	return 0;
}

/* One datagram, with a descriptor if fd >= 0. Bytes sent, or -errno. */
static ssize_t channel_send(int sock, const struct control_hdr *hdr, const void *data, int fd,
			    int flags)
{
	struct iovec iov[2] = { { (void *)hdr, sizeof(*hdr) }, { (void *)data, hdr->len } };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} cmsg;
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = hdr->len ? 2 : 1 };
	ssize_t n;

	if (fd >= 0) {
		memset(&cmsg, 0, sizeof(cmsg));
		m.msg_control = &cmsg;
		m.msg_controllen = sizeof(cmsg);
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(int));
	}
	do {
		n = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * One datagram, without waiting. Payload bytes, or -errno: -EPIPE at the end, -EBADMSG for what is
 * no message of ours. *fd: -1 or a descriptor for the caller.
 */
static ssize_t channel_receive(int sock, struct control_hdr *hdr, void *data, size_t max, int *fd)
{
	struct iovec iov[2] = { { hdr, sizeof(*hdr) }, { data, max } };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} cmsg;
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = &cmsg,
			    .msg_controllen = sizeof(cmsg) };
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do {
		n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (!n)
		return -EPIPE;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || (size_t)n < sizeof(*hdr) ||
	    hdr->len != n - sizeof(*hdr)) {
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		return -EBADMSG;
	}
	return n - sizeof(*hdr);
}

/* ---- worker ---- */

bool control_put(struct control_call *call, const void *data, uint32_t len)
{
	if (len > call->out_max - call->out_len)
		return false;
	memcpy(call->out + call->out_len, data, len);
	call->out_len += len;
	return true;
}

bool control_printf(struct control_call *call, const char *fmt, ...)
{
	uint32_t room = call->out_max - call->out_len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(call->out + call->out_len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (uint32_t)n >= room)
		return false;
	call->out_len += n;
	return true;
}

void control_worker_init(struct control_worker *c, int fd)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->call.fd = -1;
	c->call.req = c->req;
	c->call.out = c->out;
	c->call.out_max = sizeof(c->out);
}

bool control_receive(struct control_worker *c, bool *is_closed)
{
	ssize_t n;

	*is_closed = false;
	if (atomic_load(&c->state) != CONTROL_IDLE)
		return false;
	n = channel_receive(c->fd, &c->hdr, c->req, sizeof(c->req), &c->call.fd);
	if (n < 0) {
		*is_closed = n == -EPIPE;
		return false;
	}
	c->call.req_len = n;
	c->call.cursor = 0;
	c->call.out_len = 0;
	atomic_store(&c->state, CONTROL_REQUEST);
	return true;
}

bool control_run(struct control_worker *c, struct worker *w)
{
	const struct control_row *row;
	int r;

	if (atomic_load_explicit(&c->state, memory_order_acquire) != CONTROL_REQUEST)
		return false;
	row = c->hdr.op < CONTROL_OP__COUNT ? &control_ops[c->hdr.op] : NULL;
	c->call.out_len = 0;
	if (!row || !row->fn)
		r = -EOPNOTSUPP;
	else if (c->call.req_len < row->req_min || c->call.req_len > row->req_max)
		r = -EINVAL;
	else
		r = row->fn(w, &c->call);
	c->hdr.flags = r == CONTROL_MORE ? CONTROL_F_MORE : 0;
	c->hdr.status = r < 0 ? r : 0;
	c->hdr.len = c->call.out_len;
	atomic_store_explicit(&c->state, CONTROL_ANSWER, memory_order_release);
	return true;
}

bool control_send(struct control_worker *c)
{
	bool is_more;

	if (atomic_load(&c->state) != CONTROL_ANSWER)
		return false;
	is_more = c->hdr.flags & CONTROL_F_MORE;
	if (channel_send(c->fd, &c->hdr, c->out, -1, 0) < 0)
		is_more = false; /* nobody reads it */
	if (is_more) {
		atomic_store(&c->state, CONTROL_REQUEST);
		return true;
	}
	if (c->call.fd >= 0)
		close(c->call.fd);
	c->call.fd = -1;
	atomic_store(&c->state, CONTROL_IDLE);
	return false;
}

void control_event(struct control_worker *c, enum control_op ev, const char *text)
{
	struct control_hdr hdr = { .op = ev, .len = strlen(text) };

	channel_send(c->fd, &hdr, text, -1, 0);
}

/* ---- supervisor ---- */

static struct control_pending **pending_find(struct control_peer *p, uint32_t id)
{
	struct control_pending **q;

	for (q = &p->pending; *q; q = &(*q)->next)
		if ((*q)->id == id)
			return q;
	return NULL;
}

/* The last call of a request. */
static void pending_end(struct control_pending **q, int status, const char *data, uint32_t len)
{
	struct control_pending *one = *q;
	struct control_peer *p = one->peer;
	struct control_answer answer = { .worker = p->index, .status = status, .is_last = true,
					 .data = data, .len = len };

	*q = one->next;
	p->n_pending--;
	evloop_timer_stop(p->loop, &one->timer);
	one->fn(one->ctx, &answer);
	free(one);
}

static void pending_timeout(void *ctx)
{
	struct control_pending *one = ctx;
	struct control_pending **q = pending_find(one->peer, one->id);

	pending_end(q, -ETIMEDOUT, "", 0);
}

/* One datagram. False: there is none, or no more. */
static bool peer_read(struct control_peer *p)
{
	static char data[CONTROL_CHUNK_MAX + 1]; /* one loop, one thread */
	struct control_pending **q;
	struct control_hdr hdr;
	ssize_t n;
	int fd;

	n = channel_receive(p->src.fd, &hdr, data, CONTROL_CHUNK_MAX, &fd);
	if (fd >= 0)
		close(fd); /* a worker has nothing to give */
	if (n == -EPIPE) {
		/* the process is ending; SIGCHLD says how */
		evloop_remove(p->loop, &p->src);
		return false;
	}
	if (n < 0)
		return n == -EBADMSG;
	data[n] = '\0';
	if (!hdr.id) {
		if (hdr.op <= CONTROL_EV_FAILED)
			p->on_event(p->ctx, hdr.op, data);
		return true;
	}
	q = pending_find(p, hdr.id);
	if (!q)
		return true;
	if (hdr.flags & CONTROL_F_MORE) {
		struct control_answer answer = { .worker = p->index, .data = data, .len = n };

		(*q)->fn((*q)->ctx, &answer);
		return true;
	}
	pending_end(q, hdr.status > 0 ? -EBADMSG : hdr.status, data, n);
	return true;
}

static void peer_readable(void *ctx, uint32_t events)
{
	peer_read(ctx);
}

void control_peer_drain(struct control_peer *p)
{
	while (p->src.is_set && peer_read(p))
		;
}

int control_peer_init(struct control_peer *p, struct evloop *loop, int fd, int index,
		      control_event_fn on_event, void *ctx)
{
	int r;

	memset(p, 0, sizeof(*p));
	p->loop = loop;
	p->index = index;
	p->on_event = on_event;
	p->ctx = ctx;
	p->src.fd = fd;
	r = evloop_add(loop, &p->src, fd, EPOLLIN, peer_readable, p);
	if (r) {
		close(fd);
		p->src.fd = -1;
	}
	return r;
}

void control_peer_exit(struct control_peer *p)
{
	if (!p->loop || p->src.fd < 0)
		return;
	evloop_remove(p->loop, &p->src);
	close(p->src.fd);
	p->src.fd = -1;
	while (p->pending)
		pending_end(&p->pending, -EPIPE, "", 0);
}

int control_ask(struct control_peer *p, enum control_op op, const void *req, uint32_t len, int fd,
		uint32_t timeout_ms, control_answer_fn fn, void *ctx)
{
	struct control_hdr hdr = { .op = op, .len = len };
	struct control_pending *one;
	ssize_t n;

	if (len > CONTROL_REQUEST_MAX)
		return -EMSGSIZE;
	if (!p->loop || !p->src.is_set)
		return -EPIPE;
	if (p->n_pending >= CONTROL_PENDING_MAX)
		return -EAGAIN;
	one = calloc(1, sizeof(*one));
	if (!one)
		return -ENOMEM;
	if (!++p->next_id)
		p->next_id = 1;
	hdr.id = one->id = p->next_id;
	n = channel_send(p->src.fd, &hdr, req, fd, MSG_DONTWAIT);
	if (n < 0) {
		free(one);
		return n == -ECONNRESET ? -EPIPE : n;
	}
	one->peer = p;
	one->fn = fn;
	one->ctx = ctx;
	one->next = p->pending;
	p->pending = one;
	p->n_pending++;
	evloop_timer_set(p->loop, &one->timer, timeout_ms, pending_timeout, one);
	return 0;
}
