// SPDX-License-Identifier: GPL-2.0-only
/*
 * record.c - a record on disk of what was taken from an interface, and a lock that says who has it
 *
 * The lock is a flock() on a file of its own, since the record's file is replaced by rename(). A
 * lock file that is removed while somebody waits for it would give two owners; so whoever has got
 * the lock compares the file it holds with the one of that name, and tries again if they differ.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"
#include "say.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define MAGIC "accdTAKE"
#define LOCK_TRIES 10

struct header {
	char magic[8];
	uint32_t version;
	uint32_t len;
	uint64_t sum;
};

/* FNV-1a: finds what a torn write or a hand's edit does; not a defence against anybody. */
static uint64_t sum_of(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = 0xcbf29ce484222325ull;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}

static uint64_t netns_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct stat st;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
	if (fd >= 0)
		close(fd);
	return cookie;
}

static void file_name(char *to, size_t to_len, const struct record *r, const char *suffix)
{
	snprintf(to, to_len, "%s%s", r->name, suffix);
}

/* The directory must be ours alone: what is in it is done to the machine's network. */
static int open_dir(const char *dir, int is_made, char *err, size_t err_len)
{
	struct stat st;
	int fd, rc;

	if (is_made && mkdir(dir, 0755) && errno != EEXIST) {
		rc = -errno;
		say(err, err_len, "%s: cannot make the directory: %s", dir, strerror(-rc));
		return rc;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		say(err, err_len, "%s: %s", dir, strerror(-rc));
		return rc;
	}
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		say(err, err_len, "%s: others may write here; expected a directory of user %u that only he can write", dir,
		    (unsigned int)geteuid());
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int take_lock(struct record *r, const char *ifname, char *err, size_t err_len)
{
	char name[64], text[24] = "";
	struct stat held, named;
	int i, rc;

	file_name(name, sizeof(name), r, ".lock");
	for (i = 0; i < LOCK_TRIES; i++) {
		r->lock_fd = openat(r->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (r->lock_fd < 0) {
			rc = -errno;
			say(err, err_len, "%s/%s: %s", r->dir, name, strerror(-rc));
			return rc;
		}
		if (flock(r->lock_fd, LOCK_EX | LOCK_NB)) {
			rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
			if (pread(r->lock_fd, text, sizeof(text) - 1, 0) < 0)
				text[0] = '\0';
			say(err, err_len, "%s: %s; process %d has the interface (%s/%s)", ifname, strerror(-rc), atoi(text),
			    r->dir, name);
			close(r->lock_fd);
			return rc;
		}
		if (!fstat(r->lock_fd, &held) && !fstatat(r->dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) &&
		    held.st_ino == named.st_ino) {
			snprintf(text, sizeof(text), "%d\n", (int)getpid());
			if (ftruncate(r->lock_fd, 0) || pwrite(r->lock_fd, text, strlen(text), 0) < 0)
				return 0; /* the number is for messages only */
			return 0;
		}
		close(r->lock_fd);
	}
	say(err, err_len, "%s/%s: somebody keeps removing it", r->dir, name);
	return -EBUSY;
}

int record_open(struct record *r, const char *dir, const char *ifname, char *err, size_t err_len)
{
	int rc;

	if (!dir)
		dir = RECORD_DIR;
	r->lock_fd = -1;
	if (!*ifname || strlen(ifname) >= IFNAMSIZ || strchr(ifname, '/') || strlen(dir) >= sizeof(r->dir)) {
		say(err, err_len, "%s: not an interface name", ifname);
		return -EINVAL;
	}
	snprintf(r->dir, sizeof(r->dir), "%s", dir);
	snprintf(r->name, sizeof(r->name), "%s.%llu", ifname, (unsigned long long)netns_cookie());
	r->dir_fd = open_dir(dir, 1, err, err_len);
	if (r->dir_fd < 0)
		return r->dir_fd;
	rc = take_lock(r, ifname, err, err_len);
	if (rc)
		close(r->dir_fd);
	return rc;
}

void record_close(struct record *r)
{
	char name[64];

	if (r->lock_fd < 0)
		return;
	file_name(name, sizeof(name), r, ".lock");
	unlinkat(r->dir_fd, name, 0);
	close(r->lock_fd);
	close(r->dir_fd);
	r->lock_fd = r->dir_fd = -1;
}

static ssize_t read_all(int fd, void *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len && (n = read(fd, (char *)data + done, len - done)) > 0)
		done += (size_t)n;
	return (ssize_t)done;
}

int record_read(const struct record *r, uint32_t version, void *data, size_t len, char *err, size_t err_len)
{
	const char *why = NULL;
	struct header h;
	char extra;
	int fd = openat(r->dir_fd, r->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		const int rc = -errno;

		if (rc == -ENOENT)
			return 0;
		say(err, err_len, "%s/%s: %s", r->dir, r->name, strerror(-rc));
		return rc;
	}
	if (read_all(fd, &h, sizeof(h)) != (ssize_t)sizeof(h) || memcmp(h.magic, MAGIC, sizeof(h.magic)))
		why = "not a record";
	else if (h.version != version)
		why = "a record of another version";
	else if (h.len != len || read_all(fd, data, len) != (ssize_t)len || read(fd, &extra, 1) != 0)
		why = "a record of another length";
	else if (h.sum != sum_of(data, len))
		why = "a damaged record (check sum)";
	close(fd);
	if (!why)
		return 1;
	say(err, err_len, "%s/%s: %s; put the interface in order by hand, then remove the file", r->dir, r->name, why);
	return -EBADMSG;
}

int record_write(const struct record *r, uint32_t version, const void *data, size_t len, char *err, size_t err_len)
{
	struct header h = { .version = version, .len = (uint32_t)len, .sum = sum_of(data, len) };
	char name[64];
	int fd, rc = 0;

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	file_name(name, sizeof(name), r, ".new");
	fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = -errno;
		goto out;
	}
	errno = ENOSPC; /* a short write says nothing */
	if (write(fd, &h, sizeof(h)) != (ssize_t)sizeof(h) || write(fd, data, len) != (ssize_t)len || fsync(fd))
		rc = -errno;
	close(fd);
	if (!rc && (renameat(r->dir_fd, name, r->dir_fd, r->name) || fsync(r->dir_fd)))
		rc = -errno;
	if (rc)
		unlinkat(r->dir_fd, name, 0);
out:
	if (rc)
		say(err, err_len, "%s/%s: cannot write the record: %s", r->dir, r->name, strerror(-rc));
	return rc;
}

int record_remove(const struct record *r, char *err, size_t err_len)
{
	int rc = 0;

	if ((unlinkat(r->dir_fd, r->name, 0) && errno != ENOENT) || fsync(r->dir_fd))
		rc = -errno;
	if (rc)
		say(err, err_len, "%s/%s: cannot remove the record: %s", r->dir, r->name, strerror(-rc));
	return rc;
}

int record_each(const char *dir, void (*each)(void *ctx, const char *ifname), void *ctx)
{
	char ending[32], ifname[IFNAMSIZ];
	struct dirent *entry;
	size_t len, end;
	DIR *d = opendir(dir ? dir : RECORD_DIR);

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	end = (size_t)snprintf(ending, sizeof(ending), ".%llu", (unsigned long long)netns_cookie());
	while ((entry = readdir(d))) {
		len = strlen(entry->d_name);
		if (len <= end || strcmp(entry->d_name + len - end, ending) || len - end >= sizeof(ifname))
			continue;
		memcpy(ifname, entry->d_name, len - end);
		ifname[len - end] = '\0';
		each(ctx, ifname);
	}
	closedir(d);
	return 0;
}
