/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "model/central_private.h"
#include "util/net.h"

/* Finds IP addresses that two ports of one switch have. */

struct owned_ip {
	struct ip ip;
	struct central_port *port;
};

struct owned_ips {
	VEC(struct owned_ip) list;
};

static int compare(const void *a, const void *b)
{
	const struct owned_ip *x = a, *y = b;
	int order = memcmp(&x->ip, &y->ip, sizeof(x->ip));

	return order ? order : uuid_cmp(&x->port->nb, &y->port->nb);
}

static void collect(struct central_port *port, struct owned_ips *ips)
{
	const struct ovsdb_datum *addresses = nb_lsp_addresses(port->lsp);
	struct lsp_address address;

	for (uint32_t i = 0; i < addresses->n; i++) {
		if (lsp_address_parse(addresses->keys[i].string, &address, NULL) < 0 ||
		    address.kind != LSP_ADDRESS_ETHERNET)
			continue;
		for (size_t j = 0; j < address.n_ips; j++)
			VEC_ADD(ips->list, ((struct owned_ip){ address.ips[j], port }));
	}
}

/* The port with the larger uuid of the two is the one that is told, once. */
static void tell(struct central_plan *plan, const struct owned_ips *ips)
{
	for (size_t i = 1; i < ips->list.n; i++) {
		const struct owned_ip *first = &ips->list.v[i - 1], *second = &ips->list.v[i];
		char text[IP_TEXT_SIZE];

		if (!ip_eq(&first->ip, &second->ip) || first->port == second->port)
			continue;
		second->port->flags |= CENTRAL_PORT_DUPLICATE;
		central_problem(
			plan, &second->port->warned, CENTRAL_DUPLICATE,
			"logical port \"%s\": address %s is also that of \"%s\" on the same "
			"switch",
			central_port_name(second->port), ip_format(&first->ip, text),
			central_port_name(first->port));
	}
}

void central_datapath_check_addresses(struct central_plan *plan, struct central_datapath *datapath)
{
	struct owned_ips ips = { VEC_INIT };

	if (!datapath->ls || !plan->opts.warn)
		return;
	VEC_FOREACH(port, datapath->ports) {
		(*port)->flags &= (uint8_t)~CENTRAL_PORT_DUPLICATE;
		collect(*port, &ips);
	}
	if (ips.list.n)
		qsort(ips.list.v, ips.list.n, sizeof(*ips.list.v), compare);
	tell(plan, &ips);
	VEC_FOREACH(port, datapath->ports)
		if (!((*port)->flags & CENTRAL_PORT_DUPLICATE))
			central_problem(plan, &(*port)->warned, CENTRAL_DUPLICATE, NULL);
	VEC_DONE(ips.list);
}
