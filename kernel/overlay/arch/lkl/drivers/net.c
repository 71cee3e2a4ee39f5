// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - the network driver: a netdev whose frames move through struct lkl_wire_ops
 *
 * Receive. Nothing interrupts: the idle loop and lkl_check_events() ask the wire's ring whether a frame is there
 * (lkl_net_rx_ready(), a load from shared memory) and raise LKL_IRQ_NET, whose handler schedules NAPI. The poll takes
 * bursts of frames. A frame that fits a ring slot is copied once into a linear skb. A big one (a TSO frame of the peer,
 * up to 64 KiB) is read by the wire straight into page fragments behind a short linear header: no linear copy, and
 * splice() can move the pages on. Offload metadata goes into the skb, so that TCP sees what GRO would have made.
 *
 * Transmit. The skb's pieces are handed to the wire as an iovec, which copies or sends them before it returns; the skb is
 * freed at once. Nothing leaves before a kick, and the kick comes once per batch: when the vCPU goes idle, every
 * poll_interval_ns of a busy vCPU (lkl_check_events()), or when tx_batch_max frames wait. A wire that is full stops the
 * queue; the receive path wakes it when tx_ready() says so.
 *
 * A queue belongs to one vCPU, which alone calls the wire for it, without a lock. A frame that another vCPU sends waits in
 * `remote` for the owner, at most remote_max of them.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/sock.h>
#include <asm/lkl.h>
#include <asm/vcpu.h>

/* Frames described by one call of the wire: enough to spread its cost, few enough to stay in L1. */
#define RX_BURST 32

/* Frames that may wait for a kick: bounds their delay inside a long NAPI poll or system call. */
static const unsigned int tx_batch_max = 64;

/* How long a full wire is left alone: trying at once again would be a host call in vain for each try. */
static const u64 tx_retry_ns = 200 * NSEC_PER_USEC;

/* Frames of other vCPUs that may wait for the queue's owner; more are dropped, as by any full device queue. */
static const unsigned int remote_max = 1024;

struct wire_queue {
	struct wire_queue *next;	/* of the same vCPU */
	unsigned int cpu;		/* the vCPU */
	struct sk_buff_head remote;	/* frames that other vCPUs want sent */
	struct lkl_wire *wire;
	const struct lkl_wire_ops *ops;
	struct net_device *dev;
	struct page_frag frag;		/* where big frames' payload goes */
	u32 queue;
	u32 tx_waiting;			/* frames since the last kick */
	bool tx_stopped;
	u64 tx_retry_tsc;		/* with tx_stopped: not before */
	u64 rx_no_memory, rx_bad_header, tx_remote_full;
	struct napi_struct napi;
};

struct wire_dev {
	struct lkl_wire *wire;
	struct wire_queue queue;
};

static DEFINE_PER_CPU(struct wire_queue *, queues);

/* [owner] */
static bool tx_may_go_on(struct wire_queue *q)
{
	if (likely(!q->tx_stopped) || lkl_tsc() < q->tx_retry_tsc)
		return false;
	if (q->ops->tx_ready(q->wire, q->queue))
		return true;
	q->tx_retry_tsc = lkl_tsc() + lkl_ns_to_tsc(tx_retry_ns);
	return false;
}

/*
 * [owner, or a thread that waits for the vCPU and may be about to lose it to another] So it only looks: whether a full wire has
 * room is for the owner to find out, when it is time.
 */
static inline bool queue_has_work(struct wire_queue *q)
{
	return q->ops->rx_ready(q->wire, q->queue) || unlikely(!skb_queue_empty_lockless(&q->remote) && !q->tx_stopped) ||
		unlikely(q->tx_stopped && lkl_tsc() >= q->tx_retry_tsc);
}

bool lkl_net_rx_ready(unsigned int cpu)
{
	struct wire_queue *q;

	for (q = per_cpu(queues, cpu); q; q = q->next)
		if (queue_has_work(q))
			return true;
	return false;
}

static inline void queue_kick(struct wire_queue *q)
{
	q->tx_waiting = 0;
	q->ops->kick(q->wire, q->queue);
}

/* A wire is full, and has no way to tell when it isn't any more: sleep briefly and ask again. */
bool lkl_net_tx_stopped(unsigned int cpu)
{
	struct wire_queue *q;

	for (q = per_cpu(queues, cpu); q; q = q->next)
		if (q->tx_stopped)
			return true;
	return false;
}

void lkl_net_flush(unsigned int cpu)
{
	struct wire_queue *q;

	for (q = per_cpu(queues, cpu); q; q = q->next)
		if (q->tx_waiting)
			queue_kick(q);
}

void lkl_net_irq(void)
{
	unsigned int cpu = raw_smp_processor_id();
	struct wire_queue *q;

	for (q = per_cpu(queues, cpu); q; q = q->next)
		if (queue_has_work(q))
			napi_schedule_irqoff(&q->napi);
}

/* ---- receive ---- */

static struct sk_buff *rx_small(struct wire_queue *q, const struct lkl_rx_frame *frame)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, frame->len);

	if (likely(skb))
		skb_put_data(skb, frame->data, frame->len);
	return skb;
}

/* The first bytes, which the ring slot holds, tell how long the headers are; the rest goes into fragments. */
static struct sk_buff *rx_big(struct wire_queue *q, struct lkl_rx_frame *frame)
{
	struct lkl_iov iov[1 + MAX_SKB_FRAGS];
	u32 head, left, iov_len = 1;
	struct sk_buff *skb;
	int n;

	head = eth_get_headlen(q->dev, frame->data, frame->head_len);
	skb = napi_alloc_skb(&q->napi, head);
	if (unlikely(!skb))
		goto no_memory;
	iov[0].base = skb_put(skb, head);
	iov[0].len = head;
	for (left = frame->len - head; left; left -= n) {
		if (unlikely(iov_len > MAX_SKB_FRAGS ||
			     !skb_page_frag_refill(min_t(u32, left, 4096), &q->frag, GFP_ATOMIC | __GFP_NOWARN)))
			goto no_memory;
		n = min_t(u32, left, q->frag.size - q->frag.offset);
		get_page(q->frag.page);
		skb_add_rx_frag(skb, iov_len - 1, q->frag.page, q->frag.offset, n, n);
		iov[iov_len].base = page_address(q->frag.page) + q->frag.offset;
		iov[iov_len++].len = n;
		q->frag.offset += ALIGN(n, 64);
		if (q->frag.offset > q->frag.size)
			q->frag.offset = q->frag.size;
	}
	n = q->ops->rx_fetch(q->wire, q->queue, iov, iov_len, &frame->vnet);
	if (unlikely(n != frame->len)) {
		kfree_skb(skb);
		return ERR_PTR(-EIO);
	}
	return skb;

no_memory:
	/* The wire has to let go of this one's copy, or the next fetch would bring it. */
	q->ops->rx_fetch(q->wire, q->queue, iov, 0, &frame->vnet);
	kfree_skb(skb);
	return NULL;
}

static void rx_frame(struct wire_queue *q, struct lkl_rx_frame *frame)
{
	struct net_device *dev = q->dev;
	struct sk_buff *skb;

	skb = frame->flags & LKL_RX_FETCH ? rx_big(q, frame) : rx_small(q, frame);
	if (unlikely(IS_ERR_OR_NULL(skb))) {
		if (!skb)
			q->rx_no_memory++;
		dev_core_stats_rx_dropped_inc(dev);
		return;
	}
	if (frame->vnet.flags & LKL_VNET_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (unlikely(virtio_net_hdr_to_skb(skb, (struct virtio_net_hdr *)&frame->vnet, true))) {
		q->rx_bad_header++;
		dev_core_stats_rx_dropped_inc(dev);
		kfree_skb(skb);
		return;
	}
	dev_sw_netstats_rx_add(dev, skb->len);
	skb_record_rx_queue(skb, q->queue);
	skb->protocol = eth_type_trans(skb, dev);
	napi_gro_receive(&q->napi, skb);
}

static void remote_send(struct wire_queue *q);

static int queue_poll(struct napi_struct *napi, int budget)
{
	struct wire_queue *q = container_of(napi, struct wire_queue, napi);
	struct lkl_rx_frame frames[RX_BURST];
	int done = 0, i, n;

	if (unlikely(tx_may_go_on(q))) {
		q->tx_stopped = false;
		netif_tx_wake_queue(netdev_get_tx_queue(q->dev, q->queue));
	}
	if (unlikely(!skb_queue_empty_lockless(&q->remote)))
		remote_send(q);
	while (done < budget) {
		n = q->ops->rx_burst(q->wire, q->queue, frames, min(budget - done, RX_BURST));
		if (!n)
			break;
		for (i = 0; i < n; i++)
			rx_frame(q, &frames[i]);
		q->ops->rx_release(q->wire, q->queue, n);
		done += n;
	}
	/* Under load the poll may follow itself without a system call or task switch in between. */
	if (lkl_tsc() >= raw_cpu_read_8(lkl_next_check))
		lkl_check_events();
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

/* ---- transmit ---- */

/* [owner, BH disabled] */
static netdev_tx_t queue_send(struct wire_queue *q, struct sk_buff *skb)
{
	struct net_device *dev = q->dev;
	struct lkl_iov iov[1 + MAX_SKB_FRAGS];
	struct virtio_net_hdr vnet;
	u32 iov_len = 0, i, len = skb->len;
	int err;

	if (unlikely(virtio_net_hdr_from_skb(skb, &vnet, true, false, 0)))
		goto drop;
	if (likely(skb_headlen(skb))) {
		iov[iov_len].base = skb->data;
		iov[iov_len++].len = skb_headlen(skb);
	}
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		iov[iov_len].base = skb_frag_address(frag);
		iov[iov_len++].len = skb_frag_size(frag);
	}
	err = q->ops->tx(q->wire, q->queue, (struct lkl_vnet_hdr *)&vnet, iov, iov_len, len);
	if (unlikely(err == -EAGAIN)) {
		queue_kick(q);
		q->tx_retry_tsc = lkl_tsc() + lkl_ns_to_tsc(tx_retry_ns);
		q->tx_stopped = true;
		netif_stop_queue(dev);
		return NETDEV_TX_BUSY;
	}
	if (unlikely(err))
		goto drop;
	dev_sw_netstats_tx_add(dev, 1, len);
	skb_tx_timestamp(skb);
	dev_consume_skb_any(skb);
	if (++q->tx_waiting >= tx_batch_max)
		queue_kick(q);
	return NETDEV_TX_OK;

drop:
	dev_core_stats_tx_dropped_inc(dev);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static void remote_send(struct wire_queue *q)
{
	struct sk_buff *skb;

	while (!q->tx_stopped && (skb = skb_dequeue(&q->remote)))
		if (queue_send(q, skb) == NETDEV_TX_BUSY)
			skb_queue_head(&q->remote, skb);
}

static netdev_tx_t wire_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct wire_dev *wd = netdev_priv(dev);
	struct wire_queue *q = &wd->queue;

	if (likely(q->cpu == smp_processor_id() && skb_queue_empty_lockless(&q->remote)))
		return queue_send(q, skb);
	if (skb_queue_len_lockless(&q->remote) >= remote_max) {
		q->tx_remote_full++;
		dev_core_stats_tx_dropped_inc(dev);
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	skb_queue_tail(&q->remote, skb);
	lkl_raise(q->cpu, LKL_IRQ_NET);
	return NETDEV_TX_OK;
}

/* ---- netdev ---- */

/* [the queue's vCPU] */
static void queue_link(void *arg)
{
	struct wire_queue *q = arg;

	q->next = this_cpu_read(queues);
	this_cpu_write(queues, q);
}

static void queue_unlink(void *arg)
{
	struct wire_queue *q = arg, **p = this_cpu_ptr(&queues);

	while (*p && *p != q)
		p = &(*p)->next;
	if (*p)
		*p = q->next;
	if (q->tx_waiting)
		queue_kick(q);
}

static int wire_open(struct net_device *dev)
{
	struct wire_dev *wd = netdev_priv(dev);

	napi_enable(&wd->queue.napi);
	smp_call_function_single(wd->queue.cpu, queue_link, &wd->queue, true);
	netif_start_queue(dev);
	return 0;
}

static int wire_stop(struct net_device *dev)
{
	struct wire_dev *wd = netdev_priv(dev);

	netif_stop_queue(dev);
	smp_call_function_single(wd->queue.cpu, queue_unlink, &wd->queue, true);
	napi_disable(&wd->queue.napi);
	skb_queue_purge(&wd->queue.remote);
	return 0;
}

static const struct net_device_ops wire_netdev_ops = {
	.ndo_open = wire_open,
	.ndo_stop = wire_stop,
	.ndo_start_xmit = wire_start_xmit,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_features_check = passthru_features_check,
};

/* Statistics of the wire and of the driver, as ethtool names them. */
static const struct {
	char name[ETH_GSTRING_LEN];
	u32 offset;
} wire_stats[] = {
#define STAT(field) { #field, offsetof(struct lkl_wire_stats, field) / sizeof(uint64_t) }
	STAT(rx_frames_total), STAT(rx_bytes_total), STAT(rx_fetched_total), STAT(rx_dropped_total),
	STAT(rx_malformed_total), STAT(tx_frames_total), STAT(tx_bytes_total), STAT(tx_big_total), STAT(tx_full_total),
	STAT(tx_errors_total), STAT(kicks_total), STAT(waits_total),
#undef STAT
};

static int wire_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(wire_stats) : -EOPNOTSUPP;
}

static void wire_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	int i;

	if (set == ETH_SS_STATS)
		for (i = 0; i < ARRAY_SIZE(wire_stats); i++)
			memcpy(data + i * ETH_GSTRING_LEN, wire_stats[i].name, ETH_GSTRING_LEN);
}

static void wire_get_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct wire_dev *wd = netdev_priv(dev);
	int i;

	for (i = 0; i < ARRAY_SIZE(wire_stats); i++)
		data[i] = READ_ONCE(((uint64_t *)&wd->wire->stats[0])[wire_stats[i].offset]);
}

static void wire_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct wire_dev *wd = netdev_priv(dev);

	strscpy(info->driver, "lkl_wire", sizeof(info->driver));
	strscpy(info->bus_info, wd->wire->ops->name, sizeof(info->bus_info));
}

static const struct ethtool_ops wire_ethtool_ops = {
	.get_drvinfo = wire_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_sset_count = wire_get_sset_count,
	.get_strings = wire_get_strings,
	.get_ethtool_stats = wire_get_stats,
};

static netdev_features_t wire_features(const struct lkl_wire *wire)
{
	netdev_features_t features = NETIF_F_SG | NETIF_F_HIGHDMA;

	if (wire->features & LKL_WIRE_F_CSUM) {
		features |= NETIF_F_HW_CSUM;
		if (wire->features & LKL_WIRE_F_TSO4)
			features |= NETIF_F_TSO | NETIF_F_TSO_ECN;
		if (wire->features & LKL_WIRE_F_TSO6)
			features |= NETIF_F_TSO6;
		if (wire->features & LKL_WIRE_F_USO)
			features |= NETIF_F_GSO_UDP_L4;
	}
	if (wire->features & LKL_WIRE_F_RXCSUM)
		features |= NETIF_F_RXCSUM;
	return features;
}

static int wire_attach(struct lkl_wire *wire)
{
	struct net_device *dev;
	struct wire_dev *wd;
	int err;

	if (wire->queues != 1)
		return -EOPNOTSUPP;
	dev = alloc_netdev_mqs(sizeof(*wd), "wire%d", NET_NAME_ENUM, ether_setup, 1, 1);
	if (!dev)
		return -ENOMEM;
	wd = netdev_priv(dev);
	wd->wire = wire;
	wd->queue.wire = wire;
	wd->queue.ops = wire->ops;
	wd->queue.dev = dev;
	skb_queue_head_init(&wd->queue.remote);
	eth_hw_addr_set(dev, wire->mac);
	dev->mtu = wire->mtu;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ETH_MAX_MTU;
	dev->netdev_ops = &wire_netdev_ops;
	dev->ethtool_ops = &wire_ethtool_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->hw_features = wire_features(wire);
	dev->features = dev->hw_features;
	dev->vlan_features = dev->hw_features;
	netif_napi_add(dev, &wd->queue.napi, queue_poll);
	err = register_netdev(dev);
	if (err) {
		free_netdev(dev);
		return err;
	}
	lkl_host->wire_attached(0, wire, 0);
	return dev->ifindex;
}

/* Before boot there is no shadow to look at. */
__no_sanitize_address int lkl_kernel_wire_attach(struct lkl_wire *wire)
{
	struct lkl_thread *self;
	int ret = lkl_enter(&self);

	return ret ? ret : lkl_exit(self, wire_attach(wire));
}
