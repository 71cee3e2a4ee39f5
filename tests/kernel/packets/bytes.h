/* SPDX-License-Identifier: GPL-2.0-only */
/* bytes.h - numbers in network order and the Internet checksum (RFC 1071), for tests that make frames */
#ifndef TESTS_KERNEL_PACKETS_BYTES_H
#define TESTS_KERNEL_PACKETS_BYTES_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

static inline void put16(uint8_t *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline uint32_t sum(const uint8_t *p, size_t len, uint32_t sum)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len & 1)
		sum += p[len - 1] << 8;
	return sum;
}

static inline unsigned int fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Of the TCP part behind an IP header. */
static inline uint32_t pseudo_sum(const uint8_t *ip, size_t tcp_len)
{
	return sum(ip + 12, 8, IPPROTO_TCP + tcp_len);
}

#endif /* TESTS_KERNEL_PACKETS_BYTES_H */
