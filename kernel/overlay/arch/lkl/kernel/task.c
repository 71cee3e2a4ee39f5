// SPDX-License-Identifier: GPL-2.0-only
/*
 * task.c - pid 1, and application tasks
 *
 * No program is loaded. A marker file /init with a binary format of its own lets kernel_init() "exec" pid 1 without a
 * change to the kernel; pid 1 then serves lkl_task_post(): each posted task becomes a thread of pid 1's process (one file
 * table for all), on which the host's function is called on a stack that the host made. Blocking in a system call is the
 * scheduler switching stacks.
 */
#include <linux/binfmts.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/oom.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/task_work.h>
#include <linux/utsname.h>
#include <asm/lkl.h>

static const char init_path[] = "/init";
static const char init_magic[] = "lkl pid 1\n";

/* Posted tasks, last first. */
static struct lkl_task *posted;
static DECLARE_WAIT_QUEUE_HEAD(posted_wait);
static bool halting;

static int init_load_binary(struct linux_binprm *bprm)
{
	int err;

	if (memcmp(bprm->buf, init_magic, sizeof(init_magic) - 1))
		return -ENOEXEC;
	err = begin_new_exec(bprm);
	if (err)
		return err;
	setup_new_exec(bprm);
	set_binfmt(NULL);
	finalize_exec(bprm);
	return 0;
}

static struct linux_binfmt init_format = {
	.module = THIS_MODULE,
	.load_binary = init_load_binary,
};

static int __init init_file_make(void)
{
	struct file *file;
	ssize_t n;
	loff_t pos = 0;

	register_binfmt(&init_format);
	file = filp_open(init_path, O_WRONLY | O_CREAT | O_EXCL, 0700);
	if (IS_ERR(file))
		return PTR_ERR(file);
	n = kernel_write(file, init_magic, sizeof(init_magic) - 1, &pos);
	filp_close(file, NULL);
	/* The file is closed for good only by the delayed work; until then exec would see it open for writing. */
	flush_delayed_fput();
	task_work_run();
	return n < 0 ? n : 0;
}
late_initcall(init_file_make);

void lkl_task_post(struct lkl_task *task)
{
	struct lkl_task *first = READ_ONCE(posted);

	do {
		task->next = first;
	} while (!try_cmpxchg(&posted, &first, task));
	lkl_raise(0, LKL_IRQ_TASK);
}

void lkl_task_irq(void)
{
	wake_up(&posted_wait);
}

void lkl_halt_irq(void)
{
	WRITE_ONCE(halting, true);
	wake_up(&posted_wait);
}

static long task_call(void *arg)
{
	struct lkl_task *task = arg;

	return task->fn(task->arg);
}

/* A new application task starts here, on its kernel stack. */
static int task_main(void *arg)
{
	struct lkl_task *task = arg;
	unsigned long top = (unsigned long)task->stack + task->stack_bytes;
	long ret;

	set_task_comm(current, task->name);
	current->thread.app = task;
	ret = lkl_call_on_stack(round_down(top, 16), task_call, task);
	current->thread.app = NULL;
	lkl_host->task_exited(task, ret);
	do_exit(0);
}

static void task_start(struct lkl_task *task)
{
	struct kernel_clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_IO,
		.fn = task_main,
		.fn_arg = task,
	};
	pid_t pid = kernel_clone(&args);

	if (pid < 0)
		lkl_host->task_exited(task, pid);
	else
		task->pid = pid;
}

static void posted_start(void)
{
	struct lkl_task *task = xchg(&posted, NULL), *next, *in_order = NULL;

	for (; task; task = next) {
		next = task->next;
		task->next = in_order;
		in_order = task;
	}
	for (task = in_order; task; task = next) {
		next = task->next;
		task_start(task);
	}
}

/* Pid 1 after its exec; never returns (switch.S). */
void lkl_init_main(void)
{
	static const struct rlimit files = { .rlim_cur = 1048576, .rlim_max = 1048576 };

	ignore_signals(current);
	/* Memory that runs out is -ENOMEM to whoever asks: killing the only process would end the instance. */
	oom_killer_disable(0);
	current->signal->rlim[RLIMIT_NOFILE] = files;
	lkl_host->booted(init_uts_ns.name.release);
	for (;;) {
		wait_event_interruptible(posted_wait, READ_ONCE(posted) || READ_ONCE(halting));
		if (READ_ONCE(halting))
			lkl_host->halted();
		posted_start();
		if (test_thread_flag(TIF_NOTIFY_RESUME)) {
			clear_thread_flag(TIF_NOTIFY_RESUME);
			task_work_run();
		}
	}
}
