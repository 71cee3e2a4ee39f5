/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_CURRENT_H
#define _ASM_LKL_CURRENT_H

#ifndef __ASSEMBLY__
#include <linux/compiler.h>
#include <asm/percpu.h>
#include <asm/release.h>

struct task_struct;

DECLARE_PER_CPU(struct task_struct *, current_task);

/* Not volatile: a function's `current` is one task from its first instruction to its last. */
static __always_inline struct task_struct *get_current(void)
{
	return lkl_cpu_read_stable(current_task);
}

#define current get_current()
#endif

#endif /* _ASM_LKL_CURRENT_H */
