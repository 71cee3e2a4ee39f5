// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockopt.c - the TCP settings of a connection, from the configuration to the socket
 *
 * Two options are always set. SO_OOBINLINE, because a byte sent as urgent data is a byte of the
 * stream and must not get lost; TCP_NODELAY (unless nodelay = off), because the relay hands over
 * whole bursts and waiting for more would only delay their tail.
 *
 * What stands at its default is not set at all: no call for it, and the stack's own sysctls keep
 * their say. A listening socket hands all of these on to what it accepts, so they cost nothing
 * per client.
 *
 * Buffers: setting one ends the stack's own adapting of it (SOCK_SNDBUF_LOCK). The kernel cuts a
 * larger value to net.core.[rw]mem_max without a word; so SO_*BUFFORCE, which needs
 * CAP_NET_ADMIN, is tried first, and otherwise the result is read back. (It is twice the value:
 * the kernel counts its own overhead.)
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "sockopt.h"
#include "stack.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int set_int(const struct stack_ops *ops, int fd, int level, int name, int value)
{
	return ops->setsockopt(fd, level, name, &value, sizeof(value));
}

static int set_buffer(const struct stack_ops *ops, int fd, int name, int name_force, uint32_t bytes)
{
	int got = 0, len = sizeof(got);
	int r;

	if (!set_int(ops, fd, SOL_SOCKET, name_force, bytes))
		return 0;
	r = set_int(ops, fd, SOL_SOCKET, name, bytes);
	if (!r)
		r = ops->getsockopt(fd, SOL_SOCKET, name, &got, &len);
	if (!r && (uint32_t)got / 2 < bytes)
		r = -ERANGE;
	return r;
}

static int set_keep_alive(const struct stack_ops *ops, int fd, const struct tcp_settings *tcp,
			  const char **what)
{
	int r;

	*what = "keep_alive_idle";
	r = set_int(ops, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (!r)
		r = set_int(ops, fd, IPPROTO_TCP, TCP_KEEPIDLE, tcp->keep_alive_idle_sec);
	if (r)
		return r;
	*what = "keep_alive_interval";
	r = set_int(ops, fd, IPPROTO_TCP, TCP_KEEPINTVL, tcp->keep_alive_interval_sec);
	if (r)
		return r;
	*what = "keep_alive_count";
	return set_int(ops, fd, IPPROTO_TCP, TCP_KEEPCNT, tcp->keep_alive_count);
}

/* The settings on a socket that is there. 0, or -errno and *what. */
static int sockopt_apply(const struct stack_ops *ops, int fd, const struct tcp_settings *tcp,
			 const char **what)
{
	int r;

	*what = "SO_OOBINLINE";
	r = set_int(ops, fd, SOL_SOCKET, SO_OOBINLINE, 1);
	if (r && tcp->is_mptcp)
		r = 0; /* MPTCP has no urgent data (RFC 8684, 3.3.1) */
	if (!r && tcp->is_nodelay) {
		*what = "nodelay";
		r = set_int(ops, fd, IPPROTO_TCP, TCP_NODELAY, 1);
	}
	if (!r && tcp->congestion_control[0] && strcmp(tcp->congestion_control, "default")) {
		*what = "congestion_control";
		r = ops->setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, tcp->congestion_control,
				    strlen(tcp->congestion_control));
	}
	if (!r && tcp->keep_alive_idle_sec)
		r = set_keep_alive(ops, fd, tcp, what);
	if (!r && tcp->user_timeout_ms) {
		*what = "user_timeout";
		r = set_int(ops, fd, IPPROTO_TCP, TCP_USER_TIMEOUT, tcp->user_timeout_ms);
	}
	if (!r && tcp->notsent_lowat_bytes) {
		*what = "notsent_lowat";
		r = set_int(ops, fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, tcp->notsent_lowat_bytes);
	}
	if (!r && tcp->send_buffer_bytes) {
		*what = "send_buffer";
		r = set_buffer(ops, fd, SO_SNDBUF, SO_SNDBUFFORCE, tcp->send_buffer_bytes);
	}
	if (!r && tcp->receive_buffer_bytes) {
		*what = "receive_buffer";
		r = set_buffer(ops, fd, SO_RCVBUF, SO_RCVBUFFORCE, tcp->receive_buffer_bytes);
	}
	return r;
}

int sockopt_socket(const struct stack_ops *ops, int family, const struct tcp_settings *tcp,
		   const char **what)
{
	int fd, r;

	*what = tcp->is_mptcp ? "mptcp" : "socket";
	fd = ops->socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			 tcp->is_mptcp ? IPPROTO_MPTCP : IPPROTO_TCP);
	if (fd < 0)
		return fd;
	r = sockopt_apply(ops, fd, tcp, what);
	if (r) {
		ops->close(fd);
		return r;
	}
	return fd;
}

int sockopt_fast_open(const struct stack_ops *ops, int fd, uint32_t queue_len)
{
	return set_int(ops, fd, IPPROTO_TCP, TCP_FASTOPEN, queue_len);
}
