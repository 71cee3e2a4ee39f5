// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_files.c - files of an instance: what mounts as tmpfs, and what /proc, /proc/sys and /sys say about it
 */
#include "inet.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define DIR_PATH "/files-test"

static int make(const char *path, const char *text)
{
	int fd = lkl_sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	long n;

	if (fd < 0)
		return fd;
	n = lkl_sys_write(fd, text, strlen(text));
	lkl_sys_close(fd);
	return n == (long)strlen(text) ? 0 : -EIO;
}

static int tree(void *arg)
{
	char buf[64] = "";

	CHECK_EQ(lkl_sys_mkdirat(AT_FDCWD, DIR_PATH, 0755), 0);
	CHECK_EQ(lkl_sys_mkdirat(AT_FDCWD, DIR_PATH, 0755), -EEXIST);
	CHECK_EQ(lkl_sys_mount("none", DIR_PATH, "tmpfs", 0, "size=1m"), 0);
	CHECK_EQ(make(DIR_PATH "/a", "content"), 0);
	CHECK_EQ(make(DIR_PATH "/a", "content"), -EEXIST);
	CHECK_EQ(make(DIR_PATH "/no/a", "x"), -ENOENT);
	CHECK_EQ(make(DIR_PATH "/a/b", "x"), -ENOTDIR);
	CHECK_EQ(file_read(DIR_PATH "/a", buf, sizeof(buf)), 7);
	CHECK(!strcmp(buf, "content"));

	CHECK_EQ(make(DIR_PATH "/b", "other"), 0);
	CHECK_EQ(sys(renameat2, AT_FDCWD, DIR_PATH "/a", AT_FDCWD, DIR_PATH "/b", RENAME_NOREPLACE), -EEXIST);
	CHECK_EQ(sys(renameat2, AT_FDCWD, DIR_PATH "/a", AT_FDCWD, DIR_PATH "/b", RENAME_EXCHANGE), 0);
	CHECK_EQ(file_read(DIR_PATH "/a", buf, sizeof(buf)), 5);
	CHECK_EQ(sys(renameat2, AT_FDCWD, DIR_PATH "/b", AT_FDCWD, DIR_PATH "/a", 0), 0);
	CHECK_EQ(file_read(DIR_PATH "/b", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(file_read(DIR_PATH "/a", buf, sizeof(buf)), 7);

	CHECK_EQ(sys(symlinkat, "a", AT_FDCWD, DIR_PATH "/link"), 0);
	CHECK_EQ(sys(readlinkat, AT_FDCWD, DIR_PATH "/link", buf, sizeof(buf)), 1);
	CHECK_EQ(file_read(DIR_PATH "/link", buf, sizeof(buf)), 7);
	CHECK_EQ(lkl_sys_openat(AT_FDCWD, DIR_PATH "/link", O_NOFOLLOW, 0), -ELOOP);
	CHECK_EQ(sys(linkat, AT_FDCWD, DIR_PATH "/a", AT_FDCWD, DIR_PATH "/hard", 0), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH "/a", 0), 0);
	CHECK_EQ(file_read(DIR_PATH "/link", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(file_read(DIR_PATH "/hard", buf, sizeof(buf)), 7);

	CHECK_EQ(lkl_sys_mkdirat(AT_FDCWD, DIR_PATH "/sub", 0700), 0);
	CHECK_EQ(make(DIR_PATH "/sub/c", "x"), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH "/sub", AT_REMOVEDIR), -ENOTEMPTY);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH "/sub", 0), -EISDIR);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH "/sub/c", 0), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH "/sub", AT_REMOVEDIR), 0);
	return 0;
}

struct kernel_dirent64 {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

static int directories(void *arg)
{
	char path[64], buf[512], seen[100] = { 0 };
	int fd, i, n = 0;
	long got, at;

	CHECK_EQ(lkl_sys_mkdirat(AT_FDCWD, DIR_PATH "/many", 0755), 0);
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), DIR_PATH "/many/%d", i);
		CHECK_EQ(make(path, ""), 0);
	}
	fd = lkl_sys_openat(AT_FDCWD, DIR_PATH "/many", O_DIRECTORY, 0);
	CHECK(fd >= 0);
	while ((got = sys(getdents64, fd, buf, sizeof(buf))) > 0)
		for (at = 0; at < got; at += ((struct kernel_dirent64 *)(buf + at))->len) {
			struct kernel_dirent64 *entry = (void *)(buf + at);

			if (entry->name[0] == '.')
				continue;
			CHECK_EQ(entry->type, DT_REG);
			seen[atoi(entry->name)]++;
			n++;
		}
	CHECK_EQ(got, 0);
	CHECK_EQ(n, 100);
	for (i = 0; i < 100; i++) {
		CHECK_EQ(seen[i], 1);
		snprintf(path, sizeof(path), "%d", i);
		CHECK_EQ(sys(unlinkat, fd, path, 0), 0);
	}
	CHECK_EQ(lkl_sys_close(fd), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH "/many", AT_REMOVEDIR), 0);
	return 0;
}

static int sizes(void *arg)
{
	struct statfs fs;
	struct statx stx;
	struct stat st;
	char buf[32] = "";
	int fd = lkl_sys_openat(AT_FDCWD, DIR_PATH "/size", O_RDWR | O_CREAT, 0640), i;
	static char block[65536];

	CHECK_EQ(lkl_sys_write(fd, "0123456789", 10), 10);
	CHECK_EQ(sys(fstat, fd, &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(st.st_mode & 0777, 0640);
	CHECK_EQ(st.st_size, 10);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(sys(ftruncate, fd, 4), 0);
	CHECK_EQ(sys(pread64, fd, buf, sizeof(buf), 0), 4);
	CHECK_EQ(sys(ftruncate, fd, 100), 0);
	CHECK_EQ(sys(pread64, fd, buf, 2, 50), 2);
	CHECK(!buf[0] && !buf[1]);
	CHECK_EQ(sys(lseek, fd, 0, SEEK_END), 100);
	CHECK_EQ(sys(pwrite64, fd, "x", 1, 200), 1);
	CHECK_EQ(sys(statx, AT_FDCWD, DIR_PATH "/size", 0, STATX_BASIC_STATS, &stx), 0);
	CHECK_EQ(stx.stx_size, 201);
	CHECK_EQ(stx.stx_mask & STATX_SIZE, STATX_SIZE);
	CHECK_EQ(sys(statx, AT_FDCWD, DIR_PATH "/none", 0, STATX_BASIC_STATS, &stx), -ENOENT);
	CHECK_EQ(sys(fchmodat, AT_FDCWD, DIR_PATH "/size", 0600), 0);
	CHECK_EQ(sys(fstat, fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);

	/* Mounted as tmpfs with size=1m, but without an MMU that is ramfs, without a limit (docs/kernel.md). */
	CHECK_EQ(sys(statfs, DIR_PATH, &fs), 0);
	CHECK_EQ(fs.f_type, 0x858458f6 /* RAMFS_MAGIC */);
	for (i = 0; i < 40; i++)
		CHECK_EQ(lkl_sys_write(fd, block, sizeof(block)), sizeof(block));
	CHECK_EQ(lkl_sys_close(fd), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH "/size", 0), 0);
	CHECK_EQ(sys(umount2, DIR_PATH, 0), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, DIR_PATH, AT_REMOVEDIR), 0);
	return 0;
}

static char text[65536];

static int proc_net(void *arg)
{
	static const char *const files[] = {
		"tcp", "tcp6", "udp", "udp6", "raw", "unix", "netlink", "packet", "dev", "route", "sockstat",
		"sockstat6", "snmp", "snmp6", "netstat", "arp", "protocols", "softnet_stat", "if_inet6", "fib_trie",
	};
	char path[64], want[64];
	int lfd = tcp_listener(AF_INET, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/proc/net/%s", files[i]);
		if (file_read(path, text, sizeof(text)) <= 0)
			print_message("%s: empty or missing\n", path);
		CHECK(file_read(path, text, sizeof(text)) > 0);
	}
	/* A listener, as netstat reads it: 127.0.0.1:port in hexadecimal, state 0A. */
	snprintf(want, sizeof(want), "0100007F:%04X 00000000:0000 0A", local_port(lfd));
	CHECK(file_read("/proc/net/tcp", text, sizeof(text)) > 0);
	CHECK(strstr(text, want));
	CHECK_EQ(lkl_sys_close(lfd), 0);
	CHECK(file_read("/proc/net/tcp", text, sizeof(text)) > 0);
	CHECK(!strstr(text, want));
	CHECK(file_read("/proc/net/dev", text, sizeof(text)) > 0);
	CHECK(strstr(text, "lo:"));
	return 0;
}

static int proc(void *arg)
{
	char want[64], path[64];
	int pid = lkl_sys_getpid(), fds[2];

	CHECK(file_read("/proc/version", text, sizeof(text)) > 0);
	snprintf(want, sizeof(want), "Linux version %s ", lkl_kernel_release());
	CHECK(!strncmp(text, want, strlen(want)));
	CHECK(file_read("/proc/meminfo", text, sizeof(text)) > 0);
	CHECK(!strncmp(text, "MemTotal:", 9));
	CHECK(atoi(text + 9) > 32 * 1024 && atoi(text + 9) <= 64 * 1024); /* mem=64M, see harness.h */
	CHECK(file_read("/proc/uptime", text, sizeof(text)) > 0);
	CHECK(file_read("/proc/self/status", text, sizeof(text)) > 0);
	snprintf(want, sizeof(want), "Pid:\t%d\n", pid);
	CHECK(strstr(text, want));
	CHECK(file_read("/proc/cmdline", text, sizeof(text)) > 0);
	CHECK(strstr(text, "loglevel=4"));
	CHECK_EQ(lkl_sys_pipe2(fds, 0), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	CHECK(sys(readlinkat, AT_FDCWD, path, text, sizeof(text)) > 0);
	CHECK(!strncmp(text, "pipe:[", 6));
	return close_pair(fds);
}

static int sysctls(void *arg)
{
	static const char path[] = "/proc/sys/net/ipv4/tcp_fin_timeout";

	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_fin_timeout", "33"), 0);
	CHECK_EQ(file_read(path, text, sizeof(text)), 3);
	CHECK(!strcmp(text, "33\n"));
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_fin_timeout", "60"), 0);
	CHECK_EQ(lkl_sysctl("net.ipv4.tcp_fin_timeout", "soon"), -EINVAL);
	CHECK_EQ(lkl_sysctl("net.ipv4.no_such", "1"), -ENOENT);
	CHECK(file_read("/proc/sys/net/ipv4/tcp_rmem", text, sizeof(text)) > 0);
	CHECK_EQ(lkl_sysctl("net.core.somaxconn", "1000"), 0);
	CHECK(file_read("/proc/sys/net/core/somaxconn", text, sizeof(text)) > 0);
	CHECK_EQ(atoi(text), 1000);
	CHECK_EQ(lkl_sysctl("kernel.osrelease", "x"), -EACCES);
	return 0;
}

static int sysfs(void *arg)
{
	CHECK_EQ(lkl_sys_mkdirat(AT_FDCWD, "/sys", 0555), 0);
	CHECK_EQ(lkl_sys_mount("none", "/sys", "sysfs", 0, NULL), 0);
	CHECK(file_read("/sys/class/net/lo/mtu", text, sizeof(text)) > 0);
	CHECK_EQ(atoi(text), 65536);
	CHECK(file_read("/sys/class/net/lo/ifindex", text, sizeof(text)) > 0);
	CHECK_EQ(atoi(text), LO_IFINDEX);
	CHECK(file_read("/sys/class/net/lo/statistics/rx_packets", text, sizeof(text)) > 0);
	CHECK_EQ(file_read("/sys/class/net/none/mtu", text, sizeof(text)), -ENOENT);
	CHECK_EQ(sys(umount2, "/sys", 0), 0);
	CHECK_EQ(sys(unlinkat, AT_FDCWD, "/sys", AT_REMOVEDIR), 0);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BODY(tree),
		BODY(directories),
		BODY(sizes),
		BODY(proc_net),
		BODY(proc),
		BODY(sysctls),
		BODY(sysfs),
	};

	return RUN_BODIES(tests, argc, argv);
}
