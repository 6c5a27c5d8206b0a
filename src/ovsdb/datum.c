/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/datum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/alloc.h"
#include "util/err.h"
#include "util/str.h"

static union ovsdb_atom atom_clone(enum ovsdb_type type, union ovsdb_atom atom)
{
	if (type == OVSDB_STRING)
		atom.string = xstrdup(atom.string);
	return atom;
}

static void atom_done(enum ovsdb_type type, union ovsdb_atom *atom)
{
	if (type == OVSDB_STRING)
		free(atom->string);
}

static void atoms_free(enum ovsdb_type type, union ovsdb_atom *atoms, size_t n)
{
	for (size_t i = 0; atoms && i < n; i++)
		atom_done(type, &atoms[i]);
	free(atoms);
}

static union ovsdb_atom *atoms_clone(enum ovsdb_type type, const union ovsdb_atom *atoms, size_t n)
{
	union ovsdb_atom *clone;

	if (!atoms || !n)
		return NULL;
	clone = xcalloc(n, sizeof(*clone));
	for (size_t i = 0; i < n; i++)
		clone[i] = atom_clone(type, atoms[i]);
	return clone;
}

void ovsdb_datum_done(struct ovsdb_datum *datum, const struct ovsdb_column *column)
{
	atoms_free(column->key, datum->keys, datum->n);
	atoms_free(column->value, datum->values, datum->n);
	*datum = (struct ovsdb_datum)OVSDB_DATUM_EMPTY;
}

struct ovsdb_datum ovsdb_datum_clone(const struct ovsdb_datum *datum,
				     const struct ovsdb_column *column)
{
	struct ovsdb_datum clone = {
		.n = datum->n,
		.keys = atoms_clone(column->key, datum->keys, datum->n),
	};

	if (column->value != OVSDB_VOID)
		clone.values = atoms_clone(column->value, datum->values, datum->n);
	return clone;
}

int ovsdb_atom_cmp(enum ovsdb_type type, union ovsdb_atom a, union ovsdb_atom b)
{
	switch (type) {
	case OVSDB_VOID: return 0;
	case OVSDB_INTEGER: return (a.integer > b.integer) - (a.integer < b.integer);
	case OVSDB_REAL: return (a.real > b.real) - (a.real < b.real);
	case OVSDB_BOOLEAN: return (int)a.boolean - (int)b.boolean;
	case OVSDB_STRING: return strcmp(a.string, b.string);
	case OVSDB_UUID: return uuid_cmp(&a.uuid, &b.uuid);
	}
	return 0;
}

bool ovsdb_datum_eq(const struct ovsdb_datum *a, const struct ovsdb_datum *b,
		    const struct ovsdb_column *column)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		if (ovsdb_atom_cmp(column->key, a->keys[i], b->keys[i]))
			return false;
		if (column->value != OVSDB_VOID &&
		    ovsdb_atom_cmp(column->value, a->values[i], b->values[i]))
			return false;
	}
	return true;
}

struct ovsdb_datum ovsdb_datum_default(const struct ovsdb_column *column)
{
	struct ovsdb_datum datum = OVSDB_DATUM_EMPTY;

	if (column->min == 0)
		return datum;
	datum.n = 1;
	datum.keys = xcalloc(1, sizeof(*datum.keys));
	if (column->key == OVSDB_STRING)
		datum.keys[0].string = xstrdup("");
	if (column->value == OVSDB_VOID)
		return datum;
	datum.values = xcalloc(1, sizeof(*datum.values));
	if (column->value == OVSDB_STRING)
		datum.values[0].string = xstrdup("");
	return datum;
}

/* ---- JSON ---- */

static const char *type_name(enum ovsdb_type type)
{
	static const char *const names[] = {
		[OVSDB_VOID] = "nothing",    [OVSDB_INTEGER] = "an integer",
		[OVSDB_REAL] = "a real",     [OVSDB_BOOLEAN] = "a boolean",
		[OVSDB_STRING] = "a string", [OVSDB_UUID] = "a uuid",
	};

	return names[type];
}

static bool uuid_from_json(const json_t *json, struct uuid *ret)
{
	const char *tag = json_string_value(json_array_get(json, 0));
	const char *text = json_string_value(json_array_get(json, 1));

	return json_array_size(json) == 2 && tag && text && !strcmp(tag, "uuid") &&
	       uuid_parse(text, ret);
}

static int atom_from_json(const json_t *json, const struct ovsdb_column *column,
			  enum ovsdb_type type, union ovsdb_atom *ret, struct err *err)
{
	union ovsdb_atom atom = { 0 };
	bool ok = false;

	switch (type) {
	case OVSDB_VOID: break;
	case OVSDB_INTEGER:
		ok = json_is_integer(json);
		atom.integer = json_integer_value(json);
		break;
	case OVSDB_REAL:
		ok = json_is_number(json);
		atom.real = json_number_value(json);
		break;
	case OVSDB_BOOLEAN:
		ok = json_is_boolean(json);
		atom.boolean = json_is_true(json);
		break;
	case OVSDB_STRING:
		ok = json_is_string(json);
		atom.string = ok ? xstrdup(json_string_value(json)) : NULL;
		break;
	case OVSDB_UUID: ok = uuid_from_json(json, &atom.uuid); break;
	}
	if (!ok)
		return err_set(err, -EINVAL, "column %s: a value is not %s", column->name,
			       type_name(type));
	*ret = atom;
	return 0;
}

/* ["set", [...]] and ["map", [...]] wrap their elements; anything else is one element by itself. */
static const json_t *unwrap(const json_t *json, const char *tag)
{
	const char *have = json_string_value(json_array_get(json, 0));
	const json_t *elements = json_array_get(json, 1);

	if (json_array_size(json) != 2 || !have || strcmp(have, tag) || !json_is_array(elements))
		return NULL;
	return elements;
}

static int compare_keys(const void *a, const void *b, void *column)
{
	return ovsdb_atom_cmp(((const struct ovsdb_column *)column)->key,
			      *(const union ovsdb_atom *)a, *(const union ovsdb_atom *)b);
}

static bool is_sorted(const struct ovsdb_datum *datum, const struct ovsdb_column *column)
{
	for (uint32_t i = 1; i < datum->n; i++)
		if (ovsdb_atom_cmp(column->key, datum->keys[i - 1], datum->keys[i]) >= 0)
			return false;
	return true;
}

/* Servers send sorted data, so this is for hand-written JSON and need not be fast on maps. */
static void sort(struct ovsdb_datum *datum, const struct ovsdb_column *column)
{
	struct ovsdb_datum sorted = OVSDB_DATUM_EMPTY;
	uint32_t n = 0;

	if (is_sorted(datum, column))
		return;
	if (column->value != OVSDB_VOID) {
		for (uint32_t i = 0; i < datum->n; i++)
			ovsdb_datum_insert(&sorted, column, datum->keys[i], datum->values[i]);
		ovsdb_datum_done(datum, column);
		*datum = sorted;
		return;
	}
	qsort_r(datum->keys, datum->n, sizeof(*datum->keys), compare_keys, (void *)column);
	for (uint32_t i = 0; i < datum->n; i++) {
		if (n && !ovsdb_atom_cmp(column->key, datum->keys[n - 1], datum->keys[i]))
			atom_done(column->key, &datum->keys[i]);
		else
			datum->keys[n++] = datum->keys[i];
	}
	datum->n = n;
}

static int map_from_json(const json_t *pairs, const struct ovsdb_column *column,
			 struct ovsdb_datum *datum, struct err *err)
{
	size_t n = json_array_size(pairs);
	int r;

	if (!n)
		return 0;
	datum->keys = xcalloc(n, sizeof(*datum->keys));
	datum->values = xcalloc(n, sizeof(*datum->values));
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(pairs, i);

		if (json_array_size(pair) != 2)
			return err_set(err, -EINVAL, "column %s: a map element is no pair",
				       column->name);
		r = atom_from_json(json_array_get(pair, 0), column, column->key, &datum->keys[i],
				   err);
		if (r < 0)
			return r;
		r = atom_from_json(json_array_get(pair, 1), column, column->value,
				   &datum->values[i], err);
		if (r < 0) {
			atom_done(column->key, &datum->keys[i]);
			return r;
		}
		datum->n++;
	}
	return 0;
}

static int set_from_json(const json_t *json, const struct ovsdb_column *column,
			 struct ovsdb_datum *datum, struct err *err)
{
	const json_t *elements = unwrap(json, "set");
	size_t n = elements ? json_array_size(elements) : 1;
	int r;

	if (!n)
		return 0;
	datum->keys = xcalloc(n, sizeof(*datum->keys));
	for (size_t i = 0; i < n; i++) {
		r = atom_from_json(elements ? json_array_get(elements, i) : json, column,
				   column->key, &datum->keys[i], err);
		if (r < 0)
			return r;
		datum->n++;
	}
	return 0;
}

int ovsdb_datum_elements_from_json(const json_t *json, const struct ovsdb_column *column,
				   struct ovsdb_datum *ret, struct err *err)
{
	struct ovsdb_datum datum = OVSDB_DATUM_EMPTY;
	int r;

	if (column->value != OVSDB_VOID) {
		const json_t *pairs = unwrap(json, "map");

		if (!pairs)
			return err_set(err, -EINVAL, "column %s: the value is no map",
				       column->name);
		r = map_from_json(pairs, column, &datum, err);
	} else {
		r = set_from_json(json, column, &datum, err);
	}
	if (r < 0) {
		ovsdb_datum_done(&datum, column);
		return r;
	}
	sort(&datum, column);
	*ret = datum;
	return 0;
}

int ovsdb_datum_from_json(const json_t *json, const struct ovsdb_column *column,
			  struct ovsdb_datum *ret, struct err *err)
{
	struct ovsdb_datum datum;
	int r;

	r = ovsdb_datum_elements_from_json(json, column, &datum, err);
	if (r < 0)
		return r;
	if (datum.n < column->min || datum.n > column->max) {
		r = err_set(err, -EINVAL, "column %s: %u elements where %u to %u are allowed",
			    column->name, datum.n, column->min, column->max);
		ovsdb_datum_done(&datum, column);
		return r;
	}
	*ret = datum;
	return 0;
}

static json_t *uuid_to_json(const struct uuid *uuid, ovsdb_uuid_writer *writer, const void *arg)
{
	json_t *json = writer ? writer(arg, uuid) : NULL;
	char text[UUID_TEXT_SIZE];

	if (json)
		return json;
	return json_pack("[ss]", "uuid", uuid_format(uuid, text));
}

static json_t *atom_to_json(enum ovsdb_type type, const union ovsdb_atom *atom,
			    ovsdb_uuid_writer *writer, const void *arg)
{
	switch (type) {
	case OVSDB_VOID: break;
	case OVSDB_INTEGER: return json_integer(atom->integer);
	case OVSDB_REAL: return json_real(atom->real);
	case OVSDB_BOOLEAN: return json_boolean(atom->boolean);
	case OVSDB_STRING: return json_string(atom->string);
	case OVSDB_UUID: return uuid_to_json(&atom->uuid, writer, arg);
	}
	return json_null();
}

json_t *ovsdb_datum_write(const struct ovsdb_datum *datum, const struct ovsdb_column *column,
			  ovsdb_uuid_writer *writer, const void *arg)
{
	bool is_map = column->value != OVSDB_VOID;
	json_t *elements;

	if (!is_map && datum->n == 1)
		return atom_to_json(column->key, &datum->keys[0], writer, arg);
	elements = json_array();
	for (uint32_t i = 0; i < datum->n; i++) {
		json_t *key = atom_to_json(column->key, &datum->keys[i], writer, arg);

		if (is_map)
			key = json_pack(
				"[oo]", key,
				atom_to_json(column->value, &datum->values[i], writer, arg));
		if (json_array_append_new(elements, key) < 0) {
			json_decref(elements);
			return NULL;
		}
	}
	return json_pack("[so]", is_map ? "map" : "set", elements);
}

json_t *ovsdb_datum_to_json(const struct ovsdb_datum *datum, const struct ovsdb_column *column)
{
	return ovsdb_datum_write(datum, column, NULL, NULL);
}

/* ---- elements ---- */

/* First position whose key is not below key. */
static uint32_t lower_bound(const struct ovsdb_datum *datum, enum ovsdb_type type,
			    union ovsdb_atom key)
{
	uint32_t low = 0, high = datum->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (ovsdb_atom_cmp(type, datum->keys[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool holds(const struct ovsdb_datum *datum, enum ovsdb_type type, uint32_t at,
		  union ovsdb_atom key)
{
	return at < datum->n && !ovsdb_atom_cmp(type, datum->keys[at], key);
}

static void open_gap(union ovsdb_atom **atoms, uint32_t n, uint32_t at)
{
	*atoms = xrealloc(*atoms, (n + 1) * sizeof(**atoms));
	memmove(*atoms + at + 1, *atoms + at, (n - at) * sizeof(**atoms));
}

static void close_gap(union ovsdb_atom *atoms, uint32_t n, uint32_t at)
{
	memmove(atoms + at, atoms + at + 1, (n - at - 1) * sizeof(*atoms));
}

void ovsdb_datum_insert(struct ovsdb_datum *datum, const struct ovsdb_column *column,
			union ovsdb_atom key, union ovsdb_atom value)
{
	uint32_t at = lower_bound(datum, column->key, key);
	bool is_map = column->value != OVSDB_VOID;

	if (holds(datum, column->key, at, key)) {
		if (is_map) {
			union ovsdb_atom old = datum->values[at];

			datum->values[at] = atom_clone(column->value, value);
			atom_done(column->value, &old);
		}
		return;
	}
	open_gap(&datum->keys, datum->n, at);
	datum->keys[at] = atom_clone(column->key, key);
	if (is_map) {
		open_gap(&datum->values, datum->n, at);
		datum->values[at] = atom_clone(column->value, value);
	}
	datum->n++;
}

bool ovsdb_datum_remove(struct ovsdb_datum *datum, const struct ovsdb_column *column,
			union ovsdb_atom key)
{
	uint32_t at = lower_bound(datum, column->key, key);

	if (!holds(datum, column->key, at, key))
		return false;
	atom_done(column->key, &datum->keys[at]);
	close_gap(datum->keys, datum->n, at);
	if (datum->values) {
		atom_done(column->value, &datum->values[at]);
		close_gap(datum->values, datum->n, at);
	}
	datum->n--;
	return true;
}

long ovsdb_datum_find(const struct ovsdb_datum *datum, const struct ovsdb_column *column,
		      union ovsdb_atom key)
{
	uint32_t at = lower_bound(datum, column->key, key);

	return holds(datum, column->key, at, key) ? (long)at : -1;
}

/* Merges two sorted lists, so that a set of many elements that gains one is not costly.  What both
 * have is dropped when equal and otherwise (a map's new value for a key) taken from diff. */
struct ovsdb_datum ovsdb_datum_apply_diff(const struct ovsdb_datum *old,
					  const struct ovsdb_datum *diff,
					  const struct ovsdb_column *column)
{
	bool is_map = column->value != OVSDB_VOID;
	struct ovsdb_datum merged = OVSDB_DATUM_EMPTY;
	uint32_t i = 0, j = 0;

	if (column->max == 1)
		return ovsdb_datum_clone(diff, column);
	if (old->n + diff->n == 0)
		return merged;
	merged.keys = xcalloc(old->n + diff->n, sizeof(*merged.keys));
	if (is_map)
		merged.values = xcalloc(old->n + diff->n, sizeof(*merged.values));
	while (i < old->n || j < diff->n) {
		const struct ovsdb_datum *from = old;
		uint32_t at = i;
		int cmp = i == old->n    ? 1
			  : j == diff->n ? -1
					 : ovsdb_atom_cmp(column->key, old->keys[i], diff->keys[j]);

		if (cmp >= 0) {
			from = diff;
			at = j++;
		}
		if (cmp <= 0)
			i++;
		if (!cmp && (!is_map || !ovsdb_atom_cmp(column->value, old->values[i - 1],
							diff->values[j - 1])))
			continue;
		merged.keys[merged.n] = atom_clone(column->key, from->keys[at]);
		if (is_map)
			merged.values[merged.n] = atom_clone(column->value, from->values[at]);
		merged.n++;
	}
	if (!merged.n)
		ovsdb_datum_done(&merged, column);
	return merged;
}

/* ---- conveniences ---- */

static long find_string(const struct ovsdb_datum *datum, const char *key)
{
	union ovsdb_atom atom = { .string = (char *)key };
	uint32_t at;

	if (!datum)
		return -1;
	at = lower_bound(datum, OVSDB_STRING, atom);
	return holds(datum, OVSDB_STRING, at, atom) ? (long)at : -1;
}

const char *ovsdb_smap_get(const struct ovsdb_datum *datum, const char *key)
{
	long at = find_string(datum, key);

	return at < 0 ? NULL : datum->values[at].string;
}

bool ovsdb_smap_get_bool(const struct ovsdb_datum *datum, const char *key, bool absent)
{
	const char *value = ovsdb_smap_get(datum, key);

	if (value && !strcasecmp(value, "true"))
		return true;
	if (value && !strcasecmp(value, "false"))
		return false;
	return absent;
}

long long ovsdb_smap_get_int(const struct ovsdb_datum *datum, const char *key, long long absent)
{
	const char *value = ovsdb_smap_get(datum, key);
	long long number;

	return value && str_to_int(value, INT64_MIN, INT64_MAX, &number) ? number : absent;
}

bool ovsdb_sset_contains(const struct ovsdb_datum *datum, const char *key)
{
	return find_string(datum, key) >= 0;
}

bool ovsdb_uset_contains(const struct ovsdb_datum *datum, const struct uuid *uuid)
{
	union ovsdb_atom atom = { .uuid = *uuid };

	return datum && holds(datum, OVSDB_UUID, lower_bound(datum, OVSDB_UUID, atom), atom);
}
