// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_parts.c - the relay's small parts by themselves: timer wheel, pool, log line, log ring
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "pool.h"
#include "timer.h"

/* ---- timer ---- */

#define N_TIMERS 200

struct probe {
	struct timer timer;
	uint64_t deadline_us;
	uint64_t fired_us;
};

static struct probe probes[N_TIMERS];
static struct timer_wheel wheel;
static uint64_t now_us;

static void probe_fired(void *ctx, struct timer *t)
{
	struct probe *p =
		(struct probe *)((char *)t - offsetof(struct probe, timer));

	if (now_us < p->deadline_us)
		timer_set(&wheel, t,
			  p->deadline_us); /* looked at early: the lazy part */
	else
		p->fired_us = now_us;
}

static void test_timer_on_time(void **state)
{
	uint64_t start = 123456789;
	int i;

	timer_wheel_init(&wheel, start);
	memset(probes, 0, sizeof(probes));
	for (i = 0; i < N_TIMERS; i++) {
		probes[i].deadline_us =
			start +
			(uint64_t)i * i * 1000; /* up to 40 s: several rounds */
		timer_set(&wheel, &probes[i].timer, probes[i].deadline_us);
	}
	assert_int_equal(wheel.count, N_TIMERS);
	for (now_us = start; now_us < start + 41000000; now_us += 10000)
		timer_run(&wheel, now_us, probe_fired, NULL);
	assert_int_equal(wheel.count, 0);
	for (i = 0; i < N_TIMERS; i++) {
		assert_true(probes[i].fired_us >= probes[i].deadline_us);
		assert_true(probes[i].fired_us <=
			    probes[i].deadline_us + 2 * TIMER_TICK_US);
	}
}

static void test_timer_stop_and_jump(void **state)
{
	int i;

	timer_wheel_init(&wheel, 0);
	memset(probes, 0, sizeof(probes));
	for (i = 0; i < N_TIMERS; i++) {
		probes[i].deadline_us = (uint64_t)i * 100000;
		timer_set(&wheel, &probes[i].timer, probes[i].deadline_us);
	}
	for (i = 0; i < N_TIMERS; i += 2) {
		timer_stop(&wheel, &probes[i].timer);
		timer_stop(&wheel, &probes[i].timer); /* twice does no harm */
	}
	assert_int_equal(wheel.count, N_TIMERS / 2);
	now_us = 3600000000ULL; /* the clock jumped an hour */
	timer_run(&wheel, now_us, probe_fired, NULL);
	assert_int_equal(wheel.count, 0);
	for (i = 0; i < N_TIMERS; i++)
		assert_int_equal(probes[i].fired_us, i % 2 ? now_us : 0);
	timer_set(&wheel, &probes[0].timer, 0);
	assert_ptr_equal(timer_pop(&wheel), &probes[0].timer);
	assert_null(timer_pop(&wheel));
}

/* ---- pool ---- */

static void test_pool(void **state)
{
	static struct conf_pool conf = { .n_servers = 6 };
	struct counters_map *map = counters_new(1);
	struct pool pool;
	struct server *s;
	unsigned int i;

	assert_int_equal(pool_init(&pool, &conf, map, 0), 0);
	for (i = 0; i < 12; i++)
		assert_ptr_equal(pool_pick(&pool), &pool.servers[i % 6]);
	/* retries go to the neighbours, none twice, and don't move the round */
	s = &pool.servers[5];
	for (i = 1; i <= POOL_RETRIES_MAX; i++) {
		s = pool_pick_next(&pool, s, i);
		assert_ptr_equal(s, &pool.servers[i - 1]);
	}
	assert_null(pool_pick_next(&pool, s, i));
	assert_ptr_equal(pool_pick(&pool), &pool.servers[0]);
	pool_exit(&pool);

	conf.n_servers = 1;
	assert_int_equal(pool_init(&pool, &conf, map, 0), 0);
	assert_null(pool_pick_next(&pool, pool_pick(&pool), 1));
	pool_exit(&pool);
	counters_free(map);
}

/* ---- log ---- */

static struct log_record record(void)
{
	struct log_record rec = {
		.accept_us = 1500000,
		.connect_us = 1234,
		.total_us = 5678901,
		.bytes_up = 10,
		.bytes_down = 20,
		.listener = "web",
		.pool = "origin",
		.server = "s1",
		.sessions = 3,
		.retries = 1,
		.cause = LOG_CAUSE_TIMEOUT,
		.phase = LOG_PHASE_LAST,
		.tcp_up = { true, "cubic", 100, 50, 2, 10, 8000000 },
	};

	addr_parse("192.0.2.7:4711", false, &rec.client);
	return rec;
}

static void test_log_line(void **state)
{
	struct log_record rec = record();
	char line[1024];
	int n = log_format(&rec, 1000000000LL * 1000000, line, sizeof(line));

	line[n] = '\0';
	assert_string_equal(
		line,
		"2001-09-09T01:46:41.500Z 192.0.2.7:4711 web origin/s1 connect_ms=1.234 total_ms=5678.901 "
		"up_bytes=10 down_bytes=20 state=TL retries=1 sessions=3 tcp_down={} "
		"tcp_up={cc=cubic rtt_us=100 min_rtt_us=50 retrans=2 cwnd_pkts=10 "
		"delivery_bps=8000000}\n");
	rec.server = NULL;
	rec.connect_us = UINT64_MAX;
	n = log_format(&rec, 0, line, sizeof(line));
	line[n] = '\0';
	assert_non_null(strstr(line, " origin/- connect_ms=-1 "));
}

/* The longest line fits what log.c gives it. */
static void test_log_line_longest(void **state)
{
	static char name[CONF_NAME_BYTES];
	struct log_tcp tcp = { true,	   "",	       UINT32_MAX, UINT32_MAX,
			       UINT32_MAX, UINT32_MAX, UINT64_MAX };
	struct log_record rec;
	char line[2048];

	memset(name, 'n', sizeof(name) - 1);
	memset(tcp.cc, 'c', sizeof(tcp.cc) - 1);
	memset(&rec, 0xff, sizeof(rec));
	rec.accept_us = 0;
	rec.connect_us = UINT64_MAX - 1;
	rec.client.sa.sa_family = AF_INET6;
	rec.listener = rec.pool = rec.server = name;
	rec.cause = LOG_CAUSE_KILLED;
	rec.phase = LOG_PHASE_DATA;
	rec.tcp_down = rec.tcp_up = tcp;
	assert_in_range(log_format(&rec, 0, line, sizeof(line)), 400, 768);
}

/*
 * More records than the ring holds, faster than they can be written: written + said to be dropped
 * = queued.
 */
static void test_log_drops_are_said(void **state)
{
	enum { N_RECORDS = 300000 };
	char path[] = "/tmp/accd-log.XXXXXX";
	struct log_record rec = record();
	unsigned long long lost, n_lost = 0, n_lines = 0;
	uint64_t dropped;
	char line[1024];
	struct log *log;
	FILE *file;
	int i;

	close(mkstemp(path));
	assert_int_equal(log_open(path, &log), 0);
	for (i = 0; i < N_RECORDS; i++)
		log_session(log, &rec);
	dropped = log_dropped(log);
	log_close(log);
	file = fopen(path, "r");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "# accd: %llu lines dropped", &lost) == 1)
			n_lost += lost;
		else
			n_lines++;
	}
	fclose(file);
	unlink(path);
	assert_true(dropped > 0);
	assert_int_equal(n_lost, dropped);
	assert_int_equal(n_lines + n_lost, N_RECORDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_on_time),
		cmocka_unit_test(test_timer_stop_and_jump),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_log_line),
		cmocka_unit_test(test_log_line_longest),
		cmocka_unit_test(test_log_drops_are_said),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
