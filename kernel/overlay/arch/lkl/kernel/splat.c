// SPDX-License-Identifier: GPL-2.0-only
/*
 * splat.c - the first complaint of the kernel's own checks ends the instance (CONFIG_LKL_SPLAT)
 *
 * Most checks only print: lockdep, suspicious RCU usage, sleeping in atomic context, a SLUB red zone, KASAN. Nobody
 * reads the log of a test that passes, so here the log reads itself: each record is compared with the openings of such
 * reports. From the first that matches on, text is collected, and then handed to the panic callback as one message, by
 * which any program that uses the library fails. The end comes settle_ns after the opening, from an irq_work on the
 * tick, so that the whole report is in the text; or at the end of its back trace if interrupts are disabled there,
 * because what was reported may be about to spin for ever.
 *
 * Records of every level are looked at, whatever loglevel= says; the host gets those that loglevel= lets through.
 */
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <asm/lkl.h>
#include <asm/setup.h>

static const u64 settle_ns = 20 * NSEC_PER_MSEC;

static const char *const openings[] = {
	"------------[ cut here ]",		/* WARN() */
	"WARNING: ",				/* lockdep, RCU */
	"BUG: ",				/* KASAN, spinlocks, sleeping in atomic context, limits of lockdep */
	"BUG ",					/* SLUB */
	"UBSAN: ",
	"INFO: trying to register non-static key",
	"rcu: INFO: ",				/* stalls */
	"pagealloc: ",				/* page poison overwritten */
};

/*
 * System calls of an application task run on the application's stack, which is not the one that the generic code knows.
 * DEBUG_OBJECTS asks whether an object is on the stack where it was said to be, and complains five times in the life of
 * an instance. Such a warning is passed over, from its announcement to its last line. Several vCPUs may be at it at a time,
 * with their lines mixed: it ends with the last line of as many warnings as were announced.
 */
static const char foreign_stack[] = "is NOT on stack";
static const char warning_end[] = "---[ end trace";
static unsigned int n_passed_over;

/* Written with the console locked. */
static char splat[16384];
static size_t splat_len;
static bool is_kasan;
static u64 splat_end;			/* TSC value */

static void splat_report(void)
{
	lkl_host->panic(splat);
}

static void splat_work_run(struct irq_work *work)
{
	if (lkl_tsc() >= splat_end)
		splat_report();
	irq_work_queue(work);
}

static DEFINE_IRQ_WORK(splat_work, splat_work_run);

static bool is_opening(const char *text, size_t len)
{
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(openings); i++) {
		n = strlen(openings[i]);
		if (len >= n && !memcmp(text, openings[i], n))
			return true;
	}
	return false;
}

/* [console locked] One line of the kernel's log. */
void lkl_splat_line(const char *text, size_t len)
{
	size_t i;

	if (!splat_len) {
		if (strnstr(text, foreign_stack, len))
			n_passed_over++;
		if (n_passed_over) {
			if (strnstr(text, warning_end, len))
				n_passed_over--;
			return;
		}
		if (!is_opening(text, len))
			return;
		splat_end = lkl_tsc() + lkl_ns_to_tsc(settle_ns);
		irq_work_queue(&splat_work);
	}
	is_kasan |= len > 10 && !memcmp(text, "BUG: KASAN", 10);
	if (splat_len + len + 2 > sizeof(splat))
		splat_report();
	for (i = 0; i < len; i++) {
		/* Extended records write a line feed within a text as \x0a. */
		bool is_lf = len - i >= 4 && !memcmp(text + i, "\\x0a", 4);

		splat[splat_len++] = is_lf ? '\n' : text[i];
		i += is_lf ? 3 : 0;
	}
	splat[splat_len++] = '\n';
}

/* A back trace has been printed. KASAN has more to say after it, and comes to an end by itself. */
void lkl_splat_stack_end(void)
{
	if (splat_len && !is_kasan && irqs_disabled())
		splat_report();
}

/* Options that go with it; before the command line is parsed. */
void __init lkl_splat_init(void)
{
	strlcat(boot_command_line, " ignore_loglevel page_poison=1", COMMAND_LINE_SIZE);
}
