// SPDX-License-Identifier: GPL-2.0-only
/*
 * netconf.c - lkl_if_*(), lkl_sysctl() and the like: small conveniences made of system calls inside the instance
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "vcpu.h"

int lkl_notifier_new(int *handle)
{
	return lkl_kernel_notifier_new(handle);
}

int lkl_notify(int handle)
{
	return lkl__state() == INSTANCE_UP ? lkl_kernel_notify(handle) : lkl__not_running();
}

int lkl_stats(struct lkl_stats *stats)
{
	return lkl_kernel_stats(stats);
}

int lkl_wire_attach(struct lkl_wire *wire)
{
	return lkl_kernel_wire_attach(wire);
}

static int if_ioctl(unsigned int cmd, void *arg)
{
	long fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0), ret;

	if (fd < 0)
		return fd;
	ret = lkl_sys_ioctl(fd, cmd, (unsigned long)arg);
	lkl_sys_close(fd);
	return ret;
}

static int if_request(int ifindex, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	ifr->ifr_ifindex = ifindex;
	return if_ioctl(SIOCGIFNAME, ifr);
}

static int if_flags(int ifindex, int set, int clear)
{
	struct ifreq ifr;
	int err = if_request(ifindex, &ifr);

	if (!err)
		err = if_ioctl(SIOCGIFFLAGS, &ifr);
	if (err)
		return err;
	ifr.ifr_flags = (ifr.ifr_flags | set) & ~clear;
	return if_ioctl(SIOCSIFFLAGS, &ifr);
}

int lkl_if_up(int ifindex)
{
	return if_flags(ifindex, IFF_UP, 0);
}

int lkl_if_down(int ifindex)
{
	return if_flags(ifindex, 0, IFF_UP);
}

int lkl_if_set_mtu(int ifindex, int mtu_bytes)
{
	struct ifreq ifr;
	int err = if_request(ifindex, &ifr);

	if (err)
		return err;
	ifr.ifr_mtu = mtu_bytes;
	return if_ioctl(SIOCSIFMTU, &ifr);
}

int lkl_if_set_ipv4(int ifindex, unsigned int addr, unsigned int netmask_len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = addr };
	struct ifreq ifr;
	int err = if_request(ifindex, &ifr);

	if (err)
		return err;
	if (netmask_len > 32)
		return -EINVAL;
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	err = if_ioctl(SIOCSIFADDR, &ifr);
	if (err)
		return err;
	sin.sin_addr.s_addr = netmask_len ? htonl(~0u << (32 - netmask_len)) : 0;
	memcpy(&ifr.ifr_netmask, &sin, sizeof(sin));
	return if_ioctl(SIOCSIFNETMASK, &ifr);
}

/* One rtnetlink request and its acknowledgement. */
static int netlink_request(const void *request, size_t len)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} answer;
	long fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), n;

	if (fd < 0)
		return fd;
	n = lkl_sys_sendto(fd, request, len, 0, NULL, 0);
	if (n >= 0)
		n = lkl_sys_recvfrom(fd, &answer, sizeof(answer), MSG_TRUNC, NULL, NULL);
	lkl_sys_close(fd);
	if (n < 0)
		return n;
	return n >= (long)sizeof(answer) && answer.nlh.nlmsg_type == NLMSG_ERROR ? answer.err.error : -EPROTO;
}

int lkl_if_add_ip(int ifindex, int af, void *addr, unsigned int prefix_len)
{
	struct {
		struct nlmsghdr nlh;
		struct ifaddrmsg ifa;
		struct rtattr local;
		unsigned char addr[4];
	} request = {
		.nlh = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_NEWADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		.ifa = { .ifa_family = AF_INET, .ifa_prefixlen = prefix_len, .ifa_index = ifindex },
		.local = { .rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL },
	};

	if (af != AF_INET)
		return -EAFNOSUPPORT;
	if (prefix_len > 32)
		return -EINVAL;
	memcpy(request.addr, addr, 4);
	return netlink_request(&request, sizeof(request));
}

int lkl_set_ipv4_gateway(unsigned int addr)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct sockaddr_in gateway = { .sin_family = AF_INET, .sin_addr.s_addr = addr };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	memcpy(&route.rt_gateway, &gateway, sizeof(gateway));
	return if_ioctl(SIOCADDRT, &route);
}

int lkl_ifname_to_ifindex(const char *name)
{
	struct ifreq ifr = { 0 };
	int err;

	if (strlen(name) >= sizeof(ifr.ifr_name))
		return -ENAMETOOLONG;
	strcpy(ifr.ifr_name, name);
	err = if_ioctl(SIOCGIFINDEX, &ifr);
	return err ? err : ifr.ifr_ifindex;
}

static int proc_mount(void)
{
	int err = lkl_sys_mkdirat(AT_FDCWD, "/proc", 0555);

	if (err && err != -EEXIST)
		return err;
	err = lkl_sys_mount("proc", "/proc", "proc", 0, NULL);
	return err == -EBUSY ? 0 : err;
}

int lkl_sysctl(const char *path, const char *value)
{
	char file[256];
	int i, n, fd, ret;

	n = snprintf(file, sizeof(file), "/proc/sys/%s", path);
	if (n < 0 || n >= (int)sizeof(file))
		return -ENAMETOOLONG;
	for (i = sizeof("/proc/sys/") - 1; file[i]; i++)
		if (file[i] == '.')
			file[i] = '/';
	fd = lkl_sys_openat(AT_FDCWD, file, O_WRONLY, 0);
	if (fd == -ENOENT) {
		ret = proc_mount();
		if (ret)
			return ret;
		fd = lkl_sys_openat(AT_FDCWD, file, O_WRONLY, 0);
	}
	if (fd < 0)
		return fd;
	ret = lkl_sys_write(fd, value, strlen(value));
	lkl_sys_close(fd);
	return ret < 0 ? ret : 0;
}

/* By number or other name in the kernel; its prototype is there, with registers for types. */
long lkl_sys_clock_nanosleep(int clock, int flags, const struct timespec *req, struct timespec *rem);
long lkl_sys_epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms, const void *mask, size_t mask_bytes);

long lkl_sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	return lkl_sys_epoll_pwait(epfd, events, max, timeout_ms, NULL, 8);
}

long lkl_sys_nanosleep_ns(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	return lkl_sys_clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}
