/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * script.h - the form of a packet script
 *
 * A script is a C function: it makes socket calls on the stack under test, injects segments of a peer that it plays itself,
 * and says what the stack has to send. It says so once, for both stacks.
 *
 *	OK(fd = listener(s));
 *	SEND(s, .flags = SYN, .opts = O_MSS, .mss = 1000);
 *	EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = O_MSS, .mss = 1460);
 *
 * Numbers. Sequence and acknowledgement numbers are relative: the SYN of either side has seq 0. Our initial number is 8 KiB
 * below the wrap. MSS is such that a full segment carries 1000 bytes (FULL) unless a script says otherwise. PSH is not looked at.
 *
 * EXPECT() takes the next segment of the connection and compares all of it: flags, numbers, payload length and bytes, ECN field,
 * the set of options and the edges of SACK blocks. A.any_* lets one thing pass. The string names the RFC and section that
 * ask for it. QUIET() asks that nothing is sent for a time. Segments of other connections are left aside; ARP is answered.
 *
 * Time. MARK() begins to count, SINCE() asks how long after it the last segment came. The lower bound holds on both stacks, the
 * upper one only in virtual time: a real machine may be late.
 *
 * Everything that fails returns from the script, after a line with file, line, RFC, and what came instead; the runner then
 * prints all segments of the script.
 */
#ifndef TESTS_KERNEL_PACKETS_SCRIPT_H
#define TESTS_KERNEL_PACKETS_SCRIPT_H

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack.h"

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10, URG = 0x20, ECE = 0x40, CWR = 0x80 };
enum { NOT_ECT, ECT1, ECT0, CE };
/* Options; O_TS goes without saying outside the handshake, once it was agreed on. */
enum { O_MSS = 1, O_WSCALE = 2, O_SACK_OK = 4, O_TS = 8, O_SACK = 16, O_TFO = 32, O_NO_TS = 64 };
#define O_ALL (O_MSS | O_WSCALE | O_SACK_OK | O_TS)
#define O_PLAIN (O_MSS | O_WSCALE | O_SACK_OK)

#define FULL 1000

struct seg {
	int flags;
	uint32_t seq, ack, len;
	int opts;
	unsigned int mss, wscale;
	uint32_t sack[4][2];	/* left and right edge; 0, 0: no more */
	unsigned int ecn;
	unsigned int cookie_len;	/* O_TFO; 0: a request */
	const uint8_t *cookie;		/* [SEND] */
	uint32_t ts_val, ts_ecr;	/* [SEND] 0: the clock, and the newest that came. Filled in of what came */
	int win;			/* [EXPECT] 0: any; else, in bytes, exactly; NO_WINDOW */
	/* [EXPECT] */
	int any_seq, any_ack, any_len, any_ecn, any_sack, any_cookie;
};
#define NO_WINDOW -1

struct script_run {
	const char *name;
	uint32_t stack_port, peer_addr, peer_port;
	uint32_t stack_iss, peer_iss;
	int is_iss_known;
	uint32_t win;			/* of ours, as it stands in the header; 65535 unless changed */
	unsigned int peer_wscale, stack_wscale;	/* agreed on; 0 */
	int has_ts;			/* agreed on */
	uint32_t ts_base;		/* our clock is ts_base + ms */
	int64_t ts_start_ns;
	uint32_t ts_recent;		/* newest of the stack's, for our echo */
	struct seg got;			/* the last one that came ... */
	uint32_t got_win;		/* ... its window in bytes */
	uint8_t cookie[16];		/* ... its Fast Open cookie */
	uint8_t payload[FRAME_MAX];
	int64_t got_ns, mark_ns;
	int fds[16], n_fds;
	char *trace;
	size_t trace_len;
};

struct script {
	const char *name;
	int (*fn)(struct script_run *s);
};

/* One table a file, ends with a row of 0. */
extern const struct script handshake_scripts[], sack_scripts[], loss_scripts[], window_scripts[], ecn_scripts[],
	fastopen_scripts[], close_scripts[], guard_scripts[];
extern const struct stack *stack;

/* ---- what a script is made of ---- */

#define SEND(s, ...) OK(script_send(s, &(struct seg){ __VA_ARGS__ }))
#define EXPECT(s, why, ...) do { \
	if (script_expect(s, &(struct seg){ __VA_ARGS__ }, why, __FILE__, __LINE__)) \
		return -1; \
} while (0)
#define QUIET(s, why, ms) do { \
	if (script_quiet(s, ms, why, __FILE__, __LINE__)) \
		return -1; \
} while (0)
#define MARK(s) ((s)->mark_ns = stack->now_ns())
#define SINCE(s, why, min_ms, max_ms) do { \
	if (script_since(s, min_ms, max_ms, why, __FILE__, __LINE__)) \
		return -1; \
} while (0)
/* A call that must not fail. */
#define OK(call) do { \
	long ok_ = (call); \
	if (ok_ < 0) \
		return script_say(s, __FILE__, __LINE__, "%s: %ld", #call, ok_); \
} while (0)
#define IS(call, want) do { \
	long is_ = (call), want_ = (want); \
	if (is_ != want_) \
		return script_say(s, __FILE__, __LINE__, "%s is %ld, not %ld", #call, is_, want_); \
} while (0)
#define HOLDS(s, why, cond) do { \
	if (!(cond)) \
		return script_say(s, __FILE__, __LINE__, "%s: not %s", why, #cond); \
} while (0)
#define TRY(call) do { \
	if (call) { \
		script_say(s, __FILE__, __LINE__, "in %s", #call); \
		return -1; \
	} \
} while (0)

int script_send(struct script_run *s, const struct seg *seg);
int script_expect(struct script_run *s, const struct seg *want, const char *why, const char *file, int line);
int script_quiet(struct script_run *s, unsigned int ms, const char *why, const char *file, int line);
int script_since(struct script_run *s, int min_ms, int max_ms, const char *why, const char *file, int line);
int script_say(struct script_run *s, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Let time pass, in which nothing may come. */
int pause_ms(struct script_run *s, unsigned int ms);
/* From here on segments count that come to and from these; a new connection. */
void new_peer(struct script_run *s);
void new_port(struct script_run *s);	/* of the same address */
void same_peer(struct script_run *s);	/* of the same address and port */

/* ---- socket calls ---- */

int listener(struct script_run *s);	/* on the script's port */
int accepted(struct script_run *s, int lfd);
/* A connection: we open it, with these options; rtt_ms lie between SYN ACK and ACK. The accepted one, or -1. */
int passive(struct script_run *s, int opts, unsigned int rtt_ms);
/* The stack opens it. */
int active(struct script_run *s, int opts, unsigned int rtt_ms);
int connecting(struct script_run *s);	/* connect() has been called; the SYN is not taken yet */
int script_socket(struct script_run *s);	/* closed at the script's end, as those above are */
int close_fd(struct script_run *s, int fd);
int set_opt(int fd, int level, int name, int value);
long write_bytes(int fd, size_t len);	/* of the pattern that EXPECT() looks for; how many went */
long write_bytes_to(int fd, size_t len, int flags, const struct sockaddr_in *to);
long read_bytes(int fd, size_t len);	/* at most; never waits. -EBADMSG: not what SEND() sent */
int sysctl_is(struct script_run *s, const char *name, const char *value); /* until the script's end */

#endif /* TESTS_KERNEL_PACKETS_SCRIPT_H */
