// SPDX-License-Identifier: GPL-2.0-only
/*
 * worker.c - the process that relays
 *
 * worker_main() is the process: it starts the loop's thread, then waits for signals. The loop's thread goes into stack_ops.run(), which calls worker_loop() where the stack
 * wants it: on that thread (host), or as a task of the library's kernel (lkl). The shape is the
 * same for both, and the loop makes no host call that could block.
 *
 * worker_loop(): one epoll set, level of work bounded per turn:
 *
 *   wait ─▶ up to EVENTS_MAX events ─▶ sessions on the ready list ─▶ accept ─▶ timers ─▶ reap closed sessions ─▶ wait
 *
 * Stopping. The main thread raises worker.stop and notifies the loop. DRAIN: the listeners take
 * what waits in their backlog and close; sessions go on until they end, with their last bytes delivered, or
 * drain_timeout passes.
 * STOP: the sessions left are reset. Either way every session gets its log line, and the process
 * exits with 0.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"
#include "err.h"
#include "generation.h"
#include "limit.h"
#include "listener.h"
#include "pool.h"
#include "resolve.h"
#include "watch.h"
#include "worker.h"

#define EVENTS_MAX \
	256 /* of one epoll_wait(); 3 KiB, and a bound on how late the timers can be */

#define FDS_RESERVED \
	(64 + CONF_LISTENERS_MAX) /* listeners, log, epoll, notifiers, standard streams */

static uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts); /* vDSO: no host call */
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- the loop ---- */

uint64_t worker_random(struct worker *w)
{
	/* splitmix64 */
	uint64_t x = w->random += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

void worker_ready(struct worker *w, struct session *s)
{
	if (s->is_ready)
		return;
	s->is_ready = true;
	s->next_ready = NULL;
	*w->ready_tail = s;
	w->ready_tail = &s->next_ready;
}

static void worker_run_ready(struct worker *w)
{
	struct session *s = w->ready, *next;

	w->ready = NULL;
	w->ready_tail = &w->ready;
	for (; s; s = next) {
		next = s->next_ready;
		s->is_ready = false;
		if (s->state == SESSION_RELAYING)
			relay_run(w, s);
	}
}

static void worker_accept(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < w->n_listeners; i++)
		listener_accept(&w->listeners[i], w);
}

/* How long the loop may sleep. */
static int worker_timeout_ms(const struct worker *w)
{
	bool is_waiting = w->wheel.count || w->task_wheel.count || w->is_draining ||
			  w->retire_us || w->generation->next;
	unsigned int i;

	if (w->ready)
		return 0;
	for (i = 0; i < w->n_listeners; i++) {
		const struct listener *l = &w->listeners[i];

		if (!l->is_ready)
			continue;
		if (session_available(w) && listener_has_room(l) && w->now_us >= l->retry_us)
			return 0;
		is_waiting = true;
	}
	if (!is_waiting && w->sampler.due_us == UINT64_MAX)
		return -1;
	if (!is_waiting)
		return w->sampler.due_us <= w->now_us ? 0 : (w->sampler.due_us - w->now_us) / 1000 + 1;
	return (TIMER_TICK_US - w->now_us % TIMER_TICK_US) / 1000 + 1;
}

static void worker_event(struct worker *w, const struct epoll_event *ev)
{
	void *source = (void *)(uintptr_t)(ev->data.u64 & ((1ULL << EV_GEN_SHIFT) - 1) &
					   ~(uint64_t)EV_KIND_MASK);
	uint8_t gen = ev->data.u64 >> EV_GEN_SHIFT & EV_GEN_MASK;
	uint64_t value;

	switch ((enum ev_kind)(ev->data.u64 & EV_KIND_MASK)) {
	case EV_CLIENT:
		session_event(w, source, SIDE_DOWN, gen, ev->events);
		break;
	case EV_SERVER:
		session_event(w, source, SIDE_UP, gen, ev->events);
		break;
	case EV_LISTENER:
		((struct listener *)source)->is_ready = true;
		break;
	case EV_NOTIFIER:
		w->ops->read(
			w->notifier_fd, &value,
			sizeof(value)); /* clears it */
		w->is_notified = true;
		break;
	case EV_SOURCE:
		((struct event_source *)source)->fn(w, source, gen, ev->events);
		break;
	}
}

static void worker_session_timer(void *ctx, struct timer *t)
{
	session_timer(ctx, t);
}

static void worker_task_timer(void *ctx, struct timer *t)
{
	struct worker_timer *wt = (struct worker_timer *)((char *)t - offsetof(struct worker_timer, timer));

	wt->fn(ctx, wt);
}

/* After a change of the number of workers: how long a connection may take to get into our backlog. */
#define RETIRE_US 1000000

int worker_op_retire(struct worker *w, struct control_call *call)
{
	w->retire_us = w->now_us + RETIRE_US;
	return 0;
}

static void worker_begin_drain(struct worker *w, bool is_retired)
{
	unsigned int i;

	w->is_draining = true;
	w->counters->is_draining = 1;
	w->drain_deadline_us = is_retired ? UINT64_MAX :
		w->now_us + w->conf->worker.drain_timeout_ms * 1000ULL;
	for (i = 0; i < w->n_listeners; i++)
		listener_close(&w->listeners[i], w);
}

static _Atomic unsigned int n_others; /* loops beside the first one that are not over */

/*
 * The last session has ended when the stack took its last bytes. A stack that ends with the worker
 * must also have delivered them.
 */
static bool worker_is_drained(struct worker *w)
{
	if (w->now_us >= w->drain_deadline_us)
		return true;
	/* the first loop has metrics.stack_bind, which says "draining" until the last session of all has ended */
	if (!w->vcpu && atomic_load(&n_others))
		return false;
	if (w->n_sessions)
		return false;
	/* a retired worker has no deadline, but a peer that takes nothing must not keep it for ever */
	if (!w->empty_us)
		w->empty_us = w->now_us;
	return !w->ops->undelivered || w->ops->undelivered() <= 0 ||
	       w->now_us - w->empty_us >= w->conf->worker.drain_timeout_ms * 1000ULL;
}

static void worker_kill_sessions(struct worker *w)
{
	struct timer *t;

	/* every open session stands in the wheel */
	while ((t = timer_pop(&w->wheel)))
		session_close(
			w,
			(struct session *)((char *)t -
					   offsetof(struct session, timer)),
			LOG_CAUSE_KILLED);
}

static void worker_tell_main(struct worker *w)
{
	uint64_t one = 1;
	ssize_t r =
		write(w->main_fd, &one,
		      sizeof(one)); /* an eventfd with room: doesn't block */

	(void)r;
}

static void loop_events(struct worker *w, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int i, n = w->ops->epoll_wait(w->epoll_fd, events, EVENTS_MAX, timeout_ms);

	w->now_us = clock_us();
	for (i = 0; i < n; i++)
		worker_event(w, &events[i]);
}

static void loop_timers(struct worker *w)
{
	if (w->now_us / TIMER_TICK_US != w->wheel.tick)
		timer_run(&w->wheel, w->now_us, worker_session_timer, w);
	if (w->now_us / TIMER_TICK_US != w->task_wheel.tick)
		timer_run(&w->task_wheel, w->now_us, worker_task_timer, w);
}

/* Clients that come before the first answers would find no server: give those a bounded time. */
static void loop_wait_for_names(struct worker *w)
{
	uint64_t deadline_us = w->now_us + w->conf->resolver.start_wait_ms * 1000ULL;

	while (resolver_is_waiting(w) && w->now_us < deadline_us && atomic_load(&w->stop) == WORKER_RUN) {
		loop_events(w, TIMER_TICK_US / 1000);
		loop_timers(w);
		pools_reap(w);
	}
}

static void loop_serves(struct worker *w)
{
	if (!w->serves && w->ops->serve)
		w->ops->serve();
	w->serves = true;
}

static int loop_open(struct worker *w)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	const char *call = "epoll_create1";
	int handle = -1;
	int r;

	w->epoll_fd = r = w->ops->epoll_create1(EPOLL_CLOEXEC);
	if (r < 0)
		goto err;
	call = "notifier";
	w->notifier_fd = r = w->ops->notifier_open(&handle);
	if (r < 0)
		goto err;
	ev.data.u64 = worker_event_data(w, EV_NOTIFIER, 0);
	r = w->ops->epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->notifier_fd, &ev);
	if (r < 0)
		goto err;
	atomic_store(&w->notify_handle, handle);
	call = "pools";
	r = pools_reload(w, w->conf);
	if (r)
		goto err;
	if (resolver_is_waiting(w)) {
		loop_serves(w); /* their answers */
		loop_wait_for_names(w);
	}
	r = generation_prepare(w, w->conf, 0, w->err, sizeof(w->err));
	if (!r)
		r = generation_commit(w, w->err, sizeof(w->err));
	if (!r)
		r = watch_open(w, w->err, sizeof(w->err));
	if (!r)
		loop_serves(w);
	return r;
err:
	snprintf(w->err, sizeof(w->err), "%s: %s", call, strerror(-r));
	return r;
}

static void loop_close(struct worker *w)
{
	watch_close(w);
	while (w->socks.n)
		w->ops->close(sock_remove(&w->socks, &w->socks.socks[0]));
	if (w->notifier_fd >= 0)
		w->ops->close(w->notifier_fd);
	if (w->epoll_fd >= 0)
		w->ops->close(w->epoll_fd);
}

static int run_loop(struct worker *w)
{
	int stop = WORKER_RUN;
	int r;

	w->now_us = clock_us();
	timer_wheel_init(&w->wheel, w->now_us);
	timer_wheel_init(&w->task_wheel, w->now_us);
	sample_init(&w->sampler, w->ops, w->now_us);
	if (w->vcpu)
		w->sampler.due_us = UINT64_MAX; /* wire and stack are the instance's: its first loop counts them */
	r = loop_open(w);
	if (r)
		goto out;
	atomic_store(&w->is_accepting, true);
	worker_tell_main(w);

	for (;;) {
		loop_events(w, worker_timeout_ms(w));
		if (w->ready)
			worker_run_ready(w);
		worker_accept(w);
		loop_timers(w);
		if (w->pools_due)
			pools_run(w);
		if (w->now_us >= w->sampler.due_us)
			sample_take(&w->sampler, w->ops, &w->map->workers[w->index].stack, w->now_us);

		if (w->is_notified) {
			w->is_notified = false;
			stop = atomic_load(&w->stop);
			if (control_run(&w->control, w))
				worker_tell_main(w);
		}
		if (w->retire_us && w->now_us >= w->retire_us && !w->is_draining)
			worker_begin_drain(w, true);
		if (stop != WORKER_RUN && (!w->is_draining || w->retire_us)) {
			w->retire_us = 0;
			worker_begin_drain(w, false);
		}
		if (w->is_draining && (stop == WORKER_STOP || worker_is_drained(w)))
			break;
		if (w->closed)
			session_reap(w);
		if (w->servers_dead || w->pools_dead)
			pools_reap(w);
		if (w->generation->next)
			generation_reap(w);
	}
	worker_kill_sessions(w);
	session_reap(w);
	sample_take(&w->sampler, w->ops, &w->map->workers[w->index].stack, w->now_us);
	r = 0;
out:
	resolver_stop(w);
	pools_exit(w);
	loop_close(w);
	return r;
}

static int worker_loop(void *arg)
{
	struct worker *w = arg;

	w->ret = run_loop(w);
	atomic_store(&w->is_over, true);
	if (w->vcpu)
		atomic_fetch_sub(&n_others, 1);
	worker_tell_main(w);
	return w->ret;
}

struct loop_thread {
	struct worker *w;
	const struct worker_args *args;
	pthread_t thread;
	_Atomic bool is_done;
	bool is_said, is_closed; /* main: READY was said; the supervisor is gone */
	int ret;
};

static void *loop_thread(void *arg)
{
	struct loop_thread *lt = arg;

	pthread_setname_np(pthread_self(), "accd-loop");
	crash_thread();
	lt->ret = lt->w->ops->run(lt->args, worker_loop, lt->w, lt->w->err,
				  sizeof(lt->w->err));
	atomic_store(&lt->is_done, true);
	worker_tell_main(lt->w);
	return NULL;
}

/* ---- the process ---- */

/*
 * Two descriptors a session and some of our own. What the limit can't give is said now, not found
 * out under load.
 */
static uint32_t worker_max_sessions(const struct stack_ops *ops,
				    const struct conf *conf)
{
	uint32_t wanted = conf->worker.max_sessions, vcpus = conf->worker.vcpus;
	uint64_t limit = ops->fd_limit(vcpus * (2 * (uint64_t)wanted + FDS_RESERVED)) / vcpus;
	uint32_t possible =
		limit > FDS_RESERVED + 2 ? (limit - FDS_RESERVED) / 2 : 1;

	if (possible >= wanted)
		return wanted;
	msg("worker.max_sessions: the limit of %" PRIu64
	    " descriptors is enough for %u sessions, not for %u; going on with %u",
	    limit, possible, wanted, possible);
	return possible;
}

static int worker_init(struct worker *w, const struct stack_ops *ops,
		       const struct worker_args *args)
{
	const struct conf *conf = args->conf;
	int r;

	memset(w, 0, sizeof(*w));
	w->ops = ops;
	w->conf = conf;
	w->map = args->counters;
	w->index = args->index;
	w->vcpu = args->vcpu;
	w->vcpus = args->vcpus;
	w->local_ports = ops->local_ports ? ops->local_ports(args) : 0;
	w->counters = &w->map->workers[w->index].all;
	w->epoll_fd = w->notifier_fd = w->main_fd = -1;
	w->ready_tail = &w->ready;
	w->main_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->main_fd < 0)
		return -errno;
	w->counters->sessions_max = worker_max_sessions(ops, conf);
	r = session_slab_init(w, w->counters->sessions_max);
	w->sources = limit_sources_new(w->counters->sessions_max);
	if (!r && !w->sources)
		r = -ENOMEM;
	if (!r)
		r = resume_init(&w->resume, conf->worker.resume_paths, conf->worker.resume_lifetime_ms * 1000ULL);
	if (!r)
		r = relay_init(w);
	if (r)
		return r;
	w->log_ring = log_ring(args->logs, w->index);
	w->random = clock_us() ^ (uint64_t)getpid() << 32 ^ (uint64_t)w->vcpu << 24;
	return resolver_init(w);
}

static void worker_exit(struct worker *w)
{
	resolver_exit(w);
	generation_exit(w);
	limit_sources_free(w->sources);
	resume_exit(&w->resume);
	relay_exit(w);
	session_slab_exit(w);
	if (w->main_fd >= 0)
		close(w->main_fd);
}

/* Of all loops of the process. */
static void say_final(const struct loop_thread *lt, unsigned int n)
{
	struct counters sum = { 0 };
	uint64_t log_dropped_total = 0;
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		const struct counters *c = lt[i].w->counters;

#define ADD(m) sum.m += c->m;
		ADD(sessions_total) ADD(bytes_up_total) ADD(bytes_down_total) ADD(connect_errors_total)
		ADD(retries_total) ADD(accept_errors_total) ADD(accept_full_total) ADD(stalls_total)
#undef ADD
		for (j = 0; j < sizeof(sum.ends_total) / sizeof(sum.ends_total[0]); j++)
			sum.ends_total[j] += c->ends_total[j];
		log_dropped_total += lt[i].w->log ? log_dropped(lt[i].w->log) : 0;
	}
	msg("exit: sessions=%" PRIu64 " bytes_up=%" PRIu64
	    " bytes_down=%" PRIu64 " done=%" PRIu64 " client_errors=%" PRIu64
	    " server_errors=%" PRIu64 " timeouts=%" PRIu64
	    " proxy_errors=%" PRIu64 " killed=%" PRIu64
	    " connect_errors=%" PRIu64 " retries=%" PRIu64
	    " accept_errors=%" PRIu64 " accept_full=%" PRIu64 " stalls=%" PRIu64
	    " log_dropped=%" PRIu64,
	    sum.sessions_total, sum.bytes_up_total, sum.bytes_down_total,
	    sum.ends_total[LOG_CAUSE_DONE], sum.ends_total[LOG_CAUSE_CLIENT],
	    sum.ends_total[LOG_CAUSE_SERVER], sum.ends_total[LOG_CAUSE_TIMEOUT],
	    sum.ends_total[LOG_CAUSE_PROXY], sum.ends_total[LOG_CAUSE_KILLED],
	    sum.connect_errors_total, sum.retries_total, sum.accept_errors_total,
	    sum.accept_full_total, sum.stalls_total, log_dropped_total);
}

/* SIGTERM: drain; a second one, or any other of our signals: stop now. */
static void worker_signal(struct worker *w, int sig)
{
	int stop = atomic_load(&w->stop);
	int want = sig == SIGTERM && stop == WORKER_RUN ? WORKER_DRAIN :
							  WORKER_STOP;

	if (want <= stop)
		return;
	atomic_store(&w->stop, want);
	if (atomic_load(&w->is_accepting) && !atomic_load(&w->is_over))
		w->ops->notify(atomic_load(&w->notify_handle));
}

static void signal_loops(struct loop_thread *lt, unsigned int n, int sig)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		worker_signal(lt[i].w, sig);
}

/* What the loop has left for us: the first time, that it is there. */
static void loop_event(struct worker *w, bool *is_said)
{
	uint64_t value;

	if (read(w->main_fd, &value, sizeof(value)) < 0 || !atomic_load(&w->is_accepting))
		return;
	if (!*is_said) {
		*is_said = true;
		control_event(&w->control, CONTROL_EV_READY, w->ops->release());
		/* a signal that came before there was a notifier */
		if (atomic_load(&w->stop) != WORKER_RUN)
			w->ops->notify(atomic_load(&w->notify_handle));
	}
	if (control_send(&w->control))
		w->ops->notify(atomic_load(&w->notify_handle));
}

#define ORPHAN_US 5000000

/* Until all loops have ended. One that fails takes the others along: a worker is whole, or replaced. */
static void wait_for_loops(struct loop_thread *lt, unsigned int n, int signal_fd, pid_t supervisor)
{
	struct pollfd fds[1 + 2 * CONF_WORKERS_MAX] = { { .fd = signal_fd, .events = POLLIN } };
	struct signalfd_siginfo si;
	uint64_t deadline_us = 0;
	unsigned int i, n_done;

	for (;;) {
		for (i = n_done = 0; i < n; i++) {
			struct worker *w = lt[i].w;
			/* one request at a time, and none before there is a loop */
			bool may_ask = lt[i].is_said && !lt[i].is_closed && !atomic_load(&w->is_over) &&
				       atomic_load(&w->control.state) == CONTROL_IDLE;

			fds[1 + 2 * i] = (struct pollfd){ .fd = w->main_fd, .events = POLLIN };
			fds[2 + 2 * i] = (struct pollfd){ .fd = may_ask ? w->control.fd : -1, .events = POLLIN };
			n_done += atomic_load(&lt[i].is_done);
		}
		if (n_done == n)
			break;
		/* the supervisor is gone, nobody would kill us: end, whatever the loop does */
		if (getppid() != supervisor && !deadline_us)
			deadline_us = clock_us() + ORPHAN_US;
		if (deadline_us && clock_us() >= deadline_us)
			_exit(ACCD_EXIT_FAIL);
		if (poll(fds, 1 + 2 * n, deadline_us ? 100 : -1) < 0)
			continue;
		for (i = 0; i < n; i++) {
			struct worker *w = lt[i].w;

			if (fds[1 + 2 * i].revents)
				loop_event(w, &lt[i].is_said);
			if (fds[2 + 2 * i].revents && control_receive(&w->control, &lt[i].is_closed))
				w->ops->notify(atomic_load(&w->notify_handle));
			/* whoever asks it something hears that it has gone */
			if (atomic_load(&w->is_over) && w->ret >= 0 && !lt[i].is_closed && n > 1) {
				lt[i].is_closed = true;
				shutdown(w->control.fd, SHUT_RDWR);
			}
			if ((atomic_load(&w->is_over) && w->ret < 0) || (atomic_load(&lt[i].is_done) && lt[i].ret < 0))
				signal_loops(lt, n, SIGINT);
		}
		if (fds[0].revents && read(signal_fd, &si, sizeof(si)) == sizeof(si))
			signal_loops(lt, n, si.ssi_signo);
	}
}

/* 0 or -errno; then nothing runs. */
static int start_loops(struct loop_thread *lt, const struct stack_ops *ops, struct worker_args *args, unsigned int n)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < n && !r; i++) {
		/* the loop's event word needs its alignment, and it is large */
		lt[i].w = aligned_alloc(64, (sizeof(struct worker) + 63) & ~(size_t)63);
		lt[i].args = &args[i];
		r = lt[i].w ? worker_init(lt[i].w, ops, &args[i]) : -ENOMEM;
		if (r)
			break;
		control_worker_init(&lt[i].w->control, args[i].control_fd);
		if (args[i].socks)
			lt[i].w->socks = *args[i].socks;
	}
	n_others = n - 1;
	/* the loops and what they start inherit the mask: all signals belong to this thread */
	for (i = 0; i < n && !r; i++)
		r = -pthread_create(&lt[i].thread, NULL, loop_thread, &lt[i]);
	if (r && i > 1)
		_exit(ACCD_EXIT_FAIL); /* some run: there is no way to end them in order */
	return r;
}

int worker_main(const struct stack_ops *ops, struct worker_args *args, unsigned int n)
{
	static struct loop_thread lt[CONF_WORKERS_MAX];
	pid_t supervisor = getppid();
	static const int fatal[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				     SIGABRT, SIGTRAP, SIGSYS };
	struct control_worker channel;
	bool is_failed = false;
	sigset_t all, ours;
	unsigned int i;
	int signal_fd;
	int r;

	err_use_ring(log_ring(args->logs, args->index), supervisor);
	sigfillset(&all);
	for (i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigdelset(
			&all,
			fatal[i]); /* must end the process, and the supervisor says so */
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	signal_fd = signalfd(-1, &ours, SFD_CLOEXEC);
	r = signal_fd < 0 ? -errno : start_loops(lt, ops, args, n);
	if (r) {
		control_worker_init(&channel, args->control_fd);
		control_event(&channel, CONTROL_EV_FAILED, strerror(-r));
		return ACCD_EXIT_FAIL;
	}
	wait_for_loops(lt, n, signal_fd, supervisor);
	for (i = 0; i < n; i++) {
		struct worker *w = lt[i].w;

		pthread_join(lt[i].thread, NULL);
		if (lt[i].ret >= 0)
			continue;
		is_failed = true;
		if (!atomic_load(&w->is_accepting))
			control_event(&w->control, CONTROL_EV_FAILED, w->err[0] ? w->err : strerror(-lt[i].ret));
	}
	if (!is_failed)
		say_final(lt, n);
	close(signal_fd);
	for (i = 0; i < n; i++) {
		worker_exit(lt[i].w);
		free(lt[i].w);
	}
	return is_failed ? ACCD_EXIT_FAIL : 0;
}
