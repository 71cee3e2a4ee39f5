// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_admin.c - commands of accdctl(1): good ones, and what bad ones are answered
 *
 * usage: test_admin [ACCDCTL_1]: the manual page names the commands that there are
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin_parse.h"
#include "watch.h"

static const char *man_path;
static struct admin_command cmd;
static char err[512];

static int parse(const char *line)
{
	err[0] = '\0';
	return admin_parse(line, strlen(line), &cmd, err, sizeof(err));
}

static void test_good(void **state)
{
	assert_int_equal(parse("show info"), 0);
	assert_int_equal(cmd.op, ADMIN_SHOW_INFO);
	assert_int_equal(parse("  show   stat "), 0);
	assert_int_equal(cmd.op, ADMIN_SHOW_STAT);
	assert_int_equal(parse("drain"), 0);
	assert_int_equal(cmd.op, ADMIN_DRAIN);
	assert_int_equal(parse("drain server web/s1"), 0);
	assert_int_equal(cmd.op, ADMIN_DRAIN_SERVER);
	assert_string_equal(cmd.pool, "web");
	assert_string_equal(cmd.server, "s1");
	assert_int_equal(parse("set weight web/s1 256"), 0);
	assert_int_equal(cmd.weight, 256);
	assert_int_equal(parse("set session 3-8-1 congestion-control acc_bbr"), 0);
	assert_int_equal(cmd.slot, 8);
	assert_string_equal(cmd.congestion_control, "acc_bbr");
	assert_int_equal(cmd.n_params, 0);
	assert_int_equal(parse("set session 3-8-1 congestion-control acc_bbr loss_permille=50 x=0"), 0);
	assert_int_equal(cmd.n_params, 2);
	assert_string_equal(cmd.params[0].key, "loss_permille");
	assert_int_equal(cmd.params[0].value, 50);
	assert_int_equal(parse("kill session 3-4294967295-17"), 0);
	assert_int_equal(cmd.worker, 3);
	assert_int_equal(cmd.slot, UINT32_MAX);
	assert_int_equal(cmd.gen, 17);
	assert_int_equal(parse("show sessions"), 0);
	assert_int_equal(cmd.limit, ADMIN_LIMIT_DEFAULT);
	assert_int_equal(parse("show sessions listener=a pool=b server=c client=2001:DB8::0:1 state=relaying idle=5m limit=7"),
			 0);
	assert_string_equal(cmd.filter.listener, "a");
	assert_string_equal(cmd.filter.pool, "b");
	assert_string_equal(cmd.filter.server, "c");
	assert_string_equal(cmd.filter.client, "2001:db8::1");
	assert_int_equal(cmd.filter.state, ADMIN_STATE_RELAYING);
	assert_int_equal(cmd.filter.idle_us, 300000000);
	assert_int_equal(cmd.limit, 7);
	assert_int_equal(parse("cc list"), 0);
	assert_int_equal(cmd.op, ADMIN_CC_LIST);
	assert_int_equal(parse("cc load /lib/x.ko"), 0);
	assert_int_equal(cmd.op, ADMIN_CC_LOAD);
	assert_string_equal(cmd.path, "/lib/x.ko");
	assert_int_equal(parse("show servers web"), 0);
	assert_string_equal(cmd.pool, "web");
}

/* Each is refused, with a sentence that names what is wrong and what would be right. */
static void test_bad(void **state)
{
	static const char *const bad[][3] = {
		{ "", "no command", "expected one of show info" },
		{ "shw info", "\"shw\": unknown", "show info" },
		{ "show", "\"show\": incomplete", "show sessions" },
		{ "show infos", "\"infos\": unknown", "show info, show stat" },
		{ "show info x", "\"x\": unexpected", "takes nothing more" },
		{ "drain server", "no server", "POOL/SERVER" },
		{ "drain server web", "\"web\": not a server", "expected POOL/SERVER" },
		{ "drain server web/", "not a server", "POOL/SERVER" },
		{ "drain server /s", "not a server", "POOL/SERVER" },
		{ "drain server a/b/c", "not a server", "POOL/SERVER" },
		{ "drain server a/b c", "too many words", "POOL/SERVER" },
		{ "drain server a/0123456789012345678901234567890123456789", "not the name of a server", "31" },
		{ "drain servers a/b", "\"servers\": unexpected", "nothing more" },
		{ "set weight a/b", "expected a server and its weight", "set weight POOL/SERVER N" },
		{ "set weight a/b 257", "weight \"257\"", "0 to 256" },
		{ "set weight a/b -1", "weight \"-1\"", "0 to 256" },
		{ "set weight a/b 1x", "weight \"1x\"", "0 to 256" },
		{ "set weight a/b 99999999999999999999", "weight", "0 to 256" },
		{ "set session 1-2-3", "expected a session", "congestion-control" },
		{ "set session 1-2-3 color red", "expected a session", "congestion-control" },
		{ "set session 1-2 congestion-control reno", "\"1-2\": not the id", "0-17-3" },
		{ "set session 1-2-3 congestion-control 0123456789abcdef", "congestion control", "at most 15" },
		{ "set session 1-2-3 congestion-control reno x", "\"x\": expected a parameter", "KEY=VALUE" },
		{ "set session 1-2-3 congestion-control reno =1", "expected a parameter", "KEY=VALUE" },
		{ "set session 1-2-3 congestion-control reno x=y", "x \"y\"", "number" },
		{ "set session 1-2-3 congestion-control reno a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1", "more than 8", "" },
		{ "cc", "\"cc\": incomplete", "cc list, cc load" },
		{ "cc list all", "\"all\": unexpected", "nothing more" },
		{ "cc load", "expected one file", "cc load FILE" },
		{ "cc load x.ko", "expected one file", "whole path" },
		{ "cc load /a b.ko", "expected one file", "without blanks" },
		{ "kill session", "not the id of a session", "0-17-3" },
		{ "kill session 1-2", "\"1-2\": not the id", "0-17-3" },
		{ "kill session 1-2-3-4", "not the id", "0-17-3" },
		{ "kill session 1-2-4294967296", "not the id", "0-17-3" },
		{ "kill session -1-2-3", "not the id", "0-17-3" },
		{ "show sessions all", "\"all\": not a filter", "limit=" },
		{ "show sessions color=red", "\"color=\": unknown filter", "listener=" },
		{ "show sessions client=10.0.0", "client \"10.0.0\"", "IPv4 or IPv6" },
		{ "show sessions state=dead", "state \"dead\"", "connecting or relaying" },
		{ "show sessions idle=5", "idle \"5\"", "unit" },
		{ "show sessions limit=", "limit \"\"", "number" },
		{ "show sessions limit=1 2", "\"2\": not a filter", "show sessions [listener=NAME]" },
		{ "show\tinfo", "byte 0x09 at 5", "printable" },
		{ "show info\x80", "byte 0x80", "printable" },
		{ "a b c d e f g h i j k l m n o p q", "more than 16 words", "" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!parse(bad[i][0]))
			fail_msg("accepted: %s", bad[i][0]);
		if (!strstr(err, bad[i][1]) || !strstr(err, bad[i][2]))
			fail_msg("\"%s\": answer lacks \"%s\" or \"%s\": %s", bad[i][0], bad[i][1], bad[i][2], err);
	}
}

static void test_long_and_nul(void **state)
{
	char line[2 * ADMIN_LINE_BYTES];

	memset(line, 'a', sizeof(line));
	assert_true(admin_parse(line, sizeof(line), &cmd, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "longer than 511 bytes"));
	assert_true(admin_parse(line, ADMIN_LINE_BYTES - 1, &cmd, err, sizeof(err)) < 0);
	assert_true(admin_parse("show\0info", 9, &cmd, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "byte 0x00 at 5"));
}

static enum watch_path path_of(const char *req)
{
	bool is_head;

	return watch_parse_request(req, strlen(req), &is_head);
}

static void test_watch_request(void **state)
{
	bool is_head;

	assert_int_equal(path_of("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), WATCH_METRICS);
	assert_int_equal(path_of("GET /healthz HTTP/1.0\r\n\r\n"), WATCH_HEALTHZ);
	assert_int_equal(path_of("GET /readyz HTTP/1.1\r\n\r\n"), WATCH_READYZ);
	assert_int_equal(watch_parse_request("HEAD /metrics HTTP/1.1\r\n\r\n", 26, &is_head), WATCH_METRICS);
	assert_true(is_head);
	assert_int_equal(path_of("GET / HTTP/1.1\r\n\r\n"), WATCH_NOT_FOUND);
	assert_int_equal(path_of("GET /metricsx HTTP/1.1\r\n\r\n"), WATCH_NOT_FOUND);
	assert_int_equal(path_of("POST /metrics HTTP/1.1\r\n\r\n"), WATCH_NOT_ALLOWED);
	assert_int_equal(path_of("GET /metrics\r\n\r\n"), WATCH_BAD);
	assert_int_equal(path_of("GET /metrics HTTP/2.0\r\n\r\n"), WATCH_BAD);
	assert_int_equal(path_of("GET  HTTP/1.1\r\n"), WATCH_BAD);
	assert_int_equal(path_of("\r\n\r\n"), WATCH_BAD);
	assert_int_equal(path_of("GET"), WATCH_BAD);
	assert_int_equal(path_of(""), WATCH_BAD);
}

static bool is_allowed(const struct watch_prefixes *p, const char *client)
{
	union addr addr;

	assert_int_equal(addr_parse(client, false, &addr), 0);
	return watch_is_allowed(p, &addr);
}

static void test_watch_prefixes(void **state)
{
	static const char *const bad[] = { "", " ", "10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/", "10.0.0.0/8x",
					   "10.0.0.0/-1", "::/129", "none 10.0.0.0/8" };
	struct watch_prefixes p;
	unsigned int i;

	assert_int_equal(watch_parse_prefixes("none", &p), 0);
	assert_false(is_allowed(&p, "10.0.0.1:80"));
	assert_int_equal(watch_parse_prefixes("10.0.0.0/9, 192.0.2.7 2001:db8::/33", &p), 0);
	assert_int_equal(p.n, 3);
	assert_true(is_allowed(&p, "10.127.255.255:80"));
	assert_false(is_allowed(&p, "10.128.0.0:80"));
	assert_true(is_allowed(&p, "192.0.2.7:1"));
	assert_false(is_allowed(&p, "192.0.2.6:1"));
	assert_int_equal(watch_parse_prefixes("0.0.0.0/0", &p), 0);
	assert_true(is_allowed(&p, "203.0.113.1:9"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!watch_parse_prefixes(bad[i], &p))
			fail_msg("accepted: \"%s\"", bad[i]);
}

/* ".\" command show info" above each entry of the page. */
static void test_documented(void **state)
{
	bool seen[ADMIN__COUNT] = { false };
	const char *usage, *help;
	char line[512];
	unsigned int i;
	FILE *file;

	if (!man_path)
		skip();
	file = fopen(man_path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, ".\\\" command ", 12))
			continue;
		line[strcspn(line, "\n")] = '\0';
		for (i = 0; (usage = admin_usage(i, &help)); i++)
			if (!strcmp(usage, line + 12))
				break;
		if (!usage)
			fail_msg("in the page, but no command: %s", line + 12);
		seen[i] = true;
	}
	fclose(file);
	for (i = 0; (usage = admin_usage(i, &help)); i++)
		if (!seen[i])
			fail_msg("not in the page: %s", usage);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long_and_nul),
		cmocka_unit_test(test_watch_request),
		cmocka_unit_test(test_watch_prefixes),
		cmocka_unit_test(test_documented),
	};

	man_path = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
