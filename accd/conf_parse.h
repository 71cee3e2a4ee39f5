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

/*
 * One "key = value;", one "key = [value, ...];" or one "name [label] { ... }".
 *
 * `line` is a position: the line's number, and above CONF_LINE_BITS the number of the file, 0 for
 * the one that was asked for and more for included ones. conf_error() takes it apart.
 */
struct conf_node {
	char *name;
	char *label; /* section label, or NULL */
	char *value; /* NULL: a section; "[...]" of a list */
	bool is_section;
	bool is_list; /* the children are its elements: name "", with a value each */
	int line; /* of the name */
	struct conf_node *parent;
	struct conf_node *children, *last; /* of a section or list, in file order */
	struct conf_node *next;
};

#define CONF_LINE_BITS 21 /* a file has at most CONF_FILE_BYTES_MAX lines and one more */
#define CONF_LINE(pos) ((pos) & ((1 << CONF_LINE_BITS) - 1))
#define CONF_FILE(pos) ((pos) >> CONF_LINE_BITS)

/* Bounds of what .include may bring together. */
#define CONF_FILE_BYTES_MAX (1 << 20) /* a configuration, not a data set */
#define CONF_BYTES_MAX (8 << 20) /* of all files */
#define CONF_FILES_MAX 256
#define CONF_INCLUDE_DEPTH_MAX 8

/* Where mistakes go: the syntax's from here, the schema's from conf.c. */
struct conf_errors {
	const char *file; /* number 0 */
	char *included[CONF_FILES_MAX]; /* by number; conf_errors_exit() frees them */
	unsigned int n_files;
	size_t bytes; /* of all of them */
	bool can_include; /* false: the text is no file */
	int count;
	void (*report)(void *ctx, const char *line); /* NULL: stderr */
	void *ctx;
};

/*
 * "accd: FILE:LINE: ..."; line 0 leaves the number out, otherwise it is a position. Counts all, shows the first
 * CONF_ERRORS_SHOWN.
 */
#define CONF_ERRORS_SHOWN 100
void conf_error(struct conf_errors *errs, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* " on line 7", or, if pos lies in another file than `from`, " on FILE:7". Returns buf. */
const char *conf_where(const struct conf_errors *errs, int pos, int from, char *buf, size_t buf_len);

/* Free the names of included files. */
void conf_errors_exit(struct conf_errors *errs);

/*
 * A whole file, at most CONF_FILE_BYTES_MAX. To be freed. NULL: the problem in *problem; errno
 * says more if it is "cannot open".
 */
char *conf_file_read(const char *path, size_t *len, const char **problem);

/*
 * Replace $NAME, ${NAME}, ${NAME:-default} and $$ in `word`, which has room for `size` bytes.
 * False: why has the sentence.
 */
bool conf_expand(char *word, size_t size, char *why, size_t why_len);

/*
 * Parse `len` bytes of text. Always returns a root section (NULL only if out of memory); mistakes
 * are reported to errs and the parser goes on behind them. *last_line is the number of the last
 * line.
 */
struct conf_node *conf_parse(const char *text, size_t len,
			     struct conf_errors *errs, int *last_line);

/* Append a child to `parent` (NULL: none). NULL: no memory. */
struct conf_node *conf_node_new(struct conf_node *parent, const char *name, int line);
void conf_node_free(struct conf_node *node);

#endif /* ACCD_CONF_PARSE_H */
