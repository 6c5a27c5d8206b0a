/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local.h"

#include <errno.h>

#include "host/host.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/str.h"

/* clang-format off */
static const struct client_interest interests[] = {
	{ &ovs_open_vswitch_table,
	  OVSDB_COL(OVS_OPEN_VSWITCH_EXTERNAL_IDS) | OVSDB_COL(OVS_OPEN_VSWITCH_NEXT_CFG) |
	  OVSDB_COL(OVS_OPEN_VSWITCH_CUR_CFG), OVSDB_COL(OVS_OPEN_VSWITCH_NEXT_CFG) },
	{ &ovs_bridge_table, OVSDB_COL(OVS_BRIDGE_NAME) | OVSDB_COL(OVS_BRIDGE_PORTS), OVSDB_COL(OVS_BRIDGE_PORTS) },
	{ &ovs_port_table, OVSDB_COL(OVS_PORT_NAME) | OVSDB_COL(OVS_PORT_INTERFACES), OVSDB_COL(OVS_PORT_INTERFACES) },
	{ &ovs_interface_table,
	  OVSDB_COL(OVS_INTERFACE_NAME) | OVSDB_COL(OVS_INTERFACE_OFPORT) | OVSDB_COL(OVS_INTERFACE_ERROR) |
	  OVSDB_COL(OVS_INTERFACE_IFINDEX) | OVSDB_COL(OVS_INTERFACE_EXTERNAL_IDS), OVSDB_COL(OVS_INTERFACE_NAME) },
};
/* clang-format on */

int local_open(struct local *local, const char *db, long long timeout_s, struct err *err)
{
	AUTO_FREE char *standard = host_default_db();
	const struct watch_opts opts = {
		.name = "local database",
		.remotes = db ?: standard,
		.schema = &ovs_schema,
		.interests = interests,
		.n_interests = ARRAY_SIZE(interests),
		.timeout_ms = (unsigned int)timeout_s * 1000,
	};
	struct err why = ERR_INIT;
	int r;

	local->timeout_ms = opts.timeout_ms;
	r = watch_open(&opts, &local->watch, &why);
	if (r < 0)
		return err_set(
			err, r,
			"%.300s; is \"heddle host\" running here? (--db says where its database is)",
			why.text);
	return 0;
}

void local_close(struct local *local)
{
	watch_close(local->watch);
	local->watch = NULL;
}

static const struct ovs_open_vswitch *root(const struct local *local)
{
	return ovs_open_vswitch_first(watch_replica(local->watch));
}

const char *local_setting(const struct local *local, const char *key)
{
	const struct ovs_open_vswitch *row = root(local);

	return row ? ovsdb_smap_get(ovs_open_vswitch_external_ids(row), key) : NULL;
}

const char *local_integration(const struct local *local)
{
	return local_setting(local, "ovn-bridge") ?: "br-int";
}

const struct ovs_bridge *local_find_bridge(const struct local *local, const char *name)
{
	return ovs_bridge_by_name(watch_replica(local->watch), name);
}

static bool holds(const struct replica *replica, const struct ovs_port *port, const char *iface)
{
	const struct ovsdb_datum *interfaces = ovs_port_interfaces(port);

	for (uint32_t i = 0; i < interfaces->n; i++) {
		const struct ovs_interface *row =
			ovs_interface_get(replica, &interfaces->keys[i].uuid);

		if (row && str_eq(ovs_interface_name(row), iface))
			return true;
	}
	return false;
}

const struct ovs_bridge *local_bridge_of(const struct local *local, const char *iface,
					 const struct ovs_port **ret_port)
{
	const struct replica *replica = watch_replica(local->watch);

	OVS_BRIDGE_FOREACH(bridge, replica)
	{
		const struct ovsdb_datum *ports = ovs_bridge_ports(bridge);

		for (uint32_t i = 0; i < ports->n; i++) {
			const struct ovs_port *port = ovs_port_get(replica, &ports->keys[i].uuid);

			if (!port || !holds(replica, port, iface))
				continue;
			if (ret_port)
				*ret_port = port;
			return bridge;
		}
	}
	return NULL;
}

int local_commit(struct local *local, struct txn *txn, struct err *err)
{
	const struct ovs_open_vswitch *row = root(local);

	if (row)
		txn_increment(txn, &ovs_open_vswitch_table, ovs_open_vswitch_uuid(row),
			      &ovs_open_vswitch_columns[OVS_OPEN_VSWITCH_NEXT_CFG], 1);
	return watch_commit(local->watch, txn, err);
}

int local_remove(struct local *local, const char *iface, struct err *err)
{
	const struct ovs_port *port = NULL;
	const struct ovs_bridge *bridge = local_bridge_of(local, iface, &port);
	struct txn *txn;

	if (!bridge)
		return err_set(err, -ENOENT, "interface %s is not plugged in", iface);
	if (str_eq(iface, ovs_bridge_name(bridge)))
		return err_set(err, -EINVAL, "interface %s is a bridge itself", iface);
	txn = txn_new(&ovs_schema);
	txn_comment(txn, "heddle: take out %s", iface);
	ovs_bridge_remove_ports(txn, ovs_bridge_uuid(bridge), ovs_port_uuid(port));
	return local_commit(local, txn, err);
}

struct target {
	const struct local *local;
	int64_t cfg;
};

static bool is_done(void *arg, struct replica *replica)
{
	const struct target *target = arg;
	const struct ovs_open_vswitch *row = root(target->local);

	return row && ovs_open_vswitch_cur_cfg(row) >= target->cfg;
}

int local_wait(struct local *local, struct err *err)
{
	const struct ovs_open_vswitch *row = root(local);
	struct target target = { .local = local, .cfg = row ? ovs_open_vswitch_next_cfg(row) : 0 };

	if (watch_until(local->watch, is_done, &target) < 0)
		return err_set(
			err, -ETIMEDOUT,
			"no agent has carried it out in time: is \"heddle host\" running here?");
	return 0;
}
