// SPDX-License-Identifier: GPL-2.0-only
/*
 * control_ops.c - what a worker can be asked: the table of handlers
 *
 * A handler lives beside what it works on; here stands only the row. control.h says how handlers
 * are called.
 */
#include "addr.h"
#include "control.h"
#include "generation.h"
#include "worker.h"

static int ping(struct worker *w, struct control_call *call)
{
	return 0;
}

const struct control_row control_ops[CONTROL_OP__COUNT] = {
	[CONTROL_OP_PING] = { "ping", ping, 0, 0 },
	[CONTROL_OP_SOCKET] = { "socket", generation_op_socket, sizeof(union addr),
				sizeof(union addr) },
	[CONTROL_OP_PREPARE] = { "prepare", generation_op_prepare, 0, 0 },
	[CONTROL_OP_COMMIT] = { "commit", generation_op_commit, 0, 0 },
	[CONTROL_OP_ABORT] = { "abort", generation_op_abort, 0, 0 },
	[CONTROL_OP_RETIRE] = { "retire", worker_op_retire, 0, 0 },
};
