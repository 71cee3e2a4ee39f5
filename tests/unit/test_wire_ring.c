// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_wire_ring.c - the packet wire's ring bookkeeping against a model of the kernel's
 *
 * packet.c is compiled into this file with sendto(), sendmsg() and recvmsg() replaced by a small
 * model of AF_PACKET: it has its own ring heads, never skips a slot, and can run out of room,
 * refuse a frame or lose the interface at any call. Random histories from a fixed seed; the claims
 * are that what arrives is in order and is exactly what was accepted minus what was counted as an
 * error, and that a COPY slot always gets its own frame. And a process that is killed at any point
 * of its work on the rings leaves behind what a successor can go on with.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cmocka.h>

static ssize_t model_sendto(int fd, const void *buf, size_t len, int flags, const void *addr,
			    socklen_t addr_len);
static ssize_t model_sendmsg(int fd, const struct msghdr *msg, int flags);
static ssize_t model_recvmsg(int fd, struct msghdr *msg, int flags);
static ssize_t model_recv(int fd, void *buf, size_t len, int flags);

/* Where a killed process may have stopped, as far as its successor can tell. */
static void may_crash(void);
#define barrier() may_crash()

#define sendto model_sendto
#define sendmsg model_sendmsg
#define recvmsg model_recvmsg
#define recv model_recv
#include "packet.c"
#include "packet_open.c"
#undef sendto
#undef sendmsg
#undef recvmsg
#undef recv

#define FRAMES 32u
#define QUEUE 64u
#define ROUNDS 200000
#define BAD_FRAME 0xee

static struct packet_wire *p;
static struct packet_queue *q;
static struct lkl_wire_stats *stats;
static uint32_t seed;

/* transmit side of the model */
static uint32_t k_tx_head;
static uint32_t delivered[ROUNDS], delivered_len;
static uint32_t k_refused;

/* receive side */
static uint32_t k_rx_head, k_rx_next_id;
static struct {
	uint32_t id, len;
} k_queue[QUEUE];
static uint32_t k_queue_head, k_queue_tail;
static int k_pending_error;

static jmp_buf crashed;
static int crashes;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void may_crash(void)
{
	if (crashes && !rnd(60))
		longjmp(crashed, 1);
}

static int setup(void **state)
{
	void *map;

	p = calloc(1, sizeof(*p));
	q = aligned_alloc(64, sizeof(*q));
	stats = calloc(1, sizeof(*stats));
	map = aligned_alloc(4096, 2 * FRAMES * PACKET_SLOT_BYTES);
	if (!p || !map || !q || !stats)
		return -1;
	memset(map, 0, 2 * FRAMES * PACKET_SLOT_BYTES);
	memset(q, 0, sizeof(*q));
	q->rx[0].slots = map;
	q->tx_slots = (uint8_t *)map + FRAMES * PACKET_SLOT_BYTES;
	q->rx[0].mask = q->tx_mask = FRAMES - 1;
	q->slot_bytes = PACKET_SLOT_BYTES;
	q->sources = 1;
	p->queue = q;
	p->wire.ops = &packet_ops;
	p->wire.mtu = p->wire.mtu_max = 1500;
	p->wire.stats = stats;
	seed = 1;
	k_tx_head = k_rx_head = k_rx_next_id = k_queue_head = k_queue_tail = delivered_len =
		k_refused = 0;
	return 0;
}

static int teardown(void **state)
{
	free(q->rx[0].slots);
	free(q);
	free(stats);
	free(p);
	return 0;
}

/* Frames taken and not sent, whatever the reason. */
static uint64_t lost(void)
{
	return stats->tx_errors_total + stats->tx_down_total + stats->tx_stalled_total;
}

static uint32_t frame_id(const uint8_t *frame)
{
	uint32_t id;

	memcpy(&id, frame + 14, sizeof(id));
	return id;
}

static void deliver(const uint8_t *frame)
{
	if (delivered_len)
		assert_true(frame_id(frame) > delivered[delivered_len - 1]);
	delivered[delivered_len++] = frame_id(frame);
}

static ssize_t answer(int err)
{
	errno = err;
	return -1;
}

/* tpacket_snd(): errors after a sent frame may hide what was sent, as in the kernel. */
static ssize_t model_sendto(int fd, const void *buf, size_t len, int flags, const void *addr,
			    socklen_t addr_len)
{
	static const int errors[] = { EAGAIN, ENOBUFS, ENETDOWN, ENXIO };
	ssize_t sum = 0;

	if (!rnd(40))
		return answer(errors[rnd(4)]);
	for (;;) {
		struct tpacket2_hdr *slot =
			(void *)(q->tx_slots + (k_tx_head & q->tx_mask) * PACKET_SLOT_BYTES);
		const uint8_t *frame = (uint8_t *)slot + PACKET_TX_FRAME_OFF;

		if (slot->tp_status != TP_STATUS_SEND_REQUEST)
			return sum;
		if (!rnd(100))
			return sum ? sum : answer(EAGAIN);
		if (!rnd(100))
			return answer(ENOBUFS);
		if (frame[0] == BAD_FRAME) {
			slot->tp_status = TP_STATUS_WRONG_FORMAT;
			k_refused++;
			return answer(EINVAL);
		}
		deliver(frame);
		slot->tp_status = TP_STATUS_AVAILABLE;
		sum += slot->tp_len - 10;
		k_tx_head++;
	}
}

static ssize_t model_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static const int errors[] = { EAGAIN, ENOBUFS, ENETDOWN };

	if (!rnd(10))
		return answer(errors[rnd(3)]);
	deliver(msg->msg_iov[1].iov_base);
	return 1;
}

static void tx_in_order(void **state)
{
	static uint8_t frame[5000];
	uint32_t id = 0, accepted = 0, i, k;

	for (i = 0; i < ROUNDS && delivered_len < ROUNDS - 1; i++) {
		const int big = !rnd(20);
		const uint32_t len = big ? 4000 + rnd(1000) : 60 + rnd(1400);
		const struct lkl_vnet_hdr vnet = {
			.flags = LKL_VNET_F_NEEDS_CSUM,
			.csum_start = 34,
			.csum_offset = 16,
			.gso_type = big ? LKL_VNET_GSO_TCPV4 : 0,
			.gso_size = 1448,
		};
		const struct lkl_iov iov[2] = { { frame, 54 }, { frame + 54, len - 54 } };
		const uint64_t errors = lost();
		int rc;

		frame[0] = !big && !rnd(50) ? BAD_FRAME : 0;
		memcpy(frame + 14, &id, sizeof(id));
		id++;
		rc = packet_tx(&p->wire, 0, &vnet, iov, 2, len);
		if (!rc)
			accepted++;
		else if (rc !=
			 -EAGAIN) /* refused to our face; counted, and not among the accepted */
			accepted += (uint32_t)(lost() - errors) ? 1 : 0;
		if (!rnd(16))
			packet_kick(&p->wire, 0);
		/* What a kick left over goes when the driver polls. */
		if (packet_rx_ready(&p->wire, 0)) {
			assert_true(q->tx_head != q->tx_tail);
			packet_rx_burst(&p->wire, 0, NULL, 0);
		}
		if (rc == -EAGAIN)
			packet_tx_ready(&p->wire, 0);
		assert_int_equal(q->tx_head & q->tx_mask, k_tx_head & q->tx_mask);
		assert_true(q->tx_tail - q->tx_head <= FRAMES);
	}
	for (k = 0; k < 1000 && q->tx_head != q->tx_tail; k++)
		packet_kick(&p->wire, 0);
	assert_int_equal(q->tx_head, q->tx_tail);
	assert_int_equal(q->tx_queued_bytes, 0);
	assert_true(k_refused > 100);
	assert_int_equal(delivered_len + lost(), accepted);
}

/*
 * The kernel's side of an arrival: nothing if the ring is full. Kinds: plain, COPY, lost,
 * malformed, malformed COPY.
 */
static void arrive(void)
{
	struct tpacket2_hdr *slot =
		(void *)(q->rx[0].slots + (k_rx_head & q->rx[0].mask) * PACKET_SLOT_BYTES);
	const uint32_t kind = rnd(8) < 5 ? rnd(2) : rnd(5);
	const uint32_t copy = kind == 1 || kind == 4;
	const uint32_t len = kind == 0 || kind == 3 ? 60 + rnd(1000) : 3000 + rnd(1000);
	const uint32_t id = k_rx_next_id++;

	if (slot->tp_status != TP_STATUS_KERNEL)
		return;
	if (copy) {
		assert_true(k_queue_tail - k_queue_head < QUEUE);
		k_queue[k_queue_tail % QUEUE].id = id;
		k_queue[k_queue_tail++ % QUEUE].len = len;
	}
	slot->tp_len = len;
	slot->tp_snaplen = len < PACKET_RX_SLOT_MAX ? len : PACKET_RX_SLOT_MAX;
	slot->tp_mac = PACKET_RX_MAC_OFF;
	memset((uint8_t *)slot + PACKET_RX_MAC_OFF - 10, 0, 10);
	if (kind >= 3) /* segmented, without a size */
		((uint8_t *)slot)[PACKET_RX_MAC_OFF - 9] = LKL_VNET_GSO_TCPV4;
	memcpy((uint8_t *)slot + PACKET_RX_MAC_OFF + 14, &id, sizeof(id));
	slot->tp_status = TP_STATUS_USER | (copy ? TP_STATUS_COPY : 0);
	k_rx_head++;
}

static ssize_t model_recvmsg(int fd, struct msghdr *msg, int flags)
{
	uint32_t id, len;

	if (k_pending_error) {
		k_pending_error = 0;
		return answer(ENETDOWN);
	}
	if (k_queue_head == k_queue_tail)
		return answer(EAGAIN);
	id = k_queue[k_queue_head % QUEUE].id;
	len = k_queue[k_queue_head++ % QUEUE].len;
	memset(msg->msg_iov[0].iov_base, 0, msg->msg_iov[0].iov_len);
	msg->msg_flags = 0;
	if (msg->msg_iovlen < 2 || msg->msg_iov[1].iov_len < len) {
		msg->msg_flags = MSG_TRUNC;
		return 10;
	}
	memcpy((uint8_t *)msg->msg_iov[1].iov_base + 14, &id, sizeof(id));
	return 10 + len;
}

static ssize_t model_recv(int fd, void *buf, size_t len, int flags)
{
	if (k_queue_head == k_queue_tail)
		return answer(EAGAIN);
	k_queue_head++;
	return (ssize_t)len;
}

static void rx_in_order(void **state)
{
	static uint8_t big[5000];
	struct lkl_rx_frame frames[8];
	uint32_t last = 0, seen = 0, fetched = 0, outstanding = 0, i;
	int n, j;

	for (i = 0; i < ROUNDS; i++) {
		uint32_t k;

		for (k = rnd(6); k; k--)
			arrive();
		n = packet_rx_burst(&p->wire, 0, frames, 1 + rnd(8));
		outstanding += (uint32_t)n;
		for (j = 0; j < n; j++) {
			const uint32_t id = frame_id(frames[j].data);

			assert_true(!seen || id > last);
			last = id;
			seen++;
			/*
			 * A driver out of memory fetches nothing more of what it has described:
			 * then it releases it.
			 */
			if ((frames[j].flags & LKL_RX_FETCH) && rnd(10)) {
				const struct lkl_iov iov = { big, sizeof(big) };
				int rc;

				k_pending_error = !rnd(20);
				rc = packet_rx_fetch(&p->wire, 0, &iov, 1, &frames[j].vnet);
				assert_int_equal(rc, frames[j].len);
				assert_int_equal(frame_id(big), id);
				fetched++;
			} else if ((frames[j].flags & LKL_RX_FETCH) && rnd(2)) {
				/* ... or skips one, and fetches the next. */
				assert_int_equal(packet_rx_fetch(&p->wire, 0, NULL, 0,
								 &frames[j].vnet),
						 -EMSGSIZE);
			} else if (frames[j].flags & LKL_RX_FETCH) {
				packet_rx_release(&p->wire, 0, outstanding - (uint32_t)(n - j - 1));
				outstanding = (uint32_t)(n - j - 1);
			}
		}
		if (rnd(2) || outstanding > 20) {
			packet_rx_release(&p->wire, 0, outstanding);
			outstanding = 0;
			assert_int_equal(q->rx[0].released, q->rx[0].next);
		}
	}
	packet_rx_release(&p->wire, 0, outstanding);
	while ((n = packet_rx_burst(&p->wire, 0, frames, 8)))
		packet_rx_release(&p->wire, 0, (uint32_t)n);
	assert_int_equal(k_queue_head, k_queue_tail);
	assert_true(fetched > ROUNDS / 10);
	assert_true(stats->rx_malformed_total > 1000 &&
		    stats->rx_dropped_total > 1000);
	assert_int_equal(q->rx[0].next, k_rx_head);
}

/* What the kernel would take in silence is refused here, and counted. */
static void tx_refuses(void **state)
{
	static uint8_t frame[70000];
	static const struct {
		uint32_t len;
		struct lkl_vnet_hdr vnet;
		int rc;
	} rows[] = {
		{ 13, { 0 }, -EINVAL },
		{ 70000, { 1, 1, 54, 1448, 34, 16 }, -EINVAL },
		{ 1519, { 0 }, -EMSGSIZE },
		{ 1518, { 0 }, 0 },
		{ 3000, { 0, 1, 54, 1448, 34, 16 }, -EINVAL }, /* TSO without checksum */
		{ 3000, { 1, 3, 54, 1448, 34, 6 }, -EINVAL }, /* UFO */
		{ 3000, { 1, 1, 54, 0, 34, 16 }, -EINVAL },
		{ 100, { 1, 0, 0, 0, 90, 9 }, -EINVAL },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct lkl_iov iov = { frame, rows[i].len };
		const uint64_t errors = lost();

		assert_int_equal(packet_tx(&p->wire, 0, &rows[i].vnet, &iov, 1, rows[i].len),
				 rows[i].rc);
		assert_int_equal(lost() - errors, rows[i].rc ? 1 : 0);
	}
	/* Pieces that do not add up to the length. */
	{
		const struct lkl_vnet_hdr vnet = { 0 };
		const struct lkl_iov iov = { frame, 101 };

		assert_int_equal(packet_tx(&p->wire, 0, &vnet, &iov, 1, 100), -EINVAL);
		assert_int_equal(packet_tx(&p->wire, 0, &vnet, &iov, 1, 102), -EINVAL);
	}
}

/* One step of a driver that may be killed in it. */
static void work(void)
{
	static uint8_t frame[5000];
	static uint32_t id;
	const struct lkl_vnet_hdr vnet = { .gso_type = 0 };
	struct lkl_rx_frame frames[8];
	struct lkl_iov iov = { frame, sizeof(frame) };
	int n, i;

	n = packet_rx_burst(&p->wire, 0, frames, 1 + rnd(8));
	for (i = 0; i < n; i++)
		if ((frames[i].flags & LKL_RX_FETCH) && rnd(10))
			packet_rx_fetch(&p->wire, 0, &iov, 1, &frames[i].vnet);
	for (i = (int)rnd(12); i; i--) {
		frame[0] = !rnd(20) ? BAD_FRAME : 0;
		id++;
		memcpy(frame + 14, &id, sizeof(id));
		iov.len = 60 + rnd(1400);
		packet_tx(&p->wire, 0, &vnet, &iov, 1, (uint32_t)iov.len);
	}
	if (rnd(2))
		packet_kick(&p->wire, 0);
	packet_rx_release(&p->wire, 0, (uint32_t)n);
}

static uint64_t accounted(void)
{
	return stats->rx_frames_total + stats->rx_dropped_total + stats->rx_malformed_total + stats->rx_foreign_total;
}

static void successor_goes_on(void **state)
{
	volatile uint32_t deaths = 0, kept_total = 0, i;

	for (i = 0; i < ROUNDS / 4; i++) {
		struct lkl_rx_frame frames[8];
		uint32_t k, kept;
		uint64_t before;
		int n;

		/* a worker that was away for a while finds a full ring */
		for (k = rnd(10) ? rnd(6) : 2 * FRAMES; k && k_queue_tail - k_queue_head < QUEUE; k--)
			arrive();
		crashes = 1;
		if (!setjmp(crashed)) {
			work();
			crashes = 0;
			continue;
		}
		crashes = 0;
		deaths++;
		rx_recover(q, &q->rx[0]);
		tx_recover(q);
		delivered_len = 0;
		/* what nobody had looked at is there, and nothing else; of large frames only that they were */
		for (kept = 0; kept < FRAMES; kept++)
			if (!(slot_status(rx_slot(q, &q->rx[0], q->rx[0].next + kept)) & TP_STATUS_USER))
				break;
		for (k = kept; k < FRAMES; k++)
			assert_int_equal(slot_status(rx_slot(q, &q->rx[0], q->rx[0].next + k)), TP_STATUS_KERNEL);
		assert_int_equal(packet_rx_ready(&p->wire, 0), kept > 0);
		kept_total += kept;
		before = accounted();
		p->is_held = 1;
		assert_false(packet_rx_ready(&p->wire, 0));
		assert_int_equal(packet_rx_burst(&p->wire, 0, frames, 8), 0);
		p->is_held = 0;
		while ((n = packet_rx_burst(&p->wire, 0, frames, 8))) {
			for (k = 0; k < (uint32_t)n; k++)
				assert_int_equal(frames[k].flags & LKL_RX_FETCH, 0);
			packet_rx_release(&p->wire, 0, (uint32_t)n);
		}
		assert_int_equal(accounted() - before, kept);
		assert_int_equal(q->rx[0].next & q->rx[0].mask, k_rx_head & q->rx[0].mask);
		assert_int_equal(q->tx_head & q->tx_mask, k_tx_head & q->tx_mask);
		assert_int_equal(k_queue_head, k_queue_tail);
		assert_false(packet_rx_ready(&p->wire, 0));
		for (k = 0; k < FRAMES; k++) {
			assert_int_equal(slot_status(rx_slot(q, &q->rx[0], k)), TP_STATUS_KERNEL);
			assert_int_equal(tx_status(tx_slot(q, k)), TP_STATUS_AVAILABLE);
		}
		arrive();
		assert_true(packet_rx_ready(&p->wire, 0));
	}
	assert_true(deaths > 1000 && kept_total > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tx_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(rx_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(tx_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(successor_goes_on, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
