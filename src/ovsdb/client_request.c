/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "ovsdb/client_impl.h"
#include "util/alloc.h"

static void request_free(struct request *request)
{
	txn_free(request->txn);
	free(request);
}

static void lose(struct client *client, struct request *request)
{
	DL_APPEND(client->lost, request);
	client_report_soon(client);
}

void client_lose_requests(struct client *client)
{
	struct request *request, *next;

	HASH_ITER(hh, client->requests, request, next)
	{
		HASH_DELETE(hh, client->requests, request);
		lose(client, request);
	}
}

void client_send(struct client *client, json_t *message)
{
	struct err err;

	if (rpc_send(client->rpc, message, &err) < 0)
		client_drop(client, &err);
}

static void send_request(struct client *client, const char *method, json_t *params,
			 struct request *request)
{
	request->id = ++client->next_id;
	HASH_ADD(hh, client->requests, id, sizeof(request->id), request);
	client_send(client, json_pack("{ss so sI}", "method", method, "params", params, "id",
				      (json_int_t)request->id));
}

void client_ask(struct client *client, const char *method, json_t *params, on_reply *reply)
{
	struct request *request = xcalloc(1, sizeof(*request));

	request->reply = reply;
	send_request(client, method, params, request);
}

bool client_is_lost(const struct err *err)
{
	return err && err->code == -ENOTCONN;
}

void client_read_reply(struct client *client, const json_t *id, const json_t *message)
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
	} else if (!result) {
		err_set(&err, -EPROTO, "%s: database %s: an answer without a result",
			client_remote(client), client->schema->name);
	}
	request->reply(client, request, err.code ? NULL : result, err.code ? &err : NULL);
	request_free(request);
}

static void tell_lost(struct client *client, struct request *request)
{
	struct err err = ERR_INIT;

	if (request->is_refused)
		err_set(&err, -EILSEQ, "database %s: a text is not UTF-8, so it cannot be sent",
			client->schema->name);
	else
		err_set(&err, -ENOTCONN, "database %s: not connected%s%s", client->schema->name,
			client->problem.text[0] ? ": " : "", client->problem.text);
	request->reply(client, request, NULL, &err);
}

/* An owner may close the client when it is told, which ends in here again: each request is off the list before. */
void client_report_lost(struct client *client)
{
	struct request *request;

	/* Whoever tries again at once waits for the next report. */
	DL_CONCAT(client->telling, client->lost);
	client->lost = NULL;
	while ((request = client->telling)) {
		DL_DELETE(client->telling, request);
		tell_lost(client, request);
		request_free(request);
	}
}

void client_free_requests(struct client *client)
{
	struct request *request, *next;

	/* Made during client_close(). */
	DL_FOREACH_SAFE(client->lost, request, next)
	request_free(request);
}

/* ---- the owner's ---- */

static void send_or_lose(struct client *client, const char *method, json_t *params,
			 struct request *request)
{
	if (client_is_connected(client) && !request->is_refused) {
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
		outcome = client_is_lost(err) || strstr(err->text, "canceled") ? TXN_AGAIN
									       : TXN_ERROR;
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
	json_t *params = txn_to_json(txn);

	request->reply = on_commit_reply;
	request->txn = txn;
	request->txn_done = done;
	request->arg = arg;
	request->is_refused = !params;
	send_or_lose(client, "transact", params, request);
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
	request->is_refused = !params;
	send_or_lose(client, method, params, request);
}
