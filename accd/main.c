// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - command line of accd
 *
 * Options, configuration, choice of the stack; then supervisor_run(). Exit status: 0 in order, 1
 * failed at work, 2 wrong command line or configuration.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "err.h"
#include "stack.h"
#include "supervisor.h"

#define CONF_PATH_DEFAULT "/etc/accd/accd.conf"

static const char usage_text[] =
	"usage: accd [-f FILE] [-t] [--stack lkl|host]\n"
	"       accd -V | -h\n"
	"\n"
	"  -f FILE            configuration; default " CONF_PATH_DEFAULT "\n"
	"  -t                 check the configuration and exit\n"
	"  --stack lkl|host   TCP/IP stack to use, whatever the configuration says\n"
	"  -V, --version      print the version, the stacks of this build and their kernel\n"
	"  -h, --help         print this text\n";

/* In the order of enum conf_stack. */
static const struct {
	const char *name;
	const struct stack_ops *ops; /* NULL: not in this build */
} stacks[] = {
#ifdef ACCD_HAVE_LKL
	{ "lkl", &stack_lkl },
#else
	{ "lkl", NULL },
#endif
	{ "host", &stack_host },
};

#define N_STACKS (sizeof(stacks) / sizeof(stacks[0]))

static int stack_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < N_STACKS; i++)
		if (!strcmp(stacks[i].name, name))
			return i;
	die(ACCD_EXIT_USAGE, "--stack: \"%s\": unknown; expected lkl or host",
	    name);
}

static void print_version(void)
{
	unsigned int i;

	printf("accd %s, stacks:", ACCD_VERSION);
	for (i = 0; i < N_STACKS; i++)
		if (stacks[i].ops && stacks[i].ops->built_in)
			printf(" %s (%s)", stacks[i].name, stacks[i].ops->built_in);
		else if (stacks[i].ops)
			printf(" %s", stacks[i].name);
	printf("\n");
}

int main(int argc, char **argv)
{
	enum { OPT_STACK = 256 };
	static const struct option options[] = {
		{ "stack", required_argument, NULL, OPT_STACK },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = CONF_PATH_DEFAULT;
	int stack_override = -1;
	bool is_test = false;
	struct conf *conf;
	int mistakes, opt;

	while ((opt = getopt_long(argc, argv, "f:tVh", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			path = optarg;
			break;
		case 't':
			is_test = true;
			break;
		case OPT_STACK:
			stack_override = stack_by_name(optarg);
			break;
		case 'V':
			print_version();
			return 0;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return ACCD_EXIT_USAGE;
		}
	}
	if (optind < argc) {
		msg("unexpected argument \"%s\"", argv[optind]);
		fputs(usage_text, stderr);
		return ACCD_EXIT_USAGE;
	}

	conf = conf_load(path, stack_override, NULL, NULL, &mistakes);
	if (!conf) {
		if (mistakes)
			msg("configuration %s: %d mistake%s", path, mistakes,
			    mistakes == 1 ? "" : "s");
		return ACCD_EXIT_USAGE;
	}
	if (is_test) {
		printf("configuration %s is valid\n", path);
		conf_free(conf);
		return 0;
	}
	if (!stacks[conf->stack].ops)
		die(ACCD_EXIT_USAGE,
		    "stack %s is not in this build (it was configured without kernel_object); use --stack host",
		    stacks[conf->stack].name);
	return supervisor_run(stacks[conf->stack].ops, conf, path, stack_override);
}
