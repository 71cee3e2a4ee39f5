// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - one member of a pool
 *
 * The TCP settings of a pool's connections are those of sockopt.h. One that the stack refuses makes
 * the connection fail, counted as accd's own failure, and a message says which.
 *
 * Source. With an address alone the stack chooses the port at connect(), when it knows the peer
 * (IP_BIND_ADDRESS_NO_PORT), so that one port may serve several servers. With a range the ports take
 * turns; one that is in use towards this server is passed over. Not IP_LOCAL_PORT_RANGE: the stack
 * ignores it where it is not inside net.ipv4.ip_local_port_range.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "cc.h"
#include "err.h"
#include "pool.h"
#include "proxy_protocol.h"
#include "server.h"
#include "sockopt.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3; <netinet/in.h> of Debian 12 does not have it */
#endif
#define SOURCE_TRIES_MAX 64 /* ports of the range tried for one connection; each costs three calls */

bool server_is_our_failure(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS ||
	       err == -ENOSPC || err == -EADDRNOTAVAIL || err == -EADDRINUSE ||
	       err == -EOPNOTSUPP || err == -ENOPROTOOPT || err == -ENOENT || err == -ERANGE ||
	       err == -EPROTONOSUPPORT; /* a setting that the stack has not: sockopt.h */
}

/* Bind to the pool's source; each call takes the next port. */
static int bind_source(struct pool *pool, const struct stack_ops *ops, int fd)
{
	const struct conf_source *source = &pool->conf->source;
	unsigned int len = source->port_max - source->port_min + 1;
	union addr addr = source->addr;
	const int one = 1;
	int r;

	if (!source->port_min) {
		r = ops->setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	} else {
		addr.in.sin_port = htons(source->port_min + pool->source_next++ % len);
		r = ops->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	}
	return r ? r : ops->bind(fd, &addr.sa, addr_len(&addr));
}

static int connect_once(struct server *server, struct worker *w, bool is_bound, int *done)
{
	const struct stack_ops *ops = w->ops;
	const union addr *addr = &server->addr;
	const char *what;
	int fd, r;

	fd = sockopt_socket(ops, addr->sa.sa_family, &server->pool->conf->tcp, &what);
	if (fd < 0) {
		if (!server->pool->is_tcp_bad)
			msg("pool.%s.%s: refused for a connection: %s", server->pool->name, what, strerror(-fd));
		server->pool->is_tcp_bad = true; /* said once */
		return fd;
	}
	cc_choose(w, fd, conf_of_pool(server->pool->conf), &server->pool->conf->cc_rules, addr);
	/* answers come to this loop's vCPU; a kernel without it has them come to another one */
	if (w->local_ports && addr->sa.sa_family)
		ops->setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &w->local_ports, sizeof(w->local_ports));
	r = is_bound ? bind_source(server->pool, ops, fd) : 0;
	if (!r)
		r = ops->connect(fd, &addr->sa, addr_len(addr));
	if (r < 0 && r != -EINPROGRESS) {
		ops->close(fd);
		return r;
	}
	*done = r == 0;
	return fd;
}

int server_connect(struct server *server, struct worker *w, int *done)
{
	struct pool *pool = server->pool;
	const struct conf_source *source = &pool->conf->source;
	bool is_bound = source->addr.sa.sa_family == server->addr.sa.sa_family;
	unsigned int tries = 1;
	int r;

	*done = 0;
	if (is_bound && source->port_min)
		tries = source->port_max - source->port_min + 1;
	if (tries > SOURCE_TRIES_MAX)
		tries = SOURCE_TRIES_MAX;
	do {
		r = connect_once(server, w, is_bound, done);
	} while ((r == -EADDRINUSE || r == -EADDRNOTAVAIL) && --tries);
	if (is_bound && (r == -EADDRINUSE || r == -EADDRNOTAVAIL)) {
		if (!pool->is_source_bad)
			msg("pool.%s.source: no connection from it: %s", pool->name, strerror(-r));
		pool->is_source_bad = true; /* said once until it works again */
	} else if (r >= 0) {
		pool->is_source_bad = false;
	}
	return r;
}

int server_send_local(struct worker *w, struct server *server, int fd)
{
	uint8_t header[PROXY_ENCODE_BYTES_MAX];
	long n;
	int len;

	if (server->pool->conf->proxy_protocol == CONF_PROXY_OFF)
		return 0;
	len = proxy_encode(header, server->pool->conf->proxy_protocol, NULL, NULL);
	n = w->ops->send(fd, header, len); /* a fresh connection has room for it */
	return n == len ? 0 : n < 0 ? n : -EIO;
}

enum server_state server_state(const struct worker *w, const struct server *server)
{
	return health_state(&server->health, &server->pool->rules, w->now_us);
}

void server_checked(struct worker *w, struct server *server, bool is_good)
{
	if (health_checked(&server->health, &server->pool->rules, w->now_us, is_good))
		pool_changed(w, server->pool);
}

void server_connected(struct worker *w, struct server *server, bool is_good)
{
	struct pool *pool = server->pool;
	/* of a pool that would have none left, none is ejected: a bad server is better than no server */
	bool may_eject = server->conf && pool->n_usable > 1;

	if (!health_connected(&server->health, &pool->rules, w->now_us, is_good, may_eject))
		return;
	server->counters->ejections_total++;
	pool_changed(w, pool);
	/* now, not before the next pick: the next failure of this batch must not eject the last one */
	pool_refresh(w, pool);
}

void server_set_admin(struct worker *w, struct server *server, enum health_admin admin)
{
	health_set_admin(&server->health, admin, w->now_us);
	if (admin == HEALTH_MAINT)
		check_stop(w, server);
	else
		check_start(w, server);
	pool_changed(w, server->pool);
}

int server_set_weight(struct worker *w, struct server *server, uint32_t weight)
{
	if (weight > 256)
		return -ERANGE;
	server->weight = weight;
	pool_changed(w, server->pool);
	return 0;
}
