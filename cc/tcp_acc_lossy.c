// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcp_acc_lossy.c - acc_lossy: for radio links, where a loss says little and a queue says enough
 *
 * Once a round trip, from what its acknowledgements said:
 *
 *   queue = (least round trip of the round) - min_rtt        bound = delay_bound_ms
 *   loss  = lost / (lost + delivered)
 *
 *   loss > loss_permille   cwnd *= 0.7
 *   an ECN mark            cwnd *= 0.85          (RFC 8511), once for all its echoes
 *   queue > bound          cwnd *= max((min_rtt + bound) / rtt, 0.7)
 *   else, if it was used   cwnd += 1 + cwnd / 8 * (1 - queue / bound)
 *
 *   pacing rate = 1.2 * cwnd / srtt; in slow start 2 * cwnd / srtt
 *
 * Loss up to loss_permille is repaired and does not count: a radio link loses without being full. What bounds the flow is the
 * queue, so that others on the link see at most about bound more of delay.
 *
 *   Slow start: cwnd doubles each round ── queue > bound / 2, or one of the first three lines ──▶ Steady
 *               ── 8 round trips in a row above min_rtt + bound: cwnd = what arrived in the last ──▶ Steady
 *   Steady ── each 10 s ──▶ Drain: one round at cwnd / 2, so that min_rtt is seen again ──▶ Steady
 *   Steady, Drain ── timeout ──▶ Slow start
 *
 * The queue of a round shows what was sent a round before. So the two rounds after a drain do not grow, and a
 * pause ends the round.
 *
 * min_rtt is the least of this and the last 10 s. If the queue stays above the bound for 8 rounds and the window has been cut
 * without the round trip falling by a tenth, it is no queue but a longer path: min_rtt starts again.
 *
 * It takes more than its share beside an algorithm that halves at each loss: not for shared networks, and nobody's default.
 *
 * Source: our own, of known parts: delay as the signal (Vegas, FAST), scaled growth. Parameters: acc_lossy_rows at the end.
 */
#include <linux/math64.h>

#include "acc_cc.h"

enum lossy_state { LOSSY_SLOW_START, LOSSY_STEADY, LOSSY_DRAIN };

static const u32 lossy_loss_permille = 200;	/* default: above it even a radio link is overloaded */
static const u32 lossy_delay_bound_ms = 30;	/* default: what a person or a player does not notice */
static const u32 lossy_beta_percent = 70;
static const u32 lossy_ecn_beta_percent = 85;
static const u32 lossy_growth_divisor = 8;
static const u32 lossy_min_rtt_win_ms = 10000;
static const u32 lossy_long_path_rounds = 8;
static const u32 lossy_high_samples = 8;
static const u32 lossy_drained_rounds = 2;	/* that see the drained queue after a drain */
static const u32 lossy_min_cwnd = 4;

struct acc_lossy {
	u32 loss_permille, bound_us;			/* parameters */
	u32 min_rtt_us[2], min_rtt_win_ms;		/* of the window before and of this one; when it began */
	u32 round_rtt_us;				/* least of this round */
	u32 next_round_delivered, round_delivered, round_lost;	/* totals at its start */
	u32 high_rtt_us, high_rounds;			/* queue above the bound: since when, how large at first */
	u32 cwnd_before;				/* a drain */
	u32 delivered_ce, marked_seq;			/* seen so far; echoes up to here are of one mark */
	u32 rounds, cuts;
	u8 state;
	u8 high_samples;				/* slow start: above the bound, in a row */
	u8 drained_rounds;				/* after a drain: to come */
	bool is_marked, is_limited;			/* in this round */
};

static u32 now_ms(const struct tcp_sock *tp)
{
	return div_u64(tp->tcp_mstamp, USEC_PER_MSEC);
}

static u32 min_rtt(const struct acc_lossy *l)
{
	return min(l->min_rtt_us[0], l->min_rtt_us[1]);
}

static u32 scaled(u32 value, u32 num, u32 den)
{
	return max_t(u32, div_u64((u64)value * num, max(den, 1U)), lossy_min_cwnd);
}

static void begin_round(struct sock *sk, struct acc_lossy *l)
{
	struct tcp_sock *tp = tcp_sk(sk);

	l->next_round_delivered = l->round_delivered = tp->delivered;
	l->round_lost = tp->lost;
	l->round_rtt_us = U32_MAX;
	l->is_marked = l->is_limited = false;
	if (after(tp->snd_una, l->marked_seq))
		l->marked_seq = tp->snd_una - 1; /* numbers wrap */
}

/* Above the bound: is it a queue at all? True: no, the path is longer. */
static bool is_longer_path(struct acc_lossy *l, u32 rtt_us)
{
	if (!l->high_rounds++)
		l->high_rtt_us = rtt_us;
	if (rtt_us < l->high_rtt_us - l->high_rtt_us / 10) {
		l->high_rounds = 0; /* it falls: a queue */
		return false;
	}
	if (l->high_rounds < lossy_long_path_rounds)
		return false;
	l->high_rounds = 0;
	l->min_rtt_us[0] = l->min_rtt_us[1] = rtt_us;
	return true;
}

static u32 round_cwnd(struct sock *sk, struct acc_lossy *l, u32 cwnd)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 lost = tp->lost - l->round_lost, delivered = tp->delivered - l->round_delivered;
	u32 rtt_us = l->round_rtt_us, base_us = min_rtt(l), queue_us = 0, cut;

	if (rtt_us != U32_MAX && base_us != U32_MAX)
		queue_us = rtt_us - min(base_us, rtt_us);
	if ((u64)lost * 1000 > ((u64)lost + delivered) * l->loss_permille) {
		cut = scaled(cwnd, lossy_beta_percent, 100);
	} else if (l->is_marked) {
		cut = scaled(cwnd, lossy_ecn_beta_percent, 100);
	} else if (queue_us > l->bound_us) {
		if (is_longer_path(l, rtt_us))
			return cwnd;
		cut = max(scaled(cwnd, base_us + l->bound_us, rtt_us), scaled(cwnd, lossy_beta_percent, 100));
	} else {
		l->high_rounds = 0;
		if (l->state == LOSSY_SLOW_START && queue_us > l->bound_us / 2)
			l->state = LOSSY_STEADY;
		if (l->drained_rounds)
			l->drained_rounds--; /* the queue of the window as it is again has not been seen yet */
		else if (l->state == LOSSY_STEADY && l->is_limited)
			cwnd += 1 + div_u64((u64)(cwnd / lossy_growth_divisor) * (l->bound_us - queue_us), max(l->bound_us, 1U));
		return cwnd;
	}
	l->cuts++;
	if (l->state == LOSSY_SLOW_START)
		l->state = LOSSY_STEADY;
	return min(cut, cwnd);
}

/* A new window of min_rtt begins with a round that drains. */
static u32 check_drain(struct sock *sk, struct acc_lossy *l, u32 cwnd)
{
	u32 now = now_ms(tcp_sk(sk));

	if (l->state == LOSSY_DRAIN) {
		l->state = LOSSY_STEADY;
		l->drained_rounds = lossy_drained_rounds;
		return max(cwnd, l->cwnd_before);
	}
	if (now - l->min_rtt_win_ms < lossy_min_rtt_win_ms)
		return cwnd;
	l->min_rtt_win_ms = now;
	l->min_rtt_us[0] = l->min_rtt_us[1];
	l->min_rtt_us[1] = U32_MAX;
	if (l->state != LOSSY_STEADY)
		return cwnd;
	l->state = LOSSY_DRAIN;
	l->cwnd_before = cwnd;
	return scaled(cwnd, 1, 2);
}

/*
 * A window that doubles cannot wait for the end of the round, whose least round trip is of the round's beginning: eight samples in a row
 * above the bound end it. What arrived in such a round trip is the window that makes a queue of the bound.
 */
static u32 check_slow_start(struct sock *sk, struct acc_lossy *l, const struct rate_sample *rs, u32 cwnd)
{
	if (rs->rtt_us <= 0)
		return cwnd;
	if (rs->rtt_us <= (u64)min_rtt(l) + l->bound_us) {
		l->high_samples = 0;
		return cwnd;
	}
	if (++l->high_samples < lossy_high_samples)
		return cwnd;
	l->state = LOSSY_STEADY;
	l->cuts++;
	begin_round(sk, l);
	return rs->is_app_limited || rs->delivered <= 0 ? cwnd : min_t(u32, cwnd, max_t(u32, rs->delivered, lossy_min_cwnd));
}

/*
 * A receiver echoes one mark until it learns that the window was cut: for a round trip, which touches two rounds. What it echoes up to
 * the packets that were out when the first echo came is the same mark.
 */
static void check_mark(struct sock *sk, struct acc_lossy *l)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->delivered_ce == l->delivered_ce)
		return;
	l->delivered_ce = tp->delivered_ce;
	if (!after(tp->snd_una, l->marked_seq))
		return;
	l->marked_seq = tp->snd_nxt;
	l->is_marked = true;
}

static void pace(struct sock *sk, const struct acc_lossy *l, u32 cwnd)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 srtt_us = max(tp->srtt_us >> 3, 1U);
	u64 rate = div_u64((u64)cwnd * tp->mss_cache * USEC_PER_SEC, srtt_us);

	acc_pace(sk, l->state == LOSSY_SLOW_START ? 2 * rate : rate + div_u64(rate, 5));
}

ACC_CONG_CONTROL(acc_lossy_main)
{
	struct acc_lossy *l = inet_csk_ca(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u32 cwnd = tcp_snd_cwnd(tp);

	if (rs->rtt_us > 0) {
		l->round_rtt_us = min_t(u32, l->round_rtt_us, rs->rtt_us);
		l->min_rtt_us[1] = min_t(u32, l->min_rtt_us[1], rs->rtt_us);
	}
	check_mark(sk, l);
	if (tp->is_cwnd_limited || rs->prior_in_flight + rs->acked_sacked >= cwnd)
		l->is_limited = true;
	if (l->state == LOSSY_SLOW_START && tp->is_cwnd_limited)
		cwnd += rs->acked_sacked;
	if (l->state == LOSSY_SLOW_START)
		cwnd = check_slow_start(sk, l, rs, cwnd);
	if (rs->delivered > 0 && acc_is_after_or_at(rs->prior_delivered, l->next_round_delivered)) {
		l->rounds++;
		if (l->state == LOSSY_DRAIN || now_ms(tp) - l->min_rtt_win_ms >= lossy_min_rtt_win_ms)
			cwnd = check_drain(sk, l, cwnd);
		else
			cwnd = round_cwnd(sk, l, cwnd);
		begin_round(sk, l);
	}
	tcp_snd_cwnd_set(tp, clamp(cwnd, lossy_min_cwnd, tp->snd_cwnd_clamp));
	pace(sk, l, tcp_snd_cwnd(tp));
}

/*
 * A pause ends the round: the window was not used in it, and the queue has gone. So does a timeout, after which this is called, too: what
 * it gave up for lost says nothing of the slow start that begins.
 */
static void acc_lossy_tx_start(struct sock *sk)
{
	begin_round(sk, inet_csk_ca(sk));
}
ACC_TX_START(acc_lossy_tx_start)

/* The window is set once a round, above: loss itself changes nothing. */
static u32 acc_lossy_ssthresh(struct sock *sk)
{
	return max(tcp_snd_cwnd(tcp_sk(sk)), lossy_min_cwnd);
}

static u32 acc_lossy_undo_cwnd(struct sock *sk)
{
	return max(tcp_snd_cwnd(tcp_sk(sk)), tcp_sk(sk)->prior_cwnd);
}

/* After a timeout nothing is known to be in flight: start again. */
static void acc_lossy_set_state(struct sock *sk, u8 new_state)
{
	struct acc_lossy *l = inet_csk_ca(sk);

	if (new_state == TCP_CA_Loss) {
		l->state = LOSSY_SLOW_START;
		l->high_rounds = l->high_samples = 0;
	}
}

static void acc_lossy_init(struct sock *sk)
{
	struct acc_lossy *l = inet_csk_ca(sk);

	memset(l, 0, sizeof(*l));
	l->loss_permille = lossy_loss_permille;
	l->bound_us = lossy_delay_bound_ms * USEC_PER_MSEC;
	l->min_rtt_us[0] = U32_MAX;
	l->min_rtt_us[1] = tcp_min_rtt(tcp_sk(sk));
	l->min_rtt_win_ms = now_ms(tcp_sk(sk));
	l->delivered_ce = tcp_sk(sk)->delivered_ce;
	l->marked_seq = tcp_sk(sk)->snd_una - 1;
	begin_round(sk, l);
	acc_pacing_needed(sk);
	pace(sk, l, tcp_snd_cwnd(tcp_sk(sk)));
}

static struct tcp_congestion_ops acc_lossy __read_mostly = {
	.name = "acc_lossy",
	.owner = THIS_MODULE,
	.flags = TCP_CONG_NON_RESTRICTED,
	.init = acc_lossy_init,
	.cong_control = acc_lossy_main,
	.set_state = acc_lossy_set_state,
	ACC_OPS_TX_START(acc_lossy_tx_start),
	.ssthresh = acc_lossy_ssthresh,
	.undo_cwnd = acc_lossy_undo_cwnd,
};

/* ---- parameters, and what is to be seen of the state ---- */

static int set_loss_permille(struct sock *sk, u64 value)
{
	((struct acc_lossy *)inet_csk_ca(sk))->loss_permille = value;
	return 0;
}

static int set_delay_bound_ms(struct sock *sk, u64 value)
{
	((struct acc_lossy *)inet_csk_ca(sk))->bound_us = value * USEC_PER_MSEC;
	return 0;
}

#define SHOW(name, value) \
	static u64 get_##name(struct sock *sk) \
	{ \
		const struct acc_lossy *l = inet_csk_ca(sk); \
		return value; \
	}

SHOW(loss_permille, l->loss_permille)
SHOW(delay_bound_ms, l->bound_us / (u32)USEC_PER_MSEC)
SHOW(state, l->state)
SHOW(min_rtt_us, min_rtt(l))
SHOW(rounds, l->rounds)
SHOW(cuts, l->cuts)

static const struct lkl_cc_row acc_lossy_rows[] = {
	{ "loss_permille", 1, 900, set_loss_permille, get_loss_permille },
	{ "delay_bound_ms", 1, 10000, set_delay_bound_ms, get_delay_bound_ms },
	{ "state", 0, 0, NULL, get_state },		/* enum lossy_state */
	{ "min_rtt_us", 0, 0, NULL, get_min_rtt_us },	/* U32_MAX: none yet */
	{ "rounds", 0, 0, NULL, get_rounds },
	{ "cuts", 0, 0, NULL, get_cuts },		/* times that the window was made smaller */
};

static struct lkl_cc_params acc_lossy_params = { .rows = acc_lossy_rows, .n_rows = ARRAY_SIZE(acc_lossy_rows) };

static int __init acc_lossy_register(void)
{
	BUILD_BUG_ON(sizeof(struct acc_lossy) > ICSK_CA_PRIV_SIZE);
	return lkl_cc_register(&acc_lossy, &acc_lossy_params);
}

static void __exit acc_lossy_unregister(void)
{
	lkl_cc_unregister(&acc_lossy, &acc_lossy_params);
}

module_init(acc_lossy_register);
module_exit(acc_lossy_unregister);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Loss-tolerant, delay-bounded congestion control for radio links");
