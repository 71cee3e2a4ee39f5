// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcp_acc_probe.c - acc_probe: a start from what an earlier connection found, by Careful Resume (RFC 9959)
 *
 * The program hands in, after the handshake, the window and round trip that a connection to the same place had:
 * lkl_cc_param(fd, "saved_cwnd", packets) and "saved_rtt_us"; both are needed. Without them, and once it is over, this is
 * Reno (RFC 5681). "init_cwnd" replaces the initial window, before the first data.
 *
 *   Reconnaissance: slow start as ever. When the initial window is acknowledged, nothing was lost,
 *                   saved_rtt / 2 < min_rtt <= 10 * saved_rtt, and more waits to be sent than the window lets go:
 *   Unvalidated:    PipeSize = max(flight, initial window), cwnd = jump = saved_cwnd / 2, paced over a round trip (1.2 jump / srtt,
 *                   which is what the stack gives at ssthresh = cwnd)
 *   Validating:     cwnd = flight, and stays. If flight <= PipeSize the jump was not used: cwnd = PipeSize, Normal
 *   Safe Retreat:   cwnd = ssthresh = PipeSize / 2, and stays; after a timeout slow start to there
 *
 *   Reconnaissance ── initial window acked, path as saved ──▶ Unvalidated ── first packet of the jump acked, or a round trip ──▶
 *        │  loss, other round trip,                               │              Validating
 *        │  jump no larger than cwnd                         loss or ECN            │    └── loss or ECN ──▶ Safe Retreat
 *        ▼                                                        ▼                 │ last packet of the jump acked
 *     Normal ◀── last packet of the jump acked ──────────── Safe Retreat            ▼
 *                                                                                Normal, in slow start
 *
 * PipeSize grows to what has been delivered since the jump; the RFC adds that to what was in flight. Pacing leaves few packets in
 * flight when the initial window is acknowledged, all of which has just passed: so PipeSize begins with that at least. While
 * Validating the window does not grow: the RFC allows more. The window falls in Safe Retreat as the stack's proportional rate
 * reduction lets it, which never sends more than the new window allows over the round.
 *
 * Source: RFC 9959. The parameters: acc_probe_rows at the end.
 */
#include "acc_cc.h"

enum probe_phase { PROBE_RECONNAISSANCE, PROBE_UNVALIDATED, PROBE_VALIDATING, PROBE_SAFE_RETREAT, PROBE_NORMAL };

static const u32 probe_jump_divisor = 2;	/* RFC 9959: at most half of what was saved */
static const u32 probe_rtt_divisor = 2;		/* a path with half the round trip is another path */
static const u32 probe_rtt_factor = 10;		/* and so is one with more than ten times it */
static const u32 probe_cwnd_min = 2;

struct acc_probe {
	u32 saved_cwnd, saved_rtt_us;	/* 0: not handed in */
	u32 initial_cwnd, initial_delivered;
	u32 pipe_size, jump_delivered;	/* total at the jump */
	u32 first_seq, last_seq;	/* of the jump */
	u32 jump_ms;			/* when */
	u32 jumps, retreats;
	u8 phase;
};

static u32 now_ms(const struct tcp_sock *tp)
{
	return div_u64(tp->tcp_mstamp, USEC_PER_MSEC);
}

static bool is_path_as_saved(const struct tcp_sock *tp, const struct acc_probe *p)
{
	u32 rtt_us = tcp_min_rtt(tp);

	return rtt_us > p->saved_rtt_us / probe_rtt_divisor && rtt_us <= (u64)p->saved_rtt_us * probe_rtt_factor;
}

/*
 * Does the program have more to send than the window lets go now? A jump is of no use else, and what it had found is lost. A
 * program that the socket's buffer keeps from writing has more.
 */
static bool is_more_waiting(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 flight = tcp_packets_in_flight(tp), cwnd = tcp_snd_cwnd(tp), unsent = tp->write_seq - tp->snd_nxt;

	if (unsent > (u64)(cwnd - min(flight, cwnd)) * tp->mss_cache)
		return true;
	return unsent && sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
}

static void reconnoitre(struct sock *sk, struct acc_probe *p)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 jump;

	if (!p->saved_cwnd || !p->saved_rtt_us || tp->delivered - p->initial_delivered < p->initial_cwnd)
		return;
	jump = min(p->saved_cwnd / probe_jump_divisor, tp->snd_cwnd_clamp);
	if (!is_path_as_saved(tp, p) || jump <= tcp_snd_cwnd(tp)) {
		p->phase = PROBE_NORMAL;
		return;
	}
	if (!is_more_waiting(sk))
		return;
	p->phase = PROBE_UNVALIDATED;
	p->jumps++;
	p->jump_ms = now_ms(tp);
	p->pipe_size = max(tcp_packets_in_flight(tp), p->initial_cwnd);
	p->jump_delivered = tp->delivered;
	p->first_seq = tp->snd_nxt;
	tcp_snd_cwnd_set(tp, jump);
	tp->snd_ssthresh = jump;
}

static void end_unvalidated(struct sock *sk, struct acc_probe *p)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!after(tp->snd_una, p->first_seq) && now_ms(tp) - p->jump_ms <= tp->srtt_us / (8 * USEC_PER_MSEC))
		return;
	if (tcp_packets_in_flight(tp) <= p->pipe_size) {
		p->phase = PROBE_NORMAL;
		tcp_snd_cwnd_set(tp, p->pipe_size);
		tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
		return;
	}
	p->phase = PROBE_VALIDATING;
	p->last_seq = tp->snd_nxt;
	tcp_snd_cwnd_set(tp, tcp_packets_in_flight(tp));
	tp->snd_ssthresh = tcp_snd_cwnd(tp);
}

static void acc_probe_cong_avoid(struct sock *sk, u32 ack, u32 acked)
{
	struct acc_probe *p = inet_csk_ca(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	switch (p->phase) {
	case PROBE_RECONNAISSANCE:
		tcp_reno_cong_avoid(sk, ack, acked);
		reconnoitre(sk, p);
		break;
	case PROBE_UNVALIDATED:
		end_unvalidated(sk, p);
		break;
	case PROBE_VALIDATING:
		if (before(tp->snd_una, p->last_seq))
			break;
		p->phase = PROBE_NORMAL;
		tcp_snd_cwnd_set(tp, max(tcp_snd_cwnd(tp), p->pipe_size));
		tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
		break;
	case PROBE_SAFE_RETREAT:
		if (!before(tp->snd_una, p->last_seq))
			p->phase = PROBE_NORMAL;
		else if (tcp_snd_cwnd(tp) >= tp->snd_ssthresh)
			break; /* less it is after a timeout */
		fallthrough;
	default:
		tcp_reno_cong_avoid(sk, ack, acked);
	}
}

static void acc_probe_pkts_acked(struct sock *sk, const struct ack_sample *sample)
{
	struct acc_probe *p = inet_csk_ca(sk);

	if (p->phase == PROBE_UNVALIDATED || p->phase == PROBE_VALIDATING)
		p->pipe_size = max(p->pipe_size, tcp_sk(sk)->delivered - p->jump_delivered);
}

/* Loss, a timeout or an ECN echo. */
static u32 acc_probe_ssthresh(struct sock *sk)
{
	struct acc_probe *p = inet_csk_ca(sk);

	if (p->phase == PROBE_UNVALIDATED || p->phase == PROBE_VALIDATING) {
		if (p->phase == PROBE_UNVALIDATED)
			p->last_seq = tcp_sk(sk)->snd_nxt;
		p->phase = PROBE_SAFE_RETREAT;
		p->retreats++;
		return max(p->pipe_size / 2, probe_cwnd_min);
	}
	if (p->phase == PROBE_RECONNAISSANCE)
		p->phase = PROBE_NORMAL;
	return tcp_reno_ssthresh(sk);
}

/* Not lost after all. The jump is not taken up again. */
static u32 acc_probe_undo_cwnd(struct sock *sk)
{
	struct acc_probe *p = inet_csk_ca(sk);

	if (p->phase == PROBE_SAFE_RETREAT)
		return max(tcp_snd_cwnd(tcp_sk(sk)), p->pipe_size);
	return tcp_reno_undo_cwnd(sk);
}

static void acc_probe_init(struct sock *sk)
{
	struct acc_probe *p = inet_csk_ca(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	memset(p, 0, sizeof(*p));
	p->initial_cwnd = tcp_snd_cwnd(tp);
	p->initial_delivered = tp->delivered;
	acc_pacing_needed(sk);
}

static struct tcp_congestion_ops acc_probe __read_mostly = {
	.name = "acc_probe",
	.owner = THIS_MODULE,
	.flags = TCP_CONG_NON_RESTRICTED,
	.init = acc_probe_init,
	.cong_avoid = acc_probe_cong_avoid,
	.pkts_acked = acc_probe_pkts_acked,
	.ssthresh = acc_probe_ssthresh,
	.undo_cwnd = acc_probe_undo_cwnd,
};

/* ---- parameters, and what is to be seen of the state ---- */

static int set_saved(struct sock *sk, u32 *at, u64 value)
{
	struct acc_probe *p = inet_csk_ca(sk);

	if (p->phase != PROBE_RECONNAISSANCE)
		return -EALREADY;
	*at = value;
	return 0;
}

static int set_saved_cwnd(struct sock *sk, u64 value)
{
	return set_saved(sk, &((struct acc_probe *)inet_csk_ca(sk))->saved_cwnd, value);
}

static int set_saved_rtt_us(struct sock *sk, u64 value)
{
	return set_saved(sk, &((struct acc_probe *)inet_csk_ca(sk))->saved_rtt_us, value);
}

static int set_init_cwnd(struct sock *sk, u64 value)
{
	struct acc_probe *p = inet_csk_ca(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->data_segs_out)
		return -EALREADY;
	p->initial_cwnd = value;
	tcp_snd_cwnd_set(tp, min_t(u32, value, tp->snd_cwnd_clamp));
	return 0;
}

#define SHOW(name) \
	static u64 get_##name(struct sock *sk) \
	{ \
		const struct acc_probe *p = inet_csk_ca(sk); \
		return p->name; \
	}

SHOW(saved_cwnd)
SHOW(saved_rtt_us)
SHOW(initial_cwnd)
SHOW(phase)
SHOW(pipe_size)
SHOW(jumps)
SHOW(retreats)

static const struct lkl_cc_row acc_probe_rows[] = {
	{ "saved_cwnd", 1, 1 << 20, set_saved_cwnd, get_saved_cwnd },		/* packets */
	{ "saved_rtt_us", 1, 60 * USEC_PER_SEC, set_saved_rtt_us, get_saved_rtt_us },
	{ "init_cwnd", 1, 64, set_init_cwnd, get_initial_cwnd },		/* packets */
	{ "phase", 0, 0, NULL, get_phase },					/* enum probe_phase */
	{ "pipe_size", 0, 0, NULL, get_pipe_size },
	{ "jumps", 0, 0, NULL, get_jumps },
	{ "retreats", 0, 0, NULL, get_retreats },
};

static struct lkl_cc_params acc_probe_params = { .rows = acc_probe_rows, .n_rows = ARRAY_SIZE(acc_probe_rows) };

static int __init acc_probe_register(void)
{
	BUILD_BUG_ON(sizeof(struct acc_probe) > ICSK_CA_PRIV_SIZE);
	return lkl_cc_register(&acc_probe, &acc_probe_params);
}

static void __exit acc_probe_unregister(void)
{
	lkl_cc_unregister(&acc_probe, &acc_probe_params);
}

module_init(acc_probe_register);
module_exit(acc_probe_unregister);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Careful Resume (RFC 9959) before Reno");
