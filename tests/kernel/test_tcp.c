// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_tcp.c - TCP sockets as tcp(7), socket(7) and send(2) describe them: ends, flags, timeouts, options, zero copy
 *
 * One task plays both ends where that can't block. What goes on between two instances or takes a special path
 * (congestion control, MPTCP, Fast Open, loss) is in test_tcp_features.c.
 */
#include "inet.h"

#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/mman.h>

#define TCP_ESTABLISHED 1
#define TCP_LISTEN 10

static const int families[] = { AF_INET, AF_INET6 };

static int ends(void *arg)
{
	struct sockaddr_storage a, b;
	size_t i;
	char buf[16];
	int fds[2], lens[2];

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		CHECK_EQ(tcp_pair(families[i], fds), 0);
		lens[0] = lens[1] = sizeof(a);
		CHECK_EQ(lkl_sys_getpeername(fds[0], (void *)&a, &lens[0]), 0);
		CHECK_EQ(lkl_sys_getsockname(fds[1], (void *)&b, &lens[1]), 0);
		CHECK(lens[0] == lens[1] && !memcmp(&a, &b, lens[0]));
		CHECK_EQ(lkl_sys_write(fds[0], "hello", 5), 5);
		CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 5);
		CHECK(!memcmp(buf, "hello", 5));

		/* Half a connection stays when one side has said all. */
		CHECK_EQ(lkl_sys_shutdown(fds[0], SHUT_WR), 0);
		CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 0);
		CHECK_EQ(lkl_sys_write(fds[0], "x", 1), -EPIPE);
		CHECK_EQ(lkl_sys_write(fds[1], "back", 4), 4);
		CHECK_EQ(lkl_sys_read(fds[0], buf, sizeof(buf)), 4);
		CHECK_EQ(lkl_sys_shutdown(fds[0], SHUT_RD), 0);
		CHECK_EQ(lkl_sys_read(fds[0], buf, sizeof(buf)), 0);
		TRY(close_pair(fds));
	}
	return 0;
}

static int refused_and_in_use(void *arg)
{
	int lfd, fd, port;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		lfd = tcp_listener(families[i], 0);
		CHECK(lfd >= 0);
		port = local_port(lfd);
		CHECK_EQ(inet_bound(families[i], SOCK_STREAM, 0, port), -EADDRINUSE);
		CHECK_EQ(lkl_sys_close(lfd), 0);
		fd = lkl_sys_socket(families[i], SOCK_STREAM, 0);
		CHECK_EQ(inet_connect(fd, families[i], port), -ECONNREFUSED);
		CHECK_EQ(lkl_sys_shutdown(fd, SHUT_WR), -ENOTCONN);
		CHECK_EQ(lkl_sys_close(fd), 0);
	}
	return 0;
}

static int connect_without_blocking(void *arg)
{
	struct pollfd pfd = { .events = POLLOUT };
	int lfd = tcp_listener(AF_INET, 0), fd = lkl_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	long ret;

	CHECK(lfd >= 0 && fd >= 0);
	CHECK_EQ(lkl_sys_fcntl(fd, F_GETFL, 0) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(lkl_sys_fcntl(fd, F_GETFD, 0), FD_CLOEXEC);
	ret = inet_connect(fd, AF_INET, local_port(lfd));
	CHECK(ret == -EINPROGRESS || ret == 0);
	pfd.fd = fd;
	CHECK_EQ(sys(ppoll, &pfd, 1, NULL, NULL, 0), 1);
	CHECK_EQ(pfd.revents, POLLOUT);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	CHECK_EQ(inet_connect(fd, AF_INET, local_port(lfd)), ret ? 0 : -EISCONN);
	CHECK_EQ(inet_connect(fd, AF_INET, local_port(lfd)), -EISCONN);
	ret = lkl_sys_accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
	CHECK(ret >= 0);
	CHECK_EQ(lkl_sys_fcntl(ret, F_GETFL, 0) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(lkl_sys_close(ret), 0);
	CHECK_EQ(lkl_sys_fcntl(lfd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(lkl_sys_accept4(lfd, NULL, NULL, 0), -EAGAIN);
	CHECK_EQ(lkl_sys_close(fd), 0);
	return lkl_sys_close(lfd);
}

static int linger_resets(void *arg)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int fds[2];
	char c;

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(lkl_sys_setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	CHECK_EQ(lkl_sys_read(fds[1], &c, 1), -ECONNRESET);
	CHECK_EQ(lkl_sys_read(fds[1], &c, 1), 0);
	CHECK_EQ(lkl_sys_write(fds[1], "x", 1), -EPIPE);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);

	/* Data that nobody read is a reset, too. */
	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(lkl_sys_write(fds[1], "unread", 6), 6);
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	CHECK_EQ(lkl_sys_read(fds[1], &c, 1), -ECONNRESET);
	return lkl_sys_close(fds[1]);
}

static int reuseport_spreads(void *arg)
{
	enum { CONNECTIONS = 100 };
	int lfds[2], conns[CONNECTIONS], counts[2] = { 0 }, i, j, fd, port;
	struct sockaddr_storage addr;
	int len;

	lfds[0] = lkl_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_EQ(set_int(lfds[0], SOL_SOCKET, SO_REUSEPORT, 1), 0);
	len = loopback(AF_INET, 0, &addr);
	CHECK_EQ(lkl_sys_bind(lfds[0], (void *)&addr, len), 0);
	port = local_port(lfds[0]);
	lfds[1] = lkl_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	len = loopback(AF_INET, port, &addr);
	CHECK_EQ(lkl_sys_bind(lfds[1], (void *)&addr, len), -EADDRINUSE);
	CHECK_EQ(set_int(lfds[1], SOL_SOCKET, SO_REUSEPORT, 1), 0);
	CHECK_EQ(lkl_sys_bind(lfds[1], (void *)&addr, len), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(lkl_sys_listen(lfds[i], CONNECTIONS), 0);
	for (i = 0; i < CONNECTIONS; i++) {
		conns[i] = lkl_sys_socket(AF_INET, SOCK_STREAM, 0);
		CHECK_EQ(inet_connect(conns[i], AF_INET, port), 0);
	}
	for (i = 0; i < 2; i++) {
		while ((fd = lkl_sys_accept4(lfds[i], NULL, NULL, 0)) >= 0) {
			counts[i]++;
			CHECK_EQ(lkl_sys_close(fd), 0);
		}
		CHECK_EQ(fd, -EAGAIN);
		CHECK_EQ(lkl_sys_close(lfds[i]), 0);
	}
	for (j = 0; j < CONNECTIONS; j++)
		CHECK_EQ(lkl_sys_close(conns[j]), 0);
	CHECK_EQ(counts[0] + counts[1], CONNECTIONS);
	/* By hash of the source port: all hundred on one side is a matter of 2^-99. */
	CHECK(counts[0] && counts[1]);
	return 0;
}

static int timeouts(void *arg)
{
	struct timeval tv = { .tv_usec = 20000 };
	static char buf[65536];
	int fds[2];
	int64_t t;
	long n;

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(lkl_sys_setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	CHECK_EQ(lkl_sys_setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	t = stack_now_ns();
	CHECK_EQ(lkl_sys_read(fds[0], buf, 1), -EAGAIN);
	CHECK(stack_now_ns() - t >= 19000000);
	/* Nobody reads: what fits is taken, then the call gives up. */
	while ((n = lkl_sys_write(fds[0], buf, sizeof(buf))) > 0)
		;
	CHECK_EQ(n, -EAGAIN);
	return close_pair(fds);
}

static int send_rest(void *arg)
{
	/* The other end waits for 8 bytes; whether it was first to arrive there does not matter. */
	CHECK_EQ(lkl_sys_write(*(int *)arg, "5678", 4), 4);
	return 0;
}

static int flags(void *arg)
{
	char buf[64] = "";
	struct peer peer;
	int fds[2];

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 1, MSG_DONTWAIT, NULL, NULL), -EAGAIN);
	CHECK_EQ(lkl_sys_write(fds[0], "1234", 4), 4);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), MSG_PEEK, NULL, NULL), 4);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT, NULL, NULL), 4);
	CHECK_EQ(peer_start(&peer, send_rest, &fds[0]), 0);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 8, MSG_WAITALL, NULL, NULL), 8);
	CHECK(!memcmp(buf, "12345678", 8));
	CHECK_EQ(peer_join(&peer), 0);

	/* tcp(7): MSG_TRUNC throws the bytes away. */
	CHECK_EQ(lkl_sys_write(fds[0], "gone", 4), 4);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], NULL, 3, MSG_TRUNC, NULL, NULL), 3);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], 'e');

	/* Urgent data stays out of the stream. */
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 1, MSG_OOB, NULL, NULL), -EINVAL);
	CHECK_EQ(lkl_sys_sendto(fds[0], "!", 1, MSG_OOB, NULL, 0), 1);
	CHECK_EQ(lkl_sys_write(fds[0], "n", 1), 1);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 1, MSG_OOB, NULL, NULL), 1);
	CHECK_EQ(buf[0], '!');
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], 'n');
	CHECK_EQ(lkl_sys_sendto(fds[0], "x", 1, MSG_NOSIGNAL | MSG_EOR, NULL, 0), 1);
	return close_pair(fds);
}

static int many_messages(void *arg)
{
	static char data[4][3] = { "ab", "cd", "ef", "gh" };
	struct mmsghdr msgs[4] = { 0 };
	struct iovec iov[4];
	char buf[16];
	int fds[2], i;

	CHECK_EQ(tcp_pair(AF_INET6, fds), 0);
	for (i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ data[i], 2 };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	CHECK_EQ(sys(sendmmsg, fds[0], msgs, 4, 0), 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(msgs[i].msg_len, 2);
	/* A stream has no borders. */
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 8, MSG_WAITALL, NULL, NULL), 8);
	CHECK(!memcmp(buf, "abcdefgh", 8));
	CHECK_EQ(lkl_sys_writev(fds[0], iov, 4), 8);
	memset(data, 0, sizeof(data));
	CHECK_EQ(lkl_sys_readv(fds[1], iov, 4), 8);
	CHECK(!memcmp(data[3], "gh", 2));
	return close_pair(fds);
}

static int info(void *arg)
{
	struct tcp_info ti;
	int lfd = tcp_listener(AF_INET, 0), fds[2], len = sizeof(ti);
	char buf[1000] = "";

	CHECK_EQ(lkl_sys_getsockopt(lfd, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	CHECK_EQ(ti.tcpi_state, TCP_LISTEN);
	CHECK_EQ(ti.tcpi_sacked, 128); /* of a listener: the backlog */
	CHECK_EQ(lkl_sys_close(lfd), 0);

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(lkl_sys_write(fds[0], buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), MSG_WAITALL, NULL, NULL), sizeof(buf));
	/* The reader's answer carries the acknowledgement. */
	CHECK_EQ(lkl_sys_write(fds[1], "y", 1), 1);
	CHECK_EQ(lkl_sys_read(fds[0], buf, 1), 1);
	memset(&ti, 0, sizeof(ti));
	len = sizeof(ti);
	CHECK_EQ(lkl_sys_getsockopt(fds[0], IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	CHECK_EQ(ti.tcpi_state, TCP_ESTABLISHED);
	CHECK_EQ(ti.tcpi_bytes_acked, sizeof(buf) + 1); /* and the SYN */
	CHECK_EQ(ti.tcpi_bytes_received, 1);
	CHECK_EQ(ti.tcpi_unacked, 0);
	CHECK_EQ(ti.tcpi_total_retrans, 0);
	CHECK(ti.tcpi_snd_mss > 536 && ti.tcpi_snd_cwnd > 0 && ti.tcpi_rtt > 0);
	len = 4;
	CHECK_EQ(lkl_sys_getsockopt(fds[0], IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	CHECK_EQ(len, 4);
	return close_pair(fds);
}

static int data_segments_out(int fd)
{
	struct tcp_info ti = { 0 };
	int len = sizeof(ti);

	CHECK_EQ(lkl_sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	return ti.tcpi_data_segs_out;
}

/* Ten writes of ten bytes: how many segments? */
static int ten_writes(int cork)
{
	int fds[2], i, n;
	char buf[100];

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(set_int(fds[0], IPPROTO_TCP, TCP_NODELAY, 1), 0);
	CHECK_EQ(set_int(fds[0], IPPROTO_TCP, TCP_CORK, cork), 0);
	for (i = 0; i < 10; i++)
		CHECK_EQ(lkl_sys_write(fds[0], "0123456789", 10), 10);
	CHECK_EQ(set_int(fds[0], IPPROTO_TCP, TCP_CORK, 0), 0);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), MSG_WAITALL, NULL, NULL), 100);
	n = data_segments_out(fds[0]);
	TRY(close_pair(fds));
	return n;
}

static int nodelay_and_cork(void *arg)
{
	int tries, n = 0;

	CHECK_EQ(ten_writes(0), 10);
	/* A cork is for 200 ms at most, which a loaded machine can spend elsewhere. */
	for (tries = 0; tries < 10; tries++) {
		n = ten_writes(1);
		if (n == 1)
			break;
	}
	CHECK_EQ(n, 1);
	return 0;
}

static int defer_accept(void *arg)
{
	int lfd = tcp_listener(AF_INET, 0), fd = lkl_sys_socket(AF_INET, SOCK_STREAM, 0), afd;
	char c;

	CHECK_EQ(set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30), 0);
	CHECK(get_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT) >= 30);
	CHECK_EQ(lkl_sys_fcntl(lfd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(inet_connect(fd, AF_INET, local_port(lfd)), 0);
	CHECK_EQ(lkl_sys_accept4(lfd, NULL, NULL, 0), -EAGAIN);
	CHECK_EQ(lkl_sys_write(fd, "x", 1), 1);
	CHECK_EQ(lkl_sys_fcntl(lfd, F_SETFL, 0), 0);
	afd = lkl_sys_accept4(lfd, NULL, NULL, 0);
	CHECK(afd >= 0);
	CHECK_EQ(lkl_sys_recvfrom(afd, &c, 1, MSG_DONTWAIT, NULL, NULL), 1);
	CHECK_EQ(lkl_sys_close(afd), 0);
	CHECK_EQ(lkl_sys_close(fd), 0);
	return lkl_sys_close(lfd);
}

/* Bytes that wait to be sent for the first time when the socket takes no more. */
static int unsent_when_full(int lowat)
{
	static char buf[4096];
	int fds[2], unsent = -1;
	long n;

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(set_int(fds[0], SOL_SOCKET, SO_SNDBUF, 1 << 20), 0);
	CHECK_EQ(set_int(fds[1], SOL_SOCKET, SO_RCVBUF, 1 << 16), 0);
	if (lowat) {
		CHECK_EQ(set_int(fds[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT, lowat), 0);
		CHECK_EQ(get_int(fds[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT), lowat);
	}
	while ((n = lkl_sys_sendto(fds[0], buf, sizeof(buf), MSG_DONTWAIT, NULL, 0)) > 0)
		;
	CHECK_EQ(n, -EAGAIN);
	CHECK_EQ(lkl_sys_ioctl(fds[0], SIOCOUTQNSD, (long)&unsent), 0);
	TRY(close_pair(fds));
	return unsent;
}

static int notsent_lowat(void *arg)
{
	int without = unsent_when_full(0), with = unsent_when_full(8192);

	CHECK(without > 100000);
	/* What the mark allows, plus the buffer that was begun below it (at most 64 KiB). */
	CHECK(with >= 0 && with <= 8192 + 65536);
	return 0;
}

static int option_values(void *arg)
{
	static const struct {
		int level, name, value, want;
	} rows[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1, 1 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 12345, 12345 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 77, 77 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 11, 11 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 5, 5 },
		{ IPPROTO_TCP, TCP_SYNCNT, 3, 3 },
		{ IPPROTO_TCP, TCP_LINGER2, 9, 9 },
		{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 70000, 70000 },
		{ IPPROTO_TCP, TCP_QUICKACK, 0, 0 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1, 1 },
		{ SOL_SOCKET, SO_MARK, 42, 42 },
		{ SOL_SOCKET, SO_PRIORITY, 6, 6 },
		{ SOL_SOCKET, SO_RCVLOWAT, 100, 100 },
		{ SOL_SOCKET, SO_SNDBUF, 50000, 100000 }, /* socket(7): the kernel doubles it */
		{ IPPROTO_IP, IP_TOS, 0x10, 0x10 },
		{ IPPROTO_IP, IP_TTL, 33, 33 },
		{ IPPROTO_IP, IP_TRANSPARENT, 1, 1 },
		{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, 1 },
	};
	int fds[2], len;
	char cc[16] = "";
	size_t i;

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_EQ(set_int(fds[0], rows[i].level, rows[i].name, rows[i].value), 0);
		CHECK_EQ(get_int(fds[0], rows[i].level, rows[i].name), rows[i].want);
	}
	CHECK_EQ(lkl_sys_setsockopt(fds[0], IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	len = sizeof(cc);
	CHECK_EQ(lkl_sys_getsockopt(fds[0], IPPROTO_TCP, TCP_CONGESTION, cc, &len), 0);
	CHECK(!strcmp(cc, "reno"));
	CHECK_EQ(lkl_sys_setsockopt(fds[0], IPPROTO_TCP, TCP_CONGESTION, "none", 4), -ENOENT);
	CHECK_EQ(set_int(fds[0], IPPROTO_TCP, 9999, 1), -ENOPROTOOPT);
	CHECK_EQ(set_int(fds[0], IPPROTO_TCP, TCP_KEEPIDLE, 0), -EINVAL);
	CHECK_EQ(get_int(fds[0], SOL_SOCKET, SO_DOMAIN), AF_INET);
	CHECK_EQ(get_int(fds[0], SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(get_int(fds[0], SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_EQ(get_int(fds[0], SOL_SOCKET, SO_ACCEPTCONN), 0);
	return close_pair(fds);
}

static int md5_signatures(void *arg)
{
	struct tcp_md5sig key = { .tcpm_keylen = 3, .tcpm_key = "key" };
	int lfd = tcp_listener(AF_INET, 0), fd = lkl_sys_socket(AF_INET, SOCK_STREAM, 0), len;
	struct sockaddr_storage addr;
	long err;

	len = loopback(AF_INET, 0, &addr);
	memcpy(&key.tcpm_addr, &addr, len);
	err = lkl_sys_setsockopt(lfd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key));
	if (err == -ENOPROTOOPT) {
		print_message("TCP_MD5SIG: not in the configuration (CONFIG_TCP_MD5SIG)\n");
		CHECK_EQ(lkl_sys_close(fd), 0);
		CHECK_EQ(lkl_sys_close(lfd), 0);
		return SKIP;
	}
	CHECK_EQ(err, 0);
	CHECK_EQ(lkl_sys_setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)), 0);
	CHECK_EQ(inet_connect(fd, AF_INET, local_port(lfd)), 0);
	CHECK_EQ(lkl_sys_close(fd), 0);
	return lkl_sys_close(lfd);
}

/* One MSG_ZEROCOPY send from buf; 0 when its completion came. */
static int zerocopy_send(const int fds[2], const unsigned char *buf, size_t bytes)
{
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };
	struct pollfd pfd = { .fd = fds[0] };
	struct sock_extended_err *ee;
	struct cmsghdr *cmsg;
	static unsigned char got[65536];

	CHECK_EQ(lkl_sys_sendto(fds[0], buf, bytes, MSG_ZEROCOPY, NULL, 0), bytes);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], got, bytes, MSG_WAITALL, NULL, NULL), bytes);
	CHECK(!memcmp(got, buf, bytes));
	/* The notice is an error condition: poll() reports it without being asked. */
	CHECK_EQ(sys(ppoll, &pfd, 1, NULL, NULL, 0), 1);
	CHECK_EQ(pfd.revents & POLLERR, POLLERR);
	CHECK_EQ(lkl_sys_recvmsg(fds[0], &msg, MSG_ERRQUEUE), 0);
	CHECK_EQ(msg.msg_flags & MSG_ERRQUEUE, MSG_ERRQUEUE);
	cmsg = CMSG_FIRSTHDR(&msg);
	CHECK(cmsg && cmsg->cmsg_level == SOL_IP && cmsg->cmsg_type == IP_RECVERR);
	ee = (void *)CMSG_DATA(cmsg);
	CHECK_EQ(ee->ee_errno, 0);
	CHECK_EQ(ee->ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	return 0;
}

/*
 * Pages are taken from memory of the instance only: what its own mmap() gave. From any other memory of the process
 * MSG_ZEROCOPY is -EFAULT, and nothing was sent.
 */
static int zerocopy(void *arg)
{
	enum { BYTES = 32768 };
	static unsigned char outside[BYTES];
	unsigned char *inside;
	int fds[2], i;
	long addr;

	addr = sys(mmap, 0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(addr > 0);
	inside = (void *)addr;
	for (i = 0; i < BYTES; i++)
		inside[i] = pattern(i);
	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(set_int(fds[0], SOL_SOCKET, SO_ZEROCOPY, 1), 0);
	CHECK_EQ(lkl_sys_sendto(fds[0], outside, BYTES, MSG_ZEROCOPY, NULL, 0), -EFAULT);
	TRY(zerocopy_send(fds, inside, BYTES));
	TRY(close_pair(fds));
	CHECK_EQ(sys(munmap, addr, BYTES), 0);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(ends),
		BODY(refused_and_in_use),
		BODY(connect_without_blocking),
		BODY(linger_resets),
		BODY(reuseport_spreads),
		BODY(timeouts),
		BODY(flags),
		BODY(many_messages),
		BODY(info),
		BODY(nodelay_and_cork),
		BODY(defer_accept),
		BODY(notsent_lowat),
		BODY(option_values),
		BODY(md5_signatures),
		BODY(zerocopy),
	};

	return RUN_BODIES(tests, argc, argv);
}
