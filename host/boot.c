// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - options, boot and halt of the one instance of a process
 *
 * lkl_start_kernel() checks the command line, maps the memory and starts the vCPU's thread, which runs the kernel's boot
 * and never comes back; the caller sleeps until pid 1 reports. The kernel's state lives in static objects of the image, so
 * an instance can be booted once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vcpu.h"

#define MIB (1024ull * 1024)

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
static char kernel_release[65];
static char cmd_line[2048];

static const struct lkl_host_ops host_ops = {
	.print = lkl__print,
	.panic = lkl__panic,
	.backtrace = lkl__backtrace,
	.set_gs_base = lkl__set_gs_base,
	.wall_clock_ns = lkl__wall_clock_ns,
	.idle_wait = lkl__idle_wait,
	.kick = lkl__kick,
	.yield = lkl__yield,
	.booted = lkl__booted,
	.halted = lkl__halted,
	.task_exited = lkl__task_exited,
	.wire_attached = lkl__wire_attached,
	.protect = lkl__protect,
};

enum instance_state lkl__state(void)
{
	return __atomic_load_n(&state, __ATOMIC_ACQUIRE);
}

void lkl__state_set(enum instance_state new)
{
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

void lkl__booted(const char *release)
{
	snprintf(kernel_release, sizeof(kernel_release), "%s", release);
	lkl__state_set(INSTANCE_UP);
}

void lkl__halted(void)
{
	lkl__state_set(INSTANCE_HALTED);
	lkl__tasks_abandon();
	pthread_exit(NULL);
}

int lkl_set_options(const struct lkl_options *opts)
{
	if (!opts || opts->cpu < -1 || opts->cpu >= 1024 || opts->spin_us > 1000000)
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
			return p;
		}
		if (p != MAP_FAILED)
			munmap(p, bytes);
	}
	return NULL;
}

int lkl_start_kernel(const char *fmt, ...)
{
	struct lkl_boot_params params = { .ops = &host_ops, .cmd_line = cmd_line };
	uint64_t bytes;
	void *memory;
	va_list ap;
	int n, err;

	pthread_mutex_lock(&lock);
	if (state != INSTANCE_NEW) {
		pthread_mutex_unlock(&lock);
		return -EBUSY;
	}
	va_start(ap, fmt);
	n = vsnprintf(cmd_line, sizeof(cmd_line), fmt, ap);
	va_end(ap);
	err = n < 0 || n >= (int)sizeof(cmd_line) ? -EINVAL : memory_size(cmd_line, &bytes);
	if (err)
		goto out;
	params.tsc_hz = lkl__tsc_hz();
	if (!params.tsc_hz) {
		err = -EOPNOTSUPP;
		goto out;
	}
	params.spin_ns = lkl__options.spin_us * 1000ull;
	memory = memory_map(bytes);
	if (!memory) {
		err = -ENOMEM;
		goto out;
	}
	params.memory_start = (uint64_t)memory;
	params.memory_bytes = bytes;
	err = lkl__panic_init();
	if (!err)
		err = lkl__vcpu_init();
	if (!err)
		err = lkl__vcpu_thread_start(&params);
	if (err) {
		munmap(memory, bytes);
		goto out;
	}
	state = INSTANCE_BOOTING;
out:
	pthread_mutex_unlock(&lock);
	if (err)
		return err;
	state_wait(INSTANCE_UP);
	return lkl__state() == INSTANCE_UP ? 0 : -EIO;
}

long lkl_sys_halt(void)
{
	if (lkl_on_vcpu)
		return -EPERM;
	if (lkl__state() != INSTANCE_UP)
		return -ESRCH;
	lkl_raise(0, LKL_IRQ_HALT);
	state_wait(INSTANCE_HALTED);
	return 0;
}

int lkl_debug_bug(void)
{
	if (lkl__state() != INSTANCE_UP)
		return -ESRCH;
	lkl_raise(0, LKL_IRQ_BUG);
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
