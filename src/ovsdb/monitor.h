/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "ovsdb/client.h"

/* What a client monitors, and how it is said to a server.  Pure. */
struct monitored {
	struct client_interest interest;
	uint64_t have; /* those columns that this server has; 0: not its table */
	json_t *where; /* NULL: all rows */
	bool is_dirty; /* where is not what the server was told */
};

/* Finds out from the answer to "get_schema" which columns can be had.  -ENOENT: the first needed one that cannot. */
int monitor_fit_schema(struct monitored *tables, size_t n, const char *database,
		       const json_t *schema, struct err *err);
/* The <monitor-cond-requests>, or without conditions the <monitor-requests>, for all tables; not dirty afterwards. */
json_t *monitor_requests(struct monitored *tables, size_t n, bool with_conditions);
/* The <monitor-cond-update-requests> for the dirty tables, not dirty afterwards; NULL if there are none. */
json_t *monitor_condition_changes(struct monitored *tables, size_t n);
