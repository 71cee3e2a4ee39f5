// SPDX-License-Identifier: GPL-2.0-only
/*
 * accdctl.c - asks a running accd, and tells it what to do
 *
 * usage: accdctl [-j] [-s SOCKET] COMMAND...
 *
 * Sends the command's words as one line to accd's admin socket and shows what comes back: as JSON
 * with -j, else as text: an object as "name: value" lines, a list as a table with a new head when
 * its columns change. Commands are accd's: "accdctl help" asks it for them.
 *
 * Exit status: 0 done, 1 accd could not do it, 2 wrong command or option, 3 no accd answers.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#define SOCKET_DEFAULT "/run/accd/admin.sock"
#define TIMEOUT_DEFAULT_SEC 30
#define COLUMNS_MAX 64

enum { EXIT_DONE, EXIT_FAILED, EXIT_WRONG, EXIT_NO_ANSWER };

static const char usage_text[] =
	"usage: accdctl [-j] [-s SOCKET] [-t SECONDS] COMMAND...\n"
	"\n"
	"  -j          answer in JSON\n"
	"  -s SOCKET   accd's admin socket; default " SOCKET_DEFAULT "\n"
	"  -t SECONDS  how long to wait for accd; default 30\n"
	"  -V          print the version\n"
	"  -h          print this text\n"
	"\n"
	"accdctl help lists the commands; accdctl(1) explains them.\n";

static bool is_json;

/* ---- text ---- */

static void value_text(const json_t *v, char *buf, size_t size)
{
	if (json_is_string(v))
		snprintf(buf, size, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(buf, size, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(buf, size, "%.3f", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(buf, size, "%s", json_is_true(v) ? "yes" : "no");
	else
		snprintf(buf, size, "-");
}

static bool is_scalar(const json_t *v)
{
	return !json_is_object(v) && !json_is_array(v);
}

static void print_inline(const char *name, const json_t *o)
{
	char text[256];
	const char *key;
	json_t *v;

	printf("  %s:", name);
	json_object_foreach((json_t *)o, key, v) {
		value_text(v, text, sizeof(text));
		printf(" %s=%s", key, text);
	}
	printf("\n");
}

static void print_object(json_t *o)
{
	char text[4096];
	const char *key;
	size_t i;
	json_t *v, *e;

	json_object_foreach(o, key, v) {
		if (json_is_array(v)) {
			printf("%s:\n", key);
			json_array_foreach(v, i, e)
				print_inline("", e);
		} else if (json_is_object(v)) {
			print_inline(key, v);
		} else {
			value_text(v, text, sizeof(text));
			printf("%s: %s\n", key, text);
		}
	}
}

static struct {
	unsigned int n;
	char name[COLUMNS_MAX][64];
	int width[COLUMNS_MAX];
} table;

/* The same columns as the row before? */
static bool is_same_table(json_t *row)
{
	unsigned int i = 0;
	const char *key;
	json_t *v;

	json_object_foreach(row, key, v)
		if (is_scalar(v) && (i >= table.n || strcmp(table.name[i++], key)))
			return false;
	return i == table.n;
}

static void print_row(json_t *row)
{
	char text[512];
	unsigned int i;
	const char *key;
	json_t *v;

	if (json_object_size(row) > 40) { /* too wide for a table */
		print_object(row);
		printf("\n");
		return;
	}
	if (!is_same_table(row)) {
		if (table.n)
			printf("\n");
		table.n = 0;
		json_object_foreach(row, key, v) {
			if (!is_scalar(v) || table.n == COLUMNS_MAX)
				continue;
			value_text(v, text, sizeof(text));
			snprintf(table.name[table.n], sizeof(table.name[0]), "%s", key);
			table.width[table.n] = strlen(text) > strlen(key) ? strlen(text) : strlen(key);
			printf("%-*s  ", table.width[table.n], key);
			table.n++;
		}
		printf("\n");
	}
	i = 0;
	json_object_foreach(row, key, v) {
		if (!is_scalar(v) || i == table.n)
			continue;
		value_text(v, text, sizeof(text));
		printf("%-*s  ", table.width[i++], text);
	}
	printf("\n");
	json_object_foreach(row, key, v)
		if (json_is_object(v))
			print_inline(key, v);
}

/* ---- the answer ---- */

static int no_answer(const char *what)
{
	fprintf(stderr, "accdctl: %s\n", what);
	return EXIT_NO_ANSWER;
}

/* -1: not the last line. */
static int show_line(const char *line, bool is_list, unsigned int *n_rows)
{
	json_t *o = json_loads(line, 0, NULL), *status;
	int ret = -1;

	if (!json_is_object(o)) {
		json_decref(o);
		return no_answer("accd's answer is no JSON: is this its admin socket?");
	}
	status = json_object_get(o, "status");
	if (status && json_object_get(o, "state") == NULL) {
		const char *word = json_string_value(status);
		const char *error = json_string_value(json_object_get(o, "error"));

		ret = !word			? EXIT_NO_ANSWER :
		      !strcmp(word, "ok")	? EXIT_DONE :
		      !strcmp(word, "usage")	? EXIT_WRONG :
						  EXIT_FAILED;
		if (is_json && is_list)
			printf("%s]\n", *n_rows ? "\n" : "[");
		else if (is_json && !*n_rows)
			printf("%s\n", line);
		if (error)
			fprintf(stderr, "accdctl: %s\n", error);
	} else if (is_json) {
		printf("%s%s%s", is_list ? (*n_rows ? ",\n" : "[\n") : "", line, is_list ? "" : "\n");
		++*n_rows;
	} else {
		if (is_list)
			print_row(o);
		else
			print_object(o);
		++*n_rows;
	}
	json_decref(o);
	return ret;
}

static int show_answer(FILE *in)
{
	unsigned int n_rows = 0;
	bool is_first = true, is_list = false;
	char *line = NULL;
	size_t size = 0;
	int ret = -1;
	ssize_t n;

	while (ret < 0 && (n = getline(&line, &size, in)) > 0) {
		if (line[n - 1] != '\n')
			break;
		line[n - 1] = '\0';
		if (is_first && !strncmp(line, "{\"accd\":", 8)) {
			is_list = strstr(line, "\"result\":\"list\"");
			is_first = false;
			continue;
		}
		is_first = false;
		ret = show_line(line, is_list, &n_rows);
	}
	free(line);
	if (ret < 0)
		return no_answer("accd's answer was cut short");
	return ret;
}

static int ask(const char *path, unsigned int timeout_sec, const char *command)
{
	const struct timeval tv = { .tv_sec = timeout_sec };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char text[256];
	FILE *file;
	int fd, ret;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		fprintf(stderr, "accdctl: -s: path longer than %zu bytes\n", sizeof(sun.sun_path) - 1);
		return EXIT_WRONG;
	}
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		snprintf(text, sizeof(text), "%s: %s; is accd running, and is its admin.bind this path?", path,
			 strerror(errno));
		if (fd >= 0)
			close(fd);
		return no_answer(text);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	/* accd may have refused already: what it said is read all the same */
	send(fd, command, strlen(command), MSG_NOSIGNAL);
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return no_answer(strerror(errno));
	}
	ret = show_answer(file);
	fclose(file);
	return ret;
}

int main(int argc, char **argv)
{
	const char *path = SOCKET_DEFAULT;
	unsigned int timeout_sec = TIMEOUT_DEFAULT_SEC;
	char command[4096] = "", *end;
	size_t n = 0;
	int opt, i;

	while ((opt = getopt(argc, argv, "+js:t:Vh")) != -1) {
		switch (opt) {
		case 'j':
			is_json = true;
			break;
		case 's':
			path = optarg;
			break;
		case 't':
			timeout_sec = strtoul(optarg, &end, 10);
			if (*end || !timeout_sec || timeout_sec > 86400) {
				fprintf(stderr, "accdctl: -t: \"%s\": expected seconds, 1 to 86400\n", optarg);
				return EXIT_WRONG;
			}
			break;
		case 'V':
			printf("accdctl %s\n", ACCD_VERSION);
			return EXIT_DONE;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_DONE;
		default:
			fputs(usage_text, stderr);
			return EXIT_WRONG;
		}
	}
	/* accd has another working directory */
	if (argc - optind == 3 && !strcmp(argv[optind], "cc") && !strcmp(argv[optind + 1], "load") &&
	    argv[optind + 2][0] != '/') {
		static char whole[PATH_MAX];

		if (!realpath(argv[optind + 2], whole)) {
			fprintf(stderr, "accdctl: %s: %s\n", argv[optind + 2], strerror(errno));
			return EXIT_FAILED;
		}
		argv[optind + 2] = whole;
	}
	/* options may stand behind the command's first words, too */
	for (i = optind; i < argc; i++) {
		if (!strcmp(argv[i], "-j")) {
			is_json = true;
			continue;
		}
		if (n + strlen(argv[i]) + 2 >= sizeof(command) || strchr(argv[i], '\n')) {
			fprintf(stderr, "accdctl: a command is one line of at most 511 bytes\n");
			return EXIT_WRONG;
		}
		n += sprintf(command + n, "%s%s", n ? " " : "", argv[i]);
	}
	if (!n) {
		fputs(usage_text, stderr);
		return EXIT_WRONG;
	}
	command[n++] = '\n';
	command[n] = '\0';
	i = ask(path, timeout_sec, command);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILED;
	return i;
}
