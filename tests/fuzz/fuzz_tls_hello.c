// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_tls_hello.c - libFuzzer target: tls_hello_parse() on arbitrary bytes
 *
 * The bytes lie at the end of their allocation. An answer must not depend on what follows, and no
 * beginning of what is accepted may be refused.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct tls_hello hello, half;
	char name[TLS_NAME_BYTES];
	int r;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	r = tls_hello_parse(copy, size, &hello);
	assert(r == 1 || r == 0 || r < 0);
	if (r == 1 && hello.has_name) {
		assert(tls_name_normalise(hello.name, strlen(hello.name), name));
		assert(!strcmp(hello.name, name));
	}
	if (r == 1)
		assert(tls_hello_parse(copy, size / 2, &half) >= 0);
	if (!r)
		assert(size < TLS_HELLO_BYTES_MAX);
	free(copy);
	return 0;
}
