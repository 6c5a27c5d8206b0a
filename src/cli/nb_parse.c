/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nb_parse.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "util/auto.h"
#include "util/err.h"

static const struct {
	const char *title;
	const struct nb_command *commands;
} groups[] = {
	{ "general and switch commands", nb_switch_commands },
	{ "port commands", nb_port_commands },
	{ "commands on any table", nb_row_commands },
};

static const struct nb_command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (const struct nb_command *c = groups[i].commands; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

/* ---- global options ---- */

enum {
	OPT_DB = UCHAR_MAX + 1,
	OPT_WAIT,
	OPT_NO_WAIT,
	OPT_DRY_RUN,
	OPT_ONELINE,
	OPT_PRINT_WAIT_TIME,
	OPT_LEADER_ONLY,
	OPT_NO_LEADER_ONLY,
	OPT_NO_HEADINGS,
	OPT_PRETTY,
	OPT_BARE,
	OPT_IGNORED,
	OPT_LOCAL, /* of the first command */
};

#define SHORT_OPTIONS "+hVd:f:t:u:v::p:c:C:"

static const struct {
	struct option option;
	const char *value_name, *help; /* help NULL: accepted, without effect */
} global_options[] = {
	{ { "db", required_argument, NULL, OPT_DB },
	  "DATABASE",
	  "connect to DATABASE: unix:PATH or tcp:HOST:PORT, several with commas" },
	{ { "wait", required_argument, NULL, OPT_WAIT },
	  "none|sb|hv",
	  "afterwards, wait for the southbound database, or for all hosts" },
	{ { "no-wait", no_argument, NULL, OPT_NO_WAIT }, NULL, "the same as --wait=none" },
	{ { "print-wait-time", no_argument, NULL, OPT_PRINT_WAIT_TIME },
	  NULL,
	  "print how long that took" },
	{ { "timeout", required_argument, NULL, 't' }, "SECONDS", "give up after SECONDS" },
	{ { "dry-run", no_argument, NULL, OPT_DRY_RUN }, NULL, "change nothing" },
	{ { "oneline", no_argument, NULL, OPT_ONELINE }, NULL, "print one line per command" },
	{ { "no-leader-only", no_argument, NULL, OPT_NO_LEADER_ONLY },
	  NULL,
	  "any server of a cluster will do" },
	{ { "leader-only", no_argument, NULL, OPT_LEADER_ONLY },
	  NULL,
	  "only a cluster's leader will do (the default)" },
	{ { "format", required_argument, NULL, 'f' },
	  "FORMAT",
	  "print tables as list, table, csv, html or json" },
	{ { "data", required_argument, NULL, 'd' },
	  "FORMAT",
	  "print values as string, bare or json" },
	{ { "no-headings", no_argument, NULL, OPT_NO_HEADINGS }, NULL, "omit the column names" },
	{ { "bare", no_argument, NULL, OPT_BARE },
	  NULL,
	  "the same as --format=list --data=bare --no-headings" },
	{ { "pretty", no_argument, NULL, OPT_PRETTY }, NULL, "print JSON on many lines" },
	{ { "help", no_argument, NULL, 'h' }, NULL, "print this and exit" },
	{ { "version", no_argument, NULL, 'V' }, NULL, "print the version and exit" },
	{ { "shuffle-remotes", no_argument, NULL, OPT_IGNORED }, NULL, NULL },
	{ { "no-shuffle-remotes", no_argument, NULL, OPT_IGNORED }, NULL, NULL },
	{ { "no-syslog", no_argument, NULL, OPT_IGNORED }, NULL, NULL },
	{ { "verbose", optional_argument, NULL, OPT_IGNORED }, NULL, NULL },
	{ { "log-file", optional_argument, NULL, OPT_IGNORED }, NULL, NULL },
	{ { "syslog-method", required_argument, NULL, OPT_IGNORED }, NULL, NULL },
	{ { "syslog-target", required_argument, NULL, OPT_IGNORED }, NULL, NULL },
};

static int parse_wait(const char *text, enum nb_wait *ret, struct err *err)
{
	if (!strcmp(text, "none"))
		*ret = NB_WAIT_NONE;
	else if (!strcmp(text, "sb"))
		*ret = NB_WAIT_SB;
	else if (!strcmp(text, "hv"))
		*ret = NB_WAIT_HV;
	else
		return err_set(err, -EINVAL, "--wait: \"%s\" is not none, sb or hv", text);
	return 0;
}

static int parse_style(int option, const char *text, struct db_style *style, struct err *err)
{
	if (option == 'f' && !db_format_parse(text, &style->format))
		return err_set(err, -EINVAL,
			       "--format: \"%s\" is not list, table, csv, html or json", text);
	if (option == 'd' && !db_cells_parse(text, &style->cells))
		return err_set(err, -EINVAL, "--data: \"%s\" is not string, bare or json", text);
	return 0;
}

static int apply_option(int option, const char *value, struct nb_line *line, struct err *err)
{
	switch (option) {
	case OPT_DB: line->db = value; break;
	case OPT_WAIT: return parse_wait(value, &line->wait, err);
	case OPT_NO_WAIT: line->wait = NB_WAIT_NONE; break;
	case OPT_DRY_RUN: line->dry_run = true; break;
	case OPT_ONELINE: line->oneline = true; break;
	case OPT_PRINT_WAIT_TIME: line->print_wait_time = true; break;
	case OPT_LEADER_ONLY: line->leader_only = true; break;
	case OPT_NO_LEADER_ONLY: line->leader_only = false; break;
	case OPT_NO_HEADINGS: line->style.no_headings = true; break;
	case OPT_PRETTY: line->style.pretty = true; break;
	case OPT_BARE:
		line->style = (struct db_style){ DB_FORMAT_LIST, DB_CELLS_BARE, true, false };
		break;
	case 'f':
	case 'd': return parse_style(option, value, &line->style, err);
	case 'h': line->help = true; break;
	case 'V': line->version = true; break;
	case 't':
		if (!str_to_int(value, 1, INT_MAX, &line->timeout_s))
			return err_set(err, -EINVAL, "--timeout: \"%s\" is no number of seconds",
				       value);
		break;
	case 'u': return err_set(err, -ENOTSUP, "-u: there is no daemon mode, every call is fast");
	case 'p':
	case 'c':
	case 'C': return err_set(err, -ENOTSUP, "-%c: ssl: connections are not supported", option);
	default: break; /* 'v', OPT_IGNORED */
	}
	return 0;
}

/* ---- options of commands ---- */

/* "--may-exist,--id=": calls add for each name, without dashes and "=". */
static void each_option(const char *options,
			void (*add)(void *arg, const char *name, bool has_value), void *arg)
{
	AUTO_FREE char *copy = xstrdup(options);
	char *save = NULL;

	for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		char *equals = strchr(name, '=');

		if (equals)
			*equals = '\0';
		add(arg, name + 2, equals);
	}
}

struct option_table {
	VEC(struct option) list; /* names of local options are owned */
};

static void add_local_option(void *arg, const char *name, bool has_value)
{
	struct option_table *table = arg;

	VEC_FOREACH(o, table->list)
		if (!strcmp(o->name, name))
			return;
	VEC_ADD(table->list,
		((struct option){ xstrdup(name), has_value ? required_argument : no_argument, NULL,
				  OPT_LOCAL }));
}

static void option_table_init(struct option_table *table)
{
	*table = (struct option_table){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(global_options); i++)
		VEC_ADD(table->list, global_options[i].option);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (const struct nb_command *c = groups[i].commands; c->name; c++)
			each_option(c->options, add_local_option, table);
	VEC_ADD(table->list, (struct option){ 0 });
}

static void option_table_done(struct option_table *table)
{
	VEC_FOREACH(o, table->list)
		if (o->val == OPT_LOCAL)
			free((char *)o->name);
	VEC_DONE(table->list);
}

const struct nb_option *nb_option(const struct nb_ctx *ctx, const char *name)
{
	VEC_FOREACH(option, ctx->options)
		if (!strcmp(option->name, name))
			return option;
	return NULL;
}

bool nb_has_option(const struct nb_ctx *ctx, const char *name)
{
	return nb_option(ctx, name);
}

static int add_option(struct nb_ctx *ctx, const char *name, size_t len, const char *value,
		      struct err *err)
{
	struct nb_option option = { xstrndup(name, len), value };

	if (nb_option(ctx, option.name)) {
		err_set(err, -EINVAL, "option %s is given twice", option.name);
		free(option.name);
		return -EINVAL;
	}
	VEC_ADD(ctx->options, option);
	return 0;
}

static int parse_globals(int argc, char **argv, struct nb_line *line, struct nb_ctx *first,
			 struct err *err)
{
	struct option_table table;
	int option, index = 0, r = 0;

	option_table_init(&table);
	optind = 0;
	opterr = 0;
	while (r == 0) {
		option = getopt_long(argc, argv, SHORT_OPTIONS, table.list.v, &index);
		if (option == -1)
			break;
		if (option == '?') {
			r = err_set(err, -EINVAL,
				    "option \"%s\" is unknown, ambiguous or lacks its value",
				    argv[optind - 1]);
		} else if (option == OPT_LOCAL) {
			AUTO_FREE char *name = xasprintf("--%s", table.list.v[index].name);

			r = add_option(first, name, strlen(name), optarg, err);
		} else {
			r = apply_option(option, optarg, line, err);
		}
	}
	option_table_done(&table);
	return r;
}

/* ---- commands ---- */

struct option_check {
	const char *name;
	bool is_known, has_value;
};

static void compare_option(void *arg, const char *name, bool has_value)
{
	struct option_check *check = arg;

	if (strcmp(check->name + 2, name))
		return;
	check->is_known = true;
	check->has_value = has_value;
}

static int check_options(const struct nb_ctx *ctx, struct err *err)
{
	VEC_FOREACH(option, ctx->options) {
		struct option_check check = { .name = option->name };

		if (strlen(option->name) > 2)
			each_option(ctx->command->options, compare_option, &check);
		if (!check.is_known)
			return err_set(err, -EINVAL, "%s has no option %s", ctx->command->name,
				       option->name);
		if (check.has_value && !option->value)
			return err_set(err, -EINVAL, "%s: option %s needs a value",
				       ctx->command->name, option->name);
		if (!check.has_value && option->value)
			return err_set(err, -EINVAL, "%s: option %s takes no value",
				       ctx->command->name, option->name);
	}
	return 0;
}

static int check_count(const struct nb_ctx *ctx, struct err *err)
{
	const struct nb_command *command = ctx->command;
	int n = ctx->argc - 1;
	bool has_dash = false;

	if (n < command->min)
		return err_set(err, -EINVAL, "%s needs at least %d argument%s: %s %s",
			       command->name, command->min, command->min == 1 ? "" : "s",
			       command->name, command->args);
	if (command->max < 0 || n <= command->max)
		return 0;
	for (int i = 1; i <= n; i++)
		has_dash |= ctx->argv[i][0] == '-';
	return err_set(err, -EINVAL, "%s takes at most %d argument%s: %s %s%s", command->name,
		       command->max, command->max == 1 ? "" : "s", command->name, command->args,
		       has_dash ? " (a command's options go before its name)" : "");
}

/* Options before the name, arguments after it. */
static int parse_command(int argc, char **argv, struct nb_ctx *ctx, struct err *err)
{
	int r = 0, i = 0;

	for (; i < argc && argv[i][0] == '-' && r == 0; i++) {
		const char *equals = strchr(argv[i], '=');
		size_t len = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);

		r = add_option(ctx, argv[i], len, equals ? equals + 1 : NULL, err);
	}
	if (r < 0)
		return r;
	if (i == argc)
		return err_set(err, -EINVAL,
			       "a command is missing; \"heddle nb --help\" lists them");
	ctx->command = find_command(argv[i]);
	if (!ctx->command)
		return err_set(err, -EINVAL,
			       "unknown command \"%s\"; \"heddle nb --help\" lists them", argv[i]);
	ctx->argc = argc - i;
	ctx->argv = argv + i;
	r = check_options(ctx, err);
	return r < 0 ? r : check_count(ctx, err);
}

static void ctx_done(struct nb_ctx *ctx)
{
	VEC_FOREACH(option, ctx->options)
		free(option->name);
	VEC_DONE(ctx->options);
	str_done(&ctx->output);
	str_done(&ctx->warnings);
	db_table_free(ctx->table);
}

static int parse_commands(int argc, char **argv, struct nb_line *line, struct nb_ctx *ctx,
			  struct err *err)
{
	int start = 0, r = 0;

	for (int i = 0; i <= argc && r == 0; i++) {
		if (i < argc && strcmp(argv[i], "--"))
			continue;
		if (i > start || ctx->options.n) {
			r = parse_command(i - start, argv + start, ctx, err);
			VEC_ADD(line->commands, *ctx);
			*ctx = (struct nb_ctx){ 0 };
		}
		start = i + 1;
	}
	if (r < 0)
		return r;
	if (!line->commands.n)
		return err_set(err, -EINVAL,
			       "a command is missing; \"heddle nb --help\" lists them");
	line->commands.v[line->commands.n - 1].is_last = true;
	return 0;
}

int nb_line_parse(int argc, char **argv, struct nb_line *ret, struct err *err)
{
	struct nb_ctx ctx = { 0 };
	int r;

	*ret = (struct nb_line){ .leader_only = true };
	r = parse_globals(argc, argv, ret, &ctx, err);
	if (r == 0 && !ret->help && !ret->version)
		r = parse_commands(argc - optind, argv + optind, ret, &ctx, err);
	ctx_done(&ctx);
	return r;
}

void nb_line_done(struct nb_line *line)
{
	VEC_FOREACH(ctx, line->commands)
		ctx_done(ctx);
	VEC_DONE(line->commands);
}

/* ---- help ---- */

static void print_command(const struct nb_command *command)
{
	AUTO_FREE char *options = xstrdup(command->options);
	struct str left = STR_INIT;
	char *save = NULL;

	for (char *o = strtok_r(options, ",", &save); o; o = strtok_r(NULL, ",", &save))
		str_addf(&left, "[%s%s] ", o, o[strlen(o) - 1] == '=' ? "..." : "");
	str_addf(&left, "%s %s", command->name, command->args);
	if (left.len > 36)
		printf("  %s\n%40s%s\n", str_c(&left), "", command->help);
	else
		printf("  %-36s  %s\n", str_c(&left), command->help);
	str_done(&left);
}

void nb_print_help(void)
{
	puts("usage: heddle nb [OPTION]... COMMAND [ARGUMENT]... [-- COMMAND ...]...\n\n"
	     "Changes and shows the logical network: the northbound database, in ovn-nbctl's language.\n"
	     "All commands of a line are one transaction.  A command's own options go before its name.");
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		printf("\n%s:\n", groups[i].title);
		for (const struct nb_command *c = groups[i].commands; c->name; c++)
			print_command(c);
	}
	puts("\noptions:");
	for (size_t i = 0; i < ARRAY_SIZE(global_options); i++) {
		const struct option *o = &global_options[i].option;
		char left[64], letter[8] = "    ";

		if (!global_options[i].help)
			continue;
		if (o->val <= UCHAR_MAX)
			snprintf(letter, sizeof(letter), "-%c, ", (char)o->val);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name,
			 global_options[i].value_name ? "=" : "",
			 global_options[i].value_name ?: "");
		printf("  %-28s  %s\n", left, global_options[i].help);
	}
	puts("\nDATABASE is $OVN_NB_DB by default, else unix:$OVN_RUNDIR/ovnnb_db.sock, where OVN_RUNDIR\n"
	     "is /run/ovn unless it is set.  The words of $OVN_NBCTL_OPTIONS go before those of the line.");
}
