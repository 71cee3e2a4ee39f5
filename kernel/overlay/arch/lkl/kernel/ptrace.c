// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptrace.c - tasks cannot be traced: they have no registers of their own to look at
 */
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/sched.h>

static const struct user_regset_view no_view = { .name = "lkl" };

const struct user_regset_view *task_user_regset_view(struct task_struct *task)
{
	return &no_view;
}

void ptrace_disable(struct task_struct *child)
{
}

long arch_ptrace(struct task_struct *child, long request, unsigned long addr, unsigned long data)
{
	return -EIO;
}
