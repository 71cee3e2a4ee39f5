// SPDX-License-Identifier: GPL-2.0-only
/*
 * log.c - access log and error log
 *
 * Rings. Each worker, and the supervisor for its own messages, has two rings in shared memory:
 * records of sessions and messages. A ring has one writer, its process, and one reader, the log
 * thread of the supervisor. `head` is written by the writer only, `tail` by the thread only; each
 * is released after the entry it covers, and they stand on cache lines of their own. The loop never
 * waits, never makes a host call and never wakes the thread: the thread looks by itself every
 * LOG_PERIOD_MS. Records are binary; text is made in the thread, off the loop's core.
 *
 * The writer may be a process that was taken over: the thread believes nothing in a ring. A head
 * that claims more than a ring holds is taken for a full one; strings and indices are checked by
 * log_format.c.
 *
 * A full ring drops the newest record. Lost records leave a gap that is said, in the access log:
 *
 *   # accd: N lines dropped: the log could not keep up
 *   # accd: N lines left out: more than log.rate = R a second
 *   # accd: N lines lost: they could not be written
 *
 * Targets. The thread never waits in write(): regular files take what they get, pipes and sockets
 * are written when they poll writable, in pieces that a pipe takes whole. What a target does not
 * take stays in its batch and then in the rings; the other target goes on. An error (a full disk)
 * loses the batch, is counted, and is said in the error log when it begins and when it ends.
 * syslog gets a datagram a line; when its socket is gone it is connected again, once a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "text.h"

#define LOG_RING_RECORDS 8192 /* power of two; 80,000 sessions a second at one look per LOG_PERIOD_MS */
#define LOG_RING_MESSAGES 256 /* power of two */
#define LOG_MESSAGE_BYTES 1024 /* the longest line of msg() */
#define LOG_PERIOD_MS 100 /* a line shows up within this time; 10 wake-ups a second */
#define LOG_BATCH_BYTES (64 * 1024) /* of one write(2) to a file */
#define LOG_PIPE_BYTES 4096 /* PIPE_BUF: a pipe that polls writable takes this much */
#define LOG_CLOSE_WAIT_MS 1000
#define LOG_RETRY_US 1000000 /* between attempts to reach syslog, or to open a file again */

/*
 * Messages of one process: this many at once, then this many a second. A flood of them says
 * nothing more than its first hundred, and the rest is counted.
 */
#define LOG_MESSAGE_BURST 200
#define LOG_MESSAGE_RATE 20

#define SYSLOG_FACILITY (3 << 3) /* daemon */

struct log_entry {
	int64_t at_us; /* time of day */
	int32_t level;
	int32_t pid;
	char text[LOG_MESSAGE_BYTES];
};

struct log_ring {
	_Alignas(64) _Atomic uint32_t head; /* next to write; loop */
	_Atomic uint64_t dropped_total; /* loop */
	_Alignas(64) _Atomic uint32_t tail; /* next to read; thread */
	_Alignas(64) _Atomic uint32_t msg_head;
	_Atomic uint64_t msg_dropped_total;
	uint64_t bucket, bucket_us; /* messages that may come at once; writer */
	_Alignas(64) _Atomic uint32_t msg_tail;
	struct log_record records[LOG_RING_RECORDS];
	struct log_entry messages[LOG_RING_MESSAGES];
};

struct log_map {
	unsigned int n_workers;
	size_t map_bytes;
	_Alignas(64) struct log_ring rings[];
};

enum target_kind { TARGET_OFF, TARGET_FILE, TARGET_STREAM, TARGET_SYSLOG };

struct target {
	const char *key; /* "log.access" */
	char path[PATH_MAX];
	enum target_kind kind;
	int fd;
	bool is_ours; /* to be closed */
	int err; /* of the last write; 0: none */
	uint64_t failed_lines; /* since it began to fail */
	uint64_t retry_us;
	size_t len, done; /* of the batch; bytes written of it */
	uint32_t lines;
	char batch[LOG_BATCH_BYTES];
};

struct log {
	struct log_map *map;
	sem_t wake;
	pthread_t thread;
	bool is_started;
	_Atomic bool is_stopping, is_reopening;
	int64_t wall_offset_us; /* thread */
	uint64_t now_us; /* thread; monotonic */
	uint64_t window_us; /* thread: the second that log.rate counts in */
	uint32_t window_lines;
	uint64_t dropped_said, limited_said, failed_said, messages_dropped_said;

	struct target access, error; /* thread */
	struct conf_log conf; /* thread */

	pthread_mutex_t lock; /* of what follows; never held over a host call */
	bool is_conf_new;
	struct conf_log conf_new;
	struct log_stats stats;
	unsigned int past_next, past_len;
	struct log_past past[LOG_PAST_MAX];
};

static uint64_t mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- rings ---- */

struct log_map *log_map_new(unsigned int n_workers)
{
	size_t bytes = sizeof(struct log_map) + (n_workers + 1) * sizeof(struct log_ring);
	struct log_map *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	map->n_workers = n_workers;
	map->map_bytes = bytes;
	return map;
}

void log_map_free(struct log_map *map)
{
	if (map)
		munmap(map, map->map_bytes);
}

struct log_ring *log_ring(struct log_map *map, unsigned int index)
{
	return &map->rings[index];
}

void log_session(struct log_ring *ring, const struct log_record *rec)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	if (head - tail >= LOG_RING_RECORDS) {
		atomic_store_explicit(&ring->dropped_total,
				      atomic_load_explicit(&ring->dropped_total, memory_order_relaxed) + 1,
				      memory_order_relaxed);
		return;
	}
	ring->records[head % LOG_RING_RECORDS] = *rec;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

bool log_message(struct log_ring *ring, int level, const char *text)
{
	uint32_t head = atomic_load_explicit(&ring->msg_head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&ring->msg_tail, memory_order_acquire);
	uint64_t now_us = mono_us();
	uint64_t earned;
	struct log_entry *entry;

	if (!ring->bucket_us) {
		ring->bucket_us = now_us;
		ring->bucket = LOG_MESSAGE_BURST;
	}
	earned = (now_us - ring->bucket_us) * LOG_MESSAGE_RATE / 1000000;
	if (earned) {
		ring->bucket = ring->bucket + earned > LOG_MESSAGE_BURST ? LOG_MESSAGE_BURST :
									  ring->bucket + earned;
		ring->bucket_us = now_us;
	}
	if (!ring->bucket || head - tail >= LOG_RING_MESSAGES) {
		atomic_fetch_add_explicit(&ring->msg_dropped_total, 1, memory_order_relaxed);
		return false;
	}
	ring->bucket--;
	entry = &ring->messages[head % LOG_RING_MESSAGES];
	entry->at_us = wall_us();
	entry->level = level;
	entry->pid = getpid();
	strncpy(entry->text, text, sizeof(entry->text) - 1);
	entry->text[sizeof(entry->text) - 1] = '\0';
	atomic_store_explicit(&ring->msg_head, head + 1, memory_order_release);
	return true;
}

uint64_t log_dropped(const struct log_ring *ring)
{
	return atomic_load_explicit(&ring->dropped_total, memory_order_relaxed);
}

/* ---- targets ---- */

static int target_open_path(struct target *t)
{
	struct stat st;

	/* NONBLOCK: a FIFO without a reader must not hold us up; files don't mind */
	t->fd = open(t->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
	if (t->fd < 0)
		return -errno;
	t->is_ours = true;
	t->kind = !fstat(t->fd, &st) && S_ISREG(st.st_mode) ? TARGET_FILE : TARGET_STREAM;
	return 0;
}

static int target_open_syslog(struct target *t)
{
	const char *path = t->path[6] ? t->path + 7 : "/dev/log";
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	t->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return -errno;
	t->is_ours = true;
	t->kind = TARGET_SYSLOG;
	if (!connect(t->fd, (struct sockaddr *)&sun, sizeof(sun)))
		return 0;
	r = -errno;
	close(t->fd);
	t->fd = -1;
	return r;
}

/* "-", "off", "syslog", "syslog:PATH" or a path. std_fd: what "-" stands for. */
static int target_open(struct target *t, const char *path, int std_fd)
{
	struct stat st;

	if (t->path != path)
		snprintf(t->path, sizeof(t->path), "%s", path);
	t->fd = -1;
	t->is_ours = false;
	t->kind = TARGET_OFF;
	if (!strcmp(path, "off"))
		return 0;
	if (!strcmp(path, "syslog") || !strncmp(path, "syslog:", 7))
		return target_open_syslog(t);
	if (strcmp(path, "-"))
		return target_open_path(t);
	t->fd = std_fd;
	t->kind = !fstat(std_fd, &st) && S_ISREG(st.st_mode) ? TARGET_FILE : TARGET_STREAM;
	return 0;
}

static void target_close(struct target *t)
{
	if (t->fd >= 0 && t->is_ours)
		close(t->fd);
	t->fd = -1;
}

static void target_failed(struct log *log, struct target *t, int err)
{
	uint32_t lines = t->lines;

	t->failed_lines += lines;
	t->len = t->done = 0;
	t->lines = 0;
	if (t == &log->access) {
		pthread_mutex_lock(&log->lock);
		log->stats.write_failed_total += lines;
		pthread_mutex_unlock(&log->lock);
	}
	if (t->err == err)
		return;
	t->err = err;
	msg_at(MSG_ERROR, "%s: cannot write \"%s\": %s; lines are lost until it works again", t->key,
	       t->path, strerror(err));
	/* it may be the error log that fails */
	if (t == &log->error)
		dprintf(STDERR_FILENO, "accd: %s: cannot write \"%s\": %s\n", t->key, t->path, strerror(err));
}

static void target_works(struct target *t)
{
	if (!t->err)
		return;
	msg_at(MSG_NOTICE, "%s: writing \"%s\" works again, %" PRIu64 " lines were lost", t->key, t->path,
	       t->failed_lines);
	t->err = 0;
	t->failed_lines = 0;
}

static bool is_writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) == 1;
}

/* Write the batch, as far as the target takes it now. */
static void target_flush(struct log *log, struct target *t)
{
	size_t n;
	ssize_t r;

	while (t->done < t->len) {
		n = t->len - t->done;
		if (t->kind == TARGET_STREAM) {
			if (!is_writable(t->fd))
				return;
			if (n > LOG_PIPE_BYTES)
				n = LOG_PIPE_BYTES;
		}
		r = write(t->fd, t->batch + t->done, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN)
			return;
		if (r <= 0) {
			target_failed(log, t, r ? errno : EIO);
			return;
		}
		t->done += r;
	}
	if (t->len)
		target_works(t);
	t->len = t->done = 0;
	t->lines = 0;
}

static void target_syslog(struct log *log, struct target *t, const char *line, size_t len, int level,
			  int pid)
{
	static const int priorities[] = { 3, 4, 5, 6, 7 };
	char datagram[LOG_LINE_BYTES + 64];
	int n;

	t->lines = 1;
	if (t->fd < 0) {
		if (log->now_us < t->retry_us) {
			target_failed(log, t, t->err);
			return;
		}
		t->retry_us = log->now_us + LOG_RETRY_US;
		if (target_open_syslog(t)) {
			target_failed(log, t, errno);
			return;
		}
	}
	n = snprintf(datagram, sizeof(datagram), "<%d>accd[%d]: %.*s", SYSLOG_FACILITY | priorities[level],
		     pid, (int)len, line);
	if (send(t->fd, datagram, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		int err = errno;

		if (err != EAGAIN && err != ENOBUFS) {
			close(t->fd);
			t->fd = -1;
		}
		target_failed(log, t, err);
		return;
	}
	t->lines = 0;
	target_works(t);
}

/* True if a line of LOG_LINE_BYTES has room. */
static bool target_room(struct log *log, struct target *t)
{
	if (t->kind == TARGET_OFF || t->kind == TARGET_SYSLOG)
		return true;
	if (LOG_BATCH_BYTES - t->len < LOG_LINE_BYTES)
		target_flush(log, t);
	return LOG_BATCH_BYTES - t->len >= LOG_LINE_BYTES;
}

/* A line with its newline; target_room() has said yes. */
static void target_line(struct log *log, struct target *t, const char *line, size_t len, int level,
			int pid)
{
	if (t->kind == TARGET_OFF)
		return;
	if (t->kind == TARGET_SYSLOG) {
		target_syslog(log, t, line, len - 1, level, pid);
		return;
	}
	memcpy(t->batch + t->len, line, len);
	t->len += len;
	t->lines++;
}

/* ---- access log ---- */

static void say_gap(struct log *log, uint64_t total, uint64_t *said, const char *what)
{
	char line[160];
	int n;

	if (total == *said || !target_room(log, &log->access))
		return;
	n = snprintf(line, sizeof(line), "# accd: %" PRIu64 " lines %s\n", total - *said, what);
	target_line(log, &log->access, line, n, MSG_WARNING, getpid());
	*said = total;
}

static void write_record(struct log *log, const struct log_record *rec)
{
	char line[LOG_LINE_BYTES];
	struct text t;

	text_init(&t, line, sizeof(line) - 1);
	if (log->conf.format == CONF_LOG_JSON)
		log_format_json(&t, rec, log->wall_offset_us);
	else
		log_format_text(&t, rec, log->wall_offset_us);
	line[t.len++] = '\n';
	target_line(log, &log->access, line, t.len, MSG_INFO, getpid());
}

static void drain_records(struct log *log, struct log_ring *ring)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t n_lines = 0, n_limited = 0;
	struct log_record rec;

	if (head - tail > LOG_RING_RECORDS)
		tail = head - LOG_RING_RECORDS;
	for (; tail != head; tail++) {
		if (log->access.kind == TARGET_OFF) {
			/* read away */
		} else if (log->conf.rate && log->window_lines >= log->conf.rate) {
			n_limited++;
		} else {
			if (!target_room(log, &log->access))
				break;
			rec = ring->records[tail % LOG_RING_RECORDS]; /* once: it is shared */
			write_record(log, &rec);
			log->window_lines++;
			n_lines++;
		}
		atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	}
	pthread_mutex_lock(&log->lock);
	log->stats.lines_total += n_lines;
	log->stats.limited_total += n_limited;
	pthread_mutex_unlock(&log->lock);
}

static void drain_access(struct log *log)
{
	struct log_stats *stats = &log->stats; /* of these this thread is the only writer */
	char what[80];
	uint64_t dropped = 0;
	unsigned int i;

	if (log->now_us - log->window_us >= 1000000) {
		log->window_us = log->now_us;
		log->window_lines = 0;
		snprintf(what, sizeof(what), "left out: more than log.rate = %" PRIu32 " a second",
			 log->conf.rate);
		say_gap(log, stats->limited_total, &log->limited_said, what);
	}
	for (i = 0; i <= log->map->n_workers; i++)
		dropped += log_dropped(&log->map->rings[i]);
	pthread_mutex_lock(&log->lock);
	stats->dropped_total = dropped;
	pthread_mutex_unlock(&log->lock);
	say_gap(log, dropped, &log->dropped_said, "dropped: the log could not keep up");
	if (!log->access.err)
		say_gap(log, stats->write_failed_total, &log->failed_said, "lost: they could not be written");
	for (i = 0; i <= log->map->n_workers; i++)
		drain_records(log, &log->map->rings[i]);
	target_flush(log, &log->access);
}

/* ---- error log ---- */

static const char *const level_names[] = { "error", "warning", "notice", "info", "debug" };

static void remember(struct log *log, const struct log_entry *e, int worker)
{
	struct log_past *past;

	pthread_mutex_lock(&log->lock);
	past = &log->past[log->past_next];
	past->at_us = e->at_us;
	past->level = e->level;
	past->worker = worker;
	snprintf(past->text, sizeof(past->text), "%.*s", (int)sizeof(past->text) - 1, e->text);
	log->past_next = (log->past_next + 1) % LOG_PAST_MAX;
	if (log->past_len < LOG_PAST_MAX)
		log->past_len++;
	pthread_mutex_unlock(&log->lock);
}

/* On standard error as always: "accd: TEXT". Elsewhere with time and level. */
static void write_message(struct log *log, const struct log_entry *e)
{
	char line[LOG_LINE_BYTES];
	struct text t;

	text_init(&t, line, sizeof(line) - 1);
	if (log->error.kind == TARGET_SYSLOG) {
		/* the prefix says the rest */
	} else if (!strcmp(log->error.path, "-")) {
		text_add(&t, "accd: ");
	} else {
		log_format_time(&t, e->at_us);
		text_add(&t, " %s accd[%d]: ", level_names[e->level], e->pid);
	}
	text_add_plain(&t, e->text, sizeof(e->text), false);
	line[t.len++] = '\n';
	target_line(log, &log->error, line, t.len, e->level, e->pid);
}

static void take_message(struct log *log, struct log_ring *ring, int worker)
{
	uint32_t tail = atomic_load_explicit(&ring->msg_tail, memory_order_relaxed);
	struct log_entry e = ring->messages[tail % LOG_RING_MESSAGES]; /* once: it is shared */

	e.text[sizeof(e.text) - 1] = '\0';
	if (e.level < MSG_ERROR || e.level > MSG_DEBUG)
		e.level = MSG_ERROR;
	if (e.level <= MSG_WARNING)
		remember(log, &e, worker);
	if (e.level <= log->conf.level)
		write_message(log, &e);
	pthread_mutex_lock(&log->lock);
	log->stats.messages_total++;
	pthread_mutex_unlock(&log->lock);
	atomic_store_explicit(&ring->msg_tail, tail + 1, memory_order_release);
}

/* Oldest first, over all rings; at most what they hold, so that a busy writer does not keep us here. */
static void drain_messages(struct log *log)
{
	unsigned int n_rings = log->map->n_workers + 1, i, oldest, turns;

	for (turns = n_rings * LOG_RING_MESSAGES; turns && target_room(log, &log->error); turns--) {
		int64_t at_us = INT64_MAX;

		oldest = n_rings;
		for (i = 0; i < n_rings; i++) {
			struct log_ring *ring = &log->map->rings[i];
			uint32_t tail = atomic_load_explicit(&ring->msg_tail, memory_order_relaxed);
			uint32_t head = atomic_load_explicit(&ring->msg_head, memory_order_acquire);

			if (head == tail)
				continue;
			if (head - tail > LOG_RING_MESSAGES)
				atomic_store_explicit(&ring->msg_tail, head - LOG_RING_MESSAGES,
						      memory_order_release);
			if (oldest == n_rings || ring->messages[tail % LOG_RING_MESSAGES].at_us < at_us) {
				oldest = i;
				at_us = ring->messages[tail % LOG_RING_MESSAGES].at_us;
			}
		}
		if (oldest == n_rings)
			return;
		take_message(log, &log->map->rings[oldest],
			     oldest == log->map->n_workers ? -1 : (int)oldest);
	}
}

static void drain_error(struct log *log)
{
	struct log_entry e = { .level = MSG_WARNING, .pid = getpid() };
	uint64_t dropped = 0;
	unsigned int i;

	drain_messages(log);
	for (i = 0; i <= log->map->n_workers; i++)
		dropped += atomic_load_explicit(&log->map->rings[i].msg_dropped_total, memory_order_relaxed);
	pthread_mutex_lock(&log->lock);
	log->stats.messages_dropped_total = dropped;
	pthread_mutex_unlock(&log->lock);
	if (dropped != log->messages_dropped_said && target_room(log, &log->error)) {
		e.at_us = wall_us();
		snprintf(e.text, sizeof(e.text), "%" PRIu64 " messages left out: too many in a short time",
			 dropped - log->messages_dropped_said);
		log->messages_dropped_said = dropped;
		write_message(log, &e);
	}
	target_flush(log, &log->error);
}

/* ---- thread ---- */

/* Open a target anew; if that fails, the old descriptor stays in use. */
static void target_again(struct target *t, const char *path, int std_fd)
{
	static struct target fresh; /* the log thread's alone; too large for its stack */
	int r;

	r = target_open(&fresh, path, std_fd);
	if (r) {
		msg_at(MSG_ERROR, "%s: cannot open \"%s\": %s; going on with \"%s\" as it is", t->key, path,
		       strerror(-r), t->path);
		return;
	}
	target_close(t);
	if (t->kind == TARGET_OFF || fresh.kind == TARGET_SYSLOG) {
		t->len = t->done = 0;
		t->lines = 0;
	}
	t->kind = fresh.kind;
	t->fd = fresh.fd;
	t->is_ours = fresh.is_ours;
	if (t->path != path)
		snprintf(t->path, sizeof(t->path), "%s", path);
}

static void log_turn(struct log *log)
{
	bool is_new, is_reopening = atomic_exchange(&log->is_reopening, false);

	pthread_mutex_lock(&log->lock);
	is_new = log->is_conf_new;
	if (is_new)
		log->conf = log->conf_new;
	log->is_conf_new = false;
	pthread_mutex_unlock(&log->lock);
	if (is_new || is_reopening) {
		target_flush(log, &log->access);
		target_flush(log, &log->error);
		target_again(&log->access, log->conf.access, STDOUT_FILENO);
		target_again(&log->error, log->conf.error, STDERR_FILENO);
	}
	log->now_us = mono_us();
	log->wall_offset_us = wall_us() - (int64_t)log->now_us; /* follows a clock that is set */
	drain_error(log);
	drain_access(log);
}

static void *log_thread(void *arg)
{
	struct log *log = arg;
	struct timespec ts;
	bool is_last;

	pthread_setname_np(pthread_self(), "accd-log");
	do {
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += LOG_PERIOD_MS * 1000000L;
		if (ts.tv_nsec >= 1000000000L) {
			ts.tv_nsec -= 1000000000L;
			ts.tv_sec++;
		}
		sem_timedwait(&log->wake, &ts);
		is_last = atomic_load(&log->is_stopping);
		log_turn(log);
	} while (!is_last);
	/* what log_turn() found to say */
	drain_error(log);
	return NULL;
}

int log_open(struct log_map *map, const struct conf_log *conf, struct log **out, char *err,
	     size_t err_len)
{
	struct log *log = calloc(1, sizeof(*log));
	struct target *t;
	int r;

	if (!log) {
		snprintf(err, err_len, "log: out of memory");
		return -ENOMEM;
	}
	log->map = map;
	log->conf = *conf;
	log->access.key = "log.access";
	log->error.key = "log.error";
	log->access.fd = log->error.fd = -1;
	pthread_mutex_init(&log->lock, NULL);
	sem_init(&log->wake, 0, 0);
	t = &log->access;
	r = target_open(t, conf->access, STDOUT_FILENO);
	if (!r) {
		t = &log->error;
		r = target_open(t, conf->error, STDERR_FILENO);
	}
	if (r) {
		snprintf(err, err_len, "%s: cannot open \"%.200s\": %s", t->key, t->path, strerror(-r));
		target_close(&log->access);
		free(log);
		return r;
	}
	*out = log;
	return 0;
}

int log_start(struct log *log)
{
	sigset_t all, old;
	int r;

	/* signals belong to the main thread; SIGPIPE becomes EPIPE */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&log->thread, NULL, log_thread, log);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	log->is_started = !r;
	return r;
}

void log_reopen(struct log *log)
{
	atomic_store(&log->is_reopening, true);
	sem_post(&log->wake);
}

void log_configure(struct log *log, const struct conf_log *conf)
{
	pthread_mutex_lock(&log->lock);
	log->conf_new = *conf;
	log->is_conf_new = true;
	pthread_mutex_unlock(&log->lock);
	sem_post(&log->wake);
}

void log_get_stats(struct log *log, struct log_stats *stats)
{
	pthread_mutex_lock(&log->lock);
	*stats = log->stats;
	pthread_mutex_unlock(&log->lock);
}

unsigned int log_get_past(struct log *log, struct log_past *past, unsigned int max)
{
	unsigned int i, n;

	pthread_mutex_lock(&log->lock);
	n = log->past_len < max ? log->past_len : max;
	for (i = 0; i < n; i++)
		past[i] = log->past[(log->past_next + LOG_PAST_MAX - n + i) % LOG_PAST_MAX];
	pthread_mutex_unlock(&log->lock);
	return n;
}

void log_close(struct log *log)
{
	struct timespec ts;

	if (log->is_started) {
		atomic_store(&log->is_stopping, true);
		sem_post(&log->wake);
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec += LOG_CLOSE_WAIT_MS / 1000;
		if (pthread_timedjoin_np(log->thread, NULL, &ts))
			return; /* stuck on a target: leave it, the process ends */
	}
	target_close(&log->access);
	target_close(&log->error);
	sem_destroy(&log->wake);
	pthread_mutex_destroy(&log->lock);
	free(log);
}
