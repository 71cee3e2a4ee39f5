// SPDX-License-Identifier: GPL-2.0-only
/*
 * panic.c - the instance has died: message and back trace to the panic callback
 *
 * Two ways lead here: the kernel's panic() (BUG included) through the panic notifier, and a synchronous signal on the
 * vCPU's thread (a bad pointer). Kernel and host code carry unwind tables, so glibc's backtrace() walks through both;
 * names come from the symbol table of the file an address was loaded from, static functions included, because the dynamic
 * symbols know none of the kernel's.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "vcpu.h"

#define FRAMES_MAX 64

static char text[16384];
static struct sigaction old_actions[NSIG];

int32_t lkl__backtrace(void **pcs, uint32_t max)
{
	return backtrace(pcs, max);
}

/* Name and offset of the function at file address `addr` in the ELF file at path; "" if it has no symbol table. */
static void symbol_find(const char *path, uint64_t addr, char *name, size_t name_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	const char *file;
	const Elf64_Ehdr *eh;
	const Elf64_Shdr *sh;
	int i;

	name[0] = '\0';
	if (fd < 0)
		return;
	if (fstat(fd, &st) || (size_t)st.st_size < sizeof(*eh)) {
		close(fd);
		return;
	}
	file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		return;
	eh = (const Elf64_Ehdr *)file;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_shoff + (uint64_t)eh->e_shnum * sizeof(*sh) > (uint64_t)st.st_size)
		goto out;
	sh = (const Elf64_Shdr *)(file + eh->e_shoff);
	for (i = 0; i < eh->e_shnum; i++) {
		const Elf64_Sym *sym, *end, *best = NULL;

		if (sh[i].sh_type != SHT_SYMTAB || sh[i].sh_offset + sh[i].sh_size > (uint64_t)st.st_size ||
		    sh[i].sh_link >= eh->e_shnum)
			continue;
		sym = (const Elf64_Sym *)(file + sh[i].sh_offset);
		end = sym + sh[i].sh_size / sizeof(*sym);
		for (; sym < end; sym++)
			if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_value <= addr &&
			    (!best || sym->st_value > best->st_value))
				best = sym;
		if (best && addr < best->st_value + (best->st_size ? best->st_size : 4096))
			snprintf(name, name_len, "%s+0x%lx", file + sh[sh[i].sh_link].sh_offset + best->st_name,
				 addr - best->st_value);
		break;
	}
out:
	munmap((void *)file, st.st_size);
}

static size_t frame_print(char *out, size_t len, void *pc)
{
	struct link_map *map;
	Dl_info info;
	char name[256];
	int n;

	if (!dladdr1(pc, &info, (void **)&map, RTLD_DL_LINKMAP) || !info.dli_fname) {
		n = snprintf(out, len, "%p ?\n", pc);
	} else {
		const char *path = map->l_name[0] ? map->l_name : "/proc/self/exe";

		symbol_find(path, (uint64_t)pc - map->l_addr, name, sizeof(name));
		n = snprintf(out, len, "%p %s (%s+0x%lx)\n", pc, name[0] ? name : "?",
			     map->l_name[0] ? map->l_name : "program", (uint64_t)pc - map->l_addr);
	}
	return n < 0 ? 0 : (size_t)n >= len ? len - 1 : (size_t)n;
}

static void report(const char *message, void **pcs, int pcs_len)
{
	static int reported;
	size_t used = 0;
	int i;

	if (!__atomic_exchange_n(&reported, 1, __ATOMIC_ACQ_REL)) {
		for (i = 0; i < pcs_len && used < sizeof(text) - 1; i++)
			used += frame_print(text + used, sizeof(text) - used, pcs[i]);
		lkl_kernel_dead();
		if (!lkl__options.panic)
			abort();
		lkl__options.panic(lkl__options.panic_ctx, message, text);
		lkl__state_set(INSTANCE_DEAD);
		lkl__tasks_abandon();
	}
	for (;;)
		pause();
}

void lkl__panic(const char *message)
{
	void *pcs[FRAMES_MAX];

	report(message, pcs, backtrace(pcs, FRAMES_MAX));
	__builtin_unreachable();
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	void *pcs[FRAMES_MAX];
	char message[160];

	if (!lkl_self || (lkl_self->kind == LKL_THREAD_FOREIGN && !(lkl_self->seq & 1))) {
		/* Not ours: what would have happened without us happens when the instruction runs again. */
		sigaction(sig, &old_actions[sig], NULL);
		return;
	}
	snprintf(message, sizeof(message), "%s at address %p, instruction %p", sigabbrev_np(sig) ?: "signal",
		 info->si_addr, (void *)uc->uc_mcontext.gregs[REG_RIP]);
	report(message, pcs, backtrace(pcs, FRAMES_MAX));
}

int lkl__panic_init(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	void *pcs[2];
	size_t i;

	backtrace(pcs, 2); /* loads the unwinder now, while memory can be allocated */
	sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &action, &old_actions[signals[i]]))
			return -errno;
	return 0;
}

/* Task stacks may be the thing that overflowed: handle signals on a stack of their own. NULL: no more. */
void lkl__panic_thread_init(void *signal_stack, uint64_t signal_stack_bytes)
{
	stack_t stack = { .ss_sp = signal_stack, .ss_size = signal_stack_bytes,
			  .ss_flags = signal_stack ? 0 : SS_DISABLE };

	sigaltstack(&stack, NULL);
}
