// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - the kernel's log as records for the host's log callback, and /dev/console
 *
 * /dev/console is there so that pid 1 gets its descriptors 0, 1 and 2 as anywhere: reading gives end of file, what is
 * written goes nowhere.
 */
#include <linux/console.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/major.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/lkl.h>

static void console_print(struct console *con, const char *text, unsigned int len)
{
#ifdef CONFIG_LKL_SPLAT
	const char *line = strnchr(text, len, ';');

	if (line++)
		lkl_splat_line(line, strnchrnul(line, text + len - line, '\n') - line);
	/* "prio" has the level in its low three bits; all records come here because of ignore_loglevel. */
	if ((simple_strtoul(text, NULL, 10) & 7) >= console_loglevel)
		return;
#endif
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
#ifdef CONFIG_LKL_SPLAT
	lkl_splat_init();
#endif
	register_console(&lkl_console);
}

static ssize_t console_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	return 0;
}

static ssize_t console_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	return len;
}

static const struct file_operations console_ops = {
	.read = console_read,
	.write = console_write,
	.llseek = noop_llseek,
};

static int __init console_device_init(void)
{
	int err = register_chrdev(TTYAUX_MAJOR, "console", &console_ops);

	return err < 0 ? err : 0;
}
fs_initcall(console_device_init);
