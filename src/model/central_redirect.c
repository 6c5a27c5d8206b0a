/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* The chassisredirect Port_Binding "cr-<port>" of a router port with gateway chassis.
 *
 * ovn-northd makes it.  Here it is not made, as no host of ours routes yet, but one that is there stays as long as
 * ovn-northd would have it, with its key, so that going over and back again changes nothing. */

#define PREFIX "cr-"

static bool has_gateway(const struct central_port *port)
{
	return nb_lrp_gateway_chassis(port->lrp)->n || nb_lrp_ha_chassis_group(port->lrp);
}

bool central_router_has_gateway(const struct central_datapath *router)
{
	if (ovsdb_smap_get(nb_lr_options(router->lr), "chassis"))
		return true;
	VEC_FOREACH(port, router->ports)
		if (has_gateway(*port))
			return true;
	return false;
}

static struct central_port *port_of(const struct central_plan *plan,
				    const struct sb_port_binding *row)
{
	const char *name = sb_port_binding_logical_port(row);
	struct central_port *port = NULL;

	if (str_starts(name, PREFIX))
		port = central_port_by_name(plan, name + strlen(PREFIX));
	return port && port->lrp ? port : NULL;
}

bool central_redirect_is_wanted(const struct central_plan *plan, const struct sb_port_binding *row)
{
	const struct central_port *port = port_of(plan, row);
	const struct central_datapath *router = port ? port->datapath : NULL;
	const struct uuid *uuid = sb_port_binding_datapath(row);

	if (central_port_by_name(plan, sb_port_binding_logical_port(row)))
		return false; /* a port with just this name has the row */
	return router && router->sb && has_gateway(port) &&
	       !ovsdb_smap_get(nb_lr_options(router->lr), "chassis") && uuid &&
	       uuid_eq(uuid, sb_datapath_binding_uuid(router->sb));
}

static const struct sb_port_binding *find_row(const struct central_plan *plan,
					      const struct central_port *port)
{
	AUTO_FREE char *name = NULL;

	if (!port->lrp)
		return NULL;
	name = xasprintf(PREFIX "%s", nb_lrp_name(port->lrp));
	return sb_port_binding_by_logical_port(plan->sb, name);
}

const struct sb_port_binding *central_redirect_row(const struct central_plan *plan,
						   const struct central_port *port)
{
	const struct sb_port_binding *row = find_row(plan, port);

	return row && central_redirect_is_wanted(plan, row) ? row : NULL;
}

void central_redirect_suspect(struct central_plan *plan, const struct central_port *port)
{
	const struct sb_port_binding *row = find_row(plan, port);

	if (row)
		central_suspect(plan, sb_port_binding_row(row));
}

void central_redirect_see(struct central_plan *plan, const struct sb_port_binding *row)
{
	struct central_port *port = port_of(plan, row);

	if (!port)
		return;
	central_mark_sb(plan, port);
	central_mark_datapath(plan, port->datapath);
}

void central_redirect_write(const struct central_plan *plan, const struct central_port *port,
			    struct txn *txn)
{
	const struct sb_port_binding *have = central_redirect_row(plan, port);
	struct central_row row;

	if (!have || !port->redirect_key)
		return;
	row = central_row_open(txn, &sb_port_binding_table, sb_port_binding_row(have));
	central_row_integer(&row, &sb_port_binding_columns[SB_PORT_BINDING_TUNNEL_KEY],
			    port->redirect_key);
}
