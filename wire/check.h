/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - is a frame with its offload metadata fit for the stack?
 *
 * Pure: no wire, no host call, so that it can be tested and fuzzed alone.
 */
#ifndef LKL_WIRE_CHECK_H
#define LKL_WIRE_CHECK_H

#include <stdint.h>

#include <lkl/host_ops.h>

#define WIRE_FRAME_MIN 14u		/* an Ethernet header */
#define WIRE_FRAME_MAX (65535u + 18u)	/* the largest IP packet behind an Ethernet header and a VLAN tag */

/*
 * `len` bytes of frame, of which the first `head_len` are at hand. 0, or -EINVAL: too short, too long, or metadata that
 * points outside the frame.
 */
int wire_frame_check(uint64_t len, uint64_t head_len, const struct lkl_vnet_hdr *vnet);

#endif /* LKL_WIRE_CHECK_H */
