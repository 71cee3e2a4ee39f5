// SPDX-License-Identifier: GPL-2.0-only
/*
 * workers.c - the supervisor's children: fork, replace, end
 *
 * A worker is forked from the supervisor, whenever that happens: it inherits what stack_ops.setup()
 * took (wires, addresses) and nothing else. Everything that was opened before the event loop was
 * made is what it may keep, plus its end of its control channel; every other descriptor is closed
 * in the child (admin connections, signal descriptor, the other workers' channels).
 *
 * Replacement. A worker that ends unasked is replaced at once: fork, and the wire's queue and the
 * listening sockets, which the supervisor holds, go on with the new one. Its sessions are lost:
 * their peers get RST from the new instance, which does not know the connections (lkl), or from the
 * host's kernel (host).
 *
 * Bound on a storm: a death within STABLE_MS of READY, or before it, is a strike if the worker had no
 * session; one that served or lived longer clears them. STRIKES_FREE strikes are replaced at once,
 * the next ones after 100 ms, 200 ms, ... up to BACKOFF_MAX_MS. After STRIKES_MAX the place is given
 * up: the other workers go on, and without any left the daemon ends with status 1. A reload tries a
 * place again that was given up. Workers that die after they served (a session that kills them, an
 * operator with SIGKILL) are replaced at once RESTARTS_BURST times, then RESTARTS_RATE times a
 * second. A failure before the daemon was ready for the first time is not retried: wrong
 * configurations are said at once.
 *
 * A worker is pinged every PING_MS. One that does not answer is said; after PINGS_LOST_MAX it gets
 * SIGABRT (its back trace says where it hung) and is replaced like any other.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "counters.h"
#include "crash.h"
#include "err.h"
#include "supervisor.h"
#include "worker.h"

#define STABLE_MS 2000
#define STRIKES_FREE 3
#define STRIKES_MAX 20
#define RESTARTS_BURST 64 /* each costs some 30 ms of CPU time */
#define RESTARTS_RATE 1 /* a second */
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define PING_MS 5000
#define PING_TIMEOUT_MS 10000
#define PINGS_LOST_MAX 3

static int proc_fork(struct worker_proc *p);

/* The place that stands for the process of p, and its number: what operators call the worker. */
static struct worker_proc *first_of(struct worker_proc *p)
{
	return p - p->index % p->sup->vcpus;
}

static unsigned int number_of(const struct worker_proc *p)
{
	return p->index / p->sup->vcpus;
}

static void set_states(struct worker_proc *first, enum proc_state state)
{
	unsigned int k;

	for (k = 0; k < first->sup->vcpus; k++)
		first[k].state = state;
}

static bool are_all(const struct worker_proc *first, enum proc_state state)
{
	unsigned int k;

	for (k = 0; k < first->sup->vcpus && first[k].state == state; k++)
		;
	return k == first->sup->vcpus;
}

static uint64_t sessions_of(const struct worker_proc *first)
{
	uint64_t sum = 0;
	unsigned int k;

	for (k = 0; k < first->sup->vcpus; k++)
		sum += first->sup->args.counters->workers[first->index + k].all.sessions_total;
	return sum;
}

static void retired(void *ctx, const struct control_answer *answer)
{
	struct worker_proc *p = ctx;

	if (answer->status && p->pid)
		kill(p->pid, SIGTERM);
}

static void proc_ping(void *ctx);

static void proc_restart(void *ctx)
{
	struct worker_proc *p = ctx;
	int r = proc_fork(p);

	if (!r)
		return;
	msg("worker %u: cannot be started: %s; trying again", number_of(p), strerror(-r));
	evloop_timer_set(&p->sup->loop, &p->timer, BACKOFF_MAX_MS, proc_restart, p);
}

static void proc_kill(void *ctx)
{
	struct worker_proc *p = ctx;

	msg("worker %u (process %d) does not end: killed", number_of(p), (int)p->pid);
	kill(p->pid, SIGKILL);
}

static void ping_answer(void *ctx, const struct control_answer *answer)
{
	struct worker_proc *p = ctx;

	if (answer->status != -ETIMEDOUT) {
		p->pings_lost = 0;
		return;
	}
	p->pings_lost++;
	msg("worker %u (process %d) does not answer", number_of(p), (int)p->pid);
	if (p->pings_lost >= PINGS_LOST_MAX && p->state == PROC_RUNNING) {
		msg("worker %u (process %d) hangs: aborted", number_of(p), (int)p->pid);
		kill(p->pid, SIGABRT);
	}
}

static void proc_ping(void *ctx)
{
	struct worker_proc *p = ctx;

	if (p->state != PROC_RUNNING)
		return;
	if (control_ask(&p->peer, CONTROL_OP_PING, NULL, 0, -1, PING_TIMEOUT_MS, ping_answer, p) ==
	    -EAGAIN) {
		const struct control_answer lost = { .status = -ETIMEDOUT, .is_last = true };

		ping_answer(p, &lost); /* it takes nothing any more */
	}
	evloop_timer_set(&p->sup->loop, &p->ping_timer, PING_MS, proc_ping, p);
}

static void proc_event(void *ctx, enum control_op ev, const char *text)
{
	struct worker_proc *p = ctx;
	struct supervisor *sup = p->sup;
	struct worker_proc *first = first_of(p);

	if (ev == CONTROL_EV_FAILED) {
		snprintf(p->failed, sizeof(p->failed), "%s", text);
		return;
	}
	if (p->state != PROC_STARTING)
		return;
	p->state = PROC_RUNNING;
	p->ready_us = evloop_now_us();
	snprintf(sup->release, sizeof(sup->release), "%s", text);
	if (sup->ops->worker_away)
		sup->ops->worker_away(&sup->args, p->index, false);
	if (first->died_us && are_all(first, PROC_RUNNING)) {
		sup->restarts_total++;
		msg("worker %u (process %d) is ready, %" PRIu64 " ms after the last one ended",
		    number_of(p), (int)p->pid, (p->ready_us - first->died_us) / 1000);
	}
	if (p->conf_serial != sup->conf_serial || p->n_modules != sup->modules.n) {
		/* forked with a configuration that a reload has replaced meanwhile, or without a module: once more */
		kill(p->pid, SIGINT);
		return;
	}
	proc_ping(p);
	supervisor_workers_changed(sup);
}

/* In the child: nothing of the supervisor's stays but what a worker needs. */
static void __attribute__((noreturn)) child(struct worker_proc *p, const int *control_fds)
{
	static struct worker_args args[WORKERS_MAX];
	struct supervisor *sup = p->sup;
	char err[256] = "";
	unsigned int k;

	prctl(PR_SET_PDEATHSIG, SIGINT);
	if (getppid() != sup->pid)
		_exit(ACCD_EXIT_FAIL); /* it died before the line above */
	supervisor_close_private(p, control_fds);
	for (k = 0; k < sup->vcpus; k++) {
		args[k] = sup->args;
		args[k].conf = sup->conf;
		args[k].socks = p[k].socks;
		args[k].modules = &sup->modules;
		args[k].index = p[k].index;
		args[k].vcpu = k;
		args[k].vcpus = sup->vcpus;
		args[k].workers = sup->n_workers;
		args[k].control_fd = control_fds[k];
	}
	crash_handlers();
	if (privilege_drop_worker(&sup->privilege,
				  sup->ops->listeners_inherited ? PRIVILEGE_HOST : PRIVILEGE_LKL,
				  err, sizeof(err))) {
		struct control_worker channel;

		control_worker_init(&channel, control_fds[0]);
		control_event(&channel, CONTROL_EV_FAILED, err);
		_exit(ACCD_EXIT_FAIL);
	}
	exit(worker_main(sup->ops, args, sup->vcpus));
}

/* p: the first of its worker's places. */
static int proc_fork(struct worker_proc *p)
{
	struct supervisor *sup = p->sup;
	int ours[WORKERS_MAX], theirs[WORKERS_MAX], fds[2];
	unsigned int k, n = 0;
	pid_t pid = 0;
	int r = 0;

	for (; n < sup->vcpus && !r; n += !r) {
		r = control_pair(fds);
		ours[n] = fds[0];
		theirs[n] = fds[1];
	}
	for (k = 0; k < n && !r; k++)
		counters_worker_begins(sup->args.counters, p[k].index);
	p->sessions_before = sessions_of(p);
	if (!r) {
		pid = fork();
		if (!pid)
			child(p, theirs);
		r = pid < 0 ? -errno : 0;
	}
	for (k = 0; k < n; k++)
		close(theirs[k]);
	for (k = 0; k < n && r; k++)
		close(ours[k]);
	if (r)
		return r;
	for (k = 0; k < n; k++) {
		p[k].pid = pid;
		p[k].state = PROC_STARTING;
		p[k].conf_serial = sup->conf_serial;
		p[k].n_modules = sup->modules.n;
		p[k].forked_us = evloop_now_us();
		p[k].ready_us = 0;
		p[k].pings_lost = 0;
		p[k].failed[0] = '\0';
		if (control_peer_init(&p[k].peer, &sup->loop, ours[k], p[k].index, proc_event, &p[k]))
			kill(pid, SIGKILL); /* then it is replaced like any other */
	}
	return 0;
}

/* It has ended and nobody had asked it to. */
static void proc_died(struct worker_proc *p)
{
	struct supervisor *sup = p->sup;
	uint64_t now_us = evloop_now_us();
	bool has_served = sessions_of(p) != p->sessions_before;
	bool is_early = !p->ready_us || (!has_served && now_us - p->ready_us < STABLE_MS * 1000ULL);
	uint32_t delay_ms = 0;
	unsigned int i;

	p->died_us = now_us;
	for (i = 0; sup->ops->worker_away && i < sup->vcpus; i++)
		sup->ops->worker_away(&sup->args, p->index + i, true);
	p->deaths_total++;
	p->strikes = is_early ? p->strikes + 1 : 0;
	if (sup->phase == PHASE_STARTING || !sup->args.is_replaceable) {
		set_states(p, PROC_GIVEN_UP);
		return;
	}
	if (p->strikes > STRIKES_MAX) {
		set_states(p, PROC_GIVEN_UP);
		msg("worker %u: ended %u times in a row within %d ms of its start; given up until a reload",
		    number_of(p), p->strikes, STABLE_MS);
		for (i = 0; i < sup->vcpus; i++)
			supervisor_socks_close(&p[i]); /* what comes goes to the others */
		return;
	}
	if (p->strikes > STRIKES_FREE) {
		delay_ms = BACKOFF_MIN_MS;
		for (i = STRIKES_FREE + 1; i < p->strikes && delay_ms < BACKOFF_MAX_MS; i++)
			delay_ms *= 2;
		if (delay_ms > BACKOFF_MAX_MS)
			delay_ms = BACKOFF_MAX_MS;
	}
	if (!is_early)
		delay_ms = limit_rate_take(&p->restarts, RESTARTS_RATE, RESTARTS_BURST, now_us) / 1000;
	if (delay_ms)
		msg("worker %u: the next one starts in %u ms", number_of(p), delay_ms);
	set_states(p, PROC_WAITING);
	if (delay_ms)
		evloop_timer_set(&sup->loop, &p->timer, delay_ms, proc_restart, p);
	else
		proc_restart(p);
}

static void proc_ended(struct worker_proc *p, int status)
{
	struct supervisor *sup = p->sup;
	bool is_asked = p->state == PROC_ENDING;
	bool is_orderly = WIFEXITED(status) && !WEXITSTATUS(status);
	const char *failed = "no reason given";
	unsigned int k;

	for (k = sup->vcpus; k--;) { /* the words of the first one that had any */
		evloop_timer_stop(&sup->loop, &p[k].timer);
		evloop_timer_stop(&sup->loop, &p[k].ping_timer);
		if (p[k].failed[0])
			failed = p[k].failed;
	}
	if (WIFSIGNALED(status))
		msg("worker %u (process %d) died: signal %d (%s)%s", number_of(p), (int)p->pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)),
		    WCOREDUMP(status) ? ", core dumped" : "");
	else if (!is_orderly)
		msg("worker %u (process %d) failed: %s", number_of(p), (int)p->pid, failed);
	for (k = 0; k < sup->vcpus; k++) {
		control_peer_exit(&p[k].peer);
		p[k].pid = 0;
		p[k].state = PROC_NONE;
		if (is_asked)
			supervisor_socks_close(&p[k]);
	}
	if (!is_orderly && sup->phase != PHASE_SERVING)
		sup->status = ACCD_EXIT_FAIL;
	if (!is_asked)
		proc_died(p);
	supervisor_workers_changed(sup);
}

void workers_reap(struct supervisor *sup)
{
	unsigned int i, k;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == sup->keeper_pid) {
			msg("keeper: ended (status %d); the supervisor cannot give addresses back", status);
			sup->keeper_pid = 0;
			continue;
		}
		for_each_worker(sup, i)
			if (sup->procs[i].pid == pid) {
				/* what it said before it ended */
				struct worker_proc *p = &sup->procs[i];

				for (k = 0; k < sup->vcpus; k++)
					control_peer_drain(&p[k].peer);
				proc_ended(p, status);
				break;
			}
	}
}

void worker_retire(struct worker_proc *p)
{
	evloop_timer_stop(&p->sup->loop, &p->timer);
	evloop_timer_stop(&p->sup->loop, &p->ping_timer);
	if (!p->pid) {
		p->state = PROC_NONE;
		supervisor_socks_close(p);
		return;
	}
	if (p == first_of(p))
		msg("worker %u (process %d) retires: it ends with its last session", number_of(p), (int)p->pid);
	p->state = PROC_ENDING;
	if (p->sup->ops->worker_away)
		p->sup->ops->worker_away(&p->sup->args, p->index, true);
	p->died_us = 0;
	p->strikes = 0;
	if (control_ask(&p->peer, CONTROL_OP_RETIRE, NULL, 0, -1, PING_TIMEOUT_MS, retired, p))
		kill(p->pid, SIGTERM);
}

void workers_end(struct supervisor *sup, int sig, uint32_t kill_ms)
{
	unsigned int i;

	for_each_worker(sup, i) {
		struct worker_proc *p = &sup->procs[i];

		if (!p->pid) {
			evloop_timer_stop(&sup->loop, &p->timer);
			set_states(p, PROC_NONE);
			continue;
		}
		set_states(p, PROC_ENDING);
		kill(p->pid, sig);
		evloop_timer_set(&sup->loop, &p->timer, kill_ms, proc_kill, p);
	}
}

unsigned int workers_alive(const struct supervisor *sup)
{
	unsigned int i, n = 0;

	for_each_worker(sup, i)
		n += sup->procs[i].pid > 0;
	return n;
}

void workers_init(struct supervisor *sup, unsigned int n, unsigned int vcpus)
{
	unsigned int i;

	sup->n_workers = n;
	sup->vcpus = vcpus;
	for (i = 0; i < WORKERS_MAX; i++) {
		sup->procs[i].sup = sup;
		sup->procs[i].index = i;
		sup->procs[i].peer.src.fd = -1;
	}
}

int workers_start(struct supervisor *sup)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < sup->n_workers && !r; i += sup->vcpus)
		if (sup->procs[i].state == PROC_NONE)
			r = proc_fork(&sup->procs[i]);
	return r;
}
