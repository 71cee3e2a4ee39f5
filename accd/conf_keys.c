// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_keys.c - the sections and keys of accd.conf: names, types, defaults, bounds, help
 *
 * The only place where these stand. accd.conf(5) is compared with the table by a test, in both
 * directions and with the defaults.
 */
#include <limits.h>
#include <stddef.h>

#include "conf.h"
#include "conf_schema.h"

#define DAY_MS (24LL * 3600 * 1000)

const struct conf_section conf_sections[] = {
	{ "log", false, false },       { "worker", false, false },
	{ "wire", false, false }, /* required for stack = lkl: check_wire() */
	{ "listener", true, true },    { "listener.sni", false, false },
	{ "listener.congestion_control_for", false, false },
	{ "pool", true, false }, /* or a server in each listener: conf_listener.c */
	{ "pool.server", true, true }, { "pool.check", false, false },
	{ "pool.congestion_control_for", false, false },
	{ "resolver", false, false },
	{ "metrics", false, false },   { "admin", false, false },
};

const unsigned int conf_sections_len = sizeof(conf_sections) / sizeof(conf_sections[0]);

/* The TCP settings of a connection: the same keys in listener and pool (sockopt.h). */
#define TCP_KEYS(section, parent)                                                                  \
	{ section, "congestion_control", CONF_T_STRING, "default", 1, TCP_SETTINGS_CC_BYTES - 1,   \
	  NULL, offsetof(parent, tcp.congestion_control),                                          \
	  "congestion control by the stack's name for it; default: what the stack uses" },         \
	{ section, "nodelay", CONF_T_ENUM, "on", 0, 0, "off|on",                                   \
	  offsetof(parent, tcp.is_nodelay), "TCP_NODELAY: send what is there, wait for no more" }, \
	{ section, "mptcp", CONF_T_ENUM, "off", 0, 0, "off|on", offsetof(parent, tcp.is_mptcp),    \
	  "Multipath TCP, where the peer has it, too" },                                           \
	{ section, "keep_alive_idle", CONF_T_SEC, "0", 0, 32767, NULL,                             \
	  offsetof(parent, tcp.keep_alive_idle_sec),                                               \
	  "silence before the first keep-alive probe; 0: no probes" },                             \
	{ section, "keep_alive_interval", CONF_T_SEC, "10s", 1, 32767, NULL,                       \
	  offsetof(parent, tcp.keep_alive_interval_sec), "time between keep-alive probes" },       \
	{ section, "keep_alive_count", CONF_T_COUNT, "3", 1, 127, NULL,                            \
	  offsetof(parent, tcp.keep_alive_count),                                                  \
	  "probes without an answer before a connection is lost" },                                \
	{ section, "user_timeout", CONF_T_MS, "0", 0, DAY_MS, NULL,                                \
	  offsetof(parent, tcp.user_timeout_ms),                                                   \
	  "how long sent data may stay unacknowledged; 0: what the stack uses" },                  \
	{ section, "notsent_lowat", CONF_T_BYTES, "0", 0, 1 << 30, NULL,                           \
	  offsetof(parent, tcp.notsent_lowat_bytes),                                               \
	  "bytes not sent yet that may wait in a socket; 0: what the stack uses" },                \
	{ section, "send_buffer", CONF_T_BYTES, "0", 0, 1 << 30, NULL,                             \
	  offsetof(parent, tcp.send_buffer_bytes), "fixed send buffer; 0: the stack adapts it" },  \
	{ section, "receive_buffer", CONF_T_BYTES, "0", 0, 1 << 30, NULL,                          \
	  offsetof(parent, tcp.receive_buffer_bytes),                                              \
	  "fixed receive buffer; 0: the stack adapts it" }

const struct conf_key conf_keys[] = {
	{ "", "stack", CONF_T_ENUM, "lkl", 0, 0, "lkl|host",
	  offsetof(struct conf, stack),
	  "TCP/IP stack that carries the sessions" },

	{ "", "workers", CONF_T_AUTO, "1", 1, CONF_WORKERS_MAX, NULL,
	  offsetof(struct conf, workers),
	  "worker processes; auto: one for each CPU of cpus, or that accd may use" },
	{ "", "workers_max", CONF_T_AUTO, "auto", 1, CONF_WORKERS_MAX, NULL,
	  offsetof(struct conf, workers_max),
	  "workers that a reload may ask for (stack = lkl); auto: no more than there are at the start" },
	{ "", "cpus", CONF_T_CPUS, "any", 0, CONF_CPUS_MAX - 1, NULL, offsetof(struct conf, cpus),
	  "CPUs that workers are pinned to, in turn: numbers and ranges with commas between; all: those that accd may use; any: not pinned" },
	{ "", "user", CONF_T_NAME, "accd", 0, 0, NULL, offsetof(struct conf, user),
	  "who the processes run as after the set-up" },

	{ "log", "access", CONF_T_STRING, "-", 1, PATH_MAX - 1, NULL,
	  offsetof(struct conf_log, access),
	  "where a line per session goes: a path, \"-\" for stdout, \"syslog\", \"syslog:PATH\" or \"off\"" },
	{ "log", "format", CONF_T_ENUM, "text", 0, 0, "text|json",
	  offsetof(struct conf_log, format), "form of the access log's lines" },
	{ "log", "rate", CONF_T_COUNT, "0", 0, 10000000, NULL,
	  offsetof(struct conf_log, rate),
	  "lines of the access log a second, more are counted and left out; 0: no limit" },
	{ "log", "error", CONF_T_STRING, "-", 1, PATH_MAX - 1, NULL,
	  offsetof(struct conf_log, error),
	  "where messages go: a path, \"-\" for stderr, \"syslog\", \"syslog:PATH\" or \"off\"" },
	{ "log", "level", CONF_T_ENUM, "info", 0, 0,
	  "error|warning|notice|info|debug", offsetof(struct conf_log, level),
	  "messages of this weight and above are written" },

	{ "metrics", "bind", CONF_T_STRING, "off", 1, CONF_SERVICE_BYTES - 1, NULL,
	  offsetof(struct conf_metrics, bind),
	  "where metrics and health are served: ADDRESS:PORT, PORT on 127.0.0.1, unix:/PATH, or off" },
	{ "metrics", "rate", CONF_T_COUNT, "10", 0, 100000, NULL,
	  offsetof(struct conf_metrics, rate),
	  "scrapes a second that are answered; 0: all" },
	{ "metrics", "stack_bind", CONF_T_STRING, "off", 1, CONF_SERVICE_BYTES - 1, NULL,
	  offsetof(struct conf_metrics, stack_bind),
	  "the same inside the stack: ADDRESS:PORT, or off" },
	{ "metrics", "allow", CONF_T_STRING, "none", 1, 511, NULL,
	  offsetof(struct conf_metrics, allow),
	  "prefixes that may come to stack_bind, between blanks, or none" },

	{ "admin", "bind", CONF_T_STRING, "off", 1, CONF_SERVICE_BYTES - 1, NULL,
	  offsetof(struct conf_admin, bind),
	  "socket for accdctl(1): unix:/PATH, or off" },
	{ "admin", "mode", CONF_T_STRING, "0600", 1, 7, NULL,
	  offsetof(struct conf_admin, mode), "permissions of the admin socket" },
	{ "admin", "owner", CONF_T_STRING, "root", 1, 63, NULL,
	  offsetof(struct conf_admin, owner),
	  "owner of the admin socket: USER, USER:GROUP or :GROUP" },

	{ "worker", "cpu", CONF_T_INT, "-1", -1, CONF_CPUS_MAX - 1, NULL,
	  offsetof(struct conf_worker, cpu),
	  "CPU that all workers are pinned to, in place of cpus; -1: cpus says it" },
	{ "worker", "memory", CONF_T_SIZE, "512M", 32LL << 20, 64LL << 30, NULL,
	  offsetof(struct conf_worker, memory_bytes),
	  "memory of the stack instance (stack = lkl only)" },
	{ "worker", "spin", CONF_T_US, "50us", 0, 1000000, NULL,
	  offsetof(struct conf_worker, spin_us),
	  "how long an idle worker polls at most before it sleeps (stack = lkl only)" },
	{ "worker", "drain_timeout", CONF_T_MS, "30s", 0, DAY_MS, NULL,
	  offsetof(struct conf_worker, drain_timeout_ms),
	  "how long sessions may go on after SIGTERM" },
	{ "worker", "max_sessions", CONF_T_COUNT, "20000", 1, 1000000, NULL,
	  offsetof(struct conf_worker, max_sessions),
	  "sessions at a time; more wait in the listeners' backlog" },

	{ "worker", "relay", CONF_T_ENUM, "stack", 0, 0, "copy|splice|stack",
	  offsetof(struct conf_worker, relay),
	  "the last way of moving bytes that is used, each with those before it" },
	{ "worker", "modules", CONF_T_STRING, "", 0, CONF_MODULES_BYTES, NULL,
	  offsetof(struct conf_worker, modules),
	  "files of kernel modules with congestion controls, between blanks, loaded at the start (stack = lkl only)" },
	{ "worker", "resume_paths", CONF_T_COUNT, "4096", 0, 1 << 20, NULL,
	  offsetof(struct conf_worker, resume_paths),
	  "prefixes whose last window is kept for acc_probe; 0: none" },
	{ "worker", "resume_lifetime", CONF_T_MS, "1h", 1000, 30 * DAY_MS, NULL,
	  offsetof(struct conf_worker, resume_lifetime_ms),
	  "how long a window is kept for acc_probe" },
	{ "worker", "read_size", CONF_T_BYTES, "256k", 4096, CONF_READ_BYTES_MAX, NULL,
	  offsetof(struct conf_worker, read_bytes),
	  "bytes that one read takes at most; below 64k no transfer counts as bulk" },
	{ "worker", "calls", CONF_T_ENUM, "task", 0, 0, "task|thread",
	  offsetof(struct conf_worker, calls),
	  "the loop is a task of the instance, or a thread outside of it (stack = lkl only)" },
	{ "worker", "vcpus", CONF_T_COUNT, "1", 1, CONF_WORKERS_MAX, NULL,
	  offsetof(struct conf_worker, vcpus),
	  "loops of a worker, each on a virtual CPU of its one stack instance (stack = host: threads)" },
	{ "worker", "wire_thread", CONF_T_ENUM, "off", 0, 0, "off|on",
	  offsetof(struct conf_worker, has_wire_thread),
	  "frames are moved by a thread of their own (stack = lkl only)" },

	{ "wire", "type", CONF_T_ENUM, "packet", 0, 0, "packet|xdp|tap|pair|socket|pcap",
	  offsetof(struct conf_wire, type), "mechanism that moves frames" },
	{ "wire", "interface", CONF_T_STRING, "", 0, IFNAMSIZ - 1, NULL,
	  offsetof(struct conf_wire, interface),
	  "network interface that the stack works on" },
	{ "wire", "options", CONF_T_STRING, "", 0, CONF_WIRE_OPTIONS_MAX, NULL,
	  offsetof(struct conf_wire, options),
	  "further options of the wire, KEY=VALUE,KEY=VALUE" },
	{ "wire", "address", CONF_T_STRING, "", 0, CONF_WIRE_ADDRESS_MAX, NULL,
	  offsetof(struct conf_wire, address),
	  "mode static: the stack's addresses with their prefix lengths" },
	{ "wire", "gateway", CONF_T_STRING, "", 0, CONF_WIRE_ADDRESS_MAX, NULL,
	  offsetof(struct conf_wire, gateway),
	  "mode static: default routers" },
	{ "wire", "mode", CONF_T_ENUM, "own", 0, 0, "own|static|share",
	  offsetof(struct conf_wire, mode),
	  "own: the interface's addresses move into the stack, and back at exit; static: the stack has wire.address; share: the host keeps its addresses, the stack has the listeners' ports and wire.ephemeral" },
	{ "wire", "ephemeral", CONF_T_PORTS, "61000-65535", 0, 0, NULL,
	  offsetof(struct conf_wire, ephemeral),
	  "ports of the stack's own connections (mode = share only)" },
	{ "wire", "offloads", CONF_T_ENUM, "all", 0, 0, "none|csum|tso|all",
	  offsetof(struct conf_wire, offloads),
	  "the last work on frames that is left to the wire, each with those before it" },
	{ "wire", "batch", CONF_T_ENUM, "on", 0, 0, "off|on", offsetof(struct conf_wire, is_batched),
	  "frames to send wait for each other, so that one host call takes them all" },

	{ "listener", "bind", CONF_T_BINDS, NULL, 0, 0, NULL, 0,
	  "address and port, or range of ports, to accept clients on" },
	{ "listener", "pool", CONF_T_NAME, NULL, 0, 0, NULL,
	  offsetof(struct conf_listener, pool_name),
	  "pool that serves the sessions (or server = ADDRESS)" },
	{ "listener", "server", CONF_T_SERVERS, "none", 0, 0, NULL, 0,
	  "servers of a pool that this listener has for itself, in place of pool" },
	{ "listener", "idle_timeout", CONF_T_MS, "5m", 100, 30 * DAY_MS, NULL,
	  offsetof(struct conf_listener, idle_timeout_ms),
	  "a session without a byte for this long is reset" },
	{ "listener", "session_timeout", CONF_T_MS, "0", 0, 30 * DAY_MS, NULL,
	  offsetof(struct conf_listener, session_timeout_ms),
	  "a session that lasts this long is reset; 0: no limit" },
	{ "listener", "backlog", CONF_T_INT, "1024", 1, 65535, NULL,
	  offsetof(struct conf_listener, backlog),
	  "connections that may wait to be accepted" },
	{ "listener", "v6only", CONF_T_ENUM, "on", 0, 0, "off|on",
	  offsetof(struct conf_listener, is_v6only),
	  "an IPv6 address takes IPv6 clients only; off: [::] takes IPv4 clients, too" },
	{ "listener", "max_sessions", CONF_T_COUNT, "0", 0, 1000000, NULL,
	  offsetof(struct conf_listener, max_sessions),
	  "sessions at a time, more wait in the backlog; 0: no limit of its own" },
	{ "listener", "max_per_source", CONF_T_COUNT, "0", 0, 1000000, NULL,
	  offsetof(struct conf_listener, max_per_source),
	  "sessions at a time of one client address, more are reset; 0: no limit" },
	{ "listener", "accept_rate", CONF_T_COUNT, "0", 0, 1000000, NULL,
	  offsetof(struct conf_listener, accept_rate),
	  "clients accepted a second, more wait in the backlog; 0: no limit" },
	{ "listener", "accept_burst", CONF_T_COUNT, "0", 0, 1000000, NULL,
	  offsetof(struct conf_listener, accept_burst),
	  "clients that accept_rate lets pass at once; 0: as many as in a second" },
	{ "listener", "allow", CONF_T_PREFIXES, "none", 0, 0, NULL,
	  offsetof(struct conf_listener, rules), "prefixes of client addresses that are allowed" },
	{ "listener", "deny", CONF_T_PREFIXES, "none", 0, 0, NULL,
	  offsetof(struct conf_listener, rules), "prefixes of client addresses that are refused" },
	{ "listener", "proxy_protocol", CONF_T_ENUM, "off", 0, 0, "off|v1|v2|any",
	  offsetof(struct conf_listener, proxy_protocol),
	  "PROXY header that every connection must begin with" },
	{ "listener", "proxy_protocol_from", CONF_T_PREFIXES, "none", 0, 0, NULL,
	  offsetof(struct conf_listener, proxy_from),
	  "prefixes of the proxies that are believed; required with proxy_protocol" },
	{ "listener", "header_timeout", CONF_T_MS, "5s", 10, 3600 * 1000, NULL,
	  offsetof(struct conf_listener, header_timeout_ms),
	  "how long a PROXY header and a ClientHello may take" },
	{ "listener", "first_byte_timeout", CONF_T_MS, "0", 0, DAY_MS, NULL,
	  offsetof(struct conf_listener, first_byte_timeout_ms),
	  "how long the client's first byte may take, before a server is looked for; 0: not awaited" },
	{ "listener", "sni_unknown", CONF_T_ENUM, "pool", 0, 0, "pool|refuse",
	  offsetof(struct conf_listener, sni_unknown),
	  "with sni: where clients go whose server name has no route, or who name none" },
	{ "listener", "fast_open", CONF_T_COUNT, "0", 0, 65535, NULL,
	  offsetof(struct conf_listener, fast_open),
	  "connections with data in their SYN (TCP Fast Open) that may wait; 0: off" },
	TCP_KEYS("listener", struct conf_listener),

	{ "listener.sni", "NAME", CONF_T_ROUTES, "none", 0, 0, NULL, 0,
	  "pool of the clients that ask for this server name" },

	{ "listener.congestion_control_for", "PREFIX", CONF_T_CC_RULES, "none", 0, 0, NULL, 0,
	  "congestion control towards clients whose address lies in this prefix" },

	{ "pool", "connect_timeout", CONF_T_MS, "5s", 100, 3600 * 1000, NULL,
	  offsetof(struct conf_pool, connect_timeout_ms),
	  "how long one server may take to accept a connection" },
	TCP_KEYS("pool", struct conf_pool),

	{ "pool", "balance", CONF_T_ENUM, "round_robin", 0, 0,
	  "round_robin|least_conn|random|hash", offsetof(struct conf_pool, balance),
	  "rule that chooses a session's server" },
	{ "pool", "retries", CONF_T_COUNT, "3", 0, CONF_RETRIES_MAX, NULL,
	  offsetof(struct conf_pool, retries),
	  "other servers tried when one does not accept the connection" },
	{ "pool", "queue", CONF_T_COUNT, "1024", 0, 1000000, NULL,
	  offsetof(struct conf_pool, queue_max),
	  "sessions that may wait when all servers have max_connections" },
	{ "pool", "queue_timeout", CONF_T_MS, "5s", 50, 3600 * 1000, NULL,
	  offsetof(struct conf_pool, queue_timeout_ms),
	  "how long a session may wait in the queue" },
	{ "pool", "source", CONF_T_SOURCE, "any", 0, 0, NULL,
	  offsetof(struct conf_pool, source),
	  "address, with or without a range of ports, that connections to servers come from" },
	{ "pool", "proxy_protocol", CONF_T_ENUM, "off", 0, 0, "off|v1|v2",
	  offsetof(struct conf_pool, proxy_protocol),
	  "PROXY header sent to the servers" },
	{ "pool", "eject_failures", CONF_T_COUNT, "3", 0, 1000, NULL,
	  offsetof(struct conf_pool, eject_failures),
	  "failed connections in a row that eject a server for a time; 0: never" },
	{ "pool", "eject_time", CONF_T_MS, "10s", 100, DAY_MS, NULL,
	  offsetof(struct conf_pool, eject_ms),
	  "how long the first ejection lasts; each one that follows lasts twice as long" },
	{ "pool", "eject_time_max", CONF_T_MS, "5m", 100, DAY_MS, NULL,
	  offsetof(struct conf_pool, eject_max_ms), "the longest ejection" },
	{ "pool", "slow_start", CONF_T_MS, "0", 0, 3600 * 1000, NULL,
	  offsetof(struct conf_pool, slow_start_ms),
	  "how long the weight of a server that came back grows; 0: it is whole at once" },

	{ "pool.congestion_control_for", "PREFIX", CONF_T_CC_RULES, "none", 0, 0, NULL, 0,
	  "congestion control towards servers whose address lies in this prefix" },

	{ "pool.check", "interval", CONF_T_MS, "2s", 100, 3600 * 1000, NULL,
	  offsetof(struct conf_check, interval_ms), "time between the checks of a server" },
	{ "pool.check", "timeout", CONF_T_MS, "1s", 50, 3600 * 1000, NULL,
	  offsetof(struct conf_check, timeout_ms),
	  "how long a check may take, answer included" },
	{ "pool.check", "rise", CONF_T_COUNT, "2", 1, 100, NULL,
	  offsetof(struct conf_check, rise), "good checks in a row that bring a server up" },
	{ "pool.check", "fall", CONF_T_COUNT, "3", 1, 100, NULL,
	  offsetof(struct conf_check, fall), "bad checks in a row that take a server down" },
	{ "pool.check", "jitter", CONF_T_COUNT, "10", 0, 50, NULL,
	  offsetof(struct conf_check, jitter_pct),
	  "percent of the interval by which it varies at random, both ways" },
	{ "pool.check", "send", CONF_T_STRING, "", 0, CONF_CHECK_TEXT_BYTES - 1, NULL,
	  offsetof(struct conf_check, send), "what is sent once connected" },
	{ "pool.check", "expect", CONF_T_STRING, "", 0, CONF_CHECK_TEXT_BYTES - 1, NULL,
	  offsetof(struct conf_check, expect),
	  "what the first 16 KiB of the answer must hold" },

	{ "pool.server", "address", CONF_T_TARGET, NULL, 0, 0, NULL,
	  offsetof(struct conf_server, target),
	  "address or name, and port, of the server" },
	{ "pool.server", "weight", CONF_T_COUNT, "1", 0, 256, NULL,
	  offsetof(struct conf_server, weight),
	  "share of the sessions, in proportion to the other servers'; 0: none" },
	{ "pool.server", "backup", CONF_T_ENUM, "no", 0, 0, "no|yes",
	  offsetof(struct conf_server, is_backup),
	  "yes: used only while no other server is usable" },
	{ "pool.server", "max_connections", CONF_T_COUNT, "0", 0, 1000000, NULL,
	  offsetof(struct conf_server, max_connections),
	  "connections at a time; more sessions wait in the pool's queue; 0: no limit" },
	{ "pool.server", "addresses", CONF_T_COUNT, "8", 1, 16, NULL,
	  offsetof(struct conf_server, addresses_max),
	  "of a name that has several addresses, so many are used, each as a server" },

	{ "resolver", "servers", CONF_T_STRING, "system", 1, 255, NULL,
	  offsetof(struct conf_resolver, servers_text),
	  "addresses of name servers, with blanks between them; system: those of /etc/resolv.conf" },
	{ "resolver", "timeout", CONF_T_MS, "2s", 100, 60 * 1000, NULL,
	  offsetof(struct conf_resolver, timeout_ms), "how long a name server may take to answer" },
	{ "resolver", "start_wait", CONF_T_MS, "3s", 0, 60 * 1000, NULL,
	  offsetof(struct conf_resolver, start_wait_ms),
	  "how long the start waits for the first answers" },
	{ "resolver", "min_ttl", CONF_T_MS, "1s", 100, DAY_MS, NULL,
	  offsetof(struct conf_resolver, min_ttl_ms), "a name is not looked up more often than this" },
	{ "resolver", "max_ttl", CONF_T_MS, "1h", 100, DAY_MS, NULL,
	  offsetof(struct conf_resolver, max_ttl_ms), "a name is not looked up less often than this" },
};

const unsigned int conf_keys_len = sizeof(conf_keys) / sizeof(conf_keys[0]);

_Static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) <= CONF_KEYS_MAX, "conf_schema.h");
