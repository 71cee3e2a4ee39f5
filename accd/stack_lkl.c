// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack_lkl.c - the library's kernel as the relay's stack
 *
 * The supervisor takes the interface (take.h: its addresses in own mode, some of its ports in share
 * mode) and opens the wire; the worker, which inherits both, boots the instance, gives it the wire,
 * the addresses, routes and neighbours, and runs the loop as an application task: every call below
 * is a function call into the kernel on the loop's own thread.
 *
 * Four keys take parts of this away, so that their worth can be measured (bench/ladder). wire.offloads
 * switches off what the wire does for the stack. wire.batch = off makes a host call for each frame
 * sent. worker.calls = thread leaves the loop outside of the instance, where a call that another
 * thread has to end is handed over. worker.wire_thread boots a second vCPU for the loop, and the
 * first, which owns the wire's queue, moves frames only: each goes from one thread to the other.
 *
 * worker.vcpus = N boots an instance with N vCPUs and N queues of the wire, with a loop as a task on
 * each. The queue of a vCPU is steered to by the client's address and port, and by the local ports of
 * its loop's own connections; the listening sockets form a group in which the vCPU that got the SYN
 * finds its own. So what a session does happens on one vCPU, and if a frame comes to another one all
 * the same (an older kernel inside), it is one stack and the frame is as good there.
 *
 * The instance lives in the worker only. If its kernel hits a BUG, the worker says so with a back
 * trace and aborts; the supervisor then gives everything back to the host.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <lkl/lkl.h>
#include <lkl/linux/version.h>

#include "cc_list.h"
#include "conf.h"
#include "counters.h"
#include "crash.h"
#include "err.h"
#include "modules.h"
#include "stack.h"
#include "take.h"
#include "text.h"
#include "wire.h"
#include "wire_conf.h"

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
#define BUILT_IN_RELEASE \
	STRING(LKL_LINUX_VERSION_MAJOR) "." STRING(LKL_LINUX_VERSION_PATCHLEVEL) "." \
	STRING(LKL_LINUX_VERSION_SUBLEVEL)
#define LO_IFINDEX 1
#define LOG_LEVEL_WARNING 4
#define WIRE_NAME "wire0"
/* With worker.wire_thread; the wire is on vCPU 0. */
#define LOOP_VCPU 1
/* Of the asm-generic table, as lkl_syscall() takes them. */
#define NR_INIT_MODULE 105
#define NR_DELETE_MODULE 106
#define NR_SYSLOG 116
#define NR_SCHED_SETAFFINITY 122

/*
 * Deep call chains of the stack (receive inside send inside receive) and the loop's event array
 * share it.
 */
static const size_t task_stack_bytes = 1024 * 1024;

struct lkl_stack_data {
	struct lkl_wire *wire;
	struct take take;
	uint16_t ephemeral_low, ephemeral_high; /* share mode */
};

static const char *lkl_release(void)
{
	return lkl_kernel_release();
}

/* ---- wire.batch = off: the wire's own table with another tx() ---- */

static struct lkl_wire_ops unbatched_ops;
static const struct lkl_wire_ops *batched_ops;

static int unbatched_tx(struct lkl_wire *wire, uint32_t queue, const struct lkl_vnet_hdr *vnet,
			const struct lkl_iov *iov, uint32_t iov_len, uint32_t len)
{
	int ret = batched_ops->tx(wire, queue, vnet, iov, iov_len, len);

	if (!ret)
		batched_ops->kick(wire, queue);
	return ret;
}

static void unbatch(struct lkl_wire *wire)
{
	batched_ops = wire->ops;
	unbatched_ops = *wire->ops;
	unbatched_ops.tx = unbatched_tx;
	wire->ops = &unbatched_ops;
}

/* The ports of all listeners, as ranges. -E2BIG with a sentence in err. */
static int listen_ports(const struct conf *conf, struct share_params *share, char *err, size_t err_len)
{
	bool *is_ours = calloc(UINT16_MAX + 2, sizeof(*is_ours));
	unsigned int i, low;

	if (!is_ours)
		return -ENOMEM;
	for (i = 0; i < conf->n_listeners; i++)
		is_ours[addr_port(&conf->listeners[i].bind)] = true;
	for (low = 1; low <= UINT16_MAX && share->ports_len <= SHARE_PORTS_MAX; low = i + 1) {
		for (i = low; is_ours[i]; i++)
			;
		if (i == low)
			continue;
		if (share->ports_len < SHARE_PORTS_MAX)
			share->ports[share->ports_len] = (struct filter_range){ low, i - 1 };
		share->ports_len++;
	}
	free(is_ours);
	if (share->ports_len <= SHARE_PORTS_MAX)
		return 0;
	snprintf(err, err_len, "wire.mode = share: the listeners' ports are more than %d ranges", SHARE_PORTS_MAX);
	return -E2BIG;
}

/*
 * Each worker connects to servers from local ports of its own, by which the answers find it. In
 * share mode they are parts of wire.ephemeral; else they begin here, and listeners' ports, which
 * all workers share, should lie below.
 */
#define PORTS_FIRST 16384

static void ports_of(const struct lkl_stack_data *data, unsigned int index, unsigned int workers, uint16_t *first,
		     uint16_t *last)
{
	const unsigned int low = data->ephemeral_low ? data->ephemeral_low : PORTS_FIRST;
	const unsigned int high = data->ephemeral_low ? data->ephemeral_high : UINT16_MAX;
	const unsigned int n = (high - low + 1) / workers;

	*first = low + index * n;
	*last = *first + n - 1;
}

static int give_ports(const struct lkl_stack_data *data, unsigned int workers)
{
	uint16_t first, last;
	unsigned int i;
	int ret = 0;

	for (i = 0; workers > 1 && i < workers && !ret; i++) {
		ports_of(data, i, workers, &first, &last);
		ret = last < first ? -ERANGE : wire_packet_ports(data->wire, i, first, last);
	}
	return ret;
}

static void worker_away(const struct worker_args *args, unsigned int index, bool is_away)
{
	const struct lkl_stack_data *data = args->stack_data;

	if (args->queues > 1)
		wire_packet_away(data->wire, index, is_away);
}

static bool is_packet(const struct lkl_wire *wire)
{
	return !strcmp(wire->ops->name, "packet");
}

static int setup(struct worker_args *args, char *err, size_t err_len)
{
	const struct conf_wire *wire = &args->conf->wire;
	char spec[WIRE_SPEC_BYTES];
	struct sock_filter filter[FILTER_INSNS_MAX];
	struct lkl_wire_params params = { .ifname = wire->interface, .shared = 1, .queues = args->queues,
					  .homes = args->homes };
	struct take_params take = { .mode = wire->mode == CONF_WIRE_SHARE ? TAKE_SHARE : TAKE_OWN,
				    .ifname = wire->interface };
	struct lkl_stack_data *data = calloc(1, sizeof(*data));
	char ignored[256];
	int ret;

	if (!data)
		return -ENOMEM;
	if (take.mode == TAKE_SHARE) {
		take.share.ephemeral_low = data->ephemeral_low = wire->ephemeral.low;
		take.share.ephemeral_high = data->ephemeral_high = wire->ephemeral.high;
		ret = listen_ports(args->conf, &take.share, err, err_len);
		if (ret)
			goto err_free;
	}
	/* A wire that is static has nothing of the host's: take.mode stays 0, and take_end() does nothing. */
	if (wire->mode != CONF_WIRE_STATIC) {
		ret = take_begin(&take, &data->take, err, err_len);
		if (ret)
			goto err_free;
		if (err[0])
			msg("%s", err);
	}
	if (take.mode == TAKE_SHARE) {
		ret = filter_stack(&data->take.spec, filter);
		if (ret < 0)
			goto err_end;
		params.filter = filter;
		params.filter_len = ret;
	}
	if (wire->type == CONF_WIRE_PACKET && !wire->options[0]) {
		ret = wire_packet_open(&params, &data->wire, err, err_len);
	} else if (args->queues > 1) {
		snprintf(err, err_len, "workers, worker.vcpus: several need wire.type = packet without wire.options");
		ret = -EINVAL;
	} else {
		ret = wire_open(wire_conf_spec(wire, spec, sizeof(spec)), &data->wire, err, err_len);
	}
	if (ret)
		goto err_end;
	ret = give_ports(data, args->queues);
	if (ret) {
		snprintf(err, err_len, "%s: cannot steer ports to workers: %s", wire->interface, strerror(-ret));
		data->wire->ops->close(data->wire);
		goto err_end;
	}
	args->is_replaceable = is_packet(data->wire);
	args->stack_data = data;
	return 0;

err_end:
	if (take_end(&data->take, ignored, sizeof(ignored)))
		msg("%s", ignored);
err_free:
	free(data);
	return ret;
}

static void teardown(struct worker_args *args)
{
	struct lkl_stack_data *data = args->stack_data;
	char err[256];

	if (!data)
		return;
	if (take_end(&data->take, err, sizeof(err)))
		msg("%s; \"lkl-net restore %s\" tries again", err, args->conf->wire.interface);
	data->wire->ops->close(data->wire);
	free(data);
	args->stack_data = NULL;
}

static void on_log(void *ctx, int level, const char *line, size_t len)
{
	if (level < LOG_LEVEL_WARNING)
		msg("kernel: %.*s", (int)len, line);
}

static void on_panic(void *ctx, const char *message, const char *backtrace)
{
	/* In full: msg() cuts, and the message of a debug kernel is a report of many lines. */
	dprintf(STDERR_FILENO, "accd: kernel died: %s\n", message);
	crash_print("crash: back trace:", backtrace);
	signal(SIGABRT, SIG_DFL); /* it has been said where */
	abort();
}

/*
 * ---- the instance ----
 *
 * The thread of the first loop boots it and halts it. The others wait until its network is there,
 * each runs its loop on its own vCPU, and the first one waits for them in the end.
 */

enum instance_state { INSTANCE_NONE, INSTANCE_UP, INSTANCE_OVER };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum instance_state state;
	unsigned int n_loops; /* beside the first one */
	int ret; /* OVER: what the first loop returned */
	struct lkl_wire *held; /* receives nothing until all loops serve; NULL: it does */
	_Atomic unsigned int n_unready; /* loops that do not serve yet */
} instance = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void instance_set(enum instance_state state, int ret)
{
	pthread_mutex_lock(&instance.lock);
	instance.state = state;
	instance.ret = ret;
	pthread_cond_broadcast(&instance.changed);
	while (state == INSTANCE_OVER && instance.n_loops)
		pthread_cond_wait(&instance.changed, &instance.lock);
	pthread_mutex_unlock(&instance.lock);
}

struct start {
	const struct conf *conf;
	const struct lkl_stack_data *data;
	const struct module_set *modules;
	struct lkl_wire *wire; /* data->wire, or this worker's queue of it */
	unsigned int index, queues;
	unsigned int vcpu, vcpus; /* this loop's, and how many loops share the instance */
	int (*fn)(void *arg);
	void *arg;
	char *err;
	size_t err_len;
};

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

/* What `offloads` does not name, the stack does by itself; before the interface is up. */
static int set_offloads(int offloads)
{
	static const struct {
		uint32_t cmd;
		int least; /* enum conf_offloads from which on it stays switched on */
	} switches[] = {
		/* receive beyond the MTU, of GRO and of the peers' TSO */
		{ ETHTOOL_SGRO, CONF_OFFLOADS_ALL },
		{ ETHTOOL_STSO, CONF_OFFLOADS_TSO },
		{ ETHTOOL_SRXCSUM, CONF_OFFLOADS_CSUM },
		{ ETHTOOL_STXCSUM, CONF_OFFLOADS_CSUM },
		/* frames in one piece, as of a device without checksums; takes the stack's own segmentation along */
		{ ETHTOOL_SSG, CONF_OFFLOADS_CSUM },
	};
	struct ifreq ifr = { .ifr_name = WIRE_NAME };
	struct ethtool_value value = { 0 };
	unsigned int i;
	int fd, ret = 0;

	if (offloads == CONF_OFFLOADS_ALL)
		return 0;
	fd = lkl_sys_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	for (i = 0; i < sizeof(switches) / sizeof(switches[0]) && !ret; i++) {
		if (offloads >= switches[i].least)
			continue;
		value.cmd = switches[i].cmd;
		ifr.ifr_data = (char *)&value;
		ret = lkl_sys_ioctl(fd, SIOCETHTOOL, (unsigned long)&ifr);
	}
	lkl_sys_close(fd);
	return ret;
}

/* The first bytes of a file of the instance, as text. */
static long read_text(const char *path, char *buf, size_t size)
{
	size_t done = 0;
	long fd, n = 0;

	lkl_mount_fs("proc"); /* 1: it is there */
	fd = lkl_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	while (done < size - 1 && (n = lkl_sys_read(fd, buf + done, size - 1 - done)) > 0)
		done += n;
	lkl_sys_close(fd);
	buf[done] = '\0';
	return n < 0 ? n : (long)done;
}

/*
 * How much of the instance's memory TCP's buffers may take. Linux gives them a sixteenth, on a machine that has other things to do:
 * four sessions of bulk fill that at the default of worker.memory, and what comes then is dropped. Here TCP is what the memory is
 * for: half of it at most, and from three eighths on it is short. Linux' own middle value is its sixteenth.
 */
static int set_tcp_memory(void)
{
	char text[100];
	long n, low, sixteenth, high;

	n = read_text("/proc/sys/net/ipv4/tcp_mem", text, sizeof(text));
	if (n < 0)
		return n;
	if (sscanf(text, "%ld %ld %ld", &low, &sixteenth, &high) != 3)
		return -EIO;
	snprintf(text, sizeof(text), "%ld %ld %ld", 4 * sixteenth, 6 * sixteenth, 8 * sixteenth);
	return lkl_sysctl("net.ipv4.tcp_mem", text);
}

/* Addresses and routers of the configuration, which has been checked. */
static int static_up(const struct conf_wire *wire, int ifindex, const char **what)
{
	struct wire_address addresses[WIRE_ADDRESSES_MAX];
	char why[200];
	int i, n, ret;

	/* The addresses are the user's choice: no waiting until nobody else claims them. */
	lkl_sysctl("net.ipv6.conf.wire0.accept_dad", "0");
	ret = lkl_if_up(ifindex);
	*what = "wire.address";
	n = wire_conf_addresses(wire->address, 1, addresses, why, sizeof(why));
	for (i = 0; !ret && i < n; i++)
		ret = addresses[i].family == AF_INET6 ?
			      lkl_if_set_ipv6(ifindex, addresses[i].addr, addresses[i].prefix_len) :
			      lkl_if_add_ip(ifindex, AF_INET, addresses[i].addr, addresses[i].prefix_len);
	if (ret)
		return ret;
	*what = "wire.gateway";
	n = wire_conf_addresses(wire->gateway, 0, addresses, why, sizeof(why));
	for (i = 0; !ret && i < n; i++)
		ret = lkl_add_gateway(addresses[i].family, addresses[i].addr);
	return ret;
}

static int network_up(const struct start *start, const char **what)
{
	const struct lkl_stack_data *data = start->data;
	bool is_shared = data->take.mode == TAKE_SHARE;
	struct own_stack to = { .send = give_send, .sysctl = give_sysctl, .settle = give_settle, .ifname = WIRE_NAME };
	uint16_t first, last, ignored;
	char range[16];
	int ret;

	*what = "TCP's memory";
	ret = set_tcp_memory();
	if (ret)
		return ret;
	*what = "loopback";
	ret = lkl_if_up(LO_IFINDEX);
	if (ret)
		return ret;
	*what = "the wire";
	to.ifindex = lkl_wire_attach(start->wire);
	if (to.ifindex < 0)
		return to.ifindex;
	*what = "wire.offloads";
	ret = set_offloads(start->conf->wire.offloads);
	if (ret)
		return ret;
	if (is_shared || start->queues > 1) {
		*what = "ephemeral ports";
		ports_of(data, start->index + start->vcpus - 1, start->queues, &first, &last);
		ports_of(data, start->index, start->queues, &first, &ignored);
		snprintf(range, sizeof(range), "%u %u", first, last);
		ret = lkl_sysctl("net.ipv4.ip_local_port_range", range);
		if (ret)
			return ret;
	}
	*what = "the wire";
	if (start->conf->wire.mode == CONF_WIRE_STATIC)
		return static_up(&start->conf->wire, to.ifindex, what);
	own_give_sysctls(&data->take.own, &to, is_shared ? OWN_GIVE_SHARED : 0);
	ret = lkl_if_up(to.ifindex);
	if (!ret)
		ret = own_give(&data->take.own, &to, what);
	return ret;
}

static void load_modules(const struct module_set *set);

static int task(void *arg)
{
	struct start *start = arg;
	const char *what;
	int ret;

	if (start->vcpu)
		return start->fn(start->arg);
	ret = network_up(start, &what);
	if (ret) {
		snprintf(start->err, start->err_len,
			 "stack: cannot set up %s: %s", what,
			 lkl_strerror(ret));
		return ret;
	}
	load_modules(start->modules);
	instance_set(INSTANCE_UP, 0);
	return start->fn(start->arg);
}

/*
 * The instance's tasks may have as many as its kernel allows; the host's limit does not count in
 * there.
 */
static uint64_t fd_limit(uint64_t want)
{
	return 1048576; /* NR_OPEN's default */
}

/* What moved, and what it cost in host calls, for the end of the log. */
static void say_wire(const struct lkl_wire *wire)
{
	struct lkl_wire_stats sum = wire->stats[0], *const s = &sum;
	uint32_t q, i;

	/* all of them are counters */
	for (q = 1; q < wire->queues; q++)
		for (i = 0; i < sizeof(sum) / sizeof(uint64_t); i++)
			((uint64_t *)&sum)[i] += ((const uint64_t *)&wire->stats[q])[i];
	msg("wire: rx_frames=%" PRIu64 " rx_bytes=%" PRIu64 " rx_fetched=%" PRIu64 " rx_dropped=%" PRIu64
	    " rx_malformed=%" PRIu64 " tx_frames=%" PRIu64 " tx_bytes=%" PRIu64 " tx_big=%" PRIu64 " tx_full=%" PRIu64
	    " tx_errors=%" PRIu64 " tx_down=%" PRIu64 " kicks=%" PRIu64 " waits=%" PRIu64,
	    s->rx_frames_total, s->rx_bytes_total, s->rx_fetched_total, s->rx_dropped_total, s->rx_malformed_total,
	    s->tx_frames_total, s->tx_bytes_total, s->tx_big_total, s->tx_full_total, s->tx_errors_total,
	    s->tx_down_total, s->kicks_total, s->waits_total);
}

/* ---- reports ---- */

static const struct lkl_wire *report_wire;

/*
 * A worker that takes a queue over gets what came after the last one's death when it listens: a SYN
 * that came before there is an address, or a socket, would be lost, and come again a second later.
 */
static void serve(void)
{
	if (atomic_fetch_sub(&instance.n_unready, 1) == 1 && instance.held)
		wire_packet_hold(instance.held, 0);
}

static uint32_t local_ports(const struct worker_args *args)
{
	uint16_t first, last;

	if (args->vcpus < 2)
		return 0; /* the instance's range says it */
	ports_of(args->stack_data, args->index, args->queues, &first, &last);
	return first | (uint32_t)last << 16;
}

static long report_wires(char *buf, size_t len)
{
#define WIRE(m) { #m, offsetof(struct lkl_wire_stats, m) }
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		WIRE(rx_frames_total), WIRE(rx_bytes_total), WIRE(rx_fetched_total), WIRE(rx_dropped_total),
		WIRE(rx_malformed_total), WIRE(rx_foreign_total), WIRE(tx_frames_total), WIRE(tx_bytes_total),
		WIRE(tx_big_total), WIRE(tx_full_total), WIRE(tx_errors_total), WIRE(tx_down_total),
		WIRE(tx_stalled_total), WIRE(kicks_total), WIRE(calls_total), WIRE(waits_total),
	};
#undef WIRE
	const struct lkl_wire *wire = report_wire;
	struct text t;
	uint64_t sum;
	uint32_t i, q;

	text_init(&t, buf, len);
	text_add(&t, "type %s\nqueues %u\nmtu %u\nlink_down %u\n", wire->ops->name, wire->queues,
		 wire->mtu, wire->link_down);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (q = 0, sum = 0; q < wire->queues; q++)
			sum += *(const uint64_t *)((const char *)&wire->stats[q] + rows[i].offset);
		text_add(&t, "%s %" PRIu64 "\n", rows[i].name, sum);
	}
	return t.len;
}

static long report_net(char *buf, size_t len)
{
	static const char *const files[] = { "/proc/net/snmp", "/proc/net/netstat" };
	size_t done = 0;
	unsigned int i;
	long fd, n;

	lkl_mount_fs("proc"); /* 1: it is there */
	for (i = 0; i < 2; i++) {
		fd = lkl_sys_openat(AT_FDCWD, files[i], O_RDONLY, 0);
		if (fd < 0)
			return fd;
		while (done < len && (n = lkl_sys_read(fd, buf + done, len - done)) > 0)
			done += n;
		lkl_sys_close(fd);
	}
	return done;
}

/* Orphans: no descriptor any more, and not acknowledged to the end. */
static long undelivered(void)
{
	static const char field[] = " orphan ";
	char buf[512], *at;
	long fd, n;

	lkl_mount_fs("proc"); /* 1: it is there */
	fd = lkl_sys_openat(AT_FDCWD, "/proc/net/sockstat", O_RDONLY, 0);
	if (fd < 0)
		return fd;
	n = lkl_sys_read(fd, buf, sizeof(buf) - 1);
	lkl_sys_close(fd);
	if (n < 0)
		return n;
	buf[n] = '\0';
	at = strstr(buf, field);
	return at ? strtol(at + sizeof(field) - 1, NULL, 10) : -EIO;
}

#define CC_DIR "/proc/sys/net/ipv4/tcp_"
#define CC_LIST_BYTES 1024

static long report_cc(char *buf, size_t len)
{
	char available[CC_LIST_BYTES], standard[64], params[8192] = "";
	const struct cc_texts texts = { .available = available, .allowed = "", .standard = standard, .params = params,
					.is_allowed_all = true }; /* the loop is root in there */
	struct text t;
	long r;

	r = read_text(CC_DIR "available_congestion_control", available, sizeof(available));
	if (r >= 0)
		r = read_text(CC_DIR "congestion_control", standard, sizeof(standard));
	if (r < 0)
		return r;
	read_text("/proc/lkl_cc_params", params, sizeof(params));
	text_init(&t, buf, len);
	cc_list_format(&texts, &t);
	return t.is_cut ? -ENOBUFS : (long)t.len;
}

static long report(enum stack_report what, char *buf, size_t len)
{
	switch (what) {
	case STACK_REPORT_WIRES:
		return report_wires(buf, len);
	case STACK_REPORT_NET:
		return report_net(buf, len);
	case STACK_REPORT_CC:
		return report_cc(buf, len);
	}
	return -EINVAL;
}

/* ---- modules ---- */

static int module_unload(const char *name)
{
	return lkl_syscall(NR_DELETE_MODULE, (long[6]){ (long)name, O_NONBLOCK });
}

/* The words of `after` that `before` has not. */
static void add_new(struct text *said, char *after, const char *before)
{
	char *name, *save = NULL;

	for (name = strtok_r(after, " \n", &save); name; name = strtok_r(NULL, " \n", &save))
		if (!cc_list_has(before, name))
			text_add(said, "%s%s", said->len ? " " : "", name);
}

#define SYSLOG_READ_ALL 3
#define SYSLOG_CLEAR 5

/* What the kernel has logged since SYSLOG_CLEAR, lines "<LEVEL>[TIME] TEXT", as a sentence. */
static void add_log(struct text *said)
{
	char log[1024] = "", *line, *save = NULL;
	long n = lkl_syscall(NR_SYSLOG, (long[6]){ SYSLOG_READ_ALL, (long)log, sizeof(log) - 1 });

	log[n > 0 ? n : 0] = '\0';
	for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *text = strstr(line, "] ");

		text_add(said, "%s", said->len ? "; " : "");
		text_add_plain(said, text ? text + 2 : line, sizeof(log), false);
	}
}

static int module_load(const char *name, const void *data, size_t len, struct text *said)
{
	char before[CC_LIST_BYTES] = "", after[CC_LIST_BYTES] = "";
	int ret;

	read_text(CC_DIR "available_congestion_control", before, sizeof(before));
	lkl_syscall(NR_SYSLOG, (long[6]){ SYSLOG_CLEAR });
	ret = lkl_syscall(NR_INIT_MODULE, (long[6]){ (long)data, (long)len, (long)"" });
	if (ret) {
		add_log(said);
		return ret;
	}
	read_text(CC_DIR "available_congestion_control", after, sizeof(after));
	add_new(said, after, before);
	if (said->len)
		return 0;
	text_add(said, "it brings no congestion control");
	module_unload(name);
	return -ENODATA;
}

/* What was loaded before this worker was there. A module that fails now does not keep it from serving. */
static void load_modules(const struct module_set *set)
{
	const struct module *m;
	char buf[512] = "";
	struct text said;
	const void *data;
	size_t len;
	int ret;

	for (m = set->modules; m < set->modules + set->n; m++) {
		text_init(&said, buf, sizeof(buf));
		data = module_map(m->fd, &len);
		ret = data ? module_load(m->name, data, len, &said) : -ENOMEM;
		if (ret)
			msg("module %s: cannot be loaded: %s: %s", m->name, buf, lkl_strerror(ret));
		if (data)
			module_unmap(data, len);
	}
}

/* ---- where the loop runs ---- */

static int run_task(struct start *start, unsigned int vcpu)
{
	int id, ret;

	id = lkl_task_start_on(vcpu, "accd", task, start, task_stack_bytes);
	if (id < 0) {
		snprintf(start->err, start->err_len, "stack: cannot start the loop: %s", lkl_strerror(id));
		return id;
	}
	return lkl_task_join(id, &ret) ? -EIO : ret;
}

/*
 * On this thread, which is foreign to the instance. Its task's vCPU and its host CPU are for us to
 * choose: the library pins its own threads only.
 */
static int run_thread(struct start *start, unsigned int vcpu)
{
	const int cpu = conf_worker_cpu(start->conf, start->index);
	uint64_t vcpus = 1ULL << vcpu;
	long params[6] = { 0, sizeof(vcpus), (long)&vcpus };
	cpu_set_t set;
	int ret;

	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		ret = -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
		if (ret) {
			snprintf(start->err, start->err_len, "cpus: cannot run on CPU %d: %s", cpu, strerror(-ret));
			return ret;
		}
	}
	ret = lkl_syscall(NR_SCHED_SETAFFINITY, params);
	if (ret) {
		snprintf(start->err, start->err_len, "stack: cannot take vCPU %u for the loop: %s", vcpu, lkl_strerror(ret));
		return ret;
	}
	return task(start);
}

/* A loop that is not its worker's first one. */
static int run_beside(struct start *start)
{
	int ret = 0;

	pthread_mutex_lock(&instance.lock);
	while (instance.state == INSTANCE_NONE)
		pthread_cond_wait(&instance.changed, &instance.lock);
	if (instance.state == INSTANCE_UP)
		instance.n_loops++;
	else
		ret = instance.ret < 0 ? -ECANCELED : 1;
	pthread_mutex_unlock(&instance.lock);
	if (ret) /* the first one has said why */
		return ret < 0 ? ret : 0;
	ret = run_task(start, start->vcpu);
	pthread_mutex_lock(&instance.lock);
	instance.n_loops--;
	pthread_cond_broadcast(&instance.changed);
	pthread_mutex_unlock(&instance.lock);
	return ret;
}

static int run_first(struct start *start, const struct worker_args *args)
{
	static int cpus[CONF_WORKERS_MAX]; /* the library keeps the address until the end */
	const struct conf_worker *worker = &args->conf->worker;
	struct lkl_options opts = LKL_OPTIONS_DEFAULT;
	const unsigned int vcpus = worker->has_wire_thread ? LOOP_VCPU + 1 : start->vcpus;
	unsigned int i;
	int ret;

	start->wire = start->data->wire;
	ret = is_packet(start->wire) ?
		      wire_packet_queues(start->data->wire, args->index, start->vcpus, &start->wire) : 0;
	if (ret) {
		snprintf(start->err, start->err_len, "wire: cannot take queue %u: %s", args->index, strerror(-ret));
		return ret;
	}
	instance.n_unready = start->vcpus;
	if (is_packet(start->wire) && args->counters->workers[args->index].all.starts > 1) {
		instance.held = start->wire;
		wire_packet_hold(start->wire, 1);
	}
	if (!start->conf->wire.is_batched)
		unbatch(start->wire);
	report_wire = start->wire;
	opts.log = on_log;
	opts.panic = on_panic;
	for (i = 0; i < start->vcpus; i++)
		cpus[i] = conf_worker_cpu(args->conf, args->index + i);
	opts.cpu = cpus[0];
	if (cpus[0] >= 0) {
		opts.cpus = cpus; /* with wire_thread: one for both */
		opts.cpus_len = start->vcpus;
	}
	opts.spin_us = worker->spin_us;
	ret = lkl_set_options(&opts);
	if (!ret)
		ret = lkl_start_kernel("mem=%" PRIu64 "K loglevel=4 nr_cpus=%u",
				       worker->memory_bytes / 1024, vcpus);
	if (ret) {
		snprintf(start->err, start->err_len,
			 "stack: cannot boot with worker.memory of %" PRIu64
			 " bytes: %s",
			 worker->memory_bytes, lkl_strerror(ret));
		return ret;
	}
	i = worker->has_wire_thread ? LOOP_VCPU : 0;
	ret = worker->calls == CONF_CALLS_TASK ? run_task(start, i) : run_thread(start, i);
	instance_set(INSTANCE_OVER, ret);
	lkl_sys_halt();
	say_wire(start->wire);
	return ret;
}

static int run(const struct worker_args *args, int (*fn)(void *arg), void *arg,
	       char *err, size_t err_len)
{
	struct start start = { .conf = args->conf,
			       .index = args->index,
			       .vcpu = args->vcpu,
			       .vcpus = args->vcpus,
			       .queues = args->queues,
			       .data = args->stack_data,
			       .modules = args->modules,
			       .fn = fn,
			       .arg = arg,
			       .err = err,
			       .err_len = err_len };
	int ret;

	if (args->vcpu)
		return run_beside(&start);
	ret = run_first(&start, args);
	if (ret < 0)
		instance_set(INSTANCE_OVER, ret); /* also where it never came up */
	return ret;
}

/* ---- calls ---- */

static int stack_socket(int family, int type, int protocol)
{
	return lkl_sys_socket(family, type, protocol);
}

static int stack_bind(int fd, const struct sockaddr *addr, int addr_len)
{
	return lkl_sys_bind(fd, addr, addr_len);
}

static int stack_listen(int fd, int backlog)
{
	return lkl_sys_listen(fd, backlog);
}

static int stack_accept4(int fd, struct sockaddr *addr, int *addr_len,
			 int flags)
{
	return lkl_sys_accept4(fd, addr, addr_len, flags);
}

static int stack_connect(int fd, const struct sockaddr *addr, int addr_len)
{
	return lkl_sys_connect(fd, addr, addr_len);
}

static long stack_read(int fd, void *buf, size_t len)
{
	return lkl_sys_read(fd, buf, len);
}

static long stack_recv(int fd, void *buf, size_t len)
{
	return lkl_sys_recvfrom(fd, buf, len, 0, NULL, NULL);
}

static long stack_peek(int fd, void *buf, size_t len)
{
	return lkl_sys_recvfrom(fd, buf, len, MSG_PEEK, NULL, NULL);
}

static long stack_send(int fd, const void *buf, size_t len)
{
	return lkl_sys_sendto(fd, buf, len, MSG_NOSIGNAL, NULL, 0);
}

static long stack_splice(int fd_in, int fd_out, size_t len)
{
	return lkl_sys_splice(fd_in, NULL, fd_out, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static int stack_pipe(int fds[2], int bytes)
{
	int r = lkl_sys_pipe2(fds, O_NONBLOCK | O_CLOEXEC);

	if (!r)
		lkl_sys_fcntl(fds[1], F_SETPIPE_SZ, bytes);
	return r;
}

static int stack_shutdown(int fd, int how)
{
	return lkl_sys_shutdown(fd, how);
}

static int stack_close(int fd)
{
	return lkl_sys_close(fd);
}

static int stack_setsockopt(int fd, int level, int name, const void *val,
			    int len)
{
	return lkl_sys_setsockopt(fd, level, name, val, len);
}

static int stack_getsockopt(int fd, int level, int name, void *val, int *len)
{
	return lkl_sys_getsockopt(fd, level, name, val, len);
}

static int stack_getsockname(int fd, struct sockaddr *addr, int *addr_len)
{
	return lkl_sys_getsockname(fd, addr, addr_len);
}

static int stack_getpeername(int fd, struct sockaddr *addr, int *addr_len)
{
	return lkl_sys_getpeername(fd, addr, addr_len);
}

static int stack_epoll_create1(int flags)
{
	return lkl_sys_epoll_create1(flags);
}

static int stack_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return lkl_sys_epoll_ctl(epfd, op, fd, event);
}

static int stack_epoll_wait(int epfd, struct epoll_event *events, int max,
			    int timeout_ms)
{
	return lkl_sys_epoll_wait(epfd, events, max, timeout_ms);
}

const struct stack_ops stack_lkl = {
	.name = "lkl",
	.report = report,
	.release = lkl_release,
	.module_load = module_load,
	.module_unload = module_unload,
	.built_in = "Linux " BUILT_IN_RELEASE,
	.cc_param = lkl_cc_param,
	.cc_param_get = lkl_cc_param_get,
	.setup = setup,
	.teardown = teardown,
	.worker_away = worker_away,
	.fd_limit = fd_limit,
	.run = run,
	.notifier_open = lkl_notifier_new,
	.notify = lkl_notify,
	.serve = serve,
	.local_ports = local_ports,
	.socket = stack_socket,
	.bind = stack_bind,
	.listen = stack_listen,
	.accept4 = stack_accept4,
	.connect = stack_connect,
	.read = stack_read,
	.recv = stack_recv,
	.peek = stack_peek,
	.send = stack_send,
	.splice = stack_splice,
	.relay_join = lkl_relay_join,
	.relay_part = lkl_relay_part,
	.relay_idle_ns = lkl_relay_idle_ns,
	.pipe = stack_pipe,
	.shutdown = stack_shutdown,
	.close = stack_close,
	.setsockopt = stack_setsockopt,
	.getsockopt = stack_getsockopt,
	.getsockname = stack_getsockname,
	.getpeername = stack_getpeername,
	.undelivered = undelivered,
	.epoll_create1 = stack_epoll_create1,
	.epoll_ctl = stack_epoll_ctl,
	.epoll_wait = stack_epoll_wait,
};
