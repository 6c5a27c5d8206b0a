/* SPDX-License-Identifier: Apache-2.0 */
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
