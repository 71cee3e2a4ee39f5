// SPDX-License-Identifier: GPL-2.0-only
/*
 * metrics.c - the counters as text that Prometheus reads
 *
 * The families come from the lists in counters.h, one table row each: a scope (which struct, which
 * labels), a member's offset, a type. Listeners, pools and servers are added up over the workers,
 * so that a series does not break when the number of workers changes; what is a worker's own has
 * the label worker. Congestion controls are added up by name. A slot that was never given to a name is not shown; "other" only if something
 * was counted there.
 *
 * Label values are names of the configuration: letters, digits, "-", "_" and "."; they are escaped
 * all the same.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "metrics.h"
#include "text.h"

enum scope {
	SCOPE_SUPERVISOR,
	SCOPE_WORKER,
	SCOPE_STACK,
	SCOPE_LISTENER,
	SCOPE_POOL,
	SCOPE_SERVER,
	SCOPE_CC,
};
enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HIST, KIND_ENDS, KIND_DROPS, KIND_INFO, KIND_UP };

static const char *const type_names[] = {
	[KIND_COUNTER] = "counter", [KIND_GAUGE] = "gauge", [KIND_HIST] = "histogram",
	[KIND_ENDS] = "counter",    [KIND_INFO] = "gauge",  [KIND_UP] = "gauge",
	[KIND_DROPS] = "counter",
};

struct row {
	const char *name;
	enum scope scope;
	enum kind kind;
	size_t offset;
	const char *help;
	const struct hist_bounds *bounds;
};

#define ROW_U(m, help) { "accd_" #m, SCOPE_SUPERVISOR, KIND_COUNTER, offsetof(struct counters_supervisor, m), help, NULL },
#define ROW_UG(m, help) { "accd_" #m, SCOPE_SUPERVISOR, KIND_GAUGE, offsetof(struct counters_supervisor, m), help, NULL },
#define ROW_W(m, help) { "accd_worker_" #m, SCOPE_WORKER, KIND_COUNTER, offsetof(struct counters, m), help, NULL },
#define ROW_WG(m, help) { "accd_worker_" #m, SCOPE_WORKER, KIND_GAUGE, offsetof(struct counters, m), help, NULL },
#define ROW_F(m, help) { "accd_wire_" #m, SCOPE_STACK, KIND_COUNTER, offsetof(struct counters_stack, wire_##m), help, NULL },
#define ROW_FG(m, help) { "accd_wire_" #m, SCOPE_STACK, KIND_GAUGE, offsetof(struct counters_stack, wire_##m), help, NULL },
#define ROW_N(m, group, name, help) \
	{ "accd_stack_" #m, SCOPE_STACK, KIND_COUNTER, offsetof(struct counters_stack, m), help " (" group "." name ")", NULL },
#define ROW_NG(m, group, name, help) \
	{ "accd_stack_" #m, SCOPE_STACK, KIND_GAUGE, offsetof(struct counters_stack, m), help " (" group "." name ")", NULL },
#define ROW_L(m, help) { "accd_" #m, SCOPE_LISTENER, KIND_COUNTER, offsetof(struct counters_listener, m), help, NULL },
#define ROW_LG(m, help) { "accd_" #m, SCOPE_LISTENER, KIND_GAUGE, offsetof(struct counters_listener, m), help, NULL },
#define ROW_LH(m, name, b, help) { "accd_" name, SCOPE_LISTENER, KIND_HIST, offsetof(struct counters_listener, m), help, &b },
#define ROW_P(m, help) { "accd_pool_" #m, SCOPE_POOL, KIND_COUNTER, offsetof(struct counters_pool, m), help, NULL },
#define ROW_PG(m, help) { "accd_pool_" #m, SCOPE_POOL, KIND_GAUGE, offsetof(struct counters_pool, m), help, NULL },
#define ROW_PH(m, name, b, help) { "accd_" name, SCOPE_POOL, KIND_HIST, offsetof(struct counters_pool, m), help, &b },
#define ROW_S(m, help) { "accd_server_" #m, SCOPE_SERVER, KIND_COUNTER, offsetof(struct counters_server, m), help, NULL },
#define ROW_SG(m, help) { "accd_server_" #m, SCOPE_SERVER, KIND_GAUGE, offsetof(struct counters_server, m), help, NULL },

#define ROW_C(m, help) { "accd_cc_" #m, SCOPE_CC, KIND_COUNTER, offsetof(struct counters_cc_side, m), help, NULL },
#define ROW_CG(m, help) { "accd_cc_" #m, SCOPE_CC, KIND_GAUGE, offsetof(struct counters_cc_side, m), help, NULL },
#define ROW_CH(m, name, b, help) { "accd_" name, SCOPE_CC, KIND_HIST, offsetof(struct counters_cc_side, m), help, &b },

static const struct row rows[] = {
	{ "accd_build_info", SCOPE_SUPERVISOR, KIND_INFO, 0, "1; labels say what runs", NULL },
	COUNTERS_SUPERVISOR(ROW_U)
	COUNTERS_SUPERVISOR_GAUGES(ROW_UG)
	COUNTERS_LISTENER(ROW_L)
	COUNTERS_LISTENER_GAUGES(ROW_LG)
	{ "accd_session_ends_total", SCOPE_LISTENER, KIND_ENDS, offsetof(struct counters_listener, ends_total),
	  "Sessions ended, by cause: first letter of the log's state", NULL },
	COUNTERS_LISTENER_HISTS(ROW_LH)
	COUNTERS_POOL(ROW_P)
	COUNTERS_POOL_GAUGES(ROW_PG)
	COUNTERS_POOL_HISTS(ROW_PH)
	{ "accd_server_up", SCOPE_SERVER, KIND_UP, offsetof(struct counters_server, usable),
	  "1: it may get sessions; 0: a worker holds it for down, or an operator took it out", NULL },
	COUNTERS_SERVER(ROW_S)
	COUNTERS_SERVER_GAUGES(ROW_SG)
	COUNTERS_CC(ROW_C)
	COUNTERS_CC_GAUGES(ROW_CG)
	COUNTERS_CC_HISTS(ROW_CH)
	COUNTERS_WORKER(ROW_W)
	COUNTERS_WORKER_GAUGES(ROW_WG)
	COUNTERS_WIRE(ROW_F)
	{ "accd_wire_dropped_total", SCOPE_STACK, KIND_DROPS, 0, "Frames lost at the wire, by direction and reason", NULL },
	COUNTERS_WIRE_GAUGES(ROW_FG)
	COUNTERS_NET(ROW_N)
	COUNTERS_NET_GAUGES(ROW_NG)
};

static const struct {
	size_t offset;
	const char *direction, *reason;
} drops[] = {
#define DROP(m, direction, reason) { offsetof(struct counters_stack, wire_##m), direction, reason },
	COUNTERS_WIRE_DROPS(DROP)
#undef DROP
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

bool metrics_family(unsigned int i, struct metrics_family *family)
{
	if (i >= N_ROWS)
		return false;
	family->name = rows[i].name;
	family->type = type_names[rows[i].kind];
	family->help = rows[i].help;
	return true;
}

static uint64_t word_at(const void *base, size_t offset)
{
	return counters_read((const uint64_t *)((const char *)base + offset));
}

static const void *part(const struct counters_map *map, enum scope scope, unsigned int w, unsigned int slot)
{
	const struct counters_worker *cw = &map->workers[w];

	return scope == SCOPE_LISTENER ? (const void *)&cw->listeners[slot] :
	       scope == SCOPE_POOL     ? (const void *)&cw->pools[slot] :
					 (const void *)&cw->servers[slot];
}

static uint64_t sum(const struct counters_map *map, enum scope scope, unsigned int slot, size_t offset)
{
	uint64_t n = 0;
	unsigned int w;

	for (w = 0; w < map->n_workers; w++)
		n += word_at(part(map, scope, w, slot), offset);
	return n;
}

uint64_t counters_sum_listener(const struct counters_map *map, unsigned int slot, size_t offset)
{
	return sum(map, SCOPE_LISTENER, slot, offset);
}

uint64_t counters_sum_pool(const struct counters_map *map, unsigned int slot, size_t offset)
{
	return sum(map, SCOPE_POOL, slot, offset);
}

uint64_t counters_sum_server(const struct counters_map *map, unsigned int slot, size_t offset)
{
	return sum(map, SCOPE_SERVER, slot, offset);
}

/* ---- congestion controls ---- */

static const char cc_other[] = "other";

/* Place k of worker w: its name in buf, or NULL: free. */
static const char *cc_name_at(const struct counters_map *map, unsigned int w, unsigned int k, char *buf)
{
	const struct counters_cc *cc = &map->workers[w].cc[k];

	if (!k)
		return strcpy(buf, cc_other);
	memcpy(buf, cc->name, COUNTERS_CC_NAME_BYTES);
	buf[COUNTERS_CC_NAME_BYTES] = '\0';
	return buf[0] ? buf : NULL;
}

/* Place of a name in worker w; COUNTERS_CC_MAX: none. */
static unsigned int cc_place(const struct counters_map *map, unsigned int w, const char *name)
{
	char buf[COUNTERS_CC_NAME_BYTES + 1];
	unsigned int k;

	for (k = 0; k < COUNTERS_CC_MAX; k++) {
		if (!cc_name_at(map, w, k, buf))
			return COUNTERS_CC_MAX;
		if (!strcmp(buf, name))
			break;
	}
	return k;
}

uint64_t counters_sum_cc(const struct counters_map *map, const char *name, unsigned int side, size_t offset)
{
	unsigned int w, k;
	uint64_t n = 0;

	for (w = 0; w < map->n_workers; w++) {
		k = cc_place(map, w, name);
		if (k < COUNTERS_CC_MAX)
			n += word_at(&map->workers[w].cc[k].sides[side], offset);
	}
	return n;
}

static bool cc_is_used(const struct counters_map *map, const char *name)
{
	const size_t total = offsetof(struct counters_cc_side, connections_total);

	return counters_sum_cc(map, name, 0, total) || counters_sum_cc(map, name, 1, total);
}

const char *counters_cc_name(const struct counters_map *map, unsigned int i, char *buf)
{
	unsigned int w, k, before;

	if (cc_is_used(map, cc_other) && !i--)
		return strcpy(buf, cc_other);
	/* a name counts in the first worker that has it */
	for (w = 0; w < map->n_workers; w++) {
		for (k = 1; k < COUNTERS_CC_MAX && cc_name_at(map, w, k, buf); k++) {
			for (before = 0; before < w && cc_place(map, before, buf) == COUNTERS_CC_MAX; before++)
				;
			if (before == w && !i--)
				return buf;
		}
	}
	return NULL;
}

/* A label's value: \, " and newline are escaped, other bytes that no name has become "_". */
static void add_label(struct text *t, const char *name, const char *value, size_t max)
{
	size_t i;

	text_add(t, "%s=\"", name);
	for (i = 0; i < max && value[i]; i++) {
		unsigned char c = value[i];

		if (c == '\\' || c == '"')
			text_add(t, "\\%c", c);
		else
			text_add(t, "%c", c < 0x20 || c > 0x7e ? '_' : c);
	}
	text_add(t, "\"");
}

static void add_labels(struct text *t, const struct row *row, const struct counters_slot *slot)
{
	if (row->scope == SCOPE_SERVER) {
		add_label(t, "pool", slot->pool, sizeof(slot->pool));
		text_add(t, ",");
	}
	add_label(t,
		  row->scope == SCOPE_LISTENER ? "listener" :
		  row->scope == SCOPE_POOL     ? "pool" :
						 "server",
		  slot->name, sizeof(slot->name));
}

/* A bound or sum in its unit, without trailing zeros. */
static void add_scaled(struct text *t, uint64_t value, unsigned int per_unit)
{
	char fraction[12];
	size_t n;

	if (per_unit == 1) {
		text_add(t, "%" PRIu64, value);
		return;
	}
	snprintf(fraction, sizeof(fraction), "%06u", (unsigned int)(value % per_unit));
	for (n = 6; n && fraction[n - 1] == '0'; n--)
		fraction[n - 1] = '\0';
	text_add(t, "%" PRIu64 "%s%s", value / per_unit, n ? "." : "", fraction);
}

/* One word of a series, and its labels. */
struct series {
	const struct counters_map *map;
	const struct row *row;
	const struct counters_slot *slot; /* of listeners, pools, servers */
	unsigned int i;
	const char *cc; /* SCOPE_CC */
	unsigned int side;
};

static uint64_t series_sum(const struct series *s, size_t offset)
{
	if (s->row->scope == SCOPE_CC)
		return counters_sum_cc(s->map, s->cc, s->side, s->row->offset + offset);
	return sum(s->map, s->row->scope, s->i, s->row->offset + offset);
}

static void series_labels(struct text *t, const struct series *s)
{
	if (s->row->scope != SCOPE_CC) {
		add_labels(t, s->row, s->slot);
		return;
	}
	add_label(t, "cc", s->cc, COUNTERS_CC_NAME_BYTES);
	text_add(t, ",side=\"%s\"", s->side ? "server" : "client");
}

static void add_hist(struct text *t, const struct series *s)
{
	const struct row *row = s->row;
	const struct hist_bounds *b = row->bounds;
	uint64_t count = 0;
	unsigned int k;

	for (k = 0; k <= b->len; k++) {
		count += series_sum(s, offsetof(struct hist, buckets) + k * sizeof(uint64_t));
		text_add(t, "%s_bucket{", row->name);
		series_labels(t, s);
		text_add(t, ",le=\"");
		if (k < b->len)
			add_scaled(t, b->bounds[k], b->per_unit);
		else
			text_add(t, "+Inf");
		text_add(t, "\"} %" PRIu64 "\n", count);
	}
	text_add(t, "%s_sum{", row->name);
	series_labels(t, s);
	text_add(t, "} ");
	add_scaled(t, series_sum(s, offsetof(struct hist, sum)), b->per_unit);
	text_add(t, "\n%s_count{", row->name);
	series_labels(t, s);
	text_add(t, "} %" PRIu64 "\n", count);
}

static void add_cc(struct text *t, const struct counters_map *map, const struct row *row)
{
	char name[COUNTERS_CC_NAME_BYTES + 1];
	struct series s = { .map = map, .row = row, .cc = name };
	unsigned int i;

	for (i = 0; counters_cc_name(map, i, name); i++)
		for (s.side = 0; s.side < 2; s.side++) {
			if (row->kind == KIND_HIST) {
				add_hist(t, &s);
				continue;
			}
			text_add(t, "%s{", row->name);
			series_labels(t, &s);
			text_add(t, "} %" PRIu64 "\n", series_sum(&s, 0));
		}
}

static void add_ends(struct text *t, const struct counters_map *map, const struct row *row,
		     const struct counters_slot *slot, unsigned int i)
{
	unsigned int cause;

	for (cause = 0; cause < LOG_CAUSE__COUNT; cause++) {
		text_add(t, "%s{", row->name);
		add_labels(t, row, slot);
		text_add(t, ",cause=\"%c\"} %" PRIu64 "\n", log_cause_letter(cause),
			 sum(map, row->scope, i, row->offset + cause * sizeof(uint64_t)));
	}
}

/* Every worker that should be there may give it sessions. */
static bool is_up(const struct counters_map *map, unsigned int slot, size_t offset)
{
	uint64_t n_workers = counters_read(&map->supervisor.workers_configured);
	unsigned int w;

	for (w = 0; w < map->n_workers && w < n_workers; w++)
		if (!word_at(part(map, SCOPE_SERVER, w, slot), offset))
			return false;
	return true;
}

static void add_slots(struct text *t, const struct counters_map *map, const struct row *row)
{
	const struct counters_slot *slots = row->scope == SCOPE_LISTENER ? map->listeners :
					    row->scope == SCOPE_POOL	 ? map->pools :
									   map->servers;
	unsigned int len = row->scope == SCOPE_LISTENER ? COUNTERS_LISTENERS_MAX :
			   row->scope == SCOPE_POOL	? COUNTERS_POOLS_MAX :
							  COUNTERS_SERVERS_MAX;
	unsigned int i;

	for (i = 0; i < len; i++) {
		const struct counters_slot *slot = &slots[i];

		/* slot 0, "other": its first member is a total that nothing counts without */
		if (i ? slot->state == COUNTERS_SLOT_FREE : !sum(map, row->scope, 0, 0))
			continue;
		/* of a name that is gone only what was counted goes on */
		if (slot->state == COUNTERS_SLOT_OLD && row->kind == KIND_UP)
			continue;
		if (row->kind == KIND_HIST) {
			add_hist(t, &(struct series){ .map = map, .row = row, .slot = slot, .i = i });
			continue;
		}
		if (row->kind == KIND_ENDS) {
			add_ends(t, map, row, slot, i);
			continue;
		}
		text_add(t, "%s{", row->name);
		add_labels(t, row, slot);
		if (row->kind == KIND_UP)
			text_add(t, "} %d\n", is_up(map, i, row->offset));
		else
			text_add(t, "} %" PRIu64 "\n", sum(map, row->scope, i, row->offset));
	}
}

static void add_info(struct text *t, const struct metrics_view *view, const struct row *row)
{
	text_add(t, "%s{", row->name);
	add_label(t, "version", view->version, 64);
	text_add(t, ",");
	add_label(t, "stack", view->stack, 16);
	text_add(t, ",");
	add_label(t, "kernel_release", view->kernel_release, 64);
	text_add(t, "} 1\n");
}

static void add_stack(struct text *t, const struct counters_map *map, const struct row *row)
{
	unsigned int w, i;

	for (w = 0; w < map->n_workers; w++) {
		const struct counters_stack *stack = &map->workers[w].stack;

		if (!counters_read(&stack->samples_total))
			continue;
		if (row->kind != KIND_DROPS) {
			text_add(t, "%s{worker=\"%u\"} %" PRIu64 "\n", row->name, w, word_at(stack, row->offset));
			continue;
		}
		for (i = 0; i < sizeof(drops) / sizeof(drops[0]); i++)
			text_add(t, "%s{worker=\"%u\",direction=\"%s\",reason=\"%s\"} %" PRIu64 "\n", row->name, w,
				 drops[i].direction, drops[i].reason, word_at(stack, drops[i].offset));
	}
}

void metrics_render(struct text *t, const struct metrics_view *view)
{
	const struct counters_map *map = view->map;
	unsigned int i, w;

	for (i = 0; i < N_ROWS; i++) {
		const struct row *row = &rows[i];

		text_add(t, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
			 type_names[row->kind]);
		if (row->kind == KIND_INFO) {
			add_info(t, view, row);
		} else if (row->scope == SCOPE_SUPERVISOR) {
			text_add(t, "%s %" PRIu64 "\n", row->name, word_at(&map->supervisor, row->offset));
		} else if (row->scope == SCOPE_WORKER) {
			for (w = 0; w < map->n_workers; w++)
				if (counters_read(&map->workers[w].all.starts))
					text_add(t, "%s{worker=\"%u\"} %" PRIu64 "\n", row->name, w,
						 word_at(&map->workers[w].all, row->offset));
		} else if (row->scope == SCOPE_STACK) {
			add_stack(t, map, row);
		} else if (row->scope == SCOPE_CC) {
			add_cc(t, map, row);
		} else {
			add_slots(t, map, row);
		}
	}
}
