/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cc.h - the congestion control of a connection: chosen by the peer's address, and counted
 *
 *   listener, pool: congestion_control          set on the listening socket, or before connect() (sockopt.c)
 *   their congestion_control_for { PREFIX }     cc_choose(): the longest prefix around the peer, in place of that
 *   accdctl set session ID                      cc_change(): one session
 *
 * The peer is who the packets go to: with a PROXY header the proxy, not its client.
 *
 * A connection is counted in its worker's part of the counters under the algorithm's name, from
 * when it is established to its end: struct conn has the place. Names come from the stack; what finds
 * no place counts as "other".
 */
#ifndef ACCD_CC_H
#define ACCD_CC_H

#include <stddef.h>

#include "conf.h"
#include "session.h"

struct log_tcp;
struct worker;

/* The name that the rules give an address; NULL: none. */
const char *cc_for(const struct conf *conf, const struct conf_range *rules, const union addr *peer);

/* [loop] Give a socket what the rules say. 0, also if they say nothing; or -errno. */
int cc_choose(struct worker *w, int fd, const struct conf *conf, const struct conf_range *rules, const union addr *peer);

/* [loop] Does the stack have all that a configuration names? 0, or -errno with a sentence in err. */
int cc_check(struct worker *w, const struct conf *conf, char *err, size_t err_len);

/* [loop] An established connection counts from now on; and no more, with what TCP_INFO said of it. */
void cc_begin(struct worker *w, struct session *s, enum side side);
void cc_end(struct worker *w, struct session *s, enum side side, const struct log_tcp *tcp);

/* [loop] Another one for an established connection. 0 or -errno, and it has the one that it had. */
int cc_change(struct worker *w, struct session *s, enum side side, const char *name);

#endif /* ACCD_CC_H */
