// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_scenario.c - scenario files of lkl-wan: what is read, and that every mistake is told with its line
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scenario.h"

static char dir[64];

static const char *write_file(const char *name, const char *text)
{
	static char path[2][128];
	static int turn;
	FILE *file;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	file = fopen(path[turn], "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path[turn];
}

static void test_good(void **state)
{
	struct scenario s;
	char err[300] = "";

	write_file(
		"t.trace",
		"0 10Mbit 20ms 1%\n0.5 - - 30%\n1.25 2.5Mbit # less\nrepeat 2\n");
	assert_int_equal(
		scenario_read(
			write_file(
				"good.wan",
				"name = all # of it\nseed = 7\n[both]\nrate=50 Mbit\n"
				"delay = 25ms\n\n[down]\nbuffer = 4 BDP\nloss = 1 %\nloss-burst = 4 packets\n"
				"trace = t.trace\n[up]\nbuffer = 0.5 BDP\nqueue = fq_codel\njitter = 2.5 ms\n"
				"jitter-step = 10 ms\nduplicate = 0.5 %\nburst = 3 kB"),
			&s, err, sizeof(err)),
		0);
	assert_string_equal(err, "");
	assert_string_equal(s.name, "all");
	assert_int_equal(s.seed, 7);
	assert_int_equal(s.up.rate_bps, 50000000);
	assert_int_equal(s.down.delay_ns, 25000000);
	assert_int_equal(s.down.buffer_bytes, 4 * 312500);
	assert_int_equal(s.up.buffer_bytes, 156250);
	assert_int_equal(s.down.burst_bytes, 6250);
	assert_int_equal(s.up.burst_bytes, 3000);
	assert_int_equal(s.up.queue, SCENARIO_FQ_CODEL);
	assert_int_equal(s.up.jitter_ns, 2500000);
	assert_int_equal(s.up.jitter_step_ns, 10000000);
	assert_true(s.down.loss > 0.00999 && s.down.loss < 0.01001 &&
		    s.down.loss_burst == 4);
	assert_true(s.up.duplicate > 0.00499 && s.up.duplicate < 0.00501);
	assert_int_equal(s.down.steps_len, 3);
	assert_int_equal(s.down.repeat_ns, 2000000000);
	assert_int_equal(s.down.steps[0].has, SCENARIO_STEP_RATE |
						      SCENARIO_STEP_DELAY |
						      SCENARIO_STEP_LOSS);
	assert_int_equal(s.down.steps[1].has, SCENARIO_STEP_LOSS);
	assert_int_equal(s.down.steps[2].at_ns, 1250000000);
	assert_int_equal(s.down.steps[2].rate_bps, 2500000);
	scenario_free(&s);

	assert_int_equal(scenario_read(write_file("empty.wan", ""), &s, err,
				       sizeof(err)),
			 0);
	assert_int_equal(s.up.rate_bps, 0);
	scenario_free(&s);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "rate = 1 Mbit\n",
		  "bad.wan:1: rate: no such key before the first section" },
		{ "name = a b\n", ":1: name: \"a b\": expected" },
		{ "seed = -1\n", ":1: seed: \"-1\": expected a number" },
		{ "seed = 1\nseed = 1\n", ":2: seed: is set already" },
		{ "[left]\n",
		  ":1: \"[left]\": expected [up], [down] or [both]" },
		{ "[up]\nfast\n", ":2: \"fast\": expected KEY = VALUE" },
		{ "[up]\nspeed = 1 Mbit\n",
		  ":2: speed: no such key; expected rate" },
		{ "[up]\n\nrate = 10\n",
		  ":3: rate: \"10\": expected a rate from 8 kbit" },
		{ "[up]\nrate = 10 MBit\n", "expected a rate" },
		{ "[up]\nrate = -10 Mbit\n", "expected a rate" },
		{ "[up]\nrate = 11 Gbit\n", "expected a rate" },
		{ "[up]\nrate = 1e3 Mbit\n", "expected a rate" },
		{ "[up]\nrate = 1..5 Mbit\n", "expected a rate" },
		{ "[up]\nrate = 1 Mbit\n[both]\nrate = 2 Mbit\n",
		  ":4: rate: is set already, in line 2" },
		{ "[up]\ndelay = 11 s\n", "expected a time from 0 us to 10 s" },
		{ "[up]\nloss = 101 %\n", "expected a percentage" },
		{ "[up]\nloss = 1\n", "expected a percentage" },
		{ "[up]\nloss-burst = 4 packets\n",
		  ":2: loss-burst: expected a loss" },
		{ "[up]\nloss = 1 %\nloss-burst = 0.5 packets\n",
		  "from 1 to 1000" },
		{ "[up]\ndelay = 1 ms\njitter = 2 ms\n",
		  ":3: jitter: expected at most the delay" },
		{ "[up]\njitter-step = 20 ms\n",
		  ":2: jitter-step: expected a jitter" },
		{ "[up]\nbuffer = 4 BDP\n",
		  ":2: buffer: expected a rate with it" },
		{ "[up]\nrate = 1 Mbit\nbuffer = 4\n",
		  ":3: buffer: \"4\": expected a size in BDP" },
		{ "[up]\nrate = 1 Mbit\nbuffer = 4 BDP\n",
		  ":3: buffer: that is 0 bytes" },
		{ "[up]\nrate = 1 Mbit\nbuffer = 1 kB\n",
		  ":3: buffer: that is 1000 bytes" },
		{ "[up]\nrate = 1 Mbit\nqueue = red\n",
		  "expected droptail, fq_codel or police" },
		{ "[up]\nrate = 1 Mbit\nqueue = police\n",
		  ":3: queue: police: expected a burst" },
		{ "[up]\nrate = 1 Mbit\nqueue = police\nburst = 15 kB\nbuffer = 3 packets\n",
		  ":5: buffer: a policer has none" },
		{ "[up]\nrate = 1 Mbit\nburst = 100 B\n",
		  "expected a size from 1600 B" },
		{ "[up]\nrate = 1 Mbit\narrivals = poisson\nqueue = fq_codel\n",
		  ":3: arrivals: poisson goes with" },
		{ "[up]\ntrace = nowhere\n", ":2: trace: \"nowhere\": " },
		{ "[up]\ntrace = bad.trace\n", "bad.trace:" },
	};
	static const struct {
		const char *text, *wanted;
	} traces[] = {
		{ "", "bad.trace:0: expected at least one line" },
		{ "0\n", "bad.trace:1: expected SECONDS RATE" },
		{ "0 1Mbit 1ms 1% 5\n", "bad.trace:1: expected SECONDS RATE" },
		{ "1 1Mbit\n", "expected 0 in the first line" },
		{ "0 1Mbit\n0 2Mbit\n",
		  "bad.trace:2: time: \"0\": expected a time after" },
		{ "0 fast\n", "bad.trace:1: rate: \"fast\"" },
		{ "0 1Mbit soon\n", "bad.trace:1: delay: \"soon\"" },
		{ "0 1Mbit - 5\n", "bad.trace:1: loss: \"5\"" },
		{ "0 1Mbit\nrepeat 2\n3 1Mbit\n",
		  "bad.trace:3: \"3\": expected nothing after" },
		{ "0 1Mbit\nrepeat x\n", "bad.trace:2: time: \"x\"" },
	};
	struct scenario s;
	char err[400];
	size_t i;

	write_file("bad.trace", "nonsense\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err[0] = '\0';
		assert_int_not_equal(
			scenario_read(write_file("bad.wan", rows[i].text), &s,
				      err, sizeof(err)),
			0);
		if (!strstr(err, rows[i].wanted))
			fail_msg("\"%s\" says \"%s\", not \"%s\"", rows[i].text,
				 err, rows[i].wanted);
		scenario_free(&s);
	}
	for (i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		write_file("bad.trace", traces[i].text);
		err[0] = '\0';
		assert_int_not_equal(
			scenario_read(
				write_file(
					"bad.wan",
					"[both]\nrate = 1 Mbit\ntrace = bad.trace\n"),
				&s, err, sizeof(err)),
			0);
		if (!strstr(err, traces[i].wanted))
			fail_msg("\"%s\" says \"%s\", not \"%s\"",
				 traces[i].text, err, traces[i].wanted);
		scenario_free(&s);
	}
	assert_int_not_equal(
		scenario_read("/nowhere/x.wan", &s, err, sizeof(err)), 0);
	assert_non_null(strstr(err, "/nowhere/x.wan: No such file"));
}

/* The scenarios that come with lkl-wan; their folder is the argument. */
static char **files;
static int files_len;

static void test_own(void **state)
{
	struct scenario s;
	char err[400];
	int i;

	assert_true(files_len >= 12);
	for (i = 0; i < files_len; i++) {
		if (scenario_read(files[i], &s, err, sizeof(err)))
			fail_msg("%s", err);
		assert_true(s.up.delay_ns > 0 && s.down.rate_bps > 0);
		scenario_free(&s);
	}
}

static int set_up(void **state)
{
	strcpy(dir, "/tmp/scenario-XXXXXX");
	return !mkdtemp(dir);
}

static int tear_down(void **state)
{
	static const char *const names[] = { "t.trace", "good.wan", "empty.wan",
					     "bad.trace", "bad.wan" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_own),
	};

	files = argv + 1;
	files_len = argc - 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
