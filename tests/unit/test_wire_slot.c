// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_wire_slot.c - what packet_slot_judge() believes of a ring slot
 *
 * A table of slots: each row is a good slot with a few fields changed, and the verdict. The slot is built in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet_slot.h"

#define MAC PACKET_RX_MAC_OFF
#define USER TP_STATUS_USER
#define COPY (TP_STATUS_USER | TP_STATUS_COPY)
#define VLAN (TP_STATUS_USER | TP_STATUS_VLAN_VALID)
#define SLOT_MAX PACKET_RX_SLOT_MAX
#define CSUM LKL_VNET_F_NEEDS_CSUM
#define TCP4 LKL_VNET_GSO_TCPV4

struct row {
	const char *what;
	uint32_t status, len, snaplen, mac;
	uint16_t tci;
	struct lkl_vnet_hdr vnet;	/* flags, gso_type, hdr_len, gso_size, csum_start, csum_offset */
	enum packet_verdict verdict;
};

static const struct row rows[] = {
	{ "plain frame", USER, 100, 100, MAC, 0, { 0 }, PACKET_OK },
	{ "shortest frame", USER, 14, 14, MAC, 0, { 0 }, PACKET_OK },
	{ "largest frame in a slot", USER, SLOT_MAX, SLOT_MAX, MAC, 0, { 0 }, PACKET_OK },
	{ "frame with other status bits", USER | TP_STATUS_LOSING | TP_STATUS_CSUM_VALID, 60, 60, MAC, 0, { 0 }, PACKET_OK },
	{ "checksum not filled in", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 34, 16 }, PACKET_OK },
	{ "checksum in the last bytes", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 34, 64 }, PACKET_OK },
	{ "small segmented frame", USER, 1000, 1000, MAC, 0, { CSUM, TCP4, 54, 400, 34, 16 }, PACKET_OK },
	{ "segmented, ECN", USER, 1000, 1000, MAC, 0, { CSUM, TCP4 | 0x80, 54, 400, 34, 16 }, PACKET_OK },
	{ "big segmented frame", COPY, 65226, SLOT_MAX, MAC, 0, { CSUM, TCP4, 66, 1448, 34, 16 }, PACKET_FETCH },
	{ "largest frame", COPY, PACKET_FRAME_MAX, SLOT_MAX, MAC, 0, { CSUM, TCP4, 66, 1448, 34, 16 }, PACKET_FETCH },
	{ "priority tag", VLAN, 100, 100, MAC, 0xe000, { 0 }, PACKET_OK },
	{ "unknown vnet flag is ignored", USER, 100, 100, MAC, 0, { 0x80, 0, 0, 0, 0, 0 }, PACKET_OK },

	{ "queue was full: truncated, no copy", USER, 3000, SLOT_MAX, MAC, 0, { 0 }, PACKET_LOST },
	{ "the same with LOSING", USER | TP_STATUS_LOSING, 3000, SLOT_MAX, MAC, 0, { 0 }, PACKET_LOST },

	{ "shorter than a link header", USER, 13, 13, MAC, 0, { 0 }, PACKET_MALFORMED },
	{ "empty", USER, 0, 0, MAC, 0, { 0 }, PACKET_MALFORMED },
	{ "over 64 KiB", COPY, PACKET_FRAME_MAX + 1, SLOT_MAX, MAC, 0, { CSUM, TCP4, 66, 1448, 34, 16 }, PACKET_MALFORMED },
	{ "absurd length", COPY, UINT32_MAX, SLOT_MAX, MAC, 0, { 0 }, PACKET_MALFORMED },
	{ "snaplen over length", USER, 100, 101, MAC, 0, { 0 }, PACKET_MALFORMED },
	{ "snaplen nothing", COPY, 100, 0, MAC, 0, { 0 }, PACKET_MALFORMED },
	{ "frame inside the slot's header", USER, 100, 100, 61, 0, { 0 }, PACKET_MALFORMED },
	{ "frame at zero", USER, 100, 100, 0, 0, { 0 }, PACKET_MALFORMED },
	{ "frame over the slot's end", USER, SLOT_MAX + 1, SLOT_MAX + 1, MAC, 0, { 0 }, PACKET_MALFORMED },
	{ "frame past the slot", USER, 100, 100, 2049, 0, { 0 }, PACKET_MALFORMED },
	{ "frame far past the slot", USER, 100, 100, 65535, 0, { 0 }, PACKET_MALFORMED },
	{ "another VLAN", VLAN, 100, 100, MAC, 5, { 0 }, PACKET_MALFORMED },
	{ "another VLAN, big", VLAN | TP_STATUS_COPY, 9000, SLOT_MAX, MAC, 5, { 0 }, PACKET_MALFORMED },
	{ "hdr_len over length", USER, 100, 100, MAC, 0, { 0, 0, 101, 0, 0, 0 }, PACKET_MALFORMED },
	{ "checksum over the end", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 34, 65 }, PACKET_MALFORMED },
	{ "checksum far over the end", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 65535, 65535 }, PACKET_MALFORMED },
	{ "checksum in the link header", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 13, 16 }, PACKET_MALFORMED },
	{ "segmented without a size", USER, 1000, 1000, MAC, 0, { CSUM, TCP4, 54, 0, 34, 16 }, PACKET_MALFORMED },
	{ "segmented, too short", USER, 53, 53, MAC, 0, { CSUM, TCP4, 20, 400, 34, 16 }, PACKET_MALFORMED },
	{ "unknown segmentation", USER, 1000, 1000, MAC, 0, { CSUM, 2, 54, 400, 34, 16 }, PACKET_MALFORMED },
	{ "ECN without segmentation", USER, 1000, 1000, MAC, 0, { CSUM, 0x80, 54, 400, 34, 16 }, PACKET_MALFORMED },
	{ "ECN with UDP", USER, 1000, 1000, MAC, 0, { CSUM, 5 | 0x80, 54, 400, 34, 6 }, PACKET_MALFORMED },
};

static void build(uint8_t *slot, const struct row *r)
{
	struct tpacket2_hdr *hdr = (void *)slot;

	memset(slot, 0xa5, PACKET_SLOT_BYTES);
	memset(hdr, 0, sizeof(*hdr));
	hdr->tp_status = r->status;
	hdr->tp_len = r->len;
	hdr->tp_snaplen = r->snaplen;
	hdr->tp_mac = (uint16_t)r->mac;
	hdr->tp_vlan_tci = r->tci;
	if (r->mac >= sizeof(r->vnet) && r->mac <= PACKET_SLOT_BYTES)
		memcpy(slot + r->mac - sizeof(r->vnet), &r->vnet, sizeof(r->vnet));
	/* The row's header fields must survive a mac offset that points into the header. */
	hdr->tp_mac = (uint16_t)r->mac;
}

static void verdicts(void **state)
{
	static uint8_t slot[PACKET_SLOT_BYTES] __attribute__((aligned(16)));
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lkl_rx_frame frame = { 0 };
		enum packet_verdict verdict;

		build(slot, &rows[i]);
		verdict = packet_slot_judge(slot, rows[i].status, &frame);
		if (verdict != rows[i].verdict)
			fail_msg("%s: verdict %d", rows[i].what, verdict);
		if (verdict != PACKET_OK && verdict != PACKET_FETCH)
			continue;
		assert_ptr_equal(frame.data, slot + rows[i].mac);
		assert_int_equal(frame.len, rows[i].len);
		assert_int_equal(frame.head_len, rows[i].snaplen);
		assert_int_equal(frame.flags, verdict == PACKET_FETCH ? LKL_RX_FETCH : 0);
		assert_int_equal(frame.vnet.gso_type, rows[i].vnet.gso_type);
		assert_int_equal(frame.vnet.flags, rows[i].vnet.flags & 3);
	}
}

static void layout(void **state)
{
	/* The IP header behind a 14 byte link header, given PACKET_RESERVE. */
	assert_int_equal((PACKET_RX_MAC_OFF + ETH_HLEN) % 16, 0);
	assert_int_equal(TPACKET_ALIGN(TPACKET2_HDRLEN + 16) + PACKET_SLOT_RESERVE + sizeof(struct lkl_vnet_hdr) - ETH_HLEN,
			 PACKET_RX_MAC_OFF);
	assert_int_equal(PACKET_RX_SLOT_MAX, 1966);
	assert_int_equal(PACKET_TX_SLOT_MAX, 2006);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
