/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timer.h - coarse, lazily checked deadlines
 *
 * A wheel of TIMER_SLOTS lists, one per tick. A timer stands in the slot of the tick at which it
 * is to be looked at, not at which it must fire: when the slot comes round, the owner computes
 * the true deadline from what happened meanwhile and puts the timer back if it lies ahead. So
 * traffic only writes "last active", and never touches the wheel. A deadline fires at most one
 * tick late, never early. One thread only.
 */
#ifndef ACCD_TIMER_H
#define ACCD_TIMER_H

#include <stdint.h>

#define TIMER_TICK_US \
	50000 /* what nobody notices in timeouts of seconds; wakes an idle loop 20 times a second */
#define TIMER_SLOTS \
	256 /* 12.8 s; a later deadline is looked at once per round: cheap, and no cascades */

struct timer {
	struct timer *next, **pprev; /* pprev NULL: not in the wheel */
};

struct timer_wheel {
	struct timer *slots[TIMER_SLOTS];
	uint64_t tick; /* last tick that was looked at */
	uint32_t count;
};

/* A timer came up: stop it, or put it back with timer_set(). It is out of the wheel when called. */
typedef void (*timer_fn)(void *ctx, struct timer *t);

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_us);

/* Look at `t` at deadline_us or soon after. Moves it if it is set already. */
void timer_set(struct timer_wheel *wheel, struct timer *t,
	       uint64_t deadline_us);

/* No-op if it is not set. */
void timer_stop(struct timer_wheel *wheel, struct timer *t);

/* Call fn for every timer that is due. */
void timer_run(struct timer_wheel *wheel, uint64_t now_us, timer_fn fn,
	       void *ctx);

/* Take any timer out, or NULL if the wheel is empty. For shutting down. */
struct timer *timer_pop(struct timer_wheel *wheel);

#endif /* ACCD_TIMER_H */
