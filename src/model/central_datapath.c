/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* Logical_Switch and Logical_Router -> Datapath_Binding and Multicast_Group; the keys of datapaths and ports. */

static const char *const group_names[CENTRAL_GROUP_COUNT] = {
	[CENTRAL_FLOOD] = "_MC_flood",
	[CENTRAL_UNKNOWN] = "_MC_unknown",
	[CENTRAL_MROUTER_FLOOD] = "_MC_mrouter_flood",
	[CENTRAL_STATIC] = "_MC_static",
	[CENTRAL_FLOOD_L2] = "_MC_flood_l2",
};

const char *central_datapath_name(const struct central_datapath *datapath)
{
	return datapath->ls ? nb_ls_name(datapath->ls) : nb_lr_name(datapath->lr);
}

static const struct ovsdb_datum *datapath_options(const struct central_datapath *datapath)
{
	return datapath->ls ? nb_ls_other_config(datapath->ls) : nb_lr_options(datapath->lr);
}

void central_datapath_read(struct central_datapath *datapath)
{
	long long key = ovsdb_smap_get_int(datapath_options(datapath), "requested-tnl-key", 0);

	/* Keys of transit switches, above our own range, may be requested. */
	datapath->requested = key > 0 && key < 1 << 24 ? (uint32_t)key : 0;
}

/* ---- keys: requested ones first, then those in use, then new ones ---- */

/* The keys of an interconnection are not ours to limit. */
static bool fits_vxlan(const struct central_plan *plan, const struct central_datapath *datapath)
{
	return !plan->vxlan || datapath->requested <= CENTRAL_VXLAN_DATAPATH_KEY_MAX ||
	       ovsdb_smap_get(datapath_options(datapath), "interconn-ts");
}

static void request_key(struct central_plan *plan, struct central_keys *keys,
			struct central_datapath *datapath)
{
	const char *text = ovsdb_smap_get(datapath_options(datapath), "requested-tnl-key");
	const char *why = "in use by another datapath";

	datapath->key = 0;
	if (!datapath->requested)
		why = "not a number from 1 to 16777215";
	else if (!fits_vxlan(plan, datapath))
		why = "above 4095, too large for the chassis that use VXLAN";
	else if (central_keys_add(keys, datapath->requested))
		datapath->key = datapath->requested;
	if (text && !datapath->key && !str_eq(text, "0"))
		central_problem(plan, &datapath->warned, CENTRAL_BAD_KEY,
				"%s \"%s\": requested-tnl-key %s is %s",
				datapath->ls ? "logical switch" : "logical router",
				central_datapath_name(datapath), text, why);
	else
		central_problem(plan, &datapath->warned, CENTRAL_BAD_KEY, NULL);
}

/* Of two that request one key, the one that has it keeps it (ovn-northd leaves that to chance). */
static int request_rank(const struct central_datapath *datapath)
{
	if (!datapath->sb)
		return 2;
	return sb_datapath_binding_tunnel_key(datapath->sb) == datapath->requested ? 0 : 1;
}

static void new_key(struct central_plan *plan, struct central_keys *keys,
		    struct central_datapath *datapath, uint32_t *hint)
{
	datapath->key = central_keys_allocate(keys, central_datapath_key_max(plan), *hint);
	if (datapath->key) {
		*hint = datapath->key;
		central_problem(plan, &datapath->warned, CENTRAL_NO_KEY, NULL);
	} else {
		central_problem(plan, &datapath->warned, CENTRAL_NO_KEY,
				"\"%s\": all datapath keys are in use",
				central_datapath_name(datapath));
	}
}

static int compare_datapaths(struct central_datapath *a, struct central_datapath *b)
{
	return uuid_cmp(&a->nb, &b->nb);
}

/* A datapath whose key moved must be written, and its ports looked at (port groups carry the key). */
static void note_key(struct central_plan *plan, struct central_datapath *datapath, uint32_t before)
{
	if (datapath->key == before)
		return;
	central_mark_add(&plan->dirty_datapaths, &datapath->mark);
	VEC_FOREACH(port, datapath->ports) {
		central_mark_add(&plan->dirty_sb_ports, &(*port)->sb_mark);
		VEC_FOREACH(set, (*port)->sets)
			central_mark_add(&plan->dirty_sets, &(*set)->mark);
	}
}

/* A row that the server did not let go has its key all the same, also while its removal is tried again: it may be refused
 * again, and then what took its key as well. */
static void keep_keys_of_refused(struct central_plan *plan, struct central_keys *keys)
{
	if (!plan->refusals)
		return;
	SB_DATAPATH_BINDING_FOREACH(row, plan->sb)
	if (central_is_refused(plan, CENTRAL_KIND_SUPERFLUOUS, sb_datapath_binding_uuid(row)))
		central_keys_add(keys, (uint32_t)sb_datapath_binding_tunnel_key(row));
}

void central_datapath_keys(struct central_plan *plan)
{
	struct central_keys keys = CENTRAL_KEYS_INIT;
	VEC(uint32_t) before = VEC_INIT;
	uint32_t hint = 0;
	size_t i = 0;

	HASH_SORT(plan->datapaths, compare_datapaths);
	for (struct central_datapath *d = plan->datapaths; d; d = d->hh.next)
		VEC_ADD(before, d->key);
	for (int rank = 0; rank < 3; rank++)
		for (struct central_datapath *d = plan->datapaths; d; d = d->hh.next)
			if (request_rank(d) == rank)
				request_key(plan, &keys, d);
	for (struct central_datapath *d = plan->datapaths; d; d = d->hh.next) {
		uint32_t key = d->sb ? (uint32_t)sb_datapath_binding_tunnel_key(d->sb) : 0;

		if (!d->key && key && central_keys_add(&keys, key))
			d->key = key;
	}
	keep_keys_of_refused(plan, &keys);
	for (int has_row = 1; has_row >= 0; has_row--)
		for (struct central_datapath *d = plan->datapaths; d; d = d->hh.next)
			if (!!d->sb == has_row && !d->key)
				new_key(plan, &keys, d, &hint);
	for (struct central_datapath *d = plan->datapaths; d; d = d->hh.next)
		note_key(plan, d, before.v[i++]);
	VEC_DONE(before);
	central_keys_done(&keys);
}

/* A row that is about to be replaced gives up its key. */
static uint32_t kept_port_key(const struct central_port *port)
{
	if (!port->sb || central_port_must_recreate(port))
		return 0;
	return port->sb_key;
}

static void request_port_key(struct central_plan *plan, struct central_port *port)
{
	const char *why = NULL;

	if (port->flags & CENTRAL_PORT_NAMESAKE)
		return;
	if (!port->requested && !(port->warned & CENTRAL_BAD_KEY)) {
		const struct ovsdb_datum *options =
			port->lsp ? nb_lsp_options(port->lsp) : nb_lrp_options(port->lrp);

		if (!ovsdb_smap_get_int(options, "requested-tnl-key", 0))
			return;
	}
	if (!port->requested)
		why = "not a number from 1 to 32767";
	else if (port->requested > central_port_key_max(plan))
		why = "above 2047, too large for the chassis that use VXLAN";
	else if (central_keys_add(&plan->port_keys, port->requested))
		port->key = port->requested;
	else
		why = "in use by another port of the switch";
	if (!why)
		central_problem(plan, &port->warned, CENTRAL_BAD_KEY, NULL);
	else
		central_problem(plan, &port->warned, CENTRAL_BAD_KEY,
				"logical port \"%s\": requested-tnl-key is %s",
				central_port_name(port), why);
}

static void new_port_key(struct central_plan *plan, struct central_port *port, uint32_t *hint)
{
	port->key = (uint16_t)central_keys_allocate(&plan->port_keys, central_port_key_max(plan),
						    *hint);
	if (port->key) {
		*hint = port->key;
		central_problem(plan, &port->warned, CENTRAL_NO_KEY, NULL);
	} else {
		central_problem(plan, &port->warned, CENTRAL_NO_KEY,
				"logical port \"%s\": all port keys of \"%s\" are in use",
				central_port_name(port), central_datapath_name(port->datapath));
	}
}

/* The keys that ports have and no other port requests; the largest of all keys so far is the hint. */
static uint32_t keep_port_keys(struct central_plan *plan, struct central_datapath *datapath)
{
	uint32_t hint = 0;

	VEC_FOREACH(port, datapath->ports) {
		const struct sb_port_binding *redirect = central_redirect_row(plan, *port);
		uint32_t key = kept_port_key(*port);

		if (!(*port)->key && key && central_keys_add(&plan->port_keys, key))
			(*port)->key = (uint16_t)key;
		key = redirect ? (uint32_t)sb_port_binding_tunnel_key(redirect) : 0;
		if (key && central_keys_add(&plan->port_keys, key))
			(*port)->redirect_key = (uint16_t)key;
	}
	VEC_FOREACH(port, datapath->ports) {
		hint = (*port)->key > hint ? (*port)->key : hint;
		hint = (*port)->redirect_key > hint ? (*port)->redirect_key : hint;
	}
	return hint;
}

static void new_redirect_key(struct central_plan *plan, struct central_port *port, uint32_t *hint)
{
	uint32_t key;

	if (port->redirect_key || !central_redirect_row(plan, port))
		return;
	key = central_keys_allocate(&plan->port_keys, central_port_key_max(plan), *hint);
	port->redirect_key = (uint16_t)key;
	*hint = key ?: *hint;
	central_mark_sb(plan, port);
}

void central_datapath_port_keys(struct central_plan *plan, struct central_datapath *datapath)
{
	uint32_t hint;

	central_keys_clear(&plan->port_keys);
	VEC_FOREACH(port, datapath->ports)
		(*port)->key = (*port)->redirect_key = 0;
	for (int has_key = 1; has_key >= 0; has_key--)
		VEC_FOREACH(port, datapath->ports)
			if (!!kept_port_key(*port) == has_key)
				request_port_key(plan, *port);
	hint = keep_port_keys(plan, datapath);
	VEC_FOREACH(port, datapath->ports)
		new_redirect_key(plan, *port, &hint);
	for (int has_key = 1; has_key >= 0; has_key--)
		VEC_FOREACH(port, datapath->ports)
			if (!!kept_port_key(*port) == has_key && !(*port)->key &&
			    !((*port)->flags & CENTRAL_PORT_NAMESAKE))
				new_port_key(plan, *port, &hint);
	VEC_FOREACH(port, datapath->ports)
		if ((*port)->key != kept_port_key(*port))
			central_mark_sb(plan, *port);
}

/* ---- Datapath_Binding ---- */

static void add_ids(const struct central_datapath *datapath, struct ovsdb_datum *ids,
		    const struct ovsdb_column *column)
{
	const struct ovsdb_datum *external =
		datapath->ls ? nb_ls_external_ids(datapath->ls) : nb_lr_external_ids(datapath->lr);
	const char *name2 = ovsdb_smap_get(external, datapath->ls ? "neutron:network_name"
								  : "neutron:router_name");
	const struct ovsdb_datum *options = datapath_options(datapath);
	const char *value;
	char uuid[UUID_TEXT_SIZE];

	central_smap_put(ids, column, datapath->ls ? "logical-switch" : "logical-router",
			 uuid_format(&datapath->nb, uuid));
	central_smap_put(ids, column, "name", central_datapath_name(datapath));
	if (name2 && *name2)
		central_smap_put(ids, column, "name2", name2);
	if (datapath->ls) {
		value = ovsdb_smap_get(options, "interconn-ts");
		if (value)
			central_smap_put(ids, column, "interconn-ts", value);
		return;
	}
	value = ovsdb_smap_get(options, "snat-ct-zone");
	if (value && ovsdb_smap_get_int(options, "snat-ct-zone", -1) >= 0)
		central_smap_put(ids, column, "snat-ct-zone", value);
	if (!ovsdb_smap_get_bool(options, "always_learn_from_arp_request", true))
		central_smap_put(ids, column, "always_learn_from_arp_request", "false");
}

void central_datapath_write(struct central_plan *plan, struct central_datapath *datapath,
			    struct txn *txn)
{
	const struct ovsdb_column *column =
		&sb_datapath_binding_columns[SB_DATAPATH_BINDING_EXTERNAL_IDS];
	struct ovsdb_datum ids = OVSDB_DATUM_EMPTY;
	struct central_row row;

	if (!datapath->key) {
		if (datapath->sb)
			central_datapath_purge(txn, sb_datapath_binding_uuid(datapath->sb));
		return;
	}
	row = central_row_open(txn, &sb_datapath_binding_table,
			       datapath->sb ? sb_datapath_binding_row(datapath->sb) : NULL);
	datapath->sb_uuid = row.uuid;
	central_row_integer(&row, &sb_datapath_binding_columns[SB_DATAPATH_BINDING_TUNNEL_KEY],
			    datapath->key);
	add_ids(datapath, &ids, column);
	central_row_datum(&row, column, &ids);
	ovsdb_datum_done(&ids, column);
}

bool central_datapath_has_row(const struct central_plan *plan,
			      const struct central_datapath *datapath)
{
	return datapath->sb ||
	       (!plan->singly && !central_is_set_aside(plan, CENTRAL_KIND_DATAPATH, &datapath->nb));
}

/* These tables are not monitored: with ovn-northd before us they may be large. */
void central_datapath_purge(struct txn *txn, const struct uuid *sb)
{
	static const struct {
		const char *table, *column;
	} holders[] = {
		{ "Logical_Flow", "logical_datapath" }, { "MAC_Binding", "datapath" },
		{ "Static_MAC_Binding", "datapath" },   { "Multicast_Group", "datapath" },
		{ "IP_Multicast", "datapath" },         { "IGMP_Group", "datapath" },
	};
	char uuid[UUID_TEXT_SIZE];

	uuid_format(sb, uuid);
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++)
		txn_raw(txn, json_pack("{s:s,s:s,s:[[s,s,[s,s]]]}", "op", "delete", "table",
				       holders[i].table, "where", holders[i].column, "==", "uuid",
				       uuid));
	txn_raw(txn, json_pack("{s:s,s:s,s:[[s,s,[s,s]]]}", "op", "delete", "table", "DNS", "where",
			       "datapaths", "==", "uuid", uuid));
	for (int i = 0; i < 2; i++)
		txn_raw(txn, json_pack("{s:s,s:s,s:[[s,s,[s,s]]],s:[[s,s,[s,s]]]}", "op", "mutate",
				       "table", i ? "DNS" : "Load_Balancer", "where", "datapaths",
				       "includes", "uuid", uuid, "mutations", "datapaths", "delete",
				       "uuid", uuid));
	sb_datapath_binding_delete(txn, sb);
}

/* ---- Multicast_Group ---- */

enum central_group_index central_group_of_row(const struct sb_multicast_group *row)
{
	int64_t index = sb_multicast_group_tunnel_key(row) - CENTRAL_GROUP_KEY_MIN;

	if (index < 0 || index >= CENTRAL_GROUP_COUNT ||
	    !str_eq(sb_multicast_group_name(row), group_names[index]))
		return CENTRAL_GROUP_COUNT;
	return (enum central_group_index)index;
}

bool central_group_is_in_the_way(const struct sb_multicast_group *row)
{
	int64_t index = sb_multicast_group_tunnel_key(row) - CENTRAL_GROUP_KEY_MIN;
	bool in_the_way = index >= 0 && index < CENTRAL_GROUP_COUNT;

	for (int i = 0; i < CENTRAL_GROUP_COUNT; i++)
		in_the_way |= str_eq(sb_multicast_group_name(row), group_names[i]);
	return in_the_way;
}

static bool has_unknown(const struct nb_lsp *lsp)
{
	return !str_eq(nb_lsp_type(lsp), "external") &&
	       ovsdb_sset_contains(nb_lsp_addresses(lsp), "unknown");
}

uint8_t central_port_groups(const struct central_port *port)
{
	const struct ovsdb_datum *options =
		port->lsp ? nb_lsp_options(port->lsp) : nb_lrp_options(port->lrp);
	const bool in[CENTRAL_GROUP_COUNT] = {
		[CENTRAL_FLOOD] = port->lsp,
		[CENTRAL_FLOOD_L2] = port->lsp && !str_eq(nb_lsp_type(port->lsp), "router"),
		[CENTRAL_UNKNOWN] = port->lsp && has_unknown(port->lsp),
		[CENTRAL_MROUTER_FLOOD] =
			port->lsp && ovsdb_smap_get_bool(options, "mcast_flood_reports", false),
		[CENTRAL_STATIC] = ovsdb_smap_get_bool(options, "mcast_flood", false),
	};
	unsigned int groups = 0;

	for (int i = 0; i < CENTRAL_GROUP_COUNT; i++)
		if (in[i] && central_port_is_enabled(port))
			groups |= 1u << i;
	return (uint8_t)groups;
}

static int compare_uuids(const void *a, const void *b)
{
	return uuid_cmp(a, b);
}

/* One element at a time, so that a big group does not travel whole for one port. */
static void write_members(const struct sb_multicast_group *row, const struct uuid *want,
			  size_t n_want, struct txn *txn)
{
	const struct ovsdb_datum *have = sb_multicast_group_ports(row);
	const struct uuid *uuid = sb_multicast_group_uuid(row);
	size_t i = 0, j = 0;

	while (i < n_want || j < have->n) {
		int order = i == n_want    ? 1
			    : j == have->n ? -1
					   : uuid_cmp(&want[i], &have->keys[j].uuid);

		if (order < 0)
			sb_multicast_group_add_ports(txn, uuid, &want[i]);
		else if (order > 0)
			sb_multicast_group_remove_ports(txn, uuid, &have->keys[j].uuid);
		i += order <= 0;
		j += order >= 0;
	}
}

static void write_group(const struct central_plan *plan, struct central_datapath *datapath,
			enum central_group_index group, struct txn *txn)
{
	const struct sb_multicast_group *have = datapath->groups[group];
	VEC(struct uuid) members = VEC_INIT;
	struct uuid uuid;

	VEC_FOREACH(port, datapath->ports)
		if ((*port)->groups & 1u << group && central_port_has_row(plan, *port))
			VEC_ADD(members, (*port)->sb_uuid);
	if (members.n)
		qsort(members.v, members.n, sizeof(*members.v), compare_uuids);
	if (have && members.n) {
		write_members(have, members.v, members.n, txn);
	} else if (have) {
		sb_multicast_group_delete(txn, sb_multicast_group_uuid(have));
	} else if (members.n) {
		uuid = sb_multicast_group_insert(txn);
		sb_multicast_group_set_datapath(txn, &uuid, &datapath->sb_uuid);
		sb_multicast_group_set_name(txn, &uuid, group_names[group]);
		sb_multicast_group_set_tunnel_key(txn, &uuid, CENTRAL_GROUP_KEY_MIN + group);
		VEC_FOREACH(member, members)
			sb_multicast_group_add_ports(txn, &uuid, member);
	}
	VEC_DONE(members);
}

void central_datapath_write_groups(struct central_plan *plan, struct central_datapath *datapath,
				   struct txn *txn)
{
	if (!datapath->key || !central_datapath_has_row(plan, datapath))
		return;
	for (int group = 0; group < CENTRAL_GROUP_COUNT; group++)
		write_group(plan, datapath, (enum central_group_index)group, txn);
}
