// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_tls_hello.c - the server name is found however the ClientHello is cut, and nothing else is
 * taken for one
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

#include "tls_hello.h"

static void put(uint8_t *buf, size_t *n, uint32_t value, int bytes)
{
	while (bytes--)
		buf[(*n)++] = value >> 8 * bytes;
}

/* A ClientHello with `padding` bytes of another extension before the name (NULL: none). */
static size_t hello_make(uint8_t *buf, const char *name, size_t padding)
{
	size_t name_len = name ? strlen(name) : 0;
	size_t extensions = (name ? 9 + name_len : 0) + (padding ? 4 + padding : 0);
	size_t n = 0;

	put(buf, &n, 1, 1);
	put(buf, &n, 2 + 32 + 1 + 32 + 2 + 4 + 2 + 2 + extensions, 3);
	put(buf, &n, 0x0303, 2);
	memset(buf + n, 0xaa, 32);
	n += 32;
	put(buf, &n, 32, 1);
	memset(buf + n, 0xbb, 32);
	n += 32;
	put(buf, &n, 4, 2);
	put(buf, &n, 0x13011302, 4);
	put(buf, &n, 1, 1);
	put(buf, &n, 0, 1);
	put(buf, &n, extensions, 2);
	if (padding) {
		put(buf, &n, 21, 2);
		put(buf, &n, padding, 2);
		memset(buf + n, 0, padding);
		n += padding;
	}
	if (name) {
		put(buf, &n, 0, 2);
		put(buf, &n, 5 + name_len, 2);
		put(buf, &n, 3 + name_len, 2);
		put(buf, &n, 0, 1);
		put(buf, &n, name_len, 2);
		memcpy(buf + n, name, name_len);
		n += name_len;
	}
	return n;
}

/* Cut into records of `record` bytes. */
static size_t records(uint8_t *out, const uint8_t *in, size_t len, size_t record)
{
	size_t n = 0, i;

	for (i = 0; i < len; i += record) {
		size_t part = len - i < record ? len - i : record;

		put(out, &n, 22, 1);
		put(out, &n, 0x0301, 2);
		put(out, &n, part, 2);
		memcpy(out + n, in + i, part);
		n += part;
	}
	return n;
}

/* Parse from a block that ends with the data, so that the sanitizer sees a read behind it. */
static int parse(const uint8_t *data, size_t len, struct tls_hello *hello)
{
	uint8_t *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, data, len);
	r = tls_hello_parse(copy, len, hello);
	free(copy);
	return r;
}

static uint8_t message[40000], wire[100000];

static void test_name(void **state)
{
	static const size_t cuts[] = { 1, 2, 5, 77, 16384 };
	struct tls_hello hello;
	size_t n, len, end;
	unsigned int i;

	for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		n = hello_make(message, "WWW.example.org", 1200);
		len = records(wire, message, n, cuts[i]);
		assert_int_equal(parse(wire, len, &hello), 1);
		assert_true(hello.has_name);
		assert_string_equal(hello.name, "www.example.org");
		/* every beginning is incomplete, never wrong */
		for (end = 0; end < len; end++) {
			int r = parse(wire, end, &hello);

			assert_int_equal(r, 0);
		}
	}
	n = hello_make(message, NULL, 0);
	len = records(wire, message, n, 16384);
	assert_int_equal(parse(wire, len, &hello), 1);
	assert_false(hello.has_name);
	n = hello_make(message, NULL, 500);
	len = records(wire, message, n, 100);
	assert_int_equal(parse(wire, len, &hello), 1);
	assert_false(hello.has_name);
	/* what comes behind the hello does not matter */
	memset(wire + len, 0xff, 100);
	assert_int_equal(parse(wire, len + 100, &hello), 1);
}

static void test_wrong(void **state)
{
	static const char *const names[] = { "a..b", ".a", "a b", "a/b", "*.a", "",
					     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b" };
	struct tls_hello hello;
	size_t n, len;
	unsigned int i;

	assert_int_equal(parse((const uint8_t *)"GET / HTTP/1.1\r\n", 16, &hello), -EPROTO);
	assert_int_equal(parse((const uint8_t *)"\x16\x02", 2, &hello), -EPROTO);
	assert_int_equal(parse((const uint8_t *)"\x15", 1, &hello), -EPROTO);
	assert_int_equal(parse((const uint8_t *)"\x16\x03\x01\0\0", 5, &hello), -EPROTO);
	assert_int_equal(parse((const uint8_t *)"\x16\x03\x01\0\x04\x01\0", 7, &hello), 0);
	assert_int_equal(parse((const uint8_t *)"\x16\x03\x01\0\x04\x02\0\0\0", 9, &hello), -EPROTO);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n = hello_make(message, names[i], 0);
		len = records(wire, message, n, 16384);
		assert_int_equal(parse(wire, len, &hello), -EPROTO);
	}
	n = hello_make(message, "a.b.", 0); /* a dot at the end is the same name */
	len = records(wire, message, n, 16384);
	assert_int_equal(parse(wire, len, &hello), 1);
	assert_string_equal(hello.name, "a.b");
	/* longer than we look: no answer, no waiting for one */
	n = hello_make(message, "www.example.org", 30000);
	len = records(wire, message, n, 16384);
	assert_int_equal(parse(wire, TLS_HELLO_BYTES_MAX - 1, &hello), 0);
	assert_int_equal(parse(wire, len, &hello), -EMSGSIZE);
}

static void test_damage(void **state)
{
	struct tls_hello hello;
	uint32_t seed = 1;
	size_t n, len;
	int i, j;

	for (i = 0; i < 200000; i++) {
		n = hello_make(message, "www.example.org", i % 64);
		len = records(wire, message, n, 50 + i % 300);
		for (j = 0; j <= i % 3; j++) {
			seed = seed * 1664525 + 1013904223;
			wire[(seed >> 8) % len] = seed >> 24;
		}
		if (parse(wire, len, &hello) == 1 && hello.has_name)
			assert_true(strlen(hello.name) < sizeof(hello.name));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("tls_hello", tests, NULL, NULL);
}
