/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * preface.h - what a listener wants to know of a client before a server is looked for
 *
 * [loop] everything here. Only for listeners with gates (conf.h, CONF_GATE_*): the others never
 * come here.
 */
#ifndef ACCD_PREFACE_H
#define ACCD_PREFACE_H

#include <stdbool.h>
#include <stdint.h>

struct session;
struct worker;

/*
 * The session was accepted and is registered with the event loop. True: go on and look for a
 * server. False: it waits in SESSION_FIRST, or was closed.
 */
bool preface_open(struct worker *w, struct session *s);

/* An event of the client's connection in SESSION_FIRST. As above. */
bool preface_event(struct worker *w, struct session *s, uint32_t events);

/* When a session in SESSION_FIRST has waited long enough; it is closed with LOG_CAUSE_TIMEOUT then. */
uint64_t preface_deadline_us(const struct session *s);

#endif /* ACCD_PREFACE_H */
