// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_acc_probe.c - acc_probe (cc/tcp_acc_probe.c) on scripted paths in virtual time: the phases of RFC 9959, what leads from one to
 * the next, and what it may send in each
 *
 * The usual path holds 413 packets; the saved window is 400, so that the jump is to 200. Every acknowledgement is checked for what
 * holds always: see always().
 */
#include "harness.h"

#include "cc_path.h"

enum { RECONNAISSANCE, UNVALIDATED, VALIDATING, SAFE_RETREAT, NORMAL, PHASES };

#define IW 10
#define SAVED 400
#define JUMP (SAVED / 2)

static void look(struct cc_path *p)
{
	p->view.pipe = path_param(p, "pipe_size");
	p->view.jumps = path_param(p, "jumps");
	p->view.retreats = path_param(p, "retreats");
}

static void show(const struct view *v)
{
	fprintf(stderr, "pipe %u, %u jumps, %u retreats", v->pipe, v->jumps, v->retreats);
}

static const struct algorithm acc_probe = {
	.name = "acc_probe",
	.state_key = "phase",
	.states = PHASES,
	.ways = {
		[RECONNAISSANCE] = 1 << UNVALIDATED | 1 << NORMAL,
		[UNVALIDATED] = 1 << VALIDATING | 1 << SAFE_RETREAT | 1 << NORMAL,
		[VALIDATING] = 1 << SAFE_RETREAT | 1 << NORMAL,
		[SAFE_RETREAT] = 1 << NORMAL,
	},
	.look = look,
	.show = show,
};

static void look_at_nothing(struct cc_path *p)
{
	(void)p;
}

static const struct algorithm reno = { .name = "reno", .state_key = "none", .look = look_at_nothing, .show = show };

static const struct cc_path usual = { .rate = 50 * MBIT, .rtt_ns = 100 * MS, .queue_bytes = 1000000, .is_bulk = 1 };

static struct view before;

static void always(struct cc_path *p)
{
	const struct view *v = &p->view;
	const int is_same = v->state == before.state;

	if (v->jumps > 1)
		path_wrong(p, "a second jump");
	else if (v->state == RECONNAISSANCE && v->cwnd > 2 * before.cwnd)
		path_wrong(p, "more than slow start in Reconnaissance");
	else if (v->state == UNVALIDATED && v->cwnd != JUMP)
		path_wrong(p, "Unvalidated, but not half of the saved window");
	else if (v->state == VALIDATING && (v->cwnd > JUMP || (is_same && v->cwnd != before.cwnd)))
		path_wrong(p, "the window grows while Validating");
	else if (v->state == SAFE_RETREAT && (v->ssthresh > v->pipe / 2 + 2 || (v->cwnd > v->ssthresh && v->cwnd > before.cwnd)))
		path_wrong(p, "more than half of PipeSize in Safe Retreat");
	before = *v;
}

static int begin(struct cc_path *p, int is_ecn)
{
	p->watch = always;
	TRY(path_open(p, &acc_probe, is_ecn));
	before = p->view;
	CHECK_EQ(p->view.cwnd, IW);
	return 0;
}

static int save(struct cc_path *p, unsigned int cwnd, unsigned int rtt_us)
{
	CHECK_EQ(lkl_cc_param(p->fd, "saved_cwnd", cwnd), 0);
	CHECK_EQ(lkl_cc_param(p->fd, "saved_rtt_us", rtt_us), 0);
	return 0;
}

static int begin_saved(struct cc_path *p, int is_ecn)
{
	TRY(begin(p, is_ecn));
	return save(p, SAVED, 100000);
}

static struct cc_path *path(void)
{
	static struct cc_path p;

	p = usual;
	return &p;
}

static int in_unvalidated(struct cc_path *p) { return p->view.state == UNVALIDATED; }
static int in_validating(struct cc_path *p) { return p->view.state == VALIDATING; }
static int in_retreat(struct cc_path *p) { return p->view.state == SAFE_RETREAT; }
static int in_normal(struct cc_path *p) { return p->view.state == NORMAL; }
static int is_all_acked(struct cc_path *p) { return p->packets && p->view.inflight == 0; }

/* ---- the jump ---- */

static int64_t times_ns[1024];	/* when packets left */
static uint32_t n_times;

static enum verdict note_time(struct cc_path *p)
{
	if (n_times < ARRAY_SIZE(times_ns))
		times_ns[n_times++] = p->sent_ns;
	return PASS;
}

/* All goes well: each phase once, paced, and slow start goes on from the jump. */
static int resume(void *arg)
{
	struct cc_path *p = path();
	uint32_t flight, cwnd, i, first;

	p->verdict = note_time;
	n_times = 0;
	TRY(begin_saved(p, 0));
	TRY(path_until(p, 5 * SEC, in_unvalidated));
	/* The initial window is acknowledged. What it allowed has hardly begun to leave: it is paced. */
	HOLDS(p, p->packets >= IW && p->packets <= 2 * IW);
	HOLDS(p, p->view.pipe == IW);
	first = n_times;
	TRY(path_until(p, 5 * SEC, in_validating));
	/* The first packet of the jump was acknowledged, a round trip later. */
	HOLDS(p, p->last_ns[UNVALIDATED] >= p->rtt_ns * 95 / 100 && p->last_ns[UNVALIDATED] <= p->rtt_ns * 12 / 10);
	HOLDS(p, p->packets >= JUMP * 9 / 10 && p->packets <= JUMP + 2 * IW);
	HOLDS(p, p->view.cwnd >= JUMP * 9 / 10);
	/* Paced: 1.2 cwnd in a round trip; never more than a few at once. */
	HOLDS(p, times_ns[first + 150] - times_ns[first] >= p->rtt_ns * 150 / JUMP * 10 / 12 * 95 / 100);
	for (i = first; i + 20 < first + 170; i++)
		HOLDS(p, times_ns[i + 20] - times_ns[i] >= p->rtt_ns * 20 / JUMP * 10 / 12 * 70 / 100);
	flight = p->view.cwnd;
	TRY(path_until(p, 5 * SEC, in_normal));
	HOLDS(p, p->view.jumps == 1 && p->view.retreats == 0 && p->view.retrans == 0);
	HOLDS(p, p->view.pipe >= JUMP * 95 / 100 && p->view.pipe <= JUMP + 2);
	HOLDS(p, p->view.cwnd >= flight && p->view.cwnd <= JUMP + 2);
	HOLDS(p, p->view.ssthresh == INT32_MAX);
	cwnd = p->view.cwnd;
	TRY(path_run(p, p->rtt_ns * 3 / 2));
	HOLDS(p, p->view.cwnd >= cwnd * 15 / 10 && p->view.cwnd <= cwnd * 3);
	CHECK_EQ(p->visits[UNVALIDATED], 1);
	return path_close(p);
}

/* What was saved has to be of this path: more than half of its round trip, at most ten times it; and a jump has to be one. */
static int other_path(void *arg)
{
	static const struct {
		unsigned int cwnd, rtt_us, jumps;
	} saved[] = {
		{ SAVED, 220000, 0 }, { SAVED, 190000, 1 }, { SAVED, 11000, 1 }, { SAVED, 9500, 0 }, { SAVED, 60000000, 0 },
		{ SAVED, 1, 0 }, { 2 * IW, 100000, 0 }, { 3 * IW, 100000, 0 }, { 1, 100000, 0 },
	};
	struct cc_path *p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(saved); i++) {
		p = path();
		TRY(begin(p, 0));
		TRY(save(p, saved[i].cwnd, saved[i].rtt_us));
		TRY(path_until(p, 5 * SEC, in_normal));
		HOLDS(p, p->view.jumps == saved[i].jumps && p->view.retreats == 0);
		HOLDS(p, p->view.jumps || p->view.cwnd == p->packets - p->view.inflight + IW);
		TRY(path_close(p));
	}
	return 0;
}

/* ---- nothing was saved: Reno's slow start ---- */

#define ACKS 300

static uint32_t windows[4][ACKS], n_windows[4];
static int which;

static void note_window(struct cc_path *p)
{
	if (n_windows[which] < ACKS)
		windows[which][n_windows[which]++] = p->view.cwnd;
}

static int nothing_saved(void *arg)
{
	struct cc_path *p;
	int i;

	for (which = 0; which < 4; which++) {
		n_windows[which] = 0;
		p = path();
		p->watch = note_window;
		TRY(path_open(p, which ? &acc_probe : &reno, 0));
		if (which == 2)
			CHECK_EQ(lkl_cc_param(p->fd, "saved_cwnd", SAVED), 0);
		if (which == 3)
			CHECK_EQ(lkl_cc_param(p->fd, "saved_rtt_us", 100000), 0);
		TRY(path_run(p, 10 * p->rtt_ns));
		HOLDS(p, n_windows[which] == ACKS);
		for (i = 0; i < ACKS; i++)
			CHECK_EQ(windows[which][i], windows[0][i]);
		CHECK_EQ(windows[which][ACKS - 1], IW + ACKS);
		if (which)
			HOLDS(p, p->view.state == RECONNAISSANCE && p->view.jumps == 0);
		TRY(path_close(p));
	}
	return 0;
}

/* ---- losses and marks ---- */

static uint64_t hit;		/* the number of the packet, as the sender sends; 0: none */
static int all_lost;
static enum verdict hit_by;

static enum verdict strike(struct cc_path *p)
{
	return all_lost || p->packets == hit ? hit_by : PASS;
}

static struct cc_path *struck(uint64_t number, enum verdict by)
{
	struct cc_path *p = path();

	p->verdict = strike;
	hit = number;
	hit_by = by;
	all_lost = 0;
	return p;
}

/* A loss, or a mark, of the initial window: no jump, ever. */
static int struck_early(enum verdict by)
{
	struct cc_path *p = struck(5, by);

	TRY(begin_saved(p, by == MARK_CE));
	TRY(path_until(p, 5 * SEC, in_normal));
	HOLDS(p, p->drops + p->marks == 1);
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, p->view.jumps == 0 && p->view.retreats == 0);
	return path_close(p);
}

static int loss_in_reconnaissance(void *arg)
{
	(void)arg;
	return struck_early(DROP);
}

static int mark_in_reconnaissance(void *arg)
{
	(void)arg;
	return struck_early(MARK_CE);
}

/*
 * Struck is a packet of the second round (its acknowledgement comes while Unvalidated) or one of the jump (while Validating). PipeSize / 2
 * is the window, and nothing more is sent until the path has drained to it.
 */
static int struck_late(uint64_t number, enum verdict by, int phase)
{
	struct cc_path *p = struck(number, by);
	uint64_t packets;
	uint32_t pipe;

	TRY(begin_saved(p, by == MARK_CE));
	TRY(path_until(p, 5 * SEC, phase == UNVALIDATED ? in_unvalidated : in_validating));
	TRY(path_until(p, 5 * SEC, in_retreat));
	HOLDS(p, p->view.jumps == 1 && p->view.retreats == 1);
	HOLDS(p, p->visits[VALIDATING] == (phase == VALIDATING));
	pipe = p->view.pipe;
	HOLDS(p, pipe < JUMP && p->view.ssthresh == pipe / 2);
	packets = p->packets;
	TRY(path_until(p, 5 * SEC, in_normal));
	HOLDS(p, p->packets - packets <= pipe / 2 + 4);
	HOLDS(p, p->view.cwnd <= pipe / 2 + 1);
	HOLDS(p, p->drops + p->marks == 1 && p->view.retrans == p->drops);
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, p->view.jumps == 1 && p->view.retreats == 1 && p->view.retrans == p->drops);
	return path_close(p);
}

static int loss_in_unvalidated(void *arg)
{
	(void)arg;
	return struck_late(13, DROP, UNVALIDATED);
}

static int mark_in_unvalidated(void *arg)
{
	(void)arg;
	return struck_late(13, MARK_CE, UNVALIDATED);
}

static int loss_in_validating(void *arg)
{
	(void)arg;
	return struck_late(100, DROP, VALIDATING);
}

static int mark_in_validating(void *arg)
{
	(void)arg;
	return struck_late(100, MARK_CE, VALIDATING);
}

/* The path has become narrow: its queue holds a tenth of the jump. */
static int narrow(void *arg)
{
	struct cc_path *p = path();
	uint64_t full_drops;

	p->rate = 4 * MBIT;
	p->queue_bytes = 20 * PACKET;
	TRY(begin_saved(p, 0));
	TRY(path_until(p, 5 * SEC, in_retreat));
	HOLDS(p, p->full_drops > 0);
	TRY(path_until(p, 20 * SEC, in_normal));
	full_drops = p->full_drops;
	HOLDS(p, p->view.cwnd < 60);
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, p->full_drops - full_drops <= 20);
	HOLDS(p, p->view.jumps == 1 && p->view.retreats == 1);
	return path_close(p);
}

/* The path is gone after the jump: a timeout ends it all, and slow start begins again, to half of PipeSize. */
static int timeout_in_unvalidated(void *arg)
{
	struct cc_path *p = struck(0, DROP);

	TRY(begin_saved(p, 0));
	TRY(path_until(p, 5 * SEC, in_unvalidated));
	all_lost = 1;
	TRY(path_run(p, 2 * SEC));
	all_lost = 0;
	TRY(path_until(p, 5 * SEC, in_normal));
	HOLDS(p, p->view.retreats == 1 && p->view.ssthresh <= JUMP / 2);
	TRY(path_run(p, 2 * SEC));
	HOLDS(p, p->view.jumps == 1 && p->view.cwnd >= IW / 2);
	return path_close(p);
}

/* ---- the program ---- */

/* What a program has left to send fits into the window: no jump is wasted; it is made when there is more. */
static int app_limited(void *arg)
{
	struct cc_path *p = path();
	uint32_t cwnd;

	p->is_bulk = 0;
	TRY(begin_saved(p, 0));
	CHECK_EQ(path_write(p, 15 * MSS), 15 * MSS);
	TRY(path_until(p, 1 * SEC, is_all_acked));
	TRY(path_run(p, 150 * MS));
	HOLDS(p, p->view.jumps == 0 && p->view.cwnd >= IW + 5);
	TRY(path_trickle(p, 50, 5000));
	HOLDS(p, p->view.state == RECONNAISSANCE && p->view.jumps == 0);
	cwnd = p->view.cwnd;
	p->is_bulk = 1;
	TRY(path_until(p, 1 * SEC, in_unvalidated));
	HOLDS(p, p->view.pipe <= cwnd + 1);
	TRY(path_until(p, 2 * SEC, in_normal));
	HOLDS(p, p->view.jumps == 1 && p->view.retreats == 0 && p->view.cwnd >= JUMP * 9 / 10);
	return path_close(p);
}

/* The kernel's own buffer holds little more than a window: a program that waits for room has more to send. */
static int small_buffer(void *arg)
{
	struct cc_path *p = path();

	p->wmem = "4096 16384 4194304";
	TRY(begin_saved(p, 0));
	TRY(path_until(p, 1 * SEC, in_unvalidated));
	HOLDS(p, p->packets <= 3 * IW);
	TRY(path_until(p, 1 * SEC, in_normal));
	HOLDS(p, p->view.retreats == 0 && p->view.cwnd >= JUMP * 8 / 10);
	return path_close(p);
}

/* A jump of which little was used: the window is what was, and not less than without a jump. */
static int little_used(void *arg)
{
	struct cc_path *p = path();
	uint32_t n;

	for (n = 22; n <= 40; n += 9) {
		p = path();
		p->is_bulk = 0;
		TRY(begin_saved(p, 0));
		CHECK_EQ(path_write(p, n * MSS), n * MSS);
		TRY(path_run(p, 1 * SEC));
		HOLDS(p, p->packets == n && p->view.inflight == 0);
		HOLDS(p, p->view.state == NORMAL || p->view.state == RECONNAISSANCE || p->view.state == VALIDATING);
		HOLDS(p, p->view.cwnd >= IW && p->view.cwnd <= n + IW);
		/* Nothing of the jump is left for later. */
		p->is_bulk = 1;
		TRY(path_run(p, p->rtt_ns * 9 / 10));
		HOLDS(p, p->packets - n <= n + IW);
		TRY(path_close(p));
	}
	return 0;
}

/* After a pause longer than the retransmission timeout: the restart window of RFC 5681, 4.1, before the jump and after it. */
static int idle(void *arg)
{
	struct cc_path *p = path();
	uint64_t packets;

	p->is_bulk = 0;
	TRY(begin_saved(p, 0));
	CHECK_EQ(path_write(p, 15 * MSS), 15 * MSS);
	TRY(path_run(p, 10 * SEC));
	packets = p->packets;
	p->is_bulk = 1;
	TRY(path_run(p, p->rtt_ns * 9 / 10));
	HOLDS(p, p->packets - packets == IW && p->view.jumps == 0);
	TRY(path_until(p, 1 * SEC, in_unvalidated));
	TRY(path_until(p, 1 * SEC, in_normal));
	HOLDS(p, p->view.cwnd >= JUMP * 9 / 10 && p->view.retreats == 0);
	p->is_bulk = 0;
	TRY(path_run(p, 10 * SEC));
	HOLDS(p, p->view.inflight == 0);
	packets = p->packets;
	p->is_bulk = 1;
	TRY(path_run(p, p->rtt_ns * 9 / 10));
	HOLDS(p, p->packets - packets == IW);
	TRY(path_run(p, 1 * SEC));
	HOLDS(p, p->view.jumps == 1 && p->view.state == NORMAL);
	return path_close(p);
}

/* ---- parameters ---- */

static int parameters(void *arg)
{
	static const struct {
		const char *key;
		uint64_t value;
		int err;
	} bad[] = {
		{ "saved_cwnd", 0, -ERANGE }, { "saved_cwnd", (1 << 20) + 1, -ERANGE }, { "saved_rtt_us", 0, -ERANGE },
		{ "saved_rtt_us", 60000001, -ERANGE }, { "init_cwnd", 0, -ERANGE }, { "init_cwnd", 65, -ERANGE },
		{ "saved_cwnd", 1ull << 32 | 100, -ERANGE }, { "phase", 1, -EACCES }, { "pipe_size", 1, -EACCES }, { "jumps", 1, -EACCES },
		{ "retreats", 1, -EACCES }, { "state", 1, -ENOENT },
	};
	static struct cc_path other;
	struct cc_path *p = path();
	unsigned int i;

	TRY(begin_saved(p, 0));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(lkl_cc_param(p->fd, bad[i].key, bad[i].value), bad[i].err);
	CHECK_EQ(path_param(p, "saved_cwnd"), SAVED);
	CHECK_EQ(path_param(p, "saved_rtt_us"), 100000);
	CHECK_EQ(lkl_cc_param(p->fd, "init_cwnd", 32), 0);
	CHECK_EQ(path_param(p, "init_cwnd"), 32);
	path_look(p);
	before = p->view;
	/* They are of this connection. */
	other = usual;
	TRY(path_open(&other, &acc_probe, 0));
	CHECK_EQ(path_param(&other, "saved_cwnd"), 0);
	CHECK_EQ(path_param(&other, "init_cwnd"), IW);
	TRY(path_close(&other));
	/* 32 packets at once, and the jump when they are acknowledged. */
	TRY(path_run(p, p->rtt_ns * 9 / 10));
	HOLDS(p, p->packets >= 20 && p->packets <= 32); /* paced behind the first ten */
	CHECK_EQ(lkl_cc_param(p->fd, "init_cwnd", 20), -EALREADY);
	TRY(path_until(p, 1 * SEC, in_unvalidated));
	HOLDS(p, p->view.pipe >= 32 && p->view.pipe <= 64);
	CHECK_EQ(lkl_cc_param(p->fd, "saved_cwnd", 100), -EALREADY);
	CHECK_EQ(lkl_cc_param(p->fd, "saved_rtt_us", 100000), -EALREADY);
	TRY(path_until(p, 1 * SEC, in_normal));
	CHECK_EQ(lkl_cc_param(p->fd, "saved_cwnd", 100), -EALREADY);
	return path_close(p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		PATH_CASE(resume),
		PATH_CASE(other_path),
		PATH_CASE(nothing_saved),
		PATH_CASE(loss_in_reconnaissance),
		PATH_CASE(mark_in_reconnaissance),
		PATH_CASE(loss_in_unvalidated),
		PATH_CASE(mark_in_unvalidated),
		PATH_CASE(loss_in_validating),
		PATH_CASE(mark_in_validating),
		PATH_CASE(narrow),
		PATH_CASE(timeout_in_unvalidated),
		PATH_CASE(app_limited),
		PATH_CASE(small_buffer),
		PATH_CASE(little_used),
		PATH_CASE(idle),
		PATH_CASE(parameters),
	};

	return RUN_PATH_CASES(tests, argc, argv);
}
