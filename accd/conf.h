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
#include <stddef.h>
#include <stdint.h>

#include "acl.h"
#include "addr.h"
#include "conf_parse.h"
#include "sockopt.h"

#define CONF_NAME_BYTES \
	32 /* names of listeners, pools and servers, with their NUL: log fields stay short */
#define CONF_WORKERS_MAX 64
#define CONF_CPUS_MAX 1024 /* CPUs that can be named: 0 to 1023 */
#define CONF_READ_BYTES_MAX (256 * 1024) /* relay.h says why */
#define CONF_LISTENERS_MAX 1024 /* with each port of a range counted */
#define CONF_RULES_MAX 32768 /* allow, deny and proxy_protocol_from of all listeners */
#define CONF_ROUTES_MAX 2048 /* server names of all listeners */
#define CONF_CC_NAMES_MAX 32 /* congestion controls of all congestion_control_for */
#define CONF_POOLS_MAX 32
#define CONF_SERVERS_MAX 64 /* per pool */
#define CONF_HOST_BYTES 254 /* a DNS name and its NUL */
#define CONF_RESOLVERS_MAX 4
#define CONF_MODULES_BYTES 1023
#define CONF_RETRIES_MAX 7 /* more would let a dead pool hold a client for minutes */

enum conf_stack { CONF_STACK_LKL, CONF_STACK_HOST };
/* Ways to move bytes, each with those before it. */
enum conf_relay { CONF_RELAY_COPY, CONF_RELAY_SPLICE, CONF_RELAY_STACK };
enum conf_wire_type {
	CONF_WIRE_PACKET,
	CONF_WIRE_XDP,
	CONF_WIRE_TAP,
	CONF_WIRE_PAIR,
	CONF_WIRE_SOCKET,
	CONF_WIRE_PCAP
};
#define CONF_WIRE_OPTIONS_MAX 255
#define CONF_WIRE_ADDRESS_MAX 255
enum conf_wire_mode { CONF_WIRE_OWN, CONF_WIRE_STATIC, CONF_WIRE_SHARE };

struct conf_ports {
	uint16_t low, high; /* both belong to the range */
};
/* Work that the wire saves the stack, each with those before it. */
enum conf_offloads { CONF_OFFLOADS_NONE, CONF_OFFLOADS_CSUM, CONF_OFFLOADS_TSO, CONF_OFFLOADS_ALL };
/* How the loop calls the stack: as a task of the instance, or as a thread that is foreign to it. */
enum conf_calls { CONF_CALLS_TASK, CONF_CALLS_THREAD };

enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };

struct conf_log {
	char access[PATH_MAX]; /* "-": stdout; "off"; "syslog", "syslog:PATH"; else a path */
	int format; /* enum conf_log_format */
	uint32_t rate; /* lines a second; 0: all */
	char error[PATH_MAX]; /* the same; "-": stderr */
	int level; /* enum msg_level */
};

#define CONF_SERVICE_BYTES 128

/* Text as service.h parses it. */
struct conf_metrics {
	char bind[CONF_SERVICE_BYTES];
	uint32_t rate; /* scrapes a second; 0: all */
	char stack_bind[CONF_SERVICE_BYTES]; /* inside the stack; ADDRESS:PORT or off */
	char allow[512]; /* prefixes that may come to stack_bind: watch.h */
};

struct conf_admin {
	char bind[CONF_SERVICE_BYTES];
	char mode[8]; /* octal */
	char owner[64];
};

/* In the order in which they are given out; the rest is 0. */
struct conf_cpus {
	uint32_t n; /* 0: nothing is pinned */
	uint16_t cpu[CONF_CPUS_MAX];
};

struct conf_worker {
	int cpu; /* -1: conf.cpus says it; else all workers are pinned there, and conf.cpus has it, too */
	uint64_t memory_bytes;
	uint32_t spin_us;
	uint32_t drain_timeout_ms;
	uint32_t max_sessions;
	char modules[CONF_MODULES_BYTES + 1]; /* paths between blanks: modules.h */
	uint32_t resume_paths; /* resume.h */
	uint32_t resume_lifetime_ms;
	int relay; /* enum conf_relay */
	uint32_t read_bytes; /* one read() */
	int calls; /* enum conf_calls */
	int has_wire_thread;
	uint32_t vcpus; /* loops of a worker; "worker i" of counters and the like is a loop */
};

struct conf_wire {
	bool is_set;
	int type;
	int mode;
	int offloads; /* enum conf_offloads */
	int is_batched;
	char interface[IFNAMSIZ]; /* "": the type has none */
	char options[CONF_WIRE_OPTIONS_MAX + 1]; /* of the wire's specification: wire_conf.h */
	char address[CONF_WIRE_ADDRESS_MAX + 1]; /* static: as written */
	char gateway[CONF_WIRE_ADDRESS_MAX + 1];
	struct conf_ports ephemeral; /* mode = share */
};

/* Where connections to servers come from. family 0: the stack chooses. */
struct conf_source {
	union addr addr; /* port 0 */
	uint16_t port_min, port_max; /* 0: the stack chooses */
};

/* "192.0.2.1:80" or "www.example.org:80". */
struct conf_target {
	union addr addr; /* family 0: `host` is a name that the resolver looks up; the port is in `port` */
	uint16_t port;
	char host[CONF_HOST_BYTES];
};

/* Name servers, and how long their answers count. */
struct conf_resolver {
	char servers_text[256]; /* as written */
	unsigned int n_servers;
	union addr servers[CONF_RESOLVERS_MAX];
	uint32_t timeout_ms, start_wait_ms;
	uint32_t min_ttl_ms, max_ttl_ms;
};

/* A part of one of the arrays of struct conf. */
struct conf_range {
	uint32_t first, n;
};

/* What a listener does before it looks for a server; 0: nothing, and it costs nothing. */
#define CONF_GATE_ACL 0x01 /* allow or deny */
#define CONF_GATE_SOURCE 0x02 /* max_per_source */
#define CONF_GATE_PROXY 0x04 /* a PROXY header is awaited */
#define CONF_GATE_HELLO 0x08 /* a ClientHello is awaited */
#define CONF_GATE_BYTE 0x10 /* the first byte is awaited */

enum conf_sni_unknown { CONF_SNI_POOL, CONF_SNI_REFUSE };

/*
 * One socket. A listener with several addresses or a range of ports is several of these, side by
 * side, with the same name and the same settings.
 */
struct conf_listener {
	char name[CONF_NAME_BYTES];
	int line;
	unsigned int index; /* in conf.listeners */
	unsigned int first; /* index of the first one of the same listener */
	union addr bind;
	char pool_name[CONF_NAME_BYTES];
	unsigned int pool; /* index into conf.pools */
	uint32_t idle_timeout_ms;
	uint32_t session_timeout_ms; /* 0: none */
	int backlog;
	int is_v6only; /* an IPv6 socket takes no IPv4 */
	uint32_t fast_open; /* connections with data in their SYN that may wait; 0: off */
	struct tcp_settings tcp; /* inherited by the clients' connections */
	struct conf_range cc_rules; /* of conf.rules: congestion control by the client's prefix */

	uint32_t gates; /* CONF_GATE_* */
	int proxy_protocol; /* enum proxy_accept; 0: off */
	struct conf_range proxy_from; /* of conf.rules */
	uint32_t header_timeout_ms; /* from accept to the end of the PROXY header and the ClientHello */
	uint32_t first_byte_timeout_ms; /* 0: not awaited */
	struct conf_range routes; /* of conf.routes, sorted by name */
	int sni_unknown; /* enum conf_sni_unknown */
	struct conf_range rules; /* of conf.rules */
	bool is_allow_list; /* who is in no rule is refused */
	uint32_t max_sessions; /* 0: no limit but worker.max_sessions */
	uint32_t max_per_source; /* 0: no limit */
	uint32_t accept_rate; /* a second; 0: no limit */
	uint32_t accept_burst;
};

/* Clients that name this server go to this pool. */
struct conf_route {
	char name[254]; /* as of tls_name_normalise(), or "*." and that */
	uint16_t pool;
	int line;
};

struct conf_server {
	char name[CONF_NAME_BYTES];
	int line;
	struct conf_target target;
	uint32_t weight; /* 0: no new sessions */
	int is_backup;
	uint32_t max_connections; /* 0: no limit */
	uint32_t addresses_max; /* of a name: so many of its addresses are used */
};

#define CONF_CHECK_TEXT_BYTES 256

/* Active checks of a pool's servers. */
struct conf_check {
	bool is_set;
	uint32_t interval_ms, timeout_ms;
	uint32_t rise, fall;
	uint32_t jitter_pct; /* of the interval, both ways */
	char send[CONF_CHECK_TEXT_BYTES], expect[CONF_CHECK_TEXT_BYTES]; /* "": none */
};

enum conf_balance { CONF_BALANCE_ROUND_ROBIN, CONF_BALANCE_LEAST_CONN, CONF_BALANCE_RANDOM, CONF_BALANCE_HASH };
enum conf_proxy { CONF_PROXY_OFF, CONF_PROXY_V1, CONF_PROXY_V2 };

struct conf_pool {
	char name[CONF_NAME_BYTES];
	int line;
	unsigned int index; /* in conf.pools */
	int balance; /* enum conf_balance */
	uint32_t connect_timeout_ms;
	struct tcp_settings tcp; /* of the servers' connections */
	struct conf_range cc_rules; /* of conf.rules: congestion control by the server's prefix */
	uint32_t retries; /* on other servers */
	uint32_t queue_max;
	uint32_t queue_timeout_ms;
	struct conf_source source;
	int proxy_protocol; /* enum conf_proxy, sent to the servers */
	uint32_t eject_failures; /* 0: never */
	uint32_t eject_ms, eject_max_ms;
	uint32_t slow_start_ms; /* 0: none */
	struct conf_check check;
	unsigned int n_servers;
	struct conf_server servers[CONF_SERVERS_MAX];
};

struct conf {
	int stack; /* enum conf_stack */
	uint32_t workers; /* never 0: "auto" has become a number */
	uint32_t workers_max; /* never below workers; stack = lkl: queues for so many */
	struct conf_cpus cpus;
	char user[CONF_NAME_BYTES];
	struct conf_log log;
	struct conf_metrics metrics;
	struct conf_admin admin;
	struct conf_worker worker;
	struct conf_wire wire;
	struct conf_resolver resolver;
	unsigned int n_listeners;
	struct conf_listener listeners[CONF_LISTENERS_MAX];
	unsigned int n_rules;
	struct acl_rule rules[CONF_RULES_MAX];
	unsigned int n_cc_names;
	char cc_names[CONF_CC_NAMES_MAX][TCP_SETTINGS_CC_BYTES];
	unsigned int n_routes;
	struct conf_route routes[CONF_ROUTES_MAX];
	unsigned int n_pools;
	struct conf_pool pools[CONF_POOLS_MAX];
};

/* Loops in all. */
static inline unsigned int conf_loops(const struct conf *conf)
{
	return conf->workers * conf->worker.vcpus;
}

/* The CPU that loop `index` is pinned to, or -1. Fewer CPUs than loops: several share one. */
static inline int conf_worker_cpu(const struct conf *conf, unsigned int index)
{
	return conf->cpus.n ? conf->cpus.cpu[index % conf->cpus.n] : -1;
}

/* The configuration that a listener stands in. */
static inline const struct conf *conf_of_listener(const struct conf_listener *l)
{
	return (const struct conf *)((const char *)(l - l->index) - offsetof(struct conf, listeners));
}

static inline const struct conf *conf_of_pool(const struct conf_pool *p)
{
	return (const struct conf *)((const char *)(p - p->index) - offsetof(struct conf, pools));
}

enum conf_type {
	CONF_T_STRING, /* char[max + 1] */
	CONF_T_NAME, /* char[CONF_NAME_BYTES]: letters, digits, - _ . */
	CONF_T_ENUM, /* int: index into choices */
	CONF_T_INT, /* int */
	CONF_T_COUNT, /* uint32_t */
	CONF_T_AUTO, /* the same, or "auto": 0 */
	CONF_T_CPUS, /* struct conf_cpus: "any", "all", or a list of numbers and ranges */
	CONF_T_US, /* uint32_t, in microseconds; text has a unit */
	CONF_T_MS, /* uint32_t, in milliseconds; text has a unit */
	CONF_T_SEC, /* uint32_t, in seconds; text has a unit */
	CONF_T_SIZE, /* uint64_t, in bytes; text may have k, M or G */
	CONF_T_BYTES, /* the same in uint32_t */
	CONF_T_PORTS, /* struct conf_ports: "LOW-HIGH" */
	CONF_T_TARGET, /* struct conf_target: address or name, with port */
	CONF_T_SOURCE, /* struct conf_source: "any", or an address with or without a range of ports */

	/* read by conf_listener.c: a value or a list of them */
	CONF_T_LISTS,
	CONF_T_BINDS = CONF_T_LISTS, /* addresses with a port or a range of ports */
	CONF_T_PREFIXES, /* struct conf_range of conf.rules */
	CONF_T_SERVERS, /* addresses of servers: a pool in short */
	CONF_T_ROUTES, /* any number of keys, each a server name with its pool */
	CONF_T_CC_RULES, /* any number of keys, each a prefix with a congestion control: conf_cc.c */
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
