/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System calls that mean nothing in a library: they make, replace or end a process, go back to a frame that is not there,
 * or stop the machine (lkl_sys_halt() does). They answer -ENOSYS, by number (syscall_table.c) and by name (syscall.c).
 */
#ifdef SYSCALL_BY_NUMBER
#define sys_clone sys_ni_syscall
#define sys_clone3 sys_ni_syscall
#define sys_execve sys_ni_syscall
#define sys_execveat sys_ni_syscall
#define sys_exit sys_ni_syscall
#define sys_exit_group sys_ni_syscall
#define sys_reboot sys_ni_syscall
#define sys_rt_sigreturn sys_ni_syscall
#else
#define NI_sys_clone ~, 2
#define NI_sys_clone3 ~, 2
#define NI_sys_execve ~, 2
#define NI_sys_execveat ~, 2
#define NI_sys_exit ~, 2
#define NI_sys_exit_group ~, 2
#define NI_sys_reboot ~, 2
#define NI_sys_rt_sigreturn ~, 2
#endif
