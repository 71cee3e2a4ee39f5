/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_STRING_H
#define _ASM_LKL_STRING_H

/* glibc's vector versions; linked from outside lkl.o. */
#define __HAVE_ARCH_MEMCPY
#define __HAVE_ARCH_MEMMOVE
#define __HAVE_ARCH_MEMSET
#define __HAVE_ARCH_MEMCMP
#define __HAVE_ARCH_STRLEN

void *memcpy(void *dest, const void *src, __kernel_size_t n);
void *memmove(void *dest, const void *src, __kernel_size_t n);
void *memset(void *s, int c, __kernel_size_t n);
int memcmp(const void *a, const void *b, __kernel_size_t n);
__kernel_size_t strlen(const char *s);

#endif /* _ASM_LKL_STRING_H */
