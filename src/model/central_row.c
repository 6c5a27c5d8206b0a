/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "model/central_private.h"

struct central_row central_row_open(struct txn *txn, const struct ovsdb_table *table,
				    const struct row *have)
{
	return (struct central_row){
		.txn = txn,
		.table = table,
		.have = have,
		.uuid = have ? *row_uuid(have) : txn_insert(txn, table),
	};
}

void central_row_datum(const struct central_row *row, const struct ovsdb_column *column,
		       const struct ovsdb_datum *datum)
{
	if (row->have ? ovsdb_datum_eq(row_datum(row->have, column), datum, column) : !datum->n)
		return;
	txn_set(row->txn, row->table, &row->uuid, column, datum);
}

static int compare_strings(const void *a, const void *b)
{
	const union ovsdb_atom *x = a, *y = b;

	return strcmp(x->string, y->string);
}

/* What only the first of two sets has; the elements are borrowed. */
static struct central_strings only_in(const struct ovsdb_datum *a, const struct ovsdb_datum *b)
{
	struct central_strings only = { VEC_INIT };
	uint32_t j = 0;

	for (uint32_t i = 0; i < a->n; i++) {
		while (j < b->n && strcmp(b->keys[j].string, a->keys[i].string) < 0)
			j++;
		if (j == b->n || strcmp(b->keys[j].string, a->keys[i].string) != 0)
			VEC_ADD(only.atoms, a->keys[i]);
	}
	return only;
}

static struct ovsdb_datum as_datum(const struct central_strings *strings)
{
	return (struct ovsdb_datum){ (uint32_t)strings->atoms.n, strings->atoms.v, NULL };
}

void central_row_strings(const struct central_row *row, const struct ovsdb_column *column,
			 struct central_strings *strings)
{
	const struct ovsdb_datum *have =
		row->have ? row_datum(row->have, column) : &(struct ovsdb_datum)OVSDB_DATUM_EMPTY;
	struct central_strings more, less;
	struct ovsdb_datum want;
	size_t kept = 0;

	if (strings->atoms.n)
		qsort(strings->atoms.v, strings->atoms.n, sizeof(*strings->atoms.v),
		      compare_strings);
	VEC_FOREACH(atom, strings->atoms)
		if (!kept || strcmp(strings->atoms.v[kept - 1].string, atom->string) != 0)
			strings->atoms.v[kept++] = *atom;
	strings->atoms.n = kept;
	want = as_datum(strings);
	more = only_in(&want, have);
	less = only_in(have, &want);
	if (more.atoms.n + less.atoms.n > kept / 2) {
		txn_set(row->txn, row->table, &row->uuid, column, &want);
	} else {
		struct ovsdb_datum add = as_datum(&more), remove = as_datum(&less);

		txn_add(row->txn, row->table, &row->uuid, column, &add);
		txn_remove(row->txn, row->table, &row->uuid, column, &remove);
	}
	VEC_DONE(more.atoms);
	VEC_DONE(less.atoms);
}

static void put_atom(const struct central_row *row, const struct ovsdb_column *column,
		     union ovsdb_atom atom)
{
	central_row_datum(row, column, &(struct ovsdb_datum){ 1, &atom, NULL });
}

void central_row_string(const struct central_row *row, const struct ovsdb_column *column,
			const char *value)
{
	if (value)
		put_atom(row, column, (union ovsdb_atom){ .string = (char *)value });
	else
		central_row_datum(row, column, &(struct ovsdb_datum)OVSDB_DATUM_EMPTY);
}

void central_row_integer(const struct central_row *row, const struct ovsdb_column *column,
			 int64_t value)
{
	put_atom(row, column, (union ovsdb_atom){ .integer = value });
}

void central_row_boolean(const struct central_row *row, const struct ovsdb_column *column,
			 bool value)
{
	put_atom(row, column, (union ovsdb_atom){ .boolean = value });
}

void central_row_uuid(const struct central_row *row, const struct ovsdb_column *column,
		      const struct uuid *value)
{
	if (value)
		put_atom(row, column, (union ovsdb_atom){ .uuid = *value });
	else
		central_row_datum(row, column, &(struct ovsdb_datum)OVSDB_DATUM_EMPTY);
}

void central_smap_put(struct ovsdb_datum *datum, const struct ovsdb_column *column, const char *key,
		      const char *value)
{
	ovsdb_datum_insert(datum, column, (union ovsdb_atom){ .string = (char *)key },
			   (union ovsdb_atom){ .string = (char *)value });
}

void central_smap_put_also(struct ovsdb_datum *datum, const struct ovsdb_column *column,
			   const char *key, const char *value)
{
	const char *have = ovsdb_smap_get(datum, key);

	if (!have || strcmp(value, have) < 0)
		central_smap_put(datum, column, key, value);
}
