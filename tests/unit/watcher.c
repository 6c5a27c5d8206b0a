/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

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

const struct client_ops watcher_ops = {
	.changed = on_changed,
	.lock = on_lock,
	.connection = on_connection,
};

static const struct client_interest interests[] = {
	{ &switch_table, OVSDB_ALL_COLUMNS, OVSDB_COL(SWITCH_NAME) },
	{ &port_table, OVSDB_ALL_COLUMNS, 0 },
};

struct watcher *watch_with(struct place *place, const struct client_opts *more)
{
	struct watcher *watcher = xcalloc(1, sizeof(*watcher));
	struct client_opts opts = *more;
	struct err err = ERR_INIT;

	watcher->place = place;
	opts.loop = &place->loop;
	opts.schema = opts.schema ?: &test_schema;
	opts.interests = opts.interests ?: interests;
	opts.n_interests = opts.n_interests ?: ARRAY_SIZE(interests);
	opts.ops = &watcher_ops;
	opts.owner = watcher;
	if (client_open(&opts, &watcher->client, &err) < 0)
		fail_msg("%s", err.text);
	return watcher;
}

struct watcher *watch(struct place *place, const char *remotes)
{
	return watch_with(place, &(struct client_opts){ .remotes = remotes });
}

void watcher_free(struct watcher *watcher)
{
	client_close(watcher->client);
	free(watcher);
}

size_t count(const struct watcher *watcher, const struct ovsdb_table *table)
{
	return replica_count(client_replica(watcher->client), table);
}

const struct row *find_switch(const struct watcher *watcher, const char *name)
{
	return replica_find(client_replica(watcher->client), &switch_table,
			    &switch_columns[SWITCH_NAME], name);
}

/* ---- transactions ---- */

void on_done(void *arg, enum txn_outcome outcome, const struct txn *txn, const struct err *err)
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

void commit(struct watcher *watcher, struct txn *txn, struct answer *answer)
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

struct uuid insert_switch(struct txn *txn, const char *name)
{
	struct uuid uuid = txn_insert(txn, &switch_table);

	set_string(txn, &switch_table, &uuid, SWITCH_NAME, name);
	return uuid;
}

void add_port(struct txn *txn, const struct uuid *sw, const char *name)
{
	struct uuid uuid = txn_insert(txn, &port_table);
	struct ovsdb_datum ports = { 1, &(union ovsdb_atom){ .uuid = uuid }, NULL };

	set_string(txn, &port_table, &uuid, PORT_NAME, name);
	txn_add(txn, &switch_table, sw, &switch_columns[SWITCH_PORTS], &ports);
}

struct uuid make_switch(struct watcher *watcher, const char *name)
{
	struct txn *txn = txn_new(&test_schema);
	struct answer answer = { .provisional = insert_switch(txn, name) };

	commit(watcher, txn, &answer);
	assert_string_equal(answer.problem, "");
	return answer.real;
}

void on_selected(void *arg, const json_t *result, const struct err *err)
{
	struct selected *selected = arg;

	selected->is_there = true;
	selected->result = json_deep_copy(result);
	strcpy(selected->problem, err ? err->text : "");
}
