// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay.c - runs a fuzz target over the files of folders, in place of libFuzzer: what was found once
 * stays found, with any compiler
 *
 * usage: TARGET FOLDER...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	size_t n;
	FILE *f;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	f = fopen(path, "r");
	/* Exactly as large as the input, so that a sanitizer sees reads behind it. */
	data = malloc((size_t)st.st_size + !st.st_size);
	if (!f || !data)
		exit(1);
	n = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	int i, files = 0;

	for (i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *e;
		char path[4096];

		while (d && (e = readdir(d))) {
			snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			files += run_file(path);
		}
		if (d)
			closedir(d);
	}
	printf("%d inputs\n", files);
	return files ? 0 : 1;
}
