// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack_host.c - the host kernel's stack, through a tap in a network namespace
 *
 * The namespace is made by unshare() and is this process's alone; it ends with it, and all in it. Needs root (CAP_SYS_ADMIN and
 * CAP_NET_ADMIN) and /dev/net/tun. Time is real here: the process asks for SCHED_RR, and was_late() tells when it was
 * kept from running nevertheless, so that a script that failed then can be tried again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "stack.h"

#define SKIP 77
#define LATE_NS (20 * MS)

static int tap = -1;
static int is_late;
static int64_t last_ns;

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static int64_t stack_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Called wherever the test has done a step: steps take microseconds. */
static int64_t step(int64_t waited_until_ns)
{
	int64_t now = stack_ns();

	if (last_ns && now - (waited_until_ns > last_ns ? waited_until_ns : last_ns) > LATE_NS)
		is_late = 1;
	last_ns = now;
	return now;
}

static int frame(void *buf, int64_t until_ns, int64_t *at_ns)
{
	struct pollfd pfd = { .fd = tap, .events = POLLIN };
	struct timespec left;
	int64_t ns, now = step(0);
	long n;

	for (;;) {
		n = read(tap, buf, FRAME_MAX);
		if (n >= 0 || errno != EAGAIN) {
			*at_ns = stack_ns();
			return result(n);
		}
		ns = until_ns - now;
		if (ns <= 0)
			return 0;
		left = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
		if (!ppoll(&pfd, 1, &left, NULL))
			now = step(until_ns);
		else
			now = last_ns = stack_ns();
	}
}

static int inject(const void *data, size_t len)
{
	step(0);
	return write(tap, data, len) == (ssize_t)len ? 0 : -errno;
}

static int was_late(void)
{
	int was = is_late;

	is_late = 0;
	last_ns = 0;
	return was;
}

static int set_sysctl(const char *name, const char *value)
{
	char path[256] = "/proc/sys/";
	size_t at = strlen(path), len = strlen(value);
	ssize_t n;
	int fd;

	for (; *name && at < sizeof(path) - 1; name++)
		path[at++] = *name == '.' ? '/' : *name;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, value, len);
	n = n == (ssize_t)len ? 0 : -errno;
	close(fd);
	return n;
}

static int set_flags(int fd, const char *name, short flags)
{
	struct ifreq ifr = { .ifr_flags = flags };

	strcpy(ifr.ifr_name, name);
	return ioctl(fd, SIOCSIFFLAGS, &ifr) ? -errno : 0;
}

static int tap_up(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct sockaddr_in *addr = (void *)&ifr.ifr_addr;
	int fd;

	strcpy(ifr.ifr_name, "tap0");
	if (ioctl(tap, TUNSETIFF, &ifr))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || set_flags(fd, "lo", IFF_UP))
		return -errno;
	ifr.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
	memcpy(ifr.ifr_hwaddr.sa_data, STACK_MAC, 6);
	if (ioctl(fd, SIOCSIFHWADDR, &ifr))
		return -errno;
	*addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(STACK_ADDR) };
	if (ioctl(fd, SIOCSIFADDR, &ifr))
		return -errno;
	addr->sin_addr.s_addr = htonl(0xffff0000);
	if (ioctl(fd, SIOCSIFNETMASK, &ifr) || set_flags(fd, "tap0", IFF_UP))
		return -errno;
	close(fd);
	return 0;
}

static int start(void)
{
	const struct sched_param param = { .sched_priority = 1 };

	if (unshare(CLONE_NEWNET)) {
		printf("skipped: no network namespace (%s); run as root\n", strerror(errno));
		return SKIP;
	}
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap < 0) {
		printf("skipped: /dev/net/tun: %s; load the module tun\n", strerror(errno));
		return SKIP;
	}
	set_sysctl("net.ipv6.conf.all.disable_ipv6", "1"); /* a host without IPv6 has no such thing */
	set_sysctl("net.ipv6.conf.default.disable_ipv6", "1");
	sched_setscheduler(0, SCHED_RR, &param); /* refused in some containers: then we are late more often */
	return tap_up();
}

static void stop(void)
{
	close(tap);
}

static int run(int (*fn)(void *arg), void *arg)
{
	return fn(arg);
}

static int release(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major * 100 + minor;
}

static long do_socket(int family, int type, int protocol)
{
	return result(socket(family, type, protocol));
}

static long do_bind(int fd, const struct sockaddr *addr, int len)
{
	return result(bind(fd, addr, len));
}

static long do_listen(int fd, int backlog)
{
	return result(listen(fd, backlog));
}

static long do_accept(int fd)
{
	return result(accept4(fd, NULL, NULL, SOCK_NONBLOCK));
}

static long do_connect(int fd, const struct sockaddr *addr, int len)
{
	return result(connect(fd, addr, len));
}

static long do_setsockopt(int fd, int level, int name, const void *val, int len)
{
	return result(setsockopt(fd, level, name, val, len));
}

static long do_getsockopt(int fd, int level, int name, void *val, int *len)
{
	return result(getsockopt(fd, level, name, val, (socklen_t *)len));
}

static long do_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, int addr_len)
{
	return result(sendto(fd, buf, len, flags | MSG_NOSIGNAL, addr, addr_len));
}

static long do_recv(int fd, void *buf, size_t len, int flags)
{
	return result(recv(fd, buf, len, flags));
}

static long do_shutdown(int fd, int how)
{
	return result(shutdown(fd, how));
}

static long do_close(int fd)
{
	return result(close(fd));
}

const struct stack stack_host = {
	.name = "host", .release = release, .start = start, .stop = stop, .run = run,
	.socket = do_socket, .bind = do_bind, .listen = do_listen, .accept = do_accept, .connect = do_connect,
	.setsockopt = do_setsockopt, .getsockopt = do_getsockopt, .sendto = do_sendto, .recv = do_recv,
	.shutdown = do_shutdown, .close = do_close, .sysctl = set_sysctl,
	.now_ns = stack_ns, .frame = frame, .inject = inject, .was_late = was_late,
};
