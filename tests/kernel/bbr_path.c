// SPDX-License-Identifier: GPL-2.0-only
/*
 * bbr_path.c - see bbr_path.h
 *
 * Packets pass the bottleneck in order, so what the receiver answers to one is known when it enters the queue: the answer waits in
 * `acks` until its time, the packet's way through the queue plus the round trip. A shorter round trip does not let answers
 * overtake.
 */
#include "harness.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include "bbr_path.h"
#include "packets/bytes.h"

#define ETH 14
#define IP 20
#define PEER_ISS 1000u

static const struct stack *const stk = &stack_lkl;

/* ---- to the sender ---- */

static int inject(struct bbr_path *p, int flags, uint32_t seq, uint32_t ack, const uint8_t *options, size_t options_len)
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

static void answer_arp(const uint8_t *frame, int len)
{
	uint8_t reply[42];

	if (len < 42 || get16(frame + 20) != 1 || get32(frame + 38) == STACK_ADDR)
		return;
	memcpy(reply, frame, 42);
	memcpy(reply, STACK_MAC, 6);
	memcpy(reply + 6, PEER_MAC, 6);
	put16(reply + 20, 2);
	memcpy(reply + 22, PEER_MAC, 6);
	memcpy(reply + 28, frame + 38, 4);
	memcpy(reply + 32, frame + 22, 10);
	stk->inject(reply, sizeof(reply));
}

static int64_t param(const struct bbr_path *p, const char *key)
{
	uint64_t value = 0;
	int err = lkl_cc_param_get(p->fd, key, &value);

	return err ? err : (int64_t)value;
}

static int is_way(int from, int to)
{
	/* Each state's ways out. DRAIN and DOWN may begin and end at one acknowledgement, and are not seen then. */
	static const uint8_t ways[STATES] = {
		[STARTUP] = 1 << DRAIN | 1 << DOWN | 1 << CRUISE | 1 << PROBE_RTT,
		[DRAIN] = 1 << DOWN | 1 << CRUISE | 1 << REFILL | 1 << PROBE_RTT,
		[DOWN] = 1 << CRUISE | 1 << REFILL | 1 << PROBE_RTT,
		[CRUISE] = 1 << REFILL | 1 << PROBE_RTT,
		[REFILL] = 1 << UP | 1 << PROBE_RTT,
		[UP] = 1 << DOWN | 1 << CRUISE | 1 << REFILL | 1 << PROBE_RTT,
		[PROBE_RTT] = 1 << STARTUP | 1 << DOWN | 1 << CRUISE,
	};

	return from == to || ways[from] & 1 << to;
}

void path_look(struct bbr_path *p)
{
	struct view *v = &p->view;
	struct tcp_info ti = { 0 };
	int len = sizeof(ti), state = param(p, "state");

	lkl_sys_getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	v->at_ns = stk->now_ns();
	v->was = v->state;
	v->state = state;
	v->longterm = param(p, "inflight_longterm");
	v->shortterm = param(p, "inflight_shortterm");
	v->max_bw = param(p, "max_bw");
	v->bw_short = param(p, "bw_shortterm");
	v->min_rtt_us = param(p, "min_rtt_us");
	v->is_full = param(p, "full_bw_reached");
	v->cwnd = ti.tcpi_snd_cwnd;
	v->inflight = ti.tcpi_unacked - ti.tcpi_sacked - ti.tcpi_lost + ti.tcpi_retrans;
	v->srtt_us = ti.tcpi_rtt;
	v->pacing = ti.tcpi_pacing_rate;
	v->retrans = ti.tcpi_total_retrans;
	if (v->state == v->was || state < 0 || state >= STATES)
		return;
	if (!is_way(v->was, v->state))
		p->bad_way = 1;
	p->last_ns[v->was] = v->at_ns - p->entered_ns;
	p->entered_ns = v->at_ns;
	p->visits[v->state]++;
}

static int acknowledge(struct bbr_path *p)
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

static void take_range(struct bbr_path *p, uint32_t from, uint32_t to)
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

static int answer_later(struct bbr_path *p, int64_t at_ns)
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

static int take(struct bbr_path *p, const uint8_t *frame, int len, int64_t at_ns)
{
	const uint8_t *ip = frame + ETH, *tcp = ip + IP;
	enum verdict verdict;
	uint32_t seq, data;
	int64_t waits_ns;

	if (len >= 42 && get16(frame + 12) == 0x0806)
		answer_arp(frame, len);
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

static void fill(struct bbr_path *p)
{
	static const uint8_t zeros[65536];

	while (stk->sendto(p->fd, zeros, sizeof(zeros), MSG_DONTWAIT, NULL, 0) > 0)
		;
}

long path_write(struct bbr_path *p, uint32_t bytes)
{
	static const uint8_t zeros[65536];

	return stk->sendto(p->fd, zeros, bytes < sizeof(zeros) ? bytes : sizeof(zeros), MSG_DONTWAIT, NULL, 0);
}

int path_until(struct bbr_path *p, int64_t ns, int (*is_true)(struct bbr_path *p))
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
	return is_true ? is_true(p) ? 0 : -ETIMEDOUT : 0;
}

int path_run(struct bbr_path *p, int64_t ns)
{
	return path_until(p, ns, NULL);
}

int path_open(struct bbr_path *p, const char *algorithm, int is_ecn)
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
	p->is_ecn = is_ecn;
	CHECK_EQ(stk->sysctl("net.ipv4.tcp_ecn", is_ecn ? "1" : "2"), 0);
	CHECK_EQ(stk->sysctl("net.ipv4.tcp_wmem", "4096 4194304 8388608"), 0);
	CHECK_EQ(stk->sysctl("net.ipv4.tcp_no_metrics_save", "1"), 0);
	p->fd = stk->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(p->fd >= 0);
	CHECK_EQ(stk->setsockopt(p->fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, strlen(algorithm)), 0);
	addr.sin_addr.s_addr = htonl(p->peer_addr);
	addr.sin_port = htons(p->peer_port);
	CHECK_EQ(stk->connect(p->fd, (void *)&addr, sizeof(addr)), -EINPROGRESS);
	for (;;) {
		len = stk->frame(frame, stk->now_ns() + 1000 * MS, &at_ns);
		CHECK(len > 0);
		if (get16(frame + 12) == 0x0806)
			answer_arp(frame, len);
		else if (len >= ETH + IP + 20 && get16(tcp + 2) == p->peer_port)
			break;
	}
	p->stack_port = get16(tcp);
	p->stack_iss = get32(tcp + 4);
	p->rcv_nxt = 1;
	for (until_ns = stk->now_ns() + p->rtt_ns; (len = stk->frame(frame, until_ns, &at_ns)) > 0;)
		if (get16(frame + 12) == 0x0806)
			answer_arp(frame, len);
	CHECK_EQ(inject(p, 0x12 | (is_ecn ? 0x40 : 0), 0, 1, options, sizeof(options)), 0);
	p->entered_ns = stk->now_ns();
	path_look(p);
	p->view.was = p->view.state;
	return 0;
}

int path_close(struct bbr_path *p)
{
	const struct linger linger = { 1, 0 };
	uint8_t frame[FRAME_MAX];
	int64_t at_ns;

	CHECK_EQ(stk->setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	CHECK_EQ(stk->close(p->fd), 0);
	while (stk->frame(frame, 0, &at_ns) > 0)
		;
	CHECK_EQ(p->bad_way, 0);
	return 0;
}

uint32_t path_bdp(const struct bbr_path *p)
{
	return (uint32_t)((p->rate * p->rtt_ns / 1000000000 + PACKET - 1) / PACKET);
}
