/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor.h - the parent process
 */
#ifndef ACCD_SUPERVISOR_H
#define ACCD_SUPERVISOR_H

#include "stack.h"

struct conf;

/* Run until the worker has ended; returns the exit status of the daemon. */
int supervisor_run(const struct stack_ops *ops, const struct conf *conf);

#endif /* ACCD_SUPERVISOR_H */
