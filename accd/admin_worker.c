// SPDX-License-Identifier: GPL-2.0-only
/*
 * admin_worker.c - what a worker tells and does for the admin socket
 *
 * Handlers of control_ops[], on the loop's thread between two batches. Each call does a bounded
 * piece: at most SLOTS_MAX places of the slab are looked at and 32 sessions are told, with two
 * TCP_INFO calls each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "cc.h"
#include "control.h"
#include "listener.h"
#include "pool.h"
#include "relay.h"
#include "session.h"
#include "worker.h"

#define SLOTS_MAX 4096
#define SESSIONS_MAX 32

static bool is_name(const char *want, const char *name)
{
	return !want[0] || !strncmp(want, name, CONF_NAME_BYTES);
}

static bool is_client(const char *want, const union addr *client)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (!want[0])
		return true;
	if (client->sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &client->in6.sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &client->in.sin_addr, host, sizeof(host));
	return !strcmp(want, host);
}

/* From what is at hand: the stack is asked only for sessions that are told. */
static bool is_wanted(const struct worker *w, const struct session *s, const struct admin_filter *f)
{
	if (s->state == SESSION_FREE || s->state == SESSION_CLOSED)
		return false;
	if (f->state && (f->state == ADMIN_STATE_RELAYING) != (s->state == SESSION_RELAYING))
		return false;
	return w->now_us - s->last_active_us >= f->idle_us && is_client(f->client, &s->client);
}

int admin_op_sessions(struct worker *w, struct control_call *call)
{
	struct admin_sessions_req req;
	struct admin_sessions_ans ans = { 0 };
	struct log_record rec;
	uint32_t i, last;

	memcpy(&req, call->req, sizeof(req));
	req.filter.client[sizeof(req.filter.client) - 1] = '\0';
	if (req.max > SESSIONS_MAX)
		req.max = SESSIONS_MAX;
	control_put(call, &ans, sizeof(ans)); /* its place; filled in below */
	last = w->slab_used;
	if (req.cursor < last && last - req.cursor > SLOTS_MAX)
		last = req.cursor + SLOTS_MAX;
	for (i = req.cursor; i < last && ans.n < req.max; i++) {
		struct session *s = &w->slab[i];

		if (s->state == SESSION_RELAYING)
			relay_look(w, s); /* the stack may have relayed by itself */
		if (!is_wanted(w, s, &req.filter))
			continue;
		session_record(w, s, &rec);
		if (!is_name(req.filter.listener, rec.listener) || !is_name(req.filter.pool, rec.pool) ||
		    !is_name(req.filter.server, rec.server))
			continue;
		rec.is_open = 1;
		if (!control_put(call, &rec, sizeof(rec)))
			break;
		ans.n++;
	}
	ans.cursor = i < w->slab_used ? i : UINT32_MAX;
	memcpy(call->out, &ans, sizeof(ans));
	return 0;
}

static int set_param(struct worker *w, struct control_call *call, int fd, struct admin_param *p)
{
	int r = -EOPNOTSUPP;

	p->key[sizeof(p->key) - 1] = '\0';
	if (w->ops->cc_param)
		r = w->ops->cc_param(fd, p->key, p->value);
	if (r)
		control_printf(call, "congestion control set, but not its parameter %s: %s", p->key,
			       r == -EOPNOTSUPP ? "it has none" :
			       r == -ENOENT	? "it has no such one" :
			       r == -EACCES	? "it can only be read" :
			       r == -ERANGE	? "out of range; cc list shows the ranges" :
			       r == -EALREADY	? "too late for it" :
						  "refused");
	return r == -ENOENT ? -EINVAL : r; /* -ENOENT is the session */
}

/* Both connections, those that are there. A name that the stack has not is refused before anything is set. */
int admin_op_session(struct worker *w, struct control_call *call)
{
	struct admin_session_req req;
	struct session *s;
	enum side side;
	unsigned int i;
	int r;

	memcpy(&req, call->req, sizeof(req));
	if (req.n_params > ADMIN_PARAMS_MAX)
		return -EINVAL;
	req.congestion_control[sizeof(req.congestion_control) - 1] = '\0';
	if (req.slot >= w->slab_used)
		return -ENOENT;
	s = &w->slab[req.slot];
	if (s->gen != req.gen || s->state == SESSION_FREE || s->state == SESSION_CLOSED)
		return -ENOENT;
	for (side = SIDE_DOWN; side < SIDE__COUNT; side++) {
		if (s->conn[side].fd < 0)
			continue;
		r = cc_change(w, s, side, req.congestion_control);
		if (r) {
			control_printf(call, "congestion control \"%s\"", req.congestion_control);
			return r == -ENOENT ? -ESRCH : r; /* -ENOENT is the session */
		}
		for (i = 0; i < req.n_params; i++) {
			r = set_param(w, call, s->conn[side].fd, &req.params[i]);
			if (r)
				return r;
		}
	}
	return 0;
}

int admin_op_kill(struct worker *w, struct control_call *call)
{
	struct admin_kill_req req;
	struct session *s;

	memcpy(&req, call->req, sizeof(req));
	if (req.slot >= w->slab_used)
		return -ENOENT;
	s = &w->slab[req.slot];
	if (s->gen != req.gen || s->state == SESSION_FREE || s->state == SESSION_CLOSED)
		return -ENOENT;
	session_close(w, s, LOG_CAUSE_KILLED);
	return 0;
}

int admin_op_report(struct worker *w, struct control_call *call)
{
	struct admin_report_req req;
	long n;

	memcpy(&req, call->req, sizeof(req));
	if (!w->ops->report)
		return -EOPNOTSUPP;
	n = w->ops->report(req.what, call->out, call->out_max);
	if (n < 0)
		return n;
	call->out_len = n;
	return 0;
}

/* A line of JSON a server; the names are of letters, digits, "-", "_" and ".". */
int admin_op_servers(struct worker *w, struct control_call *call)
{
	char want[CONF_NAME_BYTES], text[ADDR_TEXT_BYTES];
	unsigned int p, i;
	uint64_t n = 0;

	snprintf(want, sizeof(want), "%.*s", CONF_NAME_BYTES - 1, (const char *)call->req);
	for (p = 0; p < w->n_pools; p++) {
		const struct pool *pool = w->pools[p];

		for (i = 0; i < pool->n_servers; i++, n++) {
			const struct server *server = pool->servers[i];
			const struct counters_server *c = server->counters;

			if (n < call->cursor || !is_name(want, pool->name))
				continue;
			if (!control_printf(call,
					    "{\"worker\":%u,\"pool\":\"%s\",\"server\":\"%s\",\"address\":\"%s\","
					    "\"state\":\"%s\",\"weight\":%u,\"sessions\":%u,\"sessions_total\":%" PRIu64
					    ",\"connects\":%" PRIu64 ",\"connect_errors\":%" PRIu64
					    ",\"checks_bad\":%" PRIu64 "}\n",
					    w->index, pool->name, server->name,
					    addr_format(&server->addr, text, sizeof(text)),
					    health_state_name(server_state(w, server)), server->weight,
					    server->n_conns, c->sessions_total, c->connects_total,
					    c->connect_errors_total, c->checks_bad_total)) {
				call->cursor = n;
				return CONTROL_MORE;
			}
		}
	}
	return 0;
}

/* Of a name all addresses. */
int admin_op_server(struct worker *w, struct control_call *call)
{
	static const enum health_admin words[] = {
		[ADMIN_DO_ENABLE] = HEALTH_READY,
		[ADMIN_DO_DISABLE] = HEALTH_MAINT,
		[ADMIN_DO_DRAIN] = HEALTH_DRAIN,
	};
	struct admin_server_req req;
	struct server *server;
	struct pool *pool;
	unsigned int i;
	int r = 0;

	memcpy(&req, call->req, sizeof(req));
	req.pool[CONF_NAME_BYTES - 1] = req.server[CONF_NAME_BYTES - 1] = '\0';
	pool = pool_find(w, req.pool);
	if (!pool)
		return -ENOENT;
	for (i = 0; !r && (server = pool_server(pool, req.server, i)); i++) {
		if (req.action == ADMIN_DO_WEIGHT)
			r = server_set_weight(w, server, req.weight);
		else
			server_set_admin(w, server, words[req.action]);
	}
	return i ? r : -ENOENT;
}
