/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own.h - `own` mode: an interface's IPv4 addresses move from the host into the stack, and back on exit
 *
 * own_take() records the interface's addresses and routes and removes them from the host; the caller gives them to the
 * stack; own_restore() puts them back. The record is plain data without pointers: a supervisor may write it to a file
 * before it lets go, and restore after a crash. own_mute() keeps the host stack from seeing the frames at all.
 *
 * What is recorded: IPv4 addresses with everything the kernel tells of them, and the routes of every table but `local`
 * that leave by this interface or have one of its addresses as preferred source. What is refused, and nothing changed:
 * more than fits, multipath routes by this interface, routes by nexthop objects, encapsulating ones, IPv4 by an IPv6
 * gateway. Not touched: IPv6, rules, neighbours, sysctls, other interfaces. A DHCP client that goes on running on the
 * interface will fight for it.
 */
#ifndef WIRE_OWN_H
#define WIRE_OWN_H

#include <stddef.h>
#include <stdint.h>

#define OWN_ADDRS_MAX 8
#define OWN_ROUTES_MAX 16
#define OWN_METRICS_MAX 128

/* IPv4 addresses are in network order everywhere here. */
struct own_addr {
	uint32_t addr;
	uint32_t peer;		/* == addr unless point-to-point */
	uint32_t broadcast;	/* 0: none */
	uint32_t flags;		/* IFA_F_* */
	uint32_t metric;	/* of the prefix route; 0: none */
	uint32_t valid_sec;	/* UINT32_MAX: for ever */
	uint32_t preferred_sec;
	uint8_t prefix_len;
	uint8_t scope;
	uint8_t proto;		/* IFAPROT_* */
	char label[16];
};

struct own_route {
	uint32_t dst;
	uint32_t gateway;	/* 0: on link */
	uint32_t prefsrc;	/* 0: none */
	uint32_t metric;
	uint32_t table;
	uint32_t realm;
	uint32_t flags;		/* RTNH_F_ONLINK */
	int32_t oif;
	uint8_t prefix_len;
	uint8_t tos;
	uint8_t proto;		/* RTPROT_* */
	uint8_t scope;
	uint8_t type;		/* RTN_* */
	uint8_t metrics_len;
	uint8_t metrics[OWN_METRICS_MAX];	/* RTA_METRICS as the kernel gave it (mtu, initcwnd, ...) */
};

struct own_state {
	int32_t ifindex;
	char ifname[16];
	int64_t taken_sec;	/* CLOCK_BOOTTIME; lifetimes go on running */
	uint32_t addrs_len;
	struct own_addr addrs[OWN_ADDRS_MAX];
	uint32_t routes_len;
	struct own_route routes[OWN_ROUTES_MAX];
};

/*
 * Record and remove. 0, or -errno with a sentence in err; then everything is as it was before (or err says what could not
 * be put back). Needs CAP_NET_ADMIN.
 */
int own_take(const char *ifname, struct own_state *st, char *err, size_t err_len);

/*
 * Make the interface's addresses and routes what the record says: adds what is missing, removes routes that were not there
 * (those that the kernel makes with an address). May be repeated. The interface must exist and be up.
 */
int own_restore(const struct own_state *st, char *err, size_t err_len);

#define OWN_MUTE_TCX 1	/* a BPF link at tc ingress: Linux 6.6, CAP_BPF */
#define OWN_MUTE_NFT 2	/* an nftables chain at netdev ingress, in a table owned by a netlink socket: Linux 5.12 */

/*
 * Drop every frame that arrives on the interface before the host stack sees it (ARP, IPv4, IPv6, the lot). AF_PACKET
 * sockets are served before that point. The drop lives as long as the returned descriptor: close() it, or die, and the
 * host hears again. `methods`: OWN_MUTE_* to try, in the order of their values; 0: all. The one used goes to *method (may
 * be NULL). -errno with a sentence in err: -EOPNOTSUPP if no method is there.
 */
int own_mute(const char *ifname, unsigned int methods, unsigned int *method, char *err, size_t err_len);

#endif /* WIRE_OWN_H */
