/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <uthash.h>

#include "ovsdb/datum.h"
#include "ovsdb/schema.h"
#include "ovsdb/txn.h"
#include "util/array.h"

/* The part of a database that a few commands look at, and what they change in it.  Rows and columns are
 * asked for when they are needed; what was asked once is remembered.  Later commands see what earlier
 * ones of the same transaction wrote.
 *
 * Reading cannot fail for the caller: after an error (nb_view_error()) everything reads as empty, and the
 * driver drops the whole run. */
struct nb_session;
struct nb_view;
struct err;

struct nb_cell {
	bool known;
	bool written;
	bool is_verified;
	struct ovsdb_datum datum;        /* while known */
	struct ovsdb_datum added, taken; /* while not */
};

struct nb_row {
	const struct ovsdb_table *table;
	struct uuid uuid;
	bool is_new, is_deleted, is_verified;
	struct nb_cell *cells;
	UT_hash_handle hh;
};

struct nb_rows {
	VEC(struct nb_row *) rows;
};

struct nb_view *nb_view_new(const struct ovsdb_schema *schema, struct nb_session *session);
void nb_view_free(struct nb_view *view); /* NULL is fine */

/* The first thing that went wrong: 0, or negative with a reason.  -EAGAIN: a row vanished meanwhile. */
int nb_view_error(const struct nb_view *view, struct err *err);
/* What was written so far; borrowed. */
struct txn *nb_view_txn(struct nb_view *view);

/* ---- asking ---- */

/* Each wants the columns in the mask; others follow when they are read. */
struct nb_row *nb_view_get(struct nb_view *view, const struct ovsdb_table *table,
			   const struct uuid *uuid, uint64_t columns);
/* Rows that may match: those the server found for where (a <condition> array of RFC 7047 5.1, stolen), and
 * those that were written here.  The caller looks again.  Valid until the next question of any kind. */
const struct nb_rows *nb_view_where(struct nb_view *view, const struct ovsdb_table *table,
				    json_t *where, uint64_t columns);
/* Rows with this value in a string column. */
const struct nb_rows *nb_view_find(struct nb_view *view, const struct ovsdb_table *table,
				   const struct ovsdb_column *column, const char *value,
				   uint64_t columns);
/* Rows with this key and value in a string map. */
const struct nb_rows *nb_view_find_pair(struct nb_view *view, const struct ovsdb_table *table,
					const struct ovsdb_column *column, const char *key,
					const char *value, uint64_t columns);
/* Rows whose set of references contains uuid. */
const struct nb_rows *nb_view_find_holder(struct nb_view *view, const struct ovsdb_table *table,
					  const struct ovsdb_column *column,
					  const struct uuid *uuid, uint64_t columns);
const struct nb_rows *nb_view_all(struct nb_view *view, const struct ovsdb_table *table,
				  uint64_t columns);

/* Announces questions that will come, so that one round trip answers them all at the next question. */
void nb_view_expect(struct nb_view *view, const struct ovsdb_table *table, const struct uuid *uuid,
		    uint64_t columns);
void nb_view_expect_find(struct nb_view *view, const struct ovsdb_table *table,
			 const struct ovsdb_column *column, const char *value, uint64_t columns);
void nb_view_expect_all(struct nb_view *view, const struct ovsdb_table *table, uint64_t columns);

/* ---- rows ---- */

/* Never NULL; borrowed until the column is written. */
const struct ovsdb_datum *nb_row_datum(struct nb_view *view, struct nb_row *row,
				       const struct ovsdb_column *column);
const char *nb_row_string(struct nb_view *view, struct nb_row *row,
			  const struct ovsdb_column *column); /* NULL when empty */

struct nb_row *nb_row_insert(struct nb_view *view, const struct ovsdb_table *table);
/* For a row that txn_insert() made already. */
struct nb_row *nb_row_adopt(struct nb_view *view, const struct ovsdb_table *table,
			    const struct uuid *uuid);
/* What was written to it is lost, even if the server keeps the row because others refer to it. */
void nb_row_delete(struct nb_view *view, struct nb_row *row);
/* Writing what is there already is no change. */
void nb_row_set(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		const struct ovsdb_datum *datum);
void nb_row_set_string(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		       const char *value);
void nb_row_add(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		const struct ovsdb_datum *elements);
/* By key, whatever a map's values. */
void nb_row_remove(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column,
		   const struct ovsdb_datum *elements);
/* The transaction fails if the column changes before it is committed. */
void nb_row_verify(struct nb_view *view, struct nb_row *row, const struct ovsdb_column *column);
