// SPDX-License-Identifier: GPL-2.0-only
/*
 * scenario.c - scenario files: sections, KEY = VALUE, units; and traces
 *
 *	name = broadband		# before the first section; seed = N, too
 *	[both]				# or [up], [down]; what comes later wins nothing: a key is set once
 *	rate = 50 Mbit
 *	buffer = 4 BDP
 *	delay = 25 ms
 *
 * A trace is lines of "SECONDS RATE DELAY LOSS", where - leaves a value as it is and the last two may be missing, in rising
 * order of time; a last line "repeat SECONDS" starts over. Nothing is guessed: numbers need their unit, and a key that is
 * unknown, set twice or does not go with another one is an error with its line.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

#define LINE_MAX_BYTES 512

struct parser {
	const char *file;
	unsigned int line;
	char *err;
	size_t err_len;
};

static int say(struct parser *p, const char *format, ...)
{
	va_list args;
	int n = snprintf(p->err, p->err_len, "%s:%u: ", p->file, p->line);

	va_start(args, format);
	if (n >= 0 && (size_t)n < p->err_len)
		vsnprintf(p->err + n, p->err_len - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

/* ---- values ---- */

struct unit {
	const char *name;
	double factor;
};

static const struct unit rate_units[] = { { "kbit", 1e3 },
					  { "Mbit", 1e6 },
					  { "Gbit", 1e9 },
					  { NULL, 0 } };
static const struct unit time_units[] = { { "us", 1e3 },
					  { "ms", 1e6 },
					  { "s", 1e9 },
					  { NULL, 0 } };
static const struct unit byte_units[] = { { "B", 1 },
					  { "kB", 1e3 },
					  { "MB", 1e6 },
					  { NULL, 0 } };
static const struct unit percent_units[] = { { "%", 0.01 }, { NULL, 0 } };

/* "NUMBER UNIT", digits and a point only: no sign, exponent, inf or nan. `index` may be NULL. */
static bool parse_unit(const char *text, const struct unit *units, double low,
		       double high, double *value, unsigned int *index)
{
	const size_t digits = strspn(text, "0123456789.");
	const char *unit = text + digits;
	unsigned int i;
	char *end;

	if (!digits || digits > 20)
		return false;
	*value = strtod(text, &end);
	if (end != unit)
		return false;
	while (*unit == ' ')
		unit++;
	for (i = 0; units[i].name; i++) {
		if (strcmp(unit, units[i].name))
			continue;
		*value *= units[i].factor;
		if (index)
			*index = i;
		return *value >= low && *value <= high;
	}
	return false;
}

static bool parse_rate(const char *text, uint64_t *bps)
{
	double v;

	if (!parse_unit(text, rate_units, 8000, (double)SCENARIO_RATE_MAX, &v,
			NULL))
		return false;
	*bps = (uint64_t)llround(v);
	return true;
}

static bool parse_time(const char *text, int64_t low, int64_t high, int64_t *ns)
{
	double v;

	if (!parse_unit(text, time_units, (double)low, (double)high, &v, NULL))
		return false;
	*ns = llround(v);
	return true;
}

#define RATE_WANTED "a rate from 8 kbit to 10 Gbit, e.g. 50 Mbit"
#define DELAY_WANTED "a time from 0 us to 10 s, e.g. 25 ms"
#define LOSS_WANTED "a percentage from 0 % to 100 %"

/* ---- traces ---- */

static int trace_step(struct parser *p, char *text, struct scenario_path *path)
{
	struct scenario_step step = { 0 };
	char *word[4] = { NULL }, *save, *end, *w;
	unsigned int n = 0;
	double seconds, v;

	for (w = strtok_r(text, " \t", &save); w && n < 4;
	     w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	if (w || n < 2)
		return say(
			p,
			"expected SECONDS RATE [DELAY [LOSS]], or repeat SECONDS");
	if (path->repeat_ns)
		return say(p, "\"%s\": expected nothing after \"repeat\"",
			   word[0]);
	if (!strcmp(word[0], "repeat"))
		word[0] = word[1];
	seconds = strtod(word[0], &end);
	if (strspn(word[0], "0123456789.") != strlen(word[0]) || *end ||
	    seconds > 1e6)
		return say(
			p,
			"time: \"%s\": expected seconds from 0 to 1000000, e.g. 1.5",
			word[0]);
	step.at_ns = llround(seconds * 1e9);
	if (path->steps_len ?
		    step.at_ns <= path->steps[path->steps_len - 1].at_ns :
		    step.at_ns != 0)
		return say(p, "time: \"%s\": expected %s", word[0],
			   path->steps_len ?
				   "a time after that of the line before" :
				   "0 in the first line");
	if (word[0] == word[1]) {
		if (n > 2)
			return say(p,
				   "repeat: expected nothing behind the time");
		path->repeat_ns = step.at_ns;
		return 0;
	}
	if (strcmp(word[1], "-")) {
		if (!parse_rate(word[1], &step.rate_bps))
			return say(p,
				   "rate: \"%s\": expected - or " RATE_WANTED
				   " without a space",
				   word[1]);
		step.has |= SCENARIO_STEP_RATE;
	}
	if (n > 2 && strcmp(word[2], "-")) {
		if (!parse_time(word[2], 0, SCENARIO_DELAY_MAX_NS,
				&step.delay_ns))
			return say(p,
				   "delay: \"%s\": expected - or " DELAY_WANTED
				   " without a space",
				   word[2]);
		step.has |= SCENARIO_STEP_DELAY;
	}
	if (n > 3 && strcmp(word[3], "-")) {
		if (!parse_unit(word[3], percent_units, 0, 1, &v, NULL))
			return say(p,
				   "loss: \"%s\": expected - or " LOSS_WANTED
				   " without a space",
				   word[3]);
		step.loss = v;
		step.has |= SCENARIO_STEP_LOSS;
	}
	if (path->steps_len == SCENARIO_STEPS_MAX)
		return say(p, "expected at most %u lines", SCENARIO_STEPS_MAX);
	if (!(path->steps_len & (path->steps_len - 1))) {
		struct scenario_step *steps = realloc(
			path->steps,
			sizeof(step) *
				(path->steps_len ? path->steps_len * 2 : 1));

		if (!steps)
			return -ENOMEM;
		path->steps = steps;
	}
	path->steps[path->steps_len++] = step;
	return 0;
}

/* Text of the next line that has any, without comment and spaces around; NULL: the end, or *ret. */
static char *next_line(struct parser *p, FILE *file, char *buf, int *ret)
{
	char *text, *end;

	while (fgets(buf, LINE_MAX_BYTES, file)) {
		p->line++;
		if (!strchr(buf, '\n') && !feof(file)) {
			*ret = say(
				p,
				"expected a line of at most %d bytes, without zeros",
				LINE_MAX_BYTES - 2);
			return NULL;
		}
		text = buf + strspn(buf, " \t");
		text[strcspn(text, "#\r\n")] = '\0';
		for (end = text + strlen(text);
		     end > text && isspace((unsigned char)end[-1]); end--)
			end[-1] = '\0';
		if (*text)
			return text;
	}
	*ret = ferror(file) ? say(p, "%s", strerror(errno)) : 0;
	return NULL;
}

static int trace_read(struct parser *from, const char *name,
		      struct scenario_path *path)
{
	const char *slash = strrchr(from->file, '/');
	const int dir_len =
		*name != '/' && slash ? (int)(slash - from->file + 1) : 0;
	char file_name[1024], buf[LINE_MAX_BYTES], *text;
	struct parser p = { .file = file_name,
			    .err = from->err,
			    .err_len = from->err_len };
	FILE *file;
	int ret = 0;

	if (snprintf(file_name, sizeof(file_name), "%.*s%s", dir_len,
		     from->file, name) >= (int)sizeof(file_name))
		return say(from, "trace: \"%s\": expected a shorter name",
			   name);
	file = fopen(file_name, "re");
	if (!file)
		return say(from, "trace: \"%s\": %s: %s", name, file_name,
			   strerror(errno));
	while (!ret && (text = next_line(&p, file, buf, &ret)))
		ret = trace_step(&p, text, path);
	fclose(file);
	if (!ret && !path->steps_len)
		ret = say(&p, "expected at least one line of SECONDS RATE");
	return ret;
}

/* ---- keys ---- */

enum key {
	RATE,
	ARRIVALS,
	QUEUE,
	BUFFER,
	BURST,
	DELAY,
	JITTER,
	JITTER_STEP,
	LOSS,
	LOSS_BURST,
	DUPLICATE,
	TRACE,
	KEYS
};

static const struct {
	const char *name, *wanted;
} keys[KEYS] = {
	[RATE] = { "rate", RATE_WANTED },
	[ARRIVALS] = { "arrivals", "constant or poisson" },
	[QUEUE] = { "queue", "droptail, fq_codel or police" },
	[BUFFER] = { "buffer",
		     "a size in BDP, packets, B, kB or MB, from one packet to 256 MB, e.g. 4 BDP" },
	[BURST] = { "burst", "a size from 1600 B to 16 MB, e.g. 15 kB" },
	[DELAY] = { "delay", DELAY_WANTED },
	[JITTER] = { "jitter", DELAY_WANTED },
	[JITTER_STEP] = { "jitter-step",
			  "a time from 1 ms to 10 s, e.g. 20 ms" },
	[LOSS] = { "loss", LOSS_WANTED },
	[LOSS_BURST] = { "loss-burst",
			 "a mean number of frames from 1 to 1000, e.g. 4 packets" },
	[DUPLICATE] = { "duplicate", LOSS_WANTED },
	[TRACE] = { "trace", "the name of a trace file" },
};

static bool set_key(struct scenario_path *path, enum key key, const char *value)
{
	static const struct unit buffer_units[] = {
		{ "BDP", 1 },  { "packets", 1 }, { "packet", 1 }, { "B", 1 },
		{ "kB", 1e3 }, { "MB", 1e6 },	 { NULL, 0 }
	};
	static const struct unit packet_units[] = { { "packets", 1 },
						    { "packet", 1 },
						    { NULL, 0 } };
	unsigned int i;
	double v;

	switch (key) {
	case RATE:
		return parse_rate(value, &path->rate_bps);
	case ARRIVALS:
		path->is_poisson = !strcmp(value, "poisson");
		return path->is_poisson || !strcmp(value, "constant");
	case QUEUE:
		path->queue = !strcmp(value, "police")	 ? SCENARIO_POLICE :
			      !strcmp(value, "fq_codel") ? SCENARIO_FQ_CODEL :
							   SCENARIO_DROPTAIL;
		return path->queue != SCENARIO_DROPTAIL ||
		       !strcmp(value, "droptail");
	case BUFFER:
		if (!parse_unit(value, buffer_units, 0.001, 256e6,
				&path->buffer, &i))
			return false;
		path->buffer_kind = i == 0 ? SCENARIO_BUFFER_BDP :
				    i < 3  ? SCENARIO_BUFFER_PACKETS :
					     SCENARIO_BUFFER_BYTES;
		return true;
	case BURST:
		if (!parse_unit(value, byte_units, 1600, 16e6, &v, NULL))
			return false;
		path->burst_bytes = (uint32_t)v;
		return true;
	case DELAY:
		return parse_time(value, 0, SCENARIO_DELAY_MAX_NS,
				  &path->delay_ns);
	case JITTER:
		return parse_time(value, 0, SCENARIO_DELAY_MAX_NS,
				  &path->jitter_ns);
	case JITTER_STEP:
		return parse_time(value, 1000000, 10000000000ll,
				  &path->jitter_step_ns);
	case LOSS:
		return parse_unit(value, percent_units, 0, 1, &path->loss,
				  NULL);
	case LOSS_BURST:
		return parse_unit(value, packet_units, 1, 1000,
				  &path->loss_burst, NULL);
	case DUPLICATE:
		return parse_unit(value, percent_units, 0, 1, &path->duplicate,
				  NULL);
	default:
		return *value;
	}
}

struct lines {
	unsigned int of[KEYS]; /* where a key was set; 0: not */
};

/* What one key cannot know. */
static int check_path(struct parser *p, struct scenario_path *path,
		      const struct lines *lines, int64_t rtt_ns)
{
	double bytes;
	unsigned int i;

#define WRONG(key, ...) (p->line = lines->of[key], say(p, __VA_ARGS__))
	for (i = 0; i < KEYS; i++)
		if (lines->of[i] && !path->rate_bps &&
		    (i == ARRIVALS || i == QUEUE || i == BUFFER || i == BURST))
			return WRONG(i, "%s: expected a rate with it",
				     keys[i].name);
	if (path->jitter_ns > path->delay_ns)
		return WRONG(JITTER, "jitter: expected at most the delay");
	if (lines->of[JITTER_STEP] && !lines->of[JITTER])
		return WRONG(JITTER_STEP,
			     "jitter-step: expected a jitter with it");
	if (lines->of[LOSS_BURST] && !lines->of[LOSS])
		return WRONG(LOSS_BURST, "loss-burst: expected a loss with it");
	if (path->is_poisson &&
	    (path->queue != SCENARIO_DROPTAIL || lines->of[BURST]))
		return WRONG(
			ARRIVALS,
			"arrivals: poisson goes with queue = droptail only, without a burst");
	if (path->queue == SCENARIO_POLICE && lines->of[BUFFER])
		return WRONG(BUFFER,
			     "buffer: a policer has none; expected burst");
	if (path->queue == SCENARIO_POLICE && !lines->of[BURST])
		return WRONG(
			QUEUE,
			"queue: police: expected a burst with it, e.g. 15 kB");
	for (i = 0; i < path->steps_len; i++) {
		if ((path->steps[i].has & SCENARIO_STEP_RATE) &&
		    (!path->rate_bps || path->is_poisson))
			return WRONG(
				TRACE,
				"trace: has rates: expected a rate to begin with, and arrivals = constant");
		if ((path->steps[i].has & SCENARIO_STEP_DELAY) &&
		    path->jitter_ns)
			return WRONG(
				TRACE,
				"trace: has delays: expected no jitter with it");
	}
	if (!path->rate_bps)
		return 0;
	bytes = path->buffer_kind == SCENARIO_BUFFER_PACKETS ?
			path->buffer * SCENARIO_FRAME_BYTES :
			path->buffer;
	if (path->queue == SCENARIO_POLICE)
		bytes = SCENARIO_FRAME_BYTES;
	else if (!lines->of[BUFFER])
		bytes = fmax((double)path->rate_bps * (double)rtt_ns / 8e9,
			     64 * SCENARIO_FRAME_BYTES);
	else if (path->buffer_kind == SCENARIO_BUFFER_BDP)
		bytes = path->buffer * (double)path->rate_bps * (double)rtt_ns /
			8e9;
	if (bytes < SCENARIO_FRAME_BYTES || bytes > 256e6)
		return WRONG(
			BUFFER,
			"buffer: that is %.0f bytes: expected one packet of %u to 256 MB",
			bytes, SCENARIO_FRAME_BYTES);
	path->buffer_bytes = (uint32_t)bytes;
	/* The bucket must hold what a wake-up that comes late would have sent. */
	if (!path->burst_bytes)
		path->burst_bytes = (uint32_t)fmax((double)path->rate_bps / 8e3,
						   2 * SCENARIO_FRAME_BYTES);
	return 0;
#undef WRONG
}

void scenario_init(struct scenario *s)
{
	*s = (struct scenario){ .name = "none", .seed = 1 };
	s->up.loss_burst = s->down.loss_burst = 1;
	s->up.jitter_step_ns = s->down.jitter_step_ns = 20000000;
}

void scenario_free(struct scenario *s)
{
	if (s->up.steps != s->down.steps)
		free(s->up.steps);
	free(s->down.steps);
	s->up.steps = s->down.steps = NULL;
}

static int set_global(struct parser *p, struct scenario *s, unsigned int *seen,
		      const char *key, const char *value)
{
	char *end;
	size_t i;

	if (!strcmp(key, "name")) {
		for (i = 0; isalnum((unsigned char)value[i]) ||
			    (value[i] && strchr("-_.", value[i]));
		     i++)
			;
		if (!i || value[i] || i >= sizeof(s->name))
			return say(
				p,
				"name: \"%s\": expected at most %zu letters, digits, - _ .",
				value, sizeof(s->name) - 1);
		if (*seen & 1)
			return say(p, "name: is set already");
		*seen |= 1;
		strcpy(s->name, value);
		return 0;
	}
	if (strcmp(key, "seed"))
		return say(
			p,
			"%s: no such key before the first section; expected name or seed",
			key);
	errno = 0;
	s->seed = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno)
		return say(p,
			   "seed: \"%s\": expected a number from 0 to 2^64 - 1",
			   value);
	if (*seen & 2)
		return say(p, "seed: is set already");
	*seen |= 2;
	return 0;
}

int scenario_read(const char *name, struct scenario *s, char *err,
		  size_t err_len)
{
	struct parser p = { .file = name, .err = err, .err_len = err_len };
	struct scenario_path *const paths[] = { &s->up, &s->down };
	static const char *const sections[] = { "[up]", "[down]", "[both]" };
	struct lines lines[2] = { 0 };
	unsigned int section = 0, seen = 0, i, k;
	char buf[LINE_MAX_BYTES], *text, *value, *end;
	FILE *file;
	int ret = 0;

	scenario_init(s);
	file = fopen(name, "re");
	if (!file) {
		ret = -errno;
		snprintf(err, err_len, "%s: %s", name, strerror(-ret));
		return ret;
	}
	while (!ret && (text = next_line(&p, file, buf, &ret))) {
		if (*text == '[') {
			for (i = 0; i < 3 && strcmp(text, sections[i]); i++)
				;
			section = i + 1;
			if (i == 3)
				ret = say(
					&p,
					"\"%s\": expected [up], [down] or [both]",
					text);
			continue;
		}
		value = strchr(text, '=');
		if (!value || value == text) {
			ret = say(&p,
				  "\"%s\": expected KEY = VALUE or a section",
				  text);
			continue;
		}
		for (end = value; end > text && isspace((unsigned char)end[-1]);
		     end--)
			;
		*end = '\0';
		value++;
		value += strspn(value, " \t");
		if (!section) {
			ret = set_global(&p, s, &seen, text, value);
			continue;
		}
		for (k = 0; k < KEYS && strcmp(text, keys[k].name); k++)
			;
		if (k == KEYS) {
			ret = say(
				&p,
				"%s: no such key; expected rate, arrivals, queue, buffer, burst, delay, jitter, "
				"jitter-step, loss, loss-burst, duplicate or trace",
				text);
			continue;
		}
		for (i = 0; !ret && i < 2; i++) {
			if (!(section & (i + 1)))
				continue;
			if (lines[i].of[k])
				ret = say(&p, "%s: is set already, in line %u",
					  text, lines[i].of[k]);
			else if (!set_key(paths[i], k, value))
				ret = say(&p, "%s: \"%s\": expected %s", text,
					  value, keys[k].wanted);
			else if (k == TRACE)
				ret = trace_read(&p, value, paths[i]);
			lines[i].of[k] = p.line;
		}
	}
	fclose(file);
	for (i = 0; !ret && i < 2; i++)
		ret = check_path(&p, paths[i], &lines[i],
				 s->up.delay_ns + s->down.delay_ns);
	return ret;
}
