// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_admin.c - libFuzzer target: admin_parse() on arbitrary lines
 *
 * The line lies at the end of its allocation so that the sanitizer sees a read past it. A refusal
 * says why, in printable text; what is accepted is within its bounds.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "admin_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size ? size : 1);
	struct admin_command cmd;
	char err[512] = "";
	size_t i;

	if (!line)
		return 0;
	memcpy(line, data, size);
	if (admin_parse(line, size, &cmd, err, sizeof(err))) {
		assert(err[0]);
		for (i = 0; err[i]; i++)
			assert(err[i] >= 0x20 && err[i] <= 0x7e);
	} else {
		assert(cmd.op < ADMIN__COUNT);
		assert(cmd.weight <= ADMIN_WEIGHT_MAX);
		assert(strlen(cmd.pool) < CONF_NAME_BYTES && strlen(cmd.server) < CONF_NAME_BYTES);
		assert(strlen(cmd.filter.client) < sizeof(cmd.filter.client));
	}
	free(line);
	return 0;
}
