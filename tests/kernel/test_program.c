// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_program.c - a program written for LKL: its includes, its types, its way through boot, devices, helpers and halt
 *
 * Includes <lkl.h> among libc's headers and uses the prefixed names only. What a helper did is read back by another way:
 * /proc, an ioctl, or a dump of rtnetlink. Two devices with operations of the test's own are looped onto each other, so
 * that a frame sent on one interface by a packet socket arrives on the other.
 *
 * All calls are made by the program's own thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lkl.h>
#include <lkl_host.h>
#include <lkl/linux/fib_rules.h>
#include <lkl/linux/if_packet.h>
#include <lkl/linux/timerfd.h>

#define FRAME_MAX 9100

#define CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		return -__LINE__; \
	} \
} while (0)

#define CHECK_OK(call) do { \
	long ret_ = (call); \
	if (ret_ < 0) { \
		fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, lkl_strerror((int)ret_)); \
		return -__LINE__; \
	} \
} while (0)

/* ---- two devices, looped ---- */

struct loop {
	struct lkl_netdev nd;
	struct loop *peer;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int head, tail;
	int hup, set_mac, freed;
	int lens[64];
	char frames[64][FRAME_MAX];
};

/* What tx() of one device got, rx() of the other gives. */
static int loop_tx(struct lkl_netdev *nd, struct iovec *iov, int cnt)
{
	struct loop *to = ((struct loop *)nd)->peer;
	int i, len = 0;

	pthread_mutex_lock(&to->lock);
	if (to->head - to->tail == 64) {
		pthread_mutex_unlock(&to->lock);
		return -EAGAIN;
	}
	for (i = 0; i < cnt; i++) {
		memcpy(to->frames[to->head % 64] + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	to->lens[to->head % 64] = len;
	to->head++;
	pthread_cond_signal(&to->changed);
	pthread_mutex_unlock(&to->lock);
	return len;
}

static int loop_rx(struct lkl_netdev *nd, struct iovec *iov, int cnt)
{
	struct loop *l = (struct loop *)nd;
	int len = -EAGAIN;

	pthread_mutex_lock(&l->lock);
	if (l->head != l->tail) {
		len = l->lens[l->tail % 64];
		memcpy(iov[0].iov_base, l->frames[l->tail % 64], len);
		l->tail++;
	}
	pthread_mutex_unlock(&l->lock);
	return len;
}

static int loop_poll(struct lkl_netdev *nd)
{
	struct loop *l = (struct loop *)nd;
	int mask;

	pthread_mutex_lock(&l->lock);
	while (l->head == l->tail && !l->hup)
		pthread_cond_wait(&l->changed, &l->lock);
	mask = l->hup ? LKL_DEV_NET_POLL_HUP : LKL_DEV_NET_POLL_RX | LKL_DEV_NET_POLL_TX;
	pthread_mutex_unlock(&l->lock);
	return mask;
}

static void loop_poll_hup(struct lkl_netdev *nd)
{
	struct loop *l = (struct loop *)nd;

	pthread_mutex_lock(&l->lock);
	l->hup = 1;
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

static int loop_set_mac(struct lkl_netdev *nd, const unsigned char *addr)
{
	((struct loop *)nd)->set_mac = addr[5];
	return 0;
}

static void loop_free(struct lkl_netdev *nd)
{
	((struct loop *)nd)->freed = 1;
}

static struct lkl_dev_net_ops loop_ops = {
	.tx = loop_tx,
	.rx = loop_rx,
	.poll = loop_poll,
	.poll_hup = loop_poll_hup,
	.set_mac = loop_set_mac,
	.free = loop_free,
};

static struct loop loops[2];
static int ids[2];

/* ---- boot ---- */

static int printed_lines;
static char printed_last[256];

static void on_print(const char *str, int len)
{
	printed_lines++;
	snprintf(printed_last, sizeof(printed_last), "%.*s", len, str);
}

static void test_init(void **state)
{
	char who[] = "who";

	assert_int_equal(lkl_init(NULL), -EINVAL);
	assert_int_equal(lkl_printf("nobody listens\n"), 15);
	assert_int_equal(printed_lines, 0);
	lkl_host_ops.print = on_print;
	assert_int_equal(lkl_init(&lkl_host_ops), 0);
	lkl_perror(who, -ENOENT);
	assert_string_equal(printed_last, "who: No such file or directory\n");
}

static void test_boot(void **state)
{
	unsigned char mac[] = { 2, 0, 0, 0, 0, 0x21 };
	struct lkl_netdev_args args = { .mac = mac };
	struct lkl_dev_net_ops no_tx = loop_ops;
	struct lkl_netdev bad = { .ops = &no_tx };
	int i;

	no_tx.tx = NULL;
	assert_int_equal(lkl_netdev_add(&bad, NULL), -EINVAL);
	assert_int_equal(lkl_netdev_add(NULL, NULL), -EINVAL);
	for (i = 0; i < 2; i++) {
		loops[i].nd.ops = &loop_ops;
		loops[i].peer = &loops[!i];
		pthread_mutex_init(&loops[i].lock, NULL);
		pthread_cond_init(&loops[i].changed, NULL);
		ids[i] = lkl_netdev_add(&loops[i].nd, i ? NULL : &args);
		assert_int_equal(ids[i], i);
		assert_int_equal(loops[i].nd.id, i);
		assert_int_equal(lkl_netdev_get_ifindex(i), -ESRCH);
	}
	assert_int_equal(loops[0].set_mac, 0x21);
	assert_memory_equal(loops[0].nd.mac, mac, 6);
	printed_lines = 0;
	assert_int_equal(lkl_start_kernel("mem=%dM loglevel=8", 64), 0);
	assert_int_equal(lkl_is_running(), 1);
	assert_true(printed_lines > 5);
	assert_int_equal(printed_last[strlen(printed_last) - 1], '\n');
	assert_int_equal(lkl_init(&lkl_host_ops), -EBUSY);
	for (i = 0; i < 2; i++)
		assert_true(lkl_netdev_get_ifindex(i) > 1);
	assert_int_equal(lkl_netdev_get_ifindex(2), -ESRCH);
}

/* ---- reading back ---- */

static char text[65536];

/* A file of the instance into text[]; returns the bytes. */
static long read_file(const char *path)
{
	long fd = lkl_sys_open(path, LKL_O_RDONLY, 0), n, len = 0;

	text[0] = '\0';
	if (fd < 0)
		return fd;
	while ((n = lkl_sys_read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	lkl_sys_close(fd);
	text[len] = '\0';
	return n < 0 ? n : len;
}

/* A dump of rtnetlink into text[]; returns the bytes. */
static long dump(int type, int family)
{
	struct {
		struct lkl_nlmsghdr nlh;
		struct lkl_rtgenmsg gen;
		char pad[32];
	} req = { .nlh = { .nlmsg_len = sizeof(req), .nlmsg_type = type, .nlmsg_flags = LKL_NLM_F_REQUEST | LKL_NLM_F_DUMP },
		  .gen = { .rtgen_family = family } };
	long fd = lkl_sys_socket(LKL_AF_NETLINK, LKL_SOCK_RAW, LKL_NETLINK_ROUTE), n, len = 0;

	if (fd < 0)
		return fd;
	n = lkl_sys_sendto(fd, &req, sizeof(req), 0, NULL, 0);
	while (n >= 0 && (n = lkl_sys_recvfrom(fd, text + len, sizeof(text) - len, LKL_MSG_DONTWAIT, NULL, NULL)) > 0)
		len += n;
	lkl_sys_close(fd);
	return n < 0 && n != -LKL_EAGAIN ? n : len;
}

/* Does a message of the dump in text[] have this attribute with these bytes, and another one with those? */
static int dump_has(long len, int header, int type, const void *data, size_t data_len, int type2, const void *data2,
		    size_t data2_len)
{
	struct lkl_nlmsghdr *nlh = (struct lkl_nlmsghdr *)text;

	for (; LKL_NLMSG_OK(nlh, len); nlh = LKL_NLMSG_NEXT(nlh, len)) {
		struct lkl_rtattr *attr = (struct lkl_rtattr *)((char *)LKL_NLMSG_DATA(nlh) + LKL_NLMSG_ALIGN(header));
		int left = nlh->nlmsg_len - LKL_NLMSG_LENGTH(header), found = 0, found2 = !data2;

		for (; LKL_RTA_OK(attr, left); attr = LKL_RTA_NEXT(attr, left)) {
			if (attr->rta_type == type && !memcmp(LKL_RTA_DATA(attr), data, data_len))
				found = 1;
			if (data2 && attr->rta_type == type2 && !memcmp(LKL_RTA_DATA(attr), data2, data2_len))
				found2 = 1;
		}
		if (found && found2)
			return 1;
	}
	return 0;
}

/* ---- interfaces and addresses ---- */

static int check_interfaces(void *arg)
{
	unsigned char mac[] = { 2, 0, 0, 0, 0, 0x42 }, multicast[] = { 1, 0, 0, 0, 0, 1 };
	int eth0 = lkl_netdev_get_ifindex(0), eth1 = lkl_netdev_get_ifindex(1);
	struct lkl_ifreq ifr;
	long fd;

	CHECK(lkl_ifname_to_ifindex("eth0") == eth0);
	CHECK(lkl_ifname_to_ifindex("eth1") == eth1);
	CHECK(lkl_ifname_to_ifindex("eth7") == -LKL_ENODEV);
	CHECK(lkl_ifname_to_ifindex("a-name-that-is-too-long") == -LKL_ENAMETOOLONG);
	CHECK_OK(lkl_if_up(1));
	CHECK_OK(lkl_if_up(eth0));
	CHECK(lkl_if_up(99) == -LKL_ENODEV);
	CHECK_OK(lkl_if_set_mtu(eth0, 9000));
	CHECK(lkl_if_set_mtu(eth0, 10) == -LKL_EINVAL);
	CHECK_OK(lkl_if_set_mac(eth0, mac));
	CHECK(lkl_if_set_mac(eth0, multicast) == -LKL_EADDRNOTAVAIL);

	CHECK_OK(fd = lkl_sys_socket(LKL_AF_INET, LKL_SOCK_DGRAM, 0));
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.lkl_ifr_name, "eth0");
	CHECK_OK(lkl_sys_ioctl(fd, LKL_SIOCGIFFLAGS, (long)&ifr));
	CHECK(ifr.lkl_ifr_flags & LKL_IFF_UP);
	CHECK_OK(lkl_sys_ioctl(fd, LKL_SIOCGIFMTU, (long)&ifr));
	CHECK(ifr.lkl_ifr_mtu == 9000);
	CHECK_OK(lkl_sys_ioctl(fd, LKL_SIOCGIFHWADDR, (long)&ifr));
	CHECK(!memcmp(ifr.lkl_ifr_hwaddr.sa_data, mac, 6));
	CHECK_OK(lkl_if_down(eth0));
	CHECK_OK(lkl_sys_ioctl(fd, LKL_SIOCGIFFLAGS, (long)&ifr));
	CHECK(!(ifr.lkl_ifr_flags & LKL_IFF_UP));
	CHECK_OK(lkl_sys_close(fd));
	CHECK_OK(lkl_if_up(eth0));
	CHECK_OK(lkl_if_up(eth1));
	CHECK_OK(lkl_if_set_mtu(eth1, 9000));
	return 0;
}

static int check_ipv4(void *arg)
{
	int eth0 = lkl_netdev_get_ifindex(0), table = 2 * eth0;
	unsigned int addr = inet_addr("10.9.0.1"), second = inet_addr("10.9.5.1"), gateway = inet_addr("10.9.0.254");
	unsigned int far_away = inet_addr("172.16.0.1"), net = inet_addr("10.9.0.0");
	unsigned char mac[] = { 2, 0, 0, 0, 0, 0x77 };
	struct lkl_ifreq ifr;
	long fd, len;

	CHECK_OK(lkl_if_set_ipv4(eth0, addr, 24));
	CHECK(lkl_if_set_ipv4(eth0, addr, 33) == -LKL_EINVAL);
	CHECK_OK(fd = lkl_sys_socket(LKL_AF_INET, LKL_SOCK_DGRAM, 0));
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.lkl_ifr_name, "eth0");
	CHECK_OK(lkl_sys_ioctl(fd, LKL_SIOCGIFADDR, (long)&ifr));
	CHECK(((struct lkl_sockaddr_in *)&ifr.lkl_ifr_addr)->sin_addr.s_addr == addr);
	CHECK_OK(lkl_sys_ioctl(fd, LKL_SIOCGIFNETMASK, (long)&ifr));
	CHECK(((struct lkl_sockaddr_in *)&ifr.lkl_ifr_netmask)->sin_addr.s_addr == inet_addr("255.255.255.0"));
	lkl_sys_close(fd);

	CHECK_OK(lkl_if_add_ip(eth0, LKL_AF_INET, &second, 16));
	CHECK(lkl_if_add_ip(eth0, LKL_AF_INET, &second, 16) == -LKL_EEXIST);
	CHECK(lkl_if_add_ip(eth0, LKL_AF_INET, &second, 33) == -LKL_EINVAL);
	CHECK(lkl_if_add_ip(eth0, LKL_AF_UNIX, &second, 8) == -LKL_EAFNOSUPPORT);
	CHECK((len = dump(LKL_RTM_GETADDR, LKL_AF_INET)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_ifaddrmsg), LKL_IFA_LOCAL, &second, 4, 0, NULL, 0));
	CHECK_OK(lkl_if_del_ip(eth0, LKL_AF_INET, &second, 16));
	CHECK(lkl_if_del_ip(eth0, LKL_AF_INET, &second, 16) == -LKL_EADDRNOTAVAIL);
	CHECK((len = dump(LKL_RTM_GETADDR, LKL_AF_INET)) > 0);
	CHECK(!dump_has(len, sizeof(struct lkl_ifaddrmsg), LKL_IFA_LOCAL, &second, 4, 0, NULL, 0));

	CHECK(lkl_set_ipv4_gateway(far_away) == -LKL_ENETUNREACH);
	CHECK_OK(lkl_set_ipv4_gateway(gateway));
	CHECK(lkl_set_ipv4_gateway(gateway) == -LKL_EEXIST);
	CHECK(read_file("/proc/net/route") > 0);
	CHECK(strstr(text, "eth0\t00000000\tFE00090A\t0003"));

	CHECK_OK(lkl_if_set_ipv4_gateway(eth0, addr, 24, gateway));
	CHECK((len = dump(LKL_RTM_GETRULE, LKL_AF_INET)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_fib_rule_hdr), LKL_FRA_SRC, &addr, 4, LKL_FRA_TABLE, &table, 4));
	CHECK((len = dump(LKL_RTM_GETROUTE, LKL_AF_INET)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_rtmsg), LKL_RTA_GATEWAY, &gateway, 4, LKL_RTA_TABLE, &table, 4));
	CHECK(dump_has(len, sizeof(struct lkl_rtmsg), LKL_RTA_DST, &net, 4, LKL_RTA_TABLE, &table, 4));

	CHECK_OK(lkl_add_neighbor(eth0, LKL_AF_INET, &gateway, mac));
	CHECK(read_file("/proc/net/arp") > 0);
	CHECK(strstr(text, "10.9.0.254       0x1         0x6         02:00:00:00:00:77"));
	return 0;
}

static int check_ipv6(void *arg)
{
	int eth0 = lkl_netdev_get_ifindex(0), table = 2 * eth0 + 1;
	unsigned char addr[16] = { 0xfd, 9, [15] = 1 }, gateway[16] = { 0xfd, 9, [15] = 0xfe }, net[16] = { 0xfd, 9 };
	unsigned char other[16] = { 0xfd, 8, [15] = 1 };
	unsigned char mac[] = { 2, 0, 0, 0, 0, 0x78 };
	long len;

	CHECK_OK(lkl_if_set_ipv6(eth0, addr, 64));
	CHECK(lkl_if_set_ipv6(eth0, addr, 129) == -LKL_EINVAL);
	CHECK(lkl_if_wait_ipv6_dad(eth0, other) == -LKL_EADDRNOTAVAIL);
	CHECK(read_file("/proc/net/if_inet6") > 0);
	/* address, index, prefix length, scope, flags: 80 permanent, and not 40 tentative */
	CHECK(strstr(text, "fd090000000000000000000000000001"));
	CHECK(strstr(strstr(text, "fd090000000000000000000000000001"), " 40 00 80 "));
	CHECK_OK(lkl_if_add_ip(eth0, LKL_AF_INET6, other, 64));
	CHECK_OK(lkl_if_del_ip(eth0, LKL_AF_INET6, other, 64));
	CHECK(read_file("/proc/net/if_inet6") > 0);
	CHECK(!strstr(text, "fd08"));

	CHECK_OK(lkl_set_ipv6_gateway(gateway));
	CHECK(read_file("/proc/net/ipv6_route") > 0);
	CHECK(strstr(text, "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
			   "fd0900000000000000000000000000fe"));
	CHECK_OK(lkl_if_set_ipv6_gateway(eth0, addr, 64, gateway));
	CHECK((len = dump(LKL_RTM_GETRULE, LKL_AF_INET6)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_fib_rule_hdr), LKL_FRA_SRC, addr, 16, LKL_FRA_TABLE, &table, 4));
	CHECK((len = dump(LKL_RTM_GETROUTE, LKL_AF_INET6)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_rtmsg), LKL_RTA_GATEWAY, gateway, 16, LKL_RTA_TABLE, &table, 4));
	CHECK(dump_has(len, sizeof(struct lkl_rtmsg), LKL_RTA_DST, net, 16, LKL_RTA_TABLE, &table, 4));

	CHECK_OK(lkl_add_neighbor(eth0, LKL_AF_INET6, gateway, mac));
	CHECK((len = dump(LKL_RTM_GETNEIGH, LKL_AF_INET6)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_ndmsg), LKL_NDA_DST, gateway, 16, LKL_NDA_LLADDR, mac, 6));
	return 0;
}

static int check_qdisc(void *arg)
{
	int eth0 = lkl_netdev_get_ifindex(0);
	long len;

	CHECK_OK(lkl_qdisc_add(eth0, "root", "fq"));
	CHECK((len = dump(LKL_RTM_GETQDISC, LKL_AF_UNSPEC)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_tcmsg), LKL_TCA_KIND, "fq", 3, 0, NULL, 0));
	CHECK(lkl_qdisc_add(eth0, "root", "nosuch") == -LKL_ENOENT);
	CHECK(lkl_qdisc_add(eth0, "branch", "fq") == -LKL_EINVAL);
	lkl_qdisc_parse_add(eth0, "nonsense;root|fq_codel;");
	CHECK((len = dump(LKL_RTM_GETQDISC, LKL_AF_UNSPEC)) > 0);
	CHECK(dump_has(len, sizeof(struct lkl_tcmsg), LKL_TCA_KIND, "fq_codel", 9, 0, NULL, 0));
	return 0;
}

/* ---- files ---- */

static int check_files(void *arg)
{
	char proc[] = "proc", tmpfs[] = "tmpfs", nosuch[] = "nosuchfs", tmpfs_path[] = "/tmpfs";
	struct lkl_linux_dirent64 *entry;
	struct lkl_stat st;
	struct lkl_dir *dir;
	int err = 0, i, found;
	char buf[16];
	long fd;
	void *p;
	unsigned long long limit[2];

	CHECK(lkl_mount_fs(proc) >= 0);
	CHECK(lkl_mount_fs(proc) == 1);
	CHECK_OK(lkl_mount_fs(tmpfs));
	CHECK(lkl_mount_fs(nosuch) == -LKL_ENODEV);

	CHECK(!lkl_opendir("/nosuch", &err) && err == -LKL_ENOENT);
	CHECK(!lkl_fdopendir(-1, &err) && err == -LKL_EBADF);
	dir = lkl_opendir("/proc", &err);
	CHECK(dir);
	CHECK(lkl_dirfd(dir) >= 0);
	for (i = 0; i < 2; i++) {
		found = 0;
		while ((entry = lkl_readdir(dir)))
			found += !strcmp(entry->d_name, "sys") || !strcmp(entry->d_name, "self") ||
				 !strcmp(entry->d_name, "net");
		CHECK(found == 3);
		CHECK(lkl_errdir(dir) == 0);
		lkl_rewinddir(dir);
	}
	CHECK_OK(lkl_closedir(dir));
	CHECK_OK(fd = lkl_sys_open("/proc/version", LKL_O_RDONLY, 0));
	dir = lkl_fdopendir(fd, &err);
	CHECK(dir && !lkl_readdir(dir) && lkl_errdir(dir) == -LKL_ENOTDIR);
	CHECK_OK(lkl_closedir(dir));

	CHECK_OK(fd = lkl_sys_creat("/tmpfs/file", 0644));
	CHECK(lkl_sys_write(fd, "hello", 5) == 5);
	CHECK(lkl_umount_timeout(tmpfs_path, 0, 30) == -LKL_EBUSY);
	CHECK_OK(lkl_sys_close(fd));
	CHECK_OK(lkl_sys_chmod("/tmpfs/file", 0600));
	CHECK_OK(lkl_sys_chown("/tmpfs/file", 7, 8));
	CHECK_OK(lkl_sys_stat("/tmpfs/file", &st));
	CHECK(st.st_size == 5 && st.st_uid == 7 && st.st_gid == 8 && (st.st_mode & 0777) == 0600);
	CHECK_OK(lkl_sys_link("/tmpfs/file", "/tmpfs/hard"));
	CHECK_OK(lkl_sys_symlink("file", "/tmpfs/soft"));
	CHECK(lkl_sys_readlink("/tmpfs/soft", buf, sizeof(buf)) == 4 && !memcmp(buf, "file", 4));
	CHECK_OK(lkl_sys_lstat("/tmpfs/soft", &st));
	CHECK(LKL_S_ISLNK(st.st_mode));
	CHECK_OK(lkl_sys_rename("/tmpfs/hard", "/tmpfs/hard2"));
	CHECK(lkl_sys_access("/tmpfs/hard", 0) == -LKL_ENOENT);
	CHECK_OK(lkl_sys_unlink("/tmpfs/hard2"));
	CHECK_OK(lkl_sys_mkdir("/tmpfs/dir", 0755));
	CHECK_OK(lkl_sys_rmdir("/tmpfs/dir"));
	CHECK_OK(lkl_sys_mknod("/tmpfs/null", LKL_S_IFCHR | 0600, LKL_MKDEV(1, 3)));
	CHECK_OK(fd = lkl_sys_open("/tmpfs/file", LKL_O_RDWR, 0));
	CHECK(lkl_sys_lseek(fd, 1, LKL_SEEK_SET) == 1);
	CHECK(lkl_sys_read(fd, buf, sizeof(buf)) == 4 && !memcmp(buf, "ello", 4));
	CHECK_OK(lkl_sys_close(fd));
	CHECK_OK(lkl_umount_timeout(tmpfs_path, 0, 60000));

	p = lkl_sys_mmap(NULL, 65536, LKL_PROT_READ | LKL_PROT_WRITE, LKL_MAP_PRIVATE | LKL_MAP_ANONYMOUS, -1, 0);
	CHECK((unsigned long)p < -4095ul);
	memset(p, 1, 65536);
	CHECK_OK(lkl_sys_munmap((unsigned long)p, 65536));

	CHECK_OK(lkl_set_fd_limit(3333));
	CHECK_OK(lkl_sys_prlimit64(0, LKL_RLIMIT_NOFILE, NULL, (struct lkl_rlimit64 *)limit));
	CHECK(limit[0] == 3333 && limit[1] == 3333);

	CHECK_OK(lkl_sysctl("net.ipv4.tcp_congestion_control", "reno"));
	CHECK(read_file("/proc/sys/net/ipv4/tcp_congestion_control") > 0 && !strcmp(text, "reno\n"));
	CHECK(lkl_sysctl("net.ipv4.nosuch", "1") == -LKL_ENOENT);
	CHECK(lkl_sysctl("net.ipv4.tcp_congestion_control", "nosuch") == -LKL_ENOENT);
	lkl_sysctl_parse_write("net.core.somaxconn=77;nonsense;net.ipv4.tcp_sack=0");
	CHECK(read_file("/proc/sys/net/core/somaxconn") > 0 && !strcmp(text, "77\n"));
	CHECK(read_file("/proc/sys/net/ipv4/tcp_sack") > 0 && !strcmp(text, "0\n"));
	return 0;
}

/* ---- sockets ---- */

static int check_tcp(void *arg)
{
	struct lkl_sockaddr_in addr = { .sin_family = LKL_AF_INET };
	struct lkl_pollfd pfd = { .events = LKL_POLLIN };
	struct lkl_timeval tv = { .tv_usec = 20000 };
	struct lkl_epoll_event event = { .events = LKL_EPOLLIN };
	struct lkl_iovec iov = { .iov_base = (void *)"mmsg", .iov_len = 4 };
	struct lkl_mmsghdr mmsg = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	int len = sizeof(addr), one = 1, pipe_fds[2];
	long listener, client, server, epfd;
	lkl_fd_set set;
	char buf[16];

	addr.sin_addr.s_addr = htonl(LKL_INADDR_LOOPBACK);
	CHECK_OK(listener = lkl_sys_socket(LKL_AF_INET, LKL_SOCK_STREAM, 0));
	CHECK_OK(lkl_sys_setsockopt(listener, LKL_SOL_SOCKET, LKL_SO_REUSEADDR, &one, sizeof(one)));
	CHECK_OK(lkl_sys_bind(listener, (struct lkl_sockaddr *)&addr, sizeof(addr)));
	CHECK_OK(lkl_sys_listen(listener, 8));
	CHECK_OK(lkl_sys_getsockname(listener, (struct lkl_sockaddr *)&addr, &len));
	pfd.fd = listener;
	CHECK(lkl_sys_poll(&pfd, 1, 0) == 0);
	CHECK_OK(client = lkl_sys_socket(LKL_AF_INET, LKL_SOCK_STREAM, 0));
	CHECK_OK(lkl_sys_connect(client, (struct lkl_sockaddr *)&addr, sizeof(addr)));
	CHECK(lkl_sys_poll(&pfd, 1, 60000) == 1 && pfd.revents == LKL_POLLIN);
	CHECK_OK(server = lkl_sys_accept4(listener, NULL, NULL, LKL_SOCK_NONBLOCK));

	CHECK(lkl_sys_recv(server, buf, sizeof(buf), 0) == -LKL_EAGAIN);
	memset(&set, 0, sizeof(set));
	set.fds_bits[server / 64] |= 1ul << server % 64;
	CHECK(lkl_sys_select(server + 1, &set, NULL, NULL, &tv) == 0);
	CHECK(lkl_sys_send(client, buf, 3, LKL_MSG_NOSIGNAL) == 3);
	CHECK(lkl_sys_sendmmsg(client, &mmsg, 1, 0) == 1 && mmsg.msg_len == 4);
	set.fds_bits[server / 64] |= 1ul << server % 64;
	CHECK(lkl_sys_select(server + 1, &set, NULL, NULL, NULL) == 1);
	CHECK_OK(epfd = lkl_sys_epoll_create(1));
	CHECK(lkl_sys_epoll_create(0) == -LKL_EINVAL);
	event.data = 4711;
	CHECK_OK(lkl_sys_epoll_ctl(epfd, LKL_EPOLL_CTL_ADD, server, &event));
	event.data = 0;
	CHECK(lkl_sys_epoll_wait(epfd, &event, 1, 1000) == 1 && event.data == 4711);
	CHECK(lkl_sys_recv(server, buf, sizeof(buf), 0) == 7 && !memcmp(buf + 3, "mmsg", 4));
	CHECK_OK(lkl_sys_pipe(pipe_fds));
	CHECK_OK(lkl_sys_close(pipe_fds[0]));
	CHECK_OK(lkl_sys_close(pipe_fds[1]));
	CHECK_OK(lkl_sys_close(epfd));
	CHECK_OK(lkl_sys_close(client));
	CHECK_OK(lkl_sys_close(server));
	CHECK_OK(lkl_sys_close(listener));
	return 0;
}

/* ---- frames through the devices ---- */

static long packet_socket(int ifindex)
{
	struct lkl_sockaddr_ll ll = { .sll_family = LKL_AF_PACKET, .sll_protocol = htons(0x88b5), .sll_ifindex = ifindex };
	long fd = lkl_sys_socket(LKL_AF_PACKET, LKL_SOCK_RAW, htons(0x88b5)), err;
	int bytes = 4 << 20;	/* for all frames that frames() lets be on their way */

	if (fd < 0)
		return fd;
	lkl_sys_setsockopt(fd, LKL_SOL_SOCKET, LKL_SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	err = lkl_sys_bind(fd, (struct lkl_sockaddr *)&ll, sizeof(ll));
	return err ? err : fd;
}

/* `count` frames from one interface to the other, at most 32 on their way; the first of len[0] bytes, the next of len[1] ... */
static int frames(long from, long to, unsigned int count, const unsigned int len[2])
{
	static unsigned char out[FRAME_MAX], in[FRAME_MAX];
	struct lkl_pollfd pfd = { .fd = to, .events = LKL_POLLIN };
	unsigned int sent = 0, received = 0, i;

	memset(out, 0xff, 6);
	memset(out + 6, 0x02, 6);
	out[12] = 0x88;
	out[13] = 0xb5;
	for (i = 14; i < sizeof(out); i++)
		out[i] = i * 7;
	while (received < count) {
		while (sent < count && sent - received < 32) {
			memcpy(out + 14, &sent, sizeof(sent));
			CHECK(lkl_sys_send(from, out, len[sent % 2], 0) == (long)len[sent % 2]);
			sent++;
		}
		CHECK(lkl_sys_poll(&pfd, 1, 60000) == 1);
		CHECK(lkl_sys_recv(to, in, sizeof(in), 0) == (long)len[received % 2]);
		CHECK(!memcmp(in + 14, &received, sizeof(received)));
		CHECK(!memcmp(in + 18, out + 18, len[received % 2] - 18));
		received++;
	}
	return 0;
}

static int up(void *arg)
{
	return lkl_if_up(lkl_netdev_get_ifindex(*(int *)arg));
}

static int check_frames(void *arg)
{
	const int *pair = arg;
	const unsigned int small[] = { 60, 60 }, full[] = { 1514, 1514 }, mixed[] = { 60, pair[2] };
	int err;
	long a = packet_socket(lkl_netdev_get_ifindex(pair[0])), b = packet_socket(lkl_netdev_get_ifindex(pair[1]));

	CHECK_OK(a);
	CHECK_OK(b);
	err = frames(a, b, 2000, small);
	if (!err)
		err = frames(b, a, 500, full);
	if (!err && pair[2])
		err = frames(a, b, 300, mixed);
	lkl_sys_close(a);
	lkl_sys_close(b);
	return err;
}

static void test_looped_devices(void **state)
{
	int pair[] = { 0, 1, 9000 };
	struct lkl_netdev_stats stats;

	assert_int_equal(check_frames(pair), 0);
	assert_int_equal(lkl_netdev_get_stats(0, &stats), 0);
	assert_int_equal(stats.rx_errors_total + stats.tx_errors_total, 0);
	assert_int_equal(lkl_netdev_get_stats(9, &stats), -ESRCH);
}

/* Put a frame where rx() of a device finds it; waits while there is no room. */
static void inject(struct loop *l)
{
	static const unsigned char frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 2, 2, 2, 2, 2, 0x88, 0xb5 };

	pthread_mutex_lock(&l->lock);
	while (l->head - l->tail == 64) {
		pthread_mutex_unlock(&l->lock);
		usleep(100);
		pthread_mutex_lock(&l->lock);
	}
	memcpy(l->frames[l->head % 64], frame, sizeof(frame));
	l->lens[l->head % 64] = sizeof(frame);
	l->head++;
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

static struct timespec injected;

static void *inject_later(void *arg)
{
	usleep(100000);
	clock_gettime(CLOCK_MONOTONIC, &injected);
	inject(arg);
	return NULL;
}

/*
 * Nothing runs: the frame itself has to wake the instance. Timers that happen to be near do so once in a while, and a busy
 * machine is late, so it is tried until it was fast five times.
 */
static void test_frame_wakes(void **state)
{
	struct lkl_pollfd pfd = { .fd = packet_socket(lkl_netdev_get_ifindex(0)), .events = LKL_POLLIN };
	struct timespec after;
	pthread_t thread;
	enum { TRIES = 80 };
	int i, fast = 0;
	char frame[64];

	assert_true(pfd.fd >= 0);
	for (i = 0; i < TRIES && fast < 5; i++) {
		pthread_create(&thread, NULL, inject_later, &loops[0]);
		assert_int_equal(lkl_sys_poll(&pfd, 1, 60000), 1);
		clock_gettime(CLOCK_MONOTONIC, &after);
		pthread_join(thread, NULL);
		assert_int_equal(lkl_sys_recv(pfd.fd, frame, sizeof(frame), 0), 60);
		fast += (after.tv_sec - injected.tv_sec) * 1000000 + (after.tv_nsec - injected.tv_nsec) / 1000 < 10000;
	}
	lkl_sys_close(pfd.fd);
	assert_true(fast >= 5);
}

/* An interface that is down takes nothing: the queue fills, the rest waits in the device, and all comes when it is up. */
static void test_full_queue(void **state)
{
	int eth0 = lkl_netdev_get_ifindex(0), i;
	struct lkl_netdev_stats stats, before;

	assert_int_equal(lkl_netdev_get_stats(0, &before), 0);
	assert_int_equal(lkl_if_down(eth0), 0);
	for (i = 0; i < 300; i++)
		inject(&loops[0]);
	/* The kernel sends some of its own, too. */
	for (i = 0; i < 60000 && loops[0].head - loops[0].tail > 300 - 256 + 10; i++)
		usleep(1000);
	usleep(100000);
	assert_in_range(loops[0].head - loops[0].tail, 300 - 256, 300 - 256 + 10);
	assert_int_equal(lkl_netdev_get_stats(0, &stats), 0);
	assert_true(stats.rx_full_total > before.rx_full_total);
	assert_int_equal(lkl_if_up(eth0), 0);
	for (i = 0; i < 60000 && loops[0].head != loops[0].tail; i++)
		usleep(1000);
	assert_int_equal(loops[0].head - loops[0].tail, 0);
}


/* Two FIFOs, added while the instance runs. */
static void test_pipe_devices(void **state)
{
	char dir[] = "/tmp/test-program-XXXXXX", there[128], back[128], path[64];
	struct lkl_netdev *a, *b;
	int pair[3] = { 0 };

	assert_non_null(mkdtemp(dir));
	snprintf(there, sizeof(there), "%s/1|%s/2", dir, dir);
	snprintf(back, sizeof(back), "%s/2|%s/1", dir, dir);
	assert_null(lkl_netdev_pipe_create("no-bar", 0));
	a = lkl_netdev_pipe_create(there, 0);
	b = lkl_netdev_pipe_create(back, 0);
	assert_non_null(a);
	assert_non_null(b);
	pair[0] = lkl_netdev_add(a, NULL);
	pair[1] = lkl_netdev_add(b, NULL);
	assert_int_equal(pair[0], 2);
	assert_int_equal(pair[1], 3);
	assert_int_equal(up(&pair[0]), 0);
	assert_int_equal(up(&pair[1]), 0);
	assert_int_equal(check_frames(pair), 0);
	lkl_netdev_remove(pair[0]);
	lkl_netdev_remove(pair[1]);
	lkl_netdev_free(a);
	lkl_netdev_free(b);
	snprintf(path, sizeof(path), "%s/1", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/2", dir);
	unlink(path);
	rmdir(dir);
}

static int is_down(void *arg)
{
	struct lkl_ifreq ifr = { 0 };
	long fd, err;

	strcpy(ifr.lkl_ifr_name, "eth1");
	CHECK_OK(fd = lkl_sys_socket(LKL_AF_INET, LKL_SOCK_DGRAM, 0));
	err = lkl_sys_ioctl(fd, LKL_SIOCGIFFLAGS, (long)&ifr);
	lkl_sys_close(fd);
	CHECK_OK(err);
	CHECK(!(ifr.lkl_ifr_flags & LKL_IFF_UP));
	return 0;
}

static void test_remove(void **state)
{
	lkl_netdev_remove(1);
	lkl_netdev_remove(1);
	lkl_netdev_remove(-1);
	assert_int_equal(loops[1].hup, 1);
	assert_int_equal(lkl_netdev_get_ifindex(1), -ESRCH);
	assert_int_equal(is_down(NULL), 0);
	lkl_netdev_free(&loops[1].nd);
	assert_int_equal(loops[1].freed, 1);
	lkl_netdev_free(NULL);
}

static void test_nothing_behind(void **state)
{
	struct lkl_disk disk = { 0 };
	uint32_t dev;

	assert_int_equal(lkl_disk_add(&disk), -LKL_ENOSYS);
	assert_int_equal(lkl_disk_remove(disk), -LKL_ENOSYS);
	assert_int_equal(lkl_get_virtio_blkdev(0, 0, &dev), -LKL_ENOSYS);
	assert_int_equal(lkl_mount_dev(0, 0, "ext4", 0, NULL, NULL, 0), -LKL_ENOSYS);
	assert_int_equal(lkl_umount_dev(0, 0, 0, 1), -LKL_ENOSYS);
	assert_int_equal(lkl_trigger_irq(1), -LKL_ENOSYS);
	assert_int_equal(lkl_get_free_irq("test"), -LKL_ENOSYS);
	assert_int_equal(lkl_sys_new_thread_group_leader(), -LKL_ENOSYS);
	assert_null(lkl_netdev_vde_create("x"));
	assert_null(lkl_netdev_dpdk_create("x", 0, NULL));
	assert_null(lkl_netdev_wintap_create("x"));
	assert_null(lkl_netdev_raw_create("no-such-if"));
	assert_null(lkl_netdev_macvtap_create("/dev/no-such", 0));
	lkl_register_dbg_handler();
}

static void test_interfaces(void **state) { assert_int_equal(check_interfaces(NULL), 0); }
static void test_files(void **state) { assert_int_equal(check_files(NULL), 0); }
static void test_ipv4(void **state) { assert_int_equal(check_ipv4(NULL), 0); }
static void test_ipv6(void **state) { assert_int_equal(check_ipv6(NULL), 0); }
static void test_qdisc(void **state) { assert_int_equal(check_qdisc(NULL), 0); }
static void test_tcp(void **state) { assert_int_equal(check_tcp(NULL), 0); }

static void test_halt(void **state)
{
	lkl_cleanup();	/* too early: nothing */
	assert_int_equal(lkl_netdev_get_ifindex(0) > 0, 1);
	assert_int_equal(lkl_sys_halt(), 0);
	assert_int_equal(lkl_is_running(), 0);
	assert_int_equal(lkl_netdev_get_ifindex(0), -ESRCH);
	assert_int_equal(lkl_sys_getpid(), -ESRCH);
}

/* A second life: the device that was not removed is there again, and frames pass through it to a new one. */
static void test_boot_again(void **state)
{
	int pair[] = { 0, 4, 9000 };

	memset(&loops[1], 0, sizeof(loops[1]));
	loops[1].nd.ops = &loop_ops;
	loops[1].peer = &loops[0];
	pthread_mutex_init(&loops[1].lock, NULL);
	pthread_cond_init(&loops[1].changed, NULL);
	assert_int_equal(lkl_netdev_add(&loops[1].nd, NULL), 4);
	assert_int_equal(lkl_start_kernel("mem=64M nr_cpus=2"), 0);
	assert_int_equal(up(&pair[0]), 0);
	assert_int_equal(up(&pair[1]), 0);
	assert_int_equal(lkl_if_set_mtu(lkl_netdev_get_ifindex(0), 9000), 0);
	assert_int_equal(lkl_if_set_mtu(lkl_netdev_get_ifindex(4), 9000), 0);
	assert_int_equal(check_frames(pair), 0);
	assert_int_equal(lkl_sys_halt(), 0);
}

static void test_cleanup(void **state)
{
	lkl_cleanup();
	assert_int_equal(loops[0].hup, 1);
	assert_int_equal(loops[1].hup, 1);
	assert_int_equal(lkl_netdev_get_stats(0, NULL), -ESRCH);
	lkl_host_ops.print = NULL;
	assert_int_equal(lkl_init(&lkl_host_ops), 0);
	assert_int_equal(lkl_netdev_add(&loops[0].nd, NULL), 0);
	assert_int_equal(lkl_start_kernel("mem=64M"), 0);
	assert_true(lkl_netdev_get_ifindex(0) > 1);
	assert_int_equal(lkl_sys_halt(), 0);
	lkl_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_looped_devices),
		cmocka_unit_test(test_frame_wakes),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_pipe_devices),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_qdisc),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_nothing_behind),
		cmocka_unit_test(test_halt),
		cmocka_unit_test(test_boot_again),
		cmocka_unit_test(test_cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
