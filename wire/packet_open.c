// SPDX-License-Identifier: GPL-2.0-only
/*
 * packet_open.c - the `packet` wire's sockets: open, share between processes, take over, look after
 *
 * Opening a wire makes for each queue a ring socket and a big socket (packet.c), and joins the ring sockets of several queues
 * to one PACKET_FANOUT group with the program of steer.c. The order of joining is the order of queues, and the kernel renumbers
 * members when one leaves; therefore all sockets belong to the process that opened the wire (a supervisor), which keeps them
 * while workers come and go.
 *
 * The group puts IPv4 fragments together before the program looks at them (PACKET_FANOUT_FLAG_DEFRAG): later ones have no ports,
 * and may come first.
 *
 *	supervisor	wire_packet_open(queues = N, shared = 1) ............................. close
 *	worker i	  fork, wire_packet_queue(wire, i) -> a wire of one queue -> the instance; may die any time
 *	worker i'	  fork, wire_packet_queue(wire, i) -> takes the queue over
 *
 * Taking over. The predecessor may have died between any two instructions. What its flows had on the way is worth nothing any
 * more, so the queue is emptied; what must be found is the kernel's position in each ring:
 *
 *	1. a filter that takes nothing is put on the socket, and membarrier(GLOBAL), which waits for an RCU grace period, for
 *	   packets that are already past it. Now nothing moves.
 *	2. receive: `next` is right but for a slot that is marked as described and not counted yet; from there on the slots that
 *	   hold frames lead to the kernel's position. All slots are given back, and the socket's queue is read empty.
 *	3. transmit: of the slots from tx_head to tx_tail the first that is a request, or was refused, is the kernel's position;
 *	   if there is none, tx_tail is. Requests are taken back, also one that was not counted yet.
 *	4. the socket's own filter replaces the one of step 1.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "packet.h"

#define RX_RING_FRAMES 1024u
#define TX_RING_FRAMES 512u
/*
 * The socket's queue for large frames, by default: as many of the largest as the ring has slots, or bursts of many connections are
 * lost while slots are free. The kernel doubles the value, as it counts its own structures too.
 */
#define RX_BIG_FRAME_BYTES (32u << 10)
#define RX_BIG_BYTES_MAX (512u << 20)
/* ARP and neighbour discovery: a burst of questions, not traffic. */
#define SIDE_RING_FRAMES 64u
/*
 * Room for a full transmit ring of skbs (at most 4 KiB each) in the device, and for 64 big frames.
 */
#define TX_SOCKET_BYTES (4u << 20)
/* The unit that the kernel allocates ring memory in: 32 slots. */
#define RING_BLOCK_BYTES (64u << 10)
#define SLOT_BYTES_MAX (68u << 10)
/* More than a socket's queue can hold: a bound for a loop. */
#define RECOVER_FRAMES_MAX (1u << 20)

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_FANOUT_EBPF
#define PACKET_FANOUT_EBPF 7
#endif

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

static int refused(char *err, size_t err_len, const char *ifname, const char *what)
{
	const int rc = -errno;

	say(err, err_len, "%s: %s: %s", ifname, what, strerror(-rc));
	return rc;
}

/* ---- filters -------------------------------------------------------------------------------- */

/*
 * Is it ARP, or one of IPv6's neighbour messages (ICMPv6 133 to 137)? `yes` and `no` are the instructions to go on at: 8 drops
 * the frame, 9 is what stands behind, the caller's filter.
 */
#define RESOLUTION_FILTER(yes, no)                                                    \
	{                                                                             \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL),     \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, (yes)-2, 0),           \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, (no)-3),           \
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 6),                  \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 58, 0, (no)-5),                   \
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 40),                 \
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 133, 0, (no)-7),                  \
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 137, (no)-8, (yes)-8),            \
		BPF_STMT(BPF_RET | BPF_K, 0),                                         \
	}

#define PREFIX_INSNS 9
#define FILTER_INSNS_MAX (BPF_MAXINSNS - PREFIX_INSNS)

static const struct sock_filter filter_resolution[PREFIX_INSNS] = RESOLUTION_FILTER(9, 8);
static const struct sock_filter filter_others[PREFIX_INSNS] = RESOLUTION_FILTER(8, 9);
static const struct sock_filter filter_all = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
static struct sock_filter filter_nothing = BPF_STMT(BPF_RET | BPF_K, 0);

static int filter_attach(int fd, struct sock_filter *insns, uint32_t len)
{
	const struct sock_fprog prog = { .filter = insns, .len = (unsigned short)len };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

/* What a socket of this kind shall see: resolution or all but that, if they are apart; then what the caller's filter lets in. */
static int filter_set(const struct packet_wire *p, const struct packet_queue *q, enum packet_source source)
{
	struct sock_filter *insns = malloc(BPF_MAXINSNS * sizeof(*insns));
	uint32_t n = 0;
	int rc;

	if (!insns)
		return -ENOMEM;
	if (q->sources > 1) {
		memcpy(insns, source == SOURCE_FRAMES ? filter_others : filter_resolution, sizeof(filter_others));
		n = PREFIX_INSNS;
	}
	if (p->filter_len)
		memcpy(insns + n, p->filter, p->filter_len * sizeof(*insns));
	else
		insns[n] = filter_all;
	rc = filter_attach(q->rx[source].fd, insns, n + (p->filter_len ? p->filter_len : 1));
	free(insns);
	return rc;
}

/* ---- one socket ----------------------------------------------------------------------------- */

/* frames * slot_bytes, rounded up to blocks; a slot never crosses a block. */
static struct tpacket_req ring_req(uint32_t slot_bytes, uint32_t frames)
{
	const uint32_t block = slot_bytes > RING_BLOCK_BYTES ? slot_bytes : RING_BLOCK_BYTES;

	return (struct tpacket_req){
		.tp_block_size = block,
		.tp_frame_size = slot_bytes,
		.tp_block_nr = frames / (block / slot_bytes),
		.tp_frame_nr = frames,
	};
}

/* Options, receive ring and, if tx_frames, transmit ring; mapped. The socket is not bound yet. */
static int socket_open(struct packet_wire *p, struct packet_queue *q, enum packet_source source, uint32_t rx_frames,
		       uint32_t tx_frames, char *err, size_t err_len)
{
	static const struct {
		int name, value;
		const char *text;
	} opts[] = {
		{ PACKET_VERSION, TPACKET_V2, "PACKET_VERSION" },
		{ PACKET_VNET_HDR, 1, "PACKET_VNET_HDR" },
		{ PACKET_RESERVE, PACKET_SLOT_RESERVE, "PACKET_RESERVE" },
		{ PACKET_COPY_THRESH, 1, "PACKET_COPY_THRESH" },
		{ PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING" },
	};
	const struct tpacket_req rx_req = ring_req(q->slot_bytes, rx_frames), tx_req = ring_req(q->slot_bytes, tx_frames);
	struct packet_rx *rx = &q->rx[source];
	void *map;
	size_t i;
	int rc;

	/* Protocol 0: nothing is received before bind(), when everything is in place. */
	rx->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (rx->fd < 0)
		return refused(err, err_len, p->ifname, "socket(AF_PACKET)");
	for (i = 0; i < sizeof(opts) / sizeof(opts[0]); i++)
		if (setsockopt(rx->fd, SOL_PACKET, opts[i].name, &opts[i].value, sizeof(opts[i].value)))
			return refused(err, err_len, p->ifname, opts[i].text);
	rc = filter_set(p, q, source);
	if (rc) {
		say(err, err_len, "%s: filter of %u instructions: %s", p->ifname, p->filter_len, strerror(-rc));
		return rc;
	}
	if (setsockopt(rx->fd, SOL_PACKET, PACKET_RX_RING, &rx_req, sizeof(rx_req)))
		return refused(err, err_len, p->ifname, "receive ring");
	rx->map_len = (size_t)rx_req.tp_block_nr * rx_req.tp_block_size;
	if (tx_frames) {
		if (setsockopt(rx->fd, SOL_PACKET, PACKET_TX_RING, &tx_req, sizeof(tx_req)))
			return refused(err, err_len, p->ifname, "transmit ring");
		rx->map_len += (size_t)tx_req.tp_block_nr * tx_req.tp_block_size;
	}
	map = mmap(NULL, rx->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, rx->fd, 0);
	if (map == MAP_FAILED)
		return refused(err, err_len, p->ifname, "mmap of the rings");
	rx->slots = map;
	rx->mask = rx_frames - 1;
	if (tx_frames) {
		q->tx_slots = rx->slots + (size_t)rx_req.tp_block_nr * rx_req.tp_block_size;
		q->tx_mask = tx_frames - 1;
	}
	return 0;
}

static uint32_t rx_big_bytes(const struct packet_wire *p, const struct lkl_wire_params *params)
{
	const uint64_t bytes = (uint64_t)p->wire.rx_ring_frames * RX_BIG_FRAME_BYTES;

	if (params->rx_big_bytes)
		return params->rx_big_bytes;
	return bytes < RX_BIG_BYTES_MAX ? (uint32_t)bytes : RX_BIG_BYTES_MAX;
}

static int queue_open(struct packet_wire *p, struct packet_queue *q, const struct lkl_wire_params *params, char *err,
		      size_t err_len)
{
	static const int yes = 1;
	uint32_t i;
	int rc;

	q->big_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (q->big_fd < 0 || setsockopt(q->big_fd, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof(yes)))
		return refused(err, err_len, p->ifname, "socket(AF_PACKET)");
	rc = socket_open(p, q, SOURCE_FRAMES, p->wire.rx_ring_frames, p->wire.tx_ring_frames, err, err_len);
	for (i = 1; i < q->sources && !rc; i++)
		rc = socket_open(p, q, i, SIDE_RING_FRAMES, 0, err, err_len);
	if (rc)
		return rc;
	set_buffer(q->rx[SOURCE_FRAMES].fd, SO_RCVBUFFORCE, SO_RCVBUF, rx_big_bytes(p, params));
	set_buffer(q->rx[SOURCE_FRAMES].fd, SO_SNDBUFFORCE, SO_SNDBUF, TX_SOCKET_BYTES);
	set_buffer(q->big_fd, SO_SNDBUFFORCE, SO_SNDBUF, TX_SOCKET_BYTES);
	return 0;
}

/* From here on frames come. The first queue founds the group, for which the kernel finds a number. */
static int queue_bind(struct packet_wire *p, struct packet_queue *q, uint32_t *group, char *err, size_t err_len)
{
	uint32_t i;
	/*
	 * All of them see all frames and filter: a socket bound to ARP alone is served behind the point where own_mute()
	 * drops.
	 */
	int rc = bind_to(q->big_fd, p->ifindex, 0);

	for (i = 0; i < q->sources && !rc; i++)
		rc = bind_to(q->rx[i].fd, p->ifindex, ETH_P_ALL);
	if (rc) {
		say(err, err_len, "%s: bind: %s", p->ifname, strerror(-rc));
		return rc;
	}
	if (p->steer) {
		const int fd = q->rx[SOURCE_FRAMES].fd, first = q == p->queue;
		const uint32_t how = PACKET_FANOUT_EBPF | PACKET_FANOUT_FLAG_DEFRAG | (first ? PACKET_FANOUT_FLAG_UNIQUEID : 0);
		const uint32_t arg = (first ? 0 : *group) | how << 16;
		uint32_t made = 0;
		socklen_t len = sizeof(made);

		if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, sizeof(arg)))
			return refused(err, err_len, p->ifname, "PACKET_FANOUT");
		if (first && (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &made, &len) ||
			      setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &p->steer->prog_fd, sizeof(int))))
			return refused(err, err_len, p->ifname, "PACKET_FANOUT_DATA");
		if (first)
			*group = made & 0xffff;
	}
	return 0;
}

static void queue_close(struct packet_queue *q)
{
	uint32_t i;

	for (i = 0; i < SOURCE__COUNT; i++) {
		if (q->rx[i].slots)
			munmap(q->rx[i].slots, q->rx[i].map_len);
		if (q->rx[i].fd >= 0)
			close(q->rx[i].fd);
	}
	if (q->big_fd >= 0)
		close(q->big_fd);
}

/* ---- upkeep --------------------------------------------------------------------------------- */

/*
 * PACKET_STATISTICS and SO_ERROR clear what they read: the kernel's drop counter, and an error that would keep poll() awake for
 * ever.
 */
void packet_tend(struct lkl_wire *w, uint32_t queue)
{
	struct packet_wire *p = to_packet(w);
	struct packet_queue *q = &p->queue[queue];
	struct ifreq ifr = { 0 };
	struct tpacket_stats st;
	socklen_t len;
	uint32_t i;
	int error, down;

	for (i = 0; i < q->sources; i++) {
		len = sizeof(st);
		if (!getsockopt(q->rx[i].fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
			w->stats[queue].rx_dropped_total += st.tp_drops;
		len = sizeof(error);
		getsockopt(q->rx[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
	}
	strcpy(ifr.ifr_name, p->ifname);
	down = ioctl(q->big_fd, SIOCGIFFLAGS, &ifr) || !(ifr.ifr_flags & IFF_UP) || !(ifr.ifr_flags & IFF_RUNNING);
	__atomic_store_n(&w->link_down, (uint8_t)down, __ATOMIC_RELAXED);
	if (!ioctl(q->big_fd, SIOCGIFMTU, &ifr))
		__atomic_store_n(&w->mtu_max, (uint32_t)ifr.ifr_mtu, __ATOMIC_RELAXED);
}

/* A membership belongs to a socket and ends with it, so the interface's mode is put back whatever happens. */
void packet_set_rx_mode(struct lkl_wire *w, uint32_t mode)
{
	struct packet_wire *p = to_packet(w);
	const struct {
		uint16_t type;
		int on;
	} wanted[] = {
		{ PACKET_MR_PROMISC, !!(mode & LKL_WIRE_RX_PROMISC) },
		{ PACKET_MR_ALLMULTI, !!(mode & LKL_WIRE_RX_ALLMULTI) },
		{ PACKET_MR_UNICAST, !!memcmp(w->mac, p->if_mac, sizeof(p->if_mac)) },
	};
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct packet_mreq mreq = { .mr_ifindex = p->ifindex, .mr_type = wanted[i].type };

		if (wanted[i].on == p->rx_mode_is[i])
			continue;
		if (wanted[i].type == PACKET_MR_UNICAST) {
			mreq.mr_alen = sizeof(w->mac);
			memcpy(mreq.mr_address, w->mac, sizeof(w->mac));
		}
		if (!setsockopt(p->queue[0].big_fd, SOL_PACKET, wanted[i].on ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP,
				&mreq, sizeof(mreq)))
			p->rx_mode_is[i] = wanted[i].on;
	}
}

void packet_close(struct lkl_wire *w)
{
	struct packet_wire *p = to_packet(w);
	uint32_t i;

	if (!p->is_view) {
		for (i = 0; p->queue && i < w->queues; i++)
			queue_close(&p->queue[i]);
		if (p->shared)
			munmap(p->shared, p->shared_len);
		if (p->steer)
			steer_close(p->steer);
		free(p->steer);
		free(p->filter);
	}
	free(p);
}

/* ---- taking over ---------------------------------------------------------------------------- */

/*
 * Nothing arrives any more. What the dead user had described may be half done and is dropped; what came afterwards waits for
 * the successor, but for frames larger than a slot, which lose their rest: a client's SYN must not, it comes again after a
 * second only. Both sides are at the same position then.
 */
static void rx_recover(const struct packet_queue *q, struct packet_rx *rx)
{
	struct lkl_vnet_hdr vnet;
	uint32_t n, first;

	if (slot_status(rx_slot(q, rx, rx->next)) & SLOT_DESCRIBED && rx->next - rx->released <= rx->mask)
		rx->next++;
	first = rx->next;
	for (n = 0; n <= rx->mask; n++) {
		const uint32_t status = slot_status(rx_slot(q, rx, first + n));

		if (!(status & TP_STATUS_USER) || status & SLOT_DESCRIBED)
			break;
		if (status & TP_STATUS_COPY)
			slot_give(rx_slot(q, rx, first + n), status & ~TP_STATUS_COPY); /* judged PACKET_LOST */
	}
	for (; n <= rx->mask; n++)
		slot_give(rx_slot(q, rx, first + n), TP_STATUS_KERNEL);
	rx->fetched = rx->released = rx->next;
	/* An error that the socket has to report comes before a frame, once. */
	for (n = 0; n < RECOVER_FRAMES_MAX; n++)
		if (recv(rx->fd, &vnet, sizeof(vnet), MSG_DONTWAIT) < 0 && errno == EAGAIN)
			break;
}

static void tx_recover(struct packet_queue *q)
{
	uint32_t i, head = q->tx_tail;

	for (i = q->tx_head; i != q->tx_tail; i++) {
		if (tx_status(tx_slot(q, i)) & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT)) {
			head = i;
			break;
		}
	}
	for (i = 0; i <= q->tx_mask; i++)
		if (tx_status(tx_slot(q, i)) & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT))
			slot_give(tx_slot(q, i), TP_STATUS_AVAILABLE);
	q->tx_head = q->tx_tail = head;
	q->tx_queued_bytes = 0;
	q->tx_refused_ms = 0;
}

/* Queues first .. first + n - 1, which one user has. Address resolution is for its first one: it is one instance. */
static int packet_take_over(const struct packet_wire *p, uint32_t first, uint32_t n)
{
	struct packet_queue *q;
	uint32_t i;
	int err;

	for (q = p->queue + first; q < p->queue + first + n; q++)
		for (i = 0; i < q->sources; i++) {
			err = filter_attach(q->rx[i].fd, &filter_nothing, 1);
			if (err)
				return err;
		}
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (q = p->queue + first; q < p->queue + first + n; q++) {
		for (i = 0; i < q->sources; i++)
			rx_recover(q, &q->rx[i]);
		q->rx_from = SOURCE_FRAMES;
		tx_recover(q);
		for (i = 0; i < q->sources; i++) {
			err = i == SOURCE_FRAMES || q == p->queue + first ? filter_set(p, q, i) : 0;
			if (err)
				return err;
		}
	}
	return 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static int read_interface(struct packet_wire *p, char *err, size_t err_len)
{
	const char *ifname = p->ifname;
	struct ifreq ifr = { 0 };
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return refused(err, err_len, ifname, "socket(AF_PACKET)");
	strcpy(ifr.ifr_name, ifname);
	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		goto err_ioctl;
	p->ifindex = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFMTU, &ifr))
		goto err_ioctl;
	p->wire.mtu = p->wire.mtu_max = (uint32_t)ifr.ifr_mtu;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		goto err_ioctl;
	if (!(ifr.ifr_flags & IFF_UP)) {
		say(err, err_len, "%s: interface is down", ifname);
		close(fd);
		return -ENETDOWN;
	}
	p->wire.link_down = !(ifr.ifr_flags & IFF_RUNNING);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		goto err_ioctl;
	close(fd);
	if (ifr.ifr_hwaddr.sa_family != 1 /* ARPHRD_ETHER */) {
		say(err, err_len, "%s: not an Ethernet interface (type %d)", ifname, ifr.ifr_hwaddr.sa_family);
		return -EPROTONOSUPPORT;
	}
	memcpy(p->if_mac, ifr.ifr_hwaddr.sa_data, sizeof(p->if_mac));
	memcpy(p->wire.mac, p->if_mac, sizeof(p->wire.mac));
	return 0;

err_ioctl:
	rc = refused(err, err_len, ifname, "cannot read the interface");
	close(fd);
	return rc;
}

static int ring_frames_ok(uint32_t n)
{
	return n >= RING_BLOCK_BYTES / PACKET_SLOT_BYTES && n <= 1u << 16 && !(n & (n - 1));
}

static int params_check(const struct lkl_wire_params *params, const struct packet_wire *p, char *err, size_t err_len)
{
	const char *ifname = params->ifname ? params->ifname : "(none)";
	const uint32_t slot = params->slot_bytes;

	if (!params->ifname || !*ifname || strlen(ifname) >= IFNAMSIZ)
		say(err, err_len, "%s: not an interface name of 1 to %d characters", ifname, IFNAMSIZ - 1);
	else if (!ring_frames_ok(p->wire.rx_ring_frames) || !ring_frames_ok(p->wire.tx_ring_frames))
		say(err, err_len, "%s: ring sizes must be powers of two from 32 to 65536", ifname);
	else if (p->wire.queues > LKL_WIRE_QUEUES_MAX)
		say(err, err_len, "%s: %u queues; 1 to %d are possible", ifname, p->wire.queues, LKL_WIRE_QUEUES_MAX);
	else if (slot && slot != PACKET_SLOT_BYTES && slot != SLOT_BYTES_MAX)
		say(err, err_len, "%s: slots of %u bytes; %u or %u are possible", ifname, slot, PACKET_SLOT_BYTES, SLOT_BYTES_MAX);
	else if (params->filter_len > FILTER_INSNS_MAX)
		say(err, err_len, "%s: filter of %u instructions; %u at most", ifname, params->filter_len, FILTER_INSNS_MAX);
	else
		return 0;
	return -EINVAL;
}

/* State and statistics, in memory that children share. */
static int shared_make(struct packet_wire *p, const struct lkl_wire_params *params)
{
	const uint32_t queues = p->wire.queues;
	const size_t stats_bytes = queues * sizeof(struct lkl_wire_stats);
	uint32_t i, k;

	p->shared_len = stats_bytes + queues * sizeof(struct packet_queue);
	p->shared = mmap(NULL, p->shared_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->shared == MAP_FAILED) {
		p->shared = NULL;
		return -ENOMEM;
	}
	p->wire.stats = p->shared;
	p->queue = (void *)((char *)p->shared + stats_bytes);
	for (i = 0; i < queues; i++) {
		p->queue[i].big_fd = -1;
		for (k = 0; k < SOURCE__COUNT; k++)
			p->queue[i].rx[k].fd = -1;
		p->queue[i].slot_bytes = params->slot_bytes ? params->slot_bytes : PACKET_SLOT_BYTES;
		p->queue[i].sources = queues > 1 && params->shared ? SOURCE__COUNT : 1;
	}
	return 0;
}

int wire_packet_open(const struct lkl_wire_params *params, struct lkl_wire **out, char *err,
		     size_t err_len)
{
	struct packet_wire *p = calloc(1, sizeof(*p));
	uint32_t i, group = 0;
	int rc;

	if (!p)
		return -ENOMEM;
	p->wire.ops = &packet_ops;
	p->wire.queues = params->queues ? params->queues : 1;
	p->wire.rx_ring_frames = params->rx_ring_frames ? params->rx_ring_frames : RX_RING_FRAMES;
	p->wire.tx_ring_frames = params->tx_ring_frames ? params->tx_ring_frames : TX_RING_FRAMES;
	p->wire.ring_frames_max = 1u << 16;
	p->wire.features = LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_RXCSUM |
			   LKL_WIRE_F_RXGSO;
	if (host_has_uso())
		p->wire.features |= LKL_WIRE_F_USO;
	p->wire.features &= ~params->disable_features;
	rc = params_check(params, p, err, err_len);
	if (rc)
		goto err_close;
	strcpy(p->ifname, params->ifname);
	if (params->filter && params->filter_len) {
		p->filter = malloc(params->filter_len * sizeof(*p->filter));
		rc = p->filter ? 0 : -ENOMEM;
		if (rc)
			goto err_close;
		memcpy(p->filter, params->filter, params->filter_len * sizeof(*p->filter));
		p->filter_len = params->filter_len;
	}
	rc = read_interface(p, err, err_len);
	if (rc)
		goto err_close;
	if (p->wire.queues > 1) {
		p->steer = malloc(sizeof(*p->steer));
		rc = p->steer ? steer_open(p->steer, p->wire.queues, params->homes, err, err_len) : -ENOMEM;
		if (rc) {
			free(p->steer);
			p->steer = NULL;
			goto err_close;
		}
	}
	rc = shared_make(p, params);
	for (i = 0; i < p->wire.queues && !rc; i++)
		rc = queue_open(p, &p->queue[i], params, err, err_len);
	for (i = 0; i < p->wire.queues && !rc; i++)
		rc = queue_bind(p, &p->queue[i], &group, err, err_len);
	if (rc)
		goto err_close;
	*out = &p->wire;
	return 0;

err_close:
	packet_close(&p->wire);
	return rc;
}

int wire_packet_queue(struct lkl_wire *wire, uint32_t queue, struct lkl_wire **out)
{
	return wire_packet_queues(wire, queue, 1, out);
}

int wire_packet_queues(struct lkl_wire *wire, uint32_t queue, uint32_t n, struct lkl_wire **out)
{
	const struct packet_wire *all = to_packet(wire);
	struct packet_wire *p;
	int rc;

	if (wire->ops != &packet_ops || all->is_view || !n || n > wire->queues || queue > wire->queues - n)
		return -EINVAL;
	rc = packet_take_over(all, queue, n);
	if (rc)
		return rc;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = *all;
	p->is_view = 1;
	p->steer = NULL;
	p->queue = &all->queue[queue];
	p->wire.stats = &wire->stats[queue];
	p->wire.queues = n;
	p->wire.tend_wanted = 0;
	*out = &p->wire;
	return 0;
}

void wire_packet_hold(struct lkl_wire *wire, int is_held)
{
	__atomic_store_n(&to_packet(wire)->is_held, is_held, __ATOMIC_RELAXED);
}

int wire_packet_ports(struct lkl_wire *wire, uint32_t queue, uint16_t first, uint16_t last)
{
	struct packet_wire *p = to_packet(wire);

	return wire->ops == &packet_ops && p->steer ? steer_ports(p->steer, queue, first, last) : -EINVAL;
}

int wire_packet_away(struct lkl_wire *wire, uint32_t queue, int away)
{
	struct packet_wire *p = to_packet(wire);

	return wire->ops == &packet_ops && p->steer ? steer_away(p->steer, queue, away) : -EINVAL;
}
