/* SPDX-License-Identifier: GPL-2.0-only */
/* tap.h - what only a tap wire can be told */
#ifndef WIRE_TAP_H
#define WIRE_TAP_H

struct lkl_wire;

/*
 * Spread received frames over the queues as a BPF program says (BPF_PROG_TYPE_SOCKET_FILTER; what it
 * returns modulo the number of queues is the queue); -1 goes back to the hash. The descriptor may
 * be closed afterwards. -EINVAL: not a tap wire, one queue, or no such program.
 */
int wire_tap_steer(struct lkl_wire *w, int prog_fd);

#endif /* WIRE_TAP_H */
