// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The datapath: three programs at tc.  docs/datapath.md draws the walks; each stage is one header. */
#include "maps.h"
#include "pkt.h"
#include "stage/arp.h"
#include "stage/decap.h"
#include "stage/deliver.h"
#include "stage/encap.h"
#include "stage/flood.h"
#include "stage/l2.h"
#include "stage/nd.h"
#include "stage/parse.h"
#include "stage/too_big.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Ingress of a workload's host-side device: the packet leaves the workload. */
SEC("tc")
int vif_in(struct __sk_buff *skb)
{
	struct dp_port_key key = { .ifindex = skb->ifindex };
	struct pkt p = { .skb = skb, .device = skb->ifindex };
	const struct dp_port *port;
	enum dp_drop reason;
	int verdict;

	port = bpf_map_lookup_elem(&ports, &key);
	if (!port)
		return drop(&p, DP_DROP_NO_PORT);
	p.datapath = port->datapath;
	p.in_key = port->port_key;
	p.from_localport = port->flags & DP_PORT_LOCALPORT;
	p.local = port->local;
	if (skb->mark == DP_MARK_VXLAN)
		return stage_parse(&p) ? TC_ACT_SHOT : stage_flood_again(&p);
	count_rx(skb->ifindex, skb->len);
	if (port->flags & DP_PORT_DISABLED)
		return drop(&p, DP_DROP_PORT_DISABLED);
	reason = stage_parse(&p);
	if (reason)
		return drop(&p, reason);
	if (p.eth.h_proto == bpf_htons(ETH_P_ARP) && stage_arp(&p, &verdict))
		return verdict;
	if (p.eth.h_proto == bpf_htons(ETH_P_IPV6) && stage_nd(&p, &verdict))
		return verdict;
	return stage_l2(&p);
}

/* Egress of the same devices: what a program sent here passes, the host's own packets do not. */
SEC("tc")
int vif_out(struct __sk_buff *skb)
{
	struct dp_port_key key = { .ifindex = skb->ifindex };
	const struct dp_port *port;

	if (skb->mark == DP_MARK_JUDGED) {
		skb->mark = 0;
		count_tx(skb->ifindex, skb->len);
		return VERDICT_PASS;
	}
	port = bpf_map_lookup_elem(&ports, &key);
	if (port)
		return count_drop(port->datapath, port->port_key, DP_DROP_HOST_STACK);
	return count_drop(0, skb->ifindex, DP_DROP_HOST_STACK);
}

/* Ingress of an underlay device: takes the tunnels' packets, leaves everything else alone. */
SEC("tc")
int und_in(struct __sk_buff *skb)
{
	return stage_decap(skb);
}
