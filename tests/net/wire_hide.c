// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire_hide.c - share_mute() by one of its methods, until the end of input; for wire_hide.sh
 *
 * usage: wire_hide IF tcx|nftables LOW HIGH ADDRESS...
 *
 * Hides TCP and UDP ports LOW to HIGH of the addresses from the host's stack. Prints "ready". Status 77: the
 * host's kernel does not have the method, and standard error says what it needs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "own.h"
#include "share.h"

int main(int argc, char **argv)
{
	static struct filter_spec spec;
	unsigned int method = 0, wanted;
	char err[300] = "", c;
	int i, fd;

	if (argc < 6 || argc > 5 + FILTER_ADDRS_MAX || (strcmp(argv[2], "tcx") && strcmp(argv[2], "nftables")))
		return fprintf(stderr, "usage: wire_hide IF tcx|nftables LOW HIGH ADDRESS...\n"), 2;
	wanted = !strcmp(argv[2], "tcx") ? OWN_MUTE_TCX : OWN_MUTE_NFT;
	spec.tcp_len = spec.udp_len = 1;
	spec.tcp[0] = spec.udp[0] = (struct filter_range){ (uint16_t)atoi(argv[3]), (uint16_t)atoi(argv[4]) };
	for (i = 5; i < argc; i++) {
		struct filter_addr *a = &spec.addrs[spec.addrs_len++];

		a->family = strchr(argv[i], ':') ? AF_INET6 : AF_INET;
		if (inet_pton(a->family, argv[i], a->addr) != 1)
			return fprintf(stderr, "wire_hide: \"%s\": no address\n", argv[i]), 2;
	}
	fd = share_mute(argv[1], &spec, wanted, &method, err, sizeof(err));
	if (fd < 0) {
		fprintf(stderr, "%s\n", err);
		return fd == -EOPNOTSUPP ? 77 : 1;
	}
	if (method != wanted)
		return fprintf(stderr, "wire_hide: another method was used: %u\n", method), 1;
	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	close(fd);
	return 0;
}
