// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_netlink.c - the stack's control: rtnetlink(7) for links, addresses, routes, rules, neighbours, qdiscs and events;
 * sock_diag(7) for sockets
 *
 * lo is the only interface; its addresses and routes are given and taken back. 10.9.0.0/16 is this file's.
 */
#include "inet.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <net/if.h>
#include <sys/un.h>

static int is_lo(const struct nlmsghdr *head, const void *what)
{
	const struct ifinfomsg *info = NLMSG_DATA(head);
	const char *name = nl_find(head, sizeof(*info), IFLA_IFNAME);

	return head->nlmsg_type == RTM_NEWLINK && info->ifi_index == LO_IFINDEX && name && !strcmp(name, "lo") &&
	       info->ifi_flags & IFF_LOOPBACK && info->ifi_flags & IFF_UP;
}

static int has_mtu(const struct nlmsghdr *head, const void *what)
{
	const uint32_t *mtu = nl_find(head, sizeof(struct ifinfomsg), IFLA_MTU);

	return mtu && *mtu == *(const uint32_t *)what;
}

static int links(void *arg)
{
	struct nl_request req;
	struct ifinfomsg *info;
	uint32_t mtu = 30000;

	nl_init(&req, RTM_GETLINK, 0, sizeof(*info));
	CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_lo, NULL), 1);
	info = nl_init(&req, RTM_SETLINK, 0, sizeof(*info));
	info->ifi_index = LO_IFINDEX;
	nl_u32(&req, IFLA_MTU, mtu);
	CHECK_EQ(nl_ask(NETLINK_ROUTE, &req), 0);
	nl_init(&req, RTM_GETLINK, 0, sizeof(*info));
	CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, has_mtu, &mtu), 1);
	CHECK_EQ(lkl_if_set_mtu(LO_IFINDEX, 65536), 0);
	info = nl_init(&req, RTM_SETLINK, 0, sizeof(*info));
	info->ifi_index = 12345;
	CHECK_EQ(nl_ask(NETLINK_ROUTE, &req), -ENODEV);
	return 0;
}

static int is_address(const struct nlmsghdr *head, const void *what)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(head);
	const uint32_t *addr = nl_find(head, sizeof(*ifa), IFA_LOCAL);

	return ifa->ifa_family == AF_INET && addr && *addr == *(const uint32_t *)what;
}

static int address_change(int type, int flags, uint32_t addr)
{
	struct nl_request req;
	struct ifaddrmsg *ifa = nl_init(&req, type, flags, sizeof(*ifa));

	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 24;
	ifa->ifa_index = LO_IFINDEX;
	nl_u32(&req, IFA_LOCAL, addr);
	return nl_ask(NETLINK_ROUTE, &req);
}

static int addresses(void *arg)
{
	uint32_t addr = inet_addr("10.9.1.1");
	struct nl_request req;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = addr };
	int fd;

	fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(lkl_sys_bind(fd, (void *)&in, sizeof(in)), -EADDRNOTAVAIL);
	CHECK_EQ(address_change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addr), 0);
	CHECK_EQ(address_change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addr), -EEXIST);
	nl_init(&req, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_address, &addr), 1);
	CHECK_EQ(lkl_sys_bind(fd, (void *)&in, sizeof(in)), 0);
	CHECK_EQ(address_change(RTM_DELADDR, 0, addr), 0);
	CHECK_EQ(address_change(RTM_DELADDR, 0, addr), -EADDRNOTAVAIL);
	nl_init(&req, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_address, &addr), 0);
	return lkl_sys_close(fd);
}

static int is_route(const struct nlmsghdr *head, const void *what)
{
	const struct rtmsg *rt = NLMSG_DATA(head);
	const uint32_t *dst = nl_find(head, sizeof(*rt), RTA_DST), *oif = nl_find(head, sizeof(*rt), RTA_OIF);

	return rt->rtm_dst_len == 24 && dst && *dst == *(const uint32_t *)what && oif && *oif == LO_IFINDEX;
}

static int route_change(int type, int flags, uint32_t dst, int table)
{
	struct nl_request req;
	struct rtmsg *rt = nl_init(&req, type, flags, sizeof(*rt));

	*rt = (struct rtmsg){ .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_table = table,
			      .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST };
	nl_u32(&req, RTA_DST, dst);
	nl_u32(&req, RTA_OIF, LO_IFINDEX);
	return nl_ask(NETLINK_ROUTE, &req);
}

static int routes(void *arg)
{
	uint32_t dst = inet_addr("10.9.2.0");
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr.s_addr = inet_addr("10.9.2.7") };
	struct nl_request req;
	int fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_EQ(lkl_sys_connect(fd, (void *)&in, sizeof(in)), -ENETUNREACH);
	CHECK_EQ(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, dst, RT_TABLE_MAIN), 0);
	CHECK_EQ(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, dst, RT_TABLE_MAIN), -EEXIST);
	nl_init(&req, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_route, &dst), 1);
	CHECK_EQ(lkl_sys_connect(fd, (void *)&in, sizeof(in)), 0);
	CHECK_EQ(route_change(RTM_DELROUTE, 0, dst, RT_TABLE_MAIN), 0);
	CHECK_EQ(route_change(RTM_DELROUTE, 0, dst, RT_TABLE_MAIN), -ESRCH);
	return lkl_sys_close(fd);
}

static int is_rule(const struct nlmsghdr *head, const void *what)
{
	const struct fib_rule_hdr *rule = NLMSG_DATA(head);
	const uint32_t *mark = nl_find(head, sizeof(*rule), FRA_FWMARK);

	return rule->table == 100 && mark && *mark == 42;
}

static int rule_change(int type, int flags)
{
	struct nl_request req;
	struct fib_rule_hdr *rule = nl_init(&req, type, flags, sizeof(*rule));

	rule->family = AF_INET;
	rule->table = 100;
	rule->action = FR_ACT_TO_TBL;
	nl_u32(&req, FRA_FWMARK, 42);
	return nl_ask(NETLINK_ROUTE, &req);
}

/* A table of its own for marked packets: reachable with the mark only. */
static int rules(void *arg)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr.s_addr = inet_addr("10.9.3.7") };
	uint32_t dst = inet_addr("10.9.3.0");
	struct nl_request req;
	int fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_EQ(rule_change(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL), 0);
	CHECK_EQ(route_change(RTM_NEWROUTE, NLM_F_CREATE, dst, 100), 0);
	nl_init(&req, RTM_GETRULE, 0, sizeof(struct fib_rule_hdr));
	CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_rule, NULL), 1);
	CHECK_EQ(lkl_sys_connect(fd, (void *)&in, sizeof(in)), -ENETUNREACH);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_MARK, 42), 0);
	CHECK_EQ(lkl_sys_connect(fd, (void *)&in, sizeof(in)), 0);
	CHECK_EQ(route_change(RTM_DELROUTE, 0, dst, 100), 0);
	CHECK_EQ(rule_change(RTM_DELRULE, 0), 0);
	CHECK_EQ(rule_change(RTM_DELRULE, 0), -ENOENT);
	return lkl_sys_close(fd);
}

static int is_neighbour(const struct nlmsghdr *head, const void *what)
{
	const struct ndmsg *nd = NLMSG_DATA(head);
	const void *dst = nl_find(head, sizeof(*nd), NDA_DST);
	const unsigned char *mac = nl_find(head, sizeof(*nd), NDA_LLADDR);

	return dst && !memcmp(dst, what, sizeof(struct in6_addr)) && nd->ndm_state == NUD_PERMANENT && mac &&
	       mac[5] == 9;
}

static int neighbours(void *arg)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 9 };
	/* Not IPv4, which has one entry for all of lo. */
	static const struct in6_addr addr = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 9 } };
	struct nl_request req;
	struct ndmsg *nd;
	int i;

	for (i = 0; i < 2; i++) {
		nd = nl_init(&req, i ? RTM_DELNEIGH : RTM_NEWNEIGH, i ? 0 : NLM_F_CREATE, sizeof(*nd));
		*nd = (struct ndmsg){ .ndm_family = AF_INET6, .ndm_ifindex = LO_IFINDEX, .ndm_state = NUD_PERMANENT };
		nl_attr(&req, NDA_DST, &addr, sizeof(addr));
		nl_attr(&req, NDA_LLADDR, mac, sizeof(mac));
		CHECK_EQ(nl_ask(NETLINK_ROUTE, &req), 0);
		nd = nl_init(&req, RTM_GETNEIGH, 0, sizeof(*nd));
		nd->ndm_family = AF_INET6;
		CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_neighbour, &addr), !i);
	}
	return 0;
}

static int is_qdisc(const struct nlmsghdr *head, const void *what)
{
	const struct tcmsg *tc = NLMSG_DATA(head);
	const char *kind = nl_find(head, sizeof(*tc), TCA_KIND);

	return tc->tcm_ifindex == LO_IFINDEX && tc->tcm_parent == TC_H_ROOT && kind && !strcmp(kind, what);
}

static int qdiscs(void *arg)
{
	static const char *const kinds[] = { "fq", "fq_codel", "netem", "pfifo" };
	struct nl_request req;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		/* netem wants options */
		CHECK_EQ(qdisc_replace(LO_IFINDEX, kinds[i]), kinds[i][0] == 'n' ? -EINVAL : 0);
		nl_init(&req, RTM_GETQDISC, 0, sizeof(struct tcmsg));
		CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_qdisc, kinds[i]), kinds[i][0] != 'n');
	}
	CHECK_EQ(qdisc_replace(LO_IFINDEX, "nosuch"), -ENOENT);
	CHECK_EQ(qdisc_delete(LO_IFINDEX), 0);
	nl_init(&req, RTM_GETQDISC, 0, sizeof(struct tcmsg));
	CHECK_EQ(nl_dump(NETLINK_ROUTE, &req, is_qdisc, "pfifo"), 0);
	return 0;
}

static int events(void *arg)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR };
	uint32_t addr = inet_addr("10.9.5.1");
	int fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct {
		struct nlmsghdr head;
		char bytes[2048];
	} msg;

	CHECK_EQ(lkl_sys_bind(fd, (void *)&nl, sizeof(nl)), 0);
	CHECK_EQ(lkl_sys_read(fd, &msg, sizeof(msg)), -EAGAIN);
	CHECK_EQ(address_change(RTM_NEWADDR, NLM_F_CREATE, addr), 0);
	CHECK(lkl_sys_read(fd, &msg, sizeof(msg)) > 0);
	CHECK_EQ(msg.head.nlmsg_type, RTM_NEWADDR);
	CHECK(is_address(&msg.head, &addr));
	CHECK_EQ(address_change(RTM_DELADDR, 0, addr), 0);
	CHECK(lkl_sys_read(fd, &msg, sizeof(msg)) > 0);
	CHECK_EQ(msg.head.nlmsg_type, RTM_DELADDR);
	return lkl_sys_close(fd);
}

static int is_inet_socket(const struct nlmsghdr *head, const void *what)
{
	const struct inet_diag_msg *diag = NLMSG_DATA(head);

	return ntohs(diag->id.idiag_sport) == *(const int *)what;
}

static int count_inet(int family, int protocol, int states, int port)
{
	struct nl_request req;
	struct inet_diag_req_v2 *diag = nl_init(&req, SOCK_DIAG_BY_FAMILY, 0, sizeof(*diag));

	*diag = (struct inet_diag_req_v2){ .sdiag_family = family, .sdiag_protocol = protocol, .idiag_states = states };
	return nl_dump(NETLINK_SOCK_DIAG, &req, is_inet_socket, &port);
}

static int inet_sockets(void *arg)
{
	enum { ESTABLISHED = 1 << 1, LISTEN = 1 << 10, ALL = -1 };
	int lfd = tcp_listener(AF_INET, 0), lfd6 = tcp_listener(AF_INET6, 0), port = local_port(lfd), fd, ufd, fds[2];

	CHECK_EQ(count_inet(AF_INET, IPPROTO_TCP, LISTEN, port), 1);
	CHECK_EQ(count_inet(AF_INET, IPPROTO_TCP, ESTABLISHED, port), 0);
	CHECK_EQ(count_inet(AF_INET6, IPPROTO_TCP, LISTEN, local_port(lfd6)), 1);
	CHECK_EQ(count_inet(AF_INET, IPPROTO_TCP, LISTEN, local_port(lfd6)), 0);
	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(count_inet(AF_INET, IPPROTO_TCP, ESTABLISHED, local_port(fds[0])), 1);
	TRY(close_pair(fds));
	ufd = inet_bound(AF_INET, SOCK_DGRAM, 0, 0);
	CHECK_EQ(count_inet(AF_INET, IPPROTO_UDP, ALL, local_port(ufd)), 1);
	CHECK_EQ(lkl_sys_close(ufd), 0);
	CHECK_EQ(lkl_sys_close(lfd6), 0);
	CHECK_EQ(lkl_sys_close(lfd), 0);
	CHECK_EQ(count_inet(AF_INET, IPPROTO_TCP, LISTEN, port), 0);
	fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	CHECK(fd >= 0);
	return lkl_sys_close(fd);
}

static int is_unix_socket(const struct nlmsghdr *head, const void *what)
{
	const char *name = nl_find(head, sizeof(struct unix_diag_msg), UNIX_DIAG_NAME);

	return name && !memcmp(name, what, 9);
}

static int is_packet_socket(const struct nlmsghdr *head, const void *what)
{
	const struct packet_diag_info *info = nl_find(head, sizeof(struct packet_diag_msg), PACKET_DIAG_INFO);

	return info && info->pdi_index == LO_IFINDEX;
}

static int other_sockets(void *arg)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0diagnose" };
	struct packet_diag_req *packet;
	struct unix_diag_req *diag;
	struct nl_request req;
	struct {
		unsigned short family, protocol;
		int ifindex;
		char bytes[12];
	} lo = { AF_PACKET, htons(3), LO_IFINDEX, "" };
	int fd, i;

	fd = lkl_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(lkl_sys_bind(fd, (void *)&name, sizeof(name.sun_family) + 9), 0);
	for (i = 0; i < 2; i++) {
		diag = nl_init(&req, SOCK_DIAG_BY_FAMILY, 0, sizeof(*diag));
		*diag = (struct unix_diag_req){ .sdiag_family = AF_UNIX, .udiag_states = -1,
						.udiag_show = UDIAG_SHOW_NAME };
		CHECK_EQ(nl_dump(NETLINK_SOCK_DIAG, &req, is_unix_socket, name.sun_path), !i);
		if (!i)
			CHECK_EQ(lkl_sys_close(fd), 0);
	}
	fd = lkl_sys_socket(AF_PACKET, SOCK_RAW, 0);
	CHECK_EQ(lkl_sys_bind(fd, (void *)&lo, sizeof(lo)), 0);
	for (i = 0; i < 2; i++) {
		packet = nl_init(&req, SOCK_DIAG_BY_FAMILY, 0, sizeof(*packet));
		*packet = (struct packet_diag_req){ .sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO };
		CHECK_EQ(nl_dump(NETLINK_SOCK_DIAG, &req, is_packet_socket, NULL), !i);
		if (!i)
			CHECK_EQ(lkl_sys_close(fd), 0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(links),
		BODY(addresses),
		BODY(routes),
		BODY(rules),
		BODY(neighbours),
		BODY(qdiscs),
		BODY(events),
		BODY(inet_sockets),
		BODY(other_sockets),
	};

	return RUN_BODIES(tests, argc, argv);
}
