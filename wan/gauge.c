// SPDX-License-Identifier: GPL-2.0-only
/*
 * gauge.c - wires that make frames and measure those that come
 *
 * Frames are due one every interval_ns; the driver takes those that are due as a burst, each with its number and the time
 * at which it was taken. A timer descriptor wakes the vCPU when it sleeps. What arrives at the other gauge is counted, its delay
 * summed.
 *
 * Three runs, both directions at once:
 *
 *	delay	small frames, far apart: nothing queues
 *	loss	small frames at half the rate at most, as many as make 2000 losses, or a million
 *	rate	full frames, half again as many as would pass; from the moment when the buffer is full
 *
 * A trace has no one value: rates are held against the trace's mean over the time measured, and delay against the first step.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <lkl/lkl.h>

#include "gauge.h"

#define SLOTS 256u
#define SMALL_BYTES 100u
#define MAGIC 0x6c6b6c77u
#define WAKE_NS 200000
#define POISSON_FRAMES 6000.0
#define SECONDS_MAX 25.0

struct payload {
	uint8_t to[6], from[6];
	uint16_t type; /* 0x88b5: for local experiments */
	uint8_t pad[2];
	uint32_t magic, run;
	uint64_t number;
	int64_t sent_ns;
};

struct gauge {
	struct lkl_wire wire;
	struct lkl_wire_stats stats;
	int timer_fd;
	/* what to send */
	uint32_t run, frame_bytes;
	uint64_t left, sent;
	double interval_ns, due_ns;
	uint32_t head, tail; /* described and not released: tail .. head */
	/* what came */
	uint64_t received, received_bytes, reordered, next_number;
	double delay_sum_ns;
	int64_t delay_min_ns, delay_max_ns, count_from_ns, first_ns, last_ns;
	uint8_t frames[SLOTS][2048] __attribute__((aligned(64)));
};

static struct gauge *gauge_of(struct lkl_wire *w)
{
	return (struct gauge *)w;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* ---- the wire ---- */

static int rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct gauge *g = gauge_of(w);
	uint64_t ticks;

	if (g->left && (double)now() >= g->due_ns && g->head - g->tail < SLOTS)
		return 1;
	if (read(g->timer_fd, &ticks, sizeof(ticks)) < 0)
		return 0;
	return 0;
}

static int rx_burst(struct lkl_wire *w, uint32_t queue,
		    struct lkl_rx_frame *frames, uint32_t max)
{
	struct gauge *g = gauge_of(w);
	const int64_t t = now();
	uint32_t n = 0;

	while (n < max && g->left && (double)t >= g->due_ns &&
	       g->head - g->tail < SLOTS) {
		uint8_t *data = g->frames[g->head++ % SLOTS];
		struct payload *p =
			(void *)(data +
				 2); /* so that what follows the Ethernet header is aligned */

		*p = (struct payload){ .to = { 2, 0, 0, 0, 0, 1 },
				       .from = { 2, 0, 0, 0, 0, 2 },
				       .type = __builtin_bswap16(0x88b5),
				       .magic = MAGIC,
				       .run = g->run,
				       .number = g->sent++,
				       .sent_ns = t };
		frames[n] = (struct lkl_rx_frame){
			.data = p,
			.len = g->frame_bytes,
			.head_len = (uint16_t)g->frame_bytes
		};
		n++;
		g->left--;
		g->due_ns += g->interval_ns;
	}
	g->stats.rx_frames_total += n;
	g->stats.rx_bytes_total += (uint64_t)n * g->frame_bytes;
	return (int)n;
}

static int rx_fetch(struct lkl_wire *w, uint32_t queue,
		    const struct lkl_iov *iov, uint32_t iov_len,
		    struct lkl_vnet_hdr *vnet)
{
	return -EINVAL; /* every frame is whole */
}

static void rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	gauge_of(w)->tail += n;
}

static int tx(struct lkl_wire *w, uint32_t queue,
	      const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
	      uint32_t iov_len, uint32_t len)
{
	struct gauge *g = gauge_of(w);
	struct payload p;
	size_t got = 0;
	uint32_t i;
	int64_t t, delay;

	g->stats.tx_frames_total++;
	g->stats.tx_bytes_total += len;
	for (i = 0; i < iov_len && got < sizeof(p); i++) {
		const size_t part = iov[i].len < sizeof(p) - got ?
					    iov[i].len :
					    sizeof(p) - got;

		memcpy((char *)&p + got, iov[i].base, part);
		got += part;
	}
	if (got < sizeof(p) || p.magic != MAGIC || p.run != g->run)
		return 0;
	t = now();
	delay = t - p.sent_ns;
	g->delay_sum_ns += (double)delay;
	g->delay_min_ns = delay < g->delay_min_ns ? delay : g->delay_min_ns;
	g->delay_max_ns = delay > g->delay_max_ns ? delay : g->delay_max_ns;
	g->reordered += p.number < g->next_number;
	g->next_number = p.number + 1;
	g->received++;
	if (t < g->count_from_ns)
		return 0;
	if (g->first_ns)
		g->received_bytes += len;
	else
		g->first_ns = t;
	g->last_ns = t;
	return 0;
}

static int tx_ready(struct lkl_wire *w, uint32_t queue)
{
	return 1;
}

static void kick(struct lkl_wire *w, uint32_t queue)
{
}

static int wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return gauge_of(w)->timer_fd;
}

static void tend(struct lkl_wire *w, uint32_t queue)
{
}

static void gauge_close(struct lkl_wire *w)
{
	close(gauge_of(w)->timer_fd);
	free(w);
}

static const struct lkl_wire_ops gauge_ops = {
	.name = "gauge",
	.rx_ready = rx_ready,
	.rx_burst = rx_burst,
	.rx_fetch = rx_fetch,
	.rx_release = rx_release,
	.tx = tx,
	.tx_ready = tx_ready,
	.kick = kick,
	.wait_fd = wait_fd,
	.tend = tend,
	.close = gauge_close,
};

int gauge_open(struct lkl_wire **out)
{
	static uint8_t number;
	struct gauge *g = aligned_alloc(64, (sizeof(*g) + 63) & ~63ul);

	if (!g)
		return -ENOMEM;
	memset(g, 0, sizeof(*g));
	g->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (g->timer_fd < 0) {
		free(g);
		return -errno;
	}
	g->wire.ops = &gauge_ops;
	g->wire.stats = &g->stats;
	g->wire.queues = 1;
	g->wire.mtu = g->wire.mtu_max = 1500;
	g->wire.mac[0] = 2;
	g->wire.mac[5] = (uint8_t)(0x10 + number++);
	*out = &g->wire;
	return 0;
}

/* ---- runs ---- */

/* `wire` sends `count` frames, one every interval_ns from from_ns on; `sink` counts those that come from count_from_ns on. */
static void run_start(struct gauge *from, struct gauge *sink, uint32_t run,
		      uint64_t count, uint32_t bytes, double interval_ns,
		      int64_t from_ns, int64_t count_from_ns)
{
	const struct itimerspec tick = { .it_interval.tv_nsec = WAKE_NS,
					 .it_value.tv_nsec = WAKE_NS };

	from->run = run;
	from->frame_bytes = bytes;
	from->sent = 0;
	from->interval_ns = interval_ns;
	from->due_ns = (double)from_ns;
	from->left = count;
	sink->run = run;
	sink->received = sink->received_bytes = sink->reordered =
		sink->next_number = 0;
	sink->delay_sum_ns = 0;
	sink->delay_min_ns = INT64_MAX;
	sink->delay_max_ns = 0;
	sink->count_from_ns = count_from_ns;
	sink->first_ns = sink->last_ns = 0;
	timerfd_settime(from->timer_fd, 0, &tick, NULL);
}

static void wait_until(int64_t end_ns)
{
	while (now() < end_ns)
		lkl_sys_nanosleep_ns(end_ns - now() < 50000000 ?
					     end_ns - now() + 1 :
					     50000000);
}

static void run_stop(struct gauge *from)
{
	const struct itimerspec never = { 0 };

	from->left = 0;
	timerfd_settime(from->timer_fd, 0, &never, NULL);
}

struct measured {
	double delay_ms, delay_min_ms, delay_max_ms, rate_bps, loss, loss_error;
	uint64_t frames;
};

/* Mean of the trace between two moments after its begin. */
static double trace_rate(const struct scenario_path *path, int64_t from_ns,
			 int64_t to_ns)
{
	double sum = 0;
	int64_t t, next, cycle = path->repeat_ns;

	if (!path->steps_len || to_ns <= from_ns)
		return (double)path->rate_bps;
	for (t = from_ns; t < to_ns; t = next) {
		const int64_t in = cycle ? t % cycle : t;
		double rate = (double)path->rate_bps;
		uint32_t i;

		next = cycle ? t - in + cycle : to_ns;
		for (i = 0; i < path->steps_len; i++) {
			if (path->steps[i].at_ns > in) {
				next = t - in + path->steps[i].at_ns;
				break;
			}
			if (path->steps[i].has & SCENARIO_STEP_RATE)
				rate = (double)path->steps[i].rate_bps;
		}
		next = next > to_ns ? to_ns : next;
		sum += rate * (double)(next - t);
	}
	return sum / (double)(to_ns - from_ns);
}

/* What is asked, as far as it is one value. */
static double asked_delay_ms(const struct scenario_path *path)
{
	const bool has_step = path->steps_len &&
			      path->steps[0].has & SCENARIO_STEP_DELAY;
	double ns =
		(double)(has_step ? path->steps[0].delay_ns : path->delay_ns);

	/* A frame waits for the next slot of a Poisson link, on average one interval. */
	if (path->is_poisson)
		ns += SCENARIO_FRAME_BYTES * 8e9 / (double)path->rate_bps;
	return ns / 1e6;
}

static double loss_frames(const struct scenario_path *path)
{
	/* Losses in a row are one event: more of them are needed. */
	return path->loss > 0 ?
		       fmin(fmax(2000 * path->loss_burst / path->loss, 20000),
			    1e6) :
		       10000;
}

static double loss_interval_ns(const struct scenario_path *path)
{
	const double rate = path->rate_bps ? (double)path->rate_bps / 2 : 1e9;
	double floor_bps = rate;
	uint32_t i;

	for (i = 0; i < path->steps_len; i++)
		if (path->steps[i].has & SCENARIO_STEP_RATE)
			floor_bps = fmin(floor_bps,
					 (double)path->steps[i].rate_bps / 2);
	/* A Poisson link's buffer counts frames of any size, those under way too: keep it half empty. */
	if (path->is_poisson) {
		const double limit =
			path->buffer_bytes / (double)SCENARIO_FRAME_BYTES +
			(double)path->delay_ns * rate * 2 / 8e9 /
				SCENARIO_FRAME_BYTES;

		return fmax(SMALL_BYTES * 8e9 / floor_bps,
			    (double)path->delay_ns / limit * 2.5);
	}
	return fmax(SMALL_BYTES * 8e9 / floor_bps, 10000);
}

static int print_path(FILE *out, const struct scenario *s, const char *name,
		      const struct scenario_path *path,
		      const struct measured *m, double rate_asked, int is_json)
{
	const double delay = asked_delay_ms(path),
		     delay_error = m->delay_ms - delay;
	const double rate_error =
		rate_asked > 0 ? (m->rate_bps / rate_asked - 1) * 100 : 0;
	const double loss_error = path->loss > 0 ?
					  (m->loss / path->loss - 1) * 100 :
					  m->loss * 100;
	/* A million frames of a small loss, or losses in a row, cannot tell more than this (two standard deviations). */
	const double loss_noise =
		m->loss_error > 0 ? 200 * m->loss_error / path->loss : 0;
	const bool is_rate_ok = fabs(rate_error) <= 3,
		   is_loss_ok = fabs(loss_error) <= 10;
	/* A drawn delay has a mean of its own; it must stay within what was asked for. */
	const bool is_delay_ok =
		path->jitter_ns ?
			m->delay_min_ms >=
					delay - (double)path->jitter_ns / 1e6 -
						1 &&
				m->delay_max_ms <=
					delay + (double)path->jitter_ns / 1e6 +
						1 :
		path->is_poisson ?
			fabs(delay_error) <=
				1 + (delay - (double)path->delay_ns / 1e6) / 2 :
			fabs(delay_error) <= 1;

	if (is_json)
		fprintf(out,
			"{\"scenario\": \"%s\", \"direction\": \"%s\", \"rate_asked_bps\": %.0f, \"rate_bps\": %.0f, "
			"\"delay_asked_ms\": %.3f, \"delay_ms\": %.3f, \"delay_min_ms\": %.3f, \"delay_max_ms\": %.3f, "
			"\"loss_asked\": %.6f, \"loss\": %.6f, \"loss_frames\": %llu, \"ok\": %s}\n",
			s->name, name, rate_asked, m->rate_bps, delay,
			m->delay_ms, m->delay_min_ms, m->delay_max_ms,
			path->loss, m->loss, (unsigned long long)m->frames,
			is_rate_ok && is_delay_ok && is_loss_ok ? "true" :
								  "false");
	else
		fprintf(out,
			"%-18s %-4s rate %8.2f of %8.2f Mbit/s %+5.1f %%%s  delay %7.2f of %7.2f ms (%.2f .. %.2f)%s  "
			"loss %7.4f of %7.4f %% %+5.1f %% (noise %.0f %%)%s\n",
			s->name, name, m->rate_bps / 1e6, rate_asked / 1e6,
			rate_error, is_rate_ok ? "" : " MISSED", m->delay_ms,
			delay, m->delay_min_ms, m->delay_max_ms,
			is_delay_ok ? "" : " MISSED", m->loss * 100,
			path->loss * 100, loss_error, loss_noise,
			is_loss_ok ? "" : " MISSED");
	return !is_rate_ok + !is_delay_ok + !is_loss_ok;
}

int gauge_calibrate(struct lkl_wire *a, struct lkl_wire *b,
		    const struct scenario *s, int is_json, FILE *out)
{
	struct gauge *const ends[2] = { gauge_of(a), gauge_of(b) };
	const struct scenario_path *const paths[2] = { &s->up, &s->down };
	static const char *const names[2] = { "up", "down" };
	struct measured m[2] = { 0 };
	double rate_asked[2] = { 0 }, longest = 0;
	const int64_t begin_ns = now();
	int64_t t, tail_ns, warm_ns;
	int i, missed = 0;

	tail_ns = (s->up.delay_ns > s->down.delay_ns ? s->up.delay_ns :
						       s->down.delay_ns) *
			  2 +
		  500000000;

	/* delay */
	t = now() + 1000000;
	for (i = 0; i < 2; i++)
		run_start(ends[i], ends[!i], 1, 150, SMALL_BYTES, 10e6, t, 0);
	wait_until(t + 1500000000 + tail_ns);
	for (i = 0; i < 2; i++) {
		const struct gauge *sink = ends[!i];

		run_stop(ends[i]);
		m[i].delay_ms = sink->received ?
					sink->delay_sum_ns /
						(double)sink->received / 1e6 :
					0;
		m[i].delay_min_ms =
			sink->received ? (double)sink->delay_min_ns / 1e6 : 0;
		m[i].delay_max_ms = (double)sink->delay_max_ns / 1e6;
	}

	/* loss */
	t = now() + 1000000;
	for (i = 0; i < 2; i++) {
		const double frames =
			fmin(loss_frames(paths[i]),
			     SECONDS_MAX * 1e9 / loss_interval_ns(paths[i]));

		run_start(ends[i], ends[!i], 2, (uint64_t)frames, SMALL_BYTES,
			  loss_interval_ns(paths[i]), t, 0);
		longest = fmax(longest, frames * loss_interval_ns(paths[i]));
	}
	wait_until(t + (int64_t)longest + tail_ns);
	for (i = 0; i < 2; i++) {
		run_stop(ends[i]);
		m[i].frames = ends[i]->sent;
		m[i].loss = ends[i]->sent ?
				    1 - (double)ends[!i]->received /
						    (double)ends[i]->sent :
				    0;
		if (paths[i]->loss > 0)
			m[i].loss_error = sqrt(paths[i]->loss *
					       (2 * paths[i]->loss_burst - 1) /
					       (double)m[i].frames);
	}

	/* rate */
	warm_ns = tail_ns + 200000000;
	longest = 3;
	for (i = 0; i < 2; i++)
		if (paths[i]->is_poisson)
			longest = fmax(longest,
				       fmin(POISSON_FRAMES *
						    SCENARIO_FRAME_BYTES * 8 /
						    (double)paths[i]->rate_bps,
					    SECONDS_MAX));
		else if (paths[i]->repeat_ns)
			longest = fmax(longest,
				       fmin((double)paths[i]->repeat_ns / 1e9,
					    60));
	t = now() + 1000000;
	for (i = 0; i < 2; i++) {
		double rate = (double)paths[i]->rate_bps;
		uint32_t k;

		for (k = 0; k < paths[i]->steps_len; k++)
			if (paths[i]->steps[k].has & SCENARIO_STEP_RATE)
				rate = fmax(
					rate,
					(double)paths[i]->steps[k].rate_bps);
		if (rate > 0)
			run_start(ends[i], ends[!i], 3, UINT64_MAX,
				  SCENARIO_FRAME_BYTES,
				  SCENARIO_FRAME_BYTES * 8e9 / rate / 1.5 *
					  fmax(1 - paths[i]->loss, 0.1),
				  t, t + warm_ns);
	}
	wait_until(t + warm_ns + (int64_t)(longest * 1e9));
	for (i = 0; i < 2; i++) {
		const struct gauge *sink = ends[!i];

		run_stop(ends[i]);
		if (!paths[i]->rate_bps)
			continue;
		if (sink->last_ns > sink->first_ns)
			m[i].rate_bps =
				(double)sink->received_bytes * 8e9 /
				(double)(sink->last_ns - sink->first_ns);
		rate_asked[i] = trace_rate(paths[i], sink->first_ns - begin_ns,
					   sink->last_ns - begin_ns);
	}
	for (i = 0; i < 2; i++)
		missed += print_path(out, s, names[i], paths[i], &m[i],
				     rate_asked[i], is_json);
	fflush(out);
	return missed;
}
