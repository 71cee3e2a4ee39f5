/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cc_param.h - parameters of a congestion control per connection, for modules (net/cc_param.c)
 *
 * A module registers a table beside its tcp_congestion_ops. lkl_cc_param(fd, key, value) finds the ops of the connection, then
 * the row, checks the bounds and calls set() with the socket locked; lkl_cc_param_get() calls get(). Both are only called for
 * sockets whose state the module has initialised (init() ran, release() has not).
 */
#ifndef _ASM_LKL_CC_PARAM_H
#define _ASM_LKL_CC_PARAM_H

#include <linux/list.h>
#include <linux/types.h>

struct sock;
struct tcp_congestion_ops;

struct lkl_cc_row {
	const char *key;
	u64 min, max;				/* of what set() is given */
	int (*set)(struct sock *sk, u64 value);	/* 0 or -errno; NULL: it can only be read */
	u64 (*get)(struct sock *sk);		/* NULL: it can only be set */
};

struct lkl_cc_params {
	struct list_head list;
	const struct tcp_congestion_ops *ops;
	const struct lkl_cc_row *rows;
	unsigned int n_rows;
};

/* [process context] The ops and their parameters. 0 or -errno, and then neither is registered. */
int lkl_cc_register(struct tcp_congestion_ops *ops, struct lkl_cc_params *params);
void lkl_cc_unregister(struct tcp_congestion_ops *ops, struct lkl_cc_params *params);

#endif /* _ASM_LKL_CC_PARAM_H */
