/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* Changed northbound switches, routers and ports -> objects and marks. */

/* The row of a switch port depends on the router at its other end. */
static void mark_other_end(struct central_plan *plan, const char *name)
{
	struct central_port *port = name ? central_port_by_name(plan, name) : NULL;

	if (port)
		central_mark_sb(plan, port);
}

static const char *written_peer(const struct central_port *port)
{
	return port->sb ? ovsdb_smap_get(sb_port_binding_options(port->sb), "peer") : NULL;
}

void central_port_free(struct central_plan *plan, struct central_port *port)
{
	central_leave_sets(plan, port);
	central_redirect_suspect(plan, port);
	mark_other_end(plan, written_peer(port));
	central_mark_datapath(plan, port->datapath);
	if (port->sb)
		central_suspect_uuid(plan, &sb_port_binding_table, sb_port_binding_uuid(port->sb));
	central_link_port(plan, port, NULL);
	central_port_set_namesake(plan, port, false);
	central_mark_remove(&port->sb_mark);
	central_mark_remove(&port->nb_mark);
	HASH_DEL(plan->ports, port);
	VEC_DONE(port->sets);
	free(port);
}

static struct central_port *new_port(struct central_plan *plan, const struct uuid *nb)
{
	struct central_port *port = xcalloc(1, sizeof(*port));

	port->nb = *nb;
	central_mark_init(&port->sb_mark);
	central_mark_init(&port->nb_mark);
	HASH_ADD(hh, plan->ports, nb, sizeof(port->nb), port);
	return port;
}

void central_port_bind(struct central_plan *plan, struct central_port *port,
		       const struct sb_port_binding *sb)
{
	const struct uuid *datapath = sb ? sb_port_binding_datapath(sb) : NULL;

	port->sb = sb;
	if (sb)
		port->sb_uuid = *sb_port_binding_uuid(sb);
	port->sb_datapath = datapath ? *datapath : (struct uuid){ 0 };
	port->queue = central_queue_of_row(sb);
	port->sb_key = sb ? (uint16_t)sb_port_binding_tunnel_key(sb) : 0;
	central_port_read(plan, port);
	central_mark_sb(plan, port);
	central_mark_nb(plan, port);
	central_mark_datapath(plan, port->datapath);
}

/* A name taken by a switch port is not given to a router port as well. */
static void find_binding(struct central_plan *plan, struct central_port *port)
{
	const char *name = central_port_name(port);

	if (central_port_by_name(plan, name) == port)
		central_port_bind(plan, port, sb_port_binding_by_logical_port(plan->sb, name));
}

static void attach_port(struct central_plan *plan, struct central_datapath *datapath,
			const struct uuid *nb)
{
	const struct nb_lsp *lsp = datapath->ls ? nb_lsp_get(plan->nb, nb) : NULL;
	const struct nb_lrp *lrp = datapath->lr ? nb_lrp_get(plan->nb, nb) : NULL;
	struct central_port *port = central_find_port(plan, nb);
	bool is_new = !port;

	if (!lsp && !lrp)
		return;
	if (port && port->datapath && port->datapath != datapath) {
		plan->n_shared++;
		central_problem(plan, &port->warned, CENTRAL_SHARED,
				"port \"%s\" is in two switches or routers",
				central_port_name(port));
		return;
	}
	if (!port)
		port = new_port(plan, nb);
	port->lsp = lsp;
	port->lrp = lrp;
	port->datapath = datapath;
	VEC_ADD(datapath->ports, port);
	if (is_new)
		find_binding(plan, port);
	if (lrp && central_port_must_recreate(port))
		central_redirect_suspect(plan, port);
	if (is_new || !port->sb || central_port_must_recreate(port)) {
		central_mark_sb(plan, port);
		central_mark_nb(plan, port);
		central_mark_sets(plan, port);
	}
	if (is_new && lrp)
		mark_other_end(plan, central_switch_peer(plan, port));
}

static void detach_ports(struct central_datapath *datapath, struct central_loose_ports *loose)
{
	VEC_FOREACH(port, datapath->ports) {
		(*port)->datapath = NULL;
		VEC_ADD(loose->ports, *port);
	}
	VEC_CLEAR(datapath->ports);
}

void central_datapath_free(struct central_plan *plan, struct central_datapath *datapath,
			   struct central_loose_ports *loose)
{
	detach_ports(datapath, loose);
	if (datapath->sb)
		central_suspect_uuid(plan, &sb_datapath_binding_table,
				     sb_datapath_binding_uuid(datapath->sb));
	central_mark_remove(&datapath->mark);
	central_mark_remove(&datapath->groups_mark);
	HASH_DEL(plan->datapaths, datapath);
	VEC_DONE(datapath->ports);
	free(datapath);
	plan->datapath_keys_dirty = true;
}

static struct central_datapath *new_datapath(struct central_plan *plan, const struct uuid *nb)
{
	struct central_datapath *datapath = xcalloc(1, sizeof(*datapath));

	datapath->nb = *nb;
	central_mark_init(&datapath->mark);
	central_mark_init(&datapath->groups_mark);
	HASH_ADD(hh, plan->datapaths, nb, sizeof(datapath->nb), datapath);
	plan->datapath_keys_dirty = true;
	return datapath;
}

/* One of ls and lr is NULL. */
static struct central_datapath *see_datapath(struct central_plan *plan, const struct uuid *nb,
					     const struct nb_ls *ls, const struct nb_lr *lr)
{
	struct central_datapath *datapath =
		central_find_datapath(plan, nb) ?: new_datapath(plan, nb);
	uint32_t requested = datapath->requested;

	datapath->ls = ls;
	datapath->lr = lr;
	central_datapath_read(datapath);
	if (requested != datapath->requested || datapath->warned & CENTRAL_BAD_KEY)
		plan->datapath_keys_dirty = true;
	central_mark_datapath(plan, datapath);
	return datapath;
}

static void mark_switch_ports(struct central_plan *plan, const struct central_port *port)
{
	const struct central_link *link = central_find_link(plan, nb_lrp_name(port->lrp));

	if (!link)
		return;
	VEC_FOREACH(other, link->ports)
		central_mark_sb(plan, *other);
}

/* vlan-passthru and, for routers, chassis show in the rows of the ports. */
static void mark_all_ports(struct central_plan *plan, struct central_datapath *datapath)
{
	VEC_FOREACH(port, datapath->ports) {
		central_mark_sb(plan, *port);
		if (!(*port)->lrp)
			continue;
		central_redirect_suspect(plan, *port);
		mark_other_end(plan, written_peer(*port));
		/* The router port's row may not be there, or name another one yet. */
		mark_switch_ports(plan, *port);
	}
}

/* Their nat_addresses depend on all ports of the router. */
static void mark_all_switch_ports(struct central_plan *plan, const struct central_datapath *router)
{
	VEC_FOREACH(port, router->ports)
		mark_switch_ports(plan, *port);
}

static void forgive_datapath(struct central_plan *plan, const struct central_datapath *datapath)
{
	central_forgive(plan, CENTRAL_KIND_DATAPATH, &datapath->nb);
	central_forgive(plan, CENTRAL_KIND_GROUPS, &datapath->nb);
}

struct touched_datapaths {
	VEC(struct central_datapath *) list;
};

/* All are emptied before one is filled: a port may go from one to another. */
static void relist_ports(struct central_plan *plan, const struct touched_datapaths *touched,
			 struct central_loose_ports *loose, bool all)
{
	VEC_FOREACH(d, touched->list) {
		(*d)->addresses_dirty = true;
		detach_ports(*d, loose);
	}
	VEC_FOREACH(d, touched->list) {
		const struct ovsdb_datum *ports =
			(*d)->ls ? nb_ls_ports((*d)->ls) : nb_lr_ports((*d)->lr);

		for (uint32_t i = 0; i < ports->n; i++)
			attach_port(plan, *d, &ports->keys[i].uuid);
		if ((*d)->lr && !all)
			mark_all_switch_ports(plan, *d);
	}
}

void central_see_datapaths(struct central_plan *plan, bool all)
{
	struct touched_datapaths touched = { VEC_INIT };
	struct central_loose_ports loose = { VEC_INIT };
	struct central_datapath *datapath, *next;

	HASH_ITER(hh, plan->datapaths, datapath, next)
	if (all && !nb_ls_get(plan->nb, &datapath->nb) && !nb_lr_get(plan->nb, &datapath->nb))
		central_datapath_free(plan, datapath, &loose);
	CENTRAL_EACH(nb_ls, row, plan->nb, all)
	{
		uint64_t columns = all ? OVSDB_ALL_COLUMNS : nb_ls_changed_columns(row);

		if (!all && nb_ls_change(row) == ROW_DELETED) {
			datapath = central_find_datapath(plan, nb_ls_uuid(row));
			if (datapath)
				central_datapath_free(plan, datapath, &loose);
			continue;
		}
		datapath = see_datapath(plan, nb_ls_uuid(row), row, NULL);
		if (!all && columns & ~OVSDB_COL(NB_LS_PORTS))
			forgive_datapath(plan, datapath);
		if (columns & OVSDB_COL(NB_LS_PORTS))
			VEC_ADD(touched.list, datapath);
		if (columns & OVSDB_COL(NB_LS_OTHER_CONFIG))
			mark_all_ports(plan, datapath);
	}
	CENTRAL_EACH(nb_lr, row, plan->nb, all)
	{
		uint64_t columns = all ? OVSDB_ALL_COLUMNS : nb_lr_changed_columns(row);

		if (!all && nb_lr_change(row) == ROW_DELETED) {
			datapath = central_find_datapath(plan, nb_lr_uuid(row));
			if (datapath)
				central_datapath_free(plan, datapath, &loose);
			continue;
		}
		datapath = see_datapath(plan, nb_lr_uuid(row), NULL, row);
		if (!all && columns & ~OVSDB_COL(NB_LR_PORTS))
			forgive_datapath(plan, datapath);
		if (columns & OVSDB_COL(NB_LR_PORTS))
			VEC_ADD(touched.list, datapath);
		if (columns & OVSDB_COL(NB_LR_OPTIONS))
			mark_all_ports(plan, datapath);
	}
	relist_ports(plan, &touched, &loose, all);
	VEC_FOREACH(port, loose.ports)
		if (!(*port)->datapath)
			central_port_free(plan, *port);
	VEC_DONE(loose.ports);
	VEC_DONE(touched.list);
}

/* ---- northbound ports ---- */

/* The old row is given up, one with the new name may be there already.  Renamed router ports, and names that a switch
 * port and a router port share, are the business of needs_everything(). */
static void rename_port(struct central_plan *plan, struct central_port *port)
{
	if (port->sb)
		central_suspect(plan, sb_port_binding_row(port->sb));
	central_port_bind(plan, port,
			  sb_port_binding_by_logical_port(plan->sb, central_port_name(port)));
	central_mark_sets(plan, port);
}

/* The router ports that this switch port names now, and named when its Port_Binding was written. */
static void mark_peers(struct central_plan *plan, struct central_port *port)
{
	if (str_eq(nb_lsp_type(port->lsp), "router"))
		mark_other_end(plan, ovsdb_smap_get(nb_lsp_options(port->lsp), "router-port"));
	mark_other_end(plan, written_peer(port));
}

void central_see_lsps(struct central_plan *plan, bool all)
{
	const uint64_t sets = OVSDB_COL(NB_LSP_ADDRESSES) | OVSDB_COL(NB_LSP_DYNAMIC_ADDRESSES);
	/* What this program writes back does not lead to more than looking at it. */
	const uint64_t own = OVSDB_COL(NB_LSP_UP);

	CENTRAL_EACH(nb_lsp, row, plan->nb, all)
	{
		struct central_port *port = central_find_port(plan, nb_lsp_uuid(row));
		uint64_t columns = all ? OVSDB_ALL_COLUMNS : nb_lsp_changed_columns(row);

		if (!port || port->lsp != row)
			continue;
		central_mark_nb(plan, port);
		if (!(columns & ~own))
			continue;
		if (!all)
			central_forgive(plan, CENTRAL_KIND_PORT, &port->nb);
		central_port_read(plan, port);
		central_mark_sb(plan, port);
		central_mark_datapath(plan, port->datapath);
		mark_peers(plan, port);
		if (!all && nb_lsp_change(row) == ROW_UPDATED && columns & OVSDB_COL(NB_LSP_NAME))
			rename_port(plan, port);
		if (columns & sets)
			central_mark_sets(plan, port);
		if (columns & sets && port->datapath)
			port->datapath->addresses_dirty = true;
	}
}

void central_see_lrps(struct central_plan *plan, bool all)
{
	const uint64_t gateway =
		OVSDB_COL(NB_LRP_GATEWAY_CHASSIS) | OVSDB_COL(NB_LRP_HA_CHASSIS_GROUP);

	CENTRAL_EACH(nb_lrp, row, plan->nb, all)
	{
		struct central_port *port = central_find_port(plan, nb_lrp_uuid(row));
		uint64_t columns = all ? 0 : nb_lrp_changed_columns(row);

		if (!port || port->lrp != row)
			continue;
		if (!all)
			central_forgive(plan, CENTRAL_KIND_PORT, &port->nb);
		central_port_read(plan, port);
		central_mark_sb(plan, port);
		central_mark_datapath(plan, port->datapath);
		central_redirect_suspect(plan, port);
		mark_other_end(plan, written_peer(port));
		if (columns & gateway && nb_lrp_change(row) == ROW_UPDATED && port->datapath)
			mark_all_switch_ports(plan, port->datapath);
		mark_switch_ports(plan, port);
	}
}
