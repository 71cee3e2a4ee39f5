// SPDX-License-Identifier: GPL-2.0-only
/*
 * traps.c - BUG, panic and the end of the instance
 */
#include <linux/init.h>
#include <linux/cpu.h>
#include <linux/panic_notifier.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <asm/lkl.h>

void lkl_bug(const char *file, int line, const char *function)
{
	panic("BUG at %s:%d in %s()", file, line, function);
}

static int panic_report(struct notifier_block *nb, unsigned long event, void *message)
{
	lkl_host->panic(message);
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = {
	.notifier_call = panic_report,
	.priority = INT_MAX,
};

void __init trap_init(void)
{
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
}

/* Nobody calls these: lkl_sys_halt() stops the instance (task.c), reboot(2) answers -ENOSYS. */
void machine_halt(void)
{
	lkl_vcpu_stop();
}

void machine_power_off(void)
{
	lkl_vcpu_stop();
}

void machine_restart(char *cmd)
{
	lkl_vcpu_stop();
}
