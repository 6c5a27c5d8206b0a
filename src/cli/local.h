/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/watch.h"
#include "schema/ovs.h"
#include "util/err.h"

/* The local Open_vSwitch database, as plug, unplug and their relatives use it: one transaction, then wait until the
 * agent has carried it out (cur_cfg reaches next_cfg), as ovs-vsctl does. */
struct local {
	struct watch *watch;
	unsigned int timeout_ms;
};

/* db: NULL takes the default. */
int local_open(struct local *local, const char *db, long long timeout_s, struct err *err);
void local_close(struct local *local);

const char *local_setting(const struct local *local,
			  const char *key); /* external_ids of the root; NULL: not set */
const char *local_integration(const struct local *local); /* the integration bridge's name */
const struct ovs_bridge *local_find_bridge(const struct local *local, const char *name);
/* The bridge that holds the interface, and the port it is part of (if ret_port); NULL: none. */
const struct ovs_bridge *local_bridge_of(const struct local *local, const char *iface,
					 const struct ovs_port **ret_port);

/* Adds one to next_cfg and sends; steals txn. */
int local_commit(struct local *local, struct txn *txn, struct err *err);
/* Takes the interface's port out of its bridge.  -ENOENT: it is on none; -EINVAL: it is the bridge's own. */
int local_remove(struct local *local, const char *iface, struct err *err);
/* Until the agent has done what was committed. */
int local_wait(struct local *local, struct err *err);
