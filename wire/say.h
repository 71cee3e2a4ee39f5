/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * say.h - the sentence that goes with an error: written into a buffer of the caller's, which may be NULL
 */
#ifndef WIRE_SAY_H
#define WIRE_SAY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4)))
static inline void say(char *err, size_t err_len, const char *format, ...)
{
	va_list args;

	if (!err || !err_len)
		return;
	va_start(args, format);
	vsnprintf(err, err_len, format, args);
	va_end(args);
}

#endif /* WIRE_SAY_H */
