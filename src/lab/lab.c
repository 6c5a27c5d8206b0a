/* SPDX-License-Identifier: Apache-2.0 */
/* heddle lab: hosts out of network namespaces on this machine. */
#include "lab/lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/control.h"
#include "lab/demo.h"
#include "lab/keeper.h"
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

static int make_lab(const struct lab *lab, struct err *err)
{
	struct control_command command;
	int r = control_up(lab, err);

	for (size_t i = 0; r == 0 && i < control_network_commands(lab); i++) {
		control_network_command(lab, i, &command);
		r = control_run(lab, &command, err);
	}
	return r < 0 ? r : control_finish_up(lab, err);
}

static int make_lab_and_report(const struct lab *lab)
{
	struct err err = ERR_INIT;
	int r = make_lab(lab, &err);

	if (r < 0) {
		control_print_logs(lab);
		fprintf(stderr, "heddle: %s\n", err.text);
	}
	return r < 0 ? 1 : 0;
}

/* 0, or -ESRCH with a line that says what is missing and what to do. */
static int check_lab(const struct lab *lab, struct err *err)
{
	struct err why = ERR_INIT;
	int r = control_check(lab, &why);

	if (r < 0)
		return err_set(err, r,
			       "lab \"%s\" is incomplete (%.200s): \"heddle lab down\" first",
			       lab->name, why.text);
	return 0;
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
	static const struct keeper_job job = { .name = "lab up",
					       .run = make_lab_and_report,
					       .keeps_lab = true };
	struct lab lab, old;
	int r;

	lab_init(&lab, args->name, (size_t)args->hosts);
	r = control_lock(&lab, err);
	if (r < 0)
		return r;
	if (control_exists(&lab)) {
		control_load(&old, args->name);
		r = check_lab(&old, err);
		if (r == 0)
			printf("Lab \"%s\" is up already; \"heddle lab status\" shows it, "
			       "\"heddle lab down\" ends it.\n",
			       lab.name);
		return r;
	}
	r = keeper_run(&lab, &job, err);
	if (r == 0)
		print_how_to_explore(&lab);
	return r;
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
	was_up = control_exists(&lab);
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

static void print_program(const struct lab_host *h, const char *name)
{
	char path[128], what[40];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s.pid", h->dir, name);
	snprintf(what, sizeof(what), "heddle %s", name);
	pid = process_of(path);
	if (!pid) {
		printf("  %-24s not running; its log: %s/%s.log\n", what, h->dir, name);
		return;
	}
	print_process(what, pid);
	process_each_child(pid, print_child, NULL);
}

static void print_host(const struct lab *lab, const struct lab_host *h)
{
	const char *program;

	printf("%s  %s\n", h->name, h->ip);
	for (size_t i = 0; (program = control_program(lab, h, i)); i++)
		print_program(h, program);
	for (size_t i = 0; i < lab->n_workloads; i++) {
		const struct lab_workload *w = &lab->workloads[i];

		if (w->host == h)
			printf("  %-6s %-17s %-11s %s%s\n", w->name, w->mac, w->ip, w->port,
			       w->localport ? " (localport)" : "");
	}
}

static int lab_status(const struct lab_args *args, struct err *err)
{
	struct lab lab;

	control_load(&lab, args->name);
	if (!control_exists(&lab))
		return err_set(err, -ENOENT, "lab \"%s\" is not up; \"heddle lab up\" starts it",
			       lab.name);
	for (size_t i = 0; i < lab.n_hosts; i++)
		print_host(&lab, &lab.hosts[i]);
	fflush(stdout);
	return check_lab(&lab, err);
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
	if (!control_exists(&lab))
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
	if (str_eq(lab.name, "demo") && control_exists(&lab)) {
		struct lab old;

		control_load(&old, lab.name); /* of a demo that was killed */
		r = control_down(&old, err);
		if (r < 0)
			return r;
	}
	if (control_exists(&lab))
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
