// SPDX-License-Identifier: GPL-2.0-only
/*
 * own.c - takes an interface's addresses, routes and neighbours from the host, gives them to a
 * stack, puts them back
 *
 * Theory of operation
 *
 * remove:	delete routes -> delete addresses, last first -> disable IPv6 on the interface
 * restore:	enable IPv6 -> add missing addresses, first first -> add missing routes -> delete
 *		kernel routes that are not in the record -> add missing neighbours
 * give:	the same messages as for restoring, sent to a stack, with its interface's index
 *
 * Addresses are deleted in reverse because deleting a primary address deletes or promotes its
 * secondaries; adding them in the order of the dump makes the same primaries again (IPv6 has no
 * secondaries and lists the newest first, so there the last of the dump is added first). Routes are
 * deleted by name before the addresses, although the kernel flushes most of them with the last
 * address, so that a failure is seen. The routes that the kernel makes for an added address are
 * compared with the record and not assumed: the administrator may have removed or changed them. A
 * route by a gateway needs the gateway reachable, so adding goes round the list until a whole round
 * adds nothing. Neighbours need no deletion: the kernel drops them all, permanent ones too, with
 * the family's last address.
 *
 * IPv6. An interface that has lost its addresses makes a new link-local one at the next change of
 * carrier, and listens to router advertisements. While it is ours IPv6 is therefore disabled there
 * (net.ipv6.conf.IF.disable_ipv6); this also keeps the host from sending router solicitations and
 * MLD reports. Enabling it would make a link-local address and check it for a second, so the
 * address generation mode is `none` for that moment; then ours is added with IFA_F_NODAD and gets
 * its recorded flags in a second request, which the kernel does not check again.
 *
 * Restoring works from the difference between record and host; it is therefore also how a failed
 * take is undone, and harmless twice.
 *
 * Limits: see own.h.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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
#ifndef IFAPROT_KERNEL_RA
#define IFAPROT_KERNEL_RA 2
#endif
#define ADDR_GEN_MODE_NONE 1 /* IN6_ADDR_GEN_MODE_NONE, for which <linux/if_link.h> has an enum */

/* Where messages go: to the host by netlink, or to a stack by its caller's function. */
struct target {
	int (*send)(void *ctx, struct nlmsghdr *nlh);
	void *ctx;
	int ifindex;
};

static int send_to_host(void *ctx, struct nlmsghdr *nlh)
{
	return rtnl_ask(ctx, nlh, NULL, NULL);
}

static struct target host_target(struct rtnl *t, const struct own_state *st)
{
	return (struct target){ .send = send_to_host, .ctx = t, .ifindex = st->ifindex };
}

/* ---- messages -------------------------------------------------------------------------------- */

static struct nlmsghdr *put_request(char *buf, int type, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return nlh;
}

static uint32_t lifetime_left(uint32_t sec, int64_t elapsed)
{
	if (sec == UINT32_MAX)
		return sec;
	/* Not 0, which the kernel refuses: who manages the address will see it expire. */
	return sec > elapsed ? (uint32_t)(sec - elapsed) : 1;
}

/* `flags` are the IFA_F_* to set; only RTM_NEWADDR looks at them and at what follows. */
static int change_addr(const struct target *to, const struct own_addr *a, int type, int nl_flags,
		       uint32_t flags, uint32_t valid_sec, uint32_t preferred_sec)
{
	const unsigned int bytes = own_addr_bytes(a->family);
	const int has_peer = memcmp(a->addr, a->peer, bytes) != 0;
	char buf[RTNL_REQUEST_BYTES];
	struct nlmsghdr *nlh = put_request(buf, type, nl_flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = a->family;
	ifa->ifa_prefixlen = a->prefix_len;
	ifa->ifa_scope = a->scope;
	ifa->ifa_index = (unsigned int)to->ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, bytes, a->addr);
	/* IPv6 takes an IFA_ADDRESS for a peer even if it is the same. */
	if (a->family == AF_INET || has_peer)
		mnl_attr_put(nlh, IFA_ADDRESS, bytes, a->peer);
	if (a->label[0])
		mnl_attr_put_strz(nlh, IFA_LABEL, a->label);
	if (type == RTM_NEWADDR) {
		const uint32_t none = 0;

		mnl_attr_put_u32(nlh, IFA_FLAGS, flags);
		if (memcmp(a->broadcast, &none, sizeof(none)))
			mnl_attr_put(nlh, IFA_BROADCAST, sizeof(a->broadcast), a->broadcast);
		if (a->metric)
			mnl_attr_put_u32(nlh, IFA_RT_PRIORITY, a->metric);
		if (a->proto)
			mnl_attr_put_u8(nlh, IFA_PROTO, a->proto);
		if (valid_sec != UINT32_MAX || preferred_sec != UINT32_MAX) {
			const struct ifa_cacheinfo ci = { .ifa_valid = valid_sec,
							  .ifa_prefered = preferred_sec };

			mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(ci), &ci);
		}
	}
	return to->send(to->ctx, nlh);
}

/*
 * Add an address as it was. The kernel decides itself what is secondary, and permanent and
 * deprecated follow from the lifetimes.
 */
static int add_addr(const struct target *to, const struct own_addr *a, int64_t elapsed)
{
	const uint32_t flags = a->flags & ~(uint32_t)(IFA_F_SECONDARY | IFA_F_PERMANENT |
						      IFA_F_DEPRECATED | IFA_F_TENTATIVE |
						      IFA_F_DADFAILED);
	const uint32_t valid = lifetime_left(a->valid_sec, elapsed);
	const uint32_t preferred = a->preferred_sec ? lifetime_left(a->preferred_sec, elapsed) : 0;
	int rc;

	if (a->family == AF_INET)
		return change_addr(to, a, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
				   a->flags & ~(uint32_t)(IFA_F_SECONDARY | IFA_F_PERMANENT), valid,
				   preferred);
	/* Was never valid: whoever gets it checks it. */
	if (a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
		return change_addr(to, a, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, flags, valid,
				   preferred);
	rc = change_addr(to, a, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, flags | IFA_F_NODAD, valid,
			 preferred);
	if (!rc && !(a->flags & IFA_F_NODAD))
		rc = change_addr(to, a, RTM_NEWADDR, NLM_F_REPLACE, flags, valid, preferred);
	return rc;
}

static int change_route(const struct target *to, const struct own_route *r, int type, int64_t elapsed)
{
	const unsigned int bytes = own_addr_bytes(r->family);
	char buf[RTNL_REQUEST_BYTES];
	/*
	 * Append: two routes may differ in nothing but the gateway, and their order is their rank.
	 */
	struct nlmsghdr *nlh =
		put_request(buf, type, type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_APPEND : 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = r->family;
	rtm->rtm_dst_len = r->prefix_len;
	rtm->rtm_tos = r->tos;
	rtm->rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	rtm->rtm_protocol = r->proto;
	rtm->rtm_scope = r->scope;
	rtm->rtm_type = r->type;
	rtm->rtm_flags = r->flags;
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (r->prefix_len)
		mnl_attr_put(nlh, RTA_DST, bytes, r->dst);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)r->oif);
	if (r->has_gateway)
		mnl_attr_put(nlh, RTA_GATEWAY, bytes, r->gateway);
	if (r->has_prefsrc)
		mnl_attr_put(nlh, RTA_PREFSRC, bytes, r->prefsrc);
	if (r->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	if (r->realm)
		mnl_attr_put_u32(nlh, RTA_FLOW, r->realm);
	if (r->metrics_len)
		mnl_attr_put(nlh, RTA_METRICS, r->metrics_len, r->metrics);
	if (r->has_pref)
		mnl_attr_put_u8(nlh, RTA_PREF, r->pref);
	if (r->expires_sec && type == RTM_NEWROUTE)
		mnl_attr_put_u32(nlh, RTA_EXPIRES, lifetime_left(r->expires_sec, elapsed));
	return to->send(to->ctx, nlh);
}

static int add_neigh(const struct target *to, const struct own_neigh *n)
{
	char buf[RTNL_REQUEST_BYTES];
	struct nlmsghdr *nlh = put_request(buf, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = n->family;
	ndm->ndm_ifindex = to->ifindex;
	ndm->ndm_flags = n->flags;
	/* A learned one is a hint: stale entries are used, and checked while they are. */
	ndm->ndm_state = n->state & NUD_PERMANENT ? NUD_PERMANENT : NUD_STALE;
	mnl_attr_put(nlh, NDA_DST, own_addr_bytes(n->family), n->addr);
	if (n->lladdr_len)
		mnl_attr_put(nlh, NDA_LLADDR, n->lladdr_len, n->lladdr);
	if (n->proto)
		mnl_attr_put_u8(nlh, NDA_PROTOCOL, n->proto);
	return to->send(to->ctx, nlh);
}

/* ---- what is there already ------------------------------------------------------------------- */

/* Not compared: expiry, which runs on, and what the kernel adds by itself. */
static int same_route(const struct own_route *a, const struct own_route *b)
{
	return a->family == b->family && !memcmp(a->dst, b->dst, sizeof(a->dst)) &&
	       !memcmp(a->gateway, b->gateway, sizeof(a->gateway)) &&
	       !memcmp(a->prefsrc, b->prefsrc, sizeof(a->prefsrc)) && a->metric == b->metric &&
	       a->table == b->table && a->realm == b->realm && a->flags == b->flags &&
	       a->oif == b->oif && a->prefix_len == b->prefix_len && a->tos == b->tos &&
	       a->proto == b->proto && a->scope == b->scope && a->type == b->type &&
	       a->pref == b->pref && a->metrics_len == b->metrics_len &&
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
		const struct own_addr *b = &st->addrs[i];

		if (b->family == a->family && b->prefix_len == a->prefix_len &&
		    !memcmp(b->addr, a->addr, sizeof(a->addr)) &&
		    !memcmp(b->peer, a->peer, sizeof(a->peer)))
			return 1;
	}
	return 0;
}

static int has_neigh(const struct own_state *st, const struct own_neigh *n)
{
	uint32_t i;

	for (i = 0; i < st->neighs_len; i++) {
		const struct own_neigh *m = &st->neighs[i];

		if (m->family == n->family && !((m->flags ^ n->flags) & NTF_PROXY) &&
		    !memcmp(m->addr, n->addr, sizeof(n->addr)))
			return 1;
	}
	return 0;
}

/* ---- add what is missing --------------------------------------------------------------------- */

/*
 * Add a route whose gateway no route reaches (any more; it did when the route was made): lend it a
 * route for the time of the call.
 */
static int add_by_loan(const struct target *to, const struct own_route *r, int64_t elapsed)
{
	struct own_route loan = {
		.family = r->family,
		.prefix_len = (uint8_t)(8 * own_addr_bytes(r->family)),
		.table = RT_TABLE_MAIN,
		.oif = r->oif,
		.proto = RTPROT_STATIC,
		.scope = r->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.type = RTN_UNICAST,
		.metric = r->family == AF_INET ? 0 : 1,
	};
	int rc;

	memcpy(loan.dst, r->gateway, sizeof(loan.dst));
	rc = change_route(to, &loan, RTM_NEWROUTE, 0);
	if (rc)
		return rc;
	rc = change_route(to, r, RTM_NEWROUTE, elapsed);
	change_route(to, &loan, RTM_DELROUTE, 0);
	return rc;
}

/* Add the routes marked in `missing`. How many could not be added; *last is why. */
static uint32_t add_routes(const struct target *to, const struct own_route *routes, uint32_t routes_len,
			   uint8_t *missing, int64_t elapsed, int *last)
{
	uint32_t i, left = 0, before;
	int rc;

	for (i = 0; i < routes_len; i++)
		left += missing[i];
	do {
		before = left;
		for (i = 0; i < routes_len; i++) {
			if (!missing[i])
				continue;
			rc = change_route(to, &routes[i], RTM_NEWROUTE, elapsed);
			/* EEXIST: the kernel made it with an address that came after the look. */
			if (rc && rc != -EEXIST) {
				*last = rc;
			} else {
				missing[i] = 0;
				left--;
			}
		}
	} while (left && left < before);
	for (i = 0; i < routes_len && left; i++) {
		if (missing[i] && routes[i].has_gateway && !add_by_loan(to, &routes[i], elapsed))
			left--;
	}
	return left;
}

/* ---- restore --------------------------------------------------------------------------------- */

static int set_addr_gen_mode(struct rtnl *t, const struct own_state *st, uint8_t mode)
{
	char buf[RTNL_REQUEST_BYTES];
	struct nlmsghdr *nlh = put_request(buf, RTM_SETLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *spec, *in6;

	ifi->ifi_index = st->ifindex;
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	in6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, mode);
	mnl_attr_nest_end(nlh, in6);
	mnl_attr_nest_end(nlh, spec);
	return rtnl_ask(t, nlh, NULL, NULL);
}

/* The interface makes no address when IPv6 comes back: ours follow, and they are checked already. */
static int enable_ipv6(struct rtnl *t, const struct own_state *st, char *err, size_t err_len)
{
	int value, rc;

	if (!st->has_ipv6 || own_sysctl_get(st->ifname, "disable_ipv6", &value) || !value)
		return 0;
	set_addr_gen_mode(t, st, ADDR_GEN_MODE_NONE);
	rc = own_sysctl_set(st->ifname, "disable_ipv6", 0);
	set_addr_gen_mode(t, st, st->addr_gen_mode);
	if (rc)
		say(err, err_len, "%s: net.ipv6.conf.%s.disable_ipv6=0: %s", st->ifname, st->ifname,
		    strerror(-rc));
	return rc;
}

/*
 * The i-th address to add, so that the kernel lists them as they were: it puts an IPv4 address
 * behind those of its kind, one of IPv6 before them.
 */
static const struct own_addr *addr_in_turn(const struct own_state *st, uint32_t i)
{
	uint32_t ipv4_len = 0;

	while (ipv4_len < st->addrs_len && st->addrs[ipv4_len].family == AF_INET)
		ipv4_len++;
	return &st->addrs[i < ipv4_len ? i : st->addrs_len - 1 - (i - ipv4_len)];
}

static int restore_addrs(struct rtnl *t, const struct own_state *st, char *err, size_t err_len)
{
	const int64_t elapsed = own_boottime_sec() - st->taken_sec;
	const struct target to = host_target(t, st);
	struct own_state now;
	char text[INET6_ADDRSTRLEN];
	uint32_t i;
	int rc;

	own_init_state(&now, st->ifname, st->ifindex);
	rc = own_dump(t, &now, 0, err, err_len);
	for (i = 0; !rc && i < st->addrs_len; i++) {
		const struct own_addr *a = addr_in_turn(st, i);

		if (has_same_addr(&now, a))
			continue;
		rc = add_addr(&to, a, elapsed);
		if (rc)
			say(err, err_len, "%s: adding %s/%u: %s", st->ifname,
			    inet_ntop(a->family, a->addr, text, sizeof(text)), a->prefix_len,
			    strerror(-rc));
	}
	return rc;
}

static int restore_routes(struct rtnl *t, const struct own_state *st, char *err, size_t err_len)
{
	const struct target to = host_target(t, st);
	struct own_state now;
	uint8_t missing[OWN_ROUTES_MAX] = { 0 };
	uint32_t i, left;
	int rc, last = 0;

	own_init_state(&now, st->ifname, st->ifindex);
	rc = own_dump(t, &now, OWN_DUMP_ROUTES, err, err_len);
	if (rc)
		return rc;
	for (i = 0; i < st->routes_len; i++)
		missing[i] = !has_route(&now, &st->routes[i]);
	left = add_routes(&to, st->routes, st->routes_len, missing,
			  own_boottime_sec() - st->taken_sec, &last);
	/*
	 * Only what the kernel makes with an address; what somebody else added meanwhile is theirs.
	 * Last, because a gateway in the record may have been reachable by such a route when its
	 * own route was made.
	 */
	for (i = 0; i < now.routes_len; i++) {
		if (now.routes[i].proto == RTPROT_KERNEL && !has_route(st, &now.routes[i]))
			change_route(&to, &now.routes[i], RTM_DELROUTE, 0);
	}
	if (left)
		say(err, err_len, "%s: %u routes could not be put back: %s", st->ifname, left,
		    strerror(-last));
	return left ? last : 0;
}

static int restore_neighs(struct rtnl *t, const struct own_state *st, char *err, size_t err_len)
{
	const struct target to = host_target(t, st);
	struct own_state now;
	int rc, first = 0;
	uint32_t i;

	own_init_state(&now, st->ifname, st->ifindex);
	rc = own_dump(t, &now, OWN_DUMP_NEIGHS, err, err_len);
	if (rc)
		return rc;
	for (i = 0; i < st->neighs_len; i++) {
		if (has_neigh(&now, &st->neighs[i]))
			continue;
		rc = add_neigh(&to, &st->neighs[i]);
		/* EEXIST: the host has learned it again. A hint that is refused is no loss. */
		if (!rc || rc == -EEXIST || !(st->neighs[i].state & NUD_PERMANENT))
			continue;
		if (!first)
			say(err, err_len, "%s: adding a permanent neighbour: %s", st->ifname,
			    strerror(-rc));
		first = first ? first : rc;
	}
	return first;
}

static int restore(struct rtnl *t, const struct own_state *st, char *err, size_t err_len)
{
	int rc = enable_ipv6(t, st, err, err_len);

	if (!rc)
		rc = restore_addrs(t, st, err, err_len);
	if (!rc)
		rc = restore_routes(t, st, err, err_len);
	return rc ? rc : restore_neighs(t, st, err, err_len);
}

int own_restore(const struct own_state *st, char *err, size_t err_len)
{
	struct rtnl t;
	int rc = rtnl_open(&t, NETLINK_ROUTE);

	if (rc) {
		say(err, err_len, "%s: netlink: %s", st->ifname, strerror(-rc));
		return rc;
	}
	rc = restore(&t, st, err, err_len);
	rtnl_close(&t);
	return rc;
}

/* ---- take ------------------------------------------------------------------------------------ */

int own_remove(const struct own_state *st, char *err, size_t err_len)
{
	char undo[160] = "";
	struct target to;
	struct rtnl t;
	uint32_t i;
	int rc = rtnl_open(&t, NETLINK_ROUTE);

	if (rc) {
		say(err, err_len, "%s: netlink: %s", st->ifname, strerror(-rc));
		return rc;
	}
	to = host_target(&t, st);
	for (i = 0; i < st->routes_len; i++) {
		rc = change_route(&to, &st->routes[i], RTM_DELROUTE, 0);
		/* ESRCH: another deletion took it along. */
		if (rc && rc != -ESRCH) {
			say(err, err_len, "%s: removing a route: %s", st->ifname, strerror(-rc));
			goto err_undo;
		}
	}
	for (i = st->addrs_len; i > 0; i--) {
		rc = change_addr(&to, addr_in_turn(st, i - 1), RTM_DELADDR, 0, 0, 0, 0);
		if (rc && rc != -EADDRNOTAVAIL) {
			say(err, err_len, "%s: removing an address: %s", st->ifname, strerror(-rc));
			goto err_undo;
		}
	}
	/*
	 * A host that will not disable it (/proc/sys read-only) may make itself a link-local
	 * address; the mute keeps that one deaf.
	 */
	if (st->has_ipv6)
		own_sysctl_set(st->ifname, "disable_ipv6", 1);
	rc = 0;
	goto out;

err_undo:
	if (restore(&t, st, undo, sizeof(undo)) && err) {
		const size_t used = strlen(err);

		say(err + used, err_len - used, "; and then: %s", undo);
	}
out:
	rtnl_close(&t);
	return rc;
}

int own_take(const char *ifname, struct own_state *st, char *err, size_t err_len)
{
	int rc = own_read(ifname, st, err, err_len);

	return rc ? rc : own_remove(st, err, err_len);
}

/* ---- give ------------------------------------------------------------------------------------ */

static int send_to_stack(void *ctx, struct nlmsghdr *nlh)
{
	const struct own_stack *to = ctx;

	return to->send(to->ctx, nlh, nlh->nlmsg_len);
}

static int give_sysctl(const struct own_stack *to, const char *name, int value)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "net.ipv6.conf.%s.%s", to->ifname, name);
	snprintf(text, sizeof(text), "%d", value);
	return to->sysctl(to->ctx, path, text);
}

int own_give_sysctls(const struct own_state *st, const struct own_stack *to, unsigned int flags)
{
	int i;

	if (!st->has_ipv6)
		return give_sysctl(to, "disable_ipv6", 1);
	give_sysctl(to, "addr_gen_mode", ADDR_GEN_MODE_NONE);
	/* Temporary addresses of its own would be unknown to the host that gets the others back. */
	give_sysctl(to, "use_tempaddr", 0);
	for (i = 0; i < OWN_SYSCTLS; i++) {
		if (st->has_sysctl[i])
			give_sysctl(to, own_sysctls[i], st->sysctls[i]);
	}
	if (flags & OWN_GIVE_SHARED) {
		give_sysctl(to, "dad_transmits", 0);
		give_sysctl(to, "router_solicitations", 0);
	}
	return 0;
}

int own_give(const struct own_state *st, const struct own_stack *to, const char **what)
{
	const struct target target = { .send = send_to_stack, .ctx = (void *)to, .ifindex = to->ifindex };
	struct own_route routes[OWN_ROUTES_MAX];
	uint8_t missing[OWN_ROUTES_MAX];
	uint32_t i, routes_len = 0;
	int rc, last = 0;

	*what = "addresses";
	for (i = 0; i < st->addrs_len; i++) {
		struct own_addr a = *addr_in_turn(st, i);

		if (a.flags & IFA_F_DADFAILED)
			continue;
		a.label[0] = '\0';
		/* Nobody inside renews a lease; what router advertisements renew may run out. */
		if (!(a.flags & IFA_F_MANAGETEMPADDR) && a.proto != IFAPROT_KERNEL_RA)
			a.valid_sec = a.preferred_sec = UINT32_MAX;
		if (a.family == AF_INET6 && !(a.flags & IFA_F_TENTATIVE))
			a.flags |= IFA_F_NODAD;
		rc = add_addr(&target, &a, 0);
		if (rc && rc != -EEXIST)
			return rc;
	}
	/*
	 * The kernel makes such an address work from a work queue. Without this wait the answer to the
	 * stack's first packet could be faster, and lost: an echo, or a second until the next SYN.
	 */
	for (i = 0; i < st->addrs_len; i++) {
		const struct own_addr *a = &st->addrs[i];

		if (a->family != AF_INET6 || a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
			continue;
		rc = to->settle(to->ctx, to->ifindex, a->addr);
		if (rc)
			return rc;
	}
	*what = "routes";
	for (i = 0; i < st->routes_len; i++) {
		struct own_route *r = &routes[routes_len];

		*r = st->routes[i];
		if (r->oif != st->ifindex || r->table != RT_TABLE_MAIN || r->type != RTN_UNICAST)
			continue;
		r->oif = to->ifindex;
		r->realm = 0;
		missing[routes_len++] = 1;
	}
	if (add_routes(&target, routes, routes_len, missing, 0, &last))
		return last;
	*what = "neighbours";
	for (i = 0; i < st->neighs_len; i++) {
		rc = add_neigh(&target, &st->neighs[i]);
		if (rc && rc != -EEXIST && (st->neighs[i].state & NUD_PERMANENT))
			return rc;
	}
	return 0;
}
