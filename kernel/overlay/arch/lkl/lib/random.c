// SPDX-License-Identifier: GPL-2.0-only
/*
 * random.c - a seed for the kernel's random numbers
 *
 * An instance has no device and no asynchronous interrupt whose timing could be collected. Without a seed, the numbers
 * that the stack relies on (sequence numbers, ports, hash keys) would come from little more than the clock, and
 * getrandom() would wait for ever. RDRAND is an instruction of user mode; a CPU without it leaves things as they were.
 */
#include <linux/cache.h>
#include <linux/types.h>
#include <asm/archrandom.h>

#define CPUID_1_ECX_RDRAND (1U << 30)

/* Intel's guide: ten failures in a row mean that the CPU is broken. */
static const int rdrand_tries = 10;

/* 0: not asked yet; cpuid is expensive in a virtual machine. */
static int rdrand_is_there __read_mostly;

static bool has_rdrand(void)
{
	unsigned int a = 1, b, c = 0, d;

	if (!rdrand_is_there) {
		asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		rdrand_is_there = c & CPUID_1_ECX_RDRAND ? 1 : -1;
	}
	return rdrand_is_there > 0;
}

static bool rdrand(unsigned long *v)
{
	bool is_ok;
	int i;

	for (i = 0; i < rdrand_tries; i++) {
		asm volatile("rdrand %0" : "=r"(*v), "=@ccc"(is_ok));
		if (is_ok)
			return true;
	}
	return false;
}

size_t lkl_random_longs(unsigned long *v, size_t max_longs)
{
	size_t n = 0;

	if (has_rdrand())
		while (n < max_longs && rdrand(&v[n]))
			n++;
	return n;
}
