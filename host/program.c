// SPDX-License-Identifier: GPL-2.0-only
/*
 * program.c - life and messages of a program for LKL, and the names that have nothing behind them here
 *
 * lkl_init() takes struct lkl_host_operations and makes the log and panic callbacks of lkl_options from two of its members
 * (include/lkl/asm/host_ops.h says why only these). The default operations write to standard error: it is the program that
 * hands them in, and it may set print to NULL; without lkl_init() nothing is ever printed.
 *
 * Block devices, interrupt lines and the debug shell of LKL answer -ENOSYS or do nothing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lkl.h>
#include <lkl_host.h>

#include "netdev.h"
#include "vcpu.h"

#define MESSAGE_BYTES 1024

static struct lkl_host_operations *operations;	/* set before boot, read by any thread */

static void print_to_stderr(const char *str, int len)
{
	(void)!write(STDERR_FILENO, str, len);
}

struct lkl_host_operations lkl_host_ops = {
	.print = print_to_stderr,
};

static void on_log(void *ctx, int level, const char *line, size_t len)
{
	struct lkl_host_operations *ops = ctx;
	char text[MESSAGE_BYTES];

	if (!ops->print)
		return;
	if (len > sizeof(text) - 1)
		len = sizeof(text) - 1;
	memcpy(text, line, len);
	text[len] = '\n';
	ops->print(text, len + 1);
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	struct lkl_host_operations *ops = ctx;

	lkl_printf("%s\n", message);
	if (ops->print)
		ops->print(backtrace, strlen(backtrace));
	if (!ops->panic)
		abort();
	ops->panic();
}

int lkl_init(struct lkl_host_operations *ops)
{
	struct lkl_options options = lkl__options;
	int err;

	if (!ops)
		return -EINVAL;
	options.log = on_log;
	options.panic = on_panic;
	options.log_ctx = options.panic_ctx = ops;
	err = lkl_set_options(&options);
	if (!err)
		operations = ops;
	return err;
}

void lkl_cleanup(void)
{
	if (lkl__state() != INSTANCE_NEW)
		return;
	lkl__netdevs_free();
	lkl__options = (struct lkl_options)LKL_OPTIONS_DEFAULT;
	operations = NULL;
}

static int print(const char *format, va_list ap)
{
	char text[MESSAGE_BYTES];
	int n = vsnprintf(text, sizeof(text), format, ap);

	if (n < 0)
		return -EINVAL;
	if (n > (int)sizeof(text) - 1)
		n = sizeof(text) - 1;
	if (operations && operations->print)
		operations->print(text, n);
	return n;
}

int lkl_printf(const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = print(format, ap);
	va_end(ap);
	return n;
}

void lkl_bug(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print(format, ap);
	va_end(ap);
	if (!operations || !operations->panic)
		abort();
	operations->panic();
}

void lkl_perror(char *message, int err)
{
	lkl_printf("%s: %s\n", message, lkl_strerror(err));
}

/* ---- nothing behind these ---- */

struct lkl_dev_blk_ops lkl_dev_blk_ops;
char lkl_virtio_devs[4096];

int lkl_disk_add(struct lkl_disk *disk)
{
	return -ENOSYS;
}

int lkl_disk_add_feature(struct lkl_disk *disk, uint64_t features)
{
	return -ENOSYS;
}

int lkl_disk_remove(struct lkl_disk disk)
{
	return -ENOSYS;
}

int lkl_encode_dev_from_sysfs(const char *sysfs_path, uint32_t *pdevid)
{
	return -ENOSYS;
}

int lkl_get_virtio_blkdev(int disk_id, unsigned int part, uint32_t *pdevid)
{
	return -ENOSYS;
}

long lkl_mount_dev(unsigned int disk_id, unsigned int part, const char *fs_type, int flags, const char *opts, char *mnt_str,
		   unsigned int mnt_str_len)
{
	return -ENOSYS;
}

long lkl_mount_blkdev(unsigned int dev, const char *fs_type, int flags, const char *opts, char *mnt_str,
		      unsigned int mnt_str_len)
{
	return -ENOSYS;
}

long lkl_umount_dev(unsigned int disk_id, unsigned int part, int flags, long timeout_ms)
{
	return -ENOSYS;
}

long lkl_umount_blkdev(unsigned int dev, int flags, long timeout_ms)
{
	return -ENOSYS;
}

void lkl_register_dbg_handler(void)
{
}

int lkl_trigger_irq(int irq)
{
	return -ENOSYS;
}

int lkl_get_free_irq(const char *user)
{
	return -ENOSYS;
}

void lkl_put_irq(int irq, const char *user)
{
}
