/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own.h - `own` mode: a host interface lends its IPv4 addresses and routes to the stack
 *
 * own_take() records the interface's IPv4 addresses and the routes of table main that leave through it, and removes them
 * from the host, which then answers nothing for them; own_restore() puts all back exactly. The interface itself stays up:
 * the wire needs it. Needs CAP_NET_ADMIN. IPv6 is left alone.
 */
#ifndef LKL_WIRE_OWN_H
#define LKL_WIRE_OWN_H

#include <stddef.h>
#include <stdint.h>

#define OWN_ADDRS_MAX 8
#define OWN_ROUTES_MAX 16
#define OWN_MESSAGE_MAX 256

/* What the stack needs to know, addresses in network byte order, and the kernel's own message to put it back with. */
struct own_addr {
	uint32_t addr;
	uint8_t prefix_len;
	uint16_t message_len;
	uint8_t message[OWN_MESSAGE_MAX];
};

struct own_route {
	uint32_t dst;
	uint8_t prefix_len;
	uint32_t gateway;	/* 0: on link */
	uint8_t is_automatic;	/* made by the host for an address: comes back with it */
	uint16_t message_len;
	uint8_t message[OWN_MESSAGE_MAX];
};

/* Plain data, no pointers: may be copied, or kept in a file. */
struct own_state {
	int ifindex;
	char ifname[16];
	unsigned int addrs_len;
	struct own_addr addrs[OWN_ADDRS_MAX];
	unsigned int routes_len;
	struct own_route routes[OWN_ROUTES_MAX];
};

/*
 * Take. 0; -ENODEV: no such interface; -EADDRNOTAVAIL: it has no IPv4 address; -E2BIG: more addresses or routes than fit;
 * other -errno from the host. On failure err holds a sentence that names the interface, and the host is as it was.
 */
int own_take(const char *ifname, struct own_state *state, char *err, size_t err_len);

/*
 * Put back. Goes on after a failure, so that as much as possible comes back, and returns the first one, with a sentence in
 * err. What is there already is no failure: calling it twice does no harm.
 */
int own_restore(const struct own_state *state, char *err, size_t err_len);

#endif /* LKL_WIRE_OWN_H */
