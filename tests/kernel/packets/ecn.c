// SPDX-License-Identifier: GPL-2.0-only
/* ecn.c - scripts: Explicit Congestion Notification (RFC 3168) */
#include "script.h"

#include <linux/tcp.h>

static int ecn_answered(struct script_run *s)
{
	OK(listener(s));
	OK(sysctl_is(s, "net.ipv4.tcp_ecn", "2"));
	SEND(s, .flags = SYN | ECE | CWR, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 3168, 6.1.1: asked for, and given; not ECT itself", .flags = SYN | ACK | ECE, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = RST, .seq = 1);
	new_peer(s);
	SEND(s, .flags = SYN, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 3168, 6.1.1: not asked for", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = RST, .seq = 1);
	new_peer(s);
	SEND(s, .flags = SYN | ECE, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 3168, 6.1.1: both flags ask", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = RST, .seq = 1);
	new_peer(s);
	OK(sysctl_is(s, "net.ipv4.tcp_ecn", "0"));
	SEND(s, .flags = SYN | ECE | CWR, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 3168, 6.1.1: switched off", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	return 0;
}

static int ecn_asked(struct script_run *s)
{
	int fd;

	OK(sysctl_is(s, "net.ipv4.tcp_ecn", "1"));
	fd = connecting(s);
	EXPECT(s, "RFC 3168, 6.1.1", .flags = SYN | ECE | CWR, .opts = O_ALL);
	SEND(s, .flags = SYN | ACK | ECE, .ack = 1, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 3168, 6.1.4: a pure ACK is not ECT", .flags = ACK, .seq = 1, .ack = 1);
	IS(write_bytes(fd, FULL), FULL);
	EXPECT(s, "RFC 3168, 6.1.2: data is ECT", .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .ecn = ECT0);
	return 0;
}

static int ecn_refused(struct script_run *s)
{
	static const int flags[] = { SYN | ACK, SYN | ACK | ECE | CWR };
	/*
	 * Releases differ: 6.18, the first with AccECN, takes the reflection for an answer of RFC 9768 (3.1.2) though it has
	 * asked for RFC 3168.
	 */
	const int cases = stack->release() >= 618 ? 1 : 2;
	int fd, i;

	OK(sysctl_is(s, "net.ipv4.tcp_ecn", "1"));
	for (i = 0; i < cases; i++) {
		fd = connecting(s);
		EXPECT(s, "RFC 3168, 6.1.1", .flags = SYN | ECE | CWR, .opts = O_ALL);
		/* The second is what a peer answers that reflects flags it does not know. */
		SEND(s, .flags = flags[i], .ack = 1, .opts = O_MSS, .mss = FULL);
		EXPECT(s, "RFC 3168, 6.1.1", .flags = ACK, .seq = 1, .ack = 1);
		IS(write_bytes(fd, FULL), FULL);
		EXPECT(s, "RFC 3168, 6.1.1: no ECT", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
		new_peer(s);
	}
	return 0;
}

/* A SYN that gets no answer is sent again without: somebody may drop it for its flags. */
static int ecn_fallback(struct script_run *s)
{
	OK(sysctl_is(s, "net.ipv4.tcp_ecn", "1"));
	OK(connecting(s));
	EXPECT(s, "RFC 3168, 6.1.1", .flags = SYN | ECE | CWR, .opts = O_ALL);
	EXPECT(s, "RFC 3168, 6.1.1.1", .flags = SYN, .opts = O_ALL);
	return 0;
}

static int ecn_pair(struct script_run *s, int opts, unsigned int rtt_ms)
{
	int lfd = listener(s);

	OK(lfd);
	SEND(s, .flags = SYN | ECE | CWR, .opts = opts, .mss = FULL, .wscale = 7);
	EXPECT(s, "RFC 3168, 6.1.1", .flags = SYN | ACK | ECE, .ack = 1, .opts = opts);
	if (opts & O_WSCALE)
		s->stack_wscale = 7;
	TRY(pause_ms(s, rtt_ms));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	return accepted(s, lfd);
}

/* A mark is told until the sender says that it has heard. */
static int ecn_echo(struct script_run *s)
{
	OK(ecn_pair(s, O_PLAIN, 0));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .ecn = ECT0);
	EXPECT(s, "RFC 3168, 6.1.3", .flags = ACK, .seq = 1, .ack = 1001);
	SEND(s, .flags = ACK, .seq = 1001, .ack = 1, .len = FULL, .ecn = CE);
	EXPECT(s, "RFC 3168, 6.1.3: marked", .flags = ACK | ECE, .seq = 1, .ack = 2001);
	SEND(s, .flags = ACK, .seq = 2001, .ack = 1, .len = FULL, .ecn = ECT0);
	EXPECT(s, "RFC 3168, 6.1.3: in all ACKs", .flags = ACK | ECE, .seq = 1, .ack = 3001);
	SEND(s, .flags = ACK | CWR, .seq = 3001, .ack = 1, .len = FULL, .ecn = ECT0);
	EXPECT(s, "RFC 3168, 6.1.3: until CWR", .flags = ACK, .seq = 1, .ack = 4001);
	SEND(s, .flags = ACK | CWR, .seq = 4001, .ack = 1, .len = FULL, .ecn = CE);
	EXPECT(s, "RFC 3168, 6.1.3: CWR and a new mark", .flags = ACK | ECE, .seq = 1, .ack = 5001);
	return 0;
}

/* An echo halves the window once for a window of data, and says so. */
static int ecn_reduces(struct script_run *s)
{
	int fd = ecn_pair(s, O_PLAIN, 50), i, len = sizeof(struct tcp_info);
	struct tcp_info ti = { 0 };

	OK(fd);
	IS(write_bytes(fd, 10 * FULL), 10 * FULL);
	for (i = 0; i < 10; i++)
		EXPECT(s, "RFC 3168, 6.1.2", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL, .ecn = ECT0);
	SEND(s, .flags = ACK | ECE, .seq = 1, .ack = 4001);
	IS(write_bytes(fd, FULL), FULL);
	EXPECT(s, "RFC 3168, 6.1.2: the first new segment has CWR", .flags = ACK | CWR, .seq = 10001, .ack = 1, .len = FULL, .ecn = ECT0);
	SEND(s, .flags = ACK | ECE, .seq = 1, .ack = 6001);
	IS(write_bytes(fd, FULL), FULL);
	EXPECT(s, "RFC 3168, 6.1.2: once a window", .flags = ACK, .seq = 11001, .ack = 1, .len = FULL, .ecn = ECT0);
	SEND(s, .flags = ACK, .seq = 1, .ack = 12001);
	OK(stack->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len));
	HOLDS(s, "RFC 3168, 6.1.2; RFC 5681, 3.1: half the window", ti.tcpi_snd_ssthresh == 5);
	HOLDS(s, "RFC 3168, 6.1.2", ti.tcpi_snd_cwnd >= 5 && ti.tcpi_snd_cwnd <= 6);
	QUIET(s, "RFC 3168, 6.1.2: nothing was lost", 20);
	return 0;
}

static int ecn_retransmission(struct script_run *s)
{
	int fd = ecn_pair(s, O_PLAIN, 50), i;

	OK(fd);
	IS(write_bytes(fd, 10 * FULL), 10 * FULL);
	for (i = 0; i < 10; i++)
		EXPECT(s, "RFC 3168, 6.1.2", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL, .ecn = ECT0);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	EXPECT(s, "RFC 3168, 6.1.5: a retransmission is not ECT", .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .ecn = NOT_ECT);
	return 0;
}

const struct script ecn_scripts[] = {
	{ "ecn_answered", ecn_answered },
	{ "ecn_asked", ecn_asked },
	{ "ecn_refused", ecn_refused },
	{ "ecn_fallback", ecn_fallback },
	{ "ecn_echo", ecn_echo },
	{ "ecn_reduces", ecn_reduces },
	{ "ecn_retransmission", ecn_retransmission },
	{ 0 },
};
