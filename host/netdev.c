// SPDX-License-Identifier: GPL-2.0-only
/*
 * netdev.c - a wire made of one-packet-per-call operations (lkl/netdev.h)
 *
 *   device thread                             vCPU's thread
 *   poll() -> rx() -> slot, head++   ===>     rx_burst() describes slots, rx_release() tail++
 *                     event if asked          tx() -> ops->tx()
 *
 * The queue is a ring of slots with one producer and one consumer: head is written by the device's thread, tail by the
 * vCPU's, both run freely. A slot is as large as the largest frame; the pages of a slot that were never touched cost
 * nothing. A full ring stops the producer (a semaphore), so that packets wait in the device behind it.
 *
 * The event descriptor is the wire's wait_fd. It is written once per time the ring was found empty: `signalled` is set by
 * the producer that writes it and cleared by the consumer that finds nothing, which looks at the ring again afterwards.
 * That costs two host calls for each time the vCPU runs dry, and works whichever vCPU the queue belongs to.
 *
 * Devices are kept in a table until the instance has halted and lkl_cleanup() was called: the vCPU goes on polling the
 * descriptor of a wire it was given, and so a removed device keeps its wire and its event descriptor. A device that was
 * not removed is attached again at the next boot.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "netdev.h"
#include "vcpu.h"

#define DEVICES_MAX 16
#define SLOTS 256		/* power of two */
#define FRAME_MIN 14
#define FRAME_MAX (65535 + 18)
#define VNET_BYTES 12		/* struct virtio_net_hdr_v1: struct lkl_vnet_hdr and a count of buffers */
#define FRAME_OFFSET 18		/* in a slot: the IP header lands on a multiple of 16, the vnet header fits before */
#define SLOT_BYTES 65600	/* FRAME_OFFSET + FRAME_MAX, rounded up to 64 */
#define LINEAR_MAX 4096		/* larger frames go into page fragments (LKL_RX_FETCH) */
#define TX_PIECES_MAX 64

struct device {
	struct lkl_wire wire;	/* first */
	struct lkl_wire_stats wire_stats;
	struct lkl_wire *used;	/* &wire, or that of a raw device; NULL: not attached */
	struct lkl_netdev *nd;
	struct lkl_netdev_stats stats;
	int id;
	int ifindex;		/* of the instance; 0: not attached yet; < 0: the error of attaching */
	int is_removed;
	int has_thread;
	pthread_t thread;
	int event_fd;

	/* the ring */
	char *slots;
	struct lkl_vnet_hdr vnets[SLOTS];
	uint32_t lens[SLOTS];
	uint32_t head;		/* device's thread */
	uint32_t tail;		/* vCPU: released */
	uint32_t described;	/* vCPU: handed out by rx_burst() */
	uint32_t fetched;	/* vCPU: up to here, frames with LKL_RX_FETCH have been fetched */
	int signalled;
	int wants_space;
	sem_t space;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* the table */
static struct device *devices[DEVICES_MAX];

static char *slot_frame(struct device *d, uint32_t i)
{
	return d->slots + (size_t)(i % SLOTS) * SLOT_BYTES + FRAME_OFFSET;
}

/* ---- the device's thread ---- */

static int is_stopped(const struct device *d)
{
	return __atomic_load_n(&d->is_removed, __ATOMIC_ACQUIRE);
}

static int is_full(const struct device *d)
{
	return d->head - __atomic_load_n(&d->tail, __ATOMIC_SEQ_CST) == SLOTS;
}

static void space_wait(struct device *d)
{
	d->stats.rx_full_total++;
	while (is_full(d) && !is_stopped(d)) {
		__atomic_store_n(&d->wants_space, 1, __ATOMIC_SEQ_CST);
		if (is_full(d) && !is_stopped(d))
			while (sem_wait(&d->space) && errno == EINTR)
				;
	}
}

static void event_signal(struct device *d)
{
	uint64_t one = 1;

	if (!__atomic_exchange_n(&d->signalled, 1, __ATOMIC_SEQ_CST))
		(void)!write(d->event_fd, &one, sizeof(one));
}

/* All packets that the device has. */
static void receive(struct device *d)
{
	const size_t header = d->nd->has_vnet_hdr ? VNET_BYTES : 0;

	while (!is_stopped(d)) {
		uint32_t slot = d->head % SLOTS;
		struct iovec iov = { .iov_len = FRAME_MAX + header };
		int n;

		if (is_full(d))
			space_wait(d);
		if (is_stopped(d))
			return;
		iov.iov_base = slot_frame(d, d->head) - header;
		n = d->nd->ops->rx(d->nd, &iov, 1);
		if (n <= 0)
			return;
		if (n < (int)(FRAME_MIN + header) || n > (int)(FRAME_MAX + header)) {
			d->stats.rx_errors_total++;
			continue;
		}
		memset(&d->vnets[slot], 0, sizeof(d->vnets[slot]));
		if (d->wire.features & LKL_WIRE_F_RXCSUM)
			memcpy(&d->vnets[slot], slot_frame(d, d->head) - VNET_BYTES, sizeof(d->vnets[slot]));
		d->lens[slot] = n - header;
		__atomic_store_n(&d->head, d->head + 1, __ATOMIC_SEQ_CST);
		event_signal(d);
	}
}

static void *device_thread(void *arg)
{
	struct device *d = arg;

	while (!is_stopped(d)) {
		int mask = d->nd->ops->poll(d->nd);

		if (mask < 0 || mask & LKL_DEV_NET_POLL_HUP)
			break;
		if (mask & LKL_DEV_NET_POLL_RX)
			receive(d);
	}
	return NULL;
}

/* ---- the wire ---- */

static struct device *of_wire(struct lkl_wire *w)
{
	return (struct device *)w;
}

static int netdev_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct device *d = of_wire(w);

	return __atomic_load_n(&d->head, __ATOMIC_ACQUIRE) != d->described;
}

static int netdev_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	struct device *d = of_wire(w);
	uint32_t head = __atomic_load_n(&d->head, __ATOMIC_ACQUIRE), n = 0;
	uint64_t count;

	if (head == d->described && __atomic_load_n(&d->signalled, __ATOMIC_RELAXED)) {
		(void)!read(d->event_fd, &count, sizeof(count));
		__atomic_store_n(&d->signalled, 0, __ATOMIC_SEQ_CST);
		head = __atomic_load_n(&d->head, __ATOMIC_SEQ_CST);
	}
	for (; n < max && d->described != head; n++, d->described++) {
		uint32_t slot = d->described % SLOTS;

		frames[n].data = slot_frame(d, d->described);
		frames[n].len = d->lens[slot];
		frames[n].flags = d->lens[slot] > LINEAR_MAX ? LKL_RX_FETCH : 0;
		frames[n].head_len = d->lens[slot] > LINEAR_MAX ? LINEAR_MAX : d->lens[slot];
		frames[n].vnet = d->vnets[slot];
		w->stats[0].rx_frames_total++;
		w->stats[0].rx_bytes_total += d->lens[slot];
	}
	return n;
}

static int netdev_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			   struct lkl_vnet_hdr *vnet)
{
	struct device *d = of_wire(w);
	uint32_t slot, i, copied = 0;

	if ((int32_t)(d->fetched - d->tail) < 0)
		d->fetched = d->tail;
	while (d->fetched != d->described && d->lens[d->fetched % SLOTS] <= LINEAR_MAX)
		d->fetched++;
	if (d->fetched == d->described)
		return -EINVAL;
	slot = d->fetched % SLOTS;
	for (i = 0; i < iov_len && copied < d->lens[slot]; i++) {
		uint32_t n = d->lens[slot] - copied;

		if (n > iov[i].len)
			n = iov[i].len;
		memcpy(iov[i].base, slot_frame(d, d->fetched) + copied, n);
		copied += n;
	}
	*vnet = d->vnets[slot];
	d->fetched++;
	w->stats[0].rx_fetched_total++;
	return copied == d->lens[slot] ? (int)copied : -EMSGSIZE;
}

static void netdev_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	struct device *d = of_wire(w);

	__atomic_store_n(&d->tail, d->tail + n, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&d->wants_space, __ATOMIC_SEQ_CST) &&
	    __atomic_exchange_n(&d->wants_space, 0, __ATOMIC_SEQ_CST))
		sem_post(&d->space);
}

static int netdev_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		     uint32_t iov_len, uint32_t len)
{
	struct device *d = of_wire(w);
	struct iovec pieces[1 + TX_PIECES_MAX];
	unsigned char header[VNET_BYTES] = { 0 };
	int count = 0, n;
	uint32_t i;

	if (is_stopped(d) || iov_len > TX_PIECES_MAX)
		goto refused;
	if (d->nd->has_vnet_hdr) {
		memcpy(header, vnet, sizeof(*vnet));
		pieces[count++] = (struct iovec){ .iov_base = header, .iov_len = sizeof(header) };
	}
	for (i = 0; i < iov_len; i++)
		pieces[count++] = (struct iovec){ .iov_base = iov[i].base, .iov_len = iov[i].len };
	n = d->nd->ops->tx(d->nd, pieces, count);
	if (n == -EAGAIN || n == -1) {
		w->stats[0].tx_full_total++;
		return -EAGAIN;
	}
	if (n < 0)
		goto refused;
	w->stats[0].tx_frames_total++;
	w->stats[0].tx_bytes_total += len;
	return 0;

refused:
	w->stats[0].tx_errors_total++;
	return -EIO;
}

static int netdev_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	return 1;
}

static void netdev_kick(struct lkl_wire *w, uint32_t queue)
{
}

static int netdev_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return of_wire(w)->event_fd;
}

static void netdev_tend(struct lkl_wire *w, uint32_t queue)
{
}

static void netdev_close(struct lkl_wire *w)
{
}

static const struct lkl_wire_ops netdev_wire_ops = {
	.name = "netdev",
	.rx_ready = netdev_rx_ready,
	.rx_burst = netdev_rx_burst,
	.rx_fetch = netdev_rx_fetch,
	.rx_release = netdev_rx_release,
	.tx = netdev_tx,
	.tx_ready = netdev_tx_ready,
	.kick = netdev_kick,
	.wait_fd = netdev_wait_fd,
	.tend = netdev_tend,
	.close = netdev_close,
};

/* ---- adding and removing ---- */

static uint32_t wire_features(const struct lkl_netdev *nd, unsigned int offload)
{
	uint32_t features = 0;

	if (!nd->has_vnet_hdr)
		return 0;
	if (offload & LKL_NETDEV_OFFLOAD_CSUM) {
		features |= LKL_WIRE_F_CSUM;
		if (offload & LKL_NETDEV_OFFLOAD_HOST_TSO4)
			features |= LKL_WIRE_F_TSO4;
		if (offload & LKL_NETDEV_OFFLOAD_HOST_TSO6)
			features |= LKL_WIRE_F_TSO6;
	}
	if (offload & LKL_NETDEV_OFFLOAD_GUEST_CSUM) {
		features |= LKL_WIRE_F_RXCSUM;
		if (offload & (LKL_NETDEV_OFFLOAD_GUEST_TSO4 | LKL_NETDEV_OFFLOAD_GUEST_TSO6))
			features |= LKL_WIRE_F_RXGSO;
	}
	return features;
}

static int choose_mac(struct lkl_netdev *nd, const void *wanted)
{
	static const uint8_t none[6];

	if (wanted)
		memcpy(nd->mac, wanted, sizeof(nd->mac));
	if (memcmp(nd->mac, none, sizeof(none)))
		return 0;
	if (getrandom(nd->mac, sizeof(nd->mac), 0) != sizeof(nd->mac))
		return -errno;
	nd->mac[0] = (nd->mac[0] & ~1) | 2;	/* unicast, locally administered */
	return 0;
}

/* Returns the interface index. */
static int device_attach(struct device *d)
{
	char name[16];
	int ifindex = lkl_wire_attach(d->used), err;

	if (ifindex < 0)
		return ifindex;
	snprintf(name, sizeof(name), "eth%d", d->id);
	err = lkl__if_rename(ifindex, name);
	return err ? err : ifindex;
}

/* The instance is up; the device is in the table. */
static void device_start(struct device *d)
{
	int ret;

	/* Of a boot before: what was described and not released is described again. */
	d->described = d->fetched = d->tail;
	ret = device_attach(d);
	if (ret > 0 && d->used == &d->wire && !d->has_thread) {
		sigset_t all, old;
		int err;

		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		err = pthread_create(&d->thread, NULL, device_thread, d);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		d->has_thread = !err;
		if (err)
			ret = -err;
	}
	d->ifindex = ret;
}

void lkl__netdevs_attach(void)
{
	int i;

	for (i = 0; i < DEVICES_MAX; i++) {
		struct device *d = __atomic_load_n(&devices[i], __ATOMIC_ACQUIRE);

		if (d && !is_stopped(d))
			device_start(d);
	}
}

static void device_free(struct device *d)
{
	if (d->slots)
		munmap(d->slots, (size_t)SLOTS * SLOT_BYTES);
	if (d->event_fd >= 0)
		close(d->event_fd);
	sem_destroy(&d->space);
	free(d);
}

/* Everything but the place in the table. */
static int device_new(struct lkl_netdev *nd, const struct lkl_netdev_args *args, struct device **out)
{
	struct device *d = calloc(1, sizeof(*d));
	struct lkl_wire *raw;
	int err;

	if (!d)
		return -ENOMEM;
	d->event_fd = -1;
	d->nd = nd;
	sem_init(&d->space, 0, 0);
	raw = lkl__netdev_raw_wire(nd);
	if (raw) {
		if (args && args->mac)
			memcpy(raw->mac, args->mac, sizeof(raw->mac));
		memcpy(nd->mac, raw->mac, sizeof(nd->mac));
		d->used = raw;
		*out = d;
		return 0;
	}
	err = choose_mac(nd, args ? args->mac : NULL);
	if (err)
		goto err_free;
	err = -ENOMEM;
	d->slots = mmap(NULL, (size_t)SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d->slots == MAP_FAILED) {
		d->slots = NULL;
		goto err_free;
	}
	d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->event_fd < 0) {
		err = -errno;
		goto err_free;
	}
	d->wire.ops = &netdev_wire_ops;
	d->wire.features = wire_features(nd, args ? args->offload : 0);
	d->wire.queues = 1;
	d->wire.stats = &d->wire_stats;
	d->wire.rx_ring_frames = d->wire.ring_frames_max = SLOTS;
	d->wire.mtu = 1500;
	memcpy(d->wire.mac, nd->mac, sizeof(nd->mac));
	d->used = &d->wire;
	if (nd->ops->set_mac)
		nd->ops->set_mac(nd, nd->mac);
	*out = d;
	return 0;

err_free:
	device_free(d);
	return err;
}

int lkl_netdev_add(struct lkl_netdev *nd, struct lkl_netdev_args *args)
{
	struct device *d = NULL;
	int id, err;

	if (!nd || !nd->ops || !nd->ops->tx || !nd->ops->rx || !nd->ops->poll)
		return -EINVAL;
	err = device_new(nd, args, &d);
	if (err)
		return err;
	pthread_mutex_lock(&lock);
	for (id = 0; id < DEVICES_MAX && devices[id]; id++)
		;
	if (id < DEVICES_MAX) {
		d->id = nd->id = id;
		__atomic_store_n(&devices[id], d, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
	if (id == DEVICES_MAX) {
		device_free(d);
		return -ENOSPC;
	}
	if (lkl_is_running())
		device_start(d);
	if (d->ifindex < 0) {
		err = d->ifindex;
		lkl_netdev_remove(id);
		return err;
	}
	return id;
}

static struct device *device_find(int id)
{
	return id >= 0 && id < DEVICES_MAX ? __atomic_load_n(&devices[id], __ATOMIC_ACQUIRE) : NULL;
}

void lkl_netdev_remove(int id)
{
	struct device *d = device_find(id);

	if (!d || __atomic_exchange_n(&d->is_removed, 1, __ATOMIC_SEQ_CST))
		return;
	if (d->ifindex > 0 && lkl_is_running())
		lkl_if_down(d->ifindex);
	if (d->has_thread) {
		if (d->nd->ops->poll_hup)
			d->nd->ops->poll_hup(d->nd);
		sem_post(&d->space);
		pthread_join(d->thread, NULL);
	}
	if (d->slots)
		madvise(d->slots, (size_t)SLOTS * SLOT_BYTES, MADV_DONTNEED);
	d->nd = NULL;
}

void lkl__netdevs_free(void)
{
	int i;

	for (i = 0; i < DEVICES_MAX; i++) {
		struct device *d = device_find(i);

		if (!d)
			continue;
		lkl_netdev_remove(i);
		__atomic_store_n(&devices[i], NULL, __ATOMIC_RELEASE);
		device_free(d);
	}
}

int lkl_netdev_get_ifindex(int id)
{
	struct device *d = device_find(id);

	return !d || !d->ifindex || is_stopped(d) || !lkl_is_running() ? -ESRCH : d->ifindex;
}

int lkl_netdev_get_stats(int id, struct lkl_netdev_stats *stats)
{
	struct device *d = device_find(id);

	if (!d)
		return -ESRCH;
	if (d->used != &d->wire)
		return -EOPNOTSUPP;
	*stats = d->stats;
	stats->tx_full_total = d->wire.stats[0].tx_full_total;
	stats->tx_errors_total = d->wire.stats[0].tx_errors_total;
	return 0;
}
