// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_proxy_protocol.c - PROXY headers are read strictly, and what we write is what we read
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_protocol.h"

static union addr A(const char *text)
{
	union addr addr;
	uint16_t last;

	assert_int_equal(addr_parse_range(text, true, &addr, &last), 0);
	return addr;
}

static void assert_addr(const union addr *addr, const char *text)
{
	char buf[ADDR_TEXT_BYTES];

	assert_string_equal(addr_format(addr, buf, sizeof(buf)), text);
}

/* Decode from a block that ends with the data, so that the sanitizer sees a read behind it. */
static int decode(const void *data, size_t len, int accept, struct proxy_header *header)
{
	uint8_t *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, data, len);
	r = proxy_decode(copy, len, accept, header);
	free(copy);
	return r;
}

static void test_v1(void **state)
{
	static const struct {
		const char *text;
		int ret; /* 1: its own length */
		const char *src, *dst; /* NULL: local */
	} rows[] = {
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n", 1, "192.0.2.1:40000",
		  "198.51.100.1:443" },
		{ "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", 1, "[2001:db8::1]:1", "[::1]:65535" },
		{ "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n", 1, "192.0.2.1:1",
		  "192.0.2.2:2" },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 0 0\r\n", 1, "192.0.2.1:0", "198.51.100.1:0" },
		{ "PROXY UNKNOWN\r\n", 1, NULL, NULL },
		{ "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", 1, NULL, NULL },
		{ "", 0, NULL, NULL },
		{ "PRO", 0, NULL, NULL },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r", 0, NULL, NULL },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4  192.0.2.1 198.51.100.1 40000 443\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443 \r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 40000\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 040 443\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4 192.0.2.1 198.51.100.1 +1 443\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4 ::1 ::1 1 2\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n", -EPROTO, NULL, NULL },
		{ "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n", -EPROTO, NULL, NULL },
		{ "PROXY UNKNOWNX\r\n", -EPROTO, NULL, NULL },
		{ "PROXY \r\n", -EPROTO, NULL, NULL },
		{ "PROXX", -EPROTO, NULL, NULL },
		{ "GET / HTTP/1.1\r\n", -EPROTO, NULL, NULL },
		{ "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n", -EPROTO, NULL, NULL },
	};
	struct proxy_header h;
	char text[300];
	unsigned int i;
	size_t len, cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = strlen(rows[i].text);
		print_message("%s", rows[i].ret < 0 ? "" : rows[i].text);
		snprintf(text, sizeof(text), "%sGET / HTTP", rows[i].ret == 1 ? rows[i].text : "");
		if (rows[i].ret == 1) {
			assert_int_equal(decode(text, strlen(text), PROXY_ACCEPT_ANY, &h), len);
			assert_int_equal(h.is_local, !rows[i].src);
			if (rows[i].src) {
				assert_addr(&h.src, rows[i].src);
				assert_addr(&h.dst, rows[i].dst);
			}
			for (cut = 0; cut < len; cut++)
				assert_int_equal(decode(text, cut, PROXY_ACCEPT_V1, &h), 0);
			assert_int_equal(decode(text, len, PROXY_ACCEPT_V2, &h), -EPROTO);
		} else {
			assert_int_equal(decode(rows[i].text, len, PROXY_ACCEPT_ANY, &h),
					 rows[i].ret);
		}
	}
	/* 107 bytes are a header, 108 are none, and are not waited for */
	memset(text, 'x', sizeof(text));
	memcpy(text, "PROXY UNKNOWN ", 14);
	memcpy(text + 105, "\r\n", 2);
	assert_int_equal(decode(text, sizeof(text), PROXY_ACCEPT_ANY, &h), 107);
	memset(text + 105, 'x', 2);
	memcpy(text + 106, "\r\n", 2);
	assert_int_equal(decode(text, sizeof(text), PROXY_ACCEPT_ANY, &h), -EPROTO);
	assert_int_equal(decode(text, 106, PROXY_ACCEPT_ANY, &h), 0);
}

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define ADDR4 "\xc0\0\x02\x01\xc6\x33\x64\x01\x9c\x40\x01\xbb"

static void test_v2(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		int ret; /* 1: its own length */
		bool is_local;
	} rows[] = {
#define ROW(text, ret, is_local) { text, sizeof(text) - 1, ret, is_local }
		ROW(SIG "\x21\x11\0\x0c" ADDR4, 1, false),
		ROW(SIG "\x21\x11\0\x14" ADDR4 "\x04\0\x05" "hello", 1, false), /* a TLV */
		ROW(SIG "\x21\x11\0\x0f" ADDR4 "\x04\0\0", 1, false), /* an empty TLV */
		ROW(SIG "\x21\x11\0\x0f" ADDR4 "\x04\0\x01", -EPROTO, false), /* TLV over the end */
		ROW(SIG "\x21\x11\0\x0e" ADDR4 "\x04\0", -EPROTO, false), /* half a TLV */
		ROW(SIG "\x21\x11\0\x0b" ADDR4, -EPROTO, false), /* too short for its family */
		ROW(SIG "\x20\0\0\0", 1, true), /* LOCAL */
		ROW(SIG "\x20\x11\0\x0c" ADDR4, 1, true), /* LOCAL, addresses ignored */
		ROW(SIG "\x21\0\0\0", 1, true), /* UNSPEC */
		ROW(SIG "\x21\x12\0\x0c" ADDR4, 1, true), /* UDP */
		ROW(SIG "\x22\x11\0\x0c" ADDR4, -EPROTO, false), /* unknown command */
		ROW(SIG "\x11\x11\0\x0c" ADDR4, -EPROTO, false), /* version 1 in version 2's clothes */
		ROW(SIG "\x21\x41\0\x0c" ADDR4, -EPROTO, false), /* unknown family */
		ROW(SIG "\x21\x13\0\x0c" ADDR4, -EPROTO, false), /* unknown transport */
		ROW(SIG "\x21\x11\xff\xff" ADDR4, -EMSGSIZE, false),
		ROW("\r\n\r\n\0\r\nQUIX", -EPROTO, false),
		ROW("\r\nGET", -EPROTO, false),
	};
	struct proxy_header h;
	unsigned int i;
	size_t cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int want = rows[i].ret == 1 ? (int)rows[i].len : rows[i].ret;

		print_message("row %u\n", i);
		assert_int_equal(decode(rows[i].data, rows[i].len, PROXY_ACCEPT_ANY, &h), want);
		if (want < 0)
			continue;
		assert_int_equal(h.version, 2);
		assert_int_equal(h.is_local, rows[i].is_local);
		if (!h.is_local) {
			assert_addr(&h.src, "192.0.2.1:40000");
			assert_addr(&h.dst, "198.51.100.1:443");
		}
		for (cut = 0; cut < rows[i].len; cut++)
			assert_int_equal(decode(rows[i].data, cut, PROXY_ACCEPT_V2, &h), 0);
		assert_int_equal(decode(rows[i].data, rows[i].len, PROXY_ACCEPT_V1, &h), -EPROTO);
	}
}

static void test_both_ways(void **state)
{
	static const char *const pairs[][2] = {
		{ "192.0.2.1:40000", "198.51.100.1:443" },
		{ "[2001:db8::1]:1", "[2001:db8::2]:65535" },
		{ "[2001:db8::1]:1", "198.51.100.1:443" },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535" },
	};
	uint8_t buf[PROXY_ENCODE_BYTES_MAX];
	struct proxy_header h;
	unsigned int i;
	int version, n;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (version = 1; version <= 2; version++) {
			union addr src = A(pairs[i][0]), dst = A(pairs[i][1]);

			n = proxy_encode(buf, version, &src, &dst);
			assert_int_equal(decode(buf, n, version, &h), n);
			assert_int_equal(h.version, version);
			assert_false(h.is_local);
			assert_true(addr_equal(&h.src, &src));
			assert_true(addr_equal(&h.dst, &dst));
		}
	for (version = 1; version <= 2; version++) {
		n = proxy_encode(buf, version, NULL, NULL);
		assert_int_equal(decode(buf, n, version, &h), n);
		assert_true(h.is_local);
	}
}

/* Damaged headers: no crash, no length beyond the data (run it with the sanitizers). */
static void test_damage(void **state)
{
	uint8_t good[2][PROXY_ENCODE_BYTES_MAX], bad[PROXY_ENCODE_BYTES_MAX];
	union addr src = A("[2001:db8::1]:1"), dst = A("[2001:db8::2]:65535");
	struct proxy_header h;
	uint32_t seed = 1;
	int i, j, n, r;

	for (i = 0; i < 100000; i++) {
		n = proxy_encode(good[i % 2], 1 + i % 2, &src, &dst);
		memcpy(bad, good[i % 2], n);
		for (j = 0; j <= i % 3; j++) {
			seed = seed * 1664525 + 1013904223;
			bad[(seed >> 8) % n] = seed >> 24;
		}
		r = decode(bad, n, PROXY_ACCEPT_ANY, &h);
		assert_true(r <= n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_v2),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("proxy_protocol", tests, NULL, NULL);
}
