/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* libbpf's headers want the kernel's types first. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "maps.h"

/* TC_ACT_UNSPEC to clsact and TCX_NEXT to tcx: whoever stands behind us goes on. */
#define VERDICT_PASS TC_ACT_UNSPEC
/* Of a stage, never to the kernel: the packet is larger than p->mtu. */
#define VERDICT_TOO_BIG 0x100

/* Linux 6.3; the headers we build with may be older. */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)

/* Set before loading: the kernel has these flags. */
const volatile bool has_decap_l3;

/* One packet on its way through the stages.  A stage returns the verdict for the kernel. */
struct pkt {
	struct __sk_buff *skb;
	__u32 datapath;
	__u32 device; /* it came in by */
	__u16 in_key; /* sending port; 0: a tunnel packet that does not say */
	bool from_localport;
	bool from_tunnel;
	__u32 mtu; /* the largest inner packet that fits, where this one does not */
	const __u8 *local; /* tunnel source address */
	struct ethhdr
		eth; /* logical Ethernet header: packet pointers do not outlive a helper call */
};

/* Room in front of every walk through a chain of members. */
#define CHAIN_MAX 8192

/* A function of its own: it is called in many places, and not on the way of a packet that passes. */
static __noinline int count_drop(__u32 datapath, __u32 port_key, enum dp_drop reason)
{
	struct dp_drop_key key = { .datapath = datapath, .port_key = port_key, .reason = reason };
	__u64 one = 1, *packets;

	packets = bpf_map_lookup_elem(&drops, &key);
	if (!packets && bpf_map_update_elem(&drops, &key, &one, BPF_NOEXIST) < 0)
		packets = bpf_map_lookup_elem(&drops, &key); /* another CPU was first */
	if (packets)
		*packets += 1;
	return TC_ACT_SHOT;
}

/* Under the sending port; what came from a tunnel or has no port, under the device. */
static __always_inline int drop(const struct pkt *p, enum dp_drop reason)
{
	if (p->from_tunnel || !p->in_key)
		return count_drop(0, p->device, reason);
	return count_drop(p->datapath, p->in_key, reason);
}

/* Under a port that is known to exist: never with a key that only a packet names, or a
 * peer could fill the map. */
static __always_inline int drop_at(const struct pkt *p, __u16 port_key, enum dp_drop reason)
{
	return count_drop(p->datapath, port_key, reason);
}

static __always_inline struct dp_counters *port_counters(__u32 ifindex)
{
	struct dp_port_key key = { .ifindex = ifindex };

	return bpf_map_lookup_elem(&counters, &key);
}

static __always_inline void count_rx(__u32 ifindex, __u32 bytes)
{
	struct dp_counters *c = port_counters(ifindex);

	if (c) {
		c->rx_packets++;
		c->rx_bytes += bytes;
	}
}

static __always_inline void count_tx(__u32 ifindex, __u32 bytes)
{
	struct dp_counters *c = port_counters(ifindex);

	if (c) {
		c->tx_packets++;
		c->tx_bytes += bytes;
	}
}

static __always_inline bool is_multicast(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline bool is_ip(__be16 proto)
{
	return proto == bpf_htons(ETH_P_IP) || proto == bpf_htons(ETH_P_IPV6);
}

static __always_inline void map_v4(__u8 *ip, __be32 v4)
{
	__builtin_memset(ip, 0, 10);
	ip[10] = ip[11] = 0xff;
	__builtin_memcpy(ip + 12, &v4, 4);
}

static __always_inline __be32 unmap_v4(const __u8 *ip)
{
	__be32 v4;

	__builtin_memcpy(&v4, ip + 12, 4);
	return v4;
}

/* Every address in dp_abi.h is at a multiple of 4.  A pointer to bytes does not say that, and what is not known to be
 * aligned the compiler takes byte by byte, on the way of each packet. */
static __always_inline void copy_ip(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), 16);
}

static __always_inline bool is_zero_ip(const __u8 *ip)
{
	const __u32 *w = __builtin_assume_aligned(ip, 4);

	return !(w[0] | w[1] | w[2] | w[3]);
}

static __always_inline __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Answer and clone leave by redirect to a workload's device: its vif_out lets them pass. */
static __always_inline int send_to(struct __sk_buff *skb, __u32 ifindex)
{
	skb->mark = DP_MARK_JUDGED;
	return bpf_redirect(ifindex, 0);
}
