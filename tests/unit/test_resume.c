// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_resume.c - windows of ended connections: found by prefix, for their lifetime, within the limit
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "resume.h"

#define HOUR_US 3600000000ULL

static union addr addr_of(const char *text)
{
	union addr addr;

	assert_int_equal(addr_parse(text, false, &addr), 0);
	return addr;
}

static bool save(struct resume *r, const char *text, uint32_t cwnd, uint64_t now_us)
{
	union addr addr = addr_of(text);

	return resume_save(r, &addr, cwnd, 20000, now_us);
}

/* 0: none. */
static uint32_t cwnd_of(const struct resume *r, const char *text, uint64_t now_us)
{
	union addr addr = addr_of(text);
	const struct resume_entry *e = resume_find(r, &addr, now_us);

	return e ? e->cwnd_pkts : 0;
}

static void test_prefix(void **state)
{
	union addr addr = addr_of("192.0.2.200:9");
	struct resume r;

	assert_int_equal(resume_init(&r, 100, HOUR_US), 0);
	assert_int_equal(cwnd_of(&r, "192.0.2.1:1", 0), 0);
	assert_true(save(&r, "192.0.2.1:1", 400, 5));
	assert_int_equal(cwnd_of(&r, "192.0.2.77:2", 6), 400);
	assert_int_equal(cwnd_of(&r, "192.0.3.1:1", 6), 0);
	assert_true(save(&r, "[2001:db8:1::1]:1", 500, 5));
	assert_int_equal(cwnd_of(&r, "[2001:db8:1:ffff::2]:1", 6), 500);
	assert_int_equal(cwnd_of(&r, "[2001:db8:2::1]:1", 6), 0);
	/* the last one counts, and not one that says little */
	assert_true(save(&r, "192.0.2.9:1", 50, 7));
	assert_false(save(&r, "192.0.2.9:1", RESUME_CWND_MIN_PKTS - 1, 8));
	assert_false(resume_save(&r, &addr, 1000, 0, 8));
	assert_int_equal(cwnd_of(&r, "192.0.2.1:1", 9), 50);
	assert_int_equal(r.n_entries, 2);
	resume_forget(&r, &addr);
	resume_forget(&r, &addr);
	assert_int_equal(cwnd_of(&r, "192.0.2.1:1", 9), 0);
	assert_int_equal(r.n_entries, 1);
	resume_exit(&r);
}

static void test_lifetime(void **state)
{
	struct resume r;

	assert_int_equal(resume_init(&r, 8, HOUR_US), 0);
	assert_true(save(&r, "192.0.2.1:1", 400, 1000));
	assert_int_equal(cwnd_of(&r, "192.0.2.1:1", 999 + HOUR_US), 400);
	assert_int_equal(cwnd_of(&r, "192.0.2.1:1", 1000 + HOUR_US), 0);
	assert_true(save(&r, "192.0.2.1:1", 300, 1001 + HOUR_US));
	assert_int_equal(cwnd_of(&r, "192.0.2.1:1", 1002 + HOUR_US), 300);
	resume_exit(&r);
}

static void test_full(void **state)
{
	struct resume r;
	char text[32];
	unsigned int i, n = 0;

	assert_int_equal(resume_init(&r, RESUME_WAYS, HOUR_US), 0);
	for (i = 0; i < RESUME_WAYS; i++) {
		snprintf(text, sizeof(text), "10.0.%u.1:1", i);
		assert_true(save(&r, text, 100 + i, 10 + i));
	}
	assert_int_equal(r.replaced_total, 0);
	assert_true(save(&r, "10.1.0.1:1", 900, 100));
	assert_int_equal(r.replaced_total, 1);
	assert_int_equal(cwnd_of(&r, "10.0.0.1:1", 101), 0); /* saved longest ago */
	assert_int_equal(cwnd_of(&r, "10.0.1.1:1", 101), 101);
	assert_int_equal(cwnd_of(&r, "10.1.0.1:1", 101), 900);
	/* one whose lifetime is over is no loss */
	assert_true(save(&r, "10.2.0.1:1", 900, 20 + HOUR_US));
	assert_int_equal(r.replaced_total, 1);
	assert_int_equal(r.n_entries, RESUME_WAYS);
	resume_exit(&r);

	assert_int_equal(resume_init(&r, 256, HOUR_US), 0);
	for (i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1:1", i / 256, i % 256);
		save(&r, text, 100, 10 + i);
	}
	for (i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1:1", i / 256, i % 256);
		n += cwnd_of(&r, text, 20000) > 0;
	}
	assert_int_equal(r.n_entries, 256);
	assert_int_equal(n, 256);
	assert_int_equal(r.replaced_total, 10000 - 256);
	resume_exit(&r);

	assert_int_equal(resume_init(&r, 0, HOUR_US), 0);
	assert_false(save(&r, "10.0.0.1:1", 100, 1));
	assert_int_equal(cwnd_of(&r, "10.0.0.1:1", 1), 0);
	resume_exit(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
