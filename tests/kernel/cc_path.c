// SPDX-License-Identifier: GPL-2.0-only
/*
 * cc_path.c - see cc_path.h
 *
 * Packets pass the bottleneck in order, so what the receiver answers to one is known when it enters the queue: the answer waits in
 * `acks` until its time, the packet's way through the queue plus the round trip. A shorter round trip does not let answers
 * overtake.
 */
#include "harness.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include "cc_path.h"
#include "packets/arp.h"
#include "packets/bytes.h"

#define ETH 14
#define IP 20
#define PEER_ISS 1000u

static const struct stack *const stk = &stack_lkl;

/* ---- to the sender ---- */

static int inject(struct cc_path *p, int flags, uint32_t seq, uint32_t ack, const uint8_t *options, size_t options_len)
{
	uint8_t frame[ETH + IP + 60] = { 0 }, *ip = frame + ETH, *tcp = ip + IP;
	size_t tcp_len = 20 + options_len;

	memcpy(frame, STACK_MAC, 6);
	memcpy(frame + 6, PEER_MAC, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, IP + tcp_len);
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	put32(ip + 12, p->peer_addr);
	put32(ip + 16, STACK_ADDR);
	put16(ip + 10, fold(sum(ip, IP, 0)));
	put16(tcp, p->peer_port);
	put16(tcp + 2, p->stack_port);
	put32(tcp + 4, PEER_ISS + seq);
	put32(tcp + 8, p->stack_iss + ack);
	tcp[12] = tcp_len / 4 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 65535);
	memcpy(tcp + 20, options, options_len);
	put16(tcp + 16, fold(sum(tcp, tcp_len, pseudo_sum(ip, tcp_len))));
	return stk->inject(frame, ETH + IP + tcp_len);
}

int64_t path_param(const struct cc_path *p, const char *key)
{
	uint64_t value = 0;
	int err = lkl_cc_param_get(p->fd, key, &value);

	return err ? err : (int64_t)value;
}

void path_look(struct cc_path *p)
{
	const struct algorithm *a = p->algorithm;
	struct view *v = &p->view;
	struct tcp_info ti = { 0 };
	int len = sizeof(ti);

	lkl_sys_getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	v->at_ns = stk->now_ns();
	v->was = v->state;
	v->state = path_param(p, a->state_key);
	v->cwnd = ti.tcpi_snd_cwnd;
	v->ssthresh = ti.tcpi_snd_ssthresh;
	v->inflight = ti.tcpi_unacked - ti.tcpi_sacked - ti.tcpi_lost + ti.tcpi_retrans;
	v->srtt_us = ti.tcpi_rtt;
	v->pacing = ti.tcpi_pacing_rate;
	v->retrans = ti.tcpi_total_retrans;
	a->look(p);
	if (v->state == v->was || v->state < 0 || v->state >= a->states)
		return;
	if (!(a->ways[v->was] & 1 << v->state))
		p->bad_way = 1;
	p->last_ns[v->was] = v->at_ns - p->entered_ns;
	p->entered_ns = v->at_ns;
	p->visits[v->state]++;
}

void path_show(const struct cc_path *p)
{
	const struct view *v = &p->view;

	fprintf(stderr, "  %s, state %d, cwnd %u, ssthresh %u, inflight %u, pacing %lld, min_rtt %u, srtt %u us; %llu packets, %llu + %llu dropped, "
		"%llu marked; ", p->algorithm->name, v->state, v->cwnd, v->ssthresh, v->inflight, (long long)v->pacing, v->min_rtt_us, v->srtt_us,
		(unsigned long long)p->packets, (unsigned long long)p->drops, (unsigned long long)p->full_drops, (unsigned long long)p->marks);
	p->algorithm->show(v);
	fprintf(stderr, "\n");
}

void path_wrong(struct cc_path *p, const char *what)
{
	if (!what || p->is_wrong++)
		return;
	fprintf(stderr, "after an acknowledgement: %s\n", what);
	path_show(p);
}

static int acknowledge(struct cc_path *p)
{
	uint8_t options[28] = { 1, 1, 5, 0 };
	uint32_t i;
	int err;

	const uint32_t at = p->tail++ % ACKS_MAX, n = p->acks[at].n_sack;

	for (i = 0; i < n; i++) {
		put32(options + 4 + 8 * i, p->stack_iss + p->acks[at].sack[i][0]);
		put32(options + 8 + 8 * i, p->stack_iss + p->acks[at].sack[i][1]);
	}
	options[3] = 2 + 8 * n;
	err = inject(p, 0x10 | (p->acks[at].ece ? 0x40 : 0), 1, p->acks[at].ack, options, n ? 4 + 8 * n : 0);
	if (err)
		return err;
	path_look(p);
	if (p->watch)
		p->watch(p);
	return 0;
}

/* ---- from the sender ---- */

static void take_range(struct cc_path *p, uint32_t from, uint32_t to)
{
	int i, k;

	if ((int32_t)(from - p->rcv_nxt) < 0)
		from = p->rcv_nxt;
	if ((int32_t)(to - from) <= 0)
		return;
	/* Ranges in order; those that touch become one. */
	for (i = 0; i < p->n_ranges && (int32_t)(p->ranges[i].to - from) < 0; i++)
		;
	for (k = i; k < p->n_ranges && (int32_t)(p->ranges[k].from - to) <= 0; k++) {
		if ((int32_t)(p->ranges[k].from - from) < 0)
			from = p->ranges[k].from;
		if ((int32_t)(p->ranges[k].to - to) > 0)
			to = p->ranges[k].to;
	}
	if (k == i && p->n_ranges == RANGES_MAX)
		return;
	memmove(&p->ranges[i + 1], &p->ranges[k], (p->n_ranges - k) * sizeof(p->ranges[0]));
	p->n_ranges += 1 - (k - i);
	p->ranges[i].from = p->newest.from = from;
	p->ranges[i].to = p->newest.to = to;
	if (p->ranges[0].from == p->rcv_nxt) {
		p->rcv_nxt = p->ranges[0].to;
		memmove(&p->ranges[0], &p->ranges[1], --p->n_ranges * sizeof(p->ranges[0]));
	}
}

static int answer_later(struct cc_path *p, int64_t at_ns)
{
	const uint32_t at = p->head % ACKS_MAX;
	int i, n = 0;

	if (p->head - p->tail == ACKS_MAX)
		return -ENOSPC;
	if (p->head != p->tail && p->acks[(p->head - 1) % ACKS_MAX].at_ns > at_ns)
		at_ns = p->acks[(p->head - 1) % ACKS_MAX].at_ns;
	p->acks[at].at_ns = at_ns;
	p->acks[at].ack = p->rcv_nxt;
	p->acks[at].ece = p->echo;
	if (p->n_ranges && (int32_t)(p->newest.from - p->rcv_nxt) > 0) {
		p->acks[at].sack[n][0] = p->newest.from;
		p->acks[at].sack[n++][1] = p->newest.to;
	}
	for (i = p->n_ranges - 1; i >= 0 && n < 3; i--)
		if (!n || p->ranges[i].from != p->acks[at].sack[0][0]) {
			p->acks[at].sack[n][0] = p->ranges[i].from;
			p->acks[at].sack[n++][1] = p->ranges[i].to;
		}
	p->acks[at].n_sack = n;
	p->head++;
	return 0;
}

static int take(struct cc_path *p, const uint8_t *frame, int len, int64_t at_ns)
{
	const uint8_t *ip = frame + ETH, *tcp = ip + IP;
	enum verdict verdict;
	uint32_t seq, data;
	int64_t waits_ns;

	answer_arp(stk, frame, len);
	if (len < ETH + IP + 20 || get16(frame + 12) != 0x0800 || ip[9] != IPPROTO_TCP || get16(tcp + 2) != p->peer_port ||
	    get16(tcp) != p->stack_port)
		return 0;
	data = get16(ip + 2) - IP - (tcp[12] >> 4) * 4;
	if (!data)
		return 0;
	p->packets++;
	p->sent_ns = at_ns;
	verdict = p->verdict ? p->verdict(p) : PASS;
	waits_ns = p->busy_until_ns > at_ns ? p->busy_until_ns - at_ns : 0;
	if (verdict == DROP) {
		p->drops++;
		return 0;
	}
	if (waits_ns * p->rate / 1000000000 + len > p->queue_bytes) {
		p->full_drops++;
		return 0;
	}
	p->busy_until_ns = at_ns + waits_ns + len * 1000000000ll / p->rate;
	if (tcp[13] & 0x80)
		p->echo = 0; /* CWR */
	if (verdict == MARK_CE && ip[1] & 3) {
		p->marks++;
		p->echo = 1;
	}
	seq = get32(tcp + 4) - p->stack_iss;
	take_range(p, seq, seq + data);
	p->delivered = p->rcv_nxt - 1; /* scripts stay below 4 GiB */
	return answer_later(p, p->busy_until_ns + p->rtt_ns);
}

/* ---- running ---- */

static void fill(struct cc_path *p)
{
	static const uint8_t zeros[65536];

	while (stk->sendto(p->fd, zeros, sizeof(zeros), MSG_DONTWAIT, NULL, 0) > 0)
		;
}

long path_write(struct cc_path *p, uint32_t bytes)
{
	static const uint8_t zeros[65536];

	return stk->sendto(p->fd, zeros, bytes < sizeof(zeros) ? bytes : sizeof(zeros), MSG_DONTWAIT, NULL, 0);
}

int path_trickle(struct cc_path *p, int writes, uint32_t bytes)
{
	int i;

	for (i = 0; i < writes; i++) {
		CHECK_EQ(path_write(p, bytes), bytes);
		TRY(path_run(p, 50 * MS));
	}
	return 0;
}

int path_until(struct cc_path *p, int64_t ns, int (*is_true)(struct cc_path *p))
{
	const int64_t until_ns = stk->now_ns() + ns;
	uint8_t frame[FRAME_MAX];
	int64_t next_ns, at_ns, now;
	int len, err;

	while ((now = stk->now_ns()) < until_ns) {
		if (is_true && is_true(p))
			return 0;
		if (p->is_bulk)
			fill(p);
		next_ns = p->head != p->tail && p->acks[p->tail % ACKS_MAX].at_ns < until_ns ? p->acks[p->tail % ACKS_MAX].at_ns :
			until_ns;
		len = stk->frame(frame, next_ns, &at_ns);
		if (len < 0)
			return len;
		err = len ? take(p, frame, len, at_ns) : 0;
		while (!err && p->head != p->tail && p->acks[p->tail % ACKS_MAX].at_ns <= stk->now_ns()) {
			/* What it has sent meanwhile entered the queue before this. */
			while (!err && (len = stk->frame(frame, 0, &at_ns)) > 0)
				err = take(p, frame, len, at_ns);
			if (!err)
				err = acknowledge(p);
		}
		if (err)
			return err;
	}
	if (!is_true || is_true(p))
		return 0;
	path_show(p);
	return -ETIMEDOUT;
}

int path_run(struct cc_path *p, int64_t ns)
{
	return path_until(p, ns, NULL);
}

int64_t path_goodput(struct cc_path *p, int64_t ns)
{
	const uint64_t before = p->delivered;
	const int64_t from = stk->now_ns();

	if (path_run(p, ns))
		return -1;
	return (int64_t)((p->delivered - before) * 1000000000ull / (uint64_t)(stk->now_ns() - from));
}

int path_open(struct cc_path *p, const struct algorithm *algorithm, int is_ecn)
{
	static const uint8_t options[] = { 2, 4, MSS >> 8, MSS & 255, 1, 3, 3, 10, 1, 1, 4, 2 };
	static unsigned int count;
	struct sockaddr_in addr = { .sin_family = AF_INET };
	uint8_t frame[FRAME_MAX];
	const uint8_t *tcp = frame + ETH + IP;
	int64_t at_ns, until_ns;
	int len;

	count++;
	p->peer_addr = STACK_ADDR + 1 + count;
	p->peer_port = 20000 + count;
	p->algorithm = algorithm;
	p->is_ecn = is_ecn;
	CHECK_EQ(stk->sysctl("net.ipv4.tcp_ecn", is_ecn ? "1" : "2"), 0);
	CHECK_EQ(stk->sysctl("net.ipv4.tcp_wmem", p->wmem ? p->wmem : "4096 4194304 8388608"), 0);
	CHECK_EQ(stk->sysctl("net.ipv4.tcp_no_metrics_save", "1"), 0);
	p->fd = stk->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(p->fd >= 0);
	CHECK_EQ(stk->setsockopt(p->fd, IPPROTO_TCP, TCP_CONGESTION, algorithm->name, strlen(algorithm->name)), 0);
	addr.sin_addr.s_addr = htonl(p->peer_addr);
	addr.sin_port = htons(p->peer_port);
	CHECK_EQ(stk->connect(p->fd, (void *)&addr, sizeof(addr)), -EINPROGRESS);
	for (;;) {
		len = stk->frame(frame, stk->now_ns() + 1000 * MS, &at_ns);
		CHECK(len > 0);
		answer_arp(stk, frame, len);
		if (len >= ETH + IP + 20 && get16(frame + 12) == 0x0800 && get16(tcp + 2) == p->peer_port)
			break;
	}
	p->stack_port = get16(tcp);
	p->stack_iss = get32(tcp + 4);
	p->rcv_nxt = 1;
	for (until_ns = stk->now_ns() + p->rtt_ns; (len = stk->frame(frame, until_ns, &at_ns)) > 0;)
		answer_arp(stk, frame, len);
	CHECK_EQ(inject(p, 0x12 | (is_ecn ? 0x40 : 0), 0, 1, options, sizeof(options)), 0);
	p->entered_ns = stk->now_ns();
	path_look(p);
	p->view.was = p->view.state;
	return 0;
}

int path_close(struct cc_path *p)
{
	const struct linger linger = { 1, 0 };
	uint8_t frame[FRAME_MAX];
	int64_t at_ns;

	CHECK_EQ(stk->setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	CHECK_EQ(stk->close(p->fd), 0);
	while (stk->frame(frame, 0, &at_ns) > 0)
		;
	CHECK_EQ(p->is_wrong, 0);
	CHECK_EQ(p->bad_way, 0);
	return 0;
}

uint32_t path_bdp(const struct cc_path *p)
{
	return (uint32_t)((p->rate * p->rtt_ns / 1000000000 + PACKET - 1) / PACKET);
}

/* ---- cases ---- */

void path_case(void **state)
{
	assert_int_equal(stk->run((int (*)(void *))*state, NULL), 0);
}

int path_start(void **state)
{
	(void)state;
	return stk->start();
}

int path_stop(void **state)
{
	(void)state;
	stk->stop();
	return 0;
}
