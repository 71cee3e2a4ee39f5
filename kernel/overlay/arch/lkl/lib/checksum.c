// SPDX-License-Identifier: GPL-2.0-only
/*
 * checksum.c - Internet checksums: arch/x86's csum_partial(), and the copying forms on top of the vector memcpy
 */
#include <linux/uaccess.h>
#include <net/checksum.h>

/*
 * The tail of a buffer: its last `tail` bytes, 1 to 7, in the low end of a word. arch/x86 reads a whole word across the end
 * of the buffer and relies on an exception table; here the page behind the buffer may be missing. So near the end of a page
 * the bytes are read one by one: all of them, for the tail itself may go on in the next page.
 */
static inline unsigned long csum_tail(const void *addr, unsigned int tail)
{
	unsigned long word = 0;
	unsigned int i;

	if (likely(PAGE_SIZE - ((unsigned long)addr & ~PAGE_MASK) >= sizeof(word)))
		return *(const unsigned long *)addr;
	for (i = 0; i < tail; i++)
		word |= (unsigned long)((const u8 *)addr)[i] << (8 * i);
	return word;
}

/* csum_partial() below has the bytes that are left in `len` & 7. */
#define load_unaligned_zeropad(addr) csum_tail(addr, len & 7)
#define _ASM_WORD_AT_A_TIME_H /* instead of its load_unaligned_zeropad() */
#include "../../x86/lib/csum-partial_64.c"
#undef load_unaligned_zeropad

__wsum csum_and_copy_from_user(const void __user *src, void *dst, int len)
{
	memcpy(dst, (const void __force *)src, len);
	return csum_partial(dst, len, ~0U);
}

__wsum csum_and_copy_to_user(const void *src, void __user *dst, int len)
{
	memcpy((void __force *)dst, src, len);
	return csum_partial(src, len, ~0U);
}

__wsum csum_partial_copy_nocheck(const void *src, void *dst, int len)
{
	memcpy(dst, src, len);
	return csum_partial(dst, len, 0);
}
