/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - one member of a pool
 */
#ifndef ACCD_SERVER_H
#define ACCD_SERVER_H

#include <stdint.h>

#include "conf.h"
#include "stack.h"

/* Written by the worker's loop only. */
struct server {
	const struct conf_server *conf;
	uint64_t connects_total;
	uint64_t connect_errors_total; /* refused, unreachable, timed out */
};

void server_init(struct server *server, const struct conf_server *conf);

/*
 * Start a connection. Returns a non-blocking descriptor; *done says whether it is established
 * already. -errno: refused at once, or no descriptor.
 */
int server_connect(struct server *server, const struct stack_ops *ops,
		   int *done);

#endif /* ACCD_SERVER_H */
