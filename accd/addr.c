// SPDX-License-Identifier: GPL-2.0-only
/*
 * addr.c - a socket address of any family we relay, and prefixes of them
 *
 * Text is taken strictly: what inet_pton() takes, which is four decimal numbers without leading
 * zeros, or an IPv6 address in brackets; a port of 1 .. 65535 in plain digits, nothing before or
 * behind. A scope ("%eth0") is refused: link-local addresses have no place in a relay's
 * configuration. A name is never resolved here: a resolver would block.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

/* A port of 1 .. 65535 up to `stop`; *end is behind it. 0: none. */
static unsigned int parse_port(const char *p, const char **end)
{
	unsigned int port = 0;
	int digits;

	if (*p == '0')
		return 0;
	for (digits = 0; *p >= '0' && *p <= '9' && digits < 6; p++, digits++)
		port = port * 10 + (*p - '0');
	*end = p;
	return port <= UINT16_MAX ? port : 0;
}

int addr_parse_host(const char *text, union addr *addr)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1) {
		memset(addr, 0, sizeof(*addr));
		addr->in.sin_family = AF_INET;
		addr->in.sin_addr = in;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6) == 1) {
		memset(addr, 0, sizeof(*addr));
		addr->in6.sin6_family = AF_INET6;
		addr->in6.sin6_addr = in6;
		return 0;
	}
	return -EINVAL;
}

int addr_parse_range(const char *text, bool wildcard_ok, union addr *addr, uint16_t *port_last)
{
	const char *colon = strrchr(text, ':'), *begin = text, *close = colon, *end;
	char host[INET6_ADDRSTRLEN];
	unsigned int first, last;
	union addr parsed;
	bool is_v6;

	if (!colon)
		return -EINVAL;
	is_v6 = *begin == '[';
	if (is_v6) {
		begin++;
		close--;
		if (close < begin || *close != ']')
			return -EINVAL;
	}
	if ((size_t)(close - begin) >= sizeof(host))
		return -EINVAL;
	memcpy(host, begin, close - begin);
	host[close - begin] = '\0';

	first = parse_port(colon + 1, &end);
	if (!first)
		return -EINVAL;
	last = first;
	if (*end == '-') {
		last = parse_port(end + 1, &end);
		if (last < first)
			return -EINVAL;
	}
	if (*end)
		return -EINVAL;

	if (wildcard_ok && !is_v6 && !strcmp(host, "*"))
		strcpy(host, "0.0.0.0");
	if (addr_parse_host(host, &parsed) || is_v6 != (parsed.sa.sa_family == AF_INET6))
		return -EINVAL;
	if (!wildcard_ok && addr_is_wildcard(&parsed))
		return -EINVAL;
	*addr = parsed;
	addr_set_port(addr, first);
	*port_last = last;
	return 0;
}

int addr_parse(const char *text, bool wildcard_ok, union addr *addr)
{
	union addr parsed;
	uint16_t last;

	if (addr_parse_range(text, wildcard_ok, &parsed, &last) || last != addr_port(&parsed))
		return -EINVAL;
	*addr = parsed;
	return 0;
}

int addr_len(const union addr *addr)
{
	return addr->sa.sa_family == AF_INET6 ? sizeof(addr->in6) :
						sizeof(addr->in);
}

uint16_t addr_port(const union addr *addr)
{
	return ntohs(addr->sa.sa_family == AF_INET6 ? addr->in6.sin6_port : addr->in.sin_port);
}

void addr_set_port(union addr *addr, uint16_t port)
{
	if (addr->sa.sa_family == AF_INET6)
		addr->in6.sin6_port = htons(port);
	else
		addr->in.sin_port = htons(port);
}

void addr_unmap(union addr *addr)
{
	struct in_addr in;
	in_port_t port;

	if (addr->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		return;
	memcpy(&in, &addr->in6.sin6_addr.s6_addr[12], sizeof(in));
	port = addr->in6.sin6_port;
	memset(addr, 0, sizeof(*addr));
	addr->in.sin_family = AF_INET;
	addr->in.sin_addr = in;
	addr->in.sin_port = port;
}

static bool host_equal(const union addr *a, const union addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

bool addr_equal(const union addr *a, const union addr *b)
{
	return host_equal(a, b) && addr_port(a) == addr_port(b);
}

bool addr_is_wildcard(const union addr *addr)
{
	if (addr->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
	return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool addr_overlap(const union addr *a, const union addr *b)
{
	return a->sa.sa_family == b->sa.sa_family && addr_port(a) == addr_port(b) &&
	       (host_equal(a, b) || addr_is_wildcard(a) || addr_is_wildcard(b));
}

static uint64_t hash_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = 0xcbf29ce484222325ULL; /* FNV-1a, then a finisher */

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

uint64_t addr_hash(const union addr *addr)
{
	return addr->sa.sa_family == AF_INET6 ?
		       hash_bytes(&addr->in6.sin6_addr, sizeof(addr->in6.sin6_addr)) :
		       hash_bytes(&addr->in.sin_addr, sizeof(addr->in.sin_addr));
}

const char *addr_format(const union addr *addr, char *buf, size_t buf_len)
{
	char host[INET6_ADDRSTRLEN];

	if (addr->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &addr->in.sin_addr, host, sizeof(host));
		snprintf(buf, buf_len, "%s:%u", host, ntohs(addr->in.sin_port));
	} else if (addr->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &addr->in6.sin6_addr, host, sizeof(host));
		snprintf(buf, buf_len, "[%s]:%u", host,
			 ntohs(addr->in6.sin6_port));
	} else {
		snprintf(buf, buf_len, "-");
	}
	return buf;
}

/* ---- prefixes ---- */

bool addr_to_prefix(const union addr *addr, struct addr_prefix *prefix)
{
	memset(prefix, 0, sizeof(*prefix));
	if (addr->sa.sa_family == AF_INET) {
		prefix->family = 4;
		prefix->len = 32;
		memcpy(prefix->bytes, &addr->in.sin_addr, 4);
		return true;
	}
	if (addr->sa.sa_family == AF_INET6) {
		prefix->family = 6;
		prefix->len = 128;
		memcpy(prefix->bytes, &addr->in6.sin6_addr, 16);
		return true;
	}
	return false;
}

int addr_prefix_parse(const char *text, struct addr_prefix *prefix)
{
	const char *slash = strchr(text, '/'), *p;
	char host[INET6_ADDRSTRLEN];
	struct addr_prefix full;
	unsigned int len = 0, i;
	union addr addr;
	bool is_cut = false;
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (addr_parse_host(host, &addr) || !addr_to_prefix(&addr, &full))
		return -EINVAL;
	if (slash) {
		for (p = slash + 1; *p; p++) {
			if (*p < '0' || *p > '9' || p - slash > 3)
				return -EINVAL;
			len = len * 10 + (*p - '0');
		}
		if (p == slash + 1 || (slash[1] == '0' && p != slash + 2) || len > full.len)
			return -EINVAL;
		full.len = len;
	}
	for (i = 0; i < 16; i++) {
		unsigned int kept = full.len > 8 * i ? full.len - 8 * i : 0;
		uint8_t mask = kept >= 8 ? 0xff : (uint8_t)(0xff00 >> kept);

		is_cut |= full.bytes[i] & ~mask;
		full.bytes[i] &= mask;
	}
	*prefix = full;
	return is_cut ? -EDOM : 0;
}

const char *addr_prefix_format(const struct addr_prefix *prefix, char *buf, size_t buf_len)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(prefix->family == 6 ? AF_INET6 : AF_INET, prefix->bytes, host, sizeof(host));
	snprintf(buf, buf_len, "%s/%u", host, prefix->len);
	return buf;
}

bool addr_prefix_contains(const struct addr_prefix *outer, const struct addr_prefix *inner)
{
	unsigned int whole = outer->len / 8, rest = outer->len % 8;

	if (outer->family != inner->family || outer->len > inner->len ||
	    memcmp(outer->bytes, inner->bytes, whole))
		return false;
	return !rest || !((outer->bytes[whole] ^ inner->bytes[whole]) & (uint8_t)(0xff00 >> rest));
}
