// SPDX-License-Identifier: GPL-2.0-only
/*
 * session.c - life of a session, from accept to the log line
 *
 * The client is accepted first, then a server is looked for: connect to the pool's pick, on
 * failure or connect_timeout to another one, at most pool.retries and none twice. While all of them
 * have max_connections, the session waits in the pool's queue. The
 * client's bytes stay in its socket until a server is there. If none accepts, the client gets a
 * RST: it learns at once that nothing was done, as it would have from the server.
 *
 * How a session ends, and what the two peers see:
 *
 *   both sides sent FIN and everything was delivered     FIN to both (sent as shutdown() by relay.c, then close())
 *   one side reset, or was lost                          RST to the other, after the bytes that came before it
 *   a timeout, stop, no server, no memory                RST to both: an end that is no end of data must not look like one
 *
 * "After the bytes that came before it": a reset overtakes what still waits in our send queue, so
 * the session stays until the stack has sent everything once (tcpi_notsent_bytes is 0), at most
 * RESET_LINGER_US.
 *
 * Timers are lazy (timer.h): traffic writes last_active_us, session_timer() finds the truth when
 * the slot comes round.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/tcp.h> /* struct tcp_info with tcpi_notsent_bytes; libc's is older */

#include "cc.h"
#include "generation.h"
#include "limit.h"
#include "listener.h"
#include "pool.h"
#include "preface.h"
#include "proxy_protocol.h"
#include "relay.h"
#include "session.h"
#include "worker.h"

#define RESET_LINGER_US \
	1000000 /* a peer that takes nothing for a second has had its chance */
#define CONN_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

static void session_next_server(struct worker *w, struct session *s);

/* ---- slab ---- */

int session_slab_init(struct worker *w, uint32_t max_sessions)
{
	/* zero pages: a session costs memory only once it was used */
	w->slab = mmap(NULL, (size_t)max_sessions * sizeof(*w->slab),
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->slab == MAP_FAILED) {
		w->slab = NULL;
		return -ENOMEM;
	}
	w->slab_len = max_sessions;
	w->slab_used = 0;
	w->free = NULL;
	return 0;
}

void session_slab_exit(struct worker *w)
{
	if (w->slab)
		munmap(w->slab, (size_t)w->slab_len * sizeof(*w->slab));
	w->slab = NULL;
}

bool session_available(const struct worker *w)
{
	return w->free || w->slab_used < w->slab_len;
}

static struct session *session_get(struct worker *w)
{
	struct session *s = w->free; /* last in, first out: warm in the cache */

	if (s)
		w->free = s->next;
	else
		s = &w->slab[w->slab_used++];
	return s;
}

void session_reap(struct worker *w)
{
	struct session *s;

	while ((s = w->closed)) {
		w->closed = s->next;
		s->state = SESSION_FREE;
		s->next = w->free;
		w->free = s;
	}
}

/* ---- end ---- */

static void log_conn(struct worker *w, int fd, struct log_tcp *tcp)
{
	struct tcp_info info;
	int len = sizeof(info);

	tcp->is_set = false;
	if (fd < 0)
		return;
	memset(&info, 0, sizeof(info));
	if (w->ops->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return;
	len = sizeof(tcp->cc);
	if (w->ops->getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, tcp->cc, &len))
		strcpy(tcp->cc, "?");
	tcp->cc[sizeof(tcp->cc) - 1] = '\0';
	tcp->rtt_us = info.tcpi_rtt;
	tcp->rttvar_us = info.tcpi_rttvar;
	tcp->busy_us = info.tcpi_busy_time;
	tcp->rwnd_limited_us = info.tcpi_rwnd_limited;
	tcp->sndbuf_limited_us = info.tcpi_sndbuf_limited;
	tcp->min_rtt_us = info.tcpi_min_rtt;
	tcp->retrans_total = info.tcpi_total_retrans;
	tcp->snd_cwnd_pkts = info.tcpi_snd_cwnd;
	tcp->delivery_rate_bps = info.tcpi_delivery_rate * 8;
	tcp->is_set = true;
}

static enum log_phase session_phase(const struct session *s)
{
	int ends = !!(s->conn[SIDE_DOWN].flags & CONN_RD_EOF) +
		   !!(s->conn[SIDE_UP].flags & CONN_RD_EOF);

	if (s->state == SESSION_FIRST)
		return LOG_PHASE_FIRST;
	if (s->state == SESSION_QUEUED)
		return LOG_PHASE_QUEUE;
	if (s->state == SESSION_CONNECTING)
		return LOG_PHASE_CONNECT;
	/* with an error, "all read" does not mean that the side had ended in order */
	if ((s->conn[SIDE_DOWN].flags | s->conn[SIDE_UP].flags) & CONN_ERR)
		return (s->conn[SIDE_DOWN].flags | s->conn[SIDE_UP].flags) &
				       CONN_WR_SHUT ?
			       LOG_PHASE_LAST :
			       LOG_PHASE_DATA;
	return ends == 2 ? LOG_PHASE_DONE :
	       ends	 ? LOG_PHASE_LAST :
			   LOG_PHASE_DATA;
}

void session_record(struct worker *w, const struct session *s, struct log_record *rec)
{
	const struct pool *pool = s->pool;

	memset(rec, 0, sizeof(*rec));
	rec->accept_us = s->accept_us;
	rec->connect_us = s->connect_us;
	rec->total_us = w->now_us - s->accept_us;
	rec->queue_us = s->queue_us;
	rec->idle_us = w->now_us - s->last_active_us;
	rec->bytes_up = relay_tx_bytes(s, SIDE_UP);
	rec->bytes_down = relay_tx_bytes(s, SIDE_DOWN);
	rec->client = s->client;
	strcpy(rec->listener, s->listener->conf->name);
	strcpy(rec->pool, pool->name);
	rec->sessions = w->n_sessions;
	rec->listener_sessions = s->listener->counters->sessions;
	rec->pool_sessions = pool->counters->sessions;
	if (s->server) {
		strcpy(rec->server, s->server->name);
		rec->server_sessions = s->server->counters->sessions;
	}
	rec->worker = w->index;
	rec->slot = s - w->slab;
	rec->slot_gen = s->gen;
	rec->retries = s->tries ? s->tries - 1 : 0;
	rec->phase = session_phase(s);
	log_conn(w, s->conn[SIDE_DOWN].fd, &rec->tcp_down);
	if (s->state == SESSION_RELAYING)
		log_conn(w, s->conn[SIDE_UP].fd, &rec->tcp_up);
}

/* Count the end, and write its line. */
static void session_end(struct worker *w, struct session *s,
			enum log_cause cause)
{
	struct counters_listener *lc = s->listener->counters;
	struct counters_pool *pc = s->pool->counters;
	struct log_record rec;

	session_record(w, s, &rec);
	rec.cause = cause;
	cc_end(w, s, SIDE_DOWN, &rec.tcp_down);
	cc_end(w, s, SIDE_UP, &rec.tcp_up);
	lc->ends_total[cause]++;
	lc->sessions--;
	hist_add(&lc->duration, &hist_time_us, rec.total_us);
	hist_add(&lc->bytes_up, &hist_bytes, rec.bytes_up);
	hist_add(&lc->bytes_down, &hist_bytes, rec.bytes_down);
	if (rec.tcp_down.is_set)
		hist_add(&lc->srtt, &hist_rtt_us, rec.tcp_down.rtt_us);
	if (s->is_pool_counted)
		pc->sessions--;
	if (rec.tcp_up.is_set)
		hist_add(&pc->srtt, &hist_rtt_us, rec.tcp_up.rtt_us);
	if (s->state == SESSION_RELAYING)
		s->server->counters->sessions--;
	w->counters->sessions--;
	w->counters->ends_total[cause]++;
	if (w->log)
		log_session(w->log, &rec);
}

static void conn_close(struct worker *w, struct conn *c, bool is_reset)
{
	const struct linger abort_now = { .l_onoff = 1, .l_linger = 0 };

	relay_drop(w, c);
	if (c->fd < 0)
		return;
	if (is_reset)
		w->ops->setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_now,
				   sizeof(abort_now));
	w->ops->close(c->fd); /* leaves the epoll set with its last reference */
	c->fd = -1;
}

static void session_give_conn(struct worker *w, struct session *s)
{
	if (!s->has_server_conn)
		return;
	s->has_server_conn = false;
	pool_give_conn(w, s->server);
}

void session_close(struct worker *w, struct session *s, enum log_cause cause)
{
	relay_part(w, s);
	session_end(w, s, cause);
	pool_dequeue(w, s);
	session_give_conn(w, s);
	if (s->server)
		pool_put_server(w, s->server);
	conn_close(w, &s->conn[SIDE_DOWN], cause != LOG_CAUSE_DONE);
	conn_close(w, &s->conn[SIDE_UP], cause != LOG_CAUSE_DONE);
	pool_put(w, s->pool);
	timer_stop(&w->wheel, &s->timer);
	if (s->source)
		limit_sources_put(w->sources, s->source);
	listener_group(s->listener)->n_sessions--;
	s->state = SESSION_CLOSED;
	s->next = w->closed;
	w->closed = s;
	w->n_sessions--;
	s->listener->generation->n_sessions--;
}

/* ---- begin ---- */

/* When its time is up, as it stands. */
static uint64_t session_deadline_us(const struct session *s)
{
	const struct conf_listener *conf = s->listener->conf;
	uint64_t idle_us, end_us;

	if (s->state == SESSION_FIRST)
		return preface_deadline_us(s);
	if (s->state == SESSION_QUEUED)
		return s->try_us + s->pool->conf->queue_timeout_ms * 1000ULL;
	if (s->state == SESSION_CONNECTING)
		return s->try_us + s->pool->conf->connect_timeout_ms * 1000ULL;
	idle_us = s->last_active_us + conf->idle_timeout_ms * 1000ULL;
	end_us = conf->session_timeout_ms ? s->accept_us + conf->session_timeout_ms * 1000ULL :
					    UINT64_MAX;
	return idle_us < end_us ? idle_us : end_us;
}

static void session_set_timer(struct worker *w, struct session *s)
{
	timer_set(&w->wheel, &s->timer, session_deadline_us(s));
}

static int session_register(struct worker *w, struct session *s, enum side side)
{
	struct epoll_event ev = { .events = CONN_EVENTS };

	ev.data.u64 =
		worker_event_data(s, side == SIDE_DOWN ? EV_CLIENT : EV_SERVER,
				  s->conn[side].gen);
	return w->ops->epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, s->conn[side].fd,
				 &ev);
}

/* Say to the server who its client is. */
static void session_send_proxy(struct worker *w, struct session *s)
{
	uint8_t header[PROXY_ENCODE_BYTES_MAX];
	int len = sizeof(union addr);
	union addr local;

	memset(&local, 0, sizeof(local));
	if (w->ops->getsockname(s->conn[SIDE_DOWN].fd, &local.sa, &len))
		local = s->listener->conf->bind;
	len = proxy_encode(header, s->pool->conf->proxy_protocol, &s->client, &local);
	relay_preface(w, s, header, len);
}

static void session_connected(struct worker *w, struct session *s)
{
	s->state = SESSION_RELAYING;
	s->connect_us = w->now_us - s->accept_us;
	s->last_active_us = w->now_us;
	s->conn[SIDE_UP].flags |= CONN_WR_READY;
	s->server->counters->sessions_total++;
	s->server->counters->sessions++;
	cc_begin(w, s, SIDE_UP);
	server_connected(w, s->server, true);
	hist_add(&s->pool->counters->connect, &hist_time_us, s->connect_us);
	session_set_timer(w, s);
	if (s->pool->conf->proxy_protocol != CONF_PROXY_OFF)
		session_send_proxy(w, s);
}

/* There is no server for it, for now or at all. */
static void session_no_server(struct worker *w, struct session *s, enum pool_verdict why)
{
	struct counters_pool *pc = s->pool->counters;

	switch (why) {
	case POOL_FULL:
		s->state = SESSION_QUEUED;
		s->try_us = w->now_us;
		if (pool_enqueue(w, s)) {
			session_set_timer(w, s);
			return;
		}
		pc->queue_full_total++;
		session_close(w, s, LOG_CAUSE_PROXY);
		return;
	case POOL_DOWN:
		/* with a try behind it, it was that try that failed it */
		if (!s->tries) {
			pc->down_total++;
			session_close(w, s, LOG_CAUSE_DOWN);
			return;
		}
		break;
	default:
		break;
	}
	session_close(w, s, s->is_late ? LOG_CAUSE_TIMEOUT : LOG_CAUSE_SERVER);
}

/* Connect to `server`, or, while that fails at once, to others. */
static void session_connect(struct worker *w, struct session *s, struct server *server)
{
	struct conn *c = &s->conn[SIDE_UP];
	int done = 0;
	int r;

	pool_take(w, s, server);
	s->has_server_conn = true;
	s->state = SESSION_CONNECTING;
	s->tried[s->tries++] = server->id;
	s->try_us = w->now_us;
	server->counters->connects_total++;
	r = server_connect(server, w, &done);
	if (r >= 0) {
		c->fd = r;
		c->gen++;
		c->flags = 0;
		r = session_register(w, s, SIDE_UP);
	}
	if (r < 0) {
		if (server_is_our_failure(r)) {
			w->counters->resource_errors_total++;
			session_close(w, s, LOG_CAUSE_PROXY);
			return;
		}
		session_next_server(w, s);
		return;
	}
	if (done)
		session_connected(w, s);
	else
		session_set_timer(w, s);
}

static void session_find_server(struct worker *w, struct session *s)
{
	enum pool_verdict why;
	struct server *server = pool_pick(w, s->pool, s, &why);

	if (!server) {
		session_no_server(w, s, why);
		return;
	}
	if (s->tries) {
		w->counters->retries_total++;
		s->pool->counters->retries_total++;
	}
	session_connect(w, s, server); /* depth: at most CONF_RETRIES_MAX */
}

/* The server that was being tried is not available. */
static void session_next_server(struct worker *w, struct session *s)
{
	s->server->counters->connect_errors_total++;
	s->pool->counters->connect_errors_total++;
	w->counters->connect_errors_total++;
	server_connected(w, s->server, false);
	conn_close(w, &s->conn[SIDE_UP], true);
	session_give_conn(w, s);
	s->is_late = w->now_us >= session_deadline_us(s);
	if (s->tries > s->pool->conf->retries || s->tries > CONF_RETRIES_MAX)
		session_no_server(w, s, POOL_TRIED);
	else
		session_find_server(w, s);
}

void session_leave_queue(struct worker *w, struct session *s, struct server *server, int verdict)
{
	s->queue_us += w->now_us - s->try_us;
	if (!server) {
		session_no_server(w, s, verdict);
		return;
	}
	session_connect(w, s, server);
	if (s->state == SESSION_RELAYING)
		relay_run(w, s);
}

/* The client may be served. */
static void session_serve(struct worker *w, struct session *s)
{
	s->state = SESSION_CONNECTING;
	s->pool->counters->sessions_total++;
	s->pool->counters->sessions++;
	s->is_pool_counted = true;
	session_find_server(w, s);
}

void session_set_pool(struct worker *w, struct session *s, struct pool *pool)
{
	pool->n_refs++;
	pool_put(w, s->pool);
	s->pool = pool;
}

void session_open(struct worker *w, struct listener *l, int fd,
		  const union addr *client)
{
	struct session *s = session_get(w);
	uint32_t gen;

	gen = s->gen + 1;
	memset(s, 0, sizeof(*s));
	s->gen = gen;
	s->state = SESSION_CONNECTING;
	s->listener = l;
	s->pool = l->pool;
	s->pool->n_refs++;
	s->client = *client;
	addr_unmap(&s->client);
	listener_group(l)->n_sessions++;
	s->accept_us = w->now_us;
	s->last_active_us = w->now_us;
	s->connect_us = UINT64_MAX;
	s->conn[SIDE_DOWN].fd = fd;
	s->conn[SIDE_DOWN].flags = CONN_WR_READY;
	s->conn[SIDE_UP].fd = -1;
	w->n_sessions++;
	l->generation->n_sessions++;
	w->counters->sessions_total++;
	w->counters->sessions++;
	l->counters->sessions_total++;
	l->counters->sessions++;
	cc_choose(w, fd, conf_of_listener(l->conf), &l->conf->cc_rules, &s->client);
	cc_begin(w, s, SIDE_DOWN);
	if (session_register(w, s, SIDE_DOWN)) {
		w->counters->resource_errors_total++;
		session_close(w, s, LOG_CAUSE_PROXY);
		return;
	}
	if (!l->conf->gates || preface_open(w, s))
		session_serve(w, s);
}

/* ---- events ---- */

void session_conn_lost(struct worker *w, struct session *s, enum side side)
{
	struct conn *c = &s->conn[side];

	if (c->flags & CONN_ERR)
		return;
	c->flags |= CONN_ERR | CONN_RD_TO_END;
	if (!(c->flags & CONN_RD_EOF))
		c->flags |= CONN_RD_READY;
	/* what waits for it has nobody to go to */
	relay_drop(w, c);
	s->reset_deadline_us = w->now_us + RESET_LINGER_US;
}

void session_check_reset(struct worker *w, struct session *s, enum side side)
{
	const struct conn *c = &s->conn[side], *other = &s->conn[!side];
	struct tcp_info info;
	int len = sizeof(info);

	if (other->flags & CONN_ERR || w->now_us >= s->reset_deadline_us)
		goto close;
	if (!(c->flags & CONN_RD_EOF) || other->out_bytes)
		goto wait;
	memset(&info, 0, sizeof(info));
	if (!w->ops->getsockopt(other->fd, IPPROTO_TCP, TCP_INFO, &info,
				&len) &&
	    info.tcpi_notsent_bytes)
		goto wait;
close:
	session_close(w, s,
		      side == SIDE_DOWN ? LOG_CAUSE_CLIENT : LOG_CAUSE_SERVER);
	return;
wait:
	timer_set(&w->wheel, &s->timer, w->now_us); /* the next tick */
}

void session_event(struct worker *w, struct session *s, enum side side,
		   uint8_t gen, uint32_t events)
{
	struct conn *c = &s->conn[side];
	int err = 0, len = sizeof(err);

	if (s->state == SESSION_CLOSED || s->state == SESSION_FREE ||
	    gen != (c->gen & EV_GEN_MASK)) {
		w->counters->stale_events_total++;
		return;
	}
	relay_part(w, s); /* while joined, an event means that the stack has let go */
	if (s->state == SESSION_FIRST) {
		if (!preface_event(w, s, events))
			return;
		session_serve(w, s);
		if (s->state == SESSION_RELAYING)
			relay_run(w, s);
		return;
	}
	if (s->state == SESSION_CONNECTING && side == SIDE_UP) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			w->ops->getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err,
					   &len);
			session_next_server(w, s);
			if (s->state == SESSION_RELAYING)
				relay_run(w, s);
			return;
		}
		if (!(events & EPOLLOUT))
			return;
		session_connected(w, s);
		if (s->state != SESSION_RELAYING)
			return;
	}

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLPRI) &&
	    !(c->flags & CONN_RD_EOF))
		c->flags |= CONN_RD_READY;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLPRI))
		c->flags |= CONN_RD_TO_END;
	if (events & EPOLLOUT)
		c->flags |= CONN_WR_READY;
	if (events & EPOLLERR)
		session_conn_lost(w, s, side);

	if (s->state == SESSION_RELAYING)
		relay_run(w, s);
	else if (c->flags & CONN_ERR)
		session_close(
			w, s,
			LOG_CAUSE_CLIENT); /* gone before there was a server */
}

void session_timer(struct worker *w, struct timer *t)
{
	struct session *s =
		(struct session *)((char *)t - offsetof(struct session, timer));

	if (s->state != SESSION_RELAYING) {
		if (w->now_us < session_deadline_us(s)) {
			session_set_timer(w, s);
			return;
		}
		if (s->state == SESSION_FIRST) {
			session_close(w, s, LOG_CAUSE_TIMEOUT);
			return;
		}
		if (s->state == SESSION_QUEUED) {
			s->pool->counters->queue_timeouts_total++;
			s->queue_us += w->now_us - s->try_us;
			session_close(w, s, LOG_CAUSE_TIMEOUT);
			return;
		}
		session_next_server(w, s);
		if (s->state == SESSION_RELAYING)
			relay_run(w, s);
		return;
	}
	relay_look(w, s);
	if (s->conn[SIDE_DOWN].flags & CONN_ERR)
		session_check_reset(w, s, SIDE_DOWN);
	else if (s->conn[SIDE_UP].flags & CONN_ERR)
		session_check_reset(w, s, SIDE_UP);
	else if (w->now_us >= session_deadline_us(s))
		session_close(w, s,
			      w->now_us - s->last_active_us >=
					      s->listener->conf->idle_timeout_ms * 1000ULL ?
				      LOG_CAUSE_TIMEOUT :
				      LOG_CAUSE_LIFETIME);
	else
		session_set_timer(w, s);
}
