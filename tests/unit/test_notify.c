// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_notify.c - the datagrams that systemd gets, and what is done with a wrong environment
 *
 * Each test is a process of its own, since notify_init() is for once.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "notify.h"

static char dir[] = "/tmp/accd-notify.XXXXXX", path[64];

/* The receiver's socket; of a name with '@' in front in the abstract namespace. */
static int receiver(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strcpy(addr.sun_path, name);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	unlink(name);
	if (bind(fd, (struct sockaddr *)&addr, offsetof(struct sockaddr_un, sun_path) + strlen(name)))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static const char *next(int fd)
{
	static char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static bool is_empty(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) < 0;
}

#define MUST(cond)                                                              \
	do {                                                                    \
		if (!(cond)) {                                                  \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond);      \
			_exit(1);                                               \
		}                                                               \
	} while (0)

static void in_a_process(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void all_messages(const char *name)
{
	struct timespec ts;
	uint64_t before_us, at_us;
	int fd = receiver(name);

	MUST(fd >= 0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_init();
	MUST(!getenv("NOTIFY_SOCKET")); /* no worker shall speak for us */
	MUST(is_empty(fd));
	notify_ready("serving");
	MUST(!strcmp(next(fd), "READY=1\nSTATUS=serving"));
	clock_gettime(CLOCK_MONOTONIC, &ts);
	before_us = (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	notify_reloading();
	MUST(sscanf(next(fd), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &at_us) == 1);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	MUST(at_us >= before_us && at_us <= (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	notify_watchdog();
	MUST(!strcmp(next(fd), "WATCHDOG=1"));
	notify_stopping();
	MUST(!strcmp(next(fd), "STOPPING=1"));
	MUST(is_empty(fd));
	/* a receiver that does not read holds up nobody; one that has gone kills nobody */
	for (int i = 0; i < 100000; i++)
		notify_watchdog();
	close(fd);
	notify_stopping();
}

static void by_path(void)
{
	all_messages(path);
}

static void by_abstract_name(void)
{
	char name[64];

	snprintf(name, sizeof(name), "@accd-notify-%d", (int)getpid());
	all_messages(name);
}

static void test_messages(void **state)
{
	in_a_process(by_path);
	in_a_process(by_abstract_name);
}

static void no_socket(void)
{
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "3000000", 1);
	notify_init();
	MUST(!notify_watchdog_ms());
	notify_ready("serving");
	notify_reloading();
	notify_stopping();
}

static void wrong_socket(void)
{
	static const char *const names[] = { "relative", "/nonexistent/socket", "" };
	char longer[200] = "/";
	unsigned int i;

	memset(longer + 1, 'a', 150);
	for (i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", i ? names[i - 1] : longer, 1);
		notify_init();
		notify_ready("serving");
		notify_watchdog();
	}
}

static void test_nobody_to_tell(void **state)
{
	in_a_process(no_socket);
	in_a_process(wrong_socket);
}

static void watchdog(const char *usec, const char *pid, uint32_t ms)
{
	MUST(receiver(path) >= 0);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	notify_init();
	MUST(notify_watchdog_ms() == ms);
	MUST(!getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
}

static void half_the_time(void)
{
	watchdog("3000000", NULL, 1500);
}

static void for_us(void)
{
	char pid[20];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	watchdog("3000000", pid, 1500);
}

static void for_another(void)
{
	watchdog("3000000", "1", 0);
}

static void test_watchdog(void **state)
{
	in_a_process(half_the_time);
	in_a_process(for_us);
	in_a_process(for_another);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_nobody_to_tell),
		cmocka_unit_test(test_watchdog),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	failed = cmocka_run_group_tests_name("notify", tests, NULL, NULL);
	unlink(path);
	rmdir(dir);
	return failed;
}
