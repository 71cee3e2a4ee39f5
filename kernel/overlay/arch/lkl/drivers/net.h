/* SPDX-License-Identifier: GPL-2.0-only */
/* net.h - what the network driver's files share: net.c moves frames, net_ethtool.c shows and switches */
#ifndef _LKL_DRIVERS_NET_H
#define _LKL_DRIVERS_NET_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <asm/lkl.h>

#define SIZE_CLASSES 4

/* Used by the vCPU that owns it, but for `remote`, which has a lock. */
struct wire_queue {
	struct wire_queue *next;	/* of the same vCPU */
	unsigned int cpu;		/* the vCPU */
	u32 queue;
	struct lkl_wire *wire;
	const struct lkl_wire_ops *ops;
	struct net_device *dev;
	u32 tx_waiting;			/* frames since the last kick */
	bool tx_stopped;
	u64 tx_retry_tsc;		/* with tx_stopped: not before */
	struct page_frag frag;		/* where big frames' payload goes */
	/* Drops beside those that the wire counts, and frames by size. */
	u64 rx_no_memory, rx_bad_header, rx_split, tx_remote_full;
	u64 rx_sizes[SIZE_CLASSES], tx_sizes[SIZE_CLASSES];
	struct napi_struct napi;
	struct timer_list tend_timer;
	struct sk_buff_head remote;	/* frames that other vCPUs want sent */
} ____cacheline_aligned;

struct wire_dev {
	struct lkl_wire *wire;
	struct work_struct link_work;
	bool link_down;			/* of the wire, as the netdev knows it */
	u32 mtu_max;
	struct wire_queue queue[];
};

extern const struct ethtool_ops wire_ethtool_ops;

#endif
