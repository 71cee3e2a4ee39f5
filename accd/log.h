/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - the access log: one line per session, never in the way of traffic
 *
 * log_session() copies a record into a ring and returns; a thread of its own formats and writes.
 * When the ring is full the record is dropped and counted, and a line in the log says how many
 * are missing.
 */
#ifndef ACCD_LOG_H
#define ACCD_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

/*
 * Termination state, two letters in the log.
 * First: what ended the session.
 */
enum log_cause {
	LOG_CAUSE_DONE, /* - both sides closed in order */
	LOG_CAUSE_CLIENT, /* C the client reset the connection, or was lost */
	LOG_CAUSE_SERVER, /* S the server refused, reset, or was lost */
	LOG_CAUSE_TIMEOUT, /* T connect_timeout or idle_timeout */
	LOG_CAUSE_PROXY, /* P accd could not: no memory, no descriptor */
	LOG_CAUSE_KILLED, /* K accd stopped, or drain_timeout passed */
	LOG_CAUSE__COUNT,
};

/* Second: how far the session had come. */
enum log_phase {
	LOG_PHASE_CONNECT, /* C no server connection yet */
	LOG_PHASE_DATA, /* D both directions open */
	LOG_PHASE_LAST, /* L one direction had ended */
	LOG_PHASE_DONE, /* - both directions had ended */
	LOG_PHASE__COUNT,
};

#define LOG_CC_BYTES 16 /* TCP_CA_NAME_MAX */

/* What TCP_INFO said of one connection, just before it was closed. */
struct log_tcp {
	bool is_set;
	char cc[LOG_CC_BYTES];
	uint32_t rtt_us, min_rtt_us;
	uint32_t retrans_total;
	uint32_t snd_cwnd_pkts;
	uint64_t delivery_rate_bps;
};

/* One session. The names point into the configuration, which lives as long as the process. */
struct log_record {
	uint64_t accept_us; /* monotonic; log.c turns it into the time of day */
	uint64_t connect_us; /* from accept to the server's answer; UINT64_MAX: never */
	uint64_t total_us;
	uint64_t bytes_up; /* client to server, written to the server's connection */
	uint64_t bytes_down; /* server to client */
	union addr client;
	const char *listener, *pool,
		*server; /* server NULL: none was reached */
	uint32_t sessions; /* open at the end, this one included */
	uint8_t retries;
	uint8_t cause, phase;
	struct log_tcp tcp_down, tcp_up;
};

struct log;

/* Open the target ("-", a path; not "off") and start the thread. 0 or -errno. */
int log_open(const char *target, struct log **out);

/* [loop's thread] Queue a record; drops and counts it if the ring is full. */
void log_session(struct log *log, const struct log_record *rec);

/* Records dropped so far. */
uint64_t log_dropped(const struct log *log);

/*
 * Write what is queued and stop the thread; gives up on a target that does not take it within a
 * second.
 */
void log_close(struct log *log);

/*
 * Format a record as one line with its newline; returns its length. wall_offset_us: time of day
 * minus monotonic time.
 */
int log_format(const struct log_record *rec, int64_t wall_offset_us, char *buf,
	       size_t buf_len);

#endif /* ACCD_LOG_H */
