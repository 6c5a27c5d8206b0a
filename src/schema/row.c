/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/row.h"

static const union ovsdb_atom *first_key(const struct row *row, const struct ovsdb_column *column)
{
	const struct ovsdb_datum *datum = row_datum(row, column);

	return datum && datum->n ? &datum->keys[0] : NULL;
}

const char *schema_string(const struct row *row, const struct ovsdb_column *column)
{
	return schema_string_opt(row, column) ?: "";
}

const char *schema_string_opt(const struct row *row, const struct ovsdb_column *column)
{
	const union ovsdb_atom *key = first_key(row, column);

	return key ? key->string : NULL;
}

int64_t schema_integer(const struct row *row, const struct ovsdb_column *column)
{
	int64_t value = 0;

	schema_integer_opt(row, column, &value);
	return value;
}

bool schema_boolean(const struct row *row, const struct ovsdb_column *column)
{
	bool value = false;

	schema_boolean_opt(row, column, &value);
	return value;
}

double schema_real(const struct row *row, const struct ovsdb_column *column)
{
	const union ovsdb_atom *key = first_key(row, column);

	return key ? key->real : 0;
}

const struct uuid *schema_uuid(const struct row *row, const struct ovsdb_column *column)
{
	const union ovsdb_atom *key = first_key(row, column);

	return key ? &key->uuid : NULL;
}

bool schema_integer_opt(const struct row *row, const struct ovsdb_column *column, int64_t *ret)
{
	const union ovsdb_atom *key = first_key(row, column);

	if (key)
		*ret = key->integer;
	return key;
}

bool schema_boolean_opt(const struct row *row, const struct ovsdb_column *column, bool *ret)
{
	const union ovsdb_atom *key = first_key(row, column);

	if (key)
		*ret = key->boolean;
	return key;
}

/* key NULL: the empty set. */
static void set_key(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		    const struct ovsdb_column *column, union ovsdb_atom *key)
{
	txn_set(txn, table, row, column, &(struct ovsdb_datum){ key ? 1 : 0, key, NULL });
}

void schema_set_string(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		       const struct ovsdb_column *column, const char *value)
{
	union ovsdb_atom key = { .string = (char *)value };

	set_key(txn, table, row, column, value ? &key : NULL);
}

void schema_set_integer(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
			const struct ovsdb_column *column, const int64_t *value)
{
	union ovsdb_atom key = { .integer = value ? *value : 0 };

	set_key(txn, table, row, column, value ? &key : NULL);
}

void schema_set_boolean(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
			const struct ovsdb_column *column, const bool *value)
{
	union ovsdb_atom key = { .boolean = value ? *value : false };

	set_key(txn, table, row, column, value ? &key : NULL);
}

void schema_set_real(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		     const struct ovsdb_column *column, double value)
{
	union ovsdb_atom key = { .real = value };

	set_key(txn, table, row, column, &key);
}

void schema_set_uuid(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		     const struct ovsdb_column *column, const struct uuid *value)
{
	union ovsdb_atom key = { 0 };

	if (value)
		key.uuid = *value;
	set_key(txn, table, row, column, value ? &key : NULL);
}

void schema_put(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		const struct ovsdb_column *column, const char *key, const char *value)
{
	union ovsdb_atom key_atom = { .string = (char *)key };
	union ovsdb_atom value_atom = { .string = (char *)value };

	schema_drop(txn, table, row, column, key);
	txn_add(txn, table, row, column, &(struct ovsdb_datum){ 1, &key_atom, &value_atom });
}

void schema_drop(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		 const struct ovsdb_column *column, const char *key)
{
	union ovsdb_atom key_atom = { .string = (char *)key };

	/* Keys without values: removed whatever the value (RFC 7047 5.1, "delete"). */
	txn_remove(txn, table, row, column, &(struct ovsdb_datum){ 1, &key_atom, NULL });
}
