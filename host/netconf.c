// SPDX-License-Identifier: GPL-2.0-only
/*
 * netconf.c - lkl_if_*() and the like: interfaces, addresses, routes, neighbours and qdiscs of the instance
 *
 * Small conveniences made of system calls inside the instance. What ioctl() can do for both families alike is done by
 * ioctl(), the rest by rtnetlink: one request, one acknowledgement, on a socket of its own, so that no state is kept and
 * any number may run at once. Messages are built in a buffer of fixed size, which the largest of them fills by half.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "netdev.h"
#include "vcpu.h"

static const int64_t dad_poll_ns = 20 * 1000000ll;
static const int64_t local_poll_ns = 200000; /* a work item away */
static const int64_t dad_wait_ns = 5 * 1000000000ll; /* the delay before the probe is at most 1 s, its answer may take another */

int lkl_notifier_new(int *handle)
{
	return lkl_kernel_notifier_new(handle);
}

int lkl_notify(int handle)
{
	int err = lkl__hold();

	if (err)
		return err;
	err = lkl_kernel_notify(handle);
	lkl__let_go();
	return err;
}

int lkl_stats(struct lkl_stats *stats)
{
	return lkl_kernel_stats(stats);
}

int lkl_wire_attach(struct lkl_wire *wire)
{
	return lkl_kernel_wire_attach(wire);
}

int lkl_wire_detach(struct lkl_wire *wire)
{
	return lkl_kernel_wire_detach(wire);
}

int lkl_relay_join(struct lkl_relay *relay, int fd0, int fd1)
{
	return relay ? lkl_kernel_relay_join(relay, fd0, fd1) : -EINVAL;
}

int lkl_relay_part(struct lkl_relay *relay)
{
	return relay ? lkl_kernel_relay_part(relay) : -EINVAL;
}

int lkl_cc_param(int fd, const char *key, uint64_t value)
{
	return key ? lkl_kernel_cc_param(fd, key, &value, 1) : -EINVAL;
}

int lkl_cc_param_get(int fd, const char *key, uint64_t *value)
{
	return key && value ? lkl_kernel_cc_param(fd, key, value, 0) : -EINVAL;
}

/* ---- by ioctl ---- */

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

int lkl_if_set_mac(int ifindex, void *mac)
{
	struct ifreq ifr;
	int err = if_request(ifindex, &ifr);

	if (err)
		return err;
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	return if_ioctl(SIOCSIFHWADDR, &ifr);
}

int lkl__if_rename(int ifindex, const char *name)
{
	struct ifreq ifr;
	int err = if_request(ifindex, &ifr);

	if (err)
		return err;
	snprintf(ifr.ifr_newname, sizeof(ifr.ifr_newname), "%s", name);
	return if_ioctl(SIOCSIFNAME, &ifr);
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

/* ---- by rtnetlink ---- */

struct request {
	struct nlmsghdr nlh;
	char body[256];
};

/* The header that follows the netlink header, zeroed. */
#define request_begin(req, type, flags, header) \
	((header *)request_start(req, type, flags, sizeof(header)))

static void *request_start(struct request *req, int type, int flags, size_t header_len)
{
	memset(req, 0, sizeof(*req));
	req->nlh.nlmsg_type = type;
	req->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	req->nlh.nlmsg_len = NLMSG_LENGTH(header_len);
	return req->body;
}

static void request_add(struct request *req, int type, const void *data, size_t len)
{
	struct rtattr *attr = (struct rtattr *)((char *)req + NLMSG_ALIGN(req->nlh.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), data, len);
	req->nlh.nlmsg_len = NLMSG_ALIGN(req->nlh.nlmsg_len) + RTA_LENGTH(len);
}

int lkl_rtnl_request(const void *message, size_t len)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} answer;
	long fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), n;

	if (fd < 0)
		return fd;
	n = lkl_sys_sendto(fd, message, len, 0, NULL, 0);
	if (n >= 0)
		n = lkl_sys_recvfrom(fd, &answer, sizeof(answer), MSG_TRUNC, NULL, NULL);
	lkl_sys_close(fd);
	if (n < 0)
		return n;
	return n >= (long)sizeof(answer) && answer.nlh.nlmsg_type == NLMSG_ERROR ? answer.err.error : -EPROTO;
}

static int request_send(const struct request *req)
{
	return lkl_rtnl_request(req, req->nlh.nlmsg_len);
}

/* Bytes of an address of the family; 0: no such family here. */
static unsigned int addr_bytes(int af)
{
	return af == AF_INET ? 4 : af == AF_INET6 ? 16 : 0;
}

static int addr_change(int ifindex, int af, const void *addr, unsigned int prefix_len, int type, int flags)
{
	unsigned int bytes = addr_bytes(af);
	struct request req;
	struct ifaddrmsg *ifa;

	if (!bytes)
		return -EAFNOSUPPORT;
	if (prefix_len > 8 * bytes)
		return -EINVAL;
	ifa = request_begin(&req, type, flags, struct ifaddrmsg);
	ifa->ifa_family = af;
	ifa->ifa_prefixlen = prefix_len;
	ifa->ifa_index = ifindex;
	request_add(&req, IFA_LOCAL, addr, bytes);
	return request_send(&req);
}

int lkl_if_add_ip(int ifindex, int af, void *addr, unsigned int prefix_len)
{
	return addr_change(ifindex, af, addr, prefix_len, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
}

int lkl_if_del_ip(int ifindex, int af, void *addr, unsigned int prefix_len)
{
	return addr_change(ifindex, af, addr, prefix_len, RTM_DELADDR, 0);
}

/* IFA_F_* of an IPv6 address, or -EADDRNOTAVAIL. One dump of all addresses, part by part. */
static int addr_flags(long fd, int ifindex, const void *addr, char *buf, size_t buf_len)
{
	struct request req;
	int found = -EADDRNOTAVAIL;
	long n;

	request_begin(&req, RTM_GETADDR, NLM_F_DUMP, struct ifaddrmsg)->ifa_family = AF_INET6;
	n = lkl_sys_sendto(fd, &req, req.nlh.nlmsg_len, 0, NULL, 0);
	while (n >= 0 && (n = lkl_sys_recvfrom(fd, buf, buf_len, 0, NULL, NULL)) > 0) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buf;

		for (; NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n)) {
			struct ifaddrmsg *ifa = NLMSG_DATA(nlh);
			struct rtattr *attr = IFA_RTA(ifa);
			int len = IFA_PAYLOAD(nlh);
			int flags = ifa->ifa_flags, is_it = 0;

			if (nlh->nlmsg_type == NLMSG_DONE)
				return found;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
			if ((int)ifa->ifa_index != ifindex)
				continue;
			for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
				if (attr->rta_type == IFA_FLAGS)
					memcpy(&flags, RTA_DATA(attr), sizeof(flags));
				if (attr->rta_type == IFA_ADDRESS || attr->rta_type == IFA_LOCAL)
					is_it |= !memcmp(RTA_DATA(attr), addr, 16);
			}
			if (is_it)
				found = flags;
		}
	}
	return n < 0 ? n : -EPROTO;
}

/*
 * Does the address have its route in table local yet, without which frames for it are not taken in? The kernel adds it from a
 * work queue, also when it does not check the address (IFA_F_NODAD).
 */
static int addr_is_local(long fd, int ifindex, const void *addr, char *buf, size_t buf_len)
{
	const uint32_t oif = ifindex;
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct request req;
	struct rtmsg *rtm = request_begin(&req, RTM_GETROUTE, 0, struct rtmsg);
	long n;

	req.nlh.nlmsg_flags = NLM_F_REQUEST; /* one answer: the route, or why there is none */
	rtm->rtm_family = AF_INET6;
	rtm->rtm_dst_len = 128;
	request_add(&req, RTA_DST, addr, 16);
	/* link-local addresses are one of each interface */
	if (((const uint8_t *)addr)[0] == 0xfe && (((const uint8_t *)addr)[1] & 0xc0) == 0x80)
		request_add(&req, RTA_OIF, &oif, sizeof(oif));
	n = lkl_sys_sendto(fd, &req, req.nlh.nlmsg_len, 0, NULL, 0);
	if (n >= 0)
		n = lkl_sys_recvfrom(fd, buf, buf_len, 0, NULL, NULL);
	if (n < 0)
		return n;
	if (!NLMSG_OK(nlh, n) || nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	rtm = NLMSG_DATA(nlh);
	return rtm->rtm_type == RTN_LOCAL;
}

int lkl_if_wait_ipv6_dad(int ifindex, void *addr)
{
	const size_t buf_len = 16384;
	char *buf = malloc(buf_len);
	int64_t waited_ns = 0, poll_ns;
	int flags, ret;
	long fd;

	if (!buf)
		return -ENOMEM;
	fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (fd < 0) {
		free(buf);
		return fd;
	}
	for (;;) {
		flags = ret = addr_flags(fd, ifindex, addr, buf, buf_len);
		if (flags >= 0 && flags & IFA_F_DADFAILED)
			ret = -EADDRINUSE;
		else if (flags >= 0 && !(flags & IFA_F_TENTATIVE))
			ret = addr_is_local(fd, ifindex, addr, buf, buf_len) == 1 ? 0 : 1;
		if (ret < 0 || (!ret && !(flags & IFA_F_TENTATIVE)))
			break;
		if (waited_ns >= dad_wait_ns) {
			ret = -ETIMEDOUT;
			break;
		}
		poll_ns = flags & IFA_F_TENTATIVE ? dad_poll_ns : local_poll_ns;
		lkl_sys_nanosleep_ns(poll_ns);
		waited_ns += poll_ns;
	}
	lkl_sys_close(fd);
	free(buf);
	return ret;
}

int lkl_if_set_ipv6(int ifindex, void *addr, unsigned int prefix_len)
{
	int err = lkl_if_add_ip(ifindex, AF_INET6, addr, prefix_len);

	return err ? err : lkl_if_wait_ipv6_dad(ifindex, addr);
}

/* A unicast route of `table`: to dst/dst_len (NULL: everything), by a gateway or on the link of ifindex. */
static int route_add(int af, uint32_t table, int ifindex, const void *dst, unsigned int dst_len, const void *gateway)
{
	unsigned int bytes = addr_bytes(af);
	struct request req;
	struct rtmsg *rtm;

	if (!bytes)
		return -EAFNOSUPPORT;
	rtm = request_begin(&req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, struct rtmsg);
	rtm->rtm_family = af;
	rtm->rtm_dst_len = dst_len;
	rtm->rtm_table = table < 256 ? table : RT_TABLE_UNSPEC;
	rtm->rtm_protocol = RTPROT_BOOT;
	rtm->rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rtm->rtm_type = RTN_UNICAST;
	request_add(&req, RTA_TABLE, &table, sizeof(table));
	if (dst)
		request_add(&req, RTA_DST, dst, bytes);
	if (gateway)
		request_add(&req, RTA_GATEWAY, gateway, bytes);
	if (ifindex)
		request_add(&req, RTA_OIF, &ifindex, sizeof(ifindex));
	return request_send(&req);
}

int lkl_add_gateway(int af, void *gateway)
{
	return route_add(af, RT_TABLE_MAIN, 0, NULL, 0, gateway);
}

int lkl_set_ipv4_gateway(unsigned int addr)
{
	return lkl_add_gateway(AF_INET, &addr);
}

int lkl_set_ipv6_gateway(void *addr)
{
	return lkl_add_gateway(AF_INET6, addr);
}

static uint32_t if_table(int ifindex, int af)
{
	return 2 * ifindex + (af == AF_INET6);
}

int lkl_if_add_gateway(int ifindex, int af, void *gateway)
{
	return route_add(af, if_table(ifindex, af), ifindex, NULL, 0, gateway);
}

int lkl_if_add_linklocal(int ifindex, int af, void *addr, int prefix_len)
{
	unsigned int bytes = addr_bytes(af), i;
	unsigned char net[16];

	if (!bytes)
		return -EAFNOSUPPORT;
	if (prefix_len < 0 || prefix_len > (int)(8 * bytes))
		return -EINVAL;
	memcpy(net, addr, bytes);
	for (i = prefix_len; i < 8 * bytes; i++)
		net[i / 8] &= ~(0x80 >> i % 8);
	return route_add(af, if_table(ifindex, af), ifindex, net, prefix_len, NULL);
}

int lkl_if_add_rule_from_saddr(int ifindex, int af, void *saddr)
{
	unsigned int bytes = addr_bytes(af);
	uint32_t table = if_table(ifindex, af);
	struct request req;
	struct fib_rule_hdr *rule;

	if (!bytes)
		return -EAFNOSUPPORT;
	rule = request_begin(&req, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, struct fib_rule_hdr);
	rule->family = af;
	rule->src_len = 8 * bytes;
	rule->table = table < 256 ? table : RT_TABLE_UNSPEC;
	rule->action = FR_ACT_TO_TBL;
	request_add(&req, FRA_SRC, saddr, bytes);
	request_add(&req, FRA_TABLE, &table, sizeof(table));
	return request_send(&req);
}

static int gateway_from_saddr(int ifindex, int af, void *addr, unsigned int prefix_len, void *gateway)
{
	int err = lkl_if_add_rule_from_saddr(ifindex, af, addr);

	if (!err)
		err = lkl_if_add_linklocal(ifindex, af, addr, prefix_len);
	if (!err)
		err = lkl_if_add_gateway(ifindex, af, gateway);
	return err;
}

int lkl_if_set_ipv4_gateway(int ifindex, unsigned int addr, unsigned int netmask_len, unsigned int gateway)
{
	return gateway_from_saddr(ifindex, AF_INET, &addr, netmask_len, &gateway);
}

int lkl_if_set_ipv6_gateway(int ifindex, void *addr, unsigned int prefix_len, void *gateway)
{
	return gateway_from_saddr(ifindex, AF_INET6, addr, prefix_len, gateway);
}

int lkl_add_neighbor(int ifindex, int af, void *addr, void *mac)
{
	unsigned int bytes = addr_bytes(af);
	struct request req;
	struct ndmsg *ndm;

	if (!bytes)
		return -EAFNOSUPPORT;
	ndm = request_begin(&req, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, struct ndmsg);
	ndm->ndm_family = af;
	ndm->ndm_ifindex = ifindex;
	ndm->ndm_state = NUD_PERMANENT;
	request_add(&req, NDA_DST, addr, bytes);
	request_add(&req, NDA_LLADDR, mac, 6);
	return request_send(&req);
}

/* ---- qdiscs ---- */

/* "root", "ingress" or "MAJOR:MINOR" in hexadecimal. 0: none of these. */
static uint32_t qdisc_parent(const char *root)
{
	unsigned int major, minor;
	char rest;

	if (!strcmp(root, "root"))
		return TC_H_ROOT;
	if (!strcmp(root, "ingress"))
		return TC_H_INGRESS;
	if (sscanf(root, "%x:%x%c", &major, &minor, &rest) != 2 || major > 0xffff || minor > 0xffff)
		return 0;
	return TC_H_MAKE(major << 16, minor);
}

int lkl_qdisc_add(int ifindex, const char *root, const char *type)
{
	uint32_t parent = qdisc_parent(root);
	struct request req;
	struct tcmsg *tcm;

	if (!parent || strlen(type) >= IFNAMSIZ)
		return -EINVAL;
	tcm = request_begin(&req, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, struct tcmsg);
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = ifindex;
	tcm->tcm_parent = parent;
	tcm->tcm_handle = parent == TC_H_INGRESS ? TC_H_MAKE(TC_H_INGRESS, 0) : 0;
	request_add(&req, TCA_KIND, type, strlen(type) + 1);
	return request_send(&req);
}

void lkl_qdisc_parse_add(int ifindex, const char *entries)
{
	char entry[64];
	const char *end;
	char *bar;

	for (; entries && *entries; entries = *end ? end + 1 : end) {
		end = strchrnul(entries, ';');
		if ((size_t)(end - entries) >= sizeof(entry))
			continue;
		memcpy(entry, entries, end - entries);
		entry[end - entries] = '\0';
		bar = strchr(entry, '|');
		if (!bar)
			continue;
		*bar = '\0';
		lkl_qdisc_add(ifindex, entry, bar + 1);
	}
}

/* ---- calls that the kernel has by another name; it exports them with registers for types ---- */

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
