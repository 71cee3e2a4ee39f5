/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor.h - the parent process, for those who add something to it
 *
 * One thread, one event loop (evloop.h): nothing in here may block. Sockets of your own (admin,
 * metrics) become sources of sup->loop in supervisor_services_start() in supervisor.c.
 */
#ifndef ACCD_SUPERVISOR_H
#define ACCD_SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"
#include "control.h"
#include "evloop.h"
#include "limit.h"
#include "modules.h"
#include "privilege.h"
#include "stack.h"

struct log;
struct reload;
struct sock_set;
struct supervisor;

#define WORKERS_MAX CONF_WORKERS_MAX

/*
 *              fork                READY                     TERM or INT told
 *   NONE ──────────────▶ STARTING ───────▶ RUNNING ────────────────────────────▶ ENDING ──▶ NONE
 *                         ▲   │ died          │ died
 *                         │   ▼               ▼
 *                        WAITING (back-off) ◀─┘ ── too often ──▶ GIVEN_UP
 */
enum proc_state {
	PROC_NONE,
	PROC_STARTING,
	PROC_RUNNING,
	PROC_ENDING,
	PROC_WAITING,
	PROC_GIVEN_UP,
};

/*
 * One loop's place; the process in it changes. A worker with several vCPUs has as many places next
 * to each other, and is its first one where it is started, ended, killed and counted.
 */
struct worker_proc {
	struct supervisor *sup;
	unsigned int index; /* 0 to n_workers - 1: never moves */
	enum proc_state state;
	pid_t pid; /* 0: none */
	struct control_peer peer;
	uint64_t forked_us, ready_us, died_us; /* monotonic; 0: not yet */
	unsigned int strikes; /* deaths in a row, each soon after the start and without a session */
	uint64_t sessions_before; /* counted when it was forked */
	struct limit_rate restarts; /* that need not wait */
	uint64_t conf_serial; /* of the configuration it has */
	unsigned int n_modules; /* of sup->modules, that it was forked with */
	struct sock_set *socks; /* its listening sockets, if the supervisor makes them */
	uint64_t deaths_total; /* of this place: crashes, kills, failures */
	struct evloop_timer timer; /* WAITING: the next fork; ENDING: SIGKILL */
	struct evloop_timer ping_timer;
	unsigned int pings_lost; /* in a row */
	char failed[256]; /* the worker's own words before it failed */
};

enum supervisor_phase { PHASE_STARTING, PHASE_SERVING, PHASE_DRAINING, PHASE_STOPPING };

struct supervisor {
	const struct stack_ops *ops;
	const struct conf *conf; /* the one in force */
	uint64_t conf_serial; /* 1, 2, ... */
	const char *conf_path;
	int stack_override;
	struct worker_args args; /* with the counters and the log's rings */
	struct log *log;
	struct privilege privilege;
	pid_t keeper_pid; /* keeper.c; 0: none */
	int keeper_fd;
	pid_t pid;
	struct evloop loop;
	struct evloop_fd signal_src;
	enum supervisor_phase phase;
	int status; /* of the daemon */
	unsigned int vcpus; /* places that are one process */
	unsigned int n_workers; /* places: processes times vcpus */
	unsigned int workers_max; /* places in the shared memory: what a reload may ask for */
	struct worker_proc procs[WORKERS_MAX];
	char release[65]; /* the stack's kernel */
	uint64_t restarts_total; /* workers replaced */
	struct reload *reload; /* under way */
	struct module_set modules; /* loaded into all workers */
	uint64_t reloads_total, reloads_refused_total;
	bool is_steered; /* a program chooses among the sockets of an address */
	struct evloop_timer watchdog_timer;
};

/* i: the first place of each worker there can be. */
#define for_each_worker(sup, i) for ((i) = 0; (i) + (sup)->vcpus <= WORKERS_MAX; (i) += (sup)->vcpus)

/*
 * Run until the workers have ended; returns the exit status of the daemon. Takes `conf` over. path
 * and stack_override are what conf_load() was given, for reloads.
 */
int supervisor_run(const struct stack_ops *ops, struct conf *conf, const char *path,
		   int stack_override);

/*
 * [child, after fork] Close all but what setup() took, the standard streams and what is p's, p being
 * a worker's first place. control_fds: one for each of its places.
 */
void supervisor_close_private(const struct worker_proc *p, const int *control_fds);

/* A new configuration is in force; owns it. */
void supervisor_conf_set(struct supervisor *sup, struct conf *conf);

/* How many places a configuration asks for. */
unsigned int supervisor_workers_wanted(const struct conf *conf);

/* As the signals do. drain: again while draining makes it stop. */
void supervisor_drain(struct supervisor *sup);
void supervisor_stop(struct supervisor *sup);

/* ---- keeper.c ---- */

/* [one thread, as root] After stack_ops.setup(). 0 or -errno. */
int keeper_start(struct supervisor *sup);
/* Give back what was taken, and wait until that is done. */
void keeper_stop(struct supervisor *sup);

/* ---- reload.c ---- */

/* status: 0, or -errno and in `text` why, one line each. */
typedef void (*supervisor_reload_fn)(void *ctx, int status, const char *text);

/* Read the file again. fn (may be NULL) is called once, perhaps before this returns. */
void supervisor_reload(struct supervisor *sup, supervisor_reload_fn fn, void *ctx);

/* The first sockets. 0, or -errno with a sentence in err. */
int supervisor_socks_open(struct supervisor *sup, char *err, size_t err_len);
void supervisor_socks_close(struct worker_proc *p);

/* ---- workers.c ---- */

/* It goes on until its last session ends, without new ones, and is not replaced. */
void worker_retire(struct worker_proc *p);

void workers_init(struct supervisor *sup, unsigned int n, unsigned int vcpus);
/* Fork all. 0 or -errno. */
int workers_start(struct supervisor *sup);
/* SIGCHLD has come. */
void workers_reap(struct supervisor *sup);
/* Signal all that live; kill those that are still there after kill_ms. */
void workers_end(struct supervisor *sup, int sig, uint32_t kill_ms);
/* Processes there are. */
unsigned int workers_alive(const struct supervisor *sup);
/* supervisor.c: something happened to the workers. */
void supervisor_workers_changed(struct supervisor *sup);

#endif /* ACCD_SUPERVISOR_H */
