/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ovsdb/datum.h"
#include "ovsdb/replica.h"
#include "ovsdb/schema.h"
#include "ovsdb/txn.h"

/* What the generated headers (nb.h, sb.h, ovs.h) are made of: a typed view of replica and txn.
 *
 * A struct nb_lsp is a struct row in disguise, so that a row of another table does not compile.  What
 * a getter returns is borrowed like the row: valid until replica_advance() or the row's next update.
 * Setters copy.  They take the uuid of a row, which may be one that txn_insert() invented. */

/* A column that was not fetched, or holds nothing, reads as its default. */
const char *schema_string(const struct row *row, const struct ovsdb_column *column);     /* "" */
const char *schema_string_opt(const struct row *row, const struct ovsdb_column *column); /* NULL */
int64_t schema_integer(const struct row *row, const struct ovsdb_column *column);
bool schema_boolean(const struct row *row, const struct ovsdb_column *column);
double schema_real(const struct row *row, const struct ovsdb_column *column);
const struct uuid *schema_uuid(const struct row *row, const struct ovsdb_column *column); /* NULL */
/* False, and *ret untouched, when the optional column is empty. */
bool schema_integer_opt(const struct row *row, const struct ovsdb_column *column, int64_t *ret);
bool schema_boolean_opt(const struct row *row, const struct ovsdb_column *column, bool *ret);

/* NULL clears (optional columns only). */
void schema_set_string(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		       const struct ovsdb_column *column, const char *value);
void schema_set_integer(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
			const struct ovsdb_column *column, const int64_t *value);
void schema_set_boolean(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
			const struct ovsdb_column *column, const bool *value);
void schema_set_real(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		     const struct ovsdb_column *column, double value);
void schema_set_uuid(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		     const struct ovsdb_column *column, const struct uuid *value);

/* One key of a string map: put replaces its value, drop removes it whatever its value. */
void schema_put(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		const struct ovsdb_column *column, const char *key, const char *value);
void schema_drop(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		 const struct ovsdb_column *column, const char *key);

/* SCHEMA_ROW(nb_lsp, nb_lsp_table): everything about a table that does not depend on its columns. */
#define SCHEMA_ROW(x, x_table)                                                                     \
	struct x;                                                                                  \
	static inline const struct row *x##_row(const struct x *row)                               \
	{                                                                                          \
		return (const struct row *)row;                                                    \
	}                                                                                          \
	static inline const struct x *x##_from_row(const struct row *row)                          \
	{                                                                                          \
		return (const struct x *)row;                                                      \
	}                                                                                          \
	static inline const struct x *x##_get(const struct replica *replica,                       \
					      const struct uuid *uuid)                             \
	{                                                                                          \
		return x##_from_row(replica_get(replica, &x_table, uuid));                         \
	}                                                                                          \
	static inline const struct x *x##_first(const struct replica *replica)                     \
	{                                                                                          \
		return x##_from_row(replica_first(replica, &x_table));                             \
	}                                                                                          \
	static inline const struct x *x##_next(const struct replica *replica, const struct x *row) \
	{                                                                                          \
		return x##_from_row(replica_next(replica, x##_row(row)));                          \
	}                                                                                          \
	static inline const struct x *x##_first_change(const struct replica *replica)              \
	{                                                                                          \
		return x##_from_row(replica_first_change(replica, &x_table));                      \
	}                                                                                          \
	static inline const struct x *x##_next_change(const struct replica *replica,               \
						      const struct x *row)                         \
	{                                                                                          \
		return x##_from_row(replica_next_change(replica, x##_row(row)));                   \
	}                                                                                          \
	static inline enum row_change x##_change(const struct x *row)                              \
	{                                                                                          \
		return row_change(x##_row(row));                                                   \
	}                                                                                          \
	static inline uint64_t x##_changed_columns(const struct x *row)                            \
	{                                                                                          \
		return row_changed_columns(x##_row(row));                                          \
	}                                                                                          \
	static inline const struct uuid *x##_uuid(const struct x *row)                             \
	{                                                                                          \
		return row_uuid(x##_row(row));                                                     \
	}                                                                                          \
	static inline struct uuid x##_insert(struct txn *txn)                                      \
	{                                                                                          \
		return txn_insert(txn, &x_table);                                                  \
	}                                                                                          \
	static inline void x##_delete(struct txn *txn, const struct uuid *row)                     \
	{                                                                                          \
		txn_delete(txn, &x_table, row);                                                    \
	}

#define SCHEMA_FOREACH(x, row, replica) \
	for (const struct x *row = x##_first(replica); row; row = x##_next(replica, row))
#define SCHEMA_FOREACH_CHANGE(x, row, replica)                     \
	for (const struct x *row = x##_first_change(replica); row; \
	     row = x##_next_change(replica, row))

/* ---- getters: (row type, function, column) ---- */

#define SCHEMA_GET_(type, getter, x, name, column)    \
	static inline type name(const struct x *row)  \
	{                                             \
		return getter(x##_row(row), &column); \
	}
#define SCHEMA_GET_STRING(x, name, column) SCHEMA_GET_(const char *, schema_string, x, name, column)
#define SCHEMA_GET_STRING_OPT(x, name, column) \
	SCHEMA_GET_(const char *, schema_string_opt, x, name, column)
#define SCHEMA_GET_INTEGER(x, name, column) SCHEMA_GET_(int64_t, schema_integer, x, name, column)
#define SCHEMA_GET_BOOLEAN(x, name, column) SCHEMA_GET_(bool, schema_boolean, x, name, column)
#define SCHEMA_GET_REAL(x, name, column)    SCHEMA_GET_(double, schema_real, x, name, column)
#define SCHEMA_GET_UUID(x, name, column) \
	SCHEMA_GET_(const struct uuid *, schema_uuid, x, name, column)
#define SCHEMA_GET_UUID_OPT(x, name, column) SCHEMA_GET_UUID(x, name, column)
#define SCHEMA_GET_DATUM(x, name, column) \
	SCHEMA_GET_(const struct ovsdb_datum *, row_datum, x, name, column)

#define SCHEMA_GET_OPT_(type, getter, x, name, column)          \
	static inline bool name(const struct x *row, type *ret) \
	{                                                       \
		return getter(x##_row(row), &column, ret);      \
	}
#define SCHEMA_GET_INTEGER_OPT(x, name, column) \
	SCHEMA_GET_OPT_(int64_t, schema_integer_opt, x, name, column)
#define SCHEMA_GET_BOOLEAN_OPT(x, name, column) \
	SCHEMA_GET_OPT_(bool, schema_boolean_opt, x, name, column)

#define SCHEMA_BY(x, name, table, column)                                              \
	static inline const struct x *name(struct replica *replica, const char *value) \
	{                                                                              \
		return x##_from_row(replica_find(replica, &table, &column, value));    \
	}

/* ---- setters: (function, table, column) ---- */

#define SCHEMA_SET_(type, setter, name, table, column)                               \
	static inline void name(struct txn *txn, const struct uuid *row, type value) \
	{                                                                            \
		setter(txn, &table, row, &column, value);                            \
	}
#define SCHEMA_SET_STRING(name, table, column) \
	SCHEMA_SET_(const char *, schema_set_string, name, table, column)
#define SCHEMA_SET_STRING_OPT(name, table, column) SCHEMA_SET_STRING(name, table, column)
#define SCHEMA_SET_REAL(name, table, column) \
	SCHEMA_SET_(double, schema_set_real, name, table, column)
#define SCHEMA_SET_UUID(name, table, column) \
	SCHEMA_SET_(const struct uuid *, schema_set_uuid, name, table, column)
#define SCHEMA_SET_UUID_OPT(name, table, column) SCHEMA_SET_UUID(name, table, column)
#define SCHEMA_SET_DATUM(name, table, column) \
	SCHEMA_SET_(const struct ovsdb_datum *, txn_set, name, table, column)
#define SCHEMA_SET_INTEGER_OPT(name, table, column) \
	SCHEMA_SET_(const int64_t *, schema_set_integer, name, table, column)
#define SCHEMA_SET_BOOLEAN_OPT(name, table, column) \
	SCHEMA_SET_(const bool *, schema_set_boolean, name, table, column)

#define SCHEMA_SET_BY_VALUE_(type, setter, name, table, column)                      \
	static inline void name(struct txn *txn, const struct uuid *row, type value) \
	{                                                                            \
		setter(txn, &table, row, &column, &value);                           \
	}
#define SCHEMA_SET_INTEGER(name, table, column) \
	SCHEMA_SET_BY_VALUE_(int64_t, schema_set_integer, name, table, column)
#define SCHEMA_SET_BOOLEAN(name, table, column) \
	SCHEMA_SET_BY_VALUE_(bool, schema_set_boolean, name, table, column)

#define SCHEMA_PUT(name, table, column)                                                   \
	static inline void name(struct txn *txn, const struct uuid *row, const char *key, \
				const char *value)                                        \
	{                                                                                 \
		schema_put(txn, &table, row, &column, key, value);                        \
	}
#define SCHEMA_DROP(name, table, column) SCHEMA_SET_(const char *, schema_drop, name, table, column)

/* One element of a set; verb is txn_add or txn_remove. */
#define SCHEMA_ELEMENT_STRING(name, verb, table, column)                                      \
	static inline void name(struct txn *txn, const struct uuid *row, const char *element) \
	{                                                                                     \
		union ovsdb_atom atom = { .string = (char *)element };                        \
		verb(txn, &table, row, &column, &(struct ovsdb_datum){ 1, &atom, NULL });     \
	}
#define SCHEMA_ELEMENT_UUID(name, verb, table, column)                                    \
	static inline void name(struct txn *txn, const struct uuid *row,                  \
				const struct uuid *element)                               \
	{                                                                                 \
		union ovsdb_atom atom = { .uuid = *element };                             \
		verb(txn, &table, row, &column, &(struct ovsdb_datum){ 1, &atom, NULL }); \
	}
