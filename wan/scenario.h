/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenario.h - a path through a WAN, as a file describes it
 *
 * Two directions: `up` from wire A (the client's side) to wire B (the server's side), `down` from B to A. Rates are bits a
 * second of Ethernet frames without preamble and checksum, times nanoseconds, sizes bytes.
 *
 * Threads: none inside; a scenario belongs to its caller.
 */
#ifndef WAN_SCENARIO_H
#define WAN_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCENARIO_FRAME_BYTES 1514u /* what "packets" of a buffer count as */
#define SCENARIO_STEPS_MAX 65536u /* of a trace */
#define SCENARIO_RATE_MAX 10000000000ull
#define SCENARIO_DELAY_MAX_NS 10000000000ll

enum scenario_queue {
	SCENARIO_DROPTAIL,
	SCENARIO_FQ_CODEL,
	SCENARIO_POLICE, /* a token bucket with room for one frame: what has no token is dropped */
};

enum scenario_buffer {
	SCENARIO_BUFFER_BDP,
	SCENARIO_BUFFER_PACKETS,
	SCENARIO_BUFFER_BYTES
};

/* What holds from `at_ns` on; only what `has` names changes. */
struct scenario_step {
	int64_t at_ns;
	uint64_t rate_bps;
	int64_t delay_ns;
	double loss;
	unsigned int has; /* SCENARIO_STEP_* */
};
#define SCENARIO_STEP_RATE 1
#define SCENARIO_STEP_DELAY 2
#define SCENARIO_STEP_LOSS 4

struct scenario_path {
	uint64_t rate_bps; /* 0: as fast as it goes */
	bool is_poisson; /* frames leave at moments of a Poisson process of that mean rate */
	enum scenario_queue queue;
	enum scenario_buffer buffer_kind;
	double buffer; /* in its unit; 0: not given */
	uint32_t buffer_bytes; /* what comes of it */
	uint32_t burst_bytes; /* of the token bucket */
	int64_t delay_ns; /* one way */
	int64_t jitter_ns; /* the delay is drawn anew every step, even between delay - jitter and delay + jitter */
	int64_t jitter_step_ns;
	double loss; /* 0 .. 1 */
	double loss_burst; /* mean frames lost in a row; 1: each by itself */
	double duplicate; /* 0 .. 1 */
	struct scenario_step *steps; /* the trace, by time */
	uint32_t steps_len;
	int64_t repeat_ns; /* the trace begins again; 0: stays at the last step */
};

struct scenario {
	char name[64];
	uint64_t seed;
	struct scenario_path up, down;
};

/* No file: everything passes at once. */
void scenario_init(struct scenario *s);

/*
 * Read `path` into s. 0; -EINVAL, or what open() answers, with a sentence in err that names file, line, key and value and
 * says what would be right. Free with scenario_free() in either case.
 */
int scenario_read(const char *path, struct scenario *s, char *err,
		  size_t err_len);
void scenario_free(struct scenario *s);

#endif /* WAN_SCENARIO_H */
