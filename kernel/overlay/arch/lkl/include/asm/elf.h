/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_ELF_H
#define _ASM_LKL_ELF_H

/* For the module loader; programs are not loaded. */
#include <linux/elf-em.h>

#define ELF_ARCH EM_X86_64
#define ELF_CLASS ELFCLASS64
#define ELF_DATA ELFDATA2LSB
#define ELF_EXEC_PAGESIZE PAGE_SIZE
#define ELF_PLATFORM "lkl"
#define ELF_ET_DYN_BASE 0
#define ELF_HWCAP 0
#define elf_check_arch(x) ((x)->e_machine == ELF_ARCH)
#define ELF_NGREG 1
typedef unsigned long elf_greg_t;
typedef elf_greg_t elf_gregset_t[ELF_NGREG];
typedef unsigned long elf_fpregset_t;

/* Relocations that modules may hold (kernel/module.c). */
#define R_X86_64_NONE 0
#define R_X86_64_64 1
#define R_X86_64_PC32 2
#define R_X86_64_PLT32 4
#define R_X86_64_32 10
#define R_X86_64_32S 11
#define R_X86_64_PC64 24

#endif /* _ASM_LKL_ELF_H */
