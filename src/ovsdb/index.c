/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/index.h"

#include <string.h>

#include "ovsdb/replica.h"
#include "util/alloc.h"
#include "util/table.h"

struct entry {
	struct table_node node; /* first: a node is its entry */
	const struct row *row;
};

struct index {
	const struct ovsdb_column *column;
	struct table entries;
};

static uint32_t hash_string(const char *s)
{
	return table_hash(TABLE_HASH_INIT, s, strlen(s));
}

static const char *row_value(const struct row *row, const struct ovsdb_column *column)
{
	const struct ovsdb_datum *datum = row_datum(row, column);

	return datum->n ? datum->keys[0].string : NULL;
}

struct index *index_new(const struct ovsdb_column *column)
{
	struct index *index = xcalloc(1, sizeof(*index));

	index->column = column;
	return index;
}

static void entry_free(struct table_node *node)
{
	free(node);
}

void index_free(struct index *index)
{
	if (!index)
		return;
	table_done(&index->entries, entry_free);
	free(index);
}

const struct ovsdb_column *index_column(const struct index *index)
{
	return index->column;
}

void index_add(struct index *index, const struct row *row)
{
	const char *value = row_value(row, index->column);
	struct entry *entry;

	if (!value)
		return;
	entry = xmalloc(sizeof(*entry));
	entry->row = row;
	table_add(&index->entries, &entry->node, hash_string(value));
}

void index_remove(struct index *index, const struct row *row)
{
	const char *value = row_value(row, index->column);
	struct table_node *node;

	if (!value)
		return;
	node = table_bucket(&index->entries, hash_string(value));
	while (node && ((struct entry *)node)->row != row)
		node = node->next;
	if (!node)
		return;
	table_remove(&index->entries, node);
	free(node);
}

const struct row *index_find(const struct index *index, const char *value)
{
	uint32_t hash = hash_string(value);
	const struct row *found = NULL;

	for (const struct table_node *node = table_bucket(&index->entries, hash); node;
	     node = node->next) {
		const struct row *row = ((const struct entry *)node)->row;

		if (node->hash != hash || strcmp(row_value(row, index->column), value))
			continue;
		if (!found || uuid_cmp(row_uuid(row), row_uuid(found)) < 0)
			found = row;
	}
	return found;
}
