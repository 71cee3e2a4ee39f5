// SPDX-License-Identifier: GPL-2.0-only
/*
 * notify.c - host threads tell tasks that something happened
 *
 * A notifier is an eventfd whose kernel half is kept here. lkl_kernel_notify() sets its bit from any host thread and raises
 * an interrupt; the vCPU then signals the eventfd.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/syscalls.h>
#include <asm/lkl.h>

#define NOTIFIERS_MAX 64

static struct eventfd_ctx *notifiers[NOTIFIERS_MAX];
static unsigned int notifiers_len;
static unsigned long notifiers_pending;

int lkl_kernel_notifier_new(int *handle)
{
	struct eventfd_ctx *ctx;
	int fd;

	if (!lkl_on_vcpu)
		return -EPERM;
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

int lkl_kernel_notify(int handle)
{
	if (handle < 0 || handle >= smp_load_acquire(&notifiers_len))
		return -EINVAL;
	arch_atomic64_or(1UL << handle, (atomic64_t *)&notifiers_pending);
	lkl_raise(0, LKL_IRQ_NOTIFY);
	return 0;
}

void lkl_notify_irq(void)
{
	unsigned long pending = xchg(&notifiers_pending, 0);
	int i;

	for_each_set_bit(i, &pending, NOTIFIERS_MAX)
		eventfd_signal(notifiers[i]);
}
