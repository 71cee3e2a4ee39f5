/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own_internal.h - shared by own.c, own_read.c and share.c only
 */
#ifndef WIRE_OWN_INTERNAL_H
#define WIRE_OWN_INTERNAL_H

#include "own.h"
#include "rtnl.h"

#define OWN_DUMP_ROUTES 1u
#define OWN_DUMP_NEIGHS 2u

/* Add the host's addresses, and what is asked for, to `st`, which own_init_state() has made. */
int own_dump(struct rtnl *t, struct own_state *st, unsigned int what, char *err, size_t err_len);
void own_init_state(struct own_state *st, const char *ifname, int ifindex);

/* net.ipv6.conf.IFNAME.NAME of the host. 0 or -errno. */
int own_sysctl_get(const char *ifname, const char *name, int *value);
int own_sysctl_set(const char *ifname, const char *name, int value);

unsigned int own_addr_bytes(int family);
int64_t own_boottime_sec(void);

#endif /* WIRE_OWN_INTERNAL_H */
