// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - the kernel's log as records for the host's log callback
 */
#include <linux/console.h>
#include <linux/init.h>
#include <asm/lkl.h>

static void console_print(struct console *con, const char *text, unsigned int len)
{
	lkl_host->print(text, len);
}

static struct console lkl_console = {
	.name = "lkl",
	.write = console_print,
	.flags = CON_PRINTBUFFER | CON_ENABLED | CON_EXTENDED,
	.index = -1,
};

void __init lkl_console_init(void)
{
	register_console(&lkl_console);
}
