/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - wires as the host world opens them
 *
 * A wire moves L2 frames between one netdev of the stack and the outside. What a wire does at run time is struct
 * lkl_wire_ops in lkl/host_ops.h (rx and tx are named as the stack sees them); this header is how one is opened.
 * Mechanisms: packet.c (AF_PACKET TPACKET_V2 rings with vnet_hdr). A wire knows frames, never TCP.
 */
#ifndef LKL_WIRE_H
#define LKL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <lkl/host_ops.h>

/* Values of 0 mean the default. */
struct lkl_wire_params {
	const char *ifname;		/* host interface, e.g. "eth0" */
	uint32_t rx_ring_frames;	/* small-frame ring slots; power of two; default 1024 (2 KiB each) */
	uint32_t tx_ring_frames;	/* default 512 */
	uint32_t rx_big_bytes;		/* socket buffer for frames over the slot size; default 8 MiB */
	uint32_t disable_features;	/* LKL_WIRE_F_* to leave out */
	uint32_t qdisc_bypass;		/* 1: PACKET_QDISC_BYPASS for small frames; default 0 (packet.c says why) */
};

/*
 * Open the `packet` wire on an existing interface, which must be up. Needs CAP_NET_RAW (and CAP_NET_ADMIN for
 * SO_RCVBUFFORCE). Returns 0 and *out, or -errno with a sentence in err that names the interface and the call refused.
 * The wire takes the interface's MAC address and MTU. Free with (*out)->ops->close(*out).
 */
int wire_packet_open(const struct lkl_wire_params *params, struct lkl_wire **out, char *err, size_t err_len);

#endif /* LKL_WIRE_H */
