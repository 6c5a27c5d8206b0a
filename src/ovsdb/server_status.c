/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/server_status.h"

#include <errno.h>
#include <string.h>

#include "ovsdb/replica.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/err.h"

enum {
	NAME,
	MODEL,
	CONNECTED,
	LEADER,
	N_COLUMNS
};

#define SCALAR(column_name, i, type)                                                   \
	{                                                                              \
		.name = (column_name), .index = (i), .key = (type), .min = 1, .max = 1 \
	}

static const struct ovsdb_column columns[] = {
	SCALAR("name", NAME, OVSDB_STRING),
	SCALAR("model", MODEL, OVSDB_STRING),
	SCALAR("connected", CONNECTED, OVSDB_BOOLEAN),
	SCALAR("leader", LEADER, OVSDB_BOOLEAN),
};

static const struct ovsdb_table table = {
	.name = "Database",
	.n_columns = N_COLUMNS,
	.columns = columns,
};

static const struct ovsdb_table *const tables[] = { &table };

static const struct ovsdb_schema schema = {
	.name = "_Server",
	.n_tables = 1,
	.tables = tables,
};

struct server_status {
	struct replica *replica;
};

struct server_status *server_status_new(void)
{
	struct server_status *status = xcalloc(1, sizeof(*status));

	status->replica = replica_new(&schema);
	return status;
}

void server_status_free(struct server_status *status)
{
	if (!status)
		return;
	replica_free(status->replica);
	free(status);
}

json_t *server_status_monitor(const char *monitor_id)
{
	json_t *names = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		json_array_append_new(names, json_string(columns[i].name));
	return json_pack("[ss{s[{so}]}]", schema.name, monitor_id, table.name, "columns", names);
}

int server_status_apply(struct server_status *status, const json_t *updates, struct err *err)
{
	int r = replica_apply(status->replica, updates, 2, err);

	replica_advance(status->replica);
	return r;
}

int server_status_check(struct server_status *status, const char *database, bool leader_only,
			struct err *err)
{
	const struct row *row = replica_find(status->replica, &table, &columns[NAME], database);

	if (!row)
		return err_set(err, -ENOENT, "database %s is not served there", database);
	if (!row_datum(row, &columns[CONNECTED])->keys[0].boolean)
		return err_set(err, -ENOTCONN, "database %s is cut off from its cluster there",
			       database);
	if (leader_only && !row_datum(row, &columns[LEADER])->keys[0].boolean &&
	    strcmp(row_datum(row, &columns[MODEL])->keys[0].string, "standalone"))
		return err_set(err, -EREMCHG, "the server does not lead the cluster of database %s",
			       database);
	return 0;
}
