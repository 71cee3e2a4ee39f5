// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_acl.c - the longest prefix decides: against a search through all rules, at random
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acl.h"

static struct acl_rule rule(const char *text, bool is_deny)
{
	struct acl_rule r = { .is_deny = is_deny };

	assert_int_equal(addr_prefix_parse(text, &r.prefix), 0);
	return r;
}

static void test_longest(void **state)
{
	struct acl_rule rules[] = {
		rule("10.0.0.0/8", false), rule("10.1.0.0/16", true), rule("10.1.2.3", false),
		rule("0.0.0.0/0", true),   rule("2001:db8::/32", false),
	};
	static const struct {
		const char *addr;
		int deny; /* -1: no rule */
	} rows[] = { { "10.2.0.1", 0 },	  { "10.1.2.2", 1 },   { "10.1.2.3", 0 }, { "10.1.2.4", 1 },
		     { "11.0.0.1", 1 },	  { "9.255.255.255", 1 }, { "2001:db8::1", 0 }, { "::1", -1 },
		     { "255.255.255.255", 1 } };
	const struct acl_rule *r;
	union addr addr;
	unsigned int i;

	assert_int_equal(acl_build(rules, 5), -1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].addr);
		assert_int_equal(addr_parse_host(rows[i].addr, &addr), 0);
		r = acl_find(rules, 5, &addr);
		assert_int_equal(r ? r->is_deny : -1, rows[i].deny);
	}
	assert_null(acl_find(rules, 0, &addr));
}

static void test_twice(void **state)
{
	struct acl_rule rules[] = { rule("10.0.0.0/8", false), rule("10.0.0.0/9", false),
				    rule("10.0.0.0/8", true) };

	assert_int_equal(acl_build(rules, 3), 1);
}

#define N_RULES 5000

static void test_random(void **state)
{
	struct acl_rule *rules = calloc(N_RULES, sizeof(*rules));
	const struct acl_rule *found, *best;
	unsigned int n = 0, i, j;
	struct addr_prefix key;
	union addr addr;

	srand(1);
	for (i = 0; i < N_RULES; i++) {
		struct acl_rule *r = &rules[n];
		unsigned int bit;

		/* few leading bits vary, so that they nest */
		r->prefix.family = 4;
		r->prefix.len = rand() % 33;
		for (bit = 0; bit < r->prefix.len; bit++)
			if (rand() % 4 == 0)
				r->prefix.bytes[bit / 8] |= 0x80 >> bit % 8;
		r->is_deny = rand() % 2;
		for (j = 0; j < n; j++)
			if (!memcmp(&rules[j].prefix, &r->prefix, sizeof(r->prefix)))
				break;
		if (j == n)
			n++;
		else
			memset(r, 0, sizeof(*r));
	}
	assert_int_equal(acl_build(rules, n), -1);
	for (i = 0; i < 20000; i++) {
		memset(&addr, 0, sizeof(addr));
		addr.in.sin_family = AF_INET;
		addr.in.sin_addr.s_addr = (uint32_t)rand() & rand() & 0xffffff7f;
		addr_to_prefix(&addr, &key);
		best = NULL;
		for (j = 0; j < n; j++)
			if (addr_prefix_contains(&rules[j].prefix, &key) &&
			    (!best || rules[j].prefix.len > best->prefix.len))
				best = &rules[j];
		found = acl_find(rules, n, &addr);
		assert_ptr_equal(found, best);
	}
	free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("acl", tests, NULL, NULL);
}
