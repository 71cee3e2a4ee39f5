// SPDX-License-Identifier: GPL-2.0-only
/*
 * sample.c - what a worker's wire and stack have counted, copied to the shared counters
 *
 * Two kinds of lines: "NAME VALUE", of the wire, and the format of /proc/net/snmp and netstat, a line
 * of names and one of values behind the same "GROUP:". The lists in counters.h say which of them
 * are wanted; a kernel that lacks one leaves its counter at 0.
 *
 * A wire counts in memory that outlives the worker: its totals are taken as they are. A stack begins at
 * 0 with each worker: what is new is added.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "stack.h"

#define REPORT_BYTES 16384 /* snmp and netstat of 6.12 take 6 KiB */

struct wanted {
	const char *group; /* "" of lines without one */
	const char *name;
	size_t offset;
	bool is_final; /* the value as it stands, not what it has grown by */
};

#define WIRE(m, help) { "", #m, offsetof(struct counters_stack, wire_##m), true },
#define DROPS(m, direction, reason) { "", #m, offsetof(struct counters_stack, wire_##m), true },
#define WIRE_GAUGE(m, help) { "", #m, offsetof(struct counters_stack, wire_##m), true },
#define NET(m, group, name, help) { group, name, offsetof(struct counters_stack, m), false },
#define NET_GAUGE(m, group, name, help) { group, name, offsetof(struct counters_stack, m), true },

static const struct wanted wanted[] = {
	COUNTERS_WIRE(WIRE) COUNTERS_WIRE_DROPS(DROPS) COUNTERS_WIRE_GAUGES(WIRE_GAUGE)
	COUNTERS_NET(NET) COUNTERS_NET_GAUGES(NET_GAUGE)
};

static void add(struct sampler *s, struct counters_stack *out, const char *group, const char *name, const char *value)
{
	const struct wanted *w;
	uint64_t *seen, *word, now;

	for (w = wanted; w < wanted + sizeof(wanted) / sizeof(wanted[0]); w++) {
		if (strcmp(w->name, name) || strcmp(w->group, group))
			continue;
		now = strtoull(value, NULL, 10);
		seen = (uint64_t *)((char *)&s->seen + w->offset);
		word = (uint64_t *)((char *)out + w->offset);
		/* written by us alone, read by the supervisor */
		__atomic_store_n(word, w->is_final ? now : *word + (now - *seen), __ATOMIC_RELAXED);
		*seen = now;
		return;
	}
}

void sample_add(struct sampler *s, struct counters_stack *out, char *text)
{
	char *line, *save = NULL, *names = NULL, *name, *value, *save_n, *save_v;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end = strpbrk(line, ": ");

		if (!end)
			continue;
		if (*end == ' ') {
			*end = '\0';
			add(s, out, "", line, end + 1);
			continue;
		}
		*end = '\0';
		if (!names || strcmp(names, line)) {
			names = line; /* its group, and what follows in the same memory */
			continue;
		}
		name = strtok_r(names + (end - line) + 1, " ", &save_n);
		value = strtok_r(end + 1, " ", &save_v);
		for (; name && value; name = strtok_r(NULL, " ", &save_n), value = strtok_r(NULL, " ", &save_v))
			add(s, out, line, name, value);
		names = NULL;
	}
}

void sample_init(struct sampler *s, const struct stack_ops *ops, uint64_t now_us)
{
	memset(s, 0, sizeof(*s));
	s->due_us = ops->report ? now_us + SAMPLE_US : UINT64_MAX;
}

void sample_take(struct sampler *s, const struct stack_ops *ops, struct counters_stack *out, uint64_t now_us)
{
	static const enum stack_report reports[] = { STACK_REPORT_WIRES, STACK_REPORT_NET };
	static char text[REPORT_BYTES];
	unsigned int i;
	long n;

	if (s->due_us == UINT64_MAX)
		return;
	for (i = 0; i < 2; i++) {
		n = ops->report(reports[i], text, sizeof(text) - 1);
		if (n <= 0)
			continue;
		text[n] = '\0';
		sample_add(s, out, text);
	}
	out->samples_total++;
	s->due_us = now_us + SAMPLE_US;
}
