// SPDX-License-Identifier: GPL-2.0-only
/*
 * config_apply.c - do what a struct lkl_config says: devices before the boot, everything inside after it, and back
 *
 * All numbers and addresses are checked before the boot, so that a mistake shows before anything runs; what the instance
 * alone can judge (does a sysctl exist?) shows after it. Every error is one line with key and value. Lists ("A;B") are
 * gone through entry by entry, as a failure has to name its entry.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lkl/asm/host_ops.h>
#include <lkl/lkl.h>

#include "config.h"
#include "vcpu.h"

#define ENTRY_BYTES 512

/* Bits of `debug`. */
#define DEBUG_WAIT_AT_END 0x100
#define DEBUG_WAIT_BEFORE_BOOT 0x200

static int bad(const char *key, const char *value, const char *right)
{
	lkl__config_print("configuration: %s = '%s': %s", key, value ? value : "", right);
	return -EINVAL;
}

static int failed(const char *key, const char *value, int err)
{
	lkl__config_print("configuration: %s = '%s': %s", key, value, lkl_strerror(err));
	return err;
}

/* A number in decimal, octal (0...) or hex (0x...); 0 if there is no text. */
static int number(const char *key, const char *text, unsigned long min, unsigned long max, unsigned long *value)
{
	char right[80], *end;

	*value = 0;
	if (!text)
		return 0;
	errno = 0;
	*value = strtoul(text, &end, 0);
	if (!errno && end != text && !*end && text[0] != '-' && *value >= min && *value <= max)
		return 0;
	snprintf(right, sizeof(right), "a number from %lu to %lu is right", min, max);
	return bad(key, text, right);
}

static int mac_parse(const char *key, const char *text, unsigned char mac[6])
{
	unsigned int b[6];
	int i, n = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &n) != 6 || text[n] ||
	    n != 17)
		return bad(key, text, "six bytes as 12:34:56:78:9a:bc are right");
	for (i = 0; i < 6; i++)
		mac[i] = b[i];
	return 0;
}

static int addr_parse(const char *key, int af, const char *text, void *addr)
{
	if (inet_pton(af, text, addr) == 1)
		return 0;
	return bad(key, text, af == AF_INET ? "an IPv4 address is right" : "an IPv6 address is right");
}

/* Next entry of a list, cut off at the separator. 0: there is none; -EINVAL: too long. */
static int entry_next(const char *key, const char **list, char separator, char entry[ENTRY_BYTES])
{
	const char *end;

	while (*list && **list) {
		const char *start = *list;

		end = strchrnul(start, separator);
		*list = *end ? end + 1 : end;
		if (end - start >= ENTRY_BYTES)
			return bad(key, start, "an entry has at most 511 bytes");
		memcpy(entry, start, end - start);
		entry[end - start] = '\0';
		if (*entry)
			return 1;
	}
	return 0;
}

/* ---- an interface, checked ---- */

struct parsed {
	unsigned long mtu, masklen, masklen6, offload;
	unsigned char mac[6];
	struct in_addr ip, gateway;
	struct in6_addr ip6, gateway6;
};

static int address_parse(int af, const char *key, const char *text, void *addr, const char *mask_key, const char *mask,
			 unsigned long *masklen, const char *gateway_key, const char *gateway_text, void *gateway)
{
	int err = 0;

	if (text)
		err = addr_parse(key, af, text, addr);
	if (!err && text && !mask)
		err = bad(mask_key, "", "an address needs its prefix length");
	if (!err)
		err = number(mask_key, mask, 1, af == AF_INET ? 32 : 128, masklen);
	if (!err && gateway_text && !text)
		err = bad(gateway_key, gateway_text, "it needs an address of the interface");
	if (!err && gateway_text)
		err = addr_parse(gateway_key, af, gateway_text, gateway);
	return err;
}

static int iface_parse(const struct lkl_config_iface *iface, struct parsed *p)
{
	int err;

	memset(p, 0, sizeof(*p));
	err = number("mtu", iface->ifmtu_str, 68, 65535, &p->mtu);
	if (!err)
		err = number("offload", iface->ifoffload_str, 0, UINT_MAX, &p->offload);
	if (!err && iface->ifmac_str)
		err = mac_parse("mac", iface->ifmac_str, p->mac);
	if (!err)
		err = address_parse(AF_INET, "ip", iface->ifip, &p->ip, "masklen", iface->ifnetmask_len, &p->masklen,
				    "ifgateway", iface->ifgateway, &p->gateway);
	if (!err)
		err = address_parse(AF_INET6, "ipv6", iface->ifipv6, &p->ip6, "masklen6", iface->ifnetmask6_len,
				    &p->masklen6, "ifgateway6", iface->ifgateway6, &p->gateway6);
	return err;
}

/* "ADDRESS|MAC;..."; ifindex 0: only check. */
static int neighbors(const char *list, int ifindex)
{
	char entry[ENTRY_BYTES], addr[16];
	unsigned char mac[6];
	int more, err = 0;

	while (!err && (more = entry_next("neigh", &list, ';', entry))) {
		char *bar = more > 0 ? strchr(entry, '|') : NULL;
		int af;

		if (more < 0)
			return more;
		if (!bar)
			return bad("neigh", entry, "ADDRESS|MAC is right");
		*bar = '\0';
		af = strchr(entry, ':') ? AF_INET6 : AF_INET;
		err = addr_parse("neigh", af, entry, addr);
		if (!err)
			err = mac_parse("neigh", bar + 1, mac);
		if (!err && ifindex) {
			err = lkl_add_neighbor(ifindex, af, addr, mac);
			if (err)
				failed("neigh", entry, err);
		}
	}
	return err;
}

/* ---- before the boot ---- */

static int iface_make(struct lkl_config_iface *iface)
{
	const char *type = iface->iftype, *param = iface->ifparams;
	struct lkl_netdev_args args = { 0 };
	struct parsed p;
	int err = iface_parse(iface, &p), takes_offload = 1;

	if (!err)
		err = neighbors(iface->ifneigh_entries, 0);
	if (err)
		return err;
	if (!type && iface->iftap) {
		type = "tap";
		param = iface->iftap;
	}
	if (!type)
		return bad("type", "", "an interface needs one: tap, macvtap, raw or pipe");
	if (!param)
		return bad("param", "", "an interface needs it: what its type is made from");
	errno = 0;
	if (!strcmp(type, "tap")) {
		iface->nd = lkl_netdev_tap_create(param, p.offload);
	} else if (!strcmp(type, "macvtap")) {
		iface->nd = lkl_netdev_macvtap_create(param, p.offload);
	} else if (!strcmp(type, "pipe")) {
		iface->nd = lkl_netdev_pipe_create(param, p.offload);
	} else if (!strcmp(type, "raw")) {
		takes_offload = 0;
		iface->nd = lkl_netdev_raw_create(param);
	} else if (!strcmp(type, "dpdk") || !strcmp(type, "vde")) {
		bad("type", type, "not in this library; tap, macvtap, raw or pipe are");
		return -EOPNOTSUPP;
	} else {
		return bad("type", type, "tap, macvtap, raw or pipe are right");
	}
	if (!iface->nd)
		return failed(type, param, errno ? -errno : -EIO);
	if (p.offload && !takes_offload)
		lkl__config_print("configuration: offload = '%s': ignored, a device of type %s chooses itself",
				  iface->ifoffload_str, type);
	args.mac = iface->ifmac_str ? p.mac : NULL;
	args.offload = takes_offload ? p.offload : 0;
	err = lkl_netdev_add(iface->nd, &args);
	if (err < 0) {
		lkl_netdev_free(iface->nd);
		iface->nd = NULL;
		return failed(type, param, err);
	}
	return 0;
}

static int top_check(const struct lkl_config *cfg, unsigned long *debug, unsigned long *single_cpu)
{
	unsigned long delay;
	char addr[16];
	int err;

	err = number("debug", cfg->debug, 0, ULONG_MAX, debug);
	if (!err)
		err = number("singlecpu", cfg->single_cpu, 0, 2, single_cpu);
	if (!err)
		err = number("delay_main", cfg->delay_main, 0, 1000000000, &delay);
	if (!err && cfg->gateway)
		err = addr_parse("gateway", AF_INET, cfg->gateway, addr);
	if (!err && cfg->gateway6)
		err = addr_parse("gateway6", AF_INET6, cfg->gateway6, addr);
	return err;
}

int lkl_load_config_pre(struct lkl_config *cfg)
{
	struct lkl_options options = lkl__options;
	struct lkl_config_iface *iface;
	unsigned long debug, single_cpu;
	int err = top_check(cfg, &debug, &single_cpu);

	if (err)
		return err;
	if (!debug)
		options.log = NULL;
	else
		lkl_register_dbg_handler();
	if (single_cpu)
		options.cpu = sched_getcpu();
	err = lkl_set_options(&options);
	for (iface = cfg->ifaces; iface && !err; iface = iface->next)
		err = iface_make(iface);
	if (!err && debug & DEBUG_WAIT_BEFORE_BOOT) {
		lkl__config_print("process %d: Enter goes on to the boot", (int)getpid());
		(void)getchar();
	}
	return err;
}

/* ---- after the boot ---- */

static int iface_set_up(const struct lkl_config_iface *iface)
{
	const char *list = iface->ifqdisc_entries;
	char entry[ENTRY_BYTES];
	struct parsed p;
	int err = iface_parse(iface, &p), ifindex, more;

	if (err)
		return err;
	if (!iface->nd)
		return bad("type", iface->iftype, "there is no device: lkl_load_config_pre() makes it before the boot");
	ifindex = lkl_netdev_get_ifindex(iface->nd->id);
	if (ifindex < 0)
		return failed("interface", iface->iftype ? iface->iftype : "tap", ifindex);
	if (p.mtu && (err = lkl_if_set_mtu(ifindex, p.mtu)))
		return failed("mtu", iface->ifmtu_str, err);
	err = lkl_if_up(ifindex);
	if (err)
		return failed("up", iface->iftype ? iface->iftype : "tap", err);
	if (iface->ifip && (err = lkl_if_set_ipv4(ifindex, p.ip.s_addr, p.masklen)))
		return failed("ip", iface->ifip, err);
	if (iface->ifgateway && (err = lkl_if_set_ipv4_gateway(ifindex, p.ip.s_addr, p.masklen, p.gateway.s_addr)))
		return failed("ifgateway", iface->ifgateway, err);
	if (iface->ifipv6 && (err = lkl_if_set_ipv6(ifindex, &p.ip6, p.masklen6)))
		return failed("ipv6", iface->ifipv6, err);
	if (iface->ifgateway6 && (err = lkl_if_set_ipv6_gateway(ifindex, &p.ip6, p.masklen6, &p.gateway6)))
		return failed("ifgateway6", iface->ifgateway6, err);
	err = neighbors(iface->ifneigh_entries, ifindex);
	while (!err && (more = entry_next("qdisc", &list, ';', entry))) {
		char *bar = more > 0 ? strchr(entry, '|') : NULL;

		if (more < 0)
			return more;
		if (!bar)
			return bad("qdisc", entry, "PARENT|TYPE is right, for example root|fq");
		*bar = '\0';
		err = lkl_qdisc_add(ifindex, entry, bar + 1);
		if (err)
			failed("qdisc", bar + 1, err);
	}
	return err;
}

static int mounts(const char *list)
{
	char entry[ENTRY_BYTES];
	int more, err;

	while ((more = entry_next("mount", &list, ',', entry)) > 0) {
		err = lkl_mount_fs(entry);
		if (err < 0)
			return failed("mount", entry, err);
	}
	return more;
}

static int sysctls(const char *list)
{
	char entry[ENTRY_BYTES], *equal;
	int more, err;

	while ((more = entry_next("sysctl", &list, ';', entry)) > 0) {
		equal = strchr(entry, '=');
		if (!equal)
			return bad("sysctl", entry, "KEY=VALUE is right");
		*equal = '\0';
		err = lkl_sysctl(entry, equal + 1);
		if (err)
			return failed("sysctl", entry, err);
	}
	return more;
}

static int resolv_conf(const char *nameserver)
{
	char text[ENTRY_BYTES];
	long fd, n;

	n = snprintf(text, sizeof(text), "nameserver %s\n", nameserver);
	if (n >= (long)sizeof(text))
		return bad("nameserver", nameserver, "an address is right");
	lkl_sys_mkdirat(AT_FDCWD, "/etc", 0755);
	fd = lkl_sys_openat(AT_FDCWD, "/etc/resolv.conf", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		return failed("nameserver", nameserver, fd);
	n = lkl_sys_write(fd, text, n);
	lkl_sys_close(fd);
	return n < 0 ? failed("nameserver", nameserver, n) : 0;
}

int lkl_load_config_post(struct lkl_config *cfg)
{
	struct lkl_config_iface *iface;
	unsigned long debug, single_cpu, delay_us;
	unsigned char addr[16];
	int err = top_check(cfg, &debug, &single_cpu);

	if (!err)
		err = mounts(cfg->mount);
	for (iface = cfg->ifaces; iface && !err; iface = iface->next)
		err = iface_set_up(iface);
	if (!err && cfg->gateway && addr_parse("gateway", AF_INET, cfg->gateway, addr) == 0 &&
	    (err = lkl_add_gateway(AF_INET, addr)))
		failed("gateway", cfg->gateway, err);
	if (!err && cfg->gateway6 && addr_parse("gateway6", AF_INET6, cfg->gateway6, addr) == 0 &&
	    (err = lkl_set_ipv6_gateway(addr)))
		failed("gateway6", cfg->gateway6, err);
	if (!err)
		err = sysctls(cfg->sysctls);
	if (!err && cfg->nameserver)
		err = resolv_conf(cfg->nameserver);
	if (!err && cfg->delay_main) {
		number("delay_main", cfg->delay_main, 0, 1000000000, &delay_us);
		lkl_sys_nanosleep_ns(delay_us * 1000ll);
	}
	return err;
}

/* ---- and back ---- */

static int dump_file(const char *path)
{
	char text[ENTRY_BYTES];
	long fd = lkl_sys_openat(AT_FDCWD, path, O_RDONLY, 0), n;

	if (fd < 0)
		return failed("dump", path, fd);
	while ((n = lkl_sys_read(fd, text, sizeof(text))) > 0)
		if (lkl_host_ops.print)
			lkl_host_ops.print(text, n);
	lkl_sys_close(fd);
	return n < 0 ? failed("dump", path, n) : 0;
}

int lkl_unload_config(struct lkl_config *cfg)
{
	const char *list = cfg->dump;
	struct lkl_config_iface *iface;
	char entry[ENTRY_BYTES];
	unsigned long debug;
	int more, err = 0, ret;

	while ((more = entry_next("dump", &list, ',', entry))) {
		ret = more > 0 ? dump_file(entry) : more;
		if (!err)
			err = ret;
	}
	ret = number("debug", cfg->debug, 0, ULONG_MAX, &debug);
	if (!ret && debug & DEBUG_WAIT_AT_END)
		for (;;)
			pause();
	for (iface = cfg->ifaces; iface; iface = iface->next) {
		if (!iface->nd)
			continue;
		lkl_netdev_remove(iface->nd->id);
		lkl_netdev_free(iface->nd);
		iface->nd = NULL;
	}
	lkl__config_free(cfg);
	return err;
}
