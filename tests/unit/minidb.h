/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ovsdb/replica.h"
#include "ovsdb/txn.h"

/* A database server reduced to a replica: carries out what a transaction says (insert, update, mutate, delete by
 * _uuid or by one column) and shows the result as changes. */
void minidb_commit(struct replica *replica, const struct txn *txn);
/* Puts one column of a row, as a mutation by somebody else would. */
void minidb_set(struct replica *replica, const char *table, const struct uuid *row,
		const char *column, json_t *value);
/* A new row; values is {column: value}, stolen. */
struct uuid minidb_insert(struct replica *replica, const char *table, json_t *values);
void minidb_delete(struct replica *replica, const char *table, const struct uuid *row);
