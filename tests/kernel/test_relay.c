// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_relay.c - lkl_relay_join(): what one connection receives leaves on the other, and every way in which that ends
 *
 *      client ═══ down │ joined │ up ═══ server        two connections over lo; the test holds all four ends
 */
#include "inet.h"

#include <linux/tcp.h>
#include <poll.h>
#include <sys/epoll.h>

#define BULK_BYTES (8 << 20)

struct relayed {
	int client, down, up, server;
	struct lkl_relay relay;
};

static int relayed_open(struct relayed *r, int family)
{
	int fds[2];

	memset(r, 0, sizeof(*r));
	CHECK_EQ(tcp_pair(family, fds), 0);
	r->client = fds[0];
	r->down = fds[1];
	CHECK_EQ(tcp_pair(family, fds), 0);
	r->up = fds[0];
	r->server = fds[1];
	return 0;
}

static int relayed_join(struct relayed *r, int family)
{
	TRY(relayed_open(r, family));
	CHECK_EQ(lkl_relay_join(&r->relay, r->down, r->up), 0);
	return 0;
}

static int relayed_close(struct relayed *r)
{
	if (r->relay.pair)
		CHECK_EQ(lkl_relay_part(&r->relay), 0);
	lkl_sys_close(r->client);
	lkl_sys_close(r->down);
	lkl_sys_close(r->up);
	lkl_sys_close(r->server);
	return 0;
}

static int wait_over(struct relayed *r)
{
	int i;

	for (i = 0; i < 5000 && !__atomic_load_n(&r->relay.is_over, __ATOMIC_ACQUIRE); i++)
		lkl_sys_nanosleep_ns(1000000);
	CHECK_EQ(r->relay.is_over, 1);
	return 0;
}

/* Bytes [at, at + len) of the pattern. */
static int send_pattern(int fd, size_t at, size_t len)
{
	unsigned char *buf = malloc(65536); /* tasks share a thread and its small stack */
	long ret = 0;
	size_t n, i;

	while (len) {
		n = len < 65536 ? len : 65536;
		for (i = 0; i < n; i++)
			buf[i] = pattern(at + i);
		ret = lkl_sys_write(fd, buf, n);
		if (ret <= 0)
			break;
		at += ret;
		len -= ret;
	}
	free(buf);
	return len ? ret < 0 ? ret : -EIO : 0;
}

static int expect_pattern(int fd, size_t at, size_t len)
{
	unsigned char *buf = malloc(65536);
	size_t i;
	long n;

	while (len) {
		n = lkl_sys_read(fd, buf, len < 65536 ? len : 65536);
		CHECK(n > 0);
		for (i = 0; i < (size_t)n; i++)
			CHECK_EQ(buf[i], pattern(at + i));
		at += n;
		len -= n;
	}
	free(buf);
	return 0;
}

static int messages(void *arg)
{
	static const size_t sizes[] = { 1, 2, 250, 1447, 1448, 1449, 4096, 20000, 60000 };
	static const int families[] = { AF_INET, AF_INET6 };
	size_t i, family, up = 0, down = 0;
	struct relayed r;

	for (family = 0; family < ARRAY_SIZE(families); family++) {
		TRY(relayed_join(&r, families[family]));
		up = down = 0;
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			TRY(send_pattern(r.client, up, sizes[i]));
			TRY(expect_pattern(r.server, up, sizes[i]));
			up += sizes[i];
			TRY(send_pattern(r.server, down, sizes[i] * 2));
			TRY(expect_pattern(r.client, down, sizes[i] * 2));
			down += sizes[i] * 2;
		}
		CHECK_EQ(r.relay.bytes_total[0], up);
		CHECK_EQ(r.relay.bytes_total[1], down);
		CHECK(r.relay.moves_total[0] && r.relay.moves_total[1]);
		CHECK_EQ(r.relay.is_over, 0);
		CHECK(lkl_relay_idle_ns(&r.relay) < 60000000000ull);
		TRY(relayed_close(&r));
	}
	return 0;
}

static int waiting_before_the_join(void *arg)
{
	struct relayed r;

	TRY(relayed_open(&r, AF_INET));
	TRY(send_pattern(r.client, 0, 5000));
	TRY(send_pattern(r.server, 0, 100));
	CHECK_EQ(lkl_relay_join(&r.relay, r.down, r.up), 0);
	TRY(expect_pattern(r.server, 0, 5000));
	TRY(expect_pattern(r.client, 0, 100));
	return relayed_close(&r);
}

static int sender(void *arg)
{
	return send_pattern((int)(intptr_t)arg, 0, BULK_BYTES);
}

static int bulk_both_ways(void *arg)
{
	struct peer up, down;
	struct relayed r;
	size_t at_up, at_down, part = 50000;

	TRY(relayed_join(&r, AF_INET));
	CHECK_EQ(peer_start(&up, sender, (void *)(intptr_t)r.client), 0);
	CHECK_EQ(peer_start(&down, sender, (void *)(intptr_t)r.server), 0);
	for (at_up = at_down = 0; at_up < BULK_BYTES || at_down < BULK_BYTES;) {
		size_t n = BULK_BYTES - at_up < part ? BULK_BYTES - at_up : part;

		TRY(expect_pattern(r.server, at_up, n));
		at_up += n;
		n = BULK_BYTES - at_down < part ? BULK_BYTES - at_down : part;
		TRY(expect_pattern(r.client, at_down, n));
		at_down += n;
	}
	CHECK_EQ(peer_join(&up), 0);
	CHECK_EQ(peer_join(&down), 0);
	CHECK_EQ(r.relay.bytes_total[0], BULK_BYTES);
	CHECK_EQ(r.relay.bytes_total[1], BULK_BYTES);
	return relayed_close(&r);
}

/* Nobody reads: the sender must stop before long, lose nothing, and go on when somebody does. */
static int slow_reader_stops_sender(void *arg)
{
	static unsigned char buf[65536];
	size_t sent = 0, i;
	struct relayed r;
	struct peer rest;
	long n;

	TRY(relayed_join(&r, AF_INET));
	CHECK_EQ(lkl_sys_fcntl(r.client, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		struct pollfd pfd = { .fd = r.client, .events = POLLOUT };
		struct timespec patience = { .tv_nsec = 300000000 };

		for (i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(sent + i);
		n = lkl_sys_write(r.client, buf, sizeof(buf));
		if (n == -EAGAIN) {
			if (!sys(ppoll, &pfd, 1, &patience, NULL, 0))
				break;
			continue;
		}
		CHECK(n > 0);
		sent += n;
		CHECK(sent < 64 << 20);
	}
	CHECK(r.relay.bytes_total[0] < sent);
	CHECK_EQ(lkl_sys_fcntl(r.client, F_SETFL, 0), 0);
	TRY(expect_pattern(r.server, 0, sent));
	/* and the pair is as good as new */
	CHECK_EQ(peer_start(&rest, sender, (void *)(intptr_t)r.client), 0);
	TRY(expect_pattern(r.server, 0, BULK_BYTES));
	CHECK_EQ(peer_join(&rest), 0);
	CHECK_EQ(r.relay.bytes_total[0], sent + BULK_BYTES);
	return relayed_close(&r);
}

/* The pair hands over at a FIN; what it had not moved is still to be read, then the end. */
static int fin_hands_over(void *arg)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET, .data.u64 = 7 };
	struct relayed r;
	uint64_t moved;
	int epfd, n;

	TRY(relayed_open(&r, AF_INET));
	epfd = lkl_sys_epoll_create1(0);
	CHECK(epfd >= 0);
	CHECK_EQ(lkl_sys_epoll_ctl(epfd, EPOLL_CTL_ADD, r.down, &ev), 0);
	CHECK_EQ(lkl_sys_epoll_wait(epfd, &ev, 1, 0), 1); /* writable */
	CHECK_EQ(lkl_relay_join(&r.relay, r.down, r.up), 0);
	TRY(send_pattern(r.client, 0, 300));
	TRY(expect_pattern(r.server, 0, 300));
	CHECK_EQ(lkl_sys_epoll_wait(epfd, &ev, 1, 0), 0); /* data is no event */
	TRY(send_pattern(r.client, 300, 10000));
	CHECK_EQ(lkl_sys_shutdown(r.client, SHUT_WR), 0);
	n = lkl_sys_epoll_wait(epfd, &ev, 1, 5000);
	CHECK_EQ(n, 1);
	CHECK(ev.events & EPOLLRDHUP);
	TRY(wait_over(&r));
	moved = r.relay.bytes_total[0];
	CHECK_EQ(lkl_relay_part(&r.relay), 0);
	TRY(expect_pattern(r.down, moved, 10300 - moved));
	CHECK_EQ(lkl_sys_read(r.down, &n, 1), 0);
	TRY(expect_pattern(r.server, 300, moved - 300));
	/* half of it is still open */
	TRY(send_pattern(r.server, 0, 500));
	TRY(expect_pattern(r.up, 0, 500));
	lkl_sys_close(epfd);
	return relayed_close(&r);
}

static int reset_hands_over(void *arg)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	struct relayed r;
	char c;

	TRY(relayed_join(&r, AF_INET));
	TRY(send_pattern(r.server, 0, 1000));
	TRY(expect_pattern(r.client, 0, 1000));
	CHECK_EQ(lkl_sys_setsockopt(r.server, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	CHECK_EQ(lkl_sys_close(r.server), 0);
	r.server = -1;
	TRY(wait_over(&r));
	CHECK_EQ(lkl_relay_part(&r.relay), 0);
	CHECK_EQ(lkl_sys_read(r.up, &c, 1), -ECONNRESET);
	CHECK_EQ(lkl_sys_write(r.client, "x", 1), 1);
	CHECK_EQ(lkl_sys_read(r.down, &c, 1), 1);
	return relayed_close(&r);
}

static int urgent_data_hands_over(void *arg)
{
	struct relayed r;

	TRY(relayed_join(&r, AF_INET));
	CHECK_EQ(set_int(r.down, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	TRY(send_pattern(r.client, 0, 100));
	TRY(expect_pattern(r.server, 0, 100));
	CHECK_EQ(lkl_sys_sendto(r.client, "\0\0\0!", 4, MSG_OOB, NULL, 0), 4);
	TRY(wait_over(&r));
	return relayed_close(&r);
}

static int parted_goes_on(void *arg)
{
	struct relayed r;
	int i;

	TRY(relayed_open(&r, AF_INET));
	for (i = 0; i < 100; i++) {
		CHECK_EQ(lkl_relay_join(&r.relay, r.down, r.up), 0);
		TRY(send_pattern(r.client, i, 700));
		TRY(expect_pattern(r.server, i, 700));
		CHECK_EQ(r.relay.bytes_total[0], 700);
		CHECK_EQ(lkl_relay_part(&r.relay), 0);
		CHECK_EQ(lkl_relay_part(&r.relay), -EINVAL);
		TRY(send_pattern(r.client, i, 40));
		TRY(expect_pattern(r.down, i, 40));
		TRY(send_pattern(r.up, i, 50));
		TRY(expect_pattern(r.server, i, 50));
	}
	return relayed_close(&r);
}

static int closed_while_joined(void *arg)
{
	struct relayed r;
	char c;

	TRY(relayed_join(&r, AF_INET));
	lkl_sys_close(r.down);
	lkl_sys_close(r.up);
	TRY(send_pattern(r.client, 0, 2000));
	TRY(expect_pattern(r.server, 0, 2000));
	CHECK_EQ(lkl_relay_part(&r.relay), 0);
	CHECK_EQ(lkl_sys_read(r.client, &c, 1), 0);
	r.down = r.up = -1;
	return relayed_close(&r);
}

static int refused(void *arg)
{
	struct lkl_relay other = { 0 };
	struct relayed r;
	int udp = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0), fds[2];

	TRY(relayed_open(&r, AF_INET));
	CHECK_EQ(lkl_relay_join(NULL, r.down, r.up), -EINVAL);
	CHECK_EQ(lkl_relay_part(NULL), -EINVAL);
	CHECK_EQ(lkl_relay_join(&r.relay, r.down, -1), -EBADF);
	CHECK_EQ(lkl_relay_join(&r.relay, 9999, r.up), -EBADF);
	CHECK_EQ(lkl_relay_join(&r.relay, r.down, r.down), -EINVAL);
	CHECK_EQ(lkl_relay_join(&r.relay, r.down, udp), -EOPNOTSUPP);
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	CHECK_EQ(lkl_relay_join(&r.relay, fds[0], r.up), -ENOTSOCK);
	CHECK(!r.relay.pair);
	CHECK_EQ(lkl_relay_join(&r.relay, r.down, r.up), 0);
	CHECK_EQ(lkl_relay_join(&other, r.down, r.up), -EBUSY);
	CHECK_EQ(lkl_relay_join(&other, r.client, r.up), -EBUSY);
	CHECK_EQ(lkl_relay_part(&r.relay), 0);
	CHECK_EQ(lkl_sys_shutdown(r.client, SHUT_WR), 0);
	CHECK_EQ(lkl_sys_read(r.down, fds, 1), 0);
	CHECK_EQ(lkl_relay_join(&r.relay, r.down, r.up), -ENOTCONN);
	lkl_sys_close(udp);
	return relayed_close(&r);
}

static int asker(void *arg)
{
	struct relayed *r = arg;
	int i;

	for (i = 0; i < 20000; i++) {
		struct tcp_info info;
		int len = sizeof(info);

		CHECK_EQ(lkl_sys_getsockopt(i & 1 ? r->down : r->up, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
		if (!(i & 15))
			lkl_sys_nanosleep_ns(1000);
	}
	return 0;
}

/* A system call that holds a socket makes the move wait, not fail. */
static int asked_while_moving(void *arg)
{
	struct peer up, questions;
	struct relayed r;

	TRY(relayed_join(&r, AF_INET));
	CHECK_EQ(peer_start(&questions, asker, &r), 0);
	CHECK_EQ(peer_start(&up, sender, (void *)(intptr_t)r.client), 0);
	TRY(expect_pattern(r.server, 0, BULK_BYTES));
	CHECK_EQ(peer_join(&up), 0);
	CHECK_EQ(peer_join(&questions), 0);
	return relayed_close(&r);
}

static int pairs_come_and_go(void *arg)
{
	struct lkl_stats before, after;
	struct relayed r;
	int i;

	for (i = 0; i < 600; i++) {
		TRY(relayed_join(&r, AF_INET));
		TRY(send_pattern(r.client, 0, 3000));
		if (i & 1)
			TRY(expect_pattern(r.server, 0, 3000));
		TRY(relayed_close(&r));
		if (i == 300) {
			lkl_sys_nanosleep_ns(100000000);
			CHECK_EQ(lkl_stats(&before), 0);
		}
	}
	lkl_sys_nanosleep_ns(100000000);
	CHECK_EQ(lkl_stats(&after), 0);
	CHECK(after.memory_free_bytes + (4 << 20) > before.memory_free_bytes);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(messages),
		BODY(waiting_before_the_join),
		BODY(bulk_both_ways),
		BODY(slow_reader_stops_sender),
		BODY(fin_hands_over),
		BODY(reset_hands_over),
		BODY(urgent_data_hands_over),
		BODY(parted_goes_on),
		BODY(closed_while_joined),
		BODY(refused),
		BODY(asked_while_moving),
		BODY(pairs_come_and_go),
	};

	return RUN_BODIES(tests, argc, argv);
}
