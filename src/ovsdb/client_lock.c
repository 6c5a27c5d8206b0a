/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ovsdb/client_impl.h"

void client_set_lock(struct client *client, bool has_lock, bool is_taken)
{
	client->tell_lock |= has_lock != client->has_lock || is_taken != client->lock_is_taken;
	client->has_lock = has_lock;
	client->lock_is_taken = is_taken;
}

static void read_owner(struct client *client, bool is_us)
{
	client_set_lock(client, is_us, !is_us);
}

static void on_lock_reply(struct client *client, struct request *request, const json_t *result,
			  const struct err *err)
{
	if (client_is_lost(err))
		return;
	if (err)
		client_drop(client, err);
	else
		read_owner(client, json_is_true(json_object_get(result, "locked")));
}

static void on_unlock_reply(struct client *client, struct request *request, const json_t *result,
			    const struct err *err)
{
	if (err && !client_is_lost(err))
		client_drop(client, err);
}

void client_ask_lock(struct client *client)
{
	if (!client->lock || client->has_asked_lock)
		return;
	client->has_asked_lock = true;
	client_ask(client, "lock", json_pack("[s]", client->lock), on_lock_reply);
}

void client_steal_lock(struct client *client)
{
	if (!client_is_connected(client) || !client->has_asked_lock)
		return;
	client_set_lock(client, false, false);
	client_report_soon(client);
	/* A server takes a second request for an error, unless the first was taken back. */
	client_ask(client, "unlock", json_pack("[s]", client->lock), on_unlock_reply);
	if (client->rpc)
		client_ask(client, "steal", json_pack("[s]", client->lock), on_lock_reply);
}

void client_read_lock(struct client *client, const json_t *params, bool has_lock)
{
	const char *name = json_string_value(json_array_get(params, 0));

	if (name && client->lock && !strcmp(name, client->lock))
		read_owner(client, has_lock);
}

bool client_has_lock(const struct client *client)
{
	return client->has_lock;
}

bool client_lock_is_taken(const struct client *client)
{
	return client->lock_is_taken;
}
