/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"

/* <linux/if_arp.h> draws in libc headers. */
#define ARP_HARDWARE_ETHERNET 1
#define ARP_REQUEST           1
#define ARP_REPLY             2

struct arp_ipv4 {
	__be16 hrd, pro;
	__u8 hln, pln;
	__be16 op;
	__u8 sha[6];
	__be32 spa;
	__u8 tha[6];
	__be32 tpa;
} __attribute__((packed));

/* In: an ARP frame.  Out: true if it was a request that has become the reply in *ret_verdict; false: it
 * is a packet like any other.  Mirrors OVN ls_in_arp_rsp. */
static __always_inline bool stage_arp(struct pkt *p, int *ret_verdict)
{
	struct __sk_buff *skb = p->skb;
	struct dp_neighbor_key key = { .datapath = p->datapath };
	const struct dp_neighbor *owner;
	struct {
		struct ethhdr eth;
		struct arp_ipv4 arp;
	} __attribute__((packed)) frame;
	__be32 asked;

	if (bpf_skb_load_bytes(skb, 0, &frame, sizeof(frame)) < 0)
		return false;
	if (frame.arp.hrd != bpf_htons(ARP_HARDWARE_ETHERNET) ||
	    frame.arp.pro != bpf_htons(ETH_P_IP) || frame.arp.hln != 6 || frame.arp.pln != 4 ||
	    frame.arp.op != bpf_htons(ARP_REQUEST))
		return false;
	asked = frame.arp.tpa;
	map_v4(key.ip, asked);
	owner = bpf_map_lookup_elem(&neighbors, &key);
	if (!owner || owner->port_key == p->in_key)
		return false;

	__builtin_memcpy(frame.eth.h_dest, frame.eth.h_source, 6);
	__builtin_memcpy(frame.eth.h_source, owner->mac, 6);
	frame.arp.op = bpf_htons(ARP_REPLY);
	__builtin_memcpy(frame.arp.tha, frame.arp.sha, 6);
	frame.arp.tpa = frame.arp.spa;
	__builtin_memcpy(frame.arp.sha, owner->mac, 6);
	frame.arp.spa = asked;
	*ret_verdict = bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), 0) < 0
			       ? drop(p, DP_DROP_INTERNAL)
			       : send_to(skb, p->device);
	return true;
}
