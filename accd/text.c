// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - text put together in a buffer of fixed size
 */
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

void text_init(struct text *t, char *buf, size_t size)
{
	t->buf = buf;
	t->len = 0;
	t->size = size;
	t->is_cut = false;
	buf[0] = '\0';
}

void text_add(struct text *t, const char *fmt, ...)
{
	size_t room = t->size - t->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		t->is_cut = true;
		if (n > 0)
			t->len = t->size - 1;
		return;
	}
	t->len += n;
}

static void add_char(struct text *t, char c)
{
	if (t->len + 1 >= t->size) {
		t->is_cut = true;
		return;
	}
	t->buf[t->len++] = c;
	t->buf[t->len] = '\0';
}

void text_add_plain(struct text *t, const char *s, size_t max, bool is_word)
{
	size_t i;

	for (i = 0; i < max && s[i]; i++) {
		unsigned char c = s[i];

		if (c < 0x20 || c > 0x7e || c == '\\' || (is_word && (c == ' ' || c == '"')))
			text_add(t, "\\x%02x", c);
		else
			add_char(t, c);
	}
}

void text_add_json(struct text *t, const char *s, size_t max)
{
	size_t i;

	add_char(t, '"');
	for (i = 0; i < max && s[i]; i++) {
		unsigned char c = s[i];

		if (c == '"' || c == '\\') {
			add_char(t, '\\');
			add_char(t, c);
		} else if (c < 0x20 || c > 0x7e) {
			text_add(t, "\\u%04x", c);
		} else {
			add_char(t, c);
		}
	}
	add_char(t, '"');
}
