// SPDX-License-Identifier: GPL-2.0-only
/*
 * netdev_fd.c - devices on descriptors of the host: tap, macvtap, two FIFOs; and raw, which is a wire
 *
 * One read() is one frame, one write() is one frame. tap and macvtap keep that themselves; the FIFOs do by O_DIRECT, "packet
 * mode" (pipe(2)), which holds for writes of up to 4096 bytes. The device's thread waits in poll() on the descriptor and on
 * an eventfd that poll_hup() writes.
 *
 * A raw device has no operations that anybody calls: netdev.c asks for its wire (wire/packet.c) and attaches that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netdev.h"
#include "vcpu.h"
#include "wire.h"

#define PIPE_FRAME_MAX 4096
#define VNET_BYTES 12

struct fd_netdev {
	struct lkl_netdev nd;	/* first */
	int rx_fd, tx_fd;	/* the same for a character device */
	int hup_fd;
	size_t frame_max;	/* longest write; 0: any */
};

static struct fd_netdev *of_netdev(struct lkl_netdev *nd)
{
	return (struct fd_netdev *)nd;
}

static int fd_tx(struct lkl_netdev *nd, struct iovec *iov, int cnt)
{
	struct fd_netdev *f = of_netdev(nd);
	size_t len = 0;
	ssize_t n;
	int i;

	for (i = 0; i < cnt; i++)
		len += iov[i].iov_len;
	if (f->frame_max && len > f->frame_max)
		return -EMSGSIZE;
	n = writev(f->tx_fd, iov, cnt);
	/* -EPERM would read as "full": see struct lkl_dev_net_ops. */
	return n >= 0 ? n : errno == EPERM ? -EIO : -errno;
}

static int fd_rx(struct lkl_netdev *nd, struct iovec *iov, int cnt)
{
	ssize_t n = readv(of_netdev(nd)->rx_fd, iov, cnt);

	return n >= 0 ? n : -errno;
}

static int fd_poll(struct lkl_netdev *nd)
{
	struct fd_netdev *f = of_netdev(nd);
	struct pollfd fds[] = { { .fd = f->rx_fd, .events = POLLIN }, { .fd = f->hup_fd, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (fds[1].revents || fds[0].revents & (POLLERR | POLLNVAL))
		return LKL_DEV_NET_POLL_HUP;
	return fds[0].revents & POLLIN ? LKL_DEV_NET_POLL_RX : LKL_DEV_NET_POLL_HUP;
}

static void fd_poll_hup(struct lkl_netdev *nd)
{
	uint64_t one = 1;

	(void)!write(of_netdev(nd)->hup_fd, &one, sizeof(one));
}

static void fd_free(struct lkl_netdev *nd)
{
	struct fd_netdev *f = of_netdev(nd);

	if (f->tx_fd != f->rx_fd && f->tx_fd >= 0)
		close(f->tx_fd);
	if (f->rx_fd >= 0)
		close(f->rx_fd);
	if (f->hup_fd >= 0)
		close(f->hup_fd);
	free(f);
}

static struct lkl_dev_net_ops fd_ops = {
	.tx = fd_tx,
	.rx = fd_rx,
	.poll = fd_poll,
	.poll_hup = fd_poll_hup,
	.free = fd_free,
};

static struct fd_netdev *fd_netdev_new(void)
{
	struct fd_netdev *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->nd.ops = &fd_ops;
	f->rx_fd = f->tx_fd = -1;
	f->hup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->hup_fd < 0) {
		free(f);
		return NULL;
	}
	return f;
}

/* tap and macvtap: one descriptor, the same ioctls. ifname NULL: the descriptor is bound to its interface. */
static struct lkl_netdev *tun_create(const char *path, const char *ifname, int offload)
{
	struct fd_netdev *f = fd_netdev_new();
	struct ifreq ifr = { 0 };
	int header_bytes = VNET_BYTES;
	unsigned int tun_offload = 0;

	if (!f)
		return NULL;
	if (ifname && strlen(ifname) >= sizeof(ifr.ifr_name))
		goto err_free;
	f->rx_fd = f->tx_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (f->rx_fd < 0)
		goto err_free;
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0);
	if (ifname)
		strcpy(ifr.ifr_name, ifname);
	if (ioctl(f->rx_fd, TUNSETIFF, &ifr))
		goto err_free;
	if (offload) {
		if (offload & LKL_NETDEV_OFFLOAD_GUEST_CSUM)
			tun_offload |= TUN_F_CSUM;
		if (offload & LKL_NETDEV_OFFLOAD_GUEST_TSO4)
			tun_offload |= TUN_F_TSO4 | TUN_F_CSUM;
		if (offload & LKL_NETDEV_OFFLOAD_GUEST_TSO6)
			tun_offload |= TUN_F_TSO6 | TUN_F_CSUM;
		if (ioctl(f->rx_fd, TUNSETVNETHDRSZ, &header_bytes) || ioctl(f->rx_fd, TUNSETOFFLOAD, tun_offload))
			goto err_free;
		f->nd.has_vnet_hdr = 1;
	}
	/* Frames for another address than the macvtap's own would not reach it. */
	if (!ifname && !ioctl(f->rx_fd, SIOCGIFHWADDR, &ifr))
		memcpy(f->nd.mac, ifr.ifr_hwaddr.sa_data, sizeof(f->nd.mac));
	return &f->nd;

err_free:
	fd_free(&f->nd);
	return NULL;
}

struct lkl_netdev *lkl_netdev_tap_create(const char *ifname, int offload)
{
	return tun_create("/dev/net/tun", ifname, offload);
}

struct lkl_netdev *lkl_netdev_macvtap_create(const char *path, int offload)
{
	return tun_create(path, NULL, offload);
}

/* Opened for both directions, so that neither end waits for the other, nor ends with it. */
static int fifo_open(const char *path)
{
	int fd, flags;

	if (mkfifo(path, 0600) && errno != EEXIST)
		return -1;
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_DIRECT)) {
		close(fd);
		return -1;
	}
	return fd;
}

struct lkl_netdev *lkl_netdev_pipe_create(const char *ifname, int offload)
{
	struct fd_netdev *f;
	char rx_path[256];
	const char *bar = strchr(ifname, '|');

	if (!bar || offload || (size_t)(bar - ifname) >= sizeof(rx_path))
		return NULL;
	f = fd_netdev_new();
	if (!f)
		return NULL;
	memcpy(rx_path, ifname, bar - ifname);
	rx_path[bar - ifname] = '\0';
	f->frame_max = PIPE_FRAME_MAX;
	f->rx_fd = fifo_open(rx_path);
	f->tx_fd = fifo_open(bar + 1);
	if (f->rx_fd < 0 || f->tx_fd < 0) {
		fd_free(&f->nd);
		return NULL;
	}
	return &f->nd;
}

/* ---- raw ---- */

struct raw_netdev {
	struct lkl_netdev nd;	/* first */
	struct lkl_wire *wire;
	int is_used;		/* the vCPU polls the wire's descriptor for ever */
};

static int raw_refuse(struct lkl_netdev *nd, struct iovec *iov, int cnt)
{
	return -EOPNOTSUPP;
}

static int raw_poll(struct lkl_netdev *nd)
{
	return -EOPNOTSUPP;
}

static void raw_free(struct lkl_netdev *nd)
{
	struct raw_netdev *raw = (struct raw_netdev *)nd;

	if (!raw->is_used)
		raw->wire->ops->close(raw->wire);
	free(raw);
}

static struct lkl_dev_net_ops raw_ops = {
	.tx = raw_refuse,
	.rx = raw_refuse,
	.poll = raw_poll,
	.free = raw_free,
};

struct lkl_wire *lkl__netdev_raw_wire(struct lkl_netdev *nd)
{
	if (nd->ops != &raw_ops)
		return NULL;
	((struct raw_netdev *)nd)->is_used = 1;
	return ((struct raw_netdev *)nd)->wire;
}

struct lkl_netdev *lkl_netdev_raw_create(const char *ifname)
{
	struct lkl_wire_params params = { .ifname = ifname };
	struct raw_netdev *raw = calloc(1, sizeof(*raw));
	char text[256];

	if (!raw)
		return NULL;
	raw->nd.ops = &raw_ops;
	if (wire_packet_open(&params, &raw->wire, text, sizeof(text))) {
		free(raw);
		return NULL;
	}
	return &raw->nd;
}

/* ---- all ---- */

void lkl_netdev_free(struct lkl_netdev *nd)
{
	if (nd && nd->ops && nd->ops->free)
		nd->ops->free(nd);
}

struct lkl_netdev *lkl_netdev_vde_create(const char *switch_path)
{
	return NULL;
}

struct lkl_netdev *lkl_netdev_dpdk_create(const char *ifname, int offload, unsigned char *mac)
{
	return NULL;
}

struct lkl_netdev *lkl_netdev_wintap_create(const char *ifparams)
{
	return NULL;
}
