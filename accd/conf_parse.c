// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_parse.c - text of accd.conf to a tree that remembers its lines
 *
 * The syntax is the nginx-like core of the Universal Configuration Language:
 *
 *   entry   := name [label] '{' entry* '}' [';']
 *            | name ('=' | ':' | blank) (value | list) end
 *            | '.include' value end
 *   end     := ';' | ',' | end of line | before '}'
 *   list    := '[' (value [';' | ','])* ']'
 *   name, label, value := bare word, or "string" with \n \r \t \\ \" escapes
 *   comment := '#' to the end of the line, or C style, which nests
 *
 * In values (not in names) $NAME, ${NAME} and ${NAME:-default} stand for environment variables and
 * $$ for a dollar sign; conf_include.c replaces them. Left out, each with a message of its own:
 * other macros, heredocs. A bare word ends at a blank or at one of ; , { } = " # (and [ ] in a
 * list) and may hold everything else, so addresses and sizes need no quotes ("a:b" does in a key;
 * a value that begins with "[" does, as in "[::1]:80").
 *
 * Why a parser of our own: every message must name the line, also for a key that is missing, set
 * twice or in the wrong place, and Debian 12 has no package of the language's reference library
 * ("libucl" there is a compression library).
 *
 * After a mistake the parser skips to the end of the line, or past a matching block, and goes on:
 * all mistakes are reported in one run. Nesting is bounded; there is no recursion that the file
 * controls.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parse.h"

#define PARSE_DEPTH_MAX 16 /* our schema needs 3 */
#define PARSE_WORD_MAX 1024 /* longer than any path or interface name */

enum tok {
	TOK_END,
	TOK_WORD,
	TOK_STRING,
	TOK_OPEN,
	TOK_CLOSE,
	TOK_ASSIGN, /* = or : */
	TOK_SEPARATOR, /* ; or , */
	TOK_LIST_OPEN, /* [ where a value is wanted */
	TOK_LIST_CLOSE,
	TOK_NEWLINE,
	TOK_BAD, /* reported already */
};

struct parser {
	const char *p, *end;
	int line;
	struct conf_errors *errs;
	enum tok tok;
	int tok_line; /* where the token begins */
	char word[PARSE_WORD_MAX];
	bool value_wanted; /* ':' belongs to a word, not to the syntax */
	bool is_in_list; /* '[' and ']' belong to the syntax, not to a word */
	int include_depth;
};

static bool parse_include(struct parser *ps, struct conf_node *section, int depth,
			  const char *pattern, int line);

static const char *file_name(const struct conf_errors *errs, int pos)
{
	unsigned int i = CONF_FILE(pos);

	return i && i < errs->n_files ? errs->included[i] : errs->file;
}

const char *conf_where(const struct conf_errors *errs, int pos, int from, char *buf, size_t buf_len)
{
	if (CONF_FILE(pos) == CONF_FILE(from))
		snprintf(buf, buf_len, "on line %d", CONF_LINE(pos));
	else
		snprintf(buf, buf_len, "on %s:%d", file_name(errs, pos), CONF_LINE(pos));
	return buf;
}

void conf_errors_exit(struct conf_errors *errs)
{
	unsigned int i;

	for (i = 1; i < errs->n_files; i++)
		free(errs->included[i]);
	errs->n_files = 0;
}

void conf_error(struct conf_errors *errs, int line, const char *fmt, ...)
{
	char text[1024];
	char where[16] = "";
	va_list ap;
	int n;

	errs->count++;
	if (errs->count > CONF_ERRORS_SHOWN)
		return;
	if (line)
		snprintf(where, sizeof(where), ":%d", CONF_LINE(line));
	n = snprintf(text, sizeof(text), "accd: %s%s: ", file_name(errs, line), where);
	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0;
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	if (errs->report)
		errs->report(errs->ctx, text);
	else
		fprintf(stderr, "%s\n", text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(struct parser *ps, char c)
{
	if ((unsigned char)c <= ' ' || c == 0x7f || strchr(";,{}=\"#", c))
		return false;
	if (ps->is_in_list && (c == '[' || c == ']'))
		return false;
	return c != ':' || ps->value_wanted;
}

/* Blanks and comments; newlines stay, they are tokens. False: a comment that never ends. */
static bool skip_blank(struct parser *ps)
{
	int depth, line;

	while (ps->p < ps->end) {
		if (is_blank(*ps->p)) {
			ps->p++;
		} else if (*ps->p == '#') {
			while (ps->p < ps->end && *ps->p != '\n')
				ps->p++;
		} else if (ps->end - ps->p >= 2 && ps->p[0] == '/' &&
			   ps->p[1] == '*') {
			line = ps->line;
			depth = 0;
			do {
				if (ps->end - ps->p < 2) {
					conf_error(ps->errs, line,
						   "comment is never closed");
					ps->p = ps->end;
					return false;
				}
				if (ps->p[0] == '/' && ps->p[1] == '*') {
					depth++;
					ps->p += 2;
				} else if (ps->p[0] == '*' && ps->p[1] == '/') {
					depth--;
					ps->p += 2;
				} else {
					if (*ps->p == '\n')
						ps->line++;
					ps->p++;
				}
			} while (depth);
		} else {
			break;
		}
	}
	return true;
}

static void read_string(struct parser *ps)
{
	size_t n = 0;
	char c;

	ps->p++;
	for (;;) {
		if (ps->p >= ps->end || *ps->p == '\n') {
			conf_error(ps->errs, ps->tok_line,
				   "string is not closed on its line");
			ps->tok = TOK_BAD;
			return;
		}
		c = *ps->p++;
		if (c == '"')
			break;
		if (c == '\\' && ps->p < ps->end) {
			c = *ps->p++;
			if (c == 'n') {
				c = '\n';
			} else if (c == 'r') {
				c = '\r';
			} else if (c == 't') {
				c = '\t';
			} else if (c != '"' && c != '\\') {
				conf_error(
					ps->errs, ps->tok_line,
					"unknown escape in string; expected \\n, \\r, \\t, \\\\ or \\\"");
				if (c == '\n')
					ps->p--;
				ps->tok = TOK_BAD;
				return;
			}
		}
		if (c == '\0') {
			conf_error(ps->errs, ps->tok_line,
				   "NUL byte in string");
			ps->tok = TOK_BAD;
			return;
		}
		if (n + 1 >= sizeof(ps->word)) {
			conf_error(ps->errs, ps->tok_line,
				   "string is longer than %d bytes",
				   PARSE_WORD_MAX - 1);
			ps->tok = TOK_BAD;
			return;
		}
		ps->word[n++] = c;
	}
	ps->word[n] = '\0';
	ps->tok = TOK_STRING;
}

static void read_word(struct parser *ps)
{
	bool is_braced = false; /* in ${...} */
	size_t n = 0;

	while (ps->p < ps->end && (is_word(ps, *ps->p) || *ps->p == '{' || is_braced)) {
		if (!is_braced && *ps->p == '{') {
			if (!n || ps->word[n - 1] != '$')
				break;
			is_braced = true;
		} else if (is_braced && ((unsigned char)*ps->p < ' ' || *ps->p == '"')) {
			conf_error(ps->errs, ps->tok_line, "\"${\" is not closed in its word");
			ps->tok = TOK_BAD;
			return;
		} else if (*ps->p == '}') {
			is_braced = false;
		}
		if (n + 1 >= sizeof(ps->word)) {
			conf_error(ps->errs, ps->tok_line,
				   "word is longer than %d bytes",
				   PARSE_WORD_MAX - 1);
			ps->tok = TOK_BAD;
			return;
		}
		ps->word[n++] = *ps->p++;
	}
	ps->word[n] = '\0';
	ps->tok = TOK_WORD;
}

static void next_token(struct parser *ps)
{
	char c;

	skip_blank(ps);
	ps->tok_line = ps->line;
	if (ps->p >= ps->end) {
		ps->tok = TOK_END;
		return;
	}
	c = *ps->p;
	if (c == '"') {
		read_string(ps);
		return;
	}
	if (ps->value_wanted && !ps->is_in_list && c == '[') {
		ps->p++;
		ps->tok = TOK_LIST_OPEN;
		return;
	}
	if (is_word(ps, c)) {
		read_word(ps);
		return;
	}
	ps->p++;
	switch (c) {
	case '[':
		ps->tok = TOK_LIST_OPEN;
		return;
	case ']':
		ps->tok = TOK_LIST_CLOSE;
		return;
	case '\n':
		ps->line++;
		ps->tok = TOK_NEWLINE;
		return;
	case '{':
		ps->tok = TOK_OPEN;
		return;
	case '}':
		ps->tok = TOK_CLOSE;
		return;
	case '=':
	case ':':
		ps->tok = TOK_ASSIGN;
		return;
	case ';':
	case ',':
		ps->tok = TOK_SEPARATOR;
		return;
	default:
		conf_error(ps->errs, ps->tok_line, "unexpected byte 0x%02x",
			   (unsigned char)c);
		ps->tok = TOK_BAD;
	}
}

/* Behind a mistake: to the end of the line, or, if a block begins on it, past the block. */
static void recover(struct parser *ps)
{
	int depth = 0;

	ps->value_wanted = false;
	ps->is_in_list = false;
	while (ps->p < ps->end && (depth || *ps->p != '\n')) {
		if (!skip_blank(ps) || ps->p >= ps->end)
			break;
		if (*ps->p == '{')
			depth++;
		else if (*ps->p == '}' && !depth)
			break;
		else if (*ps->p == '}')
			depth--;
		else if (*ps->p == '\n' && !depth)
			break;
		else if (*ps->p == '\n')
			ps->line++;
		ps->p++;
	}
	next_token(ps);
}

struct conf_node *conf_node_new(struct conf_node *parent, const char *name, int line)
{
	struct conf_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->name = strdup(name);
	if (!node->name) {
		free(node);
		return NULL;
	}
	node->line = line;
	node->parent = parent;
	if (parent) {
		if (parent->last)
			parent->last->next = node;
		else
			parent->children = node;
		parent->last = node;
	}
	return node;
}

void conf_node_free(struct conf_node *node)
{
	struct conf_node *child;

	if (!node)
		return;
	while ((child = node->children)) {
		node->children = child->next;
		conf_node_free(child); /* depth is bounded by PARSE_DEPTH_MAX */
	}
	free(node->name);
	free(node->label);
	free(node->value);
	free(node);
}

/* The value that the current token is, expanded. NULL: reported (TOK_BAD), or no memory. */
static char *take_value(struct parser *ps, const char *name)
{
	char why[256];

	if (ps->tok == TOK_WORD && !strncmp(ps->word, "<<", 2)) {
		conf_error(ps->errs, ps->tok_line,
			   "%s: heredocs are not supported; put a value that begins with \"<<\" in quotes",
			   name);
		ps->tok = TOK_BAD;
		return NULL;
	}
	if (!conf_expand(ps->word, sizeof(ps->word), why, sizeof(why))) {
		conf_error(ps->errs, ps->tok_line, "%s: %s", name, why);
		ps->tok = TOK_BAD;
		return NULL;
	}
	return strdup(ps->word);
}

/* Elements up to ']'; the current token is the '['. False: no memory. */
static bool parse_list(struct parser *ps, struct conf_node *list)
{
	struct conf_node *element;
	int line = ps->tok_line;

	list->is_list = true;
	list->value = strdup("[...]");
	if (!list->value)
		return false;
	ps->is_in_list = true;
	for (;;) {
		next_token(ps);
		switch (ps->tok) {
		case TOK_WORD:
		case TOK_STRING:
			element = conf_node_new(list, "", ps->tok_line);
			if (!element)
				return false;
			element->value = take_value(ps, list->name);
			if (element->value)
				break;
			if (ps->tok != TOK_BAD)
				return false;
			element->value = strdup("");
			element->is_list = true; /* reported: nobody reads it */
			if (!element->value)
				return false;
			break;
		case TOK_SEPARATOR:
		case TOK_NEWLINE:
			break;
		case TOK_LIST_CLOSE:
			ps->is_in_list = ps->value_wanted = false;
			next_token(ps);
			return true;
		case TOK_END:
			conf_error(ps->errs, line, "%s: list is never closed; expected ']'",
				   list->name);
			return true;
		default:
			if (ps->tok != TOK_BAD)
				conf_error(ps->errs, ps->tok_line,
					   "%s: unexpected in a list; expected values and ']'",
					   list->name);
			ps->tok = TOK_BAD;
			return true;
		}
	}
}

/* Is '{' the next thing, over line ends? If so, go there. */
static bool brace_follows(struct parser *ps)
{
	const char *p = ps->p;
	int line = ps->line;

	while (skip_blank(ps) && ps->p < ps->end && *ps->p == '\n') {
		ps->p++;
		ps->line++;
	}
	if (ps->p >=
	    ps->end) /* nothing follows at all, or a mistake that was reported */
		return false;
	if (*ps->p == '{')
		return true;
	ps->p = p;
	ps->line = line;
	return false;
}

/*
 * The rest of an entry; the current token follows its name. Returns the section to go on in, or
 * NULL: no memory.
 */
static struct conf_node *parse_entry(struct parser *ps,
				     struct conf_node *section, int depth,
				     const char *name, int line)
{
	struct conf_node *node;
	bool assigned = false;

	if (name[0] == '.' && strcmp(name, ".include")) {
		conf_error(ps->errs, line, "%s: macros other than .include are not supported",
			   name);
		recover(ps);
		return section;
	}
	node = conf_node_new(section, name, line);
	if (!node)
		return NULL;

	if (ps->tok == TOK_ASSIGN) {
		assigned = true;
		ps->value_wanted = true;
		next_token(ps);
	}
	if (ps->tok == TOK_WORD || ps->tok == TOK_STRING) {
		node->value = take_value(ps, name);
		if (!node->value && ps->tok != TOK_BAD)
			return NULL;
		if (!node->value) {
			node->value = strdup("");
			if (!node->value)
				return NULL;
			node->name[0] = '\0'; /* reported: conf.c skips it */
			recover(ps);
			return section;
		}
		ps->value_wanted = false;
		next_token(ps);
	} else if (ps->tok == TOK_LIST_OPEN) {
		if (!parse_list(ps, node))
			return NULL;
		if (ps->tok == TOK_BAD) {
			node->name[0] = '\0';
			recover(ps);
			return section;
		}
	}
	ps->value_wanted = false;

	/* "name {" may have its brace on the next line */
	if (ps->tok == TOK_NEWLINE && !assigned && !node->is_list && brace_follows(ps))
		next_token(ps);

	if (ps->tok == TOK_OPEN && !node->is_list) {
		if (depth + 1 >= PARSE_DEPTH_MAX) {
			conf_error(ps->errs, line,
				   "%s: sections are nested deeper than %d",
				   name, PARSE_DEPTH_MAX);
			ps->p--; /* so that recover() sees the brace */
			recover(ps);
			return section;
		}
		node->is_section = true;
		node->label = node->value;
		node->value = NULL;
		next_token(ps);
		return node;
	}
	if (!node->value) {
		if (ps->tok != TOK_BAD)
			conf_error(
				ps->errs, line,
				"%s: has no value; expected \"%s = VALUE;\" or \"%s { ... }\"",
				name, name, name);
		node->value = strdup("");
		if (!node->value)
			return NULL;
		node->name[0] = '\0'; /* reported: conf.c skips it */
		if (ps->tok == TOK_BAD)
			recover(ps);
		return section;
	}
	switch (ps->tok) {
	case TOK_SEPARATOR:
	case TOK_NEWLINE:
		next_token(ps);
		break;
	case TOK_CLOSE:
	case TOK_END:
		break;
	case TOK_BAD:
		recover(ps);
		break;
	default:
		conf_error(ps->errs, ps->tok_line,
			   "%s: more than one value; expected ';' after \"%s\"%s",
			   name, node->value,
			   node->is_list ? " (a value that begins with '[' needs quotes)" : "");
		recover(ps);
	}
	if (!strcmp(node->name, ".include")) {
		node->name[0] = '\0'; /* not for conf.c */
		if (node->is_list)
			conf_error(ps->errs, line,
				   ".include: a list; expected one file, or a pattern like \"conf.d/*.conf\"");
		else if (!parse_include(ps, section, depth, node->value, line))
			return NULL;
	}
	return section;
}

/*
 * The entries of one file into `root`, which is at `depth`. False: no memory. *last_line: position
 * of its last line.
 */
static bool parse_text(const char *text, size_t len, struct conf_errors *errs, unsigned int file,
		       int include_depth, struct conf_node *root, int depth, int *last_line)
{
	struct parser *ps = calloc(1, sizeof(*ps));
	struct conf_node *section = root, *in;
	char name[PARSE_WORD_MAX];
	bool is_done = false;
	int line;

	if (!ps)
		return false;
	ps->p = text;
	ps->end = text + len;
	ps->line = (int)(file << CONF_LINE_BITS) + 1;
	ps->errs = errs;
	ps->include_depth = include_depth;
	next_token(ps);
	while (ps->tok != TOK_END) {
		switch (ps->tok) {
		case TOK_NEWLINE:
		case TOK_SEPARATOR:
			next_token(ps);
			break;
		case TOK_CLOSE:
			if (section == root) {
				conf_error(errs, ps->tok_line, "'}' without a '{'");
			} else {
				section = section->parent;
				depth--;
			}
			next_token(ps);
			break;
		case TOK_WORD:
		case TOK_STRING:
			memcpy(name, ps->word, sizeof(name));
			line = ps->tok_line;
			/*
			 * without '=' or ':' behind the name, what follows is a value or a label
			 * and may hold ':'
			 */
			skip_blank(ps);
			ps->value_wanted = ps->p < ps->end && *ps->p != ':';
			next_token(ps);
			in = parse_entry(ps, section, depth, name, line);
			if (!in)
				goto out;
			if (in != section)
				depth++;
			section = in;
			break;
		case TOK_BAD:
			recover(ps);
			break;
		default:
			conf_error(errs, ps->tok_line, "%s without a name before it",
				   ps->tok == TOK_OPEN	     ? "'{'" :
				   ps->tok == TOK_LIST_OPEN  ? "'['" :
				   ps->tok == TOK_LIST_CLOSE ? "']'" :
							       "'='");
			if (ps->tok == TOK_OPEN)
				ps->p--;
			recover(ps);
		}
	}
	for (; section != root; section = section->parent)
		conf_error(errs, section->line, "%s: section is never closed", section->name);
	*last_line = ps->line;
	is_done = true;
out:
	free(ps);
	return is_done;
}

/* One file that .include named. False: no memory. */
static bool include_file(struct parser *ps, struct conf_node *section, int depth, const char *path,
			 int line)
{
	struct conf_errors *errs = ps->errs;
	const char *problem;
	unsigned int file;
	int last_line;
	size_t len;
	char *text;
	bool ok;

	if (errs->n_files == CONF_FILES_MAX) {
		conf_error(errs, line, ".include: \"%s\": too many files; at most %d", path,
			   CONF_FILES_MAX);
		return true;
	}
	text = conf_file_read(path, &len, &problem);
	if (!text) {
		conf_error(errs, line, ".include: \"%s\": %s", path, problem);
		return true;
	}
	errs->bytes += len;
	if (errs->bytes > CONF_BYTES_MAX) {
		conf_error(errs, line, ".include: \"%s\": all files are longer than %d bytes", path,
			   CONF_BYTES_MAX);
		free(text);
		return true;
	}
	file = errs->n_files++;
	errs->included[file] = strdup(path);
	ok = errs->included[file] && parse_text(text, len, errs, file, ps->include_depth + 1, section,
						depth, &last_line);
	free(text);
	return ok;
}

static bool parse_include(struct parser *ps, struct conf_node *section, int depth,
			  const char *pattern, int line)
{
	struct conf_errors *errs = ps->errs;
	const char *own = file_name(errs, line);
	const char *slash = strrchr(own, '/');
	glob_t found = { 0 };
	char path[PATH_MAX];
	bool ok = true;
	size_t i;
	int r;

	if (!errs->can_include) {
		conf_error(errs, line, ".include: \"%s\": not possible in a text that is no file",
			   pattern);
		return true;
	}
	if (ps->include_depth + 1 > CONF_INCLUDE_DEPTH_MAX) {
		conf_error(errs, line, ".include: \"%s\": files include each other deeper than %d",
			   pattern, CONF_INCLUDE_DEPTH_MAX);
		return true;
	}
	/* a relative name counts from the file that includes */
	r = snprintf(path, sizeof(path), "%.*s%s", pattern[0] == '/' || !slash ? 0 : (int)(slash + 1 - own),
		     own, pattern);
	if (r >= (int)sizeof(path)) {
		conf_error(errs, line, ".include: \"%s\": name is too long", pattern);
		return true;
	}
	if (!strpbrk(path, "*?["))
		return include_file(ps, section, depth, path, line);
	r = glob(path, GLOB_ERR, NULL, &found);
	if (r && r != GLOB_NOMATCH) /* that there is none yet is no mistake of a pattern */
		conf_error(errs, line, ".include: \"%s\": cannot look for it: %s", pattern,
			   r == GLOB_NOSPACE ? "out of memory" : strerror(errno));
	for (i = 0; !r && ok && i < found.gl_pathc; i++)
		ok = include_file(ps, section, depth, found.gl_pathv[i], line);
	globfree(&found);
	return ok;
}

struct conf_node *conf_parse(const char *text, size_t len,
			     struct conf_errors *errs, int *last_line)
{
	struct conf_node *root = conf_node_new(NULL, "", 1);

	if (!root)
		return NULL;
	root->is_section = true;
	errs->n_files = 1;
	errs->bytes = len;
	if (!parse_text(text, len, errs, 0, 0, root, 0, last_line)) {
		conf_node_free(root);
		return NULL;
	}
	return root;
}
