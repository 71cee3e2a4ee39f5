/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * err.h - messages of the daemon and the way out before the loop runs
 *
 * One message is one line of the error log (log.h), which is standard error by default: "accd: ...".
 * die() is for start-up only (main, conf, supervisor before the fork); from the first accepted
 * session on, errors are counted or logged and the loop goes on.
 */
#ifndef ACCD_ERR_H
#define ACCD_ERR_H

#include <stdio.h>

#define ACCD_EXIT_FAIL 1
#define ACCD_EXIT_USAGE 2 /* bad command line or bad configuration */

struct log_ring;

/* In the order of log.level's choices. */
enum msg_level { MSG_ERROR, MSG_WARNING, MSG_NOTICE, MSG_INFO, MSG_DEBUG };

/*
 * Any thread. Never waits once the process has a ring (err_use_ring()): the message is copied into
 * it, or dropped and counted. Before, and when the supervisor is gone, one write(2) to stderr, so
 * that lines of several processes never mix.
 */
void msg_at(enum msg_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* msg_at(MSG_NOTICE, ...) */
void msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line to stderr, then exit(status). */
void die(int status, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/*
 * From now on this process's messages go through `ring` (NULL: to stderr). supervisor: the process
 * that reads it. Call it again after fork().
 */
void err_use_ring(struct log_ring *ring, int supervisor);

#endif /* ACCD_ERR_H */
