/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/index.h"

#include <string.h>

#include "ovsdb/replica.h"
#include "util/alloc.h"

struct node {
	const struct row *row;
	struct node *next;
	uint32_t hash;
};

struct index {
	const struct ovsdb_column *column;
	struct node **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
};

/* FNV-1a */
static uint32_t hash_string(const char *s)
{
	uint32_t hash = 2166136261u;

	for (; *s; s++)
		hash = (hash ^ (uint8_t)*s) * 16777619u;
	return hash;
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
	index->n_buckets = 16;
	index->buckets = xcalloc(index->n_buckets, sizeof(*index->buckets));
	return index;
}

void index_free(struct index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->n_buckets; i++) {
		struct node *node = index->buckets[i];

		while (node) {
			struct node *next = node->next;

			free(node);
			node = next;
		}
	}
	free(index->buckets);
	free(index);
}

const struct ovsdb_column *index_column(const struct index *index)
{
	return index->column;
}

static struct node **bucket(const struct index *index, uint32_t hash)
{
	return &index->buckets[hash & (index->n_buckets - 1)];
}

static void link_node(struct index *index, struct node *node)
{
	struct node **head = bucket(index, node->hash);

	node->next = *head;
	*head = node;
}

static void grow(struct index *index)
{
	struct node **old = index->buckets;
	size_t n_old = index->n_buckets;

	index->n_buckets *= 2;
	index->buckets = xcalloc(index->n_buckets, sizeof(*index->buckets));
	for (size_t i = 0; i < n_old; i++) {
		struct node *node = old[i];

		while (node) {
			struct node *next = node->next;

			link_node(index, node);
			node = next;
		}
	}
	free(old);
}

void index_add(struct index *index, const struct row *row)
{
	const char *value = row_value(row, index->column);
	struct node *node;

	if (!value)
		return;
	if (index->n == index->n_buckets)
		grow(index);
	node = xmalloc(sizeof(*node));
	node->row = row;
	node->hash = hash_string(value);
	link_node(index, node);
	index->n++;
}

void index_remove(struct index *index, const struct row *row)
{
	const char *value = row_value(row, index->column);
	struct node **at;

	if (!value)
		return;
	for (at = bucket(index, hash_string(value)); *at; at = &(*at)->next) {
		struct node *node = *at;

		if (node->row != row)
			continue;
		*at = node->next;
		free(node);
		index->n--;
		return;
	}
}

const struct row *index_find(const struct index *index, const char *value)
{
	uint32_t hash = hash_string(value);
	const struct row *found = NULL;

	for (const struct node *node = *bucket(index, hash); node; node = node->next) {
		if (node->hash != hash || strcmp(row_value(node->row, index->column), value))
			continue;
		if (!found || uuid_cmp(row_uuid(node->row), row_uuid(found)) < 0)
			found = node->row;
	}
	return found;
}
