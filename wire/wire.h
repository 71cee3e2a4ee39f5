/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - wires as the host world opens them
 *
 * A wire moves L2 frames between one netdev of the stack and the outside. What a wire does at run
 * time is struct lkl_wire_ops in lkl/host_ops.h (rx and tx are named as the stack sees them); this
 * header is how one is opened: by name and options as text (wire_open(); registry.c has the list), or
 * `packet` by its function. docs/wires.md describes each. A wire knows frames, never TCP.
 */
#ifndef LKL_WIRE_H
#define LKL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <lkl/host_ops.h>

struct sock_filter; /* <linux/filter.h> */

/* Values of 0 mean the default. */
struct lkl_wire_params {
	const char *ifname;		/* host interface, e.g. "eth0" */
	uint32_t rx_ring_frames;	/* ring slots of 2 KiB; power of two; default 1024 */
	uint32_t tx_ring_frames;	/* default 512 */
	uint32_t rx_big_bytes;		/* socket buffer for bigger frames; default 8 MiB */
	uint32_t disable_features;	/* LKL_WIRE_F_* to leave out */
	/*
	 * Classic BPF program (SO_ATTACH_FILTER) that sees each frame from its Ethernet header on and answers how much
	 * of it comes in, 0: nothing. Read during the call. NULL: all frames.
	 */
	const struct sock_filter *filter;
	uint32_t filter_len;		/* instructions */
};

/*
 * Open the `packet` wire on an existing interface, which must be up. Needs CAP_NET_RAW (and
 * CAP_NET_ADMIN for SO_RCVBUFFORCE). Returns 0 and *out, or -errno with a sentence in err that
 * names the interface and the call refused. The wire takes the interface's MAC address and MTU.
 * Free with (*out)->ops->close(*out).
 */
int wire_packet_open(const struct lkl_wire_params *params, struct lkl_wire **out, char *err,
		     size_t err_len);

/* The functions below are not part of liblkl, which has `packet` only; they come with libwire. */

/*
 * Open the wire that `spec` describes: TYPE:KEY=VALUE,KEY=VALUE,... e.g. "packet:if=eth0" or
 * "tap:if=tap0,queues=2". 0 and *out, or -errno with a sentence in err that names type, key, value
 * and what would be right (-EINVAL), or what the host refused. Free with (*out)->ops->close(*out).
 */
int wire_open(const char *spec, struct lkl_wire **out, char *err, size_t err_len);

/* The same without opening: 0, or -EINVAL with a sentence. Touches nothing. */
int wire_spec_check(const char *spec, char *err, size_t err_len);

/* All types with their options, privileges and defaults, as lines of text; returns as snprintf(). */
int wire_help(char *buf, size_t buf_len);

#endif /* LKL_WIRE_H */
