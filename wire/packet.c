// SPDX-License-Identifier: GPL-2.0-only
/*
 * packet.c - the `packet` wire: AF_PACKET rings on a host interface
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
 * Limits: one queue (fanout comes later). Frames of other VLANs are refused. AF_PACKET takes
 * nothing away from the host stack, which sees every frame too: own.h tells how to keep it quiet.
 * Frames above 64 KiB (BIG TCP) are refused.
 */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/filter.h>

#include "packet_slot.h"
#include "wire.h"

#define RX_RING_FRAMES 1024u
#define TX_RING_FRAMES 512u
#define RX_BIG_BYTES (8u << 20)
/*
 * Room for a full transmit ring of skbs (at most 4 KiB each) in the device, and for 64 big frames.
 */
#define TX_SOCKET_BYTES (4u << 20)
/* The unit that the kernel allocates ring memory in: 32 slots. */
#define RING_BLOCK_BYTES (64u << 10)
/*
 * A transmit queue that has not moved for so long is dropped: the carrier is gone, and stale
 * segments are worth nothing.
 */
#define TX_STALL_MS 100
#define TX_STALL_STEP_MS 10
/* 64 KiB in 4 KiB pages at any offset, header apart, and room for odd splits. */
#define IOV_MAX_PIECES 64u

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

struct packet_wire {
	struct lkl_wire wire; /* first: callers hold a pointer to it */
	struct lkl_wire_stats stats;

	/*
	 * rx: indices run freely; & rx_mask gives the slot. rx_released <= rx_fetched <= rx_next.
	 */
	uint8_t *rx_ring;
	uint32_t rx_mask;
	uint32_t rx_next; /* next slot to describe */
	uint32_t rx_fetched; /* COPY slots before it are taken from the socket's queue */
	uint32_t rx_released; /* oldest slot not given back */

	/* tx */
	uint8_t *tx_ring;
	uint32_t tx_mask;
	uint32_t tx_head; /* oldest SEND_REQUEST slot, the kernel's position */
	uint32_t tx_tail; /* next slot to fill */
	uint32_t tx_queued_bytes; /* frame bytes in [tx_head, tx_tail) */
	int64_t tx_refused_ms; /* time of the last attempt, if the host had no room; else 0 */
	int64_t tx_stalled_ms; /* for how long it has had none */

	int ring_fd;
	int big_fd;
	void *map;
	size_t map_len;
};

static struct packet_wire *to_packet(struct lkl_wire *w)
{
	return (struct packet_wire *)w;
}

static uint8_t *rx_slot(const struct packet_wire *p, uint32_t index)
{
	return p->rx_ring + (size_t)(index & p->rx_mask) * PACKET_SLOT_BYTES;
}

static uint8_t *tx_slot(const struct packet_wire *p, uint32_t index)
{
	return p->tx_ring + (size_t)(index & p->tx_mask) * PACKET_SLOT_BYTES;
}

/* Acquire: what the kernel wrote to the slot before its status is seen after. */
static uint32_t slot_status(const void *slot)
{
	return __atomic_load_n(&((const struct tpacket2_hdr *)slot)->tp_status, __ATOMIC_ACQUIRE);
}

/* Release: our reads and writes of the slot are over before the kernel may use it. */
static void slot_give(void *slot, uint32_t status)
{
	__atomic_store_n(&((struct tpacket2_hdr *)slot)->tp_status, status, __ATOMIC_RELEASE);
}

/* Transmit timestamps may be or-ed in; they say nothing about who owns the slot. */
static uint32_t tx_status(const void *slot)
{
	return slot_status(slot) &
	       (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING | TP_STATUS_WRONG_FORMAT);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- rx -------------------------------------------------------------------------------------- */

static void tx_flush(struct packet_wire *p);

/*
 * Requests are left over that the host had no room for; a driver may have no further frame to kick
 * them with.
 */
static int tx_left_over(const struct packet_wire *p)
{
	return __builtin_expect(p->tx_refused_ms != 0, 0) && p->tx_head != p->tx_tail;
}

static int packet_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);

	if (tx_left_over(p))
		return 1;
	return p->rx_next - p->rx_released <= p->rx_mask &&
	       (slot_status(rx_slot(p, p->rx_next)) & TP_STATUS_USER);
}

/*
 * One message from the socket's queue. A pending socket error (the interface went down) is reported
 * before queued frames and cleared by the report, hence the second try.
 */
static ssize_t queue_take(struct packet_wire *p, struct msghdr *msg)
{
	ssize_t n = recvmsg(p->ring_fd, msg, MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		n = recvmsg(p->ring_fd, msg, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* Drop the frame that belongs to the COPY slot `index`, the oldest one not fetched. */
static void queue_discard(struct packet_wire *p, uint32_t index)
{
	struct lkl_vnet_hdr vnet;
	struct iovec iov = { .iov_base = &vnet, .iov_len = sizeof(vnet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	queue_take(p, &msg);
	p->rx_fetched = index + 1;
}

static int packet_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames,
			   uint32_t max)
{
	struct packet_wire *p = to_packet(w);
	struct lkl_wire_stats *stats = &w->stats[0];
	uint64_t bytes = 0;
	uint32_t n = 0;

	if (tx_left_over(p))
		tx_flush(p);
	while (n < max && p->rx_next - p->rx_released <= p->rx_mask) {
		uint8_t *slot = rx_slot(p, p->rx_next);
		const uint32_t status = slot_status(slot);
		enum packet_verdict verdict;

		if (!(status & TP_STATUS_USER))
			break;
		__builtin_prefetch(rx_slot(p, p->rx_next + 1));
		verdict = packet_slot_judge(slot, status, &frames[n]);
		if (__builtin_expect(verdict >= PACKET_LOST, 0)) {
			/*
			 * Slots go back in order, so a bad one can go only when no described one is
			 * before it. Otherwise stop here; the burst after the release deals with
			 * it.
			 */
			if (p->rx_next != p->rx_released)
				break;
			if (status & TP_STATUS_COPY)
				queue_discard(p, p->rx_next);
			if (verdict == PACKET_LOST)
				stats->rx_dropped_total++;
			else
				stats->rx_malformed_total++;
			slot_give(slot, TP_STATUS_KERNEL);
			p->rx_fetched = p->rx_released = ++p->rx_next;
			continue;
		}
		bytes += frames[n++].len;
		p->rx_next++;
	}
	stats->rx_frames_total += n;
	stats->rx_bytes_total += bytes;
	return (int)n;
}

/*
 * The oldest described COPY slot not fetched yet, or rx_next. Moves rx_fetched over slots that need
 * no fetch.
 */
static uint32_t next_copy(struct packet_wire *p, uint32_t end)
{
	while (p->rx_fetched != end && !(slot_status(rx_slot(p, p->rx_fetched)) & TP_STATUS_COPY))
		p->rx_fetched++;
	return p->rx_fetched;
}

static int packet_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov,
			   uint32_t iov_len, struct lkl_vnet_hdr *vnet)
{
	struct packet_wire *p = to_packet(w);
	struct lkl_wire_stats *stats = &w->stats[0];
	const uint32_t index = next_copy(p, p->rx_next);
	struct iovec pieces[IOV_MAX_PIECES + 1];
	struct msghdr msg = { .msg_iov = pieces };
	uint32_t len, i;
	ssize_t n;

	if (index == p->rx_next)
		return -ENOENT;
	if (iov_len > IOV_MAX_PIECES)
		return -EINVAL;
	len = ((const struct tpacket2_hdr *)rx_slot(p, index))->tp_len;

	pieces[0].iov_base = vnet;
	pieces[0].iov_len = sizeof(*vnet);
	for (i = 0; i < iov_len; i++) {
		pieces[i + 1].iov_base = iov[i].base;
		pieces[i + 1].iov_len = iov[i].len;
	}
	msg.msg_iovlen = iov_len + 1;
	n = queue_take(p, &msg);
	p->rx_fetched = index + 1;
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
	struct packet_wire *p = to_packet(w);

	for (; n && p->rx_released != p->rx_next; n--) {
		uint8_t *slot = rx_slot(p, p->rx_released);

		if (p->rx_fetched == p->rx_released) {
			if (__builtin_expect(slot_status(slot) & TP_STATUS_COPY, 0)) {
				queue_discard(p, p->rx_released);
				w->stats[0].rx_dropped_total++;
			} else {
				p->rx_fetched++;
			}
		}
		slot_give(slot, TP_STATUS_KERNEL);
		p->rx_released++;
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
static void tx_drop_queued(struct packet_wire *p)
{
	uint32_t i;

	for (i = p->tx_head; i != p->tx_tail; i++)
		slot_give(tx_slot(p, i), TP_STATUS_AVAILABLE);
	p->wire.stats[0].tx_errors_total += p->tx_tail - p->tx_head;
	p->tx_tail = p->tx_head;
	p->tx_queued_bytes = 0;
	p->tx_refused_ms = 0;
}

/*
 * Drop the refused frame at tx_head. The kernel will look for a request in this very slot: move the
 * others down.
 */
static void tx_drop_head(struct packet_wire *p)
{
	uint32_t i;

	p->tx_queued_bytes -= tx_frame_len(tx_slot(p, p->tx_head));
	p->wire.stats[0].tx_errors_total++;
	for (i = p->tx_head; i + 1 != p->tx_tail; i++) {
		struct tpacket2_hdr *to = (void *)tx_slot(p, i);
		const struct tpacket2_hdr *from = (void *)tx_slot(p, i + 1);

		to->tp_len = from->tp_len;
		memcpy((uint8_t *)to + PACKET_TX_VNET_OFF,
		       (const uint8_t *)from + PACKET_TX_VNET_OFF, from->tp_len);
		slot_give(to, TP_STATUS_SEND_REQUEST);
	}
	slot_give(tx_slot(p, i), TP_STATUS_AVAILABLE);
	p->tx_tail = i;
}

/*
 * The host has no room. 1 when that has gone on for too long. The gap between two attempts counts
 * as TX_STALL_STEP_MS at most, so that a process or machine that was stopped for a while does not
 * take that for a stalled device.
 */
static int tx_stalled(struct packet_wire *p)
{
	const int64_t now = now_ms();
	int64_t gap;

	if (!p->tx_refused_ms) {
		p->tx_refused_ms = now;
		p->tx_stalled_ms = 0;
		return 0;
	}
	gap = now - p->tx_refused_ms;
	p->tx_stalled_ms += gap < TX_STALL_STEP_MS ? gap : TX_STALL_STEP_MS;
	p->tx_refused_ms = now;
	return p->tx_stalled_ms > TX_STALL_MS;
}

static int is_full_errno(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM || err == EINTR;
}

/*
 * After a sendto() that did not take everything: see how far the kernel came and what to do with
 * the rest. 1: go on.
 */
static int tx_settle(struct packet_wire *p, int err)
{
	const uint32_t old_head = p->tx_head;

	while (p->tx_head != p->tx_tail &&
	       tx_status(tx_slot(p, p->tx_head)) != TP_STATUS_SEND_REQUEST) {
		if (tx_status(tx_slot(p, p->tx_head)) == TP_STATUS_WRONG_FORMAT) {
			tx_drop_head(p);
			p->tx_refused_ms = 0;
			return 1;
		}
		p->tx_queued_bytes -= tx_frame_len(tx_slot(p, p->tx_head));
		p->tx_head++;
	}
	if (p->tx_head != old_head)
		p->tx_refused_ms = 0;
	if (p->tx_head == p->tx_tail)
		return 0;
	if (err && !is_full_errno(err))
		tx_drop_queued(p);
	else if (tx_stalled(p))
		tx_drop_queued(p);
	return 0;
}

/*
 * Hand the queued slots to the kernel. Loops only when it refuses a frame, and each turn is then
 * one frame shorter.
 */
static void tx_flush(struct packet_wire *p)
{
	int again = 1;

	while (again && p->tx_head != p->tx_tail) {
		const ssize_t n = sendto(p->ring_fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);

		p->wire.stats[0].kicks_total++;
		if (__builtin_expect(n == (ssize_t)p->tx_queued_bytes, 1)) {
			p->tx_head = p->tx_tail;
			p->tx_queued_bytes = 0;
			p->tx_refused_ms = 0;
			return;
		}
		again = tx_settle(p, n < 0 ? errno : 0);
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

static int tx_full(struct packet_wire *p)
{
	p->wire.stats[0].tx_full_total++;
	return -EAGAIN;
}

static int tx_big(struct packet_wire *p, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		  uint32_t iov_len, uint32_t len)
{
	struct lkl_wire_stats *stats = &p->wire.stats[0];
	struct iovec pieces[IOV_MAX_PIECES + 1];
	struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = iov_len + 1 };
	uint32_t i;

	tx_flush(p);
	if (p->tx_head != p->tx_tail)
		return tx_full(p);

	pieces[0].iov_base = (void *)vnet;
	pieces[0].iov_len = sizeof(*vnet);
	for (i = 0; i < iov_len; i++) {
		pieces[i + 1].iov_base = iov[i].base;
		pieces[i + 1].iov_len = iov[i].len;
	}
	if (sendmsg(p->big_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		int err = errno;

		if (is_full_errno(err)) {
			if (!tx_stalled(p))
				return tx_full(p);
			err = ENOBUFS;
		}
		p->tx_refused_ms = 0;
		stats->tx_errors_total++;
		return -err;
	}
	p->tx_refused_ms = 0;
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
static int tx_check(const struct packet_wire *p, const struct lkl_vnet_hdr *vnet, uint32_t iov_len,
		    uint32_t len)
{
	if (len < ETH_HLEN || len > PACKET_FRAME_MAX || iov_len > IOV_MAX_PIECES ||
	    !packet_vnet_ok(vnet, len))
		return -EINVAL;
	if (vnet->gso_type == LKL_VNET_GSO_NONE)
		return len > p->wire.mtu + ETH_HLEN + 4u ? -EMSGSIZE : 0;
	if (vnet->gso_type == LKL_VNET_GSO_UDP || !(vnet->flags & LKL_VNET_F_NEEDS_CSUM))
		return -EINVAL;
	return 0;
}

static int packet_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet,
		     const struct lkl_iov *iov, uint32_t iov_len, uint32_t len)
{
	struct packet_wire *p = to_packet(w);
	struct lkl_wire_stats *stats = &w->stats[0];
	struct lkl_vnet_hdr *slot_vnet;
	struct tpacket2_hdr *slot;
	const int err = tx_check(p, vnet, iov_len, len);

	if (__builtin_expect(err, 0)) {
		stats->tx_errors_total++;
		return err;
	}
	if (len > PACKET_TX_SLOT_MAX)
		return tx_big(p, vnet, iov, iov_len, len);

	slot = (void *)tx_slot(p, p->tx_tail);
	if (__builtin_expect(tx_status(slot) != TP_STATUS_AVAILABLE, 0)) {
		/*
		 * Full of requests: make room now. Full of frames that the device holds: wait for
		 * it.
		 */
		tx_flush(p);
		slot = (void *)tx_slot(p, p->tx_tail);
		if (tx_status(slot) != TP_STATUS_AVAILABLE)
			return tx_full(p);
	}
	slot_vnet = (void *)((uint8_t *)slot + PACKET_TX_VNET_OFF);
	*slot_vnet = *vnet;
	slot_vnet->hdr_len = (uint16_t)len;
	if (__builtin_expect(iov_gather((uint8_t *)slot + PACKET_TX_FRAME_OFF, iov, iov_len, len),
			     0)) {
		stats->tx_errors_total++;
		return -EINVAL;
	}
	slot->tp_len = len + (uint32_t)sizeof(*vnet);
	slot_give(slot, TP_STATUS_SEND_REQUEST);
	p->tx_tail++;
	p->tx_queued_bytes += len;
	stats->tx_frames_total++;
	stats->tx_bytes_total += len;
	return 0;
}

static int packet_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);

	/*
	 * Requests that the device had no room for go first: nobody else may kick while the
	 * driver's queue is stopped.
	 */
	if (p->tx_refused_ms || tx_status(tx_slot(p, p->tx_tail)) != TP_STATUS_AVAILABLE)
		tx_flush(p);
	return p->tx_head == p->tx_tail || tx_status(tx_slot(p, p->tx_tail)) == TP_STATUS_AVAILABLE;
}

static void packet_kick(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);

	if (p->tx_head != p->tx_tail)
		tx_flush(p);
}

/* ---- upkeep, open, close --------------------------------------------------------------------- */

static int packet_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return to_packet(w)->ring_fd;
}

/*
 * Both calls clear what they read: the kernel's drop counter, and an error that would keep poll()
 * awake for ever.
 */
static void packet_tend(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);
	struct tpacket_stats st;
	socklen_t len = sizeof(st);
	int err;

	if (!getsockopt(p->ring_fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
		w->stats[0].rx_dropped_total += st.tp_drops;
	len = sizeof(err);
	getsockopt(p->ring_fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

static void packet_close(struct lkl_wire *w)
{
	struct packet_wire *p = to_packet(w);

	if (p->map != MAP_FAILED)
		munmap(p->map, p->map_len);
	if (p->big_fd >= 0)
		close(p->big_fd);
	if (p->ring_fd >= 0)
		close(p->ring_fd);
	free(p);
}

static const struct lkl_wire_ops packet_ops = {
	.name = "packet",
	.rx_ready = packet_rx_ready,
	.rx_burst = packet_rx_burst,
	.rx_fetch = packet_rx_fetch,
	.rx_release = packet_rx_release,
	.tx = packet_tx,
	.tx_ready = packet_tx_ready,
	.kick = packet_kick,
	.wait_fd = packet_wait_fd,
	.tend = packet_tend,
	.close = packet_close,
};

__attribute__((format(printf, 3, 4)))
static void say(char *err, size_t err_len, const char *format, ...)
{
	va_list args;

	if (!err || !err_len)
		return;
	va_start(args, format);
	vsnprintf(err, err_len, format, args);
	va_end(args);
}

/* The socket options of both sockets, as a table; `ring` and `big` say where they go. */
struct packet_option {
	int level, name, value;
	const char *text;
	int ring, big;
};

static int set_options(struct packet_wire *p, const struct packet_option *opts, size_t opts_len,
		       const char *ifname, char *err, size_t err_len)
{
	size_t i;

	for (i = 0; i < opts_len; i++) {
		const struct packet_option *o = &opts[i];
		int rc = 0;

		if (o->ring)
			rc = setsockopt(p->ring_fd, o->level, o->name, &o->value, sizeof(o->value));
		if (!rc && o->big)
			rc = setsockopt(p->big_fd, o->level, o->name, &o->value, sizeof(o->value));
		if (rc) {
			rc = -errno;
			say(err, err_len, "%s: setsockopt(%s, %d): %s", ifname, o->text, o->value,
			    strerror(errno));
			return rc;
		}
	}
	return 0;
}

/*
 * Without CAP_NET_ADMIN the FORCE variants are refused; what the sysctl limits allow is better than
 * not to open.
 */
static void set_buffer(int fd, int force, int plain, uint32_t bytes)
{
	const int value = (int)bytes;

	if (setsockopt(fd, SOL_SOCKET, force, &value, sizeof(value)))
		setsockopt(fd, SOL_SOCKET, plain, &value, sizeof(value));
}

static int read_interface(struct packet_wire *p, const char *ifname, int *ifindex, char *err,
			  size_t err_len)
{
	struct ifreq ifr = { 0 };
	int rc;

	if (strlen(ifname) >= sizeof(ifr.ifr_name)) {
		say(err, err_len, "%s: interface name too long", ifname);
		return -EINVAL;
	}
	strcpy(ifr.ifr_name, ifname);
	if (ioctl(p->ring_fd, SIOCGIFINDEX, &ifr))
		goto err_ioctl;
	*ifindex = ifr.ifr_ifindex;
	if (ioctl(p->ring_fd, SIOCGIFMTU, &ifr))
		goto err_ioctl;
	p->wire.mtu = (uint32_t)ifr.ifr_mtu;
	if (ioctl(p->ring_fd, SIOCGIFFLAGS, &ifr))
		goto err_ioctl;
	if (!(ifr.ifr_flags & IFF_UP)) {
		say(err, err_len, "%s: interface is down", ifname);
		return -ENETDOWN;
	}
	if (ioctl(p->ring_fd, SIOCGIFHWADDR, &ifr))
		goto err_ioctl;
	if (ifr.ifr_hwaddr.sa_family != 1 /* ARPHRD_ETHER */) {
		say(err, err_len, "%s: not an Ethernet interface (type %d)", ifname,
		    ifr.ifr_hwaddr.sa_family);
		return -EPROTONOSUPPORT;
	}
	memcpy(p->wire.mac, ifr.ifr_hwaddr.sa_data, sizeof(p->wire.mac));
	return 0;

err_ioctl:
	rc = -errno;
	say(err, err_len, "%s: cannot read the interface: %s", ifname, strerror(errno));
	return rc;
}

static int map_rings(struct packet_wire *p, const char *ifname, uint32_t rx_frames,
		     uint32_t tx_frames, char *err, size_t err_len)
{
	struct tpacket_req req = {
		.tp_block_size = RING_BLOCK_BYTES,
		.tp_frame_size = PACKET_SLOT_BYTES,
	};
	const size_t rx_bytes = (size_t)rx_frames * PACKET_SLOT_BYTES;
	const size_t tx_bytes = (size_t)tx_frames * PACKET_SLOT_BYTES;
	int rc;

	req.tp_block_nr = (unsigned int)(rx_bytes / RING_BLOCK_BYTES);
	req.tp_frame_nr = rx_frames;
	if (setsockopt(p->ring_fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req))) {
		rc = -errno;
		say(err, err_len, "%s: receive ring of %u frames: %s", ifname, rx_frames,
		    strerror(errno));
		return rc;
	}
	req.tp_block_nr = (unsigned int)(tx_bytes / RING_BLOCK_BYTES);
	req.tp_frame_nr = tx_frames;
	if (setsockopt(p->ring_fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req))) {
		rc = -errno;
		say(err, err_len, "%s: transmit ring of %u frames: %s", ifname, tx_frames,
		    strerror(errno));
		return rc;
	}
	p->map_len = rx_bytes + tx_bytes;
	p->map = mmap(NULL, p->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		      p->ring_fd, 0);
	if (p->map == MAP_FAILED) {
		rc = -errno;
		say(err, err_len, "%s: mmap of the rings: %s", ifname, strerror(errno));
		return rc;
	}
	p->rx_ring = p->map;
	p->rx_mask = rx_frames - 1;
	p->tx_ring = (uint8_t *)p->map + rx_bytes;
	p->tx_mask = tx_frames - 1;
	return 0;
}

/* Before bind(): no frame gets in unfiltered. */
static int attach_filter(int fd, const struct lkl_wire_params *params, char *err, size_t err_len)
{
	struct sock_fprog program = {
		.len = (unsigned short)params->filter_len,
		.filter = (struct sock_filter *)params->filter,
	};
	int rc = params->filter_len > UINT16_MAX ? -E2BIG : 0;

	if (!rc && params->filter && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		rc = -errno;
	if (rc)
		say(err, err_len, "%s: filter of %u instructions: %s", params->ifname, params->filter_len, strerror(-rc));
	return rc;
}

static int bind_to(int fd, int ifindex, uint16_t protocol)
{
	const struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = ifindex,
	};

	return bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

/* AF_PACKET understands VIRTIO_NET_HDR_GSO_UDP_L4 since Linux 6.2; before, it answers EINVAL. */
static int host_has_uso(void)
{
	struct utsname uts;
	unsigned int major, minor;

	return !uname(&uts) && sscanf(uts.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 2));
}

static int ring_frames_ok(uint32_t n)
{
	return n >= RING_BLOCK_BYTES / PACKET_SLOT_BYTES && n <= 1u << 16 && !(n & (n - 1));
}

int wire_packet_open(const struct lkl_wire_params *params, struct lkl_wire **out, char *err,
		     size_t err_len)
{
	const struct packet_option opts[] = {
		{ SOL_PACKET, PACKET_VERSION, TPACKET_V2, "PACKET_VERSION", 1, 0 },
		{ SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR", 1, 1 },
		{ SOL_PACKET, PACKET_RESERVE, PACKET_SLOT_RESERVE, "PACKET_RESERVE", 1, 0 },
		{ SOL_PACKET, PACKET_COPY_THRESH, 1, "PACKET_COPY_THRESH", 1, 0 },
		{ SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING", 1, 1 },
	};
	const uint32_t rx_frames = params->rx_ring_frames ? params->rx_ring_frames : RX_RING_FRAMES;
	const uint32_t tx_frames = params->tx_ring_frames ? params->tx_ring_frames : TX_RING_FRAMES;
	const char *ifname = params->ifname;
	struct packet_wire *p;
	int ifindex = 0, rc;

	if (!ifname || !ring_frames_ok(rx_frames) || !ring_frames_ok(tx_frames)) {
		say(err, err_len, "%s: ring sizes must be powers of two from 32 to 65536",
		    ifname ? ifname : "(none)");
		return -EINVAL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->map = MAP_FAILED;
	/* Protocol 0: nothing is received before bind(), when everything is in place. */
	p->ring_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	p->big_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->ring_fd < 0 || p->big_fd < 0) {
		rc = -errno;
		say(err, err_len, "%s: socket(AF_PACKET): %s", ifname, strerror(errno));
		goto err_close;
	}
	rc = read_interface(p, ifname, &ifindex, err, err_len);
	if (rc)
		goto err_close;
	rc = set_options(p, opts, sizeof(opts) / sizeof(opts[0]), ifname, err, err_len);
	if (rc)
		goto err_close;
	set_buffer(p->ring_fd, SO_RCVBUFFORCE, SO_RCVBUF,
		   params->rx_big_bytes ? params->rx_big_bytes : RX_BIG_BYTES);
	set_buffer(p->ring_fd, SO_SNDBUFFORCE, SO_SNDBUF, TX_SOCKET_BYTES);
	set_buffer(p->big_fd, SO_SNDBUFFORCE, SO_SNDBUF, TX_SOCKET_BYTES);
	rc = map_rings(p, ifname, rx_frames, tx_frames, err, err_len);
	if (rc)
		goto err_close;
	rc = attach_filter(p->ring_fd, params, err, err_len);
	if (rc)
		goto err_close;
	rc = bind_to(p->big_fd, ifindex, 0);
	if (!rc)
		rc = bind_to(p->ring_fd, ifindex, ETH_P_ALL);
	if (rc) {
		say(err, err_len, "%s: bind: %s", ifname, strerror(-rc));
		goto err_close;
	}

	p->wire.ops = &packet_ops;
	p->wire.queues = 1;
	p->wire.stats = &p->stats;
	p->wire.rx_ring_frames = rx_frames;
	p->wire.tx_ring_frames = tx_frames;
	p->wire.ring_frames_max = 1u << 16;
	p->wire.features = LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_RXCSUM |
			   LKL_WIRE_F_RXGSO;
	if (host_has_uso())
		p->wire.features |= LKL_WIRE_F_USO;
	p->wire.features &= ~params->disable_features;
	*out = &p->wire;
	return 0;

err_close:
	packet_close(&p->wire);
	return rc;
}
