// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire_own_fault.c - own_take() with one netlink request that fails
 *
 *	wire_own_fault IF N	the N-th request of own_take() fails with EIO, all others work
 *
 * The files of own.h are compiled into this one with mnl_socket_sendto() replaced. Prints what own_take() says;
 * exit status 0 if it failed as it should, 2 if it made fewer than N requests (and restores then),
 * 1 if anything else.
 */
#include <libmnl/libmnl.h>

static ssize_t faulty_sendto(const struct mnl_socket *nl, const void *buf, size_t len);

#define mnl_socket_sendto faulty_sendto
#include "rtnl.c"
#include "own_read.c"
#include "own.c"
#undef mnl_socket_sendto

#include <stdlib.h>

static int countdown;

static ssize_t faulty_sendto(const struct mnl_socket *nl, const void *buf, size_t len)
{
	if (!--countdown) {
		errno = EIO;
		return -1;
	}
	return mnl_socket_sendto(nl, buf, len);
}

int main(int argc, char **argv)
{
	struct own_state st;
	char err[200] = "";
	int rc;

	if (argc < 3)
		return 1;
	countdown = atoi(argv[2]);
	rc = own_take(argv[1], &st, err, sizeof(err));
	printf("%s: %d %s\n", argv[2], rc, err);
	countdown = 0;
	if (!rc)
		return own_restore(&st, err, sizeof(err)) ? 1 : 2;
	return rc == -EIO && !strstr(err, "and then") ? 0 : 1;
}
