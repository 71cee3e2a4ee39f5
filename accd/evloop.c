// SPDX-License-Identifier: GPL-2.0-only
/*
 * evloop.c - the supervisor's event loop
 *
 * epoll, level-triggered, one event a turn (evloop.h says why); the kernel takes sources in turn,
 * so that a busy one does not starve the others. Timers stand in a list by deadline: there are a
 * few dozens at most (one per request under way, a few per worker). They run before each wait, all
 * that are due, oldest deadline first.
 */
#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "evloop.h"

uint64_t evloop_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int evloop_init(struct evloop *el)
{
	el->is_quit = false;
	el->status = 0;
	el->timers = NULL;
	el->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return el->epoll_fd < 0 ? -errno : 0;
}

void evloop_exit(struct evloop *el)
{
	if (el->epoll_fd >= 0)
		close(el->epoll_fd);
	el->epoll_fd = -1;
}

int evloop_add(struct evloop *el, struct evloop_fd *src, int fd, uint32_t events,
	       void (*fn)(void *ctx, uint32_t events), void *ctx)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	src->fd = fd;
	src->fn = fn;
	src->ctx = ctx;
	if (epoll_ctl(el->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	src->is_set = true;
	return 0;
}

int evloop_change(struct evloop *el, struct evloop_fd *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	return epoll_ctl(el->epoll_fd, EPOLL_CTL_MOD, src->fd, &ev) ? -errno : 0;
}

void evloop_remove(struct evloop *el, struct evloop_fd *src)
{
	if (!src->is_set)
		return;
	epoll_ctl(el->epoll_fd, EPOLL_CTL_DEL, src->fd, NULL);
	src->is_set = false;
}

void evloop_timer_stop(struct evloop *el, struct evloop_timer *t)
{
	struct evloop_timer **p;

	if (!t->is_set)
		return;
	for (p = &el->timers; *p; p = &(*p)->next) {
		if (*p == t) {
			*p = t->next;
			break;
		}
	}
	t->is_set = false;
}

void evloop_timer_set(struct evloop *el, struct evloop_timer *t, uint32_t delay_ms,
		      void (*fn)(void *ctx), void *ctx)
{
	struct evloop_timer **p;

	evloop_timer_stop(el, t);
	t->deadline_us = evloop_now_us() + delay_ms * 1000ULL;
	t->fn = fn;
	t->ctx = ctx;
	t->is_set = true;
	for (p = &el->timers; *p && (*p)->deadline_us <= t->deadline_us; p = &(*p)->next)
		;
	t->next = *p;
	*p = t;
}

/* Those due at `now_us`; one that is set again by its own callback waits for the next turn. */
static void run_timers(struct evloop *el, uint64_t now_us)
{
	struct evloop_timer *t;

	while (!el->is_quit && (t = el->timers) && t->deadline_us <= now_us) {
		el->timers = t->next;
		t->is_set = false;
		t->fn(t->ctx);
	}
}

int evloop_run(struct evloop *el)
{
	struct epoll_event ev;
	struct evloop_fd *src;
	int timeout_ms;
	uint64_t now_us;

	while (!el->is_quit) {
		now_us = evloop_now_us();
		run_timers(el, now_us);
		if (el->is_quit)
			break;
		timeout_ms = -1;
		if (el->timers) {
			now_us = evloop_now_us();
			timeout_ms = el->timers->deadline_us <= now_us ?
				0 : (el->timers->deadline_us - now_us + 999) / 1000;
		}
		if (epoll_wait(el->epoll_fd, &ev, 1, timeout_ms) != 1)
			continue;
		src = ev.data.ptr;
		src->fn(src->ctx, ev.events);
	}
	return el->status;
}

void evloop_quit(struct evloop *el, int status)
{
	el->is_quit = true;
	el->status = status;
}
