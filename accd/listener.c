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
 *   max_sessions of the listener, accept_rate: the same, until a session of it ends, or time has passed
 *   no descriptor     EMFILE, ENFILE, ENOBUFS, ENOMEM: a pause of LISTENER_PAUSE_US, then another try; no spinning
 *
 * The TCP settings (sockopt.h) are set on the listening socket: accepted ones inherit them, which
 * saves the calls per session.
 */
#include <errno.h>

#include "listener.h"
#include "session.h"
#include "sockopt.h"
#include "worker.h"

#define LISTENER_BATCH 64
#define LISTENER_PAUSE_US \
	100000 /* long enough not to burn a core, short against a client's patience */

int listener_bind(const struct stack_ops *ops, const struct conf_listener *conf, bool is_shared,
		  const char **call)
{
	const union addr *addr = &conf->bind;
	const int one = 1;
	int is_v6only = conf->is_v6only;
	int fd, r;

	fd = sockopt_socket(ops, addr->sa.sa_family, &conf->tcp, call);
	if (fd < 0)
		return fd;
	*call = "SO_REUSEADDR";
	r = ops->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!r && is_shared)
		r = ops->setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (!r && addr->sa.sa_family == AF_INET6) {
		/* said either way: net.ipv6.bindv6only must not decide */
		*call = "v6only";
		r = ops->setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_v6only, sizeof(is_v6only));
	}
	if (!r) {
		*call = "bind";
		r = ops->bind(fd, &addr->sa, addr_len(addr));
	}
	if (!r && conf->fast_open) {
		*call = "fast_open";
		r = sockopt_fast_open(ops, fd, conf->fast_open);
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

uint32_t listener_scope(const struct listener *l)
{
	const char *p;
	uint32_t h = 2166136261; /* FNV-1a */

	for (p = l->conf->name; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619;
	return h;
}

bool listener_has_room(const struct listener *l)
{
	uint32_t max = l->conf->max_sessions;

	return !max || listener_group((struct listener *)l)->n_sessions < max;
}

/*
 * Accept up to `max`. is_last: also beyond max_sessions and accept_rate of the listener, which is
 * about to close: those clients were told that they are connected.
 */
static void listener_take(struct listener *l, struct worker *w, int max, bool is_last)
{
	const struct conf_listener *conf = l->conf;
	uint64_t wait_us;
	union addr client;
	int client_len;
	int fd;

	while (max-- > 0) {
		if (!session_available(w) || (!is_last && !listener_has_room(l))) {
			w->counters->accept_full_total++;
			w->is_accept_paused = true;
			return;
		}
		if (conf->accept_rate && !is_last) {
			/* taken before it is known that a client waits: one too many at worst, given back below */
			wait_us = limit_rate_take(&listener_group(l)->rate, conf->accept_rate,
						  conf->accept_burst, w->now_us);
			if (wait_us) {
				w->counters->accept_full_total++;
				l->retry_us = w->now_us + wait_us;
				return;
			}
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
			if (conf->accept_rate && !is_last)
				limit_rate_give(&listener_group(l)->rate);
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
	listener_take(l, w, LISTENER_BATCH, false);
}

void listener_close(struct listener *l, struct worker *w)
{
	struct sock *s = sock_find(&w->socks, &l->conf->bind);

	if (l->fd < 0)
		return;
	listener_take(l, w, l->conf->backlog + 1, true);
	w->ops->close(s ? sock_remove(&w->socks, s) : l->fd);
	l->fd = -1;
	l->is_ready = false;
}
