/* SPDX-License-Identifier: Apache-2.0 */
#include "minidb.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/str.h"

static const struct ovsdb_table *table_of(const struct replica *replica, const char *name)
{
	return ovsdb_schema_table(replica_schema(replica), name);
}

static json_t *uuid_json(const struct uuid *uuid)
{
	char text[UUID_TEXT_SIZE];

	return json_pack("[ss]", "uuid", uuid_format(uuid, text));
}

/* The row with some columns replaced; steals values. */
static void put_row(struct replica *replica, const struct ovsdb_table *table,
		    const struct uuid *uuid, json_t *values)
{
	const struct row *row = replica_get(replica, table, uuid);
	json_t *json = json_object();
	struct err err = ERR_INIT;

	for (int i = 0; row && i < table->n_columns; i++)
		json_object_set_new(json, table->columns[i].name,
				    ovsdb_datum_to_json(row_datum(row, &table->columns[i]),
							&table->columns[i]));
	json_object_update(json, values);
	json_object_set_new(json, "_uuid", uuid_json(uuid));
	if (replica_put(replica, table, json, &err) < 0) {
		fprintf(stderr, "%s: %s\n", table->name, err.text);
		abort();
	}
	json_decref(json);
	json_decref(values);
}

void minidb_set(struct replica *replica, const char *table, const struct uuid *row,
		const char *column, json_t *value)
{
	put_row(replica, table_of(replica, table), row, json_pack("{so}", column, value));
}

struct uuid minidb_insert(struct replica *replica, const char *table, json_t *values)
{
	struct uuid uuid = uuid_random();

	put_row(replica, table_of(replica, table), &uuid, values);
	return uuid;
}

void minidb_delete(struct replica *replica, const char *table, const struct uuid *row)
{
	char text[UUID_TEXT_SIZE];
	json_t *update = json_pack("{s{s{s{}}}}", table, uuid_format(row, text), "old");
	struct err err = ERR_INIT;

	if (replica_get(replica, table_of(replica, table), row) &&
	    replica_apply(replica, update, 1, &err) < 0) {
		fprintf(stderr, "%s: %s\n", table, err.text);
		abort();
	}
	json_decref(update);
}

/* ["named-uuid", name] -> ["uuid", text], everywhere below json. */
static void resolve_names(json_t *json, json_t *names)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(json))
		json_object_foreach(json, key, value) resolve_names(value, names);
	if (!json_is_array(json))
		return;
	if (json_array_size(json) == 2 &&
	    str_eq(json_string_value(json_array_get(json, 0)), "named-uuid")) {
		json_array_set(json, 1,
			       json_object_get(names, json_string_value(json_array_get(json, 1))));
		json_array_set_new(json, 0, json_string("uuid"));
		return;
	}
	json_array_foreach(json, i, value) resolve_names(value, names);
}

static void mutate_row(struct replica *replica, const struct ovsdb_table *table,
		       const struct uuid *uuid, const json_t *mutations)
{
	json_t *mutation;
	size_t i;

	json_array_foreach(mutations, i, mutation)
	{
		const struct ovsdb_column *column =
			ovsdb_table_column(table, json_string_value(json_array_get(mutation, 0)));
		bool insert = str_eq(json_string_value(json_array_get(mutation, 1)), "insert");
		const struct row *row = replica_get(replica, table, uuid);
		struct ovsdb_column type = *column;
		struct ovsdb_datum datum, elements;

		type.min = 0;
		type.max = OVSDB_UNLIMITED;
		if (!insert && column->value != OVSDB_VOID)
			type.value = OVSDB_VOID; /* "delete" names keys */
		datum = ovsdb_datum_clone(row_datum(row, column), column);
		assert(ovsdb_datum_from_json(json_array_get(mutation, 2), &type, &elements, NULL) ==
		       0);
		for (uint32_t e = 0; e < elements.n; e++) {
			if (!insert)
				ovsdb_datum_remove(&datum, column, elements.keys[e]);
			else if (ovsdb_datum_find(&datum, column, elements.keys[e]) < 0)
				ovsdb_datum_insert(&datum, column, elements.keys[e],
						   elements.values ? elements.values[e]
								   : (union ovsdb_atom){ 0 });
		}
		put_row(replica, table, uuid,
			json_pack("{so}", column->name, ovsdb_datum_to_json(&datum, column)));
		ovsdb_datum_done(&elements, &type);
		ovsdb_datum_done(&datum, column);
	}
}

static void run_on_row(struct replica *replica, const char *table, const struct uuid *uuid,
		       const json_t *op)
{
	const char *kind = json_string_value(json_object_get(op, "op"));

	if (str_eq(kind, "delete"))
		minidb_delete(replica, table, uuid);
	else if (str_eq(kind, "update"))
		put_row(replica, table_of(replica, table), uuid,
			json_deep_copy(json_object_get(op, "row")));
	else if (str_eq(kind, "mutate"))
		mutate_row(replica, table_of(replica, table), uuid,
			   json_object_get(op, "mutations"));
}

static void run_where(struct replica *replica, const json_t *op)
{
	const char *table = json_string_value(json_object_get(op, "table"));
	const json_t *clause = json_array_get(json_object_get(op, "where"), 0);
	const char *name = json_string_value(json_array_get(clause, 0));
	const char *text = json_string_value(json_array_get(json_array_get(clause, 2), 1));
	const struct ovsdb_table *type = table_of(replica, table);
	const struct row *row, *next;
	struct uuid uuid;

	assert(text && uuid_parse(text, &uuid));
	if (str_eq(name, "_uuid")) {
		run_on_row(replica, table, &uuid, op);
		return;
	}
	for (row = replica_first(replica, type); row; row = next) {
		next = replica_next(replica, row);
		if (ovsdb_uset_contains(row_datum(row, ovsdb_table_column(type, name)), &uuid))
			run_on_row(replica, table, row_uuid(row), op);
	}
}

void minidb_commit(struct replica *replica, const struct txn *txn)
{
	json_t *ops = txn_to_json(txn), *names = json_object(), *op;
	size_t i;

	json_array_foreach(ops, i, op)
	{
		const char *name = json_string_value(json_object_get(op, "uuid-name"));
		struct uuid uuid = uuid_random();
		char text[UUID_TEXT_SIZE];

		if (name)
			json_object_set_new(names, name, json_string(uuid_format(&uuid, text)));
	}
	resolve_names(ops, names);
	json_array_foreach(ops, i, op)
	{
		const char *kind = json_string_value(json_object_get(op, "op"));
		const char *table = json_string_value(json_object_get(op, "table"));
		struct uuid uuid;

		if (!kind || str_eq(kind, "comment") || str_eq(kind, "assert"))
			continue;
		if (!str_eq(kind, "insert")) {
			run_where(replica, op);
			continue;
		}
		assert(uuid_parse(
			json_string_value(json_object_get(
				names, json_string_value(json_object_get(op, "uuid-name")))),
			&uuid));
		put_row(replica, table_of(replica, table), &uuid,
			json_deep_copy(json_object_get(op, "row")));
	}
	json_decref(names);
	json_decref(ops);
}
