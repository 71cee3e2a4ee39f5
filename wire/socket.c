// SPDX-License-Identifier: GPL-2.0-only
/*
 * socket.c - the `socket` wire: frames over a UNIX stream, as QEMU (-netdev stream) and passt speak
 *
 * Theory of operation
 *
 * Each frame goes behind its length, four bytes, big endian. There is no offload metadata in that
 * protocol: checksums are filled in by the stack, and no frame is larger than the MTU. With a peer
 * that takes them, mtu=65520 makes frames nearly as large as offload would.
 *
 *	rx	one recv() takes what there is, up to RX_BYTES; frames are described where they lie.
 *		What is left of the last one moves to the front when all before it are released.
 *	tx	frames are put into a buffer of TX_BYTES; kick() = one send() for all of them
 *
 * The peer may go and come again (peer_link.h): frames in the buffers are lost then, and counted; while
 * there is none, frames to send are dropped (tx_down_total). A peer that does not read fills the
 * buffer: tx() says -EAGAIN, and the stack's queue holds and drops. A length that no frame has means
 * that the stream is out of step; the connection is dropped (rx_malformed_total) and made anew.
 *
 * rx_ready() asks the host once in some 10 us at most. No privilege is needed beyond the path's.
 *
 * A process forked from the one that opened the wire goes on with it, but one of them only: bytes
 * that were read are in that process's memory.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "peer_link.h"
#include "spec.h"
#include "stream_frame.h"

#define RX_BYTES (512u << 10)
#define RX_SPARE 64u
#define TX_BYTES (512u << 10)

struct socket_wire {
	struct lkl_wire wire; /* first */
	struct wire_link link;
	struct wire_look look;
	uint32_t is_tx_blocked;	/* the last send() left something */

	/* rx: bytes [rx_parsed, rx_end) wait to be described, those before belong to described frames */
	uint8_t *rx;
	uint32_t rx_parsed, rx_end;
	struct rx_list list;

	/* tx: bytes [tx_start, tx_end) wait to be sent; the first of them is of the frame at tx_frame */
	uint8_t *tx;
	uint32_t tx_frame, tx_start, tx_end;
};

static struct socket_wire *to_socket(struct lkl_wire *w)
{
	return (struct socket_wire *)w;
}

/* The frame behind the one at `at` in the transmit buffer. */
static uint32_t tx_next(const struct socket_wire *s, uint32_t at)
{
	uint32_t len;

	stream_frame_judge(s->tx + at, STREAM_PREFIX_BYTES, WIRE_FRAME_MAX, &len);
	return at + STREAM_PREFIX_BYTES + len;
}

/* The connection is over: what waits to be sent is lost, and so is a part of a frame that came. */
static void lose(struct socket_wire *s)
{
	for (; s->tx_frame != s->tx_end; s->tx_frame = tx_next(s, s->tx_frame))
		s->wire.stats->tx_down_total++;
	s->tx_frame = s->tx_start = s->tx_end = 0;
	s->is_tx_blocked = 0;
	/* Described frames stay where they are until they are released. */
	if (s->rx_end != s->rx_parsed)
		s->wire.stats->rx_dropped_total++;
	s->rx_end = s->rx_parsed;
	wire_link_drop(&s->link);
	s->wire.link_down = s->link.fd < 0;
}

static void look(struct socket_wire *s)
{
	wire_link_run(&s->link);
	s->wire.link_down = s->link.fd < 0;
}

static int socket_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct socket_wire *s = to_socket(w);
	const uint32_t parsed = __atomic_load_n(&s->rx_parsed, __ATOMIC_RELAXED);
	const uint32_t end = __atomic_load_n(&s->rx_end, __ATOMIC_RELAXED);
	uint32_t len;

	/*
	 * A part of a frame is no frame: whether the rest has come only the host knows. Who looks may
	 * not be the owner, and see numbers that do not belong together; RX_SPARE bytes behind the
	 * buffer make that harmless.
	 */
	if (parsed < end && stream_frame_judge(s->rx + parsed, end - parsed, WIRE_FRAME_MAX, &len) != STREAM_SHORT)
		return 1;
	return wire_look(&s->look, s->link.epoll_fd, WIRE_LOOK_TICKS);
}

/* Everything that is queued, as far as the peer's buffer goes. */
static void tx_flush(struct socket_wire *s)
{
	struct lkl_wire_stats *stats = s->wire.stats;
	ssize_t n;

	if (s->tx_start == s->tx_end)
		return;
	if (s->link.fd < 0) {
		lose(s);
		return;
	}
	n = send(s->link.fd, s->tx + s->tx_start, s->tx_end - s->tx_start, MSG_DONTWAIT | MSG_NOSIGNAL);
	stats->kicks_total++;
	stats->calls_total++;
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM)
			s->is_tx_blocked = 1;
		else
			lose(s);
		return;
	}
	s->tx_start += (uint32_t)n;
	s->is_tx_blocked = s->tx_start != s->tx_end;
	if (!s->is_tx_blocked) {
		s->tx_frame = s->tx_start = s->tx_end = 0;
		return;
	}
	while (tx_next(s, s->tx_frame) <= s->tx_start)
		s->tx_frame = tx_next(s, s->tx_frame);
}

/* Read more, if there is room; 0 when nothing came. */
static int rx_fill(struct socket_wire *s)
{
	ssize_t n;

	if (s->link.fd < 0) {
		look(s);
		return 0;
	}
	if (!rx_list_outstanding(&s->list) && s->rx_parsed) {
		memmove(s->rx, s->rx + s->rx_parsed, s->rx_end - s->rx_parsed);
		s->rx_end -= s->rx_parsed;
		s->rx_parsed = 0;
	}
	if (s->rx_end == RX_BYTES)
		return 0;
	s->wire.stats->calls_total++;
	n = recv(s->link.fd, s->rx + s->rx_end, RX_BYTES - s->rx_end, MSG_DONTWAIT);
	if (n > 0) {
		s->rx_end += (uint32_t)n;
		return 1;
	}
	if (!n || (errno != EAGAIN && errno != EINTR && errno != ENOMEM))
		lose(s);
	else
		look(s); /* a second peer may be waiting to be turned away */
	return 0;
}

static int socket_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	static const struct lkl_vnet_hdr no_vnet;
	struct socket_wire *s = to_socket(w);
	struct lkl_wire_stats *stats = w->stats;
	uint32_t n = 0, len, skipped = 0, fills = 0;

	wire_look_taken(&s->look);
	if (s->is_tx_blocked)
		tx_flush(s);
	while (n < max && rx_list_outstanding(&s->list) < RX_LIST_MAX && skipped < RX_LIST_MAX) {
		switch (stream_frame_judge(s->rx + s->rx_parsed, s->rx_end - s->rx_parsed, WIRE_FRAME_MAX, &len)) {
		case STREAM_SHORT:
			if (n || fills++ || !rx_fill(s))
				goto out;
			break;
		case STREAM_FRAME:
			rx_list_push(&s->list, s->rx + s->rx_parsed + STREAM_PREFIX_BYTES, len, &no_vnet, 0, &frames[n++]);
			stats->rx_bytes_total += len;
			s->rx_parsed += STREAM_PREFIX_BYTES + len;
			break;
		case STREAM_RUNT:
			stats->rx_malformed_total++;
			s->rx_parsed += STREAM_PREFIX_BYTES + len;
			skipped++;
			break;
		case STREAM_BROKEN:
			stats->rx_malformed_total++;
			s->rx_parsed = s->rx_end; /* counted once */
			lose(s);
			goto out;
		}
	}
out:
	stats->rx_frames_total += n;
	return (int)n;
}

static int socket_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			   struct lkl_vnet_hdr *vnet)
{
	w->stats->rx_fetched_total++;
	return rx_list_fetch(&to_socket(w)->list, iov, iov_len, vnet);
}

static void socket_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	rx_list_release(&to_socket(w)->list, n, 0);
}

static int socket_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet,
		     const struct lkl_iov *iov, uint32_t iov_len, uint32_t len)
{
	struct socket_wire *s = to_socket(w);
	uint8_t *p;
	int err = wire_tx_check(w, vnet, iov_len, len);

	if (err)
		goto refused;
	if (s->link.fd < 0) {
		w->stats->tx_down_total++;
		return -ENOTCONN;
	}
	if (TX_BYTES - s->tx_end < len + STREAM_PREFIX_BYTES) {
		tx_flush(s);
		if (s->tx_frame) {
			memmove(s->tx, s->tx + s->tx_frame, s->tx_end - s->tx_frame);
			s->tx_end -= s->tx_frame;
			s->tx_start -= s->tx_frame;
			s->tx_frame = 0;
		}
		if (TX_BYTES - s->tx_end < len + STREAM_PREFIX_BYTES) {
			w->stats->tx_full_total++;
			return -EAGAIN;
		}
	}
	p = s->tx + s->tx_end;
	err = wire_gather(p + STREAM_PREFIX_BYTES, iov, iov_len, len);
	if (err)
		goto refused;
	p[0] = (uint8_t)(len >> 24);
	p[1] = (uint8_t)(len >> 16);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	s->tx_end += STREAM_PREFIX_BYTES + len;
	w->stats->tx_frames_total++;
	w->stats->tx_bytes_total += len;
	return 0;

refused:
	w->stats->tx_errors_total++;
	return err;
}

static int socket_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct socket_wire *s = to_socket(w);

	tx_flush(s);
	return s->link.fd < 0 || TX_BYTES - (s->tx_end - s->tx_frame) >= STREAM_PREFIX_BYTES + WIRE_FRAME_MAX;
}

static void socket_kick(struct lkl_wire *w, uint32_t queue)
{
	tx_flush(to_socket(w));
}

static int socket_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return to_socket(w)->link.epoll_fd;
}

static void socket_tend(struct lkl_wire *w, uint32_t queue)
{
	look(to_socket(w));
}

static void socket_close(struct lkl_wire *w)
{
	struct socket_wire *s = to_socket(w);

	wire_link_close(&s->link);
	if (s->rx)
		munmap(s->rx, RX_BYTES + RX_SPARE);
	if (s->tx)
		munmap(s->tx, TX_BYTES);
	wire_free(w);
}

static const struct lkl_wire_ops socket_ops = {
	.name = "socket",
	.rx_ready = socket_rx_ready,
	.rx_burst = socket_rx_burst,
	.rx_fetch = socket_rx_fetch,
	.rx_release = socket_rx_release,
	.tx = socket_tx,
	.tx_ready = socket_tx_ready,
	.kick = socket_kick,
	.wait_fd = socket_wait_fd,
	.tend = socket_tend,
	.close = socket_close,
};

struct socket_conf {
	char path[LINK_PATH_MAX + 1];
	uint32_t listen, wait, mtu;
	uint8_t mac[6];
};

static const struct wire_opt socket_opts[] = {
	{ "path", WIRE_O_STRING, offsetof(struct socket_conf, path), 1, LINK_PATH_MAX, NULL, WIRE_O_REQUIRED, NULL,
	  "the socket's path" },
	{ "listen", WIRE_O_FLAG, offsetof(struct socket_conf, listen), 0, 0, NULL, 0, "no",
	  "wait for the peer to connect; without it the peer is there" },
	{ "wait", WIRE_O_FLAG, offsetof(struct socket_conf, wait), 0, 0, NULL, 0, "no",
	  "without listen: open also when the peer is not there yet" },
	{ "mtu", WIRE_O_UINT, offsetof(struct socket_conf, mtu), 68, 65520, NULL, 0, "1500", "MTU" },
	{ "mac", WIRE_O_MAC, offsetof(struct socket_conf, mac), 0, 0, NULL, 0, NULL,
	  "the stack's address; without it one by chance" },
};

static uint8_t *map_buffer(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int socket_open(const void *conf, struct lkl_wire **out, char *err, size_t err_len)
{
	const struct socket_conf *c = conf;
	struct socket_wire *s = wire_new(sizeof(*s), 1);
	char why[200];
	int ret;

	if (!s)
		return -ENOMEM;
	ret = wire_link_open(&s->link, c->path, (int)c->listen, (int)c->wait, why, sizeof(why));
	if (ret) {
		wire_say(err, err_len, "socket: %s", why);
		goto err_close;
	}
	s->rx = map_buffer(RX_BYTES + RX_SPARE);
	s->tx = map_buffer(TX_BYTES);
	ret = -ENOMEM;
	if (!s->rx || !s->tx)
		goto err_close;
	memcpy(s->wire.mac, c->mac, 6);
	ret = wire_mac_or_random(s->wire.mac);
	if (ret)
		goto err_close;
	s->wire.ops = &socket_ops;
	s->wire.mtu = c->mtu;
	s->wire.mtu_max = 65520;
	s->wire.link_down = s->link.fd < 0;
	*out = &s->wire;
	return 0;

err_close:
	socket_close(&s->wire);
	return ret;
}

const struct wire_type wire_socket_type = {
	.name = "socket",
	.help = "UNIX stream of frames with a length before each, as QEMU and passt speak",
	.privileges = "none but access to the path",
	.opts = socket_opts,
	.opts_len = sizeof(socket_opts) / sizeof(socket_opts[0]),
	.conf_bytes = sizeof(struct socket_conf),
	.open = socket_open,
};
