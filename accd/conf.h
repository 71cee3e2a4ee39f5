/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.h - the checked configuration, as the daemon uses it
 *
 * conf_load() either returns a configuration in which every value is set and valid, or reports
 * every mistake and returns none. It is read-only from then on. The table conf_keys[] is the only
 * place where a key's name, type, default, bounds and help stand; accd.conf(5) is compared with
 * it by a test.
 */
#ifndef ACCD_CONF_H
#define ACCD_CONF_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "conf_parse.h"

#define CONF_NAME_BYTES \
	32 /* names of listeners, pools and servers, with their NUL: log fields stay short */
#define CONF_LISTENERS_MAX 32
#define CONF_POOLS_MAX 32
#define CONF_SERVERS_MAX 64 /* per pool */

enum conf_stack { CONF_STACK_LKL, CONF_STACK_HOST };
enum conf_wire_type { CONF_WIRE_PACKET };
enum conf_wire_mode { CONF_WIRE_OWN };

enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };

struct conf_log {
	char access[PATH_MAX]; /* "-": stdout; "off"; "syslog", "syslog:PATH"; else a path */
	int format; /* enum conf_log_format */
	uint32_t rate; /* lines a second; 0: all */
	char error[PATH_MAX]; /* the same; "-": stderr */
	int level; /* enum msg_level */
};

struct conf_worker {
	int cpu; /* -1: not pinned */
	uint64_t memory_bytes;
	uint32_t spin_us;
	uint32_t drain_timeout_ms;
	uint32_t max_sessions;
};

struct conf_wire {
	bool is_set;
	int type;
	int mode;
	char interface[IFNAMSIZ];
};

struct conf_listener {
	char name[CONF_NAME_BYTES];
	int line;
	union addr bind;
	char pool_name[CONF_NAME_BYTES];
	unsigned int pool; /* index into conf.pools */
	uint32_t idle_timeout_ms;
	int backlog;
};

struct conf_server {
	char name[CONF_NAME_BYTES];
	int line;
	union addr address;
};

struct conf_pool {
	char name[CONF_NAME_BYTES];
	int line;
	uint32_t connect_timeout_ms;
	unsigned int n_servers;
	struct conf_server servers[CONF_SERVERS_MAX];
};

struct conf {
	int stack; /* enum conf_stack */
	struct conf_log log;
	struct conf_worker worker;
	struct conf_wire wire;
	unsigned int n_listeners;
	struct conf_listener listeners[CONF_LISTENERS_MAX];
	unsigned int n_pools;
	struct conf_pool pools[CONF_POOLS_MAX];
};

enum conf_type {
	CONF_T_STRING, /* char[max + 1] */
	CONF_T_NAME, /* char[CONF_NAME_BYTES]: letters, digits, - _ . */
	CONF_T_ENUM, /* int: index into choices */
	CONF_T_INT, /* int */
	CONF_T_COUNT, /* uint32_t */
	CONF_T_US, /* uint32_t, in microseconds; text has a unit */
	CONF_T_MS, /* uint32_t, in milliseconds; text has a unit */
	CONF_T_SIZE, /* uint64_t, in bytes; text may have k, M or G */
	CONF_T_BIND, /* union addr, "*" allowed */
	CONF_T_ADDRESS, /* union addr */
};

struct conf_key {
	const char *
		section; /* "" for the top level, "pool.server" for a section inside another */
	const char *key;
	enum conf_type type;
	const char *dflt; /* as one would write it; NULL: required */
	int64_t min, max; /* in the stored unit; lengths of strings */
	const char *choices; /* CONF_T_ENUM: "a|b", in the order of the enum */
	size_t offset; /* in the struct of the section */
	const char *help;
};

extern const struct conf_key conf_keys[];
extern const unsigned int conf_keys_len;

/*
 * Read and check `path`. stack_override: enum conf_stack, or -1. report: NULL for stderr. Returns
 * a configuration to be given to conf_free(), or NULL; *mistakes is their number (0: could not
 * read the file or no memory, which was reported too).
 */
struct conf *conf_load(const char *path, int stack_override,
		       void (*report)(void *ctx, const char *line), void *ctx,
		       int *mistakes);

/* The same for text in memory; `name` stands for the file in messages. */
struct conf *conf_load_text(const char *text, size_t len, const char *name,
			    int stack_override,
			    void (*report)(void *ctx, const char *line),
			    void *ctx, int *mistakes);

void conf_free(struct conf *conf);

/*
 * "5s", "50us", "2m"; a bare number only if it is 0. Result in microseconds. 0 or -EINVAL,
 * -ERANGE.
 */
int conf_parse_time_us(const char *text, uint64_t *us);

/* "512M", "64k", "1G" or plain bytes. */
int conf_parse_size(const char *text, uint64_t *bytes);

#endif /* ACCD_CONF_H */
