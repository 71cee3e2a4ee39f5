// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_pcap.c - libFuzzer target: a pcap wire that plays an arbitrary file at full speed
 *
 * For each frame the promises of struct lkl_rx_frame are asserted, and every byte is read.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t big[WIRE_FRAME_MAX];
	const struct lkl_iov iov = { big, sizeof(big) };
	struct lkl_rx_frame frames[8];
	struct lkl_wire *w = NULL;
	char spec[100], err[300];
	int fd = memfd_create("pcap", 0), n, i;
	uint32_t k, turns = 0, sum = 0;

	if (write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(spec, sizeof(spec), "pcap:file=/proc/self/fd/%d,speed=full,loop=2", fd);
	if (!wire_open(spec, &w, err, sizeof(err))) {
		while (w->ops->rx_ready(w, 0)) {
			assert(turns++ < 100000);
			n = w->ops->rx_burst(w, 0, frames, 8);
			for (i = 0; i < n; i++) {
				const uint8_t *p = frames[i].data;

				assert(frames[i].len >= ETH_HLEN && frames[i].len <= WIRE_FRAME_MAX);
				for (k = 0; k < frames[i].head_len; k++)
					sum += p[k];
				if (frames[i].flags & LKL_RX_FETCH)
					assert(w->ops->rx_fetch(w, 0, &iov, 1, &frames[i].vnet) == (int)frames[i].len);
			}
			w->ops->rx_release(w, 0, (uint32_t)n);
		}
		w->ops->close(w);
	}
	close(fd);
	assert(sum || !sum);
	return 0;
}
