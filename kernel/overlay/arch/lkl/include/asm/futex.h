/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_FUTEX_H
#define _ASM_LKL_FUTEX_H

/*
 * Atomic operations on user words: ours is the only address space. Host atomics: threads that hold no vCPU write them,
 * too (kernel/locks.c).
 */
#include <linux/futex.h>
#include <linux/uaccess.h>
#include <linux/errno.h>

static inline int arch_futex_atomic_op_inuser(int op, int oparg, int *oval, u32 __user *uaddr)
{
	u32 *p = (u32 __force *)uaddr;
	u32 old = READ_ONCE(*p), new;

	do {
		switch (op) {
		case FUTEX_OP_SET:
			new = oparg;
			break;
		case FUTEX_OP_ADD:
			new = old + oparg;
			break;
		case FUTEX_OP_OR:
			new = old | oparg;
			break;
		case FUTEX_OP_ANDN:
			new = old & ~oparg;
			break;
		case FUTEX_OP_XOR:
			new = old ^ oparg;
			break;
		default:
			return -ENOSYS;
		}
	} while (!__atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	*oval = old;
	return 0;
}

static inline int futex_atomic_cmpxchg_inatomic(u32 *uval, u32 __user *uaddr, u32 oldval, u32 newval)
{
	*uval = oldval;
	__atomic_compare_exchange_n((u32 __force *)uaddr, uval, newval, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return 0;
}

#endif /* _ASM_LKL_FUTEX_H */
