/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uthash.h>

#include "ovsdb/client.h"
#include "ovsdb/monitor.h"
#include "ovsdb/rpc.h"
#include "ovsdb/server_status.h"
#include "ovsdb/session.h"
#include "util/array.h"
#include "util/err.h"

/* What the files of the client share.
 *
 * A connection goes through phases, each of which waits for one answer: is the database served there, and in good
 * health ("_Server")? -> its schema -> the monitor's first snapshot -> online.  Only then are transactions sent and
 * the lock is asked for; whatever goes wrong ends in client_drop(), and the session decides when to dial again.
 *
 * Of changes, the connection and the lock the owner is told after a batch of messages or from a timer: where they
 * happen they are only noted down.  So the owner never finds itself called from within one of its own calls, or with
 * half a batch in the replica.  Answers are handed on as they come.  The owner may close the client in any
 * callback: its memory stays until libuv has closed the timers, so it is enough to look at is_closing after each. */

#define NO_TXN_ID "00000000-0000-0000-0000-000000000000"

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
	bool is_refused;             /* cannot be said in JSON */
	struct request *prev, *next; /* in client.lost or client.telling */
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
	struct request *lost;     /* list; their owners are told with the next report */
	struct request *telling;  /* list; of the report under way */

	bool is_synced;
	bool has_lock;
	bool lock_is_taken;
	bool has_asked_lock; /* on this connection: a server takes a second time for an error */
	/* For client_on_report(): */
	bool tell_changed;
	bool tell_problem;
	bool tell_lock; /* also when it is as it was: it may have changed twice, and the owner waits for that */
	bool told_connected;
	struct err problem;
};

/* client.c: life, the owner's remotes, and what the owner is told */
void client_report_soon(struct client *client);
void client_on_report(uv_timer_t *timer);

/* client_connect.c: the way from a remote to the monitor, and what comes in */
void client_on_session_timer(uv_timer_t *timer);
/* The connection, if any, goes; the session decides what comes next. */
void client_drop(struct client *client, const struct err *err);
void client_drop_remote(struct client *client, struct err *err); /* err does not name it yet */
void client_ask_schema(struct client *client);

/* client_monitor.c: the replica and the conditions it follows */
void client_send_monitor(struct client *client);
void client_send_conditions(struct client *client);
void client_read_update(struct client *client, const json_t *params, int version);
void client_read_canceled(struct client *client, const json_t *params);

/* client_lock.c */
void client_set_lock(struct client *client, bool has_lock, bool is_taken);
void client_ask_lock(struct client *client);
void client_read_lock(struct client *client, const json_t *params, bool has_lock);

/* client_request.c: requests of ours and of the owner, and their answers */
void client_send(struct client *client, json_t *message); /* steals it; may drop the connection */
void client_ask(struct client *client, const char *method, json_t *params, on_reply *reply);
bool client_is_lost(const struct err *err); /* a reply's: the connection went */
void client_read_reply(struct client *client, const json_t *id, const json_t *message);
void client_lose_requests(struct client *client);
/* Tells of answers that will not come. */
void client_report_lost(struct client *client);
void client_free_requests(struct client *client);
