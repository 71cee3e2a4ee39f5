/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * admin.h - the admin socket: what accdctl(1) talks to
 *
 * A connection carries one command: a line of text in, lines of JSON out. The first says of what
 * kind the answer is, the last how it ended:
 *
 *   show sessions limit=1
 *   {"accd":"0.1.0","result":"list"}
 *   {"time":...}
 *   {"status":"ok"}
 *
 * "result" is "object" (one line) or "list" (any number). "status" is "ok", or "error" or "usage"
 * (the command itself is wrong), and then "error" says why. In the supervisor, on its event loop.
 */
#ifndef ACCD_ADMIN_H
#define ACCD_ADMIN_H

#include "admin_parse.h"
#include "supervisor.h"

struct admin;

/* Serve on a listening socket, which is taken over, also on failure. 0 or -errno. */
int admin_open(struct supervisor *sup, int fd, struct admin **out);
void admin_close(struct admin *admin);

/* [worker, loop] Handlers of control_ops[]. */
struct control_call;
struct worker;
int admin_op_sessions(struct worker *w, struct control_call *call);
int admin_op_session(struct worker *w, struct control_call *call);
int admin_op_kill(struct worker *w, struct control_call *call);
int admin_op_server(struct worker *w, struct control_call *call);
int admin_op_servers(struct worker *w, struct control_call *call);
int admin_op_report(struct worker *w, struct control_call *call);

/* Requests and answers of those. */
struct admin_sessions_req {
	uint32_t cursor; /* place in the slab to go on at */
	uint32_t max; /* records wanted */
	struct admin_filter filter;
};

/* Before the records of a chunk. */
struct admin_sessions_ans {
	uint32_t cursor; /* UINT32_MAX: that was all */
	uint32_t n;
};

struct admin_kill_req {
	uint32_t slot, gen;
};

struct admin_session_req {
	uint32_t slot, gen;
	char congestion_control[TCP_SETTINGS_CC_BYTES];
	uint32_t n_params;
	struct admin_param params[ADMIN_PARAMS_MAX];
};

enum admin_server_do { ADMIN_DO_ENABLE, ADMIN_DO_DISABLE, ADMIN_DO_DRAIN, ADMIN_DO_WEIGHT };

struct admin_server_req {
	char pool[CONF_NAME_BYTES], server[CONF_NAME_BYTES];
	uint32_t action; /* enum admin_server_do */
	uint32_t weight;
};

struct admin_report_req {
	uint32_t what; /* enum stack_report of stack.h */
};

#endif /* ACCD_ADMIN_H */
