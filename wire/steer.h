/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steer.h - which queue of a group a received frame goes to
 *
 * An eBPF program for PACKET_FANOUT_EBPF (or TUNSETSTEERINGEBPF) and its three maps. The rule, for IPv4 and IPv6:
 *
 *	1. the destination port lies in a queue's own range (ephemeral ports)	-> that queue
 *	2. else the bucket of hash(source address, source port)			-> the bucket's home queue
 *
 * ICMP errors are steered as the flow of the packet that they quote. A fragment is steered as its datagram's first one, which
 * holds the ports and comes first as a rule; one that comes before it goes by addresses alone, and the datagram is lost. (On
 * the packet wire that is so for IPv6 only: IPv4 datagrams are put together before they come here.) What has no ports goes by
 * its source address; what is not IP goes to queue 0.
 *
 * Homes are the first `homes` queues. The others are a reserve, away at first. One that is made present gets an even share of the
 * new flows in the same way as a substitute, flow by flow; old flows stay where they are.
 *
 * A queue that is *away* gets no new flows: a SYN whose bucket's home is away goes to the bucket's substitute, and the flow is
 * written into a map of exceptions (LRU, STEER_FLOWS_MAX), so that its further packets follow it, also when the home is back.
 * Packets of old flows still go home. Buckets that never had an exception don't look there.
 */
#ifndef WIRE_STEER_H
#define WIRE_STEER_H

#include <stddef.h>
#include <stdint.h>

#define STEER_BUCKETS 1024u
#define STEER_FLOWS_MAX 65536u

struct steer {
	int prog_fd;
	int ports_fd, buckets_fd, flows_fd;
	uint32_t queues, homes;
	uint64_t away;	/* bit i: queue i */
};

/*
 * Load program and maps for `queues` queues (1 .. 64); buckets are spread evenly over the first `homes` of them (0: all), the
 * others are away. 0, or -errno with a sentence in err.
 */
int steer_open(struct steer *steer, uint32_t queues, uint32_t homes, char *err, size_t err_len);
void steer_close(struct steer *steer);

/* Destination ports first .. last go to `queue`. 0 or -errno. */
int steer_ports(struct steer *steer, uint32_t queue, uint16_t first, uint16_t last);

/* The queue gets no new flows (1), or its share again (0). -EINVAL: no such queue, or no other is left. */
int steer_away(struct steer *steer, uint32_t queue, int away);

#endif /* WIRE_STEER_H */
