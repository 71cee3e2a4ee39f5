// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire_echo.c - small programs that put a wire under test; the scripts wire_*.sh beside it build
 * the topologies
 *
 *	echo IF			send frames of the test EtherType and UDP back, addresses swapped
 *	forward IF1 IF2		two wires, every frame from one to the other
 *	lengths IF MAC MAX	send a frame of every length 14..MAX by a plain packet socket to an
 *				echo at MAC, check every byte that comes back
 *	order IF N		send N numbered frames, alternately small and 4 to 60 KiB (TSO), and
 *				after every 50th one that the kernel refuses
 *	watch IF N		receive them on a plain packet socket and check order and contents
 *	full IF			more frames than the ring holds without a kick, then one kick
 *	link IF			does what stdin tells while the script takes IF down and away
 *	drain IF N		receive until N frames have come, or 30 seconds; how many must be N
 *	own IF			own_take(), print "taken", wait for end of input, own_restore()
 *	take IF own|share [LOW HIGH PORT...]	take_begin(), print "taken", wait for end of input,
 *				take_end(); share: ephemeral range and TCP ports
 *	recover IF		take_recover()
 *	mute IF [tcx|nft]	own_mute(), print how, wait for end of input
 *	send PORT BYTES ADDR	TCP sender of a pseudo-random stream
 *	recv PORT BYTES		its receiver, checks every byte
 *	udpecho PORT		kernel UDP echo, to compare with
 *	ping|flood ADDR PORT SECONDS	UDP load by kernel sockets, 1 or 32 datagrams under way
 *	blast IF MAC SECONDS WINDOW	UDP load by a wire, which costs less: 10.99.2.1:9 to
 *				10.99.2.2:7 at MAC; prints echoes per second
 *
 * Where IF is a wire, it may be the specification of any wire (docs/wires.md): "tap:if=tap0".
 *
 * Environment: WIRE_DIR is the directory of records; WIRE_LOSE=N: forward drops every N-th frame,
 * WIRE_SWAP=N: and lets every N-th frame be overtaken by the next; WIRE_SPIN=N polls N times in
 * vain before it sleeps (0 when the load shares the
 * core); WIRE_RX_BIG=N is rx_big_bytes.
 *
 * echo and forward print "ready" when the wire is open and, after SIGTERM, one line of counters as
 * name=value. Exit status 0 is success, 1 a failed check (said on stderr), 77 that the machine
 * cannot run it.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "take.h"
#include "wire.h"

#define TEST_ETHERTYPE 0x88b5 /* IEEE 802, for local experiments */
#define BURST 64u
#define BIG_BYTES (65535u + 18u)
#define SPIN_TURNS 2000
#define SECOND_MS 1000

static volatile sig_atomic_t stopped;

static void on_term(int sig)
{
	stopped = 1;
}

static int fail(const char *what, long detail)
{
	fprintf(stderr, "wire_echo: %s (%ld)\n", what, detail);
	return 1;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct lkl_wire *open_wire(const char *ifname)
{
	struct lkl_wire_params params = { .ifname = ifname };
	struct lkl_wire *w = NULL;
	const char *rx_big = getenv("WIRE_RX_BIG");
	char err[200] = "";

	params.rx_big_bytes = rx_big ? (uint32_t)atoi(rx_big) : 0;
	/* An interface's name, or any wire's specification. */
	if (strchr(ifname, ':') ? wire_open(ifname, &w, err, sizeof(err)) :
				  wire_packet_open(&params, &w, err, sizeof(err))) {
		fprintf(stderr, "wire_echo: %s\n", err);
		exit(1);
	}
	return w;
}

static void print_stats(const struct lkl_wire *w)
{
	const struct lkl_wire_stats *s = &w->stats[0];

	printf("rx_frames=%llu rx_bytes=%llu rx_fetched=%llu rx_dropped=%llu rx_malformed=%llu "
	       "tx_frames=%llu tx_bytes=%llu tx_big=%llu tx_full=%llu tx_errors=%llu tx_down=%llu kicks=%llu\n",
	       (unsigned long long)s->rx_frames_total, (unsigned long long)s->rx_bytes_total,
	       (unsigned long long)s->rx_fetched_total, (unsigned long long)s->rx_dropped_total,
	       (unsigned long long)s->rx_malformed_total, (unsigned long long)s->tx_frames_total,
	       (unsigned long long)s->tx_bytes_total, (unsigned long long)s->tx_big_total,
	       (unsigned long long)s->tx_full_total, (unsigned long long)s->tx_errors_total,
	       (unsigned long long)s->tx_down_total, (unsigned long long)s->kicks_total);
	fflush(stdout);
}

/* Send one frame, waiting for room; gives up after a second. */
static void send_frame(struct lkl_wire *w, const struct lkl_vnet_hdr *vnet, const void *data,
		       uint32_t len)
{
	/* Two pieces, as an skb would have. */
	const uint32_t head = len < 54 ? len : 54;
	const struct lkl_iov iov[2] = {
		{ (void *)data, head },
		{ (uint8_t *)data + head, len - head },
	};
	const int64_t end = now_us() + 1000000;

	while (w->ops->tx(w, 0, vnet, iov, len > head ? 2 : 1, len) == -EAGAIN && now_us() < end) {
		w->ops->kick(w, 0);
		while (!w->ops->tx_ready(w, 0) && now_us() < end)
			;
	}
}

static void swap_macs(uint8_t *frame)
{
	uint8_t tmp[6];

	memcpy(tmp, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, tmp, 6);
}

/* IPv4 UDP: swap addresses and ports too (the checksum is a sum, so it stays right). */
static int turn_around(uint8_t *f, uint32_t len)
{
	const uint16_t type = (uint16_t)(f[12] << 8 | f[13]);
	uint8_t tmp[4];

	if (type == ETH_P_IP && len >= 42 && f[14] == 0x45 && f[23] == IPPROTO_UDP) {
		memcpy(tmp, f + 26, 4);
		memcpy(f + 26, f + 30, 4);
		memcpy(f + 30, tmp, 4);
		memcpy(tmp, f + 34, 2);
		memcpy(f + 34, f + 36, 2);
		memcpy(f + 36, tmp, 2);
	} else if (type != TEST_ETHERTYPE) {
		return 0;
	}
	swap_macs(f);
	return 1;
}

/* What a bad network does to a frame of a forwarder. 1: it was lost, or comes behind the next one. */
static int is_mishap(struct lkl_wire *out, const struct lkl_vnet_hdr *vnet, const uint8_t *data, uint32_t len)
{
	static int lose = -1, swap;
	static uint64_t frames;
	static uint8_t held[BIG_BYTES];
	static struct lkl_vnet_hdr held_vnet;
	static struct lkl_wire *held_out;
	static uint32_t held_len;

	if (lose < 0) {
		lose = getenv("WIRE_LOSE") ? atoi(getenv("WIRE_LOSE")) : 0;
		swap = getenv("WIRE_SWAP") ? atoi(getenv("WIRE_SWAP")) : 0;
	}
	if (!lose && !swap)
		return 0;
	frames++;
	if (held_len && held_out == out) {
		send_frame(out, vnet, data, len);
		send_frame(out, &held_vnet, held, held_len);
		held_len = 0;
		return 1;
	}
	if (lose && frames % (uint64_t)lose == 0)
		return 1;
	if (!swap || held_len || frames % (uint64_t)swap)
		return 0;
	memcpy(held, data, len);
	held_vnet = *vnet;
	held_out = out;
	held_len = len;
	return 1;
}

/*
 * Move what has arrived on `in` to `out`; with echo, turn the frames round. Returns how many
 * arrived.
 */
static uint32_t pump(struct lkl_wire *in, struct lkl_wire *out, int echo)
{
	static uint8_t big[BIG_BYTES];
	struct lkl_rx_frame frames[BURST];
	const int n = in->ops->rx_burst(in, 0, frames, BURST);
	int i;

	for (i = 0; i < n; i++) {
		struct lkl_rx_frame *f = &frames[i];
		uint8_t *data = f->data;

		if (f->flags & LKL_RX_FETCH) {
			/* Page-sized pieces, as the driver would give. */
			struct lkl_iov iov[17];
			uint32_t left = BIG_BYTES, k;
			int got;

			for (k = 0; k < 17; k++) {
				iov[k].base = big + k * 4096;
				iov[k].len = left < 4096 ? left : 4096;
				left -= (uint32_t)iov[k].len;
			}
			got = in->ops->rx_fetch(in, 0, iov, 17, &f->vnet);
			if (got < 0) {
				fail("rx_fetch", got);
				continue;
			}
			if ((uint32_t)got != f->len)
				fail("rx_fetch length", got);
			data = big;
		}
		if (echo ? turn_around(data, f->len) : !is_mishap(out, &f->vnet, data, f->len))
			send_frame(out, &f->vnet, data, f->len);
	}
	in->ops->rx_release(in, 0, (uint32_t)n);
	return (uint32_t)n;
}

static int run_pump(struct lkl_wire *a, struct lkl_wire *b, int echo)
{
	struct pollfd fds[2] = {
		{ .fd = a->ops->wait_fd(a, 0), .events = POLLIN },
		{ .fd = b->ops->wait_fd(b, 0), .events = POLLIN },
	};
	const int spin_turns = getenv("WIRE_SPIN") ? atoi(getenv("WIRE_SPIN")) : SPIN_TURNS;
	int idle = 0;

	printf("ready\n");
	fflush(stdout);
	while (!stopped) {
		uint32_t n = pump(a, b, echo);

		if (a != b)
			n += pump(b, a, echo);
		b->ops->kick(b, 0);
		if (a != b)
			a->ops->kick(a, 0);
		idle = n ? 0 : idle + 1;
		if (idle > spin_turns) {
			poll(fds, a == b ? 1 : 2, SECOND_MS / 10);
			if ((fds[0].revents | fds[1].revents) & POLLERR) {
				a->ops->tend(a, 0);
				b->ops->tend(b, 0);
			}
		}
	}
	a->ops->tend(a, 0);
	print_stats(a);
	if (a != b) {
		b->ops->tend(b, 0);
		print_stats(b);
		b->ops->close(b);
	}
	a->ops->close(a);
	return 0;
}

/* ---- checks that use plain packet sockets on the far side ------------------------------------ */

static int plain_socket(const char *ifname, int type)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)type),
		.sll_ifindex = (int)if_nametoindex(ifname),
	};
	struct timeval timeout = { .tv_sec = 20 };
	int big = 16 << 20, one = 1;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		exit(77);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		exit(fail("bind", errno));
	return fd;
}

static void read_mac(const char *ifname, uint8_t mac[6])
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", ifname);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
			 mac + 4, mac + 5) != 6)
		exit(fail("reading the MAC address", errno));
	fclose(f);
}

static void fill(uint8_t *p, uint32_t len, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)((i * 2654435761u + seed * 40503u) >> 13);
}

static int cmd_lengths(const char *ifname, const char *mac, uint32_t max)
{
	const int fd = plain_socket(ifname, TEST_ETHERTYPE);
	uint8_t out[9100], in[9100], src[6];
	uint32_t len;

	read_mac(ifname, src);
	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", out, out + 1, out + 2, out + 3, out + 4,
		   out + 5) != 6 ||
	    max > sizeof(out))
		return fail("usage", 0);
	memcpy(out + 6, src, 6);
	out[12] = TEST_ETHERTYPE >> 8;
	out[13] = TEST_ETHERTYPE & 255;
	for (len = ETH_HLEN; len <= max; len++) {
		ssize_t n;

		fill(out + ETH_HLEN, len - ETH_HLEN, len);
		if (send(fd, out, len, 0) != (ssize_t)len)
			return fail("send", errno);
		n = recv(fd, in, sizeof(in), 0);
		if (n != (ssize_t)len)
			return fail("echo has another length than", len);
		if (memcmp(in, out + 6, 6) || memcmp(in + 6, out, 6) ||
		    memcmp(in + 12, out + 12, len - 12))
			return fail("echo differs at length", len);
	}
	printf("lengths 14..%u intact\n", max);
	return 0;
}

/* IPv4/TCP frame of `len` bytes that carries `number`; above the MTU as TSO with mss 1448. */
static void numbered_frame(uint8_t *f, uint32_t len, uint32_t number, struct lkl_vnet_hdr *vnet)
{
	const uint16_t ip_len = htons((uint16_t)(len - ETH_HLEN));
	const uint32_t net_number = htonl(number);

	memset(f, 0, 54);
	memset(f, 0xff, 6);
	f[6] = 2;
	f[12] = ETH_P_IP >> 8;
	f[14] = 0x45;
	memcpy(f + 16, &ip_len, 2);
	f[22] = 64;
	f[23] = IPPROTO_TCP;
	memcpy(f + 26, "\x0a\x63\x00\x01\x0a\x63\x00\x02", 8);
	memcpy(f + 38, &net_number, 4); /* TCP sequence number */
	f[46] = 0x50;
	fill(f + 54, len - 54, number);
	memset(vnet, 0, sizeof(*vnet));
	vnet->flags = LKL_VNET_F_NEEDS_CSUM;
	vnet->csum_start = 34;
	vnet->csum_offset = 16;
	vnet->hdr_len = 54;
	if (len > 1514) {
		vnet->gso_type = LKL_VNET_GSO_TCPV4;
		vnet->gso_size = 1448;
	}
}

static uint32_t numbered_len(uint32_t i)
{
	return i & 1 ? 4000 + (i * 7919u) % 57000 : 60 + (i * 104729u) % 1400;
}

static int cmd_order(const char *ifname, uint32_t n)
{
	struct lkl_wire *w = open_wire(ifname);
	static uint8_t frame[BIG_BYTES];
	cpu_set_t cpus;
	uint32_t i;

	/*
	 * veth hands a frame to the other end through a queue of the CPU that sends: who changes
	 * CPU may overtake himself. vCPUs are pinned as well.
	 */
	CPU_ZERO(&cpus);
	CPU_SET((size_t)sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (i = 0; i < n; i++) {
		struct lkl_vnet_hdr vnet;

		numbered_frame(frame, numbered_len(i), i, &vnet);
		send_frame(w, &vnet, frame, numbered_len(i));
		/* The wire takes it and the kernel refuses: the checksum starts in IP. */
		if (i % 50 == 0) {
			vnet.gso_type = LKL_VNET_GSO_NONE;
			vnet.csum_start = 16;
			send_frame(w, &vnet, frame, 200);
		}
		if (i % 37 == 0)
			w->ops->kick(w, 0);
	}
	w->ops->kick(w, 0);
	print_stats(w);
	w->ops->close(w);
	return 0;
}

static int cmd_watch(const char *ifname, uint32_t n)
{
	const int fd = plain_socket(ifname, ETH_P_IP);
	static uint8_t frame[BIG_BYTES], want[BIG_BYTES];
	uint32_t i;

	printf("ready\n");
	fflush(stdout);
	for (i = 0; i < n; i++) {
		struct lkl_vnet_hdr vnet;
		const ssize_t got = recv(fd, frame, sizeof(frame), 0);

		numbered_frame(want, numbered_len(i), i, &vnet);
		if (got < 0)
			return fail("nothing came; waiting for frame", i);
		if ((uint32_t)got != numbered_len(i) || memcmp(frame, want, 42) ||
		    memcmp(frame + 54, want + 54, (size_t)got - 54)) {
			uint32_t number;

			memcpy(&number, frame + 38, 4);
			fprintf(stderr, "wire_echo: %zd bytes, numbered %u: ", got, ntohl(number));
			return fail("wrong frame in place of", i);
		}
	}
	printf("%u frames in order\n", n);
	return 0;
}

static int cmd_drain(const char *ifname, uint64_t n)
{
	struct lkl_wire *w = open_wire(ifname);
	const int64_t end = now_us() + 30000000;
	struct lkl_rx_frame frames[BURST];
	uint64_t got = 0;

	while (got < n && now_us() < end) {
		struct pollfd pfd = { .fd = w->ops->wait_fd(w, 0), .events = POLLIN };
		int k = 0;

		if (w->ops->rx_ready(w, 0))
			k = w->ops->rx_burst(w, 0, frames, BURST);
		w->ops->rx_release(w, 0, (uint32_t)k);
		got += (uint64_t)k;
		if (!k)
			poll(&pfd, 1, 10);
	}
	/* No more than that. */
	got += (uint64_t)w->ops->rx_burst(w, 0, frames, 1);
	print_stats(w);
	w->ops->close(w);
	return got == n ? 0 : fail("another number of frames came", (long)got);
}

static int cmd_full(const char *ifname)
{
	struct lkl_wire *w = open_wire(ifname);
	const struct lkl_wire_stats *s = &w->stats[0];
	struct lkl_vnet_hdr vnet = { 0 };
	uint8_t frame[64] = { 0 };
	struct lkl_iov iov = { frame, sizeof(frame) };
	uint32_t i;
	int rc;

	memset(frame, 0xff, 6);
	frame[12] = TEST_ETHERTYPE >> 8;
	frame[13] = TEST_ETHERTYPE & 255;
	/*
	 * Ring full of requests: tx() flushes by itself, so 4 rings of frames pass without a kick.
	 */
	for (i = 0; i < 2048; i++) {
		rc = w->ops->tx(w, 0, &vnet, &iov, 1, sizeof(frame));
		if (rc)
			return fail("tx without kick", rc);
	}
	w->ops->kick(w, 0);
	if (!w->ops->tx_ready(w, 0) || s->tx_frames_total != 2048 || s->tx_errors_total)
		return fail("after 2048 frames: errors", (long)s->tx_errors_total);
	print_stats(w);
	w->ops->close(w);
	return 0;
}

/*
 * Commands on stdin: "send" (send 10 small and one big frame), "stats", "wait" (poll, tell if it
 * slept and was quiet).
 */
static int cmd_link(const char *ifname)
{
	struct lkl_wire *w = open_wire(ifname);
	static uint8_t frame[BIG_BYTES];
	char line[20];

	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		struct lkl_vnet_hdr vnet;
		uint32_t i;

		if (line[0] == 's' && line[1] == 'e') {
			for (i = 0; i < 11; i++) {
				const uint32_t len = i < 10 ? 100 + i : 30000;
				struct lkl_iov iov = { frame, len };

				numbered_frame(frame, len, i, &vnet);
				w->ops->tx(w, 0, &vnet, &iov, 1, len);
			}
			w->ops->kick(w, 0);
			w->ops->tx_ready(w, 0);
			printf("sent\n");
			fflush(stdout);
		} else if (line[0] == 'w') {
			struct pollfd pfd = { .fd = w->ops->wait_fd(w, 0), .events = POLLIN };
			struct lkl_rx_frame frames[BURST];
			int n, turns = 0;

			do {
				if (pfd.revents & POLLERR)
					w->ops->tend(w, 0);
				w->ops->rx_release(w, 0,
						   (uint32_t)w->ops->rx_burst(w, 0, frames, BURST));
				n = poll(&pfd, 1, 50);
			} while (n && ++turns < 20);
			printf("%s\n", n ? "spinning" : "quiet");
			fflush(stdout);
		} else {
			print_stats(w);
		}
	}
	w->ops->close(w);
	return 0;
}

/* ---- TCP stream ------------------------------------------------------------------------------ */

#define CHUNK_BYTES (1u << 20)

static int cmd_send(uint16_t port, uint64_t bytes, const char *ip)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	static uint8_t chunk[CHUNK_BYTES];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t done = 0;
	char ack;

	inet_pton(AF_INET, ip, &addr.sin_addr);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fail("connect", errno);
	while (done < bytes) {
		uint32_t off = 0;

		fill(chunk, CHUNK_BYTES, (uint32_t)(done / CHUNK_BYTES));
		while (off < CHUNK_BYTES) {
			const ssize_t n = send(fd, chunk + off, CHUNK_BYTES - off, MSG_NOSIGNAL);

			if (n <= 0)
				return fail("send", errno);
			off += (uint32_t)n;
		}
		done += CHUNK_BYTES;
	}
	shutdown(fd, SHUT_WR);
	return recv(fd, &ack, 1, 0) == 1 ? 0 : fail("no acknowledgement from the receiver", errno);
}

static int cmd_recv(uint16_t port, uint64_t bytes)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	static uint8_t chunk[CHUNK_BYTES], want[CHUNK_BYTES];
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, c;
	uint64_t done = 0;
	int64_t start;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1))
		return fail("listen", errno);
	printf("ready\n");
	fflush(stdout);
	c = accept(fd, NULL, NULL);
	start = now_us();
	for (;;) {
		const ssize_t n = recv(c, chunk, CHUNK_BYTES, MSG_WAITALL);

		if (n <= 0)
			break;
		fill(want, CHUNK_BYTES, (uint32_t)(done / CHUNK_BYTES));
		if (memcmp(chunk, want, (size_t)n))
			return fail("stream differs in MiB", (long)(done / CHUNK_BYTES));
		done += (uint64_t)n;
	}
	if (done != bytes)
		return fail("stream ended at byte", (long)done);
	if (send(c, "k", 1, 0) != 1)
		return fail("ack", errno);
	printf("%llu bytes intact, %.2f Gbit/s (with checking)\n", (unsigned long long)done,
	       (double)done * 8e-3 / (double)(now_us() - start));
	return 0;
}

/* ---- UDP load -------------------------------------------------------------------------------- */

static int cmd_udpecho(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[2048];

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fail("bind", errno);
	printf("ready\n");
	fflush(stdout);
	while (!stopped) {
		socklen_t len = sizeof(addr);
		const ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&addr, &len);

		if (n >= 0)
			sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&addr, len);
	}
	return 0;
}

/*
 * Keep `window` datagrams under way for `seconds` and print the echoes per second. Batched with
 * sendmmsg/recvmmsg: the generator should cost little and the same for every echo compared.
 */
static int cmd_load(const char *ip, uint16_t port, double seconds, unsigned int window)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval timeout = { .tv_usec = 20000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct mmsghdr msgs[64] = { 0 };
	struct iovec iov = { "sixty-four bytes of payload, which is what small requests look like",
			     64 };
	char trash[64][128];
	struct iovec in[64];
	struct mmsghdr rmsgs[64] = { 0 };
	uint64_t echoes = 0, lost = 0;
	const int64_t start = now_us();
	unsigned int i, credit = window;

	inet_pton(AF_INET, ip, &addr.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fail("connect", errno);
	for (i = 0; i < 64; i++) {
		msgs[i].msg_hdr.msg_iov = &iov;
		msgs[i].msg_hdr.msg_iovlen = 1;
		in[i].iov_base = trash[i];
		in[i].iov_len = sizeof(trash[i]);
		rmsgs[i].msg_hdr.msg_iov = &in[i];
		rmsgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (now_us() - start < (int64_t)(seconds * 1e6)) {
		int n = 0;

		if (credit)
			n = sendmmsg(fd, msgs, credit, 0);
		if (n > 0)
			credit -= (unsigned int)n;
		n = recvmmsg(fd, rmsgs, window, MSG_WAITFORONE, NULL);
		if (n > 0) {
			credit += (unsigned int)n;
			echoes += (uint64_t)n;
		} else {
			lost += window - credit;
			credit = window;
		}
		if (credit > window)
			credit = window;
	}
	printf("echoes_per_second=%.0f lost=%llu\n",
	       (double)echoes * 1e6 / (double)(now_us() - start), (unsigned long long)lost);
	return 0;
}

static uint16_t ip_sum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0, i;

	for (i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int cmd_blast(const char *ifname, const char *mac, double seconds, uint32_t window)
{
	struct lkl_wire *w = open_wire(ifname);
	struct pollfd pfd = { .fd = w->ops->wait_fd(w, 0), .events = POLLIN };
	struct lkl_rx_frame frames[BURST];
	struct lkl_vnet_hdr vnet = { 0 };
	uint8_t f[14 + 20 + 8 + 64] = { 0 };
	struct lkl_iov iov = { f, sizeof(f) };
	uint64_t echoes = 0, lost = 0;
	const int64_t start = now_us();
	uint32_t under_way = 0;
	uint16_t sum;

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", f, f + 1, f + 2, f + 3, f + 4, f + 5) != 6)
		return fail("usage", 0);
	memcpy(f + 6, w->mac, 6);
	memcpy(f + 12, "\x08\x00\x45\x00\x00\x5c", 6);
	memcpy(f + 22, "\x40\x11\x00\x00\x0a\x63\x02\x01\x0a\x63\x02\x02\x00\x09\x00\x07\x00\x48",
	       18);
	sum = ip_sum(f + 14, 20);
	memcpy(f + 24, &sum, 2);
	while (now_us() - start < (int64_t)(seconds * 1e6)) {
		int n, i;

		for (; under_way < window && !w->ops->tx(w, 0, &vnet, &iov, 1, sizeof(f));
		     under_way++)
			;
		w->ops->kick(w, 0);
		if (!w->ops->rx_ready(w, 0) && !poll(&pfd, 1, 20)) {
			lost += under_way;
			under_way = 0;
		}
		n = w->ops->rx_burst(w, 0, frames, BURST);
		for (i = 0; i < n; i++) {
			const uint8_t *d = frames[i].data;

			if (frames[i].len == sizeof(f) && d[23] == IPPROTO_UDP && d[35] == 7 &&
			    under_way) {
				echoes++;
				under_way--;
			}
		}
		w->ops->rx_release(w, 0, (uint32_t)n);
	}
	printf("echoes_per_second=%.0f lost=%llu\n",
	       (double)echoes * 1e6 / (double)(now_us() - start), (unsigned long long)lost);
	w->ops->close(w);
	return 0;
}

/* ---- own ------------------------------------------------------------------------------------- */

static void wait_for_eof(void)
{
	char c;

	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static int cmd_own(const char *ifname)
{
	struct own_state st;
	char err[200] = "";

	if (own_take(ifname, &st, err, sizeof(err))) {
		fprintf(stderr, "wire_echo: %s\n", err);
		return 1;
	}
	printf("taken %u addresses, %u routes\n", st.addrs_len, st.routes_len);
	wait_for_eof();
	if (own_restore(&st, err, sizeof(err))) {
		fprintf(stderr, "wire_echo: %s\n", err);
		return 1;
	}
	printf("restored\n");
	return 0;
}

static int cmd_take(int argc, char **argv)
{
	static struct take t;
	struct take_params params = { .mode = argc > 3 && !strcmp(argv[3], "share") ? TAKE_SHARE : TAKE_OWN,
				      .ifname = argv[2],
				      .dir = getenv("WIRE_DIR") };
	char err[300] = "";
	int i, rc;

	if (params.mode == TAKE_SHARE && argc > 5) {
		params.share.ephemeral_low = (uint16_t)atoi(argv[4]);
		params.share.ephemeral_high = (uint16_t)atoi(argv[5]);
		for (i = 6; i < argc && params.share.ports_len < SHARE_PORTS_MAX; i++) {
			const uint16_t port = (uint16_t)atoi(argv[i]);

			params.share.ports[params.share.ports_len++] = (struct filter_range){ port, port };
		}
	}
	rc = take_begin(&params, &t, err, sizeof(err));
	if (rc)
		return fail(err, rc);
	if (err[0])
		printf("remark: %s\n", err);
	printf("taken reserved=%s\n", t.share.reserved);
	fflush(stdout);
	wait_for_eof();
	rc = take_end(&t, err, sizeof(err));
	return rc ? fail(err, rc) : 0;
}

static int cmd_recover(const char *ifname)
{
	char err[300] = "";
	const int rc = take_recover(getenv("WIRE_DIR"), ifname, err, sizeof(err));

	if (rc < 0)
		return fail(err, rc);
	printf("%d %s\n", rc, err);
	return 0;
}

static int cmd_mute(const char *ifname, const char *how)
{
	const unsigned int methods = !how ? 0 : !strcmp(how, "tcx") ? OWN_MUTE_TCX : OWN_MUTE_NFT;
	char err[200] = "";
	unsigned int method;
	const int fd = own_mute(ifname, methods, &method, err, sizeof(err));

	if (fd < 0) {
		fprintf(stderr, "wire_echo: %s\n", err);
		return fd == -EOPNOTSUPP ? 77 : 1;
	}
	printf("muted %s\n", method == OWN_MUTE_TCX ? "tcx" : "nft");
	wait_for_eof();
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 2 ? argv[1] : "";
	struct sigaction sa = { .sa_handler = on_term };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	if (!strcmp(cmd, "echo")) {
		struct lkl_wire *w = open_wire(argv[2]);

		return run_pump(w, w, 1);
	}
	if (!strcmp(cmd, "forward") && argc > 3)
		return run_pump(open_wire(argv[2]), open_wire(argv[3]), 0);
	if (!strcmp(cmd, "lengths") && argc > 4)
		return cmd_lengths(argv[2], argv[3], (uint32_t)atoi(argv[4]));
	if (!strcmp(cmd, "order") && argc > 3)
		return cmd_order(argv[2], (uint32_t)atoi(argv[3]));
	if (!strcmp(cmd, "watch") && argc > 3)
		return cmd_watch(argv[2], (uint32_t)atoi(argv[3]));
	if (!strcmp(cmd, "drain") && argc == 4)
		return cmd_drain(argv[2], strtoull(argv[3], NULL, 10));
	if (!strcmp(cmd, "full"))
		return cmd_full(argv[2]);
	if (!strcmp(cmd, "link"))
		return cmd_link(argv[2]);
	if (!strcmp(cmd, "own"))
		return cmd_own(argv[2]);
	if (!strcmp(cmd, "take") && argc > 3)
		return cmd_take(argc, argv);
	if (!strcmp(cmd, "recover"))
		return cmd_recover(argv[2]);
	if (!strcmp(cmd, "mute"))
		return cmd_mute(argv[2], argc > 3 ? argv[3] : NULL);
	if (!strcmp(cmd, "send") && argc > 4)
		return cmd_send((uint16_t)atoi(argv[2]), strtoull(argv[3], NULL, 0), argv[4]);
	if (!strcmp(cmd, "recv") && argc > 3)
		return cmd_recv((uint16_t)atoi(argv[2]), strtoull(argv[3], NULL, 0));
	if (!strcmp(cmd, "udpecho"))
		return cmd_udpecho((uint16_t)atoi(argv[2]));
	if (!strcmp(cmd, "flood") && argc > 4)
		return cmd_load(argv[2], (uint16_t)atoi(argv[3]), atof(argv[4]), 32);
	if (!strcmp(cmd, "ping") && argc > 4)
		return cmd_load(argv[2], (uint16_t)atoi(argv[3]), atof(argv[4]), 1);
	if (!strcmp(cmd, "blast") && argc > 5)
		return cmd_blast(argv[2], argv[3], atof(argv[4]), (uint32_t)atoi(argv[5]));
	fprintf(stderr, "usage: the head of tests/net/wire_echo.c\n");
	return 2;
}
