/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_QSPINLOCK_H
#define _ASM_LKL_QSPINLOCK_H

/*
 * Queued spinlocks whose waiters sleep (kernel/locking/qspinlock_paravirt.h): the holder may be a vCPU that the host has
 * descheduled. Sleeping waiters make an unlock an atomic operation; on one vCPU nobody waits and it stays a store.
 */
#include <asm-generic/qspinlock_types.h>
#include <linux/compiler.h>
#include <linux/types.h>

extern bool lkl_several_vcpus;

#define _Q_PENDING_LOOPS (1 << 6)

/* Turns of cpu_relax() before a waiter sleeps: some microseconds, as long as a host wake-up takes. */
#define SPIN_THRESHOLD (1 << 8)

void native_queued_spin_lock_slowpath(struct qspinlock *lock, u32 val);
void __pv_queued_spin_lock_slowpath(struct qspinlock *lock, u32 val);
void __pv_queued_spin_unlock(struct qspinlock *lock);
void __pv_init_lock_hash(void);
void pv_wait(u8 *ptr, u8 val);
void pv_kick(int cpu);

static __always_inline void queued_spin_lock_slowpath(struct qspinlock *lock, u32 val)
{
	__pv_queued_spin_lock_slowpath(lock, val);
}

#define queued_spin_unlock queued_spin_unlock
static __always_inline void queued_spin_unlock(struct qspinlock *lock)
{
	if (lkl_several_vcpus)
		__pv_queued_spin_unlock(lock);
	else
		smp_store_release(&lock->locked, 0);
}

#include <asm-generic/qspinlock.h>

#endif /* _ASM_LKL_QSPINLOCK_H */
