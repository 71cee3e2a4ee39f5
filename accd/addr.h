/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * addr.h - a socket address of any family we relay
 *
 * Everything outside addr.c treats an address as opaque, with a length; IPv6 needs a second
 * branch here and nowhere else.
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
 * Parse "a.b.c.d:port" (or "*:port" where a wildcard makes sense). 0, or -EINVAL and *addr
 * untouched.
 */
int addr_parse(const char *text, bool wildcard_ok, union addr *addr);

/* Length to pass to the socket calls. */
int addr_len(const union addr *addr);

bool addr_equal(const union addr *a, const union addr *b);

/* True if both cannot be bound at a time: same port, and same address or one of them a wildcard. */
bool addr_overlap(const union addr *a, const union addr *b);

/* Of the address alone, without the port. */
uint64_t addr_hash(const union addr *addr);

/* Returns buf. */
const char *addr_format(const union addr *addr, char *buf, size_t buf_len);

#endif /* ACCD_ADDR_H */
