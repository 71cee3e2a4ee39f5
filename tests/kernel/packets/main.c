// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - run the packet scripts on a stack
 *
 * usage: test_packets lkl|host [FILTER]	FILTER as cmocka's: names with * and ?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "packets.h"
#include "script.h"

static const struct script *const tables[] = {
	handshake_scripts, sack_scripts,
};

static void script_test(void **state)
{
	assert_int_equal(script_run(*state), 0);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[256];
	size_t n = 0, i;
	const struct script *script;
	int ret;

	stack = argc > 1 && !strcmp(argv[1], "host") ? &stack_host : &stack_lkl;
	if (argc < 2 || strcmp(argv[1], stack->name)) {
		fprintf(stderr, "usage: %s lkl|host [FILTER]\n", argv[0]);
		return 2;
	}
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (script = tables[i]; script->name && n < sizeof(tests) / sizeof(tests[0]); script++)
			tests[n++] = (struct CMUnitTest){ script->name, script_test, NULL, NULL, (void *)script };
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
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
