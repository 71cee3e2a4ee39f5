// SPDX-License-Identifier: GPL-2.0-only
/*
 * generation.c - a configuration in a worker, and the change from one to the next
 *
 * Sockets are found by their address in worker.socks. On the host's stack they come from the
 * supervisor (inherited at the start, by CONTROL_OP_SOCKET later); on the library's stack they are
 * made here. A reload's new sockets are bound in prepare, which is where a clash shows, and listen
 * from commit on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc.h"
#include "control.h"
#include "generation.h"
#include "listener.h"
#include "pool.h"
#include "resolve.h"
#include "worker.h"

static void generation_free(struct generation *g)
{
	free(g->listeners);
	if (g->conf_map_bytes)
		munmap((void *)g->conf, g->conf_map_bytes);
	free(g);
}

/* Close what a reload had bound for nothing. */
static void drop_new_socks(struct worker *w)
{
	unsigned int i = 0;

	while (i < w->socks.n) {
		if (w->socks.socks[i].is_new)
			w->ops->close(sock_remove(&w->socks, &w->socks.socks[i]));
		else
			i++;
	}
}

static int prepare_listener(struct worker *w, struct listener *l, char *err, size_t err_len)
{
	const union addr *addr = &l->conf->bind;
	const char *call = "inherit";
	char text[ADDR_TEXT_BYTES];
	struct sock *s = sock_find(&w->socks, addr);
	const int vcpu = w->vcpu;
	int r;

	if (s) {
		l->fd = s->fd;
		return 0;
	}
	r = w->ops->listeners_inherited ? -ENOENT : listener_bind(w->ops, l->conf, w->vcpus > 1, &call);
	if (r >= 0) {
		l->fd = r;
		/* of the group the one of the vCPU that received the SYN; a kernel that cannot takes any */
		if (w->vcpus > 1)
			w->ops->setsockopt(l->fd, SOL_SOCKET, SO_INCOMING_CPU, &vcpu, sizeof(vcpu));
		r = sock_add(&w->socks, addr, l->fd, true);
		if (r)
			w->ops->close(l->fd);
	}
	if (r < 0)
		snprintf(err, err_len, "listener.%s.bind: %s %s: %s", l->conf->name, call,
			 addr_format(addr, text, sizeof(text)), strerror(-r));
	return r;
}

static int prepare(struct worker *w, struct generation *g, char *err, size_t err_len)
{
	const struct conf *conf = g->conf;
	unsigned int i;
	int r;

	r = cc_check(w, conf, err, err_len);
	if (r)
		return r;
	g->listeners = aligned_alloc(_Alignof(struct listener),
				     conf->n_listeners * sizeof(*g->listeners));
	if (!g->listeners) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	memset(g->listeners, 0, conf->n_listeners * sizeof(*g->listeners));
	g->n_listeners = conf->n_listeners;
	for (i = 0; i < conf->n_listeners; i++) {
		struct listener *l = &g->listeners[i];

		l->conf = &conf->listeners[i];
		l->generation = g;
		l->counters = counters_listener(w->map, w->index, l->conf->name);
		r = prepare_listener(w, l, err, err_len);
		if (r < 0)
			return r;
	}
	return 0;
}

int generation_prepare(struct worker *w, const struct conf *conf, size_t conf_map_bytes, char *err,
		       size_t err_len)
{
	struct generation *g, *old;
	unsigned int n_old = 0;
	int r = 0;

	generation_abort(w); /* one that nobody has committed */
	for (old = w->generation; old; old = old->next)
		n_old++;
	if (n_old > GENERATIONS_OLD_MAX) {
		snprintf(err, err_len,
			 "%u older configurations still have sessions; end the oldest sessions first",
			 n_old);
		r = -EBUSY;
	}
	g = calloc(1, sizeof(*g));
	if (!g) {
		snprintf(err, err_len, "out of memory");
		r = -ENOMEM;
	}
	if (!r) {
		g->conf = conf;
		g->conf_map_bytes = conf_map_bytes;
		r = prepare(w, g, err, err_len);
		if (!r) {
			w->next_generation = g;
			return 0;
		}
		generation_free(g);
		drop_new_socks(w);
		return r;
	}
	free(g);
	if (conf_map_bytes)
		munmap((void *)conf, conf_map_bytes);
	return r;
}

void generation_abort(struct worker *w)
{
	if (!w->next_generation)
		return;
	generation_free(w->next_generation);
	w->next_generation = NULL;
	drop_new_socks(w);
}

static int commit_listener(struct worker *w, struct listener *l, char *err, size_t err_len)
{
	struct sock *s = sock_find(&w->socks, &l->conf->bind);
	const char *call = "listen";
	char text[ADDR_TEXT_BYTES];
	int r = 0;

	/* also for one that listens: its backlog may be another one now */
	if (!w->ops->listeners_inherited)
		r = w->ops->listen(l->fd, l->conf->backlog);
	if (!r) {
		call = "epoll_ctl";
		r = listener_watch(l, w, s->is_watched);
	}
	if (r) {
		snprintf(err, err_len, "listener.%s.bind: %s %s: %s", l->conf->name, call,
			 addr_format(&l->conf->bind, text, sizeof(text)), strerror(-r));
		return r;
	}
	s->is_new = false;
	s->is_watched = true;
	l->is_ready = true; /* an event that the older listener has had is not repeated */
	return 0;
}

int generation_commit(struct worker *w, char *err, size_t err_len)
{
	struct generation *g = w->next_generation, *old = w->generation;
	unsigned int i;
	int r;

	if (!g) {
		snprintf(err, err_len, "nothing was prepared");
		return -ESTALE;
	}
	r = old ? pools_reload(w, g->conf) : 0; /* the first ones wait for names before */
	if (r) {
		snprintf(err, err_len, "pools: %s", strerror(-r));
		return r;
	}
	for (i = 0; i < g->n_listeners; i++) {
		g->listeners[i].pool = w->pools[g->listeners[i].conf->pool];
		r = commit_listener(w, &g->listeners[i], err, err_len);
		if (r)
			return r;
	}
	w->next_generation = NULL;
	g->next = old;
	w->generation = g;
	w->conf = g->conf;
	if (old)
		resolver_reload(w, g->conf);
	w->log = strcmp(g->conf->log.access, "off") ? w->log_ring : NULL;
	w->listeners = g->listeners;
	w->n_listeners = g->n_listeners;
	for (i = 0; i < w->socks.n; i++)
		w->socks.socks[i].is_wanted = false;
	for (i = 0; i < g->n_listeners; i++)
		sock_find(&w->socks, &g->listeners[i].conf->bind)->is_wanted = true;
	for (i = 0; old && i < old->n_listeners; i++) {
		struct listener *l = &old->listeners[i];
		struct sock *s = sock_find(&w->socks, &l->conf->bind);

		if (s && s->is_wanted) {
			l->fd = -1; /* the new one's */
			l->is_ready = false;
		} else {
			listener_close(l, w);
		}
	}
	return 0;
}

void generation_reap(struct worker *w)
{
	struct generation **p = &w->generation, *g;

	if (!*p)
		return;
	for (p = &(*p)->next; (g = *p);) {
		if (g->n_sessions) {
			p = &g->next;
			continue;
		}
		*p = g->next;
		generation_free(g);
	}
}

void generation_exit(struct worker *w)
{
	struct generation *g;

	generation_abort(w);
	while ((g = w->generation)) {
		w->generation = g->next;
		generation_free(g);
	}
	w->listeners = NULL;
	w->n_listeners = 0;
}

/* ---- requests ---- */

/* A bound socket for one address of the configuration that comes next; payload: union addr. */
int generation_op_socket(struct worker *w, struct control_call *call)
{
	union addr addr;
	int r;

	memcpy(&addr, call->req, sizeof(addr));
	if (call->fd < 0)
		return -EBADF;
	r = sock_add(&w->socks, &addr, call->fd, true);
	if (!r)
		call->fd = -1;
	return r;
}

/* The next configuration: a memfd that holds a struct conf. */
int generation_op_prepare(struct worker *w, struct control_call *call)
{
	size_t bytes = sizeof(struct conf);
	char err[512] = "";
	struct stat st;
	void *map;
	int r;

	if (call->fd < 0 || fstat(call->fd, &st) || (size_t)st.st_size != bytes)
		return -EBADF;
	map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, call->fd, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	r = generation_prepare(w, map, bytes, err, sizeof(err));
	if (r)
		control_printf(call, "%s", err);
	return r;
}

int generation_op_commit(struct worker *w, struct control_call *call)
{
	char err[512] = "";
	int r = w->is_draining ? -ESHUTDOWN : generation_commit(w, err, sizeof(err));

	if (r)
		control_printf(call, "%s", err);
	return r;
}

int generation_op_abort(struct worker *w, struct control_call *call)
{
	generation_abort(w);
	drop_new_socks(w);
	return 0;
}
