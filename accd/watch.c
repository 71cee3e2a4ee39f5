// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c - metrics and health inside the stack
 *
 * A small HTTP server in the worker's loop: one request a connection, then it is closed. It stands
 * where clients stand, so it trusts nobody: addresses outside metrics.allow are reset at accept,
 * WATCH_CONNS_MAX connections with WATCH_TIME_US for all of it, metrics.rate scrapes a second (429
 * above; health is always answered), a request of WATCH_REQUEST_BYTES. Rendering happens between two
 * batches: about a microsecond a series, which the rate bounds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "metrics.h"
#include "service.h"
#include "text.h"
#include "watch.h"
#include "worker.h"

#define WATCH_CONNS_MAX 4
#define WATCH_TIME_US 5000000
#define WATCH_BURST 10
#define WATCH_BACKLOG 8
#define WATCH_BYTES_MIN (64 * 1024)

struct watch_conn {
	struct event_source src; /* first */
	struct worker_timer timer;
	int fd; /* -1: free */
	uint8_t gen;
	size_t in_len;
	char in[WATCH_REQUEST_BYTES];
	char *out;
	size_t out_len, out_done;
};

static struct {
	struct event_source src; /* first: of the listening socket */
	int fd;
	struct watch_prefixes allow;
	uint64_t bucket, bucket_us;
	struct watch_conn conns[WATCH_CONNS_MAX];
} watch = { .fd = -1 };

/* ---- pure ---- */

int watch_parse_prefixes(const char *text, struct watch_prefixes *prefixes)
{
	char copy[512], *word, *save = NULL, *slash, *end;

	memset(prefixes, 0, sizeof(*prefixes));
	if (!strcmp(text, "none"))
		return 0;
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	for (word = strtok_r(copy, " ,", &save); word; word = strtok_r(NULL, " ,", &save)) {
		struct watch_prefix *p = &prefixes->prefix[prefixes->n];
		unsigned long len;

		if (prefixes->n == WATCH_PREFIXES_MAX)
			return -EINVAL;
		slash = strchr(word, '/');
		if (slash)
			*slash++ = '\0';
		p->family = strchr(word, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(p->family, word, p->addr) != 1)
			return -EINVAL;
		p->len = p->family == AF_INET ? 32 : 128;
		if (slash) {
			len = strtoul(slash, &end, 10);
			if (*slash < '0' || *slash > '9' || *end || len > p->len)
				return -EINVAL;
			p->len = len;
		}
		prefixes->n++;
	}
	return prefixes->n ? 0 : -EINVAL;
}

static bool is_in(const struct watch_prefix *p, int family, const uint8_t *addr)
{
	unsigned int bytes = p->len / 8, bits = p->len % 8;

	return p->family == family && !memcmp(p->addr, addr, bytes) &&
	       (!bits || !((p->addr[bytes] ^ addr[bytes]) >> (8 - bits)));
}

bool watch_is_allowed(const struct watch_prefixes *prefixes, const union addr *client)
{
	int family = client->sa.sa_family;
	const uint8_t *addr = family == AF_INET ? (const uint8_t *)&client->in.sin_addr :
						  client->in6.sin6_addr.s6_addr;
	unsigned int i;

	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&client->in6.sin6_addr)) {
		family = AF_INET;
		addr += 12;
	}
	for (i = 0; i < prefixes->n; i++)
		if (is_in(&prefixes->prefix[i], family, addr))
			return true;
	return false;
}

static bool is_path(const char *path, size_t len, const char *want)
{
	return len == strlen(want) && !memcmp(path, want, len);
}

enum watch_path watch_parse_request(const char *req, size_t len, bool *is_head)
{
	const char *path, *end = memchr(req, '\r', len), *blank;
	size_t path_len;

	*is_head = false;
	if (!end)
		return WATCH_BAD;
	blank = memchr(req, ' ', end - req);
	if (!blank)
		return WATCH_BAD;
	path = blank + 1;
	blank = memchr(path, ' ', end - path);
	if (!blank || blank == path || end - blank != 9 || memcmp(blank, " HTTP/1.", 8))
		return WATCH_BAD;
	path_len = blank - path;
	*is_head = path - req == 5 && !memcmp(req, "HEAD ", 5);
	if (!*is_head && (path - req != 4 || memcmp(req, "GET ", 4)))
		return WATCH_NOT_ALLOWED;
	return is_path(path, path_len, "/metrics") ? WATCH_METRICS :
	       is_path(path, path_len, "/healthz") ? WATCH_HEALTHZ :
	       is_path(path, path_len, "/readyz")  ? WATCH_READYZ :
						     WATCH_NOT_FOUND;
}

/* ---- connections ---- */

static void conn_close(struct worker *w, struct watch_conn *c)
{
	if (c->fd < 0)
		return;
	timer_stop(&w->task_wheel, &c->timer.timer);
	w->ops->close(c->fd);
	c->fd = -1;
	free(c->out);
	c->out = NULL;
}

static void conn_late(struct worker *w, struct worker_timer *t)
{
	conn_close(w, (struct watch_conn *)((char *)t - offsetof(struct watch_conn, timer)));
}

static bool is_rate_kept(struct worker *w)
{
	uint32_t rate = w->conf->metrics.rate;
	uint64_t earned = (w->now_us - watch.bucket_us) * rate / 1000000;

	if (!rate)
		return true;
	if (earned) {
		watch.bucket = watch.bucket + earned > WATCH_BURST ? WATCH_BURST : watch.bucket + earned;
		watch.bucket_us = w->now_us;
	}
	if (!watch.bucket)
		return false;
	watch.bucket--;
	return true;
}

/* Head and body into c->out; body NULL: the metrics. */
static void conn_answer(struct worker *w, struct watch_conn *c, const char *status, const char *body,
			bool is_head)
{
	struct metrics_view view = { w->map, ACCD_VERSION, w->ops->name, w->ops->release() };
	size_t size = body ? 1024 : WATCH_BYTES_MIN, len;
	char head[256];
	struct text t;

	for (;; size *= 2) {
		c->out = malloc(size);
		if (!c->out)
			return;
		/* room for the head, whose length is known when the body is */
		text_init(&t, c->out + sizeof(head), size - sizeof(head));
		if (body)
			text_add(&t, "%s", body);
		else
			metrics_render(&t, &view);
		if (!t.is_cut || size >= METRICS_BYTES_MAX)
			break;
		free(c->out);
	}
	len = snprintf(head, sizeof(head),
		       "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
		       "Connection: close\r\n\r\n",
		       status, body ? "text/plain" : METRICS_TYPE, t.len);
	c->out_done = sizeof(head) - len;
	memcpy(c->out + c->out_done, head, len);
	c->out_len = sizeof(head) + (is_head ? 0 : t.len);
}

static void conn_request(struct worker *w, struct watch_conn *c)
{
	const struct counters_supervisor *s = &w->map->supervisor;
	bool is_draining = counters_read(&s->draining) || w->is_draining, is_head;

	switch (watch_parse_request(c->in, c->in_len, &is_head)) {
	case WATCH_METRICS:
		if (is_rate_kept(w)) {
			conn_answer(w, c, "200 OK", NULL, is_head);
		} else {
			w->counters->watch_refused_total++;
			conn_answer(w, c, "429 Too Many Requests", "too many requests: see metrics.rate\n", is_head);
		}
		break;
	case WATCH_HEALTHZ:
		if (is_draining)
			conn_answer(w, c, "503 Service Unavailable", "draining\n", is_head);
		else
			conn_answer(w, c, "200 OK", "ok\n", is_head);
		break;
	case WATCH_READYZ:
		if (is_draining || counters_read(&s->workers) < counters_read(&s->workers_configured))
			conn_answer(w, c, "503 Service Unavailable", "not ready\n", is_head);
		else
			conn_answer(w, c, "200 OK", "ready\n", is_head);
		break;
	case WATCH_NOT_FOUND:
		conn_answer(w, c, "404 Not Found", "try /metrics, /healthz or /readyz\n", is_head);
		break;
	case WATCH_NOT_ALLOWED:
		conn_answer(w, c, "405 Method Not Allowed", "GET or HEAD only\n", is_head);
		break;
	case WATCH_BAD:
		conn_answer(w, c, "400 Bad Request", "not HTTP/1\n", is_head);
		break;
	}
	w->counters->watch_requests_total++;
}

static void conn_event(struct worker *w, struct event_source *src, uint8_t gen, uint32_t events)
{
	struct watch_conn *c = (struct watch_conn *)src;
	long n;

	if (c->fd < 0 || gen != c->gen)
		return;
	while (!c->out) {
		n = w->ops->recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			conn_close(w, c);
			return;
		}
		c->in_len += n;
		if (memmem(c->in, c->in_len, "\r\n\r\n", 4) || c->in_len == sizeof(c->in))
			conn_request(w, c);
		if (!c->out && c->in_len == sizeof(c->in)) {
			conn_close(w, c);
			return;
		}
	}
	while (c->out_done < c->out_len) {
		n = w->ops->send(c->fd, c->out + c->out_done, c->out_len - c->out_done);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0)
			break;
		c->out_done += n;
	}
	conn_close(w, c);
}

static void on_connection(struct worker *w, struct event_source *src, uint8_t gen, uint32_t events)
{
	const struct linger abort_now = { .l_onoff = 1, .l_linger = 0 };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	struct watch_conn *c;
	union addr client;
	unsigned int i;
	int fd, len;

	/* edge-triggered: until it says no; what has no place is reset, so it ends */
	for (;;) {
		len = sizeof(client);
		fd = w->ops->accept4(watch.fd, &client.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		for (i = 0; i < WATCH_CONNS_MAX && watch.conns[i].fd >= 0; i++)
			;
		if (i == WATCH_CONNS_MAX || !watch_is_allowed(&watch.allow, &client)) {
			w->counters->watch_refused_total++;
			w->ops->setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
			w->ops->close(fd);
			continue;
		}
		c = &watch.conns[i];
		c->fd = fd;
		c->gen++;
		c->in_len = 0;
		ev.data.u64 = worker_event_data(c, EV_SOURCE, c->gen);
		timer_set(&w->task_wheel, &c->timer.timer, w->now_us + WATCH_TIME_US);
		if (w->ops->epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
			conn_close(w, c);
	}
}

int watch_open(struct worker *w, char *err, size_t err_len)
{
	const struct conf_metrics *conf = &w->conf->metrics;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	const char *call = "socket", *why;
	struct service at;
	const int one = 1;
	unsigned int i;
	int r;

	/* one for all: the counters are those of all workers */
	if (w->index || service_parse(conf->stack_bind, &at, &why) || at.kind != SERVICE_INET ||
	    watch_parse_prefixes(conf->allow, &watch.allow))
		return 0;
	for (i = 0; i < WATCH_CONNS_MAX; i++) {
		watch.conns[i].fd = -1;
		watch.conns[i].src.fn = conn_event;
		watch.conns[i].timer.fn = conn_late;
	}
	watch.src.fn = on_connection;
	watch.bucket = WATCH_BURST;
	watch.bucket_us = w->now_us;
	watch.fd = r = w->ops->socket(at.addr.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				      IPPROTO_TCP);
	if (r >= 0) {
		w->ops->setsockopt(watch.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		call = "bind";
		r = w->ops->bind(watch.fd, &at.addr.sa, addr_len(&at.addr));
	}
	if (!r) {
		call = "listen";
		r = w->ops->listen(watch.fd, WATCH_BACKLOG);
	}
	if (!r) {
		call = "epoll_ctl";
		ev.data.u64 = worker_event_data(&watch, EV_SOURCE, 0);
		r = w->ops->epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, watch.fd, &ev);
	}
	if (r)
		snprintf(err, err_len, "metrics.stack_bind: %s %s: %s", call, conf->stack_bind, strerror(-r));
	return r;
}

void watch_close(struct worker *w)
{
	unsigned int i;

	/* not the other loops', which may end before */
	if (w->index || watch.fd < 0)
		return;
	for (i = 0; i < WATCH_CONNS_MAX; i++)
		conn_close(w, &watch.conns[i]);
	w->ops->close(watch.fd);
	watch.fd = -1;
}
