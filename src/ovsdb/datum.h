/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "ovsdb/schema.h"
#include "util/uuid.h"

/* A column's value in one row (RFC 7047 5.1): a set (a scalar is a set of one, an absent optional
 * the empty set) or a map.  Sorted by key without duplicates, so that two data are equal exactly when their
 * elements are. */
struct err;

union ovsdb_atom {
	int64_t integer;
	double real;
	bool boolean;
	char *string; /* owned by the datum */
	struct uuid uuid;
};

struct ovsdb_datum {
	uint32_t n;
	union ovsdb_atom *keys;
	union ovsdb_atom *values; /* NULL unless a map */
};

#define OVSDB_DATUM_EMPTY     \
	{                     \
		0, NULL, NULL \
	}

void ovsdb_datum_done(struct ovsdb_datum *datum, const struct ovsdb_column *column);
struct ovsdb_datum ovsdb_datum_clone(const struct ovsdb_datum *datum,
				     const struct ovsdb_column *column);
bool ovsdb_datum_eq(const struct ovsdb_datum *a, const struct ovsdb_datum *b,
		    const struct ovsdb_column *column);
/* What a column holds in a fresh row: 0, "", false, the zero uuid, or the empty set or map. */
struct ovsdb_datum ovsdb_datum_default(const struct ovsdb_column *column);

/* From and to <value> of RFC 7047 5.1.  On error ret is untouched.  A type or a number of elements that
 * the column does not allow is -EINVAL; enums and ranges are not looked at, since a newer server may know more of them. */
int ovsdb_datum_from_json(const json_t *json, const struct ovsdb_column *column,
			  struct ovsdb_datum *ret, struct err *err);
/* A new reference; NULL if a string is not UTF-8, which JSON cannot say. */
json_t *ovsdb_datum_to_json(const struct ovsdb_datum *datum, const struct ovsdb_column *column);

/* Any number of elements: the arguments of mutations, and differences. */
int ovsdb_datum_elements_from_json(const json_t *json, const struct ovsdb_column *column,
				   struct ovsdb_datum *ret, struct err *err);
/* As ovsdb_datum_to_json(), but writer may put something else, a named-uuid, in the place of a uuid (NULL: nothing
 * else). */
typedef json_t *ovsdb_uuid_writer(const void *arg, const struct uuid *uuid);
json_t *ovsdb_datum_write(const struct ovsdb_datum *datum, const struct ovsdb_column *column,
			  ovsdb_uuid_writer *writer, const void *arg);
/* The value after a "modify" of ovsdb-server(7) 4.1.14: the new value where a column holds at most one element,
 * else the elements that only one of old and new has (map: a changed key comes with its new value). */
struct ovsdb_datum ovsdb_datum_apply_diff(const struct ovsdb_datum *old,
					  const struct ovsdb_datum *diff,
					  const struct ovsdb_column *column);

/* Insert keeps order; an existing key is replaced (map: its value).  Strings are copied. */
void ovsdb_datum_insert(struct ovsdb_datum *datum, const struct ovsdb_column *column,
			union ovsdb_atom key, union ovsdb_atom value);
bool ovsdb_datum_remove(struct ovsdb_datum *datum, const struct ovsdb_column *column,
			union ovsdb_atom key);
/* Index of key, or -1. */
long ovsdb_datum_find(const struct ovsdb_datum *datum, const struct ovsdb_column *column,
		      union ovsdb_atom key);
int ovsdb_atom_cmp(enum ovsdb_type type, union ovsdb_atom a, union ovsdb_atom b);

/* Read-only conveniences on string maps and string sets (a NULL datum is empty). */
const char *ovsdb_smap_get(const struct ovsdb_datum *datum,
			   const char *key); /* NULL when absent; borrowed */
bool ovsdb_smap_get_bool(const struct ovsdb_datum *datum, const char *key,
			 bool absent); /* "true"/"false", any case */
long long ovsdb_smap_get_int(const struct ovsdb_datum *datum, const char *key, long long absent);
bool ovsdb_sset_contains(const struct ovsdb_datum *datum, const char *key);
bool ovsdb_uset_contains(const struct ovsdb_datum *datum, const struct uuid *uuid);
