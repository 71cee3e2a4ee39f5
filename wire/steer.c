// SPDX-License-Identifier: GPL-2.0-only
/*
 * steer.c - the steering program of steer.h, put together instruction by instruction
 *
 * There is no compiler for it at run time, and none wanted at build time, so it is written with a small assembler: emit
 * functions append to an array, forward jumps go to labels whose distance is filled in at the end. The program's stack:
 *
 *	KEY   40 bytes	source, destination, source port, destination port, kind: key of the map of exceptions
 *	BUF   56 bytes	what was last read of the packet
 *	IDX, VAL	arguments of map helpers
 *	FRAG  8 bytes	of a first fragment: 1 << 32 | identification; else 0
 *
 * Registers kept over helper calls: R6 context, R7 the answer or a bucket, R8 protocol, later `is a SYN`, R9 offset of the
 * transport header. Packet bytes stay in network order, but for the port that indexes a map.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "steer.h"

#define INSNS_MAX 512
#define FIXUPS_MAX 128
#define KEY (-40)
#define KEY_PORTS (KEY + 32)
#define KEY_KIND (KEY + 36)
#define BUF (-96)
#define IDX (-100)
#define VAL (-104)
#define FRAG (-112)
#define KEY_BYTES 40

#define BUCKET_AWAY 0x10000
#define BUCKET_EXCEPTIONS 0x20000

#define EXT_HEADERS_MAX 4

enum label { L_V4, L_V6, L_PORTS, L_ICMP4, L_ICMP6, L_INNER, L_NO_PORTS, L_DECIDE, L_OUT, L_V6_DONE, L_FRAG6, L_TCP, L__COUNT };

struct asm_prog {
	struct bpf_insn insns[INSNS_MAX];
	int len;
	int labels[L__COUNT];
	struct {
		int insn;
		enum label label;
	} fixups[FIXUPS_MAX];
	int fixups_len;
};

static void emit(struct asm_prog *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	if (p->len < INSNS_MAX)
		p->insns[p->len] = (struct bpf_insn){ .code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm };
	p->len++;
}

static void mov(struct asm_prog *p, int dst, int src)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void alu_imm(struct asm_prog *p, int op, int dst, int32_t imm)
{
	emit(p, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

static void alu(struct asm_prog *p, int op, int dst, int src)
{
	emit(p, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

static void load(struct asm_prog *p, int size, int dst, int base, int off)
{
	emit(p, BPF_LDX | BPF_MEM | size, dst, base, off, 0);
}

static void store(struct asm_prog *p, int size, int off, int src)
{
	emit(p, BPF_STX | BPF_MEM | size, BPF_REG_10, src, off, 0);
}

static void store_imm(struct asm_prog *p, int size, int off, int32_t imm)
{
	emit(p, BPF_ST | BPF_MEM | size, BPF_REG_10, 0, off, imm);
}

static void load_imm64(struct asm_prog *p, int dst, int src, uint64_t imm)
{
	emit(p, BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, (int32_t)imm);
	emit(p, 0, 0, 0, 0, (int32_t)(imm >> 32));
}

static void jump_if(struct asm_prog *p, int op, int reg, int32_t imm, enum label label)
{
	if (p->fixups_len < FIXUPS_MAX) {
		p->fixups[p->fixups_len].insn = p->len;
		p->fixups[p->fixups_len].label = label;
	}
	p->fixups_len++;
	emit(p, BPF_JMP | op | BPF_K, reg, 0, 0, imm);
}

static void jump(struct asm_prog *p, enum label label)
{
	jump_if(p, BPF_JA, 0, 0, label);
}

static void label(struct asm_prog *p, enum label label)
{
	p->labels[label] = p->len;
}

static void call(struct asm_prog *p, int helper)
{
	emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* Read `bytes` of the packet at R9 (offset from the network header) to BUF, else jump. */
static void read_packet(struct asm_prog *p, int bytes, enum label otherwise)
{
	mov(p, BPF_REG_1, BPF_REG_6);
	mov(p, BPF_REG_2, BPF_REG_9);
	mov(p, BPF_REG_3, BPF_REG_10);
	alu_imm(p, BPF_ADD, BPF_REG_3, BUF);
	alu_imm(p, BPF_MOV, BPF_REG_4, bytes);
	alu_imm(p, BPF_MOV, BPF_REG_5, BPF_HDR_START_NET);
	call(p, BPF_FUNC_skb_load_bytes_relative);
	jump_if(p, BPF_JNE, BPF_REG_0, 0, otherwise);
}

/* R0 = address of the entry whose key lies at `key` of the stack, or 0. */
static void map_lookup(struct asm_prog *p, int map_fd, int key)
{
	load_imm64(p, BPF_REG_1, BPF_PSEUDO_MAP_FD, (uint32_t)map_fd);
	mov(p, BPF_REG_2, BPF_REG_10);
	alu_imm(p, BPF_ADD, BPF_REG_2, key);
	call(p, BPF_FUNC_map_lookup_elem);
}

/* flows[KEY] = R7 */
static void flow_store(struct asm_prog *p, int flows_fd)
{
	store(p, BPF_W, VAL, BPF_REG_7);
	load_imm64(p, BPF_REG_1, BPF_PSEUDO_MAP_FD, (uint32_t)flows_fd);
	mov(p, BPF_REG_2, BPF_REG_10);
	alu_imm(p, BPF_ADD, BPF_REG_2, KEY);
	mov(p, BPF_REG_3, BPF_REG_10);
	alu_imm(p, BPF_ADD, BPF_REG_3, VAL);
	alu_imm(p, BPF_MOV, BPF_REG_4, BPF_ANY);
	call(p, BPF_FUNC_map_update_elem);
}

static void copy(struct asm_prog *p, int size, int to, int from)
{
	load(p, size, BPF_REG_1, BPF_REG_10, from);
	store(p, size, to, BPF_REG_1);
}

/* If the fragment belongs to a datagram whose first one was seen: R7 = its queue, jump to L_OUT. R1 = identification. */
static void find_first_fragment(struct asm_prog *p, const struct steer *s)
{
	store(p, BPF_W, KEY_PORTS, BPF_REG_1);
	store_imm(p, BPF_W, KEY_KIND, 1);
	map_lookup(p, s->flows_fd, KEY);
	store_imm(p, BPF_W, KEY_PORTS, 0);
	store_imm(p, BPF_W, KEY_KIND, 0);
	jump_if(p, BPF_JEQ, BPF_REG_0, 0, L_NO_PORTS);
	load(p, BPF_W, BPF_REG_7, BPF_REG_0, 0);
	jump(p, L_OUT);
}

/* R1 = identification: remember that this is a first fragment. */
static void is_first_fragment(struct asm_prog *p)
{
	load_imm64(p, BPF_REG_2, 0, 1ull << 32);
	alu(p, BPF_OR, BPF_REG_1, BPF_REG_2);
	store(p, BPF_DW, FRAG, BPF_REG_1);
}

static void branch_on_protocol(struct asm_prog *p)
{
	jump_if(p, BPF_JEQ, BPF_REG_8, 6, L_TCP);
	jump_if(p, BPF_JEQ, BPF_REG_8, 17, L_PORTS);
}

static void assemble_v4(struct asm_prog *p, const struct steer *s)
{
	struct asm_prog *const here = p;
	int skip;

	label(p, L_V4);
	alu_imm(p, BPF_MOV, BPF_REG_9, 0);
	read_packet(p, 20, L_OUT);
	copy(p, BPF_W, KEY, BUF + 12);
	copy(p, BPF_W, KEY + 16, BUF + 16);
	load(p, BPF_B, BPF_REG_8, BPF_REG_10, BUF + 9);
	load(p, BPF_B, BPF_REG_9, BPF_REG_10, BUF);
	alu_imm(p, BPF_AND, BPF_REG_9, 0xf);
	alu_imm(p, BPF_LSH, BPF_REG_9, 2);
	load(p, BPF_H, BPF_REG_2, BPF_REG_10, BUF + 6);
	load(p, BPF_H, BPF_REG_1, BPF_REG_10, BUF + 4);
	alu_imm(p, BPF_AND, BPF_REG_2, htons(0x3fff));
	/* not a fragment: over the two blocks below */
	skip = here->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_2, 0, 0, 0);
	alu_imm(p, BPF_AND, BPF_REG_2, htons(0x1fff));
	{
		const int first = here->len;

		emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_2, 0, 0, 0);
		find_first_fragment(p, s);
		here->insns[first].off = (int16_t)(here->len - first - 1);
		is_first_fragment(p);
	}
	here->insns[skip].off = (int16_t)(here->len - skip - 1);
	branch_on_protocol(p);
	jump_if(p, BPF_JNE, BPF_REG_8, 1, L_NO_PORTS);

	/* ICMP: the quoted header, if it is an error */
	read_packet(p, 28, L_NO_PORTS);
	load(p, BPF_B, BPF_REG_1, BPF_REG_10, BUF);
	jump_if(p, BPF_JEQ, BPF_REG_1, 3, L_ICMP4);
	jump_if(p, BPF_JEQ, BPF_REG_1, 11, L_ICMP4);
	jump_if(p, BPF_JNE, BPF_REG_1, 12, L_NO_PORTS);
	label(p, L_ICMP4);
	copy(p, BPF_W, KEY, BUF + 8 + 16);
	copy(p, BPF_W, KEY + 16, BUF + 8 + 12);
	load(p, BPF_B, BPF_REG_8, BPF_REG_10, BUF + 8 + 9);
	load(p, BPF_B, BPF_REG_1, BPF_REG_10, BUF + 8);
	alu_imm(p, BPF_AND, BPF_REG_1, 0xf);
	alu_imm(p, BPF_LSH, BPF_REG_1, 2);
	alu(p, BPF_ADD, BPF_REG_9, BPF_REG_1);
	alu_imm(p, BPF_ADD, BPF_REG_9, 8);
	load(p, BPF_H, BPF_REG_1, BPF_REG_10, BUF + 8 + 6);
	alu_imm(p, BPF_AND, BPF_REG_1, htons(0x1fff));
	jump_if(p, BPF_JNE, BPF_REG_1, 0, L_NO_PORTS);
	jump(p, L_INNER);
}

static void assemble_v6(struct asm_prog *p, const struct steer *s)
{
	int i, k;

	label(p, L_V6);
	alu_imm(p, BPF_MOV, BPF_REG_9, 0);
	read_packet(p, 40, L_OUT);
	for (i = 0; i < 32; i += 8)
		copy(p, BPF_DW, KEY + i, BUF + 8 + i);
	load(p, BPF_B, BPF_REG_8, BPF_REG_10, BUF + 6);
	alu_imm(p, BPF_MOV, BPF_REG_9, 40);
	for (i = 0; i < EXT_HEADERS_MAX; i++) {
		static const int headers[] = { 0, 43, 60 };
		int into[3];

		jump_if(p, BPF_JEQ, BPF_REG_8, 44, L_FRAG6);
		for (k = 0; k < 3; k++) {
			into[k] = p->len;
			emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_8, 0, 0, headers[k]);
		}
		jump(p, L_V6_DONE);
		for (k = 0; k < 3; k++)
			p->insns[into[k]].off = (int16_t)(p->len - into[k] - 1);
		read_packet(p, 2, L_NO_PORTS);
		load(p, BPF_B, BPF_REG_8, BPF_REG_10, BUF);
		load(p, BPF_B, BPF_REG_1, BPF_REG_10, BUF + 1);
		alu_imm(p, BPF_ADD, BPF_REG_1, 1);
		alu_imm(p, BPF_LSH, BPF_REG_1, 3);
		alu(p, BPF_ADD, BPF_REG_9, BPF_REG_1);
	}
	jump_if(p, BPF_JNE, BPF_REG_8, 44, L_V6_DONE);

	label(p, L_FRAG6);
	read_packet(p, 8, L_NO_PORTS);
	load(p, BPF_B, BPF_REG_8, BPF_REG_10, BUF);
	load(p, BPF_H, BPF_REG_2, BPF_REG_10, BUF + 2);
	load(p, BPF_W, BPF_REG_1, BPF_REG_10, BUF + 4);
	alu_imm(p, BPF_AND, BPF_REG_2, htons(0xfff8));
	i = p->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_2, 0, 0, 0);
	find_first_fragment(p, s);
	p->insns[i].off = (int16_t)(p->len - i - 1);
	is_first_fragment(p);
	alu_imm(p, BPF_ADD, BPF_REG_9, 8);

	label(p, L_V6_DONE);
	branch_on_protocol(p);
	jump_if(p, BPF_JNE, BPF_REG_8, 58, L_NO_PORTS);
	read_packet(p, 48, L_NO_PORTS);
	load(p, BPF_B, BPF_REG_1, BPF_REG_10, BUF);
	jump_if(p, BPF_JGT, BPF_REG_1, 127, L_NO_PORTS);
	for (i = 0; i < 16; i += 8) {
		copy(p, BPF_DW, KEY + i, BUF + 8 + 24 + i);
		copy(p, BPF_DW, KEY + 16 + i, BUF + 8 + 8 + i);
	}
	load(p, BPF_B, BPF_REG_8, BPF_REG_10, BUF + 8 + 6);
	alu_imm(p, BPF_ADD, BPF_REG_9, 48);
	jump(p, L_INNER);
}

/* Ports are in KEY, R8 says whether it is a SYN: R7 = the queue. */
static void assemble_decision(struct asm_prog *p, const struct steer *s, uint64_t seed)
{
	int skip;

	label(p, L_DECIDE);
	load(p, BPF_H, BPF_REG_1, BPF_REG_10, KEY_PORTS + 2);
	emit(p, BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_1, 0, 0, 16);
	store(p, BPF_W, IDX, BPF_REG_1);
	map_lookup(p, s->ports_fd, IDX);
	jump_if(p, BPF_JEQ, BPF_REG_0, 0, L_OUT);
	load(p, BPF_W, BPF_REG_1, BPF_REG_0, 0);
	skip = p->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0);
	mov(p, BPF_REG_7, BPF_REG_1);
	alu_imm(p, BPF_SUB, BPF_REG_7, 1);
	jump(p, L_OUT);
	p->insns[skip].off = (int16_t)(p->len - skip - 1);

	/* a secret in the hash, so that nobody can aim all of his flows at one queue */
	load_imm64(p, BPF_REG_3, 0, seed | 1);
	load_imm64(p, BPF_REG_4, 0, 0x9e3779b97f4a7c15ull);
	load(p, BPF_DW, BPF_REG_1, BPF_REG_10, KEY);
	load(p, BPF_DW, BPF_REG_2, BPF_REG_10, KEY + 8);
	alu(p, BPF_XOR, BPF_REG_1, BPF_REG_3);
	alu(p, BPF_MUL, BPF_REG_1, BPF_REG_4);
	mov(p, BPF_REG_5, BPF_REG_1);
	alu_imm(p, BPF_RSH, BPF_REG_5, 32);
	alu(p, BPF_XOR, BPF_REG_1, BPF_REG_5);
	alu(p, BPF_ADD, BPF_REG_1, BPF_REG_2);
	alu(p, BPF_MUL, BPF_REG_1, BPF_REG_3);
	mov(p, BPF_REG_5, BPF_REG_1);
	alu_imm(p, BPF_RSH, BPF_REG_5, 29);
	alu(p, BPF_XOR, BPF_REG_1, BPF_REG_5);
	load(p, BPF_H, BPF_REG_2, BPF_REG_10, KEY_PORTS);
	alu(p, BPF_ADD, BPF_REG_1, BPF_REG_2);
	alu(p, BPF_MUL, BPF_REG_1, BPF_REG_4);
	alu_imm(p, BPF_RSH, BPF_REG_1, 40);
	alu_imm(p, BPF_AND, BPF_REG_1, STEER_BUCKETS - 1);
	store(p, BPF_W, IDX, BPF_REG_1);
	map_lookup(p, s->buckets_fd, IDX);
	jump_if(p, BPF_JEQ, BPF_REG_0, 0, L_OUT);
	load(p, BPF_W, BPF_REG_9, BPF_REG_0, 0);
	mov(p, BPF_REG_7, BPF_REG_9);
	alu_imm(p, BPF_AND, BPF_REG_7, 0xff);
	mov(p, BPF_REG_1, BPF_REG_9);
	alu_imm(p, BPF_AND, BPF_REG_1, BUCKET_EXCEPTIONS);
	jump_if(p, BPF_JEQ, BPF_REG_1, 0, L_OUT);

	map_lookup(p, s->flows_fd, KEY);
	skip = p->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
	load(p, BPF_W, BPF_REG_7, BPF_REG_0, 0);
	jump(p, L_OUT);
	p->insns[skip].off = (int16_t)(p->len - skip - 1);
	jump_if(p, BPF_JEQ, BPF_REG_8, 0, L_OUT);
	mov(p, BPF_REG_1, BPF_REG_9);
	alu_imm(p, BPF_AND, BPF_REG_1, BUCKET_AWAY);
	jump_if(p, BPF_JEQ, BPF_REG_1, 0, L_OUT);
	mov(p, BPF_REG_7, BPF_REG_9);
	alu_imm(p, BPF_RSH, BPF_REG_7, 8);
	alu_imm(p, BPF_AND, BPF_REG_7, 0xff);
	flow_store(p, s->flows_fd);
}

static void assemble(struct asm_prog *p, const struct steer *s, uint64_t seed)
{
	int i;

	mov(p, BPF_REG_6, BPF_REG_1);
	alu_imm(p, BPF_MOV, BPF_REG_7, 0);
	for (i = KEY; i < KEY + KEY_BYTES; i += 8)
		store_imm(p, BPF_DW, i, 0);
	store_imm(p, BPF_DW, FRAG, 0);
	load(p, BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, protocol));
	jump_if(p, BPF_JEQ, BPF_REG_1, htons(0x0800), L_V4);
	jump_if(p, BPF_JEQ, BPF_REG_1, htons(0x86dd), L_V6);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	assemble_v4(p, s);
	assemble_v6(p, s);

	label(p, L_TCP);
	read_packet(p, 14, L_NO_PORTS);
	copy(p, BPF_W, KEY_PORTS, BUF);
	load(p, BPF_B, BPF_REG_1, BPF_REG_10, BUF + 13);
	alu_imm(p, BPF_AND, BPF_REG_1, 0x12);
	alu_imm(p, BPF_MOV, BPF_REG_8, 0);
	jump_if(p, BPF_JNE, BPF_REG_1, 0x02, L_DECIDE);
	alu_imm(p, BPF_MOV, BPF_REG_8, 1);
	jump(p, L_DECIDE);

	label(p, L_PORTS);
	read_packet(p, 4, L_NO_PORTS);
	copy(p, BPF_W, KEY_PORTS, BUF);
	alu_imm(p, BPF_MOV, BPF_REG_8, 0);
	jump(p, L_DECIDE);

	/* a packet of ours, quoted: its destination is the flow's source */
	label(p, L_INNER);
	{
		const int tcp = p->len;

		emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_8, 0, 0, 6);
		jump_if(p, BPF_JNE, BPF_REG_8, 17, L_NO_PORTS);
		p->insns[tcp].off = (int16_t)(p->len - tcp - 1);
	}
	read_packet(p, 4, L_NO_PORTS);
	copy(p, BPF_H, KEY_PORTS, BUF + 2);
	copy(p, BPF_H, KEY_PORTS + 2, BUF);

	label(p, L_NO_PORTS);
	alu_imm(p, BPF_MOV, BPF_REG_8, 0);
	assemble_decision(p, s, seed);

	label(p, L_OUT);
	load(p, BPF_DW, BPF_REG_1, BPF_REG_10, FRAG);
	i = p->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0);
	store(p, BPF_W, KEY_PORTS, BPF_REG_1);
	store_imm(p, BPF_W, KEY_KIND, 1);
	flow_store(p, s->flows_fd);
	p->insns[i].off = (int16_t)(p->len - i - 1);
	mov(p, BPF_REG_0, BPF_REG_7);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);

	for (i = 0; i < p->fixups_len && i < FIXUPS_MAX; i++)
		p->insns[p->fixups[i].insn].off = (int16_t)(p->labels[p->fixups[i].label] - p->fixups[i].insn - 1);
}

static int bpf(int cmd, union bpf_attr *attr)
{
	const long ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : (int)ret;
}

static int map_make(uint32_t type, uint32_t key_bytes, uint32_t entries)
{
	union bpf_attr attr = { .map_type = type, .key_size = key_bytes, .value_size = 4, .max_entries = entries };

	return bpf(BPF_MAP_CREATE, &attr);
}

static int map_set(int fd, uint32_t key, uint32_t value)
{
	union bpf_attr attr = { .map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value, .flags = BPF_ANY };

	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

/* The n-th queue, counted cyclically, that is present. */
static uint32_t nth_present(const struct steer *s, uint32_t n)
{
	uint32_t present = 0, i;

	for (i = 0; i < s->queues; i++)
		present += !(s->away >> i & 1);
	n %= present;
	for (i = 0;; i++)
		if (!(s->away >> i & 1) && !n--)
			return i;
}

static int buckets_write(struct steer *s, int exceptions)
{
	uint32_t i, homes = 0, reserve = 0; /* that are present */

	for (i = 0; i < s->queues; i++)
		*(i < s->homes ? &homes : &reserve) += !(s->away >> i & 1);
	for (i = 0; i < STEER_BUCKETS; i++) {
		const uint32_t home = i % s->homes, turn = i / s->homes % (homes + reserve);
		uint32_t value = home | (exceptions ? BUCKET_EXCEPTIONS : 0);
		int err;

		/* of a home that is there, the reserve has its part of the buckets */
		if (s->away >> home & 1)
			value |= BUCKET_AWAY | nth_present(s, i / s->homes) << 8;
		else if (turn < reserve)
			value |= BUCKET_AWAY | nth_present(s, homes + turn) << 8;
		err = map_set(s->buckets_fd, i, value);
		if (err)
			return err;
	}
	return 0;
}

void steer_close(struct steer *s)
{
	const int fds[] = { s->prog_fd, s->ports_fd, s->buckets_fd, s->flows_fd };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	s->prog_fd = s->ports_fd = s->buckets_fd = s->flows_fd = -1;
}

int steer_open(struct steer *s, uint32_t queues, uint32_t homes, char *err, size_t err_len)
{
	static char log[8192];
	struct asm_prog p = { .len = 0 };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .license = (uintptr_t)"GPL" };
	uint64_t seed = 0;
	int rc;

	*s = (struct steer){ .prog_fd = -1, .ports_fd = -1, .buckets_fd = -1, .flows_fd = -1, .queues = queues, .homes = homes ? homes : queues };
	if (!queues || queues > 64 || homes > queues)
		return -EINVAL;
	for (; homes && homes < queues; homes++)
		s->away |= 1ull << homes;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -errno;
	rc = s->ports_fd = map_make(BPF_MAP_TYPE_ARRAY, 4, 65536);
	if (rc >= 0)
		rc = s->buckets_fd = map_make(BPF_MAP_TYPE_ARRAY, 4, STEER_BUCKETS);
	if (rc >= 0)
		rc = s->flows_fd = map_make(BPF_MAP_TYPE_LRU_HASH, KEY_BYTES, STEER_FLOWS_MAX);
	if (rc >= 0)
		rc = buckets_write(s, 0);
	if (rc < 0)
		goto err_close;
	assemble(&p, s, seed);
	if (p.len > INSNS_MAX || p.fixups_len > FIXUPS_MAX) {
		rc = -E2BIG;
		goto err_close;
	}
	attr.insns = (uintptr_t)p.insns;
	attr.insn_cnt = (uint32_t)p.len;
	rc = s->prog_fd = bpf(BPF_PROG_LOAD, &attr);
	if (rc >= 0)
		return 0;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	bpf(BPF_PROG_LOAD, &attr);
err_close:
	if (err && err_len)
		snprintf(err, err_len, "several queues need a steering program, and the kernel refuses it: %s%s%s", strerror(-rc),
			 log[0] ? ": " : "", strlen(log) > 400 ? log + strlen(log) - 400 : log);
	steer_close(s);
	return rc;
}

int steer_ports(struct steer *s, uint32_t queue, uint16_t first, uint16_t last)
{
	uint32_t port;
	int err = 0;

	if (queue >= s->queues || first > last)
		return -EINVAL;
	for (port = first; port <= last && !err; port++)
		err = map_set(s->ports_fd, port, queue + 1);
	return err;
}

int steer_away(struct steer *s, uint32_t queue, int away)
{
	const uint64_t all = s->queues == 64 ? ~0ull : (1ull << s->queues) - 1, bit = 1ull << (queue & 63);

	if (queue >= s->queues || (away && (s->away | bit) == all))
		return -EINVAL;
	if (away)
		s->away |= bit;
	else
		s->away &= ~bit;
	return buckets_write(s, 1);
}
