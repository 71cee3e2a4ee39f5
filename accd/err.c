// SPDX-License-Identifier: GPL-2.0-only
/*
 * err.c - messages of the daemon
 *
 * A line is formatted into a buffer and leaves with one write(2): supervisor and worker share
 * stderr, and scripts read it line by line.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

static void msg_va(const char *fmt, va_list ap)
{
	char line[1024] = "accd: ";
	size_t head = strlen(line);
	size_t len;
	ssize_t r;
	int n;

	n = vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
	if (n < 0)
		return;
	len = strlen(line);
	line[len++] = '\n';
	r = write(STDERR_FILENO, line, len);
	(void)r; /* nobody left to tell */
}

void msg(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_va(fmt, ap);
	va_end(ap);
}

void die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_va(fmt, ap);
	va_end(ap);
	exit(status);
}
