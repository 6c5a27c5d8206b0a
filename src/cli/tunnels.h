/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* This host's tunnels as its datapath holds them, read from the maps that the agent pinned below run_dir:
 * [{"local", "remote", "type", "device", "mtu", "state"}, ...] sorted by remote; device and mtu only where
 * there is a route.  An empty array when no agent's maps are there or may be read: the network can be shown from anywhere.
 * chassis: NULL when run_dir holds one. */
json_t *tunnels_read(const char *run_dir, const char *chassis);
