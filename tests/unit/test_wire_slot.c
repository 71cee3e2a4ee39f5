// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_wire_slot.c - what packet_slot_judge() believes of a ring slot
 *
 * A table of slots: each row is a good slot with a few fields changed, and the verdict. The slot is
 * built in memory.
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
#define SMAX PACKET_RX_SLOT_MAX
#define FMAX PACKET_FRAME_MAX
#define CSUM LKL_VNET_F_NEEDS_CSUM
#define TCP4 LKL_VNET_GSO_TCPV4
#define TSO4 { CSUM, TCP4, 54, 400, 34, 16 }
#define BIG4 { CSUM, TCP4, 66, 1448, 34, 16 }
#define OK PACKET_OK
#define FETCH PACKET_FETCH
#define LOST PACKET_LOST
#define BAD PACKET_MALFORMED

struct row {
	const char *what;
	uint32_t status, len, snaplen, mac;
	uint16_t tci;
	/* flags, gso_type, hdr_len, gso_size, csum_start, csum_offset */
	struct lkl_vnet_hdr vnet;
	enum packet_verdict verdict;
};

static const struct row rows[] = {
	{ "plain frame", USER, 100, 100, MAC, 0, { 0 }, OK },
	{ "shortest frame", USER, 14, 14, MAC, 0, { 0 }, OK },
	{ "largest frame in a slot", USER, SMAX, SMAX, MAC, 0, { 0 }, OK },
	{ "other status bits", USER | TP_STATUS_LOSING, 60, 60, MAC, 0, { 0 }, OK },
	{ "checksum not filled in", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 34, 16 }, OK },
	{ "checksum in the last bytes", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 34, 64 }, OK },
	{ "small segmented frame", USER, 1000, 1000, MAC, 0, TSO4, OK },
	{ "segmented, ECN", USER, 1000, 1000, MAC, 0, { CSUM, TCP4 | 0x80, 54, 400, 34, 16 }, OK },
	{ "big segmented frame", COPY, 65226, SMAX, MAC, 0, BIG4, FETCH },
	{ "largest frame", COPY, FMAX, SMAX, MAC, 0, BIG4, FETCH },
	{ "priority tag", VLAN, 100, 100, MAC, 0xe000, { 0 }, OK },
	{ "unknown vnet flag is ignored", USER, 100, 100, MAC, 0, { 0x80, 0, 0, 0, 0, 0 }, OK },

	{ "queue was full: truncated, no copy", USER, 3000, SMAX, MAC, 0, { 0 }, LOST },
	{ "the same with LOSING", USER | TP_STATUS_LOSING, 3000, SMAX, MAC, 0, { 0 }, LOST },

	{ "shorter than a link header", USER, 13, 13, MAC, 0, { 0 }, BAD },
	{ "empty", USER, 0, 0, MAC, 0, { 0 }, BAD },
	{ "over 64 KiB", COPY, FMAX + 1, SMAX, MAC, 0, BIG4, BAD },
	{ "absurd length", COPY, UINT32_MAX, SMAX, MAC, 0, { 0 }, BAD },
	{ "snaplen over length", USER, 100, 101, MAC, 0, { 0 }, BAD },
	{ "snaplen nothing", COPY, 100, 0, MAC, 0, { 0 }, BAD },
	{ "frame inside the slot's header", USER, 100, 100, 61, 0, { 0 }, BAD },
	{ "frame at zero", USER, 100, 100, 0, 0, { 0 }, BAD },
	{ "frame over the slot's end", USER, SMAX + 1, SMAX + 1, MAC, 0, { 0 }, BAD },
	{ "frame past the slot", USER, 100, 100, 2049, 0, { 0 }, BAD },
	{ "frame far past the slot", USER, 100, 100, 65535, 0, { 0 }, BAD },
	{ "another VLAN", VLAN, 100, 100, MAC, 5, { 0 }, PACKET_FOREIGN },
	{ "another VLAN, big", VLAN | TP_STATUS_COPY, 9000, SMAX, MAC, 5, { 0 }, PACKET_FOREIGN },
	{ "hdr_len over length", USER, 100, 100, MAC, 0, { 0, 0, 101, 0, 0, 0 }, BAD },
	{ "checksum over the end", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 34, 65 }, BAD },
	{ "checksum far off", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 65535, 65535 }, BAD },
	{ "checksum in the link header", USER, 100, 100, MAC, 0, { CSUM, 0, 0, 0, 13, 16 }, BAD },
	{ "segmented, no size", USER, 1000, 1000, MAC, 0, { CSUM, TCP4, 54, 0, 34, 16 }, BAD },
	{ "segmented, too short", USER, 53, 53, MAC, 0, { CSUM, TCP4, 20, 400, 34, 16 }, BAD },
	{ "segmented, IP too short", USER, 1000, 1000, MAC, 0, { CSUM, TCP4, 54, 9, 33, 16 }, BAD },
	{ "unknown segmentation", USER, 1000, 1000, MAC, 0, { CSUM, 2, 54, 400, 34, 16 }, BAD },
	{ "ECN only", USER, 1000, 1000, MAC, 0, { CSUM, 0x80, 54, 400, 34, 16 }, BAD },
	{ "ECN with UDP", USER, 1000, 1000, MAC, 0, { CSUM, 5 | 0x80, 54, 400, 34, 6 }, BAD },
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
		verdict = packet_slot_judge(slot, PACKET_SLOT_BYTES, rows[i].status, &frame);
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
	assert_int_equal(TPACKET_ALIGN(TPACKET2_HDRLEN + 16) + PACKET_SLOT_RESERVE +
				 sizeof(struct lkl_vnet_hdr) - ETH_HLEN,
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
