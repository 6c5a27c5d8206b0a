/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ovsdb/client.h"
#include "ovsdb_fixture.h"
#include "util/err.h"

/* A client of the test database and its owner, who counts what he is told. */

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

/* What became of a transaction. */
struct answer {
	bool is_there;
	enum txn_outcome outcome;
	char problem[512];
	struct watcher *watcher;
	struct uuid provisional, real;
	bool replica_had_it;
};

/* What a request of another kind was answered; result is the owner's. */
struct selected {
	bool is_there;
	json_t *result;
	char problem[512];
};

/* more: remotes, lock and the like; the rest is filled in. */
struct watcher *watch_with(struct place *place, const struct client_opts *more);
struct watcher *watch(struct place *place, const char *remotes);
void watcher_free(struct watcher *watcher);
size_t count(const struct watcher *watcher, const struct ovsdb_table *table);
/* Sends txn, which it takes, and waits for the answer. */
void commit(struct watcher *watcher, struct txn *txn, struct answer *answer);
struct uuid insert_switch(struct txn *txn, const char *name);
void add_port(struct txn *txn, const struct uuid *sw, const char *name);
/* Inserts and commits. */
struct uuid make_switch(struct watcher *watcher, const char *name);
const struct row *find_switch(const struct watcher *watcher, const char *name);
/* client_txn_done for a struct answer. */
void on_done(void *arg, enum txn_outcome outcome, const struct txn *txn, const struct err *err);
extern const struct client_ops watcher_ops;
/* client_request_done for a struct selected. */
void on_selected(void *arg, const json_t *result, const struct err *err);
