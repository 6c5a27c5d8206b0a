/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a real ovsdb-server, and against fake ones that misbehave. */
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

/* What the owner of a client was told. */
struct watcher {
	struct place *place;
	struct client *client;
	unsigned int n_inserted, n_updated, n_deleted; /* over all changes told, both tables */
	uint64_t columns;                              /* of updated switches */
	unsigned int n_changed;                        /* calls */
	unsigned int n_connected, n_lost, n_lock;
	char problem[512];
};

static void count_changes(struct watcher *watcher, const struct ovsdb_table *table)
{
	const struct replica *replica = client_replica(watcher->client);

	for (const struct row *row = replica_first_change(replica, table); row;
	     row = replica_next_change(replica, row)) {
		switch (row_change(row)) {
		case ROW_INSERTED: watcher->n_inserted++; break;
		case ROW_DELETED: watcher->n_deleted++; break;
		case ROW_UPDATED:
			watcher->n_updated++;
			if (table == &switch_table)
				watcher->columns |= row_changed_columns(row);
			break;
		case ROW_UNCHANGED: fail_msg("an unchanged row among the changes");
		}
	}
}

static void on_changed(void *owner)
{
	struct watcher *watcher = owner;

	assert_true(client_is_synced(watcher->client));
	watcher->n_changed++;
	if (replica_schema(client_replica(watcher->client)) != &test_schema)
		return;
	count_changes(watcher, &switch_table);
	count_changes(watcher, &port_table);
	replica_advance(client_replica(watcher->client));
}

static void on_lock(void *owner)
{
	struct watcher *watcher = owner;

	watcher->n_lock++;
}

static void on_connection(void *owner, const struct err *err)
{
	struct watcher *watcher = owner;

	if (!err) {
		watcher->n_connected++;
		return;
	}
	watcher->n_lost++;
	strcpy(watcher->problem, err->text);
}

static const struct client_ops ops = {
	.changed = on_changed,
	.lock = on_lock,
	.connection = on_connection,
};

static const struct client_interest interests[] = {
	{ &switch_table, OVSDB_ALL_COLUMNS, OVSDB_COL(SWITCH_NAME) },
	{ &port_table, OVSDB_ALL_COLUMNS, 0 },
};

static struct watcher *watch_with(struct place *place, const struct client_opts *more)
{
	struct watcher *watcher = xcalloc(1, sizeof(*watcher));
	struct client_opts opts = *more;
	struct err err = ERR_INIT;

	watcher->place = place;
	opts.loop = &place->loop;
	opts.schema = opts.schema ?: &test_schema;
	opts.interests = opts.interests ?: interests;
	opts.n_interests = opts.n_interests ?: ARRAY_SIZE(interests);
	opts.ops = &ops;
	opts.owner = watcher;
	if (client_open(&opts, &watcher->client, &err) < 0)
		fail_msg("%s", err.text);
	return watcher;
}

static struct watcher *watch(struct place *place, const char *remotes)
{
	return watch_with(place, &(struct client_opts){ .remotes = remotes });
}

static void watcher_free(struct watcher *watcher)
{
	client_close(watcher->client);
	free(watcher);
}

static size_t count(const struct watcher *watcher, const struct ovsdb_table *table)
{
	return replica_count(client_replica(watcher->client), table);
}

static const struct row *find_switch(const struct watcher *watcher, const char *name)
{
	return replica_find(client_replica(watcher->client), &switch_table,
			    &switch_columns[SWITCH_NAME], name);
}

/* ---- transactions ---- */

struct answer {
	bool is_there;
	enum txn_outcome outcome;
	char problem[512];
	struct watcher *watcher;
	struct uuid provisional, real;
	bool replica_had_it;
};

static void on_done(void *arg, enum txn_outcome outcome, const struct txn *txn,
		    const struct err *err)
{
	struct answer *answer = arg;

	answer->is_there = true;
	answer->outcome = outcome;
	strcpy(answer->problem, err ? err->text : "");
	if (outcome != TXN_OK || uuid_is_zero(&answer->provisional))
		return;
	assert_true(txn_inserted_uuid(txn, &answer->provisional, &answer->real));
	answer->replica_had_it =
		replica_get(client_replica(answer->watcher->client), &switch_table, &answer->real);
}

static void commit(struct watcher *watcher, struct txn *txn, struct answer *answer)
{
	answer->watcher = watcher;
	answer->is_there = false;
	client_commit(watcher->client, txn, on_done, answer);
	assert_false(answer->is_there); /* never from within the call */
	WAIT_FOR(watcher->place, answer->is_there);
}

static void set_string(struct txn *txn, const struct ovsdb_table *table, const struct uuid *row,
		       int column, const char *value)
{
	struct ovsdb_datum datum = { 1, &(union ovsdb_atom){ .string = (char *)value }, NULL };

	txn_set(txn, table, row, &table->columns[column], &datum);
}

static struct uuid insert_switch(struct txn *txn, const char *name)
{
	struct uuid uuid = txn_insert(txn, &switch_table);

	set_string(txn, &switch_table, &uuid, SWITCH_NAME, name);
	return uuid;
}

static void add_port(struct txn *txn, const struct uuid *sw, const char *name)
{
	struct uuid uuid = txn_insert(txn, &port_table);
	struct ovsdb_datum ports = { 1, &(union ovsdb_atom){ .uuid = uuid }, NULL };

	set_string(txn, &port_table, &uuid, PORT_NAME, name);
	txn_add(txn, &switch_table, sw, &switch_columns[SWITCH_PORTS], &ports);
}

static struct uuid make_switch(struct watcher *watcher, const char *name)
{
	struct txn *txn = txn_new(&test_schema);
	struct answer answer = { .provisional = insert_switch(txn, name) };

	commit(watcher, txn, &answer);
	assert_string_equal(answer.problem, "");
	return answer.real;
}

/* ---- with a real server ---- */

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
	struct client_opts opts = { .loop = &place->loop, .schema = &test_schema, .ops = &ops };
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

struct selected {
	bool is_there;
	json_t *result;
	char problem[512];
};

static void on_selected(void *arg, const json_t *result, const struct err *err)
{
	struct selected *selected = arg;

	selected->is_there = true;
	selected->result = json_deep_copy(result);
	strcpy(selected->problem, err ? err->text : "");
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

/* ---- with a fake server ---- */

/* arg: const char *, the first method that this server knows of the three. */
static void be_old(struct fake_server *fake, const char *method, const json_t *id,
		   const json_t *params)
{
	if (str_starts(method, "monitor") && strcmp(method, fake->arg) &&
	    strcmp(json_string_value(json_array_get(params, 0)), "_Server")) {
		fake_server_refuse(fake, id, "unknown method");
		return;
	}
	fake_server_be_polite(fake, method, id, params);
}

static void older_monitors_are_fallen_back_to(void **state)
{
	static const struct {
		const char *method, *notification;
	} cases[] = { { "monitor_cond", "update2" }, { "monitor", "update" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct place *place = place_new();
		struct fake_server *fake = fake_server_start(place, be_old);
		struct watcher *watcher = watch(place, fake->remote);

		fake->arg = (char *)cases[i].method;
		WAIT_FOR(place, client_is_connected(watcher->client));
		assert_int_equal(fake->n_connections, 1);
		fake_server_notify(fake, cases[i].notification,
				   json_pack("[s{s{s{s{ss}}}}]", "main", "Switch",
					     "7d6a2c3b-7f0a-4d6c-8f5b-111111111111",
					     i ? "new" : "insert", "name", "s0"));
		WAIT_FOR(place, watcher->n_inserted == 1);
		assert_non_null(find_switch(watcher, "s0"));
		watcher_free(watcher);
		fake_server_stop(fake);
		place_free(place);
	}
}

static void be_silent_once_online(struct fake_server *fake, const char *method, const json_t *id,
				  const json_t *params)
{
	if (strcmp(method, "echo") || fake->n_connections > 1)
		fake_server_be_polite(fake, method, id, params);
}

static void a_silent_server_is_probed_and_left(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, be_silent_once_online);
	struct client_opts opts = { .remotes = fake->remote, .probe_ms = 50 };
	struct watcher *watcher = watch_with(place, &opts);
	struct answer answer = { .watcher = watcher };
	struct txn *txn = txn_new(&test_schema);

	WAIT_FOR(place, client_is_connected(watcher->client));
	client_commit(watcher->client, txn, on_done, &answer);
	WAIT_FOR(place, fake->n_connections == 2 && client_is_connected(watcher->client));
	assert_non_null(strstr(watcher->problem, "does not answer"));
	assert_int_equal(watcher->n_lost, 1);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void note_reply(struct fake_server *fake, const char *method, const json_t *id,
		       const json_t *params)
{
	/* That its "echo" was answered shows in the order: the client's next request follows. */
	if (!strcmp(method, "transact"))
		fake_server_reply(fake, id, json_array());
	else
		fake_server_be_polite(fake, method, id, params);
}

static void a_server_that_probes_is_answered(void **state)
{
	static const char probe[] = "{\"method\":\"echo\",\"params\":[\"x\"],\"id\":\"probe\"}"
				    "{\"method\":\"what\",\"params\":[],\"id\":5}";
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, note_reply);
	struct watcher *watcher = watch(place, fake->remote);
	struct answer answer = { 0 };

	WAIT_FOR(place, client_is_connected(watcher->client));
	fake_server_say(fake, probe, strlen(probe));
	commit(watcher, txn_new(&test_schema), &answer);
	assert_int_equal(answer.outcome, TXN_OK);
	assert_int_equal(fake->n_connections, 1);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void rubbish_is_answered_by_hanging_up(void **state)
{
	char deep[FRAME_MAX_DEPTH + 2];
	struct {
		const char *bytes, *reason;
	} cases[] = {
		{ "nonsense", "does not begin with" },
		{ "{\"method\": tru}", "no JSON" },
		{ "{\"method\": 5}", "no JSON-RPC" },
		{ "[]", "no JSON object" },
		{ "}", "begins with" },
		{ deep, "deeper than 64" },
		{ "{\"id\":null,\"method\":\"update3\",\"params\":[\"main\",\"\",{\"Switch\":"
		  "{\"x\":{\"insert\":{}}}}]}",
		  "Switch" },
		{ "{\"id\":null,\"method\":\"update3\",\"params\":[\"main\",\"\",{\"Switch\":"
		  "{\"7d6a2c3b-7f0a-4d6c-8f5b-111111111111\":{\"insert\":{\"count\":\"x\"}}}}]}",
		  "column count" },
	};

	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct place *place = place_new();
		struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
		struct watcher *watcher = watch(place, fake->remote);

		WAIT_FOR(place, client_is_connected(watcher->client));
		fake_server_say(fake, cases[i].bytes, strlen(cases[i].bytes));
		WAIT_FOR(place, watcher->n_lost == 1);
		if (!strstr(watcher->problem, cases[i].reason))
			fail_msg("%s: %s", cases[i].bytes, watcher->problem);
		assert_null(strchr(watcher->problem, '\n'));
		assert_non_null(strstr(watcher->problem, fake->remote));
		watcher_free(watcher);
		fake_server_stop(fake);
		place_free(place);
	}
}

static void a_connection_comes_back_after_rubbish(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	struct watcher *watcher = watch(place, fake->remote);

	WAIT_FOR(place, client_is_connected(watcher->client));
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, watcher->n_connected == 2);
	assert_int_equal(fake->n_connections, 2);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void grant_lock(struct fake_server *fake, const char *method, const json_t *id,
		       const json_t *params)
{
	if (!strcmp(method, "lock"))
		fake_server_reply(fake, id, json_pack("{sb}", "locked", false));
	else
		fake_server_be_polite(fake, method, id, params);
}

static void locks_come_by_notification_and_can_be_stolen(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, grant_lock);
	struct client_opts opts = { .remotes = fake->remote, .lock = "ours" };
	struct watcher *watcher = watch_with(place, &opts);

	WAIT_FOR(place, client_is_connected(watcher->client));
	assert_false(client_has_lock(watcher->client));
	fake_server_notify(fake, "locked", json_pack("[s]", "not_ours"));
	fake_server_notify(fake, "locked", json_pack("[s]", "ours"));
	WAIT_FOR(place, client_has_lock(watcher->client));
	fake_server_notify(fake, "stolen", json_pack("[s]", "ours"));
	WAIT_FOR(place, watcher->n_lock == 2);
	assert_false(client_has_lock(watcher->client));
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void a_canceled_monitor_is_asked_for_again(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	struct watcher *watcher = watch(place, fake->remote);

	WAIT_FOR(place, watcher->n_connected == 1);
	fake_server_notify(fake, "monitor_canceled", json_pack("[s]", "main"));
	WAIT_FOR(place, watcher->n_connected == 2);
	assert_int_equal(fake->n_connections, 1);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

/* arg: const char *, what the row of "_Server" says besides the name. */
static void be_in_a_cluster(struct fake_server *fake, const char *method, const json_t *id,
			    const json_t *params)
{
	const char *database = json_string_value(json_array_get(params, 0));

	if (!strcmp(method, "monitor_cond") && database && !strcmp(database, "_Server"))
		fake_server_reply(fake, id,
				  json_pack("{s{s{so}}}", "Database",
					    "7d6a2c3b-7f0a-4d6c-8f5b-111111111111", "initial",
					    json_loads(fake->arg, 0, NULL)));
	else
		fake_server_be_polite(fake, method, id, params);
}

static void servers_that_are_no_use_are_left(void **state)
{
	static const struct {
		const char *status, *problem;
		bool leader_only;
	} cases[] = {
		{ "{\"name\":\"Test\",\"model\":\"clustered\",\"connected\":true}", "", false },
		{ "{\"name\":\"Test\",\"model\":\"standalone\",\"connected\":true}", "", true },
		{ "{\"name\":\"Test\",\"model\":\"clustered\",\"connected\":true,"
		  "\"leader\":true}",
		  "", true },
		{ "{\"name\":\"Test\",\"model\":\"clustered\"}", "is cut off from its cluster",
		  false },
		{ "{\"name\":\"Test\",\"model\":\"clustered\",\"connected\":true}",
		  "does not lead the cluster", true },
		{ "{\"name\":\"Other\",\"connected\":true}", "is not served there", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct place *place = place_new();
		struct fake_server *fake = fake_server_start(place, be_in_a_cluster);
		struct client_opts opts = { .remotes = fake->remote,
					    .leader_only = cases[i].leader_only };
		struct watcher *watcher = watch_with(place, &opts);

		fake->arg = (char *)cases[i].status;
		WAIT_FOR(place, watcher->n_connected || watcher->n_lost);
		if (!strstr(watcher->problem, cases[i].problem))
			fail_msg("%s: %s", cases[i].status, watcher->problem);
		assert_int_equal(watcher->n_connected, !cases[i].problem[0]);
		if (watcher->n_connected && cases[i].leader_only) {
			/* It steps down while we use it. */
			fake_server_notify(fake, "update2",
					   json_pack("[s{s{s{s{sb}}}}]", "server", "Database",
						     "7d6a2c3b-7f0a-4d6c-8f5b-111111111111",
						     "modify", "connected", false));
			WAIT_FOR(place, watcher->n_lost == 1);
		}
		watcher_free(watcher);
		fake_server_stop(fake);
		place_free(place);
	}
}

/* A monitor that resumes: what the client names as the last transaction it saw decides. */
static void resume(struct fake_server *fake, const char *method, const json_t *id,
		   const json_t *params)
{
	static const char last_id[] = "7d6a2c3b-7f0a-4d6c-8f5b-00000000000a";
	const char *seen = json_string_value(json_array_get(params, 3));
	bool resumes = seen && !strcmp(seen, last_id);

	if (strcmp(method, "monitor_cond_since")) {
		fake_server_be_polite(fake, method, id, params);
		return;
	}
	fake_server_reply(fake, id,
			  json_pack("[bs{s{s{s{ss}}}}]", resumes, last_id, "Switch",
				    resumes ? "7d6a2c3b-7f0a-4d6c-8f5b-222222222222"
					    : "7d6a2c3b-7f0a-4d6c-8f5b-111111111111",
				    resumes ? "insert" : "initial", "name", resumes ? "s1" : "s0"));
}

static void history_is_used_where_the_server_has_it(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, resume);
	struct watcher *watcher = watch(place, fake->remote);

	WAIT_FOR(place, watcher->n_inserted == 1);
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, watcher->n_inserted == 2);
	assert_int_equal(watcher->n_deleted + watcher->n_updated, 0);
	assert_int_equal(count(watcher, &switch_table), 2);

	/* History under other conditions does not say all. */
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, !client_is_connected(watcher->client));
	client_set_condition(watcher->client, &switch_table, json_pack("[b]", true));
	WAIT_FOR(place, watcher->n_deleted == 1);
	assert_non_null(find_switch(watcher, "s0"));
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

struct closer {
	struct watcher *watcher;
	unsigned int n_answers;
	bool is_closed;
};

static void close_once(void *arg, enum txn_outcome outcome, const struct txn *txn,
		       const struct err *err)
{
	struct closer *closer = arg;

	assert_false(closer->is_closed);
	assert_int_equal(outcome, TXN_AGAIN);
	if (closer->n_answers++ == 0) {
		client_close(closer->watcher->client);
		closer->is_closed = true;
	}
}

static void closing_ends_the_report_under_way(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	struct watcher *watcher = watch(place, fake->remote);
	struct closer closer = { .watcher = watcher };

	for (unsigned int i = 0; i < 3; i++)
		client_commit(watcher->client, txn_new(&test_schema), close_once, &closer);
	WAIT_FOR(place, closer.n_answers == 3);
	assert_true(closer.is_closed);
	free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

/* arg: how often the lock was asked for. */
static void count_locks(struct fake_server *fake, const char *method, const json_t *id,
			const json_t *params)
{
	if (!strcmp(method, "lock")) {
		++*(unsigned int *)fake->arg;
		fake_server_reply(fake, id, json_pack("{sb}", "locked", true));
	} else {
		fake_server_be_polite(fake, method, id, params);
	}
}

static void a_lock_is_asked_for_once_per_connection(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, count_locks);
	struct client_opts opts = { .remotes = fake->remote, .lock = "ours" };
	struct watcher *watcher = watch_with(place, &opts);
	unsigned int n_asked = 0;

	fake->arg = &n_asked;
	WAIT_FOR(place, watcher->n_lock == 1);
	fake_server_notify(fake, "monitor_canceled", json_pack("[s]", "main"));
	WAIT_FOR(place, watcher->n_connected == 2);
	assert_int_equal(n_asked, 1);
	assert_true(client_has_lock(watcher->client));
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, watcher->n_lock == 3);
	assert_int_equal(n_asked, 2);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void new_remotes_are_dialled_from_the_first(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	char *nobody = xasprintf("unix:%s/nobody", place->dir);
	char *remotes = xasprintf("%s,unix:%s/other", fake->remote, place->dir);
	struct watcher *watcher = watch(place, nobody);

	WAIT_FOR(place, watcher->n_lost == 1);
	assert_int_equal(client_set_remotes(watcher->client, remotes, NULL), 0);
	assert_string_equal(client_remote(watcher->client), fake->remote);
	WAIT_FOR(place, client_is_connected(watcher->client));
	assert_int_equal(watcher->n_lost, 1);
	free(nobody);
	free(remotes);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void a_retry_does_not_wait_for_the_back_off(void **state)
{
	struct place *place = place_new();
	char *remote = xasprintf("unix:%s/fake.sock", place->dir);
	struct watcher *watcher = watch(place, remote);
	struct fake_server *fake;
	uint64_t failed_ms;

	WAIT_FOR(place, watcher->n_lost == 1);
	failed_ms = uv_now(&place->loop);
	fake = fake_server_start(place, fake_server_be_polite);
	client_retry(watcher->client);
	WAIT_FOR(place, client_is_connected(watcher->client));
	assert_true(uv_now(&place->loop) < failed_ms + 1000); /* the first back-off */
	free(remote);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void answer_nothing(struct fake_server *fake, const char *method, const json_t *id,
			   const json_t *params)
{
	if (!strcmp(method, "transact"))
		fake_server_reply(fake, id, NULL);
	else
		fake_server_be_polite(fake, method, id, params);
}

static void an_answer_that_says_nothing_is_an_error(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, answer_nothing);
	struct watcher *watcher = watch(place, fake->remote);
	struct selected selected = { 0 };

	WAIT_FOR(place, client_is_connected(watcher->client));
	client_request(watcher->client, "transact", json_array(), on_selected, &selected);
	WAIT_FOR(place, selected.is_there);
	assert_non_null(strstr(selected.problem, "without a result"));
	watcher_free(watcher);
	fake_server_stop(fake);
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
		cmocka_unit_test(older_monitors_are_fallen_back_to),
		cmocka_unit_test(a_silent_server_is_probed_and_left),
		cmocka_unit_test(a_server_that_probes_is_answered),
		cmocka_unit_test(rubbish_is_answered_by_hanging_up),
		cmocka_unit_test(a_connection_comes_back_after_rubbish),
		cmocka_unit_test(locks_come_by_notification_and_can_be_stolen),
		cmocka_unit_test(a_canceled_monitor_is_asked_for_again),
		cmocka_unit_test(servers_that_are_no_use_are_left),
		cmocka_unit_test(history_is_used_where_the_server_has_it),
		cmocka_unit_test(closing_ends_the_report_under_way),
		cmocka_unit_test(a_lock_is_asked_for_once_per_connection),
		cmocka_unit_test(new_remotes_are_dialled_from_the_first),
		cmocka_unit_test(a_retry_does_not_wait_for_the_back_off),
		cmocka_unit_test(an_answer_that_says_nothing_is_an_error),
		cmocka_unit_test(text_that_json_cannot_say_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
