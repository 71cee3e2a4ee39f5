/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tls_hello.h - the server name in a TLS ClientHello, without TLS
 *
 * Pure functions over bytes: no state, no memory, no I/O; any thread. RFC 8446 (4.1.2, 5.1),
 * RFC 6066 (3).
 */
#ifndef ACCD_TLS_HELLO_H
#define ACCD_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* We look at so many bytes at most, record headers included: clients send 200 to 2,000. */
#define TLS_HELLO_BYTES_MAX 16384
#define TLS_NAME_BYTES 254 /* a DNS name and its NUL */

struct tls_hello {
	bool has_name;
	char name[TLS_NAME_BYTES]; /* lower case, without a dot at the end */
};

/*
 * Look at the beginning of a connection. 1: *hello is filled (as soon as the name was seen, or the
 * hello is complete and has none); 0: more bytes are needed; -EPROTO: not a ClientHello, or a
 * broken one; -EMSGSIZE: no answer within TLS_HELLO_BYTES_MAX.
 */
int tls_hello_parse(const uint8_t *data, size_t len, struct tls_hello *hello);

/*
 * Bring a server name to the form that is compared: lower case, no dot at the end. False: no DNS
 * name (1 to 253 letters, digits, '-', '_', in labels of 1 to 63).
 */
bool tls_name_normalise(const char *text, size_t len, char name[TLS_NAME_BYTES]);

#endif /* ACCD_TLS_HELLO_H */
