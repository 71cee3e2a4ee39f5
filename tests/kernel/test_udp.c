// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_udp.c - datagrams over lo: udp(7), ip(7), ipv6(7), raw(7), packet(7), and ping sockets of icmp(7)
 */
#include "inet.h"

#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>

static const int families[] = { AF_INET, AF_INET6 };

/* fds[0] is connected to fds[1], which is bound only. */
static int udp_pair(int family, int fds[2])
{
	fds[1] = inet_bound(family, SOCK_DGRAM, 0, 0);
	fds[0] = lkl_sys_socket(family, SOCK_DGRAM, 0);
	if (fds[0] < 0 || fds[1] < 0)
		return -EBADF;
	return inet_connect(fds[0], family, local_port(fds[1]));
}

/* recvmsg() with room for control data; the message's length or -errno. */
struct received {
	struct msghdr msg;
	struct iovec iov;
	char buf[256];
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
};

static long receive(int fd, struct received *r, int flags)
{
	memset(r, 0, sizeof(*r));
	r->iov = (struct iovec){ r->buf, sizeof(r->buf) };
	r->msg = (struct msghdr){ .msg_iov = &r->iov, .msg_iovlen = 1, .msg_control = &r->control,
				  .msg_controllen = sizeof(r->control) };
	return lkl_sys_recvmsg(fd, &r->msg, flags);
}

static void *control(struct received *r, int level, int type)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(&r->msg); cmsg; cmsg = CMSG_NXTHDR(&r->msg, cmsg))
		if (cmsg->cmsg_level == level && cmsg->cmsg_type == type)
			return CMSG_DATA(cmsg);
	return NULL;
}

static int datagrams(void *arg)
{
	struct sockaddr_storage from, self;
	char buf[64];
	size_t i;
	int fds[2], len;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		CHECK_EQ(udp_pair(families[i], fds), 0);
		CHECK_EQ(lkl_sys_write(fds[0], "first", 5), 5);
		CHECK_EQ(lkl_sys_write(fds[0], "", 0), 0);
		CHECK_EQ(lkl_sys_write(fds[0], "third", 5), 5);
		len = sizeof(from);
		CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), MSG_PEEK, (void *)&from, &len), 5);
		CHECK(!memcmp(buf, "first", 5));
		CHECK_EQ(lkl_sys_getsockname(fds[0], (void *)&self, &len), 0);
		CHECK(!memcmp(&self, &from, len));
		CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), 0, NULL, NULL), 5);
		CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), 0, NULL, NULL), 0);
		/* MSG_TRUNC: the real length is told, what does not fit is lost. */
		CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 2, MSG_TRUNC, NULL, NULL), 5);
		CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL), -EAGAIN);
		CHECK_EQ(lkl_sys_sendto(fds[1], "answer", 6, 0, (void *)&from, len), 6);
		CHECK_EQ(lkl_sys_read(fds[0], buf, 3), 3);
		CHECK_EQ(lkl_sys_sendto(fds[1], buf, 1, 0, NULL, 0), -EDESTADDRREQ);
		CHECK_EQ(lkl_sys_listen(fds[1], 1), -EOPNOTSUPP);
		TRY(close_pair(fds));
	}
	return 0;
}

static int truncation_is_flagged(void *arg)
{
	struct received r;
	int fds[2];

	CHECK_EQ(udp_pair(AF_INET, fds), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "0123456789", 10), 10);
	memset(&r, 0, sizeof(r));
	r.iov = (struct iovec){ r.buf, 4 };
	r.msg = (struct msghdr){ .msg_iov = &r.iov, .msg_iovlen = 1 };
	CHECK_EQ(lkl_sys_recvmsg(fds[1], &r.msg, 0), 4);
	CHECK_EQ(r.msg.msg_flags & MSG_TRUNC, MSG_TRUNC);
	return close_pair(fds);
}

static int many_messages(void *arg)
{
	enum { N = 8 };
	struct mmsghdr out[N] = { 0 }, in[N + 1] = { 0 };
	struct iovec out_iov[N], in_iov[N + 1];
	char data[N], bufs[N + 1][16];
	int fds[2], i;

	CHECK_EQ(udp_pair(AF_INET6, fds), 0);
	for (i = 0; i < N; i++) {
		data[i] = 'a' + i;
		out_iov[i] = (struct iovec){ &data[i], 1 };
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &out_iov[i], .msg_iovlen = 1 };
	}
	for (i = 0; i <= N; i++) {
		in_iov[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &in_iov[i], .msg_iovlen = 1 };
	}
	CHECK_EQ(sys(sendmmsg, fds[0], out, N, 0), N);
	/* Asked for one more than there is: MSG_WAITFORONE makes the rest non-blocking. */
	CHECK_EQ(sys(recvmmsg, fds[1], in, N + 1, MSG_WAITFORONE, NULL), N);
	for (i = 0; i < N; i++) {
		CHECK_EQ(in[i].msg_len, 1);
		CHECK_EQ(bufs[i][0], 'a' + i);
	}
	CHECK_EQ(sys(recvmmsg, fds[1], in, 1, MSG_DONTWAIT, NULL), -EAGAIN);
	return close_pair(fds);
}

static int errors_come_back(void *arg)
{
	struct sock_extended_err *ee;
	struct received r;
	int fds[2];

	/* connected: the port's unreachability is told by the next call */
	CHECK_EQ(udp_pair(AF_INET, fds), 0);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "x", 1), 1);
	CHECK_EQ(lkl_sys_write(fds[0], "x", 1), -ECONNREFUSED);
	/* IP_RECVERR: and in the error queue, with the datagram that caused it */
	CHECK_EQ(set_int(fds[0], IPPROTO_IP, IP_RECVERR, 1), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "lost", 4), 4);
	CHECK_EQ(receive(fds[0], &r, MSG_ERRQUEUE), 4);
	CHECK(!memcmp(r.buf, "lost", 4));
	ee = control(&r, SOL_IP, IP_RECVERR);
	CHECK(ee);
	CHECK_EQ(ee->ee_errno, ECONNREFUSED);
	CHECK_EQ(ee->ee_origin, SO_EE_ORIGIN_ICMP);
	CHECK_EQ(ee->ee_type, ICMP_DEST_UNREACH);
	CHECK_EQ(ee->ee_code, ICMP_PORT_UNREACH);
	return lkl_sys_close(fds[0]);
}

static int packet_information(void *arg)
{
	struct in6_pktinfo *info6;
	struct in_pktinfo *info;
	struct received r;
	int fds[2], *value;

	CHECK_EQ(udp_pair(AF_INET, fds), 0);
	CHECK_EQ(set_int(fds[1], IPPROTO_IP, IP_PKTINFO, 1), 0);
	CHECK_EQ(set_int(fds[1], IPPROTO_IP, IP_RECVTTL, 1), 0);
	CHECK_EQ(set_int(fds[1], IPPROTO_IP, IP_RECVTOS, 1), 0);
	CHECK_EQ(set_int(fds[1], SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
	CHECK_EQ(set_int(fds[0], IPPROTO_IP, IP_TTL, 17), 0);
	CHECK_EQ(set_int(fds[0], IPPROTO_IP, IP_TOS, 0x20), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "x", 1), 1);
	CHECK_EQ(receive(fds[1], &r, 0), 1);
	info = control(&r, IPPROTO_IP, IP_PKTINFO);
	CHECK(info);
	CHECK_EQ(info->ipi_ifindex, LO_IFINDEX);
	CHECK_EQ(info->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
	value = control(&r, IPPROTO_IP, IP_TTL);
	CHECK(value && *value == 17);
	value = control(&r, IPPROTO_IP, IP_TOS);
	CHECK(value && *(unsigned char *)value == 0x20);
	CHECK(control(&r, SOL_SOCKET, SO_TIMESTAMPNS));
	TRY(close_pair(fds));

	CHECK_EQ(udp_pair(AF_INET6, fds), 0);
	CHECK_EQ(set_int(fds[1], IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
	CHECK_EQ(set_int(fds[1], IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
	CHECK_EQ(set_int(fds[0], IPPROTO_IPV6, IPV6_UNICAST_HOPS, 18), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "x", 1), 1);
	CHECK_EQ(receive(fds[1], &r, 0), 1);
	info6 = control(&r, IPPROTO_IPV6, IPV6_PKTINFO);
	CHECK(info6);
	CHECK_EQ(info6->ipi6_ifindex, LO_IFINDEX);
	CHECK(IN6_IS_ADDR_LOOPBACK(&info6->ipi6_addr));
	value = control(&r, IPPROTO_IPV6, IPV6_HOPLIMIT);
	CHECK(value && *value == 18);
	return close_pair(fds);
}

static int segmentation(void *arg)
{
	struct received r;
	char buf[250];
	int fds[2], i;

	memset(buf, 'g', sizeof(buf));
	CHECK_EQ(udp_pair(AF_INET, fds), 0);
	CHECK_EQ(set_int(fds[0], IPPROTO_UDP, UDP_SEGMENT, 100), 0);
	CHECK_EQ(lkl_sys_write(fds[0], buf, sizeof(buf)), sizeof(buf));
	for (i = 0; i < 3; i++)
		CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), i < 2 ? 100 : 50);
	/* A receiver that takes them together gets them together, and the size of one. */
	CHECK_EQ(set_int(fds[1], IPPROTO_UDP, UDP_GRO, 1), 0);
	CHECK_EQ(lkl_sys_write(fds[0], buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(receive(fds[1], &r, 0), sizeof(buf));
	CHECK(control(&r, IPPROTO_UDP, UDP_GRO));
	CHECK_EQ(*(int *)control(&r, IPPROTO_UDP, UDP_GRO), 100);
	return close_pair(fds);
}

/* RFC 1071. */
static uint16_t internet_checksum(const void *data, size_t len)
{
	const uint16_t *p = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *p++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static int raw_ping(void *arg)
{
	struct {
		struct icmphdr icmp;
		char data[8];
	} echo = { .icmp = { .type = ICMP_ECHO, .un.echo = { htons(7), htons(1) } }, .data = "raw" };
	struct sockaddr_storage to;
	struct icmphdr *icmp;
	struct received r;
	struct iphdr *ip;
	int len = loopback(AF_INET, 0, &to), fd = lkl_sys_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), seen = 0;

	CHECK(fd >= 0);
	echo.icmp.checksum = internet_checksum(&echo, sizeof(echo));
	CHECK_EQ(lkl_sys_sendto(fd, &echo, sizeof(echo), 0, (void *)&to, len), sizeof(echo));
	/* A raw socket hears all of its protocol: the request as it arrives on lo, and the reply. */
	while (!(seen & 1 << ICMP_ECHOREPLY)) {
		CHECK_EQ(receive(fd, &r, 0), sizeof(*ip) + sizeof(echo));
		ip = (void *)r.buf;
		icmp = (void *)(r.buf + sizeof(*ip));
		CHECK_EQ(ip->protocol, IPPROTO_ICMP);
		CHECK_EQ(ip->saddr, htonl(INADDR_LOOPBACK));
		CHECK_EQ(icmp->un.echo.id, htons(7));
		CHECK(!memcmp(icmp + 1, "raw", 4));
		CHECK(icmp->type == ICMP_ECHO || icmp->type == ICMP_ECHOREPLY);
		seen |= 1 << icmp->type;
	}
	CHECK_EQ(seen, 1 << ICMP_ECHO | 1 << ICMP_ECHOREPLY);
	return lkl_sys_close(fd);
}

static int ping_sockets(void *arg)
{
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo = { 0, htons(5) } }, *reply;
	struct icmp6_hdr echo6 = { .icmp6_type = ICMP6_ECHO_REQUEST }, *reply6;
	struct sockaddr_storage to;
	struct received r;
	int fd, len;

	fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	CHECK(fd >= 0);
	len = loopback(AF_INET, 0, &to);
	CHECK_EQ(lkl_sys_connect(fd, (void *)&to, len), 0);
	CHECK_EQ(lkl_sys_write(fd, &echo, sizeof(echo)), sizeof(echo));
	CHECK_EQ(receive(fd, &r, 0), sizeof(echo));
	reply = (void *)r.buf;
	CHECK_EQ(reply->type, ICMP_ECHOREPLY);
	CHECK_EQ(reply->un.echo.sequence, htons(5));
	CHECK_EQ(ntohs(reply->un.echo.id), local_port(fd)); /* the kernel chose the identifier */
	CHECK_EQ(lkl_sys_close(fd), 0);

	fd = lkl_sys_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	CHECK(fd >= 0);
	len = loopback(AF_INET6, 0, &to);
	CHECK_EQ(lkl_sys_connect(fd, (void *)&to, len), 0);
	CHECK_EQ(lkl_sys_write(fd, &echo6, sizeof(echo6)), sizeof(echo6));
	CHECK_EQ(receive(fd, &r, 0), sizeof(echo6));
	reply6 = (void *)r.buf;
	CHECK_EQ(reply6->icmp6_type, ICMP6_ECHO_REPLY);
	return lkl_sys_close(fd);
}

static int packet_sockets(void *arg)
{
	struct sockaddr_ll lo = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = LO_IFINDEX }, from;
	struct tpacket_stats stats;
	int fd = lkl_sys_socket(AF_PACKET, SOCK_RAW, 0), fds[2], len;
	unsigned char buf[256];
	const int header = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr);

	CHECK(fd >= 0);
	CHECK_EQ(lkl_sys_bind(fd, (void *)&lo, sizeof(lo)), 0);
	CHECK_EQ(udp_pair(AF_INET, fds), 0);
	/* Over lo, UDP leaves its checksum unfinished: the frame below would be wrong with one. */
	CHECK_EQ(set_int(fds[0], SOL_SOCKET, SO_NO_CHECK, 1), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "seen", 4), 4);
	len = sizeof(from);
	CHECK_EQ(lkl_sys_recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), header + 4);
	CHECK_EQ(from.sll_ifindex, LO_IFINDEX);
	CHECK_EQ(from.sll_pkttype, PACKET_HOST); /* bound to one protocol, it sees what arrives only */
	CHECK_EQ(buf[12] << 8 | buf[13], ETH_P_IP);
	CHECK(!memcmp(buf + header, "seen", 4));
	len = sizeof(stats);
	CHECK_EQ(lkl_sys_getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len), 0);
	CHECK_EQ(stats.tp_packets, 1);
	CHECK_EQ(stats.tp_drops, 0);
	/* The same frame once more, sent by hand: from outside, a loopback address is no valid source by default. */
	CHECK_EQ(lkl_sysctl("net.ipv4.conf.lo.route_localnet", "1"), 0);
	CHECK_EQ(lkl_sysctl("net.ipv4.conf.lo.accept_local", "1"), 0);
	CHECK_EQ(lkl_sys_read(fds[1], buf + 200, 50), 4);
	CHECK_EQ(lkl_sys_sendto(fd, buf, header + 4, 0, (void *)&lo, sizeof(lo)), header + 4);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "seen", 4));
	TRY(close_pair(fds));
	return lkl_sys_close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(datagrams),
		BODY(truncation_is_flagged),
		BODY(many_messages),
		BODY(errors_come_back),
		BODY(packet_information),
		BODY(segmentation),
		BODY(raw_ping),
		BODY(ping_sockets),
		BODY(packet_sockets),
	};

	return RUN_BODIES(tests, argc, argv);
}
