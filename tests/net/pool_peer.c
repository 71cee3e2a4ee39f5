// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool_peer.c - what pool.sh puts around a proxy: servers that say who they are, clients that count, a DNS server
 *
 *   pool_peer serve NAME ADDRESS PORT
 *       Accepts; prints "conn ADDRESS PORT"; sends "NAME\n"; echoes what comes until the peer ends.
 *   pool_peer ask ADDRESS PORT N [--from A.B.C.D] [--sources K] [--hold]
 *       N connections, one after another, or with --hold all at a time until SIGUSR1. Reads each
 *       one's first line and prints who answered how often: "s1=10 s2=20 reset=1". With --sources
 *       connection i comes from address A.B.C.(D + i % K). With --hold each is said at once, as
 *       "+s1", and at the end each connection must still echo.
 *   pool_peer dns ADDRESS FILE
 *       Answers A queries from FILE, read for each query: lines "NAME TTL ADDRESS...", or "NAME fail".
 *       Prints "query NAME".
 *   pool_peer idle ADDRESS PORT N FIRST
 *       N connections that stay; prints "open N"; on each line of stdin sends a byte on each, waits
 *       for the N echoes and prints "alive N".
 *
 * Exit status 0 or 1; a process gives up after LIFE_SEC.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIFE_SEC 900
#define ANSWER_MS 20000
#define NAMES_MAX 32

static volatile sig_atomic_t is_over;

static void on_usr1(int sig)
{
	is_over = 1;
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (inet_pton(AF_INET, host, &sin.sin_addr) != 1) {
		fprintf(stderr, "pool_peer: %s: not an address\n", host);
		exit(1);
	}
	return sin;
}

/* ---- serve ---- */

static int serve(const char *name, const char *host, const char *port)
{
	struct sockaddr_in sin = address(host, port), peer;
	struct epoll_event ev = { .events = EPOLLIN }, events[256];
	int ep = epoll_create1(0), ls = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len;
	char buf[65536], line[64], text[64];
	int i, n, fd, one = 1;
	ssize_t r;

	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(ls, (struct sockaddr *)&sin, sizeof(sin)) || listen(ls, 4096)) {
		perror("pool_peer serve");
		return 1;
	}
	snprintf(line, sizeof(line), "%s\n", name);
	ev.data.fd = ls;
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
	printf("listening\n");
	for (;;) {
		n = epoll_wait(ep, events, 256, -1);
		for (i = 0; i < n; i++) {
			fd = events[i].data.fd;
			if (fd == ls) {
				len = sizeof(peer);
				fd = accept(ls, (struct sockaddr *)&peer, &len);
				if (fd < 0)
					continue;
				printf("conn %s %u\n", inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text)),
				       ntohs(peer.sin_port));
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
				ev.data.fd = fd;
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
					close(fd);
				continue;
			}
			r = recv(fd, buf, sizeof(buf), 0);
			if (r <= 0 || send(fd, buf, r, MSG_NOSIGNAL) < 0)
				close(fd);
		}
	}
}

/* ---- ask ---- */

static struct tally {
	char name[32];
	unsigned int count;
} tallies[NAMES_MAX];

static void count(const char *name)
{
	int i;

	for (i = 0; i < NAMES_MAX; i++) {
		if (!tallies[i].name[0])
			snprintf(tallies[i].name, sizeof(tallies[i].name), "%s", name);
		if (!strcmp(tallies[i].name, name)) {
			tallies[i].count++;
			return;
		}
	}
}

static int connect_to(const struct sockaddr_in *to, const char *from, unsigned int at)
{
	struct sockaddr_in src = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (from) {
		src = address(from, "0");
		src.sin_addr.s_addr = htonl(ntohl(src.sin_addr.s_addr) + at);
		if (bind(fd, (struct sockaddr *)&src, sizeof(src))) {
			perror("pool_peer: bind");
			exit(1);
		}
	}
	if (!connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		return fd;
	close(fd);
	return -errno;
}

/* First line of a connection, or what came instead. */
static const char *first_line(int fd, char *buf, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	ssize_t r;

	while (n < len - 1) {
		r = poll(&p, 1, ANSWER_MS);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return "silent";
		r = recv(fd, buf + n, 1, 0);
		if (r < 0)
			return errno == ECONNRESET ? "reset" : "error";
		if (!r)
			return "end";
		if (buf[n] == '\n') {
			buf[n] = '\0';
			return buf;
		}
		n++;
	}
	return "long";
}

static bool echoes(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c = 'x';

	return send(fd, &c, 1, MSG_NOSIGNAL) == 1 && poll(&p, 1, ANSWER_MS) == 1 && recv(fd, &c, 1, 0) == 1;
}

static int ask(int argc, char **argv)
{
	struct sockaddr_in to = address(argv[0], argv[1]);
	unsigned int i, n = atoi(argv[2]), sources = 1, n_dead = 0;
	const char *from = NULL, *who;
	bool is_held = false;
	sigset_t set, old;
	char buf[64];
	int *fds = calloc(n, sizeof(*fds)), arg;

	for (arg = 3; arg < argc; arg++) {
		if (!strcmp(argv[arg], "--from") && arg + 1 < argc)
			from = argv[++arg];
		else if (!strcmp(argv[arg], "--sources") && arg + 1 < argc)
			sources = atoi(argv[++arg]);
		else if (!strcmp(argv[arg], "--hold"))
			is_held = true;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	for (i = 0; i < n; i++) {
		fds[i] = connect_to(&to, from, i % sources);
		/* a reset may come before connect() has returned */
		who = fds[i] == -ECONNRESET ? "reset" :
		      fds[i] < 0	     ? "refused" :					       first_line(fds[i], buf, sizeof(buf));
		count(who);
		if (is_held)
			printf("+%s\n", who);
		if (fds[i] >= 0 && !is_held)
			close(fds[i]);
	}
	while (is_held && !is_over)
		sigsuspend(&old);
	for (i = 0; is_held && i < n; i++)
		if (fds[i] >= 0 && !echoes(fds[i]))
			n_dead++;
	for (i = 0; i < NAMES_MAX && tallies[i].name[0]; i++)
		printf("%s%s=%u", i ? " " : "", tallies[i].name, tallies[i].count);
	if (is_held)
		printf(" dead=%u", n_dead);
	printf("\n");
	return 0;
}

/* ---- dns ---- */

static size_t dns_answer(const char *file_name, uint8_t *msg, size_t len)
{
	char name[256] = "", line[1024], *save, *word;
	size_t at = 12, n = 0, end;
	unsigned int count_a = 0;
	int rcode = 3; /* no such name */
	uint16_t type;
	FILE *file;

	if (len < 17)
		return 0;
	while (at < len && msg[at] && n + msg[at] + 1 < sizeof(name)) {
		memcpy(name + n, msg + at + 1, msg[at]);
		n += msg[at];
		name[n++] = '.';
		at += msg[at] + 1;
	}
	name[n ? n - 1 : 0] = '\0';
	end = at + 5;
	if (end > len)
		return 0;
	type = msg[at + 1] << 8 | msg[at + 2];
	printf("query %s %u\n", name, type);
	len = end;
	file = fopen(file_name, "r");
	while (file && fgets(line, sizeof(line), file)) {
		unsigned int ttl;

		word = strtok_r(line, " \n", &save);
		if (!word || strcasecmp(word, name))
			continue;
		word = strtok_r(NULL, " \n", &save);
		if (!word || !strcmp(word, "fail")) {
			rcode = 2;
			break;
		}
		rcode = 0;
		ttl = atoi(word);
		while (type == 1 && (word = strtok_r(NULL, " \n", &save))) {
			uint8_t rr[16] = { 0xc0, 12, 0, 1, 0, 1, ttl >> 24, ttl >> 16, ttl >> 8, ttl, 0, 4 };

			inet_pton(AF_INET, word, rr + 12);
			memcpy(msg + len, rr, sizeof(rr));
			len += sizeof(rr);
			count_a++;
		}
	}
	if (file)
		fclose(file);
	msg[2] = 0x84;
	msg[3] = 0x80 | rcode;
	msg[6] = 0;
	msg[7] = count_a;
	memset(msg + 8, 0, 4);
	return len;
}

static int dns(const char *host, const char *file_name)
{
	struct sockaddr_in sin = address(host, "53"), peer;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t msg[4096];
	socklen_t len;
	ssize_t n;

	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin))) {
		perror("pool_peer dns");
		return 1;
	}
	printf("listening\n");
	for (;;) {
		len = sizeof(peer);
		n = recvfrom(fd, msg, 512, 0, (struct sockaddr *)&peer, &len);
		n = n > 0 ? (ssize_t)dns_answer(file_name, msg, n) : 0;
		if (n > 0)
			sendto(fd, msg, n, 0, (struct sockaddr *)&peer, len);
	}
}

/* ---- idle ---- */

static int idle(const char *host, const char *port, unsigned int n, const char *from)
{
	struct sockaddr_in to = address(host, port);
	int *fds = calloc(n, sizeof(*fds));
	unsigned int i, alive;
	char buf[64], c = 'x';

	for (i = 0; i < n; i++) {
		fds[i] = connect_to(&to, from, 0);
		if (fds[i] < 0) {
			fprintf(stderr, "pool_peer idle: connection %u: %s\n", i, strerror(-fds[i]));
			return 1;
		}
		first_line(fds[i], buf, sizeof(buf));
	}
	printf("open %u\n", n);
	while (fgets(buf, sizeof(buf), stdin)) {
		alive = 0;
		for (i = 0; i < n; i++)
			if (send(fds[i], &c, 1, MSG_NOSIGNAL) != 1)
				fds[i] = -1;
		for (i = 0; i < n; i++) {
			struct pollfd p = { .fd = fds[i], .events = POLLIN };

			if (fds[i] >= 0 && poll(&p, 1, ANSWER_MS) == 1 && recv(fds[i], &c, 1, 0) == 1 && c == 'x')
				alive++;
		}
		printf("alive %u\n", alive);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit rl;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, on_usr1);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	alarm(LIFE_SEC);
	if (argc == 5 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3], argv[4]);
	if (argc >= 5 && !strcmp(argv[1], "ask"))
		return ask(argc - 2, argv + 2);
	if (argc == 4 && !strcmp(argv[1], "dns"))
		return dns(argv[2], argv[3]);
	if (argc == 6 && !strcmp(argv[1], "idle"))
		return idle(argv[2], argv[3], atoi(argv[4]), argv[5]);
	fprintf(stderr, "usage: pool_peer serve|ask|dns|idle ... (see the source)\n");
	return 1;
}
