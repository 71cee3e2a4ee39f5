/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * err.h - messages of the daemon and the way out before the loop runs
 *
 * One message is one line on stderr that begins with "accd: ". die() is for start-up only (main,
 * conf, supervisor before the fork); from the first accepted session on, errors are counted or
 * logged and the loop goes on.
 */
#ifndef ACCD_ERR_H
#define ACCD_ERR_H

#include <stdio.h>

#define ACCD_EXIT_FAIL 1
#define ACCD_EXIT_USAGE 2 /* bad command line or bad configuration */

/*
 * Write one line "accd: ..." to stderr with a single write(2), so that lines of several processes
 * never mix.
 */
void msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* msg(), then exit(status). */
void die(int status, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

#endif /* ACCD_ERR_H */
