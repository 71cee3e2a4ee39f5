/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtual_time.h - an instance whose clock is the test's: time passes when there is nothing else to do
 *
 * The program is linked with VIRTUAL_TIME_LINK_ARGS (meson.build), which puts the functions of virtual_time.c in the place of
 * the library's clock and of its idle wait; the instance has to boot with lkl_clock=host, one vCPU and spin_us 0. Then
 *   - reading the clock moves it on by a few nanoseconds, so that nobody waits for ever in a loop on it
 *   - where an idle vCPU would sleep until its next timer, the clock is set to that timer
 * and so seconds of timers take microseconds, a timer is never late, and a loaded machine changes nothing.
 *
 * Time stands still while the test itself computes, however long its host thread is kept from running. So there is one
 * test thread: an application task that has called virtual_time_begin().
 */
#ifndef TESTS_KERNEL_VIRTUAL_TIME_H
#define TESTS_KERNEL_VIRTUAL_TIME_H

#include <stdint.h>

/* [the task] From here time passes only while the caller is blocked in a system call; virtual_time_end() before it returns. */
void virtual_time_begin(void);
void virtual_time_end(void);

/* The instance's CLOCK_MONOTONIC, but for where it began. Any thread. */
uint64_t virtual_time_ns(void);

#endif /* TESTS_KERNEL_VIRTUAL_TIME_H */
