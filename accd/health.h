/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * health.h - whether a server gets sessions, from what was seen of it
 *
 * Pure: time comes as an argument, and nothing here knows a socket. Times are in microseconds of
 * the worker's clock.
 */
#ifndef ACCD_HEALTH_H
#define ACCD_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct conf_pool;

/*
 * What a server is; derived by health_state() from what struct health holds, first match wins:
 *
 *   MAINT       an operator took it out: no sessions, no checks
 *   DRAIN       an operator lets it run dry: no new sessions; checks go on
 *   DOWN        its name has no address, or `fall` checks failed
 *   EJECTED     `eject_failures` connections in a row failed; ends by time
 *   SLOW_START  it came back, and its weight grows
 *   UP
 *
 *                       fall bad checks                        eject_failures
 *          ┌──────────────────────────────── UP ───────────────────────────────────┐
 *          ▼                                 ▲ slow_start passed                   ▼
 *        DOWN ──── rise good checks ──▶ SLOW_START ◀──── eject_time passed ──── EJECTED
 *          ▲                                 │ │                                   ▲
 *          └───────── fall bad checks ───────┘ └────────── one failure ────────────┘
 *
 * An operator's word (health_admin) stands above all of it; what happens below goes on and counts
 * once the server is READY again.
 */
enum server_state {
	SERVER_UP,
	SERVER_SLOW_START,
	SERVER_DOWN,
	SERVER_EJECTED,
	SERVER_DRAIN,
	SERVER_MAINT,
	SERVER__COUNT
};

enum health_admin { HEALTH_READY, HEALTH_DRAIN, HEALTH_MAINT };

struct health {
	uint8_t admin; /* enum health_admin */
	bool is_unresolved; /* a name without an address */
	bool is_check_down;
	bool is_checked; /* there was a check */
	uint32_t check_run; /* results in a row that speak against is_check_down */
	uint32_t failures; /* connections in a row that failed */
	uint32_t ejections; /* without a good time between them */
	uint64_t eject_until_us; /* 0: not ejected */
	uint64_t back_us; /* when it came back; 0: it was never away */
};

/* The part of a pool's configuration that counts here. */
struct health_rules {
	uint32_t rise, fall;
	uint32_t eject_failures; /* 0: never */
	uint64_t eject_us, eject_max_us;
	uint64_t slow_start_us; /* 0: none */
};

void health_rules_from(struct health_rules *rules, const struct conf_pool *conf);

enum server_state health_state(const struct health *h, const struct health_rules *rules,
			       uint64_t now_us);
const char *health_state_name(enum server_state state);

/* May it get new sessions? */
bool health_is_usable(const struct health *h, const struct health_rules *rules, uint64_t now_us);

/* Part of its weight that counts, in percent, by steps of ten: 10 .. 100. */
unsigned int health_ramp_pct(const struct health *h, const struct health_rules *rules,
			     uint64_t now_us);

/* When something changes by itself; UINT64_MAX: never. */
uint64_t health_next_us(const struct health *h, const struct health_rules *rules, uint64_t now_us);

/* A check ended. True if the state may have changed. */
bool health_checked(struct health *h, const struct health_rules *rules, uint64_t now_us, bool is_good);

/*
 * A session's connection was established, or failed. may_eject: another server is usable. True if
 * the state may have changed.
 */
bool health_connected(struct health *h, const struct health_rules *rules, uint64_t now_us,
		      bool is_good, bool may_eject);

/* End an ejection whose time has passed. True if it did. */
bool health_tick(struct health *h, const struct health_rules *rules, uint64_t now_us);

/* A name got an address (again), or lost its last one. */
void health_resolved(struct health *h, bool is_resolved);

/* An operator's word. READY begins anew: the ejection and the failures are forgotten. */
void health_set_admin(struct health *h, enum health_admin admin, uint64_t now_us);

#endif /* ACCD_HEALTH_H */
