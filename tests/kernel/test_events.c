// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_events.c - what else one can wait for: eventfd(2), timerfd_create(2), signalfd(2), futex(2), clocks and sleep,
 * inotify(7) where it is built; and getrandom(2)
 *
 * Times are checked downwards only: nothing may end early. How late is a matter of the machine's load.
 */
#include "harness.h"

#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static int is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec zero = { 0 };

	return sys(ppoll, &pfd, 1, &zero, NULL, 0);
}

static int eventfds(void *arg)
{
	uint64_t value;
	int fd = lkl_sys_eventfd2(3, EFD_NONBLOCK);

	CHECK_EQ(lkl_sys_read(fd, &value, 4), -EINVAL);
	CHECK_EQ(lkl_sys_read(fd, &value, 8), 8);
	CHECK_EQ(value, 3);
	CHECK_EQ(lkl_sys_read(fd, &value, 8), -EAGAIN);
	CHECK_EQ(is_readable(fd), 0);
	value = 5;
	CHECK_EQ(lkl_sys_write(fd, &value, 8), 8);
	CHECK_EQ(lkl_sys_write(fd, &value, 8), 8);
	CHECK_EQ(is_readable(fd), 1);
	value = UINT64_MAX;
	CHECK_EQ(lkl_sys_write(fd, &value, 8), -EINVAL);
	value = UINT64_MAX - 1;
	CHECK_EQ(lkl_sys_write(fd, &value, 8), -EAGAIN); /* 10 are in it: no room */
	CHECK_EQ(lkl_sys_read(fd, &value, 8), 8);
	CHECK_EQ(value, 10);
	CHECK_EQ(lkl_sys_close(fd), 0);

	fd = lkl_sys_eventfd2(2, EFD_NONBLOCK | EFD_SEMAPHORE);
	CHECK_EQ(lkl_sys_read(fd, &value, 8), 8);
	CHECK_EQ(value, 1);
	CHECK_EQ(lkl_sys_read(fd, &value, 8), 8);
	CHECK_EQ(lkl_sys_read(fd, &value, 8), -EAGAIN);
	return lkl_sys_close(fd);
}

static int timers(void *arg)
{
	static const int64_t length_ns = 5000000;
	struct itimerspec set = { .it_value.tv_nsec = length_ns }, got;
	uint64_t times;
	int fd = sys(timerfd_create, CLOCK_MONOTONIC, 0), i;
	int64_t t = stack_now_ns();

	CHECK(fd >= 0);
	CHECK_EQ(sys(timerfd_settime, fd, 0, &set, NULL), 0);
	CHECK_EQ(lkl_sys_read(fd, &times, 8), 8);
	CHECK_EQ(times, 1);
	CHECK(stack_now_ns() - t >= length_ns);

	/* At a point of time, here one in the past. */
	t = stack_now_ns() - 1;
	set.it_value = (struct timespec){ t / 1000000000, t % 1000000000 };
	CHECK_EQ(sys(timerfd_settime, fd, TFD_TIMER_ABSTIME, &set, NULL), 0);
	CHECK_EQ(lkl_sys_read(fd, &times, 8), 8);
	CHECK_EQ(times, 1);

	/* Every two milliseconds: five of them take ten, however they are counted. */
	t = stack_now_ns();
	set = (struct itimerspec){ .it_value.tv_nsec = 2000000, .it_interval.tv_nsec = 2000000 };
	CHECK_EQ(sys(timerfd_settime, fd, 0, &set, NULL), 0);
	for (i = 0; i < 5; i += times)
		CHECK_EQ(lkl_sys_read(fd, &times, 8), 8);
	CHECK(stack_now_ns() - t >= 10000000);
	CHECK_EQ(sys(timerfd_gettime, fd, &got), 0);
	CHECK_EQ(got.it_interval.tv_nsec, 2000000);
	CHECK(got.it_value.tv_nsec <= 2000000);

	/* Taken back. */
	set = (struct itimerspec){ .it_value.tv_sec = 1000 };
	CHECK_EQ(sys(timerfd_settime, fd, 0, &set, NULL), 0);
	set.it_value.tv_sec = 0;
	CHECK_EQ(sys(timerfd_settime, fd, 0, &set, &got), 0);
	CHECK(got.it_value.tv_sec >= 900);
	CHECK_EQ(is_readable(fd), 0);
	CHECK_EQ(sys(timerfd_create, 77, 0), -EINVAL);
	return lkl_sys_close(fd);
}

/* Signals are for descriptors only: a task that blocks one, and sends it to itself, finds it there. */
static int signals(void *arg)
{
	kernel_sigset set = SIG_BIT(SIGUSR1) | SIG_BIT(SIGRTMIN), old;
	struct signalfd_siginfo info;
	union sigval value = { .sival_int = 4711 };
	siginfo_t queued = { .si_signo = SIGRTMIN, .si_code = SI_QUEUE };
	long pid = lkl_sys_getpid(), tid = sys(gettid, 0);
	int fd;

	CHECK_EQ(sys(rt_sigprocmask, SIG_BLOCK, &set, &old, sizeof(set)), 0);
	fd = sys(signalfd4, -1, &set, sizeof(set), SFD_NONBLOCK);
	CHECK(fd >= 0);
	CHECK_EQ(lkl_sys_read(fd, &info, sizeof(info)), -EAGAIN);
	CHECK_EQ(sys(tgkill, pid, tid, SIGUSR1), 0);
	CHECK_EQ(is_readable(fd), 1);
	CHECK_EQ(lkl_sys_read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	CHECK_EQ(info.ssi_pid, pid);
	CHECK_EQ(info.ssi_code, SI_TKILL);
	/* A queued signal brings its value. */
	queued.si_value = value;
	CHECK_EQ(sys(rt_tgsigqueueinfo, pid, tid, SIGRTMIN, &queued), 0);
	CHECK_EQ(lkl_sys_read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGRTMIN);
	CHECK_EQ(info.ssi_int, 4711);
	CHECK_EQ(lkl_sys_read(fd, &info, sizeof(info)), -EAGAIN);

	/* To the process: its leader, pid 1, does not block the signal and ignores it, so it is gone. */
	CHECK_EQ(sys(kill, pid, SIGUSR1), 0);
	CHECK_EQ(sys(kill, pid, 0), 0);
	CHECK_EQ(lkl_sys_read(fd, &info, sizeof(info)), -EAGAIN);
	CHECK_EQ(sys(kill, 999999, 0), -ESRCH);
	CHECK_EQ(sys(rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old)), 0);
	/* Not blocked, it is ignored, and no call ends because of it. */
	CHECK_EQ(sys(tgkill, pid, tid, SIGUSR1), 0);
	CHECK_EQ(lkl_sys_nanosleep_ns(1000000), 0);
	return lkl_sys_close(fd);
}

static int inotifies(void *arg)
{
	union {
		struct inotify_event event;
		char bytes[512];
	} buf;
	long fd = sys(inotify_init1, IN_NONBLOCK), wd;

	if (fd == -ENOSYS) {
		print_message("inotify: not in the configuration (CONFIG_INOTIFY_USER)\n");
		return SKIP;
	}
	CHECK(fd >= 0);
	CHECK_EQ(lkl_sys_mkdirat(AT_FDCWD, "/watched", 0700), 0);
	wd = sys(inotify_add_watch, fd, "/watched", IN_CREATE);
	CHECK(wd >= 0);
	CHECK_EQ(lkl_sys_close(lkl_sys_openat(AT_FDCWD, "/watched/file", O_CREAT | O_WRONLY, 0600)), 0);
	CHECK(lkl_sys_read(fd, &buf, sizeof(buf)) > 0);
	CHECK_EQ(buf.event.wd, wd);
	CHECK_EQ(buf.event.mask, IN_CREATE);
	CHECK(!strcmp(buf.event.name, "file"));
	return lkl_sys_close(fd);
}

/* A lock of two parties that sleep: word 0 free, 1 taken. They take turns at a counter. */
static uint32_t futex_word, futex_count;

static int futex_lock_and_count(void *arg)
{
	int i;

	for (i = 0; i < 2000; i++) {
		while (__atomic_exchange_n(&futex_word, 1, __ATOMIC_ACQUIRE)) {
			long err = sys(futex, &futex_word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);

			CHECK(err == 0 || err == -EAGAIN);
		}
		futex_count++;
		if (i % 100 == 0)
			CHECK_EQ(sys(sched_yield, 0), 0); /* with the lock held */
		__atomic_store_n(&futex_word, 0, __ATOMIC_RELEASE);
		CHECK(sys(futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) >= 0);
	}
	return 0;
}

static int futexes(void *arg)
{
	struct timespec limit = { .tv_nsec = 5000000 };
	struct peer peer;
	uint32_t word = 5;
	int64_t t = stack_now_ns();

	CHECK_EQ(sys(futex, &word, FUTEX_WAIT, 4, NULL, NULL, 0), -EAGAIN);
	CHECK_EQ(sys(futex, &word, FUTEX_WAIT, 5, &limit, NULL, 0), -ETIMEDOUT);
	CHECK(stack_now_ns() - t >= limit.tv_nsec);
	CHECK_EQ(sys(futex, &word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(peer_start(&peer, futex_lock_and_count, NULL), 0);
	CHECK_EQ(futex_lock_and_count(NULL), 0);
	CHECK_EQ(peer_join(&peer), 0);
	CHECK_EQ(futex_count, 4000);
	return 0;
}

static int clocks(void *arg)
{
	static const int ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_TAI };
	struct timespec a, b, res, host;
	int64_t t, passed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		CHECK_EQ(sys(clock_getres, ids[i], &res), 0);
		CHECK(res.tv_sec == 0 && res.tv_nsec == 1);
		CHECK_EQ(sys(clock_gettime, ids[i], &a), 0);
		CHECK_EQ(lkl_sys_nanosleep_ns(1000000), 0);
		CHECK_EQ(sys(clock_gettime, ids[i], &b), 0);
		passed = (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
		CHECK(passed >= 999000); /* sleep goes by another clock than MONOTONIC_RAW */
	}
	/* The wall clock is the host's, give or take what passes between two calls on a busy machine. */
	clock_gettime(CLOCK_REALTIME, &host);
	CHECK_EQ(sys(clock_gettime, CLOCK_REALTIME, &a), 0);
	CHECK(a.tv_sec - host.tv_sec >= -1 && a.tv_sec - host.tv_sec < 60);
	CHECK_EQ(sys(clock_gettime, 4242, &a), -EINVAL);

	/* To a point of time. */
	t = stack_now_ns() + 3000000;
	a = (struct timespec){ t / 1000000000, t % 1000000000 };
	CHECK_EQ(sys(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL), 0);
	CHECK(stack_now_ns() >= t);
	a = (struct timespec){ 0, 1000000000 };
	CHECK_EQ(sys(clock_nanosleep, CLOCK_MONOTONIC, 0, &a, NULL), -EINVAL);
	return 0;
}

static int random_bytes(void *arg)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };

	CHECK_EQ(sys(getrandom, a, sizeof(a), 0), sizeof(a));
	CHECK_EQ(sys(getrandom, b, sizeof(b), 1 /* GRND_NONBLOCK */), sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)));
	CHECK_EQ(sys(getrandom, a, 1, 0xff00), -EINVAL);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(eventfds),
		BODY(timers),
		BODY(signals),
		BODY(inotifies),
		BODY(futexes),
		BODY(clocks),
		BODY(random_bytes),
	};

	return RUN_BODIES(tests, argc, argv);
}
