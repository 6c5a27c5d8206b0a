/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tunnels.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp/datapath.h"
#include "util/array.h"
#include "util/net.h"

struct tunnel {
	struct dp_tunnel_key key;
	struct dp_tunnel value;
};

struct tunnels {
	VEC(struct tunnel) list;
};

static void collect(void *arg, const struct dp_tunnel_key *key, const struct dp_tunnel *value)
{
	struct tunnels *tunnels = arg;
	struct ip remote;

	memcpy(&remote, key->remote, sizeof(remote));
	if (!ip_is_zero(&remote)) /* else an address of our own, see dp_abi.h */
		VEC_ADD(tunnels->list, ((struct tunnel){ *key, *value }));
}

static int compare(const void *a, const void *b)
{
	const struct tunnel *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

static const char *state_of(const struct dp_tunnel *tunnel)
{
	if (!(tunnel->flags & DP_TUNNEL_READY))
		return "no route";
	return tunnel->flags & DP_TUNNEL_NEIGHBOR ? "ready" : "next hop does not answer";
}

static json_t *draw(const struct tunnel *tunnel)
{
	char local[IP_TEXT_SIZE], remote[IP_TEXT_SIZE], device[IF_NAMESIZE];
	struct ip ip;
	json_t *object;

	memcpy(&ip, tunnel->key.local, sizeof(ip));
	ip_format(&ip, local);
	memcpy(&ip, tunnel->key.remote, sizeof(ip));
	ip_format(&ip, remote);
	object = json_pack("{s:s, s:s, s:s, s:s}", "local", local, "remote", remote, "type",
			   tunnel->value.flags & DP_TUNNEL_VXLAN ? "vxlan" : "geneve", "state",
			   state_of(&tunnel->value));
	if (!(tunnel->value.flags & DP_TUNNEL_READY))
		return object;
	if (!if_indextoname(tunnel->value.ifindex, device))
		snprintf(device, sizeof(device), "%u", tunnel->value.ifindex);
	json_object_set_new(object, "device", json_string(device));
	json_object_set_new(object, "mtu", json_integer(tunnel->value.mtu));
	return object;
}

json_t *tunnels_read(struct datapath *dp)
{
	struct tunnels tunnels = { 0 };
	json_t *list = json_array();

	datapath_each_tunnel(dp, collect, &tunnels);
	if (tunnels.list.n)
		qsort(tunnels.list.v, tunnels.list.n, sizeof(*tunnels.list.v), compare);
	VEC_FOREACH(tunnel, tunnels.list)
		json_array_append_new(list, draw(tunnel));
	VEC_DONE(tunnels.list);
	return list;
}
