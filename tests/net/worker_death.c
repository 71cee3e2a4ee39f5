// SPDX-License-Identifier: GPL-2.0-only
/*
 * worker_death.c - what clients see when a worker is killed
 *
 *   worker_death serve ADDRESS PORT		echo what comes
 *   worker_death watch ADDRESS PORT STANDING	kill, and look
 *
 * watch keeps STANDING connections busy, each with a pattern that comes back through the proxy and is checked byte for byte.
 * It prints "standing" when all of them have got an answer, then takes a line "PID SESSIONS" from standard input: the process to
 * kill with SIGKILL, and how many of the standing connections are known to be its own. From that instant on it opens a
 * connection every PROBE_EVERY_US, PROBES in all, and waits until each of them has had an answer. It prints
 *
 *   kill lost=L probes=P failed=F max_ms=M first_ms=M
 *
 * lost: standing connections that ended, which must be SESSIONS, no more and no less; failed: probes that were reset, each of
 * them tried again at once; max_ms: the longest time from a probe's first connect() to its answer. The lost ones are opened
 * again, and the next line is taken. At the end of the input the status is 0 if nothing was wrong.
 *
 * A client that waits for an answer does not learn that the worker has gone: one that has waited for NUDGE_US sends once more,
 * and gets its RST.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 256
#define BUF_BYTES 65536
#define PROBES 64
#define PROBE_EVERY_US 2000
#define NUDGE_US 300000
#define DEADLINE_US 30000000 /* nothing takes so long, on any machine */
#define STANDING_MAX 4096

struct conn {
	int fd; /* -1: none */
	bool is_probe, is_lost, has_answer;
	uint64_t id, sent, received;
	int64_t begin_us, sent_us;
};

static struct conn conns[STANDING_MAX + PROBES];
static unsigned int n_standing, n_probes;
static struct sockaddr_in to;
static int epoll_fd;
static bool is_wrong;
static unsigned int n_lost, n_failed;

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static uint8_t pattern(uint64_t id, uint64_t offset)
{
	return offset * 31 + (offset >> 8) * 7 + id * 13;
}

static int serve(void)
{
	static char buf[BUF_BYTES];
	struct epoll_event events[256], ev = { .events = EPOLLIN };
	int one = 1, listener, i, n;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ev.data.fd = listener;
	if (bind(listener, (struct sockaddr *)&to, sizeof(to)) || listen(listener, 4096) ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev)) {
		perror("worker_death serve");
		return 1;
	}
	for (;;) {
		n = epoll_wait(epoll_fd, events, 256, -1);
		for (i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			ssize_t len;

			if (fd == listener) {
				ev.data.fd = fd = accept4(listener, NULL, NULL, 0);
				if (fd >= 0) {
					setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
					epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
				}
				continue;
			}
			/* blocks no longer than the client takes to read: it has a block or two on the way */
			len = recv(fd, buf, sizeof(buf), 0);
			if (len <= 0 || send(fd, buf, len, MSG_NOSIGNAL) != len)
				close(fd);
		}
	}
}

static void conn_block(struct conn *c)
{
	uint8_t block[BLOCK_BYTES];
	size_t i;

	for (i = 0; i < sizeof(block); i++)
		block[i] = pattern(c->id, c->sent + i);
	c->sent_us = now_us();
	/* a few blocks always fit */
	if (send(c->fd, block, sizeof(block), MSG_NOSIGNAL) == sizeof(block))
		c->sent += sizeof(block);
}

static void conn_open(struct conn *c)
{
	static uint64_t id;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	c->id = ++id;
	c->sent = c->received = 0;
	c->is_lost = c->has_answer = false;
	c->sent_us = now_us();
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) ||
	    (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)) {
		perror("worker_death: connect");
		exit(1);
	}
}

static void conn_close(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
}

static void conn_failed(struct conn *c)
{
	conn_close(c);
	if (c->is_probe) {
		n_failed++;
		conn_open(c);
		return;
	}
	c->is_lost = true;
	n_lost++;
}

static void conn_event(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	uint8_t buf[4096];
	ssize_t i, len;

	if (c->fd < 0)
		return;
	if (!c->sent && events & EPOLLOUT && !(events & (EPOLLERR | EPOLLHUP))) {
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
		conn_block(c);
	}
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return;
	len = recv(c->fd, buf, sizeof(buf), 0);
	if (len < 0 && errno == EAGAIN)
		return;
	if (len <= 0) {
		conn_failed(c);
		return;
	}
	for (i = 0; i < len; i++)
		if (buf[i] != pattern(c->id, c->received + i)) {
			printf("wrong byte at %" PRIu64 " of connection %" PRIu64 "\n", c->received + i, c->id);
			is_wrong = true;
			break;
		}
	c->received += len;
	if (c->received < c->sent)
		return;
	c->has_answer = true;
	if (c->is_probe)
		conn_close(c);
	else
		conn_block(c);
}

static void turn(void)
{
	struct epoll_event events[256];
	int64_t now;
	unsigned int j;
	int i, n = epoll_wait(epoll_fd, events, 256, 1);

	for (i = 0; i < n; i++)
		conn_event(events[i].data.ptr, events[i].events);
	now = now_us();
	for (j = 0; j < n_standing; j++)
		if (conns[j].fd >= 0 && conns[j].sent && now - conns[j].sent_us > NUDGE_US)
			conn_block(&conns[j]);
}

static unsigned int answered(unsigned int first, unsigned int n)
{
	unsigned int i, sum = 0;

	for (i = first; i < first + n; i++)
		sum += conns[i].has_answer;
	return sum;
}

static void stand(void)
{
	int64_t deadline = now_us() + DEADLINE_US;
	unsigned int i;

	for (i = 0; i < n_standing; i++)
		if (conns[i].fd < 0)
			conn_open(&conns[i]);
	n_lost = 0;
	while (answered(0, n_standing) < n_standing && !n_lost && now_us() < deadline)
		turn();
	if (answered(0, n_standing) < n_standing || n_lost) {
		printf("only %u of %u connections stand\n", answered(0, n_standing), n_standing);
		exit(1);
	}
	printf("standing\n");
}

static void death(pid_t pid, unsigned int sessions)
{
	struct conn *probes = conns + n_standing;
	int64_t begin = now_us(), deadline = begin + DEADLINE_US, answer_us[PROBES] = { 0 };
	double max_ms = 0, first_ms = 0;
	unsigned int i, n_done = 0;

	n_lost = n_failed = n_probes = 0;
	if (kill(pid, SIGKILL)) {
		printf("kill %d: %s\n", (int)pid, strerror(errno));
		exit(1);
	}
	while ((n_done < PROBES || n_lost < sessions) && now_us() < deadline) {
		for (; n_probes < PROBES && now_us() - begin >= (int64_t)n_probes * PROBE_EVERY_US; n_probes++) {
			probes[n_probes] = (struct conn){ .is_probe = true, .begin_us = now_us() };
			conn_open(&probes[n_probes]);
		}
		turn();
		for (i = 0; i < n_probes; i++)
			if (probes[i].has_answer && !answer_us[i]) {
				answer_us[i] = now_us();
				n_done++;
			}
	}
	for (i = 0; i < n_probes; i++) {
		double ms = (answer_us[i] - probes[i].begin_us) / 1000.0;

		if (!answer_us[i])
			continue;
		if (ms > max_ms)
			max_ms = ms;
		if ((!first_ms || (answer_us[i] - begin) / 1000.0 < first_ms))
			first_ms = (answer_us[i] - begin) / 1000.0;
	}
	printf("kill lost=%u probes=%u failed=%u max_ms=%.1f first_ms=%.1f\n", n_lost, n_done, n_failed, max_ms, first_ms);
	if (n_lost != sessions || n_done != PROBES) {
		printf("wrong: %u connections were the worker's, %u probes were sent\n", sessions, n_probes);
		is_wrong = true;
	}
}

int main(int argc, char **argv)
{
	unsigned int sessions;
	char line[64];
	int i, pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: worker_death serve ADDRESS PORT | watch ADDRESS PORT STANDING\n");
		return 2;
	}
	to.sin_family = AF_INET;
	to.sin_port = htons(atoi(argv[3]));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!strcmp(argv[1], "serve"))
		return serve();
	n_standing = argc == 5 ? atoi(argv[4]) : 0;
	if (!n_standing || n_standing > STANDING_MAX)
		return 2;
	for (i = 0; i < (int)(n_standing + PROBES); i++)
		conns[i].fd = -1;
	stand();
	for (;;) {
		struct pollfd in = { .events = POLLIN };

		turn();
		if (poll(&in, 1, 0) <= 0)
			continue;
		/* lines come one at a time: nothing is left in stdio's buffer */
		if (!fgets(line, sizeof(line), stdin))
			break;
		if (sscanf(line, "%d %u", &pid, &sessions) != 2)
			return 2;
		if (n_lost) {
			printf("wrong: %u connections ended before the kill\n", n_lost);
			is_wrong = true;
		}
		death(pid, sessions);
		stand();
	}
	if (n_lost)
		printf("wrong: %u connections ended after the last kill\n", n_lost);
	return is_wrong || n_lost ? 1 : 0;
}
