/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netdev.h - network devices as programs for LKL make them: one packet per call
 *
 * A struct lkl_netdev is a table of operations of the program's own, or comes from a constructor below. lkl_netdev_add()
 * makes a wire of it (lkl/host_ops.h): packets to send go to ops->tx() by function call; received ones are read by a
 * thread of the device, which waits in ops->poll(), and reach the instance through a queue of 256 packets. While that
 * queue is full the thread reads nothing, and what comes stays in the device behind it.
 *
 * One call, one packet and one copy each way: what a wire of our own does in bursts. For throughput write a wire.
 *
 * Inside, a device appears as an interface named eth0, eth1 ...: the number is the device's id.
 *
 * Threads: [any] means any thread of the program; the other calls say when they are made.
 *
 * Included by lkl/lkl.h.
 */
#ifndef LKL_NETDEV_H
#define LKL_NETDEV_H

#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What ops->poll() returns. TX is accepted and means nothing: a device that was full is tried again by a timer. */
#define LKL_DEV_NET_POLL_RX 1
#define LKL_DEV_NET_POLL_TX 2
#define LKL_DEV_NET_POLL_HUP 4

/* Bits of an offload mask: 1 << VIRTIO_NET_F_* (VIRTIO 1.2, 5.1.3). They need a device with has_vnet_hdr. */
#define LKL_NETDEV_OFFLOAD_CSUM (1 << 0)	/* tx: the device completes checksums */
#define LKL_NETDEV_OFFLOAD_GUEST_CSUM (1 << 1)	/* rx: headers say whether a checksum is right */
#define LKL_NETDEV_OFFLOAD_GUEST_TSO4 (1 << 7)	/* rx: packets above the MTU may come */
#define LKL_NETDEV_OFFLOAD_GUEST_TSO6 (1 << 8)
#define LKL_NETDEV_OFFLOAD_HOST_TSO4 (1 << 11)	/* tx: packets above the MTU may be sent; need CSUM */
#define LKL_NETDEV_OFFLOAD_HOST_TSO6 (1 << 12)
#define LKL_NETDEV_OFFLOAD_MRG_RXBUF (1 << 15)	/* accepted, changes nothing */

struct lkl_netdev;

struct lkl_dev_net_ops {
	/*
	 * Send one Ethernet frame, gathered from cnt pieces; with has_vnet_hdr the first 12 bytes are a struct
	 * virtio_net_hdr_v1. Called on the thread that runs the vCPU, which may be any that has made a
	 * system call: must not block and must not call the library. Returns the number of
	 * bytes sent, or < 0: -EAGAIN (or -1 from a device that knows no other) means full, and the frame is offered again
	 * about 200 us later; any other error drops it.
	 */
	int (*tx)(struct lkl_netdev *nd, struct iovec *iov, int cnt);
	/*
	 * Receive one frame into cnt pieces, in the same form. Called on the device's thread after poll() said RX, again and
	 * again until it returns < 0 (nothing there) or 0. Returns the number of bytes.
	 */
	int (*rx)(struct lkl_netdev *nd, struct iovec *iov, int cnt);
	/* Wait for packets; returns a mask of LKL_DEV_NET_POLL_*, or < 0 to end. Called on the device's thread. */
	int (*poll)(struct lkl_netdev *nd);
	/* Make poll() return HUP, now or next time. Called on the thread that removes the device. NULL: poll() ends by itself. */
	void (*poll_hup)(struct lkl_netdev *nd);
	/* [optional] The instance's MAC address has been chosen (lkl_netdev_args), 6 bytes. */
	int (*set_mac)(struct lkl_netdev *nd, const unsigned char *addr);
	/* [optional] Free nd. From lkl_netdev_free(). */
	void (*free)(struct lkl_netdev *nd);
};

struct lkl_netdev {
	struct lkl_dev_net_ops *ops;
	int id;			/* set by lkl_netdev_add() */
	uint8_t has_vnet_hdr : 1;
	uint8_t mac[6];
};

struct lkl_netdev_args {
	void *mac;		/* 6 bytes; NULL: nd->mac, or if that is 0 a random one */
	unsigned int offload;	/* mask of LKL_NETDEV_OFFLOAD_* */
};

/*
 * [any] Add a device: before lkl_start_kernel(), then the interface is there when that returns, or after. nd stays the
 * caller's and must live until it was removed; args are copied, NULL means none. Returns an id >= 0, or -EINVAL (no ops,
 * no tx, rx or poll), -ENOSPC (16 devices, removed ones included), -ENOMEM, -EAGAIN (no thread), or what the instance says.
 */
int lkl_netdev_add(struct lkl_netdev *nd, struct lkl_netdev_args *args);

/*
 * [any] Take a device away: its interface goes down for good, its thread ends. Waits for that thread: ops->poll() must
 * end after ops->poll_hup(). The interface stays in the instance's list. Unknown ids are ignored.
 */
void lkl_netdev_remove(int id);

/* [any] Free a device that was removed or never added: ops->free(nd), if there is one. */
void lkl_netdev_free(struct lkl_netdev *nd);

/* [any] Interface index > 0. -ESRCH: no such device, or the instance has not booted; or the error of adding it. */
int lkl_netdev_get_ifindex(int id);

/* Packets that a device lost, by reason, since it was added; racily readable while it runs. */
struct lkl_netdev_stats {
	uint64_t rx_full_total;		/* times the queue was full and reading paused; nothing is lost by that here */
	uint64_t rx_errors_total;	/* shorter than a header, or longer than 65535 + 18 bytes */
	uint64_t tx_full_total;		/* refused by a full device, offered again */
	uint64_t tx_errors_total;	/* refused for another reason, dropped */
};

/* [any] -ESRCH: no such device. -EOPNOTSUPP: a device from lkl_netdev_raw_create(); ask ethtool inside. */
int lkl_netdev_get_stats(int id, struct lkl_netdev_stats *stats);

/*
 * [any] Constructors. Each returns a device to pass to lkl_netdev_add() and free with lkl_netdev_free(), or NULL if the
 * host refuses. `offload` is a mask of LKL_NETDEV_OFFLOAD_*; the same is to be passed to lkl_netdev_add().
 */
/* A tap interface of the host, made if it does not exist. Needs CAP_NET_ADMIN unless it was made for this user. */
struct lkl_netdev *lkl_netdev_tap_create(const char *ifname, int offload);
/* The character device of a macvtap interface, /dev/tapN. */
struct lkl_netdev *lkl_netdev_macvtap_create(const char *path, int offload);
/* An interface of the host by AF_PACKET rings, the wire `packet`; it has to be up. Needs CAP_NET_RAW. */
struct lkl_netdev *lkl_netdev_raw_create(const char *ifname);
/*
 * Two FIFOs, "RX|TX", made if they do not exist; a packet is one write of at most 4096 bytes. The peer names them the
 * other way round. `offload` may only be 0.
 */
struct lkl_netdev *lkl_netdev_pipe_create(const char *ifname, int offload);
/* Not in this library: NULL. */
struct lkl_netdev *lkl_netdev_vde_create(const char *switch_path);
struct lkl_netdev *lkl_netdev_dpdk_create(const char *ifname, int offload, unsigned char *mac);
struct lkl_netdev *lkl_netdev_wintap_create(const char *ifparams);

#ifdef __cplusplus
}
#endif

#endif /* LKL_NETDEV_H */
