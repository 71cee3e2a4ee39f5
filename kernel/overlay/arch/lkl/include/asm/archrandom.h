/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_ARCHRANDOM_H
#define _ASM_LKL_ARCHRANDOM_H

#include <linux/types.h>

/* Random numbers of the CPU (lib/random.c); how many of max_longs were stored. */
size_t lkl_random_longs(unsigned long *v, size_t max_longs);

static inline size_t __must_check arch_get_random_longs(unsigned long *v, size_t max_longs)
{
	return lkl_random_longs(v, max_longs);
}

/* RDRAND is reseeded often enough to count as a seed where that is asked for, at boot and every few minutes. */
static inline size_t __must_check arch_get_random_seed_longs(unsigned long *v, size_t max_longs)
{
	return lkl_random_longs(v, max_longs);
}

#endif /* _ASM_LKL_ARCHRANDOM_H */
