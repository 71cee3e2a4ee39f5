// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire_queues.c - a supervisor that opens a `packet` wire with several queues, and workers, one a queue, that echo UDP
 *
 *	queues IF N		the supervisor; says "ready" when all workers have their queues (who takes over a queue drops what
 *				lies in it, so a question that came before would go unseen); stdin tells it what to do, one
 *				answer a line:
 *		kill I		SIGKILL to worker I wherever it is, another one forked on its queue; "killed I"
 *		away I | back I	wire_packet_away(); "ok"
 *		stats		a line of counters of all workers, as name=value
 *	client ADDR PORT SOCKETS SECONDS	kernel UDP sockets, for that long and then until each got an echo of its own bytes,
 *						which fails CLIENT_PATIENCE_MS later
 *
 * Workers answer ARP for 10.99.2.2, count neighbour solicitations, and note in shared memory which of them saw each client
 * port; `split` counts ports that two of them saw.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "wire.h"

#define BURST 32u
#define WORKERS_MAX 16u
#define CLIENT_PATIENCE_MS 20000

static struct shared {
	uint8_t owner[65536];	/* worker + 1 that saw the client port */
	uint32_t split, attached[WORKERS_MAX], arp[WORKERS_MAX], solicitations[WORKERS_MAX], echoes[WORKERS_MAX];
} *shared;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t t[16];

	memcpy(t, a, n);
	memcpy(a, b, n);
	memcpy(b, t, n);
}

/* Turn the frame into its answer; 0: there is none. */
static int answer(const struct lkl_wire *w, uint32_t worker, uint8_t *f, uint32_t len)
{
	static const uint8_t ours[] = { 10, 99, 2, 2 };
	uint16_t port;
	uint8_t expected = 0;

	if (len >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 1 && !memcmp(f + 38, ours, 4)) {
		shared->arp[worker]++;
		memcpy(f, f + 6, 6);
		memcpy(f + 6, w->mac, 6);
		f[21] = 2;
		memcpy(f + 32, f + 22, 10);
		memcpy(f + 22, w->mac, 6);
		memcpy(f + 28, ours, 4);
		return 1;
	}
	if (len >= 14 + 40 + 8 && f[12] == 0x86 && f[20] == 58 && f[54] == 135)
		shared->solicitations[worker]++;
	if (len < 42 || f[12] != 8 || f[13] != 0 || f[23] != 17 || memcmp(f + 30, ours, 4))
		return 0;
	port = (uint16_t)(f[34] << 8 | f[35]);
	if (!__atomic_compare_exchange_n(&shared->owner[port], &expected, (uint8_t)(worker + 1), 0, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED) && expected != worker + 1)
		__atomic_fetch_add(&shared->split, 1, __ATOMIC_RELAXED);
	swap(f, f + 6, 6);
	swap(f + 26, f + 30, 4);
	swap(f + 34, f + 36, 2);
	shared->echoes[worker]++;
	return 1;
}

static void work(struct lkl_wire *all, uint32_t worker)
{
	const struct lkl_vnet_hdr none = { 0 };
	struct lkl_rx_frame frames[BURST];
	struct lkl_wire *w = NULL;
	struct pollfd fds[1 + LKL_WIRE_MORE_FDS];
	int more[LKL_WIRE_MORE_FDS], i, n, err = wire_packet_queue(all, worker, &w);
	uint32_t fds_len, k;

	if (err) {
		fprintf(stderr, "wire_queues: worker %u: %s\n", worker, strerror(-err));
		_exit(1);
	}
	__atomic_store_n(&shared->attached[worker], 1, __ATOMIC_RELEASE);
	fds[0].fd = w->ops->wait_fd(w, 0);
	fds_len = 1 + w->ops->more_fds(w, 0, more, LKL_WIRE_MORE_FDS);
	for (k = 1; k < fds_len; k++)
		fds[k].fd = more[k - 1];
	for (;;) {
		for (k = 0; k < fds_len; k++)
			fds[k].events = POLLIN;
		poll(fds, fds_len, 1000);
		while ((n = w->ops->rx_burst(w, 0, frames, BURST)) > 0) {
			for (i = 0; i < n; i++) {
				const struct lkl_iov iov = { frames[i].data, frames[i].len };

				/* The far kernel leaves checksums open; a zero says that there is none. */
				if (frames[i].flags & LKL_RX_FETCH || !answer(w, worker, frames[i].data, frames[i].len))
					continue;
				if (frames[i].vnet.flags)
					memset((uint8_t *)frames[i].data + 40, 0, 2);
				w->ops->tx(w, 0, &none, &iov, 1, frames[i].len);
			}
			w->ops->rx_release(w, 0, (uint32_t)n);
			w->ops->kick(w, 0);
		}
	}
}

static pid_t spawn(struct lkl_wire *all, uint32_t worker)
{
	const pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(all, worker);
	}
	return pid;
}

static void print_stats(const struct lkl_wire *w)
{
	uint64_t drops = 0;
	uint32_t i;

	for (i = 0; i < w->queues; i++) {
		printf("arp%u=%u solicitations%u=%u echoes%u=%u ", i, shared->arp[i], i, shared->solicitations[i], i,
		       shared->echoes[i]);
		drops += w->stats[i].rx_malformed_total + w->stats[i].tx_errors_total;
	}
	printf("split=%u refused=%llu\n", shared->split, (unsigned long long)drops);
}

static int supervise(const char *ifname, uint32_t queues)
{
	const struct lkl_wire_params params = { .ifname = ifname, .queues = queues, .shared = 1, .rx_ring_frames = 128,
						.tx_ring_frames = 64 };
	pid_t pids[WORKERS_MAX] = { 0 };
	struct lkl_wire *w = NULL;
	char err[1200] = "", line[64];
	uint32_t i;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || !queues || queues > WORKERS_MAX)
		return 2;
	if (wire_packet_open(&params, &w, err, sizeof(err))) {
		fprintf(stderr, "wire_queues: %s\n", err);
		return 77;
	}
	for (i = 0; i < queues; i++)
		pids[i] = spawn(w, i);
	for (i = 0; i < queues; i++)
		while (!__atomic_load_n(&shared->attached[i], __ATOMIC_ACQUIRE) && !waitpid(pids[i], NULL, WNOHANG))
			usleep(1000);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "kill %u", &i) == 1 && i < queues) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
			pids[i] = spawn(w, i);
			printf("killed %u\n", i);
		} else if (sscanf(line, "away %u", &i) == 1) {
			puts(wire_packet_away(w, i, 1) ? "refused" : "ok");
		} else if (sscanf(line, "back %u", &i) == 1) {
			puts(wire_packet_away(w, i, 0) ? "refused" : "ok");
		} else {
			print_stats(w);
		}
		fflush(stdout);
	}
	for (i = 0; i < queues; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	w->ops->close(w);
	return 0;
}

/* Each socket has one datagram out at a time and sends it again when nothing comes for a while. */
static int client(const char *addr, int port, int sockets, int seconds)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	const int is_v4 = inet_pton(AF_INET, addr, &v4.sin_addr);
	const int64_t end = now_ms() + seconds * 1000;
	struct pollfd *fds = calloc((size_t)sockets, sizeof(*fds));
	int *echoes = calloc((size_t)sockets, sizeof(*echoes));
	long total = 0;
	int i, served = 0;

	if (!fds || !echoes || (!is_v4 && inet_pton(AF_INET6, addr, &v6.sin6_addr) != 1))
		return 2;
	for (i = 0; i < sockets; i++) {
		fds[i].fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		fds[i].events = POLLIN;
		if (connect(fds[i].fd, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof(v4) : sizeof(v6))) {
			perror("connect");
			return 1;
		}
	}
	while (now_ms() < end || (served < sockets && now_ms() < end + CLIENT_PATIENCE_MS)) {
		for (i = 0; i < sockets; i++)
			if (send(fds[i].fd, &i, sizeof(i), 0) < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EHOSTUNREACH)
				perror("send");
		poll(fds, (nfds_t)sockets, 20);
		for (i = 0; i < sockets; i++) {
			int got = -1;

			while (recv(fds[i].fd, &got, sizeof(got), 0) > 0) {
				if (got != i)
					return fprintf(stderr, "wire_queues: not my bytes\n"), 1;
				served += !echoes[i]++;
				total++;
			}
		}
	}
	printf("echoes=%ld sockets=%d served=%d\n", total, sockets, served);
	return served == sockets ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "queues"))
		return supervise(argv[2], (uint32_t)atoi(argv[3]));
	if (argc == 6 && !strcmp(argv[1], "client"))
		return client(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
	fprintf(stderr, "usage: wire_queues queues IF N | client ADDR PORT SOCKETS SECONDS\n");
	return 2;
}
