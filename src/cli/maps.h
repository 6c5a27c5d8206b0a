/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The maps that the agent of this host has pinned, for commands beside it. */
struct datapath;
struct err;

/* For reading.  chassis: NULL when run_dir holds one.  -ENOENT: no agent has run there; -EACCES, -EPERM: not for this
 * user; ...: err says so. */
int maps_open(const char *run_dir, const char *chassis, struct datapath **ret, struct err *err);
