// SPDX-License-Identifier: GPL-2.0-only
/*
 * flows.c - thousands of connections at once through a relay, from many source addresses, every byte checked
 *
 *   flows server PORT LOW HIGH PARTS
 *   flows client PORT ADDRESS:FIRST:COUNT [ADDRESS:FIRST:COUNT] [options]     (commas in place of colons with IPv6)
 *
 * (traffic.c checks what a relay may do to one connection; this checks that many are kept apart.)
 *
 * One thread and one epoll set on each side. A connection does R rounds: the client sends `up` bytes, the server answers with
 * `down` bytes when it has them all. After the last one the client half-closes, the server closes, and both want to see exactly
 * that. Bytes are runs of a table of noise, which begin at a place made from connection id, direction and offset: a byte lost, doubled,
 * swapped or sent to another connection is found.
 *
 * The client's connections go by turns to each ADDRESS, from source addresses FIRST .. FIRST+COUNT-1 by turns; those need
 * not be assigned one by one, a local route is enough (IP_FREEBIND). Options:
 *   --total N       connections in all
 *   --at-once M     so many are open at a time; when one ends the next one begins
 *   --up B, --down B   bytes of a round; each connection has 1/2 to 3/2 of it
 *   --rounds R
 *   --hold          when the first M have had their first round: say "open", and wait for SIGUSR1
 *
 * The server prints "listening", and at SIGTERM: connections, bytes, errors, and how many connections came from the local ports of
 * each of PARTS equal parts of LOW .. HIGH. The client prints "done ..." and exits with 0, or 1 if any connection failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LIFE_SEC 280
#define QUIET_MS 60000 /* nothing moves for so long: the test has failed */
#define EVENTS_MAX 256
#define OPENING_MAX 256 /* connections without an answer yet: less than a backlog */
#define NOISE_PERIOD 65521u /* prime: no segment size divides it */
#define CHUNK_BYTES 65536u
#define PARTS_MAX 64
#define SAID_MAX 20 /* failures that are told one by one */
#define MAGIC 0x666c6f77

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

struct header {
	uint32_t magic, id, up, down, rounds, reserved;
};

struct conn {
	int fd;
	bool is_server, is_connected, is_answered, is_half_closed;
	uint32_t header_done; /* bytes of it sent or received */
	struct header h;
	uint64_t tx_done, rx_done; /* of the streams, without the header */
	struct conn *next_free;
};

static uint8_t noise[2][NOISE_PERIOD + CHUNK_BYTES];
static int epoll_fd;
static int64_t moved_ms;
static uint64_t n_done, n_failed, bytes_total;
static bool is_holding; /* the client: nobody begins a second round */
static volatile sig_atomic_t is_released, is_ended;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void noise_make(void)
{
	uint64_t x = 88172645463325252ull;
	unsigned int dir, i;

	for (dir = 0; dir < 2; dir++)
		for (i = 0; i < sizeof(noise[0]); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			noise[dir][i] = i < NOISE_PERIOD ? x >> 24 : noise[dir][i - NOISE_PERIOD];
		}
}

/* CHUNK_BYTES from here on are valid. */
static const uint8_t *noise_at(uint32_t id, unsigned int dir, uint64_t offset)
{
	return &noise[dir][(offset + id * 7919ull) % NOISE_PERIOD];
}

static void say_failure(const struct conn *c, const char *why, int err)
{
	if (n_failed++ < SAID_MAX)
		printf("failed: id=%u %s%s%s tx=%" PRIu64 " rx=%" PRIu64 "\n", c->h.id, why, err ? ": " : "",
		       err ? strerror(err) : "", c->tx_done, c->rx_done);
}

static uint64_t tx_goal(const struct conn *c)
{
	uint64_t rounds;

	if (c->is_server) /* as many answers as there are questions */
		return c->rx_done / c->h.up * c->h.down;
	rounds = is_holding ? 1 : c->rx_done / c->h.down + 1;
	return (rounds < c->h.rounds ? rounds : c->h.rounds) * c->h.up;
}

/* 1: the connection is over, and good; 0: go on; -1: failed, and said. */
static int conn_send(struct conn *c)
{
	while (!c->is_server && c->header_done < sizeof(c->h)) {
		const ssize_t n = send(c->fd, (char *)&c->h + c->header_done, sizeof(c->h) - c->header_done, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			say_failure(c, "send", errno);
			return -1;
		}
		c->header_done += n;
	}
	while (c->tx_done < tx_goal(c)) {
		const uint64_t left = tx_goal(c) - c->tx_done;
		const ssize_t n = send(c->fd, noise_at(c->h.id, c->is_server, c->tx_done), left < CHUNK_BYTES ? left : CHUNK_BYTES,
				       MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			say_failure(c, "send", errno);
			return -1;
		}
		c->tx_done += n;
		bytes_total += n;
		moved_ms = now_ms();
	}
	return 0;
}

static int conn_ended(struct conn *c)
{
	const uint64_t want = (uint64_t)c->h.rounds * (c->is_server ? c->h.up : c->h.down);

	if (c->header_done == sizeof(c->h) && c->rx_done == want && (c->is_server || c->is_half_closed))
		return 1;
	say_failure(c, "FIN before the last byte", 0);
	return -1;
}

static int conn_check(struct conn *c, const uint8_t *data, size_t len)
{
	const uint64_t want = (uint64_t)c->h.rounds * (c->is_server ? c->h.up : c->h.down);

	if (c->rx_done + len > want) {
		say_failure(c, "bytes nobody sent", 0);
		return -1;
	}
	if (memcmp(data, noise_at(c->h.id, !c->is_server, c->rx_done), len)) {
		say_failure(c, "wrong bytes", 0);
		return -1;
	}
	c->rx_done += len;
	moved_ms = now_ms();
	return 0;
}

static int conn_receive(struct conn *c)
{
	static uint8_t buf[CHUNK_BYTES];
	ssize_t n;

	for (;;) {
		if (c->is_server && c->header_done < sizeof(c->h)) {
			n = recv(c->fd, (char *)&c->h + c->header_done, sizeof(c->h) - c->header_done, 0);
			if (n > 0) {
				c->header_done += n;
				if (c->header_done == sizeof(c->h) &&
				    (c->h.magic != MAGIC || !c->h.up || !c->h.down || !c->h.rounds)) {
					say_failure(c, "no header of ours", 0);
					return -1;
				}
				continue;
			}
		} else {
			n = recv(c->fd, buf, sizeof(buf), 0);
			if (n > 0) {
				c->is_answered = true;
				if (conn_check(c, buf, n))
					return -1;
				continue;
			}
		}
		if (!n)
			return conn_ended(c);
		if (errno == EAGAIN)
			return 0;
		say_failure(c, c->is_connected ? "recv" : "connect", errno);
		return -1;
	}
}

/* What can be done now. */
static int conn_run(struct conn *c)
{
	int r = conn_receive(c);

	if (!r && (!c->is_server || c->header_done == sizeof(c->h)))
		r = conn_send(c);
	if (!r && !c->is_server && !c->is_half_closed && c->rx_done == (uint64_t)c->h.rounds * c->h.down) {
		shutdown(c->fd, SHUT_WR);
		c->is_half_closed = true;
	}
	return r;
}

static int watch(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
	const int one = 1;

	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev);
}

static void conn_over(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	n_done++;
}

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		is_released = 1;
	else
		is_ended = 1;
}

/* ---- server ---- */

static uint64_t parts[PARTS_MAX + 1]; /* the last one: outside */

static void count_port(const struct sockaddr_in6 *peer, unsigned int low, unsigned int high, unsigned int n_parts)
{
	const unsigned int port = ntohs(peer->sin6_port), part_len = (high - low + 1) / n_parts;

	parts[port < low || port > high ? PARTS_MAX : (port - low) / part_len]++;
}

static int server_main(unsigned int port, unsigned int low, unsigned int high, unsigned int n_parts)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) }, peer;
	struct epoll_event events[EVENTS_MAX], ev = { .events = EPOLLIN };
	const int listen_fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1, zero = 0;
	struct conn *free_list = NULL, *c;
	uint64_t accepted = 0;
	socklen_t len;
	int i, n, fd, r;

	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(listen_fd, (struct sockaddr *)&any, sizeof(any)) || listen(listen_fd, 4096) ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev)) {
		perror("flows server");
		return 1;
	}
	printf("listening\n");
	while (!is_ended) {
		n = epoll_wait(epoll_fd, events, EVENTS_MAX, 100);
		for (i = 0; i < n; i++) {
			c = events[i].data.ptr;
			if (c) {
				r = c->fd < 0 ? 0 : conn_run(c);
				if (r) {
					conn_over(c);
					c->next_free = free_list;
					free_list = c;
				}
				continue;
			}
			for (;;) {
				len = sizeof(peer);
				fd = accept4(listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK);
				if (fd < 0)
					break;
				accepted++;
				count_port(&peer, low, high, n_parts);
				c = free_list;
				if (c)
					free_list = c->next_free;
				else
					c = malloc(sizeof(*c));
				if (!c)
					return 1;
				*c = (struct conn){ .fd = fd, .is_server = true, .is_connected = true };
				if (watch(c)) {
					perror("flows server: epoll_ctl");
					return 1;
				}
			}
		}
	}
	printf("server: connections=%" PRIu64 " ended=%" PRIu64 " failed=%" PRIu64 " outside=%" PRIu64, accepted, n_done, n_failed,
	       parts[PARTS_MAX]);
	for (i = 0; i < (int)n_parts; i++)
		printf(" part%d=%" PRIu64, i, parts[i]);
	printf("\n");
	return n_failed || n_done != accepted;
}

/* ---- client ---- */

struct route {
	int family;
	struct in6_addr to, first; /* IPv4 addresses in the first four bytes */
	unsigned int count;
};

static struct {
	unsigned int port, total, at_once, up, down, rounds, n_routes;
	bool hold;
	struct route routes[2];
} opts = { .total = 1, .at_once = 1, .up = 1000, .down = 1000, .rounds = 1 };

static socklen_t endpoint(struct sockaddr_storage *ss, const struct route *route, const struct in6_addr *addr, unsigned int add,
			  unsigned int port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	uint32_t low;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = route->family;
	if (route->family == AF_INET) {
		memcpy(&in->sin_addr, addr, 4);
		in->sin_addr.s_addr = htonl(ntohl(in->sin_addr.s_addr) + add);
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	in6->sin6_addr = *addr;
	memcpy(&low, &addr->s6_addr[12], 4);
	low = htonl(ntohl(low) + add);
	memcpy(&in6->sin6_addr.s6_addr[12], &low, 4);
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static int client_open(struct conn *c, uint32_t id)
{
	const struct route *route = &opts.routes[id % opts.n_routes];
	const uint32_t spread = id * 2654435761u >> 8; /* sizes differ, but not from run to run */
	struct sockaddr_storage ss;
	socklen_t len;
	const int one = 1;

	*c = (struct conn){ .h = { .magic = MAGIC,
				   .id = id,
				   .up = opts.up / 2 + spread % (opts.up + 1) + 1,
				   .down = opts.down / 2 + spread / 7 % (opts.down + 1) + 1,
				   .rounds = opts.rounds } };
	c->fd = socket(route->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		say_failure(c, "socket", errno);
		return -1;
	}
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (route->family == AF_INET)
		setsockopt(c->fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	else
		setsockopt(c->fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one));
	len = endpoint(&ss, route, &route->first, id / opts.n_routes % route->count, 0);
	if (bind(c->fd, (struct sockaddr *)&ss, len)) {
		say_failure(c, "bind", errno);
		return -1;
	}
	len = endpoint(&ss, route, &route->to, 0, opts.port);
	if (connect(c->fd, (struct sockaddr *)&ss, len) && errno != EINPROGRESS) {
		say_failure(c, "connect", errno);
		return -1;
	}
	if (watch(c)) {
		say_failure(c, "epoll_ctl", errno);
		return -1;
	}
	return 0;
}

static void client_event(struct conn *c, const struct epoll_event *ev, unsigned int *opening, unsigned int *open)
{
	const bool was_answered = c->is_answered;
	int r;

	if (c->fd < 0)
		return;
	if (!c->is_connected && !(ev->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (!c->is_connected && !(ev->events & EPOLLERR))
		c->is_connected = true;
	r = conn_run(c);
	if (was_answered != c->is_answered || (r && !was_answered))
		(*opening)--;
	if (!r)
		return;
	conn_over(c);
	(*open)--;
}

static int client_run(void)
{
	struct epoll_event events[EVENTS_MAX];
	struct conn *conns = calloc(opts.total, sizeof(*conns));
	unsigned int next = 0, opening = 0, open = 0, i, held = 0;
	const int64_t begin_ms = now_ms();
	bool is_said = false;
	int n;

	if (!conns)
		return 1;
	is_holding = opts.hold;
	moved_ms = now_ms();
	while (n_done < opts.total) {
		while (next < opts.total && open < opts.at_once && opening < OPENING_MAX && (next < opts.at_once || !is_holding)) {
			struct conn *c = &conns[next];

			if (client_open(c, next++)) {
				conn_over(c);
				continue;
			}
			open++;
			opening++;
		}
		n = epoll_wait(epoll_fd, events, EVENTS_MAX, 100);
		for (i = 0; (int)i < n; i++) {
			struct conn *c = events[i].data.ptr;
			const bool was = c->rx_done >= c->h.down;

			client_event(c, &events[i], &opening, &open);
			held += !was && c->rx_done >= c->h.down;
		}
		if (is_holding && !is_said && held + n_failed >= opts.at_once) {
			is_said = true;
			printf("open %u\n", held);
		}
		if (is_said && is_holding && is_released) {
			const struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT };

			is_holding = false;
			for (i = 0; i < next; i++)
				client_event(&conns[i], &ev, &opening, &open);
		}
		if (is_said && is_holding)
			moved_ms = now_ms();
		if (now_ms() - moved_ms > QUIET_MS) {
			printf("failed: nothing moved for %d s; %u open, %" PRIu64 " done\n", QUIET_MS / 1000, open, n_done);
			for (i = 0; i < next; i++)
				if (conns[i].fd >= 0)
					say_failure(&conns[i], "stalled", 0);
			break;
		}
	}
	printf("done connections=%u failed=%" PRIu64 " bytes_sent=%" PRIu64 " ms=%" PRId64 "\n", opts.total, n_failed, bytes_total,
	       now_ms() - begin_ms);
	return n_failed || n_done != opts.total;
}

static void usage(const char *what)
{
	fprintf(stderr, "flows: %s\nusage: flows server PORT LOW HIGH PARTS\n"
			"       flows client PORT TO,FIRST,COUNT [TO,FIRST,COUNT] [--total N] [--at-once M] [--up B] [--down B] "
			"[--rounds R] [--hold]\n", what);
	exit(2);
}

static unsigned int number(const char *text, unsigned int max)
{
	char *end = NULL;
	const unsigned long n = text ? strtoul(text, &end, 10) : 0;

	if (!n || *end || n > max)
		usage(text ? text : "a number is missing");
	return n;
}

static void add_route(char *text)
{
	char *to = strtok(text, ","), *first = strtok(NULL, ","), *count = strtok(NULL, ",");
	struct route *route = &opts.routes[opts.n_routes];

	if (opts.n_routes == 2 || !first || !count)
		usage("TO,FIRST,COUNT twice at most");
	route->family = strchr(to, ':') ? AF_INET6 : AF_INET;
	route->count = number(count, 60000);
	if (inet_pton(route->family, to, &route->to) != 1 || inet_pton(route->family, first, &route->first) != 1)
		usage("an address is wrong");
	opts.n_routes++;
}

static void parse_client(int argc, char **argv)
{
	int i;

	opts.port = number(argv[2], 65535);
	for (i = 3; i < argc; i++) {
		if (strncmp(argv[i], "--", 2))
			add_route(argv[i]);
		else if (!strcmp(argv[i], "--hold"))
			opts.hold = true;
		else if (!strcmp(argv[i], "--total"))
			opts.total = number(argv[++i], 1000000);
		else if (!strcmp(argv[i], "--at-once"))
			opts.at_once = number(argv[++i], 60000);
		else if (!strcmp(argv[i], "--up"))
			opts.up = number(argv[++i], 1 << 30);
		else if (!strcmp(argv[i], "--down"))
			opts.down = number(argv[++i], 1 << 30);
		else if (!strcmp(argv[i], "--rounds"))
			opts.rounds = number(argv[++i], 1000);
		else
			usage(argv[i]);
	}
	if (!opts.n_routes)
		usage("TO,FIRST,COUNT is missing");
	if (opts.at_once > opts.total)
		opts.at_once = opts.total;
	if (opts.hold && opts.rounds < 2)
		usage("--hold needs two --rounds");
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct rlimit rl;

	if (argc < 4)
		usage("too few words");
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(LIFE_SEC);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	sigaction(SIGUSR1, &act, NULL);
	noise_make();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0) {
		perror("flows: epoll_create1");
		return 1;
	}
	if (!strcmp(argv[1], "server") && argc == 6) {
		sigaction(SIGTERM, &act, NULL);
		return server_main(number(argv[2], 65535), number(argv[3], 65535), number(argv[4], 65535),
				   number(argv[5], PARTS_MAX));
	}
	if (strcmp(argv[1], "client"))
		usage(argv[1]);
	parse_client(argc, argv);
	return client_run();
}
