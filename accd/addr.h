/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * addr.h - a socket address of any family we relay, and prefixes of them
 *
 * Everything outside addr.c treats an address as opaque, with a length. Pure functions, no state.
 */
#ifndef ACCD_ADDR_H
#define ACCD_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535" and its NUL. */
#define ADDR_TEXT_BYTES 56

/*
 * Parse "a.b.c.d:port" or "[IPv6]:port"; where wildcard_ok, also "*:port" (all IPv4 addresses) and
 * "[::]:port" (all IPv6 addresses). 0, or -EINVAL and *addr untouched.
 */
int addr_parse(const char *text, bool wildcard_ok, union addr *addr);

/* The same with a port or a range "first-last" of ports; *addr has the first. */
int addr_parse_range(const char *text, bool wildcard_ok, union addr *addr, uint16_t *port_last);

/* Parse an address alone, without brackets or port (the port becomes 0). */
int addr_parse_host(const char *text, union addr *addr);

/* Length to pass to the socket calls. */
int addr_len(const union addr *addr);

/* In host byte order. */
uint16_t addr_port(const union addr *addr);
void addr_set_port(union addr *addr, uint16_t port);

/* An IPv4 address or port in the IPv6 form ::ffff:a.b.c.d becomes plain IPv4; others stay. */
void addr_unmap(union addr *addr);

/* Address and port, not the other members of the structs. */
bool addr_equal(const union addr *a, const union addr *b);

/*
 * True if both cannot be bound at a time: same port, same family, and same address or one of them
 * a wildcard. (A dual-stack "[::]" also takes IPv4: its owner checks that with the wildcard of the
 * other family.)
 */
bool addr_overlap(const union addr *a, const union addr *b);

/* Of the address alone, without the port. */
uint64_t addr_hash(const union addr *addr);

bool addr_is_wildcard(const union addr *addr);

/* Returns buf. "-" for an address of no family. */
const char *addr_format(const union addr *addr, char *buf, size_t buf_len);

/*
 * All addresses that begin with the same bits. Bits behind `len` are 0. IPv4 and IPv6 never match
 * each other: 0.0.0.0/0 is all of IPv4, ::/0 all of IPv6.
 */
struct addr_prefix {
	uint8_t family; /* 4 or 6; first, so that memcmp() orders by family, then address */
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
	uint8_t len; /* bits: 0 .. 32 or 0 .. 128 */
};

#define ADDR_PREFIX_TEXT_BYTES 52

/*
 * Parse "a.b.c.d/len", "IPv6/len" or a plain address (the whole of it). 0; -EINVAL: no prefix;
 * -EDOM: bits behind len are set, *prefix has them cleared.
 */
int addr_prefix_parse(const char *text, struct addr_prefix *prefix);

const char *addr_prefix_format(const struct addr_prefix *prefix, char *buf, size_t buf_len);

/* The address of a sockaddr as a prefix of full length. False: neither IPv4 nor IPv6. */
bool addr_to_prefix(const union addr *addr, struct addr_prefix *prefix);

/* Does `outer` contain all of `inner`? */
bool addr_prefix_contains(const struct addr_prefix *outer, const struct addr_prefix *inner);

#endif /* ACCD_ADDR_H */
