/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_ASM_LKL_SETUP_H
#define _UAPI_ASM_LKL_SETUP_H

#define COMMAND_LINE_SIZE 2304 /* host/boot.c lets 2047 bytes through; kernel/setup.c puts words before them */

#endif
