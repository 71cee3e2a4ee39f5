// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire_stack.c - an instance on any wire, and a peer of it on the host's kernel; wire_tcp.sh and
 * wire_faults.sh build the topologies
 *
 *	serve SPEC IPV4 IPV6 [MTU]	boot an instance on the wire, addresses with prefix length 24 and
 *				64, a TCP server on port 7000; prints "ready"; after SIGTERM halts,
 *				closes the wire, prints its counters
 *	serve-close SPEC ...	the same, but after SIGUSR1 the wire is closed first, under load (the
 *				netdev removed); then SIGTERM as before
 *	ask ADDR up|down|both BYTES	connect to the server and move bytes, all of which are checked at
 *				the receiving end
 *	reset ADDR N		N connections that are reset half way
 *	ping ADDR COUNT BYTES	ICMP echo, contents checked
 *
 * WIRE_STACK_STATS=1: serve prints the instance's /proc/net/snmp and its like first.
 * Exit status: 0; 1 a failed check (said on stderr); 77 the machine cannot run it.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>

#include <lkl/lkl.h>

#include "pcap.h"
#include "wire.h"

#define PORT 7000
#define CHUNK (256u << 10)
#define MAGIC 0x77697265u

/* AddressSanitizer's signal stacks and those of the vCPU's thread do not go together. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

enum mode { UP, DOWN, BOTH };

struct request {
	uint32_t magic, mode;
	uint64_t bytes;
};

static int fail(const char *what, long detail)
{
	fprintf(stderr, "wire_stack: %s (%ld)\n", what, detail);
	return 1;
}

/* ---- a stream of bytes that can be checked, over the calls of either kernel ---- */

struct calls {
	long (*send)(int fd, const void *p, size_t len);
	long (*recv)(int fd, void *p, size_t len);
	long (*poll)(struct pollfd *p, int timeout_ms);
};

static long stack_send(int fd, const void *p, size_t len)
{
	return lkl_sys_sendto(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

static long stack_recv(int fd, void *p, size_t len)
{
	return lkl_sys_recvfrom(fd, p, len, MSG_DONTWAIT, NULL, NULL);
}

static long stack_poll(struct pollfd *p, int timeout_ms)
{
	const struct timespec ts = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	long args[6] = { (long)p, 1, (long)&ts, 0, 0, 0 };

	return lkl_syscall(73 /* ppoll */, args);
}

static long host_send(int fd, const void *p, size_t len)
{
	const ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static long host_recv(int fd, void *p, size_t len)
{
	const ssize_t n = recv(fd, p, len, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static long host_poll(struct pollfd *p, int timeout_ms)
{
	return poll(p, 1, timeout_ms);
}

static const struct calls stack = { stack_send, stack_recv, stack_poll };
static const struct calls host = { host_send, host_recv, host_poll };

static void pattern(uint8_t *p, uint64_t at, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++, at++) {
		const uint64_t x = (at >> 3) * 0x9e3779b97f4a7c15ull;

		p[i] = (uint8_t)((x ^ x >> 29) >> (at & 7) * 8);
	}
}

/* Send `tx` bytes and receive `rx`, at the same time; 0 or -errno, -EBADMSG for a wrong byte. */
static int move(const struct calls *k, int fd, uint64_t tx, uint64_t rx)
{
	static uint8_t out[CHUNK], in[CHUNK], want[CHUNK];
	uint64_t sent = 0, got = 0;

	while (sent < tx || got < rx) {
		struct pollfd p = { .fd = fd, .events = (short)((sent < tx ? POLLOUT : 0) | (got < rx ? POLLIN : 0)) };
		size_t len;
		long n;

		n = k->poll(&p, 30000);
		if (n <= 0)
			return n ? (int)n : -ETIMEDOUT;
		if (got < rx && p.revents & (POLLIN | POLLHUP | POLLERR)) {
			len = rx - got < CHUNK ? (size_t)(rx - got) : CHUNK;
			n = k->recv(fd, in, len);
			if (!n)
				return -ENODATA;
			if (n < 0 && n != -EAGAIN)
				return (int)n;
			if (n > 0) {
				pattern(want, got, (size_t)n);
				if (memcmp(in, want, (size_t)n))
					return -EBADMSG;
				got += (uint64_t)n;
			}
		}
		if (sent < tx && p.revents & (POLLOUT | POLLHUP | POLLERR)) {
			len = tx - sent < CHUNK ? (size_t)(tx - sent) : CHUNK;
			pattern(out, sent, len);
			n = k->send(fd, out, len);
			if (n < 0 && n != -EAGAIN)
				return (int)n;
			sent += n > 0 ? (uint64_t)n : 0;
		}
	}
	return 0;
}

static int move_plain(const struct calls *k, int fd, int is_tx, void *data, size_t len)
{
	uint8_t *p = data;

	while (len) {
		struct pollfd pfd = { .fd = fd, .events = is_tx ? POLLOUT : POLLIN };
		long n = k->poll(&pfd, 30000);

		if (n <= 0)
			return n ? (int)n : -ETIMEDOUT;
		n = is_tx ? k->send(fd, p, len) : k->recv(fd, p, len);
		if (!n)
			return -ENODATA;
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* ---- the instance ---- */

struct server {
	struct lkl_wire *wire;
	const char *ipv4, *ipv6;
	int mtu;
	int is_up, ret;
	uint64_t served, resets;
};

static int network_up(struct server *s)
{
	struct in_addr v4;
	struct in6_addr v6;
	int ifindex = lkl_wire_attach(s->wire), ret;

	if (ifindex < 0)
		return fail("lkl_wire_attach", ifindex);
	lkl_sysctl("net.ipv6.conf.all.accept_dad", "0");
	lkl_sysctl("net.ipv6.conf.wire0.accept_dad", "0");
	if (s->mtu && (ret = lkl_if_set_mtu(ifindex, s->mtu)))
		return fail("lkl_if_set_mtu", ret);
	if ((ret = lkl_if_up(1)) || (ret = lkl_if_up(ifindex)))
		return fail("lkl_if_up", ret);
	inet_pton(AF_INET, s->ipv4, &v4);
	inet_pton(AF_INET6, s->ipv6, &v6);
	ret = lkl_if_add_ip(ifindex, AF_INET, &v4, 24);
	if (ret)
		return fail("IPv4 address", ret);
	ret = lkl_if_add_ip(ifindex, AF_INET6, &v6, 64);
	if (ret && (s->mtu ? (uint32_t)s->mtu : s->wire->mtu) >= 1280) /* no IPv6 below */
		return fail("IPv6 address", ret);
	return 0;
}

static void serve_one(struct server *s, int fd)
{
	struct request r;
	int ret = move_plain(&stack, fd, 0, &r, sizeof(r));
	uint64_t got;

	if (!ret && r.magic == MAGIC) {
		ret = move(&stack, fd, r.mode == UP ? 0 : r.bytes, r.mode == DOWN ? 0 : r.bytes);
		got = r.bytes;
		if (!ret)
			ret = move_plain(&stack, fd, 1, &got, sizeof(got));
	}
	if (ret == -EBADMSG)
		s->ret = fail("server: stream damaged", ret);
	/* A client that was killed ends its stream early: its own exit status tells whether that was meant. */
	if (ret == -ECONNRESET || ret == -EPIPE || ret == -ENODATA)
		s->resets++;
	else if (!ret)
		s->served++;
	lkl_sys_close((unsigned int)fd);
}

static int server_task(void *arg)
{
	const struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct server *s = arg;
	int one = 1, fd, ret = network_up(s);

	if (!ret) {
		fd = (int)lkl_sys_socket(AF_INET6, SOCK_STREAM, 0);
		ret = (int)lkl_sys_bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
		ret = ret ? ret : (int)lkl_sys_listen(fd, 16);
	}
	__atomic_store_n(&s->is_up, ret ? -1 : 1, __ATOMIC_RELEASE);
	if (ret)
		return fail("server", ret);
	for (;;) {
		const int c = (int)lkl_sys_accept4(fd, NULL, NULL, 0);

		if (c < 0)
			return 0;
		lkl_sys_setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		serve_one(s, c);
	}
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	fprintf(stderr, "wire_stack: kernel died: %s\n%s\n", message, backtrace);
	abort();
}

static void on_log(void *ctx, int level, const char *line, size_t len)
{
	if (level < 4)
		fprintf(stderr, "kernel: %.*s\n", (int)len, line);
}

static void print_counters(const struct lkl_wire *w, const struct server *s)
{
	struct lkl_wire_stats sum = { 0 };
	const uint64_t *from;
	uint64_t *to = (uint64_t *)&sum;
	struct wire_pcap_counters pcap;
	uint32_t q, i;

	for (q = 0; q < w->queues; q++) {
		from = (const uint64_t *)&w->stats[q];
		for (i = 0; i < sizeof(sum) / sizeof(*to); i++)
			to[i] += from[i];
	}
	printf("served=%" PRIu64 " resets=%" PRIu64 " rx_frames=%" PRIu64 " rx_bytes=%" PRIu64 " rx_fetched=%" PRIu64
	       " rx_dropped=%" PRIu64 " rx_malformed=%" PRIu64 " tx_frames=%" PRIu64 " tx_bytes=%" PRIu64
	       " tx_big=%" PRIu64 " tx_full=%" PRIu64 " tx_errors=%" PRIu64 " tx_down=%" PRIu64 " calls=%" PRIu64,
	       s->served, s->resets, sum.rx_frames_total, sum.rx_bytes_total, sum.rx_fetched_total, sum.rx_dropped_total,
	       sum.rx_malformed_total, sum.tx_frames_total, sum.tx_bytes_total, sum.tx_big_total, sum.tx_full_total,
	       sum.tx_errors_total, sum.tx_down_total, sum.calls_total);
	if (!wire_pcap_counters(w, &pcap))
		printf(" recorded=%" PRIu64 " unrecorded=%" PRIu64, pcap.recorded_total, pcap.unrecorded_total);
	printf("\n");
	fflush(stdout);
}

/* The instance's own counters, to find out what happened to a stream. */
static void show(const char *path)
{
	static char buf[16384];
	long fd, n;

	lkl_mount_fs((char *)"proc");
	fd = lkl_sys_openat(-100, path, 0, 0);
	while (fd >= 0 && (n = lkl_sys_read((unsigned int)fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	if (fd >= 0)
		lkl_sys_close((unsigned int)fd);
}

static int cmd_serve(const char *spec, const char *ipv4, const char *ipv6, int mtu, int close_first)
{
	struct server s = { .ipv4 = ipv4, .ipv6 = ipv6, .mtu = mtu };
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	char err[400] = "";
	sigset_t set;
	int sig, id, ret;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (wire_open(spec, &s.wire, err, sizeof(err))) {
		fprintf(stderr, "wire_stack: %s\n", err);
		return 1;
	}
	opts.panic = on_panic;
	opts.log = on_log;
	lkl_set_options(&opts);
	ret = lkl_start_kernel("mem=64M loglevel=4");
	if (ret)
		return fail("boot", ret);
	id = lkl_task_start("server", server_task, &s, 512 << 10);
	if (id < 0)
		return fail("task", id);
	while (!__atomic_load_n(&s.is_up, __ATOMIC_ACQUIRE))
		usleep(1000);
	if (s.is_up < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	sigwait(&set, &sig);
	if (getenv("WIRE_STACK_STATS")) {
		show("/proc/net/snmp6");
		show("/proc/net/snmp");
		show("/proc/net/netstat");
		show("/proc/net/sockstat");
	}
	if (close_first && sig == SIGUSR1) {
		ret = lkl_wire_detach(s.wire);
		if (ret)
			return fail("lkl_wire_detach", ret);
		s.wire->ops->tend(s.wire, 0);
		print_counters(s.wire, &s);
		s.wire->ops->close(s.wire);
		printf("closed\n");
		fflush(stdout);
		sigwait(&set, &sig);
		lkl_sys_halt();
		return s.ret;
	}
	lkl_sys_halt();
	s.wire->ops->tend(s.wire, 0);
	print_counters(s.wire, &s);
	s.wire->ops->close(s.wire);
	return s.ret;
}

/* ---- the peer ---- */

static int address_of(const char *text, struct sockaddr_storage *to, uint16_t port)
{
	struct sockaddr_in *v4 = (void *)to;
	struct sockaddr_in6 *v6 = (void *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return 0;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ? 0 : -EINVAL;
}

static int dial(const char *addr)
{
	struct sockaddr_storage to;
	int fd, tries;

	if (address_of(addr, &to, PORT))
		exit(fail("no address", 0));
	for (tries = 0; tries < 100; tries++) {
		fd = socket(to.ss_family, SOCK_STREAM, 0);
		if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
			return fd;
		close(fd);
		usleep(100000);
	}
	exit(fail("connect", errno));
}

static int cmd_ask(const char *addr, const char *mode_text, uint64_t bytes)
{
	struct request r = { MAGIC, !strcmp(mode_text, "up") ? UP : !strcmp(mode_text, "down") ? DOWN : BOTH, bytes };
	const int fd = dial(addr);
	uint64_t got = 0;
	int ret;

	ret = move_plain(&host, fd, 1, &r, sizeof(r));
	ret = ret ? ret : move(&host, fd, r.mode == DOWN ? 0 : bytes, r.mode == UP ? 0 : bytes);
	ret = ret ? ret : move_plain(&host, fd, 0, &got, sizeof(got));
	if (ret || got != bytes)
		return fail(ret == -EBADMSG ? "wrong byte" : "stream", ret);
	return 0;
}

static int cmd_reset(const char *addr, int n)
{
	const struct linger now = { 1, 0 };
	struct request r = { MAGIC, UP, 1 << 20 };
	static uint8_t buf[100000];

	while (n--) {
		const int fd = dial(addr);

		if (move_plain(&host, fd, 1, &r, sizeof(r)))
			return fail("request", 0);
		pattern(buf, 0, sizeof(buf));
		send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
	return 0;
}

static uint16_t icmp_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int cmd_ping(const char *addr, int count, size_t len)
{
	uint8_t out[9000] = { 0 }, in[9100];
	struct icmphdr *h = (void *)out;
	struct sockaddr_storage to;
	int fd, i, is_v4;

	if (address_of(addr, &to, 0) || len + 8 > sizeof(out))
		return fail("usage", 0);
	is_v4 = to.ss_family == AF_INET;
	fd = socket(to.ss_family, SOCK_RAW, is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (fd < 0)
		return 77;
	pattern(out + 8, 0, len);
	h->un.echo.id = htons((uint16_t)getpid());
	for (i = 0; i < count; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int tries, is_back = 0;

		h->type = is_v4 ? 8 : 128;
		h->un.echo.sequence = htons((uint16_t)i);
		h->checksum = 0;
		if (is_v4)
			h->checksum = icmp_sum(out, len + 8);
		/* A first packet may wait for the neighbour and be lost on the way. */
		for (tries = 0; tries < 10 && !is_back; tries++) {
			if (sendto(fd, out, len + 8, 0, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != ENOBUFS)
				return fail("ping", errno);
			while (!is_back && poll(&p, 1, 1000) > 0) {
				const ssize_t n = recv(fd, in, sizeof(in), 0);
				const uint8_t *r = in + (is_v4 ? 20 : 0);

				is_back = n == (ssize_t)(len + 8 + (is_v4 ? 20 : 0)) && r[0] == (is_v4 ? 0 : 129) &&
					  !memcmp(r + 4, out + 4, len + 4);
			}
		}
		if (!is_back)
			return fail("no echo", i);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : "";

	if ((!strcmp(cmd, "serve") || !strcmp(cmd, "serve-close")) && argc >= 5)
		return cmd_serve(argv[2], argv[3], argv[4], argc > 5 ? atoi(argv[5]) : 0, cmd[5] == '-');
	if (!strcmp(cmd, "ask") && argc == 5)
		return cmd_ask(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	if (!strcmp(cmd, "reset") && argc == 4)
		return cmd_reset(argv[2], atoi(argv[3]));
	if (!strcmp(cmd, "ping") && argc == 5)
		return cmd_ping(argv[2], atoi(argv[3]), strtoul(argv[4], NULL, 10));
	return fail("usage: see the top of wire_stack.c", argc);
}
