/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dp_abi.h"
#include "model/dp_state.h"

/* The kernel side of a host: programs and maps, loaded and pinned below one bpffs directory, links on
 * devices.  The only user of libbpf.  Works in the calling thread's network namespace.
 *
 * Life: datapath_open() finds what an earlier process pinned (same DP_ABI and same program text), or loads
 * afresh and takes over the pinned maps; nothing that runs is interrupted.  datapath_close() leaves everything
 * running; datapath_remove() takes it all away. */
struct datapath;
struct err;

struct datapath_opts {
	/* Mounted here if it is no bpffs yet; pins go to <bpffs_dir>/v<DP_ABI>/. */
	const char *bpffs_dir;
	bool force_clsact; /* tests: behave as on Linux 6.1, which has neither tcx nor DECAP_L3 */
};

/* -EPERM: not root, -ENOTSUP: no BPF here, ...: err says what to do. */
int datapath_open(const struct datapath_opts *opts, struct datapath **ret, struct err *err);
void datapath_close(struct datapath *dp);
/* Detaches every link and removes pins and directory (also those of an earlier process). */
int datapath_remove(const char *bpffs_dir, struct err *err);

enum datapath_hook {
	DATAPATH_WORKLOAD, /* vif_in and vif_out */
	DATAPATH_UNDERLAY, /* und_in */
};

/* Attaches, or adopts the pinned link if it is on that very device (a re-created device has a new
 * ifindex, and the old link is defunct).  Attaching twice is success. */
int datapath_attach(struct datapath *dp, enum datapath_hook hook, uint32_t ifindex,
		    struct err *err);
int datapath_detach(struct datapath *dp, enum datapath_hook hook, uint32_t ifindex);
/* Visits the devices attached now (adopted ones too), so that the owner can detach what it no longer wants. */
void datapath_each_attached(struct datapath *dp,
			    void (*visit)(void *arg, enum datapath_hook hook, uint32_t ifindex),
			    void *arg);

/* Reports every entry of the configuration maps to dp_state_have(). */
int datapath_read(struct datapath *dp, struct dp_state *state, struct err *err);
/* Carries out what is pending.  Returns how many operations failed; err names the first object and reason ("neighbors map
 * is full: ..."). */
int datapath_apply(struct datapath *dp, struct dp_state *state, struct err *err);

/* Counters, summed over CPUs.  -ENOENT: the port has none. */
int datapath_counters(struct datapath *dp, uint32_t ifindex, struct dp_counters *ret);
int datapath_each_drop(struct datapath *dp,
		       void (*visit)(void *arg, const struct dp_drop_key *key, uint64_t packets),
		       void *arg);

/* A drop that finds no room in its map is not counted.  If the map has more than most entries, those of ports that state
 * does not have, and of devices that are gone, are forgotten. */
void datapath_prune_drops(struct datapath *dp, const struct dp_state *state, size_t most);

/* Every entry of the tunnels map, our own addresses' too.  0 or negative errno. */
int datapath_each_tunnel(struct datapath *dp,
			 void (*visit)(void *arg, const struct dp_tunnel_key *key,
				       const struct dp_tunnel *value),
			 void *arg);

/* For commands beside the running agent: opens the pinned maps for reading only. */
int datapath_open_readonly(const char *bpffs_dir, struct datapath **ret, struct err *err);

const char *dp_drop_name(enum dp_drop reason); /* "no_destination" */
const char *dp_drop_text(enum dp_drop reason); /* "no port has the destination MAC address" */
