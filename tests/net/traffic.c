// SPDX-License-Identifier: GPL-2.0-only
/*
 * traffic.c - client and server that check every byte of what a relay between them delivers
 *
 *   traffic server ADDRESS PORT NAME
 *   traffic client ADDRESS PORT [options]
 *
 * The server greets each connection with a banner that holds its NAME (so a server that speaks
 * first is always part of the test). The client then sends a header that says what both will do;
 * so one server serves every test, and nothing has to be agreed on otherwise. Bytes follow a
 * pattern made from connection id, direction and offset: a byte lost, doubled, swapped or sent to
 * the wrong connection is found at its offset.
 *
 * One exchange, options of the client:
 *   --up N --down N     bytes each way (suffixes k, M)
 *   --order up-first    client sends all and half-closes; the server answers after the FIN (default)
 *           down-first  server sends all and half-closes; the client answers after the FIN
 *           both        both at once
 *   --rounds R          R requests and answers before the ends are sent
 *   --reset client      after all bytes, the client resets: the server must see ECONNRESET
 *           server      after all bytes, the server resets: the client must get all bytes, then ECONNRESET
 *           client-mid  the client resets after a tenth of what comes down
 *           server-mid  the server resets after a tenth of what comes up
 *   --parallel P        P connections at a time, ids ID .. ID+P-1
 *   --pause             read nothing (but the banner) before SIGUSR1
 *   --want-server NAME  the banner must say so
 *   --want-reset        the connection must be reset before any banner
 *   --want-refused      connect() must fail with ECONNREFUSED
 *
 * The server prints a line for each thing a test may wait for:
 *   listening | stalled id=I sent=N | end id=I how=fin|reset|error rx=N tx=N
 * "stalled": nothing could be sent for STALL_MS. Exit status 0 or 1; a process gives up after
 * LIFE_SEC.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF_BYTES (64 * 1024)
#define POLL_MS 60000 /* nothing moves for so long: the test has failed */
#define STALL_MS \
	700 /* nothing can be sent for so long: back-pressure has reached us */
#define LIFE_SEC 240
#define MAGIC 0x61636364
#define BANNER_BYTES 16

enum order { ORDER_UP_FIRST, ORDER_DOWN_FIRST, ORDER_BOTH };
enum reset {
	RESET_NONE,
	RESET_CLIENT,
	RESET_SERVER,
	RESET_CLIENT_MID,
	RESET_SERVER_MID
};

struct header {
	uint32_t magic, order, reset, rounds;
	uint64_t id, up_bytes, down_bytes;
};

struct exchange {
	int fd;
	uint64_t id;
	int tx_dir; /* 0 up, 1 down: part of the pattern */
	uint64_t tx_done, rx_done;
	const char *why; /* what went wrong */
	uint64_t why_at;
};

static volatile sig_atomic_t may_read = 1;

static uint64_t pattern_word(uint64_t id, int dir, uint64_t word)
{
	uint64_t x = (id + 1) * 0x9e3779b97f4a7c15ULL +
		     dir * 0xd1b54a32d192ed03ULL + word;

	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void pattern_fill(uint64_t id, int dir, uint64_t offset, uint8_t *buf,
			 size_t len)
{
	uint64_t word;
	size_t i = 0;

	while (i < len) {
		unsigned int at = (offset + i) % 8;
		size_t n = 8 - at < len - i ? 8 - at : len - i;

		word = pattern_word(id, dir, (offset + i) / 8);
		memcpy(buf + i, (uint8_t *)&word + at, n);
		i += n;
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/*
 * A reset throws away what our own stack has not delivered yet: let it do that first, for a
 * second at most.
 */
static void close_reset(int fd)
{
	struct linger l = { 1, 0 };
	int left, tries;

	for (tries = 0; tries < 1000 && !ioctl(fd, SIOCOUTQ, &left) && left;
	     tries++)
		poll(NULL, 0, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

/*
 * Send up to tx_bytes and receive up to rx_bytes (offsets of the whole stream), at the same time.
 * want_eof: go on until the other side's FIN, which must come right at rx_bytes. 0, or -errno of
 * the connection, or -EBADMSG (ex->why says what).
 */
static int transfer(struct exchange *ex, uint64_t tx_bytes, uint64_t rx_bytes,
		    bool want_eof)
{
	static __thread uint8_t out[BUF_BYTES], in[BUF_BYTES],
		expect[BUF_BYTES];
	struct pollfd p = { .fd = ex->fd };
	bool is_eof = false, is_stall_said = false;
	int64_t tx_at_ms = now_ms();
	int64_t last_ms = tx_at_ms;
	size_t n;
	ssize_t r;

	while (ex->tx_done < tx_bytes || ex->rx_done < rx_bytes ||
	       (want_eof && !is_eof)) {
		bool wants_rx = ex->rx_done < rx_bytes || want_eof;

		p.events = (ex->tx_done < tx_bytes ? POLLOUT : 0) |
			   (wants_rx && may_read && !is_eof ? POLLIN : 0);
		r = poll(&p, 1, 100);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (ex->tx_done < tx_bytes && !is_stall_said &&
		    now_ms() - tx_at_ms > STALL_MS) {
			is_stall_said = true;
			printf("stalled id=%" PRIu64 " sent=%" PRIu64 "\n",
			       ex->id, ex->tx_done);
		}
		if (r <= 0) {
			if (!may_read || is_stall_said)
				last_ms = now_ms();
			if (now_ms() - last_ms > POLL_MS)
				return -ETIMEDOUT;
			continue;
		}
		last_ms = now_ms();
		if (p.revents & POLLOUT && ex->tx_done < tx_bytes) {
			n = tx_bytes - ex->tx_done < BUF_BYTES ?
				    tx_bytes - ex->tx_done :
				    BUF_BYTES;
			pattern_fill(ex->id, ex->tx_dir, ex->tx_done, out, n);
			r = send(ex->fd, out, n, MSG_NOSIGNAL);
			if (r < 0 && errno != EAGAIN)
				return -errno;
			if (r > 0) {
				ex->tx_done += r;
				tx_at_ms = now_ms();
			}
		}
		if (p.revents & (POLLIN | POLLERR | POLLHUP) &&
		    (may_read || p.revents & POLLERR)) {
			/* not beyond this round: the next one's bytes are the next one's */
			n = want_eof || rx_bytes - ex->rx_done > BUF_BYTES ?
				    BUF_BYTES :
				    rx_bytes - ex->rx_done;
			if (!n)
				n = 1;
			r = recv(ex->fd, in, n, 0);
			if (r < 0 && errno != EAGAIN)
				return -errno;
			if (r == 0) {
				is_eof = true;
				if (ex->rx_done < rx_bytes) {
					ex->why = "FIN before the last byte";
					ex->why_at = ex->rx_done;
					return -EBADMSG;
				}
			}
			if (r > 0) {
				pattern_fill(ex->id, !ex->tx_dir, ex->rx_done,
					     expect, r);
				if (ex->rx_done + r > rx_bytes) {
					ex->why = "bytes nobody sent";
					ex->why_at = rx_bytes;
					return -EBADMSG;
				}
				if (memcmp(in, expect, r)) {
					for (n = 0; in[n] == expect[n]; n++)
						;
					ex->why = "wrong byte";
					ex->why_at = ex->rx_done + n;
					return -EBADMSG;
				}
				ex->rx_done += r;
			}
		}
	}
	return 0;
}

static int read_all(int fd, void *buf, size_t len)
{
	uint8_t *p = buf;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t r;

	while (len) {
		if (poll(&pfd, 1, POLL_MS) == 0)
			return -ETIMEDOUT;
		r = recv(fd, p, len, 0);
		if (r < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			return -ENODATA;
		p += r;
		len -= r;
	}
	return 0;
}

/* ---- server ---- */

static char server_name[BANNER_BYTES];

static int serve(struct exchange *ex, const struct header *h)
{
	uint64_t i;
	int r = 0;

	if (h->reset == RESET_SERVER_MID) {
		r = transfer(ex, 0, h->up_bytes / 10, false);
		return r ? r : -ECANCELED;
	}
	for (i = 1; i < h->rounds && !r; i++) {
		r = transfer(ex, 0, i * h->up_bytes, false);
		if (!r)
			r = transfer(ex, i * h->down_bytes, i * h->up_bytes,
				     false);
	}
	if (r)
		return r;
	if (h->reset == RESET_CLIENT || h->reset == RESET_SERVER ||
	    h->reset == RESET_CLIENT_MID) {
		r = transfer(ex, h->rounds * h->down_bytes,
			     h->rounds * h->up_bytes, false);
		if (!r && h->reset != RESET_SERVER)
			r = transfer(ex, ex->tx_done, ex->rx_done,
				     true); /* wait for the reset */
		return r ? r : h->reset == RESET_SERVER ? -ECANCELED : 0;
	}
	if (h->order == ORDER_UP_FIRST)
		r = transfer(ex, ex->tx_done, h->rounds * h->up_bytes, true);
	if (!r)
		r = transfer(ex, h->rounds * h->down_bytes,
			     h->order == ORDER_BOTH ? h->rounds * h->up_bytes :
						      ex->rx_done,
			     false);
	if (r)
		return r;
	shutdown(ex->fd, SHUT_WR);
	if (h->order != ORDER_UP_FIRST)
		r = transfer(ex, ex->tx_done, h->rounds * h->up_bytes, true);
	return r;
}

static void *server_thread(void *arg)
{
	struct exchange ex = { .fd = (int)(intptr_t)arg, .tx_dir = 1 };
	struct header h = { 0 };
	const char *how;
	int r;

	if (send(ex.fd, server_name, BANNER_BYTES, MSG_NOSIGNAL) !=
	    BANNER_BYTES) {
		close(ex.fd);
		return NULL;
	}
	r = read_all(ex.fd, &h, sizeof(h));
	if (!r && h.magic == MAGIC) {
		ex.id = h.id;
		r = serve(&ex, &h);
	}
	how = !r			      ? "fin" :
	      r == -ECONNRESET || r == -EPIPE ? "reset" :
	      r == -ECANCELED		      ? "own-reset" :
						"error";
	printf("end id=%" PRIu64 " how=%s rx=%" PRIu64 " tx=%" PRIu64
	       " (%s%s)\n",
	       ex.id, how, ex.rx_done, ex.tx_done, strerror(-r),
	       ex.why ? ex.why : "");
	if (r == -ECANCELED)
		close_reset(ex.fd);
	else
		close(ex.fd);
	return NULL;
}

static int server_main(const struct sockaddr_in *sin, const char *name)
{
	pthread_attr_t attr;
	pthread_t thread;
	int one = 1;
	int fd, ls;

	snprintf(server_name, sizeof(server_name), "%s", name);
	ls = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(ls, (const struct sockaddr *)sin, sizeof(*sin)) ||
	    listen(ls, 1024)) {
		perror("traffic server");
		return 1;
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 512 * 1024);
	printf("listening\n");
	for (;;) {
		fd = accept(ls, NULL, NULL);
		if (fd < 0)
			continue;
		set_nonblock(fd);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (pthread_create(&thread, &attr, server_thread,
				   (void *)(intptr_t)fd))
			close(fd);
	}
}

/* ---- client ---- */

static struct client_options {
	struct sockaddr_in to;
	struct header header;
	const char *want_server;
	bool want_reset, want_refused, pause;
	int parallel;
} opts = { .header = { .magic = MAGIC, .rounds = 1 }, .parallel = 1 };

static int talk(struct exchange *ex, const struct header *h)
{
	uint64_t i;
	int r = 0;

	if (h->reset == RESET_CLIENT_MID) {
		r = transfer(ex, h->up_bytes, h->down_bytes / 10, false);
		return r ? r : -ECANCELED;
	}
	for (i = 1; i < h->rounds && !r; i++)
		r = transfer(ex, i * h->up_bytes, i * h->down_bytes, false);
	if (r)
		return r;
	if (h->reset) {
		r = transfer(ex, h->rounds * h->up_bytes,
			     h->rounds * h->down_bytes, false);
		if (h->reset == RESET_CLIENT)
			return r ? r : -ECANCELED;
		if (!r)
			r = transfer(ex, ex->tx_done, ex->rx_done,
				     true); /* wait for the reset */
		if (r == -ECONNRESET ||
		    (h->reset == RESET_SERVER_MID && r == -EPIPE)) {
			if (h->reset == RESET_SERVER &&
			    ex->rx_done != h->rounds * h->down_bytes) {
				ex->why = "reset before the last byte";
				ex->why_at = ex->rx_done;
				return -EBADMSG;
			}
			return 0;
		}
		ex->why = "no reset came";
		return r ? r : -EBADMSG;
	}
	if (h->order == ORDER_DOWN_FIRST)
		r = transfer(ex, ex->tx_done, h->rounds * h->down_bytes, true);
	if (!r)
		r = transfer(ex, h->rounds * h->up_bytes,
			     h->order == ORDER_BOTH ?
				     h->rounds * h->down_bytes :
				     ex->rx_done,
			     false);
	if (r)
		return r;
	shutdown(ex->fd, SHUT_WR);
	if (h->order != ORDER_DOWN_FIRST)
		r = transfer(ex, ex->tx_done, h->rounds * h->down_bytes, true);
	return r;
}

/* -ENOTCONN: it failed as it was wanted to. */
static int client_connect(const struct header *h, struct exchange *ex)
{
	char banner[BANNER_BYTES];
	struct timeval tv = { .tv_sec = POLL_MS / 1000 };
	int one = 1;
	int r;

	ex->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(ex->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(ex->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(ex->fd, (struct sockaddr *)&opts.to, sizeof(opts.to))) {
		r = -errno;
		if (opts.want_refused && r == -ECONNREFUSED)
			return -ENOTCONN;
		if (opts.want_reset && r == -ECONNRESET)
			return -ENOTCONN; /* it was faster than our way out of connect() */
		ex->why = "connect";
		return r;
	}
	if (opts.want_refused) {
		ex->why = "connected, but should have been refused";
		return -EBADMSG;
	}
	set_nonblock(ex->fd);
	r = read_all(ex->fd, banner, sizeof(banner));
	if (opts.want_reset) {
		ex->why = "a reset was expected before the banner";
		return r == -ECONNRESET ? -ENOTCONN : r ? r : -EBADMSG;
	}
	if (r) {
		ex->why = "banner";
		return r;
	}
	if (opts.want_server && strcmp(banner, opts.want_server)) {
		ex->why = "another server answered";
		return -EBADMSG;
	}
	if (send(ex->fd, h, sizeof(*h), MSG_NOSIGNAL) != sizeof(*h)) {
		ex->why = "header";
		return -errno;
	}
	return 0;
}

static void *client_thread(void *arg)
{
	struct header h = opts.header;
	struct exchange ex = { .fd = -1 };
	int r;

	h.id += (uintptr_t)arg;
	ex.id = h.id;
	r = client_connect(&h, &ex);
	if (!r)
		r = talk(&ex, &h);
	if (r == -ECANCELED) {
		close_reset(ex.fd);
		return NULL;
	}
	close(ex.fd);
	if (r == -ENOTCONN)
		return NULL; /* as it was wanted */
	if (r)
		fprintf(stderr,
			"traffic client: id=%" PRIu64 ": %s%s%s at rx=%" PRIu64
			" tx=%" PRIu64 " (offset %" PRIu64 ")\n",
			ex.id, strerror(-r), ex.why ? ": " : "",
			ex.why ? ex.why : "", ex.rx_done, ex.tx_done,
			ex.why_at);
	return r ? (void *)1 : NULL;
}

static int client_run(void)
{
	pthread_t threads[1024];
	pthread_attr_t attr;
	int failed = 0;
	void *ret;
	int i, n;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 * 1024);
	for (n = 0; n < opts.parallel; n++)
		if (pthread_create(&threads[n], &attr, client_thread,
				   (void *)(uintptr_t)n))
			break;
	if (n < opts.parallel)
		failed++;
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], &ret);
		failed += ret != NULL;
	}
	if (failed)
		fprintf(stderr, "traffic client: %d of %d connections failed\n",
			failed, opts.parallel);
	return failed ? 1 : 0;
}

static void on_usr1(int sig)
{
	may_read = 1;
}

static int index_of(const char *what, const char *text,
		    const char *const *names)
{
	int i;

	for (i = 0; names[i]; i++)
		if (!strcmp(names[i], text))
			return i;
	fprintf(stderr, "traffic: %s: unknown %s\n", text, what);
	exit(1);
}

static uint64_t parse_bytes(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	return *end == 'k' ? n << 10 : *end == 'M' ? n << 20 : n;
}

static void parse_client(int argc, char **argv)
{
	static const char *const orders[] = { "up-first", "down-first", "both",
					      NULL };
	static const char *const resets[] = { "none",	    "client",
					      "server",	    "client-mid",
					      "server-mid", NULL };
	static const struct option options[] = {
		{ "up", 1, NULL, 'u' },
		{ "down", 1, NULL, 'd' },
		{ "order", 1, NULL, 'o' },
		{ "rounds", 1, NULL, 'r' },
		{ "reset", 1, NULL, 'x' },
		{ "parallel", 1, NULL, 'p' },
		{ "pause", 0, NULL, 'z' },
		{ "want-server", 1, NULL, 's' },
		{ "want-reset", 0, NULL, 'X' },
		{ "id", 1, NULL, 'i' },
		{ "want-refused", 0, NULL, 'R' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'u':
			opts.header.up_bytes = parse_bytes(optarg);
			break;
		case 'd':
			opts.header.down_bytes = parse_bytes(optarg);
			break;
		case 'o':
			opts.header.order = index_of("order", optarg, orders);
			break;
		case 'r':
			opts.header.rounds = atoi(optarg);
			break;
		case 'x':
			opts.header.reset = index_of("reset", optarg, resets);
			break;
		case 'p':
			opts.parallel = atoi(optarg);
			break;
		case 'z':
			opts.pause = true;
			break;
		case 's':
			opts.want_server = optarg;
			break;
		case 'X':
			opts.want_reset = true;
			break;
		case 'R':
			opts.want_refused = true;
			break;
		case 'i':
			opts.header.id = strtoull(optarg, NULL, 10);
			break;
		default:
			exit(1);
		}
	}
	if (opts.parallel < 1 || opts.parallel > 1024 ||
	    opts.header.rounds < 1) {
		fprintf(stderr,
			"traffic: --parallel 1 .. 1024, --rounds 1 ..\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct rlimit rl;

	if (argc < 4 || inet_pton(AF_INET, argv[2], &sin.sin_addr) != 1) {
		fprintf(stderr,
			"usage: traffic server|client ADDRESS PORT ...\n");
		return 1;
	}
	sin.sin_port = htons(atoi(argv[3]));
	setvbuf(stdout, NULL, _IOLBF, 0);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (!strcmp(argv[1], "server"))
		return server_main(&sin, argc > 4 ? argv[4] : "server");
	alarm(LIFE_SEC);
	opts.to = sin;
	parse_client(argc - 3, argv + 3);
	if (opts.pause) {
		may_read = 0;
		signal(SIGUSR1, on_usr1);
	}
	return client_run();
}
