// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_wire_slot.c - libFuzzer target: packet_slot_judge() on arbitrary slots
 *
 * The input is a status and a slot, which lies at the end of its allocation so that the sanitizer
 * sees a read past it. For an accepted frame the promises of struct lkl_rx_frame are asserted.
 */
#include <assert.h>
#include <stdlib.h>

#include "packet_slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *slot = malloc(PACKET_SLOT_BYTES);
	struct lkl_rx_frame frame;
	enum packet_verdict verdict;
	uint32_t status = 0;
	size_t n = size > 4 ? size - 4 : 0;
	uint8_t sum = 0;
	uint32_t i;

	if (!slot)
		return 0;
	memcpy(&status, data, size < 4 ? size : 4);
	memset(slot, 0, PACKET_SLOT_BYTES);
	memcpy(slot, data + size - n, n < PACKET_SLOT_BYTES ? n : PACKET_SLOT_BYTES);
	verdict = packet_slot_judge(slot, PACKET_SLOT_BYTES, status, &frame);
	if (verdict == PACKET_OK || verdict == PACKET_FETCH) {
		assert(frame.len >= ETH_HLEN && frame.len <= PACKET_FRAME_MAX);
		assert(frame.head_len <= frame.len);
		assert(verdict == PACKET_FETCH || frame.head_len == frame.len);
		assert(!frame.vnet.gso_type || frame.vnet.gso_size);
		assert(!(frame.vnet.flags & LKL_VNET_F_NEEDS_CSUM) ||
		       (uint32_t)frame.vnet.csum_start + frame.vnet.csum_offset + 2u <= frame.len);
		for (i = 0; i < frame.head_len; i++)
			sum ^= ((const uint8_t *)frame.data)[i];
		assert(sum || !sum);
	}
	free(slot);
	return 0;
}
