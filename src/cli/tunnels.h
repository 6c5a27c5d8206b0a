/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

struct datapath;

/* This host's tunnels as its datapath holds them:
 * [{"local", "remote", "type", "device", "mtu", "state"}, ...] sorted by remote; device and mtu only where
 * there is a route. */
json_t *tunnels_read(struct datapath *dp);
