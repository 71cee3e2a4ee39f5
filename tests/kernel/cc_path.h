/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cc_path.h - one connection over a path whose every packet is scripted, in virtual time
 *
 * The stack sends; the path has one bottleneck (rate, a queue of so many bytes that drops what does not fit) and a round trip without
 * queue; the receiver acknowledges every packet, with SACK blocks and ECN echoes. A test changes rate and round trip while it runs,
 * and decides packet by packet what is lost or marked. After every acknowledgement it is shown what the sender's algorithm
 * made of it (`watch`). What an algorithm has beside a window is told by its test (`struct algorithm`).
 */
#ifndef TESTS_KERNEL_CC_PATH_H
#define TESTS_KERNEL_CC_PATH_H

#include <stdint.h>

#include "packets/stack.h"

#define ACKS_MAX 8192
#define RANGES_MAX 512
#define MSS 1460
#define PACKET 1514	/* a full one, as it passes the bottleneck */
#define NONE UINT32_MAX
#define MBIT 125000ll	/* bytes per second */
#define SEC (1000 * MS)

#define STATES_MAX 8

enum verdict { PASS, DROP, MARK_CE };

/* What is to be seen of the sender after an acknowledgement. */
struct view {
	int64_t at_ns;
	int state, was;			/* of the algorithm; before */
	uint32_t cwnd, inflight;	/* packets */
	uint32_t ssthresh;		/* packets; 2147483647: none */
	uint32_t min_rtt_us, srtt_us;	/* min_rtt_us as the algorithm has it */
	int64_t pacing;			/* bytes per second */
	unsigned int retrans;
	union { /* what else an algorithm says of itself */
		struct { /* acc_bbr */
			uint32_t longterm, shortterm;	/* packets; NONE */
			int64_t max_bw, bw_short;	/* bytes per second; bw_short -1: none */
			int is_full;
		};
		struct { /* acc_lossy */
			uint32_t rounds, cuts;
		};
		struct { /* acc_probe */
			uint32_t pipe, jumps, retreats;
		};
	};
};

struct cc_path;

/* An algorithm, as a test of it describes it. */
struct algorithm {
	const char *name;
	const char *state_key;		/* the key of its state, which is 0 to states - 1 */
	int states;
	uint8_t ways[STATES_MAX];	/* of each state, a bit for each that may be seen next */
	void (*look)(struct cc_path *p);	/* fill in its part of the view */
	void (*show)(const struct view *v);	/* say it on stderr */
};

struct cc_path {
	/* the path; may be changed at any time */
	int64_t rate;			/* bytes per second */
	int64_t rtt_ns;
	uint32_t queue_bytes;
	enum verdict (*verdict)(struct cc_path *p);	/* of the packet that has come; NULL: PASS */
	void (*watch)(struct cc_path *p);		/* NULL: nothing */
	const char *wmem;		/* tcp_wmem, before path_open(); NULL: so large that it never limits */
	int is_bulk;			/* there is always something to send */

	/* what has happened */
	struct view view;
	uint64_t packets, drops, full_drops, marks;	/* since path_open() */
	uint64_t delivered;		/* bytes, in order */
	int64_t visits[STATES_MAX];		/* how often entered */
	int64_t entered_ns;		/* the state now */
	int64_t last_ns[STATES_MAX];	/* how long the last stay that has ended was */
	int64_t sent_ns;		/* when the last packet left the sender */
	int is_wrong;			/* path_wrong() */
	int bad_way;			/* 1: a change of state that is none of the algorithm's ways */

	int fd;
	const struct algorithm *algorithm;

	/* inside */
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
int path_open(struct cc_path *p, const struct algorithm *algorithm, int is_ecn);
int path_run(struct cc_path *p, int64_t ns);
/* Run until the test is true, at most so long; -ETIMEDOUT. */
int path_until(struct cc_path *p, int64_t ns, int (*is_true)(struct cc_path *p));
/* Run so long; bytes per second that arrived in order, or -1. */
int64_t path_goodput(struct cc_path *p, int64_t ns);
long path_write(struct cc_path *p, uint32_t bytes);
/* A program that has little to send: so many writes of so many bytes, one in 50 ms. 0 or an error. */
int path_trickle(struct cc_path *p, int writes, uint32_t bytes);
/* An error if anything was wrong with the connection. */
int path_close(struct cc_path *p);
/* [watch] Something does not hold, or NULL. The first one is said, and path_close() fails. */
void path_wrong(struct cc_path *p, const char *what);
void path_show(const struct cc_path *p);
void path_look(struct cc_path *p);
/* A parameter or piece of state of the algorithm, or -errno. */
int64_t path_param(const struct cc_path *p, const char *key);
/* Packets that fill the path without a queue. */
uint32_t path_bdp(const struct cc_path *p);

/* A failure shows where the flow was. */
#define HOLDS(p, cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #cond); \
		path_show(p); \
		return -__LINE__; \
	} \
} while (0)

/* A test is a function that returns 0; each has a connection of its own. RUN_PATH_CASES() is the whole of main(). */
#define PATH_CASE(fn) { #fn, path_case, NULL, NULL, (void *)fn }
#define RUN_PATH_CASES(tests, argc, argv) \
	((argc) > 1 ? cmocka_set_test_filter((argv)[1]) : (void)0, cmocka_run_group_tests(tests, path_start, path_stop))
void path_case(void **state);
int path_start(void **state);
int path_stop(void **state);

#endif /* TESTS_KERNEL_CC_PATH_H */
