// SPDX-License-Identifier: GPL-2.0-only
/*
 * supervisor.c - the parent process: takes from the host what the worker needs, and gives it back
 *
 * It runs no kernel code and no relay, so that it survives what may happen to the worker.
 * stack_ops.setup() opens the wire and takes the interface's addresses (lkl; nothing on the host
 * stack); then the worker is forked and inherits both. From there on the supervisor only waits:
 *
 *   SIGTERM     passed on: the worker drains; a second one makes it stop now
 *   SIGINT      passed on: the worker stops now. SIGHUP and SIGQUIT count as SIGINT
 *   SIGUSR1     the log's files are opened again
 *   SIGCHLD     the worker has ended: exit 0 if it did in order, else say how it ended and exit 1
 *
 * All of these are blocked and taken with sigwaitinfo(), so there is one way out of here, and it
 * runs teardown(). SIGKILL can't be caught: then the worker, which gets SIGINT when its parent
 * dies, runs teardown() in its place.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "counters.h"
#include "err.h"
#include "log.h"
#include "supervisor.h"
#include "worker.h"

static int supervisor_wait(pid_t worker, const sigset_t *set, struct log *log)
{
	siginfo_t si;
	int status;

	for (;;) {
		if (sigwaitinfo(set, &si) < 0)
			continue;
		if (si.si_signo == SIGUSR1) {
			log_reopen(log);
			continue;
		}
		if (si.si_signo != SIGCHLD) {
			kill(worker, si.si_signo == SIGTERM ? SIGTERM : SIGINT);
			continue;
		}
		if (waitpid(worker, &status, WNOHANG) != worker)
			continue;
		if (WIFSIGNALED(status)) {
			msg("worker %d died: signal %d (%s)%s", (int)worker,
			    WTERMSIG(status), strsignal(WTERMSIG(status)),
			    WCOREDUMP(status) ? ", core dumped" : "");
			return ACCD_EXIT_FAIL;
		}
		if (WIFEXITED(status)) {
			if (WEXITSTATUS(status))
				msg("worker %d failed: exit status %d",
				    (int)worker, WEXITSTATUS(status));
			return WEXITSTATUS(status) ? ACCD_EXIT_FAIL : 0;
		}
	}
}

int supervisor_run(const struct stack_ops *ops, const struct conf *conf)
{
	struct worker_args args = { .conf = conf };
	pid_t supervisor = getpid();
	struct log *log = NULL;
	char err[256] = "";
	sigset_t set;
	pid_t worker;
	int ret;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);

	args.counters = counters_new(1);
	if (!args.counters) {
		msg("no memory for counters");
		return ACCD_EXIT_FAIL;
	}
	counters_assign(args.counters, conf);
	args.logs = log_map_new(1);
	if (!args.logs) {
		msg("no memory for the log");
		return ACCD_EXIT_FAIL;
	}
	ret = log_open(args.logs, &conf->log, &log, err, sizeof(err));
	if (!ret)
		ret = log_start(log);
	if (ret) {
		msg("%s", err[0] ? err : strerror(-ret));
		return ACCD_EXIT_FAIL;
	}
	err_use_ring(log_ring(args.logs, 1), supervisor);
	ret = ops->setup(&args, err, sizeof(err));
	if (ret) {
		msg("%s", err[0] ? err : strerror(-ret));
		ret = ACCD_EXIT_FAIL;
		goto out_log;
	}

	counters_worker_begins(args.counters, args.index);
	worker = fork();
	if (worker < 0) {
		msg("fork: %s", strerror(errno));
		ret = ACCD_EXIT_FAIL;
		goto out;
	}
	if (!worker) {
		prctl(PR_SET_PDEATHSIG, SIGINT);
		if (getppid() != supervisor)
			_exit(ACCD_EXIT_FAIL); /* it died before the line above */
		exit(worker_main(ops, &args));
	}
	ret = supervisor_wait(worker, &set, log);
out:
	ops->teardown(&args);
out_log:
	log_close(log);
	err_use_ring(NULL, 0);
	log_map_free(args.logs);
	counters_free(args.counters);
	return ret;
}
