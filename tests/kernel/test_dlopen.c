// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_dlopen.c - liblkl.so, opened by dlopen() in a process that has threads already
 *
 * Usage: test_dlopen /path/of/liblkl.so. Nothing of it is linked. Threads that were there before use the library's
 * thread-local variables, and libc goes on meaning libc: the kernel's functions of the same names stay inside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <lkl/lkl.h>

#define THREADS 8

static const char *library_path;
static pthread_barrier_t opened, done;

static int (*start_kernel)(const char *cmd_line, ...);
static int (*task_start)(const char *name, lkl_task_fn fn, void *arg, size_t stack_bytes);
static int (*task_join)(int id, int *ret);
static long (*inner_getppid)(void);
static long (*inner_socket)(int family, int type, int protocol);
static long (*halt)(void);

static void *early_thread(void *arg)
{
	pthread_barrier_wait(&opened);
	*(long *)arg = inner_getppid();
	pthread_barrier_wait(&done);
	return NULL;
}

static int open_socket(void *arg)
{
	return inner_socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 42 : -1;
}

static void test_dlopen(void **state)
{
	pthread_t threads[THREADS];
	long results[THREADS];
	void *library;
	int i, id, ret;

	pthread_barrier_init(&opened, NULL, THREADS + 1);
	pthread_barrier_init(&done, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, early_thread, &results[i]), 0);

	library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fail_msg("%s", dlerror());
	start_kernel = dlsym(library, "lkl_start_kernel");
	task_start = dlsym(library, "lkl_task_start");
	task_join = dlsym(library, "lkl_task_join");
	inner_getppid = dlsym(library, "lkl_sys_getppid");
	inner_socket = dlsym(library, "lkl_sys_socket");
	halt = dlsym(library, "lkl_sys_halt");
	assert_true(start_kernel && task_start && task_join && inner_getppid && inner_socket && halt);
	assert_null(dlsym(library, "printk"));
	assert_null(dlsym(library, "lkl_kernel_boot"));

	assert_int_equal(start_kernel("mem=64M"), 0);
	pthread_barrier_wait(&opened);
	pthread_barrier_wait(&done);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(results[i], -EPERM);
	}
	id = task_start("test", open_socket, NULL, 0);
	assert_true(id > 0);
	assert_int_equal(task_join(id, &ret), 0);
	assert_int_equal(ret, 42);
	assert_int_equal(halt(), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_dlopen) };

	if (argc != 2) {
		fprintf(stderr, "usage: test_dlopen liblkl.so\n");
		return 2;
	}
	library_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
