/* SPDX-License-Identifier: GPL-2.0-only */
/* packets.h - what the program needs of the runner */
#ifndef TESTS_KERNEL_PACKETS_H
#define TESTS_KERNEL_PACKETS_H

struct script;

/* Run a script on `stack`, which has started: 0, or not after saying why on stderr. */
int script_run(const struct script *script);

#endif /* TESTS_KERNEL_PACKETS_H */
