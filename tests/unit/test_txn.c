/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ovsdb/txn.h"
#include "ovsdb_fixture.h"
#include "util/alloc.h"
#include "util/err.h"
#include "util/str.h"

#define U1 "00000000-0000-0000-0000-000000000001"

static const struct uuid u1 = { { [15] = 1 } };

/* Compares as JSON; %s stands for the name of the inserted row, if one is given. */
static void check(struct txn *txn, const struct uuid *inserted, const char *format)
{
	json_t *have = txn_to_json(txn);
	char *have_text = json_dumps(have, JSON_COMPACT | JSON_SORT_KEYS);
	char name[UUID_TEXT_SIZE + 1] = "r";
	char *text, *want_text;
	json_t *want;

	if (inserted)
		uuid_format(inserted, name + 1);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	text = xasprintf(format, name, name);
	want = json_loads(text, 0, NULL);
	if (!want)
		fail_msg("the test has bad JSON: %s", text);
	want_text = json_dumps(want, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(have_text, want_text);
	json_decref(have);
	json_decref(want);
	free(have_text);
	free(want_text);
	free(text);
	txn_free(txn);
}

static struct ovsdb_datum one(union ovsdb_atom *atom)
{
	return (struct ovsdb_datum){ 1, atom, NULL };
}

static void set_name(struct txn *txn, const struct uuid *row, const char *name)
{
	struct ovsdb_datum datum = one(&(union ovsdb_atom){ .string = (char *)name });

	txn_set(txn, &switch_table, row, &switch_columns[SWITCH_NAME], &datum);
}

static void put_option(struct txn *txn, const struct uuid *row, const char *key, const char *value)
{
	struct ovsdb_datum pair = { 1, &(union ovsdb_atom){ .string = (char *)key },
				    &(union ovsdb_atom){ .string = (char *)value } };

	txn_remove(txn, &switch_table, row, &switch_columns[SWITCH_OPTIONS], &pair);
	txn_add(txn, &switch_table, row, &switch_columns[SWITCH_OPTIONS], &pair);
}

static void a_row_is_updated_once(void **state)
{
	struct txn *txn = txn_new(&test_schema);

	set_name(txn, &u1, "a");
	set_name(txn, &u1, "b");
	check(txn, NULL,
	      "[\"Test\",{\"op\":\"update\",\"table\":\"Switch\",\"where\":[[\"_uuid\",\"==\","
	      "[\"uuid\",\"" U1 "\"]]],\"row\":{\"name\":\"b\"}}]");
}

static void a_needed_reference_replaces_the_default(void **state)
{
	static const struct ovsdb_column needed = {
		.name = "ports",
		.index = SWITCH_PORTS,
		.key = OVSDB_UUID,
		.min = 1,
		.max = OVSDB_UNLIMITED,
		.key_ref = &port_table,
	};
	struct txn *txn = txn_new(&test_schema);
	struct uuid row = txn_insert(txn, &switch_table);
	struct ovsdb_datum datum = one(&(union ovsdb_atom){ .uuid = u1 });

	txn_add(txn, &switch_table, &row, &needed, &datum);
	check(txn, &row,
	      "[\"Test\",{\"op\":\"insert\",\"table\":\"Switch\",\"uuid-name\":\"%s\",\"row\":"
	      "{\"ports\":[\"uuid\",\"" U1 "\"]}}]");
}

static void mutations_of_a_row_are_one_operation(void **state)
{
	struct txn *txn = txn_new(&test_schema);

	txn_increment(txn, &switch_table, &u1, &switch_columns[SWITCH_COUNT], 1);
	put_option(txn, &u1, "k", "1");
	put_option(txn, &u1, "k", "2");
	txn_increment(txn, &switch_table, &u1, &switch_columns[SWITCH_COUNT], 2);
	check(txn, NULL,
	      "[\"Test\",{\"op\":\"mutate\",\"table\":\"Switch\",\"where\":[[\"_uuid\",\"==\","
	      "[\"uuid\",\"" U1 "\"]]],\"mutations\":["
	      "[\"options\",\"delete\",[\"set\",[\"k\"]]],"
	      "[\"options\",\"insert\",[\"map\",[[\"k\",\"2\"]]]],"
	      "[\"count\",\"+=\",3]]}]");
}

static void an_inserted_row_is_referred_to_by_name(void **state)
{
	struct txn *txn = txn_new(&test_schema);
	struct uuid port = txn_insert(txn, &port_table);
	struct ovsdb_datum ports = one(&(union ovsdb_atom){ .uuid = port });
	struct ovsdb_datum tag = one(&(union ovsdb_atom){ .integer = 5 });

	txn_add(txn, &switch_table, &u1, &switch_columns[SWITCH_PORTS], &ports);
	txn_add(txn, &port_table, &port, &port_columns[PORT_TAG], &tag);
	check(txn, &port,
	      "[\"Test\",{\"op\":\"insert\",\"table\":\"Port\",\"uuid-name\":\"%s\","
	      "\"row\":{\"tag\":5}},"
	      "{\"op\":\"mutate\",\"table\":\"Switch\",\"where\":[[\"_uuid\",\"==\","
	      "[\"uuid\",\"" U1 "\"]]],\"mutations\":["
	      "[\"ports\",\"insert\",[\"set\",[[\"named-uuid\",\"%s\"]]]]]}]");
}

static void deletion_undoes_and_prevails(void **state)
{
	struct txn *txn = txn_new(&test_schema);
	struct uuid port = txn_insert(txn, &port_table);

	assert_false(txn_is_empty(txn));
	txn_delete(txn, &port_table, &port);
	assert_true(txn_is_empty(txn));
	set_name(txn, &u1, "a");
	txn_delete(txn, &switch_table, &u1);
	set_name(txn, &u1, "b");
	txn_delete(txn, &switch_table, &u1);
	assert_false(txn_is_empty(txn));
	check(txn, NULL,
	      "[\"Test\",{\"op\":\"delete\",\"table\":\"Switch\",\"where\":[[\"_uuid\",\"==\","
	      "[\"uuid\",\"" U1 "\"]]]}]");
}

static void discarding_leaves_the_row_as_it_is(void **state)
{
	struct txn *txn = txn_new(&test_schema);

	txn_discard(txn, &u1);
	set_name(txn, &u1, "a");
	put_option(txn, &u1, "k", "1");
	txn_discard(txn, &u1);
	assert_true(txn_is_empty(txn));
	set_name(txn, &u1, "b");
	check(txn, NULL,
	      "[\"Test\",{\"op\":\"update\",\"table\":\"Switch\",\"where\":[[\"_uuid\",\"==\","
	      "[\"uuid\",\"" U1 "\"]]],\"row\":{\"name\":\"b\"}}]");
}

static void conditions_come_first_and_count_as_nothing(void **state)
{
	struct txn *txn = txn_new(&test_schema);
	struct ovsdb_datum count = one(&(union ovsdb_atom){ .integer = 4 });

	txn_comment(txn, "number %d", 1);
	txn_verify(txn, &switch_table, &u1, &switch_columns[SWITCH_COUNT], &count);
	txn_assert_lock(txn, "l");
	assert_true(txn_is_empty(txn));
	txn_raw(txn, json_pack("{ssss}", "op", "select", "table", "Switch"));
	assert_false(txn_is_empty(txn));
	check(txn, NULL,
	      "[\"Test\",{\"op\":\"assert\",\"lock\":\"l\"},"
	      "{\"op\":\"wait\",\"table\":\"Switch\",\"timeout\":0,\"where\":[[\"_uuid\",\"==\","
	      "[\"uuid\",\"" U1 "\"]]],\"columns\":[\"count\"],\"until\":\"==\","
	      "\"rows\":[{\"count\":4}]},"
	      "{\"op\":\"select\",\"table\":\"Switch\"},"
	      "{\"op\":\"comment\",\"comment\":\"number 1\"}]");
}

static void set_values_are_edited_where_they_are_known(void **state)
{
	struct txn *txn = txn_new(&test_schema);
	struct uuid sw = txn_insert(txn, &switch_table);

	put_option(txn, &sw, "a", "1");
	put_option(txn, &sw, "b", "2");
	put_option(txn, &sw, "a", "3");
	txn_increment(txn, &switch_table, &sw, &switch_columns[SWITCH_COUNT], 2);
	check(txn, &sw,
	      "[\"Test\",{\"op\":\"insert\",\"table\":\"Switch\",\"uuid-name\":\"%s\",\"row\":{"
	      "\"options\":[\"map\",[[\"a\",\"3\"],[\"b\",\"2\"]]],\"count\":2}}]");
}

static enum txn_outcome read_result(const struct txn *txn, const char *text, struct err *err)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	enum txn_outcome outcome = txn_read_result(txn, json, err);

	json_decref(json);
	return outcome;
}

static void results_are_told_apart(void **state)
{
	struct txn *txn = txn_new(&test_schema);
	struct uuid first = txn_insert(txn, &port_table), gone = txn_insert(txn, &port_table);
	struct uuid second = txn_insert(txn, &switch_table), real;
	struct err err = ERR_INIT;

	txn_delete(txn, &port_table, &gone);
	txn_assert_lock(txn, "l");
	json_decref(txn_to_json(txn));
	assert_int_equal(read_result(txn, "[{},{\"error\":\"timed out\"},null]", &err), TXN_AGAIN);
	assert_int_equal(
		read_result(txn, "[{\"error\":\"not owner\",\"details\":\"d\"},null]", &err),
		TXN_NOT_OWNER);
	assert_int_equal(read_result(txn,
				     "[{},{},{\"error\":\"constraint violation\",\"details\":"
				     "\"why\"}]",
				     &err),
			 TXN_ERROR);
	assert_string_equal(err.text, "Switch: constraint violation: why");
	assert_int_equal(read_result(txn,
				     "[{},{},{},{\"error\":\"referential integrity violation\"}]",
				     &err),
			 TXN_ERROR);
	assert_string_equal(err.text, "Test: referential integrity violation");
	assert_int_equal(read_result(txn, "5", &err), TXN_ERROR);
	assert_int_equal(read_result(txn, "[{},{},{}]", &err), TXN_ERROR);
	assert_false(txn_inserted_uuid(txn, &second, &real));
	assert_int_equal(
		read_result(txn,
			    "[{},{\"uuid\":[\"uuid\",\"00000000-0000-0000-0000-000000000007\"]},"
			    "{\"uuid\":[\"uuid\",\"00000000-0000-0000-0000-000000000008\"]}]",
			    &err),
		TXN_OK);
	assert_true(txn_inserted_uuid(txn, &first, &real));
	assert_int_equal(real.bytes[15], 7);
	assert_true(txn_inserted_uuid(txn, &second, &real));
	assert_int_equal(real.bytes[15], 8);
	assert_false(txn_inserted_uuid(txn, &gone, &real));
	txn_free(txn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_updated_once),
		cmocka_unit_test(a_needed_reference_replaces_the_default),
		cmocka_unit_test(mutations_of_a_row_are_one_operation),
		cmocka_unit_test(an_inserted_row_is_referred_to_by_name),
		cmocka_unit_test(deletion_undoes_and_prevails),
		cmocka_unit_test(discarding_leaves_the_row_as_it_is),
		cmocka_unit_test(conditions_come_first_and_count_as_nothing),
		cmocka_unit_test(set_values_are_edited_where_they_are_known),
		cmocka_unit_test(results_are_told_apart),
	};

	return cmocka_run_group_tests_name("txn", tests, NULL, NULL);
}
