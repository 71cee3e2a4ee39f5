// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_sample.c - reports of wire and stack become counters that go on over a worker's death
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"
#include "stack.h"

static struct sampler sampler;
static struct counters_stack out;

static void report(const char *text)
{
	char copy[2000];

	snprintf(copy, sizeof(copy), "%s", text);
	sample_add(&sampler, &out, copy);
}

static int setup(void **state)
{
	memset(&sampler, 0, sizeof(sampler));
	memset(&out, 0, sizeof(out));
	return 0;
}

static void test_wire(void **state)
{
	report("type packet\nqueues 4\nlink_down 1\nrx_frames_total 10\nrx_dropped_total 3\ntx_stalled_total 18446744073709551615\n");
	assert_int_equal(out.wire_rx_frames_total, 10);
	assert_int_equal(out.wire_rx_dropped_total, 3);
	assert_int_equal(out.wire_link_down, 1);
	assert_true(out.wire_tx_stalled_total == UINT64_MAX);
	report("link_down 0\nrx_frames_total 12\n");
	assert_int_equal(out.wire_rx_frames_total, 12);
	assert_int_equal(out.wire_rx_dropped_total, 3);
	assert_int_equal(out.wire_link_down, 0);
}

/* As a kernel writes them, with groups and fields that nobody asked for, and fields of one name in two groups. */
static void test_net(void **state)
{
	report("Ip: Forwarding InReceives\nIp: 2 77\n"
	       "Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts\n"
	       "Tcp: 1 -1 7 5 1000 900 11 2 3\n"
	       "UdpLite: InSegs InErrors\nUdpLite: 66 66\n"
	       "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPTimeouts NoSuchThing\nTcpExt: 1 20 21 22 23\n");
	assert_int_equal(out.tcp_active_opens_total, 7);
	assert_int_equal(out.tcp_established, 5);
	assert_int_equal(out.tcp_received_segments_total, 1000);
	assert_int_equal(out.tcp_sent_segments_total, 900);
	assert_int_equal(out.tcp_retransmitted_segments_total, 11);
	assert_int_equal(out.tcp_receive_errors_total, 2);
	assert_int_equal(out.tcp_sent_resets_total, 3);
	assert_int_equal(out.tcp_sent_cookies_total, 1);
	assert_int_equal(out.tcp_listen_overflows_total, 20);
	assert_int_equal(out.tcp_listen_drops_total, 21);
	assert_int_equal(out.tcp_timeouts_total, 22);
}

/* The next process: the wire has gone on, the stack counts from 0 again, what is now starts anew. */
static void test_next_worker(void **state)
{
	static const char *const first = "rx_frames_total 10\nTcp: CurrEstab InSegs\nTcp: 5 100\n";

	report(first);
	report(first);
	assert_int_equal(out.tcp_received_segments_total, 100);
	memset(&sampler, 0, sizeof(sampler));
	report("rx_frames_total 14\nTcp: CurrEstab InSegs\nTcp: 1 30\n");
	assert_int_equal(out.wire_rx_frames_total, 14);
	assert_int_equal(out.tcp_received_segments_total, 130);
	assert_int_equal(out.tcp_established, 1);
}

/* What no kernel writes does no harm. */
static void test_nonsense(void **state)
{
	static const char *const lines[] = {
		"",
		"\n\n\n",
		"Tcp:\nTcp:\n",
		"Tcp: InSegs\n",
		"Tcp: InSegs\nTcp:\n",
		"Tcp: InSegs OutSegs\nTcp: 1\n",
		"Tcp: InSegs\nUdp: 3\nTcp: 9\n",
		":\n:\n",
		" 5\nrx_frames_total\nrx_frames_total \nrx_frames_total x\n",
	};
	unsigned int i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		report(lines[i]);
	assert_int_equal(out.wire_rx_frames_total, 0);
	assert_int_equal(out.tcp_received_segments_total, 1);
	assert_int_equal(out.tcp_sent_segments_total, 0);
}

/* ---- when ---- */

static long stub_report(enum stack_report what, char *buf, size_t len)
{
	return what == STACK_REPORT_WIRES ? snprintf(buf, len, "tx_frames_total 5\n") : -5;
}

static void test_when(void **state)
{
	const struct stack_ops with = { .report = stub_report }, without = { .name = "host" };

	sample_init(&sampler, &without, 1000);
	assert_true(sampler.due_us == UINT64_MAX);
	sample_take(&sampler, &without, &out, 1000);
	assert_int_equal(out.samples_total, 0);
	sample_init(&sampler, &with, 1000);
	assert_int_equal(sampler.due_us, 1000 + SAMPLE_US);
	sample_take(&sampler, &with, &out, 5000);
	assert_int_equal(sampler.due_us, 5000 + SAMPLE_US);
	assert_int_equal(out.samples_total, 1);
	assert_int_equal(out.wire_tx_frames_total, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_wire, setup),	 cmocka_unit_test_setup(test_net, setup),
		cmocka_unit_test_setup(test_next_worker, setup), cmocka_unit_test_setup(test_nonsense, setup),
		cmocka_unit_test_setup(test_when, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
