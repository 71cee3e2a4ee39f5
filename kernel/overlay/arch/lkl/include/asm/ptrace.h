/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PTRACE_H
#define _ASM_LKL_PTRACE_H

#include <uapi/asm/ptrace.h>
#ifndef __ASSEMBLY__
/*
 * Registers of "user mode". A system call is a function call, so there are none to save; only whether the vCPU was outside
 * the kernel when a timer ran is of interest (scheduler accounting, RCU).
 */
struct pt_regs {
	unsigned long user;	/* 1: an application task was in its own code */
	unsigned long ip;
};

#define user_mode(regs) ((regs)->user)
#define instruction_pointer(regs) ((regs)->ip)
#define profile_pc(regs) instruction_pointer(regs)
#define user_stack_pointer(regs) 0UL
#define kernel_stack_pointer(regs) 0UL

static inline void instruction_pointer_set(struct pt_regs *regs, unsigned long val)
{
	regs->ip = val;
}

static inline long regs_return_value(struct pt_regs *regs)
{
	return 0;
}
#endif

#endif /* _ASM_LKL_PTRACE_H */
