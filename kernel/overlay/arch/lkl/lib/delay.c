// SPDX-License-Identifier: GPL-2.0-only
/*
 * delay.c - busy waits by the TSC
 */
#include <linux/delay.h>
#include <linux/time64.h>
#include <asm/lkl.h>

void __delay(unsigned long loops)
{
	u64 end = lkl_tsc() + loops;

	while (lkl_tsc() < end)
		cpu_relax();
}

void __ndelay(unsigned long nsecs)
{
	__delay(lkl_ns_to_tsc(nsecs));
}

void __udelay(unsigned long usecs)
{
	__ndelay(usecs * NSEC_PER_USEC);
}
