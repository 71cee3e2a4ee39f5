// SPDX-License-Identifier: GPL-2.0-only
/*
 * mute.c - hides frames from the host stack: all of an interface's, or those of some ports
 *
 * A frame passes AF_PACKET sockets first, then tc ingress (tcx), then netfilter's netdev ingress,
 * then the protocols. Dropping at one of the two middle points hides it from the whole host stack
 * and leaves the packet wire alone. Both are tied to a descriptor by the kernel (a BPF link; a table
 * with NFT_TABLE_F_OWNER), so that no death of the process leaves the host deaf. Alternatives that
 * were measured are in ARCHITECTURE.md. Not covered: what the host sends by itself on the interface.
 *
 *	own_mute()	tcx: a program of two instructions. nftables: a chain with policy drop
 *	share_mute()	tcx: filter_host()'s program. nftables, with a chain for the ports:
 *				chain in { ip daddr A jump ports; ip6 daddr B jump ports; ... }
 *				chain ports { tcp dport 80-81 drop; udp dport 61000-65535 drop; ... }
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "own.h"
#include "rtnl.h"
#include "say.h"
#include "share.h"

/* enum bpf_attach_type since Linux 6.6; tcx's verdict is tc's TC_ACT_SHOT. */
#define BPF_TCX_INGRESS_TYPE 46
#define TCX_DROP_VERDICT 2
/* A rule is 400 bytes at most; FILTER_RANGES_MAX of TCP and of UDP, and FILTER_ADDRS_MAX. */
#define NFT_BATCH_BYTES 131072
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

#define AT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- tcx ---- */

static int bpf_call(int cmd, union bpf_attr *attr)
{
	const long rc = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return rc < 0 ? -errno : (int)rc;
}

static int tcx_attach(int ifindex, const struct bpf_insn *program, int len)
{
	union bpf_attr attr;
	int prog_fd, link_fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = (uint32_t)len;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	memcpy(attr.prog_name, "accd_mute", sizeof("accd_mute"));
	prog_fd = bpf_call(BPF_PROG_LOAD, &attr);
	if (prog_fd < 0)
		return prog_fd;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)prog_fd;
	attr.link_create.target_ifindex = (uint32_t)ifindex;
	attr.link_create.attach_type = BPF_TCX_INGRESS_TYPE;
	link_fd = bpf_call(BPF_LINK_CREATE, &attr);
	close(prog_fd);
	return link_fd;
}

static int mute_tcx(const char *ifname, int ifindex, const struct filter_spec *spec)
{
	/* r0 = drop; return r0 */
	static const struct bpf_insn drop_all[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TCX_DROP_VERDICT },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn program[FILTER_INSNS_MAX];
	int len;

	if (!spec)
		return tcx_attach(ifindex, drop_all, AT(drop_all));
	len = filter_host(spec, program);
	return len < 0 ? len : tcx_attach(ifindex, program, len);
}

/* ---- nftables ---- */

struct nft {
	char *buf;
	size_t len;
	uint32_t seq;
	int acks;
	const char *table;
};

static struct nlmsghdr *nft_begin(struct nft *n, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(n->buf + n->len);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++n->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

static struct nlmsghdr *nft_object(struct nft *n, uint16_t type, uint16_t flags)
{
	n->acks++;
	return nft_begin(n, (NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F_CREATE | NLM_F_ACK | flags, NFPROTO_NETDEV, 0);
}

static void nft_end(struct nft *n, const struct nlmsghdr *nlh)
{
	n->len += NLMSG_ALIGN(nlh->nlmsg_len);
}

/* An expression of a rule: its name, then its own attributes in a nest until expr_end(). */
struct expr {
	struct nlattr *elem, *data;
};

static struct expr expr_begin(struct nlmsghdr *nlh, const char *name)
{
	struct expr e = { .elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM) };

	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, name);
	e.data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	return e;
}

static void expr_end(struct nlmsghdr *nlh, struct expr e)
{
	mnl_attr_nest_end(nlh, e.data);
	mnl_attr_nest_end(nlh, e.elem);
}

static void put_meta(struct nlmsghdr *nlh, uint32_t key)
{
	struct expr e = expr_begin(nlh, "meta");

	mnl_attr_put_u32(nlh, NFTA_META_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(nlh, NFTA_META_KEY, htonl(key));
	expr_end(nlh, e);
}

static void put_payload(struct nlmsghdr *nlh, uint32_t base, uint32_t offset, uint32_t len)
{
	struct expr e = expr_begin(nlh, "payload");

	mnl_attr_put_u32(nlh, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(nlh, NFTA_PAYLOAD_BASE, htonl(base));
	mnl_attr_put_u32(nlh, NFTA_PAYLOAD_OFFSET, htonl(offset));
	mnl_attr_put_u32(nlh, NFTA_PAYLOAD_LEN, htonl(len));
	expr_end(nlh, e);
}

static void put_cmp(struct nlmsghdr *nlh, uint32_t op, const void *value, size_t len)
{
	struct expr e = expr_begin(nlh, "cmp");
	struct nlattr *data;

	mnl_attr_put_u32(nlh, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(nlh, NFTA_CMP_OP, htonl(op));
	data = mnl_attr_nest_start(nlh, NFTA_CMP_DATA);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, value);
	mnl_attr_nest_end(nlh, data);
	expr_end(nlh, e);
}

static void put_verdict(struct nlmsghdr *nlh, int32_t code, const char *chain)
{
	struct expr e = expr_begin(nlh, "immediate");
	struct nlattr *data, *verdict;

	mnl_attr_put_u32(nlh, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	data = mnl_attr_nest_start(nlh, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(nlh, NFTA_VERDICT_CODE, htonl((uint32_t)code));
	if (chain)
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(nlh, verdict);
	mnl_attr_nest_end(nlh, data);
	expr_end(nlh, e);
}

static void nft_chain(struct nft *n, const char *name, const char *ifname, uint32_t policy)
{
	struct nlmsghdr *nlh = nft_object(n, NFT_MSG_NEWCHAIN, NLM_F_EXCL);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, n->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	if (ifname) {
		nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
		mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
		mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)-500));
		mnl_attr_put_strz(nlh, NFTA_HOOK_DEV, ifname);
		mnl_attr_nest_end(nlh, nest);
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
		mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(policy));
	}
	nft_end(n, nlh);
}

static struct nlmsghdr *rule_begin(struct nft *n, const char *chain, struct nlattr **list)
{
	struct nlmsghdr *nlh = nft_object(n, NFT_MSG_NEWRULE, NLM_F_APPEND);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, n->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain);
	*list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	return nlh;
}

static void rule_port(struct nft *n, uint8_t proto, const struct filter_range *r)
{
	const uint16_t low = htons(r->low), high = htons(r->high);
	struct nlattr *list;
	struct nlmsghdr *nlh = rule_begin(n, "ports", &list);

	put_meta(nlh, NFT_META_L4PROTO);
	put_cmp(nlh, NFT_CMP_EQ, &proto, sizeof(proto));
	put_payload(nlh, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	put_cmp(nlh, NFT_CMP_GTE, &low, sizeof(low));
	put_cmp(nlh, NFT_CMP_LTE, &high, sizeof(high));
	put_verdict(nlh, NF_DROP, NULL);
	mnl_attr_nest_end(nlh, list);
	nft_end(n, nlh);
}

static void rule_addr(struct nft *n, const struct filter_addr *a)
{
	const int is_ipv4 = a->family == AF_INET;
	const uint16_t type = htons(is_ipv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	struct nlattr *list;
	struct nlmsghdr *nlh = rule_begin(n, "in", &list);

	put_meta(nlh, NFT_META_PROTOCOL);
	put_cmp(nlh, NFT_CMP_EQ, &type, sizeof(type));
	put_payload(nlh, NFT_PAYLOAD_NETWORK_HEADER, is_ipv4 ? 16 : 24, is_ipv4 ? 4 : 16);
	put_cmp(nlh, NFT_CMP_EQ, a->addr, is_ipv4 ? 4 : 16);
	put_verdict(nlh, NFT_JUMP, "ports");
	mnl_attr_nest_end(nlh, list);
	nft_end(n, nlh);
}

/* Send the batch and take the acknowledgements; several may come in one datagram. */
static int nft_commit(struct nft *n, struct rtnl *t)
{
	char answer[RTNL_ANSWER_BYTES];
	struct nlmsghdr *nlh;
	int rc = 0, acks = 0;

	if (mnl_socket_sendto(t->nl, n->buf, n->len) < 0)
		return -errno;
	while (!rc && acks < n->acks) {
		int len = (int)mnl_socket_recvfrom(t->nl, answer, sizeof(answer));

		if (len < 0)
			return -errno;
		for (nlh = (void *)answer; !rc && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			rc = e->error;
			acks++;
		}
	}
	return rc;
}

static void nft_build(struct nft *n, const char *ifname, const struct filter_spec *spec)
{
	struct nlmsghdr *nlh;
	uint32_t i;

	nft_end(n, nft_begin(n, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	nlh = nft_object(n, NFT_MSG_NEWTABLE, NLM_F_EXCL);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, n->table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER));
	nft_end(n, nlh);
	if (spec)
		nft_chain(n, "ports", NULL, 0);
	nft_chain(n, "in", ifname, spec ? NF_ACCEPT : NF_DROP);
	for (i = 0; spec && i < spec->tcp_len; i++)
		rule_port(n, IPPROTO_TCP, &spec->tcp[i]);
	for (i = 0; spec && i < spec->udp_len; i++)
		rule_port(n, IPPROTO_UDP, &spec->udp[i]);
	for (i = 0; spec && i < spec->addrs_len; i++)
		rule_addr(n, &spec->addrs[i]);
	nft_end(n, nft_begin(n, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

/* table netdev accd-PID-IF { flags owner; chain in { type filter hook ingress device IF priority -500; } } */
static int mute_nft(const char *ifname, int ifindex, const struct filter_spec *spec)
{
	char table[40];
	struct nft n = { .buf = malloc(NFT_BATCH_BYTES), .table = table };
	struct rtnl t;
	int fd, rc;

	if (!n.buf)
		return -ENOMEM;
	rc = rtnl_open(&t, NETLINK_NETFILTER);
	if (rc)
		goto out_free;
	snprintf(table, sizeof(table), "accd-%d-%s", (int)getpid(), ifname);
	nft_build(&n, ifname, spec);
	rc = nft_commit(&n, &t);
	if (!rc) {
		/* The table lives as long as this socket; keep a plain descriptor of it. */
		fd = fcntl(mnl_socket_get_fd(t.nl), F_DUPFD_CLOEXEC, 0);
		rc = fd < 0 ? -errno : fd;
	}
	rtnl_close(&t);
out_free:
	free(n.buf);
	return rc;
}

/* ---- one or the other ---- */

struct mute_method {
	unsigned int bit;
	const char *text, *needs;
	int (*open)(const char *ifname, int ifindex, const struct filter_spec *spec);
};

static const struct mute_method mute_methods[] = {
	{ OWN_MUTE_TCX, "tcx", "Linux 6.6, CAP_BPF and CAP_NET_ADMIN", mute_tcx },
	{ OWN_MUTE_NFT, "nftables", "Linux 5.12 with nf_tables and netdev ingress, CAP_NET_ADMIN", mute_nft },
};

static int mute(const char *ifname, const struct filter_spec *spec, unsigned int methods, unsigned int *method,
		const char *what, char *err, size_t err_len)
{
	const unsigned int ifindex = if_nametoindex(ifname);
	char text[256];
	size_t i, n;
	int rc;

	if (!ifindex) {
		rc = -errno;
		say(err, err_len, "%s: %s", ifname, strerror(-rc));
		return rc;
	}
	n = (size_t)snprintf(text, sizeof(text), "%s: cannot hide %s from the host stack:", ifname, what);
	for (i = 0; i < AT(mute_methods); i++) {
		const struct mute_method *m = &mute_methods[i];

		if (methods && !(methods & m->bit))
			continue;
		rc = m->open(ifname, (int)ifindex, spec);
		if (rc >= 0) {
			if (method)
				*method = m->bit;
			return rc;
		}
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s: %s (needs %s);", m->text, strerror(-rc),
					      m->needs);
	}
	say(err, err_len, "%s", text);
	return -EOPNOTSUPP;
}

int own_mute(const char *ifname, unsigned int methods, unsigned int *method, char *err, size_t err_len)
{
	return mute(ifname, NULL, methods, method, "frames", err, err_len);
}

int share_mute(const char *ifname, const struct filter_spec *spec, unsigned int methods, unsigned int *method,
	       char *err, size_t err_len)
{
	return mute(ifname, spec, methods, method, "the stack's ports", err, err_len);
}
