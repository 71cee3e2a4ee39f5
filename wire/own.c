// SPDX-License-Identifier: GPL-2.0-only
/*
 * own.c - takes an interface's IPv4 addresses and routes from the host, puts them back, and mutes the host stack
 *
 * Theory of operation
 *
 * take:	dump addresses -> dump routes -> delete the routes -> delete the addresses, last first
 * restore:	add the missing addresses, first first -> add the missing routes -> delete kernel routes not in the record
 *
 * Addresses are deleted in reverse because deleting a primary address deletes or promotes its secondaries; adding them in
 * the order of the dump makes the same primaries again. Routes are deleted by name before the addresses, although the
 * kernel flushes most of them with the last address, so that a failure is seen. The routes that the kernel makes for an
 * added address are compared with the record and not assumed: the administrator may have removed or changed them.
 * A route by a gateway needs the gateway reachable, so adding goes round the list until a whole round adds nothing.
 *
 * Restoring works from the difference between record and host; it is therefore also how a failed take is undone, and
 * harmless twice.
 *
 * mute: a frame passes AF_PACKET sockets first, then tc ingress (tcx), then netfilter's netdev ingress, then the protocols.
 * Dropping at one of the two middle points hides it from the whole host stack and leaves the packet wire alone. Both are
 * tied to a descriptor by the kernel (a BPF link; a table with NFT_TABLE_F_OWNER), so that no death of the process leaves
 * the host deaf. Alternatives that were measured are in the commit that added this file. Not covered: what the host sends
 * by itself on the interface (IPv6 router solicitation, MLD).
 *
 * Limits: see own.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/if_addr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "own.h"

/* Larger than the kernel's dump messages (32 KiB at most). */
#define DUMP_BYTES 32768
#define REQUEST_BYTES 1024

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif
/* enum bpf_attach_type since Linux 6.6; tcx's verdict is tc's TC_ACT_SHOT. */
#define BPF_TCX_INGRESS_TYPE 46
#define TCX_DROP_VERDICT 2

#define AT(array) (sizeof(array) / sizeof((array)[0]))

__attribute__((format(printf, 3, 4)))
static void say(char *err, size_t err_len, const char *format, ...)
{
	va_list args;

	if (!err || !err_len)
		return;
	va_start(args, format);
	vsnprintf(err, err_len, format, args);
	va_end(args);
}

/* ---- netlink ---------------------------------------------------------------------------------------------------- */

struct talk {
	struct mnl_socket *nl;
	uint32_t seq;
};

static int talk_open(struct talk *t, int bus)
{
	t->seq = 0;
	t->nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!t->nl)
		return -errno;
	if (mnl_socket_bind(t->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		const int rc = -errno;

		mnl_socket_close(t->nl);
		return rc;
	}
	return 0;
}

/* Send a request and hand every answer to `each` until its end. 0 or -errno. */
static int talk_ask(struct talk *t, struct nlmsghdr *nlh, mnl_cb_t each, void *data)
{
	char buf[DUMP_BYTES];
	int rc = MNL_CB_OK;

	nlh->nlmsg_seq = ++t->seq;
	if (mnl_socket_sendto(t->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (rc > MNL_CB_STOP) {
		const ssize_t n = mnl_socket_recvfrom(t->nl, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)n, t->seq, mnl_socket_get_portid(t->nl), each, data);
	}
	return rc < 0 ? -errno : 0;
}

static uint32_t attr_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	if (mnl_attr_get_payload_len(attr) >= sizeof(value))
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return value;
}

/* ---- dump ------------------------------------------------------------------------------------------------------- */

struct dump {
	struct own_state *st;
	const char *why;	/* what was refused; the callback answers with an error then */
};

static int refuse(struct dump *d, const char *why, int err)
{
	d->why = why;
	errno = err;
	return MNL_CB_ERROR;
}

static int each_addr(const struct nlmsghdr *nlh, void *data)
{
	struct dump *d = data;
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct own_addr a = { .prefix_len = ifa->ifa_prefixlen, .scope = ifa->ifa_scope, .flags = ifa->ifa_flags,
			      .valid_sec = UINT32_MAX, .preferred_sec = UINT32_MAX };
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_family != AF_INET || (int)ifa->ifa_index != d->st->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		switch (mnl_attr_get_type(attr)) {
		case IFA_LOCAL:
			a.addr = attr_u32(attr);
			break;
		case IFA_ADDRESS:
			a.peer = attr_u32(attr);
			break;
		case IFA_BROADCAST:
			a.broadcast = attr_u32(attr);
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
			snprintf(a.label, sizeof(a.label), "%.*s", (int)mnl_attr_get_payload_len(attr),
				 mnl_attr_get_str(attr));
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
	if (d->st->addrs_len == OWN_ADDRS_MAX)
		return refuse(d, "more IPv4 addresses than fit", E2BIG);
	d->st->addrs[d->st->addrs_len++] = a;
	return MNL_CB_OK;
}

static int has_addr(const struct own_state *st, uint32_t addr)
{
	uint32_t i;

	for (i = 0; i < st->addrs_len; i++) {
		if (st->addrs[i].addr == addr)
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

static int each_route(const struct nlmsghdr *nlh, void *data)
{
	struct dump *d = data;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct own_route r = { .prefix_len = rtm->rtm_dst_len, .tos = rtm->rtm_tos, .proto = rtm->rtm_protocol,
			       .scope = rtm->rtm_scope, .type = rtm->rtm_type, .table = rtm->rtm_table,
			       .flags = rtm->rtm_flags & RTNH_F_ONLINK };
	const char *strange = NULL;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_family != AF_INET || (rtm->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			r.dst = attr_u32(attr);
			break;
		case RTA_GATEWAY:
			r.gateway = attr_u32(attr);
			break;
		case RTA_PREFSRC:
			r.prefsrc = attr_u32(attr);
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
	if (r.table == RT_TABLE_LOCAL || (r.oif != d->st->ifindex && !(r.prefsrc && has_addr(d->st, r.prefsrc))))
		return MNL_CB_OK;
	if (strange)
		return refuse(d, strange, EOPNOTSUPP);
	if (d->st->routes_len == OWN_ROUTES_MAX)
		return refuse(d, "more routes than fit", E2BIG);
	d->st->routes[d->st->routes_len++] = r;
	return MNL_CB_OK;
}

/* Fill addrs and routes of `st` from the host. The routes that count depend on the addresses, hence the order. */
static int dump_state(struct talk *t, struct own_state *st, char *err, size_t err_len)
{
	char buf[REQUEST_BYTES];
	struct dump d = { .st = st };
	struct nlmsghdr *nlh;
	struct ifaddrmsg *ifa;
	struct rtmsg *rtm;
	int rc;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	rc = talk_ask(t, nlh, each_addr, &d);
	if (!rc) {
		nlh = mnl_nlmsg_put_header(buf);
		nlh->nlmsg_type = RTM_GETROUTE;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		rtm->rtm_family = AF_INET;
		rc = talk_ask(t, nlh, each_route, &d);
	}
	if (rc)
		say(err, err_len, "%s: %s: %s", st->ifname, d.why ? d.why : "reading addresses and routes", strerror(-rc));
	return rc;
}

/* ---- change ----------------------------------------------------------------------------------------------------- */

static uint32_t lifetime_left(uint32_t sec, int64_t elapsed)
{
	if (sec == UINT32_MAX)
		return sec;
	/* Not 0, which the kernel refuses: who manages the address will see it expire. */
	return sec > elapsed ? (uint32_t)(sec - elapsed) : 1;
}

static int change_addr(struct talk *t, const struct own_state *st, const struct own_addr *a, int type, int64_t elapsed)
{
	char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa;

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (type == RTM_NEWADDR)
		nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = a->prefix_len;
	ifa->ifa_scope = a->scope;
	ifa->ifa_index = (unsigned int)st->ifindex;
	mnl_attr_put_u32(nlh, IFA_LOCAL, a->addr);
	mnl_attr_put_u32(nlh, IFA_ADDRESS, a->peer);
	if (a->label[0])
		mnl_attr_put_strz(nlh, IFA_LABEL, a->label);
	if (type == RTM_NEWADDR) {
		/* The kernel decides itself what is secondary, and permanent follows from the lifetime. */
		mnl_attr_put_u32(nlh, IFA_FLAGS, a->flags & ~(uint32_t)(IFA_F_SECONDARY | IFA_F_PERMANENT));
		if (a->broadcast)
			mnl_attr_put_u32(nlh, IFA_BROADCAST, a->broadcast);
		if (a->metric)
			mnl_attr_put_u32(nlh, IFA_RT_PRIORITY, a->metric);
		if (a->proto)
			mnl_attr_put_u8(nlh, IFA_PROTO, a->proto);
		if (a->valid_sec != UINT32_MAX || a->preferred_sec != UINT32_MAX) {
			const struct ifa_cacheinfo ci = {
				.ifa_valid = lifetime_left(a->valid_sec, elapsed),
				.ifa_prefered = a->preferred_sec ? lifetime_left(a->preferred_sec, elapsed) : 0,
			};

			mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(ci), &ci);
		}
	}
	return talk_ask(t, nlh, NULL, NULL);
}

static int change_route(struct talk *t, const struct own_route *r, int type)
{
	char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	/* Append: two routes may differ in nothing but the gateway, and their order is their rank. */
	if (type == RTM_NEWROUTE)
		nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_APPEND;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = r->prefix_len;
	rtm->rtm_tos = r->tos;
	rtm->rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	rtm->rtm_protocol = r->proto;
	rtm->rtm_scope = r->scope;
	rtm->rtm_type = r->type;
	rtm->rtm_flags = r->flags;
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (r->prefix_len)
		mnl_attr_put_u32(nlh, RTA_DST, r->dst);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)r->oif);
	if (r->gateway)
		mnl_attr_put_u32(nlh, RTA_GATEWAY, r->gateway);
	if (r->prefsrc)
		mnl_attr_put_u32(nlh, RTA_PREFSRC, r->prefsrc);
	if (r->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	if (r->realm)
		mnl_attr_put_u32(nlh, RTA_FLOW, r->realm);
	if (r->metrics_len)
		mnl_attr_put(nlh, RTA_METRICS, r->metrics_len, r->metrics);
	return talk_ask(t, nlh, NULL, NULL);
}

static int same_route(const struct own_route *a, const struct own_route *b)
{
	return a->dst == b->dst && a->gateway == b->gateway && a->prefsrc == b->prefsrc && a->metric == b->metric &&
	       a->table == b->table && a->realm == b->realm && a->flags == b->flags && a->oif == b->oif &&
	       a->prefix_len == b->prefix_len && a->tos == b->tos && a->proto == b->proto && a->scope == b->scope &&
	       a->type == b->type && a->metrics_len == b->metrics_len &&
	       !memcmp(a->metrics, b->metrics, a->metrics_len);
}

static int has_route(const struct own_state *st, const struct own_route *r)
{
	uint32_t i;

	for (i = 0; i < st->routes_len; i++) {
		if (same_route(&st->routes[i], r))
			return 1;
	}
	return 0;
}

static int has_same_addr(const struct own_state *st, const struct own_addr *a)
{
	uint32_t i;

	for (i = 0; i < st->addrs_len; i++) {
		if (st->addrs[i].addr == a->addr && st->addrs[i].peer == a->peer &&
		    st->addrs[i].prefix_len == a->prefix_len)
			return 1;
	}
	return 0;
}

static int64_t boottime_sec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

static void init_state(struct own_state *st, const char *ifname, int ifindex)
{
	memset(st, 0, sizeof(*st));
	st->ifindex = ifindex;
	snprintf(st->ifname, sizeof(st->ifname), "%s", ifname);
}

static int restore_addrs(struct talk *t, const struct own_state *st, char *err, size_t err_len)
{
	const int64_t elapsed = boottime_sec() - st->taken_sec;
	struct own_state now;
	uint32_t i;
	int rc;

	init_state(&now, st->ifname, st->ifindex);
	rc = dump_state(t, &now, err, err_len);
	for (i = 0; !rc && i < st->addrs_len; i++) {
		if (has_same_addr(&now, &st->addrs[i]))
			continue;
		rc = change_addr(t, st, &st->addrs[i], RTM_NEWADDR, elapsed);
		if (rc)
			say(err, err_len, "%s: adding an address: %s", st->ifname, strerror(-rc));
	}
	return rc;
}

static int restore_routes(struct talk *t, const struct own_state *st, char *err, size_t err_len)
{
	struct own_state now;
	uint8_t missing[OWN_ROUTES_MAX] = { 0 };
	uint32_t i, left = 0, before;
	int rc, last = 0;

	init_state(&now, st->ifname, st->ifindex);
	rc = dump_state(t, &now, err, err_len);
	if (rc)
		return rc;
	for (i = 0; i < st->routes_len; i++) {
		missing[i] = !has_route(&now, &st->routes[i]);
		left += missing[i];
	}
	do {
		before = left;
		for (i = 0; i < st->routes_len; i++) {
			if (!missing[i])
				continue;
			rc = change_route(t, &st->routes[i], RTM_NEWROUTE);
			if (rc) {
				last = rc;
			} else {
				missing[i] = 0;
				left--;
			}
		}
	} while (left && left < before);
	/*
	 * Only what the kernel makes with an address; what somebody else added meanwhile is theirs. Last, because a gateway
	 * in the record may have been reachable by such a route when its own route was made.
	 */
	for (i = 0; i < now.routes_len; i++) {
		if (now.routes[i].proto == RTPROT_KERNEL && !has_route(st, &now.routes[i]))
			change_route(t, &now.routes[i], RTM_DELROUTE);
	}
	if (left)
		say(err, err_len, "%s: %u routes could not be put back: %s", st->ifname, left, strerror(-last));
	return left ? last : 0;
}

static int restore(struct talk *t, const struct own_state *st, char *err, size_t err_len)
{
	int rc = restore_addrs(t, st, err, err_len);

	return rc ? rc : restore_routes(t, st, err, err_len);
}

int own_take(const char *ifname, struct own_state *st, char *err, size_t err_len)
{
	const unsigned int ifindex = if_nametoindex(ifname);
	char undo[160] = "";
	struct talk t;
	uint32_t i;
	int rc;

	init_state(st, ifname, (int)ifindex);
	if (!ifindex) {
		rc = -errno;
		say(err, err_len, "%s: %s", ifname, strerror(-rc));
		return rc;
	}
	rc = talk_open(&t, NETLINK_ROUTE);
	if (rc) {
		say(err, err_len, "%s: netlink: %s", ifname, strerror(-rc));
		return rc;
	}
	st->taken_sec = boottime_sec();
	rc = dump_state(&t, st, err, err_len);
	if (rc)
		goto out;
	for (i = 0; i < st->routes_len; i++) {
		rc = change_route(&t, &st->routes[i], RTM_DELROUTE);
		/* ESRCH: another deletion took it along. */
		if (rc && rc != -ESRCH) {
			say(err, err_len, "%s: removing a route: %s", ifname, strerror(-rc));
			goto err_undo;
		}
	}
	for (i = st->addrs_len; i > 0; i--) {
		rc = change_addr(&t, st, &st->addrs[i - 1], RTM_DELADDR, 0);
		if (rc && rc != -EADDRNOTAVAIL) {
			say(err, err_len, "%s: removing an address: %s", ifname, strerror(-rc));
			goto err_undo;
		}
	}
	rc = 0;
	goto out;

err_undo:
	if (restore(&t, st, undo, sizeof(undo)) && err) {
		const size_t used = strlen(err);

		say(err + used, err_len - used, "; and then: %s", undo);
	}
out:
	mnl_socket_close(t.nl);
	return rc;
}

int own_restore(const struct own_state *st, char *err, size_t err_len)
{
	struct talk t;
	int rc = talk_open(&t, NETLINK_ROUTE);

	if (rc) {
		say(err, err_len, "%s: netlink: %s", st->ifname, strerror(-rc));
		return rc;
	}
	rc = restore(&t, st, err, err_len);
	mnl_socket_close(t.nl);
	return rc;
}

/* ---- mute ------------------------------------------------------------------------------------------------------- */

static int bpf_call(int cmd, union bpf_attr *attr)
{
	const long rc = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return rc < 0 ? -errno : (int)rc;
}

static int mute_tcx(const char *ifname, int ifindex)
{
	/* r0 = drop; return r0 */
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TCX_DROP_VERDICT },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;
	int prog_fd, link_fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = AT(program);
	attr.license = (uint64_t)(uintptr_t)"GPL";
	memcpy(attr.prog_name, "accd_mute", sizeof("accd_mute"));
	prog_fd = bpf_call(BPF_PROG_LOAD, &attr);
	if (prog_fd < 0)
		return prog_fd;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)prog_fd;
	attr.link_create.target_ifindex = (uint32_t)ifindex;
	attr.link_create.attach_type = BPF_TCX_INGRESS_TYPE;
	link_fd = bpf_call(BPF_LINK_CREATE, &attr);
	close(prog_fd);
	return link_fd;
}

static struct nlmsghdr *nft_put(struct mnl_nlmsg_batch *batch, uint16_t type, uint16_t flags, uint8_t family,
				uint16_t res_id, uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(batch));
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

/* table netdev accd-PID-IF { flags owner; chain in { type filter hook ingress device IF priority -500; policy drop; } } */
static int mute_nft(const char *ifname, int ifindex)
{
	static const uint16_t base = NFNL_SUBSYS_NFTABLES << 8;
	char buf[REQUEST_BYTES], answer[DUMP_BYTES], table[40];
	struct mnl_nlmsg_batch *batch;
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	struct talk t;
	int fd, rc, acks;

	rc = talk_open(&t, NETLINK_NETFILTER);
	if (rc)
		return rc;
	snprintf(table, sizeof(table), "accd-%d-%s", (int)getpid(), ifname);
	batch = mnl_nlmsg_batch_start(buf, sizeof(buf) / 2);
	if (!batch) {
		rc = -ENOMEM;
		goto err_close;
	}
	nft_put(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 1);
	mnl_nlmsg_batch_next(batch);

	nlh = nft_put(batch, base | NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_NETDEV, 0, 2);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER));
	mnl_nlmsg_batch_next(batch);

	nlh = nft_put(batch, base | NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_NETDEV, 0, 3);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, "in");
	nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)-500));
	mnl_attr_put_strz(nlh, NFTA_HOOK_DEV, ifname);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_nlmsg_batch_next(batch);

	nft_put(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 4);
	mnl_nlmsg_batch_next(batch);

	rc = mnl_socket_sendto(t.nl, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0 ? -errno : 0;
	mnl_nlmsg_batch_stop(batch);
	for (acks = 0; !rc && acks < 2;) {
		int n = (int)mnl_socket_recvfrom(t.nl, answer, sizeof(answer));

		if (n < 0)
			rc = -errno;
		/* One datagram may hold both acknowledgements. */
		for (nlh = (void *)answer; !rc && mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type == NLMSG_ERROR) {
				rc = e->error;
				acks++;
			}
		}
	}
	if (rc)
		goto err_close;
	/* The table lives as long as this socket; keep a plain descriptor of it. */
	fd = fcntl(mnl_socket_get_fd(t.nl), F_DUPFD_CLOEXEC, 0);
	rc = fd < 0 ? -errno : fd;

err_close:
	mnl_socket_close(t.nl);
	return rc;
}

struct mute_method {
	unsigned int bit;
	const char *text;
	int (*open)(const char *ifname, int ifindex);
};

static const struct mute_method mute_methods[] = {
	{ OWN_MUTE_TCX, "tcx", mute_tcx },
	{ OWN_MUTE_NFT, "nftables", mute_nft },
};

int own_mute(const char *ifname, unsigned int methods, unsigned int *method, char *err, size_t err_len)
{
	const unsigned int ifindex = if_nametoindex(ifname);
	int rcs[AT(mute_methods)] = { 0 };
	size_t i;

	if (!ifindex) {
		const int rc = -errno;

		say(err, err_len, "%s: %s", ifname, strerror(-rc));
		return rc;
	}
	for (i = 0; i < AT(mute_methods); i++) {
		if (methods && !(methods & mute_methods[i].bit))
			continue;
		rcs[i] = mute_methods[i].open(ifname, (int)ifindex);
		if (rcs[i] >= 0) {
			if (method)
				*method = mute_methods[i].bit;
			return rcs[i];
		}
	}
	say(err, err_len, "%s: cannot hide frames from the host stack: tcx: %s, nftables: %s", ifname, strerror(-rcs[0]),
	    strerror(-rcs[1]));
	return -EOPNOTSUPP;
}
