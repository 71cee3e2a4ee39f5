// SPDX-License-Identifier: GPL-2.0-only
/* window.c - scripts: windows of the receiver and of congestion: closed, small, probed; Nagle, delayed ACK, idle restart */
#include "script.h"

#include <netinet/tcp.h>

/* The peer's window is closed: probes, ever farther apart, until it opens. */
static int zero_window_probe(struct script_run *s)
{
	int fd, i, ms = 200;

	s->win = 0;
	fd = passive(s, O_PLAIN, 0);
	OK(fd);
	MARK(s);
	IS(write_bytes(fd, 2 * FULL), 2 * FULL);
	for (i = 0; i < 3; i++, ms *= 2) {
		/* Linux probes with a number that was acknowledged, which has to be answered, and no byte. */
		EXPECT(s, "RFC 9293, 3.8.6.1 (MUST-35)", .flags = ACK, .seq = 0, .ack = 1);
		SINCE(s, "RFC 9293, 3.8.6.1 (SHLD-29, SHLD-30): after a timeout, then doubled", ms, ms + 10);
		MARK(s);
		SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	}
	s->win = 65535;
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	EXPECT(s, "RFC 9293, 3.8.6", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 9293, 3.8.6", .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	return 0;
}

/* The window closes while data is out, and the peer takes none of it. */
static int window_used_up(struct script_run *s)
{
	int fd;

	s->win = 2500;
	fd = passive(s, O_MSS, 0);
	OK(fd);
	IS(write_bytes(fd, 4 * FULL), 4 * FULL);
	EXPECT(s, "RFC 9293, 3.8.6", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 9293, 3.8.6", .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	QUIET(s, "RFC 9293, 3.8.6.2.1: half a segment waits for an ACK", 30);
	s->win = 500;
	SEND(s, .flags = ACK, .seq = 1, .ack = 2001);
	MARK(s);
	EXPECT(s, "RFC 9293, 3.8.6.2.1 (4): what fits, after a time", .flags = ACK, .seq = 2001, .ack = 1, .len = 500);
	SINCE(s, "RFC 9293, 3.8.6.2.1: the override timeout is 0.1 to 1 s", 100, 1000);
	s->win = 65535;
	SEND(s, .flags = ACK, .seq = 1, .ack = 2501);
	/* Releases differ: 6.1 sends 500 and 1000 bytes, later ones 1000 and 500. */
	do
		EXPECT(s, "RFC 9293, 3.8.6", .flags = ACK, .any_seq = 1, .ack = 1, .any_len = 1);
	while (s->got.seq + s->got.len != 4001);
	return 0;
}

/* Our own receiver does not read: its window closes, answers probes, and opens by more than a little. */
static int own_window(struct script_run *s)
{
	int lfd = listener(s), fd, i;
	uint32_t seq = 1, edge, before;

	OK(set_opt(lfd, SOL_SOCKET, SO_RCVBUF, 16384));
	SEND(s, .flags = SYN, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	fd = accepted(s, lfd);
	edge = 1 + s->got_win;
	for (i = 0; i < 100 && edge - seq >= FULL; i++) {
		SEND(s, .flags = ACK, .seq = seq, .ack = 1, .len = FULL);
		seq += FULL;
		while (seq + FULL > edge && s->got.ack != seq)
			EXPECT(s, "RFC 9293, 3.8.6.3: an ACK within 500 ms", .flags = ACK, .seq = 1, .any_ack = 1);
		if (s->got.ack + s->got_win > edge)
			edge = s->got.ack + s->got_win;
		HOLDS(s, "RFC 9293, 3.8.6 (SHLD-14): the right edge does not go back", s->got.ack + s->got_win >= edge || seq <= edge);
	}
	if (edge > seq) {
		SEND(s, .flags = ACK, .seq = seq, .ack = 1, .len = edge - seq);
		seq = edge;
	}
	while (s->got.ack != seq)
		EXPECT(s, "RFC 9293, 3.8.6.3", .flags = ACK, .seq = 1, .any_ack = 1);
	HOLDS(s, "RFC 9293, 3.8.6.2.2: no window until there is room for a segment", s->got_win == 0);
	SEND(s, .flags = ACK, .seq = seq, .ack = 1, .len = 1);
	EXPECT(s, "RFC 9293, 3.8.6.1 (MUST-36): a probe is answered", .flags = ACK, .seq = 1, .ack = seq, .win = NO_WINDOW);
	before = s->got_win;
	IS(read_bytes(fd, 1), 1);
	QUIET(s, "RFC 9293, 3.8.6.2.2: no window for a byte", 20);
	IS(read_bytes(fd, 65536), seq - 2);
	EXPECT(s, "RFC 9293, 3.8.6.2.2: the window is told when it has opened", .flags = ACK, .seq = 1, .ack = seq);
	HOLDS(s, "RFC 9293, 3.8.6.2.2 (MUST-39): by a segment at least", s->got_win >= before + FULL);
	return 0;
}

static int nagle(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	IS(write_bytes(fd, 100), 100);
	EXPECT(s, "RFC 9293, 3.7.4: nothing is outstanding", .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	IS(write_bytes(fd, 100), 100);
	IS(write_bytes(fd, 100), 100);
	QUIET(s, "RFC 9293, 3.7.4 (SHLD-7): a small segment waits for the ACK", 30);
	SEND(s, .flags = ACK, .seq = 1, .ack = 101);
	EXPECT(s, "RFC 9293, 3.7.4: and what gathered is one", .flags = ACK, .seq = 101, .ack = 1, .len = 200);
	OK(set_opt(fd, IPPROTO_TCP, TCP_NODELAY, 1));
	IS(write_bytes(fd, 100), 100);
	EXPECT(s, "RFC 9293, 3.7.4 (MUST-17): it can be switched off", .flags = ACK, .seq = 301, .ack = 1, .len = 100);
	return 0;
}

static int delayed_ack(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0), i;

	OK(fd);
	/* Linux acknowledges the first segments of a connection at once; a program that answers ends that. */
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	EXPECT(s, "RFC 9293, 3.8.6.3", .flags = ACK, .seq = 1, .ack = 101);
	IS(read_bytes(fd, 200), 100);
	for (i = 0; i < 3; i++) {
		SEND(s, .flags = ACK, .seq = 101 + i * 100, .ack = 1 + i * 100, .len = 100);
		IS(read_bytes(fd, 200), 100);
		IS(write_bytes(fd, 100), 100);
		while (s->got.len != 100 || s->got.seq != 1 + i * 100u)
			EXPECT(s, "RFC 9293, 3.8.6.3", .flags = ACK, .any_seq = 1, .any_len = 1, .any_ack = 1);
		HOLDS(s, "RFC 9293, 3.8.6.3: the answer carries it", s->got.ack == 201 + i * 100u);
	}
	MARK(s);
	SEND(s, .flags = ACK, .seq = 401, .ack = 301, .len = 100);
	EXPECT(s, "RFC 9293, 3.8.6.3 (MUST-58)", .flags = ACK, .seq = 301, .ack = 501);
	SINCE(s, "RFC 9293, 3.8.6.3 (MUST-40): delayed, by less than 500 ms", 30, 490);
	return 0;
}

/* After a pause of some timeouts the window is the initial one again. */
static int idle_restart(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 50), i; /* long enough for no probe to come between */

	OK(fd);
	IS(write_bytes(fd, 30 * FULL), 30 * FULL);
	for (i = 0; i < 10; i++)
		EXPECT(s, "RFC 6928, 2", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 10001);
	for (; i < 30; i++)
		EXPECT(s, "RFC 5681, 3.1; RFC 3465, 2.1: ten acknowledged, twenty go", .flags = ACK, .seq = 1 + i * FULL, .ack = 1,
		       .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 30001);
	TRY(pause_ms(s, 1000));
	IS(write_bytes(fd, 20 * FULL), 20 * FULL);
	for (; i < 40; i++)
		EXPECT(s, "RFC 5681, 4.1", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	QUIET(s, "RFC 5681, 4.1; RFC 6928, 2: the restart window is the initial one", 20);
	SEND(s, .flags = ACK, .seq = 1, .ack = 40001);
	return 0;
}

const struct script window_scripts[] = {
	{ "zero_window_probe", zero_window_probe },
	{ "window_used_up", window_used_up },
	{ "own_window", own_window },
	{ "nagle", nagle },
	{ "delayed_ack", delayed_ack },
	{ "idle_restart", idle_restart },
	{ 0 },
};
