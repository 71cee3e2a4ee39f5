// SPDX-License-Identifier: GPL-2.0-only
/*
 * cc.c - the congestion control of a connection: chosen by the peer's address, and counted
 *
 * Without rules a listener's connections all have the same algorithm, and so have a pool's: the stack
 * is asked for its name once, by the first connection, and a session costs two additions. With
 * rules it costs a look-up, a call that sets and one that asks.
 *
 * acc_probe starts from a window that an earlier connection to the same prefix had: resume.h. It is saved
 * at the end of a connection of acc_probe, and given to the next one when it is established. One that had
 * to be taken back (Safe Retreat) is forgotten.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cc.h"
#include "listener.h"
#include "log.h"
#include "pool.h"
#include "worker.h"

#define CC_PROBE "acc_probe" /* cc/tcp_acc_probe.c */

const char *cc_for(const struct conf *conf, const struct conf_range *rules, const union addr *peer)
{
	const struct acl_rule *rule = rules->n ? acl_find(&conf->rules[rules->first], rules->n, peer) : NULL;

	return rule ? conf->cc_names[rule->value] : NULL;
}

static int set(struct worker *w, int fd, const char *name)
{
	return w->ops->setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name));
}

int cc_choose(struct worker *w, int fd, const struct conf *conf, const struct conf_range *rules, const union addr *peer)
{
	const char *name = cc_for(conf, rules, peer);
	int r = name ? set(w, fd, name) : 0;

	if (r)
		w->counters->cc_refused_total++;
	return r;
}

/* Who names conf.cc_names[cc], for a message. */
static const char *rule_owner(const struct conf *conf, unsigned int cc, char *buf, size_t len)
{
	unsigned int i, k;

	for (i = 0; i < conf->n_listeners + conf->n_pools; i++) {
		const struct conf_listener *l = &conf->listeners[i];
		const struct conf_pool *p = &conf->pools[i - conf->n_listeners];
		bool is_listener = i < conf->n_listeners;
		const struct conf_range *range = is_listener ? &l->cc_rules : &p->cc_rules;

		for (k = 0; k < range->n; k++)
			if (conf->rules[range->first + k].value == cc) {
				snprintf(buf, len, "%s.%s.congestion_control_for", is_listener ? "listener" : "pool",
					 is_listener ? l->name : p->name);
				return buf;
			}
	}
	return "congestion_control_for";
}

static int check_name(struct worker *w, int fd, const char *name)
{
	return !name[0] || !strcmp(name, "default") ? 0 : set(w, fd, name);
}

int cc_check(struct worker *w, const struct conf *conf, char *err, size_t err_len)
{
	char owner[128];
	unsigned int i;
	int fd, r = 0;

	fd = w->ops->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0) {
		snprintf(err, err_len, "socket: %s", strerror(-fd));
		return fd;
	}
	for (i = 0; i < conf->n_cc_names && !r; i++) {
		r = check_name(w, fd, conf->cc_names[i]);
		if (r)
			snprintf(err, err_len, "%s: \"%s\": refused by the stack (accdctl cc list shows what it has): %s",
				 rule_owner(conf, i, owner, sizeof(owner)), conf->cc_names[i], strerror(-r));
	}
	for (i = 0; i < conf->n_pools && !r; i++) {
		r = check_name(w, fd, conf->pools[i].tcp.congestion_control);
		if (r)
			snprintf(err, err_len,
				 "pool.%s.congestion_control: \"%s\": refused by the stack (accdctl cc list shows what it has): %s",
				 conf->pools[i].name, conf->pools[i].tcp.congestion_control, strerror(-r));
	}
	w->ops->close(fd);
	return r;
}

/* ---- counting ---- */

static struct counters_cc_side *counters(struct worker *w, const struct session *s, enum side side)
{
	return &w->map->workers[w->index].cc[s->conn[side].cc - 1].sides[side];
}

/* What the stack says, as 1 + its place in the counters. */
static uint8_t place_of(struct worker *w, int fd)
{
	struct counters_cc *cc = w->map->workers[w->index].cc;
	char name[LOG_CC_BYTES] = "";
	int len = sizeof(name);
	unsigned int i;

	if (w->ops->getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) || !name[0])
		return 1;
	name[sizeof(name) - 1] = '\0';
	for (i = 1; i < COUNTERS_CC_MAX; i++) {
		if (!cc[i].name[0])
			memcpy(cc[i].name, name, sizeof(name)); /* nobody else writes it */
		if (!strncmp(cc[i].name, name, sizeof(name)))
			break;
	}
	if (i == COUNTERS_CC_MAX)
		return 1;
	if (!strcmp(name, CC_PROBE))
		w->cc_probe = i + 1;
	return i + 1;
}

/* Whom the packets go to. */
static int peer_of(struct worker *w, const struct session *s, enum side side, union addr *peer)
{
	int len = sizeof(*peer), r;

	if (side == SIDE_UP) {
		*peer = s->server->addr;
		return 0;
	}
	r = w->ops->getpeername(s->conn[side].fd, &peer->sa, &len);
	if (!r)
		addr_unmap(peer);
	return r;
}

static void resume_begin(struct worker *w, const struct session *s, enum side side)
{
	const struct resume_entry *e;
	int fd = s->conn[side].fd;
	union addr peer;

	if (!w->ops->cc_param || peer_of(w, s, side, &peer))
		return;
	e = resume_find(&w->resume, &peer, w->now_us);
	if (e && !w->ops->cc_param(fd, "saved_cwnd", e->cwnd_pkts) && !w->ops->cc_param(fd, "saved_rtt_us", e->rtt_us))
		w->counters->resume_used_total++;
}

static void resume_end(struct worker *w, const struct session *s, enum side side, const struct log_tcp *tcp)
{
	uint64_t retreats = 0;
	union addr peer;

	if (!w->ops->cc_param_get || peer_of(w, s, side, &peer))
		return;
	if (!w->ops->cc_param_get(s->conn[side].fd, "retreats", &retreats) && retreats) {
		w->counters->resume_forgotten_total++;
		resume_forget(&w->resume, &peer);
	} else if (resume_save(&w->resume, &peer, tcp->snd_cwnd_pkts, tcp->min_rtt_us, w->now_us)) {
		w->counters->resume_saved_total++;
	}
	w->counters->resume_replaced_total += w->resume.replaced_total - w->resume_replaced;
	w->resume_replaced = w->resume.replaced_total;
	w->counters->resume_paths = w->resume.n_entries;
}

static void count(struct worker *w, struct session *s, enum side side, uint8_t place)
{
	s->conn[side].cc = place;
	counters(w, s, side)->connections++;
	counters(w, s, side)->connections_total++;
}

void cc_begin(struct worker *w, struct session *s, enum side side)
{
	const struct conf_range *rules = side == SIDE_DOWN ? &s->listener->conf->cc_rules : &s->pool->conf->cc_rules;
	uint8_t *known = side == SIDE_DOWN ? &s->listener->cc : &s->pool->cc;

	if (rules->n || !*known)
		*known = place_of(w, s->conn[side].fd);
	count(w, s, side, *known);
	if (*known == w->cc_probe)
		resume_begin(w, s, side);
}

void cc_end(struct worker *w, struct session *s, enum side side, const struct log_tcp *tcp)
{
	struct counters_cc_side *c;

	if (!s->conn[side].cc)
		return;
	c = counters(w, s, side);
	c->connections--;
	if (tcp->is_set) {
		c->retransmits_total += tcp->retrans_total;
		hist_add(&c->srtt, &hist_rtt_us, tcp->rtt_us);
		if (s->conn[side].cc == w->cc_probe)
			resume_end(w, s, side, tcp);
	}
	s->conn[side].cc = 0;
}

int cc_change(struct worker *w, struct session *s, enum side side, const char *name)
{
	int r = set(w, s->conn[side].fd, name);

	if (r || !s->conn[side].cc)
		return r;
	counters(w, s, side)->connections--;
	count(w, s, side, place_of(w, s->conn[side].fd));
	return 0;
}
