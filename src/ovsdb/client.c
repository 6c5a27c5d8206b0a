/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/client.h"

#include <errno.h>
#include <string.h>

#include "io/stream.h"
#include "ovsdb/client_impl.h"
#include "util/auto.h"

/* ---- telling the owner ---- */

void client_report_soon(struct client *client)
{
	if (!client->is_closing)
		uv_timer_start(&client->report_timer, client_on_report, 0, 0);
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
	if (!client->tell_lock)
		return;
	client->tell_lock = false;
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

void client_on_report(uv_timer_t *timer)
{
	static void (*const reports[])(struct client *) = {
		client_report_lost, report_connection,      report_changed,
		report_lock,        client_send_conditions,
	};
	struct client *client = timer->data;

	for (size_t i = 0; i < ARRAY_SIZE(reports) && !client->is_closing; i++)
		reports[i](client);
}

/* ---- life ---- */

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
	client_free_requests(client);
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
	uv_timer_start(&client->session_timer, client_on_session_timer, 0, 0);
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
	client_lose_requests(client);
	client_report_lost(client);
	uv_close((uv_handle_t *)&client->session_timer, on_timer_closed);
	uv_close((uv_handle_t *)&client->report_timer, on_timer_closed);
}

/* ---- remotes ---- */

/* Makes the remote of that name the current one, the first if there is none. */
static bool find_remote(struct client *client, const char *name)
{
	client->remote = 0;
	for (size_t i = 0; i < client->remotes.n; i++) {
		if (!strcmp(client->remotes.v[i], name)) {
			client->remote = i;
			return true;
		}
	}
	return false;
}

void client_retry(struct client *client)
{
	if (client->phase != PHASE_DOWN)
		return;
	session_retry(client->session, uv_now(client->loop));
	uv_timer_start(&client->session_timer, client_on_session_timer, 0, 0);
}

int client_set_remotes(struct client *client, const char *remotes, struct err *err)
{
	__typeof__(client->remotes) old = client->remotes;
	AUTO_FREE char *current = xstrdup(client_remote(client));
	struct err why = ERR_INIT;
	bool is_listed;
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
	is_listed = find_remote(client, current);
	if (client->phase == PHASE_DOWN) {
		client_retry(client);
	} else if (!is_listed) {
		client->remote = client->remotes.n - 1; /* client_drop() goes on to the first */
		err_set(&why, -ENOTCONN, "%s: is no remote of database %s any more", current,
			client->schema->name);
		client_drop(client, &why);
	}
	return 0;
}

/* ---- looking ---- */

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

const char *client_remote(const struct client *client)
{
	return client->remotes.v[client->remote];
}

const char *client_problem(const struct client *client)
{
	return client_is_connected(client) ? "" : client->problem.text;
}
