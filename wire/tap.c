// SPDX-License-Identifier: GPL-2.0-only
/*
 * tap.c - the `tap` wire: a TAP interface of the host, whose other end is the stack
 *
 * Theory of operation
 *
 * The interface is made if it does not exist, and then goes away with the wire. What the host sends
 * on it the stack receives, and the other way round. IFF_VNET_HDR puts a virtio_net_hdr before
 * every frame, so that segmentation and checksums pass whole in both directions; TUNSETOFFLOAD
 * tells the host what it may leave to us (checksum, TSO, and USO on hosts that have it).
 *
 * With queues=N (IFF_MULTI_QUEUE) each wire queue is a descriptor of its own. The host spreads flows
 * over them by hash, sending each flow to the queue that its last frame came from, or as the BPF
 * program given to wire_tap_steer() says.
 *
 *	rx	one read() a frame, straight into a slot of the queue: virtio_net_hdr and frame
 *	tx	one writev() a frame, at once: kick() has nothing to do
 *
 * A descriptor cannot be looked at without a host call. So rx_ready() asks poll() once in some 10 us
 * at most, and rx_burst() reads until there is nothing.
 *
 * wait_fd is an epoll instance around the queue's descriptor: when the interface is deleted the
 * descriptor reports an error for ever, and tend() takes it out, so that waiting sleeps.
 *
 * Bounds: SLOTS frames a queue are held here (16.8 MiB of address space, of which only touched
 * pages count); more wait in the interface's own queue (txqueuelen), behind which the host drops and
 * counts (tx_dropped of the interface). A write that finds no memory in the host is -EAGAIN. Frames
 * for an interface that is down or gone are dropped (tx_down_total).
 *
 * Limits: a host call per frame, which a 64 KiB frame is worth and a small one is not: packet or xdp
 * are faster there. The interface's own address belongs to the host's end; the stack gets another.
 */
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "common.h"
#include "spec.h"
#include "tap.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define SLOTS 256u /* == RX_LIST_MAX */
/*
 * A slot: the virtio_net_hdr ends where the frame begins, and the IP header lies on a multiple of
 * 16. The odd 128 bytes keep slots from sharing cache sets.
 */
#define SLOT_BYTES 65664u
#define SLOT_VNET 56u
#define SLOT_FRAME (SLOT_VNET + (uint32_t)sizeof(struct lkl_vnet_hdr))

_Static_assert(SLOT_FRAME + WIRE_FRAME_MAX <= SLOT_BYTES, "slot");
_Static_assert((SLOT_FRAME + ETH_HLEN) % 16 == 0, "alignment of the IP header");

struct tap_queue {
	int fd, epoll_fd;
	uint32_t is_gone;	/* the interface was deleted */
	struct wire_look look;
	uint8_t *slots;
	struct rx_list list;
};

struct tap_wire {
	struct lkl_wire wire; /* first */
	uint32_t has_vnet, has_uso;
	int ctl_fd;	/* socket for interface requests */
	struct ifreq ifr;
	struct tap_queue *queues;
};

static struct tap_wire *to_tap(struct lkl_wire *w)
{
	return (struct tap_wire *)w;
}

static int tap_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct tap_queue *q = &to_tap(w)->queues[queue];

	return !q->is_gone && wire_look(&q->look, q->fd, WIRE_LOOK_TICKS);
}

static void tap_gone(struct tap_queue *q)
{
	if (q->is_gone)
		return;
	q->is_gone = 1;
	epoll_ctl(q->epoll_fd, EPOLL_CTL_DEL, q->fd, NULL);
}

static int tap_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	struct tap_wire *t = to_tap(w);
	struct tap_queue *q = &t->queues[queue];
	struct lkl_wire_stats *stats = &w->stats[queue];
	uint32_t n = 0, refused = 0;

	wire_look_taken(&q->look);
	while (n < max && refused < max && rx_list_outstanding(&q->list) < SLOTS && !q->is_gone) {
		uint8_t *slot = q->slots + (size_t)(q->list.head % SLOTS) * SLOT_BYTES;
		struct lkl_vnet_hdr vnet = { 0 };
		ssize_t len;

		stats->calls_total++;
		len = read(q->fd, slot + (t->has_vnet ? SLOT_VNET : SLOT_FRAME),
			   WIRE_FRAME_MAX + (t->has_vnet ? sizeof(vnet) : 0));
		if (len < 0) {
			if (errno == EBADFD)
				tap_gone(q);
			break;
		}
		if (t->has_vnet) {
			memcpy(&vnet, slot + SLOT_VNET, sizeof(vnet));
			len -= (ssize_t)sizeof(vnet);
			vnet.flags &= LKL_VNET_F_NEEDS_CSUM | LKL_VNET_F_DATA_VALID;
		}
		if (len < ETH_HLEN || !packet_vnet_ok(&vnet, (uint32_t)len)) {
			stats->rx_malformed_total++;
			refused++;
			continue;
		}
		rx_list_push(&q->list, slot + SLOT_FRAME, (uint32_t)len, &vnet, 0, &frames[n++]);
		stats->rx_bytes_total += (uint64_t)len;
	}
	stats->rx_frames_total += n;
	return (int)n;
}

static int tap_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			struct lkl_vnet_hdr *vnet)
{
	w->stats[queue].rx_fetched_total++;
	return rx_list_fetch(&to_tap(w)->queues[queue].list, iov, iov_len, vnet);
}

static void tap_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	rx_list_release(&to_tap(w)->queues[queue].list, n, 0);
}

static int tap_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet,
		  const struct lkl_iov *iov, uint32_t iov_len, uint32_t len)
{
	struct tap_wire *t = to_tap(w);
	struct lkl_wire_stats *stats = &w->stats[queue];
	struct iovec pieces[WIRE_IOV_MAX + 1];
	uint32_t i, k = 0;
	uint64_t sum = 0;
	int err = wire_tx_check(w, vnet, iov_len, len);

	if (err)
		goto refused;
	if (t->has_vnet)
		pieces[k++] = (struct iovec){ (void *)vnet, sizeof(*vnet) };
	for (i = 0; i < iov_len; i++) {
		pieces[k++] = (struct iovec){ iov[i].base, iov[i].len };
		sum += iov[i].len;
	}
	err = -EINVAL;
	if (sum != len)
		goto refused;
	stats->kicks_total++;
	stats->calls_total++;
	if (writev(t->queues[queue].fd, pieces, (int)k) < 0) {
		err = -errno;
		if (err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM || err == -EINTR) {
			stats->tx_full_total++;
			return -EAGAIN;
		}
		if (err == -EIO || err == -EBADFD) {
			stats->tx_down_total++;
			return err;
		}
		goto refused;
	}
	stats->tx_frames_total++;
	stats->tx_bytes_total += len;
	if (len > w->mtu + ETH_HLEN)
		stats->tx_big_total++;
	return 0;

refused:
	stats->tx_errors_total++;
	return err;
}

static int tap_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	return 1;
}

static void tap_kick(struct lkl_wire *w, uint32_t queue)
{
}

static int tap_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return to_tap(w)->queues[queue].epoll_fd;
}

static void tap_tend(struct lkl_wire *w, uint32_t queue)
{
	struct tap_wire *t = to_tap(w);
	struct tap_queue *q = &t->queues[queue];
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	struct ifreq ifr = t->ifr;

	if (!q->is_gone && poll(&p, 1, 0) > 0 && p.revents & POLLERR)
		tap_gone(q);
	if (!queue)
		w->link_down = q->is_gone || ioctl(t->ctl_fd, SIOCGIFFLAGS, &ifr) || !(ifr.ifr_flags & IFF_UP);
}

/* What the host may send us, by the wire's receive features. -errno: it knows no such flag. */
static int set_offload(int fd, uint32_t features, int has_uso)
{
	unsigned long flags = 0;

	if (features & LKL_WIRE_F_RXCSUM) {
		flags |= TUN_F_CSUM;
		if (features & LKL_WIRE_F_RXGSO)
			flags |= TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | (has_uso ? TUN_F_USO4 | TUN_F_USO6 : 0);
	}
	return ioctl(fd, TUNSETOFFLOAD, flags) ? -errno : 0;
}

static int tap_set_rx_offloads(struct lkl_wire *w, uint32_t features)
{
	struct tap_wire *t = to_tap(w);

	return t->has_vnet ? set_offload(t->queues[0].fd, features & w->features, t->has_uso) : 0;
}

static void tap_close(struct lkl_wire *w)
{
	struct tap_wire *t = to_tap(w);
	uint32_t i;

	for (i = 0; t->queues && i < w->queues; i++) {
		struct tap_queue *q = &t->queues[i];

		if (q->slots)
			munmap(q->slots, (size_t)SLOTS * SLOT_BYTES);
		if (q->epoll_fd >= 0)
			close(q->epoll_fd);
		if (q->fd >= 0)
			close(q->fd);
	}
	if (t->ctl_fd >= 0)
		close(t->ctl_fd);
	free(t->queues);
	wire_free(w);
}

static const struct lkl_wire_ops tap_ops = {
	.name = "tap",
	.rx_ready = tap_rx_ready,
	.rx_burst = tap_rx_burst,
	.rx_fetch = tap_rx_fetch,
	.rx_release = tap_rx_release,
	.tx = tap_tx,
	.tx_ready = tap_tx_ready,
	.kick = tap_kick,
	.wait_fd = tap_wait_fd,
	.tend = tap_tend,
	.set_rx_offloads = tap_set_rx_offloads,
	.close = tap_close,
};

int wire_tap_steer(struct lkl_wire *w, int prog_fd)
{
	if (w->ops != &tap_ops || w->queues < 2)
		return -EINVAL;
	return ioctl(to_tap(w)->queues[0].fd, TUNSETSTEERINGEBPF, &prog_fd) ? -errno : 0;
}

/* ---- open ------------------------------------------------------------------------------------ */

struct tap_conf {
	char ifname[IFNAMSIZ];
	uint32_t queues, mtu, up, vnet, off;
	uint8_t mac[6];
};

static const struct wire_opt tap_opts[] = {
	{ "if", WIRE_O_STRING, offsetof(struct tap_conf, ifname), 1, IFNAMSIZ - 1, NULL, WIRE_O_REQUIRED, NULL,
	  "host interface; made if there is none" },
	{ "queues", WIRE_O_UINT, offsetof(struct tap_conf, queues), 1, LKL_WIRE_QUEUES_MAX, NULL, 0, "1",
	  "queues; more than 1 needs a multi-queue interface" },
	{ "mtu", WIRE_O_UINT, offsetof(struct tap_conf, mtu), 68, 65521, NULL, 0, NULL,
	  "MTU to give the interface; without it the interface's own is taken" },
	{ "mac", WIRE_O_MAC, offsetof(struct tap_conf, mac), 0, 0, NULL, 0, NULL,
	  "the stack's address; without it one by chance" },
	{ "up", WIRE_O_FLAG, offsetof(struct tap_conf, up), 0, 0, NULL, 0, "no", "set the interface up" },
	{ "vnet", WIRE_O_FLAG, offsetof(struct tap_conf, vnet), 0, 0, NULL, 0, "yes",
	  "offload metadata; without it no offload at all" },
	{ "off", WIRE_O_FEATURES, offsetof(struct tap_conf, off), 0, 0x3f, NULL, 0, NULL, "offloads to leave out" },
};

static int open_queue(struct tap_wire *t, struct tap_queue *q, uint32_t queues, char *err, size_t err_len)
{
	struct epoll_event ev = { .events = EPOLLIN };
	const char *name = t->ifr.ifr_name;
	struct ifreq ifr = t->ifr;
	int ret;

	q->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (q->fd < 0) {
		ret = -errno;
		wire_say(err, err_len, "tap: /dev/net/tun: %s", strerror(errno));
		return ret;
	}
	ifr.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (t->has_vnet ? IFF_VNET_HDR : 0) |
				(queues > 1 ? IFF_MULTI_QUEUE : 0));
	if (ioctl(q->fd, TUNSETIFF, &ifr)) {
		ret = -errno;
		wire_say(err, err_len, "tap: %s: %s%s", name, strerror(errno),
			 errno == EINVAL ? " (no TAP interface, or one with other flags: multi_queue, vnet_hdr)" :
			 errno == EPERM ? " (making or attaching an interface needs CAP_NET_ADMIN or to own it)" :
			 errno == EBUSY ? " (somebody holds it)" : "");
		return ret;
	}
	q->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	q->slots = mmap(NULL, (size_t)SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (q->slots == MAP_FAILED)
		q->slots = NULL;
	if (q->epoll_fd < 0 || !q->slots || epoll_ctl(q->epoll_fd, EPOLL_CTL_ADD, q->fd, &ev)) {
		ret = errno ? -errno : -ENOMEM;
		wire_say(err, err_len, "tap: %s: receive queue: %s", name, strerror(-ret));
		return ret;
	}
	return 0;
}

static int interface_request(struct tap_wire *t, unsigned long request, const char *what, char *err,
			     size_t err_len)
{
	int ret;

	if (!ioctl(t->ctl_fd, request, &t->ifr))
		return 0;
	ret = -errno;
	wire_say(err, err_len, "tap: %s: cannot %s: %s", t->ifr.ifr_name, what, strerror(errno));
	return ret;
}

static int set_up_interface(struct tap_wire *t, const struct tap_conf *c, char *err, size_t err_len)
{
	int ret;

	t->ctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->mtu) {
		t->ifr.ifr_mtu = (int)c->mtu;
		ret = interface_request(t, SIOCSIFMTU, "set its MTU", err, err_len);
		if (ret)
			return ret;
	}
	ret = interface_request(t, SIOCGIFMTU, "read its MTU", err, err_len);
	if (ret)
		return ret;
	t->wire.mtu = (uint32_t)t->ifr.ifr_mtu;
	if (c->up) {
		ret = interface_request(t, SIOCGIFFLAGS, "read its flags", err, err_len);
		t->ifr.ifr_flags |= IFF_UP;
		if (!ret)
			ret = interface_request(t, SIOCSIFFLAGS, "set it up", err, err_len);
	}
	return ret;
}

static int tap_open(const void *conf, struct lkl_wire **out, char *err, size_t err_len)
{
	const struct tap_conf *c = conf;
	struct tap_wire *t = wire_new(sizeof(*t), c->queues);
	int ret = -ENOMEM;
	uint32_t i;

	if (!t)
		return -ENOMEM;
	t->ctl_fd = -1;
	t->has_vnet = c->vnet;
	strcpy(t->ifr.ifr_name, c->ifname);
	t->queues = calloc(c->queues, sizeof(*t->queues));
	if (!t->queues)
		goto err_close;
	for (i = 0; i < c->queues; i++)
		t->queues[i].fd = t->queues[i].epoll_fd = -1;
	for (i = 0; i < c->queues; i++) {
		ret = open_queue(t, &t->queues[i], c->queues, err, err_len);
		if (ret)
			goto err_close;
	}
	ret = set_up_interface(t, c, err, err_len);
	if (ret)
		goto err_close;
	memcpy(t->wire.mac, c->mac, 6);
	ret = wire_mac_or_random(t->wire.mac);
	if (ret)
		goto err_close;
	if (c->vnet) {
		t->wire.features = (LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_USO |
				    LKL_WIRE_F_RXCSUM | LKL_WIRE_F_RXGSO) & ~c->off;
		/* Hosts that can give us UDP segments can take them, too (Linux 6.2). */
		t->has_uso = !ioctl(t->queues[0].fd, TUNSETOFFLOAD,
				 (unsigned long)(TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6));
		if (!t->has_uso)
			t->wire.features &= ~LKL_WIRE_F_USO;
		ret = set_offload(t->queues[0].fd, t->wire.features, t->has_uso);
		if (ret) {
			wire_say(err, err_len, "tap: %s: TUNSETOFFLOAD: %s", c->ifname, strerror(-ret));
			goto err_close;
		}
	}
	t->wire.ops = &tap_ops;
	t->wire.mtu_max = 65521;
	tap_tend(&t->wire, 0);
	*out = &t->wire;
	return 0;

err_close:
	tap_close(&t->wire);
	return ret;
}

const struct wire_type wire_tap_type = {
	.name = "tap",
	.help = "TAP interface of the host",
	.privileges = "CAP_NET_ADMIN, or an interface made for the user (ip tuntap add ... user NAME)",
	.opts = tap_opts,
	.opts_len = sizeof(tap_opts) / sizeof(tap_opts[0]),
	.conf_bytes = sizeof(struct tap_conf),
	.open = tap_open,
};
