// SPDX-License-Identifier: GPL-2.0-only
/*
 * syscall_table.c - the system calls by number, for lkl_syscall(); numbers are those of asm-generic
 */
#include <linux/io_uring.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/unistd.h>
#include <asm/syscall.h>

#define __SYSCALL(nr, call) [nr] = (sys_call_ptr_t)(void *)call,
#define __SYSCALL_WITH_COMPAT(nr, native, compat) __SYSCALL(nr, native)

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot, unsigned long, flags,
		unsigned long, fd, unsigned long, off)
{
	if (off & ~PAGE_MASK)
		return -EINVAL;
	return ksys_mmap_pgoff(addr, len, prot, flags, fd, off >> PAGE_SHIFT);
}

/*
 * What can't work here is refused as a kernel does that does not know the flag. SQPOLL's thread spins on jiffies and
 * need_resched() with no point at which a vCPU looks at its timer, so that neither ever changes. NO_MMAP needs vmap(),
 * which is BUG() without an MMU.
 */
SYSCALL_DEFINE2(lkl_io_uring_setup, u32, entries, struct io_uring_params __user *, params)
{
	if (!IS_ENABLED(CONFIG_IO_URING))
		return -ENOSYS;
	if (params->flags & (IORING_SETUP_SQPOLL | IORING_SETUP_NO_MMAP))
		return -EINVAL;
	return sys_io_uring_setup(entries, params);
}
#define sys_io_uring_setup sys_lkl_io_uring_setup


#define SYSCALL_BY_NUMBER
#include <asm/syscall_none.h>

const sys_call_ptr_t sys_call_table[__NR_syscalls] = {
	[0 ... __NR_syscalls - 1] = (sys_call_ptr_t)(void *)sys_ni_syscall,
#include <asm/syscall_table_64.h>
};
