/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common.h - what the wires share: sentences for errors, checks of a frame to send, and the list of
 * received frames that were described and not given back yet
 *
 * struct rx_list stands between a mechanism and rx_burst(), rx_fetch() and rx_release(): the
 * mechanism pushes each frame with a cookie (its place in the mechanism's memory); the list answers
 * fetches in burst order and tells, on release, up to which cookie memory is free again. Frames of
 * up to RX_LINEAR_MAX bytes are described whole; longer ones with LKL_RX_FETCH, so that the driver
 * reads them straight into page fragments. It belongs to the queue's thread; `head` alone is
 * looked at by others (rx_ready), who want no more than "none there".
 */
#ifndef WIRE_COMMON_H
#define WIRE_COMMON_H

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <x86intrin.h>

#include <linux/if_ether.h>

#include "packet_slot.h"

#define WIRE_FRAME_MAX PACKET_FRAME_MAX
#define RX_LINEAR_MAX 4096u
#define RX_LIST_MAX 256u /* power of two */
#define WIRE_IOV_MAX 64u

/*
 * A wire on a descriptor can only ask the host whether a frame is there. rx_ready() does so at most
 * once in that many ticks (some 10 us), so that a spinning vCPU does not spend its time on asking.
 */
#define WIRE_LOOK_TICKS 25000u

__attribute__((format(printf, 3, 4)))
static inline void wire_say(char *err, size_t err_len, const char *format, ...)
{
	va_list args;

	if (!err || !err_len)
		return;
	va_start(args, format);
	vsnprintf(err, err_len, format, args);
	va_end(args);
}

static inline int wire_fd_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/*
 * rx_ready() of a wire that must ask the host. A yes stays until the queue's owner takes it back with
 * wire_look_taken(), before it reads: the driver asks twice, once to wake and once to poll. Any thread
 * may look; those that race look once too often.
 */
struct wire_look {
	uint64_t next_tsc;
	uint32_t is_ready;
};

static inline int wire_look(struct wire_look *l, int fd, uint64_t ticks)
{
	const uint64_t now = __rdtsc();

	if (__atomic_load_n(&l->is_ready, __ATOMIC_RELAXED))
		return 1;
	if (now < __atomic_load_n(&l->next_tsc, __ATOMIC_RELAXED))
		return 0;
	__atomic_store_n(&l->next_tsc, now + ticks, __ATOMIC_RELAXED);
	if (!wire_fd_readable(fd))
		return 0;
	__atomic_store_n(&l->is_ready, 1, __ATOMIC_RELAXED);
	return 1;
}

/* Returns what the answer was. */
static inline int wire_look_taken(struct wire_look *l)
{
	if (!__atomic_load_n(&l->is_ready, __ATOMIC_RELAXED))
		return 0;
	__atomic_store_n(&l->is_ready, 0, __ATOMIC_RELAXED);
	return 1;
}

/* A unicast, locally administered address, unless one is given. */
static inline int wire_mac_or_random(uint8_t mac[6])
{
	static const uint8_t none[6];

	if (memcmp(mac, none, 6))
		return 0;
	if (getrandom(mac, 6, 0) != 6)
		return -errno;
	mac[0] = (uint8_t)((mac[0] & ~1) | 2);
	return 0;
}

/*
 * What no mechanism should be asked to send: lengths out of bounds, metadata that does not fit the
 * frame, segmentation without a checksum to fill in, a frame above the MTU without segmentation,
 * and what the wire's features do not have.
 */
static inline int wire_tx_check(const struct lkl_wire *w, const struct lkl_vnet_hdr *vnet,
				uint32_t iov_len, uint32_t len)
{
	uint32_t need = 0;

	if (len < ETH_HLEN || len > WIRE_FRAME_MAX || iov_len > WIRE_IOV_MAX ||
	    !packet_vnet_ok(vnet, len))
		return -EINVAL;
	if (vnet->flags & LKL_VNET_F_NEEDS_CSUM)
		need |= LKL_WIRE_F_CSUM;
	switch (vnet->gso_type & ~LKL_VNET_GSO_ECN) {
	case LKL_VNET_GSO_NONE:
		if (len > w->mtu + ETH_HLEN + 4u)
			return -EMSGSIZE;
		break;
	case LKL_VNET_GSO_TCPV4:
		need |= LKL_WIRE_F_TSO4 | LKL_WIRE_F_CSUM;
		break;
	case LKL_VNET_GSO_TCPV6:
		need |= LKL_WIRE_F_TSO6 | LKL_WIRE_F_CSUM;
		break;
	case LKL_VNET_GSO_UDP_L4:
		need |= LKL_WIRE_F_USO | LKL_WIRE_F_CSUM;
		break;
	default:
		return -EINVAL;
	}
	if (vnet->gso_type != LKL_VNET_GSO_NONE && !(vnet->flags & LKL_VNET_F_NEEDS_CSUM))
		return -EINVAL;
	return need & ~w->features ? -EOPNOTSUPP : 0;
}

/* Copy the pieces, which must add up to exactly `len` bytes. */
static inline int wire_gather(uint8_t *to, const struct lkl_iov *iov, uint32_t iov_len, uint32_t len)
{
	uint64_t left = len;
	uint32_t i;

	for (i = 0; i < iov_len; i++) {
		if (iov[i].len > left)
			return -EINVAL;
		memcpy(to, iov[i].base, iov[i].len);
		to += iov[i].len;
		left -= iov[i].len;
	}
	return left ? -EINVAL : 0;
}

/* A zeroed wire of `bytes`, whose first member is struct lkl_wire, with counters for its queues. */
void *wire_new(size_t bytes, uint32_t queues);
void wire_free(struct lkl_wire *w);

/* ---- described frames ------------------------------------------------------------------------ */

struct rx_entry {
	uint8_t *data;
	uint64_t cookie;	/* where the mechanism's memory is free from, once this one is released */
	uint32_t len;
	struct lkl_vnet_hdr vnet;
};

struct rx_list {
	uint32_t head;		/* next to describe; indices run freely */
	uint32_t fetched;	/* frames before it need no fetch any more */
	uint32_t tail;		/* oldest not released */
	struct rx_entry entries[RX_LIST_MAX];
};

static inline uint32_t rx_list_outstanding(const struct rx_list *l)
{
	return l->head - l->tail;
}

/* There must be room: rx_list_outstanding() < RX_LIST_MAX. `vnet` has been checked. */
static inline void rx_list_push(struct rx_list *l, uint8_t *data, uint32_t len,
				const struct lkl_vnet_hdr *vnet, uint64_t cookie,
				struct lkl_rx_frame *frame)
{
	struct rx_entry *e = &l->entries[l->head++ & (RX_LIST_MAX - 1)];

	e->data = data;
	e->len = len;
	e->vnet = *vnet;
	e->cookie = cookie;
	frame->data = data;
	frame->len = len;
	frame->flags = len > RX_LINEAR_MAX ? LKL_RX_FETCH : 0;
	frame->head_len = (uint16_t)(len > RX_LINEAR_MAX ? RX_LINEAR_MAX : len);
	frame->vnet = *vnet;
}

static inline int rx_list_fetch(struct rx_list *l, const struct lkl_iov *iov, uint32_t iov_len,
				struct lkl_vnet_hdr *vnet)
{
	struct rx_entry *e;
	uint32_t copied = 0, i;

	if ((int32_t)(l->fetched - l->tail) < 0)
		l->fetched = l->tail;
	while (l->fetched != l->head && l->entries[l->fetched & (RX_LIST_MAX - 1)].len <= RX_LINEAR_MAX)
		l->fetched++;
	if (l->fetched == l->head)
		return -ENOENT;
	if (iov_len > WIRE_IOV_MAX)
		return -EINVAL;
	e = &l->entries[l->fetched++ & (RX_LIST_MAX - 1)];
	for (i = 0; i < iov_len && copied < e->len; i++) {
		uint32_t n = e->len - copied;

		if (n > iov[i].len)
			n = (uint32_t)iov[i].len;
		memcpy(iov[i].base, e->data + copied, n);
		copied += n;
	}
	*vnet = e->vnet;
	return copied == e->len ? (int)copied : -EMSGSIZE;
}

/* Returns the cookie of the youngest frame released, or `none` if there was none. */
static inline uint64_t rx_list_release(struct rx_list *l, uint32_t n, uint64_t none)
{
	if (n > rx_list_outstanding(l))
		n = rx_list_outstanding(l);
	if (!n)
		return none;
	l->tail += n;
	return l->entries[(l->tail - 1) & (RX_LIST_MAX - 1)].cookie;
}

#endif /* WIRE_COMMON_H */
