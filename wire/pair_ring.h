/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pair_ring.h - one direction of a pair wire: a byte ring of records with one writer and one reader
 *
 *	   tail                head
 *	    v                   v		positions run freely; & (bytes - 1) gives the offset
 *	 .. [rec][rec   ][wrap] [rec] ..	records begin on multiples of 64
 *
 * Pure functions on memory, apart from pair.c so that tests and a fuzz target reach them. The other
 * side may be hostile: everything read from the ring is copied once and checked before use, and
 * every offset is masked. No function touches memory outside [data, data + bytes).
 */
#ifndef WIRE_PAIR_RING_H
#define WIRE_PAIR_RING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "packet_slot.h"

#define PAIR_RING_MIN (256u << 10) /* a 64 KiB frame fits at least twice, wherever the end is */
#define PAIR_RING_MAX (64u << 20)
#define PAIR_ALIGN 64u
/* Length, virtio_net_hdr, four bytes of nothing: the IP header then lies on a multiple of 16. */
#define PAIR_RECORD_HEAD 18u
#define PAIR_WRAP 0xffffffffu

struct pair_ring {
	uint64_t head __attribute__((aligned(64)));	/* writer's */
	uint64_t tail __attribute__((aligned(64)));	/* reader's */
	uint32_t signalled __attribute__((aligned(64)));	/* the reader will find its eventfd readable */
	uint8_t pad[4096 - 3 * 64 + 60];
};

#define PAIR_DATA_OFFSET 4096u

_Static_assert(offsetof(struct pair_ring, tail) == 64 && offsetof(struct pair_ring, signalled) == 128, "lines");
_Static_assert(sizeof(struct pair_ring) == PAIR_DATA_OFFSET, "ring header");

struct pair_record {
	uint8_t *data;
	uint32_t len;
	struct lkl_vnet_hdr vnet;
	uint64_t next;	/* position behind it; set with every verdict but PAIR_BAD_RING */
};

enum pair_verdict {
	PAIR_FRAME,
	PAIR_SKIP,	/* the end of the ring */
	PAIR_BAD_FRAME,	/* a record that is no frame: skip it */
	PAIR_BAD_RING,	/* the positions or lengths make no sense */
};

static inline size_t pair_ring_bytes(uint32_t data_bytes)
{
	return PAIR_DATA_OFFSET + (size_t)data_bytes;
}

static inline uint8_t *pair_ring_data(struct pair_ring *r)
{
	return (uint8_t *)r + PAIR_DATA_OFFSET;
}

static inline uint64_t pair_ring_head(const struct pair_ring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
}

static inline uint64_t pair_ring_tail(const struct pair_ring *r)
{
	return __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
}

static inline int pair_ring_used(const struct pair_ring *r)
{
	return pair_ring_head(r) != __atomic_load_n(&r->tail, __ATOMIC_RELAXED);
}

static inline void pair_ring_set_head(struct pair_ring *r, uint64_t head)
{
	__atomic_store_n(&r->head, head, __ATOMIC_RELEASE);
}

static inline void pair_ring_set_tail(struct pair_ring *r, uint64_t tail)
{
	__atomic_store_n(&r->tail, tail, __ATOMIC_RELEASE);
}

/* [writer] 1: the eventfd is to be written. Sequentially consistent against pair_ring_unsignal(). */
static inline int pair_ring_signal(struct pair_ring *r)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !__atomic_load_n(&r->signalled, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(&r->signalled, 1, __ATOMIC_SEQ_CST);
}

/* [reader] 1: the eventfd is to be read; then look at the head again. */
static inline int pair_ring_unsignal(struct pair_ring *r)
{
	return __atomic_load_n(&r->signalled, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&r->signalled, 0, __ATOMIC_SEQ_CST);
}

static inline uint32_t pair_record_bytes(uint32_t frame_len)
{
	return (frame_len + PAIR_RECORD_HEAD + PAIR_ALIGN - 1) & ~(PAIR_ALIGN - 1);
}

/* Look at the record at position `at`; at != head. */
static inline enum pair_verdict pair_ring_read(struct pair_ring *r, uint32_t bytes, uint64_t at, uint64_t head,
					       struct pair_record *rec)
{
	const uint32_t offset = (uint32_t)at & (bytes - 1);
	uint8_t *p = pair_ring_data(r) + offset;
	const uint32_t to_end = bytes - offset;
	uint32_t len;

	rec->next = head;
	if (offset % PAIR_ALIGN || head - at > bytes || head - at < PAIR_ALIGN)
		return PAIR_BAD_RING;
	len = __atomic_load_n((uint32_t *)(void *)p, __ATOMIC_RELAXED);
	if (len == PAIR_WRAP) {
		if (head - at < to_end)
			return PAIR_BAD_RING;
		rec->next = at + to_end;
		return PAIR_SKIP;
	}
	if (len > PACKET_FRAME_MAX || pair_record_bytes(len) > to_end || pair_record_bytes(len) > head - at)
		return PAIR_BAD_RING;
	rec->next = at + pair_record_bytes(len);
	rec->len = len;
	rec->data = p + PAIR_RECORD_HEAD;
	memcpy(&rec->vnet, p + sizeof(len), sizeof(rec->vnet));
	/* The copy is what is checked and used. */
	__asm__ volatile("" : "+m"(rec->vnet));
	rec->vnet.flags &= LKL_VNET_F_NEEDS_CSUM | LKL_VNET_F_DATA_VALID;
	return len >= ETH_HLEN && packet_vnet_ok(&rec->vnet, len) ? PAIR_FRAME : PAIR_BAD_FRAME;
}

/* Would a frame of that length fit now, wherever the end of the ring is? */
static inline int pair_ring_has_room(struct pair_ring *r, uint32_t bytes, uint32_t len)
{
	const uint64_t used = __atomic_load_n(&r->head, __ATOMIC_RELAXED) - pair_ring_tail(r);

	return used <= bytes && bytes - used >= 2ull * pair_record_bytes(len);
}

/*
 * [writer] Room for a frame: where its bytes go, or NULL when the ring is full (or the reader's tail
 * makes no sense). pair_ring_set_head(*next) publishes it.
 */
static inline uint8_t *pair_ring_reserve(struct pair_ring *r, uint32_t bytes, uint32_t len,
					 const struct lkl_vnet_hdr *vnet, uint64_t *next)
{
	uint64_t head = __atomic_load_n(&r->head, __ATOMIC_RELAXED) & ~(uint64_t)(PAIR_ALIGN - 1);
	const uint64_t used = head - pair_ring_tail(r);
	const uint32_t need = pair_record_bytes(len);
	uint32_t offset = (uint32_t)head & (bytes - 1), wrap = 0;
	uint8_t *p;

	if (bytes - offset < need)
		wrap = bytes - offset;
	if (used > bytes || bytes - used < (uint64_t)need + wrap)
		return NULL;
	if (wrap) {
		*(uint32_t *)(void *)(pair_ring_data(r) + offset) = PAIR_WRAP;
		head += wrap;
		offset = 0;
	}
	p = pair_ring_data(r) + offset;
	*(uint32_t *)(void *)p = len;
	memcpy(p + sizeof(len), vnet, sizeof(*vnet));
	*next = head + need;
	return p + PAIR_RECORD_HEAD;
}

#endif /* WIRE_PAIR_RING_H */
