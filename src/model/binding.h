/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/uuid.h"

/* Which logical ports this chassis claims, releases, and reports as up: the machine of reference
 * ovn.md 4.4 with the rules of 1.2 and 1.6.  Compares what should be with the rows that are there, and
 * writes the difference into two transactions, so that it can be run again after any failure.
 *
 * ifaces must be the whole truth: a port of ours without an interface is released.  So run it only
 * once the local database and the devices are known.
 *
 * VIF (type ""): chassis := ours, up := false -> (datapath has it) -> up := true together with
 * Interface.external_ids:ovn-installed=true and ovn-installed-ts.  Released: chassis and encap cleared, up := false,
 * ovn-installed removed.  localport: never claimed; a chassis left over in its row is cleared.
 * A claim of a port that another chassis holds waits until 2 s after our own last claim of it, and two
 * hosts that both want it do not take it from each other in turns: after losing it once, we wait for it to be
 * released, or for our interface to be plugged anew.  Interface.external_ids:heddle-lost=LPORT remembers that beyond a restart.
 * Claims and releases are guarded (txn_verify()): whoever acted first on the server wins. */
struct binding;
struct replica;
struct txn;

struct binding *binding_new(void);
void binding_free(struct binding *binding);

struct binding_iface {
	const char *name; /* Interface.name */
	struct uuid uuid; /* Interface row in the local database */
	const char *iface_id;
	bool has_device;          /* ofport > 0 */
	bool installed;           /* programs attached and network_is_installed() */
	bool shadowed;            /* another interface with the same iface-id is used instead */
	const struct uuid *encap; /* Port_Binding.encap to set, or NULL (reference 4.3) */
};

/* What happened, for the log and for "heddle show".  Strings are borrowed for the call. */
struct binding_event {
	enum {
		BINDING_CLAIMED,
		BINDING_RELEASED,
		BINDING_UP,
		BINDING_LOST,     /* another chassis took it */
		BINDING_REFUSED,  /* held by another chassis, or requested elsewhere; said once */
		BINDING_SHADOWED, /* another interface here has the same iface-id; said once */
	} kind;
	const char *lport;
	const char *iface;
	const char *other; /* the other chassis' or, if shadowed, interface's name, or NULL */
};

struct binding_in {
	struct replica *sb;         /* looked up by name, hence not const */
	const struct replica *ovs;  /* the local database: reads Interface.external_ids of ifaces */
	const struct uuid *chassis; /* our Chassis row */
	const struct binding_iface *ifaces;
	size_t n_ifaces;
	uint64_t now_ms; /* monotonic */
	int64_t wall_ms; /* for ovn-installed-ts */
	void (*event)(void *arg, const struct binding_event *event);
	void *arg;
};

/* Notes the changed Port_Binding rows.  binding_run() does so too: only a batch of changes that is
 * advanced over without a run needs it. */
void binding_update(struct binding *binding, const struct replica *sb, const struct uuid *chassis);
/* Returns when to run again at the latest (now_ms scale; UINT64_MAX: only after changes). */
uint64_t binding_run(struct binding *binding, const struct binding_in *in, struct txn *sb_txn,
		     struct txn *ovs_txn);
/* Orderly exit: clears every binding of ours and our marks on interfaces, in the same two transactions. */
void binding_release_all(struct binding *binding, const struct binding_in *in, struct txn *sb_txn,
			 struct txn *ovs_txn);
