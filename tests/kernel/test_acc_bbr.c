// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_acc_bbr.c - acc_bbr (cc/tcp_acc_bbr.c) on scripted paths in virtual time: its states, their order and length, and its
 * bounds, as draft-ietf-ccwg-bbr has them
 *
 * The sections named are the draft's (-02). Every packet's fate is the script's (cc_path.h), nothing depends on the machine. What is
 * random is in the algorithm: when it probes next. Every acknowledgement is checked for what holds always: see always().
 */
#include "harness.h"

#include "cc_path.h"

/* States as "state" of acc_bbr has them. */
enum { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT, STATES };

static void look(struct cc_path *p)
{
	struct view *v = &p->view;

	v->longterm = path_param(p, "inflight_longterm");
	v->shortterm = path_param(p, "inflight_shortterm");
	v->max_bw = path_param(p, "max_bw");
	v->bw_short = path_param(p, "bw_shortterm");
	v->min_rtt_us = path_param(p, "min_rtt_us");
	v->is_full = path_param(p, "full_bw_reached");
}

static void show(const struct view *v)
{
	fprintf(stderr, "max_bw %lld, short %lld, longterm %u, shortterm %u, full %d", (long long)v->max_bw, (long long)v->bw_short, v->longterm,
		v->shortterm, v->is_full);
}

static const struct algorithm acc_bbr = {
	.name = "acc_bbr",
	.state_key = "state",
	.states = STATES,
	/* The draft's. DRAIN and DOWN may begin and end at one acknowledgement, and are not seen then. */
	.ways = {
		[STARTUP] = 1 << DRAIN | 1 << DOWN | 1 << CRUISE | 1 << PROBE_RTT,
		[DRAIN] = 1 << DOWN | 1 << CRUISE | 1 << REFILL | 1 << PROBE_RTT,
		[DOWN] = 1 << CRUISE | 1 << REFILL | 1 << PROBE_RTT,
		[CRUISE] = 1 << REFILL | 1 << PROBE_RTT,
		[REFILL] = 1 << UP | 1 << PROBE_RTT,
		[UP] = 1 << DOWN | 1 << CRUISE | 1 << REFILL | 1 << PROBE_RTT,
		[PROBE_RTT] = 1 << STARTUP | 1 << DOWN | 1 << CRUISE,
	},
	.look = look,
	.show = show,
};

static const struct cc_path usual = { .rate = 20 * MBIT, .rtt_ns = 40 * MS, .queue_bytes = 400000, .is_bulk = 1 };

/* ---- what holds after every acknowledgement ---- */

static void always(struct cc_path *p)
{
	const struct view *v = &p->view;
	const char *wrong = NULL;

	if (v->cwnd < 1)
		wrong = "a window of nothing";
	else if (v->state == PROBE_RTT && v->was == PROBE_RTT && v->cwnd > path_bdp(p) / 2 + 8 && v->min_rtt_us * 1000ll <= p->rtt_ns * 11 / 10 &&
		 v->max_bw <= p->rate * 11 / 10)
		wrong = "ProbeRTT, cwnd: half a BDP at most (5.6.4.5)";
	else if (v->shortterm != NONE && v->cwnd > (v->shortterm > 4 ? v->shortterm : 4))
		wrong = "cwnd above inflight_shortterm (5.6.4.7)";
	else if (v->longterm != NONE && v->state >= DOWN && v->state <= UP && v->state == v->was && v->state != CRUISE && v->cwnd > v->longterm &&
		 v->cwnd > 4)
		wrong = "cwnd above inflight_longterm (5.6.4.7)";
	else if (v->longterm != NONE && v->state == CRUISE && v->was == CRUISE && v->cwnd > v->longterm - v->longterm * 15 / 100 + 1 && v->cwnd > 4)
		wrong = "cwnd without headroom in CRUISE (5.6.4.7)";
	else if (v->bw_short >= 0 && v->state >= DOWN && v->state <= UP && v->pacing > (v->bw_short < v->max_bw ? v->bw_short : v->max_bw) * 13 / 10)
		wrong = "pacing above 1.25 bw (5.6.2)";
	path_wrong(p, wrong);
}

static int begin(struct cc_path *p, int is_ecn)
{
	if (!p->watch)
		p->watch = always;
	return path_open(p, &acc_bbr, is_ecn);
}

static int in_startup(struct cc_path *p) { return p->view.state == STARTUP; }
static int in_cruise(struct cc_path *p) { return p->view.state == CRUISE; }
static int in_refill(struct cc_path *p) { return p->view.state == REFILL; }
static int in_up(struct cc_path *p) { return p->view.state == UP; }
static int in_down(struct cc_path *p) { return p->view.state == DOWN; }
static int in_probe_rtt(struct cc_path *p) { return p->view.state == PROBE_RTT; }
static int out_of_probe_rtt(struct cc_path *p) { return p->view.state != PROBE_RTT; }
static int is_full(struct cc_path *p) { return p->view.is_full; }
static int has_longterm(struct cc_path *p) { return p->view.longterm != NONE; }
static int has_shortterm(struct cc_path *p) { return p->view.shortterm != NONE; }

static struct cc_path *path(void)
{
	static struct cc_path p;

	p = usual;
	return &p;
}

/* ---- states ---- */

/* 5.3.1 Startup, 5.3.2 Drain */
static int startup(void *arg)
{
	struct cc_path *p = path();
	int64_t t;

	TRY(begin(p, 0));
	CHECK_EQ(p->view.state, STARTUP);
	t = stack_lkl.now_ns();
	TRY(path_until(p, 5 * SEC, is_full));
	/* The rate doubles each round from ten packets to 67: three rounds; three more that show no growth. */
	HOLDS(p, stack_lkl.now_ns() - t >= 5 * p->rtt_ns && stack_lkl.now_ns() - t <= 14 * p->rtt_ns);
	HOLDS(p, p->view.max_bw > p->rate * 9 / 10 && p->view.max_bw < p->rate * 11 / 10);
	HOLDS(p, p->view.min_rtt_us >= 40000 && p->view.min_rtt_us < 42000);
	HOLDS(p, p->full_drops == 0); /* cwnd is 2 BDP */
	TRY(path_until(p, 5 * SEC, in_cruise));
	/* What Startup has put into the queue is gone. */
	HOLDS(p, p->view.inflight <= path_bdp(p) + 4);
	HOLDS(p, p->visits[DRAIN] == 1);
	return path_close(p);
}

/* Startup with a queue that is too short: it ends by loss. 5.3.1.3 */
static int startup_loss(void *arg)
{
	struct cc_path *p = path();
	uint64_t drops, packets;

	p->queue_bytes = 20 * PACKET; /* 0.3 BDP */
	TRY(begin(p, 0));
	TRY(path_until(p, 5 * SEC, is_full));
	HOLDS(p, p->full_drops > 0);
	HOLDS(p, p->view.longterm != NONE && p->view.longterm >= path_bdp(p) * 7 / 10 && p->view.longterm <= path_bdp(p) * 2);
	TRY(path_until(p, 5 * SEC, in_cruise));
	HOLDS(p, p->view.max_bw > p->rate * 8 / 10);
	drops = p->full_drops;
	packets = p->packets;
	HOLDS(p, path_goodput(p, 20 * SEC) > p->rate * 75 / 100);
	/* After Startup a queue of a third of the BDP is enough for it: little is lost. */
	HOLDS(p, (p->full_drops - drops) * 50 < p->packets - packets);
	return path_close(p);
}

/* The order of the cycle, how long each part is, and what it brings. 5.3.3 */
static int64_t last_up_ns, least_gap_ns, most_gap_ns, least_pacing_up;

static void watch_cycle(struct cc_path *p)
{
	always(p);
	if (p->view.state == UP && p->view.was != UP) {
		const int64_t gap = p->view.at_ns - last_up_ns;

		if (last_up_ns && gap < least_gap_ns)
			least_gap_ns = gap;
		if (last_up_ns && gap > most_gap_ns)
			most_gap_ns = gap;
		last_up_ns = p->view.at_ns;
		least_pacing_up = p->view.pacing;
	}
}

static int probe_bw(void *arg)
{
	struct cc_path *p = path();
	int64_t visits[STATES], got;

	last_up_ns = most_gap_ns = 0;
	least_gap_ns = INT64_MAX;
	p->watch = watch_cycle;
	TRY(begin(p, 0));
	TRY(path_until(p, 5 * SEC, in_cruise));
	memcpy(visits, p->visits, sizeof(visits));
	got = path_goodput(p, 30 * SEC);
	HOLDS(p, got > p->rate * 90 / 100);
	HOLDS(p, p->full_drops == 0);
	HOLDS(p, p->visits[REFILL] - visits[REFILL] >= 6 && p->visits[UP] - visits[UP] >= 6);
	HOLDS(p, p->visits[STARTUP] == 0 && p->visits[DRAIN] <= 1); /* never again */
	/* REFILL is one round. */
	HOLDS(p, p->last_ns[REFILL] >= p->rtt_ns * 9 / 10 && p->last_ns[REFILL] <= p->rtt_ns * 5 / 2);
	/* 2 to 3 s, or 63 rounds (2.5 s), and a probe between; ProbeRTT may come between, too. */
	HOLDS(p, least_gap_ns >= 1900 * MS);
	HOLDS(p, most_gap_ns <= 6 * SEC);
	HOLDS(p, least_pacing_up > p->rate * 115 / 100 && least_pacing_up < p->rate * 135 / 100);
	/* The model holds the queue down: less than one more round trip on average. */
	HOLDS(p, p->view.srtt_us < 80000);
	return path_close(p);
}

/* 5.3.4 ProbeRTT */
static int probe_rtt(void *arg)
{
	struct cc_path *p = path();
	uint32_t cwnd;
	int64_t from;
	int i;

	TRY(begin(p, 0));
	from = stack_lkl.now_ns();
	for (i = 0; i < 3; i++) {
		TRY(path_until(p, 60 * SEC, in_probe_rtt));
		/* 5 s after the last of these, or after a smaller round trip in between. */
		HOLDS(p, stack_lkl.now_ns() - from >= 4900 * MS);
		cwnd = path_bdp(p);
		TRY(path_until(p, 5 * SEC, out_of_probe_rtt));
		HOLDS(p, p->last_ns[PROBE_RTT] >= 200 * MS && p->last_ns[PROBE_RTT] <= 200 * MS + 5 * p->rtt_ns);
		HOLDS(p, p->view.state == CRUISE || p->view.state == DOWN);
		/* The window is what it was. */
		HOLDS(p, p->view.cwnd >= cwnd);
		HOLDS(p, p->view.min_rtt_us >= 40000 && p->view.min_rtt_us < 41500);
		HOLDS(p, p->view.shortterm == NONE && p->view.bw_short < 0);
		from = stack_lkl.now_ns();
	}
	return path_close(p);
}

/* ---- the path changes ---- */

static int is_min_rtt_near(struct cc_path *p)
{
	return p->view.min_rtt_us >= p->rtt_ns / 1000 && p->view.min_rtt_us < p->rtt_ns / 1000 * 115 / 100;
}

static int rtt_steps(void *arg)
{
	struct cc_path *p = path();

	TRY(begin(p, 0));
	TRY(path_run(p, 4 * SEC));
	HOLDS(p, is_min_rtt_near(p));
	/* Longer: believed when the old minimum is ten seconds old, 5.5.7; the rate does not suffer for long. */
	p->rtt_ns = 80 * MS;
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, p->view.min_rtt_us < 42000);
	TRY(path_until(p, 60 * SEC, is_min_rtt_near));
	HOLDS(p, path_goodput(p, 10 * SEC) > p->rate * 80 / 100);
	/* Shorter: each smaller sample is believed at once, and ProbeRTT empties the queue in the end. */
	p->rtt_ns = 20 * MS;
	TRY(path_until(p, 60 * SEC, is_min_rtt_near));
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 80 / 100);
	return path_close(p);
}

static int is_bw_near(struct cc_path *p)
{
	return p->view.max_bw < p->rate * 115 / 100 && p->view.max_bw > p->rate * 85 / 100;
}

static int is_queue_short(struct cc_path *p)
{
	return p->view.srtt_us * 1000ll < 3 * p->rtt_ns;
}

static int rate_steps(void *arg)
{
	struct cc_path *p = path();

	TRY(begin(p, 0));
	TRY(path_run(p, 4 * SEC));
	/* A quarter: max_bw is of two cycles (5.5.5), which the queue and ProbeRTT make long. */
	p->rate = 5 * MBIT;
	TRY(path_until(p, 60 * SEC, is_bw_near));
	TRY(path_until(p, 60 * SEC, is_queue_short));
	HOLDS(p, path_goodput(p, 10 * SEC) > p->rate * 80 / 100);
	/* Four times as much: UP grows by a quarter a round until it is found. */
	p->rate = 20 * MBIT;
	TRY(path_until(p, 60 * SEC, is_bw_near));
	HOLDS(p, path_goodput(p, 10 * SEC) > p->rate * 80 / 100);
	return path_close(p);
}

/* ---- losses ---- */

static enum verdict lose_every_100th(struct cc_path *p)
{
	return p->packets % 100 == 0 ? DROP : PASS;
}

/* Random loss below the bound of 2 % is no reason to slow down. 5.5.10 */
static int loss_below_bound(void *arg)
{
	struct cc_path *p = path();

	p->verdict = lose_every_100th;
	TRY(begin(p, 0));
	TRY(path_run(p, 5 * SEC));
	HOLDS(p, p->view.is_full);
	HOLDS(p, path_goodput(p, 20 * SEC) > p->rate * 80 / 100);
	HOLDS(p, p->drops > 100);
	return path_close(p);
}

static int n_losses, burst_state;

static enum verdict lose_some(struct cc_path *p)
{
	if (p->view.state != burst_state || !n_losses || p->packets % 4)
		return PASS;
	n_losses--;
	return DROP;
}

/* Too much lost while probing: that flight is the bound, and the probe is over. 5.3.3.5, 5.5.10.2 */
static int loss_in_up(void *arg)
{
	struct cc_path *p = path();
	uint32_t bound;

	p->verdict = lose_some;
	n_losses = 0;
	burst_state = UP;
	TRY(begin(p, 0));
	TRY(path_until(p, 10 * SEC, in_cruise));
	HOLDS(p, p->view.longterm == NONE);
	n_losses = 20;
	TRY(path_until(p, 10 * SEC, in_up));
	TRY(path_until(p, 1 * SEC, has_longterm));
	HOLDS(p, p->view.state == DOWN || p->view.state == CRUISE);
	bound = p->view.longterm;
	HOLDS(p, bound >= path_bdp(p) * 7 / 10 && bound <= path_bdp(p) * 3 / 2);
	n_losses = 0;
	TRY(path_until(p, 10 * SEC, in_cruise)); /* always() looks for the headroom */
	HOLDS(p, p->view.cwnd <= p->view.longterm - p->view.longterm * 15 / 100 + 1);
	HOLDS(p, path_goodput(p, 20 * SEC) > p->rate * 75 / 100);
	/* Nothing is lost any more: probes raise it. */
	HOLDS(p, p->view.longterm > bound);
	return path_close(p);
}

/* A loss while not probing: bounds of the short term, 0.7 or what arrived, until the next probe. 5.5.10.3 */
static int loss_in_cruise(void *arg)
{
	struct cc_path *p = path();
	uint32_t cwnd;
	int64_t bw;

	p->verdict = lose_some;
	n_losses = 0;
	burst_state = CRUISE;
	TRY(begin(p, 0));
	TRY(path_until(p, 10 * SEC, in_cruise));
	HOLDS(p, p->view.shortterm == NONE && p->view.bw_short < 0);
	cwnd = p->view.cwnd;
	bw = p->view.max_bw;
	n_losses = 5;
	TRY(path_until(p, 1 * SEC, has_shortterm));
	n_losses = 0;
	HOLDS(p, p->view.state == CRUISE && p->view.longterm == NONE);
	HOLDS(p, p->view.shortterm >= cwnd * 7 / 10 - 1 && p->view.shortterm < cwnd);
	HOLDS(p, p->view.bw_short >= bw * 69 / 100 && p->view.bw_short <= bw * 101 / 100);
	HOLDS(p, p->view.max_bw >= bw * 99 / 100); /* the long memory is not touched */
	TRY(path_until(p, 10 * SEC, in_refill));
	HOLDS(p, p->view.shortterm == NONE && p->view.bw_short < 0);
	TRY(path_until(p, 10 * SEC, in_down));
	HOLDS(p, p->view.longterm == NONE);
	return path_close(p);
}

static enum verdict lose_all(struct cc_path *p)
{
	(void)p;
	return n_losses ? DROP : PASS;
}

/* The path is gone for a second: timeouts. What was learned is not forgotten, 5.6.4.4. */
static int blackout(void *arg)
{
	struct cc_path *p = path();
	int64_t bw;

	p->verdict = lose_all;
	n_losses = 0;
	TRY(begin(p, 0));
	TRY(path_run(p, 3 * SEC));
	bw = p->view.max_bw;
	n_losses = 1;
	TRY(path_run(p, 1 * SEC));
	n_losses = 0;
	HOLDS(p, p->drops > 10);
	TRY(path_run(p, 3 * SEC));
	HOLDS(p, p->view.max_bw >= bw * 8 / 10);
	HOLDS(p, path_goodput(p, 15 * SEC) > p->rate * 80 / 100);
	return path_close(p);
}

/* ---- marks: RFC 3168's echoes, with the factor of RFC 8511 ---- */

static enum verdict mark_some(struct cc_path *p)
{
	if (p->view.state != burst_state || !n_losses)
		return PASS;
	n_losses--;
	return MARK_CE;
}

static int marks_in_cruise(void *arg)
{
	struct cc_path *p = path();
	uint32_t cwnd;

	p->verdict = mark_some;
	n_losses = 0;
	burst_state = CRUISE;
	TRY(begin(p, 1));
	TRY(path_until(p, 10 * SEC, in_cruise));
	cwnd = p->view.cwnd;
	n_losses = 1;
	TRY(path_until(p, 1 * SEC, has_shortterm));
	HOLDS(p, p->marks == 1 && p->view.retrans == 0);
	HOLDS(p, p->view.shortterm >= cwnd * 80 / 100 && p->view.shortterm <= cwnd * 90 / 100);
	HOLDS(p, p->view.longterm == NONE);
	TRY(path_until(p, 10 * SEC, in_refill));
	HOLDS(p, p->view.shortterm == NONE);
	return path_close(p);
}

static int marks_in_up(void *arg)
{
	struct cc_path *p = path();

	p->verdict = mark_some;
	n_losses = 0;
	burst_state = UP;
	TRY(begin(p, 1));
	TRY(path_until(p, 10 * SEC, in_cruise));
	n_losses = 3;
	TRY(path_until(p, 10 * SEC, in_up));
	TRY(path_until(p, 1 * SEC, has_longterm));
	HOLDS(p, p->view.state == DOWN || p->view.state == CRUISE);
	HOLDS(p, p->view.longterm >= path_bdp(p) * 7 / 10 && p->view.longterm <= path_bdp(p) * 3 / 2);
	HOLDS(p, p->view.retrans == 0);
	return path_close(p);
}

/* ---- the program ---- */

/* 5.4.1 Restarting from idle: paced at the bandwidth it knows, no burst, no ProbeRTT */
static int idle(void *arg)
{
	struct cc_path *p = path();
	uint64_t before;
	int64_t bw;

	TRY(begin(p, 0));
	TRY(path_run(p, 3 * SEC));
	TRY(path_until(p, 10 * SEC, in_cruise));
	p->is_bulk = 0;
	TRY(path_run(p, 12 * SEC)); /* what is in the socket goes out, and min_rtt gets old */
	HOLDS(p, p->view.inflight == 0);
	bw = p->view.max_bw;
	p->is_bulk = 1;
	before = p->packets;
	TRY(path_run(p, p->rtt_ns * 9 / 10));
	/* A round trip's worth at bw, and what a pacing timer lets pass at once. */
	HOLDS(p, p->packets - before <= path_bdp(p) + 12);
	HOLDS(p, p->packets - before >= path_bdp(p) / 2);
	TRY(path_run(p, p->rtt_ns));
	HOLDS(p, p->view.state != PROBE_RTT);
	HOLDS(p, p->view.max_bw >= bw * 9 / 10);
	HOLDS(p, p->full_drops == 0);
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 80 / 100);
	return path_close(p);
}

/* A program that has little to send does not lower max_bw, nor end Startup. 5.5.5, 5.3.1.2 */
static int app_limited(void *arg)
{
	struct cc_path *p = path();
	int64_t bw;

	p->is_bulk = 0;
	TRY(begin(p, 0));
	TRY(path_trickle(p, 50, 5000));
	HOLDS(p, in_startup(p) && !p->view.is_full);
	p->is_bulk = 1;
	TRY(path_until(p, 5 * SEC, in_cruise));
	HOLDS(p, p->view.max_bw > p->rate * 9 / 10);
	TRY(path_run(p, 3 * SEC));
	p->is_bulk = 0;
	TRY(path_run(p, 3 * SEC));
	bw = p->view.max_bw;
	TRY(path_trickle(p, 200, 12500)); /* 10 s, a tenth of the rate */
	HOLDS(p, p->view.max_bw >= bw * 95 / 100);
	HOLDS(p, p->view.longterm == NONE && p->full_drops == 0);
	/* A little faster than ever before: also samples of a limited program raise it. */
	p->is_bulk = 1;
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	return path_close(p);
}

/* ---- very small and very large ---- */

static int small_path(void *arg)
{
	struct cc_path *p = path();

	p->rate = MBIT / 4; /* 250 kbit/s, 20 ms: half a packet of BDP */
	p->rtt_ns = 20 * MS;
	p->queue_bytes = 20 * PACKET;
	TRY(begin(p, 0));
	TRY(path_run(p, 10 * SEC));
	HOLDS(p, path_goodput(p, 20 * SEC) > p->rate * 80 / 100);
	HOLDS(p, p->view.cwnd >= 4 && p->view.cwnd <= 12); /* BBRMinPipeCwnd, 5.6.4.2 */
	return path_close(p);
}

static int large_path(void *arg)
{
	struct cc_path *p = path();

	p->rate = 100 * MBIT;
	p->rtt_ns = 100 * MS;
	p->queue_bytes = 1300000;
	TRY(begin(p, 0));
	TRY(path_until(p, 10 * SEC, in_cruise));
	HOLDS(p, p->view.max_bw > p->rate * 9 / 10 && p->view.max_bw < p->rate * 11 / 10);
	HOLDS(p, path_goodput(p, 5 * SEC) > p->rate * 85 / 100);
	return path_close(p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		PATH_CASE(startup),
		PATH_CASE(startup_loss),
		PATH_CASE(probe_bw),
		PATH_CASE(probe_rtt),
		PATH_CASE(rtt_steps),
		PATH_CASE(rate_steps),
		PATH_CASE(loss_below_bound),
		PATH_CASE(loss_in_up),
		PATH_CASE(loss_in_cruise),
		PATH_CASE(blackout),
		PATH_CASE(marks_in_cruise),
		PATH_CASE(marks_in_up),
		PATH_CASE(idle),
		PATH_CASE(app_limited),
		PATH_CASE(small_path),
		PATH_CASE(large_path),
	};

	return RUN_PATH_CASES(tests, argc, argv);
}
