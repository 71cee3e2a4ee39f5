// SPDX-License-Identifier: GPL-2.0-only
/*
 * pcap.c - the `pcap` wire: writes what passes on another wire to a file, or plays a file
 *
 * Recording (pcap:file=F,on=SPECIFICATION): every call goes to the wire below; frames that it
 * delivered, and frames that it took, are written with their time in nanoseconds. As with any capture
 * on the sending machine a frame of 64 KiB is one record, and a checksum that is left to the hardware
 * is not filled in. Records gather in a buffer of BUFFER_BYTES for each queue and go out by one
 * write() when it is full, once a second, and at the end. Queues share the file: records of one
 * queue are in order, those of different queues nearly so.
 *
 * A file that cannot be written further (disk full, limit=) ends the recording, not the traffic;
 * wire_pcap_counters() tells.
 *
 * Replay (no on=): the file's frames are what the stack receives, at their distance in time from the
 * first one (speed=real; the first comes when the stack first asks) or as fast as the stack takes
 * them (speed=full); what the stack sends is counted and thrown away. Frames that were cut when they
 * were captured, or that are none, are counted as malformed and left out. A broken record ends the
 * replay. The file is read in pieces of BUFFER_BYTES; waiting is a timerfd.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "pcap.h"
#include "pcap_file.h"
#include "spec.h"

#define BUFFER_BYTES (1u << 20)
#define SECOND_NS 1000000000ull

_Static_assert(BUFFER_BYTES > 2 * (PCAP_RECORD_HEAD + PCAP_CAPLEN_MAX), "any record fits");

struct pcap_queue {
	uint8_t *buffer;
	uint32_t used;
	uint64_t recorded_total, unrecorded_total;
	/* Frames described and to be fetched: their record is written then, with this time. */
	uint64_t burst_ns;
};

struct pcap_wire {
	struct lkl_wire wire; /* first */
	struct lkl_wire_ops ops; /* recording: without what the wire below has not */
	int fd;

	/* recording */
	struct lkl_wire *under;
	struct lkl_wire_stats *own_stats;	/* not used while the wire below counts */
	struct pcap_queue *queues;
	uint32_t snaplen, limit;
	uint64_t written_bytes;
	int32_t error;

	/* replay: bytes [parsed, end) of the buffer wait to be described */
	struct pcap_format format;
	struct rx_list list;
	uint8_t *buffer;
	uint32_t parsed, end;
	uint32_t is_full_speed, is_over, is_started, is_forever;
	uint32_t rounds_left;
	int timer_fd;
	uint64_t start_ns, first_ns;	/* our time of the file's first frame, and its own */
	uint64_t next_due_ns;		/* when the next frame is due; 0: at once */
};

static struct pcap_wire *to_pcap(struct lkl_wire *w)
{
	return (struct pcap_wire *)w;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void free_wire(struct pcap_wire *p)
{
	uint32_t i;

	for (i = 0; p->queues && i < p->wire.queues; i++)
		free(p->queues[i].buffer);
	free(p->queues);
	free(p->buffer);
	if (p->fd >= 0)
		close(p->fd);
	if (p->timer_fd >= 0)
		close(p->timer_fd);
	if (p->own_stats)
		p->wire.stats = p->own_stats;
	wire_free(&p->wire);
}

/* ---- recording ------------------------------------------------------------------------------- */

static void write_out(struct pcap_wire *p, struct pcap_queue *q)
{
	const uint32_t bytes = q->used;
	ssize_t n;

	q->used = 0;
	if (!bytes || __atomic_load_n(&p->error, __ATOMIC_RELAXED))
		return;
	if (p->limit && __atomic_add_fetch(&p->written_bytes, bytes, __ATOMIC_RELAXED) > p->limit) {
		__atomic_store_n(&p->error, -EFBIG, __ATOMIC_RELAXED);
		return;
	}
	n = write(p->fd, q->buffer, bytes);
	if (n != (ssize_t)bytes)
		__atomic_store_n(&p->error, n < 0 ? -errno : -ENOSPC, __ATOMIC_RELAXED);
}

static void record(struct pcap_wire *p, struct pcap_queue *q, uint64_t now_ns, const struct lkl_iov *iov,
		   uint32_t iov_len, uint32_t len)
{
	struct pcap_record_head head = {
		.sec = (uint32_t)(now_ns / SECOND_NS),
		.frac = (uint32_t)(now_ns % SECOND_NS),
		.caplen = len < p->snaplen ? len : p->snaplen,
		.len = len,
	};
	uint32_t left = head.caplen, i;

	if (BUFFER_BYTES - q->used < sizeof(head) + head.caplen)
		write_out(p, q);
	if (__builtin_expect(__atomic_load_n(&p->error, __ATOMIC_RELAXED), 0)) {
		q->unrecorded_total++;
		return;
	}
	memcpy(q->buffer + q->used, &head, sizeof(head));
	q->used += (uint32_t)sizeof(head);
	for (i = 0; i < iov_len && left; i++) {
		const uint32_t n = iov[i].len < left ? (uint32_t)iov[i].len : left;

		memcpy(q->buffer + q->used, iov[i].base, n);
		q->used += n;
		left -= n;
	}
	/* Pieces that are shorter than they should be: never seen, and zeros keep the file in step. */
	memset(q->buffer + q->used, 0, left);
	q->used += left;
	q->recorded_total++;
}

static void follow(struct pcap_wire *p)
{
	p->wire.link_down = p->under->link_down;
	p->wire.mtu_max = p->under->mtu_max;
	p->wire.rx_ring_frames = p->under->rx_ring_frames;
	p->wire.tx_ring_frames = p->under->tx_ring_frames;
	p->wire.ring_frames_max = p->under->ring_frames_max;
}

static int rec_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct lkl_wire *u = to_pcap(w)->under;

	return u->ops->rx_ready(u, queue);
}

static int rec_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	struct pcap_wire *p = to_pcap(w);
	struct pcap_queue *q = &p->queues[queue];
	const int n = p->under->ops->rx_burst(p->under, queue, frames, max);
	int i;

	if (n > 0)
		q->burst_ns = clock_ns(CLOCK_REALTIME);
	for (i = 0; i < n; i++) {
		const struct lkl_iov iov = { frames[i].data, frames[i].head_len };

		if (!(frames[i].flags & LKL_RX_FETCH))
			record(p, q, q->burst_ns, &iov, 1, frames[i].len);
	}
	return n;
}

static int rec_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			struct lkl_vnet_hdr *vnet)
{
	struct pcap_wire *p = to_pcap(w);
	const int len = p->under->ops->rx_fetch(p->under, queue, iov, iov_len, vnet);

	if (len > 0)
		record(p, &p->queues[queue], p->queues[queue].burst_ns, iov, iov_len, (uint32_t)len);
	return len;
}

static void rec_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	struct lkl_wire *u = to_pcap(w)->under;

	u->ops->rx_release(u, queue, n);
}

static int rec_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		  uint32_t iov_len, uint32_t len)
{
	struct pcap_wire *p = to_pcap(w);
	const int ret = p->under->ops->tx(p->under, queue, vnet, iov, iov_len, len);

	if (!ret)
		record(p, &p->queues[queue], clock_ns(CLOCK_REALTIME), iov, iov_len, len);
	return ret;
}

static int rec_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct lkl_wire *u = to_pcap(w)->under;

	return u->ops->tx_ready(u, queue);
}

static void rec_kick(struct lkl_wire *w, uint32_t queue)
{
	struct lkl_wire *u = to_pcap(w)->under;

	u->ops->kick(u, queue);
}

static int rec_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	struct lkl_wire *u = to_pcap(w)->under;

	return u->ops->wait_fd(u, queue);
}

static uint32_t rec_more_fds(struct lkl_wire *w, uint32_t queue, int *fds, uint32_t max)
{
	struct lkl_wire *u = to_pcap(w)->under;

	return u->ops->more_fds(u, queue, fds, max);
}

static void rec_tend(struct lkl_wire *w, uint32_t queue)
{
	struct pcap_wire *p = to_pcap(w);

	p->under->ops->tend(p->under, queue);
	follow(p);
	write_out(p, &p->queues[queue]);
}

static void rec_set_rx_mode(struct lkl_wire *w, uint32_t mode)
{
	struct lkl_wire *u = to_pcap(w)->under;

	u->ops->set_rx_mode(u, mode);
}

static int rec_set_rx_offloads(struct lkl_wire *w, uint32_t features)
{
	struct lkl_wire *u = to_pcap(w)->under;

	return u->ops->set_rx_offloads(u, features);
}

static int rec_set_rings(struct lkl_wire *w, uint32_t rx_frames, uint32_t tx_frames)
{
	struct pcap_wire *p = to_pcap(w);
	const int ret = p->under->ops->set_rings(p->under, rx_frames, tx_frames);

	follow(p);
	return ret;
}

static void rec_close(struct lkl_wire *w)
{
	struct pcap_wire *p = to_pcap(w);
	uint32_t i;

	for (i = 0; i < w->queues; i++)
		write_out(p, &p->queues[i]);
	p->under->ops->close(p->under);
	free_wire(p);
}

static const struct lkl_wire_ops record_ops = {
	.name = "pcap",
	.rx_ready = rec_rx_ready,
	.rx_burst = rec_rx_burst,
	.rx_fetch = rec_rx_fetch,
	.rx_release = rec_rx_release,
	.tx = rec_tx,
	.tx_ready = rec_tx_ready,
	.kick = rec_kick,
	.wait_fd = rec_wait_fd,
	.more_fds = rec_more_fds,
	.tend = rec_tend,
	.set_rx_mode = rec_set_rx_mode,
	.set_rx_offloads = rec_set_rx_offloads,
	.set_rings = rec_set_rings,
	.close = rec_close,
};

/* ---- replay ---------------------------------------------------------------------------------- */

/* When waiting shall end: at a time, at once (1), or not at all (0). */
static void timer_set(struct pcap_wire *p, uint64_t at_ns)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(at_ns / SECOND_NS), .tv_nsec = (long)(at_ns % SECOND_NS) },
	};

	timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void replay_over(struct pcap_wire *p)
{
	__atomic_store_n(&p->is_over, 1, __ATOMIC_RELAXED);
	timer_set(p, 0);
}

static int play_rx_ready(struct lkl_wire *w, uint32_t queue)
{
	struct pcap_wire *p = to_pcap(w);
	const uint64_t due = __atomic_load_n(&p->next_due_ns, __ATOMIC_RELAXED);

	return !__atomic_load_n(&p->is_over, __ATOMIC_RELAXED) && (!due || due <= clock_ns(CLOCK_MONOTONIC));
}

/* More of the file, which may begin anew. 0: there is no more, or no room until frames are released. */
static int play_fill(struct pcap_wire *p)
{
	ssize_t n;

	if (!rx_list_outstanding(&p->list) && p->parsed) {
		memmove(p->buffer, p->buffer + p->parsed, p->end - p->parsed);
		p->end -= p->parsed;
		p->parsed = 0;
	}
	if (p->end == BUFFER_BYTES)
		return 0;
	p->wire.stats->calls_total++;
	n = read(p->fd, p->buffer + p->end, BUFFER_BYTES - p->end);
	if (n > 0) {
		p->end += (uint32_t)n;
		return 1;
	}
	if (p->end != p->parsed || n < 0) {
		/* The last record is cut, or the file cannot be read. */
		p->wire.stats->rx_malformed_total++;
		p->parsed = p->end;
		replay_over(p);
		return 0;
	}
	if ((p->is_forever || --p->rounds_left) && lseek(p->fd, PCAP_FILE_HEAD, SEEK_SET) > 0) {
		p->is_started = 0;
		/* A file without frames would keep us here for ever. */
		n = read(p->fd, p->buffer + p->end, BUFFER_BYTES - p->end);
		p->end += n > 0 ? (uint32_t)n : 0;
		if (n > 0)
			return 1;
	}
	replay_over(p);
	return 0;
}

/* Is the next frame due? If not, waiting ends when it is. */
static int play_due(struct pcap_wire *p, const struct pcap_record *rec)
{
	uint64_t now, due;

	if (p->is_full_speed)
		return 1;
	now = clock_ns(CLOCK_MONOTONIC);
	if (!p->is_started) {
		p->is_started = 1;
		p->start_ns = now;
		p->first_ns = rec->time_ns;
	}
	/* A time before the first frame's: at once. */
	due = rec->time_ns > p->first_ns ? p->start_ns + (rec->time_ns - p->first_ns) : 0;
	if (due <= now)
		return 1;
	if (due != p->next_due_ns) {
		__atomic_store_n(&p->next_due_ns, due, __ATOMIC_RELAXED);
		timer_set(p, due);
	}
	return 0;
}

static int play_rx_burst(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max)
{
	static const struct lkl_vnet_hdr no_vnet;
	struct pcap_wire *p = to_pcap(w);
	struct lkl_wire_stats *stats = w->stats;
	uint32_t n = 0, skipped = 0;
	struct pcap_record rec;

	while (n < max && skipped < RX_LIST_MAX && !p->is_over && rx_list_outstanding(&p->list) < RX_LIST_MAX) {
		uint8_t *at = p->buffer + p->parsed;

		switch (pcap_record_judge(at, p->end - p->parsed, &p->format, &rec)) {
		case PCAP_SHORT:
			if (n || !play_fill(p))
				goto out;
			continue;
		case PCAP_BROKEN:
			stats->rx_malformed_total++;
			p->parsed = p->end;
			replay_over(p);
			goto out;
		case PCAP_RECORD:
			break;
		}
		if (!play_due(p, &rec))
			goto out;
		p->parsed += PCAP_RECORD_HEAD + rec.caplen;
		if (rec.caplen < ETH_HLEN || rec.caplen > WIRE_FRAME_MAX || rec.caplen != rec.len) {
			stats->rx_malformed_total++;
			skipped++;
			continue;
		}
		rx_list_push(&p->list, at + PCAP_RECORD_HEAD, rec.caplen, &no_vnet, 0, &frames[n++]);
		stats->rx_bytes_total += rec.caplen;
	}
out:
	stats->rx_frames_total += n;
	return (int)n;
}

static int play_rx_fetch(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			 struct lkl_vnet_hdr *vnet)
{
	w->stats->rx_fetched_total++;
	return rx_list_fetch(&to_pcap(w)->list, iov, iov_len, vnet);
}

static void play_rx_release(struct lkl_wire *w, uint32_t queue, uint32_t n)
{
	rx_list_release(&to_pcap(w)->list, n, 0);
}

static int play_tx(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		   uint32_t iov_len, uint32_t len)
{
	const int err = wire_tx_check(w, vnet, iov_len, len);

	if (err) {
		w->stats->tx_errors_total++;
		return err;
	}
	w->stats->tx_frames_total++;
	w->stats->tx_bytes_total += len;
	return 0;
}

static int play_tx_ready(struct lkl_wire *w, uint32_t queue)
{
	return 1;
}

static void play_kick(struct lkl_wire *w, uint32_t queue)
{
}

static int play_wait_fd(struct lkl_wire *w, uint32_t queue)
{
	return to_pcap(w)->timer_fd;
}

static void play_tend(struct lkl_wire *w, uint32_t queue)
{
}

static void play_close(struct lkl_wire *w)
{
	free_wire(to_pcap(w));
}

static const struct lkl_wire_ops play_ops = {
	.name = "pcap",
	.rx_ready = play_rx_ready,
	.rx_burst = play_rx_burst,
	.rx_fetch = play_rx_fetch,
	.rx_release = play_rx_release,
	.tx = play_tx,
	.tx_ready = play_tx_ready,
	.kick = play_kick,
	.wait_fd = play_wait_fd,
	.tend = play_tend,
	.close = play_close,
};

int wire_pcap_counters(const struct lkl_wire *w, struct wire_pcap_counters *counters)
{
	const struct pcap_wire *p = (const struct pcap_wire *)w;
	uint32_t i;

	if (strcmp(w->ops->name, "pcap"))
		return -EINVAL;
	memset(counters, 0, sizeof(*counters));
	for (i = 0; p->queues && i < w->queues; i++) {
		counters->recorded_total += p->queues[i].recorded_total;
		counters->unrecorded_total += p->queues[i].unrecorded_total;
	}
	counters->error = p->error;
	counters->is_replay_over = p->is_over;
	return 0;
}

/* ---- open ------------------------------------------------------------------------------------ */

struct pcap_conf {
	char file[256];
	char on[WIRE_SPEC_MAX + 1];
	uint32_t speed, loop, snaplen, limit, mtu;
	uint8_t mac[6];
};

enum { SPEED_REAL, SPEED_FULL };

static const struct wire_opt pcap_opts[] = {
	{ "file", WIRE_O_STRING, offsetof(struct pcap_conf, file), 1, 255, NULL, WIRE_O_REQUIRED, NULL,
	  "the capture file; recording overwrites it" },
	{ "snaplen", WIRE_O_UINT, offsetof(struct pcap_conf, snaplen), ETH_HLEN, PCAP_CAPLEN_MAX, NULL, 0, NULL,
	  "recording: bytes of a frame to keep (262144)" },
	{ "limit", WIRE_O_BYTES, offsetof(struct pcap_conf, limit), 1 << 20, 4095u << 20, NULL, 0, NULL,
	  "recording: end it when the file is that large" },
	{ "speed", WIRE_O_CHOICE, offsetof(struct pcap_conf, speed), 0, 0, "real|full", 0, NULL,
	  "replay: at the times of the file (real), or as fast as the stack takes it" },
	{ "loop", WIRE_O_UINT, offsetof(struct pcap_conf, loop), 1, UINT32_MAX, NULL, 0, NULL,
	  "replay: how many times (1); 4294967295 is for ever" },
	{ "mtu", WIRE_O_UINT, offsetof(struct pcap_conf, mtu), 68, 65521, NULL, 0, NULL, "replay: MTU (1500)" },
	{ "mac", WIRE_O_MAC, offsetof(struct pcap_conf, mac), 0, 0, NULL, 0, NULL,
	  "replay: the stack's address; without it one by chance" },
	{ "on", WIRE_O_REST, offsetof(struct pcap_conf, on), 1, WIRE_SPEC_MAX, NULL, 0, NULL,
	  "recording: the wire to record, to the end of the text" },
};

static int fail_file(const struct pcap_conf *c, char *err, size_t err_len, int ret, const char *text)
{
	wire_say(err, err_len, "pcap: %s: %s", c->file, text ? text : strerror(-ret));
	return ret;
}

static int open_recording(const struct pcap_conf *c, struct lkl_wire **out, char *err, size_t err_len)
{
	static const uint8_t none[6];
	const struct pcap_file_head head = {
		.magic = PCAP_MAGIC_NS, .major = 2, .minor = 4,
		.snaplen = c->snaplen ? c->snaplen : PCAP_CAPLEN_MAX, .link = PCAP_LINK_ETHERNET,
	};
	struct lkl_wire *under = NULL;
	struct pcap_wire *p;
	struct stat st;
	uint32_t i;
	int ret;

	if (c->speed || c->loop || c->mtu || memcmp(c->mac, none, 6))
		return fail_file(c, err, err_len, -EINVAL,
				 "speed, loop, mtu and mac are for replay; with on= the wire below has its own");
	ret = wire_open(c->on, &under, err, err_len);
	if (ret)
		return ret;
	p = wire_new(sizeof(*p), under->queues);
	if (!p) {
		under->ops->close(under);
		return -ENOMEM;
	}
	p->fd = p->timer_fd = -1;
	p->under = under;
	p->snaplen = head.snaplen;
	p->limit = c->limit;
	p->queues = calloc(under->queues, sizeof(*p->queues));
	ret = -ENOMEM;
	if (!p->queues)
		goto err_free;
	for (i = 0; i < under->queues; i++) {
		p->queues[i].buffer = malloc(BUFFER_BYTES);
		if (!p->queues[i].buffer)
			goto err_free;
	}
	p->fd = open(c->file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
	if (p->fd < 0 || fstat(p->fd, &st)) {
		ret = fail_file(c, err, err_len, -errno, NULL);
		goto err_free;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = fail_file(c, err, err_len, -EINVAL, "not a regular file");
		goto err_free;
	}
	if (write(p->fd, &head, sizeof(head)) != sizeof(head)) {
		ret = fail_file(c, err, err_len, errno ? -errno : -ENOSPC, NULL);
		goto err_free;
	}
	p->written_bytes = sizeof(head);
	p->ops = record_ops;
	if (!under->ops->more_fds)
		p->ops.more_fds = NULL;
	if (!under->ops->set_rx_mode)
		p->ops.set_rx_mode = NULL;
	if (!under->ops->set_rx_offloads)
		p->ops.set_rx_offloads = NULL;
	if (!under->ops->set_rings)
		p->ops.set_rings = NULL;
	p->own_stats = p->wire.stats;
	p->wire.stats = under->stats;
	p->wire.ops = &p->ops;
	p->wire.features = under->features;
	p->wire.mtu = under->mtu;
	memcpy(p->wire.mac, under->mac, 6);
	follow(p);
	*out = &p->wire;
	return 0;

err_free:
	under->ops->close(under);
	free_wire(p);
	return ret;
}

static int open_replay(const struct pcap_conf *c, struct lkl_wire **out, char *err, size_t err_len)
{
	uint8_t head[PCAP_FILE_HEAD];
	struct pcap_wire *p;
	const char *mistake;
	struct stat st;
	ssize_t n;
	int ret;

	if (c->snaplen || c->limit)
		return fail_file(c, err, err_len, -EINVAL, "snaplen and limit are for recording, which needs on=");
	p = wire_new(sizeof(*p), 1);
	if (!p)
		return -ENOMEM;
	p->timer_fd = -1;
	p->fd = open(c->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0 || fstat(p->fd, &st)) {
		ret = fail_file(c, err, err_len, -errno, NULL);
		goto err_free;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = fail_file(c, err, err_len, -EINVAL, "not a regular file");
		goto err_free;
	}
	n = read(p->fd, head, sizeof(head));
	mistake = pcap_file_judge(head, n < 0 ? 0 : (uint64_t)n, &p->format);
	if (mistake) {
		ret = fail_file(c, err, err_len, -EINVAL, mistake);
		goto err_free;
	}
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	p->buffer = malloc(BUFFER_BYTES);
	if (p->timer_fd < 0 || !p->buffer) {
		ret = fail_file(c, err, err_len, p->timer_fd < 0 ? -errno : -ENOMEM, NULL);
		goto err_free;
	}
	timer_set(p, 1);
	memcpy(p->wire.mac, c->mac, 6);
	ret = wire_mac_or_random(p->wire.mac);
	if (ret)
		goto err_free;
	p->is_full_speed = c->speed == SPEED_FULL;
	p->rounds_left = c->loop ? c->loop : 1;
	p->is_forever = c->loop == UINT32_MAX;
	p->wire.ops = &play_ops;
	p->wire.mtu = c->mtu ? c->mtu : 1500;
	*out = &p->wire;
	return 0;

err_free:
	free_wire(p);
	return ret;
}

static int pcap_open(const void *conf, struct lkl_wire **out, char *err, size_t err_len)
{
	const struct pcap_conf *c = conf;

	return c->on[0] ? open_recording(c, out, err, err_len) : open_replay(c, out, err, err_len);
}

const struct wire_type wire_pcap_type = {
	.name = "pcap",
	.help = "records what passes on another wire (with on=), or plays a capture file",
	.privileges = "those of the wire below; else access to the file",
	.opts = pcap_opts,
	.opts_len = sizeof(pcap_opts) / sizeof(pcap_opts[0]),
	.conf_bytes = sizeof(struct pcap_conf),
	.open = pcap_open,
};
