// SPDX-License-Identifier: GPL-2.0-only
/*
 * admin_parse.c - commands of accdctl(1), from a line of text
 *
 * A line is words between blanks. The table has a row for each command: its fixed words, and a
 * function for what stands behind them. What does not fit is answered with what would: the
 * commands that begin alike, or the form of the one that was meant.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_parse.h"
#include "text.h"

#define WORDS_MAX 16

struct words {
	unsigned int n;
	char *word[WORDS_MAX];
};

struct row {
	enum admin_op op;
	const char *words; /* "show sessions" */
	const char *args; /* as the manual writes them */
	const char *help;
	int (*fn)(const struct words *args, struct admin_command *cmd, char *err, size_t err_len);
};

static int take_name(const char *text, char *dst, const char *what, char *err, size_t err_len)
{
	size_t len = strlen(text);

	if (!len || len >= CONF_NAME_BYTES) {
		snprintf(err, err_len, "\"%.40s\": not the name of a %s; expected 1 to %d characters", text, what,
			 CONF_NAME_BYTES - 1);
		return -EINVAL;
	}
	memcpy(dst, text, len + 1);
	return 0;
}

/* Digits only. */
static int take_number(const char *text, uint64_t min, uint64_t max, const char *what, uint64_t *value,
		       char *err, size_t err_len)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && p - text < 18; p++)
		n = n * 10 + (*p - '0');
	if (p == text || *p || n < min || n > max) {
		snprintf(err, err_len, "%s \"%.40s\": expected a number, %llu to %llu", what, text,
			 (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*value = n;
	return 0;
}

static int args_none(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	if (!args->n)
		return 0;
	snprintf(err, err_len, "\"%.40s\": unexpected; the command takes nothing more", args->word[0]);
	return -EINVAL;
}

static int args_pool(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	if (!args->n)
		return 0;
	if (args->n > 1) {
		snprintf(err, err_len, "\"%.40s\": unexpected; expected at most a pool", args->word[1]);
		return -EINVAL;
	}
	return take_name(args->word[0], cmd->pool, "pool", err, err_len);
}

/* "POOL/SERVER" */
static int take_server(const char *text, struct admin_command *cmd, char *err, size_t err_len)
{
	const char *slash = strchr(text, '/');
	char pool[CONF_NAME_BYTES + 1];
	int r;

	if (!slash || slash == text || !slash[1] || slash - text > CONF_NAME_BYTES ||
	    strchr(slash + 1, '/')) {
		snprintf(err, err_len, "\"%.60s\": not a server; expected POOL/SERVER", text);
		return -EINVAL;
	}
	snprintf(pool, sizeof(pool), "%.*s", (int)(slash - text), text);
	r = take_name(pool, cmd->pool, "pool", err, err_len);
	if (!r)
		r = take_name(slash + 1, cmd->server, "server", err, err_len);
	return r;
}

static int args_server(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	if (args->n != 1) {
		snprintf(err, err_len, "%s; expected one server, POOL/SERVER",
			 args->n ? "too many words" : "no server");
		return -EINVAL;
	}
	return take_server(args->word[0], cmd, err, err_len);
}

static int args_weight(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	uint64_t n = 0;
	int r;

	if (args->n != 2) {
		snprintf(err, err_len, "expected a server and its weight: set weight POOL/SERVER N");
		return -EINVAL;
	}
	r = take_server(args->word[0], cmd, err, err_len);
	if (!r)
		r = take_number(args->word[1], 0, ADMIN_WEIGHT_MAX, "weight", &n, err, err_len);
	cmd->weight = n;
	return r;
}

/* "WORKER-PLACE-COUNT", as the log and show sessions write it. */
static int args_id(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	uint32_t *parts[3] = { &cmd->worker, &cmd->slot, &cmd->gen };
	const char *p = args->n == 1 ? args->word[0] : "";
	unsigned int i;

	for (i = 0; i < 3; i++) {
		uint64_t n = 0;
		const char *first = p;

		for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
			n = n * 10 + (*p - '0');
		if (p == first || n > UINT32_MAX || *p != (i < 2 ? '-' : '\0'))
			break;
		*parts[i] = n;
		p++;
	}
	if (i == 3)
		return 0;
	snprintf(err, err_len, "\"%.40s\": not the id of a session; expected e.g. 0-17-3, from show sessions",
		 args->n ? args->word[0] : "");
	return -EINVAL;
}

/* "KEY=VALUE" */
static int take_param(const char *text, struct admin_command *cmd, char *err, size_t err_len)
{
	struct admin_param *param = &cmd->params[cmd->n_params];
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;

	if (!len || len >= sizeof(param->key)) {
		snprintf(err, err_len, "\"%.60s\": expected a parameter, KEY=VALUE; cc list shows which there are", text);
		return -EINVAL;
	}
	if (cmd->n_params == ADMIN_PARAMS_MAX) {
		snprintf(err, err_len, "more than %d parameters", ADMIN_PARAMS_MAX);
		return -EINVAL;
	}
	memcpy(param->key, text, len);
	param->key[len] = '\0';
	cmd->n_params++;
	return take_number(equals + 1, 0, UINT64_MAX, param->key, &param->value, err, err_len);
}

/* "ID congestion-control NAME [KEY=VALUE]..." */
static int args_session(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	struct words id = { .n = 1, .word = { args->word[0] } };
	unsigned int i;
	size_t len;
	int r;

	if (args->n < 3 || strcmp(args->word[1], "congestion-control")) {
		snprintf(err, err_len, "expected a session, the word congestion-control and a name");
		return -EINVAL;
	}
	r = args_id(&id, cmd, err, err_len);
	if (r)
		return r;
	len = strlen(args->word[2]);
	if (len >= sizeof(cmd->congestion_control)) {
		snprintf(err, err_len, "congestion control \"%.40s\": expected at most %zu characters", args->word[2],
			 sizeof(cmd->congestion_control) - 1);
		return -EINVAL;
	}
	memcpy(cmd->congestion_control, args->word[2], len + 1);
	for (i = 3; i < args->n && !r; i++)
		r = take_param(args->word[i], cmd, err, err_len);
	return r;
}

static int args_path(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	if (args->n != 1 || args->word[0][0] != '/') {
		snprintf(err, err_len, "expected one file, by its whole path, without blanks in it");
		return -EINVAL;
	}
	snprintf(cmd->path, sizeof(cmd->path), "%s", args->word[0]);
	return 0;
}

static int take_client(const char *text, char *dst, size_t dst_len, char *err, size_t err_len)
{
	struct in6_addr addr;

	if (inet_pton(AF_INET, text, &addr) == 1)
		inet_ntop(AF_INET, &addr, dst, dst_len);
	else if (inet_pton(AF_INET6, text, &addr) == 1)
		inet_ntop(AF_INET6, &addr, dst, dst_len);
	else {
		snprintf(err, err_len, "client \"%.48s\": expected an IPv4 or IPv6 address without port", text);
		return -EINVAL;
	}
	return 0;
}

static int args_filter(const struct words *args, struct admin_command *cmd, char *err, size_t err_len)
{
	struct admin_filter *f = &cmd->filter;
	unsigned int i;
	uint64_t n;
	int r = 0;

	cmd->limit = ADMIN_LIMIT_DEFAULT;
	for (i = 0; i < args->n && !r; i++) {
		char *key = args->word[i], *value = strchr(key, '=');

		if (!value) {
			snprintf(err, err_len,
				 "\"%.40s\": not a filter; expected listener=, pool=, server=, client=, state=, idle= or limit=",
				 key);
			return -EINVAL;
		}
		*value++ = '\0';
		if (!strcmp(key, "listener")) {
			r = take_name(value, f->listener, key, err, err_len);
		} else if (!strcmp(key, "pool")) {
			r = take_name(value, f->pool, key, err, err_len);
		} else if (!strcmp(key, "server")) {
			r = take_name(value, f->server, key, err, err_len);
		} else if (!strcmp(key, "client")) {
			r = take_client(value, f->client, sizeof(f->client), err, err_len);
		} else if (!strcmp(key, "state")) {
			f->state = !strcmp(value, "connecting") ? ADMIN_STATE_CONNECTING :
				   !strcmp(value, "relaying")	? ADMIN_STATE_RELAYING :
								  ADMIN_STATE_ANY;
			if (f->state == ADMIN_STATE_ANY) {
				snprintf(err, err_len, "state \"%.40s\": expected connecting or relaying", value);
				r = -EINVAL;
			}
		} else if (!strcmp(key, "idle")) {
			if (conf_parse_time_us(value, &f->idle_us)) {
				snprintf(err, err_len,
					 "idle \"%.40s\": expected a time with its unit (us, ms, s, m, h, d)", value);
				r = -EINVAL;
			}
		} else if (!strcmp(key, "limit")) {
			r = take_number(value, 0, 10000000, key, &n, err, err_len);
			if (!r)
				cmd->limit = n;
		} else {
			snprintf(err, err_len,
				 "\"%.40s=\": unknown filter; expected listener=, pool=, server=, client=, state=, idle= or limit=",
				 key);
			r = -EINVAL;
		}
	}
	return r;
}

static const struct row rows[] = {
	{ ADMIN_SHOW_INFO, "show info", "", "what runs: processes, stack, limits, state", args_none },
	{ ADMIN_SHOW_STAT, "show stat", "", "counters of listeners, pools and servers", args_none },
	{ ADMIN_SHOW_SESSIONS, "show sessions",
	  "[listener=NAME] [pool=NAME] [server=NAME] [client=ADDRESS] [state=connecting|relaying] [idle=TIME] [limit=N]",
	  "open sessions with TCP_INFO of both connections; limit=0: all, default 100", args_filter },
	{ ADMIN_SHOW_SERVERS, "show servers", "[POOL]", "servers and their state", args_pool },
	{ ADMIN_SHOW_WIRES, "show wires", "", "counters of the wires and their driver", args_none },
	{ ADMIN_SHOW_STACK, "show stack", "", "counters of each stack instance, as of netstat -s", args_none },
	{ ADMIN_SHOW_ERRORS, "show errors", "", "the newest messages of level error and warning", args_none },
	{ ADMIN_SHOW_VERSION, "show version", "", "version, stack and its kernel", args_none },
	{ ADMIN_ENABLE_SERVER, "enable server", "POOL/SERVER", "take a server into use again", args_server },
	{ ADMIN_DISABLE_SERVER, "disable server", "POOL/SERVER", "give a server no new sessions and no checks",
	  args_server },
	{ ADMIN_DRAIN_SERVER, "drain server", "POOL/SERVER", "give a server no new sessions", args_server },
	{ ADMIN_SET_WEIGHT, "set weight", "POOL/SERVER N", "a server's weight, 0 to 256", args_weight },
	{ ADMIN_SET_SESSION, "set session", "ID congestion-control NAME [KEY=VALUE]...", "another congestion control for both connections, and its parameters",
	  args_session },
	{ ADMIN_KILL_SESSION, "kill session", "ID", "reset a session to both sides", args_id },
	{ ADMIN_CC_LIST, "cc list", "", "congestion controls of the stack, and what can be set of each", args_none },
	{ ADMIN_CC_LOAD, "cc load", "FILE", "load a kernel module with a congestion control into all workers", args_path },
	{ ADMIN_DRAIN, "drain", "", "accept nobody any more and exit when sessions have ended, as SIGTERM", args_none },
	{ ADMIN_RELOAD, "reload", "", "read the configuration again, as SIGHUP, and say how it went", args_none },
	{ ADMIN_REOPEN, "reopen", "", "open the log files again, as SIGUSR1", args_none },
	{ ADMIN_HELP, "help", "", "this list", args_none },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const char *admin_usage(unsigned int i, const char **help)
{
	static char usage[N_ROWS][192];

	if (i >= N_ROWS)
		return NULL;
	snprintf(usage[i], sizeof(usage[i]), "%s%s%s", rows[i].words, rows[i].args[0] ? " " : "", rows[i].args);
	*help = rows[i].help;
	return usage[i];
}

/* How many words of the row's fixed ones stand at the start of the line. *n: how many it has. */
static unsigned int match(const struct row *row, const struct words *words, unsigned int *n)
{
	const char *p = row->words;
	unsigned int same = 0;

	for (*n = 0; *p; ++*n) {
		size_t len = strcspn(p, " ");

		if (same == *n && same < words->n && strlen(words->word[same]) == len &&
		    !memcmp(words->word[same], p, len))
			same++;
		p += len + (p[len] == ' ');
	}
	return same;
}

static void say_unknown(const struct words *words, char *err, size_t err_len)
{
	unsigned int i, n, same, best = 0;
	struct text t;

	for (i = 0; i < N_ROWS; i++) {
		same = match(&rows[i], words, &n);
		best = same > best ? same : best;
	}
	text_init(&t, err, err_len);
	if (!words->n) {
		text_add(&t, "no command; expected one of");
	} else {
		text_add(&t, "\"");
		text_add_plain(&t, words->word[best < words->n ? best : words->n - 1], 40, false);
		text_add(&t, best < words->n ? "\": unknown; expected" : "\": incomplete; expected");
	}
	for (i = 0, same = 0; i < N_ROWS; i++)
		if (match(&rows[i], words, &n) == best)
			text_add(&t, "%s %s", same++ ? "," : "", rows[i].words);
}

int admin_parse(const char *line, size_t len, struct admin_command *cmd, char *err, size_t err_len)
{
	struct words words = { 0 }, args = { 0 };
	char copy[ADMIN_LINE_BYTES];
	unsigned int i, n;
	char *p, *save = NULL;

	memset(cmd, 0, sizeof(*cmd));
	if (len >= sizeof(copy)) {
		snprintf(err, err_len, "longer than %d bytes", ADMIN_LINE_BYTES - 1);
		return -EINVAL;
	}
	for (i = 0; i < len; i++) {
		unsigned char c = line[i];

		if (c < 0x20 || c > 0x7e) {
			snprintf(err, err_len, "byte 0x%02x at %u; expected printable ASCII", c, i + 1);
			return -EINVAL;
		}
		copy[i] = c;
	}
	copy[len] = '\0';
	for (p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		if (words.n == WORDS_MAX) {
			snprintf(err, err_len, "more than %d words", WORDS_MAX);
			return -EINVAL;
		}
		words.word[words.n++] = p;
	}
	for (i = 0; i < N_ROWS; i++) {
		/* "drain" is a prefix of "drain server", which stands before it */
		if (match(&rows[i], &words, &n) != n)
			continue;
		args.n = words.n - n;
		memcpy(args.word, words.word + n, args.n * sizeof(args.word[0]));
		cmd->op = rows[i].op;
		if (!rows[i].fn(&args, cmd, err, err_len))
			return 0;
		n = strlen(err);
		if (n < err_len && rows[i].args[0])
			snprintf(err + n, err_len - n, " (%s %s)", rows[i].words, rows[i].args);
		return -EINVAL;
	}
	say_unknown(&words, err, err_len);
	return -EINVAL;
}
