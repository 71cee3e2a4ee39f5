// SPDX-License-Identifier: GPL-2.0-only
/* handshake.c - scripts: how connections begin; options that are offered, taken and answered */
#include "script.h"

/* ---- the stack is opened to ---- */

static int passive_all_options(struct script_run *s)
{
	int lfd = listener(s), fd;

	SEND(s, .flags = SYN, .opts = O_ALL, .mss = 1012, .wscale = 7, .ts_val = 77);
	EXPECT(s, "RFC 9293, 3.7.1; RFC 7323, 2.2 and 3.2; RFC 2018, 2", .flags = SYN | ACK, .ack = 1, .opts = O_ALL, .mss = 1460,
	       .wscale = 7);
	HOLDS(s, "RFC 7323, 3.2: TSecr is the TSval of the SYN", s->got.ts_ecr == 77);
	/* Not scaled in a SYN; and not more than the initial window of ten segments of the peer's need be. */
	HOLDS(s, "RFC 7323, 2.2: the window of a SYN is not scaled", s->got_win <= 65535 && s->got_win >= 10 * 1460);
	s->has_ts = 1;
	s->stack_wscale = 7;
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	fd = accepted(s, lfd);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL, .ts_val = 1004711);
	EXPECT(s, "RFC 7323, 3.2: timestamps on every segment", .flags = ACK, .seq = 1, .ack = 1001);
	HOLDS(s, "RFC 7323, 4.3", s->got.ts_ecr == 1004711);
	HOLDS(s, "RFC 7323, 2.3: scaled from here on", s->got_win >= 10 * 1460);
	IS(write_bytes(fd, 2 * FULL), 2 * FULL);
	EXPECT(s, "RFC 9293, 3.7.1: the MSS less the options", .flags = ACK, .seq = 1, .ack = 1001, .len = FULL);
	EXPECT(s, "RFC 9293, 3.7.1", .flags = ACK, .seq = 1001, .ack = 1001, .len = FULL);
	return 0;
}

/* Nothing that was not offered. */
static int passive_no_options(struct script_run *s)
{
	int lfd = listener(s), fd;

	SEND(s, .flags = SYN);
	EXPECT(s, "RFC 7323, 1.3 and 2.2: options answer offers", .flags = SYN | ACK, .ack = 1, .opts = O_MSS, .mss = 1460);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	fd = accepted(s, lfd);
	IS(write_bytes(fd, 1000), 1000);
	EXPECT(s, "RFC 9293, 3.7.1 (MUST-15): 536 if no MSS was received", .flags = ACK, .seq = 1, .ack = 1, .len = 536);
	SEND(s, .flags = ACK, .seq = 1, .ack = 537);
	EXPECT(s, "RFC 9293, 3.7.1", .flags = ACK, .seq = 537, .ack = 1, .len = 464);
	return 0;
}

/* Each option by itself is answered by itself. */
static int passive_one_option(struct script_run *s)
{
	static const int opts[] = { O_WSCALE, O_SACK_OK, O_TS };
	int lfd = listener(s);
	size_t i;

	OK(lfd);
	for (i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		SEND(s, .flags = SYN, .opts = opts[i], .wscale = 3);
		EXPECT(s, "RFC 7323, 1.3; RFC 2018, 2", .flags = SYN | ACK, .ack = 1, .opts = O_MSS | opts[i], .mss = 1460);
		SEND(s, .flags = RST, .seq = 1);
		new_peer(s);
	}
	return 0;
}

/* Switched off, an option is neither offered nor answered. */
static int options_off(struct script_run *s)
{
	int lfd = listener(s);

	OK(lfd);
	OK(sysctl_is(s, "net.ipv4.tcp_timestamps", "0"));
	SEND(s, .flags = SYN, .opts = O_ALL, .mss = 1000, .wscale = 7);
	EXPECT(s, "RFC 7323, 3.2", .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN);
	SEND(s, .flags = RST, .seq = 1);
	new_peer(s);
	OK(sysctl_is(s, "net.ipv4.tcp_window_scaling", "0"));
	SEND(s, .flags = SYN, .opts = O_ALL, .mss = 1000, .wscale = 7);
	EXPECT(s, "RFC 7323, 2.2", .flags = SYN | ACK, .ack = 1, .opts = O_MSS | O_SACK_OK);
	SEND(s, .flags = RST, .seq = 1);
	new_peer(s);
	OK(sysctl_is(s, "net.ipv4.tcp_sack", "0"));
	SEND(s, .flags = SYN, .opts = O_ALL, .mss = 1000, .wscale = 7);
	EXPECT(s, "RFC 2018, 2", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = RST, .seq = 1);
	new_peer(s);
	OK(connecting(s));
	EXPECT(s, "RFC 9293, 3.7.1", .flags = SYN, .opts = O_MSS, .mss = 1460);
	return 0;
}

/* A shift above 14 is taken as 14. */
static int window_scale_limit(struct script_run *s)
{
	int lfd = listener(s), fd, i;

	SEND(s, .flags = SYN, .opts = O_MSS | O_WSCALE, .mss = 1024, .wscale = 15);
	EXPECT(s, "RFC 7323, 2.3", .flags = SYN | ACK, .ack = 1, .opts = O_MSS | O_WSCALE);
	/* A window of 1 << 14, not 1 << 15: sixteen segments of 1024 fit, and ten go first. */
	s->win = 1;
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	fd = accepted(s, lfd);
	IS(write_bytes(fd, 30 * 1024), 30 * 1024);
	for (i = 0; i < 10; i++)
		EXPECT(s, "RFC 6928, 2", .flags = ACK, .seq = 1 + i * 1024, .ack = 1, .len = 1024);
	SEND(s, .flags = ACK, .seq = 1, .ack = 10241);
	for (; i < 26; i++)
		EXPECT(s, "RFC 7323, 2.3: 16,384 bytes", .flags = ACK, .seq = 1 + i * 1024, .ack = 1, .len = 1024);
	QUIET(s, "RFC 7323, 2.3: the shift is 14 at most", 30);
	return 0;
}

static int passive_small_mss(struct script_run *s)
{
	int lfd = listener(s), fd;

	SEND(s, .flags = SYN, .opts = O_MSS | O_TS, .mss = 500);
	EXPECT(s, "RFC 9293, 3.7.1", .flags = SYN | ACK, .ack = 1, .opts = O_MSS | O_TS, .mss = 1460);
	s->has_ts = 1;
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	fd = accepted(s, lfd);
	IS(write_bytes(fd, 900), 900);
	EXPECT(s, "RFC 9293, 3.7.1: options count", .flags = ACK, .seq = 1, .ack = 1, .len = 488);
	SEND(s, .flags = ACK, .seq = 1, .ack = 489);
	EXPECT(s, "RFC 9293, 3.7.1", .flags = ACK, .seq = 489, .ack = 1, .len = 412);
	return 0;
}

/* The SYN ACK is sent again, a second later and then twice as long, until it is acknowledged. */
static int passive_syn_ack_lost(struct script_run *s)
{
	int lfd = listener(s);

	SEND(s, .flags = SYN, .opts = O_MSS, .mss = 1000);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	MARK(s);
	EXPECT(s, "RFC 9293, 3.8.1", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SINCE(s, "RFC 6298, 2.1: the first timeout is 1 s", 1000, 1100);
	/* Our SYN again: it has not heard our ACK, and we have not heard its SYN ACK. */
	SEND(s, .flags = SYN, .opts = O_MSS, .mss = 1000);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	IS(stack->accept(lfd), -EAGAIN);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	OK(accepted(s, lfd));
	return 0;
}

/* The ACK of the handshake gets lost, the first data brings it. */
static int passive_ack_with_data(struct script_run *s)
{
	int lfd = listener(s), fd;

	SEND(s, .flags = SYN, .opts = O_MSS, .mss = 1000);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = ACK, .seq = 1, .ack = 101);
	fd = accepted(s, lfd);
	IS(read_bytes(fd, 200), 100);
	return 0;
}

/* An ACK that acknowledges something else than the SYN ACK. */
static int passive_bad_ack(struct script_run *s)
{
	int lfd = listener(s);

	SEND(s, .flags = SYN, .opts = O_MSS, .mss = 1000);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4, SYN-RECEIVED", .flags = RST, .seq = 2);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	OK(accepted(s, lfd));
	return 0;
}

/* ---- nobody there ---- */

static int closed_port(struct script_run *s)
{
	SEND(s, .flags = SYN, .opts = O_MSS, .mss = 1000);
	EXPECT(s, "RFC 9293, 3.10.7.1: seq 0, the SYN acknowledged", .flags = RST | ACK, .any_seq = 1, .ack = 1);
	HOLDS(s, "RFC 9293, 3.10.7.1", s->got.seq + s->stack_iss == 0);
	SEND(s, .flags = ACK, .seq = 1, .ack = 4242, .len = 10);
	EXPECT(s, "RFC 9293, 3.10.7.1: seq from the ACK", .flags = RST, .seq = 4242);
	SEND(s, .flags = RST, .seq = 1);
	QUIET(s, "RFC 9293, 3.10.7.1: no answer to a RST", 20);
	return 0;
}

static int listening_port(struct script_run *s)
{
	OK(listener(s));
	SEND(s, .flags = ACK, .seq = 1, .ack = 4242);
	EXPECT(s, "RFC 9293, 3.10.7.2, LISTEN", .flags = RST, .seq = 4242);
	SEND(s, .flags = SYN | ACK, .seq = 1, .ack = 4242);
	EXPECT(s, "RFC 9293, 3.10.7.2, LISTEN", .flags = RST, .seq = 4242);
	SEND(s, .flags = RST, .seq = 1);
	QUIET(s, "RFC 9293, 3.10.7.2, LISTEN: a RST is ignored", 20);
	SEND(s, .flags = FIN, .seq = 1);
	QUIET(s, "RFC 9293, 3.10.7.2, LISTEN: neither RST, ACK nor SYN", 20);
	return 0;
}

/* ---- the stack opens ---- */

static int active_all_options(struct script_run *s)
{
	int fd = connecting(s);

	EXPECT(s, "RFC 9293, 3.7.1; RFC 7323, 2.2 and 3.2; RFC 2018, 2", .flags = SYN, .opts = O_ALL, .mss = 1460, .wscale = 7);
	HOLDS(s, "RFC 7323, 3.2: TSecr is 0 in a SYN", s->got.ts_ecr == 0);
	s->has_ts = 1;
	SEND(s, .flags = SYN | ACK, .ack = 1, .opts = O_ALL, .mss = 1012, .wscale = 7, .ts_val = 99);
	s->stack_wscale = 7;
	EXPECT(s, "RFC 9293, 3.5", .flags = ACK, .seq = 1, .ack = 1);
	HOLDS(s, "RFC 7323, 3.2", s->got.ts_ecr == 99);
	IS(write_bytes(fd, FULL), FULL);
	EXPECT(s, "RFC 9293, 3.7.1", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	return 0;
}

/* What the peer does not answer is not used. */
static int active_no_options(struct script_run *s)
{
	int fd = connecting(s);

	EXPECT(s, "RFC 9293, 3.7.1", .flags = SYN, .opts = O_ALL, .mss = 1460);
	SEND(s, .flags = SYN | ACK, .ack = 1);
	EXPECT(s, "RFC 7323, 3.2: no timestamps without the peer's", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 101, .ack = 1, .len = 100);
	EXPECT(s, "RFC 2018, 2: no SACK without the peer's", .flags = ACK, .seq = 1, .ack = 1);
	IS(write_bytes(fd, 600), 600);
	EXPECT(s, "RFC 9293, 3.7.1 (MUST-15)", .flags = ACK, .seq = 1, .ack = 1, .len = 536);
	return 0;
}

static int active_syn_lost(struct script_run *s)
{
	OK(connecting(s));
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN, .opts = O_ALL);
	MARK(s);
	EXPECT(s, "RFC 9293, 3.8.1", .flags = SYN, .opts = O_ALL);
	SINCE(s, "RFC 6298, 2.1", 1000, 1100);
	MARK(s);
	EXPECT(s, "RFC 9293, 3.8.1", .flags = SYN, .opts = O_ALL);
	SINCE(s, "RFC 6298, 5.5: twice as long", 2000, 2100);
	SEND(s, .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN, .mss = 1000, .wscale = 7);
	EXPECT(s, "RFC 9293, 3.5", .flags = ACK, .seq = 1, .ack = 1);
	return 0;
}

static int active_refused(struct script_run *s)
{
	int fd = connecting(s);

	EXPECT(s, "RFC 9293, 3.5", .flags = SYN, .opts = O_ALL);
	/* Whoever does not know our number cannot refuse. */
	SEND(s, .flags = RST, .seq = 0);
	QUIET(s, "RFC 9293, 3.10.7.3: a RST without ACK is dropped", 20);
	SEND(s, .flags = RST | ACK, .seq = 0, .ack = 4242);
	/* Linux takes it for a sign that something old is about, and sends its SYN again without waiting. */
	EXPECT(s, "RFC 9293, 3.10.7.3: a RST with a wrong ACK is dropped", .flags = SYN, .opts = O_ALL);
	IS(read_bytes(fd, 1), -EAGAIN);
	SEND(s, .flags = RST | ACK, .seq = 0, .ack = 1);
	IS(read_bytes(fd, 1), -ECONNREFUSED);
	QUIET(s, "RFC 9293, 3.10.7.3", 20);
	return 0;
}

static int active_bad_ack(struct script_run *s)
{
	OK(connecting(s));
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN, .opts = O_ALL);
	SEND(s, .flags = SYN | ACK, .ack = 4242, .opts = O_MSS, .mss = 1000);
	EXPECT(s, "RFC 9293, 3.10.7.3: the sequence number of the bad ACK", .flags = RST, .seq = 4242);
	SEND(s, .flags = SYN | ACK, .ack = 1, .opts = O_MSS, .mss = 1000);
	EXPECT(s, "RFC 9293, 3.5", .flags = ACK, .seq = 1, .ack = 1);
	return 0;
}

static int simultaneous_open(struct script_run *s)
{
	int fd = connecting(s);

	EXPECT(s, "RFC 9293, 3.5", .flags = SYN, .opts = O_ALL);
	SEND(s, .flags = SYN, .opts = O_ALL, .mss = 1012, .wscale = 7);
	EXPECT(s, "RFC 9293, 3.5, figure 8: SYN-RECEIVED", .flags = SYN | ACK, .ack = 1, .opts = O_ALL);
	s->has_ts = 1;
	s->stack_wscale = 7;
	SEND(s, .flags = SYN | ACK, .ack = 1, .opts = O_ALL, .mss = 1012, .wscale = 7);
	EXPECT(s, "RFC 9293, 3.10.7.4: the SYN is old by now", .flags = ACK, .seq = 1, .ack = 1, .any_sack = 1);
	IS(write_bytes(fd, 100), 100);
	EXPECT(s, "RFC 9293, 3.5, figure 8: ESTABLISHED", .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	return 0;
}

/* ---- numbers ---- */

/* Our numbers begin 8 KiB below the wrap, and go over it; the stack's go wherever it began. */
static int sequence_wrap(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0), i;
	uint32_t seq = 1;

	OK(fd);
	for (i = 0; i < 20; i++, seq += FULL) {
		SEND(s, .flags = ACK, .seq = seq, .ack = 1, .len = FULL);
		if (i == 0)
			EXPECT(s, "RFC 9293, 3.4", .flags = ACK, .seq = 1, .ack = seq + FULL);
		while (s->got.ack != seq + FULL && i % 2)
			EXPECT(s, "RFC 9293, 3.8.6.3: one ACK for two full segments at least", .flags = ACK, .seq = 1,
			       .any_ack = 1);
		IS(read_bytes(fd, 2 * FULL), FULL);
	}
	return 0;
}

/* Initial numbers of two connections of the same peer's are not the same, nor close. */
static int initial_numbers(struct script_run *s)
{
	int lfd = listener(s);
	uint32_t iss[3];
	int i;

	OK(lfd);
	for (i = 0; i < 3; i++) {
		SEND(s, .flags = SYN, .opts = O_MSS, .mss = 1000);
		EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
		SEND(s, .flags = RST, .seq = 1);
		iss[i] = s->stack_iss;
		s->is_iss_known = 0;
		s->peer_port += 1000;
	}
	HOLDS(s, "RFC 6528, 3: unpredictable by port", iss[1] - iss[0] != iss[2] - iss[1]);
	HOLDS(s, "RFC 6528, 3", iss[1] - iss[0] > 10000 && iss[2] - iss[1] > 10000);
	return 0;
}

const struct script handshake_scripts[] = {
	{ "passive_all_options", passive_all_options },
	{ "passive_no_options", passive_no_options },
	{ "passive_one_option", passive_one_option },
	{ "options_off", options_off },
	{ "window_scale_limit", window_scale_limit },
	{ "passive_small_mss", passive_small_mss },
	{ "passive_syn_ack_lost", passive_syn_ack_lost },
	{ "passive_ack_with_data", passive_ack_with_data },
	{ "passive_bad_ack", passive_bad_ack },
	{ "closed_port", closed_port },
	{ "listening_port", listening_port },
	{ "active_all_options", active_all_options },
	{ "active_no_options", active_no_options },
	{ "active_syn_lost", active_syn_lost },
	{ "active_refused", active_refused },
	{ "active_bad_ack", active_bad_ack },
	{ "simultaneous_open", simultaneous_open },
	{ "sequence_wrap", sequence_wrap },
	{ "initial_numbers", initial_numbers },
	{ 0 },
};
