/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "ovsdb/replica.h"
#include "ovsdb/txn.h"

/* A connection to one database, kept up for ever: dials the remotes in turn with back-off (1 s doubling
 * to 8 s), probes idle connections with "echo", monitors what it is told to (monitor_cond_since, else
 * monitor_cond, else monitor, whichever the server knows), resumes after a reconnect from the last transaction seen, and
 * asks for a lock.  In a cluster ("_Server".Database.leader etc.) it leaves servers that are not connected to it,
 * and with leader_only those that do not lead.
 *
 * One thread, one libuv loop.  Callbacks run from the loop, never from within a call of this interface. */
struct client;
struct err;

/* A table that is monitored.  needed: columns that the server's schema must have ("schema lacks
 * ..." is then the error); the other columns are skipped if the server is older than we are. */
struct client_interest {
	const struct ovsdb_table *table;
	uint64_t columns; /* mask; OVSDB_ALL_COLUMNS */
	uint64_t needed;  /* mask; a subset of columns */
};

struct client_ops {
	/* The replica changed, became complete (client_is_synced()) for the first time, or follows another
	 * condition, after a whole batch of messages.  The owner looks at the changes and calls replica_advance(). */
	void (*changed)(void *owner);
	/* client_has_lock() or client_lock_is_taken() changed, if only in passing.  May be NULL. */
	void (*lock)(void *owner);
	/* Connection came (err is NULL) or went, or cannot be had for a new reason; err is why.  May be NULL. */
	void (*connection)(void *owner, const struct err *err);
};

struct client_opts {
	uv_loop_t *loop;
	const struct ovsdb_schema *schema;
	const char *remotes; /* "unix:PATH,tcp:HOST:PORT,tcp:[V6]:PORT"; copied */
	const struct client_interest *interests; /* copied; may be none (transactions only) */
	size_t n_interests;
	const char *lock;      /* NULL: none; copied */
	unsigned int probe_ms; /* 0: the default, 5000 */
	bool leader_only;
	const struct client_ops *ops; /* borrowed, static */
	void *owner;
};

/* Checks the remotes' syntax and starts to connect.  -EINVAL with a reason. */
int client_open(const struct client_opts *opts, struct client **ret, struct err *err);
/* Closes; callbacks of pending transactions and requests are called (TXN_AGAIN, -ENOTCONN) before this returns, and
 * nothing afterwards.  The replica goes, too.  May be called from a callback; NULL is fine.  Memory goes once libuv has let go. */
void client_close(struct client *client);
/* Replaces the remotes; keeps the connection if its remote is still listed. */
int client_set_remotes(struct client *client, const char *remotes, struct err *err);
/* The network may have come back: if it waits to dial again, it dials now, and the back-off starts anew. */
void client_retry(struct client *client);

struct replica *client_replica(struct client *client);
/* Ready for transactions: the server serves the database, has the needed columns, and has sent its snapshot.  The lock
 * is asked for only then, so its holder has seen what the holder before it did. */
bool client_is_connected(const struct client *client);
/* The replica has held a full snapshot at least once.  Stays true while disconnected: an old view beats none. */
bool client_is_synced(const struct client *client);
bool client_has_lock(const struct client *client);
/* The server has said that another client holds it.  False also while it has said nothing. */
bool client_lock_is_taken(const struct client *client);
/* Takes the lock from its holder, whose server tells it so (RFC 7047 4.1.8, "steal"); it may do the same in turn.
 * Nothing while not connected. */
void client_steal_lock(struct client *client);
const char *client_remote(
	const struct client *client); /* the one in use or being dialled; for messages */
/* The last reason why it is not connected; "" when it is. */
const char *client_problem(const struct client *client);

/* Replaces the condition of a monitored table: a JSON array of <condition> clauses that are or-ed
 * (ovsdb-server(7) 4.1.12), or NULL for all rows.  Steals the reference.  Returns a sequence number;
 * the replica follows the condition once client_condition_seqno() has reached it. */
uint64_t client_set_condition(struct client *client, const struct ovsdb_table *table,
			      json_t *where);
uint64_t client_condition_seqno(const struct client *client);

/* Sends txn, steals it, and calls done (which may be NULL) once; while not connected, with TXN_AGAIN, and with TXN_ERROR
 * if a string in it is not UTF-8.  txn is valid during done (for txn_inserted_uuid()).
 * The replica already shows the transaction's effects when done is called with TXN_OK. */
typedef void (*client_txn_done)(void *arg, enum txn_outcome outcome, const struct txn *txn,
				const struct err *err);
void client_commit(struct client *client, struct txn *txn, client_txn_done done, void *arg);

/* Any other request, e.g. a "transact" with selects.  params is stolen; NULL, what jansson makes of text that
 * is not UTF-8, is an error.  result is borrowed and NULL if error
 * (err has the words; -ENOTCONN if the connection went). */
typedef void (*client_request_done)(void *arg, const json_t *result, const struct err *err);
void client_request(struct client *client, const char *method, json_t *params,
		    client_request_done done, void *arg);
