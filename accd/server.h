/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - one member of a pool
 */
#ifndef ACCD_SERVER_H
#define ACCD_SERVER_H

#include <stdint.h>

#include "conf.h"
#include "counters.h"
#include "stack.h"

/* Written by the worker's loop only. */
struct server {
	const struct conf_server *conf;
	struct counters_server *counters;
};

void server_init(struct server *server, const struct conf_server *conf,
		 struct counters_server *counters);

/*
 * Start a connection. Returns a non-blocking descriptor; *done says whether it is established
 * already. -errno: refused at once, or no descriptor.
 */
int server_connect(struct server *server, const struct stack_ops *ops,
		   int *done);

#endif /* ACCD_SERVER_H */
