// SPDX-License-Identifier: GPL-2.0-only
/*
 * syscall.c - system calls as function calls
 *
 * lkl_sys_NAME(), the public functions of include/lkl/lkl.h, live here: each checks that the thread runs a vCPU, calls
 * the kernel's own function, and does on the way out what any kernel does on return to user mode: timers and wires that
 * are due, rescheduling, task work (the second half of close()), signals.
 */
#include <linux/fs.h>
#include <linux/eventpoll.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <asm/lkl.h>
#include <asm/syscall.h>

/* Every application task has all signals ignored (task.c): only those that can't be are left, and they kill. */
static noinline void exit_work(unsigned long flags)
{
	do {
		if (flags & _TIF_NEED_RESCHED)
			schedule();
		if (flags & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)) {
			struct ksignal ksig;

			get_signal(&ksig);
			restore_saved_sigmask();
		}
		if (flags & _TIF_NOTIFY_RESUME)
			resume_user_mode_work(NULL);
		flags = READ_ONCE(current_thread_info()->flags) & _TIF_WORK_MASK;
	} while (flags);
}

static noinline void exit_events(void)
{
	raw_cpu_write_4(lkl_at_boundary, 1);
	if (lkl_tsc() >= raw_cpu_read_8(lkl_next_check))
		lkl_check_events();
	if (raw_cpu_read_4(lkl_irq_pending))
		lkl_irq_run();
	raw_cpu_write_4(lkl_at_boundary, 0);
}

static __always_inline long syscall_exit(long ret)
{
	unsigned long flags;

	if (unlikely(lkl_tsc() >= raw_cpu_read_8(lkl_next_check) || raw_cpu_read_4(lkl_irq_pending)))
		exit_events();
	flags = READ_ONCE(current_thread_info()->flags) & _TIF_WORK_MASK;
	if (unlikely(flags))
		exit_work(flags);
	return ret;
}

long lkl_syscall(long nr, long *p);
long lkl_syscall(long nr, long *p)
{
	if (unlikely(!lkl_on_vcpu))
		return -EPERM;
	if (unlikely((unsigned long)nr >= __NR_syscalls))
		return -ENOSYS;
	return syscall_exit(sys_call_table[nr](p[0], p[1], p[2], p[3], p[4], p[5]));
}

/* lkl_sys_NAME(args) -> kernel's sys_TARGET(args). Types are the kernel's; lkl.h says the same with libc's. */
#define DIRECT(name, target, params, args)                                                      \
	long lkl_sys_##name params;                                                             \
	long lkl_sys_##name params                                                              \
	{                                                                                       \
		if (unlikely(!lkl_on_vcpu))                                                     \
			return -EPERM;                                                          \
		return syscall_exit(sys_##target args);                                         \
	}

DIRECT(socket, socket, (int family, int type, int protocol), (family, type, protocol))
DIRECT(bind, bind, (int fd, struct sockaddr *addr, int len), (fd, addr, len))
DIRECT(listen, listen, (int fd, int backlog), (fd, backlog))
DIRECT(accept4, accept4, (int fd, struct sockaddr *addr, int *len, int flags), (fd, addr, len, flags))
DIRECT(connect, connect, (int fd, struct sockaddr *addr, int len), (fd, addr, len))
DIRECT(getsockname, getsockname, (int fd, struct sockaddr *addr, int *len), (fd, addr, len))
DIRECT(getpeername, getpeername, (int fd, struct sockaddr *addr, int *len), (fd, addr, len))
DIRECT(setsockopt, setsockopt, (int fd, int level, int name, char *val, int len), (fd, level, name, val, len))
DIRECT(getsockopt, getsockopt, (int fd, int level, int name, char *val, int *len), (fd, level, name, val, len))
DIRECT(sendto, sendto, (int fd, void *buf, size_t len, unsigned int flags, struct sockaddr *addr, int addr_len),
       (fd, buf, len, flags, addr, addr_len))
DIRECT(recvfrom, recvfrom, (int fd, void *buf, size_t len, unsigned int flags, struct sockaddr *addr, int *addr_len),
       (fd, buf, len, flags, addr, addr_len))
DIRECT(sendmsg, sendmsg, (int fd, struct user_msghdr *msg, unsigned int flags), (fd, msg, flags))
DIRECT(recvmsg, recvmsg, (int fd, struct user_msghdr *msg, unsigned int flags), (fd, msg, flags))
DIRECT(shutdown, shutdown, (int fd, int how), (fd, how))
DIRECT(read, read, (unsigned int fd, char *buf, size_t len), (fd, buf, len))
DIRECT(write, write, (unsigned int fd, const char *buf, size_t len), (fd, buf, len))
DIRECT(readv, readv, (unsigned long fd, const struct iovec *iov, unsigned long len), (fd, iov, len))
DIRECT(writev, writev, (unsigned long fd, const struct iovec *iov, unsigned long len), (fd, iov, len))
DIRECT(close, close, (unsigned int fd), (fd))
DIRECT(fcntl, fcntl, (unsigned int fd, unsigned int cmd, unsigned long arg), (fd, cmd, arg))
DIRECT(ioctl, ioctl, (unsigned int fd, unsigned int cmd, unsigned long arg), (fd, cmd, arg))
DIRECT(pipe2, pipe2, (int *fds, int flags), (fds, flags))
DIRECT(splice, splice, (int fd_in, loff_t *off_in, int fd_out, loff_t *off_out, size_t len, unsigned int flags),
       (fd_in, off_in, fd_out, off_out, len, flags))
DIRECT(epoll_create1, epoll_create1, (int flags), (flags))
DIRECT(epoll_ctl, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event), (epfd, op, fd, event))
DIRECT(epoll_wait, epoll_pwait, (int epfd, struct epoll_event *events, int max, int timeout_ms),
       (epfd, events, max, timeout_ms, NULL, sizeof(sigset_t)))
DIRECT(eventfd2, eventfd2, (unsigned int count, int flags), (count, flags))
DIRECT(getppid, getppid, (void), ())
DIRECT(getpid, getpid, (void), ())
DIRECT(openat, openat, (int dirfd, const char *path, int flags, umode_t mode), (dirfd, path, flags, mode))
DIRECT(mkdirat, mkdirat, (int dirfd, const char *path, umode_t mode), (dirfd, path, mode))
DIRECT(mount, mount, (char *source, char *target, char *type, unsigned long flags, void *data),
       (source, target, type, flags, data))
DIRECT(clock_nanosleep, clock_nanosleep,
       (int clock, int flags, const struct __kernel_timespec *req, struct __kernel_timespec *rem),
       (clock, flags, req, rem))
