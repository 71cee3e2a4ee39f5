/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - access log and error log: never in the way of traffic
 *
 * log_session() copies a record into the worker's ring and returns, as msg() does with a message.
 * The rings lie in memory that the supervisor shares with its workers; a thread of the supervisor
 * formats and writes. When a ring is full the record is dropped and counted, and a line in the log
 * says how many are missing. A worker needs no file for it, and what a worker had logged before it
 * died is written all the same.
 */
#ifndef ACCD_LOG_H
#define ACCD_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "conf.h"

struct text;

/*
 * Termination state, two letters in the log.
 * First: what ended the session.
 */
enum log_cause {
	LOG_CAUSE_DONE, /* - both sides closed in order */
	LOG_CAUSE_CLIENT, /* C the client reset the connection, or was lost */
	LOG_CAUSE_SERVER, /* S the server refused, reset, or was lost */
	LOG_CAUSE_TIMEOUT, /* T connect_timeout, queue_timeout or idle_timeout: the phase says which */
	LOG_CAUSE_LIFETIME, /* L session_timeout */
	LOG_CAUSE_DOWN, /* D no server of the pool was usable */
	LOG_CAUSE_PROXY, /* P accd could not: no memory, no descriptor; the pool's queue was full */
	LOG_CAUSE_KILLED, /* K accd stopped, drain_timeout passed, or the administrator ended it */
	LOG_CAUSE_DENIED, /* A the client's address is not allowed */
	LOG_CAUSE_LIMIT, /* R too many sessions of the client's address */
	LOG_CAUSE_HEADER, /* H PROXY header or ClientHello missing or wrong, or a server name without a route */
	LOG_CAUSE__COUNT,
};

/* Second: how far the session had come. */
enum log_phase {
	LOG_PHASE_QUEUE, /* Q waiting for a server with room */
	LOG_PHASE_CONNECT, /* C no server connection yet */
	LOG_PHASE_DATA, /* D both directions open */
	LOG_PHASE_LAST, /* L one direction had ended */
	LOG_PHASE_DONE, /* - both directions had ended */
	LOG_PHASE_FIRST, /* F the client's first bytes were awaited: no server was looked for */
	LOG_PHASE__COUNT,
};

#define LOG_CC_BYTES 16 /* TCP_CA_NAME_MAX */

/* What TCP_INFO said of one connection, just before it was closed. */
struct log_tcp {
	uint8_t is_set; /* not bool: what stands in shared memory may be anything */
	char cc[LOG_CC_BYTES];
	uint32_t rtt_us, rttvar_us, min_rtt_us; /* rtt_us: smoothed */
	uint32_t retrans_total;
	uint32_t snd_cwnd_pkts;
	uint64_t delivery_rate_bps;
	/* time with something to send, and the parts of it that the peer's window or our buffer held it up */
	uint64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
};

/* One session: at its end, or (is_open) as it stands. Self-contained: it outlives its configuration. */
struct log_record {
	uint64_t accept_us; /* monotonic; the log thread turns it into the time of day */
	uint64_t connect_us; /* from accept to the server's answer; UINT64_MAX: never */
	uint64_t total_us;
	uint64_t queue_us; /* of connect_us: waiting in the pool's queue */
	uint64_t idle_us; /* is_open: since the last byte */
	uint64_t bytes_up; /* client to server, written to the server's connection */
	uint64_t bytes_down; /* server to client */
	union addr client;
	char listener[CONF_NAME_BYTES], pool[CONF_NAME_BYTES];
	char server[CONF_NAME_BYTES]; /* "": none was reached */
	uint32_t sessions; /* open at the end, this one included; of the worker */
	uint32_t listener_sessions, pool_sessions, server_sessions; /* the same, of these */
	uint32_t slot, slot_gen; /* with the worker, the session's id */
	uint16_t worker;
	uint8_t retries;
	uint8_t cause, phase;
	uint8_t is_open;
	struct log_tcp tcp_down, tcp_up;
};

#define LOG_LINE_BYTES 3072 /* longest line: JSON, all numbers at their widest, all names escaped */

/* One record without newline, as log.format says. offset_us: time of day minus monotonic time. */
void log_format_text(struct text *t, const struct log_record *rec, int64_t offset_us);
void log_format_json(struct text *t, const struct log_record *rec, int64_t offset_us);
/* "2026-11-27T15:04:05.678Z" */
void log_format_time(struct text *t, int64_t at_us);
/* First letter of the state; '?' for a cause out of range. */
char log_cause_letter(unsigned int cause);

/* ---- rings ---- */

struct log_ring; /* one per worker, and one of the supervisor */
struct log_map; /* all of them */

/* [supervisor, before the fork] NULL: no memory. */
struct log_map *log_map_new(unsigned int n_workers);
void log_map_free(struct log_map *map);

/* The ring of a worker; of the supervisor with index n_workers. */
struct log_ring *log_ring(struct log_map *map, unsigned int index);

/* [loop's thread] Queue a record; drops and counts it if the ring is full. */
void log_session(struct log_ring *ring, const struct log_record *rec);

/*
 * [any thread of the ring's process, one at a time] Queue a message, a line without newline. False:
 * dropped and counted, the ring is full or there were too many in a short time.
 */
bool log_message(struct log_ring *ring, int level, const char *text);

/* Records dropped so far because the ring was full. */
uint64_t log_dropped(const struct log_ring *ring);

/* ---- the writer, in the supervisor ---- */

struct log;

/* What it did, for metrics. Written by its thread. */
struct log_stats {
	uint64_t lines_total, messages_total;
	uint64_t dropped_total; /* lines: a ring was full */
	uint64_t limited_total; /* lines: more than log.rate a second */
	uint64_t write_failed_total; /* lines lost to write errors */
	uint64_t messages_dropped_total; /* a ring was full, or messages came too fast */
};

/*
 * [supervisor] Open the targets. -errno with a sentence in err (key, value, why). No thread yet, so
 * that privileges can be dropped between.
 */
int log_open(struct log_map *map, const struct conf_log *conf, struct log **out, char *err,
	     size_t err_len);
/* [supervisor] Start the thread. */
int log_start(struct log *log);

/* [supervisor] Open the targets again by their names: they were moved away. */
void log_reopen(struct log *log);

/* [supervisor] Go on with another configuration. */
void log_configure(struct log *log, const struct conf_log *conf);

/* [any thread of the supervisor] */
void log_get_stats(struct log *log, struct log_stats *stats);

struct log_past {
	int64_t at_us; /* time of day */
	int level;
	int worker; /* -1: the supervisor */
	char text[256];
};
#define LOG_PAST_MAX 64

/* [any thread of the supervisor] The newest messages of level error and warning, oldest first. */
unsigned int log_get_past(struct log *log, struct log_past *past, unsigned int max);

/*
 * Write what is queued and stop the thread; gives up on a target that does not take it within a
 * second.
 */
void log_close(struct log *log);

#endif /* ACCD_LOG_H */
