// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - tasks as coroutines
 *
 * Every Linux task is a stack that the vCPU's executor switches to. There is no user mode: a new task starts in a kernel
 * function and stays there. What is user code, and on which stack and host thread it runs, is vcpu.c's business.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/init_task.h>
#include <linux/sched/debug.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <asm/lkl.h>
#include <asm/switch_to.h>
#include <asm/vcpu.h>

DEFINE_PER_CPU(struct task_struct *, current_task) ____cacheline_aligned = &init_task;

/* What lkl_switch_stack() pops, lowest address first. */
struct switch_frame {
	unsigned long r15, r14, r13, r12, rbx, rbp;
	unsigned long return_address;
};

int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	unsigned long top = (unsigned long)task_stack_page(p) + THREAD_SIZE - sizeof(struct pt_regs);
	struct switch_frame *frame = (void *)(round_down(top, 16) - sizeof(*frame));

	/* A task without a function would have to return twice from a system call; there is no such call here. */
	if (!args->fn)
		return -ENOSYS;

	*frame = (struct switch_frame){
		.rbx = (unsigned long)args->fn,
		.r12 = (unsigned long)args->fn_arg,
		.return_address = (unsigned long)lkl_ret_from_fork,
	};
	p->thread = (struct thread_struct){ .sp = (unsigned long)frame };
	return 0;
}

struct task_struct *lkl_switch_to(struct task_struct *prev, struct task_struct *next)
{
	this_cpu_write(current_task, next);
	lkl_leave_update(next);
	/* Kernel threads that follow each other make no system calls: let timers and wires be seen here too. */
	if (lkl_tsc() >= raw_cpu_read_8(lkl_next_check))
		lkl_check_events();
	return (struct task_struct *)lkl_switch_stack(&prev->thread.sp, next->thread.sp, (unsigned long)prev);
}

void show_regs(struct pt_regs *regs)
{
}

#ifndef CONFIG_STACKTRACE /* stacktrace.c has its own */
void show_stack(struct task_struct *task, unsigned long *sp, const char *loglvl)
{
	void *pcs[32];
	int i, n;

	if (task && task != current)
		return;
	n = lkl_host->backtrace(pcs, ARRAY_SIZE(pcs));
	for (i = 0; i < n; i++)
		printk("%s [<%px>]\n", loglvl, pcs[i]);
}
#endif
