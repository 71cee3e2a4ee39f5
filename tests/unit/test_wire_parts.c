// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_wire_parts.c - the pure parts of the wires (ring of a pair, framing of a socket, pcap files,
 * AF_XDP checksums), and whole wires that need no privilege, fed with what no decent peer sends
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pair_ring.h"
#include "pcap.h"
#include "pcap_file.h"
#include "stream_frame.h"
#include "wire.h"
#include "xdp_csum.h"

static char dir[] = "/tmp/test_wire_parts-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* ---- pair ring ---- */

#define RING PAIR_RING_MIN

static struct pair_ring *ring_new(void)
{
	struct pair_ring *r = aligned_alloc(4096, pair_ring_bytes(RING));

	assert_non_null(r);
	memset(r, 0, pair_ring_bytes(RING));
	return r;
}

/* Frames of all lengths pass in order and intact, many times round the ring. */
static void test_pair_ring(void **state)
{
	static const struct lkl_vnet_hdr none;
	struct pair_ring *r = ring_new();
	uint32_t sent = 0, got = 0, full = 0;

	while (got < 5000) {
		const uint32_t len = 14 + (sent * 7919u) % (PACKET_FRAME_MAX - 13);
		struct pair_record rec;
		uint64_t next, at;
		uint8_t *p = pair_ring_reserve(r, RING, len, &none, &next);

		if (p) {
			memset(p, (int)(sent & 255), len);
			pair_ring_set_head(r, next);
			sent++;
			continue;
		}
		full++;
		for (at = pair_ring_tail(r); at != pair_ring_head(r); at = rec.next) {
			const uint32_t want = 14 + (got * 7919u) % (PACKET_FRAME_MAX - 13);
			const enum pair_verdict v = pair_ring_read(r, RING, at, pair_ring_head(r), &rec);

			if (v == PAIR_SKIP)
				continue;
			assert_int_equal(v, PAIR_FRAME);
			assert_int_equal(rec.len, want);
			assert_int_equal(rec.data[0], got & 255);
			assert_int_equal(rec.data[want - 1], got & 255);
			assert_int_equal((uintptr_t)(rec.data + 14) % 16, 0);
			got++;
		}
		pair_ring_set_tail(r, at);
	}
	assert_true(full > 100);
	free(r);
}

static void test_pair_ring_hostile(void **state)
{
	static const struct lkl_vnet_hdr none;
	struct pair_ring *r = ring_new();
	struct pair_record rec;
	uint64_t next;
	uint32_t *len = (uint32_t *)(void *)pair_ring_data(r);

	/* Heads that cannot be. */
	assert_int_equal(pair_ring_read(r, RING, 0, RING + 64, &rec), PAIR_BAD_RING);
	assert_int_equal(pair_ring_read(r, RING, 64, 0, &rec), PAIR_BAD_RING);
	assert_int_equal(pair_ring_read(r, RING, 0, 1, &rec), PAIR_BAD_RING);
	assert_int_equal(pair_ring_read(r, RING, 3, 1024, &rec), PAIR_BAD_RING);
	/* Lengths: above any frame, behind the head, across the end. */
	*len = PACKET_FRAME_MAX + 1;
	assert_int_equal(pair_ring_read(r, RING, 0, RING, &rec), PAIR_BAD_RING);
	*len = 1000;
	assert_int_equal(pair_ring_read(r, RING, 0, 64, &rec), PAIR_BAD_RING);
	*len = PAIR_WRAP;
	assert_int_equal(pair_ring_read(r, RING, 0, 64, &rec), PAIR_BAD_RING);
	len = (uint32_t *)(void *)(pair_ring_data(r) + RING - 64);
	*len = 64;
	assert_int_equal(pair_ring_read(r, RING, RING - 64, RING + 1024, &rec), PAIR_BAD_RING);
	/* No frame, but in step: runt, and metadata with each field wrong. */
	len = (uint32_t *)(void *)pair_ring_data(r);
	*len = 13;
	assert_int_equal(pair_ring_read(r, RING, 0, 64, &rec), PAIR_BAD_FRAME);
	assert_int_equal(rec.next, 64);
	{
		const struct lkl_vnet_hdr bad[] = {
			{ .hdr_len = 101 },
			{ .flags = LKL_VNET_F_NEEDS_CSUM, .csum_start = 13 },
			{ .flags = LKL_VNET_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 65 },
			{ .flags = LKL_VNET_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535 },
			{ .gso_type = 2, .gso_size = 100 },
			{ .gso_type = LKL_VNET_GSO_TCPV4 },
			{ .gso_type = LKL_VNET_GSO_TCPV6 | 0x40, .gso_size = 10 },
			{ .gso_type = 0xff, .gso_size = 0xffff },
		};
		size_t i;

		*len = 100;
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			memcpy(pair_ring_data(r) + 4, &bad[i], sizeof(bad[i]));
			if (pair_ring_read(r, RING, 0, 256, &rec) != PAIR_BAD_FRAME)
				fail_msg("metadata %zu was believed", i);
		}
	}
	/* A reader's tail that cannot be: no room, rather than an overrun. */
	pair_ring_set_tail(r, 12345678);
	assert_null(pair_ring_reserve(r, RING, 100, &none, &next));
	assert_false(pair_ring_has_room(r, RING, 100));
	free(r);
}

/* ---- socket ---- */

static void test_stream_frame(void **state)
{
	const uint8_t data[] = { 0, 0, 0, 14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	const uint8_t runt[] = { 0, 0, 0, 1, 9 };
	const uint8_t zero[] = { 0, 0, 0, 0 };
	const uint8_t big[] = { 0, 1, 0, 0x12 };
	uint32_t len, i;

	for (i = 0; i < sizeof(data); i++)
		assert_int_equal(stream_frame_judge(data, i, 65553, &len), STREAM_SHORT);
	assert_int_equal(stream_frame_judge(data, sizeof(data), 65553, &len), STREAM_FRAME);
	assert_int_equal(len, 14);
	assert_int_equal(stream_frame_judge(runt, sizeof(runt), 65553, &len), STREAM_RUNT);
	assert_int_equal(stream_frame_judge(zero, sizeof(zero), 65553, &len), STREAM_BROKEN);
	assert_int_equal(stream_frame_judge(big, sizeof(big), 65553, &len), STREAM_BROKEN);
}

static struct lkl_wire *wire_up(const char *format, ...)
{
	char spec[400], err[400] = "";
	struct lkl_wire *w = NULL;
	va_list args;

	va_start(args, format);
	vsnprintf(spec, sizeof(spec), format, args);
	va_end(args);
	if (wire_open(spec, &w, err, sizeof(err)))
		fail_msg("%s: %s", spec, err);
	return w;
}

static int plain_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* Frames that the wire has, waiting for up to two seconds; all are given back. */
static uint32_t receive(struct lkl_wire *w, uint32_t want)
{
	struct lkl_rx_frame frames[32];
	uint32_t got = 0;
	int tries;

	for (tries = 0; tries < 200; tries++) {
		struct pollfd p = { .fd = w->ops->wait_fd(w, 0), .events = POLLIN };
		int n = w->ops->rx_burst(w, 0, frames, 32), i;

		for (i = 0; i < n; i++)
			if (frames[i].flags & LKL_RX_FETCH) {
				static uint8_t big[70000];
				const struct lkl_iov iov = { big, sizeof(big) };

				assert_int_equal(w->ops->rx_fetch(w, 0, &iov, 1, &frames[i].vnet), frames[i].len);
			}
		w->ops->rx_release(w, 0, (uint32_t)n);
		got += (uint32_t)n;
		if (got >= want && want)
			break;
		if (!n && !poll(&p, 1, want ? 10 : 0) && !want)
			break;
	}
	return got;
}

static int send_one(struct lkl_wire *w, uint32_t len)
{
	static uint8_t frame[70000];
	const struct lkl_vnet_hdr none = { 0 };
	const struct lkl_iov iov = { frame, len };
	const int ret = w->ops->tx(w, 0, &none, &iov, 1, len);

	w->ops->kick(w, 0);
	return ret;
}

static void test_socket_wire(void **state)
{
	struct lkl_wire *w = wire_up("socket:path=%s,listen,mtu=65520", path_of("s"));
	uint8_t frame[70000] = { 0 };
	const uint8_t broken[] = { 255, 255, 255, 255 };
	uint64_t lost;
	int fd, other, n;
	char byte;

	/* Without a peer frames are dropped and counted; the link is down. */
	assert_int_equal(w->link_down, 1);
	assert_int_equal(send_one(w, 100), -ENOTCONN);
	assert_int_equal(w->stats->tx_down_total, 1);

	/* A frame in pieces; a runt between frames; a large one. */
	fd = plain_connect(path_of("s"));
	receive(w, 0);
	assert_int_equal(w->link_down, 0);
	frame[3] = 100;
	assert_int_equal(write(fd, frame, 3), 3);
	assert_int_equal(receive(w, 0), 0);
	assert_int_equal(write(fd, frame + 3, 50), 50);
	assert_int_equal(receive(w, 0), 0);
	assert_int_equal(write(fd, frame + 53, 51), 51);
	assert_int_equal(receive(w, 1), 1);
	frame[3] = 5;
	assert_int_equal(write(fd, frame, 9), 9);
	frame[2] = 0xff;
	frame[3] = 0xff;
	assert_int_equal(write(fd, frame, 65539), 65539);
	assert_int_equal(receive(w, 1), 1);
	assert_int_equal(w->stats->rx_malformed_total, 1);
	assert_int_equal(w->stats->rx_fetched_total, 1);

	/* Far more than the buffer holds, its frames cut anywhere by the reads. */
	memset(frame, 0, 4);
	frame[2] = 5;
	for (n = 0; n < 1000; n++) {
		assert_int_equal(write(fd, frame, 4 + 1280), 4 + 1280);
		if (n % 7 == 6)
			assert_int_equal(receive(w, 7), 7);
	}
	assert_int_equal(receive(w, 1000 - 994), 6);

	/* A second peer is turned away. */
	other = plain_connect(path_of("s"));
	receive(w, 0);
	receive(w, 0);
	assert_int_equal(read(other, &byte, 1), 0);
	close(other);

	/* What the stack may not send. */
	assert_int_equal(send_one(w, 13), -EINVAL);
	assert_int_equal(send_one(w, 65553), -EMSGSIZE + (65553 <= 65520 + 18 ? EMSGSIZE : 0));
	assert_int_equal(w->stats->tx_errors_total, 2);

	/* A peer that does not read: full, not lost; when it reads, all comes. */
	for (n = 0; n < 100000 && !send_one(w, 1514); n++)
		;
	assert_in_range(n, 10, 99999);
	assert_true(w->stats->tx_full_total > 0);
	assert_int_equal(w->ops->tx_ready(w, 0), 0);

	/* It goes: what waits is counted; and comes again. */
	lost = w->stats->tx_down_total;
	close(fd);
	receive(w, 0);
	w->ops->tend(w, 0);
	receive(w, 0);
	assert_true(w->stats->tx_down_total > lost);
	assert_int_equal(w->link_down, 1);
	fd = plain_connect(path_of("s"));
	receive(w, 0);
	assert_int_equal(send_one(w, 60), 0);
	assert_int_equal(read(fd, frame, sizeof(frame)), 64);

	/* A stream out of step is dropped. */
	assert_int_equal(write(fd, broken, 4), 4);
	receive(w, 0);
	assert_int_equal(w->stats->rx_malformed_total, 2);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
	w->ops->close(w);
	assert_int_not_equal(access(path_of("s"), F_OK), 0);
}

/* A socket file that nobody listens on gives way; another kind of file, and a listener, do not. */
static void test_socket_path(void **state)
{
	struct lkl_wire *w = NULL, *second;
	char spec[300], err[300];
	FILE *f;

	snprintf(spec, sizeof(spec), "socket:path=%s,listen", path_of("taken"));
	w = wire_up("%s", spec);
	assert_int_equal(wire_open(spec, &second, err, sizeof(err)), -EADDRINUSE);
	assert_non_null(strstr(err, "somebody listens"));
	w->ops->close(w);
	f = fopen(path_of("taken"), "w");
	fclose(f);
	assert_int_equal(wire_open(spec, &second, err, sizeof(err)), -EEXIST);
	unlink(path_of("taken"));
	snprintf(spec, sizeof(spec), "socket:path=%s", path_of("nobody"));
	assert_int_equal(wire_open(spec, &second, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "cannot connect"));
	w = wire_up("%s,wait", spec);
	second = wire_up("%s,listen", spec);
	receive(w, 0);
	for (int i = 0; i < 300 && (w->link_down || second->link_down); i++) {
		poll(NULL, 0, 10);
		receive(w, 0);
		receive(second, 0);
	}
	assert_int_equal(w->link_down + second->link_down, 0);
	assert_int_equal(send_one(w, 60), 0);
	assert_int_equal(receive(second, 1), 1);
	second->ops->close(second);
	receive(w, 0);
	w->ops->tend(w, 0);
	receive(w, 0);
	assert_int_equal(w->link_down, 1);
	w->ops->close(w);
}

/* ---- pair, both ends in one process ---- */

static void test_pair_wire(void **state)
{
	struct lkl_wire *a = wire_up("pair:path=%s,listen,ring=256k,mtu=9000", path_of("p"));
	struct lkl_wire *b = wire_up("pair:path=%s", path_of("p"));
	int i, n, fd;
	char byte;

	for (i = 0; i < 100 && (a->link_down || b->link_down); i++) {
		receive(a, 0);
		receive(b, 0);
		a->ops->tend(a, 0);
		b->ops->tend(b, 0);
	}
	assert_int_equal(a->link_down + b->link_down, 0);
	for (n = 0; n < 3; n++) {
		assert_int_equal(send_one(a, 9014), 0);
		assert_int_equal(receive(b, 1), 1);
		assert_int_equal(send_one(b, 60), 0);
		assert_int_equal(receive(a, 1), 1);
	}
	assert_int_equal(b->stats->rx_fetched_total, 3);
	/* A wait sleeps when all is taken, and ends when something comes. */
	for (n = 0; n < 3; n++) {
		struct pollfd p = { .fd = b->ops->wait_fd(b, 0), .events = POLLIN };

		assert_int_equal(receive(b, 0), 0);
		assert_int_equal(poll(&p, 1, 0), 0);
		assert_int_equal(send_one(a, 60), 0);
		assert_int_equal(poll(&p, 1, 1000), 1);
		assert_int_equal(receive(b, 1), 1);
	}
	/* Full: nothing is lost. */
	for (n = 0; !send_one(a, 1514); n++)
		assert_true(n < 10000);
	assert_int_equal(a->ops->tx_ready(a, 0), 0);
	assert_int_equal(receive(b, (uint32_t)n), n);
	assert_int_equal(a->ops->tx_ready(a, 0), 1);
	/* The peer goes; another comes, that says nothing of use. */
	b->ops->close(b);
	for (i = 0; i < 100 && !a->link_down; i++) {
		receive(a, 0);
		a->ops->tend(a, 0);
	}
	assert_int_equal(send_one(a, 60), -ENOTCONN);
	fd = plain_connect(path_of("p"));
	for (i = 0; i < 10; i++) {
		receive(a, 0);
		a->ops->tend(a, 0);
	}
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	for (i = 0; i < 10; i++) {
		receive(a, 0);
		a->ops->tend(a, 0);
	}
	/* It talked: that is its end. */
	while (recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
		;
	assert_int_equal(a->link_down, 1);
	close(fd);
	/* And a good one again. */
	b = wire_up("pair:path=%s,wait", path_of("p"));
	for (i = 0; i < 100 && (a->link_down || b->link_down); i++) {
		poll(NULL, 0, 5);
		receive(a, 0);
		receive(b, 0);
		a->ops->tend(a, 0);
		b->ops->tend(b, 0);
	}
	assert_int_equal(send_one(b, 1000), 0);
	assert_int_equal(receive(a, 1), 1);
	a->ops->close(a);
	b->ops->close(b);
}

/* A listener that lies about what it hands over is refused with a sentence. */
static void test_pair_hostile_hello(void **state)
{
	struct lkl_wire *w = NULL;
	char spec[300], err[300] = "";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int ls = socket(AF_UNIX, SOCK_STREAM, 0), i;

	strcpy(addr.sun_path, path_of("liar"));
	assert_int_equal(bind(ls, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(ls, 4), 0);
	snprintf(spec, sizeof(spec), "pair:path=%s", path_of("liar"));
	for (i = 0; i < 2; i++) {
		const pid_t pid = fork();

		if (!pid) {
			const uint32_t hello[4] = { i ? 0x6b6c7031u : 1, 1, 1 << 20, 1500 };
			int fd = accept(ls, NULL, NULL);

			(void)!write(fd, hello, sizeof(hello));
			usleep(300000);
			_exit(0);
		}
		assert_int_equal(wire_open(spec, &w, err, sizeof(err)), -EPROTO);
		assert_non_null(strstr(err, i ? "another number of queues" : "no hello"));
	}
	close(ls);
	unlink(addr.sun_path);
}

/* ---- pcap ---- */

static void write_file(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(path_of(name), "w");

	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void test_pcap_bad_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *says;
	} bad[] = {
		{ "", 0, "too short" },
		{ "\x0a\x0d\x0d\x0a garbage that is longer than a header", 40, "pcapng file, which is not supported" },
		{ "0123456789012345678901234567890", 30, "not a pcap file" },
		{ "\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x65\0\0\0", 24, "another link type" },
		{ "\xd4\xc3\xb2\xa1\x03\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0", 24, "another version" },
	};
	char spec[300], err[300];
	struct lkl_wire *w;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file("bad", bad[i].bytes, bad[i].len);
		snprintf(spec, sizeof(spec), "pcap:file=%s", path_of("bad"));
		assert_int_equal(wire_open(spec, &w, err, sizeof(err)), -EINVAL);
		if (!strstr(err, bad[i].says))
			fail_msg("file %zu: %s", i, err);
	}
	assert_int_equal(wire_open("pcap:file=/nowhere/x", &w, err, sizeof(err)), -ENOENT);
	assert_int_equal(wire_open("pcap:file=/tmp", &w, err, sizeof(err)), -EINVAL);
	assert_int_equal(wire_open("pcap:file=x,snaplen=100", &w, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "for recording"));
	assert_int_equal(wire_open("pcap:file=x,speed=full,on=packet:if=x", &w, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "for replay"));
}

/* Big endian, microseconds: a whole frame, a cut one, a runt, then a record that cannot be. */
static void test_pcap_replay(void **state)
{
	uint8_t file[24 + 4 * (16 + 100)] = { 0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, [18] = 4, [23] = 1 };
	struct wire_pcap_counters counters;
	struct lkl_wire *w;
	uint8_t *p = file + 24;

	p[11] = p[15] = 60; /* caplen, len */
	p += 16 + 60;
	p[11] = 60;
	p[15] = 61;
	p += 16 + 60;
	p[11] = p[15] = 10;
	p += 16 + 10;
	p[8] = 0xff;
	p += 16;
	write_file("good", file, (size_t)(p - file));
	w = wire_up("pcap:file=%s,speed=full", path_of("good"));
	assert_int_equal(receive(w, 1), 1);
	assert_int_equal(receive(w, 0), 0);
	assert_int_equal(w->stats->rx_malformed_total, 3);
	assert_int_equal(wire_pcap_counters(w, &counters), 0);
	assert_int_equal(counters.is_replay_over, 1);
	assert_int_equal(w->ops->rx_ready(w, 0), 0);
	/* What the stack sends goes nowhere, counted. */
	assert_int_equal(send_one(w, 60), 0);
	assert_int_equal(w->stats->tx_frames_total, 1);
	w->ops->close(w);
}

/* Two frames 300 ms apart: the second is not there at once, and a wait for it ends. */
static void test_pcap_real_time(void **state)
{
	struct pcap_file_head head = { PCAP_MAGIC_NS, 2, 4, 0, 0, 65535, 1 };
	struct pcap_record_head rec = { 1000, 500000000, 60, 60 };
	uint8_t file[24 + 2 * 76] = { 0 };
	struct lkl_wire *w;

	memcpy(file, &head, 24);
	memcpy(file + 24, &rec, 16);
	rec.frac += 300000000;
	memcpy(file + 24 + 76, &rec, 16);
	write_file("timed", file, sizeof(file));
	w = wire_up("pcap:file=%s,loop=2", path_of("timed"));
	assert_int_equal(receive(w, 1), 1);
	assert_int_equal(w->ops->rx_ready(w, 0), 0);
	assert_int_equal(receive(w, 3), 3);
	w->ops->close(w);
}

/* A recording of a pair, limited: traffic goes on when the file is at its limit. */
static void test_pcap_record(void **state)
{
	struct lkl_wire *a = wire_up("pair:path=%s,listen", path_of("r"));
	struct lkl_wire *b = wire_up("pcap:file=%s/rec,limit=1M,snaplen=1000,on=pair:path=%s/r", dir, dir);
	struct wire_pcap_counters counters;
	int i, n;

	for (i = 0; i < 100 && (a->link_down || b->link_down); i++) {
		receive(a, 0);
		receive(b, 0);
		a->ops->tend(a, 0);
		b->ops->tend(b, 0);
	}
	for (n = 0; n < 4000; n++) {
		assert_int_equal(send_one(b, 1400), 0);
		assert_int_equal(receive(a, 1), 1);
		if (n % 100 == 0) {
			assert_int_equal(send_one(a, 500), 0);
			assert_int_equal(receive(b, 1), 1);
		}
	}
	b->ops->tend(b, 0);
	assert_int_equal(wire_pcap_counters(b, &counters), 0);
	assert_int_equal(counters.error, -EFBIG);
	assert_int_equal(counters.recorded_total + counters.unrecorded_total, 4040);
	assert_true(counters.unrecorded_total > 0);
	b->ops->close(b);
	a->ops->close(a);
}

/* ---- AF_XDP checksums ---- */

static void test_xdp_csum(void **state)
{
	/* IPv4 UDP 10.0.0.1 -> 10.0.0.2, 8 bytes: pseudo-header sum 0a00+0001+0a00+0002+0011+0008 = 141c */
	uint8_t v4[60] = { [12] = 8, [14] = 0x45, [17] = 28, [23] = 17, [26] = 10, [29] = 1, [30] = 10, [33] = 2,
			   [40] = 0x14, [41] = 0x1c };
	uint8_t v6[80] = { [12] = 0x86, [13] = 0xdd, [14] = 0x60, [19] = 20, [20] = 6, [22] = 0xfd, [37] = 1,
			   [38] = 0xfd, [53] = 2 };
	struct lkl_vnet_hdr vnet = { 0 };
	uint32_t i;

	xdp_csum_judge(v4, sizeof(v4), &vnet);
	assert_int_equal(vnet.flags, LKL_VNET_F_NEEDS_CSUM);
	assert_int_equal(vnet.csum_start, 34);
	assert_int_equal(vnet.csum_offset, 6);
	/* Another field, a fragment, a total length beyond the frame, options beyond the total: left alone. */
	for (i = 0; i < 4; i++) {
		static const uint8_t at[] = { 41, 20, 17, 14 }, value[] = { 0x1d, 0x20, 47, 0x4f };
		uint8_t f[60];

		memcpy(f, v4, sizeof(f));
		f[at[i]] = value[i];
		memset(&vnet, 0, sizeof(vnet));
		xdp_csum_judge(f, sizeof(f), &vnet);
		assert_int_equal(vnet.flags, 0);
	}
	/* fd00+0001+fd00+0002+0006+0014 = 1fa1d -> fa1e */
	v6[14 + 40 + 16] = 0xfa;
	v6[14 + 40 + 17] = 0x1e;
	xdp_csum_judge(v6, 74, &vnet);
	assert_int_equal(vnet.flags, LKL_VNET_F_NEEDS_CSUM);
	assert_int_equal(vnet.csum_start, 54);
	assert_int_equal(vnet.csum_offset, 16);
	/* Cut anywhere: never believed, never read behind the end (AddressSanitizer). */
	for (i = 0; i < 74; i++) {
		uint8_t *cut = malloc(i + 1);

		memcpy(cut, v6, i);
		memset(&vnet, 0, sizeof(vnet));
		xdp_csum_judge(cut, i, &vnet);
		assert_int_equal(vnet.flags, 0);
		free(cut);
	}
}

static int setup(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "bad", "good", "timed", "rec", "s", "p", "r", "liar", "taken", "nobody" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair_ring),
		cmocka_unit_test(test_pair_ring_hostile),
		cmocka_unit_test(test_stream_frame),
		cmocka_unit_test(test_socket_wire),
		cmocka_unit_test(test_socket_path),
		cmocka_unit_test(test_pair_wire),
		cmocka_unit_test(test_pair_hostile_hello),
		cmocka_unit_test(test_pcap_bad_files),
		cmocka_unit_test(test_pcap_replay),
		cmocka_unit_test(test_pcap_real_time),
		cmocka_unit_test(test_pcap_record),
		cmocka_unit_test(test_xdp_csum),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
