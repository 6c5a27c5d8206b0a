/* SPDX-License-Identifier: Apache-2.0 */
/* heddle: the command table.  Every subcommand lives in a directory of its own. */
#include <stdio.h>
#include <string.h>

#include "central/central.h"
#include "cli/commands.h"
#include "host/host.h"
#include "lab/lab.h"
#include "util/array.h"
#include "version.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the subcommand; returns the exit status */
	const char *help;
};

/* clang-format off */
static const struct command commands[] = {
	{ "up",      up_main,      "run central and host on this machine" },
	{ "central", central_main, "serve the network's databases and allocate its keys" },
	{ "host",    host_main,    "connect this machine's workloads" },
	{ "nb",      nb_main,      "change and show the logical network (ovn-nbctl's language)" },
	{ "plug",    plug_main,    "connect an interface to a logical port" },
	{ "unplug",  unplug_main,  "disconnect an interface" },
	{ "show",    show_main,    "print switches, ports, where they are, tunnels, counters" },
	{ "drops",   drops_main,   "print what was dropped, where and why" },
	{ "lab",     lab_main,     "build hosts out of network namespaces, and play" },
};
/* clang-format on */

static void print_help(void)
{
	puts("usage: heddle COMMAND [ARGUMENT]...\n\n"
	     "Virtual networks for machines and containers on many hosts.\n\ncommands:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	puts("\n\"heddle COMMAND --help\" says more; \"heddle --version\" which Heddle this is.");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help();
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("heddle %s\n", HEDDLE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "heddle: unknown command \"%s\"; \"heddle --help\" lists them\n", argv[1]);
	return 2;
}
