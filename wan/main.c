// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - lkl-wan: a WAN between two wires
 *
 * One process: it opens the wires, boots an instance, attaches both, ties them together (shape.c) and then only changes
 * what a trace or jitter changes, until SIGINT or SIGTERM. The instance has no address; frames pass as they are, whatever
 * they carry. With --calibrate the wires are gauges (gauge.c) in the process itself.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lkl/lkl.h>

#include "gauge.h"
#include "scenario.h"
#include "shape.h"
#include "wire.h"

#define EXIT_FAIL 1
#define EXIT_USAGE 2
#define TASK_STACK_BYTES (1024 * 1024)
#define STOP_POLL_NS 50000000

static volatile sig_atomic_t is_stopped, is_asked;
static struct scenario scenario;
static struct lkl_wire *wires[2];
static struct shaper shapers[2]; /* up, down */
static uint64_t memory_bytes = 256 << 20;
static int cpu = -1;
static bool is_calibration, is_json, is_verbose;

static const char usage_text[] =
	"usage: lkl-wan [OPTIONS] WIRE-A WIRE-B     a path between two wires; A is the client's side, B the server's\n"
	"       lkl-wan [OPTIONS] --calibrate       the scenario measured, beside what it asks for; needs no wire\n"
	"       lkl-wan [OPTIONS] --check           read the scenario only\n"
	"\n"
	"options:\n"
	"  -c, --scenario FILE    rate, delay, loss ... of both directions; without it frames pass at once\n"
	"      --seed NUMBER      instead of the scenario's\n"
	"  -j, --json             counters and calibration as JSON\n"
	"      --memory SIZE      of the instance, in MiB (256)    --cpu N   pin it    -v   its kernel's messages\n"
	"  -h, --help             a WIRE is written as for lkl-net: packet:if=eth0, tap:if=tap0,up ...; \"lkl-wan help\" lists them\n";

static void complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...)
{
	char text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "lkl-wan: %s\n", text);
}

static bool parse_number(const char *option, const char *text, uint64_t low,
			 uint64_t high, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *value >= low &&
	    *value <= high)
		return true;
	complain("%s: \"%s\": expected a number from %" PRIu64 " to %" PRIu64,
		 option, text, low, high);
	return false;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* ---- inside the instance ---- */

static int set_up(const char **what)
{
	const struct scenario_path *const paths[] = { &scenario.up,
						      &scenario.down };
	int ifindex[2], i, ret;

	*what = "sysctls";
	ret = lkl_sysctl("net.ipv6.conf.default.disable_ipv6",
			 "1"); /* no messages of our own */
	for (i = 0; !ret && i < 2; i++) {
		*what = i ? "wire B" : "wire A";
		ifindex[i] = lkl_wire_attach(wires[i]);
		ret = ifindex[i] < 0 ? ifindex[i] : shape_prepare(ifindex[i]);
	}
	for (i = 0; !ret && i < 2; i++) {
		*what = i ? "the queues of wire A" : "the queues of wire B";
		ret = shape_begin(&shapers[i], paths[i], ifindex[!i],
				  wires[!i]->mtu,
				  scenario.seed * 2 + (unsigned int)i);
	}
	for (i = 0; !ret && i < 2; i++) {
		*what = "the way from wire to wire";
		ret = shape_redirect(ifindex[i], ifindex[!i]);
	}
	return ret;
}

static void print_counts(void)
{
	static const char *const names[] = { "up", "down" };
	struct shape_counts c;
	int i;

	for (i = 0; i < 2; i++) {
		if (shape_counts(&shapers[i], &c))
			continue;
		printf(is_json ? "{\"direction\": \"%s\", \"frames\": %" PRIu64
				 ", \"bytes\": %" PRIu64 ", \"lost\": %" PRIu64
				 ", \"overflow\": %" PRIu64
				 ", \"oversize\": %" PRIu64
				 ", \"changes\": %" PRIu64 "}\n" :
				 "%s: frames=%" PRIu64 " bytes=%" PRIu64
				 " lost=%" PRIu64 " overflow=%" PRIu64
				 " oversize=%" PRIu64 " changes=%" PRIu64 "\n",
		       names[i], c.frames_total, c.bytes_total, c.lost_total,
		       c.overflow_total, c.oversize_total,
		       shapers[i].rate_changes + shapers[i].delay_changes);
	}
	fflush(stdout);
}

/* Traces and jitter of both directions. */
static int pass_frames(void)
{
	int64_t next_ns, t;
	int i, ret;

	while (!is_stopped) {
		int64_t until_ns = INT64_MAX;

		for (i = 0; i < 2; i++) {
			ret = shape_tick(&shapers[i], now_ns(), &next_ns);
			if (ret) {
				complain("a step of the %s path: %s",
					 i ? "down" : "up", lkl_strerror(ret));
				return EXIT_FAIL;
			}
			until_ns = next_ns < until_ns ? next_ns : until_ns;
		}
		if (is_asked) {
			is_asked = 0;
			print_counts();
		}
		t = now_ns();
		if (until_ns > t)
			lkl_sys_nanosleep_ns(until_ns - t < STOP_POLL_NS ?
						     until_ns - t :
						     STOP_POLL_NS);
	}
	return 0;
}

static int task(void *arg)
{
	const char *what;
	int ret = set_up(&what);

	if (ret) {
		complain("instance: cannot set up %s: %s", what,
			 lkl_strerror(ret));
		return EXIT_FAIL;
	}
	if (!is_calibration) {
		printf("ready\n");
		fflush(stdout);
		ret = pass_frames();
		print_counts();
		return ret;
	}
	ret = gauge_calibrate(wires[0], wires[1], &scenario, shapers, is_json,
			      stdout);
	if (ret < 0)
		complain("calibration: %s", lkl_strerror(ret));
	return ret ? EXIT_FAIL : 0;
}

/* ---- the process ---- */

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		is_asked = 1;
	else
		is_stopped = 1;
}

static void on_log(void *ctx, int level, const char *line, size_t len)
{
	if (is_verbose || level < 4)
		fprintf(stderr, "kernel: %.*s\n", (int)len, line);
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	dprintf(STDERR_FILENO, "lkl-wan: kernel died: %s\n%s\n", message,
		backtrace);
	abort();
}

/*
 * A frame that leaves late is a wrong delay, and a bucket that fills meanwhile a wrong rate. On a machine with other work
 * (load 8 on 2 CPUs) a rate of 100 Mbit/s was 57 without this, at nice -20 too, and 100.0 with it.
 */
static void raise_priority(void)
{
	const struct sched_param param = { .sched_priority = 5 };

	if (sched_setscheduler(0, SCHED_RR, &param))
		complain(
			"no real-time priority (%s): exact on an idle machine only; needs CAP_SYS_NICE",
			strerror(errno));
}

static int run(void)
{
	const struct sigaction sa = { .sa_handler = on_signal };
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	int id, ret;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	raise_priority();
	opts.log = on_log;
	opts.panic = on_panic;
	opts.cpu = cpu;
	/* At 100 Mbit/s the gaps between frames are as long as the spinning that is usual: it would be all that the CPU does. */
	opts.spin_us = 0;
	ret = lkl_set_options(&opts);
	if (!ret)
		ret = lkl_start_kernel("mem=%" PRIu64 "K loglevel=%d",
				       memory_bytes / 1024, is_verbose ? 7 : 4);
	if (ret) {
		complain("cannot boot with --memory of %" PRIu64 " bytes: %s",
			 memory_bytes, lkl_strerror(ret));
		return EXIT_FAIL;
	}
	id = lkl_task_start("lkl-wan", task, NULL, TASK_STACK_BYTES);
	if (id < 0 || lkl_task_join(id, &ret)) {
		complain("the instance's task: %s",
			 id < 0 ? lkl_strerror(id) : "ended without a word");
		return EXIT_FAIL;
	}
	lkl_sys_halt();
	return ret;
}

static int open_wires(char **specs)
{
	char err[400];
	int i, ret;

	for (i = 0; i < 2; i++) {
		ret = is_calibration ?
			      gauge_open(&wires[i]) :
			      wire_open(specs[i], &wires[i], err, sizeof(err));
		if (ret) {
			complain("%s", is_calibration ? strerror(-ret) : err);
			return ret;
		}
	}
	if (wires[0]->mtu != wires[1]->mtu) {
		complain(
			"wire A has an MTU of %u and wire B of %u: expected the same",
			wires[0]->mtu, wires[1]->mtu);
		return -EINVAL;
	}
	return 0;
}

enum { OPT_CALIBRATE = 256, OPT_CHECK, OPT_SEED, OPT_MEMORY, OPT_CPU };

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "scenario", required_argument, NULL, 'c' },
		{ "calibrate", no_argument, NULL, OPT_CALIBRATE },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "json", no_argument, NULL, 'j' },
		{ "memory", required_argument, NULL, OPT_MEMORY },
		{ "cpu", required_argument, NULL, OPT_CPU },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static char text[16384];
	const char *file = NULL;
	bool has_seed = false, is_check = false;
	uint64_t n, seed = 0;
	int opt, i, ret;

	while ((opt = getopt_long(argc, argv, "+c:jvh", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			file = optarg;
			break;
		case 'j':
			is_json = true;
			break;
		case 'v':
			is_verbose = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case OPT_CALIBRATE:
			is_calibration = true;
			break;
		case OPT_CHECK:
			is_check = true;
			break;
		case OPT_SEED:
			if (!parse_number("--seed", optarg, 0, UINT64_MAX,
					  &seed))
				return EXIT_USAGE;
			has_seed = true;
			break;
		case OPT_MEMORY:
			if (!parse_number("--memory", optarg, 32, 65536, &n))
				return EXIT_USAGE;
			memory_bytes = n << 20;
			break;
		case OPT_CPU:
			if (!parse_number("--cpu", optarg, 0, 1023, &n))
				return EXIT_USAGE;
			cpu = (int)n;
			break;
		default:
			fputs(usage_text, stderr);
			return EXIT_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 1 && !strcmp(argv[0], "help")) {
		wire_help(text, sizeof(text));
		fputs(text, stdout);
		return 0;
	}
	if (argc != (is_calibration || is_check ? 0 : 2)) {
		complain("expected %s",
			 is_calibration || is_check ?
				 "no wire with --calibrate and --check" :
				 "two wires: WIRE-A WIRE-B");
		return EXIT_USAGE;
	}
	for (i = 0; i < argc; i++) {
		if (wire_spec_check(argv[i], text, sizeof(text))) {
			complain("wire %c: %s", 'A' + i, text);
			return EXIT_USAGE;
		}
	}
	scenario_init(&scenario);
	if (file && scenario_read(file, &scenario, text, sizeof(text))) {
		complain("%s", text);
		return EXIT_USAGE;
	}
	if (has_seed)
		scenario.seed = seed;
	if (is_check) {
		scenario_free(&scenario);
		return 0;
	}
	ret = open_wires(argv) ? EXIT_FAIL : run();
	for (i = 0; i < 2; i++)
		if (wires[i])
			wires[i]->ops->close(wires[i]);
	scenario_free(&scenario);
	return ret;
}
