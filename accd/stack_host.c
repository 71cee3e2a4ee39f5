// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack_host.c - the host's kernel as the relay's stack
 *
 * One libc call each, with errno turned into the return value. The stack is there before we start
 * and stays after we leave: nothing to set up or to take down but the pinning of the loop's
 * thread and the limit of descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "conf.h"
#include "stack.h"

static inline long host_ret(long r)
{
	return r < 0 ? -errno : r;
}

static const char *host_release(void)
{
	static struct utsname uts;

	if (!uts.release[0] && uname(&uts))
		return "unknown";
	return uts.release;
}

static int host_setup(struct worker_args *args, char *err, size_t err_len)
{
	args->is_replaceable = true;
	return 0;
}

static void host_teardown(struct worker_args *args)
{
}

static uint64_t host_fd_limit(uint64_t want)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return 0;
	if (rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur >= want)
		return rl.rlim_cur;
	rl.rlim_cur = want;
	if (rl.rlim_max < want)
		rl.rlim_max =
			want; /* works with CAP_SYS_RESOURCE, up to fs.nr_open */
	if (!setrlimit(RLIMIT_NOFILE, &rl))
		return want;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	return rl.rlim_cur;
}

static int host_run(const struct worker_args *args, int (*fn)(void *arg),
		    void *arg, char *err, size_t err_len)
{
	int cpu = conf_worker_cpu(args->conf, args->index);
	cpu_set_t set;
	int r;

	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		r = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
		if (r) {
			snprintf(err, err_len,
				 "cpus: cannot run on CPU %d: %s", cpu,
				 strerror(r));
			return -r;
		}
	}
	return fn(arg);
}

static int host_notifier_open(int *handle)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	*handle = fd;
	return fd;
}

static int host_notify(int handle)
{
	uint64_t one = 1;
	int saved = errno; /* may run in a signal handler */
	int r = write(handle, &one, sizeof(one)) < 0 ? -errno : 0;

	errno = saved;
	return r;
}

static int host_socket(int family, int type, int protocol)
{
	return host_ret(socket(family, type, protocol));
}

static int host_bind(int fd, const struct sockaddr *addr, int addr_len)
{
	return host_ret(bind(fd, addr, addr_len));
}

static int host_listen(int fd, int backlog)
{
	return host_ret(listen(fd, backlog));
}

static int host_accept4(int fd, struct sockaddr *addr, int *addr_len, int flags)
{
	return host_ret(accept4(fd, addr, (socklen_t *)addr_len, flags));
}

static int host_connect(int fd, const struct sockaddr *addr, int addr_len)
{
	return host_ret(connect(fd, addr, addr_len));
}

static long host_read(int fd, void *buf, size_t len)
{
	return host_ret(read(fd, buf, len));
}

static long host_recv(int fd, void *buf, size_t len)
{
	return host_ret(recv(fd, buf, len, 0));
}

static long host_peek(int fd, void *buf, size_t len)
{
	return host_ret(recv(fd, buf, len, MSG_PEEK));
}

static long host_send(int fd, const void *buf, size_t len)
{
	return host_ret(send(fd, buf, len, MSG_NOSIGNAL));
}

/* The worker has SIGPIPE blocked. */
static long host_splice(int fd_in, int fd_out, size_t len)
{
	return host_ret(splice(fd_in, NULL, fd_out, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

static int host_pipe(int fds[2], int bytes)
{
	int r = host_ret(pipe2(fds, O_NONBLOCK | O_CLOEXEC));

	if (!r)
		fcntl(fds[1], F_SETPIPE_SZ, bytes);
	return r;
}

static int host_shutdown(int fd, int how)
{
	return host_ret(shutdown(fd, how));
}

static int host_close(int fd)
{
	return host_ret(close(fd));
}

static int host_setsockopt(int fd, int level, int name, const void *val,
			   int len)
{
	return host_ret(setsockopt(fd, level, name, val, len));
}

static int host_getsockopt(int fd, int level, int name, void *val, int *len)
{
	return host_ret(getsockopt(fd, level, name, val, (socklen_t *)len));
}

static int host_getsockname(int fd, struct sockaddr *addr, int *addr_len)
{
	return host_ret(getsockname(fd, addr, (socklen_t *)addr_len));
}

static int host_getpeername(int fd, struct sockaddr *addr, int *addr_len)
{
	return host_ret(getpeername(fd, addr, (socklen_t *)addr_len));
}

static int host_epoll_create1(int flags)
{
	return host_ret(epoll_create1(flags));
}

static int host_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return host_ret(epoll_ctl(epfd, op, fd, event));
}

static int host_epoll_wait(int epfd, struct epoll_event *events, int max,
			   int timeout_ms)
{
	return host_ret(epoll_wait(epfd, events, max, timeout_ms));
}

const struct stack_ops stack_host = {
	.name = "host",
	.listeners_inherited = true,
	.release = host_release,
	.setup = host_setup,
	.teardown = host_teardown,
	.fd_limit = host_fd_limit,
	.run = host_run,
	.notifier_open = host_notifier_open,
	.notify = host_notify,
	.socket = host_socket,
	.bind = host_bind,
	.listen = host_listen,
	.accept4 = host_accept4,
	.connect = host_connect,
	.read = host_read,
	.recv = host_recv,
	.peek = host_peek,
	.send = host_send,
	.splice = host_splice,
	.pipe = host_pipe,
	.shutdown = host_shutdown,
	.close = host_close,
	.setsockopt = host_setsockopt,
	.getsockopt = host_getsockopt,
	.getsockname = host_getsockname,
	.getpeername = host_getpeername,
	.epoll_create1 = host_epoll_create1,
	.epoll_ctl = host_epoll_ctl,
	.epoll_wait = host_epoll_wait,
};
