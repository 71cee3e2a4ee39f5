/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * admin_parse.h - commands of accdctl(1), from a line of text
 *
 * Pure: no state, no input and output.
 */
#ifndef ACCD_ADMIN_PARSE_H
#define ACCD_ADMIN_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define ADMIN_LINE_BYTES 512 /* longest command */

enum admin_op {
	ADMIN_SHOW_INFO,
	ADMIN_SHOW_STAT,
	ADMIN_SHOW_SESSIONS,
	ADMIN_SHOW_SERVERS,
	ADMIN_SHOW_WIRES,
	ADMIN_SHOW_STACK,
	ADMIN_SHOW_ERRORS,
	ADMIN_SHOW_VERSION,
	ADMIN_ENABLE_SERVER,
	ADMIN_DISABLE_SERVER,
	ADMIN_DRAIN_SERVER,
	ADMIN_SET_WEIGHT,
	ADMIN_SET_SESSION,
	ADMIN_KILL_SESSION,
	ADMIN_CC_LIST,
	ADMIN_CC_LOAD,
	ADMIN_DRAIN,
	ADMIN_RELOAD,
	ADMIN_REOPEN,
	ADMIN_HELP,
	ADMIN__COUNT,
};

enum admin_state { ADMIN_STATE_ANY, ADMIN_STATE_CONNECTING, ADMIN_STATE_RELAYING };

/* Which sessions. Passed to workers as it is. */
struct admin_filter {
	char listener[CONF_NAME_BYTES], pool[CONF_NAME_BYTES], server[CONF_NAME_BYTES]; /* "": any */
	char client[48]; /* address without port, as the log writes it; "": any */
	uint32_t state; /* enum admin_state */
	uint64_t idle_us; /* no byte for this long */
};

#define ADMIN_PARAMS_MAX 8
#define ADMIN_PARAM_KEY_BYTES 32

/* A parameter of a connection's congestion control. */
struct admin_param {
	char key[ADMIN_PARAM_KEY_BYTES];
	uint64_t value;
};

struct admin_command {
	enum admin_op op;
	char pool[CONF_NAME_BYTES], server[CONF_NAME_BYTES]; /* POOL/SERVER; show servers: pool or "" */
	uint32_t weight;
	uint32_t worker, slot, gen; /* of a session's id */
	char congestion_control[TCP_SETTINGS_CC_BYTES];
	uint32_t n_params;
	struct admin_param params[ADMIN_PARAMS_MAX];
	char path[ADMIN_LINE_BYTES];
	struct admin_filter filter;
	uint32_t limit; /* sessions; 0: all */
};

#define ADMIN_LIMIT_DEFAULT 100
#define ADMIN_WEIGHT_MAX 256

/*
 * A line without its newline; any bytes. 0, or -EINVAL with a sentence in err that says what would be
 * right.
 */
int admin_parse(const char *line, size_t len, struct admin_command *cmd, char *err, size_t err_len);

/* Command number i as the manual writes it and what it does; NULL: there is none. */
const char *admin_usage(unsigned int i, const char **help);

#endif /* ACCD_ADMIN_PARSE_H */
