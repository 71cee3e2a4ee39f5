// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_cc.c - congestion_control_for { PREFIX = NAME; ... }, in a listener and in a pool
 *
 * The prefixes go to conf.rules, as those of allow and deny do, and each has the index of its
 * algorithm in conf.cc_names: the longest prefix that contains a peer's address decides. Whether the
 * stack has an algorithm is asked by the workers (cc.c): the file is checked without a stack, too.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "conf_schema.h"

#define SECTION "congestion_control_for"

static bool is_cc_name(const char *text)
{
	size_t i, len = strlen(text);

	if (!len || len >= TCP_SETTINGS_CC_BYTES)
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			return false;
	return true;
}

/* Its place in conf.cc_names. -1: they are too many. */
static int cc_index(struct conf *conf, const char *name)
{
	unsigned int i;

	for (i = 0; i < conf->n_cc_names; i++)
		if (!strcmp(conf->cc_names[i], name))
			return i;
	if (i == CONF_CC_NAMES_MAX)
		return -1;
	strcpy(conf->cc_names[i], name); /* NOLINT: is_cc_name() */
	conf->n_cc_names++;
	return i;
}

static void add(struct conf_checker *ck, const struct conf_node *key, const char *path, struct conf_range *range)
{
	struct acl_rule rule = { .line = key->line };
	char text[ADDR_PREFIX_TEXT_BYTES];
	struct conf *conf = ck->conf;
	int r, cc;

	if (key->is_section || key->is_list) {
		conf_error(&ck->errs, key->line, "%s.%s: expected the name of one congestion control", path, key->name);
		return;
	}
	r = addr_prefix_parse(key->name, &rule.prefix);
	if (r == -EDOM) {
		conf_error(&ck->errs, key->line, "%s.%s: bits behind the prefix are set; expected \"%s\"", path, key->name,
			   addr_prefix_format(&rule.prefix, text, sizeof(text)));
		return;
	}
	if (r) {
		conf_error(&ck->errs, key->line,
			   "%s.%s: not a prefix; expected e.g. 192.0.2.0/24, \"2001:db8::/32\" or an address", path, key->name);
		return;
	}
	if (!is_cc_name(key->value)) {
		conf_error(&ck->errs, key->line,
			   "%s.%s: \"%s\": not the name of a congestion control; expected 1 to %d characters, e.g. cubic", path,
			   key->name, key->value, TCP_SETTINGS_CC_BYTES - 1);
		return;
	}
	cc = cc_index(conf, key->value);
	if (cc < 0 || conf->n_rules == CONF_RULES_MAX) {
		conf_error(&ck->errs, key->line, "%s.%s: too many; at most %d names and %d prefixes in all", path, key->name,
			   CONF_CC_NAMES_MAX, CONF_RULES_MAX);
		return;
	}
	rule.value = cc;
	conf->rules[conf->n_rules++] = rule;
	range->n++;
}

void conf_take_cc(struct conf_checker *ck, const struct conf_node *node, const char *owner, const char *name,
		  struct conf_range *range)
{
	const struct conf_node *section = conf_single_section(ck, node, SECTION), *key;
	char path[2 * CONF_NAME_BYTES + sizeof(SECTION)], text[ADDR_PREFIX_TEXT_BYTES], where[300];
	struct acl_rule *rules;
	int i;

	range->first = ck->conf->n_rules;
	range->n = 0;
	if (!section)
		return;
	snprintf(path, sizeof(path), "%s.%.31s." SECTION, owner, name);
	for (key = section->children; key; key = key->next)
		if (key->name[0])
			add(ck, key, path, range);
	if (!section->children)
		conf_error(&ck->errs, section->line, "%s: empty; expected prefixes with the congestion control of each", path);
	rules = &ck->conf->rules[range->first];
	i = acl_build(rules, range->n);
	if (i >= 0)
		conf_error(&ck->errs, rules[i].line, "%s.%s: stands twice; first %s", path,
			   addr_prefix_format(&rules[i].prefix, text, sizeof(text)),
			   conf_where(&ck->errs, rules[i - 1].line, rules[i].line, where, sizeof(where)));
}
