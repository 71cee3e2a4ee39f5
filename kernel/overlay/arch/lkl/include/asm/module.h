/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_MODULE_H
#define _ASM_LKL_MODULE_H

#include <asm-generic/module.h>

struct mod_arch_specific {
};

#endif /* _ASM_LKL_MODULE_H */
