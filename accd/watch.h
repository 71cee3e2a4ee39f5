/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.h - metrics and health inside the stack, for who cannot reach the host
 *
 * With wire.mode = own the host may have no address left. Then worker 0 answers the same three
 * paths as http.h on a socket of its stack: the counters lie in memory that it shares with the
 * supervisor, so it needs nobody's help.
 */
#ifndef ACCD_WATCH_H
#define ACCD_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct worker;

#define WATCH_PREFIXES_MAX 16
#define WATCH_REQUEST_BYTES 2048

struct watch_prefix {
	int family;
	uint8_t addr[16];
	unsigned int len;
};

struct watch_prefixes {
	unsigned int n;
	struct watch_prefix prefix[WATCH_PREFIXES_MAX];
};

/* "10.0.0.0/8 2001:db8::/32", or "none". 0 or -EINVAL. */
int watch_parse_prefixes(const char *text, struct watch_prefixes *prefixes);
bool watch_is_allowed(const struct watch_prefixes *prefixes, const union addr *client);

enum watch_path { WATCH_METRICS, WATCH_HEALTHZ, WATCH_READYZ, WATCH_NOT_FOUND, WATCH_NOT_ALLOWED, WATCH_BAD };

/* What a whole request asks for. *is_head: no body is wanted. Any bytes. */
enum watch_path watch_parse_request(const char *req, size_t len, bool *is_head);

/* [loop] Open metrics.stack_bind, if there is one; 0, or -errno with a sentence in err. */
int watch_open(struct worker *w, char *err, size_t err_len);
void watch_close(struct worker *w);

#endif /* ACCD_WATCH_H */
