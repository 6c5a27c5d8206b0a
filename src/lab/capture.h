/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/net.h"
#include "util/str.h"

/* What travels between the hosts of a lab: a capture on the underlay, and a decoder of Geneve as OVN
 * uses it.  Only tunnel packets (UDP 6081) are kept. */
struct err;

struct geneve_packet {
	struct ip outer_source, outer_destination;
	uint32_t vni;
	bool has_ports; /* OVN's option is there */
	uint16_t ingress_port, egress_port;
	char inner[128]; /* "ICMP echo request 10.0.1.10 > 10.0.1.20" */
};

/* False: the Ethernet frame is no Geneve over IPv4, or is cut short.  An unknown inner packet is
 * described by its EtherType. */
bool geneve_decode(const void *frame, size_t length, struct geneve_packet *ret);

/* Two packets of the same kind between the same ports. */
bool geneve_same(const struct geneve_packet *a, const struct geneve_packet *b);

struct capture;

/* Listens on the bridge ports of the network namespace that the caller is in. */
int capture_open(struct capture **ret, struct err *err);
void capture_free(struct capture *c);

/* Forgets what arrived before. */
void capture_restart(struct capture *c);

/* Takes in what has arrived; returns the packets since the restart, borrowed until the next call. */
const struct geneve_packet *capture_packets(struct capture *c, size_t *ret_n);
