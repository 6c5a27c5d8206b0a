/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "util/net.h"

/* rtnetlink: what this network namespace's devices, addresses, routes and neighbours are, as events in
 * libuv's loop, and requests that change them.  Requests are answered by the kernel at once, so they are made
 * synchronously on a socket of their own (bounded by a receive timeout).
 *
 * The events' first act is a full dump, made during netlink_open(); when the kernel says that it lost events
 * (ENOBUFS), everything is dumped again.  A dump is bracketed by resync_begin and resync_end: what was not
 * reported between them exists no more. */
struct netlink;
struct err;

#define NETLINK_ALIAS_SIZE 64

struct netlink_link {
	uint32_t ifindex;
	uint32_t mtu;
	uint32_t master; /* 0: none */
	struct mac mac;  /* zero: none, or not an Ethernet device */
	bool up;         /* IFF_UP */
	bool running;    /* IFF_RUNNING: carrier and operational */
	bool loopback;
	bool peer_elsewhere; /* IFLA_LINK_NETNSID: a veth whose other end is in another namespace */
	char name[IFNAMSIZ];
	char kind[16]; /* "veth", "bridge", "tun", ...; "" for hardware */
	char alias[NETLINK_ALIAS_SIZE];
};

struct netlink_addr {
	uint32_t ifindex;
	struct ip ip;
};

struct netlink_neigh {
	uint32_t ifindex;
	struct ip ip;
	struct mac mac;
	bool valid;      /* the MAC may be used: reachable, stale, being probed, permanent */
	bool permanent;  /* configured by hand: left alone */
	bool incomplete; /* being resolved */
	bool managed;    /* the kernel keeps it fresh: netlink_neigh_keep() */
};

struct netlink_ops {
	void (*link)(void *owner, const struct netlink_link *link, bool deleted);
	void (*addr)(void *owner, const struct netlink_addr *addr, bool deleted);
	void (*neigh)(void *owner, const struct netlink_neigh *neigh, bool deleted);
	void (*route)(void *owner); /* some route or rule changed */
	void (*resync_begin)(void *owner);
	void (*resync_end)(void *owner);
	void (*batch_end)(void *owner); /* all that was waiting has been reported */
};

/* Dumps and then follows the calling thread's network namespace. */
int netlink_open(uv_loop_t *loop, const struct netlink_ops *ops, void *owner, struct netlink **ret,
		 struct err *err);
void netlink_close(struct netlink *netlink);
/* Reports events that the kernel has queued, now: after a request, its effects. */
void netlink_poll(struct netlink *netlink);

/* ---- requests: 0 or a negative errno ---- */

struct netlink_route {
	uint32_t ifindex;
	struct ip nexthop; /* the gateway, or the destination itself */
	uint32_t mtu;      /* of the route; 0: the device's */
};

/* The way the kernel would send a packet from local to remote. */
int netlink_route_get(struct netlink *netlink, const struct ip *remote, const struct ip *local,
		      struct netlink_route *ret);
/* Has the kernel resolve the address now and keep it fresh (Linux 5.16 and later; before that, resolve once). */
int netlink_neigh_keep(struct netlink *netlink, uint32_t ifindex, const struct ip *ip);
int netlink_neigh_release(struct netlink *netlink, uint32_t ifindex, const struct ip *ip);

/* A veth pair.  Both ends carry the alias; peer is set up, name is left down for its user. */
int netlink_veth_create(struct netlink *netlink, const char *name, const char *peer,
			const char *alias);
/* As of struct rtnl_link_stats64. */
struct netlink_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_errors, tx_errors, rx_dropped, tx_dropped, collisions;
};
int netlink_link_stats(struct netlink *netlink, uint32_t ifindex, struct netlink_stats *ret);
int netlink_bridge_create(struct netlink *netlink, const char *name, const char *alias);
/* One that is not there to be brought up: it has a VNI and a port that mean nothing. */
int netlink_vxlan_create(struct netlink *netlink, const char *name, const char *alias);
int netlink_link_delete(struct netlink *netlink, uint32_t ifindex);
int netlink_link_set_up(struct netlink *netlink, uint32_t ifindex, bool up);
int netlink_link_set_mac(struct netlink *netlink, uint32_t ifindex, const struct mac *mac);
int netlink_link_set_mtu(struct netlink *netlink, uint32_t ifindex, uint32_t mtu);
int netlink_link_set_master(struct netlink *netlink, uint32_t ifindex,
			    uint32_t master); /* 0: free it */
