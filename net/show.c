// SPDX-License-Identifier: GPL-2.0-only
/*
 * show.c - what an instance has: addresses, routes, neighbours, the wire's counters, ethtool's statistics
 *
 * Read by rtnetlink dumps and ioctls inside. Text is one line an object; with -j one JSON object, with
 * an array for each part.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lkl/host_ops.h>

#include "net.h"

#define DUMP_BYTES 32768
#define STATS_MAX 4096 /* names of statistics that are believed */

enum { PART_ADDR = 1, PART_ROUTE = 2, PART_NEIGH = 4, PART_COUNTERS = 8, PART_ETHTOOL = 16, PARTS_ALL = 31 };

static const struct {
	const char *name;
	unsigned int part;
} parts[] = {
	{ "addr", PART_ADDR },	       { "route", PART_ROUTE }, { "neigh", PART_NEIGH },
	{ "counters", PART_COUNTERS }, { "ethtool", PART_ETHTOOL },
};

#define PARTS_LEN (sizeof(parts) / sizeof(parts[0]))

static int parse(const struct net *net, int argc, char **argv, unsigned int *wanted)
{
	unsigned int k;
	int i;

	*wanted = 0;
	if (net->calls == &net_host)
		return usage("show: shows an instance; expected no --host (ip(8) shows the host)");
	for (i = 1; i < argc; i++) {
		for (k = 0; k < PARTS_LEN && strcmp(argv[i], parts[k].name); k++)
			;
		if (k == PARTS_LEN)
			return usage("show: \"%s\": expected addr, route, neigh, counters or ethtool", argv[i]);
		*wanted |= parts[k].part;
	}
	if (!*wanted)
		*wanted = PARTS_ALL;
	return 0;
}

int check_show(const struct net *net, int argc, char **argv)
{
	unsigned int wanted;

	return parse(net, argc, argv, &wanted);
}

/* ---- output: "name=value" words, or members of a JSON object ---- */

struct out {
	bool is_json;
	int parts, rows, words;
};

static void part_begin(struct out *o, const char *name)
{
	if (o->is_json)
		printf("%s\"%s\": [", o->parts ? ", " : "", name);
	o->parts++;
	o->rows = 0;
}

static void part_end(struct out *o)
{
	if (o->is_json)
		printf("]");
}

static void row_begin(struct out *o, const char *part)
{
	printf(o->is_json ? "%s{" : "%.0s%s", o->rows ? ", " : "", part);
	o->rows++;
	o->words = 0;
}

static void row_end(struct out *o)
{
	printf(o->is_json ? "}" : "\n");
}

static void word(struct out *o, const char *name, const char *value)
{
	if (o->is_json)
		printf("%s\"%s\": \"%s\"", o->words ? ", " : "", name, value);
	else
		printf(" %s=%s", name, value);
	o->words++;
}

static void number(struct out *o, const char *name, unsigned long long value)
{
	if (o->is_json)
		printf("%s\"%s\": %llu", o->words ? ", " : "", name, value);
	else
		printf(" %s=%llu", name, value);
	o->words++;
}

/* ---- rtnetlink ---- */

typedef void (*row_fn)(struct out *o, const struct nlmsghdr *nlh);

static void take_attrs(const struct rtattr **table, int max, struct rtattr *attr, int len)
{
	memset(table, 0, sizeof(*table) * ((size_t)max + 1));
	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len))
		if (attr->rta_type <= max)
			table[attr->rta_type] = attr;
}

static uint32_t attr_u32(const struct rtattr *attr)
{
	uint32_t value = 0;

	if (attr && RTA_PAYLOAD(attr) >= sizeof(value))
		memcpy(&value, RTA_DATA(attr), sizeof(value));
	return value;
}

static const char *attr_ip(int family, const struct rtattr *attr, char *text, size_t len)
{
	return attr && RTA_PAYLOAD(attr) >= (family == AF_INET ? 4 : 16) ? inet_ntop(family, RTA_DATA(attr), text, (socklen_t)len) :
									  "";
}

static void ip_word(struct out *o, const char *name, int family, const struct rtattr *attr, unsigned int prefix_len)
{
	char ip[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];

	snprintf(text, sizeof(text), "%s/%u", attr_ip(family, attr, ip, sizeof(ip)), prefix_len);
	word(o, name, text);
}

static void row_addr(struct out *o, const struct nlmsghdr *nlh)
{
	struct ifaddrmsg *ifa = NLMSG_DATA(nlh);
	const struct rtattr *a[IFA_MAX + 1];
	uint32_t flags;

	take_attrs(a, IFA_MAX, IFA_RTA(ifa), (int)IFA_PAYLOAD(nlh));
	row_begin(o, "addr");
	ip_word(o, "address", ifa->ifa_family, a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS], ifa->ifa_prefixlen);
	number(o, "ifindex", ifa->ifa_index);
	flags = a[IFA_FLAGS] ? attr_u32(a[IFA_FLAGS]) : ifa->ifa_flags;
	word(o, "state", flags & IFA_F_DADFAILED ? "duplicate" : flags & IFA_F_TENTATIVE ? "tentative" : "valid");
	row_end(o);
}

static void row_route(struct out *o, const struct nlmsghdr *nlh)
{
	struct rtmsg *rtm = NLMSG_DATA(nlh);
	const struct rtattr *a[RTA_MAX + 1];
	char text[INET6_ADDRSTRLEN];

	take_attrs(a, RTA_MAX, RTM_RTA(rtm), (int)RTM_PAYLOAD(nlh));
	if (rtm->rtm_table == RT_TABLE_LOCAL || (rtm->rtm_flags & RTM_F_CLONED))
		return;
	row_begin(o, "route");
	if (rtm->rtm_dst_len)
		ip_word(o, "to", rtm->rtm_family, a[RTA_DST], rtm->rtm_dst_len);
	else
		word(o, "to", rtm->rtm_family == AF_INET ? "0.0.0.0/0" : "::/0");
	if (a[RTA_GATEWAY])
		word(o, "via", attr_ip(rtm->rtm_family, a[RTA_GATEWAY], text, sizeof(text)));
	if (a[RTA_PREFSRC])
		word(o, "from", attr_ip(rtm->rtm_family, a[RTA_PREFSRC], text, sizeof(text)));
	number(o, "ifindex", attr_u32(a[RTA_OIF]));
	number(o, "metric", attr_u32(a[RTA_PRIORITY]));
	row_end(o);
}

static void row_neigh(struct out *o, const struct nlmsghdr *nlh)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} states[] = { { NUD_PERMANENT, "permanent" }, { NUD_REACHABLE, "reachable" }, { NUD_STALE, "stale" },
		       { NUD_DELAY, "delay" },	       { NUD_PROBE, "probe" },	       { NUD_INCOMPLETE, "incomplete" },
		       { NUD_FAILED, "failed" } };
	struct ndmsg *ndm = NLMSG_DATA(nlh);
	const struct rtattr *a[NDA_MAX + 1];
	char text[INET6_ADDRSTRLEN];
	const uint8_t *mac;
	unsigned int i;

	if (ndm->ndm_state & NUD_NOARP)
		return;
	take_attrs(a, NDA_MAX, (struct rtattr *)((char *)ndm + NLMSG_ALIGN(sizeof(*ndm))),
		   (int)NLMSG_PAYLOAD(nlh, sizeof(*ndm)));
	row_begin(o, "neigh");
	word(o, "address", attr_ip(ndm->ndm_family, a[NDA_DST], text, sizeof(text)));
	if (a[NDA_LLADDR] && RTA_PAYLOAD(a[NDA_LLADDR]) == 6) {
		mac = RTA_DATA(a[NDA_LLADDR]);
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
		word(o, "mac", text);
	}
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (ndm->ndm_state & states[i].bit)
			word(o, "state", states[i].name);
	number(o, "ifindex", (unsigned int)ndm->ndm_ifindex);
	row_end(o);
}

static int dump(const struct net *net, struct out *o, int type, row_fn row)
{
	static char buf[DUMP_BYTES];
	struct {
		struct nlmsghdr nlh;
		char body[32];
	} req = { .nlh = { .nlmsg_len = sizeof(req), .nlmsg_type = (uint16_t)type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	struct nlmsghdr *nlh;
	int fd = net->calls->socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	long n;

	if (fd < 0)
		return fd;
	n = net->calls->send(fd, &req, sizeof(req), 0);
	while (n >= 0 && (n = net->calls->recv(fd, buf, sizeof(buf), 0)) > 0) {
		for (nlh = (void *)buf; NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n)) {
			if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
				const int rc = nlh->nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(nlh))->error : 0;

				net->calls->close(fd);
				return rc;
			}
			row(o, nlh);
		}
	}
	net->calls->close(fd);
	return n < 0 ? (int)n : -EPROTO;
}

/* ---- counters ---- */

static void show_counters(const struct net *net, struct out *o)
{
	uint32_t q;

	for (q = 0; q < net->wire->queues; q++) {
		const struct lkl_wire_stats *s = &net->wire->stats[q];

		row_begin(o, "counters");
		word(o, "wire", net->wire->ops->name);
		number(o, "queue", q);
		number(o, "rx_frames", s->rx_frames_total);
		number(o, "rx_bytes", s->rx_bytes_total);
		number(o, "rx_fetched", s->rx_fetched_total);
		number(o, "rx_dropped", s->rx_dropped_total);
		number(o, "rx_malformed", s->rx_malformed_total);
		number(o, "tx_frames", s->tx_frames_total);
		number(o, "tx_bytes", s->tx_bytes_total);
		number(o, "tx_big", s->tx_big_total);
		number(o, "tx_full", s->tx_full_total);
		number(o, "tx_errors", s->tx_errors_total);
		number(o, "kicks", s->kicks_total);
		number(o, "waits", s->waits_total);
		row_end(o);
	}
}

/* ---- ethtool ---- */

static int ethtool(const struct net *net, int fd, void *cmd)
{
	struct ifreq ifr = { .ifr_name = "wire0" };

	ifr.ifr_data = cmd;
	return net->calls->ioctl(fd, SIOCETHTOOL, &ifr);
}

static int show_ethtool(const struct net *net, struct out *o)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t len;
	} sset = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_STATS } };
	struct ethtool_gstrings *names = NULL;
	struct ethtool_stats *values = NULL;
	char name[ETH_GSTRING_LEN + 1];
	uint32_t i, len;
	int fd = net->calls->socket(AF_INET, SOCK_DGRAM, 0), rc;

	if (fd < 0)
		return fd;
	rc = ethtool(net, fd, &sset);
	len = rc ? 0 : sset.len;
	if (rc || !sset.info.sset_mask || !len || len > STATS_MAX)
		goto out; /* a driver without statistics of its own */
	names = calloc(1, sizeof(*names) + (size_t)len * ETH_GSTRING_LEN);
	values = calloc(1, sizeof(*values) + (size_t)len * sizeof(uint64_t));
	rc = -ENOMEM;
	if (!names || !values)
		goto out;
	*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = len };
	*values = (struct ethtool_stats){ .cmd = ETHTOOL_GSTATS, .n_stats = len };
	rc = ethtool(net, fd, names);
	if (!rc)
		rc = ethtool(net, fd, values);
	for (i = 0; !rc && i < len; i++) {
		memcpy(name, names->data + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		name[ETH_GSTRING_LEN] = '\0';
		row_begin(o, "ethtool");
		word(o, "name", name);
		number(o, "value", values->data[i]);
		row_end(o);
	}
out:
	free(names);
	free(values);
	net->calls->close(fd);
	return rc == -EOPNOTSUPP ? 0 : rc;
}

int cmd_show(const struct net *net, int argc, char **argv)
{
	struct out o = { .is_json = net->is_json };
	unsigned int wanted, k;
	int rc = 0;

	if (parse(net, argc, argv, &wanted))
		return NET_EXIT_USAGE;
	if (o.is_json)
		printf("{");
	for (k = 0; k < PARTS_LEN && !rc; k++) {
		if (!(wanted & parts[k].part))
			continue;
		part_begin(&o, parts[k].name);
		switch (parts[k].part) {
		case PART_ADDR:
			rc = dump(net, &o, RTM_GETADDR, row_addr);
			break;
		case PART_ROUTE:
			rc = dump(net, &o, RTM_GETROUTE, row_route);
			break;
		case PART_NEIGH:
			rc = dump(net, &o, RTM_GETNEIGH, row_neigh);
			break;
		case PART_COUNTERS:
			show_counters(net, &o);
			break;
		case PART_ETHTOOL:
			rc = show_ethtool(net, &o);
			break;
		}
		part_end(&o);
	}
	if (o.is_json)
		printf("}\n");
	if (rc)
		complain("show: %s", strerror(-rc));
	return rc ? NET_EXIT_FAIL : 0;
}
