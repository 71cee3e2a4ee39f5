// SPDX-License-Identifier: GPL-2.0-only
/*
 * setup.c - from the host's call to start_kernel()
 */
#include <linux/console.h>
#include <linux/cpu.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/task_stack.h>
#include <linux/seq_file.h>
#include <linux/start_kernel.h>
#include <linux/string.h>
#include <asm/lkl.h>
#include <asm/release.h>
#include <asm/sections.h>
#include <asm/setup.h>

const struct lkl_host_ops *lkl_host __ro_after_init;
struct lkl_boot_params lkl_boot __ro_after_init;

LKL_DEFINE_THIS_CPU_OFF = 0;

static long boot_on_init_stack(void *arg)
{
	start_kernel();
	return 0;
}

/*
 * Linux derives the size of its socket tables from that of the machine, a slot for 128 KiB (TCP) and 2 MiB (UDP): an
 * instance of little memory and very many sockets would search long chains. One for 32 KiB; the caller's words win.
 *
 * Without MMU a table is one piece of what the page allocator has, of at most 4 MiB, and it warns of more. With lockdep a
 * slot with its lock is nine times as large: 144 bytes in TCP's largest table.
 */
static void cmd_line_set(const struct lkl_boot_params *params)
{
	u64 slots = params->memory_bytes >> 15, tcp_slots_max = IS_ENABLED(CONFIG_PROVE_LOCKING) ? 16384 : 65536;

	snprintf(boot_command_line, COMMAND_LINE_SIZE, "thash_entries=%llu uhash_entries=%llu %s",
		 clamp(slots, 4096, tcp_slots_max), clamp(slots, 4096, 16384), params->cmd_line);
}

void lkl_kernel_boot(const struct lkl_boot_params *params, struct lkl_thread *self)
{
#ifdef CONFIG_KASAN
	lkl_kasan_map();
#endif
	lkl_boot = *params;
	lkl_host = params->ops;
	lkl_clock_is_host = params->clock_is_host;
	lkl_vcpu_init_boot(self);
	cmd_line_set(params);
	lkl_call_on_stack((unsigned long)task_stack_page(&init_task) + THREAD_SIZE - 64, boot_on_init_stack, NULL);
	BUG();
}

/* The host has read it. */
static int __init mem_setup(char *value)
{
	return 0;
}
early_param("mem", mem_setup);

void __init setup_arch(char **cmdline_p)
{
#ifdef CONFIG_SMP
	unsigned int cpu;
#endif

	lkl_time_early_init();
	lkl_console_init();
	*cmdline_p = boot_command_line;
	parse_early_param();
	lkl_mem_setup();
	lkl_locks_init();
#ifdef CONFIG_SMP
	for (cpu = 0; cpu < NR_CPUS; cpu++)
		set_cpu_possible(cpu, cpu < lkl_boot.vcpus);
#endif
}

#ifdef CONFIG_SMP
unsigned long __per_cpu_offset[NR_CPUS] __read_mostly;

void __init setup_per_cpu_areas(void)
{
	unsigned long delta;
	unsigned int cpu;
	int err;

	err = pcpu_embed_first_chunk(PERCPU_MODULE_RESERVE, PERCPU_DYNAMIC_RESERVE, PAGE_SIZE, NULL, NULL);
	if (err < 0)
		panic("cannot set up per-CPU areas: %d", err);
	delta = (unsigned long)pcpu_base_addr - (unsigned long)__per_cpu_start;
	for_each_possible_cpu(cpu) {
		__per_cpu_offset[cpu] = delta + pcpu_unit_offsets[cpu];
		per_cpu(this_cpu_off, cpu) = __per_cpu_offset[cpu];
	}
	/* Until now the boot CPU used the image's own copy, at base 0; its values were copied into the first unit. */
	raw_cpu_read_8(lkl_executor)->gs_base = __per_cpu_offset[0];
	lkl_host->set_gs_base(__per_cpu_offset[0]);
	lkl_vcpus_init();
}
#endif

void __init arch_cpu_finalize_init(void)
{
}

/* Boot-time code and data stay: they are part of the process's image. */
void free_initmem(void)
{
}

static void *cpuinfo_start(struct seq_file *m, loff_t *pos)
{
	return *pos < 1 ? (void *)1 : NULL;
}

static void *cpuinfo_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return NULL;
}

static void cpuinfo_stop(struct seq_file *m, void *v)
{
}

static int cpuinfo_show(struct seq_file *m, void *v)
{
	seq_printf(m, "vcpus\t\t: %u\nclock\t\t: %s, %llu MHz\n", num_online_cpus(), lkl_clock_is_host ? "host" : "tsc",
		   lkl_boot.tsc_hz / 1000000);
	return 0;
}

const struct seq_operations cpuinfo_op = {
	.start = cpuinfo_start,
	.next = cpuinfo_next,
	.stop = cpuinfo_stop,
	.show = cpuinfo_show,
};
