/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/monitor.h"

#include <errno.h>

#include "util/err.h"

static int fit_table(struct monitored *monitored, const char *database, const json_t *tables,
		     struct err *err)
{
	const struct ovsdb_table *table = monitored->interest.table;
	const json_t *theirs = json_object_get(tables, table->name);
	const json_t *columns = json_object_get(theirs, "columns");

	monitored->have = 0;
	if (!theirs && monitored->interest.needed)
		return err_set(err, -ENOENT,
			       "database %s: table %s is missing; convert it to a newer schema",
			       database, table->name);
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct ovsdb_column *column = &table->columns[i];
		uint64_t bit = OVSDB_COL(i);

		if (!((monitored->interest.columns | monitored->interest.needed) & bit))
			continue;
		if (json_object_get(columns, column->name))
			monitored->have |= bit;
		else if (monitored->interest.needed & bit)
			return err_set(
				err, -ENOENT,
				"database %s: table %s lacks column %s; convert it to a newer "
				"schema",
				database, table->name, column->name);
	}
	return 0;
}

int monitor_fit_schema(struct monitored *tables, size_t n, const char *database,
		       const json_t *schema, struct err *err)
{
	const json_t *theirs = json_object_get(schema, "tables");
	int r;

	if (!json_is_object(theirs))
		return err_set(err, -EPROTO, "database %s: the server sent no schema", database);
	for (size_t i = 0; i < n; i++) {
		r = fit_table(&tables[i], database, theirs, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static json_t *where(const struct monitored *monitored)
{
	return monitored->where ? json_incref(monitored->where) : json_pack("[b]", true);
}

json_t *monitor_requests(struct monitored *tables, size_t n, bool with_conditions)
{
	json_t *requests = json_object();

	for (size_t i = 0; i < n; i++) {
		struct monitored *monitored = &tables[i];
		const struct ovsdb_table *table = monitored->interest.table;
		json_t *columns, *request;

		monitored->is_dirty = false;
		if (!monitored->have)
			continue;
		columns = json_array();
		for (size_t j = 0; j < table->n_columns; j++)
			if (monitored->have & OVSDB_COL(j))
				json_array_append_new(columns, json_string(table->columns[j].name));
		request = json_pack("{so}", "columns", columns);
		if (with_conditions)
			json_object_set_new(request, "where", where(monitored));
		json_object_set_new(requests, table->name, json_pack("[o]", request));
	}
	return requests;
}

json_t *monitor_condition_changes(struct monitored *tables, size_t n)
{
	json_t *changes = NULL;

	for (size_t i = 0; i < n; i++) {
		struct monitored *monitored = &tables[i];

		if (!monitored->is_dirty)
			continue;
		monitored->is_dirty = false;
		if (!monitored->have)
			continue;
		changes = changes ?: json_object();
		json_object_set_new(changes, monitored->interest.table->name,
				    json_pack("[{so}]", "where", where(monitored)));
	}
	return changes;
}
