// SPDX-License-Identifier: GPL-2.0-only
/*
 * packet.c - the `packet` wire: AF_PACKET with TPACKET_V2 rings and virtio-net headers
 *
 * Theory of operation
 *
 *   rx  The host kernel copies each frame that arrives on the interface into the next slot of a ring in shared memory. A
 *       slot is 2 KiB. A frame that does not fit (a TSO frame of the peer, up to 64 KiB) is also queued on the socket
 *       (PACKET_COPY_THRESH), its slot marked TP_STATUS_COPY: rx_fetch() takes it with one recvmsg() straight into the
 *       caller's memory. So small frames cost no host call, and big ones one call for up to 64 KiB and one copy.
 *   tx  A frame that fits a slot of the tx ring is copied there and leaves with the next kick(), one sendto() for all.
 *       A bigger one is sent at once with sendmsg() from the caller's pieces through a second socket, after the ring has
 *       been flushed, so that order holds.
 *
 * Offload metadata (PACKET_VNET_HDR) travels with each frame both ways, so that checksums are filled in, and 64 KiB
 * segments cut, by whoever needs it: on a veth nobody.
 *
 * tx hdr_len: the host makes the first hdr_len bytes of a frame linear and the rest page fragments. For a small frame the
 * whole length is given: everything linear is 20 to 30 % of the cost of a small frame.
 *
 * Limits: one queue. At most one burst may be outstanding: rx_burst() again before rx_release() describes the same frames.
 * VLAN tags that the host has stripped are not put back. The host's own stack sees the frames too (wire/own.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"
#include "wire.h"

#define SLOT_BYTES 2048u
#define BLOCK_BYTES 65536u
#define VNET_BYTES 10u
#define IOV_MAX_PIECES 64

/* Where a tx slot's payload begins: TPACKET_V2 puts it after the aligned header (Documentation/networking/packet_mmap). */
#define TX_OFFSET TPACKET_ALIGN(sizeof(struct tpacket2_hdr))
#define TX_SLOT_MAX (SLOT_BYTES - TX_OFFSET - VNET_BYTES)

static const uint32_t rx_ring_frames_default = 1024;
static const uint32_t tx_ring_frames_default = 512;
static const uint32_t rx_big_bytes_default = 8 * 1024 * 1024;
/* What the host may hold of ours before it refuses more: never less than a full tx ring and some 64 KiB frames. */
static const int tx_buffer_bytes = 16 * 1024 * 1024;

struct packet_wire {
	struct lkl_wire wire;	/* first: the ops get a pointer to it */
	int fd;			/* rx ring, tx ring */
	int big_fd;		/* frames larger than a tx slot */
	char *map;
	size_t map_bytes;
	char *rx_ring, *tx_ring;
	uint32_t rx_mask, tx_mask;
	uint32_t rx_next;	/* oldest slot not released */
	uint32_t tx_next;
	uint32_t tx_queued;	/* slots filled since the last kick that took all */
};

static struct packet_wire *to_packet(struct lkl_wire *w)
{
	return (struct packet_wire *)w;
}

static struct tpacket2_hdr *rx_slot(struct packet_wire *p, uint32_t i)
{
	return (struct tpacket2_hdr *)(p->rx_ring + (size_t)(i & p->rx_mask) * SLOT_BYTES);
}

static struct tpacket2_hdr *tx_slot(struct packet_wire *p, uint32_t i)
{
	return (struct tpacket2_hdr *)(p->tx_ring + (size_t)(i & p->tx_mask) * SLOT_BYTES);
}

static uint32_t slot_status(const struct tpacket2_hdr *slot)
{
	return __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
}

static void slot_give(struct tpacket2_hdr *slot, uint32_t status)
{
	__atomic_store_n(&slot->tp_status, status, __ATOMIC_RELEASE);
}

/* ---- rx ---- */

static int packet_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);

	return slot_status(rx_slot(p, p->rx_next)) & TP_STATUS_USER;
}

/* Frames the host dropped for want of a slot; asking clears its counter, and with it TP_STATUS_LOSING. */
static void rx_count_losses(struct packet_wire *p)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	if (!getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		p->wire.stats[0].rx_dropped_total += stats.tp_drops;
}

/*
 * Describe the frame in a slot. 0: good. -errno: refused, counted. A frame that neither fits the slot nor was queued on
 * the socket (its buffer was full) is lost.
 */
static int rx_describe(struct packet_wire *p, struct tpacket2_hdr *slot, uint32_t status, struct lkl_rx_frame *frame)
{
	struct lkl_wire_stats *stats = &p->wire.stats[0];
	uint32_t mac = slot->tp_mac, snap_len = slot->tp_snaplen, len = slot->tp_len;
	int is_queued = !!(status & TP_STATUS_COPY);

	if (status & TP_STATUS_LOSING)
		rx_count_losses(p);
	if (mac < TPACKET2_HDRLEN - sizeof(struct sockaddr_ll) + VNET_BYTES || mac > SLOT_BYTES ||
	    snap_len > SLOT_BYTES - mac) {
		stats->rx_malformed_total++;
		return -EINVAL;
	}
	if (snap_len < len && !is_queued) {
		stats->rx_dropped_total++;
		return -ENOBUFS;
	}
	frame->data = (char *)slot + mac;
	frame->len = len;
	frame->head_len = snap_len;
	frame->flags = is_queued ? LKL_RX_FETCH : 0;
	memcpy(&frame->vnet, (char *)slot + mac - VNET_BYTES, VNET_BYTES);
	if (wire_frame_check(len, snap_len, &frame->vnet)) {
		stats->rx_malformed_total++;
		return -EINVAL;
	}
	return 0;
}

/* Take a queued frame off the socket and forget it: its slot was refused, and the queue must stay in step. */
static void rx_discard_queued(struct packet_wire *p)
{
	char byte;

	(void)!recv(p->fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC);
}

static int packet_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	struct packet_wire *p = to_packet(w);
	uint32_t n = 0;

	/*
	 * Refused slots are given back on the spot while nothing good lies before them; behind a good frame the burst
	 * ends, so that rx_release(n) always means the n slots from rx_next on.
	 */
	while (n < max) {
		struct tpacket2_hdr *slot = rx_slot(p, p->rx_next + n);
		uint32_t status = slot_status(slot);

		if (!(status & TP_STATUS_USER))
			break;
		if (rx_describe(p, slot, status, &frames[n])) {
			if (n)
				break;
			if (status & TP_STATUS_COPY)
				rx_discard_queued(p);
			slot_give(slot, TP_STATUS_KERNEL);
			p->rx_next++;
			continue;
		}
		n++;
	}
	return n;
}

static int packet_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			   struct lkl_vnet_hdr *vnet)
{
	struct packet_wire *p = to_packet(w);
	struct iovec pieces[1 + IOV_MAX_PIECES] = { { .iov_base = vnet, .iov_len = VNET_BYTES } };
	struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = 1 + iov_len };
	ssize_t n;

	if (!iov_len) {
		rx_discard_queued(p);
		return -ECANCELED;
	}
	if (iov_len > IOV_MAX_PIECES)
		return -EINVAL;
	memcpy(&pieces[1], iov, iov_len * sizeof(*iov));
	n = recvmsg(p->fd, &msg, MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	p->wire.stats[0].rx_fetched_total++;
	if (n < (ssize_t)VNET_BYTES || msg.msg_flags & MSG_TRUNC ||
	    wire_frame_check(n - VNET_BYTES, n - VNET_BYTES, vnet)) {
		p->wire.stats[0].rx_malformed_total++;
		return -EINVAL;
	}
	return n - VNET_BYTES;
}

static void packet_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	struct packet_wire *p = to_packet(w);

	p->wire.stats[0].rx_frames_total += n;
	while (n--) {
		struct tpacket2_hdr *slot = rx_slot(p, p->rx_next++);

		p->wire.stats[0].rx_bytes_total += slot->tp_len;
		slot_give(slot, TP_STATUS_KERNEL);
	}
}

/* ---- tx ---- */

static int packet_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);

	return slot_status(tx_slot(p, p->tx_next)) == TP_STATUS_AVAILABLE;
}

static void packet_kick(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);

	if (!p->tx_queued)
		return;
	p->wire.stats[0].kicks_total++;
	/*
	 * Whatever the answer, nothing is lost: frames that the host could not take now (ENOBUFS) stay in their slots for
	 * the next kick, and frames that it refuses are dropped and their slots freed (PACKET_LOSS).
	 */
	if (sendto(p->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0) {
		p->wire.stats[0].tx_errors_total++;
		if (slot_status(tx_slot(p, p->tx_next - 1)) == TP_STATUS_SEND_REQUEST)
			return;
	}
	p->tx_queued = 0;
}

static int tx_big(struct packet_wire *p, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov, uint32_t iov_len)
{
	struct iovec pieces[1 + IOV_MAX_PIECES] = { { .iov_base = (void *)vnet, .iov_len = VNET_BYTES } };
	struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = 1 + iov_len };

	if (iov_len > IOV_MAX_PIECES)
		return -EINVAL;
	packet_kick(&p->wire, 0);
	if (p->tx_queued)
		return -EAGAIN; /* the ring could not be flushed: wait, or order breaks */
	memcpy(&pieces[1], iov, iov_len * sizeof(*iov));
	if (sendmsg(p->big_fd, &msg, MSG_DONTWAIT) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS)
			return -EAGAIN;
		p->wire.stats[0].tx_errors_total++;
		return -errno;
	}
	p->wire.stats[0].tx_big_total++;
	return 0;
}

static int packet_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		     uint32_t iov_len, uint32_t len)
{
	struct packet_wire *p = to_packet(w);
	struct lkl_wire_stats *stats = &p->wire.stats[0];
	uint32_t i;
	int err;

	if (len > TX_SLOT_MAX) {
		err = tx_big(p, vnet, iov, iov_len);
		if (err) {
			stats->tx_full_total += err == -EAGAIN;
			return err;
		}
	} else {
		struct tpacket2_hdr *slot = tx_slot(p, p->tx_next);
		struct lkl_vnet_hdr hdr = *vnet;
		char *at = (char *)slot + TX_OFFSET;

		if (slot_status(slot) != TP_STATUS_AVAILABLE) {
			stats->tx_full_total++;
			return -EAGAIN;
		}
		hdr.hdr_len = len;
		memcpy(at, &hdr, VNET_BYTES);
		at += VNET_BYTES;
		for (i = 0; i < iov_len; i++) {
			memcpy(at, iov[i].base, iov[i].len);
			at += iov[i].len;
		}
		slot->tp_len = VNET_BYTES + len;
		slot_give(slot, TP_STATUS_SEND_REQUEST);
		p->tx_next++;
		p->tx_queued++;
	}
	stats->tx_frames_total++;
	stats->tx_bytes_total += len;
	return 0;
}

/* ---- open and close ---- */

static int packet_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return to_packet(w)->fd;
}

static void packet_close(struct lkl_wire *w)
{
	struct packet_wire *p = to_packet(w);

	if (p->map)
		munmap(p->map, p->map_bytes);
	if (p->fd >= 0)
		close(p->fd);
	if (p->big_fd >= 0)
		close(p->big_fd);
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
	.close = packet_close,
};

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static int set_ring(int fd, int name, uint32_t frames)
{
	struct tpacket_req req = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = frames / (BLOCK_BYTES / SLOT_BYTES),
		.tp_frame_size = SLOT_BYTES,
		.tp_frame_nr = frames,
	};

	return setsockopt(fd, SOL_PACKET, name, &req, sizeof(req)) ? -errno : 0;
}

static int bind_to(int fd, int ifindex, int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = ifindex,
	};

	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

/* MAC, MTU and index of a host interface that is an Ethernet and up. */
static int interface_read(int fd, const char *ifname, struct lkl_wire *w, int *ifindex, const char **what)
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	*what = "no such interface";
	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		return -errno;
	*ifindex = ifr.ifr_ifindex;
	*what = "its flags cannot be read";
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		return -errno;
	*what = "it is down; `ip link set up` it first";
	if (!(ifr.ifr_flags & IFF_UP))
		return -ENETDOWN;
	*what = "its MTU cannot be read";
	if (ioctl(fd, SIOCGIFMTU, &ifr))
		return -errno;
	w->mtu = ifr.ifr_mtu;
	*what = "its address cannot be read";
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		return -errno;
	*what = "it is not an Ethernet";
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	memcpy(w->mac, ifr.ifr_hwaddr.sa_data, sizeof(w->mac));
	return 0;
}

static int is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

int wire_packet_open(const struct lkl_wire_params *params, struct lkl_wire **out, char *err, size_t err_len)
{
	uint32_t rx_frames = params->rx_ring_frames ? params->rx_ring_frames : rx_ring_frames_default;
	uint32_t tx_frames = params->tx_ring_frames ? params->tx_ring_frames : tx_ring_frames_default;
	uint32_t big_bytes = params->rx_big_bytes ? params->rx_big_bytes : rx_big_bytes_default;
	const char *what = NULL;
	struct packet_wire *p;
	int ret, ifindex = 0;

	if (!is_power_of_two(rx_frames) || !is_power_of_two(tx_frames) || rx_frames < 64 || tx_frames < 64 ||
	    rx_frames > 65536 || tx_frames > 65536) {
		snprintf(err, err_len, "packet wire on %s: ring sizes must be powers of two from 64 to 65536",
			 params->ifname);
		return -EINVAL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->wire.ops = &packet_ops;
	p->wire.queues = 1;
	p->wire.features = (LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_RXCSUM | LKL_WIRE_F_RXGSO) &
			   ~params->disable_features;
	p->rx_mask = rx_frames - 1;
	p->tx_mask = tx_frames - 1;
	p->big_fd = -1;

	/* Protocol 0: nothing arrives before the rings are there and bind() names the protocol. */
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	p->big_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || p->big_fd < 0) {
		ret = -errno;
		what = "packet sockets need CAP_NET_RAW";
		goto err_close;
	}
	ret = interface_read(p->fd, params->ifname, &p->wire, &ifindex, &what);
	if (ret)
		goto err_close;

	/* In this order: the kernel refuses version and vnet_hdr once a ring exists. */
#define TRY(call, text) do { what = text; ret = (call); if (ret) goto err_close; } while (0)
	TRY(set_option(p->fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2), "PACKET_VERSION");
	TRY(set_option(p->fd, SOL_PACKET, PACKET_VNET_HDR, 1), "PACKET_VNET_HDR");
	TRY(set_option(p->fd, SOL_PACKET, PACKET_COPY_THRESH, 1), "PACKET_COPY_THRESH");
	TRY(set_option(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1), "PACKET_IGNORE_OUTGOING");
	TRY(set_option(p->fd, SOL_PACKET, PACKET_LOSS, 1), "PACKET_LOSS");
	TRY(set_option(p->fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1), "PACKET_QDISC_BYPASS");
	TRY(set_ring(p->fd, PACKET_RX_RING, rx_frames), "PACKET_RX_RING");
	TRY(set_ring(p->fd, PACKET_TX_RING, tx_frames), "PACKET_TX_RING");
	TRY(set_option(p->big_fd, SOL_PACKET, PACKET_VNET_HDR, 1), "PACKET_VNET_HDR");
	TRY(set_option(p->big_fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1), "PACKET_QDISC_BYPASS");
	/* Without CAP_NET_ADMIN the unforced forms apply, within the host's limits. */
	if (set_option(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, big_bytes))
		TRY(set_option(p->fd, SOL_SOCKET, SO_RCVBUF, big_bytes), "SO_RCVBUF");
	if (set_option(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, tx_buffer_bytes))
		TRY(set_option(p->fd, SOL_SOCKET, SO_SNDBUF, tx_buffer_bytes), "SO_SNDBUF");
	if (set_option(p->big_fd, SOL_SOCKET, SO_SNDBUFFORCE, tx_buffer_bytes))
		TRY(set_option(p->big_fd, SOL_SOCKET, SO_SNDBUF, tx_buffer_bytes), "SO_SNDBUF");
	TRY(bind_to(p->big_fd, ifindex, 0), "bind");

	p->map_bytes = (size_t)(rx_frames + tx_frames) * SLOT_BYTES;
	what = "mmap of the rings";
	p->map = mmap(NULL, p->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, p->fd, 0);
	if (p->map == MAP_FAILED) {
		ret = -errno;
		p->map = NULL;
		goto err_close;
	}
	p->rx_ring = p->map;
	p->tx_ring = p->map + (size_t)rx_frames * SLOT_BYTES;
	TRY(bind_to(p->fd, ifindex, ETH_P_ALL), "bind");
#undef TRY
	*out = &p->wire;
	return 0;

err_close:
	snprintf(err, err_len, "packet wire on %s: %s: %s", params->ifname, what, strerror(-ret));
	packet_close(&p->wire);
	return ret;
}
