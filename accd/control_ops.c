// SPDX-License-Identifier: GPL-2.0-only
/*
 * control_ops.c - what a worker can be asked: the table of handlers
 *
 * A handler lives beside what it works on; here stands only the row. control.h says how handlers
 * are called.
 */
#include "addr.h"
#include "admin.h"
#include "control.h"
#include "generation.h"
#include "modules.h"
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
	[CONTROL_OP_SESSIONS] = { "sessions", admin_op_sessions, sizeof(struct admin_sessions_req),
				  sizeof(struct admin_sessions_req) },
	[CONTROL_OP_KILL] = { "kill", admin_op_kill, sizeof(struct admin_kill_req),
			      sizeof(struct admin_kill_req) },
	[CONTROL_OP_SESSION] = { "session", admin_op_session, sizeof(struct admin_session_req),
				 sizeof(struct admin_session_req) },
	[CONTROL_OP_SERVERS] = { "servers", admin_op_servers, CONF_NAME_BYTES, CONF_NAME_BYTES },
	[CONTROL_OP_SERVER] = { "server", admin_op_server, sizeof(struct admin_server_req),
				sizeof(struct admin_server_req) },
	[CONTROL_OP_REPORT] = { "report", admin_op_report, sizeof(struct admin_report_req),
				sizeof(struct admin_report_req) },
	[CONTROL_OP_MODULE_LOAD] = { "load a module", modules_op_load, MODULE_NAME_BYTES, MODULE_NAME_BYTES },
	[CONTROL_OP_MODULE_UNLOAD] = { "unload a module", modules_op_unload, MODULE_NAME_BYTES, MODULE_NAME_BYTES },
};
