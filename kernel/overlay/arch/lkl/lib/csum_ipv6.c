// SPDX-License-Identifier: GPL-2.0-only
/*
 * csum_ipv6.c - checksum of an IPv6 pseudo header, for releases whose arch/x86 has it outside its headers (release/)
 */
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/in6.h>
#include <net/checksum.h>

__sum16 csum_ipv6_magic(const struct in6_addr *saddr, const struct in6_addr *daddr, __u32 len, __u8 proto, __wsum sum)
{
	u64 s = (__force u32)sum;
	int i;

	for (i = 0; i < 4; i++)
		s += (u64)(__force u32)saddr->s6_addr32[i] + (__force u32)daddr->s6_addr32[i];
	s += (u64)(__force u32)htonl(len) + (__force u32)htonl(proto);
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffffffff) + (s >> 32);
	return csum_fold((__force __wsum)s);
}
EXPORT_SYMBOL(csum_ipv6_magic);
