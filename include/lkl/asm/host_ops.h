/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * asm/host_ops.h - host operations, boot and halt as programs for LKL know them
 *
 * This library's kernel runs on host threads, timers and memory that the library itself provides (lkl/host_ops.h, host/),
 * and has no use for a program's own. struct lkl_host_operations keeps its members, so that programs which fill it in
 * still compile. Of these, two are used:
 *   print   gets the kernel's log, line by line, and what lkl_printf() prints
 *   panic   is called when the instance has died; if it returns, the thread on which the instance died sleeps for ever
 * All others are accepted and ignored.
 *
 * Part of <lkl.h>.
 */
#ifndef LKL_ASM_HOST_OPS_H
#define LKL_ASM_HOST_OPS_H

#include <lkl/asm/mman.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lkl_mutex;
struct lkl_sem;
struct lkl_tls_key;
struct lkl_pci_dev;
typedef unsigned long lkl_thread_t;

struct lkl_jmp_buf {
	unsigned long buf[128];
};

/* LKL_PROT_NONE, _READ, _WRITE and _EXEC are macros of <lkl/asm/mman.h>, with the same values. */
enum lkl_prot {
	LKL_PROT_ALL = LKL_PROT_READ | LKL_PROT_WRITE | LKL_PROT_EXEC,
};

struct lkl_dev_pci_ops {
	struct lkl_pci_dev *(*add)(const char *name, void *kernel_ram, unsigned long ram_size);
	void (*remove)(struct lkl_pci_dev *dev);
	int (*irq_init)(struct lkl_pci_dev *dev, int irq);
	int (*read)(struct lkl_pci_dev *dev, int where, int size, void *val);
	int (*write)(struct lkl_pci_dev *dev, int where, int size, void *val);
	void *(*resource_alloc)(struct lkl_pci_dev *dev, unsigned long resource_size, int resource_index);
	unsigned long long (*map_page)(struct lkl_pci_dev *dev, void *vaddr, unsigned long size);
	void (*unmap_page)(struct lkl_pci_dev *dev, unsigned long long dma_handle, unsigned long size);
};

struct lkl_host_operations {
	const char *virtio_devices;

	/* len bytes at str, a line with its newline. Called on the vCPU's thread; must not call the library. NULL: silent */
	void (*print)(const char *str, int len);
	/* NULL: abort() */
	void (*panic)(void);

	/* ---- from here on: ignored ---- */
	struct lkl_sem *(*sem_alloc)(int count);
	void (*sem_free)(struct lkl_sem *sem);
	void (*sem_up)(struct lkl_sem *sem);
	void (*sem_down)(struct lkl_sem *sem);

	struct lkl_mutex *(*mutex_alloc)(int recursive);
	void (*mutex_free)(struct lkl_mutex *mutex);
	void (*mutex_lock)(struct lkl_mutex *mutex);
	void (*mutex_unlock)(struct lkl_mutex *mutex);

	lkl_thread_t (*thread_create)(void (*f)(void *), void *arg);
	void (*thread_detach)(void);
	void (*thread_exit)(void);
	int (*thread_join)(lkl_thread_t tid);
	lkl_thread_t (*thread_self)(void);
	int (*thread_equal)(lkl_thread_t a, lkl_thread_t b);
	void *(*thread_stack)(unsigned long *size);

	struct lkl_tls_key *(*tls_alloc)(void (*destructor)(void *));
	void (*tls_free)(struct lkl_tls_key *key);
	int (*tls_set)(struct lkl_tls_key *key, void *data);
	void *(*tls_get)(struct lkl_tls_key *key);

	void *(*mem_alloc)(unsigned long size);
	void (*mem_free)(void *mem);
	void *(*page_alloc)(unsigned long size);
	void (*page_free)(void *addr, unsigned long size);

	unsigned long long (*time)(void);

	void *(*timer_alloc)(void (*fn)(void));
	int (*timer_set_oneshot)(void *timer, unsigned long delta);
	void (*timer_free)(void *timer);

	void *(*ioremap)(long addr, int size);
	int (*iomem_access)(const volatile void *addr, void *val, int size, int write);

	long (*gettid)(void);

	void (*jmp_buf_set)(struct lkl_jmp_buf *jmpb, void (*f)(void));
	void (*jmp_buf_longjmp)(struct lkl_jmp_buf *jmpb, int val);

	void *(*memcpy)(void *dest, const void *src, unsigned long count);
	void *(*memset)(void *s, int c, unsigned long count);
	void *(*memmove)(void *dest, const void *src, unsigned long count);

	void *(*mmap)(void *addr, unsigned long size, enum lkl_prot prot);
	int (*munmap)(void *addr, unsigned long size);
	void (*shmem_init)(unsigned long size);
	void *(*shmem_mmap)(void *addr, unsigned long pg_off, unsigned long size, enum lkl_prot prot);

	struct lkl_dev_pci_ops *pci_ops;
};

/* The default operations: print writes to standard error, panic is NULL. A program may change them before lkl_init(). */
extern struct lkl_host_operations lkl_host_ops;

/*
 * [any, before boot] Take the program's operations; ops has to live until lkl_cleanup(). Replaces the log and panic
 * callbacks of lkl_set_options() and leaves its other options. -EINVAL: NULL; -EBUSY: an instance runs, or has died.
 */
int lkl_init(struct lkl_host_operations *ops);

/*
 * [any, after lkl_sys_halt()] Let go of ops and of all network devices, which are removed; options are the default again.
 * lkl_init() and lkl_start_kernel() may follow. Does nothing while the instance runs, or is dead.
 */
void lkl_cleanup(void);

/* [any] Print through ops->print, 1023 bytes at most; silent without lkl_init(). Returns the bytes, or -EINVAL (format). */
int lkl_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* [any] Print, then ops->panic(), or abort(). */
void lkl_bug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif /* LKL_ASM_HOST_OPS_H */
