// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_cc.c - our congestion controls (cc/), each on paths that show what it is for
 *
 * Times and rates depend on the machine's load, so checks are ratios with room: of the path's own rate and delay, or of one
 * algorithm to another. What an algorithm concluded is read from its state (lkl_cc_param_get()).
 */
#include "cc.h"

#define NO_BOUND UINT32_MAX
#define RATE_KBPS 20000
#define RATE_BYTES (RATE_KBPS * 125ll)

static const struct path clean = { .delay_ms = 10, .rate_kbps = RATE_KBPS };

/* ---- parameters per connection ---- */

static int parameters(void *arg)
{
	uint64_t value;
	struct flow flow;
	int lfd, fd;

	TRY(flow_open(&flow, "acc_bbr"));
	fd = flow.fds[0];
	CHECK_EQ(cc_get(&flow, "loss_permille"), 20);
	CHECK_EQ(lkl_cc_param(fd, "loss_permille", 50), 0);
	CHECK_EQ(cc_get(&flow, "loss_permille"), 50);
	CHECK_EQ(lkl_cc_param(fd, "loss_permille", 0), -ERANGE);
	CHECK_EQ(lkl_cc_param(fd, "loss_permille", 501), -ERANGE);
	CHECK_EQ(lkl_cc_param(fd, "nothing", 1), -ENOENT);
	CHECK_EQ(lkl_cc_param(fd, "state", 1), -EACCES);
	CHECK_EQ(lkl_cc_param(fd, NULL, 1), -EINVAL);
	CHECK_EQ(lkl_cc_param(-1, "state", 1), -EBADF);
	CHECK_EQ(lkl_cc_param(999, "state", 1), -EBADF);
	/* The other end has the stack's own, which has none. */
	CHECK_EQ(lkl_cc_param_get(flow.fds[1], "state", &value), -EOPNOTSUPP);
	/* Another connection is not affected, nor this one when it comes back. */
	CHECK_EQ(lkl_sys_setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), 0);
	CHECK_EQ(lkl_cc_param_get(fd, "loss_permille", &value), -EOPNOTSUPP);
	CHECK_EQ(lkl_sys_setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "acc_bbr", 7), 0);
	CHECK_EQ(cc_get(&flow, "loss_permille"), 20);
	TRY(flow_close(&flow));

	lfd = tcp_listener(AF_INET, 0);
	CHECK_EQ(lkl_sys_setsockopt(lfd, IPPROTO_TCP, TCP_CONGESTION, "acc_bbr", 7), 0);
	CHECK_EQ(lkl_cc_param(lfd, "loss_permille", 50), -ENOTCONN);
	CHECK_EQ(lkl_sys_close(lfd), 0);
	fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(lkl_cc_param(fd, "loss_permille", 50), -EOPNOTSUPP);
	CHECK_EQ(lkl_sys_close(fd), 0);
	return 0;
}

/* ---- acc_bbr ---- */

/* Send until something is true, for 20 s at most: what is certain in the end, and by chance soon. */
static int flow_until(struct flow *flow, int (*is_true)(const struct flow *flow))
{
	int64_t until = stack_now_ns() + 20000 * MS;

	while (!is_true(flow)) {
		CHECK(stack_now_ns() < until);
		TRY(flow_send_ms(flow, 100, NULL));
	}
	return 0;
}

static int is_full(const struct flow *flow)
{
	return cc_get(flow, "full_bw_reached") == 1;
}

static int is_bounded(const struct flow *flow)
{
	return cc_get(flow, "inflight_longterm") != NO_BOUND;
}

static int is_marked(const struct flow *flow)
{
	return info_of(flow->fds[0]).tcpi_delivered_ce > 0 &&
	       (cc_get(flow, "inflight_longterm") != NO_BOUND || cc_get(flow, "inflight_shortterm") != NO_BOUND);
}

static int bbr_clean(void *arg)
{
	struct tcp_info ti;
	struct flow flow;
	uint64_t bytes;

	CHECK_EQ(path_set(&clean), 0);
	TRY(flow_open(&flow, "acc_bbr"));
	TRY(flow_send_ms(&flow, 1000, NULL));
	TRY(flow_send_ms(&flow, 1000, &bytes));
	ti = info_of(flow.fds[0]);
	fprintf(stderr, "%ld of %lld bytes, bw %ld, min_rtt %ld, srtt %u, cwnd %u, state %ld, retrans %u\n", (long)bytes, RATE_BYTES,
		(long)cc_get(&flow, "max_bw"), (long)cc_get(&flow, "min_rtt_us"), ti.tcpi_rtt, ti.tcpi_snd_cwnd,
		(long)cc_get(&flow, "state"), ti.tcpi_total_retrans);
	TRY(flow_until(&flow, is_full));
	CHECK(bytes > RATE_BYTES / 8);
	CHECK(cc_get(&flow, "max_bw") > RATE_BYTES / 8 && cc_get(&flow, "max_bw") < RATE_BYTES * 2);
	CHECK(cc_get(&flow, "min_rtt_us") >= 20000);
	/* The buffer holds 600 ms; a queue that the model allows is one round trip. */
	CHECK(ti.tcpi_rtt < 400000);
	TRY(flow_close(&flow));
	return 0;
}

static int goodput(const char *cc, const struct path *path, unsigned int ms, uint64_t *bytes)
{
	struct flow flow;

	CHECK_EQ(path_set(path), 0);
	TRY(flow_open(&flow, cc));
	TRY(flow_send_ms(&flow, 500, NULL));
	TRY(flow_send_ms(&flow, ms, bytes));
	return flow_close(&flow);
}

static int bbr_loss(void *arg)
{
	struct path path = clean;
	uint64_t cubic, bbr, little;

	path.delay_ms = 40;
	path.loss_permille = 10;
	TRY(goodput("cubic", &path, 1500, &cubic));
	TRY(goodput("acc_bbr", &path, 1500, &bbr));
	path.loss_permille = 200;
	TRY(goodput("acc_bbr", &path, 1500, &little));
	fprintf(stderr, "1 %% loss: cubic %ld, acc_bbr %ld; 20 %%: %ld\n", (long)cubic, (long)bbr, (long)little);
	CHECK(bbr > cubic);
	/* Far above the bound of 2 %: it holds back, much more than by what is lost. */
	CHECK(little < bbr);
	return 0;
}

/* Loss above the bound makes inflight_longterm. */
static int bbr_loss_bound(void *arg)
{
	struct path path = clean;
	struct flow flow;

	path.loss_permille = 80;
	CHECK_EQ(path_set(&path), 0);
	TRY(flow_open(&flow, "acc_bbr"));
	TRY(flow_until(&flow, is_bounded));
	return flow_close(&flow);
}

static int bbr_ecn(void *arg)
{
	struct path path = clean;
	struct tcp_info ti;
	struct flow flow;

	path.loss_permille = 50;
	path.is_ecn = 1;
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_ecn", "1"), 0);
	CHECK_EQ(path_set(&clean), 0);
	TRY(flow_open(&flow, "acc_bbr"));
	CHECK_EQ(path_set(&path), 0);
	TRY(flow_until(&flow, is_marked));
	ti = info_of(flow.fds[0]);
	CHECK(ti.tcpi_options & TCPI_OPT_ECN);
	TRY(flow_close(&flow));
	return lkl_sysctl("net.ipv4.tcp_ecn", "2");
}

/* The path becomes longer, and shorter again. */
static int bbr_rtt_steps(void *arg)
{
	struct path path = clean;
	struct flow flow;
	int64_t until;

	CHECK_EQ(path_set(&path), 0);
	TRY(flow_open(&flow, "acc_bbr"));
	CHECK_EQ(lkl_cc_param(flow.fds[0], "probe_rtt_interval_ms", 500), 0);
	TRY(flow_send_ms(&flow, 700, NULL));
	CHECK(cc_get(&flow, "min_rtt_us") < 80000);
	path.delay_ms = 60;
	CHECK_EQ(path_set(&path), 0);
	for (until = stack_now_ns() + 20000 * MS; stack_now_ns() < until && cc_get(&flow, "min_rtt_us") < 120000;)
		TRY(flow_send_ms(&flow, 100, NULL));
	CHECK(cc_get(&flow, "min_rtt_us") >= 120000);
	CHECK(cc_get(&flow, "probe_rtts") > 0);
	path.delay_ms = 10;
	CHECK_EQ(path_set(&path), 0);
	for (until = stack_now_ns() + 20000 * MS; stack_now_ns() < until && cc_get(&flow, "min_rtt_us") > 100000;)
		TRY(flow_send_ms(&flow, 100, NULL));
	CHECK(cc_get(&flow, "min_rtt_us") <= 100000);
	return flow_close(&flow);
}

/* After a pause it goes on with what it knows, paced at it. */
static int bbr_idle(void *arg)
{
	struct tcp_info ti;
	struct flow flow;
	int64_t bw;

	CHECK_EQ(path_set(&clean), 0);
	TRY(flow_open(&flow, "acc_bbr"));
	TRY(flow_send_ms(&flow, 1000, NULL));
	TRY(flow_send(&flow, 1)); /* all of it */
	bw = cc_get(&flow, "max_bw");
	lkl_sys_nanosleep_ns(700 * MS);
	TRY(flow_send(&flow, 4000));
	ti = info_of(flow.fds[0]);
	CHECK(cc_get(&flow, "max_bw") >= bw / 4);
	CHECK(ti.tcpi_snd_cwnd >= 4);
	CHECK((int64_t)ti.tcpi_pacing_rate <= bw * 3);
	CHECK((int64_t)ti.tcpi_pacing_rate >= bw / 8);
	return flow_close(&flow);
}

/* A program that has little to send says nothing about the path. */
static int bbr_app_limited(void *arg)
{
	struct flow flow;
	int i;

	CHECK_EQ(path_set(&clean), 0);
	TRY(flow_open(&flow, "acc_bbr"));
	for (i = 0; i < 25; i++) {
		TRY(flow_send(&flow, 3000));
		lkl_sys_nanosleep_ns(5 * MS);
	}
	CHECK_EQ(cc_get(&flow, "full_bw_reached"), 0);
	CHECK_EQ(cc_get(&flow, "state"), 0);
	TRY(flow_until(&flow, is_full));
	return flow_close(&flow);
}

/* ---- acc_probe ---- */

enum { PROBE_RECONNAISSANCE, PROBE_UNVALIDATED, PROBE_VALIDATING, PROBE_SAFE_RETREAT, PROBE_NORMAL };

static int is_normal(const struct flow *flow)
{
	return cc_get(flow, "phase") == PROBE_NORMAL;
}

static int probe_flow(struct flow *flow, const struct path *path, unsigned int cwnd, unsigned int rtt_us)
{
	CHECK_EQ(path_set(path), 0);
	TRY(flow_open(flow, "acc_probe"));
	CHECK_EQ(lkl_cc_param(flow->fds[0], "saved_cwnd", cwnd), 0);
	CHECK_EQ(lkl_cc_param(flow->fds[0], "saved_rtt_us", rtt_us), 0);
	TRY(flow_until(flow, is_normal));
	return 0;
}

static int probe_resumes(void *arg)
{
	static const struct path wide = { .delay_ms = 50, .limit = 5000 };
	struct flow flow;
	int tries;

	/* The path is as it was: one jump, which is validated. A timeout of a machine that stood still may spoil a try. */
	for (tries = 0;; tries++) {
		CHECK(tries < 20);
		TRY(probe_flow(&flow, &wide, 400, 100000));
		if (cc_get(&flow, "jumps") == 1 && !cc_get(&flow, "retreats"))
			break;
		TRY(flow_close(&flow));
	}
	CHECK(cc_get(&flow, "pipe_size") > 0);
	CHECK_EQ(lkl_cc_param(flow.fds[0], "saved_cwnd", 100), -EALREADY);
	CHECK_EQ(lkl_cc_param(flow.fds[0], "init_cwnd", 20), -EALREADY);
	TRY(flow_close(&flow));

	/* Its round trip is less than half of what was saved: another path. */
	TRY(probe_flow(&flow, &wide, 400, 50000000));
	CHECK_EQ(cc_get(&flow, "jumps"), 0);
	TRY(flow_close(&flow));

	/* Without saved values it is Reno. */
	TRY(flow_open(&flow, "acc_probe"));
	CHECK_EQ(lkl_cc_param(flow.fds[0], "init_cwnd", 20), 0);
	CHECK_EQ(info_of(flow.fds[0]).tcpi_snd_cwnd, 20);
	TRY(flow_send_ms(&flow, 300, NULL));
	CHECK_EQ(cc_get(&flow, "jumps"), 0);
	return flow_close(&flow);
}

/* Less fits into the path than did before. */
static int probe_retreats(void *arg)
{
	static const struct path narrow = { .delay_ms = 50, .rate_kbps = 4000, .limit = 60 };
	struct flow flow;
	int tries;

	for (tries = 0;; tries++) {
		CHECK(tries < 20);
		TRY(probe_flow(&flow, &narrow, 3000, 100000));
		if (cc_get(&flow, "jumps") == 1 && cc_get(&flow, "retreats") == 1)
			break;
		TRY(flow_close(&flow));
	}
	return flow_close(&flow);
}

/* ---- acc_lossy ---- */

static int is_cut(const struct flow *flow)
{
	return cc_get(flow, "cuts") > 0;
}

static int lossy(void *arg)
{
	struct path path = clean;
	uint64_t cubic, ours;
	struct flow flow;

	path.delay_ms = 40;
	path.loss_permille = 50;
	TRY(goodput("cubic", &path, 2000, &cubic));
	TRY(goodput("acc_lossy", &path, 2000, &ours));
	fprintf(stderr, "5 %% loss: cubic %ld, acc_lossy %ld\n", (long)cubic, (long)ours);
	CHECK(ours > cubic);

	/* What it heeds is the queue. */
	CHECK_EQ(path_set(&clean), 0);
	TRY(flow_open(&flow, "acc_lossy"));
	CHECK_EQ(lkl_cc_param(flow.fds[0], "delay_bound_ms", 5), 0);
	TRY(flow_until(&flow, is_cut));
	TRY(flow_close(&flow));
	/* And a loss above the bound. */
	path.loss_permille = 100;
	CHECK_EQ(path_set(&path), 0);
	TRY(flow_open(&flow, "acc_lossy"));
	CHECK_EQ(lkl_cc_param(flow.fds[0], "loss_permille", 10), 0);
	CHECK_EQ(lkl_cc_param(flow.fds[0], "delay_bound_ms", 10000), 0);
	TRY(flow_until(&flow, is_cut));
	return flow_close(&flow);
}

static int lo_back(void *arg)
{
	CHECK_EQ(qdisc_delete(LO_IFINDEX), 0);
	return 0;
}

static int lo_begin(void *arg)
{
	/* So that the window of congestion is what limits. */
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_rmem", "4096 1048576 4194304"), 0);
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_wmem", "4096 65536 4194304"), 0);
	return lo_prepare();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(lo_begin),
		BODY(parameters),
		BODY(bbr_clean),
		BODY(bbr_loss),
		BODY(bbr_loss_bound),
		BODY(bbr_ecn),
		BODY(bbr_rtt_steps),
		BODY(bbr_idle),
		BODY(bbr_app_limited),
		BODY(probe_resumes),
		BODY(probe_retreats),
		BODY(lossy),
		BODY(lo_back),
	};

	return RUN_BODIES(tests, argc, argv);
}
