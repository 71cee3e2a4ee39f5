// SPDX-License-Identifier: GPL-2.0-only
/*
 * spec.c - wire specifications: text against a type's table of options
 *
 * Pure: text in, struct or sentence out. Nothing is guessed: an unknown key, a key set twice, a
 * value of another kind or out of bounds, an empty value and a missing key are mistakes, each told
 * with what would be right. The first one found is told.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "spec.h"

static const struct {
	const char *name;
	uint32_t bits;
} features[] = {
	{ "csum", LKL_WIRE_F_CSUM },   { "tso4", LKL_WIRE_F_TSO4 },
	{ "tso6", LKL_WIRE_F_TSO6 },   { "uso", LKL_WIRE_F_USO },
	{ "rxcsum", LKL_WIRE_F_RXCSUM }, { "rxgso", LKL_WIRE_F_RXGSO },
	{ "tso", LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 },
	{ "tx", LKL_WIRE_F_CSUM | LKL_WIRE_F_TSO4 | LKL_WIRE_F_TSO6 | LKL_WIRE_F_USO },
	{ "rx", LKL_WIRE_F_RXCSUM | LKL_WIRE_F_RXGSO },
};

#define FEATURES_LEN (sizeof(features) / sizeof(features[0]))

static const char *feature_names(uint32_t mask, char *buf, size_t buf_len)
{
	size_t n = 0, i;

	buf[0] = '\0';
	for (i = 0; i < FEATURES_LEN && n < buf_len; i++)
		if (!(features[i].bits & ~mask))
			n += (size_t)snprintf(buf + n, buf_len - n, "%s%s", n ? ", " : "",
					      features[i].name);
	return buf;
}

/* A sentence for the mistake, or NULL. `why` is where sentences with numbers are made. */
static const char *set_number(const struct wire_opt *o, const char *value, uint32_t *out, char *why,
			      size_t why_len)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = isdigit((unsigned char)value[0]) ? strtoull(value, &end, 10) : 0;
	if (!isdigit((unsigned char)value[0]))
		end = (char *)value;
	if (o->kind == WIRE_O_BYTES && end != value && *end && !end[1]) {
		const unsigned int shift = *end == 'k' ? 10 : *end == 'M' ? 20 : 0;

		if (shift && n <= UINT32_MAX >> shift) {
			n <<= shift;
			end++;
		}
	}
	if (end == value || *end) {
		snprintf(why, why_len, "not a number%s; expected %u to %u",
			 o->kind == WIRE_O_BYTES ? " of bytes (1024, 64k, 2M)" : "", o->min, o->max);
		return why;
	}
	if (errno || n < o->min || n > o->max) {
		snprintf(why, why_len, "out of range; expected %u to %u", o->min, o->max);
		return why;
	}
	if (o->flags & WIRE_O_POWER_OF_2 && n & (n - 1)) {
		snprintf(why, why_len, "not a power of two; expected one from %u to %u", o->min, o->max);
		return why;
	}
	*out = (uint32_t)n;
	return NULL;
}

static const char *set_mac(const char *value, uint8_t mac[6])
{
	static const uint8_t none[6];
	int i;

	for (i = 0; i < 6; i++) {
		const char *p = value + i * 3;

		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]) ||
		    p[2] != (i < 5 ? ':' : '\0'))
			return "not a MAC address; expected six pairs of digits, e.g. 02:00:00:00:00:01";
		mac[i] = (uint8_t)strtoul(p, NULL, 16);
	}
	if (mac[0] & 1 || !memcmp(mac, none, 6))
		return "not a unicast address; expected an even first byte, e.g. 02:00:00:00:00:01";
	return NULL;
}

static const char *set_choice(const struct wire_opt *o, const char *value, uint32_t *out, char *why,
			      size_t why_len)
{
	const size_t len = strlen(value);
	const char *p = o->choices;
	uint32_t i = 0;

	for (;; i++) {
		const size_t n = strcspn(p, "|");

		if (n == len && !memcmp(p, value, n)) {
			*out = i;
			return NULL;
		}
		if (!p[n])
			break;
		p += n + 1;
	}
	snprintf(why, why_len, "unknown; expected one of %s", o->choices);
	return why;
}

static const char *set_features(const struct wire_opt *o, const char *value, uint32_t *out, char *why,
				size_t why_len)
{
	char names[128];
	size_t i;

	*out = 0;
	while (1) {
		const size_t n = strcspn(value, "+");

		for (i = 0; i < FEATURES_LEN; i++)
			if (strlen(features[i].name) == n && !memcmp(features[i].name, value, n) &&
			    !(features[i].bits & ~o->max))
				break;
		if (i == FEATURES_LEN) {
			snprintf(why, why_len, "unknown feature '%.*s'; expected some of %s, joined by '+'",
				 (int)(n < 32 ? n : 32), value, feature_names(o->max, names, sizeof(names)));
			return why;
		}
		*out |= features[i].bits;
		if (!value[n])
			return NULL;
		value += n + 1;
	}
}

static const char *set_value(const struct wire_opt *o, const char *value, void *to, char *why,
			     size_t why_len)
{
	size_t i, len = strlen(value);

	switch (o->kind) {
	case WIRE_O_STRING:
	case WIRE_O_REST:
		if (len > o->max) {
			snprintf(why, why_len, "%zu bytes long; expected at most %u", len, o->max);
			return why;
		}
		for (i = 0; i < len; i++)
			if ((unsigned char)value[i] < ' ' || value[i] == 127)
				return "has a control character";
		memcpy(to, value, len + 1);
		return NULL;
	case WIRE_O_UINT:
	case WIRE_O_BYTES:
		return set_number(o, value, to, why, why_len);
	case WIRE_O_MAC:
		return set_mac(value, to);
	case WIRE_O_FLAG:
		if (!strcmp(value, "yes") || !strcmp(value, "no")) {
			*(uint32_t *)to = value[0] == 'y';
			return NULL;
		}
		return "expected yes or no";
	case WIRE_O_CHOICE:
		return set_choice(o, value, to, why, why_len);
	case WIRE_O_FEATURES:
		return set_features(o, value, to, why, why_len);
	}
	return "kind without a parser";
}

static const char *opt_names(const struct wire_type *type, char *buf, size_t buf_len)
{
	size_t n = 0;
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; i < type->opts_len && n < buf_len; i++)
		n += (size_t)snprintf(buf + n, buf_len - n, "%s%s", i ? ", " : "", type->opts[i].name);
	return buf;
}

int wire_spec_parse(const struct wire_type *type, const char *text, void *conf, char *err,
		    size_t err_len)
{
	char copy[WIRE_SPEC_MAX + 1], why[256], names[256];
	uint64_t seen = 0;
	const char *mistake;
	char *p = copy;
	unsigned int i;

	memset(conf, 0, type->conf_bytes);
	if (text && strlen(text) > WIRE_SPEC_MAX) {
		wire_say(err, err_len, "%s: longer than %d bytes", type->name, WIRE_SPEC_MAX);
		return -EINVAL;
	}
	strcpy(copy, text ? text : "");
	for (i = 0; i < type->opts_len; i++) {
		const struct wire_opt *o = &type->opts[i];

		if (o->dflt && set_value(o, o->dflt, (char *)conf + o->offset, why, sizeof(why))) {
			wire_say(err, err_len, "%s: bad default of '%s'", type->name, o->name);
			return -EINVAL;
		}
	}
	while (p && *p) {
		char *key = p, *value = NULL;
		const struct wire_opt *o = NULL;
		const size_t key_len = strcspn(p, "=,");

		for (i = 0; i < type->opts_len; i++)
			if (strlen(type->opts[i].name) == key_len && !memcmp(type->opts[i].name, key, key_len))
				o = &type->opts[i];
		if (!o) {
			wire_say(err, err_len, "%s: unknown option '%.*s'; expected %s", type->name,
				 (int)(key_len < 40 ? key_len : 40), key, opt_names(type, names, sizeof(names)));
			return -EINVAL;
		}
		if (key[key_len] == '=') {
			value = key + key_len + 1;
			p = o->kind == WIRE_O_REST ? NULL : strchr(value, ',');
		} else {
			p = key[key_len] ? key + key_len : NULL;
		}
		if (p) {
			*p++ = '\0';
			if (!*p) {
				wire_say(err, err_len, "%s: nothing behind the last ','", type->name);
				return -EINVAL;
			}
		}
		if (seen >> (o - type->opts) & 1) {
			wire_say(err, err_len, "%s: option '%s' is set twice", type->name, o->name);
			return -EINVAL;
		}
		seen |= 1ull << (o - type->opts);
		if (!value && o->kind == WIRE_O_FLAG)
			value = (char *)"yes";
		if (!value || !*value) {
			wire_say(err, err_len, "%s: option '%s' has no value: %s", type->name, o->name, o->help);
			return -EINVAL;
		}
		mistake = set_value(o, value, (char *)conf + o->offset, why, sizeof(why));
		if (mistake) {
			wire_say(err, err_len, "%s: %s='%.60s': %s", type->name, o->name, value, mistake);
			return -EINVAL;
		}
	}
	for (i = 0; i < type->opts_len; i++)
		if (type->opts[i].flags & WIRE_O_REQUIRED && !(seen >> i & 1)) {
			wire_say(err, err_len, "%s: option '%s' is missing: %s", type->name,
				 type->opts[i].name, type->opts[i].help);
			return -EINVAL;
		}
	return 0;
}
