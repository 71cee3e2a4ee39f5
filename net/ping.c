// SPDX-License-Identifier: GPL-2.0-only
/*
 * ping.c - ICMP echo, IPv4 and IPv6
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

#define DATA_MAX 65000u
#define REPLY_TIMEOUT_MS 1000
#define ECHO_ID 0x4c4b /* "LK" */

struct echo {
	uint8_t type, code;
	uint16_t sum, id, seq;
};

struct options {
	uint64_t count, interval_ms, bytes;
	struct sockaddr_storage to;
	int to_len;
};

static int parse(const struct net *net, int argc, char **argv, struct options *o)
{
	int opt;

	*o = (struct options){ .count = 4, .interval_ms = 200, .bytes = 56 };
	optind = 0;
	while ((opt = getopt(argc, argv, "+c:i:s:")) != -1) {
		switch (opt) {
		case 'c':
			if (!parse_number("ping -c", optarg, 1, 1000000, &o->count))
				return NET_EXIT_USAGE;
			break;
		case 'i':
			if (!parse_number("ping -i", optarg, 1, 60000, &o->interval_ms))
				return NET_EXIT_USAGE;
			break;
		case 's':
			if (!parse_number("ping -s", optarg, 0, DATA_MAX, &o->bytes))
				return NET_EXIT_USAGE;
			break;
		default:
			return usage("ping [-c COUNT] [-i MILLISECONDS] [-s BYTES] ADDRESS");
		}
	}
	if (optind + 1 != argc)
		return usage("ping: expected one address");
	if (net->is_shared)
		return usage("ping: in share mode the host has the echo replies; expected --own or --addr, or the command rr");
	return parse_address(argv[optind], net, 0, &o->to, &o->to_len) ? 0 : NET_EXIT_USAGE;
}

int check_ping(const struct net *net, int argc, char **argv)
{
	struct options o;

	return parse(net, argc, argv, &o);
}

static uint16_t sum_of(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] | data[i + 1] << 8);
	if (len & 1)
		sum += data[len - 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Wait for the reply to `seq`. Its round trip in microseconds, or -errno. */
static int64_t wait_reply(const struct net *net, int fd, int family, uint16_t seq, int64_t sent_us)
{
	static uint8_t buf[DATA_MAX + 128];
	const struct echo *e;
	long n;

	while (net_now_us() - sent_us < REPLY_TIMEOUT_MS * 1000ll && !net_stopped) {
		n = net->calls->recv(fd, buf, sizeof(buf), 0);
		if (n == -EAGAIN || n == -EINTR)
			continue;
		if (n < 0)
			return n;
		/* A raw socket of IPv4 gives the IP header, too. */
		e = (void *)(buf + (family == AF_INET ? (buf[0] & 15) * 4 : 0));
		if ((const uint8_t *)(e + 1) > buf + n)
			continue;
		if (e->type == (family == AF_INET ? 0 : 129) && e->id == htons(ECHO_ID) && e->seq == htons(seq))
			return net_now_us() - sent_us;
	}
	return -ETIMEDOUT;
}

int cmd_ping(const struct net *net, int argc, char **argv)
{
	static uint8_t out[sizeof(struct echo) + DATA_MAX];
	struct echo *e = (void *)out;
	uint64_t seq, replies = 0;
	int64_t rtt, min = INT64_MAX, max = 0, sum = 0, sent_us;
	struct options o;
	int fd, family;
	size_t i;
	long n;

	if (parse(net, argc, argv, &o))
		return NET_EXIT_USAGE;
	family = o.to.ss_family;
	fd = net->calls->socket(family, SOCK_RAW, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (fd < 0) {
		complain("ping: raw socket: %s", strerror(-fd));
		return NET_EXIT_FAIL;
	}
	net_timeout(net, fd, 100);
	for (i = 0; i < o.bytes; i++)
		out[sizeof(*e) + i] = (uint8_t)i;
	for (seq = 1; seq <= o.count && !net_stopped; seq++) {
		*e = (struct echo){ .type = family == AF_INET ? 8 : 128, .id = htons(ECHO_ID), .seq = htons((uint16_t)seq) };
		e->sum = sum_of(out, sizeof(*e) + o.bytes); /* of IPv6 the kernel makes it */
		sent_us = net_now_us();
		n = net->calls->sendto(fd, out, sizeof(*e) + o.bytes, (struct sockaddr *)&o.to, o.to_len);
		rtt = n < 0 ? n : wait_reply(net, fd, family, (uint16_t)seq, sent_us);
		if (rtt < 0) {
			if (!net->is_json)
				printf("seq=%u: %s\n", (unsigned int)seq, strerror((int)-rtt));
		} else {
			replies++;
			sum += rtt;
			min = rtt < min ? rtt : min;
			max = rtt > max ? rtt : max;
			if (!net->is_json)
				printf("seq=%u bytes=%u rtt_us=%lld\n", (unsigned int)seq, (unsigned int)o.bytes,
				       (long long)rtt);
		}
		fflush(stdout);
		if (seq < o.count)
			net->calls->pause_ms((int)o.interval_ms);
	}
	net->calls->close(fd);
	if (!replies)
		min = 0;
	printf(net->is_json ? "{\"sent\": %llu, \"received\": %llu, \"min_us\": %lld, \"mean_us\": %lld, \"max_us\": %lld}\n" :
			      "sent=%llu received=%llu min_us=%lld mean_us=%lld max_us=%lld\n",
	       (unsigned long long)(seq - 1), (unsigned long long)replies, (long long)min,
	       (long long)(replies ? sum / (int64_t)replies : 0), (long long)max);
	return replies ? 0 : NET_EXIT_FAIL;
}
