// SPDX-License-Identifier: GPL-2.0-only
/*
 * crash.c - what a process says when it dies of a bug
 *
 * The handlers print to stderr with write(2), not by the log's rings: those may be what broke. Then
 * the signal is raised again with its default action, so that the supervisor sees what it was. A
 * system call that the filter forbids (privilege.c) arrives here as SIGSYS and is named by number.
 *
 * Names come from the program's own symbol table, static functions included. It is mapped once, by
 * the supervisor; without it (a stripped program) there are offsets, for addr2line(1).
 */
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash.h"

#define FRAMES_MAX 48
#define STACK_BYTES 65536

static const char *image; /* the program's file; NULL: none */
static size_t image_bytes;
static uintptr_t load_base;

static int find_base(struct dl_phdr_info *info, size_t size, void *ctx)
{
	load_base = info->dlpi_addr;
	return 1; /* the program comes first */
}

void crash_init(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *frames[2];
	struct stat st;
	void *map;

	backtrace(frames, 2); /* loads the unwinder now */
	dl_iterate_phdr(find_base, NULL);
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size > (off_t)sizeof(Elf64_Ehdr)) {
		map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map != MAP_FAILED && !memcmp(map, ELFMAG, SELFMAG)) {
			image = map;
			image_bytes = st.st_size;
		}
	}
	close(fd);
}

/* "function+0x12", or "?". addr: as in the file. */
static void symbol_name(uint64_t addr, char *name, size_t name_len)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image;
	const Elf64_Sym *sym, *end, *best = NULL;
	const Elf64_Shdr *sh;
	int i;

	snprintf(name, name_len, "?");
	if (!image || eh->e_shoff + (uint64_t)eh->e_shnum * sizeof(*sh) > image_bytes)
		return;
	sh = (const Elf64_Shdr *)(image + eh->e_shoff);
	for (i = 0; i < eh->e_shnum && sh[i].sh_type != SHT_SYMTAB; i++)
		;
	if (i == eh->e_shnum || sh[i].sh_offset + sh[i].sh_size > image_bytes ||
	    sh[i].sh_link >= eh->e_shnum)
		return;
	sym = (const Elf64_Sym *)(image + sh[i].sh_offset);
	end = sym + sh[i].sh_size / sizeof(*sym);
	for (; sym < end; sym++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_value <= addr &&
		    (!best || sym->st_value > best->st_value))
			best = sym;
	if (best && addr < best->st_value + (best->st_size ? best->st_size : 4096))
		snprintf(name, name_len, "%s+0x%" PRIx64,
			 image + sh[sh[i].sh_link].sh_offset + best->st_name,
			 addr - best->st_value);
}

void crash_print(const char *title, const char *trace)
{
	const char *p = trace, *end, *mark;
	char name[256];

	dprintf(STDERR_FILENO, "accd: %s\n", title);
	for (; *p; p = *end ? end + 1 : end) {
		end = p + strcspn(p, "\n");
		mark = strstr(p, " ? (program+0x");
		if (mark && mark < end) {
			symbol_name(strtoull(mark + strlen(" ? (program+"), NULL, 16), name, sizeof(name));
			dprintf(STDERR_FILENO, "%.*s %s%.*s\n", (int)(mark - p), p, name,
				(int)(end - mark - 2), mark + 2);
		} else {
			dprintf(STDERR_FILENO, "%.*s\n", (int)(end - p), p);
		}
	}
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	static volatile sig_atomic_t is_busy;
	void *frames[FRAMES_MAX];
	char name[256];
	int i, n;

	signal(sig, SIG_DFL);
	if (!is_busy) {
		is_busy = 1;
		if (sig == SIGSYS)
			dprintf(STDERR_FILENO, "accd: crash: process %d: forbidden system call %d; back trace:\n",
				(int)getpid(), info->si_syscall);
		else
			dprintf(STDERR_FILENO, "accd: crash: process %d: signal %d (SIG%s) at %p; back trace:\n",
				(int)getpid(), sig, sigabbrev_np(sig) ?: "?", info->si_addr);
		n = backtrace(frames, FRAMES_MAX);
		for (i = 0; i < n; i++) {
			uint64_t addr = (uintptr_t)frames[i] - load_base;

			symbol_name(addr, name, sizeof(name));
			dprintf(STDERR_FILENO, "accd: crash: %p %s (+0x%" PRIx64 ")\n", frames[i], name, addr);
		}
	}
	raise(sig); /* delivered when the handler returns */
}

void crash_thread(void)
{
	stack_t stack = { .ss_sp = malloc(STACK_BYTES), .ss_size = STACK_BYTES };

	if (stack.ss_sp)
		sigaltstack(&stack, NULL);
}

void crash_handlers(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned int i;

	crash_thread();
	sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}
