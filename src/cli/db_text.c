/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/db_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"

/* ---- words ---- */

static bool ends_word(char c)
{
	return strchr(":=, []{}!<>", c) != NULL; /* the final NUL too */
}

int db_word_parse(const char **text, char **ret, struct err *err)
{
	struct str word = STR_INIT;
	bool in_quotes = false;
	const char *p = *text;
	int r = 0;

	while (*p && (in_quotes || !ends_word(*p))) {
		if (*p == '\\') {
			if (!p[1]) {
				r = err_set(err, -EINVAL, "%s: ends with a backslash", *text);
				goto out;
			}
			if (in_quotes)
				str_addc(&word, '\\');
			str_addc(&word, p[1]);
			p += 2;
			continue;
		}
		if (*p == '"')
			in_quotes = !in_quotes;
		str_addc(&word, *p++);
	}
	if (in_quotes) {
		r = err_set(err, -EINVAL, "%s: a quotation mark is not closed", *text);
		goto out;
	}
	*text = p;
	*ret = str_take(&word) ?: xstrdup("");
out:
	str_done(&word);
	return r;
}

/* ---- atoms ---- */

static int parse_boolean(const char *word, bool *ret, struct err *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(word, yes[i]) || !strcmp(word, no[i])) {
			*ret = !strcmp(word, yes[i]);
			return 0;
		}
	}
	return err_set(err, -EINVAL, "\"%s\" is not true or false", word);
}

static bool is_allowed(const char *value, const char *const *allowed)
{
	for (size_t i = 0; allowed[i]; i++)
		if (!strcmp(allowed[i], value))
			return true;
	return false;
}

static int check_enum(const char *value, const char *const *allowed, struct err *err)
{
	struct str list = STR_INIT;

	if (!allowed || is_allowed(value, allowed))
		return 0;
	for (size_t i = 0; allowed[i]; i++)
		str_addf(&list, "%s%s", i ? ", " : "", allowed[i]);
	err_set(err, -EINVAL, "%s is not one of the allowed values (%s)", value, str_c(&list));
	str_done(&list);
	return -EINVAL;
}

static int parse_string(const char *word, const char *const *allowed, char **ret, struct err *err)
{
	AUTO_FREE char *value = NULL;
	json_t *json;

	if (!*word)
		return err_set(err, -EINVAL,
			       "an empty value is not valid; the empty string is \"\"");
	if (*word == '"') {
		json = json_loads(word, JSON_DECODE_ANY, NULL);
		if (!json_is_string(json)) {
			json_decref(json);
			return err_set(err, -EINVAL, "%s is not a valid quoted string", word);
		}
		value = xstrdup(json_string_value(json));
		json_decref(json);
	} else {
		value = xstrdup(word);
	}
	if (check_enum(value, allowed, err) < 0)
		return -EINVAL;
	*ret = TAKE(value);
	return 0;
}

static int parse_uuid(const char *word, const struct db_names *names, struct uuid *ret,
		      struct err *err)
{
	if (*word == '@') {
		if (names && names->find(names->arg, word, ret))
			return 0;
		return err_set(
			err, -EINVAL,
			"row id \"%s\" is used but never created (\"-- --id=%s create ...\")", word,
			word);
	}
	if (!uuid_parse(word, ret))
		return err_set(err, -EINVAL, "\"%s\" is not a valid UUID", word);
	return 0;
}

static int check_range(int64_t value, const struct ovsdb_column *column, struct err *err)
{
	int64_t low = column->key_min, high = column->key_max;

	if (value >= low && value <= high)
		return 0;
	if (high == INT64_MAX)
		return err_set(err, -ERANGE, "%" PRId64 " is less than the minimum %" PRId64, value,
			       low);
	return err_set(err, -ERANGE, "%" PRId64 " is not in the range %" PRId64 " to %" PRId64,
		       value, low, high);
}

int db_atom_parse(const char *word, const struct ovsdb_column *column, const struct db_names *names,
		  union ovsdb_atom *ret, struct err *err)
{
	union ovsdb_atom atom = { 0 };
	long long integer;
	char *end;
	int r = 0;

	switch (column->key) {
	case OVSDB_VOID: return -EINVAL;
	case OVSDB_INTEGER:
		if (!str_to_int(word, INT64_MIN, INT64_MAX, &integer))
			return err_set(err, -EINVAL, "\"%s\" is not a valid integer", word);
		atom.integer = integer;
		r = check_range(integer, column, err);
		break;
	case OVSDB_REAL:
		atom.real = strtod(word, &end);
		if (end == word || *end)
			r = err_set(err, -EINVAL, "\"%s\" is not a valid number", word);
		break;
	case OVSDB_BOOLEAN: r = parse_boolean(word, &atom.boolean, err); break;
	case OVSDB_STRING: r = parse_string(word, column->key_enum, &atom.string, err); break;
	case OVSDB_UUID: r = parse_uuid(word, names, &atom.uuid, err); break;
	}
	if (r < 0)
		return r;
	*ret = atom;
	return 0;
}

void db_atom_done(enum ovsdb_type type, union ovsdb_atom *atom)
{
	if (type == OVSDB_STRING)
		free(atom->string);
}

/* ---- data ---- */

struct ovsdb_column db_keys_of(const struct ovsdb_column *column)
{
	struct ovsdb_column keys = *column;

	keys.value = OVSDB_VOID;
	return keys;
}

struct ovsdb_column db_values_of(const struct ovsdb_column *column)
{
	struct ovsdb_column values = *column;

	values.key = column->value;
	values.key_min = column->value_min;
	values.key_max = column->value_max;
	values.key_enum = column->value_enum;
	values.key_ref = column->value_ref;
	values.key_weak = column->value_weak;
	values.value = OVSDB_VOID;
	return values;
}

static const char *skip_spaces(const char *p)
{
	return p + strspn(p, " \t\n\v\f\r");
}

static int insert_new(struct ovsdb_datum *datum, const struct ovsdb_column *column,
		      union ovsdb_atom key, union ovsdb_atom value, const char *text,
		      struct err *err)
{
	bool is_map = column->value != OVSDB_VOID;

	if (ovsdb_datum_find(datum, column, key) >= 0)
		return err_set(err, -EEXIST, "%s: %s", text,
			       is_map ? "the map has a key twice" : "the set has a value twice");
	ovsdb_datum_insert(datum, column, key, value);
	return 0;
}

/* "1-5" in a set of integers is all of them. */
static bool parse_range(const char *word, const struct ovsdb_column *column, long long *low,
			long long *high)
{
	const char *dash = *word ? strchr(word + 1, '-') : NULL;
	AUTO_FREE char *first = NULL;

	if (column->key != OVSDB_INTEGER || column->value != OVSDB_VOID || !dash)
		return false;
	first = xstrndup(word, (size_t)(dash - word));
	return str_to_int(first, column->key_min, column->key_max, low) &&
	       str_to_int(dash + 1, column->key_min, column->key_max, high) && *low < *high;
}

#define RANGE_MAX 65536 /* elements that one "low-high" may stand for */

static int add_range(struct ovsdb_datum *datum, const struct ovsdb_column *column, long long low,
		     long long high, const char *text, struct err *err)
{
	int r = 0;

	if (high - low >= RANGE_MAX)
		return err_set(err, -ERANGE, "%s: a range of more than %d values", text, RANGE_MAX);
	for (long long i = low; i <= high && r == 0; i++)
		r = insert_new(datum, column, (union ovsdb_atom){ .integer = i },
			       (union ovsdb_atom){ 0 }, text, err);
	return r;
}

static int parse_value_of_pair(const char **p, const struct ovsdb_column *column,
			       const struct db_names *names, const char *text,
			       union ovsdb_atom *ret, struct err *err)
{
	struct ovsdb_column values = db_values_of(column);
	AUTO_FREE char *word = NULL;

	*p = skip_spaces(*p);
	if (**p != '=')
		return err_set(err, -EINVAL, "%s: expected KEY=VALUE", text);
	*p = skip_spaces(*p + 1);
	if (db_word_parse(p, &word, err) < 0)
		return -EINVAL;
	return db_atom_parse(word, &values, names, ret, err);
}

static int parse_element(const char **p, const struct ovsdb_column *column,
			 const struct db_names *names, const char *text, struct ovsdb_datum *datum,
			 struct err *err)
{
	union ovsdb_atom key, value = { 0 };
	AUTO_FREE char *word = NULL;
	long long low, high;
	int r;

	r = db_word_parse(p, &word, err);
	if (r < 0)
		return r;
	if (parse_range(word, column, &low, &high))
		return add_range(datum, column, low, high, text, err);
	r = db_atom_parse(word, column, names, &key, err);
	if (r < 0)
		return r;
	if (column->value != OVSDB_VOID)
		r = parse_value_of_pair(p, column, names, text, &value, err);
	if (r == 0) {
		r = insert_new(datum, column, key, value, text, err);
		db_atom_done(column->value, &value);
	}
	db_atom_done(column->key, &key);
	return r;
}

static int check_count(const struct ovsdb_datum *datum, const struct ovsdb_column *column,
		       const char *text, struct err *err)
{
	const char *what = column->value != OVSDB_VOID ? "pair(s)" : "value(s)";

	if (datum->n < column->min)
		return err_set(err, -EINVAL, "%s: %u %s given but the minimum is %u", text,
			       datum->n, what, column->min);
	if (datum->n > column->max)
		return err_set(err, -EINVAL, "%s: %u %s given but the maximum is %u", text,
			       datum->n, what, column->max);
	return 0;
}

static int parse_elements(const char *text, const struct ovsdb_column *column,
			  const struct db_names *names, struct ovsdb_datum *datum, struct err *err)
{
	bool is_map = column->value != OVSDB_VOID;
	const char *p = skip_spaces(text);
	char end = '\0';
	int r;

	if (!*p)
		return err_set(err, -EINVAL, "the value is missing; the empty %s is \"%s\"",
			       is_map ? "map" : "set", is_map ? "{}" : "[]");
	if (*p == (is_map ? '{' : '[')) {
		end = is_map ? '}' : ']';
		p = skip_spaces(p + 1);
	}
	while (*p && *p != end) {
		if (ends_word(*p))
			return err_set(err, -EINVAL, "%s: unexpected \"%c\"", text, *p);
		r = parse_element(&p, column, names, text, datum, err);
		if (r < 0)
			return r;
		p = skip_spaces(p);
		if (*p == ',')
			p = skip_spaces(p + 1);
	}
	if (*p != end)
		return err_set(err, -EINVAL, "%s: \"%c\" is missing at the end", text, end);
	if (end && *skip_spaces(p + 1))
		return err_set(err, -EINVAL, "%s: something follows \"%c\"", text, end);
	return check_count(datum, column, text, err);
}

int db_datum_parse(const char *text, const struct ovsdb_column *column,
		   const struct db_names *names, struct ovsdb_datum *ret, struct err *err)
{
	struct ovsdb_datum datum = OVSDB_DATUM_EMPTY;
	int r;

	r = parse_elements(text, column, names, &datum, err);
	if (r < 0) {
		ovsdb_datum_done(&datum, column);
		return r;
	}
	*ret = datum;
	return 0;
}

/* ---- printing ---- */

/* What would be read back as something else, or not as one word. */
static bool needs_quotes(const char *s)
{
	struct uuid uuid;

	if (!isalpha((unsigned char)*s) && *s != '_')
		return true;
	for (const char *p = s + 1; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
			return true;
	return !strcmp(s, "true") || !strcmp(s, "false") || uuid_parse(s, &uuid);
}

static void print_string(struct str *out, const char *s)
{
	json_t *json;
	char *quoted;

	if (!needs_quotes(s)) {
		str_add(out, s);
		return;
	}
	json = json_string(s);
	quoted = json_dumps(json, JSON_ENCODE_ANY);
	str_add(out, quoted ?: "\"\"");
	free(quoted);
	json_decref(json);
}

static void print_atom(struct str *out, enum ovsdb_type type, const union ovsdb_atom *atom,
		       bool bare)
{
	char uuid[UUID_TEXT_SIZE];

	switch (type) {
	case OVSDB_VOID: break;
	case OVSDB_INTEGER: str_addf(out, "%" PRId64, atom->integer); break;
	case OVSDB_REAL: str_addf(out, "%.15g", atom->real); break;
	case OVSDB_BOOLEAN: str_add(out, atom->boolean ? "true" : "false"); break;
	case OVSDB_STRING:
		if (bare)
			str_add(out, atom->string);
		else
			print_string(out, atom->string);
		break;
	case OVSDB_UUID: str_add(out, uuid_format(&atom->uuid, uuid)); break;
	}
}

void db_atom_print(struct str *out, enum ovsdb_type type, const union ovsdb_atom *atom)
{
	print_atom(out, type, atom, false);
}

static void print_elements(struct str *out, const struct ovsdb_datum *datum,
			   const struct ovsdb_column *column, const char *separator, bool bare)
{
	for (uint32_t i = 0; i < datum->n; i++) {
		if (i)
			str_add(out, separator);
		print_atom(out, column->key, &datum->keys[i], bare);
		if (column->value == OVSDB_VOID)
			continue;
		str_addc(out, '=');
		print_atom(out, column->value, &datum->values[i], bare);
	}
}

void db_datum_print(struct str *out, const struct ovsdb_datum *datum,
		    const struct ovsdb_column *column)
{
	bool brackets = column->max > 1 || datum->n == 0;
	bool is_map = column->value != OVSDB_VOID;

	if (brackets)
		str_addc(out, is_map ? '{' : '[');
	print_elements(out, datum, column, ", ", false);
	if (brackets)
		str_addc(out, is_map ? '}' : ']');
}

void db_datum_print_bare(struct str *out, const struct ovsdb_datum *datum,
			 const struct ovsdb_column *column)
{
	print_elements(out, datum, column, " ", true);
}
