/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_ASM_LKL_SETUP_H
#define _UAPI_ASM_LKL_SETUP_H

/* The host passes up to 511 bytes; kernel/setup.c puts a few words of its own before them. */
#define COMMAND_LINE_SIZE 1024

#endif
