// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_modules.c - files that are offered as kernel modules, and the list of congestion controls
 *
 * The file of the test is the least that passes: an ELF header, names of sections, .modinfo. Then
 * each of its bytes is changed, and it is cut at each length: what comes of it is a refusal with a
 * sentence, or a module with a printable name, and never a read outside the file.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc_list.h"
#include "modules.h"
#include "text.h"

#define RELEASE "6.12.1"

static char path[] = "/tmp/accd-module-XXXXXX";

struct file {
	Elf64_Ehdr eh;
	Elf64_Shdr sh[3]; /* none, names, .modinfo */
	char names[20];
	char info[64];
};

static const char names[20] = "\0.modinfo\0.shstrtab";
static const char info[64] = "license=GPL\0vermagic=" RELEASE " SMP lkl-1\0name=mine";

static void make(struct file *f)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->eh.e_ident, ELFMAG, SELFMAG);
	f->eh.e_ident[EI_CLASS] = ELFCLASS64;
	f->eh.e_type = ET_REL;
	f->eh.e_machine = EM_X86_64;
	f->eh.e_shentsize = sizeof(f->sh[0]);
	f->eh.e_shoff = offsetof(struct file, sh);
	f->eh.e_shnum = 3;
	f->eh.e_shstrndx = 1;
	f->sh[1] = (Elf64_Shdr){ .sh_name = 10, .sh_offset = offsetof(struct file, names), .sh_size = sizeof(names) };
	f->sh[2] = (Elf64_Shdr){ .sh_name = 1, .sh_offset = offsetof(struct file, info), .sh_size = sizeof(info) };
	memcpy(f->names, names, sizeof(names));
	memcpy(f->info, info, sizeof(info));
}

/* What module_open() says of these bytes. */
static int try(const void *data, size_t len, struct module *m, char *err, size_t err_len)
{
	FILE *out = fopen(path, "w");
	int r;

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, len, out), len);
	fclose(out);
	err[0] = '\0';
	r = module_open(path, RELEASE, m, err, err_len);
	if (!r)
		close(m->fd);
	return r;
}

static void test_good(void **state)
{
	struct module m;
	struct file f;
	char err[512];

	make(&f);
	assert_int_equal(try(&f, sizeof(f), &m, err, sizeof(err)), 0);
	assert_string_equal(m.name, "mine");
	assert_int_equal(m.bytes, sizeof(f));
}

static void test_release(void **state)
{
	struct module m;
	struct file f;
	char err[512];

	make(&f);
	memcpy(f.info + 12, "vermagic=6.12.10", 16);
	assert_int_equal(try(&f, sizeof(f), &m, err, sizeof(err)), -ENOEXEC);
	assert_non_null(strstr(err, "built for kernel 6.12.10"));
	assert_non_null(strstr(err, "expected one for " RELEASE));
}

static void test_bad(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	struct module m;
	struct file f;
	uint8_t *bytes = (uint8_t *)&f;
	char err[512];
	size_t i, k, c;
	int r;

	make(&f);
	for (i = 1; i < offsetof(struct file, info); i++) {
		assert_int_equal(try(&f, i, &m, err, sizeof(err)), -ENOEXEC);
		assert_true(err[0]);
	}
	for (i = 0; i < sizeof(f); i++)
		for (k = 0; k < sizeof(masks); k++) {
			bytes[i] ^= masks[k];
			r = try(&f, sizeof(f), &m, err, sizeof(err));
			bytes[i] ^= masks[k];
			assert_true(!r || (r == -ENOEXEC && err[0]));
			for (c = 0; !r && m.name[c]; c++)
				assert_true(m.name[c] >= ' ' && m.name[c] < 0x7f);
		}
}

static void list(const char *params, bool is_allowed_all, char *buf, size_t len)
{
	const struct cc_texts texts = { "reno cubic acc\n", "reno cubic\n", "cubic\n", params, is_allowed_all };
	struct text t;

	text_init(&t, buf, len);
	cc_list_format(&texts, &t);
}

static void test_list(void **state)
{
	char buf[1024];

	list("", false, buf, sizeof(buf));
	assert_string_equal(buf, "{\"name\":\"reno\",\"state\":\"usable\",\"parameters\":\"\"}\n"
				 "{\"name\":\"cubic\",\"state\":\"default\",\"parameters\":\"\"}\n"
				 "{\"name\":\"acc\",\"state\":\"restricted\",\"parameters\":\"\"}\n");
	list("acc a 1 5 wr\nacc b 0 0 r\nother c 1 2 w\nacc d 1 18446744073709551615 w\nacc", true, buf, sizeof(buf));
	assert_non_null(strstr(buf, "{\"name\":\"acc\",\"state\":\"usable\",\"parameters\":\"a=1-5 d=1-18446744073709551615\"}\n"));
	assert_true(cc_list_has("reno cubic", "cubic"));
	assert_false(cc_list_has("reno cubic", "cub"));
	assert_false(cc_list_has("reno cubic", "reno cubic"));
	assert_false(cc_list_has("", "reno"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_list),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
