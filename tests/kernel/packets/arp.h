/* SPDX-License-Identifier: GPL-2.0-only */
/* arp.h - the peer's answer to ARP, for tests that play the peer of a stack (stack.h): every address but the stack's own is its */
#ifndef TESTS_KERNEL_PACKETS_ARP_H
#define TESTS_KERNEL_PACKETS_ARP_H

#include <string.h>

#include "bytes.h"
#include "stack.h"

/* Answer a frame if it is a request for one of the peer's addresses; others are left alone. */
static inline void answer_arp(const struct stack *stack, const uint8_t *frame, int len)
{
	uint8_t reply[42];

	if (len < 42 || get16(frame + 12) != 0x0806 || get16(frame + 20) != 1 || get32(frame + 38) == STACK_ADDR)
		return;
	memcpy(reply, frame, 42);
	memcpy(reply, STACK_MAC, 6);
	memcpy(reply + 6, PEER_MAC, 6);
	put16(reply + 20, 2);
	memcpy(reply + 22, PEER_MAC, 6);
	memcpy(reply + 28, frame + 38, 4);
	memcpy(reply + 32, frame + 22, 10);
	stack->inject(reply, sizeof(reply));
}

#endif /* TESTS_KERNEL_PACKETS_ARP_H */
