/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu.h - what the host files share with each other; not installed
 *
 * boot.c starts and stops the instance; vcpu.c has the threads of the vCPUs and how they sleep; thread.c lets the program's
 * threads in; task.c keeps application tasks; console.c, panic.c and clock.c serve one host operation each; netconf.c is
 * lkl_if_* and lkl_sysctl on system calls.
 */
#ifndef LKL_HOST_VCPU_H
#define LKL_HOST_VCPU_H

#include <lkl/host_ops.h>
#include <lkl/lkl.h>

/* Life of the instance. Changed under boot.c's mutex. */
enum instance_state {
	INSTANCE_NEW,		/* never booted, or halted and cleaned up */
	INSTANCE_BOOTING,
	INSTANCE_UP,
	INSTANCE_HALTING,
	INSTANCE_HALTED,	/* but a task of it still computes: its thread cannot be stopped */
	INSTANCE_DEAD,		/* panicked */
	INSTANCE_FORKED,	/* this process is a fork of the one that booted */
};

extern struct lkl_options lkl__options;

/* boot.c */
enum instance_state lkl__state(void);
void lkl__state_set(enum instance_state state);
int lkl__not_running(void);		/* the error for a call in the present state: -ESRCH, -EIO, -EOWNERDEAD */
int lkl__hold(void);			/* the instance stays in memory until lkl__let_go(); 0 or -errno. Any thread, any time */
void lkl__let_go(void);
unsigned int lkl__vcpus(void);
uint32_t lkl__generation(void);
void lkl__booted(const char *release, int32_t err);
void lkl__halted(void);

/* vcpu.c */
void lkl__vcpus_init(void);
int lkl__vcpu_boot(const struct lkl_boot_params *params);	/* start vCPU 0's home thread, which boots */
int lkl__vcpus_join(void);					/* 0, or -EBUSY: a thread is still in user code */
int32_t lkl__vcpu_start(uint32_t vcpu);
void lkl__thread_quit(struct lkl_thread *self) __attribute__((noreturn));
void lkl__set_gs_base(uint64_t base);
void lkl__idle_wait(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns);
void lkl__kick(struct lkl_thread *thread);
void lkl__futex_wait(uint32_t *word, uint32_t value, int64_t timeout_ns);
void lkl__futex_wake(uint32_t *word);
void lkl__yield(void);
int32_t lkl__barrier_all(void);
int32_t lkl__wire_watch(uint32_t vcpu, struct lkl_wire *wire, uint32_t queue, int32_t on);

/* thread.c */
int32_t lkl__thread_register(void);
void lkl__threads_init(void);

/* clock.c */
uint64_t lkl__wall_clock_ns(void);
/* Ticks per second of the clock: the TSC's, or 10^9 of lkl__monotonic_ns(), which *is_host says. want_host: in any case. */
uint64_t lkl__clock_choose(int want_host, int *is_host);
uint64_t lkl__monotonic_ns(void);

/* console.c */
void lkl__print(const char *record, uint32_t len);

/* panic.c */
void lkl__panic(const char *message) __attribute__((noreturn));
int32_t lkl__backtrace(void **pcs, uint32_t max);
int lkl__panic_init(void);
void lkl__panic_thread_init(void *stack, uint64_t stack_bytes);

/* task.c */
void lkl__task_exited(struct lkl_task *task, int32_t ret);
void lkl__tasks_abandon(void);	/* those that wait for a task learn that it never ends */
void lkl__tasks_free(void);	/* no vCPU runs any more: the stacks of unfinished tasks */

/* module.c */
int32_t lkl__protect(void *addr, uint64_t bytes, uint32_t prot);

#endif /* LKL_HOST_VCPU_H */
