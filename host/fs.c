// SPDX-License-Identifier: GPL-2.0-only
/*
 * fs.c - files of the instance: sysctls, mounts, directory streams, the limit of descriptors
 *
 * Conveniences made of system calls inside the instance, as netconf.c. Calls that lkl/lkl.h does not name are made by
 * their numbers (lkl_syscall()).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <lkl/asm/unistd.h>

#include "vcpu.h"

#define DIR_BYTES 4096

static const int64_t umount_poll_ns = 10 * 1000000ll;

/* ---- sysctls and limits ---- */

int lkl_sysctl(const char *path, const char *value)
{
	char file[256];
	int i, n, fd, ret;

	n = snprintf(file, sizeof(file), "/proc/sys/%s", path);
	if (n < 0 || n >= (int)sizeof(file))
		return -ENAMETOOLONG;
	for (i = sizeof("/proc/sys/") - 1; file[i]; i++)
		if (file[i] == '.')
			file[i] = '/';
	fd = lkl_sys_openat(AT_FDCWD, file, O_WRONLY, 0);
	if (fd == -ENOENT) {
		char proc[] = "proc";

		ret = lkl_mount_fs(proc);
		if (ret < 0)
			return ret;
		fd = lkl_sys_openat(AT_FDCWD, file, O_WRONLY, 0);
	}
	if (fd < 0)
		return fd;
	ret = lkl_sys_write(fd, value, strlen(value));
	lkl_sys_close(fd);
	return ret < 0 ? ret : 0;
}

void lkl_sysctl_parse_write(const char *sysctls)
{
	char entry[512];
	const char *end;
	char *equal;

	for (; sysctls && *sysctls; sysctls = *end ? end + 1 : end) {
		end = strchrnul(sysctls, ';');
		if ((size_t)(end - sysctls) >= sizeof(entry))
			continue;
		memcpy(entry, sysctls, end - sysctls);
		entry[end - sysctls] = '\0';
		equal = strchr(entry, '=');
		if (!equal)
			continue;
		*equal = '\0';
		lkl_sysctl(entry, equal + 1);
	}
}

int lkl_set_fd_limit(unsigned int fd_limit)
{
	uint64_t limit[2] = { fd_limit, fd_limit };
	long params[6] = { 0, RLIMIT_NOFILE, (long)limit, 0 };

	return lkl_syscall(__lkl__NR_prlimit64, params);
}

/* ---- mounts ---- */

/* proc can be mounted any number of times, each one hiding the last: -EBUSY does not tell. */
static int is_mount_point(const char *path)
{
	struct statx stx;
	long params[6] = { AT_FDCWD, (long)path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, (long)&stx };

	return !lkl_syscall(__lkl__NR_statx, params) && stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

int lkl_mount_fs(char *fstype)
{
	char path[64];
	int n = snprintf(path, sizeof(path), "/%s", fstype), err;

	if (n < 2 || n >= (int)sizeof(path))
		return -EINVAL;
	err = lkl_sys_mkdirat(AT_FDCWD, path, 0755);
	if (err && err != -EEXIST)
		return err;
	if (is_mount_point(path))
		return 1;
	return lkl_sys_mount("none", path, fstype, 0, NULL);
}

long lkl_umount_timeout(char *path, int flags, long timeout_ms)
{
	long params[6] = { (long)path, flags };
	int64_t left_ns = timeout_ms * 1000000ll;
	long err;

	for (;;) {
		err = lkl_syscall(__lkl__NR_umount2, params);
		if (err != -EBUSY || left_ns <= 0)
			return err;
		lkl_sys_nanosleep_ns(umount_poll_ns);
		left_ns -= umount_poll_ns;
	}
}

/* ---- directories ---- */

struct lkl_dir {
	int fd;
	int err;
	int len;	/* bytes in buf */
	int pos;	/* next entry */
	uint64_t buf[DIR_BYTES / sizeof(uint64_t)];
};

struct lkl_dir *lkl_fdopendir(int fd, int *err)
{
	struct lkl_dir *dir;

	if (fd < 0) {
		*err = -EBADF;
		return NULL;
	}
	dir = malloc(sizeof(*dir));
	if (!dir) {
		*err = -ENOMEM;
		return NULL;
	}
	dir->fd = fd;
	dir->err = dir->len = dir->pos = 0;
	return dir;
}

struct lkl_dir *lkl_opendir(const char *path, int *err)
{
	/* asm-generic's O_DIRECTORY is the same number as x86's */
	int fd = lkl_sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	struct lkl_dir *dir;

	if (fd < 0) {
		*err = fd;
		return NULL;
	}
	dir = lkl_fdopendir(fd, err);
	if (!dir)
		lkl_sys_close(fd);
	return dir;
}

struct lkl_linux_dirent64 *lkl_readdir(struct lkl_dir *dir)
{
	struct dirent64 *entry;

	if (dir->err)
		return NULL;
	if (dir->pos >= dir->len) {
		long params[6] = { dir->fd, (long)dir->buf, sizeof(dir->buf) };
		long n = lkl_syscall(__lkl__NR_getdents64, params);

		dir->len = dir->pos = 0;
		if (n < 0)
			dir->err = n;
		if (n <= 0)
			return NULL;
		dir->len = n;
	}
	entry = (struct dirent64 *)((char *)dir->buf + dir->pos);
	dir->pos += entry->d_reclen;
	return (struct lkl_linux_dirent64 *)entry;
}

void lkl_rewinddir(struct lkl_dir *dir)
{
	long params[6] = { dir->fd, 0, SEEK_SET };

	dir->err = lkl_syscall(__lkl__NR_lseek, params);
	dir->len = dir->pos = 0;
}

int lkl_errdir(struct lkl_dir *dir)
{
	return dir->err;
}

int lkl_dirfd(struct lkl_dir *dir)
{
	return dir->fd;
}

int lkl_closedir(struct lkl_dir *dir)
{
	int err = lkl_sys_close(dir->fd);

	free(dir);
	return err;
}
