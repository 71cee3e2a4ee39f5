// SPDX-License-Identifier: GPL-2.0-only
/*
 * packet.c - the `packet` wire: AF_PACKET rings on a host interface (opening them: packet_open.c)
 *
 * Theory of operation
 *
 * Two sockets on one interface. The *ring socket* has a TPACKET_V2 receive ring and transmit ring
 * of 2 KiB slots in memory shared with the host kernel, so that small frames cost no system call
 * but one sendto() a batch. The *big socket* (protocol 0: receives nothing) sends what does not fit
 * a slot. PACKET_VNET_HDR puts a virtio_net_hdr before every frame, which lets 64 KiB TSO and GRO
 * frames pass whole and checksums stay unfilled; see packet_slot.h for the slot.
 *
 *	rx  slot USER			rx_burst() describes it, rx_release() gives it back
 *	    slot USER|COPY		it holds the first 1966 bytes; by PACKET_COPY_THRESH the
 *					kernel queued the whole frame on the socket: rx_fetch() =
 *					recvmsg() into the caller's pages
 *	    slot truncated, no COPY	that queue was full (SO_RCVBUF): dropped, rx_dropped_total
 *	tx  frame <= 2006 bytes		copied into a slot; kick() = one sendto() for all of them
 *	    else			ring flushed, to keep the order; then sendmsg() on the big
 *					socket with the caller's iovec
 *
 * The kernel queues the whole frame under the same lock that reserves the slot, so COPY slots and
 * the socket's queue have the same order and number: one recvmsg() for each COPY slot, always; a
 * slot released without rx_fetch() is discarded from the queue too.
 *
 * A transmit slot goes AVAILABLE -> (tx) SEND_REQUEST -> (kick) SENDING -> AVAILABLE, or
 * WRONG_FORMAT. The kernel walks the ring with its own head and never skips a slot, so `tx_head`,
 * our copy of it, must be right:
 *
 *	  tx_head       tx_tail
 *	     v             v		slots [tx_head, tx_tail) are SEND_REQUEST; before, the
 *	...  Q  Q  Q  Q  Q  .  .	kernel is done or has the frame in a device queue (SENDING)
 *
 * After a short or failed sendto() we walk tx_head forward. A refused slot (WRONG_FORMAT) is
 * removed by moving the frames behind it down one slot: rare, exact, and unlike PACKET_LOSS it can
 * be counted. If the interface is down or gone, all queued frames are taken back. If the device is
 * full (EAGAIN, ENOBUFS) they stay and the next kick or rx_burst() retries: back pressure instead
 * of loss, until nothing has moved for TX_STALL_MS; then they are dropped.
 *
 * hdr_len: the kernel makes the first hdr_len bytes of a ring frame linear and turns the rest into
 * a page fragment that holds the slot until the frame is freed. For slot-sized frames copying all
 * is cheaper (20-30 % of echo throughput), so tx() writes the frame's length there. In big frames
 * hdr_len stays what the driver gave.
 *
 * No PACKET_QDISC_BYPASS: with it small frames would overtake big ones that wait in the interface's
 * qdisc, and dev_direct_xmit() drops a frame that needs software segmentation (an interface without
 * TSO). It gained 2 % of an echo on veth (16 pairs of runs, within the noise).
 *
 * Several queues are members of one PACKET_FANOUT group; steer.h says which frame goes where. When each queue is an instance's
 * of its own, address resolution must reach all of them: two more sockets of each queue, outside the group, get ARP and IPv6's
 * messages in small rings, and a filter keeps those out of the group. A burst is from one ring; the small ones go first.
 *
 * Who uses a queue may die anywhere in here and a successor goes on (packet_take_over()). What a crash must not lose is the
 * kernel's position in each ring, so slots and indices are written in an order from which it can be told: a described slot is
 * marked in the slot before `next` counts it, a transmit slot is a request before `tx_tail` counts it, and `tx_tail` takes
 * slots back before they are free.
 *
 * Limits: frames of other VLANs are refused. AF_PACKET takes nothing away from the host stack, which sees every frame too:
 * own.h tells how to keep it quiet. Frames above 64 KiB (BIG TCP) are refused.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "packet.h"

/*
 * A transmit queue that has not moved for so long is dropped: the carrier is gone, and stale
 * segments are worth nothing.
 */
#define TX_STALL_MS 100
#define TX_STALL_STEP_MS 10
/* 64 KiB in 4 KiB pages at any offset, header apart, and room for odd splits. */
#define IOV_MAX_PIECES 64u

static struct packet_queue *queue_of(struct lkl_wire *w, uint32_t queue)
{
	return &to_packet(w)->queue[queue];
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- rx -------------------------------------------------------------------------------------- */

static void tx_flush(struct packet_queue *q, struct lkl_wire_stats *stats);

/*
 * Requests are left over that the host had no room for; a driver may have no further frame to kick
 * them with.
 */
static int tx_left_over(const struct packet_queue *q)
{
	return __builtin_expect(q->tx_refused_ms != 0, 0) && q->tx_head != q->tx_tail;
}

static int rx_has_frame(const struct packet_queue *q, const struct packet_rx *rx)
{
	return rx->next - rx->released <= rx->mask &&
	       (slot_status(rx_slot(q, rx, rx->next)) & (TP_STATUS_USER | SLOT_DESCRIBED)) == TP_STATUS_USER;
}

static int packet_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	const struct packet_queue *q = queue_of(w, queue);
	uint32_t i;

	if (__builtin_expect(to_packet(w)->is_held, 0))
		return tx_left_over(q);
	if (rx_has_frame(q, &q->rx[SOURCE_FRAMES]) || tx_left_over(q))
		return 1;
	for (i = 1; i < q->sources; i++)
		if (rx_has_frame(q, &q->rx[i]))
			return 1;
	return 0;
}

/* The ring that the next burst is from: the last one's while it has frames out, else the smallest that has a frame. */
static struct packet_rx *rx_choose(struct packet_queue *q)
{
	struct packet_rx *rx = &q->rx[q->rx_from];
	uint32_t i;

	if (__builtin_expect(q->sources == 1, 1) || rx->next != rx->released)
		return rx;
	for (i = q->sources - 1; i && !rx_has_frame(q, &q->rx[i]); i--)
		;
	q->rx_from = i;
	return &q->rx[i];
}

/*
 * One message from the socket's queue. A pending socket error (the interface went down) is reported
 * before queued frames and cleared by the report, hence the second try.
 */
static ssize_t queue_take(struct packet_rx *rx, struct msghdr *msg, struct lkl_wire_stats *stats)
{
	ssize_t n = recvmsg(rx->fd, msg, MSG_DONTWAIT);

	stats->calls_total++;
	if (n < 0 && errno != EAGAIN)
		n = recvmsg(rx->fd, msg, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* Drop the frame that belongs to the COPY slot `index`, the oldest one not fetched. */
static void queue_discard(struct packet_rx *rx, uint32_t index, struct lkl_wire_stats *stats)
{
	struct lkl_vnet_hdr vnet;
	struct iovec iov = { .iov_base = &vnet, .iov_len = sizeof(vnet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	queue_take(rx, &msg, stats);
	rx->fetched = index + 1;
}

/* A slot that holds no frame for us: only when no described one is before it, because slots go back in order. */
static void rx_refuse(struct packet_queue *q, struct packet_rx *rx, uint32_t status, enum packet_verdict verdict,
		      struct lkl_wire_stats *stats)
{
	uint8_t *slot = rx_slot(q, rx, rx->next);

	if (status & TP_STATUS_COPY)
		queue_discard(rx, rx->next, stats);
	if (verdict == PACKET_LOST)
		stats->rx_dropped_total++;
	else if (verdict == PACKET_FOREIGN)
		stats->rx_foreign_total++;
	else
		stats->rx_malformed_total++;
	slot_give(slot, status | SLOT_DESCRIBED);
	rx->fetched = ++rx->next;
	barrier();
	slot_give(slot, TP_STATUS_KERNEL);
	rx->released = rx->next;
}

static int packet_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames,
			   uint32_t max)
{
	struct packet_queue *q = queue_of(w, queue);
	struct lkl_wire_stats *stats = &w->stats[queue];
	struct packet_rx *rx;
	uint64_t bytes = 0;
	uint32_t n = 0;

	if (tx_left_over(q))
		tx_flush(q, stats);
	if (__builtin_expect(to_packet(w)->is_held, 0))
		return 0;
	rx = rx_choose(q);
	while (n < max && rx->next - rx->released <= rx->mask) {
		uint8_t *slot = rx_slot(q, rx, rx->next);
		const uint32_t status = slot_status(slot);
		enum packet_verdict verdict;

		if ((status & (TP_STATUS_USER | SLOT_DESCRIBED)) != TP_STATUS_USER)
			break;
		__builtin_prefetch(rx_slot(q, rx, rx->next + 1));
		verdict = packet_slot_judge(slot, q->slot_bytes, status, &frames[n]);
		if (__builtin_expect(verdict >= PACKET_LOST, 0)) {
			/* Otherwise the burst after the release deals with it. */
			if (rx->next != rx->released)
				break;
			rx_refuse(q, rx, status, verdict, stats);
			continue;
		}
		slot_give(slot, status | SLOT_DESCRIBED);
		bytes += frames[n++].len;
		rx->next++;
		barrier();
	}
	stats->rx_frames_total += n;
	stats->rx_bytes_total += bytes;
	return (int)n;
}

/*
 * The oldest described COPY slot not fetched yet, or next. Moves `fetched` over slots that need
 * no fetch.
 */
static uint32_t next_copy(const struct packet_queue *q, struct packet_rx *rx)
{
	while (rx->fetched != rx->next && !(slot_status(rx_slot(q, rx, rx->fetched)) & TP_STATUS_COPY))
		rx->fetched++;
	return rx->fetched;
}

static int packet_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov,
			   uint32_t iov_len, struct lkl_vnet_hdr *vnet)
{
	struct packet_queue *q = queue_of(w, queue);
	struct packet_rx *rx = &q->rx[q->rx_from];
	struct lkl_wire_stats *stats = &w->stats[queue];
	const uint32_t index = next_copy(q, rx);
	struct iovec pieces[IOV_MAX_PIECES + 1];
	struct msghdr msg = { .msg_iov = pieces };
	uint32_t len, i;
	ssize_t n;

	if (index == rx->next)
		return -ENOENT;
	if (iov_len > IOV_MAX_PIECES)
		return -EINVAL;
	len = ((const struct tpacket2_hdr *)rx_slot(q, rx, index))->tp_len;

	pieces[0].iov_base = vnet;
	pieces[0].iov_len = sizeof(*vnet);
	for (i = 0; i < iov_len; i++) {
		pieces[i + 1].iov_base = iov[i].base;
		pieces[i + 1].iov_len = iov[i].len;
	}
	msg.msg_iovlen = iov_len + 1;
	n = queue_take(rx, &msg, stats);
	rx->fetched = index + 1;
	stats->rx_fetched_total++;
	if (n < 0) {
		stats->rx_dropped_total++;
		return (int)n;
	}
	if (msg.msg_flags & MSG_TRUNC) {
		stats->rx_dropped_total++;
		return -EMSGSIZE;
	}
	vnet->flags &= LKL_VNET_F_NEEDS_CSUM | LKL_VNET_F_DATA_VALID;
	if ((size_t)n != sizeof(*vnet) + len || !packet_vnet_ok(vnet, len)) {
		stats->rx_malformed_total++;
		return -EPROTO;
	}
	return (int)len;
}

static void packet_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	struct packet_queue *q = queue_of(w, queue);
	struct packet_rx *rx = &q->rx[q->rx_from];

	for (; n && rx->released != rx->next; n--) {
		uint8_t *slot = rx_slot(q, rx, rx->released);

		if (rx->fetched == rx->released) {
			if (__builtin_expect(slot_status(slot) & TP_STATUS_COPY, 0)) {
				queue_discard(rx, rx->released, &w->stats[queue]);
				w->stats[queue].rx_dropped_total++;
			} else {
				rx->fetched++;
			}
		}
		slot_give(slot, TP_STATUS_KERNEL);
		rx->released++;
	}
}

/* ---- tx -------------------------------------------------------------------------------------- */

static uint32_t tx_frame_len(const void *slot)
{
	return ((const struct tpacket2_hdr *)slot)->tp_len - (uint32_t)sizeof(struct lkl_vnet_hdr);
}

/*
 * Take queued frames back: they will not be sent. The slots from tx_head on are free again, for us
 * and the kernel.
 */
static void tx_drop_queued(struct packet_queue *q, uint64_t *counter)
{
	*counter += q->tx_tail - q->tx_head;
	while (q->tx_tail != q->tx_head) {
		q->tx_tail--;
		barrier();
		slot_give(tx_slot(q, q->tx_tail), TP_STATUS_AVAILABLE);
	}
	q->tx_queued_bytes = 0;
	q->tx_refused_ms = 0;
}

/*
 * Drop the refused frame at tx_head. The kernel will look for a request in this very slot: move the
 * others down.
 */
static void tx_drop_head(struct packet_queue *q, struct lkl_wire_stats *stats)
{
	uint32_t i;

	q->tx_queued_bytes -= tx_frame_len(tx_slot(q, q->tx_head));
	stats->tx_errors_total++;
	for (i = q->tx_head; i + 1 != q->tx_tail; i++) {
		struct tpacket2_hdr *to = (void *)tx_slot(q, i);
		const struct tpacket2_hdr *from = (void *)tx_slot(q, i + 1);

		to->tp_len = from->tp_len;
		memcpy((uint8_t *)to + PACKET_TX_VNET_OFF,
		       (const uint8_t *)from + PACKET_TX_VNET_OFF, from->tp_len);
		slot_give(to, TP_STATUS_SEND_REQUEST);
	}
	q->tx_tail = i;
	barrier();
	slot_give(tx_slot(q, i), TP_STATUS_AVAILABLE);
}

/*
 * The host has no room. 1 when that has gone on for too long. The gap between two attempts counts
 * as TX_STALL_STEP_MS at most, so that a process or machine that was stopped for a while does not
 * take that for a stalled device.
 */
static int tx_stalled(struct packet_queue *q)
{
	const int64_t now = now_ms();
	int64_t gap;

	if (!q->tx_refused_ms) {
		q->tx_refused_ms = now;
		q->tx_stalled_ms = 0;
		return 0;
	}
	gap = now - q->tx_refused_ms;
	q->tx_stalled_ms += gap < TX_STALL_STEP_MS ? gap : TX_STALL_STEP_MS;
	q->tx_refused_ms = now;
	return q->tx_stalled_ms > TX_STALL_MS;
}

static int is_full_errno(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM || err == EINTR;
}

static int is_down_errno(int err)
{
	return err == ENETDOWN || err == ENXIO || err == ENODEV;
}

/*
 * After a sendto() that did not take everything: see how far the kernel came and what to do with
 * the rest. 1: go on.
 */
static int tx_settle(struct packet_queue *q, int err, struct lkl_wire_stats *stats)
{
	const uint32_t old_head = q->tx_head;

	while (q->tx_head != q->tx_tail &&
	       tx_status(tx_slot(q, q->tx_head)) != TP_STATUS_SEND_REQUEST) {
		if (tx_status(tx_slot(q, q->tx_head)) == TP_STATUS_WRONG_FORMAT) {
			tx_drop_head(q, stats);
			q->tx_refused_ms = 0;
			return 1;
		}
		q->tx_queued_bytes -= tx_frame_len(tx_slot(q, q->tx_head));
		q->tx_head++;
	}
	if (q->tx_head != old_head)
		q->tx_refused_ms = 0;
	if (q->tx_head == q->tx_tail)
		return 0;
	if (err && !is_full_errno(err))
		tx_drop_queued(q, is_down_errno(err) ? &stats->tx_down_total : &stats->tx_errors_total);
	else if (tx_stalled(q))
		tx_drop_queued(q, &stats->tx_stalled_total);
	return 0;
}

/*
 * Hand the queued slots to the kernel. Loops only when it refuses a frame, and each turn is then
 * one frame shorter.
 */
static void tx_flush(struct packet_queue *q, struct lkl_wire_stats *stats)
{
	int again = 1;

	while (again && q->tx_head != q->tx_tail) {
		const ssize_t n = sendto(q->rx[SOURCE_FRAMES].fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);

		stats->kicks_total++;
		stats->calls_total++;
		if (__builtin_expect(n == (ssize_t)q->tx_queued_bytes, 1)) {
			q->tx_head = q->tx_tail;
			q->tx_queued_bytes = 0;
			q->tx_refused_ms = 0;
			return;
		}
		again = tx_settle(q, n < 0 ? errno : 0, stats);
	}
}

/* 0 when the pieces add up to exactly `len` bytes. */
static int iov_gather(uint8_t *to, const struct lkl_iov *iov, uint32_t iov_len, uint64_t len)
{
	uint32_t i;

	for (i = 0; i < iov_len; i++) {
		if (iov[i].len > len)
			return -EINVAL;
		memcpy(to, iov[i].base, iov[i].len);
		to += iov[i].len;
		len -= iov[i].len;
	}
	return len ? -EINVAL : 0;
}

static int tx_full(struct lkl_wire_stats *stats)
{
	stats->tx_full_total++;
	return -EAGAIN;
}

static int tx_big(struct packet_queue *q, struct lkl_wire_stats *stats, const struct lkl_vnet_hdr *vnet,
		  const struct lkl_iov *iov, uint32_t iov_len, uint32_t len)
{
	struct iovec pieces[IOV_MAX_PIECES + 1];
	struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = iov_len + 1 };
	uint32_t i;

	tx_flush(q, stats);
	if (q->tx_head != q->tx_tail)
		return tx_full(stats);

	pieces[0].iov_base = (void *)vnet;
	pieces[0].iov_len = sizeof(*vnet);
	for (i = 0; i < iov_len; i++) {
		pieces[i + 1].iov_base = iov[i].base;
		pieces[i + 1].iov_len = iov[i].len;
	}
	stats->calls_total++;
	if (sendmsg(q->big_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		int err = errno;

		if (is_full_errno(err)) {
			if (!tx_stalled(q))
				return tx_full(stats);
			q->tx_refused_ms = 0;
			stats->tx_stalled_total++;
			return -ENOBUFS;
		}
		q->tx_refused_ms = 0;
		if (is_down_errno(err))
			stats->tx_down_total++;
		else
			stats->tx_errors_total++;
		return -err;
	}
	q->tx_refused_ms = 0;
	stats->tx_frames_total++;
	stats->tx_bytes_total += len;
	stats->tx_big_total++;
	return 0;
}

/*
 * What the kernel would refuse, and what it takes in silence and should not: segmentation without a
 * checksum to fill in, a frame over the MTU without segmentation (no check in the ring with
 * vnet_hdr), UDP fragmentation.
 */
static int tx_check(const struct lkl_wire *w, const struct lkl_vnet_hdr *vnet, uint32_t iov_len,
		    uint32_t len)
{
	if (len < ETH_HLEN || len > PACKET_FRAME_MAX || iov_len > IOV_MAX_PIECES ||
	    !packet_vnet_ok(vnet, len))
		return -EINVAL;
	if (vnet->gso_type == LKL_VNET_GSO_NONE)
		return len > w->mtu_max + ETH_HLEN + 4u ? -EMSGSIZE : 0;
	if (vnet->gso_type == LKL_VNET_GSO_UDP || !(vnet->flags & LKL_VNET_F_NEEDS_CSUM))
		return -EINVAL;
	return 0;
}

static int packet_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet,
		     const struct lkl_iov *iov, uint32_t iov_len, uint32_t len)
{
	struct packet_queue *q = queue_of(w, queue);
	struct lkl_wire_stats *stats = &w->stats[queue];
	struct lkl_vnet_hdr *slot_vnet;
	struct tpacket2_hdr *slot;
	const int err = tx_check(w, vnet, iov_len, len);

	if (__builtin_expect(err, 0)) {
		stats->tx_errors_total++;
		return err;
	}
	if (len > q->slot_bytes - PACKET_TX_FRAME_OFF)
		return tx_big(q, stats, vnet, iov, iov_len, len);

	slot = (void *)tx_slot(q, q->tx_tail);
	if (__builtin_expect(tx_status(slot) != TP_STATUS_AVAILABLE, 0)) {
		/*
		 * Full of requests: make room now. Full of frames that the device holds: wait for
		 * it.
		 */
		tx_flush(q, stats);
		slot = (void *)tx_slot(q, q->tx_tail);
		if (tx_status(slot) != TP_STATUS_AVAILABLE)
			return tx_full(stats);
	}
	slot_vnet = (void *)((uint8_t *)slot + PACKET_TX_VNET_OFF);
	*slot_vnet = *vnet;
	if (len <= PACKET_TX_SLOT_MAX)
		slot_vnet->hdr_len = (uint16_t)len;
	if (__builtin_expect(iov_gather((uint8_t *)slot + PACKET_TX_FRAME_OFF, iov, iov_len, len),
			     0)) {
		stats->tx_errors_total++;
		return -EINVAL;
	}
	slot->tp_len = len + (uint32_t)sizeof(*vnet);
	q->tx_queued_bytes += len;
	slot_give(slot, TP_STATUS_SEND_REQUEST);
	q->tx_tail++;
	stats->tx_frames_total++;
	stats->tx_bytes_total += len;
	return 0;
}

static int packet_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct packet_queue *q = queue_of(w, queue);
	struct lkl_wire_stats *stats = &w->stats[queue];

	/*
	 * Requests that the device had no room for go first: nobody else may kick while the
	 * driver's queue is stopped.
	 */
	if (q->tx_refused_ms || tx_status(tx_slot(q, q->tx_tail)) != TP_STATUS_AVAILABLE)
		tx_flush(q, stats);
	return q->tx_head == q->tx_tail || tx_status(tx_slot(q, q->tx_tail)) == TP_STATUS_AVAILABLE;
}

static void packet_kick(struct lkl_wire *w, uint32_t queue)
{
	struct packet_queue *q = queue_of(w, queue);

	if (q->tx_head != q->tx_tail)
		tx_flush(q, &w->stats[queue]);
}

/* ---- waiting -------------------------------------------------------------------------------- */

static int packet_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return queue_of(w, queue)->rx[SOURCE_FRAMES].fd;
}

static uint32_t packet_more_fds(struct lkl_wire *w, uint32_t queue, int *fds, uint32_t max)
{
	const struct packet_queue *q = queue_of(w, queue);
	uint32_t i;

	for (i = 1; i < q->sources && i <= max; i++)
		fds[i - 1] = q->rx[i].fd;
	return i - 1;
}

const struct lkl_wire_ops packet_ops = {
	.name = "packet",
	.rx_ready = packet_rx_ready,
	.rx_burst = packet_rx_burst,
	.rx_fetch = packet_rx_fetch,
	.rx_release = packet_rx_release,
	.tx = packet_tx,
	.tx_ready = packet_tx_ready,
	.kick = packet_kick,
	.wait_fd = packet_wait_fd,
	.more_fds = packet_more_fds,
	.tend = packet_tend,
	.set_rx_mode = packet_set_rx_mode,
	.close = packet_close,
};
