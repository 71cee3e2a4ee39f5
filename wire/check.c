// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - is a frame with its offload metadata fit for the stack?
 */
#include <errno.h>

#include "check.h"

static int gso_is_known(uint8_t gso_type)
{
	switch (gso_type & ~LKL_VNET_GSO_ECN) {
	case LKL_VNET_GSO_NONE:
		return gso_type == LKL_VNET_GSO_NONE;
	case LKL_VNET_GSO_TCPV4:
	case LKL_VNET_GSO_TCPV6:
	case LKL_VNET_GSO_UDP:
	case LKL_VNET_GSO_UDP_L4:
		return 1;
	default:
		return 0;
	}
}

int wire_frame_check(uint64_t len, uint64_t head_len, const struct lkl_vnet_hdr *vnet)
{
	if (len < WIRE_FRAME_MIN || len > WIRE_FRAME_MAX || head_len > len || head_len < WIRE_FRAME_MIN)
		return -EINVAL;
	if (!gso_is_known(vnet->gso_type))
		return -EINVAL;
	if (vnet->flags & LKL_VNET_F_NEEDS_CSUM &&
	    (vnet->csum_start < WIRE_FRAME_MIN || (uint64_t)vnet->csum_start + vnet->csum_offset + 2 > len))
		return -EINVAL;
	if (vnet->gso_type != LKL_VNET_GSO_NONE && (!vnet->gso_size || vnet->hdr_len > len))
		return -EINVAL;
	return 0;
}
