/* SPDX-License-Identifier: Apache-2.0 */
#include "model/central_private.h"
#include "util/str.h"

/* Port_Binding.options:qdisc_queue_id, the queue of a port with a rate limit.  Given as ovn-northd does: the
 * lowest one free on the chassis that has the port, and kept while there is a limit; a localnet port is on every chassis and
 * has the first. */

#define QUEUE_MAX 0xf000u

bool central_port_has_qos(const struct nb_lsp *lsp)
{
	const struct ovsdb_datum *options = nb_lsp_options(lsp);

	return ovsdb_smap_get(options, "qos_max_rate") || ovsdb_smap_get(options, "qos_burst") ||
	       ovsdb_smap_get(options, "qos_min_rate");
}

uint32_t central_queue_of_row(const struct sb_port_binding *row)
{
	long long queue =
		row ? ovsdb_smap_get_int(sb_port_binding_options(row), "qdisc_queue_id", 0) : 0;

	return queue > 0 && queue <= QUEUE_MAX ? (uint32_t)queue : 0;
}

static bool is_on(const struct central_port *port, const struct uuid *chassis)
{
	const struct uuid *uuid = port->sb ? sb_port_binding_chassis(port->sb) : NULL;

	return uuid && uuid_eq(uuid, chassis);
}

static uint32_t free_queue(const struct central_plan *plan, const struct uuid *chassis)
{
	struct central_keys queues = CENTRAL_KEYS_INIT;
	uint32_t queue;

	for (const struct central_port *port = plan->ports; port; port = port->hh.next)
		if (port->queue && is_on(port, chassis))
			central_keys_add(&queues, port->queue);
	queue = central_keys_allocate(&queues, QUEUE_MAX, 0);
	central_keys_done(&queues);
	return queue;
}

uint32_t central_port_queue(const struct central_plan *plan, struct central_port *port)
{
	const struct uuid *chassis = port->sb ? sb_port_binding_chassis(port->sb) : NULL;

	if (!central_port_has_qos(port->lsp) || central_port_must_recreate(port))
		port->queue = 0;
	else if (port->queue)
		return port->queue;
	else if (str_eq(nb_lsp_type(port->lsp), "localnet"))
		port->queue = 1;
	else if (chassis)
		port->queue = free_queue(plan, chassis);
	return port->queue;
}
