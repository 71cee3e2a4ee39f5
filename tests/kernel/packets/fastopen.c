// SPDX-License-Identifier: GPL-2.0-only
/* fastopen.c - scripts: TCP Fast Open (RFC 7413): cookies asked for and given, data in a SYN taken and sent */
#include "script.h"

#include <netinet/tcp.h>

#ifndef TCP_FASTOPEN
#define TCP_FASTOPEN 23
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

/* A listener, and a cookie from it in `cookie`; its length. */
static int server_cookie(struct script_run *s, int *lfd, uint8_t cookie[16])
{
	int len;

	OK(sysctl_is(s, "net.ipv4.tcp_fastopen", "3"));
	*lfd = listener(s);
	OK(set_opt(*lfd, IPPROTO_TCP, TCP_FASTOPEN, 16));
	SEND(s, .flags = SYN, .opts = O_PLAIN | O_TFO, .mss = FULL, .wscale = 7);
	EXPECT(s, "RFC 7413, 3 and 4.1.2: a cookie for who asks", .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN | O_TFO, .any_cookie = 1);
	len = s->got.cookie_len;
	HOLDS(s, "RFC 7413, 4.1.1: 4 to 16 bytes, even", len >= 4 && len <= 16 && len % 2 == 0);
	memcpy(cookie, s->cookie, len);
	SEND(s, .flags = RST, .seq = 1);
	new_port(s);
	return len;
}

static int server_data_in_syn(struct script_run *s)
{
	uint8_t cookie[16];
	int lfd, len = server_cookie(s, &lfd, cookie), fd;

	OK(len);
	SEND(s, .flags = SYN, .opts = O_PLAIN | O_TFO, .mss = FULL, .wscale = 7, .cookie = cookie, .cookie_len = len, .len = 100);
	EXPECT(s, "RFC 7413, 4.2.2: the data is acknowledged", .flags = SYN | ACK, .ack = 101, .opts = O_PLAIN);
	s->stack_wscale = 7;
	/* The program has it before the handshake is over, and may answer. */
	fd = accepted(s, lfd);
	IS(read_bytes(fd, 200), 100);
	IS(write_bytes(fd, 300), 300);
	EXPECT(s, "RFC 7413, 3 and 4.2.2: answered in the same round trip", .flags = ACK, .seq = 1, .ack = 101, .len = 300);
	SEND(s, .flags = ACK, .seq = 101, .ack = 301);
	SEND(s, .flags = ACK, .seq = 101, .ack = 301, .len = 100);
	EXPECT(s, "RFC 9293, 3.8.6.3", .flags = ACK, .seq = 301, .ack = 201);
	IS(read_bytes(fd, 200), 100);
	return 0;
}

static int server_bad_cookie(struct script_run *s)
{
	uint8_t cookie[16];
	int lfd, len = server_cookie(s, &lfd, cookie), fd;

	OK(len);
	cookie[0] ^= 1;
	SEND(s, .flags = SYN, .opts = O_PLAIN | O_TFO, .mss = FULL, .wscale = 7, .cookie = cookie, .cookie_len = len, .len = 100);
	EXPECT(s, "RFC 7413, 4.2.2: an ordinary handshake, and the right cookie", .flags = SYN | ACK, .ack = 1,
	       .opts = O_PLAIN | O_TFO, .cookie_len = len);
	HOLDS(s, "RFC 7413, 4.1.2", (s->cookie[0] ^ 1) == cookie[0]);
	IS(stack->accept(lfd), -EAGAIN);
	s->stack_wscale = 7;
	SEND(s, .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	EXPECT(s, "RFC 7413, 4.2.2: the data comes again", .flags = ACK, .seq = 1, .ack = 101);
	fd = accepted(s, lfd);
	IS(read_bytes(fd, 200), 100);
	return 0;
}

/* The cookie is the address's: somebody else's is none. */
static int server_other_address(struct script_run *s)
{
	uint8_t cookie[16];
	int lfd, len = server_cookie(s, &lfd, cookie);

	OK(len);
	new_peer(s);
	SEND(s, .flags = SYN, .opts = O_PLAIN | O_TFO, .mss = FULL, .wscale = 7, .cookie = cookie, .cookie_len = len, .len = 100);
	EXPECT(s, "RFC 7413, 4.1.2: bound to the address", .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN | O_TFO, .cookie_len = len);
	return 0;
}

/* Without the option on the socket nothing of it happens. */
static int server_off(struct script_run *s)
{
	static const uint8_t cookie[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	OK(sysctl_is(s, "net.ipv4.tcp_fastopen", "3"));
	OK(listener(s));
	SEND(s, .flags = SYN, .opts = O_PLAIN | O_TFO, .mss = FULL, .wscale = 7);
	EXPECT(s, "RFC 7413, 4.2.2", .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN);
	SEND(s, .flags = RST, .seq = 1);
	new_port(s);
	SEND(s, .flags = SYN, .opts = O_PLAIN | O_TFO, .mss = FULL, .wscale = 7, .cookie = cookie, .cookie_len = 8, .len = 100);
	EXPECT(s, "RFC 7413, 4.2.2; RFC 9293, 3.10.7.2: data before the handshake waits", .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN);
	return 0;
}

/* ---- the client ---- */

static int fast_connecting(struct script_run *s, int data_len, long want)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(s->peer_addr), .sin_port = htons(s->peer_port) };
	int fd = script_socket(s);

	OK(fd);
	s->stack_port = 0;
	IS(write_bytes_to(fd, data_len, MSG_FASTOPEN, &addr), want);
	return fd;
}

static int client_data_in_syn(struct script_run *s)
{
	static const uint8_t cookie[8] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	int fd = fast_connecting(s, 100, -EINPROGRESS), ports;

	OK(fd);
	EXPECT(s, "RFC 7413, 4.2.1: a request, and no data", .flags = SYN, .opts = O_ALL | O_TFO, .cookie_len = 0);
	SEND(s, .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN | O_TFO, .mss = FULL, .wscale = 7, .cookie = cookie, .cookie_len = 8);
	EXPECT(s, "RFC 9293, 3.5", .flags = ACK, .seq = 1, .ack = 1);
	IS(write_bytes(fd, 100), 100);
	EXPECT(s, "RFC 9293, 3.5", .flags = ACK, .seq = 1, .ack = 1, .len = 100);
	SEND(s, .flags = RST, .seq = 1);

	/* The same server again: the cookie, and data, acknowledged with the SYN. */
	for (ports = 0; ports < 2; ports++) {
		same_peer(s);
		fd = fast_connecting(s, 100, 100);
		OK(fd);
		EXPECT(s, "RFC 7413, 4.2.1: cookie and data in the SYN", .flags = SYN, .len = 100, .opts = O_ALL | O_TFO, .cookie_len = 8);
		HOLDS(s, "RFC 7413, 4.1.3: the cookie that was given", !memcmp(s->cookie, cookie, 8));
		if (ports == 0) {
			SEND(s, .flags = SYN | ACK, .ack = 101, .opts = O_PLAIN, .mss = FULL, .wscale = 7);
			EXPECT(s, "RFC 7413, 3", .flags = ACK, .seq = 101, .ack = 1);
			SEND(s, .flags = RST, .seq = 1);
			continue;
		}
		/* Only the SYN is acknowledged: the server would not have the data. */
		SEND(s, .flags = SYN | ACK, .ack = 1, .opts = O_PLAIN, .mss = FULL, .wscale = 7);
		EXPECT(s, "RFC 7413, 4.2.1: sent again after the handshake", .flags = ACK, .seq = 1, .ack = 1, .len = 100);
		SEND(s, .flags = ACK, .seq = 1, .ack = 101);
	}
	return 0;
}

/* A SYN with data that gets no answer: the next one is an ordinary one. */
static int client_syn_lost(struct script_run *s)
{
	int fd = fast_connecting(s, 100, -EINPROGRESS);

	OK(fd);
	EXPECT(s, "RFC 7413, 4.2.1", .flags = SYN, .opts = O_ALL | O_TFO, .cookie_len = 0);
	EXPECT(s, "RFC 7413, 4.1.3: without the option", .flags = SYN, .opts = O_ALL);
	return 0;
}

const struct script fastopen_scripts[] = {
	{ "server_data_in_syn", server_data_in_syn },
	{ "server_bad_cookie", server_bad_cookie },
	{ "server_other_address", server_other_address },
	{ "server_off", server_off },
	{ "client_data_in_syn", client_data_in_syn },
	{ "client_syn_lost", client_syn_lost },
	{ 0 },
};
