/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gauge.h - wires that make frames and measure those that come, to hold a scenario against what it asks for
 *
 * A gauge is one end of the emulator. It is driven by an application task on the vCPU that its queue belongs to, so that
 * task and wire never run at once.
 */
#ifndef WAN_GAUGE_H
#define WAN_GAUGE_H

#include <stdio.h>

#include <lkl/host_ops.h>

#include "scenario.h"
#include "shape.h"

/* 0 and *out, or -errno. Free with ops->close(). */
int gauge_open(struct lkl_wire **out);

/*
 * [task] Measure both directions of a scenario that is set up between the two gauges by `shapers` (up, down), and print a line
 * each; does what the shapers have due meanwhile, and leaves them without their bottlenecks. Takes seconds; a trace as long as
 * it lasts, a Poisson link 12,000 frames. The number of values outside the targets (rate 3 %, delay 1 ms, loss 10 % of itself), or
 * -errno.
 */
int gauge_calibrate(struct lkl_wire *a, struct lkl_wire *b,
		    const struct scenario *s, struct shaper shapers[2],
		    bool is_json, FILE *out);

#endif /* WAN_GAUGE_H */
