/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet.h - state of the `packet` wire, shared by packet.c (frames) and packet_open.c (sockets)
 *
 * All that a queue must remember lies in memory shared between processes (struct packet_queue), because a worker may be killed
 * at any instruction and another process, forked from the one that opened the wire, goes on with the queue. Therefore the order
 * of stores to it matters, and barrier() stands where the compiler must keep it; packet_take_over() says what is rebuilt from
 * what. The pointers and descriptors in it are the opener's and hold in its children.
 */
#ifndef WIRE_PACKET_H
#define WIRE_PACKET_H

#include <net/if.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "packet_slot.h"
#include "steer.h"
#include "wire.h"

/* A receive slot that rx_burst() has described: in tp_status, beside TP_STATUS_USER. The kernel uses no bit between 8 and 29. */
#define SLOT_DESCRIBED (1u << 24)

/* Frames, then address resolution that every queue of a group gets a copy of: ARP, and IPv6's. */
enum packet_source { SOURCE_FRAMES, SOURCE_RESOLUTION, SOURCE__COUNT };

#ifndef barrier
#define barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#endif

/* A receive ring. Indices run freely; & mask gives the slot. released <= fetched <= next. */
struct packet_rx {
	uint8_t *slots;
	uint32_t mask;
	uint32_t next;		/* next slot to describe */
	uint32_t fetched;	/* COPY slots before it are taken from the socket's queue */
	uint32_t released;	/* oldest slot not given back */
	int fd;
	size_t map_len;		/* with the transmit ring behind it, if it has one */
};

struct packet_queue {
	struct packet_rx rx[SOURCE__COUNT];
	uint32_t sources;	/* how many of them there are */
	uint32_t rx_from;	/* the one whose frames are described and not released */

	uint8_t *tx_slots;
	uint32_t tx_mask;
	uint32_t tx_head;	/* oldest SEND_REQUEST slot, the kernel's position */
	uint32_t tx_tail;	/* next slot to fill */
	uint32_t tx_queued_bytes; /* frame bytes in [tx_head, tx_tail) */
	int64_t tx_refused_ms;	/* time of the last attempt, if the host had no room; else 0 */
	int64_t tx_stalled_ms;	/* for how long it has had none */

	uint32_t slot_bytes;
	int big_fd;
} __attribute__((aligned(64)));

struct packet_wire {
	struct lkl_wire wire;	/* first: callers hold a pointer to it */
	struct packet_queue *queue; /* [wire.queues], shared memory */
	struct sock_filter *filter; /* the caller's, kept for successors; NULL: none */
	uint32_t filter_len;
	struct steer *steer;	/* of a wire with several queues; NULL: one queue, or a view of one */
	int is_view;		/* made by wire_packet_queue(): the sockets are the opener's */
	int is_held;		/* receives nothing for now */
	void *shared;
	size_t shared_len;
	int rx_mode_is[3];	/* membership of promiscuous, all-multicast, unicast */
	uint8_t if_mac[6];
	int ifindex;
	char ifname[IFNAMSIZ];
};

extern const struct lkl_wire_ops packet_ops;

static inline struct packet_wire *to_packet(struct lkl_wire *w)
{
	return (struct packet_wire *)w;
}

static inline uint8_t *rx_slot(const struct packet_queue *q, const struct packet_rx *rx, uint32_t index)
{
	return rx->slots + (size_t)(index & rx->mask) * q->slot_bytes;
}

static inline uint8_t *tx_slot(const struct packet_queue *q, uint32_t index)
{
	return q->tx_slots + (size_t)(index & q->tx_mask) * q->slot_bytes;
}

/* Acquire: what the kernel wrote to the slot before its status is seen after. */
static inline uint32_t slot_status(const void *slot)
{
	return __atomic_load_n(&((const struct tpacket2_hdr *)slot)->tp_status, __ATOMIC_ACQUIRE);
}

/* Release: our reads and writes of the slot are over before the kernel may use it. */
static inline void slot_give(void *slot, uint32_t status)
{
	__atomic_store_n(&((struct tpacket2_hdr *)slot)->tp_status, status, __ATOMIC_RELEASE);
	barrier();
}

/* Transmit timestamps may be or-ed in; they say nothing about who owns the slot. */
static inline uint32_t tx_status(const void *slot)
{
	return slot_status(slot) & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING | TP_STATUS_WRONG_FORMAT);
}

/* packet_open.c */
void packet_tend(struct lkl_wire *w, uint32_t queue);
void packet_set_rx_mode(struct lkl_wire *w, uint32_t mode);
void packet_close(struct lkl_wire *w);

#endif /* WIRE_PACKET_H */
