// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_wire_spec.c - wire specifications: what is accepted, and that each mistake is told with what
 * would be right
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spec.h"

static void test_good(void **state)
{
	static const char *const good[] = {
		"packet:if=eth0",
		"packet:if=eth0,rx=32,tx=65536,big=2M,off=csum+tso+uso",
		"packet:off=tx,if=a",
		"tap:if=t0,queues=64,up,vnet=no,mac=02:00:00:00:00:01",
		"pair:path=/p,listen,ring=1M,off=tx",
		"socket:path=/s,wait=yes,mtu=65520",
		"xdp:if=e,mode=generic,copy=copy",
		"pcap:file=x,snaplen=100,on=tap:if=t0,up,mtu=9000",
	};
	char err[512];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		err[0] = '\0';
		if (wire_spec_check(good[i], err, sizeof(err)))
			fail_msg("%s: %s", good[i], err);
	}
}

static void test_bad(void **state)
{
	/* Specification, and a part of the sentence that must be told. */
	static const char *const bad[][2] = {
		{ "", "no such wire; expected TYPE:KEY=VALUE" },
		{ "pocket:if=eth0", "'pocket': no such wire" },
		{ "packet", "option 'if' is missing: host interface" },
		{ "packet:", "option 'if' is missing" },
		{ "packet:if", "option 'if' has no value" },
		{ "packet:if=", "option 'if' has no value" },
		{ "packet:=eth0", "unknown option ''; expected if, rx, tx" },
		{ "packet:if=eth0,", "nothing behind the last ','" },
		{ "packet:if=eth0,,rx=64", "unknown option ''" },
		{ "packet:if=eth0,if=eth1", "option 'if' is set twice" },
		{ "packet:if=interface-with-a-long-name", "26 bytes long; expected at most 15" },
		{ "packet:if=eth0,rx=33", "rx='33': not a power of two; expected one from 32 to 65536" },
		{ "packet:if=eth0,rx=16", "rx='16': out of range; expected 32 to 65536" },
		{ "packet:if=eth0,rx=-64", "rx='-64': not a number; expected 32 to 65536" },
		{ "packet:if=eth0,rx=64k", "not a number" },
		{ "packet:if=eth0,big=4G", "not a number of bytes" },
		{ "packet:if=eth0,big=99999999999999999999999", "out of range" },
		{ "packet:if=eth0,off=tsx", "unknown feature 'tsx'; expected some of csum, tso4" },
		{ "packet:if=eth0,off=csum+", "unknown feature ''" },
		{ "packet:if=e\th0", "control character" },
		{ "packet:cores=2,if=eth0", "unknown option 'cores'; expected if, rx, tx, big, " },
		{ "tap:if=t0,mac=01:00:00:00:00:00", "not a unicast address" },
		{ "tap:if=t0,mac=02:00:00:00:00", "not a MAC address; expected six pairs" },
		{ "tap:if=t0,up=maybe", "expected yes or no" },
		{ "pair:path=/p,ring=300k", "not a power of two" },
		{ "pair:path=/p,off=rxcsum", "unknown feature 'rxcsum'; expected some of csum" },
		{ "socket:listen", "option 'path' is missing" },
		{ "xdp:if=e,mode=fast", "unknown; expected one of auto|native|generic" },
		{ "pcap:on=tap:if=t,file=x", "option 'file' is missing" },
	};
	char err[512];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = '\0';
		assert_int_equal(wire_spec_check(bad[i][0], err, sizeof(err)), -EINVAL);
		if (!strstr(err, bad[i][1]))
			fail_msg("%s: said '%s', not '%s'", bad[i][0], err, bad[i][1]);
	}
}

static void test_long(void **state)
{
	char spec[3000], err[512];

	memset(spec, 'x', sizeof(spec));
	memcpy(spec, "packet:if=", 10);
	spec[sizeof(spec) - 1] = '\0';
	assert_int_equal(wire_spec_check(spec, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "longer than"));
}

/* Tables that the parser relies on: names unique, defaults valid, structs that fit. */
static void test_tables(void **state)
{
	uint64_t conf[WIRE_CONF_MAX / 8];
	char text[16384], err[512] = "";
	const struct wire_type *t;
	unsigned int i, a, b;

	for (i = 0; (t = wire_type_at(i)); i++) {
		assert_true(t->conf_bytes <= sizeof(conf) && t->opts_len <= 64);
		assert_non_null(t->help);
		assert_non_null(t->privileges);
		for (a = 0; a < t->opts_len; a++) {
			assert_non_null(t->opts[a].help);
			for (b = 0; b < a; b++)
				assert_string_not_equal(t->opts[a].name, t->opts[b].name);
		}
		if (wire_spec_parse(t, NULL, conf, err, sizeof(err)) && !strstr(err, "is missing"))
			fail_msg("%s", err);
	}
	assert_true(i >= 1);
	assert_in_range(wire_help(text, sizeof(text)), 1, sizeof(text) - 1);
	assert_non_null(strstr(text, "packet: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
