// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi_prefix.c - the kernel's UAPI headers under names of their own
 *
 *   uapi_prefix IN_DIR OUT_DIR PREFIX
 *
 * Reads every *.h below IN_DIR (what `make headers` of the kernel installs) and writes it below OUT_DIR with the names
 * it gives to the world renamed, so that a program may include it beside libc's headers, which have the same names with
 * other contents. With PREFIX "lkl":
 *
 *   in_addr -> lkl_in_addr   AF_UNIX -> LKL_AF_UNIX   _IOC -> _LKL_IOC   __u8 -> __lkl__u8   __BITS_PER_LONG -> __LKL__...
 *
 * that is: up to two leading underscores, the prefix in the case of the name (upper case if the name has no lower-case
 * letter), an underscore unless the name begins with one, and the name.
 *
 * Model. Each header becomes a list of tokens (comments, strings and numbers are tokens too, and pass unchanged). The
 * first pass collects what the headers define: macros, tags of struct, union and enum, typedef names, enumerators, and
 * functions. The second writes each file again and renames identifiers by where they stand:
 *
 *   after struct, union, enum        always: it is a tag, defined here or in the kernel
 *   after . or ->, or where a struct only if it is a macro that this file sees (itself or through its includes),
 *   declares a member                because the preprocessor would have replaced it there: #define s6_addr in6_u.u6_addr8
 *   parameters of a macro            never, inside that macro
 *   beside ##                        also if it is the beginning of a name that is renamed
 *   anywhere else                    if it was collected; of the macros with lower-case letters only those it sees
 *
 * Includes of headers of the set become <PREFIX/...>; of libc's headers that some UAPI headers include, those that would
 * bring what the set has itself are replaced (libc_includes[]). __GLIBC__ is renamed to a name that nobody defines, and
 * so the parts that step back behind libc's definitions stay. A header that uses size_t or the types of stdint.h without
 * including them gets the include. Words that C++ reserves (a member called `class`) are defined to __PREFIX__WORD for the
 * length of the file in C++, and stay what they are in C; its operators (a member called `or`) are renamed in both.
 *
 * Not done: names inside macros that nobody expands are renamed by the same rules, but nothing proves them right.
 * Deterministic: files are taken in the order of their names.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum kind { T_SPACE, T_NEWLINE, T_COMMENT, T_STRING, T_NUMBER, T_WORD, T_PUNCT };

struct token {
	const char *text;
	unsigned int len;
	enum kind kind;
	int directive;		/* index of the token that names the directive this one is part of; -1: code */
};

struct file {
	char *path;		/* below IN_DIR */
	char *text;
	struct token *tokens;
	size_t len;
	size_t *includes;	/* indexes of files */
	size_t includes_len;
	uint8_t *sees;		/* bit set of files: itself and all it includes */
	uint8_t *context;	/* ... and all that a file which includes it sees */
};

enum { NAME_MACRO = 1, NAME_TYPE = 2, NAME_ENUMERATOR = 4, NAME_FUNCTION = 8, NAME_TAG = 16 };

struct name {
	struct name *next;
	const char *text;
	unsigned int len;
	unsigned int what;
	bool has_lower;
	uint8_t *macro_in;	/* bit set of files that define it as a macro */
	uint8_t *enumerator_in;
};

#define BUCKETS 65536

static struct file *files;
static size_t files_len;
static struct name *buckets[BUCKETS];
static const char *prefix;

/* libc's header -> ours; NULL: drop the include */
static const struct { const char *libc, *ours; } libc_includes[] = {
	{ "sys/socket.h", "socket_types.h" },	{ "netinet/in.h", "linux/in.h" },
	{ "netinet/if_ether.h", "linux/if_ether.h" }, { "time.h", "sys_types.h" },
	{ "sys/time.h", "sys_types.h" },	{ "sys/types.h", "sys_types.h" },
	{ "sys/ioctl.h", "linux/ioctl.h" },	{ "atm.h", "linux/atm.h" },
	{ "endian.h", "endian.h" },		{ "unistd.h", NULL },			{ "stdlib.h", NULL },
};

/* Types that libc has and UAPI headers use without an include: the header that brings them. */
static const struct { const char *word, *header; } needs[] = {
	{ "size_t", "stddef.h" },   { "uint8_t", "stdint.h" },	{ "uint16_t", "stdint.h" }, { "uint32_t", "stdint.h" },
	{ "uint64_t", "stdint.h" }, { "int8_t", "stdint.h" },	{ "int16_t", "stdint.h" },  { "int32_t", "stdint.h" },
	{ "int64_t", "stdint.h" },  { "uintptr_t", "stdint.h" },
};

static const char *const cxx_words[] = {
	"catch", "class", "delete", "export", "explicit", "friend", "mutable", "namespace", "new", "operator", "private",
	"protected", "public", "template", "this", "throw", "try", "typename", "using", "virtual",
};

/* Operators of C++, which cannot be macros: renamed in C too. */
static const char *const cxx_operators[] = { "and", "not", "or", "xor" };

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void die(const char *format, ...)
{
	va_list ap;

	fputs("uapi_prefix: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void *grow(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (!p)
		die("out of memory");
	return p;
}

static bool token_is(const struct token *t, const char *word)
{
	return t && t->len == strlen(word) && !memcmp(t->text, word, t->len);
}

static void bit_set(uint8_t *set, size_t i)
{
	set[i / 8] |= 1 << i % 8;
}

static bool bit_get(const uint8_t *set, size_t i)
{
	return set[i / 8] & 1 << i % 8;
}

static uint8_t *bits_new(void)
{
	uint8_t *set = grow(NULL, files_len / 8 + 1);

	memset(set, 0, files_len / 8 + 1);
	return set;
}

/* ---- names ---- */

static struct name *name_find(const char *text, unsigned int len, bool create)
{
	struct name **p, *name;
	uint32_t hash = 5381;
	unsigned int i;

	for (i = 0; i < len; i++)
		hash = hash * 33 + (unsigned char)text[i];
	for (p = &buckets[hash % BUCKETS]; *p; p = &(*p)->next)
		if ((*p)->len == len && !memcmp((*p)->text, text, len))
			return *p;
	if (!create)
		return NULL;
	name = grow(NULL, sizeof(*name));
	memset(name, 0, sizeof(*name));
	name->text = text;
	name->len = len;
	for (i = 0; i < len; i++)
		name->has_lower |= islower((unsigned char)text[i]) != 0;
	return *p = name;
}

static bool is_reserved(const struct token *t)
{
	static const char *const words[] = {
		"__attribute__", "__extension__", "__typeof__", "typeof", "__inline__", "inline", "__volatile__", "volatile",
		"__asm__", "asm", "sizeof", "static", "extern", "const", "void", "char", "short", "int", "long", "signed",
		"unsigned", "float", "double", "struct", "union", "enum", "typedef", "return", "if", "else", "for", "while",
		"do", "switch", "case", "default", "break", "continue", "goto", "defined",
		"_Static_assert",
	};
	size_t i;

	for (i = 0; i < LEN(words); i++)
		if (token_is(t, words[i]))
			return true;
	return false;
}

static void name_add(const struct token *t, unsigned int what, size_t file)
{
	struct name *name;
	size_t i;

	for (i = 0; i < LEN(needs); i++)
		if (token_is(t, needs[i].word))
			return;
	/* What already has the prefix (asm/syscalls.h) keeps its name. */
	if (is_reserved(t) || (t->len > strlen(prefix) && !memcmp(t->text, prefix, strlen(prefix)) &&
			       t->text[strlen(prefix)] == '_'))
		return;
	name = name_find(t->text, t->len, true);
	name->what |= what;
	if (what == NAME_MACRO || what == NAME_ENUMERATOR) {
		uint8_t **set = what == NAME_MACRO ? &name->macro_in : &name->enumerator_in;

		if (!*set)
			*set = bits_new();
		bit_set(*set, file);
	}
}

/* ---- reading ---- */

static bool is_word_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void tokenize(struct file *f)
{
	const char *p = f->text, *start;
	bool line_start = true;
	size_t room = 0;
	int directive = -1;
	bool in_directive = false;

	while (*p) {
		struct token t = { .directive = -1 };

		start = p;
		if (*p == '\n') {
			p++;
			t.kind = T_NEWLINE;
		} else if (p[0] == '\\' && p[1] == '\n') {
			p += 2;
			t.kind = T_SPACE;
		} else if (isspace((unsigned char)*p)) {
			while (isspace((unsigned char)*p) && *p != '\n')
				p++;
			t.kind = T_SPACE;
		} else if (p[0] == '/' && p[1] == '*') {
			p = strstr(p + 2, "*/");
			if (!p)
				die("%s: comment without end", f->path);
			p += 2;
			t.kind = T_COMMENT;
		} else if (p[0] == '/' && p[1] == '/') {
			while (*p && *p != '\n')
				p++;
			t.kind = T_COMMENT;
		} else if (*p == '"' || *p == '\'') {
			for (p++; *p && *p != *start && *p != '\n'; p++)
				if (*p == '\\' && p[1])
					p++;
			if (*p == *start)
				p++;
			t.kind = T_STRING;
		} else if (is_word_start(*p)) {
			while (is_word(*p))
				p++;
			t.kind = T_WORD;
		} else if (isdigit((unsigned char)*p)) {
			while (is_word(*p) || *p == '.')
				p++;
			t.kind = T_NUMBER;
		} else {
			p += (p[0] == '-' && p[1] == '>') || (p[0] == '#' && p[1] == '#') ? 2 : 1;
			t.kind = T_PUNCT;
		}
		t.text = start;
		t.len = p - start;
		if (f->len == room)
			f->tokens = grow(f->tokens, (room = room ? 2 * room : 1024) * sizeof(*f->tokens));
		if (t.kind == T_NEWLINE) {
			line_start = true;
			in_directive = false;
			directive = -1;
		} else if (line_start && token_is(&t, "#")) {
			in_directive = true;
			directive = f->len;
		} else if (in_directive && t.kind == T_WORD && token_is(&f->tokens[directive], "#")) {
			directive = f->len;
		}
		if (t.kind != T_SPACE && t.kind != T_COMMENT && t.kind != T_NEWLINE)
			line_start = false;
		t.directive = in_directive ? directive : -1;
		f->tokens[f->len++] = t;
	}
}

static void read_all(const char *root, const char *below)
{
	struct dirent **entries;
	char path[4096], name[2048];
	int i, n;

	snprintf(path, sizeof(path), "%s/%s", root, below);
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		die("%s: %s", path, strerror(errno));
	for (i = 0; i < n; i++) {
		const char *entry = entries[i]->d_name;
		struct stat st;
		struct file *f;
		FILE *in;

		if (entry[0] == '.')
			continue;
		if (snprintf(name, sizeof(name), "%s%s%s", below, *below ? "/" : "", entry) >= (int)sizeof(name) ||
		    snprintf(path, sizeof(path), "%s/%s", root, name) >= (int)sizeof(path) || stat(path, &st))
			die("%s: %s", path, strerror(errno));
		if (S_ISDIR(st.st_mode)) {
			read_all(root, name);
			continue;
		}
		if (strlen(entry) < 3 || strcmp(entry + strlen(entry) - 2, ".h"))
			continue;
		files = grow(files, (files_len + 1) * sizeof(*files));
		f = &files[files_len++];
		memset(f, 0, sizeof(*f));
		f->path = strdup(name);
		f->text = grow(NULL, st.st_size + 1);
		in = fopen(path, "r");
		if (!in || fread(f->text, 1, st.st_size, in) != (size_t)st.st_size)
			die("%s: cannot be read", path);
		fclose(in);
		f->text[st.st_size] = '\0';
		tokenize(f);
		free(entries[i]);
	}
	free(entries);
}

static int file_find(const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < files_len; i++)
		if (strlen(files[i].path) == len && !memcmp(files[i].path, path, len))
			return i;
	return -1;
}

/* ---- what the files define ---- */

/* Index of the next token that is neither space nor comment; len: none. */
static size_t next(const struct file *f, size_t i)
{
	for (i++; i < f->len; i++)
		if (f->tokens[i].kind > T_COMMENT)
			break;
	return i;
}

static const struct token *at(const struct file *f, size_t i)
{
	return i < f->len ? &f->tokens[i] : NULL;
}

/* The path of an #include: at `i` stands < or a string. Returns its length. */
static size_t include_path(const struct file *f, size_t i, const char **path)
{
	const struct token *t = at(f, i);
	const char *end;

	if (!t)
		return 0;
	*path = t->text + 1;
	end = strchr(*path, token_is(t, "<") ? '>' : '"');
	return end ? (size_t)(end - *path) : 0;
}

/* The file of the set that an include of f means, by its path or beside f; -1: none. */
static int include_find(const struct file *f, const char *path, size_t len)
{
	const char *slash = strrchr(f->path, '/');
	char beside[4096];
	int found = file_find(path, len), n;

	if (found >= 0 || !slash || path[-1] != '"')
		return found;
	n = snprintf(beside, sizeof(beside), "%.*s%.*s", (int)(slash - f->path) + 1, f->path, (int)len, path);
	return n < (int)sizeof(beside) ? file_find(beside, n) : -1;
}

static void collect_directives(size_t file)
{
	struct file *f = &files[file];
	const char *path;
	size_t i, j, len;
	int found;

	for (i = 0; i < f->len; i++) {
		if (f->tokens[i].directive != (int)i)
			continue;
		j = next(f, i);
		if (token_is(&f->tokens[i], "define") && at(f, j)) {
			name_add(&f->tokens[j], NAME_MACRO, file);
		} else if (token_is(&f->tokens[i], "include")) {
			len = include_path(f, j, &path);
			found = include_find(f, path, len);
			if (found >= 0) {
				f->includes = grow(f->includes, (f->includes_len + 1) * sizeof(*f->includes));
				f->includes[f->includes_len++] = found;
			}
		}
	}
}

#define DEPTH_MAX 64

/* Where a token of code stands. The walker below keeps it up to date for both passes. */
struct place {
	char braces[DEPTH_MAX];	/* s: struct or union, e: enum, x: extern "C", o: other */
	unsigned int depth, parens, brackets;
	char opening;		/* kind of the brace that would open now */
	const struct token *prev;	/* last token of code */
};

static void place_step(struct place *p, const struct token *t)
{
	if (t->kind == T_WORD) {
		if (token_is(t, "struct") || token_is(t, "union"))
			p->opening = 's';
		else if (token_is(t, "enum"))
			p->opening = 'e';
	} else if (t->kind == T_STRING) {
		p->opening = 'x';
	} else if (token_is(t, "{")) {
		if (p->depth < DEPTH_MAX)
			p->braces[p->depth] = p->opening ? p->opening : 'o';
		p->depth++;
		p->opening = 0;
	} else if (token_is(t, "}")) {
		p->depth -= p->depth > 0;
		p->opening = 0;
	} else if (token_is(t, "(")) {
		p->parens++;
	} else if (token_is(t, ")")) {
		p->parens -= p->parens > 0;
	} else if (token_is(t, "[")) {
		p->brackets++;
	} else if (token_is(t, "]")) {
		p->brackets -= p->brackets > 0;
	} else if (token_is(t, ";") || token_is(t, "=")) {
		p->opening = 0;
	}
	p->prev = t;
}

static char place_brace(const struct place *p)
{
	return p->depth && p->depth <= DEPTH_MAX ? p->braces[p->depth - 1] : 0;
}

static bool place_is_file_scope(const struct place *p)
{
	unsigned int i;

	for (i = 0; i < p->depth && i < DEPTH_MAX; i++)
		if (p->braces[i] != 'x')
			return false;
	return !p->parens && !p->brackets;
}

static size_t next_code(const struct file *f, size_t i)
{
	for (i = next(f, i); i < f->len && f->tokens[i].directive >= 0; i = next(f, i))
		;
	return i;
}

static void collect_code(size_t file)
{
	const struct file *f = &files[file];
	struct place p = { .depth = 0 };
	const struct token *typedef_name = NULL;
	bool in_typedef = false, name_fixed = false;
	unsigned int typedef_depth = 0;
	size_t i;

	for (i = 0; i < f->len; i++) {
		const struct token *t = &f->tokens[i], *after;

		if (t->directive >= 0 || t->kind <= T_COMMENT)
			continue;
		after = at(f, next_code(f, i));
		if (token_is(t, "typedef")) {
			in_typedef = true;
			name_fixed = false;
			typedef_depth = p.depth;
			typedef_name = NULL;
		} else if (in_typedef && token_is(t, ";") && p.depth == typedef_depth) {
			if (typedef_name)
				name_add(typedef_name, NAME_TYPE, file);
			in_typedef = false;
		} else if (t->kind == T_WORD) {
			bool is_tag = token_is(p.prev, "struct") || token_is(p.prev, "union") || token_is(p.prev, "enum");

			if (in_typedef && p.depth == typedef_depth && !is_tag && !is_reserved(t) && !name_fixed) {
				if (token_is(p.prev, "*") && p.parens == 1 && token_is(after, ")")) {
					typedef_name = t;	/* typedef void (*NAME)(...) */
					name_fixed = true;
				} else if (!p.parens && !p.brackets && !token_is(after, "(")) {
					typedef_name = t;
				}
			}
			if (is_tag)
				name_add(t, NAME_TAG, file);
			if (place_brace(&p) == 'e' && !p.parens && (token_is(p.prev, "{") || token_is(p.prev, ",")))
				name_add(t, NAME_ENUMERATOR, file);
			if (!in_typedef && !is_tag && place_is_file_scope(&p) && token_is(after, "("))
				name_add(t, NAME_FUNCTION, file);
		}
		place_step(&p, t);
	}
}

static void see(uint8_t *sees, size_t file)
{
	size_t i;

	if (bit_get(sees, file))
		return;
	bit_set(sees, file);
	for (i = 0; i < files[file].includes_len; i++)
		see(sees, files[file].includes[i]);
}

static void context_make(size_t file)
{
	size_t i, j;

	files[file].context = bits_new();
	for (i = 0; i < files_len; i++) {
		/* at the root: socket_types.h and its like, which stand for libc's */
		if (!strchr(files[i].path, '/'))
			bit_set(files[file].context, i);
		for (j = 0; bit_get(files[i].sees, file) && j <= files_len / 8; j++)
			files[file].context[j] |= files[i].sees[j];
	}
}

/* ---- writing ---- */

static bool intersects(const uint8_t *a, const uint8_t *b)
{
	size_t i;

	for (i = 0; a && i <= files_len / 8; i++)
		if (a[i] & b[i])
			return true;
	return false;
}

static void put_renamed(FILE *out, const struct token *t)
{
	unsigned int underscores = 0, i;
	bool upper = false, lower = false;

	while (underscores < 2 && underscores < t->len && t->text[underscores] == '_')
		underscores++;
	for (i = 0; i < t->len; i++) {
		upper |= isupper((unsigned char)t->text[i]) != 0;
		lower |= islower((unsigned char)t->text[i]) != 0;
	}
	fprintf(out, "%.*s", (int)underscores, "__");
	for (i = 0; prefix[i]; i++)
		fputc(upper && !lower ? toupper((unsigned char)prefix[i]) : prefix[i], out);
	fprintf(out, "%s%.*s", underscores ? "" : "_", (int)t->len, t->text);
}

static bool is_beginning_of_name(const struct token *t)
{
	const struct name *name;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (name = buckets[i]; name; name = name->next)
			if (name->len > t->len && !memcmp(name->text, t->text, t->len))
				return true;
	return false;
}

/* Is the word at i, of the #define named at `define`, one of its parameters? */
static bool is_parameter(const struct file *f, size_t define, const struct token *t)
{
	size_t i = next(f, define) + 1;	/* a "(" must follow at once */

	if (!token_is(at(f, i), "("))
		return false;
	for (; i < f->len && !token_is(&f->tokens[i], ")"); i++)
		if (f->tokens[i].kind == T_WORD && f->tokens[i].len == t->len && !memcmp(f->tokens[i].text, t->text, t->len))
			return true;
	return false;
}

/* Between these two tokens of a struct, a word names a member; first of its kind it is a type: "__u8 :2;". */
static bool is_declarator(const struct token *prev, const struct token *after)
{
	return prev && (prev->kind == T_WORD || token_is(prev, "*") || token_is(prev, ",") || token_is(prev, ")")) && after &&
	       (token_is(after, ";") || token_is(after, ",") || token_is(after, "[") || token_is(after, ":"));
}

/*
 * A tag without its keyword: all that a macro stands for (#define _fpstate _fpstate_64), or an argument of a macro that
 * is used at file scope and adds the keyword.
 */
static bool is_tag_by_itself(const struct file *f, size_t i, const struct place *p, const struct token *prev,
			     const struct token *after)
{
	const struct token *t = &f->tokens[i];

	if (t->directive >= 0)
		return prev == &f->tokens[next(f, t->directive)] && (!after || after->directive != t->directive);
	return !p->depth && p->parens == 1 && (token_is(prev, "(") || token_is(prev, ",")) &&
	       (token_is(after, ")") || token_is(after, ","));
}

static bool is_renamed(size_t file, size_t i, const struct place *p, const struct token *prev)
{
	const struct file *f = &files[file];
	const struct token *t = &f->tokens[i], *after = at(f, next(f, i));
	const struct name *name;
	size_t j;

	if (is_reserved(t))
		return false;
	for (j = 0; j < LEN(cxx_operators); j++)
		if (t->directive < 0 && token_is(t, cxx_operators[j]))
			return true;
	if (t->directive >= 0) {
		const struct token *directive = &f->tokens[t->directive];

		if (t == directive || token_is(directive, "error") || token_is(directive, "warning") ||
		    token_is(directive, "pragma"))
			return false;
		if (token_is(directive, "define") && is_parameter(f, t->directive, t))
			return false;
		if (!token_is(directive, "define"))	/* #if and its like */
			return token_is(t, "__GLIBC__") || ((name = name_find(t->text, t->len, false)) && name->what);
	}
	if (token_is(prev, "struct") || token_is(prev, "union") || token_is(prev, "enum"))
		return true;
	/* __struct_group(TAG, ...): the macro adds the keyword. */
	if (t->directive < 0 && i >= 2 && token_is(&f->tokens[i - 1], "(") && token_is(&f->tokens[i - 2], "__struct_group"))
		return true;
	if (t->directive >= 0 && (token_is(prev, "##") || token_is(after, "##")) && token_is(after, "##") &&
	    !token_is(prev, "##") && is_beginning_of_name(t))
		return true;
	name = name_find(t->text, t->len, false);
	if (!name)
		return false;
	if (token_is(prev, ".") || token_is(prev, "->"))
		return intersects(name->macro_in, f->sees);
	if (t->directive < 0 && place_brace(p) == 's' && !p->parens && !p->brackets &&
	    is_declarator(prev, after))
		return intersects(name->macro_in, f->sees);
	if (name->what == NAME_TAG)
		return is_tag_by_itself(f, i, p, prev, after);
	if (!(name->what & ~(NAME_MACRO | NAME_ENUMERATOR | NAME_TAG)) && (name->has_lower || t->directive < 0))
		return intersects(name->macro_in, f->context) || intersects(name->enumerator_in, f->context);
	return true;
}

static void put_include(FILE *out, const struct file *f, const char *path, size_t len)
{
	int found = include_find(f, path, len);
	size_t i;

	if (found >= 0) {
		fprintf(out, "<%s/%s>", prefix, files[found].path);
		return;
	}
	for (i = 0; i < LEN(libc_includes); i++)
		if (strlen(libc_includes[i].libc) == len && !memcmp(libc_includes[i].libc, path, len) && libc_includes[i].ours) {
			fprintf(out, "<%s/%s>", prefix, libc_includes[i].ours);
			return;
		}
	fprintf(out, "<%.*s>", (int)len, path);
}

static bool is_dropped(const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < LEN(libc_includes); i++)
		if (strlen(libc_includes[i].libc) == len && !memcmp(libc_includes[i].libc, path, len))
			return !libc_includes[i].ours;
	return false;
}

static void cxx_guard(FILE *out, const uint8_t *used, bool begin)
{
	size_t i;

	fputs("#ifdef __cplusplus\n", out);
	for (i = 0; i < LEN(cxx_words); i++)
		if (used[i])
			fprintf(out, begin ? "#define %s __%s__%s\n" : "#undef %s\n", cxx_words[i], prefix, cxx_words[i]);
	fputs("#endif\n", out);
}

static void write_file(size_t file, FILE *out)
{
	const struct file *f = &files[file];
	uint8_t cxx_used[LEN(cxx_words)] = { 0 }, needed[LEN(needs)] = { 0 };
	bool cxx = false;
	struct place p = { .depth = 0 };
	const struct token *prev = NULL;
	size_t i, j, last_include = 0, len;
	const char *path;

	for (i = 0; i < f->len; i++) {
		const struct token *t = &f->tokens[i];

		if (t->directive == (int)i && token_is(t, "include"))
			last_include = i;
		if (t->kind != T_WORD)
			continue;
		if (t->directive < 0)
			for (j = 0; j < LEN(cxx_words); j++)
				if (token_is(t, cxx_words[j]))
					cxx = (cxx_used[j] = 1);
		for (j = 0; j < LEN(needs); j++)
			if (token_is(t, needs[j].word))
				needed[j] = 1;
	}
	for (j = 0; j < LEN(needs); j++) {
		if (!needed[j])
			continue;
		fprintf(out, "#include <%s>\n", needs[j].header);
		for (i = j + 1; i < LEN(needs); i++)
			if (!strcmp(needs[i].header, needs[j].header))
				needed[i] = 0;
	}
	if (cxx && !last_include)
		cxx_guard(out, cxx_used, true);
	for (i = 0; i < f->len; i++) {
		const struct token *t = &f->tokens[i];

		if (t->kind == T_NEWLINE)
			prev = NULL;
		if (t->directive >= 0 && token_is(&f->tokens[t->directive], "include") && t->directive != (int)i &&
		    i > (size_t)t->directive) {
			if (t->kind <= T_COMMENT) {
				fwrite(t->text, 1, t->len, out);
				continue;
			}
			len = include_path(f, i, &path);
			if (is_dropped(path, len))
				fputs("<stddef.h>", out);
			else
				put_include(out, f, path, len);
			while (i + 1 < f->len && f->tokens[i + 1].kind != T_NEWLINE)
				i++;
			if (cxx && (size_t)t->directive == last_include) {
				fputc('\n', out);
				cxx_guard(out, cxx_used, true);
			}
			continue;
		}
		if (t->kind == T_WORD && is_renamed(file, i, &p, t->directive < 0 ? p.prev : prev))
			put_renamed(out, t);
		else
			fwrite(t->text, 1, t->len, out);
		if (t->kind > T_COMMENT) {
			if (t->directive < 0)
				place_step(&p, t);
			prev = t;
		}
	}
	if (cxx)
		cxx_guard(out, cxx_used, false);
}

static void make_parents(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0777) && errno != EEXIST)
			die("%s: %s", path, strerror(errno));
		*slash = '/';
	}
}

int main(int argc, char **argv)
{
	char path[4096];
	size_t i;

	if (argc != 4)
		die("usage: uapi_prefix IN_DIR OUT_DIR PREFIX");
	prefix = argv[3];
	read_all(argv[1], "");
	for (i = 0; i < files_len; i++) {
		collect_directives(i);
		collect_code(i);
	}
	for (i = 0; i < files_len; i++) {
		files[i].sees = bits_new();
		see(files[i].sees, i);
	}
	for (i = 0; i < files_len; i++)
		context_make(i);
	for (i = 0; i < files_len; i++) {
		FILE *out;

		if (snprintf(path, sizeof(path), "%s/%s", argv[2], files[i].path) >= (int)sizeof(path))
			die("%s: path too long", files[i].path);
		make_parents(path);
		out = fopen(path, "w");
		if (!out)
			die("%s: %s", path, strerror(errno));
		write_file(i, out);
		if (ferror(out) || fclose(out))
			die("%s: %s", path, strerror(errno));
	}
	printf("uapi_prefix: %zu headers\n", files_len);
	return 0;
}
