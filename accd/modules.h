/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * modules.h - kernel modules of the operator's in the workers' instances
 *
 * A file is read once, by the supervisor, into a sealed memory file: workers have no file system,
 * and each gets the same bytes. All workers that serve load it, or none keeps it. Those that are
 * started later get it before they bind a socket, so that a configuration may name what it brings.
 * Until accd ends: there is no unloading.
 *
 *   modules_load() ── memfd ──▶ each worker: modules_op_load() ── all good ──▶ sup->modules
 *                                    └── one was not ──▶ the others: modules_op_unload(), and it is as before
 */
#ifndef ACCD_MODULES_H
#define ACCD_MODULES_H

#include <stddef.h>
#include <stdint.h>

struct control_call;
struct supervisor;
struct worker;

#define MODULES_MAX 16
#define MODULE_BYTES_MAX (8 << 20)
#define MODULE_NAME_BYTES 56 /* MODULE_NAME_LEN of the kernel */

struct module {
	char name[MODULE_NAME_BYTES]; /* as its own text says */
	int fd; /* the file's bytes, sealed */
	uint32_t bytes;
};

struct module_set {
	unsigned int n;
	struct module modules[MODULES_MAX];
};

/*
 * Read a file and look whether it is a module for the kernel `release` (NULL: any). 0, or -errno with a
 * sentence in err; m->fd is the caller's. The rest is judged by the kernel that loads it.
 */
int module_open(const char *path, const char *release, struct module *m, char *err, size_t err_len);

/* The bytes of m->fd, to read. NULL: no memory. */
const void *module_map(int fd, size_t *bytes);
void module_unmap(const void *data, size_t bytes);

/*
 * [supervisor] Before the first fork: read the files of worker.modules, for workers to load before
 * they serve. 0, or -errno with a sentence in err.
 */
int modules_open(struct supervisor *sup, char *err, size_t err_len);

/*
 * [supervisor] Load a file into all workers that serve. 0: fn(ctx) is called once, later; status 0
 * with the names of the congestion controls that came with it in `text`, or -errno with a sentence.
 * Else -errno with a sentence in err, and fn is not called.
 */
typedef void (*modules_fn)(void *ctx, int status, const char *name, const char *text);
int modules_load(struct supervisor *sup, const char *path, modules_fn fn, void *ctx, char *err,
		 size_t err_len);

/* [worker, loop] Handlers of control_ops[]; payload: the module's name. */
int modules_op_load(struct worker *w, struct control_call *call);
int modules_op_unload(struct worker *w, struct control_call *call);

#endif /* ACCD_MODULES_H */
