// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_process.c - what a caller is inside an instance: ids, credentials, limits, name, CPU; and what does not exist
 * there (fork, exec, namespaces, which are not configured)
 */
#include "harness.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

struct ids {
	long pid, tid;
};

static int get_ids(void *arg)
{
	struct ids *ids = arg;

	*ids = (struct ids){ lkl_sys_getpid(), sys(gettid, 0) };
	return 0;
}

/* Callers are threads of one process. */
static int ids(void *arg)
{
	struct ids mine, others;
	struct peer peer;

	CHECK_EQ(get_ids(&mine), 0);
	CHECK_EQ(peer_start(&peer, get_ids, &others), 0);
	CHECK_EQ(peer_join(&peer), 0);
	CHECK(mine.pid > 0 && mine.tid > 0);
	CHECK_EQ(others.pid, mine.pid);
	CHECK(others.tid != mine.tid);
	CHECK_EQ(sys(gettid, 0), mine.tid);
	CHECK_EQ(sys(getuid, 0), 0);
	CHECK_EQ(sys(getegid, 0), 0);
	CHECK_EQ(sys(getppid, 0), 0);
	return 0;
}

static int open_a_pipe(void *arg)
{
	return lkl_sys_pipe2(arg, 0);
}

/* One table of descriptors: what another opened can be used here. */
static int descriptors_are_shared(void *arg)
{
	struct peer peer;
	int fds[2];
	char c;

	CHECK_EQ(peer_start(&peer, open_a_pipe, fds), 0);
	CHECK_EQ(peer_join(&peer), 0);
	CHECK_EQ(lkl_sys_write(fds[1], "x", 1), 1);
	CHECK_EQ(lkl_sys_read(fds[0], &c, 1), 1);
	CHECK_EQ(sys(dup3, fds[0], fds[1], 0), fds[1]);
	CHECK_EQ(sys(dup3, fds[0], fds[0], 0), -EINVAL);
	CHECK_EQ(sys(close_range, fds[0], fds[0], 0), 0);
	CHECK_EQ(lkl_sys_close(fds[0]), -EBADF);
	return lkl_sys_close(fds[1]);
}

static int limits(void *arg)
{
	struct rlimit files, low, got;
	int fds[2];

	CHECK_EQ(sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &files), 0);
	CHECK_EQ(files.rlim_cur, 1048576); /* docs/kernel.md */
	low = (struct rlimit){ 3, files.rlim_max };
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	CHECK_EQ(sys(prlimit64, 0, RLIMIT_NOFILE, &low, &got), 0);
	CHECK_EQ(got.rlim_cur, files.rlim_cur);
	CHECK_EQ(sys(fcntl, fds[0], F_DUPFD, 3), -EINVAL);
	low.rlim_cur = 0;
	CHECK_EQ(sys(prlimit64, 0, RLIMIT_NOFILE, &low, NULL), 0);
	CHECK_EQ(sys(dup, fds[0]), -EMFILE);
	CHECK_EQ(lkl_sys_eventfd2(0, 0), -EMFILE);
	CHECK_EQ(sys(prlimit64, 0, RLIMIT_NOFILE, &files, NULL), 0);
	low = (struct rlimit){ 10, 5 };
	CHECK_EQ(sys(prlimit64, 0, RLIMIT_NOFILE, &low, NULL), -EINVAL);
	CHECK_EQ(sys(prlimit64, 0, 99, NULL, &got), -EINVAL);
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	return lkl_sys_close(fds[1]);
}

static int names(void *arg)
{
	struct utsname uts;
	char name[16] = "";

	CHECK_EQ(sys(uname, &uts), 0);
	CHECK(!strcmp(uts.sysname, "Linux"));
	CHECK(!strcmp(uts.release, lkl_kernel_release()));
	CHECK_EQ(sys(sethostname, "edge-1", 6), 0);
	CHECK_EQ(sys(uname, &uts), 0);
	CHECK(!strcmp(uts.nodename, "edge-1"));
	CHECK_EQ(sys(prctl, PR_SET_NAME, "renamed", 0, 0, 0), 0);
	CHECK_EQ(sys(prctl, PR_GET_NAME, name, 0, 0, 0), 0);
	CHECK(!strcmp(name, "renamed"));
	return 0;
}

static int system_information(void *arg)
{
	struct sysinfo si;
	struct rusage usage;
	unsigned int cpu = 99, node = 99;
	unsigned char mask[128] = { 0 };

	CHECK_EQ(sys(sysinfo, &si), 0);
	CHECK(si.totalram * si.mem_unit > 32 << 20 && si.totalram * si.mem_unit <= 64 << 20);
	CHECK(si.freeram > 0 && si.freeram < si.totalram);
	CHECK_EQ(sys(getcpu, &cpu, &node, NULL), 0);
	CHECK(cpu < 64);
	CHECK_EQ(node, 0);
	CHECK(sys(sched_getaffinity, 0, sizeof(mask), mask) > 0);
	CHECK(mask[cpu / 8] >> cpu % 8 & 1);
	CHECK_EQ(sys(getrusage, RUSAGE_SELF, &usage), 0);
	CHECK_EQ(sys(sched_yield, 0), 0);
	return 0;
}

static int what_is_not_there(void *arg)
{
	static const int spaces[] = { CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWIPC };
	size_t i;

	CHECK_EQ(sys(clone, 0, 0, 0, 0, 0), -ENOSYS);
	CHECK_EQ(sys(clone3, 0, 0), -ENOSYS);
	CHECK_EQ(sys(execve, "/init", NULL, NULL), -ENOSYS);
	CHECK_EQ(sys(exit, 0), -ENOSYS);
	CHECK_EQ(sys(exit_group, 0), -ENOSYS);
	CHECK_EQ(sys(io_setup, 1, 0), -ENOSYS);
	CHECK_EQ(sys(bpf, 0, 0, 0), -ENOSYS);
	CHECK_EQ(sys(rt_sigreturn, 0), -ENOSYS);
	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		CHECK_EQ(sys(unshare, spaces[i]), -EINVAL); /* unshare(2): the kernel was not built with it */
	CHECK_EQ(file_read("/proc/self/ns/net", NULL, 0), -ENOENT);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(ids),
		BODY(descriptors_are_shared),
		BODY(limits),
		BODY(names),
		BODY(system_information),
		BODY(what_is_not_there),
	};

	return RUN_BODIES(tests, argc, argv);
}
