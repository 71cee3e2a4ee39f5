// SPDX-License-Identifier: GPL-2.0-only
/*
 * config.c - read a struct lkl_config from JSON text or the environment
 *
 * Two tables name each member's JSON key and environment variable. The parser takes the part of JSON (RFC 8259) that a
 * configuration can be made of, objects and strings and one array, and nothing else: it goes once over the text, without
 * recursion, and ends at the first mistake with line, key and what would be right.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lkl/asm/host_ops.h>
#include <lkl/lkl.h>

#include "config.h"

#define LINE_BYTES 512

struct member {
	const char *key;	/* JSON; NULL: none */
	const char *env;	/* NULL: none */
	size_t offset;
};

#define TOP(key, env, member) { key, env, offsetof(struct lkl_config, member) }
static const struct member top_members[] = {
	TOP("gateway", "LKL_HIJACK_NET_GATEWAY", gateway),
	TOP("gateway6", "LKL_HIJACK_NET_GATEWAY6", gateway6),
	TOP("debug", "LKL_HIJACK_DEBUG", debug),
	TOP("mount", "LKL_HIJACK_MOUNT", mount),
	TOP("singlecpu", "LKL_HIJACK_SINGLE_CPU", single_cpu),
	TOP("sysctl", "LKL_HIJACK_SYSCTL", sysctls),
	TOP("boot_cmdline", "LKL_HIJACK_BOOT_CMDLINE", boot_cmdline),
	TOP("dump", "LKL_HIJACK_DUMP", dump),
	TOP("delay_main", NULL, delay_main),
	TOP("nameserver", NULL, nameserver),
	{ 0 },
};

#define IFACE(key, env, member) { key, env, offsetof(struct lkl_config_iface, member) }
static const struct member iface_members[] = {
	IFACE(NULL, "LKL_HIJACK_NET_TAP", iftap),
	IFACE("type", "LKL_HIJACK_NET_IFTYPE", iftype),
	IFACE("param", "LKL_HIJACK_NET_IFPARAMS", ifparams),
	IFACE("mtu", "LKL_HIJACK_NET_MTU", ifmtu_str),
	IFACE("ip", "LKL_HIJACK_NET_IP", ifip),
	IFACE("ipv6", "LKL_HIJACK_NET_IPV6", ifipv6),
	IFACE("ifgateway", "LKL_HIJACK_NET_IFGATEWAY", ifgateway),
	IFACE("ifgateway6", "LKL_HIJACK_NET_IFGATEWAY6", ifgateway6),
	IFACE("mac", "LKL_HIJACK_NET_MAC", ifmac_str),
	IFACE("masklen", "LKL_HIJACK_NET_NETMASK_LEN", ifnetmask_len),
	IFACE("masklen6", "LKL_HIJACK_NET_NETMASK6_LEN", ifnetmask6_len),
	IFACE("offload", "LKL_HIJACK_OFFLOAD", ifoffload_str),
	IFACE("neigh", "LKL_HIJACK_NET_NEIGHBOR", ifneigh_entries),
	IFACE("qdisc", "LKL_HIJACK_NET_QDISC", ifqdisc_entries),
	{ 0 },
};

void lkl__config_print(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line) - 1, format, ap);
	va_end(ap);
	if (n < 0 || !lkl_host_ops.print)
		return;
	if (n > LINE_BYTES - 2)
		n = LINE_BYTES - 2;
	line[n++] = '\n';
	lkl_host_ops.print(line, n);
}

static char **member_of(const struct member *m, void *object)
{
	return (char **)((char *)object + m->offset);
}

static void members_free(const struct member *m, void *object)
{
	for (; m->key || m->env; m++) {
		free(*member_of(m, object));
		*member_of(m, object) = NULL;
	}
}

static void ifaces_free(struct lkl_config *cfg)
{
	struct lkl_config_iface *iface, *next;

	for (iface = cfg->ifaces; iface; iface = next) {
		next = iface->next;
		members_free(iface_members, iface);
		free(iface);
	}
	cfg->ifaces = NULL;
	cfg->ifnum = 0;
}

void lkl__config_free(struct lkl_config *cfg)
{
	ifaces_free(cfg);
	members_free(top_members, cfg);
}

/* Appended to the list. NULL: no memory. */
static struct lkl_config_iface *iface_new(struct lkl_config *cfg)
{
	struct lkl_config_iface **at = &cfg->ifaces;

	while (*at)
		at = &(*at)->next;
	*at = calloc(1, sizeof(**at));
	if (*at)
		cfg->ifnum++;
	return *at;
}

/* ---- the environment ---- */

static int env_read(const struct member *m, void *object)
{
	for (; m->key || m->env; m++) {
		const char *value = m->env ? getenv(m->env) : NULL;
		char *copy;

		if (!value)
			continue;
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
		free(*member_of(m, object));
		*member_of(m, object) = copy;
	}
	return 0;
}

int lkl_load_config_env(struct lkl_config *cfg)
{
	const struct member *m;

	for (m = iface_members; m->env && !getenv(m->env); m++)
		;
	if (m->env) {
		int err = !cfg->ifaces && !iface_new(cfg) ? -ENOMEM : env_read(iface_members, cfg->ifaces);

		if (err)
			return err;
	}
	return env_read(top_members, cfg);
}

/* ---- JSON ---- */

struct json {
	const char *at;
	unsigned int line;
};

static int bad(const struct json *j, const char *what)
{
	if (*j->at)
		lkl__config_print("configuration, line %u, at '%.12s': %s", j->line, j->at, what);
	else
		lkl__config_print("configuration, line %u, at its end: %s", j->line, what);
	return -EINVAL;
}

static void skip_space(struct json *j)
{
	for (; *j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'; j->at++)
		j->line += *j->at == '\n';
}

static int expect(struct json *j, char c, const char *what)
{
	skip_space(j);
	if (*j->at != c)
		return bad(j, what);
	j->at++;
	return 0;
}

/* Four hex digits. */
static int hex4(struct json *j, unsigned int *value)
{
	int i;

	*value = 0;
	for (i = 0; i < 4; i++, j->at++) {
		char c = *j->at;

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			*value = *value << 4 | ((c | 32) - 'a' + 10);
		else
			return bad(j, "\\u wants four hex digits");
	}
	return 0;
}

/* What follows \u, as UTF-8. */
static int unicode(struct json *j, char **out)
{
	unsigned int code, low;
	char *o = *out;
	int err = hex4(j, &code);

	if (err)
		return err;
	if (code >= 0xd800 && code <= 0xdbff && j->at[0] == '\\' && j->at[1] == 'u') {
		j->at += 2;
		err = hex4(j, &low);
		if (err)
			return err;
		if (low < 0xdc00 || low > 0xdfff)
			return bad(j, "half of a pair of surrogates");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	if (!code || (code >= 0xd800 && code <= 0xdfff))
		return bad(j, "no such character in a string");
	if (code < 0x80) {
		*o++ = code;
	} else if (code < 0x800) {
		*o++ = 0xc0 | code >> 6;
		*o++ = 0x80 | (code & 0x3f);
	} else {
		if (code < 0x10000) {
			*o++ = 0xe0 | code >> 12;
		} else {
			*o++ = 0xf0 | code >> 18;
			*o++ = 0x80 | (code >> 12 & 0x3f);
		}
		*o++ = 0x80 | (code >> 6 & 0x3f);
		*o++ = 0x80 | (code & 0x3f);
	}
	*out = o;
	return 0;
}

/* A string, in memory of its own. No escape is shorter than what it stands for. */
static int string(struct json *j, char **value)
{
	static const char escapes[] = "\"\\/bfnrt", stands_for[] = "\"\\/\b\f\n\r\t";
	const char *end;
	char *out, *o;
	int err = expect(j, '"', "a string in double quotes belongs here");

	if (err)
		return err;
	for (end = j->at; *end && *end != '"'; end++)
		if (*end == '\\' && end[1])
			end++;
	if (!*end)
		return bad(j, "this string has no end");
	o = out = malloc(end - j->at + 1);
	if (!out)
		return -ENOMEM;
	while (!err && j->at < end) {
		const char *escape;

		if ((unsigned char)*j->at < 0x20) {
			err = bad(j, "control characters in a string are written as \\u00XX");
		} else if (*j->at != '\\') {
			*o++ = *j->at++;
		} else if (j->at[1] == 'u') {
			j->at += 2;
			err = unicode(j, &o);
		} else {
			escape = strchr(escapes, j->at[1]);
			if (!escape) {
				err = bad(j, "no such escape");
			} else {
				*o++ = stands_for[escape - escapes];
				j->at += 2;
			}
		}
	}
	if (err) {
		free(out);
		return err;
	}
	*o = '\0';
	j->at = end + 1;
	*value = out;
	return 0;
}

static int interfaces(struct json *j, struct lkl_config *cfg);

/* An object of strings. With cfg, it is the outer one, which may have interfaces. */
static int object(struct json *j, const struct member *members, void *object, struct lkl_config *cfg)
{
	unsigned int seen = 0, bit;
	int err = expect(j, '{', "an object, { ... }, belongs here");

	skip_space(j);
	if (!err && *j->at == '}') {
		j->at++;
		return 0;
	}
	while (!err) {
		const struct member *m;
		char *key, *value;

		err = string(j, &key);
		if (err)
			return err;
		for (m = members; (m->key || m->env) && (!m->key || strcmp(m->key, key)); m++)
			;
		bit = 1u << (m - members);
		if (!m->key && !(cfg && !strcmp(key, "interfaces"))) {
			lkl__config_print("configuration, line %u: there is no key \"%s\" %s", j->line, key,
					  cfg ? "here" : "of an interface");
			err = -EINVAL;
		} else if (seen & bit) {
			lkl__config_print("configuration, line %u: \"%s\" is there twice", j->line, key);
			err = -EINVAL;
		}
		free(key);
		seen |= bit;
		if (!err)
			err = expect(j, ':', "':' and the value belong here");
		if (err)
			return err;
		if (!m->key) {
			err = interfaces(j, cfg);
		} else {
			err = string(j, &value);
			if (!err) {
				free(*member_of(m, object));
				*member_of(m, object) = value;
			}
		}
		if (err)
			return err;
		skip_space(j);
		if (*j->at == '}') {
			j->at++;
			return 0;
		}
		err = expect(j, ',', "',' and another key, or '}', belong here");
	}
	return err;
}

static int interfaces(struct json *j, struct lkl_config *cfg)
{
	int err = expect(j, '[', "an array of interfaces, [ ... ], belongs here");

	if (err)
		return err;
	ifaces_free(cfg);
	skip_space(j);
	if (*j->at == ']') {
		j->at++;
		return 0;
	}
	do {
		struct lkl_config_iface *iface;

		if (cfg->ifnum == LKL_CONFIG_IFACES_MAX)
			return bad(j, "more than 16 interfaces");
		iface = iface_new(cfg);
		if (!iface)
			return -ENOMEM;
		err = object(j, iface_members, iface, NULL);
		if (err)
			return err;
		skip_space(j);
		if (*j->at == ']') {
			j->at++;
			return 0;
		}
		err = expect(j, ',', "',' and another interface, or ']', belong here");
	} while (!err);
	return err;
}

int lkl_load_config_json(struct lkl_config *cfg, const char *jstr)
{
	struct json j = { .at = jstr, .line = 1 };
	int err;

	if (!cfg || !jstr)
		return -EINVAL;
	err = object(&j, top_members, cfg, cfg);
	if (err)
		return err;
	skip_space(&j);
	return *j.at ? bad(&j, "nothing belongs behind the configuration's object") : 0;
}

/* ---- showing ---- */

static void members_show(const struct member *m, void *object, const char *indent)
{
	for (; m->key || m->env; m++)
		if (*member_of(m, object))
			lkl__config_print("%s%s: %s", indent, m->key ? m->key : "tap", *member_of(m, object));
}

void lkl_show_config(struct lkl_config *cfg)
{
	struct lkl_config_iface *iface;
	int i = 0;

	members_show(top_members, cfg, "");
	for (iface = cfg->ifaces; iface; iface = iface->next) {
		lkl__config_print("interface %d:", i++);
		members_show(iface_members, iface, "  ");
	}
}
