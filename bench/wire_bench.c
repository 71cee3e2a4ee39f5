// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire_bench.c - what a wire costs and carries: one TCP server on the host's stack or on an instance, and the load for it
 *
 *	wire-bench host|SPEC ADDR/LEN [OPTION...]	the server, until SIGTERM; SPEC is a wire, e.g. packet:if=w0
 *		cpu=N		pin to a CPU
 *		spin=US		how long idle polls (instances)
 *		off=NAME	switch an offload off, by the name that ethtool -k shows; may be repeated
 *		mtu=BYTES
 *		mem=MIB		of the instance (1024); its largest socket buffers follow from it, as the host's do
 *		vcpus=N		of the instance; all but the first float
 *		check=1		the sink compares every byte
 *		watch=1		print link=0|1 and mtu=N when they change (instances)
 *	wire-bench load WHAT ADDR CONNECTIONS SECONDS [cpu=N] [check=1]	the load, on the host's stack; one line of name=value
 *		rr		one byte there and back on each connection
 *		to, from	bulk to the server, from it
 *
 * The server is the same loop over epoll with either stack's calls: port 7001 sends back what comes, 7002 swallows, 7003 sends.
 * At its end it prints the counters of the netdev (instances), as name=value lines. The load measures its own time, and
 * the busy time of all CPUs (/proc/stat) between its beginning and end. bench/wire builds the topology and compares.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <lkl/helpers.h>
#include <lkl/lkl.h>

#include "own.h"
#include "wire.h"

#define PORT_ECHO 7001
#define PORT_SINK 7002
#define PORT_SOURCE 7003
#define CONNS_MAX 4096
/* Many whole GSO frames, so that the rest at the end of a write does not count. */
#define BULK_BYTES (1u << 20)
#define EVENTS_MAX 256
#define OFF_MAX 8
#define LATENCIES_MAX (1u << 22)

static struct {
	const char *spec;
	char addr[64];
	int prefix_len;
	int cpu, spin_us, mtu, vcpus, mem_mb, check, watch;
	const char *off[OFF_MAX];
	int off_len;
} opt = { .cpu = -1, .spin_us = -1, .vcpus = 1, .mem_mb = 1024 };

/* ---- one server, two stacks; errors are negative errno with both ---- */

struct calls {
	long (*socket)(int family, int type, int protocol);
	long (*setsockopt)(int fd, int level, int name, const void *val, int len);
	long (*bind)(int fd, const struct sockaddr *addr, int len);
	long (*listen)(int fd, int backlog);
	long (*accept4)(int fd, struct sockaddr *addr, int *len, int flags);
	long (*read)(unsigned int fd, void *buf, size_t len);
	long (*write)(unsigned int fd, const void *buf, size_t len);
	long (*close)(unsigned int fd);
	long (*epoll_create1)(int flags);
	long (*epoll_ctl)(int epfd, int op, int fd, struct epoll_event *event);
	long (*epoll_wait)(int epfd, struct epoll_event *events, int max, int timeout_ms);
};

#define RESULT(call) ({ const long r_ = (call); r_ < 0 ? -(long)errno : r_; })

static long host_socket(int family, int type, int protocol)
{
	return RESULT(socket(family, type, protocol));
}

static long host_setsockopt(int fd, int level, int name, const void *val, int len)
{
	return RESULT(setsockopt(fd, level, name, val, (socklen_t)len));
}

static long host_bind(int fd, const struct sockaddr *addr, int len)
{
	return RESULT(bind(fd, addr, (socklen_t)len));
}

static long host_listen(int fd, int backlog)
{
	return RESULT(listen(fd, backlog));
}

static long host_accept4(int fd, struct sockaddr *addr, int *len, int flags)
{
	return RESULT(accept4(fd, addr, (socklen_t *)len, flags));
}

static long host_read(unsigned int fd, void *buf, size_t len)
{
	return RESULT(read((int)fd, buf, len));
}

static long host_write(unsigned int fd, const void *buf, size_t len)
{
	return RESULT(send((int)fd, buf, len, MSG_NOSIGNAL));
}

static long host_close(unsigned int fd)
{
	return RESULT(close((int)fd));
}

static long host_epoll_create1(int flags)
{
	return RESULT(epoll_create1(flags));
}

static long host_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return RESULT(epoll_ctl(epfd, op, fd, event));
}

static long host_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	return RESULT(epoll_wait(epfd, events, max, timeout_ms));
}

static long lkl_write(unsigned int fd, const void *buf, size_t len)
{
	return lkl_sys_sendto((int)fd, buf, len, MSG_NOSIGNAL, NULL, 0);
}

static const struct calls host_calls = {
	host_socket, host_setsockopt, host_bind, host_listen, host_accept4, host_read, host_write, host_close,
	host_epoll_create1, host_epoll_ctl, host_epoll_wait,
};

static const struct calls lkl_calls = {
	lkl_sys_socket, lkl_sys_setsockopt, lkl_sys_bind, lkl_sys_listen, lkl_sys_accept4, lkl_sys_read, lkl_write,
	lkl_sys_close, lkl_sys_epoll_create1, lkl_sys_epoll_ctl, lkl_sys_epoll_wait,
};

static volatile sig_atomic_t stopped;

enum role { ROLE_LISTEN_ECHO, ROLE_LISTEN_SINK, ROLE_LISTEN_SOURCE, ROLE_ECHO, ROLE_SINK, ROLE_SOURCE };

static char bulk[BULK_BYTES];		/* what is sent: a pattern, over and over */
static char received[BULK_BYTES];
static uint32_t position[CONNS_MAX + 1024];	/* with check=1: where in the pattern a descriptor is */

static void pattern_make(void)
{
	uint32_t seed = 1, i;

	for (i = 0; i < BULK_BYTES; i++) {
		seed = seed * 1664525u + 1013904223u;
		bulk[i] = (char)(seed >> 24);
	}
}

/* Compare n received bytes with the pattern; 0, or -1 when one is wrong. */
static int pattern_check(int fd, long n)
{
	const char *at = received;

	while (n > 0) {
		const uint32_t from = position[fd] % BULK_BYTES;
		const long part = n < (long)(BULK_BYTES - from) ? n : (long)(BULK_BYTES - from);

		if (memcmp(at, bulk + from, (size_t)part))
			return -1;
		at += part;
		n -= part;
		position[fd] = (from + (uint32_t)part) % BULK_BYTES;
	}
	return 0;
}

static long watch(const struct calls *c, int epfd, long fd, enum role role)
{
	struct epoll_event ev = { .events = role == ROLE_SOURCE ? EPOLLOUT : EPOLLIN, .data.u64 = (uint64_t)fd << 8 | role };

	return c->epoll_ctl(epfd, EPOLL_CTL_ADD, (int)fd, &ev);
}

static long listen_on(const struct calls *c, int epfd, uint16_t port, enum role role)
{
	const struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int yes = 1;
	const long fd = c->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	long ret = fd;

	if (ret >= 0)
		ret = c->setsockopt((int)fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (ret >= 0)
		ret = c->bind((int)fd, (const struct sockaddr *)&addr, sizeof(addr));
	if (ret >= 0)
		ret = c->listen((int)fd, 1024);
	return ret < 0 ? ret : watch(c, epfd, fd, role);
}

static void serve_one(const struct calls *c, int epfd, uint64_t id)
{
	static const int yes = 1;
	const int fd = (int)(id >> 8);
	const enum role role = (enum role)(id & 0xff);
	char small[512];
	long n;

	switch (role) {
	case ROLE_LISTEN_ECHO:
	case ROLE_LISTEN_SINK:
	case ROLE_LISTEN_SOURCE:
		n = c->accept4(fd, NULL, NULL, SOCK_NONBLOCK);
		if (n < 0)
			return;
		if (n >= (long)(sizeof(position) / sizeof(position[0]))) {
			c->close((unsigned int)n);
			return;
		}
		position[n] = 0;
		c->setsockopt((int)n, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		watch(c, epfd, n, role + (ROLE_ECHO - ROLE_LISTEN_ECHO));
		return;
	case ROLE_ECHO:
		n = c->read((unsigned int)fd, small, sizeof(small));
		if (n > 0)
			n = c->write((unsigned int)fd, small, (size_t)n);
		break;
	case ROLE_SINK:
		n = c->read((unsigned int)fd, received, sizeof(received));
		if (opt.check && pattern_check(fd, n)) {
			printf("WRONG BYTES\n");
			stopped = 1;
		}
		break;
	default:
		n = c->write((unsigned int)fd, bulk + position[fd], BULK_BYTES - position[fd]);
		if (opt.check && n > 0)
			position[fd] = (position[fd] + (uint32_t)n) % BULK_BYTES;
		break;
	}
	if (!n || (n < 0 && n != -EAGAIN))
		c->close((unsigned int)fd);
}

static void watch_link(void);

static int serve(const struct calls *c)
{
	struct epoll_event events[EVENTS_MAX];
	const long epfd = c->epoll_create1(0);
	long ret = epfd, i;

	if (ret >= 0)
		ret = listen_on(c, (int)epfd, PORT_ECHO, ROLE_LISTEN_ECHO);
	if (ret >= 0)
		ret = listen_on(c, (int)epfd, PORT_SINK, ROLE_LISTEN_SINK);
	if (ret >= 0)
		ret = listen_on(c, (int)epfd, PORT_SOURCE, ROLE_LISTEN_SOURCE);
	if (ret < 0) {
		fprintf(stderr, "wire-bench: cannot listen: %s\n", strerror((int)-ret));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (!stopped) {
		if (opt.watch)
			watch_link();
		ret = c->epoll_wait((int)epfd, events, EVENTS_MAX, 500);
		for (i = 0; i < ret; i++)
			serve_one(c, (int)epfd, events[i].data.u64);
	}
	return 0;
}

/* ---- the instance ---- */

static struct lkl_wire *wire;

static long ethtool(const char *ifname, void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };
	const long fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0);
	long ret;

	strcpy(ifr.ifr_name, ifname);
	ret = lkl_sys_ioctl((unsigned int)fd, SIOCETHTOOL, (unsigned long)&ifr);
	lkl_sys_close((unsigned int)fd);
	return ret;
}

/* The names of a string set; *count of them, ETH_GSTRING_LEN each, or NULL. */
static struct ethtool_gstrings *strings(const char *ifname, uint32_t set, uint32_t *count)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t data;
	} sset = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << set } };
	struct ethtool_gstrings *names;

	if (ethtool(ifname, &sset))
		return NULL;
	*count = sset.data;
	names = calloc(1, sizeof(*names) + (size_t)*count * ETH_GSTRING_LEN);
	if (!names)
		return NULL;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = set;
	names->len = *count;
	if (ethtool(ifname, names)) {
		free(names);
		return NULL;
	}
	return names;
}

static int offload_off(const char *ifname, const char *name)
{
	uint32_t count = 0, i, words;
	struct ethtool_gstrings *names = strings(ifname, ETH_SS_FEATURES, &count);
	struct ethtool_sfeatures *set;
	long ret = -ENOENT;

	if (!names)
		return -EOPNOTSUPP;
	words = (count + 31) / 32;
	set = calloc(1, sizeof(*set) + words * sizeof(set->features[0]));
	if (!set) {
		free(names);
		return -ENOMEM;
	}
	set->cmd = ETHTOOL_SFEATURES;
	set->size = words;
	for (i = 0; i < count; i++) {
		if (strncmp((char *)names->data + i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN))
			continue;
		set->features[i / 32].valid |= 1u << i % 32;
		ret = 0;
	}
	if (!ret)
		ret = ethtool(ifname, set);
	free(set);
	free(names);
	return (int)ret;
}

static void watch_link(void)
{
	static uint32_t link = 2;
	static int mtu;
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { .ifr_name = "wire0" };
	const long fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0);

	if (!ethtool("wire0", &value) && value.data != link)
		printf("link=%u\n", link = value.data);
	if (!lkl_sys_ioctl((unsigned int)fd, SIOCGIFMTU, (unsigned long)&ifr) && ifr.ifr_mtu != mtu)
		printf("mtu=%d\n", mtu = ifr.ifr_mtu);
	lkl_sys_close((unsigned int)fd);
	fflush(stdout);
}

static void print_counters(const char *ifname)
{
	uint32_t count = 0, i;
	struct ethtool_gstrings *names = strings(ifname, ETH_SS_STATS, &count);
	struct ethtool_stats *stats = calloc(1, sizeof(*stats) + count * sizeof(stats->data[0]));

	if (names && stats) {
		stats->cmd = ETHTOOL_GSTATS;
		stats->n_stats = count;
		if (!ethtool(ifname, stats))
			for (i = 0; i < count; i++)
				printf("%.*s=%llu\n", ETH_GSTRING_LEN, (char *)names->data + i * ETH_GSTRING_LEN,
				       (unsigned long long)stats->data[i]);
	}
	fflush(stdout);
	free(stats);
	free(names);
}

static int instance_task(void *arg)
{
	struct in_addr addr;
	int ifindex = lkl_wire_attach(wire), ret, i;

	if (ifindex < 0)
		return ifindex;
	for (i = 0; i < opt.off_len; i++) {
		ret = offload_off("wire0", opt.off[i]);
		if (ret < 0) {
			fprintf(stderr, "wire-bench: off=%s: %s\n", opt.off[i], strerror(-ret));
			return ret;
		}
	}
	if (opt.mtu)
		lkl_if_set_mtu(ifindex, opt.mtu);
	inet_pton(AF_INET, opt.addr, &addr);
	lkl_sysctl("net.ipv6.conf.wire0.disable_ipv6", "1");
	ret = lkl_if_up(ifindex);
	if (!ret)
		ret = lkl_if_set_ipv4(ifindex, addr.s_addr, (unsigned int)opt.prefix_len);
	if (ret)
		return ret;
	ret = serve(&lkl_calls);
	print_counters("wire0");
	return ret;
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	fprintf(stderr, "wire-bench: kernel died: %s\n%s\n", message, backtrace);
	abort();
}

/* The host's stack need not look at frames that an AF_PACKET or AF_XDP wire takes, as in `own` mode. Held until the end. */
static void mute(void)
{
	const char *name = strstr(opt.spec, "if=");
	char ifname[IFNAMSIZ] = "", err[256];

	if (name)
		sscanf(name, "if=%15[^,]", ifname);
	if (*ifname && !strncmp(opt.spec, "packet", 6) && own_mute(ifname, 0, NULL, err, sizeof(err)) < 0)
		fprintf(stderr, "wire-bench: %s\n", err);
}

static int instance_run(void)
{
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	char err[1200] = "";
	int id, ret;

	if (wire_open(opt.spec, &wire, err, sizeof(err))) {
		fprintf(stderr, "wire-bench: %s\n", err);
		return 1;
	}
	mute();
	opts.cpu = opt.cpu;
	opts.panic = on_panic;
	if (opt.spin_us >= 0)
		opts.spin_us = (unsigned int)opt.spin_us;
	ret = lkl_set_options(&opts);
	if (!ret)
		ret = lkl_start_kernel("mem=%dM loglevel=4 nr_cpus=%d", opt.mem_mb, opt.vcpus);
	if (ret) {
		fprintf(stderr, "wire-bench: cannot boot: %s\n", strerror(-ret));
		return 1;
	}
	id = lkl_task_start("server", instance_task, NULL, 1 << 20);
	if (id < 0 || lkl_task_join(id, &ret))
		return 1;
	if (ret)
		fprintf(stderr, "wire-bench: %s\n", strerror(ret < 0 ? -ret : EIO));
	return !!ret;
}

/* ---- load ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Busy time of all CPUs in seconds: everything but idle, I/O wait and what the hypervisor took. */
static double busy_sec(void)
{
	unsigned long long user, nice, sys, idle, io, irq, softirq;
	FILE *f = fopen("/proc/stat", "r");
	double busy = 0;

	if (!f)
		return 0;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &sys, &idle, &io, &irq, &softirq) == 7)
		busy = (double)(user + nice + sys + irq + softirq) / (double)sysconf(_SC_CLK_TCK);
	fclose(f);
	return busy;
}

static int compare_u32(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int connect_to(const char *host, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	inet_pton(AF_INET, host, &addr.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int load(const char *what, const char *host, int conns, int seconds)
{
	const int is_rr = !strcmp(what, "rr"), is_to = !strcmp(what, "to");
	static uint64_t sent_ns[CONNS_MAX];
	static int fds[CONNS_MAX];
	uint32_t *latencies = malloc(LATENCIES_MAX * sizeof(*latencies));
	struct epoll_event events[EVENTS_MAX];
	uint64_t begin, end, bytes = 0, count = 0, now;
	const int epfd = epoll_create1(0);
	double busy;
	int i, n;

	if (!latencies || conns < 1 || conns > CONNS_MAX)
		return 2;
	for (i = 0; i < conns; i++) {
		struct epoll_event ev = { .events = is_to ? EPOLLOUT : EPOLLIN, .data.u32 = (uint32_t)i };

		fds[i] = connect_to(host, is_rr ? PORT_ECHO : is_to ? PORT_SINK : PORT_SOURCE);
		if (fds[i] < 0) {
			perror("wire-bench: connect");
			return 1;
		}
		epoll_ctl(epfd, EPOLL_CTL_ADD, fds[i], &ev);
	}
	busy = busy_sec();
	begin = now = now_ns();
	end = begin + (uint64_t)seconds * 1000000000;
	for (i = 0; is_rr && i < conns; i++) {
		sent_ns[i] = now_ns();
		if (write(fds[i], "x", 1) != 1)
			return 1;
	}
	while (now < end) {
		n = epoll_wait(epfd, events, EVENTS_MAX, 1000);
		for (i = 0; i < n; i++) {
			const uint32_t c = events[i].data.u32;
			ssize_t r;

			if (is_rr) {
				char byte[16];

				if (read(fds[c], byte, sizeof(byte)) != 1)
					return fprintf(stderr, "wire-bench: the echo is not one byte\n"), 1;
				now = now_ns();
				latencies[count++ % LATENCIES_MAX] = (uint32_t)(now - sent_ns[c]);
				sent_ns[c] = now;
				if (write(fds[c], "x", 1) != 1)
					return 1;
				continue;
			}
			r = is_to ? write(fds[c], bulk + position[c], BULK_BYTES - position[c]) :
				    read(fds[c], received, sizeof(received));
			if (opt.check && is_to && r > 0)
				position[c] = (position[c] + (uint32_t)r) % BULK_BYTES;
			if (opt.check && !is_to && pattern_check((int)c, r))
				return fprintf(stderr, "wire-bench: wrong bytes\n"), 1;
			if (r == 0 || (r < 0 && errno != EAGAIN))
				return fprintf(stderr, "wire-bench: connection lost: %s\n", strerror(errno)), 1;
			bytes += r > 0 ? (uint64_t)r : 0;
		}
		now = now_ns();
	}
	busy = busy_sec() - busy;
	{
		const double sec = (double)(now - begin) / 1e9;
		const uint32_t kept = (uint32_t)(count < LATENCIES_MAX ? count : LATENCIES_MAX);

		if (is_rr) {
			qsort(latencies, kept, sizeof(*latencies), compare_u32);
			printf("rate=%.0f p50_us=%.1f p99_us=%.1f busy_cpus=%.2f cpu_us_each=%.3f\n", (double)count / sec,
			       kept ? latencies[kept / 2] / 1e3 : 0, kept ? latencies[(uint64_t)kept * 99 / 100] / 1e3 : 0,
			       busy / sec, busy * 1e6 / (double)count);
		} else {
			printf("gbit=%.2f busy_cpus=%.2f cpu_ns_byte=%.3f\n", (double)bytes * 8 / sec / 1e9, busy / sec,
			       busy * 1e9 / (double)bytes);
		}
	}
	return 0;
}

static void on_term(int sig)
{
	stopped = 1;
}

static int pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned int)cpu, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

static int usage(void)
{
	fprintf(stderr, "usage: wire-bench host|SPEC ADDR/LEN [cpu=N] [spin=US] [mtu=BYTES] [mem=MIB] [vcpus=N] [check=1] [watch=1] [off=NAME]...\n"
			"       wire-bench load rr|to|from ADDR CONNECTIONS SECONDS [cpu=N] [check=1]\n");
	return 2;
}

static int parse(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "cpu=", 4))
			opt.cpu = atoi(argv[i] + 4);
		else if (!strncmp(argv[i], "spin=", 5))
			opt.spin_us = atoi(argv[i] + 5);
		else if (!strncmp(argv[i], "mtu=", 4))
			opt.mtu = atoi(argv[i] + 4);
		else if (!strncmp(argv[i], "vcpus=", 6))
			opt.vcpus = atoi(argv[i] + 6);
		else if (!strncmp(argv[i], "mem=", 4))
			opt.mem_mb = atoi(argv[i] + 4);
		else if (!strncmp(argv[i], "check=", 6))
			opt.check = atoi(argv[i] + 6);
		else if (!strncmp(argv[i], "watch=", 6))
			opt.watch = atoi(argv[i] + 6);
		else if (!strncmp(argv[i], "off=", 4) && opt.off_len < OFF_MAX)
			opt.off[opt.off_len++] = argv[i] + 4;
		else
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *slash;

	pattern_make();
	signal(SIGTERM, on_term);
	signal(SIGPIPE, SIG_IGN);
	if (argc >= 6 && !strcmp(argv[1], "load")) {
		if (parse(argc - 6, argv + 6))
			return usage();
		if (opt.cpu >= 0)
			pin(opt.cpu);
		return load(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	}
	if (argc < 3 || parse(argc - 3, argv + 3) || strlen(argv[2]) >= sizeof(opt.addr))
		return usage();
	opt.spec = argv[1];
	strcpy(opt.addr, argv[2]);
	slash = strchr(opt.addr, '/');
	if (!slash)
		return usage();
	*slash = '\0';
	opt.prefix_len = atoi(slash + 1);
	if (strcmp(opt.spec, "host"))
		return instance_run();
	if (opt.cpu >= 0)
		pin(opt.cpu);
	return serve(&host_calls);
}
