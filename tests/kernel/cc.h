/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cc.h - a path and a flow over it, for the tests of congestion controls
 *
 * The path is lo with netem: delay, rate and loss (or marks) for both directions, packets of 1500 bytes without segmentation
 * offload, so that a packet lost is one lost. A flow's caller sends, a peer reads and throws away.
 */
#ifndef TESTS_KERNEL_CC_H
#define TESTS_KERNEL_CC_H

#include "inet.h"
#include "netlink.h"

#include <linux/tcp.h>

#define MS 1000000ll

struct path {
	unsigned int delay_ms; /* each way */
	unsigned int rate_kbps; /* 0: not limited */
	unsigned int loss_permille;
	int is_ecn; /* mark instead */
	unsigned int limit; /* packets that wait or are on their way; 0: 1000 */
};

static inline int path_set(const struct path *p)
{
	struct tc_netem_qopt qopt = { .limit = p->limit ? p->limit : 1000,
				      .loss = UINT32_MAX / 1000 * p->loss_permille };
	struct tc_netem_rate rate = { .rate = p->rate_kbps * 125 };
	uint64_t delay_ns = p->delay_ms * MS;
	struct nl_request req;
	struct nlattr *options;

	nl_qdisc(&req, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, LO_IFINDEX, "netem");
	options = nl_attr(&req, TCA_OPTIONS, &qopt, sizeof(qopt));
	nl_attr(&req, TCA_NETEM_LATENCY64, &delay_ns, sizeof(delay_ns));
	nl_attr(&req, TCA_NETEM_RATE, &rate, sizeof(rate)); /* 0: not limited */
	nl_u32(&req, TCA_NETEM_ECN, p->is_ecn);
	nl_nest_end(&req, options);
	return nl_ask(NETLINK_ROUTE, &req);
}

static inline int lo_prepare(void)
{
	struct nl_request req;
	struct ifinfomsg *link;

	CHECK_EQ(lkl_if_set_mtu(LO_IFINDEX, 1500), 0);
	link = nl_init(&req, RTM_NEWLINK, 0, sizeof(*link));
	link->ifi_index = LO_IFINDEX;
	nl_u32(&req, IFLA_GSO_MAX_SEGS, 1);
	CHECK_EQ(nl_ask(NETLINK_ROUTE, &req), 0);
	return 0;
}

struct flow {
	int fds[2];
	struct peer peer;
	uint64_t received;
};

static inline struct tcp_info info_of(int fd)
{
	struct tcp_info ti;
	int len = sizeof(ti);

	memset(&ti, 0, sizeof(ti));
	lkl_sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	return ti;
}

static inline int flow_read(void *arg)
{
	struct flow *flow = arg;
	static __thread char buf[65536];
	long n;

	while ((n = lkl_sys_read(flow->fds[1], buf, sizeof(buf))) > 0)
		__atomic_fetch_add(&flow->received, n, __ATOMIC_RELAXED);
	return n;
}

static inline int flow_open(struct flow *flow, const char *cc)
{
	memset(flow, 0, sizeof(*flow));
	CHECK_EQ(tcp_pair(AF_INET, flow->fds), 0);
	CHECK_EQ(lkl_sys_setsockopt(flow->fds[0], IPPROTO_TCP, TCP_CONGESTION, cc, strlen(cc)), 0);
	CHECK_EQ(peer_start(&flow->peer, flow_read, flow), 0);
	return 0;
}

/* Send as much as goes for some time of the instance; received bytes go to *bytes. */
static inline int flow_send_ms(struct flow *flow, unsigned int ms, uint64_t *bytes)
{
	static char data[16384];
	uint64_t before = __atomic_load_n(&flow->received, __ATOMIC_RELAXED);
	int64_t until = stack_now_ns() + ms * MS;

	while (stack_now_ns() < until)
		CHECK(lkl_sys_write(flow->fds[0], data, sizeof(data)) > 0);
	if (bytes)
		*bytes = __atomic_load_n(&flow->received, __ATOMIC_RELAXED) - before;
	return 0;
}

/* `len` bytes, and wait until they are acknowledged. */
static inline int flow_send(struct flow *flow, size_t len)
{
	static char data[16384];
	int tries;

	while (len) {
		long n = lkl_sys_write(flow->fds[0], data, len < sizeof(data) ? len : sizeof(data));

		CHECK(n > 0);
		len -= n;
	}
	for (tries = 0; tries < 10000 && info_of(flow->fds[0]).tcpi_unacked; tries++)
		lkl_sys_nanosleep_ns(1 * MS);
	CHECK_EQ(info_of(flow->fds[0]).tcpi_unacked, 0);
	return 0;
}

/* What waits is thrown away. */
static inline int flow_close(struct flow *flow)
{
	struct linger reset = { 1, 0 };

	lkl_sys_setsockopt(flow->fds[0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	CHECK_EQ(lkl_sys_close(flow->fds[0]), 0);
	peer_join(&flow->peer);
	CHECK_EQ(lkl_sys_close(flow->fds[1]), 0);
	return 0;
}

/* A parameter or piece of state of the sender's congestion control. */
static inline int64_t cc_get(const struct flow *flow, const char *key)
{
	uint64_t value = 0;
	int err = lkl_cc_param_get(flow->fds[0], key, &value);

	if (err)
		fprintf(stderr, "%s: %d\n", key, err);
	return err ? err : (int64_t)value;
}

#endif /* TESTS_KERNEL_CC_H */
