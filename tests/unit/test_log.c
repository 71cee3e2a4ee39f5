// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_log.c - lines of the access log, hostile input, and a log that cannot be written
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "err.h"
#include "log.h"
#include "text.h"

static struct log_record record(void)
{
	struct log_record rec = {
		.accept_us = 1500000,
		.connect_us = 1234,
		.total_us = 5678901,
		.queue_us = 1000,
		.bytes_up = 10,
		.bytes_down = 20,
		.listener = "web",
		.pool = "origin",
		.server = "s1",
		.sessions = 3,
		.listener_sessions = 2,
		.pool_sessions = 2,
		.server_sessions = 1,
		.worker = 1,
		.slot = 17,
		.slot_gen = 4,
		.retries = 1,
		.cause = LOG_CAUSE_TIMEOUT,
		.phase = LOG_PHASE_LAST,
		.tcp_up = { true, "cubic", 100, 30, 50, 2, 10, 8000000, 1000, 7, 8 },
	};

	addr_parse("192.0.2.7:4711", false, &rec.client);
	return rec;
}

static char line[2 * LOG_LINE_BYTES];

static const char *text_line(const struct log_record *rec, int64_t offset_us)
{
	struct text t;

	text_init(&t, line, sizeof(line));
	log_format_text(&t, rec, offset_us);
	return line;
}

static const char *json_line(const struct log_record *rec, int64_t offset_us)
{
	struct text t;

	text_init(&t, line, sizeof(line));
	log_format_json(&t, rec, offset_us);
	return line;
}

static void test_text(void **state)
{
	struct log_record rec = record();

	assert_string_equal(
		text_line(&rec, 1000000000LL * 1000000),
		"2001-09-09T01:46:41.500Z 192.0.2.7:4711 web origin/s1 connect_ms=1.234 total_ms=5678.901 "
		"queue_ms=1.000 up_bytes=10 down_bytes=20 state=TL retries=1 sessions=3 tcp_down={} "
		"tcp_up={cc=cubic rtt_us=100 rttvar_us=30 min_rtt_us=50 retrans=2 cwnd_pkts=10 "
		"delivery_bps=8000000 busy_us=1000 rwnd_limited_us=7 sndbuf_limited_us=8} "
		"counts=2/2/1 id=1-17-4");
	rec.server[0] = '\0';
	rec.connect_us = UINT64_MAX;
	assert_non_null(strstr(text_line(&rec, 0), " origin/- connect_ms=-1 "));
}

static void test_json(void **state)
{
	struct log_record rec = record();

	assert_string_equal(
		json_line(&rec, 1000000000LL * 1000000),
		"{\"time\":\"2001-09-09T01:46:41.500Z\",\"id\":\"1-17-4\",\"client\":\"192.0.2.7:4711\","
		"\"listener\":\"web\",\"pool\":\"origin\",\"server\":\"s1\",\"queue_ms\":1.000,"
		"\"connect_ms\":1.234,\"total_ms\":5678.901,\"state\":\"TL\",\"up_bytes\":10,"
		"\"down_bytes\":20,\"retries\":1,\"sessions\":3,\"listener_sessions\":2,\"pool_sessions\":2,"
		"\"server_sessions\":1,\"tcp_down\":null,\"tcp_up\":{\"cc\":\"cubic\",\"rtt_us\":100,"
		"\"rttvar_us\":30,\"min_rtt_us\":50,\"retrans\":2,\"cwnd_pkts\":10,"
		"\"delivery_bps\":8000000,\"busy_us\":1000,\"rwnd_limited_us\":7,\"sndbuf_limited_us\":8}}");
	rec.is_open = true;
	rec.idle_us = 2000;
	rec.server[0] = '\0';
	assert_non_null(strstr(json_line(&rec, 0),
			       "\"age_ms\":5678.901,\"idle_ms\":2.000,\"state\":\"relaying\""));
	assert_non_null(strstr(line, "\"server\":null"));
}

/* What stands in shared memory may be anything: no line is forged, nothing is read past its end. */
static void test_hostile(void **state)
{
	struct log_record rec = record();
	unsigned int i;

	strcpy(rec.listener, "a\nb \"\\\x1b[2J");
	assert_non_null(strstr(text_line(&rec, 0), " a\\x0ab\\x20\\x22\\x5c\\x1b[2J origin/"));
	assert_non_null(strstr(json_line(&rec, 0), "\"a\\u000ab \\\"\\\\\\u001b[2J\""));
	memset(&rec, 0xff, sizeof(rec));
	rec.accept_us = 0;
	assert_non_null(strstr(text_line(&rec, 0), " state=?? "));
	for (i = 0; line[i]; i++)
		assert_in_range((unsigned char)line[i], 0x20, 0x7e);
	assert_in_range(strlen(line), 400, LOG_LINE_BYTES - 2);
	json_line(&rec, 0);
	for (i = 0; line[i]; i++)
		assert_in_range((unsigned char)line[i], 0x20, 0x7e);
	assert_in_range(strlen(line), 400, LOG_LINE_BYTES - 2);
	rec.is_open = false;
	json_line(&rec, 0);
	assert_in_range(strlen(line), 400, LOG_LINE_BYTES - 2);
}

static void test_text_is_cut(void **state)
{
	char small[8];
	struct text t;

	text_init(&t, small, sizeof(small));
	text_add(&t, "%s", "12345");
	text_add_plain(&t, "\n\n", 2, true);
	assert_true(t.is_cut);
	text_add_json(&t, "xyz", 3);
	assert_in_range(t.len, 5, sizeof(small) - 1);
	assert_int_equal(strlen(small), t.len);
}

static struct conf_log conf_of(const char *access, const char *error)
{
	struct conf_log conf = { .level = MSG_INFO };

	snprintf(conf.access, sizeof(conf.access), "%s", access);
	snprintf(conf.error, sizeof(conf.error), "%s", error);
	return conf;
}

static struct log *open_log(struct log_map *map, const struct conf_log *conf)
{
	char err[512] = "";
	struct log *log;

	if (log_open(map, conf, &log, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(log_start(log), 0);
	return log;
}

/* Lines written, and the sum of those said to be missing. */
static void count_lines(const char *path, unsigned long long *n_lines, unsigned long long *n_lost)
{
	FILE *file = fopen(path, "r");
	unsigned long long lost;

	*n_lines = *n_lost = 0;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "# accd: %llu lines", &lost) == 1)
			*n_lost += lost;
		else
			++*n_lines;
	}
	fclose(file);
}

/* More records than the ring holds, faster than they can be written: written + said to be dropped = queued. */
static void test_drops_are_said(void **state)
{
	enum { N_RECORDS = 300000 };
	char path[] = "/tmp/accd-log.XXXXXX";
	struct log_map *map = log_map_new(1);
	struct log_record rec = record();
	struct conf_log conf;
	unsigned long long n_lost, n_lines;
	struct log *log;
	int i;

	close(mkstemp(path));
	conf = conf_of(path, "off");
	log = open_log(map, &conf);
	for (i = 0; i < N_RECORDS; i++)
		log_session(log_ring(map, 0), &rec);
	log_close(log);
	count_lines(path, &n_lines, &n_lost);
	unlink(path);
	assert_true(n_lost > 0);
	assert_int_equal(n_lost, log_dropped(log_ring(map, 0)));
	assert_int_equal(n_lines + n_lost, N_RECORDS);
	log_map_free(map);
}

static void wait_lines(struct log *log, uint64_t want)
{
	struct log_stats stats;
	int i;

	for (i = 0; i < 1000; i++) {
		log_get_stats(log, &stats);
		if (stats.lines_total + stats.limited_total + stats.write_failed_total >= want)
			return;
		usleep(10000);
	}
	fail_msg("the log does not move");
}

static void test_rate(void **state)
{
	char path[] = "/tmp/accd-log.XXXXXX";
	struct log_map *map = log_map_new(2);
	struct log_record rec = record();
	unsigned long long n_lost, n_lines;
	struct log_stats stats;
	struct conf_log conf;
	struct log *log;
	int i;

	close(mkstemp(path));
	conf = conf_of(path, "off");
	conf.rate = 10;
	log = open_log(map, &conf);
	for (i = 0; i < 1000; i++)
		log_session(log_ring(map, i & 1), &rec);
	wait_lines(log, 1000);
	/* said when the second is over */
	for (i = 0; i < 500; i++) {
		count_lines(path, &n_lines, &n_lost);
		if (n_lost)
			break;
		usleep(10000);
	}
	log_get_stats(log, &stats);
	log_close(log);
	assert_in_range(n_lines, 10, 500); /* 10 a second, however slow this machine is */
	assert_int_equal(stats.lines_total + stats.limited_total, 1000);
	assert_true(n_lost > 0 && n_lost <= stats.limited_total);
	unlink(path);
	log_map_free(map);
}

/* A reader that does not read holds up neither the writer nor the error log. */
static void test_slow_reader(void **state)
{
	char dir[] = "/tmp/accd-log.XXXXXX", fifo[64], errors[64];
	struct log_map *map = log_map_new(1);
	struct log_record rec = record();
	struct log_past past[4];
	struct conf_log conf;
	struct log *log;
	int fd, i;

	assert_non_null(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	snprintf(errors, sizeof(errors), "%s/errors", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK);
	conf = conf_of(fifo, errors);
	log = open_log(map, &conf);
	for (i = 0; i < 100000; i++)
		log_session(log_ring(map, 0), &rec);
	assert_true(log_dropped(log_ring(map, 0)) > 0);
	assert_true(log_message(log_ring(map, 1), MSG_WARNING, "still\nheard"));
	for (i = 0; i < 1000 && !log_get_past(log, past, 4); i++)
		usleep(10000);
	assert_int_equal(log_get_past(log, past, 4), 1);
	assert_string_equal(past[0].text, "still\nheard");
	log_close(log); /* does not wait for the reader either */
	close(fd);
	fd = open(errors, O_RDONLY);
	i = read(fd, line, sizeof(line) - 1);
	close(fd);
	assert_true(i > 0);
	line[i] = '\0';
	assert_non_null(strstr(line, " warning accd["));
	assert_non_null(strstr(line, "]: still\\x0aheard\n"));
	unlink(fifo);
	unlink(errors);
	rmdir(dir);
	log_map_free(map);
}

/* A full disk is said once, and its lines are counted. */
static void test_full_disk(void **state)
{
	struct log_map *map = log_map_new(1);
	struct log_record rec = record();
	struct log_past past[8];
	struct log_stats stats;
	struct conf_log conf;
	unsigned int n = 0;
	struct log *log;
	int i;

	if (access("/dev/full", W_OK))
		skip();
	conf = conf_of("/dev/full", "off");
	log = open_log(map, &conf);
	err_use_ring(log_ring(map, 1), getpid());
	for (i = 0; i < 100; i++)
		log_session(log_ring(map, 0), &rec);
	wait_lines(log, 100);
	for (i = 0; i < 1000 && !n; i++) {
		n = log_get_past(log, past, 8);
		usleep(10000);
	}
	log_session(log_ring(map, 0), &rec);
	wait_lines(log, 201);
	log_get_stats(log, &stats);
	n = log_get_past(log, past, 8);
	log_close(log);
	err_use_ring(NULL, 0);
	assert_int_equal(n, 1);
	assert_non_null(strstr(past[0].text,
			       "log.access: cannot write \"/dev/full\": No space left on device"));
	assert_int_equal(stats.write_failed_total, 101);
	log_map_free(map);
}

static void test_reopen(void **state)
{
	char path[] = "/tmp/accd-log.XXXXXX", moved[64];
	struct log_map *map = log_map_new(1);
	struct log_record rec = record();
	unsigned long long n_lost, n_lines = 0;
	struct conf_log conf;
	struct log *log;
	int i;

	close(mkstemp(path));
	snprintf(moved, sizeof(moved), "%s.1", path);
	conf = conf_of(path, "off");
	log = open_log(map, &conf);
	log_session(log_ring(map, 0), &rec);
	wait_lines(log, 1);
	assert_int_equal(rename(path, moved), 0);
	log_reopen(log);
	for (i = 0; i < 1000 && access(path, F_OK); i++)
		usleep(10000);
	log_session(log_ring(map, 0), &rec);
	log_close(log);
	count_lines(moved, &n_lines, &n_lost);
	assert_int_equal(n_lines, 1);
	count_lines(path, &n_lines, &n_lost);
	assert_int_equal(n_lines, 1);
	unlink(path);
	unlink(moved);
	log_map_free(map);
}

static void test_syslog(void **state)
{
	char dir[] = "/tmp/accd-log.XXXXXX", target[96];
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct log_map *map = log_map_new(1);
	struct log_record rec = record();
	struct conf_log conf;
	struct log *log;
	int fd, n;

	assert_non_null(mkdtemp(dir));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/log", dir);
	snprintf(target, sizeof(target), "syslog:%s/log", dir);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	conf = conf_of(target, target);
	log = open_log(map, &conf);
	log_message(log_ring(map, 1), MSG_ERROR, "hello");
	n = recv(fd, line, sizeof(line) - 1, 0);
	line[n] = '\0';
	assert_memory_equal(line, "<27>accd[", 9);
	assert_non_null(strstr(line, "]: hello"));
	log_session(log_ring(map, 0), &rec);
	n = recv(fd, line, sizeof(line) - 1, 0);
	line[n] = '\0';
	assert_memory_equal(line, "<30>accd[", 9);
	assert_non_null(strstr(line, " web origin/s1 "));
	log_close(log);
	close(fd);
	unlink(sun.sun_path);
	rmdir(dir);
	log_map_free(map);
}

static void test_bad_targets(void **state)
{
	static const char *const bad[] = { "/nonexistent/log", "/", "syslog:/nonexistent/log",
					   "syslog:/0123456789012345678901234567890123456789012345678901234567890"
					   "12345678901234567890123456789012345678901234567890123456789" };
	struct log_map *map = log_map_new(1);
	struct conf_log conf;
	char err[512];
	struct log *log;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		conf = conf_of(bad[i], "-");
		assert_true(log_open(map, &conf, &log, err, sizeof(err)) < 0);
		assert_non_null(strstr(err, "log.access: cannot open"));
		conf = conf_of("off", bad[i]);
		assert_true(log_open(map, &conf, &log, err, sizeof(err)) < 0);
		assert_non_null(strstr(err, "log.error: cannot open"));
	}
	log_map_free(map);
}

static void test_flood_of_messages(void **state)
{
	struct log_map *map = log_map_new(1);
	int i, n = 0;

	for (i = 0; i < 1000; i++)
		n += log_message(log_ring(map, 0), MSG_ERROR, "again");
	assert_in_range(n, 200, 256);
	log_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_text_is_cut),
		cmocka_unit_test(test_drops_are_said),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_bad_targets),
		cmocka_unit_test(test_flood_of_messages),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
