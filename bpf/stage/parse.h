/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"

/* In: a frame from a workload.  Out: p->eth.  Mirrors OVN ls_in_check_port_sec's first rules: a
 * multicast source and a VLAN tag are dropped. */
static __always_inline enum dp_drop stage_parse(struct pkt *p)
{
	struct __sk_buff *skb = p->skb;

	if (bpf_skb_load_bytes(skb, 0, &p->eth, sizeof(p->eth)) < 0)
		return DP_DROP_TRUNCATED;
	if (skb->vlan_present || p->eth.h_proto == bpf_htons(ETH_P_8021Q) ||
	    p->eth.h_proto == bpf_htons(ETH_P_8021AD))
		return DP_DROP_VLAN;
	if (is_multicast(p->eth.h_source))
		return DP_DROP_SOURCE_MULTICAST;
	return DP_NO_DROP;
}
