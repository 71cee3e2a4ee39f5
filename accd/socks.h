/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * socks.h - bound sockets by address, so that they outlive configurations and workers
 *
 * On the host's stack the supervisor binds one socket per address and worker (SO_REUSEPORT), and
 * each worker inherits its own: what waits in a socket's backlog survives the worker. On the
 * library's stack a worker binds them itself. In both, a reload keeps the sockets whose address is
 * in the new configuration, too. A plain array: a few dozens of entries, looked at only when a
 * configuration is loaded.
 */
#ifndef ACCD_SOCKS_H
#define ACCD_SOCKS_H

#include <stdbool.h>

#include "addr.h"

#define SOCKS_MAX 1024 /* per worker */

struct sock {
	union addr addr;
	int fd;
	bool is_new; /* bound by a reload that is not in force yet: does not listen */
	bool is_watched; /* in the worker's epoll set */
	bool is_wanted; /* scratch of whoever walks the set */
};

struct sock_set {
	unsigned int n;
	struct sock socks[SOCKS_MAX];
};

/* Same family, address and port. NULL: none. */
struct sock *sock_find(struct sock_set *set, const union addr *addr);

/* Takes fd over. -ENOSPC: SOCKS_MAX. */
int sock_add(struct sock_set *set, const union addr *addr, int fd, bool is_new);

/* Take an entry out; its descriptor is the caller's. The last entry takes its place. */
int sock_remove(struct sock_set *set, struct sock *s);

#endif /* ACCD_SOCKS_H */
