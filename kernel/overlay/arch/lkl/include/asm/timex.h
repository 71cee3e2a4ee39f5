/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_TIMEX_H
#define _ASM_LKL_TIMEX_H

/* The TSC, in its own frequency; on a host whose TSC is none to go by, nanoseconds of the host's clock. */
typedef unsigned long cycles_t;

extern u8 lkl_clock_is_host;
u64 lkl_host_clock(void);

static __always_inline u64 lkl_tsc(void)
{
	u32 low, high;

	if (unlikely(lkl_clock_is_host))
		return lkl_host_clock();
	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return low | (u64)high << 32;
}

static inline cycles_t get_cycles(void)
{
	return lkl_tsc();
}

#define get_cycles get_cycles
#define CLOCK_TICK_RATE 1193180

#endif /* _ASM_LKL_TIMEX_H */
