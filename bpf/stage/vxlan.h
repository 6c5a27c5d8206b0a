/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"
#include "encap.h"

/* VXLAN as OVN uses it between hosts (reference 2.2): see DP_VXLAN_* in dp_abi.h. */

/* The header has the shape of Geneve's, flags in the first byte and VNI in the second word, so that it takes its place in
 * struct outer.  The inner Ethernet header follows at once, where Geneve has its option. */
#define VXLAN_OUTER_BYTES (OUTER_BYTES - 8)
#define VXLAN_ENCAP_BYTES (VXLAN_OUTER_BYTES - ETH_HLEN)
#define VXLAN_HAS_VNI     0x08

_Static_assert(VXLAN_ENCAP_BYTES == sizeof(struct iphdr) + DP_VXLAN_OVERHEAD, "dp_abi.h agrees");

static __always_inline void *vxlan_inner(struct outer *o)
{
	return (void *)o + offsetof(struct outer, option);
}

/* Keys from before the first VXLAN chassis may be larger than central gives them now. */
static __always_inline bool vxlan_keys_fit(const struct pkt *p, __u16 out_key)
{
	return p->datapath < 1 << 12 && (out_key >= DP_GROUP_MIN || out_key < DP_VXLAN_GROUP);
}

static __always_inline __be32 vxlan_vni(const struct pkt *p, __u16 out_key)
{
	__u32 out = out_key & (DP_VXLAN_GROUP - 1);

	if (out_key >= DP_GROUP_MIN)
		out |= DP_VXLAN_GROUP;
	return bpf_htonl((out << 12 | p->datapath) << 8);
}

static __always_inline void vxlan_init(struct outer *o, struct pkt *p, __u16 out_key)
{
	outer_init(o, p, out_key);
	o->ip.tot_len = bpf_htons(bpf_ntohs(o->ip.tot_len) - (OUTER_BYTES - VXLAN_OUTER_BYTES));
	o->udp.len = bpf_htons(bpf_ntohs(o->udp.len) - (OUTER_BYTES - VXLAN_OUTER_BYTES));
	o->geneve = (struct geneve){
		.version_optlen = VXLAN_HAS_VNI,
		.vni = vxlan_vni(p, out_key),
	};
	__builtin_memcpy(vxlan_inner(o), &p->eth, sizeof(p->eth));
}

/* In: as for stage_encap(), and the tunnel is one of VXLAN. */
static __always_inline int stage_vxlan(struct pkt *p, __u16 out_key,
				       const struct dp_tunnel_key *pair,
				       const struct dp_tunnel *tunnel)
{
	struct outer o;

	if (!vxlan_keys_fit(p, out_key))
		return drop(p, DP_DROP_VXLAN_KEY);
	vxlan_init(&o, p, out_key);
	outer_address(&o, pair, tunnel);
	return encap_send(p, &o, VXLAN_ENCAP_BYTES, tunnel);
}
