// SPDX-License-Identifier: GPL-2.0-only
/*
 * listener.c - a bound address that accepts clients
 *
 * Edge-triggered as everything else: an event says that connections wait, and accept() runs until
 * it says no. What ends early leaves is_ready set; worker.c calls again. Three things end it
 * early:
 *
 *   LISTENER_BATCH    one turn's share, so that a burst of connections doesn't stall running sessions
 *   no free session   worker.max_sessions reached: connections wait in the backlog until a session ends
 *   no descriptor     EMFILE, ENFILE, ENOBUFS, ENOMEM: a pause of LISTENER_PAUSE_US, then another try; no spinning
 *
 * TCP_NODELAY and SO_OOBINLINE (server.c says why) are set on the listening socket: accepted ones
 * inherit them, which saves two calls per session.
 */
#include <errno.h>
#include <netinet/tcp.h>

#include "listener.h"
#include "session.h"
#include "worker.h"

#define LISTENER_BATCH 64
#define LISTENER_PAUSE_US \
	100000 /* long enough not to burn a core, short against a client's patience */

int listener_bind(const struct stack_ops *ops, const struct conf_listener *conf, bool is_shared,
		  const char **call)
{
	const union addr *addr = &conf->bind;
	const int one = 1;
	int fd, r;

	*call = "socket";
	fd = ops->socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			 IPPROTO_TCP);
	if (fd < 0)
		return fd;
	*call = "setsockopt";
	r = ops->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!r && is_shared)
		r = ops->setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (!r)
		r = ops->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!r)
		r = ops->setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	if (!r) {
		*call = "bind";
		r = ops->bind(fd, &addr->sa, addr_len(addr));
	}
	if (!r)
		return fd;
	ops->close(fd);
	return r;
}

int listener_watch(struct listener *l, struct worker *w, bool is_watched)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	ev.data.u64 = worker_event_data(l, EV_LISTENER, 0);
	return w->ops->epoll_ctl(w->epoll_fd, is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, l->fd,
				 &ev);
}

/* Accept up to `max`. */
static void listener_take(struct listener *l, struct worker *w, int max)
{
	union addr client;
	int client_len;
	int fd;

	while (max-- > 0) {
		if (!session_available(w)) {
			w->counters->accept_full_total++;
			w->is_accept_paused = true;
			return;
		}
		client_len = sizeof(client);
		fd = w->ops->accept4(l->fd, &client.sa, &client_len,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			session_open(w, l, fd, &client);
			continue;
		}
		switch (fd) {
		case -EAGAIN:
			l->is_ready = false;
			return;
		case -EMFILE:
		case -ENFILE:
		case -ENOBUFS:
		case -ENOMEM:
			w->counters->accept_errors_total++;
			w->is_accept_paused = true;
			l->retry_us = w->now_us + LISTENER_PAUSE_US;
			return;
		default:
			/* the client went away while it waited (ECONNABORTED, EPROTO ...): next */
			w->counters->accept_errors_total++;
		}
	}
}

void listener_accept(struct listener *l, struct worker *w)
{
	if (l->fd < 0 || !l->is_ready || w->now_us < l->retry_us)
		return;
	listener_take(l, w, LISTENER_BATCH);
}

void listener_close(struct listener *l, struct worker *w)
{
	struct sock *s = sock_find(&w->socks, &l->conf->bind);

	if (l->fd < 0)
		return;
	listener_take(l, w, l->conf->backlog + 1);
	w->ops->close(s ? sock_remove(&w->socks, s) : l->fd);
	l->fd = -1;
	l->is_ready = false;
}
