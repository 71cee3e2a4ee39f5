// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_poll.c - waiting for descriptors: poll(2), select(2), epoll(7)
 *
 * Most of it is without time: a descriptor is made ready, or is not, and the call must say so at once. Where a call has
 * to block first, a peer makes it end.
 */
#include "inet.h"

#include <poll.h>
#include <sys/select.h>

/* For ppoll() and the like: short, and for ever as far as a test goes. */
static struct timespec at_once = { 0, 0 };

static int poll_events(int fd, int events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	struct timespec zero = at_once;
	long n = sys(ppoll, &pfd, 1, &zero, NULL, 0);

	CHECK(n == !!pfd.revents);
	return pfd.revents;
}

static int write_later(void *arg)
{
	CHECK_EQ(lkl_sys_nanosleep_ns(10000000), 0);
	CHECK_EQ(lkl_sys_write(*(int *)arg, "x", 1), 1);
	return 0;
}

static int polls(void *arg)
{
	struct pollfd pfds[3] = { { 0, POLLIN, 0 }, { -5, POLLIN, 0 }, { 99999, POLLIN, 0 } };
	struct timespec limit = { .tv_nsec = 10000000 };
	struct peer peer;
	int pipe[2], fds[2];
	int64_t t;
	char c;

	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	CHECK_EQ(poll_events(pipe[0], POLLIN), 0);
	CHECK_EQ(poll_events(pipe[1], POLLOUT | POLLIN), POLLOUT);
	/* Negative descriptors are passed over, closed ones are POLLNVAL. */
	pfds[0].fd = pipe[0];
	CHECK_EQ(sys(ppoll, pfds, 3, NULL, NULL, 0), 1);
	CHECK_EQ(pfds[1].revents, 0);
	CHECK_EQ(pfds[2].revents, POLLNVAL);

	t = stack_now_ns();
	CHECK_EQ(sys(ppoll, pfds, 2, &limit, NULL, 0), 0);
	CHECK(stack_now_ns() - t >= 10000000);
	CHECK_EQ(peer_start(&peer, write_later, &pipe[1]), 0);
	CHECK_EQ(sys(ppoll, pfds, 2, NULL, NULL, 0), 1);
	CHECK_EQ(pfds[0].revents, POLLIN);
	CHECK_EQ(peer_join(&peer), 0);
	CHECK_EQ(lkl_sys_read(pipe[0], &c, 1), 1);
	CHECK_EQ(lkl_sys_close(pipe[1]), 0);
	CHECK_EQ(poll_events(pipe[0], POLLIN), POLLHUP);
	CHECK_EQ(lkl_sys_close(pipe[0]), 0);

	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	CHECK_EQ(poll_events(fds[1], POLLIN | POLLOUT | POLLRDHUP), POLLOUT);
	CHECK_EQ(lkl_sys_shutdown(fds[0], SHUT_WR), 0);
	CHECK_EQ(poll_events(fds[1], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(lkl_sys_shutdown(fds[1], SHUT_WR), 0);
	CHECK_EQ(poll_events(fds[1], POLLIN) & POLLHUP, POLLHUP);
	return close_pair(fds);
}

static int selects(void *arg)
{
	struct timespec limit = { .tv_nsec = 5000000 };
	fd_set in, out;
	int pipe[2], max;

	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	max = (pipe[0] > pipe[1] ? pipe[0] : pipe[1]) + 1;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(pipe[0], &in);
	FD_SET(pipe[1], &out);
	CHECK_EQ(sys(pselect6, max, &in, &out, NULL, NULL, NULL), 1);
	CHECK(!FD_ISSET(pipe[0], &in) && FD_ISSET(pipe[1], &out));
	FD_SET(pipe[0], &in);
	CHECK_EQ(sys(pselect6, max, &in, NULL, NULL, &limit, NULL), 0);
	CHECK(!FD_ISSET(pipe[0], &in));
	CHECK(limit.tv_sec == 0 && limit.tv_nsec == 0); /* Linux writes back what is left */
	CHECK_EQ(lkl_sys_write(pipe[1], "x", 1), 1);
	FD_SET(pipe[0], &in);
	CHECK_EQ(sys(pselect6, max, &in, &out, NULL, NULL, NULL), 2);
	CHECK(FD_ISSET(pipe[0], &in));
	CHECK_EQ(sys(pselect6, -1, &in, NULL, NULL, NULL, NULL), -EINVAL);
	TRY(close_pair(pipe));
	FD_SET(pipe[0], &in);
	CHECK_EQ(sys(pselect6, max, &in, NULL, NULL, NULL, NULL), -EBADF);
	return 0;
}

/* How many events there are now; the first one goes to *ev. */
static int ready(int ep, struct epoll_event *ev)
{
	struct epoll_event evs[8] = { 0 };
	int n = lkl_sys_epoll_wait(ep, evs, 8, 0);

	*ev = evs[0];
	return n;
}

static int epoll_add(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return lkl_sys_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int level_and_edge(void *arg)
{
	struct epoll_event ev;
	int ep = lkl_sys_epoll_create1(EPOLL_CLOEXEC), pipe[2];
	char c;

	CHECK_EQ(lkl_sys_fcntl(ep, F_GETFD, 0), FD_CLOEXEC);
	CHECK_EQ(lkl_sys_pipe2(pipe, O_NONBLOCK), 0);
	CHECK_EQ(epoll_add(ep, pipe[0], EPOLLIN), 0);
	CHECK_EQ(epoll_add(ep, pipe[0], EPOLLIN), -EEXIST);
	CHECK_EQ(epoll_add(ep, ep, EPOLLIN), -EINVAL);
	CHECK_EQ(epoll_add(ep, 99999, EPOLLIN), -EBADF);
	CHECK_EQ(ready(ep, &ev), 0);
	CHECK_EQ(lkl_sys_write(pipe[1], "ab", 2), 2);
	CHECK_EQ(ready(ep, &ev), 1);
	CHECK(ev.events == EPOLLIN && ev.data.fd == pipe[0]);
	CHECK_EQ(lkl_sys_read(pipe[0], &c, 1), 1);
	CHECK_EQ(ready(ep, &ev), 1); /* level: still something there */

	ev = (struct epoll_event){ .events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abcdefull };
	CHECK_EQ(lkl_sys_epoll_ctl(ep, EPOLL_CTL_MOD, pipe[0], &ev), 0);
	CHECK_EQ(ready(ep, &ev), 1);
	CHECK(ev.data.u64 == 0x123456789abcdefull);
	CHECK_EQ(ready(ep, &ev), 0); /* edge: once */
	CHECK_EQ(lkl_sys_write(pipe[1], "c", 1), 1);
	CHECK_EQ(ready(ep, &ev), 1);
	CHECK_EQ(ready(ep, &ev), 0);
	CHECK_EQ(lkl_sys_epoll_ctl(ep, EPOLL_CTL_DEL, pipe[0], NULL), 0);
	CHECK_EQ(lkl_sys_epoll_ctl(ep, EPOLL_CTL_DEL, pipe[0], NULL), -ENOENT);
	CHECK_EQ(lkl_sys_write(pipe[1], "d", 1), 1);
	CHECK_EQ(ready(ep, &ev), 0);

	/* A closed descriptor leaves by itself. */
	CHECK_EQ(epoll_add(ep, pipe[0], EPOLLIN), 0);
	CHECK_EQ(ready(ep, &ev), 1);
	TRY(close_pair(pipe));
	CHECK_EQ(ready(ep, &ev), 0);
	return lkl_sys_close(ep);
}

static int oneshot(void *arg)
{
	struct epoll_event ev;
	int ep = lkl_sys_epoll_create1(0), pipe[2];

	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	CHECK_EQ(epoll_add(ep, pipe[0], EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(lkl_sys_write(pipe[1], "a", 1), 1);
	CHECK_EQ(ready(ep, &ev), 1);
	CHECK_EQ(lkl_sys_write(pipe[1], "b", 1), 1);
	CHECK_EQ(ready(ep, &ev), 0);
	ev = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT };
	CHECK_EQ(lkl_sys_epoll_ctl(ep, EPOLL_CTL_MOD, pipe[0], &ev), 0);
	CHECK_EQ(ready(ep, &ev), 1);
	TRY(close_pair(pipe));
	return lkl_sys_close(ep);
}

struct waiter {
	int ep;		/* of its own */
	int go;		/* eventfd; it says with this that it is about to wait */
	int timeout_ms;
	int n;
};

static int wait_in_epoll(void *arg)
{
	struct waiter *w = arg;
	struct epoll_event ev;
	uint64_t one = 1;

	CHECK_EQ(lkl_sys_write(w->go, &one, sizeof(one)), sizeof(one));
	w->n = lkl_sys_epoll_wait(w->ep, &ev, 1, w->timeout_ms);
	return 0;
}

/* One event, two instances that wait for it: without EPOLLEXCLUSIVE both wake, with it at least one does. */
static int wake_two(int fd_events, int *woken)
{
	struct waiter w[2];
	struct peer peers[2];
	int pipe[2], i;
	uint64_t one;

	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	for (i = 0; i < 2; i++) {
		/* One that an exclusive event may leave out has to come to an end. */
		w[i] = (struct waiter){ lkl_sys_epoll_create1(0), lkl_sys_eventfd2(0, 0),
					fd_events & EPOLLEXCLUSIVE ? 300 : 60000, -1 };
		CHECK_EQ(epoll_add(w[i].ep, pipe[0], fd_events), 0);
		CHECK_EQ(peer_start(&peers[i], wait_in_epoll, &w[i]), 0);
		CHECK_EQ(lkl_sys_read(w[i].go, &one, sizeof(one)), sizeof(one));
	}
	CHECK_EQ(lkl_sys_nanosleep_ns(20000000), 0);
	CHECK_EQ(lkl_sys_write(pipe[1], "x", 1), 1);
	for (i = 0, *woken = 0; i < 2; i++) {
		CHECK_EQ(peer_join(&peers[i]), 0);
		*woken += w[i].n;
		CHECK_EQ(lkl_sys_close(w[i].ep), 0);
		CHECK_EQ(lkl_sys_close(w[i].go), 0);
	}
	return close_pair(pipe);
}

static int exclusive(void *arg)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int woken, ep = lkl_sys_epoll_create1(0), pipe[2];

	TRY(wake_two(EPOLLIN, &woken));
	CHECK_EQ(woken, 2);
	/*
	 * epoll_ctl(2) promises one or more. The one that was not woken still finds the byte when its time is up: epoll
	 * looks once more before it answers 0.
	 */
	TRY(wake_two(EPOLLIN | EPOLLEXCLUSIVE, &woken));
	CHECK(woken >= 1);
	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	CHECK_EQ(epoll_add(ep, pipe[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), -EINVAL);
	CHECK_EQ(epoll_add(ep, pipe[0], EPOLLIN | EPOLLEXCLUSIVE), 0);
	CHECK_EQ(lkl_sys_epoll_ctl(ep, EPOLL_CTL_MOD, pipe[0], &ev), -EINVAL);
	TRY(close_pair(pipe));
	return lkl_sys_close(ep);
}

static int nested(void *arg)
{
	struct epoll_event ev;
	int inner = lkl_sys_epoll_create1(0), outer = lkl_sys_epoll_create1(0), pipe[2];

	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	CHECK_EQ(epoll_add(outer, inner, EPOLLIN), 0);
	CHECK_EQ(epoll_add(inner, outer, EPOLLIN), -ELOOP);
	CHECK_EQ(epoll_add(inner, pipe[0], EPOLLIN), 0);
	CHECK_EQ(ready(outer, &ev), 0);
	CHECK_EQ(lkl_sys_write(pipe[1], "x", 1), 1);
	CHECK_EQ(ready(outer, &ev), 1);
	CHECK_EQ(ev.data.fd, inner);
	CHECK_EQ(poll_events(outer, POLLIN), POLLIN);
	CHECK_EQ(ready(inner, &ev), 1);
	CHECK_EQ(ev.data.fd, pipe[0]);
	TRY(close_pair(pipe));
	CHECK_EQ(ready(outer, &ev), 0);
	CHECK_EQ(lkl_sys_close(inner), 0);
	return lkl_sys_close(outer);
}

static int waits_to_the_nanosecond(void *arg)
{
	struct timespec limit = { .tv_nsec = 300000 };
	struct epoll_event ev;
	struct peer peer;
	int ep = lkl_sys_epoll_create1(0), pipe[2];
	int64_t t = stack_now_ns();

	CHECK_EQ(sys(epoll_pwait2, ep, &ev, 1, &limit, NULL, 0), 0);
	CHECK(stack_now_ns() - t >= 300000);
	CHECK_EQ(sys(epoll_pwait2, ep, &ev, 0, &limit, NULL, 0), -EINVAL);
	limit.tv_nsec = 1000000000;
	CHECK_EQ(sys(epoll_pwait2, ep, &ev, 1, &limit, NULL, 0), -EINVAL);
	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	CHECK_EQ(epoll_add(ep, pipe[0], EPOLLIN), 0);
	CHECK_EQ(peer_start(&peer, write_later, &pipe[1]), 0);
	CHECK_EQ(sys(epoll_pwait2, ep, &ev, 1, NULL, NULL, 0), 1);
	CHECK_EQ(peer_join(&peer), 0);
	TRY(close_pair(pipe));
	return lkl_sys_close(ep);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(polls),
		BODY(selects),
		BODY(level_and_edge),
		BODY(oneshot),
		BODY(exclusive),
		BODY(nested),
		BODY(waits_to_the_nanosecond),
	};

	return RUN_BODIES(tests, argc, argv);
}
