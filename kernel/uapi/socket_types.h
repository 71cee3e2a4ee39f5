/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * socket_types.h - what a caller of the socket calls needs and the kernel keeps in headers of its own
 *
 * The numbers (AF_*, PF_*, SOL_*, MSG_*, SCM_*) are taken from the kernel's include/linux/socket.h when the headers are
 * made (socket_numbers.h). The layouts below are those of include/linux/socket.h, net.h, dirent.h and types.h; libc has
 * the same, and tests/unit/test_uapi.c holds both against each other. Written with the kernel's names: the renamer gives
 * them the prefix as it does to all others.
 */
#ifndef _SOCKET_TYPES_H
#define _SOCKET_TYPES_H

#include <sys_types.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <socket_numbers.h>

typedef __kernel_sa_family_t sa_family_t;
typedef unsigned int socklen_t;

struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};

#define sockaddr_storage __kernel_sockaddr_storage

struct linger {
	int l_onoff;
	int l_linger;
};

struct ucred {
	__u32 pid;
	__u32 uid;
	__u32 gid;
};

/* Of sendmsg() and recvmsg(); the kernel has a msghdr for itself, and so calls this one user_msghdr. */
struct user_msghdr {
	void *msg_name;
	int msg_namelen;
	struct iovec *msg_iov;
	__kernel_size_t msg_iovlen;
	void *msg_control;
	__kernel_size_t msg_controllen;
	unsigned int msg_flags;
};
#define msghdr user_msghdr

struct mmsghdr {
	struct user_msghdr msg_hdr;
	unsigned int msg_len;
};

struct cmsghdr {
	__kernel_size_t cmsg_len;
	int cmsg_level;
	int cmsg_type;
};

#define CMSG_ALIGN(len) (((len) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define CMSG_DATA(cmsg) ((unsigned char *)(cmsg) + sizeof(struct cmsghdr))
#define CMSG_SPACE(len) (sizeof(struct cmsghdr) + CMSG_ALIGN(len))
#define CMSG_LEN(len) (sizeof(struct cmsghdr) + (len))
#define CMSG_FIRSTHDR(msg) \
	((msg)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(msg)->msg_control : (struct cmsghdr *)0)
#define CMSG_NXTHDR(msg, cmsg) \
	((char *)(cmsg) + CMSG_ALIGN((cmsg)->cmsg_len) + sizeof(struct cmsghdr) > \
			 (char *)(msg)->msg_control + (msg)->msg_controllen ? \
		 (struct cmsghdr *)0 : \
		 (struct cmsghdr *)((char *)(cmsg) + CMSG_ALIGN((cmsg)->cmsg_len)))

enum sock_type {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_RDM = 4,
	SOCK_SEQPACKET = 5,
	SOCK_DCCP = 6,
	SOCK_PACKET = 10,
};

#define SOCK_CLOEXEC 02000000
#define SOCK_NONBLOCK 00004000

enum sock_shutdown_cmd {
	SHUT_RD,
	SHUT_WR,
	SHUT_RDWR,
};

/* Of getdents64(). */
struct linux_dirent64 {
	__u64 d_ino;
	__s64 d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

#endif /* _SOCKET_TYPES_H */
