/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"
#include "encap.h"
#include "too_big.h"
#include "vxlan.h"

/* Walks one chain of members.  One step of a walk handles the member that the step before named. */
struct walk {
	struct pkt *p;
	struct dp_member_key key;
	bool spare_localports;
	__u32 inner_bytes;   /* remote chain: what must fit each member's tunnel */
	struct outer *outer; /* remote chain: rewritten for each member */
};

static __always_inline void walk_init(struct walk *w, struct pkt *p, __u16 group)
{
	*w = (struct walk){ .p = p, .key = { .datapath = p->datapath, .group = group } };
}

/* Moves to the next member; NULL at the end. */
static __always_inline const struct dp_member *walk_next(struct walk *w)
{
	const struct dp_member *m = bpf_map_lookup_elem(&members, &w->key);

	if (!m || is_zero_ip(m->next))
		return NULL;
	copy_ip(w->key.ref, m->next);
	return bpf_map_lookup_elem(&members, &w->key);
}

static long flood_local_step(__u32 i, struct walk *w)
{
	const struct dp_member *m = walk_next(w);
	__u16 port_key = w->key.ref[14] << 8 | w->key.ref[15];

	(void)i;
	if (!m)
		return 1;
	if (port_key == w->p->in_key || (w->spare_localports && (m->flags & DP_TARGET_LOCALPORT)))
		return 0;
	if (bpf_clone_redirect(w->p->skb, m->ifindex, 0))
		drop_at(w->p, port_key, DP_DROP_DEVICE_REFUSED);
	return 0;
}

/* bytes: what the packet has grown by. */
static __always_inline long remote_step(struct walk *w, __u32 bytes)
{
	const struct dp_member *m = walk_next(w);
	struct pkt *p = w->p;
	const struct dp_tunnel *tunnel;
	struct dp_tunnel_key pair;

	if (!m)
		return 1;
	tunnel = tunnel_find(p, w->key.ref, &pair);
	if (!tunnel || (~tunnel->flags & (DP_TUNNEL_READY | DP_TUNNEL_NEIGHBOR))) {
		drop(p, DP_DROP_TUNNEL_DOWN);
		return 0;
	}
	if (w->inner_bytes + bytes > tunnel->mtu) {
		drop(p, DP_DROP_TOO_BIG);
		return 0;
	}
	outer_address(w->outer, &pair, tunnel);
	if (bpf_skb_store_bytes(p->skb, 0, &w->outer->eth, bytes + ETH_HLEN, 0) < 0) {
		drop(p, DP_DROP_INTERNAL);
		return 1;
	}
	if (bpf_clone_redirect(p->skb, tunnel->ifindex, 0))
		drop(p, DP_DROP_DEVICE_REFUSED);
	return 0;
}

static long flood_fit_step(__u32 i, struct walk *w)
{
	const struct dp_member *m = walk_next(w);
	const struct dp_tunnel *tunnel;
	struct dp_tunnel_key pair;

	(void)i;
	if (!m)
		return 1;
	tunnel = tunnel_find(w->p, w->key.ref, &pair);
	if (tunnel && tunnel->flags & DP_TUNNEL_READY && w->inner_bytes > inner_mtu(tunnel) &&
	    (!w->p->mtu || inner_mtu(tunnel) < w->p->mtu))
		w->p->mtu = inner_mtu(tunnel);
	return 0;
}

static long flood_geneve_step(__u32 i, struct walk *w)
{
	(void)i;
	return remote_step(w, ENCAP_BYTES);
}

static long flood_vxlan_step(__u32 i, struct walk *w)
{
	(void)i;
	return remote_step(w, VXLAN_ENCAP_BYTES);
}

static __always_inline bool chain_is_empty(const struct pkt *p, __u16 group, __u16 chain)
{
	struct dp_member_key head = { .datapath = p->datapath, .group = group, .chain = chain };
	const struct dp_member *m = bpf_map_lookup_elem(&members, &head);

	return !m || is_zero_ip(m->next);
}

static __always_inline bool group_is_empty(const struct pkt *p, __u16 group)
{
	return chain_is_empty(p, group, DP_CHAIN_LOCAL) &&
	       chain_is_empty(p, group, DP_CHAIN_REMOTE) &&
	       chain_is_empty(p, group, DP_CHAIN_VXLAN);
}

/* In: a bare frame for the local members of group.  Localports get no copy of what came from a tunnel or from
 * a localport.  Mirrors OVN's multicast part of LOCAL_OUTPUT. */
static __always_inline void flood_local(struct pkt *p, __u16 group)
{
	struct walk w;

	walk_init(&w, p, group);
	w.key.chain = DP_CHAIN_LOCAL;
	w.spare_localports = p->from_tunnel || p->from_localport;
	p->skb->mark = DP_MARK_JUDGED;
	bpf_loop(CHAIN_MAX, flood_local_step, &w, 0);
}

/* In: a packet of a workload.  Out: a copy to every member that Geneve reaches. */
static __always_inline int flood_geneve(struct pkt *p, __u16 group)
{
	enum dp_drop reason;
	struct outer outer;
	struct walk w;

	walk_init(&w, p, group);
	w.key.chain = DP_CHAIN_REMOTE;
	w.inner_bytes = inner_bytes(p);
	w.outer = &outer;
	outer_init(&outer, p, group);
	reason = make_room(p, ENCAP_BYTES);
	if (reason)
		return drop(p, reason);
	p->skb->mark = 0;
	bpf_loop(CHAIN_MAX, flood_geneve_step, &w, 0);
	return TC_ACT_SHOT;
}

/* The same for VXLAN. */
static __noinline int flood_vxlan(struct pkt *p, __u16 group)
{
	enum dp_drop reason;
	struct outer outer;
	struct walk w;

	if (!vxlan_keys_fit(p, group))
		return drop(p, DP_DROP_VXLAN_KEY);
	walk_init(&w, p, group);
	w.key.chain = DP_CHAIN_VXLAN;
	w.inner_bytes = inner_bytes(p);
	w.outer = &outer;
	vxlan_init(&outer, p, group);
	reason = make_room(p, VXLAN_ENCAP_BYTES);
	if (reason)
		return drop(p, reason);
	p->skb->mark = 0;
	bpf_loop(CHAIN_MAX, flood_vxlan_step, &w, 0);
	return TC_ACT_SHOT;
}

/* In: a packet of a workload.  Out: true if it does not fit to each remote member of group; p->mtu would. */
static __noinline bool flood_too_big(struct pkt *p, __u16 group)
{
	struct walk w;

	walk_init(&w, p, group);
	w.inner_bytes = inner_bytes(p);
	w.key.chain = DP_CHAIN_REMOTE;
	bpf_loop(CHAIN_MAX, flood_fit_step, &w, 0);
	__builtin_memset(w.key.ref, 0, sizeof(w.key.ref));
	w.key.chain = DP_CHAIN_VXLAN;
	bpf_loop(CHAIN_MAX, flood_fit_step, &w, 0);
	return p->mtu;
}

/* In: the second pass of a packet that stage_flood() has sent to all but the members that VXLAN reaches. */
static __always_inline int stage_flood_again(struct pkt *p)
{
	p->skb->mark = 0;
	return flood_vxlan(p, is_multicast(p->eth.h_dest) ? DP_GROUP_FLOOD : DP_GROUP_UNKNOWN);
}

/* In: a packet of a workload.  Out: a copy to every local and remote member; the original is done, or, unicast,
 * VERDICT_TOO_BIG.  A packet grows once: where both kinds of tunnel are needed, a copy comes in by its device again. */
static __always_inline int stage_flood(struct pkt *p, __u16 group)
{
	flood_local(p, group);
	if (p->from_localport)
		return TC_ACT_SHOT;
	if (group == DP_GROUP_UNKNOWN && flood_too_big(p, group))
		return VERDICT_TOO_BIG;
	if (!chain_is_empty(p, group, DP_CHAIN_VXLAN)) {
		if (chain_is_empty(p, group, DP_CHAIN_REMOTE))
			return flood_vxlan(p, group);
		p->skb->mark = DP_MARK_VXLAN;
		if (bpf_clone_redirect(p->skb, p->device, BPF_F_INGRESS))
			drop(p, DP_DROP_DEVICE_REFUSED);
	} else if (chain_is_empty(p, group, DP_CHAIN_REMOTE)) {
		return TC_ACT_SHOT;
	}
	return flood_geneve(p, group);
}
