/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bbr_path.h - one connection over a path whose every packet is scripted, in virtual time
 *
 * The stack sends; the path has one bottleneck (rate, a queue of so many bytes that drops what does not fit) and a round trip without
 * queue; the receiver acknowledges every packet, with SACK blocks and ECN echoes. A test changes rate and round trip while it runs,
 * and decides packet by packet what is lost or marked. After every acknowledgement it is shown what the sender's algorithm
 * made of it (`watch`).
 */
#ifndef TESTS_KERNEL_BBR_PATH_H
#define TESTS_KERNEL_BBR_PATH_H

#include <stdint.h>

#include "packets/stack.h"

#define ACKS_MAX 8192
#define RANGES_MAX 512
#define MSS 1460
#define PACKET 1514	/* a full one, as it passes the bottleneck */
#define NONE UINT32_MAX

/* States as "state" of acc_bbr has them. */
enum { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT, STATES };

enum verdict { PASS, DROP, MARK_CE };

/* What is to be seen of the sender after an acknowledgement. */
struct view {
	int64_t at_ns;
	int state, was;			/* of acc_bbr; before */
	uint32_t longterm, shortterm;	/* packets; NONE */
	uint32_t cwnd, inflight;	/* packets */
	uint32_t min_rtt_us, srtt_us;
	int64_t max_bw, bw_short, pacing;	/* bytes per second; bw_short -1: none */
	int is_full;
	unsigned int retrans;
};

struct bbr_path {
	/* the path; may be changed at any time */
	int64_t rate;			/* bytes per second */
	int64_t rtt_ns;
	uint32_t queue_bytes;
	enum verdict (*verdict)(struct bbr_path *p);	/* of the packet that has come; NULL: PASS */
	void (*watch)(struct bbr_path *p);		/* NULL: nothing */
	int is_bulk;			/* there is always something to send */

	/* what has happened */
	struct view view;
	uint64_t packets, drops, full_drops, marks;	/* since path_open() */
	uint64_t delivered;		/* bytes, in order */
	int64_t visits[STATES];		/* how often entered */
	int64_t entered_ns;		/* the state now */
	int64_t last_ns[STATES];	/* how long the last stay that has ended was */
	int64_t sent_ns;		/* when the last packet left the sender */
	int bad_way;			/* 1: a change of state that the draft does not have */

	/* inside */
	int fd;
	uint32_t peer_addr, stack_port, peer_port, stack_iss;
	int64_t busy_until_ns;
	uint32_t rcv_nxt;		/* relative to the stack's first */
	struct { uint32_t from, to; } ranges[RANGES_MAX], newest;
	int n_ranges;
	int is_ecn, echo;
	struct { int64_t at_ns; uint32_t ack, n_sack, sack[3][2]; int ece; } acks[ACKS_MAX];
	uint32_t head, tail;
	uint64_t last_delivered;
};

/* 0 or -errno. The connection is established and has the algorithm. */
int path_open(struct bbr_path *p, const char *algorithm, int is_ecn);
int path_run(struct bbr_path *p, int64_t ns);
/* Run until the test is true, at most so long; -ETIMEDOUT. */
int path_until(struct bbr_path *p, int64_t ns, int (*is_true)(struct bbr_path *p));
long path_write(struct bbr_path *p, uint32_t bytes);
int path_close(struct bbr_path *p);
void path_look(struct bbr_path *p);
/* Packets that fill the path without a queue. */
uint32_t path_bdp(const struct bbr_path *p);

#endif /* TESTS_KERNEL_BBR_PATH_H */
