/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash.h - what a process says when it dies of a bug: signal, place, back trace with names
 */
#ifndef ACCD_CRASH_H
#define ACCD_CRASH_H

/*
 * [supervisor, before privileges are dropped] Map the program's symbols: a worker has no file
 * system to find them in. Workers inherit the mapping.
 */
void crash_init(void);

/* Install the handlers (process), with a signal stack of its own for the calling thread. */
void crash_handlers(void);
/* The stack for another thread. */
void crash_thread(void);

/*
 * Print a back trace that has addresses but no names ("0x1234 ? (program+0x5678)" per line) with
 * names, to stderr.
 */
void crash_print(const char *title, const char *trace);

#endif /* ACCD_CRASH_H */
