// SPDX-License-Identifier: GPL-2.0-only
/*
 * pair.c - the `pair` wire: a cable between two processes, made of shared memory
 *
 * Theory of operation
 *
 * One side listens on a UNIX socket, the other connects; the listener makes a memfd with two byte
 * rings for each queue, one in each direction, and hands it over with two eventfds a queue. From
 * then on the socket only tells that the peer is alive.
 *
 *	ring	head (written by who sends) and tail (by who receives) run freely; a record is
 *		{ length, virtio_net_hdr, frame }, padded to 64 bytes, never across the end of the ring:
 *		a record of length RECORD_WRAP fills what is left there
 *	rx	rx_burst() describes records where they lie; the driver copies them once, into the
 *		stack; rx_release() moves the tail
 *	tx	tx() writes one record behind the head, which the peer sees at once; kick() wakes it
 *
 * Frames of 64 KiB pass whole with their metadata, so segmentation and checksums are never done at
 * all. Neither side takes a lock or makes a host call for a frame; a receiver that has found its
 * ring empty clears `signalled`, and the sender that finds it clear writes the eventfd once.
 *
 * Trust. The peer may write anything anywhere in the shared memory, at any time. So a record is
 * copied out of it once, then checked, then used; offsets are masked; the memfd is sealed against
 * shrinking, which would be SIGBUS. A ring whose head or record makes no sense is counted
 * (rx_malformed) and emptied. Contents of a frame may change until the driver has copied it, which
 * is no worse than a frame that came so.
 *
 * The peer of a wire with one queue may go and come again (peer_link.h). The listener makes fresh memory for each peer, so that a
 * peer before it has no hold on it. Frames in the rings are lost then. Without a peer frames to send
 * are dropped (tx_down_total). A full ring is -EAGAIN.
 *
 * Restart of a process: the positions live in shared memory, so a worker forked from the process that
 * opened the wire goes on where the one before it stopped, if the connection is older than the fork.
 *
 * Limits: both sides are on one machine and may map each other's memory, ring= bytes a direction and
 * queue, twice. Frames that the peer sends are taken as good (checksums are not checked): it is as
 * trusted as a cable.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"
#include "peer_link.h"
#include "pair_ring.h"
#include "spec.h"

#define PAIR_QUEUES_MAX 16u
/* How long an idle look at the ring goes without asking whether the peer is still there: about 1 ms. */
#define PAIR_LOOK_TICKS 2500000u

#define HELLO_WAIT_MS 500
#define HELLO_MAGIC 0x6b6c7031u /* "1plk" */

/* What the listener says, with the memfd and all eventfds beside it. */
struct pair_hello {
	uint32_t magic;
	uint32_t queues;
	uint32_t ring_bytes;
	uint32_t mtu;
};

struct pair_queue {
	int rx_event, tx_event;		/* ours to read, ours to write; -1 without a peer */
	int wait_fd;			/* epoll: rx_event, and with queue 0 the link */
	struct pair_ring *rx, *tx;	/* NULL without a peer */
	uint64_t at;			/* with frames outstanding: behind the youngest described */
	struct rx_list list;
};

struct pair_wire {
	struct lkl_wire wire; /* first */
	struct wire_link link;
	struct wire_look look;
	uint32_t ring_bytes;
	uint32_t is_greeted;	/* the hello was said, or heard */
	uint32_t is_dropped;	/* the peer has gone; the memory goes when all frames are released */
	void *map;
	size_t map_len;
	struct pair_queue *queues;
};

static struct pair_wire *to_pair(struct lkl_wire *w)
{
	return (struct pair_wire *)w;
}

/* ---- the peer comes and goes ----------------------------------------------------------------- */

static void unmap_rings(struct pair_wire *p)
{
	uint32_t i;

	for (i = 0; i < p->wire.queues; i++) {
		struct pair_queue *q = &p->queues[i];

		q->rx = q->tx = NULL;
		q->list.head = q->list.tail = q->list.fetched = 0;
		if (q->rx_event >= 0) {
			epoll_ctl(q->wait_fd, EPOLL_CTL_DEL, q->rx_event, NULL);
			close(q->rx_event);
			close(q->tx_event);
		}
		q->rx_event = q->tx_event = -1;
	}
	if (p->map)
		munmap(p->map, p->map_len);
	p->map = NULL;
	p->is_greeted = 0;
}

/*
 * With several queues other threads may be at work in the rings, and nobody can tell when they have
 * left: the memory stays until close(), and no other peer is taken.
 */
static void peer_gone(struct pair_wire *p)
{
	if (p->wire.queues > 1)
		wire_link_close(&p->link);
	else
		wire_link_drop(&p->link);
	p->is_dropped = 1;
	p->wire.link_down = 1;
}

static int map_rings(struct pair_wire *p, int memfd)
{
	void *map;

	p->map_len = 2 * pair_ring_bytes(p->ring_bytes) * p->wire.queues;
	map = mmap(NULL, p->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (map == MAP_FAILED)
		return -errno;
	p->map = map;
	return 0;
}

/* Everything is in place: the queues, of other threads maybe, find their rings. */
static void publish_rings(struct pair_wire *p)
{
	const size_t ring = pair_ring_bytes(p->ring_bytes);
	uint8_t *at = p->map;
	uint32_t i;

	p->is_greeted = 1;
	for (i = 0; i < p->wire.queues; i++, at += 2 * ring) {
		struct pair_ring *first = (void *)at, *second = (void *)(at + ring);

		__atomic_store_n(&p->queues[i].rx, p->link.is_listener ? first : second, __ATOMIC_RELEASE);
		__atomic_store_n(&p->queues[i].tx, p->link.is_listener ? second : first, __ATOMIC_RELEASE);
	}
}

static int watch_events(struct pair_wire *p)
{
	struct epoll_event ev = { .events = EPOLLIN };
	uint32_t i;

	for (i = 0; i < p->wire.queues; i++)
		if (epoll_ctl(p->queues[i].wait_fd, EPOLL_CTL_ADD, p->queues[i].rx_event, &ev))
			return -errno;
	return 0;
}

static int send_hello(struct pair_wire *p, int memfd, int *fds, uint32_t fds_len)
{
	struct pair_hello hello = { HELLO_MAGIC, p->wire.queues, p->ring_bytes, p->wire.mtu };
	union {
		struct cmsghdr hdr;
		uint8_t bytes[CMSG_SPACE((1 + 2 * PAIR_QUEUES_MAX) * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &hello, sizeof(hello) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = CMSG_SPACE((1 + fds_len) * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((1 + fds_len) * sizeof(int));
	memcpy(CMSG_DATA(c), &memfd, sizeof(int));
	memcpy(CMSG_DATA(c) + sizeof(int), fds, fds_len * sizeof(int));
	return sendmsg(p->link.fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(hello) ? 0 : -EIO;
}

/* [listener, with a new connection] Memory, events, hello. */
static int greet(struct pair_wire *p)
{
	const size_t bytes = 2 * pair_ring_bytes(p->ring_bytes) * p->wire.queues;
	int fds[2 * PAIR_QUEUES_MAX], ret = 0;
	int memfd = (int)syscall(SYS_memfd_create, "lkl-pair", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint32_t i;

	if (memfd < 0)
		return -errno;
	if (ftruncate(memfd, (off_t)bytes) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		ret = -errno;
	for (i = 0; i < p->wire.queues; i++) {
		struct pair_queue *q = &p->queues[i];

		q->rx_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		q->tx_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->rx_event < 0 || q->tx_event < 0)
			ret = ret ? ret : -errno;
		/* As the peer names them. */
		fds[2 * i] = q->tx_event;
		fds[2 * i + 1] = q->rx_event;
	}
	ret = ret ? ret : map_rings(p, memfd);
	ret = ret ? ret : watch_events(p);
	ret = ret ? ret : send_hello(p, memfd, fds, 2 * p->wire.queues);
	close(memfd);
	if (ret)
		unmap_rings(p);
	else
		publish_rings(p);
	return ret;
}

static void close_all(const int *fds, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		close(fds[i]);
}

/* What a hello may say: a ring we can map, a memfd that is as large and stays so. */
static int hello_ok(const struct pair_wire *p, const struct pair_hello *h, const int *fds, uint32_t fds_len,
		    const char **why)
{
	struct stat st;
	int seals;

	*why = "no hello of a pair wire";
	if (h->magic != HELLO_MAGIC)
		return 0;
	*why = "another number of queues than here";
	if (h->queues != p->wire.queues || fds_len != 1 + 2 * h->queues)
		return 0;
	*why = "a ring of no allowed size";
	if (h->ring_bytes < PAIR_RING_MIN || h->ring_bytes > PAIR_RING_MAX || h->ring_bytes & (h->ring_bytes - 1))
		return 0;
	*why = "memory that is too small or may shrink";
	seals = fcntl(fds[0], F_GET_SEALS);
	return seals >= 0 && seals & F_SEAL_SHRINK && !fstat(fds[0], &st) &&
	       (uint64_t)st.st_size >= 2 * pair_ring_bytes(h->ring_bytes) * h->queues;
}

/* [who connected] 1: greeted; 0: nothing said yet; -errno: not to be used. */
static int hear(struct pair_wire *p, const char **why)
{
	struct pair_hello hello = { 0 };
	union {
		struct cmsghdr hdr;
		uint8_t bytes[CMSG_SPACE((1 + 2 * PAIR_QUEUES_MAX) * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &hello, sizeof(hello) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int fds[1 + 2 * PAIR_QUEUES_MAX], ret;
	struct cmsghdr *c;
	uint32_t n = 0, i;
	ssize_t len;

	*why = "connection lost";
	len = recvmsg(p->link.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	for (c = CMSG_FIRSTHDR(&msg); len > 0 && c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		}
	if (len <= 0)
		return -ECONNRESET;
	if (len != sizeof(hello) || msg.msg_flags & MSG_CTRUNC || !hello_ok(p, &hello, fds, n, why)) {
		close_all(fds, n);
		return -EPROTO;
	}
	p->ring_bytes = hello.ring_bytes;
	if (hello.mtu >= 68 && hello.mtu <= 65521)
		p->wire.mtu = hello.mtu;
	for (i = 0; i < p->wire.queues; i++) {
		p->queues[i].rx_event = fds[1 + 2 * i];
		p->queues[i].tx_event = fds[2 + 2 * i];
	}
	*why = "cannot map its memory";
	ret = map_rings(p, fds[0]);
	ret = ret ? ret : watch_events(p);
	close(fds[0]);
	if (ret) {
		unmap_rings(p);
		return ret;
	}
	publish_rings(p);
	return 1;
}

/* [queue 0's thread] Whatever the link wants. Costs a host call or two. */
static void look(struct pair_wire *p)
{
	const char *why;
	uint8_t byte;
	int events;
	uint32_t i;

	if (p->is_dropped) {
		if (p->wire.queues > 1)
			return;
		for (i = 0; i < p->wire.queues; i++)
			if (rx_list_outstanding(&p->queues[i].list))
				return;
		unmap_rings(p);
		p->is_dropped = 0;
	}
	events = wire_link_run(&p->link);
	if (p->link.fd < 0)
		return;
	if (p->is_greeted) {
		/* The peer says nothing more: what can be read is its end. */
		if (events & LINK_INPUT && recv(p->link.fd, &byte, 1, MSG_DONTWAIT) >= 0)
			peer_gone(p);
	} else if (p->link.is_listener) {
		if (greet(p))
			wire_link_drop(&p->link);
	} else if (hear(p, &why) < 0) {
		wire_link_drop(&p->link);
	}
	p->wire.link_down = !p->is_greeted || p->is_dropped;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static int pair_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct pair_wire *p = to_pair(w);
	struct pair_queue *q = &p->queues[queue];
	struct pair_ring *ring = __atomic_load_n(&q->rx, __ATOMIC_ACQUIRE);

	if (ring && pair_ring_head(ring) !=
			    (rx_list_outstanding(&q->list) ? __atomic_load_n(&q->at, __ATOMIC_RELAXED) :
							     pair_ring_tail(ring)))
		return 1;
	/* Has the peer gone, or come? Another queue's thread leaves that to queue 0. */
	return !queue && wire_look(&p->look, p->link.epoll_fd, ring ? PAIR_LOOK_TICKS : WIRE_LOOK_TICKS);
}

static int pair_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	struct pair_wire *p = to_pair(w);
	struct pair_queue *q = &p->queues[queue];
	struct lkl_wire_stats *stats = &w->stats[queue];
	struct pair_record rec;
	uint64_t at, head, count;
	uint32_t n = 0;

	if (!q->rx || p->is_dropped) {
		if (!queue) {
			wire_look_taken(&p->look);
			look(p);
		}
		return 0;
	}
	/* Positions are taken anew when nothing is outstanding: see "Restart". */
	at = rx_list_outstanding(&q->list) ? q->at : pair_ring_tail(q->rx);
	head = pair_ring_head(q->rx);
	if (head == at && pair_ring_unsignal(q->rx)) {
		stats->calls_total++;
		(void)!read(q->rx_event, &count, sizeof(count));
		head = pair_ring_head(q->rx);
	}
	while (n < max && at != head && rx_list_outstanding(&q->list) < RX_LIST_MAX) {
		switch (pair_ring_read(q->rx, p->ring_bytes, at, head, &rec)) {
		case PAIR_FRAME:
			rx_list_push(&q->list, rec.data, rec.len, &rec.vnet, rec.next, &frames[n++]);
			stats->rx_bytes_total += rec.len;
			break;
		case PAIR_SKIP:
			break;
		case PAIR_BAD_FRAME:
			stats->rx_malformed_total++;
			break;
		case PAIR_BAD_RING:
			/* Out of step: nothing behind it can be found. */
			stats->rx_malformed_total++;
			rec.next = head;
			break;
		}
		at = rec.next;
		/* What is no frame goes with the frame before it. */
		if (!rx_list_outstanding(&q->list))
			pair_ring_set_tail(q->rx, at);
		else
			q->list.entries[(q->list.head - 1) & (RX_LIST_MAX - 1)].cookie = at;
		__atomic_store_n(&q->at, at, __ATOMIC_RELAXED);
	}
	stats->rx_frames_total += n;
	if (!n && !queue && wire_look_taken(&p->look))
		look(p);
	return (int)n;
}

static int pair_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			 struct lkl_vnet_hdr *vnet)
{
	w->stats[queue].rx_fetched_total++;
	return rx_list_fetch(&to_pair(w)->queues[queue].list, iov, iov_len, vnet);
}

static void pair_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	struct pair_queue *q = &to_pair(w)->queues[queue];

	if (n && q->rx && rx_list_outstanding(&q->list))
		pair_ring_set_tail(q->rx, rx_list_release(&q->list, n, 0));
}

static int pair_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		   uint32_t iov_len, uint32_t len)
{
	struct pair_wire *p = to_pair(w);
	struct pair_queue *q = &p->queues[queue];
	struct lkl_wire_stats *stats = &w->stats[queue];
	uint64_t next;
	uint8_t *to;
	int err = wire_tx_check(w, vnet, iov_len, len);

	if (err)
		goto refused;
	if (!q->tx || p->is_dropped) {
		stats->tx_down_total++;
		return -ENOTCONN;
	}
	to = pair_ring_reserve(q->tx, p->ring_bytes, len, vnet, &next);
	if (!to) {
		stats->tx_full_total++;
		return -EAGAIN;
	}
	err = wire_gather(to, iov, iov_len, len);
	if (err)
		goto refused;
	pair_ring_set_head(q->tx, next);
	stats->tx_frames_total++;
	stats->tx_bytes_total += len;
	if (len > w->mtu + ETH_HLEN)
		stats->tx_big_total++;
	return 0;

refused:
	stats->tx_errors_total++;
	return err;
}

static int pair_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct pair_wire *p = to_pair(w);
	struct pair_queue *q = &p->queues[queue];

	return !q->tx || p->is_dropped || pair_ring_has_room(q->tx, p->ring_bytes, WIRE_FRAME_MAX);
}

static void pair_kick(struct lkl_wire *w, uint32_t queue)
{
	const uint64_t one = 1;
	struct pair_queue *q = &to_pair(w)->queues[queue];

	if (!q->tx || !pair_ring_used(q->tx) || !pair_ring_signal(q->tx))
		return;
	w->stats[queue].kicks_total++;
	w->stats[queue].calls_total++;
	(void)!write(q->tx_event, &one, sizeof(one));
}

static int pair_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return to_pair(w)->queues[queue].wait_fd;
}

static void pair_tend(struct lkl_wire *w, uint32_t queue)
{
	if (!queue)
		look(to_pair(w));
}

static void pair_close(struct lkl_wire *w)
{
	struct pair_wire *p = to_pair(w);
	uint32_t i;

	wire_link_close(&p->link);
	if (p->queues) {
		unmap_rings(p);
		for (i = 0; i < w->queues; i++)
			if (p->queues[i].wait_fd >= 0)
				close(p->queues[i].wait_fd);
	}
	free(p->queues);
	wire_free(w);
}

static const struct lkl_wire_ops pair_ops = {
	.name = "pair",
	.rx_ready = pair_rx_ready,
	.rx_burst = pair_rx_burst,
	.rx_fetch = pair_rx_fetch,
	.rx_release = pair_rx_release,
	.tx = pair_tx,
	.tx_ready = pair_tx_ready,
	.kick = pair_kick,
	.wait_fd = pair_wait_fd,
	.tend = pair_tend,
	.close = pair_close,
};

/* ---- open ------------------------------------------------------------------------------------ */

struct pair_conf {
	char path[LINK_PATH_MAX + 1];
	uint32_t listen, wait, queues, ring_bytes, mtu, off;
	uint8_t mac[6];
};

static const struct wire_opt pair_opts[] = {
	{ "path", WIRE_O_STRING, offsetof(struct pair_conf, path), 1, LINK_PATH_MAX, NULL, WIRE_O_REQUIRED, NULL,
	  "UNIX socket on which the sides meet" },
	{ "listen", WIRE_O_FLAG, offsetof(struct pair_conf, listen), 0, 0, NULL, 0, "no",
	  "this side listens and makes the memory; exactly one does" },
	{ "wait", WIRE_O_FLAG, offsetof(struct pair_conf, wait), 0, 0, NULL, 0, "no",
	  "without listen: open also when the peer is not there yet" },
	{ "queues", WIRE_O_UINT, offsetof(struct pair_conf, queues), 1, PAIR_QUEUES_MAX, NULL, 0, "1",
	  "queues, the same on both sides" },
	{ "ring", WIRE_O_BYTES, offsetof(struct pair_conf, ring_bytes), PAIR_RING_MIN, PAIR_RING_MAX, NULL,
	  WIRE_O_POWER_OF_2, "2M", "with listen: bytes of the ring of one direction" },
	{ "mtu", WIRE_O_UINT, offsetof(struct pair_conf, mtu), 68, 65521, NULL, 0, "1500",
	  "MTU; a side that connects takes the listener's" },
	{ "mac", WIRE_O_MAC, offsetof(struct pair_conf, mac), 0, 0, NULL, 0, NULL,
	  "the stack's address; without it one by chance" },
	{ "off", WIRE_O_FEATURES, offsetof(struct pair_conf, off), 0,
	  LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_USO, NULL, 0, NULL,
	  "offloads to leave out in what this side sends" },
};

static int make_wait_fds(struct pair_wire *p)
{
	struct epoll_event ev = { .events = EPOLLIN };
	uint32_t i;

	for (i = 0; i < p->wire.queues; i++) {
		p->queues[i].wait_fd = epoll_create1(EPOLL_CLOEXEC);
		if (p->queues[i].wait_fd < 0)
			return -errno;
	}
	return epoll_ctl(p->queues[0].wait_fd, EPOLL_CTL_ADD, p->link.epoll_fd, &ev) ? -errno : 0;
}

static int pair_open(const void *conf, struct lkl_wire **out, char *err, size_t err_len)
{
	const struct pair_conf *c = conf;
	struct pair_wire *p = wire_new(sizeof(*p), c->queues);
	const char *text = "out of memory";
	char why[200];
	uint32_t i;
	int ret;

	if (!p)
		return -ENOMEM;
	p->ring_bytes = c->ring_bytes;
	p->wire.mtu = c->mtu;
	ret = wire_link_open(&p->link, c->path, (int)c->listen, (int)c->wait, why, sizeof(why));
	if (ret) {
		wire_say(err, err_len, "pair: %s", why);
		goto err_close;
	}
	ret = -ENOMEM;
	p->queues = calloc(c->queues, sizeof(*p->queues));
	if (!p->queues)
		goto err_say;
	for (i = 0; i < c->queues; i++)
		p->queues[i].wait_fd = p->queues[i].rx_event = p->queues[i].tx_event = -1;
	ret = make_wait_fds(p);
	if (!ret && p->link.fd >= 0) {
		struct pollfd pfd = { .fd = p->link.fd, .events = POLLIN };

		/* The listener may be busy, or not at work yet: then the wire is down until it answers. */
		if (poll(&pfd, 1, HELLO_WAIT_MS) > 0) {
			ret = hear(p, &text);
			if (ret > 0)
				ret = 0;
		}
	} else if (ret) {
		text = strerror(-ret);
	}
	if (ret)
		goto err_say;
	memcpy(p->wire.mac, c->mac, 6);
	ret = wire_mac_or_random(p->wire.mac);
	if (ret)
		goto err_close;
	p->wire.features = (LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_USO) & ~c->off;
	p->wire.features |= LKL_WIRE_F_RXCSUM | LKL_WIRE_F_RXGSO;
	p->wire.ops = &pair_ops;
	p->wire.mtu_max = 65521;
	p->wire.link_down = !p->is_greeted;
	*out = &p->wire;
	return 0;

err_say:
	wire_say(err, err_len, "pair: %s: %s", c->path, text);
err_close:
	pair_close(&p->wire);
	return ret;
}

const struct wire_type wire_pair_type = {
	.name = "pair",
	.help = "cable of shared memory between two processes",
	.privileges = "none but access to the path",
	.opts = pair_opts,
	.opts_len = sizeof(pair_opts) / sizeof(pair_opts[0]),
	.conf_bytes = sizeof(struct pair_conf),
	.open = pair_open,
};
