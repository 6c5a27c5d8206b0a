/* SPDX-License-Identifier: Apache-2.0 */
#include "util/table.h"

#include "util/alloc.h"

/* FNV-1a with a final mix: buckets are chosen by the low bits. */
uint32_t table_hash(uint32_t hash, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * 16777619u;
	hash ^= hash >> 15;
	hash *= 0x2c1b3c6du;
	return hash ^ hash >> 13;
}

static void link_node(struct table *table, struct table_node *node)
{
	struct table_node **bucket = &table->buckets[node->hash & (table->n_buckets - 1)];

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct table *table)
{
	struct table_node **old = table->buckets;
	size_t n_old = table->n_buckets;

	table->n_buckets = n_old ? 2 * n_old : 16;
	table->buckets = xcalloc(table->n_buckets, sizeof(struct table_node *));
	for (size_t i = 0; i < n_old; i++) {
		struct table_node *node = old[i];

		while (node) {
			struct table_node *next = node->next;

			link_node(table, node);
			node = next;
		}
	}
	free(old);
}

void table_add(struct table *table, struct table_node *node, uint32_t hash)
{
	if (table->n >= table->n_buckets)
		grow(table);
	node->hash = hash;
	link_node(table, node);
	table->n++;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **link = &table->buckets[node->hash & (table->n_buckets - 1)];

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	table->n--;
}

struct table_node *table_bucket(const struct table *table, uint32_t hash)
{
	return table->n_buckets ? table->buckets[hash & (table->n_buckets - 1)] : NULL;
}

void table_done(struct table *table, void (*release)(struct table_node *node))
{
	for (size_t i = 0; i < table->n_buckets; i++) {
		struct table_node *node = table->buckets[i];

		while (node) {
			struct table_node *next = node->next;

			release(node);
			node = next;
		}
	}
	free(table->buckets);
	*table = (struct table){ 0 };
}
