/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sockopt.h - the TCP settings of a connection, from the configuration to the socket
 *
 * The same settings and the same code for listeners, whose accepted connections inherit them, and
 * for connections to servers. A part of the configuration: flat, read-only after the load.
 */
#ifndef ACCD_SOCKOPT_H
#define ACCD_SOCKOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack_ops;

#define TCP_SETTINGS_CC_BYTES 16 /* TCP_CA_NAME_MAX */

struct tcp_settings {
	char congestion_control[TCP_SETTINGS_CC_BYTES]; /* "default": the stack's */
	int is_nodelay; /* TCP_NODELAY */
	int is_mptcp; /* IPPROTO_MPTCP where the stack has it; falls back to TCP per connection */
	uint32_t keep_alive_idle_sec; /* TCP_KEEPIDLE; 0: no keep-alive */
	uint32_t keep_alive_interval_sec; /* TCP_KEEPINTVL */
	uint32_t keep_alive_count; /* TCP_KEEPCNT */
	uint32_t user_timeout_ms; /* TCP_USER_TIMEOUT (RFC 5482); 0: the stack's */
	uint32_t notsent_lowat_bytes; /* TCP_NOTSENT_LOWAT; 0: the stack's */
	uint32_t send_buffer_bytes; /* SO_SNDBUF; 0: the stack adapts it */
	uint32_t receive_buffer_bytes; /* SO_RCVBUF; 0: the stack adapts it */
};

/*
 * [loop] A non-blocking TCP socket of `family` with the settings. Returns the descriptor, or
 * -errno and in *what the name of the setting, as in the file, that the stack refused ("socket":
 * there is none). A setting is never left out silently: -EPROTONOSUPPORT for MPTCP that the stack
 * has not, -ENOENT for an unknown congestion control, -ERANGE for a buffer above
 * net.core.[rw]mem_max.
 */
int sockopt_socket(const struct stack_ops *ops, int family, const struct tcp_settings *tcp,
		   const char **what);

/*
 * [loop] Accept data with the SYN (RFC 7413) on a bound socket, at most `queue_len` such
 * connections waiting for the end of their handshake.
 */
int sockopt_fast_open(const struct stack_ops *ops, int fd, uint32_t queue_len);

#endif /* ACCD_SOCKOPT_H */
