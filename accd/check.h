/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - active checks: a connection of accd's own to a server, now and then
 */
#ifndef ACCD_CHECK_H
#define ACCD_CHECK_H

#include <stdint.h>

#include "conf.h"
#include "worker.h"

struct server;

#define CHECK_ANSWER_BYTES_MAX 16384 /* looked at for `expect`; then the check has failed */

enum check_result {
	CHECK_NONE, /* none ended yet */
	CHECK_OK,
	CHECK_REFUSED, /* the connection was refused, or reset */
	CHECK_TIMEOUT,
	CHECK_MISMATCH, /* the answer ended, or was too long, without `expect` */
	CHECK_PROXY, /* accd could not: no descriptor, no memory; counts neither way */
	CHECK__COUNT
};

/* Looks for a text in a stream, byte by byte (Knuth, Morris, Pratt). */
struct check_match {
	uint8_t len, matched;
	uint32_t seen_bytes;
	uint8_t border[CONF_CHECK_TEXT_BYTES]; /* of the first i + 1 bytes of the text */
};

void check_match_init(struct check_match *m, const char *text);

/* 1: the text was found. 0: not yet. -1: not in the first CHECK_ANSWER_BYTES_MAX bytes. */
int check_match_feed(struct check_match *m, const char *text, const char *data, uint32_t len);

/* Part of a server. All of it belongs to the loop. */
struct check {
	struct event_source source;
	struct worker_timer timer;
	int fd; /* -1: no check is under way */
	uint8_t gen;
	bool is_connected;
	uint32_t tx_bytes;
	struct check_match match;
	uint64_t start_us;

	/* of the last one that ended */
	enum check_result result;
	uint64_t end_us;
	uint32_t took_us;
};

/* Begin to check a server: the first time at once. No-op if its pool has no checks. */
void check_start(struct worker *w, struct server *server);

/* No more of them. The last result stays. */
void check_stop(struct worker *w, struct server *server);

#endif /* ACCD_CHECK_H */
