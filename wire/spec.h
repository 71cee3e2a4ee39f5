/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spec.h - how a wire type describes itself to the registry
 *
 * A specification is TYPE[:KEY=VALUE[,KEY=VALUE ...]]. A type is a row with its options as a table;
 * spec.c parses the text against the table into the type's own struct, which starts as zeros. To
 * add a wire: a file with a struct, a table and an open function, and a row in registry.c.
 */
#ifndef WIRE_SPEC_H
#define WIRE_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum wire_opt_kind {
	WIRE_O_STRING,		/* char[max + 1] */
	WIRE_O_REST,		/* char[max + 1]: everything to the end of the text, commas too */
	WIRE_O_UINT,		/* uint32_t, min .. max */
	WIRE_O_BYTES,		/* uint32_t; text may end in k or M */
	WIRE_O_MAC,		/* uint8_t[6], unicast */
	WIRE_O_FLAG,		/* uint32_t: the bare key, or key=yes, key=no */
	WIRE_O_CHOICE,		/* uint32_t: index into choices, "a|b|c" */
	WIRE_O_FEATURES,	/* uint32_t: LKL_WIRE_F_*, written csum+tso4+...; `max` is the mask allowed */
};

#define WIRE_O_REQUIRED 1
#define WIRE_O_POWER_OF_2 2

struct wire_opt {
	const char *name;
	enum wire_opt_kind kind;
	size_t offset;
	uint32_t min, max;
	const char *choices;
	unsigned int flags;	/* WIRE_O_REQUIRED ... */
	const char *dflt;	/* as one would write it; NULL: zero */
	const char *help;
};

struct wire_type {
	const char *name;
	const char *help;
	const char *privileges;
	const struct wire_opt *opts;
	unsigned int opts_len;
	size_t conf_bytes;
	int (*open)(const void *conf, struct lkl_wire **out, char *err, size_t err_len);
};

#define WIRE_SPEC_MAX 1023	/* bytes of a specification */
#define WIRE_CONF_MAX 2048	/* bytes of a type's struct */

/* Parse the options (what stands behind "TYPE:"; may be NULL) into conf. 0 or -EINVAL with a sentence. */
int wire_spec_parse(const struct wire_type *type, const char *text, void *conf, char *err,
		    size_t err_len);

/* NULL: past the end. */
const struct wire_type *wire_type_at(unsigned int i);

extern const struct wire_type wire_packet_type, wire_tap_type, wire_pair_type, wire_pcap_type,
	wire_socket_type, wire_xdp_type;

#endif /* WIRE_SPEC_H */
