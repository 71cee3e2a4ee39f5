// SPDX-License-Identifier: GPL-2.0-only
/*
 * locks.c - an instance with one vCPU needs no lock prefixes
 *
 * One thread at a time holds the vCPU and nothing interrupts it, so the kernel's own atomic operations need not be
 * atomic towards other host threads. LOCK_PREFIX (asm/alternative.h) notes where each prefix byte is, in .smp_locks; here
 * they become ds prefixes, which do nothing, for a boot with one vCPU, and lock prefixes again for a later boot with
 * several. The text is writable for the moment of patching. A host that refuses that (a seccomp filter, a policy) leaves
 * the prefixes in: slower, and right.
 *
 * What any thread may write, or shares with the kernel while it holds no vCPU, is written with host atomics, which have
 * their lock prefix always: lkl_irq_pending, everything in vcpu.c, the lists of posted tasks (task.c) and of pending
 * notifiers (notify.c), futex words (asm/futex.h). xchg has no prefix and is always atomic, and so is smp_mb().
 *
 * Modules keep their prefixes.
 */
#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <asm/lkl.h>
#include <asm/sections.h>

#define PREFIX_LOCK 0xf0
#define PREFIX_DS 0x3e

/* Each the distance from itself to a prefix byte. */
extern const s32 __smp_locks[], __smp_locks_end[];

static int text_protect(u32 prot)
{
	unsigned long start = (unsigned long)_stext & PAGE_MASK, end = PAGE_ALIGN((unsigned long)_etext);

	return lkl_host->protect((void *)start, end - start, prot);
}

void __init lkl_locks_init(void)
{
	u8 from = lkl_boot.vcpus > 1 ? PREFIX_DS : PREFIX_LOCK, to = from ^ PREFIX_DS ^ PREFIX_LOCK;
	const s32 *at;

	if (*((u8 *)__smp_locks + *__smp_locks) != from)
		return;
	if (text_protect(LKL_PROT_READ | LKL_PROT_WRITE | LKL_PROT_EXEC)) {
		if (to == PREFIX_LOCK)
			panic("the host refuses to make the text writable again");
		pr_info("lock prefixes stay: the host refuses to make the text writable\n");
		return;
	}
	for (at = __smp_locks; at < __smp_locks_end; at++) {
		u8 *prefix = (u8 *)at + *at;

		if (*prefix == from)
			WRITE_ONCE(*prefix, to);
	}
	if (text_protect(LKL_PROT_READ | LKL_PROT_EXEC))
		panic("the host refuses to make the text read-only again");
}
