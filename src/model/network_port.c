/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "model/lport.h"
#include "model/network_impl.h"
#include "schema/sb.h"

/* One port: where it is, and the entries that follow from it.  Reference ovn.md 1.2, 1.4, 1.8. */

static const struct sb_chassis *our_row(const struct network *network)
{
	struct chassis *chassis;

	if (!network->chassis_name)
		return NULL;
	HASH_FIND(hh_name, network->chassis_by_name, network->chassis_name,
		  strlen(network->chassis_name), chassis);
	return chassis ? sb_chassis_get(network->sb, &chassis->uuid) : NULL;
}

/* A localport is bound by nobody, whatever its row says. */
static bool held_elsewhere(const struct network *network, const struct port *port)
{
	return !port->localport && port->chassis &&
	       !network_chassis_is_ours(network, port->chassis);
}

static bool is_here(const struct network *network, const struct port *port)
{
	return port->name->ifaces && port->may_bind && !held_elsewhere(network, port);
}

enum network_iface_state network_port_state(const struct network *network, const struct port *port)
{
	if (!port->may_bind || held_elsewhere(network, port))
		return NETWORK_IFACE_REFUSED;
	if (port->sw->live)
		return NETWORK_IFACE_LIVE;
	return port->localport ? NETWORK_IFACE_DORMANT : NETWORK_IFACE_UNKNOWN;
}

static void set_local_vif(struct network *network, struct port *port, bool local_vif)
{
	if (port->local_vif == local_vif)
		return;
	port->local_vif = local_vif;
	port->sw->n_local_vifs += local_vif ? 1 : -1;
	network_mark_switch(network, port->sw);
}

void network_port_resolve(struct network *network, struct port *port)
{
	const struct sb_port_binding *row = sb_port_binding_get(network->sb, &port->uuid);

	port->may_bind = row && lport_may_bind(row, our_row(network), network->chassis_name);
	set_local_vif(network, port, !port->localport && is_here(network, port));
}

/* ---- compiling ---- */

/* By key: of two ports with one address, the one with the smaller key has it. */
static struct dp_owner port_owner(const struct port *port, uint16_t key)
{
	struct dp_owner owner = { { NETWORK_OWNER_PORT } };
	uint32_t datapath_be = htonl(port->sw->key);
	uint16_t key_be = htons(key);

	memcpy(owner.bytes + 1, &datapath_be, sizeof(datapath_be));
	memcpy(owner.bytes + 5, &key_be, sizeof(key_be));
	memcpy(owner.bytes + 7, &port->uuid, sizeof(port->uuid));
	return owner;
}

static bool is_remote(const struct network *network, const struct port *port)
{
	size_t n = 0;

	if (network->chassis_name && held_elsewhere(network, port))
		network_encaps_used(network, port->chassis, &n);
	return n;
}

static const struct encap *find_encap(const struct chassis *chassis, const struct uuid *uuid)
{
	for (size_t i = 0; uuid && i < chassis->n_encaps; i++)
		if (uuid_eq(&chassis->encaps[i].uuid, uuid))
			return &chassis->encaps[i];
	return NULL;
}

/* Port_Binding.encap names an address; its type may be another than the one that we use. */
static const struct ip *remote_address(const struct network *network, const struct port *port,
				       const struct sb_port_binding *row)
{
	const struct encap *wanted = find_encap(port->chassis, sb_port_binding_encap(row));
	size_t n;
	const struct encap *used = network_encaps_used(network, port->chassis, &n);

	for (size_t i = 0; wanted && i < n; i++)
		if (ip_eq(&used[i].ip, &wanted->ip))
			return &used[i].ip;
	return &used[0].ip;
}

static struct dp_target port_target(const struct network *network, const struct port *port,
				    const struct sb_port_binding *row)
{
	struct dp_target target = { .port_key = port->key };

	if (port->localport)
		target.flags |= DP_TARGET_LOCALPORT;
	if (port->name->n_disabled)
		target.flags |= DP_TARGET_DISABLED;
	if (is_here(network, port)) {
		const struct iface *iface = port->name->ifaces;

		target.flags |= DP_TARGET_LOCAL | (iface->peer_elsewhere ? DP_TARGET_PEER : 0) |
				(iface->down ? DP_TARGET_DOWN : 0);
		target.ifindex = iface->ifindex;
	} else if (is_remote(network, port)) {
		target.flags |= DP_TARGET_REMOTE;
		memcpy(target.remote, remote_address(network, port, row), sizeof(target.remote));
	}
	return target;
}

static void want_port(struct network *network, const struct port *port)
{
	const struct iface *iface = port->name->ifaces;
	struct dp_port_key key = { .ifindex = iface->ifindex };
	struct dp_port value = {
		.datapath = port->sw->key,
		.port_key = port->key,
	};

	if (port->localport)
		value.flags |= DP_PORT_LOCALPORT;
	if (port->name->n_disabled)
		value.flags |= DP_PORT_DISABLED;
	memcpy(value.local, &iface->local, sizeof(value.local));
	dp_state_want(network->out, DP_MAP_PORTS, &key, &value);
}

static void want_neighbor(struct network *network, const struct port *port, const struct mac *mac,
			  const struct ip *ip)
{
	struct dp_neighbor_key key = { .datapath = port->sw->key };
	struct dp_neighbor value = { .port_key = port->key };

	memcpy(key.ip, ip, sizeof(key.ip));
	memcpy(value.mac, mac, sizeof(value.mac));
	dp_state_want(network->out, DP_MAP_NEIGHBORS, &key, &value);
}

static void want_address(struct network *network, const struct port *port,
			 const struct lsp_address *address, const struct dp_target *target,
			 bool is_neighbor)
{
	struct dp_fdb_key key = { .datapath = port->sw->key };

	memcpy(key.mac, &address->mac, sizeof(key.mac));
	dp_state_want(network->out, DP_MAP_FDB, &key, target);
	if (!is_neighbor)
		return;
	for (size_t i = 0; i < address->n_ips; i++)
		want_neighbor(network, port, &address->mac, &address->ips[i]);
}

/* Words that are no addresses are central's to complain about; what stands before them counts, as in OVN. */
static void want_addresses(struct network *network, const struct port *port,
			   const struct ovsdb_datum *words, const struct dp_target *target,
			   bool has_unknown)
{
	struct lsp_address address;

	for (uint32_t i = 0; i < words->n; i++) {
		if (lsp_address_read(words->keys[i].string, &address) &&
		    address.kind == LSP_ADDRESS_ETHERNET)
			want_address(network, port, &address, target, !has_unknown);
	}
}

static bool has_unknown_address(const struct ovsdb_datum *words)
{
	struct lsp_address address;

	for (uint32_t i = 0; i < words->n; i++) {
		if (lsp_address_parse(words->keys[i].string, &address, NULL) == 0 &&
		    address.kind == LSP_ADDRESS_UNKNOWN)
			return true;
	}
	return false;
}

static struct membership port_membership(const struct network *network, const struct port *port,
					 const struct dp_target *target, bool has_unknown)
{
	struct membership membership = { 0 };
	uint16_t key_be = htons(port->key);

	if (target->flags & DP_TARGET_DISABLED)
		return membership;
	if (target->flags & DP_TARGET_LOCAL) {
		membership.chain = DP_CHAIN_LOCAL;
		membership.flags = target->flags & DP_TARGET_LOCALPORT;
		membership.ifindex = target->ifindex;
		memcpy(membership.ref + 14, &key_be, sizeof(key_be));
	} else if (target->flags & DP_TARGET_REMOTE) {
		size_t n;
		const struct encap *used = network_encaps_used(network, port->chassis, &n);

		/* One copy per host, so always by the same address. */
		membership.chain = used->type == NETWORK_VXLAN ? DP_CHAIN_VXLAN : DP_CHAIN_REMOTE;
		memcpy(membership.ref, &used->ip, sizeof(membership.ref));
	} else {
		return membership;
	}
	membership.groups = NETWORK_FLOOD | (has_unknown ? NETWORK_UNKNOWN : 0);
	return membership;
}

static void uncompile(struct network *network, struct port *port)
{
	static const struct membership none;
	struct dp_owner owner;

	if (!port->compiled)
		return;
	owner = port_owner(port, port->compiled_key);
	dp_state_forget(network->out, &owner);
	network_members_change(network, port, &none);
	port->compiled = false;
}

void network_port_clear(struct network *network, struct port *port)
{
	if (!port->sw)
		return;
	uncompile(network, port);
	set_local_vif(network, port, false);
}

void network_port_compile(struct network *network, struct port *port)
{
	const struct sb_port_binding *row = sb_port_binding_get(network->sb, &port->uuid);
	struct membership membership;
	struct dp_lport_key key;
	struct dp_target target;
	struct dp_owner owner;
	bool has_unknown;

	if (port->compiled && port->compiled_key != port->key)
		uncompile(network, port);
	if (!row || !port->sw->live) {
		uncompile(network, port);
		return;
	}
	key = (struct dp_lport_key){ port->sw->key, port->key };
	owner = port_owner(port, port->key);
	target = port_target(network, port, row);
	has_unknown = has_unknown_address(sb_port_binding_mac(row));
	dp_state_begin(network->out, &owner);
	if (target.flags & DP_TARGET_LOCAL)
		want_port(network, port);
	dp_state_want(network->out, DP_MAP_LPORTS, &key, &target);
	want_addresses(network, port, sb_port_binding_mac(row), &target, has_unknown);
	dp_state_end(network->out);
	membership = port_membership(network, port, &target, has_unknown);
	network_members_change(network, port, &membership);
	port->compiled = true;
	port->compiled_key = port->key;
}

bool network_port_is_installed(const struct network *network, const struct port *port)
{
	struct dp_owner owner;

	if (!port->compiled || port->marked)
		return false;
	owner = port_owner(port, port->compiled_key);
	return dp_state_owner_is_installed(network->out, &owner) &&
	       network_members_are_installed(network, port);
}
