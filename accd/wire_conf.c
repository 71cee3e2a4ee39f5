// SPDX-License-Identifier: GPL-2.0-only
/* wire_conf.c - see wire_conf.h */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire_conf.h"
#ifdef ACCD_HAVE_LKL
#include "wire.h"
#endif

/* In the order of enum conf_wire_type. */
static const struct {
	const char *name;
	bool has_interface;
	bool can_own; /* the interface may have addresses of the host that move into the stack */
} types[] = {
	[CONF_WIRE_PACKET] = { "packet", true, true }, [CONF_WIRE_XDP] = { "xdp", true, true },
	[CONF_WIRE_TAP] = { "tap", true, false },      [CONF_WIRE_PAIR] = { "pair", false, false },
	[CONF_WIRE_SOCKET] = { "socket", false, false }, [CONF_WIRE_PCAP] = { "pcap", false, false },
};

const char *wire_conf_spec(const struct conf_wire *wire, char *buf, size_t buf_len)
{
	const bool has_if = types[wire->type].has_interface;

	snprintf(buf, buf_len, "%s:%s%s%s%s", types[wire->type].name, has_if ? "if=" : "", has_if ? wire->interface : "",
		 has_if && wire->options[0] ? "," : "", wire->options);
	return buf;
}

int wire_conf_addresses(const char *text, int has_prefix, struct wire_address *out, char *why, size_t why_len)
{
	char copy[CONF_WIRE_ADDRESS_MAX + 1], *word, *rest = NULL;
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest), n++) {
		char *slash = strchr(word, '/'), *end = NULL;
		struct wire_address *a = &out[n];
		unsigned long prefix = 0;

		if (n == WIRE_ADDRESSES_MAX) {
			snprintf(why, why_len, "too many; at most %d", WIRE_ADDRESSES_MAX);
			return -EINVAL;
		}
		if (slash)
			*slash = '\0';
		memset(a, 0, sizeof(*a));
		a->family = strchr(word, ':') ? AF_INET6 : AF_INET;
		if (slash)
			prefix = strtoul(slash + 1, &end, 10);
		if (inet_pton(a->family, word, a->addr) != 1 || !slash != !has_prefix ||
		    (slash && (slash[1] < '0' || slash[1] > '9' || *end || !prefix ||
			       prefix > (a->family == AF_INET ? 32 : 128)))) {
			snprintf(why, why_len, "\"%.50s\" is no address; expected e.g. \"%s\"", word,
				 has_prefix ? "192.0.2.2/24 2001:db8::2/64" : "192.0.2.1 2001:db8::1");
			return -EINVAL;
		}
		a->prefix_len = (unsigned int)prefix;
	}
	return n;
}

const char *wire_conf_mistake(const struct conf_wire *wire, char *why, size_t why_len)
{
	struct wire_address addresses[WIRE_ADDRESSES_MAX];
	const char *name = types[wire->type].name;
	int n;

	if (types[wire->type].has_interface && !wire->interface[0]) {
		snprintf(why, why_len, "missing; network interface that the stack works on");
		return "interface";
	}
	if (!types[wire->type].has_interface && wire->interface[0]) {
		snprintf(why, why_len, "type %s has none; see \"options\"", name);
		return "interface";
	}
	/* The frame filter goes to the wire by its function, which takes no text. */
	if (wire->mode == CONF_WIRE_SHARE && wire->type != CONF_WIRE_PACKET) {
		snprintf(why, why_len, "\"share\": needs wire.type = packet");
		return "mode";
	}
	if (wire->mode == CONF_WIRE_SHARE && wire->options[0]) {
		snprintf(why, why_len, "\"%s\": not with mode = share; expected none", wire->options);
		return "options";
	}
	if (wire->mode != CONF_WIRE_STATIC) {
		if (!types[wire->type].can_own) {
			snprintf(why, why_len, "type %s has no addresses of the host; expected static, and \"address\"",
				 name);
			return "mode";
		}
		if (wire->address[0] || wire->gateway[0]) {
			snprintf(why, why_len, "only for mode = static");
			return wire->address[0] ? "address" : "gateway";
		}
	} else {
		n = wire_conf_addresses(wire->address, 1, addresses, why, why_len);
		if (n <= 0) {
			if (!n)
				snprintf(why, why_len, "missing; mode static needs the stack's addresses");
			return "address";
		}
		if (wire_conf_addresses(wire->gateway, 0, addresses, why, why_len) < 0)
			return "gateway";
	}
#ifdef ACCD_HAVE_LKL
	{
		char spec[WIRE_SPEC_BYTES];

		if (wire_spec_check(wire_conf_spec(wire, spec, sizeof(spec)), why, why_len))
			return "options";
	}
#endif
	return NULL;
}
