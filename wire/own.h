/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own.h - an interface's addresses, routes and neighbours: read them from the host, take them away,
 * give them to a stack, put them back
 *
 * `own` mode is all four. `share` mode (share.h) reads and gives only. The record is plain data
 * without pointers: take.h writes it to a file before anything is removed, so that a later process
 * can put back what a dead one took.
 *
 * What is recorded, for IPv4 and IPv6: addresses with everything the kernel tells of them; the
 * routes of every table but `local` that leave by this interface or have one of its addresses as
 * preferred source; permanent, proxy and learned neighbours; the interface's IPv6 sysctls of
 * own_sysctls[]. What is refused, and nothing changed: more than fits, multipath routes by this
 * interface, routes by nexthop objects, encapsulating ones, IPv4 by an IPv6 gateway. Learned
 * neighbours above OWN_NEIGHS_MAX are left out and counted. Not touched: rules, other sysctls,
 * other interfaces. A DHCP client that goes on running on the interface will fight for it.
 *
 * What does not come back as it was, because no request can say it: a temporary address (RFC 8981)
 * and one with stable privacy come back as plain ones with the same lifetime; a learned neighbour
 * comes back as stale; among IPv6 routes to one prefix with one metric (fe80::/64 of several
 * interfaces) those of this interface come last.
 *
 * All calls that talk to the host: one thread at a time, in the interface's network namespace,
 * CAP_NET_ADMIN unless they only read. Errors are -errno with a sentence in err (may be NULL).
 */
#ifndef WIRE_OWN_H
#define WIRE_OWN_H

#include <stddef.h>
#include <stdint.h>

#define OWN_ADDRS_MAX 32
#define OWN_ROUTES_MAX 128
#define OWN_NEIGHS_MAX 128
#define OWN_METRICS_MAX 128
#define OWN_SYSCTLS 8

/* Addresses are in network order everywhere here; IPv4 ones fill the first four bytes. */
struct own_addr {
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t prefix_len;
	uint8_t scope;
	uint8_t proto;		/* IFAPROT_* */
	uint8_t addr[16];
	uint8_t peer[16];	/* == addr unless point-to-point */
	uint8_t broadcast[4];	/* IPv4; 0: none */
	uint32_t flags;		/* IFA_F_* */
	uint32_t metric;	/* of the prefix route; 0: none */
	uint32_t valid_sec;	/* UINT32_MAX: for ever */
	uint32_t preferred_sec;
	char label[16];		/* IPv4 */
};

struct own_route {
	uint8_t family;
	uint8_t prefix_len;
	uint8_t tos;
	uint8_t proto;		/* RTPROT_* */
	uint8_t scope;
	uint8_t type;		/* RTN_* */
	uint8_t has_gateway;	/* 0: on link */
	uint8_t has_prefsrc;
	uint8_t has_pref;	/* IPv6: router preference */
	uint8_t pref;
	uint8_t metrics_len;
	uint8_t pad;
	uint8_t dst[16];
	uint8_t gateway[16];
	uint8_t prefsrc[16];
	uint32_t metric;
	uint32_t table;
	uint32_t realm;
	uint32_t flags;		/* RTNH_F_ONLINK */
	int32_t oif;
	uint32_t expires_sec;	/* 0: never */
	uint8_t metrics[OWN_METRICS_MAX];	/* RTA_METRICS as the kernel gave it */
};

struct own_neigh {
	uint8_t family;
	uint8_t flags;		/* NTF_PROXY, NTF_ROUTER, NTF_EXT_LEARNED */
	uint8_t proto;		/* RTPROT_*; 0: none */
	uint8_t lladdr_len;	/* 0 or 6 */
	uint16_t state;		/* NUD_* */
	uint8_t lladdr[6];
	uint8_t addr[16];
};

struct own_state {
	int32_t ifindex;
	char ifname[16];
	uint8_t mac[6];
	uint8_t pad[2];
	int64_t taken_sec;	/* CLOCK_BOOTTIME; lifetimes go on running */
	uint8_t has_ipv6;	/* the host has IPv6 on this interface, and it is not disabled */
	uint8_t addr_gen_mode;	/* IN6_ADDR_GEN_MODE_* */
	uint8_t has_sysctl[OWN_SYSCTLS];
	int32_t sysctls[OWN_SYSCTLS];	/* as own_sysctls[] */
	uint32_t neighs_left_out;	/* learned ones that did not fit */
	uint32_t addrs_len;
	uint32_t routes_len;
	uint32_t neighs_len;
	struct own_addr addrs[OWN_ADDRS_MAX];
	struct own_route routes[OWN_ROUTES_MAX];
	struct own_neigh neighs[OWN_NEIGHS_MAX];
};

/* Names below net.ipv6.conf.IFNAME that the stack gets from the host. */
extern const char *const own_sysctls[OWN_SYSCTLS];

/*
 * Fill the record; nothing changes. Waits up to 3 s for IPv6 addresses that the host is still
 * checking (duplicate address detection, RFC 4862).
 */
int own_read(const char *ifname, struct own_state *st, char *err, size_t err_len);

/*
 * Remove what the record has from the host, and disable IPv6 on the interface, so that the host
 * makes no address of its own there. On failure everything is as it was (or err says what could
 * not be put back).
 */
int own_remove(const struct own_state *st, char *err, size_t err_len);

/* own_read(), then own_remove(). */
int own_take(const char *ifname, struct own_state *st, char *err, size_t err_len);

/*
 * Make the interface's addresses, routes and neighbours what the record says: adds what is missing,
 * removes routes that were not there (those that the kernel makes with an address). Addresses are
 * usable at once: they were valid, and are not checked again. May be repeated. The interface must
 * exist and be up.
 */
int own_restore(const struct own_state *st, char *err, size_t err_len);

/* Where own_give() puts things: a stack, reached by calls of the caller's. */
struct own_stack {
	/* Send one netlink message to NETLINK_ROUTE of the stack and return its acknowledgement: 0 or -errno. */
	int (*send)(void *ctx, const void *message, size_t len);
	/* Write a sysctl, "net.ipv6.conf.wire0.accept_ra": 0 or -errno. */
	int (*sysctl)(void *ctx, const char *path, const char *value);
	/* Wait until the stack takes in frames for this IPv6 address (16 bytes), which it does not check: 0 or -errno. */
	int (*settle)(void *ctx, int ifindex, const void *addr);
	void *ctx;
	int ifindex;		/* of the interface inside */
	const char *ifname;
};

#define OWN_GIVE_SHARED 1	/* the host keeps the addresses: no router solicitation, no address detection */

/*
 * Before the stack's interface goes up: its IPv6 sysctls, and that it makes no link-local address
 * of its own. Then, when it is up: addresses (without duplicate address detection), unicast routes
 * of table main, neighbours. *what names the step that failed. Sysctls that the stack does not have
 * are passed over. own_give() may be called with the record of own_read() alone.
 */
int own_give_sysctls(const struct own_state *st, const struct own_stack *to, unsigned int flags);
int own_give(const struct own_state *st, const struct own_stack *to, const char **what);

#define OWN_MUTE_TCX 1	/* a BPF link at tc ingress: Linux 6.6, CAP_BPF */
#define OWN_MUTE_NFT 2	/* an nftables chain at netdev ingress, owned by a socket: Linux 5.12 */

/*
 * Drop every frame that arrives on the interface before the host stack sees it (ARP, IPv4, IPv6,
 * the lot). AF_PACKET sockets are served before that point. The drop lives as long as the returned
 * descriptor: close() it, or die, and the host hears again. `methods`: OWN_MUTE_* to try, in the
 * order of their values; 0: all. The one used goes to *method (may be NULL). -errno with a sentence
 * in err: -EOPNOTSUPP if no method is there.
 */
int own_mute(const char *ifname, unsigned int methods, unsigned int *method, char *err,
	     size_t err_len);

#endif /* WIRE_OWN_H */
