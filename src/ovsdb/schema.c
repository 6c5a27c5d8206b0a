/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/schema.h"

#include <stddef.h>
#include <string.h>

const struct ovsdb_table *ovsdb_schema_table(const struct ovsdb_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_tables; i++)
		if (!strcmp(schema->tables[i]->name, name))
			return schema->tables[i];
	return NULL;
}

const struct ovsdb_column *ovsdb_table_column(const struct ovsdb_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_columns; i++)
		if (!strcmp(table->columns[i].name, name))
			return &table->columns[i];
	return NULL;
}
