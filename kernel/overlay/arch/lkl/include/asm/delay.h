/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_DELAY_H
#define _ASM_LKL_DELAY_H

void __delay(unsigned long loops);
void __udelay(unsigned long usecs);
void __ndelay(unsigned long nsecs);
#define udelay(n) __udelay(n)
#define ndelay(n) __ndelay(n)

#endif /* _ASM_LKL_DELAY_H */
