// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock.c - wall clock, and the frequency of the TSC or what stands for it
 *
 * The kernel reads time with rdtsc, which needs a TSC that runs at one rate in every power state ("constant_tsc" and
 * "nonstop_tsc" of /proc/cpuinfo, or the host kernel itself using it as clock source). Its frequency is measured against
 * CLOCK_MONOTONIC_RAW between the library's load and boot, at least calibrate_min_ns: a clock_gettime() is known to
 * about 50 ns, so that 5 ms give 20 ppm or better, and NTP-free time drifts by no more.
 *
 * A host without such a TSC lends the kernel its own clock, CLOCK_MONOTONIC, which the vDSO reads without a system call
 * where the host has any clock that allows it. The word lkl_clock=host of the boot line asks for it (tests do).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include <lkl/lkl.h>

#include "vcpu.h"

static const uint64_t calibrate_min_ns = 2000000;

static uint64_t first_tsc, first_ns;
static uint64_t measured_hz = 1000000000; /* of the last boot; before it, no more than not 0 */
static int clock_is_host;

uint64_t lkl__wall_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t lkl__monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* A pair of readings taken as close together as three tries allow. */
static void sample(uint64_t *tsc, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < 3; i++) {
		struct timespec ts;
		uint64_t before = __rdtsc(), after;

		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		after = __rdtsc();
		if (after - before < best) {
			best = after - before;
			*tsc = before + best / 2;
			*ns = ts.tv_sec * 1000000000ull + ts.tv_nsec;
		}
	}
}

__attribute__((constructor)) static void clock_init(void)
{
	sample(&first_tsc, &first_ns);
}

static int tsc_is_invariant(void)
{
	static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
	unsigned int eax, ebx, ecx, edx;
	char name[16] = "";
	FILE *f;

	__asm__("cpuid" : "=a" (eax), "=b" (ebx), "=c" (ecx), "=d" (edx) : "a" (0x80000007), "c" (0));
	if (edx & (1u << 8))
		return 1;
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	return !strncmp(name, "tsc", 3);
}

uint64_t lkl_relay_idle_ns(const struct lkl_relay *relay)
{
	uint64_t last = __atomic_load_n(&relay->last_tsc, __ATOMIC_RELAXED);
	uint64_t now = clock_is_host ? lkl__monotonic_ns() : __rdtsc();

	return now <= last ? 0 : (uint64_t)((unsigned __int128)(now - last) * 1000000000 / measured_hz);
}

uint64_t lkl__clock_choose(int want_host, int *is_host)
{
	uint64_t tsc, ns;

	*is_host = clock_is_host = want_host || !tsc_is_invariant();
	if (clock_is_host) {
		measured_hz = 1000000000;
		return measured_hz;
	}
	do {
		sample(&tsc, &ns);
	} while (ns - first_ns < calibrate_min_ns);
	measured_hz = (uint64_t)((unsigned __int128)(tsc - first_tsc) * 1000000000 / (ns - first_ns));
	return measured_hz;
}
