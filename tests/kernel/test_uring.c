// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_uring.c - io_uring as io_uring(7) and io_uring_enter(2) describe it
 *
 * Rings come from mmap() of the ring's descriptor: without an MMU that gives the kernel's own address of the ring.
 * Memory handed to the kernel for good (registered buffers) must be the instance's, from its mmap(); from elsewhere it
 * is -EFAULT. Buffer rings in the caller's memory are not tried: they need vmap(), which is BUG() without an MMU
 * (docs/kernel.md).
 *
 * The structures below are the UAPI's; no liburing.
 */
#include "inet.h"

#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <sys/mman.h>

struct uring {
	int fd;
	struct io_uring_params params;
	char *rings;
	size_t rings_bytes;
	struct io_uring_sqe *sqes;
	unsigned int queued;	/* entries not yet given to enter() */
};

static unsigned int *ring_word(struct uring *u, unsigned int offset)
{
	return (unsigned int *)(u->rings + offset);
}

static int uring_open(struct uring *u, unsigned int entries, unsigned int flags)
{
	size_t sq_bytes, cq_bytes;
	long addr;

	memset(u, 0, sizeof(*u));
	u->params.flags = flags;
	u->fd = sys(io_uring_setup, entries, &u->params);
	if (u->fd < 0)
		return u->fd;
	CHECK_EQ(u->params.features & IORING_FEAT_SINGLE_MMAP, IORING_FEAT_SINGLE_MMAP);
	sq_bytes = u->params.sq_off.array + u->params.sq_entries * sizeof(unsigned int);
	cq_bytes = u->params.cq_off.cqes + u->params.cq_entries * sizeof(struct io_uring_cqe);
	u->rings_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
	addr = sys(mmap, 0, u->rings_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd,
		   IORING_OFF_SQ_RING);
	CHECK(addr > 0);
	u->rings = (char *)addr;
	addr = sys(mmap, 0, u->params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	CHECK(addr > 0);
	u->sqes = (struct io_uring_sqe *)addr;
	return 0;
}

static int uring_close(struct uring *u)
{
	CHECK_EQ(sys(munmap, u->sqes, u->params.sq_entries * sizeof(struct io_uring_sqe)), 0);
	CHECK_EQ(sys(munmap, u->rings, u->rings_bytes), 0);
	CHECK_EQ(lkl_sys_close(u->fd), 0);
	return 0;
}

/* The next free entry, queued; its fields are to be set before uring_enter() */
static struct io_uring_sqe *uring_sqe(struct uring *u, int opcode, int fd, const void *addr, unsigned int len,
				      uint64_t user_data)
{
	unsigned int tail = *ring_word(u, u->params.sq_off.tail) + u->queued;
	unsigned int index = tail & *ring_word(u, u->params.sq_off.ring_mask);
	struct io_uring_sqe *sqe = &u->sqes[index];

	ring_word(u, u->params.sq_off.array)[index] = index;
	*sqe = (struct io_uring_sqe){ .opcode = opcode, .fd = fd, .addr = (uintptr_t)addr, .len = len,
				      .user_data = user_data };
	u->queued++;
	return sqe;
}

/* Submit all and wait for so many completions; number submitted or -errno. */
static long uring_enter(struct uring *u, unsigned int wait_for)
{
	unsigned int *tail = ring_word(u, u->params.sq_off.tail), n = u->queued;

	__atomic_store_n(tail, *tail + n, __ATOMIC_RELEASE);
	u->queued = 0;
	return sys(io_uring_enter, u->fd, n, wait_for, wait_for ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

/* Take one completion: 0, or -EAGAIN when there is none. */
static int uring_cqe(struct uring *u, struct io_uring_cqe *out)
{
	unsigned int *head = ring_word(u, u->params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(u->rings + u->params.cq_off.cqes);

	if (*head == __atomic_load_n(ring_word(u, u->params.cq_off.tail), __ATOMIC_ACQUIRE))
		return -EAGAIN;
	*out = cqes[*head & *ring_word(u, u->params.cq_off.ring_mask)];
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return 0;
}

/* Submit, wait for n completions, which may come in any order, and store their results by user_data. */
static int uring_collect(struct uring *u, int n, int *results)
{
	struct io_uring_cqe cqe;

	while (n--) {
		while (uring_cqe(u, &cqe))
			CHECK(uring_enter(u, 1) >= 0);
		results[cqe.user_data] = cqe.res;
	}
	return 0;
}

/* Submit, wait for one completion, and compare. */
#define EXPECT(u, data, result) do { \
	struct io_uring_cqe cqe_; \
	while (uring_cqe(u, &cqe_)) \
		CHECK(uring_enter(u, 1) >= 0); \
	CHECK_EQ(cqe_.user_data, data); \
	CHECK_EQ(cqe_.res, result); \
} while (0)

static int nops(void *arg)
{
	struct io_uring_cqe cqe;
	struct uring u;
	unsigned int i;

	CHECK_EQ(sys(io_uring_setup, 0, &u.params), -EINVAL);
	CHECK_EQ(uring_open(&u, 8, 0), 0);
	CHECK_EQ(u.params.sq_entries, 8);
	CHECK_EQ(u.params.cq_entries, 16);
	for (i = 0; i < 100; i++) {
		uring_sqe(&u, IORING_OP_NOP, -1, NULL, 0, i);
		EXPECT(&u, i, 0);
	}
	for (i = 0; i < 8; i++)
		uring_sqe(&u, IORING_OP_NOP, -1, NULL, 0, i);
	CHECK_EQ(uring_enter(&u, 8), 8);
	for (i = 0; i < 8; i++) {
		CHECK_EQ(uring_cqe(&u, &cqe), 0);
		CHECK_EQ(cqe.user_data, i);
	}
	CHECK_EQ(uring_cqe(&u, &cqe), -EAGAIN);
	uring_sqe(&u, 250, -1, NULL, 0, 9);
	EXPECT(&u, 9, -EINVAL);
	return uring_close(&u);
}

static int pipes_and_files(void *arg)
{
	struct uring u;
	char buf[16] = "", path[] = "/uring-file";
	struct io_uring_sqe *sqe;
	struct iovec iov = { buf, sizeof(buf) };
	int fds[2], fd, res[4];

	CHECK_EQ(uring_open(&u, 8, 0), 0);
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	uring_sqe(&u, IORING_OP_READ, fds[0], buf, sizeof(buf), 1);
	CHECK_EQ(uring_enter(&u, 0), 1);
	uring_sqe(&u, IORING_OP_WRITE, fds[1], "pipe", 4, 2);
	TRY(uring_collect(&u, 2, res));
	CHECK_EQ(res[1], 4);
	CHECK_EQ(res[2], 4);
	CHECK(!memcmp(buf, "pipe", 4));
	uring_sqe(&u, IORING_OP_CLOSE, fds[0], NULL, 0, 3);
	EXPECT(&u, 3, 0);
	CHECK_EQ(lkl_sys_close(fds[0]), -EBADF);
	uring_sqe(&u, IORING_OP_WRITE, fds[1], "x", 1, 4);
	EXPECT(&u, 4, -EPIPE);
	CHECK_EQ(lkl_sys_close(fds[1]), 0);

	fd = lkl_sys_openat(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	sqe = uring_sqe(&u, IORING_OP_WRITE, fd, "0123456789", 10, 5);
	sqe->off = 100;
	EXPECT(&u, 5, 10);
	sqe = uring_sqe(&u, IORING_OP_READV, fd, &iov, 1, 6);
	sqe->off = 105;
	EXPECT(&u, 6, 5);
	CHECK(!memcmp(buf, "56789", 5));
	uring_sqe(&u, IORING_OP_FSYNC, fd, NULL, 0, 7);
	EXPECT(&u, 7, 0);
	CHECK_EQ(lkl_sys_close(fd), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, path, 0), 0);
	return uring_close(&u);
}

static int sockets(void *arg)
{
	struct sockaddr_storage addr;
	struct uring u;
	char buf[8] = "";
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe;
	int lfd = tcp_listener(AF_INET, 0), fd = lkl_sys_socket(AF_INET, SOCK_STREAM, 0), afd, i, res[8];

	CHECK_EQ(uring_open(&u, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN), 0);
	sqe = uring_sqe(&u, IORING_OP_ACCEPT, lfd, NULL, 0, 1);
	sqe->accept_flags = SOCK_CLOEXEC;
	CHECK_EQ(uring_enter(&u, 0), 1);
	i = loopback(AF_INET, local_port(lfd), &addr);
	sqe = uring_sqe(&u, IORING_OP_CONNECT, fd, &addr, 0, 2);
	sqe->off = i;
	TRY(uring_collect(&u, 2, res));
	CHECK_EQ(res[2], 0);
	afd = res[1];
	CHECK_EQ(lkl_sys_fcntl(afd, F_GETFD, 0), FD_CLOEXEC);
	uring_sqe(&u, IORING_OP_RECV, afd, buf, sizeof(buf), 3);
	CHECK_EQ(uring_enter(&u, 0), 1);
	CHECK_EQ(uring_cqe(&u, &cqe), -EAGAIN);
	uring_sqe(&u, IORING_OP_SEND, fd, "ring", 4, 4);
	TRY(uring_collect(&u, 2, res));
	CHECK_EQ(res[3], 4);
	CHECK_EQ(res[4], 4);
	CHECK(!memcmp(buf, "ring", 4));
	uring_sqe(&u, IORING_OP_SHUTDOWN, fd, NULL, SHUT_WR, 5);
	EXPECT(&u, 5, 0);
	uring_sqe(&u, IORING_OP_RECV, afd, buf, sizeof(buf), 6);
	EXPECT(&u, 6, 0);
	CHECK_EQ(lkl_sys_close(afd), 0);
	CHECK_EQ(lkl_sys_close(fd), 0);
	CHECK_EQ(lkl_sys_close(lfd), 0);
	return uring_close(&u);
}

static int polls(void *arg)
{
	uint64_t one = 1;
	struct uring u;
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe;
	int efd = lkl_sys_eventfd2(0, 0), res[4];

	CHECK_EQ(uring_open(&u, 8, 0), 0);
	sqe = uring_sqe(&u, IORING_OP_POLL_ADD, efd, NULL, 0, 1);
	sqe->poll32_events = POLLIN;
	CHECK_EQ(uring_enter(&u, 0), 1);
	CHECK_EQ(uring_cqe(&u, &cqe), -EAGAIN);
	CHECK_EQ(lkl_sys_write(efd, &one, sizeof(one)), sizeof(one));
	EXPECT(&u, 1, POLLIN);

	/* A poll that is taken back. */
	CHECK_EQ(lkl_sys_read(efd, &one, sizeof(one)), sizeof(one));
	sqe = uring_sqe(&u, IORING_OP_POLL_ADD, efd, NULL, 0, 2);
	sqe->poll32_events = POLLIN;
	CHECK_EQ(uring_enter(&u, 0), 1);
	uring_sqe(&u, IORING_OP_ASYNC_CANCEL, -1, (void *)2, 0, 3);
	TRY(uring_collect(&u, 2, res));
	CHECK_EQ(res[2], -ECANCELED);
	CHECK_EQ(res[3], 0);
	CHECK_EQ(lkl_sys_close(efd), 0);
	return uring_close(&u);
}

static int timeouts(void *arg)
{
	struct __kernel_timespec soon = { .tv_nsec = 5000000 }, late = { .tv_sec = 3600 };
	struct io_uring_sqe *sqe;
	struct uring u;
	char c;
	int fds[2], res[8];
	int64_t t;

	CHECK_EQ(uring_open(&u, 8, 0), 0);
	t = stack_now_ns();
	uring_sqe(&u, IORING_OP_TIMEOUT, -1, &soon, 1, 1);
	EXPECT(&u, 1, -ETIME);
	CHECK(stack_now_ns() - t >= soon.tv_nsec);

	uring_sqe(&u, IORING_OP_TIMEOUT, -1, &late, 1, 2);
	uring_sqe(&u, IORING_OP_TIMEOUT_REMOVE, -1, (void *)2, 0, 3);
	TRY(uring_collect(&u, 2, res));
	CHECK_EQ(res[2], -ECANCELED);
	CHECK_EQ(res[3], 0);

	/* A read that takes too long is called off by its linked timeout. */
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	sqe = uring_sqe(&u, IORING_OP_READ, fds[0], &c, 1, 4);
	sqe->flags = IOSQE_IO_LINK;
	uring_sqe(&u, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 5);
	TRY(uring_collect(&u, 2, res));
	CHECK_EQ(res[4], -ECANCELED);
	CHECK_EQ(res[5], -ETIME);
	TRY(close_pair(fds));
	return uring_close(&u);
}

static int links(void *arg)
{
	char buf[8] = "";
	struct uring u;
	int fds[2];

	CHECK_EQ(uring_open(&u, 8, 0), 0);
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	uring_sqe(&u, IORING_OP_WRITE, fds[1], "abc", 3, 1)->flags = IOSQE_IO_LINK;
	uring_sqe(&u, IORING_OP_READ, fds[0], buf, 3, 2)->flags = IOSQE_IO_LINK;
	uring_sqe(&u, IORING_OP_WRITE, -1, "abc", 3, 3)->flags = IOSQE_IO_LINK;
	uring_sqe(&u, IORING_OP_NOP, -1, NULL, 0, 4);
	CHECK_EQ(uring_enter(&u, 4), 4);
	EXPECT(&u, 1, 3);
	EXPECT(&u, 2, 3);
	EXPECT(&u, 3, -EBADF);
	EXPECT(&u, 4, -ECANCELED);
	CHECK(!memcmp(buf, "abc", 3));
	TRY(close_pair(fds));
	return uring_close(&u);
}

/* IOSQE_ASYNC: the operation blocks in a worker thread of the kernel's. */
static int workers(void *arg)
{
	enum { READS = 4 };
	struct io_uring_cqe cqe;
	struct uring u;
	char buf[READS];
	int fds[2], i, n = 0;

	CHECK_EQ(uring_open(&u, 8, 0), 0);
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	for (i = 0; i < READS; i++)
		uring_sqe(&u, IORING_OP_READ, fds[0], &buf[i], 1, i)->flags = IOSQE_ASYNC;
	CHECK_EQ(uring_enter(&u, 0), READS);
	CHECK_EQ(uring_cqe(&u, &cqe), -EAGAIN);
	CHECK_EQ(lkl_sys_write(fds[1], "work", READS), READS);
	CHECK_EQ(uring_enter(&u, READS), 0);
	while (!uring_cqe(&u, &cqe)) {
		CHECK_EQ(cqe.res, 1);
		n++;
	}
	CHECK_EQ(n, READS);
	TRY(close_pair(fds));
	return uring_close(&u);
}

/* Refused like an unknown flag: what a vCPU without asynchronous interrupts, and a kernel without an MMU, can't do. */
static int refused(void *arg)
{
	struct uring u;

	CHECK_EQ(uring_open(&u, 8, IORING_SETUP_SQPOLL), -EINVAL);
	CHECK_EQ(uring_open(&u, 8, 1u << 14 /* IORING_SETUP_NO_MMAP */), -EINVAL);
	return 0;
}

static int registered(void *arg)
{
	static char outside[4096];
	struct iovec iov = { outside, sizeof(outside) };
	struct io_uring_sqe *sqe;
	struct uring u;
	int fds[2];
	long addr;

	CHECK_EQ(uring_open(&u, 8, 0), 0);
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	CHECK_EQ(sys(io_uring_register, u.fd, IORING_REGISTER_FILES, fds, 2), 0);
	sqe = uring_sqe(&u, IORING_OP_WRITE, 1, "fixed", 5, 1);
	sqe->flags = IOSQE_FIXED_FILE;
	EXPECT(&u, 1, 5);

	CHECK_EQ(sys(io_uring_register, u.fd, IORING_REGISTER_BUFFERS, &iov, 1), -EFAULT);
	addr = sys(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(addr > 0);
	iov.iov_base = (void *)addr;
	CHECK_EQ(sys(io_uring_register, u.fd, IORING_REGISTER_BUFFERS, &iov, 1), 0);
	sqe = uring_sqe(&u, IORING_OP_READ_FIXED, 0, (char *)addr + 100, 100, 2);
	sqe->flags = IOSQE_FIXED_FILE;
	EXPECT(&u, 2, 5);
	CHECK(!memcmp((char *)addr + 100, "fixed", 5));
	CHECK_EQ(sys(io_uring_register, u.fd, IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
	CHECK_EQ(sys(io_uring_register, u.fd, IORING_UNREGISTER_FILES, NULL, 0), 0);
	CHECK_EQ(sys(munmap, addr, 4096), 0);
	TRY(close_pair(fds));
	return uring_close(&u);
}

static int wake_poll_then_pipe(void *arg)
{
	const int *fds = arg; /* eventfd, pipe */
	uint64_t one = 1;

	CHECK_EQ(lkl_sys_nanosleep_ns(20000000), 0);
	CHECK_EQ(lkl_sys_write(fds[0], &one, sizeof(one)), sizeof(one));
	CHECK_EQ(lkl_sys_nanosleep_ns(20000000), 0);
	CHECK_EQ(lkl_sys_write(fds[1], "x", 1), 1);
	return 0;
}

/* A completion that comes while its owner is blocked in another call is no reason for that call to end. */
static int beside_a_blocking_call(void *arg)
{
	struct uring u;
	struct peer peer;
	int pipe[2], fds[2], efd = lkl_sys_eventfd2(0, 0);
	long n;
	char c;

	CHECK_EQ(uring_open(&u, 8, 0), 0);
	CHECK_EQ(lkl_sys_pipe2(pipe, 0), 0);
	fds[0] = efd;
	fds[1] = pipe[1];
	uring_sqe(&u, IORING_OP_POLL_ADD, efd, NULL, 0, 1)->poll32_events = POLLIN;
	CHECK_EQ(uring_enter(&u, 0), 1);
	CHECK_EQ(peer_start(&peer, wake_poll_then_pipe, fds), 0);
	n = lkl_sys_read(pipe[0], &c, 1);
	CHECK_EQ(peer_join(&peer), 0);
	EXPECT(&u, 1, POLLIN);
	TRY(close_pair(pipe));
	CHECK_EQ(lkl_sys_close(efd), 0);
	TRY(uring_close(&u));
	CHECK_EQ(n, 1);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(nops),
		BODY(pipes_and_files),
		BODY(sockets),
		BODY(polls),
		BODY(timeouts),
		BODY(links),
		BODY(workers),
		BODY(refused),
		BODY(registered),
		BODY(beside_a_blocking_call),
	};

	return RUN_BODIES(tests, argc, argv);
}
