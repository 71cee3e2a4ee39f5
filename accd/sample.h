/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample.h - what a worker's wire and stack have counted, copied to the shared counters
 *
 * Wire and stack count where only the worker sees it, the stack from 0 in each process. The loop asks
 * for both reports once a second and brings its part of the shared counters up to them, so that totals
 * go on over the worker's death but for the stack's last second. Of an instance's loops only the first does it.
 */
#ifndef ACCD_SAMPLE_H
#define ACCD_SAMPLE_H

#include "counters.h"

struct stack_ops;

#define SAMPLE_US 1000000

struct sampler {
	struct counters_stack seen; /* totals as the reports had them last */
	uint64_t due_us; /* of the next sample; UINT64_MAX: the stack has no reports */
};

void sample_init(struct sampler *s, const struct stack_ops *ops, uint64_t now_us);

/* [loop] Ask and add. */
void sample_take(struct sampler *s, const struct stack_ops *ops, struct counters_stack *out, uint64_t now_us);

/* Pure: add what a report says, which is taken to pieces. What is no name of counters.h is skipped. */
void sample_add(struct sampler *s, struct counters_stack *out, char *text);

#endif /* ACCD_SAMPLE_H */
