/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_THREAD_INFO_H
#define _ASM_LKL_THREAD_INFO_H

/* Checks in the kernel (KASAN's red zones in frames, lockdep) need several times the stack. */
#if defined(CONFIG_KASAN)
#define THREAD_SIZE_ORDER 4
#elif defined(CONFIG_LOCKDEP)
#define THREAD_SIZE_ORDER 3
#else
#define THREAD_SIZE_ORDER 2
#endif
#define THREAD_SIZE (4096 << THREAD_SIZE_ORDER) /* no UL: the linker script reads it */

#ifndef __ASSEMBLY__
#include <linux/types.h>

struct thread_info {
	unsigned long flags;	/* TIF_* */
	int preempt_count;
	u32 cpu;
};

#define INIT_THREAD_INFO(tsk) { .preempt_count = INIT_PREEMPT_COUNT }
#endif

#define TIF_SIGPENDING 1
#define TIF_NEED_RESCHED 2
#define TIF_NOTIFY_RESUME 3
#define TIF_NOTIFY_SIGNAL 4
#define TIF_RESTORE_SIGMASK 5
#define TIF_MEMDIE 6
#define TIF_POLLING_NRFLAG 7
#define TIF_SYSCALL_TRACE 8
#define TIF_LEAVE 9 /* on the way out: more to do than going back to user code (vcpu.c) */

#define _TIF_SIGPENDING (1 << TIF_SIGPENDING)
#define _TIF_NEED_RESCHED (1 << TIF_NEED_RESCHED)
#define _TIF_NOTIFY_RESUME (1 << TIF_NOTIFY_RESUME)
#define _TIF_NOTIFY_SIGNAL (1 << TIF_NOTIFY_SIGNAL)
#define _TIF_POLLING_NRFLAG (1 << TIF_POLLING_NRFLAG)
#define _TIF_LEAVE (1 << TIF_LEAVE)

/* What a task looks at before it goes back to its own code. */
#define _TIF_WORK_MASK (_TIF_SIGPENDING | _TIF_NEED_RESCHED | _TIF_NOTIFY_RESUME | _TIF_NOTIFY_SIGNAL)
#define _TIF_EXIT_MASK (_TIF_WORK_MASK | _TIF_LEAVE)

#endif /* _ASM_LKL_THREAD_INFO_H */
