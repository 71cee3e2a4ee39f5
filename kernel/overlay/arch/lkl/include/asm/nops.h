/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_NOPS_H
#define _ASM_LKL_NOPS_H

/* arch/x86's barrier.h wants the name; nothing here pads code with long no-ops. */

#endif /* _ASM_LKL_NOPS_H */
