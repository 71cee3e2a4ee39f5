/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * helpers.h - what programs do again and again inside the instance: interfaces, addresses, routes, sysctls, mounts
 *
 * Names and behaviour are those that programs for LKL know. Each function is a few system calls of the instance, made on
 * the calling thread: [task], as the system calls themselves (lkl.h), unless said otherwise. None keeps state; several may
 * run at once, and what the kernel does not do in one step (rule, route, gateway) others see half done.
 *
 * Addresses are in network byte order. `af` is AF_INET (4 bytes at addr) or AF_INET6 (16 bytes); other families are
 * -EAFNOSUPPORT. Interface indexes that do not exist are -ENODEV (-EINVAL where the kernel says so). Pointers are read
 * during the call only. Unless said otherwise the result is 0 or a negative errno.
 *
 * Included by lkl/lkl.h.
 */
#ifndef LKL_HELPERS_H
#define LKL_HELPERS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- interfaces ---- */

/* Interface state. Index 1 is the loopback, which is down after boot. */
int lkl_if_up(int ifindex);
int lkl_if_down(int ifindex);
int lkl_if_set_mtu(int ifindex, int mtu_bytes);
/* 6 bytes at mac. -EADDRNOTAVAIL: a multicast address. */
int lkl_if_set_mac(int ifindex, void *mac);
/* Index > 0 of an interface. -ENODEV; -ENAMETOOLONG. */
int lkl_ifname_to_ifindex(const char *name);

/* ---- addresses ---- */

/* Set the first IPv4 address of an interface, and its netmask as a prefix length, 0 .. 32. */
int lkl_if_set_ipv4(int ifindex, unsigned int addr, unsigned int netmask_len);
/*
 * Add an IPv6 address (16 bytes at addr) and wait until duplicate address detection has let it pass, about 1 to 2 s
 * unless the interface is the loopback. The interface has to be up. Errors of lkl_if_wait_ipv6_dad().
 */
int lkl_if_set_ipv6(int ifindex, void *addr, unsigned int prefix_len);
/* Add an address beside those that are there; does not wait. -EEXIST. */
int lkl_if_add_ip(int ifindex, int af, void *addr, unsigned int prefix_len);
/* Remove one; prefix_len as it was added. -EADDRNOTAVAIL. */
int lkl_if_del_ip(int ifindex, int af, void *addr, unsigned int prefix_len);
/*
 * Wait until the IPv6 address is no longer tentative and frames for it are taken in; that comes a moment after adding even of
 * an address that is not checked (IFA_F_NODAD), and what arrives before is lost. -EADDRINUSE: somebody else has it; -EADDRNOTAVAIL: the interface has
 * no such address; -ETIMEDOUT: after 5 s.
 */
int lkl_if_wait_ipv6_dad(int ifindex, void *addr);

/* ---- routes ---- */

/* Default routes of the main table. -EEXIST: there is one; -ENETUNREACH: no interface reaches the gateway. */
int lkl_set_ipv4_gateway(unsigned int addr);
int lkl_set_ipv6_gateway(void *addr);
int lkl_add_gateway(int af, void *gateway);

/*
 * Source-based routing, for programs with several interfaces: packets from an interface's address are looked up in a table
 * of its own, number 2 * ifindex for IPv4 and 2 * ifindex + 1 for IPv6.
 */
/* The rule: packets from saddr use the table of ifindex. */
int lkl_if_add_rule_from_saddr(int ifindex, int af, void *saddr);
/* In that table, the network of the address: prefix_len bits of addr, on this link. */
int lkl_if_add_linklocal(int ifindex, int af, void *addr, int prefix_len);
/* In that table, the default route. */
int lkl_if_add_gateway(int ifindex, int af, void *gateway);
/* All three. What was done before an error stays. */
int lkl_if_set_ipv4_gateway(int ifindex, unsigned int addr, unsigned int netmask_len, unsigned int gateway);
int lkl_if_set_ipv6_gateway(int ifindex, void *addr, unsigned int prefix_len, void *gateway);

/* A permanent ARP or ND entry; replaces one for the same address. 6 bytes at mac. */
int lkl_add_neighbor(int ifindex, int af, void *addr, void *mac);

/*
 * Send one rtnetlink request of the program's own (NLM_F_REQUEST | NLM_F_ACK) and return its acknowledgement: 0 or the
 * kernel's -errno. -EPROTO: the answer was none. Not for dumps.
 */
int lkl_rtnl_request(const void *message, size_t len);

/* ---- queueing disciplines ---- */

/*
 * Set the qdisc `type` ("fq", "fq_codel", "netem" ..., with its defaults) of an interface. `root` is "root" or "ingress" or
 * a class "MAJOR:MINOR" in hexadecimal. Replaces the one that is there. -ENOENT: the kernel has no such qdisc.
 */
int lkl_qdisc_add(int ifindex, const char *root, const char *type);
/* Several: "root|fq;1:1|netem". Entries that fail are passed over; call lkl_qdisc_add() to learn why. */
void lkl_qdisc_parse_add(int ifindex, const char *entries);

/* ---- sysctls and limits ---- */

/*
 * Write a sysctl, e.g. lkl_sysctl("net.ipv4.tcp_congestion_control", "bbr"); mounts /proc if nobody has. -ENOENT: no such
 * sysctl; -EINVAL and others: what the kernel says to the value.
 */
int lkl_sysctl(const char *path, const char *value);
/* Several: "net.ipv4.tcp_sack=0;net.core.somaxconn=4096". Those that fail are passed over. */
void lkl_sysctl_parse_write(const char *sysctls);
/* The largest number of open descriptors of the instance's process (RLIMIT_NOFILE, both limits). -EPERM: above nr_open. */
int lkl_set_fd_limit(unsigned int fd_limit);

/* ---- file systems ---- */

/* Mount a file system without a device at /TYPE, which is made: "proc", "sysfs", "tmpfs". 1: it is mounted already. */
int lkl_mount_fs(char *fstype);
/* Unmount; while it is busy, try again for timeout_ms milliseconds. -EBUSY: still busy. */
long lkl_umount_timeout(char *path, int flags, long timeout_ms);

/* A directory that is being read. Each stream for one thread at a time. */
struct lkl_dir;
struct lkl_linux_dirent64;	/* <lkl/socket_types.h>; the layout of libc's struct dirent64 */

/* Open a directory. NULL and *err < 0 on failure. Free it with lkl_closedir(). */
struct lkl_dir *lkl_opendir(const char *path, int *err);
/* The same for an open descriptor, which then belongs to the stream. On failure it stays the caller's. */
struct lkl_dir *lkl_fdopendir(int fd, int *err);
/* The next entry, which belongs to the stream and is valid until the next call on it. NULL: end, or lkl_errdir() < 0. */
struct lkl_linux_dirent64 *lkl_readdir(struct lkl_dir *dir);
void lkl_rewinddir(struct lkl_dir *dir);
/* [any] The error that ended lkl_readdir(), negative; 0: none. */
int lkl_errdir(struct lkl_dir *dir);
/* [any] The descriptor below; it stays the stream's. */
int lkl_dirfd(struct lkl_dir *dir);
/* Close the descriptor and free the stream, also when closing fails. */
int lkl_closedir(struct lkl_dir *dir);

/* ---- messages ---- */

/* [any] Print "MESSAGE: text of the error" through lkl_printf(). */
void lkl_perror(char *message, int err);

/* ---- disks: the kernel is built without a block layer, all of these return -ENOSYS ---- */

struct lkl_dev_blk_ops;

struct lkl_disk {
	void *dev;
	union {
		int fd;
		void *handle;
	};
	struct lkl_dev_blk_ops *ops;
};

int lkl_disk_add(struct lkl_disk *disk);
int lkl_disk_add_feature(struct lkl_disk *disk, uint64_t features);
int lkl_disk_remove(struct lkl_disk disk);
int lkl_encode_dev_from_sysfs(const char *sysfs_path, uint32_t *pdevid);
int lkl_get_virtio_blkdev(int disk_id, unsigned int part, uint32_t *pdevid);
long lkl_mount_dev(unsigned int disk_id, unsigned int part, const char *fs_type, int flags, const char *opts, char *mnt_str,
		   unsigned int mnt_str_len);
long lkl_mount_blkdev(unsigned int dev, const char *fs_type, int flags, const char *opts, char *mnt_str,
		      unsigned int mnt_str_len);
long lkl_umount_dev(unsigned int disk_id, unsigned int part, int flags, long timeout_ms);
long lkl_umount_blkdev(unsigned int dev, int flags, long timeout_ms);

/* [any] Does nothing: there is no shell on Ctrl-Z. */
void lkl_register_dbg_handler(void);

#ifdef __cplusplus
}
#endif

#endif /* LKL_HELPERS_H */
