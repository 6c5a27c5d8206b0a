/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "ovsdb/client_impl.h"
#include "util/str.h"

#define MONITOR_ID "main"

/* ---- online ---- */

static void go_online(struct client *client)
{
	client->phase = PHASE_ONLINE;
	client->condition_met = client->condition_sent;
	client->tell_changed |= !client->is_synced || replica_has_changes(client->replica);
	client->is_synced = true;
	client->tell_problem = false;
	client->problem = (struct err)ERR_INIT;
	session_healthy(client->session);
	client_ask_lock(client);
}

static void on_conditions_reply(struct client *client, struct request *request,
				const json_t *result, const struct err *err)
{
	if (client_is_lost(err))
		return;
	if (err) {
		client_drop(client, err);
		return;
	}
	client->condition_met = client->condition_sent;
	client->tell_changed = true;
}

/* One change of conditions is under way at a time; what is wanted meanwhile goes with the next. */
void client_send_conditions(struct client *client)
{
	json_t *changes;

	if (client->phase != PHASE_ONLINE || client->condition_sent != client->condition_met ||
	    client->condition_wanted == client->condition_sent)
		return;
	client->condition_sent = client->condition_wanted;
	changes = client->version > 1
			  ? monitor_condition_changes(client->tables.v, client->tables.n)
			  : NULL;
	if (changes) {
		client_ask(client, "monitor_cond_change",
			   json_pack("[sso]", MONITOR_ID, MONITOR_ID, changes),
			   on_conditions_reply);
		return;
	}
	client->condition_met = client->condition_sent;
	client->tell_changed = true;
	client_report_soon(client);
}

/* ---- the replica ---- */

static void remember_txn_id(struct client *client, const json_t *id)
{
	const char *text = json_string_value(id) ?: "";

	strcpy(client->last_txn_id, strlen(text) == UUID_TEXT_SIZE - 1 ? text : NO_TXN_ID);
}

static int apply(struct client *client, const json_t *updates, struct err *err)
{
	int r = replica_apply(client->replica, updates, client->version, err);

	if (r < 0) {
		/* The replica does not follow any more: only a full snapshot helps. */
		strcpy(client->last_txn_id, NO_TXN_ID);
		err_prefix(err, "%s: database %s", client_remote(client), client->schema->name);
	}
	return r;
}

static int apply_snapshot(struct client *client, const json_t *updates, struct err *err)
{
	int r;

	replica_resync_begin(client->replica);
	r = apply(client, updates, err);
	if (!r)
		replica_resync_end(client->replica);
	return r;
}

static void on_monitor_reply(struct client *client, struct request *request, const json_t *result,
			     const struct err *err)
{
	const json_t *updates = result;
	struct err why = ERR_INIT;
	bool resumes = false;

	if (client_is_lost(err))
		return;
	if (err && client->version > 1 && strstr(err->text, "unknown method")) {
		client->version--;
		client_send_monitor(client);
		return;
	}
	if (err) {
		client_drop(client, err);
		return;
	}
	if (client->version == 3) {
		resumes = json_is_true(json_array_get(result, 0));
		updates = json_array_get(result, 2);
	}
	if ((resumes ? apply : apply_snapshot)(client, updates, &why) < 0) {
		client_drop(client, &why);
		return;
	}
	if (client->version == 3)
		remember_txn_id(client, json_array_get(result, 1));
	go_online(client);
}

void client_send_monitor(struct client *client)
{
	static const char *const methods[] = { NULL, "monitor", "monitor_cond",
					       "monitor_cond_since" };
	json_t *requests, *params;

	client->phase = PHASE_MONITOR;
	/* History tells what happened to the rows of the conditions that held; a server that is told
	 * others with it would leave out rows that match only the new ones. */
	if (client->version < 3 || client->condition_met != client->condition_wanted)
		strcpy(client->last_txn_id, NO_TXN_ID);
	client->condition_sent = client->condition_wanted;
	requests = monitor_requests(client->tables.v, client->tables.n, client->version > 1);
	if (!json_object_size(requests)) {
		json_decref(requests);
		go_online(client);
		return;
	}
	params = json_pack("[sso]", client->schema->name, MONITOR_ID, requests);
	if (client->version == 3)
		json_array_append_new(params, json_string(client->last_txn_id));
	client_ask(client, methods[client->version], params, on_monitor_reply);
}

void client_read_update(struct client *client, const json_t *params, int version)
{
	const char *id = json_string_value(json_array_get(params, 0));
	struct err err = ERR_INIT;

	if (!id || strcmp(id, MONITOR_ID) || version != client->version)
		return;
	if (apply(client, json_array_get(params, version == 3 ? 2 : 1), &err) < 0) {
		client_drop(client, &err);
		return;
	}
	if (version == 3)
		remember_txn_id(client, json_array_get(params, 1));
	client->tell_changed |= replica_has_changes(client->replica);
}

void client_read_canceled(struct client *client, const json_t *params)
{
	const char *id = json_string_value(json_array_get(params, 0));

	/* The database was converted or removed; in the latter case "_Server" says so, too. */
	if (!id || strcmp(id, MONITOR_ID) || client->phase != PHASE_ONLINE)
		return;
	strcpy(client->last_txn_id, NO_TXN_ID);
	client_ask_schema(client);
}

/* ---- conditions ---- */

static bool same_condition(const json_t *a, const json_t *b)
{
	return a && b ? json_equal(a, b) : a == b;
}

uint64_t client_set_condition(struct client *client, const struct ovsdb_table *table, json_t *where)
{
	VEC_FOREACH(monitored, client->tables) {
		if (monitored->interest.table != table)
			continue;
		if (same_condition(monitored->where, where)) {
			json_decref(where);
			return client->condition_wanted;
		}
		json_decref(monitored->where);
		monitored->where = where;
		monitored->is_dirty = true;
		client->condition_wanted++;
		client_report_soon(client);
		return client->condition_wanted;
	}
	assert(!"a condition for a table that is not monitored");
	json_decref(where);
	return client->condition_wanted;
}

uint64_t client_condition_seqno(const struct client *client)
{
	return client->condition_met;
}
