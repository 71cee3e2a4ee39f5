// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_parts.c - the relay's small parts by themselves: timer wheel, log line, log ring
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_on_time),
		cmocka_unit_test(test_timer_stop_and_jump),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
