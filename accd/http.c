// SPDX-License-Identifier: GPL-2.0-only
/*
 * http.c - metrics and health over HTTP
 *
 * libmicrohttpd parses and answers; it runs on the supervisor's event loop (its epoll descriptor is
 * a source there), so there is no thread and no lock. All is bounded: connections, memory and time
 * of each, the rate of requests (429 above it; health is not limited, a watcher must not be
 * misled), the size of an answer (500 above METRICS_BYTES_MAX). A body is read and thrown away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "http.h"
#include "text.h"

#define HTTP_CONNECTIONS_MAX 16 /* scrapers and a few hands */
#define HTTP_TIMEOUT_SEC 10
#define HTTP_MEMORY_BYTES (16 * 1024) /* of one connection: its headers */
#define HTTP_BURST 10
#define HTTP_TICK_MS 1000 /* looks for connections that timed out */

struct http {
	struct evloop *el;
	struct evloop_fd src;
	struct evloop_timer timer;
	struct MHD_Daemon *daemon;
	struct counters_map *map;
	struct http_ops ops;
	uint32_t rate;
	uint64_t bucket, bucket_us;
	char *buf; /* of the last scrape's size or more */
	size_t buf_bytes;
};

static void http_turn(struct http *h);

static enum MHD_Result reply(struct MHD_Connection *c, unsigned int status, const char *type, void *body,
			     size_t len, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, body, mode);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status == MHD_HTTP_TOO_MANY_REQUESTS)
		MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *c, unsigned int status, const char *text)
{
	return reply(c, status, "text/plain", (void *)text, strlen(text), MHD_RESPMEM_PERSISTENT);
}

static bool is_allowed(struct http *h)
{
	uint64_t now_us = evloop_now_us();
	uint64_t earned;

	if (!h->rate)
		return true;
	earned = (now_us - h->bucket_us) * h->rate / 1000000;
	if (earned) {
		h->bucket = h->bucket + earned > HTTP_BURST ? HTTP_BURST : h->bucket + earned;
		h->bucket_us = now_us;
	}
	if (!h->bucket)
		return false;
	h->bucket--;
	return true;
}

static enum MHD_Result answer_metrics(struct http *h, struct MHD_Connection *c)
{
	struct metrics_view view;
	struct text t;
	char *buf;

	if (!is_allowed(h)) {
		h->map->supervisor.http_refused_total++;
		return say(c, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests: see metrics.rate\n");
	}
	h->ops.view(h->ops.ctx, &view);
	for (;;) {
		text_init(&t, h->buf, h->buf_bytes);
		metrics_render(&t, &view);
		if (!t.is_cut)
			break;
		buf = h->buf_bytes < METRICS_BYTES_MAX ? realloc(h->buf, h->buf_bytes * 2) : NULL;
		if (!buf)
			return say(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory for the metrics\n");
		h->buf = buf;
		h->buf_bytes *= 2;
	}
	return reply(c, MHD_HTTP_OK, METRICS_TYPE, h->buf, t.len, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *body, size_t *body_len, void **state)
{
	static int seen;
	struct metrics_view view;
	struct http *h = ctx;
	const struct counters_supervisor *s = &h->map->supervisor;

	/* the first call is made with the headers, the second when all is read */
	if (!*state) {
		*state = &seen;
		h->map->supervisor.http_requests_total++;
		if (strcmp(method, "GET") && strcmp(method, "HEAD"))
			return say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD only\n");
		return MHD_YES;
	}
	if (*body_len) {
		*body_len = 0; /* read away */
		return MHD_YES;
	}
	h->ops.view(h->ops.ctx, &view); /* brings *s up to date */
	if (!strcmp(url, "/metrics"))
		return answer_metrics(h, c);
	if (!strcmp(url, "/healthz"))
		return s->draining ? say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "draining\n") : say(c, MHD_HTTP_OK, "ok\n");
	if (!strcmp(url, "/readyz")) {
		if (s->draining)
			return say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "draining\n");
		if (s->workers < s->workers_configured || !s->workers)
			return say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "workers are missing\n");
		return say(c, MHD_HTTP_OK, "ready\n");
	}
	return say(c, MHD_HTTP_NOT_FOUND, "try /metrics, /healthz or /readyz\n");
}

static void on_timer(void *ctx)
{
	http_turn(ctx);
}

static void on_event(void *ctx, uint32_t events)
{
	http_turn(ctx);
}

static void http_turn(struct http *h)
{
	const union MHD_DaemonInfo *info;

	MHD_run(h->daemon);
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	if (info && info->num_connections)
		evloop_timer_set(h->el, &h->timer, HTTP_TICK_MS, on_timer, h);
}

/* Closed by MHD; nothing of it is worth a message. */
static void on_mhd_log(void *ctx, const char *fmt, va_list ap)
{
}

int http_open(struct evloop *el, int fd, uint32_t rate, struct counters_map *map,
	      const struct http_ops *ops, struct http **out)
{
	const union MHD_DaemonInfo *info;
	struct http *h = calloc(1, sizeof(*h));
	int r = -ENOMEM;

	if (!h)
		goto err_close;
	h->buf_bytes = 64 * 1024;
	h->buf = malloc(h->buf_bytes);
	if (!h->buf)
		goto err_free;
	h->el = el;
	h->map = map;
	h->ops = *ops;
	h->rate = rate;
	h->bucket = HTTP_BURST;
	h->bucket_us = evloop_now_us();
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, h,
				     MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
				     MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CONNECTIONS_MAX,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_TIMEOUT_SEC,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_BYTES,
				     MHD_OPTION_END);
	r = -EIO;
	if (!h->daemon)
		goto err_free;
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	r = info ? evloop_add(el, &h->src, info->epoll_fd, EPOLLIN, on_event, h) : -EIO;
	if (r) {
		MHD_stop_daemon(h->daemon); /* closes fd */
		free(h->buf);
		free(h);
		return r;
	}
	*out = h;
	return 0;

err_free:
	if (h)
		free(h->buf);
	free(h);
err_close:
	close(fd);
	return r;
}

void http_close(struct http *h)
{
	evloop_remove(h->el, &h->src);
	evloop_timer_stop(h->el, &h->timer);
	MHD_stop_daemon(h->daemon);
	free(h->buf);
	free(h);
}
