/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inet.h - IPv4 and IPv6 sockets over lo, for the tests of the stack
 *
 * Functions return a descriptor or 0, or -errno. The backlog completes handshakes, so that one task can connect and then
 * accept.
 */
#ifndef TESTS_KERNEL_INET_H
#define TESTS_KERNEL_INET_H

#include <netinet/in.h>

#include "harness.h"

static inline int loopback(int family, uint16_t port, struct sockaddr_storage *addr)
{
	struct sockaddr_in *in = (void *)addr;
	struct sockaddr_in6 *in6 = (void *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	in->sin_port = htons(port); /* sin6_port is at the same place */
	if (family == AF_INET6) {
		in6->sin6_addr = in6addr_loopback;
		return sizeof(*in6);
	}
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(*in);
}

static inline int local_port(int fd)
{
	struct sockaddr_storage addr;
	int len = sizeof(addr);
	long err = lkl_sys_getsockname(fd, (void *)&addr, &len);

	return err ? err : ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

/* A socket bound to lo; port 0: any. */
static inline int inet_bound(int family, int type, int protocol, uint16_t port)
{
	struct sockaddr_storage addr;
	int len = loopback(family, port, &addr), fd = lkl_sys_socket(family, type, protocol);
	long err;

	if (fd < 0)
		return fd;
	err = lkl_sys_bind(fd, (void *)&addr, len);
	if (err)
		lkl_sys_close(fd);
	return err ? err : fd;
}

static inline int inet_connect(int fd, int family, uint16_t port)
{
	struct sockaddr_storage addr;
	int len = loopback(family, port, &addr);

	return lkl_sys_connect(fd, (void *)&addr, len);
}

static inline int set_int(int fd, int level, int name, int value)
{
	return lkl_sys_setsockopt(fd, level, name, &value, sizeof(value));
}

/* An option's value; negative values are errors. */
static inline int get_int(int fd, int level, int name)
{
	int value = 0, len = sizeof(value);
	long err = lkl_sys_getsockopt(fd, level, name, &value, &len);

	return err ? err : value;
}

static inline int tcp_listener(int family, int protocol)
{
	int fd = inet_bound(family, SOCK_STREAM, protocol, 0);
	long err = fd < 0 ? fd : lkl_sys_listen(fd, 128);

	return err < 0 ? err : fd;
}

/* fds[0] connected, fds[1] was accepted. */
static inline int stream_pair(int family, int protocol, int fds[2])
{
	int lfd = tcp_listener(family, protocol), err;

	if (lfd < 0)
		return lfd;
	fds[0] = lkl_sys_socket(family, SOCK_STREAM, protocol);
	err = fds[0] < 0 ? fds[0] : inet_connect(fds[0], family, local_port(lfd));
	if (!err) {
		fds[1] = lkl_sys_accept4(lfd, NULL, NULL, 0);
		err = fds[1] < 0 ? fds[1] : 0;
	}
	lkl_sys_close(lfd);
	return err;
}

static inline int tcp_pair(int family, int fds[2])
{
	return stream_pair(family, 0, fds);
}

static inline int close_pair(const int fds[2])
{
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);
	return 0;
}

/* ---- a checked transfer: a peer sends `bytes` of pattern() and a FIN, the caller receives and compares ---- */

struct transfer {
	int fd;		/* to send on; the peer shuts it down for writing */
	size_t bytes;
};

static inline int transfer_send(void *arg)
{
	const struct transfer *t = arg;
	unsigned char buf[16384];
	size_t sent = 0, i, chunk;
	long n;

	while (sent < t->bytes) {
		chunk = t->bytes - sent < sizeof(buf) ? t->bytes - sent : sizeof(buf);
		for (i = 0; i < chunk; i++)
			buf[i] = pattern(sent + i);
		n = lkl_sys_write(t->fd, buf, chunk);
		CHECK(n > 0);
		sent += n;
	}
	CHECK_EQ(lkl_sys_shutdown(t->fd, SHUT_WR), 0);
	return 0;
}

static inline int transfer(int from, int to, size_t bytes)
{
	struct transfer t = { from, bytes };
	struct peer peer;
	unsigned char buf[16384];
	size_t got = 0;
	long n, i;

	CHECK_EQ(peer_start(&peer, transfer_send, &t), 0);
	while ((n = lkl_sys_read(to, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++)
			CHECK(buf[i] == pattern(got + i));
		got += n;
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(got, bytes);
	return peer_join(&peer);
}

#endif /* TESTS_KERNEL_INET_H */
