// SPDX-License-Identifier: GPL-2.0-only
/*
 * cc_list.c - the congestion controls of a stack, as lines of JSON
 */
#include <stdio.h>
#include <string.h>

#include "cc_list.h"
#include "text.h"

#define BLANKS " \t\n"

/* The next word of *p; 0: no more. */
static size_t word(const char **p)
{
	*p += strspn(*p, BLANKS);
	return strcspn(*p, BLANKS);
}

bool cc_list_has(const char *list, const char *name)
{
	size_t len, want = strlen(name);

	for (; (len = word(&list)); list += len)
		if (len == want && !memcmp(list, name, len))
			return true;
	return false;
}

/* What can be set of an algorithm: "KEY=MIN-MAX ..." */
static void add_params(struct text *t, const char *params, const char *name)
{
	char line[160], cc[32], key[40], mode[8], all[512] = "";
	unsigned long long min, max;
	struct text text;
	size_t len;

	text_init(&text, all, sizeof(all));
	for (; *params; params += len + (params[len] == '\n')) {
		len = strcspn(params, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)len, params);
		if (sscanf(line, "%31s %39s %llu %llu %7s", cc, key, &min, &max, mode) != 5 || strcmp(cc, name) ||
		    !strchr(mode, 'w'))
			continue;
		text_add(&text, "%s%s=%llu-%llu", text.len ? " " : "", key, min, max);
	}
	text_add_json(t, all, sizeof(all));
}

void cc_list_format(const struct cc_texts *texts, struct text *t)
{
	const char *p = texts->available;
	char name[32];
	size_t len;

	for (; (len = word(&p)); p += len) {
		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		text_add(t, "{\"name\":");
		text_add_json(t, name, sizeof(name));
		text_add(t, ",\"state\":\"%s\",\"parameters\":",
			 cc_list_has(texts->standard, name)				? "default" :
			 texts->is_allowed_all || cc_list_has(texts->allowed, name) ? "usable" :
										      "restricted");
		add_params(t, texts->params, name);
		text_add(t, "}\n");
	}
}
