// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_control.c - the supervisor's event loop, and the channel between supervisor and worker
 *
 * The worker's two sides (main thread and loop) are played by this thread: a source of the event
 * loop stands for the main thread's poll().
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control.h"

struct play {
	struct evloop loop;
	struct control_peer peer;
	struct control_worker worker;
	struct evloop_fd worker_src;
	bool is_stuck; /* the worker reads and answers nothing */
	unsigned int chunks, ends, events;
	int status;
	size_t bytes;
	unsigned int wanted_ends;
	char text[64];
};

static void on_answer(void *ctx, const struct control_answer *a)
{
	struct play *p = ctx;

	p->chunks++;
	p->bytes += a->len;
	if (!a->is_last)
		return;
	p->status = a->status;
	snprintf(p->text, sizeof(p->text), "%.*s", (int)(a->len < 60 ? a->len : 60), a->data);
	if (++p->ends == p->wanted_ends)
		evloop_quit(&p->loop, 0);
}

static void on_event(void *ctx, enum control_op ev, const char *text)
{
	struct play *p = ctx;

	p->events++;
	assert_int_equal(ev, CONTROL_EV_READY);
	assert_string_equal(text, "6.12");
	evloop_quit(&p->loop, 7);
}

static void worker_turn(void *ctx, uint32_t events)
{
	struct play *p = ctx;
	bool is_closed;

	if (p->is_stuck) {
		evloop_remove(&p->loop, &p->worker_src);
		return;
	}
	if (control_receive(&p->worker, &is_closed))
		do {
			assert_true(control_run(&p->worker, NULL));
		} while (control_send(&p->worker));
	if (is_closed)
		evloop_remove(&p->loop, &p->worker_src);
}

static int setup(void **state)
{
	struct play *p = calloc(1, sizeof(*p));
	int fds[2];

	assert_int_equal(evloop_init(&p->loop), 0);
	assert_int_equal(control_pair(fds), 0);
	assert_int_equal(control_peer_init(&p->peer, &p->loop, fds[0], 3, on_event, p), 0);
	control_worker_init(&p->worker, fds[1]);
	assert_int_equal(evloop_add(&p->loop, &p->worker_src, fds[1], EPOLLIN, worker_turn, p), 0);
	p->wanted_ends = 1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct play *p = *state;

	control_peer_exit(&p->peer);
	evloop_remove(&p->loop, &p->worker_src);
	close(p->worker.fd);
	evloop_exit(&p->loop);
	free(p);
	return 0;
}

static int run(struct play *p)
{
	p->loop.is_quit = false;
	return evloop_run(&p->loop);
}

static void test_ping(void **state)
{
	struct play *p = *state;

	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, 5000, on_answer, p), 0);
	run(p);
	assert_int_equal(p->status, 0);
	assert_int_equal(p->chunks, 1);
	assert_int_equal(p->peer.n_pending, 0);
}

static void test_bad_requests(void **state)
{
	struct play *p = *state;
	char big[CONTROL_REQUEST_MAX + 1] = "";

	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, big, 1, -1, 5000, on_answer, p), 0);
	run(p);
	assert_int_equal(p->status, -EINVAL); /* too long for its row */
	p->ends = 0;
	assert_int_equal(control_ask(&p->peer, 999, NULL, 0, -1, 5000, on_answer, p), 0);
	run(p);
	assert_int_equal(p->status, -EOPNOTSUPP);
	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, big, sizeof(big), -1, 1, on_answer, p),
			 -EMSGSIZE);
	/* what is no message at all is thrown away */
	assert_int_equal(send(p->peer.src.fd, "xy", 2, 0), 2);
	p->ends = 0;
	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, 5000, on_answer, p), 0);
	run(p);
	assert_int_equal(p->status, 0);
}

static void test_stuck_worker(void **state)
{
	struct play *p = *state;
	unsigned int n;

	p->is_stuck = true;
	for (n = 0; n < CONTROL_PENDING_MAX; n++)
		assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, 20, on_answer, p), 0);
	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, 20, on_answer, p), -EAGAIN);
	p->wanted_ends = n;
	run(p);
	assert_int_equal(p->status, -ETIMEDOUT);
	assert_int_equal(p->ends, n);
	/* it wakes up: the late answers have nobody, a new request works */
	p->is_stuck = false;
	assert_int_equal(evloop_add(&p->loop, &p->worker_src, p->worker.fd, EPOLLIN, worker_turn, p), 0);
	p->ends = 0;
	p->wanted_ends = 1;
	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, 5000, on_answer, p), 0);
	run(p);
	assert_int_equal(p->status, 0);
	assert_int_equal(p->ends, 1);
}

static void test_worker_gone(void **state)
{
	struct play *p = *state;

	p->is_stuck = true;
	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, 5000, on_answer, p), 0);
	evloop_remove(&p->loop, &p->worker_src);
	shutdown(p->worker.fd, SHUT_RDWR);
	control_peer_drain(&p->peer);
	assert_int_equal(p->ends, 0);
	assert_int_equal(control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, 5000, on_answer, p), -EPIPE);
	control_peer_exit(&p->peer);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->status, -EPIPE);
}

static void test_event(void **state)
{
	struct play *p = *state;

	control_event(&p->worker, CONTROL_EV_READY, "6.12");
	assert_int_equal(run(p), 7);
	assert_int_equal(p->events, 1);
}

/* ---- chunks ---- */

static void test_chunk_bounds(void **state)
{
	struct play *p = *state;
	struct control_call *call = &p->worker.call;
	unsigned int n = 0;

	call->out_len = 0;
	while (control_printf(call, "%s", "0123456789"))
		n++;
	assert_int_equal(n, (CONTROL_CHUNK_MAX - 1) / 10);
	assert_int_equal(call->out_len, n * 10);
	assert_true(control_put(call, "ab", 2));
	assert_false(control_put(call, call->out, CONTROL_CHUNK_MAX));
}

/* ---- timers ---- */

static char order[8];
static struct evloop_timer timers[3];

static void timer_a(void *ctx)
{
	strcat(order, "a");
	evloop_timer_stop(ctx, &timers[1]); /* one that is due too */
}

static void timer_b(void *ctx)
{
	strcat(order, "b");
}

static void timer_c(void *ctx)
{
	strcat(order, "c");
	evloop_quit(ctx, 1);
}

static void test_timers(void **state)
{
	struct play *p = *state;

	evloop_timer_set(&p->loop, &timers[2], 30, timer_c, &p->loop);
	evloop_timer_set(&p->loop, &timers[0], 5, timer_b, &p->loop);
	evloop_timer_set(&p->loop, &timers[1], 10, timer_b, &p->loop);
	evloop_timer_set(&p->loop, &timers[0], 10, timer_a, &p->loop); /* moved behind */
	evloop_timer_stop(&p->loop, &timers[1]);
	evloop_timer_set(&p->loop, &timers[1], 20, timer_b, &p->loop);
	assert_int_equal(run(p), 1);
	assert_string_equal(order, "ac");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ping, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stuck_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_worker_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chunk_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
