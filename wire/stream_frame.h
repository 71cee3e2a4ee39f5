/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream_frame.h - frames in a byte stream: four bytes of length, big endian, then the frame
 *
 * A pure function, apart from socket.c so that tests and a fuzz target reach it.
 */
#ifndef WIRE_STREAM_FRAME_H
#define WIRE_STREAM_FRAME_H

#include <stdint.h>

#define STREAM_PREFIX_BYTES 4u

enum stream_verdict {
	STREAM_FRAME,	/* a frame of *len bytes stands behind the prefix */
	STREAM_SHORT,	/* the frame has *len bytes, not all of which are there; *len 0: not even the prefix */
	STREAM_RUNT,	/* whole, but no Ethernet frame: skip prefix and *len bytes */
	STREAM_BROKEN,	/* no length that a frame can have: the stream is out of step, and stays so */
};

static inline enum stream_verdict stream_frame_judge(const uint8_t *data, uint64_t avail, uint32_t frame_max,
						     uint32_t *len)
{
	*len = 0;
	if (avail < STREAM_PREFIX_BYTES)
		return STREAM_SHORT;
	*len = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
	if (*len > frame_max || !*len)
		return STREAM_BROKEN;
	if (avail - STREAM_PREFIX_BYTES < *len)
		return STREAM_SHORT;
	return *len < 14 ? STREAM_RUNT : STREAM_FRAME;
}

#endif /* WIRE_STREAM_FRAME_H */
