// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_acc_lossy.c - acc_lossy (cc/tcp_acc_lossy.c) on scripted paths in virtual time: what the opening comment of the module says
 *
 * The usual path holds 67 packets, and its queue 160 ms. Every acknowledgement is checked for what holds always: see always().
 */
#include "harness.h"

#include "cc_path.h"

enum { SLOW_START, STEADY, DRAIN, STATES };

#define BOUND_MS 30	/* unless told */

static void look(struct cc_path *p)
{
	p->view.min_rtt_us = path_param(p, "min_rtt_us");
	p->view.rounds = path_param(p, "rounds");
	p->view.cuts = path_param(p, "cuts");
}

static void show(const struct view *v)
{
	fprintf(stderr, "%u rounds, %u cuts", v->rounds, v->cuts);
}

static const struct algorithm acc_lossy = {
	.name = "acc_lossy",
	.state_key = "state",
	.states = STATES,
	.ways = {
		[SLOW_START] = 1 << STEADY,
		[STEADY] = 1 << DRAIN | 1 << SLOW_START,
		[DRAIN] = 1 << STEADY | 1 << SLOW_START,
	},
	.look = look,
	.show = show,
};

static const struct cc_path usual = { .rate = 20 * MBIT, .rtt_ns = 40 * MS, .queue_bytes = 400000, .is_bulk = 1 };

/* Since forget() */
static uint32_t most_srtt_us, least_cwnd, most_cwnd, cuts_before;

static void forget(const struct cc_path *p)
{
	most_srtt_us = most_cwnd = 0;
	least_cwnd = UINT32_MAX;
	cuts_before = p->view.cuts;
}

static void always(struct cc_path *p)
{
	const struct view *v = &p->view;
	const int64_t rate = (int64_t)v->cwnd * MSS * 1000000 / (v->srtt_us ? v->srtt_us : 1);

	if (v->srtt_us > most_srtt_us)
		most_srtt_us = v->srtt_us;
	if (v->cwnd < least_cwnd)
		least_cwnd = v->cwnd;
	if (v->cwnd > most_cwnd)
		most_cwnd = v->cwnd;
	if (v->cwnd < 4)
		path_wrong(p, "a window below four packets");
	else if (v->pacing > rate * (v->state == SLOW_START ? 202 : 122) / 100)
		path_wrong(p, "paced above 1.2 cwnd / srtt (slow start: 2)");
	else if (v->pacing < rate * (v->state == SLOW_START ? 198 : 118) / 100)
		path_wrong(p, "paced below 1.2 cwnd / srtt (slow start: 2)");
}

static int begin(struct cc_path *p, int is_ecn)
{
	if (!p->watch)
		p->watch = always;
	forget(p);
	return path_open(p, &acc_lossy, is_ecn);
}

static struct cc_path *path(void)
{
	static struct cc_path p;

	p = usual;
	return &p;
}

static int in_steady(struct cc_path *p) { return p->view.state == STEADY; }
static int in_slow_start(struct cc_path *p) { return p->view.state == SLOW_START; }
static int in_drain(struct cc_path *p) { return p->view.state == DRAIN; }
static int is_cut(struct cc_path *p) { return p->view.cuts > cuts_before; }
static int is_least(struct cc_path *p) { return p->view.cwnd == 4; }
static int is_full(struct cc_path *p) { return p->view.cwnd >= path_bdp(p); }

static int is_min_rtt_near(struct cc_path *p)
{
	return p->view.min_rtt_us >= p->rtt_ns / 1000 && p->view.min_rtt_us < p->rtt_ns / 1000 * 115 / 100;
}

/* The queue is within the bound, and what one round adds to it. */
static int is_bound_held(struct cc_path *p)
{
	return p->view.srtt_us < p->rtt_ns / 1000 + (BOUND_MS + 5) * 1000;
}

/* ---- states ---- */

/* Doubles each round, and ends by the queue, without a loss. */
static int slow_start(void *arg)
{
	struct cc_path *p = path();

	TRY(begin(p, 0));
	CHECK_EQ(p->view.state, SLOW_START);
	CHECK_EQ(p->view.cwnd, 10);
	TRY(path_run(p, p->rtt_ns * 19 / 10));
	HOLDS(p, p->view.cwnd == 20);
	TRY(path_until(p, 1 * SEC, in_steady));
	/* A queue of half of the bound shows within a round of its beginning. */
	HOLDS(p, p->view.cwnd >= path_bdp(p) && p->view.cwnd <= 3 * path_bdp(p));
	HOLDS(p, p->full_drops == 0);
	HOLDS(p, path_goodput(p, 20 * SEC) > p->rate * 90 / 100);
	HOLDS(p, p->full_drops == 0);
	return path_close(p);
}

/* Each 10 s one round at half of the window: min_rtt is seen again, and the window is what it was. */
static int drain(void *arg)
{
	struct cc_path *p = path();
	int64_t from;
	uint32_t cwnd;
	int i;

	TRY(begin(p, 0));
	from = stack_lkl.now_ns();
	for (i = 0; i < 3; i++) {
		TRY(path_until(p, 11 * SEC, in_steady));
		do {
			cwnd = p->view.cwnd;
			TRY(path_run(p, 1 * MS));
		} while (!in_drain(p) && stack_lkl.now_ns() - from < 12 * SEC);
		HOLDS(p, in_drain(p) && stack_lkl.now_ns() - from >= 9900 * MS);
		from = stack_lkl.now_ns();
		HOLDS(p, p->view.cwnd <= cwnd / 2 + 1 && p->view.cwnd >= cwnd / 2 - 1);
		TRY(path_until(p, 1 * SEC, in_steady));
		HOLDS(p, p->last_ns[DRAIN] <= p->rtt_ns * 2);
		HOLDS(p, p->view.cwnd == cwnd);
		HOLDS(p, p->view.min_rtt_us >= 40000 && p->view.min_rtt_us < 41500);
	}
	CHECK_EQ(p->visits[DRAIN], 3);
	return path_close(p);
}

/* ---- losses ---- */

static int every;	/* this many packets one is lost; 0: none */
static int all_lost;

static enum verdict lose(struct cc_path *p)
{
	return all_lost || (every && p->packets % every == 0) ? DROP : PASS;
}

static struct cc_path *losing(int one_of)
{
	struct cc_path *p = path();

	p->verdict = lose;
	every = one_of;
	all_lost = 0;
	return p;
}

/* A tenth is lost, and half of that is the bound: no cut for it, and the path is full. */
static int loss_below_bound(void *arg)
{
	struct cc_path *p = losing(10);

	TRY(begin(p, 0));
	TRY(path_until(p, 2 * SEC, in_steady));
	/* Slow start was ended by the queue. */
	HOLDS(p, p->drops >= 10 && p->view.cuts <= 1 && p->view.cwnd >= path_bdp(p));
	HOLDS(p, path_goodput(p, 10 * SEC) > p->rate * 80 / 100);
	HOLDS(p, p->drops > 1000);
	return path_close(p);
}

/* A third is lost: 0.7 of the window, round after round. */
static int loss_above_bound(void *arg)
{
	struct cc_path *p = losing(0);
	uint32_t cwnd;

	TRY(begin(p, 0));
	TRY(path_run(p, 2 * SEC));
	CHECK_EQ(lkl_cc_param(p->fd, "delay_bound_ms", 100), 0); /* no cut for the queue */
	every = 3;
	cwnd = p->view.cwnd;
	forget(p);
	TRY(path_until(p, 2 * SEC, is_cut));
	HOLDS(p, p->view.cwnd >= cwnd * 65 / 100 && p->view.cwnd <= most_cwnd * 7 / 10);
	TRY(path_until(p, 5 * SEC, is_least));
	/* From some 130 packets to four: ten cuts. */
	HOLDS(p, p->view.cuts - cuts_before >= 8 && p->view.cuts - cuts_before <= 14);
	every = 0;
	TRY(path_until(p, 5 * SEC, is_full));
	return path_close(p);
}

/* The same loss with a bound of 40 % is none. */
static int loss_permille(void *arg)
{
	struct cc_path *p = losing(0);

	TRY(begin(p, 0));
	CHECK_EQ(lkl_cc_param(p->fd, "loss_permille", 500), 0);
	TRY(path_until(p, 2 * SEC, in_steady));
	every = 3;
	TRY(path_run(p, 1 * SEC));
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 60 / 100);
	HOLDS(p, p->drops > 1000);
	return path_close(p);
}

/* The path is gone for a second: slow start again, and the round trip is not forgotten. */
static int blackout(void *arg)
{
	struct cc_path *p = losing(0);

	TRY(begin(p, 0));
	TRY(path_run(p, 3 * SEC));
	HOLDS(p, p->visits[SLOW_START] == 0);
	all_lost = 1;
	TRY(path_run(p, 1 * SEC));
	all_lost = 0;
	TRY(path_until(p, 3 * SEC, in_slow_start));
	HOLDS(p, p->view.cwnd <= 10);
	HOLDS(p, p->view.min_rtt_us < 41500);
	/* Four packets are 67 after five rounds; a steady flow would need twenty. */
	TRY(path_until(p, 10 * p->rtt_ns, is_full));
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	CHECK_EQ(p->visits[SLOW_START], 1);
	return path_close(p);
}

/* ---- the queue ---- */

static int delay_bound(void *arg)
{
	struct cc_path *p = path();

	TRY(begin(p, 0));
	TRY(path_run(p, 2 * SEC));
	forget(p);
	TRY(path_run(p, 20 * SEC));
	HOLDS(p, most_srtt_us < (40 + BOUND_MS + 5) * 1000);
	/* A quarter of the rate: what is in flight makes a queue, which is gone after some rounds, not taken for a longer path. */
	p->rate = 5 * MBIT;
	TRY(path_run(p, 100 * MS));
	HOLDS(p, !is_bound_held(p));
	TRY(path_until(p, 3 * SEC, is_bound_held));
	HOLDS(p, p->view.min_rtt_us < 42000);
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	/* And back: an eighth more each round. */
	p->rate = 20 * MBIT;
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 90 / 100);
	return path_close(p);
}

static int delay_bound_ms(void *arg)
{
	struct cc_path *p = path();

	TRY(begin(p, 0));
	CHECK_EQ(lkl_cc_param(p->fd, "delay_bound_ms", 10), 0);
	TRY(path_run(p, 2 * SEC));
	forget(p);
	HOLDS(p, path_goodput(p, 8 * SEC) > p->rate * 85 / 100);
	HOLDS(p, most_srtt_us < 55000);
	return path_close(p);
}

/* ---- the round trip changes ---- */

static int rtt_steps(void *arg)
{
	struct cc_path *p = path();
	uint32_t rounds;

	TRY(begin(p, 0));
	TRY(path_run(p, 4 * SEC));
	HOLDS(p, is_min_rtt_near(p));
	/* Longer by more than the bound: known after eight rounds that do not fall. */
	rounds = p->view.rounds;
	p->rtt_ns = 120 * MS;
	TRY(path_until(p, 4 * SEC, is_min_rtt_near));
	/* One or two count that were above the bound before. */
	HOLDS(p, p->view.rounds - rounds >= 6 && p->view.rounds - rounds <= 12);
	TRY(path_run(p, 5 * SEC));
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	/* Longer by less: it counts as a queue until the old minimum is two windows old. */
	p->rtt_ns = 140 * MS;
	TRY(path_run(p, 1 * SEC));
	HOLDS(p, p->view.min_rtt_us < 130000);
	TRY(path_until(p, 21 * SEC, is_min_rtt_near));
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	/* Shorter: at the next drain at the latest, and then the bound is of the shorter one. */
	p->rtt_ns = 20 * MS;
	TRY(path_until(p, 21 * SEC, is_min_rtt_near));
	TRY(path_until(p, 2 * SEC, is_bound_held));
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	return path_close(p);
}

/* ---- the program ---- */

/* Packets that left within 5 ms, at most. */
static int64_t times_ns[64];
static uint32_t n_times, most_in_5ms;

static enum verdict count_burst(struct cc_path *p)
{
	uint32_t n;

	times_ns[n_times++ % ARRAY_SIZE(times_ns)] = p->sent_ns;
	for (n = 1; n < ARRAY_SIZE(times_ns) && n < n_times && p->sent_ns - times_ns[(n_times - 1 - n) % ARRAY_SIZE(times_ns)] < 5 * MS;)
		n++;
	if (n > most_in_5ms)
		most_in_5ms = n;
	return PASS;
}

/* After a pause that outlives min_rtt's window: no burst, and nothing forgotten. */
static int idle(void *arg)
{
	struct cc_path *p = path();
	uint32_t cwnd;

	p->verdict = count_burst;
	TRY(begin(p, 0));
	TRY(path_run(p, 3 * SEC));
	p->is_bulk = 0;
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, p->view.inflight == 0);
	cwnd = p->view.cwnd;
	TRY(path_run(p, 30 * SEC));
	n_times = most_in_5ms = 0;
	p->is_bulk = 1;
	TRY(path_run(p, p->rtt_ns * 9 / 10));
	/* 1.2 cwnd over a round trip of 40 ms at least, and what a pacing timer lets pass at once. */
	HOLDS(p, most_in_5ms > 0 && most_in_5ms <= cwnd * 12 / 10 / 8 + 4);
	TRY(path_run(p, 3 * p->rtt_ns));
	HOLDS(p, p->view.state != SLOW_START);
	HOLDS(p, p->view.min_rtt_us >= 40000 && p->view.min_rtt_us < 42000);
	HOLDS(p, p->full_drops == 0);
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	return path_close(p);
}

/* A program that has little to send: the window neither grows nor falls. */
static int app_limited(void *arg)
{
	struct cc_path *p = path();
	uint32_t cwnd;

	p->is_bulk = 0;
	TRY(begin(p, 0));
	TRY(path_trickle(p, 50, 5000));
	HOLDS(p, in_slow_start(p) && p->view.cwnd == 10 && p->view.cuts == 0);
	p->is_bulk = 1;
	TRY(path_until(p, 2 * SEC, in_steady));
	TRY(path_run(p, 3 * SEC));
	p->is_bulk = 0;
	TRY(path_run(p, 3 * SEC));
	cwnd = p->view.cwnd;
	forget(p);
	TRY(path_trickle(p, 400, 12500)); /* 20 s, a tenth of the rate; two drains */
	HOLDS(p, p->view.cwnd == cwnd && most_cwnd == cwnd);
	HOLDS(p, p->full_drops == 0);
	p->is_bulk = 1;
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	return path_close(p);
}

/* ---- marks: RFC 3168's echoes, with the factor of RFC 8511 ---- */

static int n_marks;

static enum verdict mark(struct cc_path *p)
{
	(void)p;
	if (!n_marks)
		return PASS;
	n_marks--;
	return MARK_CE;
}

static struct cc_path *marking(void)
{
	struct cc_path *p = path();

	p->verdict = mark;
	n_marks = 0;
	return p;
}

/* One mark is echoed for a whole round trip, which touches two rounds: one cut. */
static int one_mark(void *arg)
{
	struct cc_path *p = marking();
	uint32_t cwnd;

	TRY(begin(p, 1));
	TRY(path_run(p, 2 * SEC));
	CHECK_EQ(lkl_cc_param(p->fd, "delay_bound_ms", 100), 0); /* no cut for the queue */
	cwnd = p->view.cwnd;
	n_marks = 1;
	forget(p);
	TRY(path_until(p, 1 * SEC, is_cut));
	HOLDS(p, p->marks == 1 && p->view.retrans == 0);
	HOLDS(p, p->view.cwnd >= cwnd * 84 / 100 && p->view.cwnd <= most_cwnd * 86 / 100);
	TRY(path_run(p, 400 * MS));
	HOLDS(p, p->view.cuts == cuts_before + 1);
	HOLDS(p, least_cwnd >= cwnd * 84 / 100);
	return path_close(p);
}

/* A path that marks all the while: a cut a round trip, no more. */
static int all_marked(void *arg)
{
	struct cc_path *p = marking();
	uint32_t rounds;

	TRY(begin(p, 1));
	TRY(path_until(p, 2 * SEC, in_steady));
	n_marks = INT32_MAX;
	forget(p);
	TRY(path_until(p, 1 * SEC, is_cut));
	rounds = p->view.rounds;
	TRY(path_until(p, 5 * SEC, is_least));
	/* 0.85 ^ 20: 100 packets are four. */
	HOLDS(p, p->view.rounds - rounds >= 16 && p->view.rounds - rounds <= 50);
	HOLDS(p, p->view.retrans == 0);
	n_marks = 0;
	TRY(path_until(p, 2 * SEC, is_full));
	return path_close(p);
}

/* ---- parameters ---- */

static int parameters(void *arg)
{
	static struct cc_path other;
	struct cc_path *p = path();
	int i;
	static const struct {
		const char *key;
		uint64_t value;
		int err;
	} bad[] = {
		{ "loss_permille", 0, -ERANGE }, { "loss_permille", 901, -ERANGE },
		{ "delay_bound_ms", 0, -ERANGE }, { "delay_bound_ms", 10001, -ERANGE },
		{ "delay_bound_ms", UINT64_MAX, -ERANGE }, { "loss_permille", 1ull << 32 | 100, -ERANGE },
		{ "state", 1, -EACCES }, { "min_rtt_us", 1, -EACCES }, { "rounds", 1, -EACCES }, { "cuts", 1, -EACCES },
		{ "max_bw", 1, -ENOENT },
	};

	TRY(begin(p, 0));
	CHECK_EQ(path_param(p, "loss_permille"), 200);
	CHECK_EQ(path_param(p, "delay_bound_ms"), BOUND_MS);
	CHECK_EQ(lkl_cc_param(p->fd, "loss_permille", 900), 0);
	CHECK_EQ(lkl_cc_param(p->fd, "delay_bound_ms", 10000), 0);
	for (i = 0; i < (int)ARRAY_SIZE(bad); i++)
		CHECK_EQ(lkl_cc_param(p->fd, bad[i].key, bad[i].value), bad[i].err);
	CHECK_EQ(path_param(p, "loss_permille"), 900);
	CHECK_EQ(path_param(p, "delay_bound_ms"), 10000);
	/* They are of this connection. */
	other = usual;
	TRY(path_open(&other, &acc_lossy, 0));
	CHECK_EQ(path_param(&other, "loss_permille"), 200);
	CHECK_EQ(path_param(&other, "delay_bound_ms"), BOUND_MS);
	TRY(path_close(&other));
	CHECK_EQ(lkl_cc_param(p->fd, "delay_bound_ms", BOUND_MS), 0);
	/* And do what they say while it runs. */
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, is_bound_held(p));
	CHECK_EQ(lkl_cc_param(p->fd, "delay_bound_ms", 100), 0);
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, p->view.srtt_us > 100000 && p->view.srtt_us < 150000);
	CHECK_EQ(lkl_cc_param(p->fd, "delay_bound_ms", BOUND_MS), 0);
	TRY(path_until(p, 3 * SEC, is_bound_held));
	return path_close(p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		PATH_CASE(slow_start),
		PATH_CASE(drain),
		PATH_CASE(loss_below_bound),
		PATH_CASE(loss_above_bound),
		PATH_CASE(loss_permille),
		PATH_CASE(blackout),
		PATH_CASE(delay_bound),
		PATH_CASE(delay_bound_ms),
		PATH_CASE(rtt_steps),
		PATH_CASE(idle),
		PATH_CASE(app_limited),
		PATH_CASE(one_mark),
		PATH_CASE(all_marked),
		PATH_CASE(parameters),
	};

	return RUN_PATH_CASES(tests, argc, argv);
}
