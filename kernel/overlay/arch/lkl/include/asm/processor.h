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
 * Saved contexts of a task, as stack pointers (switch.S). A kernel thread has `sp` alone. A task with user code runs its
 * system calls on the stack of its program, and has a second context on its kernel stack; kernel/vcpu.c explains both.
 */
struct thread_struct {
	unsigned long sp;		/* switched out: where the scheduler's switch goes on */
	unsigned long kernel_sp;	/* kernel-stack side, while the task runs on its user stack; idle task: given up */
	unsigned long user_sp;		/* user-stack side, while the kernel-stack side runs */
	struct lkl_thread *host;	/* thread that runs the user code; NULL: kernel thread */
	struct task_struct *enter_next;	/* list of tasks that want in */
	u32 entering;			/* the task may come in */
#ifdef CONFIG_STACKTRACE
	unsigned long user_top;		/* frame of the present call on the user stack */
#endif
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
