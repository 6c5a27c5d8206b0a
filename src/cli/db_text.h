/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ovsdb/datum.h"
#include "util/str.h"

/* Database values as people write and read them on a command line (ovs-vsctl(8), "Database
 * Values"): p1, "a b", 5, [a, b], {key=value, ...}.  In the text of uuid columns, "@name" stands for a
 * row that the same command line creates. */
struct err;

/* Resolves "@name"; false: there is no such name. */
struct db_names {
	bool (*find)(void *arg, const char *name, struct uuid *ret);
	void *arg;
};

/* Breaks off one word, up to a character of ":=, []{}!<>" outside quotes; *text moves behind it.
 * Quotes stay in the word, other backslashes are resolved.  Caller frees *ret. */
int db_word_parse(const char **text, char **ret, struct err *err);
/* One element of a key (or scalar) of column. */
int db_atom_parse(const char *word, const struct ovsdb_column *column, const struct db_names *names,
		  union ovsdb_atom *ret, struct err *err);
void db_atom_done(enum ovsdb_type type, union ovsdb_atom *atom);
/* A whole value, with column's limits on the number of elements. */
int db_datum_parse(const char *text, const struct ovsdb_column *column,
		   const struct db_names *names, struct ovsdb_datum *ret, struct err *err);

/* The same column seen as the set of a map's keys, or of its values. */
struct ovsdb_column db_keys_of(const struct ovsdb_column *column);
struct ovsdb_column db_values_of(const struct ovsdb_column *column);

void db_atom_print(struct str *out, enum ovsdb_type type, const union ovsdb_atom *atom);
void db_datum_print(struct str *out, const struct ovsdb_datum *datum,
		    const struct ovsdb_column *column);
/* Without brackets, quotes and commas, for scripts. */
void db_datum_print_bare(struct str *out, const struct ovsdb_datum *datum,
			 const struct ovsdb_column *column);
