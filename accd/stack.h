/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stack.h - the one table through which the relay reaches a TCP/IP stack
 *
 * The relay runs the same code on two stacks: the host's kernel, by system calls, and the
 * library's kernel, by function calls. Every socket and epoll call of the loop goes through
 * struct stack_ops; nothing else in the relay knows which stack it runs on. Two tables exist,
 * stack_host (always) and stack_lkl (if the build has the library), and one of them is chosen at
 * start.
 *
 * Contract of every call: a value >= 0, or a negative errno. libc's errno is neither read nor set.
 *
 * Where a call may be made:
 *   [supervisor]  in the supervisor's process, before the fork or after the worker has gone
 *   [worker]      on a plain host thread of the worker's process
 *   [loop]        inside the function given to run()
 *   [any]         any thread of the worker, and signal handlers
 */
#ifndef ACCD_STACK_H
#define ACCD_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <lkl/host_ops.h>

struct conf;
struct counters_map;
struct log_map;
struct module_set;
struct sock_set;
struct text;

/* What a worker needs from its supervisor. Filled by setup(); valid on both sides of the fork. */
struct worker_args {
	const struct conf *conf;
	struct log_map *logs; /* shared memory that all workers log into */
	struct counters_map *counters; /* shared memory that all workers count in */
	bool is_replaceable; /* a worker that has ended can be: set by setup() */
	void *stack_data; /* owned by the stack: wire and addresses (lkl), NULL (host) */
	/* set by workers.c after the fork */
	unsigned int queues; /* loops there may be, for which setup() makes room */
	unsigned int homes; /* of them at the start */
	unsigned int index, workers; /* this loop's place, 0 to workers - 1; its part of the above */
	unsigned int vcpu, vcpus; /* which of its worker's loops it is: index - vcpu is the first one's */
	int control_fd; /* control.h */
	const struct sock_set *socks; /* inherited listening sockets; NULL: none */
	const struct module_set *modules; /* to load before the loop runs */
};

/* What report() tells. */
enum stack_report {
	STACK_REPORT_WIRES, /* counters of wires and instance: lines "NAME VALUE" */
	STACK_REPORT_NET, /* /proc/net/snmp and netstat of the instance */
	STACK_REPORT_CC, /* congestion controls: lines of JSON as of cc_list.h */
};

struct stack_ops {
	const char *name;

	/*
	 * [loop] For show wires, show stack and cc list. Bytes, or -errno. NULL: there is one stack for all,
	 * and the supervisor reads its files.
	 */
	long (*report)(enum stack_report what, char *buf, size_t len);

	/*
	 * [loop] Load a module from memory into the stack's kernel. 0, and in `said` the names of the
	 * congestion controls that came with it; or -errno and the kernel's words. -ENODATA: it brings
	 * none, and is not kept. NULL, both: this stack's kernel is not accd's.
	 */
	int (*module_load)(const char *name, const void *data, size_t len, struct text *said);
	int (*module_unload)(const char *name);
	/*
	 * [loop] Parameters of a connection's congestion control: lkl_cc_param() of lkl/lkl.h. NULL,
	 * both: this stack's have none.
	 */
	int (*cc_param)(int fd, const char *key, uint64_t value);
	int (*cc_param_get)(int fd, const char *key, uint64_t *value);

	/*
	 * The supervisor may use the calls below, too, and makes the listening sockets: one per
	 * address and worker, with SO_REUSEPORT. False: a worker makes its own.
	 */
	bool listeners_inherited;

	/* [worker] Release of the kernel that runs the stack, e.g. "6.12.117". Static storage. */
	const char *(*release)(void);

	/* The release that the daemon brings along, e.g. "Linux 6.12.117". NULL: whatever the host runs. */
	const char *built_in;

	/*
	 * [supervisor] Take what the stack needs from the host (wire, addresses), before the
	 * fork. 0, or -errno with a sentence in err and nothing taken. teardown() gives
	 * everything back; it may be called twice.
	 */
	int (*setup)(struct worker_args *args, char *err, size_t err_len);
	void (*teardown)(struct worker_args *args);

	/*
	 * [supervisor] New connections go to other workers than this one (away), or to it again.
	 * What it has stays its own. NULL: the stack has no such choice.
	 */
	void (*worker_away)(const struct worker_args *args, unsigned int index, bool is_away);

	/*
	 * [worker] Local ports of this loop's connections, lowest in the low half: answers come to
	 * its vCPU. 0: any. NULL: always.
	 */
	uint32_t (*local_ports)(const struct worker_args *args);

	/*
	 * [worker] How many descriptors the worker's sockets may use, after an attempt to make it
	 * `want`.
	 */
	uint64_t (*fd_limit)(uint64_t want);

	/*
	 * [worker] Bring the stack up on this thread or on one of its own, pinned as cpus says,
	 * run fn(arg) in it, take it down. Returns fn's value, or -errno with a sentence in err
	 * if fn never ran. With several vCPUs each loop's thread calls it; there is one stack for
	 * all of them, from the first call until the last fn has returned.
	 */
	int (*run)(const struct worker_args *args, int (*fn)(void *arg),
		   void *arg, char *err, size_t err_len);

	/*
	 * [loop] A descriptor that polls readable after notify(*handle); read 8 bytes to clear
	 * it.
	 */
	int (*notifier_open)(int *handle);
	/* [any] */
	int (*notify)(int handle);

	/*
	 * [loop] All is set up: what has come for a successor may come in, once all loops have said
	 * so. NULL: nothing waits.
	 */
	void (*serve)(void);

	/* [loop] As in section 2 of the manual. */
	int (*socket)(int family, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *addr, int addr_len);
	int (*listen)(int fd, int backlog);
	int (*accept4)(int fd, struct sockaddr *addr, int *addr_len, int flags);
	int (*connect)(int fd, const struct sockaddr *addr, int addr_len);
	long (*read)(int fd, void *buf, size_t len);
	long (*recv)(int fd, void *buf, size_t len);
	long (*peek)(int fd, void *buf, size_t len); /* recv() that leaves the bytes there */
	long (*send)(int fd, const void *buf,
		     size_t len); /* never raises SIGPIPE */
	/* Pages from fd_in to fd_out, one of which is a pipe; never waits, never raises SIGPIPE. */
	long (*splice)(int fd_in, int fd_out, size_t len);
	/*
	 * Let the stack itself pass on what two connections receive (lkl_relay_join() in
	 * lkl/lkl.h says when that ends). NULL, all three: this stack cannot.
	 */
	int (*relay_join)(struct lkl_relay *relay, int fd0, int fd1);
	int (*relay_part)(struct lkl_relay *relay);
	uint64_t (*relay_idle_ns)(const struct lkl_relay *relay);
	/* A pipe with room for `bytes` if the stack allows it; fds[0] is the reading end. */
	int (*pipe)(int fds[2], int bytes);
	int (*shutdown)(int fd, int how);
	int (*close)(int fd);
	int (*setsockopt)(int fd, int level, int name, const void *val,
			  int len);
	int (*getsockopt)(int fd, int level, int name, void *val, int *len);
	int (*getsockname)(int fd, struct sockaddr *addr, int *addr_len);
	int (*getpeername)(int fd, struct sockaddr *addr, int *addr_len);
	/*
	 * [loop] Connections that were closed, but whose last bytes and FIN their peers do not have
	 * yet. NULL: the stack outlives the worker and sees to them.
	 */
	long (*undelivered)(void);
	int (*epoll_create1)(int flags);
	int (*epoll_ctl)(int epfd, int op, int fd, struct epoll_event *event);
	int (*epoll_wait)(int epfd, struct epoll_event *events, int max,
			  int timeout_ms);
};

extern const struct stack_ops stack_host;
#ifdef ACCD_HAVE_LKL
extern const struct stack_ops stack_lkl;
#endif

#endif /* ACCD_STACK_H */
