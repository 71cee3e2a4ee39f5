// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - lkl-net: an instance on a wire, from the command line
 *
 * Two processes, so that whatever happens to the instance, what was taken from the host comes back:
 *
 *	parent	takes the interface (--own, --share), opens the wire, forks, waits, gives back
 *	child	boots, gives the interface its addresses, runs the command as an application task
 *
 * SIGINT and SIGTERM make the command end early and in order. If both processes are killed, the
 * record in /run/accd stays, and `lkl-net restore` or the next --own on the interface gives back.
 * With --host there is no instance, no wire and no second process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lkl/lkl.h>

#include "net.h"
#include "take.h"
#include "wire.h"

#define ADDRS_MAX 8
#define SYSCTLS_MAX 16
#define LO_IFINDEX 1
#define TASK_STACK_BYTES (1024 * 1024)
/* A command that waits for a silent peer cannot look at net_stopped; then its process is killed. */
#define STOP_GRACE_SEC 2
/* Linux gives the host's sockets ports up to 60999 unless told otherwise. */
#define EPHEMERAL_LOW 61000
#define EPHEMERAL_HIGH 65535

volatile int net_stopped;

struct command {
	const char *name;
	int (*check)(const struct net *net, int argc, char **argv);
	int (*run)(const struct net *net, int argc, char **argv);
	bool needs_address;
};

static const struct command commands[] = {
	{ "ping", check_ping, cmd_ping, true },	      { "stream", check_stream, cmd_stream, true },
	{ "rr", check_rr, cmd_rr, true },	      { "dump", check_dump, cmd_dump, false },
	{ "show", check_show, cmd_show, false },
};

struct settings {
	const char *interface, *wire;
	enum take_mode mode; /* 0: neither own nor share */
	uint16_t ephemeral_low, ephemeral_high;
	unsigned int addrs_len, gateways_len;
	struct {
		int family;
		uint8_t ip[16];
		unsigned int prefix_len;
	} addrs[ADDRS_MAX], gateways[ADDRS_MAX];
	unsigned int sysctls_len;
	char *sysctls[SYSCTLS_MAX]; /* "KEY=VALUE", cut in two */
	uint64_t memory_bytes, cpu, spin_us;
	bool is_host, is_pinned, is_verbose, has_spin;
};

static struct settings set = { .memory_bytes = 128 << 20, .ephemeral_low = EPHEMERAL_LOW, .ephemeral_high = EPHEMERAL_HIGH };
static struct net net = { .port = NET_PORT_DEFAULT, .idle_ms = 10000 };
static struct take taken;
static struct lkl_wire *wire;
static const struct command *command;
static int command_argc;
static char **command_argv;

static const char usage_text[] =
	"usage: lkl-net [OPTIONS] COMMAND\n"
	"       lkl-net restore [INTERFACE | --all]\n"
	"\n"
	"commands:\n"
	"  ping [-c COUNT] [-i MILLISECONDS] [-s BYTES] ADDRESS\n"
	"  stream -s [-1]                                 bulk transfer, the server\n"
	"  stream [-t SECONDS | -n BYTES] [-R | --both] [-P CONNECTIONS] [-a SECONDS] ADDRESS\n"
	"  rr -s [-1]                                     request and response, the server\n"
	"  rr [-t SECONDS | -n COUNT] [-q BYTES] [-r BYTES] [-P CONNECTIONS] ADDRESS\n"
	"  dump [-c FRAMES] [-t SECONDS] [-w FILE.pcap]\n"
	"  show [addr] [route] [neigh] [counters] [ethtool]\n"
	"\n"
	"options:\n"
	"  -i, --interface NAME   the packet wire on this interface of the host\n"
	"  -w, --wire SPEC        any wire, e.g. tap:if=tap0; \"-w help\" lists them\n"
	"  --own                  addresses, routes and neighbours of the interface move into the instance meanwhile\n"
	"  --share[=LOW-HIGH]     the host keeps them; the instance has this ephemeral range (61000-65535) and --port\n"
	"  --addr ADDRESS/LEN     an address of the instance; may be repeated, as --gw\n"
	"  --gw ADDRESS           a default gateway\n"
	"  --sysctl KEY=VALUE     of the instance, e.g. net.ipv4.tcp_congestion_control=bbr; may be repeated\n"
	"  --host                 no instance: stream, rr and ping on the host's sockets\n"
	"  -p, --port PORT        of stream and rr (5300)\n"
	"  -j, --json             results as JSON\n"
	"  --idle SECONDS         a peer of stream and rr that is silent for so long is gone (10)\n"
	"  --spin MICROSECONDS    how long the instance polls at most before it sleeps (50)\n"
	"  --memory SIZE          of the instance (128M)    --cpu N   pin it    -v   its kernel's messages\n"
	"  -h, --help\n";

/* ---- for the commands ---- */

void complain(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "lkl-net: %s\n", text);
}

int usage(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* A sentence has a colon; the rest is how a command is used. */
	fprintf(stderr, "lkl-net: %s%s\n", strchr(text, ':') ? "" : "usage: lkl-net [OPTIONS] ", text);
	return NET_EXIT_USAGE;
}

static bool parse_scaled(const char *option, const char *text, bool has_units, uint64_t low, uint64_t high, uint64_t *value)
{
	static const char units[] = "kMG";
	const char *unit;
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = has_units && *end ? strchr(units, *end == 'K' ? 'k' : *end) : NULL;
	if (text[0] >= '0' && text[0] <= '9' && !errno && (!*end || (unit && !end[1]))) {
		const unsigned int shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;

		if (n <= UINT64_MAX >> shift && n << shift >= low && n << shift <= high) {
			*value = n << shift;
			return true;
		}
	}
	complain("%s: \"%s\": expected a number from %" PRIu64 " to %" PRIu64 "%s", option, text, low, high,
		 has_units ? ", perhaps with k, M or G" : "");
	return false;
}

bool parse_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
	return parse_scaled(option, text, false, low, high, value);
}

bool parse_bytes(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
	return parse_scaled(option, text, true, low, high, value);
}

bool parse_address(const char *text, const struct net *n, uint16_t port, struct sockaddr_storage *addr, int *len)
{
	struct sockaddr_in6 *in6 = (void *)addr;
	struct sockaddr_in *in = (void *)addr;
	char host[INET6_ADDRSTRLEN];
	const char *scope = strchr(text, '%');
	uint64_t ifindex = 0;

	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*len = sizeof(*in);
		return true;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(scope ? scope - text : (long)strlen(text)), text);
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1) {
		complain("\"%s\": expected an IPv4 or IPv6 address", text);
		return false;
	}
	if (scope && n->calls == &net_host && if_nametoindex(scope + 1))
		ifindex = if_nametoindex(scope + 1);
	else if (scope && !parse_number("interface index", scope + 1, 1, INT32_MAX, &ifindex))
		return false;
	if (!ifindex && IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		ifindex = (uint64_t)n->ifindex;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	in6->sin6_scope_id = (uint32_t)ifindex;
	*len = sizeof(*in6);
	return true;
}

int64_t net_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ll + ts.tv_nsec / 1000;
}

void net_timeout(const struct net *n, int fd, int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	n->calls->setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/* ---- inside the instance ---- */

static int give_send(void *ctx, const void *message, size_t len)
{
	return lkl_rtnl_request(message, len);
}

static int give_sysctl(void *ctx, const char *path, const char *value)
{
	return lkl_sysctl(path, value);
}

static int give_settle(void *ctx, int ifindex, const void *addr)
{
	return lkl_if_wait_ipv6_dad(ifindex, (void *)addr);
}

static int network_up(const char **what)
{
	struct own_stack to = { .send = give_send, .sysctl = give_sysctl, .settle = give_settle, .ifname = "wire0" };
	char range[16];
	unsigned int i;
	int ret;

	*what = "the loopback";
	ret = lkl_if_up(LO_IFINDEX);
	if (ret)
		return ret;
	*what = "the wire";
	to.ifindex = net.ifindex = lkl_wire_attach(wire);
	if (to.ifindex < 0)
		return to.ifindex;
	if (set.mode)
		own_give_sysctls(&taken.own, &to, set.mode == TAKE_SHARE ? OWN_GIVE_SHARED : 0);
	ret = lkl_if_up(to.ifindex);
	if (!ret && set.mode)
		ret = own_give(&taken.own, &to, what);
	if (!ret && set.mode == TAKE_SHARE) {
		*what = "ephemeral ports";
		snprintf(range, sizeof(range), "%u %u", set.ephemeral_low, set.ephemeral_high);
		ret = lkl_sysctl("net.ipv4.ip_local_port_range", range);
	}
	for (i = 0; !ret && i < set.sysctls_len; i++) {
		*what = set.sysctls[i];
		ret = lkl_sysctl(set.sysctls[i], set.sysctls[i] + strlen(set.sysctls[i]) + 1);
	}
	for (i = 0; !ret && i < set.addrs_len; i++) {
		*what = "--addr";
		ret = set.addrs[i].family == AF_INET6 ?
			      lkl_if_set_ipv6(to.ifindex, set.addrs[i].ip, set.addrs[i].prefix_len) :
			      lkl_if_add_ip(to.ifindex, AF_INET, set.addrs[i].ip, set.addrs[i].prefix_len);
	}
	for (i = 0; !ret && i < set.gateways_len; i++) {
		*what = "--gw";
		ret = lkl_add_gateway(set.gateways[i].family, set.gateways[i].ip);
	}
	return ret;
}

static int task(void *arg)
{
	const char *what;
	int ret = network_up(&what);

	if (ret) {
		complain("instance: cannot set up %s: %s", what, lkl_strerror(ret));
		return NET_EXIT_FAIL;
	}
	return command->run(&net, command_argc, command_argv);
}

/* ---- the child ---- */

static void on_stop(int sig)
{
	net_stopped = 1;
}

static void on_log(void *ctx, int level, const char *line, size_t len)
{
	if (set.is_verbose || level < 4)
		fprintf(stderr, "kernel: %.*s\n", (int)len, line);
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	dprintf(STDERR_FILENO, "lkl-net: kernel died: %s\n%s\n", message, backtrace);
	abort();
}

static int run_instance(void)
{
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	int id, ret;

	opts.log = on_log;
	opts.panic = on_panic;
	opts.cpu = set.is_pinned ? (int)set.cpu : -1;
	if (set.has_spin)
		opts.spin_us = (uint32_t)set.spin_us;
	ret = lkl_set_options(&opts);
	if (!ret)
		ret = lkl_start_kernel("mem=%" PRIu64 "K loglevel=%d", set.memory_bytes / 1024, set.is_verbose ? 7 : 4);
	if (ret) {
		complain("cannot boot with --memory of %" PRIu64 " bytes: %s", set.memory_bytes, lkl_strerror(ret));
		return NET_EXIT_FAIL;
	}
	id = lkl_task_start("lkl-net", task, NULL, TASK_STACK_BYTES);
	if (id < 0 || lkl_task_join(id, &ret)) {
		complain("the instance's task: %s", id < 0 ? lkl_strerror(id) : "ended without a word");
		return NET_EXIT_FAIL;
	}
	lkl_sys_halt();
	return ret;
}

static void handle_stop(void)
{
	const struct sigaction sa = { .sa_handler = on_stop };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- the parent ---- */

static int open_wire(char *err, size_t err_len)
{
	struct sock_filter filter[FILTER_INSNS_MAX];
	struct lkl_wire_params params = { .ifname = set.interface };
	int n;

	if (set.wire)
		return wire_open(set.wire, &wire, err, err_len);
	if (set.mode == TAKE_SHARE) {
		n = filter_stack(&taken.spec, filter);
		if (n < 0) {
			snprintf(err, err_len, "%s: the frame filter: %s", set.interface, strerror(-n));
			return n;
		}
		params.filter = filter;
		params.filter_len = (uint32_t)n;
	}
	return wire_packet_open(&params, &wire, err, err_len);
}

static int take_interface(char *err, size_t err_len)
{
	struct take_params params = { .mode = set.mode, .ifname = set.interface };

	if (!set.mode)
		return 0;
	params.share = (struct share_params){ .ephemeral_low = set.ephemeral_low,
					      .ephemeral_high = set.ephemeral_high,
					      .ports_len = 1,
					      .ports = { { net.port, net.port } } };
	return take_begin(&params, &taken, err, err_len);
}

static int wait_child(pid_t child, const sigset_t *signals)
{
	const struct timespec grace = { .tv_sec = STOP_GRACE_SEC };
	bool is_stopping = false;
	siginfo_t si;
	int status;

	for (;;) {
		if ((is_stopping ? sigtimedwait(signals, &si, &grace) : sigwaitinfo(signals, &si)) < 0) {
			if (errno == EAGAIN)
				kill(child, SIGKILL);
			continue;
		}
		if (si.si_signo != SIGCHLD) {
			is_stopping = true;
			kill(child, SIGTERM);
			continue;
		}
		if (waitpid(child, &status, WNOHANG) != child)
			continue;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		complain("the instance died: signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
		return NET_EXIT_FAIL;
	}
}

static int run_wired(void)
{
	char err[400] = "";
	sigset_t signals, old;
	int status = NET_EXIT_FAIL;
	pid_t child;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &old);
	if (take_interface(err, sizeof(err))) {
		complain("%s", err);
		return NET_EXIT_FAIL;
	}
	if (err[0])
		complain("%s", err);
	if (open_wire(err, sizeof(err))) {
		complain("%s", err);
		goto out;
	}
	net.wire = wire;
	fflush(NULL);
	child = fork();
	if (child < 0) {
		complain("fork: %s", strerror(errno));
		goto out;
	}
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		handle_stop();
		sigprocmask(SIG_SETMASK, &old, NULL);
		status = run_instance();
		fflush(NULL);
		_exit(status);
	}
	status = wait_child(child, &signals);
out:
	if (take_end(&taken, err, sizeof(err))) {
		complain("%s; \"lkl-net restore %s\" tries again", err, set.interface);
		status = NET_EXIT_FAIL;
	}
	if (wire)
		wire->ops->close(wire);
	return status;
}

/* ---- restore ---- */

static void restore_one(void *ctx, const char *ifname)
{
	int *status = ctx, rc;
	char err[400];

	rc = take_recover(NULL, ifname, err, sizeof(err));
	if (rc < 0)
		*status = NET_EXIT_FAIL;
	if (err[0])
		complain("%s", err);
	else if (!rc)
		complain("%s: nothing to put back", ifname);
}

static int restore(int argc, char **argv)
{
	int status = 0, rc;

	if (argc > 2)
		return usage("restore: \"%s\": expected one interface, or --all", argv[2]);
	if (argc == 2 && argv[1][0] == '-' && strcmp(argv[1], "--all"))
		return usage("restore: \"%s\": expected an interface, or --all", argv[1]);
	if (argc == 2 && argv[1][0] != '-') {
		restore_one(&status, argv[1]);
		return status;
	}
	rc = record_each(NULL, restore_one, &status);
	if (rc) {
		complain("restore: %s: %s", RECORD_DIR, strerror(-rc));
		return NET_EXIT_FAIL;
	}
	return status;
}

/* ---- command line ---- */

static bool parse_range(const char *text)
{
	unsigned int low, high;
	int n = 0;

	if (sscanf(text, "%5u-%5u%n", &low, &high, &n) == 2 && !text[n] && low && low <= high && high <= UINT16_MAX) {
		set.ephemeral_low = (uint16_t)low;
		set.ephemeral_high = (uint16_t)high;
		return true;
	}
	complain("--share: \"%s\": expected LOW-HIGH, ports from 1 to 65535, e.g. 61000-65535", text);
	return false;
}

static bool parse_ip(const char *option, const char *text, bool has_len)
{
	const unsigned int i = has_len ? set.addrs_len : set.gateways_len;
	const char *slash = strchr(text, '/');
	char host[INET6_ADDRSTRLEN];
	uint64_t len = 0;

	if (i == ADDRS_MAX) {
		complain("%s: \"%s\": expected %d at most", option, text, ADDRS_MAX);
		return false;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(slash ? slash - text : (long)strlen(text)), text);
	for (int family = AF_INET; family; family = family == AF_INET ? AF_INET6 : 0) {
		uint8_t ip[16];

		if (inet_pton(family, host, ip) != 1 || !!slash != has_len)
			continue;
		if (has_len && !parse_number(option, slash + 1, 0, family == AF_INET ? 32 : 128, &len))
			return false;
		if (has_len) {
			set.addrs[i].family = family;
			set.addrs[i].prefix_len = (unsigned int)len;
			memcpy(set.addrs[i].ip, ip, sizeof(ip));
			set.addrs_len++;
		} else {
			set.gateways[i].family = family;
			memcpy(set.gateways[i].ip, ip, sizeof(ip));
			set.gateways_len++;
		}
		return true;
	}
	complain("%s: \"%s\": expected %s", option, text,
		 has_len ? "an address with its prefix length, e.g. 192.0.2.5/24" : "an address, e.g. 192.0.2.1");
	return false;
}

static bool parse_sysctl(char *arg)
{
	char *value = strchr(arg, '=');

	if (!value || value == arg || !value[1]) {
		complain("--sysctl: \"%s\": expected KEY=VALUE, e.g. net.ipv4.tcp_congestion_control=bbr", arg);
		return false;
	}
	if (set.sysctls_len == SYSCTLS_MAX) {
		complain("--sysctl: expected at most %d", SYSCTLS_MAX);
		return false;
	}
	*value = '\0';
	set.sysctls[set.sysctls_len++] = arg;
	return true;
}

enum { OPT_OWN = 256, OPT_SHARE, OPT_ADDR, OPT_GW, OPT_SYSCTL, OPT_HOST, OPT_MEMORY, OPT_CPU, OPT_IDLE, OPT_SPIN };

static bool take_option(int opt, char *arg)
{
	uint64_t n;

	switch (opt) {
	case 'i':
		set.interface = arg;
		return true;
	case 'w':
		set.wire = arg;
		return true;
	case 'p':
		if (!parse_number("--port", arg, 1, UINT16_MAX, &n))
			return false;
		net.port = (uint16_t)n;
		return true;
	case 'j':
		net.is_json = true;
		return true;
	case 'v':
		set.is_verbose = true;
		return true;
	case OPT_OWN:
	case OPT_SHARE:
		if (set.mode) {
			complain("--own, --share: expected one of them, once");
			return false;
		}
		set.mode = opt == OPT_OWN ? TAKE_OWN : TAKE_SHARE;
		return !arg || parse_range(arg);
	case OPT_ADDR:
		return parse_ip("--addr", arg, true);
	case OPT_GW:
		return parse_ip("--gw", arg, false);
	case OPT_SYSCTL:
		return parse_sysctl(arg);
	case OPT_HOST:
		set.is_host = true;
		return true;
	case OPT_MEMORY:
		return parse_bytes("--memory", arg, 32 << 20, 64ull << 30, &set.memory_bytes);
	case OPT_CPU:
		set.is_pinned = true;
		return parse_number("--cpu", arg, 0, 1023, &set.cpu);
	case OPT_IDLE:
		if (!parse_number("--idle", arg, 1, 3600, &n))
			return false;
		net.idle_ms = (int)n * 1000;
		return true;
	case OPT_SPIN:
		set.has_spin = true;
		return parse_number("--spin", arg, 0, 1000000, &set.spin_us);
	}
	fputs(usage_text, stderr);
	return false;
}

/* What one option cannot know. */
static int check_settings(void)
{
	char err[300];

	if (set.is_host)
		return set.wire || set.interface || set.mode || set.addrs_len || set.gateways_len || set.sysctls_len ?
			       usage("--host: has no wire and no address of its own; expected no -i, -w, --own, --share, --addr, --gw, --sysctl") :
			       0;
	if (!set.wire == !set.interface)
		return usage("%s: expected one of -i INTERFACE, -w WIRE or --host", set.wire ? "-i and -w" : "no wire");
	if (set.wire && wire_spec_check(set.wire, err, sizeof(err)))
		return usage("-w: %s", err);
	if (set.interface && strlen(set.interface) >= IFNAMSIZ)
		return usage("-i: \"%s\": expected an interface name of 1 to %d bytes", set.interface, IFNAMSIZ - 1);
	if (set.mode && set.wire)
		return usage("--%s: expected -i INTERFACE: only an interface of the host can be taken",
			     set.mode == TAKE_OWN ? "own" : "share");
	if (set.mode && (set.addrs_len || set.gateways_len))
		return usage("--addr, --gw: expected without --own and --share, which bring the interface's");
	if (command->needs_address && !set.mode && !set.addrs_len)
		return usage("%s: the instance has no address; expected --own, --share or --addr ADDRESS/LEN", command->name);
	return 0;
}

static void print_wires(void)
{
	static char text[16384];

	wire_help(text, sizeof(text));
	fputs(text, stdout);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "interface", required_argument, NULL, 'i' }, { "wire", required_argument, NULL, 'w' },
		{ "port", required_argument, NULL, 'p' },      { "json", no_argument, NULL, 'j' },
		{ "own", no_argument, NULL, OPT_OWN },	       { "share", optional_argument, NULL, OPT_SHARE },
		{ "addr", required_argument, NULL, OPT_ADDR }, { "gw", required_argument, NULL, OPT_GW },
		{ "sysctl", required_argument, NULL, OPT_SYSCTL },
		{ "host", no_argument, NULL, OPT_HOST },       { "memory", required_argument, NULL, OPT_MEMORY },
		{ "cpu", required_argument, NULL, OPT_CPU },   { "help", no_argument, NULL, 'h' },
		{ "idle", required_argument, NULL, OPT_IDLE }, { "spin", required_argument, NULL, OPT_SPIN },
		{ NULL, 0, NULL, 0 },
	};
	size_t i;
	int opt;

	while ((opt = getopt_long(argc, argv, "+i:w:p:jvh", longs, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage_text, stdout);
			return 0;
		}
		if (!take_option(opt, optarg))
			return NET_EXIT_USAGE;
	}
	if (set.wire && !strcmp(set.wire, "help")) {
		print_wires();
		return 0;
	}
	if (optind == argc) {
		fputs(usage_text, stderr);
		return NET_EXIT_USAGE;
	}
	command_argc = argc - optind;
	command_argv = argv + optind;
	if (!strcmp(command_argv[0], "restore"))
		return restore(command_argc, command_argv);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, command_argv[0]))
			command = &commands[i];
	if (!command)
		return usage("\"%s\": no such command; expected ping, stream, rr, dump, show or restore", command_argv[0]);
	net.calls = set.is_host ? &net_host : &net_lkl;
	net.is_shared = set.mode == TAKE_SHARE;
	net.ifindex = 2; /* what link-local addresses get when the line is checked; then the real one */
	if (check_settings() || command->check(&net, command_argc, command_argv))
		return NET_EXIT_USAGE;
	if (set.is_host) {
		handle_stop();
		return command->run(&net, command_argc, command_argv);
	}
	return run_wired();
}
