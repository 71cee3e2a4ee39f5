// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_filter.c - filter_stack()'s program lets in what is the stack's, and nothing else
 *
 * The program is attached to one end of a pair of UNIX datagram sockets, which the host's kernel runs it
 * on with the frame at offset 0, as on a packet socket; no privilege is needed. Each row of frames[] is
 * a frame and the verdict. filter_host()'s program is looked at for its form only (jumps inside, an exit
 * at the end); the kernel's verifier takes it in tests/net/wire_take.sh, traffic tries it in modes.sh.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "filter.h"

static struct filter_spec spec(void)
{
	struct filter_spec s = { .tcp_len = 3, .udp_len = 1, .addrs_len = 4 };

	s.tcp[0] = (struct filter_range){ 61000, 65535 };
	s.tcp[1] = (struct filter_range){ 80, 80 };
	s.tcp[2] = (struct filter_range){ 8080, 8090 };
	s.udp[0] = (struct filter_range){ 61000, 65535 };
	s.addrs[0].family = s.addrs[1].family = AF_INET;
	inet_pton(AF_INET, "10.0.0.1", s.addrs[0].addr);
	inet_pton(AF_INET, "192.168.0.200", s.addrs[1].addr);
	s.addrs[2].family = s.addrs[3].family = AF_INET6;
	inet_pton(AF_INET6, "2001:db8::1", s.addrs[2].addr);
	inet_pton(AF_INET6, "fe80::ff", s.addrs[3].addr);
	return s;
}

/* ---- frames ---- */

static uint8_t frame[256];

static uint8_t *ethernet(uint16_t type)
{
	memset(frame, 0, sizeof(frame));
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	return frame + 14;
}

static uint8_t *ip4(uint8_t *p, uint8_t proto, const char *src, const char *dst, unsigned int options, uint16_t frag)
{
	p[0] = (uint8_t)(0x45 + options);
	p[6] = (uint8_t)(frag >> 8);
	p[7] = (uint8_t)frag;
	p[9] = proto;
	inet_pton(AF_INET, src, p + 12);
	inet_pton(AF_INET, dst, p + 16);
	return p + 20 + 4 * options;
}

static uint8_t *ip6(uint8_t *p, uint8_t next, const char *src, const char *dst)
{
	p[0] = 0x60;
	p[6] = next;
	inet_pton(AF_INET6, src, p + 8);
	inet_pton(AF_INET6, dst, p + 24);
	return p + 40;
}

static void ports(uint8_t *p, uint16_t from, uint16_t to)
{
	p[0] = (uint8_t)(from >> 8);
	p[1] = (uint8_t)from;
	p[2] = (uint8_t)(to >> 8);
	p[3] = (uint8_t)to;
}

struct bed {
	int fds[2];
};

static void attach(struct bed *b, const struct filter_spec *s)
{
	static struct sock_filter insns[FILTER_INSNS_MAX];
	const int len = filter_stack(s, insns);
	const struct sock_fprog program = { .len = (unsigned short)len, .filter = insns };

	assert_true(len > 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, b->fds), 0);
	assert_int_equal(setsockopt(b->fds[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
}

/* Bytes of frame[0, len) that get in. */
static int gets_in(const struct bed *b, size_t len)
{
	uint8_t got[sizeof(frame)];

	/* What the filter refuses is an error to the sender of a UNIX datagram on some kernels. */
	(void)!send(b->fds[0], frame, len, MSG_DONTWAIT);
	return recv(b->fds[1], got, sizeof(got), MSG_DONTWAIT) == (ssize_t)len;
}

#define IN(len) assert_true(gets_in(&bed, len))
#define OUT(len) assert_false(gets_in(&bed, len))

static void test_tcp_udp(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		int is_in;
	} rows[] = {
		{ 6, 80, 1 },	   { 6, 79, 0 },    { 6, 81, 0 },      { 6, 8080, 1 }, { 6, 8090, 1 }, { 6, 8079, 0 },
		{ 6, 8091, 0 },	   { 6, 61000, 1 }, { 6, 60999, 0 },   { 6, 65535, 1 }, { 6, 0, 0 },   { 17, 80, 0 },
		{ 17, 61000, 1 },  { 17, 53, 0 },   { 132, 61000, 0 }, { 6, 22, 0 },
	};
	const struct filter_spec s = spec();
	struct bed bed;
	unsigned int i;

	attach(&bed, &s);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ports(ip4(ethernet(0x0800), rows[i].proto, "10.0.0.9", "10.0.0.1", 0, 0), 12345, rows[i].port);
		assert_int_equal(gets_in(&bed, 60), rows[i].is_in);
		/* Header options move the ports; DF is no fragment. */
		ports(ip4(ethernet(0x0800), rows[i].proto, "10.0.0.9", "192.168.0.200", 10, 0x4000), 80, rows[i].port);
		assert_int_equal(gets_in(&bed, 100), rows[i].is_in);
		ports(ip6(ethernet(0x86dd), rows[i].proto, "2001:db8::9", "2001:db8::1"), 80, rows[i].port);
		assert_int_equal(gets_in(&bed, 80), rows[i].is_in);
		ports(ip6(ethernet(0x86dd), rows[i].proto, "fe80::9", "fe80::ff"), 80, rows[i].port);
		assert_int_equal(gets_in(&bed, 80), rows[i].is_in);
	}
	/* To somebody else: routed traffic, an address that is like ours in part. */
	ports(ip4(ethernet(0x0800), 6, "10.0.0.9", "10.0.0.2", 0, 0), 1, 80);
	OUT(60);
	ports(ip6(ethernet(0x86dd), 6, "2001:db8::9", "2001:db8::2"), 1, 80);
	OUT(80);
	ports(ip6(ethernet(0x86dd), 6, "2001:db8::9", "2001:db8:0:0:1::1"), 1, 80);
	OUT(80);
	/* Cut off before the ports. */
	ports(ip4(ethernet(0x0800), 6, "10.0.0.9", "10.0.0.1", 0, 0), 1, 80);
	OUT(36);
	OUT(14);
	OUT(1);
	close(bed.fds[0]);
	close(bed.fds[1]);
}

static void test_fragments(void **state)
{
	const struct filter_spec s = spec();
	struct bed bed;
	uint8_t *p;

	attach(&bed, &s);
	ports(ip4(ethernet(0x0800), 6, "10.0.0.9", "10.0.0.1", 0, 0x2000), 1, 80);
	IN(60);
	ports(ip4(ethernet(0x0800), 6, "10.0.0.9", "10.0.0.1", 0, 0x2000), 1, 22);
	OUT(60);
	ip4(ethernet(0x0800), 6, "10.0.0.9", "10.0.0.1", 0, 0x0100);
	IN(60);
	ip4(ethernet(0x0800), 1, "10.0.0.9", "10.0.0.1", 0, 0x0100);
	OUT(60);
	p = ip6(ethernet(0x86dd), 44, "2001:db8::9", "2001:db8::1");
	p[0] = 6;
	p[3] = 1; /* more */
	ports(p + 8, 1, 80);
	IN(80);
	ports(p + 8, 1, 22);
	OUT(80);
	p[2] = 1; /* an offset */
	IN(80);
	p[0] = 58;
	OUT(80);
	close(bed.fds[0]);
	close(bed.fds[1]);
}

static void test_errors(void **state)
{
	const struct filter_spec s = spec();
	struct bed bed;
	uint8_t *p;
	int type;

	attach(&bed, &s);
	for (type = 0; type < 20; type++) {
		p = ip4(ethernet(0x0800), 1, "10.0.0.9", "10.0.0.1", 1, 0);
		p[0] = (uint8_t)type;
		ports(ip4(p + 8, 6, "10.0.0.1", "10.9.9.9", 2, 0x4000), 61234, 443);
		assert_int_equal(gets_in(&bed, 120), type == 3 || type == 5 || type == 11 || type == 12);
		ports(ip4(p + 8, 6, "10.0.0.1", "10.9.9.9", 2, 0x4000), 443, 61234);
		OUT(120);
		ports(ip4(p + 8, 17, "10.0.0.1", "10.9.9.9", 0, 0), 61000, 53);
		assert_int_equal(gets_in(&bed, 120), type == 3 || type == 5 || type == 11 || type == 12);
		p = ip6(ethernet(0x86dd), 58, "2001:db8::9", "2001:db8::1");
		p[0] = (uint8_t)type;
		ports(ip6(p + 8, 6, "2001:db8::1", "2001:db8:9::9"), 80, 50000);
		assert_int_equal(gets_in(&bed, 160), type >= 1 && type <= 4);
		ports(ip6(p + 8, 6, "2001:db8::1", "2001:db8:9::9"), 22, 80);
		OUT(160);
	}
	close(bed.fds[0]);
	close(bed.fds[1]);
}

static void test_neighbours(void **state)
{
	const struct filter_spec s = spec();
	struct bed bed;
	uint8_t *p;
	int type;

	attach(&bed, &s);
	for (type = 0; type < 4; type++) {
		p = ethernet(0x0806);
		p[7] = (uint8_t)type;
		assert_int_equal(gets_in(&bed, 42), type == 2);
	}
	for (type = 128; type < 140; type++) {
		p = ip6(ethernet(0x86dd), 58, "fe80::1", "ff02::1");
		p[0] = (uint8_t)type;
		assert_int_equal(gets_in(&bed, 80), type == 134 || type == 136 || type == 137);
	}
	ethernet(0x8100);
	OUT(60);
	ethernet(0x88cc);
	OUT(60);
	close(bed.fds[0]);
	close(bed.fds[1]);
}

/* One family alone; the largest of everything; and the form of the host's program. */
static void test_bounds(void **state)
{
	static struct bpf_insn insns[FILTER_INSNS_MAX];
	struct filter_spec s = spec();
	struct bed bed;
	int i, len;

	s.addrs_len = 2;
	attach(&bed, &s);
	ports(ip6(ethernet(0x86dd), 6, "2001:db8::9", "2001:db8::1"), 1, 80);
	OUT(80);
	ports(ip4(ethernet(0x0800), 6, "10.0.0.9", "10.0.0.1", 0, 0), 1, 80);
	IN(60);
	close(bed.fds[0]);
	close(bed.fds[1]);

	s.tcp_len = s.udp_len = FILTER_RANGES_MAX;
	s.addrs_len = FILTER_ADDRS_MAX;
	for (i = 0; i < FILTER_RANGES_MAX; i++)
		s.tcp[i] = s.udp[i] = (struct filter_range){ (uint16_t)(2 * i + 1), (uint16_t)(2 * i + 1) };
	for (i = 0; i < FILTER_ADDRS_MAX; i++) {
		s.addrs[i].family = AF_INET6;
		memset(s.addrs[i].addr, i + 1, 16);
	}
	attach(&bed, &s);
	ports(ip6(ethernet(0x86dd), 6, "2001:db8::9", "2020:2020:2020:2020:2020:2020:2020:2020"), 1, 127);
	IN(80);
	ports(ip6(ethernet(0x86dd), 6, "2001:db8::9", "2020:2020:2020:2020:2020:2020:2020:2020"), 1, 128);
	OUT(80);
	close(bed.fds[0]);
	close(bed.fds[1]);

	len = filter_host(&s, insns);
	assert_true(len > 2);
	assert_int_equal(insns[len - 1].code, BPF_JMP | BPF_EXIT);
	for (i = 0; i < len; i++) {
		if ((insns[i].code & 7) != BPF_JMP && (insns[i].code & 7) != BPF_JMP32)
			continue;
		assert_true(i + 1 + insns[i].off >= 0 && i + 1 + insns[i].off <= len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_udp),	 cmocka_unit_test(test_fragments),  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_neighbours), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
