// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_uapi.c - the prefixed names and libc's stand in one file, and mean the same
 *
 * All is checked by the compiler: values and layouts that a program passes to the instance are those that libc has on
 * x86-64, which is what lets programs of both kinds (<lkl.h>, <lkl/lkl.h>) use one library. libc's headers come before and
 * after <lkl.h>.
 */
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <lkl.h>
#include <lkl_host.h>
#include <lkl/linux/errqueue.h>
#include <lkl/linux/if_packet.h>
#include <lkl/linux/tcp.h>
#include <lkl/linux/timerfd.h>
#include <lkl/linux/virtio_net.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>

#define SAME(name) _Static_assert((unsigned long)(LKL_##name) == (unsigned long)(name), #name);
#define SAME_SIZE(tag) _Static_assert(sizeof(struct lkl_##tag) == sizeof(struct tag), "struct " #tag);
#define SAME_FIELD(tag, field) \
	_Static_assert(offsetof(struct lkl_##tag, field) == offsetof(struct tag, field), #tag "." #field); \
	_Static_assert(sizeof(((struct lkl_##tag *)0)->field) == sizeof(((struct tag *)0)->field), #tag "." #field);
#define SAME_TYPE(name) _Static_assert(sizeof(lkl_##name) == sizeof(name), #name);

/* What the kernel keeps in headers of its own (kernel/uapi). */
SAME(AF_UNSPEC) SAME(AF_UNIX) SAME(AF_LOCAL) SAME(AF_INET) SAME(AF_INET6) SAME(AF_NETLINK) SAME(AF_PACKET) SAME(AF_VSOCK)
SAME(AF_XDP) SAME(AF_MAX) SAME(PF_INET) SAME(PF_INET6) SAME(PF_UNIX) SAME(PF_PACKET)
SAME(SOCK_STREAM) SAME(SOCK_DGRAM) SAME(SOCK_RAW) SAME(SOCK_RDM) SAME(SOCK_SEQPACKET) SAME(SOCK_DCCP) SAME(SOCK_PACKET)
SAME(SOCK_CLOEXEC) SAME(SOCK_NONBLOCK) SAME(SHUT_RD) SAME(SHUT_WR) SAME(SHUT_RDWR) SAME(SOMAXCONN)
SAME(MSG_OOB) SAME(MSG_PEEK) SAME(MSG_DONTROUTE) SAME(MSG_CTRUNC) SAME(MSG_TRUNC) SAME(MSG_DONTWAIT) SAME(MSG_EOR)
SAME(MSG_WAITALL) SAME(MSG_CONFIRM) SAME(MSG_ERRQUEUE) SAME(MSG_NOSIGNAL) SAME(MSG_MORE) SAME(MSG_WAITFORONE)
SAME(MSG_ZEROCOPY) SAME(MSG_FASTOPEN) SAME(MSG_CMSG_CLOEXEC)
SAME(SOL_RAW) SAME(SOL_PACKET) SAME(SOL_NETLINK) SAME(SOL_TLS) SAME(SOL_XDP) SAME(SCM_RIGHTS) SAME(SCM_CREDENTIALS)
_Static_assert(LKL_SOL_IP == IPPROTO_IP && LKL_SOL_TCP == IPPROTO_TCP && LKL_SOL_UDP == IPPROTO_UDP &&
	       LKL_SOL_IPV6 == IPPROTO_IPV6, "SOL_*");
SAME_SIZE(sockaddr) SAME_FIELD(sockaddr, sa_family) SAME_FIELD(sockaddr, sa_data)
_Static_assert(sizeof(struct lkl_sockaddr_storage) == sizeof(struct sockaddr_storage), "struct sockaddr_storage");
SAME_SIZE(linger) SAME_FIELD(linger, l_linger) SAME_SIZE(ucred) SAME_FIELD(ucred, gid)
SAME_SIZE(msghdr) SAME_FIELD(msghdr, msg_name) SAME_FIELD(msghdr, msg_namelen) SAME_FIELD(msghdr, msg_iov)
SAME_FIELD(msghdr, msg_iovlen) SAME_FIELD(msghdr, msg_control) SAME_FIELD(msghdr, msg_controllen)
SAME_FIELD(msghdr, msg_flags) SAME_SIZE(mmsghdr) SAME_FIELD(mmsghdr, msg_len)
SAME_SIZE(cmsghdr) SAME_FIELD(cmsghdr, cmsg_level) SAME_FIELD(cmsghdr, cmsg_type)
SAME(CMSG_SPACE(5)) SAME(CMSG_LEN(5)) SAME(CMSG_ALIGN(5))
_Static_assert(offsetof(struct lkl_linux_dirent64, d_name) == offsetof(struct dirent64, d_name) &&
	       offsetof(struct lkl_linux_dirent64, d_type) == offsetof(struct dirent64, d_type), "struct dirent64");
SAME_TYPE(pid_t) SAME_TYPE(uid_t) SAME_TYPE(gid_t) SAME_TYPE(mode_t) SAME_TYPE(off_t) SAME_TYPE(loff_t) SAME_TYPE(time_t)
SAME_TYPE(clockid_t) SAME_TYPE(fd_set) SAME_TYPE(socklen_t) SAME_TYPE(sa_family_t)

/* UAPI: what programs use most, and all that asm/ decides. */
SAME_SIZE(in_addr) SAME_SIZE(sockaddr_in) SAME_FIELD(sockaddr_in, sin_port) SAME_FIELD(sockaddr_in, sin_addr)
SAME_SIZE(in6_addr) SAME_SIZE(sockaddr_in6) SAME_FIELD(sockaddr_in6, sin6_scope_id) SAME_SIZE(sockaddr_un)
SAME_SIZE(sockaddr_ll) SAME_FIELD(sockaddr_ll, sll_addr) SAME_SIZE(iovec) SAME_FIELD(iovec, iov_len)
SAME_SIZE(epoll_event) SAME_FIELD(epoll_event, data) SAME_SIZE(pollfd) SAME_FIELD(pollfd, revents)
SAME_SIZE(stat) SAME_FIELD(stat, st_mode) SAME_FIELD(stat, st_size) SAME_FIELD(stat, st_uid) SAME_SIZE(statfs)
SAME_SIZE(timeval) SAME_SIZE(timespec) SAME_SIZE(ifreq) SAME_SIZE(rlimit)
_Static_assert(sizeof(struct __lkl__kernel_timespec) == sizeof(struct timespec), "struct __kernel_timespec");
_Static_assert(sizeof(struct lkl_new_utsname) == sizeof(struct utsname), "struct utsname");
SAME(O_RDWR) SAME(O_CREAT) SAME(O_EXCL) SAME(O_TRUNC) SAME(O_APPEND) SAME(O_NONBLOCK) SAME(O_CLOEXEC) SAME(O_DIRECTORY)
SAME(O_NOFOLLOW) SAME(O_DIRECT) SAME(AT_FDCWD) SAME(AT_REMOVEDIR) SAME(AT_SYMLINK_NOFOLLOW) SAME(F_SETFL) SAME(F_GETFL)
SAME(EPOLLIN) SAME(EPOLLOUT) SAME(EPOLLRDHUP) SAME(EPOLLET) SAME(EPOLL_CTL_ADD) SAME(EPOLL_CTL_DEL) SAME(EPOLL_CLOEXEC)
SAME(POLLIN) SAME(POLLOUT) SAME(POLLHUP) SAME(POLLRDHUP) SAME(PROT_READ) SAME(PROT_WRITE) SAME(MAP_PRIVATE)
SAME(MAP_ANONYMOUS) SAME(MAP_SHARED) SAME(MS_RDONLY) SAME(MS_BIND) SAME(RLIMIT_NOFILE) SAME(S_IFDIR) SAME(S_IFREG)
SAME(EPERM) SAME(EAGAIN) SAME(EINVAL) SAME(ENOSYS) SAME(ECONNREFUSED) SAME(EINPROGRESS) SAME(ETIMEDOUT) SAME(EMSGSIZE)
SAME(SOL_SOCKET) SAME(SO_REUSEADDR) SAME(SO_REUSEPORT) SAME(SO_SNDBUF) SAME(SO_ERROR) SAME(SO_BINDTODEVICE)
SAME(IPPROTO_TCP) SAME(IPPROTO_UDP) SAME(IPPROTO_IPV6) SAME(IPPROTO_MPTCP) SAME(IP_TOS) SAME(IP_PKTINFO) SAME(IPV6_V6ONLY)
SAME(TCP_NODELAY) SAME(TCP_INFO) SAME(TCP_CONGESTION) SAME(TCP_FASTOPEN) SAME(INADDR_LOOPBACK) SAME(INADDR_ANY)
SAME(IFF_UP) SAME(IFNAMSIZ) SAME(SIGKILL) SAME(SIG_BLOCK) SAME(CLOCK_MONOTONIC) SAME(TFD_NONBLOCK)

/* What the prefix makes of the other forms of names. */
_Static_assert(sizeof(__lkl__u8) == 1 && sizeof(__lkl__be32) == 4, "types that begin with two underscores");
_Static_assert(__LKL__BITS_PER_LONG == 64 && __lkl__NR_syscalls > 450, "macros that begin with two underscores");
_Static_assert(__lkl__NR_read == 63, "asm-generic's numbers, not x86's");
_Static_assert(LKL_MKDEV(1, 3) == (1 << 8 | 3) && LKL_ETH_ALEN == 6, "macros with arguments; included by <lkl.h>");
_Static_assert(sizeof(((struct lkl_in6_addr *)0)->lkl_s6_addr) == 16, "macros that stand for members");

int main(void)
{
	/* Inline functions and statements that only a caller expands. */
	struct lkl_user_msghdr msg = { 0 };
	union {
		struct lkl_cmsghdr first;
		char bytes[LKL_CMSG_SPACE(4) * 2];
	} control = { .first = { .cmsg_len = LKL_CMSG_LEN(4) } };

	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	if (LKL_CMSG_FIRSTHDR(&msg) != &control.first ||
	    (char *)LKL_CMSG_NXTHDR(&msg, &control.first) != control.bytes + LKL_CMSG_SPACE(4) ||
	    LKL_CMSG_DATA(&control.first) != (unsigned char *)&control.first + sizeof(control.first)) {
		printf("FAILED: control messages\n");
		return 1;
	}
	return 0;
}
