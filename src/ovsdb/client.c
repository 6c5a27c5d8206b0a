/* SPDX-License-Identifier: Apache-2.0 */
/* A connection goes through phases, each of which waits for one answer: is the database served there, and in good
 * health ("_Server")? -> its schema -> the monitor's first snapshot -> online.  Only then are transactions sent and
 * the lock is asked for; whatever goes wrong ends in drop(), and the session decides when to dial again.
 *
 * What the owner is to be told is only noted down where it happens.  report() tells it, after a batch of messages or
 * from a timer, so that the owner never finds itself called from within one of its own calls, or with half a
 * batch in the replica.  The owner may close the client in any callback: its memory stays until libuv has
 * closed the timers, so it is enough to look at is_closing after each. */
#include "ovsdb/client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <uthash.h>

#include "io/stream.h"
#include "ovsdb/monitor.h"
#include "ovsdb/rpc.h"
#include "ovsdb/server_status.h"
#include "ovsdb/session.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/str.h"

#define MONITOR_ID "main"
#define STATUS_ID  "server"
#define NO_TXN_ID  "00000000-0000-0000-0000-000000000000"

enum phase {
	PHASE_DOWN,
	PHASE_CONNECTING,
	PHASE_STATUS,
	PHASE_SCHEMA,
	PHASE_MONITOR,
	PHASE_ONLINE,
};

struct request;

/* err is NULL exactly if result is not; -ENOTCONN: no answer will come. */
typedef void on_reply(struct client *client, struct request *request, const json_t *result,
		      const struct err *err);

struct request {
	uint64_t id;
	on_reply *reply;
	struct txn *txn;
	client_txn_done txn_done;
	client_request_done request_done;
	void *arg;
	struct request *next; /* in client.lost */
	UT_hash_handle hh;
};

struct client {
	uv_loop_t *loop;
	const struct ovsdb_schema *schema;
	const struct client_ops *ops;
	void *owner;
	char *lock;
	bool leader_only;

	VEC(char *) remotes;
	size_t remote; /* in use, or dialled next */
	struct session *session;
	struct rpc *rpc; /* NULL when down */
	enum phase phase;
	struct server_status *status;
	uv_timer_t session_timer;
	uv_timer_t report_timer;
	unsigned int open_timers;
	bool is_closing;

	struct replica *replica;
	VEC(struct monitored) tables;
	int version;                      /* of the monitor: 3, 2, 1 */
	char last_txn_id[UUID_TEXT_SIZE]; /* that the replica has seen */
	uint64_t condition_wanted, condition_sent, condition_met;

	uint64_t next_id;
	struct request *requests; /* hash by id */
	struct request *lost, **lost_tail;

	bool is_synced;
	bool has_lock;
	/* For report(): */
	bool tell_changed;
	bool tell_problem;
	bool told_connected;
	bool told_lock;
	struct err problem;
};

static void on_report(uv_timer_t *timer);
static void on_session_timer(uv_timer_t *timer);

static void report_soon(struct client *client)
{
	if (!client->is_closing)
		uv_timer_start(&client->report_timer, on_report, 0, 0);
}

/* ---- requests ---- */

static void request_free(struct request *request)
{
	txn_free(request->txn);
	free(request);
}

static void lose(struct client *client, struct request *request)
{
	request->next = NULL;
	*client->lost_tail = request;
	client->lost_tail = &request->next;
	report_soon(client);
}

static void lose_requests(struct client *client)
{
	struct request *request, *next;

	HASH_ITER(hh, client->requests, request, next)
	{
		HASH_DELETE(hh, client->requests, request);
		lose(client, request);
	}
}

/* The connection, if any, goes; the session decides what comes next. */
static void drop(struct client *client, const struct err *err)
{
	if (client->phase == PHASE_DOWN)
		return;
	rpc_close(TAKE(client->rpc));
	client->phase = PHASE_DOWN;
	client->has_lock = false;
	lose_requests(client);
	client->remote = (client->remote + 1) % client->remotes.n;
	if (strcmp(client->problem.text, err->text) || client->told_connected) {
		client->problem = *err;
		client->tell_problem = true;
	}
	session_failed(client->session, uv_now(client->loop));
	uv_timer_start(&client->session_timer, on_session_timer, 0, 0);
	report_soon(client);
}

static void drop_remote(struct client *client, struct err *err)
{
	err_prefix(err, "%s", client_remote(client));
	drop(client, err);
}

static void send_message(struct client *client, json_t *message)
{
	struct err err;

	if (rpc_send(client->rpc, message, &err) < 0)
		drop(client, &err);
}

static void send_request(struct client *client, const char *method, json_t *params,
			 struct request *request)
{
	request->id = ++client->next_id;
	HASH_ADD(hh, client->requests, id, sizeof(request->id), request);
	send_message(client, json_pack("{ss so sI}", "method", method, "params", params, "id",
				       (json_int_t)request->id));
}

static void ask(struct client *client, const char *method, json_t *params, on_reply *reply)
{
	struct request *request = xcalloc(1, sizeof(*request));

	request->reply = reply;
	send_request(client, method, params, request);
}

static bool is_lost(const struct err *err)
{
	return err && err->code == -ENOTCONN;
}

/* ---- online ---- */

static void on_lock_reply(struct client *client, struct request *request, const json_t *result,
			  const struct err *err)
{
	if (is_lost(err))
		return;
	if (err)
		drop(client, err);
	else
		client->has_lock = json_is_true(json_object_get(result, "locked"));
}

static void go_online(struct client *client)
{
	client->phase = PHASE_ONLINE;
	client->condition_met = client->condition_sent;
	client->tell_changed |= !client->is_synced || replica_has_changes(client->replica);
	client->is_synced = true;
	client->tell_problem = false;
	client->problem = (struct err)ERR_INIT;
	session_healthy(client->session);
	if (client->lock)
		ask(client, "lock", json_pack("[s]", client->lock), on_lock_reply);
}

static void on_conditions_reply(struct client *client, struct request *request,
				const json_t *result, const struct err *err)
{
	if (is_lost(err))
		return;
	if (err) {
		drop(client, err);
		return;
	}
	client->condition_met = client->condition_sent;
	client->tell_changed = true;
}

/* One change of conditions is under way at a time; what is wanted meanwhile goes with the next. */
static void send_conditions(struct client *client)
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
		ask(client, "monitor_cond_change",
		    json_pack("[sso]", MONITOR_ID, MONITOR_ID, changes), on_conditions_reply);
		return;
	}
	client->condition_met = client->condition_sent;
	client->tell_changed = true;
	report_soon(client);
}

/* ---- monitor ---- */

static void send_monitor(struct client *client);

static void remember_txn_id(struct client *client, const json_t *id)
{
	const char *text = json_string_value(id) ?: "";

	strcpy(client->last_txn_id, strlen(text) < UUID_TEXT_SIZE ? text : NO_TXN_ID);
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

	if (is_lost(err))
		return;
	if (err && client->version > 1 && strstr(err->text, "unknown method")) {
		client->version--;
		send_monitor(client);
		return;
	}
	if (err) {
		drop(client, err);
		return;
	}
	if (client->version == 3) {
		resumes = json_is_true(json_array_get(result, 0));
		updates = json_array_get(result, 2);
	}
	if ((resumes ? apply : apply_snapshot)(client, updates, &why) < 0) {
		drop(client, &why);
		return;
	}
	if (client->version == 3)
		remember_txn_id(client, json_array_get(result, 1));
	go_online(client);
}

static void send_monitor(struct client *client)
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
	ask(client, methods[client->version], params, on_monitor_reply);
}

/* ---- the way to the monitor ---- */

static void on_schema_reply(struct client *client, struct request *request, const json_t *result,
			    const struct err *err)
{
	struct err why = ERR_INIT;

	if (is_lost(err))
		return;
	if (err) {
		drop(client, err);
		return;
	}
	if (monitor_fit_schema(client->tables.v, client->tables.n, client->schema->name, result,
			       &why) < 0) {
		drop_remote(client, &why);
		return;
	}
	send_monitor(client);
}

static void ask_schema(struct client *client)
{
	client->phase = PHASE_SCHEMA;
	client->version = 3;
	ask(client, "get_schema", json_pack("[s]", client->schema->name), on_schema_reply);
}

/* False if the connection had to be dropped. */
static bool follow_status(struct client *client, const json_t *updates)
{
	struct err why = ERR_INIT;

	if (!server_status_apply(client->status, updates, &why) &&
	    !server_status_check(client->status, client->schema->name, client->leader_only, &why))
		return true;
	drop_remote(client, &why);
	return false;
}

static void on_status_reply(struct client *client, struct request *request, const json_t *result,
			    const struct err *err)
{
	if (is_lost(err))
		return;
	/* A server older than "_Server" (2.9) has one database and no cluster. */
	if (err || follow_status(client, result))
		ask_schema(client);
}

static void on_ignored_reply(struct client *client, struct request *request, const json_t *result,
			     const struct err *err)
{
}

static void on_rpc_connected(void *owner)
{
	struct client *client = owner;

	session_connected(client->session, uv_now(client->loop));
	client->phase = PHASE_STATUS;
	server_status_free(client->status);
	client->status = server_status_new();
	/* Else the server hangs up whenever one of its databases comes, goes, or is converted. */
	ask(client, "set_db_change_aware", json_pack("[b]", true), on_ignored_reply);
	if (client->rpc)
		ask(client, "monitor_cond", server_status_monitor(STATUS_ID), on_status_reply);
	uv_timer_start(&client->session_timer, on_session_timer, 0, 0);
}

/* ---- incoming ---- */

static void read_reply(struct client *client, const json_t *id, const json_t *message)
{
	const json_t *error = json_object_get(message, "error");
	const json_t *result = json_object_get(message, "result");
	uint64_t number = json_integer_value(id);
	struct err err = ERR_INIT;
	struct request *request;

	if (!json_is_integer(id)) /* of a probe */
		return;
	HASH_FIND(hh, client->requests, &number, sizeof(number), request);
	if (!request)
		return;
	HASH_DELETE(hh, client->requests, request);
	if (error && !json_is_null(error)) {
		const char *word = json_string_value(error) ?:
				   json_string_value(json_object_get(error, "error")) ?: "error";
		const char *details = json_string_value(json_object_get(error, "details"));

		err_set(&err, -EREMOTEIO, "%s: database %s: %s%s%s", client_remote(client),
			client->schema->name, word, details ? ": " : "", details ?: "");
	}
	request->reply(client, request, err.code ? NULL : result, err.code ? &err : NULL);
	request_free(request);
}

static void read_update(struct client *client, const json_t *params, int version)
{
	const char *id = json_string_value(json_array_get(params, 0));
	struct err err = ERR_INIT;

	if (id && !strcmp(id, STATUS_ID)) {
		follow_status(client, json_array_get(params, 1));
		return;
	}
	if (!id || strcmp(id, MONITOR_ID) || version != client->version)
		return;
	if (apply(client, json_array_get(params, version == 3 ? 2 : 1), &err) < 0) {
		drop(client, &err);
		return;
	}
	if (version == 3)
		remember_txn_id(client, json_array_get(params, 1));
	client->tell_changed |= replica_has_changes(client->replica);
}

static void read_lock(struct client *client, const json_t *params, bool has_lock)
{
	const char *name = json_string_value(json_array_get(params, 0));

	if (name && client->lock && !strcmp(name, client->lock))
		client->has_lock = has_lock;
}

static void read_canceled(struct client *client, const json_t *params)
{
	const char *id = json_string_value(json_array_get(params, 0));

	/* The database was converted or removed; in the latter case "_Server" says so, too. */
	if (!id || strcmp(id, MONITOR_ID) || client->phase != PHASE_ONLINE)
		return;
	strcpy(client->last_txn_id, NO_TXN_ID);
	ask_schema(client);
}

static void read_call(struct client *client, const char *method, const json_t *id,
		      const json_t *params)
{
	if (!strcmp(method, "echo"))
		send_message(client, json_pack("{sO sn sO}", "result", params, "error", "id", id));
	else
		send_message(client, json_pack("{sn ss sO}", "result", "error", "unknown method",
					       "id", id));
}

static void read_notification(struct client *client, const char *method, const json_t *params)
{
	if (!strcmp(method, "update3"))
		read_update(client, params, 3);
	else if (!strcmp(method, "update2"))
		read_update(client, params, 2);
	else if (!strcmp(method, "update"))
		read_update(client, params, 1);
	else if (!strcmp(method, "locked"))
		read_lock(client, params, true);
	else if (!strcmp(method, "stolen"))
		read_lock(client, params, false);
	else if (!strcmp(method, "monitor_canceled"))
		read_canceled(client, params);
}

static void on_rpc_message(void *owner, const json_t *message)
{
	struct client *client = owner;
	const json_t *method = json_object_get(message, "method");
	const json_t *params = json_object_get(message, "params");
	const json_t *id = json_object_get(message, "id");
	const json_t *result = json_object_get(message, "result");
	const json_t *error = json_object_get(message, "error");
	struct err err = ERR_INIT;

	if (json_is_string(method) && json_is_array(params)) {
		if (id && !json_is_null(id))
			read_call(client, json_string_value(method), id, params);
		else
			read_notification(client, json_string_value(method), params);
	} else if (!method && id && (result || error)) { /* ovsdb-server leaves one of them out */
		read_reply(client, id, message);
	} else {
		err_set(&err, -EPROTO, "a message is no JSON-RPC request, reply or notification");
		drop_remote(client, &err);
	}
}

static void on_rpc_heard(void *owner)
{
	struct client *client = owner;

	session_heard(client->session, uv_now(client->loop));
}

static void on_rpc_batch_end(void *owner)
{
	struct client *client = owner;

	uv_timer_stop(&client->report_timer);
	on_report(&client->report_timer);
}

static void on_rpc_failed(void *owner, const struct err *err)
{
	drop(owner, err);
}

static const struct rpc_ops rpc_ops = {
	.connected = on_rpc_connected,
	.heard = on_rpc_heard,
	.message = on_rpc_message,
	.batch_end = on_rpc_batch_end,
	.failed = on_rpc_failed,
};

/* ---- session ---- */

static void dial(struct client *client)
{
	struct rpc_opts opts = {
		.loop = client->loop,
		.remote = client_remote(client),
		.ops = &rpc_ops,
		.owner = client,
	};
	struct err err = ERR_INIT;

	client->phase = PHASE_CONNECTING;
	if (rpc_open(&opts, &client->rpc, &err) < 0)
		drop(client, &err);
}

static void hang_up(struct client *client)
{
	struct err err = ERR_INIT;

	err_set(&err, -ETIMEDOUT,
		client->phase == PHASE_CONNECTING ? "cannot connect in time"
						  : "the server does not answer any more");
	drop_remote(client, &err);
}

static void send_probe(struct client *client)
{
	send_message(client, json_pack("{ss s[] ss}", "method", "echo", "params", "id", "echo"));
}

static void on_session_timer(uv_timer_t *timer)
{
	struct client *client = timer->data;
	uint64_t now_ms = uv_now(client->loop), deadline_ms;
	enum session_want want;

	while (!client->is_closing) {
		want = session_next(client->session, now_ms, &deadline_ms);
		switch (want) {
		case SESSION_IDLE:
			uv_timer_start(&client->session_timer, on_session_timer,
				       deadline_ms - now_ms, 0);
			return;
		case SESSION_DIAL: dial(client); break;
		case SESSION_PROBE: send_probe(client); break;
		case SESSION_HANG_UP: hang_up(client); break;
		}
	}
}

/* ---- telling the owner ---- */

/* Answers that will not come. */
static void report_lost(struct client *client)
{
	struct request *request = client->lost;
	struct err err = ERR_INIT;

	err_set(&err, -ENOTCONN, "database %s: not connected%s%s", client->schema->name,
		client->problem.text[0] ? ": " : "", client->problem.text);
	/* Whoever tries again at once waits for the next report. */
	client->lost = NULL;
	client->lost_tail = &client->lost;
	while (request) {
		struct request *next = request->next;

		request->reply(client, request, NULL, &err);
		request_free(request);
		request = next;
	}
}

static void report_connection(struct client *client)
{
	bool is_connected = client_is_connected(client);

	if (client->told_connected == is_connected && !client->tell_problem)
		return;
	client->told_connected = is_connected;
	client->tell_problem = false;
	if (client->ops->connection)
		client->ops->connection(client->owner, is_connected ? NULL : &client->problem);
}

static void report_lock(struct client *client)
{
	if (client->told_lock == client->has_lock)
		return;
	client->told_lock = client->has_lock;
	if (client->ops->lock)
		client->ops->lock(client->owner);
}

static void report_changed(struct client *client)
{
	if (!client->tell_changed)
		return;
	client->tell_changed = false;
	client->ops->changed(client->owner);
}

static void on_report(uv_timer_t *timer)
{
	static void (*const reports[])(struct client *) = {
		report_lost, report_connection, report_changed, report_lock, send_conditions,
	};
	struct client *client = timer->data;

	for (size_t i = 0; i < ARRAY_SIZE(reports) && !client->is_closing; i++)
		reports[i](client);
}

/* ---- interface ---- */

static void free_remotes(struct client *client)
{
	VEC_FOREACH(remote, client->remotes)
		free(*remote);
	VEC_DONE(client->remotes);
}

static int add_remotes(struct client *client, const char *remotes, struct err *err)
{
	AUTO_FREE char *copy = xstrdup(remotes);
	char *save = NULL;

	for (char *word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
		int r = stream_check(word, err);

		if (r < 0)
			return r;
		VEC_ADD(client->remotes, xstrdup(word));
	}
	if (!client->remotes.n)
		return err_set(err, -EINVAL, "database %s: no remote is given",
			       client->schema->name);
	return 0;
}

static void client_free(struct client *client)
{
	while (client->lost) { /* made during client_close() */
		struct request *request = client->lost;

		client->lost = request->next;
		request_free(request);
	}
	free_remotes(client);
	VEC_FOREACH(monitored, client->tables)
		json_decref(monitored->where);
	VEC_DONE(client->tables);
	session_free(client->session);
	server_status_free(client->status);
	replica_free(client->replica);
	free(client->lock);
	free(client);
}

static void start_timers(struct client *client)
{
	uv_timer_init(client->loop, &client->session_timer);
	uv_timer_init(client->loop, &client->report_timer);
	client->session_timer.data = client;
	client->report_timer.data = client;
	client->open_timers = 2;
	uv_timer_start(&client->session_timer, on_session_timer, 0, 0);
}

int client_open(const struct client_opts *opts, struct client **ret, struct err *err)
{
	struct session_opts session_opts = { .probe_ms = opts->probe_ms };
	struct client *client = xcalloc(1, sizeof(*client));
	int r;

	client->loop = opts->loop;
	client->schema = opts->schema;
	client->ops = opts->ops;
	client->owner = opts->owner;
	client->lock = opts->lock ? xstrdup(opts->lock) : NULL;
	client->leader_only = opts->leader_only;
	client->lost_tail = &client->lost;
	client->replica = replica_new(opts->schema);
	client->session = session_new(&session_opts);
	strcpy(client->last_txn_id, NO_TXN_ID);
	for (size_t i = 0; i < opts->n_interests; i++)
		VEC_ADD(client->tables, (struct monitored){ .interest = opts->interests[i] });
	r = add_remotes(client, opts->remotes, err);
	if (r < 0) {
		client_free(client);
		return r;
	}
	session_set_remotes(client->session, client->remotes.n);
	start_timers(client);
	*ret = client;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	if (!--client->open_timers)
		client_free(client);
}

void client_close(struct client *client)
{
	if (!client || client->is_closing)
		return;
	client->is_closing = true;
	rpc_close(TAKE(client->rpc));
	client->phase = PHASE_DOWN;
	lose_requests(client);
	report_lost(client);
	uv_close((uv_handle_t *)&client->session_timer, on_timer_closed);
	uv_close((uv_handle_t *)&client->report_timer, on_timer_closed);
}

/* Makes the remote of that name, if it is still there, the current one. */
static bool find_remote(struct client *client, const char *name)
{
	for (size_t i = 0; i < client->remotes.n; i++) {
		if (!strcmp(client->remotes.v[i], name)) {
			client->remote = i;
			return true;
		}
	}
	return false;
}

int client_set_remotes(struct client *client, const char *remotes, struct err *err)
{
	__typeof__(client->remotes) old = client->remotes;
	AUTO_FREE char *current = xstrdup(client_remote(client));
	struct err why = ERR_INIT;
	int r;

	memset(&client->remotes, 0, sizeof(client->remotes));
	r = add_remotes(client, remotes, err);
	if (r < 0) {
		free_remotes(client);
		client->remotes = old;
		return r;
	}
	VEC_FOREACH(remote, old)
		free(*remote);
	VEC_DONE(old);
	session_set_remotes(client->session, client->remotes.n);
	if (find_remote(client, current))
		return 0;
	client->remote = client->remotes.n - 1; /* drop() goes on to the first */
	err_set(&why, -ENOTCONN, "%s: is no remote of database %s any more", current,
		client->schema->name);
	drop(client, &why);
	return 0;
}

struct replica *client_replica(struct client *client)
{
	return client->replica;
}

bool client_is_connected(const struct client *client)
{
	return client->phase == PHASE_ONLINE;
}

bool client_is_synced(const struct client *client)
{
	return client->is_synced;
}

bool client_has_lock(const struct client *client)
{
	return client->has_lock;
}

const char *client_remote(const struct client *client)
{
	return client->remotes.v[client->remote];
}

const char *client_problem(const struct client *client)
{
	return client_is_connected(client) ? "" : client->problem.text;
}

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
		report_soon(client);
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

static void send_or_lose(struct client *client, const char *method, json_t *params,
			 struct request *request)
{
	if (client_is_connected(client)) {
		send_request(client, method, params, request);
		return;
	}
	json_decref(params);
	lose(client, request);
}

static void on_commit_reply(struct client *client, struct request *request, const json_t *result,
			    const struct err *err)
{
	enum txn_outcome outcome;
	struct err why = ERR_INIT;

	if (err) {
		outcome = is_lost(err) || strstr(err->text, "canceled") ? TXN_AGAIN : TXN_ERROR;
		why = *err;
	} else {
		outcome = txn_read_result(request->txn, result, &why);
	}
	if (request->txn_done)
		request->txn_done(request->arg, outcome, request->txn,
				  outcome == TXN_OK ? NULL : &why);
}

void client_commit(struct client *client, struct txn *txn, client_txn_done done, void *arg)
{
	struct request *request = xcalloc(1, sizeof(*request));

	request->reply = on_commit_reply;
	request->txn = txn;
	request->txn_done = done;
	request->arg = arg;
	send_or_lose(client, "transact", txn_to_json(txn), request);
}

static void on_request_reply(struct client *client, struct request *request, const json_t *result,
			     const struct err *err)
{
	if (request->request_done)
		request->request_done(request->arg, result, err);
}

void client_request(struct client *client, const char *method, json_t *params,
		    client_request_done done, void *arg)
{
	struct request *request = xcalloc(1, sizeof(*request));

	request->reply = on_request_reply;
	request->request_done = done;
	request->arg = arg;
	send_or_lose(client, method, params, request);
}
