// SPDX-License-Identifier: GPL-2.0-only
/*
 * thread.c - the program's own threads as callers: what happens at a thread's first call, and at its end
 *
 * A thread that calls without being known gets a struct lkl_thread, a base stack to wait on, and, from pid 1, a Linux task of
 * its own. A pthread key's destructor ends the task with the thread. The structs are never freed while the process
 * lives, only used again: a vCPU may look at the last one that held it long after.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vcpu.h"

#define THREADS_MAX 4096
#define PAGE_BYTES 4096

/* Handlers of the program's signals run on it, should they come while the thread waits. */
static const size_t base_stack_bytes = 64 * 1024;

struct program_thread {
	struct lkl_thread thread;	/* first: the kernel side knows only this */
	struct lkl_task task;
	struct program_thread *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static struct program_thread *unused;
static unsigned int threads_len;

static void thread_put(struct program_thread *t)
{
	pthread_mutex_lock(&lock);
	t->next = unused;
	unused = t;
	pthread_mutex_unlock(&lock);
}

static void thread_ends(void *arg)
{
	struct program_thread *t = arg;

	if (t->thread.generation == lkl__generation() && lkl__state() == INSTANCE_UP)
		lkl_kernel_thread_exit();
	lkl_self = NULL;
	thread_put(t);
}

static void in_child(void)
{
	lkl_self = NULL;
	if (lkl__state() != INSTANCE_NEW)
		lkl__state_set(INSTANCE_FORKED);
}

static void init(void)
{
	pthread_key_create(&key, thread_ends);
	pthread_atfork(NULL, NULL, in_child);
}

void lkl__threads_init(void)
{
	pthread_once(&once, init);
}

static struct program_thread *thread_get(void)
{
	struct program_thread *t;
	char *stack;

	pthread_mutex_lock(&lock);
	t = unused;
	if (t)
		unused = t->next;
	else if (threads_len < THREADS_MAX)
		threads_len++;
	else
		goto out;
	pthread_mutex_unlock(&lock);
	if (t)
		return t;
	t = aligned_alloc(64, (sizeof(*t) + 63) & ~63ul);
	stack = mmap(NULL, base_stack_bytes + PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (t && stack != MAP_FAILED && !mprotect(stack, PAGE_BYTES, PROT_NONE)) {
		memset(t, 0, sizeof(*t));
		t->thread.base_sp = (uint64_t)stack + PAGE_BYTES + base_stack_bytes;
		return t;
	}
	if (stack != MAP_FAILED)
		munmap(stack, base_stack_bytes + PAGE_BYTES);
	free(t);
	t = NULL;
	pthread_mutex_lock(&lock);
	threads_len--;
out:
	pthread_mutex_unlock(&lock);
	return t;
}

int32_t lkl__thread_register(void)
{
	static uint32_t next_vcpu;
	struct program_thread *t = (struct program_thread *)lkl_self;
	struct lkl_thread *thread;
	int32_t ready;
	int err;

	err = lkl__hold();
	if (err)
		return err;
	/* A thread that called an instance before this one has its struct still. */
	if (!t)
		t = thread_get();
	if (!t) {
		lkl__let_go();
		return -EAGAIN;
	}
	thread = &t->thread;
	*thread = (struct lkl_thread){
		.kind = LKL_THREAD_FOREIGN,
		.revoked_self = 1,
		.vcpu = __atomic_fetch_add(&next_vcpu, 1, __ATOMIC_RELAXED) % lkl__vcpus(),
		.waits_on = -1,
		.generation = lkl__generation(),
		.base_sp = thread->base_sp,
		.wake_fd = thread->wake_fd,
	};
	memset(&t->task, 0, sizeof(t->task));
	t->task.thread = thread;
	lkl_task_post(&t->task);
	lkl__let_go();
	while (!(ready = __atomic_load_n(&thread->ready, __ATOMIC_ACQUIRE))) {
		enum instance_state state = lkl__state();

		/* Halted meanwhile: nobody will start the task. Unless all is gone somebody may still write to it. */
		if ((state != INSTANCE_UP && state != INSTANCE_HALTING) || thread->generation != lkl__generation()) {
			thread->generation = 0;
			if (lkl_self != thread && state != INSTANCE_HALTED)
				thread_put(t);
			return -ESRCH;
		}
		lkl__futex_wait(&thread->ready, 0, 100000000);
	}
	err = ready < 0 ? ready : -pthread_setspecific(key, t);
	if (err) {
		thread->generation = 0;
		if (lkl_self != thread)
			thread_put(t);
		return err;
	}
	lkl_self = thread;
	return 0;
}
