/* SPDX-License-Identifier: Apache-2.0 */
/* "heddle nb": parse, run the commands on a view of the database, commit, print.  If somebody else changes what
 * was read before the commit, everything is run again from the start. */
#include "cli/nb.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/nb_parse.h"
#include "cli/nb_session.h"
#include "cli/nb_words.h"
#include "ovsdb/socket_path.h"
#include "schema/nb.h"
#include "util/auto.h"
#include "util/err.h"
#include "version.h"

#define NB_CFG (&nb_global_columns[NB_GLOBAL_NB_CFG])

/* ---- what is waited for ---- */

struct interests {
	VEC(struct client_interest) list;
	VEC(json_t *) conditions;
};

static struct client_interest *add_interest(struct interests *interests,
					    const struct ovsdb_table *table, json_t *condition)
{
	for (size_t i = 0; i < interests->list.n; i++) {
		if (interests->list.v[i].table != table)
			continue;
		if (interests->conditions.v[i] && condition)
			json_array_extend(interests->conditions.v[i], condition);
		else
			interests->conditions.v[i] = NULL;
		return &interests->list.v[i];
	}
	VEC_ADD(interests->list, ((struct client_interest){ .table = table }));
	VEC_ADD(interests->conditions, condition);
	return &interests->list.v[interests->list.n - 1];
}

/* Wrong names are left for the command itself to complain about. */
static void add_wait_until(struct interests *interests, const struct nb_ctx *ctx)
{
	const struct ovsdb_column *column;
	const struct ovsdb_table *table;
	struct client_interest *interest;

	if (nb_find_table(ctx->argv[1], &table, NULL) < 0)
		return;
	interest = add_interest(interests, table, nb_row_condition(table, ctx->argv[2]));
	interest->columns |= nb_row_name_columns(table);
	for (int i = 3; i < ctx->argc; i++)
		if (nb_argument_column(table, ctx->argv[i], &column, NULL) == 0)
			interest->columns |= OVSDB_COL(column->index);
}

static void find_interests(const struct nb_line *line, struct interests *interests)
{
	VEC_FOREACH(ctx, line->commands)
		if (!strcmp(ctx->command->name, "wait-until"))
			add_wait_until(interests, ctx);
	if (line->wait != NB_WAIT_NONE)
		add_interest(interests, &nb_global_table, NULL)->columns |=
			OVSDB_COL(NB_GLOBAL_NB_CFG) | OVSDB_COL(NB_GLOBAL_SB_CFG) |
			OVSDB_COL(NB_GLOBAL_HV_CFG);
}

static int open_session(const struct nb_line *line, struct nb_session **ret, struct err *err)
{
	AUTO_FREE char *path = socket_path_ovn("ovnnb_db.sock");
	AUTO_FREE char *socket = xasprintf("unix:%s", path);
	struct interests interests = { 0 };
	int r;

	find_interests(line, &interests);
	r = nb_session_open(&(struct nb_session_opts){
				    .remotes = line->db ?: getenv("OVN_NB_DB") ?: socket,
				    .leader_only = line->leader_only,
				    .timeout_ms = (uint64_t)line->timeout_s * 1000,
				    .interests = interests.list.v,
				    .conditions = interests.conditions.v,
				    .n_interests = interests.list.n,
			    },
			    ret, err);
	VEC_DONE(interests.list);
	VEC_DONE(interests.conditions);
	return r;
}

/* ---- one run of the commands ---- */

/* Rows that "--id=@x create" will make get their uuids first, for other commands may refer to them before. */
static int name_created_rows(struct nb_line *line, struct nb_run *run, struct err *err)
{
	VEC_FOREACH(ctx, line->commands) {
		const struct nb_option *id = nb_option(ctx, "--id");
		const struct ovsdb_table *table;
		int r;

		if (!id)
			continue;
		if (id->value[0] != '@')
			return err_set(err, -EINVAL, "row id \"%s\" does not begin with \"@\"",
				       id->value);
		if (strcmp(ctx->command->name, "create"))
			continue;
		if (nb_symbol(run, id->value))
			return err_set(err, -EINVAL, "row id \"%s\" is given by two --id options",
				       id->value);
		r = nb_find_table(ctx->argv[1], &table, err);
		if (r < 0)
			return r;
		VEC_ADD(run->symbols,
			((struct nb_symbol){ id->value, txn_insert(nb_view_txn(run->view), table),
					     false, table->is_root }));
	}
	return 0;
}

static void expect_by_name(struct nb_view *view, const struct ovsdb_table *table,
			   const struct ovsdb_column *name, const char *id)
{
	struct uuid uuid;

	if (uuid_parse(id, &uuid))
		nb_view_expect(view, table, &uuid, OVSDB_COL(name->index));
	else
		nb_view_expect_find(view, table, name, id, 0);
}

/* One round trip for what is sure to be read. */
static void expect_all(struct nb_view *view, const struct nb_line *line)
{
	nb_view_expect_all(view, &nb_global_table, OVSDB_COL(NB_GLOBAL_NB_CFG));
	VEC_FOREACH(ctx, line->commands) {
		unsigned int needs = ctx->command->needs;

		if ((needs & NB_NEEDS_SWITCH) && ctx->argc > 1)
			expect_by_name(view, &nb_ls_table, &nb_ls_columns[NB_LS_NAME],
				       ctx->argv[1]);
		if ((needs & NB_NEEDS_PORT) && ctx->argc > 1)
			expect_by_name(view, &nb_lsp_table, &nb_lsp_columns[NB_LSP_NAME],
				       ctx->argv[1]);
		if ((needs & NB_NEEDS_PORT2) && ctx->argc > 2)
			expect_by_name(view, &nb_lsp_table, &nb_lsp_columns[NB_LSP_NAME],
				       ctx->argv[2]);
	}
}

static int run_command(struct nb_ctx *ctx, struct nb_run *run, const struct nb_line *line,
		       struct err *err)
{
	int r;

	ctx->run = run;
	ctx->view = run->view;
	ctx->err = err;
	ctx->style = &line->style;
	ctx->try_again = false;
	ctx->created = NULL;
	str_clear(&ctx->output);
	str_clear(&ctx->warnings);
	db_table_free(TAKE(ctx->table));
	r = ctx->command->run(ctx);
	/* An error of the connection makes other errors appear; it is the one to tell. */
	return nb_view_error(run->view, err) ?: r;
}

static int run_commands(struct nb_line *line, struct nb_run *run, bool *ret_again, struct err *err)
{
	int r;

	*ret_again = false;
	r = name_created_rows(line, run, err);
	if (r < 0)
		return r;
	expect_all(run->view, line);
	if (!nb_view_all(run->view, &nb_global_table, OVSDB_COL(NB_GLOBAL_NB_CFG))->rows.n)
		nb_row_insert(run->view, &nb_global_table);
	VEC_FOREACH(ctx, line->commands) {
		r = run_command(ctx, run, line, err);
		if (r < 0)
			return r;
		if (ctx->try_again) {
			*ret_again = true;
			return 0;
		}
	}
	return 0;
}

void nb_warn(struct nb_ctx *ctx, const char *format, ...)
{
	char text[sizeof(((struct err *)NULL)->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	str_addf(&ctx->warnings, "heddle nb: warning: %s\n", text);
}

static void print_warnings(const struct nb_line *line)
{
	VEC_FOREACH(ctx, line->commands)
		fputs(str_c(&ctx->warnings), stderr);
}

static void warn_of_lost_rows(const struct nb_line *line, const struct nb_run *run)
{
	VEC_FOREACH(symbol, run->symbols)
		if (!symbol->is_referenced && !symbol->is_root)
			fprintf(stderr,
				"heddle nb: warning: row \"%s\" is referred to by no other row, so it will "
				"not be kept\n",
				symbol->name);
	VEC_FOREACH(ctx, line->commands)
		if (ctx->created && !ctx->created->table->is_root && !nb_has_option(ctx, "--id"))
			fprintf(stderr,
				"heddle nb: warning: a row of %s is kept only if another row refers to it: "
				"use --id=@NAME create ...\n",
				ctx->created->table->name);
}

/* ---- commit ---- */

static bool forces_wait(const struct nb_line *line)
{
	VEC_FOREACH(ctx, line->commands)
		if (!strcmp(ctx->command->name, "sync"))
			return true;
	return false;
}

/* Raises nb_cfg, and asks for its new value. */
static void add_increment(struct nb_view *view)
{
	const struct nb_rows *rows =
		nb_view_all(view, &nb_global_table, OVSDB_COL(NB_GLOBAL_NB_CFG));
	struct txn *txn = nb_view_txn(view);

	txn_increment(txn, &nb_global_table, &rows->rows.v[0]->uuid, NB_CFG, 1);
	txn_raw(txn, json_pack("{ss ss s[] s[s]}", "op", "select", "table", nb_global_table.name,
			       "where", "columns", NB_CFG->name));
}

static int64_t read_increment(const json_t *results)
{
	const json_t *rows = NULL;

	for (size_t i = 0; i < json_array_size(results) && !rows; i++)
		rows = json_object_get(json_array_get(results, i), "rows");
	return json_integer_value(json_object_get(json_array_get(rows, 0), NB_CFG->name));
}

/* Returns 0, -EAGAIN, or another error.  *ret_cfg is the new nb_cfg, or 0 if it was not raised. */
static int commit(const struct nb_line *line, struct nb_session *session, struct nb_view *view,
		  int64_t *ret_cfg, struct err *err)
{
	struct txn *txn = nb_view_txn(view);
	bool is_empty = txn_is_empty(txn);
	enum txn_outcome outcome;
	json_t *results;
	int r;

	*ret_cfg = 0;
	if (line->dry_run)
		return 0;
	if (line->wait != NB_WAIT_NONE && (!is_empty || forces_wait(line))) {
		add_increment(view);
		is_empty = false;
	}
	if (is_empty)
		return 0;
	r = nb_session_transact(session, txn_to_json(txn), &results, err);
	if (r < 0)
		return r;
	outcome = txn_read_result(txn, results, err);
	if (outcome == TXN_OK)
		*ret_cfg = read_increment(results);
	json_decref(results);
	switch (outcome) {
	case TXN_OK: return 0;
	case TXN_AGAIN: return -EAGAIN;
	case TXN_NOT_OWNER:
	case TXN_ERROR: break;
	}
	return err_prefix(err, "the database refuses the change");
}

static void add_comment(struct txn *txn, int argc, char **argv)
{
	struct str line = STR_INIT;

	str_add(&line, "heddle");
	for (int i = 0; i < argc; i++)
		str_addf(&line, " %s", argv[i]);
	txn_comment(txn, "%s", str_c(&line));
	str_done(&line);
}

/* ---- after the commit ---- */

static int64_t reached_cfg(struct nb_session *session, enum nb_wait wait)
{
	const struct nb_global *global = nb_global_first(nb_session_replica(session));
	int64_t sb, hv;

	if (!global)
		return 0;
	sb = nb_global_sb_cfg(global);
	hv = nb_global_hv_cfg(global);
	return wait == NB_WAIT_HV && hv < sb ? hv : sb;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int wait_for_cfg(const struct nb_line *line, struct nb_session *session, int64_t cfg,
			struct err *err)
{
	uint64_t start_ms = now_ms();
	int r = 0;

	while (r == 0 && reached_cfg(session, line->wait) < cfg)
		r = nb_session_wait_change(session, err);
	if (r == 0 && line->print_wait_time)
		printf("waited %" PRIu64 " ms for %s to reach nb_cfg %" PRId64 "\n",
		       now_ms() - start_ms,
		       line->wait == NB_WAIT_HV ? "all hosts" : "the southbound database", cfg);
	return r;
}

static void print_oneline(const char *text, struct str *out)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '\n')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			str_add(out, "\\n");
		else if (text[i] == '\\')
			str_add(out, "\\\\");
		else
			str_addc(out, text[i]);
	}
	str_addc(out, '\n');
}

static void print_created(struct nb_ctx *ctx)
{
	struct uuid uuid = ctx->created->uuid;
	char text[UUID_TEXT_SIZE];

	txn_inserted_uuid(nb_view_txn(ctx->view), &ctx->created->uuid, &uuid);
	str_addf(&ctx->output, "%s\n", uuid_format(&uuid, text));
}

static void print_output(struct nb_line *line)
{
	struct str out = STR_INIT;
	bool is_first = true;

	VEC_FOREACH(ctx, line->commands) {
		if (ctx->created)
			print_created(ctx);
		if (ctx->table) {
			db_table_print(ctx->table, is_first, &out);
			is_first = false;
		} else if (line->oneline) {
			print_oneline(str_c(&ctx->output), &out);
		} else {
			str_add(&out, str_c(&ctx->output));
		}
	}
	fputs(str_c(&out), stdout);
	str_done(&out);
}

/* ---- all of it ---- */

/* Returns 0 when done, -EAGAIN to be called again, or another error. */
static int attempt(struct nb_line *line, struct nb_session *session, int argc, char **argv,
		   struct err *err)
{
	struct nb_run run = { .view = nb_view_new(&nb_schema, session) };
	bool again = false;
	int64_t cfg = 0;
	int r;

	add_comment(nb_view_txn(run.view), argc, argv);
	r = run_commands(line, &run, &again, err);
	if (r == 0 && again)
		r = nb_session_wait_change(session, err) ?: -EAGAIN;
	if (r == 0)
		r = commit(line, session, run.view, &cfg, err);
	if (r == 0) {
		print_warnings(line);
		warn_of_lost_rows(line, &run);
		print_output(line);
		if (cfg)
			r = wait_for_cfg(line, session, cfg, err);
	}
	VEC_DONE(run.symbols);
	nb_view_free(run.view);
	return r;
}

static int run_line(struct nb_line *line, int argc, char **argv, struct err *err)
{
	struct nb_session *session = NULL;
	int r;

	r = open_session(line, &session, err);
	if (r < 0)
		return r;
	do
		r = attempt(line, session, argc, argv, err);
	while (r == -EAGAIN);
	nb_session_close(session);
	return r;
}

/* The database holds nothing else, and would not say which argument it was. */
static int check_utf8(int argc, char **argv, struct err *err)
{
	for (int i = 1; i < argc; i++) {
		json_t *json = json_string(argv[i]);

		json_decref(json);
		if (!json)
			return err_set(err, -EINVAL, "argument %d is not UTF-8", i);
	}
	return 0;
}

/* One line, whatever the words that it repeats. */
static void print_error(const struct err *err)
{
	fputs("heddle nb: ", stderr);
	for (const char *p = err->text; *p; p++)
		fputc(iscntrl((unsigned char)*p) ? '?' : *p, stderr);
	fputc('\n', stderr);
}

/* The command line with the words of OVN_NBCTL_OPTIONS in front, and NULL behind. */
static void add_environment(int argc, char **argv, struct nb_words *words)
{
	VEC_ADD(words->list, xstrdup(argv[0]));
	nb_words_split(getenv("OVN_NBCTL_OPTIONS") ?: "", words);
	for (int i = 1; i < argc; i++)
		VEC_ADD(words->list, xstrdup(argv[i]));
	VEC_ADD(words->list, NULL);
}

/* What needs no database is done at once. */
static int run(int argc, char **argv, struct err *err)
{
	struct nb_line line = { 0 };
	int r;

	r = check_utf8(argc, argv, err);
	if (r == 0)
		r = nb_line_parse(argc, argv, &line, err);
	if (r == 0 && line.help)
		nb_print_help();
	else if (r == 0 && line.version)
		printf("heddle nb %s, %s %s\n", HEDDLE_VERSION, nb_schema.name, nb_schema.version);
	else if (r == 0)
		r = run_line(&line, argc, argv, err);
	nb_line_done(&line);
	return r;
}

int nb_main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct nb_words words = { 0 };
	int r;

	add_environment(argc, argv, &words);
	r = run((int)words.list.n - 1, words.list.v, &err);
	nb_words_done(&words);
	fflush(stdout);
	if (r < 0)
		print_error(&err);
	if (r == -ETIMEDOUT) {
		/* ovn-nbctl ends by this signal when its time is up, and scripts know the status. */
		signal(SIGALRM, SIG_DFL);
		raise(SIGALRM);
	}
	return r < 0 ? 1 : 0; /* ovn-nbctl knows no other status, for wrong usage either */
}
