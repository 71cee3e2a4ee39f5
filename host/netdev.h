/* SPDX-License-Identifier: GPL-2.0-only */
/* netdev.h - what netdev.c, netdev_fd.c and boot.c share; not installed */
#ifndef LKL_HOST_NETDEV_H
#define LKL_HOST_NETDEV_H

#include <lkl/netdev.h>

struct lkl_wire;

/* Give the devices that were added before boot to the instance; called once, when it is up. */
void lkl__netdevs_attach(void);

/* The wire of a device from lkl_netdev_raw_create(), which from now on is in use; NULL: any other device. */
struct lkl_wire *lkl__netdev_raw_wire(struct lkl_netdev *nd);

/* netconf.c: rename an interface, which must be down. [task] */
int lkl__if_rename(int ifindex, const char *name);

#endif /* LKL_HOST_NETDEV_H */
