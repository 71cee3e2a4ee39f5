// SPDX-License-Identifier: GPL-2.0-only
/*
 * lkl_bench.c - micro-benchmarks of the library against the host's kernel
 *
 * usage: lkl-bench [--json] [--rounds N] [--cpu N] [BENCH...]
 *
 * The same function does the same work through a table of calls, once on the library (as application tasks) and once on
 * the host (as threads pinned to one CPU, which is the comparison: one core's worth of each). Rounds alternate,
 * library host library host; figures are medians, and the ratio is the median of the rounds' ratios, above 1 where the
 * library is faster. Not measured yet: foreign threads and several vCPUs, which the library does not have yet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lkl/lkl.h>

#define ROUNDS_MAX 101
#define EPOLL_SOCKETS 4000 /* 2 descriptors each, below the usual hard limits */

/* Calls return a value or -errno. */
struct calls {
	const char *name;
	long (*getppid)(void);
	long (*socket)(int family, int type, int protocol);
	long (*bind)(int fd, const struct sockaddr *addr, int len);
	long (*listen)(int fd, int backlog);
	long (*accept)(int fd);
	long (*connect)(int fd, const struct sockaddr *addr, int len);
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
	/* Run fn beside the caller, on the same CPU; join waits for it inside the stack. */
	void (*spawn)(int (*fn)(void *), void *arg);
};

static int cpu_wanted;

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
static long h_setsockopt(int fd, int l, int n, const void *v, int len) { return h(setsockopt(fd, l, n, v, len)); }
static long h_read(int fd, void *b, size_t l) { return h(read(fd, b, l)); }
static long h_write(int fd, const void *b, size_t l) { return h(write(fd, b, l)); }
static long h_close(int fd) { return h(close(fd)); }
static long h_shutdown(int fd, int how) { return h(shutdown(fd, how)); }
static long h_pipe(int fds[2]) { return h(pipe(fds)); }
static long h_epoll_create(void) { return h(epoll_create1(0)); }
static long h_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev) { return h(epoll_ctl(ep, op, fd, ev)); }
static long h_epoll_wait(int ep, struct epoll_event *ev, int m, int t) { return h(epoll_wait(ep, ev, m, t)); }

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

static pthread_t h_spawn_thread(int (*fn)(void *), void *arg)
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
	CPU_SET(cpu_wanted, &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	err = pthread_create(&thread, &attr, h_thread, start);
	if (err)
		die("pthread_create", err);
	pthread_attr_destroy(&attr);
	return thread;
}

static void h_spawn(int (*fn)(void *), void *arg)
{
	pthread_detach(h_spawn_thread(fn, arg));
}

static const struct calls host_calls = {
	"host", h_getppid, h_socket, h_bind, h_listen, h_accept, h_connect, h_setsockopt, h_read, h_write, h_close,
	h_shutdown, h_pipe, h_epoll_create, h_epoll_ctl, h_epoll_wait, h_sleep_ns, h_spawn,
};

/* ---- the library's table ---- */

static long l_accept(int fd) { return lkl_sys_accept4(fd, NULL, NULL, 0); }
static long l_read(int fd, void *b, size_t l) { return lkl_sys_read(fd, b, l); }
static long l_write(int fd, const void *b, size_t l) { return lkl_sys_write(fd, b, l); }
static long l_close(int fd) { return lkl_sys_close(fd); }
static long l_shutdown(int fd, int how) { return lkl_sys_shutdown(fd, how); }
static long l_pipe(int fds[2]) { return lkl_sys_pipe2(fds, 0); }
static long l_epoll_create(void) { return lkl_sys_epoll_create1(0); }

static void l_spawn(int (*fn)(void *), void *arg)
{
	must("lkl_task_start", lkl_task_start("bench", fn, arg, 0));
}

static const struct calls lkl_calls = {
	"lkl", lkl_sys_getppid, lkl_sys_socket, lkl_sys_bind, lkl_sys_listen, l_accept, lkl_sys_connect,
	lkl_sys_setsockopt, l_read, l_write, l_close, l_shutdown, l_pipe, l_epoll_create, lkl_sys_epoll_ctl, lkl_sys_epoll_wait,
	lkl_sys_nanosleep_ns, l_spawn,
};

/* ---- the work ---- */

struct job {
	const struct calls *c;
	const struct bench *bench;
	double result;
};

struct bench {
	const char *name, *variant, *unit;
	double (*run)(const struct calls *c);
	bool is_rate; /* higher is better */
};

static double run_syscall(const struct calls *c)
{
	enum { CALLS = 3000000 };
	int64_t t = now_ns();
	int i;

	for (i = 0; i < CALLS; i++)
		c->getppid();
	return (double)(now_ns() - t) / CALLS;
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
	static uint16_t port = 20000;
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, lfd = must("socket", c->socket(AF_INET, SOCK_STREAM, 0));
	long r;

	c->setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	do {
		addr.sin_port = htons(port++);
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

static double run_lo_rr(const struct calls *c)
{
	struct pair p = { .c = c };
	double ns;
	char byte;

	tcp_pair(c, p.fds);
	c->spawn(echo, &p);
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

static double run_lo_stream(const struct calls *c)
{
	const int64_t total = 2ll << 30;
	struct pair p = { .c = c };
	char *buf = calloc(1, 131072), byte;
	int64_t sent = 0, t;

	tcp_pair(c, p.fds);
	c->spawn(sink, &p);
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

/* One of many idle sockets becomes readable, is found by epoll, read. */
static double run_epoll(const struct calls *c)
{
	enum { TURNS = 100000 };
	static int fds[EPOLL_SOCKETS][2];
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = must("epoll_create", c->epoll_create()), i;
	unsigned int at = 1;
	int64_t t;
	char byte = 'x';

	for (i = 0; i < EPOLL_SOCKETS; i++) {
		must("pipe", c->pipe(fds[i]));
		ev.data.u32 = i;
		must("epoll_ctl", c->epoll_ctl(ep, EPOLL_CTL_ADD, fds[i][0], &ev));
	}
	t = now_ns();
	for (i = 0; i < TURNS; i++) {
		at = at * 1103515245 + 12345;
		must("write", c->write(fds[(at >> 8) % EPOLL_SOCKETS][1], &byte, 1));
		must("epoll_wait", c->epoll_wait(ep, &ev, 1, -1));
		must("read", c->read(fds[ev.data.u32][0], &byte, 1));
	}
	t = now_ns() - t;
	for (i = 0; i < EPOLL_SOCKETS; i++) {
		c->close(fds[i][0]);
		c->close(fds[i][1]);
	}
	c->close(ep);
	return (double)t / TURNS;
}

static double run_connect(const struct calls *c)
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

static double run_timer_50us(const struct calls *c) { return overshoot_us(c, 50000, 64); }
static double run_timer_1ms(const struct calls *c) { return overshoot_us(c, 1000000, 64); }
static double run_timer_10ms(const struct calls *c) { return overshoot_us(c, 10000000, 20); }

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
static double run_switch(const struct calls *c)
{
	enum { TURNS = 50000 };
	struct ring r = { .c = c };
	int64_t t;
	char byte = 'x';
	int i;

	must("pipe", c->pipe(r.there));
	must("pipe", c->pipe(r.back));
	c->spawn(pipe_echo, &r);
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

static const struct bench benches[] = {
	{ "syscall", "task", "ns", run_syscall, false },
	{ "switch", "pipe", "ns", run_switch, false },
	{ "lo-rr", "tcp", "us", run_lo_rr, false },
	{ "lo-stream", "tcp", "Gbit/s", run_lo_stream, true },
	{ "epoll", "pipes", "ns", run_epoll, false },
	{ "connect", "tcp", "us", run_connect, false },
	{ "timer", "50us", "us", run_timer_50us, false },
	{ "timer", "1ms", "us", run_timer_1ms, false },
	{ "timer", "10ms", "us", run_timer_10ms, false },
};

/* ---- rounds ---- */

static int job_run(void *arg)
{
	struct job *job = arg;

	job->result = job->bench->run(job->c);
	return 0;
}

static double run_on(const struct bench *bench, const struct calls *c)
{
	struct job job = { .c = c, .bench = bench };
	int ret;

	if (c == &lkl_calls) {
		int id = must("lkl_task_start", lkl_task_start("bench", job_run, &job, 1 << 20));

		must("lkl_task_join", lkl_task_join(id, &ret));
	} else {
		pthread_join(h_spawn_thread(job_run, &job), NULL);
	}
	return job.result;
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
		printf("%-10s %-6s %10.4g %10.4g %-7s x %.3g\n", name, variant, lkl, host, unit, ratio);
	else
		printf("%-10s %-6s %10.4g %10s %s\n", name, variant, lkl, "-", unit);
	fflush(stdout);
}

static void rounds_run(const struct bench *bench, int rounds, bool is_json)
{
	double lkl[ROUNDS_MAX], host[ROUNDS_MAX], ratio[ROUNDS_MAX];
	int i;

	for (i = 0; i < rounds; i++) {
		lkl[i] = run_on(bench, &lkl_calls);
		host[i] = run_on(bench, &host_calls);
		ratio[i] = bench->is_rate ? lkl[i] / host[i] : host[i] / lkl[i];
	}
	report(is_json, bench->name, bench->variant, bench->unit, median(lkl, rounds), median(host, rounds),
	       median(ratio, rounds), rounds);
}

static void boot(void)
{
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;

	opts.cpu = cpu_wanted;
	must("lkl_set_options", lkl_set_options(&opts));
	must("lkl_start_kernel", lkl_start_kernel("mem=64M"));
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
static void boot_rounds(int rounds, bool is_json)
{
	double ms[ROUNDS_MAX], mib[ROUNDS_MAX], answer[2];
	int i, fds[2], status;

	for (i = 0; i < rounds; i++) {
		if (pipe(fds))
			die("pipe", errno);
		if (!fork()) {
			int64_t t = now_ns();

			boot();
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
	report(is_json, "boot", "time", "ms", median(ms, rounds), 0, 0, rounds);
	report(is_json, "boot", "rss", "MiB", median(mib, rounds), 0, 0, rounds);
}

static int lo_up(void *arg)
{
	return lkl_if_up(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: lkl-bench [--json] [--rounds 1..%d] [--cpu N] [boot|syscall|switch|lo-rr|lo-stream|epoll|"
		"connect|timer ...]\n", ROUNDS_MAX);
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

int main(int argc, char **argv)
{
	bool is_json = false;
	int rounds = 5, i, j, id, ret;

	cpu_wanted = sched_getcpu();
	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--json"))
			is_json = true;
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
		bool is_known = !strcmp(argv[j], "boot");

		for (k = 0; k < sizeof(benches) / sizeof(benches[0]); k++)
			is_known |= !strcmp(argv[j], benches[k].name);
		if (!is_known)
			usage();
	}
	signal(SIGPIPE, SIG_IGN);
	if (is_wanted("boot", argv + i))
		boot_rounds(rounds, is_json);
	boot();
	id = must("lkl_task_start", lkl_task_start("lo", lo_up, NULL, 0));
	must("lkl_task_join", lkl_task_join(id, &ret));
	must("lo", ret);
	for (j = 0; j < (int)(sizeof(benches) / sizeof(benches[0])); j++)
		if (is_wanted(benches[j].name, argv + i))
			rounds_run(&benches[j], rounds, is_json);
	lkl_sys_halt();
	return 0;
}
