// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream.c - bulk transfer and request/response, client and server
 *
 * One TCP connection for each stream. The client begins with struct hello; then
 *
 *	stream	who sends: struct frame and that many bytes, again and again, at last FRAME_END
 *		who receives: reads until FRAME_END
 *		who has done its part: FRAME_REPORT with struct report; and reads the other's
 *	rr	the client sends `request` bytes and reads `response` bytes, until it has enough
 *
 * so that each side can tell what the other has seen, and retransmissions are told by who sent. Numbers
 * are in network order: a stack of another machine may be the peer. The server bounds what it believes
 * (struct hello), and how many connections it serves (SERVED_MAX).
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

#define MAGIC 0x4c4b4c31u /* "LKL1" */
#define BLOCK_BYTES (128u * 1024)
#define RR_BYTES_MAX (1u << 20)
#define PARALLEL_MAX 64
#define SERVED_MAX 256

enum { KIND_UP = 1, KIND_DOWN = 2, KIND_BOTH = 3, KIND_RR = 4 };
enum { FRAME_DATA = 1, FRAME_END = 2, FRAME_REPORT = 3 };

struct hello {
	uint32_t magic, kind;
	uint64_t bytes;		/* to send, each side; 0: by time */
	uint32_t msec;		/* to send */
	uint32_t request, response;
	uint32_t unused;
};

struct frame {
	uint32_t type, len;
};

struct report {
	uint64_t sent, received, retransmits;
};

/* One connection's life, on either side. */
struct run {
	const struct net *net;
	int fd;
	uint32_t kind;		/* as hello */
	bool is_server;
	uint64_t bytes, count;
	int64_t msec;
	uint32_t request, response;
	/* results */
	struct report mine, theirs;
	int64_t begin_us, received_us;	/* when the last byte came */
	int64_t after_us, until_us;	/* bytes that come between these are counted for themselves */
	uint64_t window_bytes;
	int error;
	volatile int sender_done, done;
	uint64_t rounds;
	uint32_t *rtt_us;	/* histogram, RTT_SLOTS */
};

/* Histogram of round trips: 32 slots for each power of two, so 3 % exact. */
#define RTT_SLOTS (32 * 32)

static unsigned int rtt_slot(uint64_t us)
{
	unsigned int shift = 0;

	while (us >> shift >= 64)
		shift++;
	return us < 64 ? (unsigned int)us : 32 * (shift + 1) + (unsigned int)((us >> shift) - 32);
}

static uint64_t slot_us(unsigned int slot)
{
	return slot < 64 ? slot : (uint64_t)(slot % 32 + 32) << (slot / 32 - 1);
}

/* ---- bytes ---- */

static int send_all(const struct run *r, const void *data, size_t len)
{
	size_t done = 0;
	long n;

	while (done < len) {
		n = r->net->calls->send(r->fd, (const char *)data + done, len - done, 0);
		if (n < 0)
			return (int)n;
		done += (size_t)n;
	}
	return 0;
}

/* All of it, or -errno; -ECONNRESET at the end of the stream. */
static int recv_all(const struct run *r, void *data, size_t len)
{
	size_t done = 0;
	long n;

	while (done < len) {
		n = r->net->calls->recv(r->fd, (char *)data + done, len - done, MSG_WAITALL);
		if (n == -EAGAIN)
			return -ETIMEDOUT;
		if (n <= 0)
			return n ? (int)n : -ECONNRESET;
		done += (size_t)n;
	}
	return 0;
}

static uint64_t retransmits(const struct run *r)
{
	struct tcp_info info;
	int len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (r->net->calls->getsockopt(r->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return 0;
	return info.tcpi_total_retrans;
}

/* ---- stream ---- */

static int send_data(struct run *r)
{
	char *block = calloc(1, sizeof(struct frame) + BLOCK_BYTES);
	const int64_t end_us = net_now_us() + r->msec * 1000;
	struct frame *f = (void *)block;
	uint64_t left = r->bytes;
	int rc = block ? 0 : -ENOMEM;

	while (!rc && (r->bytes ? left > 0 : net_now_us() < end_us) && !net_stopped) {
		const uint32_t len = r->bytes && left < BLOCK_BYTES ? (uint32_t)left : BLOCK_BYTES;

		f->type = htonl(FRAME_DATA);
		f->len = htonl(len);
		rc = send_all(r, block, sizeof(*f) + len);
		r->mine.sent += len;
		left -= r->bytes ? len : 0;
	}
	if (!rc) {
		f->type = htonl(FRAME_END);
		f->len = 0;
		rc = send_all(r, f, sizeof(*f));
	}
	free(block);
	return rc;
}

static int recv_data(struct run *r)
{
	char *block = malloc(BLOCK_BYTES);
	struct frame f;
	int rc = block ? 0 : -ENOMEM;

	while (!rc) {
		rc = recv_all(r, &f, sizeof(f));
		if (rc || ntohl(f.type) == FRAME_END)
			break;
		if (ntohl(f.type) != FRAME_DATA || ntohl(f.len) > BLOCK_BYTES) {
			rc = -EPROTO;
			break;
		}
		rc = recv_all(r, block, ntohl(f.len));
		r->mine.received += ntohl(f.len);
		if (r->until_us) {
			const int64_t t = net_now_us();

			r->window_bytes += t >= r->after_us && t < r->until_us ? ntohl(f.len) : 0;
		}
	}
	r->received_us = net_now_us();
	free(block);
	return rc;
}

static void sender(void *arg)
{
	struct run *r = arg;
	const int rc = send_data(r);

	if (rc)
		r->error = rc;
	r->sender_done = 1;
}

static int exchange_reports(struct run *r)
{
	struct {
		struct frame f;
		struct report r;
	} m;
	int rc;

	r->mine.retransmits = retransmits(r);
	m.f.type = htonl(FRAME_REPORT);
	m.f.len = htonl(sizeof(m.r));
	m.r = (struct report){ htobe64(r->mine.sent), htobe64(r->mine.received), htobe64(r->mine.retransmits) };
	rc = send_all(r, &m, sizeof(m));
	if (!rc)
		rc = recv_all(r, &m, sizeof(m));
	if (!rc && (ntohl(m.f.type) != FRAME_REPORT || ntohl(m.f.len) != sizeof(m.r)))
		rc = -EPROTO;
	if (!rc)
		r->theirs = (struct report){ be64toh(m.r.sent), be64toh(m.r.received), be64toh(m.r.retransmits) };
	/*
	 * The server ends when it has our report. An instance that is halted earlier takes it along, and the host answers
	 * the server's next segment with a reset.
	 */
	while (!rc && !r->is_server && r->net->calls->recv(r->fd, &m, sizeof(m), 0) == -EINTR && !net_stopped)
		;
	return rc;
}

static int run_stream(struct run *r)
{
	const bool is_sender = r->kind & (r->is_server ? KIND_DOWN : KIND_UP);
	const bool is_receiver = r->kind & (r->is_server ? KIND_UP : KIND_DOWN);
	int rc = 0;

	r->begin_us = net_now_us();
	if (is_sender && is_receiver) {
		rc = r->net->calls->spawn(sender, r);
		if (rc)
			return rc;
		rc = recv_data(r);
		if (rc) /* ends the sender, too */
			r->net->calls->setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
						  sizeof(struct linger));
		while (!r->sender_done)
			r->net->calls->pause_ms(1);
		if (!rc)
			rc = r->error;
	} else if (is_sender) {
		rc = send_data(r);
	} else {
		rc = recv_data(r);
	}
	return rc ? rc : exchange_reports(r);
}

/* ---- request/response ---- */

static int run_rr(struct run *r)
{
	const uint32_t out = r->is_server ? r->response : r->request;
	const uint32_t in = r->is_server ? r->request : r->response;
	char *buf = calloc(1, RR_BYTES_MAX);
	const int64_t end_us = net_now_us() + r->msec * 1000;
	int64_t sent_us;
	int rc = buf ? 0 : -ENOMEM;

	r->begin_us = net_now_us();
	if (r->is_server) {
		while (!rc && !(rc = recv_all(r, buf, in)))
			rc = send_all(r, buf, out);
		if (rc == -ECONNRESET)
			rc = 0;
	} else {
		while (!rc && (r->count ? r->rounds < r->count : net_now_us() < end_us) && !net_stopped) {
			sent_us = net_now_us();
			rc = send_all(r, buf, out);
			if (!rc)
				rc = recv_all(r, buf, in);
			if (rc)
				break;
			r->rounds++;
			r->rtt_us[rtt_slot((uint64_t)(net_now_us() - sent_us) & 0xffffffff)]++;
		}
	}
	r->received_us = net_now_us();
	free(buf);
	return rc;
}

static void set_options(struct run *r)
{
	const int one = 1;

	net_timeout(r->net, r->fd, r->net->idle_ms);
	r->net->calls->setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* ---- server ---- */

static int served; /* connections open now */

static void serve(void *arg)
{
	struct run *r = arg;
	struct hello h;
	int rc;

	set_options(r);
	rc = recv_all(r, &h, sizeof(h));
	if (!rc) {
		r->kind = ntohl(h.kind);
		r->bytes = be64toh(h.bytes);
		r->msec = ntohl(h.msec);
		r->request = ntohl(h.request);
		r->response = ntohl(h.response);
		if (ntohl(h.magic) != MAGIC || r->kind < KIND_UP || r->kind > KIND_RR || r->msec > 86400000)
			rc = -EPROTO;
		else if (r->kind == KIND_RR && (!r->request || r->request > RR_BYTES_MAX || !r->response ||
						r->response > RR_BYTES_MAX))
			rc = -EPROTO;
	}
	if (!rc)
		rc = r->kind == KIND_RR ? run_rr(r) : run_stream(r);
	if (rc)
		complain("a connection ended: %s", strerror(-rc));
	else if (r->kind != KIND_RR)
		printf("served: received=%llu sent=%llu retransmits=%llu\n", (unsigned long long)r->mine.received,
		       (unsigned long long)r->mine.sent, (unsigned long long)r->mine.retransmits);
	else
		printf("served: requests\n");
	fflush(stdout);
	r->net->calls->close(r->fd);
	free(r);
	__atomic_sub_fetch(&served, 1, __ATOMIC_SEQ_CST);
}

static int run_server(const struct net *net, bool is_once)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(net->port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(net->port) };
	const int one = 1, zero = 0;
	struct run *r;
	int fd, rc, conn, accepted = 0;

	/* Both families on one socket; a host without IPv6 gets IPv4. */
	fd = net->calls->socket(AF_INET6, SOCK_STREAM, 0);
	if (fd >= 0) {
		net->calls->setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
		net->calls->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		rc = net->calls->bind(fd, (struct sockaddr *)&any, sizeof(any));
	} else {
		fd = rc = net->calls->socket(AF_INET, SOCK_STREAM, 0);
		if (fd >= 0) {
			net->calls->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
			rc = net->calls->bind(fd, (struct sockaddr *)&any4, sizeof(any4));
		}
	}
	if (!rc)
		rc = net->calls->listen(fd, 128);
	if (rc < 0) {
		complain("port %u: %s", net->port, strerror(-rc));
		return NET_EXIT_FAIL;
	}
	net_timeout(net, fd, 200);
	printf("ready: listening on port %u of stack %s\n", net->port, net->calls->name);
	fflush(stdout);
	while (!net_stopped && !(is_once && accepted)) {
		conn = net->calls->accept(fd);
		if (conn < 0)
			continue; /* nobody, a signal, or a client that is gone already */
		r = calloc(1, sizeof(*r));
		if (!r || __atomic_load_n(&served, __ATOMIC_SEQ_CST) >= SERVED_MAX) {
			complain("more than %d connections; one is refused", SERVED_MAX);
			net->calls->close(conn);
			free(r);
			continue;
		}
		*r = (struct run){ .net = net, .fd = conn, .is_server = true };
		__atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
		rc = net->calls->spawn(serve, r);
		if (rc) {
			complain("a connection: %s", strerror(-rc));
			net->calls->close(conn);
			free(r);
			__atomic_sub_fetch(&served, 1, __ATOMIC_SEQ_CST);
		}
		accepted++;
	}
	net->calls->close(fd);
	while (__atomic_load_n(&served, __ATOMIC_SEQ_CST) && !net_stopped)
		net->calls->pause_ms(10);
	return 0;
}

/* ---- client ---- */

static void client(void *arg)
{
	struct run *r = arg;
	const struct hello h = { htonl(MAGIC),	      htonl(r->kind),	  htobe64(r->bytes), htonl((uint32_t)r->msec),
				 htonl(r->request), htonl(r->response), 0 };
	int rc;

	set_options(r);
	rc = send_all(r, &h, sizeof(h));
	if (!rc)
		rc = r->kind == KIND_RR ? run_rr(r) : run_stream(r);
	r->error = rc;
	r->net->calls->close(r->fd);
	r->done = 1;
}

static void print_stream(const struct net *net, const struct run *runs, unsigned int n, int64_t begin_us, int64_t us)
{
	struct report up = { 0 }, down = { 0 };
	int64_t received_us = begin_us;
	uint64_t window_bytes = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		up.sent += runs[i].theirs.received;
		up.retransmits += runs[i].mine.retransmits;
		down.sent += runs[i].mine.received;
		down.retransmits += runs[i].theirs.retransmits;
		window_bytes += runs[i].window_bytes;
		received_us = runs[i].received_us > received_us ? runs[i].received_us : received_us;
	}
	printf(net->is_json ? "{\"seconds\": %.3f, \"up_bytes\": %llu, \"up_gbps\": %.3f, \"up_retransmits\": %llu, "
			      "\"down_bytes\": %llu, \"down_gbps\": %.3f, \"down_retransmits\": %llu" :
			      "seconds=%.3f up_bytes=%llu up_gbps=%.3f up_retransmits=%llu down_bytes=%llu down_gbps=%.3f "
			      "down_retransmits=%llu",
	       (double)us / 1e6, (unsigned long long)up.sent, (double)up.sent * 8e-3 / (double)us,
	       (unsigned long long)up.retransmits, (unsigned long long)down.sent, (double)down.sent * 8e-3 / (double)us,
	       (unsigned long long)down.retransmits);
	if (net->is_json)
		printf(", \"received_us\": %lld, \"window_bytes\": %llu}", (long long)(received_us - begin_us),
		       (unsigned long long)window_bytes);
	putchar('\n');
}

static uint64_t percentile(const uint64_t *slots, uint64_t total, unsigned int percent)
{
	uint64_t want = (total * percent + 99) / 100, seen = 0;
	unsigned int i;

	for (i = 0; i < RTT_SLOTS; i++) {
		seen += slots[i];
		if (seen >= want)
			return slot_us(i);
	}
	return 0;
}

static void print_rr(const struct net *net, const struct run *runs, unsigned int n, int64_t us)
{
	static uint64_t slots[RTT_SLOTS];
	uint64_t rounds = 0;
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		rounds += runs[i].rounds;
		for (j = 0; j < RTT_SLOTS; j++)
			slots[j] += runs[i].rtt_us[j];
	}
	printf(net->is_json ? "{\"seconds\": %.3f, \"requests\": %llu, \"requests_per_second\": %.0f, \"p50_us\": %llu, "
			      "\"p99_us\": %llu, \"max_us\": %llu}\n" :
			      "seconds=%.3f requests=%llu requests_per_second=%.0f p50_us=%llu p99_us=%llu max_us=%llu\n",
	       (double)us / 1e6, (unsigned long long)rounds, (double)rounds * 1e6 / (double)us,
	       (unsigned long long)percentile(slots, rounds, 50), (unsigned long long)percentile(slots, rounds, 99),
	       (unsigned long long)percentile(slots, rounds, 100));
}

struct options {
	bool is_server, is_once;
	uint64_t seconds, bytes, count, parallel, request, response, after;
	uint32_t kind;
	struct sockaddr_storage to;
	int to_len;
};

static int run_clients(const struct net *net, const struct options *o)
{
	static uint32_t rtt_us[PARALLEL_MAX][RTT_SLOTS];
	static struct run runs[PARALLEL_MAX];
	const int64_t begin_us = net_now_us();
	int64_t end_us = begin_us;
	int failed = 0, rc;
	unsigned int i;

	for (i = 0; i < o->parallel; i++) {
		struct run *r = &runs[i];

		*r = (struct run){ .net = net,
				   .kind = o->kind,
				   .bytes = o->bytes,
				   .count = o->count,
				   .msec = (int64_t)o->seconds * 1000,
				   .request = (uint32_t)o->request,
				   .response = (uint32_t)o->response,
				   .rtt_us = rtt_us[i] };
		if (o->after) {
			r->after_us = begin_us + (int64_t)o->after * 1000000;
			r->until_us = begin_us + (int64_t)o->seconds * 1000000;
		}
		r->fd = rc = net->calls->socket(o->to.ss_family, SOCK_STREAM, 0);
		if (rc >= 0)
			rc = net->calls->connect(r->fd, (const struct sockaddr *)&o->to, o->to_len);
		if (!rc)
			rc = net->calls->spawn(client, r);
		if (rc < 0) {
			complain("connection to port %u: %s", net->port, strerror(-rc));
			if (r->fd >= 0)
				net->calls->close(r->fd);
			r->error = rc;
			r->done = 1;
		}
	}
	for (i = 0; i < o->parallel; i++) {
		while (!runs[i].done)
			net->calls->pause_ms(1);
		if (runs[i].error) {
			complain("connection %u: %s", i + 1, strerror(-runs[i].error));
			failed = 1;
		}
		end_us = runs[i].received_us > end_us ? runs[i].received_us : end_us;
	}
	if (end_us == begin_us)
		end_us = net_now_us();
	if (o->kind == KIND_RR)
		print_rr(net, runs, (unsigned int)o->parallel, end_us - begin_us);
	else /* until the peer has reported that it has everything */
		print_stream(net, runs, (unsigned int)o->parallel, begin_us, net_now_us() - begin_us);
	return failed ? NET_EXIT_FAIL : 0;
}

static int parse(const struct net *net, int argc, char **argv, bool is_rr, struct options *o)
{
	static const struct option longs[] = { { "both", no_argument, NULL, 'B' }, { NULL, 0, NULL, 0 } };
	const char *name = argv[0];
	char what[32];
	int opt;

	*o = (struct options){ .seconds = 5, .parallel = 1, .request = 1, .response = 1, .kind = is_rr ? KIND_RR : KIND_UP };
	optind = 0;
	while ((opt = getopt_long(argc, argv, is_rr ? "+s1t:n:P:q:r:" : "+s1t:n:P:RBa:", longs, NULL)) != -1) {
		bool ok = true;

		snprintf(what, sizeof(what), "%s -%c", name, opt);
		switch (opt) {
		case 's':
			o->is_server = true;
			break;
		case '1':
			o->is_once = true;
			break;
		case 't':
			ok = parse_number(what, optarg, 1, 86400, &o->seconds);
			break;
		case 'n':
			ok = is_rr ? parse_number(what, optarg, 1, UINT32_MAX, &o->count) :
				     parse_bytes(what, optarg, 1, 1ull << 50, &o->bytes);
			break;
		case 'P':
			ok = parse_number(what, optarg, 1, PARALLEL_MAX, &o->parallel);
			break;
		case 'q':
			ok = parse_bytes(what, optarg, 1, RR_BYTES_MAX, &o->request);
			break;
		case 'r':
			ok = parse_bytes(what, optarg, 1, RR_BYTES_MAX, &o->response);
			break;
		case 'a':
			ok = parse_number(what, optarg, 1, 86400, &o->after);
			break;
		case 'R':
			o->kind = KIND_DOWN;
			break;
		case 'B':
			if (!is_rr) {
				o->kind = KIND_BOTH;
				break;
			}
			/* fall through */
		default:
			return is_rr ? usage("rr -s [-1], or rr [-t SECONDS | -n COUNT] [-q BYTES] [-r BYTES] [-P CONNECTIONS] ADDRESS") :
				       usage("stream -s [-1], or stream [-t SECONDS | -n BYTES] [-R | --both] [-P CONNECTIONS] [-a SECONDS] ADDRESS");
		}
		if (!ok)
			return NET_EXIT_USAGE;
	}
	if (o->is_server)
		return optind == argc ? 0 : usage("%s -s: \"%s\": expected no address", name, argv[optind]);
	if (o->after && (o->bytes || o->after >= o->seconds))
		return usage("%s -a: expected with -t, and less than it", name);
	if (optind + 1 != argc)
		return usage("%s: expected one address, or -s to be the server", name);
	return parse_address(argv[optind], net, net->port, &o->to, &o->to_len) ? 0 : NET_EXIT_USAGE;
}

int check_stream(const struct net *net, int argc, char **argv)
{
	struct options o;

	return parse(net, argc, argv, false, &o);
}

int check_rr(const struct net *net, int argc, char **argv)
{
	struct options o;

	return parse(net, argc, argv, true, &o);
}

static int run(const struct net *net, int argc, char **argv, bool is_rr)
{
	struct options o;

	if (parse(net, argc, argv, is_rr, &o))
		return NET_EXIT_USAGE;
	return o.is_server ? run_server(net, o.is_once) : run_clients(net, &o);
}

int cmd_stream(const struct net *net, int argc, char **argv)
{
	return run(net, argc, argv, false);
}

int cmd_rr(const struct net *net, int argc, char **argv)
{
	return run(net, argc, argv, true);
}
