/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu.h - what the host files share with each other; not installed
 *
 * boot.c starts a vCPU thread and waits for it; vcpu.c is that thread and its sleep; task.c keeps application tasks;
 * console.c, panic.c and clock.c serve one host operation each; netconf.c is lkl_if_* and lkl_sysctl on system calls.
 */
#ifndef LKL_HOST_VCPU_H
#define LKL_HOST_VCPU_H

#include <lkl/host_ops.h>
#include <lkl/lkl.h>

/* Life of the instance; goes only forward. Changed under boot.c's mutex. */
enum instance_state {
	INSTANCE_NEW,
	INSTANCE_BOOTING,
	INSTANCE_UP,
	INSTANCE_HALTED,
	INSTANCE_DEAD,		/* panicked */
};

extern struct lkl_options lkl__options;

/* boot.c */
enum instance_state lkl__state(void);
void lkl__state_set(enum instance_state state);
void lkl__booted(const char *release);
void lkl__halted(void);

/* vcpu.c */
int lkl__vcpu_init(void);
int lkl__vcpu_thread_start(const struct lkl_boot_params *params);
void lkl__vcpu_thread_enter(void);
void lkl__set_gs_base(uint64_t base);
void lkl__idle_wait(uint32_t vcpu, int64_t timeout_ns);
void lkl__kick(uint32_t vcpu);
void lkl__yield(void);
void lkl__wire_attached(uint32_t vcpu, struct lkl_wire *wire, uint32_t queue);

/* clock.c */
uint64_t lkl__wall_clock_ns(void);
uint64_t lkl__tsc_hz(void);	/* 0: no usable TSC */

/* console.c */
void lkl__print(const char *record, uint32_t len);

/* panic.c */
void lkl__panic(const char *message) __attribute__((noreturn));
int32_t lkl__backtrace(void **pcs, uint32_t max);
int lkl__panic_init(void);
void lkl__panic_thread_init(void);

/* task.c */
void lkl__task_exited(struct lkl_task *task, int32_t ret);
void lkl__tasks_abandon(void);

/* module.c */
int32_t lkl__protect(void *addr, uint64_t bytes, uint32_t prot);

#endif /* LKL_HOST_VCPU_H */
