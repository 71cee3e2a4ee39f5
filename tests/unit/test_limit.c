// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_limit.c - token buckets keep their rate, sources are counted and forgotten
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "limit.h"

static void test_rate(void **state)
{
	struct limit_rate r = { 0 };
	uint64_t now_us = 1000, wait_us;
	unsigned int i, n = 0;

	for (i = 0; i < 20; i++) /* a burst of 5 at once */
		n += !limit_rate_take(&r, 10, 5, now_us);
	assert_int_equal(n, 5);
	wait_us = limit_rate_take(&r, 10, 5, now_us);
	assert_in_range(wait_us, 99000, 100001);
	assert_int_equal(limit_rate_take(&r, 10, 5, now_us + wait_us), 0);
	now_us += wait_us;
	for (n = 0, i = 0; i < 10000; i++, now_us += 1000) /* 10 s at a try per millisecond */
		n += !limit_rate_take(&r, 10, 5, now_us);
	assert_in_range(n, 99, 101);
	now_us += 3600000000ULL; /* long silence fills no more than the burst */
	for (n = 0, i = 0; i < 20; i++)
		n += !limit_rate_take(&r, 10, 5, now_us);
	assert_int_equal(n, 5);
	limit_rate_give(&r);
	assert_int_equal(limit_rate_take(&r, 10, 5, now_us), 0);
	/* the largest values, after the longest time */
	memset(&r, 0, sizeof(r));
	assert_int_equal(limit_rate_take(&r, 1000000, 1000000, 1), 0);
	assert_int_equal(limit_rate_take(&r, 1000000, 1000000, UINT64_MAX / 2), 0);
}

static void test_sources(void **state)
{
	struct limit_sources *ls = limit_sources_new(1000);
	union addr a, b, v6a, v6b;
	uint32_t h[1000];
	unsigned int i;

	assert_non_null(ls);
	addr_parse("192.0.2.1:1", false, &a);
	addr_parse("192.0.2.1:2", false, &b); /* the port does not matter */
	addr_parse("[2001:db8:1:2::1]:1", false, &v6a);
	addr_parse("[2001:db8:1:2:3::]:1", false, &v6b); /* the same /64 */
	h[0] = limit_sources_get(ls, &a, 1, 2);
	h[1] = limit_sources_get(ls, &b, 1, 2);
	assert_true(h[0] && h[0] == h[1]);
	assert_int_equal(limit_sources_get(ls, &a, 1, 2), 0);
	h[2] = limit_sources_get(ls, &a, 2, 2); /* another listener */
	assert_true(h[2]);
	h[3] = limit_sources_get(ls, &v6a, 1, 1);
	assert_true(h[3]);
	assert_int_equal(limit_sources_get(ls, &v6b, 1, 1), 0);
	assert_int_equal(limit_sources_count(ls), 3);
	limit_sources_put(ls, h[0]);
	assert_true(limit_sources_get(ls, &a, 1, 2));
	limit_sources_put(ls, h[0]);
	limit_sources_put(ls, h[0]);
	limit_sources_put(ls, h[2]);
	limit_sources_put(ls, h[3]);
	assert_int_equal(limit_sources_count(ls), 0);

	/* as many sources as sessions, several times over: nothing leaks, nothing is refused */
	for (unsigned int round = 0; round < 3; round++) {
		for (i = 0; i < 1000; i++) {
			a.in.sin_addr.s_addr = i * 7919 + round;
			h[i] = limit_sources_get(ls, &a, 1, 1);
			assert_true(h[i]);
		}
		assert_int_equal(limit_sources_count(ls), 1000);
		for (i = 0; i < 1000; i++)
			limit_sources_put(ls, h[(i * 389) % 1000]);
		assert_int_equal(limit_sources_count(ls), 0);
	}
	limit_sources_free(ls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
