// SPDX-License-Identifier: GPL-2.0-only
/*
 * timer.c - coarse, lazily checked deadlines
 *
 * timer.h has the model. A slot is emptied into a local list before its timers are called, so
 * that one that is put back into the same slot (a whole round later) is not seen twice. When the
 * clock jumped by more than a round, each slot is looked at once: early looks are harmless.
 */
#include <stddef.h>
#include <string.h>

#include "timer.h"

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_us)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->tick = now_us / TIMER_TICK_US;
}

static void timer_link(struct timer **head, struct timer *t)
{
	t->next = *head;
	t->pprev = head;
	if (t->next)
		t->next->pprev = &t->next;
	*head = t;
}

static void timer_unlink(struct timer *t)
{
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->next = NULL;
	t->pprev = NULL;
}

void timer_stop(struct timer_wheel *wheel, struct timer *t)
{
	if (!t->pprev)
		return;
	timer_unlink(t);
	wheel->count--;
}

void timer_set(struct timer_wheel *wheel, struct timer *t, uint64_t deadline_us)
{
	uint64_t tick = (deadline_us + TIMER_TICK_US - 1) / TIMER_TICK_US;

	timer_stop(wheel, t);
	if (tick <= wheel->tick)
		tick = wheel->tick + 1;
	if (tick > wheel->tick + TIMER_SLOTS)
		tick = wheel->tick + TIMER_SLOTS;
	timer_link(&wheel->slots[tick % TIMER_SLOTS], t);
	wheel->count++;
}

void timer_run(struct timer_wheel *wheel, uint64_t now_us, timer_fn fn,
	       void *ctx)
{
	uint64_t now_tick = now_us / TIMER_TICK_US;
	struct timer *due, *t;

	if (now_tick > wheel->tick + TIMER_SLOTS)
		wheel->tick = now_tick - TIMER_SLOTS;
	while (wheel->tick < now_tick) {
		wheel->tick++;
		due = wheel->slots[wheel->tick % TIMER_SLOTS];
		if (!due)
			continue;
		wheel->slots[wheel->tick % TIMER_SLOTS] = NULL;
		due->pprev = &due;
		while ((t = due)) {
			timer_unlink(t);
			wheel->count--;
			fn(ctx, t);
		}
	}
}

struct timer *timer_pop(struct timer_wheel *wheel)
{
	struct timer *t;
	unsigned int i;

	for (i = 0; i < TIMER_SLOTS; i++) {
		t = wheel->slots[i];
		if (t) {
			timer_stop(wheel, t);
			return t;
		}
	}
	return NULL;
}
