/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer can make of the bytes that it sends: messages are cut out, and each is taken for an update of all three
 * versions, for a schema, and for the answer to a transaction.  Nothing may crash; a refused update may have
 * changed nothing. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "ovsdb/frame.h"
#include "ovsdb/monitor.h"
#include "ovsdb/replica.h"
#include "ovsdb/server_status.h"
#include "ovsdb/txn.h"
#include "schema/ovs.h"
#include "util/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void try_update(const json_t *message)
{
	struct replica *replica = replica_new(&ovs_schema);

	for (int version = 1; version <= 3; version++) {
		if (replica_apply(replica, message, version, NULL) < 0)
			assert(!replica_has_changes(replica));
		replica_resync_begin(replica);
		replica_resync_end(replica);
		replica_advance(replica);
	}
	replica_free(replica);
}

static void try_status(const json_t *message)
{
	struct server_status *status = server_status_new();

	server_status_apply(status, message, NULL);
	server_status_check(status, "Open_vSwitch", true, NULL);
	server_status_free(status);
}

static void try_schema(const json_t *message)
{
	struct monitored tables[] = {
		{ .interest = { &ovs_bridge_table, OVSDB_ALL_COLUMNS, OVSDB_ALL_COLUMNS } },
	};

	if (monitor_fit_schema(tables, ARRAY_SIZE(tables), "Open_vSwitch", message, NULL) < 0)
		return;
	json_decref(monitor_requests(tables, ARRAY_SIZE(tables), true));
}

static void try_result(const json_t *message)
{
	struct txn *txn = txn_new(&ovs_schema);

	ovs_bridge_insert(txn);
	json_decref(txn_to_json(txn));
	txn_read_result(txn, json_object_get(message, "result"), NULL);
	txn_free(txn);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct frame frame;
	json_t *message;

	frame_init(&frame, 1 << 16);
	frame_feed(&frame, (const char *)bytes, n);
	while (frame_next(&frame, &message, NULL) > 0) {
		try_update(message);
		try_status(message);
		try_schema(message);
		try_result(message);
		json_decref(message);
	}
	frame_done(&frame);
	return 0;
}
