/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_VCPU_H
#define _ASM_LKL_VCPU_H

/*
 * The way in and out of the kernel, for every function that host threads call. kernel/vcpu.c tells the theory; these are
 * its fast paths, for a thread that holds its vCPU: no atomic operation, no lock, two increments of a word of its own.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/irqflags.h>
#include <asm/lkl.h>
#include <asm/thread_info.h>

int lkl_enter_slow(struct lkl_thread **self);
void lkl_exit_work(void);
void lkl_exit_events(void);
void lkl_leave(struct lkl_thread *self);

/*
 * Let a host thread in. 0, or -errno: nothing to undo. *self is for lkl_exit(). After a return with 0 the code may be
 * running on another host thread than the one that called: nothing here may look at thread-local variables again.
 */
static __always_inline int lkl_enter(struct lkl_thread **self)
{
	struct lkl_thread *me = lkl_self;
	int err = 0;

	*self = me;
	if (likely(me)) {
		WRITE_ONCE(me->seq, me->seq + 1);
		barrier();
	}
	if (unlikely(!me || READ_ONCE(*(u32 *)&me->revoked_self)))
		err = lkl_enter_slow(self);
#ifdef CONFIG_STACKTRACE
	/* Above are the program's frames, which stack traces keep out of. */
	if (!err)
		current->thread.user_top = (unsigned long)__builtin_frame_address(0);
#endif
	return err;
}

/* An application task that goes on in another thread than its own has to be given back at the end of its call. */
static __always_inline void lkl_leave_update(struct task_struct *task)
{
	struct lkl_thread *host = task->thread.host;

	if (host && host->kind == LKL_THREAD_HOME &&
	    unlikely((host != raw_cpu_read_8(lkl_executor)) != test_tsk_thread_flag(task, TIF_LEAVE)))
		change_bit(TIF_LEAVE, &task_thread_info(task)->flags);
}

/*
 * Reading the TSC costs as much as the rest of a null call: one call in eight does. A timer is late by seven calls at most, and
 * every context switch and NAPI poll looks, too.
 */
static __always_inline bool lkl_time_to_check(const struct lkl_thread *self)
{
	return !(self->seq & 14) && lkl_tsc() >= raw_cpu_read_8(lkl_next_check);
}

/* What any kernel does on the way to user mode: timers and wires that are due, rescheduling, task work. */
static __always_inline long lkl_exit(struct lkl_thread *self, long ret)
{
	if (unlikely(raw_cpu_read_4(lkl_irq_pending) || lkl_time_to_check(self)))
		lkl_exit_events();
	if (unlikely(READ_ONCE(current_thread_info()->flags) & _TIF_EXIT_MASK)) {
		lkl_exit_work();
		/* A call that a signal ended is not restarted: there is no signal handler to return from. */
		if (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK)
			ret = -EINTR;
		if (READ_ONCE(current_thread_info()->flags) & _TIF_LEAVE)
			lkl_leave(self);
	}
	barrier();
	WRITE_ONCE(self->seq, self->seq + 1);
	return ret;
}

#endif /* _ASM_LKL_VCPU_H */
