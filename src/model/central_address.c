/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "model/central_private.h"
#include "util/net.h"

/* Finds addresses that two ports of one switch have. */

enum kind { /* of the two that a port may share with another, the first is told */
	OWNED_IP,
	OWNED_MAC,
};

struct owned {
	enum kind kind;
	union {
		struct ip ip;
		struct mac mac;
		uint8_t bytes[sizeof(struct ip)]; /* zero behind a MAC address */
	};
	struct central_port *port;
};

struct all_owned {
	VEC(struct owned) list;
};

static bool is_same(const struct owned *a, const struct owned *b)
{
	return a->kind == b->kind && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int order = (int)x->kind - (int)y->kind;

	if (!order)
		order = memcmp(x->bytes, y->bytes, sizeof(x->bytes));
	return order ? order : uuid_cmp(&x->port->nb, &y->port->nb);
}

static void add(struct all_owned *all, enum kind kind, const void *address, size_t size,
		struct central_port *port)
{
	struct owned owned = { .kind = kind, .port = port };

	memcpy(owned.bytes, address, size);
	VEC_ADD(all->list, owned);
}

static void collect(struct central_port *port, struct all_owned *all)
{
	const struct ovsdb_datum *addresses = nb_lsp_addresses(port->lsp);
	struct lsp_address address;

	for (uint32_t i = 0; i < addresses->n; i++) {
		if (lsp_address_parse(addresses->keys[i].string, &address, NULL) < 0 ||
		    address.kind != LSP_ADDRESS_ETHERNET)
			continue;
		add(all, OWNED_MAC, &address.mac, sizeof(address.mac), port);
		for (size_t j = 0; j < address.n_ips; j++)
			add(all, OWNED_IP, &address.ips[j], sizeof(address.ips[j]), port);
	}
}

static const char *format(const struct owned *owned, char text[static IP_TEXT_SIZE])
{
	return owned->kind == OWNED_IP ? ip_format(&owned->ip, text)
				       : mac_format(&owned->mac, text);
}

/* The port with the larger uuid of the two is the one that is told, once. */
static void tell(struct central_plan *plan, const struct all_owned *all)
{
	for (size_t i = 1; i < all->list.n; i++) {
		const struct owned *first = &all->list.v[i - 1], *second = &all->list.v[i];
		char text[IP_TEXT_SIZE];

		if (!is_same(first, second) || first->port == second->port)
			continue;
		second->port->flags |= CENTRAL_PORT_DUPLICATE;
		central_problem(
			plan, &second->port->warned, CENTRAL_DUPLICATE,
			"logical port \"%s\": address %s is also that of \"%s\" on the same "
			"switch",
			central_port_name(second->port), format(first, text),
			central_port_name(first->port));
	}
}

void central_datapath_check_addresses(struct central_plan *plan, struct central_datapath *datapath)
{
	struct all_owned all = { VEC_INIT };

	if (!datapath->ls || !plan->opts.warn)
		return;
	VEC_FOREACH(port, datapath->ports) {
		(*port)->flags &= (uint8_t)~CENTRAL_PORT_DUPLICATE;
		collect(*port, &all);
	}
	if (all.list.n)
		qsort(all.list.v, all.list.n, sizeof(*all.list.v), compare);
	tell(plan, &all);
	VEC_FOREACH(port, datapath->ports)
		if (!((*port)->flags & CENTRAL_PORT_DUPLICATE))
			central_problem(plan, &(*port)->warned, CENTRAL_DUPLICATE, NULL);
	VEC_DONE(all.list);
}
