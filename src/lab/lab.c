/* SPDX-License-Identifier: Apache-2.0 */
/* heddle lab: hosts out of network namespaces on this machine. */
#include "lab/lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/control.h"
#include "lab/demo.h"
#include "lab/wires.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/opts.h"
#include "util/str.h"

struct lab_args {
	const char *name;
	long long hosts;
	int argc; /* words after the options */
	char **argv;
};

static int start_network(const struct lab *lab, struct err *err)
{
	struct control_command command;
	int r = control_up(lab, err);

	for (size_t i = 0; r == 0 && i < control_network_commands(lab); i++) {
		control_network_command(lab, i, &command);
		r = control_run(lab, &command, err);
	}
	return r;
}

static void print_how_to_explore(const struct lab *lab)
{
	char name[32] = "";

	if (!str_eq(lab->name, "lab"))
		snprintf(name, sizeof(name), " --name=%s", lab->name);
	printf("Lab \"%s\" is up: %zu hosts, %zu workloads on switch " LAB_SWITCH ".\n\n"
	       "  heddle lab status%s\n"
	       "  heddle lab exec%s ns1 ping 10.0.1.20            # across the tunnel\n"
	       "  heddle lab exec%s hypervisor/ns3 ping 10.0.1.10 # a localport: stays at home\n"
	       "  heddle lab exec%s controller heddle show\n"
	       "  heddle lab exec%s hypervisor heddle drops\n"
	       "  heddle lab exec%s hypervisor bash               # ovs-vsctl, ovn-nbctl: as usual\n"
	       "  heddle lab down%s\n",
	       lab->name, lab->n_hosts, lab->n_workloads, name, name, name, name, name, name, name);
}

static int lab_up(const struct lab_args *args, struct err *err)
{
	struct lab lab;
	int r;

	lab_init(&lab, args->name, (size_t)args->hosts);
	r = control_lock(&lab, err);
	if (r < 0)
		return r;
	if (control_is_up(&lab)) {
		printf("Lab \"%s\" is up already; \"heddle lab status\" shows it, \"heddle lab "
		       "down\" ends it.\n",
		       lab.name);
		return 0;
	}
	r = start_network(&lab, err);
	if (r < 0) {
		control_print_logs(&lab);
		control_down(&lab, NULL);
		return r;
	}
	print_how_to_explore(&lab);
	return 0;
}

static int lab_down(const struct lab_args *args, struct err *err)
{
	struct lab lab;
	bool was_up;
	int r;

	control_load(&lab, args->name);
	r = control_lock(&lab, err);
	if (r < 0)
		return r;
	was_up = control_is_up(&lab);
	r = control_down(&lab, err);
	if (r == 0)
		printf("Lab \"%s\" %s.\n", lab.name, was_up ? "is gone" : "was not up");
	return r;
}

static void print_process(const char *what, pid_t pid)
{
	printf("  %-24s pid %-8d %6.1f MB\n", what, (int)pid, (double)process_rss_kib(pid) / 1024);
}

static void print_child(pid_t pid, const char *name, void *arg)
{
	char what[40];

	snprintf(what, sizeof(what), "  %.31s", name);
	print_process(what, pid);
	(void)arg;
}

static bool print_program(const struct lab_host *h, const char *name)
{
	char path[128], what[40];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s.pid", h->dir, name);
	if (access(path, F_OK) != 0)
		return true; /* not a program of this host */
	snprintf(what, sizeof(what), "heddle %s", name);
	pid = process_of(path);
	if (!pid) {
		printf("  %-24s not running; its log: %s/%s.log\n", what, h->dir, name);
		return false;
	}
	print_process(what, pid);
	process_each_child(pid, print_child, NULL);
	return true;
}

static int lab_status(const struct lab_args *args, struct err *err)
{
	bool all_run = true;
	struct lab lab;

	control_load(&lab, args->name);
	if (!control_is_up(&lab))
		return err_set(err, -ENOENT, "lab \"%s\" is not up; \"heddle lab up\" starts it",
			       lab.name);
	for (size_t i = 0; i < lab.n_hosts; i++) {
		const struct lab_host *h = &lab.hosts[i];

		printf("%s  %s\n", h->name, h->ip);
		all_run &= print_program(h, "central");
		all_run &= print_program(h, "host");
		for (size_t k = 0; k < lab.n_workloads; k++)
			if (lab.workloads[k].host == h)
				printf("  %-6s %-17s %-11s %s%s\n", lab.workloads[k].name,
				       lab.workloads[k].mac, lab.workloads[k].ip,
				       lab.workloads[k].port,
				       lab.workloads[k].localport ? " (localport)" : "");
	}
	return all_run ? 0 : err_set(err, -ESRCH, "lab \"%s\": a program is not running", lab.name);
}

static int lab_exec(const struct lab_args *args, struct err *err)
{
	struct process_spec spec = { .argv = (const char *const *)args->argv + 1 };
	const struct lab_workload *workload;
	static struct control_env env;
	const struct lab_host *host;
	struct lab lab;

	if (args->argc < 2)
		return err_set(err, -EINVAL, "lab exec wants HOST or WORKLOAD, and a command");
	control_load(&lab, args->name);
	if (!control_is_up(&lab))
		return err_set(err, -ENOENT, "lab \"%s\" is not up; \"heddle lab up\" starts it",
			       lab.name);
	host = lab_find_host(&lab, args->argv[0]);
	workload = lab_find_workload(&lab, args->argv[0]);
	if (!host && !workload)
		return err_set(
			err, -ENOENT,
			"lab \"%s\": no host or workload \"%s\", or more than one (then write "
			"HOST/WORKLOAD); \"heddle lab status\" lists them",
			lab.name, args->argv[0]);
	control_environment(&lab, host ? host : workload->host, &spec, &env);
	if (workload)
		spec.netns = workload->netns;
	return process_exec(&spec, err);
}

static int lab_demo(const struct lab_args *args, struct err *err)
{
	struct lab lab;
	int r;

	lab_init(&lab, args->name, LAB_DEFAULT_HOSTS);
	r = control_lock(&lab, err);
	if (r < 0)
		return r;
	if (str_eq(lab.name, "demo") && control_is_up(&lab)) {
		struct lab old;

		control_load(&old, lab.name); /* of a demo that was killed */
		r = control_down(&old, err);
		if (r < 0)
			return r;
	}
	if (control_is_up(&lab))
		return err_set(err, -EEXIST, "lab \"%s\" is up; take another --name", lab.name);
	return demo_run(&lab, err);
}

struct lab_command {
	const char *name;
	const char *arguments;
	int (*run)(const struct lab_args *args, struct err *err);
	const char *default_name;
	const char *help;
};

/* clang-format off */
static const struct lab_command commands[] = {
	{ "up",     "",                       lab_up,     "lab",  "start hosts, switch and workloads, and leave them running" },
	{ "down",   "",                       lab_down,   "lab",  "remove everything, remains of a crash too" },
	{ "status", "",                       lab_status, "lab",  "hosts, processes and their memory, workloads" },
	{ "exec",   "HOST|WORKLOAD CMD...",   lab_exec,   "lab",  "run a command inside" },
	{ "demo",   "",                       lab_demo,   "demo", "the walk-through with pings and captures; leaves nothing" },
};
/* clang-format on */

static const struct lab_command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (str_eq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static char *commands_text(void)
{
	struct str s = STR_INIT;

	str_add(&s, "commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		str_addf(&s, "  %-6s %-21s %s\n", commands[i].name, commands[i].arguments,
			 commands[i].help);
	return str_take(&s);
}

static int wrong_usage(const struct err *err)
{
	fprintf(stderr, "heddle: lab: %s; \"heddle lab --help\" says more\n", err->text);
	return 2;
}

static int run_command(const struct lab_command *command, struct lab_args *args)
{
	struct err err = ERR_INIT;
	int r;

	if (!args->name)
		args->name = command->default_name;
	if (!lab_name_is_valid(args->name)) {
		err_set(&err, -EINVAL, "name \"%s\": want 1 to %d lower-case letters and digits",
			args->name, LAB_NAME_MAX);
		return wrong_usage(&err);
	}
	if (command->run != lab_exec && args->argc) {
		err_set(&err, -EINVAL, "%s takes no argument \"%s\"", command->name, args->argv[0]);
		return wrong_usage(&err);
	}
	if (geteuid() != 0) {
		fputs("heddle: lab: makes network namespaces and loads BPF programs: run it as root\n",
		      stderr);
		return 1;
	}
	r = command->run(args, &err);
	if (r < 0)
		fprintf(stderr, "heddle: %s\n", err.text);
	return r < 0 ? (r == -EINVAL ? 2 : 1) : r;
}

int lab_main(int argc, char **argv)
{
	struct lab_args args = { .hosts = LAB_DEFAULT_HOSTS };
	const struct opt table[] = {
		{ "name", 'n', OPT_STRING, &args.name, "NAME",
		  "several labs may run beside each other (default: lab; of the demo: demo)" },
		{ "hosts", 0, OPT_INT, &args.hosts, "N", "number of hosts of \"up\" (default: 2)",
		  LAB_DEFAULT_HOSTS, LAB_MAX_HOSTS },
		{},
	};
	AUTO_FREE char *footer = commands_text();
	const struct opts opts = {
		.usage = "heddle lab [OPTION]... COMMAND [OPTION]... [ARGUMENT]...",
		.about = "Hosts out of network namespaces on this machine, each with its own agent "
			 "and databases: to learn, to show and to test.",
		.table = table,
		.footer = footer,
	};
	const struct lab_command *command;
	struct err err = ERR_INIT;
	enum opts_result result;
	int first = 0;

	result = opts_parse(&opts, argc, argv, &first, &err);
	if (result == OPTS_OK && first >= argc) {
		err_set(&err, -EINVAL, "no command");
		return wrong_usage(&err);
	}
	command = result == OPTS_OK ? find_command(argv[first]) : NULL;
	if (result == OPTS_OK && !command) {
		err_set(&err, -EINVAL, "unknown command \"%s\"", argv[first]);
		return wrong_usage(&err);
	}
	if (result == OPTS_OK) { /* options may stand behind the command too */
		argc -= first;
		argv += first;
		result = opts_parse(&opts, argc, argv, &first, &err);
	}
	if (result != OPTS_OK)
		return result == OPTS_HELP ? 0 : wrong_usage(&err);
	args.argc = argc - first;
	args.argv = argv + first;
	return run_command(command, &args);
}
