// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_relay_join.c - when a session goes over to the stack, on a stack that is made up
 *
 * The source never runs dry: were a session joined only while nothing waits for it, bulk would stay with the loop, which
 * sessions that the stack relays keep from running.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "listener.h"
#include "relay.h"
#include "server.h"
#include "worker.h"

enum { CLIENT = 3, SERVER = 4 };

static size_t read_bytes, room; /* what a read brings; what the client's connection takes */
static unsigned int joins;

static long fake_recv(int fd, void *buf, size_t len)
{
	if (fd == CLIENT)
		return -EAGAIN;
	return read_bytes < len ? read_bytes : len;
}

static long fake_send(int fd, const void *buf, size_t len)
{
	size_t n = len < room ? len : room;

	room -= n;
	return n ? (long)n : -EAGAIN;
}

static int fake_pipe(int fds[2], int bytes)
{
	return -EMFILE;
}

static int fake_join(struct lkl_relay *relay, int fd0, int fd1)
{
	joins++;
	return 0;
}

static const struct stack_ops ops = {
	.recv = fake_recv,
	.send = fake_send,
	.pipe = fake_pipe,
	.relay_join = fake_join,
};

static struct counters counters;
static struct counters_listener listener_counters;
static struct counters_server server_counters;
static struct listener listener = { .counters = &listener_counters };
static struct server server = { .counters = &server_counters };
static struct conf conf = { .worker = { .read_bytes = RELAY_BUF_BYTES, .relay = CONF_RELAY_STACK } };
static struct worker worker;
static struct session session;

static int begin(void **state)
{
	memset(&worker, 0, sizeof(worker));
	memset(&session, 0, sizeof(session));
	worker.ops = &ops;
	worker.conf = &conf;
	worker.counters = &counters;
	worker.ready_tail = &worker.ready;
	session.state = SESSION_RELAYING;
	session.listener = &listener;
	session.server = &server;
	session.conn[SIDE_DOWN].fd = CLIENT;
	session.conn[SIDE_UP].fd = SERVER;
	session.conn[SIDE_DOWN].flags = session.conn[SIDE_UP].flags = CONN_RD_READY | CONN_WR_READY;
	joins = 0;
	room = SIZE_MAX;
	return relay_init(&worker);
}

static int end(void **state)
{
	relay_drop(&worker, &session.conn[SIDE_DOWN]);
	relay_exit(&worker);
	return 0;
}

/* Bulk that never ends is the stack's after the first turn. */
static void test_bulk(void **state)
{
	read_bytes = RELAY_BUF_BYTES;
	relay_run(&worker, &session);
	assert_int_equal(joins, 1);
	assert_true(session.is_joined);
	assert_null(worker.ready);
}

/* A slow receiver: once what was read for it has gone, and not before. */
static void test_slow_receiver(void **state)
{
	struct conn *down = &session.conn[SIDE_DOWN];

	read_bytes = RELAY_BUF_BYTES;
	room = 1000;
	relay_run(&worker, &session);
	assert_int_equal(joins, 0);
	assert_int_equal(down->out_bytes, RELAY_BUF_BYTES - 1000);
	assert_false(down->flags & CONN_WR_READY);
	relay_run(&worker, &session);
	assert_int_equal(joins, 0);
	room = RELAY_BUF_BYTES;
	down->flags |= CONN_WR_READY;
	relay_run(&worker, &session);
	assert_int_equal(joins, 1);
	assert_int_equal(down->out_bytes, 0);
}

/* Little at a time, but always some more: after the turns that a join must be worth. */
static void test_small(void **state)
{
	unsigned int i;

	conf.worker.read_bytes = read_bytes = 100;
	for (i = 1; i < RELAY_JOIN_TURNS; i++) {
		relay_run(&worker, &session);
		assert_int_equal(joins, 0);
		assert_ptr_equal(worker.ready, &session);
		worker.ready = NULL;
		worker.ready_tail = &worker.ready;
		session.is_ready = false;
	}
	relay_run(&worker, &session);
	assert_int_equal(joins, 1);
	conf.worker.read_bytes = RELAY_BUF_BYTES;
}

/* An end has been seen: it is the loop's to pass on. */
static void test_end_seen(void **state)
{
	read_bytes = RELAY_BUF_BYTES;
	session.conn[SIDE_UP].flags |= CONN_RD_TO_END;
	relay_run(&worker, &session);
	relay_run(&worker, &session);
	assert_int_equal(joins, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bulk, begin, end),
		cmocka_unit_test_setup_teardown(test_slow_receiver, begin, end),
		cmocka_unit_test_setup_teardown(test_small, begin, end),
		cmocka_unit_test_setup_teardown(test_end_seen, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
