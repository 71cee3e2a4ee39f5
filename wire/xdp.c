// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp.c - the `xdp` wire: AF_XDP sockets on a host interface
 *
 * Theory of operation
 *
 * Each wire queue is one AF_XDP socket on the interface's queue of the same number, with its own
 * umem of CHUNKS chunks of 4 KiB: half of them travel between the fill ring, the NIC and the receive
 * ring, half between us, the transmit ring and the completion ring. A small XDP program, which libxdp
 * loads, passes the frames of these queues to the sockets; the host's stack does not see them.
 *
 *	rx	descriptors are read from the receive ring; frames are described where they lie in the
 *		umem, and their chunks go back to the fill ring on release. xdp_csum.h says which
 *		checksums are only begun.
 *	tx	the frame is copied into a free chunk; kick() = a sendto() where the kernel asks for it
 *
 * The copy mode sends at most 32 frames a call, so a batch of 64 takes two.
 *
 * mode=native wants a driver with XDP, mode=generic works on any interface; auto takes the first that
 * works, zero-copy before copy. Zero-copy needs a driver that has it (not veth).
 *
 * The stack's own memory is not the umem: a wire is opened before the instance has memory, and the
 * driver copies small frames anyway, which costs less than tracking pages that two kernels use.
 *
 * Bounds: CHUNKS * 4 KiB a queue, for ever. With no chunk free to send tx() is -EAGAIN. What the
 * kernel drops for want of a chunk or a ring slot is rx_dropped (read by tend()).
 *
 * Limits: no segmentation offload in either direction and no checksum offload on sending: AF_XDP has
 * no metadata for them. Frames fit one chunk: MTU 3498. A peer on the same machine that sends 64 KiB
 * frames (veth) loses them in generic mode; in native mode veth stops making them. Frames of queues
 * that the wire has not opened go to the host's stack. The program goes with the last socket; after
 * SIGKILL it stays, and passes all frames to the host's stack, until the next user or `ip link set
 * dev IF xdp off`.
 */
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

#include "common.h"
#include "spec.h"
#include "xdp_csum.h"

#define CHUNK_BYTES XSK_UMEM__DEFAULT_FRAME_SIZE
#define RX_CHUNKS 2048u
#define TX_CHUNKS 1024u
#define CHUNKS (RX_CHUNKS + TX_CHUNKS)
#define XDP_WIRE_QUEUES_MAX 16u
/* A page less XDP's headroom and what an skb made of it needs behind the frame, as veth counts. */
#define XDP_WIRE_MTU_MAX 3498u

struct xdp_queue {
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons rx, comp;
	int fd;
	uint8_t *area;
	struct rx_list list;
	uint64_t free_chunks[TX_CHUNKS];	/* umem offsets */
	uint32_t free_len;
	uint32_t tx_pending;	/* submitted since the last kick that took all */
	uint64_t dropped_seen;	/* of the kernel's counters, so far */
};

struct xdp_wire {
	struct lkl_wire wire; /* first */
	int ctl_fd;
	struct ifreq ifr;
	struct xdp_queue *queues;
};

static struct xdp_wire *to_xdp(struct lkl_wire *w)
{
	return (struct xdp_wire *)w;
}

/* ---- rx -------------------------------------------------------------------------------------- */

static int xdp_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct xdp_queue *q = &to_xdp(w)->queues[queue];

	return __atomic_load_n(q->rx.producer, __ATOMIC_ACQUIRE) != __atomic_load_n(&q->rx.cached_cons, __ATOMIC_RELAXED);
}

static void give_chunk(struct xdp_queue *q, uint64_t addr)
{
	uint32_t idx;

	/* The ring has a slot for every chunk there is. */
	if (xsk_ring_prod__reserve(&q->fill, 1, &idx)) {
		*xsk_ring_prod__fill_addr(&q->fill, idx) = addr & ~(uint64_t)(CHUNK_BYTES - 1);
		xsk_ring_prod__submit(&q->fill, 1);
	}
}

static int xdp_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	struct xdp_queue *q = &to_xdp(w)->queues[queue];
	struct lkl_wire_stats *stats = &w->stats[queue];
	uint32_t idx = 0, n = 0, got, i;

	if (max > RX_LIST_MAX - rx_list_outstanding(&q->list))
		max = RX_LIST_MAX - rx_list_outstanding(&q->list);
	got = max ? xsk_ring_cons__peek(&q->rx, max, &idx) : 0;
	for (i = 0; i < got; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&q->rx, idx + i);
		const uint64_t addr = desc->addr;
		const uint32_t len = desc->len;
		struct lkl_vnet_hdr vnet = { 0 };

		/* The kernel is believed, but not blindly: an offset out of the umem would be our crash. */
		if (addr >= (uint64_t)CHUNKS * CHUNK_BYTES || len > CHUNK_BYTES ||
		    (addr & (CHUNK_BYTES - 1)) + len > CHUNK_BYTES) {
			stats->rx_malformed_total++;
			continue;
		}
		if (len < ETH_HLEN) {
			stats->rx_malformed_total++;
			give_chunk(q, addr);
			continue;
		}
		if (w->features & LKL_WIRE_F_RXCSUM)
			xdp_csum_judge(q->area + addr, len, &vnet);
		rx_list_push(&q->list, q->area + addr, len, &vnet, addr, &frames[n++]);
		stats->rx_bytes_total += len;
	}
	if (got)
		xsk_ring_cons__release(&q->rx, got);
	stats->rx_frames_total += n;
	return (int)n;
}

static int xdp_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			struct lkl_vnet_hdr *vnet)
{
	return rx_list_fetch(&to_xdp(w)->queues[queue].list, iov, iov_len, vnet);
}

static void xdp_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	struct xdp_queue *q = &to_xdp(w)->queues[queue];
	uint32_t i;

	if (n > rx_list_outstanding(&q->list))
		n = rx_list_outstanding(&q->list);
	for (i = 0; i < n; i++)
		give_chunk(q, q->list.entries[(q->list.tail + i) & (RX_LIST_MAX - 1)].cookie);
	rx_list_release(&q->list, n, 0);
	if (n && xsk_ring_prod__needs_wakeup(&q->fill)) {
		w->stats[queue].calls_total++;
		recvfrom(q->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	}
}

/* ---- tx -------------------------------------------------------------------------------------- */

static void take_back(struct xdp_queue *q)
{
	uint32_t idx = 0, n, i;

	n = xsk_ring_cons__peek(&q->comp, TX_CHUNKS - q->free_len, &idx);
	for (i = 0; i < n; i++) {
		const uint64_t addr = *xsk_ring_cons__comp_addr(&q->comp, idx + i);

		if (addr < (uint64_t)CHUNKS * CHUNK_BYTES)
			q->free_chunks[q->free_len++] = addr & ~(uint64_t)(CHUNK_BYTES - 1);
	}
	if (n)
		xsk_ring_cons__release(&q->comp, n);
}

/* Frames that the kernel has not looked at. */
static uint32_t tx_waiting(const struct xdp_queue *q)
{
	return *q->tx.producer - __atomic_load_n(q->tx.consumer, __ATOMIC_ACQUIRE);
}

static void tx_flush(struct xdp_wire *x, uint32_t queue)
{
	struct xdp_queue *q = &x->queues[queue];
	struct lkl_wire_stats *stats = &x->wire.stats[queue];
	uint32_t before, after = tx_waiting(q);

	q->tx_pending = 0;
	if (!after || !xsk_ring_prod__needs_wakeup(&q->tx))
		return;
	do {
		before = after;
		stats->kicks_total++;
		stats->calls_total++;
		if (sendto(q->fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < 0 && errno != EAGAIN &&
		    errno != EBUSY && errno != ENOBUFS) {
			/* Down or gone: what is in the ring stays there until the interface is up again. */
			if (errno == ENETDOWN || errno == ENXIO || errno == ENODEV)
				x->wire.link_down = 1;
			return;
		}
		after = tx_waiting(q);
	} while (after && after < before);
	q->tx_pending = after;
}

static int xdp_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		  uint32_t iov_len, uint32_t len)
{
	struct xdp_wire *x = to_xdp(w);
	struct xdp_queue *q = &x->queues[queue];
	struct lkl_wire_stats *stats = &w->stats[queue];
	struct xdp_desc *desc;
	uint32_t idx;
	uint64_t addr;
	int err = wire_tx_check(w, vnet, iov_len, len);

	if (!err && len > CHUNK_BYTES)
		err = -EMSGSIZE;
	if (err)
		goto refused;
	if (!q->free_len)
		take_back(q);
	if (!q->free_len || !xsk_ring_prod__reserve(&q->tx, 1, &idx)) {
		if (w->link_down) {
			stats->tx_down_total++;
			return -ENETDOWN;
		}
		tx_flush(x, queue);
		take_back(q);
		if (!q->free_len || !xsk_ring_prod__reserve(&q->tx, 1, &idx)) {
			stats->tx_full_total++;
			return -EAGAIN;
		}
	}
	addr = q->free_chunks[q->free_len - 1];
	err = wire_gather(q->area + addr, iov, iov_len, len);
	if (err) {
		q->tx.cached_prod--; /* the slot was reserved, and is not handed over */
		goto refused;
	}
	q->free_len--;
	desc = xsk_ring_prod__tx_desc(&q->tx, idx);
	desc->addr = addr;
	desc->len = len;
	desc->options = 0;
	xsk_ring_prod__submit(&q->tx, 1);
	q->tx_pending++;
	stats->tx_frames_total++;
	stats->tx_bytes_total += len;
	return 0;

refused:
	stats->tx_errors_total++;
	return err;
}

static int xdp_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct xdp_queue *q = &to_xdp(w)->queues[queue];

	take_back(q);
	if (q->free_len)
		return 1;
	tx_flush(to_xdp(w), queue);
	take_back(q);
	return q->free_len > 0;
}

static void xdp_kick(struct lkl_wire *w, uint32_t queue)
{
	if (to_xdp(w)->queues[queue].tx_pending)
		tx_flush(to_xdp(w), queue);
}

/* ---- upkeep, open, close --------------------------------------------------------------------- */

static int xdp_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return to_xdp(w)->queues[queue].fd;
}

static void xdp_tend(struct lkl_wire *w, uint32_t queue)
{
	struct xdp_wire *x = to_xdp(w);
	struct xdp_queue *q = &x->queues[queue];
	struct xdp_statistics st = { 0 };
	struct ifreq ifr = x->ifr;
	socklen_t len = sizeof(st);
	int err;

	if (!getsockopt(q->fd, SOL_XDP, XDP_STATISTICS, &st, &len)) {
		const uint64_t dropped = st.rx_dropped + st.rx_ring_full;

		w->stats[queue].rx_dropped_total += dropped - q->dropped_seen;
		q->dropped_seen = dropped;
	}
	len = sizeof(err);
	getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!queue) {
		w->link_down = ioctl(x->ctl_fd, SIOCGIFFLAGS, &ifr) || !(ifr.ifr_flags & IFF_RUNNING);
	}
	take_back(q);
	if (!w->link_down && tx_waiting(q))
		tx_flush(x, queue);
}

static void xdp_close(struct lkl_wire *w)
{
	struct xdp_wire *x = to_xdp(w);
	uint32_t i;

	for (i = 0; x->queues && i < w->queues; i++) {
		struct xdp_queue *q = &x->queues[i];

		if (q->xsk)
			xsk_socket__delete(q->xsk);
		if (q->umem)
			xsk_umem__delete(q->umem);
		if (q->area)
			munmap(q->area, (size_t)CHUNKS * CHUNK_BYTES);
	}
	if (x->ctl_fd >= 0)
		close(x->ctl_fd);
	free(x->queues);
	wire_free(w);
}

static const struct lkl_wire_ops xdp_ops = {
	.name = "xdp",
	.rx_ready = xdp_rx_ready,
	.rx_burst = xdp_rx_burst,
	.rx_fetch = xdp_rx_fetch,
	.rx_release = xdp_rx_release,
	.tx = xdp_tx,
	.tx_ready = xdp_tx_ready,
	.kick = xdp_kick,
	.wait_fd = xdp_wait_fd,
	.tend = xdp_tend,
	.close = xdp_close,
};

struct xdp_conf {
	char ifname[IFNAMSIZ];
	uint32_t queues, mode, copy, off;
	uint8_t mac[6];
};

enum { MODE_AUTO, MODE_NATIVE, MODE_GENERIC };
enum { COPY_AUTO, COPY_COPY, COPY_ZERO };

static const struct wire_opt xdp_opts[] = {
	{ "if", WIRE_O_STRING, offsetof(struct xdp_conf, ifname), 1, IFNAMSIZ - 1, NULL, WIRE_O_REQUIRED, NULL,
	  "host interface, which is up" },
	{ "queues", WIRE_O_UINT, offsetof(struct xdp_conf, queues), 1, XDP_WIRE_QUEUES_MAX, NULL, 0, "1",
	  "queues 0, 1 ... of the interface" },
	{ "mode", WIRE_O_CHOICE, offsetof(struct xdp_conf, mode), 0, 0, "auto|native|generic", 0, "auto",
	  "XDP in the driver, or before the host's stack" },
	{ "copy", WIRE_O_CHOICE, offsetof(struct xdp_conf, copy), 0, 0, "auto|copy|zero", 0, "auto",
	  "frames copied into the umem, or put there by the NIC" },
	{ "mac", WIRE_O_MAC, offsetof(struct xdp_conf, mac), 0, 0, NULL, 0, NULL,
	  "the stack's address; without it the interface's own" },
	{ "off", WIRE_O_FEATURES, offsetof(struct xdp_conf, off), 0, LKL_WIRE_F_RXCSUM, NULL, 0, NULL,
	  "without rxcsum the frames of local peers are not seen through" },
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static int silent_xdp(enum libxdp_print_level level, const char *format, va_list args)
{
	return 0;
}

static int read_interface(struct xdp_wire *x, const struct xdp_conf *c, char *err, size_t err_len)
{
	int ret;

	x->ctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(x->ifr.ifr_name, c->ifname);
	if (x->ctl_fd < 0 || ioctl(x->ctl_fd, SIOCGIFMTU, &x->ifr))
		goto err_ioctl;
	x->wire.mtu = (uint32_t)x->ifr.ifr_mtu;
	if (ioctl(x->ctl_fd, SIOCGIFFLAGS, &x->ifr))
		goto err_ioctl;
	if (!(x->ifr.ifr_flags & IFF_UP)) {
		wire_say(err, err_len, "xdp: %s: interface is down", c->ifname);
		return -ENETDOWN;
	}
	if (x->wire.mtu > XDP_WIRE_MTU_MAX) {
		wire_say(err, err_len, "xdp: %s: MTU %u; a frame must fit one chunk: at most %u", c->ifname,
			 x->wire.mtu, XDP_WIRE_MTU_MAX);
		return -EMSGSIZE;
	}
	if (ioctl(x->ctl_fd, SIOCGIFHWADDR, &x->ifr))
		goto err_ioctl;
	memcpy(x->wire.mac, x->ifr.ifr_hwaddr.sa_data, 6);
	return 0;

err_ioctl:
	ret = -errno;
	wire_say(err, err_len, "xdp: %s: cannot read the interface: %s", c->ifname, strerror(-ret));
	return ret;
}

static int make_umem(struct xdp_queue *q)
{
	const struct xsk_umem_config conf = {
		/* Powers of two, with a slot for every chunk. */
		.fill_size = RX_CHUNKS,
		.comp_size = TX_CHUNKS,
		.frame_size = CHUNK_BYTES,
	};
	uint32_t i;
	int ret;

	q->area = mmap(NULL, (size_t)CHUNKS * CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->area == MAP_FAILED) {
		q->area = NULL;
		return -ENOMEM;
	}
	ret = xsk_umem__create(&q->umem, q->area, (uint64_t)CHUNKS * CHUNK_BYTES, &q->fill, &q->comp, &conf);
	if (ret) {
		q->umem = NULL;
		return ret;
	}
	for (i = 0; i < RX_CHUNKS; i++)
		give_chunk(q, (uint64_t)i * CHUNK_BYTES);
	for (i = 0; i < TX_CHUNKS; i++)
		q->free_chunks[q->free_len++] = (uint64_t)(RX_CHUNKS + i) * CHUNK_BYTES;
	return 0;
}

static void free_umem(struct xdp_queue *q)
{
	if (q->umem)
		xsk_umem__delete(q->umem);
	if (q->area)
		munmap(q->area, (size_t)CHUNKS * CHUNK_BYTES);
	memset(q, 0, sizeof(*q));
}

static int open_queue(struct xdp_queue *q, const char *ifname, uint32_t queue, uint32_t xdp_flags, uint16_t bind_flags)
{
	const struct xsk_socket_config conf = {
		.rx_size = RX_CHUNKS,
		.tx_size = TX_CHUNKS,
		.xdp_flags = xdp_flags,
		.bind_flags = (uint16_t)(bind_flags | XDP_USE_NEED_WAKEUP),
	};
	int ret = make_umem(q);

	if (!ret) {
		ret = xsk_socket__create(&q->xsk, ifname, queue, q->umem, &q->rx, &q->tx, &conf);
		if (ret)
			q->xsk = NULL;
	}
	if (ret) {
		free_umem(q);
		return ret;
	}
	q->fd = xsk_socket__fd(q->xsk);
	return 0;
}

static int xdp_open(const void *conf, struct lkl_wire **out, char *err, size_t err_len)
{
	/* From the best to the one that always works. */
	static const struct {
		uint32_t mode, copy, xdp_flags;
		uint16_t bind_flags;
	} ways[] = {
		{ MODE_NATIVE, COPY_ZERO, XDP_FLAGS_DRV_MODE, XDP_ZEROCOPY },
		{ MODE_NATIVE, COPY_COPY, XDP_FLAGS_DRV_MODE, XDP_COPY },
		{ MODE_GENERIC, COPY_COPY, XDP_FLAGS_SKB_MODE, XDP_COPY },
	};
	const struct xdp_conf *c = conf;
	struct xdp_wire *x;
	uint32_t i, way;
	int ret;

	if (c->mode == MODE_GENERIC && c->copy == COPY_ZERO) {
		wire_say(err, err_len, "xdp: copy=zero needs mode=native");
		return -EINVAL;
	}
	x = wire_new(sizeof(*x), c->queues);
	if (!x)
		return -ENOMEM;
	libbpf_set_print(silent);
	libxdp_set_print(silent_xdp);
	x->ctl_fd = -1;
	x->queues = calloc(c->queues, sizeof(*x->queues));
	ret = -ENOMEM;
	if (!x->queues)
		goto err_close;
	ret = read_interface(x, c, err, err_len);
	if (ret)
		goto err_close;
	/* The first queue finds the way, the others take the same. */
	ret = -EINVAL;
	for (way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		if ((c->mode != MODE_AUTO && c->mode != ways[way].mode) ||
		    (c->copy != COPY_AUTO && c->copy != ways[way].copy))
			continue;
		ret = open_queue(&x->queues[0], c->ifname, 0, ways[way].xdp_flags, ways[way].bind_flags);
		if (!ret)
			break;
	}
	for (i = 1; !ret && i < c->queues; i++)
		ret = open_queue(&x->queues[i], c->ifname, i, ways[way].xdp_flags, ways[way].bind_flags);
	if (ret) {
		wire_say(err, err_len, "xdp: %s: cannot open an AF_XDP socket: %s%s", c->ifname, strerror(-ret),
			 ret == -EPERM ? " (needs CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF)" :
			 ret == -EOPNOTSUPP ? " (the driver has no such mode)" :
			 ret == -EBUSY ? " (another XDP program or socket is there)" : "");
		goto err_close;
	}
	if (c->mac[0] | c->mac[1] | c->mac[2] | c->mac[3] | c->mac[4] | c->mac[5])
		memcpy(x->wire.mac, c->mac, 6);
	x->wire.features = LKL_WIRE_F_RXCSUM & ~c->off;
	x->wire.mtu_max = XDP_WIRE_MTU_MAX;
	x->wire.ops = &xdp_ops;
	*out = &x->wire;
	return 0;

err_close:
	xdp_close(&x->wire);
	return ret;
}

const struct wire_type wire_xdp_type = {
	.name = "xdp",
	.help = "AF_XDP sockets on a host interface",
	.privileges = "CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF; locked memory (ulimit -l) before Linux 5.11",
	.opts = xdp_opts,
	.opts_len = sizeof(xdp_opts) / sizeof(xdp_opts[0]),
	.conf_bytes = sizeof(struct xdp_conf),
	.open = xdp_open,
};
