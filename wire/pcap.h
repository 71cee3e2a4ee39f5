/* SPDX-License-Identifier: GPL-2.0-only */
/* pcap.h - what only a pcap wire knows */
#ifndef WIRE_PCAP_H
#define WIRE_PCAP_H

#include <stdint.h>

struct lkl_wire;

struct wire_pcap_counters {
	uint64_t recorded_total;	/* frames in the file or on their way to it */
	uint64_t unrecorded_total;	/* frames that passed, but are not in the file: it is at its limit, or full */
	int32_t error;			/* negative errno that ended the recording; 0: none. -EFBIG: the limit */
	uint32_t is_replay_over;	/* replay: all has been delivered */
};

/* [any thread] 0, or -EINVAL: no pcap wire. */
int wire_pcap_counters(const struct lkl_wire *w, struct wire_pcap_counters *counters);

#endif /* WIRE_PCAP_H */
