// SPDX-License-Identifier: GPL-2.0-only
/*
 * health.c - whether a server gets sessions, from what was seen of it
 *
 * Three sources: active checks, the sessions' own connections, and the operator. Each writes
 * facts of its own in struct health; the state is computed from all of them, so none can undo
 * what another has said.
 */
#include "conf.h"
#include "health.h"

#define RAMP_STEP_PCT 10 /* few steps: each one rebuilds the hash rule's table */

void health_rules_from(struct health_rules *rules, const struct conf_pool *conf)
{
	rules->rise = conf->check.rise;
	rules->fall = conf->check.fall;
	rules->eject_failures = conf->eject_failures;
	rules->eject_us = conf->eject_ms * 1000ULL;
	rules->eject_max_us = conf->eject_max_ms * 1000ULL;
	rules->slow_start_us = conf->slow_start_ms * 1000ULL;
}

static bool is_ramping(const struct health *h, const struct health_rules *rules, uint64_t now_us)
{
	return h->back_us && now_us < h->back_us + rules->slow_start_us;
}

enum server_state health_state(const struct health *h, const struct health_rules *rules,
			       uint64_t now_us)
{
	if (h->admin == HEALTH_MAINT)
		return SERVER_MAINT;
	if (h->admin == HEALTH_DRAIN)
		return SERVER_DRAIN;
	if (h->is_unresolved || h->is_check_down)
		return SERVER_DOWN;
	if (h->eject_until_us > now_us)
		return SERVER_EJECTED;
	return is_ramping(h, rules, now_us) ? SERVER_SLOW_START : SERVER_UP;
}

const char *health_state_name(enum server_state state)
{
	static const char *const names[SERVER__COUNT] = {
		[SERVER_UP] = "UP",	      [SERVER_SLOW_START] = "SLOW_START",
		[SERVER_DOWN] = "DOWN",	      [SERVER_EJECTED] = "EJECTED",
		[SERVER_DRAIN] = "DRAIN",     [SERVER_MAINT] = "MAINT",
	};

	return names[state];
}

bool health_is_usable(const struct health *h, const struct health_rules *rules, uint64_t now_us)
{
	enum server_state state = health_state(h, rules, now_us);

	return state == SERVER_UP || state == SERVER_SLOW_START;
}

unsigned int health_ramp_pct(const struct health *h, const struct health_rules *rules,
			     uint64_t now_us)
{
	unsigned int step;

	if (!is_ramping(h, rules, now_us))
		return 100;
	step = (now_us - h->back_us) * (100 / RAMP_STEP_PCT) / rules->slow_start_us;
	return (step + 1) * RAMP_STEP_PCT;
}

uint64_t health_next_us(const struct health *h, const struct health_rules *rules, uint64_t now_us)
{
	uint64_t step_us = rules->slow_start_us / (100 / RAMP_STEP_PCT);

	if (h->eject_until_us > now_us)
		return h->eject_until_us;
	if (is_ramping(h, rules, now_us) && step_us)
		return h->back_us + ((now_us - h->back_us) / step_us + 1) * step_us;
	return UINT64_MAX;
}

bool health_checked(struct health *h, const struct health_rules *rules, uint64_t now_us, bool is_good)
{
	/* nothing is known of a server before its first check: that one counts alone */
	uint32_t need = is_good ? rules->rise : h->is_checked ? rules->fall : 1;

	h->is_checked = true;
	if (is_good != h->is_check_down) {
		h->check_run = 0;
		return false;
	}
	if (++h->check_run < need)
		return false;
	h->check_run = 0;
	h->is_check_down = !is_good;
	if (is_good) {
		h->back_us = now_us;
		h->failures = 0;
	}
	return true;
}

/* The n-th ejection in a row lasts 2^(n-1) times as long as the first. */
static uint64_t eject_us(const struct health *h, const struct health_rules *rules)
{
	uint64_t us = rules->eject_us;
	uint32_t n;

	for (n = 1; n < h->ejections && us < rules->eject_max_us; n++)
		us *= 2;
	return us < rules->eject_max_us ? us : rules->eject_max_us;
}

bool health_connected(struct health *h, const struct health_rules *rules, uint64_t now_us,
		      bool is_good, bool may_eject)
{
	if (is_good) {
		h->failures = 0;
		return false;
	}
	if (h->failures < UINT32_MAX)
		h->failures++;
	if (!rules->eject_failures || h->failures < rules->eject_failures || !may_eject ||
	    h->eject_until_us > now_us)
		return false;
	/* as long in good order as it was out: the past is forgotten */
	if (h->ejections && now_us - h->eject_until_us >= eject_us(h, rules))
		h->ejections = 0;
	h->ejections++;
	h->eject_until_us = now_us + eject_us(h, rules);
	return true;
}

bool health_tick(struct health *h, const struct health_rules *rules, uint64_t now_us)
{
	if (!h->eject_until_us || h->eject_until_us > now_us || h->back_us >= h->eject_until_us)
		return false;
	h->back_us = now_us;
	/* on probation: the next failure ejects again */
	h->failures = rules->eject_failures ? rules->eject_failures - 1 : 0;
	return true;
}

void health_resolved(struct health *h, bool is_resolved)
{
	h->is_unresolved = !is_resolved;
}

void health_set_admin(struct health *h, enum health_admin admin, uint64_t now_us)
{
	if (admin == HEALTH_READY && h->admin != HEALTH_READY) {
		h->eject_until_us = 0;
		h->ejections = 0;
		h->failures = 0;
		h->back_us = now_us;
	}
	h->admin = admin;
}
