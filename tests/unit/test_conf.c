// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_conf.c - a configuration is read as it says, and no text makes the parser crash
 *
 * What is refused, and with which words, is tests/unit/conf-bad/.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc.h"
#include "conf.h"

static const char good[] =
	"stack = lkl;   # or host\n"
	"log { access = \"/var/log/a;b\"; }\n"
	"worker { memory = 512M; spin = 50us; drain_timeout = 30s; max_sessions = 20000; }\n"
	"wire { type = packet; interface = eth0; mode = own; }\n"
	"listener web { bind = \"10.77.0.2:80\"; pool = origin; idle_timeout = 5m; backlog = 1024; }\n"
	"listener \"second\"\n{\n\tbind: *:81\n\tpool: other\n}\n"
	"pool origin { connect_timeout = 1500ms; server s1 { address = \"10.77.1.2:80\"; } server s2 { address = "
	"10.77.1.3:8080 } }\n"
	"pool other { server s1 { address 10.0.0.1:1; } };\n";

static int lines_said;

static void count_line(void *ctx, const char *line)
{
	lines_said++;
	assert_true(!strncmp(line, "accd: ", 6));
	if (ctx)
		print_message("%s\n", line);
}

static void test_good(void **state)
{
	int mistakes;
	struct conf *conf = conf_load_text(good, strlen(good), "good", -1,
					   count_line, "", &mistakes);
	char text[ADDR_TEXT_BYTES];

	assert_non_null(conf);
	assert_int_equal(mistakes, 0);
	assert_int_equal(conf->stack, CONF_STACK_LKL);
	assert_string_equal(conf->log.access, "/var/log/a;b");
	assert_int_equal(conf->worker.memory_bytes, 512 << 20);
	assert_int_equal(conf->worker.spin_us, 50);
	assert_int_equal(conf->worker.drain_timeout_ms, 30000);
	assert_int_equal(conf->worker.max_sessions, 20000);
	assert_string_equal(conf->wire.interface, "eth0");
	assert_int_equal(conf->n_listeners, 2);
	assert_string_equal(conf->listeners[0].name, "web");
	assert_string_equal(addr_format(&conf->listeners[0].bind, text,
					sizeof(text)),
			    "10.77.0.2:80");
	assert_int_equal(conf->listeners[0].idle_timeout_ms, 300000);
	assert_int_equal(conf->listeners[0].backlog, 1024);
	assert_int_equal(conf->listeners[0].pool, 0);
	assert_string_equal(conf->listeners[1].name, "second");
	assert_string_equal(addr_format(&conf->listeners[1].bind, text,
					sizeof(text)),
			    "0.0.0.0:81");
	assert_int_equal(conf->listeners[1].pool, 1);
	assert_int_equal(conf->n_pools, 2);
	assert_int_equal(conf->pools[0].connect_timeout_ms, 1500);
	assert_int_equal(conf->pools[0].n_servers, 2);
	assert_string_equal(conf->pools[0].servers[1].name, "s2");
	assert_string_equal(addr_format(&conf->pools[0].servers[1].target.addr,
					text, sizeof(text)),
			    "10.77.1.3:8080");
	assert_int_equal(conf->pools[1].n_servers, 1);
	conf_free(conf);
}

/* The first two CPUs that the test may use, in the other order; on a machine with one: that one. */
static void test_cpus(void **state)
{
	static const char rest[] = "listener l { bind = *:80; pool = p } pool p { server s { address = 1.2.3.4:5 } }";
	int cpu, n = 0, mistakes, two[2] = { -1, -1 }, absent = CONF_CPUS_MAX - 1;
	struct conf *conf;
	char text[512];
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && n++ < 2)
			two[n - 1] = cpu;
	if (n > 1) {
		snprintf(text, sizeof(text), "workers = auto; cpus = \"%d,%d\"; %s", two[1], two[0], rest);
		conf = conf_load_text(text, strlen(text), "text", CONF_STACK_HOST, count_line, "", &mistakes);
		assert_non_null(conf);
		assert_int_equal(conf->workers, 2);
		assert_int_equal(conf->cpus.n, 2);
		assert_int_equal(conf_worker_cpu(conf, 0), two[1]);
		assert_int_equal(conf_worker_cpu(conf, 1), two[0]);
		assert_int_equal(conf_worker_cpu(conf, 2), two[1]);
		conf_free(conf);
	}
	snprintf(text, sizeof(text), "workers = auto; cpus = all; %s", rest);
	conf = conf_load_text(text, strlen(text), "text", CONF_STACK_HOST, count_line, "", &mistakes);
	assert_non_null(conf);
	assert_int_equal(conf->cpus.n, n);
	assert_int_equal(conf->workers, n < CONF_WORKERS_MAX ? n : CONF_WORKERS_MAX);
	assert_int_equal(conf_worker_cpu(conf, 0), two[0]);
	conf_free(conf);

	snprintf(text, sizeof(text), "workers = auto; %s", rest);
	conf = conf_load_text(text, strlen(text), "text", CONF_STACK_HOST, count_line, "", &mistakes);
	assert_non_null(conf);
	assert_int_equal(conf->workers, n < CONF_WORKERS_MAX ? n : CONF_WORKERS_MAX);
	assert_int_equal(conf_worker_cpu(conf, 0), -1);
	conf_free(conf);

	/* the same for all of them; in place of a list, not beside it */
	snprintf(text, sizeof(text), "workers = 3; worker { cpu = %d } %s", two[0], rest);
	conf = conf_load_text(text, strlen(text), "text", CONF_STACK_HOST, count_line, "", &mistakes);
	assert_non_null(conf);
	assert_int_equal(conf_worker_cpu(conf, 2), two[0]);
	conf_free(conf);
	snprintf(text, sizeof(text), "cpus = %d; worker { cpu = %d } %s", two[0], two[0], rest);
	conf = conf_load_text(text, strlen(text), "text", CONF_STACK_HOST, count_line, "worker.cpu", &mistakes);
	assert_null(conf);
	assert_int_equal(mistakes, 1);

	if (!CPU_ISSET(absent, &set)) {
		snprintf(text, sizeof(text), "cpus = %d; %s", absent, rest);
		conf = conf_load_text(text, strlen(text), "text", CONF_STACK_HOST, count_line, "cpus", &mistakes);
		assert_null(conf);
		assert_int_equal(mistakes, 1);
	}
}

static void test_defaults(void **state)
{
	static const char text[] =
		"listener l { bind = *:80; pool = p } pool p { server s { address = 1.2.3.4:5 } }";
	int mistakes;
	struct conf *conf = conf_load_text(text, strlen(text), "text",
					   CONF_STACK_HOST, count_line, "",
					   &mistakes);

	assert_non_null(conf);
	assert_int_equal(conf->stack, CONF_STACK_HOST);
	assert_string_equal(conf->log.access, "-");
	assert_int_equal(conf->worker.cpu, -1);
	assert_int_equal(conf->worker.max_sessions, 20000);
	assert_false(conf->wire.is_set);
	assert_int_equal(conf->listeners[0].idle_timeout_ms, 300000);
	assert_int_equal(conf->pools[0].connect_timeout_ms, 5000);
	conf_free(conf);
	/* the same text for the other stack lacks a wire */
	assert_null(conf_load_text(text, strlen(text), "text", CONF_STACK_LKL,
				   count_line, NULL, &mistakes));
	assert_int_equal(mistakes, 1);
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t us;
	} rows[] = {
		{ "0", 0, 0 },
		{ "50us", 0, 50 },
		{ "5ms", 0, 5000 },
		{ "5s", 0, 5000000 },
		{ "2m", 0, 120000000 },
		{ "2min", 0, 120000000 },
		{ "1h", 0, 3600000000ULL },
		{ "1d", 0, 86400000000ULL },
		{ "5", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1.5s", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "1ss", -EINVAL, 0 },
		{ "18446744073709551616s", -ERANGE, 0 },
		{ "18446744073709551615s", -ERANGE, 0 },
	};
	unsigned int i;
	uint64_t us;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		us = 0;
		assert_int_equal(conf_parse_time_us(rows[i].text, &us),
				 rows[i].ret);
		assert_int_equal(us, rows[i].us);
	}
}

static void test_sizes(void **state)
{
	uint64_t bytes;

	assert_int_equal(conf_parse_size("512M", &bytes), 0);
	assert_int_equal(bytes, 512 << 20);
	assert_int_equal(conf_parse_size("64k", &bytes), 0);
	assert_int_equal(bytes, 65536);
	assert_int_equal(conf_parse_size("100", &bytes), 0);
	assert_int_equal(bytes, 100);
	assert_int_equal(conf_parse_size("1T", &bytes), -EINVAL);
	assert_int_equal(conf_parse_size("", &bytes), -EINVAL);
	assert_int_equal(conf_parse_size("18446744073709551615G", &bytes),
			 -ERANGE);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = { "",
					   ":",
					   "1.2.3.4",
					   "1.2.3.4:",
					   "1.2.3:80",
					   "1.2.3.4:080",
					   "1.2.3.4:+80",
					   "1.2.3.4: 80",
					   "1.2.3.4:99999999999",
					   "01.2.3.4:80",
					   "a:80",
					   "1.2.3.4:80:80",
					   "**:80" };
	union addr addr;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addr_parse(bad[i], true, &addr), -EINVAL);
	assert_int_equal(addr_parse("*:80", true, &addr), 0);
	assert_int_equal(addr_parse("*:80", false, &addr), -EINVAL);
	assert_int_equal(addr_parse("0.0.0.0:80", false, &addr), -EINVAL);
	assert_int_equal(addr_parse("1.2.3.4:65535", false, &addr), 0);
}

/* Every message is one line, and their number is what conf_load_text() says. */
static void test_many_mistakes(void **state)
{
	static char text[100000];
	int mistakes, i, n = 0;

	for (i = 0; i < 1000; i++)
		n += sprintf(text + n, "k%d = v;\n", i);
	lines_said = 0;
	assert_null(conf_load_text(text, n, "text", CONF_STACK_HOST, count_line,
				   NULL, &mistakes));
	assert_int_equal(mistakes, 1001);
	assert_int_equal(lines_said, CONF_ERRORS_SHOWN + 1);
}

static void test_language(void **state)
{
	static const char text[] =
		"stack host;\n"
		"listener tls {\n"
		"\tbind [ \"*:8000-8002\", \"[::1]:${ACCD_TEST_PORT}\"\n\"[::1]:444\" ];\n"
		"\tserver [192.0.2.1:80 192.0.2.2:80];\n"
		"\tidle_timeout ${ACCD_TEST_NONE:-7s};\n"
		"\tallow 10.0.0.0/8; deny [10.1.0.0/16, 10.2.0.0/16];\n"
		"\tsni { *.example.org tls; WWW.example.org. other; }\n"
		"}\n"
		"listener b { bind *:90; pool other; }\n"
		"pool other { server $ACCD_TEST_NAME { address 192.0.2.3:80 } }\n";
	const struct conf_listener *l;
	char buf[ADDR_TEXT_BYTES];
	struct conf *conf;
	int mistakes;

	setenv("ACCD_TEST_PORT", "443", 1);
	setenv("ACCD_TEST_NAME", "s1", 1);
	conf = conf_load_text(text, strlen(text), "text", -1, count_line, "", &mistakes);
	assert_non_null(conf);
	assert_int_equal(conf->n_listeners, 6);
	l = &conf->listeners[4];
	assert_ptr_equal(conf_of_listener(l), conf);
	assert_string_equal(l->name, "tls");
	assert_int_equal(l->first, 0);
	assert_int_equal(conf->listeners[5].first, 5);
	assert_string_equal(addr_format(&conf->listeners[2].bind, buf, sizeof(buf)), "0.0.0.0:8002");
	assert_string_equal(addr_format(&conf->listeners[3].bind, buf, sizeof(buf)), "[::1]:443");
	assert_string_equal(addr_format(&l->bind, buf, sizeof(buf)), "[::1]:444");
	assert_int_equal(l->idle_timeout_ms, 7000);
	assert_int_equal(l->gates, CONF_GATE_ACL | CONF_GATE_HELLO);
	assert_int_equal(l->rules.n, 3);
	assert_true(l->is_allow_list);
	assert_int_equal(l->routes.n, 2);
	assert_string_equal(conf->routes[0].name, "*.example.org");
	assert_string_equal(conf->pools[conf->routes[0].pool].name, "tls");
	assert_string_equal(conf->routes[1].name, "www.example.org");
	assert_string_equal(conf->pools[conf->routes[1].pool].name, "other");
	assert_int_equal(conf->pools[l->pool].n_servers, 2);
	assert_int_equal(conf->listeners[5].gates, 0);
	conf_free(conf);
}

/* Thousands of prefixes in one file: read, found. */
static void test_many_prefixes(void **state)
{
	char *text = malloc(1 << 20);
	struct conf *conf;
	union addr addr;
	int mistakes, i, n;

	n = sprintf(text, "stack host; listener a { bind *:80; server 1.2.3.4:5; deny [");
	for (i = 0; i < 20000; i++)
		n += sprintf(text + n, "10.%d.%d.0/24\n", i / 256, i % 256);
	n += sprintf(text + n, "]; }");
	conf = conf_load_text(text, n, "text", -1, count_line, "", &mistakes);
	assert_non_null(conf);
	assert_int_equal(conf->n_rules, 20000);
	addr_parse_host("10.78.31.200", &addr);
	assert_non_null(acl_find(conf->rules, conf->n_rules, &addr));
	addr_parse_host("10.78.32.0", &addr);
	assert_null(acl_find(conf->rules, conf->n_rules, &addr));
	conf_free(conf);
	free(text);
}

/*
 * Damage a good file in every way that is cheap: never a crash (run it with the sanitizers),
 * never valid and wrong.
 */
static void test_damage(void **state)
{
	static const char bytes[] = "{};=\"#/*\\\n :,[$.\0\xff"
				    "a0-";
	size_t len = strlen(good);
	uint32_t seed = 1;
	char *text = malloc(len);
	int mistakes, i, j;
	struct conf *conf;
	size_t cut;

	for (cut = 0; cut < len; cut++) {
		conf = conf_load_text(good, cut, "cut", -1, count_line, NULL,
				      &mistakes);
		if (conf)
			assert_true(conf->n_listeners && conf->n_pools);
		conf_free(conf);
	}
	for (i = 0; i < 20000; i++) {
		memcpy(text, good, len);
		for (j = 0; j <= i % 4; j++) {
			seed = seed * 1664525 + 1013904223;
			text[(seed >> 8) % len] =
				bytes[(seed >> 4) % (sizeof(bytes) - 1)];
		}
		conf = conf_load_text(text, len, "damaged", -1, count_line,
				      NULL, &mistakes);
		assert_true(!conf == !!mistakes);
		conf_free(conf);
	}
	free(text);
}

static void test_congestion_for(void **state)
{
	static const char text[] =
		"listener a { bind = *:80; pool = p; congestion_control_for { 10.0.0.0/8 = bbr; 10.9.0.0/16 reno; \"::/0\": cubic } }\n"
		"listener b { bind = *:81; pool = p; allow 192.0.2.0/24 }\n"
		"pool o { server s { address = 1.2.3.4:5 } }\n"
		"pool p { server s { address = 1.2.3.4:5 } congestion_control_for { 192.0.2.7 = bbr } }";
	static const struct {
		const char *addr, *client, *server;
	} rows[] = {
		{ "10.1.2.3:1", "bbr", NULL },	{ "10.9.2.3:1", "reno", NULL }, { "11.0.0.1:1", NULL, NULL },
		{ "[::1]:1", "cubic", NULL },	{ "192.0.2.7:1", NULL, "bbr" }, { "192.0.2.8:1", NULL, NULL },
	};
	struct conf *conf;
	const char *name;
	union addr addr;
	unsigned int i;
	int mistakes;

	conf = conf_load_text(text, strlen(text), "text", CONF_STACK_HOST, count_line, "", &mistakes);
	assert_non_null(conf);
	assert_int_equal(conf->n_cc_names, 3);
	assert_ptr_equal(conf_of_pool(&conf->pools[1]), conf);
	assert_int_equal(conf->listeners[1].cc_rules.n, 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(addr_parse(rows[i].addr, false, &addr), 0);
		name = cc_for(conf, &conf->listeners[0].cc_rules, &addr);
		assert_true(name == rows[i].client || (name && rows[i].client && !strcmp(name, rows[i].client)));
		name = cc_for(conf, &conf->pools[1].cc_rules, &addr);
		assert_true(name == rows[i].server || (name && rows[i].server && !strcmp(name, rows[i].server)));
		assert_null(cc_for(conf, &conf->pools[0].cc_rules, &addr));
	}
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_congestion_for),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_many_mistakes),
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_many_prefixes),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
