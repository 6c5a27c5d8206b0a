/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/binding.h"
#include "model/vswitch.h"

/* The workloads' interfaces: those of the integration bridge that have an iface-id.  Where one has a device, the
 * programs are attached to it and the network is told. */
struct chassis_config;
struct datapath;
struct network;
struct ports;
struct replica;

struct ports *ports_new(struct network *network, struct datapath *dp);
void ports_free(struct ports *ports);

/* A round begins: what follows may take its share of time. */
void ports_begin(struct ports *ports);
/* Brings the set in line with what the switch says.  Many new ports take several rounds. */
void ports_run(struct ports *ports, const struct replica *ovs, const struct vswitch_port *all,
	       size_t n, const struct chassis_config *config);
/* After the datapath was written: takes the programs off devices that are not ours to serve any more.  (Their entries
 * go first, so that no packet is judged by half an entry.) */
void ports_settle(struct ports *ports);
/* A device that an earlier process was attached to, and nobody wants any more: it goes the same way. */
void ports_leave(struct ports *ports, uint32_t ifindex);
/* There are ports yet to be attached; or, for settled, neither such nor devices to be left. */
bool ports_are_attaching(const struct ports *ports);
/* There are ports that cannot be attached: ports_run() tries again. */
bool ports_are_failing(const struct ports *ports);
bool ports_are_settled(const struct ports *ports);
bool ports_is_workload(const struct ports *ports, uint32_t ifindex);

/* The interfaces as binding_run() wants them; borrowed until the next call, or change of rows. */
const struct binding_iface *ports_bindings(struct ports *ports, const struct replica *ovs,
					   const struct replica *sb,
					   const struct chassis_config *config, size_t *ret_n);
