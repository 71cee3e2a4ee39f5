// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_ring.c - libFuzzer target: the ring of a pair whose peer writes what it likes
 *
 * The first 16 bytes are head and tail, the rest lies at the beginning and at the end of the ring.
 * The ring is walked as pair.c does. Every byte of an accepted frame is read.
 */
#include <assert.h>
#include <stdlib.h>

#include "pair_ring.h"

#define RING PAIR_RING_MIN

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair_ring *r;
	struct lkl_vnet_hdr vnet = { 0 };
	struct pair_record rec;
	uint64_t positions[2] = { 0 }, at, next;
	uint32_t turns = 0, sum = 0, i;
	size_t n;

	if (size < sizeof(positions))
		return 0;
	if (!r)
		r = aligned_alloc(64, pair_ring_bytes(RING));
	memcpy(positions, data, sizeof(positions));
	data += sizeof(positions);
	size -= sizeof(positions);
	n = size < RING ? size : RING;
	memcpy(pair_ring_data(r) + RING - n, data, n);
	memcpy(pair_ring_data(r), data, n);
	r->head = positions[0];
	r->tail = positions[1];
	for (at = pair_ring_tail(r); at != r->head; at = rec.next) {
		const enum pair_verdict v = pair_ring_read(r, RING, at, r->head, &rec);

		assert(turns++ <= RING / PAIR_ALIGN);
		if (v == PAIR_BAD_RING)
			break;
		assert(rec.next - at <= RING);
		for (i = 0; v == PAIR_FRAME && i < rec.len; i++)
			sum += rec.data[i];
	}
	if (pair_ring_reserve(r, RING, 1000, &vnet, &next))
		assert(next - r->head <= RING + 2 * PAIR_ALIGN);
	assert(sum || !sum);
	return 0;
}
