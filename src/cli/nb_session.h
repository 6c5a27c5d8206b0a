/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "ovsdb/client.h"

/* A client for a program that does one thing and ends: each call runs the event loop until its answer is
 * there or the time is up (-ETIMEDOUT). */
struct nb_session;

struct nb_session_opts {
	const char *remotes;
	bool leader_only;
	uint64_t timeout_ms;                     /* for the whole session; 0: none */
	const struct client_interest *interests; /* tables whose changes are waited for */
	json_t *const *conditions; /* one per interest: client_set_condition(); stolen */
	size_t n_interests;
};

/* Fails when every remote has been tried without success. */
int nb_session_open(const struct nb_session_opts *opts, struct nb_session **ret, struct err *err);
void nb_session_close(struct nb_session *session); /* NULL is fine */

/* Sends "transact" with params (stolen).  *ret is a new reference to the result. */
int nb_session_transact(struct nb_session *session, json_t *params, json_t **ret, struct err *err);
/* Until a table of interest changes, or has been read for the first time. */
int nb_session_wait_change(struct nb_session *session, struct err *err);
/* The tables of interest. */
struct replica *nb_session_replica(struct nb_session *session);
