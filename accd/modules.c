// SPDX-License-Identifier: GPL-2.0-only
/*
 * modules.c - kernel modules of the operator's in the workers' instances
 *
 * The supervisor looks at the ELF file only as far as it must to say what is wrong in its own words:
 * that it is a module at all, its name, and the kernel it was built for. Offsets and sizes in the
 * file are not believed. Symbols, relocations and the instance's own version string are the kernel's
 * to check; what it says then is in the answer.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "err.h"
#include "modules.h"
#include "supervisor.h"
#include "text.h"
#include "worker.h"

#define LOAD_MS 10000 /* for a worker's answer: relocating takes about a millisecond */

/* ---- a file ---- */

const void *module_map(int fd, size_t *bytes)
{
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) || st.st_size <= 0 || st.st_size > MODULE_BYTES_MAX)
		return NULL;
	*bytes = st.st_size;
	map = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

void module_unmap(const void *data, size_t bytes)
{
	munmap((void *)data, bytes);
}

/* A section by its name; -ENOEXEC: no ELF file of this kind, or no such section. */
static int elf_section(const uint8_t *data, size_t bytes, const char *name, const char **at, size_t *len)
{
	Elf64_Ehdr eh;
	Elf64_Shdr sh, names;
	const char *known;
	unsigned int i;

	if (bytes < sizeof(eh))
		return -ENOEXEC;
	memcpy(&eh, data, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_type != ET_REL ||
	    eh.e_machine != EM_X86_64 || eh.e_shentsize != sizeof(sh) || eh.e_shoff > bytes ||
	    (bytes - eh.e_shoff) / sizeof(sh) < eh.e_shnum || eh.e_shstrndx >= eh.e_shnum)
		return -ENOEXEC;
	memcpy(&names, data + eh.e_shoff + eh.e_shstrndx * sizeof(sh), sizeof(names));
	if (names.sh_offset > bytes || names.sh_size > bytes - names.sh_offset)
		return -ENOEXEC;
	known = (const char *)data + names.sh_offset;
	for (i = 0; i < eh.e_shnum; i++) {
		memcpy(&sh, data + eh.e_shoff + i * sizeof(sh), sizeof(sh));
		if (sh.sh_name >= names.sh_size || names.sh_size - sh.sh_name <= strlen(name) ||
		    memcmp(known + sh.sh_name, name, strlen(name) + 1))
			continue;
		if (sh.sh_offset > bytes || sh.sh_size > bytes - sh.sh_offset)
			return -ENOEXEC;
		*at = (const char *)data + sh.sh_offset;
		*len = sh.sh_size;
		return 0;
	}
	return -ENOEXEC;
}

/* The value of "KEY=VALUE" among the strings of .modinfo, printable. False: none, or too long. */
static bool modinfo(const char *info, size_t len, const char *key, char *value, size_t value_len)
{
	size_t key_len = strlen(key), n, i;

	for (; len; info += n, len -= n) {
		n = strnlen(info, len);
		if (n > key_len && info[key_len] == '=' && !memcmp(info, key, key_len)) {
			n -= key_len + 1;
			info += key_len + 1;
			if (n >= value_len)
				return false;
			for (i = 0; i < n; i++)
				value[i] = info[i] > 0x20 && info[i] < 0x7f ? info[i] : ' ';
			value[n] = '\0';
			return n;
		}
		n += n < len; /* its NUL */
	}
	return false;
}

static int judge(const char *path, const char *release, struct module *m, char *err, size_t err_len)
{
	char vermagic[256];
	const void *data;
	const char *info;
	size_t bytes, len;
	int r = 0;

	data = module_map(m->fd, &bytes);
	if (!data) {
		snprintf(err, err_len, "%s: no memory", path);
		return -ENOMEM;
	}
	if (elf_section(data, bytes, ".modinfo", &info, &len) ||
	    !modinfo(info, len, "name", m->name, sizeof(m->name)) ||
	    !modinfo(info, len, "vermagic", vermagic, sizeof(vermagic))) {
		snprintf(err, err_len, "%s: not a kernel module; expected a .ko file (make -C kernel module)", path);
		r = -ENOEXEC;
	} else {
		vermagic[strcspn(vermagic, " ")] = '\0';
		if (release && strcmp(vermagic, release)) {
			snprintf(err, err_len, "%s: built for kernel %.80s; expected one for %s", path, vermagic, release);
			r = -ENOEXEC;
		}
	}
	module_unmap(data, bytes);
	return r;
}

static int copy(int from, int to, size_t bytes)
{
	char buf[16384];
	ssize_t n;

	while (bytes) {
		n = read(from, buf, bytes < sizeof(buf) ? bytes : sizeof(buf));
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO; /* it has become shorter */
		if (write(to, buf, n) != n)
			return -ENOMEM;
		bytes -= n;
	}
	return fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ? -errno : 0;
}

int module_open(const char *path, const char *release, struct module *m, char *err, size_t err_len)
{
	struct stat st;
	int fd, r = 0;

	memset(m, 0, sizeof(*m));
	m->fd = -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* never waits, whatever it is */
	if (fd < 0 || fstat(fd, &st)) {
		r = -errno;
		snprintf(err, err_len, "%s: %s%s", path, strerror(-r),
			 r == -EACCES ? "; accd reads it as the user of its configuration" : "");
	} else if (!S_ISREG(st.st_mode) || !st.st_size) {
		r = -ENOEXEC;
		snprintf(err, err_len, "%s: %s; expected a .ko file", path, st.st_size ? "not a file" : "empty, or not a file");
	} else if (st.st_size > MODULE_BYTES_MAX) {
		r = -EFBIG;
		snprintf(err, err_len, "%s: %lld bytes; expected at most %d", path, (long long)st.st_size, MODULE_BYTES_MAX);
	} else {
		m->bytes = st.st_size;
		m->fd = memfd_create("accd-module", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		r = m->fd < 0 ? -errno : copy(fd, m->fd, m->bytes);
		if (r)
			snprintf(err, err_len, "%s: cannot be read: %s", path, strerror(-r));
		else
			r = judge(path, release, m, err, err_len);
	}
	if (fd >= 0)
		close(fd);
	if (r && m->fd >= 0)
		close(m->fd);
	return r;
}

/* ---- supervisor: into all workers, or none ---- */

int modules_open(struct supervisor *sup, char *err, size_t err_len)
{
	char paths[CONF_MODULES_BYTES + 1], why[512] = "", *path, *save = NULL;
	struct module_set *set = &sup->modules;
	int r;

	if (!sup->ops->module_load)
		return 0;
	strcpy(paths, sup->conf->worker.modules);
	for (path = strtok_r(paths, " ", &save); path; path = strtok_r(NULL, " ", &save)) {
		if (set->n == MODULES_MAX) {
			snprintf(err, err_len, "worker.modules: more than %d", MODULES_MAX);
			return -ENOSPC;
		}
		/* the release is known when a worker has booted: its kernel judges */
		r = module_open(path, NULL, &set->modules[set->n], why, sizeof(why));
		if (r) {
			snprintf(err, err_len, "worker.modules: %s", why);
			return r;
		}
		set->n++;
	}
	return 0;
}

struct load {
	struct supervisor *sup;
	struct module m;
	unsigned int n_waiting;
	pid_t loaded[WORKERS_MAX]; /* processes that have it; 0: not this place */
	char names[256]; /* what came with it */
	int status;
	char error[512]; /* of the first that failed */
	modules_fn fn;
	void *ctx;
};

static void on_unloaded(void *ctx, const struct control_answer *a)
{
	if (a->is_last && a->status)
		msg("worker %d: a module that others refused cannot be unloaded: %s", a->worker, strerror(-a->status));
}

/* A worker that became ready while the others were loading. */
static void on_late(void *ctx, const struct control_answer *a)
{
	if (a->is_last && a->status)
		msg("worker %d: a module that others have cannot be loaded: %.*s: %s", a->worker,
		    a->len < 300 ? (int)a->len : 300, a->data, strerror(-a->status));
}

static void load_end(struct load *l)
{
	struct module_set *set = &l->sup->modules;
	struct worker_proc *p;
	unsigned int i;

	if (!l->status && set->n == MODULES_MAX) {
		l->status = -ENOSPC;
		snprintf(l->error, sizeof(l->error), "%d modules are loaded, which is the limit", MODULES_MAX);
	}
	if (!l->status) {
		set->modules[set->n++] = l->m;
		msg("module %s loaded: congestion control %s", l->m.name, l->names);
	}
	for_each_worker(l->sup, i) {
		p = &l->sup->procs[i];
		if (l->status && l->loaded[i] && l->loaded[i] == p->pid)
			control_ask(&p->peer, CONTROL_OP_MODULE_UNLOAD, l->m.name, sizeof(l->m.name), -1, LOAD_MS,
				    on_unloaded, NULL);
		else if (!l->status && p->state == PROC_RUNNING && l->loaded[i] != p->pid)
			control_ask(&p->peer, CONTROL_OP_MODULE_LOAD, l->m.name, sizeof(l->m.name), l->m.fd, LOAD_MS,
				    on_late, NULL);
	}
	if (l->status)
		close(l->m.fd);
	l->fn(l->ctx, l->status, l->m.name, l->status ? l->error : l->names);
	free(l);
}

static void on_loaded(void *ctx, const struct control_answer *a)
{
	struct load *l = ctx;

	if (!a->is_last)
		return;
	if (!a->status) {
		l->loaded[a->worker] = l->sup->procs[a->worker].pid;
		snprintf(l->names, sizeof(l->names), "%.*s", (int)a->len, a->data);
	} else if (!l->status) {
		l->status = a->status;
		snprintf(l->error, sizeof(l->error), "worker %d: %.*s%s%s", a->worker, a->len < 400 ? (int)a->len : 400, a->data,
			 a->len ? ": " : "",
			 a->status == -EEXIST ? "its name, or the congestion control it brings, is there already" :
			 a->status == -EPIPE  ? "it ended while it loaded the module" :
						strerror(-a->status));
	}
	if (!--l->n_waiting)
		load_end(l);
}

int modules_load(struct supervisor *sup, const char *path, modules_fn fn, void *ctx, char *err,
		 size_t err_len)
{
	struct load *l;
	unsigned int i;
	int r = -EOPNOTSUPP;

	if (!sup->ops->module_load) {
		snprintf(err, err_len,
			 "stack = %s: its congestion controls are those of the host's kernel, which loads them itself: modprobe(8)",
			 sup->ops->name);
		return r;
	}
	if (sup->modules.n == MODULES_MAX) {
		snprintf(err, err_len, "%d modules are loaded, which is the limit", MODULES_MAX);
		return -ENOSPC;
	}
	l = calloc(1, sizeof(*l));
	if (!l) {
		snprintf(err, err_len, "no memory");
		return -ENOMEM;
	}
	r = module_open(path, sup->release, &l->m, err, err_len);
	if (r)
		goto err_free;
	l->sup = sup;
	l->fn = fn;
	l->ctx = ctx;
	for_each_worker(sup, i) { /* the loops of a worker share its instance */
		struct worker_proc *p = &sup->procs[i];

		if (p->state != PROC_RUNNING)
			continue; /* one that starts is started once more when it is ready: workers.c */
		r = control_ask(&p->peer, CONTROL_OP_MODULE_LOAD, l->m.name, sizeof(l->m.name), l->m.fd,
				LOAD_MS, on_loaded, l);
		if (!r) {
			l->n_waiting++;
		} else if (!l->status) {
			l->status = r;
			snprintf(l->error, sizeof(l->error), "worker %u: cannot be asked: %s", i, strerror(-r));
		}
	}
	if (l->n_waiting)
		return 0;
	snprintf(err, err_len, "%s", l->error[0] ? l->error : "no worker answers at the moment");
	close(l->m.fd);
	r = -EAGAIN;
err_free:
	free(l);
	return r;
}

/* ---- worker ---- */

int modules_op_load(struct worker *w, struct control_call *call)
{
	char name[MODULE_NAME_BYTES];
	const void *data;
	struct text said;
	size_t bytes;
	int r;

	if (!w->ops->module_load)
		return -EOPNOTSUPP;
	memcpy(name, call->req, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	data = module_map(call->fd, &bytes);
	if (!data)
		return -ENOMEM;
	text_init(&said, call->out, call->out_max);
	r = w->ops->module_load(name, data, bytes, &said);
	call->out_len = said.len;
	module_unmap(data, bytes);
	return r;
}

int modules_op_unload(struct worker *w, struct control_call *call)
{
	char name[MODULE_NAME_BYTES];

	if (!w->ops->module_unload)
		return -EOPNOTSUPP;
	memcpy(name, call->req, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	return w->ops->module_unload(name);
}
