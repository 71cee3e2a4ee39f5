// SPDX-License-Identifier: GPL-2.0-only
/*
 * gauge.c - wires that make frames and measure those that come
 *
 * Frames are due one every interval_ns; the driver takes those that are due as a burst, each with its number and the time
 * at which it was taken. A timer descriptor wakes the vCPU when it sleeps. What arrives at the other gauge is counted, its delay
 * summed.
 *
 * Runs, both directions at once:
 *
 *	delay	small frames, far apart: nothing queues
 *	rate	full frames, half again as many as would pass; from the moment when the buffer is full
 *	bucket	a policer only: three buckets of full frames at once
 *	loss	the path built anew without its bottleneck and, unless there is jitter, without its delay: small frames as fast as
 *		they go, so that there are enough. A share p of n frames is told to +- z sqrt((2b - 1)(1 - p) / (n p)) of itself,
 *		b frames lost in a row; n is such that the target is 3.3 standard deviations
 *
 * A trace has no one value: rate and loss are held against the trace's mean over the time measured, and delay against the first
 * step. Its loss is read from the counters of the rate run, in which frames come evenly. A Poisson link delays a frame by its
 * delay and by what the next slot takes to come; the shortest is held against the former.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
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
#define POISSON_FRAMES \
	12000.0 /* intervals are exponential: 0.9 % of the rate is one standard deviation */
#define SECONDS_MAX 270.0
#define LOSS_TARGET 0.1
#define LOSS_SIGMAS 3.3 /* one of a thousand right ones is called wrong */
#define LOSS_FRAMES_MIN 100000.0
/* So that the frames under way are fewer than netem's limit, also when the machine lets this process wait. */
#define JITTER_INTERVAL_NS 8000
#define LATE_NS 1000000
#define RATE_NS 4000000000ll
#define DELAY_TARGET_NS 1000000
#define DELAY_OUTSIDE \
	0.01 /* so many frames may be late for the machine's sake */
#define DELAY_NS 1500000000ll
#define DELAY_JITTER_NS 20000000000ll

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
	double late_ns; /* what is due for longer is due now */
	uint32_t head, tail; /* described and not released: tail .. head */
	/* what came */
	uint64_t received, received_bytes, reordered, next_number;
	double delay_sum_ns;
	int64_t delay_min_ns, delay_max_ns, count_from_ns, first_ns, last_ns;
	int64_t low_ns, high_ns; /* delays outside of these are counted */
	uint64_t outside;
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

	g->due_ns = fmax(g->due_ns, (double)t - g->late_ns);
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
	g->outside += delay < g->low_ns || delay > g->high_ns;
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
	from->late_ns = 1e18;
	from->left = count;
	sink->run = run;
	sink->received = sink->received_bytes = sink->reordered =
		sink->next_number = 0;
	sink->delay_sum_ns = 0;
	sink->delay_min_ns = INT64_MAX;
	sink->delay_max_ns = 0;
	sink->low_ns = 0;
	sink->high_ns = INT64_MAX;
	sink->outside = 0;
	sink->count_from_ns = count_from_ns;
	sink->first_ns = sink->last_ns = 0;
	timerfd_settime(from->timer_fd, 0, &tick, NULL);
}

static void run_stop(struct gauge *from)
{
	const struct itimerspec never = { 0 };

	from->left = 0;
	timerfd_settime(from->timer_fd, 0, &never, NULL);
}

struct measured {
	double delay_ms, delay_min_ms, delay_max_ms, delay_outside;
	double rate_bps, rate_asked_bps;
	double loss, loss_asked, loss_error; /* 95 %, of the loss asked */
	uint64_t loss_frames;
	uint64_t bucket_frames, bucket_asked;
};

struct calibration {
	const struct scenario *scenario;
	const struct scenario_path *paths[2]; /* up, down */
	struct gauge *ends[2];
	struct shaper *shapers; /* of paths[] */
	struct measured m[2];
	int64_t begin_ns, tail_ns;
	int error; /* of a step of a trace */
};

static void wait_until(struct calibration *c, int64_t end_ns)
{
	int64_t t, next_ns;
	int i, ret;

	while ((t = now()) < end_ns) {
		int64_t until_ns = end_ns;

		for (i = 0; i < 2; i++) {
			ret = shape_tick(&c->shapers[i], t, &next_ns);
			c->error = ret ? ret : c->error;
			until_ns = next_ns < until_ns ? next_ns : until_ns;
		}
		t = now();
		if (until_ns > t)
			lkl_sys_nanosleep_ns(until_ns - t);
	}
}

struct mean {
	double rate_bps, loss;
};

/* Means of the trace between two moments after its begin. */
static struct mean trace_mean(const struct scenario_path *path, int64_t from_ns,
			      int64_t to_ns)
{
	struct mean sum = { 0 };
	int64_t t, next, cycle = path->repeat_ns;

	if (!path->steps_len || to_ns <= from_ns)
		return (struct mean){ (double)path->rate_bps, path->loss };
	for (t = from_ns; t < to_ns; t = next) {
		const int64_t in = cycle ? t % cycle : t;
		double rate = (double)path->rate_bps, loss = path->loss;
		uint32_t i;

		next = cycle ? t - in + cycle : to_ns;
		for (i = 0; i < path->steps_len; i++) {
			if (path->steps[i].at_ns > in) {
				next = t - in + path->steps[i].at_ns;
				break;
			}
			if (path->steps[i].has & SCENARIO_STEP_RATE)
				rate = (double)path->steps[i].rate_bps;
			if (path->steps[i].has & SCENARIO_STEP_LOSS)
				loss = path->steps[i].loss;
		}
		next = next > to_ns ? to_ns : next;
		sum.rate_bps += rate * (double)(next - t);
		sum.loss += loss * (double)(next - t);
	}
	sum.rate_bps /= (double)(to_ns - from_ns);
	sum.loss /= (double)(to_ns - from_ns);
	return sum;
}

static bool has_loss_steps(const struct scenario_path *path)
{
	uint32_t i;

	for (i = 0; i < path->steps_len; i++)
		if (path->steps[i].has & SCENARIO_STEP_LOSS)
			return true;
	return false;
}

/* What is asked, as far as it is one value. */
static double asked_delay_ms(const struct scenario_path *path)
{
	const bool has_step = path->steps_len &&
			      path->steps[0].has & SCENARIO_STEP_DELAY;

	return (double)(has_step ? path->steps[0].delay_ns : path->delay_ns) /
	       1e6;
}

/* ---- the runs of a calibration ---- */

static void measure_delay(struct calibration *c)
{
	const int64_t from_ns = now() + 1000000;
	int64_t longest_ns = 0;
	int i;

	for (i = 0; i < 2; i++) {
		const int64_t ns = c->paths[i]->jitter_ns ? DELAY_JITTER_NS :
							    DELAY_NS;

		run_start(c->ends[i], c->ends[!i], 1, (uint64_t)ns / 10000000,
			  SMALL_BYTES, 10e6, from_ns, 0);
		if (c->paths[i]->jitter_ns) {
			const int64_t delay_ns =
				(int64_t)(asked_delay_ms(c->paths[i]) * 1e6);

			c->ends[!i]->low_ns = delay_ns -
					      c->paths[i]->jitter_ns -
					      DELAY_TARGET_NS;
			c->ends[!i]->high_ns = delay_ns +
					       c->paths[i]->jitter_ns +
					       DELAY_TARGET_NS;
		}
		longest_ns = ns > longest_ns ? ns : longest_ns;
	}
	wait_until(c, from_ns + longest_ns + c->tail_ns);
	for (i = 0; i < 2; i++) {
		const struct gauge *sink = c->ends[!i];
		struct measured *m = &c->m[i];

		run_stop(c->ends[i]);
		if (!sink->received)
			continue;
		m->delay_ms = sink->delay_sum_ns / (double)sink->received / 1e6;
		m->delay_outside =
			(double)sink->outside / (double)sink->received;
		m->delay_min_ms = (double)sink->delay_min_ns / 1e6;
		m->delay_max_ms = (double)sink->delay_max_ns / 1e6;
	}
}

static double rate_max(const struct scenario_path *path)
{
	double rate = (double)path->rate_bps;
	uint32_t i;

	for (i = 0; i < path->steps_len; i++)
		if (path->steps[i].has & SCENARIO_STEP_RATE)
			rate = fmax(rate, (double)path->steps[i].rate_bps);
	return rate;
}

static void measure_rate(struct calibration *c)
{
	const int64_t from_ns = now() + 1000000;
	const int64_t count_ns = from_ns + c->tail_ns + 200000000;
	struct shape_counts before[2], after;
	double longest_ns = RATE_NS;
	int i;

	for (i = 0; i < 2; i++) {
		const struct scenario_path *path = c->paths[i];
		const double rate = rate_max(path);
		const double interval_ns =
			SCENARIO_FRAME_BYTES * 8e9 / rate / 1.5;

		if (path->is_poisson)
			longest_ns =
				fmax(longest_ns, POISSON_FRAMES *
							 SCENARIO_FRAME_BYTES *
							 8e9 / rate);
		longest_ns = fmax(longest_ns, (double)path->repeat_ns);
		shape_counts(&c->shapers[i], &before[i]);
		if (rate > 0)
			run_start(c->ends[i], c->ends[!i], 3, UINT64_MAX,
				  SCENARIO_FRAME_BYTES,
				  interval_ns * fmax(1 - path->loss, 0.1),
				  from_ns, count_ns);
	}
	wait_until(c, count_ns + (int64_t)fmin(longest_ns, SECONDS_MAX * 1e9));
	for (i = 0; i < 2; i++) {
		const struct gauge *sink = c->ends[!i];
		const struct scenario_path *path = c->paths[i];
		const int64_t end_ns = now();
		struct measured *m = &c->m[i];
		const double asked = trace_mean(path,
						sink->first_ns - c->begin_ns,
						sink->last_ns - c->begin_ns)
					     .rate_bps;

		run_stop(c->ends[i]);
		if (rate_max(path) <= 0)
			continue;
		m->rate_asked_bps = asked;
		if (sink->last_ns > sink->first_ns)
			m->rate_bps = (double)sink->received_bytes * 8e9 /
				      (double)(sink->last_ns - sink->first_ns);
		if (!has_loss_steps(path) ||
		    shape_counts(&c->shapers[i], &after))
			continue;
		m->loss_asked = trace_mean(path, from_ns - c->begin_ns,
					   end_ns - c->begin_ns)
					.loss;
		m->loss_frames = c->ends[i]->sent;
		m->loss = (double)(after.lost_total - before[i].lost_total) /
			  (double)m->loss_frames;
	}
	wait_until(c, now() + c->tail_ns);
}

static void measure_bucket(struct calibration *c)
{
	const int64_t from_ns = now() + 100000000;
	bool is_any = false;
	int i;

	for (i = 0; i < 2; i++) {
		const struct scenario_path *path = c->paths[i];

		if (path->queue != SCENARIO_POLICE)
			continue;
		is_any = true;
		c->m[i].bucket_asked = path->burst_bytes / SCENARIO_FRAME_BYTES;
		run_start(c->ends[i], c->ends[!i], 4, c->m[i].bucket_asked * 3,
			  SCENARIO_FRAME_BYTES, 0, from_ns, 0);
	}
	if (!is_any)
		return;
	wait_until(c, from_ns + c->tail_ns);
	for (i = 0; i < 2; i++) {
		if (c->m[i].bucket_asked) {
			run_stop(c->ends[i]);
			c->m[i].bucket_frames = c->ends[!i]->received;
		}
	}
}

static int measure_loss(struct calibration *c)
{
	const struct sched_param param = { 0 };
	struct scenario_path lifted[2];
	int64_t from_ns;
	int i, ret = 0;

	for (i = 0; i < 2 && !ret; i++) {
		const struct shaper was = c->shapers[i];

		lifted[i] = *c->paths[i];
		lifted[i].rate_bps = 0;
		lifted[i].is_poisson = false;
		lifted[i].steps_len = 0;
		if (!lifted[i].jitter_ns)
			lifted[i].delay_ns = 0;
		ret = shape_end(&was);
		if (!ret)
			ret = shape_begin(&c->shapers[i], &lifted[i],
					  was.ifindex, was.mtu,
					  c->scenario->seed * 2 +
						  (unsigned int)i);
	}
	if (ret)
		return ret;
	/* Time does not matter here, and the CPU is busy meanwhile: no reason to keep others from it. */
	sched_setscheduler(0, SCHED_OTHER, &param);
	from_ns = now() + 1000000;
	for (i = 0; i < 2; i++) {
		const double p = lifted[i].loss;
		const double need = p > 0 ? (2 * lifted[i].loss_burst - 1) *
						    (1 - p) / p * LOSS_SIGMAS *
						    LOSS_SIGMAS / LOSS_TARGET /
						    LOSS_TARGET :
					    0;

		run_start(c->ends[i], c->ends[!i], 2,
			  (uint64_t)fmax(need, LOSS_FRAMES_MIN), SMALL_BYTES,
			  lifted[i].jitter_ns ? JITTER_INTERVAL_NS : 0, from_ns,
			  0);
		c->ends[i]->late_ns = LATE_NS;
	}
	while ((c->ends[0]->left || c->ends[1]->left) &&
	       now() < from_ns + (int64_t)(SECONDS_MAX * 1e9))
		wait_until(c, now() + 20000000);
	wait_until(c, now() + c->tail_ns);
	for (i = 0; i < 2; i++) {
		struct measured *m = &c->m[i];
		const double p = lifted[i].loss;

		run_stop(c->ends[i]);
		if (has_loss_steps(c->paths[i]))
			continue;
		m->loss_asked = p;
		m->loss_frames = c->ends[i]->sent;
		m->loss = m->loss_frames ?
				  1 - (double)c->ends[!i]->received /
						  (double)m->loss_frames :
				  0;
		if (p > 0)
			m->loss_error =
				1.96 *
				sqrt((2 * lifted[i].loss_burst - 1) * (1 - p) /
				     p / (double)m->loss_frames);
	}
	/* The shapers must not point here. */
	for (i = 0; i < 2; i++)
		c->shapers[i].path = c->paths[i];
	return 0;
}

/* ---- what it comes to ---- */

static int print_path(const struct calibration *c, int i, bool is_json,
		      FILE *out)
{
	static const char *const names[2] = { "up", "down" };
	const struct scenario_path *path = c->paths[i];
	const struct measured *m = &c->m[i];
	const double delay = asked_delay_ms(path);
	const double delay_error =
		(path->is_poisson ? m->delay_min_ms : m->delay_ms) - delay;
	const double rate_error =
		m->rate_asked_bps > 0 ?
			(m->rate_bps / m->rate_asked_bps - 1) * 100 :
			0;
	const double loss_error =
		m->loss_asked > 0 ? (m->loss / m->loss_asked - 1) * 100 : 0;
	const bool is_rate_ok = fabs(rate_error) <= 3;
	/* Where no loss is asked for there is none. */
	const bool is_loss_ok = m->loss_asked > 0 ?
					fabs(loss_error) <= LOSS_TARGET * 100 :
					m->loss <= 0;
	/* What is drawn must also stay within what was asked for. */
	const bool is_delay_ok = m->delay_ms > 0 &&
				 fabs(delay_error) <= DELAY_TARGET_NS / 1e6 &&
				 m->delay_outside <= DELAY_OUTSIDE;
	const bool is_bucket_ok = m->bucket_frames >= m->bucket_asked &&
				  m->bucket_frames <= m->bucket_asked + 2;

	if (is_json)
		fprintf(out,
			"{\"scenario\": \"%s\", \"direction\": \"%s\", \"rate_asked_bps\": %.0f, \"rate_bps\": %.0f, "
			"\"delay_asked_ms\": %.3f, \"delay_ms\": %.3f, \"delay_min_ms\": %.3f, \"delay_max_ms\": %.3f, "
			"\"loss_asked\": %.6f, \"loss\": %.6f, \"loss_error_percent\": %.2f, \"loss_ci95_percent\": %.2f, "
			"\"loss_frames\": %llu, \"bucket_asked_frames\": %llu, \"bucket_frames\": %llu, "
			"\"is_poisson\": %s, \"ok\": %s}\n",
			c->scenario->name, names[i], m->rate_asked_bps,
			m->rate_bps, delay, m->delay_ms, m->delay_min_ms,
			m->delay_max_ms, m->loss_asked, m->loss, loss_error,
			m->loss_error * 100, (unsigned long long)m->loss_frames,
			(unsigned long long)m->bucket_asked,
			(unsigned long long)m->bucket_frames,
			path->is_poisson ? "true" : "false",
			is_rate_ok && is_delay_ok && is_loss_ok &&
					is_bucket_ok ?
				"true" :
				"false");
	else
		fprintf(out,
			"%-18s %-4s rate %8.2f of %8.2f Mbit/s %+5.1f %%%s  delay %7.2f of %7.2f ms (%.2f .. %.2f)%s  "
			"loss %7.4f of %7.4f %% %+5.1f %% (+- %.1f %%, %llu frames)%s  bucket %llu of %llu%s\n",
			c->scenario->name, names[i], m->rate_bps / 1e6,
			m->rate_asked_bps / 1e6, rate_error,
			is_rate_ok ? "" : " MISSED", m->delay_ms, delay,
			m->delay_min_ms, m->delay_max_ms,
			is_delay_ok ? "" : " MISSED", m->loss * 100,
			m->loss_asked * 100, loss_error, m->loss_error * 100,
			(unsigned long long)m->loss_frames,
			is_loss_ok ? "" : " MISSED",
			(unsigned long long)m->bucket_frames,
			(unsigned long long)m->bucket_asked,
			is_bucket_ok ? "" : " MISSED");
	return !is_rate_ok + !is_delay_ok + !is_loss_ok + !is_bucket_ok;
}

int gauge_calibrate(struct lkl_wire *a, struct lkl_wire *b,
		    const struct scenario *s, struct shaper shapers[2],
		    bool is_json, FILE *out)
{
	struct calibration c = {
		.scenario = s,
		.paths = { &s->up, &s->down },
		.ends = { gauge_of(a), gauge_of(b) },
		.shapers = shapers,
		.begin_ns = now(),
		.tail_ns = (s->up.delay_ns > s->down.delay_ns ?
				    s->up.delay_ns :
				    s->down.delay_ns) *
				   2 +
			   500000000,
	};
	int i, ret, missed = 0;

	measure_delay(&c);
	measure_rate(&c);
	measure_bucket(&c);
	ret = c.error ? c.error : measure_loss(&c);
	if (ret)
		return ret;
	for (i = 0; i < 2; i++)
		missed += print_path(&c, i, is_json, out);
	fflush(out);
	return missed;
}
