// SPDX-License-Identifier: GPL-2.0-only
/*
 * acl.c - rules by address prefix: the longest prefix that contains an address decides
 *
 * The rules are sorted by family, address, length: so a prefix stands right before all that lies
 * inside it. The last rule that is not behind an address either contains it, or one of the
 * prefixes around that rule does, or none. Each rule knows the next one around it; a look-up is a
 * binary search and then a walk outwards, which is as long as the rules are nested.
 */
#include <stdlib.h>
#include <string.h>

#include "acl.h"

#define PREFIX_KEY_BYTES (sizeof(struct addr_prefix)) /* family, address, length: bytes only */

_Static_assert(sizeof(struct addr_prefix) == 18, "no padding: rules are compared with memcmp()");

static int compare(const void *a, const void *b)
{
	const struct acl_rule *x = a, *y = b;
	int r = memcmp(&x->prefix, &y->prefix, PREFIX_KEY_BYTES);

	return r ? r : x->line < y->line ? -1 : x->line > y->line;
}

int acl_build(struct acl_rule *rules, unsigned int n)
{
	unsigned int i;
	int around;

	qsort(rules, n, sizeof(*rules), compare);
	for (i = 0; i < n; i++) {
		if (i && !memcmp(&rules[i].prefix, &rules[i - 1].prefix, PREFIX_KEY_BYTES))
			return i;
		for (around = (int)i - 1; around >= 0; around = rules[around].parent)
			if (addr_prefix_contains(&rules[around].prefix, &rules[i].prefix))
				break;
		rules[i].parent = around;
	}
	return -1;
}

const struct acl_rule *acl_find(const struct acl_rule *rules, unsigned int n,
				const union addr *addr)
{
	unsigned int lo = 0, hi = n, mid;
	struct addr_prefix key;
	int i;

	if (!addr_to_prefix(addr, &key))
		return NULL;
	/* lo: number of rules that are not behind the address */
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (memcmp(&rules[mid].prefix, &key, PREFIX_KEY_BYTES) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (i = (int)lo - 1; i >= 0; i = rules[i].parent)
		if (addr_prefix_contains(&rules[i].prefix, &key))
			return &rules[i];
	return NULL;
}
