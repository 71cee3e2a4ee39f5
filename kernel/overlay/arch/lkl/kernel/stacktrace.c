// SPDX-License-Identifier: GPL-2.0-only
/*
 * stacktrace.c - stacks by frame pointers, for lockdep, KASAN and warnings of the debug build
 *
 * Kernel code of a configuration with STACKTRACE keeps frame pointers, code of the host does not: in a task with user code
 * the chain ends where the program called in, with whatever it had in %rbp. So a frame is believed only if it lies on
 * the task's kernel stack, or on the user stack below the present call, above the last one, and returns into kernel code. Nothing is locked and
 * nothing allocated.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include <asm/lkl.h>

struct frame {
	unsigned long next;		/* the caller's frame */
	unsigned long return_address;
};

static bool within(unsigned long fp, unsigned long start, unsigned long bytes)
{
	return fp >= start && fp - start <= bytes - sizeof(struct frame);
}

/* How deep a system call's frames may go on a stack of the host's. */
static const unsigned long call_max_bytes = 1 << 20;

static bool on_stack(const struct task_struct *task, unsigned long fp)
{
	unsigned long top = task->thread.user_top + sizeof(struct frame);

	return within(fp, (unsigned long)task_stack_page(task), THREAD_SIZE) ||
		(task->thread.host && within(fp, top - call_max_bytes, call_max_bytes));
}

noinline noinstr void arch_stack_walk(stack_trace_consume_fn consume, void *cookie, struct task_struct *task,
				      struct pt_regs *regs)
{
	unsigned long fp, next;

	if (!task || task == current)
		fp = (unsigned long)__builtin_frame_address(0);
	else /* what lkl_switch_stack() pushed: r15 r14 r13 r12 rbx, then rbp and the return address make a frame */
		fp = READ_ONCE_NOCHECK(task->thread.sp) + 5 * sizeof(long);
	if (!task)
		task = current;
	while (IS_ALIGNED(fp, sizeof(long)) && on_stack(task, fp)) {
		const struct frame *frame = (const struct frame *)fp;
		unsigned long pc = READ_ONCE_NOCHECK(frame->return_address);

		if (!__kernel_text_address(pc) || !consume(cookie, pc))
			break;
		next = READ_ONCE_NOCHECK(frame->next);
		/* An application task's frames go down from its kernel stack (task_main()) to the other one, once. */
		if (next <= fp && within(next, (unsigned long)task_stack_page(task), THREAD_SIZE) ==
		    within(fp, (unsigned long)task_stack_page(task), THREAD_SIZE))
			break;
		fp = next;
	}
}

static bool frame_print(void *loglvl, unsigned long pc)
{
	printk("%s %pS\n", (const char *)loglvl, (void *)pc);
	return true;
}

void show_stack(struct task_struct *task, unsigned long *sp, const char *loglvl)
{
	printk("%sCall trace:\n", loglvl);
	arch_stack_walk(frame_print, (void *)loglvl, task ?: current, NULL);
#ifdef CONFIG_LKL_SPLAT
	lkl_splat_stack_end();
#endif
}
