// SPDX-License-Identifier: GPL-2.0-only
/*
 * privilege.c - what each process gives up
 *
 * Order in a worker, which has one thread then: leave the file system, give up capabilities, set
 * limits, no_new_privs, and last the filter, which forbids all of the before.
 *
 * No file system: chroot into a directory that was removed while the supervisor held it open.
 * Nothing can be looked up or made in it, and no package has to provide it. Without CAP_SYS_CHROOT
 * (not started as root) a Landlock ruleset that allows nothing does the same for all that could be
 * opened; where the host has no Landlock that is said, and the filter remains. If chroot fails as
 * root the worker does not start.
 *
 * Filter of a worker: a list of what it may call (worker_calls[], with the reason of each); anything
 * else raises SIGSYS, which ends the worker with a back trace; the supervisor replaces it. A few calls
 * that libc tries and can do without are answered with an error instead. clone3() is one of them:
 * its flags lie in memory, where a filter cannot see them; libc then uses clone(), which is allowed
 * for threads only. The supervisor's filter is a list of what it must not call (supervisor_calls[]):
 * it forks workers, so its filter is theirs, too, and it reads files.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf.h"
#include "err.h"
#include "privilege.h"

#define FALLBACK_USER "nobody"

/* Bits of call.who. */
#define HOST 1
#define LKL 2
#define BOTH (HOST | LKL)

/* How an argument is restricted. */
enum rule {
	ANY,
	THREAD_ONLY, /* clone: flags with CLONE_THREAD */
	NOT_EXEC, /* mmap, mprotect: argument 2 without PROT_EXEC */
	SELF, /* argument 0 is our process */
	PRCTL, /* names and timer slack of threads */
	REFUSED_ACCES, REFUSED_NOSYS, /* answered with an error */
};

struct call {
	int nr;
	int who;
	enum rule rule;
	const char *reason;
};

static const struct call worker_calls[] = {
	{ SCMP_SYS(read), BOTH, ANY, "sockets, notifiers, wires" },
	{ SCMP_SYS(write), BOTH, ANY, "notifiers, wires, the last words on stderr" },
	{ SCMP_SYS(readv), LKL, ANY, "tap and stream wires" },
	{ SCMP_SYS(writev), BOTH, ANY, "tap and stream wires; libc's messages" },
	{ SCMP_SYS(close), BOTH, ANY, "descriptors" },
	{ SCMP_SYS(dup), HOST, ANY, "descriptors" },
	{ SCMP_SYS(fcntl), BOTH, ANY, "O_NONBLOCK, pipe sizes" },
	{ SCMP_SYS(fstat), BOTH, ANY, "size of a configuration's memfd; stdio" },
	{ SCMP_SYS(newfstatat), BOTH, ANY, "libc's fstat()" },
	{ SCMP_SYS(lseek), BOTH, ANY, "stdio" },

	{ SCMP_SYS(recvmsg), BOTH, ANY, "control channel, big frames" },
	{ SCMP_SYS(sendmsg), BOTH, ANY, "control channel, big frames" },
	{ SCMP_SYS(recvmmsg), LKL, ANY, "wires" },
	{ SCMP_SYS(sendmmsg), BOTH, ANY, "wires, resolver" },
	{ SCMP_SYS(recvfrom), BOTH, ANY, "relay, wires" },
	{ SCMP_SYS(sendto), BOTH, ANY, "relay, kick of a ring" },
	{ SCMP_SYS(getsockopt), BOTH, ANY, "TCP_INFO, drops of a ring" },
	{ SCMP_SYS(setsockopt), BOTH, ANY, "TCP settings, ring sizes" },
	{ SCMP_SYS(socket), HOST, ANY, "connections to servers" },
	{ SCMP_SYS(bind), HOST, ANY, "source addresses" },
	{ SCMP_SYS(listen), HOST, ANY, "backlog of a reload" },
	{ SCMP_SYS(accept4), HOST, ANY, "clients" },
	{ SCMP_SYS(connect), HOST, ANY, "servers" },
	{ SCMP_SYS(shutdown), BOTH, ANY, "half-close; end of a stream wire" },
	{ SCMP_SYS(getsockname), BOTH, ANY, "PROXY header" },
	{ SCMP_SYS(getpeername), HOST, ANY, "PROXY header" },
	{ SCMP_SYS(splice), HOST, ANY, "relay" },
	{ SCMP_SYS(pipe2), HOST, ANY, "relay" },
	{ SCMP_SYS(ioctl), BOTH, ANY, "offloads and state of a wire's descriptor; FIONREAD" },

	{ SCMP_SYS(epoll_create1), BOTH, ANY, "the loop (host), a wire's descriptors (lkl)" },
	{ SCMP_SYS(epoll_ctl), BOTH, ANY, "the same" },
	{ SCMP_SYS(epoll_wait), BOTH, ANY, "the same" },
	{ SCMP_SYS(epoll_pwait), BOTH, ANY, "the same" },
	{ SCMP_SYS(epoll_pwait2), BOTH, ANY, "the same" },
	{ SCMP_SYS(poll), BOTH, ANY, "main thread" },
	{ SCMP_SYS(ppoll), BOTH, ANY, "an idle vCPU" },
	{ SCMP_SYS(eventfd2), BOTH, ANY, "notifiers, kicks" },
	{ SCMP_SYS(signalfd4), BOTH, ANY, "main thread" },
	{ SCMP_SYS(timerfd_create), LKL, ANY, "wires" },
	{ SCMP_SYS(timerfd_settime), LKL, ANY, "wires" },

	{ SCMP_SYS(mmap), BOTH, NOT_EXEC, "memory of the instance, stacks, configurations" },
	{ SCMP_SYS(mprotect), HOST, NOT_EXEC, "guard pages" },
	{ SCMP_SYS(mprotect), LKL, ANY, "guard pages; the instance's kernel patches its own text" },
	{ SCMP_SYS(munmap), BOTH, ANY, "memory" },
	{ SCMP_SYS(mremap), BOTH, ANY, "realloc()" },
	{ SCMP_SYS(madvise), BOTH, ANY, "huge pages, memory given back" },
	{ SCMP_SYS(brk), BOTH, ANY, "malloc()" },

	{ SCMP_SYS(clone), BOTH, THREAD_ONLY, "the loop's thread, vCPUs" },
	{ SCMP_SYS(clone3), BOTH, REFUSED_NOSYS, "then libc uses clone()" },
	{ SCMP_SYS(set_robust_list), BOTH, ANY, "start of a thread" },
	{ SCMP_SYS(rseq), BOTH, ANY, "start of a thread" },
	{ SCMP_SYS(set_tid_address), BOTH, ANY, "start of a thread" },
	{ SCMP_SYS(futex), BOTH, ANY, "threads" },
	{ SCMP_SYS(membarrier), BOTH, ANY, "vCPUs" },
	{ SCMP_SYS(arch_prctl), BOTH, ANY, "per-CPU base of a vCPU" },
	{ SCMP_SYS(prctl), BOTH, PRCTL, "names and timer slack of threads" },
	{ SCMP_SYS(sched_yield), BOTH, ANY, "vCPUs that wait for each other" },
	{ SCMP_SYS(sched_getaffinity), BOTH, ANY, "pinning" },
	{ SCMP_SYS(sched_setaffinity), BOTH, ANY, "pinning" },
	{ SCMP_SYS(getcpu), BOTH, ANY, "vDSO's fallback" },
	{ SCMP_SYS(rt_sigaction), BOTH, ANY, "handlers" },
	{ SCMP_SYS(rt_sigprocmask), BOTH, ANY, "threads" },
	{ SCMP_SYS(rt_sigreturn), BOTH, ANY, "handlers" },
	{ SCMP_SYS(sigaltstack), BOTH, ANY, "handlers" },
	{ SCMP_SYS(tgkill), BOTH, SELF, "raise(), abort()" },
	{ SCMP_SYS(pause), BOTH, ANY, "a dead instance" },
	{ SCMP_SYS(exit), BOTH, ANY, "end of a thread" },
	{ SCMP_SYS(exit_group), BOTH, ANY, "end" },
	{ SCMP_SYS(restart_syscall), BOTH, ANY, "after a stop" },
	{ SCMP_SYS(getpid), BOTH, ANY, "messages" },
	{ SCMP_SYS(getppid), BOTH, ANY, "is the supervisor there" },
	{ SCMP_SYS(gettid), BOTH, ANY, "raise()" },
	{ SCMP_SYS(getuid), BOTH, ANY, "libc" },
	{ SCMP_SYS(geteuid), BOTH, ANY, "libc" },
	{ SCMP_SYS(getgid), BOTH, ANY, "libc" },
	{ SCMP_SYS(getegid), BOTH, ANY, "libc" },
	{ SCMP_SYS(uname), BOTH, ANY, "the kernel's release" },
	{ SCMP_SYS(getrandom), BOTH, ANY, "seeds" },
	{ SCMP_SYS(getrusage), BOTH, ANY, "counters" },
	{ SCMP_SYS(prlimit64), BOTH, ANY, "limit of descriptors" },
	{ SCMP_SYS(sysinfo), BOTH, ANY, "libc" },
	{ SCMP_SYS(clock_gettime), BOTH, ANY, "vDSO's fallback" },
	{ SCMP_SYS(clock_getres), BOTH, ANY, "vDSO's fallback" },
	{ SCMP_SYS(clock_nanosleep), BOTH, ANY, "waits" },
	{ SCMP_SYS(nanosleep), BOTH, ANY, "waits" },
	{ SCMP_SYS(gettimeofday), BOTH, ANY, "vDSO's fallback" },
	{ SCMP_SYS(time), BOTH, ANY, "vDSO's fallback" },

	{ SCMP_SYS(open), BOTH, REFUSED_ACCES, "libc's optional files: there are none" },
	{ SCMP_SYS(openat), BOTH, REFUSED_ACCES, "libc's optional files: there are none" },
	{ SCMP_SYS(access), BOTH, REFUSED_ACCES, "the same" },
	{ SCMP_SYS(stat), BOTH, REFUSED_ACCES, "the same" },
	{ SCMP_SYS(readlink), BOTH, REFUSED_ACCES, "the same" },
	{ SCMP_SYS(readlinkat), BOTH, REFUSED_ACCES, "the same" },
};

/* What no process of ours has a use for after the start; each is answered with EPERM. */
static const int supervisor_calls[] = {
	/* another program */
	SCMP_SYS(execve), SCMP_SYS(execveat),
	/* other processes' memory */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	/* mounts and namespaces */
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(unshare),
	SCMP_SYS(setns), SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(open_tree),
	SCMP_SYS(move_mount), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(quotactl),
	/* the host's kernel */
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
	/* not bpf(): the maps by which a wire steers are written through it; programs need CAP_BPF */
	SCMP_SYS(perf_event_open), SCMP_SYS(syslog), SCMP_SYS(iopl), SCMP_SYS(ioperm),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(acct), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
	SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	/* keys, handles, devices */
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at), SCMP_SYS(mknod),
	SCMP_SYS(mknodat), SCMP_SYS(personality), SCMP_SYS(modify_ldt),
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static int say(char *err, size_t err_len, int r, const char *what)
{
	snprintf(err, err_len, "privilege: %s: %s", what, strerror(-r));
	return r;
}

/* ---- filters ---- */

static int filter_add(scmp_filter_ctx ctx, const struct call *c)
{
	switch (c->rule) {
	case THREAD_ONLY:
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->nr, 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	case NOT_EXEC:
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->nr, 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	case SELF:
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->nr, 1,
					SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	case PRCTL: {
		static const int options[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK,
					       PR_SET_VMA };
		unsigned int i;
		int r = 0;

		for (i = 0; i < LEN(options) && !r; i++)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->nr, 1,
					     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)options[i]));
		return r;
	}
	case REFUSED_ACCES:
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), c->nr, 0);
	case REFUSED_NOSYS:
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), c->nr, 0);
	case ANY:
		break;
	}
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->nr, 0);
}

static int filter_worker(enum privilege_worker kind)
{
	const int who = kind == PRIVILEGE_LKL ? LKL : HOST;
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	unsigned int i;
	int r = ctx ? 0 : -ENOMEM;

	for (i = 0; i < LEN(worker_calls) && !r; i++)
		if (worker_calls[i].who & who)
			r = filter_add(ctx, &worker_calls[i]);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

static int filter_supervisor(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	unsigned int i;
	int r = ctx ? 0 : -ENOMEM;

	for (i = 0; i < LEN(supervisor_calls) && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), supervisor_calls[i], 0);
	/* the log's thread as well */
	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* ---- capabilities and users ---- */

static int caps_set(uint64_t keep)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted = (uint32_t)(keep >> (32 * i));
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &hdr, data) ? -errno : 0;
}

static void caps_bound(uint64_t keep)
{
	int i;

	for (i = 0; i < 64; i++)
		if (!(keep >> i & 1))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0); /* EINVAL: the last one was before */
}

#define CAP(name) (1ULL << CAP_##name)

static int empty_dir(struct privilege *p)
{
	char path[] = "/tmp/accd-empty.XXXXXX", other[] = "/run/accd-empty.XXXXXX";
	char *dir = mkdtemp(path);

	if (!dir)
		dir = mkdtemp(other);
	if (!dir)
		return -errno;
	p->empty_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->empty_fd >= 0)
		chmod(dir, 0555); /* others may stand in it */
	rmdir(dir);
	return p->empty_fd < 0 ? -errno : 0;
}

int privilege_init(struct privilege *p, const struct conf *conf, char *err, size_t err_len)
{
	const struct passwd *pw;

	memset(p, 0, sizeof(*p));
	p->empty_fd = -1;
	p->uid = getuid();
	p->gid = getgid();
	p->is_root = !geteuid();
	snprintf(p->user, sizeof(p->user), "%s", conf->user);
	if (!p->is_root)
		return 0;
	pw = getpwnam(conf->user);
	if (!pw) {
		pw = getpwnam(FALLBACK_USER);
		if (!pw) {
			snprintf(err, err_len, "user: neither \"%s\" nor \"" FALLBACK_USER "\" exists",
				 conf->user);
			return -ENOENT;
		}
		msg("user: \"%s\" does not exist; going on as " FALLBACK_USER, conf->user);
		snprintf(p->user, sizeof(p->user), FALLBACK_USER);
	}
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	if (empty_dir(p))
		return say(err, err_len, -errno, "cannot make an empty directory in /tmp or /run");
	return 0;
}

int privilege_drop_supervisor(const struct privilege *p, char *err, size_t err_len)
{
	const uint64_t keep = CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT);
	int r;

	if (p->is_root) {
		caps_bound(keep);
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
		    setresgid(p->gid, p->gid, p->gid) || setresuid(p->uid, p->uid, p->uid))
			return say(err, err_len, -errno, p->user);
		r = caps_set(keep);
	} else {
		r = caps_set(0);
	}
	if (r)
		return say(err, err_len, r, "capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return say(err, err_len, -errno, "no_new_privs");
	r = filter_supervisor();
	return r ? say(err, err_len, r, "seccomp") : 0;
}

int privilege_drop_keeper(const struct privilege *p, char *err, size_t err_len)
{
	/* DAC_OVERRIDE: the record of what was taken lies in a directory that may be the user's */
	const uint64_t keep = CAP(NET_ADMIN) | CAP(NET_RAW) | CAP(BPF) | CAP(DAC_OVERRIDE);
	int r;

	if (p->is_root) {
		caps_bound(keep);
		r = caps_set(keep);
		if (r)
			return say(err, err_len, r, "capset");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return say(err, err_len, -errno, "no_new_privs");
	return 0;
}

static int no_file_system(const struct privilege *p, char *err, size_t err_len)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, /* all of Linux 5.13 */
	};
	int fd, r;

	if (p->is_root) {
		if (fchdir(p->empty_fd) || chroot("."))
			return say(err, err_len, -errno, "chroot into an empty directory");
		close(p->empty_fd);
		return 0;
	}
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	r = fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (r)
		msg("the file system stays in sight: not started as root, and Landlock: %s",
		    strerror(-r));
	return 0;
}

int privilege_drop_worker(const struct privilege *p, enum privilege_worker kind, char *err,
			  size_t err_len)
{
	const struct rlimit none = { 0, 0 };
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return say(err, err_len, -errno, "no_new_privs");
	r = no_file_system(p, err, err_len);
	if (r)
		return r;
	r = caps_set(0);
	if (r)
		return say(err, err_len, r, "capset");
	setrlimit(RLIMIT_CORE, &none); /* memory full of other people's bytes */
	setrlimit(RLIMIT_MSGQUEUE, &none);
	r = filter_worker(kind);
	return r ? say(err, err_len, r, "seccomp") : 0;
}
