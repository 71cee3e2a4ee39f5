// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_stack.c - the instance from outside: boot, tasks, sockets over lo, timers, idle, notifiers, crashes, halt
 *
 * An instance boots once in a process, so the order of the tests is part of the test: first what must fail before boot,
 * then all that runs on the one instance, then halt and what must fail after it. Crashes are tried in children that were
 * forked before the parent booted.
 */
#include "harness.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A user may have one task for each 16 kernel stacks that would fit into memory, and 200 are started at once: that takes
 * 50 MiB with stacks of 16 KiB and 200 with those of the debug build.
 */
enum { MEMORY_MIB = 256 };

static unsigned int log_lines;
static char log_first[128];

static void on_log(void *ctx, int level, const char *line, size_t len)
{
	if (!log_lines++)
		snprintf(log_first, sizeof(log_first), "%.*s", (int)len, line);
}

/* ---- before boot ---- */

static int never(void *arg)
{
	return 0;
}

static void test_before_boot(void **state)
{
	struct lkl_options bad = { .cpu = -7 };

	assert_int_equal(lkl_is_running(), 0);
	assert_int_equal(lkl_task_start("x", never, NULL, 0), -ESRCH);
	assert_int_equal(lkl_sys_halt(), -ESRCH);
	assert_int_equal(lkl_sys_getppid(), -ESRCH);
	assert_int_equal(lkl_notify(0), -ESRCH);
	assert_int_equal(lkl_set_options(&bad), -EINVAL);
	assert_int_equal(lkl_set_options(NULL), -EINVAL);
	assert_int_equal(lkl_start_kernel("mem=64"), -EINVAL);
	assert_int_equal(lkl_start_kernel("mem=64MB"), -EINVAL);
	assert_int_equal(lkl_start_kernel("mem=1M"), -EINVAL);
	assert_int_equal(lkl_start_kernel("mem=-1G"), -EINVAL);
	assert_int_equal(lkl_start_kernel("mem=x"), -EINVAL);
	assert_int_equal(lkl_is_running(), 0);
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	const char *want = ctx;

	/* What the parent checks is the exit code: all that was said must hold. */
	_exit(strstr(message, want) && strstr(backtrace, "+0x") ? 42 : (fprintf(stderr, "%s\n%s\n", message, backtrace), 43));
}

static int write_from_null(void *arg)
{
	int fds[2];

	if (lkl_sys_pipe2(fds, 0))
		return 1;
	return lkl_sys_write(fds[1], (void *)8, 100);
}

/* Keeps a kernel worker busy: each read queues work on every vCPU and waits for it. */
static int workers_work(void *arg)
{
	char byte;
	int fd;

	if (lkl_sysctl("kernel.panic", "0")) /* mounts /proc */
		return 1;
	for (;;) {
		fd = lkl_sys_openat(AT_FDCWD, "/proc/sys/vm/stat_refresh", O_RDONLY, 0);
		if (fd < 0)
			return 1;
		lkl_sys_read(fd, &byte, 1);
		lkl_sys_close(fd);
		*(volatile int *)arg = 1;
	}
}

/* bug: 0: a bad pointer in a task; 1 ..: BUG() on the vCPU, at another moment each. */
static int crash_child(const char *want, int bug)
{
	volatile int worked = 0;
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	int status;
	pid_t pid = fork();

	if (!pid) {
		opts.panic = on_panic;
		opts.panic_ctx = (void *)want;
		if (lkl_set_options(&opts) || lkl_start_kernel("mem=32M"))
			_exit(1);
		if (bug) {
			if (lkl_task_start("work", workers_work, (void *)&worked, 0) < 0)
				_exit(1);
			while (!worked)
				usleep(10);
			usleep(bug);
			lkl_debug_bug();
		} else {
			lkl_task_start("bad", write_from_null, NULL, 0);
		}
		sleep(60);
		_exit(2);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_bug_reaches_callback(void **state)
{
	int bug;

	/* Whatever runs just then, a worker thread of the kernel's included. */
	for (bug = 1; bug <= 20; bug++)
		assert_int_equal(crash_child("BUG at", bug), 42);
}

static void test_bad_pointer_reaches_callback(void **state)
{
	assert_int_equal(crash_child("SEGV at address 0x8", 0), 42);
}

/* ---- running ---- */

static int bring_up(void *arg)
{
	CHECK(lkl_if_up(LO_IFINDEX) == 0);
	CHECK(lkl_ifname_to_ifindex("lo") == LO_IFINDEX);
	CHECK(lkl_ifname_to_ifindex("none") == -ENODEV);
	return 0;
}

/* LKL_TEST_BOOT is added to the boot line; lkl_clock=host must be seen to have been taken. */
static int clock_is_as_asked(void *more)
{
	char proc[] = "proc", text[256] = "";
	int fd;

	CHECK(lkl_mount_fs(proc) >= 0);
	fd = lkl_sys_openat(AT_FDCWD, "/proc/cpuinfo", O_RDONLY, 0);
	CHECK(fd >= 0);
	CHECK(lkl_sys_read(fd, text, sizeof(text) - 1) > 0);
	CHECK(lkl_sys_close(fd) == 0);
	CHECK(!more || !strstr(more, "lkl_clock=host") || strstr(text, "clock\t\t: host, 1000 MHz\n"));
	CHECK(strstr(text, "clock\t\t: host") || strstr(text, "clock\t\t: tsc"));
	return 0;
}

static void test_boot(void **state)
{
	char *more = getenv("LKL_TEST_BOOT");
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;

	opts.log = on_log;
	assert_int_equal(lkl_set_options(&opts), 0);
	assert_int_equal(lkl_start_kernel("mem=%dM loglevel=8 %s", MEMORY_MIB, more ? more : ""), 0);
	assert_int_equal(lkl_is_running(), 1);
	assert_int_equal(lkl_set_options(&opts), -EBUSY);
	assert_int_equal(lkl_start_kernel("mem=64M"), -EBUSY);
	assert_true(log_lines > 10);
	assert_memory_equal(log_first, "Linux version ", 14);
	assert_non_null(strstr(log_first, lkl_kernel_release()));
	assert_true(lkl_sys_getppid() >= 0); /* from any thread */
	assert_int_equal(run_task(bring_up, NULL), 0);
	assert_int_equal(run_task(clock_is_as_asked, more), 0);
}

static int return_arg(void *arg)
{
	return (int)(intptr_t)arg;
}

static void test_tasks(void **state)
{
	int ids[200], i, ret;

	for (i = 0; i < 200; i++) {
		ids[i] = lkl_task_start("many", return_arg, (void *)(intptr_t)i, 0);
		assert_true(ids[i] > 0);
	}
	for (i = 0; i < 200; i++) {
		assert_int_equal(lkl_task_join(ids[i], &ret), 0);
		assert_int_equal(ret, i);
	}
	assert_int_equal(lkl_task_join(ids[0], &ret), -ESRCH);
	assert_int_equal(lkl_task_join(99999, &ret), -ESRCH);
	assert_int_equal(lkl_task_start("x", NULL, NULL, 0), -EINVAL);
	assert_int_equal(lkl_task_start("x", never, NULL, 100), -EINVAL);
}

static int syscall_by_number(void *arg)
{
	long params[6] = { 0 };

	CHECK(lkl_syscall(173 /* getppid */, params) == lkl_sys_getppid());
	CHECK(lkl_syscall(99999, params) == -ENOSYS);
	CHECK(lkl_syscall(-1, params) == -ENOSYS);
	CHECK(lkl_sys_close(12345) == -EBADF);
	return 0;
}

static void test_syscall_by_number(void **state)
{
	assert_int_equal(run_task(syscall_by_number, NULL), 0);
}

struct stream {
	int family;
	uint16_t port;
	size_t bytes;
	int ready_handle;
};

static socklen_t loopback(const struct stream *s, struct sockaddr_storage *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->ss_family = s->family;
	if (s->family == AF_INET) {
		struct sockaddr_in *in = (void *)addr;

		in->sin_port = htons(s->port);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in);
	}
	((struct sockaddr_in6 *)addr)->sin6_port = htons(s->port);
	((struct sockaddr_in6 *)addr)->sin6_addr = in6addr_loopback;
	return sizeof(struct sockaddr_in6);
}

static int stream_send(void *arg)
{
	const struct stream *s = arg;
	struct sockaddr_storage addr;
	socklen_t len = loopback(s, &addr);
	static unsigned char buf[65536];
	size_t sent = 0, i, chunk;
	int fd = lkl_sys_socket(s->family, SOCK_STREAM, 0);
	long n;

	CHECK(fd >= 0);
	CHECK(lkl_sys_connect(fd, (void *)&addr, len) == 0);
	while (sent < s->bytes) {
		chunk = s->bytes - sent < sizeof(buf) ? s->bytes - sent : sizeof(buf);
		for (i = 0; i < chunk; i++)
			buf[i] = pattern(sent + i);
		n = lkl_sys_write(fd, buf, chunk);
		CHECK(n > 0);
		sent += n;
	}
	CHECK(lkl_sys_shutdown(fd, SHUT_WR) == 0);
	CHECK(lkl_sys_read(fd, buf, 1) == 0); /* the other side has read all and closed */
	CHECK(lkl_sys_close(fd) == 0);
	return 0;
}

static int stream_receive(void *arg)
{
	const struct stream *s = arg;
	struct sockaddr_storage addr;
	socklen_t len = loopback(s, &addr);
	static unsigned char buf[40000];
	size_t got = 0;
	int lfd = lkl_sys_socket(s->family, SOCK_STREAM, 0), fd, sender, one = 1;
	long n, i;

	CHECK(lfd >= 0);
	CHECK(lkl_sys_setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
	CHECK(lkl_sys_bind(lfd, (void *)&addr, len) == 0);
	CHECK(lkl_sys_listen(lfd, 8) == 0);
	sender = lkl_task_start("sender", stream_send, arg, 0);
	CHECK(sender > 0);
	fd = lkl_sys_accept4(lfd, NULL, NULL, 0);
	CHECK(fd >= 0);
	while ((n = lkl_sys_read(fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++)
			CHECK(buf[i] == pattern(got + i));
		got += n;
	}
	CHECK(n == 0 && got == s->bytes);
	CHECK(lkl_sys_close(fd) == 0);
	CHECK(lkl_sys_close(lfd) == 0);
	return 0;
}

static void test_tcp_over_lo(void **state)
{
	static const size_t sizes[] = { 0, 1, 1460, 65537, 50000000 };
	struct stream s = { .port = 2000 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		s.bytes = sizes[i];
		s.port++;
		s.family = AF_INET;
		assert_int_equal(run_task(stream_receive, &s), 0);
		s.family = AF_INET6;
		assert_int_equal(run_task(stream_receive, &s), 0);
	}
}

static int congestion_controls(void *arg)
{
	static const char *const names[] = { "cubic", "reno", "bbr", "dctcp", "vegas", "westwood", "htcp", "illinois" };
	struct stream s = { .family = AF_INET, .port = 2100, .bytes = 3000000 };
	size_t i;
	int err;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CHECK(lkl_sysctl("net.ipv4.tcp_congestion_control", names[i]) == 0);
		s.port++;
		err = stream_receive(&s);
		if (err)
			return err;
	}
	CHECK(lkl_sysctl("net.ipv4.tcp_congestion_control", "none") == -ENOENT);
	CHECK(lkl_sysctl("net.ipv4.tcp_congestion_control", "cubic") == 0);
	return 0;
}

static void test_congestion_controls(void **state)
{
	assert_int_equal(run_task(congestion_controls, NULL), 0);
}

static int epoll_many(void *arg)
{
	enum { PAIRS = 500 };
	struct epoll_event ev, evs[64];
	int fds[PAIRS][2], ep = lkl_sys_epoll_create1(0), i, n, seen = 0;
	char c;

	CHECK(ep >= 0);
	for (i = 0; i < PAIRS; i++) {
		CHECK(lkl_sys_pipe2(fds[i], O_NONBLOCK) == 0);
		ev.events = EPOLLIN | EPOLLET;
		ev.data.u64 = i;
		CHECK(lkl_sys_epoll_ctl(ep, EPOLL_CTL_ADD, fds[i][0], &ev) == 0);
	}
	CHECK(lkl_sys_epoll_wait(ep, evs, 64, 0) == 0);
	for (i = 0; i < PAIRS; i += 5)
		CHECK(lkl_sys_write(fds[i][1], "x", 1) == 1);
	while ((n = lkl_sys_epoll_wait(ep, evs, 64, 0)) > 0) {
		for (i = 0; i < n; i++) {
			CHECK(evs[i].data.u64 % 5 == 0);
			CHECK(lkl_sys_read(fds[evs[i].data.u64][0], &c, 1) == 1);
		}
		seen += n;
	}
	CHECK(n == 0 && seen == PAIRS / 5);
	for (i = 0; i < PAIRS; i++) {
		CHECK(lkl_sys_close(fds[i][0]) == 0);
		CHECK(lkl_sys_close(fds[i][1]) == 0);
	}
	return lkl_sys_close(ep);
}

static void test_epoll(void **state)
{
	assert_int_equal(run_task(epoll_many, NULL), 0);
}

static int udp_and_unix(void *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
	int len = sizeof(a), fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0);
	char buf[64] = "";

	CHECK(fd >= 0);
	CHECK(lkl_sys_bind(fd, (void *)&a, sizeof(a)) == 0);
	CHECK(lkl_sys_getsockname(fd, (void *)&a, &len) == 0 && a.sin_port);
	CHECK(lkl_sys_sendto(fd, "hello", 5, 0, (void *)&a, sizeof(a)) == 5);
	len = sizeof(from);
	CHECK(lkl_sys_recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len) == 5);
	CHECK(!memcmp(buf, "hello", 5) && from.sin_port == a.sin_port);
	CHECK(lkl_sys_recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL) == -EAGAIN);
	CHECK(lkl_sys_close(fd) == 0);
	fd = lkl_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	CHECK(lkl_sys_write(fd, "x", 1) == -ENOTCONN || lkl_sys_write(fd, "x", 1) == -EPIPE);
	return lkl_sys_close(fd);
}

static void test_udp_and_unix(void **state)
{
	assert_int_equal(run_task(udp_and_unix, NULL), 0);
}

static int sleeps(void *arg)
{
	static const int64_t lengths_ns[] = { 0, 1000, 50000, 1000000, 30000000 };
	int64_t t;
	size_t i;

	for (i = 0; i < sizeof(lengths_ns) / sizeof(lengths_ns[0]); i++) {
		t = now_ns(CLOCK_MONOTONIC);
		CHECK(lkl_sys_nanosleep_ns(lengths_ns[i]) == 0);
		t = now_ns(CLOCK_MONOTONIC) - t;
		/* Never early beyond the clocks' difference; how late is a matter of the machine's load. */
		CHECK(t >= lengths_ns[i] - lengths_ns[i] / 1000 - 1000);
		CHECK(t < lengths_ns[i] + 20000000000);
	}
	return 0;
}

static void test_sleeps(void **state)
{
	assert_int_equal(run_task(sleeps, NULL), 0);
}

static int notifier_fd, notifier_handle;

static int notifier_wait(void *arg)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = lkl_sys_epoll_create1(0), got = 0, n;
	uint64_t count;

	notifier_fd = lkl_notifier_new(&notifier_handle);
	CHECK(notifier_fd >= 0);
	CHECK(lkl_sys_epoll_ctl(ep, EPOLL_CTL_ADD, notifier_fd, &ev) == 0);
	__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
	while (got < 1000) {
		n = lkl_sys_epoll_wait(ep, &ev, 1, -1);
		CHECK(n == 1);
		CHECK(lkl_sys_read(notifier_fd, &count, sizeof(count)) == sizeof(count));
		got += count;
	}
	__atomic_store_n((int *)arg, 2, __ATOMIC_RELEASE);
	return lkl_sys_close(ep);
}

static void test_notifier(void **state)
{
	struct timespec pause = { .tv_nsec = 20000 };
	int ready = 0, id = lkl_task_start("wait", notifier_wait, &ready, 0), ret, i;

	while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		nanosleep(&pause, NULL);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(lkl_notify(notifier_handle), 0);
		/* Sometimes while the vCPU spins, sometimes while it sleeps; two that meet count once. */
		nanosleep(&(struct timespec){ .tv_nsec = i % 2 ? 10000 : 300000 }, NULL);
	}
	/* Top up until the waiter is content; a lost one would keep it for ever. */
	for (i = 0; i < 1000000 && __atomic_load_n(&ready, __ATOMIC_ACQUIRE) != 2; i++) {
		lkl_notify(notifier_handle);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(ready, 2);
	assert_int_equal(lkl_task_join(id, &ret), 0);
	assert_int_equal(ret, 0);
	assert_int_equal(lkl_notify(63), -EINVAL);
	assert_int_equal(lkl_notify(-1), -EINVAL);
}

static void test_idle_uses_no_cpu(void **state)
{
	int64_t cpu, wall;
	int try = 0;

	sleep(1); /* let what the tests before left behind expire */
	/* Under 0.2 %; again if something came late. */
	do {
		cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
		wall = now_ns(CLOCK_MONOTONIC);
		sleep(2);
		cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		wall = now_ns(CLOCK_MONOTONIC) - wall;
		print_message("idle: %.3f %% CPU\n", 100.0 * cpu / wall);
	} while (cpu >= wall / 500 && ++try < 10);
	assert_true(cpu < wall / 500);
}

static int allocate_too_much(void *arg)
{
	enum { FDS = MEMORY_MIB * 24 };
	static char buf[65536];
	static int fds[FDS][2];
	int i, n, failed = 0;

	/* Pipes of 64 KiB, half as much again as there is memory: it has to run out, and to be usable afterwards. */
	for (n = 0; n < FDS; n++) {
		if (lkl_sys_pipe2(fds[n], O_NONBLOCK)) {
			failed = 1;
			break;
		}
		if (lkl_sys_write(fds[n][1], buf, sizeof(buf)) < (long)sizeof(buf))
			failed = 1;
	}
	CHECK(failed);
	for (i = 0; i < n; i++) {
		CHECK(lkl_sys_close(fds[i][0]) == 0);
		CHECK(lkl_sys_close(fds[i][1]) == 0);
	}
	return 0;
}

static void test_out_of_memory(void **state)
{
	assert_int_equal(run_task(allocate_too_much, NULL), 0);
	assert_int_equal(run_task(epoll_many, NULL), 0);
}

static int block_for_ever(void *arg)
{
	int fds[2];
	char c;

	if (lkl_sys_pipe2(fds, 0))
		return 1;
	return lkl_sys_read(fds[0], &c, 1);
}

static void test_halt(void **state)
{
	int id = lkl_task_start("blocked", block_for_ever, NULL, 0), ret;

	assert_true(id > 0);
	assert_int_equal(lkl_sys_halt(), 0);
	assert_int_equal(lkl_is_running(), 0);
	assert_int_equal(lkl_task_join(id, &ret), -EIO);
	assert_int_equal(lkl_sys_halt(), -ESRCH);
	assert_int_equal(lkl_task_start("x", never, NULL, 0), -ESRCH);
	assert_int_equal(lkl_sys_getppid(), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_boot),
		cmocka_unit_test(test_bug_reaches_callback),
		cmocka_unit_test(test_bad_pointer_reaches_callback),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_syscall_by_number),
		cmocka_unit_test(test_tcp_over_lo),
		cmocka_unit_test(test_congestion_controls),
		cmocka_unit_test(test_epoll),
		cmocka_unit_test(test_udp_and_unix),
		cmocka_unit_test(test_sleeps),
		cmocka_unit_test(test_notifier),
		cmocka_unit_test(test_idle_uses_no_cpu),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_halt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
