/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PROCESSOR_H
#define _ASM_LKL_PROCESSOR_H

#ifndef __ASSEMBLY__
#include <linux/cache.h>
#include <asm/page.h>
#include <asm/ptrace.h>
#include <asm/vdso/processor.h>

struct task_struct;

/*
 * sp is the stack pointer of a task that is switched out. Kernel threads run on task->stack. An application task runs on
 * a large stack that the host made (kernel/task.c); its system calls run on that stack too.
 */
struct thread_struct {
	unsigned long sp;
	struct lkl_task *app;	/* set in application tasks only */
};

#define INIT_THREAD { .sp = 0 }

#define TASK_SIZE (~0UL)
#define TASK_UNMAPPED_BASE 0

#define task_pt_regs(task) ((struct pt_regs *)(task_stack_page(task) + THREAD_SIZE) - 1)
#define KSTK_EIP(tsk) 0UL
#define KSTK_ESP(tsk) 0UL

static inline unsigned long __get_wchan(struct task_struct *p)
{
	return 0;
}

static inline void prefetch(const void *x)
{
	__builtin_prefetch(x, 0);
}

static inline void prefetchw(const void *x)
{
	__builtin_prefetch(x, 1);
}

static inline void flush_thread(void)
{
}

static inline void start_thread(struct pt_regs *regs, unsigned long pc, unsigned long sp)
{
}
#endif

#endif /* _ASM_LKL_PROCESSOR_H */
