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

#ifdef CONFIG_KASAN
/*
 * memcpy(), memmove() and memset() are those of mm/kasan/shadow.c, which check and then call glibc's. Files without
 * instrumentation get glibc's directly.
 */
void *__memcpy(void *dest, const void *src, __kernel_size_t n);
void *__memmove(void *dest, const void *src, __kernel_size_t n);
void *__memset(void *s, int c, __kernel_size_t n);

#ifndef __SANITIZE_ADDRESS__
#undef memcpy
#define memcpy(dest, src, n) __memcpy(dest, src, n)
#define memmove(dest, src, n) __memmove(dest, src, n)
#define memset(s, c, n) __memset(s, c, n)
#ifndef __NO_FORTIFY
#define __NO_FORTIFY
#endif
#endif
#endif

#endif /* _ASM_LKL_STRING_H */
