/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/network.h"
#include "ovsdb/replica.h"

/* Hosts that share one southbound and one northbound database, each with a network compiled into
 * a dp_state, and an interpreter that walks the states as the BPF programs walk their maps. */

#define FABRIC_MAX_HOSTS 4

struct fabric_host {
	char letter; /* host 'a' is chassis "host-a" with hostname "node-a" */
	unsigned int chassis_row, encap_row;
	struct ip ip;
	struct dp_state *state;
	struct network *network;
};

struct fabric {
	struct replica *sb, *nb; /* nb may be taken away for a while */
	struct fabric_host hosts[FABRIC_MAX_HOSTS];
	size_t n_hosts;
	bool refuse; /* the kernel takes nothing */
};

struct fabric *fabric_new(void);
void fabric_free(struct fabric *fabric);
void fabric_add_host(struct fabric *fabric, char letter, const char *ip);
struct fabric_host *fabric_host(struct fabric *fabric, char letter);

void fabric_plug(struct fabric *fabric, char host, const char *iface, const char *lport,
		 unsigned int ifindex);
void fabric_unplug(struct fabric *fabric, char host, const char *iface);
enum network_iface_state fabric_state(struct fabric *fabric, char host, const char *iface);

/* Every host takes in the changes, compares with a compilation from scratch, and applies; chains
 * must be whole.  Then the replicas advance. */
void fabric_step(struct fabric *fabric);

/* Where a packet from a port ends: to is a MAC address, "flood" or "unknown".  The answer lists
 * "HOST:IFINDEX" receivers and "wire" before those that a tunnel serves, or is a drop's name.
 * Caller frees. */
char *fabric_send(struct fabric *fabric, char host, unsigned int ifindex, const char *to);
void fabric_check_receive(struct fabric *fabric, char host, char sender, uint32_t datapath,
			  uint32_t out_key, const char *outcome);

void fabric_check_neighbor(struct fabric *fabric, char host, uint32_t datapath, const char *ip,
			   const char *mac);
void fabric_check_target(struct fabric *fabric, char host, uint32_t datapath, uint32_t port_key,
			 const char *remote);
const struct dp_tunnel *fabric_tunnel(struct fabric *fabric, char host, char remote);
bool fabric_is_own_address(struct fabric *fabric, char host, const char *ip);
unsigned int fabric_count_tunnels(struct fabric *fabric, char host);
