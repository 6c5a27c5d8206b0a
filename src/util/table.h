/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A hash table with the link inside the element, for tables of very many small ones.  It knows hashes, not keys:
 * whoever looks something up walks table_bucket() and compares. */
struct table_node {
	struct table_node *next; /* in its bucket */
	uint32_t hash;
};

/* All zero: empty. */
struct table {
	struct table_node **buckets;
	size_t n_buckets; /* 0 or a power of two */
	size_t n;
};

#define TABLE_HASH_INIT 2166136261u

/* Hashes on from hash, TABLE_HASH_INIT at first.  Not for keys that an enemy chooses. */
uint32_t table_hash(uint32_t hash, const void *data, size_t size);

void table_add(struct table *table, struct table_node *node, uint32_t hash);
void table_remove(struct table *table, struct table_node *node); /* which must be in it */
/* The first of the nodes that may have that hash, or NULL. */
struct table_node *table_bucket(const struct table *table, uint32_t hash);
/* Hands every node to release, which may free it, and leaves the table empty. */
void table_done(struct table *table, void (*release)(struct table_node *node));
