// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_config.c - lkl_config.h: good and bad JSON, the environment, and one program's way with two devices of FIFOs that
 * are each other's peers
 *
 * What the configuration did is read back from /proc of the instance. Messages are caught by the print operation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lkl.h>
#include <lkl_config.h>

static char printed[65536];
static size_t printed_len;

static void on_print(const char *str, int len)
{
	if (printed_len + len >= sizeof(printed))
		return;
	memcpy(printed + printed_len, str, len);
	printed_len += len;
	printed[printed_len] = '\0';
}

static void printed_clear(void)
{
	printed_len = 0;
	printed[0] = '\0';
}

#define assert_printed(part) do { \
	if (!strstr(printed, part)) \
		fail_msg("not printed: \"%s\", but: \"%s\"", part, printed); \
} while (0)

static void test_bad_json(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "line 1, at its end: an object" },
		{ "[]", "an object" },
		{ "\n\n{ \"gateway\" \"1.2.3.4\" }", "line 3, at '\"1.2.3.4\" }': ':'" },
		{ "{ \"gateway\": 5 }", "a string in double quotes" },
		{ "{ \"gateway\": \"1.2.3.4\", }", "a string in double quotes" },
		{ "{ \"gateway\": \"1.2.3.4\" \"mount\": \"proc\" }", "',' and another key" },
		{ "{ \"gateway\": \"1\", \"gateway\": \"2\" }", "\"gateway\" is there twice" },
		{ "{ \"interfaces\": [], \"interfaces\": [] }", "\"interfaces\" is there twice" },
		{ "{ \"gatevay\": \"1.2.3.4\" }", "no key \"gatevay\" here" },
		{ "{ \"gateway\": \"1.2.3.4\"", "line 1, at its end" },
		{ "{ \"gateway\": \"1.2.3.4", "has no end" },
		{ "{ \"gateway\": \"1.2.3.4\\", "has no end" },
		{ "{ \"gateway\": \"\\x\" }", "no such escape" },
		{ "{ \"gateway\": \"\\u12g4\" }", "four hex digits" },
		{ "{ \"gateway\": \"\\u12\" }", "four hex digits" },
		{ "{ \"gateway\": \"\\u0000\" }", "no such character" },
		{ "{ \"gateway\": \"\\ud800\" }", "no such character" },
		{ "{ \"gateway\": \"\\ud800\\u0041\" }", "surrogates" },
		{ "{ \"gateway\": \"a\nb\" }", "control characters" },
		{ "{} x", "nothing belongs behind" },
		{ "{ \"interfaces\": { } }", "an array" },
		{ "{ \"interfaces\": [ { \"type\": \"tap\" } { } ] }", "',' and another interface" },
		{ "{ \"interfaces\": [ { \"gateway\": \"1.2.3.4\" } ] }", "no key \"gateway\" of an interface" },
		{ "{ \"interfaces\": [ { \"interfaces\": [] } ] }", "no key \"interfaces\" of an interface" },
		{ "{ \"interfaces\": [ {},{},{},{}, {},{},{},{}, {},{},{},{}, {},{},{},{}, {} ] }", "more than 16" },
	};
	unsigned int i;

	lkl_host_ops.print = on_print;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lkl_config cfg = { 0 };

		printed_clear();
		if (lkl_load_config_json(&cfg, cases[i].text) != -EINVAL)
			fail_msg("taken: %s", cases[i].text);
		assert_printed(cases[i].message);
		assert_int_equal(lkl_unload_config(&cfg), 0);
	}
	assert_int_equal(lkl_load_config_json(NULL, "{}"), -EINVAL);
}

static void test_good_json(void **state)
{
	struct lkl_config cfg = { 0 };

	assert_int_equal(lkl_load_config_json(&cfg, "{}"), 0);
	assert_int_equal(lkl_load_config_json(&cfg, " {\t\"interfaces\" : [ ] }\r\n"), 0);
	assert_int_equal(cfg.ifnum, 0);
	assert_int_equal(lkl_load_config_json(&cfg, "{ \"gateway\": \"10.0.0.1\", \"sysctl\": \"a\\\"\\\\\\/\\b\\f\\n\\r\\t"
						    "\\u0041\\u00e4\\u20ac\\ud83d\\ude00\", \"singlecpu\": \"1\","
						    "\"interfaces\": [ { \"type\": \"tap\", \"param\": \"t0\" },"
						    "{ \"type\": \"raw\", \"mac\": \"x\" } ] }"), 0);
	assert_string_equal(cfg.gateway, "10.0.0.1");
	assert_string_equal(cfg.sysctls, "a\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(cfg.single_cpu, "1");
	assert_int_equal(cfg.ifnum, 2);
	assert_string_equal(cfg.ifaces->iftype, "tap");
	assert_string_equal(cfg.ifaces->next->ifmac_str, "x");
	assert_null(cfg.ifaces->next->next);
	/* A second text overrides key by key; its interfaces replace all. */
	assert_int_equal(lkl_load_config_json(&cfg, "{ \"gateway\": \"10.0.0.2\", \"interfaces\": [ { \"ip\": \"1\" } ] }"),
			 0);
	assert_string_equal(cfg.gateway, "10.0.0.2");
	assert_string_equal(cfg.single_cpu, "1");
	assert_int_equal(cfg.ifnum, 1);
	assert_null(cfg.ifaces->iftype);
	printed_clear();
	lkl_show_config(&cfg);
	assert_printed("gateway: 10.0.0.2\n");
	assert_printed("interface 0:\n  ip: 1\n");
	assert_int_equal(lkl_unload_config(&cfg), 0);
	assert_null(cfg.gateway);
	assert_null(cfg.ifaces);
}

static void test_env(void **state)
{
	struct lkl_config cfg = { 0 };

	assert_int_equal(lkl_load_config_env(&cfg), 0);
	assert_int_equal(cfg.ifnum, 0);
	setenv("LKL_HIJACK_NET_TAP", "tap7", 1);
	setenv("LKL_HIJACK_NET_MTU", "9000", 1);
	setenv("LKL_HIJACK_MOUNT", "proc", 1);
	assert_int_equal(lkl_load_config_env(&cfg), 0);
	assert_int_equal(lkl_load_config_json(&cfg, "{ \"mount\": \"sysfs\" }"), 0);
	assert_int_equal(cfg.ifnum, 1);
	assert_string_equal(cfg.ifaces->iftap, "tap7");
	assert_string_equal(cfg.ifaces->ifmtu_str, "9000");
	assert_string_equal(cfg.mount, "sysfs");
	unsetenv("LKL_HIJACK_NET_TAP");
	unsetenv("LKL_HIJACK_NET_MTU");
	unsetenv("LKL_HIJACK_MOUNT");
	assert_int_equal(lkl_unload_config(&cfg), 0);
}

static void test_bad_values(void **state)
{
	static const struct {
		const char *text, *message;
		int err;
	} cases[] = {
		{ "{ \"debug\": \"much\" }", "debug = 'much': a number", -EINVAL },
		{ "{ \"singlecpu\": \"3\" }", "singlecpu = '3': a number from 0 to 2", -EINVAL },
		{ "{ \"delay_main\": \"-1\" }", "delay_main = '-1'", -EINVAL },
		{ "{ \"gateway\": \"10.0.0\" }", "gateway = '10.0.0': an IPv4", -EINVAL },
		{ "{ \"gateway6\": \"10.0.0.1\" }", "gateway6 = '10.0.0.1': an IPv6", -EINVAL },
		{ "{ \"interfaces\": [ { } ] }", "type = '': an interface needs", -EINVAL },
		{ "{ \"interfaces\": [ { \"type\": \"pipe\" } ] }", "param = ''", -EINVAL },
		{ "{ \"interfaces\": [ { \"type\": \"wire\", \"param\": \"x\" } ] }", "type = 'wire'", -EINVAL },
		{ "{ \"interfaces\": [ { \"type\": \"vde\", \"param\": \"x\" } ] }", "not in this library", -EOPNOTSUPP },
		{ "{ \"interfaces\": [ { \"mtu\": \"67\" } ] }", "mtu = '67'", -EINVAL },
		{ "{ \"interfaces\": [ { \"offload\": \"0xz\" } ] }", "offload = '0xz'", -EINVAL },
		{ "{ \"interfaces\": [ { \"mac\": \"1:2:3:4:5:6\" } ] }", "mac = '1:2:3:4:5:6'", -EINVAL },
		{ "{ \"interfaces\": [ { \"ip\": \"10.0.0.256\" } ] }", "ip = '10.0.0.256'", -EINVAL },
		{ "{ \"interfaces\": [ { \"ip\": \"10.0.0.1\" } ] }", "masklen = ''", -EINVAL },
		{ "{ \"interfaces\": [ { \"ip\": \"10.0.0.1\", \"masklen\": \"33\" } ] }", "masklen = '33'", -EINVAL },
		{ "{ \"interfaces\": [ { \"ifgateway\": \"10.0.0.1\" } ] }", "needs an address", -EINVAL },
		{ "{ \"interfaces\": [ { \"neigh\": \"10.0.0.1\" } ] }", "ADDRESS|MAC", -EINVAL },
		{ "{ \"interfaces\": [ { \"neigh\": \"10.0.0.1|02:00:00:00:00\" } ] }", "six bytes", -EINVAL },
	};
	unsigned int i;

	assert_int_equal(lkl_init(&lkl_host_ops), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lkl_config cfg = { 0 };

		assert_int_equal(lkl_load_config_json(&cfg, cases[i].text), 0);
		printed_clear();
		if (lkl_load_config_pre(&cfg) != cases[i].err)
			fail_msg("taken: %s", cases[i].text);
		assert_printed(cases[i].message);
		assert_int_equal(lkl_unload_config(&cfg), 0);
	}
}

static const char *read_file(const char *path)
{
	static char text[16384];
	long fd = lkl_sys_open(path, LKL_O_RDONLY, 0), n, len = 0;

	assert_true(fd >= 0);
	while ((n = lkl_sys_read((int)fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	assert_true(n == 0);
	text[len] = '\0';
	lkl_sys_close((int)fd);
	return text;
}

static void test_whole_way(void **state)
{
	static const char format[] =
		"{ \"gateway\": \"10.9.0.2\", \"gateway6\": \"fd00:9::2\", \"mount\": \"proc,sysfs\", \"debug\": \"1\",\n"
		"  \"sysctl\": \"net.ipv4.tcp_sack=0;net.core.somaxconn=77\", \"boot_cmdline\": \"mem=64M loglevel=4\",\n"
		"  \"dump\": \"/etc/resolv.conf\", \"delay_main\": \"1000\", \"nameserver\": \"10.9.0.53\",\n"
		"  \"interfaces\": [\n"
		"    { \"type\": \"pipe\", \"param\": \"%s/1|%s/2\", \"mac\": \"02:00:00:00:09:01\", \"mtu\": \"1400\",\n"
		"      \"ip\": \"10.9.0.1\", \"masklen\": \"24\", \"ifgateway\": \"10.9.0.3\",\n"
		"      \"ipv6\": \"fd00:9::1\", \"masklen6\": \"64\", \"ifgateway6\": \"fd00:9::3\",\n"
		"      \"neigh\": \"10.9.0.7|02:00:00:00:09:07;fd00:9::7|02:00:00:00:09:07\", \"qdisc\": \"root|fq\" },\n"
		"    { \"type\": \"pipe\", \"param\": \"%s/2|%s/1\" } ] }";
	char dir[] = "/tmp/test-config-XXXXXX", text[2048], path[64];
	struct lkl_config cfg = { 0 }, again = { 0 };

	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text), format, dir, dir, dir, dir);
	assert_int_equal(lkl_load_config_json(&cfg, text), 0);
	assert_int_equal(lkl_load_config_pre(&cfg), 0);
	assert_int_equal(lkl_start_kernel("%s", cfg.boot_cmdline), 0);
	printed_clear();
	if (lkl_load_config_post(&cfg))
		fail_msg("%s", printed);

	assert_non_null(strstr(read_file("/proc/net/if_inet6"), "fd000009000000000000000000000001"));
	assert_non_null(strstr(read_file("/proc/net/arp"), "02:00:00:00:09:07"));
	/* the default route, by 10.9.0.2 */
	assert_non_null(strstr(read_file("/proc/net/route"), "\t00000000\t0200090A\t"));
	assert_string_equal(read_file("/proc/sys/net/ipv4/tcp_sack"), "0\n");
	assert_string_equal(read_file("/proc/sys/net/core/somaxconn"), "77\n");
	assert_string_equal(read_file("/sysfs/class/net/eth0/mtu"), "1400\n");
	assert_string_equal(read_file("/sysfs/class/net/eth0/address"), "02:00:00:00:09:01\n");
	assert_string_equal(read_file("/sysfs/class/net/eth1/mtu"), "1500\n");

	/* Errors that the instance alone finds. */
	printed_clear();
	assert_int_equal(lkl_load_config_json(&again, "{ \"sysctl\": \"net.no_such_key=1\" }"), 0);
	assert_int_equal(lkl_load_config_post(&again), -ENOENT);
	assert_printed("sysctl = 'net.no_such_key': No such file");
	assert_int_equal(lkl_load_config_json(&again, "{ \"sysctl\": \"a\", \"dump\": \"/none\" }"), 0);
	assert_int_equal(lkl_load_config_post(&again), -EINVAL);
	assert_int_equal(lkl_unload_config(&again), -ENOENT);
	assert_int_equal(lkl_load_config_json(&again, "{ \"interfaces\": [ { \"type\": \"tap\", \"param\": \"x\" } ] }"), 0);
	assert_int_equal(lkl_load_config_post(&again), -EINVAL);
	assert_int_equal(lkl_unload_config(&again), 0);

	printed_clear();
	assert_int_equal(lkl_unload_config(&cfg), 0);
	assert_printed("nameserver 10.9.0.53\n");
	assert_null(cfg.ifaces);
	assert_int_equal(lkl_sys_halt(), 0);
	lkl_cleanup();
	snprintf(path, sizeof(path), "%s/1", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/2", dir);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_json),
		cmocka_unit_test(test_good_json),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_whole_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
