/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_VERMAGIC_H
#define _ASM_VERMAGIC_H

/* A hash of the configuration, which decides the layout of structures: "lkl-0123456789ab ". */
#include <generated/lkl_config.h>

#define MODULE_ARCH_VERMAGIC LKL_CONFIG

#endif /* _ASM_VERMAGIC_H */
