/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lkl.h - the Linux kernel as a C library, as programs for LKL include it
 *
 * Everything of <lkl/lkl.h>, with the kernel's own types, numbers and flags under a prefix (struct lkl_sockaddr_in,
 * LKL_AF_INET, __lkl__u64; <lkl/linux/...>, <lkl/asm/...>), and every system call of the instance as lkl_sys_NAME() with
 * the kernel's own signature. This header adds the calls that the kernel itself no longer has and C programs still make
 * (open, stat, poll ...), as inline functions over the ones it has.
 *
 * A file includes this header or <lkl/lkl.h>; if both, this one first. libc's headers may be included before or after.
 *
 * All lkl_sys_*() return the kernel's value: a result, or a negative errno (LKL_E...). None touches libc's errno.
 */
#ifndef LKL_PROGRAM_H
#define LKL_PROGRAM_H

#if defined(LKL_H) && !defined(LKL_UAPI_TYPES)
#error "<lkl/lkl.h> is included already, with libc's types: include <lkl.h> before it, or not at all"
#endif
#define LKL_UAPI_TYPES

#include <stddef.h>
#include <stdint.h>

#include <lkl_autoconf.h>
#include <lkl/asm/syscalls.h>
#include <lkl/asm/host_ops.h>
#include <lkl/asm/irq.h>
#include <lkl/lkl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of an offload mask's exponents under the names of <linux/virtio_net.h>. */
#ifndef LKL_VIRTIO_NET_F_CSUM
#define LKL_VIRTIO_NET_F_CSUM 0
#define LKL_VIRTIO_NET_F_GUEST_CSUM 1
#define LKL_VIRTIO_NET_F_GUEST_TSO4 7
#define LKL_VIRTIO_NET_F_GUEST_TSO6 8
#define LKL_VIRTIO_NET_F_HOST_TSO4 11
#define LKL_VIRTIO_NET_F_HOST_TSO6 12
#define LKL_VIRTIO_NET_F_MRG_RXBUF 15
#endif

/* ---- files ---- */

static inline long lkl_sys_open(const char *file, int flags, int mode)
{
	return lkl_sys_openat(LKL_AT_FDCWD, file, flags, (lkl_mode_t)mode);
}

static inline long lkl_sys_creat(const char *file, int mode)
{
	return lkl_sys_open(file, LKL_O_CREAT | LKL_O_WRONLY | LKL_O_TRUNC, mode);
}

static inline long lkl_sys_fstatat(int dirfd, const char *path, struct lkl_stat *st, int flags)
{
	return lkl_sys_newfstatat(dirfd, path, st, flags);
}

static inline long lkl_sys_stat(const char *path, struct lkl_stat *st)
{
	return lkl_sys_newfstatat(LKL_AT_FDCWD, path, st, 0);
}

static inline long lkl_sys_lstat(const char *path, struct lkl_stat *st)
{
	return lkl_sys_newfstatat(LKL_AT_FDCWD, path, st, LKL_AT_SYMLINK_NOFOLLOW);
}

static inline long lkl_sys_access(const char *file, int mode)
{
	return lkl_sys_faccessat(LKL_AT_FDCWD, file, mode);
}

static inline long lkl_sys_chown(const char *path, lkl_uid_t uid, lkl_gid_t gid)
{
	return lkl_sys_fchownat(LKL_AT_FDCWD, path, uid, gid, 0);
}

static inline long lkl_sys_chmod(const char *path, lkl_mode_t mode)
{
	return lkl_sys_fchmodat(LKL_AT_FDCWD, path, mode);
}

static inline long lkl_sys_link(const char *existing, const char *new_path)
{
	return lkl_sys_linkat(LKL_AT_FDCWD, existing, LKL_AT_FDCWD, new_path, 0);
}

static inline long lkl_sys_unlink(const char *path)
{
	return lkl_sys_unlinkat(LKL_AT_FDCWD, path, 0);
}

static inline long lkl_sys_symlink(const char *existing, const char *new_path)
{
	return lkl_sys_symlinkat(existing, LKL_AT_FDCWD, new_path);
}

static inline long lkl_sys_readlink(const char *path, char *buf, size_t buf_len)
{
	return lkl_sys_readlinkat(LKL_AT_FDCWD, path, buf, (int)buf_len);
}

static inline long lkl_sys_rename(const char *old_path, const char *new_path)
{
	return lkl_sys_renameat2(LKL_AT_FDCWD, old_path, LKL_AT_FDCWD, new_path, 0);
}

static inline long lkl_sys_mkdir(const char *path, lkl_mode_t mode)
{
	return lkl_sys_mkdirat(LKL_AT_FDCWD, path, mode);
}

static inline long lkl_sys_rmdir(const char *path)
{
	return lkl_sys_unlinkat(LKL_AT_FDCWD, path, LKL_AT_REMOVEDIR);
}

static inline long lkl_sys_mknod(const char *path, lkl_mode_t mode, lkl_dev_t dev)
{
	return lkl_sys_mknodat(LKL_AT_FDCWD, path, mode, dev);
}

static inline long lkl_sys_pipe(int fd[2])
{
	return lkl_sys_pipe2(fd, 0);
}

/* The address of the mapping, or a negative errno as a pointer: compare with (unsigned long) -4095. */
static inline void *lkl_sys_mmap(void *addr, size_t length, int prot, int flags, int fd, lkl_off_t offset)
{
	long params[6] = { (long)addr, (long)length, prot, flags, fd, (long)offset };

	return (void *)lkl_syscall(__lkl__NR_mmap, params);
}
#define lkl_sys_mmap2 lkl_sys_mmap

/* ---- sockets and waiting ---- */

static inline long lkl_sys_send(int fd, void *buf, size_t len, int flags)
{
	return lkl_sys_sendto(fd, buf, len, (unsigned int)flags, NULL, 0);
}

static inline long lkl_sys_recv(int fd, void *buf, size_t len, int flags)
{
	return lkl_sys_recvfrom(fd, buf, len, (unsigned int)flags, NULL, NULL);
}

static inline long lkl_sys_select(int n, lkl_fd_set *rfds, lkl_fd_set *wfds, lkl_fd_set *efds, struct lkl_timeval *tv)
{
	struct __lkl__kernel_timespec ts;

	if (tv) {
		ts.tv_sec = tv->tv_sec;
		ts.tv_nsec = tv->tv_usec * 1000ll;
	}
	return lkl_sys_pselect6(n, rfds, wfds, efds, tv ? &ts : NULL, NULL);
}

static inline long lkl_sys_poll(struct lkl_pollfd *fds, int n, int timeout_ms)
{
	struct __lkl__kernel_timespec ts;

	ts.tv_sec = timeout_ms / 1000;
	ts.tv_nsec = timeout_ms % 1000 * 1000000ll;
	return lkl_sys_ppoll(fds, (unsigned int)n, timeout_ms >= 0 ? &ts : NULL, NULL, 0);
}

static inline long lkl_sys_epoll_create(int size)
{
	return size > 0 ? lkl_sys_epoll_create1(0) : -LKL_EINVAL;
}

static inline long lkl_sys_epoll_wait(int fd, struct lkl_epoll_event *events, int max, int timeout_ms)
{
	return lkl_sys_epoll_pwait(fd, events, max, timeout_ms, NULL, sizeof(lkl_sigset_t));
}

/* ---- calls of LKL's own that have nothing behind them here ---- */

static inline long lkl_sys_virtio_mmio_device_add(long base, long size, unsigned int irq)
{
	(void)base;
	(void)size;
	(void)irq;
	return -LKL_ENOSYS;
}

/* All threads of the program are one process inside. */
static inline long lkl_sys_new_thread_group_leader(void)
{
	return -LKL_ENOSYS;
}

#ifdef __cplusplus
}
#endif

#endif /* LKL_PROGRAM_H */
