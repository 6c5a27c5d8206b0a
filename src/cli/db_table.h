/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "util/array.h"
#include "util/str.h"

/* Rows of cells for printing: what "list" and "find" make (ovs-vsctl(8), "Table Formatting Options"). */
enum db_format {
	DB_FORMAT_LIST, /* "column : value" lines */
	DB_FORMAT_TABLE,
	DB_FORMAT_CSV,
	DB_FORMAT_HTML,
	DB_FORMAT_JSON,
};

enum db_cells {
	DB_CELLS_STRING, /* as written on a command line */
	DB_CELLS_BARE,
	DB_CELLS_JSON,
};

struct db_style {
	enum db_format format;
	enum db_cells cells;
	bool no_headings;
	bool pretty; /* JSON with line breaks */
};

bool db_format_parse(const char *name, enum db_format *ret);
bool db_cells_parse(const char *name, enum db_cells *ret);

struct ovsdb_column;
struct ovsdb_datum;

struct db_table {
	VEC(const char *) headings; /* borrowed */
	VEC(char *) cells;          /* row by row; text, ready to print */
	size_t n_rows;
	json_t *data; /* for DB_FORMAT_JSON: an array of rows; else NULL */
	struct db_style style;
};

struct db_table *db_table_new(const struct db_style *style);
void db_table_free(struct db_table *table);                         /* NULL is fine */
void db_table_heading(struct db_table *table, const char *heading); /* before the first row */
void db_table_row(struct db_table *table);
void db_table_cell(struct db_table *table, const struct ovsdb_datum *datum,
		   const struct ovsdb_column *column);
/* is_first: not preceded by another table in the same output. */
void db_table_print(const struct db_table *table, bool is_first, struct str *out);
