// SPDX-License-Identifier: GPL-2.0-only
/*
 * syscall.c - system calls as function calls
 *
 * For every entry of the kernel's table there is lkl_sys_NAME(), made here from the table's own list: it lets the thread
 * in, calls the kernel's function with six registers as any entry code does, and lets it out. Their types are given
 * where users see them (include/lkl); here all are longs, so this file must not see the kernel's prototypes
 * (linux/syscalls.h).
 */
#include <linux/errno.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/unistd.h>
#include <asm/lkl.h>
#include <asm/syscall.h>
#include <asm/vcpu.h>

/* Every task has all signals ignored (task.c): only those that can't be are left, and they end blocked calls at halt. */
noinline void lkl_exit_work(void)
{
	unsigned long flags;

	while ((flags = READ_ONCE(current_thread_info()->flags) & _TIF_WORK_MASK)) {
		if (flags & _TIF_NEED_RESCHED)
			schedule();
		if (flags & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)) {
			struct ksignal ksig;

			if (READ_ONCE(lkl_halting)) {
				clear_thread_flag(TIF_SIGPENDING);
				clear_notify_signal();
			} else {
				get_signal(&ksig);
				restore_saved_sigmask();
			}
		}
		if (flags & _TIF_NOTIFY_RESUME)
			resume_user_mode_work(NULL);
	}
}

noinline void lkl_exit_events(void)
{
	raw_cpu_write_4(lkl_at_boundary, 1);
	if (lkl_tsc() >= raw_cpu_read_8(lkl_next_check))
		lkl_check_events();
	if (raw_cpu_read_4(lkl_irq_pending))
		lkl_irq_run();
	raw_cpu_write_4(lkl_at_boundary, 0);
}

/*
 * A call that a signal or task work has ended early asks to be made again. There are no signal handlers to run in between, so
 * it is, unless the instance halts: then lkl_exit() makes -EINTR of it.
 */
static noinline long call_again(sys_call_ptr_t target, const long *p, long ret)
{
	while (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK) {
		lkl_exit_work();
		if (READ_ONCE(lkl_halting))
			break;
		ret = ret == -ERESTART_RESTARTBLOCK ? current->restart_block.fn(&current->restart_block) :
						      target(p[0], p[1], p[2], p[3], p[4], p[5]);
	}
	return ret;
}

/* The arguments are kept in memory for call_again(): cheaper than six more registers saved in every call. */
static __always_inline long call(sys_call_ptr_t target, const long *p)
{
	long ret;

	asm volatile("" : : "m" (*(const long (*)[6])p));
	ret = target(p[0], p[1], p[2], p[3], p[4], p[5]);
	if (unlikely(ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK))
		ret = call_again(target, p, ret);
	return ret;
}

long lkl_syscall(long nr, long *p);
long lkl_syscall(long nr, long *p)
{
	struct lkl_thread *self;
	int err = lkl_enter(&self);
	long ret = -ENOSYS;

	if (unlikely(err))
		return err;
	if (likely((unsigned long)nr < __NR_syscalls))
		ret = call(sys_call_table[nr], p);
	return lkl_exit(self, ret);
}

#define DIRECT(name, target)                                                                                    \
	long target(unsigned long, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long);  \
	long name(long a, long b, long c, long d, long e, long f);                                              \
	long name(long a, long b, long c, long d, long e, long f)                                               \
	{                                                                                                       \
		const long args[6] = { a, b, c, d, e, f };                                                      \
		struct lkl_thread *self;                                                                        \
		int err = lkl_enter(&self);                                                                     \
														\
		if (unlikely(err))                                                                              \
			return err;                                                                             \
		return lkl_exit(self, call(target, args));                                                      \
	}

/* Entries that are sys_ni_syscall have no name to be called by. */
#define SECOND(a, b, ...) b
#define IS_NI(...) SECOND(__VA_ARGS__, 0)
#define NI_sys_ni_syscall ~, 1
#define EMIT_0(call) DIRECT(lkl_##call, call)
#define EMIT_1(call)
#define EMIT_2(call) DIRECT(lkl_##call, sys_ni_syscall)
#define EMIT_3(call) DIRECT(lkl_##call, sys_lkl_io_uring_setup)
#define NI_sys_io_uring_setup ~, 3 /* syscall_table.c has it, and says why */
#define EMIT__(is_ni, call) EMIT_##is_ni(call)
#define EMIT_(is_ni, call) EMIT__(is_ni, call)
#define __SYSCALL(nr, call) EMIT_(IS_NI(NI_##call), call)
#define __SYSCALL_WITH_COMPAT(nr, native, compat) __SYSCALL(nr, native)
#include <asm/syscall_none.h>
#include <asm/syscall_table_64.h>
