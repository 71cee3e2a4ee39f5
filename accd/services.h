/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * services.h - what the supervisor offers to operators: metrics, health, the admin socket
 */
#ifndef ACCD_SERVICES_H
#define ACCD_SERVICES_H

#include <stddef.h>

struct supervisor;

/* Open what the configuration asks for. 0, or -errno with a sentence in err. */
int services_start(struct supervisor *sup, char *err, size_t err_len);
void services_stop(struct supervisor *sup);

/* Bring the supervisor's own counters up to date: phase, workers, log. */
void services_refresh(struct supervisor *sup);

/* /proc/net/snmp and netstat of the supervisor's network namespace. Bytes, or -errno. */
long services_read_net(char *buf, size_t len);

/* The congestion controls of that namespace, as cc_list.h writes them. Bytes, or -errno. */
long services_read_cc(char *buf, size_t len);

#endif /* ACCD_SERVICES_H */
