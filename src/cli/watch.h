/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "ovsdb/client.h"
#include "util/opts.h"

/* For commands that look at a database, change it once, and wait for what comes of it: a client with a loop of its
 * own and one deadline for everything. */
struct err;
struct watch;

struct watch_opts {
	const char *name; /* for messages: "local database" */
	const char *remotes;
	const struct ovsdb_schema *schema;
	const struct client_interest *interests;
	size_t n_interests;
	/* Only rows of this table that fulfil the condition; NULL: all. */
	const struct ovsdb_table *conditional;
	json_t *where; /* stolen */
	unsigned int timeout_ms;
};

/* Returns when the content is there.  -ETIMEDOUT with the reason why it is not. */
int watch_open(const struct watch_opts *opts, struct watch **ret, struct err *err);
void watch_close(struct watch *watch);
struct replica *watch_replica(struct watch *watch);
/* Another deadline, this long from now. */
void watch_extend(struct watch *watch, unsigned int ms);
/* Runs until done() holds; -ETIMEDOUT (err untouched) when the deadline passes first. */
int watch_until(struct watch *watch, bool (*done)(void *arg, struct replica *replica), void *arg);
/* Steals txn.  Retries nothing: -EAGAIN when the connection was lost or somebody else was faster. */
int watch_commit(struct watch *watch, struct txn *txn, struct err *err);

/* Options and words, in any order; n_words is how many there must be. */
#define CLI_MAX_WORDS 8
struct cli_words {
	const char *v[CLI_MAX_WORDS];
	int n;
};
/* -1: go on; else the exit status. */
int cli_parse(const struct opts *opts, const char *command, int argc, char **argv, int n_words,
	      struct cli_words *ret);
/* Prints "heddle COMMAND: text" and returns 1. */
int cli_fail(const char *command, const struct err *err);
