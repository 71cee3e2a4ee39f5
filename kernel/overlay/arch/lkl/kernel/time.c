// SPDX-License-Identifier: GPL-2.0-only
/*
 * time.c - clock source, scheduler clock and clock events, all from the TSC
 *
 * The host measured the TSC's frequency (host/clock.c). Reading time is one rdtsc. Where the host found no TSC that runs
 * at one rate, or was told so, its clock_gettime() stands for the TSC everywhere: 1 GHz, one flag to test. A clock event is a deadline in per-CPU
 * data: nothing is programmed in the host until the vCPU goes to sleep, when the deadline becomes the timeout of its
 * wait.
 */
#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/math64.h>
#include <linux/sched/clock.h>
#include <linux/time.h>
#include <linux/timekeeping.h>
#include <asm/lkl.h>
#include <asm/release.h>

DEFINE_PER_CPU(u64, lkl_timer_deadline) = U64_MAX;
DEFINE_PER_CPU(u64, lkl_next_check) = U64_MAX;

u8 lkl_clock_is_host __ro_after_init;

static DEFINE_PER_CPU(struct clock_event_device, lkl_clock_event);

/* ns = tsc * ns_mult >> 32 and tsc = ns * tsc_mult >> 32: exact to 2^-32, no overflow thanks to 128-bit products. */
static u64 ns_mult, tsc_mult;
static u64 tsc_boot;

u64 notrace lkl_host_clock(void)
{
	return lkl_host->monotonic_ns();
}

u64 lkl_ns_to_tsc(u64 ns)
{
	return mul_u64_u64_shr(ns, tsc_mult, 32);
}

u64 lkl_tsc_to_ns(u64 tsc)
{
	return mul_u64_u64_shr(tsc, ns_mult, 32);
}

unsigned long long notrace sched_clock(void)
{
	return lkl_tsc_to_ns(lkl_tsc() - tsc_boot);
}

static u64 clocksource_read(struct clocksource *cs)
{
	return lkl_tsc();
}

static struct clocksource lkl_clocksource = {
	.name = "tsc",
	.rating = 400,
	.read = clocksource_read,
	.mask = CLOCKSOURCE_MASK(64),
	.flags = CLOCK_SOURCE_IS_CONTINUOUS | CLOCK_SOURCE_VALID_FOR_HRES,
};

struct clocksource *__init clocksource_default_clock(void)
{
	lkl_clocksource_scale(&lkl_clocksource, lkl_boot.tsc_hz);
	return &lkl_clocksource;
}

void read_persistent_clock64(struct timespec64 *ts)
{
	*ts = ns_to_timespec64(lkl_host->wall_clock_ns());
}

static int clock_event_set(unsigned long delta, struct clock_event_device *dev)
{
	u64 deadline = lkl_tsc() + delta;

	raw_cpu_write_8(lkl_timer_deadline, deadline);
	if (deadline < raw_cpu_read_8(lkl_next_check))
		raw_cpu_write_8(lkl_next_check, deadline);
	return 0;
}

static int clock_event_shutdown(struct clock_event_device *dev)
{
	raw_cpu_write_8(lkl_timer_deadline, U64_MAX);
	return 0;
}

void lkl_timer_irq(void)
{
	struct clock_event_device *dev = this_cpu_ptr(&lkl_clock_event);

	dev->event_handler(dev);
}

/* [each vCPU, as it starts] */
void lkl_clock_event_init(void)
{
	struct clock_event_device *dev = this_cpu_ptr(&lkl_clock_event);

	dev->name = "lkl";
	dev->rating = 400;
	dev->features = CLOCK_EVT_FEAT_ONESHOT;
	dev->cpumask = cpumask_of(smp_processor_id());
	dev->set_next_event = clock_event_set;
	dev->set_state_shutdown = clock_event_shutdown;
	clockevents_config_and_register(dev, lkl_boot.tsc_hz, 1, LONG_MAX);
	raw_cpu_write_8(lkl_next_check, 0);
}

/* The host has read it. */
static int __init clock_setup(char *value)
{
	return 0;
}
early_param("lkl_clock", clock_setup);

void __init lkl_time_early_init(void)
{
	if (lkl_clock_is_host)
		lkl_clocksource.name = "host";
	ns_mult = div64_u64((u64)NSEC_PER_SEC << 32, lkl_boot.tsc_hz);
	tsc_mult = mul_u64_u64_div_u64(lkl_boot.tsc_hz, 1ULL << 32, NSEC_PER_SEC);
	tsc_boot = lkl_tsc();
	lpj_fine = div_u64(lkl_boot.tsc_hz, HZ);
}

void __init time_init(void)
{
	clocksource_register_hz(&lkl_clocksource, lkl_boot.tsc_hz);
	lkl_clock_event_init();
}
