/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmlinux.lds.S - vmlinux.o into lkl.o, relocatable
 *
 * For `ld -r`. Four output sections, named so that the link of a program puts them with its own (.text.*, .rodata.*,
 * .data.* , .bss.*). Every boundary symbol lies inside the section that it bounds, because a relocatable link gives
 * symbols between sections no meaning. Nothing is discarded at run time.
 */
#include <asm-generic/vmlinux.lds.h>
#include <asm/page.h>
#include <asm/thread_info.h>
#include <asm/cache.h>
#include <asm/release.h>

OUTPUT_ARCH(i386:x86-64)
ENTRY(lkl_kernel_boot)

jiffies = jiffies_64;

SECTIONS
{
	.text.lkl 0 : ALIGN(4096) {
		_stext = .;
		_text = .;
		_sinittext = .;
		INIT_TEXT
		EXIT_TEXT
		_einittext = .;
		TEXT_TEXT
		IRQENTRY_TEXT
		SOFTIRQENTRY_TEXT
		SCHED_TEXT
		LOCK_TEXT
		KPROBES_TEXT
		LKL_RELEASE_TEXT
		*(.fixup)
		*(.text .text.*)
		_etext = .;
	}

	.rodata.lkl 0 : ALIGN(4096) {
		__start_rodata = .;
		__start_notes = .;
		__stop_notes = .;
		*(.rodata .rodata.*)
		. = ALIGN(4);
		__smp_locks = .;
		KEEP(*(.smp_locks))
		__smp_locks_end = .;
		/* Symbols for modules: references relative to their own place, so that nothing here is relocated. */
		. = ALIGN(8);
		__start___ksymtab = .;
		KEEP(*(SORT(___ksymtab+*)))
		__stop___ksymtab = .;
		__start___ksymtab_gpl = .;
		KEEP(*(SORT(___ksymtab_gpl+*)))
		__stop___ksymtab_gpl = .;
		__start___kcrctab = .;
		__start___kcrctab_gpl = .;
		LKL_RELEASE_RODATA
		KEEP(*(__ksymtab_strings))
		. = ALIGN(8);
		BOUNDED_SECTION_BY(__tracepoints_ptrs, ___tracepoints_ptrs)
		*(__tracepoints_strings)
		__end_rodata = .;
	}

	.data.lkl 0 : ALIGN(THREAD_SIZE) {
		_sdata = .;
		lkl_image_data_start = .;
		__start_init_stack = .;
		init_thread_union = .;
		init_stack = .;
		KEEP(*(.data..init_task))
		KEEP(*(.data..init_thread_info))
		. = __start_init_stack + THREAD_SIZE;
		__end_init_stack = .;

		. = ALIGN(4096);
		__per_cpu_load = .;
		PERCPU_INPUT(64)

		__init_begin = .;
		INIT_DATA
		INIT_SETUP(16)
		INIT_CALLS
		CON_INITCALL
		INIT_RAM_FS
		__init_end = .;
		EXIT_DATA

		. = ALIGN(4096);
		*(.data..page_aligned)
		. = ALIGN(64);
		*(.data..cacheline_aligned)
		*(.data..read_mostly)
		. = ALIGN(4096);
		__nosave_begin = .;
		*(.data..nosave)
		. = ALIGN(4096);
		__nosave_end = .;
		RO_AFTER_INIT_DATA
		SCHED_DATA
		DATA_DATA
		. = ALIGN(8);
		*(.data.rel .data.rel.* .data.rel.local .data.rel.local.*)
		*(.data.rel.ro .data.rel.ro.* .data.rel.ro.local .data.rel.ro.local.*)
		*(.init_array .init_array.*)
		. = ALIGN(8);
		BOUNDED_SECTION_BY(__param, ___param)
		BOUNDED_SECTION_BY(__modver, ___modver)
		. = ALIGN(8);
		BOUNDED_SECTION_PRE_LABEL(runtime_shift_d_hash_shift, runtime_shift_d_hash_shift, __start_, __stop_)
		BOUNDED_SECTION_PRE_LABEL(runtime_ptr_dentry_hashtable, runtime_ptr_dentry_hashtable, __start_, __stop_)
		. = ALIGN(8);
		__start_builtin_fw = .;
		__end_builtin_fw = .;
		. = ALIGN(16);
		__start___ex_table = .;
		KEEP(*(__ex_table))
		__stop___ex_table = .;
		. = ALIGN(8);
		*(.ref.data)
		_edata = .;
		lkl_image_data_end = .;
	}

	.bss.lkl 0 (NOLOAD) : ALIGN(4096) {
		__bss_start = .;
		lkl_image_bss_start = .;
		*(.bss..page_aligned)
		. = ALIGN(4096);
		*(.dynbss)
		*(.bss .bss.* .bss.[0-9a-zA-Z_]*)
		*(COMMON)
		. = ALIGN(8);
		__bss_stop = .;
		lkl_image_bss_end = .;
		_end = .;
	}

	.eh_frame 0 : { *(.eh_frame) }
	.note.GNU-stack 0 : { *(.note.GNU-stack) }

	STABS_DEBUG
	DWARF_DEBUG
	ELF_DETAILS

	/DISCARD/ : {
		*(.discard .discard.*)
		*(.export_symbol)
		*(.modinfo)
		*(.gnu.version*)
		*(.exitcall.exit)
		*(.note.gnu.property)
		*(.note.Linux)
		*(.notes)
	}
}
