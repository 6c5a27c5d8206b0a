/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ovsdb/datum.h"
#include "util/array.h"
#include "util/err.h"

#define U1 "00000000-0000-0000-0000-000000000001"
#define U2 "00000000-0000-0000-0000-000000000002"

/* clang-format off */
static const struct ovsdb_column
	string = { .name = "c", .key = OVSDB_STRING, .min = 1, .max = 1 },
	integer = { .name = "c", .key = OVSDB_INTEGER, .min = 1, .max = 1 },
	real = { .name = "c", .key = OVSDB_REAL, .min = 1, .max = 1 },
	boolean = { .name = "c", .key = OVSDB_BOOLEAN, .max = 1 },
	strings = { .name = "c", .key = OVSDB_STRING, .max = OVSDB_UNLIMITED },
	integers = { .name = "c", .key = OVSDB_INTEGER, .max = 3 },
	uuids = { .name = "c", .key = OVSDB_UUID, .max = OVSDB_UNLIMITED },
	smap = { .name = "c", .key = OVSDB_STRING, .value = OVSDB_STRING, .max = OVSDB_UNLIMITED },
	imap = { .name = "c", .key = OVSDB_INTEGER, .value = OVSDB_UUID, .max = OVSDB_UNLIMITED };
/* clang-format on */

static json_t *load(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

	if (!json)
		fail_msg("the test has bad JSON: %s", text);
	return json;
}

static struct ovsdb_datum parse(const struct ovsdb_column *column, const char *text)
{
	struct err err = ERR_INIT;
	struct ovsdb_datum datum;
	json_t *json = load(text);

	if (ovsdb_datum_from_json(json, column, &datum, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	json_decref(json);
	return datum;
}

static void check(const struct ovsdb_datum *datum, const struct ovsdb_column *column,
		  const char *want)
{
	json_t *json = ovsdb_datum_to_json(datum, column);
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(text, want);
	free(text);
	json_decref(json);
}

static void values_are_read_and_written(void **state)
{
	static const struct {
		const struct ovsdb_column *column;
		const char *in, *out;
	} cases[] = {
		{ &string, "\"a\"", "\"a\"" },
		{ &string, "[\"set\",[\"a\"]]", "\"a\"" },
		{ &integer, "-5", "-5" },
		{ &real, "1.5", "1.5" },
		{ &real, "2", "2.0" },
		{ &boolean, "true", "true" },
		{ &boolean, "[\"set\",[]]", "[\"set\",[]]" },
		{ &strings, "\"a\"", "\"a\"" },
		{ &strings, "[\"set\",[\"b\",\"a\",\"b\",\"c\"]]",
		  "[\"set\",[\"a\",\"b\",\"c\"]]" },
		{ &strings, "[\"set\",[\"set\"]]", "\"set\"" },
		{ &integers, "[\"set\",[3,-1,2]]", "[\"set\",[-1,2,3]]" },
		{ &uuids, "[\"uuid\",\"" U1 "\"]", "[\"uuid\",\"" U1 "\"]" },
		{ &uuids, "[\"set\",[[\"uuid\",\"" U2 "\"],[\"uuid\",\"" U1 "\"]]]",
		  "[\"set\",[[\"uuid\",\"" U1 "\"],[\"uuid\",\"" U2 "\"]]]" },
		{ &smap, "[\"map\",[]]", "[\"map\",[]]" },
		{ &smap, "[\"map\",[[\"b\",\"2\"],[\"a\",\"1\"]]]",
		  "[\"map\",[[\"a\",\"1\"],[\"b\",\"2\"]]]" },
		{ &imap, "[\"map\",[[1,[\"uuid\",\"" U1 "\"]]]]",
		  "[\"map\",[[1,[\"uuid\",\"" U1 "\"]]]]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ovsdb_datum datum = parse(cases[i].column, cases[i].in);
		struct ovsdb_datum clone = ovsdb_datum_clone(&datum, cases[i].column);

		check(&datum, cases[i].column, cases[i].out);
		assert_true(ovsdb_datum_eq(&datum, &clone, cases[i].column));
		ovsdb_datum_done(&datum, cases[i].column);
		ovsdb_datum_done(&clone, cases[i].column);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	static const struct {
		const struct ovsdb_column *column;
		const char *in;
	} cases[] = {
		{ &string, "5" },
		{ &string, "null" },
		{ &string, "{}" },
		{ &string, "[]" },
		{ &string, "[\"set\",[]]" },
		{ &string, "[\"set\",[\"a\",\"b\"]]" },
		{ &integer, "1.5" },
		{ &integer, "\"1\"" },
		{ &real, "true" },
		{ &boolean, "0" },
		{ &strings, "[\"set\",[\"a\",1]]" },
		{ &strings, "[\"set\",\"a\"]" },
		{ &strings, "[\"set\"]" },
		{ &integers, "[\"set\",[1,2,3,4]]" },
		{ &uuids, "\"" U1 "\"" },
		{ &uuids, "[\"uuid\",\"5\"]" },
		{ &uuids, "[\"uuid\"]" },
		{ &uuids, "[\"named-uuid\",\"x\"]" },
		{ &smap, "\"a\"" },
		{ &smap, "[\"map\",[\"a\"]]" },
		{ &smap, "[\"map\",[[\"a\"]]]" },
		{ &smap, "[\"map\",[[\"a\",1]]]" },
		{ &smap, "[\"map\",[[\"x\",\"y\"],[1,\"a\"]]]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ovsdb_datum datum = { 77, NULL, NULL };
		struct err err = ERR_INIT;
		json_t *json = load(cases[i].in);

		if (ovsdb_datum_from_json(json, cases[i].column, &datum, &err) != -EINVAL)
			fail_msg("%s was taken", cases[i].in);
		assert_non_null(strstr(err.text, "column c"));
		assert_int_equal(datum.n, 77);
		json_decref(json);
	}
}

static void elements_are_inserted_and_removed_in_order(void **state)
{
	struct ovsdb_datum set = OVSDB_DATUM_EMPTY, map = OVSDB_DATUM_EMPTY;
	static const char *const keys[] = { "m", "a", "z", "m", "b" };
	union ovsdb_atom none = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		union ovsdb_atom key = { .string = (char *)keys[i] };
		union ovsdb_atom value = { .string = (char *)(i == 3 ? "new" : "old") };

		ovsdb_datum_insert(&set, &strings, key, none);
		ovsdb_datum_insert(&map, &smap, key, value);
	}
	check(&set, &strings, "[\"set\",[\"a\",\"b\",\"m\",\"z\"]]");
	check(&map, &smap,
	      "[\"map\",[[\"a\",\"old\"],[\"b\",\"old\"],[\"m\",\"new\"],[\"z\",\"old\"]]]");
	assert_int_equal(
		ovsdb_datum_find(&set, &strings, (union ovsdb_atom){ .string = (char *)"m" }), 2);
	assert_true(
		ovsdb_datum_remove(&set, &strings, (union ovsdb_atom){ .string = (char *)"a" }));
	assert_false(
		ovsdb_datum_remove(&set, &strings, (union ovsdb_atom){ .string = (char *)"a" }));
	assert_true(ovsdb_datum_remove(&map, &smap, (union ovsdb_atom){ .string = (char *)"m" }));
	check(&set, &strings, "[\"set\",[\"b\",\"m\",\"z\"]]");
	check(&map, &smap, "[\"map\",[[\"a\",\"old\"],[\"b\",\"old\"],[\"z\",\"old\"]]]");
	assert_int_equal(
		ovsdb_datum_find(&set, &strings, (union ovsdb_atom){ .string = (char *)"a" }), -1);
	ovsdb_datum_done(&set, &strings);
	ovsdb_datum_done(&map, &smap);
}

static void differences_are_applied(void **state)
{
	static const struct {
		const struct ovsdb_column *column;
		const char *old, *diff, *new;
		const char *why;
	} cases[] = {
		{ &string, "\"a\"", "\"b\"", "\"b\"", "a scalar's difference is its new value" },
		{ &boolean, "true", "[\"set\",[]]", "[\"set\",[]]", "an optional's, too" },
		{ &integers, "[\"set\",[1,2]]", "[\"set\",[2,3]]", "[\"set\",[1,3]]",
		  "what is in both goes, what is new comes" },
		{ &integers, "[\"set\",[1,2]]", "[\"set\",[1,2]]", "[\"set\",[]]", "all go" },
		{ &integers, "[\"set\",[]]", "5", "5", "the first one" },
		{ &smap, "[\"map\",[[\"a\",\"1\"],[\"b\",\"2\"]]]",
		  "[\"map\",[[\"a\",\"1\"],[\"b\",\"3\"],[\"c\",\"4\"]]]",
		  "[\"map\",[[\"b\",\"3\"],[\"c\",\"4\"]]]",
		  "same pair: gone; other value: changed; new key: added" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct ovsdb_column *column = cases[i].column;
		struct ovsdb_datum old = parse(column, cases[i].old);
		struct ovsdb_datum diff = parse(column, cases[i].diff);
		struct ovsdb_datum new = ovsdb_datum_apply_diff(&old, &diff, column);

		print_message("%s\n", cases[i].why);
		check(&new, column, cases[i].new);
		ovsdb_datum_done(&old, column);
		ovsdb_datum_done(&diff, column);
		ovsdb_datum_done(&new, column);
	}
}

static void conveniences_read_maps_and_sets(void **state)
{
	struct ovsdb_datum map = parse(&smap, "[\"map\",[[\"bad\",\"maybe\"],[\"f\",\"FALSE\"],"
					      "[\"n\",\"-12\"],[\"t\",\"true\"]]]");
	struct ovsdb_datum set = parse(&strings, "[\"set\",[\"a\",\"b\"]]");
	struct ovsdb_datum refs = parse(&uuids, "[\"uuid\",\"" U1 "\"]");
	struct uuid uuid;

	assert_string_equal(ovsdb_smap_get(&map, "n"), "-12");
	assert_null(ovsdb_smap_get(&map, "x"));
	assert_null(ovsdb_smap_get(NULL, "x"));
	assert_true(ovsdb_smap_get_bool(&map, "t", false));
	assert_false(ovsdb_smap_get_bool(&map, "f", true));
	assert_true(ovsdb_smap_get_bool(&map, "bad", true));
	assert_true(ovsdb_smap_get_bool(&map, "x", true));
	assert_int_equal(ovsdb_smap_get_int(&map, "n", 5), -12);
	assert_int_equal(ovsdb_smap_get_int(&map, "t", 5), 5);
	assert_true(ovsdb_sset_contains(&set, "b"));
	assert_false(ovsdb_sset_contains(&set, "c"));
	assert_false(ovsdb_sset_contains(NULL, "c"));
	uuid_parse(U1, &uuid);
	assert_true(ovsdb_uset_contains(&refs, &uuid));
	uuid_parse(U2, &uuid);
	assert_false(ovsdb_uset_contains(&refs, &uuid));
	ovsdb_datum_done(&map, &smap);
	ovsdb_datum_done(&set, &strings);
	ovsdb_datum_done(&refs, &uuids);
}

static void defaults_are_those_of_a_fresh_row(void **state)
{
	static const struct {
		const struct ovsdb_column *column;
		const char *want;
	} cases[] = { { &string, "\"\"" },
		      { &integer, "0" },
		      { &boolean, "[\"set\",[]]" },
		      { &strings, "[\"set\",[]]" },
		      { &smap, "[\"map\",[]]" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ovsdb_datum datum = ovsdb_datum_default(cases[i].column);

		check(&datum, cases[i].column, cases[i].want);
		ovsdb_datum_done(&datum, cases[i].column);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_and_written),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(elements_are_inserted_and_removed_in_order),
		cmocka_unit_test(differences_are_applied),
		cmocka_unit_test(conveniences_read_maps_and_sets),
		cmocka_unit_test(defaults_are_those_of_a_fresh_row),
	};

	return cmocka_run_group_tests_name("datum", tests, NULL, NULL);
}
