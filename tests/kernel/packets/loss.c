// SPDX-License-Identifier: GPL-2.0-only
/*
 * loss.c - scripts: losses and what is taken for one: tail loss probe and RACK (RFC 8985), timeout and its back-off (RFC 6298),
 * spurious timeouts (RFC 5682, RFC 3522)
 *
 * Linux's least timeout is 200 ms, where RFC 6298, 2.4 says SHOULD be 1 s. With a first round trip of R it is R + 200 ms.
 */
#include "script.h"

#include <linux/tcp.h>

static int segments(struct script_run *s, int fd, int n)
{
	int i;

	IS(write_bytes(fd, n * FULL), n * FULL);
	for (i = 0; i < n; i++)
		EXPECT(s, "RFC 6928, 2", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	return 0;
}

/* ---- tail loss probe ---- */

static int tlp_last_segment(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 50);

	OK(fd);
	TRY(segments(s, fd, 5));
	MARK(s);
	EXPECT(s, "RFC 8985, 7.3: the last segment again", .flags = ACK, .seq = 4001, .ack = 1, .len = FULL);
	SINCE(s, "RFC 8985, 7.2: after two round trips", 100, 115);
	/* It has arrived twice: nothing was lost. */
	SEND(s, .flags = ACK, .seq = 1, .ack = 5001, .sack = { { 4001, 5001 } });
	QUIET(s, "RFC 8985, 7.4", 50);
	return 0;
}

static int tlp_new_data(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 50), i;

	OK(fd);
	IS(write_bytes(fd, 12 * FULL), 12 * FULL);
	for (i = 0; i < 10; i++)
		EXPECT(s, "RFC 6928, 2", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	MARK(s);
	EXPECT(s, "RFC 8985, 7.3: a new segment if there is one, whatever the congestion window", .flags = ACK, .seq = 10001, .ack = 1,
	       .len = FULL);
	SINCE(s, "RFC 8985, 7.2", 100, 115);
	SEND(s, .flags = ACK, .seq = 1, .ack = 11001);
	EXPECT(s, "RFC 5681, 3.1", .flags = ACK, .seq = 11001, .ack = 1, .len = FULL);
	return 0;
}

/* The probe brings to light that the segments before it are lost. */
static int tlp_finds_loss(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 50);

	OK(fd);
	TRY(segments(s, fd, 3));
	EXPECT(s, "RFC 8985, 7.3", .flags = ACK, .seq = 2001, .ack = 1, .len = FULL);
	TRY(pause_ms(s, 50));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 2001, 3001 } });
	EXPECT(s, "RFC 8985, 6.2, step 5: sent long before the probe", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 2001, 3001 } });
	EXPECT(s, "RFC 8985, 6.2, step 5", .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 3001);
	QUIET(s, "RFC 8985, 7.4", 20);
	return 0;
}

/* Nothing comes back: after the probe, the timeout. */
static int tlp_then_timeout(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 50);

	OK(fd);
	TRY(segments(s, fd, 3));
	EXPECT(s, "RFC 8985, 7.3", .flags = ACK, .seq = 2001, .ack = 1, .len = FULL);
	MARK(s);
	EXPECT(s, "RFC 8985, 7.3: the timer is the retransmission timer again", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	SINCE(s, "RFC 6298, 2.3", 200, 300);
	return 0;
}

/* ---- RACK ---- */

/* One segment SACKed above a hole: it may be reordering, for a quarter of the least round trip. */
static int rack_lost_by_time(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 100);

	OK(fd);
	TRY(segments(s, fd, 4));
	TRY(pause_ms(s, 100));
	MARK(s);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	EXPECT(s, "RFC 8985, 6.2, step 5: lost by time, with one duplicate ACK", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	SINCE(s, "RFC 8985, 6.2, step 4: min_RTT / 4 later", 25, 35);
	SEND(s, .flags = ACK, .seq = 1, .ack = 4001);
	QUIET(s, "RFC 8985, 6.2", 20);
	return 0;
}

static int rack_reordering(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 400);

	OK(fd);
	TRY(segments(s, fd, 4));
	TRY(pause_ms(s, 400));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	QUIET(s, "RFC 8985, 6.2, step 4: it waits", 10);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2001);
	QUIET(s, "RFC 8985, 6.2: it was reordered, not lost", 130);
	SEND(s, .flags = ACK, .seq = 1, .ack = 4001);
	return 0;
}

/* Once reordering was seen, three SACKed segments are no longer a sign of loss by themselves. */
static int rack_after_reordering(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 200), i;

	OK(fd);
	TRY(segments(s, fd, 4));
	TRY(pause_ms(s, 200));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	SEND(s, .flags = ACK, .seq = 1, .ack = 4001);
	IS(write_bytes(fd, 6 * FULL), 6 * FULL);
	for (i = 4; i < 10; i++)
		EXPECT(s, "RFC 5681, 3.1", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	TRY(pause_ms(s, 200));
	MARK(s);
	SEND(s, .flags = ACK, .seq = 1, .ack = 4001, .sack = { { 5001, 8001 } });
	EXPECT(s, "RFC 8985, 6.2, step 5", .flags = ACK, .seq = 4001, .ack = 1, .len = FULL);
	SINCE(s, "RFC 8985, 6.2, step 4: reordering was seen, so it waits", 50, 60);
	return 0;
}

/* The retransmission is lost, too; something sent after it arrives. */
static int rack_lost_retransmission(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 50);

	OK(fd);
	TRY(segments(s, fd, 10));
	TRY(pause_ms(s, 50));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	EXPECT(s, "RFC 6675, 5", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 10001 } });
	IS(write_bytes(fd, FULL), FULL);
	EXPECT(s, "RFC 6675, 5: new data while the window allows", .flags = ACK, .seq = 10001, .ack = 1, .len = FULL);
	TRY(pause_ms(s, 60));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 11001 } });
	EXPECT(s, "RFC 8985, 6.2, step 5: sent before what arrived", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 11001);
	QUIET(s, "RFC 8985, 6.2", 20);
	return 0;
}

/* ---- timeout ---- */

static int rto_backoff(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0), i, ms = 200;

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_early_retrans", "0"));
	TRY(segments(s, fd, 1));
	for (i = 0; i < 3; i++, ms *= 2) {
		MARK(s);
		EXPECT(s, "RFC 6298, 5.4", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
		SINCE(s, "RFC 6298, 2.4 and 5.5: doubled each time", ms, ms + 20);
	}
	SEND(s, .flags = ACK, .seq = 1, .ack = 1001);
	QUIET(s, "RFC 6298, 5.2: all is acknowledged, the timer is off", 50);
	return 0;
}

/* A measured round trip: SRTT + 4 RTTVAR, and 200 ms at least of the second. */
static int rto_of_round_trip(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 300);

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_early_retrans", "0"));
	TRY(segments(s, fd, 1));
	MARK(s);
	EXPECT(s, "RFC 6298, 5.4", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	SINCE(s, "RFC 6298, 2.2: R + 4 * R / 2", 900, 930);
	return 0;
}

static int rto_loss_window(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_early_retrans", "0"));
	TRY(segments(s, fd, 5));
	EXPECT(s, "RFC 6298, 5.4: the earliest", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	QUIET(s, "RFC 5681, 3.1: a loss window of one segment", 50);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1001);
	EXPECT(s, "RFC 5681, 3.1: slow start", .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5681, 3.1: slow start", .flags = ACK, .seq = 2001, .ack = 1, .len = FULL);
	QUIET(s, "RFC 5681, 3.1: two segments", 30);
	SEND(s, .flags = ACK, .seq = 1, .ack = 3001);
	EXPECT(s, "RFC 5681, 3.1", .flags = ACK, .seq = 3001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5681, 3.1", .flags = ACK, .seq = 4001, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 5001);
	QUIET(s, "RFC 5681, 3.1", 20);
	return 0;
}

/* ---- spurious timeouts ---- */

/* As far as step 2: the timeout, its segment acknowledged, two new segments. */
static int frto_begin(struct script_run *s, int *fd)
{
	*fd = passive(s, O_PLAIN, 0);
	OK(*fd);
	OK(sysctl_is(s, "net.ipv4.tcp_early_retrans", "0"));
	TRY(segments(s, *fd, 5));
	EXPECT(s, "RFC 5682, 3.1, step 1", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	IS(write_bytes(*fd, 3 * FULL), 3 * FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1001);
	EXPECT(s, "RFC 5682, 3.1, step 2b: new segments instead", .flags = ACK, .seq = 5001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5682, 3.1, step 2b", .flags = ACK, .seq = 6001, .ack = 1, .len = FULL);
	return 0;
}

static int frto_spurious(struct script_run *s)
{
	int fd;

	TRY(frto_begin(s, &fd));
	SEND(s, .flags = ACK, .seq = 1, .ack = 2001);
	EXPECT(s, "RFC 5682, 3.1, step 3b: it arrived, so nothing was lost", .flags = ACK, .seq = 7001, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 8001);
	QUIET(s, "RFC 5682, 3.1", 20);
	return 0;
}

static int frto_genuine(struct script_run *s)
{
	int fd;

	TRY(frto_begin(s, &fd));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 5001, 6001 } });
	EXPECT(s, "RFC 5682, 3.1, step 3a: a duplicate ACK, so there is a hole", .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	return 0;
}

/* By timestamps at the first acknowledgement: it answers the original. */
static int eifel(struct script_run *s)
{
	int fd = passive(s, O_ALL, 0), i;
	uint32_t ts;

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_early_retrans", "0"));
	TRY(segments(s, fd, 5));
	ts = s->got.ts_val;
	EXPECT(s, "RFC 6298, 5.4", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	HOLDS(s, "RFC 7323, 3.2: a retransmission has a time of its own", s->got.ts_val - ts >= 150);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1001, .ts_ecr = ts);
	QUIET(s, "RFC 3522, 3.2, step 5: the timeout was spurious", 30);
	/* The window is what it was: ten, of which four are in flight. */
	IS(write_bytes(fd, 6 * FULL), 6 * FULL);
	for (i = 5; i < 11; i++)
		EXPECT(s, "RFC 4015, 3.2, step 5: the window comes back", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	IS(write_bytes(fd, FULL), FULL);
	QUIET(s, "RFC 4015, 3.2, step 5: and no more", 30);
	return 0;
}

const struct script loss_scripts[] = {
	{ "tlp_last_segment", tlp_last_segment },
	{ "tlp_new_data", tlp_new_data },
	{ "tlp_finds_loss", tlp_finds_loss },
	{ "tlp_then_timeout", tlp_then_timeout },
	{ "rack_lost_by_time", rack_lost_by_time },
	{ "rack_reordering", rack_reordering },
	{ "rack_after_reordering", rack_after_reordering },
	{ "rack_lost_retransmission", rack_lost_retransmission },
	{ "rto_backoff", rto_backoff },
	{ "rto_of_round_trip", rto_of_round_trip },
	{ "rto_loss_window", rto_loss_window },
	{ "frto_spurious", frto_spurious },
	{ "frto_genuine", frto_genuine },
	{ "eifel", eifel },
	{ 0 },
};
