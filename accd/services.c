// SPDX-License-Identifier: GPL-2.0-only
/*
 * services.c - what the supervisor offers to operators
 *
 * Opened before privileges are dropped, and kept over reloads: their keys are fixed while the
 * daemon runs. The supervisor's own counters are brought up to date once a second, for workers
 * that show them, and whenever somebody asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "cc_list.h"
#include "counters.h"
#include "http.h"
#include "log.h"
#include "service.h"
#include "services.h"
#include "supervisor.h"
#include "text.h"

#define REFRESH_MS 1000

static struct {
	struct http *http;
	struct admin *admin;
	struct service metrics_at, admin_at;
	struct evloop_timer timer;
} services;

void services_refresh(struct supervisor *sup)
{
	struct counters_supervisor *s = &sup->args.counters->supervisor;
	uint64_t deaths = 0;
	struct log_stats log;
	unsigned int i, n = 0;

	for (i = 0; i < WORKERS_MAX; i++) {
		n += sup->procs[i].state == PROC_RUNNING;
		deaths += sup->procs[i].deaths_total;
	}
	s->workers = n;
	s->workers_configured = sup->n_workers;
	s->worker_deaths_total = deaths;
	s->draining = sup->phase >= PHASE_DRAINING;
	s->reloads_total = sup->reloads_total;
	s->reloads_refused_total = sup->reloads_refused_total;
	if (!s->start_time_seconds)
		s->start_time_seconds = time(NULL);
	log_get_stats(sup->log, &log);
	s->log_lines_total = log.lines_total;
	s->log_dropped_total = log.dropped_total;
	s->log_limited_total = log.limited_total;
	s->log_write_failed_total = log.write_failed_total;
	s->log_messages_total = log.messages_total;
	s->log_messages_dropped_total = log.messages_dropped_total;
}

static void on_timer(void *ctx)
{
	struct supervisor *sup = ctx;

	services_refresh(sup);
	evloop_timer_set(&sup->loop, &services.timer, REFRESH_MS, on_timer, sup);
}

static void on_view(void *ctx, struct metrics_view *view)
{
	struct supervisor *sup = ctx;

	services_refresh(sup);
	view->map = sup->args.counters;
	view->version = ACCD_VERSION;
	view->stack = sup->ops->name;
	view->kernel_release = sup->release;
}

/* Parsed when the configuration was checked; again here, for what it says. */
static int open_at(const char *key, const char *text, struct service *at, mode_t mode, const char *owner,
		   char *err, size_t err_len)
{
	char why[256];
	const char *want;
	int fd;

	if (service_parse(text, at, &want)) {
		snprintf(err, err_len, "%s: \"%.100s\": expected %s", key, text, want);
		return -EINVAL;
	}
	if (at->kind == SERVICE_OFF)
		return -ENOENT;
	fd = service_listen(at, mode, owner, why, sizeof(why));
	if (fd < 0) {
		snprintf(err, err_len, "%s: %s", key, why);
		at->kind = SERVICE_OFF; /* not ours to unlink */
	}
	return fd;
}

int services_start(struct supervisor *sup, char *err, size_t err_len)
{
	const struct conf *conf = sup->conf;
	struct http_ops ops = { on_view, sup };
	mode_t mode = 0600;
	int fd, r;

	on_timer(sup);
	fd = open_at("metrics.bind", conf->metrics.bind, &services.metrics_at, 0666, "", err, err_len);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd >= 0) {
		r = http_open(&sup->loop, fd, conf->metrics.rate, sup->args.counters, &ops, &services.http);
		if (r) {
			snprintf(err, err_len, "metrics.bind: cannot serve: %s", strerror(-r));
			return r;
		}
	}
	service_parse_mode(conf->admin.mode, &mode);
	fd = open_at("admin.bind", conf->admin.bind, &services.admin_at, mode, conf->admin.owner, err, err_len);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd >= 0) {
		r = admin_open(sup, fd, &services.admin);
		if (r) {
			snprintf(err, err_len, "admin.bind: cannot serve: %s", strerror(-r));
			return r;
		}
	}
	return 0;
}

void services_stop(struct supervisor *sup)
{
	evloop_timer_stop(&sup->loop, &services.timer);
	if (services.http)
		http_close(services.http);
	if (services.admin)
		admin_close(services.admin);
	services.http = NULL;
	services.admin = NULL;
	service_unlink(&services.metrics_at);
	service_unlink(&services.admin_at);
}

long services_read_net(char *buf, size_t len)
{
	static const char *const files[] = { "/proc/self/net/snmp", "/proc/self/net/netstat" };
	size_t done = 0;
	unsigned int i;
	ssize_t n;
	int fd;

	for (i = 0; i < 2; i++) {
		fd = open(files[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		while (done < len && (n = read(fd, buf + done, len - done)) > 0)
			done += n;
		close(fd);
	}
	return done;
}

static long read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	n = n < 0 ? -errno : n;
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

long services_read_cc(char *buf, size_t len)
{
#define CC_DIR "/proc/sys/net/ipv4/tcp_"
	char available[1024], allowed[1024], standard[64];
	const struct cc_texts texts = { available, allowed, standard, "", false };
	struct text t;
	long r;

	r = read_text(CC_DIR "available_congestion_control", available, sizeof(available));
	if (r >= 0)
		r = read_text(CC_DIR "allowed_congestion_control", allowed, sizeof(allowed));
	if (r >= 0)
		r = read_text(CC_DIR "congestion_control", standard, sizeof(standard));
	if (r < 0)
		return r;
	text_init(&t, buf, len);
	cc_list_format(&texts, &t);
	return t.len;
}
