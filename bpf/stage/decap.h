/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"
#include "deliver.h"
#include "encap.h"
#include "flood.h"

#define ECN_CE 3

/* Up to the Geneve header, up to its options. */
#define UDP_BYTES    (offsetof(struct outer, geneve) - offsetof(struct outer, eth))
#define GENEVE_BYTES (offsetof(struct outer, option) - offsetof(struct outer, eth))

/* Is there anything of our own at this address?  A pair with remote zero stands for the address alone. */
static __always_inline bool is_our_address(const struct dp_tunnel_key *pair)
{
	struct dp_tunnel_key alone = {};

	copy_ip(alone.local, pair->local);
	return bpf_map_lookup_elem(&tunnels, &alone);
}

static __always_inline bool is_keys_option(const struct geneve_option *o)
{
	return o->class == bpf_htons(DP_GENEVE_OPT_CLASS) && o->type == DP_GENEVE_OPT_TYPE;
}

/* A walk through Geneve's options.  A callback of bpf_loop() is verified once, a loop once per step. */
struct options {
	struct __sk_buff *skb;
	__u32 offset, bytes;
	__be32 keys;
	bool found;
	bool refused;
};

static long option_step(__u32 i, struct options *w)
{
	struct geneve_option o;
	__u32 bytes;

	(void)i;
	if (w->offset >= w->bytes)
		return 1;
	w->refused = true; /* until this one is seen to be right */
	if (bpf_skb_load_bytes(w->skb, GENEVE_BYTES + w->offset, &o, sizeof(o)) < 0)
		return 1;
	bytes = sizeof(o) + (o.length & 31) * 4;
	if (w->offset + bytes > w->bytes)
		return 1;
	if (is_keys_option(&o)) {
		if (bytes != 8 ||
		    bpf_skb_load_bytes(w->skb, GENEVE_BYTES + w->offset + 4, &w->keys, 4) < 0)
			return 1;
		w->found = true;
	} else if (o.type & 0x80) {
		return 1;
	}
	w->offset += bytes;
	w->refused = false;
	return 0;
}

/* Finds OVN's option and looks for options that we should understand but do not. */
static __always_inline bool find_keys(struct __sk_buff *skb, __u32 option_bytes, __be32 *ret_keys)
{
	struct options w = { .skb = skb, .bytes = option_bytes };

	bpf_loop(63, option_step, &w, 0); /* 63 words of options at most */
	*ret_keys = w.keys;
	return w.found && !w.refused;
}

/* In: the headers of a packet for us, read as if OVN's option were the only one.  Out: the option's keys and p->eth,
 * found elsewhere if it is not. */
static __always_inline enum dp_drop read_inner(struct pkt *p, const struct outer *h,
					       __u32 option_bytes, __be32 *ret_keys)
{
	if (option_bytes == 8 && is_keys_option(&h->option) && (h->option.length & 31) == 1) {
		*ret_keys = h->keys;
		p->eth = h->inner;
		return DP_NO_DROP;
	}
	if (!find_keys(p->skb, option_bytes, ret_keys))
		return DP_DROP_TUNNEL_OPTION;
	if (bpf_skb_load_bytes(p->skb, GENEVE_BYTES + option_bytes, &p->eth, sizeof(p->eth)) < 0)
		return DP_DROP_TRUNCATED;
	return DP_NO_DROP;
}

/* A mark of congestion on the way is handed on to the inner packet (RFC 6040); false: it cannot carry it. */
static __always_inline bool hand_on_congestion(struct pkt *p, __u32 inner_network)
{
	struct __sk_buff *skb = p->skb;
	__be16 old, new;

	if (bpf_skb_load_bytes(skb, inner_network, &old, 2) < 0)
		return false;
	if (p->eth.h_proto == bpf_htons(ETH_P_IP)) {
		if (!(old & bpf_htons(ECN_CE)))
			return false;
		new = old | bpf_htons(ECN_CE);
		return new == old || (!bpf_l3_csum_replace(skb, inner_network + 10, old, new, 2) &&
				      !bpf_skb_store_bytes(skb, inner_network, &new, 2, 0));
	}
	if (p->eth.h_proto == bpf_htons(ETH_P_IPV6)) {
		if (!(old & bpf_htons(ECN_CE << 4)))
			return false;
		new = old | bpf_htons(ECN_CE << 4);
		return !bpf_skb_store_bytes(skb, inner_network, &new, 2, BPF_F_RECOMPUTE_CSUM);
	}
	return true;
}

/* Takes bytes of headers off; the frame begins with its own Ethernet header again.  An IPv6 packet must not stay
 * IPv4 to the kernel: where the flag for that is missing, bpf_skb_change_proto() makes the switch, and the 20 bytes that it
 * opens in front of the network header go away with the rest. */
static __always_inline bool strip(struct pkt *p, __u32 bytes)
{
	struct __sk_buff *skb = p->skb;
	__u64 flags = PLAIN_FLAGS;

	if (p->eth.h_proto == bpf_htons(ETH_P_IPV6)) {
		if (has_decap_l3)
			flags |= ADJ_ROOM_DECAP_L3_IPV6;
		else if (!bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0))
			bytes += sizeof(struct ipv6hdr) - sizeof(struct iphdr);
		else
			return false;
	}
	if (bpf_skb_adjust_room(skb, -(__s32)bytes, BPF_ADJ_ROOM_MAC, flags) < 0 ||
	    bpf_skb_store_bytes(skb, 0, &p->eth, sizeof(p->eth), 0) < 0)
		return false;
	bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
	return true;
}

/* Why strip() failed: bpf_skb_adjust_room() leaves no less than an IP header behind. */
static __always_inline enum dp_drop strip_failure(const struct pkt *p, __u32 bytes)
{
	__u32 least = p->eth.h_proto == bpf_htons(ETH_P_IPV6) ? sizeof(struct ipv6hdr)
							      : sizeof(struct iphdr);

	return p->skb->len < sizeof(struct ethhdr) + bytes + least ? DP_DROP_TRUNCATED
								   : DP_DROP_INTERNAL;
}

/* In: a decapsulated frame with its keys.  Mirrors OVN's LOCAL_OUTPUT: nothing goes on to another host. */
static __always_inline enum dp_drop check_target(const struct pkt *p, __u16 out_key,
						 const struct dp_target *target)
{
	if (!target)
		return DP_DROP_TUNNEL_NOT_HERE;
	if (target->flags & DP_TARGET_LOCALPORT)
		return DP_DROP_TUNNEL_TO_LOCALPORT;
	if (target->flags & DP_TARGET_DISABLED)
		return DP_DROP_TARGET_DISABLED;
	if (!(target->flags & DP_TARGET_LOCAL))
		return DP_DROP_TUNNEL_NOT_HERE;
	return p->in_key == out_key ? DP_DROP_SAME_PORT : DP_NO_DROP;
}

static __always_inline int tunnel_deliver(struct pkt *p, __u16 out_key, __u32 strip_bytes)
{
	struct dp_lport_key key = { .datapath = p->datapath, .port_key = out_key };
	const struct dp_target *target;
	enum dp_drop reason;

	if (out_key >= DP_GROUP_MIN) {
		if (!strip(p, strip_bytes))
			return drop(p, strip_failure(p, strip_bytes));
		flood_local(p, out_key == DP_GROUP_UNKNOWN ? DP_GROUP_UNKNOWN : DP_GROUP_FLOOD);
		return TC_ACT_SHOT;
	}
	target = bpf_map_lookup_elem(&lports, &key);
	reason = check_target(p, out_key, target);
	if (reason)
		return target ? drop_at(p, out_key, reason) : drop(p, reason);
	if (!strip(p, strip_bytes))
		return drop(p, strip_failure(p, strip_bytes));
	return stage_deliver(p, target);
}

/* In: a packet to a port of VXLAN.  It is ours if we speak VXLAN with its sender, or with anyone; a device of the host's
 * own may want it otherwise.  Out: as stage_decap(). */
static __noinline int decap_vxlan(struct pkt *p, struct outer *h, const struct dp_tunnel_key *pair)
{
	struct __sk_buff *skb = p->skb;
	const struct dp_tunnel *tunnel = bpf_map_lookup_elem(&tunnels, pair);
	__u32 ip_bytes = bpf_ntohs(h->ip.tot_len), vni;
	struct dp_tunnel_key alone = {};
	__u16 out_key;

	if (!tunnel) {
		copy_ip(alone.local, pair->local);
		tunnel = bpf_map_lookup_elem(&tunnels, &alone);
		return tunnel && tunnel->flags & DP_TUNNEL_VXLAN ? drop(p, DP_DROP_TUNNEL_SENDER)
								 : VERDICT_PASS;
	}
	if (!(tunnel->flags & DP_TUNNEL_VXLAN))
		return VERDICT_PASS;
	if (bpf_skb_load_bytes(skb, UDP_BYTES, &h->geneve, VXLAN_OUTER_BYTES - UDP_BYTES) < 0 ||
	    (!skb->gso_size && (ip_bytes + ETH_HLEN > skb->len || ip_bytes < VXLAN_ENCAP_BYTES)))
		return drop(p, DP_DROP_TRUNCATED);
	if (!(h->geneve.version_optlen & VXLAN_HAS_VNI))
		return drop(p, DP_DROP_TUNNEL_HEADER);
	vni = bpf_ntohl(h->geneve.vni) >> 8;
	p->datapath = vni & 0xfff;
	__builtin_memcpy(&p->eth, vxlan_inner(h), sizeof(p->eth));
	out_key = vni >> 12;
	if (out_key & DP_VXLAN_GROUP)
		out_key = DP_GROUP_MIN | (out_key & (DP_VXLAN_GROUP - 1));
	if ((h->ip.tos & 3) == ECN_CE && !hand_on_congestion(p, VXLAN_OUTER_BYTES))
		return drop(p, DP_DROP_TUNNEL_ECN);
	return tunnel_deliver(p, out_key, VXLAN_ENCAP_BYTES);
}

/* Encap.options:dst_port is the port of both directions: a chassis that is sent to at it sends to it, too. */
static __always_inline bool uses_port(const struct dp_tunnel *tunnel, __be16 port, __u16 format)
{
	return tunnel && tunnel->udp_port == port && (tunnel->flags & DP_TUNNEL_VXLAN) == format;
}

/* In: a packet from the underlay.  Out: untouched if it is not for our tunnels, else delivered or dropped. */
static __always_inline int stage_decap(struct __sk_buff *skb)
{
	struct pkt p = { .skb = skb, .device = skb->ifindex, .from_tunnel = true };
	struct dp_tunnel_key pair;
	struct outer headers, *h = &headers;
	__u32 option_bytes, inner, ip_bytes;
	const struct dp_tunnel *tunnel;
	enum dp_drop reason;
	__be32 keys = 0;
	__u8 ecn;

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->pkt_type == 3 /* PACKET_OTHERHOST */)
		return VERDICT_PASS;
	if (bpf_skb_load_bytes(skb, 0, &h->eth, UDP_BYTES) < 0)
		return VERDICT_PASS;
	if (h->ip.protocol != IPPROTO_UDP || h->ip.ihl != 5 || (h->ip.frag_off & bpf_htons(0x3fff)))
		return VERDICT_PASS;
	map_v4(pair.remote, h->ip.saddr);
	map_v4(pair.local, h->ip.daddr);
	tunnel = bpf_map_lookup_elem(&tunnels, &pair);
	if (h->udp.dest != bpf_htons(DP_GENEVE_PORT) && !uses_port(tunnel, h->udp.dest, 0)) {
		if (h->udp.dest == bpf_htons(DP_VXLAN_PORT) ||
		    uses_port(tunnel, h->udp.dest, DP_TUNNEL_VXLAN))
			return decap_vxlan(&p, h, &pair);
		return VERDICT_PASS;
	}
	if (!tunnel)
		return is_our_address(&pair) ? drop(&p, DP_DROP_TUNNEL_SENDER) : VERDICT_PASS;

	if (bpf_skb_load_bytes(skb, UDP_BYTES, &h->geneve, OUTER_BYTES - UDP_BYTES) < 0)
		return drop(&p, DP_DROP_TRUNCATED);
	ecn = h->ip.tos & 3;
	ip_bytes = bpf_ntohs(h->ip.tot_len);
	option_bytes = (h->geneve.version_optlen & 63) * 4;
	p.datapath = bpf_ntohl(h->geneve.vni) >> 8;
	if (h->geneve.version_optlen >> 6 || (h->geneve.flags & GENEVE_OAM) ||
	    h->geneve.protocol != bpf_htons(ETH_P_TEB))
		return drop(&p, DP_DROP_TUNNEL_HEADER);
	inner = GENEVE_BYTES + option_bytes;
	/* An unsegmented GSO packet's outer lengths are 16 bits of something larger. */
	if (!skb->gso_size && (ip_bytes + ETH_HLEN > skb->len || ip_bytes < inner))
		return drop(&p, DP_DROP_TRUNCATED);
	reason = read_inner(&p, h, option_bytes, &keys);
	if (reason)
		return drop(&p, reason);
	p.in_key = bpf_ntohl(keys) >> 16 & 0x7fff;
	if (ecn == ECN_CE && !hand_on_congestion(&p, inner + ETH_HLEN))
		return drop(&p, DP_DROP_TUNNEL_ECN);
	return tunnel_deliver(&p, bpf_ntohl(keys) & 0xffff, inner);
}
