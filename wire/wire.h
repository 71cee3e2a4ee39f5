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
	uint32_t queues;		/* 1 (default) .. LKL_WIRE_QUEUES_MAX */
	uint32_t homes;			/* of several: those that serve from the start; the others are away. 0: all */
	int shared;			/* each queue serves an instance of its own: wire_packet_queue() */
	uint32_t rx_ring_frames;	/* ring slots of a queue; power of two; default 1024 */
	uint32_t tx_ring_frames;	/* default 512 */
	uint32_t rx_big_bytes;		/* socket buffer for bigger frames; default 32 KiB for each receive slot */
	uint32_t slot_bytes;		/* 2048 (default) or 69632, for whole GSO frames in the rings */
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

/*
 * With `queues` above 1, frames are steered by wire/steer.h: by destination port where wire_packet_ports() gave the port to a
 * queue, else by a hash of source address and port; needs CAP_BPF (and CAP_NET_ADMIN). With `shared` too, ARP and IPv6's
 * neighbour messages reach every queue. A `shared` wire is not attached itself.
 *
 * One queue of a wire as a wire of one queue, for the process that calls, which may be a child (by fork) of the one that opened
 * the wire and keeps its sockets. A queue has one user at a time. If an earlier user died, even in the middle of a call, this
 * goes on with the queue: drops the frames that it was working on, keeps those behind them, which may hold connection requests
 * (large ones are lost), and takes one RCU grace period of the host, 10 to 50 ms, during which nothing is received. Statistics
 * go on counting.
 * Returns 0 and *out, to be freed with its ops->close(), which leaves the sockets alone; or -errno.
 */
int wire_packet_queue(struct lkl_wire *wire, uint32_t queue, struct lkl_wire **out);

/* The same for n of them, from `queue` on: a wire of n queues, for an instance with as many vCPUs. */
int wire_packet_queues(struct lkl_wire *wire, uint32_t queue, uint32_t n, struct lkl_wire **out);

/*
 * [any thread] What is received stays where it is (1) until the owner is ready for it (0). On a wire of wire_packet_queue(). A
 * wait for frames ends at once meanwhile if there are any: for short times only.
 */
void wire_packet_hold(struct lkl_wire *wire, int is_held);

/* Frames to local ports first .. last go to `queue`, the owner of that range of ephemeral ports. 0 or -errno. */
int wire_packet_ports(struct lkl_wire *wire, uint32_t queue, uint16_t first, uint16_t last);

/*
 * The queue's user is away: TCP connections that clients open from now on go to other queues, and stay there when it is back
 * (away = 0). Frames of connections that it had still go to it. By the process that opened the wire. 0; -EINVAL: the last one.
 */
int wire_packet_away(struct lkl_wire *wire, uint32_t queue, int away);

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
