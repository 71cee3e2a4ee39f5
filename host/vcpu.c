// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - the library's own threads, two for each vCPU, and how any thread sleeps and is woken
 *
 * What a home and a guard thread do is the kernel side's business (kernel/overlay/arch/lkl/kernel/vcpu.c); here they are
 * made, pinned, and joined when the instance has stopped. Their %gs base is the vCPU's per-CPU base; nothing else in a
 * process uses %gs on x86-64. An idle vCPU has one thread in lkl__idle_wait(), one ppoll() on the vCPU's kick
 * descriptor and on each attached wire's; its timeout is the next timer deadline. Signals are blocked on these threads but
 * for the synchronous ones, which mean that the instance has crashed (panic.c).
 */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* All queues of one wire may belong to one vCPU, and of a few more wires. */
#define VCPU_WATCHES_MAX (2 * LKL_WIRE_QUEUES_MAX)
#define SIGNAL_STACK_BYTES 65536

static const size_t thread_stack_bytes = 1 << 20;
/* From a thread's first frame to where its base stack begins: what the first function itself needs. */
static const uint64_t base_offset_bytes = 16384;
static const int join_timeout_sec = 3;

__thread struct lkl_thread *lkl_self;

struct own_thread {
	struct lkl_thread thread;	/* first: the kernel side knows only this */
	pthread_t pthread;
	int is_started;
	jmp_buf quit;
	char *signal_stack;
};

/* One queue of a wire, with the descriptors that tell of its frames. Never freed: a queue that is watched again gets its own back. */
struct watch {
	struct lkl_wire *wire;
	uint32_t queue;
	int is_on;
	uint32_t fds_len;
	int fds[1 + LKL_WIRE_MORE_FDS];
};

static struct vcpu {
	struct watch watches[VCPU_WATCHES_MAX];
	unsigned int watches_len;
	pthread_mutex_t lock;		/* watches, for who adds or switches, and against a wire that goes away */
	struct own_thread *home, *guard;
} vcpus[LKL_VCPUS_MAX];

static struct lkl_boot_params boot_params;

void lkl__vcpus_init(void)
{
	unsigned int i;

	memset(vcpus, 0, sizeof(vcpus));
	for (i = 0; i < LKL_VCPUS_MAX; i++)
		pthread_mutex_init(&vcpus[i].lock, NULL);
}

void lkl__set_gs_base(uint64_t base)
{
	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
		__asm__ volatile("wrgsbase %0" : : "r" (base) : "memory");
	else
		syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

static void *own_thread_main(void *arg)
{
	struct own_thread *own = arg;

	lkl__panic_thread_init(own->signal_stack, SIGNAL_STACK_BYTES);
	/* The instance has timers, and slack, of its own: the host's 50 us would come on top of each. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	if (own->thread.kind == LKL_THREAD_GUARD && own->thread.vcpu == 0)
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	/* A thread inherits its maker's base, which may be a vCPU's. */
	lkl__set_gs_base(0);
	own->thread.base_sp = ((uint64_t)__builtin_frame_address(0) - base_offset_bytes) & ~15ull;
	lkl_self = &own->thread;
	if (setjmp(own->quit)) {
		lkl_self = NULL;
		lkl__panic_thread_init(NULL, 0);
		return NULL;
	}
	if (own->thread.kind == LKL_THREAD_HOME && own->thread.vcpu == 0)
		lkl_kernel_boot(&boot_params, &own->thread);
	lkl_kernel_thread_main(&own->thread);
}

void lkl__thread_quit(struct lkl_thread *self)
{
	longjmp(((struct own_thread *)self)->quit, 1);
}

static int vcpu_cpu(unsigned int vcpu)
{
	if (lkl__options.cpus_len)
		return lkl__options.cpus[vcpu % lkl__options.cpus_len];
	return vcpu == 0 ? lkl__options.cpu : -1;
}

static int own_thread_start(uint32_t kind, unsigned int vcpu, struct own_thread **out)
{
	struct own_thread *own = aligned_alloc(64, (sizeof(*own) + 63) & ~63ul);
	sigset_t all, old;
	pthread_attr_t attr;
	char name[16];
	int err, cpu = vcpu_cpu(vcpu);

	if (!own)
		return -ENOMEM;
	memset(own, 0, sizeof(*own));
	own->signal_stack = malloc(SIGNAL_STACK_BYTES);
	if (!own->signal_stack) {
		free(own);
		return -ENOMEM;
	}
	own->thread.kind = kind;
	own->thread.vcpu = vcpu;
	own->thread.waits_on = -1;
	own->thread.generation = lkl__generation();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, thread_stack_bytes);
	if (cpu >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(cpu, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGSYS); /* a filter of the program: its handler says which call it was */
	*out = own;
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&own->pthread, &attr, own_thread_main, own);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (err) {
		*out = NULL;
		free(own->signal_stack);
		free(own);
		return -err;
	}
	own->is_started = 1;
	snprintf(name, sizeof(name), "lkl-%s%u", kind == LKL_THREAD_HOME ? "vcpu" : "guard", vcpu);
	pthread_setname_np(own->pthread, name);
	return 0;
}

int lkl__vcpu_boot(const struct lkl_boot_params *params)
{
	boot_params = *params;
	return own_thread_start(LKL_THREAD_HOME, 0, &vcpus[0].home);
}

/* On a vCPU that runs already. The home thread of vCPU 0 is there since the beginning. */
int32_t lkl__vcpu_start(uint32_t vcpu)
{
	int err = own_thread_start(LKL_THREAD_GUARD, vcpu, &vcpus[vcpu].guard);

	return err || vcpu == 0 ? err : own_thread_start(LKL_THREAD_HOME, vcpu, &vcpus[vcpu].home);
}

static int own_thread_join(struct own_thread **own)
{
	struct timespec end;

	if (!*own)
		return 0;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += join_timeout_sec;
	if (pthread_timedjoin_np((*own)->pthread, NULL, &end))
		return -EBUSY;
	if ((*own)->thread.wake_fd)
		close((*own)->thread.wake_fd);
	free((*own)->signal_stack);
	free(*own);
	*own = NULL;
	return 0;
}

int lkl__vcpus_join(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < lkl__vcpus(); i++) {
		err = own_thread_join(&vcpus[i].guard) ?: err;
		err = own_thread_join(&vcpus[i].home) ?: err;
	}
	return err;
}

/* ---- sleeping ---- */

static struct watch *watch_find(struct vcpu *v, struct lkl_wire *wire, uint32_t queue)
{
	struct watch *unused = NULL;
	unsigned int i;

	for (i = 0; i < v->watches_len; i++) {
		if (v->watches[i].wire == wire && v->watches[i].queue == queue)
			return &v->watches[i];
		if (!v->watches[i].is_on)
			unused = &v->watches[i];
	}
	return unused ? unused : i < VCPU_WATCHES_MAX ? &v->watches[i] : NULL;
}

int32_t lkl__wire_watch(uint32_t vcpu, struct lkl_wire *wire, uint32_t queue, int32_t on)
{
	struct vcpu *v = &vcpus[vcpu];
	struct watch *watch;

	pthread_mutex_lock(&v->lock);
	watch = watch_find(v, wire, queue);
	if (!watch) {
		pthread_mutex_unlock(&v->lock);
		return on ? -ENOSPC : 0;
	}
	if (on) {
		const int fd = wire->ops->wait_fd(wire, queue);

		watch->wire = wire;
		watch->queue = queue;
		watch->fds_len = 0;
		if (fd >= 0)
			watch->fds[watch->fds_len++] = fd;
		if (wire->ops->more_fds)
			watch->fds_len += wire->ops->more_fds(wire, queue, &watch->fds[watch->fds_len], LKL_WIRE_MORE_FDS);
		if (watch == &v->watches[v->watches_len])
			__atomic_store_n(&v->watches_len, v->watches_len + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&watch->is_on, on && watch->wire == wire, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&v->lock);
	return 0;
}

/*
 * A wait reported an error. Tending to the wire is for the thread that has the vCPU, which this one may not be any more: only
 * leave word for it.
 */
static void watch_failed(struct vcpu *v, struct watch *watch)
{
	pthread_mutex_lock(&v->lock);
	if (watch->is_on)
		__atomic_fetch_or(&watch->wire->tend_wanted, 1ull << watch->queue, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&v->lock);
}

/* Each waiting thread has a descriptor of its own: with one for all, the first to wake would take the others' kicks. */
static int wake_fd_make(struct lkl_thread *self)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (!fd) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		close(0);
	}
	__atomic_store_n(&self->wake_fd, fd < 0 ? 0 : fd, __ATOMIC_SEQ_CST);
	return fd < 0 ? -errno : 0;
}

void lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns)
{
	static const int64_t no_fd_timeout_ns = 1000000;
	struct timespec timeout;
	struct pollfd fds[1 + VCPU_WATCHES_MAX];
	uint8_t watch_of[1 + VCPU_WATCHES_MAX];
	struct vcpu *v = &vcpus[vcpu];
	unsigned int i, k, n = 1, len = __atomic_load_n(&v->watches_len, __ATOMIC_ACQUIRE);
	uint64_t count;

	/* The first time: who wanted to kick meanwhile could not, so look again before sleeping. */
	if (!self->wake_fd && !wake_fd_make(self))
		return;
	fds[0] = (struct pollfd){ .fd = self->wake_fd ? self->wake_fd : -1, .events = POLLIN };
	for (i = 0; i < len; i++) {
		struct watch *watch = &v->watches[i];

		if (!__atomic_load_n(&watch->is_on, __ATOMIC_ACQUIRE) || n + watch->fds_len > 1 + VCPU_WATCHES_MAX)
			continue;
		watch->wire->stats[watch->queue].waits_total++;
		for (k = 0; k < watch->fds_len; k++) {
			watch_of[n] = i;
			fds[n++] = (struct pollfd){ .fd = watch->fds[k], .events = POLLIN };
		}
	}
	/* The process has no descriptor left: nobody can end the wait, so it has to be short. */
	if (fds[0].fd < 0 && (timeout_ns < 0 || timeout_ns > no_fd_timeout_ns))
		timeout_ns = no_fd_timeout_ns;
	timeout = (struct timespec){ .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
	if (ppoll(fds, n, timeout_ns < 0 ? NULL : &timeout, NULL) <= 0)
		return;
	if (fds[0].revents)
		(void)!read(fds[0].fd, &count, sizeof(count));
	for (i = 1; i < n; i++)
		if (fds[i].revents & ~POLLIN)
			watch_failed(v, &v->watches[watch_of[i]]);
}

void lkl__kick(struct lkl_thread *thread)
{
	uint64_t one = 1;
	int fd = __atomic_load_n(&thread->wake_fd, __ATOMIC_SEQ_CST);

	if (fd)
		(void)!write(fd, &one, sizeof(one));
}

void lkl__futex_wait(uint32_t *word, uint32_t value, int64_t timeout_ns)
{
	struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns < 0 ? NULL : &timeout, NULL, 0);
}

void lkl__futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void lkl__yield(void)
{
	sched_yield();
}

int32_t lkl__barrier_all(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) ? -errno : 0;
}
