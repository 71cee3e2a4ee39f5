/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proxy_protocol.h - the PROXY protocol header, versions 1 and 2, both ways
 *
 * The header that a proxy puts before a connection's first byte to say who its client is, as the
 * HAProxy project specifies it (proxy-protocol.txt, sections 2.1 and 2.2). Pure functions over
 * bytes: no state, no memory, no I/O; any thread.
 */
#ifndef ACCD_PROXY_PROTOCOL_H
#define ACCD_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define PROXY_V1_BYTES_MAX 107 /* with CRLF, without NUL */
#define PROXY_V2_FIXED_BYTES 16
/*
 * Longest header that we take. The length field of version 2 could say 64 KiB; what senders put
 * into TLVs (names, ids, a certificate's subject) is far shorter.
 */
#define PROXY_BYTES_MAX 4096
/* Longest header that we make: version 2 with IPv6 addresses is 52. */
#define PROXY_ENCODE_BYTES_MAX PROXY_V1_BYTES_MAX

enum proxy_accept { PROXY_ACCEPT_V1 = 1, PROXY_ACCEPT_V2 = 2, PROXY_ACCEPT_ANY = 3 };

struct proxy_header {
	int version; /* 1 or 2 */
	/*
	 * LOCAL (v2), UNKNOWN (v1), a family or a transport that is not TCP over IPv4 or IPv6: the
	 * connection's own addresses hold, as the specification wants it
	 */
	bool is_local;
	union addr src, dst; /* valid unless is_local */
};

/*
 * Read the header at the beginning of `data`; `accept`: enum proxy_accept. Returns its length
 * (> 0) and fills *header; 0: not complete yet, what is there could become one; -EPROTO: no valid
 * header can begin so; -EMSGSIZE: it says it is longer than PROXY_BYTES_MAX. TLVs of version 2 are
 * skipped, but must fill the header exactly.
 */
int proxy_decode(const uint8_t *data, size_t len, int accept, struct proxy_header *header);

/*
 * Write the header of `version` (1 or 2) for a connection from src to dst to buf of at least
 * PROXY_ENCODE_BYTES_MAX bytes. Of different families both are written as IPv6. Returns its
 * length. src NULL: the header says that it is our own connection (v1 UNKNOWN, v2 LOCAL), as for
 * checks.
 */
int proxy_encode(uint8_t *buf, int version, const union addr *src, const union addr *dst);

#endif /* ACCD_PROXY_PROTOCOL_H */
