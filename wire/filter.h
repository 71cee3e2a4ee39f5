/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filter.h - which frames are the stack's in share mode, as programs for the host's kernel
 *
 * One decision, two uses. filter_stack() makes a classic BPF program for the wire's socket: only
 * what is the stack's comes in. filter_host() makes an eBPF program for tc ingress: what is the
 * stack's does not get to the host. Pure: no descriptor, no call; unit tests run the programs.
 *
 *	frame							stack	host
 *	TCP to one of the addresses, port of `tcp`		in	dropped
 *	UDP to one of the addresses, port of `udp`		in	dropped
 *	later fragment of TCP or UDP to one of the addresses	in	in (without the first it is nothing)
 *	ICMP error about a packet that came from such a port	in	in
 *	ARP reply; neighbour or router advertisement, redirect	in	in
 *	any other (ARP request, solicitation, echo, VLAN ...)	out	in
 *
 * So questions about the addresses are answered by the host alone, and both learn neighbours from
 * the answers to their own questions. Not seen through: IPv6 extension headers other than the
 * fragment header; such segments are the host's.
 */
#ifndef WIRE_FILTER_H
#define WIRE_FILTER_H

#include <stdint.h>

#include <linux/bpf.h>
#include <linux/filter.h>

#define FILTER_RANGES_MAX 64
#define FILTER_ADDRS_MAX 32
/* Longer than the program of the largest spec; the kernel's limit for classic BPF is 4096. */
#define FILTER_INSNS_MAX 2048

struct filter_range {
	uint16_t low, high;	/* both belong to it */
};

struct filter_addr {
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t addr[16];	/* network order */
};

struct filter_spec {
	uint32_t tcp_len, udp_len, addrs_len;
	struct filter_range tcp[FILTER_RANGES_MAX];
	struct filter_range udp[FILTER_RANGES_MAX];
	struct filter_addr addrs[FILTER_ADDRS_MAX];
};

/* Write the program to insns[FILTER_INSNS_MAX]. Its length, or -E2BIG. Answers 0x7fffffff or 0. */
int filter_stack(const struct filter_spec *spec, struct sock_filter *insns);

/* The same for BPF_PROG_TYPE_SCHED_CLS at tcx. Answers TCX_DROP or TCX_NEXT. */
int filter_host(const struct filter_spec *spec, struct bpf_insn *insns);

#endif /* WIRE_FILTER_H */
