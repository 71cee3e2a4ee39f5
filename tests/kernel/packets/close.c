// SPDX-License-Identifier: GPL-2.0-only
/* close.c - scripts: how connections end: FIN both ways, half-closed, at the same time, by reset; what is said afterwards */
#include "script.h"

#include <netinet/tcp.h>
#include <poll.h>

static int passive_close(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 1, .len = 100);
	EXPECT(s, "RFC 9293, 3.6, case 2: data and FIN acknowledged", .flags = ACK, .seq = 1, .ack = 102);
	IS(read_bytes(fd, 200), 100);
	IS(read_bytes(fd, 200), 0);
	/* CLOSE-WAIT: we may still send. */
	IS(write_bytes(fd, 100), 100);
	EXPECT(s, "RFC 9293, 3.6", .flags = ACK, .seq = 1, .ack = 102, .len = 100);
	SEND(s, .flags = ACK, .seq = 102, .ack = 101);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4, CLOSE-WAIT", .flags = FIN | ACK, .seq = 101, .ack = 102);
	SEND(s, .flags = ACK, .seq = 102, .ack = 102);
	QUIET(s, "RFC 9293, 3.10.7.4, LAST-ACK", 20);
	SEND(s, .flags = ACK, .seq = 102, .ack = 102);
	EXPECT(s, "RFC 9293, 3.10.7.1: it is closed", .flags = RST, .seq = 102);
	return 0;
}

static int active_close(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2);
	QUIET(s, "RFC 9293, 3.6: FIN-WAIT-2", 20);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4, FIN-WAIT-2", .flags = ACK, .seq = 2, .ack = 2);
	/* TIME-WAIT: our ACK got lost, so the FIN comes again. */
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4, TIME-WAIT: a FIN is acknowledged again", .flags = ACK, .seq = 2, .ack = 2, .any_sack = 1);
	return 0;
}

/* FIN and the ACK of ours in one. */
static int active_close_fin_ack(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4, FIN-WAIT-1", .flags = ACK, .seq = 2, .ack = 2);
	return 0;
}

static int simultaneous_close(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.6, case 3", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 1);
	EXPECT(s, "RFC 9293, 3.6, figure 13: CLOSING", .flags = ACK, .seq = 2, .ack = 2);
	SEND(s, .flags = ACK, .seq = 2, .ack = 2);
	QUIET(s, "RFC 9293, 3.6, figure 13: TIME-WAIT", 20);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4, TIME-WAIT", .flags = ACK, .seq = 2, .ack = 2, .any_sack = 1);
	return 0;
}

static int half_close(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(stack->shutdown(fd, SHUT_WR));
	EXPECT(s, "RFC 9293, 3.6", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2);
	IS(write_bytes(fd, 1), -EPIPE);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2, .len = FULL);
	EXPECT(s, "RFC 9293, 3.6 and 3.10.7.4, FIN-WAIT-2: data comes in", .flags = ACK, .seq = 2, .ack = 1001);
	IS(read_bytes(fd, 2000), FULL);
	SEND(s, .flags = FIN | ACK, .seq = 1001, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = ACK, .seq = 2, .ack = 1002);
	IS(read_bytes(fd, 2000), 0);
	return 0;
}

/* The FIN overtakes the data before it: it counts when that has come. */
static int fin_out_of_order(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = FIN | ACK, .seq = 1001, .ack = 1);
	EXPECT(s, "RFC 9293, 3.10.7.4; RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 1002 } });
	IS(read_bytes(fd, 1), -EAGAIN);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = ACK, .seq = 1, .ack = 1002);
	IS(read_bytes(fd, 2000), FULL);
	IS(read_bytes(fd, 2000), 0);
	return 0;
}

/* What was written before close() goes out before the FIN, and with it. */
static int close_with_data(struct script_run *s)
{
	int fd, i;

	s->win = 3 * FULL;
	fd = passive(s, O_MSS, 50);
	OK(fd);
	IS(write_bytes(fd, 3500), 3500);
	for (i = 0; i < 3; i++)
		EXPECT(s, "RFC 9293, 3.10.4", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	OK(close_fd(s, fd));
	QUIET(s, "RFC 9293, 3.10.4: queued behind the data", 20);
	s->win = 65535;
	SEND(s, .flags = ACK, .seq = 1, .ack = 3001);
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 3001, .ack = 1, .len = 500);
	SEND(s, .flags = ACK, .seq = 1, .ack = 3502);
	QUIET(s, "RFC 9293, 3.6", 20);
	return 0;
}

static int fin_lost(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(sysctl_is(s, "net.ipv4.tcp_early_retrans", "0"));
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 1, .ack = 1);
	MARK(s);
	EXPECT(s, "RFC 9293, 3.8.1: a FIN is sent again", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SINCE(s, "RFC 6298, 5.4", 200, 220);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2);
	QUIET(s, "RFC 9293, 3.6", 20);
	return 0;
}

/* ---- resets ---- */

static int close_with_unread(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	EXPECT(s, "RFC 9293, 3.8.6.3", .flags = ACK, .seq = 1, .ack = 101);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.6.1 (SHLD-3); RFC 2525, 2.17: data is lost, and the peer is told", .flags = RST | ACK, .seq = 1, .ack = 101);
	return 0;
}

static int data_after_close(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2, .len = 100);
	EXPECT(s, "RFC 9293, 3.6.1 (SHLD-3): nobody will read it", .flags = RST, .seq = 2);
	return 0;
}

static int abort_call(struct script_run *s)
{
	const struct linger linger = { 1, 0 };
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	IS(write_bytes(fd, 100), 100);
	EXPECT(s, "RFC 9293, 3.8", .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	OK(stack->setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.5", .flags = RST | ACK, .seq = 101, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 101);
	EXPECT(s, "RFC 9293, 3.10.7.1", .flags = RST, .seq = 101);
	return 0;
}

static int reset_received(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = RST, .seq = 1);
	QUIET(s, "RFC 9293, 3.10.7.4: a RST is not answered", 20);
	IS(read_bytes(fd, 1), -ECONNRESET);
	IS(write_bytes(fd, 1), -EPIPE);
	return 0;
}

static int reset_in_close_wait(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 1);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = ACK, .seq = 1, .ack = 2);
	IS(write_bytes(fd, 100), 100);
	EXPECT(s, "RFC 9293, 3.6", .flags = ACK, .seq = 1, .ack = 2, .len = 100);
	SEND(s, .flags = RST, .seq = 2);
	IS(write_bytes(fd, 1), -EPIPE);
	return 0;
}

/* A connection that is not accepted yet dies with its listener. */
static int close_listener(struct script_run *s)
{
	int lfd = listener(s);

	OK(lfd);
	SEND(s, .flags = SYN, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = O_MSS);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	OK(close_fd(s, lfd));
	EXPECT(s, "RFC 9293, 3.10.5", .flags = RST | ACK, .seq = 1, .ack = 1);
	return 0;
}

static int close_in_syn_sent(struct script_run *s)
{
	int fd = connecting(s);

	OK(fd);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN, .opts = O_ALL);
	OK(close_fd(s, fd));
	QUIET(s, "RFC 9293, 3.10.4, SYN-SENT: nothing is said", 20);
	SEND(s, .flags = SYN | ACK, .ack = 1, .opts = O_MSS, .mss = FULL);
	EXPECT(s, "RFC 9293, 3.10.7.1", .flags = RST, .seq = 1);
	return 0;
}

/* ---- time ---- */

/* A new SYN for a connection in TIME-WAIT, with a number above the old ones, opens it again. */
static int time_wait_reopened(struct script_run *s)
{
	int fd = passive(s, O_ALL, 0);

	OK(fd);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = ACK, .seq = 2, .ack = 2);
	TRY(pause_ms(s, 5)); /* for a timestamp above the last one */
	SEND(s, .flags = SYN, .seq = 100000, .opts = O_ALL, .mss = 1012, .wscale = 7);
	s->is_iss_known = 0;
	EXPECT(s, "RFC 9293, 3.6.1 (MAY-2); RFC 6191, 2", .flags = SYN | ACK, .ack = 100001, .opts = O_ALL);
	return 0;
}

/* A FIN that never comes is not waited for for ever. */
static int fin_wait_2_ends(struct script_run *s)
{
	int fd;

	OK(sysctl_is(s, "net.ipv4.tcp_fin_timeout", "1"));
	fd = passive(s, O_PLAIN, 0);
	OK(fd);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 2);
	QUIET(s, "RFC 9293, 3.6", 1500);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.1; the time is Linux's, tcp_fin_timeout", .flags = RST, .seq = 2);
	return 0;
}

/* TIME-WAIT is over after a minute. In virtual time only. */
static int time_wait_ends(struct script_run *s)
{
	int fd;

	if (!stack->is_exact)
		return 0;
	fd = passive(s, O_PLAIN, 0);
	OK(fd);
	OK(close_fd(s, fd));
	EXPECT(s, "RFC 9293, 3.10.4", .flags = FIN | ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = ACK, .seq = 2, .ack = 2);
	QUIET(s, "RFC 9293, 3.6.1", 55000);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.4, TIME-WAIT", .flags = ACK, .seq = 2, .ack = 2, .any_sack = 1);
	QUIET(s, "RFC 9293, 3.6.1: Linux's 2 MSL is 60 s", 70000);
	SEND(s, .flags = FIN | ACK, .seq = 1, .ack = 2);
	EXPECT(s, "RFC 9293, 3.10.7.1: closed", .flags = RST, .seq = 2);
	return 0;
}

const struct script close_scripts[] = {
	{ "passive_close", passive_close },
	{ "active_close", active_close },
	{ "active_close_fin_ack", active_close_fin_ack },
	{ "simultaneous_close", simultaneous_close },
	{ "half_close", half_close },
	{ "fin_out_of_order", fin_out_of_order },
	{ "close_with_data", close_with_data },
	{ "fin_lost", fin_lost },
	{ "close_with_unread", close_with_unread },
	{ "data_after_close", data_after_close },
	{ "abort_call", abort_call },
	{ "reset_received", reset_received },
	{ "reset_in_close_wait", reset_in_close_wait },
	{ "close_listener", close_listener },
	{ "close_in_syn_sent", close_in_syn_sent },
	{ "time_wait_reopened", time_wait_reopened },
	{ "fin_wait_2_ends", fin_wait_2_ends },
	{ "time_wait_ends", time_wait_ends },
	{ 0 },
};
