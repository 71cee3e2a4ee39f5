// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_health.c - a server's states over time, and the search for a check's expected text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "health.h"

#define S 1000000ULL

static const struct health_rules rules = {
	.rise = 2, .fall = 3, .eject_failures = 3,
	.eject_us = 10 * S, .eject_max_us = 35 * S, .slow_start_us = 20 * S,
};

static void test_checks(void **state)
{
	struct health h = { 0 };

	assert_int_equal(health_state(&h, &rules, S), SERVER_UP);
	/* the very first check counts alone */
	assert_true(health_checked(&h, &rules, S, false));
	assert_int_equal(health_state(&h, &rules, S), SERVER_DOWN);
	assert_false(health_checked(&h, &rules, 2 * S, true));
	assert_false(health_checked(&h, &rules, 3 * S, false)); /* in a row, or not at all */
	assert_false(health_checked(&h, &rules, 4 * S, true));
	assert_true(health_checked(&h, &rules, 5 * S, true));
	assert_int_equal(health_state(&h, &rules, 5 * S), SERVER_SLOW_START);
	assert_int_equal(health_state(&h, &rules, 25 * S), SERVER_UP);
	/* flapping without `fall` in a row changes nothing */
	assert_false(health_checked(&h, &rules, 30 * S, false));
	assert_false(health_checked(&h, &rules, 31 * S, false));
	assert_false(health_checked(&h, &rules, 32 * S, true));
	assert_false(health_checked(&h, &rules, 33 * S, false));
	assert_false(health_checked(&h, &rules, 34 * S, false));
	assert_int_equal(health_state(&h, &rules, 34 * S), SERVER_UP);
	assert_true(health_checked(&h, &rules, 35 * S, false));
	assert_int_equal(health_state(&h, &rules, 35 * S), SERVER_DOWN);
}

static uint64_t fail_until_ejected(struct health *h, uint64_t now_us)
{
	while (!health_connected(h, &rules, now_us, false, true))
		;
	assert_int_equal(health_state(h, &rules, now_us), SERVER_EJECTED);
	assert_false(health_is_usable(h, &rules, now_us));
	return h->eject_until_us - now_us;
}

static void test_ejection(void **state)
{
	struct health h = { 0 };
	uint64_t now = S;

	assert_false(health_connected(&h, &rules, now, false, true));
	assert_false(health_connected(&h, &rules, now, false, true));
	assert_false(health_connected(&h, &rules, now, true, true)); /* a success clears */
	assert_false(health_connected(&h, &rules, now, false, true));
	assert_false(health_connected(&h, &rules, now, false, true));
	assert_false(health_connected(&h, &rules, now, false, false)); /* the last one is not ejected */
	assert_int_equal(health_state(&h, &rules, now), SERVER_UP);
	assert_int_equal(fail_until_ejected(&h, now), 10 * S);
	assert_int_equal(health_next_us(&h, &rules, now), now + 10 * S);
	now += 10 * S - 1;
	assert_false(health_tick(&h, &rules, now));
	now += 1;
	assert_true(health_tick(&h, &rules, now));
	assert_false(health_tick(&h, &rules, now)); /* once */
	assert_int_equal(health_state(&h, &rules, now), SERVER_SLOW_START);
	/* on probation: one failure ejects, for twice as long, up to the maximum */
	assert_true(health_connected(&h, &rules, now, false, true));
	assert_int_equal(h.eject_until_us - now, 20 * S);
	now = h.eject_until_us;
	health_tick(&h, &rules, now);
	assert_int_equal(fail_until_ejected(&h, now), 35 * S);
	now = h.eject_until_us;
	health_tick(&h, &rules, now);
	/* a good time as long as the last ejection: begins small again */
	health_connected(&h, &rules, now + S, true, true);
	assert_int_equal(fail_until_ejected(&h, now + 36 * S), 10 * S);
}

static void test_slow_start(void **state)
{
	struct health h = { .back_us = 100 * S };
	unsigned int i;

	for (i = 0; i < 10; i++) {
		assert_int_equal(health_ramp_pct(&h, &rules, 100 * S + i * 2 * S), (i + 1) * 10);
		assert_int_equal(health_next_us(&h, &rules, 100 * S + i * 2 * S), 100 * S + (i + 1) * 2 * S);
	}
	assert_int_equal(health_ramp_pct(&h, &rules, 120 * S), 100);
	assert_int_equal(health_next_us(&h, &rules, 120 * S), UINT64_MAX);
	h.back_us = 0; /* one that was never away has its whole weight */
	assert_int_equal(health_ramp_pct(&h, &rules, S), 100);
}

static void test_admin(void **state)
{
	struct health h = { 0 };

	health_set_admin(&h, HEALTH_DRAIN, S);
	assert_int_equal(health_state(&h, &rules, S), SERVER_DRAIN);
	health_set_admin(&h, HEALTH_MAINT, S);
	assert_int_equal(health_state(&h, &rules, S), SERVER_MAINT);
	/* what is seen meanwhile counts afterwards */
	health_checked(&h, &rules, 2 * S, false);
	assert_int_equal(health_state(&h, &rules, 2 * S), SERVER_MAINT);
	health_set_admin(&h, HEALTH_READY, 3 * S);
	assert_int_equal(health_state(&h, &rules, 3 * S), SERVER_DOWN);
	/* READY forgets an ejection */
	memset(&h, 0, sizeof(h));
	fail_until_ejected(&h, 4 * S);
	health_set_admin(&h, HEALTH_MAINT, 5 * S);
	health_set_admin(&h, HEALTH_READY, 5 * S);
	assert_int_equal(health_state(&h, &rules, 5 * S), SERVER_SLOW_START);
	/* a name without an address is down, whatever else is well */
	health_resolved(&h, false);
	assert_int_equal(health_state(&h, &rules, 100 * S), SERVER_DOWN);
	health_resolved(&h, true);
	assert_int_equal(health_state(&h, &rules, 100 * S), SERVER_UP);
}

static int feed_all(const char *text, const char *data, unsigned int step)
{
	struct check_match m;
	unsigned int at, len = strlen(data);
	int r = 0;

	check_match_init(&m, text);
	for (at = 0; at < len && !r; at += step)
		r = check_match_feed(&m, text, data + at, len - at < step ? len - at : step);
	return r;
}

static void test_match(void **state)
{
	static char large[CHECK_ANSWER_BYTES_MAX + 10];
	unsigned int step;

	for (step = 1; step < 12; step++) {
		assert_int_equal(feed_all("200 OK", "HTTP/1.0 200 OK\r\n", step), 1);
		assert_int_equal(feed_all("200 OK", "HTTP/1.0 200 O", step), 0);
		/* a false start inside the text itself */
		assert_int_equal(feed_all("ababac", "xxabababac", step), 1);
		assert_int_equal(feed_all("aaab", "aaaaaaab", step), 1);
		assert_int_equal(feed_all("abcabd", "abcabcabcabd", step), 1);
		assert_int_equal(feed_all("abcabd", "abcabcabcab", step), 0);
	}
	memset(large, 'x', sizeof(large) - 1);
	assert_int_equal(feed_all("+PONG", large, 1000), -1);
	memcpy(large + CHECK_ANSWER_BYTES_MAX - 5, "+PONG", 5);
	assert_int_equal(feed_all("+PONG", large, 1000), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks), cmocka_unit_test(test_ejection), cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_admin),  cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
