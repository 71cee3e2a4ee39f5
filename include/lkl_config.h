/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lkl_config.h - a program's devices, addresses and settings from JSON text or the environment, as programs for LKL know it
 *
 * A program zeroes a struct lkl_config, fills it by lkl_load_config_env() and lkl_load_config_json() (or by hand, with
 * strings of malloc()), and calls
 *
 *	lkl_init(&lkl_host_ops);
 *	lkl_load_config_pre(&cfg);			makes the devices
 *	lkl_start_kernel("%s", cfg.boot_cmdline);	the program's own call
 *	lkl_load_config_post(&cfg);			sets them up
 *	...
 *	lkl_unload_config(&cfg);
 *	lkl_sys_halt();
 *
 * JSON is RFC 8259. The text is one object; all its values are strings, but "interfaces", an array of objects of strings.
 * An unknown or repeated key is an error. The keys and the environment's names stand beside the members below; docs/library.md
 * says what each does.
 *
 * Threads: [any], one at a time for a struct. All functions return 0 or a negative errno (-EINVAL: bad input), and say in
 * one line what is wrong, and where, by lkl_host_ops.print, which is standard error unless the program sets another.
 */
#ifndef LKL_CONFIG_H
#define LKL_CONFIG_H

#include <lkl/netdev.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many values a text may have in LKL. Here the number of interfaces is limited instead. */
#define LKL_CONFIG_JSON_TOKEN_MAX 300
#define LKL_CONFIG_IFACES_MAX 16

struct lkl_config_iface {
	struct lkl_config_iface *next;
	struct lkl_netdev *nd;		/* from lkl_load_config_pre(); NULL: none yet */

	/*				   JSON key	environment */
	char *iftap;			/*		LKL_HIJACK_NET_TAP: the old form of "type": "tap" with "param" */
	char *iftype;			/* type		LKL_HIJACK_NET_IFTYPE: tap, macvtap, raw or pipe */
	char *ifparams;			/* param	LKL_HIJACK_NET_IFPARAMS: what the constructor of that type takes */
	char *ifmtu_str;		/* mtu		LKL_HIJACK_NET_MTU, bytes */
	char *ifip;			/* ip		LKL_HIJACK_NET_IP */
	char *ifipv6;			/* ipv6		LKL_HIJACK_NET_IPV6 */
	char *ifgateway;		/* ifgateway	LKL_HIJACK_NET_IFGATEWAY: for packets from `ip` */
	char *ifgateway6;		/* ifgateway6	LKL_HIJACK_NET_IFGATEWAY6: for packets from `ipv6` */
	char *ifmac_str;		/* mac		LKL_HIJACK_NET_MAC: 12:34:56:78:9a:bc */
	char *ifnetmask_len;		/* masklen	LKL_HIJACK_NET_NETMASK_LEN, 1 .. 32; wanted with `ip` */
	char *ifnetmask6_len;		/* masklen6	LKL_HIJACK_NET_NETMASK6_LEN, 1 .. 128; wanted with `ipv6` */
	char *ifoffload_str;		/* offload	LKL_HIJACK_OFFLOAD: mask of LKL_NETDEV_OFFLOAD_*, decimal, octal or hex */
	char *ifneigh_entries;		/* neigh	LKL_HIJACK_NET_NEIGHBOR: "ADDRESS|MAC;ADDRESS|MAC" */
	char *ifqdisc_entries;		/* qdisc	LKL_HIJACK_NET_QDISC: "PARENT|TYPE;PARENT|TYPE" */
};

struct lkl_config {
	int ifnum;			/* how many */
	struct lkl_config_iface *ifaces;

	char *gateway;			/* gateway	LKL_HIJACK_NET_GATEWAY */
	char *gateway6;			/* gateway6	LKL_HIJACK_NET_GATEWAY6 */
	char *debug;			/* debug	LKL_HIJACK_DEBUG, a number */
	char *mount;			/* mount	LKL_HIJACK_MOUNT: "proc,sysfs" */
	char *single_cpu;		/* singlecpu	LKL_HIJACK_SINGLE_CPU: 0, 1 or 2 */
	char *sysctls;			/* sysctl	LKL_HIJACK_SYSCTL: "KEY=VALUE;KEY=VALUE" */
	char *boot_cmdline;		/* boot_cmdline	LKL_HIJACK_BOOT_CMDLINE; the program's to use */
	char *dump;			/* dump		LKL_HIJACK_DUMP: "FILE,FILE" */
	char *delay_main;		/* delay_main	microseconds, 0 .. 1,000,000,000 */
	char *nameserver;		/* nameserver */
};

/* Add what the text says; it overrides what is there, and "interfaces" replaces all interfaces. -ENOMEM. */
int lkl_load_config_json(struct lkl_config *cfg, const char *jstr);

/* Add what the environment says; its names of one interface make or change the first. -ENOMEM. */
int lkl_load_config_env(struct lkl_config *cfg);

/* Print the members that are set. */
void lkl_show_config(struct lkl_config *cfg);

/*
 * Between lkl_init() and lkl_start_kernel(): check numbers and addresses, make the devices and add them. -EOPNOTSUPP: a type
 * that is not in this library. What was made before an error stays until lkl_unload_config().
 */
int lkl_load_config_pre(struct lkl_config *cfg);

/* After the boot: mounts, interfaces, gateways, sysctls, resolv.conf, in this order. Ends at the first error. */
int lkl_load_config_post(struct lkl_config *cfg);

/* Before the halt: print the files of `dump`, remove the devices, free everything and zero cfg. */
int lkl_unload_config(struct lkl_config *cfg);

#ifdef __cplusplus
}
#endif

#endif /* LKL_CONFIG_H */
