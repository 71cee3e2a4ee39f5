// SPDX-License-Identifier: GPL-2.0-only
/*
 * admin.c - the admin socket, in the supervisor
 *
 * Everything is bounded: ADMIN_CONNS_MAX connections, a line of ADMIN_LINE_BYTES, a time to send it
 * and to take the answer, an answer of ADMIN_OUT_MAX bytes that waits to be taken. Sessions are
 * streamed: a worker is asked for the next ones when the reader has taken those before, a chunk at
 * a time, between two batches of the worker's loop.
 *
 * What a worker knows is asked over its control channel; a worker that does not answer within
 * ADMIN_ASK_MS is named in the answer. The connection may be gone when the answer comes: the ticket
 * (struct ask) says whose it was.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "admin_parse.h"
#include "admin.h"
#include "counters.h"
#include "err.h"
#include "log.h"
#include "metrics.h"
#include "modules.h"
#include "services.h"
#include "text.h"

#define ADMIN_CONNS_MAX 8
#define ADMIN_LINE_MS 10000 /* for the command */
#define ADMIN_TAKE_MS 60000 /* without a byte of the answer taken */
#define ADMIN_ASK_MS 5000
#define ADMIN_OUT_MAX (16 << 20)
#define ADMIN_STREAM_BYTES (64 * 1024) /* less than this waits: ask for more */
#define ADMIN_CHUNK_SESSIONS 32

struct admin_conn {
	struct admin *admin;
	bool is_used;
	bool is_ending; /* closes when the answer is taken */
	uint64_t serial; /* of the use of this place */
	int fd;
	struct evloop_fd src;
	struct evloop_timer timer;
	char in[ADMIN_LINE_BYTES + 1];
	size_t in_len;
	char *out;
	size_t out_len, out_done, out_size;

	struct admin_command cmd;
	unsigned int worker; /* sessions: which is being asked */
	uint32_t cursor, left;
	bool is_asking;
	unsigned int n_waiting, n_done; /* answers; those that were good */
	char error[512]; /* the first that was not */
};

struct admin {
	struct supervisor *sup;
	int fd;
	struct evloop_fd src;
	uint64_t serial;
	struct admin_conn conns[ADMIN_CONNS_MAX];
};

/* Whose answer it is. */
struct ask {
	struct admin_conn *conn;
	uint64_t serial;
};

static void conn_event(void *ctx, uint32_t events);
static void sessions_next(struct admin_conn *c);

/* ---- output ---- */

static void conn_close(struct admin_conn *c)
{
	evloop_remove(&c->admin->sup->loop, &c->src);
	evloop_timer_stop(&c->admin->sup->loop, &c->timer);
	close(c->fd);
	free(c->out);
	c->out = NULL;
	c->is_used = false;
}

static void conn_late(void *ctx)
{
	conn_close(ctx);
}

static void put(struct admin_conn *c, const char *data, size_t len)
{
	size_t size = c->out_size ? c->out_size : 16384;
	char *out;

	if (c->out_done == c->out_len)
		c->out_done = c->out_len = 0;
	while (c->out_len + len + 1 > size)
		size *= 2;
	if (size > ADMIN_OUT_MAX)
		return; /* the reader finds no status at the end */
	if (size != c->out_size) {
		out = realloc(c->out, size);
		if (!out)
			return;
		c->out = out;
		c->out_size = size;
	}
	memcpy(c->out + c->out_len, data, len);
	c->out_len += len;
	c->out[c->out_len++] = '\n';
}

/* Takes the object. */
static void put_json(struct admin_conn *c, json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	if (text)
		put(c, text, strlen(text));
	free(text);
	json_decref(o);
}

static void begin(struct admin_conn *c, const char *result)
{
	put_json(c, json_pack("{s:s,s:s}", "accd", ACCD_VERSION, "result", result));
}

static void conn_push(struct admin_conn *c);

static void end(struct admin_conn *c, const char *status, const char *error)
{
	if (error)
		put_json(c, json_pack("{s:s,s:s}", "status", status, "error", error));
	else
		put_json(c, json_pack("{s:s}", "status", status));
	c->is_ending = true;
	conn_push(c);
}

static void set_int(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer(value));
}

static void set_text(json_t *o, const char *key, const char *value)
{
	char clean[512];
	struct text t;

	text_init(&t, clean, sizeof(clean));
	text_add_plain(&t, value, sizeof(clean), false);
	json_object_set_new(o, key, json_string(clean));
}

static void set_time(json_t *o, const char *key, int64_t at_us)
{
	char buf[32];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	log_format_time(&t, at_us);
	json_object_set_new(o, key, json_string(buf));
}

static int64_t wall_offset_us(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000 - (int64_t)evloop_now_us();
}

/* ---- asking workers ---- */

static struct admin_conn *ask_conn(struct ask *ask, const struct control_answer *a)
{
	struct admin_conn *c = ask->conn;

	if (!c->is_used || c->serial != ask->serial)
		c = NULL;
	if (a->is_last)
		free(ask);
	return c;
}

static int ask_worker(struct admin_conn *c, unsigned int worker, enum control_op op, const void *req,
		      uint32_t len, control_answer_fn fn)
{
	struct ask *ask = malloc(sizeof(*ask));
	int r;

	if (!ask)
		return -ENOMEM;
	ask->conn = c;
	ask->serial = c->serial;
	r = control_ask(&c->admin->sup->procs[worker].peer, op, req, len, -1, ADMIN_ASK_MS, fn, ask);
	if (r)
		free(ask);
	return r;
}

static bool can_ask(const struct supervisor *sup, unsigned int worker)
{
	const struct worker_proc *p = &sup->procs[worker];

	return p->pid && (p->state == PROC_RUNNING || p->state == PROC_ENDING);
}

static void answer_failed(struct admin_conn *c, const struct control_answer *a)
{
	if (!c->error[0] && c->cmd.op == ADMIN_SET_SESSION && a->status == -ESRCH)
		snprintf(c->error, sizeof(c->error), "congestion control \"%s\": the stack has none of this name",
			 c->cmd.congestion_control);
	else if (!c->error[0] && (c->cmd.op == ADMIN_KILL_SESSION || c->cmd.op == ADMIN_SET_SESSION) && a->status == -ENOENT)
		snprintf(c->error, sizeof(c->error), "no such session: it may have ended; show sessions lists them");
	else if (!c->error[0])
		snprintf(c->error, sizeof(c->error), "worker %d: %.*s%s%s", a->worker,
			 a->len < 300 ? (int)a->len : 300, a->data ? a->data : "", a->len ? ": " : "",
			 strerror(-a->status));
}

/* Ask all that can be asked. False: none could, and the command has been answered. */
static bool ask_all(struct admin_conn *c, enum control_op op, const void *req, uint32_t len,
		    control_answer_fn fn)
{
	struct supervisor *sup = c->admin->sup;
	unsigned int i;

	for (i = 0; i < WORKERS_MAX; i++)
		/* the loops of a worker share what is reported */
		if ((op != CONTROL_OP_REPORT || i % sup->vcpus == 0) && can_ask(sup, i) && !ask_worker(c, i, op, req, len, fn))
			c->n_waiting++;
	if (c->n_waiting)
		return true;
	end(c, "error", "no worker answers at the moment");
	return false;
}

/* ---- show sessions ---- */

static void on_sessions(void *ctx, const struct control_answer *a)
{
	struct admin_conn *c = ask_conn(ctx, a);
	const struct admin_sessions_ans *ans = (const void *)a->data;
	struct log_record rec;
	char line[LOG_LINE_BYTES];
	struct text t;
	uint32_t i;

	if (!c)
		return;
	c->is_asking = false;
	if (a->status || a->len < sizeof(*ans) || ans->n > ADMIN_CHUNK_SESSIONS ||
	    a->len < sizeof(*ans) + ans->n * sizeof(rec)) {
		answer_failed(c, a);
		c->worker++;
		c->cursor = 0;
		sessions_next(c);
		return;
	}
	for (i = 0; i < ans->n && c->left; i++, c->left--) {
		memcpy(&rec, a->data + sizeof(*ans) + i * sizeof(rec), sizeof(rec));
		text_init(&t, line, sizeof(line));
		log_format_json(&t, &rec, wall_offset_us());
		put(c, line, t.len);
	}
	c->cursor = ans->cursor;
	if (c->cursor == UINT32_MAX) {
		c->worker++;
		c->cursor = 0;
	}
	conn_push(c);
}

/* Ask for the next ones, if the reader has taken what there was. */
static void sessions_next(struct admin_conn *c)
{
	struct admin_sessions_req req = { .max = ADMIN_CHUNK_SESSIONS, .filter = c->cmd.filter };

	if (c->is_asking || c->is_ending || c->out_len - c->out_done >= ADMIN_STREAM_BYTES)
		return;
	if (c->left < req.max)
		req.max = c->left;
	while (c->left && c->worker < WORKERS_MAX) {
		req.cursor = c->cursor;
		if (can_ask(c->admin->sup, c->worker) &&
		    !ask_worker(c, c->worker, CONTROL_OP_SESSIONS, &req, sizeof(req), on_sessions)) {
			c->is_asking = true;
			return;
		}
		c->worker++;
		c->cursor = 0;
	}
	if (c->error[0])
		end(c, "error", c->error);
	else
		end(c, "ok", NULL);
}

/* ---- show info, stat, servers ---- */

static const char *const state_names[] = {
	[PROC_NONE] = "none",	  [PROC_STARTING] = "starting", [PROC_RUNNING] = "running",
	[PROC_ENDING] = "ending", [PROC_WAITING] = "waiting",	[PROC_GIVEN_UP] = "given up",
};
static const char *const phase_names[] = { "starting", "serving", "draining", "stopping" };

static void show_info(struct admin_conn *c)
{
	struct supervisor *sup = c->admin->sup;
	const struct counters_map *map = sup->args.counters;
	json_t *o = json_object(), *workers = json_array();
	uint64_t now_us = evloop_now_us();
	unsigned int i;

	set_text(o, "version", ACCD_VERSION);
	set_text(o, "stack", sup->ops->name);
	set_text(o, "kernel", sup->release);
	set_text(o, "state", phase_names[sup->phase]);
	set_int(o, "pid", sup->pid);
	set_text(o, "configuration", sup->conf_path);
	set_int(o, "configuration_serial", sup->conf_serial);
	set_time(o, "started", (int64_t)map->supervisor.start_time_seconds * 1000000);
	set_int(o, "listeners", sup->conf->n_listeners);
	set_int(o, "pools", sup->conf->n_pools);
#define ADD(m, ...) set_int(o, #m, map->supervisor.m);
	COUNTERS_SUPERVISOR(ADD)
#undef ADD
	for (i = 0; i < WORKERS_MAX; i++) {
		const struct worker_proc *p = &sup->procs[i];
		const struct counters *all;
		json_t *w;

		if (!p->pid && p->state == PROC_NONE)
			continue;
		w = json_object();
		set_int(w, "worker", i);
		set_text(w, "state", state_names[p->state]);
		set_int(w, "pid", p->pid);
		set_int(w, "deaths", p->deaths_total);
		set_int(w, "up_sec", p->ready_us && p->pid ? (now_us - p->ready_us) / 1000000 : 0);
		if (i < map->n_workers) {
			all = &map->workers[i].all;
#define ADD(m, ...) set_int(w, #m, counters_read(&all->m));
			COUNTERS_WORKER_GAUGES(ADD)
			COUNTERS_WORKER(ADD)
#undef ADD
		}
		json_array_append_new(workers, w);
	}
	json_object_set_new(o, "workers", workers);
	begin(c, "object");
	put_json(c, o);
	end(c, "ok", NULL);
}

#define SUM(kind, slot, m) \
	counters_sum_##kind(map, slot, offsetof(struct counters_##kind, m))

static void add_listener(json_t *o, const struct counters_map *map, unsigned int i)
{
#define ADD(m, ...) set_int(o, #m, SUM(listener, i, m));
	COUNTERS_LISTENER_GAUGES(ADD)
	COUNTERS_LISTENER(ADD)
#undef ADD
}

static void add_pool(json_t *o, const struct counters_map *map, unsigned int i)
{
#define ADD(m, ...) set_int(o, #m, SUM(pool, i, m));
	COUNTERS_POOL_GAUGES(ADD)
	COUNTERS_POOL(ADD)
#undef ADD
}

static void add_server(json_t *o, const struct counters_map *map, unsigned int i)
{
#define ADD(m, ...) set_int(o, #m, SUM(server, i, m));
	COUNTERS_SERVER_GAUGES(ADD)
	COUNTERS_SERVER(ADD)
#undef ADD
}

static void show_cc(struct admin_conn *c, const struct counters_map *map)
{
	char cc[COUNTERS_CC_NAME_BYTES + 1], name[sizeof(cc) + 8];
	unsigned int i, side;
	json_t *o;

	for (i = 0; counters_cc_name(map, i, cc); i++)
		for (side = 0; side < 2; side++) {
			snprintf(name, sizeof(name), "%s/%s", cc, side ? "server" : "client");
			o = json_object();
			set_text(o, "kind", "cc");
			set_text(o, "name", name);
#define ADD(m, ...) set_int(o, #m, counters_sum_cc(map, cc, side, offsetof(struct counters_cc_side, m)));
			COUNTERS_CC_GAUGES(ADD)
			COUNTERS_CC(ADD)
#undef ADD
			put_json(c, o);
		}
}

static void show_stat(struct admin_conn *c)
{
	const struct counters_map *map = c->admin->sup->args.counters;
	const struct {
		const char *kind;
		const struct counters_slot *slots;
		unsigned int len;
		void (*add)(json_t *o, const struct counters_map *map, unsigned int i);
	} kinds[] = {
		{ "listener", map->listeners, COUNTERS_LISTENERS_MAX, add_listener },
		{ "pool", map->pools, COUNTERS_POOLS_MAX, add_pool },
		{ "server", map->servers, COUNTERS_SERVERS_MAX, add_server },
	};
	char name[2 * CONF_NAME_BYTES + 1];
	unsigned int k, i;
	json_t *o;

	begin(c, "list");
	for (k = 0; k < 3; k++) {
		for (i = 1; i < kinds[k].len; i++) {
			const struct counters_slot *slot = &kinds[k].slots[i];

			if (slot->state == COUNTERS_SLOT_FREE)
				continue;
			snprintf(name, sizeof(name), "%s%s%s", slot->pool, slot->pool[0] ? "/" : "",
				 slot->name);
			o = json_object();
			set_text(o, "kind", kinds[k].kind);
			set_text(o, "name", name);
			kinds[k].add(o, map, i);
			put_json(c, o);
		}
	}
	show_cc(c, map);
	end(c, "ok", NULL);
}

static void put_lines(struct admin_conn *c, const char *text, size_t len)
{
	const char *p, *nl;

	for (p = text; p < text + len; p = nl + 1) {
		nl = memchr(p, '\n', text + len - p);
		if (!nl)
			break;
		put(c, p, nl - p);
	}
}

/* Lines of JSON, as admin_op_servers() writes a worker's servers; a chunk holds whole ones. */
static void on_lines(void *ctx, const struct control_answer *a)
{
	struct admin_conn *c = ask_conn(ctx, a);

	if (!c)
		return;
	if (!a->status)
		put_lines(c, a->data, a->len);
	if (a->is_last) {
		if (a->status)
			answer_failed(c, a);
		if (!--c->n_waiting) {
			end(c, c->error[0] ? "error" : "ok", c->error[0] ? c->error : NULL);
			return;
		}
	}
	conn_push(c);
}

static void show_servers(struct admin_conn *c)
{
	begin(c, "list");
	ask_all(c, CONTROL_OP_SERVERS, c->cmd.pool, sizeof(c->cmd.pool), on_lines);
}

/* ---- show stack, show wires ---- */

/*
 * The format of /proc/net/snmp and netstat: a line of names, then one of values, both behind
 * "Tcp:". Also "NAME VALUE" lines, as the wires' report has them.
 */
static void add_report(json_t *o, char *text)
{
	char *line, *save = NULL, *names = NULL, *name, *value, *save_n, *save_v, key[96];

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':');

		if (!colon) {
			value = strchr(line, ' ');
			if (!value)
				continue;
			*value++ = '\0';
			if (strspn(value, "-0123456789") == strlen(value))
				json_object_set_new(o, line, json_integer(strtoll(value, NULL, 10)));
			else
				set_text(o, line, value);
			continue;
		}
		if (!names || strncmp(names, line, colon - line + 1)) {
			names = line;
			continue;
		}
		*colon = '\0';
		names[colon - line] = '\0';
		name = strtok_r(names + (colon - line) + 1, " ", &save_n);
		value = strtok_r(colon + 1, " ", &save_v);
		for (; name && value; name = strtok_r(NULL, " ", &save_n), value = strtok_r(NULL, " ", &save_v)) {
			snprintf(key, sizeof(key), "%s.%s", line, name);
			json_object_set_new(o, key, json_integer(strtoll(value, NULL, 10)));
		}
		names = NULL;
	}
}

static void put_report(struct admin_conn *c, int worker, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	json_t *o = json_object();

	if (worker >= 0)
		set_int(o, "worker", worker);
	else
		set_text(o, "stack", "host");
	if (copy)
		add_report(o, copy);
	free(copy);
	put_json(c, o);
}

static void on_report(void *ctx, const struct control_answer *a)
{
	struct admin_conn *c = ask_conn(ctx, a);

	if (!c)
		return;
	if (a->status)
		answer_failed(c, a);
	else if (a->len)
		put_report(c, a->worker, a->data, a->len);
	if (a->is_last && !--c->n_waiting)
		end(c, c->error[0] ? "error" : "ok", c->error[0] ? c->error : NULL);
}

static void show_report(struct admin_conn *c, enum stack_report what)
{
	struct supervisor *sup = c->admin->sup;
	struct admin_report_req req = { .what = what };
	static char text[CONTROL_CHUNK_MAX];
	long n;

	begin(c, "list");
	if (sup->ops->report) {
		ask_all(c, CONTROL_OP_REPORT, &req, sizeof(req), on_report);
		return;
	}
	/* the host's stack: one for all workers, and its files are here */
	if (what == STACK_REPORT_NET) {
		n = services_read_net(text, sizeof(text));
		put_report(c, -1, text, n > 0 ? n : 0);
	}
	end(c, "ok", NULL);
}

/* ---- the other commands ---- */

static void show_errors(struct admin_conn *c)
{
	static const char *const levels[] = { "error", "warning" };
	static struct log_past past[LOG_PAST_MAX];
	unsigned int n = log_get_past(c->admin->sup->log, past, LOG_PAST_MAX), i;

	begin(c, "list");
	for (i = 0; i < n; i++) {
		json_t *o = json_object();

		set_time(o, "time", past[i].at_us);
		set_text(o, "level", levels[past[i].level == MSG_WARNING]);
		if (past[i].worker >= 0)
			set_int(o, "worker", past[i].worker);
		else
			json_object_set_new(o, "worker", json_null());
		set_text(o, "text", past[i].text);
		put_json(c, o);
	}
	end(c, "ok", NULL);
}

static void show_version(struct admin_conn *c)
{
	struct supervisor *sup = c->admin->sup;

	begin(c, "object");
	put_json(c, json_pack("{s:s,s:s,s:s}", "version", ACCD_VERSION, "stack", sup->ops->name, "kernel",
			      sup->release));
	end(c, "ok", NULL);
}

static void show_help(struct admin_conn *c)
{
	const char *usage, *help;
	unsigned int i;

	begin(c, "list");
	for (i = 0; (usage = admin_usage(i, &help)); i++)
		put_json(c, json_pack("{s:s,s:s}", "command", usage, "does", help));
	end(c, "ok", NULL);
}

/* An answer without text: how many workers did it. */
static void on_done(void *ctx, const struct control_answer *a)
{
	struct admin_conn *c = ask_conn(ctx, a);

	if (!c || !a->is_last)
		return;
	if (a->status)
		answer_failed(c, a);
	else
		c->n_done++;
	if (--c->n_waiting)
		return;
	if (c->error[0]) {
		end(c, "error", c->error);
		return;
	}
	put_json(c, json_pack("{s:i}", "workers", (int)c->n_done));
	end(c, "ok", NULL);
}

static void do_server(struct admin_conn *c, enum admin_server_do action)
{
	struct admin_server_req req = { .action = action, .weight = c->cmd.weight };
	const struct conf *conf = c->admin->sup->conf;
	unsigned int i, j;

	for (i = 0; i < conf->n_pools; i++)
		if (!strcmp(conf->pools[i].name, c->cmd.pool))
			break;
	begin(c, "object");
	if (i == conf->n_pools) {
		end(c, "error", "no such pool; show servers lists them");
		return;
	}
	for (j = 0; j < conf->pools[i].n_servers; j++)
		if (!strcmp(conf->pools[i].servers[j].name, c->cmd.server))
			break;
	if (j == conf->pools[i].n_servers) {
		end(c, "error", "the pool has no such server; show servers lists them");
		return;
	}
	strcpy(req.pool, c->cmd.pool);
	strcpy(req.server, c->cmd.server);
	ask_all(c, CONTROL_OP_SERVER, &req, sizeof(req), on_done);
}

/* Ask the worker whose session it is. */
static void ask_owner(struct admin_conn *c, enum control_op op, const void *req, uint32_t len)
{
	begin(c, "object");
	if (c->cmd.worker >= WORKERS_MAX || !can_ask(c->admin->sup, c->cmd.worker) ||
	    ask_worker(c, c->cmd.worker, op, req, len, on_done)) {
		end(c, "error", "no such worker; the id's first number is the worker's");
		return;
	}
	c->n_waiting = 1;
}

static void do_kill(struct admin_conn *c)
{
	struct admin_kill_req req = { c->cmd.slot, c->cmd.gen };

	ask_owner(c, CONTROL_OP_KILL, &req, sizeof(req));
}

static void do_session(struct admin_conn *c)
{
	struct admin_session_req req = { .slot = c->cmd.slot, .gen = c->cmd.gen };

	strcpy(req.congestion_control, c->cmd.congestion_control);
	req.n_params = c->cmd.n_params;
	memcpy(req.params, c->cmd.params, sizeof(req.params));
	ask_owner(c, CONTROL_OP_SESSION, &req, sizeof(req));
}

static void do_drain(struct admin_conn *c)
{
	struct supervisor *sup = c->admin->sup;

	begin(c, "object");
	if (sup->phase >= PHASE_DRAINING) {
		end(c, "error", "draining already; SIGINT stops at once");
		return;
	}
	msg("accdctl: draining");
	supervisor_drain(sup);
	put_json(c, json_pack("{s:s}", "state", phase_names[sup->phase]));
	end(c, "ok", NULL);
}

static void on_reloaded(void *ctx, int status, const char *text)
{
	struct ask *ask = ctx;
	struct admin_conn *c = ask->conn;
	bool is_mine = c->is_used && c->serial == ask->serial;

	free(ask);
	if (!is_mine)
		return;
	if (status) {
		end(c, "error", text && *text ? text : strerror(-status));
		return;
	}
	put_json(c, json_pack("{s:i,s:s}", "configuration_serial", (int)c->admin->sup->conf_serial, "text",
			      text ? text : ""));
	end(c, "ok", NULL);
}

static void do_reload(struct admin_conn *c)
{
	struct ask *ask = malloc(sizeof(*ask));

	begin(c, "object");
	if (!ask) {
		end(c, "error", "no memory");
		return;
	}
	ask->conn = c;
	ask->serial = c->serial;
	supervisor_reload(c->admin->sup, on_reloaded, ask);
}

static void cc_list(struct admin_conn *c)
{
	struct admin_report_req req = { .what = STACK_REPORT_CC };
	struct supervisor *sup = c->admin->sup;
	static char text[CONTROL_CHUNK_MAX];
	unsigned int i;
	long n;

	begin(c, "list");
	if (!sup->ops->report) {
		n = services_read_cc(text, sizeof(text));
		if (n < 0) {
			end(c, "error", strerror(-n));
			return;
		}
		put_lines(c, text, n);
		end(c, "ok", NULL);
		return;
	}
	/* all have the same: one is asked */
	for (i = 0; i < WORKERS_MAX && !c->n_waiting; i++)
		if (can_ask(sup, i) && !ask_worker(c, i, CONTROL_OP_REPORT, &req, sizeof(req), on_lines))
			c->n_waiting = 1;
	if (!c->n_waiting)
		end(c, "error", "no worker answers at the moment");
}

static void on_cc_loaded(void *ctx, int status, const char *name, const char *text)
{
	struct ask *ask = ctx;
	struct admin_conn *c = ask->conn;
	bool is_mine = c->is_used && c->serial == ask->serial;
	json_t *o;

	free(ask);
	if (!is_mine)
		return;
	if (status) {
		end(c, "error", text);
		return;
	}
	o = json_object();
	set_text(o, "module", name);
	set_text(o, "congestion_control", text);
	put_json(c, o);
	end(c, "ok", NULL);
}

static void cc_load(struct admin_conn *c)
{
	struct ask *ask = malloc(sizeof(*ask));
	char err[768] = "no memory";

	begin(c, "object");
	if (ask) {
		ask->conn = c;
		ask->serial = c->serial;
	}
	if (!ask || modules_load(c->admin->sup, c->cmd.path, on_cc_loaded, ask, err, sizeof(err))) {
		free(ask);
		end(c, "error", err);
	}
}

static void run_command(struct admin_conn *c)
{
	switch (c->cmd.op) {
	case ADMIN_SHOW_INFO:
		show_info(c);
		break;
	case ADMIN_SHOW_STAT:
		show_stat(c);
		break;
	case ADMIN_SHOW_SESSIONS:
		c->left = c->cmd.limit ? c->cmd.limit : UINT32_MAX;
		begin(c, "list");
		sessions_next(c);
		break;
	case ADMIN_SHOW_SERVERS:
		show_servers(c);
		break;
	case ADMIN_SHOW_WIRES:
		show_report(c, STACK_REPORT_WIRES);
		break;
	case ADMIN_SHOW_STACK:
		show_report(c, STACK_REPORT_NET);
		break;
	case ADMIN_SHOW_ERRORS:
		show_errors(c);
		break;
	case ADMIN_SHOW_VERSION:
		show_version(c);
		break;
	case ADMIN_ENABLE_SERVER:
		do_server(c, ADMIN_DO_ENABLE);
		break;
	case ADMIN_DISABLE_SERVER:
		do_server(c, ADMIN_DO_DISABLE);
		break;
	case ADMIN_DRAIN_SERVER:
		do_server(c, ADMIN_DO_DRAIN);
		break;
	case ADMIN_SET_WEIGHT:
		do_server(c, ADMIN_DO_WEIGHT);
		break;
	case ADMIN_SET_SESSION:
		do_session(c);
		break;
	case ADMIN_KILL_SESSION:
		do_kill(c);
		break;
	case ADMIN_CC_LIST:
		cc_list(c);
		break;
	case ADMIN_CC_LOAD:
		cc_load(c);
		break;
	case ADMIN_DRAIN:
		do_drain(c);
		break;
	case ADMIN_RELOAD:
		do_reload(c);
		break;
	case ADMIN_REOPEN:
		begin(c, "object");
		log_reopen(c->admin->sup->log);
		end(c, "ok", NULL);
		break;
	case ADMIN_HELP:
	case ADMIN__COUNT:
		show_help(c);
		break;
	}
}

/* ---- connections ---- */

/* Write what there is; go on with a stream when little is left. */
static void conn_push(struct admin_conn *c)
{
	struct evloop *el = &c->admin->sup->loop;
	bool is_moved = false;
	ssize_t n;

	while (c->out_done < c->out_len) {
		n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		c->out_done += n;
		is_moved = true;
	}
	if (is_moved)
		evloop_timer_set(el, &c->timer, ADMIN_TAKE_MS, conn_late, c);
	/* closing is left to the event: who called us may still use the connection */
	evloop_change(el, &c->src, c->out_done < c->out_len || c->is_ending ? EPOLLOUT : 0);
	if (c->cmd.op == ADMIN_SHOW_SESSIONS && !c->is_ending && c->out_len)
		sessions_next(c);
}

static void conn_line(struct admin_conn *c, size_t len)
{
	struct evloop *el = &c->admin->sup->loop;
	char err[512] = "";

	evloop_timer_set(el, &c->timer, ADMIN_TAKE_MS, conn_late, c);
	c->admin->sup->args.counters->supervisor.admin_commands_total++;
	if (admin_parse(c->in, len, &c->cmd, err, sizeof(err))) {
		c->cmd.op = ADMIN_HELP;
		begin(c, "object");
		end(c, "usage", err);
		return;
	}
	run_command(c);
	if (c->is_used)
		conn_push(c);
}

static void conn_event(void *ctx, uint32_t events)
{
	struct admin_conn *c = ctx;
	char *nl;
	ssize_t n;

	if (events & (EPOLLERR | EPOLLHUP)) {
		conn_close(c);
		return;
	}
	if (events & EPOLLOUT) {
		conn_push(c);
		if (c->is_ending && c->out_done == c->out_len)
			conn_close(c);
		return;
	}
	n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	c->in_len += n;
	nl = memchr(c->in, '\n', c->in_len);
	if (nl) {
		conn_line(c, nl - c->in);
	} else if (c->in_len == sizeof(c->in)) {
		conn_line(c, c->in_len); /* too long, and the parser says so */
	}
}

static void on_connection(void *ctx, uint32_t events)
{
	struct admin *a = ctx;
	struct admin_conn *c = NULL;
	unsigned int i;
	int fd;

	fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	for (i = 0; i < ADMIN_CONNS_MAX && !c; i++)
		if (!a->conns[i].is_used)
			c = &a->conns[i];
	if (!c) {
		static const char busy[] =
			"{\"status\":\"error\",\"error\":\"too many admin connections at a time; try again\"}\n";

		a->sup->args.counters->supervisor.admin_refused_total++;
		send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	memset(c, 0, sizeof(*c));
	c->admin = a;
	c->serial = ++a->serial;
	c->fd = fd;
	c->cmd.op = ADMIN_HELP;
	if (evloop_add(&a->sup->loop, &c->src, fd, EPOLLIN, conn_event, c)) {
		close(fd);
		return;
	}
	c->is_used = true;
	evloop_timer_set(&a->sup->loop, &c->timer, ADMIN_LINE_MS, conn_late, c);
}

int admin_open(struct supervisor *sup, int fd, struct admin **out)
{
	struct admin *a = calloc(1, sizeof(*a));
	int r = -ENOMEM;

	if (a) {
		a->sup = sup;
		a->fd = fd;
		r = evloop_add(&sup->loop, &a->src, fd, EPOLLIN, on_connection, a);
	}
	if (r) {
		free(a);
		close(fd);
		return r;
	}
	*out = a;
	return 0;
}

void admin_close(struct admin *a)
{
	unsigned int i;

	for (i = 0; i < ADMIN_CONNS_MAX; i++) {
		if (!a->conns[i].is_used)
			continue;
		conn_push(&a->conns[i]); /* the answer of a drain, if there is nothing to wait for */
		conn_close(&a->conns[i]);
	}
	evloop_remove(&a->sup->loop, &a->src);
	close(a->fd);
	/* the places stay: answers that come late ask them whose they are */
}
