/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "model/network_impl.h"
#include "util/alloc.h"

/* Pairs of tunnel addresses: every encap of the best common type of every other chassis with every encap of ours
 * (reference ovn.md 2.4), IPv4 all of them.  Routes are kept by pair, whether a chassis wants it now or not, since
 * the host may find them out in any order. */

static struct dp_tunnel_key tunnel_key(const struct ip *remote, const struct ip *local)
{
	struct dp_tunnel_key key;

	memcpy(key.remote, remote, sizeof(key.remote));
	memcpy(key.local, local, sizeof(key.local));
	return key;
}

static struct tunnel *tunnel_find(const struct network *network, const struct dp_tunnel_key *key)
{
	struct tunnel *tunnel;

	HASH_FIND(hh, network->tunnels, key, sizeof(*key), tunnel);
	return tunnel;
}

static struct tunnel *tunnel_get(struct network *network, const struct dp_tunnel_key *key)
{
	struct tunnel *tunnel = tunnel_find(network, key);

	if (tunnel)
		return tunnel;
	tunnel = xcalloc(1, sizeof(*tunnel));
	tunnel->key = *key;
	HASH_ADD(hh, network->tunnels, key, sizeof(tunnel->key), tunnel);
	return tunnel;
}

static struct dp_tunnel tunnel_value(const struct tunnel *tunnel)
{
	const struct network_route *route = &tunnel->route;
	struct dp_tunnel value = { .udp_port = htons(tunnel->udp_port) };

	if (tunnel->type == NETWORK_VXLAN)
		value.flags = DP_TUNNEL_VXLAN;
	if (!tunnel->has_route || !route->ready)
		return value;
	value.flags |= DP_TUNNEL_READY;
	value.ifindex = route->ifindex;
	value.mtu = route->mtu;
	memcpy(value.nexthop, &route->nexthop, sizeof(value.nexthop));
	if (route->neighbor) {
		value.flags |= DP_TUNNEL_NEIGHBOR;
		memcpy(value.source_mac, &route->source_mac, sizeof(value.source_mac));
		memcpy(value.destination_mac, &route->destination_mac,
		       sizeof(value.destination_mac));
	}
	return value;
}

static void entry_settle(struct network *network, const struct dp_tunnel_key *key, bool wanted,
			 const struct dp_tunnel *value)
{
	struct dp_owner owner = { { NETWORK_OWNER_TUNNEL } };

	memcpy(owner.bytes + 1, key, sizeof(*key));
	dp_state_begin(network->out, &owner);
	if (wanted)
		dp_state_want(network->out, DP_MAP_TUNNELS, key, value);
	dp_state_end(network->out);
}

/* To be called after each change of a tunnel, which may be gone afterwards. */
static void tunnel_settle(struct network *network, struct tunnel *tunnel)
{
	struct dp_tunnel value = tunnel_value(tunnel);

	entry_settle(network, &tunnel->key, tunnel->n_users, &value);
	if (!tunnel->n_users && !tunnel->has_route) {
		HASH_DEL(network->tunnels, tunnel);
		free(tunnel);
	}
}

const char *network_encap_type_name(enum network_encap_type type)
{
	static const char *const names[] = {
		[NETWORK_GENEVE] = "geneve",
		[NETWORK_VXLAN] = "vxlan",
	};

	return names[type];
}

const struct encap *network_encaps_used(const struct network *network,
					const struct chassis *chassis, size_t *ret_n)
{
	size_t first = 0, n = 0;

	while (first < chassis->n_encaps &&
	       !(network->encap_types & 1u << chassis->encaps[first].type))
		first++;
	while (first + n < chassis->n_encaps &&
	       chassis->encaps[first + n].type == chassis->encaps[first].type)
		n++;
	*ret_n = n;
	return n ? &chassis->encaps[first] : NULL;
}

static void each_pair(struct network *network, const struct chassis *chassis,
		      void (*visit)(struct network *network, const struct dp_tunnel_key *key,
				    const struct encap *encap))
{
	const struct encap *used;
	size_t n;

	if (!chassis->name || !network->chassis_name || network_chassis_is_ours(network, chassis))
		return;
	used = network_encaps_used(network, chassis, &n);
	for (size_t i = 0; i < n; i++) {
		const struct encap *encap = &used[i];

		for (size_t j = 0; j < network->n_encaps; j++) {
			struct dp_tunnel_key key = tunnel_key(&encap->ip, &network->encaps[j]);

			visit(network, &key, encap);
		}
	}
}

static void enter_pair(struct network *network, const struct dp_tunnel_key *key,
		       const struct encap *encap)
{
	struct tunnel *tunnel = tunnel_get(network, key);

	tunnel->n_users++;
	tunnel->type = encap->type;
	tunnel->udp_port = encap->udp_port;
	tunnel_settle(network, tunnel);
}

static void leave_pair(struct network *network, const struct dp_tunnel_key *key,
		       const struct encap *encap)
{
	struct tunnel *tunnel = tunnel_find(network, key);

	tunnel->n_users--;
	tunnel_settle(network, tunnel);
}

void network_tunnels_enter(struct network *network, const struct chassis *chassis)
{
	each_pair(network, chassis, enter_pair);
}

void network_tunnels_leave(struct network *network, const struct chassis *chassis)
{
	each_pair(network, chassis, leave_pair);
}

void network_tunnels_own(struct network *network, bool wanted)
{
	static const struct ip no_remote;
	struct dp_tunnel value = { 0 };

	if (network->encap_types & 1u << NETWORK_VXLAN)
		value.flags = DP_TUNNEL_VXLAN;
	if (!network->chassis_name)
		return;
	for (size_t i = 0; i < network->n_encaps; i++) {
		struct dp_tunnel_key key = tunnel_key(&no_remote, &network->encaps[i]);

		entry_settle(network, &key, wanted, &value);
	}
}

void network_set_route(struct network *network, const struct ip *remote, const struct ip *local,
		       const struct network_route *route)
{
	struct dp_tunnel_key key = tunnel_key(remote, local);
	struct tunnel *tunnel = tunnel_get(network, &key);

	tunnel->has_route = route != NULL;
	if (route)
		tunnel->route = *route;
	tunnel_settle(network, tunnel);
}

void network_each_tunnel(const struct network *network,
			 void (*visit)(void *arg, const struct ip *remote, const struct ip *local),
			 void *arg)
{
	for (const struct tunnel *tunnel = network->tunnels; tunnel; tunnel = tunnel->hh.next) {
		struct ip remote, local;

		if (!tunnel->n_users)
			continue;
		memcpy(&remote, tunnel->key.remote, sizeof(remote));
		memcpy(&local, tunnel->key.local, sizeof(local));
		visit(arg, &remote, &local);
	}
}
