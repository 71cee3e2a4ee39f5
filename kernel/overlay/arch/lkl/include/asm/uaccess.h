/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_UACCESS_H
#define _ASM_LKL_UACCESS_H

/*
 * User memory is the process's own memory: copies are memcpy, access_ok() is always true (no MMU). A bad pointer faults
 * the host thread; the host's SIGSEGV handler reports it to the panic callback.
 */
#include <asm-generic/uaccess.h>

#endif /* _ASM_LKL_UACCESS_H */
