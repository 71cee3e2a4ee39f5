// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_stream.c - libFuzzer target: a socket wire whose peer sends arbitrary bytes
 *
 * The bytes go in two pieces, so that a frame or its length may be cut between reads. For each frame
 * the promises of struct lkl_rx_frame are asserted.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lkl_wire *w;
static struct sockaddr_un addr = { .sun_family = AF_UNIX };

static void drain(void)
{
	static uint8_t big[WIRE_FRAME_MAX];
	const struct lkl_iov iov = { big, sizeof(big) };
	struct lkl_rx_frame frames[8];
	int n, i, idle = 0;

	while (idle < 2) {
		n = w->ops->rx_burst(w, 0, frames, 8);
		idle = n ? 0 : idle + 1;
		for (i = 0; i < n; i++) {
			volatile const uint8_t *p = frames[i].data;

			assert(frames[i].len >= ETH_HLEN && frames[i].len <= WIRE_FRAME_MAX);
			(void)p[0];
			(void)p[frames[i].head_len - 1];
			if (frames[i].flags & LKL_RX_FETCH)
				assert(w->ops->rx_fetch(w, 0, &iov, 1, &frames[i].vnet) == (int)frames[i].len);
		}
		w->ops->rx_release(w, 0, (uint32_t)n);
	}
}

static void at_end(void)
{
	w->ops->close(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t first = size / 2;
	char spec[200], err[300];
	int fd, tries;

	if (!w) {
		snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/fuzz_stream-%d", (int)getpid());
		snprintf(spec, sizeof(spec), "socket:path=%s,listen,mtu=65520", addr.sun_path);
		if (wire_open(spec, &w, err, sizeof(err)))
			abort();
		atexit(at_end);
	}
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		abort();
	drain();
	if (size > 100000)
		size = 100000;
	(void)!send(fd, data, first < size ? first : size, MSG_DONTWAIT | MSG_NOSIGNAL);
	drain();
	if (first < size)
		(void)!send(fd, data + first, size - first, MSG_DONTWAIT | MSG_NOSIGNAL);
	drain();
	close(fd);
	for (tries = 0; tries < 100 && !w->link_down; tries++) {
		drain();
		w->ops->tend(w, 0);
	}
	assert(w->link_down);
	return 0;
}
