/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf_parse.h - text of accd.conf to a tree that remembers its lines
 *
 * Knows the syntax and nothing of the keys: conf.c judges what the tree says.
 */
#ifndef ACCD_CONF_PARSE_H
#define ACCD_CONF_PARSE_H

#include <stdbool.h>
#include <stddef.h>

/* One "key = value;" or one "name [label] { ... }". */
struct conf_node {
	char *name;
	char *label; /* section label, or NULL */
	char *value; /* NULL: a section */
	bool is_section;
	int line; /* of the name */
	struct conf_node *parent;
	struct conf_node *children; /* of a section, in file order */
	struct conf_node *next;
};

/* Where mistakes go: the syntax's from here, the schema's from conf.c. */
struct conf_errors {
	const char *file;
	int count;
	void (*report)(void *ctx, const char *line); /* NULL: stderr */
	void *ctx;
};

/*
 * "accd: FILE:LINE: ..."; line 0 leaves the number out. Counts all, shows the first
 * CONF_ERRORS_SHOWN.
 */
#define CONF_ERRORS_SHOWN 100
void conf_error(struct conf_errors *errs, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Parse `len` bytes of text. Always returns a root section (NULL only if out of memory); mistakes
 * are reported to errs and the parser goes on behind them. *last_line is the number of the last
 * line.
 */
struct conf_node *conf_parse(const char *text, size_t len,
			     struct conf_errors *errs, int *last_line);

void conf_node_free(struct conf_node *node);

#endif /* ACCD_CONF_PARSE_H */
