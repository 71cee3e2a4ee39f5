// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcp_acc_bbr.c - acc_bbr: BBR after draft-ietf-ccwg-bbr (BBRv3), with bounds by loss and ECN
 *
 * The path is two numbers, each the extreme of recent measurements:
 *
 *   max_bw  = max(delivery rate of samples in this and the last probing cycle)
 *   min_rtt = min(round trip in 10 s)                  bdp = max_bw * min_rtt
 *
 * and what loss and marks say about how much of it is ours:
 *
 *   bw        = min(max_bw, bw_shortterm)
 *   inflight <= inflight_longterm                      what a probe found to be safe; minus 15 % headroom when not probing
 *   inflight <= inflight_shortterm                     since the last probe
 *
 *   pacing rate = pacing_gain * bw * 0.99
 *   cwnd        = min(cwnd_gain * bdp + extra_acked, the bounds above)
 *
 * A round in which something was lost, not probing: bw_shortterm, inflight_shortterm = max(latest sample, 0.7 * themselves).
 * The same with 0.85 for a round with ECN echoes alone (RFC 3168 says "at least one mark in this round trip" and no more, so
 * the answer is that of RFC 8511). Probing: more than 2 % of a sample's flight lost, or an echo, makes that flight the
 * inflight_longterm and ends the probe.
 *
 *   STARTUP ── 3 rounds without 25 % more bandwidth, or too much loss ──▶ DRAIN
 *   gains 2.77, 2                                                          gain 0.5
 *                                                                            │ inflight <= bdp
 *             ┌──────────────────────────────────────────────────────────────┘
 *             ▼
 *   ProbeBW: DOWN ── inflight <= bdp and headroom ──▶ CRUISE ── 2..3 s, or as many rounds as Reno needs ──▶ REFILL
 *            0.9  ──────────── time to probe ─────────────────────────────────────────────────────────────▶ 1.0, one round
 *             ▲                                                                                               │
 *             └── loss, echoes, or 3 rounds without 25 % more bandwidth ──── UP, gains 1.25, 2.25 ◀───────────┘
 *
 *   any ── no new minimum of the round trip in 5 s ──▶ ProbeRTT: cwnd bdp/2 for 200 ms and a round ──▶ DOWN or STARTUP
 *
 * Names are the draft's (-02; the earlier bw_lo, inflight_lo and inflight_hi are bw_shortterm, inflight_shortterm and
 * inflight_longterm).
 *
 * What differs from the draft, because the stack is unmodified and tells less about each packet: a sample knows how much was
 * delivered between the sending of its packet and its acknowledgement, not what was in flight then. On a path that keeps
 * order these are the same but for losses, so tx_in_flight = delivered + lost during the sample, and "lost" is looked up in a
 * ring of (delivered, lost) pairs, about eight a window (lost_since()). Loss is judged per acknowledgement, not per packet.
 *
 * The state (struct acc_bbr) is larger than the socket's private area, which holds a pointer to it. Without memory for it a
 * connection is Reno (acc_bbr NULL).
 *
 * Source: draft-ietf-ccwg-bbr-02; RFC 8511 for the ECN factor. Parameters: acc_bbr_rows at the end.
 */
#include <linux/inet_diag.h>
#include <linux/math64.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "acc_cc.h"

#define GAIN_SCALE 8
#define GAIN_UNIT (1 << GAIN_SCALE)
#define NONE U32_MAX /* of a bound: there is none; infinity of the draft */

enum bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_PROBE_BW_DOWN,
	BBR_PROBE_BW_CRUISE,
	BBR_PROBE_BW_REFILL,
	BBR_PROBE_BW_UP,
	BBR_PROBE_RTT,
};

/* What the acknowledgements that arrive now belong to. */
enum bbr_ack_phase {
	ACKS_INIT,
	ACKS_REFILLING,
	ACKS_PROBE_STARTING,	/* sent before UP; it has begun */
	ACKS_PROBE_FEEDBACK,	/* sent in UP */
	ACKS_PROBE_STOPPING,	/* sent in UP; it has ended */
};

/* ---- constants of the draft ---- */

static const u32 bbr_gain_startup = GAIN_UNIT * 277 / 100 + 1;	/* 4 ln 2: doubles the rate each round */
static const u32 bbr_gain_drain = GAIN_UNIT / 2;
static const u32 bbr_gain_down = GAIN_UNIT * 90 / 100;
static const u32 bbr_gain_up = GAIN_UNIT * 5 / 4;
static const u32 bbr_cwnd_gain = GAIN_UNIT * 2;			/* allows for late and stretched acknowledgements */
static const u32 bbr_cwnd_gain_up = GAIN_UNIT * 9 / 4;		/* so that the pacing gain of UP is not cut by it */
static const u32 bbr_cwnd_gain_probe_rtt = GAIN_UNIT / 2;
static const u32 bbr_pacing_margin_percent = 1;			/* below the estimate, so that queues drain */
static const u32 bbr_full_bw_growth_percent = 125;
static const u32 bbr_full_bw_rounds = 3;
static const u32 bbr_full_loss_events = 6;			/* in a round, for STARTUP to end by loss */
static const u32 bbr_beta_percent = 70;
static const u32 bbr_headroom_percent = 15;			/* of inflight_longterm, left to others */
static const u32 bbr_loss_permille = 20;			/* default of "loss_permille" */
static const u32 bbr_ecn_beta_percent = 85;			/* default of "ecn_beta_percent" */
static const u32 bbr_probe_rtt_ms = 200;
static const u32 bbr_probe_rtt_interval_ms = 5000;		/* default of "probe_rtt_interval_ms"; min_rtt is of twice that */
static const u32 bbr_probe_wait_min_ms = 2000;
static const u32 bbr_probe_wait_spread_ms = 1000;		/* at random, so that flows don't probe in step */
static const u32 bbr_reno_rounds_max = 63;			/* a Reno flow of this window grows by it in as many rounds */
static const u32 bbr_min_pipe_cwnd = 4;
static const u32 bbr_extra_acked_rounds = 10;			/* two windows of half of it */
static const u32 bbr_send_quantum_bytes = 65536;		/* what segmentation offload takes at once */
static const u32 bbr_slow_bytes = 150000;			/* per second (1.2 Mbit/s): below, packets are sent one by one */
static const u32 bbr_rtt_guess_us = 1000;			/* for the first pacing rate, before any sample */

#define RING 16

struct acc_bbr {
	/* model of the path */
	u32 max_bw[2];		/* cycle before, this one */
	u32 bw_shortterm, bw_latest;
	u32 inflight_longterm, inflight_shortterm, inflight_latest;
	u32 min_rtt_us, min_rtt_ms;		/* value, when */
	u32 probe_rtt_min_us, probe_rtt_min_ms;
	u32 full_bw;
	u32 extra_acked[2], extra_acked_round;
	u32 ack_epoch_us, ack_epoch_acked;
	/* rounds; counts of tp->delivered */
	u32 next_round_delivered, loss_round_delivered, rounds;
	/* probing */
	u32 cycle_ms, probe_wait_ms, probe_rtt_done_ms;
	u32 rounds_since_probe, probe_up_rounds, probe_up_cnt, probe_up_acks;
	u32 prior_cwnd;
	u32 undo_bw_shortterm, undo_inflight_shortterm, undo_inflight_longterm;
	u32 gain, cwnd_gain;
	u32 next_pair_delivered;
	u32 probe_rtts;				/* how often, to be read */
	u8 state, ack_phase, full_bw_count, prev_ca_state, ring_at;
	u8 loss_events_in_round;
	bool round_start : 1, loss_round_start : 1, loss_in_round : 1, ecn_in_round : 1, full_bw_reached : 1, full_bw_now : 1,
	     is_probe_sample : 1, idle_restart : 1, probe_rtt_round_done : 1, has_seen_rtt : 1, is_cwnd_saved : 1;
	/* parameters */
	u32 loss_permille, ecn_beta_percent, probe_rtt_interval_ms;
	/* for lost_since() */
	struct {
		u32 delivered, lost;
	} ring[RING];
};

static struct acc_bbr *bbr_of(const struct sock *sk)
{
	return *(struct acc_bbr **)inet_csk_ca(sk);
}

/* ---- small helpers ---- */

static u32 now_ms(const struct tcp_sock *tp)
{
	return div_u64(tp->tcp_mstamp, USEC_PER_MSEC);
}

static u32 ms_since(u32 now, u32 then)
{
	return now - then;
}

static u32 bbr_max_bw(const struct acc_bbr *b)
{
	return max(b->max_bw[0], b->max_bw[1]);
}

static u32 bbr_bw(const struct acc_bbr *b)
{
	return min(bbr_max_bw(b), b->bw_shortterm);
}

/* gain * bdp; without a round trip, the initial window. */
static u32 bbr_bdp(const struct acc_bbr *b, u32 bw, u32 gain)
{
	if (b->min_rtt_us == NONE)
		return TCP_INIT_CWND;
	return (u64)acc_bdp(bw, b->min_rtt_us) * gain >> GAIN_SCALE;
}

static u32 percent_of(u32 value, u32 percent)
{
	return div_u64((u64)value * percent, 100);
}

static bool is_in_probe_bw(const struct acc_bbr *b)
{
	return b->state >= BBR_PROBE_BW_DOWN && b->state <= BBR_PROBE_BW_UP;
}

static bool is_probing_bw(const struct acc_bbr *b)
{
	return b->state == BBR_STARTUP || b->state == BBR_PROBE_BW_REFILL || b->state == BBR_PROBE_BW_UP;
}

/*
 * Packets that are sent at once: what the pacing rate is in a millisecond, 64 KiB at most, two at least. Not tp->gso_segs, which is
 * what the interface would take.
 */
static u32 bbr_send_quantum(const struct sock *sk)
{
	u32 mss = max(tcp_sk(sk)->mss_cache, 1U);
	u64 rate = READ_ONCE(sk->sk_pacing_rate);

	if (rate < bbr_slow_bytes)
		return 1;
	return max_t(u32, min_t(u64, div_u64(rate, MSEC_PER_SEC), bbr_send_quantum_bytes) / mss, 2);
}

/* Room for whole bursts of segmentation offload at both ends, and never less than the protocol needs. */
static u32 bbr_quantize(const struct sock *sk, const struct acc_bbr *b, u32 inflight)
{
	inflight = max(inflight, 3 * bbr_send_quantum(sk));
	inflight = max(inflight, bbr_min_pipe_cwnd);
	return b->state == BBR_PROBE_BW_UP ? inflight + 2 : inflight;
}

static u32 bbr_inflight(const struct sock *sk, const struct acc_bbr *b, u32 gain)
{
	return bbr_quantize(sk, b, bbr_bdp(b, bbr_max_bw(b), gain));
}

static u32 bbr_inflight_with_headroom(const struct acc_bbr *b)
{
	if (b->inflight_longterm == NONE)
		return NONE;
	return max(b->inflight_longterm - max(1U, percent_of(b->inflight_longterm, bbr_headroom_percent)), bbr_min_pipe_cwnd);
}

static u32 bbr_target_inflight(const struct sock *sk, const struct acc_bbr *b)
{
	return min(bbr_bdp(b, bbr_bw(b), GAIN_UNIT), tcp_snd_cwnd(tcp_sk(sk)));
}

static u32 bbr_probe_rtt_cwnd(const struct acc_bbr *b)
{
	return max(bbr_bdp(b, bbr_bw(b), bbr_cwnd_gain_probe_rtt), bbr_min_pipe_cwnd);
}

static void start_round(struct sock *sk, struct acc_bbr *b)
{
	b->next_round_delivered = tcp_sk(sk)->delivered;
}

static void save_cwnd(struct sock *sk, struct acc_bbr *b)
{
	u32 cwnd = tcp_snd_cwnd(tcp_sk(sk));

	/* In recovery or ProbeRTT it is not what the path was found to carry. */
	if (b->prev_ca_state < TCP_CA_Recovery && b->state != BBR_PROBE_RTT)
		b->prior_cwnd = cwnd;
	else
		b->prior_cwnd = max(b->prior_cwnd, cwnd);
}

static void restore_cwnd(struct sock *sk, struct acc_bbr *b)
{
	tcp_snd_cwnd_set(tcp_sk(sk), max(tcp_snd_cwnd(tcp_sk(sk)), b->prior_cwnd));
}

/* ---- losses of a sample ---- */

/* Remember where we are, about eight times a window. */
static void ring_push(const struct tcp_sock *tp, struct acc_bbr *b)
{
	if (!acc_is_after_or_at(tp->delivered, b->next_pair_delivered))
		return;
	b->next_pair_delivered = tp->delivered + max(tcp_snd_cwnd(tp) / 8, 1U);
	b->ring_at = (b->ring_at + 1) % RING;
	b->ring[b->ring_at].delivered = tp->delivered;
	b->ring[b->ring_at].lost = tp->lost;
}

/* Packets lost since `delivered` had this value: from the newest pair that is not newer, else from the oldest. */
static u32 lost_since(const struct tcp_sock *tp, const struct acc_bbr *b, u32 delivered)
{
	unsigned int i, at = b->ring_at;

	for (i = 0; i < RING - 1; i++) {
		if (acc_is_after_or_at(delivered, b->ring[at].delivered))
			break;
		at = (at + RING - 1) % RING;
	}
	return tp->lost - b->ring[at].lost;
}

/* ---- states ---- */

static void reset_full_bw(struct acc_bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

static void reset_shortterm(struct acc_bbr *b)
{
	b->bw_shortterm = NONE;
	b->inflight_shortterm = NONE;
}

static void reset_signals(struct acc_bbr *b)
{
	b->loss_in_round = false;
	b->ecn_in_round = false;
	b->loss_events_in_round = 0;
	b->bw_latest = 0;
	b->inflight_latest = 0;
}

static void enter_state(struct acc_bbr *b, enum bbr_state state)
{
	static const struct {
		const u32 *gain, *cwnd_gain;
	} gains[] = {
		[BBR_STARTUP] = { &bbr_gain_startup, &bbr_cwnd_gain },
		[BBR_DRAIN] = { &bbr_gain_drain, &bbr_cwnd_gain },
		[BBR_PROBE_BW_DOWN] = { &bbr_gain_down, &bbr_cwnd_gain },
		[BBR_PROBE_BW_UP] = { &bbr_gain_up, &bbr_cwnd_gain_up },
		[BBR_PROBE_RTT] = { NULL, &bbr_cwnd_gain_probe_rtt },
		[BBR_PROBE_BW_CRUISE] = { NULL, &bbr_cwnd_gain },
		[BBR_PROBE_BW_REFILL] = { NULL, &bbr_cwnd_gain },
	};

	b->state = state;
	b->gain = gains[state].gain ? *gains[state].gain : GAIN_UNIT;
	b->cwnd_gain = *gains[state].cwnd_gain;
}

static void start_down(struct sock *sk, struct acc_bbr *b)
{
	reset_signals(b);
	b->probe_up_cnt = NONE;
	b->rounds_since_probe = get_random_u32_below(2);
	b->probe_wait_ms = bbr_probe_wait_min_ms + get_random_u32_below(bbr_probe_wait_spread_ms);
	b->cycle_ms = now_ms(tcp_sk(sk));
	b->ack_phase = ACKS_PROBE_STOPPING;
	start_round(sk, b);
	enter_state(b, BBR_PROBE_BW_DOWN);
}

static void start_refill(struct sock *sk, struct acc_bbr *b)
{
	reset_shortterm(b);
	b->probe_up_rounds = 0;
	b->probe_up_acks = 0;
	b->ack_phase = ACKS_REFILLING;
	start_round(sk, b);
	enter_state(b, BBR_PROBE_BW_REFILL);
}

/* inflight_longterm may grow by one packet each probe_up_cnt ones that are acknowledged: 1, 2, 4 ... a round. */
static void raise_slope(struct sock *sk, struct acc_bbr *b)
{
	u32 growth = 1U << b->probe_up_rounds;

	b->probe_up_rounds = min(b->probe_up_rounds + 1, 30U);
	b->probe_up_cnt = max(tcp_snd_cwnd(tcp_sk(sk)) / growth, 1U);
}

static void start_up(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	b->ack_phase = ACKS_PROBE_STARTING;
	start_round(sk, b);
	reset_full_bw(b);
	b->full_bw = acc_rs_bw(rs);
	enter_state(b, BBR_PROBE_BW_UP);
	raise_slope(sk, b);
}

static void advance_max_bw(struct acc_bbr *b)
{
	if (!b->max_bw[1])
		return; /* nothing was measured in this cycle */
	b->max_bw[0] = b->max_bw[1];
	b->max_bw[1] = 0;
}

/* ---- signals of loss and marks ---- */

static bool is_inflight_too_high(const struct tcp_sock *tp, const struct acc_bbr *b, const struct rate_sample *rs,
				 u32 *tx_in_flight)
{
	u32 lost;

	if (rs->delivered <= 0) {
		*tx_in_flight = 0;
		return false;
	}
	lost = lost_since(tp, b, rs->prior_delivered);
	*tx_in_flight = rs->delivered + lost;
	if (rs->delivered_ce > 0)
		return true;
	/*
	 * Not only if this acknowledgement brought a loss: the others of a probe that overflowed the queue tell of the same flight,
	 * lost packets and all, and would raise inflight_longterm above what the path holds, headroom and all.
	 */
	return (u64)lost * 1000 > (u64)*tx_in_flight * b->loss_permille;
}

static void handle_inflight_too_high(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs, u32 tx_in_flight)
{
	b->is_probe_sample = false; /* once a probe */
	if (!rs->is_app_limited)
		b->inflight_longterm = max(tx_in_flight, percent_of(bbr_target_inflight(sk, b), bbr_beta_percent));
	if (b->state == BBR_PROBE_BW_UP)
		start_down(sk, b);
}

static void update_round(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	b->round_start = false;
	if (rs->interval_us <= 0 || !acc_is_after_or_at(rs->prior_delivered, b->next_round_delivered))
		return;
	start_round(sk, b);
	b->rounds++;
	b->rounds_since_probe++;
	b->round_start = true;
}

static void adapt_shortterm(struct sock *sk, struct acc_bbr *b)
{
	u32 percent = b->loss_in_round ? bbr_beta_percent : b->ecn_beta_percent;

	if (is_probing_bw(b) || (!b->loss_in_round && !b->ecn_in_round))
		return;
	if (b->bw_shortterm == NONE)
		b->bw_shortterm = bbr_max_bw(b);
	if (b->inflight_shortterm == NONE)
		b->inflight_shortterm = tcp_snd_cwnd(tcp_sk(sk));
	/* What arrived in spite of a loss is there to be used; a mark asks for less than that. */
	if (b->loss_in_round) {
		b->bw_shortterm = max(b->bw_latest, percent_of(b->bw_shortterm, percent));
		b->inflight_shortterm = max(b->inflight_latest, percent_of(b->inflight_shortterm, percent));
	} else {
		b->inflight_shortterm = percent_of(b->inflight_shortterm, percent);
	}
	b->inflight_shortterm = max(b->inflight_shortterm, bbr_min_pipe_cwnd);
}

/* Too much lost in STARTUP: in a round of recovery, often enough. */
static void check_startup_high_loss(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	u32 tx_in_flight;

	if (b->full_bw_reached || b->state != BBR_STARTUP)
		return;
	if (!is_inflight_too_high(tcp_sk(sk), b, rs, &tx_in_flight) &&
	    (u64)lost_since(tcp_sk(sk), b, rs->prior_delivered) * 1000 <= (u64)tx_in_flight * b->loss_permille)
		return;
	if (!b->ecn_in_round && (b->loss_events_in_round < bbr_full_loss_events || b->prev_ca_state < TCP_CA_Recovery))
		return;
	b->full_bw_reached = true;
	b->inflight_longterm = max(bbr_bdp(b, bbr_max_bw(b), GAIN_UNIT), b->inflight_latest);
}

static void update_signals(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	u32 bw = acc_rs_bw(rs);

	b->loss_round_start = false;
	if (rs->interval_us <= 0 || rs->acked_sacked == 0)
		return;
	b->bw_latest = max(b->bw_latest, bw);
	b->inflight_latest = max_t(u32, b->inflight_latest, rs->delivered);
	if (acc_is_after_or_at(rs->prior_delivered, b->loss_round_delivered)) {
		b->loss_round_delivered = tcp_sk(sk)->delivered;
		b->loss_round_start = true;
	}
	if (bw >= bbr_max_bw(b) || !rs->is_app_limited)
		b->max_bw[1] = max(b->max_bw[1], bw);
	if (rs->losses > 0) {
		b->loss_in_round = true;
		if (b->loss_events_in_round < U8_MAX)
			b->loss_events_in_round++;
	}
	if (rs->delivered_ce > 0)
		b->ecn_in_round = true;
	if (!b->loss_round_start)
		return;
	adapt_shortterm(sk, b);
	check_startup_high_loss(sk, b, rs);
	b->loss_in_round = false;
	b->ecn_in_round = false;
	b->loss_events_in_round = 0;
}

static void advance_signals(struct acc_bbr *b, const struct rate_sample *rs)
{
	if (!b->loss_round_start)
		return;
	b->bw_latest = acc_rs_bw(rs);
	b->inflight_latest = max(rs->delivered, 0);
}

/* More acknowledged at once than the bandwidth explains: that much is in flight and of no use (aggregation). */
static void update_aggregation(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 expected, extra;

	if (rs->acked_sacked == 0 || rs->delivered < 0 || rs->interval_us <= 0)
		return;
	if (b->round_start && ++b->extra_acked_round >= bbr_extra_acked_rounds / 2) {
		b->extra_acked_round = 0;
		b->extra_acked[0] = b->extra_acked[1];
		b->extra_acked[1] = 0;
	}
	expected = acc_bdp(bbr_bw(b), (u32)tp->delivered_mstamp - b->ack_epoch_us);
	if (b->ack_epoch_acked <= expected || b->ack_epoch_acked + rs->acked_sacked > 1U << 20) {
		b->ack_epoch_acked = 0;
		b->ack_epoch_us = (u32)tp->delivered_mstamp;
		expected = 0;
	}
	b->ack_epoch_acked += rs->acked_sacked;
	extra = min(b->ack_epoch_acked - expected, tcp_snd_cwnd(tp));
	b->extra_acked[1] = max(b->extra_acked[1], extra);
}

/* ---- the ways between states ---- */

static void check_full_bw(struct acc_bbr *b, const struct rate_sample *rs)
{
	u32 bw = acc_rs_bw(rs);

	if (b->full_bw_now || !b->round_start || rs->is_app_limited || !bw)
		return;
	if ((u64)bw * 100 >= (u64)b->full_bw * bbr_full_bw_growth_percent) {
		reset_full_bw(b);
		b->full_bw = bw;
		return;
	}
	b->full_bw_now = ++b->full_bw_count >= bbr_full_bw_rounds;
	if (b->full_bw_now)
		b->full_bw_reached = true;
}

static void check_startup_and_drain(struct sock *sk, struct acc_bbr *b)
{
	if (b->state == BBR_STARTUP && b->full_bw_reached) {
		enter_state(b, BBR_DRAIN);
		tcp_sk(sk)->snd_ssthresh = bbr_inflight(sk, b, GAIN_UNIT); /* to be seen; not used here */
	}
	if (b->state == BBR_DRAIN && tcp_packets_in_flight(tcp_sk(sk)) <= bbr_inflight(sk, b, GAIN_UNIT))
		start_down(sk, b);
}

static bool check_time_to_probe(struct sock *sk, struct acc_bbr *b)
{
	if (ms_since(now_ms(tcp_sk(sk)), b->cycle_ms) <= b->probe_wait_ms &&
	    b->rounds_since_probe < min(bbr_target_inflight(sk, b), bbr_reno_rounds_max))
		return false;
	start_refill(sk, b);
	return true;
}

static void probe_longterm_upward(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->is_cwnd_limited || tcp_snd_cwnd(tp) < b->inflight_longterm)
		return;
	b->probe_up_acks += rs->acked_sacked;
	if (b->probe_up_acks >= b->probe_up_cnt) {
		b->inflight_longterm += b->probe_up_acks / b->probe_up_cnt;
		b->probe_up_acks %= b->probe_up_cnt;
	}
	if (b->round_start)
		raise_slope(sk, b);
}

static void adapt_longterm(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	u32 tx_in_flight;

	if (b->ack_phase == ACKS_PROBE_STARTING && b->round_start)
		b->ack_phase = ACKS_PROBE_FEEDBACK;
	if (b->ack_phase == ACKS_PROBE_STOPPING && b->round_start) {
		b->is_probe_sample = false;
		b->ack_phase = ACKS_INIT;
		if (is_in_probe_bw(b) && !rs->is_app_limited)
			advance_max_bw(b);
	}
	if (is_inflight_too_high(tcp_sk(sk), b, rs, &tx_in_flight)) {
		if (b->is_probe_sample)
			handle_inflight_too_high(sk, b, rs, tx_in_flight);
		return;
	}
	if (b->inflight_longterm == NONE)
		return;
	b->inflight_longterm = max(b->inflight_longterm, tx_in_flight);
	if (b->state == BBR_PROBE_BW_UP)
		probe_longterm_upward(sk, b, rs);
}

static bool is_time_to_cruise(struct sock *sk, const struct acc_bbr *b)
{
	u32 inflight = tcp_packets_in_flight(tcp_sk(sk));

	return inflight <= bbr_inflight_with_headroom(b) && inflight <= bbr_inflight(sk, b, GAIN_UNIT);
}

static bool is_time_to_go_down(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	struct tcp_sock *tp = tcp_sk(sk);

	/* Held back by inflight_longterm: what it allows is not yet the path's end. */
	if (tp->is_cwnd_limited && tcp_snd_cwnd(tp) >= b->inflight_longterm) {
		reset_full_bw(b);
		b->full_bw = acc_rs_bw(rs);
		return false;
	}
	return b->full_bw_now;
}

static void update_cycle(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	if (!b->full_bw_reached)
		return;
	adapt_longterm(sk, b, rs);
	switch (b->state) {
	case BBR_PROBE_BW_DOWN:
		if (!check_time_to_probe(sk, b) && is_time_to_cruise(sk, b))
			enter_state(b, BBR_PROBE_BW_CRUISE);
		break;
	case BBR_PROBE_BW_CRUISE:
		check_time_to_probe(sk, b);
		break;
	case BBR_PROBE_BW_REFILL:
		if (b->round_start) {
			b->is_probe_sample = true;
			start_up(sk, b, rs);
		}
		break;
	case BBR_PROBE_BW_UP:
		if (is_time_to_go_down(sk, b, rs))
			start_down(sk, b);
		break;
	}
}

static void check_probe_rtt_done(struct sock *sk, struct acc_bbr *b)
{
	u32 now = now_ms(tcp_sk(sk));

	if (!b->probe_rtt_done_ms || (s32)(now - b->probe_rtt_done_ms) <= 0)
		return;
	b->probe_rtt_min_ms = now;
	restore_cwnd(sk, b);
	reset_shortterm(b);
	if (b->full_bw_reached) {
		start_down(sk, b);
		enter_state(b, BBR_PROBE_BW_CRUISE);
	} else {
		enter_state(b, BBR_STARTUP);
	}
}

static void probe_rtt(struct sock *sk, struct acc_bbr *b)
{
	struct tcp_sock *tp = tcp_sk(sk);

	/* These samples say nothing about the bandwidth. */
	tp->app_limited = (tp->delivered + tcp_packets_in_flight(tp)) ? : 1;
	if (!b->probe_rtt_done_ms) {
		if (tcp_packets_in_flight(tp) > bbr_probe_rtt_cwnd(b))
			return;
		b->probe_rtt_done_ms = (now_ms(tp) + bbr_probe_rtt_ms) ? : 1;
		b->probe_rtt_round_done = false;
		start_round(sk, b);
		return;
	}
	if (b->round_start)
		b->probe_rtt_round_done = true;
	if (b->probe_rtt_round_done)
		check_probe_rtt_done(sk, b);
}

static void update_min_rtt(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	u32 now = now_ms(tcp_sk(sk));
	bool is_expired = ms_since(now, b->probe_rtt_min_ms) > b->probe_rtt_interval_ms;

	if (rs->rtt_us >= 0 && (rs->rtt_us < b->probe_rtt_min_us || (is_expired && !rs->is_ack_delayed))) {
		b->probe_rtt_min_us = max_t(u32, rs->rtt_us, 1);
		b->probe_rtt_min_ms = now;
	}
	if (b->probe_rtt_min_us < b->min_rtt_us || ms_since(now, b->min_rtt_ms) > 2 * b->probe_rtt_interval_ms) {
		b->min_rtt_us = b->probe_rtt_min_us;
		b->min_rtt_ms = b->probe_rtt_min_ms;
	}
	if (is_expired && b->state != BBR_PROBE_RTT && !b->idle_restart) {
		save_cwnd(sk, b);
		enter_state(b, BBR_PROBE_RTT);
		b->probe_rtts++;
		b->probe_rtt_done_ms = 0;
		b->ack_phase = ACKS_PROBE_STOPPING;
		start_round(sk, b);
	}
	if (b->state == BBR_PROBE_RTT)
		probe_rtt(sk, b);
	if (rs->delivered > 0)
		b->idle_restart = false;
}

/* ---- from the model to the socket ---- */

static void set_pacing(struct sock *sk, struct acc_bbr *b, u32 bw, u32 gain)
{
	u64 rate = acc_bw_bytes(sk, bw);

	rate = div_u64((rate * gain >> GAIN_SCALE) * (100 - bbr_pacing_margin_percent), 100);
	/* Before the path is known a lower sample is no reason to slow down. */
	if (b->full_bw_reached || rate > READ_ONCE(sk->sk_pacing_rate))
		acc_pace(sk, rate);
}

/* As if the initial window were one bandwidth-delay product of the first round trip. */
static void init_pacing(struct sock *sk, struct acc_bbr *b)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 rtt_us = bbr_rtt_guess_us;

	if (tp->srtt_us) {
		rtt_us = max(tp->srtt_us >> 3, 1U);
		b->has_seen_rtt = true;
	}
	WRITE_ONCE(sk->sk_pacing_rate, 0);
	set_pacing(sk, b, min_t(u64, div_u64((u64)tcp_snd_cwnd(tp) << ACC_BW_SCALE, rtt_us), NONE), bbr_gain_startup);
}

static u32 bound_by_model(const struct acc_bbr *b, u32 cwnd)
{
	u32 cap = NONE;

	if (is_in_probe_bw(b) && b->state != BBR_PROBE_BW_CRUISE)
		cap = b->inflight_longterm;
	else if (b->state == BBR_PROBE_RTT || b->state == BBR_PROBE_BW_CRUISE)
		cap = bbr_inflight_with_headroom(b);
	cap = max(min(cap, b->inflight_shortterm), bbr_min_pipe_cwnd);
	return min(cwnd, cap);
}

static void set_cwnd(struct sock *sk, struct acc_bbr *b, const struct rate_sample *rs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 cwnd = tcp_snd_cwnd(tp), max_inflight;
	u8 state = inet_csk(sk)->icsk_ca_state;

	if (b->prev_ca_state >= TCP_CA_Recovery && state < TCP_CA_Recovery) {
		restore_cwnd(sk, b);
		cwnd = tcp_snd_cwnd(tp);
	}
	b->prev_ca_state = state;
	/* What is lost has left the path; recovery sends no more than arrives until the next lines allow it. */
	if (rs->losses > 0)
		cwnd = max_t(s32, (s32)cwnd - rs->losses, 1);
	if (rs->acked_sacked) {
		max_inflight = bbr_bdp(b, bbr_bw(b), b->cwnd_gain);
		if (b->full_bw_reached)
			max_inflight += max(b->extra_acked[0], b->extra_acked[1]);
		max_inflight = bbr_quantize(sk, b, max_inflight);
		if (b->full_bw_reached)
			cwnd = min(cwnd + rs->acked_sacked, max_inflight);
		else if (cwnd < max_inflight || tp->delivered < 2 * TCP_INIT_CWND)
			cwnd += rs->acked_sacked;
		cwnd = max(cwnd, bbr_min_pipe_cwnd);
	}
	cwnd = bound_by_model(b, cwnd);
	if (b->state == BBR_PROBE_RTT)
		cwnd = min(cwnd, bbr_probe_rtt_cwnd(b));
	tcp_snd_cwnd_set(tp, min(cwnd, tp->snd_cwnd_clamp));
}

/* ---- hooks ---- */

ACC_CONG_CONTROL(acc_bbr_main)
{
	struct acc_bbr *b = bbr_of(sk);

	if (unlikely(!b)) {
		tcp_reno_cong_avoid(sk, tcp_sk(sk)->snd_una, rs->acked_sacked);
		return;
	}
	update_round(sk, b, rs);
	update_signals(sk, b, rs);
	update_aggregation(sk, b, rs);
	check_full_bw(b, rs);
	check_startup_and_drain(sk, b);
	update_cycle(sk, b, rs);
	update_min_rtt(sk, b, rs);
	advance_signals(b, rs);
	ring_push(tcp_sk(sk), b);
	if (unlikely(!b->has_seen_rtt && tcp_sk(sk)->srtt_us))
		init_pacing(sk, b);
	set_pacing(sk, b, bbr_bw(b), b->gain);
	set_cwnd(sk, b, rs);
}

/* Something to send after nothing was in flight. Only if the program had nothing to send is it a restart. */
static void acc_bbr_tx_start(struct sock *sk)
{
	struct acc_bbr *b = bbr_of(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	if (!b || !tp->app_limited)
		return;
	b->idle_restart = true;
	b->ack_epoch_us = (u32)tp->tcp_mstamp;
	b->ack_epoch_acked = 0;
	if (is_in_probe_bw(b))
		set_pacing(sk, b, bbr_bw(b), GAIN_UNIT); /* no burst: the queue of others may be there */
	else if (b->state == BBR_PROBE_RTT && b->probe_rtt_round_done)
		check_probe_rtt_done(sk, b);
}
ACC_TX_START(acc_bbr_tx_start)

/* Called when loss or ECN begins; cwnd is ours, so this only remembers. */
static u32 acc_bbr_ssthresh(struct sock *sk)
{
	struct acc_bbr *b = bbr_of(sk);

	if (!b)
		return tcp_reno_ssthresh(sk);
	save_cwnd(sk, b);
	b->undo_bw_shortterm = b->bw_shortterm;
	b->undo_inflight_shortterm = b->inflight_shortterm;
	b->undo_inflight_longterm = b->inflight_longterm;
	return tcp_sk(sk)->snd_ssthresh;
}

/* Nothing was lost after all: take back what was concluded from it. */
static u32 acc_bbr_undo_cwnd(struct sock *sk)
{
	struct acc_bbr *b = bbr_of(sk);

	if (!b)
		return tcp_reno_undo_cwnd(sk);
	reset_full_bw(b);
	b->loss_in_round = false;
	b->bw_shortterm = max(b->bw_shortterm, b->undo_bw_shortterm);
	b->inflight_shortterm = max(b->inflight_shortterm, b->undo_inflight_shortterm);
	b->inflight_longterm = max(b->inflight_longterm, b->undo_inflight_longterm);
	return max(tcp_snd_cwnd(tcp_sk(sk)), b->prior_cwnd);
}

static void acc_bbr_set_state(struct sock *sk, u8 new_state)
{
	struct acc_bbr *b = bbr_of(sk);

	if (!b || new_state != TCP_CA_Loss)
		return;
	/* A timeout: the stack starts with what is in flight and one more; what the model says comes back with the acks. */
	b->prev_ca_state = TCP_CA_Loss;
	reset_full_bw(b);
	if (!is_probing_bw(b) && b->inflight_shortterm == NONE)
		b->inflight_shortterm = max(b->prior_cwnd, tcp_snd_cwnd(tcp_sk(sk)));
}

static void acc_bbr_init(struct sock *sk)
{
	struct acc_bbr **at = inet_csk_ca(sk), *b;
	struct tcp_sock *tp = tcp_sk(sk);
	unsigned int i;

	b = *at = kzalloc(sizeof(*b), GFP_ATOMIC | __GFP_NOWARN);
	if (!b)
		return;
	b->loss_permille = bbr_loss_permille;
	b->ecn_beta_percent = bbr_ecn_beta_percent;
	b->probe_rtt_interval_ms = bbr_probe_rtt_interval_ms;
	b->inflight_longterm = NONE;
	reset_shortterm(b);
	b->probe_up_cnt = NONE;
	b->prior_cwnd = tcp_snd_cwnd(tp);
	b->min_rtt_us = tcp_min_rtt(tp);
	b->min_rtt_ms = now_ms(tp);
	b->probe_rtt_min_us = b->min_rtt_us;
	b->probe_rtt_min_ms = b->min_rtt_ms;
	b->undo_bw_shortterm = b->undo_inflight_shortterm = b->undo_inflight_longterm = NONE;
	b->ack_epoch_us = (u32)tp->tcp_mstamp;
	start_round(sk, b);
	b->loss_round_delivered = tp->delivered;
	b->next_pair_delivered = tp->delivered;
	for (i = 0; i < RING; i++) {
		b->ring[i].delivered = tp->delivered;
		b->ring[i].lost = tp->lost;
	}
	tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
	enter_state(b, BBR_STARTUP);
	init_pacing(sk, b);
	acc_pacing_needed(sk);
}

static void acc_bbr_release(struct sock *sk)
{
	struct acc_bbr **at = inet_csk_ca(sk);

	kfree(*at);
	*at = NULL;
}

/* For slow starts of retransmissions and bursts at a high rate. */
static u32 acc_bbr_sndbuf_expand(struct sock *sk)
{
	return 3;
}

static u32 acc_bbr_min_tso_segs(struct sock *sk)
{
	return READ_ONCE(sk->sk_pacing_rate) < bbr_slow_bytes ? 1 : 2;
}

static size_t acc_bbr_get_info(struct sock *sk, u32 ext, int *attr, union tcp_cc_info *info)
{
	const struct acc_bbr *b = bbr_of(sk);
	u64 bytes;

	if (!b || !(ext & (1 << (INET_DIAG_BBRINFO - 1)) || ext & (1 << (INET_DIAG_VEGASINFO - 1))))
		return 0;
	bytes = acc_bw_bytes(sk, bbr_bw(b));
	memset(&info->bbr, 0, sizeof(info->bbr));
	info->bbr.bbr_bw_lo = (u32)bytes;
	info->bbr.bbr_bw_hi = (u32)(bytes >> 32);
	info->bbr.bbr_min_rtt = b->min_rtt_us;
	info->bbr.bbr_pacing_gain = b->gain;
	info->bbr.bbr_cwnd_gain = b->cwnd_gain;
	*attr = INET_DIAG_BBRINFO;
	return sizeof(info->bbr);
}

static struct tcp_congestion_ops acc_bbr __read_mostly = {
	.name = "acc_bbr",
	.owner = THIS_MODULE,
	.flags = TCP_CONG_NON_RESTRICTED,
	.init = acc_bbr_init,
	.release = acc_bbr_release,
	.cong_control = acc_bbr_main,
	ACC_OPS_TX_START(acc_bbr_tx_start),
	.set_state = acc_bbr_set_state,
	.ssthresh = acc_bbr_ssthresh,
	.undo_cwnd = acc_bbr_undo_cwnd,
	.sndbuf_expand = acc_bbr_sndbuf_expand,
	.min_tso_segs = acc_bbr_min_tso_segs,
	.get_info = acc_bbr_get_info,
};

/* ---- parameters, and what is to be seen of the state ---- */

#define PARAM(name) \
	static int set_##name(struct sock *sk, u64 value) \
	{ \
		struct acc_bbr *b = bbr_of(sk); \
		if (!b) \
			return -ENOMEM; \
		b->name = value; \
		return 0; \
	} \
	SHOW(name, b->name)
#define SHOW(name, value) \
	static u64 get_##name(struct sock *sk) \
	{ \
		const struct acc_bbr *b = bbr_of(sk); \
		return b ? value : 0; \
	}

PARAM(loss_permille)
PARAM(ecn_beta_percent)
PARAM(probe_rtt_interval_ms)
SHOW(state, b->state)
SHOW(max_bw, acc_bw_bytes(sk, bbr_max_bw(b)))
SHOW(bw_shortterm, b->bw_shortterm == NONE ? U64_MAX : acc_bw_bytes(sk, b->bw_shortterm))
SHOW(inflight_longterm, b->inflight_longterm)
SHOW(inflight_shortterm, b->inflight_shortterm)
SHOW(min_rtt_us, b->min_rtt_us)
SHOW(rounds, b->rounds)
SHOW(probe_rtts, b->probe_rtts)
SHOW(full_bw_reached, b->full_bw_reached)

static const struct lkl_cc_row acc_bbr_rows[] = {
	{ "loss_permille", 1, 500, set_loss_permille, get_loss_permille },
	{ "ecn_beta_percent", 50, 100, set_ecn_beta_percent, get_ecn_beta_percent },
	{ "probe_rtt_interval_ms", 500, 60000, set_probe_rtt_interval_ms, get_probe_rtt_interval_ms },
	{ "state", 0, 0, NULL, get_state },				/* enum bbr_state */
	{ "max_bw", 0, 0, NULL, get_max_bw },				/* bytes per second */
	{ "bw_shortterm", 0, 0, NULL, get_bw_shortterm },
	{ "inflight_longterm", 0, 0, NULL, get_inflight_longterm },	/* packets; U32_MAX: no bound */
	{ "inflight_shortterm", 0, 0, NULL, get_inflight_shortterm },
	{ "min_rtt_us", 0, 0, NULL, get_min_rtt_us },
	{ "rounds", 0, 0, NULL, get_rounds },
	{ "probe_rtts", 0, 0, NULL, get_probe_rtts },
	{ "full_bw_reached", 0, 0, NULL, get_full_bw_reached },
};

static struct lkl_cc_params acc_bbr_params = { .rows = acc_bbr_rows, .n_rows = ARRAY_SIZE(acc_bbr_rows) };

static int __init acc_bbr_register(void)
{
	BUILD_BUG_ON(sizeof(struct acc_bbr *) > ICSK_CA_PRIV_SIZE);
	return lkl_cc_register(&acc_bbr, &acc_bbr_params);
}

static void __exit acc_bbr_unregister(void)
{
	lkl_cc_unregister(&acc_bbr, &acc_bbr_params);
}

module_init(acc_bbr_register);
module_exit(acc_bbr_unregister);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("BBR after draft-ietf-ccwg-bbr");
