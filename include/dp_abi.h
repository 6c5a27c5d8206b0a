/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What user space and the BPF programs share: the maps' keys and values, the drop reasons, the
 * numbers of the wire format.  Both sides compile this one file.
 *
 * Pinned maps outlive the process that made them, so any change of a struct, of a map's type or of
 * its size needs a new DP_ABI, which names the directory they are pinned in.
 *
 * Numbers are in host byte order unless the type says __be16 or __be32.  An address is always 16
 * bytes in network order, IPv4 as ::ffff:a.b.c.d, so that one format serves both families.  A hash
 * map compares every byte of a key: padding is named and zero. */

#include <linux/types.h>

#define DP_ABI 1

/* Every map: name in bpf/maps.h and file name of its pin, key, value, most entries.
 *
 * The first block is configuration: user space computes it from the databases and writes it, the
 * programs only read (struct dp_state holds the desired content).  The second block belongs to the
 * programs: counters that user space reads. */
#define DP_CONFIG_MAPS(X)                                                             \
	X(PORTS, ports, struct dp_port_key, struct dp_port, 16384)                    \
	X(LPORTS, lports, struct dp_lport_key, struct dp_target, 131072)              \
	X(FDB, fdb, struct dp_fdb_key, struct dp_target, 131072)                      \
	X(NEIGHBORS, neighbors, struct dp_neighbor_key, struct dp_neighbor, 262144)   \
	X(MEMBERS, members, struct dp_member_key, struct dp_member, 131072)           \
	X(TUNNELS, tunnels, struct dp_tunnel_key, struct dp_tunnel, 8192)
#define DP_DROPS_MAX 65536
#define DP_STAT_MAPS(X)                                                               \
	X(COUNTERS, counters, struct dp_port_key, struct dp_counters, 16384)          \
	X(DROPS, drops, struct dp_drop_key, __u64, DP_DROPS_MAX)

enum dp_map {
#define DP_MAP_ENUM(NAME, name, key, value, max) DP_MAP_##NAME,
	DP_CONFIG_MAPS(DP_MAP_ENUM)
	DP_CONFIG_MAP_COUNT,
	DP_MAP_BEFORE_STATS_ = DP_CONFIG_MAP_COUNT - 1,
	DP_STAT_MAPS(DP_MAP_ENUM)
	DP_MAP_COUNT
#undef DP_MAP_ENUM
};

/* ports: the workload-side devices that the programs are attached to.  A HASH by ifindex. */
struct dp_port_key {
	__u32 ifindex;
};

enum {
	DP_PORT_LOCALPORT = 1 << 0, /* what it sends never enters a tunnel */
	DP_PORT_DISABLED = 1 << 1,  /* Logical_Switch_Port.enabled is false */
};

struct dp_port {
	__u32 datapath;  /* Datapath_Binding.tunnel_key */
	__u16 port_key;  /* Port_Binding.tunnel_key */
	__u16 flags;     /* DP_PORT_* */
	__u8 local[16];  /* tunnel source address of this port's packets; all zero: no encap here */
};

/* lports: where a logical port is, by key (what a tunnel packet names).  fdb: the same, by MAC.
 * Both hold every port of each switch that has a VIF on this host. */
struct dp_lport_key {
	__u32 datapath;
	__u32 port_key;
};

struct dp_fdb_key {
	__u32 datapath;
	__u8 mac[6];
	__u16 zero;
};

enum {
	DP_TARGET_LOCAL = 1 << 0,     /* ifindex is its device on this host */
	DP_TARGET_REMOTE = 1 << 1,    /* remote is the tunnel address of its host */
	DP_TARGET_LOCALPORT = 1 << 2, /* never reached by or from a tunnel */
	DP_TARGET_DISABLED = 1 << 3,  /* drop whatever goes there */
	DP_TARGET_PEER = 1 << 4,      /* a veth whose other end is in another network namespace:
				       * bpf_redirect_peer() is allowed */
	DP_TARGET_DOWN = 1 << 5,      /* LOCAL: its device was down when user space looked; sending tells */
};

/* Neither LOCAL nor REMOTE: the port is bound nowhere, or is a localport not plugged in here. */
struct dp_target {
	__u16 port_key;
	__u16 flags; /* DP_TARGET_* */
	__u32 ifindex;
	__u8 remote[16];
};

/* neighbors: the ARP and ND responder, one entry per known IP of a switch. */
struct dp_neighbor_key {
	__u32 datapath;
	__u8 ip[16];
};

struct dp_neighbor {
	__u8 mac[6];
	__u16 port_key; /* owner: its own requests (probes, DAD) are not answered but flooded */
};

/* members: who gets a flooded packet.  Per switch and group there are chains of local ports and of
 * remote hosts; a walk starts at the entry with ref all zero (the head, which names the first) and follows
 * next until it is all zero.  Chains are sorted by ref (memcmp), so that their content does not depend on
 * history and a change touches the neighbour only.  Writers insert before they update and update
 * before they delete: a walker sees the chain before or after the change, never a loose end. */
#define DP_GROUP_FLOOD   32768 /* _MC_flood: every enabled port */
#define DP_GROUP_UNKNOWN 32769 /* _MC_unknown: ports with the address "unknown" */
#define DP_GROUP_MIN     32768 /* a smaller egress key on the wire is a port */

enum {
	DP_CHAIN_LOCAL,  /* ref: the port key, big-endian, in the last two bytes */
	DP_CHAIN_REMOTE, /* ref: the remote host's tunnel address */
	DP_CHAIN_VXLAN,  /* the same, of hosts reached by VXLAN: each wire format has a chain */
	DP_CHAIN_COUNT,
};

struct dp_member_key {
	__u32 datapath;
	__u16 group; /* DP_GROUP_* */
	__u16 chain; /* DP_CHAIN_* */
	__u8 ref[16];
};

struct dp_member {
	__u8 next[16];   /* ref of the next member; all zero: this is the last */
	__u32 ifindex;   /* DP_CHAIN_LOCAL: the device */
	__u16 flags;     /* DP_CHAIN_LOCAL: DP_TARGET_LOCALPORT or 0 */
	__u16 zero;
};

/* tunnels: the pairs of tunnel addresses packets may travel between, and each tunnel address of our
 * own with remote all zero and no more in the value than DP_TUNNEL_VXLAN, which says that we speak it.  What arrives
 * with a pair that is not here is dropped if the local address is ours (VXLAN: if we speak it), and left alone if
 * not; what leaves needs DP_TUNNEL_READY. */
struct dp_tunnel_key {
	__u8 remote[16];
	__u8 local[16];
} __attribute__((aligned(4)));

enum {
	DP_TUNNEL_READY = 1 << 0,     /* ifindex, nexthop and mtu are valid: there is a route */
	DP_TUNNEL_NEIGHBOR = 1 << 1,  /* source_mac and destination_mac are valid */
	DP_TUNNEL_VXLAN = 1 << 2,     /* VXLAN instead of Geneve */
};

struct dp_tunnel {
	__u16 flags;         /* DP_TUNNEL_* */
	__be16 udp_port;     /* destination port; 6081 (VXLAN: 4789) unless Encap.options:dst_port says otherwise */
	__u32 ifindex;       /* underlay device */
	__u8 nexthop[16];    /* gateway, or remote itself on the same link */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__u32 mtu;           /* largest outer IP packet, bytes */
};

/* counters: per port, a PERCPU_HASH by ifindex, made and removed together with the port's entry.
 * "rx" is what the workload sent, "tx" what was delivered to it. */
struct dp_counters {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
};

/* drops: a PERCPU_HASH; every dropped packet is counted once, under the port at fault or, where no
 * port is known, under the device it came in by (datapath 0, port_key = ifindex). */
struct dp_drop_key {
	__u32 datapath;
	__u32 port_key;
	__u32 reason; /* enum dp_drop */
};

/* One list feeds the enum, the names in `heddle drops` and docs/datapath.md.  Append only. */
#define DP_DROPS(X)                                                                          \
	X(TRUNCATED, "packet ends inside a header")                                          \
	X(NO_PORT, "no logical port is bound to the device")                                 \
	X(PORT_DISABLED, "the sending port is disabled")                                     \
	X(TARGET_DISABLED, "the destination port is disabled")                               \
	X(SOURCE_MULTICAST, "source MAC address is multicast")                               \
	X(VLAN, "VLAN tag on a port that has none")                                          \
	X(NO_DESTINATION, "no port has the destination MAC address")                         \
	X(SAME_PORT, "destination is the sending port")                                      \
	X(NOT_BOUND, "the destination port is bound to no host")                             \
	X(LOCALPORT_TO_REMOTE, "from a localport to a port on another host")                 \
	X(LOCALPORT_NOT_HERE, "the localport is not plugged in on this host")                \
	X(TUNNEL_TO_LOCALPORT, "a packet from a tunnel names a localport")                   \
	X(TUNNEL_NOT_HERE, "a packet from a tunnel names a port that is not on this host")   \
	X(TUNNEL_SENDER, "the packet's tunnel addresses are not those of a known host")      \
	X(TUNNEL_HEADER, "malformed Geneve or VXLAN header")                                 \
	X(TUNNEL_OPTION, "Geneve without OVN's option, or with an unknown critical one")     \
	X(TUNNEL_ECN, "outer header marks congestion, inner packet cannot carry it")         \
	X(TUNNEL_DOWN, "no route to the other host")                                         \
	X(TOO_BIG, "larger than the underlay's MTU allows")                                  \
	X(HOST_STACK, "sent to the workload by the host's own stack")                        \
	X(INTERNAL, "the kernel refused a step; please report")                              \
	X(SEGMENTATION, "large segment of the workload's own tunnel: turn off its offload")   \
	X(DEVICE_REFUSED, "a device that is down, gone or overrun refused the packet")             \
	X(VXLAN_KEY, "the switch's or the port's key does not fit into VXLAN")

enum dp_drop {
	DP_NO_DROP,
#define DP_DROP_ENUM(NAME, text) DP_DROP_##NAME,
	DP_DROPS(DP_DROP_ENUM)
#undef DP_DROP_ENUM
	DP_DROP_COUNT
};

/* skb->mark of a packet that a program has judged already, on its way to vif_out on the same host.
 * A workload cannot set it: the mark is cleared when a packet crosses network namespaces. */
#define DP_MARK_JUDGED 0x48444c01u
/* The same of a flooded packet that comes in by vif_in a second time, for the hosts that VXLAN reaches. */
#define DP_MARK_VXLAN 0x48444c02u

/* The wire: Geneve (RFC 8926) as OVN uses it, reference ovn.md 2.1. */
#define DP_GENEVE_PORT      6081
#define DP_GENEVE_OPT_CLASS 0x0102
#define DP_GENEVE_OPT_TYPE  0x80 /* type 0 with the critical bit */
#define DP_GENEVE_OVERHEAD  38   /* UDP 8, Geneve 8, option 8, inner Ethernet 14; the IP header comes on top */

/* VXLAN (RFC 7348) between hosts, reference 2.2: the VNI is the egress port, or 0x800 and the low bits of the group,
 * in its upper 12 bits, and the switch in its lower 12.  The ingress port is not carried. */
#define DP_VXLAN_PORT     4789
#define DP_VXLAN_OVERHEAD 30 /* UDP 8, VXLAN 8, inner Ethernet 14 */
#define DP_VXLAN_GROUP    0x800

#define DP_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), "pinned maps outlive us: bump DP_ABI")
DP_ASSERT_SIZE(struct dp_port_key, 4);
DP_ASSERT_SIZE(struct dp_port, 24);
DP_ASSERT_SIZE(struct dp_lport_key, 8);
DP_ASSERT_SIZE(struct dp_fdb_key, 12);
DP_ASSERT_SIZE(struct dp_target, 24);
DP_ASSERT_SIZE(struct dp_neighbor_key, 20);
DP_ASSERT_SIZE(struct dp_neighbor, 8);
DP_ASSERT_SIZE(struct dp_member_key, 24);
DP_ASSERT_SIZE(struct dp_member, 24);
DP_ASSERT_SIZE(struct dp_tunnel_key, 32);
DP_ASSERT_SIZE(struct dp_tunnel, 40);
DP_ASSERT_SIZE(struct dp_counters, 32);
DP_ASSERT_SIZE(struct dp_drop_key, 12);
