/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * http.h - metrics and health over HTTP, for the machines that watch accd
 *
 *   GET /metrics   200, text for Prometheus
 *   GET /healthz   200 "ok" while accd serves; 503 "draining" from the start of a drain, so that a
 *                  load balancer in front sends nobody any more
 *   GET /readyz    200 "ready" when all workers serve; 503 before, while some are missing, and in a drain
 *
 * In the supervisor, on its event loop.
 */
#ifndef ACCD_HTTP_H
#define ACCD_HTTP_H

#include <stddef.h>

#include "counters.h"
#include "evloop.h"
#include "metrics.h"

struct http;

struct http_ops {
	/* What a scrape shows; called for each. */
	void (*view)(void *ctx, struct metrics_view *view);
	void *ctx;
};

/*
 * Serve on a listening socket, which is taken over, also on failure. map->supervisor is where it
 * counts and what /healthz is answered from. rate: requests a second, 10 at once. 0 or -errno.
 */
int http_open(struct evloop *el, int fd, uint32_t rate, struct counters_map *map,
	      const struct http_ops *ops, struct http **out);
void http_close(struct http *http);

#endif /* ACCD_HTTP_H */
