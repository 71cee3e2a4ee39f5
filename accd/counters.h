/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counters.h - what the daemon counts, in memory that outlives its workers
 *
 * The supervisor makes one shared mapping before it forks. Each worker writes its own part and no
 * other, so nothing is locked; the supervisor reads all parts and adds them up for metrics and
 * accdctl(1). A worker that is started in another's place goes on with the same part: totals never
 * fall, except when accd itself is started again.
 *
 * The lists below are the only place where a counter is named: a line here is a member of the
 * struct, a metric, and a field of "show stat". docs/operations.md is compared with them by a test.
 *
 * Listeners, pools and servers have a slot by name, given by the supervisor (counters_assign())
 * when it has read a configuration. A name that is gone keeps its slot as long as there are free
 * ones, because sessions of it may still run; when all are taken, the slots of names that are gone
 * are given to new ones and begin at 0 again. What finds no slot counts in slot 0, "other".
 */
#ifndef ACCD_COUNTERS_H
#define ACCD_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "log.h"

/* X(member, help). Of the daemon; written by the supervisor. Metrics: accd_MEMBER */
#define COUNTERS_SUPERVISOR(X)                                                                     \
	X(worker_deaths_total, "Workers that died unasked: crashed, killed, failed")               \
	X(reloads_total, "Configurations read again and taken over")                               \
	X(reloads_refused_total, "Configurations read again and refused")                          \
	X(log_lines_total, "Lines written to the access log")                                      \
	X(log_dropped_total, "Lines of the access log dropped: a ring was full")                   \
	X(log_limited_total, "Lines of the access log left out: more than log.rate")               \
	X(log_write_failed_total, "Lines of the access log lost to write errors")                  \
	X(log_messages_total, "Messages of the error log, written or below log.level")             \
	X(log_messages_dropped_total, "Messages dropped: a ring was full, or too many in a short time") \
	X(http_requests_total, "Requests for metrics and health that were answered")               \
	X(http_refused_total, "Requests for metrics and health refused: too many in a short time") \
	X(admin_commands_total, "Commands of accdctl that were answered")                          \
	X(admin_refused_total, "Connections to the admin socket refused: too many at a time")

#define COUNTERS_SUPERVISOR_GAUGES(X)                                                              \
	X(start_time_seconds, "Time of day at which accd was started, Unix time")                  \
	X(draining, "1 from the begin of a drain")                                                 \
	X(workers, "Workers that serve")                                                           \
	X(workers_configured, "Workers there should be")

/* X(member, help). Totals of a worker. Metrics: accd_worker_MEMBER{worker="N"} */
#define COUNTERS_WORKER(X)                                                                         \
	X(sessions_total, "Sessions begun")                                                        \
	X(bytes_up_total, "Bytes delivered to servers")                                            \
	X(bytes_down_total, "Bytes delivered to clients")                                          \
	X(connect_errors_total, "Attempts to connect to a server that failed")                     \
	X(retries_total, "Attempts on another server after a failed one")                          \
	X(accept_errors_total, "accept() failed: no descriptor or memory, or the client had gone") \
	X(accept_full_total, "Times that worker.max_sessions stopped accepting")                   \
	X(resource_errors_total, "Sessions lost to no memory or no descriptor")                    \
	X(stalls_total, "Times that a receiver did not take all and its sender was held back")     \
	X(watch_requests_total, "Requests answered at metrics.stack_bind")                         \
	X(watch_refused_total, "Connections and scrapes refused there: not allowed, too many")     \
	X(resume_saved_total, "Windows of ended connections saved for acc_probe")                 \
	X(resume_used_total, "Connections of acc_probe that were given a saved window")           \
	X(resume_forgotten_total, "Saved windows that turned out too large, and were dropped")    \
	X(resume_replaced_total, "Saved windows dropped before their time: worker.resume_paths")  \
	X(cc_refused_total, "Connections for which the stack refused the congestion control of their prefix") \
	X(stale_events_total, "Events of connections closed in the same batch")

/* X(member, help). What a worker has now; set to 0 when it begins. Metrics: accd_worker_MEMBER{worker="N"} */
#define COUNTERS_WORKER_GAUGES(X)                                                                  \
	X(sessions, "Sessions open")                                                               \
	X(sessions_max, "Sessions that may be open: worker.max_sessions, or what descriptors allow") \
	X(resume_paths, "Prefixes with a saved window")                                            \
	X(is_draining, "1 from the begin of a drain")

/*
 * Of a worker's wire and stack, as of the last second; only where each worker has its own (stack
 * lkl). The members of the first three are the names of "show wires", with "wire_" before them.
 *
 * X(member, help). Metrics: accd_wire_MEMBER{worker="N"}
 */
#define COUNTERS_WIRE(X)                                                                           \
	X(rx_frames_total, "Frames received")                                                      \
	X(rx_bytes_total, "Bytes of frames received")                                              \
	X(tx_frames_total, "Frames sent")                                                          \
	X(tx_bytes_total, "Bytes of frames sent")                                                  \
	X(tx_full_total, "Times that the wire had no room; the stack waited, nothing was lost")    \
	X(calls_total, "Host calls made to move frames")                                           \
	X(waits_total, "Times that the worker slept until a frame or a timer")

/* X(member, direction, reason). Metric: accd_wire_dropped_total{worker="N",direction="D",reason="R"} */
#define COUNTERS_WIRE_DROPS(X)                                                                     \
	X(rx_dropped_total, "rx", "ring_full")                                                     \
	X(rx_malformed_total, "rx", "malformed")                                                   \
	X(rx_foreign_total, "rx", "other_vlan")                                                    \
	X(tx_errors_total, "tx", "refused")                                                        \
	X(tx_down_total, "tx", "link_down")                                                        \
	X(tx_stalled_total, "tx", "no_room")

#define COUNTERS_WIRE_GAUGES(X) X(link_down, "1 while the wire has no link")

/* X(member, group, name, help): names of the kernel. Metrics: accd_stack_MEMBER{worker="N"} */
#define COUNTERS_NET(X)                                                                            \
	X(tcp_received_segments_total, "Tcp", "InSegs", "TCP segments received")                   \
	X(tcp_sent_segments_total, "Tcp", "OutSegs", "TCP segments sent, without those sent again") \
	X(tcp_retransmitted_segments_total, "Tcp", "RetransSegs", "TCP segments sent again")       \
	X(tcp_receive_errors_total, "Tcp", "InErrs", "TCP segments received that were wrong, checksums included") \
	X(tcp_checksum_errors_total, "Tcp", "InCsumErrors", "TCP segments received with a wrong checksum") \
	X(tcp_sent_resets_total, "Tcp", "OutRsts", "TCP resets sent")                              \
	X(tcp_resets_total, "Tcp", "EstabResets", "TCP connections that ended by a reset of either side") \
	X(tcp_active_opens_total, "Tcp", "ActiveOpens", "TCP connections begun to servers")        \
	X(tcp_passive_opens_total, "Tcp", "PassiveOpens", "TCP connections taken from clients")    \
	X(tcp_failed_opens_total, "Tcp", "AttemptFails", "TCP connections that failed before they were established") \
	X(tcp_timeouts_total, "TcpExt", "TCPTimeouts", "Times that TCP's retransmission timer ran out") \
	X(tcp_listen_overflows_total, "TcpExt", "ListenOverflows", "Clients turned away: the listener's backlog was full") \
	X(tcp_listen_drops_total, "TcpExt", "ListenDrops", "Clients turned away for any reason, the backlog included") \
	X(tcp_sent_cookies_total, "TcpExt", "SyncookiesSent", "SYN cookies sent: more half-open clients than fit") \
	X(tcp_backlog_drops_total, "TcpExt", "TCPBacklogDrop", "TCP segments dropped: a socket was busy for too long") \
	X(tcp_memory_pressures_total, "TcpExt", "TCPMemoryPressures", "Times that TCP's memory became short") \
	X(tcp_memory_aborts_total, "TcpExt", "TCPAbortOnMemory", "TCP connections ended for want of memory")

#define COUNTERS_NET_GAUGES(X) X(tcp_established, "Tcp", "CurrEstab", "TCP connections established")

/* Metrics: accd_MEMBER{listener="NAME"} */
#define COUNTERS_LISTENER(X)                                                                       \
	X(sessions_total, "Sessions begun")                                                        \
	X(bytes_up_total, "Bytes delivered to servers")                                            \
	X(bytes_down_total, "Bytes delivered to clients")

#define COUNTERS_LISTENER_GAUGES(X) X(sessions, "Sessions open")

/* Metrics: accd_pool_MEMBER{pool="NAME"} */
#define COUNTERS_POOL(X)                                                                           \
	X(sessions_total, "Sessions given to the pool")                                            \
	X(connect_errors_total, "Attempts to connect that failed")                                 \
	X(retries_total, "Attempts on another server after a failed one")                          \
	X(queued_total, "Sessions that had to wait for a server with room")                        \
	X(queue_full_total, "Sessions reset because the queue was full")                           \
	X(queue_timeouts_total, "Sessions that waited for queue_timeout")                          \
	X(down_total, "Sessions reset because no server was usable")                               \
	X(resolve_errors_total, "Look-ups of a server's name that failed")                         \
	X(addresses_surplus_total, "Addresses of names beyond what is used of them")

#define COUNTERS_POOL_GAUGES(X)                                                                    \
	X(sessions, "Sessions open")                                                               \
	X(queued, "Sessions that wait for a server with room")

/* Metrics: accd_server_MEMBER{pool="NAME",server="NAME"} */
#define COUNTERS_SERVER(X)                                                                         \
	X(connects_total, "Attempts to connect")                                                   \
	X(connect_errors_total, "Attempts to connect that failed: refused, unreachable, too late") \
	X(sessions_total, "Sessions relayed")                                                      \
	X(bytes_up_total, "Bytes delivered to the server")                                         \
	X(bytes_down_total, "Bytes delivered to its clients")                                      \
	X(ejections_total, "Times that failed connections put it out of service")                  \
	X(checks_good_total, "Checks that were good")                                              \
	X(checks_bad_total, "Checks that failed")

#define COUNTERS_SERVER_GAUGES(X)                                                                  \
	X(sessions, "Sessions relayed now")                                                        \
	X(usable, "Its addresses that may get sessions; of a server without a name 0 or 1")

/* X(member, metric, bounds, help). Metrics: accd_METRIC */

/*
 * A histogram over fixed bounds: values up to bounds[i] count in buckets[i], larger ones in
 * buckets[bounds_len].
 */
#define HIST_BOUNDS_MAX 20

struct hist {
	uint64_t buckets[HIST_BOUNDS_MAX + 1];
	uint64_t sum; /* of the values, in their unit */
};

struct hist_bounds {
	unsigned int len;
	uint64_t bounds[HIST_BOUNDS_MAX];
	unsigned int per_unit; /* values per unit shown: 1000000 for microseconds shown in seconds */
};

extern const struct hist_bounds hist_time_us; /* 100 us to 1 h */
extern const struct hist_bounds hist_rtt_us; /* 10 us to 5 s */
extern const struct hist_bounds hist_bytes; /* 64 to 16 GiB */

/* X(member, metric, bounds, help) */
#define COUNTERS_LISTENER_HISTS(X)                                                                 \
	X(duration, "session_duration_seconds", hist_time_us, "Time from accept to the end of a session") \
	X(bytes_up, "session_up_bytes", hist_bytes, "Bytes of a session delivered to its server")  \
	X(bytes_down, "session_down_bytes", hist_bytes, "Bytes of a session delivered to its client") \
	X(srtt, "client_srtt_seconds", hist_rtt_us, "Smoothed round-trip time of a client's connection at its end")

#define COUNTERS_POOL_HISTS(X)                                                                     \
	X(connect, "pool_connect_seconds", hist_time_us, "Time from accept until a server accepted") \
	X(srtt, "pool_srtt_seconds", hist_rtt_us, "Smoothed round-trip time of a server's connection at its end")

/* Metrics: accd_cc_MEMBER{cc="NAME",side="client|server"} */
#define COUNTERS_CC(X)                                                                             \
	X(connections_total, "Connections established, or changed to the algorithm")               \
	X(retransmits_total, "Segments sent again, of connections that have ended")

#define COUNTERS_CC_GAUGES(X) X(connections, "Connections open")

#define COUNTERS_CC_HISTS(X)                                                                       \
	X(srtt, "cc_srtt_seconds", hist_rtt_us, "Smoothed round-trip time of a connection at its end")

#define COUNTERS__U64(member, ...) uint64_t member;
#define COUNTERS__HIST(member, ...) struct hist member;

struct counters_supervisor {
	COUNTERS_SUPERVISOR(COUNTERS__U64)
	COUNTERS_SUPERVISOR_GAUGES(COUNTERS__U64)
};

/* Of a worker as a whole. Written by its loop. */
struct counters {
	COUNTERS_WORKER(COUNTERS__U64)
	COUNTERS_WORKER_GAUGES(COUNTERS__U64)
	uint64_t starts; /* processes that had this part */
	uint64_t ends_total[LOG_CAUSE__COUNT];
};

/* Written by the worker's loop once a second: sample.h. */
struct counters_stack {
	uint64_t samples_total; /* 0: nothing to show */
#define COUNTERS__WIRE(member, ...) uint64_t wire_##member;
	COUNTERS_WIRE(COUNTERS__WIRE)
	COUNTERS_WIRE_DROPS(COUNTERS__WIRE)
	COUNTERS_WIRE_GAUGES(COUNTERS__WIRE)
#undef COUNTERS__WIRE
	COUNTERS_NET(COUNTERS__U64)
	COUNTERS_NET_GAUGES(COUNTERS__U64)
};

struct counters_listener {
	COUNTERS_LISTENER(COUNTERS__U64)
	COUNTERS_LISTENER_GAUGES(COUNTERS__U64)
	uint64_t ends_total[LOG_CAUSE__COUNT];
	COUNTERS_LISTENER_HISTS(COUNTERS__HIST)
};

struct counters_pool {
	COUNTERS_POOL(COUNTERS__U64)
	COUNTERS_POOL_GAUGES(COUNTERS__U64)
	COUNTERS_POOL_HISTS(COUNTERS__HIST)
};

struct counters_server {
	COUNTERS_SERVER(COUNTERS__U64)
	COUNTERS_SERVER_GAUGES(COUNTERS__U64)
};

/*
 * Of a worker's connections by congestion control, towards clients [0] and servers [1]. The worker
 * gives the places to names as it meets them; they stay. Place 0 is "other": those that found none.
 */
#define COUNTERS_CC_MAX 48
#define COUNTERS_CC_NAME_BYTES LOG_CC_BYTES

struct counters_cc_side {
	COUNTERS_CC(COUNTERS__U64)
	COUNTERS_CC_GAUGES(COUNTERS__U64)
	COUNTERS_CC_HISTS(COUNTERS__HIST)
};

struct counters_cc {
	char name[COUNTERS_CC_NAME_BYTES]; /* "": free, and so are those behind it */
	struct counters_cc_side sides[2];
};

/* Twice what a configuration may hold: one that is drained beside its successor. Slot 0: "other". */
#define COUNTERS_LISTENERS_MAX (2 * CONF_LISTENERS_MAX + 1)
#define COUNTERS_POOLS_MAX (2 * CONF_POOLS_MAX + 1)
#define COUNTERS_SERVERS_MAX (2 * CONF_POOLS_MAX * CONF_SERVERS_MAX + 1)

struct counters_worker {
	_Alignas(4096) struct counters all;
	struct counters_stack stack;
	struct counters_listener listeners[COUNTERS_LISTENERS_MAX];
	struct counters_pool pools[COUNTERS_POOLS_MAX];
	struct counters_server servers[COUNTERS_SERVERS_MAX];
	struct counters_cc cc[COUNTERS_CC_MAX];
};

enum counters_slot_state {
	COUNTERS_SLOT_FREE,
	COUNTERS_SLOT_OLD, /* not in the configuration any more */
	COUNTERS_SLOT_USED,
};

struct counters_slot {
	uint8_t state; /* enum counters_slot_state */
	char pool[CONF_NAME_BYTES]; /* of a server */
	char name[CONF_NAME_BYTES];
};

/* Names are written by the supervisor while no worker looks them up. */
struct counters_map {
	unsigned int n_workers;
	size_t map_bytes;
	struct counters_supervisor supervisor;
	struct counters_slot listeners[COUNTERS_LISTENERS_MAX];
	struct counters_slot pools[COUNTERS_POOLS_MAX];
	struct counters_slot servers[COUNTERS_SERVERS_MAX];
	struct counters_worker workers[];
};

/* [supervisor, before the fork] NULL: no memory. Pages are touched only when used. */
struct counters_map *counters_new(unsigned int n_workers);
void counters_free(struct counters_map *map);

/* [supervisor] Give slots to the names of a configuration, before a worker works with it. */
void counters_assign(struct counters_map *map, const struct conf *conf);

/* [supervisor, before the fork of worker `index`] What it had open went with its predecessor. */
void counters_worker_begins(struct counters_map *map, unsigned int index);

/* [worker] Its part for a listener, pool or server; that of "other" if the name has none. Never NULL. */
struct counters_listener *counters_listener(struct counters_map *map, unsigned int worker,
					    const char *name);
struct counters_pool *counters_pool(struct counters_map *map, unsigned int worker, const char *name);
struct counters_server *counters_server(struct counters_map *map, unsigned int worker,
					const char *pool, const char *name);

/* [loop] */
void hist_add(struct hist *h, const struct hist_bounds *bounds, uint64_t value);

/* [any reader] Of a word that another process writes. */
static inline uint64_t counters_read(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

#endif /* ACCD_COUNTERS_H */
