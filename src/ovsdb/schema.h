/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A database described to the program: constant tables that tools/idlgen.py writes from
 * schema/NAME.schema.  RFC 7047 section 3.2 names the parts. */

enum ovsdb_type {
	OVSDB_VOID, /* value type of a column that is no map */
	OVSDB_INTEGER,
	OVSDB_REAL,
	OVSDB_BOOLEAN,
	OVSDB_STRING,
	OVSDB_UUID,
};

#define OVSDB_UNLIMITED UINT32_MAX

struct ovsdb_table;

struct ovsdb_column {
	const char *name;
	uint8_t index; /* position in the table's columns; bit of OVSDB_COL() */
	enum ovsdb_type key;
	enum ovsdb_type value;
	uint32_t min; /* 0 or 1 */
	uint32_t max; /* 1 for a scalar or optional, else the set's or map's limit */
	bool ephemeral;
	int64_t key_min, key_max;     /* integers; INT64_MIN..INT64_MAX when free */
	int64_t value_min, value_max;
	const char *const *key_enum;  /* NULL-terminated; NULL when free (strings only) */
	const char *const *value_enum;
	const struct ovsdb_table *key_ref; /* table that a uuid names, or NULL */
	const struct ovsdb_table *value_ref;
	bool key_weak, value_weak; /* a weak reference does not keep its row alive */
};

/* At most 64 columns, so that a set of columns fits a mask. */
struct ovsdb_table {
	const char *name;
	uint8_t index; /* position in the database's tables */
	uint8_t n_columns;
	bool is_root;      /* rows live without being referenced */
	uint32_t max_rows; /* OVSDB_UNLIMITED, or 1 for NB_Global and its like */
	const struct ovsdb_column *columns;
	const uint64_t *indexes; /* masks of columns that are unique together; 0 ends the list */
};

struct ovsdb_schema {
	const char *name;
	const char *version;
	uint8_t n_tables;
	const struct ovsdb_table *const *tables;
};

#define OVSDB_COL(index)  (UINT64_C(1) << (index))
#define OVSDB_ALL_COLUMNS UINT64_MAX

/* NULL when there is none of that name. */
const struct ovsdb_table *ovsdb_schema_table(const struct ovsdb_schema *schema, const char *name);
const struct ovsdb_column *ovsdb_table_column(const struct ovsdb_table *table, const char *name);
