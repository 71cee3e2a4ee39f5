// SPDX-License-Identifier: GPL-2.0-only
/*
 * dump.c - what passes the instance's interface, as text or as a pcap file
 *
 * A packet socket inside the instance sees frames as the stack does: received ones after the wire
 * (in share mode only what the filter lets in), sent ones before it. A large frame (GSO, GRO) is one
 * line, and a checksum that the wire or the interface fills in is not there yet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net.h"

#define FRAME_BYTES (65536 + 64)

struct options {
	uint64_t count, seconds;
	const char *path;
};

static int parse(const struct net *net, int argc, char **argv, struct options *o)
{
	int opt;

	*o = (struct options){ 0 };
	optind = 0;
	while ((opt = getopt(argc, argv, "+c:t:w:")) != -1) {
		switch (opt) {
		case 'c':
			if (!parse_number("dump -c", optarg, 1, UINT32_MAX, &o->count))
				return NET_EXIT_USAGE;
			break;
		case 't':
			if (!parse_number("dump -t", optarg, 1, 86400, &o->seconds))
				return NET_EXIT_USAGE;
			break;
		case 'w':
			o->path = optarg;
			break;
		default:
			return usage("dump [-c FRAMES] [-t SECONDS] [-w FILE.pcap]");
		}
	}
	if (optind != argc)
		return usage("dump: \"%s\": expected no argument", argv[optind]);
	if (net->calls == &net_host)
		return usage("dump: shows an instance's frames; expected no --host");
	return 0;
}

int check_dump(const struct net *net, int argc, char **argv)
{
	struct options o;

	return parse(net, argc, argv, &o);
}

static unsigned int be16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static void print_tcp(const uint8_t *p, size_t len, unsigned int payload)
{
	static const char names[] = "FSRPAUEC";
	char flags[9] = "";
	unsigned int i, n = 0;

	if (len < 20) {
		printf(" cut short");
		return;
	}
	for (i = 0; i < 8; i++)
		if (p[13] & 1u << i)
			flags[n++] = names[i];
	flags[n] = '\0';
	n = (p[12] >> 4) * 4u;
	printf(" tcp %u > %u %s seq=%u ack=%u win=%u len=%u", be16(p), be16(p + 2), flags, be16(p + 4) << 16 | be16(p + 6),
	       be16(p + 8) << 16 | be16(p + 10), be16(p + 14), payload > n ? payload - n : 0);
}

static void print_transport(unsigned int proto, const uint8_t *p, size_t len, unsigned int payload)
{
	if (proto == IPPROTO_TCP)
		print_tcp(p, len, payload);
	else if (proto == IPPROTO_UDP && len >= 8)
		printf(" udp %u > %u len=%u", be16(p), be16(p + 2), payload - 8);
	else if ((proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) && len >= 2)
		printf(" icmp%s type=%u code=%u", proto == IPPROTO_ICMP ? "" : "6", p[0], p[1]);
	else
		printf(" protocol %u", proto);
}

static void print_frame(const uint8_t *p, size_t len)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	unsigned int type, ihl;

	if (len < ETH_HLEN) {
		printf(" cut short");
		return;
	}
	type = be16(p + 12);
	p += ETH_HLEN;
	len -= ETH_HLEN;
	if (type == ETH_P_ARP && len >= 28) {
		printf(" arp %s %s is asked by %s", be16(p + 6) == 1 ? "who has" : "answer:",
		       inet_ntop(AF_INET, p + 24, to, sizeof(to)), inet_ntop(AF_INET, p + 14, from, sizeof(from)));
	} else if (type == ETH_P_IP && len >= 20) {
		ihl = (p[0] & 15) * 4u;
		printf(" %s > %s", inet_ntop(AF_INET, p + 12, from, sizeof(from)), inet_ntop(AF_INET, p + 16, to, sizeof(to)));
		if (be16(p + 6) & 0x1fff)
			printf(" fragment");
		else if (ihl >= 20 && ihl <= len)
			print_transport(p[9], p + ihl, len - ihl, (unsigned int)(len - ihl));
	} else if (type == ETH_P_IPV6 && len >= 40) {
		printf(" %s > %s", inet_ntop(AF_INET6, p + 8, from, sizeof(from)),
		       inet_ntop(AF_INET6, p + 24, to, sizeof(to)));
		print_transport(p[6], p + 40, len - 40, (unsigned int)(len - 40));
	} else {
		printf(" type 0x%04x", type);
	}
}

/* The classic format with nanoseconds, link type Ethernet; fields in this machine's order. */
static bool pcap_begin(FILE *file)
{
	const uint32_t header[6] = { 0xa1b23c4d, 2 | 4 << 16, 0, 0, 262144, 1 };

	return fwrite(header, sizeof(header), 1, file) == 1;
}

static bool pcap_frame(FILE *file, const struct timespec *ts, const void *data, size_t len)
{
	const uint32_t header[4] = { (uint32_t)ts->tv_sec, (uint32_t)ts->tv_nsec, (uint32_t)len, (uint32_t)len };

	return fwrite(header, sizeof(header), 1, file) == 1 && fwrite(data, len, 1, file) == 1;
}

int cmd_dump(const struct net *net, int argc, char **argv)
{
	static uint8_t frame[FRAME_BYTES];
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = net->ifindex };
	const int buffer = 8 << 20;
	struct options o;
	uint64_t seen = 0;
	FILE *file = NULL;
	int64_t end_us;
	int fd, rc, len, status = 0;
	long n;

	if (parse(net, argc, argv, &o))
		return NET_EXIT_USAGE;
	if (o.path) {
		file = fopen(o.path, "we");
		if (!file || !pcap_begin(file)) {
			complain("dump: %s: %s", o.path, strerror(errno));
			return NET_EXIT_FAIL;
		}
	}
	fd = rc = net->calls->socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (rc >= 0)
		rc = net->calls->bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (rc < 0) {
		complain("dump: packet socket: %s", strerror(-rc));
		return NET_EXIT_FAIL;
	}
	net->calls->setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	net_timeout(net, fd, 100);
	fprintf(stderr, "lkl-net: dump: ready\n");
	end_us = o.seconds ? net_now_us() + (int64_t)o.seconds * 1000000 : INT64_MAX;
	while (!net_stopped && net_now_us() < end_us && (!o.count || seen < o.count)) {
		struct timespec now;

		len = sizeof(addr);
		n = net->calls->recvfrom(fd, frame, sizeof(frame), MSG_TRUNC, (struct sockaddr *)&addr, &len);
		if (n < 0)
			continue;
		seen++;
		if (n > (long)sizeof(frame))
			n = sizeof(frame);
		clock_gettime(CLOCK_REALTIME, &now);
		if (!file) {
			printf("%lld.%06ld %s", (long long)now.tv_sec, now.tv_nsec / 1000,
			       addr.sll_pkttype == PACKET_OUTGOING ? "out" : "in ");
			print_frame(frame, (size_t)n);
			printf("\n");
			fflush(stdout);
		} else if (!pcap_frame(file, &now, frame, (size_t)n)) {
			complain("dump: %s: %s", o.path, strerror(errno));
			status = NET_EXIT_FAIL;
			break;
		}
	}
	net->calls->close(fd);
	if (file && fclose(file)) {
		complain("dump: %s: %s", o.path, strerror(errno));
		status = NET_EXIT_FAIL;
	}
	fprintf(stderr, "lkl-net: dump: frames=%llu\n", (unsigned long long)seen);
	return status;
}
