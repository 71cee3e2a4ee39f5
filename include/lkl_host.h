/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lkl_host.h - devices of a program's own, as programs for LKL know them
 *
 * Network devices are lkl/netdev.h. Block devices have nothing behind them here (lkl/helpers.h): the types are those of
 * LKL, so that a program which brings its own disk compiles; lkl_disk_add() returns -ENOSYS.
 */
#ifndef LKL_HOST_H
#define LKL_HOST_H

#include <lkl/asm/host_ops.h>
#include <lkl.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LKL_DEV_BLK_STATUS_OK 0
#define LKL_DEV_BLK_STATUS_IOERR 1
#define LKL_DEV_BLK_STATUS_UNSUP 2

enum {
	LKL_DEV_BLK_TYPE_READ = 0,
	LKL_DEV_BLK_TYPE_WRITE = 1,
	LKL_DEV_BLK_TYPE_FLUSH = 4,
	LKL_DEV_BLK_TYPE_FLUSH_OUT = 5,
};

struct lkl_blk_req {
	unsigned int type;
	unsigned int prio;
	unsigned long long sector;
	struct iovec *buf;
	int count;
};

struct lkl_dev_blk_ops {
	int (*get_capacity)(struct lkl_disk disk, unsigned long long *res);
	int (*request)(struct lkl_disk disk, struct lkl_blk_req *req);
};

extern struct lkl_dev_blk_ops lkl_dev_blk_ops;

/* The part of the command line that names virtio devices: always empty. */
extern char lkl_virtio_devs[4096];

#ifdef __cplusplus
}
#endif

#endif /* LKL_HOST_H */
