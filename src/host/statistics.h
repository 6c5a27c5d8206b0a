/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Interface.statistics, as ovs-vswitchd writes it every five seconds: of a workload's device the datapath's own
 * packet and byte counters (bpf_redirect_peer() passes the kernel's by), of all others, and of errors, the kernel's.
 * "rx" is what came from the device. */
struct datapath;
struct links;
struct statistics;
struct switchd;
struct txn;

struct statistics *statistics_new(void);
void statistics_free(struct statistics *statistics);
/* What was put is not there: the transaction was refused, or the database has forgotten (the column is ephemeral). */
void statistics_clear(struct statistics *statistics);
/* Puts what has changed since the last call.  dp may be NULL. */
void statistics_write(struct statistics *statistics, const struct switchd *switchd,
		      struct links *links, struct datapath *dp, struct txn *txn);
