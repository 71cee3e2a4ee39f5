/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acl.h - rules by address prefix: the longest prefix that contains an address decides
 *
 * A table is a plain array without pointers, made once (acl_build) and then only read; it is part
 * of struct conf. Pure functions, any thread.
 */
#ifndef ACCD_ACL_H
#define ACCD_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct acl_rule {
	struct addr_prefix prefix; /* first: acl.c sorts by its bytes */
	uint8_t is_deny;
	uint8_t value; /* what else stands behind a prefix: its owner's */
	int32_t parent; /* the longest other prefix around this one; -1: none */
	int32_t line; /* position in the configuration, for messages */
};

/*
 * Sort `n` rules and link each with the one around it. Returns -1, or the index of the second of
 * two rules with the same prefix (both lie side by side then, the earlier line first).
 */
int acl_build(struct acl_rule *rules, unsigned int n);

/* The rule that decides for an address, or NULL: none contains it. O(log n + nesting). */
const struct acl_rule *acl_find(const struct acl_rule *rules, unsigned int n,
				const union addr *addr);

#endif /* ACCD_ACL_H */
