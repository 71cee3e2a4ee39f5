// SPDX-License-Identifier: GPL-2.0-only
/*
 * filter.c - which frames are the stack's in share mode, as programs for the host's kernel
 *
 * classify() writes the decision once, for a machine with an accumulator A, an index X and jumps
 * forward to labels. assemble_classic() and assemble_extended() turn that into the host's two
 * languages:
 *
 *	ours			classic			extended
 *	A, X			A, X			r0, r7 (r6 holds the context)
 *	if A op k goto L	op 0 1; ja L		op32 r0, k, L
 *	load beyond the end	answers 0: out		answers 0: goes on
 *
 * A classic conditional jump reaches 255 instructions only, hence the ja behind it. 32-bit
 * comparisons, because a 64-bit one extends the sign of its operand.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <sys/socket.h>

#include "filter.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_FRAGMENT 44
#define PROTO_ICMP6 58
/* Offsets in a frame without VLAN tag. */
#define AT_ETHERTYPE 12
#define AT_IP 14
#define AT_ARP_OPCODE 20
#define AT_IP4_FRAG 20
#define AT_IP4_PROTO 23
#define AT_IP4_DST 30
#define AT_IP6_NEXT 20
#define AT_IP6_DST 38
#define AT_IP6_BODY 54

#define ACCEPT_BYTES 0x7fffffffu
#define TCX_DROP_VERDICT 2
#define TCX_NEXT_VERDICT (-1)

enum op { LDB, LDH, LDW, LDB_X, LDH_X, LD_VLAN, AND, LSH, ADDX, TAX, JA, JEQ, JGE, JGT, JSET, YES, NO };

struct insn {
	enum op op;
	uint32_t k;
	int label;
};

/* A range takes two labels; an IPv4 address two, one of IPv6 five (it is looked for as both). */
#define LABELS_MAX (64 + 4 * FILTER_RANGES_MAX + 5 * FILTER_ADDRS_MAX)

struct program {
	struct insn insns[FILTER_INSNS_MAX];
	int len;
	int label_at[LABELS_MAX];
	int labels;
	int is_over;
	uint8_t is_reached[FILTER_INSNS_MAX + 1];
};

static void put(struct program *p, enum op op, uint32_t k, int label)
{
	if (p->len == FILTER_INSNS_MAX) {
		p->is_over = 1;
		return;
	}
	p->insns[p->len++] = (struct insn){ op, k, label };
}

static void load(struct program *p, enum op op, uint32_t k)
{
	put(p, op, k, 0);
}

static void jump(struct program *p, enum op op, uint32_t k, int label)
{
	put(p, op, k, label);
}

static int label_new(struct program *p)
{
	if (p->labels == LABELS_MAX) {
		p->is_over = 1;
		return 0;
	}
	return p->labels++;
}

static void here(struct program *p, int label)
{
	p->label_at[label] = p->len;
}

enum { L_YES, L_NO, L_TCP_PORT, L_UDP_PORT, L_FIXED };

static void put_ranges(struct program *p, const struct filter_range *ranges, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		const int inside = label_new(p), next = label_new(p);

		jump(p, JGE, ranges[i].low, inside);
		jump(p, JA, 0, next);
		here(p, inside);
		jump(p, JGT, ranges[i].high, next);
		jump(p, JA, 0, L_YES);
		here(p, next);
	}
	jump(p, JA, 0, L_NO);
}

/* Go on only if the destination, at offset `at`, is one of the addresses. */
static void put_addrs(struct program *p, const struct filter_spec *spec, int family, uint32_t at)
{
	const int ours = label_new(p);
	uint32_t i, word;
	int w;

	for (i = 0; i < spec->addrs_len; i++) {
		const struct filter_addr *a = &spec->addrs[i];
		const int words = family == AF_INET ? 1 : 4;
		const int next = label_new(p);

		if (a->family != family) {
			here(p, next);
			continue;
		}
		for (w = 0; w < words; w++) {
			const uint8_t *b = a->addr + 4 * w;
			const int same = w == words - 1 ? ours : label_new(p);

			word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
			load(p, LDW, at + 4 * (uint32_t)w);
			jump(p, JEQ, word, same);
			jump(p, JA, 0, next);
			if (same != ours)
				here(p, same);
		}
		here(p, next);
	}
	jump(p, JA, 0, L_NO);
	here(p, ours);
}

/* A = protocol: to the port checks through a load of `op` at k; else fall through. */
static void put_transport(struct program *p, enum op op, uint32_t k)
{
	const int tcp = label_new(p), udp = label_new(p), other = label_new(p);

	jump(p, JEQ, PROTO_TCP, tcp);
	jump(p, JEQ, PROTO_UDP, udp);
	jump(p, JA, 0, other);
	here(p, tcp);
	load(p, op, k);
	jump(p, JA, 0, L_TCP_PORT);
	here(p, udp);
	load(p, op, k);
	jump(p, JA, 0, L_UDP_PORT);
	here(p, other);
}

/* A fragment that is not the first has no ports: the stack gets it, as the host does. */
static void put_later_fragment(struct program *p, uint32_t at_proto, int for_stack)
{
	if (for_stack) {
		load(p, LDB, at_proto);
		jump(p, JEQ, PROTO_TCP, L_YES);
		jump(p, JEQ, PROTO_UDP, L_YES);
	}
	jump(p, JA, 0, L_NO);
}

static void put_ipv4(struct program *p, const struct filter_spec *spec, int for_stack)
{
	const int fragment = label_new(p), error = label_new(p), tcp = label_new(p), udp = label_new(p);
	int i;

	put_addrs(p, spec, AF_INET, AT_IP4_DST);
	load(p, LDB, AT_IP);
	load(p, AND, 0xf);
	load(p, LSH, 2);
	load(p, TAX, 0); /* X: length of the header */
	load(p, LDH, AT_IP4_FRAG);
	jump(p, JSET, 0x1fff, fragment);
	load(p, LDB, AT_IP4_PROTO);
	put_transport(p, LDH_X, AT_IP + 2);
	if (for_stack) {
		jump(p, JEQ, PROTO_ICMP, error);
		jump(p, JA, 0, L_NO);
		here(p, error);
		/* Unreachable (PMTU, too), redirect, time exceeded, parameter problem; the packet at X + 8. */
		load(p, LDB_X, AT_IP);
		{
			static const uint8_t types[] = { 3, 5, 11, 12 };
			const int known = label_new(p);

			for (i = 0; i < 4; i++)
				jump(p, JEQ, types[i], known);
			jump(p, JA, 0, L_NO);
			here(p, known);
		}
		load(p, LDB_X, AT_IP + 8 + 9);
		jump(p, JEQ, PROTO_TCP, tcp);
		jump(p, JEQ, PROTO_UDP, udp);
		jump(p, JA, 0, L_NO);
		for (i = 0; i < 2; i++) {
			here(p, i ? udp : tcp);
			load(p, LDB_X, AT_IP + 8);
			load(p, AND, 0xf);
			load(p, LSH, 2);
			load(p, ADDX, 0);
			load(p, TAX, 0);
			load(p, LDH_X, AT_IP + 8);
			jump(p, JA, 0, i ? L_UDP_PORT : L_TCP_PORT);
		}
	}
	jump(p, JA, 0, L_NO);
	here(p, fragment);
	put_later_fragment(p, AT_IP4_PROTO, for_stack);
}

static void put_ipv6(struct program *p, const struct filter_spec *spec, int for_stack)
{
	const int ours = label_new(p), fragment = label_new(p), later = label_new(p);
	const int icmp = label_new(p), error = label_new(p);
	uint32_t i;

	if (for_stack) {
		/* Advertisements come to multicast addresses, too. */
		load(p, LDB, AT_IP6_NEXT);
		jump(p, JEQ, PROTO_ICMP6, icmp);
		jump(p, JA, 0, ours);
		here(p, icmp);
		load(p, LDB, AT_IP6_BODY);
		jump(p, JEQ, 134, L_YES);
		jump(p, JEQ, 136, L_YES);
		jump(p, JEQ, 137, L_YES);
		/* Unreachable, packet too big, time exceeded, parameter problem */
		for (i = 1; i <= 4; i++)
			jump(p, JEQ, i, error);
		jump(p, JA, 0, L_NO);
		here(p, error);
		load(p, LDB, AT_IP6_BODY + 8 + 6);
		put_transport(p, LDH, AT_IP6_BODY + 8 + 40);
		jump(p, JA, 0, L_NO);
		here(p, ours);
	}
	put_addrs(p, spec, AF_INET6, AT_IP6_DST);
	load(p, LDB, AT_IP6_NEXT);
	put_transport(p, LDH, AT_IP6_BODY + 2);
	jump(p, JEQ, PROTO_FRAGMENT, fragment);
	jump(p, JA, 0, L_NO);
	here(p, fragment);
	load(p, LDH, AT_IP6_BODY + 2);
	jump(p, JSET, 0xfff8, later);
	load(p, LDB, AT_IP6_BODY);
	put_transport(p, LDH, AT_IP6_BODY + 8 + 2);
	jump(p, JA, 0, L_NO);
	here(p, later);
	put_later_fragment(p, AT_IP6_BODY, for_stack);
}

static int is_conditional(enum op op)
{
	return op == JEQ || op == JGE || op == JGT || op == JSET;
}

/* The host refuses programs with dead code. Jumps go forward, so one pass finds what is alive. */
static void mark_reached(struct program *p)
{
	int i;

	memset(p->is_reached, 0, sizeof(p->is_reached));
	p->is_reached[0] = 1;
	for (i = 0; i < p->len; i++) {
		const struct insn *in = &p->insns[i];

		if (!p->is_reached[i])
			continue;
		if (in->op == JA || is_conditional(in->op))
			p->is_reached[p->label_at[in->label]] = 1;
		if (in->op != JA && in->op != YES && in->op != NO)
			p->is_reached[i + 1] = 1;
	}
}

static int classify(struct program *p, const struct filter_spec *spec, int for_stack)
{
	int ipv4, ipv6, arp;

	p->len = p->is_over = 0;
	p->labels = L_FIXED;
	ipv4 = label_new(p);
	ipv6 = label_new(p);
	arp = label_new(p);
	load(p, LD_VLAN, 0);
	jump(p, JGT, 0, L_NO);
	load(p, LDH, AT_ETHERTYPE);
	jump(p, JEQ, ETHERTYPE_IPV4, ipv4);
	jump(p, JEQ, ETHERTYPE_IPV6, ipv6);
	jump(p, JEQ, ETHERTYPE_ARP, arp);
	jump(p, JA, 0, L_NO);
	here(p, arp);
	if (for_stack) {
		load(p, LDH, AT_ARP_OPCODE);
		jump(p, JEQ, 2, L_YES);
	}
	jump(p, JA, 0, L_NO);
	here(p, ipv4);
	put_ipv4(p, spec, for_stack);
	here(p, ipv6);
	put_ipv6(p, spec, for_stack);
	here(p, L_TCP_PORT);
	put_ranges(p, spec->tcp, spec->tcp_len);
	here(p, L_UDP_PORT);
	put_ranges(p, spec->udp, spec->udp_len);
	here(p, L_YES);
	put(p, YES, 0, 0);
	here(p, L_NO);
	put(p, NO, 0, 0);
	if (p->is_over)
		return -E2BIG;
	mark_reached(p);
	return p->len;
}

int filter_stack(const struct filter_spec *spec, struct sock_filter *out)
{
	static const uint16_t codes[] = {
		[LDB] = BPF_LD | BPF_B | BPF_ABS,   [LDH] = BPF_LD | BPF_H | BPF_ABS,
		[LDW] = BPF_LD | BPF_W | BPF_ABS,   [LDB_X] = BPF_LD | BPF_B | BPF_IND,
		[LDH_X] = BPF_LD | BPF_H | BPF_IND, [LD_VLAN] = BPF_LD | BPF_W | BPF_ABS,
		[AND] = BPF_ALU | BPF_AND | BPF_K,  [LSH] = BPF_ALU | BPF_LSH | BPF_K,
		[ADDX] = BPF_ALU | BPF_ADD | BPF_X, [TAX] = BPF_MISC | BPF_TAX,
		[JA] = BPF_JMP | BPF_JA,	    [JEQ] = BPF_JMP | BPF_JEQ | BPF_K,
		[JGE] = BPF_JMP | BPF_JGE | BPF_K,  [JGT] = BPF_JMP | BPF_JGT | BPF_K,
		[JSET] = BPF_JMP | BPF_JSET | BPF_K, [YES] = BPF_RET | BPF_K,
		[NO] = BPF_RET | BPF_K,
	};
	struct program p;
	int at[FILTER_INSNS_MAX], n = 0, i, rc = classify(&p, spec, 1);

	if (rc < 0)
		return rc;
	for (i = 0; i < p.len; i++) {
		at[i] = n;
		n += p.is_reached[i] * (1 + is_conditional(p.insns[i].op));
	}
	if (n > FILTER_INSNS_MAX)
		return -E2BIG;
	for (i = 0, n = 0; i < p.len; i++) {
		const struct insn *in = &p.insns[i];
		struct sock_filter f = { .code = codes[in->op], .k = in->k };

		if (!p.is_reached[i])
			continue;
		if (in->op == LD_VLAN)
			f.k = (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT);
		if (in->op == YES)
			f.k = ACCEPT_BYTES;
		if (is_conditional(in->op)) {
			f.jf = 1;
			out[n++] = f;
			f = (struct sock_filter){ .code = BPF_JMP | BPF_JA };
		}
		if (f.code == (BPF_JMP | BPF_JA))
			f.k = (uint32_t)(at[p.label_at[in->label]] - n - 1);
		out[n++] = f;
	}
	return n;
}

int filter_host(const struct filter_spec *spec, struct bpf_insn *out)
{
	enum { A = BPF_REG_0, X = BPF_REG_7, CTX = BPF_REG_6 };
	static const uint8_t codes[] = {
		[LDB] = BPF_LD | BPF_B | BPF_ABS,     [LDH] = BPF_LD | BPF_H | BPF_ABS,
		[LDW] = BPF_LD | BPF_W | BPF_ABS,     [LDB_X] = BPF_LD | BPF_B | BPF_IND,
		[LDH_X] = BPF_LD | BPF_H | BPF_IND,   [LD_VLAN] = BPF_LDX | BPF_W | BPF_MEM,
		[AND] = BPF_ALU | BPF_AND | BPF_K,    [LSH] = BPF_ALU | BPF_LSH | BPF_K,
		[ADDX] = BPF_ALU | BPF_ADD | BPF_X,   [TAX] = BPF_ALU64 | BPF_MOV | BPF_X,
		[JA] = BPF_JMP | BPF_JA,	      [JEQ] = BPF_JMP32 | BPF_JEQ | BPF_K,
		[JGE] = BPF_JMP32 | BPF_JGE | BPF_K,  [JGT] = BPF_JMP32 | BPF_JGT | BPF_K,
		[JSET] = BPF_JMP32 | BPF_JSET | BPF_K,
	};
	struct program p;
	int at[FILTER_INSNS_MAX], n = 2, i, rc = classify(&p, spec, 0);

	if (rc < 0)
		return rc;
	for (i = 0; i < p.len; i++) {
		at[i] = n;
		n += p.is_reached[i] * (1 + (p.insns[i].op == YES || p.insns[i].op == NO));
	}
	if (n > FILTER_INSNS_MAX)
		return -E2BIG;
	out[0] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = CTX, .src_reg = BPF_REG_1 };
	out[1] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = X };
	for (i = 0, n = 2; i < p.len; i++) {
		const struct insn *in = &p.insns[i];
		struct bpf_insn f = { .imm = (int32_t)in->k };

		if (!p.is_reached[i])
			continue;
		if (in->op != YES && in->op != NO)
			f.code = codes[in->op];
		switch (in->op) {
		case LDB_X:
		case LDH_X:
			f.src_reg = X;
			break;
		case LD_VLAN:
			f.dst_reg = A;
			f.src_reg = CTX;
			f.off = offsetof(struct __sk_buff, vlan_present);
			break;
		case ADDX:
			f.src_reg = X;
			break;
		case TAX:
			f.dst_reg = X;
			f.src_reg = A;
			break;
		case YES:
		case NO:
			out[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
						      .dst_reg = A,
						      .imm = in->op == YES ? TCX_DROP_VERDICT :
									     TCX_NEXT_VERDICT };
			f = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
			break;
		case JA:
		case JEQ:
		case JGE:
		case JGT:
		case JSET:
			f.off = (int16_t)(at[p.label_at[in->label]] - n - 1);
			break;
		default:
			break;
		}
		out[n++] = f;
	}
	return n;
}
