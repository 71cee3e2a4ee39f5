/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf_schema.h - what the files of the configuration share among themselves
 *
 *   conf_parse.c  text to a tree with lines
 *   conf_keys.c   the tables: sections and keys
 *   conf_types.c  a value's text to what the daemon uses
 *   conf_listener.c  what a listener has besides plain values: lists, routes, addresses
 *   conf_cc.c     congestion controls by prefix
 *   conf.c        the tree against the tables; references between sections
 */
#ifndef ACCD_CONF_SCHEMA_H
#define ACCD_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "conf_parse.h"

struct conf;
struct conf_key;
struct conf_range;

struct conf_section {
	const char *path; /* "pool.server": a section inside another */
	bool has_label;
	bool is_required;
};

extern const struct conf_section conf_sections[];
extern const unsigned int conf_sections_len;

/* Rows of conf_keys[] at most: an array of this many stands on the stack while a section is read. */
#define CONF_KEYS_MAX 256

/* 1 to CONF_NAME_BYTES - 1 letters, digits, '-', '_' or '.'. */
bool conf_is_name(const char *text);

/*
 * Store `text` at `dst` as `key` wants it. Returns true, or false with the sentence "PROBLEM;
 * expected WHAT" in why.
 */
bool conf_value_set(const struct conf_key *key, const char *text, void *dst, char *why,
		    size_t why_len);

/* The CPUs that this process may use, in order. Their number. */
struct conf_cpus;
unsigned int conf_cpus_allowed(struct conf_cpus *cpus);
/* True, with a sentence in why: workers cannot be pinned to this one. */
bool conf_cpu_mistake(long cpu, char *why, size_t why_len);

/* A load at work. */
struct conf_checker {
	struct conf *conf;
	struct conf_errors errs;
	int last_line;
};

/* conf.c, for conf_listener.c: see there. */
void conf_take_keys(struct conf_checker *ck, const struct conf_node *node, const char *section,
		    void *base);
bool conf_check_label(struct conf_checker *ck, const struct conf_node *node, unsigned int n,
		      unsigned int max);
const struct conf_node *conf_next_section(const struct conf_node *node, const char *name,
					  const struct conf_node *prev);
const struct conf_node *conf_single_section(struct conf_checker *ck, const struct conf_node *root,
					    const char *name);
/* The child `name` that is no section, or NULL. */
const struct conf_node *conf_key_node(const struct conf_node *node, const char *name);

/* conf_cc.c: of a listener or a pool, which `owner` says. */
void conf_take_cc(struct conf_checker *ck, const struct conf_node *node, const char *owner, const char *name,
		  struct conf_range *range);

/* conf_listener.c */

/* Before pools are taken: listeners with `server` get a pool of their own. False: no memory. */
bool conf_inline_servers(struct conf_checker *ck, struct conf_node *root);
/* After pools were taken. */
void conf_take_listeners(struct conf_checker *ck, const struct conf_node *root);

#endif /* ACCD_CONF_SCHEMA_H */
