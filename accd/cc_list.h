/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cc_list.h - the congestion controls of a stack, as lines of JSON
 *
 * Pure: the kernel's own lists come in as text.
 */
#ifndef ACCD_CC_LIST_H
#define ACCD_CC_LIST_H

#include <stdbool.h>

struct text;

/* Contents of files below /proc/sys/net/ipv4: words between blanks. */
struct cc_texts {
	const char *available; /* tcp_available_congestion_control */
	const char *allowed; /* tcp_allowed_congestion_control */
	const char *standard; /* tcp_congestion_control */
	const char *params; /* lkl_cc_params of the library's kernel: lines "NAME KEY MIN MAX MODE"; "": none */
	bool is_allowed_all; /* the caller may use those that are not in `allowed`, too */
};

/*
 * A line an algorithm: {"name":...,"state":"default"|"usable"|"restricted","parameters":...}.
 * restricted: the stack has it, but accd may not use it.
 */
void cc_list_format(const struct cc_texts *texts, struct text *t);

/* Is `name` among the words of `list`? */
bool cc_list_has(const char *list, const char *name);

#endif /* ACCD_CC_LIST_H */
