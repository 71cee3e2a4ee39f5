// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_wire_steer.c - the steering program, run by the host kernel on packets made here (BPF_PROG_TEST_RUN)
 *
 * Claims: a port of a range goes to its owner; a flow always goes to one queue, and so do ICMP errors about it and the fragments
 * of its packets, in IPv4 and IPv6; flows spread evenly; with a queue away only new connections move, and stay where they are
 * when it is back; truncated packets are steered somewhere. Needs CAP_BPF; without, it skips.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "steer.h"

#define QUEUES 4u
#define SYN 0x02
#define ACK 0x10

static struct steer steer;

struct flow {
	int v6;
	uint32_t client;	/* last four bytes of the address */
	uint16_t client_port, our_port;
};

static int run(const uint8_t *data, size_t len)
{
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = (uint32_t)steer.prog_fd;
	attr.test.data_in = (uintptr_t)data;
	attr.test.data_size_in = (uint32_t)len;
	attr.test.repeat = 1;
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)))
		return -errno;
	return (int)attr.test.retval;
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void address(uint8_t *at, int v6, uint32_t value)
{
	static const uint8_t prefix[12] = { 0x20, 1, 0xd, 0xb8 };

	if (v6) {
		memcpy(at, prefix, sizeof(prefix));
		at += sizeof(prefix);
	}
	value = htonl(value);
	memcpy(at, &value, 4);
}

/* IP header from `from` to `to`; returns its length. */
static size_t ip(uint8_t *at, int v6, uint32_t from, uint32_t to, uint8_t protocol, uint16_t frag, uint16_t id)
{
	memset(at, 0, 40);
	if (v6) {
		at[0] = 0x60;
		at[6] = protocol;
		address(at + 8, 1, from);
		address(at + 24, 1, to);
		return 40;
	}
	at[0] = 0x45;
	put16(at + 4, id);
	put16(at + 6, frag);
	at[8] = 64;
	at[9] = protocol;
	address(at + 12, 0, from);
	address(at + 16, 0, to);
	return 20;
}

#define US 0xc0000201u

static size_t ether(uint8_t *at, int v6)
{
	memset(at, 2, 12);
	put16(at + 12, v6 ? 0x86dd : 0x0800);
	return 14;
}

static int send_tcp(const struct flow *f, int flags)
{
	uint8_t data[128] = { 0 };
	size_t n = ether(data, f->v6);

	n += ip(data + n, f->v6, f->client, US, 6, 0, 0);
	put16(data + n, f->client_port);
	put16(data + n + 2, f->our_port);
	data[n + 13] = (uint8_t)flags;
	return run(data, n + 20);
}

/* The client's host, or a router, complains about a packet that we sent. */
static int send_icmp_error(const struct flow *f)
{
	uint8_t data[160] = { 0 };
	size_t n = ether(data, f->v6);

	n += ip(data + n, f->v6, 0x0a0a0a0a, US, f->v6 ? 58 : 1, 0, 0);
	data[n] = f->v6 ? 2 : 3;
	data[n + 1] = f->v6 ? 0 : 4;
	n += 8;
	n += ip(data + n, f->v6, US, f->client, 6, 0, 0);
	put16(data + n, f->our_port);
	put16(data + n + 2, f->client_port);
	return run(data, n + 8);
}

/* Fragment of a packet of the flow: the first (offset 0) or a later one. */
static int send_fragment(const struct flow *f, int first, uint16_t id)
{
	uint8_t data[160] = { 0 };
	size_t n = ether(data, f->v6);

	if (f->v6) {
		n += ip(data + n, 1, f->client, US, 60, 0, 0);
		data[n] = 44;	/* destination options, empty, then the fragment header */
		n += 8;
		data[n] = 6;
		put16(data + n + 2, first ? 1 : 1280 & 0xfff8);
		put16(data + n + 6, id);
		n += 8;
	} else {
		n += ip(data + n, 0, f->client, US, 6, first ? 0x2000 : 185, id);
	}
	if (first) {
		put16(data + n, f->client_port);
		put16(data + n + 2, f->our_port);
		data[n + 13] = ACK;
	}
	return run(data, n + 40);
}

static struct flow nth(uint32_t i)
{
	return (struct flow){ .v6 = (int)(i & 1), .client = 0x0a000000 + i % 1000, .client_port = (uint16_t)(1024 + i * 7 % 50000),
			      .our_port = 443 };
}

static int setup(void **state)
{
	char err[1024] = "";
	uint32_t i;

	if (steer_open(&steer, QUEUES, 0, err, sizeof(err))) {
		print_message("%s\n", err);
		return -1;
	}
	for (i = 0; i < QUEUES; i++)
		if (steer_ports(&steer, i, (uint16_t)(32768 + i * 1000), (uint16_t)(32768 + i * 1000 + 999)))
			return -1;
	return 0;
}

static int teardown(void **state)
{
	steer_close(&steer);
	return 0;
}

static void own_ports(void **state)
{
	uint32_t i;

	for (i = 0; i < 2000; i++) {
		struct flow f = nth(i);

		f.our_port = (uint16_t)(32768 + i * 2);
		assert_int_equal(send_tcp(&f, SYN | ACK), i * 2 / 1000);
		assert_int_equal(send_icmp_error(&f), i * 2 / 1000);
	}
}

static void one_flow_one_queue(void **state)
{
	uint32_t spread[QUEUES] = { 0 }, i;

	for (i = 0; i < 8000; i++) {
		const struct flow f = nth(i);
		const int q = send_tcp(&f, SYN);

		assert_in_range(q, 0, QUEUES - 1);
		spread[q]++;
		assert_int_equal(send_tcp(&f, ACK), q);
		assert_int_equal(send_icmp_error(&f), q);
		assert_int_equal(send_fragment(&f, 1, (uint16_t)i), q);
		assert_int_equal(send_fragment(&f, 0, (uint16_t)i), q);
	}
	for (i = 0; i < QUEUES; i++)
		assert_in_range(spread[i], 8000 / QUEUES * 85 / 100, 8000 / QUEUES * 115 / 100);
}

static void away_and_back(void **state)
{
	static int before[4000], during[4000];
	uint32_t others[QUEUES] = { 0 }, i;

	for (i = 0; i < 2000; i++) {
		const struct flow f = nth(i);

		before[i] = send_tcp(&f, SYN);
	}
	assert_int_equal(steer_away(&steer, 1, 1), 0);
	for (i = 0; i < 4000; i++) {
		const struct flow f = nth(i);

		/* the first half are old flows, which still go home; the others are new */
		if (i < 2000) {
			assert_int_equal(send_tcp(&f, ACK), before[i]);
			continue;
		}
		during[i] = send_tcp(&f, SYN);
		assert_true(during[i] != 1);
		others[during[i]]++;
		assert_int_equal(send_tcp(&f, ACK), during[i]);
	}
	for (i = 0; i < QUEUES; i++)
		assert_true(i == 1 ? !others[i] : others[i] > 2000 / 3 * 80 / 100);
	assert_int_equal(steer_away(&steer, 1, 0), 0);
	for (i = 0; i < 4000; i++) {
		const struct flow f = nth(i);

		assert_int_equal(send_tcp(&f, ACK), i < 2000 ? before[i] : during[i]);
	}
	/* and it gets new flows again */
	for (i = 4000, others[1] = 0; i < 6000; i++) {
		const struct flow f = nth(i);

		others[1] += send_tcp(&f, SYN) == 1;
	}
	assert_true(others[1] > 2000 / QUEUES * 80 / 100);
}

static void never_all_away(void **state)
{
	assert_int_equal(steer_away(&steer, QUEUES, 1), -EINVAL);
	assert_int_equal(steer_away(&steer, 0, 1), 0);
	assert_int_equal(steer_away(&steer, 1, 1), 0);
	assert_int_equal(steer_away(&steer, 2, 1), 0);
	assert_int_equal(steer_away(&steer, 3, 1), -EINVAL);
}

/* A queue more than at the start: it gets its share of new flows, and nobody's old ones. */
static void reserve(void **state)
{
	static int queue[8000];
	uint32_t spread[QUEUES + 1] = { 0 }, i;
	char err[1024] = "";

	assert_int_equal(steer_open(&steer, QUEUES + 1, QUEUES, err, sizeof(err)), 0);
	for (i = 0; i < 2000; i++) {
		const struct flow f = nth(i);

		queue[i] = send_tcp(&f, SYN);
		assert_true(queue[i] < (int)QUEUES);
	}
	assert_int_equal(steer_away(&steer, QUEUES, 0), 0);
	for (i = 0; i < 8000; i++) {
		const struct flow f = nth(i);

		if (i >= 2000)
			spread[queue[i] = send_tcp(&f, SYN)]++;
		assert_int_equal(send_tcp(&f, ACK), queue[i]);
	}
	for (i = 0; i <= QUEUES; i++)
		assert_in_range(spread[i], 6000 / (QUEUES + 1) * 85 / 100, 6000 / (QUEUES + 1) * 115 / 100);
	/* it retires: no new ones, and its own go on */
	assert_int_equal(steer_away(&steer, QUEUES, 1), 0);
	for (i = 0; i < 8000; i++) {
		const struct flow f = nth(i), fresh = nth(8000 + i);

		assert_int_equal(send_tcp(&f, ACK), queue[i]);
		assert_in_range(send_tcp(&fresh, SYN), 0, QUEUES - 1);
	}
}

static void truncated(void **state)
{
	uint8_t data[160];
	uint32_t i, len;

	srand(1);
	for (i = 0; i < 20000; i++) {
		uint32_t k;

		for (k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)rand();
		put16(data + 12, i & 1 ? 0x86dd : 0x0800);
		data[14] = i & 1 ? 0x60 : 0x45;
		len = 14 + 40 + (uint32_t)rand() % 80; /* the test run itself wants a whole IP header */
		assert_in_range(run(data, len), 0, QUEUES - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(one_flow_one_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(away_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(never_all_away, setup, teardown),
		cmocka_unit_test_teardown(reserve, teardown),
		cmocka_unit_test_setup_teardown(truncated, setup, teardown),
	};
	char err[1024] = "";

	if (steer_open(&steer, QUEUES, 0, err, sizeof(err)) == -EPERM) {
		printf("skipped: needs CAP_BPF: %s\n", err);
		return 77;
	}
	steer_close(&steer);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
