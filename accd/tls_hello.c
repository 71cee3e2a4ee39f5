// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls_hello.c - the server name in a TLS ClientHello, without TLS
 *
 *   record     type 22, version 3.x, length (2): 1 .. 2^14 bytes of the handshake stream
 *   handshake  type 1, length (3): version (2), random (32), session id <0..32>, cipher suites
 *              <2..>, compression methods <1..>, extensions <0..>
 *   extension  type (2), length (2); type 0, server_name: a list of name type (1), name <1..>
 *
 * A message may be cut into records, and a record into segments, at any byte. So everything is
 * read through a cursor that walks over record headers by itself, always from the first byte:
 * nothing is kept between two looks, and a hello is short. Lengths that do not fit into what
 * holds them are an error at once, not a reason to wait.
 *
 * As soon as the name was read, the rest does not matter: the server judges it.
 */
#include <errno.h>
#include <string.h>

#include "tls_hello.h"

#define RECORD_HANDSHAKE 22
#define RECORD_BYTES_MAX 16384
#define HANDSHAKE_CLIENT_HELLO 1
#define EXTENSION_SERVER_NAME 0
#define NAME_TYPE_HOST 0

struct cursor {
	const uint8_t *p, *end;
	uint32_t record_left; /* of the record that p is in */
	int err; /* 0; -EAGAIN: the data ends here; -EPROTO */
};

/* The next byte of the handshake stream; 0 and err set if there is none. */
static uint8_t next_byte(struct cursor *c)
{
	if (c->err)
		return 0;
	if (!c->record_left) {
		/* what is there of the header is judged, even if it is not all */
		if ((c->p < c->end && c->p[0] != RECORD_HANDSHAKE) ||
		    (c->end - c->p > 1 && c->p[1] != 3)) {
			c->err = -EPROTO;
			return 0;
		}
		if (c->end - c->p < 5) {
			c->err = -EAGAIN;
			return 0;
		}
		c->record_left = c->p[3] << 8 | c->p[4];
		c->p += 5;
		if (!c->record_left || c->record_left > RECORD_BYTES_MAX) {
			c->err = -EPROTO;
			return 0;
		}
	}
	if (c->p == c->end) {
		c->err = -EAGAIN;
		return 0;
	}
	c->record_left--;
	return *c->p++;
}

/* A number of n bytes that stands inside something with *left bytes. */
static uint32_t number(struct cursor *c, uint32_t *left, int n)
{
	uint32_t value = 0;

	if (*left < (uint32_t)n) {
		if (!c->err)
			c->err = -EPROTO;
		return 0;
	}
	*left -= n;
	while (n--)
		value = value << 8 | next_byte(c);
	return value;
}

static void skip(struct cursor *c, uint32_t *left, uint32_t n)
{
	if (*left < n) {
		if (!c->err)
			c->err = -EPROTO;
		return;
	}
	*left -= n;
	while (n-- && !c->err)
		next_byte(c);
}

bool tls_name_normalise(const char *text, size_t len, char name[TLS_NAME_BYTES])
{
	size_t i, label = 0;

	if (len && text[len - 1] == '.')
		len--;
	if (!len || len >= TLS_NAME_BYTES)
		return false;
	for (i = 0; i < len; i++) {
		char c = text[i];

		if (c == '.') {
			if (!label)
				return false;
			label = 0;
			name[i] = c;
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
		if (++label > 63)
			return false;
		name[i] = c;
	}
	if (!label)
		return false;
	name[len] = '\0';
	return true;
}

/* The server_name extension, `left` bytes of it. */
static void server_name(struct cursor *c, uint32_t left, struct tls_hello *hello)
{
	uint32_t list = number(c, &left, 2), len, i;
	char text[TLS_NAME_BYTES + 1]; /* the dot at the end may come on top */
	uint8_t type;

	if (!c->err && (list != left || !list))
		c->err = -EPROTO;
	while (!c->err && list) {
		type = number(c, &list, 1);
		len = number(c, &list, 2);
		if (c->err)
			return;
		if (len > list || !len) {
			c->err = -EPROTO;
			return;
		}
		if (type != NAME_TYPE_HOST || hello->has_name) {
			skip(c, &list, len);
			continue;
		}
		if (len >= sizeof(text)) {
			c->err = -EPROTO;
			return;
		}
		for (i = 0; i < len; i++)
			text[i] = next_byte(c);
		list -= len;
		if (c->err)
			return;
		if (!tls_name_normalise(text, len, hello->name)) {
			c->err = -EPROTO;
			return;
		}
		hello->has_name = true;
		return;
	}
}

static void client_hello(struct cursor *c, struct tls_hello *hello)
{
	uint32_t left = 4, extensions, type, len, sub;

	if (number(c, &left, 1) != HANDSHAKE_CLIENT_HELLO && !c->err)
		c->err = -EPROTO;
	left = number(c, &left, 3);
	skip(c, &left, 2 + 32);
	len = number(c, &left, 1);
	if (len > 32 && !c->err)
		c->err = -EPROTO;
	skip(c, &left, len);
	len = number(c, &left, 2);
	if ((len < 2 || len % 2) && !c->err)
		c->err = -EPROTO;
	skip(c, &left, len);
	len = number(c, &left, 1);
	if (!len && !c->err)
		c->err = -EPROTO;
	skip(c, &left, len);
	if (c->err || !left)
		return; /* before TLS 1.2 a hello may end here */
	extensions = number(c, &left, 2);
	if (extensions != left && !c->err)
		c->err = -EPROTO;
	while (!c->err && extensions) {
		type = number(c, &extensions, 2);
		len = number(c, &extensions, 2);
		if (c->err)
			return;
		if (len > extensions) {
			c->err = -EPROTO;
			return;
		}
		if (type == EXTENSION_SERVER_NAME) {
			sub = len;
			server_name(c, sub, hello);
			return;
		}
		skip(c, &extensions, len);
	}
}

int tls_hello_parse(const uint8_t *data, size_t len, struct tls_hello *hello)
{
	struct cursor c = { .p = data };

	c.end = data + (len > TLS_HELLO_BYTES_MAX ? TLS_HELLO_BYTES_MAX : len);
	hello->has_name = false;
	hello->name[0] = '\0';
	client_hello(&c, hello);
	if (c.err == -EAGAIN)
		return len >= TLS_HELLO_BYTES_MAX ? -EMSGSIZE : 0;
	return c.err ? c.err : 1;
}
