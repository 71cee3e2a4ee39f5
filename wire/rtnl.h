/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtnl.h - one request to the host's kernel by netlink, and its answer
 *
 * For set-up and tear-down only: every call is a few host system calls. One struct for one thread.
 */
#ifndef WIRE_RTNL_H
#define WIRE_RTNL_H

#include <stdint.h>

#include <libmnl/libmnl.h>

/* Larger than the kernel's dump messages (32 KiB at most). */
#define RTNL_ANSWER_BYTES 32768
#define RTNL_REQUEST_BYTES 1024

struct rtnl {
	struct mnl_socket *nl;
	uint32_t seq;
};

/* bus: NETLINK_ROUTE, NETLINK_NETFILTER. 0 or -errno. */
int rtnl_open(struct rtnl *t, int bus);
void rtnl_close(struct rtnl *t);

/* Send a request and hand every answer to `each` (may be NULL) until its end. 0 or -errno. */
int rtnl_ask(struct rtnl *t, struct nlmsghdr *nlh, mnl_cb_t each, void *data);

#endif /* WIRE_RTNL_H */
