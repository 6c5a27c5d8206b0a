/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "ovsdb/datum.h"
#include "ovsdb/schema.h"
#include "util/uuid.h"

/* A transaction under construction (RFC 7047 4.1.3, 5.2).  Pure: it produces the "transact"
 * parameters, a client sends them.
 *
 * Rows are named by uuid, new ones too: txn_insert() invents one, and every reference to it, in any column
 * of any row of this transaction, is written as a named-uuid.  (The server chooses the real one.)
 * All changes of one row become one operation (two, where some columns are
 * replaced and others mutated); operations keep the order in which rows were first
 * touched; waits come first. */
struct txn;
struct err;

struct txn *txn_new(const struct ovsdb_schema *schema);
void txn_free(struct txn *txn);           /* NULL is fine */
bool txn_is_empty(const struct txn *txn); /* comments and waits alone count as empty */
void txn_comment(struct txn *txn, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct uuid txn_insert(struct txn *txn, const struct ovsdb_table *table);
/* A deleted row loses what was set before in this transaction; deleting a row inserted here undoes it. */
void txn_delete(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row);
/* The row loses what was set before in this transaction.  Waits stay. */
void txn_discard(struct txn *txn, const struct uuid *row);
/* Replaces the column's value.  datum is copied. */
void txn_set(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
	     const struct ovsdb_column *column, const struct ovsdb_datum *datum);
/* Adds or removes elements of a set or map without touching, or knowing, the others ("mutate").
 * txn_add() on a map key that exists leaves the old value (RFC 7047 5.1 "insert"); to replace it, remove the
 * key first: within one transaction removals are applied before additions.  Map elements are removed by key
 * (values, which may be NULL, do not matter). */
void txn_add(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
	     const struct ovsdb_column *column, const struct ovsdb_datum *elements);
void txn_remove(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		const struct ovsdb_column *column, const struct ovsdb_datum *elements);
/* value += by, as the server finds it; integer columns. */
void txn_increment(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		   const struct ovsdb_column *column, int64_t by);
/* Fails the whole transaction ("timed out", which means: try again) unless the column still holds datum. */
void txn_verify(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		const struct ovsdb_column *column, const struct ovsdb_datum *datum);
/* Fails unless the row exists. */
void txn_verify_exists(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row);
/* Fails with "not owner" unless this session holds the lock (RFC 7047 5.2.10). */
void txn_assert_lock(struct txn *txn, const char *lock);
/* An operation that the above cannot say; steals the reference. */
void txn_raw(struct txn *txn, json_t *operation);

/* The parameters of "transact", [db, op, ...]; new reference.  NULL if a string is not UTF-8. */
json_t *txn_to_json(const struct txn *txn);

/* What the server said.  outcome TXN_AGAIN: nothing was changed, look again and retry (a verify failed or the
 * connection was lost before an answer; in the latter case it is not known whether the transaction was applied). */
enum txn_outcome {
	TXN_OK,
	TXN_AGAIN,
	TXN_NOT_OWNER, /* the lock is somebody else's */
	TXN_ERROR,     /* err has the server's words */
};

/* Reads the "result" array of a reply to txn_to_json(). */
enum txn_outcome txn_read_result(const struct txn *txn, const json_t *result, struct err *err);
/* After TXN_OK: the real uuid of a row that txn_insert() named. */
bool txn_inserted_uuid(const struct txn *txn, const struct uuid *provisional, struct uuid *ret);
