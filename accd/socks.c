// SPDX-License-Identifier: GPL-2.0-only
/*
 * socks.c - bound sockets by address
 */
#include <errno.h>
#include <string.h>

#include "socks.h"

struct sock *sock_find(struct sock_set *set, const union addr *addr)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		if (addr_equal(&set->socks[i].addr, addr))
			return &set->socks[i];
	return NULL;
}

int sock_add(struct sock_set *set, const union addr *addr, int fd, bool is_new)
{
	struct sock *s;

	if (set->n == SOCKS_MAX)
		return -ENOSPC;
	s = &set->socks[set->n++];
	memset(s, 0, sizeof(*s));
	s->addr = *addr;
	s->fd = fd;
	s->is_new = is_new;
	return 0;
}

int sock_remove(struct sock_set *set, struct sock *s)
{
	int fd = s->fd;

	*s = set->socks[--set->n];
	return fd;
}
