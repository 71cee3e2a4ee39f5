// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_module.c - a congestion control module, loaded at run time into the instance of liblkl.so
 *
 * Usage: test_module testcc.ko. The order is the life of a module: refusals, load, selectable, a transfer that it steers,
 * no unload while a socket uses it, unload, load again with another parameter. Bad files are made from the good one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lkl/lkl.h>

#define LO_IFINDEX 1
#define PORT 7000
#define TRANSFER_BYTES (8u << 20)
#define WINDOW_PKTS 13

static const char *module_path;
static char log_last[256];	/* the last line that names the module or one of its copies */

/* A check inside a task: cmocka's asserts longjmp, which must not leave a task's stack. */
#define CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		return -__LINE__; \
	} \
} while (0)

static void on_log(void *ctx, int level, const char *line, size_t len)
{
	if (memmem(line, len, "testcc", 6) || memmem(line, len, "odule", 5))
		snprintf(log_last, sizeof(log_last), "%.*s", (int)len, line);
}

static int run_task(lkl_task_fn fn, void *arg)
{
	int id = lkl_task_start("test", fn, arg, 0), ret = -1;

	assert_true(id > 0);
	assert_int_equal(lkl_task_join(id, &ret), 0);
	return ret;
}

/* First line of a file inside the instance. */
static int inner_read(const char *path, char *buf, int len)
{
	long fd = lkl_sys_openat(AT_FDCWD, path, O_RDONLY, 0), n;

	if (fd < 0)
		return fd;
	n = lkl_sys_read(fd, buf, len - 1);
	lkl_sys_close(fd);
	if (n < 0)
		return n;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static int cc_is_available(void)
{
	char list[512];

	return inner_read("/proc/sys/net/ipv4/tcp_available_congestion_control", list, sizeof(list)) == 0 &&
	       strstr(list, "testcc");
}

static long parameter(const char *name)
{
	char path[128], text[64];
	int err;

	snprintf(path, sizeof(path), "/sys/module/testcc/parameters/%s", name);
	err = inner_read(path, text, sizeof(text));
	return err ? err : atol(text);
}

static int mounts(void *arg)
{
	long err;

	CHECK(lkl_if_up(LO_IFINDEX) == 0);
	lkl_sys_mkdirat(AT_FDCWD, "/proc", 0755);
	lkl_sys_mkdirat(AT_FDCWD, "/sys", 0755);
	err = lkl_sys_mount("proc", "/proc", "proc", 0, NULL);
	CHECK(err == 0 || err == -EBUSY);
	err = lkl_sys_mount("sysfs", "/sys", "sysfs", 0, NULL);
	CHECK(err == 0 || err == -EBUSY);
	return 0;
}

static void test_boot(void **state)
{
	struct lkl_options options = LKL_OPTIONS_DEFAULT;

	options.log = on_log;
	assert_int_equal(lkl_set_options(&options), 0);
	assert_int_equal(lkl_module_load(module_path, NULL), -ESRCH);
	assert_int_equal(lkl_start_kernel("mem=64M"), 0);
	assert_int_equal(lkl_module_unload("testcc"), -ENOENT);
	assert_int_equal(run_task(mounts, NULL), 0);
}

/* ---- refusals ---- */

/* A copy of the module with `len` bytes, in which `from`, at all its places, has become `to` (same length). */
static int copy_make(char *path, size_t len, const char *from, const char *to)
{
	FILE *in = fopen(module_path, "r"), *out;
	size_t n, i, changed = 0;
	struct stat st;
	char *data;
	int fd;

	strcpy(path, "/tmp/lkl-module-XXXXXX");
	fd = mkstemp(path);
	CHECK(in && fd >= 0 && fstat(fileno(in), &st) == 0);
	data = malloc(st.st_size);
	n = fread(data, 1, st.st_size, in);
	CHECK(n == (size_t)st.st_size);
	for (i = 0; from && i + strlen(from) <= n; i++)
		if (!memcmp(data + i, from, strlen(from))) {
			memcpy(data + i, to, strlen(to));
			changed++;
		}
	CHECK(!from || changed);
	out = fdopen(fd, "w");
	CHECK(out && fwrite(data, 1, len && len < n ? len : n, out) > 0);
	fclose(out);
	fclose(in);
	free(data);
	return 0;
}

static int refused(size_t len, const char *from, const char *to)
{
	char path[64];
	int err = copy_make(path, len, from, to);

	if (!err)
		err = lkl_module_load(path, NULL);
	unlink(path);
	return err;
}

static int bad_files(void *arg)
{
	static const size_t lengths[] = { 1, 63, 64, 65, 200, 1000, 4096 };
	char path[] = "/tmp/lkl-module-XXXXXX";
	char garbage[8192], vermagic[32];
	struct stat st;
	size_t i;
	int fd;

	CHECK(lkl_module_load("/nonexistent/testcc.ko", NULL) == -ENOENT);
	CHECK(lkl_module_load("/tmp", NULL) == -EISDIR);
	CHECK(lkl_module_load("/dev/zero", NULL) == -EINVAL);
	CHECK(lkl_module_load(NULL, NULL) == -EINVAL);
	CHECK(lkl_module_load(module_path, "window_pkts=many") == -EINVAL);
	CHECK(lkl_module_load(module_path, "window_pkts=0") == -ERANGE);

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		CHECK(refused(lengths[i], NULL, NULL) == -ENOEXEC);
	CHECK(stat(module_path, &st) == 0);
	CHECK(refused(st.st_size - 1, NULL, NULL) == -ENOEXEC);
	CHECK(refused(st.st_size / 2, NULL, NULL) == -ENOEXEC);

	fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK(lkl_module_load(path, NULL) == -ENOEXEC); /* empty */
	for (i = 0; i < sizeof(garbage); i++)
		garbage[i] = i * 167 + (i >> 3);
	CHECK(write(fd, garbage, sizeof(garbage)) == sizeof(garbage));
	CHECK(lkl_module_load(path, NULL) == -ENOEXEC);
	close(fd);
	unlink(path);

	snprintf(vermagic, sizeof(vermagic), "vermagic=%c", lkl_kernel_release()[0]);
	CHECK(refused(0, vermagic, "vermagic=5") == -ENOEXEC);
	CHECK(strstr(log_last, "version magic"));
	CHECK(refused(0, " lkl-", " lkl_") == -ENOEXEC); /* the configuration */
	CHECK(strstr(log_last, "version magic"));
	CHECK(refused(0, "tcp_register_congestion_control", "tcp_register_congestion_contrlo") == -ENOENT);
	CHECK(strstr(log_last, "tcp_register_congestion_contrlo"));
	CHECK(!cc_is_available());
	CHECK(lkl_module_unload("testcc") == -ENOENT);
	return 0;
}

static void test_refusals(void **state)
{
	assert_int_equal(run_task(bad_files, NULL), 0);
}

/* ---- use ---- */

static int cc_of(int fd, char *name, int name_len)
{
	memset(name, 0, name_len);
	return lkl_sys_getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &name_len);
}

struct transfer {
	int listener;
	unsigned int sent_bytes;
};

static int sender(void *arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static char data[65536];
	struct transfer *transfer = arg;
	struct tcp_info info;
	char name[16];
	int fd = lkl_sys_socket(AF_INET, SOCK_STREAM, 0), len = sizeof(info);

	CHECK(fd >= 0);
	CHECK(lkl_sys_setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "testcc", 6) == 0);
	CHECK(cc_of(fd, name, sizeof(name)) == 0 && !strcmp(name, "testcc"));
	CHECK(lkl_sys_connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	while (transfer->sent_bytes < TRANSFER_BYTES) {
		long n = lkl_sys_write(fd, data, sizeof(data));

		CHECK(n > 0);
		transfer->sent_bytes += n;
	}
	CHECK(lkl_sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	CHECK(info.tcpi_snd_cwnd == WINDOW_PKTS);
	CHECK(lkl_module_unload("testcc") == -EWOULDBLOCK);
	CHECK(cc_is_available());
	CHECK(lkl_sys_close(fd) == 0);
	return 0;
}

static int receiver(void *arg)
{
	struct transfer *transfer = arg;
	static char data[65536];
	unsigned int got_bytes = 0;
	long fd = lkl_sys_accept4(transfer->listener, NULL, NULL, 0), n;

	CHECK(fd >= 0);
	while ((n = lkl_sys_read(fd, data, sizeof(data))) > 0)
		got_bytes += n;
	CHECK(n == 0);
	CHECK(lkl_sys_close(fd) == 0);
	CHECK(lkl_sys_close(transfer->listener) == 0);
	return got_bytes == TRANSFER_BYTES ? 0 : -EIO;
}

static int load(void *arg)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct transfer *transfer = arg;
	int fd = lkl_sys_socket(AF_INET, SOCK_STREAM, 0);
	char params[32];

	CHECK(fd >= 0);
	CHECK(lkl_sys_setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "testcc", 6) == -ENOENT);
	snprintf(params, sizeof(params), "window_pkts=%d", WINDOW_PKTS);
	CHECK(lkl_module_load(module_path, params) == 0);
	CHECK(lkl_module_load(module_path, params) == -EEXIST);
	CHECK(cc_is_available());
	CHECK(parameter("window_pkts") == WINDOW_PKTS);
	CHECK(parameter("acks") == 0);
	CHECK(lkl_sys_bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	CHECK(lkl_sys_listen(fd, 1) == 0);
	transfer->listener = fd;
	return 0;
}

static int unload(void *arg)
{
	int tries, err = -1;

	CHECK(parameter("acks") > 10);
	/* The sender's socket lives until its last segments are acknowledged. */
	for (tries = 0; tries < 1000 && (err = lkl_module_unload("testcc")) == -EWOULDBLOCK; tries++)
		lkl_sys_nanosleep_ns(5000000);
	CHECK(err == 0);
	CHECK(!cc_is_available());
	CHECK(lkl_module_unload("testcc") == -ENOENT);
	return 0;
}

/* Again and again: pages of the arena and per-CPU data come back. */
static int reload(void *arg)
{
	int i;

	for (i = 0; i < 200; i++) {
		CHECK(lkl_module_load(module_path, "window_pkts=7") == 0);
		CHECK(i || parameter("window_pkts") == 7);
		CHECK(lkl_module_unload("testcc") == 0);
	}
	return 0;
}

static void test_life(void **state)
{
	struct transfer transfer = { 0 };
	int ids[2], ret;

	assert_int_equal(run_task(load, &transfer), 0);
	ids[0] = lkl_task_start("receiver", receiver, &transfer, 0);
	ids[1] = lkl_task_start("sender", sender, &transfer, 0);
	assert_int_equal(lkl_task_join(ids[1], &ret), 0);
	assert_int_equal(ret, 0);
	assert_int_equal(lkl_task_join(ids[0], &ret), 0);
	assert_int_equal(ret, 0);
	assert_int_equal(run_task(unload, NULL), 0);
	assert_int_equal(run_task(reload, NULL), 0);
}

/* No mapping of the process is writable and executable. */
static int no_wx(void *arg)
{
	char line[512];
	FILE *maps;

	CHECK(lkl_module_load(module_path, NULL) == 0);
	maps = fopen("/proc/self/maps", "r");
	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		CHECK(!strstr(line, " rwx"));
	fclose(maps);
	CHECK(lkl_module_unload("testcc") == 0);
	return 0;
}

static void test_no_writable_code(void **state)
{
	assert_int_equal(run_task(no_wx, NULL), 0);
}

static void test_halt(void **state)
{
	assert_int_equal(lkl_sys_halt(), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_no_writable_code),
		cmocka_unit_test(test_halt),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_module testcc.ko\n");
		return 2;
	}
	module_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
