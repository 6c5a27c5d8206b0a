/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"
#include "deliver.h"
#include "encap.h"
#include "flood.h"
#include "too_big.h"
#include "vxlan.h"

/* In: a unicast packet of a workload for a port on another host. */
static __always_inline int l2_remote(struct pkt *p, const struct dp_target *target)
{
	const struct dp_tunnel *tunnel;
	struct dp_tunnel_key pair;

	if (p->from_localport)
		return drop(p, DP_DROP_LOCALPORT_TO_REMOTE);
	tunnel = tunnel_find(p, target->remote, &pair);
	if (!tunnel || !(tunnel->flags & DP_TUNNEL_READY))
		return drop(p, DP_DROP_TUNNEL_DOWN);
	if (inner_bytes(p) > inner_mtu(tunnel)) {
		p->mtu = inner_mtu(tunnel);
		return VERDICT_TOO_BIG;
	}
	if (tunnel->flags & DP_TUNNEL_VXLAN)
		return stage_vxlan(p, target->port_key, &pair, tunnel);
	return stage_encap(p, target->port_key, &pair, tunnel);
}

static __always_inline int l2_known(struct pkt *p, const struct dp_target *target)
{
	if (target->port_key == p->in_key)
		return drop(p, DP_DROP_SAME_PORT);
	if (target->flags & DP_TARGET_DISABLED)
		return drop_at(p, target->port_key, DP_DROP_TARGET_DISABLED);
	if (target->flags & DP_TARGET_LOCAL)
		return stage_deliver(p, target);
	if (target->flags & DP_TARGET_LOCALPORT)
		return drop(p, DP_DROP_LOCALPORT_NOT_HERE);
	if (target->flags & DP_TARGET_REMOTE)
		return l2_remote(p, target);
	return drop(p, DP_DROP_NOT_BOUND);
}

/* Out: the packet is on its way, or VERDICT_TOO_BIG. */
static __always_inline int l2_forward(struct pkt *p)
{
	struct dp_fdb_key key = { .datapath = p->datapath };
	const struct dp_target *target;
	__u16 group = DP_GROUP_FLOOD;

	if (!is_multicast(p->eth.h_dest)) {
		__builtin_memcpy(key.mac, p->eth.h_dest, 6);
		target = bpf_map_lookup_elem(&fdb, &key);
		if (target)
			return l2_known(p, target);
		if (group_is_empty(p, DP_GROUP_UNKNOWN))
			return drop(p, DP_DROP_NO_DESTINATION);
		group = DP_GROUP_UNKNOWN;
	}
	return stage_flood(p, group);
}

/* In: a packet of a workload that nobody has answered.  Out: on its way.  Mirrors OVN ls_in_l2_lkup and
 * ls_in_l2_unknown, and the table of localports (reference 1.8). */
static __always_inline int stage_l2(struct pkt *p)
{
	int verdict = l2_forward(p);

	return verdict == VERDICT_TOO_BIG ? stage_too_big(p) : verdict;
}
