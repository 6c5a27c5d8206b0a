/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/net.h"

/* The ways to other hosts: for each pair of tunnel addresses that the network names, the local device,
 * route and neighbour, as the kernel has them now; and the underlay devices, which get the receiving program. */
struct chassis_config;
struct datapath;
struct links;
struct network;
struct tunnels;

struct tunnels *tunnels_new(struct links *links, struct datapath *dp);
void tunnels_free(struct tunnels *tunnels);

/* what: LINKS_... flags of what changed since. */
void tunnels_changed(struct tunnels *tunnels, unsigned int what);
void tunnels_run(struct tunnels *tunnels, struct network *network,
		 const struct chassis_config *config, uint64_t now_ms);
/* Until when a neighbour may still be on its way: a promise that packets flow should wait so long.  0: none is. */
uint64_t tunnels_settle_ms(const struct tunnels *tunnels, uint64_t now_ms);
bool tunnels_is_underlay(const struct tunnels *tunnels, uint32_t ifindex);
