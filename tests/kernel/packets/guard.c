// SPDX-License-Identifier: GPL-2.0-only
/* guard.c - scripts: what must not disturb a connection (RFC 5961, PAWS), and how it finds that its peer is gone */
#include "script.h"

#include <netinet/tcp.h>

/* ---- RFC 5961 ---- */

/* The connection still works. */
static int is_alive(struct script_run *s, int fd)
{
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5961: the connection is not disturbed", .flags = ACK, .seq = 1, .ack = 1001);
	IS(read_bytes(fd, 2000), FULL);
	return 0;
}

static int syn_in_connection(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_invalid_ratelimit", "0"));
	SEND(s, .flags = SYN, .seq = 1, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 5961, 4.2: a challenge ACK", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = SYN, .seq = 500, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 5961, 4.2: in the window", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = SYN, .seq = -100000000, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 5961, 4.2: wherever it is", .flags = ACK, .seq = 1, .ack = 1, .any_sack = 1);
	SEND(s, .flags = SYN | ACK, .seq = 0, .ack = 1, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 5961, 4.2: a SYN ACK is one, too", .flags = ACK, .seq = 1, .ack = 1, .any_sack = 1);
	return is_alive(s, fd);
}

static int rst_not_exact(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_invalid_ratelimit", "0"));
	SEND(s, .flags = RST, .seq = 2);
	EXPECT(s, "RFC 5961, 3.2, step 3: in the window but not exact, a challenge ACK", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = RST, .seq = 1 + 10000);
	EXPECT(s, "RFC 5961, 3.2, step 3", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = RST, .seq = 0);
	SEND(s, .flags = RST, .seq = 100000000);
	QUIET(s, "RFC 5961, 3.2, step 1: outside of the window, dropped", 20);
	TRY(is_alive(s, fd));
	SEND(s, .flags = RST, .seq = 1001);
	IS(read_bytes(fd, 1), -ECONNRESET);
	return 0;
}

/* A peer that has lost the connection answers the challenge, exactly. */
static int rst_after_challenge(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = SYN, .seq = 5000, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 5961, 4.2", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = RST, .seq = s->got.ack);
	IS(read_bytes(fd, 1), -ECONNRESET);
	return 0;
}

static int challenge_rate(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = SYN, .seq = 5000, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 5961, 4.2", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = SYN, .seq = 5000, .opts = O_MSS, .mss = FULL);
	SEND(s, .flags = RST, .seq = 5000);
	QUIET(s, "RFC 5961, 7: challenge ACKs are rationed", 20);
	return is_alive(s, fd);
}

/* Data whose acknowledgement number cannot be. */
static int ack_out_of_range(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_invalid_ratelimit", "0"));
	SEND(s, .flags = ACK, .seq = 1, .ack = -100000000, .len = 100);
	EXPECT(s, "RFC 5961, 5.2: too old, a challenge ACK", .flags = ACK, .seq = 1, .ack = 1);
	IS(read_bytes(fd, 1), -EAGAIN);
	/* Releases differ: 6.18 sends the ACK that the RFCs want, 6.12 says nothing. */
	SEND(s, .flags = ACK, .seq = 1, .ack = 5000, .len = 100);
	if (stack->release() >= 618)
		EXPECT(s, "RFC 9293, 3.10.7.4; RFC 5961, 5.2: of what was never sent", .flags = ACK, .seq = 1, .ack = 1);
	QUIET(s, "RFC 9293, 3.10.7.4: of what was never sent, dropped", 20);
	IS(read_bytes(fd, 1), -EAGAIN);
	return is_alive(s, fd);
}

static int data_out_of_window(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = ACK, .seq = 10000000, .ack = 1, .len = 100);
	EXPECT(s, "RFC 9293, 3.10.7.4: not acceptable, an ACK", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = -10000000, .ack = 1, .len = 100);
	EXPECT(s, "RFC 9293, 3.10.7.4; RFC 2883, 4: old, an ACK", .flags = ACK, .seq = 1, .ack = 1,
	       .sack = { { -10000000, -9999900 } });
	return is_alive(s, fd);
}

/* ---- PAWS ---- */

static int paws(struct script_run *s)
{
	int fd = passive(s, O_ALL, 0);

	OK(fd);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .ts_val = 2000000);
	EXPECT(s, "RFC 7323, 4.3", .flags = ACK, .seq = 1, .ack = 1001);
	HOLDS(s, "RFC 7323, 4.3", s->got.ts_ecr == 2000000);
	SEND(s, .flags = ACK, .seq = 1001, .ack = 1, .len = FULL, .ts_val = 1500000);
	EXPECT(s, "RFC 7323, 5.3, R1: dropped, and an ACK", .flags = ACK, .seq = 1, .ack = 1001);
	IS(read_bytes(fd, 5000), FULL);
	SEND(s, .flags = ACK, .seq = 1001, .ack = 1, .len = FULL, .ts_val = 2000000);
	EXPECT(s, "RFC 7323, 5.3: the same time is fine", .flags = ACK, .seq = 1, .ack = 2001);
	/* Timestamps wrap. */
	SEND(s, .flags = ACK, .seq = 2001, .ack = 1, .len = FULL, .ts_val = 2000000 + 0x7fffff00u);
	EXPECT(s, "RFC 7323, 5.3", .flags = ACK, .seq = 1, .ack = 3001);
	SEND(s, .flags = ACK, .seq = 3001, .ack = 1, .len = FULL, .ts_val = 2000000 + 0x80000100u);
	EXPECT(s, "RFC 7323, 5.2: modulo 2^32", .flags = ACK, .seq = 1, .ack = 4001);
	return 0;
}

static int paws_reset(struct script_run *s)
{
	int fd = passive(s, O_ALL, 0);

	OK(fd);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .ts_val = 2000000);
	EXPECT(s, "RFC 7323, 4.3", .flags = ACK, .seq = 1, .ack = 1001);
	IS(read_bytes(fd, 5000), FULL);
	SEND(s, .flags = RST, .seq = 1001, .ts_val = 1500000);
	IS(read_bytes(fd, 5000), -ECONNRESET); /* RFC 7323, 5.2: PAWS is not for resets */
	return 0;
}

/* The echo is of the segment that the ACK's number stands at, not of one above a hole. */
static int timestamp_echo(struct script_run *s)
{
	OK(passive(s, O_ALL, 0));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .ts_val = 2000000);
	EXPECT(s, "RFC 7323, 4.3", .flags = ACK, .seq = 1, .ack = 1001);
	SEND(s, .flags = ACK, .seq = 2001, .ack = 1, .len = FULL, .ts_val = 2000050);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 2001, 3001 } });
	HOLDS(s, "RFC 7323, 4.3, (2): SEG.SEQ <= Last.ACK.sent", s->got.ts_ecr == 2000000);
	SEND(s, .flags = ACK, .seq = 1001, .ack = 1, .len = FULL, .ts_val = 2000070);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 3001);
	HOLDS(s, "RFC 7323, 4.3: that which filled the hole", s->got.ts_ecr == 2000070);
	return 0;
}

/* Once agreed on, a segment without them. */
static int timestamp_missing(struct script_run *s)
{
	OK(passive(s, O_ALL, 0));
	/* RFC 7323, 3.2 says SHOULD drop; Linux has always taken it. */
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .opts = O_NO_TS);
	EXPECT(s, "RFC 7323, 3.2", .flags = ACK, .seq = 1, .ack = 1001);
	return 0;
}

/* ---- keepalive ---- */

static int keepalive(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(set_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1));
	OK(set_opt(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1));
	OK(set_opt(fd, IPPROTO_TCP, TCP_KEEPCNT, 2));
	MARK(s);
	OK(set_opt(fd, SOL_SOCKET, SO_KEEPALIVE, 1));
	EXPECT(s, "RFC 9293, 3.8.4 (MUST-24): a number that was acknowledged", .flags = ACK, .seq = 0, .ack = 1);
	SINCE(s, "RFC 9293, 3.8.4 (MUST-26)", 1000, 1100);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	MARK(s);
	EXPECT(s, "RFC 9293, 3.8.4", .flags = ACK, .seq = 0, .ack = 1);
	SINCE(s, "RFC 9293, 3.8.4: it answered, so from the beginning", 1000, 1100);
	EXPECT(s, "RFC 9293, 3.8.4 (MUST-27): one that is not answered is not the end", .flags = ACK, .seq = 0, .ack = 1);
	EXPECT(s, "RFC 9293, 3.8.4; RFC 1122, 4.2.3.6", .flags = RST | ACK, .seq = 1, .ack = 1);
	IS(read_bytes(fd, 1), -ETIMEDOUT);
	return 0;
}

/* Not unless asked for, and then not before two hours. In virtual time only. */
static int keepalive_default(struct script_run *s)
{
	int fd;

	if (!stack->is_exact)
		return 0;
	fd = passive(s, O_PLAIN, 0);
	OK(fd);
	QUIET(s, "RFC 9293, 3.8.4 (MUST-25): off by default", 3 * 3600 * 1000);
	OK(set_opt(fd, SOL_SOCKET, SO_KEEPALIVE, 1));
	QUIET(s, "RFC 9293, 3.8.4 (MUST-28): two hours", 7190 * 1000);
	EXPECT(s, "RFC 9293, 3.8.4", .flags = ACK, .seq = 0, .ack = 1);
	return 0;
}

static int user_timeout(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0), i;

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_early_retrans", "0"));
	OK(set_opt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 700));
	MARK(s);
	IS(write_bytes(fd, FULL), FULL);
	for (i = 0; i < 3; i++)
		EXPECT(s, "RFC 6298, 5.4", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	QUIET(s, "RFC 9293, 3.8.3 (MUST-20, R2): given up", 1000);
	IS(read_bytes(fd, 1), -ETIMEDOUT);
	return 0;
}

const struct script guard_scripts[] = {
	{ "syn_in_connection", syn_in_connection },
	{ "rst_not_exact", rst_not_exact },
	{ "rst_after_challenge", rst_after_challenge },
	{ "challenge_rate", challenge_rate },
	{ "ack_out_of_range", ack_out_of_range },
	{ "data_out_of_window", data_out_of_window },
	{ "paws", paws },
	{ "paws_reset", paws_reset },
	{ "timestamp_echo", timestamp_echo },
	{ "timestamp_missing", timestamp_missing },
	{ "keepalive", keepalive },
	{ "keepalive_default", keepalive_default },
	{ "user_timeout", user_timeout },
	{ 0 },
};
