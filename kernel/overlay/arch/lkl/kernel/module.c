// SPDX-License-Identifier: GPL-2.0-only
/*
 * module.c - relocation of loadable modules
 *
 * Modules are compiled with the kernel's flags (-fPIE, small code model) and hidden visibility, so what they ask for is
 * mostly PC-relative; absolute 64-bit words fill tables of pointers. Everything that a displacement can name lies within
 * 2 GiB: the image, the arena (mm/execmem.c) and, as the address that %gs's base is added to, per-CPU data: a module's own
 * lies in the reserved part of the first chunk, whose addresses follow those of the image's.
 */
#include <linux/elf.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleloader.h>
#include <linux/unaligned.h>

static const char *symbol_name(Elf64_Shdr *sechdrs, const char *strtab, const Elf64_Sym *sym)
{
	return ELF64_ST_TYPE(sym->st_info) == STT_SECTION ? "a section" : strtab + sym->st_name;
}

int apply_relocate_add(Elf64_Shdr *sechdrs, const char *strtab, unsigned int symindex, unsigned int relsec,
		       struct module *mod)
{
	const Elf64_Shdr *section = &sechdrs[relsec], *target = &sechdrs[section->sh_info];
	const Elf64_Rela *rel = (const Elf64_Rela *)section->sh_addr;
	u64 symbols = sechdrs[symindex].sh_size / sizeof(Elf64_Sym);
	u64 i;

	for (i = 0; i < section->sh_size / sizeof(*rel); i++) {
		u32 type = ELF64_R_TYPE(rel[i].r_info), width;
		u64 at = target->sh_addr + rel[i].r_offset;
		const Elf64_Sym *sym;
		bool fits = true;
		u64 value;

		if (ELF64_R_SYM(rel[i].r_info) >= symbols)
			return -ENOEXEC;
		sym = (const Elf64_Sym *)sechdrs[symindex].sh_addr + ELF64_R_SYM(rel[i].r_info);
		value = sym->st_value + rel[i].r_addend;
		switch (type) {
		case R_X86_64_NONE:
			continue;
		case R_X86_64_64:
			width = 8;
			break;
		case R_X86_64_PC64:
			value -= at;
			width = 8;
			break;
		case R_X86_64_32:
			fits = value == (u32)value;
			width = 4;
			break;
		case R_X86_64_32S:
			fits = (s64)value == (s32)value;
			width = 4;
			break;
		case R_X86_64_PC32:
		case R_X86_64_PLT32:
			value -= at;
			fits = (s64)value == (s32)value;
			width = 4;
			break;
		default:
			pr_err("%s: relocation type %u (%s) is not supported: was it built with make -C kernel module?\n",
			       mod->name, type, symbol_name(sechdrs, strtab, sym));
			return -ENOEXEC;
		}
		if (!fits) {
			pr_err("%s: relocation type %u does not reach %s\n", mod->name, type,
			       symbol_name(sechdrs, strtab, sym));
			return -ENOEXEC;
		}
		if (rel[i].r_offset > target->sh_size || target->sh_size - rel[i].r_offset < width)
			return -ENOEXEC;
		if (width == 8)
			put_unaligned(value, (u64 *)at);
		else
			put_unaligned((u32)value, (u32 *)at);
	}
	return 0;
}
