/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * share.h - `share` mode: host and stack use the same addresses, and each its own ports
 *
 * The host keeps its addresses, answers ARP, neighbour solicitations and echo, and serves all ports
 * but those that the stack takes: chosen TCP ports, and an ephemeral range of TCP and UDP ports for
 * the stack's own connections. Three things make that work, and share_open() does them:
 *
 *	the host gives the range to nobody	net.ipv4.ip_local_reserved_ports
 *	the host does not see such segments	a drop at tcx or nftables' netdev ingress, else it
 *						would answer with RST
 *	the stack sees nothing else		a socket filter on the wire (filter.h), for
 *						struct lkl_wire_params
 *
 * The stack gets the addresses, routes and neighbours as the host has them then (own.h); what the
 * host changes later does not reach it, but router advertisements reach both. It asks for neighbours
 * itself and sees the answers.
 *
 * Limits: host and stack of one machine cannot reach each other by a shared address. One owner an
 * interface. Ports taken are those on the interface's addresses; on other interfaces the host goes
 * on to serve them. Segments behind IPv6 extension headers (but fragments) are the host's.
 */
#ifndef WIRE_SHARE_H
#define WIRE_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "filter.h"
#include "own.h"

#define SHARE_PORTS_MAX (FILTER_RANGES_MAX - 1)
/* 64 ranges with their commas, "12345-12345,". */
#define SHARE_RESERVED_BYTES 8192

struct share_params {
	uint16_t ephemeral_low, ephemeral_high;	/* both belong to the range */
	uint32_t ports_len;
	struct filter_range ports[SHARE_PORTS_MAX];	/* TCP ports to serve */
};

/* What has to be put back. Plain data. */
struct share_state {
	char ifname[16];
	/* ports that were not in ip_local_reserved_ports before: in the kernel's notation, "1-3,7" */
	char reserved[SHARE_RESERVED_BYTES];
};

/*
 * Check what is wanted: -EINVAL for ranges that are none or too many, -EADDRINUSE if a socket of the
 * host uses one of the ports (its connection would be cut off); err names the port. Fills `spec` for
 * the filters and `sh` with what share_reserve() will change. Nothing changes.
 */
int share_plan(const struct share_params *params, const struct own_state *st, struct filter_spec *spec,
	       struct share_state *sh, char *err, size_t err_len);

/* Merge the ports into net.ipv4.ip_local_reserved_ports; share_release() takes them out again. */
int share_reserve(const struct share_state *sh, char *err, size_t err_len);
int share_release(const struct share_state *sh, char *err, size_t err_len);

/*
 * Keep the host from seeing the stack's segments on the interface, for as long as the returned
 * descriptor lives. `methods` and *method as for own_mute(). -EOPNOTSUPP, and err says what each
 * method needs, if none works.
 */
int share_mute(const char *ifname, const struct filter_spec *spec, unsigned int methods, unsigned int *method,
	       char *err, size_t err_len);

#endif /* WIRE_SHARE_H */
