// SPDX-License-Identifier: GPL-2.0-only
/*
 * lkl_bench.c - micro-benchmarks of the library against the host's kernel
 *
 * usage: lkl-bench [--json] [--lkl] [--rounds N] [--cpu N] [BENCH...]
 *
 * The same function does the same work through a table of calls, once on the library (as application tasks, or from
 * foreign threads) and once on the host (as threads), pinned alike: vCPU n and the host's thread n have the same CPU.
 * Rounds alternate, library host library host; figures are medians, and the ratio is the median of the rounds' ratios,
 * above 1 where the library is faster.
 *
 * A bench has lanes: copies of the work that run at the same time, lane n on vCPU n (a foreign thread's calls go where
 * there is room). Times are averaged over the lanes, rates added up. An instance has its number of vCPUs for life, so
 * the benches of each number run in a child process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lkl/lkl.h>

#define ROUNDS_MAX 101
#define EPOLL_SOCKETS 10000
#define LANES_MAX 4
#define STACK_BYTES (1 << 20)

/* Calls return a value or -errno. */
struct calls {
	const char *name;
	long (*getppid)(void);
	long (*socket)(int family, int type, int protocol);
	long (*bind)(int fd, const struct sockaddr *addr, int len);
	long (*listen)(int fd, int backlog);
	long (*accept)(int fd);
	long (*connect)(int fd, const struct sockaddr *addr, int len);
	long (*getsockname)(int fd, struct sockaddr *addr, int *len);
	long (*sendto)(int fd, const void *buf, size_t len, unsigned int flags, const struct sockaddr *addr, int addr_len);
	long (*recv)(int fd, void *buf, size_t len, unsigned int flags);
	long (*setsockopt)(int fd, int level, int name, const void *val, int len);
	long (*read)(int fd, void *buf, size_t len);
	long (*write)(int fd, const void *buf, size_t len);
	long (*close)(int fd);
	long (*shutdown)(int fd, int how);
	long (*pipe)(int fds[2]);
	long (*epoll_create)(void);
	long (*epoll_ctl)(int ep, int op, int fd, struct epoll_event *ev);
	long (*epoll_wait)(int ep, struct epoll_event *ev, int max, int timeout_ms);
	long (*sleep_ns)(int64_t ns);
	/* Run fn beside the caller, on the CPU of the caller's lane. */
	void (*spawn)(int lane, int (*fn)(void *), void *arg);
};

/* Of lane 0; the others' follow it. */
static int cpu_wanted;
static int epoll_sockets = EPOLL_SOCKETS;

/* Two CPUs at most: more vCPUs than that have to share, which is what hammer-4 is about. */
static int lane_cpu(int lane)
{
	return (cpu_wanted + lane % 2) % sysconf(_SC_NPROCESSORS_ONLN);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void die(const char *what, long err)
{
	fprintf(stderr, "lkl-bench: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static long must(const char *what, long ret)
{
	if (ret < 0)
		die(what, ret);
	return ret;
}

/* ---- the host's table ---- */

static long h(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long h_getppid(void) { return syscall(SYS_getppid); }
static long h_socket(int f, int t, int p) { return h(socket(f, t, p)); }
static long h_bind(int fd, const struct sockaddr *a, int l) { return h(bind(fd, a, l)); }
static long h_listen(int fd, int b) { return h(listen(fd, b)); }
static long h_accept(int fd) { return h(accept(fd, NULL, NULL)); }
static long h_connect(int fd, const struct sockaddr *a, int l) { return h(connect(fd, a, l)); }
static long h_getsockname(int fd, struct sockaddr *a, int *l) { return h(getsockname(fd, a, (socklen_t *)l)); }
static long h_recv(int fd, void *b, size_t l, unsigned int f) { return h(recv(fd, b, l, f)); }
static long h_setsockopt(int fd, int l, int n, const void *v, int len) { return h(setsockopt(fd, l, n, v, len)); }
static long h_read(int fd, void *b, size_t l) { return h(read(fd, b, l)); }
static long h_write(int fd, const void *b, size_t l) { return h(write(fd, b, l)); }
static long h_close(int fd) { return h(close(fd)); }
static long h_shutdown(int fd, int how) { return h(shutdown(fd, how)); }
static long h_pipe(int fds[2]) { return h(pipe(fds)); }
static long h_epoll_create(void) { return h(epoll_create1(0)); }
static long h_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev) { return h(epoll_ctl(ep, op, fd, ev)); }
static long h_epoll_wait(int ep, struct epoll_event *ev, int m, int t) { return h(epoll_wait(ep, ev, m, t)); }

static long h_sendto(int fd, const void *b, size_t l, unsigned int flags, const struct sockaddr *a, int al)
{
	return h(sendto(fd, b, l, flags, a, al));
}

static long h_sleep_ns(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	return -clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

struct start {
	int (*fn)(void *arg);
	void *arg;
};

static void *h_thread(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	start.fn(start.arg);
	return NULL;
}

static pthread_t h_spawn_thread(int lane, int (*fn)(void *), void *arg)
{
	struct start *start = malloc(sizeof(*start));
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t cpus;
	int err;

	if (!start)
		die("malloc", ENOMEM);
	*start = (struct start){ fn, arg };
	CPU_ZERO(&cpus);
	CPU_SET(lane_cpu(lane), &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	err = pthread_create(&thread, &attr, h_thread, start);
	if (err)
		die("pthread_create", err);
	pthread_attr_destroy(&attr);
	return thread;
}

static void h_spawn(int lane, int (*fn)(void *), void *arg)
{
	pthread_detach(h_spawn_thread(lane, fn, arg));
}

static const struct calls host_calls = {
	"host", h_getppid, h_socket, h_bind, h_listen, h_accept, h_connect, h_getsockname, h_sendto, h_recv, h_setsockopt,
	h_read, h_write, h_close, h_shutdown, h_pipe, h_epoll_create, h_epoll_ctl, h_epoll_wait, h_sleep_ns, h_spawn,
};

/* ---- the library's table ---- */

static long l_accept(int fd) { return lkl_sys_accept4(fd, NULL, NULL, 0); }
static long l_recv(int fd, void *b, size_t l, unsigned int f) { return lkl_sys_recvfrom(fd, b, l, f, NULL, NULL); }
static long l_read(int fd, void *b, size_t l) { return lkl_sys_read(fd, b, l); }
static long l_write(int fd, const void *b, size_t l) { return lkl_sys_write(fd, b, l); }
static long l_close(int fd) { return lkl_sys_close(fd); }
static long l_shutdown(int fd, int how) { return lkl_sys_shutdown(fd, how); }
static long l_pipe(int fds[2]) { return lkl_sys_pipe2(fds, 0); }
static long l_epoll_create(void) { return lkl_sys_epoll_create1(0); }

static void l_spawn(int lane, int (*fn)(void *), void *arg)
{
	must("lkl_task_start_on", lkl_task_start_on(lane, "bench", fn, arg, 0));
}

static const struct calls lkl_calls = {
	"lkl", lkl_sys_getppid, lkl_sys_socket, lkl_sys_bind, lkl_sys_listen, l_accept, lkl_sys_connect, lkl_sys_getsockname,
	lkl_sys_sendto, l_recv, lkl_sys_setsockopt, l_read, l_write, l_close, l_shutdown, l_pipe, l_epoll_create,
	lkl_sys_epoll_ctl, lkl_sys_epoll_wait, lkl_sys_nanosleep_ns, l_spawn,
};

/* ---- the work ---- */

/* Who does the work on the library's side. On the host's it is always threads. */
enum who {
	TASK,	 /* application tasks, lane n on vCPU n */
	FOREIGN, /* host threads that the library did not make */
};

struct bench {
	const char *name, *variant, *unit;
	double (*run)(const struct calls *c, int lane);
	bool is_rate; /* higher is better */
	enum who who;
	int vcpus, lanes;
	/* Tasks that run meanwhile, one on each vCPU; the lanes' CPUs come after theirs. They end when `is_over`. */
	int (*background)(void *calls);
	bool is_once; /* a figure that takes seconds: one round whatever was asked for */
};

/* One lane of one run. */
struct job {
	const struct calls *c;
	const struct bench *bench;
	int lane;
	double result;
};

static int arrived, is_over; /* atomic */

/* All lanes have come this far. By sleeping inside the stack: a task that spins keeps its vCPU from others. */
static void lanes_meet(const struct calls *c, int lanes)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < lanes)
		c->sleep_ns(20000);
}

static double run_syscall(const struct calls *c, int lane)
{
	enum { CALLS = 3000000 };
	int64_t t = now_ns();
	int i;

	for (i = 0; i < CALLS; i++)
		c->getppid();
	return (double)(now_ns() - t) / CALLS;
}

/* Where a call may take milliseconds. */
static double run_syscall_timed(const struct calls *c, int lane)
{
	int64_t t = now_ns(), spent;
	long n = 0;

	do {
		c->getppid();
		n++;
		spent = now_ns() - t;
	} while (spent < 500000000);
	return (double)spent / n;
}

struct pair {
	const struct calls *c;
	int fds[2];
	int count;
	int bulk_bytes;
};

/* Two connected TCP sockets over lo. */
static void tcp_pair(const struct calls *c, int fds[2])
{
	static uint16_t port = 20000; /* atomic */
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, lfd = must("socket", c->socket(AF_INET, SOCK_STREAM, 0));
	long r;

	c->setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	do {
		addr.sin_port = htons(__atomic_fetch_add(&port, 1, __ATOMIC_RELAXED));
		r = c->bind(lfd, (void *)&addr, sizeof(addr));
	} while (r == -EADDRINUSE);
	must("bind", r);
	must("listen", c->listen(lfd, 16));
	fds[0] = must("socket", c->socket(AF_INET, SOCK_STREAM, 0));
	must("connect", c->connect(fds[0], (void *)&addr, sizeof(addr)));
	fds[1] = must("accept", c->accept(lfd));
	c->setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->close(lfd);
}

static int echo(void *arg)
{
	struct pair *p = arg;
	char byte;

	while (p->c->read(p->fds[1], &byte, 1) == 1)
		p->c->write(p->fds[1], &byte, 1);
	p->c->close(p->fds[1]);
	return 0;
}

static double round_trips(const struct calls *c, int fd, int n)
{
	int64_t t = now_ns();
	char byte = 'x';
	int i;

	for (i = 0; i < n; i++) {
		must("write", c->write(fd, &byte, 1));
		must("read", c->read(fd, &byte, 1));
	}
	return (double)(now_ns() - t) / n;
}

static double run_lo_rr(const struct calls *c, int lane)
{
	struct pair p = { .c = c };
	double ns;
	char byte;

	tcp_pair(c, p.fds);
	c->spawn(lane, echo, &p);
	round_trips(c, p.fds[0], 100);
	ns = round_trips(c, p.fds[0], 30000);
	/* p is on our stack: wait until the echo has left it */
	c->shutdown(p.fds[0], SHUT_WR);
	c->read(p.fds[0], &byte, 1);
	c->close(p.fds[0]);
	c->sleep_ns(1000000);
	return ns / 1000;
}

static int sink(void *arg)
{
	struct pair *p = arg;
	char *buf = malloc(131072);

	while (p->c->read(p->fds[1], buf, 131072) > 0)
		;
	free(buf);
	p->c->close(p->fds[1]);
	return 0;
}

static double run_lo_stream(const struct calls *c, int lane)
{
	const int64_t total = 2ll << 30;
	struct pair p = { .c = c };
	char *buf = calloc(1, 131072), byte;
	int64_t sent = 0, t;

	tcp_pair(c, p.fds);
	c->spawn(lane, sink, &p);
	t = now_ns();
	while (sent < total)
		sent += must("write", c->write(p.fds[0], buf, 131072));
	c->shutdown(p.fds[0], SHUT_WR);
	c->read(p.fds[0], &byte, 1); /* the sink has read all and closed */
	t = now_ns() - t;
	c->close(p.fds[0]);
	c->sleep_ns(1000000);
	free(buf);
	return (double)total * 8 / t;
}

/* A UDP socket bound to a port of its own on lo. */
static int udp_socket(const struct calls *c, struct sockaddr_in *addr)
{
	int fd = must("socket", c->socket(AF_INET, SOCK_DGRAM, 0)), len = sizeof(*addr);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	must("bind", c->bind(fd, (void *)addr, sizeof(*addr)));
	must("getsockname", c->getsockname(fd, (void *)addr, &len));
	return fd;
}

/* A datagram to one of many watched UDP sockets, by lo: send, wait, receive. */
static double run_epoll(const struct calls *c, int lane)
{
	enum { TURNS = 100000 };
	static int fds[EPOLL_SOCKETS];
	static struct sockaddr_in addrs[EPOLL_SOCKETS];
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = must("epoll_create", c->epoll_create()), out = must("socket", c->socket(AF_INET, SOCK_DGRAM, 0)), i;
	unsigned int at = 1;
	int64_t t;
	char byte = 'x';

	for (i = 0; i < epoll_sockets; i++) {
		fds[i] = udp_socket(c, &addrs[i]);
		ev.data.u32 = i;
		must("epoll_ctl", c->epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev));
	}
	t = now_ns();
	for (i = 0; i < TURNS; i++) {
		at = at * 1103515245 + 12345;
		must("sendto", c->sendto(out, &byte, 1, 0, (void *)&addrs[(at >> 8) % epoll_sockets], sizeof(addrs[0])));
		must("epoll_wait", c->epoll_wait(ep, &ev, 1, -1));
		must("recv", c->recv(fds[ev.data.u32], &byte, 1, 0));
	}
	t = now_ns() - t;
	for (i = 0; i < epoll_sockets; i++)
		c->close(fds[i]);
	c->close(out);
	c->close(ep);
	return (double)t / TURNS;
}

static double run_connect(const struct calls *c, int lane)
{
	enum { TURNS = 4000 };
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger abort_now = { .l_onoff = 1 };
	int lfd = must("socket", c->socket(AF_INET, SOCK_STREAM, 0)), fd, i, one = 1;
	int64_t t;

	c->setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	addr.sin_port = htons(19999);
	must("bind", c->bind(lfd, (void *)&addr, sizeof(addr)));
	must("listen", c->listen(lfd, 16));
	t = now_ns();
	for (i = 0; i < TURNS; i++) {
		fd = must("socket", c->socket(AF_INET, SOCK_STREAM, 0));
		/* by reset: no port is held in TIME_WAIT */
		c->setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
		must("connect", c->connect(fd, (void *)&addr, sizeof(addr)));
		c->close(must("accept", c->accept(lfd)));
		c->close(fd);
	}
	t = now_ns() - t;
	c->close(lfd);
	return (double)t / TURNS / 1000;
}

static double overshoot_us(const struct calls *c, int64_t sleep_ns, int n)
{
	double best[64];
	int i, j;

	for (i = 0; i < n; i++) {
		int64_t t = now_ns();
		double over;

		c->sleep_ns(sleep_ns);
		over = (now_ns() - t - sleep_ns) / 1000.0;
		for (j = i; j > 0 && best[j - 1] > over; j--)
			best[j] = best[j - 1];
		best[j] = over;
	}
	return best[n / 2];
}

static double run_timer_50us(const struct calls *c, int lane) { return overshoot_us(c, 50000, 64); }
static double run_timer_1ms(const struct calls *c, int lane) { return overshoot_us(c, 1000000, 64); }
static double run_timer_10ms(const struct calls *c, int lane) { return overshoot_us(c, 10000000, 20); }

struct ring {
	const struct calls *c;
	int there[2], back[2];
};

static int pipe_echo(void *arg)
{
	struct ring *r = arg;
	char byte;

	while (r->c->read(r->there[0], &byte, 1) == 1)
		r->c->write(r->back[1], &byte, 1);
	r->c->close(r->back[1]);
	return 0;
}

/* Two task switches and four pipe calls a turn. */
static double run_switch(const struct calls *c, int lane)
{
	enum { TURNS = 50000 };
	struct ring r = { .c = c };
	int64_t t;
	char byte = 'x';
	int i;

	must("pipe", c->pipe(r.there));
	must("pipe", c->pipe(r.back));
	c->spawn(lane, pipe_echo, &r);
	t = now_ns();
	for (i = 0; i < TURNS; i++) {
		must("write", c->write(r.there[1], &byte, 1));
		must("read", c->read(r.back[0], &byte, 1));
	}
	t = now_ns() - t;
	c->close(r.there[1]);
	c->read(r.back[0], &byte, 1); /* 0: it is done with r */
	c->close(r.there[0]);
	c->close(r.back[0]);
	c->sleep_ns(1000000);
	return (double)t / TURNS;
}

/* ---- several vCPUs, several threads ---- */

static const int64_t smp_run_ns = 200000000;

/* Round trips of one byte over TCP and lo, in 1000/s. */
static double run_smp_rr(const struct calls *c, int lane, int lanes)
{
	struct pair p = { .c = c };
	int64_t t, n = 0;
	char byte;

	tcp_pair(c, p.fds);
	c->spawn(lane, echo, &p);
	round_trips(c, p.fds[0], 100);
	lanes_meet(c, lanes);
	for (t = now_ns(); now_ns() - t < smp_run_ns; n += 100)
		round_trips(c, p.fds[0], 100);
	t = now_ns() - t;
	c->shutdown(p.fds[0], SHUT_WR);
	c->read(p.fds[0], &byte, 1);
	c->close(p.fds[0]);
	c->sleep_ns(1000000);
	return n * 1e6 / t;
}

/* Datagrams sent to a UDP socket by lo and received from it, in 1000/s; each lane its own, or all the same. */
static double udp_to_self(const struct calls *c, int fd, const struct sockaddr_in *addr, int lanes)
{
	int64_t t, n = 0;
	char byte = 'x';
	int i;

	lanes_meet(c, lanes);
	for (t = now_ns(); now_ns() - t < smp_run_ns; n += 100) {
		for (i = 0; i < 100; i++) {
			must("sendto", c->sendto(fd, &byte, 1, 0, (const void *)addr, sizeof(*addr)));
			/* another lane may have taken ours */
			c->recv(fd, &byte, 1, MSG_DONTWAIT);
		}
	}
	return n * 1e6 / (now_ns() - t);
}

static double run_smp_udp(const struct calls *c, int lane, int lanes)
{
	struct sockaddr_in addr;
	int fd = udp_socket(c, &addr);
	double rate = udp_to_self(c, fd, &addr, lanes);

	c->close(fd);
	return rate;
}

static double run_smp_hammer(const struct calls *c, int lane, int lanes)
{
	static struct sockaddr_in addr;
	static int fd;
	double rate;

	if (lane == 0)
		fd = udp_socket(c, &addr);
	lanes_meet(c, lanes);
	rate = udp_to_self(c, fd, &addr, 2 * lanes);
	lanes_meet(c, 3 * lanes);
	if (lane == 0)
		c->close(fd);
	return rate;
}

static double run_rr_1(const struct calls *c, int lane) { return run_smp_rr(c, lane, 1); }
static double run_rr_2(const struct calls *c, int lane) { return run_smp_rr(c, lane, 2); }
static double run_udp_1(const struct calls *c, int lane) { return run_smp_udp(c, lane, 1); }
static double run_udp_2(const struct calls *c, int lane) { return run_smp_udp(c, lane, 2); }
static double run_hammer_2(const struct calls *c, int lane) { return run_smp_hammer(c, lane, 2); }
static double run_hammer_4(const struct calls *c, int lane) { return run_smp_hammer(c, lane, 4); }

/* ---- a close() that waits for all CPUs, beside one that computes ---- */

static const int64_t close_run_ns = 4000000000;
static int close_state; /* atomic: 0, 1: it computes, 2: it shall end, 3: it has */

static int computes(void *arg)
{
	const struct calls *c = arg;

	c->getppid();
	__atomic_store_n(&close_state, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&close_state, __ATOMIC_RELAXED) == 1)
		;
	__atomic_store_n(&close_state, 3, __ATOMIC_SEQ_CST);
	return 0;
}

/* The slowest of all close() of a packet socket within 4 s, in ms. 0: the host lets us have none. */
static double run_close(const struct calls *c, int lane)
{
	int64_t t, worst = 0, end;
	long fd = c->socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd < 0)
		return 0;
	c->close(fd);
	close_state = 0;
	c->spawn(lane + 1, computes, (void *)c);
	while (!__atomic_load_n(&close_state, __ATOMIC_SEQ_CST))
		c->sleep_ns(20000);
	for (end = now_ns() + close_run_ns; now_ns() < end; ) {
		fd = must("socket", c->socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
		t = now_ns();
		must("close", c->close(fd));
		t = now_ns() - t;
		worst = t > worst ? t : worst;
	}
	__atomic_store_n(&close_state, 2, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&close_state, __ATOMIC_SEQ_CST) != 3)
		c->sleep_ns(20000);
	return worst / 1e6;
}

/* Computes, with a call now and then. */
static int busy(void *arg)
{
	const struct calls *c = arg;
	int64_t t;

	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		for (t = now_ns(); now_ns() - t < 20000; )
			;
		c->getppid();
	}
	return 0;
}

static const struct bench benches[] = {
	{ "syscall", "task", "ns", run_syscall, false, TASK, 1, 1, NULL, false },
	{ "syscall", "foreign", "ns", run_syscall, false, FOREIGN, 1, 1, NULL, false },
	{ "switch", "pipe", "ns", run_switch, false, TASK, 1, 1, NULL, false },
	{ "lo-rr", "tcp", "us", run_lo_rr, false, TASK, 1, 1, NULL, false },
	{ "lo-stream", "tcp", "Gbit/s", run_lo_stream, true, TASK, 1, 1, NULL, false },
	{ "epoll", "udp", "ns", run_epoll, false, TASK, 1, 1, NULL, false },
	{ "connect", "tcp", "us", run_connect, false, TASK, 1, 1, NULL, false },
	{ "timer", "50us", "us", run_timer_50us, false, TASK, 1, 1, NULL, false },
	{ "timer", "1ms", "us", run_timer_1ms, false, TASK, 1, 1, NULL, false },
	{ "timer", "10ms", "us", run_timer_10ms, false, TASK, 1, 1, NULL, false },
	{ "syscall", "task-2", "ns", run_syscall, false, TASK, 2, 2, NULL, false },
	{ "syscall", "foreign-2", "ns", run_syscall, false, FOREIGN, 2, 2, NULL, false },
	{ "syscall", "foreign-busy", "ns", run_syscall_timed, false, FOREIGN, 2, 1, busy, false },
	{ "smp", "rr-1", "1000/s", run_rr_1, true, TASK, 2, 1, NULL, false },
	{ "smp", "rr-2", "1000/s", run_rr_2, true, TASK, 2, 2, NULL, false },
	{ "smp", "foreign-1", "1000/s", run_udp_1, true, FOREIGN, 2, 1, NULL, false },
	{ "smp", "foreign-2", "1000/s", run_udp_2, true, FOREIGN, 2, 2, NULL, false },
	{ "close", "computing", "ms", run_close, false, TASK, 2, 1, NULL, true },
	{ "smp", "hammer-2", "1000/s", run_hammer_2, true, TASK, 2, 2, NULL, false },
	{ "smp", "hammer-4", "1000/s", run_hammer_4, true, TASK, 4, 4, NULL, false },
};

/* ---- rounds ---- */

static int job_run(void *arg)
{
	struct job *job = arg;

	job->result = job->bench->run(job->c, job->lane);
	return 0;
}

/* Something that runs: a task or a thread. */
union run {
	int task;
	pthread_t thread;
};

static union run run_start(bool is_task, int lane, int (*fn)(void *), void *arg)
{
	union run run;

	if (is_task)
		run.task = must("lkl_task_start_on", lkl_task_start_on(lane, "bench", fn, arg, STACK_BYTES));
	else
		run.thread = h_spawn_thread(lane, fn, arg);
	return run;
}

static void run_join(bool is_task, union run run)
{
	int ret;

	if (is_task)
		must("lkl_task_join", lkl_task_join(run.task, &ret));
	else
		pthread_join(run.thread, NULL);
}

static double run_on(const struct bench *bench, const struct calls *c)
{
	bool is_lkl = c == &lkl_calls, is_task = is_lkl && bench->who == TASK;
	int backgrounds = bench->background ? bench->vcpus : 0, i;
	struct job jobs[LANES_MAX];
	union run lanes[LANES_MAX], background[LANES_MAX];
	double sum = 0;

	arrived = is_over = 0;
	for (i = 0; i < backgrounds; i++)
		background[i] = run_start(is_lkl, i, bench->background, (void *)c);
	for (i = 0; i < bench->lanes; i++) {
		jobs[i] = (struct job){ .c = c, .bench = bench, .lane = i };
		lanes[i] = run_start(is_task, backgrounds + i, job_run, &jobs[i]);
	}
	for (i = 0; i < bench->lanes; i++) {
		run_join(is_task, lanes[i]);
		sum += jobs[i].result;
	}
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	for (i = 0; i < backgrounds; i++)
		run_join(is_lkl, background[i]);
	return bench->is_rate ? sum : sum / bench->lanes;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void report(bool is_json, const char *name, const char *variant, const char *unit, double lkl, double host,
		   double ratio, int rounds)
{
	if (is_json)
		printf("{\"bench\":\"%s\",\"variant\":\"%s\",\"unit\":\"%s\",\"lkl\":%.4g,\"host\":%.4g,\"ratio\":%.3g,"
		       "\"rounds\":%d}\n", name, variant, unit, lkl, host, ratio, rounds);
	else if (host > 0)
		printf("%-10s %-12s %10.4g %10.4g %-7s x %.3g\n", name, variant, lkl, host, unit, ratio);
	else
		printf("%-10s %-12s %10.4g %10s %s\n", name, variant, lkl, "-", unit);
	fflush(stdout);
}

static void rounds_run(const struct bench *bench, int rounds, bool is_json, bool is_lkl_only)
{
	double lkl[ROUNDS_MAX], host[ROUNDS_MAX] = { 0 }, ratio[ROUNDS_MAX] = { 0 };
	char variant[32];
	int i;

	if (bench->is_once)
		rounds = 1;
	snprintf(variant, sizeof(variant), "%s", bench->variant);
	if (!strcmp(bench->name, "epoll"))
		snprintf(variant, sizeof(variant), "%s-%d", bench->variant, epoll_sockets);
	for (i = 0; i < rounds; i++) {
		lkl[i] = run_on(bench, &lkl_calls);
		if (is_lkl_only)
			continue;
		host[i] = run_on(bench, &host_calls);
		ratio[i] = bench->is_rate ? lkl[i] / host[i] : host[i] / lkl[i];
	}
	report(is_json, bench->name, variant, bench->unit, median(lkl, rounds), median(host, rounds),
	       median(ratio, rounds), rounds);
}

/* mem_mib: 64 where boot is measured; epoll needs more: UDP may have an eighth, each socket keeps a page of that. */
static void boot(int vcpus, int mem_mib)
{
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	int cpus[LANES_MAX], i;

	for (i = 0; i < vcpus; i++)
		cpus[i] = lane_cpu(i);
	opts.cpus = cpus;
	opts.cpus_len = vcpus;
	must("lkl_set_options", lkl_set_options(&opts));
	must("lkl_start_kernel", lkl_start_kernel("mem=%dM nr_cpus=%d", mem_mib, vcpus));
}

static double resident_mib(void)
{
	long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%ld %ld", &ignored, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4096.0 / (1 << 20);
}

/* A process boots once: each round is a child. */
static void boot_rounds(int vcpus, int rounds, bool is_json)
{
	double ms[ROUNDS_MAX], mib[ROUNDS_MAX], answer[2];
	int i, fds[2], status;

	for (i = 0; i < rounds; i++) {
		if (pipe(fds))
			die("pipe", errno);
		if (!fork()) {
			int64_t t = now_ns();

			boot(vcpus, 64);
			answer[0] = (now_ns() - t) / 1e6;
			answer[1] = resident_mib();
			_exit(write(fds[1], answer, sizeof(answer)) != sizeof(answer));
		}
		wait(&status);
		if (status || read(fds[0], answer, sizeof(answer)) != sizeof(answer))
			die("boot in a child", EIO);
		close(fds[0]);
		close(fds[1]);
		ms[i] = answer[0];
		mib[i] = answer[1];
	}
	report(is_json, "boot", vcpus == 1 ? "time" : "time-4", "ms", median(ms, rounds), 0, 0, rounds);
	report(is_json, "boot", vcpus == 1 ? "rss" : "rss-4", "MiB", median(mib, rounds), 0, 0, rounds);
}

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* What an instance costs that has nothing to do, in percent of a CPU over 10 s; a child again. */
static void idle_run(int vcpus, bool is_json)
{
	double percent;
	int fds[2], status;

	if (pipe(fds))
		die("pipe", errno);
	if (!fork()) {
		int64_t cpu, wall;

		boot(vcpus, 64);
		must("lo", lkl_if_up(1));
		sleep(1); /* what boot has left to do */
		cpu = cpu_ns();
		wall = now_ns();
		sleep(10);
		percent = 100.0 * (cpu_ns() - cpu) / (now_ns() - wall);
		_exit(write(fds[1], &percent, sizeof(percent)) != sizeof(percent));
	}
	wait(&status);
	if (status || read(fds[0], &percent, sizeof(percent)) != sizeof(percent))
		die("an idle child", EIO);
	close(fds[0]);
	close(fds[1]);
	report(is_json, "idle", vcpus == 1 ? "cpu" : "cpu-4", "%", percent, 0, 0, 1);
}

static void usage(void)
{
	fprintf(stderr, "usage: lkl-bench [--json] [--lkl] [--rounds 1..%d] [--cpu N] [boot|idle|syscall|switch|lo-rr|lo-stream|"
		"epoll|connect|timer|close|smp ...]\n", ROUNDS_MAX);
	exit(2);
}

static bool is_wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* The benches of one number of vCPUs, in a child: a process has one instance. */
static void group_run(int vcpus, char **names, int rounds, bool is_json, bool is_lkl_only)
{
	size_t i, n = sizeof(benches) / sizeof(benches[0]);
	int status = 0;

	for (i = 0; i < n && !(benches[i].vcpus == vcpus && is_wanted(benches[i].name, names)); i++)
		;
	if (i == n)
		return;
	if (!fork()) {
		boot(vcpus, 512);
		must("lo", lkl_if_up(1));
		for (; i < n; i++)
			if (benches[i].vcpus == vcpus && is_wanted(benches[i].name, names))
				rounds_run(&benches[i], rounds, is_json, is_lkl_only);
		lkl_sys_halt();
		exit(0);
	}
	wait(&status);
	if (status)
		die("a child", ECHILD);
}

/* Both sides watch as many sockets as the host lets a process have. */
static void epoll_size(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("getrlimit", errno);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < EPOLL_SOCKETS + 64)
		epoll_sockets = limit.rlim_cur - 64;
}

int main(int argc, char **argv)
{
	bool is_json = false, is_lkl_only = false;
	int rounds = 5, i, j;

	cpu_wanted = sched_getcpu();
	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--json"))
			is_json = true;
		else if (!strcmp(argv[i], "--lkl"))
			is_lkl_only = true;
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			rounds = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--cpu") && i + 1 < argc)
			cpu_wanted = atoi(argv[++i]);
		else
			usage();
	}
	if (rounds < 1 || rounds > ROUNDS_MAX || cpu_wanted < 0)
		usage();
	for (j = i; j < argc; j++) {
		size_t k;
		bool is_known = !strcmp(argv[j], "boot") || !strcmp(argv[j], "idle");

		for (k = 0; k < sizeof(benches) / sizeof(benches[0]); k++)
			is_known |= !strcmp(argv[j], benches[k].name);
		if (!is_known)
			usage();
	}
	signal(SIGPIPE, SIG_IGN);
	epoll_size();
	if (is_wanted("boot", argv + i)) {
		boot_rounds(1, rounds, is_json);
		boot_rounds(4, rounds, is_json);
	}
	if (is_wanted("idle", argv + i)) {
		idle_run(1, is_json);
		idle_run(4, is_json);
	}
	for (j = 1; j <= LANES_MAX; j++)
		group_run(j, argv + i, rounds, is_json, is_lkl_only);
	return 0;
}
