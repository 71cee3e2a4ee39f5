// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_tcp_features.c - TCP beyond sockets over lo: congestion controls, MPTCP, Fast Open, ECN, SYN cookies, pacing,
 * loss and delay by netem, dead peers, repair
 *
 * What happened on the way is read from the kernel's counters (/proc/net/netstat and snmp) and from TCP_INFO. Each body
 * leaves lo, its qdisc and the sysctls as it found them. Where chance decides (loss), a body repeats until it was seen.
 */
#include "inet.h"
#include "netlink.h"

#include <linux/mptcp.h>
#include <linux/tcp.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

static struct tcp_info tcp_info(int fd)
{
	struct tcp_info ti;
	int len = sizeof(ti);

	memset(&ti, 0xff, sizeof(ti));
	lkl_sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	return ti;
}

/* A counter of /proc/net/netstat or snmp: lines come in pairs, names and values. -1: no such counter. */
static long counter_in(const char *path, const char *group, const char *name)
{
	static char text[65536];
	char *names, *values, *save_name, *save_value, *n, *v;

	if (file_read(path, text, sizeof(text)) <= 0)
		return -1;
	for (names = text; *names; names = values + strlen(values) + 1) {
		names[strcspn(names, "\n")] = 0;
		values = names + strlen(names) + 1;
		values[strcspn(values, "\n")] = 0;
		if (strncmp(names, group, strlen(group)))
			continue;
		n = strtok_r(names, " ", &save_name);
		v = strtok_r(values, " ", &save_value);
		for (; n && v; n = strtok_r(NULL, " ", &save_name), v = strtok_r(NULL, " ", &save_value))
			if (!strcmp(n, name))
				return atol(v);
		return -1;
	}
	return -1;
}

static long tcp_ext(const char *name)
{
	return counter_in("/proc/net/netstat", "TcpExt:", name);
}

static long mptcp_ext(const char *name)
{
	return counter_in("/proc/net/netstat", "MPTcpExt:", name);
}

/* ---- congestion controls ---- */

static int congestion_controls(void *arg)
{
	char names[1024], now[32], *name, *save;
	int fds[2], count = 0, len;

	CHECK(file_read("/proc/sys/net/ipv4/tcp_available_congestion_control", names, sizeof(names)) > 0);
	names[strcspn(names, "\n")] = 0;
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_ecn", "1"), 0); /* without it, dctcp calls itself dctcp-reno */
	for (name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save), count++) {
		CHECK_EQ(tcp_pair(count % 2 ? AF_INET6 : AF_INET, fds), 0);
		CHECK_EQ(lkl_sys_setsockopt(fds[0], IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)), 0);
		len = sizeof(now);
		memset(now, 0, sizeof(now));
		CHECK_EQ(lkl_sys_getsockopt(fds[0], IPPROTO_TCP, TCP_CONGESTION, now, &len), 0);
		CHECK(!strcmp(now, name));
		TRY(transfer(fds[0], fds[1], 2000000));
		TRY(close_pair(fds));
	}
	/* reno, the sixteen of the configuration, and ours. */
	CHECK_EQ(count, 17 + 3);
	return lkl_sysctl("net.ipv4.tcp_ecn", "2");
}

/* ---- MPTCP ---- */

static int mptcp_flags(int fd)
{
	struct mptcp_info info = { 0 };
	int len = sizeof(info);
	long err = lkl_sys_getsockopt(fd, SOL_MPTCP, MPTCP_INFO, &info, &len);

	return err ? err : (int)info.mptcpi_flags;
}

static int mptcp(void *arg)
{
	long syns = mptcp_ext("MPCapableSYNRX"), acks = mptcp_ext("MPCapableACKRX");
	int fds[2], lfd;

	CHECK(syns >= 0);
	CHECK_EQ(stream_pair(AF_INET, IPPROTO_MPTCP, fds), 0);
	CHECK_EQ(get_int(fds[0], SOL_SOCKET, SO_PROTOCOL), IPPROTO_MPTCP);
	TRY(transfer(fds[0], fds[1], 1000000));
	CHECK_EQ(mptcp_flags(fds[1]), MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED);
	CHECK_EQ(mptcp_ext("MPCapableSYNRX"), syns + 1);
	CHECK_EQ(mptcp_ext("MPCapableACKRX"), acks + 1);
	TRY(close_pair(fds));

	/* To somebody who knows TCP only it is TCP. */
	lfd = tcp_listener(AF_INET, 0);
	fds[0] = lkl_sys_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	CHECK_EQ(inet_connect(fds[0], AF_INET, local_port(lfd)), 0);
	fds[1] = lkl_sys_accept4(lfd, NULL, NULL, 0);
	TRY(transfer(fds[0], fds[1], 100000));
	CHECK(mptcp_flags(fds[0]) < 0 || mptcp_flags(fds[0]) & MPTCP_INFO_FLAG_FALLBACK);
	CHECK_EQ(lkl_sys_close(lfd), 0);
	TRY(close_pair(fds));

	CHECK_EQ(lkl_sysctl("net.mptcp.enabled", "0"), 0);
	CHECK_EQ(lkl_sys_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), -ENOPROTOOPT);
	return lkl_sysctl("net.mptcp.enabled", "1");
}

/* ---- Fast Open ---- */

/* Connect with four bytes in the first call; the client, and the accepted one goes to *afd. */
static int fast_connect(int lfd, int *afd)
{
	struct sockaddr_storage addr;
	int len = loopback(AF_INET, local_port(lfd), &addr), fd = lkl_sys_socket(AF_INET, SOCK_STREAM, 0);
	char buf[8];

	CHECK_EQ(lkl_sys_sendto(fd, "data", 4, MSG_FASTOPEN, (void *)&addr, len), 4);
	*afd = lkl_sys_accept4(lfd, NULL, NULL, 0);
	CHECK(*afd >= 0);
	CHECK_EQ(lkl_sys_read(*afd, buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "data", 4));
	return fd;
}

static int fast_open(void *arg)
{
	int lfd = tcp_listener(AF_INET, 0), fd, afd, i;
	long active, passive;

	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_fastopen", "3"), 0);
	CHECK_EQ(set_int(lfd, IPPROTO_TCP, TCP_FASTOPEN, 16), 0);
	for (i = 0; i < 3; i++) {
		active = tcp_ext("TCPFastOpenActive");
		passive = tcp_ext("TCPFastOpenPassive");
		CHECK(active >= 0 && passive >= 0);
		fd = fast_connect(lfd, &afd);
		CHECK(fd >= 0);
		/* The first connection asks for a cookie, the others have one and send the data with the SYN. */
		CHECK_EQ(tcp_ext("TCPFastOpenActive"), active + !!i);
		CHECK_EQ(tcp_ext("TCPFastOpenPassive"), passive + !!i);
		CHECK_EQ(!!(tcp_info(fd).tcpi_options & TCPI_OPT_SYN_DATA), !!i);
		CHECK_EQ(lkl_sys_close(fd), 0);
		CHECK_EQ(lkl_sys_close(afd), 0);
	}
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_fastopen", "1"), 0);
	return lkl_sys_close(lfd);
}

/* ---- the handshake ---- */

static int ecn(void *arg)
{
	int fds[2], wanted;

	for (wanted = 0; wanted < 2; wanted++) {
		CHECK_EQ(lkl_sysctl("net.ipv4.tcp_ecn", wanted ? "1" : "0"), 0);
		CHECK_EQ(tcp_pair(AF_INET, fds), 0);
		CHECK_EQ(!!(tcp_info(fds[0]).tcpi_options & TCPI_OPT_ECN), wanted);
		CHECK_EQ(!!(tcp_info(fds[1]).tcpi_options & TCPI_OPT_ECN), wanted);
		TRY(close_pair(fds));
	}
	return lkl_sysctl("net.ipv4.tcp_ecn", "2");
}

static int syn_cookies(void *arg)
{
	long sent = tcp_ext("SyncookiesSent"), received = tcp_ext("SyncookiesRecv");
	int fds[2];

	CHECK(sent >= 0);
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_syncookies", "2"), 0); /* always */
	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(tcp_ext("SyncookiesSent"), sent + 1);
	CHECK_EQ(tcp_ext("SyncookiesRecv"), received + 1);
	TRY(transfer(fds[0], fds[1], 100000));
	TRY(close_pair(fds));
	return lkl_sysctl("net.ipv4.tcp_syncookies", "1");
}

/* ---- qdiscs ---- */

static int netem(uint64_t delay_ns, unsigned int loss_percent)
{
	struct tc_netem_qopt qopt = { .limit = 10000, .loss = UINT32_MAX / 100 * loss_percent };
	struct nl_request req;
	struct nlattr *options;

	nl_qdisc(&req, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, LO_IFINDEX, "netem");
	options = nl_attr(&req, TCA_OPTIONS, &qopt, sizeof(qopt));
	nl_attr(&req, TCA_NETEM_LATENCY64, &delay_ns, sizeof(delay_ns));
	nl_nest_end(&req, options);
	return nl_ask(NETLINK_ROUTE, &req);
}

/* Restore what the bodies below change. */
static int lo_as_before(void)
{
	CHECK_EQ(qdisc_delete(LO_IFINDEX), 0);
	CHECK_EQ(lkl_if_set_mtu(LO_IFINDEX, 65536), 0);
	return 0;
}

static int delay(void *arg)
{
	static const int64_t delay_ns = 15000000;
	int64_t t;
	int fds[2];

	CHECK_EQ(netem(delay_ns, 0), 0);
	t = stack_now_ns();
	CHECK_EQ(tcp_pair(AF_INET, fds), 0); /* there and back again */
	CHECK(stack_now_ns() - t >= 2 * delay_ns);
	CHECK(tcp_info(fds[0]).tcpi_rtt >= 2 * delay_ns / 1000);
	TRY(transfer(fds[0], fds[1], 1000000));
	TRY(close_pair(fds));
	return lo_as_before();
}

static int loss(void *arg)
{
	long before = counter_in("/proc/net/snmp", "Tcp:", "RetransSegs");
	int fds[2], i;

	CHECK(before >= 0);
	CHECK_EQ(lkl_if_set_mtu(LO_IFINDEX, 1500), 0);
	CHECK_EQ(netem(500000, 3), 0);
	for (i = 0; i < 20 && counter_in("/proc/net/snmp", "Tcp:", "RetransSegs") == before; i++) {
		CHECK_EQ(tcp_pair(AF_INET, fds), 0);
		TRY(transfer(fds[0], fds[1], 1000000));
		TRY(close_pair(fds));
	}
	CHECK(counter_in("/proc/net/snmp", "Tcp:", "RetransSegs") > before);
	return lo_as_before();
}

static int pacing(void *arg)
{
	enum { RATE = 2000000, BYTES = 400000 };
	int fds[2];
	int64_t t;

	CHECK_EQ(lkl_if_set_mtu(LO_IFINDEX, 1500), 0);
	CHECK_EQ(qdisc_replace(LO_IFINDEX, "fq"), 0);
	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(set_int(fds[0], SOL_SOCKET, SO_MAX_PACING_RATE, RATE), 0);
	CHECK_EQ(get_int(fds[0], SOL_SOCKET, SO_MAX_PACING_RATE), RATE);
	t = stack_now_ns();
	TRY(transfer(fds[0], fds[1], BYTES));
	/* 200 ms less what goes unpaced at the start; not paced, it is a few. */
	CHECK(stack_now_ns() - t >= BYTES * 1000000000ll / RATE / 2);
	CHECK(tcp_info(fds[0]).tcpi_max_pacing_rate == RATE);
	TRY(close_pair(fds));
	return lo_as_before();
}

/* ---- peers that don't answer ---- */

/* A line that loses everything: data is given up after TCP_USER_TIMEOUT, an idle connection after its probes. */
static int dead_peers(void *arg)
{
	long probes = tcp_ext("TCPKeepAlive");
	int data[2], idle[2];
	char c;

	CHECK(probes >= 0);
	CHECK_EQ(tcp_pair(AF_INET, data), 0);
	CHECK_EQ(tcp_pair(AF_INET, idle), 0);
	CHECK_EQ(set_int(data[0], IPPROTO_TCP, TCP_USER_TIMEOUT, 300), 0);
	CHECK_EQ(set_int(idle[0], IPPROTO_TCP, TCP_KEEPIDLE, 1), 0);
	CHECK_EQ(set_int(idle[0], IPPROTO_TCP, TCP_KEEPINTVL, 1), 0);
	CHECK_EQ(set_int(idle[0], IPPROTO_TCP, TCP_KEEPCNT, 1), 0);
	CHECK_EQ(set_int(idle[0], SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	CHECK_EQ(netem(0, 100), 0);
	CHECK_EQ(lkl_sys_write(data[0], "x", 1), 1);
	CHECK_EQ(lkl_sys_read(data[0], &c, 1), -ETIMEDOUT);
	CHECK_EQ(lkl_sys_read(idle[0], &c, 1), -ETIMEDOUT);
	CHECK(tcp_ext("TCPKeepAlive") > probes);
	TRY(close_pair(data));
	TRY(close_pair(idle));
	return lo_as_before();
}

/* ---- repair: a connection goes on in another socket, and its peer notices nothing ---- */

enum { REPAIR_RECV_QUEUE = 1, REPAIR_SEND_QUEUE = 2 };

/* The next sequence number of a queue; value >= 0 sets it first. */
static int queue_seq(int fd, int queue, const uint32_t *set, uint32_t *get)
{
	int len = sizeof(*get);

	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue), 0);
	if (set)
		CHECK_EQ(lkl_sys_setsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, set, sizeof(*set)), 0);
	CHECK_EQ(lkl_sys_getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, get, &len), 0);
	return 0;
}

static int repair(void *arg)
{
	struct tcp_repair_opt options[3];
	struct sockaddr_storage addr;
	uint32_t snd, rcv, again;
	struct tcp_info ti;
	int fds[2], port, peer_port, len, fd;
	char buf[16];

	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_timestamps", "0"), 0);
	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	port = local_port(fds[0]);
	peer_port = local_port(fds[1]);
	CHECK_EQ(lkl_sys_write(fds[0], "before", 6), 6);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 6);
	ti = tcp_info(fds[0]);
	options[0] = (struct tcp_repair_opt){ 2 /* MSS */, ti.tcpi_snd_mss };
	options[1] = (struct tcp_repair_opt){ 3 /* window scale */, ti.tcpi_snd_wscale | ti.tcpi_rcv_wscale << 16 };
	options[2] = (struct tcp_repair_opt){ 4 /* SACK */, 0 };

	CHECK_EQ(set_int(fds[0], IPPROTO_TCP, TCP_REPAIR, 1), 0);
	TRY(queue_seq(fds[0], REPAIR_SEND_QUEUE, NULL, &snd));
	TRY(queue_seq(fds[0], REPAIR_RECV_QUEUE, NULL, &rcv));
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 1, MSG_DONTWAIT, NULL, NULL), -EAGAIN); /* no FIN, no RST */

	fd = lkl_sys_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_REPAIR, 1), 0);
	TRY(queue_seq(fd, REPAIR_SEND_QUEUE, &snd, &again));
	CHECK(again == snd);
	TRY(queue_seq(fd, REPAIR_RECV_QUEUE, &rcv, &again));
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	len = loopback(AF_INET, port, &addr);
	CHECK_EQ(lkl_sys_bind(fd, (void *)&addr, len), 0);
	CHECK_EQ(inet_connect(fd, AF_INET, peer_port), 0);
	CHECK_EQ(lkl_sys_setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options, sizeof(options)), 0);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_REPAIR, 0), 0);
	CHECK_EQ(lkl_sys_write(fd, "after", 5), 5);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 5);
	CHECK(!memcmp(buf, "after", 5));
	TRY(transfer(fds[1], fd, 100000));
	CHECK_EQ(lkl_sys_close(fd), 0);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);
	return lkl_sysctl("net.ipv4.tcp_timestamps", "1");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(congestion_controls),
		BODY(mptcp),
		BODY(fast_open),
		BODY(ecn),
		BODY(syn_cookies),
		BODY(delay),
		BODY(loss),
		BODY(pacing),
		BODY(dead_peers),
		BODY(repair),
	};

	return RUN_BODIES(tests, argc, argv);
}
