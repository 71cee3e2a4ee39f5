/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acc_cc.h - what our congestion controls share, and all that differs for them between releases of the kernel
 *
 * ACC_CONG_CONTROL(fn) opens the definition of the cong_control hook, in which `sk` and `rs` are there. In
 * struct tcp_congestion_ops, ACC_OPS_TX_START(fn) stands for the hook that is called when data is sent and nothing was in
 * flight; ACC_TX_START(fn) has to stand after fn's definition.
 */
#ifndef ACC_CC_H
#define ACC_CC_H

#include <linux/module.h>
#include <linux/version.h>
#include <net/tcp.h>
#include <asm/cc_param.h>

/* 6.10 gave the hook two more parameters; we use neither. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define ACC_CONG_CONTROL(fn) static void fn(struct sock *sk, const struct rate_sample *rs)
#else
#define ACC_CONG_CONTROL(fn) static void fn(struct sock *sk, u32 ack, int flag, const struct rate_sample *rs)
#endif

/* 7.1 made a hook of its own of one cwnd_event. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
#define ACC_TX_START(fn) \
	static void fn##_event(struct sock *sk, enum tcp_ca_event ev) \
	{ \
		if (ev == CA_EVENT_TX_START) \
			fn(sk); \
	}
#define ACC_OPS_TX_START(fn) .cwnd_event = fn##_event
#else
#define ACC_TX_START(fn)
#define ACC_OPS_TX_START(fn) .cwnd_event_tx_start = fn
#endif

/*
 * Bandwidths are packets per microsecond << ACC_BW_SCALE, in 32 bits: from 0.06 packets per second (1500 bytes: 715 bit/s) to
 * 256 million (3 Tbit/s).
 */
#define ACC_BW_SCALE 24
#define ACC_BW_UNIT (1u << ACC_BW_SCALE)

/* Bandwidth of a rate sample; 0: it is not valid. */
static inline u32 acc_rs_bw(const struct rate_sample *rs)
{
	u64 bw;

	if (rs->delivered <= 0 || rs->interval_us <= 0)
		return 0;
	bw = div64_ul((u64)rs->delivered << ACC_BW_SCALE, rs->interval_us);
	return min_t(u64, bw, U32_MAX);
}

/* Bytes per second of a bandwidth. */
static inline u64 acc_bw_bytes(const struct sock *sk, u32 bw)
{
	u64 rate = (u64)bw * tcp_sk(sk)->mss_cache;

	rate = min_t(u64, rate, U64_MAX / USEC_PER_SEC);
	return rate * USEC_PER_SEC >> ACC_BW_SCALE;
}

/* Packets that fill a path of this bandwidth and round trip, rounded up. */
static inline u32 acc_bdp(u32 bw, u32 rtt_us)
{
	u64 bdp = ((u64)bw * rtt_us + ACC_BW_UNIT - 1) >> ACC_BW_SCALE;

	return min_t(u64, bdp, U32_MAX / 8);
}

/* The sequence of delivered counts; they wrap. */
static inline bool acc_is_after_or_at(u32 a, u32 b)
{
	return (s32)(a - b) >= 0;
}

/* Let the stack send at this rate, by its own timer unless the interface has fq. */
static inline void acc_pace(struct sock *sk, u64 bytes_per_sec)
{
	WRITE_ONCE(sk->sk_pacing_rate, min_t(u64, bytes_per_sec, READ_ONCE(sk->sk_max_pacing_rate)));
}

static inline void acc_pacing_needed(struct sock *sk)
{
	cmpxchg(&sk->sk_pacing_status, SK_PACING_NONE, SK_PACING_NEEDED);
}

#endif /* ACC_CC_H */
