// SPDX-License-Identifier: GPL-2.0-only
/*
 * notify.c - what systemd is told
 *
 * The protocol is one datagram of "NAME=VALUE" lines to the UNIX socket that NOTIFY_SOCKET names; a
 * name that begins with '@' is in the abstract namespace. It is connected once at the start, so
 * that it needs no file system later.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "notify.h"

static int notify_fd = -1;
static uint32_t watchdog_ms;

void notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;

	if (!len)
		return;
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(addr.sun_path)) {
		msg("NOTIFY_SOCKET: \"%s\": expected a path or @name; systemd is not told", path);
		return;
	}
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd < 0 || connect(notify_fd, (struct sockaddr *)&addr,
				     offsetof(struct sockaddr_un, sun_path) + len)) {
		msg("NOTIFY_SOCKET: \"%s\": %s; systemd is not told", path, strerror(errno));
		if (notify_fd >= 0)
			close(notify_fd);
		notify_fd = -1;
		return;
	}
	if (usec && (!pid || atol(pid) == (long)getpid()))
		watchdog_ms = strtoull(usec, NULL, 10) / 2000;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void notify(const char *text)
{
	ssize_t r;

	if (notify_fd < 0)
		return;
	r = send(notify_fd, text, strlen(text), MSG_NOSIGNAL);
	(void)r; /* systemd sees the lack of it */
}

void notify_ready(const char *status)
{
	char text[256];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	notify(text);
}

void notify_reloading(void)
{
	struct timespec ts;
	char text[128];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	notify(text);
}

void notify_stopping(void)
{
	notify("STOPPING=1");
}

void notify_watchdog(void)
{
	notify("WATCHDOG=1");
}

uint32_t notify_watchdog_ms(void)
{
	return watchdog_ms;
}
