/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * sys_types.h - the types that libc's sys/types.h and time.h give and the kernel's prototypes use
 *
 * Layouts are the kernel's, for a 64-bit instance. Written with the kernel's names, as socket_types.h.
 */
#ifndef _SYS_TYPES_H
#define _SYS_TYPES_H

#include <stddef.h>
#include <linux/types.h>
#include <linux/posix_types.h>
#include <linux/time.h>

typedef __kernel_pid_t pid_t;
typedef __kernel_uid32_t uid_t;
typedef __kernel_gid32_t gid_t;
typedef __kernel_mode_t mode_t;
typedef __kernel_off_t off_t;
typedef __kernel_loff_t loff_t;
typedef __kernel_long_t time_t;
typedef __kernel_clockid_t clockid_t;
typedef __kernel_fd_set fd_set;
typedef __u32 dev_t;

#endif /* _SYS_TYPES_H */
