// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - run the packet scripts on a stack
 *
 * On the host kernel's they wait for its timers most of the time: there JOBS processes, each with a namespace of its own, share
 * the scripts.
 *
 * usage: test_packets lkl|host [FILTER]	FILTER as cmocka's: names with * and ?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "packets.h"
#include "script.h"

static const struct script *const tables[] = {
	handshake_scripts, sack_scripts, loss_scripts, window_scripts, ecn_scripts, fastopen_scripts,
	close_scripts, guard_scripts,
};

#define SKIP 77
#define JOBS 4

static void script_test(void **state)
{
	assert_int_equal(script_run(*state), 0);
}

/* Every `step`th script, beginning with `first`. */
static int run_scripts(size_t first, size_t step)
{
	struct CMUnitTest tests[256];
	size_t n = 0, at = 0, i;
	const struct script *script;
	int ret;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (script = tables[i]; script->name && n < sizeof(tests) / sizeof(tests[0]); script++, at++)
			if (at % step == first)
				tests[n++] = (struct CMUnitTest){ script->name, script_test, NULL, NULL, (void *)script };
	ret = stack->start();
	if (ret) {
		if (ret < 0)
			fprintf(stderr, "%s: start: %s\n", stack->name, strerror(-ret));
		return ret < 0 ? 1 : ret;
	}
	printf("%s, release %d.%d\n", stack->name, stack->release() / 100, stack->release() % 100);
	ret = _cmocka_run_group_tests(stack->name, tests, n, NULL, NULL);
	stack->stop();
	return ret;
}

/* The worst that a process says. */
static int run_jobs(void)
{
	int ret = 0, status, i;
	pid_t pids[JOBS];

	for (i = 0; i < JOBS; i++) {
		pids[i] = fork();
		if (!pids[i])
			exit(run_scripts(i, JOBS));
	}
	for (i = 0; i < JOBS; i++) {
		if (pids[i] < 0 || waitpid(pids[i], &status, 0) != pids[i] || !WIFEXITED(status) ||
		    (WEXITSTATUS(status) && WEXITSTATUS(status) != SKIP))
			ret = 1;
		else if (WEXITSTATUS(status) && !ret)
			ret = SKIP;
	}
	return ret;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	stack = argc > 1 && !strcmp(argv[1], "host") ? &stack_host : &stack_lkl;
	if (argc < 2 || strcmp(argv[1], stack->name)) {
		fprintf(stderr, "usage: %s lkl|host [FILTER]\n", argv[0]);
		return 2;
	}
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return stack->is_exact ? run_scripts(0, 1) : run_jobs();
}
