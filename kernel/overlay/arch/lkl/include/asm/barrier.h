/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_BARRIER_H
#define _ASM_LKL_BARRIER_H

/* cpu_relax() must be visible through asm/barrier.h; asm/vdso/processor.h defines it. */
#include <asm/vdso/processor.h>
#include "../../../x86/include/asm/barrier.h"

#endif /* _ASM_LKL_BARRIER_H */
