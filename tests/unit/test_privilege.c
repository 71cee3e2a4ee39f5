// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_privilege.c - what a worker can still do after it has given up its privileges
 *
 * Each case is a child that drops privileges as a worker of one stack does and then tries one
 * thing. Works as root (chroot, capabilities) and as anybody else (Landlock).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "privilege.h"

static struct privilege privilege;

/* What the child does after the drop; its value is its exit status. */
typedef int (*attempt)(void);

/* Exit status, or 1000 + signal. */
static int run(enum privilege_worker kind, attempt fn)
{
	char err[256] = "";
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGSYS, SIG_DFL); /* not cmocka's handler */
		if (privilege_drop_worker(&privilege, kind, err, sizeof(err))) {
			fprintf(stderr, "%s\n", err);
			_exit(99);
		}
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int do_nothing(void)
{
	return 0;
}

static int do_exec(void)
{
	char *argv[] = { "true", NULL };

	execv("/bin/true", argv);
	return 1;
}

static int do_fork(void)
{
	return fork() < 0 ? 1 : 2;
}

static void *thread(void *arg)
{
	return arg;
}

static int do_thread(void)
{
	void *result = NULL;
	pthread_t t;

	if (pthread_create(&t, NULL, thread, &privilege) || pthread_join(t, &result))
		return 1;
	return result != &privilege;
}

static int do_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int do_mmap_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int do_mprotect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) != 0;
}

static int do_open(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 1;
}

static int do_kill(void)
{
	return kill(getppid(), 0);
}

static int do_unlink(void)
{
	return unlink("/tmp/accd-no-such-file");
}

static int do_setuid(void)
{
	return setuid(0);
}

/* What /proc says of us, seen before the filter stands: the parent reads it while we wait. */
static void test_status(void **state)
{
	char path[64], line[256], err[256] = "", byte;
	int fds[2], ready[2], seen = 0;
	unsigned long long value;
	pid_t pid;
	FILE *f;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		int r = privilege_drop_worker(&privilege, PRIVILEGE_HOST, err, sizeof(err));

		if (write(ready[1], "x", 1) != 1 || read(fds[0], &byte, 1) != 1)
			r = 1;
		_exit(r != 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Seccomp: %llu", &value) == 1) {
			assert_int_equal(value, 2);
			seen++;
		} else if (sscanf(line, "NoNewPrivs: %llu", &value) == 1) {
			assert_int_equal(value, 1);
			seen++;
		} else if (sscanf(line, "CapEff: %llx", &value) == 1 ||
			   sscanf(line, "CapPrm: %llx", &value) == 1) {
			assert_int_equal(value, 0);
			seen++;
		}
	}
	fclose(f);
	assert_int_equal(seen, 4);
	assert_int_equal(write(fds[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
}

static void test_allowed(void **state)
{
	assert_int_equal(run(PRIVILEGE_HOST, do_nothing), 0);
	assert_int_equal(run(PRIVILEGE_LKL, do_nothing), 0);
	assert_int_equal(run(PRIVILEGE_HOST, do_thread), 0);
	assert_int_equal(run(PRIVILEGE_LKL, do_thread), 0);
	assert_int_equal(run(PRIVILEGE_HOST, do_socket), 0);
	assert_int_equal(run(PRIVILEGE_HOST, do_open), 0);
	assert_int_equal(run(PRIVILEGE_LKL, do_open), 0);
}

static void test_forbidden(void **state)
{
	static const attempt attempts[] = { do_exec, do_fork, do_mmap_exec, do_kill, do_unlink, do_setuid };
	unsigned int i;

	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		assert_int_equal(run(PRIVILEGE_HOST, attempts[i]), 1000 + SIGSYS);
		assert_int_equal(run(PRIVILEGE_LKL, attempts[i]), 1000 + SIGSYS);
	}
	assert_int_equal(run(PRIVILEGE_HOST, do_mprotect_exec), 1000 + SIGSYS);
	/* the relay of the library's stack has no socket of the host's */
	assert_int_equal(run(PRIVILEGE_LKL, do_socket), 1000 + SIGSYS);
}

/* An open that no filter sees: the directory is all there is. */
static void test_no_file_system(void **state)
{
	char path[64], link[256] = "", err[256] = "", byte;
	int fds[2], ready[2];
	ssize_t n;
	pid_t pid;

	if (!privilege.is_root) {
		print_message("not root: Landlock is used, which /proc does not show\n");
		skip();
	}
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		int r = privilege_drop_worker(&privilege, PRIVILEGE_LKL, err, sizeof(err));

		if (write(ready[1], "x", 1) != 1 || read(fds[0], &byte, 1) != 1)
			r = 1;
		_exit(r != 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	n = readlink(path, link, sizeof(link) - 1);
	assert_true(n > 0);
	assert_non_null(strstr(link, "accd-empty"));
	assert_non_null(strstr(link, "(deleted)"));
	assert_int_equal(write(fds[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
}

static int setup(void **state)
{
	static struct conf conf;
	char err[256] = "";

	strcpy(conf.user, "nobody");
	return privilege_init(&privilege, &conf, err, sizeof(err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_no_file_system),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
