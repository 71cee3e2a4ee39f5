// SPDX-License-Identifier: GPL-2.0-only
/*
 * log.c - the access log
 *
 * A ring with one writer (the loop) and one reader (the log thread). `head` is written by the
 * loop only, `tail` by the thread only; each is released after the record it covers, and they
 * stand on cache lines of their own. The loop never waits, never makes a host call and never
 * wakes the thread: the thread looks by itself every LOG_PERIOD_MS. Records are binary; text is
 * made here, off the loop's core.
 *
 * A full ring drops the newest record. Lost records leave a gap that is said: before the next
 * line that is written stands
 *
 *   # accd: N lines dropped: the log could not keep up
 *
 * Line, in fields that never contain blanks but in braces:
 *
 *   TIME CLIENT LISTENER POOL/SERVER connect_ms= total_ms= up_bytes= down_bytes= state=XY retries= sessions=
 *   tcp_down={cc= rtt_us= min_rtt_us= retrans= cwnd_pkts= delivery_bps=} tcp_up={...}
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LOG_RING_RECORDS \
	8192 /* power of two; 80,000 sessions a second at one look per LOG_PERIOD_MS */
#define LOG_PERIOD_MS \
	100 /* a line shows up within this time; 10 wake-ups a second */
#define LOG_LINE_BYTES \
	768 /* longest line: all numbers at their widest need about 650 */
#define LOG_BATCH_BYTES (64 * 1024) /* of one write(2); what a pipe holds */
#define LOG_CLOSE_WAIT_MS 1000

struct log {
	_Alignas(64) _Atomic uint32_t head; /* next to write; loop */
	_Atomic uint64_t dropped_total; /* loop */
	_Alignas(64) _Atomic uint32_t tail; /* next to read; thread */
	uint64_t dropped_said; /* thread */
	_Atomic uint64_t
		write_failed_total; /* thread: lines lost to write errors */
	int64_t wall_offset_us; /* thread */
	int fd;
	sem_t stop;
	pthread_t thread;
	struct log_record *ring;
	char batch[LOG_BATCH_BYTES];
	size_t batch_len;
	uint32_t batch_lines;
};

static const char cause_letters[LOG_CAUSE__COUNT] = { '-', 'C', 'S',
						      'T', 'P', 'K' };
static const char phase_letters[LOG_PHASE__COUNT] = { 'C', 'D', 'L', '-' };

static int64_t wall_offset_us(void)
{
	struct timespec wall, mono;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return ((int64_t)wall.tv_sec - mono.tv_sec) * 1000000 +
	       (wall.tv_nsec - mono.tv_nsec) / 1000;
}

static int format_tcp(const struct log_tcp *tcp, const char *name, char *buf,
		      size_t buf_len)
{
	if (!tcp->is_set)
		return snprintf(buf, buf_len, " %s={}", name);
	return snprintf(
		buf, buf_len,
		" %s={cc=%s rtt_us=%u min_rtt_us=%u retrans=%u cwnd_pkts=%u delivery_bps=%" PRIu64
		"}",
		name, tcp->cc, tcp->rtt_us, tcp->min_rtt_us, tcp->retrans_total,
		tcp->snd_cwnd_pkts, tcp->delivery_rate_bps);
}

int log_format(const struct log_record *rec, int64_t offset_us, char *buf,
	       size_t buf_len)
{
	int64_t at_us = (int64_t)rec->accept_us + offset_us;
	time_t at_sec = at_us / 1000000;
	char client[ADDR_TEXT_BYTES], connect[32];
	struct tm tm;
	size_t n;

	gmtime_r(&at_sec, &tm);
	n = strftime(buf, buf_len, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rec->connect_us == UINT64_MAX)
		snprintf(connect, sizeof(connect), "-1");
	else
		snprintf(connect, sizeof(connect), "%" PRIu64 ".%03u",
			 rec->connect_us / 1000,
			 (unsigned int)(rec->connect_us % 1000));
	n += snprintf(buf + n, buf_len - n,
		      ".%03uZ %s %s %s/%s connect_ms=%s total_ms=%" PRIu64
		      ".%03u up_bytes=%" PRIu64 " down_bytes=%" PRIu64
		      " state=%c%c retries=%u sessions=%u",
		      (unsigned int)(at_us % 1000000 / 1000),
		      addr_format(&rec->client, client, sizeof(client)),
		      rec->listener, rec->pool, rec->server ? rec->server : "-",
		      connect, rec->total_us / 1000,
		      (unsigned int)(rec->total_us % 1000), rec->bytes_up,
		      rec->bytes_down, cause_letters[rec->cause],
		      phase_letters[rec->phase], rec->retries, rec->sessions);
	n += format_tcp(&rec->tcp_down, "tcp_down", buf + n, buf_len - n);
	n += format_tcp(&rec->tcp_up, "tcp_up", buf + n, buf_len - n);
	buf[n++] = '\n';
	return n;
}

static void log_flush(struct log *log)
{
	size_t done = 0;
	ssize_t n;

	while (done < log->batch_len) {
		n = write(log->fd, log->batch + done, log->batch_len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/*
			 * disk full, reader gone: these lines are lost; tried again with the next
			 * ones
			 */
			atomic_fetch_add(&log->write_failed_total,
					 log->batch_lines);
			break;
		}
		done += n;
	}
	log->batch_len = 0;
	log->batch_lines = 0;
}

static void log_room(struct log *log)
{
	if (LOG_BATCH_BYTES - log->batch_len < LOG_LINE_BYTES)
		log_flush(log);
}

static void log_drain(struct log *log)
{
	uint32_t tail = atomic_load_explicit(&log->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&log->head, memory_order_acquire);
	uint64_t dropped = log_dropped(log);

	if (dropped != log->dropped_said) {
		log_room(log);
		log->batch_len +=
			snprintf(log->batch + log->batch_len, LOG_LINE_BYTES,
				 "# accd: %" PRIu64
				 " lines dropped: the log could not keep up\n",
				 dropped - log->dropped_said);
		log->dropped_said = dropped;
	}
	for (; tail != head; tail++) {
		log_room(log);
		log->batch_len +=
			log_format(&log->ring[tail % LOG_RING_RECORDS],
				   log->wall_offset_us,
				   log->batch + log->batch_len, LOG_LINE_BYTES);
		log->batch_lines++;
		atomic_store_explicit(&log->tail, tail + 1,
				      memory_order_release);
	}
	log_flush(log);
}

static void *log_thread(void *arg)
{
	struct log *log = arg;
	struct timespec ts;
	int r;

	pthread_setname_np(pthread_self(), "accd-log");
	do {
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += LOG_PERIOD_MS * 1000000L;
		if (ts.tv_nsec >= 1000000000L) {
			ts.tv_nsec -= 1000000000L;
			ts.tv_sec++;
		}
		r = sem_timedwait(&log->stop, &ts);
		log->wall_offset_us =
			wall_offset_us(); /* follows a clock that is set */
		log_drain(log);
	} while (r);
	return NULL;
}

int log_open(const char *target, struct log **out)
{
	sigset_t all, old;
	struct log *log;
	int r;

	log = aligned_alloc(64, (sizeof(*log) + 63) & ~(size_t)63);
	if (!log)
		return -ENOMEM;
	memset(log, 0, sizeof(*log));
	log->ring = calloc(LOG_RING_RECORDS, sizeof(*log->ring));
	if (!log->ring) {
		r = -ENOMEM;
		goto err_free;
	}
	if (!strcmp(target, "-"))
		log->fd = STDOUT_FILENO;
	else
		log->fd = open(target,
			       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (log->fd < 0) {
		r = -errno;
		goto err_free_ring;
	}
	log->wall_offset_us = wall_offset_us();
	sem_init(&log->stop, 0, 0);

	/* signals belong to the main thread; SIGPIPE becomes EPIPE */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&log->thread, NULL, log_thread, log);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		goto err_close;
	*out = log;
	return 0;

err_close:
	if (log->fd != STDOUT_FILENO)
		close(log->fd);
err_free_ring:
	free(log->ring);
err_free:
	free(log);
	return r;
}

void log_session(struct log *log, const struct log_record *rec)
{
	uint32_t head = atomic_load_explicit(&log->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&log->tail, memory_order_acquire);

	if (head - tail >= LOG_RING_RECORDS) {
		atomic_store_explicit(
			&log->dropped_total,
			atomic_load_explicit(&log->dropped_total,
					     memory_order_relaxed) +
				1,
			memory_order_relaxed);
		return;
	}
	log->ring[head % LOG_RING_RECORDS] = *rec;
	atomic_store_explicit(&log->head, head + 1, memory_order_release);
}

uint64_t log_dropped(const struct log *log)
{
	return atomic_load(&log->dropped_total) +
	       atomic_load(&log->write_failed_total);
}

void log_close(struct log *log)
{
	struct timespec ts;

	sem_post(&log->stop);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += LOG_CLOSE_WAIT_MS / 1000;
	if (pthread_timedjoin_np(log->thread, NULL, &ts))
		return; /* stuck in write(2) on a reader that doesn't read: leave it, the process ends */
	if (log->fd != STDOUT_FILENO)
		close(log->fd);
	sem_destroy(&log->stop);
	free(log->ring);
	free(log);
}
