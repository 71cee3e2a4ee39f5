/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - text put together in a buffer of fixed size, with what came from outside made harmless
 *
 * What does not fit is left out and is_cut says so; the text always ends with a NUL. One thread.
 */
#ifndef ACCD_TEXT_H
#define ACCD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *buf;
	size_t len, size; /* len <= size - 1 */
	bool is_cut;
};

void text_init(struct text *t, char *buf, size_t size);
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * At most max bytes of s, up to a NUL. Control characters, bytes above 0x7e and backslash become
 * \xNN, so that neither a line nor a terminal can be forged; with is_word blank and quote, too.
 */
void text_add_plain(struct text *t, const char *s, size_t max, bool is_word);

/* The same as a JSON string with its quotes; a byte above 0x7e becomes \u00NN (Latin-1). */
void text_add_json(struct text *t, const char *s, size_t max);

#endif /* ACCD_TEXT_H */
