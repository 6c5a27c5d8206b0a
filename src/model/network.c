/* SPDX-License-Identifier: Apache-2.0 */
#include "model/network.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "model/network_impl.h"
#include "util/alloc.h"
#include "util/str.h"

/* The life of a change: network_rows.c (rows), network_plug() and friends (facts) update objects and mark
 * the ports that depend on them.  network_run() first lets each marked port find out where it is, which may
 * bring its switch to life or end it and so mark all of the switch's ports, and then compiles what is marked. */

struct lport_name *network_name_get(struct network *network, const char *text)
{
	struct lport_name *name;
	size_t len = strlen(text);

	HASH_FIND(hh, network->names, text, len, name);
	if (name)
		return name;
	name = xcalloc(1, sizeof(*name) + len + 1);
	memcpy(name->text, text, len + 1);
	HASH_ADD_KEYPTR(hh, network->names, name->text, len, name);
	return name;
}

void network_name_release(struct network *network, struct lport_name *name)
{
	if (name->n_ports || name->ifaces || name->n_disabled)
		return;
	HASH_DEL(network->names, name);
	free(name);
}

void network_mark_port(struct network *network, struct port *port)
{
	if (port->marked)
		return;
	port->marked = true;
	DL_APPEND2(network->marked_ports, port, mark_prev, mark_next);
}

void network_mark_name(struct network *network, struct lport_name *name)
{
	if (name->port)
		network_mark_port(network, name->port);
}

void network_mark_switch(struct network *network, struct sw *sw)
{
	if (sw->marked)
		return;
	sw->marked = true;
	DL_APPEND2(network->marked_switches, sw, mark_prev, mark_next);
}

void network_mark_all(struct network *network)
{
	struct port *port, *next;

	HASH_ITER(hh, network->ports, port, next)
	network_mark_port(network, port);
}

bool network_chassis_is_ours(const struct network *network, const struct chassis *chassis)
{
	return chassis->name && network->chassis_name &&
	       str_eq(chassis->name, network->chassis_name);
}

/* ---- interfaces ---- */

static struct iface *iface_find(const struct network *network, const char *name)
{
	struct iface *iface;

	HASH_FIND_STR(network->ifaces, name, iface);
	return iface;
}

static int iface_cmp(const struct iface *a, const struct iface *b)
{
	return strcmp(a->name, b->name);
}

static void iface_remove(struct network *network, struct iface *iface)
{
	struct lport_name *lport = iface->lport;

	network_mark_name(network, lport);
	LL_DELETE(lport->ifaces, iface);
	HASH_DEL(network->ifaces, iface);
	free(iface);
	network_name_release(network, lport);
}

static bool iface_is(const struct iface *iface, const struct network_iface *facts)
{
	return str_eq(iface->lport->text, facts->iface_id) && iface->ifindex == facts->ifindex &&
	       iface->peer_elsewhere == facts->peer_elsewhere && iface->down == facts->down &&
	       ip_eq(&iface->local, &facts->local);
}

void network_plug(struct network *network, const struct network_iface *facts)
{
	struct iface *iface = iface_find(network, facts->name);
	size_t len = strlen(facts->name);

	if (iface && iface_is(iface, facts))
		return;
	if (iface)
		iface_remove(network, iface);
	iface = xcalloc(1, sizeof(*iface) + len + 1);
	memcpy(iface->name, facts->name, len + 1);
	iface->ifindex = facts->ifindex;
	iface->peer_elsewhere = facts->peer_elsewhere;
	iface->down = facts->down;
	iface->local = facts->local;
	iface->lport = network_name_get(network, facts->iface_id);
	HASH_ADD_KEYPTR(hh, network->ifaces, iface->name, len, iface);
	LL_INSERT_INORDER(iface->lport->ifaces, iface, iface_cmp);
	network_mark_name(network, iface->lport);
}

void network_unplug(struct network *network, const char *name)
{
	struct iface *iface = iface_find(network, name);

	if (iface)
		iface_remove(network, iface);
}

enum network_iface_state network_iface_state(const struct network *network, const char *name)
{
	const struct iface *iface = iface_find(network, name);

	if (!iface || !iface->lport->port)
		return NETWORK_IFACE_UNKNOWN;
	if (iface != iface->lport->ifaces)
		return NETWORK_IFACE_SHADOWED;
	return network_port_state(network, iface->lport->port);
}

bool network_is_installed(const struct network *network, const char *name)
{
	return network_iface_state(network, name) == NETWORK_IFACE_LIVE &&
	       network_port_is_installed(network, iface_find(network, name)->lport->port);
}

/* ---- who we are ---- */

static bool same_ips(const struct ip *a, size_t n_a, const struct ip *b, size_t n_b)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof(*a)) == 0);
}

void network_set_chassis(struct network *network, const char *name, unsigned int encap_types,
			 const struct ip *encaps, size_t n_encaps)
{
	struct chassis *chassis, *next;

	if (str_eq(name, network->chassis_name) && encap_types == network->encap_types &&
	    same_ips(encaps, n_encaps, network->encaps, network->n_encaps))
		return;
	HASH_ITER(hh, network->chassis, chassis, next)
	network_tunnels_leave(network, chassis);
	network_tunnels_own(network, false);
	free(network->chassis_name);
	free(network->encaps);
	network->chassis_name = name ? xstrdup(name) : NULL;
	network->encaps = n_encaps ? xmemdup(encaps, n_encaps * sizeof(*encaps)) : NULL;
	network->n_encaps = n_encaps;
	network->encap_types = encap_types;
	network_tunnels_own(network, true);
	HASH_ITER(hh, network->chassis, chassis, next)
	network_tunnels_enter(network, chassis);
	network_mark_all(network);
}

/* ---- running ---- */

static void switches_settle(struct network *network)
{
	struct sw *sw, *next;
	struct port *port;

	DL_FOREACH_SAFE2(network->marked_switches, sw, next, mark_next)
	{
		DL_DELETE2(network->marked_switches, sw, mark_prev, mark_next);
		sw->marked = false;
		if (sw->live == (sw->key && sw->n_local_vifs))
			continue;
		sw->live = !sw->live;
		DL_FOREACH2(sw->ports, port, sw_next)
		network_mark_port(network, port);
	}
}

void network_run(struct network *network)
{
	struct port *port, *next;

	DL_FOREACH2(network->marked_ports, port, mark_next)
	network_port_resolve(network, port);
	switches_settle(network);
	DL_FOREACH_SAFE2(network->marked_ports, port, next, mark_next)
	{
		DL_DELETE2(network->marked_ports, port, mark_prev, mark_next);
		port->marked = false;
		network_port_compile(network, port);
	}
}

/* ---- checking ---- */

static void copy_facts(struct network *to, const struct network *from)
{
	network_set_chassis(to, from->chassis_name, from->encap_types, from->encaps,
			    from->n_encaps);
	for (const struct iface *iface = from->ifaces; iface; iface = iface->hh.next) {
		struct network_iface facts = {
			.name = iface->name,
			.iface_id = iface->lport->text,
			.ifindex = iface->ifindex,
			.peer_elsewhere = iface->peer_elsewhere,
			.down = iface->down,
			.local = iface->local,
		};

		network_plug(to, &facts);
	}
	for (const struct tunnel *tunnel = from->tunnels; tunnel; tunnel = tunnel->hh.next) {
		struct ip remote, local;

		memcpy(&remote, tunnel->key.remote, sizeof(remote));
		memcpy(&local, tunnel->key.local, sizeof(local));
		if (tunnel->has_route)
			network_set_route(to, &remote, &local, &tunnel->route);
	}
}

bool network_check(const struct network *network, const struct replica *sb,
		   const struct replica *nb, char **ret_what)
{
	struct dp_state *out = dp_state_new();
	struct network *fresh = network_new(out);
	bool same;

	copy_facts(fresh, network);
	network_update(fresh, sb, nb);
	network_run(fresh);
	same = dp_state_same_wants(network->out, out, ret_what);
	network_free(fresh);
	dp_state_free(out);
	return same;
}

/* ---- life ---- */

struct network *network_new(struct dp_state *out)
{
	struct network *network = xcalloc(1, sizeof(*network));

	network->out = out;
	return network;
}

static void free_tunnels(struct network *network)
{
	struct tunnel *tunnel, *next;

	HASH_ITER(hh, network->tunnels, tunnel, next)
	{
		HASH_DEL(network->tunnels, tunnel);
		free(tunnel);
	}
}

void network_free(struct network *network)
{
	struct iface *iface, *next;

	if (!network)
		return;
	network_forget_southbound(network);
	network_forget_northbound(network);
	HASH_ITER(hh, network->ifaces, iface, next)
	iface_remove(network, iface);
	free_tunnels(network);
	assert(!network->names);
	free(network->chassis_name);
	free(network->encaps);
	free(network);
}
