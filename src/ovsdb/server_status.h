/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* What a server says of the databases that it serves: table Database of its database "_Server"
 * (ovsdb-server(5)).  Pure. */
struct server_status;
struct err;

struct server_status *server_status_new(void);
void server_status_free(struct server_status *status);

/* The parameters of a "monitor_cond" with monitor_id as <json-value>. */
json_t *server_status_monitor(const char *monitor_id);
/* A <table-updates2>. */
int server_status_apply(struct server_status *status, const json_t *updates, struct err *err);
/* 0 if database can be worked with there; else a reason to try another server: -ENOENT it is not served, -ENOTCONN cut
 * off from its cluster or source, -EREMCHG not the leader (only if that is wanted). */
int server_status_check(struct server_status *status, const char *database, bool leader_only,
			struct err *err);
