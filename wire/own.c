// SPDX-License-Identifier: GPL-2.0-only
/*
 * own.c - `own` mode: a host interface lends its IPv4 addresses and routes to the stack
 *
 * Each address and route is kept as the rtnetlink message in which the host described it (RTM_NEWADDR, RTM_NEWROUTE): sent
 * back unchanged it recreates label, scope, broadcast, lifetimes, metric and preferred source, also those that this file
 * knows nothing of. Removing the last address makes the host drop every route through the interface, so only addresses
 * are deleted. To restore, addresses come first (their connected routes come back with them), then on-link routes, then
 * routes through gateways, which need the others to be reachable.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "own.h"

/* One dump answer; the kernel's default is 32 KiB at most. */
#define DUMP_BYTES 32768

struct dump {
	struct own_state *state;
	int err;
};

static int attr_is(const struct nlattr *attr, uint16_t type, size_t len)
{
	return mnl_attr_get_type(attr) == type && mnl_attr_get_payload_len(attr) == len;
}

static int addr_record(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct dump *dump = data;
	struct own_state *state = dump->state;
	const struct nlattr *attr;
	struct own_addr *addr;

	if (ifa->ifa_family != AF_INET || (int)ifa->ifa_index != state->ifindex)
		return MNL_CB_OK;
	if (state->addrs_len == OWN_ADDRS_MAX || nlh->nlmsg_len > OWN_MESSAGE_MAX) {
		dump->err = -E2BIG;
		return MNL_CB_OK;
	}
	addr = &state->addrs[state->addrs_len++];
	addr->prefix_len = ifa->ifa_prefixlen;
	addr->message_len = nlh->nlmsg_len;
	memcpy(addr->message, nlh, nlh->nlmsg_len);
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		if (attr_is(attr, IFA_LOCAL, 4))
			addr->addr = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static int route_record(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct own_route route = { .prefix_len = rtm->rtm_dst_len, .is_automatic = rtm->rtm_protocol == RTPROT_KERNEL };
	struct dump *dump = data;
	struct own_state *state = dump->state;
	const struct nlattr *attr;
	int ifindex = 0;

	if (rtm->rtm_family != AF_INET || rtm->rtm_table != RT_TABLE_MAIN || rtm->rtm_type != RTN_UNICAST ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		if (attr_is(attr, RTA_DST, 4))
			route.dst = mnl_attr_get_u32(attr);
		else if (attr_is(attr, RTA_GATEWAY, 4))
			route.gateway = mnl_attr_get_u32(attr);
		else if (attr_is(attr, RTA_OIF, 4))
			ifindex = mnl_attr_get_u32(attr);
	}
	if (ifindex != state->ifindex)
		return MNL_CB_OK;
	if (state->routes_len == OWN_ROUTES_MAX || nlh->nlmsg_len > OWN_MESSAGE_MAX) {
		dump->err = -E2BIG;
		return MNL_CB_OK;
	}
	route.message_len = nlh->nlmsg_len;
	memcpy(route.message, nlh, nlh->nlmsg_len);
	state->routes[state->routes_len++] = route;
	return MNL_CB_OK;
}

/* Send a request and run cb over all answers; 0 or -errno. */
static int talk(struct mnl_socket *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	char buf[DUMP_BYTES];
	unsigned int portid = mnl_socket_get_portid(nl), seq = nlh->nlmsg_seq;
	ssize_t n;
	int ret;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, n, seq, portid, cb, data);
		if (ret < 0)
			return -errno;
		if (ret == MNL_CB_STOP)
			return 0;
	}
}

static int dump_run(struct mnl_socket *nl, uint16_t type, size_t header_len, mnl_cb_t cb, struct dump *dump)
{
	char buf[MNL_NLMSG_HDRLEN + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *gen;
	int ret;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = type;
	gen = mnl_nlmsg_put_extra_header(nlh, header_len);
	gen->rtgen_family = AF_INET;
	ret = talk(nl, nlh, cb, dump);
	return ret ? ret : dump->err;
}

/* A recorded message, sent back as a request. */
static int replay(struct mnl_socket *nl, const uint8_t *message, uint16_t type, uint16_t flags)
{
	uint32_t buf[OWN_MESSAGE_MAX / 4];
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;

	memcpy(buf, message, OWN_MESSAGE_MAX);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_seq = 1;
	nlh->nlmsg_pid = 0;
	return talk(nl, nlh, NULL, NULL);
}

static struct mnl_socket *netlink_open(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		nl = NULL;
	}
	return nl;
}

static int restore_all(struct mnl_socket *nl, const struct own_state *state, const char **what)
{
	int first_err = 0, err, through_gateway;
	unsigned int i;

	for (i = 0; i < state->addrs_len; i++) {
		err = replay(nl, state->addrs[i].message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
		if (err && err != -EEXIST && !first_err) {
			first_err = err;
			*what = "an address could not be put back";
		}
	}
	for (through_gateway = 0; through_gateway <= 1; through_gateway++) {
		for (i = 0; i < state->routes_len; i++) {
			const struct own_route *route = &state->routes[i];

			if (route->is_automatic || !!route->gateway != through_gateway)
				continue;
			err = replay(nl, route->message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
			if (err && err != -EEXIST && !first_err) {
				first_err = err;
				*what = "a route could not be put back";
			}
		}
	}
	return first_err;
}

int own_take(const char *ifname, struct own_state *state, char *err, size_t err_len)
{
	struct dump dump = { .state = state };
	struct mnl_socket *nl;
	const char *what = "no such interface", *ignored;
	unsigned int i;
	int ret;

	memset(state, 0, sizeof(*state));
	snprintf(state->ifname, sizeof(state->ifname), "%s", ifname);
	state->ifindex = if_nametoindex(ifname);
	if (!state->ifindex) {
		ret = -ENODEV;
		goto err_message;
	}
	nl = netlink_open();
	if (!nl) {
		ret = -errno;
		what = "netlink socket";
		goto err_message;
	}
	what = "reading its addresses";
	ret = dump_run(nl, RTM_GETADDR, sizeof(struct ifaddrmsg), addr_record, &dump);
	if (ret)
		goto err_close;
	if (!state->addrs_len) {
		what = "it has no IPv4 address to take over";
		ret = -EADDRNOTAVAIL;
		goto err_close;
	}
	what = "reading its routes";
	ret = dump_run(nl, RTM_GETROUTE, sizeof(struct rtmsg), route_record, &dump);
	if (ret)
		goto err_close;
	what = "removing its addresses";
	for (i = 0; i < state->addrs_len; i++) {
		ret = replay(nl, state->addrs[i].message, RTM_DELADDR, 0);
		/* A secondary address goes with its primary one. */
		if (ret && ret != -EADDRNOTAVAIL) {
			restore_all(nl, state, &ignored);
			goto err_close;
		}
	}
	mnl_socket_close(nl);
	return 0;

err_close:
	mnl_socket_close(nl);
err_message:
	snprintf(err, err_len, "interface %s: %s: %s", ifname, what, strerror(-ret));
	state->addrs_len = 0;
	state->routes_len = 0;
	return ret;
}

int own_restore(const struct own_state *state, char *err, size_t err_len)
{
	struct mnl_socket *nl = netlink_open();
	const char *what = "netlink socket";
	int ret;

	if (!nl) {
		ret = -errno;
	} else {
		ret = restore_all(nl, state, &what);
		mnl_socket_close(nl);
	}
	if (ret)
		snprintf(err, err_len, "interface %s: %s: %s", state->ifname, what, strerror(-ret));
	return ret;
}
