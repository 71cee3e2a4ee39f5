// SPDX-License-Identifier: GPL-2.0-only
/*
 * task.c - the host's side of application tasks: their stacks, start and join
 *
 * A task's stack is a mapping with a guard page below it, so that an overflow is a bad pointer and not silent damage.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vcpu.h"

#define TASKS_MAX 4096
#define PAGE_BYTES 4096

static const size_t stack_default_bytes = 256 * 1024;
static const size_t stack_min_bytes = 64 * 1024;
static const size_t stack_max_bytes = 1024 * 1024 * 1024;

struct task_entry {
	struct lkl_task task;	/* first: the kernel hands it back */
	int is_done;
	int32_t ret;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static struct task_entry *entries[TASKS_MAX];	/* id is index + 1 */

int lkl_task_start(const char *name, lkl_task_fn fn, void *arg, size_t stack_bytes)
{
	return lkl_task_start_on(0, name, fn, arg, stack_bytes);
}

int lkl_task_start_on(int vcpu, const char *name, lkl_task_fn fn, void *arg, size_t stack_bytes)
{
	struct task_entry *entry;
	size_t bytes = stack_bytes ? stack_bytes : stack_default_bytes;
	char *stack;
	int i;

	if (!fn || bytes < stack_min_bytes || bytes > stack_max_bytes)
		return -EINVAL;
	if (lkl__state() != INSTANCE_UP)
		return lkl__not_running();
	if (vcpu < 0 || vcpu >= (int)lkl__vcpus())
		return -EINVAL;
	bytes = (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	stack = mmap(NULL, bytes + PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		goto err_free_entry;
	if (mprotect(stack, PAGE_BYTES, PROT_NONE))
		goto err_unmap_stack;
	entry->task.fn = fn;
	entry->task.arg = arg;
	entry->task.stack = stack + PAGE_BYTES;
	entry->task.stack_bytes = bytes;
	entry->task.vcpu = vcpu;
	snprintf(entry->task.name, sizeof(entry->task.name), "%s", name ? name : "task");
	pthread_mutex_lock(&lock);
	for (i = 0; i < TASKS_MAX && entries[i]; i++)
		;
	if (i < TASKS_MAX)
		entries[i] = entry;
	pthread_mutex_unlock(&lock);
	if (i == TASKS_MAX)
		goto err_unmap_stack;
	entry->task.id = i + 1;
	if (lkl__hold()) {
		lkl__task_exited(&entry->task, -ESRCH);
		return i + 1;
	}
	lkl_task_post(&entry->task);
	lkl__let_go();
	return i + 1;

err_unmap_stack:
	munmap(stack, bytes + PAGE_BYTES);
err_free_entry:
	free(entry);
	return -EAGAIN;
}

/* On the task's kernel stack. */
void lkl__task_exited(struct lkl_task *task, int32_t ret)
{
	struct task_entry *entry = (struct task_entry *)task;

	munmap((char *)task->stack - PAGE_BYTES, task->stack_bytes + PAGE_BYTES);
	pthread_mutex_lock(&lock);
	entry->ret = ret;
	entry->is_done = 1;
	pthread_cond_broadcast(&done);
	pthread_mutex_unlock(&lock);
}

/* The instance is gone: whoever waits for a task learns it. */
void lkl__tasks_abandon(void)
{
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&done);
	pthread_mutex_unlock(&lock);
}

/* Entries stay for those who ask: they are told -EIO. */
void lkl__tasks_free(void)
{
	int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < TASKS_MAX; i++) {
		struct task_entry *entry = entries[i];

		if (!entry || entry->is_done || !entry->task.stack)
			continue;
		munmap((char *)entry->task.stack - PAGE_BYTES, entry->task.stack_bytes + PAGE_BYTES);
		entry->task.stack = NULL;
	}
	pthread_mutex_unlock(&lock);
}

int lkl_task_join(int id, int *ret)
{
	struct task_entry *entry;
	int err = 0;

	if (lkl_self && lkl_self->kind == LKL_THREAD_HOME)
		return -EPERM;
	if (id < 1 || id > TASKS_MAX)
		return -ESRCH;
	pthread_mutex_lock(&lock);
	entry = entries[id - 1];
	if (!entry) {
		err = -ESRCH;
		goto out;
	}
	while (!entry->is_done && entry->task.stack && lkl__state() == INSTANCE_UP)
		pthread_cond_wait(&done, &lock);
	if (!entry->is_done) {
		err = -EIO;
		if (!entry->task.stack) {
			entries[id - 1] = NULL;
			free(entry);
		}
		goto out;
	}
	if (ret)
		*ret = entry->ret;
	entries[id - 1] = NULL;
	free(entry);
out:
	pthread_mutex_unlock(&lock);
	return err;
}
