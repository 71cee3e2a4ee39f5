// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_ethtool.c - what ethtool shows of a wire's netdev: driver, link, rings, channels, statistics of all queues and of each
 *
 * Offloads are switched by the core, by the usual names; docs/wire.md has the list and what each costs. Statistics come in
 * one table: the wire's (struct lkl_wire_stats), then the driver's. They appear summed over the queues, and with more than
 * one queue once more for each, as qN_NAME. All are read racily.
 */
#include <linux/ethtool.h>

#include "net.h"

static const struct {
	char name[ETH_GSTRING_LEN - 4];	/* room for "q63_" */
	bool is_driver;			/* in struct wire_queue, not in struct lkl_wire_stats */
	u32 offset;
} wire_stats[] = {
#define WIRE(field) { #field, false, offsetof(struct lkl_wire_stats, field) }
#define DRIVER(name, field) { name, true, offsetof(struct wire_queue, field) }
	WIRE(rx_frames_total), WIRE(rx_bytes_total), WIRE(rx_fetched_total), WIRE(rx_dropped_total), WIRE(rx_malformed_total),
	WIRE(rx_foreign_total), WIRE(tx_frames_total), WIRE(tx_bytes_total), WIRE(tx_big_total), WIRE(tx_full_total),
	WIRE(tx_errors_total), WIRE(tx_down_total), WIRE(tx_stalled_total), WIRE(kicks_total), WIRE(calls_total),
	WIRE(waits_total),
	DRIVER("rx_no_memory_total", rx_no_memory),
	DRIVER("rx_bad_header_total", rx_bad_header),
	DRIVER("rx_split_total", rx_split),
	DRIVER("tx_remote_full_total", tx_remote_full),
	DRIVER("rx_to_128_bytes", rx_sizes[0]),
	DRIVER("rx_129_to_1518_bytes", rx_sizes[1]),
	DRIVER("rx_1519_to_16384_bytes", rx_sizes[2]),
	DRIVER("rx_over_16384_bytes", rx_sizes[3]),
	DRIVER("tx_to_128_bytes", tx_sizes[0]),
	DRIVER("tx_129_to_1518_bytes", tx_sizes[1]),
	DRIVER("tx_1519_to_16384_bytes", tx_sizes[2]),
	DRIVER("tx_over_16384_bytes", tx_sizes[3]),
#undef WIRE
#undef DRIVER
};

#define STATS ARRAY_SIZE(wire_stats)

static u32 queues_shown(struct net_device *dev)
{
	struct wire_dev *wd = netdev_priv(dev);

	return wd->wire->queues > 1 ? wd->wire->queues : 0;
}

static int wire_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? STATS * (1 + queues_shown(dev)) : -EOPNOTSUPP;
}

static void wire_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	u32 i, q;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < STATS; i++, data += ETH_GSTRING_LEN)
		strscpy(data, wire_stats[i].name, ETH_GSTRING_LEN);
	for (q = 0; q < queues_shown(dev); q++)
		for (i = 0; i < STATS; i++, data += ETH_GSTRING_LEN)
			snprintf(data, ETH_GSTRING_LEN, "q%u_%s", q, wire_stats[i].name);
}

static u64 stat_read(const struct wire_queue *q, u32 i)
{
	const void *base = wire_stats[i].is_driver ? (const void *)q : &q->wire->stats[q->queue];

	return READ_ONCE(*(const u64 *)(base + wire_stats[i].offset));
}

static void wire_get_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct wire_dev *wd = netdev_priv(dev);
	u32 i, q;

	for (i = 0; i < STATS; i++) {
		data[i] = 0;
		for (q = 0; q < wd->wire->queues; q++)
			data[i] += stat_read(&wd->queue[q], i);
	}
	data += STATS;
	for (q = 0; q < queues_shown(dev); q++)
		for (i = 0; i < STATS; i++)
			*data++ = stat_read(&wd->queue[q], i);
}

static void wire_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct wire_dev *wd = netdev_priv(dev);

	strscpy(info->driver, "lkl_wire", sizeof(info->driver));
	strscpy(info->bus_info, wd->wire->ops->name, sizeof(info->bus_info));
}

static void wire_get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			       struct kernel_ethtool_ringparam *kernel_ring, struct netlink_ext_ack *extack)
{
	struct lkl_wire *wire = ((struct wire_dev *)netdev_priv(dev))->wire;

	ring->rx_pending = wire->rx_ring_frames;
	ring->tx_pending = wire->tx_ring_frames;
	ring->rx_max_pending = ring->tx_max_pending = wire->ring_frames_max;
}

static int wire_set_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kernel_ring, struct netlink_ext_ack *extack)
{
	struct lkl_wire *wire = ((struct wire_dev *)netdev_priv(dev))->wire;

	if (!wire->ops->set_rings)
		return -EOPNOTSUPP;
	if (ring->rx_mini_pending || ring->rx_jumbo_pending)
		return -EINVAL;
	/* The queues are in use, and taking them out of it for a moment would lose addresses and routes of the stack. */
	if (netif_running(dev))
		return -EBUSY;
	return wire->ops->set_rings(wire, ring->rx_pending, ring->tx_pending);
}

static void wire_get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	struct lkl_wire *wire = ((struct wire_dev *)netdev_priv(dev))->wire;

	channels->combined_count = channels->max_combined = wire->queues;
}

const struct ethtool_ops wire_ethtool_ops = {
	.get_drvinfo = wire_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_ringparam = wire_get_ringparam,
	.set_ringparam = wire_set_ringparam,
	.get_channels = wire_get_channels,
	.get_sset_count = wire_get_sset_count,
	.get_strings = wire_get_strings,
	.get_ethtool_stats = wire_get_stats,
};
