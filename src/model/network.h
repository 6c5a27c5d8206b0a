/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/dp_state.h"
#include "util/net.h"

/* This host's share of the logical network: southbound rows (where ports are, which keys they
 * have), northbound rows (policy: Logical_Switch_Port.enabled) and the interfaces plugged in here, compiled into the
 * datapath's desired content.
 *
 * Incremental: network_update() marks what depends on the rows that changed, network_run()
 * computes the marked objects anew.  network_check() compiles everything from scratch and compares.
 * Pure: rows and facts in, dp_state out; no descriptor, clock or log.
 *
 * A switch is compiled only while a VIF of it is local; then all of its ports are (reference
 * ovn.md 1.2, 1.8: localports alone do not make a switch live).  A VIF is local when an interface with its name is
 * plugged in, this chassis may bind it (requested-chassis), and Port_Binding.chassis is ours or empty (the
 * claim is on its way). */
struct network;
struct replica;

/* An interface of the integration bridge that has an iface-id and a device. */
struct network_iface {
	const char *name;     /* Interface.name: its identity here */
	const char *iface_id; /* logical port */
	uint32_t ifindex;
	bool peer_elsewhere; /* a veth whose other end is in another network namespace */
	bool down;           /* or without a carrier: nothing can be sent there */
	struct ip local;     /* tunnel source for its packets; zero: none */
};

/* What the host found out about the way to another tunnel address. */
struct network_route {
	bool ready; /* there is a route: ifindex, nexthop and mtu are valid */
	uint32_t ifindex;
	struct ip nexthop;
	uint32_t mtu;
	bool neighbor; /* the two MACs are valid */
	struct mac source_mac;
	struct mac destination_mac;
};

/* out is borrowed and must outlive the network. */
struct network *network_new(struct dp_state *out);
void network_free(struct network *network);

/* Types of Encap, the preferred one first: two chassis use the first that both have. */
enum network_encap_type {
	NETWORK_GENEVE,
	NETWORK_VXLAN,
	NETWORK_N_ENCAP_TYPES,
};
const char *network_encap_type_name(enum network_encap_type type);

/* Who we are: Chassis.name (NULL: not registered yet; nothing is remote then), the types of Encap that we have (a mask, 1 <<
 * NETWORK_GENEVE, ...) and our own tunnel addresses, good for each.  Copied.  A change marks everything. */
void network_set_chassis(struct network *network, const char *name, unsigned int encap_types,
			 const struct ip *encaps, size_t n_encaps);
/* Adds or replaces by name.  Two interfaces with one iface_id: the one with the smaller name is used. */
void network_plug(struct network *network, const struct network_iface *iface);
void network_unplug(struct network *network, const char *name);
void network_set_route(struct network *network, const struct ip *remote, const struct ip *local,
		       const struct network_route *route); /* NULL: unknown again */

/* Takes in the changes that the replicas show since their last replica_advance(); a replica other than last time's is
 * loaded as a whole (hand in NULL before one is freed).  nb is NULL when there is no northbound database to ask
 * (ports then count as enabled).  Rows are looked at until network_run() returns. */
void network_update(struct network *network, const struct replica *sb, const struct replica *nb);
void network_run(struct network *network);

/* The pairs of tunnel addresses that other hosts of live switches, and all chassis, need: what the
 * host should resolve with network_set_route().  Every chassis of the southbound database counts. */
void network_each_tunnel(const struct network *network,
			 void (*visit)(void *arg, const struct ip *remote, const struct ip *local),
			 void *arg);

/* How an interface stands.  LIVE: its entries are desired; whether they are in the kernel says network_is_installed(). */
enum network_iface_state {
	NETWORK_IFACE_UNKNOWN,  /* no Port_Binding of that name (yet) */
	NETWORK_IFACE_REFUSED,  /* bound by another chassis, or requested-chassis names another */
	NETWORK_IFACE_DORMANT,  /* a localport on a switch that has no VIF here */
	NETWORK_IFACE_SHADOWED, /* another interface has the same iface-id */
	NETWORK_IFACE_LIVE,
};
enum network_iface_state network_iface_state(const struct network *network, const char *name);
bool network_is_installed(const struct network *network, const char *name);

/* Compiles from scratch and compares with what was compiled step by step.  On false *ret_what says where they
 * part; caller frees. */
bool network_check(const struct network *network, const struct replica *sb,
		   const struct replica *nb, char **ret_what);
