// SPDX-License-Identifier: GPL-2.0-only
/*
 * proxy_protocol.c - the PROXY protocol header, versions 1 and 2, both ways
 *
 *   v1   "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n"; TCP6; or "PROXY UNKNOWN" and anything
 *        up to "\r\n". At most 107 bytes, one blank between fields.
 *   v2   12 bytes of signature, version and command, family and transport, length (big endian);
 *        then the addresses (IPv4 12 bytes, IPv6 36), then TLVs: type, length (2 bytes), value.
 *
 * Strict, because whoever writes this header decides who a client is for us: no sign, blank or
 * leading zero in a port, nothing between or behind the fields; in version 2 no unknown command,
 * no length that is too short for its family, no TLV that reaches over the end. Port 0 is taken:
 * some senders do not know it.
 *
 * Nothing is kept between calls: an incomplete header is looked at again from its first byte when
 * more has come. It is short.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proxy_protocol.h"

static const uint8_t v2_signature[12] = { '\r', '\n', '\r', '\n', 0,   '\r',
					  '\n', 'Q',  'U',  'I',  'T', '\n' };

#define V2_VERSION 0x20
#define V2_CMD_LOCAL 0x0
#define V2_CMD_PROXY 0x1
#define V2_TCP4 0x11
#define V2_TCP6 0x21
#define V2_ADDR4_BYTES 12
#define V2_ADDR6_BYTES 36
#define V2_ADDR_UNIX_BYTES 216
#define V2_TLV_HEAD_BYTES 3

/* ---- version 1 ---- */

/* The next word of `p`, up to a blank (or to `end` for the last one). NULL: none, or too long. */
static const char *v1_word(const char *p, const char *end, bool is_last, char *word, size_t size)
{
	const char *stop = is_last ? end : memchr(p, ' ', end - p);

	if (!stop || stop == p || (size_t)(stop - p) >= size)
		return NULL;
	memcpy(word, p, stop - p);
	word[stop - p] = '\0';
	return is_last ? stop : stop + 1;
}

static bool v1_host(const char *word, int family, union addr *addr)
{
	return !addr_parse_host(word, addr) && addr->sa.sa_family == family;
}

static bool v1_port(const char *word, union addr *addr)
{
	unsigned int port = 0;
	const char *p;

	for (p = word; *p; p++) {
		if (*p < '0' || *p > '9' || p - word >= 5)
			return false;
		port = port * 10 + (*p - '0');
	}
	if (port > UINT16_MAX || (word[0] == '0' && word[1]))
		return false;
	addr_set_port(addr, port);
	return true;
}

static int v1_decode(const uint8_t *data, size_t len, struct proxy_header *header)
{
	static const char head[] = "PROXY ";
	static const char unknown[] = "UNKNOWN";
	const size_t head_len = sizeof(head) - 1;
	const char *text = (const char *)data, *p, *end;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], sport[8], dport[8];
	size_t scan = len < PROXY_V1_BYTES_MAX ? len : PROXY_V1_BYTES_MAX;
	int family;

	if (memcmp(text, head, len < head_len ? len : head_len))
		return -EPROTO;
	end = memchr(text, '\n', scan);
	if (!end) {
		/* neither a control byte nor the rest of another protocol is waited for */
		for (p = text; p < text + scan; p++)
			if ((unsigned char)*p < ' ' && !(*p == '\r' && p + 1 == text + scan))
				return -EPROTO;
		return scan == PROXY_V1_BYTES_MAX ? -EPROTO : 0;
	}
	if (end - text < (long)head_len || end[-1] != '\r')
		return -EPROTO;
	end--;
	if (memchr(text, '\0', end - text))
		return -EPROTO;
	p = text + head_len;
	header->version = 1;
	if ((size_t)(end - p) >= sizeof(unknown) - 1 && !memcmp(p, unknown, sizeof(unknown) - 1) &&
	    (p + sizeof(unknown) - 1 == end || p[sizeof(unknown) - 1] == ' ')) {
		header->is_local = true;
		return end + 2 - text;
	}
	if (end - p < 5)
		return -EPROTO;
	if (!memcmp(p, "TCP4 ", 5))
		family = AF_INET;
	else if (!memcmp(p, "TCP6 ", 5))
		family = AF_INET6;
	else
		return -EPROTO;
	p += 5;
	p = v1_word(p, end, false, src, sizeof(src));
	p = p ? v1_word(p, end, false, dst, sizeof(dst)) : NULL;
	p = p ? v1_word(p, end, false, sport, sizeof(sport)) : NULL;
	p = p ? v1_word(p, end, true, dport, sizeof(dport)) : NULL;
	if (!p || !v1_host(src, family, &header->src) || !v1_host(dst, family, &header->dst) ||
	    !v1_port(sport, &header->src) || !v1_port(dport, &header->dst))
		return -EPROTO;
	return end + 2 - text;
}

/* ---- version 2 ---- */

static void v2_addr(union addr *addr, int family, const uint8_t *host, const uint8_t *port)
{
	memset(addr, 0, sizeof(*addr));
	addr->sa.sa_family = family;
	if (family == AF_INET) {
		memcpy(&addr->in.sin_addr, host, 4);
		memcpy(&addr->in.sin_port, port, 2);
	} else {
		memcpy(&addr->in6.sin6_addr, host, 16);
		memcpy(&addr->in6.sin6_port, port, 2);
	}
}

static bool v2_tlvs_fit(const uint8_t *p, size_t len)
{
	while (len) {
		size_t value;

		if (len < V2_TLV_HEAD_BYTES)
			return false;
		value = (size_t)p[1] << 8 | p[2];
		if (value > len - V2_TLV_HEAD_BYTES)
			return false;
		p += V2_TLV_HEAD_BYTES + value;
		len -= V2_TLV_HEAD_BYTES + value;
	}
	return true;
}

static int v2_decode(const uint8_t *data, size_t len, struct proxy_header *header)
{
	size_t sig = len < sizeof(v2_signature) ? len : sizeof(v2_signature);
	const uint8_t *addrs = data + PROXY_V2_FIXED_BYTES;
	size_t body, used;

	if (memcmp(data, v2_signature, sig))
		return -EPROTO;
	if (len > 12 && (data[12] & 0xf0) != V2_VERSION)
		return -EPROTO;
	if (len > 12 && (data[12] & 0x0f) > V2_CMD_PROXY)
		return -EPROTO;
	/* families 0 .. 3, transports 0 .. 2 */
	if (len > 13 && (data[13] >> 4 > 3 || (data[13] & 0x0f) > 2))
		return -EPROTO;
	if (len < PROXY_V2_FIXED_BYTES)
		return 0;
	body = (size_t)data[14] << 8 | data[15];
	if (PROXY_V2_FIXED_BYTES + body > PROXY_BYTES_MAX)
		return -EMSGSIZE;
	if (len < PROXY_V2_FIXED_BYTES + body)
		return 0;

	header->version = 2;
	if ((data[12] & 0x0f) == V2_CMD_LOCAL) {
		/* its addresses, if any, are to be ignored, and so is everything behind them */
		header->is_local = true;
		return PROXY_V2_FIXED_BYTES + body;
	}
	switch (data[13] >> 4) {
	case 1:
		used = V2_ADDR4_BYTES;
		break;
	case 2:
		used = V2_ADDR6_BYTES;
		break;
	case 3:
		used = V2_ADDR_UNIX_BYTES;
		break;
	default:
		used = 0;
	}
	if (body < used || !v2_tlvs_fit(addrs + used, body - used))
		return -EPROTO;
	switch (data[13]) {
	case V2_TCP4:
		v2_addr(&header->src, AF_INET, addrs, addrs + 8);
		v2_addr(&header->dst, AF_INET, addrs + 4, addrs + 10);
		break;
	case V2_TCP6:
		v2_addr(&header->src, AF_INET6, addrs, addrs + 32);
		v2_addr(&header->dst, AF_INET6, addrs + 16, addrs + 34);
		break;
	default:
		header->is_local = true;
	}
	return PROXY_V2_FIXED_BYTES + body;
}

int proxy_decode(const uint8_t *data, size_t len, int accept, struct proxy_header *header)
{
	int r = -EPROTO;

	memset(header, 0, sizeof(*header));
	if (!len)
		return 0;
	if (data[0] == v2_signature[0] && accept & PROXY_ACCEPT_V2)
		r = v2_decode(data, len, header);
	else if (data[0] == 'P' && accept & PROXY_ACCEPT_V1)
		r = v1_decode(data, len, header);
	if (r > 0 && !header->is_local) {
		addr_unmap(&header->src);
		addr_unmap(&header->dst);
	}
	return r;
}

/* ---- the other way ---- */

/* 16 bytes of an address as IPv6. */
static void as_v6(const union addr *addr, uint8_t *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (addr->sa.sa_family == AF_INET6) {
		memcpy(out, &addr->in6.sin6_addr, 16);
	} else {
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + 12, &addr->in.sin_addr, 4);
	}
}

static int v1_encode(uint8_t *buf, const union addr *src, const union addr *dst, bool is_v4)
{
	char text[PROXY_ENCODE_BYTES_MAX + 1];
	char s[INET6_ADDRSTRLEN], d[INET6_ADDRSTRLEN];
	uint8_t s6[16], d6[16];
	int n;

	if (is_v4) {
		inet_ntop(AF_INET, &src->in.sin_addr, s, sizeof(s));
		inet_ntop(AF_INET, &dst->in.sin_addr, d, sizeof(d));
	} else {
		as_v6(src, s6);
		as_v6(dst, d6);
		inet_ntop(AF_INET6, s6, s, sizeof(s));
		inet_ntop(AF_INET6, d6, d, sizeof(d));
	}
	n = snprintf(text, sizeof(text), "PROXY TCP%c %s %s %u %u\r\n", is_v4 ? '4' : '6', s, d,
		     addr_port(src), addr_port(dst));
	memcpy(buf, text, n);
	return n;
}

static void put_port(uint8_t *p, uint16_t port)
{
	p[0] = port >> 8;
	p[1] = port;
}

int proxy_encode(uint8_t *buf, int version, const union addr *src, const union addr *dst)
{
	static const char unknown[] = "PROXY UNKNOWN\r\n";
	uint8_t *addrs = buf + PROXY_V2_FIXED_BYTES;
	bool is_v4 = src && src->sa.sa_family == AF_INET && dst->sa.sa_family == AF_INET;
	int body = !src ? 0 : is_v4 ? V2_ADDR4_BYTES : V2_ADDR6_BYTES;

	if (version == 1 && !src) {
		memcpy(buf, unknown, sizeof(unknown) - 1);
		return sizeof(unknown) - 1;
	}
	if (version == 1)
		return v1_encode(buf, src, dst, is_v4);

	memcpy(buf, v2_signature, sizeof(v2_signature));
	buf[12] = V2_VERSION | (src ? V2_CMD_PROXY : V2_CMD_LOCAL);
	buf[13] = !src ? 0 : is_v4 ? V2_TCP4 : V2_TCP6;
	buf[14] = 0;
	buf[15] = body;
	if (is_v4) {
		memcpy(addrs, &src->in.sin_addr, 4);
		memcpy(addrs + 4, &dst->in.sin_addr, 4);
		put_port(addrs + 8, addr_port(src));
		put_port(addrs + 10, addr_port(dst));
	} else if (src) {
		as_v6(src, addrs);
		as_v6(dst, addrs + 16);
		put_port(addrs + 32, addr_port(src));
		put_port(addrs + 34, addr_port(dst));
	}
	return PROXY_V2_FIXED_BYTES + body;
}
