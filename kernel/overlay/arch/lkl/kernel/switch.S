/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * switch.S - moving a host thread from one stack to another
 *
 * Tasks are coroutines: a switch saves the six callee-saved registers of the System V ABI on the old stack and takes them
 * from the new one. No floating point state is saved: mxcsr and the x87 control word are the same for all tasks, and the
 * vector registers are caller-saved.
 */
#include <linux/linkage.h>

/*
 * unsigned long lkl_switch_stack(unsigned long *save_sp, unsigned long sp, unsigned long value)
 * Returns, on the new stack, the value of the switch that led here.
 */
SYM_FUNC_START(lkl_switch_stack)
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	movq	%rdx, %rax
	ret
	.cfi_endproc
SYM_FUNC_END(lkl_switch_stack)

/* lkl_resume_stack(unsigned long sp, unsigned long value): go on where lkl_switch_stack() saved sp; forget this stack */
SYM_FUNC_START(lkl_resume_stack)
	movq	%rdi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	movq	%rsi, %rax
	ret
SYM_FUNC_END(lkl_resume_stack)

/*
 * unsigned long lkl_leave_stack(unsigned long *save_sp, unsigned long sp, void (*fn)(void *arg), void *arg)
 * Save this context as lkl_switch_stack() does, then call fn(arg), which does not return, on another stack.
 */
SYM_FUNC_START(lkl_leave_stack)
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	pushq	%r15
	.cfi_undefined rip
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	movq	%rcx, %rdi
	xorl	%ebp, %ebp
	call	*%rdx
	ud2
	.cfi_endproc
SYM_FUNC_END(lkl_leave_stack)

/* First instructions on a new stack that is switched to: fn in rbx, its argument in r12. fn does not return. */
SYM_FUNC_START(lkl_stack_start)
	.cfi_startproc
	.cfi_undefined rip
	movq	%r12, %rdi
	xorl	%ebp, %ebp
	call	*%rbx
	ud2
	.cfi_endproc
SYM_FUNC_END(lkl_stack_start)

/* First instructions of a task: copy_thread() put fn into rbx and its argument into r12. */
SYM_FUNC_START(lkl_ret_from_fork)
	.cfi_startproc
	.cfi_undefined rip
	movq	%rax, %rdi
	call	schedule_tail
	movq	%r12, %rdi
	call	*%rbx
	/* Only pid 1's function returns, after its exec: it goes on as the first application program. */
	call	lkl_init_main
	ud2
	.cfi_endproc
SYM_FUNC_END(lkl_ret_from_fork)

/* long lkl_call_on_stack(unsigned long stack_top, long (*fn)(void *), void *arg): call fn(arg) on another stack */
SYM_FUNC_START(lkl_call_on_stack)
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	movq	%rdi, %rsp
	movq	%rdx, %rdi
	call	*%rsi
	movq	%rbp, %rsp
	.cfi_def_cfa_register rsp
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
SYM_FUNC_END(lkl_call_on_stack)

	.section .note.GNU-stack, "", @progbits
