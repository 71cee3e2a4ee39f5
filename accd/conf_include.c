// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_include.c - what a configuration takes from outside: files and environment variables
 *
 * A variable is looked up when the file is read: at the start, and again at a reload, in the
 * environment that accd was started with. One that is not set is a mistake, unless a default
 * stands with it; one that is set and empty is empty.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_parse.h"

#define VARIABLE_BYTES 128

char *conf_file_read(const char *path, size_t *len, const char **problem)
{
	struct stat st;
	char *text = NULL;
	ssize_t n = 0;
	int fd;

	*len = 0;
	/* O_NONBLOCK: the name of a FIFO does not hang the start */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		*problem = errno == ENOENT ? "cannot open: no such file" : strerror(errno);
		return NULL;
	}
	*problem = "not a file";
	if (fstat(fd, &st) || S_ISDIR(st.st_mode))
		goto out;
	*problem = "out of memory";
	text = malloc(CONF_FILE_BYTES_MAX + 1);
	if (!text)
		goto out;
	while (*len <= CONF_FILE_BYTES_MAX &&
	       (n = read(fd, text + *len, CONF_FILE_BYTES_MAX + 1 - *len)) > 0)
		*len += n;
	if (n < 0)
		*problem = strerror(errno);
	else if (*len > CONF_FILE_BYTES_MAX)
		*problem = "longer than 1048576 bytes";
	else
		*problem = NULL;
	if (*problem) {
		free(text);
		text = NULL;
	}
out:
	close(fd);
	return text;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/*
 * The variable at p, behind its '$'. Returns what stands behind it and its value, which is not
 * terminated; NULL: why has the sentence.
 */
static const char *variable(const char *p, const char **value, size_t *len, char *why,
			    size_t why_len)
{
	bool is_braced = *p == '{';
	char name[VARIABLE_BYTES];
	const char *begin = p + is_braced, *stop, *dflt = NULL;
	size_t n = 0;

	while (is_name_char(begin[n]))
		n++;
	stop = begin + n;
	if (is_braced) {
		if (!strncmp(stop, ":-", 2)) {
			dflt = stop + 2;
			stop = strchr(dflt, '}');
		}
		if (!stop || *stop != '}' || !n || isdigit((unsigned char)*begin)) {
			snprintf(why, why_len,
				 "not a variable: \"$%.40s\"; expected ${NAME} or ${NAME:-default}, or $$ for a dollar sign",
				 p);
			return NULL;
		}
	}
	if (n >= sizeof(name)) {
		snprintf(why, why_len, "variable's name is longer than %d bytes", VARIABLE_BYTES - 1);
		return NULL;
	}
	memcpy(name, begin, n);
	name[n] = '\0';
	*value = getenv(name);
	if (*value) {
		*len = strlen(*value);
	} else if (dflt) {
		*value = dflt;
		*len = stop - dflt;
	} else {
		snprintf(why, why_len,
			 "variable %s is not set; expected it in the environment, or ${%s:-default}",
			 name, name);
		return NULL;
	}
	return stop + is_braced;
}

bool conf_expand(char *word, size_t size, char *why, size_t why_len)
{
	const char *p = word, *value;
	char *out;
	size_t n = 0, len;

	if (!strchr(word, '$'))
		return true;
	out = malloc(size);
	if (!out) {
		snprintf(why, why_len, "out of memory");
		return false;
	}
	while (*p) {
		value = p;
		len = 1;
		if (*p != '$') {
			p++;
		} else if (p[1] == '$') {
			p += 2;
		} else if (p[1] == '{' || (is_name_char(p[1]) && !isdigit((unsigned char)p[1]))) {
			p = variable(p + 1, &value, &len, why, why_len);
			if (!p)
				goto err;
		} else {
			p++; /* a lone dollar sign stands for itself */
		}
		if (len >= size - n) {
			snprintf(why, why_len, "longer than %zu bytes with its variables", size - 1);
			goto err;
		}
		memcpy(out + n, value, len);
		n += len;
	}
	memcpy(word, out, n);
	word[n] = '\0';
	free(out);
	return true;
err:
	free(out);
	return false;
}
