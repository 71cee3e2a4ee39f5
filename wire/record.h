/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.h - a record on disk of what was taken from an interface, and a lock that says who has it
 *
 * Files, in one directory (default RECORD_DIR, made with mode 0755):
 *
 *	IFNAME.COOKIE.lock	flock()ed by the owner and by every process that inherited its descriptor
 *	IFNAME.COOKIE		the record: header (magic, version, length, check sum), then the bytes
 *
 * COOKIE is the network namespace's (SO_NETNS_COOKIE; unique until the machine restarts), because
 * interfaces of several namespaces have the same name and /run is one. On kernels before 5.14 it is
 * the namespace's inode number.
 *
 * Nothing here knows what the bytes mean. Errors are -errno with a sentence in err.
 */
#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_DIR "/run/accd"

struct record {
	int dir_fd;
	int lock_fd;
	char name[48];	/* IFNAME.COOKIE */
	char dir[64];
};

/*
 * Become the interface's owner. dir NULL: RECORD_DIR. -EBUSY: another process is; err names it.
 * record_close() lets go; the lock falls by itself when every process that holds it is dead.
 */
int record_open(struct record *r, const char *dir, const char *ifname, char *err, size_t err_len);
void record_close(struct record *r);

/*
 * Read the record into data[len]. 1: read; 0: there is none; -EBADMSG: there is one, but it is
 * damaged, of another version or of another length (err says which, and what to do).
 */
int record_read(const struct record *r, uint32_t version, void *data, size_t len, char *err, size_t err_len);

/* Replace the record: written beside it, fsync()ed, renamed over it, directory fsync()ed. */
int record_write(const struct record *r, uint32_t version, const void *data, size_t len, char *err, size_t err_len);

/* Remove the record, if there is one. */
int record_remove(const struct record *r, char *err, size_t err_len);

/* Call each(ctx, ifname) for every record of this network namespace. dir NULL: RECORD_DIR. 0 or -errno. */
int record_each(const char *dir, void (*each)(void *ctx, const char *ifname), void *ctx);

#endif /* WIRE_RECORD_H */
