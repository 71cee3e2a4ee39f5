// SPDX-License-Identifier: GPL-2.0-only
/*
 * splat_test.c - mistakes on request: "lkl_mistake=NAME" on the command line makes one at the end of boot
 *
 * Shows that what the debug build should see is seen (tests/kernel/test_splat.c). Only built with CONFIG_LKL_SPLAT.
 */
#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static DEFINE_MUTEX(mutex);
static int __rcu *guarded;
static volatile int volatile_int = 1;

static void sleep_in_atomic(void)
{
	spin_lock(&lock_a);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	spin_unlock(&lock_a);
}

static void self_deadlock(void)
{
	spin_lock_irq(&lock_a);
	spin_lock(&lock_a);
}

static void lock_order(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);
	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

static void rcu_unlocked(void)
{
	(void)rcu_dereference(guarded);
}

static void use_after_free(void)
{
	volatile char *p = kmalloc(100, GFP_KERNEL);

	kfree((void *)p);
	p[10] = 1;
}

static void out_of_bounds(void)
{
	char *p = kmalloc(100, GFP_KERNEL);

	memset(p, 0, 100 + volatile_int);
	kfree(p);
}

static void global_out_of_bounds(void)
{
	static char global[10];
	char *p = global;

	OPTIMIZER_HIDE_VAR(p);
	volatile_int = p[9 + volatile_int];
}

static void bad_shift(void)
{
	volatile_int = 1 << (volatile_int * 40);
}

static void free_active_work(void)
{
	struct delayed_work *work = kmalloc(sizeof(*work), GFP_KERNEL);

	INIT_DELAYED_WORK(work, NULL);
	schedule_delayed_work(work, HZ);
	kfree(work);
}

static void warn(void)
{
	WARN_ON(volatile_int);
}

static const struct {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "self_deadlock", self_deadlock },
	{ "lock_order", lock_order },
	{ "rcu_unlocked", rcu_unlocked },
	{ "use_after_free", use_after_free },
	{ "out_of_bounds", out_of_bounds },
	{ "global_out_of_bounds", global_out_of_bounds },
	{ "bad_shift", bad_shift },
	{ "free_active_work", free_active_work },
	{ "warn", warn },
};

static char wanted[32];

static int __init mistake_setup(char *name)
{
	strscpy(wanted, name, sizeof(wanted));
	return 1;
}
__setup("lkl_mistake=", mistake_setup);

static int __init mistake_make(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++)
		if (!strcmp(wanted, mistakes[i].name))
			mistakes[i].make();
	return 0;
}
late_initcall_sync(mistake_make);
