// SPDX-License-Identifier: GPL-2.0-only
/*
 * load.c - HTTP/1.1 requests at an offered rate, and how long their answers take
 *
 * wrk sends the next request when the answer is there: a slower proxy is asked less, and figures of two candidates belong
 * to different loads. Here the load is given. Each connection has a timetable of its own, one request every
 * connections / rate seconds, with phases spread evenly; the time of an answer counts from the moment the request was due,
 * also when an earlier answer was late and kept it waiting (no coordinated omission). Without a rate each connection asks
 * again at once, as wrk does.
 *
 * One thread, one epoll loop. Answers must have a Content-Length. The histogram is log-linear: 64 steps for each doubling,
 * so that a figure is known to 1.6 %.
 *
 * usage: load HOST:PORT PATH CONNECTIONS SECONDS [RATE [WARMUP_SECONDS]]        HOST: IPv4 address
 * Output: one line of JSON. Exit 0; 1 if nothing could be measured; 2 for bad usage.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STEPS 64 /* of a doubling */
#define DOUBLINGS 40 /* 2^40 ns: 18 minutes */
#define EVENTS_MAX 256
#define CONNECTIONS_MAX 16384
#define HEAD_BYTES 1024 /* of an answer's head, at most */

struct conn {
	int fd;
	bool is_waiting; /* a request is out */
	uint64_t due_ns; /* of the request that is out, or of the next one */
	uint64_t left; /* bytes of the body that are to come */
	unsigned int head_len;
	char head[HEAD_BYTES];
};

static struct sockaddr_in target = { .sin_family = AF_INET };
static char request[512];
static int request_len, epoll_fd;
static struct conn *conns;
static unsigned int n_conns;
static uint64_t interval_ns; /* between two requests of a connection; 0: at once */
static uint64_t begin_ns, end_ns; /* what is due in between counts */
static uint64_t histogram[DOUBLINGS * STEPS];
static uint64_t answers, bytes, errors, max_ns;
static char sink[256 * 1024];

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static unsigned int bucket(uint64_t ns)
{
	unsigned int doubling;

	if (ns < STEPS)
		return ns;
	doubling = 63 - __builtin_clzll(ns);
	doubling = doubling - 5; /* 2^6 is the first with steps of its own */
	if (doubling >= DOUBLINGS)
		return DOUBLINGS * STEPS - 1;
	return doubling * STEPS + ((ns >> (doubling - 1)) & (STEPS - 1));
}

static double bucket_us(unsigned int i)
{
	unsigned int doubling = i / STEPS;

	if (!doubling)
		return i / 1e3;
	return (double)((uint64_t)(STEPS + i % STEPS) << (doubling - 1)) / 1e3;
}

static double percentile_us(double share)
{
	uint64_t want = (uint64_t)(share * answers), seen = 0;
	unsigned int i;

	for (i = 0; i < DOUBLINGS * STEPS; i++) {
		seen += histogram[i];
		if (seen > want)
			return bucket_us(i);
	}
	return max_ns / 1e3;
}

static int conn_open(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (connect(c->fd, (struct sockaddr *)&target, sizeof(target)) ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    fcntl(c->fd, F_SETFL, O_NONBLOCK) || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev)) {
		int err = -errno;

		close(c->fd);
		c->fd = -1;
		return err;
	}
	c->is_waiting = false;
	c->left = c->head_len = 0;
	return 0;
}

/* Count it, and start anew: a proxy that loses connections must not look faster for it. */
static void conn_failed(struct conn *c)
{
	errors++;
	close(c->fd);
	if (conn_open(c))
		c->fd = -1;
}

static void conn_ask(struct conn *c)
{
	c->is_waiting = true;
	c->head_len = 0;
	c->left = 0;
	if (send(c->fd, request, request_len, MSG_NOSIGNAL) != request_len)
		conn_failed(c);
}

static void conn_answered(struct conn *c)
{
	uint64_t now = now_ns(), took = now - c->due_ns;

	c->is_waiting = false;
	if (c->due_ns >= begin_ns && c->due_ns < end_ns) {
		answers++;
		histogram[bucket(took)]++;
		if (took > max_ns)
			max_ns = took;
	}
	if (!interval_ns) {
		c->due_ns = now;
		if (now < end_ns)
			conn_ask(c);
		return;
	}
	c->due_ns += interval_ns;
	if (c->due_ns <= now && c->due_ns < end_ns)
		conn_ask(c);
}

/* The head is complete: how long is the body? -1: no answer that we understand. */
static int64_t body_bytes(char *head)
{
	char *length;

	if (strncmp(head, "HTTP/1.1 200", 12))
		return -1;
	length = strcasestr(head, "\r\ncontent-length:");
	return length ? strtoll(length + 17, NULL, 10) : -1;
}

static void conn_read(struct conn *c)
{
	ssize_t n;

	for (;;) {
		if (c->left) {
			n = recv(c->fd, sink, c->left < sizeof(sink) ? c->left : sizeof(sink), 0);
		} else {
			if (c->head_len == HEAD_BYTES - 1)
				break;
			n = recv(c->fd, c->head + c->head_len, HEAD_BYTES - 1 - c->head_len, 0);
		}
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || !c->is_waiting)
			break;
		bytes += n;
		if (c->left) {
			c->left -= n;
		} else {
			char *end;
			int64_t body;

			c->head_len += n;
			c->head[c->head_len] = '\0';
			end = strstr(c->head, "\r\n\r\n");
			if (!end)
				continue;
			body = body_bytes(c->head);
			body -= c->head + c->head_len - (end + 4);
			if (body < 0)
				break;
			c->left = body;
		}
		if (!c->left) {
			conn_answered(c);
			return; /* level-triggered: the next answer is another event */
		}
	}
	conn_failed(c);
}

/* Ask where it is time; returns when the next request is due. */
static uint64_t ask_due(uint64_t now)
{
	uint64_t next = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < n_conns; i++) {
		struct conn *c = &conns[i];

		if (c->fd < 0 || c->is_waiting)
			continue;
		if (c->due_ns <= now)
			conn_ask(c);
		else if (c->due_ns < next)
			next = c->due_ns;
	}
	return next;
}

static void run(void)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now, next, last = end_ns + 1000000000; /* answers that are late may come until then */
	struct timespec ts;
	int n, i;

	for (now = now_ns(); now < last; now = now_ns()) {
		next = now < end_ns ? ask_due(now) : UINT64_MAX;
		if (now >= end_ns) {
			for (i = 0; i < (int)n_conns && !conns[i].is_waiting; i++)
				;
			if (i == (int)n_conns)
				return;
		}
		if (next > now + 100000000)
			next = now + 100000000;
		now = now_ns();
		next = next > now ? next - now : 0;
		ts = (struct timespec){ .tv_nsec = next };
		n = epoll_pwait2(epoll_fd, events, EVENTS_MAX, &ts, NULL);
		for (i = 0; i < n; i++)
			conn_read(events[i].data.ptr);
	}
	for (i = 0; i < (int)n_conns; i++)
		errors += conns[i].is_waiting; /* never answered */
}

static int usage(const char *what)
{
	fprintf(stderr, "load: %s\nusage: load HOST:PORT PATH CONNECTIONS SECONDS [RATE [WARMUP_SECONDS]]\n", what);
	return 2;
}

int main(int argc, char **argv)
{
	char *colon, host[64];
	double seconds, rate = 0, warmup = 1;
	unsigned int i;
	uint64_t start;

	if (argc < 5 || argc > 7)
		return usage("four to six arguments");
	snprintf(host, sizeof(host), "%s", argv[1]);
	colon = strchr(host, ':');
	if (!colon)
		return usage("HOST:PORT has no port");
	*colon = '\0';
	target.sin_port = htons(atoi(colon + 1));
	if (!target.sin_port || inet_pton(AF_INET, host, &target.sin_addr) != 1)
		return usage("HOST must be an IPv4 address, PORT 1 to 65535");
	n_conns = atoi(argv[3]);
	seconds = atof(argv[4]);
	if (argc > 5)
		rate = atof(argv[5]);
	if (argc > 6)
		warmup = atof(argv[6]);
	if (n_conns < 1 || n_conns > CONNECTIONS_MAX || seconds <= 0 || seconds > 3600 || rate < 0 || warmup < 0)
		return usage("CONNECTIONS: 1 to 16384; SECONDS: up to 3600; RATE: requests/s of all connections, 0: as fast as it goes");
	request_len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", argv[2], host);
	if (request_len >= (int)sizeof(request))
		return usage("PATH is longer than 400 bytes");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	conns = calloc(n_conns, sizeof(*conns));
	if (epoll_fd < 0 || !conns)
		return 1;
	for (i = 0; i < n_conns; i++) {
		int err = conn_open(&conns[i]);

		if (err) {
			fprintf(stderr, "load: connection %u to %s: %s\n", i, argv[1], strerror(-err));
			return 1;
		}
	}
	interval_ns = rate > 0 ? n_conns / rate * 1e9 : 0;
	start = now_ns();
	begin_ns = start + warmup * 1e9;
	end_ns = begin_ns + seconds * 1e9;
	for (i = 0; i < n_conns; i++)
		conns[i].due_ns = start + (interval_ns ? interval_ns / n_conns * i : 0);
	run();
	if (!answers) {
		fprintf(stderr, "load: no answer in %g s\n", seconds);
		return 1;
	}
	printf("{\"requests\":%" PRIu64 ",\"duration_us\":%.0f,\"bytes\":%" PRIu64
	       ",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"errors\":%" PRIu64 "}\n",
	       answers, seconds * 1e6, bytes, percentile_us(0.5), percentile_us(0.9), percentile_us(0.99), max_ns / 1e3,
	       errors);
	return 0;
}
