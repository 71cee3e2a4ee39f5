// SPDX-License-Identifier: GPL-2.0-only
/*
 * resolve.c - servers whose address is a name
 *
 *   look-up ─▶ A ─┬─ addresses ─────────────▶ servers kept, added, retired ─▶ again after the TTL
 *                 ├─ none ─▶ AAAA ─ as for A
 *                 └─ failed ────────────────▶ all stays as it was ──────────▶ again after min_ttl
 *
 * "Failed" is anything but an answer with addresses: no answer, a server failure, and also "no such
 * name": a zone that is broken for a moment must not take a working pool down. What was never
 * resolved has one server without an address, which is down.
 *
 * An address that stays keeps its server, with health and connections. A new one gets a server of
 * its own; one that is gone is retired: its sessions go on, new ones don't come. Of more addresses
 * than server.addresses those that have a server stay, then the first of the answer come.
 *
 * c-ares has a few sockets (one per name server, and one for TCP when an answer was cut off). They
 * are level-triggered in the loop's epoll set, with the place in resolver.fds as the generation.
 */
#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "err.h"
#include "pool.h"
#include "resolve.h"

#define RESOLVER_FDS_MAX (2 * CONF_RESOLVERS_MAX)
#define RESOLVER_TRIES 2 /* rounds through the name servers before a look-up has failed */
#define ANSWER_ADDRS_MAX 32 /* of one answer */

struct resolver {
	struct event_source source;
	struct worker_timer timer; /* c-ares' own timeouts */
	ares_channel channel;
	bool is_stopping;
	int fds[RESOLVER_FDS_MAX]; /* -1: free */
};

static void name_query(struct worker *w, struct pool_name *name);

/* ---- c-ares' sockets are the stack's ---- */

static int ares_ret(long r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

static ares_socket_t sock_open(int family, int type, int protocol, void *ctx)
{
	struct worker *w = ctx;

	return ares_ret(w->ops->socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

static int sock_close(ares_socket_t fd, void *ctx)
{
	struct worker *w = ctx;

	return ares_ret(w->ops->close(fd));
}

static int sock_connect(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t len, void *ctx)
{
	struct worker *w = ctx;

	return ares_ret(w->ops->connect(fd, addr, len));
}

static ares_ssize_t sock_recv(ares_socket_t fd, void *buf, size_t len, int flags, struct sockaddr *from,
			      ares_socklen_t *from_len, void *ctx)
{
	struct worker *w = ctx;
	long n = w->ops->recv(fd, buf, len);
	int peer_len;

	/* c-ares compares it with whom it asked; the socket is connected, so there is only one */
	if (n >= 0 && from) {
		peer_len = *from_len;
		w->ops->getpeername(fd, from, &peer_len);
		*from_len = peer_len;
	}
	return ares_ret(n);
}

static ares_ssize_t sock_send(ares_socket_t fd, const struct iovec *iov, int n_iov, void *ctx)
{
	struct worker *w = ctx;
	ares_ssize_t sum = 0;
	long n;
	int i;

	for (i = 0; i < n_iov; i++) {
		n = w->ops->send(fd, iov[i].iov_base, iov[i].iov_len);
		if (n < 0)
			return sum ? sum : ares_ret(n);
		sum += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return sum;
}

static const struct ares_socket_functions sock_functions = {
	.asocket = sock_open,
	.aclose = sock_close,
	.aconnect = sock_connect,
	.arecvfrom = sock_recv,
	.asendv = sock_send,
};

/* c-ares says what it waits for; both 0: the socket is about to be closed. */
static void sock_state(void *ctx, ares_socket_t fd, int is_reading, int is_writing)
{
	struct worker *w = ctx;
	struct resolver *res = w->resolver;
	struct epoll_event ev = { .events = (is_reading ? EPOLLIN : 0) | (is_writing ? EPOLLOUT : 0) };
	int i, at = -1, op = EPOLL_CTL_MOD;

	for (i = 0; i < RESOLVER_FDS_MAX; i++)
		if (res->fds[i] == fd)
			at = i;
	if (!ev.events) {
		if (at >= 0) {
			w->ops->epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, fd, &ev);
			res->fds[at] = -1;
		}
		return;
	}
	if (at < 0) {
		for (i = 0; i < RESOLVER_FDS_MAX && at < 0; i++)
			if (res->fds[i] < 0)
				at = i;
		if (at < 0)
			return; /* cannot be; the query would run into its timeout */
		res->fds[at] = fd;
		op = EPOLL_CTL_ADD;
	}
	ev.data.u64 = worker_event_data(res, EV_SOURCE, at);
	if (w->ops->epoll_ctl(w->epoll_fd, op, fd, &ev))
		res->fds[at] = -1;
}

/* ---- driven by the loop ---- */

static void resolver_set_timer(struct worker *w)
{
	struct resolver *res = w->resolver;
	struct timeval tv;

	if (res->is_stopping || !ares_timeout(res->channel, NULL, &tv)) {
		timer_stop(&w->task_wheel, &res->timer.timer);
		return;
	}
	timer_set(&w->task_wheel, &res->timer.timer,
		  w->now_us + (uint64_t)tv.tv_sec * 1000000 + tv.tv_usec);
}

static void resolver_event(struct worker *w, struct event_source *src, uint8_t gen, uint32_t events)
{
	struct resolver *res = (struct resolver *)src;
	int fd = gen < RESOLVER_FDS_MAX ? res->fds[gen] : -1;

	if (fd < 0)
		return;
	ares_process_fd(res->channel, events & ~EPOLLOUT ? fd : ARES_SOCKET_BAD,
			events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	resolver_set_timer(w);
}

static void resolver_timer(struct worker *w, struct worker_timer *t)
{
	ares_process_fd(w->resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	resolver_set_timer(w);
}

static int resolver_set_servers(struct resolver *res, const struct conf_resolver *conf)
{
	struct ares_addr_port_node nodes[CONF_RESOLVERS_MAX] = { 0 };
	unsigned int i;

	for (i = 0; i < conf->n_servers; i++) {
		const union addr *addr = &conf->servers[i];

		nodes[i].family = addr->sa.sa_family;
		nodes[i].udp_port = nodes[i].tcp_port = ntohs(addr->in.sin_port);
		if (addr->sa.sa_family == AF_INET)
			nodes[i].addr.addr4 = addr->in.sin_addr;
		else
			memcpy(&nodes[i].addr.addr6, &addr->in6.sin6_addr, 16);
		if (i)
			nodes[i - 1].next = &nodes[i];
	}
	return ares_set_servers_ports(res->channel, conf->n_servers ? nodes : NULL) ? -EINVAL : 0;
}

int resolver_init(struct worker *w)
{
	struct ares_options opts = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_STAYOPEN,
		.timeout = w->conf->resolver.timeout_ms,
		.tries = RESOLVER_TRIES,
		.lookups = "b", /* DNS alone: what /etc/hosts says is the host's */
		.sock_state_cb = sock_state,
		.sock_state_cb_data = w,
	};
	struct resolver *res = aligned_alloc(_Alignof(struct resolver), sizeof(*res));
	int i, r;

	if (!res)
		return -ENOMEM;
	memset(res, 0, sizeof(*res));
	for (i = 0; i < RESOLVER_FDS_MAX; i++)
		res->fds[i] = -1;
	res->source.fn = resolver_event;
	res->timer.fn = resolver_timer;
	r = ares_init_options(&res->channel, &opts,
			      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
				      ARES_OPT_SOCK_STATE_CB);
	if (r) {
		free(res);
		return r == ARES_ENOMEM ? -ENOMEM : -EIO;
	}
	ares_set_socket_functions(res->channel, &sock_functions, w);
	w->resolver = res;
	return resolver_set_servers(res, &w->conf->resolver);
}

void resolver_reload(struct worker *w, const struct conf *conf)
{
	/* set only while nothing is asked; what was asked fails, and is asked again */
	ares_cancel(w->resolver->channel);
	resolver_set_servers(w->resolver, &conf->resolver);
}

void resolver_stop(struct worker *w)
{
	struct resolver *res = w->resolver;

	if (!res || res->is_stopping)
		return;
	res->is_stopping = true;
	timer_stop(&w->task_wheel, &res->timer.timer);
	ares_destroy(res->channel);
}

void resolver_exit(struct worker *w)
{
	free(w->resolver);
	w->resolver = NULL;
}

bool resolver_is_waiting(const struct worker *w)
{
	const struct pool_name *name;
	unsigned int i;

	for (i = 0; i < w->n_pools; i++)
		for (name = w->pools[i]->names; name; name = name->next)
			if (!name->is_settled)
				return true;
	return false;
}

/* ---- answers ---- */

static bool has_addr(const union addr *addrs, unsigned int n, const union addr *addr)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (addr_equal(&addrs[i], addr))
			return true;
	return false;
}

/* "s1", "s1#2", ...: the first that no server of the name has. */
static void name_server(const struct pool_name *name, char *buf, size_t buf_len)
{
	unsigned int i, n;

	for (n = 1;; n++) {
		if (n == 1)
			snprintf(buf, buf_len, "%s", name->conf->name);
		else
			snprintf(buf, buf_len, "%.*s#%u", (int)buf_len - 5, name->conf->name, n);
		for (i = 0; i < name->pool->n_servers; i++)
			if (name->pool->servers[i]->name_of == name && !strcmp(name->pool->servers[i]->name, buf))
				break;
		if (i == name->pool->n_servers)
			return;
	}
}

static void name_add(struct worker *w, struct pool_name *name, const union addr *addr)
{
	struct server *sibling = NULL;
	struct pool *pool = name->pool;
	char text[CONF_NAME_BYTES];
	struct server *server;
	unsigned int i;
	int err;

	for (i = 0; i < pool->n_servers && !sibling; i++)
		if (pool->servers[i]->name_of == name)
			sibling = pool->servers[i];
	if (sibling && !sibling->addr.sa.sa_family) { /* the one that stood for all: nobody uses it */
		sibling->addr = *addr;
		health_resolved(&sibling->health, true);
		if (sibling->health.admin != HEALTH_MAINT)
			check_start(w, sibling);
		pool_changed(w, pool);
		return;
	}
	name_server(name, text, sizeof(text));
	server = pool_add_server(w, pool, name->conf, text, addr, &err);
	if (!server) {
		pool->counters->addresses_surplus_total++;
		return;
	}
	server->name_of = name;
	if (sibling) { /* an operator's word is about the name */
		server->health.admin = sibling->health.admin;
		server->weight = sibling->weight;
	}
	if (server->health.admin != HEALTH_MAINT)
		check_start(w, server);
	pool_changed(w, pool);
}

static void name_apply(struct worker *w, struct pool_name *name, const union addr *addrs, unsigned int n)
{
	struct pool *pool = name->pool;
	union addr kept[POOL_SERVERS_MAX];
	unsigned int i, n_kept = 0;
	struct server *server;

	for (i = pool->n_servers; i-- > 0;) {
		server = pool->servers[i];
		if (server->name_of == name && has_addr(addrs, n, &server->addr))
			kept[n_kept++] = server->addr;
	}
	for (i = 0; i < n; i++) {
		if (has_addr(kept, n_kept, &addrs[i]))
			continue;
		if (n_kept >= name->conf->addresses_max) {
			pool->counters->addresses_surplus_total++;
			continue;
		}
		name_add(w, name, &addrs[i]);
		kept[n_kept++] = addrs[i];
	}
	for (i = pool->n_servers; i-- > 0;) {
		server = pool->servers[i];
		if (server->name_of == name && !has_addr(addrs, n, &server->addr))
			pool_remove_server(w, server);
	}
}

static void name_settled(struct worker *w, struct pool_name *name, uint64_t again_us)
{
	name->is_settled = true;
	timer_set(&w->task_wheel, &name->timer.timer, w->now_us + again_us);
}

static void name_failed(struct worker *w, struct pool_name *name, int status)
{
	name->failures_total++;
	name->pool->counters->resolve_errors_total++;
	if (!name->has_failed)
		msg("server %s/%s: cannot look up %s: %s; %s", name->pool->name, name->conf->name, name->host,
		    ares_strerror(status), "what was known of it stays");
	name->has_failed = true;
	name_settled(w, name, w->conf->resolver.min_ttl_ms * 1000ULL);
}

/* Addresses of an answer, with the shortest TTL; a status of c-ares. */
static int answer_parse(const struct pool_name *name, const unsigned char *answer, int len, union addr *addrs,
			unsigned int *n, int *ttl_sec)
{
	struct ares_addr6ttl v6[ANSWER_ADDRS_MAX];
	struct ares_addrttl v4[ANSWER_ADDRS_MAX];
	int i, n_ttls = ANSWER_ADDRS_MAX, status;

	status = name->is_v6 ? ares_parse_aaaa_reply(answer, len, NULL, v6, &n_ttls) :
			       ares_parse_a_reply(answer, len, NULL, v4, &n_ttls);
	*n = 0;
	if (status)
		return status;
	if (!n_ttls)
		return ARES_ENODATA;
	*ttl_sec = name->is_v6 ? v6[0].ttl : v4[0].ttl;
	for (i = 0; i < n_ttls; i++) {
		union addr *addr = &addrs[*n];
		int ttl = name->is_v6 ? v6[i].ttl : v4[i].ttl;

		memset(addr, 0, sizeof(*addr));
		if (name->is_v6) {
			addr->in6.sin6_family = AF_INET6;
			addr->in6.sin6_port = htons(name->conf->target.port);
			memcpy(&addr->in6.sin6_addr, &v6[i].ip6addr, 16);
		} else {
			addr->in.sin_family = AF_INET;
			addr->in.sin_port = htons(name->conf->target.port);
			addr->in.sin_addr = v4[i].ipaddr;
		}
		if (ttl < *ttl_sec)
			*ttl_sec = ttl;
		if (!has_addr(addrs, *n, addr))
			(*n)++;
	}
	return ARES_SUCCESS;
}

struct query {
	struct worker *w;
	struct pool_name *name;
};

static void name_answered(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct query *query = arg;
	struct worker *w = query->w;
	struct pool_name *name = query->name;
	const struct conf_resolver *conf = &w->conf->resolver;
	union addr addrs[ANSWER_ADDRS_MAX];
	unsigned int n = 0;
	int ttl_sec = 0;
	uint64_t ttl_us;

	free(query);
	name->is_pending = false;
	if (!name->conf) { /* gone meanwhile */
		free(name);
		return;
	}
	if (w->resolver->is_stopping)
		return;
	if (status == ARES_SUCCESS)
		status = answer_parse(name, answer, len, addrs, &n, &ttl_sec);
	if (status == ARES_ENODATA && !name->is_v6) {
		name->is_v6 = true;
		name_query(w, name);
		return;
	}
	if (status || !n) {
		name_failed(w, name, status ? status : ARES_ENODATA);
		return;
	}
	if (name->has_failed)
		msg("server %s/%s: %s is looked up again", name->pool->name, name->conf->name, name->host);
	name->has_failed = false;
	name_apply(w, name, addrs, n);
	ttl_us = (ttl_sec > 0 ? ttl_sec : 0) * 1000000ULL;
	if (ttl_us < conf->min_ttl_ms * 1000ULL)
		ttl_us = conf->min_ttl_ms * 1000ULL;
	if (ttl_us > conf->max_ttl_ms * 1000ULL)
		ttl_us = conf->max_ttl_ms * 1000ULL;
	name_settled(w, name, ttl_us);
}

static void name_query(struct worker *w, struct pool_name *name)
{
	struct query *query = malloc(sizeof(*query));

	if (!query) {
		name_failed(w, name, ARES_ENOMEM);
		return;
	}
	query->w = w;
	query->name = name;
	name->is_pending = true;
	name->lookups_total++;
	/* may call name_answered() before it returns */
	ares_query(w->resolver->channel, name->host, 1 /* IN */, name->is_v6 ? 28 /* AAAA */ : 1 /* A */,
		   name_answered, query);
	resolver_set_timer(w);
}

static void name_timer(struct worker *w, struct worker_timer *t)
{
	struct pool_name *name = (struct pool_name *)((char *)t - offsetof(struct pool_name, timer));

	if (name->is_pending || w->resolver->is_stopping)
		return;
	name->is_v6 = false;
	name_query(w, name);
}

/* ---- names of a pool ---- */

static void name_free(struct worker *w, struct pool_name *name)
{
	struct pool *pool = name->pool;
	unsigned int i;

	for (i = pool->n_servers; i-- > 0;)
		if (pool->servers[i]->name_of == name)
			pool_remove_server(w, pool->servers[i]);
	timer_stop(&w->task_wheel, &name->timer.timer);
	name->conf = NULL;
	if (!name->is_pending)
		free(name);
}

static const struct conf_server *name_find_conf(const struct pool *pool, const struct pool_name *name)
{
	unsigned int i;

	for (i = 0; i < pool->conf->n_servers; i++) {
		const struct conf_server *conf = &pool->conf->servers[i];

		if (!strcmp(conf->name, name->conf->name) && !strcmp(conf->target.host, name->host) &&
		    conf->target.port == name->conf->target.port)
			return conf;
	}
	return NULL;
}

int pool_names_update(struct worker *w, struct pool *pool)
{
	static const union addr none;
	struct pool_name *name, **at = &pool->names;
	const struct conf_server *conf;
	struct server *server;
	unsigned int i;
	int err;

	while ((name = *at)) {
		conf = name_find_conf(pool, name);
		if (!conf) {
			*at = name->next;
			name_free(w, name);
			continue;
		}
		for (i = 0; i < pool->n_servers; i++) {
			server = pool->servers[i];
			if (server->name_of != name)
				continue;
			if (server->conf->weight != conf->weight)
				server->weight = conf->weight;
			server->conf = conf;
		}
		name->conf = conf;
		at = &name->next;
	}
	for (i = 0; i < pool->conf->n_servers; i++) {
		conf = &pool->conf->servers[i];
		if (!conf->target.host[0])
			continue;
		for (name = pool->names; name && name->conf != conf; name = name->next)
			;
		if (name)
			continue;
		name = calloc(1, sizeof(*name));
		if (!name)
			return -ENOMEM;
		name->pool = pool;
		name->conf = conf;
		name->timer.fn = name_timer;
		memcpy(name->host, conf->target.host, sizeof(name->host));
		server = pool_add_server(w, pool, conf, conf->name, &none, &err);
		if (!server) {
			free(name);
			return err;
		}
		server->name_of = name;
		*at = name;
		at = &name->next;
		timer_set(&w->task_wheel, &name->timer.timer, w->now_us);
	}
	return 0;
}

void pool_names_exit(struct worker *w, struct pool *pool)
{
	struct pool_name *name;

	while ((name = pool->names)) {
		pool->names = name->next;
		name_free(w, name);
	}
}
