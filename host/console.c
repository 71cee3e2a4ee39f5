// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - kernel log records to the log callback
 *
 * A record is "prio,sequence,microseconds,flags[,...];text\n", as in /dev/kmsg (Documentation/ABI/testing/dev-kmsg);
 * further lines of it begin with a space and hold key=value pairs, which are left out.
 */
#include <stdlib.h>
#include <string.h>

#include "vcpu.h"

void lkl__print(const char *record, uint32_t len)
{
	const char *text = memchr(record, ';', len), *end;

	if (!lkl__options.log || !text)
		return;
	text++;
	end = memchr(text, '\n', record + len - text);
	lkl__options.log(lkl__options.log_ctx, atoi(record) & 7, text, (end ? end : record + len) - text);
}
