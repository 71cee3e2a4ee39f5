// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_balance.c - each rule's distribution, and what a member that comes or goes changes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance.h"
#include "conf.h"

static struct balance b;
static unsigned int hits[BALANCE_MEMBERS_MAX];

static void setup(int rule, unsigned int n, const unsigned int *weights)
{
	unsigned int i;

	balance_exit(&b);
	assert_int_equal(balance_init(&b, rule, 42), 0);
	b.n = n;
	for (i = 0; i < n; i++) {
		b.members[i].weight = (weights ? weights[i] : 1) * BALANCE_WEIGHT_ONE;
		b.members[i].identity = balance_hash(&i, sizeof(i));
	}
	balance_rebuild(&b);
	memset(hits, 0, sizeof(hits));
}

/* `n` picks; is_kept: what is picked stays loaded. */
static void picks(unsigned int n, bool is_kept)
{
	unsigned int i;
	int at;

	for (i = 0; i < n; i++) {
		at = balance_pick(&b, balance_hash(&i, sizeof(i)));
		assert_in_range(at, 0, b.n - 1);
		assert_true(b.members[at].weight && !b.members[at].is_out);
		hits[at]++;
		if (is_kept)
			b.members[at].load++;
	}
}

static void expect_share(unsigned int i, unsigned int want, unsigned int tolerance)
{
	if (hits[i] + tolerance < want || hits[i] > want + tolerance)
		fail_msg("member %u has %u of wanted %u +- %u", i, hits[i], want, tolerance);
}

static void test_round_robin(void **state)
{
	static const unsigned int weights[] = { 5, 1, 1, 0 };
	char got[8] = "";
	unsigned int i;

	setup(CONF_BALANCE_ROUND_ROBIN, 3, NULL);
	for (i = 0; i < 12; i++)
		assert_int_equal(balance_pick(&b, 0), i % 3);
	/* weighted: exact over a round, and mixed: not five in a row */
	setup(CONF_BALANCE_ROUND_ROBIN, 4, weights);
	for (i = 0; i < 7; i++)
		got[i] = '0' + balance_pick(&b, 0);
	assert_string_equal(got, "0010200");
	picks(700, false);
	expect_share(0, 500, 0);
	expect_share(1, 100, 0);
	expect_share(2, 100, 0);
	expect_share(3, 0, 0);
	/* one is out: its share goes to the others in proportion */
	memset(hits, 0, sizeof(hits));
	b.members[0].is_out = true;
	picks(100, false);
	expect_share(1, 50, 0);
	expect_share(2, 50, 0);
}

static void test_least_conn(void **state)
{
	static const unsigned int weights[] = { 1, 2, 1, 4 };
	unsigned int i;

	/* equal ones take turns even without load */
	setup(CONF_BALANCE_LEAST_CONN, 3, NULL);
	picks(30, false);
	for (i = 0; i < 3; i++)
		expect_share(i, 10, 0);
	setup(CONF_BALANCE_LEAST_CONN, 4, weights);
	picks(800, true);
	expect_share(0, 100, 1);
	expect_share(1, 200, 1);
	expect_share(2, 100, 1);
	expect_share(3, 400, 1);
	/* the one that lost its load gets all until it has caught up */
	memset(hits, 0, sizeof(hits));
	b.members[2].load = 0;
	picks(90, true);
	expect_share(2, 90, 0);
}

static void test_random(void **state)
{
	static const unsigned int weights[] = { 1, 3 };
	static const unsigned int wide[] = { 1, 1, 2, 4, 0 };
	unsigned int i, lo = UINT32_MAX, hi = 0;

	setup(CONF_BALANCE_RANDOM, 2, weights);
	picks(40000, false);
	expect_share(0, 10000, 500);
	setup(CONF_BALANCE_RANDOM, 5, wide);
	picks(8000, true);
	expect_share(0, 1000, 100);
	expect_share(1, 1000, 100);
	expect_share(2, 2000, 150);
	expect_share(3, 4000, 250);
	expect_share(4, 0, 0);
	/* two choices keep loads together: one choice would spread 10000 +- 300 */
	setup(CONF_BALANCE_RANDOM, 10, NULL);
	picks(100000, true);
	for (i = 0; i < 10; i++) {
		lo = hits[i] < lo ? hits[i] : lo;
		hi = hits[i] > hi ? hits[i] : hi;
	}
	assert_in_range(hi - lo, 0, 20);
	/* one alone */
	setup(CONF_BALANCE_RANDOM, 1, NULL);
	picks(10, true);
}

static void test_hash_shares(void **state)
{
	static const unsigned int weights[] = { 1, 2, 4, 0, 1 };
	unsigned int slots[BALANCE_MEMBERS_MAX] = { 0 };
	unsigned int i;

	setup(CONF_BALANCE_HASH, 5, weights);
	for (i = 0; i < BALANCE_TABLE_LEN; i++)
		slots[b.table[i]]++;
	assert_in_range(slots[0], BALANCE_TABLE_LEN / 8 - 2, BALANCE_TABLE_LEN / 8 + 2);
	assert_in_range(slots[1], BALANCE_TABLE_LEN / 4 - 2, BALANCE_TABLE_LEN / 4 + 2);
	assert_in_range(slots[2], BALANCE_TABLE_LEN / 2 - 2, BALANCE_TABLE_LEN / 2 + 2);
	assert_int_equal(slots[3], 0);
	picks(80000, false);
	expect_share(0, 10000, 500);
	expect_share(1, 20000, 700);
	expect_share(2, 40000, 900);
	expect_share(4, 10000, 500);
	/* 256 members: every one has a share near 1/256 */
	setup(CONF_BALANCE_HASH, BALANCE_MEMBERS_MAX, NULL);
	memset(slots, 0, sizeof(slots));
	for (i = 0; i < BALANCE_TABLE_LEN; i++)
		slots[b.table[i]]++;
	for (i = 0; i < BALANCE_MEMBERS_MAX; i++)
		assert_in_range(slots[i], BALANCE_TABLE_LEN / BALANCE_MEMBERS_MAX,
				BALANCE_TABLE_LEN / BALANCE_MEMBERS_MAX + 1);
}

/* One of ten goes: its keys move, and few of the others'. It comes back: all is as it was. */
static void test_hash_disruption(void **state)
{
	enum { N_KEYS = 20000 };
	static uint8_t before[N_KEYS];
	unsigned int i, moved = 0, lost = 0;

	setup(CONF_BALANCE_HASH, 10, NULL);
	for (i = 0; i < N_KEYS; i++)
		before[i] = balance_pick(&b, balance_hash(&i, sizeof(i)));
	b.members[3].weight = 0;
	balance_rebuild(&b);
	for (i = 0; i < N_KEYS; i++) {
		int at = balance_pick(&b, balance_hash(&i, sizeof(i)));

		assert_int_not_equal(at, 3);
		if (before[i] == 3)
			lost++;
		else if (at != before[i])
			moved++;
	}
	printf("of %d keys %u lost their member, %u others moved\n", N_KEYS, lost, moved);
	assert_in_range(lost, N_KEYS / 10 - 300, N_KEYS / 10 + 300);
	assert_in_range(moved, 0, N_KEYS / 20); /* a plain modulo would move nine tenths */
	b.members[3].weight = BALANCE_WEIGHT_ONE;
	balance_rebuild(&b);
	for (i = 0; i < N_KEYS; i++)
		assert_int_equal(balance_pick(&b, balance_hash(&i, sizeof(i))), before[i]);
	/* out, but still in the table (full, or tried): nobody else's keys move */
	b.members[3].is_out = true;
	for (i = 0; i < N_KEYS; i++) {
		int at = balance_pick(&b, balance_hash(&i, sizeof(i)));

		if (before[i] != 3)
			assert_int_equal(at, before[i]);
		else
			assert_int_not_equal(at, 3);
	}
}

static void test_nobody(void **state)
{
	static const unsigned int none[] = { 0, 0 };
	int rule;

	for (rule = CONF_BALANCE_ROUND_ROBIN; rule <= CONF_BALANCE_HASH; rule++) {
		setup(rule, 0, NULL);
		assert_int_equal(balance_pick(&b, 7), -1);
		setup(rule, 2, none);
		assert_int_equal(balance_pick(&b, 7), -1);
		setup(rule, 2, NULL);
		b.members[0].is_out = b.members[1].is_out = true;
		assert_int_equal(balance_pick(&b, 7), -1);
		b.members[1].is_out = false;
		assert_int_equal(balance_pick(&b, 7), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_robin), cmocka_unit_test(test_least_conn),
		cmocka_unit_test(test_random),	    cmocka_unit_test(test_hash_shares),
		cmocka_unit_test(test_hash_disruption), cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
