/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/central_private.h"

/* Which switch ports name which router port, so that neither end has to look for the other. */

const struct central_link *central_find_link(const struct central_plan *plan, const char *name)
{
	struct central_link *link;

	HASH_FIND_STR(plan->links, name, link);
	return link;
}

static struct central_link *new_link(struct central_plan *plan, const char *name)
{
	size_t size = strlen(name) + 1;
	struct central_link *link = xcalloc(1, sizeof(*link) + size);

	memcpy(link->name, name, size);
	HASH_ADD_STR(plan->links, name, link);
	return link;
}

static void leave(struct central_plan *plan, struct central_port *port)
{
	struct central_link *link = TAKE(port->link);
	struct central_port *router_port = central_port_by_name(plan, link->name);
	size_t kept = 0;

	/* Its row may name this port, which need not have a row of its own that leads back. */
	if (router_port)
		central_mark_sb(plan, router_port);
	VEC_FOREACH(other, link->ports)
		if (*other != port)
			link->ports.v[kept++] = *other;
	link->ports.n = kept;
	if (kept)
		return;
	HASH_DEL(plan->links, link);
	VEC_DONE(link->ports);
	free(link);
}

void central_link_port(struct central_plan *plan, struct central_port *port, const char *name)
{
	struct central_link *link;

	if (port->link && name && strcmp(port->link->name, name) == 0)
		return;
	if (port->link)
		leave(plan, port);
	if (!name)
		return;
	HASH_FIND_STR(plan->links, name, link);
	port->link = link ?: new_link(plan, name);
	VEC_ADD(port->link->ports, port);
}

/* Of several switch ports the one with the smallest uuid counts. */
const char *central_switch_peer(const struct central_plan *plan, const struct central_port *port)
{
	const struct central_link *link = central_find_link(plan, nb_lrp_name(port->lrp));
	const struct central_port *first = NULL;

	if (nb_lrp_peer(port->lrp))
		return nb_lrp_peer(port->lrp);
	if (!link)
		return NULL;
	VEC_FOREACH(other, link->ports)
		if (!first || uuid_cmp(&(*other)->nb, &first->nb) < 0)
			first = *other;
	return nb_lsp_name(first->lsp);
}
