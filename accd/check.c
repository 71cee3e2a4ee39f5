// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - active checks
 *
 * A check is a connection over the stack that carries the sessions, driven by the worker's loop:
 *
 *   timer ─▶ connect ─▶ [PROXY header] ─▶ [send] ─▶ [expect] ─▶ reset ─▶ timer after interval ± jitter
 *
 * One at a time and server; its timer is its deadline while it runs and its next start when it
 * does not. What accd itself could not do (no descriptor, no memory) says nothing about the
 * server and counts neither way.
 *
 * The connection is closed with a reset: a check every second would else leave a TIME_WAIT each.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "pool.h"
#include "server.h"

void check_match_init(struct check_match *m, const char *text)
{
	unsigned int i, k = 0;

	m->len = strlen(text);
	m->matched = 0;
	m->seen_bytes = 0;
	m->border[0] = 0;
	for (i = 1; i < m->len; i++) {
		while (k && text[i] != text[k])
			k = m->border[k - 1];
		if (text[i] == text[k])
			k++;
		m->border[i] = k;
	}
}

int check_match_feed(struct check_match *m, const char *text, const char *data, uint32_t len)
{
	uint32_t i;

	if (m->matched == m->len)
		return 1;
	for (i = 0; i < len; i++) {
		if (m->seen_bytes++ >= CHECK_ANSWER_BYTES_MAX)
			return -1;
		while (m->matched && data[i] != text[m->matched])
			m->matched = m->border[m->matched - 1];
		if (data[i] == text[m->matched])
			m->matched++;
		if (m->matched == m->len)
			return 1;
	}
	return m->seen_bytes >= CHECK_ANSWER_BYTES_MAX ? -1 : 0;
}

static struct server *check_server(struct check *c)
{
	return (struct server *)((char *)c - offsetof(struct server, check));
}

static const struct conf_check *check_conf(const struct server *server)
{
	return &server->pool->conf->check;
}

static void check_close(struct worker *w, struct check *c)
{
	const struct linger abort_now = { .l_onoff = 1, .l_linger = 0 };

	if (c->fd < 0)
		return;
	w->ops->setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
	w->ops->close(c->fd);
	c->fd = -1;
}

static void check_schedule(struct worker *w, struct server *server)
{
	const struct conf_check *conf = check_conf(server);
	uint64_t interval_us = conf->interval_ms * 1000ULL;
	uint64_t jitter_us = interval_us * conf->jitter_pct / 100;
	uint64_t next_us = server->check.start_us + interval_us;

	if (jitter_us)
		next_us += worker_random(w) % (2 * jitter_us + 1) - jitter_us;
	timer_set(&w->task_wheel, &server->check.timer.timer, next_us);
}

static void check_end(struct worker *w, struct server *server, enum check_result result)
{
	struct check *c = &server->check;

	check_close(w, c);
	c->result = result;
	c->end_us = w->now_us;
	c->took_us = w->now_us - c->start_us;
	if (result == CHECK_OK)
		server->counters->checks_good_total++;
	else if (result != CHECK_PROXY)
		server->counters->checks_bad_total++;
	check_schedule(w, server);
	if (result != CHECK_PROXY)
		server_checked(w, server, result == CHECK_OK);
}

/* Go on as far as it goes without waiting. */
static void check_step(struct worker *w, struct server *server)
{
	const struct conf_check *conf = check_conf(server);
	struct check *c = &server->check;
	size_t len = strlen(conf->send);
	long n;
	int r;

	while (c->tx_bytes < len) {
		n = w->ops->send(c->fd, conf->send + c->tx_bytes, len - c->tx_bytes);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n < 0) {
			check_end(w, server, CHECK_REFUSED);
			return;
		}
		c->tx_bytes += n;
	}
	if (!conf->expect[0]) {
		check_end(w, server, CHECK_OK);
		return;
	}
	for (;;) {
		n = w->ops->recv(c->fd, w->read_buf, CHECK_ANSWER_BYTES_MAX);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			check_end(w, server, n ? CHECK_REFUSED : CHECK_MISMATCH);
			return;
		}
		r = check_match_feed(&c->match, conf->expect, w->read_buf, n);
		if (r) {
			check_end(w, server, r > 0 ? CHECK_OK : CHECK_MISMATCH);
			return;
		}
	}
}

static void check_event(struct worker *w, struct event_source *src, uint8_t gen, uint32_t events)
{
	struct check *c = (struct check *)src;
	struct server *server = check_server(c);

	if (c->fd < 0 || gen != c->gen)
		return;
	if (!c->is_connected) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			check_end(w, server, CHECK_REFUSED);
			return;
		}
		if (!(events & EPOLLOUT))
			return;
		c->is_connected = true;
		if (server_send_local(w, server, c->fd)) {
			check_end(w, server, CHECK_REFUSED);
			return;
		}
	}
	check_step(w, server);
}

static void check_begin(struct worker *w, struct server *server)
{
	struct check *c = &server->check;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int done = 0;
	int r;

	c->start_us = w->now_us;
	c->tx_bytes = 0;
	c->is_connected = false;
	check_match_init(&c->match, check_conf(server)->expect);
	r = server_connect(server, w, &done);
	if (r < 0) {
		check_end(w, server, server_is_our_failure(r) ? CHECK_PROXY : CHECK_REFUSED);
		return;
	}
	c->fd = r;
	c->gen++;
	ev.data.u64 = worker_event_data(c, EV_SOURCE, c->gen);
	r = w->ops->epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev);
	if (r) {
		check_end(w, server, CHECK_PROXY);
		return;
	}
	/* if it is done, the event comes at once all the same */
	timer_set(&w->task_wheel, &c->timer.timer,
		  w->now_us + check_conf(server)->timeout_ms * 1000ULL);
}

static void check_timer(struct worker *w, struct worker_timer *t)
{
	struct check *c = (struct check *)((char *)t - offsetof(struct check, timer));
	struct server *server = check_server(c);
	uint64_t deadline_us;

	if (c->fd < 0) {
		check_begin(w, server);
		return;
	}
	deadline_us = c->start_us + check_conf(server)->timeout_ms * 1000ULL;
	if (w->now_us < deadline_us)
		timer_set(&w->task_wheel, &t->timer, deadline_us);
	else
		check_end(w, server, CHECK_TIMEOUT);
}

void check_start(struct worker *w, struct server *server)
{
	struct check *c = &server->check;

	c->source.fn = check_event;
	c->timer.fn = check_timer;
	if (!check_conf(server)->is_set || !server->addr.sa.sa_family || c->timer.timer.pprev)
		return;
	timer_set(&w->task_wheel, &c->timer.timer, w->now_us);
}

void check_stop(struct worker *w, struct server *server)
{
	check_close(w, &server->check);
	timer_stop(&w->task_wheel, &server->check.timer.timer);
}
