/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"

/* In: a frame from a workload, whose Ethernet header is linear, as the driver has looked at it.
 * Out: p->eth.  Mirrors OVN ls_in_check_port_sec's first rules: a
 * multicast source and a VLAN tag are dropped. */
static __always_inline enum dp_drop stage_parse(struct pkt *p)
{
	struct __sk_buff *skb = p->skb;
	const void *data = (void *)(long)skb->data;

	if (data + sizeof(p->eth) > (void *)(long)skb->data_end)
		return DP_DROP_TRUNCATED;
	__builtin_memcpy(&p->eth, __builtin_assume_aligned(data, 2), sizeof(p->eth));
	if (skb->vlan_present || p->eth.h_proto == bpf_htons(ETH_P_8021Q) ||
	    p->eth.h_proto == bpf_htons(ETH_P_8021AD))
		return DP_DROP_VLAN;
	if (is_multicast(p->eth.h_source))
		return DP_DROP_SOURCE_MULTICAST;
	return DP_NO_DROP;
}
