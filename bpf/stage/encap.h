/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"

struct geneve {
	__u8 version_optlen; /* optlen in words */
	__u8 flags;          /* 0x80: OAM, 0x40: critical option present */
	__be16 protocol;
	__be32 vni; /* in the upper 24 bits */
};

struct geneve_option {
	__be16 class;
	__u8 type;
	__u8 length; /* lower 5 bits, in words, without this header */
};

#define GENEVE_OAM      0x80
#define GENEVE_CRITICAL 0x40

/* Everything in front of the inner packet, as reference 2.1 has it: what we write, and what we expect to read. */
struct outer {
	__u16 align; /* puts the IP header on a multiple of 4 */
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct geneve geneve;
	struct geneve_option option;
	__be32 keys; /* ingress port 31..16, egress port or group 15..0 */
	struct ethhdr inner;
	__u16 align_end;
};

#define OUTER_BYTES (sizeof(struct outer) - 4)
#define ENCAP_BYTES (OUTER_BYTES - ETH_HLEN) /* what a packet grows by */
#define ENCAP_FLAGS                                                                               \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | \
	 BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) |                        \
	 BPF_F_ADJ_ROOM_ENCAP_L2_ETH)
#define PLAIN_FLAGS (BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET)
#define PORT_MIN    32768 /* source ports, as the kernel's default ip_local_port_range */
#define PORT_COUNT  28232

_Static_assert(OUTER_BYTES == 72, "Ethernet 14, IPv4 20, UDP 8, Geneve 8, option 8, Ethernet 14");
_Static_assert(ENCAP_BYTES == sizeof(struct iphdr) + DP_GENEVE_OVERHEAD, "dp_abi.h agrees");

/* One UDP source port per inner flow, so that links and queues share the load. */
static __always_inline __be16 source_port(struct pkt *p)
{
	__u32 hash = bpf_get_hash_recalc(p->skb);

	hash ^= hash << 16;
	return bpf_htons(PORT_MIN + (__u16)(((__u64)hash * PORT_COUNT) >> 32));
}

/* The inner ECN bits go on the outer header (RFC 6040, normal mode). */
static __always_inline __u8 inner_ecn(struct pkt *p)
{
	__u8 b[2];

	if (!is_ip(p->eth.h_proto) || bpf_skb_load_bytes(p->skb, ETH_HLEN, b, 2) < 0)
		return 0;
	return p->eth.h_proto == bpf_htons(ETH_P_IP) ? b[1] & 3 : (b[1] >> 4) & 3;
}

/* The part that is the same for every receiver.  Before the packet grows. */
static __always_inline void outer_init(struct outer *o, struct pkt *p, __u16 out_key)
{
	/* A segment of a GSO packet gets its own lengths; the whole may be more than 16 bits hold. */
	__u16 inner_bytes = p->skb->len + OUTER_BYTES - ETH_HLEN - ETH_HLEN;

	*o = (struct outer){
		.eth.h_proto = bpf_htons(ETH_P_IP),
		.ip = {
			.version = 4,
			.ihl = 5,
			.tos = inner_ecn(p),
			.tot_len = bpf_htons(inner_bytes),
			.frag_off = bpf_htons(0x4000), /* DF, as OVS */
			.ttl = 64,
			.protocol = IPPROTO_UDP,
		},
		.udp = {
			.source = source_port(p),
			.len = bpf_htons(inner_bytes - sizeof(struct iphdr)),
		},
		.geneve = {
			.version_optlen = 2,
			.flags = GENEVE_CRITICAL,
			.protocol = bpf_htons(ETH_P_TEB),
			.vni = bpf_htonl(p->datapath << 8),
		},
		.option = {
			.class = bpf_htons(DP_GENEVE_OPT_CLASS),
			.type = DP_GENEVE_OPT_TYPE,
			.length = 1,
		},
		.keys = bpf_htonl((__u32)p->in_key << 16 | out_key),
		.inner = p->eth,
	};
}

static __always_inline void outer_address(struct outer *o, const struct dp_tunnel_key *pair,
					  const struct dp_tunnel *tunnel)
{
	const __u16 *w = (const __u16 *)&o->ip;
	__u32 sum = 0;

	__builtin_memcpy(o->eth.h_dest, tunnel->destination_mac, 6);
	__builtin_memcpy(o->eth.h_source, tunnel->source_mac, 6);
	o->ip.saddr = unmap_v4(pair->local);
	o->ip.daddr = unmap_v4(pair->remote);
	o->udp.dest = tunnel->udp_port;
	o->ip.check = 0;
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += w[i];
	o->ip.check = csum_fold(sum);
}

/* A large segment that has come out of a tunnel of ours, and is now forwarded by the workload, still bears that
 * tunnel's marks (before DECAP_L4 no kernel takes them off), so that the kernel refuses to add a tunnel.  But room for the same
 * headers puts every offset it has kept in the right place again.  TCP tells: in a tunnel of the workload's own the
 * outermost protocol would be another. */
static __always_inline long make_room_again(struct pkt *p, __u32 bytes)
{
	struct __sk_buff *skb = p->skb;
	bool v4 = p->eth.h_proto == bpf_htons(ETH_P_IP);
	__u8 protocol = 0;
	long r;

	bpf_skb_load_bytes(skb, ETH_HLEN + (v4 ? 9 : 6), &protocol, 1);
	if (protocol != IPPROTO_TCP)
		return -1;
	if (v4)
		return bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC, PLAIN_FLAGS);
	if (!has_decap_l3)
		return -1;
	/* The way back from a larger step also tells the kernel that the packet is IPv4 now. */
	r = bpf_skb_adjust_room(skb, bytes + sizeof(struct iphdr), BPF_ADJ_ROOM_MAC, PLAIN_FLAGS);
	return r ? r
		 : bpf_skb_adjust_room(skb, -(__s32)sizeof(struct iphdr), BPF_ADJ_ROOM_MAC,
				       PLAIN_FLAGS | ADJ_ROOM_DECAP_L3_IPV4);
}

/* Grows the packet in front by bytes.  What is not IP, or is a tunnel of the workload's own already (the kernel
 * keeps offsets for one tunnel only), grows as plain bytes: right for all but large segments. */
static __always_inline enum dp_drop make_room(struct pkt *p, __u32 bytes)
{
	struct __sk_buff *skb = p->skb;

	if (is_ip(p->eth.h_proto)) {
		if (!bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC, ENCAP_FLAGS))
			return DP_NO_DROP;
		if (skb->gso_size)
			return make_room_again(p, bytes) ? DP_DROP_SEGMENTATION : DP_NO_DROP;
	}
	return bpf_skb_change_head(skb, bytes, 0) ? DP_DROP_INTERNAL : DP_NO_DROP;
}

static __always_inline const struct dp_tunnel *tunnel_find(const struct pkt *p, const __u8 *remote,
							   struct dp_tunnel_key *ret_pair)
{
	copy_ip(ret_pair->remote, remote);
	copy_ip(ret_pair->local, p->local);
	return bpf_map_lookup_elem(&tunnels, ret_pair);
}

/* Puts the outer headers in front, by which the packet grows by bytes, and sends it. */
static __always_inline int encap_send(struct pkt *p, const struct outer *o, __u32 bytes,
				      const struct dp_tunnel *tunnel)
{
	struct __sk_buff *skb = p->skb;
	enum dp_drop reason;

	reason = make_room(p, bytes);
	if (reason)
		return drop(p, reason);
	if (bpf_skb_store_bytes(skb, 0, &o->eth, bytes + ETH_HLEN, 0) < 0)
		return drop(p, DP_DROP_INTERNAL);
	skb->mark = 0;
	if (tunnel->flags & DP_TUNNEL_NEIGHBOR)
		return bpf_redirect(tunnel->ifindex, 0);
	if ((__be16)skb->protocol == bpf_htons(ETH_P_IP)) {
		struct bpf_redir_neigh via = { .nh_family = 2 /* AF_INET */ };

		via.ipv4_nh = unmap_v4(tunnel->nexthop);
		return bpf_redirect_neigh(tunnel->ifindex, &via, sizeof(via), 0);
	}
	return drop(p, DP_DROP_TUNNEL_DOWN);
}

/* In: a packet whose destination is on another host, MTU checked.  Out: it is on the underlay. */
static __always_inline int stage_encap(struct pkt *p, __u16 out_key,
				       const struct dp_tunnel_key *pair,
				       const struct dp_tunnel *tunnel)
{
	struct outer o;

	outer_init(&o, p, out_key);
	outer_address(&o, pair, tunnel);
	return encap_send(p, &o, ENCAP_BYTES, tunnel);
}
