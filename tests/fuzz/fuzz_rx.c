// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_rx.c - libFuzzer target: bytes straight into the receive path of a running instance
 *
 * The first input boots an instance with a wire of our own, addresses 10.0.0.2 and fd00::2, a TCP
 * listener and a UDP socket on port 7. Each input is a row of frames:
 *
 *	1 byte	bit 0: the destination becomes the instance's MAC address; bit 1: zero metadata; bits
 *		2 and 3: the frame becomes IPv4 or IPv6 to the instance's address
 *	2 bytes	length, little endian (cut to what is left and to what a frame may have)
 *	10 bytes virtio_net_hdr
 *	the frame
 *
 * What every wire checks (lengths, metadata against length) is checked here by the same functions;
 * the rest is for the driver and the stack to survive. An input is over when the stack has given back
 * all its frames. What the stack sends is thrown away.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <lkl/lkl.h>

#include "common.h"

#define FRAMES_MAX 64u
#define FRAME_HEAD 13u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

static struct {
	struct lkl_wire wire; /* first */
	struct lkl_wire_stats stats;
	struct rx_list list;
	int event_fd;
	/* Frames of this input; `given` is written by the fuzzer, `taken` and `released` by the vCPU. */
	uint8_t *frames[FRAMES_MAX];
	uint32_t lens[FRAMES_MAX];
	struct lkl_vnet_hdr vnets[FRAMES_MAX];
	uint32_t given, taken, released;
} f;

static int rx_ready(struct lkl_wire *w, uint32_t queue)
{
	return __atomic_load_n(&f.given, __ATOMIC_ACQUIRE) != __atomic_load_n(&f.taken, __ATOMIC_RELAXED);
}

static int rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	const uint32_t given = __atomic_load_n(&f.given, __ATOMIC_ACQUIRE);
	uint64_t count;
	uint32_t n = 0;

	if (f.taken == given)
		(void)!read(f.event_fd, &count, sizeof(count));
	for (; n < max && f.taken != given; f.taken++) {
		const uint32_t i = f.taken % FRAMES_MAX;

		rx_list_push(&f.list, f.frames[i], f.lens[i], &f.vnets[i], 0, &frames[n++]);
	}
	return (int)n;
}

static int rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
		    struct lkl_vnet_hdr *vnet)
{
	return rx_list_fetch(&f.list, iov, iov_len, vnet);
}

static void rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	rx_list_release(&f.list, n, 0);
	__atomic_fetch_add(&f.released, n, __ATOMIC_RELEASE);
}

static int tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
	      uint32_t iov_len, uint32_t len)
{
	static uint8_t sink[WIRE_FRAME_MAX];

	/* What the driver hands over is held to what it promises, too. */
	if (wire_tx_check(w, vnet, iov_len, len) || wire_gather(sink, iov, iov_len, len))
		abort();
	return 0;
}

static int yes(struct lkl_wire *w, uint32_t queue)
{
	return 1;
}

static void nothing(struct lkl_wire *w, uint32_t queue)
{
}

static int wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return f.event_fd;
}

static void no_close(struct lkl_wire *w)
{
}

static const struct lkl_wire_ops ops = {
	.name = "fuzz",
	.rx_ready = rx_ready,
	.rx_burst = rx_burst,
	.rx_fetch = rx_fetch,
	.rx_release = rx_release,
	.tx = tx,
	.tx_ready = yes,
	.kick = nothing,
	.wait_fd = wait_fd,
	.tend = nothing,
	.close = no_close,
};

static void must(const char *what, long ret)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "fuzz_rx: %s: %s\n", what, lkl_strerror((int)ret));
	abort();
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	fprintf(stderr, "fuzz_rx: kernel died: %s\n%s\n", message, backtrace);
	abort();
}

/* A WARN of the stack is a finding as well. */
static void on_log(void *ctx, int level, const char *line, size_t len)
{
	if (level <= 4 && memmem(line, len, "WARNING:", 8)) {
		fprintf(stderr, "fuzz_rx: %.*s\n", (int)len, line);
		abort();
	}
}

static void boot(void)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	struct in_addr v4 = { htonl(0x0a000002) };
	struct in6_addr v6;
	int ifindex, fd, i;

	f.wire.ops = &ops;
	f.wire.stats = &f.stats;
	f.wire.features = LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_USO | LKL_WIRE_F_RXCSUM |
			  LKL_WIRE_F_RXGSO;
	f.wire.queues = 1;
	f.wire.mtu = 1500;
	memcpy(f.wire.mac, mac, 6);
	f.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (i = 0; i < (int)FRAMES_MAX; i++)
		f.frames[i] = malloc(WIRE_FRAME_MAX);
	opts.panic = on_panic;
	opts.log = on_log;
	opts.spin_us = 100;
	lkl_set_options(&opts);
	must("boot", lkl_start_kernel("mem=64M loglevel=5"));
	must("attach", ifindex = lkl_wire_attach(&f.wire));
	lkl_sysctl("net.ipv6.conf.all.accept_dad", "0");
	must("up", lkl_if_up(1));
	must("up", lkl_if_up(ifindex));
	must("IPv4", lkl_if_add_ip(ifindex, AF_INET, &v4, 24));
	inet_pton(AF_INET6, "fd00::2", &v6);
	must("IPv6", lkl_if_add_ip(ifindex, AF_INET6, &v6, 64));
	for (i = 0; i < 2; i++) {
		must("socket", fd = (int)lkl_sys_socket(AF_INET6, i ? SOCK_DGRAM : SOCK_STREAM, 0));
		must("bind", lkl_sys_bind(fd, (const struct sockaddr *)&any, sizeof(any)));
		if (!i)
			must("listen", lkl_sys_listen(fd, 16));
	}
}

/* Headers that get a frame past the first checks, as bits 2 and 3 ask. */
static void help(uint8_t *p, uint32_t len, uint8_t bits)
{
	if (bits & 1)
		memcpy(p, mac, 6);
	if (bits & 4 && len >= 34) {
		uint32_t sum = 0, i;

		p[12] = 8;
		p[13] = 0;
		p[14] = 0x45;
		p[16] = (uint8_t)((len - 14) >> 8);
		p[17] = (uint8_t)(len - 14);
		memcpy(p + 30, "\x0a\0\0\x02", 4);
		p[24] = p[25] = 0;
		for (i = 14; i < 34; i += 2)
			sum += (uint32_t)p[i] << 8 | p[i + 1];
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~((sum & 0xffff) + (sum >> 16));
		p[24] = (uint8_t)(sum >> 8);
		p[25] = (uint8_t)sum;
	} else if (bits & 8 && len >= 54) {
		p[12] = 0x86;
		p[13] = 0xdd;
		p[14] = 0x60;
		p[18] = (uint8_t)((len - 54) >> 8);
		p[19] = (uint8_t)(len - 54);
		memcpy(p + 38, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int is_up;
	const uint64_t one = 1;
	uint32_t given = f.given, n = 0;

	if (!is_up) {
		boot();
		is_up = 1;
	}
	while (size >= FRAME_HEAD && n < FRAMES_MAX) {
		const uint32_t i = given % FRAMES_MAX;
		uint32_t len = data[1] | (uint32_t)data[2] << 8;
		struct lkl_vnet_hdr vnet = { 0 };

		if (!(data[0] & 2))
			memcpy(&vnet, data + 3, sizeof(vnet));
		if (len > size - FRAME_HEAD)
			len = (uint32_t)(size - FRAME_HEAD);
		memcpy(f.frames[i], data + FRAME_HEAD, len);
		help(f.frames[i], len, data[0]);
		data += FRAME_HEAD + len;
		size -= FRAME_HEAD + len;
		vnet.flags &= LKL_VNET_F_NEEDS_CSUM | LKL_VNET_F_DATA_VALID;
		if (len < ETH_HLEN || !packet_vnet_ok(&vnet, len))
			continue;
		f.lens[i] = len;
		f.vnets[i] = vnet;
		given++;
		n++;
	}
	if (!n)
		return 0;
	__atomic_store_n(&f.given, given, __ATOMIC_RELEASE);
	(void)!write(f.event_fd, &one, sizeof(one));
	while (__atomic_load_n(&f.released, __ATOMIC_ACQUIRE) != given)
		sched_yield();
	return 0;
}
