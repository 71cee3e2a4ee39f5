// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - who runs a vCPU: the execution model
 *
 * A vCPU is a token. One host thread at a time, its *executor*, holds it and runs kernel code as that CPU: %gs is the
 * per-CPU base, `current` the task. Three kinds of host threads do (struct lkl_thread):
 *
 *   home      one per vCPU, made by the library. Runs the user code of the vCPU's application tasks, one at a time.
 *   guard     one per vCPU, made by the library. Runs no user code; takes the vCPU when its holder stays away.
 *   foreign   any other thread of the program, once it has made a call. Has one Linux task, of its own.
 *
 * Kernel code looks at no thread-local data, so any executor can run any task inside the kernel, kernel threads and other
 * threads' system calls alike: a context switch is a switch of stacks and never waits for a particular host thread. Only
 * *user code* has to run on the right thread. So a task with user code has two stacks, and a saved context for each:
 *
 *   user stack     the host's: the program's frames, and those of its system calls, which are plain calls
 *   kernel stack   task->stack: user_loop(), which stands for the task while it is in user code
 *
 * The token (struct vcpu) is BUSY, IDLE (the idle task is current and its context saved: whoever wants may take it), or the
 * lkl_thread of a foreign thread whose task is current and in user code (anyone may take it, that thread by one compare
 * and swap, without the scheduler).
 *
 * In and out:
 *   A home keeps its vCPU while its task is in user code. It only counts `seq` up, at entry and exit, with plain stores. The
 *   guard looks at seq every few ms; a task that stayed in user code for a whole period loses the vCPU: the guard sets
 *   `revoked`, makes every thread of the process pass a memory barrier (membarrier), and if seq is still even, the vCPU is
 *   its own. Timers, interrupts and kernel threads go on, RCU sees an idle CPU, and the task runs on without a vCPU
 *   until its next call.
 *   A foreign thread leaves the token with its own address in it and takes it again by compare and swap. If another
 *   took it meanwhile, it enters the slow way.
 *   The slow way (enter_on_base()): the thread saves its context on its user stack, goes to its *base stack*, puts its
 *   task on the vCPU's list with LKL_IRQ_ENTER, and takes a free token, or waits. Some executor handles the interrupt, wakes
 *   the task, the scheduler picks it, user_loop() continues the call. If the executor at its end is another thread, the
 *   call's end is given back (`resume`) to the right one, and that executor goes on with other work.
 *
 * A thread without a vCPU waits in base_loop(). One of them may be the vCPU's *idle waiter*: it sleeps in the host's wait
 * on wires, kicks and the next deadline, and takes the token when there is something to do. No lock is taken for any of
 * this; what other threads write is written with host atomics, which stay atomic on one vCPU too.
 */
#include <linux/hardirq.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/idle.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/kernel_stat.h>
#include <linux/sched/task_stack.h>
#include <linux/wait.h>
#include <asm/lkl.h>
#include <asm/release.h>
#include <asm/vcpu.h>

/* Values of vcpu.token; any other is the struct lkl_thread of the task in user code. */
#define TOKEN_BUSY 0ul
#define TOKEN_IDLE 1ul

/* Why a task's kernel-stack side runs: what user_loop() finds on return from lkl_switch_stack(). */
enum to_kernel_stack {
	TASK_STOLEN,	/* it is in user code, and the vCPU was taken */
	TASK_GIVE_BACK,	/* its call is over, on another thread than its own */
	TASK_ENDED,	/* its user code is over */
};

/* How often a guard looks at a vCPU whose holder is in user code: a home's, a foreign thread's. */
static const u64 guard_home_ns = 4 * NSEC_PER_MSEC;
static const u64 guard_foreign_ns = NSEC_PER_MSEC;
/* Looks at an idle vCPU before the guard sleeps until it is woken. */
static const unsigned int guard_idle_looks = 2;
/* A thread that waits for the end of its call spins this long before it sleeps. */
static const u64 wait_spin_ns = 3 * NSEC_PER_USEC;
/* How long to sleep at most while a wire is full: about what a full ring takes to leave. */
static const s64 tx_retry_ns = NSEC_PER_MSEC;

struct vcpu {
	unsigned long token;
	struct task_struct *entering;	/* tasks that want in, last first */
	struct lkl_thread *waiter;	/* idle waiter */
	u32 heir_wanted;		/* the holder left tasks behind that can run */
	u32 guard_asleep;
	struct lkl_thread *home, *guard;
	wait_queue_head_t home_free;	/* [kernel] tasks that wait for the home thread */
	/* counters, written by who holds or takes the token */
	u64 enter_slow, give_back, stolen, sleeps;
	/* the guard's own */
	unsigned long seen_token;
	u32 seen_seq, idle_looks;
} ____cacheline_aligned;

static struct vcpu vcpus[NR_CPUS];
static bool stopping;
bool lkl_halting;
static bool lkl_dead;

DEFINE_PER_CPU(struct lkl_thread *, lkl_executor);

/* Host atomics: sequentially consistent, with a lock prefix whatever the kernel's own ones do on one vCPU. */
#define host_load(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define host_store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define host_xchg(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define host_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline bool host_cas(unsigned long *p, unsigned long old, unsigned long new)
{
	return __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static void __noreturn base_loop(void *arg);

/* ---- waking threads: any thread ---- */

/* NULL: one that has not begun to run yet, and will look by itself when it does. */
static void thread_wake(struct lkl_thread *thread)
{
	if (!thread)
		return;
	/*
	 * A full barrier: what the thread shall see is written; pairs with the one in base_loop(). And one that is just about
	 * to sleep, having looked at everything, finds the word changed.
	 */
	__atomic_fetch_add(&thread->futex, 1, __ATOMIC_SEQ_CST);
	switch (host_load(&thread->sleeping)) {
	case LKL_SLEEPS_THREAD:
		lkl_host->futex_wake(&thread->futex);
		break;
	case LKL_SLEEPS_VCPU:
		lkl_host->kick(thread);
		break;
	}
}

/* Something is to be done on the vCPU: get hold of someone who does it, if nobody is at it. */
static void vcpu_wake(struct vcpu *v)
{
	struct lkl_thread *waiter;
	unsigned long token;

	host_fence();
	token = host_load(&v->token);
	if (token == TOKEN_BUSY)
		return;
	waiter = host_load(&v->waiter);
	if (!waiter)
		waiter = host_load(&v->guard);
	thread_wake(waiter);
}

void lkl_raise(uint32_t cpu, uint32_t lines)
{
	__atomic_fetch_or(per_cpu_ptr(&lkl_irq_pending, cpu), lines, __ATOMIC_SEQ_CST);
	vcpu_wake(&vcpus[cpu]);
}

/* ---- holding a vCPU ---- */

static inline unsigned int vcpu_number(const struct vcpu *v)
{
	return v - vcpus;
}

static void become_executor(struct vcpu *v, struct lkl_thread *self)
{
	unsigned int cpu = vcpu_number(v);

	if (self->gs_base != __per_cpu_offset[cpu]) {
		lkl_host->set_gs_base(__per_cpu_offset[cpu]);
		self->gs_base = __per_cpu_offset[cpu];
	}
	barrier();
	raw_cpu_write_8(lkl_executor, self);
	self->vcpu = cpu;
	if (self->waits_on >= 0) {
		struct lkl_thread *waiter = self;

		/* Awake from now on, and nobody to be woken for the vCPU. */
		__atomic_compare_exchange_n(&vcpus[self->waits_on].waiter, &waiter, NULL, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED);
		self->waits_on = -1;
	}
	if (self->kind == LKL_THREAD_HOME) {
		self->revoked_self = 0;
		self->steal = 0;
	}
	v->heir_wanted = 0;
	if (unlikely(v->guard_asleep && v->guard != self)) {
		v->guard_asleep = 0;
		thread_wake(v->guard);
	}
}

/* [executor] Go on with the vCPU's current task, which nobody executed. */
static void __noreturn vcpu_resume(struct vcpu *v, enum to_kernel_stack why)
{
	struct task_struct *task = raw_cpu_read_8(current_task);

	lkl_resume_stack(task->thread.kernel_sp, why);
}

static bool idle_has_work(struct vcpu *v)
{
	unsigned int cpu = vcpu_number(v);
	struct task_struct *idle = per_cpu(current_task, cpu);

	return READ_ONCE(per_cpu(lkl_irq_pending, cpu)) || test_tsk_need_resched(idle) || lkl_net_rx_ready(cpu) ||
		lkl_tsc() >= per_cpu(lkl_timer_deadline, cpu);
}

static void __noreturn resume_user(struct lkl_thread *self);

/* Take the token, which was `token`, and go on as the executor. Returns if another thread was faster. */
static void vcpu_take(struct vcpu *v, struct lkl_thread *self, unsigned long token)
{
	if (!host_cas(&v->token, token, TOKEN_BUSY))
		return;
	if (unlikely(host_load(&self->resume_sp))) {
		/* The executor before us ended a call of ours: leave the vCPU to somebody else. */
		host_store(&v->token, token);
		vcpu_wake(v);
		resume_user(self);
	}
	become_executor(v, self);
	vcpu_resume(v, TASK_STOLEN);
}

/* Take the token if there is work that nobody is at. Returns only if not. */
static void take_if_work(struct vcpu *v, struct lkl_thread *self)
{
	unsigned long token = host_load(&v->token);
	bool is_heir = READ_ONCE(v->heir_wanted);

	if (token == TOKEN_BUSY) {
		if (!is_heir)
			return;
		/* The one who wanted an heir is in again. When it leaves it must see that nobody is on the way. */
		host_store(&v->heir_wanted, 0);
		token = host_load(&v->token);
		if (token == TOKEN_BUSY)
			return;
	}
	if (token == TOKEN_IDLE ? idle_has_work(v) :
				  is_heir || READ_ONCE(per_cpu(lkl_irq_pending, vcpu_number(v))))
		vcpu_take(v, self, token);
}

/* ---- waiting without a vCPU, on the base stack. No per-CPU data, no `current`, nothing of the kernel's services. ---- */

/* No longer the one who sleeps for the vCPU; somebody else has to if it is idle. */
static void waiter_resign(struct vcpu *v, struct lkl_thread *self)
{
	struct lkl_thread *expected = self;

	self->waits_on = -1;
	if (!__atomic_compare_exchange_n(&v->waiter, &expected, NULL, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	if (host_load(&v->token) != TOKEN_BUSY && host_load(&v->guard) != self)
		thread_wake(host_load(&v->guard));
}

/* The thread's call is over, or its task may start: go on in user code, without a vCPU. */
static void __noreturn resume_user(struct lkl_thread *self)
{
	unsigned long sp = self->resume_sp;

	self->task = self->resume_task;
	host_store(&self->resume_sp, 0);
	if (self->waits_on >= 0)
		waiter_resign(&vcpus[self->waits_on], self);
	self->revoked_self = 1;
	lkl_resume_stack(sp, 0);
}

static void idle_sleep(struct vcpu *v, struct lkl_thread *self)
{
	unsigned int cpu = vcpu_number(v);
	u64 now, deadline = per_cpu(lkl_timer_deadline, cpu);
	s64 timeout_ns = -1;

	if (deadline != U64_MAX) {
		now = lkl_tsc();
		timeout_ns = now < deadline ? lkl_tsc_to_ns(deadline - now) : 0;
	}
	if (unlikely(lkl_net_tx_stopped(cpu)) && (timeout_ns < 0 || timeout_ns > tx_retry_ns))
		timeout_ns = tx_retry_ns;
	v->sleeps++;
	lkl_host->idle_wait(self, cpu, timeout_ns);
}

/*
 * The home of the vCPU holds it and may have been in user code for long: take it. Returns if not; else the vCPU is the
 * guard's, with the home's task as current.
 */
static bool guard_steal(struct vcpu *v)
{
	struct lkl_thread *home = v->home;

	if (host_load(&home->revoked_self))
		return false;
	host_store(&home->steal, 1);
	host_store(&home->revoked_guard, 1);
	if (lkl_host->barrier_all() || (host_load(&home->seq) & 1) || host_load(&v->token) != TOKEN_BUSY ||
	    host_load(per_cpu_ptr(&lkl_executor, vcpu_number(v))) != home) {
		/* It came in, maybe after it saw `revoked`: then it waits for steal to change. */
		host_store(&home->revoked_guard, 0);
		host_store(&home->steal, 0);
		return false;
	}
	home->task = home->owner = per_cpu(current_task, vcpu_number(v));
	host_store(&home->revoked_self, 1);
	host_store(&home->revoked_guard, 0);
	host_store(&home->steal, 2);
	return true;
}

/* One look of the guard at its vCPU; returns how long it may sleep, -1 for ever. */
static s64 guard_look(struct vcpu *v, struct lkl_thread *self)
{
	unsigned long token = host_load(&v->token);
	struct lkl_thread *holder;
	u32 seq;

	if (token == TOKEN_IDLE) {
		if (!host_load(&v->waiter)) {
			self->waits_on = vcpu_number(v);
			self->spin_end = 0;
			host_store(&v->guard_asleep, 1);
			host_store(&v->waiter, self);
			return 0;
		}
		if (v->idle_looks++ < guard_idle_looks)
			return guard_home_ns;
		v->idle_looks = 0;
		host_store(&v->guard_asleep, 1);
		/* Taken in this very moment by someone who did not see that we are asleep? */
		return host_load(&v->token) == TOKEN_IDLE ? -1 : guard_home_ns;
	}
	v->idle_looks = 0;
	holder = token == TOKEN_BUSY ? host_load(per_cpu_ptr(&lkl_executor, vcpu_number(v))) : (void *)token;
	seq = host_load(&holder->seq);
	if (!(seq & 1) && v->seen_token == token && v->seen_seq == seq) {
		if (token == TOKEN_BUSY ? holder->kind == LKL_THREAD_HOME && guard_steal(v) :
					  host_cas(&v->token, token, TOKEN_BUSY)) {
			v->stolen++;
			become_executor(v, self);
			vcpu_resume(v, TASK_STOLEN);
		}
	}
	v->seen_token = token;
	v->seen_seq = seq;
	return token == TOKEN_BUSY ? guard_home_ns : guard_foreign_ns;
}

static void __noreturn base_loop(void *arg)
{
	struct lkl_thread *self = arg;
	struct vcpu *v;
	s64 timeout_ns;
	u32 futex;

	for (;;) {
		if (host_load(&self->resume_sp))
			resume_user(self);
		if (unlikely(READ_ONCE(stopping)) && self->kind != LKL_THREAD_FOREIGN)
			lkl_host->thread_quit(self);
		if (self->waits_on >= 0) {
			v = &vcpus[self->waits_on];
			take_if_work(v, self);
			/* While it spins it stays the one to take over, even if another has the vCPU meanwhile. */
			if (host_load(&v->waiter) == self && lkl_tsc() < self->spin_end) {
				rep_nop();
				continue;
			}
			if (host_load(&v->waiter) != self || host_load(&v->token) != TOKEN_IDLE) {
				waiter_resign(v, self);
				continue;
			}
			host_store(&self->sleeping, LKL_SLEEPS_VCPU);
			host_fence(); /* pairs with the one of thread_wake() */
			if (!host_load(&self->resume_sp) && host_load(&v->token) == TOKEN_IDLE && !idle_has_work(v) &&
			    !READ_ONCE(stopping))
				idle_sleep(v, self);
			host_store(&self->sleeping, LKL_AWAKE);
			continue;
		}
		timeout_ns = -1;
		futex = host_load(&self->futex);
		if (self->kind == LKL_THREAD_GUARD) {
			v = &vcpus[self->vcpu];
			take_if_work(v, self);
			timeout_ns = guard_look(v, self);
			if (!timeout_ns)
				continue;
		} else if (lkl_tsc() < self->spin_end) {
			rep_nop();
			continue;
		}
		host_store(&self->sleeping, LKL_SLEEPS_THREAD);
		host_fence();
		if (!host_load(&self->resume_sp) && !READ_ONCE(stopping))
			lkl_host->futex_wait(&self->futex, futex, timeout_ns);
		host_store(&self->sleeping, LKL_AWAKE);
	}
}

/* ---- idle: the executor gives the vCPU up until there is work ---- */

static void __noreturn idle_on_base(void *arg)
{
	struct lkl_thread *self = arg;
	struct vcpu *v = &vcpus[self->vcpu];

	self->waits_on = self->vcpu;
	if (self->kind == LKL_THREAD_GUARD)
		v->guard_asleep = 1; /* whoever takes the vCPU wakes it to its other duty */
	host_store(&v->waiter, self);
	host_store(&v->token, TOKEN_IDLE);
	base_loop(self);
}

/*
 * [idle task, interrupts disabled] Returns, maybe on another host thread, when there is something to do; the thread polls for it
 * until spin_end_tsc. False: there was something at once.
 */
bool lkl_vcpu_idle(u64 spin_end_tsc)
{
	struct lkl_thread *self = raw_cpu_read_8(lkl_executor);

	if (idle_has_work(&vcpus[self->vcpu]))
		return false;
	self->spin_end = spin_end_tsc;
	lkl_leave_stack(&current->thread.kernel_sp, self->base_sp, idle_on_base, self);
	return true;
}

/* ---- in ---- */

static struct vcpu *vcpu_choose(struct lkl_thread *self)
{
	unsigned int i, cpu = self->vcpu;

	if (self->kind == LKL_THREAD_FOREIGN)
		for (i = 0; i < nr_cpu_ids; i++, cpu = cpu + 1 < nr_cpu_ids ? cpu + 1 : 0)
			if (READ_ONCE(vcpus[cpu].token) == TOKEN_IDLE)
				return &vcpus[cpu];
	return &vcpus[self->vcpu];
}

static void __noreturn enter_on_base(void *arg)
{
	struct lkl_thread *self = arg;
	struct task_struct *task = self->task;
	struct vcpu *v = vcpu_choose(self);
	unsigned long token;
	void *owner = task;

	if (self->kind == LKL_THREAD_HOME) {
		self->task = NULL;
		/* Free, unless it is promised to another task already. */
		__atomic_compare_exchange_n(&self->owner, &owner, NULL, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	}
	task->thread.enter_next = READ_ONCE(v->entering);
	while (!__atomic_compare_exchange_n(&v->entering, &task->thread.enter_next, task, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED))
		;
	__atomic_fetch_or(per_cpu_ptr(&lkl_irq_pending, vcpu_number(v)), LKL_IRQ_ENTER, __ATOMIC_SEQ_CST);
	token = host_load(&v->token);
	if (token != TOKEN_BUSY)
		vcpu_take(v, self, token);
	vcpu_wake(v);
	self->spin_end = lkl_tsc() + lkl_ns_to_tsc(wait_spin_ns);
	base_loop(self);
}

/* Its seq says that the thread is in; set it back and refuse. */
static int enter_refuse(struct lkl_thread *self, int err)
{
	WRITE_ONCE(self->seq, self->seq - 1);
	return err;
}

/* [user code, no vCPU held] */
int lkl_enter_slow(struct lkl_thread **thread)
{
	struct lkl_thread *self = *thread;
	struct task_struct *task;
	int err;

	if (!self || self->generation != lkl_boot.generation) {
		if (!lkl_host)
			return -ESRCH;
		err = lkl_host->thread_register();
		if (err)
			return self ? enter_refuse(self, err) : err;
		*thread = self = lkl_self;
		WRITE_ONCE(self->seq, self->seq + 1);
	}
	/* A signal handler that came in the middle of a call. */
	if (!(self->seq & 1))
		return enter_refuse(self, -EDEADLK);
	if (self->kind == LKL_THREAD_FOREIGN) {
		struct vcpu *v = &vcpus[self->vcpu];

		if (likely(READ_ONCE(v->token) == (unsigned long)self &&
			   host_cas(&v->token, (unsigned long)self, TOKEN_BUSY))) {
			if (likely(!READ_ONCE(lkl_halting)))
				return 0;
			host_store(&v->token, (unsigned long)self);
		}
		/* Either this thread sees that the instance halts, or halt() (task.c) sees by seq that the thread is in. */
		host_fence();
		if (unlikely(READ_ONCE(lkl_halting)))
			return enter_refuse(self, lkl_dead ? -EIO : -ESRCH);
	} else {
		unsigned int turns = 0;

		while (host_load(&self->steal) == 1)
			if (!(++turns % LKL_SPINS_PER_YIELD))
				lkl_host->yield();
		if (unlikely(READ_ONCE(lkl_dead)))
			return enter_refuse(self, -EIO);
		if (!host_load(&self->revoked_self))
			return 0;
		if (unlikely(READ_ONCE(stopping)))
			lkl_host->thread_quit(self);
	}
	task = self->task;
	lkl_leave_stack(&task->thread.user_sp, self->base_sp, enter_on_base, self);
	return 0;
}

/* LKL_IRQ_ENTER, on the executor: tasks whose threads want in become runnable here. */
void lkl_enter_irq(void)
{
	struct vcpu *v = &vcpus[raw_smp_processor_id()];
	struct task_struct *task = host_xchg(&v->entering, NULL), *next;

	for (; task; task = next) {
		struct wait_queue_entry wake = { .private = task };

		v->enter_slow++;
		next = task->thread.enter_next;
		smp_store_release(&task->thread.entering, 1);
		default_wake_function(&wake, TASK_NORMAL, LKL_WAKE_HERE, NULL);
	}
	if (waitqueue_active(&v->home_free))
		wake_up(&v->home_free);
}

/* ---- out ---- */

/*
 * A foreign thread's call, or one that ends on the wrong thread, is over. Returns on the right thread, which goes on in
 * user code.
 */
void lkl_leave(struct lkl_thread *self)
{
	struct vcpu *v;
	bool others;

	for (;;) {
		if (raw_cpu_read_8(lkl_executor) != self) {
			/* self->task is on another stack then: `current` is the task, and the way back leads here. */
			lkl_switch_stack(&current->thread.user_sp, current->thread.kernel_sp, TASK_GIVE_BACK);
			return;
		}
		if (self->kind != LKL_THREAD_FOREIGN)
			return;
		v = &vcpus[self->vcpu];
		lkl_net_flush(self->vcpu);
		others = !single_task_running();
		host_store(&v->token, (unsigned long)self);
		if (likely(!READ_ONCE(per_cpu(lkl_irq_pending, vcpu_number(v))))) {
			if (others && !READ_ONCE(v->heir_wanted)) {
				host_store(&v->heir_wanted, 1);
				vcpu_wake(v);
			}
			return;
		}
		if (!host_cas(&v->token, (unsigned long)self, TOKEN_BUSY))
			return;
		lkl_exit_events();
		lkl_exit_work();
	}
}

static void thread_resume(struct lkl_thread *host, struct task_struct *task)
{
	host->resume_task = task;
	host_store(&host->resume_sp, task->thread.user_sp);
	thread_wake(host);
}

/* Give the end of the call, or the task's start, to the thread that runs its user code. */
static bool give_back(struct task_struct *task)
{
	struct lkl_thread *host = task->thread.host;
	struct vcpu *v = &vcpus[host->vcpu];

	if (host->kind == LKL_THREAD_HOME) {
		void *nobody = NULL;

		/* Other tasks may have the thread, or be promised it. */
		wait_event(v->home_free, raw_cpu_read_8(lkl_executor) == host ||
			   __atomic_compare_exchange_n(&host->owner, &nobody, task, false, __ATOMIC_SEQ_CST,
						       __ATOMIC_RELAXED) || (nobody = NULL, false));
		if (raw_cpu_read_8(lkl_executor) == host)
			return false;
	}
	vcpus[raw_smp_processor_id()].give_back++;
	thread_resume(host, task);
	return true;
}

static void wait_entering(struct task_struct *task)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (smp_load_acquire(&task->thread.entering))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	task->thread.entering = 0;
}

/*
 * The kernel-stack side of a task with user code, from its first moment to its last. `why` is TASK_GIVE_BACK for one whose
 * user stack is ready to run, TASK_STOLEN for one that will come in by itself.
 */
void lkl_user_loop(bool is_ready)
{
	enum to_kernel_stack why = is_ready ? TASK_GIVE_BACK : TASK_STOLEN;
	struct task_struct *task = current;

	for (;;) {
		switch (why) {
		case TASK_STOLEN:
			/* An interrupt from user mode: what waits is done first, and seen by RCU as such. */
			raw_cpu_write_4(lkl_at_boundary, 1);
			if (raw_cpu_read_4(lkl_irq_pending))
				lkl_irq_run();
			raw_cpu_write_4(lkl_at_boundary, 0);
			wait_entering(task);
			break;
		case TASK_GIVE_BACK:
			if (give_back(task))
				wait_entering(task);
			break;
		case TASK_ENDED:
			return;
		}
		/* It may have come in without a switch: the thief itself handled the interrupt that lets it in. */
		lkl_leave_update(task);
		why = lkl_switch_stack(&task->thread.kernel_sp, task->thread.user_sp, 0);
	}
}

/* [on the user stack, in the kernel] The task's user code has returned for good. */
void lkl_user_end(void)
{
	lkl_switch_stack(&current->thread.user_sp, current->thread.kernel_sp, TASK_ENDED);
}

/* [foreign thread's task, after its lkl_user_loop()] Its thread comes back from lkl_user_end(). */
void lkl_user_gone(void)
{
	thread_resume(current->thread.host, current);
}

void lkl_kernel_thread_exit(void)
{
	struct lkl_thread *self;

	if (!lkl_enter(&self))
		lkl_user_end();
}

/* ---- the end ---- */

/* [any thread] The kernel has crashed. Calls that are blocked stay so; new ones are refused. */
void lkl_kernel_dead(void)
{
	unsigned int cpu;

	lkl_dead = true;
	host_store(&lkl_halting, true);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		host_store(&vcpus[cpu].token, TOKEN_BUSY);
		if (vcpus[cpu].home)
			host_store(&vcpus[cpu].home->revoked_self, 1);
	}
}

static void __noreturn stop_on_base(void *arg)
{
	base_loop(arg);
}

/* [executor] LKL_IRQ_STOP, or the last act of pid 1: the vCPU runs no more. Its token stays BUSY for ever. */
void lkl_vcpu_stop(void)
{
	struct lkl_thread *self = raw_cpu_read_8(lkl_executor);

	lkl_leave_stack(&current->thread.kernel_sp, self->base_sp, stop_on_base, self);
}

/*
 * [task] No thread of the program is in the kernel any more: stop all vCPUs, this one last. One that nobody executes is
 * taken for good; the library's threads see `stopping` and end.
 */
void lkl_vcpus_stop(void)
{
	unsigned int cpu, self = get_cpu();

	WRITE_ONCE(stopping, true);
	for_each_online_cpu(cpu) {
		struct vcpu *v = &vcpus[cpu];
		unsigned long token = host_load(&v->token);

		if (cpu != self && (token == TOKEN_BUSY || !host_cas(&v->token, token, TOKEN_BUSY)))
			lkl_raise(cpu, LKL_IRQ_STOP);
		thread_wake(v->home);
		thread_wake(host_load(&v->guard));
	}
	lkl_vcpu_stop();
}

/* ---- counters ---- */

int lkl_kernel_stats(struct lkl_stats *stats)
{
	struct lkl_thread *self;
	struct sysinfo info;
	unsigned int cpu;
	int err = lkl_enter(&self);

	if (err)
		return err;
	si_meminfo(&info);
	*stats = (struct lkl_stats){
		.memory_bytes = info.totalram * PAGE_SIZE,
		.memory_free_bytes = info.freeram * PAGE_SIZE,
		.vcpus = num_online_cpus(),
		.tasks = nr_threads,
		.context_switches_total = nr_context_switches(),
	};
	for_each_online_cpu(cpu) {
		stats->enter_slow_total += vcpus[cpu].enter_slow;
		stats->give_back_total += vcpus[cpu].give_back;
		stats->stolen_total += vcpus[cpu].stolen;
		stats->sleeps_total += vcpus[cpu].sleeps;
	}
	return lkl_exit(self, 0);
}

/* ---- the library's own threads ---- */

void lkl_vcpu_init_boot(struct lkl_thread *self)
{
	self->seq = 1;
	vcpus[0].home = self;
	raw_cpu_write_8(lkl_executor, self);
}

void __init lkl_vcpus_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		init_waitqueue_head(&vcpus[cpu].home_free);
}

struct lkl_thread *lkl_vcpu_home(unsigned int cpu)
{
	return vcpus[cpu].home;
}

static long secondary_on_stack(void *arg)
{
	lkl_secondary_start();
	return 0;
}

void lkl_kernel_thread_main(struct lkl_thread *self)
{
	struct vcpu *v = &vcpus[self->vcpu];

	self->seq = 1;
	if (self->kind == LKL_THREAD_GUARD) {
		host_store(&v->guard, self);
		base_loop(self);
	}
	v->home = self;
	become_executor(v, self);
	lkl_call_on_stack((unsigned long)task_stack_page(raw_cpu_read_8(current_task)) + THREAD_SIZE - 64,
			  secondary_on_stack, NULL);
	BUG();
}
