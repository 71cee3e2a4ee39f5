// SPDX-License-Identifier: GPL-2.0-only
/*
 * notify.c - host threads tell tasks that something happened
 *
 * A notifier is an eventfd whose kernel half is kept here. lkl_kernel_notify() sets its bit from any host thread and raises
 * an interrupt; the vCPU then signals the eventfd.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/mutex.h>
#include <linux/syscalls.h>
#include <asm/lkl.h>
#include <asm/release.h>
#include <asm/vcpu.h>

#define NOTIFIERS_MAX 64

static struct eventfd_ctx *notifiers[NOTIFIERS_MAX];
static unsigned int notifiers_len;
static unsigned long notifiers_pending;

static DEFINE_MUTEX(notifiers_lock);

static int notifier_new(int *handle)
{
	struct eventfd_ctx *ctx;
	int fd;

	if (notifiers_len == NOTIFIERS_MAX)
		return -ENOSPC;
	fd = sys_eventfd2(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return fd;
	ctx = eventfd_ctx_fdget(fd);
	if (IS_ERR(ctx)) {
		sys_close(fd);
		return PTR_ERR(ctx);
	}
	notifiers[notifiers_len] = ctx;
	*handle = notifiers_len;
	smp_store_release(&notifiers_len, notifiers_len + 1);
	return fd;
}

int lkl_kernel_notifier_new(int *handle)
{
	struct lkl_thread *self;
	int ret = lkl_enter(&self);

	if (ret)
		return ret;
	mutex_lock(&notifiers_lock);
	ret = notifier_new(handle);
	mutex_unlock(&notifiers_lock);
	return lkl_exit(self, ret);
}

int lkl_kernel_notify(int handle)
{
	if (handle < 0 || handle >= smp_load_acquire(&notifiers_len))
		return -EINVAL;
	__atomic_fetch_or(&notifiers_pending, 1UL << handle, __ATOMIC_SEQ_CST);
	lkl_raise(0, LKL_IRQ_NOTIFY);
	return 0;
}

void lkl_notify_irq(void)
{
	unsigned long pending = xchg(&notifiers_pending, 0);
	int i;

	for_each_set_bit(i, &pending, NOTIFIERS_MAX)
		lkl_eventfd_signal(notifiers[i]);
}
