// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pool.c - pools without a stack: what is picked, who waits, and what a reload keeps
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool.h"
#include "session.h"
#include "worker.h"

#define N_SESSIONS 16

static _Alignas(64) struct worker w;
static struct session sessions[N_SESSIONS];

static struct conf *load(const char *pools)
{
	char text[4096];
	int mistakes;
	struct conf *conf;

	snprintf(text, sizeof(text), "stack = host; listener l { bind = \"*:80\"; pool = p; } %s", pools);
	conf = conf_load_text(text, strlen(text), "test", -1, NULL, NULL, &mistakes);
	assert_non_null(conf);
	return conf;
}

static struct conf *begin(const char *pools)
{
	struct conf *conf = load(pools);

	memset(&w, 0, sizeof(w));
	memset(sessions, 0, sizeof(sessions));
	w.map = counters_new(1);
	w.now_us = 1000000;
	w.random = 7;
	w.conf = conf;
	timer_wheel_init(&w.wheel, w.now_us);
	timer_wheel_init(&w.task_wheel, w.now_us);
	assert_int_equal(pools_reload(&w, conf), 0);
	return conf;
}

static void end(struct conf *conf)
{
	pools_exit(&w);
	assert_int_equal(w.task_wheel.count, 0);
	counters_free(w.map);
	conf_free(conf);
}

/* A session that gets a server, if there is one. */
static struct server *run(unsigned int at, struct pool *pool, enum pool_verdict *why)
{
	struct session *s = &sessions[at];
	struct server *server = pool_pick(&w, pool, s, why);

	if (!s->pool) {
		s->pool = pool;
		pool->n_refs++;
	}
	if (server) {
		pool_take(&w, s, server);
		s->tried[s->tries++] = server->id;
	}
	return server;
}

static void stop(unsigned int at)
{
	struct session *s = &sessions[at];

	pool_give_conn(&w, s->server);
	pool_put_server(&w, s->server);
	pool_put(&w, s->pool);
	memset(s, 0, sizeof(*s));
}

static void test_pick(void **state)
{
	struct conf *conf = begin("pool p {"
				  "server a { address = \"10.0.0.1:1\"; max_connections = 1; }"
				  "server b { address = \"10.0.0.2:1\"; max_connections = 2; }"
				  "server z { address = \"10.0.0.9:1\"; backup = yes; } }");
	struct pool *pool = pool_find(&w, "p");
	enum pool_verdict why;
	unsigned int i;

	assert_null(pool_find(&w, "nobody"));
	for (i = 0; i < 3; i++)
		assert_string_not_equal(run(i, pool, &why)->name, "z");
	assert_null(run(3, pool, &why)); /* full is not down: the backup stays out */
	assert_int_equal(why, POOL_FULL);
	stop(0);
	assert_string_equal(run(3, pool, &why)->name, "a");
	/* none twice */
	stop(3);
	sessions[3].tries = 0;
	assert_string_equal(run(3, pool, &why)->name, "a");
	stop(1);
	pool_give_conn(&w, sessions[3].server);
	assert_string_equal(run(3, pool, &why)->name, "b");
	pool_give_conn(&w, sessions[3].server);
	assert_null(pool_pick(&w, pool, &sessions[3], &why));
	assert_int_equal(why, POOL_TRIED);
	sessions[3].server->n_conns++;
	/* primaries out of service: the backup; that too: down */
	server_set_admin(&w, pool_server(pool, "a", 0), HEALTH_MAINT);
	server_set_admin(&w, pool_server(pool, "b", 0), HEALTH_DRAIN);
	assert_string_equal(run(4, pool, &why)->name, "z");
	assert_int_equal(server_set_weight(&w, pool_server(pool, "z", 0), 0), 0);
	assert_null(run(5, pool, &why));
	assert_int_equal(why, POOL_DOWN);
	assert_int_equal(server_set_weight(&w, pool_server(pool, "z", 0), 257), -ERANGE);
	server_set_admin(&w, pool_server(pool, "a", 0), HEALTH_READY);
	assert_string_equal(run(6, pool, &why)->name, "a");
	pool_put(&w, pool); /* of session 5, which got none */
	stop(2);
	stop(3);
	stop(4);
	stop(6);
	end(conf);
}

static void test_ejection_spares_the_last(void **state)
{
	struct conf *conf = begin("pool p { eject_failures = 1;"
				  "server a { address = \"10.0.0.1:1\"; } server b { address = \"10.0.0.2:1\"; } }");
	struct pool *pool = pool_find(&w, "p");
	struct server *a = pool_server(pool, "a", 0), *b = pool_server(pool, "b", 0);
	enum pool_verdict why;

	run(0, pool, &why);
	server_connected(&w, a, false);
	server_connected(&w, b, false); /* in the same batch */
	assert_int_equal(server_state(&w, a), SERVER_EJECTED);
	assert_int_equal(server_state(&w, b), SERVER_UP);
	assert_ptr_equal(run(1, pool, &why), b);
	stop(0);
	stop(1);
	end(conf);
}

static void test_queue(void **state)
{
	struct conf *conf = begin("pool p { queue = 3; server a { address = \"10.0.0.1:1\"; } }");
	struct pool *pool = pool_find(&w, "p");
	unsigned int i;

	for (i = 0; i < 4; i++) {
		sessions[i].pool = pool;
		assert_int_equal(pool_enqueue(&w, &sessions[i]), i < 3);
	}
	assert_ptr_equal(pool->queue, &sessions[0]);
	pool_dequeue(&w, &sessions[1]); /* from the middle */
	pool_dequeue(&w, &sessions[1]); /* no-op */
	assert_ptr_equal(pool->queue->next, &sessions[2]);
	assert_true(pool_enqueue(&w, &sessions[3])); /* at the end */
	assert_ptr_equal(sessions[2].next, &sessions[3]);
	pool_dequeue(&w, &sessions[3]);
	pool_dequeue(&w, &sessions[0]);
	assert_true(pool_enqueue(&w, &sessions[1]));
	assert_ptr_equal(pool->queue, &sessions[2]);
	assert_ptr_equal(pool->queue->next, &sessions[1]);
	pool_dequeue(&w, &sessions[2]);
	pool_dequeue(&w, &sessions[1]);
	assert_null(pool->queue);
	assert_int_equal(pool->n_queued, 0);
	end(conf);
}

static void test_reload(void **state)
{
	struct conf *old = begin("pool p { server a { address = \"10.0.0.1:1\"; }"
				 "server b { address = \"10.0.0.2:1\"; } server c { address = \"10.0.0.3:1\"; weight = 5; } }"
				 "pool q { server a { address = \"10.0.0.1:1\"; } }");
	struct conf *conf = load("pool r { server a { address = \"10.0.0.1:1\"; } }"
				 "pool p { balance = hash; server c { address = \"10.0.0.3:1\"; weight = 6; }"
				 "server a { address = \"10.0.0.1:1\"; } server b { address = \"10.0.0.22:1\"; } }");
	struct pool *p = pool_find(&w, "p"), *q = pool_find(&w, "q");
	struct server *a = pool_server(p, "a", 0), *b, *c = pool_server(p, "c", 0);
	enum pool_verdict why;
	unsigned int i;

	server_set_admin(&w, a, HEALTH_DRAIN);
	server_set_admin(&w, c, HEALTH_MAINT);
	b = run(0, p, &why); /* the only one left */
	assert_string_equal(b->name, "b");
	assert_non_null(run(1, q, &why));
	server_set_weight(&w, a, 9);
	server_set_weight(&w, c, 9);

	assert_int_equal(pools_reload(&w, conf), 0);
	memset(old, 0xa5, sizeof(*old)); /* nobody may look at it any more */
	conf_free(old);
	w.conf = conf;

	assert_int_equal(w.n_pools, 2);
	assert_ptr_equal(w.pools[1], p);
	assert_string_equal(w.pools[0]->name, "r");
	assert_null(pool_find(&w, "q"));
	/* same name and address: the same server, with what an operator said, unless the file says something new */
	assert_ptr_equal(pool_server(p, "a", 0), a);
	assert_int_equal(server_state(&w, a), SERVER_DRAIN);
	assert_int_equal(a->weight, 9);
	assert_ptr_equal(pool_server(p, "c", 0), c);
	assert_int_equal(c->weight, 6);
	/* another address: another server; the old one lives as long as its session */
	assert_ptr_not_equal(pool_server(p, "b", 0), b);
	assert_null(b->conf);
	assert_int_equal(b->n_conns, 1);
	assert_string_equal(sessions[1].server->name, "a");
	assert_true(q->is_gone);
	pools_reap(&w); /* too early: nothing happens to them */
	assert_int_equal(b->n_refs, 1);
	assert_int_equal(q->n_refs, 2); /* its session, and the server of the session */
	assert_string_equal(run(2, p, &why)->name, "b");
	assert_ptr_not_equal(sessions[2].server, b);
	stop(0);
	stop(1);
	stop(2);
	pools_reap(&w);
	/* again and again: nothing piles up (the leak sanitizer has the last word) */
	for (i = 0; i < 100; i++) {
		struct conf *next = load(i % 2 ? "pool p { server a { address = \"10.0.0.1:1\"; } }" :
						 "pool p { server a { address = \"10.0.0.4:1\"; } } pool x { server a { address = \"10.0.0.1:1\"; } }");

		assert_int_equal(pools_reload(&w, next), 0);
		conf_free(conf);
		conf = next;
		pools_reap(&w);
		assert_int_equal(pool_find(&w, "p")->n_servers, 1);
	}
	assert_int_equal(w.n_pools, 1);
	end(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_ejection_spares_the_last),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
