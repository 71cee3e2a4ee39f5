// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_addr.c - addresses and prefixes: what is read is what was written, and nothing else is read
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text, *want; /* want NULL: refused */
		int last;
	} rows[] = {
		{ "192.0.2.1:80", "192.0.2.1:80", 80 },
		{ "*:8000-8010", "0.0.0.0:8000", 8010 },
		{ "[::]:80", "[::]:80", 80 },
		{ "[2001:db8::1]:1-65535", "[2001:db8::1]:1", 65535 },
		{ "*:80-80", "0.0.0.0:80", 80 },
		{ "*:81-80", NULL, 0 },
		{ "*:80-", NULL, 0 },
		{ "*:-80", NULL, 0 },
		{ "*:80-90-100", NULL, 0 },
		{ "*:080", NULL, 0 },
		{ "*:80-090", NULL, 0 },
		{ "*:65536", NULL, 0 },
		{ "*:1-65536", NULL, 0 },
		{ "[*]:80", NULL, 0 },
		{ "[192.0.2.1]:80", NULL, 0 },
		{ "2001:db8::1:80", NULL, 0 },
		{ "[2001:db8::1:80", NULL, 0 },
		{ "2001:db8::1]:80", NULL, 0 },
		{ "[fe80::1%eth0]:80", NULL, 0 },
		{ "]:80", NULL, 0 },
		{ "[:80", NULL, 0 },
		{ "[]:80", NULL, 0 },
		{ ":80", NULL, 0 },
		{ "", NULL, 0 },
	};
	char buf[ADDR_TEXT_BYTES];
	union addr addr;
	uint16_t last;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = addr_parse_range(rows[i].text, true, &addr, &last);

		print_message("%s\n", rows[i].text);
		assert_int_equal(r, rows[i].want ? 0 : -EINVAL);
		if (r)
			continue;
		assert_string_equal(addr_format(&addr, buf, sizeof(buf)), rows[i].want);
		assert_int_equal(last, rows[i].last);
	}
	assert_int_equal(addr_parse("*:80-81", true, &addr), -EINVAL);
	assert_int_equal(addr_parse("[::]:80", false, &addr), -EINVAL);
}

static void test_compare(void **state)
{
	union addr a, b;

	addr_parse("[::ffff:192.0.2.1]:80", false, &a);
	addr_parse("192.0.2.1:80", false, &b);
	assert_false(addr_equal(&a, &b));
	addr_unmap(&a);
	assert_true(addr_equal(&a, &b));
	addr_parse("*:80", true, &a);
	assert_true(addr_overlap(&a, &b));
	addr_parse("[::]:80", true, &a);
	assert_false(addr_overlap(&a, &b));
	addr_parse("[::1]:80", true, &b);
	assert_true(addr_overlap(&a, &b));
	addr_parse("[::1]:81", true, &b);
	assert_false(addr_overlap(&a, &b));
}

static void test_prefix(void **state)
{
	static const struct {
		const char *text, *want;
		int ret;
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0/8", 0 },
		{ "10.1.2.3", "10.1.2.3/32", 0 },
		{ "0.0.0.0/0", "0.0.0.0/0", 0 },
		{ "::/0", "::/0", 0 },
		{ "2001:db8::/33", "2001:db8::/33", 0 },
		{ "10.0.0.1/8", "10.0.0.0/8", -EDOM },
		{ "2001:db8:8000::/32", "2001:db8::/32", -EDOM },
		{ "10.0.0.0/33", NULL, -EINVAL },
		{ "10.0.0.0/", NULL, -EINVAL },
		{ "10.0.0.0/08", NULL, -EINVAL },
		{ "10.0.0.0/-1", NULL, -EINVAL },
		{ "10.0.0/8", NULL, -EINVAL },
		{ "::/129", NULL, -EINVAL },
		{ "all", NULL, -EINVAL },
		{ "", NULL, -EINVAL },
	};
	char buf[ADDR_PREFIX_TEXT_BYTES];
	struct addr_prefix p, q;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].text);
		assert_int_equal(addr_prefix_parse(rows[i].text, &p), rows[i].ret);
		if (rows[i].want)
			assert_string_equal(addr_prefix_format(&p, buf, sizeof(buf)), rows[i].want);
	}
	addr_prefix_parse("10.128.0.0/9", &p);
	addr_prefix_parse("10.128.0.1", &q);
	assert_true(addr_prefix_contains(&p, &q));
	addr_prefix_parse("10.127.0.1", &q);
	assert_false(addr_prefix_contains(&p, &q));
	addr_prefix_parse("::/0", &p);
	assert_false(addr_prefix_contains(&p, &q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
