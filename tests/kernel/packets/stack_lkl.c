// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack_lkl.c - the library's stack, in this process, in virtual time
 *
 * The wire is two arrays in memory. What the stack sends is kept with its time and wakes the test by a notifier; what the test
 * injects is announced as an interrupt and handled before inject() returns. No offloads, and one frame a time: what one
 * sees is what TCP decided, segment by segment.
 */
#include "../harness.h"

#include <netinet/in.h>
#include <poll.h>

#include "../virtual_time.h"
#include "stack.h"

#define FRAMES 1024

static struct {
	uint8_t data[FRAME_MAX];
	uint32_t len;
	int64_t at_ns;
} sent[FRAMES];
static uint32_t sent_head, sent_tail;
static struct lkl_rx_frame injected;	/* data NULL: none */
static int is_described;
static _Alignas(16) uint8_t injected_bytes[2 + FRAME_MAX];
static int notifier_fd, notifier, is_waiting;

/* ---- the wire ---- */

static int mem_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	return injected.data && !is_described;
}

static int mem_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	if (!max || !mem_rx_ready(w, queue))
		return 0;
	frames[0] = injected;
	is_described = 1;
	return 1;
}

static int mem_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			struct lkl_vnet_hdr *vnet)
{
	return -EMSGSIZE; /* no frame asks for it */
}

static void mem_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	if (n)
		injected.data = NULL;
}

static int mem_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		  uint32_t iov_len, uint32_t len)
{
	uint8_t *p = sent[sent_head % FRAMES].data;
	uint32_t i;

	if (sent_head - sent_tail == FRAMES || len > FRAME_MAX)
		return -EINVAL;
	for (i = 0; i < iov_len; i++) {
		memcpy(p, iov[i].base, iov[i].len);
		p += iov[i].len;
	}
	sent[sent_head % FRAMES].len = len;
	sent[sent_head++ % FRAMES].at_ns = virtual_time_ns();
	if (is_waiting)
		lkl_kernel_notify(notifier);
	return 0;
}

static int mem_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	return 1;
}

static void mem_nothing(struct lkl_wire *w, uint32_t queue)
{
}

static int mem_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return -1;
}

static void mem_close(struct lkl_wire *w)
{
}

static const struct lkl_wire_ops mem_ops = {
	.name = "memory",
	.rx_ready = mem_rx_ready,
	.rx_burst = mem_rx_burst,
	.rx_fetch = mem_rx_fetch,
	.rx_release = mem_rx_release,
	.tx = mem_tx,
	.tx_ready = mem_tx_ready,
	.kick = mem_nothing,
	.wait_fd = mem_wait_fd,
	.tend = mem_nothing,
	.close = mem_close,
};

static struct lkl_wire_stats stats;
static struct lkl_wire wire = { .ops = &mem_ops, .stats = &stats, .queues = 1, .mtu = 1500, .mac = STACK_MAC };

/* ---- frames ---- */

static int64_t stack_ns(void)
{
	return virtual_time_ns();
}

static int frame(void *buf, int64_t until_ns, int64_t *at_ns)
{
	struct pollfd pfd = { .events = POLLIN };
	struct timespec left;
	uint64_t count;
	int64_t ns;
	uint32_t len;

	for (; sent_tail == sent_head; is_waiting = 0) {
		ns = until_ns - stack_ns();
		if (ns <= 0)
			return 0;
		left = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
		pfd.fd = notifier_fd;
		is_waiting = 1;
		if (sys(ppoll, &pfd, 1, &left, NULL, 0) > 0)
			lkl_sys_read(notifier_fd, &count, sizeof(count));
	}
	len = sent[sent_tail % FRAMES].len;
	memcpy(buf, sent[sent_tail % FRAMES].data, len);
	*at_ns = sent[sent_tail++ % FRAMES].at_ns;
	return len;
}

static int inject(const void *data, size_t len)
{
	int tries;

	if (len > FRAME_MAX)
		return -EMSGSIZE;
	memcpy(injected_bytes + 2, data, len);
	is_described = 0;
	injected = (struct lkl_rx_frame){ .data = injected_bytes + 2, .len = len, .head_len = len };
	for (tries = 0; tries < 1000 && injected.data; tries++) {
		lkl_raise(0, LKL_IRQ_NET);
		lkl_sys_getppid();
	}
	/* Some of it may be left to a kernel thread: let those run. */
	lkl_sys_nanosleep_ns(1);
	return injected.data ? -ETIMEDOUT : 0;
}

static int was_late(void)
{
	return 0;
}

/* ---- the instance ---- */

static int wire_up(void *arg)
{
	int ifindex;

	(void)arg;
	notifier_fd = lkl_notifier_new(&notifier);
	CHECK(notifier_fd >= 0);
	ifindex = lkl_wire_attach(&wire);
	CHECK(ifindex > 0);
	CHECK_EQ(lkl_if_up(LO_IFINDEX), 0);
	CHECK_EQ(lkl_sysctl("net.ipv6.conf.all.disable_ipv6", "1"), 0);
	CHECK_EQ(lkl_if_up(ifindex), 0);
	CHECK_EQ(lkl_if_set_ipv4(ifindex, htonl(STACK_ADDR), 16), 0);
	return 0;
}

struct run {
	int (*fn)(void *arg);
	void *arg;
};

static int run_in_time(void *arg)
{
	const struct run *r = arg;
	int ret;

	virtual_time_begin();
	ret = r->fn(r->arg);
	virtual_time_end();
	return ret;
}

static int run(int (*fn)(void *arg), void *arg)
{
	struct run r = { fn, arg };

	return run_task(run_in_time, &r);
}

static int start(void)
{
	const struct lkl_options options = { .cpu = -1 };
	int err = lkl_set_options(&options);

	if (!err)
		err = lkl_start_kernel("mem=64M loglevel=4 lkl_clock=host");
	return err ? err : run_task(wire_up, NULL);
}

static void stop(void)
{
	lkl_sys_halt();
}

static int release(void)
{
	int major = 0, minor = 0;

	sscanf(lkl_kernel_release(), "%d.%d", &major, &minor);
	return major * 100 + minor;
}

static long do_accept(int fd)
{
	return lkl_sys_accept4(fd, NULL, NULL, SOCK_NONBLOCK);
}

static long do_socket(int family, int type, int protocol)
{
	return lkl_sys_socket(family, type, protocol);
}

static long do_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, int addr_len)
{
	return lkl_sys_sendto(fd, buf, len, flags, addr, addr_len);
}

static long do_recv(int fd, void *buf, size_t len, int flags)
{
	return lkl_sys_recvfrom(fd, buf, len, flags, NULL, NULL);
}

static long do_close(int fd)
{
	return lkl_sys_close(fd);
}

const struct stack stack_lkl = {
	.name = "lkl", .is_exact = 1, .release = release, .start = start, .stop = stop, .run = run,
	.socket = do_socket, .bind = lkl_sys_bind, .listen = lkl_sys_listen, .accept = do_accept, .connect = lkl_sys_connect,
	.setsockopt = lkl_sys_setsockopt, .getsockopt = lkl_sys_getsockopt, .sendto = do_sendto, .recv = do_recv,
	.shutdown = lkl_sys_shutdown, .close = do_close, .sysctl = lkl_sysctl,
	.now_ns = stack_ns, .frame = frame, .inject = inject, .was_late = was_late,
};
