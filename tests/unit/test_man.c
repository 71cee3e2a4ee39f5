// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_man.c - accd.conf(5) and the daemon's key table say the same
 *
 *   test_man MAN_PAGE
 *
 * Each row of conf_keys[] has a line '.\" key SECTION KEY TYPE-FREE-DEFAULT' in the page's
 * source, right above its entry: '.\" key listener idle_timeout default=5m' or '... required'.
 * The test compares the two lists both ways, and wants the entry below to name the key in bold
 * and to show the default.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"

static int failed;

static void fail(const char *what, const char *section, const char *key)
{
	printf("FAILED: %s: %s.%s\n", what, section, key);
	failed++;
}

int main(int argc, char **argv)
{
	bool seen[256] = { false };
	char line[1024], entry[1024], section[64], key[64], dflt[128],
		bold[128];
	const struct conf_key *k;
	unsigned int i, n = 0;
	FILE *file;

	file = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (!file) {
		printf("usage: test_man MAN_PAGE (%s)\n", strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, ".\\\" key %63s %63s %127s", section, key,
			   dflt) != 3)
			continue;
		n++;
		for (i = 0; i < conf_keys_len; i++) {
			k = &conf_keys[i];
			if (!strcmp(k->section[0] ? k->section : "top",
				    section) &&
			    !strcmp(k->key, key))
				break;
		}
		if (i == conf_keys_len) {
			fail("in the page, not in conf_keys[]", section, key);
			continue;
		}
		if (seen[i])
			fail("twice in the page", section, key);
		seen[i] = true;
		if (k->dflt ? strncmp(dflt, "default=", 8) ||
				      strcmp(dflt + 8, k->dflt) :
			      strcmp(dflt, "required"))
			fail("default differs", section, key);
		/* ".TP", then the line with the name */
		if (!fgets(entry, sizeof(entry), file) ||
		    !fgets(entry, sizeof(entry), file))
			break;
		snprintf(bold, sizeof(bold), "\\fB%s\\fR", key);
		if (strncmp(entry, bold, strlen(bold)))
			fail("entry does not name it", section, key);
		if (k->dflt && !strstr(entry, k->dflt[0] == '-' && k->dflt[1] ?
						      k->dflt + 1 :
						      k->dflt))
			fail("entry does not show the default", section, key);
		if (!k->dflt && !strstr(entry, "required"))
			fail("entry does not say required", section, key);
	}
	fclose(file);
	for (i = 0; i < conf_keys_len; i++)
		if (!seen[i])
			fail("in conf_keys[], not in the page",
			     conf_keys[i].section, conf_keys[i].key);
	printf("test_man: %u keys, %d failed\n", n, failed);
	return failed || !n;
}
