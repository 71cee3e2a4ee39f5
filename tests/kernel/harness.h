/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness.h - what all tests of the stack's behaviour share: boot, callers, checks, system calls by number
 *
 * A test's body is a function `int body(void *arg)` that makes system calls inside the instance; it returns 0, or SKIP
 * after saying why. BODY(body) is its row in cmocka's table. Who calls the body is one switch for the whole program, the
 * environment variable LKL_TEST_CALLER:
 *   task    (default) an application task, lkl_task_start()
 *   thread  a plain host thread
 * A body that needs a second party starts a `struct peer`, which is of the same kind as its caller, and waits for it
 * with peer_join(): an eventfd inside the instance, so that a task blocks as a task and a thread as a thread. Bodies must not
 * use cmocka's asserts, which longjmp: CHECK() and CHECK_EQ() return from the body.
 *
 * LKL_TEST_BOOT is added to the boot line (e.g. nr_cpus=4); the program's argument is a cmocka filter of test names.
 *
 * sys(NAME, ...) calls by number. The library's numbers are those of asm-generic, so <sys/syscall.h>, which has the
 * host's, must not be included beside this header.
 */
#ifndef TESTS_KERNEL_HARNESS_H
#define TESTS_KERNEL_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SYS_CLONE3
#include <asm-generic/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lkl/lkl.h>

#define LO_IFINDEX 1
#define SKIP 77
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * AddressSanitizer gives each thread a signal stack and unmaps the current one at the thread's end; the vCPU's thread
 * has one of its own (host/panic.c), which is not to be unmapped.
 */
const char *__asan_default_options(void) __attribute__((weak)); /* several files of a program may include this */
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

/* ---- checks ---- */

#define CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		return -__LINE__; \
	} \
} while (0)

#define CHECK_EQ(expr, want) do { \
	long value_ = (long)(expr), want_ = (long)(want); \
	if (value_ != want_) { \
		fprintf(stderr, "%s:%d: %s is %ld, not %s = %ld\n", __FILE__, __LINE__, #expr, value_, #want, want_); \
		return -__LINE__; \
	} \
} while (0)

/* Run a helper that checks for itself. */
#define TRY(call) do { \
	int err_ = (call); \
	if (err_) { \
		fprintf(stderr, "%s:%d: in %s\n", __FILE__, __LINE__, #call); \
		return err_; \
	} \
} while (0)

/* ---- system calls by number ---- */

#define SYS_1(a) (long)(a)
#define SYS_2(a, ...) (long)(a), SYS_1(__VA_ARGS__)
#define SYS_3(a, ...) (long)(a), SYS_2(__VA_ARGS__)
#define SYS_4(a, ...) (long)(a), SYS_3(__VA_ARGS__)
#define SYS_5(a, ...) (long)(a), SYS_4(__VA_ARGS__)
#define SYS_6(a, ...) (long)(a), SYS_5(__VA_ARGS__)
#define SYS_N(_1, _2, _3, _4, _5, _6, list, ...) list
/* A call without arguments gets a 0: sys(getpid, 0). */
#define sys(name, ...) \
	lkl_syscall(__NR_##name,        \
		    (long[6]){ SYS_N(__VA_ARGS__, SYS_6, SYS_5, SYS_4, SYS_3, SYS_2, SYS_1, )(__VA_ARGS__) })

/* The kernel's signal set is one 64-bit word. */
typedef uint64_t kernel_sigset;
#define SIG_BIT(sig) (1ull << ((sig) - 1))

/* ---- callers ---- */

static inline int callers_are_threads(void)
{
	const char *caller = getenv("LKL_TEST_CALLER");

	return caller && !strcmp(caller, "thread");
}

/* Run fn(arg) as a task and give back what it returns. */
static inline int run_task(lkl_task_fn fn, void *arg)
{
	int id = lkl_task_start("test", fn, arg, 0), ret = -1;

	assert_true(id > 0);
	assert_int_equal(lkl_task_join(id, &ret), 0);
	return ret;
}

struct peer {
	lkl_task_fn fn;
	void *arg;
	int done;	/* eventfd */
	int ret;	/* valid once `done` was read */
};

static inline int peer_run(void *arg)
{
	struct peer *peer = arg;
	uint64_t one = 1;

	peer->ret = peer->fn(peer->arg);
	lkl_sys_write(peer->done, &one, sizeof(one)); /* `peer` may be gone after this */
	return 0;
}

static inline void *peer_thread(void *arg)
{
	peer_run(arg);
	return NULL;
}

/* 0 or -errno. */
static inline int peer_start(struct peer *peer, lkl_task_fn fn, void *arg)
{
	pthread_t thread;
	int err;

	*peer = (struct peer){ .fn = fn, .arg = arg };
	peer->done = lkl_sys_eventfd2(0, 0);
	if (peer->done < 0)
		return peer->done;
	if (!callers_are_threads()) {
		err = lkl_task_start("peer", peer_run, peer, 0);
		return err < 0 ? err : 0;
	}
	err = -pthread_create(&thread, NULL, peer_thread, peer);
	if (!err)
		pthread_detach(thread);
	return err;
}

/* What the peer's function returned. */
static inline int peer_join(struct peer *peer)
{
	uint64_t one;
	long n = lkl_sys_read(peer->done, &one, sizeof(one));

	lkl_sys_close(peer->done);
	return n == sizeof(one) ? peer->ret : -EIO;
}

struct thread_body {
	lkl_task_fn fn;
	int ret;
};

static inline void *thread_body_run(void *arg)
{
	struct thread_body *body = arg;

	body->ret = body->fn(NULL);
	return NULL;
}

static inline int run_thread(lkl_task_fn fn)
{
	struct thread_body body = { fn, -1 };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, thread_body_run, &body), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return body.ret;
}

static inline void body_test(void **state)
{
	lkl_task_fn fn = (lkl_task_fn)*state;
	int ret = callers_are_threads() ? run_thread(fn) : run_task(fn, NULL);

	if (ret == SKIP)
		skip();
	assert_int_equal(ret, 0);
}

#define BODY(fn) { #fn, body_test, NULL, NULL, (void *)fn }

/* ---- the instance ---- */

static inline int instance_prepare(void *arg)
{
	(void)arg;
	CHECK_EQ(lkl_if_up(LO_IFINDEX), 0);
	/* Mounts /proc, too. */
	CHECK_EQ(lkl_sysctl("net.ipv4.ping_group_range", "0 2147483647"), 0);
	return 0;
}

static inline int instance_start(void **state)
{
	const char *more = getenv("LKL_TEST_BOOT");

	(void)state;
	if (lkl_start_kernel("mem=64M loglevel=4 %s", more ? more : ""))
		return -1;
	return run_task(instance_prepare, NULL);
}

static inline int instance_stop(void **state)
{
	(void)state;
	return lkl_sys_halt();
}

/* The whole main() of a file of bodies. */
#define RUN_BODIES(tests, argc, argv) \
	((argc) > 1 ? cmocka_set_test_filter((argv)[1]) : (void)0, \
	 cmocka_run_group_tests(tests, instance_start, instance_stop))

/* ---- small things ---- */

static inline int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* CLOCK_MONOTONIC of the instance: what its timers go by. */
static inline int64_t stack_now_ns(void)
{
	struct timespec ts = { 0 };

	sys(clock_gettime, CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Read a file of the instance as a string; its length or -errno. */
static inline long file_read(const char *path, char *buf, size_t size)
{
	long fd = lkl_sys_openat(AT_FDCWD, path, O_RDONLY, 0), n = 0, got = 0;

	if (fd < 0)
		return fd;
	while (got < (long)size - 1 && (n = lkl_sys_read(fd, buf + got, size - 1 - got)) > 0)
		got += n;
	buf[got] = 0;
	lkl_sys_close(fd);
	return n < 0 ? n : got;
}

static inline unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 131 + (i >> 8) * 7);
}

#endif /* TESTS_KERNEL_HARNESS_H */
