/* SPDX-License-Identifier: Apache-2.0 */
/* A question is one "select".  Questions are queued, and sent in one request when somebody reads; each
 * is asked once and its rows are remembered.  What the commands write goes straight into the transaction, and
 * into the cells that are known here, so that reading gives what the database will hold afterwards. */
#include "cli/nb_view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/nb_session.h"
#include "util/err.h"
#include "util/str.h"

struct question {
	char *key; /* table, condition, columns */
	const struct ovsdb_table *table;
	json_t *where;
	uint64_t columns;
	struct nb_rows rows; /* the answer */
	UT_hash_handle hh;
};

struct nb_view {
	const struct ovsdb_schema *schema;
	struct nb_session *session;
	struct txn *txn;
	struct question *questions; /* by key */
	VEC(struct question *) queue;
	struct nb_row *rows; /* by uuid; iterates in order of arrival */
	struct nb_rows scratch;
	struct err err;
};

struct nb_view *nb_view_new(const struct ovsdb_schema *schema, struct nb_session *session)
{
	struct nb_view *view = xcalloc(1, sizeof(*view));

	view->schema = schema;
	view->session = session;
	view->txn = txn_new(schema);
	return view;
}

static void cell_done(struct nb_cell *cell, const struct ovsdb_column *column)
{
	ovsdb_datum_done(&cell->datum, column);
	ovsdb_datum_done(&cell->added, column);
	ovsdb_datum_done(&cell->taken, column);
}

void nb_view_free(struct nb_view *view)
{
	struct question *question, *next_question;
	struct nb_row *row, *next_row;

	if (!view)
		return;
	HASH_ITER(hh, view->questions, question, next_question)
	{
		HASH_DELETE(hh, view->questions, question);
		json_decref(question->where);
		VEC_DONE(question->rows.rows);
		free(question->key);
		free(question);
	}
	HASH_ITER(hh, view->rows, row, next_row)
	{
		HASH_DELETE(hh, view->rows, row);
		for (size_t i = 0; i < row->table->n_columns; i++)
			cell_done(&row->cells[i], &row->table->columns[i]);
		free(row->cells);
		free(row);
	}
	VEC_DONE(view->queue);
	VEC_DONE(view->scratch.rows);
	txn_free(view->txn);
	free(view);
}

int nb_view_error(const struct nb_view *view, struct err *err)
{
	if (!view->err.code)
		return 0;
	return err_set(err, view->err.code, "%s", view->err.text);
}

struct txn *nb_view_txn(struct nb_view *view)
{
	return view->txn;
}

/* ---- rows ---- */

static struct nb_row *find_row(const struct nb_view *view, const struct uuid *uuid)
{
	struct nb_row *row;

	HASH_FIND(hh, view->rows, uuid, sizeof(*uuid), row);
	return row;
}

static struct nb_row *add_row(struct nb_view *view, const struct ovsdb_table *table,
			      const struct uuid *uuid)
{
	struct nb_row *row = xcalloc(1, sizeof(*row));

	row->table = table;
	row->uuid = *uuid;
	row->cells = xcalloc(table->n_columns, sizeof(*row->cells));
	HASH_ADD(hh, view->rows, uuid, sizeof(row->uuid), row);
	return row;
}

static void datum_add(struct ovsdb_datum *datum, const struct ovsdb_column *column,
		      const struct ovsdb_datum *elements)
{
	for (uint32_t i = 0; i < elements->n; i++) {
		union ovsdb_atom value = { 0 };

		if (ovsdb_datum_find(datum, column, elements->keys[i]) >= 0)
			continue;
		if (column->value != OVSDB_VOID)
			value = elements->values[i];
		ovsdb_datum_insert(datum, column, elements->keys[i], value);
	}
}

static void datum_remove(struct ovsdb_datum *datum, const struct ovsdb_column *column,
			 const struct ovsdb_datum *elements)
{
	for (uint32_t i = 0; i < elements->n; i++)
		ovsdb_datum_remove(datum, column, elements->keys[i]);
}

/* The server's value arrives; what was written before it was known is done to it. */
static void learn(struct nb_cell *cell, const struct ovsdb_column *column, struct ovsdb_datum datum)
{
	datum_remove(&datum, column, &cell->taken);
	datum_add(&datum, column, &cell->added);
	cell_done(cell, column);
	cell->datum = datum;
	cell->known = true;
}

/* ---- questions ---- */

static json_t *where_uuid(const struct uuid *uuid)
{
	char text[UUID_TEXT_SIZE];

	return json_pack("[[ss[ss]]]", "_uuid", "==", "uuid", uuid_format(uuid, text));
}

/* Queues the question unless it was asked before.  Steals where. */
static struct question *ask(struct nb_view *view, const struct ovsdb_table *table, json_t *where,
			    uint64_t columns)
{
	char *dump = json_dumps(where, JSON_COMPACT);
	char *key = xasprintf("%s %s %" PRIx64, table->name, dump ?: "", columns);
	struct question *question;

	free(dump);
	HASH_FIND_STR(view->questions, key, question);
	if (question) {
		json_decref(where);
		free(key);
		return question;
	}
	question = xcalloc(1, sizeof(*question));
	question->key = key;
	question->table = table;
	question->where = where;
	question->columns = columns;
	HASH_ADD_KEYPTR(hh, view->questions, question->key, strlen(question->key), question);
	VEC_ADD(view->queue, question);
	return question;
}

static json_t *select_to_json(const struct question *question)
{
	json_t *op = json_pack("{sssssO}", "op", "select", "table", question->table->name, "where",
			       question->where);
	json_t *columns;

	if (question->columns == OVSDB_ALL_COLUMNS)
		return op;
	columns = json_pack("[s]", "_uuid");
	for (size_t i = 0; i < question->table->n_columns; i++)
		if (question->columns & OVSDB_COL(i))
			json_array_append_new(columns,
					      json_string(question->table->columns[i].name));
	json_object_set_new(op, "columns", columns);
	return op;
}

static int read_row(struct nb_view *view, struct question *question, const json_t *json)
{
	const char *text = json_string_value(json_array_get(json_object_get(json, "_uuid"), 1));
	struct nb_row *row;
	struct uuid uuid;

	if (!text || !uuid_parse(text, &uuid))
		return err_set(&view->err, -EPROTO, "table %s: a row without a uuid",
			       question->table->name);
	row = find_row(view, &uuid) ?: add_row(view, question->table, &uuid);
	for (size_t i = 0; i < question->table->n_columns; i++) {
		const struct ovsdb_column *column = &question->table->columns[i];
		const json_t *value = json_object_get(json, column->name);
		struct ovsdb_datum datum;

		if (row->cells[i].known || !(question->columns & OVSDB_COL(i)))
			continue;
		if (!value) /* the server's schema is older than ours */
			datum = ovsdb_datum_default(column);
		else if (ovsdb_datum_from_json(value, column, &datum, &view->err) < 0)
			return err_prefix(&view->err, "table %s", question->table->name);
		learn(&row->cells[i], column, datum);
	}
	VEC_ADD(question->rows.rows, row);
	return 0;
}

/* An older server may lack a table (it has no rows, then) or a column (asked again without naming columns). */
static bool is_about_schema(const json_t *result)
{
	const char *error = json_string_value(json_object_get(result, "error"));
	const char *details = json_string_value(json_object_get(result, "details"));

	return (error && strstr(error, "unknown")) ||
	       (details && (str_starts(details, "No column ") || str_starts(details, "No table ")));
}

static int read_answer(struct nb_view *view, struct question *question, const json_t *result)
{
	const json_t *rows = json_object_get(result, "rows");
	const char *error = json_string_value(json_object_get(result, "error"));
	const char *details = json_string_value(json_object_get(result, "details"));
	size_t i;
	json_t *row;

	if (!rows)
		return err_set(&view->err, -EPROTO, "table %s: the server says: %s%s%s",
			       question->table->name, error ?: "nothing", details ? ": " : "",
			       details ?: "");
	json_array_foreach(rows, i,
			   row) if (read_row(view, question, row) < 0) return view->err.code;
	return 0;
}

/* Sends the queue from first on.  Returns how many were answered, or negative. */
static long send_queue(struct nb_view *view, size_t first)
{
	json_t *params = json_pack("[s]", view->schema->name);
	json_t *results;
	size_t i;

	for (i = first; i < view->queue.n; i++)
		json_array_append_new(params, select_to_json(view->queue.v[i]));
	if (nb_session_transact(view->session, params, &results, &view->err) < 0)
		return view->err.code;
	for (i = first; i < view->queue.n; i++) {
		struct question *question = view->queue.v[i];
		const json_t *result = json_array_get(results, i - first);

		if (!json_object_get(result, "rows") && is_about_schema(result)) {
			if (question->columns == OVSDB_ALL_COLUMNS)
				i++;
			question->columns = OVSDB_ALL_COLUMNS;
			break;
		}
		if (read_answer(view, question, result) < 0)
			break;
	}
	json_decref(results);
	return view->err.code ?: (long)(i - first);
}

static void flush(struct nb_view *view)
{
	size_t done = 0;

	while (!view->err.code && done < view->queue.n) {
		long n = send_queue(view, done);

		if (n > 0)
			done += (size_t)n;
	}
	VEC_CLEAR(view->queue);
}

/* ---- asking ---- */

struct nb_row *nb_view_get(struct nb_view *view, const struct ovsdb_table *table,
			   const struct uuid *uuid, uint64_t columns)
{
	struct nb_row *row = find_row(view, uuid);

	if (!row) {
		ask(view, table, where_uuid(uuid), columns);
		flush(view);
		row = find_row(view, uuid);
	}
	return row && row->table == table && !row->is_deleted ? row : NULL;
}

static bool is_touched(const struct nb_row *row)
{
	if (row->is_new)
		return true;
	for (size_t i = 0; i < row->table->n_columns; i++)
		if (row->cells[i].written)
			return true;
	return false;
}

static const struct nb_rows *candidates(struct nb_view *view, const struct question *question)
{
	VEC_CLEAR(view->scratch.rows);
	flush(view);
	if (view->err.code)
		return &view->scratch;
	VEC_FOREACH(row, question->rows.rows)
		if (!(*row)->is_deleted && !is_touched(*row))
			VEC_ADD(view->scratch.rows, *row);
	for (struct nb_row *row = view->rows; row; row = row->hh.next)
		if (row->table == question->table && !row->is_deleted && is_touched(row))
			VEC_ADD(view->scratch.rows, row);
	return &view->scratch;
}

const struct nb_rows *nb_view_where(struct nb_view *view, const struct ovsdb_table *table,
				    json_t *where, uint64_t columns)
{
	return candidates(view, ask(view, table, where, columns));
}

const struct nb_rows *nb_view_all(struct nb_view *view, const struct ovsdb_table *table,
				  uint64_t columns)
{
	return nb_view_where(view, table, json_array(), columns);
}

static json_t *where_equal(const struct ovsdb_column *column, const char *value)
{
	return json_pack("[[sss]]", column->name, "==", value);
}

const struct nb_rows *nb_view_find(struct nb_view *view, const struct ovsdb_table *table,
				   const struct ovsdb_column *column, const char *value,
				   uint64_t columns)
{
	uint64_t mask = columns | OVSDB_COL(column->index);
	struct nb_rows *rows = &view->scratch;
	size_t n = 0;

	nb_view_where(view, table, where_equal(column, value), mask);
	VEC_FOREACH(row, rows->rows) {
		const char *have = nb_row_string(view, *row, column);

		if (have && !strcmp(have, value))
			rows->rows.v[n++] = *row;
	}
	rows->rows.n = n;
	return rows;
}

const struct nb_rows *nb_view_find_pair(struct nb_view *view, const struct ovsdb_table *table,
					const struct ovsdb_column *column, const char *key,
					const char *value, uint64_t columns)
{
	uint64_t mask = columns | OVSDB_COL(column->index);
	struct nb_rows *rows = &view->scratch;
	size_t n = 0;

	nb_view_where(view, table,
		      json_pack("[[ss[s[[ss]]]]]", column->name, "includes", "map", key, value),
		      mask);
	VEC_FOREACH(row, rows->rows) {
		const char *have = ovsdb_smap_get(nb_row_datum(view, *row, column), key);

		if (have && !strcmp(have, value))
			rows->rows.v[n++] = *row;
	}
	rows->rows.n = n;
	return rows;
}

/* Does the row's set contain uuid, without asking for the whole set? */
static bool holds(const struct question *question, const struct nb_row *row,
		  const struct ovsdb_column *column, const struct uuid *uuid)
{
	const struct nb_cell *cell = &row->cells[column->index];

	if (cell->known)
		return ovsdb_uset_contains(&cell->datum, uuid);
	if (ovsdb_uset_contains(&cell->added, uuid) || ovsdb_uset_contains(&cell->taken, uuid))
		return ovsdb_uset_contains(&cell->added, uuid);
	VEC_FOREACH(found, question->rows.rows)
		if (*found == row)
			return true;
	return false;
}

const struct nb_rows *nb_view_find_holder(struct nb_view *view, const struct ovsdb_table *table,
					  const struct ovsdb_column *column,
					  const struct uuid *uuid, uint64_t columns)
{
	struct nb_rows *rows = &view->scratch;
	const struct question *question;
	char text[UUID_TEXT_SIZE];
	size_t n = 0;

	question = ask(
		view, table,
		json_pack("[[ss[ss]]]", column->name, "includes", "uuid", uuid_format(uuid, text)),
		columns);
	candidates(view, question);
	VEC_FOREACH(row, rows->rows)
		if (holds(question, *row, column, uuid))
			rows->rows.v[n++] = *row;
	rows->rows.n = n;
	return rows;
}

static bool knows(const struct nb_row *row, uint64_t columns)
{
	for (size_t i = 0; i < row->table->n_columns; i++)
		if ((columns & OVSDB_COL(i)) && !row->cells[i].known && !row->is_new)
			return false;
	return true;
}

void nb_view_expect(struct nb_view *view, const struct ovsdb_table *table, const struct uuid *uuid,
		    uint64_t columns)
{
	const struct nb_row *row;

	row = find_row(view, uuid);
	if (!row || !knows(row, columns))
		ask(view, table, where_uuid(uuid), columns);
}

void nb_view_expect_find(struct nb_view *view, const struct ovsdb_table *table,
			 const struct ovsdb_column *column, const char *value, uint64_t columns)
{
	ask(view, table, where_equal(column, value), columns | OVSDB_COL(column->index));
}

void nb_view_expect_all(struct nb_view *view, const struct ovsdb_table *table, uint64_t columns)
{
	ask(view, table, json_array(), columns);
}

/* ---- reading and writing ---- */

static struct nb_cell *known_cell(struct nb_view *view, struct nb_row *row,
				  const struct ovsdb_column *column)
{
	struct nb_cell *cell = &row->cells[column->index];
	struct question *question;

	if (!cell->known && !row->is_new && !view->err.code) {
		question = ask(view, row->table, where_uuid(&row->uuid), OVSDB_COL(column->index));
		flush(view);
		if (!view->err.code && !question->rows.rows.n)
			err_set(&view->err, -EAGAIN, "table %s: a row vanished", row->table->name);
	}
	if (!cell->known)
		learn(cell, column, ovsdb_datum_default(column));
	return cell;
}

const struct ovsdb_datum *nb_row_datum(struct nb_view *view, struct nb_row *row,
				       const struct ovsdb_column *column)
{
	return &known_cell(view, row, column)->datum;
}

const char *nb_row_string(struct nb_view *view, struct nb_row *row,
			  const struct ovsdb_column *column)
{
	const struct ovsdb_datum *datum = nb_row_datum(view, row, column);

	return datum->n ? datum->keys[0].string : NULL;
}

struct nb_row *nb_row_adopt(struct nb_view *view, const struct ovsdb_table *table,
			    const struct uuid *uuid)
{
	struct nb_row *row = add_row(view, table, uuid);

	row->is_new = true;
	return row;
}

struct nb_row *nb_row_insert(struct nb_view *view, const struct ovsdb_table *table)
{
	struct uuid uuid = txn_insert(view->txn, table);

	return nb_row_adopt(view, table, &uuid);
}

/* A row that others may delete meanwhile must still be there when it is changed. */
static void touch(struct nb_view *view, struct nb_row *row)
{
	if (!row->is_new && !row->is_verified)
		txn_verify_exists(view->txn, row->table, &row->uuid);
	row->is_verified = true;
}

void nb_row_delete(struct nb_view *view, struct nb_row *row)
{
	row->is_deleted = true;
	/* Other rows live as long as they are referenced; the server alone decides. */
	if (row->table->is_root || row->is_new)
		txn_delete(view->txn, row->table, &row->uuid);
	else
		txn_discard(view->txn, &row->uuid);
}

void nb_row_set(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		const struct ovsdb_datum *datum)
{
	struct nb_cell *cell = known_cell(view, row, column);
	struct ovsdb_datum copy;

	if (ovsdb_datum_eq(&cell->datum, datum, column))
		return;
	touch(view, row);
	txn_set(view->txn, row->table, &row->uuid, column, datum);
	copy = ovsdb_datum_clone(datum, column);
	ovsdb_datum_done(&cell->datum, column);
	cell->datum = copy;
	cell->written = true;
}

void nb_row_set_string(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		       const char *value)
{
	union ovsdb_atom atom = { .string = (char *)value };

	nb_row_set(view, row, column, &(struct ovsdb_datum){ 1, &atom, NULL });
}

/* A set may be edited without being known (a switch can have many ports); maps are small. */
static struct nb_cell *cell_to_edit(struct nb_view *view, struct nb_row *row,
				    const struct ovsdb_column *column)
{
	if (column->value != OVSDB_VOID)
		return known_cell(view, row, column);
	return &row->cells[column->index];
}

void nb_row_add(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		const struct ovsdb_datum *elements)
{
	struct nb_cell *cell = cell_to_edit(view, row, column);

	touch(view, row);
	txn_add(view->txn, row->table, &row->uuid, column, elements);
	datum_add(cell->known ? &cell->datum : &cell->added, column, elements);
	if (!cell->known)
		datum_remove(&cell->taken, column, elements);
	cell->written = true;
}

void nb_row_remove(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		   const struct ovsdb_datum *elements)
{
	struct nb_cell *cell = cell_to_edit(view, row, column);

	touch(view, row);
	txn_remove(view->txn, row->table, &row->uuid, column, elements);
	datum_remove(cell->known ? &cell->datum : &cell->added, column, elements);
	if (!cell->known)
		datum_add(&cell->taken, column, elements);
	cell->written = true;
}

void nb_row_verify(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column)
{
	struct nb_cell *cell = known_cell(view, row, column);

	if (row->is_new || cell->written || cell->is_verified)
		return;
	cell->is_verified = true;
	txn_verify(view->txn, row->table, &row->uuid, column, &cell->datum);
}
