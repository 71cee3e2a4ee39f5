// SPDX-License-Identifier: GPL-2.0-only
/*
 * syscall_table.c - the system calls by number, for lkl_syscall(); numbers are those of asm-generic
 */
#include <linux/syscalls.h>
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

#define SYSCALL_BY_NUMBER
#include <asm/syscall_none.h>

const sys_call_ptr_t sys_call_table[__NR_syscalls] = {
	[0 ... __NR_syscalls - 1] = (sys_call_ptr_t)(void *)sys_ni_syscall,
#include <asm/syscall_table_64.h>
};
