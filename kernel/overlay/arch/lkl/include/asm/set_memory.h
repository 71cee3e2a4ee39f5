/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_SET_MEMORY_H
#define _ASM_LKL_SET_MEMORY_H

/* Protection of pages of the module arena (mm/execmem.c); other addresses are -EINVAL. */
int set_memory_ro(unsigned long addr, int numpages);
int set_memory_rw(unsigned long addr, int numpages);
int set_memory_x(unsigned long addr, int numpages);
int set_memory_nx(unsigned long addr, int numpages);
int set_memory_rox(unsigned long addr, int numpages);
#define set_memory_rox set_memory_rox

#endif /* _ASM_LKL_SET_MEMORY_H */
