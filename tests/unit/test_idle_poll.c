// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_idle_poll.c - how long an idle vCPU polls follows what gaps cost, on a made-up clock of one tick a nanosecond
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernel/overlay/arch/lkl/kernel/idle_poll.h"

#define US 1000ull

static uint64_t now, frames, polled, sleeps;

static struct idle_poll poll_new(uint64_t limit)
{
	now = frames = polled = sleeps = 0;
	return (struct idle_poll){ .limit = limit, .sleep_cost = 24 * US, .busy_max = 1000 * US };
}

/*
 * One gap of `gap` and the work after it: a frame of busy_us, or after a sleep, from which it takes 25 us to wake up, batch
 * frames, each for half of that time.
 */
static void gap_run(struct idle_poll *p, uint64_t gap, uint64_t busy, unsigned int batch)
{
	const uint64_t begin = now, poll = idle_poll_begin(p, now, frames);

	assert_true(poll <= p->limit);
	if (gap <= poll) {
		polled += gap;
		now += gap;
	} else {
		polled += poll;
		sleeps++;
		now += gap + 25 * US;
	}
	idle_poll_end(p, begin, now, frames);
	frames += gap <= poll ? 1 : batch;
	now += gap <= poll || batch == 1 ? busy : batch * busy / 2;
}

/* Sleeps of `n` gaps. */
static uint64_t gaps_run(struct idle_poll *p, unsigned int n, uint64_t gap, uint64_t busy, unsigned int batch)
{
	polled = sleeps = 0;
	while (n--)
		gap_run(p, gap, busy, batch);
	return sleeps;
}

static void test_peer_at_once(void **state)
{
	struct idle_poll p = poll_new(50 * US);

	gaps_run(&p, 4000, 15 * US, 10 * US, 1);
	assert_int_equal(p.poll, 25 * US);
	/* all but the tries without polling */
	assert_in_range(gaps_run(&p, 13100, 15 * US, 10 * US, 1), 99, 101);
}

static void test_rare(void **state)
{
	struct idle_poll p = poll_new(50 * US);

	gaps_run(&p, 4000, 200 * US, 10 * US, 1);
	assert_int_equal(p.poll, 0);
	gaps_run(&p, 13100, 200 * US, 10 * US, 1);
	/* one try in 131: less than half a microsecond a gap */
	assert_in_range(polled, 1, 13100 * US / 2);
}

static void test_batches(void **state)
{
	struct idle_poll p = poll_new(50 * US);

	/* Each gap by itself would be worth polling, but after a sleep three frames are there at once. */
	gaps_run(&p, 4000, 15 * US, 10 * US, 3);
	assert_int_equal(p.poll, 0);
}

static void test_mixed(void **state)
{
	struct idle_poll p = poll_new(50 * US);
	unsigned int i;

	/* Requests are rare, answers come at once: after a request it polls, and gives up soon after an answer. */
	for (i = 0; i < 8000; i++)
		gap_run(&p, i & 1 ? 200 * US : 3 * US, 10 * US, 1);
	assert_int_equal(p.poll, 50 * US >> 4);
}

static void test_change(void **state)
{
	struct idle_poll p = poll_new(50 * US);
	unsigned int i, gaps;

	for (i = 0; i < 3; i++) {
		for (gaps = 0; p.poll != 25 * US; gaps++)
			gap_run(&p, 15 * US, 10 * US, 1);
		assert_in_range(gaps, 1, 20000);
		for (gaps = 0; p.poll; gaps++)
			gap_run(&p, 500 * US, 10 * US, 1);
		assert_in_range(gaps, 1, 20000);
	}
}

static void test_limits(void **state)
{
	struct idle_poll p = poll_new(0);

	/* 0: never, whatever comes */
	assert_int_equal(gaps_run(&p, 1000, 1, 10 * US, 1), 1000);
	assert_int_equal(p.samples, 0);
	/* the largest values that there are: no overflow lets it poll in vain */
	p = poll_new(1000000000 * 4ull);
	p.busy_max = 4000000;
	gaps_run(&p, 4000, 1ull << 39, 1ull << 39, 1000);
	assert_int_equal(p.poll, 0);
	/* work without a frame, and gaps that were none */
	p = poll_new(50 * US);
	gaps_run(&p, 4000, 15 * US, 10 * US, 0);
	idle_poll_begin(&p, now, frames);
	idle_poll_none(&p);
	idle_poll_begin(&p, now + 1000000000, frames);
	assert_in_range(p.polled.busy, 9 * US, 11 * US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer_at_once),
		cmocka_unit_test(test_rare),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
