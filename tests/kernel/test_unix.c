// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_unix.c - unix(7): the three types, names, and what travels beside the data (descriptors, credentials)
 */
#include "harness.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/un.h>

/* A name in the file system, or an abstract one for "@...". */
static int unix_name(const char *name, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(addr->sun_path, name);
	if (name[0] != '@')
		return sizeof(*addr);
	addr->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(name);
}

/* Send `data` with one control message. */
static long send_with(int fd, const char *data, int type, const void *control, size_t len)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(64)];
	} cmsg = { 0 };
	struct iovec iov = { (void *)data, strlen(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &cmsg,
			      .msg_controllen = CMSG_SPACE(len) };

	cmsg.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(len), .cmsg_level = SOL_SOCKET, .cmsg_type = type };
	memcpy(CMSG_DATA(&cmsg.head), control, len);
	return lkl_sys_sendmsg(fd, &msg, 0);
}

/* Receive with room for `room` bytes of control data, of which the first message's goes to `control`. */
static long receive_with(int fd, char *buf, size_t size, int type, void *control, size_t len, size_t room, int *flags)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(64)];
	} cmsg = { 0 };
	struct iovec iov = { buf, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &cmsg, .msg_controllen = room };
	long n = lkl_sys_recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	*flags = msg.msg_flags;
	if (n >= 0 && msg.msg_controllen && cmsg.head.cmsg_type == type)
		memcpy(control, CMSG_DATA(&cmsg.head), len);
	return n;
}

static int pairs(void *arg)
{
	int fds[2];
	char buf[16];

	CHECK_EQ(sys(socketpair, AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "ab", 2), 2);
	CHECK_EQ(lkl_sys_write(fds[0], "cd", 2), 2);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 4);
	CHECK_EQ(lkl_sys_shutdown(fds[0], SHUT_WR), 0);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 0);
	CHECK_EQ(lkl_sys_write(fds[1], "e", 1), 1);
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	CHECK_EQ(lkl_sys_read(fds[1], buf, 1), -ECONNRESET); /* it left something unread */
	CHECK_EQ(lkl_sys_write(fds[1], "e", 1), -EPIPE);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);

	CHECK_EQ(sys(socketpair, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "ab", 2), 2);
	CHECK_EQ(lkl_sys_write(fds[0], "cde", 3), 3);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, 1, MSG_TRUNC, NULL, NULL), 2);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 3);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), -EAGAIN);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "x", 1), -ECONNREFUSED);
	CHECK_EQ(lkl_sys_close(fds[0]), 0);

	CHECK_EQ(sys(socketpair, AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	CHECK_EQ(lkl_sys_write(fds[0], "ab", 2), 2);
	CHECK_EQ(lkl_sys_write(fds[0], "cde", 3), 3);
	CHECK_EQ(lkl_sys_recvfrom(fds[1], buf, sizeof(buf), MSG_PEEK, NULL, NULL), 2);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 2);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 3);
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	CHECK_EQ(lkl_sys_read(fds[1], buf, sizeof(buf)), 0);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);
	CHECK_EQ(sys(socketpair, AF_INET, SOCK_STREAM, 0, fds), -EOPNOTSUPP);
	return 0;
}

static int names(void *arg)
{
	static const char *const all[] = { "/unix-name", "@abstract" };
	struct sockaddr_un addr, got;
	int lfd, fd, afd, len, got_len;
	size_t i;
	char c;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		len = unix_name(all[i], &addr);
		fd = lkl_sys_socket(AF_UNIX, SOCK_STREAM, 0);
		lfd = lkl_sys_socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK(fd >= 0 && lfd >= 0);
		CHECK_EQ(lkl_sys_connect(fd, (void *)&addr, len), i ? -ECONNREFUSED : -ENOENT);
		CHECK_EQ(lkl_sys_bind(lfd, (void *)&addr, len), 0);
		CHECK_EQ(lkl_sys_bind(fd, (void *)&addr, len), -EADDRINUSE);
		CHECK_EQ(lkl_sys_connect(fd, (void *)&addr, len), -ECONNREFUSED); /* nobody listens yet */
		CHECK_EQ(lkl_sys_listen(lfd, 4), 0);
		CHECK_EQ(lkl_sys_connect(fd, (void *)&addr, len), 0);
		afd = lkl_sys_accept4(lfd, NULL, NULL, 0);
		CHECK(afd >= 0);
		got_len = sizeof(got);
		CHECK_EQ(lkl_sys_getpeername(fd, (void *)&got, &got_len), 0);
		CHECK(!memcmp(got.sun_path, addr.sun_path, strlen(all[i])));
		CHECK_EQ(lkl_sys_write(fd, "x", 1), 1);
		CHECK_EQ(lkl_sys_read(afd, &c, 1), 1);
		CHECK_EQ(lkl_sys_close(afd), 0);
		CHECK_EQ(lkl_sys_close(fd), 0);
		CHECK_EQ(lkl_sys_close(lfd), 0);
		/* A file outlives its socket, an abstract name does not. */
		fd = lkl_sys_socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK_EQ(lkl_sys_bind(fd, (void *)&addr, len), i ? 0 : -EADDRINUSE);
		CHECK_EQ(lkl_sys_close(fd), 0);
	}
	CHECK_EQ(sys(unlinkat, AT_FDCWD, all[0], 0), 0);
	return 0;
}

static int datagrams_by_name(void *arg)
{
	struct sockaddr_un server, client, from;
	int server_len = unix_name("@server", &server), client_len = unix_name("@client", &client), len = sizeof(from);
	int sfd = lkl_sys_socket(AF_UNIX, SOCK_DGRAM, 0), cfd = lkl_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[16];

	CHECK(sfd >= 0 && cfd >= 0);
	CHECK_EQ(lkl_sys_bind(sfd, (void *)&server, server_len), 0);
	CHECK_EQ(lkl_sys_bind(cfd, (void *)&client, client_len), 0);
	CHECK_EQ(lkl_sys_write(cfd, "x", 1), -ENOTCONN);
	CHECK_EQ(lkl_sys_sendto(cfd, "ask", 3, 0, (void *)&server, server_len), 3);
	CHECK_EQ(lkl_sys_recvfrom(sfd, buf, sizeof(buf), 0, (void *)&from, &len), 3);
	CHECK_EQ(len, client_len);
	CHECK(!memcmp(&from, &client, len));
	CHECK_EQ(lkl_sys_sendto(sfd, "answer", 6, 0, (void *)&from, len), 6);
	CHECK_EQ(lkl_sys_read(cfd, buf, sizeof(buf)), 6);
	CHECK_EQ(lkl_sys_close(sfd), 0);
	CHECK_EQ(lkl_sys_sendto(cfd, "ask", 3, 0, (void *)&server, server_len), -ECONNREFUSED);
	return lkl_sys_close(cfd);
}

static int descriptors(void *arg)
{
	const size_t room = CMSG_SPACE(sizeof(int));
	int pair[2], pipe[2], got = -1, flags;
	char buf[16];

	CHECK_EQ(sys(socketpair, AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	CHECK_EQ(send_with(pair[0], "fd", SCM_RIGHTS, &pipe[0], sizeof(int)), 2);
	CHECK_EQ(lkl_sys_close(pipe[0]), 0);
	/* In flight it is still a reader of the pipe. */
	CHECK_EQ(lkl_sys_write(pipe[1], "through", 7), 7);
	CHECK_EQ(receive_with(pair[1], buf, sizeof(buf), SCM_RIGHTS, &got, sizeof(got), room, &flags), 2);
	CHECK(got >= 0);
	CHECK_EQ(lkl_sys_fcntl(got, F_GETFD, 0), FD_CLOEXEC); /* MSG_CMSG_CLOEXEC */
	CHECK_EQ(lkl_sys_read(got, buf, sizeof(buf)), 7);
	CHECK(!memcmp(buf, "through", 7));

	/* No room for it: told by MSG_CTRUNC, and the descriptor is closed. */
	CHECK_EQ(send_with(pair[0], "fd", SCM_RIGHTS, &got, sizeof(int)), 2);
	CHECK_EQ(lkl_sys_close(got), 0);
	CHECK_EQ(receive_with(pair[1], buf, sizeof(buf), SCM_RIGHTS, &got, sizeof(got), 0, &flags), 2);
	CHECK_EQ(flags & MSG_CTRUNC, MSG_CTRUNC);
	CHECK_EQ(lkl_sys_write(pipe[1], "x", 1), -EPIPE);
	got = 12345;
	CHECK_EQ(send_with(pair[0], "fd", SCM_RIGHTS, &got, sizeof(int)), -EBADF);
	CHECK_EQ(lkl_sys_close(pipe[1]), 0);
	CHECK_EQ(lkl_sys_close(pair[0]), 0);
	return lkl_sys_close(pair[1]);
}

static int credentials(void *arg)
{
	struct ucred mine = { .pid = lkl_sys_getpid(), .uid = 0, .gid = 0 }, got = { 0 };
	const size_t room = CMSG_SPACE(sizeof(got));
	int pair[2], one = 1, flags, len = sizeof(got);
	char buf[16];

	CHECK_EQ(sys(socketpair, AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CHECK_EQ(lkl_sys_getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &got, &len), 0);
	CHECK_EQ(got.pid, mine.pid);
	CHECK_EQ(got.uid, 0);
	CHECK_EQ(lkl_sys_setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	/* By hand, and without being sent: the kernel adds them. */
	got = (struct ucred){ -1, -1, -1 };
	CHECK_EQ(send_with(pair[0], "id", SCM_CREDENTIALS, &mine, sizeof(mine)), 2);
	CHECK_EQ(receive_with(pair[1], buf, sizeof(buf), SCM_CREDENTIALS, &got, sizeof(got), room, &flags), 2);
	CHECK(!memcmp(&got, &mine, sizeof(got)));
	got = (struct ucred){ -1, -1, -1 };
	CHECK_EQ(lkl_sys_write(pair[0], "id", 2), 2);
	CHECK_EQ(receive_with(pair[1], buf, sizeof(buf), SCM_CREDENTIALS, &got, sizeof(got), room, &flags), 2);
	CHECK(!memcmp(&got, &mine, sizeof(got)));
	mine.pid = 999999;
	CHECK_EQ(send_with(pair[0], "id", SCM_CREDENTIALS, &mine, sizeof(mine)), -ESRCH);
	CHECK_EQ(lkl_sys_close(pair[0]), 0);
	return lkl_sys_close(pair[1]);
}

static int queue_lengths(void *arg)
{
	int pair[2], n = -1;
	char buf[16];

	CHECK_EQ(sys(socketpair, AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(lkl_sys_write(pair[0], "12345", 5), 5);
	CHECK_EQ(lkl_sys_ioctl(pair[1], SIOCINQ, (long)&n), 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(lkl_sys_ioctl(pair[0], SIOCOUTQ, (long)&n), 0);
	CHECK(n > 0);
	CHECK_EQ(lkl_sys_read(pair[1], buf, sizeof(buf)), 5);
	CHECK_EQ(lkl_sys_ioctl(pair[0], SIOCOUTQ, (long)&n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(lkl_sys_close(pair[0]), 0);
	return lkl_sys_close(pair[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(pairs),
		BODY(names),
		BODY(datagrams_by_name),
		BODY(descriptors),
		BODY(credentials),
		BODY(queue_lengths),
	};

	return RUN_BODIES(tests, argc, argv);
}
