// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_conf.c - libFuzzer target: conf_load_text() on arbitrary text
 *
 * Either a configuration with listeners and pools, or at least one message.
 */
#include <assert.h>
#include <stdint.h>

#include "conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void swallow(void *ctx, const char *line)
{
	assert(line[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int mistakes;
	struct conf *conf = conf_load_text((const char *)data, size, "fuzz", -1, swallow, NULL, &mistakes);

	assert(!conf == !!mistakes);
	if (conf)
		assert(conf->n_listeners && conf->n_pools);
	conf_free(conf);
	return 0;
}
