// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_metrics.c - the exposition is what its format allows, and says what was counted
 *
 * usage: test_metrics OPERATIONS_MD
 *
 * A strict parser of the text format 0.0.4: HELP and TYPE once and before the samples, families in
 * one piece, names and labels of the allowed characters, no series twice, histograms cumulative
 * with +Inf equal to _count. docs/operations.md lists the same families as the code.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics.h"
#include "text.h"

static const char *doc_path;
static char buf[4 << 20];

/* ---- parser ---- */

struct series {
	char id[512]; /* name{labels} */
	double value;
};

struct parsed {
	unsigned int n_families, n_series;
	char families[256][64], types[256][16];
	struct series series[20000];
};

static struct parsed parsed;

static const char *take_name(const char *p, char *name, size_t size, bool is_label)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*p) && *p != '_' && (is_label || *p != ':'))
		return NULL;
	while (isalnum((unsigned char)*p) || *p == '_' || (!is_label && *p == ':')) {
		if (n + 1 >= size)
			return NULL;
		name[n++] = *p++;
	}
	name[n] = '\0';
	return p;
}

/* {a="b",c="d"}; le is taken out into *le. */
static const char *take_labels(const char *p, char *le, size_t le_size)
{
	char name[64];
	size_t n;

	if (*p != '{')
		return p;
	p++;
	while (*p != '}') {
		p = take_name(p, name, sizeof(name), true);
		if (!p || p[0] != '=' || p[1] != '"')
			return NULL;
		p += 2;
		for (n = 0; *p != '"'; p++) {
			if (!*p || *p == '\n')
				return NULL;
			if (*p == '\\' && !strchr("\\\"n", *++p))
				return NULL;
			if (!strcmp(name, "le") && n + 1 < le_size)
				le[n++] = *p;
		}
		if (!strcmp(name, "le"))
			le[n] = '\0';
		p++;
		if (*p == ',')
			p++;
		else if (*p != '}')
			return NULL;
	}
	return p + 1;
}

/* Which family a sample belongs to: the last one, or one of a histogram's three names. */
static bool belongs(const char *name, const char *family, const char *type)
{
	size_t len = strlen(family);

	if (strcmp(type, "histogram"))
		return !strcmp(name, family);
	return !strncmp(name, family, len) &&
	       (!strcmp(name + len, "_bucket") || !strcmp(name + len, "_sum") || !strcmp(name + len, "_count"));
}

/* NULL, or the line that is wrong. */
static const char *parse(char *text)
{
	static char copy[512];
	char *line, *save = NULL, help[64] = "", name[64];
	double last_le = 0, last_count = 0;
	unsigned int i;

	memset(&parsed, 0, sizeof(parsed));
	if (!*text || text[strlen(text) - 1] != '\n')
		return "does not end with a newline";
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct series *s = &parsed.series[parsed.n_series];
		char le[32] = "", *end;
		const char *p;

		snprintf(copy, sizeof(copy), "%s", line);
		if (!strncmp(line, "# HELP ", 7)) {
			p = take_name(line + 7, help, sizeof(help), false);
			if (!p || *p != ' ' || !p[1])
				return copy;
			continue;
		}
		if (!strncmp(line, "# TYPE ", 7)) {
			p = take_name(line + 7, name, sizeof(name), false);
			if (!p || strcmp(name, help))
				return copy;
			if (strcmp(p, " counter") && strcmp(p, " gauge") && strcmp(p, " histogram"))
				return copy;
			for (i = 0; i < parsed.n_families; i++)
				if (!strcmp(parsed.families[i], name))
					return copy;
			strcpy(parsed.families[parsed.n_families], name);
			strcpy(parsed.types[parsed.n_families++], p + 1);
			if (!strcmp(p, " counter") != (strlen(name) > 6 && !strcmp(name + strlen(name) - 6, "_total")))
				return copy; /* what rises is named so, and nothing else */
			continue;
		}
		p = take_name(line, name, sizeof(name), false);
		if (!p || !parsed.n_families ||
		    !belongs(name, parsed.families[parsed.n_families - 1], parsed.types[parsed.n_families - 1]))
			return copy;
		p = take_labels(p, le, sizeof(le));
		if (!p || *p != ' ')
			return copy;
		snprintf(s->id, sizeof(s->id), "%.*s", (int)(p - line), line);
		s->value = strtod(p + 1, &end);
		if (end == p + 1 || *end)
			return copy;
		for (i = 0; i < parsed.n_series; i++)
			if (!strcmp(parsed.series[i].id, s->id))
				return copy;
		if (strstr(name, "_bucket")) {
			double bound = strcmp(le, "+Inf") ? strtod(le, &end) : 1e300;

			if (!le[0] || bound <= last_le || s->value < last_count)
				return copy;
			last_le = bound == 1e300 ? 0 : bound;
			last_count = s->value;
		} else {
			if (strlen(name) > 6 && !strcmp(name + strlen(name) - 6, "_count") &&
			    s->value != last_count)
				return copy;
			if (!strstr(name, "_sum"))
				last_count = 0;
		}
		if (strstr(name, "_bucket") && !strcmp(le, "+Inf")) {
			/* the sum comes next, then the count; the next series begins anew */
		}
		if (++parsed.n_series == sizeof(parsed.series) / sizeof(parsed.series[0]))
			return "too many series";
	}
	return NULL;
}

static double value_of(const char *id)
{
	unsigned int i;

	for (i = 0; i < parsed.n_series; i++)
		if (!strcmp(parsed.series[i].id, id))
			return parsed.series[i].value;
	fail_msg("no series %s", id);
	return 0;
}

static bool has(const char *id)
{
	unsigned int i;

	for (i = 0; i < parsed.n_series; i++)
		if (!strcmp(parsed.series[i].id, id))
			return true;
	return false;
}

/* ---- tests ---- */

static struct conf *conf_small(void)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	conf->n_listeners = 1;
	strcpy(conf->listeners[0].name, "web");
	conf->n_pools = 1;
	strcpy(conf->pools[0].name, "origin");
	conf->pools[0].n_servers = 2;
	strcpy(conf->pools[0].servers[0].name, "s1");
	strcpy(conf->pools[0].servers[1].name, "s2");
	return conf;
}

static void render(const struct counters_map *map)
{
	struct metrics_view view = { map, "0.1.0", "lkl", "6.12.1\"\\\n" };
	const char *wrong;
	struct text t;

	text_init(&t, buf, sizeof(buf));
	metrics_render(&t, &view);
	assert_false(t.is_cut);
	wrong = parse(buf);
	if (wrong)
		fail_msg("not the format: %s", wrong);
}

static void test_values(void **state)
{
	struct conf *conf = conf_small();
	struct counters_map *map = counters_new(3);
	struct counters_listener *l;
	unsigned int w;

	counters_assign(map, conf);
	counters_worker_begins(map, 0);
	counters_worker_begins(map, 1);
	for (w = 0; w < 2; w++) {
		l = counters_listener(map, w, "web");
		l->sessions_total = 10 + w;
		l->ends_total[LOG_CAUSE_TIMEOUT] = 2;
		hist_add(&l->duration, &hist_time_us, 150);
		hist_add(&l->duration, &hist_time_us, 1500000);
		hist_add(&l->bytes_up, &hist_bytes, 100);
		map->workers[w].all.sessions = w + 1;
	}
	counters_server(map, 0, "origin", "s1")->usable = 1;
	counters_server(map, 1, "origin", "s1")->usable = 2;
	counters_server(map, 0, "origin", "s2")->usable = 1;
	map->supervisor.workers_configured = 2;
	map->supervisor.reloads_total = 4;
	render(map);
	assert_true(has("accd_build_info{version=\"0.1.0\",stack=\"lkl\",kernel_release=\"6.12.1\\\"\\\\_\"}"));
	assert_true(value_of("accd_reloads_total") == 4);
	assert_true(value_of("accd_sessions_total{listener=\"web\"}") == 21);
	assert_true(value_of("accd_session_ends_total{listener=\"web\",cause=\"T\"}") == 4);
	assert_true(value_of("accd_session_duration_seconds_bucket{listener=\"web\",le=\"0.0001\"}") == 0);
	assert_true(value_of("accd_session_duration_seconds_bucket{listener=\"web\",le=\"0.00025\"}") == 2);
	assert_true(value_of("accd_session_duration_seconds_bucket{listener=\"web\",le=\"2.5\"}") == 4);
	assert_true(value_of("accd_session_duration_seconds_count{listener=\"web\"}") == 4);
	assert_float_equal(value_of("accd_session_duration_seconds_sum{listener=\"web\"}"), 3.0003, 1e-9);
	assert_true(value_of("accd_session_up_bytes_sum{listener=\"web\"}") == 200);
	assert_true(value_of("accd_server_up{pool=\"origin\",server=\"s1\"}") == 1);
	assert_true(value_of("accd_server_up{pool=\"origin\",server=\"s2\"}") == 0);
	assert_true(value_of("accd_worker_sessions{worker=\"1\"}") == 2);
	assert_false(has("accd_worker_sessions{worker=\"2\"}")); /* never started */
	assert_false(has("accd_wire_rx_frames_total{worker=\"0\"}")); /* the stack has none */
	assert_false(has("accd_sessions_total{listener=\"other\"}"));
	map->workers[0].listeners[0].sessions_total = 1;
	render(map);
	assert_true(has("accd_sessions_total{listener=\"other\"}"));
	counters_free(map);
	free(conf);
}

/* Of the workers that have a wire and a stack of their own. */
static void test_stack(void **state)
{
	struct counters_map *map = counters_new(2);
	struct counters_stack *stack = &map->workers[1].stack;

	*stack = (struct counters_stack){ .samples_total = 1, .wire_rx_frames_total = 5, .wire_rx_dropped_total = 6,
					  .wire_tx_down_total = 7, .wire_link_down = 1,
					  .tcp_retransmitted_segments_total = 8, .tcp_established = 9 };
	render(map);
	assert_true(value_of("accd_wire_rx_frames_total{worker=\"1\"}") == 5);
	assert_true(value_of("accd_wire_dropped_total{worker=\"1\",direction=\"rx\",reason=\"ring_full\"}") == 6);
	assert_true(value_of("accd_wire_dropped_total{worker=\"1\",direction=\"tx\",reason=\"link_down\"}") == 7);
	assert_true(value_of("accd_wire_link_down{worker=\"1\"}") == 1);
	assert_true(value_of("accd_stack_tcp_retransmitted_segments_total{worker=\"1\"}") == 8);
	assert_true(value_of("accd_stack_tcp_established{worker=\"1\"}") == 9);
	assert_false(has("accd_wire_rx_frames_total{worker=\"0\"}"));
	assert_false(has("accd_stack_tcp_established{worker=\"0\"}"));
	counters_free(map);
}

/* Each worker has places of its own; a name is one series. */
static void test_cc(void **state)
{
	struct counters_map *map = counters_new(3);
	struct counters_cc *cc;
	char name[COUNTERS_CC_NAME_BYTES + 1];

	counters_worker_begins(map, 0);
	render(map);
	assert_false(has("accd_cc_connections{"));
	cc = map->workers[0].cc;
	strcpy(cc[1].name, "cubic");
	strcpy(cc[2].name, "reno");
	cc[1].sides[0].connections = 5;
	cc[1].sides[0].connections_total = 7;
	cc[1].sides[1].retransmits_total = 3;
	hist_add(&cc[2].sides[1].srtt, &hist_rtt_us, 1000);
	cc = map->workers[2].cc;
	strcpy(cc[1].name, "bbr");
	strcpy(cc[2].name, "cubic");
	cc[2].sides[0].connections = 2;
	memset(cc[3].name, 'x', sizeof(cc[3].name)); /* without its NUL */
	assert_string_equal(counters_cc_name(map, 0, name), "cubic");
	assert_string_equal(counters_cc_name(map, 1, name), "reno");
	assert_string_equal(counters_cc_name(map, 2, name), "bbr");
	assert_int_equal(strlen(counters_cc_name(map, 3, name)), COUNTERS_CC_NAME_BYTES);
	assert_null(counters_cc_name(map, 4, name));
	render(map);
	assert_true(value_of("accd_cc_connections{cc=\"cubic\",side=\"client\"}") == 7);
	assert_true(value_of("accd_cc_connections_total{cc=\"cubic\",side=\"client\"}") == 7);
	assert_true(value_of("accd_cc_retransmits_total{cc=\"cubic\",side=\"server\"}") == 3);
	assert_true(value_of("accd_cc_srtt_seconds_count{cc=\"reno\",side=\"server\"}") == 1);
	assert_float_equal(value_of("accd_cc_srtt_seconds_sum{cc=\"reno\",side=\"server\"}"), 0.001, 1e-9);
	assert_true(value_of("accd_cc_connections{cc=\"bbr\",side=\"server\"}") == 0);
	assert_false(has("cc=\"other\""));
	map->workers[1].cc[0].sides[1].connections_total = 4;
	render(map);
	assert_true(value_of("accd_cc_connections_total{cc=\"other\",side=\"server\"}") == 4);
	/* the next process of the place goes on with its totals, and has nothing open */
	counters_worker_begins(map, 2);
	assert_true(counters_sum_cc(map, "cubic", 0, offsetof(struct counters_cc_side, connections)) == 5);
	counters_free(map);
}

/* Names cannot be like this; if a slot's memory were damaged, the format would hold. */
static void test_hostile_names(void **state)
{
	struct conf *conf = conf_small();
	struct counters_map *map = counters_new(1);

	counters_assign(map, conf);
	memset(map->listeners[1].name, '"', sizeof(map->listeners[1].name));
	strcpy(map->servers[1].name, "a\\b\"\n} 1\nevil 2");
	render(map);
	assert_false(has("evil"));
	counters_free(map);
	free(conf);
}

/* The parser is strict: what it must refuse. */
static void test_parser_refuses(void **state)
{
	static const char *const bad[] = {
		"# HELP a_total b\n# TYPE a_total counter\na_total 1", /* no newline */
		"a_total 1\n", /* no TYPE */
		"# TYPE a_total counter\na_total 1\n", /* no HELP */
		"# HELP a_total b\n# TYPE a_total counter\na_total 1\na_total 2\n", /* twice */
		"# HELP a_total b\n# TYPE a_total counter\na_total{x=1} 1\n",
		"# HELP a_total b\n# TYPE a_total counter\na_total{x=\"1} 1\n",
		"# HELP a_total b\n# TYPE a_total counter\na_total 1 x\n",
		"# HELP a b\n# TYPE a counter\na 1\n", /* a counter without _total */
		"# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n",
		"# HELP a b\n# TYPE a histogram\na_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\n",
		"# HELP a b\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 3\na_sum 1\na_count 2\n",
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(buf, bad[i]);
		if (!parse(buf))
			fail_msg("accepted: %s", bad[i]);
	}
}

/* "| `accd_sessions_total` | counter | ..." */
static void test_documented(void **state)
{
	struct metrics_family family;
	bool seen[256] = { false };
	unsigned int i, n = 0;
	char line[512], name[64], type[32];
	FILE *file;

	if (!doc_path)
		skip();
	file = fopen(doc_path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "| `accd_%50[a-z_]` | %20[a-z] |", name, type) != 2)
			continue;
		for (i = 0; metrics_family(i, &family); i++)
			if (!strcmp(family.name + 5, name))
				break;
		if (!metrics_family(i, &family))
			fail_msg("documented, but not there: accd_%s", name);
		if (seen[i])
			fail_msg("documented twice: accd_%s", name);
		if (strcmp(family.type, type))
			fail_msg("accd_%s: documented as %s, but a %s", name, type, family.type);
		seen[i] = true;
		n++;
	}
	fclose(file);
	for (i = 0; metrics_family(i, &family); i++)
		if (!seen[i])
			fail_msg("not in the table of %s: | `%s` | %s | %s |", doc_path, family.name, family.type,
				 family.help);
	assert_true(n > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_cc),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_parser_refuses),
		cmocka_unit_test(test_documented),
	};

	doc_path = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
