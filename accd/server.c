// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - one member of a pool
 *
 * Both options set here keep bytes moving: TCP_NODELAY because the relay hands over whole bursts
 * and waiting for more would only delay their tail, SO_OOBINLINE because a byte sent as urgent
 * data is a byte of the stream and must not get lost.
 */
#include <errno.h>
#include <netinet/tcp.h>

#include "server.h"

void server_init(struct server *server, const struct conf_server *conf,
		 struct counters_server *counters)
{
	server->conf = conf;
	server->counters = counters;
}

int server_connect(struct server *server, const struct stack_ops *ops,
		   int *done)
{
	const union addr *addr = &server->conf->target.addr;
	const int one = 1;
	int fd, r;

	fd = ops->socket(addr->sa.sa_family,
			 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			 IPPROTO_TCP);
	if (fd < 0)
		return fd;
	ops->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ops->setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	server->counters->connects_total++;
	r = ops->connect(fd, &addr->sa, addr_len(addr));
	if (r < 0 && r != -EINPROGRESS) {
		ops->close(fd);
		return r;
	}
	*done = r == 0;
	return fd;
}
