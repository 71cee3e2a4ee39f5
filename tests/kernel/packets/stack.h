/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stack.h - a TCP stack under test: its sockets, its clock, its wire
 *
 * Two of them: the library's (stack_lkl.c) in virtual time, and the host kernel's (stack_host.c) through a tap in a network
 * namespace that lasts as long as the process. Functions return -errno. Frames are Ethernet, whole, checksums right.
 */
#ifndef TESTS_KERNEL_PACKETS_STACK_H
#define TESTS_KERNEL_PACKETS_STACK_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr;

#define FRAME_MAX 2048
#define STACK_ADDR 0x0a4d0001u		/* 10.77.0.1/16 */
#define STACK_MAC "\x02\x00\x00\x00\x00\x01"
#define PEER_MAC "\x02\x00\x00\x00\x00\x02"
#define MS 1000000ll

struct stack {
	const char *name;
	int is_exact;	/* its timers are never late, and neither are we */
	/* Its release as 100 * major + minor; 0 before start(). */
	int (*release)(void);
	/* 0; SKIP after saying why; or -errno. */
	int (*start)(void);
	void (*stop)(void);
	/* Call fn(arg) where it may use the functions below; returns what it returned. */
	int (*run)(int (*fn)(void *arg), void *arg);

	long (*socket)(int family, int type, int protocol);
	long (*bind)(int fd, const struct sockaddr *addr, int len);
	long (*listen)(int fd, int backlog);
	long (*accept)(int fd);
	long (*connect)(int fd, const struct sockaddr *addr, int len);
	long (*setsockopt)(int fd, int level, int name, const void *val, int len);
	long (*getsockopt)(int fd, int level, int name, void *val, int *len);
	long (*sendto)(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, int addr_len);
	long (*recv)(int fd, void *buf, size_t len, int flags);
	long (*shutdown)(int fd, int how);
	long (*close)(int fd);
	int (*sysctl)(const char *name, const char *value);

	int64_t (*now_ns)(void);
	/* Take the next frame that it sent, or wait for one until the time; its length, 0: none came. */
	int (*frame)(void *buf, int64_t until_ns, int64_t *at_ns);
	/* Give it a frame, and let it handle it. */
	int (*inject)(const void *frame, size_t len);
	/* 1 if we, or it, may have been late since the last call. */
	int (*was_late)(void);
};

extern const struct stack stack_lkl, stack_host;

#endif /* TESTS_KERNEL_PACKETS_STACK_H */
