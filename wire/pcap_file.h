/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcap_file.h - the pcap file format (draft-ietf-opsawg-pcap), without any input and output
 *
 * Pure functions, apart from pcap.c so that tests and a fuzz target reach them. Read: times in
 * microseconds or nanoseconds, either byte order, Ethernet. Written: nanoseconds, our byte order.
 * pcapng is told apart, and refused by name.
 */
#ifndef WIRE_PCAP_FILE_H
#define WIRE_PCAP_FILE_H

#include <stdint.h>
#include <string.h>

#define PCAP_FILE_HEAD 24u
#define PCAP_RECORD_HEAD 16u
#define PCAP_MAGIC_US 0xa1b2c3d4u
#define PCAP_MAGIC_NS 0xa1b23c4du
#define PCAPNG_MAGIC 0x0a0d0d0au
#define PCAP_LINK_ETHERNET 1u
/* What libpcap takes as the largest captured length; more means that we are out of step. */
#define PCAP_CAPLEN_MAX 262144u

struct pcap_file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, sigfigs, snaplen, link;
};

struct pcap_record_head {
	uint32_t sec, frac, caplen, len;
};

struct pcap_format {
	uint32_t is_swapped;	/* the other byte order */
	uint32_t frac_ns;	/* nanoseconds that a unit of the fraction is: 1 or 1000 */
};

struct pcap_record {
	uint64_t time_ns;
	uint32_t caplen, len;
};

enum pcap_verdict {
	PCAP_RECORD,	/* whole; data behind the record's head */
	PCAP_SHORT,	/* the record has rec->caplen bytes, not all of which are there */
	PCAP_BROKEN,	/* no record can look like that */
};

/* What is wrong with the first PCAP_FILE_HEAD bytes of a file, or NULL and *format. */
static inline const char *pcap_file_judge(const uint8_t *data, uint64_t avail, struct pcap_format *format)
{
	struct pcap_file_head h;

	if (avail >= 4) {
		memcpy(&h.magic, data, 4);
		if (h.magic == PCAPNG_MAGIC)
			return "a pcapng file, which is not supported; convert it to pcap (editcap -F nsecpcap)";
	}
	if (avail < PCAP_FILE_HEAD)
		return "too short for a pcap file";
	memcpy(&h, data, sizeof(h));
	format->is_swapped = h.magic == __builtin_bswap32(PCAP_MAGIC_US) || h.magic == __builtin_bswap32(PCAP_MAGIC_NS);
	if (format->is_swapped) {
		h.magic = __builtin_bswap32(h.magic);
		h.major = __builtin_bswap16(h.major);
		h.link = __builtin_bswap32(h.link);
	}
	if (h.magic != PCAP_MAGIC_US && h.magic != PCAP_MAGIC_NS)
		return "not a pcap file";
	if (h.major != 2)
		return "a pcap file of another version than 2";
	/* The upper bits tell of frame check sequences. */
	if ((h.link & 0xffff) != PCAP_LINK_ETHERNET)
		return "a capture of another link type than Ethernet";
	format->frac_ns = h.magic == PCAP_MAGIC_NS ? 1 : 1000;
	return NULL;
}

static inline enum pcap_verdict pcap_record_judge(const uint8_t *data, uint64_t avail,
						  const struct pcap_format *format, struct pcap_record *rec)
{
	struct pcap_record_head h;

	rec->caplen = 0;
	if (avail < PCAP_RECORD_HEAD)
		return PCAP_SHORT;
	memcpy(&h, data, sizeof(h));
	if (format->is_swapped) {
		h.sec = __builtin_bswap32(h.sec);
		h.frac = __builtin_bswap32(h.frac);
		h.caplen = __builtin_bswap32(h.caplen);
		h.len = __builtin_bswap32(h.len);
	}
	rec->caplen = h.caplen;
	rec->len = h.len;
	if (h.caplen > PCAP_CAPLEN_MAX || (uint64_t)h.frac * format->frac_ns >= 1000000000u)
		return PCAP_BROKEN;
	rec->time_ns = h.sec * 1000000000ull + (uint64_t)h.frac * format->frac_ns;
	return avail - PCAP_RECORD_HEAD < h.caplen ? PCAP_SHORT : PCAP_RECORD;
}

#endif /* WIRE_PCAP_FILE_H */
