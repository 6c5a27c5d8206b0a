/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interfaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/local.h"
#include "dp/datapath.h"
#include "util/array.h"

enum {
	LOCAL_TIMEOUT_S = 2,
};

struct interfaces {
	VEC(const struct ovs_interface *) list;
};

static bool is_plugged(const struct ovs_interface *row)
{
	const char *id = ovsdb_smap_get(ovs_interface_external_ids(row), "iface-id");
	int64_t ifindex = 0;

	return id && *id && ovs_interface_ifindex(row, &ifindex) && ifindex > 0;
}

static void collect(const struct replica *replica, const struct ovs_port *port,
		    struct interfaces *ret)
{
	const struct ovsdb_datum *uuids = ovs_port_interfaces(port);

	for (uint32_t i = 0; i < uuids->n; i++) {
		const struct ovs_interface *row = ovs_interface_get(replica, &uuids->keys[i].uuid);

		if (row && is_plugged(row))
			VEC_ADD(ret->list, row);
	}
}

static int compare(const void *a, const void *b)
{
	const struct ovs_interface *const *x = a, *const *y = b;

	return strcmp(ovs_interface_name(*x), ovs_interface_name(*y));
}

static json_t *draw(struct datapath *dp, const struct ovs_interface *row)
{
	struct dp_counters counters = { 0 }; /* none: nothing has come through yet */
	int64_t ifindex = 0;

	ovs_interface_ifindex(row, &ifindex);
	datapath_counters(dp, (uint32_t)ifindex, &counters);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "interface", ovs_interface_name(row),
			 "port", ovsdb_smap_get(ovs_interface_external_ids(row), "iface-id"),
			 "rx_packets", (json_int_t)counters.rx_packets, "rx_bytes",
			 (json_int_t)counters.rx_bytes, "tx_packets",
			 (json_int_t)counters.tx_packets, "tx_bytes",
			 (json_int_t)counters.tx_bytes);
}

static json_t *draw_all(struct datapath *dp, const struct local *local)
{
	const struct replica *replica = watch_replica(local->watch);
	const struct ovs_bridge *bridge = local_find_bridge(local, local_integration(local));
	const struct ovsdb_datum *ports = bridge ? ovs_bridge_ports(bridge) : NULL;
	struct interfaces found = { 0 };
	json_t *list = json_array();

	for (uint32_t i = 0; ports && i < ports->n; i++) {
		const struct ovs_port *port = ovs_port_get(replica, &ports->keys[i].uuid);

		if (port)
			collect(replica, port, &found);
	}
	if (found.list.n)
		qsort(found.list.v, found.list.n, sizeof(*found.list.v), compare);
	VEC_FOREACH(row, found.list)
		json_array_append_new(list, draw(dp, *row));
	VEC_DONE(found.list);
	return list;
}

int interfaces_read(struct datapath *dp, const char *db, json_t **ret, struct err *err)
{
	struct local local = { 0 };
	int r = local_open(&local, db, LOCAL_TIMEOUT_S, err);

	if (r < 0)
		return r;
	*ret = draw_all(dp, &local);
	local_close(&local);
	return 0;
}
