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
 * A wire has N queues; each has a NAPI context and belongs to one vCPU (queue i to vCPU i mod vcpus), which alone calls the
 * wire for it, without a lock. XPS sends a frame on a queue of the sending vCPU; one that comes from another vCPU all the
 * same (fewer queues than vCPUs, a flow that moved with frames on the way) waits in `remote` for the owner, at most
 * remote_max of them.
 *
 * Offloads. What the wire carries becomes netdev features, each switchable. For transmit the kernel's core then makes plain
 * frames. For receive the driver does when the wire cannot (rx_plain()): with rx-gro-hw off it cuts segmented frames up, with
 * rx-checksumming off it fills in checksums that the frame leaves open and lets TCP check all.
 *
 * Upkeep. Each queue has a timer of one second that lets the wire look at its drop counters, link and MTU (ops->tend), as does
 * an error that a host wait reports; a change of the link becomes carrier on or off, in process context.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/gso.h>
#include <net/sock.h>
#include <asm/lkl.h>
#include <asm/vcpu.h>

#include "net.h"

/* Frames described by one call of the wire: enough to spread its cost, few enough to stay in L1. */
#define RX_BURST 32

/* Frames that may wait for a kick: bounds their delay inside a long NAPI poll or system call. */
static const unsigned int tx_batch_max = 64;

/* How long a full wire is left alone: trying at once again would be a host call in vain for each try. */
static const u64 tx_retry_ns = 200 * NSEC_PER_USEC;

/* Frames of other vCPUs that may wait for the queue's owner; more are dropped, as by any full device queue. */
static const unsigned int remote_max = 1024;

/* Longer frames of a slot go into page fragments too: a linear buffer of many pages may not be had. */
static const u32 rx_linear_max = 2048;

static const unsigned long tend_jiffies = HZ;

static const netdev_features_t rx_offloads = NETIF_F_RXCSUM | NETIF_F_GRO_HW;

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
		unlikely(q->tx_stopped && lkl_tsc() >= q->tx_retry_tsc) ||
		unlikely(READ_ONCE(q->wire->tend_wanted) & BIT_ULL(q->queue));
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

/* ---- upkeep ---- */

static void tend(struct wire_queue *q)
{
	struct wire_dev *wd = netdev_priv(q->dev);
	struct lkl_wire *wire = q->wire;

	__atomic_fetch_and(&wire->tend_wanted, ~BIT_ULL(q->queue), __ATOMIC_ACQ_REL);
	q->ops->tend(wire, q->queue);
	if (unlikely(READ_ONCE(wire->link_down) != wd->link_down || READ_ONCE(wire->mtu_max) != wd->mtu_max))
		schedule_work(&wd->link_work);
}

static void tend_timer(struct timer_list *timer)
{
	struct wire_queue *q = container_of(timer, struct wire_queue, tend_timer);

	tend(q);
	mod_timer(timer, jiffies + tend_jiffies);
}

static void link_work(struct work_struct *work)
{
	struct wire_dev *wd = container_of(work, struct wire_dev, link_work);
	struct net_device *dev = wd->queue[0].dev;

	rtnl_lock();
	if (dev->reg_state == NETREG_REGISTERED) {
		wd->link_down = READ_ONCE(wd->wire->link_down);
		wd->mtu_max = READ_ONCE(wd->wire->mtu_max);
		if (wd->link_down)
			netif_carrier_off(dev);
		else
			netif_carrier_on(dev);
		dev->max_mtu = wd->mtu_max ?: ETH_MAX_MTU;
		if (dev->mtu > dev->max_mtu)
			dev_set_mtu(dev, dev->max_mtu);
	}
	rtnl_unlock();
}

/* ---- receive ---- */

/* By size: a pure acknowledgement, up to an MTU of 1500, up to 16 KiB, larger. */
static inline unsigned int size_class(u32 len)
{
	return len <= 128 ? 0 : len <= 1518 ? 1 : len <= 16384 ? 2 : 3;
}

static struct sk_buff *rx_small(struct wire_queue *q, const struct lkl_rx_frame *frame)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, frame->len);

	if (likely(skb))
		skb_put_data(skb, frame->data, frame->len);
	return skb;
}

/* A frame in page fragments behind a short linear header, which holds the protocol headers. */
static struct sk_buff *rx_big(struct wire_queue *q, struct lkl_rx_frame *frame)
{
	struct lkl_iov iov[1 + MAX_SKB_FRAGS];
	const bool fetch = frame->flags & LKL_RX_FETCH;
	u32 head, left, iov_len = 1;
	struct sk_buff *skb;
	int n;

	head = eth_get_headlen(q->dev, frame->data, min_t(u32, frame->head_len, rx_linear_max));
	skb = napi_alloc_skb(&q->napi, head);
	if (unlikely(!skb))
		goto no_memory;
	iov[0].base = skb_put(skb, head);
	iov[0].len = head;
	if (!fetch)
		memcpy(iov[0].base, frame->data, head);
	for (left = frame->len - head; left; left -= n) {
		void *to;

		if (unlikely(iov_len > MAX_SKB_FRAGS ||
			     !skb_page_frag_refill(min_t(u32, left, 4096), &q->frag, GFP_ATOMIC | __GFP_NOWARN)))
			goto no_memory;
		n = min_t(u32, left, q->frag.size - q->frag.offset);
		get_page(q->frag.page);
		skb_add_rx_frag(skb, iov_len - 1, q->frag.page, q->frag.offset, n, n);
		to = page_address(q->frag.page) + q->frag.offset;
		if (!fetch)
			memcpy(to, frame->data + (frame->len - left), n);
		iov[iov_len].base = to;
		iov[iov_len++].len = n;
		q->frag.offset += ALIGN(n, 64);
		if (q->frag.offset > q->frag.size)
			q->frag.offset = q->frag.size;
	}
	if (!fetch)
		return skb;
	n = q->ops->rx_fetch(q->wire, q->queue, iov, iov_len, &frame->vnet);
	if (unlikely(n != frame->len)) {
		kfree_skb(skb);
		return ERR_PTR(-EIO);
	}
	return skb;

no_memory:
	/* The wire has to let go of this one's copy, or the next fetch would bring it. */
	if (fetch)
		q->ops->rx_fetch(q->wire, q->queue, iov, 0, &frame->vnet);
	kfree_skb(skb);
	return NULL;
}

static void rx_pass(struct wire_queue *q, struct sk_buff *skb)
{
	skb_record_rx_queue(skb, q->queue);
	skb->protocol = eth_type_trans(skb, q->dev);
	napi_gro_receive(&q->napi, skb);
}

/*
 * With a receive offload switched off: make of the frame what would have been on a cable. Segments are cut, and open
 * checksums filled in, by the code that serves devices without offloads on transmit.
 */
static void rx_plain(struct wire_queue *q, struct sk_buff *skb)
{
	const bool csum_off = !(q->dev->features & NETIF_F_RXCSUM);
	struct sk_buff *segs, *next;

	skb->dev = q->dev;
	if (skb_is_gso(skb) && !(q->dev->features & NETIF_F_GRO_HW)) {
		skb->protocol = ((struct ethhdr *)skb->data)->h_proto;
		skb_reset_mac_header(skb);
		skb_set_network_header(skb, ETH_HLEN);
		segs = __skb_gso_segment(skb, NETIF_F_SG | (csum_off ? 0 : NETIF_F_HW_CSUM), false);
		if (IS_ERR(segs))
			goto drop;
		if (segs) {
			consume_skb(skb);
			skb = segs;
			q->rx_split++;
		}
	}
	skb_list_walk_safe(skb, skb, next) {
		skb_mark_not_on_list(skb);
		if (csum_off) {
			if (skb->ip_summed == CHECKSUM_PARTIAL && !skb_is_gso(skb) && skb_checksum_help(skb)) {
				q->rx_bad_header++;
				kfree_skb(skb);
				continue;
			}
			skb->ip_summed = CHECKSUM_NONE;
		}
		rx_pass(q, skb);
	}
	return;

drop:
	q->rx_bad_header++;
	dev_core_stats_rx_dropped_inc(q->dev);
	kfree_skb(skb);
}

static void rx_frame(struct wire_queue *q, struct lkl_rx_frame *frame)
{
	struct net_device *dev = q->dev;
	struct sk_buff *skb;

	skb = frame->len > rx_linear_max || frame->flags & LKL_RX_FETCH ? rx_big(q, frame) : rx_small(q, frame);
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
	q->rx_sizes[size_class(skb->len)]++;
	dev_sw_netstats_rx_add(dev, skb->len);
	if (unlikely((dev->features & rx_offloads) != (dev->hw_features & rx_offloads)))
		rx_plain(q, skb);
	else
		rx_pass(q, skb);
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
	if (unlikely(READ_ONCE(q->wire->tend_wanted) & BIT_ULL(q->queue)))
		tend(q);
	while (done < budget) {
		n = q->ops->rx_burst(q->wire, q->queue, frames, min(budget - done, RX_BURST));
		if (!n)
			break;
		for (i = 0; i < n; i++)
			rx_frame(q, &frames[i]);
		q->ops->rx_release(q->wire, q->queue, n);
		done += n;
	}
	raw_cpu_add_8(lkl_net_rx_frames, done);
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
		netif_tx_stop_queue(netdev_get_tx_queue(dev, q->queue));
		return NETDEV_TX_BUSY;
	}
	if (unlikely(err))
		goto drop;
	q->tx_sizes[size_class(len)]++;
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
	struct wire_queue *q = &wd->queue[skb_get_queue_mapping(skb)];

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

static void queue_close(struct wire_queue *q)
{
	lkl_host->wire_watch(q->cpu, q->wire, q->queue, 0);
	timer_delete_sync(&q->tend_timer);
	smp_call_function_single(q->cpu, queue_unlink, q, true);
	napi_disable(&q->napi);
	skb_queue_purge(&q->remote);
	q->tx_stopped = false;
}

static int wire_stop(struct net_device *dev)
{
	struct wire_dev *wd = netdev_priv(dev);
	u32 i;

	netif_tx_stop_all_queues(dev);
	for (i = 0; i < wd->wire->queues; i++)
		queue_close(&wd->queue[i]);
	return 0;
}

static int wire_open(struct net_device *dev)
{
	struct wire_dev *wd = netdev_priv(dev);
	u32 i;
	int err;

	for (i = 0; i < wd->wire->queues; i++) {
		struct wire_queue *q = &wd->queue[i];

		err = lkl_host->wire_watch(q->cpu, q->wire, i, 1);
		if (err)
			goto err_close;
		napi_enable(&q->napi);
		/* The call wakes the vCPU, which from then on waits for this queue, too. */
		smp_call_function_single(q->cpu, queue_link, q, true);
		q->tend_timer.expires = jiffies + tend_jiffies;
		add_timer_on(&q->tend_timer, q->cpu);
	}
	netif_tx_start_all_queues(dev);
	return 0;

err_close:
	while (i--)
		queue_close(&wd->queue[i]);
	return err;
}

static void wire_set_rx_mode(struct net_device *dev)
{
	struct wire_dev *wd = netdev_priv(dev);
	u32 mode = 0;

	if (!wd->wire->ops->set_rx_mode)
		return;
	if (dev->flags & IFF_PROMISC)
		mode |= LKL_WIRE_RX_PROMISC;
	if (dev->flags & IFF_ALLMULTI || !netdev_mc_empty(dev))
		mode |= LKL_WIRE_RX_ALLMULTI;
	wd->wire->ops->set_rx_mode(wd->wire, mode);
}

static int wire_set_mac_address(struct net_device *dev, void *addr)
{
	struct wire_dev *wd = netdev_priv(dev);
	int err = eth_mac_addr(dev, addr);

	if (err)
		return err;
	memcpy(wd->wire->mac, dev->dev_addr, sizeof(wd->wire->mac));
	wire_set_rx_mode(dev);
	return 0;
}

static netdev_features_t wire_fix_features(struct net_device *dev, netdev_features_t features)
{
	/* Who wants no merged frames wants none of the peer's either. */
	if (!(features & NETIF_F_GRO))
		features &= ~NETIF_F_GRO_HW;
	return features;
}

static int wire_set_features(struct net_device *dev, netdev_features_t features)
{
	struct lkl_wire *wire = ((struct wire_dev *)netdev_priv(dev))->wire;
	u32 wanted = wire->features;

	if (!wire->ops->set_rx_offloads || !((features ^ dev->features) & rx_offloads))
		return 0;
	if (!(features & NETIF_F_RXCSUM))
		wanted &= ~(LKL_WIRE_F_RXCSUM | LKL_WIRE_F_RXGSO);
	if (!(features & NETIF_F_GRO_HW))
		wanted &= ~LKL_WIRE_F_RXGSO;
	return wire->ops->set_rx_offloads(wire, wanted & (LKL_WIRE_F_RXCSUM | LKL_WIRE_F_RXGSO));
}

static const struct net_device_ops wire_netdev_ops = {
	.ndo_open = wire_open,
	.ndo_stop = wire_stop,
	.ndo_start_xmit = wire_start_xmit,
	.ndo_set_rx_mode = wire_set_rx_mode,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_mac_address = wire_set_mac_address,
	.ndo_features_check = passthru_features_check,
	.ndo_fix_features = wire_fix_features,
	.ndo_set_features = wire_set_features,
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
	if (wire->features & LKL_WIRE_F_RXCSUM) {
		features |= NETIF_F_RXCSUM;
		if (wire->features & LKL_WIRE_F_RXGSO)
			features |= NETIF_F_GRO_HW;
	}
	return features;
}

static void queue_init(struct net_device *dev, u32 i)
{
	struct wire_dev *wd = netdev_priv(dev);
	struct wire_queue *q = &wd->queue[i];

	q->wire = wd->wire;
	q->ops = wd->wire->ops;
	q->dev = dev;
	q->queue = i;
	q->cpu = i % num_possible_cpus();
	skb_queue_head_init(&q->remote);
	timer_setup(&q->tend_timer, tend_timer, TIMER_PINNED);
	netif_napi_add(dev, &q->napi, queue_poll);
}

/* Frames leave on the queues of the sending vCPU. With fewer queues than vCPUs, some send on a queue of another. */
static int xps_init(struct net_device *dev, u32 count)
{
	struct wire_dev *wd = netdev_priv(dev);
	unsigned int cpus = num_possible_cpus(), cpu;
	cpumask_var_t mask;
	u32 i;
	int err = 0;

	if (count == 1)
		return 0;
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	for (i = 0; i < count && !err; i++) {
		cpumask_clear(mask);
		cpumask_set_cpu(wd->queue[i].cpu, mask);
		for (cpu = count + i; cpu < cpus; cpu += count)
			cpumask_set_cpu(cpu, mask);
		err = netif_set_xps_queue(dev, mask, i);
	}
	free_cpumask_var(mask);
	return err;
}

static int wire_attach(struct lkl_wire *wire)
{
	struct net_device *dev;
	struct wire_dev *wd;
	int err;
	u32 i;

	if (!wire || !wire->ops || !wire->stats || !wire->queues || wire->queues > LKL_WIRE_QUEUES_MAX)
		return -EINVAL;
	dev = alloc_netdev_mqs(struct_size(wd, queue, wire->queues), "wire%d", NET_NAME_ENUM, ether_setup, wire->queues,
			       wire->queues);
	if (!dev)
		return -ENOMEM;
	wd = netdev_priv(dev);
	wd->wire = wire;
	wd->link_down = wire->link_down;
	wd->mtu_max = wire->mtu_max;
	INIT_WORK(&wd->link_work, link_work);
	eth_hw_addr_set(dev, wire->mac);
	dev->mtu = wire->mtu;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = wire->mtu_max ?: ETH_MAX_MTU;
	dev->netdev_ops = &wire_netdev_ops;
	dev->ethtool_ops = &wire_ethtool_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->hw_features = wire_features(wire);
	dev->features = dev->hw_features;
	dev->vlan_features = dev->hw_features;
	for (i = 0; i < wire->queues; i++)
		queue_init(dev, i);
	if (wire->link_down)
		netif_carrier_off(dev);
	err = register_netdev(dev);
	if (err) {
		free_netdev(dev);
		return err;
	}
	err = xps_init(dev, wire->queues);
	if (err) {
		unregister_netdev(dev);
		free_netdev(dev);
		return err;
	}
	return dev->ifindex;
}

static int wire_detach(struct lkl_wire *wire)
{
	struct net_device *dev, *found = NULL;
	struct wire_dev *wd;
	u32 i;

	rtnl_lock();
	for_each_netdev(&init_net, dev)
		if (dev->netdev_ops == &wire_netdev_ops && ((struct wire_dev *)netdev_priv(dev))->wire == wire)
			found = dev;
	if (found)
		unregister_netdevice(found);
	rtnl_unlock();
	if (!found)
		return -ENODEV;
	wd = netdev_priv(found);
	cancel_work_sync(&wd->link_work);
	for (i = 0; i < wire->queues; i++) {
		netif_napi_del(&wd->queue[i].napi);
		if (wd->queue[i].frag.page)
			put_page(wd->queue[i].frag.page);
	}
	free_netdev(found);
	return 0;
}

/* Before boot there is no shadow to look at. */
__no_sanitize_address int lkl_kernel_wire_attach(struct lkl_wire *wire)
{
	struct lkl_thread *self;
	int ret = lkl_enter(&self);

	return ret ? ret : lkl_exit(self, wire_attach(wire));
}

__no_sanitize_address int lkl_kernel_wire_detach(struct lkl_wire *wire)
{
	struct lkl_thread *self;
	int ret = lkl_enter(&self);

	return ret ? ret : lkl_exit(self, wire_detach(wire));
}
