/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* endian.h - what libc's endian.h tells and UAPI headers ask for: the byte order, which is the host's */
#ifndef _ENDIAN_H
#define _ENDIAN_H

#include <asm/byteorder.h>

#define __BYTE_ORDER __LITTLE_ENDIAN

#endif /* _ENDIAN_H */
