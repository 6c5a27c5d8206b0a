/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "../pkt.h"

/* The kernel drops in silence what is redirected to a device that is down; of a copy it says so. */
static __noinline int deliver_to_down(struct pkt *p, const struct dp_target *target)
{
	p->skb->mark = DP_MARK_JUDGED;
	if (bpf_clone_redirect(p->skb, target->ifindex, 0))
		return drop_at(p, target->port_key, DP_DROP_DEVICE_REFUSED);
	return TC_ACT_SHOT; /* the original */
}

/* In: a bare frame and the local port it goes to.  A veth peer takes it without a second softirq round;
 * that path keeps skb->protocol and the packet type, so it is for unicast whose protocol the skb has
 * right (after decapsulation: the same family outside and inside). */
static __always_inline int stage_deliver(struct pkt *p, const struct dp_target *target)
{
	struct __sk_buff *skb = p->skb;

	if (target->flags & DP_TARGET_DOWN)
		return deliver_to_down(p, target);
	if ((target->flags & DP_TARGET_PEER) && is_ip(p->eth.h_proto) &&
	    p->eth.h_proto == (__be16)skb->protocol) {
		count_tx(target->ifindex, skb->len);
		skb->mark = 0;
		bpf_skb_change_type(skb, 0 /* PACKET_HOST */);
		return bpf_redirect_peer(target->ifindex, 0);
	}
	return send_to(skb, target->ifindex);
}
