// SPDX-License-Identifier: GPL-2.0-only
/*
 * preface.c - what a listener wants to know of a client before a server is looked for
 *
 * In this order, each only if it is configured:
 *
 *   the peer is in proxy_protocol_from   else reset, state AF
 *   its PROXY header                     read, taken out of the stream; the address in it is the
 *                                        client's from here on (log, rules, counts, hash). HF
 *   allow and deny                       longest prefix. AF
 *   max_per_source                       RF
 *   its ClientHello                      looked at, left in the stream; chooses the pool. HF
 *   its first byte                       left in the stream
 *
 * The bytes are looked at where they are, in the socket, with MSG_PEEK into the worker's read
 * buffer. So a waiting session needs no buffer, nothing has to be handed over to the relay, and
 * what comes is relayed as if nobody had looked. The price is that each look copies from the
 * first byte again: at most TLS_HELLO_BYTES_MAX bytes per event, for header_timeout at most; a
 * client that sends its hello in one or two segments, as they do, is looked at once or twice.
 *
 * Time counts from accept: header_timeout for PROXY header and ClientHello, first_byte_timeout
 * for the first byte. TF.
 */
#include <errno.h>
#include <string.h>

#include "acl.h"
#include "limit.h"
#include "listener.h"
#include "pool.h"
#include "preface.h"
#include "proxy_protocol.h"
#include "session.h"
#include "tls_hello.h"
#include "worker.h"

#define PREFACE_PEEK_BYTES (PROXY_BYTES_MAX > TLS_HELLO_BYTES_MAX ? PROXY_BYTES_MAX : TLS_HELLO_BYTES_MAX)

_Static_assert(PREFACE_PEEK_BYTES <= RELAY_BUF_BYTES, "worker.read_buf");

#define AWAITS (CONF_GATE_PROXY | CONF_GATE_HELLO | CONF_GATE_BYTE)

uint64_t preface_deadline_us(const struct session *s)
{
	const struct conf_listener *conf = s->listener->conf;
	uint32_t ms = s->awaits & (CONF_GATE_PROXY | CONF_GATE_HELLO) ? conf->header_timeout_ms :
									conf->first_byte_timeout_ms;

	return s->accept_us + ms * 1000ULL;
}

/* May this client be served? False: the session was closed. */
static bool admit(struct worker *w, struct session *s)
{
	const struct conf_listener *l = s->listener->conf;
	const struct conf *conf = conf_of_listener(l);
	const struct acl_rule *rule;

	if (l->gates & CONF_GATE_ACL) {
		rule = acl_find(&conf->rules[l->rules.first], l->rules.n, &s->client);
		if (rule ? rule->is_deny : l->is_allow_list) {
			session_close(w, s, LOG_CAUSE_DENIED);
			return false;
		}
	}
	if (l->gates & CONF_GATE_SOURCE) {
		s->source = limit_sources_get(w->sources, &s->client, listener_scope(s->listener),
					      l->max_per_source);
		if (!s->source) {
			session_close(w, s, LOG_CAUSE_LIMIT);
			return false;
		}
	}
	return true;
}

/* The route of a name: itself, or the longest "*." around it. NULL: none. */
static const struct conf_route *find_route(const struct conf_route *routes, unsigned int n,
					   const char *name)
{
	char wild[sizeof(routes->name)];
	const char *dot = NULL, *key = name;
	unsigned int lo, hi, mid;
	int r;

	for (;;) {
		for (lo = 0, hi = n; lo < hi;) {
			mid = lo + (hi - lo) / 2;
			r = strcmp(key, routes[mid].name);
			if (!r)
				return &routes[mid];
			if (r < 0)
				hi = mid;
			else
				lo = mid + 1;
		}
		dot = strchr(dot ? dot + 1 : name, '.');
		if (!dot || strlen(dot) + 2 > sizeof(wild))
			return NULL;
		wild[0] = '*';
		strcpy(wild + 1, dot);
		key = wild;
	}
}

/* Each returns 1: done, 0: more is needed, -EPROTO: refuse, -ECONNABORTED: was closed. */

static int take_proxy(struct worker *w, struct session *s, const uint8_t *data, size_t len)
{
	struct proxy_header header;
	int n = proxy_decode(data, len, s->listener->conf->proxy_protocol, &header);

	if (n <= 0)
		return n ? -EPROTO : 0;
	/* it is there, so it comes in one piece */
	if (w->ops->recv(s->conn[SIDE_DOWN].fd, w->read_buf, n) != n)
		return -EPROTO;
	if (!header.is_local) {
		s->client = header.src;
		s->local = header.dst;
	}
	return admit(w, s) ? 1 : -ECONNABORTED;
}

static int take_hello(struct worker *w, struct session *s, const uint8_t *data, size_t len)
{
	const struct conf_listener *l = s->listener->conf;
	const struct conf *conf = conf_of_listener(l);
	const struct conf_route *route = NULL;
	struct tls_hello hello;
	struct pool *pool;
	int r = tls_hello_parse(data, len, &hello);

	if (r <= 0)
		return r ? -EPROTO : 0;
	if (hello.has_name)
		route = find_route(&conf->routes[l->routes.first], l->routes.n, hello.name);
	if (!route)
		return l->sni_unknown == CONF_SNI_REFUSE ? -EPROTO : 1;
	pool = pool_find(w, conf->pools[route->pool].name);
	if (!pool)
		return -EPROTO; /* a reload took it away meanwhile */
	session_set_pool(w, s, pool);
	return 1;
}

/* Look at what is there. True: all is known. */
static bool look(struct worker *w, struct session *s)
{
	struct conn *c = &s->conn[SIDE_DOWN];
	uint32_t step;
	long n;
	int r;

	while (s->awaits) {
		n = w->ops->peek(c->fd, w->read_buf, PREFACE_PEEK_BYTES);
		if (n == -EAGAIN || n == -EINTR) {
			timer_set(&w->wheel, &s->timer, preface_deadline_us(s));
			return false;
		}
		if (n <= 0) { /* an end, or an error, before it said what it must say */
			session_close(w, s, LOG_CAUSE_CLIENT);
			return false;
		}
		step = s->awaits & -s->awaits;
		r = step == CONF_GATE_PROXY ? take_proxy(w, s, (uint8_t *)w->read_buf, n) :
		    step == CONF_GATE_HELLO ? take_hello(w, s, (uint8_t *)w->read_buf, n) :
					      1;
		if (r == -ECONNABORTED)
			return false;
		if (!r && s->is_client_ended) { /* no more will come */
			session_close(w, s, LOG_CAUSE_CLIENT);
			return false;
		}
		if (!r) {
			timer_set(&w->wheel, &s->timer, preface_deadline_us(s));
			return false;
		}
		if (r < 0) {
			session_close(w, s, LOG_CAUSE_HEADER);
			return false;
		}
		s->awaits &= ~step;
	}
	/* what was left in the socket will not be announced again */
	c->flags |= CONN_RD_READY;
	return true;
}

bool preface_open(struct worker *w, struct session *s)
{
	const struct conf_listener *l = s->listener->conf;
	const struct conf *conf = conf_of_listener(l);

	s->state = SESSION_FIRST;
	s->awaits = l->gates & AWAITS;
	if (s->awaits & CONF_GATE_PROXY) {
		if (!acl_find(&conf->rules[l->proxy_from.first], l->proxy_from.n, &s->client)) {
			session_close(w, s, LOG_CAUSE_DENIED);
			return false;
		}
	} else if (!admit(w, s)) {
		return false;
	}
	/* with deferred accepts and fast open the bytes are often there already */
	return !s->awaits || look(w, s);
}

bool preface_event(struct worker *w, struct session *s, uint32_t events)
{
	struct conn *c = &s->conn[SIDE_DOWN];

	if (events & EPOLLERR) {
		session_close(w, s, LOG_CAUSE_CLIENT);
		return false;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLPRI))
		c->flags |= CONN_RD_TO_END;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		s->is_client_ended = true;
	if (events & EPOLLOUT)
		c->flags |= CONN_WR_READY;
	if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLPRI)))
		return false;
	return look(w, s);
}
