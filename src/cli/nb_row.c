/* SPDX-License-Identifier: Apache-2.0 */
/* The generic commands: any table, row and column (ovs-vsctl(8), "Database Command Syntax"). */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cli/nb.h"
#include "util/auto.h"
#include "util/err.h"

static const char *const assign[] = { "=", NULL };

static const struct ovsdb_column uuid_column = {
	.name = "_uuid",
	.key = OVSDB_UUID,
	.min = 1,
	.max = 1,
};

/* The table that argv[1] names, and the columns that argv[first...] begin with: wrong names are said
 * whether or not there is a row. */
static int check_names(struct nb_ctx *ctx, int first, const struct ovsdb_table **ret)
{
	const struct ovsdb_column *column;
	int r;

	r = nb_find_table(ctx->argv[1], ret, ctx->err);
	for (int i = first; i < ctx->argc && r == 0; i++)
		r = nb_argument_column(*ret, ctx->argv[i], &column, ctx->err);
	return r;
}

/* *ret is NULL where --if-exists forgives that there is no such row. */
static int find_record(struct nb_ctx *ctx, const struct ovsdb_table *table, const char *id,
		       struct nb_row **ret)
{
	return nb_find_row(ctx, table, id, !nb_has_option(ctx, "--if-exists"), ret);
}

/* ---- get ---- */

/* No other command reads it, or knows the second spelling. */
static bool is_uuid_column(const char *name)
{
	return !strcasecmp(name, "_uuid") || !strcasecmp(name, "-uuid");
}

static int check_names_to_get(struct nb_ctx *ctx, const struct ovsdb_table **ret)
{
	const struct ovsdb_column *column;
	int r;

	r = nb_find_table(ctx->argv[1], ret, ctx->err);
	for (int i = 3; i < ctx->argc && r == 0; i++)
		if (!is_uuid_column(ctx->argv[i]))
			r = nb_argument_column(*ret, ctx->argv[i], &column, ctx->err);
	return r;
}

static int get_key(struct nb_ctx *ctx, const struct nb_argument *argument,
		   const struct ovsdb_datum *datum)
{
	struct db_names names = nb_names(ctx->run);
	union ovsdb_atom key;
	long at;
	int r;

	r = db_atom_parse(argument->key, argument->column, &names, &key, ctx->err);
	if (r < 0)
		return r;
	at = ovsdb_datum_find(datum, argument->column, key);
	db_atom_done(argument->column->key, &key);
	if (at >= 0)
		db_atom_print(&ctx->output, argument->column->value, &datum->values[at]);
	else if (!nb_has_option(ctx, "--if-exists"))
		return err_set(ctx->err, -ENOENT, "%s \"%s\": column %s has no key \"%s\"",
			       ctx->argv[1], ctx->argv[2], argument->column->name, argument->key);
	return 0;
}

static int get_column(struct nb_ctx *ctx, struct nb_row *row, const char *text)
{
	struct nb_argument argument;
	const struct ovsdb_datum *datum;
	char uuid[UUID_TEXT_SIZE];
	int r;

	if (is_uuid_column(text)) {
		str_addf(&ctx->output, "%s\n", uuid_format(&row->uuid, uuid));
		return 0;
	}
	r = nb_argument_parse(row->table, text, NULL, &argument, ctx->err);
	if (r == 0) {
		nb_row_verify(ctx->view, row, argument.column);
		datum = nb_row_datum(ctx->view, row, argument.column);
		if (argument.key)
			r = get_key(ctx, &argument, datum);
		else
			db_datum_print(&ctx->output, datum, argument.column);
		str_addc(&ctx->output, '\n');
	}
	nb_argument_done(&argument);
	return r;
}

static int name_row(struct nb_ctx *ctx, const char *name, const struct nb_row *row)
{
	if (nb_symbol(ctx->run, name))
		return err_set(ctx->err, -EINVAL,
			       "row id \"%s\" was used before \"get\" defines it", name);
	VEC_ADD(ctx->run->symbols, ((struct nb_symbol){ name, row->uuid, true, true }));
	return 0;
}

static int cmd_get(struct nb_ctx *ctx)
{
	const struct nb_option *id = nb_option(ctx, "--id");
	const struct ovsdb_table *table;
	struct nb_row *row;
	int r;

	if (id && nb_has_option(ctx, "--if-exists"))
		return err_set(ctx->err, -EINVAL, "--if-exists and --id exclude each other");
	r = check_names_to_get(ctx, &table);
	if (r == 0)
		r = find_record(ctx, table, ctx->argv[2], &row);
	if (r < 0 || !row)
		return r;
	if (id)
		r = name_row(ctx, id->value, row);
	for (int i = 3; i < ctx->argc && r == 0; i++)
		r = get_column(ctx, row, ctx->argv[i]);
	return r;
}

/* ---- list, find ---- */

struct columns {
	VEC(const struct ovsdb_column *) list;
	uint64_t mask;
};

static void add_column(struct columns *columns, const struct ovsdb_column *column)
{
	VEC_ADD(columns->list, column);
	if (column != &uuid_column)
		columns->mask |= OVSDB_COL(column->index);
}

static int by_name(const void *a, const void *b)
{
	const struct ovsdb_column *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* names: "a,b c", or NULL: all, in alphabetical order. */
static int read_columns(struct nb_ctx *ctx, const struct ovsdb_table *table, const char *names,
			struct columns *columns)
{
	AUTO_FREE char *copy = names ? xstrdup(names) : NULL;
	const struct ovsdb_column *column = &uuid_column;
	char *save = NULL;
	int r = 0;

	if (!names) {
		add_column(columns, &uuid_column); /* sorts before letters */
		for (size_t i = 0; i < table->n_columns; i++)
			add_column(columns, &table->columns[i]);
		qsort(columns->list.v, columns->list.n, sizeof(*columns->list.v), by_name);
		columns->mask = OVSDB_ALL_COLUMNS;
		return 0;
	}
	for (char *name = strtok_r(copy, ", ", &save); name && r == 0;
	     name = strtok_r(NULL, ", ", &save)) {
		column = &uuid_column;
		if (strcasecmp(name, "_uuid"))
			r = nb_find_column(table, name, &column, ctx->err);
		if (r == 0)
			add_column(columns, column);
	}
	if (r == 0 && !columns->list.n)
		return err_set(ctx->err, -EINVAL, "--columns: name at least one column");
	return r;
}

static void list_row(struct nb_ctx *ctx, struct nb_row *row, const struct columns *columns)
{
	db_table_row(ctx->table);
	VEC_FOREACH(column, columns->list) {
		union ovsdb_atom uuid = { .uuid = row->uuid };
		struct ovsdb_datum datum = { 1, &uuid, NULL };

		db_table_cell(ctx->table,
			      *column == &uuid_column ? &datum
						      : nb_row_datum(ctx->view, row, *column),
			      *column);
	}
}

static int start_table(struct nb_ctx *ctx, const struct ovsdb_table *table, struct columns *columns)
{
	const struct nb_option *names = nb_option(ctx, "--columns");
	int r;

	r = read_columns(ctx, table, names ? names->value : NULL, columns);
	if (r < 0)
		return r;
	ctx->table = db_table_new(ctx->style);
	VEC_FOREACH(column, columns->list)
		db_table_heading(ctx->table, (*column)->name);
	return 0;
}

static int list_records(struct nb_ctx *ctx, const struct ovsdb_table *table,
			const struct columns *columns)
{
	struct nb_row *row;
	int r;

	for (int i = 2; i < ctx->argc; i++) {
		r = find_record(ctx, table, ctx->argv[i], &row);
		if (r < 0)
			return r;
		if (!row)
			continue;
		nb_view_expect(ctx->view, table, &row->uuid, columns->mask);
		list_row(ctx, row, columns);
	}
	return 0;
}

static void list_all(struct nb_ctx *ctx, const struct ovsdb_table *table,
		     const struct columns *columns)
{
	const struct nb_rows *rows = nb_view_all(ctx->view, table, columns->mask);

	VEC_FOREACH(row, rows->rows)
		list_row(ctx, *row, columns);
}

static int cmd_list(struct nb_ctx *ctx)
{
	struct columns columns = { 0 };
	const struct ovsdb_table *table;
	int r;

	r = nb_find_table(ctx->argv[1], &table, ctx->err);
	if (r == 0)
		r = start_table(ctx, table, &columns);
	if (r == 0 && ctx->argc > 2)
		r = list_records(ctx, table, &columns);
	else if (r == 0)
		list_all(ctx, table, &columns);
	VEC_DONE(columns.list);
	return r;
}

static int satisfies_all(struct nb_ctx *ctx, struct nb_row *row, bool *ret)
{
	int r = 0;

	*ret = true;
	for (int i = 2; i < ctx->argc && *ret && r == 0; i++)
		r = nb_condition_holds(ctx, row, ctx->argv[i], ret);
	return r;
}

/* What the server can look for.  It stops at a condition that is an error, which is told only if a row satisfies
 * all before it: those behind it must not hide that row. */
static json_t *conditions_to_where(const struct nb_ctx *ctx, const struct ovsdb_table *table)
{
	json_t *where = json_array(), *clause;

	for (int i = 2; i < ctx->argc; i++) {
		if (nb_condition_to_where(table, ctx->argv[i], &clause) < 0)
			break;
		if (clause)
			json_array_append_new(where, clause);
	}
	return where;
}

static int find_rows(struct nb_ctx *ctx, const struct ovsdb_table *table, struct columns *columns)
{
	uint64_t mask = columns->mask;
	const struct nb_rows *rows;
	bool found;
	int r = 0;

	for (int i = 2; i < ctx->argc; i++) {
		const struct ovsdb_column *column;

		if (nb_argument_column(table, ctx->argv[i], &column, NULL) == 0)
			mask |= OVSDB_COL(column->index);
	}
	rows = nb_view_where(ctx->view, table, conditions_to_where(ctx, table), mask);
	VEC_FOREACH(row, rows->rows) {
		r = satisfies_all(ctx, *row, &found);
		if (r < 0)
			break;
		if (found)
			list_row(ctx, *row, columns);
	}
	return r;
}

static int cmd_find(struct nb_ctx *ctx)
{
	struct columns columns = { 0 };
	const struct ovsdb_table *table;
	int r;

	r = check_names(ctx, 2, &table);
	if (r == 0)
		r = start_table(ctx, table, &columns);
	if (r == 0)
		r = find_rows(ctx, table, &columns);
	VEC_DONE(columns.list);
	return r;
}

/* ---- set ---- */

/* Adds a set's element (value NULL), or gives a map's key a value; no change if it is there. */
static void put_element(struct nb_ctx *ctx, struct nb_row *row, const struct ovsdb_column *column,
			union ovsdb_atom *key, union ovsdb_atom *value)
{
	const struct ovsdb_datum *have = nb_row_datum(ctx->view, row, column);
	long at = ovsdb_datum_find(have, column, *key);

	if (at >= 0 && (!value || !ovsdb_atom_cmp(column->value, have->values[at], *value)))
		return;
	if (at >= 0)
		nb_row_remove(ctx->view, row, column, &(struct ovsdb_datum){ 1, key, NULL });
	nb_row_add(ctx->view, row, column, &(struct ovsdb_datum){ 1, key, value });
}

static int set_key(struct nb_ctx *ctx, struct nb_row *row, const struct nb_argument *argument)
{
	const struct ovsdb_column *column = argument->column;
	struct ovsdb_column values = db_values_of(column);
	struct db_names names = nb_names(ctx->run);
	union ovsdb_atom key, value;
	int r;

	r = db_atom_parse(argument->key, column, &names, &key, ctx->err);
	if (r < 0)
		return r;
	r = db_atom_parse(argument->value, &values, &names, &value, ctx->err);
	if (r == 0) {
		put_element(ctx, row, column, &key, &value);
		db_atom_done(column->value, &value);
	}
	db_atom_done(column->key, &key);
	return r;
}

static int set_column(struct nb_ctx *ctx, struct nb_row *row, const char *text)
{
	struct db_names names = nb_names(ctx->run);
	struct nb_argument argument;
	struct ovsdb_datum datum;
	int r;

	r = nb_argument_parse(row->table, text, assign, &argument, ctx->err);
	if (r == 0 && argument.key) {
		r = set_key(ctx, row, &argument);
	} else if (r == 0) {
		r = db_datum_parse(argument.value, argument.column, &names, &datum, ctx->err);
		if (r == 0) {
			nb_row_set(ctx->view, row, argument.column, &datum);
			ovsdb_datum_done(&datum, argument.column);
		}
	}
	nb_argument_done(&argument);
	return r;
}

static int cmd_set(struct nb_ctx *ctx)
{
	const struct ovsdb_table *table;
	struct nb_row *row;
	int r;

	r = check_names(ctx, 3, &table);
	if (r == 0)
		r = find_record(ctx, table, ctx->argv[2], &row);
	if (r < 0 || !row)
		return r;
	for (int i = 3; i < ctx->argc && r == 0; i++)
		r = set_column(ctx, row, ctx->argv[i]);
	return r;
}

/* ---- add, remove, clear ---- */

/* argv[1] TABLE argv[2] RECORD argv[3] COLUMN. */
static int find_cell(struct nb_ctx *ctx, struct nb_row **ret_row, const struct ovsdb_column **ret)
{
	const struct ovsdb_table *table;
	int r;

	r = nb_find_table(ctx->argv[1], &table, ctx->err);
	if (r == 0)
		r = nb_find_column(table, ctx->argv[3], ret, ctx->err);
	if (r == 0)
		r = find_record(ctx, table, ctx->argv[2], ret_row);
	return r;
}

/* Of several values of one key the first counts. */
static void merge(struct ovsdb_datum *datum, const struct ovsdb_column *column,
		  const struct ovsdb_datum *more)
{
	for (uint32_t i = 0; i < more->n; i++)
		if (ovsdb_datum_find(datum, column, more->keys[i]) < 0)
			ovsdb_datum_insert(datum, column, more->keys[i],
					   more->values ? more->values[i]
							: (union ovsdb_atom){ 0 });
}

/* Values, or a map's pairs, of argv[4...]. */
static int parse_additions(struct nb_ctx *ctx, const struct ovsdb_column *column,
			   struct ovsdb_datum *ret)
{
	struct db_names names = nb_names(ctx->run);
	struct ovsdb_column some = *column;
	struct ovsdb_datum datum;
	int r;

	some.min = 1;
	some.max = OVSDB_UNLIMITED;
	for (int i = 4; i < ctx->argc; i++) {
		r = db_datum_parse(ctx->argv[i], &some, &names, &datum, ctx->err);
		if (r < 0)
			return r;
		merge(ret, column, &datum);
		ovsdb_datum_done(&datum, column);
	}
	return 0;
}

/* A value that cannot be absent has no elements to add to.  ovn-nbctl says so of a line's last command only, for
 * which it leaves the change to the server; elsewhere the value that is there may be added. */
static int check_addition(struct nb_ctx *ctx, struct nb_row *row, const struct ovsdb_column *column)
{
	uint32_t n = nb_row_datum(ctx->view, row, column)->n;

	if (n > column->max)
		return err_set(ctx->err, -ERANGE,
			       "%s \"%s\": column %s would have %u values but the maximum is %u",
			       row->table->name, ctx->argv[2], column->name, n, column->max);
	if (ctx->is_last && column->min == 1 && column->max == 1)
		return err_set(ctx->err, -EINVAL,
			       "%s \"%s\": column %s always has one value; use \"set\"",
			       row->table->name, ctx->argv[2], column->name);
	return 0;
}

/* A key that the map has already keeps its value, except in a line's last command: as ovn-nbctl does it. */
static void add_elements(struct nb_ctx *ctx, struct nb_row *row, const struct ovsdb_column *column,
			 const struct ovsdb_datum *elements)
{
	for (uint32_t i = 0; i < elements->n; i++) {
		const struct ovsdb_datum *have = nb_row_datum(ctx->view, row, column);
		union ovsdb_atom *value = elements->values ? &elements->values[i] : NULL;

		if (ctx->is_last || ovsdb_datum_find(have, column, elements->keys[i]) < 0)
			put_element(ctx, row, column, &elements->keys[i], value);
	}
}

static int cmd_add(struct nb_ctx *ctx)
{
	struct ovsdb_datum elements = OVSDB_DATUM_EMPTY;
	const struct ovsdb_column *column;
	struct nb_row *row;
	int r;

	r = find_cell(ctx, &row, &column);
	if (r < 0 || !row)
		return r;
	r = parse_additions(ctx, column, &elements);
	if (r == 0) {
		add_elements(ctx, row, column, &elements);
		r = check_addition(ctx, row, column);
	}
	ovsdb_datum_done(&elements, column);
	return r;
}

/* What of the column the text names: values, or a map's keys, or its pairs if they have these values. */
static int parse_removal(struct nb_ctx *ctx, const struct ovsdb_column *column,
			 const struct ovsdb_datum *have, const char *text, struct ovsdb_datum *ret)
{
	struct db_names names = nb_names(ctx->run);
	struct ovsdb_column some = *column, keys = db_keys_of(column);
	struct ovsdb_datum datum;
	int r;

	some.min = keys.min = 1;
	some.max = keys.max = OVSDB_UNLIMITED;
	if (column->value == OVSDB_VOID)
		return db_datum_parse(text, &some, &names, ret, ctx->err);
	if (db_datum_parse(text, &some, &names, &datum, NULL) < 0)
		return db_datum_parse(text, &keys, &names, ret, ctx->err);
	*ret = (struct ovsdb_datum)OVSDB_DATUM_EMPTY;
	r = 0;
	for (uint32_t i = 0; i < datum.n; i++) {
		long at = ovsdb_datum_find(have, column, datum.keys[i]);

		if (at >= 0 && !ovsdb_atom_cmp(column->value, have->values[at], datum.values[i]))
			ovsdb_datum_insert(ret, &keys, datum.keys[i], (union ovsdb_atom){ 0 });
	}
	ovsdb_datum_done(&datum, column);
	return r;
}

/* Keeps of datum what have contains, so that removing nothing is no change. */
static void keep_common(struct ovsdb_datum *datum, const struct ovsdb_column *keys,
			const struct ovsdb_datum *have, const struct ovsdb_column *column)
{
	for (uint32_t i = datum->n; i-- > 0;)
		if (ovsdb_datum_find(have, column, datum->keys[i]) < 0)
			ovsdb_datum_remove(datum, keys, datum->keys[i]);
}

static int cmd_remove(struct nb_ctx *ctx)
{
	const struct ovsdb_column *column;
	const struct ovsdb_datum *have;
	struct ovsdb_column keys;
	struct ovsdb_datum datum;
	struct nb_row *row;
	uint32_t n;
	int r;

	r = find_cell(ctx, &row, &column);
	if (r < 0 || !row)
		return r;
	keys = db_keys_of(column);
	for (int i = 4; i < ctx->argc; i++) {
		have = nb_row_datum(ctx->view, row, column);
		r = parse_removal(ctx, column, have, ctx->argv[i], &datum);
		if (r < 0)
			return r;
		keep_common(&datum, &keys, have, column);
		if (datum.n)
			nb_row_remove(ctx->view, row, column, &datum);
		ovsdb_datum_done(&datum, &keys);
	}
	n = nb_row_datum(ctx->view, row, column)->n;
	if (n < column->min)
		return err_set(ctx->err, -ERANGE, "%s \"%s\": column %s must not become empty",
			       row->table->name, ctx->argv[2], column->name);
	return 0;
}

static int cmd_clear(struct nb_ctx *ctx)
{
	const struct ovsdb_column *column;
	const struct ovsdb_table *table;
	struct nb_row *row;
	int r;

	r = nb_find_table(ctx->argv[1], &table, ctx->err);
	for (int i = 3; i < ctx->argc && r == 0; i++)
		r = nb_find_column(table, ctx->argv[i], &column, ctx->err);
	if (r == 0)
		r = find_record(ctx, table, ctx->argv[2], &row);
	if (r < 0 || !row)
		return r;
	for (int i = 3; i < ctx->argc; i++) {
		r = nb_find_column(table, ctx->argv[i], &column, ctx->err);
		if (r < 0)
			return r;
		if (column->min > 0)
			return err_set(ctx->err, -EINVAL, "column %s of %s must not be empty",
				       column->name, table->name);
		nb_row_set(ctx->view, row, column, &(struct ovsdb_datum)OVSDB_DATUM_EMPTY);
	}
	return 0;
}

/* ---- create, destroy, wait-until ---- */

static int cmd_create(struct nb_ctx *ctx)
{
	const struct nb_option *id = nb_option(ctx, "--id");
	const struct ovsdb_table *table;
	int r;

	r = check_names(ctx, 2, &table);
	if (r < 0)
		return r;
	if (id)
		ctx->created =
			nb_row_adopt(ctx->view, table, &nb_symbol(ctx->run, id->value)->uuid);
	else
		ctx->created = nb_row_insert(ctx->view, table);
	for (int i = 2; i < ctx->argc && r == 0; i++)
		r = set_column(ctx, ctx->created, ctx->argv[i]);
	return r;
}

static void destroy_all(struct nb_view *view, const struct ovsdb_table *table)
{
	const struct nb_rows *rows = nb_view_all(view, table, 0);

	VEC_FOREACH(row, rows->rows)
		nb_row_delete(view, *row);
}

static int cmd_destroy(struct nb_ctx *ctx)
{
	bool all = nb_has_option(ctx, "--all");
	const struct ovsdb_table *table;
	struct nb_row *row;
	int r;

	r = nb_find_table(ctx->argv[1], &table, ctx->err);
	if (r < 0)
		return r;
	if (all && (ctx->argc > 2 || nb_has_option(ctx, "--if-exists")))
		return err_set(ctx->err, -EINVAL,
			       "--all excludes both --if-exists and naming records");
	if (all)
		destroy_all(ctx->view, table);
	for (int i = 2; i < ctx->argc; i++) {
		r = find_record(ctx, table, ctx->argv[i], &row);
		if (r < 0)
			return r;
		if (row)
			nb_row_delete(ctx->view, row);
	}
	return 0;
}

static int cmd_wait_until(struct nb_ctx *ctx)
{
	const struct ovsdb_table *table;
	struct nb_row *row;
	bool holds = true;
	int r;

	r = check_names(ctx, 3, &table);
	if (r == 0)
		r = nb_find_row(ctx, table, ctx->argv[2], false, &row);
	if (r < 0)
		return r;
	for (int i = 3; row && i < ctx->argc && holds && r == 0; i++)
		r = nb_condition_holds(ctx, row, ctx->argv[i], &holds);
	ctx->try_again = !row || !holds;
	return r;
}

static int cmd_comment(struct nb_ctx *ctx)
{
	(void)ctx; /* the whole command line becomes the transaction's comment */
	return 0;
}

/* clang-format off */
const struct nb_command nb_row_commands[] = {
	{ "list",       "TABLE [RECORD]...",                  1, -1, cmd_list,
	  "--if-exists,--columns=",    0, "print records, or all records" },
	{ "find",       "TABLE [COLUMN[:KEY]=VALUE]...",      1, -1, cmd_find,
	  "--columns=",                0, "print the records that satisfy all conditions" },
	{ "get",        "TABLE RECORD [COLUMN[:KEY]]...",     2, -1, cmd_get,
	  "--if-exists,--id=",         0, "print the values of columns in a record" },
	{ "set",        "TABLE RECORD COLUMN[:KEY]=VALUE...", 3, -1, cmd_set,
	  "--if-exists",               0, "set columns in a record" },
	{ "add",        "TABLE RECORD COLUMN [KEY=]VALUE...", 4, -1, cmd_add,
	  "--if-exists",               0, "add values to a column in a record" },
	{ "remove",     "TABLE RECORD COLUMN KEY|VALUE|KEY=VALUE...", 4, -1, cmd_remove,
	  "--if-exists",               0, "remove values from a column in a record" },
	{ "clear",      "TABLE RECORD COLUMN...",             3, -1, cmd_clear,
	  "--if-exists",               0, "empty columns in a record" },
	{ "create",     "TABLE COLUMN[:KEY]=VALUE...",        2, -1, cmd_create,
	  "--id=",                     0, "make a record, and print its UUID" },
	{ "destroy",    "TABLE [RECORD]...",                  1, -1, cmd_destroy,
	  "--if-exists,--all",         0, "delete records" },
	{ "wait-until", "TABLE RECORD [COLUMN[:KEY]=VALUE]...", 2, -1, cmd_wait_until,
	  "",                          0, "wait until the record is there and satisfies all conditions" },
	{ "comment",    "[ARG]...",                           0, -1, cmd_comment,
	  "",                          0, "only goes into the database's log" },
	{ NULL, NULL, 0, 0, NULL, NULL, 0, NULL },
};
/* clang-format on */
