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
 * struct task_struct *lkl_switch_stack(unsigned long *save_sp, unsigned long sp, struct task_struct *prev)
 * Returns, on the new stack, the prev of the switch that led here.
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
