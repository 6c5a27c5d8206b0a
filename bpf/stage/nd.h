/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"

#define ND_SOLICITATION  135
#define ND_ADVERTISEMENT 136
#define ND_OPT_TARGET    2
#define ND_SOLICITED     0x40
#define ND_OVERRIDE      0x20

/* RFC 4861 4.3 and 4.4 share this layout. */
struct nd_message {
	__u8 type, code;
	__be16 check;
	__u8 flags, reserved[3];
	__u8 target[16];
} __attribute__((packed));

struct nd_solicitation {
	struct ethhdr eth;
	struct ipv6hdr ip;
	struct nd_message nd;
} __attribute__((packed));

struct nd_advertisement {
	struct ethhdr eth;
	struct ipv6hdr ip;
	struct nd_message nd;
	__u8 opt_type, opt_len, opt_mac[6];
} __attribute__((packed));

static __always_inline __u16 nd_checksum(struct nd_advertisement *na)
{
	__be32 tail[2] = { bpf_htonl(sizeof(struct nd_message) + 8), bpf_htonl(IPPROTO_ICMPV6) };
	__s64 sum;

	sum = bpf_csum_diff(NULL, 0, tail, sizeof(tail), 0);
	sum = bpf_csum_diff(NULL, 0, (void *)na + offsetof(struct nd_advertisement, ip.saddr),
			    32 + sizeof(struct nd_message) + 8, sum);
	return csum_fold(sum);
}

/* The answer to a probe goes to all nodes: RFC 4861 7.2.4. */
static __always_inline void nd_to_all_nodes(struct nd_advertisement *na)
{
	__u8 ip[16] = { 0xff, 2, [15] = 1 };
	__u8 mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };

	__builtin_memcpy(&na->ip.daddr, ip, 16);
	__builtin_memcpy(na->eth.h_dest, mac, 6);
}

/* In: an IPv6 frame.  Out: true if it was a neighbor solicitation that has become the advertisement
 * in *ret_verdict.  A source of :: means
 * duplicate address detection.  Mirrors OVN ls_in_arp_rsp. */
static __always_inline bool stage_nd(struct pkt *p, int *ret_verdict)
{
	struct __sk_buff *skb = p->skb;
	struct dp_neighbor_key key = { .datapath = p->datapath };
	const struct dp_neighbor *owner;
	struct {
		__u16 align; /* puts the addresses on a multiple of 4, as bpf_csum_diff() wants them */
		struct nd_advertisement na;
	} __attribute__((packed, aligned(8))) f;
	struct nd_advertisement *na = &f.na;
	bool probe;

	if (bpf_skb_load_bytes(skb, 0, na, sizeof(struct nd_solicitation)) < 0)
		return false;
	if (na->ip.nexthdr != IPPROTO_ICMPV6 || na->ip.hop_limit != 255 ||
	    na->nd.type != ND_SOLICITATION || na->nd.code != 0)
		return false;
	__builtin_memcpy(key.ip, na->nd.target, 16);
	owner = bpf_map_lookup_elem(&neighbors, &key);
	if (!owner || owner->port_key == p->in_key)
		return false;

	probe = is_zero_ip((const __u8 *)&na->ip.saddr);
	na->ip.daddr = na->ip.saddr;
	__builtin_memcpy(na->eth.h_dest, na->eth.h_source, 6);
	if (probe)
		nd_to_all_nodes(na);
	__builtin_memcpy(&na->ip.saddr, key.ip, 16);
	__builtin_memcpy(na->eth.h_source, owner->mac, 6);
	na->ip.priority = 0;
	na->ip.payload_len = bpf_htons(sizeof(struct nd_message) + 8);
	na->nd.type = ND_ADVERTISEMENT;
	na->nd.flags = probe ? ND_OVERRIDE : ND_SOLICITED | ND_OVERRIDE;
	__builtin_memset(na->nd.reserved, 0, 3);
	na->opt_type = ND_OPT_TARGET;
	na->opt_len = 1;
	__builtin_memcpy(na->opt_mac, owner->mac, 6);
	na->nd.check = 0;
	na->nd.check = nd_checksum(na);

	if (bpf_skb_change_tail(skb, sizeof(*na), 0) < 0 ||
	    bpf_skb_store_bytes(skb, 0, na, sizeof(*na), 0) < 0) {
		*ret_verdict = drop(p, DP_DROP_INTERNAL);
		return true;
	}
	bpf_csum_level(skb, BPF_CSUM_LEVEL_RESET);
	*ret_verdict = send_to(skb, p->device);
	return true;
}
