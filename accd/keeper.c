// SPDX-License-Identifier: GPL-2.0-only
/*
 * keeper.c - the process that gives back to the host what the stack took
 *
 * To put addresses back takes CAP_NET_ADMIN, which neither supervisor nor workers keep. So it is
 * the only thing that this process does: it waits for the end of a pipe whose other end the
 * supervisor and all workers hold, then runs stack_ops.teardown() and ends. The supervisor closes
 * its end when the workers have gone; if it is killed, the end comes with the last worker. It reads
 * no byte from anyone, and signals are blocked.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "supervisor.h"

static void __attribute__((noreturn)) keep(struct supervisor *sup, int fd)
{
	char err[256] = "";
	sigset_t all;
	char byte;

	err_use_ring(NULL, 0);
	prctl(PR_SET_NAME, "accd-keeper");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (privilege_drop_keeper(&sup->privilege, err, sizeof(err)))
		msg("keeper: %s", err);
	while (read(fd, &byte, 1) != 0)
		;
	sup->ops->teardown(&sup->args);
	_exit(0);
}

int keeper_start(struct supervisor *sup)
{
	int fds[2];

	sup->keeper_fd = -1;
	if (!sup->args.stack_data)
		return 0; /* nothing was taken */
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	sup->keeper_pid = fork();
	if (!sup->keeper_pid) {
		close(fds[1]);
		keep(sup, fds[0]);
	}
	close(fds[0]);
	sup->keeper_fd = fds[1];
	if (sup->keeper_pid < 0) {
		close(fds[1]);
		return -errno;
	}
	return 0;
}

void keeper_stop(struct supervisor *sup)
{
	if (sup->keeper_pid <= 0) {
		sup->ops->teardown(&sup->args);
		return;
	}
	close(sup->keeper_fd);
	while (waitpid(sup->keeper_pid, NULL, 0) < 0 && errno == EINTR)
		;
	sup->keeper_pid = 0;
}
