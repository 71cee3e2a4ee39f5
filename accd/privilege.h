/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * privilege.h - what each process gives up, and when
 *
 *   supervisor   set-up as root; then user `user`, CAP_NET_BIND_SERVICE (listeners of a reload) and
 *                CAP_SYS_CHROOT (for new workers), no_new_privs, a filter of system calls
 *   keeper       root with CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_DAC_OVERRIDE; reads the end of a pipe only
 *   worker       user `user`, no capability, no_new_privs, no file system, a list of system calls
 *
 * Started by another user than root, accd gives up what it has: no capability, no_new_privs, the
 * filters, and the file system by Landlock. SECURITY.md has the threat model.
 */
#ifndef ACCD_PRIVILEGE_H
#define ACCD_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conf;

enum privilege_worker { PRIVILEGE_HOST, PRIVILEGE_LKL };

struct privilege {
	bool is_root; /* started as root */
	uid_t uid;
	gid_t gid;
	char user[32];
	int empty_fd; /* a directory that does not exist any more; -1: none */
};

/* [supervisor, as root] Find the user, make the empty directory. 0, or -errno with a sentence. */
int privilege_init(struct privilege *p, const struct conf *conf, char *err, size_t err_len);

/* [supervisor] After all that needs root. 0, or -errno with a sentence in err. */
int privilege_drop_supervisor(const struct privilege *p, char *err, size_t err_len);

/* [keeper] */
int privilege_drop_keeper(const struct privilege *p, char *err, size_t err_len);

/* [worker, one thread] */
int privilege_drop_worker(const struct privilege *p, enum privilege_worker kind, char *err,
			  size_t err_len);

#endif /* ACCD_PRIVILEGE_H */
