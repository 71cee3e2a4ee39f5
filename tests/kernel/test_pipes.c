// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pipes.c - moving bytes without a buffer of one's own: pipe(7), splice(2), tee(2), vmsplice(2), sendfile(2),
 * copy_file_range(2)
 */
#include "inet.h"

#include <sys/mman.h>

static int pipes(void *arg)
{
	static char block[65536];
	int fds[2], spare[2];
	char buf[16];
	long n, total = 0;

	CHECK_EQ(lkl_sys_pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(lkl_sys_fcntl(fds[0], F_GETFD, 0), FD_CLOEXEC);
	CHECK_EQ(lkl_sys_read(fds[0], buf, 1), -EAGAIN);
	CHECK_EQ(lkl_sys_fcntl(fds[0], F_GETPIPE_SZ, 0), 65536);
	while ((n = lkl_sys_write(fds[1], block, 1000)) > 0)
		total += n;
	CHECK_EQ(n, -EAGAIN);
	CHECK(total > 60000 && total <= 65536);
	CHECK_EQ(lkl_sys_fcntl(fds[1], F_SETPIPE_SZ, 262144), 262144);
	CHECK_EQ(lkl_sys_write(fds[1], block, sizeof(block)), sizeof(block));
	CHECK_EQ(lkl_sys_close(fds[0]), 0);
	CHECK_EQ(lkl_sys_write(fds[1], "x", 1), -EPIPE);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);

	/* O_DIRECT: packets. */
	CHECK_EQ(lkl_sys_pipe2(fds, O_DIRECT), 0);
	CHECK_EQ(lkl_sys_write(fds[1], "ab", 2), 2);
	CHECK_EQ(lkl_sys_write(fds[1], "cde", 3), 3);
	CHECK_EQ(lkl_sys_read(fds[0], buf, sizeof(buf)), 2);
	CHECK_EQ(lkl_sys_read(fds[0], buf, 1), 1);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);
	CHECK_EQ(lkl_sys_read(fds[0], buf, sizeof(buf)), 0); /* the rest of the packet is lost */
	CHECK_EQ(lkl_sys_pipe2(spare, 0x40), -EINVAL);
	return lkl_sys_close(fds[0]);
}

static int splice_and_tee(void *arg)
{
	int a[2], b[2];
	char buf[32];

	CHECK_EQ(lkl_sys_pipe2(a, O_NONBLOCK), 0);
	CHECK_EQ(lkl_sys_pipe2(b, O_NONBLOCK), 0);
	CHECK_EQ(sys(tee, a[0], b[1], 100, 2 /* SPLICE_F_NONBLOCK */), -EAGAIN);
	CHECK_EQ(lkl_sys_write(a[1], "0123456789", 10), 10);
	CHECK_EQ(sys(tee, a[0], b[1], 4, 0), 4);
	CHECK_EQ(sys(tee, a[0], a[1], 4, 0), -EINVAL);
	CHECK_EQ(lkl_sys_splice(a[0], NULL, b[1], NULL, 6, 0), 6);
	CHECK_EQ(lkl_sys_read(a[0], buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "6789", 4));
	CHECK_EQ(lkl_sys_read(b[0], buf, sizeof(buf)), 10);
	CHECK(!memcmp(buf, "0123012345", 10));
	CHECK_EQ(lkl_sys_splice(a[0], NULL, b[1], (int64_t[]){ 0 }, 6, 0), -ESPIPE);
	TRY(close_pair(a));
	return close_pair(b);
}

/* Without an MMU the kernel takes pages of the instance's own mappings only (docs/kernel.md). */
static int memory_into_a_pipe(void *arg)
{
	static char outside[4096];
	struct iovec iov = { outside, sizeof(outside) };
	int fds[2], i;
	char *inside;
	long addr;
	static char buf[8192];

	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	CHECK_EQ(sys(vmsplice, fds[1], &iov, 1, 0), -EFAULT);
	addr = sys(mmap, 0, sizeof(buf), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(addr > 0);
	inside = (char *)addr;
	for (i = 0; i < (int)sizeof(buf); i++)
		inside[i] = pattern(i);
	iov = (struct iovec){ inside, sizeof(buf) };
	CHECK_EQ(sys(vmsplice, fds[1], &iov, 1, 0), sizeof(buf));
	inside[0] ^= 1; /* these are the pages themselves */
	CHECK_EQ(lkl_sys_read(fds[0], buf, sizeof(buf)), sizeof(buf));
	CHECK(!memcmp(buf, inside, sizeof(buf)));
	CHECK_EQ(sys(munmap, addr, sizeof(buf)), 0);
	return close_pair(fds);
}

/* A file of `bytes` of pattern(), open for reading and writing. */
static int pattern_file(const char *path, int bytes)
{
	static unsigned char buf[300000];
	int fd = lkl_sys_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, 0600), i;

	if (fd < 0)
		return fd;
	for (i = 0; i < bytes; i++)
		buf[i] = pattern(i);
	return lkl_sys_write(fd, buf, bytes) == bytes ? fd : -EIO;
}

struct receiver {
	int fd;
	size_t from, bytes;	/* what of the pattern must come */
};

static int receive_pattern(void *arg)
{
	const struct receiver *r = arg;
	unsigned char buf[16384];
	size_t got = 0;
	long n, i;

	while ((n = lkl_sys_read(r->fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++)
			CHECK(buf[i] == pattern(r->from + got + i));
		got += n;
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(got, r->bytes);
	return 0;
}

static int files_to_sockets(void *arg)
{
	enum { BYTES = 300000, SKIPPED = 5000 };
	int fd = pattern_file("/pipes-file", BYTES), fds[2];
	struct receiver r = { .from = SKIPPED, .bytes = BYTES - SKIPPED };
	int64_t pos = SKIPPED;
	struct peer peer;
	long n;

	CHECK(fd >= 0);
	CHECK_EQ(tcp_pair(AF_INET, fds), 0);
	r.fd = fds[1];
	CHECK_EQ(peer_start(&peer, receive_pattern, &r), 0);
	while ((n = sys(sendfile, fds[0], fd, &pos, 70000)) > 0)
		;
	CHECK_EQ(n, 0);
	CHECK_EQ(pos, BYTES);
	CHECK_EQ(sys(lseek, fd, 0, SEEK_CUR), BYTES); /* not used: it is where writing ended */
	CHECK_EQ(lkl_sys_shutdown(fds[0], SHUT_WR), 0);
	CHECK_EQ(peer_join(&peer), 0);
	TRY(close_pair(fds));
	CHECK_EQ(lkl_sys_close(fd), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, "/pipes-file", 0), 0);
	return 0;
}

static int files_to_files(void *arg)
{
	int from = pattern_file("/pipes-from", 10000), to = pattern_file("/pipes-to", 0), pipe[2], i;
	int64_t in = 1000, out = 0;
	unsigned char buf[100];

	CHECK(from >= 0 && to >= 0);
	CHECK_EQ(sys(copy_file_range, from, &in, to, &out, 5000, 0), 5000);
	CHECK_EQ(in, 6000);
	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	CHECK_EQ(lkl_sys_splice(from, &in, pipe[1], NULL, 4000, 0), 4000);
	CHECK_EQ(lkl_sys_splice(pipe[0], NULL, to, &out, 4000, 0), 4000);
	CHECK_EQ(out, 9000);
	CHECK_EQ(sys(pread64, to, buf, sizeof(buf), 8900), 100);
	for (i = 0; i < 100; i++)
		CHECK(buf[i] == pattern(9900 + i));
	TRY(close_pair(pipe));
	CHECK_EQ(lkl_sys_close(from), 0);
	CHECK_EQ(lkl_sys_close(to), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, "/pipes-from", 0), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, "/pipes-to", 0), 0);
	return 0;
}

/* What a proxy does in bulk: one connection to another through a pipe. */
static int relay_by_splice(void *arg)
{
	enum { BYTES = 3000000 };
	int in[2], out[2], pipe[2];
	struct transfer t = { .bytes = BYTES };
	struct receiver r = { .bytes = BYTES };
	struct peer sender, receiver;
	long n, m;

	CHECK_EQ(tcp_pair(AF_INET, in), 0);
	CHECK_EQ(tcp_pair(AF_INET6, out), 0);
	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	t.fd = in[0];
	r.fd = out[1];
	CHECK_EQ(peer_start(&receiver, receive_pattern, &r), 0);
	CHECK_EQ(peer_start(&sender, transfer_send, &t), 0);
	while ((n = lkl_sys_splice(in[1], NULL, pipe[1], NULL, 65536, 1 /* SPLICE_F_MOVE */)) > 0)
		for (; n > 0; n -= m) {
			m = lkl_sys_splice(pipe[0], NULL, out[0], NULL, n, 1);
			CHECK(m > 0);
		}
	CHECK_EQ(n, 0);
	CHECK_EQ(lkl_sys_shutdown(out[0], SHUT_WR), 0);
	CHECK_EQ(peer_join(&sender), 0);
	CHECK_EQ(peer_join(&receiver), 0);
	TRY(close_pair(in));
	TRY(close_pair(out));
	return close_pair(pipe);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(pipes),
		BODY(splice_and_tee),
		BODY(memory_into_a_pipe),
		BODY(files_to_sockets),
		BODY(files_to_files),
		BODY(relay_by_splice),
	};

	return RUN_BODIES(tests, argc, argv);
}
