/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet_slot.h - what a TPACKET_V2 ring slot looks like and what is believed of it
 *
 * Pure functions: they read a slot and answer; no descriptor, no global, no host call. They are
 * apart from packet.c so that a unit test and a fuzz target can hand them slots that no kernel
 * would write.
 *
 * A receive slot, with PACKET_RESERVE = PACKET_SLOT_RESERVE (offsets for a 14 byte link header):
 *
 *	0	struct tpacket2_hdr	tp_status first: the kernel's store of it publishes the rest
 *	32	struct sockaddr_ll
 *	72	struct virtio_net_hdr	10 bytes
 *	82	Ethernet header		the two odd bytes put ...
 *	96	IP header		... this on 16 bytes (the default, 76 and 90, is 2 mod 4)
 *	2048	end (params.slot_bytes may make slots larger)
 *
 * A transmit slot: tpacket2_hdr, at 32 the virtio_net_hdr, at 42 the frame; tp_len counts the last
 * two.
 *
 * The host kernel is trusted not to be hostile, but frames come from elsewhere and offload metadata
 * is derived from them: lengths and offsets are checked here once, so that the driver need not
 * check them again. Not checked: whether the headers inside the frame agree with the metadata (the
 * stack's own parsers do that).
 */
#ifndef WIRE_PACKET_SLOT_H
#define WIRE_PACKET_SLOT_H

#include <stdint.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <lkl/host_ops.h>

#define PACKET_SLOT_BYTES 2048u
#define PACKET_SLOT_RESERVE 6u

/*
 * Bytes of frame that a transmit slot holds, and that a receive slot holds (link header of 14
 * bytes).
 */
#define PACKET_TX_VNET_OFF ((uint32_t)TPACKET_ALIGN(sizeof(struct tpacket2_hdr)))
#define PACKET_TX_FRAME_OFF (PACKET_TX_VNET_OFF + (uint32_t)sizeof(struct lkl_vnet_hdr))
#define PACKET_TX_SLOT_MAX (PACKET_SLOT_BYTES - PACKET_TX_FRAME_OFF)
#define PACKET_RX_MAC_OFF 82u
#define PACKET_RX_SLOT_MAX (PACKET_SLOT_BYTES - PACKET_RX_MAC_OFF)

/* The longest IPv4 packet and an Ethernet header with one VLAN tag. */
#define PACKET_FRAME_MAX (65535u + ETH_HLEN + 4u)

_Static_assert(sizeof(struct lkl_vnet_hdr) == 10, "struct virtio_net_hdr has 10 bytes");

enum packet_verdict {
	PACKET_OK,		/* whole frame in the slot */
	PACKET_FETCH,		/* the slot holds its head; the whole waits in the socket's queue */
	PACKET_LOST,		/* the slot holds its head, the rest is gone: the queue was full */
	PACKET_FOREIGN,		/* of another VLAN */
	PACKET_MALFORMED,	/* not to be believed */
};

/* Does offload metadata make sense for a frame of `len` bytes? */
static inline int packet_vnet_ok(const struct lkl_vnet_hdr *vnet, uint32_t len)
{
	const uint32_t csum_min = ETH_HLEN + (vnet->gso_type == LKL_VNET_GSO_NONE ? 0 : 20);

	if (vnet->hdr_len > len)
		return 0;
	if (vnet->flags & LKL_VNET_F_NEEDS_CSUM) {
		if (vnet->csum_start < csum_min ||
		    (uint32_t)vnet->csum_start + vnet->csum_offset + 2u > len)
			return 0;
	}
	switch (vnet->gso_type) {
	case LKL_VNET_GSO_NONE:
		return 1;
	case LKL_VNET_GSO_TCPV4:
	case LKL_VNET_GSO_TCPV4 | LKL_VNET_GSO_ECN:
		return vnet->gso_size && len >= ETH_HLEN + 20 + 20;
	case LKL_VNET_GSO_TCPV6:
	case LKL_VNET_GSO_TCPV6 | LKL_VNET_GSO_ECN:
		return vnet->gso_size && len >= ETH_HLEN + 40 + 20;
	case LKL_VNET_GSO_UDP:
	case LKL_VNET_GSO_UDP_L4:
		return vnet->gso_size && len >= ETH_HLEN + 20 + 8;
	default:
		return 0;
	}
}

/*
 * Judge the receive slot at `slot` (slot_bytes long) that carries `status`, and describe its
 * frame. *frame is complete with PACKET_OK and PACKET_FETCH, and untouched or partly filled
 * otherwise.
 */
static inline enum packet_verdict packet_slot_judge(void *slot, uint32_t slot_bytes, uint32_t status,
						    struct lkl_rx_frame *frame)
{
	const struct tpacket2_hdr *hdr = slot;
	const uint32_t len = hdr->tp_len, snaplen = hdr->tp_snaplen, mac = hdr->tp_mac;
	const uint32_t mac_min = TPACKET2_HDRLEN + sizeof(struct lkl_vnet_hdr);

	if (len < ETH_HLEN || len > PACKET_FRAME_MAX || snaplen < ETH_HLEN || snaplen > len ||
	    mac < mac_min || mac > slot_bytes || snaplen > slot_bytes - mac)
		return PACKET_MALFORMED;
	/*
	 * The kernel took a VLAN tag out of the frame and left it beside it. Passing the rest on
	 * would move the frame to the untagged network. Tag 0 is only a priority.
	 */
	if ((status & TP_STATUS_VLAN_VALID) && (hdr->tp_vlan_tci & 0x0fff))
		return PACKET_FOREIGN;
	if (snaplen < len && !(status & TP_STATUS_COPY))
		return PACKET_LOST;

	frame->data = (uint8_t *)slot + mac;
	frame->len = len;
	frame->head_len = (uint16_t)(snaplen < UINT16_MAX ? snaplen : UINT16_MAX);
	memcpy(&frame->vnet, (uint8_t *)slot + mac - sizeof(frame->vnet), sizeof(frame->vnet));
	/* Flags that a newer kernel may add mean nothing to us. */
	frame->vnet.flags &= LKL_VNET_F_NEEDS_CSUM | LKL_VNET_F_DATA_VALID;
	if (!packet_vnet_ok(&frame->vnet, len))
		return PACKET_MALFORMED;
	if (status & TP_STATUS_COPY) {
		frame->flags = LKL_RX_FETCH;
		return PACKET_FETCH;
	}
	frame->flags = 0;
	return PACKET_OK;
}

#endif /* WIRE_PACKET_SLOT_H */
