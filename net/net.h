/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net.h - what the commands of lkl-net share
 *
 * A command runs either inside an instance, as an application task, or on the host's own sockets
 * (--host). It makes its socket calls through struct net_calls and does not know which. It returns
 * an exit status and writes its results to stdout, complaints to stderr.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NET_EXIT_FAIL 1
#define NET_EXIT_USAGE 2
#define NET_PORT_DEFAULT 5300

struct lkl_wire;

/* As in section 2 of the manual; the result, or -errno. */
struct net_calls {
	const char *name;
	int (*socket)(int family, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *addr, int len);
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd);
	int (*connect)(int fd, const struct sockaddr *addr, int len);
	long (*send)(int fd, const void *data, size_t len, int flags);
	long (*recv)(int fd, void *data, size_t len, int flags);
	long (*sendto)(int fd, const void *data, size_t len, const struct sockaddr *to, int to_len);
	long (*recvfrom)(int fd, void *data, size_t len, int flags, struct sockaddr *from, int *from_len);
	int (*setsockopt)(int fd, int level, int name, const void *val, int len);
	int (*getsockopt)(int fd, int level, int name, void *val, int *len);
	int (*ioctl)(int fd, unsigned long cmd, void *arg);
	int (*close)(int fd);
	/* Run fn(arg) beside the caller: a task, or a thread. */
	int (*spawn)(void (*fn)(void *arg), void *arg);
	void (*pause_ms)(int ms);
};

extern const struct net_calls net_host, net_lkl;

/* What the command line says for all commands. */
struct net {
	const struct net_calls *calls;
	const struct lkl_wire *wire;	/* NULL on the host */
	int ifindex;			/* of wire0 inside */
	bool is_shared;
	bool is_json;
	uint16_t port;
	int idle_ms;			/* a peer of stream and rr that is silent for so long is gone */
};

extern volatile int net_stopped; /* SIGINT or SIGTERM came: end soon */

/* argv[0] is the command's name. */
int cmd_ping(const struct net *net, int argc, char **argv);
int cmd_stream(const struct net *net, int argc, char **argv);
int cmd_rr(const struct net *net, int argc, char **argv);
int cmd_dump(const struct net *net, int argc, char **argv);
int cmd_show(const struct net *net, int argc, char **argv);
/* Before the instance boots, so that a mistake costs nothing and takes nothing. 0 or NET_EXIT_USAGE. */
int check_ping(const struct net *net, int argc, char **argv);
int check_stream(const struct net *net, int argc, char **argv);
int check_rr(const struct net *net, int argc, char **argv);
int check_dump(const struct net *net, int argc, char **argv);
int check_show(const struct net *net, int argc, char **argv);

/* "lkl-net: ..." on stderr. The second returns NET_EXIT_USAGE. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
int usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A number from `low` to `high`, or a complaint that names the option, and false. */
bool parse_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *value);
/* The same with k, M, G. */
bool parse_bytes(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *value);
/* An IPv4 or IPv6 address, perhaps with "%IFINDEX" behind a link-local one (the instance's own interface if none). */
bool parse_address(const char *text, const struct net *net, uint16_t port, struct sockaddr_storage *addr, int *len);

int64_t net_now_us(void);
void net_timeout(const struct net *net, int fd, int ms); /* SO_RCVTIMEO */

#endif /* NET_NET_H */
