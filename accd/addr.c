// SPDX-License-Identifier: GPL-2.0-only
/*
 * addr.c - a socket address of any family we relay
 *
 * Text is taken strictly: four decimal numbers without leading zeros (inet_pton), a port of 1 ..
 * 65535 in plain digits, nothing before or behind. A name is never resolved: a resolver would
 * block, and its answer would be a silent default.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

int addr_parse(const char *text, bool wildcard_ok, union addr *addr)
{
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN];
	struct in_addr in;
	unsigned int port = 0;
	const char *p;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, colon - text);
	host[colon - text] = '\0';

	for (p = colon + 1; *p; p++) {
		if (*p < '0' || *p > '9' || p - colon > 5)
			return -EINVAL;
		port = port * 10 + (*p - '0');
	}
	if (!port || port > UINT16_MAX || colon[1] == '0')
		return -EINVAL;

	if (wildcard_ok && !strcmp(host, "*"))
		in.s_addr = htonl(INADDR_ANY);
	else if (inet_pton(AF_INET, host, &in) != 1)
		return -EINVAL;
	else if (!wildcard_ok && in.s_addr == htonl(INADDR_ANY))
		return -EINVAL;

	memset(addr, 0, sizeof(*addr));
	addr->in.sin_family = AF_INET;
	addr->in.sin_port = htons(port);
	addr->in.sin_addr = in;
	return 0;
}

int addr_len(const union addr *addr)
{
	return addr->sa.sa_family == AF_INET6 ? sizeof(addr->in6) :
						sizeof(addr->in);
}

bool addr_equal(const union addr *a, const union addr *b)
{
	return a->sa.sa_family == b->sa.sa_family &&
	       a->in.sin_port == b->in.sin_port &&
	       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

bool addr_overlap(const union addr *a, const union addr *b)
{
	if (a->in.sin_port != b->in.sin_port)
		return false;
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr ||
	       a->in.sin_addr.s_addr == htonl(INADDR_ANY) ||
	       b->in.sin_addr.s_addr == htonl(INADDR_ANY);
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
