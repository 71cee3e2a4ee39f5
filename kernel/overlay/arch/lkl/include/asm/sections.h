/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_SECTIONS_H
#define _ASM_LKL_SECTIONS_H

#include <asm-generic/sections.h>

#endif /* _ASM_LKL_SECTIONS_H */
