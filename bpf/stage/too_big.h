/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"
#include "encap.h"
#include "vxlan.h"

/* Quoted of the packet at fault: both headers with room to spare, and the checksum field of an open
 * transport checksum, which cannot be cut off. */
#define QUOTE_BYTES 128

/* The largest IP packet that one wire packet of this skb carries inside, Ethernet not counted. */
static __always_inline __u32 inner_bytes(struct pkt *p)
{
	struct __sk_buff *skb = p->skb;
	__u32 network = sizeof(struct ipv6hdr);
	__u8 b, protocol = 0, doff = 0x50;

	if (!skb->gso_size)
		return skb->len - ETH_HLEN;
	if (p->eth.h_proto == bpf_htons(ETH_P_IP)) {
		if (!bpf_skb_load_bytes(skb, ETH_HLEN, &b, 1))
			network = (b & 15) * 4;
		bpf_skb_load_bytes(skb, ETH_HLEN + 9, &protocol, 1);
	} else {
		bpf_skb_load_bytes(skb, ETH_HLEN + 6, &protocol, 1);
	}
	if (protocol == IPPROTO_UDP)
		return skb->gso_size + network + sizeof(struct udphdr);
	bpf_skb_load_bytes(skb, ETH_HLEN + network + 12, &doff, 1);
	return skb->gso_size + network + (doff >> 4) * 4;
}

static __always_inline __u32 encap_bytes(const struct dp_tunnel *tunnel)
{
	return tunnel->flags & DP_TUNNEL_VXLAN ? VXLAN_ENCAP_BYTES : ENCAP_BYTES;
}

/* The largest IP packet that the tunnel carries; the agent lets no tunnel be smaller than its headers. */
static __always_inline __u32 inner_mtu(const struct dp_tunnel *tunnel)
{
	return tunnel->mtu - encap_bytes(tunnel);
}

#define ICMP4_ECHO_REPLY  0
#define ICMP4_UNREACHABLE 3
#define ICMP4_FRAG_NEEDED 4 /* code */
#define ICMP4_ECHO        8
#define ICMP6_TOO_BIG     2
#define ICMP6_INFO_MIN    128 /* smaller types are errors */

/* RFC 1191 4 and RFC 4443 3.2: the same but for the width of mtu, whose upper half is unused in IPv4. */
struct icmp_too_big {
	__u8 type, code;
	__be16 check;
	__be32 mtu;
};

struct too_big_v4 {
	struct ethhdr eth;
	struct iphdr ip;
	struct icmp_too_big icmp;
} __attribute__((packed));

struct too_big_v6 {
	struct ethhdr eth;
	struct ipv6hdr ip;
	struct icmp_too_big icmp;
} __attribute__((packed));

/* Cuts the packet to the quote and opens bytes in front of the quoted network header, so that the frame begins with
 * bytes + 14 to be written.  The quote keeps its place behind: an open checksum stays inside the packet. */
static __always_inline bool make_quote(struct __sk_buff *skb, __u32 bytes)
{
	return !bpf_skb_change_tail(skb, ETH_HLEN + QUOTE_BYTES, 0) &&
	       !bpf_skb_change_head(skb, bytes, 0) &&
	       !bpf_skb_pull_data(skb, bytes + ETH_HLEN + QUOTE_BYTES);
}

static __always_inline bool answer_v4(struct pkt *p, __u32 mtu)
{
	struct __sk_buff *skb = p->skb;
	struct too_big_v4 *answer;
	struct iphdr ip;
	__u16 words[10];
	__u32 sum = 0;
	void *data;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) < 0 || ip.version != 4)
		return false;
	if (ip.frag_off & bpf_htons(0x1fff) ||
	    (ip.daddr & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000))
		return false;
	if (ip.protocol == IPPROTO_ICMP) { /* no error about an error */
		__u8 type = 0;

		bpf_skb_load_bytes(skb, ETH_HLEN + ip.ihl * 4, &type, 1);
		if (type != ICMP4_ECHO && type != ICMP4_ECHO_REPLY)
			return false;
	}
	if (!make_quote(skb, sizeof(*answer) - ETH_HLEN))
		return false;
	data = (void *)(long)skb->data;
	answer = data;
	if (data + sizeof(*answer) + QUOTE_BYTES > (void *)(long)skb->data_end)
		return false;
	__builtin_memcpy(answer->eth.h_dest, p->eth.h_source, 6);
	__builtin_memcpy(answer->eth.h_source, p->eth.h_dest, 6);
	answer->eth.h_proto = bpf_htons(ETH_P_IP);
	ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(ip) + sizeof(struct icmp_too_big) + QUOTE_BYTES),
		.ttl = 64,
		.protocol = IPPROTO_ICMP,
		.saddr = ip.daddr,
		.daddr = ip.saddr,
	};
	__builtin_memcpy(words, &ip, sizeof(ip));
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	ip.check = csum_fold(sum);
	answer->ip = ip;
	answer->icmp = (struct icmp_too_big){
		.type = ICMP4_UNREACHABLE,
		.code = ICMP4_FRAG_NEEDED,
		.mtu = bpf_htonl(mtu),
	};
	answer->icmp.check =
		csum_fold(bpf_csum_diff(NULL, 0, data + offsetof(struct too_big_v4, icmp),
					sizeof(answer->icmp) + QUOTE_BYTES, 0));
	return true;
}

static __always_inline bool answer_v6(struct pkt *p, __u32 mtu)
{
	struct __sk_buff *skb = p->skb;
	__be32 tail[2] = { bpf_htonl(sizeof(struct icmp_too_big) + QUOTE_BYTES),
			   bpf_htonl(IPPROTO_ICMPV6) };
	struct too_big_v6 *answer;
	struct ipv6hdr ip;
	void *data;
	__s64 sum;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) < 0 || ip.version != 6)
		return false;
	if (ip.saddr.s6_addr[0] == 0xff || is_zero_ip(ip.saddr.s6_addr))
		return false;
	if (ip.nexthdr == IPPROTO_ICMPV6) {
		__u8 type = 0;

		bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), &type, 1);
		if (type < ICMP6_INFO_MIN)
			return false;
	}
	if (!make_quote(skb, sizeof(*answer) - ETH_HLEN))
		return false;
	data = (void *)(long)skb->data;
	answer = data;
	if (data + sizeof(*answer) + QUOTE_BYTES > (void *)(long)skb->data_end)
		return false;
	__builtin_memcpy(answer->eth.h_dest, p->eth.h_source, 6);
	__builtin_memcpy(answer->eth.h_source, p->eth.h_dest, 6);
	answer->eth.h_proto = bpf_htons(ETH_P_IPV6);
	answer->ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(sizeof(struct icmp_too_big) + QUOTE_BYTES),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = 64,
		.saddr = ip.daddr,
		.daddr = ip.saddr,
	};
	answer->icmp = (struct icmp_too_big){ .type = ICMP6_TOO_BIG, .mtu = bpf_htonl(mtu) };
	sum = bpf_csum_diff(NULL, 0, tail, sizeof(tail), 0);
	sum = bpf_csum_diff(NULL, 0, data + offsetof(struct too_big_v6, ip.saddr), 32, sum);
	answer->icmp.check =
		csum_fold(bpf_csum_diff(NULL, 0, data + offsetof(struct too_big_v6, icmp),
					sizeof(answer->icmp) + QUOTE_BYTES, sum));
	return true;
}

/* In: a unicast packet that is larger than p->mtu.  Out: counted, and its sender told how
 * large a packet may be, in the name of the destination as OVN does. */
static __always_inline int stage_too_big(struct pkt *p)
{
	bool answered = false;

	drop(p, DP_DROP_TOO_BIG);
	if (p->eth.h_proto == bpf_htons(ETH_P_IP))
		answered = answer_v4(p, p->mtu);
	else if (p->eth.h_proto == bpf_htons(ETH_P_IPV6))
		answered = answer_v6(p, p->mtu);
	return answered ? send_to(p->skb, p->device) : TC_ACT_SHOT;
}
