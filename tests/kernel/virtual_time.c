// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtual_time.c - see virtual_time.h
 *
 * The functions are those that the linker's --wrap puts in the place of host/clock.c's and host/vcpu.c's. A vCPU may go
 * idle while the task computes: its guard takes the vCPU from a task that stays away for milliseconds. Whether the task is
 * in the kernel is told by its thread's `seq`, which is odd there (host_ops.h).
 */
#include <stddef.h>

#include <lkl/host_ops.h>

#include "virtual_time.h"

#define TICK_NS 20
#define STILL_NS 1000000
#define NOBODY_NS 100000

uint64_t __wrap_lkl__monotonic_ns(void);
void __wrap_lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns);
void __real_lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns);

static uint64_t time_ns = 1000000000000;
static struct lkl_thread *test_thread;

uint64_t __wrap_lkl__monotonic_ns(void)
{
	return __atomic_add_fetch(&time_ns, TICK_NS, __ATOMIC_RELAXED);
}

void __wrap_lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns)
{
	struct lkl_thread *test = __atomic_load_n(&test_thread, __ATOMIC_SEQ_CST);
	int64_t real_ns = timeout_ns;

	if (timeout_ns < 0) {
		__real_lkl__idle_wait(self, vcpu, timeout_ns);
		return;
	}
	if (test && !(__atomic_load_n(&test->seq, __ATOMIC_SEQ_CST) & 1)) {
		__real_lkl__idle_wait(self, vcpu, timeout_ns < STILL_NS ? timeout_ns : STILL_NS);
		return;
	}
	if (!test) { /* other threads may have something to say */
		if (real_ns > NOBODY_NS)
			real_ns = NOBODY_NS;
		__real_lkl__idle_wait(self, vcpu, real_ns);
	}
	__atomic_add_fetch(&time_ns, timeout_ns, __ATOMIC_RELAXED);
}

void virtual_time_begin(void)
{
	__atomic_store_n(&test_thread, lkl_self, __ATOMIC_SEQ_CST);
}

void virtual_time_end(void)
{
	__atomic_store_n(&test_thread, NULL, __ATOMIC_SEQ_CST);
}

uint64_t virtual_time_ns(void)
{
	return __atomic_load_n(&time_ns, __ATOMIC_RELAXED);
}
