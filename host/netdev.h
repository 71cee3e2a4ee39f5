/* SPDX-License-Identifier: GPL-2.0-only */
/* netdev.h - what netdev.c, netdev_fd.c and boot.c share; not installed */
#ifndef LKL_HOST_NETDEV_H
#define LKL_HOST_NETDEV_H

#include <lkl/netdev.h>

struct lkl_wire;

/* Give all devices that were not removed to the instance, which has just booted. */
void lkl__netdevs_attach(void);

/* Remove and forget all devices. The instance has halted. */
void lkl__netdevs_free(void);

/* The wire of a device from lkl_netdev_raw_create(), which from now on is in use; NULL: any other device. */
struct lkl_wire *lkl__netdev_raw_wire(struct lkl_netdev *nd);

/* netconf.c: rename an interface, which must be down. */
int lkl__if_rename(int ifindex, const char *name);

#endif /* LKL_HOST_NETDEV_H */
