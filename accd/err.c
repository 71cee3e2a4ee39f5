// SPDX-License-Identifier: GPL-2.0-only
/*
 * err.c - messages of the daemon
 *
 * Threads of a process share its ring; a flag that is only ever tried for a bounded number of
 * turns keeps them apart. Who doesn't get it (its holder is off its CPU, or was interrupted by the
 * very signal that is being reported) writes to stderr.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "log.h"

#define BUSY_TURNS_MAX 1000

static struct log_ring *_Atomic err_ring;
static pid_t err_supervisor;
static atomic_flag is_busy = ATOMIC_FLAG_INIT;

static void write_stderr(char *line)
{
	size_t len = strlen(line);
	ssize_t r;

	line[len++] = '\n';
	r = write(STDERR_FILENO, line, len);
	(void)r; /* nobody left to tell */
}

/* False: there is no ring, or nobody reads it. */
static bool to_ring(enum msg_level level, const char *text)
{
	struct log_ring *ring = atomic_load(&err_ring);
	int i;

	if (!ring || (getpid() != err_supervisor && getppid() != err_supervisor))
		return false;
	for (i = 0; atomic_flag_test_and_set_explicit(&is_busy, memory_order_acquire); i++)
		if (i == BUSY_TURNS_MAX)
			return false;
	log_message(ring, level, text);
	atomic_flag_clear_explicit(&is_busy, memory_order_release);
	return true;
}

static void msg_va(enum msg_level level, bool is_last, const char *fmt, va_list ap)
{
	char line[1024] = "accd: ";
	size_t head = strlen(line);

	if (vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap) < 0)
		return;
	if (is_last || !to_ring(level, line + head))
		write_stderr(line);
}

void msg_at(enum msg_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_va(level, false, fmt, ap);
	va_end(ap);
}

void msg(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_va(MSG_NOTICE, false, fmt, ap);
	va_end(ap);
}

void die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_va(MSG_ERROR, true, fmt, ap);
	va_end(ap);
	exit(status);
}

void err_use_ring(struct log_ring *ring, int supervisor)
{
	err_supervisor = supervisor;
	atomic_flag_clear(&is_busy);
	atomic_store(&err_ring, ring);
}
