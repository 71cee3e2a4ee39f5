// SPDX-License-Identifier: GPL-2.0-only
/*
 * own_read.c - what the host has on an interface: addresses, routes, neighbours, IPv6 sysctls
 *
 * Four dumps, each for both families at once, in this order: the routes that count depend on the
 * addresses. An IPv6 address that is still being checked (IFA_F_TENTATIVE) becomes valid or not
 * within a second or two of its birth, so reading waits for that a while; one that stays tentative
 * (no carrier) is recorded as such, and whoever gets it checks it himself.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "own_internal.h"
#include "say.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif

#define DAD_POLL_NS (20 * 1000000l)
#define DAD_POLLS_MAX 150 /* 3 s: a delay of 1 s at most, then one probe of 1 s */

const char *const own_sysctls[OWN_SYSCTLS] = {
	"accept_ra", "accept_ra_defrtr", "accept_ra_pinfo", "accept_ra_rtr_pref",
	"autoconf",  "hop_limit",	 "dad_transmits",   "router_solicitations",
};

struct dump {
	struct own_state *st;
	const char *why; /* what was refused; the callback answers with an error then */
};

static int refuse(struct dump *d, const char *why, int err)
{
	d->why = why;
	errno = err;
	return MNL_CB_ERROR;
}

static uint32_t attr_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	if (mnl_attr_get_payload_len(attr) >= sizeof(value))
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return value;
}

static void attr_bytes(const struct nlattr *attr, void *to, size_t len)
{
	if (mnl_attr_get_payload_len(attr) < len)
		len = mnl_attr_get_payload_len(attr);
	memcpy(to, mnl_attr_get_payload(attr), len);
}

unsigned int own_addr_bytes(int family)
{
	return family == AF_INET ? 4 : 16;
}

static int is_ip(int family)
{
	return family == AF_INET || family == AF_INET6;
}

static int each_addr(const struct nlmsghdr *nlh, void *data)
{
	struct dump *d = data;
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct own_addr a = { .family = ifa->ifa_family,
			      .prefix_len = ifa->ifa_prefixlen,
			      .scope = ifa->ifa_scope,
			      .flags = ifa->ifa_flags,
			      .valid_sec = UINT32_MAX,
			      .preferred_sec = UINT32_MAX };
	int has_local = 0, has_peer = 0;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWADDR || !is_ip(ifa->ifa_family) ||
	    (int)ifa->ifa_index != d->st->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFA_LOCAL:
			attr_bytes(attr, a.addr, sizeof(a.addr));
			has_local = 1;
			break;
		case IFA_ADDRESS:
			attr_bytes(attr, a.peer, sizeof(a.peer));
			has_peer = 1;
			break;
		case IFA_BROADCAST:
			attr_bytes(attr, a.broadcast, sizeof(a.broadcast));
			break;
		case IFA_FLAGS:
			a.flags = attr_u32(attr);
			break;
		case IFA_RT_PRIORITY:
			a.metric = attr_u32(attr);
			break;
		case IFA_PROTO:
			a.proto = mnl_attr_get_u8(attr);
			break;
		case IFA_LABEL:
			snprintf(a.label, sizeof(a.label), "%.*s",
				 (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
			break;
		case IFA_CACHEINFO: {
			struct ifa_cacheinfo ci;

			if (mnl_attr_get_payload_len(attr) < sizeof(ci))
				break;
			memcpy(&ci, mnl_attr_get_payload(attr), sizeof(ci));
			a.valid_sec = ci.ifa_valid;
			a.preferred_sec = ci.ifa_prefered;
			break;
		}
		}
	}
	/* IPv6 tells of both only if there is a peer. */
	if (!has_local)
		memcpy(a.addr, a.peer, sizeof(a.addr));
	if (!has_peer)
		memcpy(a.peer, a.addr, sizeof(a.peer));
	if (d->st->addrs_len == OWN_ADDRS_MAX)
		return refuse(d, "more addresses than fit", E2BIG);
	d->st->addrs[d->st->addrs_len++] = a;
	return MNL_CB_OK;
}

static int has_addr(const struct own_state *st, int family, const void *addr)
{
	uint32_t i;

	for (i = 0; i < st->addrs_len; i++) {
		if (st->addrs[i].family == family &&
		    !memcmp(st->addrs[i].addr, addr, own_addr_bytes(family)))
			return 1;
	}
	return 0;
}

static int multipath_uses(const struct nlattr *attr, int ifindex)
{
	const struct rtnexthop *nh = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	for (; RTNH_OK(nh, left); left -= (int)RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh)) {
		if (nh->rtnh_ifindex == ifindex)
			return 1;
	}
	return 0;
}

/* Seconds that an IPv6 route lives on; 0: for ever. */
static uint32_t expires_sec(const struct nlattr *attr)
{
	const long hz = sysconf(_SC_CLK_TCK);
	struct rta_cacheinfo ci;

	if (mnl_attr_get_payload_len(attr) < sizeof(ci))
		return 0;
	memcpy(&ci, mnl_attr_get_payload(attr), sizeof(ci));
	if (ci.rta_expires <= 0 || hz <= 0)
		return 0;
	return ci.rta_expires < hz ? 1 : (uint32_t)(ci.rta_expires / hz);
}

static int each_route(const struct nlmsghdr *nlh, void *data)
{
	struct dump *d = data;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct own_route r = { .family = rtm->rtm_family,
			       .prefix_len = rtm->rtm_dst_len,
			       .tos = rtm->rtm_tos,
			       .proto = rtm->rtm_protocol,
			       .scope = rtm->rtm_scope,
			       .type = rtm->rtm_type,
			       .table = rtm->rtm_table,
			       .flags = rtm->rtm_flags & RTNH_F_ONLINK };
	const char *strange = NULL;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || !is_ip(rtm->rtm_family) ||
	    (rtm->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			attr_bytes(attr, r.dst, sizeof(r.dst));
			break;
		case RTA_SRC:
			if (rtm->rtm_src_len)
				strange = "route by source prefix";
			break;
		case RTA_GATEWAY:
			attr_bytes(attr, r.gateway, sizeof(r.gateway));
			r.has_gateway = 1;
			break;
		case RTA_PREFSRC:
			attr_bytes(attr, r.prefsrc, sizeof(r.prefsrc));
			r.has_prefsrc = 1;
			break;
		case RTA_PRIORITY:
			r.metric = attr_u32(attr);
			break;
		case RTA_TABLE:
			r.table = attr_u32(attr);
			break;
		case RTA_FLOW:
			r.realm = attr_u32(attr);
			break;
		case RTA_OIF:
			r.oif = (int32_t)attr_u32(attr);
			break;
		case RTA_PREF:
			r.has_pref = 1;
			r.pref = mnl_attr_get_u8(attr);
			break;
		case RTA_CACHEINFO:
			if (rtm->rtm_family == AF_INET6)
				r.expires_sec = expires_sec(attr);
			break;
		case RTA_METRICS:
			if (mnl_attr_get_payload_len(attr) > OWN_METRICS_MAX) {
				strange = "route with more metrics than fit";
				break;
			}
			r.metrics_len = (uint8_t)mnl_attr_get_payload_len(attr);
			memcpy(r.metrics, mnl_attr_get_payload(attr), r.metrics_len);
			break;
		case RTA_MULTIPATH:
			if (multipath_uses(attr, d->st->ifindex)) {
				r.oif = d->st->ifindex;
				strange = "multipath route";
			}
			break;
		case RTA_NH_ID:
			strange = "route by a nexthop object";
			break;
		case RTA_VIA:
			strange = "route by a gateway of another family";
			break;
		case RTA_ENCAP:
			strange = "encapsulating route";
			break;
		}
	}
	if (r.table == RT_TABLE_LOCAL ||
	    (r.oif != d->st->ifindex &&
	     !(r.has_prefsrc && has_addr(d->st, r.family, r.prefsrc))))
		return MNL_CB_OK;
	if (strange)
		return refuse(d, strange, EOPNOTSUPP);
	if (d->st->routes_len == OWN_ROUTES_MAX)
		return refuse(d, "more routes than fit", E2BIG);
	d->st->routes[d->st->routes_len++] = r;
	return MNL_CB_OK;
}

static int each_neigh(const struct nlmsghdr *nlh, void *data)
{
	static const uint16_t learned = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;
	struct dump *d = data;
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct own_neigh n = { .family = ndm->ndm_family,
			       .flags = ndm->ndm_flags &
					(NTF_PROXY | NTF_ROUTER | NTF_EXT_LEARNED),
			       .state = ndm->ndm_state };
	const struct nlattr *attr;
	int is_fixed;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || !is_ip(ndm->ndm_family) ||
	    (int)ndm->ndm_ifindex != d->st->ifindex)
		return MNL_CB_OK;
	is_fixed = (ndm->ndm_flags & NTF_PROXY) || (ndm->ndm_state & NUD_PERMANENT);
	/* What is being asked for, has failed, or needs no question (NUD_NOARP) is nobody's loss. */
	if (!is_fixed && !(ndm->ndm_state & learned))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		switch (mnl_attr_get_type(attr)) {
		case NDA_DST:
			attr_bytes(attr, n.addr, sizeof(n.addr));
			break;
		case NDA_LLADDR:
			if (mnl_attr_get_payload_len(attr) != sizeof(n.lladdr))
				return MNL_CB_OK;
			attr_bytes(attr, n.lladdr, sizeof(n.lladdr));
			n.lladdr_len = sizeof(n.lladdr);
			break;
		case NDA_PROTOCOL:
			n.proto = mnl_attr_get_u8(attr);
			break;
		}
	}
	if (d->st->neighs_len == OWN_NEIGHS_MAX) {
		if (is_fixed)
			return refuse(d, "more permanent neighbours than fit", E2BIG);
		d->st->neighs_left_out++;
		return MNL_CB_OK;
	}
	d->st->neighs[d->st->neighs_len++] = n;
	return MNL_CB_OK;
}

static int each_link(const struct nlmsghdr *nlh, void *data)
{
	struct own_state *st = data;
	const struct nlattr *spec = NULL, *attr, *in6;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS)
			attr_bytes(attr, st->mac, sizeof(st->mac));
		if (mnl_attr_get_type(attr) == IFLA_AF_SPEC)
			spec = attr;
	}
	if (!spec)
		return MNL_CB_OK;
	mnl_attr_for_each_nested(attr, spec)
	{
		if (mnl_attr_get_type(attr) != AF_INET6)
			continue;
		mnl_attr_for_each_nested(in6, attr)
		{
			if (mnl_attr_get_type(in6) == IFLA_INET6_ADDR_GEN_MODE)
				st->addr_gen_mode = mnl_attr_get_u8(in6);
		}
	}
	return MNL_CB_OK;
}

/* ---- sysctls ---- */

int own_sysctl_get(const char *ifname, const char *name, int *value)
{
	char path[96], text[16];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", ifname, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	*value = atoi(text);
	return 0;
}

int own_sysctl_set(const char *ifname, const char *name, int value)
{
	char path[96], text[16];
	int fd, rc = 0, len = snprintf(text, sizeof(text), "%d", value);

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", ifname, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)len) != len)
		rc = -errno;
	close(fd);
	return rc;
}

static void read_sysctls(struct own_state *st)
{
	int value, i;

	st->has_ipv6 = !own_sysctl_get(st->ifname, "disable_ipv6", &value) && !value;
	for (i = 0; i < OWN_SYSCTLS; i++) {
		if (own_sysctl_get(st->ifname, own_sysctls[i], &value))
			continue;
		st->has_sysctl[i] = 1;
		st->sysctls[i] = value;
	}
}

/* ---- the dumps ---- */

static struct nlmsghdr *ask_for(char *buf, int type, size_t header_len, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	mnl_nlmsg_put_extra_header(nlh, header_len); /* zeroed: every family */
	return nlh;
}

int own_dump(struct rtnl *t, struct own_state *st, unsigned int what, char *err, size_t err_len)
{
	char buf[RTNL_REQUEST_BYTES];
	struct dump d = { .st = st };
	struct nlmsghdr *nlh;
	int rc;

	nlh = ask_for(buf, RTM_GETADDR, sizeof(struct ifaddrmsg), NLM_F_DUMP);
	rc = rtnl_ask(t, nlh, each_addr, &d);
	if (!rc && (what & OWN_DUMP_ROUTES)) {
		nlh = ask_for(buf, RTM_GETROUTE, sizeof(struct rtmsg), NLM_F_DUMP);
		rc = rtnl_ask(t, nlh, each_route, &d);
	}
	/* Proxies first, and so never left out for a learned one. */
	if (!rc && (what & OWN_DUMP_NEIGHS)) {
		nlh = ask_for(buf, RTM_GETNEIGH, sizeof(struct ndmsg), NLM_F_DUMP);
		((struct ndmsg *)mnl_nlmsg_get_payload(nlh))->ndm_flags = NTF_PROXY;
		rc = rtnl_ask(t, nlh, each_neigh, &d);
	}
	if (!rc && (what & OWN_DUMP_NEIGHS)) {
		nlh = ask_for(buf, RTM_GETNEIGH, sizeof(struct ndmsg), NLM_F_DUMP);
		rc = rtnl_ask(t, nlh, each_neigh, &d);
	}
	if (rc)
		say(err, err_len, "%s: %s: %s", st->ifname,
		    d.why ? d.why : "reading addresses, routes and neighbours", strerror(-rc));
	return rc;
}

int64_t own_boottime_sec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

void own_init_state(struct own_state *st, const char *ifname, int ifindex)
{
	memset(st, 0, sizeof(*st));
	st->ifindex = ifindex;
	snprintf(st->ifname, sizeof(st->ifname), "%s", ifname);
}

static int is_tentative(const struct own_state *st)
{
	uint32_t i;

	for (i = 0; i < st->addrs_len; i++) {
		if ((st->addrs[i].flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == IFA_F_TENTATIVE)
			return 1;
	}
	return 0;
}

int own_read(const char *ifname, struct own_state *st, char *err, size_t err_len)
{
	const unsigned int ifindex = if_nametoindex(ifname);
	const struct timespec pause = { .tv_nsec = DAD_POLL_NS };
	char buf[RTNL_REQUEST_BYTES];
	struct nlmsghdr *nlh;
	struct rtnl t;
	int rc, i;

	own_init_state(st, ifname, (int)ifindex);
	if (!ifindex) {
		rc = -errno;
		say(err, err_len, "%s: %s", ifname, strerror(-rc));
		return rc;
	}
	rc = rtnl_open(&t, NETLINK_ROUTE);
	if (rc) {
		say(err, err_len, "%s: netlink: %s", ifname, strerror(-rc));
		return rc;
	}
	nlh = ask_for(buf, RTM_GETLINK, sizeof(struct ifinfomsg), NLM_F_ACK);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_index = (int)ifindex;
	rc = rtnl_ask(&t, nlh, each_link, st);
	if (rc) {
		say(err, err_len, "%s: reading the interface: %s", ifname, strerror(-rc));
		goto out;
	}
	for (i = 0; !(rc = own_dump(&t, st, 0, err, err_len)) && is_tentative(st) &&
		    i < DAD_POLLS_MAX;
	     i++) {
		st->addrs_len = 0;
		nanosleep(&pause, NULL);
	}
	st->addrs_len = 0;
	st->taken_sec = own_boottime_sec();
	read_sysctls(st);
	if (!rc)
		rc = own_dump(&t, st, OWN_DUMP_ROUTES | OWN_DUMP_NEIGHS, err, err_len);
out:
	rtnl_close(&t);
	return rc;
}
