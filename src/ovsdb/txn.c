/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction is kept as the rows it touches, in the order of the first touch, each with what is to happen to
 * its columns; the operations are made from that at the end.  So callers may touch a row often and in any order,
 * and the server sees one operation for it. */
#include "ovsdb/txn.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

enum edit_kind {
	EDIT_SET,
	EDIT_REMOVE, /* comes before EDIT_ADD in what the server does */
	EDIT_ADD,
	EDIT_INCREMENT,
};

struct edit {
	const struct ovsdb_column *column;
	enum edit_kind kind;
	struct ovsdb_datum datum;
	int64_t by;
};

enum fate {
	FATE_UPDATE,
	FATE_INSERT,
	FATE_DELETE,
	FATE_NOTHING, /* inserted and deleted */
};

struct touched {
	const struct ovsdb_table *table;
	struct uuid uuid;
	struct uuid real; /* of an inserted row, once the server has said it */
	enum fate fate;
	size_t operation; /* index among the operations sent */
	VEC(struct edit) edits;
	UT_hash_handle hh;
};

struct txn {
	const struct ovsdb_schema *schema;
	struct touched *rows; /* hash by uuid; iterates in order of insertion */
	json_t *asserts;
	json_t *waits; /* wait operations */
	json_t *raw;
	bool is_unsayable; /* one of these could not be made: a string is not UTF-8 */
	struct str comment;
};

/* A map's elements are removed by key, whatever their values. */
static struct ovsdb_column keys_of(const struct ovsdb_column *column)
{
	struct ovsdb_column keys = *column;

	keys.value = OVSDB_VOID;
	return keys;
}

static void edit_done(struct edit *edit)
{
	struct ovsdb_column keys = keys_of(edit->column);

	ovsdb_datum_done(&edit->datum, edit->kind == EDIT_REMOVE ? &keys : edit->column);
}

static void edits_clear(struct touched *row)
{
	VEC_FOREACH(edit, row->edits)
		edit_done(edit);
	VEC_CLEAR(row->edits);
}

struct txn *txn_new(const struct ovsdb_schema *schema)
{
	struct txn *txn = xcalloc(1, sizeof(*txn));

	txn->schema = schema;
	txn->asserts = json_array();
	txn->waits = json_array();
	txn->raw = json_array();
	return txn;
}

void txn_free(struct txn *txn)
{
	struct touched *row, *next;

	if (!txn)
		return;
	HASH_ITER(hh, txn->rows, row, next)
	{
		HASH_DELETE(hh, txn->rows, row);
		edits_clear(row);
		VEC_DONE(row->edits);
		free(row);
	}
	json_decref(txn->asserts);
	json_decref(txn->waits);
	json_decref(txn->raw);
	str_done(&txn->comment);
	free(txn);
}

static bool does_something(const struct touched *row)
{
	switch (row->fate) {
	case FATE_UPDATE: return row->edits.n > 0;
	case FATE_INSERT:
	case FATE_DELETE: return true;
	case FATE_NOTHING: break;
	}
	return false;
}

bool txn_is_empty(const struct txn *txn)
{
	if (json_array_size(txn->raw))
		return false;
	for (const struct touched *row = txn->rows; row; row = row->hh.next)
		if (does_something(row))
			return false;
	return true;
}

void txn_comment(struct txn *txn, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (txn->comment.len)
		str_addc(&txn->comment, '\n');
	str_add(&txn->comment, text);
}

/* ---- edits ---- */

static struct touched *find(const struct txn *txn, const struct uuid *uuid)
{
	struct touched *row;

	HASH_FIND(hh, txn->rows, uuid, sizeof(*uuid), row);
	return row;
}

static struct touched *touch(struct txn *txn, const struct ovsdb_table *table,
			     const struct uuid *uuid, enum fate fate)
{
	struct touched *row = find(txn, uuid);

	if (row)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->table = table;
	row->uuid = *uuid;
	row->fate = fate;
	HASH_ADD(hh, txn->rows, uuid, sizeof(row->uuid), row);
	return row;
}

/* The row, if its columns can still be written. */
static struct touched *touch_to_edit(struct txn *txn, const struct ovsdb_table *table,
				     const struct uuid *uuid)
{
	struct touched *row = touch(txn, table, uuid, FATE_UPDATE);

	return row->fate == FATE_UPDATE || row->fate == FATE_INSERT ? row : NULL;
}

static struct edit *find_edit(struct touched *row, const struct ovsdb_column *column,
			      enum edit_kind kind)
{
	VEC_FOREACH(edit, row->edits)
		if (edit->column == column && edit->kind == kind)
			return edit;
	return NULL;
}

static struct edit *get_edit(struct touched *row, const struct ovsdb_column *column,
			     enum edit_kind kind)
{
	struct edit *edit = find_edit(row, column, kind);

	if (edit)
		return edit;
	edit = VEC_PUSH(row->edits);
	*edit = (struct edit){ .column = column, .kind = kind };
	return edit;
}

static void drop_edits(struct touched *row, const struct ovsdb_column *column)
{
	size_t n = 0;

	VEC_FOREACH(edit, row->edits) {
		if (edit->column == column)
			edit_done(edit);
		else
			row->edits.v[n++] = *edit;
	}
	row->edits.n = n;
}

struct uuid txn_insert(struct txn *txn, const struct ovsdb_table *table)
{
	struct uuid uuid = uuid_random();

	touch(txn, table, &uuid, FATE_INSERT);
	return uuid;
}

void txn_delete(struct txn *txn, const struct ovsdb_table *table, const struct uuid *uuid)
{
	struct touched *row = touch(txn, table, uuid, FATE_DELETE);

	edits_clear(row);
	row->fate =
		row->fate == FATE_INSERT || row->fate == FATE_NOTHING ? FATE_NOTHING : FATE_DELETE;
}

void txn_discard(struct txn *txn, const struct uuid *uuid)
{
	struct touched *row = find(txn, uuid);

	if (row)
		edits_clear(row);
}

void txn_set(struct txn *txn, const struct ovsdb_table *table, const struct uuid *uuid,
	     const struct ovsdb_column *column, const struct ovsdb_datum *datum)
{
	struct touched *row = touch_to_edit(txn, table, uuid);
	struct ovsdb_datum copy;

	if (!row)
		return;
	copy = ovsdb_datum_clone(datum, column);
	drop_edits(row, column);
	get_edit(row, column, EDIT_SET)->datum = copy;
}

/* What is known in full is edited here; an inserted row is known to start from its default.  (That of a
 * reference that is needed is a uuid that no row has: nothing to add to.) */
static struct edit *known_value(struct touched *row, const struct ovsdb_column *column)
{
	struct edit *set = find_edit(row, column, EDIT_SET);

	if (!set && row->fate == FATE_INSERT) {
		set = get_edit(row, column, EDIT_SET);
		if (!column->key_ref)
			set->datum = ovsdb_datum_default(column);
	}
	return set;
}

void txn_add(struct txn *txn, const struct ovsdb_table *table, const struct uuid *uuid,
	     const struct ovsdb_column *column, const struct ovsdb_datum *elements)
{
	struct touched *row = touch_to_edit(txn, table, uuid);
	struct edit *edit;

	if (!row || !elements->n)
		return;
	edit = known_value(row, column) ?: get_edit(row, column, EDIT_ADD);
	for (uint32_t i = 0; i < elements->n; i++) {
		union ovsdb_atom value = { 0 };

		if (ovsdb_datum_find(&edit->datum, column, elements->keys[i]) >= 0)
			continue;
		if (column->value != OVSDB_VOID)
			value = elements->values[i];
		ovsdb_datum_insert(&edit->datum, column, elements->keys[i], value);
	}
}

void txn_remove(struct txn *txn, const struct ovsdb_table *table, const struct uuid *uuid,
		const struct ovsdb_column *column, const struct ovsdb_datum *elements)
{
	struct touched *row = touch_to_edit(txn, table, uuid);
	struct ovsdb_column keys = keys_of(column);
	struct edit *known, *added;

	if (!row || !elements->n)
		return;
	known = known_value(row, column);
	added = known ?: find_edit(row, column, EDIT_ADD);
	for (uint32_t i = 0; added && i < elements->n; i++)
		ovsdb_datum_remove(&added->datum, column, elements->keys[i]);
	for (uint32_t i = 0; !known && i < elements->n; i++)
		ovsdb_datum_insert(&get_edit(row, column, EDIT_REMOVE)->datum, &keys,
				   elements->keys[i], (union ovsdb_atom){ 0 });
}

void txn_increment(struct txn *txn, const struct ovsdb_table *table, const struct uuid *uuid,
		   const struct ovsdb_column *column, int64_t by)
{
	struct touched *row = touch_to_edit(txn, table, uuid);
	struct edit *known;

	assert(column->key == OVSDB_INTEGER);
	if (!row)
		return;
	known = known_value(row, column);
	if (!known) {
		get_edit(row, column, EDIT_INCREMENT)->by += by;
		return;
	}
	for (uint32_t i = 0; i < known->datum.n; i++)
		known->datum.keys[i].integer += by;
}

/* ---- conditions ---- */

static void add(struct txn *txn, json_t *operations, json_t *operation)
{
	if (json_array_append_new(operations, operation) < 0)
		txn->is_unsayable = true;
}

static json_t *where_uuid(const struct uuid *uuid)
{
	char text[UUID_TEXT_SIZE];

	return json_pack("[[ss[ss]]]", "_uuid", "==", "uuid", uuid_format(uuid, text));
}

static void add_wait(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		     const char *column, json_t *value)
{
	add(txn, txn->waits,
	    json_pack("{ss ss si so s[s] ss s[{so}]}", "op", "wait", "table", table->name,
		      "timeout", 0, "where", where_uuid(row), "columns", column, "until",
		      "==", "rows", column, value));
}

void txn_verify(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		const struct ovsdb_column *column, const struct ovsdb_datum *datum)
{
	add_wait(txn, table, row, column->name, ovsdb_datum_to_json(datum, column));
}

void txn_verify_exists(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row)
{
	char text[UUID_TEXT_SIZE];

	add_wait(txn, table, row, "_uuid", json_pack("[ss]", "uuid", uuid_format(row, text)));
}

void txn_assert_lock(struct txn *txn, const char *lock)
{
	add(txn, txn->asserts, json_pack("{ss ss}", "op", "assert", "lock", lock));
}

void txn_raw(struct txn *txn, json_t *operation)
{
	add(txn, txn->raw, operation);
}

/* ---- to JSON ---- */

/* An <id>: letters, digits and underscores, not starting with a digit. */
static const char *row_name(const struct uuid *uuid, char text[static UUID_TEXT_SIZE + 1])
{
	text[0] = 'r';
	uuid_format(uuid, text + 1);
	for (char *c = text; *c; c++)
		if (*c == '-')
			*c = '_';
	return text;
}

static json_t *name_inserted(const void *arg, const struct uuid *uuid)
{
	const struct touched *row = find(arg, uuid);
	char text[UUID_TEXT_SIZE + 1];

	if (!row || row->fate != FATE_INSERT)
		return NULL;
	return json_pack("[ss]", "named-uuid", row_name(uuid, text));
}

static json_t *sets_to_json(const struct txn *txn, const struct touched *row)
{
	json_t *columns = json_object();

	VEC_FOREACH(edit, row->edits) {
		if (edit->kind != EDIT_SET)
			continue;
		if (json_object_set_new(columns, edit->column->name,
					ovsdb_datum_write(&edit->datum, edit->column, name_inserted,
							  txn)) < 0) {
			json_decref(columns);
			return NULL;
		}
	}
	return columns;
}

/* A set of one is written as a set, for a map's key alone would not be understood. */
static json_t *elements_to_json(const struct txn *txn, const struct edit *edit)
{
	struct ovsdb_column keys = keys_of(edit->column);
	const struct ovsdb_column *column = edit->kind == EDIT_REMOVE ? &keys : edit->column;
	json_t *json = ovsdb_datum_write(&edit->datum, column, name_inserted, txn);

	if (column->value == OVSDB_VOID && edit->datum.n == 1)
		json = json_pack("[s[o]]", "set", json);
	return json;
}

static json_t *mutations_to_json(const struct txn *txn, const struct touched *row)
{
	static const enum edit_kind order[] = { EDIT_REMOVE, EDIT_ADD, EDIT_INCREMENT };
	static const char *const mutators[] = {
		[EDIT_REMOVE] = "delete",
		[EDIT_ADD] = "insert",
		[EDIT_INCREMENT] = "+=",
	};
	json_t *mutations = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		VEC_FOREACH(edit, row->edits) {
			json_t *value;

			if (edit->kind != order[i] || (edit->kind == EDIT_ADD && !edit->datum.n))
				continue;
			value = edit->kind == EDIT_INCREMENT ? json_integer(edit->by)
							     : elements_to_json(txn, edit);
			if (json_array_append_new(mutations,
						  json_pack("[sso]", edit->column->name,
							    mutators[edit->kind], value)) < 0) {
				json_decref(mutations);
				return NULL;
			}
		}
	}
	return mutations;
}

static json_t *insert_to_json(const struct txn *txn, const struct touched *row)
{
	char text[UUID_TEXT_SIZE + 1];

	return json_pack("{ss ss ss so}", "op", "insert", "table", row->table->name, "uuid-name",
			 row_name(&row->uuid, text), "row", sets_to_json(txn, row));
}

static json_t *change_to_json(const struct touched *row, const char *op, const char *what,
			      json_t *value)
{
	return json_pack("{ss ss so so}", "op", op, "table", row->table->name, "where",
			 where_uuid(&row->uuid), what, value);
}

/* One operation, or two where some columns are replaced and others mutated. */
static int update_to_json(const struct txn *txn, const struct touched *row, json_t *operations)
{
	json_t *columns = sets_to_json(txn, row);
	json_t *mutations = mutations_to_json(txn, row);
	int r = columns && mutations ? 0 : -EILSEQ;

	if (!r && json_object_size(columns))
		json_array_append_new(operations,
				      change_to_json(row, "update", "row", json_incref(columns)));
	if (!r && json_array_size(mutations))
		json_array_append_new(operations, change_to_json(row, "mutate", "mutations",
								 json_incref(mutations)));
	json_decref(columns);
	json_decref(mutations);
	return r;
}

static int row_to_json(const struct txn *txn, struct touched *row, json_t *operations)
{
	row->operation = json_array_size(operations) - 1; /* the first element is the database */
	switch (row->fate) {
	case FATE_UPDATE: return update_to_json(txn, row, operations);
	case FATE_INSERT: return json_array_append_new(operations, insert_to_json(txn, row));
	case FATE_DELETE:
		return json_array_append_new(
			operations, json_pack("{ss ss so}", "op", "delete", "table",
					      row->table->name, "where", where_uuid(&row->uuid)));
	case FATE_NOTHING: break;
	}
	return 0;
}

json_t *txn_to_json(const struct txn *txn)
{
	json_t *operations;

	if (txn->is_unsayable)
		return NULL;
	operations = json_pack("[s]", txn->schema->name);
	json_array_extend(operations, txn->asserts);
	json_array_extend(operations, txn->waits);
	for (struct touched *row = txn->rows; row; row = row->hh.next) {
		if (row_to_json(txn, row, operations) < 0) {
			json_decref(operations);
			return NULL;
		}
	}
	json_array_extend(operations, txn->raw);
	/* A comment that cannot be said is left out. */
	if (txn->comment.len)
		json_array_append_new(operations, json_pack("{ss ss}", "op", "comment", "comment",
							    str_c(&txn->comment)));
	return operations;
}

/* ---- from JSON ---- */

/* Errors after which the same transaction, made anew from what is then known, may succeed.  The last two come
 * from a cluster whose leader changes. */
static bool is_transient(const char *error)
{
	static const char *const transient[] = { "timed out", "canceled", "not leader",
						 "cluster error" };

	for (size_t i = 0; i < ARRAY_SIZE(transient); i++)
		if (!strcmp(error, transient[i]))
			return true;
	return false;
}

static const char *operation_table(const struct txn *txn, size_t operation)
{
	for (const struct touched *row = txn->rows; row; row = row->hh.next)
		if (does_something(row) && row->operation == operation)
			return row->table->name;
	return NULL;
}

static enum txn_outcome read_error(const struct txn *txn, const json_t *json, size_t operation,
				   struct err *err)
{
	const char *error = json_string_value(json_object_get(json, "error"));
	const char *details = json_string_value(json_object_get(json, "details"));
	const char *table = operation_table(txn, operation);

	err_set(err, -EREMOTEIO, "%s: %s%s%s", table ?: txn->schema->name, error,
		details ? ": " : "", details ?: "");
	if (is_transient(error))
		return TXN_AGAIN;
	return strcmp(error, "not owner") ? TXN_ERROR : TXN_NOT_OWNER;
}

static enum txn_outcome read_uuids(const struct txn *txn, const json_t *result, struct err *err)
{
	for (struct touched *row = txn->rows; row; row = row->hh.next) {
		const json_t *uuid;
		const char *text;

		if (row->fate != FATE_INSERT)
			continue;
		uuid = json_object_get(json_array_get(result, row->operation), "uuid");
		text = json_string_value(json_array_get(uuid, 1));
		if (text && uuid_parse(text, &row->real))
			continue;
		err_set(err, -EPROTO, "%s: the server did not say the uuid of a new row",
			row->table->name);
		return TXN_ERROR;
	}
	return TXN_OK;
}

enum txn_outcome txn_read_result(const struct txn *txn, const json_t *result, struct err *err)
{
	size_t i;
	json_t *json;

	if (!json_is_array(result)) {
		err_set(err, -EPROTO, "%s: the server's answer is no array", txn->schema->name);
		return TXN_ERROR;
	}
	json_array_foreach(result, i, json)
	{
		if (json_is_string(json_object_get(json, "error")))
			return read_error(txn, json, i, err);
	}
	return read_uuids(txn, result, err);
}

bool txn_inserted_uuid(const struct txn *txn, const struct uuid *provisional, struct uuid *ret)
{
	const struct touched *row = find(txn, provisional);

	if (!row || row->fate != FATE_INSERT || uuid_is_zero(&row->real))
		return false;
	*ret = row->real;
	return true;
}
