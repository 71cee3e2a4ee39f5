// SPDX-License-Identifier: GPL-2.0-only
/*
 * fragment.c - a hop that cuts TCP segments into IP fragments
 *
 *   fragment TUN BYTES in-order|reversed
 *
 * The interface TUN is made; the namespace's routes send packets to it, and what comes back from here is routed on by the kernel.
 * Packets of IPv4 and IPv6 with more than BYTES behind their IP header leave in fragments of at most BYTES, whatever DF says,
 * with an identification of our own; in-order: the first one first. Others pass as they are. "ready" when TUN is there; ends
 * with SIGTERM. Prints then how many packets were cut.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PACKET_MAX 65535
#define V4_BYTES 20
#define V6_BYTES 40
#define FRAG6_BYTES 8
#define MORE_V4 0x2000
#define IPPROTO_FRAGMENT6 44

static volatile sig_atomic_t is_ended;

static void on_term(int sig)
{
	is_ended = 1;
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static unsigned int get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static void checksum_v4(uint8_t *ip)
{
	uint32_t sum = 0;
	unsigned int i;

	put16(ip + 10, 0);
	for (i = 0; i < V4_BYTES; i += 2)
		sum += get16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
}

/* Payload bytes from .. from + len - 1 of `packet`, as a fragment; returns its length. */
static size_t cut(const uint8_t *packet, size_t from, size_t len, int is_last, uint32_t id, uint8_t *out)
{
	if (packet[0] >> 4 == 4) {
		memcpy(out, packet, V4_BYTES);
		memcpy(out + V4_BYTES, packet + V4_BYTES + from, len);
		put16(out + 2, V4_BYTES + len);
		put16(out + 4, id);
		put16(out + 6, from / 8 | (is_last ? 0 : MORE_V4));
		checksum_v4(out);
		return V4_BYTES + len;
	}
	memcpy(out, packet, V6_BYTES);
	put16(out + 4, FRAG6_BYTES + len);
	out[6] = IPPROTO_FRAGMENT6;
	out[V6_BYTES] = packet[6];
	out[V6_BYTES + 1] = 0;
	put16(out + V6_BYTES + 2, from | !is_last);
	put16(out + V6_BYTES + 4, id >> 16);
	put16(out + V6_BYTES + 6, id);
	memcpy(out + V6_BYTES + FRAG6_BYTES, packet + V6_BYTES + from, len);
	return V6_BYTES + FRAG6_BYTES + len;
}

static int is_to_be_cut(const uint8_t *packet, size_t len, size_t max)
{
	if (len > V4_BYTES && packet[0] == 0x45)
		return packet[9] == 6 && !(get16(packet + 6) & 0x3fff) && len - V4_BYTES > max;
	return len > V6_BYTES && packet[0] >> 4 == 6 && packet[6] == 6 && len - V6_BYTES > max;
}

int main(int argc, char **argv)
{
	static uint8_t packet[PACKET_MAX], out[PACKET_MAX];
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct sigaction act = { .sa_handler = on_term };
	const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	unsigned long max, n_cut = 0;
	uint32_t id;

	if (argc != 4 || strlen(argv[1]) >= IFNAMSIZ || (max = strtoul(argv[2], NULL, 10) & ~7ul) < 64 || max > 1480) {
		fprintf(stderr, "usage: fragment TUN BYTES in-order|reversed     (64 to 1480 bytes)\n");
		return 2;
	}
	memcpy(ifr.ifr_name, argv[1], strlen(argv[1]));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
		perror("fragment: /dev/net/tun");
		return 77;
	}
	/* not those of the hop before: what it left incomplete is still waited for */
	id = argv[3][0] == 'r' ? 40000 : 1;
	sigaction(SIGTERM, &act, NULL);
	printf("ready\n");
	fflush(stdout);
	while (!is_ended) {
		const ssize_t len = read(fd, packet, sizeof(packet));
		size_t payload, pieces, i;

		if (len <= 0)
			continue;
		if (!is_to_be_cut(packet, len, max)) {
			if (write(fd, packet, len) != len)
				perror("fragment: write");
			continue;
		}
		payload = len - (packet[0] >> 4 == 4 ? V4_BYTES : V6_BYTES);
		pieces = (payload + max - 1) / max;
		for (i = 0; i < pieces; i++) {
			const size_t k = argv[3][0] == 'r' ? pieces - 1 - i : i, is_last = k == pieces - 1;
			const size_t n = cut(packet, k * max, is_last ? payload - k * max : max, is_last, id, out);

			if (write(fd, out, n) != (ssize_t)n)
				perror("fragment: write");
		}
		id++;
		n_cut++;
	}
	printf("cut=%lu\n", n_cut);
	return 0;
}
