// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf.c - what the keys of accd.conf mean
 *
 * conf_parse.c turns the text into a tree of sections, keys and lines. This file walks the tree
 * against two tables: the sections (which exist, where, with a label or not, how often) and the
 * keys (type, default, bounds). A key's default is written as one would write it in the file and
 * goes through the same code as a value does.
 *
 * Nothing is guessed: an unknown section or key, a value of another type or out of bounds, a
 * missing key without default, a name used twice, a reference to nothing is a mistake with file,
 * line and the full name of the key. All of them are reported; then the load fails as a whole.
 *
 * To add a key: a member in conf.h, a row in conf_keys[], a paragraph in man/accd.conf.5.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "err.h"
#include "service.h"
#include "watch.h"

#define FILE_BYTES_MAX (1 << 20) /* a configuration, not a data set */
#define DAY_MS (24LL * 3600 * 1000)
#define RESOLV_CONF_PATH "/etc/resolv.conf"

struct conf_section {
	const char *path;
	bool has_label;
	bool is_required;
};

static const struct conf_section conf_sections[] = {
	{ "log", false, false },       { "worker", false, false },
	{ "metrics", false, false },   { "admin", false, false },
	{ "wire", false, false }, /* required for stack = lkl: check_wire() */
	{ "listener", true, true },    { "pool", true, true },
	{ "pool.server", true, true }, { "pool.check", false, false },
	{ "resolver", false, false },
};

#define N_SECTIONS (sizeof(conf_sections) / sizeof(conf_sections[0]))

const struct conf_key conf_keys[] = {
	{ "", "stack", CONF_T_ENUM, "lkl", 0, 0, "lkl|host",
	  offsetof(struct conf, stack),
	  "TCP/IP stack that carries the sessions" },

	{ "", "workers", CONF_T_COUNT, "1", 1, CONF_WORKERS_MAX, NULL,
	  offsetof(struct conf, workers),
	  "worker processes" },

	{ "log", "access", CONF_T_STRING, "-", 1, PATH_MAX - 1, NULL,
	  offsetof(struct conf_log, access),
	  "where a line per session goes: a path, \"-\" for stdout, \"syslog\", \"syslog:PATH\" or \"off\"" },
	{ "log", "format", CONF_T_ENUM, "text", 0, 0, "text|json",
	  offsetof(struct conf_log, format), "form of the access log's lines" },
	{ "log", "rate", CONF_T_COUNT, "0", 0, 10000000, NULL,
	  offsetof(struct conf_log, rate),
	  "lines of the access log a second, more are counted and left out; 0: no limit" },
	{ "log", "error", CONF_T_STRING, "-", 1, PATH_MAX - 1, NULL,
	  offsetof(struct conf_log, error),
	  "where messages go: a path, \"-\" for stderr, \"syslog\", \"syslog:PATH\" or \"off\"" },
	{ "log", "level", CONF_T_ENUM, "info", 0, 0,
	  "error|warning|notice|info|debug", offsetof(struct conf_log, level),
	  "messages of this weight and above are written" },

	{ "metrics", "bind", CONF_T_STRING, "off", 1, CONF_SERVICE_BYTES - 1, NULL,
	  offsetof(struct conf_metrics, bind),
	  "where metrics and health are served: ADDRESS:PORT, PORT on 127.0.0.1, unix:/PATH, or off" },
	{ "metrics", "rate", CONF_T_COUNT, "10", 0, 100000, NULL,
	  offsetof(struct conf_metrics, rate),
	  "scrapes a second that are answered; 0: all" },
	{ "metrics", "stack_bind", CONF_T_STRING, "off", 1, CONF_SERVICE_BYTES - 1, NULL,
	  offsetof(struct conf_metrics, stack_bind),
	  "the same inside the stack: ADDRESS:PORT, or off" },
	{ "metrics", "allow", CONF_T_STRING, "none", 1, 511, NULL,
	  offsetof(struct conf_metrics, allow),
	  "prefixes that may come to stack_bind, between blanks, or none" },

	{ "admin", "bind", CONF_T_STRING, "off", 1, CONF_SERVICE_BYTES - 1, NULL,
	  offsetof(struct conf_admin, bind),
	  "socket for accdctl(1): unix:/PATH, or off" },
	{ "admin", "mode", CONF_T_STRING, "0600", 1, 7, NULL,
	  offsetof(struct conf_admin, mode), "permissions of the admin socket" },
	{ "admin", "owner", CONF_T_STRING, "root", 1, 63, NULL,
	  offsetof(struct conf_admin, owner),
	  "owner of the admin socket: USER, USER:GROUP or :GROUP" },

	{ "worker", "cpu", CONF_T_INT, "-1", -1, 1023, NULL,
	  offsetof(struct conf_worker, cpu),
	  "CPU that the worker's loop is pinned to; -1: not pinned" },
	{ "worker", "memory", CONF_T_SIZE, "512M", 32LL << 20, 64LL << 30, NULL,
	  offsetof(struct conf_worker, memory_bytes),
	  "memory of the stack instance (stack = lkl only)" },
	{ "worker", "spin", CONF_T_US, "50us", 0, 1000000, NULL,
	  offsetof(struct conf_worker, spin_us),
	  "how long an idle worker polls before it sleeps (stack = lkl only)" },
	{ "worker", "drain_timeout", CONF_T_MS, "30s", 0, DAY_MS, NULL,
	  offsetof(struct conf_worker, drain_timeout_ms),
	  "how long sessions may go on after SIGTERM" },
	{ "worker", "max_sessions", CONF_T_COUNT, "20000", 1, 1000000, NULL,
	  offsetof(struct conf_worker, max_sessions),
	  "sessions at a time; more wait in the listeners' backlog" },
	{ "worker", "relay", CONF_T_ENUM, "stack", 0, 0, "copy|splice|stack",
	  offsetof(struct conf_worker, relay),
	  "the last way of moving bytes that is used, each with those before it" },

	{ "wire", "type", CONF_T_ENUM, "packet", 0, 0, "packet",
	  offsetof(struct conf_wire, type), "mechanism that moves frames" },
	{ "wire", "interface", CONF_T_STRING, NULL, 1, IFNAMSIZ - 1, NULL,
	  offsetof(struct conf_wire, interface),
	  "network interface that the stack works on" },
	{ "wire", "mode", CONF_T_ENUM, "own", 0, 0, "own",
	  offsetof(struct conf_wire, mode),
	  "own: the interface's addresses move into the stack, and back at exit" },

	{ "listener", "bind", CONF_T_BIND, NULL, 0, 0, NULL,
	  offsetof(struct conf_listener, bind),
	  "address and port to accept clients on" },
	{ "listener", "pool", CONF_T_NAME, NULL, 0, 0, NULL,
	  offsetof(struct conf_listener, pool_name),
	  "pool that serves the sessions" },
	{ "listener", "idle_timeout", CONF_T_MS, "5m", 100, 30 * DAY_MS, NULL,
	  offsetof(struct conf_listener, idle_timeout_ms),
	  "a session without a byte for this long is reset" },
	{ "listener", "session_timeout", CONF_T_MS, "0", 0, 30 * DAY_MS, NULL,
	  offsetof(struct conf_listener, session_timeout_ms),
	  "a session that lasts this long is reset; 0: no limit" },
	{ "listener", "backlog", CONF_T_INT, "1024", 1, 65535, NULL,
	  offsetof(struct conf_listener, backlog),
	  "connections that may wait to be accepted" },

	{ "pool", "connect_timeout", CONF_T_MS, "5s", 100, 3600 * 1000, NULL,
	  offsetof(struct conf_pool, connect_timeout_ms),
	  "how long one server may take to accept a connection" },

	{ "pool", "balance", CONF_T_ENUM, "round_robin", 0, 0,
	  "round_robin|least_conn|random|hash", offsetof(struct conf_pool, balance),
	  "rule that chooses a session's server" },
	{ "pool", "retries", CONF_T_COUNT, "3", 0, CONF_RETRIES_MAX, NULL,
	  offsetof(struct conf_pool, retries),
	  "other servers tried when one does not accept the connection" },
	{ "pool", "queue", CONF_T_COUNT, "1024", 0, 1000000, NULL,
	  offsetof(struct conf_pool, queue_max),
	  "sessions that may wait when all servers have max_connections" },
	{ "pool", "queue_timeout", CONF_T_MS, "5s", 50, 3600 * 1000, NULL,
	  offsetof(struct conf_pool, queue_timeout_ms),
	  "how long a session may wait in the queue" },
	{ "pool", "source", CONF_T_SOURCE, "any", 0, 0, NULL,
	  offsetof(struct conf_pool, source),
	  "address, with or without a range of ports, that connections to servers come from" },
	{ "pool", "proxy_protocol", CONF_T_ENUM, "off", 0, 0, "off|v1|v2",
	  offsetof(struct conf_pool, proxy_protocol),
	  "PROXY header sent to the servers" },
	{ "pool", "eject_failures", CONF_T_COUNT, "3", 0, 1000, NULL,
	  offsetof(struct conf_pool, eject_failures),
	  "failed connections in a row that eject a server for a time; 0: never" },
	{ "pool", "eject_time", CONF_T_MS, "10s", 100, DAY_MS, NULL,
	  offsetof(struct conf_pool, eject_ms),
	  "how long the first ejection lasts; each one that follows lasts twice as long" },
	{ "pool", "eject_time_max", CONF_T_MS, "5m", 100, DAY_MS, NULL,
	  offsetof(struct conf_pool, eject_max_ms), "the longest ejection" },
	{ "pool", "slow_start", CONF_T_MS, "0", 0, 3600 * 1000, NULL,
	  offsetof(struct conf_pool, slow_start_ms),
	  "how long the weight of a server that came back grows; 0: it is whole at once" },

	{ "pool.check", "interval", CONF_T_MS, "2s", 100, 3600 * 1000, NULL,
	  offsetof(struct conf_check, interval_ms), "time between the checks of a server" },
	{ "pool.check", "timeout", CONF_T_MS, "1s", 50, 3600 * 1000, NULL,
	  offsetof(struct conf_check, timeout_ms),
	  "how long a check may take, answer included" },
	{ "pool.check", "rise", CONF_T_COUNT, "2", 1, 100, NULL,
	  offsetof(struct conf_check, rise), "good checks in a row that bring a server up" },
	{ "pool.check", "fall", CONF_T_COUNT, "3", 1, 100, NULL,
	  offsetof(struct conf_check, fall), "bad checks in a row that take a server down" },
	{ "pool.check", "jitter", CONF_T_COUNT, "10", 0, 50, NULL,
	  offsetof(struct conf_check, jitter_pct),
	  "percent of the interval by which it varies at random, both ways" },
	{ "pool.check", "send", CONF_T_STRING, "", 0, CONF_CHECK_TEXT_BYTES - 1, NULL,
	  offsetof(struct conf_check, send), "what is sent once connected" },
	{ "pool.check", "expect", CONF_T_STRING, "", 0, CONF_CHECK_TEXT_BYTES - 1, NULL,
	  offsetof(struct conf_check, expect),
	  "what the first 16 KiB of the answer must hold" },

	{ "pool.server", "address", CONF_T_TARGET, NULL, 0, 0, NULL,
	  offsetof(struct conf_server, target),
	  "address or name, and port, of the server" },
	{ "pool.server", "weight", CONF_T_COUNT, "1", 0, 256, NULL,
	  offsetof(struct conf_server, weight),
	  "share of the sessions, in proportion to the other servers'; 0: none" },
	{ "pool.server", "backup", CONF_T_ENUM, "no", 0, 0, "no|yes",
	  offsetof(struct conf_server, is_backup),
	  "yes: used only while no other server is usable" },
	{ "pool.server", "max_connections", CONF_T_COUNT, "0", 0, 1000000, NULL,
	  offsetof(struct conf_server, max_connections),
	  "connections at a time; more sessions wait in the pool's queue; 0: no limit" },
	{ "pool.server", "addresses", CONF_T_COUNT, "8", 1, 16, NULL,
	  offsetof(struct conf_server, addresses_max),
	  "of a name that has several addresses, so many are used, each as a server" },

	{ "resolver", "servers", CONF_T_STRING, "system", 1, 255, NULL,
	  offsetof(struct conf_resolver, servers_text),
	  "addresses of name servers, with blanks between them; system: those of /etc/resolv.conf" },
	{ "resolver", "timeout", CONF_T_MS, "2s", 100, 60 * 1000, NULL,
	  offsetof(struct conf_resolver, timeout_ms), "how long a name server may take to answer" },
	{ "resolver", "start_wait", CONF_T_MS, "3s", 0, 60 * 1000, NULL,
	  offsetof(struct conf_resolver, start_wait_ms),
	  "how long the start waits for the first answers" },
	{ "resolver", "min_ttl", CONF_T_MS, "1s", 100, DAY_MS, NULL,
	  offsetof(struct conf_resolver, min_ttl_ms), "a name is not looked up more often than this" },
	{ "resolver", "max_ttl", CONF_T_MS, "1h", 100, DAY_MS, NULL,
	  offsetof(struct conf_resolver, max_ttl_ms), "a name is not looked up less often than this" },
};

const unsigned int conf_keys_len = sizeof(conf_keys) / sizeof(conf_keys[0]);

/* ---- values ---- */

struct unit {
	const char *suffix;
	uint64_t factor;
};

static int parse_number_unit(const char *text, const struct unit *units,
			     uint64_t *result)
{
	const struct unit *u;
	uint64_t n = 0;
	const char *p;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (p = text; isdigit((unsigned char)*p); p++) {
		if (n > (UINT64_MAX - 9) / 10)
			return -ERANGE;
		n = n * 10 + (*p - '0');
	}
	for (u = units; u->suffix; u++) {
		if (strcmp(p, u->suffix))
			continue;
		if (n > UINT64_MAX / u->factor)
			return -ERANGE;
		*result = n * u->factor;
		return 0;
	}
	return -EINVAL;
}

int conf_parse_time_us(const char *text, uint64_t *us)
{
	static const struct unit units[] = {
		{ "us", 1 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "m", 60000000 },
		{ "min", 60000000 },
		{ "h", 3600000000ULL },
		{ "d", 86400000000ULL },
		{ NULL, 0 },
	};

	if (!strcmp(text, "0")) {
		*us = 0;
		return 0;
	}
	return parse_number_unit(text, units, us);
}

int conf_parse_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 },	  { "k", 1 << 10 }, { "K", 1 << 10 },
		{ "M", 1 << 20 }, { "m", 1 << 20 }, { "G", 1 << 30 },
		{ "g", 1 << 30 }, { NULL, 0 },
	};

	return parse_number_unit(text, units, bytes);
}

static int parse_int(const char *text, int64_t *n)
{
	char *end;

	if (!isdigit((unsigned char)*text) &&
	    !(*text == '-' && isdigit((unsigned char)text[1])))
		return -EINVAL;
	errno = 0;
	*n = strtoll(text, &end, 10);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

static bool is_name(const char *text)
{
	size_t len = strlen(text);
	size_t i;

	if (!len || len >= CONF_NAME_BYTES)
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			return false;
	return true;
}

/* As in a URL: labels of letters, digits and "-" (and "_", which zones do hold), and not all digits at the end. */
static bool is_host_name(const char *text, size_t len)
{
	size_t i, label = 0;

	if (!len || len >= CONF_HOST_BYTES)
		return false;
	for (i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (!label || text[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && (text[i] != '-' || !label))
			return false;
		if (++label > 63)
			return false;
	}
	/* "10.0.0" is an address gone wrong, not a name */
	for (i = len; i && text[i - 1] != '.'; i--)
		if (!isdigit((unsigned char)text[i - 1]))
			return text[len - 1] != '-';
	return false;
}

static int target_parse(const char *text, struct conf_target *target)
{
	const char *colon = strrchr(text, ':');
	char probe[32];
	union addr addr;

	memset(target, 0, sizeof(*target));
	if (!addr_parse(text, false, &addr)) {
		target->addr = addr;
		target->port = ntohs(addr.in.sin_port);
		return 0;
	}
	if (!colon || strlen(colon) > 6 || !is_host_name(text, colon - text))
		return -EINVAL;
	snprintf(probe, sizeof(probe), "192.0.2.1%s", colon);
	if (addr_parse(probe, false, &addr))
		return -EINVAL;
	memcpy(target->host, text, colon - text);
	target->port = ntohs(addr.in.sin_port);
	return 0;
}

/* "any", "ADDRESS", "ADDRESS:PORT-PORT". */
static int source_parse(const char *text, struct conf_source *source)
{
	const char *dash = strrchr(text, '-');
	char probe[ADDR_TEXT_BYTES];
	union addr from, to;
	int n;

	memset(source, 0, sizeof(*source));
	if (!strcmp(text, "any"))
		return 0;
	if (!dash) {
		n = snprintf(probe, sizeof(probe), "%s:1", text);
		if (n >= (int)sizeof(probe) || addr_parse(probe, false, &from))
			return -EINVAL;
	} else {
		n = snprintf(probe, sizeof(probe), "%.*s", (int)(dash - text), text);
		if (n >= (int)sizeof(probe) || addr_parse(probe, false, &from))
			return -EINVAL;
		n = snprintf(probe, sizeof(probe), "192.0.2.1:%s", dash + 1);
		if (n >= (int)sizeof(probe) || addr_parse(probe, false, &to))
			return -EINVAL;
		source->port_min = ntohs(from.in.sin_port);
		source->port_max = ntohs(to.in.sin_port);
		if (source->port_min > source->port_max)
			return -EINVAL;
	}
	source->addr = from;
	source->addr.in.sin_port = 0; /* at the same place for both families */
	return 0;
}

/* Index of `text` in "a|b|c", or -1. */
static int choice_index(const char *choices, const char *text)
{
	size_t len = strlen(text);
	int i = 0;
	const char *p = choices;

	for (;;) {
		size_t n = strcspn(p, "|");

		if (n == len && !memcmp(p, text, n))
			return i;
		if (!p[n])
			return -1;
		p += n + 1;
		i++;
	}
}

static void format_time(int64_t n, bool is_ms, char *buf, size_t buf_len)
{
	int64_t us = is_ms ? n * 1000 : n;

	if (!us)
		snprintf(buf, buf_len, "0");
	else if (us % 86400000000LL == 0)
		snprintf(buf, buf_len, "%lldd",
			 (long long)(us / 86400000000LL));
	else if (us % 3600000000LL == 0)
		snprintf(buf, buf_len, "%lldh", (long long)(us / 3600000000LL));
	else if (us % 1000000 == 0)
		snprintf(buf, buf_len, "%llds", (long long)(us / 1000000));
	else if (us % 1000 == 0)
		snprintf(buf, buf_len, "%lldms", (long long)(us / 1000));
	else
		snprintf(buf, buf_len, "%lldus", (long long)us);
}

/*
 * Store `text` at `dst` as `key` wants it. Returns true, or false with the sentence "PROBLEM;
 * expected WHAT" in why.
 */
static bool value_set(const struct conf_key *key, const char *text, void *dst,
		      char *why, size_t why_len)
{
	char lo[32], hi[32];
	uint64_t u = 0;
	int64_t n = 0;
	int r;

	switch (key->type) {
	case CONF_T_STRING:
		if ((int64_t)strlen(text) < key->min ||
		    (int64_t)strlen(text) > key->max) {
			snprintf(why, why_len,
				 "wrong length; expected %lld to %lld bytes",
				 (long long)key->min, (long long)key->max);
			return false;
		}
		strcpy(dst,
		       text); /* NOLINT: key->max is the size of the member, less the NUL */
		return true;

	case CONF_T_NAME:
		if (!is_name(text)) {
			snprintf(
				why, why_len,
				"not a name; expected 1 to %d letters, digits, '-', '_' or '.'",
				CONF_NAME_BYTES - 1);
			return false;
		}
		strcpy(dst, text);
		return true;

	case CONF_T_ENUM:
		r = choice_index(key->choices, text);
		if (r < 0) {
			snprintf(why, why_len, "unknown; expected %s",
				 key->choices);
			return false;
		}
		*(int *)dst = r;
		return true;

	case CONF_T_INT:
	case CONF_T_COUNT:
		r = parse_int(text, &n);
		if (r == -EINVAL) {
			snprintf(why, why_len,
				 "not a whole number; expected %lld to %lld",
				 (long long)key->min, (long long)key->max);
			return false;
		}
		if (r || n < key->min || n > key->max) {
			snprintf(why, why_len,
				 "out of range; expected %lld to %lld",
				 (long long)key->min, (long long)key->max);
			return false;
		}
		if (key->type == CONF_T_INT)
			*(int *)dst = n;
		else
			*(uint32_t *)dst = n;
		return true;

	case CONF_T_US:
	case CONF_T_MS:
		format_time(key->min, key->type == CONF_T_MS, lo, sizeof(lo));
		format_time(key->max, key->type == CONF_T_MS, hi, sizeof(hi));
		r = conf_parse_time_us(text, &u);
		if (r == -EINVAL) {
			snprintf(
				why, why_len,
				"not a time with its unit (us, ms, s, m, h, d); expected %s to %s",
				lo, hi);
			return false;
		}
		if (key->type == CONF_T_MS && u % 1000) {
			snprintf(why, why_len,
				 "finer than a millisecond; expected %s to %s",
				 lo, hi);
			return false;
		}
		if (key->type == CONF_T_MS)
			u /= 1000;
		if (r || u < (uint64_t)key->min || u > (uint64_t)key->max) {
			snprintf(why, why_len,
				 "out of range; expected %s to %s", lo, hi);
			return false;
		}
		*(uint32_t *)dst = u;
		return true;

	case CONF_T_SIZE:
		r = conf_parse_size(text, &u);
		if (r == -EINVAL) {
			snprintf(
				why, why_len,
				"not a size; expected bytes, or a number with k, M or G, e.g. \"512M\"");
			return false;
		}
		if (r || u < (uint64_t)key->min || u > (uint64_t)key->max) {
			snprintf(why, why_len,
				 "out of range; expected %lldM to %lldM",
				 (long long)(key->min >> 20),
				 (long long)(key->max >> 20));
			return false;
		}
		*(uint64_t *)dst = u;
		return true;

	case CONF_T_BIND:
		if (addr_parse(text, true, dst)) {
			snprintf(
				why, why_len,
				"not an IPv4 address:port; expected e.g. \"192.0.2.1:80\" or \"*:80\"");
			return false;
		}
		return true;

	case CONF_T_TARGET:
		if (target_parse(text, dst)) {
			snprintf(
				why, why_len,
				"not an address:port or name:port; expected e.g. \"192.0.2.1:80\" or \"www.example.org:80\"");
			return false;
		}
		return true;

	case CONF_T_SOURCE:
		if (source_parse(text, dst)) {
			snprintf(
				why, why_len,
				"not a source; expected \"any\", an address, or one with ports, e.g. \"192.0.2.1:20000-29999\"");
			return false;
		}
		return true;
	}
	snprintf(why, why_len, "type without a parser");
	return false;
}

/* ---- tree against tables ---- */

struct checker {
	struct conf *conf;
	struct conf_errors errs;
	int last_line;
};

static const struct conf_section *find_section(const char *path)
{
	unsigned int i;

	for (i = 0; i < N_SECTIONS; i++)
		if (!strcmp(conf_sections[i].path, path))
			return &conf_sections[i];
	return NULL;
}

static const struct conf_key *find_key(const char *section, const char *key)
{
	unsigned int i;

	for (i = 0; i < conf_keys_len; i++)
		if (!strcmp(conf_keys[i].section, section) &&
		    !strcmp(conf_keys[i].key, key))
			return &conf_keys[i];
	return NULL;
}

/* The keys of a section, for "expected ..." in messages. */
static const char *list_keys(const char *section, char *buf, size_t buf_len)
{
	unsigned int i;
	size_t n = 0;

	buf[0] = '\0';
	for (i = 0; i < conf_keys_len && n < buf_len; i++)
		if (!strcmp(conf_keys[i].section, section))
			n += snprintf(buf + n, buf_len - n, "%s%s",
				      n ? ", " : "", conf_keys[i].key);
	for (i = 0; i < N_SECTIONS && n < buf_len; i++) {
		const char *path = conf_sections[i].path;
		size_t len = strlen(section);

		if (!len && !strchr(path, '.'))
			n += snprintf(buf + n, buf_len - n, "%s%s",
				      n ? ", " : "", path);
		else if (len && !strncmp(path, section, len) &&
			 path[len] == '.')
			n += snprintf(buf + n, buf_len - n, "%s%s",
				      n ? ", " : "", path + len + 1);
	}
	return buf;
}

/* Name of a node as the messages write it: "pool.origin.server.s1.address". */
static const char *node_path(const struct conf_node *node, char *buf,
			     size_t buf_len)
{
	char head[512] = "";

	if (node->parent && node->parent->parent)
		node_path(node->parent, head, sizeof(head));
	snprintf(buf, buf_len, "%s%s%s%s%s", head, head[0] ? "." : "",
		 node->name, node->label ? "." : "",
		 node->label ? node->label : "");
	return buf;
}

/*
 * Take the keys of `node` into `base`; every key of the table gets its value, its default, or is
 * reported.
 */
static void take_keys(struct checker *ck, const struct conf_node *node,
		      const char *section, void *base)
{
	char path[600], why[256], known[512];
	const struct conf_node *child;
	const struct conf_key *key;
	int seen_line[128] = { 0 };
	char sub[64];
	unsigned int i;

	for (child = node ? node->children : NULL; child; child = child->next) {
		if (!child->name[0])
			continue;
		node_path(child, path, sizeof(path));
		if (child->is_section) {
			snprintf(sub, sizeof(sub), "%s%s%.40s", section,
				 section[0] ? "." : "", child->name);
			if (find_section(sub))
				continue; /* the caller takes it */
			if (find_key(section, child->name))
				conf_error(&ck->errs, child->line,
					   "%s: a section; expected a value",
					   path);
			else
				conf_error(&ck->errs, child->line,
					   "%s: unknown section; expected %s",
					   path,
					   list_keys(section, known,
						     sizeof(known)));
			continue;
		}
		key = find_key(section, child->name);
		if (!key) {
			snprintf(sub, sizeof(sub), "%s%s%.40s", section,
				 section[0] ? "." : "", child->name);
			if (find_section(sub))
				conf_error(
					&ck->errs, child->line,
					"%s: \"%s\": a value; expected a section { ... }",
					path, child->value);
			else
				conf_error(&ck->errs, child->line,
					   "%s: unknown key; expected %s", path,
					   list_keys(section, known,
						     sizeof(known)));
			continue;
		}
		i = key - conf_keys;
		if (seen_line[i]) {
			conf_error(&ck->errs, child->line,
				   "%s: \"%s\": set twice; first on line %d",
				   path, child->value, seen_line[i]);
			continue;
		}
		seen_line[i] = child->line;
		if (!value_set(key, child->value, (char *)base + key->offset,
			       why, sizeof(why)))
			conf_error(&ck->errs, child->line, "%s: \"%s\": %s",
				   path, child->value, why);
	}

	for (i = 0; i < conf_keys_len; i++) {
		key = &conf_keys[i];
		if (strcmp(key->section, section) || seen_line[i])
			continue;
		if (key->dflt) {
			if (!value_set(key, key->dflt,
				       (char *)base + key->offset, why,
				       sizeof(why)))
				conf_error(&ck->errs, 0,
					   "%s.%s: bad default \"%s\": %s",
					   section, key->key, key->dflt, why);
		} else if (node) {
			node_path(node, path, sizeof(path));
			conf_error(&ck->errs, node->line, "%s.%s: missing; %s",
				   path, key->key, key->help);
		}
	}
}

_Static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) <= 128,
	       "seen_line in take_keys()");

/* Next child that is the section `name`, behind `prev` (NULL: from the start). */
static const struct conf_node *next_section(const struct conf_node *node,
					    const char *name,
					    const struct conf_node *prev)
{
	const struct conf_node *child = prev ? prev->next : node->children;

	for (; child; child = child->next)
		if (child->is_section && !strcmp(child->name, name))
			return child;
	return NULL;
}

/* Line of the child `name`, or dflt. */
static int child_line(const struct conf_node *node, const char *name, int dflt)
{
	const struct conf_node *child;

	for (child = node->children; child; child = child->next)
		if (!strcmp(child->name, name))
			return child->line;
	return dflt;
}

/* A section without a label, at most once. */
static const struct conf_node *single_section(struct checker *ck,
					      const struct conf_node *root,
					      const char *name)
{
	const struct conf_node *first = NULL, *node = NULL;

	while ((node = next_section(root, name, node))) {
		if (node->label)
			conf_error(&ck->errs, node->line,
				   "%s: takes no name, but has \"%s\"", name,
				   node->label);
		if (first)
			conf_error(&ck->errs, node->line,
				   "%s: section stands twice; first on line %d",
				   name, first->line);
		else
			first = node;
	}
	return first;
}

/*
 * A section with a label, any number up to max: check label and count, report duplicates.
 * Returns false if this one is to be left out.
 */
static bool check_label(struct checker *ck, const struct conf_node *node,
			unsigned int n, unsigned int max)
{
	const struct conf_node *other = NULL;
	char path[600];

	node_path(node, path, sizeof(path));
	if (!node->label) {
		conf_error(&ck->errs, node->line,
			   "%s: has no name; expected \"%s NAME { ... }\"",
			   path, node->name);
		return false;
	}
	if (!is_name(node->label)) {
		conf_error(
			&ck->errs, node->line,
			"%s: \"%s\": not a name; expected 1 to %d letters, digits, '-', '_' or '.'",
			path, node->label, CONF_NAME_BYTES - 1);
		return false;
	}
	while ((other = next_section(node->parent, node->name, other)) &&
	       other != node) {
		if (other->label && !strcmp(other->label, node->label)) {
			conf_error(
				&ck->errs, node->line,
				"%s: the name stands twice; first on line %d",
				path, other->line);
			return false;
		}
	}
	if (n >= max) {
		conf_error(&ck->errs, node->line, "%s: too many; at most %u",
			   path, max);
		return false;
	}
	return true;
}

static void take_check(struct checker *ck, const struct conf_node *node, struct conf_pool *pool)
{
	const struct conf_node *check = single_section(ck, node, "check");

	pool->check.is_set = check != NULL;
	take_keys(ck, check, "pool.check", &pool->check);
	if (pool->eject_max_ms < pool->eject_ms)
		conf_error(&ck->errs, child_line(node, "eject_time_max", child_line(node, "eject_time", node->line)),
			   "pool.%s.eject_time_max: shorter than eject_time; expected at least as long",
			   pool->name);
}

static bool uses_names(const struct conf *conf)
{
	unsigned int i, j;

	for (i = 0; i < conf->n_pools; i++)
		for (j = 0; j < conf->pools[i].n_servers; j++)
			if (conf->pools[i].servers[j].target.host[0])
				return true;
	return false;
}

/* One name server of a list: "ADDRESS" or "ADDRESS:PORT". */
static bool resolver_add(struct conf_resolver *res, const char *text)
{
	char probe[ADDR_TEXT_BYTES];
	union addr addr;

	if (res->n_servers == CONF_RESOLVERS_MAX)
		return false;
	if (addr_parse(text, false, &addr)) {
		if (snprintf(probe, sizeof(probe), "%s:53", text) >= (int)sizeof(probe) ||
		    addr_parse(probe, false, &addr))
			return false;
	}
	res->servers[res->n_servers++] = addr;
	return true;
}

unsigned int conf_resolv_conf(struct conf_resolver *res, const char *path)
{
	char line[512], text[ADDR_TEXT_BYTES];
	FILE *file = fopen(path, "re");

	res->n_servers = 0;
	while (file && res->n_servers < CONF_RESOLVERS_MAX && fgets(line, sizeof(line), file))
		if (sscanf(line, " nameserver %55s", text) == 1)
			resolver_add(res, text);
	if (file)
		fclose(file);
	return res->n_servers;
}

static void take_resolver(struct checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = single_section(ck, root, "resolver");
	struct conf_resolver *res = &ck->conf->resolver;
	char text[sizeof(res->servers_text)];
	char *save = NULL, *word;
	int line;

	take_keys(ck, node, "resolver", res);
	line = node ? child_line(node, "servers", node->line) : ck->last_line;
	if (strcmp(res->servers_text, "system")) {
		strcpy(text, res->servers_text);
		for (word = strtok_r(text, " ,\t", &save); word; word = strtok_r(NULL, " ,\t", &save))
			if (!resolver_add(res, word))
				conf_error(&ck->errs, line,
					   "resolver.servers: \"%s\": not an address, or one too many; expected at most %d, e.g. \"192.0.2.53\" or \"192.0.2.53:5353\"",
					   word, CONF_RESOLVERS_MAX);
	} else if (uses_names(ck->conf) && !conf_resolv_conf(res, RESOLV_CONF_PATH)) {
		conf_error(&ck->errs, line,
			   "resolver.servers: \"system\": no name server in " RESOLV_CONF_PATH
			   ", and a server's address is a name; expected addresses of name servers");
	}
	if (res->min_ttl_ms > res->max_ttl_ms)
		conf_error(&ck->errs, node ? child_line(node, "min_ttl", node->line) : 0,
			   "resolver.min_ttl: longer than max_ttl; expected at most as long");
}

static void take_pools(struct checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = NULL, *sub;
	struct conf_server *server;
	struct conf_pool *pool;

	while ((node = next_section(root, "pool", node))) {
		struct conf_pool spare = { 0 };
		bool is_kept = check_label(ck, node, ck->conf->n_pools,
					   CONF_POOLS_MAX);

		/* one that is left out is checked all the same: all mistakes in one run */
		pool = is_kept ? &ck->conf->pools[ck->conf->n_pools++] : &spare;
		snprintf(pool->name, sizeof(pool->name), "%s",
			 node->label ? node->label : "");
		pool->line = node->line;
		take_keys(ck, node, "pool", pool);
		take_check(ck, node, pool);
		sub = NULL;
		while ((sub = next_section(node, "server", sub))) {
			struct conf_server spare_server = { 0 };

			is_kept = check_label(ck, sub, pool->n_servers,
					      CONF_SERVERS_MAX);
			server = is_kept ? &pool->servers[pool->n_servers++] :
					   &spare_server;
			snprintf(server->name, sizeof(server->name), "%s",
				 sub->label ? sub->label : "");
			server->line = sub->line;
			take_keys(ck, sub, "pool.server", server);
		}
		if (!next_section(node, "server", NULL))
			conf_error(
				&ck->errs, node->line,
				"pool.%s.server: missing; expected at least one \"server NAME { address = ...; }\"",
				pool->name);
	}
}

static void take_listeners(struct checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = NULL;
	struct conf_listener *listener;

	while ((node = next_section(root, "listener", node))) {
		struct conf_listener spare = { 0 };
		bool is_kept = check_label(ck, node, ck->conf->n_listeners,
					   CONF_LISTENERS_MAX);

		listener =
			is_kept ?
				&ck->conf->listeners[ck->conf->n_listeners++] :
				&spare;
		snprintf(listener->name, sizeof(listener->name), "%s",
			 node->label ? node->label : "");
		listener->line = node->line;
		take_keys(ck, node, "listener", listener);
	}
}

static int key_line(const struct conf_node *root, const char *section,
		    const char *label, const char *key, int dflt)
{
	const struct conf_node *node = NULL, *child;

	while ((node = next_section(root, section, node))) {
		if (!node->label || strcmp(node->label, label))
			continue;
		for (child = node->children; child; child = child->next)
			if (!strcmp(child->name, key))
				return child->line;
	}
	return dflt;
}

/* What one key cannot know: references and clashes. */
static void check_references(struct checker *ck, const struct conf_node *root)
{
	struct conf *conf = ck->conf;
	unsigned int i, j;
	char text[ADDR_TEXT_BYTES];

	for (i = 0; i < conf->n_listeners; i++) {
		struct conf_listener *l = &conf->listeners[i];

		for (j = 0; j < conf->n_pools; j++)
			if (!strcmp(conf->pools[j].name, l->pool_name))
				break;
		l->pool = j;
		if (l->pool_name[0] && j == conf->n_pools)
			conf_error(
				&ck->errs,
				key_line(root, "listener", l->name, "pool",
					 l->line),
				"listener.%s.pool: \"%s\": no such pool; expected the name of a \"pool NAME { ... }\"",
				l->name, l->pool_name);
		for (j = 0; j < i; j++) {
			struct conf_listener *other = &conf->listeners[j];

			if (!l->bind.sa.sa_family ||
			    !other->bind.sa.sa_family ||
			    !addr_overlap(&l->bind, &other->bind))
				continue;
			conf_error(
				&ck->errs,
				key_line(root, "listener", l->name, "bind",
					 l->line),
				"listener.%s.bind: \"%s\": overlaps listener.%s.bind on line %d",
				l->name,
				addr_format(&l->bind, text, sizeof(text)),
				other->name,
				key_line(root, "listener", other->name, "bind",
					 other->line));
			break;
		}
	}
}

static void check_wire(struct checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = single_section(ck, root, "wire");

	ck->conf->wire.is_set = node != NULL;
	take_keys(ck, node, "wire", &ck->conf->wire);
	if (!node && ck->conf->stack == CONF_STACK_LKL)
		conf_error(
			&ck->errs, ck->last_line,
			"wire: missing; stack = lkl needs \"wire { interface = NAME; }\"");
}

static int service_line(const struct conf_node *section, const char *key)
{
	const struct conf_node *child;

	for (child = section ? section->children : NULL; child; child = child->next)
		if (!strcmp(child->name, key))
			return child->line;
	return section ? section->line : 0;
}

static void take_services(struct checker *ck, const struct conf_node *root)
{
	const struct conf_node *metrics = single_section(ck, root, "metrics");
	const struct conf_node *admin = single_section(ck, root, "admin");
	struct conf *conf = ck->conf;
	struct watch_prefixes prefixes;
	struct service service;
	const char *why;
	mode_t mode;
	uid_t uid;
	gid_t gid;

	take_keys(ck, metrics, "metrics", &conf->metrics);
	take_keys(ck, admin, "admin", &conf->admin);
	if (conf->metrics.bind[0] && service_parse(conf->metrics.bind, &service, &why))
		conf_error(&ck->errs, service_line(metrics, "bind"), "metrics.bind: \"%s\": expected %s",
			   conf->metrics.bind, why);
	if (conf->metrics.stack_bind[0] && (service_parse(conf->metrics.stack_bind, &service, &why) ||
					    service.kind == SERVICE_UNIX))
		conf_error(&ck->errs, service_line(metrics, "stack_bind"),
			   "metrics.stack_bind: \"%s\": expected ADDRESS:PORT or off", conf->metrics.stack_bind);
	if (conf->metrics.allow[0] && watch_parse_prefixes(conf->metrics.allow, &prefixes))
		conf_error(&ck->errs, service_line(metrics, "allow"),
			   "metrics.allow: \"%s\": expected none, or up to %d prefixes between blanks, e.g. \"192.0.2.0/24 2001:db8::/32\"",
			   conf->metrics.allow, WATCH_PREFIXES_MAX);
	if (conf->admin.bind[0] && (service_parse(conf->admin.bind, &service, &why) ||
				    service.kind == SERVICE_INET))
		conf_error(&ck->errs, service_line(admin, "bind"),
			   "admin.bind: \"%s\": expected unix:/PATH (at most 107 bytes) or off; it is never a port",
			   conf->admin.bind);
	if (conf->admin.mode[0] && service_parse_mode(conf->admin.mode, &mode))
		conf_error(&ck->errs, service_line(admin, "mode"),
			   "admin.mode: \"%s\": expected an octal number up to 0777, e.g. 0660", conf->admin.mode);
	if (conf->admin.owner[0] && service_parse_owner(conf->admin.owner, &uid, &gid))
		conf_error(&ck->errs, service_line(admin, "owner"),
			   "admin.owner: \"%s\": no such user or group; expected USER, USER:GROUP or :GROUP",
			   conf->admin.owner);
}

static void check_required(struct checker *ck, const struct conf_node *root)
{
	unsigned int i;

	for (i = 0; i < N_SECTIONS; i++) {
		const char *path = conf_sections[i].path;

		if (conf_sections[i].is_required && !strchr(path, '.') &&
		    !next_section(root, path, NULL))
			conf_error(
				&ck->errs, ck->last_line,
				"%s: missing; expected at least one \"%s%s { ... }\"",
				path, path,
				conf_sections[i].has_label ? " NAME" : "");
	}
}

struct conf *conf_load_text(const char *text, size_t len, const char *name,
			    int stack_override,
			    void (*report)(void *ctx, const char *line),
			    void *ctx, int *mistakes)
{
	struct checker ck = {
		.errs = { .file = name, .report = report, .ctx = ctx }
	};
	struct conf_node *root;

	*mistakes = 0;
	ck.conf = calloc(1, sizeof(*ck.conf));
	root = conf_parse(text, len, &ck.errs, &ck.last_line);
	if (!ck.conf || !root) {
		conf_error(&ck.errs, 0, "out of memory");
		conf_node_free(root);
		free(ck.conf);
		return NULL;
	}

	take_keys(&ck, root, "", ck.conf);
	if (stack_override >= 0)
		ck.conf->stack = stack_override;
	take_keys(&ck, single_section(&ck, root, "log"), "log", &ck.conf->log);
	take_services(&ck, root);
	take_keys(&ck, single_section(&ck, root, "worker"), "worker",
		  &ck.conf->worker);
	check_wire(&ck, root);
	take_pools(&ck, root);
	take_resolver(&ck, root);
	take_listeners(&ck, root);
	check_required(&ck, root);
	check_references(&ck, root);
	conf_node_free(root);

	if (ck.errs.count > CONF_ERRORS_SHOWN) {
		int hidden = ck.errs.count - CONF_ERRORS_SHOWN;

		ck.errs.count = 0; /* so that the next line is shown */
		conf_error(&ck.errs, 0, "and %d more mistakes", hidden);
		ck.errs.count = hidden + CONF_ERRORS_SHOWN;
	}
	*mistakes = ck.errs.count;
	if (ck.errs.count) {
		conf_free(ck.conf);
		return NULL;
	}
	return ck.conf;
}

struct conf *conf_load(const char *path, int stack_override,
		       void (*report)(void *ctx, const char *line), void *ctx,
		       int *mistakes)
{
	struct conf_errors errs = { .file = path,
				    .report = report,
				    .ctx = ctx };
	struct conf *conf = NULL;
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	ssize_t n;
	int fd;

	*mistakes = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		conf_error(&errs, 0, "cannot open: %s", strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) || S_ISDIR(st.st_mode)) {
		conf_error(&errs, 0, "not a file");
		goto out_close;
	}
	text = malloc(FILE_BYTES_MAX + 1);
	if (!text) {
		conf_error(&errs, 0, "out of memory");
		goto out_close;
	}
	while (len <= FILE_BYTES_MAX &&
	       (n = read(fd, text + len, FILE_BYTES_MAX + 1 - len)) > 0)
		len += n;
	if (len > FILE_BYTES_MAX)
		conf_error(&errs, 0, "longer than %d bytes", FILE_BYTES_MAX);
	else
		conf = conf_load_text(text, len, path, stack_override, report,
				      ctx, mistakes);
	free(text);

out_close:
	close(fd);
	return conf;
}

void conf_free(struct conf *conf)
{
	free(conf);
}
