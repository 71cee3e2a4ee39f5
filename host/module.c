// SPDX-License-Identifier: GPL-2.0-only
/*
 * module.c - loadable kernel modules: files of the host into the instance, and the protection of their pages
 *
 * The instance has no file system with modules on it, so the file is read here and handed over by init_module(). All
 * checks (ELF, vermagic, symbols, relocations) are the kernel's; this file only bounds the size.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vcpu.h"

/* Numbers of the asm-generic table, the one that lkl_syscall() takes. */
#define NR_INIT_MODULE 105
#define NR_DELETE_MODULE 106

/* The module arena has 16 MiB; files are larger than what they load (debug information). */
static const off_t file_max_bytes = 256 << 20;

int32_t lkl__protect(void *addr, uint64_t bytes, uint32_t prot)
{
	int host_prot = (prot & LKL_PROT_READ ? PROT_READ : 0) | (prot & LKL_PROT_WRITE ? PROT_WRITE : 0) |
			(prot & LKL_PROT_EXEC ? PROT_EXEC : 0);

	return mprotect(addr, bytes, host_prot) ? -errno : 0;
}

static int file_read(const char *path, void **data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	size_t got = 0;
	char *buf;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
		goto out_close;
	}
	if (!S_ISREG(st.st_mode)) {
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
		goto out_close;
	}
	if (st.st_size > file_max_bytes) {
		err = -EFBIG;
		goto out_close;
	}
	buf = malloc(st.st_size + 1);
	if (!buf) {
		err = -ENOMEM;
		goto out_close;
	}
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + got, st.st_size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = -errno;
			free(buf);
			goto out_close;
		}
		if (!n)
			break; /* it has become shorter: the kernel judges what is there */
		got += n;
	}
	*data = buf;
	*len = got;
out_close:
	close(fd);
	return err;
}

int lkl_module_load(const char *host_path, const char *params)
{
	void *data;
	size_t len;
	int err;

	if (!host_path)
		return -EINVAL;
	err = file_read(host_path, &data, &len);
	if (err)
		return err;
	err = lkl_syscall(NR_INIT_MODULE, (long[6]){ (long)data, (long)len, (long)(params ? params : "") });
	free(data);
	return err;
}

int lkl_module_unload(const char *name)
{
	if (!name)
		return -EINVAL;
	return lkl_syscall(NR_DELETE_MODULE, (long[6]){ (long)name, O_NONBLOCK });
}
