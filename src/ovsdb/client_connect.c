/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "ovsdb/client_impl.h"
#include "util/auto.h"
#include "util/str.h"

#define STATUS_ID "server"

/* The connection, if any, goes; the session decides what comes next. */
void client_drop(struct client *client, const struct err *err)
{
	if (client->phase == PHASE_DOWN)
		return;
	rpc_close(TAKE(client->rpc));
	client->phase = PHASE_DOWN;
	client_set_lock(client, false, false);
	client->has_asked_lock = false;
	client_lose_requests(client);
	client->remote = (client->remote + 1) % client->remotes.n;
	if (strcmp(client->problem.text, err->text) || client->told_connected) {
		client->problem = *err;
		client->tell_problem = true;
	}
	session_failed(client->session, uv_now(client->loop));
	uv_timer_start(&client->session_timer, client_on_session_timer, 0, 0);
	client_report_soon(client);
}

void client_drop_remote(struct client *client, struct err *err)
{
	err_prefix(err, "%s", client_remote(client));
	client_drop(client, err);
}

/* ---- the way to the monitor ---- */

static void on_schema_reply(struct client *client, struct request *request, const json_t *result,
			    const struct err *err)
{
	struct err why = ERR_INIT;

	if (client_is_lost(err))
		return;
	if (err) {
		client_drop(client, err);
		return;
	}
	if (monitor_fit_schema(client->tables.v, client->tables.n, client->schema->name, result,
			       &why) < 0) {
		client_drop_remote(client, &why);
		return;
	}
	client_send_monitor(client);
}

void client_ask_schema(struct client *client)
{
	client->phase = PHASE_SCHEMA;
	client->version = 3;
	client_ask(client, "get_schema", json_pack("[s]", client->schema->name), on_schema_reply);
}

/* False if the connection had to be dropped. */
static bool follow_status(struct client *client, const json_t *updates)
{
	struct err why = ERR_INIT;

	if (!server_status_apply(client->status, updates, &why) &&
	    !server_status_check(client->status, client->schema->name, client->leader_only, &why))
		return true;
	client_drop_remote(client, &why);
	return false;
}

static void on_status_reply(struct client *client, struct request *request, const json_t *result,
			    const struct err *err)
{
	if (client_is_lost(err))
		return;
	/* A server older than "_Server" (2.9) has one database and no cluster. */
	if (err || follow_status(client, result))
		client_ask_schema(client);
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
	client_ask(client, "set_db_change_aware", json_pack("[b]", true), on_ignored_reply);
	if (client->rpc)
		client_ask(client, "monitor_cond", server_status_monitor(STATUS_ID),
			   on_status_reply);
	uv_timer_start(&client->session_timer, client_on_session_timer, 0, 0);
}

/* ---- incoming ---- */

static void read_call(struct client *client, const char *method, const json_t *id,
		      const json_t *params)
{
	if (!strcmp(method, "echo"))
		client_send(client, json_pack("{sO sn sO}", "result", params, "error", "id", id));
	else
		client_send(client,
			    json_pack("{sn ss sO}", "result", "error", "unknown method", "id", id));
}

static void read_update(struct client *client, const json_t *params, int version)
{
	const char *id = json_string_value(json_array_get(params, 0));

	if (str_eq(id, STATUS_ID))
		follow_status(client, json_array_get(params, 1));
	else
		client_read_update(client, params, version);
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
		client_read_lock(client, params, true);
	else if (!strcmp(method, "stolen"))
		client_read_lock(client, params, false);
	else if (!strcmp(method, "monitor_canceled"))
		client_read_canceled(client, params);
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
		client_read_reply(client, id, message);
	} else {
		err_set(&err, -EPROTO, "a message is no JSON-RPC request, reply or notification");
		client_drop_remote(client, &err);
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
	client_on_report(&client->report_timer);
}

static void on_rpc_failed(void *owner, const struct err *err)
{
	client_drop(owner, err);
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
		client_drop(client, &err);
}

static void hang_up(struct client *client)
{
	struct err err = ERR_INIT;

	err_set(&err, -ETIMEDOUT,
		client->phase == PHASE_CONNECTING ? "cannot connect in time"
						  : "the server does not answer any more");
	client_drop_remote(client, &err);
}

static void send_probe(struct client *client)
{
	client_send(client, json_pack("{ss s[] ss}", "method", "echo", "params", "id", "echo"));
}

void client_on_session_timer(uv_timer_t *timer)
{
	struct client *client = timer->data;
	uint64_t now_ms = uv_now(client->loop), deadline_ms;
	enum session_want want;

	while (!client->is_closing) {
		want = session_next(client->session, now_ms, &deadline_ms);
		switch (want) {
		case SESSION_IDLE:
			uv_timer_start(&client->session_timer, client_on_session_timer,
				       deadline_ms - now_ms, 0);
			return;
		case SESSION_DIAL: dial(client); break;
		case SESSION_PROBE: send_probe(client); break;
		case SESSION_HANG_UP: hang_up(client); break;
		}
	}
}
