/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_csum.h - what an AF_XDP frame's checksum field says
 *
 * AF_XDP hands over a frame without its metadata. A frame that never left a machine (veth, a local
 * peer) holds only the pseudo-header sum in its TCP or UDP checksum field: whoever sends it on shall
 * fill in the rest. So a field that equals that sum means NEEDS_CSUM; any other field is left to the
 * stack to check. A frame from a cable that happens to have that value (one in 65,536) is complete
 * either way: filling in again gives the same bytes.
 *
 * A pure function on a frame that may hold anything.
 */
#ifndef WIRE_XDP_CSUM_H
#define WIRE_XDP_CSUM_H

#include <stdint.h>
#include <string.h>

#include <linux/if_ether.h>

#include <lkl/host_ops.h>

static inline uint64_t xdp_csum_add(uint64_t sum, const uint8_t *p, uint32_t len)
{
	uint32_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

/* *vnet starts as zeros; NEEDS_CSUM is set where the field holds the pseudo-header sum. */
static inline void xdp_csum_judge(const uint8_t *f, uint32_t len, struct lkl_vnet_hdr *vnet)
{
	const uint32_t type = len >= ETH_HLEN ? (uint32_t)f[12] << 8 | f[13] : 0;
	uint32_t start, l4_len, protocol, field_at, field;
	uint64_t sum;

	if (type == ETH_P_IP && len >= ETH_HLEN + 20) {
		const uint32_t ihl = (f[14] & 15u) * 4;
		const uint32_t total = (uint32_t)f[16] << 8 | f[17];

		/* Neither options that do not fit nor a fragment. */
		if (f[14] >> 4 != 4 || ihl < 20 || total < ihl || ETH_HLEN + total > len || (f[20] & 0x3f) || f[21])
			return;
		start = ETH_HLEN + ihl;
		l4_len = total - ihl;
		protocol = f[23];
		sum = xdp_csum_add(0, f + 26, 8);
	} else if (type == ETH_P_IPV6 && len >= ETH_HLEN + 40) {
		l4_len = (uint32_t)f[18] << 8 | f[19];
		start = ETH_HLEN + 40;
		if (f[14] >> 4 != 6 || start + l4_len > len)
			return;
		protocol = f[20];
		sum = xdp_csum_add(0, f + 22, 32);
	} else {
		return;
	}
	field_at = protocol == 6 ? 16 : 6;
	if ((protocol != 6 && protocol != 17) || l4_len < field_at + 2)
		return;
	sum += protocol + l4_len;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	field = (uint32_t)f[start + field_at] << 8 | f[start + field_at + 1];
	if (field != sum)
		return;
	vnet->flags = LKL_VNET_F_NEEDS_CSUM;
	vnet->csum_start = (uint16_t)start;
	vnet->csum_offset = (uint16_t)field_at;
}

#endif /* WIRE_XDP_CSUM_H */
