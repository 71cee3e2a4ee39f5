// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_types.c - values of accd.conf: text to what the daemon uses
 *
 * One entry, conf_value_set(), for values and for defaults, which are written as one would write
 * them in the file. What does not fit gets the sentence "PROBLEM; expected WHAT".
 */
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "conf_schema.h"

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

bool conf_is_name(const char *text)
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

static void format_time(int64_t us, char *buf, size_t buf_len)
{
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

static void format_size(int64_t n, char *buf, size_t buf_len)
{
	if (n && n % (1 << 20) == 0)
		snprintf(buf, buf_len, "%lldM", (long long)(n >> 20));
	else if (n && n % (1 << 10) == 0)
		snprintf(buf, buf_len, "%lldk", (long long)(n >> 10));
	else
		snprintf(buf, buf_len, "%lld", (long long)n);
}

static bool is_allowed_cpu(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	/* of the process, within what its cgroup leaves it */
	return !sched_getaffinity(0, sizeof(set), &set) && cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set);
}

unsigned int conf_cpus_allowed(struct conf_cpus *cpus)
{
	long cpu;

	cpus->n = 0;
	for (cpu = 0; cpu < CONF_CPUS_MAX; cpu++)
		if (is_allowed_cpu(cpu))
			cpus->cpu[cpus->n++] = cpu;
	return cpus->n;
}

bool conf_cpu_mistake(long cpu, char *why, size_t why_len)
{
	if (cpu >= sysconf(_SC_NPROCESSORS_CONF))
		snprintf(why, why_len, "there is no CPU %ld; expected 0 to %ld", cpu,
			 sysconf(_SC_NPROCESSORS_CONF) - 1);
	else if (!is_allowed_cpu(cpu))
		snprintf(why, why_len,
			 "accd may not use CPU %ld; expected CPUs that are online and in its affinity and cgroup (taskset -cp)",
			 cpu);
	else
		return false;
	return true;
}

/* "0-3,8": in the order of the text. */
static bool cpus_set(const char *text, struct conf_cpus *cpus, char *why, size_t why_len)
{
	bool is_named[CONF_CPUS_MAX] = { false };
	const char *p = text;
	unsigned int low, high;
	int len;

	memset(cpus, 0, sizeof(*cpus));
	if (!strcmp(text, "any"))
		return true;
	if (!strcmp(text, "all"))
		return conf_cpus_allowed(cpus);
	for (;; p++) {
		len = 0;
		if (isdigit((unsigned char)*p) && sscanf(p, "%4u%n", &low, &len) == 1) {
			p += len;
			high = low;
			if (*p == '-' && isdigit((unsigned char)p[1]) && sscanf(p + 1, "%4u%n", &high, &len) == 1)
				p += 1 + len;
		}
		if (!len || (*p && *p != ',') || low > high || high >= CONF_CPUS_MAX) {
			snprintf(why, why_len,
				 "not a list of CPUs; expected any, all, or numbers up to %d and ranges, e.g. \"0-3,8\"",
				 CONF_CPUS_MAX - 1);
			return false;
		}
		for (; low <= high; low++) {
			if (is_named[low]) {
				snprintf(why, why_len, "CPU %u stands twice; expected each once", low);
				return false;
			}
			if (conf_cpu_mistake(low, why, why_len))
				return false;
			is_named[low] = true;
			cpus->cpu[cpus->n++] = low;
		}
		if (!*p)
			return true;
	}
}

bool conf_value_set(const struct conf_key *key, const char *text, void *dst, char *why,
		    size_t why_len)
{
	char lo[32], hi[32];
	uint64_t u = 0;
	int64_t n = 0;
	uint32_t unit_us;
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
		if (!conf_is_name(text)) {
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

	case CONF_T_AUTO:
		if (!strcmp(text, "auto")) {
			*(uint32_t *)dst = 0;
			return true;
		}
		/* fall through */
	case CONF_T_INT:
	case CONF_T_COUNT:
		r = parse_int(text, &n);
		if (r == -EINVAL) {
			snprintf(why, why_len,
				 "not a whole number; expected %s%lld to %lld",
				 key->type == CONF_T_AUTO ? "auto, or " : "", (long long)key->min, (long long)key->max);
			return false;
		}
		if (r || n < key->min || n > key->max) {
			snprintf(why, why_len,
				 "out of range; expected %s%lld to %lld",
				 key->type == CONF_T_AUTO ? "auto, or " : "", (long long)key->min, (long long)key->max);
			return false;
		}
		if (key->type == CONF_T_INT)
			*(int *)dst = n;
		else
			*(uint32_t *)dst = n;
		return true;

	case CONF_T_CPUS:
		return cpus_set(text, dst, why, why_len);

	case CONF_T_US:
	case CONF_T_MS:
	case CONF_T_SEC:
		unit_us = key->type == CONF_T_SEC ? 1000000 : key->type == CONF_T_MS ? 1000 : 1;
		format_time(key->min * unit_us, lo, sizeof(lo));
		format_time(key->max * unit_us, hi, sizeof(hi));
		r = conf_parse_time_us(text, &u);
		if (r == -EINVAL) {
			snprintf(
				why, why_len,
				"not a time with its unit (us, ms, s, m, h, d); expected %s to %s",
				lo, hi);
			return false;
		}
		if (u % unit_us) {
			snprintf(why, why_len, "finer than a %s; expected %s to %s",
				 key->type == CONF_T_SEC ? "second" : "millisecond", lo, hi);
			return false;
		}
		u /= unit_us;
		if (r || u < (uint64_t)key->min || u > (uint64_t)key->max) {
			snprintf(why, why_len,
				 "out of range; expected %s to %s", lo, hi);
			return false;
		}
		*(uint32_t *)dst = u;
		return true;

	case CONF_T_SIZE:
	case CONF_T_BYTES:
		r = conf_parse_size(text, &u);
		if (r == -EINVAL) {
			snprintf(
				why, why_len,
				"not a size; expected bytes, or a number with k, M or G, e.g. \"512M\"");
			return false;
		}
		if (r || u < (uint64_t)key->min || u > (uint64_t)key->max) {
			format_size(key->min, lo, sizeof(lo));
			format_size(key->max, hi, sizeof(hi));
			snprintf(why, why_len, "out of range; expected %s to %s", lo, hi);
			return false;
		}
		if (key->type == CONF_T_SIZE)
			*(uint64_t *)dst = u;
		else
			*(uint32_t *)dst = u;
		return true;

	case CONF_T_PORTS: {
		struct conf_ports *ports = dst;
		unsigned int low, high;

		r = 0;
		if (!isdigit((unsigned char)text[0]) || sscanf(text, "%5u-%5u%n", &low, &high, &r) != 2 || text[r] ||
		    !low || low > high || high > UINT16_MAX) {
			snprintf(why, why_len,
				 "not a range of ports; expected LOW-HIGH, from 1 to 65535, e.g. \"61000-65535\"");
			return false;
		}
		ports->low = low;
		ports->high = high;
		return true;
	}

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
	default: /* lists: conf_listener.c */
		break;
	}
	snprintf(why, why_len, "type without a parser");
	return false;
}
