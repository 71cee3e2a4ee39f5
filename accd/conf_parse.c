// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_parse.c - text of accd.conf to a tree that remembers its lines
 *
 * The syntax is the nginx-like core of the Universal Configuration Language:
 *
 *   entry   := name [label] '{' entry* '}' [';']
 *            | name ('=' | ':' | blank) value (';' | ',' | end of line | before '}')
 *   name, label, value := bare word, or "string" with \n \r \t \\ \" escapes
 *   comment := '#' to the end of the line, or C style, which nests
 *
 * Left out, each with a message of its own: arrays, macros (.include), variables, heredocs. A
 * bare word ends at a blank or at one of ; , { } = " # and may hold everything else, so addresses
 * and sizes need no quotes ("a:b" does in a key).
 *
 * Why a parser of our own: every message must name the line, also for a key that is missing, set
 * twice or in the wrong place, and Debian 12 has no package of the language's reference library
 * ("libucl" there is a compression library).
 *
 * After a mistake the parser skips to the end of the line, or past a matching block, and goes on:
 * all mistakes are reported in one run. Nesting is bounded; there is no recursion that the file
 * controls.
 */
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
};

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
		snprintf(where, sizeof(where), ":%d", line);
	n = snprintf(text, sizeof(text), "accd: %s%s: ", errs->file, where);
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
	size_t n = 0;

	while (ps->p < ps->end && is_word(ps, *ps->p)) {
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
	if (is_word(ps, c)) {
		read_word(ps);
		return;
	}
	ps->p++;
	switch (c) {
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

static struct conf_node *node_new(struct conf_node *parent, const char *name,
				  int line)
{
	struct conf_node *node = calloc(1, sizeof(*node));
	struct conf_node **tail;

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
		for (tail = &parent->children; *tail; tail = &(*tail)->next)
			;
		*tail = node;
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

static bool unsupported(struct parser *ps, const char *name, int line)
{
	if (name[0] == '.') {
		conf_error(ps->errs, line, "%s: macros are not supported",
			   name);
		return true;
	}
	return false;
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

	if (unsupported(ps, name, line)) {
		recover(ps);
		return section;
	}
	node = node_new(section, name, line);
	if (!node)
		return NULL;

	if (ps->tok == TOK_ASSIGN) {
		assigned = true;
		ps->value_wanted = true;
		next_token(ps);
	}
	if (ps->tok == TOK_WORD || ps->tok == TOK_STRING) {
		node->value = strdup(ps->word);
		if (!node->value)
			return NULL;
		if (ps->tok == TOK_WORD &&
		    (ps->word[0] == '[' || !strncmp(ps->word, "<<", 2) ||
		     strstr(ps->word, "${"))) {
			conf_error(
				ps->errs, ps->tok_line,
				"%s: arrays, heredocs and variables are not supported; "
				"put a value that needs these characters in quotes",
				name);
			recover(ps);
			return section;
		}
		ps->value_wanted = false;
		next_token(ps);
	}
	ps->value_wanted = false;

	/* "name {" may have its brace on the next line */
	if (ps->tok == TOK_NEWLINE && !assigned && brace_follows(ps))
		next_token(ps);

	if (ps->tok == TOK_OPEN) {
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
			   "%s: more than one value; expected ';' after \"%s\"",
			   name, node->value);
		recover(ps);
	}
	return section;
}

struct conf_node *conf_parse(const char *text, size_t len,
			     struct conf_errors *errs, int *last_line)
{
	struct parser *ps = calloc(1, sizeof(*ps));
	struct conf_node *root = node_new(NULL, "", 1);
	struct conf_node *section = root;
	struct conf_node *in;
	char name[PARSE_WORD_MAX];
	int depth = 0;
	int line;

	if (!ps || !root)
		goto err_memory;
	ps->p = text;
	ps->end = text + len;
	ps->line = 1;
	ps->errs = errs;
	root->is_section = true;
	next_token(ps);
	while (ps->tok != TOK_END) {
		switch (ps->tok) {
		case TOK_NEWLINE:
		case TOK_SEPARATOR:
			next_token(ps);
			break;
		case TOK_CLOSE:
			if (section == root) {
				conf_error(errs, ps->tok_line,
					   "'}' without a '{'");
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
				goto err_memory;
			if (in != section)
				depth++;
			section = in;
			break;
		case TOK_BAD:
			recover(ps);
			break;
		default:
			conf_error(errs, ps->tok_line,
				   "%s without a name before it",
				   ps->tok == TOK_OPEN ? "'{'" : "'='");
			if (ps->tok == TOK_OPEN)
				ps->p--;
			recover(ps);
		}
	}
	for (; section != root; section = section->parent)
		conf_error(errs, section->line, "%s: section is never closed",
			   section->name);
	*last_line = ps->line;
	free(ps);
	return root;

err_memory:
	free(ps);
	conf_node_free(root);
	return NULL;
}
