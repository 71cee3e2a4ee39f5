/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * idle_poll.h - how long an idle vCPU polls before it sleeps: the rule, without clock or kernel, so that a program can test it
 *
 * A *gap* is a time without work. If the vCPU polls for T and then sleeps, a gap of g costs min(g, T), and sleep_cost more
 * if g > T. Then comes *work*: how much comes at once depends on how the gap ended. Between a sleep's end and the moment when the
 * thread runs more frames arrive, and a batch of them is cheaper than each by itself; on the other hand caches are cold.
 * So the rule measures the whole: T is what makes (time polled + sleeps + time at work) / frames smallest, over a histogram of the
 * gaps and averages of the work that followed gaps of the two kinds. T is 0 or the bound of a bucket, the limit at most.
 *
 * What cannot be seen is tried out: once in probe_interval gaps it polls to the limit, and half an interval later not at all. Only
 * gaps that were polled to the limit enter the histogram, since the length of others is known no better than the time to wake up.
 * A peer that answers within microseconds is waited for; under a load that leaves the vCPU idle half of the time, and where
 * frames are rare, it sleeps.
 *
 * All times are in ticks of one clock, below 2^40.
 */
#ifndef LKL_IDLE_POLL_H
#define LKL_IDLE_POLL_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
#endif

/* Bucket i holds gaps up to limit >> (IDLE_POLL_BUCKETS - 1 - i). */
#define IDLE_POLL_BUCKETS 8

/* Averages of what follows a gap. */
struct idle_poll_work {
	uint64_t busy;			/* ticks until the next gap */
	uint64_t frames;		/* in 1/256 */
};

/* Zeroed but for the first three. */
struct idle_poll {
	uint64_t limit;			/* 0: never polls, learns nothing */
	uint64_t sleep_cost;
	uint64_t busy_max;		/* work that lasts longer counts as this long */
	uint64_t poll;			/* T */
	uint64_t this_poll;		/* T of the gap that has begun */
	uint64_t end;			/* of the last gap; 0: nothing is known of the work since */
	uint64_t end_frames;
	bool has_slept;			/* in the last gap */
	uint32_t turn;
	struct idle_poll_work polled, slept;
	/* the histogram, with gaps that were longer than the limit */
	uint32_t samples;
	uint32_t count[IDLE_POLL_BUCKETS];
	uint64_t sum[IDLE_POLL_BUCKETS];
};

/* A prime: gaps come in turns, such as a client's and a server's, and all kinds are to be looked at. */
static const uint32_t idle_poll_probe_interval = 131;
/* Gaps after which the weight of all is halved, and after which T is chosen anew. */
static const uint32_t idle_poll_samples_max = 128;
static const uint32_t idle_poll_choose_interval = 8;
static const uint64_t idle_poll_frames_max = 64;

static inline uint64_t idle_poll_bound(const struct idle_poll *p, unsigned int bucket)
{
	return p->limit >> (IDLE_POLL_BUCKETS - 1 - bucket);
}

static inline void idle_poll_average(uint64_t *average, uint64_t value)
{
	const int64_t diff = value - *average;

	if (!*average) {
		*average = value;
		return;
	}
	/* Away from zero: the average reaches a value that stays. */
	*average += (diff + (diff > 0 ? 15 : -15)) / 16;
}

static inline void idle_poll_choose(struct idle_poll *p)
{
	const uint64_t slept = p->sleep_cost + p->slept.busy;
	uint64_t cost = p->samples * slept, frames = p->samples * p->slept.frames, part = 0;
	uint64_t best_cost = cost, best_frames = frames;
	uint32_t longer = p->samples;
	unsigned int i;

	p->poll = 0;
	for (i = 0; i < IDLE_POLL_BUCKETS; i++) {
		part += p->sum[i] + p->count[i] * p->polled.busy;
		longer -= p->count[i];
		cost = part + longer * (idle_poll_bound(p, i) + slept);
		frames = (p->samples - longer) * p->polled.frames + longer * p->slept.frames;
		if (cost * best_frames < best_cost * frames) {
			best_cost = cost;
			best_frames = frames;
			p->poll = idle_poll_bound(p, i);
		}
	}
}

static inline void idle_poll_learn_gap(struct idle_poll *p, uint64_t gap)
{
	unsigned int i;

	if (p->samples >= idle_poll_samples_max) {
		p->samples /= 2;
		for (i = 0; i < IDLE_POLL_BUCKETS; i++) {
			p->count[i] /= 2;
			p->sum[i] /= 2;
		}
	}
	p->samples++;
	for (i = 0; i < IDLE_POLL_BUCKETS; i++) {
		if (gap <= idle_poll_bound(p, i)) {
			p->count[i]++;
			p->sum[i] += gap;
			break;
		}
	}
	if (p->samples % idle_poll_choose_interval == 0)
		idle_poll_choose(p);
}

/* A gap begins, `frames` have arrived in all: for how long to poll. */
static inline uint64_t idle_poll_begin(struct idle_poll *p, uint64_t now, uint64_t frames)
{
	if (!p->limit)
		return 0;
	if (p->end) {
		struct idle_poll_work *work = p->has_slept ? &p->slept : &p->polled;
		uint64_t busy = now - p->end, n = frames - p->end_frames;

		idle_poll_average(&work->busy, busy < p->busy_max ? busy : p->busy_max);
		/* Work without a frame is some, too. */
		idle_poll_average(&work->frames, (n < 1 ? 1 : n < idle_poll_frames_max ? n : idle_poll_frames_max) * 256);
	}
	p->turn = p->turn + 1 < idle_poll_probe_interval ? p->turn + 1 : 0;
	p->this_poll = p->turn == 0 ? p->limit : p->turn == idle_poll_probe_interval / 2 ? 0 : p->poll;
	return p->this_poll;
}

/* The gap that began at `begin` is over. */
static inline void idle_poll_end(struct idle_poll *p, uint64_t begin, uint64_t now, uint64_t frames)
{
	if (!p->limit)
		return;
	p->end = now;
	p->end_frames = frames;
	p->has_slept = now - begin > p->this_poll;
	if (p->this_poll == p->limit)
		idle_poll_learn_gap(p, now - begin);
}

/* There was none: work was there at once, and what follows is the rest of what has been before. */
static inline void idle_poll_none(struct idle_poll *p)
{
	p->end = 0;
}

#endif /* LKL_IDLE_POLL_H */
