/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notify.h - what systemd is told (sd_notify(3)), without its library
 *
 * All of these do nothing when NOTIFY_SOCKET is not in the environment. Supervisor only.
 */
#ifndef ACCD_NOTIFY_H
#define ACCD_NOTIFY_H

#include <stdint.h>

/* Before privileges are dropped: connects the socket. */
void notify_init(void);

void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);

/* Half of WATCHDOG_USEC, in ms: how often notify_watchdog() is due. 0: no watchdog. */
uint32_t notify_watchdog_ms(void);

#endif /* ACCD_NOTIFY_H */
