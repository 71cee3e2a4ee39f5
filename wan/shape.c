// SPDX-License-Identifier: GPL-2.0-only
/*
 * shape.c - a direction of a scenario as qdiscs of a netdev inside the instance
 *
 *	wire A -> ingress: matchall, mirred -> egress of wire B:
 *
 *	1: tbf		40 Gbit/s and a bucket of one frame: cuts GSO frames into the frames they stand for, so that everything
 *			behind counts frames as a link would
 *	2: netem	loss, duplicates, delay; keeps order, whatever the delay does (that is what its rate of 40 Gbit/s is for)
 *	3: tbf		the bottleneck: rate, and a buffer in bytes
 *	4: fq_codel	in that buffer's place, if asked for
 *
 * With `queue = police` 3: is an fq_codel in which nothing queues: it is there for its filter, whose action police drops what
 * has no token. netem hands all frames that are due to what is behind it before it takes one back; a tbf with a buffer of
 * one frame would drop nearly all of a burst, whatever its bucket has.
 *
 * With jitter and losses in a row there is 5: netem before 2:, with the loss alone: a change of a netem, which each step of the
 * jitter is, ends a row.
 *
 * So a frame is lost or delayed first and meets the bottleneck at the far end of the path. For the sender that is
 * the same round trip; and the delay line needs no part of the bottleneck's buffer. A Poisson link has no 3:, but slots of
 * netem, each of one full frame, that come at exponential times; then netem's limit is the buffer and what is under way.
 *
 * At the ingress act_police would see GSO frames whole, and drop them whole.
 *
 * Traces and jitter change 2: and 3: in place by rtnetlink; queued frames stay.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/tc_act/tc_mirred.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <lkl/lkl.h>

#include "shape.h"

#define LINE_RATE_BPS 40000000000ull
#define LINE_FRAMES_MAX \
	20000u /* under way in one direction: some 50 MB of the instance's memory */
#define POLICE_QUEUE_FRAMES 10240u
#define POLICE_TICK_NS 64u /* PSCHED_SHIFT */
#define SLOT_TABLE_LEN 4096
#define SLOT_TABLE_ONE 8192 /* a standard deviation in netem's tables */
#define NETEM_PRNG_SEED \
	14 /* TCA_NETEM_PRNG_SEED; younger than the headers of some hosts. Linux before 6.6 ignores it */

/* ---- messages ---- */

struct message {
	struct nlmsghdr nlh;
	struct tcmsg tcm;
	char attrs[16384 - sizeof(struct nlmsghdr) - sizeof(struct tcmsg)];
};

static void *put(struct message *m, int type, const void *data, size_t len)
{
	struct rtattr *attr =
		(void *)((char *)m + NLMSG_ALIGN(m->nlh.nlmsg_len));

	if (NLMSG_ALIGN(m->nlh.nlmsg_len) + RTA_SPACE(len) > sizeof(*m))
		abort(); /* the largest has 9 KiB: a table of slots */
	memset(attr, 0, RTA_SPACE(len));
	attr->rta_type = (unsigned short)type;
	attr->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len && data)
		memcpy(RTA_DATA(attr), data, len);
	m->nlh.nlmsg_len =
		(uint32_t)(NLMSG_ALIGN(m->nlh.nlmsg_len) + RTA_SPACE(len));
	return attr;
}

static void put_end(struct message *m, struct rtattr *nest)
{
	nest->rta_len =
		(unsigned short)((char *)m + m->nlh.nlmsg_len - (char *)nest);
}

static void begin(struct message *m, int type, int flags, int ifindex,
		  uint32_t parent, uint32_t handle, const char *kind)
{
	memset(m, 0, sizeof(m->nlh) + sizeof(m->tcm));
	m->nlh.nlmsg_type = (uint16_t)type;
	m->nlh.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	m->nlh.nlmsg_len = NLMSG_LENGTH(sizeof(m->tcm));
	m->tcm.tcm_ifindex = ifindex;
	m->tcm.tcm_parent = parent;
	m->tcm.tcm_handle = handle;
	put(m, TCA_KIND, kind, strlen(kind) + 1);
}

static int send_message(struct message *m)
{
	return lkl_rtnl_request(m, m->nlh.nlmsg_len);
}

/* ---- netdevs ---- */

int shape_prepare(int ifindex)
{
	struct ethtool_value gro = { .cmd = ETHTOOL_SGRO };
	struct ifreq ifr = { .ifr_ifindex = ifindex };
	long fd = lkl_sys_socket(AF_INET, SOCK_DGRAM, 0), ret;

	if (fd < 0)
		return (int)fd;
	ret = lkl_sys_ioctl((unsigned int)fd, SIOCGIFNAME, (unsigned long)&ifr);
	if (!ret) {
		ifr.ifr_data = (void *)&gro;
		ret = lkl_sys_ioctl((unsigned int)fd, SIOCETHTOOL,
				    (unsigned long)&ifr);
	}
	if (!ret) {
		ifr.ifr_flags = IFF_UP | IFF_PROMISC | IFF_NOARP;
		ret = lkl_sys_ioctl((unsigned int)fd, SIOCSIFFLAGS,
				    (unsigned long)&ifr);
	}
	lkl_sys_close((unsigned int)fd);
	return (int)ret;
}

int shape_redirect(int from, int to)
{
	const struct tc_mirred parms = { .action = TC_ACT_STOLEN,
					 .eaction = TCA_EGRESS_REDIR,
					 .ifindex = (uint32_t)to };
	struct rtattr *options, *acts, *act, *act_options;
	struct message m;
	int ret = lkl_qdisc_add(from, "ingress", "ingress");

	if (ret)
		return ret;
	begin(&m, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, from,
	      TC_H_MAKE(TC_H_INGRESS, 0), 0, "matchall");
	m.tcm.tcm_info = TC_H_MAKE(1u << 16, htons(ETH_P_ALL));
	options = put(&m, TCA_OPTIONS, NULL, 0);
	acts = put(&m, TCA_MATCHALL_ACT, NULL, 0);
	act = put(&m, 1, NULL, 0);
	put(&m, TCA_ACT_KIND, "mirred", sizeof("mirred"));
	act_options = put(&m, TCA_ACT_OPTIONS, NULL, 0);
	put(&m, TCA_MIRRED_PARMS, &parms, sizeof(parms));
	put_end(&m, act_options);
	put_end(&m, act);
	put_end(&m, acts);
	put_end(&m, options);
	return send_message(&m);
}

/* ---- qdiscs ---- */

static int put_tbf(int ifindex, uint32_t parent, uint32_t handle, int flags,
		   uint64_t rate_bps, uint32_t burst, uint32_t limit)
{
	const uint64_t rate = rate_bps / 8;
	struct tc_tbf_qopt qopt = { .limit = limit };
	struct rtattr *options;
	struct message m;

	qopt.rate.rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;
	qopt.rate.linklayer = TC_LINKLAYER_ETHERNET; /* no rate table needed */
	begin(&m, RTM_NEWQDISC, flags, ifindex, parent, handle, "tbf");
	options = put(&m, TCA_OPTIONS, NULL, 0);
	put(&m, TCA_TBF_PARMS, &qopt, sizeof(qopt));
	if (rate > UINT32_MAX)
		put(&m, TCA_TBF_RATE64, &rate, sizeof(rate));
	put(&m, TCA_TBF_BURST, &burst, sizeof(burst));
	put_end(&m, options);
	return send_message(&m);
}

static void put_loss(struct message *m, struct tc_netem_qopt *qopt, double loss,
		     double burst)
{
	struct tc_netem_gemodel ge = { 0 };
	struct rtattr *nest;

	if (burst <= 1 || loss <= 0 || loss >= 1) {
		qopt->loss = loss >= 1 ? UINT32_MAX :
					 (uint32_t)(loss * 4294967296.0);
		return;
	}
	/* Gilbert: all is lost in the bad state, nothing in the good one; 1/burst ends a bad one. */
	ge.r = (uint32_t)(4294967295.0 / burst);
	ge.p = (uint32_t)fmin(4294967295.0,
			      4294967295.0 / burst * loss / (1 - loss));
	nest = put(m, TCA_NETEM_LOSS, NULL, 0);
	put(m, NETEM_LOSS_GE, &ge, sizeof(ge));
	put_end(m, nest);
}

/* Exponential with mean 1, as deviations from the mean; the longest 0.7 % are cut and the rest stretched for it. */
static void put_slots(struct message *m, const struct scenario_path *path)
{
	const double mean_ns =
		SCENARIO_FRAME_BYTES * 8e9 / (double)path->rate_bps;
	const struct tc_netem_slot slot = {
		.max_bytes = (int32_t)SCENARIO_FRAME_BYTES,
		.dist_delay = llround(mean_ns),
		.dist_jitter = llround(mean_ns)
	};
	int16_t table[SLOT_TABLE_LEN];
	double sum = 0, x, factor;
	int i;

	for (i = 0; i < SLOT_TABLE_LEN; i++)
		sum += fmin(-log(1 - (i + 0.5) / SLOT_TABLE_LEN), 4.9);
	factor = SLOT_TABLE_LEN / sum;
	for (i = 0; i < SLOT_TABLE_LEN; i++) {
		x = fmin(-log(1 - (i + 0.5) / SLOT_TABLE_LEN), 4.9) * factor;
		table[i] =
			(int16_t)lround(fmin((x - 1) * SLOT_TABLE_ONE, 32767));
	}
	put(m, TCA_NETEM_SLOT, &slot, sizeof(slot));
	put(m, TCA_NETEM_SLOT_DIST, table, sizeof(table));
}

static uint32_t line_frames(const struct scenario_path *path)
{
	if (!path->is_poisson)
		return LINE_FRAMES_MAX;
	return (uint32_t)(path->buffer_bytes / SCENARIO_FRAME_BYTES +
			  (double)path->delay_ns * (double)path->rate_bps /
				  8e9 / SCENARIO_FRAME_BYTES) +
	       1;
}

/* Neighbouring seeds must not give similar numbers: netem's generator begins with small ones after a small seed. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static bool has_loss_alone(const struct scenario_path *path)
{
	uint32_t i;

	for (i = 0; i < path->steps_len; i++)
		if (path->steps[i].has & SCENARIO_STEP_LOSS)
			return false;
	return path->loss_burst > 1 && path->loss > 0 && path->jitter_ns;
}

/* 5:, see above. */
static int put_loss_alone(const struct shaper *sh)
{
	const struct scenario_path *path = sh->path;
	struct tc_netem_qopt qopt = { .limit = LINE_FRAMES_MAX };
	struct rtattr *options;
	struct message m;

	begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, sh->ifindex,
	      TC_H_MAKE(1u << 16, 1), 5u << 16, "netem");
	options = put(&m, TCA_OPTIONS, &qopt, sizeof(qopt));
	put_loss(&m, &qopt, path->loss, path->loss_burst);
	put(&m, NETEM_PRNG_SEED, &sh->seed, sizeof(sh->seed));
	put_end(&m, options);
	return send_message(&m);
}

static int put_netem(const struct shaper *sh, bool is_new)
{
	const struct scenario_path *path = sh->path;
	struct tc_netem_qopt qopt = { .limit = line_frames(path) };
	const struct tc_netem_rate rate = { .rate = UINT32_MAX };
	const uint64_t rate64 = LINE_RATE_BPS / 8;
	const uint64_t seed = mix(sh->seed + sh->delay_changes);
	const int64_t delay_ns = sh->delay_ns + sh->drawn_ns;
	struct rtattr *options;
	struct message m;

	begin(&m, RTM_NEWQDISC, is_new ? NLM_F_CREATE | NLM_F_EXCL : 0,
	      sh->ifindex, TC_H_MAKE((sh->is_loss_alone ? 5u : 1u) << 16, 1),
	      2u << 16, "netem");
	options = put(&m, TCA_OPTIONS, &qopt, sizeof(qopt));
	put(&m, TCA_NETEM_LATENCY64, &delay_ns, sizeof(delay_ns));
	put(&m, TCA_NETEM_RATE, &rate, sizeof(rate));
	put(&m, TCA_NETEM_RATE64, &rate64, sizeof(rate64));
	if (!sh->is_loss_alone)
		put_loss(&m, &qopt, sh->loss, path->loss_burst);
	qopt.duplicate = path->duplicate >= 1 ?
				 UINT32_MAX :
				 (uint32_t)(path->duplicate * 4294967296.0);
	memcpy(RTA_DATA(options), &qopt, sizeof(qopt));
	/* Without one, each change would take a seed by chance. */
	put(&m, NETEM_PRNG_SEED, &seed, sizeof(seed));
	if (is_new && path->is_poisson)
		put_slots(&m, path);
	put_end(&m, options);
	return send_message(&m);
}

static int put_fq_codel(int ifindex, uint32_t parent, uint32_t handle,
			uint32_t frames)
{
	struct rtattr *options;
	struct message m;

	begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, parent,
	      handle, "fq_codel");
	options = put(&m, TCA_OPTIONS, NULL, 0);
	put(&m, TCA_FQ_CODEL_LIMIT, &frames, sizeof(frames));
	put_end(&m, options);
	return send_message(&m);
}

/* ---- policer ---- */

/* The one action of a netdev; its index is the netdev's. */
static void put_police(struct message *m, const struct shaper *sh)
{
	const struct scenario_path *path = sh->path;
	const uint64_t rate = sh->rate_bps / 8;
	struct tc_police parms = {
		.index = (uint32_t)sh->ifindex,
		.action = TC_ACT_SHOT,
		.burst = (uint32_t)(path->burst_bytes * 1000000000ull / rate /
				    POLICE_TICK_NS),
		.mtu = sh->mtu + ETH_HLEN + 8,
		.rate = { .cell_log = 8, /* any: the table is not used */
			  .linklayer = TC_LINKLAYER_ETHERNET,
			  .rate = (uint32_t)rate },
	};
	static const uint32_t no_table[256];
	struct rtattr *act_options;

	put(m, TCA_ACT_KIND, "police", sizeof("police"));
	act_options = put(m, TCA_ACT_OPTIONS, NULL, 0);
	put(m, TCA_POLICE_TBF, &parms, sizeof(parms));
	put(m, TCA_POLICE_RATE, no_table, sizeof(no_table));
	put_end(m, act_options);
}

static int put_policer(const struct shaper *sh)
{
	const uint32_t classid = TC_H_MAKE(3u << 16, 1);
	struct rtattr *options, *acts, *act;
	struct message m;
	int ret = put_fq_codel(sh->ifindex, TC_H_MAKE(2u << 16, 1), 3u << 16,
			       POLICE_QUEUE_FRAMES);

	if (ret)
		return ret;
	begin(&m, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, sh->ifindex,
	      3u << 16, 0, "matchall");
	m.tcm.tcm_info = TC_H_MAKE(1u << 16, htons(ETH_P_ALL));
	options = put(&m, TCA_OPTIONS, NULL, 0);
	put(&m, TCA_MATCHALL_CLASSID, &classid, sizeof(classid));
	acts = put(&m, TCA_MATCHALL_ACT, NULL, 0);
	act = put(&m, 1, NULL, 0);
	put_police(&m, sh);
	put_end(&m, act);
	put_end(&m, acts);
	put_end(&m, options);
	return send_message(&m);
}

/* Another rate: a full bucket, once. */
static int change_policer(const struct shaper *sh)
{
	struct rtattr *acts, *act;
	struct message m;

	memset(&m, 0, sizeof(m.nlh) + sizeof(m.tcm));
	m.nlh.nlmsg_type = RTM_NEWACTION;
	m.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_REPLACE;
	m.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(struct tcamsg));
	acts = put(&m, TCA_ACT_TAB, NULL, 0);
	act = put(&m, 1, NULL, 0);
	put_police(&m, sh);
	put_end(&m, act);
	put_end(&m, acts);
	return send_message(&m);
}

/* ---- a direction ---- */

static bool has_bottleneck(const struct scenario_path *path)
{
	return path->rate_bps && !path->is_poisson;
}

static int put_bottleneck(const struct shaper *sh, int flags)
{
	const struct scenario_path *path = sh->path;

	if (path->queue == SCENARIO_POLICE)
		return flags ? put_policer(sh) : change_policer(sh);
	return put_tbf(sh->ifindex, TC_H_MAKE(2u << 16, 1), 3u << 16, flags,
		       sh->rate_bps, path->burst_bytes, path->buffer_bytes);
}

int shape_begin(struct shaper *sh, const struct scenario_path *path,
		int ifindex, uint32_t mtu, uint64_t seed)
{
	int ret;

	seed = mix(seed);
	*sh = (struct shaper){ .path = path,
			       .ifindex = ifindex,
			       .mtu = mtu,
			       .seed = seed,
			       .random = seed | 1 };
	sh->rate_bps = path->rate_bps;
	sh->delay_ns = path->delay_ns;
	sh->loss = path->loss;
	sh->is_loss_alone = has_loss_alone(path);
	ret = put_tbf(ifindex, TC_H_ROOT, 1u << 16,
		      NLM_F_CREATE | NLM_F_REPLACE, LINE_RATE_BPS,
		      mtu + ETH_HLEN + 8, INT32_MAX);
	if (!ret && sh->is_loss_alone)
		ret = put_loss_alone(sh);
	if (!ret)
		ret = put_netem(sh, true);
	if (!ret && has_bottleneck(path))
		ret = put_bottleneck(sh, NLM_F_CREATE | NLM_F_EXCL);
	if (!ret && has_bottleneck(path) && path->queue == SCENARIO_FQ_CODEL)
		ret = put_fq_codel(ifindex, TC_H_MAKE(3u << 16, 1), 4u << 16,
				   path->buffer_bytes / SCENARIO_FRAME_BYTES +
					   1);
	return ret;
}

int shape_end(const struct shaper *sh)
{
	struct message m;

	begin(&m, RTM_DELQDISC, 0, sh->ifindex, TC_H_ROOT, 1u << 16, "tbf");
	return send_message(&m);
}

/* ---- what changes ---- */

/* xorshift64*: evenly in -1 .. 1. */
static double draw(struct shaper *sh)
{
	sh->random ^= sh->random >> 12;
	sh->random ^= sh->random << 25;
	sh->random ^= sh->random >> 27;
	return (double)((sh->random * 2685821657736338717ull) >> 11) /
		       4503599627370496.0 -
	       1;
}

int shape_tick(struct shaper *sh, int64_t now_ns, int64_t *next_ns)
{
	const struct scenario_path *path = sh->path;
	bool is_netem = false, is_rate = false;
	int ret = 0;

	*next_ns = INT64_MAX;
	if (!sh->begin_ns)
		sh->begin_ns = sh->jitter_next_ns = now_ns;
	while (path->steps_len) {
		const struct scenario_step *step =
			&path->steps[sh->step < path->steps_len ? sh->step : 0];
		const bool is_end = sh->step == path->steps_len;
		const int64_t at_ns =
			sh->begin_ns + (is_end ? path->repeat_ns : step->at_ns);

		if (is_end && !path->repeat_ns)
			break;
		if (at_ns > now_ns) {
			*next_ns = at_ns;
			break;
		}
		if (is_end) {
			sh->begin_ns = at_ns;
			sh->step = 0;
			continue;
		}
		sh->step++;
		if (step->has & SCENARIO_STEP_RATE &&
		    step->rate_bps != sh->rate_bps) {
			sh->rate_bps = step->rate_bps;
			is_rate = true;
		}
		if (step->has & SCENARIO_STEP_DELAY)
			sh->delay_ns = step->delay_ns;
		if (step->has & SCENARIO_STEP_LOSS)
			sh->loss = step->loss;
		is_netem |= !!(step->has &
			       (SCENARIO_STEP_DELAY | SCENARIO_STEP_LOSS));
	}
	if (path->jitter_ns) {
		if (now_ns >= sh->jitter_next_ns) {
			sh->drawn_ns =
				(int64_t)(draw(sh) * (double)path->jitter_ns);
			sh->jitter_next_ns += ((now_ns - sh->jitter_next_ns) /
						       path->jitter_step_ns +
					       1) *
					      path->jitter_step_ns;
			is_netem = true;
		}
		if (sh->jitter_next_ns < *next_ns)
			*next_ns = sh->jitter_next_ns;
	}
	if (is_rate && ++sh->rate_changes)
		ret = put_bottleneck(sh, 0);
	if (!ret && is_netem && ++sh->delay_changes)
		ret = put_netem(sh, false);
	return ret;
}

/* ---- counters ---- */

struct qdisc_counts {
	uint64_t frames, bytes, drops;
};

static void take_stats(struct rtattr *attr, int len, struct qdisc_counts *c)
{
	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		if (attr->rta_type == TCA_STATS &&
		    RTA_PAYLOAD(attr) >= sizeof(struct tc_stats)) {
			struct tc_stats stats;

			memcpy(&stats, RTA_DATA(attr), sizeof(stats));
			c->frames = stats.packets;
			c->bytes = stats.bytes;
			c->drops = stats.drops;
		}
	}
}

int shape_counts(const struct shaper *sh, struct shape_counts *counts)
{
	struct qdisc_counts c[6] = { 0 };
	struct message m;
	const size_t buf_len = 32768;
	char *buf = malloc(buf_len);
	bool is_done = false;
	int first;
	long fd, n;

	memset(counts, 0, sizeof(*counts));
	if (!buf)
		return -ENOMEM;
	fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (fd < 0) {
		free(buf);
		return (int)fd;
	}
	begin(&m, RTM_GETQDISC, NLM_F_DUMP, sh->ifindex, 0, 0, "");
	m.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(m.tcm));
	n = lkl_sys_sendto((int)fd, &m, m.nlh.nlmsg_len, 0, NULL, 0);
	while (n >= 0 && !is_done &&
	       (n = lkl_sys_recvfrom((int)fd, buf, buf_len, 0, NULL, NULL)) >
		       0) {
		struct nlmsghdr *nlh = (void *)buf;

		for (; NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n)) {
			struct tcmsg *tcm = NLMSG_DATA(nlh);

			if (nlh->nlmsg_type == NLMSG_DONE ||
			    nlh->nlmsg_type == NLMSG_ERROR)
				is_done = true;
			else if (tcm->tcm_ifindex == sh->ifindex &&
				 tcm->tcm_handle >> 16 <= 5)
				take_stats((void *)((char *)tcm +
						    NLMSG_ALIGN(sizeof(*tcm))),
					   (int)(nlh->nlmsg_len -
						 NLMSG_LENGTH(sizeof(*tcm))),
					   &c[tcm->tcm_handle >> 16]);
		}
	}
	lkl_sys_close((unsigned int)fd);
	free(buf);
	if (n < 0)
		return (int)n;
	/* netem counts as dropped what its child drops, and the first tbf what netem does. */
	first = sh->is_loss_alone ? 5 : 2;
	counts->frames_total = c[1].frames;
	counts->bytes_total = c[1].bytes;
	counts->overflow_total = c[3].drops;
	counts->lost_total = c[first].drops - c[3].drops;
	counts->oversize_total =
		c[1].drops > c[first].drops ? c[1].drops - c[first].drops : 0;
	return 0;
}
