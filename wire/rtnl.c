// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtnl.c - one request to the host's kernel by netlink, and its answer
 */
#include <errno.h>
#include <sys/socket.h>

#include "rtnl.h"

int rtnl_open(struct rtnl *t, int bus)
{
	t->seq = 0;
	t->nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!t->nl)
		return -errno;
	if (mnl_socket_bind(t->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		const int rc = -errno;

		mnl_socket_close(t->nl);
		return rc;
	}
	return 0;
}

void rtnl_close(struct rtnl *t)
{
	mnl_socket_close(t->nl);
}

int rtnl_ask(struct rtnl *t, struct nlmsghdr *nlh, mnl_cb_t each, void *data)
{
	char buf[RTNL_ANSWER_BYTES];
	int rc = MNL_CB_OK;

	nlh->nlmsg_seq = ++t->seq;
	if (mnl_socket_sendto(t->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (rc > MNL_CB_STOP) {
		const ssize_t n = mnl_socket_recvfrom(t->nl, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)n, t->seq, mnl_socket_get_portid(t->nl), each, data);
	}
	return rc < 0 ? -errno : 0;
}
