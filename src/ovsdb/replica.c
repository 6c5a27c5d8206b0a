/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables, as the server last described them.
 *
 * A row's content is one block: an array of data, one per column, followed by the elements and strings that
 * they point to.  Rows are read much more often than written and there are many of them, so an update
 * builds a new block and drops the old one; a scalar that holds its default costs no element at all.
 *
 * An update message is first turned into a list of edits, each with its finished content, and only then
 * carried out: a message that turns out to be wrong halfway has changed nothing.
 *
 * Every table has its rows in one hash and, between two calls of replica_advance(), the deleted ones in
 * another, so that a row that comes back is recognised and keeps its address. */
#include "ovsdb/replica.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <uthash.h>

#include "ovsdb/index.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"

struct row {
	struct uuid uuid;
	const struct ovsdb_table *table;
	struct ovsdb_datum *content;
	struct row *change_prev, *change_next;
	uint64_t changed; /* columns; kept over a deletion, for the row may come back */
	enum row_change change;
	bool stale; /* awaits the snapshot between resync_begin and resync_end */
	UT_hash_handle hh;
};

struct rows {
	struct row *live;    /* hash by uuid */
	struct row *deleted; /* hash by uuid */
	struct row *dead;    /* inserted and deleted: nobody is told; linked by change_next */
	struct row *changes_first, *changes_last;
	size_t n;
	VEC(struct index *) indexes;
};

struct replica {
	const struct ovsdb_schema *schema;
	struct rows *tables;
};

/* ---- content ---- */

static union ovsdb_atom zero_atom;
static union ovsdb_atom empty_string = { .string = (char *)"" };

static bool is_default_scalar(const struct ovsdb_datum *datum, const struct ovsdb_column *column)
{
	if (datum->n != 1 || column->value != OVSDB_VOID)
		return false;
	return column->key == OVSDB_STRING
		       ? !datum->keys[0].string[0]
		       : !ovsdb_atom_cmp(column->key, datum->keys[0], zero_atom);
}

static size_t atoms_size(enum ovsdb_type type, const union ovsdb_atom *atoms, size_t n,
			 size_t *strings)
{
	for (size_t i = 0; type == OVSDB_STRING && i < n; i++)
		*strings += strlen(atoms[i].string) + 1;
	return n;
}

static union ovsdb_atom *atoms_pack(enum ovsdb_type type, const union ovsdb_atom *atoms, size_t n,
				    union ovsdb_atom **to, char **strings)
{
	union ovsdb_atom *packed = *to;

	memcpy(packed, atoms, n * sizeof(*atoms));
	*to += n;
	for (size_t i = 0; type == OVSDB_STRING && i < n; i++) {
		size_t size = strlen(atoms[i].string) + 1;

		packed[i].string = memcpy(*strings, atoms[i].string, size);
		*strings += size;
	}
	return packed;
}

/* One block with copies of all data. */
static struct ovsdb_datum *content_pack(const struct ovsdb_table *table,
					const struct ovsdb_datum *const *data)
{
	size_t n_atoms = 0, strings_size = 0;
	struct ovsdb_datum *content;
	union ovsdb_atom *atoms;
	char *strings;

	for (size_t i = 0; i < table->n_columns; i++) {
		const struct ovsdb_column *column = &table->columns[i];

		if (is_default_scalar(data[i], column))
			continue;
		n_atoms += atoms_size(column->key, data[i]->keys, data[i]->n, &strings_size);
		if (column->value != OVSDB_VOID)
			n_atoms += atoms_size(column->value, data[i]->values, data[i]->n,
					      &strings_size);
	}
	content = xmalloc(table->n_columns * sizeof(*content) + n_atoms * sizeof(*atoms) +
			  strings_size);
	atoms = (union ovsdb_atom *)(content + table->n_columns);
	strings = (char *)(atoms + n_atoms);
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct ovsdb_column *column = &table->columns[i];
		const struct ovsdb_datum *from = data[i];
		struct ovsdb_datum *to = &content[i];

		*to = (struct ovsdb_datum){ .n = from->n };
		if (is_default_scalar(from, column)) {
			to->keys = column->key == OVSDB_STRING ? &empty_string : &zero_atom;
		} else if (from->n) {
			to->keys = atoms_pack(column->key, from->keys, from->n, &atoms, &strings);
			if (column->value != OVSDB_VOID)
				to->values = atoms_pack(column->value, from->values, from->n,
							&atoms, &strings);
		}
	}
	return content;
}

/* What the columns of json hold, over base (the row so far, or NULL: defaults for what json lacks).
 * diff: json holds differences from base. */
static int content_from_json(const struct ovsdb_table *table, const struct ovsdb_datum *base,
			     const json_t *json, bool diff, struct ovsdb_datum **ret,
			     struct err *err)
{
	struct ovsdb_datum parsed[64];
	const struct ovsdb_datum *data[64];
	uint64_t have = 0;
	int r = 0;

	assert(table->n_columns <= 64);
	if (!json_is_object(json))
		return err_set(err, -EINVAL, "a row is no object");
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct ovsdb_column *column = &table->columns[i];
		const json_t *value = json_object_get(json, column->name);

		data[i] = &parsed[i];
		if (!value && base) {
			data[i] = &base[i];
			continue;
		}
		if (!value) {
			parsed[i] = ovsdb_datum_default(column);
		} else if (diff && column->max != 1) {
			struct ovsdb_datum delta;

			r = ovsdb_datum_elements_from_json(value, column, &delta, err);
			if (r < 0)
				break;
			parsed[i] = ovsdb_datum_apply_diff(&base[i], &delta, column);
			ovsdb_datum_done(&delta, column);
		} else {
			r = ovsdb_datum_from_json(value, column, &parsed[i], err);
			if (r < 0)
				break;
		}
		have |= OVSDB_COL(i);
	}
	if (!r)
		*ret = content_pack(table, data);
	for (size_t i = 0; i < table->n_columns; i++)
		if (have & OVSDB_COL(i))
			ovsdb_datum_done(&parsed[i], &table->columns[i]);
	return r;
}

static uint64_t content_diff(const struct ovsdb_table *table, const struct ovsdb_datum *a,
			     const struct ovsdb_datum *b)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < table->n_columns; i++)
		if (!ovsdb_datum_eq(&a[i], &b[i], &table->columns[i]))
			mask |= OVSDB_COL(i);
	return mask;
}

/* ---- life of a row ---- */

static struct rows *table_rows(const struct replica *replica, const struct ovsdb_table *table)
{
	assert(replica->schema->tables[table->index] == table);
	return &replica->tables[table->index];
}

static void row_free(struct row *row)
{
	free(row->content);
	free(row);
}

static void change_link(struct rows *rows, struct row *row, enum row_change change)
{
	if (row->change == ROW_UNCHANGED) {
		row->change_prev = rows->changes_last;
		row->change_next = NULL;
		if (rows->changes_last)
			rows->changes_last->change_next = row;
		else
			rows->changes_first = row;
		rows->changes_last = row;
	}
	row->change = change;
}

static void change_unlink(struct rows *rows, struct row *row)
{
	if (row->change == ROW_UNCHANGED)
		return;
	if (row->change_prev)
		row->change_prev->change_next = row->change_next;
	else
		rows->changes_first = row->change_next;
	if (row->change_next)
		row->change_next->change_prev = row->change_prev;
	else
		rows->changes_last = row->change_prev;
	row->change = ROW_UNCHANGED;
	row->change_prev = row->change_next = NULL;
}

static struct row *row_find(struct row *hash, const struct uuid *uuid)
{
	struct row *row;

	HASH_FIND(hh, hash, uuid, sizeof(*uuid), row);
	return row;
}

static void indexes_add(struct rows *rows, const struct row *row, uint64_t columns)
{
	VEC_FOREACH(index, rows->indexes)
		if (columns & OVSDB_COL(index_column(*index)->index))
			index_add(*index, row);
}

static void indexes_remove(struct rows *rows, const struct row *row, uint64_t columns)
{
	VEC_FOREACH(index, rows->indexes)
		if (columns & OVSDB_COL(index_column(*index)->index))
			index_remove(*index, row);
}

static void rows_add(struct rows *rows, struct row *row)
{
	HASH_ADD(hh, rows->live, uuid, sizeof(row->uuid), row);
	rows->n++;
}

static void row_insert(struct rows *rows, const struct ovsdb_table *table, const struct uuid *uuid,
		       struct ovsdb_datum *content)
{
	struct row *row = xcalloc(1, sizeof(*row));

	row->uuid = *uuid;
	row->table = table;
	row->content = content;
	rows_add(rows, row);
	indexes_add(rows, row, OVSDB_ALL_COLUMNS);
	change_link(rows, row, ROW_INSERTED);
}

static void row_set(struct rows *rows, struct row *row, struct ovsdb_datum *content)
{
	uint64_t changed = content_diff(row->table, row->content, content);

	row->stale = false;
	if (!changed) {
		free(content);
		return;
	}
	indexes_remove(rows, row, changed);
	free(row->content);
	row->content = content;
	indexes_add(rows, row, changed);
	row->changed |= changed;
	if (row->change != ROW_INSERTED)
		change_link(rows, row, ROW_UPDATED);
}

/* A row deleted since the last advance is there again. */
static void row_revive(struct rows *rows, struct row *row, struct ovsdb_datum *content)
{
	HASH_DELETE(hh, rows->deleted, row);
	rows_add(rows, row);
	row->changed |= content_diff(row->table, row->content, content);
	row->stale = false;
	free(row->content);
	row->content = content;
	indexes_add(rows, row, OVSDB_ALL_COLUMNS);
	if (row->changed)
		row->change = ROW_UPDATED;
	else
		change_unlink(rows, row);
}

static void row_delete(struct rows *rows, struct row *row)
{
	indexes_remove(rows, row, OVSDB_ALL_COLUMNS);
	HASH_DELETE(hh, rows->live, row);
	rows->n--;
	if (row->change == ROW_INSERTED) {
		change_unlink(rows, row);
		row->change_next = rows->dead;
		rows->dead = row;
		return;
	}
	change_link(rows, row, ROW_DELETED);
	HASH_ADD(hh, rows->deleted, uuid, sizeof(row->uuid), row);
}

static void row_put(struct rows *rows, const struct ovsdb_table *table, const struct uuid *uuid,
		    struct ovsdb_datum *content)
{
	struct row *row = row_find(rows->live, uuid);

	if (row) {
		row_set(rows, row, content);
		return;
	}
	row = row_find(rows->deleted, uuid);
	if (row)
		row_revive(rows, row, content);
	else
		row_insert(rows, table, uuid, content);
}

/* ---- the replica ---- */

struct replica *replica_new(const struct ovsdb_schema *schema)
{
	struct replica *replica = xcalloc(1, sizeof(*replica));

	replica->schema = schema;
	replica->tables = xcalloc(schema->n_tables, sizeof(*replica->tables));
	return replica;
}

static void free_all(struct row **hash)
{
	struct row *row, *next;

	HASH_ITER(hh, *hash, row, next)
	{
		HASH_DELETE(hh, *hash, row);
		row_free(row);
	}
}

static void free_dead(struct rows *rows)
{
	while (rows->dead) {
		struct row *row = rows->dead;

		rows->dead = row->change_next;
		row_free(row);
	}
}

void replica_free(struct replica *replica)
{
	if (!replica)
		return;
	for (size_t i = 0; i < replica->schema->n_tables; i++) {
		struct rows *rows = &replica->tables[i];

		free_all(&rows->live);
		free_all(&rows->deleted);
		free_dead(rows);
		VEC_FOREACH(index, rows->indexes)
			index_free(*index);
		VEC_DONE(rows->indexes);
	}
	free(replica->tables);
	free(replica);
}

const struct ovsdb_schema *replica_schema(const struct replica *replica)
{
	return replica->schema;
}

const struct row *replica_get(const struct replica *replica, const struct ovsdb_table *table,
			      const struct uuid *uuid)
{
	return row_find(table_rows(replica, table)->live, uuid);
}

const struct row *replica_first(const struct replica *replica, const struct ovsdb_table *table)
{
	return table_rows(replica, table)->live;
}

const struct row *replica_next(const struct replica *replica, const struct row *row)
{
	return row->hh.next;
}

size_t replica_count(const struct replica *replica, const struct ovsdb_table *table)
{
	return table_rows(replica, table)->n;
}

static struct index *index_get(struct rows *rows, const struct ovsdb_column *column)
{
	struct index *index;

	VEC_FOREACH(i, rows->indexes)
		if (index_column(*i) == column)
			return *i;
	index = index_new(column);
	for (const struct row *row = rows->live; row; row = row->hh.next)
		index_add(index, row);
	VEC_ADD(rows->indexes, index);
	return index;
}

const struct row *replica_find(struct replica *replica, const struct ovsdb_table *table,
			       const struct ovsdb_column *column, const char *value)
{
	assert(column->key == OVSDB_STRING && column->value == OVSDB_VOID && column->max == 1);
	return index_find(index_get(table_rows(replica, table), column), value);
}

const struct uuid *row_uuid(const struct row *row)
{
	return &row->uuid;
}

const struct ovsdb_table *row_table(const struct row *row)
{
	return row->table;
}

const struct ovsdb_datum *row_datum(const struct row *row, const struct ovsdb_column *column)
{
	return &row->content[column->index];
}

/* ---- changes ---- */

const struct row *replica_first_change(const struct replica *replica,
				       const struct ovsdb_table *table)
{
	return table_rows(replica, table)->changes_first;
}

const struct row *replica_next_change(const struct replica *replica, const struct row *row)
{
	return row->change_next;
}

bool replica_has_changes(const struct replica *replica)
{
	for (size_t i = 0; i < replica->schema->n_tables; i++)
		if (replica->tables[i].changes_first)
			return true;
	return false;
}

enum row_change row_change(const struct row *row)
{
	return row->change;
}

uint64_t row_changed_columns(const struct row *row)
{
	switch (row->change) {
	case ROW_UNCHANGED: return 0;
	case ROW_UPDATED: return row->changed;
	case ROW_INSERTED:
	case ROW_DELETED: break;
	}
	return OVSDB_ALL_COLUMNS;
}

static void rows_advance(struct rows *rows)
{
	while (rows->changes_first) {
		struct row *row = rows->changes_first;
		bool deleted = row->change == ROW_DELETED;

		change_unlink(rows, row);
		row->changed = 0;
		if (deleted) {
			HASH_DELETE(hh, rows->deleted, row);
			row_free(row);
		}
	}
	free_dead(rows);
}

void replica_advance(struct replica *replica)
{
	for (size_t i = 0; i < replica->schema->n_tables; i++)
		rows_advance(&replica->tables[i]);
}

/* ---- feeding ---- */

struct edit {
	const struct ovsdb_table *table;
	struct uuid uuid;
	struct ovsdb_datum *content; /* NULL: the row goes */
};

struct edits {
	VEC(struct edit) list;
};

static int edit_from_update1(const struct row *row, const json_t *json, struct edit *edit,
			     struct err *err)
{
	const json_t *new = json_object_get(json, "new");

	if (new)
		return content_from_json(edit->table, row ? row->content : NULL, new, false,
					 &edit->content, err);
	if (!json_object_get(json, "old"))
		return err_set(err, -EINVAL, "a row update has neither \"old\" nor \"new\"");
	return 0;
}

static int edit_from_update2(const struct row *row, const json_t *json, struct edit *edit,
			     struct err *err)
{
	const json_t *full = json_object_get(json, "initial") ?: json_object_get(json, "insert");
	const json_t *diff = json_object_get(json, "modify");

	if (full)
		return content_from_json(edit->table, NULL, full, false, &edit->content, err);
	if (diff && !row)
		return err_set(err, -ENOENT, "a row is modified that was never sent");
	if (diff)
		return content_from_json(edit->table, row->content, diff, true, &edit->content,
					 err);
	if (!json_object_get(json, "delete"))
		return err_set(err, -EINVAL, "a row update is of no known kind");
	return 0;
}

static int table_edits(const struct replica *replica, const struct ovsdb_table *table,
		       const json_t *updates, int version, struct edits *edits, struct err *err)
{
	const json_t *json;
	const char *key;
	int r;

	if (!json_is_object(updates))
		return err_set(err, -EINVAL, "the update is no object");
	json_object_foreach((json_t *)updates, key, json)
	{
		struct edit edit = { .table = table };
		const struct row *row;

		if (!uuid_parse(key, &edit.uuid))
			return err_set(err, -EINVAL, "\"%.40s\" is no row's uuid", key);
		row = replica_get(replica, table, &edit.uuid);
		r = version == 1 ? edit_from_update1(row, json, &edit, err)
				 : edit_from_update2(row, json, &edit, err);
		if (r < 0)
			goto bad_row;
		VEC_ADD(edits->list, edit);
	}
	return 0;
bad_row:
	err_prefix(err, "row %s", key);
	return r;
}

static void edits_apply(struct replica *replica, struct edits *edits)
{
	VEC_FOREACH(edit, edits->list) {
		struct rows *rows = table_rows(replica, edit->table);
		struct row *row;

		if (edit->content) {
			row_put(rows, edit->table, &edit->uuid, TAKE(edit->content));
			continue;
		}
		row = row_find(rows->live, &edit->uuid);
		if (row)
			row_delete(rows, row);
	}
}

static void edits_done(struct edits *edits)
{
	VEC_FOREACH(edit, edits->list)
		free(edit->content);
	VEC_DONE(edits->list);
}

int replica_apply(struct replica *replica, const json_t *table_updates, int version,
		  struct err *err)
{
	struct edits edits = { VEC_INIT };
	const json_t *updates;
	const char *name;
	int r = 0;

	if (!json_is_object(table_updates))
		return err_set(err, -EINVAL, "the update is no object");
	json_object_foreach((json_t *)table_updates, name, updates)
	{
		const struct ovsdb_table *table = ovsdb_schema_table(replica->schema, name);

		if (!table)
			continue;
		r = table_edits(replica, table, updates, version, &edits, err);
		if (r < 0) {
			err_prefix(err, "table %s", name);
			break;
		}
	}
	if (!r)
		edits_apply(replica, &edits);
	edits_done(&edits);
	return r;
}

int replica_put(struct replica *replica, const struct ovsdb_table *table, const json_t *row,
		struct err *err)
{
	const char *text = json_string_value(json_array_get(json_object_get(row, "_uuid"), 1));
	struct ovsdb_datum *content;
	struct uuid uuid;
	int r;

	if (!text || !uuid_parse(text, &uuid))
		return err_set(err, -EINVAL, "table %s: a row has no _uuid", table->name);
	r = content_from_json(table, NULL, row, false, &content, err);
	if (r < 0) {
		err_prefix(err, "table %s: row %s", table->name, text);
		return r;
	}
	row_put(table_rows(replica, table), table, &uuid, content);
	return 0;
}

void replica_resync_begin(struct replica *replica)
{
	for (size_t i = 0; i < replica->schema->n_tables; i++)
		for (struct row *row = replica->tables[i].live; row; row = row->hh.next)
			row->stale = true;
}

void replica_resync_end(struct replica *replica)
{
	for (size_t i = 0; i < replica->schema->n_tables; i++) {
		struct rows *rows = &replica->tables[i];
		struct row *row, *next;

		HASH_ITER(hh, rows->live, row, next)
		{
			if (row->stale)
				row_delete(rows, row);
			row->stale = false;
		}
	}
}
