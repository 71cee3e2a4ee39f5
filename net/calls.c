// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls.c - socket calls of the host and of the instance, under one table
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <lkl/lkl.h>

#include "net.h"

#define STACK_BYTES (256 * 1024)

static long result(long n)
{
	return n < 0 ? -errno : n;
}

struct job {
	void (*fn)(void *arg);
	void *arg;
};

static struct job *job_new(void (*fn)(void *arg), void *arg)
{
	struct job *job = malloc(sizeof(*job));

	if (job)
		*job = (struct job){ fn, arg };
	return job;
}

/* ---- host ---- */

static int host_socket(int family, int type, int protocol)
{
	return result(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int host_bind(int fd, const struct sockaddr *addr, int len)
{
	return result(bind(fd, addr, len));
}

static int host_listen(int fd, int backlog)
{
	return result(listen(fd, backlog));
}

static int host_accept(int fd)
{
	return result(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
}

static int host_connect(int fd, const struct sockaddr *addr, int len)
{
	return result(connect(fd, addr, len));
}

static long host_send(int fd, const void *data, size_t len, int flags)
{
	return result(send(fd, data, len, flags | MSG_NOSIGNAL));
}

static long host_recv(int fd, void *data, size_t len, int flags)
{
	return result(recv(fd, data, len, flags));
}

static long host_sendto(int fd, const void *data, size_t len, const struct sockaddr *to, int to_len)
{
	return result(sendto(fd, data, len, MSG_NOSIGNAL, to, to_len));
}

static long host_recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *from, int *from_len)
{
	socklen_t n = *from_len;
	long got = result(recvfrom(fd, data, len, flags, from, &n));

	*from_len = n;
	return got;
}

static int host_setsockopt(int fd, int level, int name, const void *val, int len)
{
	return result(setsockopt(fd, level, name, val, len));
}

static int host_getsockopt(int fd, int level, int name, void *val, int *len)
{
	socklen_t n = *len;
	int rc = result(getsockopt(fd, level, name, val, &n));

	*len = n;
	return rc;
}

static int host_ioctl(int fd, unsigned long cmd, void *arg)
{
	return result(ioctl(fd, cmd, arg));
}

static int host_close(int fd)
{
	return result(close(fd));
}

static void *host_thread(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	job.fn(job.arg);
	return NULL;
}

static int host_spawn(void (*fn)(void *arg), void *arg)
{
	struct job *job = job_new(fn, arg);
	pthread_t thread;
	int rc;

	if (!job)
		return -ENOMEM;
	rc = pthread_create(&thread, NULL, host_thread, job);
	if (rc) {
		free(job);
		return -rc;
	}
	pthread_detach(thread);
	return 0;
}

static void host_pause(int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&ts, NULL);
}

const struct net_calls net_host = {
	.name = "host",
	.socket = host_socket,
	.bind = host_bind,
	.listen = host_listen,
	.accept = host_accept,
	.connect = host_connect,
	.send = host_send,
	.recv = host_recv,
	.sendto = host_sendto,
	.recvfrom = host_recvfrom,
	.setsockopt = host_setsockopt,
	.getsockopt = host_getsockopt,
	.ioctl = host_ioctl,
	.close = host_close,
	.spawn = host_spawn,
	.pause_ms = host_pause,
};

/* ---- instance ---- */

static int inner_socket(int family, int type, int protocol)
{
	return lkl_sys_socket(family, type, protocol);
}

static int inner_bind(int fd, const struct sockaddr *addr, int len)
{
	return lkl_sys_bind(fd, addr, len);
}

static int inner_listen(int fd, int backlog)
{
	return lkl_sys_listen(fd, backlog);
}

static int inner_accept(int fd)
{
	return lkl_sys_accept4(fd, NULL, NULL, 0);
}

static int inner_connect(int fd, const struct sockaddr *addr, int len)
{
	return lkl_sys_connect(fd, addr, len);
}

static long inner_send(int fd, const void *data, size_t len, int flags)
{
	return lkl_sys_sendto(fd, data, len, flags | MSG_NOSIGNAL, NULL, 0);
}

static long inner_recv(int fd, void *data, size_t len, int flags)
{
	return lkl_sys_recvfrom(fd, data, len, flags, NULL, NULL);
}

static long inner_sendto(int fd, const void *data, size_t len, const struct sockaddr *to, int to_len)
{
	return lkl_sys_sendto(fd, data, len, MSG_NOSIGNAL, to, to_len);
}

static long inner_recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *from, int *from_len)
{
	return lkl_sys_recvfrom(fd, data, len, flags, from, from_len);
}

static int inner_setsockopt(int fd, int level, int name, const void *val, int len)
{
	return lkl_sys_setsockopt(fd, level, name, val, len);
}

static int inner_getsockopt(int fd, int level, int name, void *val, int *len)
{
	return lkl_sys_getsockopt(fd, level, name, val, len);
}

static int inner_ioctl(int fd, unsigned long cmd, void *arg)
{
	return lkl_sys_ioctl(fd, cmd, (unsigned long)arg);
}

static int inner_close(int fd)
{
	return lkl_sys_close(fd);
}

static int inner_task(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	job.fn(job.arg);
	return 0;
}

static int inner_spawn(void (*fn)(void *arg), void *arg)
{
	struct job *job = job_new(fn, arg);
	int id;

	if (!job)
		return -ENOMEM;
	id = lkl_task_start("lkl-net", inner_task, job, STACK_BYTES);
	if (id < 0)
		free(job);
	return id < 0 ? id : 0;
}

static void inner_pause(int ms)
{
	lkl_sys_nanosleep_ns(ms * 1000000ll);
}

const struct net_calls net_lkl = {
	.name = "lkl",
	.socket = inner_socket,
	.bind = inner_bind,
	.listen = inner_listen,
	.accept = inner_accept,
	.connect = inner_connect,
	.send = inner_send,
	.recv = inner_recv,
	.sendto = inner_sendto,
	.recvfrom = inner_recvfrom,
	.setsockopt = inner_setsockopt,
	.getsockopt = inner_getsockopt,
	.ioctl = inner_ioctl,
	.close = inner_close,
	.spawn = inner_spawn,
	.pause_ms = inner_pause,
};
