/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* Changed southbound rows -> their objects, and marks. */

void central_see_sb_datapaths(struct central_plan *plan, bool all)
{
	for (struct central_datapath *d = plan->datapaths; all && d; d = d->hh.next)
		d->sb = NULL;
	CENTRAL_EACH(sb_datapath_binding, row, plan->sb, all)
	{
		struct central_datapath *datapath = central_datapath_of_sb(plan, row);
		bool deleted = !all && sb_datapath_binding_change(row) == ROW_DELETED;

		if (!datapath || (datapath->sb && datapath->sb != row &&
				  sb_datapath_binding_change(datapath->sb) != ROW_DELETED)) {
			if (!deleted)
				central_suspect(plan, sb_datapath_binding_row(row));
			continue;
		}
		if (deleted && datapath->sb != row)
			continue;
		if (datapath->sb != row ||
		    deleted) /* its groups go with it, those of another row come */
			memset(datapath->groups, 0, sizeof(datapath->groups));
		datapath->sb = deleted ? NULL : row;
		if (!deleted)
			datapath->sb_uuid = *sb_datapath_binding_uuid(row);
		plan->datapath_keys_dirty = true;
		central_mark_datapath(plan, datapath);
	}
}

static void see_sb_port(struct central_plan *plan, struct central_port *port,
			const struct sb_port_binding *row, uint64_t columns)
{
	const uint64_t status = OVSDB_COL(SB_PORT_BINDING_CHASSIS) | OVSDB_COL(SB_PORT_BINDING_UP);

	if (port->sb != row) {
		if (port->sb && sb_port_binding_change(port->sb) != ROW_DELETED)
			central_suspect(plan, sb_port_binding_row(port->sb));
		central_port_bind(plan, port, row);
		return;
	}
	central_mark_nb(plan, port);
	if (port->flags & CENTRAL_PORT_QOS)
		central_mark_sb(plan, port); /* a queue is given on a chassis */
	if (columns & ~status ||
	    !row_datum(sb_port_binding_row(row), &sb_port_binding_columns[SB_PORT_BINDING_UP])->n)
		central_port_bind(plan, port, row);
}

void central_see_sb_ports(struct central_plan *plan, bool all)
{
	for (struct central_port *p = plan->ports; all && p; p = p->hh.next)
		p->sb = NULL;
	CENTRAL_EACH(sb_port_binding, row, plan->sb, all)
	{
		struct central_port *port =
			central_port_by_name(plan, sb_port_binding_logical_port(row));

		if (!port)
			central_redirect_see(plan, row);
		if (!all && sb_port_binding_change(row) == ROW_DELETED) {
			if (port && port->sb == row)
				central_port_bind(plan, port, NULL);
			continue;
		}
		if (port)
			see_sb_port(plan, port, row,
				    all ? OVSDB_ALL_COLUMNS : sb_port_binding_changed_columns(row));
		else
			central_suspect(plan, sb_port_binding_row(row));
	}
}

static void forget_group(struct central_datapath *datapath, const struct sb_multicast_group *row)
{
	for (int i = 0; i < CENTRAL_GROUP_COUNT; i++)
		if (datapath->groups[i] == row)
			datapath->groups[i] = NULL;
}

/* Of the row that stands for the datapath, not of one that is about to go. */
struct central_datapath *central_datapath_of_group(const struct central_plan *plan,
						   const struct sb_multicast_group *row)
{
	const struct uuid *uuid = sb_multicast_group_datapath(row);
	const struct sb_datapath_binding *sb =
		uuid ? sb_datapath_binding_get(plan->sb, uuid) : NULL;
	struct central_datapath *datapath = sb ? central_datapath_of_sb(plan, sb) : NULL;

	return datapath && datapath->sb == sb ? datapath : NULL;
}

bool central_group_is_wanted(const struct central_plan *plan, const struct sb_multicast_group *row)
{
	const struct central_datapath *datapath = central_datapath_of_group(plan, row);
	enum central_group_index group = central_group_of_row(row);

	if (!datapath)
		return false;
	return group == CENTRAL_GROUP_COUNT ? !central_group_is_in_the_way(row)
					    : datapath->groups[group] == row;
}

void central_see_sb_groups(struct central_plan *plan, bool all)
{
	for (struct central_datapath *d = plan->datapaths; all && d; d = d->hh.next)
		memset(d->groups, 0, sizeof(d->groups));
	CENTRAL_EACH(sb_multicast_group, row, plan->sb, all)
	{
		struct central_datapath *datapath = central_datapath_of_group(plan, row);
		enum central_group_index group = central_group_of_row(row);
		bool deleted = !all && sb_multicast_group_change(row) == ROW_DELETED;

		if (datapath) {
			forget_group(datapath, row);
			central_mark_datapath(plan, datapath);
		}
		if (deleted)
			continue;
		if (datapath && group < CENTRAL_GROUP_COUNT)
			datapath->groups[group] = row;
		else
			central_suspect(plan, sb_multicast_group_row(row));
	}
}

void central_see_chassis(struct central_plan *plan, bool all)
{
	const uint64_t names = OVSDB_COL(SB_CHASSIS_NAME) | OVSDB_COL(SB_CHASSIS_HOSTNAME);
	bool renamed = all;

	CENTRAL_EACH(sb_chassis, row, plan->sb, all)
	{
		renamed |= !all && (sb_chassis_changed_columns(row) & names);
		plan->nb_global_dirty = true;
	}
	for (struct central_port *p = plan->ports; renamed && p; p = p->hh.next)
		if (p->flags & CENTRAL_PORT_REQUESTS_CHASSIS)
			central_mark_sb(plan, p);
	if (sb_chassis_private_first_change(plan->sb))
		plan->nb_global_dirty = true;
}

static bool has_vxlan(const struct sb_chassis *row, const struct replica *sb)
{
	const struct ovsdb_datum *refs = sb_chassis_encaps(row);

	for (uint32_t i = 0; i < refs->n; i++) {
		const struct sb_encap *encap = sb_encap_get(sb, &refs->keys[i].uuid);

		if (encap && str_eq(sb_encap_type(encap), "vxlan"))
			return true;
	}
	return false;
}

bool central_see_encaps(struct central_plan *plan, bool all)
{
	bool before = plan->vxlan;

	if (!all && !sb_chassis_first_change(plan->sb) && !sb_encap_first_change(plan->sb))
		return false;
	plan->vxlan = false;
	SB_CHASSIS_FOREACH(row, plan->sb)
	plan->vxlan |= has_vxlan(row, plan->sb);
	return plan->vxlan != before;
}

void central_see_globals(struct central_plan *plan, bool all)
{
	const struct uuid no_uuid = { 0 };

	if (!all && !nb_global_first_change(plan->nb) && !sb_global_first_change(plan->sb))
		return;
	if (!all) {
		central_forgive(plan, CENTRAL_KIND_GLOBAL, &no_uuid);
		central_forgive(plan, CENTRAL_KIND_SVC_SET, &no_uuid);
	}
	plan->global_dirty = plan->nb_global_dirty = true;
	plan->svc_set_dirty = true;
}
