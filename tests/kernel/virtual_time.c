// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtual_time.c - see virtual_time.h
 *
 * The functions are those that the linker's --wrap puts in the place of host/clock.c's and host/vcpu.c's.
 *
 * Time stands still while the task computes, so nobody may take the vCPU from it for that. That is the duty of the vCPU's guard,
 * which looks every few milliseconds: here it looks only when it is woken. Should it hold the vCPU nevertheless when that goes idle,
 * the task may be on its way in or out; it is blocked if its thread sleeps in the host (`sleeping`), inside a call (`seq`
 * is odd), was not told to go on (`resume_sp`), and no kick waits for the guard: who enters kicks before he sleeps.
 * See host_ops.h for these fields.
 */
#include <poll.h>
#include <sched.h>
#include <stddef.h>

#include <lkl/host_ops.h>

#include "virtual_time.h"

#define TICK_NS 20
#define STILL_NS 1000000
#define NOBODY_NS 100000

uint64_t __wrap_lkl__monotonic_ns(void);
void __wrap_lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns);
void __real_lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns);
void __wrap_lkl__futex_wait(uint32_t *word, uint32_t value, int64_t timeout_ns);
void __real_lkl__futex_wait(uint32_t *word, uint32_t value, int64_t timeout_ns);

static uint64_t time_ns = 1000000000000;
static struct lkl_thread *test_thread;
static unsigned int passing; /* threads in pass_untested() that may be about to move the clock */

uint64_t __wrap_lkl__monotonic_ns(void)
{
	return __atomic_add_fetch(&time_ns, TICK_NS, __ATOMIC_RELAXED);
}

static int is_blocked(struct lkl_thread *test, const struct lkl_thread *self)
{
	struct pollfd kick = { .fd = self->wake_fd, .events = POLLIN };
	int i;

	for (i = 0; i < 2; i++)
		if (__atomic_load_n(&test->sleeping, __ATOMIC_SEQ_CST) != LKL_SLEEPS_THREAD ||
		    !(__atomic_load_n(&test->seq, __ATOMIC_SEQ_CST) & 1) || __atomic_load_n(&test->resume_sp, __ATOMIC_SEQ_CST))
			return 0;
	return self->wake_fd > 0 && poll(&kick, 1, 0) == 0;
}

/* No test yet: let others have their say, and then let time pass, unless one has begun meanwhile. */
static void pass_untested(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns)
{
	__real_lkl__idle_wait(self, vcpu, timeout_ns < 0 || timeout_ns > NOBODY_NS ? NOBODY_NS : timeout_ns);
	__atomic_add_fetch(&passing, 1, __ATOMIC_SEQ_CST);
	if (timeout_ns > 0 && !__atomic_load_n(&test_thread, __ATOMIC_SEQ_CST))
		__atomic_add_fetch(&time_ns, timeout_ns, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&passing, 1, __ATOMIC_SEQ_CST);
}

void __wrap_lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns)
{
	struct lkl_thread *test = __atomic_load_n(&test_thread, __ATOMIC_SEQ_CST);

	if (!test)
		pass_untested(self, vcpu, timeout_ns);
	else if (timeout_ns >= 0 && (self == test ? !__atomic_load_n(&test->resume_sp, __ATOMIC_SEQ_CST) : is_blocked(test, self)))
		__atomic_add_fetch(&time_ns, timeout_ns, __ATOMIC_RELAXED);
	else
		__real_lkl__idle_wait(self, vcpu, timeout_ns < 0 || timeout_ns > STILL_NS ? STILL_NS : timeout_ns);
}

void __wrap_lkl__futex_wait(uint32_t *word, uint32_t value, int64_t timeout_ns)
{
	if (lkl_self && lkl_self->kind == LKL_THREAD_GUARD && __atomic_load_n(&test_thread, __ATOMIC_SEQ_CST))
		timeout_ns = -1;
	__real_lkl__futex_wait(word, value, timeout_ns);
}

void virtual_time_begin(void)
{
	__atomic_store_n(&test_thread, lkl_self, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&passing, __ATOMIC_SEQ_CST))
		sched_yield();
}

void virtual_time_end(void)
{
	__atomic_store_n(&test_thread, NULL, __ATOMIC_SEQ_CST);
}

uint64_t virtual_time_ns(void)
{
	return __atomic_load_n(&time_ns, __ATOMIC_RELAXED);
}
