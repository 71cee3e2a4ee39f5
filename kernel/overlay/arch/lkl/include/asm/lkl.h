/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the port share with each other; everything here is kernel world. The boundary to the host is
 * lkl/host_ops.h.
 */
#ifndef _ASM_LKL_LKL_H
#define _ASM_LKL_LKL_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <lkl/host_ops.h>
#include <asm/timex.h>

extern const struct lkl_host_ops *lkl_host;
extern struct lkl_boot_params lkl_boot;

/* time.c */
DECLARE_PER_CPU(u64, lkl_timer_deadline);	/* TSC value at which the clock event is due; U64_MAX: none */
DECLARE_PER_CPU(u64, lkl_next_check);		/* TSC value at which system call exit looks at timers and wires */
u64 lkl_ns_to_tsc(u64 ns);
u64 lkl_tsc_to_ns(u64 tsc);
void lkl_timer_irq(void);

/* setup.c and what it calls */
void lkl_locks_init(void);
void lkl_time_early_init(void);
void lkl_console_init(void);
void lkl_mem_setup(void);

/* mm/kasan.c */
void lkl_kasan_map(void);
void lkl_kasan_init(void);

/* irq.c */
DECLARE_PER_CPU(unsigned int, lkl_at_boundary);	/* 1: between a system call and its caller */
void lkl_check_events(void);

/* task.c */
void lkl_init_main(void);
void lkl_task_irq(void);
void lkl_halt_irq(void);

/* notify.c */
void lkl_notify_irq(void);

/* vcpu.c */
DECLARE_PER_CPU(struct lkl_thread *, lkl_executor);	/* the host thread that runs this vCPU */
extern bool lkl_halting;				/* no new calls */
void lkl_vcpu_init_boot(struct lkl_thread *self);
void lkl_vcpus_init(void);
struct lkl_thread *lkl_vcpu_home(unsigned int cpu);
bool lkl_vcpu_idle(u64 spin_end_tsc);
void lkl_enter_irq(void);
void lkl_user_loop(bool is_ready);
void lkl_user_end(void);
void lkl_user_gone(void);
void lkl_vcpu_stop(void);
void lkl_vcpus_stop(void);

/* smp.c */
void lkl_secondary_start(void);

/* time.c */
void lkl_clock_event_init(void);

/* splat.c */
void lkl_splat_init(void);
void lkl_splat_line(const char *text, size_t len);
void lkl_splat_stack_end(void);

/* idle.c */
DECLARE_PER_CPU(u64, lkl_net_rx_frames);	/* frames that the vCPU has taken from its wires */

/* drivers/net.c */
#ifdef CONFIG_LKL_NET
bool lkl_net_rx_ready(unsigned int cpu);
bool lkl_net_tx_stopped(unsigned int cpu);
void lkl_net_flush(unsigned int cpu);
void lkl_net_irq(void);
#else
static inline bool lkl_net_rx_ready(unsigned int cpu) { return false; }
static inline bool lkl_net_tx_stopped(unsigned int cpu) { return false; }
static inline void lkl_net_flush(unsigned int cpu) { }
static inline void lkl_net_irq(void) { }
#endif

/* switch.S */
unsigned long lkl_switch_stack(unsigned long *save_sp, unsigned long sp, unsigned long value);
unsigned long lkl_leave_stack(unsigned long *save_sp, unsigned long sp, void (*fn)(void *arg), void *arg);
void lkl_resume_stack(unsigned long sp, unsigned long value) __noreturn;
void lkl_stack_start(void);
long lkl_call_on_stack(unsigned long stack_top, long (*fn)(void *arg), void *arg);
void lkl_ret_from_fork(void);

#endif /* _ASM_LKL_LKL_H */
