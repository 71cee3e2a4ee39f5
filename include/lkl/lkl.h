/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lkl.h - the Linux kernel as a C library
 *
 * One stack instance (a booted Linux) lives in a process, with 1 to 64 vCPUs. Two kinds of callers make system calls by plain
 * function call: application tasks, functions that run as Linux tasks on a vCPU's own thread, and any thread of the
 * program. There is no global lock, no host context switch and no host system call in a call that does not block.
 * docs/library.md tells how a call travels, and what a program must not do.
 *
 * Two kinds of program include this header, over the same library:
 *   <lkl/lkl.h>  structures, flags and numbers are those of the Linux UAPI as the host's libc headers spell them on x86-64
 *                (struct sockaddr_in, struct epoll_event, SOCK_NONBLOCK ...): pass the libc's types
 *   <lkl.h>      as programs for LKL are written: the kernel's own types under a prefix (struct lkl_sockaddr_in,
 *                LKL_SOCK_NONBLOCK ...), and every system call by name. It defines LKL_UAPI_TYPES and includes this one
 * A file includes one of the two; the layouts are the same, and so files of both kinds link together.
 *
 * Errors: every function returns a negative errno value on failure and never touches libc's errno. The library never
 * prints and never exits the process; messages go to the log callback, a kernel BUG or panic to the panic callback.
 *
 * Threading, by function:
 *   [any]   any host thread, also before boot where it makes sense
 *   [task]  any thread while the instance runs: it is a Linux task then, an application task from its start, a thread of
 *           the program from its first call. No instance: -ESRCH, after a death -EIO
 */
#ifndef LKL_H
#define LKL_H

#include <stddef.h>
#include <stdint.h>
#ifndef LKL_UAPI_TYPES
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#endif

#include <lkl/helpers.h>
#include <lkl/host_ops.h>
#include <lkl/netdev.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- life cycle ---- */

/* One line of kernel log, without the trailing newline; called on whatever thread runs the vCPU; must not call the library. */
typedef void (*lkl_log_fn)(void *ctx, int level /* 0 (emerg) .. 7 (debug) */, const char *line, size_t len);

/*
 * The kernel hit a BUG, a panic or a bad pointer. Called once, on the thread it happened on; the instance is dead:
 * nothing of the library may be called. `backtrace` has one line "address function+offset (file+offset)" per frame. If it
 * returns, the thread it ran on sleeps for ever.
 */
typedef void (*lkl_panic_fn)(void *ctx, const char *message, const char *backtrace);

struct lkl_options {
	lkl_log_fn log;		/* NULL: silent */
	void *log_ctx;
	lkl_panic_fn panic;	/* NULL: abort() */
	void *panic_ctx;
	int cpu;		/* host CPU to pin vCPU 0's threads to; -1: not pinned */
	const int *cpus;	/* host CPUs for vCPUs 0, 1 ..., taken in turn; overrides cpu. Must outlive the boot */
	unsigned int cpus_len;	/* 0: no list; at most LKL_VCPUS_MAX */
	uint32_t spin_us;	/* how long idle polls at most before it sleeps, in microseconds; 0 .. 1,000,000 */
};
#define LKL_OPTIONS_DEFAULT { .cpu = -1, .spin_us = 50 }

/* [any, before boot] Set the options of the instance; they are copied. -EBUSY after boot. -EINVAL: bad value. */
int lkl_set_options(const struct lkl_options *opts);

/*
 * [any] Boot with a printf-style kernel command line, e.g. "mem=64M nr_cpus=2 loglevel=4". Returns 0 when the kernel is up.
 * After lkl_sys_halt() it can be booted again.
 * -EINVAL: mem= missing its unit, below 16M, or not a number; nr_cpus= not 1 to 64; a word that the kernel does not know;
 * more than 511 bytes. -ENOMEM. -EOPNOTSUPP: no invariant TSC. -EBUSY: booted, or a task of the instance before still
 * computes. -EOWNERDEAD: in a forked child.
 */
int lkl_start_kernel(const char *cmd_line, ...) __attribute__((format(printf, 1, 2)));

/*
 * [any, not a task] Stop the instance and free all it has. Blocked calls of the program's threads end with -EINTR; application
 * tasks are abandoned; wires are not closed. 0 or -errno.
 */
long lkl_sys_halt(void);

/* [any] 1 between a successful boot and halt or panic, else 0. */
int lkl_is_running(void);

/* [any] How many vCPUs the running instance has, or -errno. */
int lkl_vcpus(void);

/* [any] Release of the kernel inside, e.g. "6.12.117". Static storage. */
const char *lkl_kernel_release(void);

/* [any] Text for an error value of either sign. Static storage. */
const char *lkl_strerror(int err);

/* [any] Make the kernel hit a BUG, to test what a program does about one. -ESRCH: not running. */
int lkl_debug_bug(void);

/* [any] Memory and counters of the running instance: struct lkl_stats in host_ops.h. 0 or -errno. */
int lkl_stats(struct lkl_stats *stats);

/* ---- application tasks ---- */

typedef int (*lkl_task_fn)(void *arg);

/*
 * [any] Start fn(arg) as a Linux task named `name` (at most 15 bytes are kept) on the vCPU. stack_bytes: 0 means 256 KiB.
 * Returns a task id > 0, or -errno (-EINVAL, -ESRCH: not running, -EAGAIN: 4096 tasks, or no memory for the stack).
 * Host signals are blocked in tasks. Tasks of one vCPU share a host thread: one that computes, or blocks in the host, keeps
 * the others of its vCPU waiting; timers, the network and the kernel's threads go on after 8 ms at most.
 */
int lkl_task_start(const char *name, lkl_task_fn fn, void *arg, size_t stack_bytes);
int lkl_task_start_on(int vcpu, const char *name, lkl_task_fn fn, void *arg, size_t stack_bytes);

/* [any, not a task] Wait for a task to return; *ret is its return value. -ESRCH: no such task or joined before. */
int lkl_task_join(int id, int *ret);

/*
 * [task] Create a notifier: an eventfd inside the instance that the host side can signal. Returns the inner file
 * descriptor (poll it, read 8 bytes to clear) and stores a handle for lkl_notify().
 */
int lkl_notifier_new(int *handle);

/* [any, async-signal-safe] Make the notifier's descriptor readable; wakes the vCPU if it sleeps. */
int lkl_notify(int handle);

/* ---- network devices ---- */

/*
 * [task] Give a wire to the instance: a netdev with the wire's MAC and MTU appears, named wire0, wire1 ... The wire must
 * outlive the instance, or be detached before it is closed. Queue i of the wire belongs to vCPU i mod lkl_vcpus(). Returns
 * the interface index, or -errno.
 */
int lkl_wire_attach(struct lkl_wire *wire);

/* [task] Remove the netdev of a wire, which may be closed afterwards. 0; -ENODEV: it has none. */
int lkl_wire_detach(struct lkl_wire *wire);

/* ---- a relay inside the stack ---- */

/*
 * [task, foreign thread] Tie two established TCP connections together: the stack itself sends on each what it receives on the
 * other, without a system call or a wake-up, until one of them sees anything but data (FIN, reset, error, urgent data)
 * or lkl_relay_part(). While they are joined their descriptors report no events, and nobody may read or write them;
 * getsockopt() is fine. *relay is the caller's memory and has to stay until lkl_relay_part(), which is needed in
 * every case. When the pair ends by itself, is_over is set and both descriptors report events as after epoll_ctl():
 * what was not moved is where it was, in the one's receive queue. A sender is stopped by its receiver as by any slow reader.
 * 0, or: -EBADF, -ENOTSOCK; -EOPNOTSUPP: not plain TCP (MPTCP); -ENOTCONN: one is not established any more; -EBUSY: one
 * is joined or has an upper-layer protocol; -EINVAL: the same one twice; -ENOMEM.
 */
int lkl_relay_join(struct lkl_relay *relay, int fd0, int fd1);

/* [task, foreign thread] End it; both are ordinary connections again. 0, or -EINVAL: not joined. */
int lkl_relay_part(struct lkl_relay *relay);

/* [any] Nanoseconds since something was moved, or since the join. */
uint64_t lkl_relay_idle_ns(const struct lkl_relay *relay);

/* ---- congestion controls ---- */

/*
 * [task, foreign thread] Parameter `key` of the congestion control of one established TCP connection; docs/congestion.md lists
 * the keys of acc_bbr. It lasts until the connection ends or another algorithm is selected.
 * 0, or: -EBADF, -ENOTSOCK; -EOPNOTSUPP: not plain TCP, or its algorithm has no parameters; -ENOENT: it has no such one;
 * -EACCES: that one is only to be read (or set); -ERANGE; -ENOTCONN: not established yet; -EALREADY: too late for it.
 */
int lkl_cc_param(int fd, const char *key, uint64_t value);

/* [task, foreign thread] The same, read into *value. */
int lkl_cc_param_get(int fd, const char *key, uint64_t *value);

/* ---- kernel modules ---- */

/*
 * [task] Load a kernel module (.ko) from the host's file system; `params` is its parameters as insmod takes them, NULL:
 * none. The module must have been built for the kernel inside (make -C kernel module). The host's file is read on the
 * calling thread. 0, or: -ENOENT and what else open() answers; -ENOEXEC: not a module, or one of another kernel;
 * -ENOENT: it needs a symbol that the kernel does not export; -EEXIST: loaded already; -EINVAL: bad parameter;
 * -ENOMEM; what its init function returned. The reason is in the kernel's log.
 */
int lkl_module_load(const char *host_path, const char *params);

/* [task] Unload a module. -EWOULDBLOCK: something uses it; -ENOENT: no such module. Never waits. */
int lkl_module_unload(const char *name);

/* ---- system calls: [task], as in section 2 of the manual, result or -errno ---- */

long lkl_syscall(long no, long *params);

#ifndef LKL_UAPI_TYPES
long lkl_sys_socket(int family, int type, int protocol);
long lkl_sys_bind(int fd, const struct sockaddr *addr, int addr_len);
long lkl_sys_listen(int fd, int backlog);
long lkl_sys_accept4(int fd, struct sockaddr *addr, int *addr_len, int flags);
long lkl_sys_connect(int fd, const struct sockaddr *addr, int addr_len);
long lkl_sys_getsockname(int fd, struct sockaddr *addr, int *addr_len);
long lkl_sys_getpeername(int fd, struct sockaddr *addr, int *addr_len);
long lkl_sys_setsockopt(int fd, int level, int name, const void *val, int len);
long lkl_sys_getsockopt(int fd, int level, int name, void *val, int *len);
long lkl_sys_sendto(int fd, const void *buf, size_t len, unsigned int flags, const struct sockaddr *addr, int addr_len);
long lkl_sys_recvfrom(int fd, void *buf, size_t len, unsigned int flags, struct sockaddr *addr, int *addr_len);
long lkl_sys_sendmsg(int fd, const struct msghdr *msg, unsigned int flags);
long lkl_sys_recvmsg(int fd, struct msghdr *msg, unsigned int flags);
long lkl_sys_shutdown(int fd, int how);
long lkl_sys_read(unsigned int fd, void *buf, size_t len);
long lkl_sys_write(unsigned int fd, const void *buf, size_t len);
long lkl_sys_readv(unsigned long fd, const struct iovec *iov, unsigned long iov_len);
long lkl_sys_writev(unsigned long fd, const struct iovec *iov, unsigned long iov_len);
long lkl_sys_close(unsigned int fd);
long lkl_sys_fcntl(unsigned int fd, unsigned int cmd, unsigned long arg);
long lkl_sys_ioctl(unsigned int fd, unsigned int cmd, unsigned long arg);
long lkl_sys_pipe2(int *fds, int flags);
long lkl_sys_splice(int fd_in, int64_t *off_in, int fd_out, int64_t *off_out, size_t len, unsigned int flags);
long lkl_sys_epoll_create1(int flags);
long lkl_sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
long lkl_sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms);
long lkl_sys_eventfd2(unsigned int count, int flags);
long lkl_sys_getppid(void);
long lkl_sys_getpid(void);
long lkl_sys_openat(int dirfd, const char *path, int flags, unsigned int mode);
long lkl_sys_mkdirat(int dirfd, const char *path, unsigned int mode);
long lkl_sys_mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
#endif
long lkl_sys_nanosleep_ns(int64_t ns);

#ifdef __cplusplus
}
#endif

#endif /* LKL_H */
