/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a real ovsdb-server; test_client_fake.c has those that misbehave. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "ovsdb/client.h"
#include "ovsdb_fixture.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"
#include "watcher.h"

static void rows_come_change_and_go(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct watcher *watcher;
	const struct row *row;

	real_server_wait(server);
	free(real_server_transact(server, "{\"op\":\"insert\",\"table\":\"Switch\",\"row\":"
					  "{\"name\":\"s0\",\"count\":7}}"));
	watcher = watch(place, server->remote);
	WAIT_FOR(place, client_is_synced(watcher->client) && watcher->n_inserted == 1);
	row = find_switch(watcher, "s0");
	assert_non_null(row);
	assert_int_equal(row_datum(row, &switch_columns[SWITCH_COUNT])->keys[0].integer, 7);

	free(real_server_transact(server, "{\"op\":\"update\",\"table\":\"Switch\",\"where\":[],"
					  "\"row\":{\"name\":\"s1\",\"enabled\":true}}"));
	WAIT_FOR(place, watcher->n_updated == 1);
	assert_int_equal(watcher->columns, OVSDB_COL(SWITCH_NAME) | OVSDB_COL(SWITCH_ENABLED));
	assert_ptr_equal(find_switch(watcher, "s1"), row);
	assert_null(find_switch(watcher, "s0"));

	free(real_server_transact(server, "{\"op\":\"mutate\",\"table\":\"Switch\",\"where\":[],"
					  "\"mutations\":[[\"options\",\"insert\",[\"map\","
					  "[[\"a\",\"1\"],[\"b\",\"2\"]]]]]}"));
	WAIT_FOR(place, watcher->n_updated == 2);
	free(real_server_transact(server, "{\"op\":\"update\",\"table\":\"Switch\",\"where\":[],"
					  "\"row\":{\"options\":[\"map\",[[\"b\",\"3\"]]]}}"));
	WAIT_FOR(place, watcher->n_updated == 3);
	assert_null(ovsdb_smap_get(row_datum(row, &switch_columns[SWITCH_OPTIONS]), "a"));
	assert_string_equal(ovsdb_smap_get(row_datum(row, &switch_columns[SWITCH_OPTIONS]), "b"),
			    "3");

	free(real_server_transact(server, "{\"op\":\"delete\",\"table\":\"Switch\",\"where\":[]}"));
	WAIT_FOR(place, watcher->n_deleted == 1);
	assert_int_equal(count(watcher, &switch_table), 0);
	watcher_free(watcher);
	real_server_stop(server);
	place_free(place);
}

static void transactions_say_what_became_of_them(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, free_tcp_port());
	struct watcher *watcher;
	struct answer answer = { 0 };
	struct txn *txn = txn_new(&test_schema);
	struct ovsdb_datum count_of_2 = { 1, &(union ovsdb_atom){ .integer = 2 }, NULL };
	struct ovsdb_datum option = { 1, &(union ovsdb_atom){ .string = (char *)"k" },
				      &(union ovsdb_atom){ .string = (char *)"v" } };
	struct uuid nobody = uuid_random();
	const struct row *row;

	real_server_wait(server);
	watcher = watch(place, server->tcp);

	commit(watcher, txn, &answer); /* before there is a connection */
	assert_int_equal(answer.outcome, TXN_AGAIN);
	WAIT_FOR(place, client_is_connected(watcher->client));

	txn = txn_new(&test_schema);
	answer.provisional = insert_switch(txn, "s0");
	add_port(txn, &answer.provisional, "p0");
	add_port(txn, &answer.provisional, "p1");
	txn_comment(txn, "two ports on %s", "s0");
	commit(watcher, txn, &answer);
	assert_string_equal(answer.problem, "");
	assert_true(answer.replica_had_it);
	row = replica_get(client_replica(watcher->client), &switch_table, &answer.real);
	assert_int_equal(row_datum(row, &switch_columns[SWITCH_PORTS])->n, 2);
	assert_int_equal(count(watcher, &port_table), 2);

	answer.provisional = (struct uuid){ { 0 } };
	txn = txn_new(&test_schema);
	txn_verify(txn, &switch_table, &answer.real, &switch_columns[SWITCH_COUNT], &count_of_2);
	txn_increment(txn, &switch_table, &answer.real, &switch_columns[SWITCH_COUNT], 2);
	commit(watcher, txn, &answer);
	assert_int_equal(answer.outcome, TXN_AGAIN);

	txn = txn_new(&test_schema);
	txn_verify_exists(txn, &switch_table, &answer.real);
	txn_increment(txn, &switch_table, &answer.real, &switch_columns[SWITCH_COUNT], 2);
	txn_add(txn, &switch_table, &answer.real, &switch_columns[SWITCH_OPTIONS], &option);
	commit(watcher, txn, &answer);
	assert_string_equal(answer.problem, "");
	assert_int_equal(row_datum(row, &switch_columns[SWITCH_COUNT])->keys[0].integer, 2);
	assert_string_equal(ovsdb_smap_get(row_datum(row, &switch_columns[SWITCH_OPTIONS]), "k"),
			    "v");

	option.values = &(union ovsdb_atom){ .string = (char *)"w" };
	txn = txn_new(&test_schema);
	txn_remove(txn, &switch_table, &answer.real, &switch_columns[SWITCH_OPTIONS], &option);
	txn_add(txn, &switch_table, &answer.real, &switch_columns[SWITCH_OPTIONS], &option);
	commit(watcher, txn, &answer);
	assert_string_equal(ovsdb_smap_get(row_datum(row, &switch_columns[SWITCH_OPTIONS]), "k"),
			    "w");

	txn = txn_new(&test_schema);
	txn_verify_exists(txn, &switch_table, &nobody);
	insert_switch(txn, "s1");
	commit(watcher, txn, &answer);
	assert_int_equal(answer.outcome, TXN_AGAIN);

	txn = txn_new(&test_schema);
	insert_switch(txn, "s0");
	commit(watcher, txn, &answer);
	assert_int_equal(answer.outcome, TXN_ERROR);
	assert_non_null(strstr(answer.problem, "constraint violation"));
	assert_non_null(strstr(answer.problem, "s0"));

	txn = txn_new(&test_schema);
	txn_increment(txn, &switch_table, &answer.real, &switch_columns[SWITCH_COUNT], 5000);
	commit(watcher, txn, &answer);
	assert_int_equal(answer.outcome, TXN_ERROR);
	assert_non_null(strstr(answer.problem, "Switch: constraint violation"));

	txn = txn_new(&test_schema);
	txn_delete(txn, &switch_table, &answer.real);
	commit(watcher, txn, &answer);
	assert_string_equal(answer.problem, "");
	assert_int_equal(count(watcher, &port_table), 0); /* nobody refers to them any more */
	watcher_free(watcher);
	real_server_stop(server);
	place_free(place);
}

static void a_lock_goes_to_the_next_when_its_holder_leaves(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct client_opts opts = { .lock = "the_lock" };
	struct watcher *first, *second;
	struct answer answer = { 0 };
	struct txn *txn;

	real_server_wait(server);
	opts.remotes = server->remote;
	first = watch_with(place, &opts);
	WAIT_FOR(place, client_has_lock(first->client) && first->n_lock == 1);
	second = watch_with(place, &opts);
	WAIT_FOR(place, client_is_connected(second->client));

	txn = txn_new(&test_schema);
	txn_assert_lock(txn, "the_lock");
	insert_switch(txn, "s0");
	commit(second, txn, &answer);
	assert_int_equal(answer.outcome, TXN_NOT_OWNER);
	assert_false(client_has_lock(second->client));

	txn = txn_new(&test_schema);
	txn_assert_lock(txn, "the_lock");
	insert_switch(txn, "s0");
	commit(first, txn, &answer);
	assert_int_equal(answer.outcome, TXN_OK);

	watcher_free(first);
	WAIT_FOR(place, client_has_lock(second->client) && second->n_lock == 2);
	watcher_free(second);
	real_server_stop(server);
	place_free(place);
}

static void a_lock_can_be_stolen_and_stolen_back(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct client_opts opts = { .lock = "the_lock" };
	struct watcher *first, *second;

	real_server_wait(server);
	opts.remotes = server->remote;
	first = watch_with(place, &opts);
	WAIT_FOR(place, client_has_lock(first->client));
	assert_false(client_lock_is_taken(first->client));
	second = watch_with(place, &opts);
	WAIT_FOR(place, client_lock_is_taken(second->client) && second->n_lock == 1);

	client_steal_lock(second->client);
	WAIT_FOR(place, client_has_lock(second->client) && !client_lock_is_taken(second->client));
	WAIT_FOR(place, client_lock_is_taken(first->client) && !client_has_lock(first->client));
	client_steal_lock(first->client);
	WAIT_FOR(place, client_has_lock(first->client));
	WAIT_FOR(place, client_lock_is_taken(second->client));

	/* A thief that was stolen from is not in the queue any more. */
	watcher_free(first);
	client_steal_lock(second->client);
	WAIT_FOR(place, client_has_lock(second->client) && !client_lock_is_taken(second->client));
	watcher_free(second);
	real_server_stop(server);
	place_free(place);
}

static void a_restarted_server_is_resumed_from(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct client_opts opts = { .lock = "the_lock" };
	struct watcher *watcher;
	struct answer answer = { 0 };
	struct txn *txn = txn_new(&test_schema);
	int pid;

	real_server_wait(server);
	opts.remotes = server->remote;
	watcher = watch_with(place, &opts);
	WAIT_FOR(place, client_has_lock(watcher->client));
	make_switch(watcher, "s0");
	make_switch(watcher, "s1");
	WAIT_FOR(place, watcher->n_inserted == 2);

	pid = real_server_pid(server);
	assert_int_equal(kill(pid, SIGKILL), 0);
	WAIT_FOR(place, watcher->n_lost == 1);
	assert_false(client_is_connected(watcher->client));
	assert_false(client_has_lock(watcher->client));
	assert_true(client_is_synced(watcher->client));
	assert_int_equal(watcher->n_lock, 2);
	assert_int_equal(count(watcher, &switch_table), 2);
	commit(watcher, txn, &answer);
	assert_int_equal(answer.outcome, TXN_AGAIN);
	assert_non_null(strstr(answer.problem, "not connected"));

	WAIT_FOR(place, client_has_lock(watcher->client));
	assert_int_not_equal(real_server_pid(server), pid);
	assert_int_equal(watcher->n_inserted, 2); /* what was there is not told again */
	assert_int_equal(watcher->n_updated + watcher->n_deleted, 0);
	make_switch(watcher, "s2");
	WAIT_FOR(place, watcher->n_inserted == 3);
	watcher_free(watcher);
	real_server_stop(server);
	place_free(place);
}

static void a_condition_selects_rows(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct watcher *watcher;
	uint64_t seqno;

	real_server_wait(server);
	free(real_server_transact(server, "{\"op\":\"insert\",\"table\":\"Switch\",\"row\":"
					  "{\"name\":\"s0\"}},"
					  "{\"op\":\"insert\",\"table\":\"Switch\",\"row\":"
					  "{\"name\":\"s1\"}}"));
	watcher = watch(place, server->remote);
	client_set_condition(watcher->client, &switch_table, json_pack("[b]", false));
	WAIT_FOR(place, client_is_synced(watcher->client));
	assert_int_equal(count(watcher, &switch_table), 0);

	seqno = client_set_condition(watcher->client, &switch_table,
				     json_pack("[[sss]]", "name", "==", "s1"));
	assert_true(client_condition_seqno(watcher->client) < seqno);
	WAIT_FOR(place, client_condition_seqno(watcher->client) >= seqno);
	assert_int_equal(count(watcher, &switch_table), 1);
	assert_non_null(find_switch(watcher, "s1"));
	assert_int_equal(client_set_condition(watcher->client, &switch_table,
					      json_pack("[[sss]]", "name", "==", "s1")),
			 seqno);

	seqno = client_set_condition(watcher->client, &switch_table, NULL);
	client_set_condition(watcher->client, &switch_table,
			     json_pack("[[sss]]", "name", "==", "s0"));
	seqno = client_set_condition(watcher->client, &port_table, json_pack("[b]", false));
	WAIT_FOR(place, client_condition_seqno(watcher->client) >= seqno);
	assert_non_null(find_switch(watcher, "s0"));
	assert_null(find_switch(watcher, "s1"));

	/* What is asked for while the server is away holds when it is back. */
	assert_int_equal(kill(real_server_pid(server), SIGKILL), 0);
	WAIT_FOR(place, !client_is_connected(watcher->client));
	seqno = client_set_condition(watcher->client, &switch_table, NULL);
	WAIT_FOR(place, client_condition_seqno(watcher->client) >= seqno);
	assert_int_equal(count(watcher, &switch_table), 2);
	watcher_free(watcher);
	real_server_stop(server);
	place_free(place);
}

static void remotes_are_tried_in_turn_and_can_be_replaced(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	char *remotes = xasprintf("unix:%s/nobody,tcp:127.0.0.1:%u,unix:%s/run/test_db.sock",
				  place->dir, free_tcp_port(), place->dir);
	struct watcher *watcher;
	struct err err = ERR_INIT;

	real_server_wait(server);
	watcher = watch(place, remotes);
	WAIT_FOR(place, client_is_connected(watcher->client));
	assert_string_equal(client_remote(watcher->client), server->remote);
	assert_string_equal(client_problem(watcher->client), "");

	assert_int_equal(client_set_remotes(watcher->client, "udp:1", &err), -EINVAL);
	assert_non_null(strstr(err.text, "udp:1"));
	assert_true(client_is_connected(watcher->client));
	assert_int_equal(client_set_remotes(watcher->client, server->remote, NULL), 0);
	assert_true(client_is_connected(watcher->client));
	free(remotes);
	remotes = xasprintf("unix:%s/nobody", place->dir);
	assert_int_equal(client_set_remotes(watcher->client, remotes, NULL), 0);
	assert_false(client_is_connected(watcher->client));
	WAIT_FOR(place, strstr(client_problem(watcher->client), "no such file"));
	free(remotes);
	watcher_free(watcher);
	real_server_stop(server);
	place_free(place);
}

static void malformed_remotes_are_refused(void **state)
{
	static const char *const remotes[] = { "",
					       "unix:",
					       "tcp:",
					       "tcp:127.0.0.1",
					       "tcp:127.0.0.1:0",
					       "tcp:127.0.0.1:65536",
					       "tcp:::1:6640",
					       "tcp:[::1:6640",
					       "tcp:localhost:6640",
					       "punix:/x",
					       "unix:/a,bla" };
	struct place *place = place_new();
	struct client_opts opts = { .loop = &place->loop,
				    .schema = &test_schema,
				    .ops = &watcher_ops };
	struct client *client;

	for (size_t i = 0; i < ARRAY_SIZE(remotes); i++) {
		struct err err = ERR_INIT;

		opts.remotes = remotes[i];
		if (client_open(&opts, &client, &err) != -EINVAL)
			fail_msg("\"%s\" was taken", remotes[i]);
		assert_true(err.text[0] && !strchr(err.text, '\n'));
	}
	place_free(place);
}

static void ten_thousand_rows_take_well_under_a_second(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct watcher *writer, *reader;
	struct answer answer = { 0 };
	struct txn *txn = txn_new(&test_schema);
	struct uuid sw = insert_switch(txn, "s0");
	char name[16];
	uint64_t start_ms;

	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		add_port(txn, &sw, name);
	}
	real_server_wait(server);
	writer = watch(place, server->remote);
	WAIT_FOR(place, client_is_connected(writer->client));
	commit(writer, txn, &answer);
	assert_string_equal(answer.problem, "");
	uv_update_time(&place->loop);
	start_ms = uv_now(&place->loop);
	reader = watch(place, server->remote);
	WAIT_FOR(place, client_is_synced(reader->client));
	uv_update_time(&place->loop);
	print_message("10000 rows: %llu ms\n",
		      (unsigned long long)(uv_now(&place->loop) - start_ms));
	assert_int_equal(count(reader, &port_table), 10000);
	assert_int_equal(reader->n_inserted, 10001);
	watcher_free(writer);
	watcher_free(reader);
	real_server_stop(server);
	place_free(place);
}

static void other_requests_are_answered(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct client_interest none = { &switch_table, 0, 0 };
	struct client_opts opts = { .interests = &none, .n_interests = 1 };
	struct selected selected = { 0 };
	struct watcher *watcher;

	real_server_wait(server);
	opts.remotes = server->remote;
	watcher = watch_with(place, &opts);
	WAIT_FOR(place, client_is_connected(watcher->client));
	client_request(
		watcher->client, "transact",
		json_pack("[s{ss ss s[]}]", "Test", "op", "select", "table", "Switch", "where"),
		on_selected, &selected);
	WAIT_FOR(place, selected.is_there);
	assert_string_equal(selected.problem, "");
	assert_int_equal(json_array_size(selected.result), 1);
	json_decref(selected.result);

	selected.is_there = false;
	client_request(watcher->client, "nonsense", json_array(), on_selected, &selected);
	WAIT_FOR(place, selected.is_there);
	if (!strstr(selected.problem, "unknown method"))
		fail_msg("%s", selected.problem);

	selected.is_there = false;
	client_request(watcher->client, "echo", json_array(), on_selected, &selected);
	watcher_free(watcher); /* with a request under way */
	assert_true(selected.is_there);
	assert_non_null(strstr(selected.problem, "not connected"));
	real_server_stop(server);
	place_free(place);
}

static void a_server_without_what_is_needed_is_refused(void **state)
{
	static const struct ovsdb_column newer_columns[] = {
		{ .name = "name", .index = 0, .key = OVSDB_STRING, .min = 1, .max = 1 },
		{ .name = "colour", .index = 1, .key = OVSDB_STRING, .min = 1, .max = 1 },
	};
	static const struct ovsdb_table newer_table = { .name = "Switch",
							.n_columns = 2,
							.columns = newer_columns };
	static const struct ovsdb_table *const newer_tables[] = { &newer_table };
	static const struct ovsdb_schema newer = { .name = "Test",
						   .n_tables = 1,
						   .tables = newer_tables };
	static const struct ovsdb_schema other = { .name = "Other",
						   .n_tables = 1,
						   .tables = newer_tables };
	struct client_interest interest = { &newer_table, OVSDB_ALL_COLUMNS, OVSDB_COL(1) };
	struct client_opts opts = { .schema = &newer, .interests = &interest, .n_interests = 1 };
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct watcher *watcher;

	real_server_wait(server);
	opts.remotes = server->remote;
	watcher = watch_with(place, &opts);
	WAIT_FOR(place, watcher->n_lost);
	assert_non_null(
		strstr(watcher->problem, "database Test: table Switch lacks column colour"));
	watcher_free(watcher);

	interest.needed = 0; /* wanted, but not needed */
	watcher = watch_with(place, &opts);
	WAIT_FOR(place, client_is_synced(watcher->client));
	watcher_free(watcher);

	opts.schema = &other;
	watcher = watch_with(place, &opts);
	WAIT_FOR(place, watcher->n_lost);
	assert_non_null(strstr(watcher->problem, "database Other is not served there"));
	watcher_free(watcher);
	real_server_stop(server);
	place_free(place);
}

static void text_that_json_cannot_say_is_refused(void **state)
{
	struct place *place = place_new();
	struct real_server *server = real_server_start(place, 0);
	struct ovsdb_datum option = { 1, &(union ovsdb_atom){ .string = (char *)"k" },
				      &(union ovsdb_atom){ .string = (char *)"v\xc3" } };
	struct watcher *watcher;
	struct answer answer = { 0 };
	struct selected selected = { 0 };
	struct txn *txn = txn_new(&test_schema);
	struct uuid sw;

	real_server_wait(server);
	watcher = watch(place, server->remote);
	WAIT_FOR(place, client_is_connected(watcher->client));
	insert_switch(txn, "s\xff");
	commit(watcher, txn, &answer);
	assert_int_equal(answer.outcome, TXN_ERROR);
	assert_non_null(strstr(answer.problem, "UTF-8"));

	sw = make_switch(watcher, "s0");
	txn = txn_new(&test_schema);
	txn_add(txn, &switch_table, &sw, &switch_columns[SWITCH_OPTIONS], &option);
	commit(watcher, txn, &answer);
	assert_int_equal(answer.outcome, TXN_ERROR);
	client_request(watcher->client, "transact", json_pack("[s]", "\xff"), on_selected,
		       &selected);
	WAIT_FOR(place, selected.is_there);
	assert_non_null(strstr(selected.problem, "UTF-8"));
	assert_int_equal(watcher->n_lost, 0);
	watcher_free(watcher);
	real_server_stop(server);
	place_free(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_change_and_go),
		cmocka_unit_test(transactions_say_what_became_of_them),
		cmocka_unit_test(a_lock_goes_to_the_next_when_its_holder_leaves),
		cmocka_unit_test(a_lock_can_be_stolen_and_stolen_back),
		cmocka_unit_test(a_restarted_server_is_resumed_from),
		cmocka_unit_test(a_condition_selects_rows),
		cmocka_unit_test(remotes_are_tried_in_turn_and_can_be_replaced),
		cmocka_unit_test(malformed_remotes_are_refused),
		cmocka_unit_test(ten_thousand_rows_take_well_under_a_second),
		cmocka_unit_test(other_requests_are_answered),
		cmocka_unit_test(a_server_without_what_is_needed_is_refused),
		cmocka_unit_test(text_that_json_cannot_say_is_refused),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
