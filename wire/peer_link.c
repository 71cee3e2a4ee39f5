// SPDX-License-Identifier: GPL-2.0-only
/* peer_link.c - see peer_link.h */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "common.h"
#include "peer_link.h"

#define TAG_LISTEN 0
#define TAG_FD 1
#define TAG_TIMER 2

static int watch(struct wire_link *l, int fd, uint64_t tag)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP, .data.u64 = tag };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void timer_start(struct wire_link *l)
{
	const struct itimerspec when = { .it_value.tv_nsec = LINK_RETRY_MS * 1000000L };

	timerfd_settime(l->timer_fd, 0, &when, NULL);
}

static int take(struct wire_link *l, int fd)
{
	l->fd = fd;
	l->ups_total++;
	watch(l, fd, TAG_FD);
	return LINK_UP;
}

static void address(const struct wire_link *l, struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	strcpy(addr->sun_path, l->path);
}

/* A connection to the path, or -errno. Never blocks: a UNIX connect() is done or refused. */
static int dial(const struct wire_link *l)
{
	struct sockaddr_un addr;
	int fd, err;

	address(l, &addr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int run_listener(struct wire_link *l)
{
	const int fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			/* No descriptor or memory left: not now, and no busy waiting for it. */
			epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->listen_fd, NULL);
			timer_start(l);
		}
		return 0;
	}
	if (l->fd >= 0) {
		l->refused_total++;
		close(fd);
		return 0;
	}
	return take(l, fd);
}

static int run_timer(struct wire_link *l)
{
	uint64_t count;
	int fd;

	if (read(l->timer_fd, &count, sizeof(count)) < 0)
		return 0;
	if (l->is_listener) {
		watch(l, l->listen_fd, TAG_LISTEN);
		return 0;
	}
	if (l->fd >= 0)
		return 0;
	fd = dial(l);
	if (fd >= 0)
		return take(l, fd);
	timer_start(l);
	return 0;
}

int wire_link_run(struct wire_link *l)
{
	struct epoll_event ev[3];
	int i, n, ret = 0;

	n = epoll_wait(l->epoll_fd, ev, 3, 0);
	for (i = 0; i < n; i++) {
		if (ev[i].data.u64 == TAG_LISTEN)
			ret |= run_listener(l);
		else if (ev[i].data.u64 == TAG_TIMER)
			ret |= run_timer(l);
		else if (ev[i].data.u64 == TAG_FD)
			ret |= LINK_INPUT;
	}
	return ret;
}

void wire_link_drop(struct wire_link *l)
{
	if (l->fd < 0)
		return;
	/* Explicitly: a copy of the descriptor in another process would keep it in the set. */
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
	close(l->fd);
	l->fd = -1;
	l->downs_total++;
	if (!l->is_listener)
		timer_start(l);
}

void wire_link_close(struct wire_link *l)
{
	struct stat st;

	if (l->fd >= 0)
		close(l->fd);
	if (l->listen_fd >= 0) {
		if (!lstat(l->path, &st) && st.st_ino == l->inode)
			unlink(l->path);
		close(l->listen_fd);
	}
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	l->fd = l->listen_fd = l->timer_fd = l->epoll_fd = -1;
}

static int open_listener(struct wire_link *l, char *err, size_t err_len)
{
	struct sockaddr_un addr;
	struct stat st;
	int fd, ret;

	address(l, &addr);
	if (!lstat(l->path, &st)) {
		if (!S_ISSOCK(st.st_mode)) {
			wire_say(err, err_len, "%s: exists and is no socket", l->path);
			return -EEXIST;
		}
		fd = dial(l);
		if (fd >= 0 || fd == -EAGAIN) {
			if (fd >= 0)
				close(fd);
			wire_say(err, err_len, "%s: somebody listens there already", l->path);
			return -EADDRINUSE;
		}
		if (fd == -ECONNREFUSED)
			unlink(l->path);
	}
	l->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->listen_fd < 0 || bind(l->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    lstat(l->path, &st) || listen(l->listen_fd, 4)) {
		ret = -errno;
		wire_say(err, err_len, "%s: cannot listen: %s", l->path, strerror(errno));
		return ret;
	}
	l->inode = st.st_ino;
	ret = watch(l, l->listen_fd, TAG_LISTEN);
	if (ret)
		wire_say(err, err_len, "%s: epoll: %s", l->path, strerror(-ret));
	return ret;
}

int wire_link_open(struct wire_link *l, const char *path, int is_listener, int may_wait, char *err,
		   size_t err_len)
{
	int ret;

	memset(l, 0, sizeof(*l));
	l->listen_fd = l->fd = l->timer_fd = l->epoll_fd = -1;
	l->is_listener = is_listener;
	if (!path[0] || strlen(path) > LINK_PATH_MAX) {
		wire_say(err, err_len, "path of %zu bytes; expected 1 to %d", strlen(path), LINK_PATH_MAX);
		return -EINVAL;
	}
	strcpy(l->path, path);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->epoll_fd < 0 || l->timer_fd < 0 || watch(l, l->timer_fd, TAG_TIMER)) {
		ret = -errno;
		wire_say(err, err_len, "%s: %s", path, strerror(-ret));
		goto err_close;
	}
	if (is_listener) {
		ret = open_listener(l, err, err_len);
		if (ret)
			goto err_close;
		return 0;
	}
	ret = dial(l);
	if (ret >= 0) {
		take(l, ret);
		return 0;
	}
	if (may_wait) {
		timer_start(l);
		return 0;
	}
	wire_say(err, err_len, "%s: cannot connect: %s", path, strerror(-ret));
err_close:
	wire_link_close(l);
	return ret;
}
