// SPDX-License-Identifier: GPL-2.0-only
/*
 * script.c - segments to frames and back, the comparison, and the runner; script.h tells the form
 *
 * Each script has its own address and ports, so that nothing that the stack keeps of one peer (metrics, cookies, rate limits)
 * reaches another, and the system parameters below are set before each. On a real clock a script that fails is run
 * again, if the machine kept us from running meanwhile (`was_late`); a failure in time is one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <netinet/tcp.h>

#include "arp.h"
#include "bytes.h"
#include "packets.h"
#include "script.h"

#define ETH 14
#define IP 20
#define TRIES_MAX 20
#define PATIENCE_MS 20000
#define PATIENCE_EXACT_MS 3600000	/* costs nothing; Linux's timers of hours are minutes late */

const struct stack *stack;

/* What scripts rely on or change; unknown ones (older releases) are passed over. */
static const char *const defaults[][2] = {
	{ "net.ipv4.tcp_congestion_control", "reno" },
	{ "net.ipv4.tcp_early_retrans", "3" },
	{ "net.ipv4.tcp_ecn", "2" },
	{ "net.ipv4.tcp_fastopen", "1" },
	{ "net.ipv4.tcp_fin_timeout", "60" },
	{ "net.ipv4.tcp_frto", "2" },
	{ "net.ipv4.tcp_invalid_ratelimit", "500" },
	{ "net.ipv4.tcp_no_metrics_save", "1" },
	{ "net.ipv4.tcp_recovery", "1" },
	{ "net.ipv4.tcp_rmem", "4096 131072 6291456" },
	{ "net.ipv4.tcp_sack", "1" },
	{ "net.ipv4.tcp_syn_linear_timeouts", "0" },
	{ "net.ipv4.tcp_timestamps", "1" },
	{ "net.ipv4.tcp_window_scaling", "1" },
	{ "net.ipv4.tcp_wmem", "4096 262144 4194304" },
};

/* ---- saying ---- */

static void trace(struct script_run *s, const char *format, ...)
{
	va_list args;
	FILE *f = s->trace ? NULL : open_memstream(&s->trace, &s->trace_len);
	char line[512], *text;
	int n;

	if (f)
		fclose(f);
	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	text = realloc(s->trace, s->trace_len + n + 1);
	if (!text)
		return;
	memcpy(text + s->trace_len, line, n + 1);
	s->trace = text;
	s->trace_len += n;
}

int script_say(struct script_run *s, const char *file, int line, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	trace(s, "%s:%d: %s\n", file, line, text);
	return -1;
}

static const char *seg_text(const struct seg *seg, char *buf, size_t size)
{
	static const char names[] = "FSRPAUEC";
	char flags[9], sack[128] = "";
	int i, n = 0;
	size_t at = 0;

	for (i = 0; i < 8; i++)
		if (seg->flags & 1 << i)
			flags[n++] = names[i];
	flags[n] = '\0';
	for (i = 0; i < 4 && seg->sack[i][1]; i++)
		at += snprintf(sack + at, sizeof(sack) - at, " sack %u-%u", seg->sack[i][0], seg->sack[i][1]);
	n = snprintf(buf, size, "%-3s seq %u ack %u len %u", flags, seg->seq, seg->ack, seg->len);
	if (seg->opts & O_MSS)
		n += snprintf(buf + n, size - n, " mss %u", seg->mss);
	if (seg->opts & O_WSCALE)
		n += snprintf(buf + n, size - n, " wscale %u", seg->wscale);
	if (seg->opts & O_TFO)
		n += snprintf(buf + n, size - n, " cookie %u", seg->cookie_len);
	snprintf(buf + n, size - n, "%s%s%s%s", seg->opts & O_SACK_OK ? " sackOK" : "", seg->opts & O_TS ? " ts" : "", sack,
		 seg->ecn == CE ? " CE" : seg->ecn ? " ECT" : "");
	return buf;
}

static void trace_seg(struct script_run *s, const char *who, int64_t at_ns, const struct seg *seg)
{
	char text[384];

	trace(s, "  %9.3f ms  %s %s\n", (at_ns - s->ts_start_ns) / 1e6, who, seg_text(seg, text, sizeof(text)));
}

/* ---- bytes ---- */

static uint8_t stream_byte(uint32_t seq)
{
	return (uint8_t)(seq * 7 + (seq >> 8));
}

/* ---- to the stack ---- */

static uint32_t ts_now(const struct script_run *s)
{
	return s->ts_base + (stack->now_ns() - s->ts_start_ns) / MS;
}

static size_t put_options(struct script_run *s, const struct seg *seg, uint8_t *o)
{
	uint8_t *const start = o;
	int i, n;

	if (seg->opts & O_MSS) {
		*o++ = TCPOPT_MAXSEG;
		*o++ = 4;
		put16(o, seg->mss);
		o += 2;
	}
	if (seg->opts & O_WSCALE) {
		*o++ = TCPOPT_WINDOW;
		*o++ = 3;
		*o++ = seg->wscale;
	}
	if (seg->opts & O_SACK_OK) {
		*o++ = TCPOPT_SACK_PERMITTED;
		*o++ = 2;
	}
	if (seg->opts & O_TS || (s->has_ts && !(seg->opts & O_NO_TS))) {
		*o++ = TCPOPT_TIMESTAMP;
		*o++ = 10;
		put32(o, seg->ts_val ? seg->ts_val : ts_now(s));
		put32(o + 4, seg->flags & ACK ? seg->ts_ecr ? seg->ts_ecr : s->ts_recent : 0);
		o += 8;
	}
	for (n = 0; n < 4 && seg->sack[n][1];)
		n++;
	if (n) {
		*o++ = TCPOPT_SACK;
		*o++ = 2 + 8 * n;
		for (i = 0; i < n; i++, o += 8) {
			put32(o, s->stack_iss + seg->sack[i][0]);
			put32(o + 4, s->stack_iss + seg->sack[i][1]);
		}
	}
	if (seg->opts & O_TFO) {
		*o++ = 34; /* RFC 7413 */
		*o++ = 2 + seg->cookie_len;
		if (seg->cookie_len)
			memcpy(o, seg->cookie, seg->cookie_len);
		o += seg->cookie_len;
	}
	while ((o - start) % 4)
		*o++ = TCPOPT_NOP;
	return o - start;
}

int script_send(struct script_run *s, const struct seg *seg)
{
	uint8_t frame[FRAME_MAX] = { 0 }, *ip = frame + ETH, *tcp = ip + IP, *data;
	size_t options_len, tcp_len;
	struct seg said = *seg;
	uint32_t i;
	int err;

	options_len = put_options(s, seg, tcp + 20);
	if (seg->len > FRAME_MAX - ETH - IP - 20 - options_len)
		return -EMSGSIZE;
	tcp_len = 20 + options_len + seg->len;
	memcpy(frame, STACK_MAC, 6);
	memcpy(frame + 6, PEER_MAC, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	ip[1] = seg->ecn;
	put16(ip + 2, IP + tcp_len);
	put16(ip + 6, 0x4000); /* DF */
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	put32(ip + 12, s->peer_addr);
	put32(ip + 16, STACK_ADDR);
	put16(ip + 10, fold(sum(ip, IP, 0)));
	put16(tcp, s->peer_port);
	put16(tcp + 2, s->stack_port);
	put32(tcp + 4, s->peer_iss + seg->seq);
	put32(tcp + 8, seg->flags & ACK ? s->stack_iss + seg->ack : 0);
	tcp[12] = (20 + options_len) / 4 << 4;
	tcp[13] = seg->flags;
	put16(tcp + 14, s->win);
	data = tcp + 20 + options_len;
	for (i = 0; i < seg->len; i++)
		data[i] = stream_byte(seg->seq + (seg->flags & SYN ? 1 : 0) + i);
	put16(tcp + 16, fold(sum(tcp, tcp_len, pseudo_sum(ip, tcp_len))));
	if (s->has_ts && !(seg->opts & O_NO_TS))
		said.opts |= O_TS;
	trace_seg(s, "<", stack->now_ns(), &said);
	err = stack->inject(frame, ETH + IP + tcp_len);
	return err;
}

/* ---- from the stack ---- */

static int get_options(struct script_run *s, const uint8_t *o, const uint8_t *end, struct seg *seg)
{
	int i;

	while (o < end && *o != TCPOPT_EOL) {
		if (*o == TCPOPT_NOP) {
			o++;
			continue;
		}
		if (o + 2 > end || o[1] < 2 || o + o[1] > end)
			return -EPROTO;
		switch (*o) {
		case TCPOPT_MAXSEG:
			seg->opts |= O_MSS;
			seg->mss = get16(o + 2);
			break;
		case TCPOPT_WINDOW:
			seg->opts |= O_WSCALE;
			seg->wscale = o[2];
			break;
		case TCPOPT_SACK_PERMITTED:
			seg->opts |= O_SACK_OK;
			break;
		case TCPOPT_TIMESTAMP:
			seg->opts |= O_TS;
			seg->ts_val = get32(o + 2);
			seg->ts_ecr = get32(o + 6);
			break;
		case TCPOPT_SACK:
			seg->opts |= O_SACK;
			for (i = 0; i < (o[1] - 2) / 8 && i < 4; i++) {
				seg->sack[i][0] = get32(o + 2 + 8 * i) - s->peer_iss;
				seg->sack[i][1] = get32(o + 6 + 8 * i) - s->peer_iss;
			}
			break;
		case 34:
			seg->opts |= O_TFO;
			seg->cookie_len = o[1] - 2;
			memcpy(s->cookie, o + 2, seg->cookie_len < 16 ? seg->cookie_len : 16);
			break;
		default:
			return -EPROTO;
		}
		o += o[1];
	}
	return 0;
}

/* 1: a segment of ours, in s->got; 0: something else; or -1. */
static int take(struct script_run *s, const uint8_t *frame, int len)
{
	const uint8_t *ip = frame + ETH, *tcp;
	struct seg *seg = &s->got;
	size_t tcp_len, header;

	if (len < ETH + 28)
		return 0;
	answer_arp(stack, frame, len);
	if (len < ETH + IP + 20 || get16(frame + 12) != 0x0800 || ip[0] != 0x45 || ip[9] != IPPROTO_TCP)
		return 0;
	tcp = ip + IP;
	if (get32(ip + 16) != s->peer_addr || get16(tcp + 2) != s->peer_port)
		return 0;
	if (!s->stack_port)
		s->stack_port = get16(tcp); /* connecting() */
	if (get16(tcp) != s->stack_port)
		return 0;
	tcp_len = get16(ip + 2) - IP;
	header = (tcp[12] >> 4) * 4;
	if (tcp_len > len - (size_t)(ETH + IP) || header < 20 || header > tcp_len || fold(sum(ip, IP, 0)) ||
	    fold(sum(tcp, tcp_len, pseudo_sum(ip, tcp_len))))
		return script_say(s, __FILE__, __LINE__, "a frame of %d bytes that is none: lengths or checksum", len);
	memset(seg, 0, sizeof(*seg));
	seg->flags = tcp[13] & ~PSH;
	if (seg->flags & SYN && !s->is_iss_known) {
		s->stack_iss = get32(tcp + 4);
		s->is_iss_known = 1;
	}
	seg->seq = get32(tcp + 4) - s->stack_iss;
	seg->ack = seg->flags & ACK ? get32(tcp + 8) - s->peer_iss : 0;
	seg->len = tcp_len - header;
	seg->ecn = ip[1] & 3;
	if (get_options(s, tcp + 20, tcp + header, seg))
		return script_say(s, __FILE__, __LINE__, "bad options");
	s->got_win = (uint32_t)get16(tcp + 14) << (seg->flags & SYN ? 0 : s->stack_wscale);
	if (seg->opts & O_TS)
		s->ts_recent = seg->ts_val;
	memcpy(s->payload, tcp + header, seg->len);
	return 1;
}

/* Wait for the connection's next segment: 1, 0: none came, or -1. */
static int next_seg(struct script_run *s, int64_t until_ns)
{
	uint8_t frame[FRAME_MAX];
	int len, ret;

	while ((len = stack->frame(frame, until_ns, &s->got_ns)) > 0) {
		ret = take(s, frame, len);
		if (ret > 0)
			trace_seg(s, ">", s->got_ns, &s->got);
		if (ret)
			return ret;
	}
	return len;
}

static int expected_opts(const struct script_run *s, const struct seg *want)
{
	int opts = want->opts;

	if (!(want->flags & (SYN | RST)) && s->has_ts)
		opts |= O_TS;
	if (opts & O_NO_TS)
		opts &= ~(O_TS | O_NO_TS);
	if (want->sack[0][1])
		opts |= O_SACK;
	return opts;
}

int script_expect(struct script_run *s, const struct seg *want, const char *why, const char *file, int line)
{
	const struct seg *got = &s->got;
	const char *wrong = NULL;
	char text[384];
	uint32_t i;
	int ret = next_seg(s, stack->now_ns() + (stack->is_exact ? PATIENCE_EXACT_MS : PATIENCE_MS) * MS);

	if (ret < 0)
		return script_say(s, file, line, "%s: %d", why, ret);
	if (!ret)
		return script_say(s, file, line, "%s: nothing came, expected: %s", why, seg_text(want, text, sizeof(text)));
	if (got->flags != want->flags)
		wrong = "flags";
	else if (!want->any_seq && got->seq != want->seq)
		wrong = "seq";
	else if (!want->any_ack && got->ack != want->ack)
		wrong = "ack";
	else if (!want->any_len && got->len != want->len)
		wrong = "length";
	else if ((got->opts & ~(want->any_sack ? O_SACK : 0)) != expected_opts(s, want))
		wrong = "options";
	else if (want->mss && got->mss != want->mss)
		wrong = "MSS";
	else if (want->wscale && got->wscale != want->wscale)
		wrong = "window scale";
	else if (!want->any_sack && memcmp(got->sack, want->sack, sizeof(got->sack)))
		wrong = "SACK blocks";
	else if (!want->any_ecn && got->ecn != want->ecn)
		wrong = "ECN field";
	else if (!want->any_cookie && got->cookie_len != want->cookie_len)
		wrong = "cookie";
	else if (want->win && s->got_win != (want->win == NO_WINDOW ? 0 : (uint32_t)want->win))
		wrong = "window";
	/* The stream begins behind the SYN, a probe before the first byte that is not acknowledged. */
	for (i = 0; !wrong && i < got->len; i++)
		if (s->payload[i] != stream_byte(got->seq + (got->flags & SYN ? 1 : 0) + i))
			wrong = "payload";
	return wrong ? script_say(s, file, line, "%s: wrong %s, expected: %s", why, wrong, seg_text(want, text, sizeof(text))) : 0;
}

int script_quiet(struct script_run *s, unsigned int ms, const char *why, const char *file, int line)
{
	int ret = next_seg(s, stack->now_ns() + ms * MS);

	return ret ? script_say(s, file, line, "%s: expected nothing for %u ms", why, ms) : 0;
}

int script_since(struct script_run *s, int min_ms, int max_ms, const char *why, const char *file, int line)
{
	/*
	 * A host whose clock ticks 100 times a second rounds its timers by as much, and Linux's timer wheel rounds up by an eighth
	 * of the time.
	 */
	const int64_t slack_ns = stack->is_exact ? 2 * MS : 10 * MS, ns = s->got_ns - s->mark_ns;

	if (ns < min_ms * MS - slack_ns || (stack->is_exact && ns > max_ms * MS * 9 / 8 + slack_ns))
		return script_say(s, file, line, "%s: %.1f ms, expected %d to %d", why, ns / 1e6, min_ms, max_ms);
	return 0;
}

/* ---- helpers of scripts ---- */

static uint32_t written, were_read;	/* bytes of the connection so far */

int pause_ms(struct script_run *s, unsigned int ms)
{
	int ret = next_seg(s, stack->now_ns() + ms * MS);

	return ret ? script_say(s, __FILE__, __LINE__, "something came in a pause of %u ms", ms) : 0;
}

void same_peer(struct script_run *s)
{
	written = were_read = 0;
	s->peer_iss = -8192;
	s->is_iss_known = 0;
	s->peer_wscale = s->stack_wscale = 0;
	s->has_ts = 0;
	s->ts_recent = 0;
	s->win = 65535;
}

void new_port(struct script_run *s)
{
	s->peer_port += 10000;
	same_peer(s);
}

void new_peer(struct script_run *s)
{
	static unsigned int count;

	count++;
	s->peer_addr = STACK_ADDR + 1 + count % 60000;
	s->peer_port = 20000 + count % 10000;
	same_peer(s);
}

static struct sockaddr_in address(uint32_t addr, uint32_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(port) };
}

static int keep_fd(struct script_run *s, int fd)
{
	if (fd >= 0 && s->n_fds < (int)(sizeof(s->fds) / sizeof(s->fds[0])))
		s->fds[s->n_fds++] = fd;
	return fd;
}

int set_opt(int fd, int level, int name, int value)
{
	return stack->setsockopt(fd, level, name, &value, sizeof(value));
}

int listener(struct script_run *s)
{
	struct sockaddr_in addr = address(STACK_ADDR, s->stack_port);
	int fd = keep_fd(s, stack->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	OK(fd);
	OK(set_opt(fd, SOL_SOCKET, SO_REUSEADDR, 1));
	OK(stack->bind(fd, (void *)&addr, sizeof(addr)));
	OK(stack->listen(fd, 16));
	return fd;
}

int accepted(struct script_run *s, int lfd)
{
	int fd = keep_fd(s, stack->accept(lfd));

	OK(fd);
	return fd;
}

static void agree(struct script_run *s, int opts)
{
	s->has_ts = !!(opts & O_TS);
	s->stack_wscale = opts & O_WSCALE ? s->got.wscale : 0;
	s->peer_wscale = opts & O_WSCALE ? 7 : 0;
}

static unsigned int our_mss(int opts)
{
	return FULL + (opts & O_TS ? 12 : 0);
}

int passive(struct script_run *s, int opts, unsigned int rtt_ms)
{
	int lfd = listener(s);

	OK(lfd);
	SEND(s, .flags = SYN, .opts = opts, .mss = our_mss(opts), .wscale = 7);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN | ACK, .ack = 1, .opts = opts, .mss = 1460);
	agree(s, opts);
	if (rtt_ms)
		TRY(pause_ms(s, rtt_ms));
	SEND(s, .flags = ACK, .seq = 1, .ack = 1);
	return accepted(s, lfd);
}

int script_socket(struct script_run *s)
{
	return keep_fd(s, stack->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
}

int connecting(struct script_run *s)
{
	struct sockaddr_in addr = address(s->peer_addr, s->peer_port);
	int fd = script_socket(s);

	OK(fd);
	s->stack_port = 0; /* whichever it takes */
	IS(stack->connect(fd, (void *)&addr, sizeof(addr)), -EINPROGRESS);
	return fd;
}

int active(struct script_run *s, int opts, unsigned int rtt_ms)
{
	int fd = connecting(s);

	OK(fd);
	EXPECT(s, "RFC 9293, 3.5", .flags = SYN, .opts = O_ALL, .mss = 1460);
	if (rtt_ms)
		TRY(pause_ms(s, rtt_ms));
	agree(s, opts);
	SEND(s, .flags = SYN | ACK, .ack = 1, .opts = opts, .mss = our_mss(opts), .wscale = 7);
	EXPECT(s, "RFC 9293, 3.5", .flags = ACK, .seq = 1, .ack = 1);
	return fd;
}

int close_fd(struct script_run *s, int fd)
{
	int i;

	for (i = 0; i < s->n_fds; i++)
		if (s->fds[i] == fd)
			s->fds[i] = s->fds[--s->n_fds];
	return stack->close(fd);
}

long write_bytes_to(int fd, size_t len, int flags, const struct sockaddr_in *to)
{
	static uint8_t buf[131072];
	size_t i;
	long n;

	if (len > sizeof(buf))
		return -EMSGSIZE;
	for (i = 0; i < len; i++)
		buf[i] = stream_byte(written + 1 + i);
	n = stack->sendto(fd, buf, len, flags | MSG_DONTWAIT, (void *)to, to ? sizeof(*to) : 0);
	if (n > 0)
		written += n;
	return n;
}

long write_bytes(int fd, size_t len)
{
	return write_bytes_to(fd, len, 0, NULL);
}

long read_bytes(int fd, size_t len)
{
	static uint8_t buf[131072];
	long n = stack->recv(fd, buf, len < sizeof(buf) ? len : sizeof(buf), MSG_DONTWAIT), i;

	for (i = 0; i < n; i++)
		if (buf[i] != stream_byte(1 + were_read + i))
			return -EBADMSG;
	if (n > 0)
		were_read += n;
	return n;
}

int sysctl_is(struct script_run *s, const char *name, const char *value)
{
	(void)s;
	return stack->sysctl(name, value);
}

/* ---- the runner ---- */

static int reset(void)
{
	size_t i;
	int err;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		err = stack->sysctl(defaults[i][0], defaults[i][1]);
		if (err && err != -ENOENT) {
			fprintf(stderr, "%s = %s: %s\n", defaults[i][0], defaults[i][1], strerror(-err));
			return err;
		}
	}
	return 0;
}

/* What the script has left open goes at once, and what the stack still has to say to it. */
static void clean(struct script_run *s)
{
	const struct linger linger = { 1, 0 };
	uint8_t frame[FRAME_MAX];
	int64_t at;
	int i;

	for (i = s->n_fds; i-- > 0;) {
		stack->setsockopt(s->fds[i], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		stack->close(s->fds[i]);
	}
	while (stack->frame(frame, 0, &at) > 0)
		;
}

static int run_once(const struct script *script, char **trace_text, int *was_late)
{
	static unsigned int count;
	struct script_run *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	stack->was_late();
	s->name = script->name;
	s->stack_port = 8000 + count++ % 10000;
	s->ts_start_ns = stack->now_ns();
	s->ts_base = 1000000;
	new_peer(s);
	ret = reset();
	if (!ret)
		ret = script->fn(s);
	*was_late = stack->was_late();
	clean(s);
	*trace_text = s->trace;
	free(s);
	return ret;
}

static int run_script_here(void *arg)
{
	const struct script *script = arg;
	char *text = NULL;
	int ret, tries, was_late;

	for (tries = 1;; tries++) {
		ret = run_once(script, &text, &was_late);
		if (!ret || !was_late || tries == TRIES_MAX)
			break;
		free(text);
		text = NULL;
	}
	if (ret)
		fprintf(stderr, "%s on %s, release %d, attempt %d%s:\n%s", script->name, stack->name, stack->release(), tries,
			was_late ? ", kept from running" : "", text ? text : "");
	free(text);
	return ret;
}

int script_run(const struct script *script)
{
	return stack->run(run_script_here, (void *)script);
}
