/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_ASM_LKL_PTRACE_H
#define _UAPI_ASM_LKL_PTRACE_H

/* Nothing inside can be traced; the type has to exist. */
struct user_regs_struct {
	unsigned long unused;
};

#endif
