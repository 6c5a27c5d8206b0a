/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ovsdb/replica.h"
#include "ovsdb_fixture.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

#define U1 "00000000-0000-0000-0000-000000000001"
#define U2 "00000000-0000-0000-0000-000000000002"

static int try(struct replica *replica, int version, const char *text, struct err *err)
{
	json_t *json = json_loads(text, 0, NULL);
	int r;

	if (!json)
		fail_msg("the test has bad JSON: %s", text);
	r = replica_apply(replica, json, version, err);
	json_decref(json);
	return r;
}

static void feed(struct replica *replica, int version, const char *text)
{
	struct err err = ERR_INIT;

	if (try(replica, version, text, &err) < 0)
		fail_msg("%s: %s", text, err.text);
}

static const struct row *get(struct replica *replica, const char *text)
{
	struct uuid uuid;

	assert_true(uuid_parse(text, &uuid));
	return replica_get(replica, &switch_table, &uuid);
}

static const struct row *find(struct replica *replica, const char *name)
{
	return replica_find(replica, &switch_table, &switch_columns[SWITCH_NAME], name);
}

static size_t n_changes(const struct replica *replica)
{
	size_t n = 0;

	for (const struct row *row = replica_first_change(replica, &switch_table); row;
	     row = replica_next_change(replica, row))
		n++;
	return n;
}

static struct replica *with_two_rows(void)
{
	struct replica *replica = replica_new(&test_schema);

	feed(replica, 2,
	     "{\"Switch\":{\"" U1 "\":{\"initial\":{\"name\":\"s1\",\"count\":1}},"
	     "\"" U2 "\":{\"insert\":{\"name\":\"s2\",\"options\":[\"map\",[[\"a\",\"1\"]]]}}}}");
	replica_advance(replica);
	return replica;
}

static void version_1_has_whole_rows(void **state)
{
	struct replica *replica = replica_new(&test_schema);
	const struct row *row;

	feed(replica, 1, "{\"Switch\":{\"" U1 "\":{\"new\":{\"name\":\"s1\",\"count\":3}}}}");
	row = get(replica, U1);
	assert_int_equal(row_change(row), ROW_INSERTED);
	assert_true(row_changed_columns(row) == OVSDB_ALL_COLUMNS);
	assert_int_equal(row_datum(row, &switch_columns[SWITCH_COUNT])->keys[0].integer, 3);
	assert_int_equal(row_datum(row, &switch_columns[SWITCH_ENABLED])->n, 0);
	replica_advance(replica);
	assert_int_equal(row_change(row), ROW_UNCHANGED);

	feed(replica, 1,
	     "{\"Switch\":{\"" U1 "\":{\"old\":{\"name\":\"s1\"},"
	     "\"new\":{\"name\":\"t1\",\"count\":3}}}}");
	assert_int_equal(row_change(row), ROW_UPDATED);
	assert_true(row_changed_columns(row) == OVSDB_COL(SWITCH_NAME));
	replica_advance(replica);

	feed(replica, 1, "{\"Switch\":{\"" U1 "\":{\"old\":{\"name\":\"t1\",\"count\":3}}}}");
	assert_null(get(replica, U1));
	assert_int_equal(row_change(row), ROW_DELETED);
	assert_string_equal(row_datum(row, &switch_columns[SWITCH_NAME])->keys[0].string, "t1");
	replica_advance(replica);
	assert_false(replica_has_changes(replica));
	replica_free(replica);
}

static void version_2_has_differences(void **state)
{
	struct replica *replica = with_two_rows();
	const struct row *row = get(replica, U2);

	assert_int_equal(replica_count(replica, &switch_table), 2);
	feed(replica, 2,
	     "{\"Switch\":{\"" U2 "\":{\"modify\":{\"count\":4,"
	     "\"options\":[\"map\",[[\"a\",\"1\"],[\"b\",\"2\"]]]}}}}");
	assert_true(row_changed_columns(row) ==
		    (OVSDB_COL(SWITCH_COUNT) | OVSDB_COL(SWITCH_OPTIONS)));
	assert_null(ovsdb_smap_get(row_datum(row, &switch_columns[SWITCH_OPTIONS]), "a"));
	assert_string_equal(ovsdb_smap_get(row_datum(row, &switch_columns[SWITCH_OPTIONS]), "b"),
			    "2");
	feed(replica, 2, "{\"Switch\":{\"" U1 "\":{\"delete\":null}}}");
	assert_int_equal(n_changes(replica), 2);
	assert_int_equal(replica_count(replica, &switch_table), 1);
	replica_free(replica);
}

static void what_came_and_went_is_not_told(void **state)
{
	struct replica *replica = with_two_rows();
	const struct row *row = get(replica, U1);

	feed(replica, 2,
	     "{\"Switch\":{\"00000000-0000-0000-0000-000000000003\":"
	     "{\"insert\":{\"name\":\"s3\"}}}}");
	feed(replica, 2,
	     "{\"Switch\":{\"00000000-0000-0000-0000-000000000003\":{\"delete\":null}}}");
	assert_false(replica_has_changes(replica));

	feed(replica, 2, "{\"Switch\":{\"" U1 "\":{\"delete\":null}}}");
	assert_null(find(replica, "s1"));
	feed(replica, 2, "{\"Switch\":{\"" U1 "\":{\"insert\":{\"name\":\"s1\",\"count\":2}}}}");
	assert_ptr_equal(get(replica, U1), row);
	assert_ptr_equal(find(replica, "s1"), row);
	assert_int_equal(row_change(row), ROW_UPDATED);
	assert_true(row_changed_columns(row) == OVSDB_COL(SWITCH_COUNT));
	assert_int_equal(n_changes(replica), 1);

	feed(replica, 2, "{\"Switch\":{\"" U2 "\":{\"delete\":null}}}");
	feed(replica, 2,
	     "{\"Switch\":{\"" U2 "\":{\"insert\":{\"name\":\"s2\","
	     "\"options\":[\"map\",[[\"a\",\"1\"]]]}}}}");
	assert_int_equal(row_change(get(replica, U2)), ROW_UNCHANGED);
	assert_int_equal(n_changes(replica), 1);
	replica_free(replica);
}

static void a_resync_tells_differences_only(void **state)
{
	struct replica *replica = with_two_rows();

	replica_resync_begin(replica);
	assert_non_null(get(replica, U1));
	feed(replica, 2,
	     "{\"Switch\":{\"" U2 "\":{\"initial\":{\"name\":\"s2\","
	     "\"options\":[\"map\",[[\"a\",\"1\"]]]}}}}");
	assert_non_null(find(replica, "s1"));
	replica_resync_end(replica);
	assert_null(get(replica, U1));
	assert_int_equal(n_changes(replica), 1);
	assert_int_equal(row_change(replica_first_change(replica, &switch_table)), ROW_DELETED);
	replica_free(replica);
}

static void errors_leave_everything_as_it_was(void **state)
{
	static const struct {
		const char *text, *reason;
		int version;
	} cases[] = {
		{ "{\"Switch\":5}", "table Switch", 2 },
		{ "{\"Switch\":{\"x\":{}}}", "no row's uuid", 2 },
		{ "{\"Switch\":{\"" U1 "\":5}}", "row " U1, 2 },
		{ "{\"Switch\":{\"" U1 "\":{\"insert\":5}}}", "no object", 2 },
		{ "{\"Switch\":{\"" U1 "\":{\"delete\":null},\"" U2 "\":{\"modify\":"
		  "{\"name\":7}}}}",
		  "table Switch: row " U2 ": column name", 2 },
		{ "{\"Switch\":{\"00000000-0000-0000-0000-000000000009\":{\"modify\":{}}}}",
		  "never sent", 2 },
		{ "{\"Switch\":{\"" U1 "\":{}}}", "neither", 1 },
		{ "{\"Switch\":{\"" U1 "\":{\"new\":{\"name\":[\"set\",[]]}}}}", "0 elements", 1 },
	};
	struct replica *replica = with_two_rows();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_true(try(replica, cases[i].version, cases[i].text, &err) < 0);
		if (!strstr(err.text, cases[i].reason))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_false(replica_has_changes(replica));
		assert_int_equal(replica_count(replica, &switch_table), 2);
	}
	feed(replica, 2, "{\"Unknown\":5,\"Switch\":{\"" U1 "\":{\"modify\":{\"unknown\":5}}}}");
	assert_false(replica_has_changes(replica));
	replica_free(replica);
}

static void selected_rows_can_be_put(void **state)
{
	struct replica *replica = replica_new(&test_schema);
	json_t *row = json_pack("{s[ss]ss}", "_uuid", "uuid", U1, "name", "s1");
	json_t *bad = json_pack("{ss}", "name", "s1");

	assert_int_equal(replica_put(replica, &switch_table, row, NULL), 0);
	assert_int_equal(replica_put(replica, &switch_table, row, NULL), 0);
	assert_int_equal(n_changes(replica), 1);
	assert_non_null(find(replica, "s1"));
	assert_int_equal(replica_put(replica, &switch_table, bad, NULL), -EINVAL);
	json_decref(row);
	json_decref(bad);
	replica_free(replica);
}

/* ---- random edits against a naive model ---- */

#define N_SLOTS 12

struct slot {
	bool is_there;
	int name, count;
};

static struct uuid slot_uuid(int i)
{
	struct uuid uuid = { { 0 } };

	uuid.bytes[15] = i + 1;
	return uuid;
}

static void random_edit(struct replica *replica, struct slot *slots)
{
	int i = rand() % N_SLOTS;
	struct uuid uuid = slot_uuid(i);
	char uuid_text[UUID_TEXT_SIZE];
	struct str text = STR_INIT;

	str_addf(&text, "{\"Switch\":{\"%s\":{", uuid_format(&uuid, uuid_text));
	if (slots[i].is_there && rand() % 3 == 0) {
		slots[i].is_there = false;
		str_add(&text, "\"delete\":null}}}");
	} else {
		str_add(&text, slots[i].is_there ? "\"modify\"" : "\"insert\"");
		slots[i].is_there = true;
		slots[i].name = rand() % 5;
		slots[i].count = rand() % 3;
		str_addf(&text, ":{\"name\":\"n%d\",\"count\":%d}}}}", slots[i].name,
			 slots[i].count);
	}
	feed(replica, 2, str_c(&text));
	str_done(&text);
}

static void check_rows(struct replica *replica, const struct slot *slots)
{
	size_t n = 0;

	for (int i = 0; i < N_SLOTS; i++) {
		struct uuid uuid = slot_uuid(i);
		const struct row *row = replica_get(replica, &switch_table, &uuid);
		char name[8];

		n += slots[i].is_there;
		assert_int_equal(row != NULL, slots[i].is_there);
		if (!row)
			continue;
		snprintf(name, sizeof(name), "n%d", slots[i].name);
		assert_string_equal(row_datum(row, &switch_columns[SWITCH_NAME])->keys[0].string,
				    name);
		assert_int_equal(row_datum(row, &switch_columns[SWITCH_COUNT])->keys[0].integer,
				 slots[i].count);
	}
	assert_int_equal(replica_count(replica, &switch_table), n);
	for (const struct row *row = replica_first(replica, &switch_table); row;
	     row = replica_next(replica, row))
		n--;
	assert_int_equal(n, 0);
}

static void check_index(struct replica *replica, const struct slot *slots)
{
	for (int name = 0; name < 5; name++) {
		const struct row *row;
		char text[8];
		int first = 0;

		while (first < N_SLOTS && !(slots[first].is_there && slots[first].name == name))
			first++;
		snprintf(text, sizeof(text), "n%d", name);
		row = find(replica, text);
		assert_int_equal(row != NULL, first < N_SLOTS);
		if (row)
			assert_int_equal(row_uuid(row)->bytes[15], first + 1);
	}
}

/* Every row that differs from before is among the changes, of the right kind. */
static void check_changes(struct replica *replica, const struct slot *before,
			  const struct slot *now)
{
	bool told[N_SLOTS] = { false };

	for (const struct row *row = replica_first_change(replica, &switch_table); row;
	     row = replica_next_change(replica, row)) {
		int i = row_uuid(row)->bytes[15] - 1;

		told[i] = true;
		if (row_change(row) == ROW_INSERTED)
			assert_true(!before[i].is_there && now[i].is_there);
		else if (row_change(row) == ROW_DELETED)
			assert_true(before[i].is_there && !now[i].is_there);
		else
			assert_true(before[i].is_there && now[i].is_there);
	}
	for (int i = 0; i < N_SLOTS; i++)
		if (before[i].is_there != now[i].is_there ||
		    (now[i].is_there &&
		     (before[i].name != now[i].name || before[i].count != now[i].count)))
			assert_true(told[i]);
}

static void random_edits_agree_with_a_naive_model(void **state)
{
	struct replica *replica = replica_new(&test_schema);
	struct slot slots[N_SLOTS] = { 0 }, before[N_SLOTS] = { 0 };

	srand(7047);
	for (int i = 0; i < 3000; i++) {
		random_edit(replica, slots);
		check_rows(replica, slots);
		check_index(replica, slots);
		check_changes(replica, before, slots);
		if (rand() % 6)
			continue;
		replica_advance(replica);
		memcpy(before, slots, sizeof(slots));
	}
	replica_free(replica);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_has_whole_rows),
		cmocka_unit_test(version_2_has_differences),
		cmocka_unit_test(what_came_and_went_is_not_told),
		cmocka_unit_test(a_resync_tells_differences_only),
		cmocka_unit_test(errors_leave_everything_as_it_was),
		cmocka_unit_test(selected_rows_can_be_put),
		cmocka_unit_test(random_edits_agree_with_a_naive_model),
	};

	return cmocka_run_group_tests_name("replica", tests, NULL, NULL);
}
