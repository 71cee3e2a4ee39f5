// SPDX-License-Identifier: GPL-2.0-only
/* fuzz_spec.c - libFuzzer target: wire specifications; a refusal comes with a sentence */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char spec[WIRE_SPEC_MAX + 100], err[100] = "";
	int ret;

	if (size >= sizeof(spec))
		size = sizeof(spec) - 1;
	memcpy(spec, data, size);
	spec[size] = '\0';
	ret = wire_spec_check(spec, err, sizeof(err));
	assert(ret == 0 || ret == -EINVAL);
	assert(!ret == !err[0]);
	return 0;
}
