/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "ovsdb/datum.h"
#include "ovsdb/schema.h"

/* An in-memory copy of (parts of) a database.  It does no I/O: a client feeds it, tests feed it
 * literals.  Rows are looked up by uuid, iterated per table, and tracked: between two calls of
 * replica_advance() it knows which rows were inserted, updated (and in which columns) or deleted.
 *
 * The usual life: the client applies updates -> its owner walks the changes and recomputes what
 * depends on them -> replica_advance() forgets the changes and frees the deleted rows.
 *
 * A row, and everything read from it, is borrowed and valid until replica_advance(), or until the
 * next update of that row.  A changed row keeps its address. */
struct replica;
struct row;
struct err;

enum row_change {
	ROW_UNCHANGED,
	ROW_INSERTED,
	ROW_UPDATED,
	ROW_DELETED, /* still readable: its last content */
};

struct replica *replica_new(const struct ovsdb_schema *schema);
void replica_free(struct replica *replica); /* NULL is fine */
const struct ovsdb_schema *replica_schema(const struct replica *replica);

/* ---- reading ---- */

/* NULL when there is none.  Deleted rows are not found. */
const struct row *replica_get(const struct replica *replica, const struct ovsdb_table *table,
			      const struct uuid *uuid);
/* Deleted rows are skipped.  Order is unspecified. */
const struct row *replica_first(const struct replica *replica, const struct ovsdb_table *table);
const struct row *replica_next(const struct replica *replica, const struct row *row);
size_t replica_count(const struct replica *replica, const struct ovsdb_table *table);

/* First row whose string (scalar or optional) column equals value; an index is built at the first
 * call for a column and kept up to date from then on. */
const struct row *replica_find(struct replica *replica, const struct ovsdb_table *table,
			       const struct ovsdb_column *column, const char *value);

const struct uuid *row_uuid(const struct row *row);
const struct ovsdb_table *row_table(const struct row *row);
const struct ovsdb_datum *row_datum(const struct row *row, const struct ovsdb_column *column);

/* ---- changes since the last replica_advance() ---- */

const struct row *replica_first_change(const struct replica *replica, const struct ovsdb_table *table);
const struct row *replica_next_change(const struct replica *replica, const struct row *row);
bool replica_has_changes(const struct replica *replica); /* any table */
enum row_change row_change(const struct row *row);
uint64_t row_changed_columns(const struct row *row); /* mask; all for inserted and deleted rows */
/* A row that was inserted and deleted since the last advance is not reported; one that was deleted and
 * came back is updated. */
void replica_advance(struct replica *replica);

/* ---- feeding ---- */

/* One <table-updates> (RFC 7047 4.1.6, version 1) or <table-updates2> (ovsdb-server(7) 4.1.14,
 * version 2 and 3).  Unknown tables and columns are ignored; anything else that does not fit the schema
 * is an error that leaves the replica as it was. */
int replica_apply(struct replica *replica, const json_t *table_updates, int version, struct err *err);
/* One row as "select" returns it: {column: value, ..., "_uuid": ["uuid", ...]}.  Inserts or replaces. */
int replica_put(struct replica *replica, const struct ovsdb_table *table, const json_t *row, struct err *err);
/* Everything is gone, to be followed by a full snapshot: rows that the snapshot brings again
 * unchanged will not be reported as changed.  Readers see the old rows until replica_resync_end(). */
void replica_resync_begin(struct replica *replica);
void replica_resync_end(struct replica *replica);
