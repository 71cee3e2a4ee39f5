// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_counters.c - slots by name, histograms, what a new worker finds
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters.h"

static struct conf *conf_of(unsigned int n_listeners, const char *prefix)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	unsigned int i;

	assert_non_null(conf);
	conf->n_listeners = n_listeners;
	for (i = 0; i < n_listeners; i++)
		snprintf(conf->listeners[i].name, sizeof(conf->listeners[i].name), "%s%u", prefix, i);
	conf->n_pools = 1;
	snprintf(conf->pools[0].name, sizeof(conf->pools[0].name), "%s", prefix);
	conf->pools[0].n_servers = 1;
	strcpy(conf->pools[0].servers[0].name, "s");
	return conf;
}

static void test_hist(void **state)
{
	struct hist h = { 0 };

	hist_add(&h, &hist_time_us, 0);
	hist_add(&h, &hist_time_us, 100); /* a bound belongs to its bucket */
	hist_add(&h, &hist_time_us, 101);
	hist_add(&h, &hist_time_us, UINT64_MAX / 2);
	assert_int_equal(h.buckets[0], 2);
	assert_int_equal(h.buckets[1], 1);
	assert_int_equal(h.buckets[hist_time_us.len], 1);
	assert_int_equal(h.sum, 201 + UINT64_MAX / 2);
}

static void check_bounds(const struct hist_bounds *b)
{
	unsigned int i;

	assert_in_range(b->len, 2, HIST_BOUNDS_MAX);
	for (i = 1; i < b->len; i++)
		assert_true(b->bounds[i] > b->bounds[i - 1]);
}

static void test_bounds_rise(void **state)
{
	check_bounds(&hist_time_us);
	check_bounds(&hist_rtt_us);
	check_bounds(&hist_bytes);
}

static void test_names_keep_their_slots(void **state)
{
	struct conf *old = conf_of(3, "a"), *new = conf_of(CONF_LISTENERS_MAX, "b");
	struct counters_map *map = counters_new(2);
	struct counters_listener *a1;
	unsigned int round;

	assert_non_null(map);
	counters_assign(map, old);
	a1 = counters_listener(map, 1, "a1");
	a1->sessions_total = 7;
	assert_ptr_not_equal(a1, counters_listener(map, 0, "a1"));
	assert_ptr_not_equal(a1, counters_listener(map, 1, "a2"));
	assert_ptr_equal(counters_listener(map, 1, "unknown"), &map->workers[1].listeners[0]);

	/* a configuration without the name: its sessions may still run, the slot stays */
	counters_assign(map, new);
	assert_ptr_equal(a1, counters_listener(map, 1, "a1"));
	assert_int_equal(a1->sessions_total, 7);
	assert_ptr_not_equal(counters_server(map, 0, "a", "s"), counters_server(map, 0, "b", "s"));

	/* ... until the slots are needed: then it counts as "other", and no successor inherits */
	for (round = 0; round < 4; round++) {
		char prefix[8];

		snprintf(prefix, sizeof(prefix), "c%u-", round);
		free(new);
		new = conf_of(CONF_LISTENERS_MAX, prefix);
		counters_assign(map, new);
	}
	assert_ptr_equal(counters_listener(map, 1, "a1"), &map->workers[1].listeners[0]);
	assert_int_equal(counters_listener(map, 1, "c3-5")->sessions_total, 0);
	assert_int_equal(a1->sessions_total, 0);
	counters_free(map);
	free(old);
	free(new);
}

/* Totals outlive a worker, what it had open does not. */
static void test_worker_replaced(void **state)
{
	struct conf *conf = conf_of(1, "l");
	struct counters_map *map = counters_new(1);
	pid_t pid;

	assert_non_null(map);
	counters_assign(map, conf);
	counters_worker_begins(map, 0);
	pid = fork();
	if (!pid) {
		map->workers[0].all.sessions_total = 5;
		map->workers[0].all.sessions = 3;
		counters_listener(map, 0, "l0")->sessions = 3;
		counters_server(map, 0, "l", "s")->sessions = 2;
		counters_server(map, 0, "l", "s")->bytes_up_total = 9;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(map->workers[0].all.sessions, 3);
	counters_worker_begins(map, 0);
	assert_int_equal(map->workers[0].all.sessions_total, 5);
	assert_int_equal(map->workers[0].all.sessions, 0);
	assert_int_equal(counters_listener(map, 0, "l0")->sessions, 0);
	assert_int_equal(counters_server(map, 0, "l", "s")->sessions, 0);
	assert_int_equal(counters_server(map, 0, "l", "s")->bytes_up_total, 9);
	counters_free(map);
	free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hist),
		cmocka_unit_test(test_bounds_rise),
		cmocka_unit_test(test_names_keep_their_slots),
		cmocka_unit_test(test_worker_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
