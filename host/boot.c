// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - options, boot and halt of the one instance of a process
 *
 * lkl_start_kernel() checks the command line, maps the memory and starts vCPU 0's home thread, which runs the kernel's boot
 * and never comes back; the caller sleeps until pid 1 reports. The kernel's state lives in the mapping and in static
 * objects of the image. So that an instance can be booted again after a halt, the image's data is copied before the
 * first boot and put back before each other.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "netdev.h"
#include "vcpu.h"

#define MIB (1024ull * 1024)
#define PAGE_BYTES 4096

static const uint64_t memory_min_bytes = 16 * MIB;
static const uint64_t memory_max_bytes = 1024 * 1024 * MIB;
static const uint64_t memory_default_bytes = 128 * MIB;
/* The buddy allocator's largest block is 4 MiB and page frame numbers start at a multiple of it. */
static const uint64_t memory_align_bytes = 4 * MIB;

/*
 * Where the memory may lie, tried in order: low, because boot walks the page frames below it. The first is below the
 * shadow memory of AddressSanitizer and above a program's own image; larger memories take the second.
 */
static const uint64_t memory_bases[] = { 0x10000000, 0x1000000000, 0x2000000000, 0x4000000000 };

struct lkl_options lkl__options = LKL_OPTIONS_DEFAULT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum instance_state state;
static uint32_t generation;
static unsigned int vcpus;
static void *memory;
static uint64_t memory_bytes;
static char *image_data;	/* what the kernel's data was before the first boot */
static int boot_error;
static char kernel_release[65];
static char cmd_line[512]; /* as much as the kernel takes */

static const struct lkl_host_ops host_ops = {
	.print = lkl__print,
	.panic = lkl__panic,
	.backtrace = lkl__backtrace,
	.set_gs_base = lkl__set_gs_base,
	.wall_clock_ns = lkl__wall_clock_ns,
	.monotonic_ns = lkl__monotonic_ns,
	.idle_wait = lkl__idle_wait,
	.kick = lkl__kick,
	.vcpu_start = lkl__vcpu_start,
	.futex_wait = lkl__futex_wait,
	.futex_wake = lkl__futex_wake,
	.yield = lkl__yield,
	.barrier_all = lkl__barrier_all,
	.thread_register = lkl__thread_register,
	.thread_quit = lkl__thread_quit,
	.booted = lkl__booted,
	.halted = lkl__halted,
	.task_exited = lkl__task_exited,
	.wire_watch = lkl__wire_watch,
	.protect = lkl__protect,
};

enum instance_state lkl__state(void)
{
	return __atomic_load_n(&state, __ATOMIC_ACQUIRE);
}

void lkl__state_set(enum instance_state new)
{
	/* In a forked child the mutex may be held by a thread that does not exist. */
	if (new == INSTANCE_FORKED) {
		__atomic_store_n(&state, new, __ATOMIC_RELEASE);
		return;
	}
	pthread_mutex_lock(&lock);
	if (new > state)
		__atomic_store_n(&state, new, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void state_wait(enum instance_state at_least)
{
	pthread_mutex_lock(&lock);
	while (state < at_least)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* Threads that are about to touch the instance's memory without being inside: halt waits for them. */
static uint32_t holders;

int lkl__hold(void)
{
	__atomic_fetch_add(&holders, 1, __ATOMIC_SEQ_CST);
	if (lkl__state() == INSTANCE_UP)
		return 0;
	lkl__let_go();
	return lkl__not_running();
}

void lkl__let_go(void)
{
	__atomic_fetch_sub(&holders, 1, __ATOMIC_SEQ_CST);
}

int lkl__not_running(void)
{
	switch (lkl__state()) {
	case INSTANCE_DEAD:
		return -EIO;
	case INSTANCE_FORKED:
		return -EOWNERDEAD;
	default:
		return -ESRCH;
	}
}

unsigned int lkl__vcpus(void)
{
	return vcpus;
}

uint32_t lkl__generation(void)
{
	return generation;
}

int lkl_vcpus(void)
{
	return lkl__state() == INSTANCE_UP ? (int)vcpus : lkl__not_running();
}

void lkl__booted(const char *release, int32_t err)
{
	snprintf(kernel_release, sizeof(kernel_release), "%s", release);
	boot_error = err;
	lkl__state_set(INSTANCE_UP);
}

void lkl__halted(void)
{
	lkl__state_set(INSTANCE_HALTED);
	lkl__tasks_abandon();
}

int lkl_set_options(const struct lkl_options *opts)
{
	unsigned int i;

	if (!opts || opts->cpu < -1 || opts->cpu >= CPU_SETSIZE || opts->spin_us > 1000000 ||
	    opts->cpus_len > LKL_VCPUS_MAX)
		return -EINVAL;
	for (i = 0; i < opts->cpus_len; i++)
		if (opts->cpus[i] < 0 || opts->cpus[i] >= CPU_SETSIZE)
			return -EINVAL;
	if (lkl__state() != INSTANCE_NEW)
		return -EBUSY;
	lkl__options = *opts;
	return 0;
}

/* The last mem=NUMBER[kKmMgG] of the command line; the kernel is given the memory, not the word. */
static int memory_size(const char *line, uint64_t *bytes)
{
	const char *p = line;

	*bytes = memory_default_bytes;
	while ((p = strstr(p, "mem="))) {
		char *end;
		unsigned long long n;

		if (p != line && p[-1] != ' ') {
			p += 4;
			continue;
		}
		p += 4;
		errno = 0;
		n = strtoull(p, &end, 10);
		if (end == p || errno || *p == '-')
			return -EINVAL;
		switch (*end) {
		case 'k': case 'K':
			n <<= 10;
			break;
		case 'm': case 'M':
			n <<= 20;
			break;
		case 'g': case 'G':
			n <<= 30;
			break;
		default:
			return -EINVAL;
		}
		if ((end[1] && end[1] != ' ') || n < memory_min_bytes || n > memory_max_bytes)
			return -EINVAL;
		*bytes = n & ~(memory_align_bytes - 1);
	}
	return 0;
}

static void *memory_map(uint64_t bytes)
{
	size_t i;

	for (i = 0; i < sizeof(memory_bases) / sizeof(memory_bases[0]); i++) {
		void *want = (void *)memory_bases[i], *p;

		/* Stay clear of the sanitizers' shadow (from 2 GiB) with the first base. */
		if (i == 0 && memory_bases[0] + bytes > 0x70000000)
			continue;
		p = mmap(want, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
		if (p == want) {
			madvise(p, bytes, MADV_HUGEPAGE);
			madvise(p, bytes, MADV_DONTDUMP);
			madvise(p, bytes, MADV_DONTFORK);
			return p;
		}
		if (p != MAP_FAILED)
			munmap(p, bytes);
	}
	return NULL;
}

/* The last nr_cpus=N of the command line; the kernel reads it, too. */
static int vcpus_wanted(const char *line, unsigned int *n)
{
	const char *p = line;

	*n = 1;
	while ((p = strstr(p, "nr_cpus="))) {
		int is_ours = p == line || p[-1] == ' ';
		unsigned long value;
		char *end;

		p += strlen("nr_cpus=");
		if (!is_ours)
			continue;
		errno = 0;
		value = strtoul(p, &end, 10);
		if (end == p || errno || *p == '-' || (*end && *end != ' ') || value < 1 || value > LKL_VCPUS_MAX)
			return -EINVAL;
		*n = value;
	}
	return 0;
}

/* The last lkl_clock=tsc|host of the command line. "tsc" takes the TSC where it will do, as without the word. */
static int clock_wanted(const char *line, int *is_host)
{
	const char *p = line;

	*is_host = 0;
	while ((p = strstr(p, "lkl_clock="))) {
		int is_ours = p == line || p[-1] == ' ';
		size_t len;

		p += strlen("lkl_clock=");
		if (!is_ours)
			continue;
		len = strcspn(p, " ");
		if (len == 4 && !memcmp(p, "host", 4))
			*is_host = 1;
		else if (len == 3 && !memcmp(p, "tsc", 3))
			*is_host = 0;
		else
			return -EINVAL;
	}
	return 0;
}

/* The image's data and zeroed memory as they were when the program was loaded. */
static int image_restore(void)
{
	size_t bytes = lkl_image_data_end - lkl_image_data_start;

	if (image_data) {
		char *page = (char *)(((uint64_t)lkl_image_bss_start + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1));
		char *end = (char *)((uint64_t)lkl_image_bss_end & ~(uint64_t)(PAGE_BYTES - 1));

		/* Most of it is the arena of modules: its pages go back to the host, and lose what modules' code had set. */
		if (mprotect(page, end - page, PROT_READ | PROT_WRITE) || madvise(page, end - page, MADV_DONTNEED))
			return -errno;
		memset(lkl_image_bss_start, 0, page - lkl_image_bss_start);
		memset(end, 0, lkl_image_bss_end - end);
		memcpy(lkl_image_data_start, image_data, bytes);
		return 0;
	}
	image_data = malloc(bytes);
	if (!image_data)
		return -ENOMEM;
	memcpy(image_data, lkl_image_data_start, bytes);
	return 0;
}

/* Under the lock. */
static int boot(void)
{
	struct lkl_boot_params params = { .ops = &host_ops, .cmd_line = cmd_line };
	int err, clock_is_host;

	err = memory_size(cmd_line, &memory_bytes);
	if (!err)
		err = vcpus_wanted(cmd_line, &vcpus);
	if (!err)
		err = clock_wanted(cmd_line, &clock_is_host);
	if (err)
		return err;
	params.tsc_hz = lkl__clock_choose(clock_is_host, &clock_is_host);
	params.clock_is_host = clock_is_host;
	params.spin_ns = lkl__options.spin_us * 1000ull;
	params.vcpus = vcpus;
	params.generation = ++generation;
	err = image_restore();
	if (err)
		return err;
	memory = memory_map(memory_bytes);
	if (!memory)
		return -ENOMEM;
	params.memory_start = (uint64_t)memory;
	params.memory_bytes = memory_bytes;
	lkl__threads_init();
	lkl__vcpus_init();
	err = lkl__panic_init();
	if (!err)
		err = lkl__vcpu_boot(&params);
	if (err)
		munmap(memory, memory_bytes);
	return err;
}

int lkl_start_kernel(const char *fmt, ...)
{
	va_list ap;
	int n, err;

	pthread_mutex_lock(&lock);
	if (state != INSTANCE_NEW) {
		pthread_mutex_unlock(&lock);
		return state == INSTANCE_FORKED ? -EOWNERDEAD : -EBUSY;
	}
	va_start(ap, fmt);
	n = vsnprintf(cmd_line, sizeof(cmd_line), fmt, ap);
	va_end(ap);
	boot_error = 0;
	err = n < 0 || n >= (int)sizeof(cmd_line) ? -EINVAL : boot();
	if (!err)
		state = INSTANCE_BOOTING;
	pthread_mutex_unlock(&lock);
	if (err)
		return err;
	state_wait(INSTANCE_UP);
	if (lkl__state() != INSTANCE_UP)
		return -EIO;
	if (boot_error)
		lkl_sys_halt();
	else
		lkl__netdevs_attach();
	return boot_error;
}

long lkl_sys_halt(void)
{
	if (lkl_self && lkl_self->kind == LKL_THREAD_HOME)
		return -EPERM;
	pthread_mutex_lock(&lock);
	if (state != INSTANCE_UP) {
		pthread_mutex_unlock(&lock);
		return lkl__not_running();
	}
	__atomic_store_n(&state, INSTANCE_HALTING, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock);
	lkl_raise(0, LKL_IRQ_HALT);
	state_wait(INSTANCE_HALTED);
	while (__atomic_load_n(&holders, __ATOMIC_SEQ_CST))
		lkl__yield();
	/* A task that computes for ever keeps its thread, and with it the instance's memory: no second boot then. */
	if (lkl__state() == INSTANCE_DEAD || lkl__vcpus_join())
		return 0;
	lkl__tasks_free();
	munmap(memory, memory_bytes);
	pthread_mutex_lock(&lock);
	__atomic_store_n(&state, INSTANCE_NEW, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock);
	return 0;
}

int lkl_debug_bug(void)
{
	int err = lkl__hold();

	if (err)
		return err;
	lkl_raise(0, LKL_IRQ_BUG);
	lkl__let_go();
	return 0;
}

int lkl_is_running(void)
{
	return lkl__state() == INSTANCE_UP;
}

const char *lkl_kernel_release(void)
{
	return kernel_release;
}

const char *lkl_strerror(int err)
{
	const char *text = strerrordesc_np(err < 0 ? -err : err);

	return text ? text : "Unknown error";
}
