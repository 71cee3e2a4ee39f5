/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host_ops.h - the boundary between the two compile worlds
 *
 * The kernel world (kernel/overlay/arch/lkl) and the host world (host/, wire/) are compiled with different headers,
 * different flags and different ideas of errno. They meet here and nowhere else. Only fixed-width types appear; the
 * header compiles in both worlds, and the assertions at its end hold the layout to the same numbers in each.
 *
 * Directions:
 *   host_*     functions that the host provides and the kernel calls   (struct lkl_host_ops)
 *   lkl_*      functions that the kernel exports and the host calls    (kernel/exports lists every one)
 *   wire ops   functions that a wire provides and the kernel's network driver calls (struct lkl_wire_ops)
 *
 * Threads: unless said otherwise, every function here is called by the host thread that executes the vCPU, with that
 * vCPU's per-CPU base in %gs. A host function must not call back into the kernel unless its comment allows it, and must
 * not block unless its name ends in _wait.
 *
 * Errors: negative errno (asm-generic numbers, the same as the host's on x86-64 Linux). Never libc's errno.
 */
#ifndef LKL_HOST_OPS_H
#define LKL_HOST_OPS_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- frames and wires ------------------------------------------------------------------------------------------- */

/*
 * Offload metadata of one frame; bit for bit struct virtio_net_hdr (VIRTIO 1.2, 5.1.6), little endian, 10 bytes.
 * On rx, flags may hold DATA_VALID (checksum checked) or NEEDS_CSUM (field holds the pseudo-header sum only, the frame
 * never left a machine: treat as good). On tx, NEEDS_CSUM asks the wire to have the checksum filled in.
 */
struct lkl_vnet_hdr {
	uint8_t flags;		/* LKL_VNET_F_* */
	uint8_t gso_type;	/* LKL_VNET_GSO_* */
	uint16_t hdr_len;	/* bytes of headers; a wire may overwrite it (wire/packet.c explains) */
	uint16_t gso_size;	/* payload bytes per segment */
	uint16_t csum_start;	/* offset from the Ethernet header */
	uint16_t csum_offset;	/* from csum_start */
};

#define LKL_VNET_F_NEEDS_CSUM 1
#define LKL_VNET_F_DATA_VALID 2

#define LKL_VNET_GSO_NONE 0
#define LKL_VNET_GSO_TCPV4 1
#define LKL_VNET_GSO_UDP 3
#define LKL_VNET_GSO_TCPV6 4
#define LKL_VNET_GSO_UDP_L4 5
#define LKL_VNET_GSO_ECN 0x80

/* Layout of struct iovec. */
struct lkl_iov {
	void *base;
	uint64_t len;
};

/* The frame's bytes are not (all) in shared memory: take them with rx_fetch(), in the order of the burst. */
#define LKL_RX_FETCH 1

/* One received frame. `data` stays valid, and belongs to the wire, until rx_release() has passed it. */
struct lkl_rx_frame {
	void *data;		/* Ethernet header; with LKL_RX_FETCH: the first head_len bytes of the frame, or NULL.
				 * `packet` puts the byte after the Ethernet header on a multiple of 16 */
	uint32_t len;		/* whole frame in bytes, 14 .. 65535 + 18 */
	uint16_t head_len;	/* bytes present at data; == len unless LKL_RX_FETCH */
	uint16_t flags;		/* LKL_RX_* */
	struct lkl_vnet_hdr vnet;
	uint8_t pad[6];
};

struct lkl_wire;

/* What the wire can carry; the driver derives the netdev's features from it. */
#define LKL_WIRE_F_CSUM 0x01	/* tx: NEEDS_CSUM honoured */
#define LKL_WIRE_F_TSO4 0x02	/* tx: frames up to 64 KiB + headers with gso_type TCPV4 */
#define LKL_WIRE_F_TSO6 0x04
#define LKL_WIRE_F_USO 0x08	/* tx: gso_type UDP_L4 */
#define LKL_WIRE_F_RXCSUM 0x10	/* rx: vnet.flags are meaningful */
#define LKL_WIRE_F_RXGSO 0x20	/* rx: frames above the MTU with gso_size set may arrive */

/*
 * Work and drops of one queue. Every lost frame is counted once, by its reason. Written on the thread of the vCPU that owns
 * the queue (waits_total by the vCPU loop), readable (racily) by anyone.
 */
struct lkl_wire_stats {
	uint64_t rx_frames_total, rx_bytes_total;
	uint64_t rx_fetched_total;	/* frames taken with rx_fetch() */
	uint64_t rx_dropped_total;	/* lost by the host before we saw them (ring or socket buffer full) */
	uint64_t rx_malformed_total;	/* refused: truncated, absurd length or header */
	uint64_t rx_foreign_total;	/* well-formed, but not for us: another VLAN */
	uint64_t tx_frames_total, tx_bytes_total;
	uint64_t tx_big_total;		/* frames that left through the gather path */
	uint64_t tx_full_total;		/* tx() answered -EAGAIN; no frame was lost */
	uint64_t tx_errors_total;	/* refused: malformed, longer than the MTU, or the host would not have it */
	uint64_t tx_down_total;		/* the link is down or gone */
	uint64_t tx_stalled_total;	/* the host had no room for too long */
	uint64_t kicks_total;		/* host calls made to start transmission */
	uint64_t calls_total;		/* all host calls made to move frames, kicks among them */
	uint64_t waits_total;		/* host waits that slept (counted by the vCPU loop) */
};

/*
 * A wire: moves L2 frames between one netdev and the outside. rx and tx are named as the stack sees them. All calls for
 * one queue come from one thread at a time (the vCPU that owns the queue); different queues may be used in parallel.
 * Functions without a queue are called from any vCPU, one at a time; those marked optional may be NULL.
 */
struct lkl_wire_ops {
	const char *name;

	/*
	 * 1 if rx_burst() would return at least one frame, or has other work (it retries a transmission that the host had
	 * no room for). Cheap: reads shared memory, makes no host call.
	 */
	int (*rx_ready)(struct lkl_wire *w, uint32_t queue);

	/*
	 * Describe up to `max` frames that have arrived, oldest first. Returns how many (0: none). No host call, unless
	 * frames are refused on the way. The next burst goes on behind this one, released or not: several may be
	 * outstanding. Frames above the MTU without gso_size may come when the host's MTU is larger.
	 */
	int (*rx_burst)(struct lkl_wire *w, uint32_t queue, struct lkl_rx_frame *frames, uint32_t max);

	/*
	 * Copy a frame marked LKL_RX_FETCH into `iov`. Call in burst order, once for each such frame before its
	 * rx_release(): it takes the oldest frame not fetched or released. To skip one and fetch a later one, call it
	 * with iov_len 0 (answers -EMSGSIZE). One released without it is discarded. At most 64 pieces.
	 * Returns bytes written (== frame->len), or -errno (frame lost, counted by the wire; go on).
	 * Fills *vnet with the frame's offload metadata, which replaces frame->vnet.
	 */
	int (*rx_fetch)(struct lkl_wire *w, uint32_t queue, const struct lkl_iov *iov, uint32_t iov_len,
			struct lkl_vnet_hdr *vnet);

	/* Give the oldest `n` described frames back. */
	void (*rx_release)(struct lkl_wire *w, uint32_t queue, uint32_t n);

	/*
	 * Queue one frame of `len` bytes gathered from `iov`; the bytes are copied (or sent) before it returns.
	 * 0; -EAGAIN: no room now, nothing taken (the driver stops its queue until tx_ready()); other -errno: frame
	 * refused and dropped. Nothing needs to leave before kick(). Frames of one queue leave in order.
	 */
	int (*tx)(struct lkl_wire *w, uint32_t queue, const struct lkl_vnet_hdr *vnet, const struct lkl_iov *iov,
		  uint32_t iov_len, uint32_t len);

	/*
	 * 1 if tx() would take a frame again after -EAGAIN. May make a host call, to retry what the host had no room for.
	 * Nothing signals room: ask again after the next rx burst, or by a timer of about 1 ms.
	 */
	int (*tx_ready)(struct lkl_wire *w, uint32_t queue);

	/* Start transmission of all that tx() queued; one host call at most when there is any, none when there isn't. */
	void (*kick)(struct lkl_wire *w, uint32_t queue);

	/* Host file descriptor that polls readable when rx_ready() would be true; owned by the wire. -1: none. */
	int (*wait_fd)(struct lkl_wire *w, uint32_t queue);

	/*
	 * [optional] Further descriptors to wait on, for a queue that is fed from several places; at most `max`, which is
	 * LKL_WIRE_MORE_FDS. Returns how many.
	 */
	uint32_t (*more_fds)(struct lkl_wire *w, uint32_t queue, int *fds, uint32_t max);

	/*
	 * Slow upkeep, a few host calls: reads the host's drop counters into stats, clears an error that keeps wait_fd awake
	 * (POLLERR: the interface went down), and writes link_down and mtu_max of the wire when they have changed. Called when
	 * a wait reports an error, and about once a second.
	 */
	void (*tend)(struct lkl_wire *w, uint32_t queue);

	/*
	 * [optional] Which frames the stack wants: LKL_WIRE_RX_*. Unicast to `mac` and broadcast always. Called with locks
	 * held: must be quick.
	 */
	void (*set_rx_mode)(struct lkl_wire *w, uint32_t mode);

	/*
	 * [optional] Which of the LKL_WIRE_F_RX* frames the wire may deliver from now on, a subset of `features`. A wire
	 * without it goes on, and the driver makes plain frames of them (slower). 0 or -errno.
	 */
	int (*set_rx_offloads)(struct lkl_wire *w, uint32_t features);

	/*
	 * [optional] Change the rings of all queues to these sizes and write them to rx_ring_frames and tx_ring_frames. No
	 * queue is in use and none has a described frame. 0; -errno: nothing has changed.
	 */
	int (*set_rings)(struct lkl_wire *w, uint32_t rx_frames, uint32_t tx_frames);

	/* Free everything. No queue is in use any more. */
	void (*close)(struct lkl_wire *w);
};

#define LKL_WIRE_QUEUES_MAX 64
#define LKL_WIRE_MORE_FDS 3

#define LKL_WIRE_RX_PROMISC 0x1
#define LKL_WIRE_RX_ALLMULTI 0x2

/* Common head of every wire; a mechanism embeds it as its first member. Sizes of 0: there is no such thing. */
struct lkl_wire {
	const struct lkl_wire_ops *ops;
	struct lkl_wire_stats *stats;	/* of each queue; the wire's memory, 64-byte aligned where queues differ in threads */
	uint32_t features;	/* LKL_WIRE_F_* */
	uint32_t queues;	/* 1 .. LKL_WIRE_QUEUES_MAX; fixed */
	uint32_t mtu;		/* L3 bytes: what the stack's netdev begins with */
	uint32_t mtu_max;	/* what it may be set to; 0: any. tend() may change it */
	uint8_t mac[6];		/* address that the stack's netdev uses */
	uint8_t link_down;	/* 1: no carrier. tend() may change it */
	uint8_t pad[1];
	uint32_t rx_ring_frames, tx_ring_frames;	/* of one queue */
	uint32_t ring_frames_max;
	uint64_t tend_wanted;	/* bit i: a wait reported an error of queue i; set by the vCPU loop, cleared by the driver */
};

/* ---- threads ---------------------------------------------------------------------------------------------------- */

#define LKL_VCPUS_MAX 64

/* Whose user code a host thread runs. */
#define LKL_THREAD_HOME 1	/* the application tasks of one vCPU; made by the library */
#define LKL_THREAD_GUARD 2	/* nobody's: it takes a vCPU whose holder stays away; made by the library */
#define LKL_THREAD_FOREIGN 3	/* its own, as one Linux task; any other thread of the program */

/* Where a host thread sleeps, so that whoever wakes it knows how. */
#define LKL_AWAKE 0
#define LKL_SLEEPS_THREAD 1	/* in futex_wait() on its word */
#define LKL_SLEEPS_VCPU 2	/* in idle_wait() */

/*
 * A host thread that can run kernel code. Made by the host, used by kernel/vcpu.c, which tells the rules. The fields up
 * to the first comment are written by the thread itself on every call; those that other threads write follow.
 */
struct lkl_thread {
	uint32_t seq;		/* odd: inside the kernel, even: in user code; goes up at every crossing */
	/* Four bytes that are read as one word: not 0, the thread must ask for a vCPU at entry. */
	uint8_t revoked_self;	/* it holds none, or must check (foreign threads: always) */
	uint8_t revoked_guard;	/* the guard is about to take it */
	uint8_t revoked_unused[2];
	uint32_t kind;		/* LKL_THREAD_* */
	uint32_t vcpu;		/* home, guard: theirs; foreign: the one they held last */
	void *task;		/* kernel's task whose user code the thread runs; NULL: none */
	uint64_t gs_base;	/* what the thread's %gs base is */
	uint64_t base_sp;	/* top of the stack on which the thread waits for a vCPU */
	uint64_t spin_end;	/* TSC until which an idle wait spins */
	int32_t waits_on;	/* vCPU whose idle waiter it is, or -1 */
	uint32_t generation;	/* boot it belongs to */
	uint64_t pad0;
	/* written by others */
	uint64_t resume_sp;	/* not 0: user code that the thread shall go on with, without a vCPU ... */
	void *resume_task;	/* ... and its task */
	void *owner;		/* home: task that the thread is promised to while it holds no vCPU */
	uint32_t sleeping;	/* LKL_AWAKE, LKL_SLEEPS_* */
	uint32_t futex;		/* word for futex_wait(): changes with every wake-up */
	uint32_t steal;		/* home: 1 while the guard tries to take the vCPU, 2 when it has */
	uint32_t ready;		/* foreign: 1 when its task runs; a negative errno when there is none */
	int32_t wake_fd;	/* host's, for idle_wait(); 0: none yet */
	uint32_t pad1;
	uint64_t pad[2];
};

/* ---- what the kernel asks of the host --------------------------------------------------------------------------- */

struct lkl_task;

struct lkl_host_ops {
	/* host/console.c: one log record as /dev/kmsg prints it: "prio,sequence,microseconds,flags;text\n". */
	void (*print)(const char *record, uint32_t len);

	/* host/panic.c: the instance is dead. Does not return. */
	void (*panic)(const char *message) __attribute__((noreturn));
	/* Program counters of the caller's frames, innermost first; returns how many. */
	int32_t (*backtrace)(void **pcs, uint32_t max);

	/* host/clock.c: nanoseconds since 1970, UTC */
	uint64_t (*wall_clock_ns)(void);
	/* Nanoseconds that only go forward, in place of the TSC; any thread, on a kernel stack. */
	uint64_t (*monotonic_ns)(void);

	/* host/vcpu.c */
	void (*set_gs_base)(uint64_t base);
	/* Sleep until kick(self), until a wire of the vCPU has frames, or for timeout_ns (< 0: no limit). */
	void (*idle_wait)(struct lkl_thread *self, uint32_t vcpu, int64_t timeout_ns);
	void (*kick)(struct lkl_thread *thread);	/* end its idle_wait(), this one or its next; any thread */
	int32_t (*vcpu_start)(uint32_t vcpu);	/* make its two threads; they call lkl_kernel_thread_main() */
	/* Sleep while thread->futex == value, at most timeout_ns (< 0: no limit). */
	void (*futex_wait)(uint32_t *word, uint32_t value, int64_t timeout_ns);
	void (*futex_wake)(uint32_t *word);	/* any thread */
	void (*yield)(void);			/* let another host thread run: a spin has lasted too long */
	/* Memory barrier on every running thread of the process. 0, or -errno: the host has no such thing. */
	int32_t (*barrier_all)(void);
	/* Make the calling thread, of which the library knows nothing yet, one of LKL_THREAD_FOREIGN. 0 or -errno. */
	int32_t (*thread_register)(void);
	void (*thread_quit)(struct lkl_thread *self) __attribute__((noreturn));	/* home, guard: the instance has stopped */

	/* host/boot.c */
	/* Pid 1 is ready for tasks; err < 0: but the command line has words that nothing knows. */
	void (*booted)(const char *release, int32_t err);
	void (*halted)(void);			/* no task runs any more; the vCPUs stop next */

	/* host/task.c: an application task has returned; its stack is no longer in use. */
	void (*task_exited)(struct lkl_task *task, int32_t ret);

	/* host/vcpu.c: the vCPU's idle_wait shall watch this wire queue, or no longer. 0 or -ENOSPC. */
	int32_t (*wire_watch)(uint32_t vcpu, struct lkl_wire *wire, uint32_t queue, int32_t on);

	/* host/module.c: protection (LKL_PROT_*) of pages of the image's own memory; 0 or -errno. */
	int32_t (*protect)(void *addr, uint64_t bytes, uint32_t prot);
};

#define LKL_PROT_READ 0x1
#define LKL_PROT_WRITE 0x2
#define LKL_PROT_EXEC 0x4

/* Everything a boot needs. The memory belongs to the kernel until it has halted. */
struct lkl_boot_params {
	const struct lkl_host_ops *ops;
	const char *cmd_line;
	uint64_t memory_start;		/* page aligned, 4 MiB aligned */
	uint64_t memory_bytes;
	uint64_t tsc_hz;		/* ticks of the clock per second */
	uint64_t spin_ns;		/* idle polls for as long as it pays, this long at most, before idle_wait */
	uint32_t vcpus;			/* 1 .. LKL_VCPUS_MAX */
	uint32_t generation;		/* how many boots there were before, plus 1 */
	uint32_t clock_is_host;		/* 1: the clock is monotonic_ns(); 0: rdtsc */
	uint32_t pad;
};

/* ---- what the host asks of the kernel --------------------------------------------------------------------------- */

/*
 * A task for pid 1 to start. An application task: fn(arg), whose system calls run on [stack, stack + stack_bytes), on the
 * home thread of `vcpu`. Or, with `thread` set, the Linux task of a foreign thread.
 */
struct lkl_task {
	struct lkl_task *next;		/* kernel's, while posted */
	int32_t (*fn)(void *arg);
	void *arg;
	void *stack;			/* lowest address */
	uint64_t stack_bytes;		/* multiple of the page size */
	char name[16];
	int32_t id;			/* host's handle */
	int32_t pid;			/* set by the kernel */
	uint32_t vcpu;
	int32_t ret;			/* kernel's: what fn returned */
	struct lkl_thread *thread;
};

/* Interrupt lines: bits that any host thread may raise on a vCPU with lkl_raise(). */
#define LKL_IRQ_TIMER 0x01
#define LKL_IRQ_RESCHEDULE 0x02
#define LKL_IRQ_CALL 0x04
#define LKL_IRQ_NET 0x08
#define LKL_IRQ_TASK 0x10
#define LKL_IRQ_NOTIFY 0x20
#define LKL_IRQ_HALT 0x40
#define LKL_IRQ_BUG 0x80 /* BUG(), to try the way from there to the panic callback */
#define LKL_IRQ_ENTER 0x100 /* tasks of host threads want in */
#define LKL_IRQ_STOP 0x200 /* the vCPU stops for good */

/* Boot on the calling thread, the home of vCPU 0; never comes back. ops->booted() tells that the instance is up. */
void lkl_kernel_boot(const struct lkl_boot_params *params, struct lkl_thread *self) __attribute__((noreturn));

/* [home of vCPUs 1 .., guards] The thread's life; never comes back. */
void lkl_kernel_thread_main(struct lkl_thread *self) __attribute__((noreturn));

/* [foreign thread] End its Linux task; the thread is a stranger afterwards. Call nothing else of the kernel before. */
void lkl_kernel_thread_exit(void);

/* [any thread] The instance has crashed: refuse new calls with -EIO. */
void lkl_kernel_dead(void);

/* Counters of the instance since boot, and what it has; include/lkl/lkl.h documents lkl_stats(). */
struct lkl_stats {
	uint64_t memory_bytes;		/* that the kernel manages */
	uint64_t memory_free_bytes;
	uint32_t vcpus;
	uint32_t tasks;			/* kernel threads, application tasks and those of foreign threads */
	uint64_t context_switches_total;
	uint64_t enter_slow_total;	/* calls that had to ask for a vCPU */
	uint64_t give_back_total;	/* calls that ended on another thread than their own */
	uint64_t stolen_total;		/* times a vCPU was taken from a task in user code */
	uint64_t sleeps_total;		/* host waits of idle vCPUs */
};

/* [any thread that may call] */
int lkl_kernel_stats(struct lkl_stats *stats);

/* The image's own memory, which a second boot needs as it was before the first: [start, end) and what is zeroed. */
extern char lkl_image_data_start[], lkl_image_data_end[], lkl_image_bss_start[], lkl_image_bss_end[];

/* [any thread] Raise interrupt lines on a vCPU; wakes it if it sleeps. */
void lkl_raise(uint32_t vcpu, uint32_t lines);

/* [any thread] Hand a task over to be started. */
void lkl_task_post(struct lkl_task *task);

/* [task] Create a notifier; [any thread] signal it. include/lkl/lkl.h documents both. */
int lkl_kernel_notifier_new(int *handle);
int lkl_kernel_notify(int handle);

/*
 * [task] Make a netdev of a wire; returns the interface index or -errno. Queue i belongs to vCPU i mod vcpus, which alone
 * calls the wire for it; frames leave on a queue of the vCPU that sends.
 */
int lkl_kernel_wire_attach(struct lkl_wire *wire);

/* [task] Remove the netdev of a wire. Afterwards nobody uses the wire, which may be closed. 0; -ENODEV: it has none. */
int lkl_kernel_wire_detach(struct lkl_wire *wire);

/*
 * Two TCP connections that the stack relays by itself (arch/lkl/net/relay.c). The program's memory; from join to part the
 * kernel writes to it, and anybody may read it.
 */
struct lkl_relay {
	uint64_t bytes_total[2];	/* moved from fds[0] to fds[1], and back */
	uint64_t moves_total[2];	/* how many times something was moved */
	uint64_t last_tsc;		/* when */
	void *pair;			/* the kernel's; NULL: not joined */
	uint32_t is_over;		/* 1: the pair has ended by itself; part it, and go on with ordinary calls */
	uint32_t pad;
};

/* [task, foreign thread] include/lkl/lkl.h documents both. */
int lkl_kernel_relay_join(struct lkl_relay *relay, int fd0, int fd1);
int lkl_kernel_relay_part(struct lkl_relay *relay);

/* [task, foreign thread] Set, or else read, a parameter of the connection's congestion control; see lkl_cc_param(). */
int lkl_kernel_cc_param(int fd, const char *key, uint64_t *value, int is_set);

/*
 * host/shadow.c, for a kernel built with KASAN: map [start, start + bytes) as zeros that cost no memory until written.
 * Called once, before anything else of the kernel runs; aborts if it cannot be had.
 */
void lkl_shadow_map(uint64_t start, uint64_t bytes);

/* The layout, the same in both worlds and in C++. */
#ifdef __cplusplus
#define LKL__ASSERT static_assert
#else
#define LKL__ASSERT _Static_assert
#endif
LKL__ASSERT(sizeof(struct lkl_vnet_hdr) == 10, "struct lkl_vnet_hdr");
LKL__ASSERT(sizeof(struct lkl_iov) == 16, "struct lkl_iov");
LKL__ASSERT(sizeof(struct lkl_rx_frame) == 32, "struct lkl_rx_frame");
LKL__ASSERT(sizeof(struct lkl_wire_stats) == 16 * 8, "struct lkl_wire_stats");
LKL__ASSERT(sizeof(struct lkl_wire) == 64, "struct lkl_wire");
LKL__ASSERT(sizeof(struct lkl_boot_params) == 8 * 8, "struct lkl_boot_params");
LKL__ASSERT(sizeof(struct lkl_relay) == 56, "struct lkl_relay");
LKL__ASSERT(sizeof(struct lkl_stats) == 8 * 8, "struct lkl_stats");
LKL__ASSERT(sizeof(struct lkl_thread) == 128, "struct lkl_thread");
LKL__ASSERT(sizeof(struct lkl_task) == 80, "struct lkl_task");
/* And where the members are that the two worlds use at the same time. */
#define LKL__AT(type, member, offset) LKL__ASSERT(__builtin_offsetof(struct type, member) == (offset), #type "." #member)
LKL__AT(lkl_thread, revoked_self, 4);
LKL__AT(lkl_thread, kind, 8);
LKL__AT(lkl_thread, vcpu, 12);
LKL__AT(lkl_thread, task, 16);
LKL__AT(lkl_thread, gs_base, 24);
LKL__AT(lkl_thread, base_sp, 32);
LKL__AT(lkl_thread, waits_on, 48);
LKL__AT(lkl_thread, generation, 52);
LKL__AT(lkl_thread, resume_sp, 64);
LKL__AT(lkl_thread, sleeping, 88);
LKL__AT(lkl_thread, futex, 92);
LKL__AT(lkl_thread, steal, 96);
LKL__AT(lkl_thread, ready, 100);
LKL__AT(lkl_thread, wake_fd, 104);
LKL__AT(lkl_stats, vcpus, 16);
LKL__AT(lkl_stats, sleeps_total, 56);
LKL__AT(lkl_task, id, 56);
LKL__AT(lkl_task, ret, 68);
LKL__AT(lkl_task, thread, 72);
#undef LKL__AT
#undef LKL__ASSERT

/* The calling thread's; NULL on a thread that has not called yet. Looked at by every call. Defined in host/vcpu.c. */
extern __thread struct lkl_thread *lkl_self;

#ifdef __cplusplus
}
#endif

#endif /* LKL_HOST_OPS_H */
