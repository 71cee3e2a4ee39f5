/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_conf.h - section `wire` of the configuration, as a wire's specification and the addresses of the
 * stack
 *
 * Pure: text in, struct or sentence out.
 */
#ifndef ACCD_WIRE_CONF_H
#define ACCD_WIRE_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define WIRE_ADDRESSES_MAX 8
#define WIRE_SPEC_BYTES (IFNAMSIZ + CONF_WIRE_OPTIONS_MAX + 32)

struct wire_address {
	int family; /* AF_INET, AF_INET6 */
	unsigned int prefix_len;
	uint8_t addr[16]; /* network order */
};

/* What wire_open() takes. Returns buf. */
const char *wire_conf_spec(const struct conf_wire *wire, char *buf, size_t buf_len);

/*
 * Addresses separated by blanks, each with "/LENGTH" if `has_prefix`. How many, at most
 * WIRE_ADDRESSES_MAX; or -EINVAL with a sentence.
 */
int wire_conf_addresses(const char *text, int has_prefix, struct wire_address *out, char *why, size_t why_len);

/* What is wrong with the section as a whole: the key, and a sentence in why. NULL: nothing. */
const char *wire_conf_mistake(const struct conf_wire *wire, char *why, size_t why_len);

#endif /* ACCD_WIRE_CONF_H */
