// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - the host thread that runs the kernel as CPU 0, and how it sleeps
 *
 * The thread's %gs base is the vCPU's per-CPU base; nothing else in the process uses %gs on x86-64. When the kernel is
 * idle it calls lkl__idle_wait(), one ppoll() on the kick descriptor and on each attached wire's descriptor; its timeout
 * is the next timer deadline. All host signals are blocked on the thread but the synchronous ones, which mean that the
 * instance has crashed (panic.c).
 */
#include <asm/prctl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vcpu.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif

#define VCPU_WIRES_MAX 16

__thread int lkl_on_vcpu;

static struct {
	int kick_fd;
	struct lkl_wire *wires[VCPU_WIRES_MAX];
	struct pollfd fds[1 + VCPU_WIRES_MAX];
	unsigned int fds_len;
} vcpu0 = { .kick_fd = -1 };

int lkl__vcpu_init(void)
{
	vcpu0.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vcpu0.kick_fd < 0)
		return -errno;
	vcpu0.fds[0] = (struct pollfd){ .fd = vcpu0.kick_fd, .events = POLLIN };
	vcpu0.fds_len = 1;
	return 0;
}

void lkl__set_gs_base(uint64_t base)
{
	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
		__asm__ volatile("wrgsbase %0" : : "r" (base) : "memory");
	else
		syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

static void *vcpu_thread(void *arg)
{
	const struct lkl_boot_params *params = arg;

	lkl__panic_thread_init();
	/* The instance has timers, and slack, of its own: the host's 50 us would come on top of each. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	lkl__set_gs_base(0);
	lkl_on_vcpu = 1;
	lkl_kernel_boot(params);
}

int lkl__vcpu_thread_start(const struct lkl_boot_params *params)
{
	static struct lkl_boot_params copy;
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	copy = *params;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (lkl__options.cpu >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(lkl__options.cpu, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, &attr, vcpu_thread, &copy);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (!err)
		pthread_setname_np(thread, "lkl-vcpu0");
	return -err;
}

void lkl__wire_attached(uint32_t vcpu, struct lkl_wire *wire, uint32_t queue)
{
	int fd = wire->ops->wait_fd(wire, queue);

	if (fd < 0 || vcpu0.fds_len == 1 + VCPU_WIRES_MAX)
		return;
	vcpu0.wires[vcpu0.fds_len - 1] = wire;
	vcpu0.fds[vcpu0.fds_len++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* The wires' slow upkeep, about once a second while the vCPU sleeps at all; a coarse clock is a load from memory. */
static void wires_tend(void)
{
	static time_t last_sec;
	struct timespec now;
	unsigned int i;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec == last_sec)
		return;
	last_sec = now.tv_sec;
	for (i = 1; i < vcpu0.fds_len; i++)
		vcpu0.wires[i - 1]->ops->tend(vcpu0.wires[i - 1], 0);
}

void lkl__idle_wait(uint32_t vcpu, int64_t timeout_ns)
{
	struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
	unsigned int i;
	uint64_t count;

	wires_tend();
	for (i = 1; i < vcpu0.fds_len; i++)
		vcpu0.wires[i - 1]->stats[0].waits_total++;
	if (ppoll(vcpu0.fds, vcpu0.fds_len, timeout_ns < 0 ? NULL : &timeout, NULL) <= 0)
		return;
	if (vcpu0.fds[0].revents)
		(void)!read(vcpu0.kick_fd, &count, sizeof(count));
	for (i = 1; i < vcpu0.fds_len; i++)
		if (vcpu0.fds[i].revents & ~POLLIN)
			vcpu0.wires[i - 1]->ops->tend(vcpu0.wires[i - 1], 0);
}

void lkl__kick(uint32_t vcpu)
{
	uint64_t one = 1;

	(void)!write(vcpu0.kick_fd, &one, sizeof(one));
}

void lkl__yield(void)
{
	sched_yield();
}
