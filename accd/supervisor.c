// SPDX-License-Identifier: GPL-2.0-only
/*
 * supervisor.c - the parent process: takes from the host what the workers need, and gives it back
 *
 * It runs no kernel code and no relay, so that it survives what may happen to a worker.
 * stack_ops.setup() opens the wire and takes the interface's addresses (lkl; nothing on the host
 * stack); then the workers are forked (workers.c) and inherit both. From there on the supervisor is
 * an event loop (evloop.h): signals, the workers' control channels, timers, and what others add.
 *
 *   SIGTERM     drain: listeners close, sessions go on until they end or worker.drain_timeout
 *               passes; a second one stops
 *   SIGINT      stop: sessions are reset. SIGQUIT counts as SIGINT
 *   SIGHUP      reload (reload.c)
 *   SIGUSR1     log files are opened again
 *   SIGCHLD     a worker has ended: replaced, unless it was told to
 *
 * All of these are blocked and read from a signalfd. What setup() took is given back by a process of
 * its own (keeper.c), which also does so when the supervisor is killed: then the workers get SIGINT,
 * and it acts when the last one has gone.
 *
 * Once everything that needs root is done, and before the first fork of a worker, the supervisor
 * itself becomes the user of the configuration (privilege.c).
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "counters.h"
#include "crash.h"
#include "err.h"
#include "log.h"
#include "notify.h"
#include "services.h"
#include "socks.h"
#include "supervisor.h"

#define DRAIN_GRACE_MS 5000 /* beyond drain_timeout, then SIGKILL */
#define STOP_GRACE_MS 5000
#define WORKERS_ROOM 16 /* at least; memory that is not touched costs nothing */

/* ---- descriptors that a child may keep ---- */

#define KEEP_MAX 1024 /* 64 queues have three sockets each */

static int keep[KEEP_MAX]; /* open when setup() was done */
static unsigned int n_keep;

static void keep_remember(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int fd;

	if (!dir) /* without /proc: the children keep all */
		return;
	while ((entry = readdir(dir)) && n_keep < KEEP_MAX) {
		fd = atoi(entry->d_name);
		if (entry->d_name[0] != '.' && fd != dirfd(dir))
			keep[n_keep++] = fd;
	}
	closedir(dir);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void supervisor_close_private(const struct worker_proc *p, const int *control_fds)
{
	const struct module_set *modules = &p->sup->modules;
	unsigned int i, k, vcpus = p->sup->vcpus, n_socks = 0, n = n_keep, first = 0;
	int *fds;

	for (k = 0; k < vcpus; k++)
		n_socks += p[k].socks ? p[k].socks->n : 0;
	fds = malloc((n_keep + n_socks + modules->n + vcpus) * sizeof(*fds));

	if (!fds || !n_keep) {
		free(fds);
		return;
	}
	memcpy(fds, keep, n_keep * sizeof(*fds));
	for (k = 0; k < vcpus; k++) {
		fds[n++] = control_fds[k];
		for (i = 0; p[k].socks && i < p[k].socks->n; i++)
			fds[n++] = p[k].socks->socks[i].fd;
	}
	for (i = 0; i < modules->n; i++)
		fds[n++] = modules->modules[i].fd;
	qsort(fds, n, sizeof(*fds), compare);
	for (i = 0; i < n; i++) {
		if ((unsigned int)fds[i] > first)
			close_range(first, fds[i] - 1, 0);
		first = fds[i] + 1;
	}
	close_range(first, ~0u, 0);
	free(fds);
}

/* ---- phases ---- */

static void say_ready(const struct supervisor *sup)
{
	const struct conf *conf = sup->conf;
	char list[512] = "", pids[256] = "";
	char text[ADDR_TEXT_BYTES];
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < conf->n_listeners && n < sizeof(list); i++)
		n += snprintf(list + n, sizeof(list) - n, "%s%s=%s", n ? "," : "",
			      conf->listeners[i].name,
			      addr_format(&conf->listeners[i].bind, text, sizeof(text)));
	for (i = 0, n = 0; i < sup->n_workers && n < sizeof(pids); i += sup->vcpus)
		n += snprintf(pids + n, sizeof(pids) - n, "%s%d", n ? "," : "",
			      (int)sup->procs[i].pid);
	msg("ready: stack=%s kernel=%s pid=%d worker=%s listeners=%s", sup->ops->name,
	    sup->release, (int)sup->pid, pids, list);
}

static void watchdog(void *ctx)
{
	struct supervisor *sup = ctx;

	if (!notify_watchdog_ms())
		return;
	notify_watchdog();
	evloop_timer_set(&sup->loop, &sup->watchdog_timer, notify_watchdog_ms(), watchdog, sup);
}

void supervisor_workers_changed(struct supervisor *sup)
{
	unsigned int i, n_running = 0, n_given_up = 0;

	for (i = 0; i < sup->n_workers; i++) {
		n_running += sup->procs[i].state == PROC_RUNNING;
		n_given_up += sup->procs[i].state == PROC_GIVEN_UP;
	}
	switch (sup->phase) {
	case PHASE_STARTING:
		if (n_given_up) {
			sup->status = ACCD_EXIT_FAIL;
			supervisor_stop(sup);
		} else if (n_running == sup->n_workers) {
			sup->phase = PHASE_SERVING;
			say_ready(sup);
			notify_ready("serving");
			watchdog(sup);
		}
		break;
	case PHASE_SERVING:
		if (n_given_up == sup->n_workers) {
			msg("no worker is left");
			sup->status = ACCD_EXIT_FAIL;
			supervisor_stop(sup);
		}
		break;
	case PHASE_DRAINING:
	case PHASE_STOPPING:
		if (!workers_alive(sup))
			evloop_quit(&sup->loop, sup->status);
		break;
	}
}

static void socks_close_all(struct supervisor *sup)
{
	unsigned int i;

	for (i = 0; i < WORKERS_MAX; i++)
		supervisor_socks_close(&sup->procs[i]);
}

void supervisor_drain(struct supervisor *sup)
{
	if (sup->phase >= PHASE_DRAINING) {
		supervisor_stop(sup);
		return;
	}
	sup->phase = PHASE_DRAINING;
	services_refresh(sup); /* health is false from now on */
	notify_stopping();
	workers_end(sup, SIGTERM, sup->conf->worker.drain_timeout_ms + DRAIN_GRACE_MS);
	/* the workers' copies are the last ones now: a client that comes when they are closed is refused */
	socks_close_all(sup);
	supervisor_workers_changed(sup);
}

void supervisor_stop(struct supervisor *sup)
{
	if (sup->phase == PHASE_STOPPING)
		return;
	sup->phase = PHASE_STOPPING;
	services_refresh(sup);
	notify_stopping();
	workers_end(sup, SIGINT, STOP_GRACE_MS);
	supervisor_workers_changed(sup);
}

void supervisor_conf_set(struct supervisor *sup, struct conf *conf)
{
	if (sup->conf) {
		log_configure(sup->log, &conf->log);
		conf_free((struct conf *)sup->conf);
	}
	sup->conf = conf;
	sup->args.conf = conf;
	sup->conf_serial++;
}

unsigned int supervisor_workers_wanted(const struct conf *conf)
{
	return conf_loops(conf);
}

static void on_signal(void *ctx, uint32_t events)
{
	struct supervisor *sup = ctx;
	struct signalfd_siginfo si;

	if (read(sup->signal_src.fd, &si, sizeof(si)) != sizeof(si))
		return;
	switch (si.ssi_signo) {
	case SIGCHLD:
		workers_reap(sup);
		break;
	case SIGHUP:
		supervisor_reload(sup, NULL, NULL);
		break;
	case SIGUSR1:
		log_reopen(sup->log);
		break;
	case SIGTERM:
		msg("%s: %s", strsignal(SIGTERM),
		    sup->phase >= PHASE_DRAINING ? "stopping" : "draining");
		supervisor_drain(sup);
		break;
	default:
		msg("%s: stopping", strsignal(si.ssi_signo));
		supervisor_stop(sup);
	}
}

/* Sockets that are served by the supervisor: each adds its sources to sup->loop. */
static int supervisor_services_start(struct supervisor *sup)
{
	char err[384] = "";
	int r = services_start(sup, err, sizeof(err));

	if (r)
		msg_at(MSG_ERROR, "%s", err);
	return r;
}

static void supervisor_services_stop(struct supervisor *sup)
{
	services_stop(sup);
}

/* ---- the process ---- */

/* What a reload and SIGUSR1 will need, while we may still do something about it. */
static void give_log(const struct supervisor *sup, const char *path)
{
	struct stat st;

	if (path[0] == '/' && !stat(path, &st) && S_ISREG(st.st_mode) &&
	    chown(path, sup->privilege.uid, sup->privilege.gid))
		msg("%s: cannot be given to user %s: %s", path, sup->privilege.user, strerror(errno));
}

static int drop(struct supervisor *sup)
{
	const struct conf *conf = sup->conf;
	char err[256] = "";
	int r;

	/* the workers inherit the limit, and cannot raise it */
	sup->ops->fd_limit(conf->worker.vcpus * 2 * (uint64_t)conf->worker.max_sessions + 256);
	if (sup->privilege.is_root) {
		give_log(sup, conf->log.access);
		give_log(sup, conf->log.error);
	}
	r = privilege_drop_supervisor(&sup->privilege, err, sizeof(err));
	if (r)
		msg("%s", err);
	else if (access(sup->conf_path, R_OK))
		msg("%s: user %s cannot read it (%s): reloads will be refused", sup->conf_path,
		    sup->privilege.user, strerror(errno));
	return r;
}

static int loop_start(struct supervisor *sup, const sigset_t *set)
{
	char err[512] = "";
	int fd, r;

	r = evloop_init(&sup->loop);
	if (r)
		return r;
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = evloop_add(&sup->loop, &sup->signal_src, fd, EPOLLIN, on_signal, sup);
	if (!r)
		r = supervisor_services_start(sup);
	if (!r)
		r = drop(sup);
	/* as the user: SO_REUSEPORT wants one owner for all sockets of an address, a reload's too */
	if (!r)
		r = supervisor_socks_open(sup, err, sizeof(err));
	if (r && err[0])
		msg("%s", err);
	if (!r)
		r = workers_start(sup);
	return r;
}

/* Counters and logs: memory that all workers share, and the thread that writes the logs. */
static int shared_start(struct supervisor *sup, char *err, size_t err_len)
{
	int r;

	sup->workers_max = sup->conf->workers_max * sup->conf->worker.vcpus;
	if (sup->workers_max < WORKERS_ROOM)
		sup->workers_max = WORKERS_ROOM;
	sup->args.counters = counters_new(sup->workers_max);
	sup->args.logs = log_map_new(sup->workers_max);
	if (!sup->args.counters || !sup->args.logs) {
		snprintf(err, err_len, "no memory for counters and logs");
		return -ENOMEM;
	}
	counters_assign(sup->args.counters, sup->conf);
	r = log_open(sup->args.logs, &sup->conf->log, &sup->log, err, err_len);
	if (!r)
		r = log_start(sup->log);
	if (!r)
		err_use_ring(log_ring(sup->args.logs, sup->workers_max), sup->pid);
	return r;
}

static void shared_stop(struct supervisor *sup)
{
	log_close(sup->log);
	err_use_ring(NULL, 0);
	log_map_free(sup->args.logs);
	counters_free(sup->args.counters);
}

int supervisor_run(const struct stack_ops *ops, struct conf *conf, const char *path,
		   int stack_override)
{
	static struct supervisor sup; /* children find it where it was */
	char err[512] = "";
	unsigned int i;
	sigset_t set;
	int ret;

	sup.ops = ops;
	sup.conf_path = path;
	sup.stack_override = stack_override;
	supervisor_conf_set(&sup, conf);
	sup.pid = getpid();
	notify_init();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);

	ret = shared_start(&sup, err, sizeof(err));
	if (ret) {
		msg("%s", err[0] ? err : strerror(-ret));
		return ACCD_EXIT_FAIL;
	}
	if (conf->cpus.n && conf->cpus.n < conf_loops(conf) && conf->worker.cpu < 0)
		msg_at(MSG_WARNING, "cpus: %u for %u loops: loop %u has the first one again, and so on", conf->cpus.n,
		       conf_loops(conf), conf->cpus.n);
	crash_init();
	sup.vcpus = conf->worker.vcpus;
	sup.args.queues = conf->workers_max * conf->worker.vcpus;
	sup.args.homes = supervisor_workers_wanted(conf);
	ret = privilege_init(&sup.privilege, conf, err, sizeof(err));
	if (ret) {
		msg("%s", err);
		ret = ACCD_EXIT_FAIL;
		goto out;
	}
	ret = modules_open(&sup, err, sizeof(err));
	if (!ret)
		ret = ops->setup(&sup.args, err, sizeof(err));
	if (ret) {
		msg("%s", err[0] ? err : strerror(-ret));
		ret = ACCD_EXIT_FAIL;
		goto out;
	}
	ret = keeper_start(&sup);
	if (ret)
		msg("keeper: %s; addresses are given back by the supervisor only if it ends in order",
		    strerror(-ret));
	keep_remember();
	workers_init(&sup, supervisor_workers_wanted(conf), conf->worker.vcpus);
	ret = loop_start(&sup, &set);
	if (ret) {
		msg("supervisor: cannot start: %s", strerror(-ret));
		sup.status = ACCD_EXIT_FAIL;
		supervisor_stop(&sup);
	}
	ret = evloop_run(&sup.loop);
	for (i = 0; i < WORKERS_MAX; i++)
		supervisor_socks_close(&sup.procs[i]);
	supervisor_services_stop(&sup);
	evloop_exit(&sup.loop);
	keeper_stop(&sup);
out:
	shared_stop(&sup);
	conf_free((struct conf *)sup.conf);
	return ret;
}
