// SPDX-License-Identifier: GPL-2.0-only
/*
 * task.c - pid 1, application tasks and the tasks of foreign threads
 *
 * No program is loaded. A marker file /init with a binary format of its own lets kernel_init() "exec" pid 1 without a
 * change to the kernel; pid 1 then serves lkl_task_post(): each posted task becomes a thread of pid 1's process (one file
 * table for all). An application task's function is called on a stack that the host made, by the home thread of its vCPU;
 * a foreign thread's task has no function, its code is whatever the thread does. vcpu.c tells how both get in and out.
 *
 * At halt pid 1 ends all blocked calls of foreign threads, waits until no such thread is in the kernel, and stops the vCPUs.
 */
#include <linux/binfmts.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/init_syscalls.h>
#include <linux/kasan.h>
#include <linux/kthread.h>
#include <linux/oom.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/task_work.h>
#include <linux/utsname.h>
#include <asm/lkl.h>
#include <asm/vcpu.h>

static const char init_path[] = "/init";
static const char init_magic[] = "lkl pid 1\n";

/* Posted tasks, last first. */
static struct lkl_task *posted;
static DECLARE_WAIT_QUEUE_HEAD(posted_wait);
static bool halting;
static int boot_error;

/* How long halt waits for foreign threads to come out of the kernel. */
static const unsigned int halt_wait_ms = 2000;

static int init_load_binary(struct linux_binprm *bprm)
{
	int err;

	if (memcmp(bprm->buf, init_magic, sizeof(init_magic) - 1))
		return -ENOEXEC;
	/* Words that the kernel does not know go to init: as arguments, or if they have a value beside HOME and TERM. */
	if (bprm->argc > 1 || bprm->envc > 2)
		boot_error = -EINVAL;
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
	task->next = READ_ONCE(posted);
	while (!__atomic_compare_exchange_n(&posted, &task->next, task, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
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

/* [user stack of an application task] Its first and last steps outside; user code is what is between. */
static void app_main(void *arg)
{
	struct lkl_task *task = arg;
	struct lkl_thread *home = lkl_vcpu_home(task->vcpu);
	long ret;

	WRITE_ONCE(home->seq, home->seq + 1);
	ret = task->fn(task->arg);
	/* Cannot fail on a home thread. */
	lkl_enter(&home);
	task->ret = ret;
	lkl_user_end();
	unreachable();
}

/* What lkl_switch_stack() pops, to call app_main(task) on the user stack. */
static unsigned long app_stack(struct lkl_task *task)
{
	unsigned long top = round_down((unsigned long)task->stack + task->stack_bytes, 16);
	unsigned long *frame = (unsigned long *)top - 9; /* so that the stack is aligned when app_main() is called */

	memset(frame, 0, 8 * sizeof(*frame));
	frame[3] = (unsigned long)task;			/* r12 */
	frame[4] = (unsigned long)app_main;		/* rbx */
	frame[6] = (unsigned long)lkl_stack_start;	/* return address */
	return (unsigned long)frame;
}

/* A new application task starts here, on its kernel stack. */
static int app_task(void *arg)
{
	struct lkl_task *task = arg;

	/* What the stack's addresses were before, KASAN remembers; frames that were left for good are no red zones after us. */
	kasan_unpoison_range(task->stack, task->stack_bytes);
	set_task_comm(current, task->name);
	set_cpus_allowed_ptr(current, cpumask_of(task->vcpu));
	current->flags |= PF_NO_SETAFFINITY;
	current->thread.host = lkl_vcpu_home(task->vcpu);
	current->thread.user_sp = app_stack(task);
	lkl_user_loop(true);
	kasan_unpoison_range(task->stack, task->stack_bytes);
	lkl_host->task_exited(task, task->ret);
	do_exit(0);
}

static void foreign_ready(struct lkl_thread *thread, int value)
{
	__atomic_store_n(&thread->ready, value, __ATOMIC_SEQ_CST);
	lkl_host->futex_wake(&thread->ready);
}

/* The task of a foreign thread, on its kernel stack. */
static int foreign_task(void *arg)
{
	struct lkl_thread *thread = arg;

	current->thread.host = thread;
	set_thread_flag(TIF_LEAVE);
	thread->task = current;
	foreign_ready(thread, 1);
	lkl_user_loop(false);
	lkl_user_gone();
	do_exit(0);
}

static void task_start(struct lkl_task *task)
{
	struct lkl_thread *thread = task->thread;
	struct kernel_clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_IO,
		.fn = thread ? foreign_task : app_task,
		.fn_arg = thread ? (void *)thread : task,
	};
	pid_t pid = kernel_clone(&args);

	if (pid >= 0) {
		if (!thread)
			task->pid = pid;
		return;
	}
	if (thread)
		foreign_ready(thread, pid);
	else
		lkl_host->task_exited(task, pid);
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

/* End what foreign threads wait for, and let them out. Application tasks are left where they are. */
static void halt(void)
{
	unsigned long end = jiffies + halt_wait_ms * HZ / 1000;
	struct task_struct *task;
	bool is_inside;

	WRITE_ONCE(lkl_halting, true);
	do {
		is_inside = false;
		rcu_read_lock();
		for_each_thread(current, task) {
			struct lkl_thread *host = task->thread.host;

			if (!host || host->kind != LKL_THREAD_FOREIGN || !(READ_ONCE(host->seq) & 1))
				continue;
			is_inside = true;
			spin_lock_irq(&current->sighand->siglock);
			sigaddset(&task->pending.signal, SIGKILL);
			signal_wake_up(task, true);
			spin_unlock_irq(&current->sighand->siglock);
		}
		rcu_read_unlock();
		if (is_inside)
			schedule_timeout_uninterruptible(1);
	} while (is_inside && time_before(jiffies, end));
	lkl_host->halted();
	lkl_vcpus_stop();
}

/* Pid 1 after its exec; never returns (switch.S). */
void lkl_init_main(void)
{
	static const struct rlimit files = { .rlim_cur = 1048576, .rlim_max = 1048576 };

	/* Nothing is to be executed as /init again. */
	unregister_binfmt(&init_format);
	init_unlink(init_path);
	ignore_signals(current);
	/* Memory that runs out is -ENOMEM to whoever asks: killing the only process would end the instance. */
	oom_killer_disable(0);
	current->signal->rlim[RLIMIT_NOFILE] = files;
	/* The host limits tasks and threads (host/task.c, host/thread.c), and memory does. */
	current->signal->rlim[RLIMIT_NPROC] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	lkl_host->booted(init_uts_ns.name.release, boot_error);
	for (;;) {
		/* Not interruptible: a signal to the process that has a handler would never go away. */
		wait_event_idle(posted_wait, READ_ONCE(posted) || READ_ONCE(halting));
		if (READ_ONCE(halting))
			halt();
		posted_start();
		if (test_thread_flag(TIF_NOTIFY_RESUME)) {
			clear_thread_flag(TIF_NOTIFY_RESUME);
			task_work_run();
		}
	}
}
