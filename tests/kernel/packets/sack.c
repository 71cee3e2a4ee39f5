// SPDX-License-Identifier: GPL-2.0-only
/* sack.c - scripts: selective acknowledgements, sent and honoured */
#include "script.h"

/* ---- sent ---- */

static int sack_blocks_sent(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 9293, 3.8.6.3", .flags = ACK, .seq = 1, .ack = 1001);
	SEND(s, .flags = ACK, .seq = 2001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5681, 4.2: a duplicate ACK at once; RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 2001, 3001 } });
	SEND(s, .flags = ACK, .seq = 3001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4: one block as far as it is contiguous", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 2001, 4001 } });
	SEND(s, .flags = ACK, .seq = 5001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4: the block of the newest segment first", .flags = ACK, .seq = 1, .ack = 1001,
	       .sack = { { 5001, 6001 }, { 2001, 4001 } });
	SEND(s, .flags = ACK, .seq = 7001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 7001, 8001 }, { 5001, 6001 }, { 2001, 4001 } });
	SEND(s, .flags = ACK, .seq = 9001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 3: four blocks fit", .flags = ACK, .seq = 1, .ack = 1001,
	       .sack = { { 9001, 10001 }, { 7001, 8001 }, { 5001, 6001 }, { 2001, 4001 } });
	SEND(s, .flags = ACK, .seq = 11001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4: the oldest are left out", .flags = ACK, .seq = 1, .ack = 1001,
	       .sack = { { 11001, 12001 }, { 9001, 10001 }, { 7001, 8001 }, { 5001, 6001 } });
	/* A hole is filled in the middle: two blocks become one, and it comes first. */
	SEND(s, .flags = ACK, .seq = 6001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 5001, 8001 }, { 11001, 12001 }, { 9001, 10001 } });
	SEND(s, .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5681, 4.2: at once when a hole is filled", .flags = ACK, .seq = 1, .ack = 4001,
	       .sack = { { 5001, 8001 }, { 11001, 12001 }, { 9001, 10001 } });
	SEND(s, .flags = ACK, .seq = 4001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 8001, .sack = { { 11001, 12001 }, { 9001, 10001 } });
	SEND(s, .flags = ACK, .seq = 8001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 10001, .sack = { { 11001, 12001 } });
	SEND(s, .flags = ACK, .seq = 10001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4: no block without a hole", .flags = ACK, .seq = 1, .ack = 12001);
	IS(read_bytes(fd, 20000), 12000);
	return 0;
}

static int sack_with_timestamps(struct script_run *s)
{
	uint32_t i;

	OK(passive(s, O_ALL, 0));
	for (i = 0; i < 3; i++)
		SEND(s, .flags = ACK, .seq = 1001 + 2 * FULL * i, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 2001 } });
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1, .sack = { { 3001, 4001 }, { 1001, 2001 } });
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1, .sack = { { 5001, 6001 }, { 3001, 4001 }, { 1001, 2001 } });
	SEND(s, .flags = ACK, .seq = 7001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 3: three blocks fit beside timestamps", .flags = ACK, .seq = 1, .ack = 1,
	       .sack = { { 7001, 8001 }, { 5001, 6001 }, { 3001, 4001 } });
	return 0;
}

static int dsack_sent(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 0);

	OK(fd);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 9293, 3.8.6.3", .flags = ACK, .seq = 1, .ack = 1001);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2883, 4: what came twice is the first block", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 1, 1001 } });
	SEND(s, .flags = ACK, .seq = 2001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2018, 4", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 2001, 3001 } });
	SEND(s, .flags = ACK, .seq = 2001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2883, 4.2: above the acknowledged, and the block that holds it", .flags = ACK, .seq = 1, .ack = 1001,
	       .sack = { { 2001, 3001 }, { 2001, 3001 } });
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2883, 4.1", .flags = ACK, .seq = 1, .ack = 1001, .sack = { { 1, 1001 }, { 2001, 3001 } });
	SEND(s, .flags = ACK, .seq = 501, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 2883, 4.1: only a part came twice", .flags = ACK, .seq = 1, .ack = 1501,
	       .any_sack = 1);
	IS(read_bytes(fd, 5000), 1500);
	return 0;
}

/* Without SACK: plain duplicate ACKs. */
static int no_sack_sent(struct script_run *s)
{
	OK(passive(s, O_MSS, 0));
	SEND(s, .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5681, 4.2; RFC 2018, 2", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 2001, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5681, 4.2", .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	EXPECT(s, "RFC 5681, 4.2", .flags = ACK, .seq = 1, .ack = 3001);
	return 0;
}

/* ---- honoured ---- */

/* Ten segments, of which these come. */
static int ten_sent(struct script_run *s, int fd)
{
	int i;

	IS(write_bytes(fd, 10 * FULL), 10 * FULL);
	for (i = 0; i < 10; i++)
		EXPECT(s, "RFC 6928, 2: ten segments", .flags = ACK, .seq = 1 + i * FULL, .ack = 1, .len = FULL);
	return 0;
}

static int sack_honoured(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 50);

	OK(fd);
	TRY(ten_sent(s, fd));
	TRY(pause_ms(s, 50));
	/* Three segments above it have arrived. */
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	EXPECT(s, "RFC 6675, 5; RFC 5681, 3.2: the first is lost", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	/* Two holes: 1 and 5; what was SACKed is not sent again. */
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 5001, 10001 }, { 1001, 4001 } });
	EXPECT(s, "RFC 6675, 5.1: the next hole", .flags = ACK, .seq = 4001, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 4001, .sack = { { 5001, 10001 } });
	SEND(s, .flags = ACK, .seq = 1, .ack = 10001);
	QUIET(s, "RFC 2018, 5: all the rest was SACKed", 100);
	IS(write_bytes(fd, FULL), FULL);
	EXPECT(s, "RFC 5681, 3.2", .flags = ACK, .seq = 10001, .ack = 1, .len = FULL);
	return 0;
}

/* Blocks that cannot be: below what is acknowledged, above what was sent, turned around. */
static int bad_sack_ignored(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 20);

	OK(fd);
	TRY(ten_sent(s, fd));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 20001, 30001 } });
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 5001, 3001 } });
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 11001, 12001 }, { 20001, 21001 } });
	QUIET(s, "RFC 2018, 5: nothing was told of what is outstanding", 5);
	SEND(s, .flags = ACK, .seq = 1, .ack = 10001);
	IS(write_bytes(fd, FULL), FULL);
	EXPECT(s, "RFC 9293, 3.10.7.4", .flags = ACK, .seq = 10001, .ack = 1, .len = FULL);
	return 0;
}

/* Three duplicate ACKs, and a partial acknowledgement. */
static int no_sack_fast_retransmit(struct script_run *s)
{
	int fd = passive(s, O_MSS | O_WSCALE, 50), i;

	OK(fd);
	TRY(ten_sent(s, fd));
	TRY(pause_ms(s, 50));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	QUIET(s, "RFC 5681, 3.2: two duplicate ACKs are not enough", 5);
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	EXPECT(s, "RFC 5681, 3.2: the third", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	for (i = 0; i < 4; i++)
		SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	SEND(s, .flags = ACK, .seq = 1, .ack = 5001);
	EXPECT(s, "RFC 6582, 3.2, step 3: a partial ACK tells of the next loss", .flags = ACK, .seq = 5001, .ack = 1, .len = FULL);
	SEND(s, .flags = ACK, .seq = 1, .ack = 10001);
	QUIET(s, "RFC 6582, 3.2: the full ACK ends it", 20);
	return 0;
}

/* A SACKed segment that the peer then throws away is sent after all. */
static int sack_reneging(struct script_run *s)
{
	int fd = passive(s, O_PLAIN, 20);

	OK(fd);
	TRY(ten_sent(s, fd));
	TRY(pause_ms(s, 20));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .sack = { { 1001, 4001 } });
	EXPECT(s, "RFC 6675, 5", .flags = ACK, .seq = 1, .ack = 1, .len = FULL);
	/* The acknowledgement stops at what was SACKed: that is gone. */
	SEND(s, .flags = ACK, .seq = 1, .ack = 1001);
	EXPECT(s, "RFC 2018, 8: SACKed data may have to be sent again", .flags = ACK, .seq = 1001, .ack = 1, .len = FULL);
	return 0;
}

const struct script sack_scripts[] = {
	{ "sack_blocks_sent", sack_blocks_sent },
	{ "sack_with_timestamps", sack_with_timestamps },
	{ "dsack_sent", dsack_sent },
	{ "no_sack_sent", no_sack_sent },
	{ "sack_honoured", sack_honoured },
	{ "bad_sack_ignored", bad_sack_ignored },
	{ "no_sack_fast_retransmit", no_sack_fast_retransmit },
	{ "sack_reneging", sack_reneging },
	{ 0 },
};
