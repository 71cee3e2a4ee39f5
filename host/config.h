/* SPDX-License-Identifier: GPL-2.0-only */
/* config.h - between config.c, which reads a struct lkl_config, and config_apply.c, which does what it says */
#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H

#include <lkl_config.h>

/* One line by lkl_host_ops.print. */
void lkl__config_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void lkl__config_free(struct lkl_config *cfg);

#endif /* HOST_CONFIG_H */
