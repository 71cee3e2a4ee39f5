/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * take.h - an interface for a stack: taken as `own` or as `share`, and given back, also after a death
 *
 *	take_begin()	lock -> put back what a dead owner left -> read the host -> record to a file
 *			-> take (own: addresses, routes, neighbours; share: ports) -> mute
 *	take_end()	unmute -> put back -> remove the record -> unlock
 *	take_recover()	for an interface whose owner is dead: put back, remove the record
 *
 * The record is on disk, synced, before anything changes; so whenever all processes are killed, the
 * next take_begin() on the interface, or take_recover(), puts everything back. The lock is held by
 * every process that inherited it (fork), so a worker that outlives its supervisor still owns.
 *
 * struct take is plain data and descriptors: a supervisor fills it and its workers read it.
 * take_end() is for one process, the last that uses the interface, with the privileges of
 * take_begin(): CAP_NET_ADMIN, CAP_BPF for tcx, write access to RECORD_DIR and /proc/sys/net.
 */
#ifndef WIRE_TAKE_H
#define WIRE_TAKE_H

#include "own.h"
#include "record.h"
#include "share.h"

enum take_mode { TAKE_OWN = 1, TAKE_SHARE = 2 };

struct take_params {
	enum take_mode mode;
	const char *ifname;
	const char *dir;		/* of records; NULL: RECORD_DIR */
	struct share_params share;	/* TAKE_SHARE only */
};

struct take {
	enum take_mode mode;	/* 0: nothing is taken */
	int mute_fd;		/* -1: the host sees the frames, too */
	struct record record;
	struct own_state own;	/* what the stack gets; own mode: what the host gets back */
	struct share_state share;
	struct filter_spec spec;	/* share mode: for the wire's filter, filter_stack() */
};

/*
 * 0, or -errno with a sentence in err and nothing taken. -EBUSY: another process has the interface.
 * 0 with a sentence in err (else "") is a remark: what was put back for a dead owner, or, in own
 * mode, that the host cannot be kept from seeing the frames. In share mode that is an error.
 */
int take_begin(const struct take_params *params, struct take *t, char *err, size_t err_len);

/* Give back. On failure the record stays, for take_recover(). May be called twice. */
int take_end(struct take *t, char *err, size_t err_len);

/* 1: put back; 0: there was nothing to put back; -EBUSY: the owner lives; other -errno. */
int take_recover(const char *dir, const char *ifname, char *err, size_t err_len);

#endif /* WIRE_TAKE_H */
