// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_splat.c - the debug kernel sees mistakes, and each ends the instance
 *
 * Every case boots an instance in a child with lkl_mistake=NAME, which makes that mistake at the end of boot
 * (arch/lkl/kernel/splat_test.c). The panic callback must get the right report. Skipped on a kernel without these
 * checks: there the option means nothing and "warn" boots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lkl/lkl.h>

enum { SEEN = 42, OTHER_REPORT = 43, NO_CHECKS, NOT_SEEN = 44 };

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	if (strstr(message, ctx))
		_exit(SEEN);
	fprintf(stderr, "expected \"%s\", got:\n%s\n%s\n", (char *)ctx, message, backtrace);
	_exit(OTHER_REPORT);
}

static int boot_with(const char *mistake, const char *report)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct lkl_options opts = LKL_OPTIONS_DEFAULT;

		opts.panic = on_panic;
		opts.panic_ctx = (void *)report;
		alarm(200);
		if (lkl_set_options(&opts))
			_exit(1);
		switch (lkl_start_kernel("mem=64M loglevel=1 lkl_mistake=%s", mistake)) {
		case 0:
			break;
		case -EINVAL: /* not a word that this kernel knows */
			_exit(NO_CHECKS);
		default:
			_exit(1);
		}
		/* A report is complete 20 ms after it began, and ends this process; on a busy machine later. */
		usleep(strcmp(mistake, "none") ? 60000000 : 300000);
		_exit(NOT_SEEN);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_mistakes_are_seen(void **state)
{
	static const struct {
		const char *mistake, *report;
	} cases[] = {
		{ "sleep_in_atomic", "BUG: sleeping function called from invalid context" },
		{ "self_deadlock", "WARNING: possible recursive locking detected" },
		{ "lock_order", "WARNING: possible circular locking dependency detected" },
		{ "rcu_unlocked", "WARNING: suspicious RCU usage" },
		{ "use_after_free", "BUG: KASAN: slab-use-after-free in use_after_free+" },
		{ "out_of_bounds", "BUG: KASAN: slab-out-of-bounds in out_of_bounds+" },
		{ "global_out_of_bounds", "BUG: KASAN: global-out-of-bounds in global_out_of_bounds+" },
		{ "bad_shift", "UBSAN: shift-out-of-bounds" },
		{ "free_active_work", "ODEBUG: free active" },
		{ "warn", "splat_test.c" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].mistake);
		assert_int_equal(boot_with(cases[i].mistake, cases[i].report), SEEN);
	}
}

static void test_no_mistake_boots(void **state)
{
	assert_int_equal(boot_with("none", "nothing"), NOT_SEEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_mistake_boots),
		cmocka_unit_test(test_mistakes_are_seen),
	};

	if (boot_with("warn", "splat_test.c") == NO_CHECKS) {
		puts("skipped: this kernel is built without its own checks (make check-debug has one)");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
