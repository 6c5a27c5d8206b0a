/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "io/netlink.h"

/* This namespace's devices, addresses and neighbours, as the kernel last reported them. */
struct links;
struct err;

enum {
	LINKS_CHANGED = 1 << 0,
	ADDRS_CHANGED = 1 << 1,
	NEIGHS_CHANGED = 1 << 2,
	ROUTES_CHANGED = 1 << 3,
};

/* changed is called from the loop with the LINKS_... flags of what happened since. */
int links_open(uv_loop_t *loop, void (*changed)(void *owner, unsigned int what), void *owner,
	       struct links **ret, struct err *err);
void links_close(struct links *links);
struct netlink *links_netlink(struct links *links);
/* Takes in what requests have just changed. */
void links_poll(struct links *links);

/* Another one after each change of a device. */
uint64_t links_version(const struct links *links);
/* Borrowed until the next event. */
const struct netlink_link *links_by_index(const struct links *links, uint32_t ifindex);
const struct netlink_link *links_by_name(const struct links *links, const char *name);
/* The version in which the device came: one that went and came again with the same number is another device, and has
 * lost what was attached to it. */
uint64_t links_born(const struct links *links, uint32_t ifindex);
void links_each(const struct links *links,
		void (*visit)(void *arg, const struct netlink_link *link), void *arg);
/* The device that has the address; 0: none. */
uint32_t links_addr_device(const struct links *links, const struct ip *ip);
const struct netlink_neigh *links_neigh(const struct links *links, uint32_t ifindex,
					const struct ip *ip);
