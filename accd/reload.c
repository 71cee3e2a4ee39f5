// SPDX-License-Identifier: GPL-2.0-only
/*
 * reload.c - a new configuration in all workers, or in none
 *
 *   parse ─▶ compare ─▶ bind (host stack) ─▶ PREPARE to all ─▶ listen, COMMIT to all ─▶ more or fewer workers
 *     │         │             │                   │ one refuses            │ one fails: killed, its successor
 *     └─────────┴─────────────┴───────────────────┴─▶ ABORT to all,        │ begins with the new configuration
 *                                                     the old one stays    ▼
 *
 * Everything that can fail does so before the first COMMIT. One reload at a time; each step has a
 * timeout (a worker that does not answer refuses). What cannot change while the daemon runs stands
 * in fixed_keys[]; a new file that changes one is refused with its name.
 *
 * More workers: their sockets are bound with the others, they start after the commit. Fewer: the
 * highest ones retire. A BPF program takes them out of the choice of new connections (host stack),
 * a second later they take what their backlog holds, close, and go on until their last session ends.
 * On the library's stack the wire does that (wire_packet_away()), and there are at most as many
 * workers as the wire got queues at the start (workers_max).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf.h"
#include "counters.h"
#include "err.h"
#include "listener.h"
#include "notify.h"
#include "socks.h"
#include "supervisor.h"

#define STEP_TIMEOUT_MS 10000

static const struct {
	const char *name;
	size_t offset, size;
} fixed_keys[] = {
#define FIXED(name, member) { name, offsetof(struct conf, member), sizeof(((struct conf *)0)->member) }
	FIXED("stack", stack),
	FIXED("wire.type", wire.type),
	FIXED("wire.interface", wire.interface),
	FIXED("wire.mode", wire.mode),
	FIXED("wire.offloads", wire.offloads),
	FIXED("wire.batch", wire.is_batched),
	FIXED("wire.options", wire.options),
	FIXED("wire.address", wire.address),
	FIXED("wire.gateway", wire.gateway),
	FIXED("wire.ephemeral", wire.ephemeral),
	FIXED("user", user),
	FIXED("worker.cpu", worker.cpu),
	FIXED("cpus", cpus),
	FIXED("workers_max", workers_max),
	FIXED("metrics.bind", metrics.bind),
	FIXED("metrics.rate", metrics.rate),
	FIXED("metrics.stack_bind", metrics.stack_bind),
	FIXED("metrics.allow", metrics.allow),
	FIXED("admin.bind", admin.bind),
	FIXED("admin.mode", admin.mode),
	FIXED("admin.owner", admin.owner),
	FIXED("worker.memory", worker.memory_bytes),
	FIXED("worker.spin", worker.spin_us),
	FIXED("worker.calls", worker.calls),
	FIXED("worker.vcpus", worker.vcpus),
	FIXED("worker.wire_thread", worker.has_wire_thread),
	FIXED("worker.max_sessions", worker.max_sessions),
	FIXED("worker.modules", worker.modules),
	FIXED("worker.resume_paths", worker.resume_paths),
	FIXED("worker.resume_lifetime", worker.resume_lifetime_ms),
#undef FIXED
};

struct reload {
	struct supervisor *sup;
	struct conf *next;
	int memfd;
	unsigned int n_workers; /* wanted */
	unsigned int n_waiting; /* answers */
	unsigned int next_sock[WORKERS_MAX]; /* of each one's, to be given to it */
	bool is_refused, is_committing;
	char text[4096]; /* what the asker gets */
	size_t text_len;
	supervisor_reload_fn fn;
	void *ctx;
};

static void __attribute__((format(printf, 2, 3))) say(struct reload *r, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	msg("reload: %s", line);
	n = snprintf(r->text + r->text_len, sizeof(r->text) - r->text_len, "%s\n", line);
	if (n > 0 && (size_t)n < sizeof(r->text) - r->text_len)
		r->text_len += n;
}

static void report(void *ctx, const char *line)
{
	say(ctx, "%s", line);
}

static bool is_fixed_kept(struct reload *r)
{
	const char *old = (const char *)r->sup->conf, *new = (const char *)r->next;
	bool is_kept = true;
	unsigned int i;

	for (i = 0; i < sizeof(fixed_keys) / sizeof(fixed_keys[0]); i++)
		if (memcmp(old + fixed_keys[i].offset, new + fixed_keys[i].offset,
			   fixed_keys[i].size)) {
			say(r, "%s: cannot change while accd runs; restart it, or put the old value back",
			    fixed_keys[i].name);
			is_kept = false;
		}
	return is_kept;
}

/* In share mode the stack has the ports that it took from the host at the start. */
static bool has_ports(struct reload *r)
{
	const struct conf *old = r->sup->conf, *new = r->next;
	bool has_all = true;
	unsigned int i, j;

	if (new->stack != CONF_STACK_LKL || new->wire.mode != CONF_WIRE_SHARE)
		return true;
	for (i = 0; i < new->n_listeners; i++) {
		for (j = 0; j < old->n_listeners; j++)
			if (addr_port(&new->listeners[i].bind) == addr_port(&old->listeners[j].bind))
				break;
		if (j < old->n_listeners)
			continue;
		say(r, "listener.%s.bind: port %u was not the stack's at the start, and wire.mode is share; restart accd",
		    new->listeners[i].name, addr_port(&new->listeners[i].bind));
		has_all = false;
	}
	return has_all;
}

/* ---- the supervisor's sockets (host stack) ---- */

/* The sockets that worker `index` lacks for `conf`, bound and not listening. */
static int socks_bind(struct supervisor *sup, const struct conf *conf, unsigned int index,
		      char *err, size_t err_len)
{
	struct sock_set *set = sup->procs[index].socks;
	char text[ADDR_TEXT_BYTES];
	const char *call;
	unsigned int i;
	int fd, r;

	if (!set)
		set = sup->procs[index].socks = calloc(1, sizeof(*set));
	if (!set) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	for (i = 0; i < conf->n_listeners; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (sock_find(set, &l->bind))
			continue;
		fd = r = listener_bind(sup->ops, l, true, &call);
		if (fd >= 0) {
			r = sock_add(set, &l->bind, fd, true);
			if (r)
				close(fd);
		}
		if (r < 0) {
			snprintf(err, err_len, "listener.%s.bind: %s %s: %s", l->name, call,
				 addr_format(&l->bind, text, sizeof(text)), strerror(-r));
			return r;
		}
	}
	return 0;
}

static void socks_drop_new(struct supervisor *sup)
{
	unsigned int i, j;

	for (i = 0; i < WORKERS_MAX; i++) {
		struct sock_set *set = sup->procs[i].socks;

		for (j = 0; set && j < set->n;)
			if (set->socks[j].is_new)
				close(sock_remove(set, &set->socks[j]));
			else
				j++;
	}
}

/* In the order of the workers: that is the order in which the BPF program knows them. */
static int socks_listen(struct supervisor *sup, const struct conf *conf, unsigned int workers,
			char *err, size_t err_len)
{
	char text[ADDR_TEXT_BYTES];
	unsigned int i, j;

	for (i = 0; i < workers; i++)
		for (j = 0; j < conf->n_listeners; j++) {
			const struct conf_listener *l = &conf->listeners[j];
			struct sock *s = sock_find(sup->procs[i].socks, &l->bind);

			if (listen(s->fd, l->backlog)) {
				snprintf(err, err_len, "listener.%s.bind: listen %s: %s", l->name,
					 addr_format(&l->bind, text, sizeof(text)), strerror(errno));
				return -errno;
			}
			s->is_new = false;
		}
	return 0;
}

/* Close those whose address is in the configuration no more. */
static void socks_drop_old(struct supervisor *sup, const struct conf *conf)
{
	unsigned int i, j, k;

	for (i = 0; i < WORKERS_MAX; i++) {
		struct sock_set *set = sup->procs[i].socks;

		for (j = 0; set && j < set->n;) {
			for (k = 0; k < conf->n_listeners; k++)
				if (addr_equal(&conf->listeners[k].bind, &set->socks[j].addr))
					break;
			if (k == conf->n_listeners)
				close(sock_remove(set, &set->socks[j]));
			else
				j++;
		}
	}
}

void supervisor_socks_close(struct worker_proc *p)
{
	while (p->socks && p->socks->n)
		close(sock_remove(p->socks, &p->socks->socks[0]));
	free(p->socks);
	p->socks = NULL;
}

int supervisor_socks_open(struct supervisor *sup, char *err, size_t err_len)
{
	unsigned int i;
	int r = 0;

	if (!sup->ops->listeners_inherited)
		return 0;
	for (i = 0; i < sup->n_workers && !r; i++)
		r = socks_bind(sup, sup->conf, i, err, err_len);
	if (!r)
		r = socks_listen(sup, sup->conf, sup->n_workers, err, err_len);
	return r;
}

/* New connections go to the first n workers' sockets. */
static void socks_steer(struct supervisor *sup, unsigned int n)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RXHASH),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_fprog prog = { .len = 3, .filter = code };
	const struct sock_set *set = sup->procs[0].socks;
	unsigned int i;

	for (i = 0; set && i < set->n; i++)
		if (setsockopt(set->socks[i].fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
			       sizeof(prog)))
			msg("reload: cannot steer new connections: %s", strerror(errno));
	sup->is_steered = true;
}

/* ---- steps ---- */

static void done(struct reload *r, int status)
{
	struct supervisor *sup = r->sup;

	sup->reload = NULL;
	if (status)
		sup->reloads_refused_total++;
	else
		sup->reloads_total++;
	msg(status ? "reload: refused; the configuration stays as it was" : "reload: done");
	notify_ready("reloaded");
	if (r->memfd >= 0)
		close(r->memfd);
	conf_free(r->next);
	if (r->fn)
		r->fn(r->ctx, status, r->text);
	free(r);
}

static void ignore(void *ctx, const struct control_answer *answer)
{
}

static bool takes_part(const struct reload *r, const struct worker_proc *p)
{
	return p->state == PROC_RUNNING && p->index < r->n_workers;
}

static void refuse(struct reload *r, int status)
{
	struct supervisor *sup = r->sup;
	unsigned int i;

	for (i = 0; i < sup->n_workers; i++)
		if (takes_part(r, &sup->procs[i]))
			control_ask(&sup->procs[i].peer, CONTROL_OP_ABORT, NULL, 0, -1,
				    STEP_TIMEOUT_MS, ignore, NULL);
	socks_drop_new(sup);
	counters_assign(sup->args.counters, sup->conf);
	done(r, status);
}

static void change_workers(struct reload *r)
{
	struct supervisor *sup = r->sup;
	unsigned int i, old = sup->n_workers;

	if (sup->ops->listeners_inherited && (r->n_workers < old || sup->is_steered))
		socks_steer(sup, r->n_workers);
	sup->n_workers = r->n_workers;
	for (i = r->n_workers; i < old; i++)
		worker_retire(&sup->procs[i]);
	if (r->n_workers > old && workers_start(sup))
		say(r, "not all of the new workers could be started; trying again");
}

static void committed(struct reload *r)
{
	struct supervisor *sup = r->sup;

	unsigned int i;

	socks_drop_old(sup, sup->conf);
	for (i = 0; i < r->n_workers && i < sup->n_workers; i++)
		if (sup->procs[i].state == PROC_GIVEN_UP) {
			sup->procs[i].state = PROC_NONE;
			sup->procs[i].strikes = 0;
		}
	if (r->n_workers == sup->n_workers && workers_start(sup))
		say(r, "a worker that was given up cannot be started");
	if (r->n_workers != sup->n_workers)
		change_workers(r);
	done(r, 0);
}

static void on_commit(void *ctx, const struct control_answer *answer)
{
	struct reload *r = ctx;
	struct worker_proc *p = &r->sup->procs[answer->worker];

	if (!answer->is_last)
		return;
	if (answer->status && answer->status != -EPIPE) {
		say(r, "worker %d: %.*s (%s): replaced", answer->worker, (int)answer->len,
		    answer->data, strerror(-answer->status));
		if (p->pid > 0)
			kill(p->pid, SIGKILL);
	}
	if (!--r->n_waiting)
		committed(r);
}

static void commit(struct reload *r)
{
	struct supervisor *sup = r->sup;
	char err[512] = "";
	unsigned int i;

	if (sup->ops->listeners_inherited) {
		int ret = socks_listen(sup, r->next, r->n_workers > sup->n_workers ?
				       r->n_workers : sup->n_workers, err, sizeof(err));

		if (ret) {
			say(r, "%s", err);
			refuse(r, ret);
			return;
		}
	}
	supervisor_conf_set(sup, r->next);
	r->next = NULL;
	r->n_waiting = 1;
	for (i = 0; i < sup->n_workers; i++) {
		struct worker_proc *p = &sup->procs[i];

		if (!takes_part(r, p) || p->conf_serial == sup->conf_serial)
			continue;
		p->conf_serial = sup->conf_serial;
		if (!control_ask(&p->peer, CONTROL_OP_COMMIT, NULL, 0, -1, STEP_TIMEOUT_MS,
				 on_commit, r))
			r->n_waiting++;
		else
			kill(p->pid, SIGKILL);
	}
	if (!--r->n_waiting)
		committed(r);
}

static void prepared(struct reload *r)
{
	if (--r->n_waiting)
		return;
	if (r->is_refused)
		refuse(r, -EINVAL);
	else
		commit(r);
}

static void on_prepare(void *ctx, const struct control_answer *answer)
{
	struct reload *r = ctx;

	if (!answer->is_last)
		return;
	if (answer->status && answer->status != -EPIPE) { /* EPIPE: its successor takes the new one */
		say(r, "worker %d: %.*s%s%s", answer->worker, (int)answer->len, answer->data,
		    answer->len ? ": " : "", strerror(-answer->status));
		r->is_refused = true;
	}
	prepared(r);
}

static void prepare_next(struct reload *r, struct worker_proc *p);

static void on_socket(void *ctx, const struct control_answer *answer)
{
	struct reload *r = ctx;

	if (!answer->is_last)
		return;
	if (answer->status)
		on_prepare(r, answer);
	else
		prepare_next(r, &r->sup->procs[answer->worker]);
}

/* The sockets that are new, one after the other, however many, then the configuration. */
static void prepare_next(struct reload *r, struct worker_proc *p)
{
	const struct sock_set *set = p->socks;
	unsigned int *i = &r->next_sock[p->index];
	int ret;

	while (set && *i < set->n && !set->socks[*i].is_new)
		++*i;
	if (set && *i < set->n) {
		const struct sock *s = &set->socks[(*i)++];

		ret = control_ask(&p->peer, CONTROL_OP_SOCKET, &s->addr, sizeof(s->addr), s->fd,
				  STEP_TIMEOUT_MS, on_socket, r);
	} else {
		ret = control_ask(&p->peer, CONTROL_OP_PREPARE, NULL, 0, r->memfd, STEP_TIMEOUT_MS,
				  on_prepare, r);
	}
	if (!ret)
		return;
	if (ret != -EPIPE) { /* EPIPE: its successor takes the new one */
		say(r, "worker %u takes no request: %s", p->index, strerror(-ret));
		r->is_refused = true;
	}
	prepared(r);
}

static int memfd_make(const struct conf *conf)
{
	int fd = memfd_create("accd.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (write(fd, conf, sizeof(*conf)) != sizeof(*conf) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) {
		int ret = errno ? -errno : -ENOSPC;

		close(fd);
		return ret;
	}
	return fd;
}

static int check(struct reload *r)
{
	struct supervisor *sup = r->sup;
	char err[512] = "";
	unsigned int i;
	int ret;

	if (!is_fixed_kept(r) || !has_ports(r))
		return -EINVAL;
	r->n_workers = supervisor_workers_wanted(r->next);
	if (r->n_workers > sup->args.queues && !sup->ops->listeners_inherited) {
		say(r, "workers: at most %u without a restart, as workers_max said at the start",
		    sup->args.queues / sup->vcpus);
		return -EINVAL;
	}
	if (r->n_workers > sup->workers_max) {
		say(r, "workers: at most %u without a restart", sup->workers_max / sup->vcpus);
		return -EINVAL;
	}
	for (i = sup->n_workers; i < r->n_workers; i++)
		if (sup->procs[i].state != PROC_NONE) {
			say(r, "workers: worker %u of an earlier reload still has sessions; try again when it has ended",
			    i);
			return -EBUSY;
		}
	if (sup->ops->listeners_inherited)
		for (i = 0; i < r->n_workers || i < sup->n_workers; i++) {
			ret = socks_bind(sup, r->next, i, err, sizeof(err));
			if (ret) {
				say(r, "%s", err);
				return ret;
			}
		}
	return 0;
}

void supervisor_reload(struct supervisor *sup, supervisor_reload_fn fn, void *ctx)
{
	struct reload *r = calloc(1, sizeof(*r));
	int mistakes = 0;
	unsigned int i;
	int ret = -EINVAL;

	if (!r || sup->reload || sup->phase != PHASE_SERVING) {
		const char *why = !r ? "out of memory" : sup->reload ? "one is under way" :
				  "accd is starting or ending";

		msg("reload: refused: %s", why);
		free(r);
		sup->reloads_refused_total++;
		if (fn)
			fn(ctx, -EBUSY, why);
		return;
	}
	sup->reload = r;
	r->sup = sup;
	r->fn = fn;
	r->ctx = ctx;
	r->memfd = -1;
	notify_reloading();
	r->next = conf_load(sup->conf_path, sup->stack_override, report, r, &mistakes);
	if (!r->next) {
		if (mistakes)
			say(r, "configuration %s: %d mistake%s", sup->conf_path, mistakes,
			    mistakes == 1 ? "" : "s");
		goto refused;
	}
	ret = check(r);
	if (ret)
		goto refused;
	ret = r->memfd = memfd_make(r->next);
	if (ret < 0) {
		say(r, "memfd: %s", strerror(-ret));
		goto refused;
	}
	counters_assign(sup->args.counters, r->next);
	r->n_waiting = 1;
	for (i = 0; i < sup->n_workers; i++) {
		struct worker_proc *p = &sup->procs[i];

		if (!takes_part(r, p))
			continue;
		r->n_waiting++;
		prepare_next(r, p);
	}
	prepared(r);
	return;
refused:
	socks_drop_new(sup);
	done(r, ret);
}
