// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_proxy_protocol.c - libFuzzer target: proxy_decode() on arbitrary bytes
 *
 * The bytes lie at the end of their allocation, so that the sanitizer sees a read behind them.
 * What is accepted must be within its bounds, and must be read the same way once written again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1), buf[PROXY_ENCODE_BYTES_MAX];
	struct proxy_header h, again;
	int r, n;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	r = proxy_decode(copy, size, PROXY_ACCEPT_ANY, &h);
	if (r > 0) {
		assert((size_t)r <= size && r <= PROXY_BYTES_MAX);
		assert(h.version == 1 || h.version == 2);
		if (!h.is_local) {
			n = proxy_encode(buf, h.version, &h.src, &h.dst);
			assert(proxy_decode(buf, n, h.version, &again) == n);
			assert(addr_equal(&h.src, &again.src) && addr_equal(&h.dst, &again.dst));
		}
	} else if (!r) {
		assert(size < PROXY_BYTES_MAX);
	}
	free(copy);
	return 0;
}
